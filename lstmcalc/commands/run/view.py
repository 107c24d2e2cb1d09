"""The view of run: checks, tensors, timing, the trace, and the code that draws the same numbers."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

from lstmcalc.commands.run.expect_view import expect_blocks
from lstmcalc.commands.run.expected import YOURS
from lstmcalc.commands.run.report import (
    CheckRow,
    ChunksRow,
    Compared,
    ComputedRow,
    RunModule,
    ShownRow,
    TimingRow,
    TraceRow,
    Units,
)
from lstmcalc.model.lstm import TRACED
from lstmcalc.report.blocks import (
    Block,
    Code,
    Column,
    Facts,
    Grid,
    Line,
    Row,
    more_text,
    rows_between,
    shape_text,
    short_index,
)
from lstmcalc.report.provenance import origin_facts, settings_in
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.symbols import DIRECTIONS
from lstmcalc.spec.words import counted


def brief(module: RunModule) -> Iterator[Block]:
    """The checks that failed, what came out, on request timing, printed tensors and trace, then the verdict."""
    failed = [check for check in module.checks if not check.passed]
    if module.expect is not None:
        yield from expect_blocks(module.expect)
    told = [check for check in failed if not check.name.startswith(YOURS)]  # yours stand above
    if told:
        yield _checks(told, module)
    yield origin_facts(module, settings_in(module.data, module.around), brief=True)
    yield _tensors([tensor for tensor in module.tensors if tensor.role == "output"])
    yield from _asked(module)
    count = len(module.checks)
    passed = f"{count - len(failed)} of {count} checks passed"
    seed = (f"seed {module.seed}",) if module.drawn else ()
    largest = max(
        (
            check.max_abs_error
            for check in module.checks
            if check.relation == "<=" and check.max_abs_error and not check.name.startswith(YOURS)
        ),
        default=0.0,
    )
    lines: list[Line] = [("reproduce", (*_numbers(module, "the code of --full"),))]
    lines.append(("accuracy", (f"every way to compute it agrees within {largest:.2g}", module.data.dtype)))
    verdict = f"{len(failed)} of {count} checks FAILED: {failed[0].name}" if failed else passed
    yield Facts((*lines, ("result", (verdict, *seed))))


def view(module: RunModule) -> Iterator[Block]:
    """The checks, the tensors, on request timing, printed tensors and trace, then the code and the verdict."""
    if module.expect is not None:
        yield from expect_blocks(module.expect)
    yield origin_facts(module, settings_in(module.data, module.around))
    yield _checks(module.checks, module)
    yield _tensors(module.tensors)
    yield from _asked(module)
    failed = [check.name for check in module.checks if not check.passed]
    count = len(module.checks)
    verdict = f"{len(failed)} of {count} checks FAILED: {failed[0]}" if failed else f"{count} of {count} checks passed"
    yield Code(module.reproduce)
    seed = (f"seed {module.seed}",) if module.drawn else ()
    yield Facts((("reproduce", _numbers(module, "the code above")), ("result", (verdict, *seed, module.data.dtype))))


def _checks(checks: Sequence[CheckRow], module: RunModule) -> Grid:
    return Grid(
        (
            Column("check", breaks=True),
            Column("expected", code=True),
            Column("computed", code=True),
            Column("result"),
        ),
        tuple(_check_row(check, module) for check in checks),
    )


def _tensors(tensors: Sequence[ComputedRow]) -> Grid:
    names = "min", "max", "mean", "std"
    return Grid(
        (Column("tensor"), Column("shape", code=True), *(Column(name, right=True) for name in names)),
        tuple(
            Row(
                (
                    tensor.name,
                    shape_text(tensor.shape),
                    *map(_statistic, (tensor.min, tensor.max, tensor.mean, tensor.std)),
                )
            )
            for tensor in tensors
            if not tensor.name.startswith("packed.")
        ),
    )


def _asked(module: RunModule) -> Iterator[Block]:
    """Blocks that flags ask for: chunks, timing, printed tensors, and the trace."""
    if module.chunks is not None:
        yield _chunks(module.chunks)
    if module.timing is not None:
        yield _timing(module.timing)
    yield from _printed_blocks(module)
    if module.trace:
        yield from _trace(module, module.trace)
    elif module.trace is not None:
        yield Facts((("trace", ("of no sequence: the batch is empty",)),))


def _chunks(chunks: ChunksRow) -> Facts:
    """The distance of chunks from one pass: with the state carried over, and without it."""
    error = chunks.max_abs_error
    held = "not comparable with" if error is None else f"agrees within {error:.2g} with"
    carried = f"{counted(chunks.computed, 'chunk')}, the state carried over: {held} one pass"
    lines: list[Line] = [("in chunks", (carried,))]
    if chunks.dropped is not None:
        largest = f"the largest |output| is {_statistic(chunks.largest)}"
        lines.append(("dropped", (f"each after the first begins with zeros: {chunks.dropped:.2g} apart", largest)))
    return Facts(tuple(lines))


def _numbers(module: RunModule, code: str) -> tuple[str, ...]:
    """The sources of the numbers: files, a seed, and the code."""
    files = [
        f"{what} of {file}" for what, file in (("weights", module.weights_from), ("input", module.input_from)) if file
    ]
    seeded = f"torch.manual_seed({module.seed})"
    if files and module.drawn:
        seeded = f"{' and '.join(module.drawn)} as after torch.manual_seed({module.seed})"
    behind = f"run {code} in PyTorch: same numbers"
    clips = (module.clip or {}).get("cell"), (module.clip or {}).get("proj")
    computed = Activations(module.activations["gates"], module.activations["cell"], *clips)
    if computed != PYTORCH:
        behind = f"{code} in PyTorch computes {PYTORCH} instead of {computed}"
    return (*files, *([seeded] if module.drawn else []), behind)


def _timing(rows: Sequence[TimingRow]) -> Grid:
    """The duration of a call in each framework."""
    repeat, threads = rows[0].repeat, rows[0].threads
    names = "median", "fastest", "steps/s", "GFLOP/s", "lstmcalc takes"
    title = f"{counted(repeat, 'call')}, {counted(threads, 'thread')}"
    return Grid(
        (Column(title), *(Column(name, right=True) for name in names)),
        tuple(
            Row(
                (
                    row.name,
                    _duration(row.median_seconds),
                    _duration(row.min_seconds),
                    f"{row.steps_per_second:,.0f}",
                    f"{row.gflops:,.1f}" if row.gflops >= 1 else f"{row.gflops:.2g}",
                    "" if row.ratio is None else f"{row.ratio:.2f} times as long",
                )
            )
            for row in rows
        ),
    )


def _duration(seconds: float) -> str:
    """A duration for people: `1.23 ms`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 * size else f"{seconds:,.0f} s"
    return f"{seconds * 1e6:.3g} us"


