"""Plans computed side by side: those that differ in what is done to numbers share every matrix product.

An order of gates permutes what a product gives, a lost bias leaves out a sum, another function replaces one: the
matrices are the same, so a hundred plans are a batch of a hundred. Arrays are `(steps, sequences, plans, units)`.

It is not `numerics.forward`, which computes the LSTM alone; tests compare the two, and both with a third.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lstmcalc.numerics.activations import Functions, functions_of
from lstmcalc.numerics.arrays import Array
from lstmcalc.proof.mistakes.plans import IFGO, Cell, Cells, Plan, Problem, layers_of, lengths_of
from lstmcalc.proof.mistakes.weights import CHANGES, POSSIBLE

Indices: TypeAlias = NDArray[np.intp]
State: TypeAlias = tuple[Array, Array]  # h and c, `(rows, sequences, plans, units)`

_ROWS: Final = 4096  # of a product that is computed at once


class Ran(NamedTuple):
    """The numbers that plans computed."""

    halves: list[Array]  # the last layer's output for each direction, `(steps, sequences, plans, width)`
    writes: list[Indices]  # the step of the output that each of them is, `(steps, sequences)`
    h: Array  # the last h of each computed layer and direction
    c: Array

    def at_first(self) -> "Ran":
        """The same at the first step of the output alone."""
        first = [writes[:, 0] == 0 for writes in self.writes]
        halves = [half[there] for half, there in zip(self.halves, first, strict=True)]
        return self._replace(halves=halves, writes=[one[there] for one, there in zip(self.writes, first, strict=True)])


class Numbers:
    """The weights of plans: those of the last one are kept, since plans with the same weights are computed in turn."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._kept: tuple[object, Cells] = ((), problem.cells)

    def possible(self, plan: Plan) -> bool:
        """True if what was done to the weights can have been done with their shapes."""
        cells = self._problem.others if plan.others else self._problem.cells
        if cells is None:
            return False
        each = [cell for layer in cells for cell in layer]
        return all(name not in POSSIBLE or any(map(POSSIBLE[name], each)) for name in plan.matrices)

    def cells(self, plan: Plan) -> Cells:
        """The weights that a plan computes with."""
        key = plan.others, plan.matrices, plan.other_directions
        if key != self._kept[0]:
            self._kept = key, self._changed(plan)
        return self._kept[1]

    def _changed(self, plan: Plan) -> Cells:
        cells = self._problem.others if plan.others else self._problem.cells
        assert cells is not None  # noqa: S101  # such a plan is not possible
        if plan.other_directions:
            cells = tuple(layer[::-1] for layer in cells)
        for name in plan.matrices:
            change, can = CHANGES[name], POSSIBLE.get(name)
            cells = tuple(
                tuple(change(cell) if can is None or can(cell) else cell for cell in layer) for layer in cells
            )
        return cells


def kind_of(problem: Problem, plan: Plan) -> tuple[object, ...]:
    """The key that plans must have in common to be computed side by side."""
    return (
        (plan.others, plan.matrices, plan.other_directions),
        (plan.reverse, plan.halves == "all", plan.time_swapped, plan.sequences),
        (lengths_of(problem, plan), layers_of(problem, plan), plan.projection),
        plan.carried,
    )


def is_causal(problem: Problem, plan: Plan) -> bool:
    """True if the first steps of each direction do not depend on later ones."""
    return problem.config.num_directions == 1 or len(layers_of(problem, plan)) == 1


def run_plans(
    problem: Problem,
    numbers: Numbers,
    plans: Sequence[Plan],
    picked: Sequence[int],
    steps: int | None = None,
    state: State | None = None,
    window: int | None = None,
) -> Ran:
    """The numbers that plans of one kind compute for some sequences.

    Args:
        problem: The LSTM and its data.
        numbers: Its weights.
        plans: Plans of one kind.
        picked: The sequences, of those that the plans read.
        steps: The first steps of each direction that are computed, if the plans are causal; None for all.
        state: The initial states; None for those of the plans.
        window: The first steps of x that are read at all, as if there were no others; None for all.
    """
    plan, cells = plans[0], numbers.cells(plans[0])
    if state is None and plan.carried == "chained":
        return _chained(problem, numbers, plans, picked)
    if state is None and plan.carried == "call":
        before = run_plans(problem, numbers, [one._replace(carried="") for one in plans], picked)
        state = before.h, before.c
    lengths = lengths_of(problem, plan)
    picks = np.array(picked)
    x: Array = (problem.x.swapaxes(0, 1) if plan.time_swapped else problem.x)[:, picks]
    x = x[:window]
    own = np.minimum(len(x), np.full(len(picks), len(x)) if lengths is None else np.array(lengths)[picks])
    layers = layers_of(problem, plan)
    h_0, c_0 = _initial_states(problem, plans, layers, picks) if state is None else state
    columns, each = _Columns(problem, plans), problem.config.num_directions
    ends: list[State] = []
    for position, layer in enumerate(layers):
        last, halves, writes = position == len(layers) - 1, [], []
        for direction, cell in enumerate(cells[layer]):
            reads, wrote = _places(len(x), own, reverse=direction == 1, how=plan.reverse)
            reads, wrote = reads[:steps], wrote[:steps]
            active = None if lengths is None else np.arange(len(reads))[:, None] < own
            k = position * each + direction
            out, h, c = _swept(cell, columns, x[reads, np.arange(len(picks))], (h_0[k], c_0[k]), active, last=last)
            ends.append((h, c))
            halves.append(out)
            writes.append(wrote)
        if not last:
            parts = [_in_time(half, wrote) for half, wrote in zip(halves, writes, strict=True)]
            x = np.concatenate(parts[::-1] if plan.halves == "all" else parts, axis=-1)
    return Ran(halves, writes, np.stack([h for h, _ in ends]), np.stack([c for _, c in ends]))


