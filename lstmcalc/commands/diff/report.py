"""The report of diff: differences in settings, tensors and numbers, and their likely causes.

Messages about keys are those of PyTorch's `load_state_dict`, strict, with the same words in the same order (torch
2.13.0, torch/nn/modules/module.py, `_load_from_state_dict` and `load_state_dict`).

Not here: the pairs of LSTMs to compare (`sides`), rows (`rows`), causes (`causes`), numbers (`distances`), and the
verdict on the whole model (`verdicts`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lstmcalc.commands.diff.causes import causes_of, mapping_faults, prefixes_of, unmodelled_items
from lstmcalc.commands.diff.changes import with_changes
from lstmcalc.commands.diff.distances import Shared, numbers_in, other_values, shared_arrays, with_differences
from lstmcalc.commands.diff.records import IN_WEIGHTS, STATE_DICTS, Item, Side, Sides
from lstmcalc.commands.diff.rows import (
    BAD,
    LISTED,
    SettingRow,
    SettingStatus,
    SideRow,
    TensorRow,
    ValuedRow,
    Words,
    is_beyond,
    row_of,
)
from lstmcalc.commands.diff.sides import (
    adopted,
    items_of,
    notes_of,
    read_sides,
)
from lstmcalc.commands.diff.verdicts import Verdict, has_paths, judged
from lstmcalc.errors import UsageError, printable
from lstmcalc.frameworks.storage import find_layout
from lstmcalc.intake.computable import check_order
from lstmcalc.intake.flags import Typed
from lstmcalc.intake.open_lstms import Open, open_lstms
from lstmcalc.report.document import SCHEMA
from lstmcalc.report.progress import Progress, Tally
from lstmcalc.spec.config import HYPERPARAMETERS
from lstmcalc.spec.words import counted, with_rest
from lstmcalc.version import __version__


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
    tensors: Sequence[TensorRow | ValuedRow]  # with values if numbers were compared
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
    open: Sequence[Open]  # LSTMs, or what may be one, that are not known whole
    modules: Sequence[DiffModule]
    verdict: Verdict
    root: str | None  # the class of the model that the file is loaded into; None if unknown
    repair: Sequence[str]  # lines of code
    not_compared: Sequence[str]  # names of tensors
    messages: Sequence[str]  # PyTorch's when the file is loaded into the whole model, line by line
    causes: Sequence[str]  # in sentences: those that the LSTMs' settings do not explain
    others: Sequence[ValuedRow]  # arrays outside the LSTMs whose numbers were compared


def _check_numbers(sides: Sides) -> None:
    """Refuse to compare the numbers of sources that have none, or whose order of gates is not known."""
    if not all(side is None or side.has_numbers for pair in sides.pairs for side in pair):
        raise UsageError("there are no numbers to compare", "two weight files", where="--values")
    for side in (side for pair in sides.pairs for side in pair if side):
        check_order(side.found)


def diff_modules(sides: Sides, tolerance: float | None, tally: Tally) -> list[DiffModule]:
    """The differences of each pair of LSTMs of two sources.

    Args:
        sides: Both sources.
        tolerance: The largest allowed difference of numbers; None to compare no numbers.
        tally: Of the numbers that are compared.
    """
    found = [_pair(file, model, sides, tolerance, tally) for file, model in sides.pairs]
    if sides.others:
        more = ", ..." if len(sides.others) > LISTED else ""
        listed = ", ".join(printable(name) for name in sides.others[:LISTED])
        found[0].notes.append(f"not compared: {listed}{more} of the file; --module NAME picks one")
    return found


def _pair(file: Side | None, model: Side | None, sides: Sides, tolerance: float | None, tally: Tally) -> DiffModule:
    """The comparison of one LSTM with another, or with none."""
    words = sides.words
    notes = [note for side in (file, model) if side for note in notes_of(side.found)]
    file, model, terms, items, rows = _compared(file, model)
    settings = _settings(file, model)
    prefixes = prefixes_of(file, model)
    causes = list(causes_of(file, model, words, rows, terms))
    beyond = 0
    if tolerance is not None and file and model:
        rows = valued = with_differences(rows, file, model, items, terms, tolerance, tally)
        beyond = sum(is_beyond(row, tolerance) for row in valued)
        if beyond:
            causes.append(f"the numbers of {counted(beyond, 'tensor')} differ by more than {tolerance:g}")
            rows, sentences = with_changes(valued, file, model, words, tolerance)
            causes += sentences
    mapped = bool(file and model) and any(side.framework != terms for side in (file, model) if side)
    if file and model and mapped:
        notes.append(_mapped_note(file, model, words))
    notes += [f"dtype differs: {_dtypes(rows, words)}: load_state_dict converts it"] if _dtypes(rows, words) else []
    differ = any(row.status in BAD for row in rows) or any(row.status == "different" for row in settings)
    wrong = (
        prefixes or mapping_faults(file, terms) or mapping_faults(model, terms) or unmodelled_items(file, model, rows)
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


class _Compared(NamedTuple):
    """The settings and tensors that are compared of a pair of LSTMs."""

    file: Side | None
    model: Side | None
    terms: str  # the framework whose tensor names are compared
    items: Sequence[Mapping[str, Item]]  # the tensors of each
    rows: Sequence[TensorRow]


def _compared(file: Side | None, model: Side | None) -> _Compared:
    """A pair of LSTMs as they are compared, each with the sizes that only the other one knows."""
    if file and model:
        file, model = adopted(file, model), adopted(model, file)
    terms = _terms(file, model)
    items = [_items(side, terms) for side in (file, model)]
    return _Compared(file, model, terms, items, _rows(*items))


def _numbers(sides: Sides, shared: Sequence[Shared]) -> int:
    """The count of numbers that are compared in all."""
    pairs = [_compared(*pair) for pair in sides.pairs if all(pair)]
    return sum(numbers_in(pair.rows) for pair in pairs) + numbers_in(item.row for item in shared)


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
    rows = [row_of(name, file.get(name), item) for name, item in model.items()]
    return rows + [row_of(name, item, None) for name, item in file.items() if name not in model]


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
    shared, tally = list[Shared](), Tally(0)
    if tolerance is not None:
        _check_numbers(sides)
        shared = shared_arrays(sides)
        tally = Tally(_numbers(sides, shared), progress)
    modules = diff_modules(sides, tolerance, tally)
    others = [] if tolerance is None else other_values(shared, tolerance, tally)
    apart = [row.name for row in others if row.status != "equal"]
    fits = all(module.fits for module in modules) and not apart
    lines = [line for module in modules if not module.fits for line in module.load_state_dict]
    found = judged(sides, fits=fits, lstm_lines=lines)
    verdict = found.verdict
    if not fits and verdict != "loads-after-repair":
        agree = _sizes_agree(sides, modules, others) and not found.causes
        verdict = ("loads" if verdict == "loads" else "lstm-matches") if agree else "does-not-load"
    modules[0].notes.extend(found.notes)
    for module, pair in zip(modules, sides.pairs, strict=True):
        pieces = [side.found for side in pair if side and not found.whole]
        module.notes.extend(dict.fromkeys(note for one in pieces for note in (*one.around, one.beside) if note))
    causes = [*found.causes, *([f"the numbers of {with_rest(apart, LISTED)} differ"] if apart else [])]
    compared = {row.name for row in others}
    return DiffReport(
        SCHEMA,
        __version__,
        "diff",
        open_lstms(),
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