def _printed_blocks(module: RunModule) -> Iterator[Block]:
    """The tensors as PyTorch prints them; of many layers, the weights of a few."""
    rows, layers = module.shown or (), module.config.num_layers
    hidden = _hidden_layers(layers)
    first, last = (bisect_left(rows, layer, key=attrgetter("layer")) for layer in (hidden.start, hidden.stop))
    for row in rows[:first]:
        yield _tensor_code(row)
    if hidden:
        yield Code(f"# the weights of {more_text(len(hidden), 'layer')}")
    for row in rows[last:]:
        yield _tensor_code(row)


def _tensor_code(row: ShownRow) -> Code:
    return Code(f"# {row.name} {shape_text(row.shape)}\n{row.text}")


def _hidden_layers(layers: int) -> range:
    """The layers that are not shown: of many, all but the first few and the last."""
    return range(_SHOWN_LAYERS - 1, layers - 1) if layers > _SHOWN_LAYERS else range(0)


def _trace(module: RunModule, trace: Sequence[TraceRow]) -> Iterator[Block]:
    """The first unit of the first sequence, step by step; of a long sequence, the first and last steps."""
    lengths, each = module.data.lengths, module.config.num_directions
    steps = lengths[0] if lengths else module.data.seq_len
    first, last = range(min(steps, _TRACED_STEPS)), range(max(_TRACED_STEPS, steps - _TRACED_STEPS), steps)
    rows = []
    layers = module.config.num_layers
    hidden = _hidden_layers(layers)
    for layer in (layer for layer in range(layers) if layer not in hidden or layer == hidden[0]):
        if layer in hidden:
            rows.append(Row((more_text(len(hidden), "layer"), *[""] * len(TRACED)), "folded"))
            continue
        own = rows_between(trace, layer, layer)
        for number, direction in enumerate(DIRECTIONS[:each]):
            rows.append(Row((f"layer {layer} {direction}", *[""] * len(TRACED)), "head"))
            for step in (*first, *last):
                values = own[number * (len(own) // each) + step]
                if last and step == last[0] > _TRACED_STEPS:
                    rows.append(Row((f"{step - _TRACED_STEPS:,} more", *[""] * len(TRACED)), "folded"))
                rows.append(Row((str(step), *(_number(units[0]) for units in _values_of(values)))))
    headers = [Column(f"{value}_t", right=True) for value in TRACED]
    yield Grid((Column("step"), *headers), tuple(rows))
    whose = "unit 0" if module.data.unbatched else "unit 0 of sequence 0"
    lines = [("trace", (f"of {whose}; all of it with --json, or in a file with --save",))]
    if each > 1:
        lines.append(("reverse", ("is computed from the last step up",)))
    if module.config.proj_size:
        lines.append(("h_t", ("is W_hr m_t with m_t = o_t * tanh(c_t): its units are not the cell's",)))
    yield Facts(tuple(lines))


_TRACED_STEPS: Final = 8  # steps shown at either end of a long sequence


_SHOWN_LAYERS: Final = 4  # layers shown of many


def _values_of(row: TraceRow) -> tuple[Units, ...]:
    """The values of a step, in the order of `TRACED`."""
    return row.i, row.f, row.g, row.o, row.c, row.h


def _statistic(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _number(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.4f}"


def _check_row(check: CheckRow, module: RunModule) -> Row:
    relation, expected, error = check.relation, _value_text(check.expected), check.max_abs_error
    computed = _value_text(check.actual)
    if check.expected == 0 and error is not None:  # two arrays that should, or should not, be the same
        expected = {"=": "equal", ">": "different"}[relation]
        computed = f"{computed} apart" if error else "equal"
    elif relation != "=":
        expected = f"{relation} {expected}"
        computed = f"{check.actual:.2e}" if error else computed
    name = short_index(check.name, module.data.lengths, batch_first=module.config.batch_first)
    cells = name, expected, computed, "pass" if check.passed else "FAIL"
    return Row(cells, "good" if check.passed else "bad")


def _value_text(value: Compared) -> str:
    if isinstance(value, Sequence):
        return shape_text(value)
    if value is None:
        return "not a number"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
