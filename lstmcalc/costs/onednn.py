"""The bytes that oneDNN's LSTM takes on a CPU, as formulas: one call for each layer and direction.

Every allocation is one of PyTorch's (`aten/src/ATen/native/mkldnn/RNN.cpp`, torch 2.13.0) or one of oneDNN's
(`src/cpu/rnn/rnn_utils.hpp` and `rnn_utils.cpp`, oneDNN 3.12.0); the parts and their sizes were compared, one by one,
with what torch 2.13.0+cpu allocates on a CPU with AVX-512, two threads. Another CPU lays the weights out otherwise.

Not here: the definition of each quantity (`activations`).
"""

from functools import reduce
from operator import add
from typing import Final

from lstmcalc.costs.regimes import Peaks, Regime, Task, extent
from lstmcalc.spec.sizes import Dim, Function, largest, roundup
from lstmcalc.spec.symbols import D, H_cell, H_in, num_layers

FLOAT: Final = 4  # bytes; numbers that are not in the data's dtype are in float32
_LINE: Final = 64  # bytes
_PAGE: Final = 4096  # bytes: each part of a workspace begins on a page
_BLOCK: Final = 32  # columns: how weights are blocked with AVX-512
# Further bytes that each call books, mostly to align the rest: 80 of them for each thread.
_BOOKED: Final = {"float32": 4664, "bfloat16": 5560}
# The same without gradients. It is 160 more where input and h are equally wide, unless a single sequence has several
# steps; for the first layer, whose formula is the same for all widths, half of that is counted.
_BOOKED_INFERENCE: Final = {"float32": 4952, "bfloat16": 4936}
_SQUARE: Final = 160


