"""The steps of an LSTM, in as few calls of NumPy as they can be, over arrays that are near.

    [o i f g] = [W_hh W_ih b] [h_(t-1) x_t 1]      tanh of them all, of which o, i, f become sigmoids
    c = i g + f c        h = o tanh(c), projected to W_hr h if there is a projection

- A call takes half a microsecond, however small its arrays. So the gates and the cell lie in one block, o i f g c:
  one call computes the tanh of all gates, and one both products, `(i, f) *= (g, c)`.
- h is written to where the next step reads it, between inputs that were put there before.
- The product is cut into products small enough for OpenBLAS to multiply them as they are, without packing: `SMALL`.
- Steps are computed in pieces, so that what they need stays near, and memory is bounded: `CHUNK`. Without a reverse
  direction a piece goes through all layers before the next one begins: no output is kept but the last layer's.

Not here: the layout of weights (`arrangement`), the checks of arguments and the order of sequences (`runner`).
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cache
from itertools import repeat
from math import prod
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import numpy as np

from lstmcalc.numerics.arguments import OnStep, Step
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.blas import threads_of_blas
from lstmcalc.numerics.fast.arrangement import Part, Plan, Prepared, aligned
from lstmcalc.numerics.fast.threads import Crew
from lstmcalc.spec.config import LSTMConfig

SMALL: Final = 100**3  # multiplications in a product that OpenBLAS 0.3.31 does not pack
ROWS: Final = 16  # rows that such a product has at least
CHUNK: Final = 2**20  # bytes that a piece reads
LIMITED: Final = 2**22  # multiplications from which it pays to limit BLAS's threads


def run_layers(
    config: LSTMConfig,
    prepared: Callable[[int], list[Prepared]],
    plan: Plan,
    x: Array,
    h: Array,
    c: Array,
    batch_sizes: Sequence[int],
    on_step: OnStep | None,
    pool: ThreadPoolExecutor | None,
) -> Array:
    """Run all layers and directions.

    Args:
        config: The hyperparameters.
        prepared: Gives the weights of a layer, arranged by `prepare`.
        plan: The plan that they are arranged for.
        x: `(L, H_in, N)`, from the longest sequence to the shortest.
        h: `(D*num_layers, H_out, N)`: h_0, overwritten by h_n.
        c: `(D*num_layers, H_cell, N)`: c_0, overwritten by c_n.
        batch_sizes: The number of sequences that run in each step: always the first ones.
        on_step: Called after each step; only if there is one thread.
        pool: The threads of the plan, if it has any.

    Returns:
        output: `(L, N, D*H_out)`.
    """
    length, reads, batch = x.shape
    running, width = sum(batch_sizes), config.num_directions * config.output_size
    output = (np.zeros if running < length * batch else np.empty)((length, batch, width), h.dtype)
    groups = plan.threads if plan.way == "columns" else 1
    if groups > 1:
        prepared = [prepared(layer) for layer in range(config.num_layers)].__getitem__
    job = _Job(config, prepared, plan, x, h, c, output, batch_sizes, on_step)
    multiplications = 4 * config.hidden_size * (reads + config.output_size) * running
    with threads_of_blas(1) if multiplications > LIMITED else nullcontext():
        if not pool or groups == 1:
            _run(job, pool)
            return output
        for done in [pool.submit(_run, job.columns(first, groups), None) for first in range(groups)]:
            done.result()
    return output


class _Job(NamedTuple):
    """The arguments of `run_layers`, and its output."""

    config: LSTMConfig
    prepared: Callable[[int], list[Prepared]]
    plan: Plan
    x: Array
    h: Array
    c: Array
    output: Array
    batch_sizes: Sequence[int]
    on_step: OnStep | None

    def columns(self, first: int, step: int) -> "_Job":
        """The job for every `step`-th sequence from `first` on: a fair share of long and short ones."""
        x, h, c, output = (array[..., first::step] for array in (self.x, self.h, self.c, self.output.swapaxes(1, 2)))
        sizes = [(size - first + step - 1) // step for size in self.batch_sizes]
        return self._replace(x=x, h=h, c=c, output=output.swapaxes(1, 2), batch_sizes=sizes)


def _run(job: _Job, pool: ThreadPoolExecutor | None) -> None:
    """Run all layers and directions of some sequences."""
    config, reads = job.config, job.x.shape[1]
    widest = max(4 * config.hidden_size, max(reads, job.output.shape[2]) + config.output_size + 1)
    pieces = _pieces(job.batch_sizes, CHUNK // (widest * job.h.itemsize))
    spans = [[piece] for piece in pieces] if config.num_directions == 1 else [pieces] if pieces else []
    if len(spans) > 1:
        job = job._replace(prepared=cache(job.prepared))
    for span in spans:
        below = None
        for layer in range(config.num_layers):
            below = _compute(job, span, pool, layer, below)


class _Piece(NamedTuple):
    """Steps that are computed together: the same sequences run in all of them."""

    start: int
    stop: int
    running: int


def _pieces(batch_sizes: Sequence[int], columns: int) -> list[_Piece]:
    """Split the steps that have sequences into pieces of at most `columns` columns, but at least one step."""
    pieces = []
    start, length = 0, len(batch_sizes)
    while start < length and batch_sizes[start]:
        running = batch_sizes[start]
        stop, most = start + 1, min(length, start + max(1, columns // running))
        while stop < most and batch_sizes[stop] == running:
            stop += 1
        pieces.append(_Piece(start, stop, running))
        start = stop
    return pieces


class _Task(NamedTuple):
    """Some pieces of one layer: their input, and the arrays for their results.

    x is `(steps, H_in, N)` and output `(steps, D*H_out, N)`, from step `start` on; h and c are those of the layer.
    """

    layer: int
    start: int
    x: Array
    h: Array
    c: Array
    output: Array
    pieces: Sequence[_Piece]
    on_step: OnStep | None


def _compute(
    job: _Job,
    pieces: Sequence[_Piece],
    pool: ThreadPoolExecutor | None,
    layer: int,
    below: Array | None,
) -> Array:
    """Compute a layer's output in some pieces from the output of the layer below: `(steps, D*H_out, N)`."""
    directions = job.config.num_directions
    start, stop, running = pieces[0].start, pieces[-1].stop, pieces[0].running
    x = job.x[start:stop] if below is None else below
    if layer == job.config.num_layers - 1:
        output = job.output[start:stop].swapaxes(1, 2)
    else:
        output = np.empty((stop - start, job.output.shape[2], running), job.output.dtype)
    own = slice(layer * directions, (layer + 1) * directions)
    steps = [_Piece(piece.start - start, piece.stop - start, piece.running) for piece in pieces]
    task = _Task(layer, start, x, job.h[own], job.c[own], output, steps, job.on_step)
    _run_layer(job.plan.parts, job.prepared(layer), task, pool)
    return output


