"""A plan is what a port computed instead of the LSTM: one choice for each thing that can be done wrong.

A mistake changes choices of a `Plan`; the plan without any is the LSTM as it is.

Not here: the mistakes (`table`), and what a plan computes (`batched`).
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.sensitivity import moved_numbers
from lstmcalc.spec.activations import PYTORCH, Activations
from lstmcalc.spec.config import LSTMConfig

IFGO: Final = "ifgo"


class Cell(NamedTuple):
    """The weights of one direction of one layer, gate by gate."""

    w_ih: Array  # `(4, H_cell, inputs)`
    w_hh: Array  # `(4, H_cell, H_out)`
    b_ih: Array  # `(4, H_cell)`, zeros without biases
    b_hh: Array
    w_hr: Array | None  # `(H_out, H_cell)`; None without a projection


Cells: TypeAlias = tuple[tuple[Cell, ...], ...]  # by layer, then direction


class Problem(NamedTuple):
    """The LSTM and its data, the steps first and with a batch axis."""

    config: LSTMConfig
    cells: Cells
    x: Array  # `(L, N, H_in)`
    h_0: Array  # `(D*num_layers, N, H_out)`
    c_0: Array  # `(D*num_layers, N, H_cell)`
    lengths: tuple[int, ...] | None = None
    activations: Activations = PYTORCH
    others: Cells | None = None  # weights of a second file, that yours may have been computed with


class Plan(NamedTuple):
    """A plan: each field is a choice, and its default is what PyTorch does."""

    others: bool = False  # True for the weights of the second file
    matrices: tuple[str, ...] = ()  # what was done to the weights, of `weights.CHANGES`, in this order
    orders: tuple[str, str, str] = (IFGO, IFGO, IFGO)  # as which gates the rows of W_ih, W_hh and the biases were read
    biases: tuple[float, float] = (1.0, 1.0)  # how many times b_ih and b_hh were added
    offset: float = 0.0  # added to the forget gate
    gates: str = ""  # the gates' function; empty for the LSTM's own
    cell: str = ""  # the cell's function
    output_tanh: bool = True  # False for h = o * c
    other_directions: bool = False  # True if the reverse direction has the forward weights, and the other way round
    reverse: str = ""  # the reverse direction: `forward` if it read forward, `left` if its output stayed reversed
    halves: str = ""  # the reverse half of the output first: in `all` layers, or in the `last`
    merge: str = ""  # `sum` or `mean` of both directions in place of both
    states: str = ""  # the initial states: a key of `batched.STATES`
    carried: str = ""  # the states were not reset: before the `call`, or `chained` from sequence to sequence
    h_c_returned: bool = False  # True if h_n and c_n came back in each other's place
    time_swapped: bool = False  # True if the steps were taken for the batch
    sequences: tuple[int, ...] = ()  # output n is that of sequence sequences[n]; empty for their own order
    lengths: str = ""  # `none`, `shorter` or `longer`
    layers: tuple[int, ...] = ()  # the layers that were computed; empty for all
    projection: str = ""  # `none` if the output was taken before it, `cut` if h is the beginning of what it reads


RIGHT: Final = Plan()


class Dims(NamedTuple):
    """The sizes of what a plan gives."""

    steps: int  # L of the output
    batch: int  # N of the output
    ends: int  # sequences that have a last step
    directions: int  # that stand side by side in the output
    width: int  # of one of them
    ways: int  # the directions that are computed
    states: int  # the rows of h_n and c_n
    h: int  # the width of a row of h_n
    c: int  # the width of a row of c_n


def layers_of(problem: Problem, plan: Plan) -> tuple[int, ...]:
    """The layers that a plan computes."""
    return plan.layers or tuple(range(problem.config.num_layers))


def dims_of(problem: Problem, plan: Plan) -> Dims:
    """The sizes of what a plan gives."""
    config = problem.config
    steps, batch = problem.x.shape[:2]
    width = config.hidden_size if plan.projection == "none" else config.output_size
    ways = config.num_directions
    ends = steps if plan.time_swapped else batch
    states = ways * len(layers_of(problem, plan)), config.output_size, config.hidden_size
    return Dims(steps, batch, ends, 1 if plan.merge else ways, width, ways, *states)


def lengths_of(problem: Problem, plan: Plan) -> tuple[int, ...] | None:
    """The lengths that a plan computes with; None for all steps."""
    if problem.lengths is None or plan.lengths == "none" or plan.time_swapped:
        return None
    change = {"": 0, "shorter": -1, "longer": 1}[plan.lengths]
    most = len(problem.x)
    return tuple(min(most, max(1, length + change)) for length in problem.lengths)


def cells_of(config: LSTMConfig, weights: Mapping[str, Array], work: "np.dtype[np.floating]") -> Cells:
    """The weights of PyTorch's names, by layer, direction and gate, in the dtype that is computed in."""

    def cell(suffix: str, reads: int) -> Cell:
        hidden, output = config.hidden_size, config.output_size

        def read(stem: str, shape: Sequence[int]) -> Array:
            return weights[f"{stem}_{suffix}"].astype(work, copy=False).reshape(shape)

        zeros = np.zeros((4, hidden), work)
        return Cell(
            read("weight_ih", (4, hidden, reads)),
            read("weight_hh", (4, hidden, output)),
            read("bias_ih", (4, hidden)) if config.bias else zeros,
            read("bias_hh", (4, hidden)) if config.bias else zeros,
            read("weight_hr", (output, hidden)) if config.proj_size else None,
        )

    return tuple(
        tuple(
            cell(f"l{layer}{direction}", config.layer_input_size(layer))
            for direction in ("", "_reverse")[: config.num_directions]
        )
        for layer in range(config.num_layers)
    )


def moved_problem(problem: Problem) -> Problem:
    """The problem with every weight and input a few units in its last place above or below, at random."""
    random = np.random.default_rng(0)

    def moved(array: Array) -> Array:
        return moved_numbers(array, array.dtype, random)

    def moved_cells(cells: Cells) -> Cells:
        return tuple(
            tuple(Cell(*(None if array is None else moved(array) for array in cell)) for cell in layer)  # type: ignore[arg-type]  # w_hr alone may be None
            for layer in cells
        )

    others = None if problem.others is None else moved_cells(problem.others)
    x, h_0, c_0 = map(moved, (problem.x, problem.h_0, problem.c_0))
    return problem._replace(cells=moved_cells(problem.cells), others=others, x=x, h_0=h_0, c_0=c_0)
