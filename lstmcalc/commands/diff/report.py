"""The report of diff: differences in settings, tensors and numbers, and their likely causes.

Messages about keys are those of PyTorch's `load_state_dict`, strict, with the same words in the same order (torch
2.13.0, torch/nn/modules/module.py, `_load_from_state_dict` and `load_state_dict`).

Not here: the pairs of LSTMs to compare (`sides`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from lstmcalc.commands.diff.sides import (
    IN_WEIGHTS,
    STATE_DICTS,
    Item,
    Side,
    Sides,
    adopted,
    items_of,
    notes_of,
    read_sides,
)
from lstmcalc.commands.diff.verdicts import Verdict, has_paths, judged
from lstmcalc.errors import UsageError, printable
from lstmcalc.frameworks.storage import find_layout
from lstmcalc.intake.flags import Typed
from lstmcalc.intake.resolve import check_order
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import paired_blocks
from lstmcalc.report.document import SCHEMA
from lstmcalc.report.progress import Progress, Tally
from lstmcalc.spec.config import HYPERPARAMETERS
from lstmcalc.spec.words import counted, with_rest
from lstmcalc.version import __version__

if TYPE_CHECKING:
    from lstmcalc.numerics.arrays import Array

BAD: Final = ("missing", "unexpected", "misshaped")
_LISTED: Final = 4  # names in a sentence

Words = tuple[str, str]
SettingStatus: TypeAlias = Literal["equal", "different", "aside", "unknown"]  # `aside`: no weight depends on it
# In the words of PyTorch; `different` if the numbers differ by more than the tolerance.
TensorStatus: TypeAlias = Literal["equal", "missing", "unexpected", "misshaped", "different"]


class SideRow(NamedTuple):
    """An LSTM that is compared."""

    source: str  # in words
    name: str  # its path in the source
    framework: str
    text: str
    prefix: str | None  # the beginning of its tensors' names; None if unknown


class SettingRow(NamedTuple):
    """A hyperparameter on both sides."""

    name: str
    file: float | None  # an int, a float or a bool; None if unknown
    model: float | None
    status: SettingStatus


@dataclass(frozen=True, slots=True)
class TensorRow:
    """A tensor on both sides; what is of a side that does not have it is None."""

    name: str
    status: TensorStatus
    file_shape: Sequence[int] | None
    model_shape: Sequence[int] | None
    file_dtype: str | None  # None, too, if unknown
    model_dtype: str | None


@dataclass(frozen=True, slots=True)
class ValuedRow(TensorRow):
    """A tensor whose numbers are compared."""

    max_abs_difference: float | None  # None if it is not finite, or if the numbers cannot be compared


class DiffModule(NamedTuple):
    """The comparison of one LSTM with another, or with none."""

    name: str
    framework: str  # whose tensor names are compared
    text: str
    file: SideRow | None  # None if there is no such LSTM on this side
    model: SideRow | None
    words: Words  # the name of each side in a sentence
    mapped: bool  # True if the tensors of a side were mapped to PyTorch's
    hyperparameters: Sequence[SettingRow]
    tensors: Sequence[TensorRow]  # `ValuedRow` if numbers were compared
    causes: Sequence[str]
    load_state_dict: Sequence[str]  # PyTorch's messages, line by line
    tolerance: float | None  # the largest allowed difference of numbers; None if none are compared
    fits: bool
    notes: list[str]


class DiffReport(NamedTuple):
    """The document of a comparison."""

    schema: int
    lstmcalc: str  # the version
    command: str
    modules: Sequence[DiffModule]
    verdict: Verdict
    root: str | None  # the class of the model that the file is loaded into; None if unknown
    repair: Sequence[str]  # lines of code
    not_compared: Sequence[str]  # names of tensors
    messages: Sequence[str]  # PyTorch's when the file is loaded into the whole model, line by line
    causes: Sequence[str]  # in sentences: those that the LSTMs' settings do not explain
    others: Sequence[ValuedRow]  # arrays outside the LSTMs whose numbers were compared


def diff_modules(sides: Sides, tolerance: float | None = None, progress: Progress | None = None) -> list[DiffModule]:
    """The differences of each pair of LSTMs of two sources.

    Args:
        sides: Both sources.
        tolerance: The largest allowed difference of numbers; None to compare no numbers.
        progress: Called after every block of numbers.
    """
    if tolerance is not None and not all(side is None or side.is_file for pair in sides.pairs for side in pair):
        raise UsageError("there are no numbers to compare", "two weight files", where="--values")
    for side in (side for pair in sides.pairs for side in pair if side and tolerance is not None):
        check_order(side.found)
    found = [_pair(file, model, sides, tolerance, progress) for file, model in sides.pairs]
    if sides.others:
        more = ", ..." if len(sides.others) > _LISTED else ""
        listed = ", ".join(printable(name) for name in sides.others[:_LISTED])
        found[0].notes.append(f"not compared: {listed}{more} of the file; --module NAME picks one")
    return found


def _pair(
    file: Side | None, model: Side | None, sides: Sides, tolerance: float | None, progress: Progress | None
) -> DiffModule:
    """The comparison of one LSTM with another, or with none."""
    words = sides.words
    notes = [note for side in (file, model) if side for note in notes_of(side.found)]
    if file and model:
        file, model = adopted(file, model), adopted(model, file)
    terms = _terms(file, model)
    items = [_items(side, terms) for side in (file, model)]
    rows: Sequence[TensorRow] = _rows(*items)
    settings = _settings(file, model)
    prefixes = _prefixes(file, model)
    causes = list(_causes(file, model, words, rows, terms))
    beyond = 0
    if tolerance is not None and file and model:
        rows = valued = _with_differences(rows, file, model, items, terms, tolerance, progress)
        beyond = sum(is_beyond(row, tolerance) for row in valued)
        if beyond:
            causes.append(f"the numbers of {counted(beyond, 'tensor')} differ by more than {tolerance:g}")
    mapped = bool(file and model) and any(side.framework != terms for side in (file, model) if side)
    if file and model and mapped:
        notes.append(_mapped_note(file, model, words))
    notes += [f"dtype differs: {_dtypes(rows, words)}: load_state_dict converts it"] if _dtypes(rows, words) else []
    differ = any(row.status in BAD for row in rows) or any(row.status == "different" for row in settings)
    wrong = (
        prefixes
        or _mapping_faults(file, terms)
        or _mapping_faults(model, terms)
        or _unmodelled_items(file, model, rows)
    )
    notes += _idle_notes(settings, words)
    shown = file or model
    assert shown is not None  # noqa: S101  # a pair has one of them
    return DiffModule(
        name=printable(shown.name),
        framework=terms,
        text=str(shown.config),
        file=_side_row(file),
        model=_side_row(model),
        words=words,
        mapped=mapped,
        hyperparameters=settings,
        tensors=rows,
        causes=list(dict.fromkeys(causes)),
        load_state_dict=_torch_lines(rows, prefixes, _path_of(model, sides)) if terms in STATE_DICTS else [],
        tolerance=tolerance,
        fits=not (differ or beyond or wrong),
        notes=list(dict.fromkeys(notes)),
    )


def _terms(file: Side | None, model: Side | None) -> str:
    """The framework whose tensor names are compared: that of both sides, else PyTorch."""
    frameworks = {side.framework for side in (file, model) if side}
    return next(iter(frameworks)) if len(frameworks) == 1 else "pytorch"


def _items(side: Side | None, terms: str) -> Mapping[str, Item]:
    """The tensors of a side, under the names of the framework `terms`."""
    if side is None:
        return {}
    if side.framework == terms:
        return side.items
    dtypes = {item.dtype for item in side.items.values()}
    return items_of(side.config, terms, next(iter(dtypes)) if len(dtypes) == 1 else None)


def _side_row(side: Side | None) -> SideRow | None:
    if side is None:
        return None
    prefix = None if side.prefix is None else printable(side.prefix)
    return SideRow(printable(side.source), printable(side.name), side.framework, str(side.config), prefix)


def _settings(file: Side | None, model: Side | None) -> list[SettingRow]:
    """A row per hyperparameter; one that no weight depends on is `different` only if neither side is a weight file."""
    rows = []
    free = not any(side and side.is_file for side in (file, model))
    for field in HYPERPARAMETERS:
        values = [getattr(side.config, field) if side and field in side.known else None for side in (file, model)]
        status: SettingStatus = "unknown"
        if None not in values:
            unlike: SettingStatus = "different" if free or field in IN_WEIGHTS else "aside"
            status = "equal" if values[0] == values[1] else unlike
        rows.append(SettingRow(field, values[0], values[1], status))
    return rows


def _idle_notes(settings: Sequence[SettingRow], words: Words) -> list[str]:
    """Notes on different hyperparameters that no weight depends on."""
    return [
        f"{row.name} is {row.file} in {words[0]} and {row.model} in {words[1]}: no weight depends on it"
        for row in settings
        if row.status == "aside"
    ]


def _rows(file: Mapping[str, Item], model: Mapping[str, Item]) -> list[TensorRow]:
    """A row per tensor: those of the model in its order, then those of the file alone."""
    rows = [_row(name, file.get(name), item) for name, item in model.items()]
    return rows + [_row(name, item, None) for name, item in file.items() if name not in model]


def _row(name: str, file: Item | None, model: Item | None) -> TensorRow:
    status: TensorStatus = "unexpected" if file else "missing"
    if file and model:
        status = "equal" if file.shape == model.shape else "misshaped"
    shapes = file.shape if file else None, model.shape if model else None
    return TensorRow(printable(name), status, *shapes, file.dtype if file else None, model.dtype if model else None)


def _dtypes(rows: Sequence[TensorRow], words: Words) -> str:
    """The first pair of different dtypes, in words; empty if there is none."""
    for row in rows:
        if row.file_dtype and row.model_dtype and row.file_dtype != row.model_dtype:
            return f"{row.name} is {row.file_dtype} in {words[0]} and {row.model_dtype} in {words[1]}"
    return ""


def _mapped_note(file: Side, model: Side, words: Words) -> str:
    titles = [find_layout(side.framework).title for side in (file, model)]
    return (
        f"compared as PyTorch's nn.LSTM has it, to which the tensors were mapped: {words[0]} is of {titles[0]}, "
        f"{words[1]} of {titles[1]}"
    )


def _prefixes(file: Side | None, model: Side | None) -> tuple[str, str] | None:
    """The prefixes of the names in two files of state dicts, if they differ."""
    for side in (file, model):
        if side is None or not side.is_file or side.prefix is None or side.framework not in STATE_DICTS:
            return None
    if not file or not model or file.prefix is None or model.prefix is None or file.prefix == model.prefix:
        return None
    return printable(file.prefix), printable(model.prefix)


def _path_of(model: Side | None, sides: Sides) -> str:
    """The beginning of the names of the model's LSTM in messages; empty if it is taken alone."""
    if model is None or not sides.entire:
        return ""
    return printable(model.prefix or "") if model.is_file else f"{printable(model.name)}."


