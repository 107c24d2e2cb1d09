"""Memory of the optimizers of `torch.optim`, as formulas: state kept for each parameter, temporaries of a step.

Source: the optimizers' own code (`torch/optim/*.py`, torch 2.13.0), and their state and allocations on a CPU, where
the default is one parameter after the other (`foreach=False`); compared for float64, float32 and bfloat16.

Not here: Muon, which refuses biases, and LBFGS, whose state grows with its history.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise
from operator import add, mul
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.spec.config import DTYPE_BYTES, LSTMConfig
from lstmcalc.spec.sizes import Dim, largest
from lstmcalc.spec.symbols import D, H_cell, H_in, H_out, num_layers

SCALAR: Final = 4  # bytes: steps are counted in float32, whatever the parameter's dtype

Shape: TypeAlias = tuple[Dim, ...]


class Optimizer(NamedTuple):
    """The memory of an optimizer, for each parameter."""

    call: str  # the call that makes it, with its default learning rate left out
    copies: int  # tensors as large as the parameter that it keeps
    scalars: int  # further numbers that it keeps, 4 bytes each
    # The most temporary tensors during an update: as large as the parameter, and as large as the one before; several
    # pairs if the peak can be at several moments.
    made: tuple[tuple[int, int], ...]
    factored: bool = False  # keeps rows and columns of a matrix instead of a copy


OPTIMIZERS: Final[Mapping[str, Optimizer]] = MappingProxyType(
    {
        "sgd": Optimizer("SGD(params)", 0, 0, ()),
        "momentum": Optimizer("SGD(params, momentum=0.9)", 1, 0, ()),
        "rmsprop": Optimizer("RMSprop(params)", 1, 1, ((1, 1),)),
        "adagrad": Optimizer("Adagrad(params)", 1, 1, ((1, 1),)),
        "adam": Optimizer("Adam(params)", 2, 1, ((2, 1),)),
        "adamw": Optimizer("AdamW(params)", 2, 1, ((2, 1),)),
        "adamax": Optimizer("Adamax(params)", 2, 1, ((1, 0),)),
        "nadam": Optimizer("NAdam(params)", 2, 2, ((2, 1),)),
        "radam": Optimizer("RAdam(params)", 2, 1, ((5, 0),)),  # from the sixth step on; 2 before
        "adadelta": Optimizer("Adadelta(params)", 2, 1, ((2, 1), (1, 2))),
        "amsgrad": Optimizer("Adam(params, amsgrad=True)", 3, 1, ((2, 1),)),
        "adafactor": Optimizer("Adafactor(params)", 1, 1, ((1, 1),), factored=True),
    }
)


class Parameters(NamedTuple):
    """A group of parameters in the order of the module, repeated."""

    shapes: tuple[Shape, ...]  # in symbols
    times: Dim  # the number of repetitions
    again: bool = False  # the group occurs more than once


def lstm_parameters(config: LSTMConfig) -> list[Parameters]:
    """The parameters of an LSTM, in PyTorch's order: the first layer, and the layers above, which are alike."""

    def cell(width: Dim) -> tuple[Shape, ...]:
        shapes: list[Shape] = [(4 * H_cell, width), (4 * H_cell, H_out)]
        shapes += [(4 * H_cell,)] * (2 * config.bias)
        shapes += [(H_out, H_cell)] * bool(config.proj_size)
        return tuple(shapes)

    rows = [Parameters(cell(H_in), D, config.bidirectional)]
    if config.num_layers > 1:
        calls = config.num_directions * (config.num_layers - 1)
        rows.append(Parameters(cell(D * H_out), D * (num_layers - 1), calls > 1))
    return rows


def tensors_symbolic(rows: Sequence[Parameters]) -> Dim:
    """The number of tensors among the parameters."""
    return _total([len(row.shapes) * row.times for row in rows])


def state(rows: Sequence[Parameters], name: str, dtype: str) -> Dim:
    """Bytes that an optimizer keeps for these parameters from its first step on; copies are of the same dtype."""
    optimizer, element = OPTIMIZERS[name], DTYPE_BYTES[dtype]

    def kept(shape: Shape) -> Dim:
        if optimizer.factored and len(shape) > 1:
            return _total(list(shape))
        return optimizer.copies * reduce(mul, shape)

    counts = [row.times * _total([kept(shape) for shape in row.shapes]) for row in rows]
    return element * _total(counts) + SCALAR * optimizer.scalars * tensors_symbolic(rows)


def step_temporaries(rows: Sequence[Parameters], name: str, dtype: str) -> Dim:
    """The most bytes that a step holds besides the optimizer's state, without scalars (up to 16 bytes).

    On a CPU, with `foreach` not set. Adafactor takes up to 5 % more than this, and an unknown amount more in bfloat16
    and float16, whose matrix products take buffers that are not included.
    """
    optimizer = OPTIMIZERS[name]
    if not optimizer.made:
        return Dim.of(0)
    pairs: list[tuple[Shape | None, Shape]] = []
    last: Shape | None = None
    for row in rows:
        pairs += [(last, row.shapes[0]), *pairwise(row.shapes)]
        last = row.shapes[-1]
        if row.again:
            pairs.append((last, row.shapes[0]))
    moments = [moment for before, shape in pairs for moment in _moments(optimizer, before, shape)]
    different = list({str(moment): moment for moment in moments}.values())
    return DTYPE_BYTES[dtype] * (largest(*different) if len(different) > 1 else different[0])


def _moments(optimizer: Optimizer, before: Shape | None, shape: Shape) -> list[Dim]:
    """Counts of numbers held while a parameter is updated, including the remains of the one before."""
    size, left = reduce(mul, shape), Dim.of(0) if before is None else reduce(mul, before)
    if not optimizer.factored:
        return [made * size + kept * left for made, kept in optimizer.made]
    if len(shape) > 1:
        return [size + _total(list(shape)) + left]
    # The means of a matrix's rows and columns are there until the next matrix has its own.
    means = _total(list(before)) if before is not None and len(before) > 1 else Dim.of(0)
    return [2 * size + left + means]


def _total(parts: list[Dim]) -> Dim:
    return reduce(add, parts, Dim.of(0))