def _row_stride(width: int, step: int) -> int:
    """The distance between rows that oneDNN chooses, in elements; for integers, and for arrays of them."""
    rounded = -(-width // step) * step
    return rounded + step * (rounded % 256 == 0)


stride: Final = Function(
    "stride",
    _row_stride,
    lambda width, step: width + 2 * step,
    "stride(x, n) is roundup(x, n), and n more where that is a multiple of 256",
)


def _row(width: Dim, element: int) -> Dim:
    return stride(width, _LINE // element)


def _pages(size: Dim) -> Dim:
    return roundup(size, _PAGE)


def _total(parts: list[Dim]) -> Dim:
    return reduce(add, parts)


# One layer and direction


def _largest_width(width: Dim) -> Dim:
    """The larger of the widths of input and h: above the first layer no input is narrower than h."""
    return largest(width, H_cell) if width == H_in else width


def _h(facts: Regime) -> Dim:
    """Bytes of h, or of c, of all sequences at one step."""
    return facts.element * extent(facts).sequences * H_cell


def _output(facts: Regime) -> Dim:
    """Bytes of the output of one direction."""
    return facts.element * extent(facts).rows * H_cell


def _workspace(facts: Regime, width: Dim) -> Dim:
    """Bytes that forward leaves for backward, many of them only reserved."""
    size, e = extent(facts), facts.element
    between = 2 * (size.steps + 1) * size.sequences
    states = between * _row(_largest_width(width), e) * e
    diff_states = between * _row(_largest_width(width), FLOAT) * FLOAT
    return _total(
        [
            _pages(size.rows * _row(4 * H_cell, e) * e),  # gates
            _pages(size.rows * _row(H_cell, e) * e),  # h, which only a projection would need
            _pages(states),
            _pages(between * H_cell * e),  # c
            2 * _pages(diff_states),  # gradients for the layer below, and for the step before
            _pages(between * H_cell * FLOAT),  # the gradient of c
        ]
    )


def _kept_bytes(facts: Regime, width: Dim) -> Dim:
    """Bytes that one call leaves: output, h_n, c_n, the workspace; without a bias, zeros as large as the weights."""
    zeros = Dim.of(0) if facts.bias else _zeros(facts, width)
    return _output(facts) + 2 * _h(facts) + _workspace(facts, width) + zeros


def _zeros(facts: Regime, width: Dim) -> Dim:
    return facts.element * (4 * H_cell * width + 4 * H_cell * H_cell)


def _bytes_between_layers(facts: Regime) -> Dim:
    """Bytes between two layers besides the outputs: both directions side by side; dropout's noise and result."""
    parts = int(facts.bidirectional or facts.dropout != "none") + int(facts.dropout == "some")
    noise = facts.element if facts.dropout == "all" else 0  # a single zero
    return D * parts * _output(facts) + noise


def _initial_states(facts: Regime) -> Dim:
    """Bytes of h_0 and c_0."""
    return 2 * D * num_layers * _h(facts)


def _input(facts: Regime) -> Dim:
    return facts.element * extent(facts).rows * H_in


ABOVE: Final = D * H_cell  # the input width of the layers above the first


def saved(facts: Regime) -> Dim:
    """Bytes saved for backward, including the input; see `activations.saved`."""
    first = _input(facts) + _initial_states(facts) + D * _kept_bytes(facts, H_in)
    if facts.layers == 1:
        return first
    return first + (num_layers - 1) * (D * _kept_bytes(facts, ABOVE) + _bytes_between_layers(facts))


# Without gradients


def _blocked_weights(facts: Regime, rows: Dim, columns: Dim) -> Dim:
    """Bytes of a weight matrix for four gates, laid out in blocks; bfloat16 in pairs of rows."""
    pairs = roundup(rows, 2) if facts.dtype == "bfloat16" else rows
    return 4 * facts.element * pairs * roundup(columns, _BLOCK)


def _scratch_inference(facts: Regime, width: Dim) -> Dim:
    size, e = extent(facts), facts.element
    between = 2 * (size.steps + 1) * size.sequences
    at_once = size.rows if facts.batch == 1 else size.sequences
    square = _SQUARE // 2 if width == H_in else 0 if facts.bidirectional else _SQUARE
    if facts.batch == 1 and facts.seq_len > 1:
        square = 0
    return _total(
        [
            _pages(between * _row(_largest_width(width), e) * e),  # states
            _pages(between * H_cell * e),  # c
            _pages(at_once * _row(4 * H_cell, FLOAT) * FLOAT),  # gates
            _pages(size.sequences * _row(H_cell, e) * e),  # h
            Dim.of(_BOOKED_INFERENCE[facts.dtype] + square),
        ]
    )


def _call_inference(facts: Regime, width: Dim) -> Dim:
    """Bytes that one call takes and frees again: the sum of the biases, weights in a new layout, scratch."""
    zeros = Dim.of(0) if facts.bias else _zeros(facts, width)
    bias = 4 * facts.element * H_cell
    weights = _blocked_weights(facts, width, H_cell) + _blocked_weights(facts, H_cell, H_cell)
    return zeros + bias + weights + _scratch_inference(facts, width)


def peak_inference(facts: Regime) -> Dim:
    """The peak of one forward without gradients; see `activations.peak_inference`.

    It is in the last call of the first layer, or of the last layer, which also has the layer below and all h_n and c_n,
    or at the end, when h_n and c_n are put together.
    """
    copy = _input(facts) if facts.transposed else Dim.of(0)
    output = _output(facts)
    first = D * (output + 2 * _h(facts)) + _call_inference(facts, H_in)
    if facts.layers == 1:
        return _initial_states(facts) + copy + first
    outputs = (5 if facts.bidirectional else 2) * output
    last = outputs + 2 * D * num_layers * _h(facts) + _call_inference(facts, ABOVE)
    ended = D * output + 2 * _initial_states(facts)  # h_n and c_n, and the parts that they are put together from
    return _initial_states(facts) + copy + largest(first, last, ended)


# With gradients


def _relaid_weights(facts: Regime, width: Dim, is_aligned: bool) -> Dim:
    """Bytes of weights laid out for backward; in float32 there is no copy if their rows are aligned."""
    if facts.dtype == "bfloat16":
        return _blocked_weights(facts, H_cell, width)
    return Dim.of(0) if is_aligned else 4 * facts.element * H_cell * _row(width, facts.element)


def _scratch_backward(facts: Regime, width: Dim) -> Dim:
    size, e = extent(facts), facts.element
    at_once, turned = size.rows, Dim.of(0)
    if facts.dtype == "bfloat16":
        at_once, turned = size.sequences, _sequence_pairs(facts, width)
    return _total(
        [
            _pages(at_once * _row(4 * H_cell, e) * e),  # gates
            _pages(size.sequences * _row(H_cell, e) * e),  # h
            _pages(size.sequences * _row(H_cell, FLOAT) * FLOAT),  # diff h
            turned,
            Dim.of(_BOOKED[facts.dtype]),
        ]
    )


def _sequence_pairs(facts: Regime, width: Dim) -> Dim:
    """Bytes of pairs of sequences for products in bfloat16: a block of gates, the input and h. Observed only."""
    times = 2 if facts.batch == 1 else 1
    return roundup(extent(facts).sequences, 2) * (FLOAT * _BLOCK + times * facts.element * (width + H_cell))


def _call_backward(facts: Regime, width: Dim, is_aligned: bool) -> Dim:
    """The most bytes that one call takes in backward: gradients, which are float32, and their working memory."""
    size, e = extent(facts), facts.element
    state = size.sequences * H_cell
    given = 2 * e * state  # zeros: h_n and c_n have no gradient
    if e != FLOAT:
        given += FLOAT * (size.rows * H_cell + 2 * state)
    gradients = FLOAT * (size.rows * width + 2 * state + 4 * H_cell * width + 4 * H_cell * H_cell + 4 * H_cell)
    relaid = _relaid_weights(facts, width, is_aligned) + _relaid_weights(facts, H_cell, facts.aligned[1])
    twins = FLOAT * ((width + H_cell) * _row(4 * H_cell, FLOAT) + 4 * H_cell)
    bias = 4 * e * H_cell
    return given + bias + gradients + relaid + twins + _scratch_backward(facts, width)


def _gradients(facts: Regime, width: Dim) -> Dim:
    """Bytes of the gradients of the parameters of one layer and direction, which stay."""
    biases = 8 * H_cell if facts.bias else Dim.of(0)
    return facts.element * (4 * H_cell * width + 4 * H_cell * H_cell + biases)


def _converted_gradients(facts: Regime, width: Dim) -> Dim:
    """Bytes at the end of a call: gradients in float32, and that of the input in bfloat16 too."""
    size, e = extent(facts), facts.element
    made = FLOAT * (4 * H_cell * width + 4 * H_cell * H_cell + 8 * H_cell)
    return made + (FLOAT + e) * size.rows * width


def _backward(facts: Regime, width: Dim, task: Task) -> Dim:
    """The most bytes that a layer's backward adds to those before it: in the call of its first or second direction.

    In the second call, the gradients of the first direction replace what its forward left.
    """
    call = _call_backward(facts, width, facts.aligned[0 if width == H_in else 2])
    if task.begins == "last":  # h_n has a gradient, and each call reads its part of it instead of zeros
        call = call - _h(facts)
    is_passed = width != H_in or task.input_grad
    if is_passed and facts.element != FLOAT:
        call = largest(call, _converted_gradients(facts, width))
    if not facts.bidirectional:
        return call
    passed = facts.element * extent(facts).rows * width if is_passed else Dim.of(0)
    return call + largest(0, _gradients(facts, width) + passed - _kept_bytes(facts, width))


def _call_forward(facts: Regime, width: Dim) -> Dim:
    """Bytes that one call takes and frees again in forward: weights in a new layout, the sum of the biases, scratch.

    In bfloat16 weights are laid out in blocks, which are mostly padding if there are few cells.
    """
    size, e = extent(facts), facts.element
    if facts.dtype == "bfloat16":
        at_once, booked = size.sequences, _BOOKED_INFERENCE[facts.dtype]
        weights = _blocked_weights(facts, width, H_cell) + _blocked_weights(facts, H_cell, H_cell)
    else:
        at_once, booked = size.rows, _BOOKED[facts.dtype]
        weights = e * (width + H_cell) * _row(4 * H_cell, e)
    return _total(
        [
            weights,
            4 * e * H_cell,  # the sum of the biases
            _pages(at_once * _row(4 * H_cell, FLOAT) * FLOAT),  # gates
            _pages(size.sequences * _row(H_cell, e) * e),  # h
            _pages(size.sequences * _row(H_cell, FLOAT) * FLOAT),
            Dim.of(booked),
        ]
    )


def _forward(facts: Regime, between: Dim) -> Dim:
    """Bytes in the last call of the first or the last layer; h_n, c_n and output are not put together yet."""
    copy = _input(facts) if facts.transposed else Dim.of(0)
    first = _initial_states(facts) + copy + D * _kept_bytes(facts, H_in) + _call_forward(facts, H_in)
    if facts.layers == 1:
        return first
    joined = D * _output(facts) if facts.bidirectional else Dim.of(0)
    return largest(first, between - joined - _initial_states(facts) + _call_forward(facts, ABOVE))


def peaks_training(facts: Regime, task: Task) -> Peaks:
    """Peaks of forward and backward; see `activations.peaks_training`.

    The peak is in backward, where each layer needs most in its largest call: in the last layer, the one above the
    first, or the first. The layers between all leave as much and take as much, so the peak is at either end of them.
    With few cells and a wide input it is in forward: in bfloat16, and where the output of an embedding is held beside
    its copy.
    """
    nothing = Dim.of(0)
    copy = _input(facts) if facts.transposed else nothing
    output = _output(facts)
    alone = facts.batch == 1 and facts.seq_len == 1
    # A direction's half of a gradient is copied, and so is a gradient that batch_first transposes.
    halved = output if facts.bidirectional and not alone else nothing
    turned = output if facts.transposed and not facts.bidirectional else nothing
    before = 2 * _initial_states(facts) + copy + D * _kept_bytes(facts, H_in)  # with h_n and c_n
    joined = D * output if facts.bidirectional else nothing
    begun = joined + halved + turned
    between = before + joined
    if facts.layers > 1:
        between = between + (num_layers - 1) * (D * _kept_bytes(facts, ABOVE) + _bytes_between_layers(facts))
    is_early = facts.dtype == "bfloat16" or (task.is_embedded and facts.transposed)
    early = _forward(facts, between) if is_early else None
    if task.begins == "head":
        begun = begun + D * output
    elif task.begins == "last":  # zeros are made for the output of a direction; h_n has a gradient
        begun = joined + output
        before = before + D * num_layers * _h(facts)
    if facts.layers == 1:
        return Peaks(early, between, before + begun + _backward(facts, H_in, task))
    layer = D * _kept_bytes(facts, ABOVE) + _bytes_between_layers(facts)
    top = before + (num_layers - 1) * layer + begun + _backward(facts, ABOVE, task)
    # Below the last layer: the output, which the caller holds, and a gradient as large.
    passed = 2 * D * output + halved
    gradients = D * _gradients(facts, ABOVE)
    first = before + (num_layers - 1) * gradients + passed + _backward(facts, H_in, task)
    if facts.layers == 2:  # noqa: PLR2004
        return Peaks(early, between, largest(top, first))
    middle = before + layer + (num_layers - 2) * gradients + (num_layers - 3) * largest(0, layer - gradients)
    return Peaks(early, between, largest(top, middle + passed + _backward(facts, ABOVE, task), first))