def _torch_lines(rows: Sequence[TensorRow], prefixes: tuple[str, str] | None, path: str) -> list[str]:
    """PyTorch's messages when the file is loaded into the model, line by line; empty if it loads."""
    if prefixes:
        missing = [f"{prefixes[1]}{row.name}" for row in rows if row.status != "unexpected"]
        unexpected = [f"{prefixes[0]}{row.name}" for row in rows if row.status != "missing"]
    else:
        named = [(f"{path}{row.name}", row.status) for row in rows]
        missing, unexpected = ([name for name, status in named if status == bad] for bad in BAD[:2])
    lines = [
        f"{what} key(s) in state_dict: {', '.join(_quoted_name(name) for name in names)}. "
        for what, names in (("Missing", missing), ("Unexpected", unexpected))
        if names
    ]
    if prefixes:
        return lines
    return lines + [
        f"size mismatch for {path}{row.name}: copying a param with shape {_torch_size(row.file_shape)} "
        f"from checkpoint, the shape in current model is {_torch_size(row.model_shape)}."
        for row in rows
        if row.status == "misshaped"
    ]


def _torch_size(shape: Sequence[int] | None) -> str:
    """A shape as PyTorch prints it."""
    return f"torch.Size({list(shape or ())})"


def _quoted_name(name: str) -> str:
    return f'"{name}"'