def _chained(problem: Problem, numbers: Numbers, plans: Sequence[Plan], picked: Sequence[int]) -> Ran:
    """Each sequence begins with the states in which the one before it ended; all up to the last one are computed."""
    parts, state = [], None
    single = [plan._replace(carried="") for plan in plans]
    for n in range(max(picked) + 1):
        ran = run_plans(problem, numbers, single, [n], state=state)
        state = ran.h, ran.c
        parts.append(ran)
    parts = [parts[n] for n in picked]
    halves = [np.concatenate(half, axis=1) for half in zip(*(part.halves for part in parts), strict=True)]
    writes = [np.concatenate(one, axis=1) for one in zip(*(part.writes for part in parts), strict=True)]
    h, c = (np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("h", "c"))
    return Ran(halves, writes, h, c)


def _places(steps: int, lengths: Indices, *, reverse: bool, how: str) -> tuple[Indices, Indices]:
    """The step of x that each computed step reads, and that of the output which it is, `(steps, sequences)`."""
    order = np.broadcast_to(np.arange(steps)[:, None], (steps, len(lengths)))
    if not reverse or how == "forward":
        return order, order
    backward = np.where(order < lengths, lengths - 1 - order, order)
    return backward, order if how == "left" else backward


def _in_time(half: Array, writes: Indices) -> Array:
    """The output with each step in its place."""
    placed = np.empty_like(half)
    placed[writes, np.arange(half.shape[1])] = half
    return placed


def _initial_states(problem: Problem, plans: Sequence[Plan], layers: Sequence[int], picked: Indices) -> State:
    each = problem.config.num_directions
    rows = np.array([layer * each + direction for layer in layers for direction in range(each)])
    given = problem.h_0, problem.c_0
    if plans[0].time_swapped and len(problem.x) != problem.x.shape[1]:  # the states are zeros, of as many sequences
        h, c = (np.zeros((len(array), len(problem.x), array.shape[2]), array.dtype) for array in given)
        given = h, c
    pairs = {name: STATES[name](*given) for name in {plan.states for plan in plans}}
    h, c = (np.stack([pairs[plan.states][part][rows][:, picked] for plan in plans], axis=2) for part in (0, 1))
    return h, c


def _given(h: Array, c: Array) -> State:
    return h, c


def _zeros(h: Array, c: Array) -> State:
    return np.zeros_like(h), np.zeros_like(c)


def _exchanged(h: Array, c: Array) -> State:
    return c, h


def _viewed(h: Array, c: Array) -> State:
    """Batched first where the port wants them so, by a reshape instead of a transposition."""
    return _view(h), _view(c)


def _view(array: Array) -> Array:
    rows, batch, width = array.shape
    return array.reshape(batch, rows, width).swapaxes(0, 1)


def _folded(h: Array, c: Array) -> State:
    """Batched first in the user's hands, and reshaped to the rows first instead of transposed."""
    return h.swapaxes(0, 1).reshape(h.shape), c.swapaxes(0, 1).reshape(c.shape)


STATES: Final[dict[str, Callable[[Array, Array], State]]] = {
    "": _given,
    "zeros": _zeros,
    "exchanged": _exchanged,
    "viewed": _viewed,
    "folded": _folded,
}


