"""The work of an LSTM, as formulas: the multiply-accumulates of its matrix products, its elementwise operations.

Every step of a sequence costs the same, so a pass over a batch is that times `steps_of(data)`: `N*L`, or the sum of the
lengths, since a packed batch has no padding. One MAC is a multiplication and an addition, two FLOPs.

Source: a product of `(m, k)` and `(k, n)` has `m*k*n` MACs, and its gradient two such products, one for each operand.
The products that PyTorch's own kernels leave out were read in the formulas of autograd, and agree with
`torch.utils.flop_counter.FlopCounterMode` (torch 2.13.0, `device="meta"`, forward and backward).

Not here: bytes (`memory`).
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.lazy import LazySequence
from lstmcalc.spec.config import DataSpec, LSTMConfig, Surroundings
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import DIRECTIONS, LAST_SIZE, OUT, D, H_cell, H_in, H_out, L, N, S, num_layers

# The number of results of each operation. A subtraction is counted as an addition.
Elementwise: TypeAlias = dict[str, Dim]
OPERATIONS: Final = ("sigmoid", "tanh", "multiply", "add")

# The implementations of an LSTM in PyTorch; the fused ones compute every gradient in backward.
FUSED: Final = ("onednn", "cudnn")
PATHS: Final = ("onednn", "native", "cudnn")


class Product(NamedTuple):
    """One matrix product of a step."""

    layer: int | None  # from 0; None for the head
    direction: str  # `forward` or `reverse`; empty for the head
    part: str  # `input`, `recurrent`, `projection` or `head`
    macs: Dim  # for one step of one sequence
    rows: Dim  # the number of such steps in a pass


class Work(NamedTuple):
    """The work of a pass: the MACs of its products, and its elementwise operations by name."""

    macs: Dim
    elementwise: Elementwise

    def and_also(self, macs: Dim | int = 0, additions: Dim | int = 0) -> "Work":
        """The sum of this work and of more MACs and additions."""
        return Work(self.macs + macs, {**self.elementwise, "add": self.elementwise["add"] + additions})

    def and_then(self, other: "Work") -> "Work":
        """The sum of both works."""
        return Work(
            self.macs + other.macs, {name: self.elementwise[name] + other.elementwise[name] for name in OPERATIONS}
        )


def sequences_of(data: DataSpec) -> Dim:
    """The number of sequences: `N`, or 1 when unbatched."""
    return Dim.of(1) if data.unbatched else N


def steps_of(data: DataSpec) -> Dim:
    """The number of computed steps of all sequences together: `N*L`, or the sum of the lengths."""
    return S if data.lengths else sequences_of(data) * L


def num_products(config: LSTMConfig) -> int:
    """The number of matrix products in a step, without a head."""
    return config.num_layers * config.num_directions * (3 if config.proj_size else 2)


def products(config: LSTMConfig, data: DataSpec, around: Surroundings = Surroundings()) -> Sequence[Product]:  # noqa: B008  # frozen
    """Every matrix product, layer by layer; the head's comes last."""
    steps, templates = steps_of(data), (_parts(config, first=False), _parts(config, first=True))
    each, count = len(templates[0]), num_products(config)

    def make(index: int) -> Product:
        if index == count:
            return _head(data, around)
        cell, position = divmod(index, each)
        layer, direction = divmod(cell, config.num_directions)
        part, macs = templates[layer == 0][position]
        return Product(layer, DIRECTIONS[direction], part, macs, steps)

    return LazySequence(count + (around.head is not None), make)


def _parts(config: LSTMConfig, *, first: bool) -> list[tuple[str, Dim]]:
    """The products of one layer and direction, for one step of one sequence."""
    width = H_in if first else D * H_out
    parts = [("input", 4 * H_cell * width), ("recurrent", 4 * H_cell * H_out)]
    return [*parts, ("projection", H_cell * H_out)] if config.proj_size else parts


def _head(data: DataSpec, around: Surroundings) -> Product:
    """The head's product: for every step of the padded output, or for the last state alone."""
    rows = sequences_of(data) * (L if around.head_on == "all" else 1)
    return Product(None, "", "head", D * H_out * OUT, rows)


