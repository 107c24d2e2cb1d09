"""The report of cost: MACs, FLOPs and memory of an LSTM."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
from lstmcalc.intake.subject import Subject
from lstmcalc.report.document import document
from lstmcalc.report.tree import (
    SETTINGS,
    Tree,
    around_tree,
    as_pytorch_note,
    check_rows,
    data_tree,
    functions_tree,
    mapped,
    module_tree,
)
from lstmcalc.spec.config import LSTMConfig


def cost_module(subject: Subject, optimizer: str, *, input_grad: bool) -> Tree:
    """The costs of one LSTM."""
    config, data, around = subject.config, subject.data, subject.around
    values = values_of(config, data, around)
    check_rows(num_products(config), "matrix product")
    bill = Bill(config, data, around, optimizer, input_grad=input_grad)
    passes = list(_passes(bill))
    figures = list(bill.figures())
    keys = {
        "data": data_tree(subject),
        "around": around_tree(subject),
        "symbols": values,
        "functions": functions_tree(figure.size for figure in figures),
        "optimizer": optimizer,
        "input_grad": bill.input_grad,
        "paths": _paths(bill),
        "products": _products(products(config, data, around), values),
        "compute": _compute(config, passes, values),
        "passes": [{**row, **_numbers(work, values)} for row, work in passes],
        "packing": _packing(bill, values),
        "memory": [_figure(figure, values) for figure in figures],
    }
    tree = module_tree(subject, SETTINGS, keys)
    tree["notes"] += as_pytorch_note(subject, "counted")
    if not bill.is_run:
        tree["notes"].append(
            "PyTorch neither trains nor runs an LSTM in int8: only what is stored and forward is counted"
        )
    return tree


def _paths(bill: Bill) -> Tree | None:
    """The implementations that PyTorch uses on a CPU, and why; None in int8, which PyTorch does not run."""
    if not bill.is_run:
        return None
    found = {name: path_of(bill.config, bill.data, training=name == "training") for name in ("inference", "training")}
    return {name: {"path": path.key, "why": path.why} for name, path in found.items()}


def _products(rows: Sequence[Product], values: Mapping[str, int]) -> Sequence[Tree]:
    known: dict[int, Tree] = {}  # by formula: all layers above the first share one, and there may be many

    def row(product: Product) -> Tree:
        if id(product.macs) not in known:
            step, steps = product.macs.at(values), product.rows.at(values)
            known[id(product.macs)] = {
                "symbolic": str(product.macs),
                "step_macs": step,
                "rows": steps,
                "macs": steps * step,
                "flops": 2 * steps * step,
            }
        whose = {"layer": product.layer, "direction": product.direction or None, "part": product.part}
        return {**whose, **known[id(product.macs)]}

    return mapped(rows, row)


def _passes(bill: Bill) -> Iterator[tuple[Tree, Work]]:
    """Forward work, then backward and training work per implementation (int8: forward only)."""
    forward = forward_work(bill.config, bill.data, bill.around)
    yield {"pass": "forward", "path": None, "applies": True}, forward
    if not bill.is_run:
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
            yield {"pass": name, "path": path, "applies": path == own}, work


def _numbers(work: Work, values: Mapping[str, int]) -> Tree:
    macs = work.macs.at(values)
    counts = {name: work.elementwise[name].at(values) for name in OPERATIONS}
    return {"symbolic": str(work.macs), "macs": macs, "flops": 2 * macs, **counts}


def _work_tree(work: Work, values: Mapping[str, int]) -> Tree:
    numbers = _numbers(work, values)
    elementwise = {name: numbers.pop(name) for name in OPERATIONS}
    symbolic = {name: str(work.elementwise[name]) for name in OPERATIONS}
    return {**numbers, "elementwise": elementwise, "elementwise_symbolic": symbolic}


def _compute(config: LSTMConfig, passes: list[tuple[Tree, Work]], values: Mapping[str, int]) -> Tree:
    """The work of each pass that applies; for forward, also that of one step of one sequence."""
    applying: dict[str, Any] = dict.fromkeys(("forward", "backward", "training"))
    for row, work in passes:
        if row["applies"]:
            applying[row["pass"]] = {**({"path": row["path"]} if row["path"] else {}), **_work_tree(work, values)}
    applying["forward"]["per_step"] = _work_tree(step_work(config), values)
    return applying


def _packing(bill: Bill, values: Mapping[str, int]) -> Tree | None:
    """Steps and MACs that packing saves over padding; None without lengths."""
    data = bill.data
    if not data.lengths:
        return None
    steps, padded = steps_of(data).at(values), data.seq_len * data.num_sequences
    step = step_work(bill.config).macs.at(values)
    return {
        "steps": steps,
        "padded_steps": padded,
        "saved_macs": (padded - steps) * step,
        "saved_percent": 100 * (padded - steps) / padded,
    }


def _figure(figure: Figure, values: Mapping[str, int]) -> Tree:
    return {
        "name": figure.name,
        "path": figure.path or None,
        "applies": figure.applies,
        "bytes": figure.size.at(values),
        "certainty": figure.certainty,
        "error_percent": figure.error_percent,
        "counts": figure.counts,
        "verified": figure.verified,
        "formula": str(figure.size),
    }


def cost_report(subjects: Sequence[Subject], optimizer: str, *, input_grad: bool) -> Tree:
    """MACs, FLOPs and memory of every LSTM."""
    return document("cost", [cost_module(subject, optimizer, input_grad=input_grad) for subject in subjects])