def _causes(
    file: Side | None, model: Side | None, words: Words, rows: Sequence[TensorRow], terms: str
) -> Iterator[str]:
    """The causes of the differences, in sentences, the most telling first."""
    if file is None or model is None:
        side, word = (model, words[0]) if file is None else (file, words[1])
        assert side is not None  # noqa: S101  # a pair has one of them
        yield f"{word} has no LSTM like {printable(side.name)}"
        return
    free = () if file.is_file or model.is_file else ("batch_first", "dropout")
    for field in ("bidirectional", "num_layers", "hidden_size", "input_size", "proj_size", "bias", *free):
        if field in file.known & model.known and getattr(file.config, field) != getattr(model.config, field):
            yield _cause(field, file, model, words, terms)
    for side, word in ((file, words[0]), (model, words[1])):
        broken = _mapping_faults(side, terms)
        if broken:
            yield f"{word} is not whole: {broken}"
    odd = _unmodelled_items(file, model, rows)
    if odd:
        yield f"{words[0]} has what {words[1]} has not: {printable(with_rest(odd, _LISTED))}"
    prefixes = _prefixes(file, model)
    if prefixes:
        yield _prefix_cause(*prefixes, words)
    yield from _row_causes(file, model, words, rows)


def _prefix_cause(first: str, second: str, words: Words) -> str:
    """A sentence on the extra prefix of one file's names, or on both prefixes."""
    for more, less, word in ((first, second, words[0]), (second, first, words[1])):
        if more.endswith(less) or more.startswith(less):
            extra = more.removesuffix(less) if more.endswith(less) else more.removeprefix(less)
            return f"names differ by the prefix `{extra}`, which those of {word} have"
    return f"names differ by their prefix: `{first}` in {words[0]}, `{second}` in {words[1]}"