def _macs_of_layers(times: Dim, config: LSTMConfig) -> Dim:
    """`times` the MACs of all layers and directions: of the first layer, and of those above it."""
    first, above = (reduce(add, (macs for _, macs in _parts(config, first=first))) for first in (True, False))
    total = times * D * first
    return total + times * D * (num_layers - 1) * above if config.num_layers > 1 else total


def step_work(config: LSTMConfig, times: Dim = Dim.of(1)) -> Work:  # noqa: B008  # frozen
    """`times` the work of one step of one sequence through all layers and directions, forward, without the head."""
    # Four gates, of which g is a tanh; the sum of two products, each with its bias; f*c + i*g; o * tanh(c).
    own = {
        "sigmoid": 3 * H_cell,
        "tanh": 2 * H_cell,
        "multiply": 3 * H_cell,
        "add": (13 if config.bias else 5) * H_cell,
    }
    return Work(_macs_of_layers(times, config), {name: times * D * num_layers * count for name, count in own.items()})


def forward_work(config: LSTMConfig, data: DataSpec, around: Surroundings = Surroundings()) -> Work:  # noqa: B008  # frozen
    """The work of one forward pass; biases are additions, an embedding is a lookup."""
    work = step_work(config, steps_of(data))
    if around.head is None:
        return work
    head = _head(data, around)
    return work.and_also(head.rows * head.macs, head.rows * OUT)


def backward_work(
    config: LSTMConfig,
    data: DataSpec,
    around: Surroundings = Surroundings(),  # noqa: B008  # frozen
    *,
    path: str,
    input_grad: bool = False,
) -> Work:
    """The work of one backward pass to all parameters; the initial states need no gradient.

    With fused kernels as `path` (`onednn`, `cudnn`) every gradient is computed, with PyTorch's `native` code only those
    that are needed. The input needs one with `input_grad`, and always with an embedding.
    """
    input_grad = input_grad or around.embed is not None
    steps = steps_of(data)
    macs = _macs_of_layers(2 * steps, config)
    if path not in FUSED:
        macs = macs - _omitted_macs(config, data, input_grad=input_grad)
    work = Work(macs, {name: steps * count for name, count in _step_back(config, path).items()})
    if config.bidirectional:  # both directions have a gradient for what they read, and these are added
        read = (num_layers - 1) * D * H_out if config.num_layers > 1 else Dim.of(0)
        work = work.and_also(additions=steps * (read + H_in if input_grad or path in FUSED else read))
    if around.head is not None:
        head = _head(data, around)
        work = work.and_also(2 * head.rows * head.macs, head.rows * OUT)
    return work


def _omitted_macs(config: LSTMConfig, data: DataSpec, *, input_grad: bool) -> Dim:
    """The MACs of gradients that are not needed: of the input, and of h_0 at the first step of each direction."""
    # Packed, the reverse direction begins with the sequences that are as long as the longest, and takes in the others
    # later; their h_0 is then in one product with the states of the first.
    begins = sequences_of(data) * (1 if data.lengths else D)
    if data.lengths and config.bidirectional:
        begins = begins + LAST_SIZE
    left = num_layers * begins * 4 * H_cell * H_out
    return left if input_grad else left + steps_of(data) * D * 4 * H_cell * H_in


def _step_back(config: LSTMConfig, path: str) -> Elementwise:
    """The elementwise operations of one step backward, by the chain rule through `UPDATES` and the gates.

    `dh` adds up what comes from the output and from the next step, `dc` what comes from h and from the next step; each
    sigmoid's slope is `s*(1 - s)`, each tanh's `1 - t*t`; the gradient of the biases is one sum for both of them.
    If tanh(c) was not kept, it is computed again.
    """
    back = {
        "sigmoid": Dim.of(0),
        "tanh": (1 if path in FUSED else 0) * H_cell,
        "multiply": 16 * H_cell,
        "add": (10 if config.bias else 6) * H_cell + H_out,
    }
    return {name: D * num_layers * count for name, count in back.items()}
