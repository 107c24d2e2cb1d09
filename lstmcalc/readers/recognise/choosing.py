"""The readings that are taken: of those that share arrays the best one, and none that is an optimizer's copy."""

from collections.abc import Collection, Sequence
from typing import Final

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import Storage
from lstmcalc.readers.files.tensors import Relative, Stored
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.candidates import group_readings, module_groups, other_modules
from lstmcalc.readers.recognise.either import Either, names_of, unit_of
from lstmcalc.readers.recognise.elmo import elmo_cells
from lstmcalc.readers.recognise.names import FRAMEWORKS
from lstmcalc.readers.recognise.readings import defect_count


def chosen_readings(tensors: Sequence[Stored], framework: str, kind: str) -> list[Either]:
    """The modules that the arrays belong to, each array to one at most, in a framework or in any.

    An LSTM of a file whose `kind` does not tell names its rivals: the frameworks that would be read as well.
    """
    groups = module_groups(tensors)
    if not framework and kind in KIND_HAS:
        groups = [group for group in groups if group.framework in KIND_HAS[kind]]
    candidates = [*group_readings(groups), *elmo_cells(tensors)]
    if framework:
        wanted = same_names(framework)
        candidates = [_with_zero_biases(item) for item in candidates if _framework(item) in (wanted, None)]
    candidates += other_modules(tensors)
    trained = {_size_of(item) for item in candidates if not (_OPTIMIZERS | _MOMENTS) & set(unit_of(item).split("/"))}
    candidates = [item for item in candidates if not _is_optimizer(item, trained)]
    taken: set[str] = set()
    chosen = []
    for item in sorted(candidates, key=_worth):
        if taken.isdisjoint(names_of(item)):
            taken.update(names_of(item))
            chosen.append(item)
    return chosen if framework else _with_rivals(chosen, candidates, kind)


# Frameworks whose names, shapes and order of gates are those of another, as which they are read.
_NAMED_ALIKE: Final = {"candle": "pytorch", "mindspore": "pytorch", "tinygrad": "pytorch-cell"}


# What the kind of a file says of the framework whose names are in it.
KIND_TELLS: Final = {
    "listed by PyTorch": ("pytorch", "pytorch-cell"),
    "torch": ("pytorch", "pytorch-cell"),
    "onnx": ("onnx",),
    "keras": ("keras", "keras2"),
}


# The frameworks whose arrays a file of this kind can have. Keras' are described by their readers; names of Sonnet look
# like Haiku's, and their gates have another order.
KIND_HAS: Final = dict.fromkeys(
    ("tensorflow", "tensorflow-old", "saved-model", "tensorflow-graph", "tensorflow-js"), ("tf1",)
)


def same_names(framework: str) -> str:
    """The framework as which arrays of this one are read, as names, shapes and order of gates are the same."""
    return _NAMED_ALIKE.get(framework, framework)


def _framework(item: Either) -> str | None:
    return item.framework if isinstance(item, Found) else None


def _with_rivals(chosen: Sequence[Either], candidates: Sequence[Either], kind: str) -> list[Either]:
    """The readings, with the frameworks of others that explain the same arrays with another order of gates."""
    others: dict[tuple[str, ...], list[Found]] = {}
    for item in candidates:
        if isinstance(item, Found):
            others.setdefault(item.stored.names, []).append(item)
    found: list[Either] = []
    for item in chosen:
        rivals: dict[str, None] = {}
        if isinstance(item, Found) and len(others[item.stored.names]) > 1 and _fits(item):
            told = item.framework in KIND_TELLS.get(kind, ())
            gates = LAYOUTS[item.framework].gates
            rivals = {
                other.framework: None
                for other in others[item.stored.names]
                if not told and LAYOUTS[other.framework].gates != gates and _fits(other)
            }
        found.append(item._replace(rivals=tuple(rivals)) if isinstance(item, Found) and rivals else item)
    return found


def _fits(item: Found) -> bool:
    """True if a reading explains its arrays, of which each holds all gates; biases may be left out all together."""
    by_gate = any("{gate}" in stored.name for stored in LAYOUTS[item.framework].stored)
    return not by_gate and not defect_count(_with_zero_biases(item))


def _with_zero_biases(item: Either) -> Either:
    """The reading; biases that a framework always has are taken as zeros if the file has none of them."""
    if isinstance(item, Relative) or not item.stored.missing or item.stored.config.bias:
        return item
    parameters = Storage(item.stored.config, item.framework).parameters
    biases = {row.name for row in parameters if all(held.startswith("bias") for held in row.holds)}
    if LAYOUTS[item.framework].forget_offset or not biases.issuperset(item.stored.missing):
        return item
    note = f"without biases, which {LAYOUTS[item.framework].title} always has: they are taken as zeros"
    return item._replace(notes=(*item.notes, note), weights=item.stored._replace(missing=()))


def _worth(item: Either) -> tuple[int, int, int]:
    """A key that sorts the better reading first: most arrays that fit, then a short path, then the table's order."""
    rank = FRAMEWORKS.index(item.framework) if isinstance(item, Found) else len(FRAMEWORKS)
    return defect_count(item) - len(names_of(item)), unit_of(item).count("/"), rank


# Names of optimizers' tensors in the shape of the weights: torch.optim 2.13.0 (exp_avg, ...), optax 0.2 (mu, nu),
# TensorFlow 1 (Adam, Momentum).
_MOMENTS: Final = frozenset(
    (
        *("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "grad_avg", "acc_delta"),
        *("mu", "nu", "momentum", "velocity", "Adam", "Adam_1", "RMSProp", "RMSProp_1", "Momentum"),
    )
)


_OPTIMIZERS: Final = frozenset(
    ("optimizer", "optimizers", "optimizer_state", "optimizer_states", "opt_state", "optim", "opt")
)


def _is_optimizer(item: Either, trained: Collection[object]) -> bool:
    """True for an optimizer's moments: by their name, or in an optimizer beside an LSTM of the same sizes."""
    parts = set(unit_of(item).split("/"))
    return bool(_MOMENTS & parts) or (bool(_OPTIMIZERS & parts) and _size_of(item) in trained)


def _size_of(item: Either) -> object:
    return item.stored.config if isinstance(item, Found) else (item.kind, item.input_size, item.hidden_size)