def _run_layer(
    parts: Sequence[Part], prepared: Sequence[Prepared], task: _Task, pool: ThreadPoolExecutor | None
) -> None:
    if pool is None:
        for part, own in zip(parts, prepared, strict=True):
            _scan(part, own, task, None)
        return
    directions = dict.fromkeys(part.directions for part in parts)
    crews = {own: _Shared(task, [part for part in parts if part.directions == own]) for own in directions}
    begun = [
        pool.submit(_scan, part, own, task, crews[part.directions]) for part, own in zip(parts, prepared, strict=True)
    ]
    for done in begun:
        done.result()


class _Shared(Crew):
    """Threads that share the units of one direction: each step of one reads the results of all in the step before."""

    def __init__(self, task: _Task, parts: Sequence[Part]) -> None:
        super().__init__(parts)
        columns = max((piece.stop - piece.start + 1) * piece.running for piece in task.pieces)
        # Memory for the operands of all threads in a piece.
        self.room = aligned((columns * (task.h.shape[1] + task.x.shape[1] + 1),), task.h.dtype)


def _scan(part: Part, prepared: Prepared, task: _Task, crew: _Shared | None) -> None:
    """Run all steps of one part of one layer."""
    try:
        for piece in task.pieces[:: -1 if part.directions == (1,) else 1]:
            _steps(part, prepared, task, piece, crew)
    except BaseException:
        if crew:
            crew.tell(part, coming=False)
        raise


