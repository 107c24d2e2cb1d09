"""The file of `--config`: settings of lstmcalc itself, or values for names in code, told apart by its content.

Tables `[lstm]`, `[data]`, `[around]` are lstmcalc's own settings, and so are PyTorch's names alone where SOURCE is no
code. Anything else gives values to the names that code leaves open.

Not here: which setting wins (`resolve`), and which key is meant by a name (`readers.configurations.names`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lstmcalc.errors import ContradictionError, UsageError
from lstmcalc.intake.choosing import lstms_of, with_unique_names
from lstmcalc.intake.flags import Typed, read_settings
from lstmcalc.readers.found import Found
from lstmcalc.spec.provenance import Gap, Known, Setting

if TYPE_CHECKING:
    from lstmcalc.readers.text.source_text import SourceText

_TABLES: Final = ("lstm", "data", "around")
_FLAG: Final = "--config"
_IN_TENSORS: Final = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")


class Given(NamedTuple):
    """Everything that is known before a source is read."""

    known: Mapping[str, Any]  # the values of names in code
    text: "SourceText | None" = None  # the source's text, if it was read
    own: Sequence[Found] = ()  # the LSTMs of lstmcalc's own settings in the file
    instead: Sequence[Found] = ()  # those of the file, if there is no source


def given_settings(typed: Mapping[str, Typed], source: str | None) -> Given:
    """The values of `--set` and of the file of `--config`."""
    known, path = read_settings(typed.get("set")), typed.get("config")
    if path is None:
        return Given(known)
    from lstmcalc.readers.sources import is_code, read_text
    from lstmcalc.readers.texts import file_text, has_weights, source_text

    file = file_text(str(path), _FLAG)
    is_weights = source is not None and has_weights(source)
    text = None if source is None or is_weights else source_text(source)
    takes_values = text is not None and is_code(text)
    from lstmcalc.readers.settings_texts import own_settings, values_of_text

    if source is None:
        return Given(known, instead=own_settings(file, flat=True) or read_text(file, {}))
    own = own_settings(file, flat=not takes_values)
    if own:
        return Given(known, text, own)
    if not takes_values:
        raise UsageError(
            "there is nothing to set",
            "code with names in it, or settings of lstmcalc: lstm with hidden_size below, ...",
            where=_FLAG,
        )
    return Given(Known(known, values_of_text(file)), text)


def found_with(given: Given, source: str | None, framework: str = "", *, repeats: bool = False) -> list[Found]:
    """Every LSTM of a source, as `lstms_of`, with what is given; those of the file if there is no source."""
    if given.instead:
        return with_unique_names(given.instead)
    return with_settings(lstms_of(source, given.known, framework, given.text, repeats=repeats), given.own)


def with_settings(found: Sequence[Found], own: Sequence[Found]) -> list[Found]:
    """The LSTMs of a source with lstmcalc's own settings of a file, which come before what the source says.

    Raises:
        ContradictionError: A setting contradicts the arrays of a weight file.
        NotFoundError: The file has settings of an LSTM that the source does not have.
    """
    from lstmcalc.readers.picking import pick

    made = list(found)
    for item in own:
        alone = len(own) == 1 and item.name == "lstm"
        names = [one.name for one in made]
        picked = names if alone else [pick(names, item.name)]
        made = [_set(one, item) if one.name in picked else one for one in made]
    return made


def _set(found: Found, own: Found) -> Found:
    layer: dict[str, Setting] = {**found.layer, **own.layer}
    for field in _IN_TENSORS if found.weights else ():
        said, other = found.layer.get(field), own.layer.get(field)
        if said is not None and other is not None and said.value != other.value:
            raise ContradictionError(
                f"{found.name} in {found.where} has another {field}",
                str(said.value),
                str(other.value),
                "leave it out of the file",
                where=other.origin.where or _FLAG,
            )
    gaps: dict[str, Gap] = {field: gap for field, gap in found.gaps.items() if field not in own.layer}
    reads = "" if "input_size" in own.layer else found.reads
    pointers = {**found.pointers, **{field: item for field, item in own.pointers.items() if field}}
    return found._replace(layer=layer, gaps=gaps, reads=reads, pointers=pointers)
