"""The two sides of a comparison: the LSTMs of each, their hyperparameters and tensors, and which goes with which.

Not here: how a pair differs (`differences`).
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.errors import ConfigError, SourceError, TooLargeError, UsageError, printable, shown_name
from lstmcalc.frameworks.storage import Storage
from lstmcalc.intake.flags import Typed, read_flags, read_settings, several
from lstmcalc.intake.resolve import MAX_MODULES, chosen_of, lstms_of, subjects_of
from lstmcalc.intake.subject import Subject
from lstmcalc.readers import sources
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.report.tree import check_rows
from lstmcalc.spec.config import HYPERPARAMETERS, LSTMConfig
from lstmcalc.spec.provenance import Layer

# What the shapes and names of weights depend on; of the rest no weight file says anything with its tensors.
IN_WEIGHTS: Final = tuple(field for field in HYPERPARAMETERS if field not in ("batch_first", "dropout"))
STATE_DICTS: Final = ("pytorch", "pytorch-cell")  # whose names are those of a state dict
_TWO: Final = 2  # sides


class Item(NamedTuple):
    """A tensor of one side.

    Attributes:
        shape: Its shape.
        dtype: Its dtype; None where nothing says it.
        stored: The tensor in a file; None if there is none.
    """

    shape: tuple[int, ...]
    dtype: str | None = None
    stored: Stored | None = None


class Side(NamedTuple):
    """An LSTM on one side of a comparison."""

    found: Found
    source: str  # its source, in words
    config: LSTMConfig
    known: frozenset[str]  # the hyperparameters that the source says, or that follow from it
    items: Mapping[
        str, Item
    ]  # its tensors by its framework's names, of PyTorch as in the `state_dict` of the LSTM alone
    prefix: str | None = None  # the beginning of these names in the file; None where that is not known

    @property
    def name(self) -> str:
        """Its path in the source."""
        return self.found.name

    @property
    def framework(self) -> str:
        """A name of `frameworks.catalog`."""
        return self.found.framework

    @property
    def is_file(self) -> bool:
        """True for an LSTM of a weight file."""
        return self.found.weights is not None


class Sides(NamedTuple):
    """What is compared.

    Attributes:
        pairs: The LSTMs that belong together; None where one side has none.
        words: What each side is called in a sentence.
        others: The names of those of the file that nothing was compared with.
    """

    pairs: Sequence[tuple[Side | None, Side | None]]
    words: tuple[str, str]
    others: Sequence[str] = ()


def read_sides(typed: Mapping[str, Typed]) -> Sides:
    """The LSTMs of the two sources, or of one and of the flags, in pairs.

    A weight file is the first side, whichever of the two it is. `--module` is the name in at least one of them; of one
    that has but one LSTM that is taken. Names that are the same, or of which one ends in the other, belong together;
    what is left goes with what it fits best.

    Raises:
        UsageError: There is nothing to compare, or no such module.
        SourceError: One of them cannot be read, or has no LSTM.
        TooLargeError: There are too many LSTMs or tensors.
    """
    first, second = (str(typed[name]) if typed.get(name) is not None else None for name in ("file", "source"))
    if first is None:
        raise UsageError("no file is named", "a weight file, as model.safetensors", hint="see lstmcalc diff -h")
    flags, known = read_flags(typed), read_settings(several(typed.get("set")))
    if second is None and not flags and not sources.find_config():
        raise UsageError(
            f"there is nothing to compare {printable(first)} with",
            expected='another SOURCE, or flags as --hidden 20: lstmcalc diff FILE "nn.LSTM(10, 20, 2)"',
            hint="see lstmcalc diff -h",
        )
    modules = several(typed.get("module"))
    if len(modules) > _TWO:
        raise UsageError("too many modules", "one of each side", f"{len(modules)}", where="--module")
    if first == second == "-":
        raise UsageError("standard input can be read once", expected="a file, or text", where="SOURCE")
    weighty = sources.has_weights(first), second is not None and sources.has_weights(second)
    if all(weighty) and flags:
        raise UsageError("flags do not change a weight file", "one of the two", hint="compare with the flags alone")
    wanted = (modules[0], modules[-1]) if modules else (None, None)
    # Flags and --set are for the second side, and for the text where the other one is a weight file.
    asked = [(first, wanted[0]), (second, wanted[1])]
    if weighty == (False, True):
        asked, weighty = asked[::-1], (True, False)
    (files, named), (models, named_too) = _side(*asked[0], {}, {}), _side(*asked[1], flags, known)
    if modules and not (named or named_too):
        sources.pick([side.name for side in files], modules[0])  # says which there are
    pairs, others = _paired(files, models, one_asked=len(models) == 1 and not weighty[1])
    return Sides(pairs, _words(files[0].source, models[0].source, weighty), others)


def _side(source: str | None, module: str | None, flags: Layer, known: Mapping[str, object]) -> tuple[list[Side], bool]:
    """The LSTMs of a source, or of flags alone, and True if one of them is called `module`; then it is that alone."""
    found = lstms_of(source, known) or [Found("lstm", "pytorch")]
    stored = found[0].weights is not None
    if stored and len(found) > MAX_MODULES:
        raise TooLargeError("too many LSTMs to compare", f"at most {MAX_MODULES:,}", f"{len(found):,}")
    if stored and module is not None:
        _refuse_relatives(_file_of(found[0]), module, str(source))
    chosen, matched = _chosen(found, module)
    if stored:
        near = _by_place(_file_of(found[0]))
        return [_of_file(item, near, str(source)) for item in chosen], matched
    subjects = subjects_of(found, chosen, flags, unknown="input_size")
    return [_of_text(subject, item, source) for subject, item in zip(subjects, chosen, strict=True)], matched


def _file_of(found: Found) -> WeightFile:
    """The weight file that an LSTM was found in."""
    assert found.stored.file is not None  # noqa: S101  # recognition says which
    return found.stored.file


def _words(first: str, second: str, weighty: tuple[bool, bool]) -> tuple[str, str]:
    """What the sides are called."""
    if weighty == (True, True):
        names = [printable(os.path.basename(source)) for source in (first, second)]  # noqa: PTH119  # of text
        return (names[0], names[1]) if names[0] != names[1] else ("the first file", "the second file")
    return ("the file", "the model") if weighty[0] else ("the first", "the second")


def _refuse_relatives(file: WeightFile, module: str, path: str) -> None:
    """Say of a GRU what it is.

    Raises:
        SourceError: The module is one, or another relative of an LSTM.
    """
    for item in file.relatives:
        if module == printable(item.unit) or printable(item.unit).endswith(f".{module}"):
            sizes = [("input", item.input_size), ("hidden", item.hidden_size)]
            known = "".join(f", {what} {size:,}" for what, size in sizes if size)
            raise SourceError(
                f"{printable(item.unit)} of {shown_name(path)} is no LSTM",
                "the weights of one",
                f"those of a {printable(item.kind)}{known}",
                where="--module",
            )


def _chosen(found: Sequence[Found], module: str | None) -> tuple[Sequence[Found], bool]:
    """The LSTMs to compare, and True if `module` is the name of one; where there is one alone, it need not be."""
    if module is None:
        return found, False
    try:
        return chosen_of(found, [module]), True
    except UsageError:
        if len(found) > 1:
            raise
        return found, False


_Near: TypeAlias = Mapping[str, Sequence[tuple[int, Stored]]]


def _by_place(file: WeightFile) -> _Near:
    """The tensors of a file with their positions, by their module, others by what is before their name's last dot."""
    near: dict[str, list[tuple[int, Stored]]] = {}
    for position, tensor in enumerate(file.tensors):
        owner = file.owners.get(tensor.name)
        place = f"of {owner}" if owner is not None else f"at {tensor.name.rpartition('.')[0]}"
        near.setdefault(place, []).append((position, tensor))
    return near