def _cause(field: str, file: Side, model: Side, words: Words, terms: str) -> str:
    """A sentence on the difference in one hyperparameter."""
    values = getattr(file.config, field), getattr(model.config, field)
    if field == "bidirectional":
        which = words if values[0] else words[::-1]
        return f"{which[0]} is bidirectional, {which[1]} is not"
    if field == "bias":
        return f"{words[values[0]]} has no biases, {words[not values[0]]} has"
    if field == "num_layers":
        return f"{words[0]} has {counted(values[0], 'layer')}, {words[1]} {values[1]:,}"
    if field == "proj_size" and not all(values):
        which = words if values[0] else words[::-1]
        return f"{which[0]} has a projection (proj_size = {max(values):,}), {which[1]} has none"
    told = {"hidden_size": "weight_hh", "input_size": "weight_ih"}.get(field, "no evidence")
    name = next((name for name in file.items if name.startswith(told)), None)
    if not file.is_file or name is None or terms not in STATE_DICTS:
        return _plain_cause(field, file, model, words)
    shape = file.items[name].shape
    why = f"4 gates of {values[0]:,} rows" if field == "hidden_size" and file.config.proj_size else f"so {values[0]:,}"
    return f"{field}: {name} of {words[0]} is {shape}, {why}; {words[1]} wants {values[1]:,}"


def _plain_cause(field: str, file: Side, model: Side, words: Words) -> str:
    values = getattr(file.config, field), getattr(model.config, field)
    return f"{field} is {values[0]} in {words[0]} and {values[1]} in {words[1]}"