class _Columns:
    """The changes that plans of one kind make to numbers, plan by plan."""

    def __init__(self, problem: Problem, plans: Sequence[Plan]) -> None:
        self.plans = plans
        self.projection = plans[0].projection
        self.input_order, self.recurrent_order, self.bias_order = (
            _permutation([plan.orders[part] for plan in plans]) for part in range(3)
        )
        own = problem.activations
        keys = [
            (own._replace(gates=plan.gates or own.gates, cell=plan.cell or own.cell), plan.output_tanh)
            for plan in plans
        ]
        # The plans that have the same functions, and True for a tanh on the way out.
        self.functions = [
            (np.flatnonzero([other == key for other in keys]), functions_of(key[0]), key[1])
            for key in dict.fromkeys(keys)
        ]
        self.clip_gates, self.clip_h = self.functions[0][1].clip_gates, self.functions[0][1].clip_h

    def biases(self, cell: Cell) -> Array:
        """The numbers added to the gates of each plan, `(plans, 4, H_cell)`."""
        factors = np.array([plan.biases for plan in self.plans], cell.b_ih.dtype)
        both = factors[:, :1, None] * cell.b_ih + factors[:, 1:, None] * cell.b_hh
        if self.bias_order is not None:
            both = both[np.arange(len(self.plans))[:, None], self.bias_order]
        both[:, 1] += np.array([plan.offset for plan in self.plans], both.dtype)[:, None]
        return both

    def new_states(self, a: Array, c: Array) -> State:
        """The cell state and o * tanh(c), from what the functions are given, `(sequences, plans, 4, H_cell)`."""
        a = self.clip_gates(a)
        if len(self.functions) == 1:
            return _updated(a, c, *self.functions[0][1:])
        new, m = np.empty_like(c), np.empty_like(c)
        for columns, functions, tanh in self.functions:
            new[:, columns], m[:, columns] = _updated(a[:, columns], c[:, columns], functions, tanh)
        return new, m


def _updated(a: Array, c: Array, functions: Functions, tanh: bool) -> State:
    i, f, o = functions.sigmoid(a[:, :, 0]), functions.sigmoid(a[:, :, 1]), functions.sigmoid(a[:, :, 3])
    new = functions.clip_c(f * c + i * functions.tanh(a[:, :, 2]))
    return new, o * (functions.tanh(new) if tanh else new)


def _permutation(orders: Sequence[str]) -> Indices | None:
    """The block of rows that each plan takes for i, f, g and o, `(plans, 4)`; None if all take their own."""
    if set(orders) == {IFGO}:
        return None
    return np.array([[order.index(letter) for letter in IFGO] for order in orders])


def _swept(
    cell: Cell, columns: _Columns, x: Array, state: State, active: "NDArray[np.bool_] | None", *, last: bool
) -> tuple[Array, Array, Array]:
    """All steps of one direction of one layer: its outputs, and the last h and c.

    Args:
        cell: Its weights.
        columns: What each plan does to numbers.
        x: What it reads, step by step: `(steps, sequences, inputs)` if all plans read the same, else `(steps,
            sequences, plans, inputs)`.
        state: Its h and c before the first step.
        active: True where a sequence has not ended; None if none ends early.
        last: True for the layer whose output is the port's.
    """
    (h, c), plans = state, len(columns.plans)
    biases, steps, hidden = columns.biases(cell), len(x), cell.w_hh.shape[1]
    w_ih, w_hh = cell.w_ih.reshape(4 * hidden, -1).T, cell.w_hh.reshape(4 * hidden, -1).T
    before = last and columns.projection == "none"
    width = hidden if before else h.shape[-1]
    out = np.empty((steps, x.shape[1], plans, width), c.dtype)
    together = max(1, _ROWS // max(1, x[0].size // x.shape[-1]))
    for start in range(0, steps, together):
        product = x[start : start + together] @ w_ih
        for t, from_input in enumerate(product, start):
            a = _ordered(from_input.reshape(x.shape[1], -1, 4, hidden), columns.input_order)
            a = a + _ordered((h @ w_hh).reshape(x.shape[1], plans, 4, hidden), columns.recurrent_order) + biases
            new, m = columns.new_states(a, c)
            step = columns.clip_h(_projected(m, cell, cut=columns.projection == "cut"))
            shown = m if before else step
            if active is not None:
                going = active[t][:, None, None]
                step, new = np.where(going, step, h), np.where(going, new, c)
                shown = np.where(going, shown, 0)
            out[t], h, c = shown, step, new
    return out, h, c


def _projected(m: Array, cell: Cell, *, cut: bool) -> Array:
    """The new h, from o * tanh(c)."""
    if cell.w_hr is None:
        return m
    return m[..., : len(cell.w_hr)] if cut else m @ cell.w_hr.T


def _ordered(a: Array, order: Indices | None) -> Array:
    """The gates of each plan, of what a product gave for all plans or for each."""
    if order is None:
        return a
    return a[:, 0][:, order] if a.shape[1] == 1 else a[:, np.arange(len(order))[:, None], order]