def _of_file(found: Found, near: _Near, path: str) -> Side:
    """An LSTM of a weight file, with the tensors that its module has there."""
    tensors = found.stored.tensors
    names = {tensor.name: native for native, tensor in tensors.items()}
    prefix = next((name[: -len(native)] for name, native in names.items() if name.endswith(native)), None)
    items: dict[str, Item] = {}
    for tensor in _tensors(found, prefix, near):
        key = names.get(tensor.name) or tensor.name.removeprefix(prefix or "")
        items.setdefault(key, Item(tensor.shape, tensor.dtype, tensor))
    if found.framework not in STATE_DICTS:  # what the file's own graph computes is the layer's all the same
        items = {native: Item(tensor.shape, tensor.dtype, tensor) for native, tensor in tensors.items()} | items
    check_rows(len(items), "tensor", "--module NAME of one LSTM")
    certain = {field for field, (_, origin) in found.layer.items() if origin.certainty != "unknown"}
    known = (certain & set(HYPERPARAMETERS)) - found.gaps.keys()
    if not found.framework.startswith("pytorch"):
        known -= {"batch_first"}  # PyTorch's
    begin = None if prefix is None else without_container(prefix)
    return Side(found, shown_name(path), found.stored.config, frozenset(known), items, begin)


def notes_of(found: Found) -> tuple[str, ...]:
    """The notes on an LSTM, and one for everything that is not modelled of it."""
    odd = (f"{item} is not modelled: the same shapes compute something else" for item in found.unmodelled)
    return (*found.notes, *odd)


