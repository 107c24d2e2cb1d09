"""The view of diff: the verdict, hyperparameters, tensors, and PyTorch's messages."""

from collections.abc import Iterator, Sequence
from typing import Final

from lstmcalc.commands.diff.report import DiffModule, SettingRow, TensorRow, ValuedRow, is_beyond
from lstmcalc.report.blocks import Block, Column, Facts, Grid, Line, Row, compact, more_text, shape_text

_EQUAL: Final = 40  # rows for equal tensors
_BAD: Final = 100  # rows for tensors that differ
_CHARACTERS: Final = 600  # of a line of PyTorch's messages
_SAID: Final = 20  # lines of PyTorch's messages


def view(module: DiffModule) -> Iterator[Block]:
    """The verdict with its causes, the hyperparameters, the tensors, and PyTorch's messages."""
    yield Facts((*_facts(module), *_verdict(module)))
    headers = [Column(_header(word)) for word in module.words]
    yield Grid(
        (Column("hyperparameter"), *headers, Column("status")),
        tuple(
            Row(
                (row.name, _value(row.file), _value(row.model), _SHOWN.get(row.status, row.status)),
                _kind(row),
            )
            for row in module.hyperparameters
        ),
    )
    yield _tensors(module)
    if module.load_state_dict:
        yield Facts(tuple(_torch_lines(module.load_state_dict)))


_SHOWN: Final = {"aside": "different, but no weight depends on it", "unknown": "not known"}


def _header(word: str) -> str:
    return word.removeprefix("the ")


def _facts(module: DiffModule) -> Iterator[Line]:
    """A line for each side: its LSTM and its source."""
    for word, side in zip(module.words, (module.file, module.model), strict=True):
        if side is None:
            yield word, ("has no such LSTM",)
            continue
        prefix = [f"whose names begin with {side.prefix}"] if side.prefix else []
        name = [] if side.name == "lstm" else [side.name]
        yield word, (*name, f"from {side.source}", *prefix)


def _verdict(module: DiffModule) -> Iterator[Line]:
    if module.fits:
        mapped = ("once its tensors are mapped to PyTorch's",) if module.mapped else ()
        yield "verdict", ("no difference" if module.tolerance is not None else "it fits", *mapped)
        return
    yield "verdict", ("it does NOT fit",)
    for cause in module.causes:
        yield "cause", (cause,)


def _kind(row: SettingRow | TensorRow) -> str:
    return {"equal": "good", "unknown": "aside", "aside": "normal"}.get(row.status, "bad")


def _value(value: float | None) -> str:
    return "-" if value is None else compact(value)


def _tensors(module: DiffModule) -> Grid:
    """The tensors that differ, then the equal ones; of many, the first of each kind."""
    rows, valued = module.tensors, module.tolerance is not None
    bad = [row for row in rows if row.status != "equal"]
    good = [row for row in rows if row.status == "equal"]
    shown = {id(row) for row in (*bad[:_BAD], *good[:_EQUAL])}
    dtypes = {(row.file_dtype, row.model_dtype or row.file_dtype) for row in rows if row.file_dtype}
    typed = len(dtypes) > 1 or any(file != model for file, model in dtypes)
    columns = [Column("tensor"), *(Column(_header(word), code=True) for word in module.words)]
    columns += [Column("dtype", quiet=True)] if typed else []
    columns += [Column("apart", right=True)] if valued else []

    def line(row: TensorRow) -> Row:
        kinds = dict.fromkeys(dtype for dtype in (row.file_dtype, row.model_dtype) if dtype)
        cells = [row.name, _shape(row.file_shape), _shape(row.model_shape)]
        cells += [", ".join(kinds) or "-"] if typed else []
        cells += [_apart(row)] if valued else []
        beyond = module.tolerance is not None and is_beyond(row, module.tolerance)
        return Row((*cells, row.status), "bad" if beyond else _kind(row))

    lines = [line(row) for row in rows if id(row) in shown]
    for hidden, noun in ((len(bad) - _BAD, "unlike tensor"), (len(good) - _EQUAL, "equal tensor")):
        if hidden > 0:
            text = more_text(hidden, noun)
            lines.append(Row((text, *[""] * len(columns)), "folded"))
    return Grid((*columns, Column("status")), tuple(lines))


def _apart(row: TensorRow) -> str:
    """The largest difference of the numbers."""
    if row.status != "equal" or not isinstance(row, ValuedRow):
        return "-"
    return "not finite" if row.max_abs_difference is None else f"{row.max_abs_difference:.3g}"


def _shape(shape: Sequence[int] | None) -> str:
    return "-" if shape is None else shape_text(shape)


def _torch_lines(lines: Sequence[str]) -> Iterator[Line]:
    """The messages of `load_state_dict`, a line each."""
    for line in lines[:_SAID]:
        text = line.strip()
        text = text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS].rpartition(' ')[0]} ..."
        yield "load_state_dict", (text,)
    if len(lines) > _SAID:
        yield "...", (more_text(len(lines) - _SAID, "line"),)