def _row_causes(file: Side, model: Side, words: Words, rows: Sequence[TensorRow]) -> Iterator[str]:
    """Causes that names and shapes reveal beyond the hyperparameters."""
    gated = [row for row in rows if row.status == "misshaped" and row.name.startswith(("weight_ih", "weight_hh"))]
    without = not any("weight_hh" in name for name in file.items)
    if gated and without and all(row.file_shape and row.file_shape[0] == 3 * model.config.hidden_size for row in gated):
        yield f"the rows of {words[0]} fit a GRU of {model.config.hidden_size:,} too"
    missing, unexpected = ([row.name for row in rows if row.status == status] for status in BAD[:2])
    for listed, which in ((unexpected, words), (missing, words[::-1])):
        normed = [name for name in listed if re.search(_NORMED, name)]
        if normed:
            names = with_rest(normed, _LISTED)
            yield f"{which[0]} has weights under weight_norm, as {names}; {which[1]} has them whole"
            return
    if any(getattr(file.config, field) != getattr(model.config, field) for field in IN_WEIGHTS):
        return
    if missing:
        yield f"{words[0]} lacks {with_rest(missing, _LISTED)}"
    if unexpected:
        yield f"{words[0]} has {with_rest(unexpected, _LISTED)} too"
    misshaped = [row.name for row in rows if row.status == "misshaped"]
    if misshaped:
        have = "has" if len(misshaped) == 1 else "have"
        yield f"{with_rest(misshaped, _LISTED)} of {words[0]} {have} a shape that no such LSTM has"


# Names under torch.nn.utils.weight_norm and parametrizations.weight_norm of torch 2.13.0.
_NORMED: Final = r"^weight_\w+_[gv]$|^parametrizations\."


def _mapping_faults(side: Side | None, terms: str) -> str:
    """Missing tensors and size mismatches that prevent mapping a weight file to the framework `terms`; else empty."""
    if side is None or not side.is_file or side.framework == terms:
        return ""
    wrong = [f"{name} is missing" for name in side.found.stored.missing] + list(side.found.stored.misshaped)
    return printable(with_rest(wrong, _LISTED))


def _unmodelled_items(file: Side | None, model: Side | None, rows: Sequence[TensorRow]) -> list[str]:
    """Reasons why a weight file computes something else than a text describes; empty for any other pair.

    Empty if tensors are missing or unexpected, too: weight_norm has other names, but computes the same.
    """
    if not file or not model or not file.is_file or model.is_file or any(row.status in BAD[:2] for row in rows):
        return []
    return [item for item in file.found.unmodelled if item not in model.found.unmodelled]


def is_beyond(row: TensorRow, tolerance: float) -> bool:
    """True if the numbers of a tensor differ by more than the tolerance, or by no finite number."""
    if not isinstance(row, ValuedRow) or row.status not in ("equal", "different"):
        return False
    return row.max_abs_difference is None or row.max_abs_difference > tolerance


def _judged_row(row: TensorRow, apart: float | None, tolerance: float) -> ValuedRow:
    """The row with the largest difference of its numbers, and its status."""
    shapes, dtypes = (row.file_shape, row.model_shape), (row.file_dtype, row.model_dtype)
    valued = ValuedRow(row.name, row.status, *shapes, *dtypes, apart)
    return ValuedRow(row.name, "different", *shapes, *dtypes, apart) if is_beyond(valued, tolerance) else valued


def _with_differences(
    rows: Sequence[TensorRow],
    file: Side,
    model: Side,
    items: Sequence[Mapping[str, Item]],
    terms: str,
    tolerance: float,
    progress: Progress | None,
) -> list[ValuedRow]:
    """The rows with the largest difference of the numbers.

    It is None if only one side is NaN or infinite, or if the numbers cannot be compared.
    """
    from lstmcalc.numerics.block_statistics import largest_difference

    mapped = {file.framework, model.framework} != {terms}
    loaded: list[Mapping[str, Array]] = []
    if mapped and not (_mapping_faults(file, terms) or _mapping_faults(model, terms)):
        loaded = [_loaded_arrays(side) for side in (file, model)]
    keys = {printable(name): name for listed in items for name in listed}
    tally = _tally(rows, progress)

    def apart(row: TensorRow) -> float | None:
        if row.status != "equal":
            return None
        name = keys[row.name]
        if mapped:
            return largest_difference([(loaded[0][name], loaded[1][name])]) if loaded else None
        return _stored_distance(items[0][name], items[1][name], tally)

    return [_judged_row(row, apart(row), tolerance) for row in rows]


def _tally(rows: Sequence[TensorRow], progress: Progress | None) -> Tally:
    """The count of the numbers that are compared."""
    return Tally(sum(numel(row.file_shape or ()) for row in rows if row.status == "equal"), progress)


