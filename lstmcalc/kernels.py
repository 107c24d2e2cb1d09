"""The steps of an LSTM, arranged so that NumPy and its BLAS take little time for them.

    [g f i o] = [x_t 1] W_in + h_(t-1) W_hh      tanh of them all, of which f, i, o become sigmoids
    c = f c + i g       h = o tanh(c), projected to W_hr h if there is a projection

What is arranged, and what it gains (times of a step or of a call, one core with AVX-512, OpenBLAS):

- The gates lie as rows of one block, behind the cell: c g f i o. So one call computes the tanh of all gates, and one
  both products, `(f, i) *= (c, g)`. A call costs half a microsecond, however small its arrays.
- sigmoid(a) = 0.5 + 0.5 tanh(a/2): tanh is the cheaper of the two in NumPy; the inner half is in the weights.
- The bias is a row of W_in, and the input's share in the gates is one matrix product for many steps.
- W_hh is cut into blocks small enough for OpenBLAS to multiply them as they are, without packing: see `SMALL`.
- What is read often begins at a multiple of 64 bytes: see `ALIGNED`.
- Steps are computed in pieces, so that what they need stays near, and memory is bounded: `CHUNK`.
- Small LSTMs compute both directions in the same calls: see `STACKED`.
- Threads take a direction each, or some units each: see `THREADED`.

Not here: what the arguments may be, and in which order sequences lie (`numerics`).
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from itertools import pairwise, permutations
from math import prod
from queue import SimpleQueue
from threading import BrokenBarrierError
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import numpy as np

from lstmcalc.arrays import Array
from lstmcalc.config import LSTMConfig

SMALL: Final = 100**3  # multiplications in a product that OpenBLAS does not pack
NARROW: Final = 16  # columns that a block of W_hh has at least
ALIGNED: Final = 64  # bytes
UNALIGNED: Final = 2**10  # numbers with which it makes no difference
CHUNK: Final = 2**22  # bytes of the input's share in the gates
STACKED: Final = 2**18  # bytes of W_hh
THREADED: Final = 2**19  # multiplications in a step of one thread, where each has a direction
SHARED: Final = 2**22  # the same, where they wait for each other after every step, which takes some 20 microseconds
LIMITED: Final = 2**22  # multiplications from which it pays to tell BLAS

_ORDER: Final = (2, 1, 0, 3)  # rows of PyTorch's gates i f g o, taken as g f i o
_SCALE: Final = (1.0, 0.5, 0.5, 0.5)


class Step(NamedTuple):
    """One computed step of one direction of one layer.

    The rows of its arrays are the sequences that are still running, from the longest to the shortest. They are the
    computation's own: what is to be kept of them must be copied.

    Attributes:
        layer: The layer, from 0.
        direction: 0 for forward, 1 for reverse.
        t: The step, from 0.
        gates: i, f, g and o beside each other, `(running, 4*H_cell)`.
        c: The cell behind the step, `(running, H_cell)`.
        h: What the step gives, `(running, H_out)`.
    """

    layer: int
    direction: int
    t: int
    gates: Array
    c: Array
    h: Array


OnStep: TypeAlias = Callable[[Step], None]


class Part(NamedTuple):
    """What one thread computes of a layer: some units of some of its directions.

    Attributes:
        directions: 0, 1 or both.
        units: The first one, and the one behind the last.
        width: How many of them a block of W_hh has.
    """

    directions: tuple[int, ...]
    units: tuple[int, int]
    width: int


class Plan(NamedTuple):
    """How layers are computed: parts one after the other, or side by side.

    Attributes:
        parts: The parts.
        single: Whether there is one sequence, so that products are of a matrix and a vector.
        threaded: Whether each part has a thread.
    """

    parts: tuple[Part, ...]
    single: bool
    threaded: bool


class Prepared(NamedTuple):
    """The weights of one part of one layer, float32 or float64.

    Attributes:
        w_in: `(directions, 4*units, reads + 1)`, the bias in the last column.
        w_hh: `(directions, blocks, H_out, width)`, gate by gate.
        w_hr: `(directions, H_cell, H_out)`, or None.
    """

    w_in: Array
    w_hh: Array
    w_hr: Array | None


def planned(config: LSTMConfig, batch: int, itemsize: int, *, packed: bool, threads: int) -> Plan:
    """How an LSTM is best computed.

    Args:
        config: The hyperparameters.
        batch: How many sequences there are.
        itemsize: The bytes of a number.
        packed: Whether the sequences have lengths of their own.
        threads: How many threads there may be.
    """
    hidden, single = config.hidden_size, batch == 1
    products = 4 * hidden * config.output_size
    directions = tuple(range(config.num_directions))
    if len(directions) > 1 and not packed and products * itemsize <= STACKED:
        return Plan((Part(directions, (0, hidden), hidden),), single, False)
    width = hidden if single else _width(config, batch)
    threads = min(threads, len(directions) * batch * products // THREADED)
    shares = 1 if config.proj_size else max(1, min(threads // len(directions), batch * products // SHARED))
    cuts = [round(hidden / width * k / shares) * width for k in range(shares + 1)]
    if single:
        cuts = [hidden * k // shares for k in range(shares + 1)]
    parts = tuple(
        Part((direction,), units, units[1] - units[0] if single else width)
        for direction in directions
        for units in pairwise(cuts)
        if units[0] < units[1]
    )
    return Plan(parts, single, 1 < len(parts) <= threads)


def _width(config: LSTMConfig, batch: int) -> int:
    """The most columns that divide the units and make a small product; all units if there is no such number."""
    hidden = config.hidden_size
    most = SMALL // max(1, batch * config.output_size)
    return next((w for w in range(min(most, hidden), NARROW - 1, -1) if hidden % w == 0), hidden)


def prepare(config: LSTMConfig, weights: Mapping[str, Array], plan: Plan, layer: int) -> list[Prepared]:
    """Copies of the weights of one layer, as `plan` wants them."""
    dtype = np.result_type(weights["weight_ih_l0"].dtype, np.float32)
    return [_prepare(config, weights, layer, part, plan.single, dtype) for part in plan.parts]


def _prepare(
    config: LSTMConfig,
    weights: Mapping[str, Array],
    layer: int,
    part: Part,
    single: bool,
    dtype: Any,  # noqa: ANN401
) -> Prepared:
    lanes, (first, last), width = len(part.directions), part.units, part.width
    hidden, units = config.hidden_size, last - first
    names = [f"l{layer}{('', '_reverse')[direction]}" for direction in part.directions]
    reads = weights[f"weight_ih_{names[0]}"].shape[1]
    w_in = aligned((lanes, 4, units, reads + 1), dtype)
    w_hh = aligned(
        (lanes, 4, units, config.output_size) if single else (lanes, 4, units // width, config.output_size, width),
        dtype,
    )
    w_in[..., reads] = 0
    for lane, name in enumerate(names):
        for row, (gate, scale) in enumerate(zip(_ORDER, _SCALE, strict=True)):
            rows = slice(gate * hidden + first, gate * hidden + last)
            np.multiply(weights[f"weight_ih_{name}"][rows], scale, out=w_in[lane, row, :, :reads], dtype=dtype)
            if config.bias:
                bias = w_in[lane, row, :, reads]
                np.add(weights[f"bias_ih_{name}"][rows], weights[f"bias_hh_{name}"][rows], out=bias, dtype=dtype)
                bias *= scale
            recurrent = weights[f"weight_hh_{name}"][rows]
            if not single:
                recurrent = recurrent.reshape(-1, width, config.output_size).swapaxes(1, 2)
            np.multiply(recurrent, scale, out=w_hh[lane, row], dtype=dtype)
    if not single:
        w_hh = w_hh.reshape(lanes, 4 * (units // width), config.output_size, width)
    elif lanes == 1:  # one product for all gates
        w_hh = w_hh.reshape(1, 1, 4 * units, config.output_size).swapaxes(-1, -2)
    else:
        w_hh = w_hh.swapaxes(-1, -2)
    w_hr = None
    if config.proj_size:
        w_hr = np.stack([weights[f"weight_hr_{name}"].T.astype(dtype, order="C") for name in names])
    return Prepared(w_in.reshape(lanes, 4 * units, reads + 1), w_hh, w_hr)


def run_layers(
    config: LSTMConfig,
    prepared: Callable[[int], list[Prepared]],
    plan: Plan,
    x: Array,
    h: Array,
    c: Array,
    batch_sizes: Sequence[int],
    on_step: OnStep | None,
) -> Array:
    """All layers and directions.

    Args:
        config: The hyperparameters.
        prepared: What `prepare` gives for a layer.
        plan: What it was prepared for.
        x: `(L, N, H_in)`, from the longest sequence to the shortest.
        h: `(D*num_layers, N, H_out)`, from h_0 to h_n.
        c: `(D*num_layers, N, H_cell)`, from c_0 to c_n.
        batch_sizes: How many sequences run in each step: always the first ones.
        on_step: Called after each step; only if there are no threads.

    Returns:
        output: `(L, N, D*H_out)`.
    """
    length, batch, _ = x.shape
    make = np.zeros if sum(batch_sizes) < length * batch else np.empty
    pieces = _pieces(batch_sizes, CHUNK // (4 * config.hidden_size * h.itemsize))
    multiplications = 4 * config.hidden_size * (x.shape[-1] + h.shape[-1]) * sum(batch_sizes)
    with (
        threads_of_blas(1) if multiplications > LIMITED else nullcontext(),
        ThreadPoolExecutor(len(plan.parts)) if plan.threaded else nullcontext() as pool,
    ):
        for layer in range(config.num_layers):
            output = make((length, batch, config.num_directions * config.output_size), dtype=h.dtype)
            k = slice(layer * config.num_directions, (layer + 1) * config.num_directions)
            data = _Data(layer, x, h[k], c[k], output, pieces, on_step)
            _run_layer(plan.parts, prepared(layer), data, pool)
            x = output
    return x


class _Data(NamedTuple):
    """What a layer is given, and where it leaves what it computes."""

    layer: int
    x: Array
    h: Array
    c: Array
    output: Array
    pieces: Sequence["_Piece"]
    on_step: OnStep | None


class _Piece(NamedTuple):
    """Steps that are computed together: the same sequences run in all of them."""

    start: int
    stop: int
    running: int


def _pieces(batch_sizes: Sequence[int], rows: int) -> list[_Piece]:
    """All steps with a sequence, of at most so many rows together."""
    pieces = []
    start, length = 0, len(batch_sizes)
    while start < length and batch_sizes[start]:
        running = batch_sizes[start]
        stop, most = start + 1, min(length, start + max(1, rows // running))
        while stop < most and batch_sizes[stop] == running:
            stop += 1
        pieces.append(_Piece(start, stop, running))
        start = stop
    return pieces


def _run_layer(
    parts: Sequence[Part], prepared: Sequence[Prepared], data: _Data, pool: ThreadPoolExecutor | None
) -> None:
    if pool is None:
        for part, own in zip(parts, prepared, strict=True):
            _scan(part, own, data, None)
        return
    crews = {
        directions: _Crew(data, [part for part in parts if part.directions == directions])
        for directions in dict.fromkeys(part.directions for part in parts)
    }
    started = [
        pool.submit(_scan, part, own, data, crews[part.directions]) for part, own in zip(parts, prepared, strict=True)
    ]
    for done in started:
        done.result()


class _Crew:
    """Threads that compute the units of one direction: each needs the h of all of them before it can go on.

    `threading.Barrier` does the same, and takes several times as long.

    Attributes:
        room: For the h before and after every step of a piece.
    """

    def __init__(self, data: _Data, parts: Sequence[Part]) -> None:
        rows = max(((piece.stop - piece.start + 1) * piece.running for piece in data.pieces), default=0)
        self.room = aligned((rows * data.h.shape[-1],), data.h.dtype)
        mail: dict[tuple[Part, Part], SimpleQueue[bool]] = {pair: SimpleQueue() for pair in permutations(parts, 2)}
        self._out = {part: [box for (sender, _), box in mail.items() if sender == part] for part in parts}
        self._in = {part: [box for (_, receiver), box in mail.items() if receiver == part] for part in parts}

    def wait(self, part: Part) -> None:
        """Wait until all others are here too.

        Raises:
            BrokenBarrierError: One of them will not come.
        """
        self.tell(part, coming=True)
        for box in self._in[part]:
            if not box.get():
                raise BrokenBarrierError

    def tell(self, part: Part, *, coming: bool) -> None:
        """Tell all others that `part` is here, or that it will not come."""
        for box in self._out[part]:
            box.put(coming)


def _scan(part: Part, prepared: Prepared, data: _Data, crew: _Crew | None) -> None:
    """All steps of one part of one layer."""
    try:
        for piece in data.pieces[:: -1 if part.directions == (1,) else 1]:
            _steps(part, prepared, data, piece, crew)
    except BaseException:
        if crew:
            crew.tell(part, coming=False)
        raise


def _steps(part: Part, prepared: Prepared, data: _Data, piece: _Piece, crew: _Crew | None) -> None:
    """The steps of one piece."""
    directions, (first, last), width = part
    lanes, units, blocks = len(directions), last - first, (last - first) // width
    steps, running, dtype = piece.stop - piece.start, piece.running, data.h.dtype
    own = slice(directions[0], directions[-1] + 1)
    of_h = slice(0, data.h.shape[-1]) if prepared.w_hr is not None else slice(first, last)

    # h before and after every step, and the cell and the gates, unit by unit in blocks: c g f i o.
    shape = (steps + 1, lanes, running, data.h.shape[-1])
    hs = crew.room[: prod(shape)].reshape(shape) if crew else aligned(shape, dtype)
    hs[0, ..., of_h] = data.h[own, :running, of_h]
    block = aligned((5, lanes, blocks, running, width), dtype)
    c, gates, g, o = block[0], block[1:], block[1], block[4]
    c[...] = data.c[own, :running, first:last].reshape(lanes, running, blocks, width).swapaxes(1, 2)
    flat = block.reshape(5, -1)
    flat_c, f, i, sigmoids, c_and_g, f_and_i = flat[0], flat[2], flat[3], flat[2:], flat[:2], flat[2:4]
    w_hh, before, products = prepared.w_hh, hs[:, :, None], gates[:, :, 0].swapaxes(0, 1)
    if lanes == 1:  # without axes that NumPy would have to go through
        w_hh, before, products = w_hh[0], hs[:, 0], gates.reshape(len(w_hh[0]), running, -1)
    hidden = hs[1:, ..., of_h]
    if prepared.w_hr is not None:
        hidden = aligned((steps, lanes, running, units), dtype)
    after = hidden.reshape(steps, lanes, running, blocks, width).swapaxes(2, 3)
    from_input = _from_input(part, prepared, data, piece)
    wait = partial(crew.wait, part) if crew else None
    if wait:
        wait()

    multiply, add, tanh, matmul = np.multiply, np.add, np.tanh, np.matmul
    half = np.array(
        0.5, dtype
    )  # a float would have to become one at every call, which takes as long as a small product
    for step in range(steps):
        matmul(before[step], w_hh, products)
        add(gates, from_input[step], gates)
        tanh(gates, gates)
        multiply(sigmoids, half, sigmoids)
        add(sigmoids, half, sigmoids)
        seen = gates.copy() if data.on_step else gates
        multiply(f_and_i, c_and_g, f_and_i)
        add(f, i, flat_c)
        tanh(c, g)
        multiply(o, g, after[step])
        if prepared.w_hr is not None:
            matmul(hidden[step], prepared.w_hr, hs[step + 1])
        if data.on_step:
            _show(part, data, piece, step, seen, c, hs[step + 1])
        if wait:
            wait()

    data.c[own, :running, first:last] = c.swapaxes(1, 2).reshape(lanes, running, units)
    data.h[own, :running, of_h] = hs[steps, ..., of_h]
    for lane, direction in enumerate(directions):
        columns = slice(direction * shape[-1] + of_h.start, direction * shape[-1] + of_h.stop)
        _taken(data.output, piece, part, direction)[:, :running, columns] = hs[1:, lane, :, of_h]
    if wait:
        wait()


_Steps = TypeVar("_Steps", Array, range)


def _taken(array: _Steps, piece: _Piece, part: Part, direction: int) -> _Steps:
    """The steps of a piece, in the order in which a direction takes them."""
    start, stop, _ = piece
    if direction == 0:
        return array[start:stop]
    if len(part.directions) > 1:  # while the other one takes the piece from the front
        start, stop = len(array) - stop, len(array) - start
    return array[start:stop][::-1]


def _from_input(part: Part, prepared: Prepared, data: _Data, piece: _Piece) -> Array:
    """The input's share in the gates, with the bias, as the gates lie: `(steps, 4, lanes, blocks, running, width)`."""
    (lanes, columns, reads), units = prepared.w_in.shape, prepared.w_in.shape[1] // 4
    steps, running = piece.stop - piece.start, piece.running
    rows = aligned((lanes, steps, running, reads), data.h.dtype)
    rows[..., -1] = 1
    for lane, direction in enumerate(part.directions):
        rows[lane, ..., :-1] = _taken(data.x, piece, part, direction)[:, :running]
    result = aligned((steps * running, 4, lanes, units), data.h.dtype)
    if lanes == 1:
        np.matmul(rows.reshape(-1, reads), prepared.w_in[0].T, out=result.reshape(-1, columns))
    else:
        by_gate = prepared.w_in.reshape(lanes, 4, units, reads).swapaxes(2, 3)
        np.matmul(rows.reshape(lanes, 1, -1, reads), by_gate, out=result.transpose(2, 1, 0, 3))
    return result.reshape(steps, running, 4, lanes, units // part.width, part.width).transpose(0, 2, 3, 4, 1, 5)


def _show(part: Part, data: _Data, piece: _Piece, step: int, gates: Array, c: Array, h: Array) -> None:
    """Tell of one step as it would be without blocks, the gates in PyTorch's order."""
    for lane, direction in enumerate(part.directions):
        t = _taken(range(len(data.x)), piece, part, direction)[step]
        rows = [row[lane].swapaxes(0, 1).reshape(len(h[lane]), -1) for row in (*gates, c)]
        beside = np.concatenate([rows[_ORDER.index(gate)] for gate in range(4)], axis=1)
        if data.on_step:
            data.on_step(Step(data.layer, direction, t, beside, rows[4], h[lane]))


def threads_of_blas(number: int) -> AbstractContextManager[object]:
    """Holds BLAS to so many threads, if threadpoolctl is installed.

    BLAS's threads spin while they wait for each other, so on a busy core a product takes many times as long.
    """
    controller = _controller()
    return controller.limit(limits=number, user_api="blas") if controller else nullcontext()


@cache
def _controller() -> Any:  # noqa: ANN401  # it may not be installed
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:  # noqa: ANN401  # what NumPy takes
    """An empty array that begins at a multiple of `ALIGNED` bytes; NumPy's own begin at any of 16."""
    count, spare = prod(shape), ALIGNED // dtype.itemsize
    if count < UNALIGNED:
        return np.empty(shape, dtype)
    room = np.empty(count + spare, dtype)
    skip = -room.__array_interface__["data"][0] % ALIGNED // dtype.itemsize
    result: Array = room[skip : skip + count].reshape(shape)
    return result
