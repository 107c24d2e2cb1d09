"""The LSTMs of printed summaries: sizes from the shape of the output, and the input's from the number of parameters.

    lstm (LSTM)     (None, 32)      12,416

has 32 units and, with a bias, 12,416 / (4*32) - 32 - 1 = 64 features. Where several LSTMs have the shape and the number
of parameters, the layer before it decides; if it does not, what differs is open, and each of them is told.

Not here: the rows (`summary_rows`).
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lstmcalc.errors import NoLstmError, printable
from lstmcalc.readers.found import Found
from lstmcalc.readers.pasted.summary_rows import Row, is_header, rows_of
from lstmcalc.readers.text.source_text import Pointers, SourceText, Span
from lstmcalc.spec.provenance import Gap, Origin, Setting
from lstmcalc.spec.words import and_list, with_dots, with_rest

_NEAR: Final = 2000  # rows among which a layer's source is looked for
_MAX_LAYERS: Final = 64  # layers of one LSTM that are tried
_LISTED: Final = 4
_STACKED: Final = ("LSTM",)
_CELLS: Final = ("LSTMCell",)
_OF_KERAS: Final = ("LSTM", "CuDNNLSTM", "LSTMCell")
_BOTH: Final = "Bidirectional"


class Reading(NamedTuple):
    """An LSTM that has the shapes and the number of parameters of a row."""

    input_size: int
    hidden_size: int
    num_layers: int = 1
    bias: bool = True
    bidirectional: bool = False
    proj_size: int = 0
    kind: str = "LSTM"

    def words(self) -> str:
        """The reading in a sentence."""
        parts = [f"input_size {self.input_size}", f"hidden_size {self.hidden_size}"]
        parts += [f"num_layers {self.num_layers}"] if self.num_layers > 1 else []
        parts += ["bidirectional"] if self.bidirectional else []
        parts += [] if self.bias else ["no bias"]
        parts += [f"proj_size {self.proj_size}"] if self.proj_size else []
        parts += [] if self.kind == "LSTM" else [f"a {self.kind}"]
        return ", ".join(parts)


def looks_summarised(text: str) -> bool:
    """True if a text has a summary with rows."""
    return any(is_header(line) for line in text.splitlines() if "aram" in line) and bool(rows_of(text))


def read_summary(source: SourceText) -> list[Found]:
    """The LSTMs of a printed summary, in order."""
    rows = rows_of(source.text)
    found = [item for index, row in enumerate(rows) if (item := _found(rows, index, source))]
    if not found:
        raise _nothing(rows, source)
    return found


def _nothing(rows: Sequence[Row], source: SourceText) -> NoLstmError:
    """The error about a summary without an LSTM: denied only if no class may have one."""
    kinds = list(dict.fromkeys(row.kind for row in rows if row.kind))
    maybe = [row for row in rows if "lstm" in f"{row.name} {row.kind}".lower() or row.kind.startswith(_BOTH[:5])]
    name = source.name or "the summary"
    if maybe:
        shown = [printable(f"{row.name} ({row.kind})" if row.name else row.kind) for row in maybe]
        return NoLstmError(
            f"no LSTM is recognised in {name}",
            "rows of the classes LSTM, LSTMCell, CuDNNLSTM or Bidirectional",
            f"{with_rest(shown, _LISTED)}, which may be one",
            "give its sizes as flags: --input 10 --hidden 20",
        )
    return NoLstmError(
        f"no LSTM is recognised in {name}",
        "a row of the class LSTM, LSTMCell, CuDNNLSTM or Bidirectional",
        f"a summary with rows of {with_dots([printable(kind) for kind in kinds], 6)}",
        "classes of your own may have one: give a summary that goes deeper, or the printed model",
    )


# --- one row ---------------------------------------------------------------------------------------------------------


def _found(rows: Sequence[Row], index: int, source: SourceText) -> Found | None:
    """The LSTM of a row; None if it is of another layer."""
    row = rows[index]
    keras = row.style == "keras"
    kind = row.full_kind
    if not (kind in (*_OF_KERAS, _BOTH) if keras else kind in (*_STACKED, *_CELLS)):
        return None
    if not keras and _holds_one(rows, index):
        return None  # a class of the user's own, with an LSTM in it
    widths = _widths(rows, index)
    readings = [*(_of_keras(row, kind) if keras else _of_torch(row, widths, cell=kind in _CELLS))]
    fed = [reading for reading in readings if reading.input_size in widths]
    chosen = fed or readings
    usual = chosen if fed else [item for item in chosen if item.bias and not item.proj_size]
    if kind == _BOTH and not any(item.kind == "LSTM" for item in chosen):
        return None
    return _as_found(row, kind, source, usual or chosen, sure=bool(fed), others=chosen)


def _holds_one(rows: Sequence[Row], index: int) -> bool:
    """True if a module in the row's module is an LSTM too."""
    for place in range(index + 1, len(rows)):
        below = rows[place]
        if below.above <= rows[index].above or below.style != rows[index].style:
            return False
        if below.kind in (*_STACKED, *_CELLS):
            return True
    return False


