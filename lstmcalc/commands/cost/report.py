"""The report of cost: MACs, FLOPs and memory of an LSTM."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from lstmcalc.costs.implementation import path_of
from lstmcalc.costs.memory import Bill, Figure, values_of
from lstmcalc.costs.operations import (
    OPERATIONS,
    PATHS,
    Product,
    Work,
    backward_work,
    forward_work,
    num_products,
    products,
    step_work,
    steps_of,
)
from lstmcalc.costs.quantized import SCHEMES, check_quantizable, quantized_figures
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.notes import as_pytorch_note, notes_of
from lstmcalc.report.record import internal, omitted
from lstmcalc.report.rows import SETTINGS, AroundRow, DataRow, Module, around_row, data_row, function_meanings, head_of
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.words import counted


class PathRow(NamedTuple):
    """The implementation that PyTorch uses on a CPU."""

    path: str  # one of `operations.PATHS`
    why: str


class ProductRow(NamedTuple):
    """A matrix product of a forward pass."""

    layer: int | None  # None for the head
    direction: str | None  # None for the head
    part: str  # `input`, `recurrent`, `projection` or `head`
    symbolic: str  # the formula of `step_macs`
    step_macs: int  # of one step of one sequence
    rows: int  # such steps in a pass
    macs: int
    flops: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """The work of a pass, or of a step of it."""

    path: str | None = omitted()  # the implementation; None if it makes no difference
    symbolic: str  # the formula of `macs`
    macs: int
    flops: int
    elementwise: Mapping[str, int]  # by the names of `operations.OPERATIONS`
    elementwise_symbolic: Mapping[str, str]  # their formulas


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRow(WorkRow):
    """The work of a forward pass."""

    per_step: WorkRow  # of one step of one sequence


class ComputeRow(NamedTuple):
    """The work of each pass, by the implementation that applies."""

    forward: ForwardRow
    backward: WorkRow | None  # None for quantized weights, which are not trained
    training: WorkRow | None


class PassRow(NamedTuple):
    """The work of a pass by one implementation."""

    pass_: str  # `forward`, `backward` or `training`
    path: str | None  # the implementation; None if it makes no difference
    applies: bool  # PyTorch uses it for this LSTM on a CPU
    symbolic: str  # the formula of `macs`
    macs: int
    flops: int
    sigmoid: int
    tanh: int
    multiply: int
    add: int


class PackingRow(NamedTuple):
    """The steps and MACs that packing saves over padding."""

    steps: int
    padded_steps: int
    saved_macs: int
    saved_percent: float


class FigureRow(NamedTuple):
    """An amount of memory."""

    name: str  # e.g. `weights`, `inference peak`
    path: str | None  # the implementation; None if it makes no difference
    applies: bool  # PyTorch uses it for this LSTM on a CPU
    bytes: int
    certainty: str  # `exact` or `estimate`
    error_percent: float | None  # the largest error of an estimate, if it was compared with measurements
    counts: str  # the memory that it counts, in words
    verified: str  # the facts that it was compared with, in words
    formula: str


class RateRow(NamedTuple):
    """The work of a stream."""

    steps_per_second: int
    macs_per_second: int


@dataclass(kw_only=True)
class CostModule(Module):
    """MACs, FLOPs and memory of one LSTM."""

    data: DataRow
    around: AroundRow
    symbols: Mapping[str, int]
    functions: Mapping[str, str]  # the meaning of each function in the formulas of memory
    optimizer: str
    input_grad: bool
    quantized: str | None = omitted()  # how its weights are quantized, e.g. `pytorch-dynamic`; None if they are not
    paths: Mapping[str, PathRow] | None  # of `inference` and `training`; None for quantized weights
    products: Sequence[ProductRow]
    compute: ComputeRow
    passes: Sequence[PassRow]
    packing: PackingRow | None  # None without lengths
    memory: Sequence[FigureRow]
    rate: RateRow | None = omitted()
    notes: list[str]
    mode: str = internal()  # `training` or `inference`, to show it alone; empty for both


def cost_module(
    subject: Subject,
    optimizer: str,
    *,
    input_grad: bool,
    quantize: str = "",
    rate: int | None = None,
    mode: str = "",
) -> CostModule:
    """The costs of one LSTM; with `quantize`, of its weights quantized so; with `rate`, of so many steps a second."""
    config, data, around = subject.config, subject.data, subject.around
    values = values_of(config, data, around)
    check_rows(num_products(config), "matrix product")
    bill = Bill(config, data, around, optimizer, input_grad=input_grad)
    scheme = quantize or (subject.found.quantized if subject.found else "")
    passes = list(_passes(bill, quantized=bool(scheme)))
    figures = [*_stored_figures(subject, quantize), *_computed_figures(bill, scheme, asked=bool(quantize))]
    notes = [*notes_of(subject), *as_pytorch_note(subject, "costs are those of")]
    notes += _quantized_notes(scheme, figures)
    return CostModule(
        **head_of(subject, SETTINGS),
        data=data_row(subject),
        around=around_row(subject),
        symbols=values,
        functions=function_meanings(figure.size for figure in figures),
        optimizer=optimizer,
        input_grad=bill.input_grad,
        quantized=scheme or None,
        paths=None if scheme else _paths(bill),
        products=_product_rows(products(config, data, around), values),
        compute=_compute_row(config, passes, values),
        passes=[_pass_row(done, values) for done in passes],
        packing=_packing_row(bill, values),
        memory=[_figure_row(figure, values) for figure in figures],
        rate=None if rate is None else RateRow(rate, rate * step_work(config).macs.at(values)),
        notes=notes,
        mode=mode,
    )


def _stored_figures(subject: Subject, quantize: str) -> Iterator[Figure]:
    """The bytes of an LSTM in its weight file, as they are; for quantized weights these are its weights."""
    found = subject.found
    if (
        found is None
        or found.weights is None
        or (found.weights.file is not None and not found.weights.file.has_numbers)
    ):
        return
    if not (own := found.weights.own()):
        return
    counts = f"{counted(len(own), 'tensor')} of {found.name} in {found.where}, as stored, before any compression"
    name = "weights" if found.quantized and not quantize else "stored in the file"
    yield Figure(name, Dim.of(sum(tensor.nbytes for tensor in own)), "exact", counts, "the index of the file")


def _computed_figures(bill: Bill, scheme: str, *, asked: bool) -> Iterator[Figure]:
    """The figures of an LSTM of PyTorch, or of one whose weights are quantized.

    A file's own way to quantize says nothing of memory but what is stored, unless it is one of `SCHEMES`.
    """
    if not scheme:
        yield from bill.figures()
    elif asked:
        check_quantizable(bill.config, bill.data, scheme)
        yield from quantized_figures(bill.config, bill.data, scheme)
    elif scheme in SCHEMES and not bill.config.proj_size:  # with a projection torch stores less than it needs
        yield from quantized_figures(bill.config, bill.data, scheme)


def _quantized_notes(scheme: str, figures: Sequence[Figure]) -> Iterator[str]:
    """Notes on quantized weights, and on what is not counted of them."""
    if scheme in SCHEMES:
        yield from SCHEMES[scheme].notes
    elif scheme:
        known = [] if any(figure.name == "weights" for figure in figures) else ["the bytes of the weights"]
        yield f"quantized weights ({scheme}): {', '.join([*known, 'the memory of the computation'])} is not known"


def _paths(bill: Bill) -> Mapping[str, PathRow]:
    """The implementations that PyTorch uses on a CPU, and why."""
    found = {name: path_of(bill.config, bill.data, training=name == "training") for name in ("inference", "training")}
    return {name: PathRow(path.key, path.why) for name, path in found.items()}


def _product_rows(found: Sequence[Product], values: Mapping[str, int]) -> Sequence[ProductRow]:
    """The matrix products, each made when it is read."""
    known: dict[int, tuple[str, int, int]] = {}  # by formula: all layers above the first share one; they may be many

    def row(index: int) -> ProductRow:
        product = found[index]
        if id(product.macs) not in known:
            known[id(product.macs)] = str(product.macs), product.macs.at(values), product.rows.at(values)
        symbolic, step, steps = known[id(product.macs)]
        named = product.layer, product.direction or None, product.part
        return ProductRow(*named, symbolic, step, steps, steps * step, 2 * steps * step)

    return LazySequence(len(found), row)


class _Pass(NamedTuple):
    """A pass by one implementation."""

    name: str
    path: str | None  # the implementation; None if it makes no difference
    applies: bool
    work: Work


def _passes(bill: Bill, *, quantized: bool) -> Iterator[_Pass]:
    """Forward work, then backward and training work per implementation (quantized: forward only)."""
    forward = forward_work(bill.config, bill.data, bill.around)
    yield _Pass("forward", None, True, forward)
    if quantized:
        return
    back = {
        path: backward_work(bill.config, bill.data, bill.around, path=path, input_grad=bill.input_grad)
        for path in PATHS
    }
    own = path_of(bill.config, bill.data, training=True).key
    for name, works in (
        ("backward", back),
        ("training", {path: forward.and_then(work) for path, work in back.items()}),
    ):
        for path, work in works.items():
            yield _Pass(name, path, path == own, work)


def _pass_row(done: _Pass, values: Mapping[str, int]) -> PassRow:
    """A pass with the numbers of its work."""
    macs = done.work.macs.at(values)
    counts = {name: done.work.elementwise[name].at(values) for name in OPERATIONS}
    return PassRow(done.name, done.path, done.applies, str(done.work.macs), macs, 2 * macs, **counts)


class _Numbers(TypedDict):
    """The fields of `WorkRow`, to be handed on to a subclass."""

    path: str | None
    symbolic: str
    macs: int
    flops: int
    elementwise: Mapping[str, int]
    elementwise_symbolic: Mapping[str, str]


def _numbers(work: Work, values: Mapping[str, int], path: str | None = None) -> _Numbers:
    """Work as formulas and as numbers."""
    macs = work.macs.at(values)
    return {
        "path": path,
        "symbolic": str(work.macs),
        "macs": macs,
        "flops": 2 * macs,
        "elementwise": {name: work.elementwise[name].at(values) for name in OPERATIONS},
        "elementwise_symbolic": {name: str(work.elementwise[name]) for name in OPERATIONS},
    }


def _compute_row(config: LSTMConfig, passes: Sequence[_Pass], values: Mapping[str, int]) -> ComputeRow:
    """The work of each pass that applies; for forward, also that of one step of one sequence."""
    applying = {done.name: _numbers(done.work, values, done.path) for done in passes if done.applies}
    step = WorkRow(**_numbers(step_work(config), values))
    backward, training = (WorkRow(**applying[name]) if name in applying else None for name in ("backward", "training"))
    return ComputeRow(ForwardRow(**applying["forward"], per_step=step), backward, training)


def _packing_row(bill: Bill, values: Mapping[str, int]) -> PackingRow | None:
    """Steps and MACs that packing saves over padding; None without lengths."""
    data = bill.data
    if not data.lengths:
        return None
    steps, padded = steps_of(data).at(values), data.seq_len * data.num_sequences
    saved = padded - steps
    return PackingRow(steps, padded, saved * step_work(bill.config).macs.at(values), 100 * saved / padded)


def _figure_row(figure: Figure, values: Mapping[str, int]) -> FigureRow:
    """An amount of memory as a formula and as a number."""
    return FigureRow(
        name=figure.name,
        path=figure.path or None,
        applies=figure.applies,
        bytes=figure.size.at(values),
        certainty=figure.certainty,
        error_percent=figure.error_percent,
        counts=figure.counts,
        verified=figure.verified,
        formula=str(figure.size),
    )


def cost_report(
    subjects: Sequence[Subject],
    optimizer: str,
    *,
    input_grad: bool,
    quantize: str = "",
    rate: int | None = None,
    mode: str = "",
) -> Report[CostModule]:
    """MACs, FLOPs and memory of every LSTM; options are those of `cost_module`."""
    modules = [
        cost_module(subject, optimizer, input_grad=input_grad, quantize=quantize, rate=rate, mode=mode)
        for subject in subjects
    ]
    return document("cost", modules)
