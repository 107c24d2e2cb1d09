"""The LSTMs of a source under unique names, and those of them that `--module` asks for.

Not here: which setting wins (`resolve`), and how sources are read (`readers.sources`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lstmcalc.errors import SourceError, UsageError
from lstmcalc.intake.flags import Typed, items_of, several
from lstmcalc.readers.found import Found
from lstmcalc.spec.words import unique_names

if TYPE_CHECKING:
    from lstmcalc.readers.text.source_text import SourceText


def lstms_of(
    source: str | None,
    known: Mapping[str, object],
    framework: str = "",
    text: "SourceText | None" = None,
    *,
    repeats: bool = False,
) -> list[Found]:
    """Every LSTM of a source, under unique names; `known` has the values of names in code.

    `framework` is the one whose layout the source has, where it does not say so itself; `text` is the source's, if it
    was read before.

    Without a source it is every LSTM of the configuration file, which need not exist. One that a model in memory has at
    several paths is there once, or with `repeats` at each, as in a state dict.
    """
    if source is None and framework:
        hint = f"--framework {framework} reports an LSTM in its terms"
        raise UsageError("--from needs a weight file", "a SOURCE too", hint=hint, where="--from")
    if source is None:
        from lstmcalc.readers.config_file import find_config

        found = find_config()
    else:
        from lstmcalc.readers.sources import read_source

        found = read_source(source, known, framework, text)
    if source is None and known:
        raise SourceError("there is nothing to set", expected="a SOURCE with names in it", where="--set")
    if not repeats:
        found = [item for item in found if item.weights is None or not _is_repeat(item)]
    return with_unique_names(found)


def _is_repeat(found: Found) -> bool:
    """True for an LSTM of a model in memory that has another path before."""
    file = found.stored.file
    return file is not None and found.name in file.repeats


def names_in(source: str) -> list[str]:
    """The names of the LSTMs of a file; of Keras those that its configuration states, as reading HDF5 takes long."""
    from lstmcalc.readers.texts import has_weights

    if has_weights(source):
        from lstmcalc.readers.files.kinds import weight_kind

        if weight_kind(source) == "keras":
            from lstmcalc.readers.keras.files import stated_names

            if stated := stated_names(source):
                return stated
    return [found.name for found in lstms_of(source, {})]


def asked_modules(typed: Typed, names: Iterable[str] = ()) -> list[str]:
    """The names that `--module` asks for; a text with a comma is one name if a module is called so, else a list."""
    from lstmcalc.readers.picking import spellings

    known, asked = list(names), list[str]()
    for text in several(typed):
        listed = "," in text and not any(
            one == text or one.endswith(f".{text}") for name in known for one in spellings(name)
        )
        asked += items_of(text) if listed else [text]
    return asked


def chosen_lstms(found: Sequence[Found], modules: Sequence[str]) -> list[Found]:
    """The LSTMs with these names, or names that end so, in the order of the source; all if no names are given."""
    from lstmcalc.readers.picking import pick

    picked = {pick([item.name for item in found], name) for name in modules}
    return [item for item in found if not modules or item.name in picked]


def with_unique_names(found: Sequence[Found]) -> list[Found]:
    """The LSTMs with unique names."""
    names = unique_names(item.name for item in found)
    return [item if item.name == name else item._replace(name=name) for item, name in zip(found, names, strict=True)]