def _before(rows: Sequence[Row], index: int) -> Row | None:
    """The layer before one in a summary, and not a module around it; None without one."""
    least = rows[index].above
    for place in range(index - 1, -1, -1):
        other = rows[place]
        if other.above >= least and other.outputs:
            return other
        least = min(least, other.above)
    return None


def _widths(rows: Sequence[Row], index: int) -> set[int]:
    """The number of features that the layer is given: by the columns, or by the output of the row before."""
    row = rows[index]
    if row.inputs:
        return {shape[-1] for shape in row.inputs[:1] if shape and shape[-1]}
    if row.sources:  # a layer is printed after those that it reads
        near = (rows[place] for place in range(index - 1, max(-1, index - _NEAR), -1))
        given = next((other for other in near if other.name in row.sources and other.style == row.style), None)
    else:
        given = _before(rows, index)
    if given is None or given.style != row.style or not given.outputs or not given.outputs[0]:
        return set()
    width = given.outputs[0][-1]
    return {width} if width else set()


_BLOCKS: Final = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


def _of_keras(row: Row, kind: str) -> Iterator[Reading]:
    """The LSTMs of Keras that a row may be; of Bidirectional also other layers in it."""
    shape = row.outputs[0] if row.outputs else ()
    out, count = (shape[-1] if shape else None), row.parameters
    if not out or not count:
        return
    if kind != _BOTH:
        yield from _solved(count, out, 1, 4, (2,) if kind == "CuDNNLSTM" else (1, 0), kind="LSTM")
        return
    for hidden in dict.fromkeys((out // 2 if out % 2 == 0 else 0, out)):
        for name, blocks in _BLOCKS.items() if hidden else ():
            yield from _solved(count, hidden, 2, blocks, (2, 1, 0) if name == "GRU" else (1, 0), kind=name)


def _solved(
    count: int, hidden: int, directions: int, blocks: int, biases: Sequence[int], kind: str
) -> Iterator[Reading]:
    """The layers of one depth with so many parameters: the input's size follows."""
    for bias in biases:
        width, rest = divmod(count, directions * blocks * hidden)
        width -= hidden + bias
        if not rest and width > 0:
            yield Reading(width, hidden, bias=bias > 0, bidirectional=directions == 2, kind=kind)  # noqa: PLR2004


def _of_torch(row: Row, widths: set[int], *, cell: bool) -> Iterator[Reading]:
    """The LSTMs of PyTorch that a row may be; those with a projection for the inputs that it may have."""
    shape = row.outputs[0] if row.outputs else ()
    out = shape[-1] if shape else None
    if not out or not row.least or row.most is None:
        return
    known = next((item[-1] for item in row.inputs if item), None)
    for layers in range(1, 2 if cell else _MAX_LAYERS + 1):
        for directions in (1,) if cell else (1, 2):
            if out % directions:
                continue
            hidden = out // directions
            for bias in (True, False):
                upper = (layers - 1) * directions * 4 * hidden * (directions * hidden + hidden + 2 * bias)
                yield from _depths(row, upper, layers, directions, hidden, bias, known)
            for width in () if cell else widths:
                yield from _projected(row, layers, directions, hidden, width)


def _depths(  # the settings of one reading
    row: Row,
    upper: int,
    layers: int,
    directions: int,
    hidden: int,
    bias: bool,
    known: int | None,
) -> Iterator[Reading]:
    """The LSTMs of so many layers whose number of parameters is in the row's bounds."""
    assert row.least is not None and row.most is not None  # noqa: S101, PT018  # callers know
    step = 4 * hidden * directions
    low = -(-(row.least - upper) // step) - hidden - 2 * bias
    high = (row.most - upper) // step - hidden - 2 * bias
    sizes = [known] if known is not None and low <= known <= high else range(max(1, low), min(high, low + 3) + 1)
    for width in sizes if known is None or low <= known <= high else ():
        if width >= 1:
            yield Reading(width, hidden, layers, bias, directions == 2)  # noqa: PLR2004


def _projected(row: Row, layers: int, directions: int, proj: int, width: int) -> Iterator[Reading]:
    """The LSTMs with a projection to the row's output."""
    assert row.least is not None and row.most is not None  # noqa: S101, PT018  # callers know
    for bias in (True, False):
        first = 4 * (width + proj + 2 * bias) + proj
        upper = 4 * (directions * proj + proj + 2 * bias) + proj
        each = directions * (first + (layers - 1) * upper)
        for hidden in range(-(-row.least // each), row.most // each + 1)[:3]:
            if hidden > proj:
                yield Reading(width, hidden, layers, bias, directions == 2, proj)  # noqa: PLR2004


# --- the record ------------------------------------------------------------------------------------------------------

_FIELDS: Final = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")


def _as_found(  # what is known of a row
    row: Row, kind: str, source: SourceText, readings: Sequence[Reading], *, sure: bool, others: Sequence[Reading]
) -> Found:
    """The LSTM of a row, with what its readings agree on; what differs is open."""
    keras, cell = row.style == "keras", kind in _CELLS
    place = source.place(row.line) or None
    lstms = [item for item in readings if item.kind == "LSTM"]
    layer: dict[str, Setting] = {}
    gaps: dict[str, Gap] = {}
    fields = [field for field in _FIELDS if field not in _fixed(kind, keras=keras)]
    for field in fields:
        values = list(dict.fromkeys(getattr(item, field) for item in lstms))
        if len(values) == 1:
            certainty = "inferred" if sure or field != "bias" else "assumed"
            layer[field] = Setting(values[0], Origin("source", place, certainty))
        elif field in ("input_size", "hidden_size") or values:
            gaps[field] = Gap(_why(row, lstms))
    if not lstms:
        _add_hidden(row, kind, layer, gaps, place)
    if not keras and not cell:
        layer["batch_first"] = Setting(False, Origin("source", place, "unknown"))  # a value
        layer["dropout"] = Setting(0.0, Origin("source", place, "unknown"))
    spans = {"": Span(row.line, 0, 200), **{field: Span(row.line, 0, 200) for field in gaps}}
    return Found(
        row.name or "lstm",
        "keras" if keras else "pytorch-cell" if cell else "pytorch",
        " ".join(source.lines[row.line - 1].split()) if row.line <= len(source.lines) else kind,
        place,
        layer,
        Pointers(source, spans),
        gaps,
        options=_options(row, cell=cell) if keras else {},
        input_shape=_input_shape(row, lstms) if keras and not cell else (),
        kind=kind,
        uncertain=(*_cut(row, kind), *_doubts(kind, readings, others, sure=sure, torch=not keras)) if not gaps else (),
    )


def _cut(row: Row, kind: str) -> tuple[str, ...]:
    """The doubt about a class that is cut off in the summary."""
    return () if kind in (row.kind, _BOTH) else (f"its class is cut off: ({row.kind}",)


def _fixed(kind: str, *, keras: bool) -> tuple[str, ...]:
    """The settings that a class does not have."""
    if kind in _CELLS:
        return ("num_layers", "bidirectional", "proj_size")
    return ("num_layers", "proj_size") if keras else ()


def _add_hidden(row: Row, kind: str, layer: dict[str, Setting], gaps: dict[str, Gap], place: str | None) -> None:
    """The units of a row without readings, by its output alone; the input's size stays open."""
    shape = row.outputs[0] if row.outputs else ()
    if row.style == "keras" and shape and shape[-1] and kind != _BOTH:
        layer["hidden_size"] = Setting(shape[-1], Origin("source", place, "inferred"))
        gaps.pop("hidden_size", None)


def _why(row: Row, readings: Sequence[Reading]) -> str:
    """The reason why a setting is open."""
    if readings:
        shown = [item.words() for item in readings[:_LISTED]]
        return f"{row.text} parameters fit {' or '.join(shown)}{' or ...' if len(readings) > _LISTED else ''}"
    count = row.text or "no"
    about = "about " * (row.least != row.most)
    missing = "no output shape" if not row.outputs else "no LSTM of that output with so many"
    if row.style == "keras" and row.outputs and not row.parameters:
        missing = "no count that tells it"
    return f"{about}{count} parameters, and {missing}"


def _doubts(
    kind: str, readings: Sequence[Reading], others: Sequence[Reading], *, sure: bool, torch: bool
) -> Iterator[str]:
    """The reasons why the LSTM may be another one."""
    kinds = list(dict.fromkeys(item.kind for item in readings))
    if kind == _BOTH and not (sure and kinds == ["LSTM"]):
        rest = [name for name in kinds if name != "LSTM"]
        yield (
            f"it may be {and_list([f'a {name}' for name in rest])} as well"
            if rest
            else "Bidirectional may hold another layer"
        )
    if not sure:
        rest_of = [item.words() for item in others if item not in readings and item.kind == "LSTM"]
        if torch and kind not in _CELLS:
            yield "what it reads is not in the summary: one with a projection, or without a bias, may fit as well"
        elif rest_of:
            yield f"read with a bias; its parameters also fit {rest_of[0]}"


def _options(row: Row, *, cell: bool) -> dict[str, object]:
    """The options of Keras that the shape of the output tells."""
    if cell or not row.outputs:
        return {}
    sequences = len(row.outputs[0]) == 3  # noqa: PLR2004  # batch, steps, features
    return {"return_sequences": sequences, **({"return_state": True} if len(row.outputs) > 1 else {})}


def _input_shape(row: Row, readings: Sequence[Reading]) -> tuple[int | None, ...]:
    """The shape of the input, as far as it is known."""
    widths = {item.input_size for item in readings}
    if len(widths) != 1 or len(row.outputs[0]) not in (2, 3):
        return ()
    shape = row.outputs[0]
    return (shape[0], shape[1] if len(shape) == 3 else None, next(iter(widths)))  # noqa: PLR2004