def _steps(part: Part, prepared: Prepared, task: _Task, piece: _Piece, crew: _Shared | None) -> None:
    """Run the steps of one piece."""
    directions, (first, last) = part
    (w, w_in, w_hr), (lanes, units) = prepared, (len(directions), last - first)
    steps, running, outputs = piece.stop - piece.start, piece.running, task.h.shape[1]
    own, of_h = slice(directions[0], directions[-1] + 1), slice(first, last) if w_hr is None else slice(0, outputs)

    # `read` holds the operand of each step: h, and the input if it joins h. A step writes its h into the next operand.
    read = _room((steps + 1, lanes, w.shape[2], running), w.dtype, crew)
    read[0, :, of_h] = task.h[own, of_h, :running]
    if w_in is None and first == 0:
        _read(part, task, piece, read[:-1, :, outputs:])
    shares = repeat(None) if w_in is None else _from_input(part, w_in, task, piece)
    cells = read[1:, :, of_h] if w_hr is None else aligned((steps, lanes, units, running), w.dtype)

    block = aligned((5, lanes, units, running), w.dtype)
    gates, o, g, c = block[:4], block[0], block[3], block[4]
    flat = block.reshape(5, -1)
    sigmoids, i_and_f, g_and_c, i, f, next_c = flat[:3], flat[1:3], flat[3:], flat[1], flat[2], flat[4]
    c[...] = task.c[own, first:last, :running]
    products = _recurrent_products(w, gates)
    seen = np.empty_like(gates) if task.on_step else None
    after_step = list(_after_step_calls(part, task, piece, crew, (w_hr, cells, read[1:, :, :outputs], seen, c)))
    if crew:
        crew.wait(part)

    add, multiply, tanh = np.add, np.multiply, np.tanh
    half = np.array(0.5, w.dtype)  # a float would be converted in each call, which takes as long as the rest of it
    befores = read[:, :, None] if lanes > 1 else read[:, 0]
    for step, (h, before, share) in enumerate(zip(cells, befores, shares, strict=False)):
        for product, weights, out in products:
            product(weights, before, out)
        if share is not None:
            add(gates, share, gates)
        tanh(gates, gates)
        multiply(sigmoids, half, sigmoids)
        add(sigmoids, half, sigmoids)
        if seen is not None:
            seen[...] = gates
        multiply(i_and_f, g_and_c, i_and_f)
        add(i, f, next_c)
        tanh(c, g)
        multiply(o, g, h)
        for do in after_step:
            do(step)

    task.c[own, first:last, :running] = c
    task.h[own, of_h, :running] = read[steps, :, of_h]
    for lane, direction in enumerate(directions):
        rows = slice(direction * outputs + of_h.start, direction * outputs + of_h.stop)
        _steps_in_order(task.output, piece, part, direction)[:, rows, :running] = read[1:, lane, of_h]
    if crew:
        crew.wait(part)


def _room(shape: tuple[int, ...], dtype: Any, crew: _Shared | None) -> Array:  # noqa: ANN401  # what NumPy takes
    """An empty array; all threads of a crew share it."""
    return crew.room[: prod(shape)].reshape(shape) if crew else aligned(shape, dtype)