def without_container(prefix: str) -> str:
    """What names begin with inside of the dictionary of a checkpoint that holds the state dict."""
    head, dot, rest = prefix.partition(".")
    return rest if dot and head in _CONTAINERS else prefix


# Keys of checkpoints, which `load_state_dict` is not given: of Lightning 2.6.5 (`state_dict`), and of habit.
_CONTAINERS: Final = ("state_dict", "model_state_dict", "model_state")


def _tensors(found: Found, prefix: str | None, near: _Near) -> list[Stored]:
    """The tensors of an LSTM in the order of the file, and those of no other module that stand beside them.

    PyTorch would not expect those.
    """
    all_own = near.get(f"of {found.stored.module}", ())
    own = [(place, tensor) for place, tensor in all_own if tensor.name.startswith(prefix or "")]
    if prefix is not None and found.framework in STATE_DICTS and "/" not in prefix:
        own += near.get(f"at {prefix.removesuffix('.')}", ())
    return [tensor for _, tensor in sorted(own, key=lambda item: item[0])]


def _of_text(subject: Subject, found: Found, source: str | None) -> Side:
    """An LSTM of text, or of flags, with the tensors that it would have."""
    where = next((origin.where for origin in subject.provenance.values() if origin.source == "config"), None)
    text = (where or "flags") if source is None else shown_name(source)
    known = {
        field
        for field in HYPERPARAMETERS
        if subject.provenance[field].certainty not in ("assumed", "unknown")
        and (field != "batch_first" or subject.framework.startswith("pytorch"))
    }
    return Side(found, text, subject.config, frozenset(known), items_of(subject.config, subject.framework))


def items_of(config: LSTMConfig, framework: str, dtype: str | None = None) -> dict[str, Item]:
    """The tensors that an LSTM has.

    Raises:
        TooLargeError: They are too many.
        UnsupportedError: The framework cannot express it.
    """
    rows = Storage(config, framework).parameters
    check_rows(len(rows), "tensor")
    return {row.name: Item(row.shape, dtype) for row in rows}


def adopted(side: Side, other: Side) -> Side:
    """A side with what only the other one says of the sizes: what is not known is no difference."""
    open_sizes = [field for field in IN_WEIGHTS if field not in side.known and field in other.known]
    if not open_sizes:
        return side
    try:
        config = replace(side.config, **{field: getattr(other.config, field) for field in open_sizes})
    except ConfigError:  # a projection that is wider: no LSTM has both
        return side
    return side._replace(config=config, items=side.items if side.is_file else items_of(config, side.framework))


def _paired(
    files: Sequence[Side], models: Sequence[Side], *, one_asked: bool
) -> tuple[list[tuple[Side | None, Side | None]], list[str]]:
    """Which LSTM goes with which, in the order of the second side; then those of the first that are left."""
    found: dict[int, int] = {}  # of the second side, to the first
    spare = dict(enumerate(files))
    if len(files) == len(models) == 1:
        found[0] = 0
        del spare[0]
    for alike in (_is_same, _ends_alike):
        for number, model in enumerate(models):
            fitting = [i for i, file in spare.items() if alike(file.name, model.name)] if number not in found else []
            if len(fitting) == 1:
                found[number] = fitting[0]
                del spare[fitting[0]]
    left = [number for number in range(len(models)) if number not in found]
    for distance, number, index in sorted((_distance(files[i], models[n]), n, i) for n, i in product(left, spare)):
        if number not in found and index in spare and (one_asked or distance < _UNLIKE):
            found[number] = index
            del spare[index]
    pairs: list[tuple[Side | None, Side | None]] = [
        (files[found[number]] if number in found else None, model) for number, model in enumerate(models)
    ]
    unpaired = list(spare.values())
    if one_asked:
        return pairs, [file.name for file in unpaired]
    return pairs + [(file, None) for file in unpaired], []


def _is_same(first: str, second: str) -> bool:
    return first == second


def _ends_alike(first: str, second: str) -> bool:
    return first.endswith(f".{second}") or second.endswith(f".{first}")


_UNLIKE: Final = 100  # more than hyperparameters differ: another kind of module


def _distance(file: Side, model: Side) -> int:
    """How much two LSTMs differ, of other names."""
    kinds = [side.framework.endswith("cell") for side in (file, model)]
    fields = [field for field in IN_WEIGHTS if field in file.known and field in model.known]
    differing = len([field for field in fields if getattr(file.config, field) != getattr(model.config, field)])
    return differing + (kinds[0] != kinds[1]) * _UNLIKE
