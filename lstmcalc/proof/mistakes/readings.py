"""The readings of an array of a port: the output, its last step, or the last states, told by its shape.

Not here: what is computed (`batched`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.mistakes.batched import Ran
from lstmcalc.proof.mistakes.plans import Dims, Plan, Problem, lengths_of

Kind: TypeAlias = Literal["output", "last", "h_n", "c_n"]
KINDS: Final[tuple[Kind, ...]] = ("output", "last", "h_n")  # of the array of --expect


class Reading(NamedTuple):
    """An array as one of the results of an LSTM, with its axes in the order of `Prediction`."""

    kind: Kind
    axes: str  # in words: `(L, N, D*H_out)`
    values: Array  # output `(L, N, D*width)`, last `(N, D*width)`, h_n and c_n `(rows, N, width)`
    layer: bool = False  # True if the states are those of the last layer alone
    repeats: bool = False  # True if behind a sequence its last output is repeated


class Prediction(NamedTuple):
    """The numbers that a plan gives for all sequences, as the port hands them out."""

    output: Array  # `(L, N, D*width)`
    last: Array  # `(N, D*width)`, the output at each sequence's last step
    h_n: Array  # `(rows, N, H_out)`
    c_n: Array
    lengths: tuple[int, ...] | None  # behind which the output is zero

    def of(self, reading: Reading, directions: int) -> Array:
        """The array that stands in the place of another."""
        if reading.kind == "output":
            return self._repeated() if reading.repeats else self.output
        if reading.kind == "last":
            return self.last
        rows = self.h_n if reading.kind == "h_n" else self.c_n
        return rows[-directions:] if reading.layer else rows

    def _repeated(self) -> Array:
        """The output with each sequence's last one behind it."""
        repeated = self.output.copy()
        for n, length in enumerate(self.lengths or ()):
            repeated[length:, n] = repeated[length - 1, n]
        return repeated


def predicted(problem: Problem, plan: Plan, ran: Ran, column: int = 0) -> Prediction:
    """The arrays that a plan hands out, of what was computed for all sequences; `column` is its place."""
    halves = []
    for half, writes in zip(ran.halves, ran.writes, strict=True):
        placed = np.zeros((len(problem.x[0]) if plan.time_swapped else len(problem.x), *half.shape[1::2]), half.dtype)
        placed[writes, np.arange(half.shape[1])] = half[:, :, column]
        halves.append(placed)
    output = merged(halves, plan)
    lengths = lengths_of(problem, plan)
    ends = np.array(lengths or [len(output)] * output.shape[1])
    last = output[ends - 1, np.arange(output.shape[1])]
    h, c = ran.h[:, :, column], ran.c[:, :, column]
    if plan.sequences:
        order = np.array(plan.sequences)
        output, last, h, c = output[:, order], last[order], h[:, order], c[:, order]
        lengths = lengths and tuple(lengths[n] for n in plan.sequences)
    if plan.time_swapped:
        output = output.swapaxes(0, 1)
    return Prediction(output, last, *((c, h) if plan.h_c_returned else (h, c)), lengths)


def merged(halves: Sequence[Array], plan: Plan) -> Array:
    """The directions' outputs, as a plan puts them together."""
    if plan.merge:
        both = halves[0] + halves[1]
        return both / 2 if plan.merge == "mean" else both
    return np.concatenate(halves[::-1] if plan.halves else halves, axis=-1)


def readings_of(array: Array, dims: Dims, kinds: Sequence[Kind], *, batch_first: bool, packed: bool) -> list[Reading]:
    """The readings of an array by its shape, the likeliest first.

    Args:
        array: The array.
        dims: The sizes of what was computed.
        kinds: What it may be.
        batch_first: True if the LSTM's own output is.
        packed: True if some sequences end early.
    """
    found: list[Reading] = []
    for kind in kinds:
        forms = _output_forms(dims, batch_first=batch_first) if kind == "output" else _other_forms(dims, kind)
        for form in forms:
            if array.shape == form.shape:
                values = form.shaped(array)
                repeats = (False, True) if kind == "output" and packed else (False,)
                found += [Reading(kind, form.axes, values, form.layer, again) for again in repeats]
    return found


class Form(NamedTuple):
    """A shape that an array may have."""

    axes: str  # in words
    shape: tuple[int, ...]
    shaped: Callable[[Array], Array]  # of the array, `Reading.values`
    layer: bool = False  # as in a `Reading`


def _same(array: Array) -> Array:
    return array


def _batched(array: Array) -> Array:
    """An array without a batch axis, with one of 1 before its last axis."""
    return array[..., None, :]


def main_forms(dims: Dims, kind: Kind, *, batch_first: bool) -> list[Form]:
    """The shapes that an array of a kind has by default."""
    forms = list(_output_forms(dims, batch_first=batch_first) if kind == "output" else _other_forms(dims, kind))
    return forms[:1]


def _output_forms(dims: Dims, *, batch_first: bool) -> Iterator[Form]:
    steps, batch, wide = dims.steps, dims.batch, dims.directions * dims.width
    forms = [
        Form("(L, N, D*H_out)", (steps, batch, wide), _same),
        Form("(N, L, D*H_out)", (batch, steps, wide), lambda array: array.swapaxes(0, 1)),
    ]
    yield from forms[::-1] if batch_first else forms
    if batch == 1:
        yield Form("(L, D*H_out)", (steps, wide), _batched)
    each = dims.directions, dims.width
    yield Form(
        "(L, D, N, H_out)",
        (steps, each[0], batch, each[1]),
        lambda array: array.swapaxes(1, 2).reshape(steps, batch, wide),
    )
    yield Form(
        "(N, L, D, H_out)", (batch, steps, *each), lambda array: array.swapaxes(0, 1).reshape(steps, batch, wide)
    )


def _other_forms(dims: Dims, kind: Kind) -> Iterator[Form]:
    ends, wide = dims.ends, dims.directions * dims.width
    if kind == "last":
        yield Form("(N, D*H_out)", (ends, wide), _same)
        if ends == 1:
            yield Form("(D*H_out)", (wide,), _batched)
        return
    width, name = (dims.h, "H_out") if kind == "h_n" else (dims.c, "H_cell")
    for rows, axis in ((dims.states, "D*num_layers"), (dims.ways, "D"))[: 1 + (dims.states > dims.ways)]:
        layer = rows < dims.states
        yield Form(f"({axis}, N, {name})", (rows, ends, width), _same, layer)
        if ends == 1:
            yield Form(f"({axis}, {name})", (rows, width), _batched, layer)
    yield Form(
        f"(N, D*{name})",
        (ends, dims.ways * width),
        lambda array: array.reshape(ends, dims.ways, width).swapaxes(0, 1),
        layer=True,
    )