def _after_step_calls(
    part: Part,
    task: _Task,
    piece: _Piece,
    crew: _Shared | None,
    arrays: tuple[Array | None, Array, Array, Array | None, Array],
) -> Iterator[Callable[[int], None]]:
    """Optional work after a step: project h, report the step, wait for the other threads."""
    w_hr, cells, hs, seen, c = arrays
    if w_hr is not None:
        yield lambda step: np.matmul(w_hr, cells[step], hs[step])
    if seen is not None:
        yield lambda step: _show(part, task, piece, step, seen, c, hs[step])
    if crew:
        yield lambda _: crew.wait(part)


_Product: TypeAlias = tuple[Callable[[Array, Array, Array], Array], Array, Array]


def _recurrent_products(w: Array, gates: Array) -> list[_Product]:
    """Products with w, `(directions, 4*units, K)`, that write `gates`, `(4, directions, units, running)`.

    With one direction they are blocks of rows, small enough for OpenBLAS not to pack them, and the remaining rows.
    """
    (lanes, rows, reads), running = w.shape, gates.shape[3]
    if lanes > 1:
        return [(np.matmul, w.reshape(lanes, 4, -1, reads), gates.swapaxes(0, 1))]
    w, out = w[0], gates.reshape(rows, running)
    most = SMALL // max(1, reads * running)
    if running == 1 or not ROWS <= most < rows:
        return [(np.dot, w, out)]  # faster than np.matmul
    height = 2 ** (most.bit_length() - 1)  # other heights leave rows that OpenBLAS multiplies one by one
    cut = rows - rows % height
    blocks: _Product = np.matmul, w[:cut].reshape(-1, height, reads), out[:cut].reshape(-1, height, running)
    return [blocks, (np.dot, w[cut:], out[cut:])] if cut < rows else [blocks]


_Steps = TypeVar("_Steps", Array, range)


def _steps_in_order(array: _Steps, piece: _Piece, part: Part, direction: int) -> _Steps:
    """The steps of a piece in the order of a direction."""
    start, stop, _ = piece
    if direction == 0:
        return array[start:stop]
    if len(part.directions) > 1:  # the forward direction takes the piece from the front
        start, stop = len(array) - stop, len(array) - start
    return array[start:stop][::-1]


def _read(part: Part, task: _Task, piece: _Piece, target: Array) -> None:
    """Write `[x_t 1]` of all steps into `target`, `(steps, directions, H_in + 1, running)`."""
    target[:, :, -1] = 1
    for lane, direction in enumerate(part.directions):
        target[:, lane, :-1] = _steps_in_order(task.x, piece, part, direction)[..., : piece.running]


def _from_input(part: Part, w_in: Array, task: _Task, piece: _Piece) -> Array:
    """The input's share of the gates, with the bias: `(steps, 4, directions, units, running)`."""
    (lanes, rows, reads), steps, running = w_in.shape, piece.stop - piece.start, piece.running
    x = aligned((lanes, steps, running, reads), w_in.dtype)
    _read(part, task, piece, x.transpose(1, 0, 3, 2))
    result = aligned((steps * running, 4, lanes, rows // 4), w_in.dtype)
    if lanes > 1:
        by_gate = w_in.reshape(lanes, 4, -1, reads).swapaxes(2, 3)
        np.matmul(x.reshape(lanes, 1, -1, reads), by_gate, out=result.transpose(2, 1, 0, 3))
    else:
        np.matmul(x.reshape(-1, reads), w_in[0].T, out=result.reshape(-1, rows))
    return result.reshape(steps, running, *result.shape[1:]).transpose(0, 2, 3, 4, 1)


def _show(part: Part, task: _Task, piece: _Piece, step: int, gates: Array, c: Array, h: Array) -> None:
    """Report one step to `on_step`, with gates in PyTorch's order and sequences as rows."""
    for lane, direction in enumerate(part.directions):
        t = task.start + _steps_in_order(range(len(task.x)), piece, part, direction)[step]
        o, i, f, g = gates[:, lane]
        if task.on_step:
            task.on_step(Step(task.layer, direction, t, np.concatenate((i, f, g, o)).T, c[lane].T, h[lane].T))