def _loaded_arrays(side: Side) -> Mapping[str, "Array"]:
    """The arrays under PyTorch's names; `bias_ih` is the sum of both biases, since other frameworks have one bias."""
    from lstmcalc.intake.load import load_weights

    arrays = dict(load_weights(side.found))
    for name in [name for name in arrays if name.startswith("bias_ih")]:
        other = name.replace("bias_ih", "bias_hh")
        arrays[name] = arrays[name] + arrays[other]
        arrays[other] = arrays[other] * 0
    return arrays


def _stored_distance(file: Item, model: Item, tally: Tally) -> float | None:
    """The largest difference of two stored tensors; None if it is not finite."""
    from lstmcalc.numerics.block_statistics import largest_difference

    assert file.stored is not None  # noqa: S101  # both sides are files
    assert model.stored is not None  # noqa: S101
    return largest_difference((tally.counted(a), b) for a, b in paired_blocks(file.stored, model.stored))


def diff_report(
    typed: Mapping[str, Typed], tolerance: float | None = None, progress: Progress | None = None
) -> DiffReport:
    """The differences of a weight file and a model, or of two models; with `tolerance`, also of their numbers.

    Args:
        typed: The flags: `file`, `source`, `module`, `set` and hyperparameters.
        tolerance: The largest allowed difference of numbers; None to compare no numbers.
        progress: Called after every block of numbers.
    """
    sides = read_sides(typed)
    sides = sides._replace(entire=sides.entire and has_paths(sides.read[1]))
    modules = diff_modules(sides, tolerance, progress)
    others = [] if tolerance is None else _other_values(sides, tolerance, progress)
    apart = [row.name for row in others if row.status != "equal"]
    fits = all(module.fits for module in modules) and not apart
    lines = [line for module in modules if not module.fits for line in module.load_state_dict]
    found = judged(sides, fits=fits, lstm_lines=lines)
    verdict = found.verdict
    if not fits and verdict != "loads-after-repair":
        agree = _sizes_agree(sides, modules, others) and not found.causes
        verdict = ("loads" if verdict == "loads" else "lstm-matches") if agree else "does-not-load"
    modules[0].notes.extend(found.notes)
    causes = [*found.causes, *([f"the numbers of {with_rest(apart, _LISTED)} differ"] if apart else [])]
    compared = {row.name for row in others}
    return DiffReport(
        SCHEMA,
        __version__,
        "diff",
        modules,
        verdict,
        found.root,
        found.repair,
        [printable(name) for name in found.not_compared if name not in compared],
        list(map(_line, found.messages)),
        list(map(_line, causes)),
        others,
    )


def _sizes_agree(sides: Sides, modules: Sequence[DiffModule], others: Sequence[TensorRow]) -> bool:
    """True if nothing but numbers differ, or settings of two texts that no weight depends on."""
    rows = [row for module in modules for row in module.tensors]
    texts = all(read.file is None for read in sides.read)
    numbers = any(row.status == "different" for row in [*rows, *others])
    return (texts or numbers) and all(row.status in ("equal", "different") for row in rows)


def _line(text: str) -> str:
    """A line that has names of a file in it, without control characters."""
    return text if text.isprintable() else repr(text)[1:-1]


def _other_values(sides: Sides, tolerance: float, progress: Progress | None) -> list[ValuedRow]:
    """Rows for arrays of numbers that two files have outside of their LSTMs, under one name."""
    files = [read.file for read in sides.read]
    found = [
        {tensor.name: tensor for tensor in file.tensors if tensor.name not in file.owners} for file in files if file
    ]
    shared = {
        name: (Item(tensor.shape, tensor.dtype, tensor), Item(other.shape, other.dtype, other))
        for name, tensor in found[0].items()
        if (other := found[1].get(name)) and all(item.dtype.startswith(_NUMBERS) for item in (tensor, other))
    }
    rows = [(_row(name, file, model), file, model) for name, (file, model) in shared.items()]
    tally = _tally([row for row, _, _ in rows], progress)
    return [
        _judged_row(row, _stored_distance(file, model, tally) if row.status == "equal" else None, tolerance)
        for row, file, model in rows
    ]


_NUMBERS: Final = ("float", "bfloat", "int", "uint", "bool")
