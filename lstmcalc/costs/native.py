"""The bytes that PyTorch's own LSTM takes on a CPU, as formulas: a few operators for each step.

Saved bytes are those that each operator needs for backward (`aten/src/ATen/native/RNN.cpp` and `tools/autograd`, torch
2.13.0); they and the moments of the peaks were compared with what torch 2.13.0+cpu saves and allocates.

Not here: the definition of each quantity (`activations`).
"""

from functools import reduce
from operator import add
from typing import Final

from lstmcalc.costs.regimes import Peaks, Regime, Task, extent
from lstmcalc.spec.sizes import Dim, largest
from lstmcalc.spec.symbols import D, H_cell, H_in, H_out, num_layers

ABOVE: Final = D * H_out  # the input width of the layers above the first
_NOTHING: Final = Dim.of(0)


def _total(parts: list[Dim]) -> Dim:
    return reduce(add, parts)


# From here to the public functions: counts of numbers, not bytes


def _input(facts: Regime) -> Dim:
    return extent(facts).rows * H_in


def _states(facts: Regime) -> Dim:
    """One h and one c of all sequences, of one layer and direction."""
    return extent(facts).sequences * (H_out + H_cell)


def _output(facts: Regime) -> Dim:
    """The output of one direction."""
    return extent(facts).rows * H_out


def _cell(facts: Regime) -> Dim:
    """Numbers saved by the steps of one layer and direction: gates, tanh(c), c, h, the input of a projection."""
    size = extent(facts)
    later = size.rows - size.last  # the last c and h are not read again
    wide = 6 if facts.projected else 5
    return wide * H_cell * size.rows + (H_cell + H_out) * later


def _saved_between_layers(facts: Regime) -> Dim:
    """Numbers saved between two layers: the input of the upper one, and dropout's noise."""
    return D * (2 if facts.dropout == "some" else 1) * _output(facts) + int(facts.dropout == "all")


def _copies(facts: Regime) -> Dim:
    """The input; with batch_first every direction makes its own copy."""
    return D * _input(facts) if facts.transposed else _input(facts)


def saved(facts: Regime) -> Dim:
    """Bytes saved for backward, including the input; see `activations.saved`."""
    each = D * (_cell(facts) + _states(facts))
    parts = [_copies(facts), num_layers * each]
    if facts.layers > 1:
        parts.append((num_layers - 1) * _saved_between_layers(facts))
    return facts.element * _total(parts)


# Without gradients


def _gates(facts: Regime) -> Dim:
    """The input's share of the gates of all steps, which is computed before the first step."""
    return 4 * H_cell * extent(facts).rows


def _step(facts: Regime) -> Dim:
    """Numbers that the last step adds to the h of all steps: c before and after it, gates, the value that becomes h."""
    size = extent(facts)
    before = H_cell if facts.seq_len > 1 else _NOTHING
    return size.last * (7 * H_cell + before - H_out)


def peak_inference(facts: Regime) -> Dim:
    """The peak of one forward without gradients; see `activations.peak_inference`."""
    output, states = D * _output(facts), _states(facts)
    initial = D * num_layers * states
    ended = 2 * initial + output  # h_n and c_n, and the parts that they are put together from
    moments = _packed_moments if facts.packed else _padded_moments
    copy = _input(facts) if facts.transposed else _NOTHING
    first = _gates(facts) + largest(*moments(facts, copy))
    if facts.layers == 1:
        return facts.element * (initial + largest(first, ended))
    below = D * (num_layers - 1) * states + output
    last = below + _gates(facts) + largest(*moments(facts, _NOTHING))
    return facts.element * (initial + largest(first, last, ended))


def _padded_moments(facts: Regime, copy: Dim) -> list[Dim]:
    """Numbers besides a layer's gates at three moments: its input copied, its last step, its output put together."""
    output, cell = _output(facts), extent(facts).sequences * H_cell
    step, stacked = output + _step(facts), 2 * output + cell
    if not facts.bidirectional:
        return [copy, step, stacked]
    other = 2 * output + cell  # the forward direction, whose steps are still there
    return [other + _gates(facts) + copy, other + step, other + stacked + 2 * output]


def _packed_moments(facts: Regime, copy: Dim) -> list[Dim]:
    """The same for a packed batch, whose sequences end one after another."""
    size, output, states = extent(facts), _output(facts), _states(facts)
    begun = 7 * H_cell * size.sequences + copy  # copy is zero: packed data is never transposed
    joined = 2 * output + H_cell * (size.ending + size.last) + states
    if not facts.bidirectional:
        return [begun, output + H_cell * size.ending + _step(facts), joined]
    other = output + states  # the forward direction
    # The reverse one ends with the most sequences, and puts their states together if sequences have been added.
    step = output + size.sequences * (8 * H_cell if facts.seq_len > 1 else 7 * H_cell - H_out)
    return [joined, other + step, other + 2 * output + H_cell * size.sequences]


# With gradients


def _weights(facts: Regime, width: Dim) -> Dim:
    """The number of parameters of one layer and direction, and of their gradients."""
    biases = 8 * H_cell if facts.bias else _NOTHING
    return 4 * H_cell * width + 4 * H_cell * H_out + biases + _projection(facts)


def _projection(facts: Regime) -> Dim:
    return H_out * H_cell if facts.projected else _NOTHING


def _backward(facts: Regime, width: Dim, given: Dim, task: Task) -> Dim:
    """The most numbers that a layer's backward adds to what forward left; `given` is the gradient from the layer above.

    Its moments in one direction: the second step's gradient of weight_hh is added to that of the first (two and their
    sum are held); the gates' gradients of all steps are joined; weight_ih gets its gradient.
    """
    size, first = extent(facts), width == H_in
    recurrent = 4 * H_cell * H_out + _projection(facts)
    bias = 4 * H_cell if facts.bias else _NOTHING
    gates = 4 * H_cell * size.rows
    passed = size.rows * width if not first or task.input_grad else _NOTHING
    done = recurrent + bias - _cell(facts)
    late = [done + 2 * gates, done + bias + gates + passed + 4 * H_cell * width]
    # The second step's gradients; in a packed batch each step's gradient of the gates is as large as that of all steps.
    second = recurrent + bias - 4 * H_cell * (2 * size.last if facts.packed else size.sequences)
    second = second - (_states(facts) if facts.projected else 0)
    summing = second + 8 * H_cell * H_out + (gates if facts.packed else _NOTHING)
    early = [summing, second + 2 * gates] if facts.packed else [summing]
    # Needed until the last step has its gradients: h_0 and c_0 of all layers, and the gradient given to the layer.
    needed = given + (D * num_layers * _states(facts) if first else 0)
    if facts.seq_len == 2:  # noqa: PLR2004
        late += early
    if not facts.bidirectional:
        return largest(*late, *([largest(*early) + needed] if facts.seq_len > 2 else []))  # noqa: PLR2004
    # In the call of the second direction the gradients of the first replace what its forward left.
    turned = _input(facts) if first and facts.transposed else _NOTHING
    instead = _weights(facts, width) + passed - _cell(facts) - turned
    moments = [largest(*late) + largest(needed, instead)]
    if facts.seq_len > 2:  # noqa: PLR2004
        moments.append(largest(*early) + needed + largest(0, instead))
    if not facts.packed and (not first or task.input_grad):  # what both directions pass on, and their sum
        gone = _input(facts) if first and task.is_embedded and not facts.transposed else _NOTHING
        moments.append(2 * instead + passed - gone)
    return largest(*moments)


def peaks_training(facts: Regime, task: Task) -> Peaks:
    """Peaks of forward and backward; see `activations.peaks_training`."""
    output, gates = _output(facts), _gates(facts)
    copies = D * _input(facts) if facts.transposed else _NOTHING
    held = D * num_layers * _states(facts)
    each = D * _cell(facts)
    output = D * output
    joining = gates + (output if facts.bidirectional else _NOTHING)
    if facts.packed:  # h_n and c_n are put together from the sequences that ended at each step
        joining = joining + extent(facts).last * (H_out + H_cell)
    start = held + copies + output  # h_n and c_n with it
    layer = each + _saved_between_layers(facts) if facts.layers > 1 else _NOTHING
    full = start + each + ((num_layers - 1) * layer if facts.layers > 1 else _NOTHING)
    # At the end of forward the parts that h_n and c_n are put together from are held beside them.
    forward = full + held + largest(joining, held)
    begun = {"output": _NOTHING, "head": output, "last": D * num_layers * extent(facts).sequences * H_out}[task.begins]
    if facts.layers == 1:
        backward = full + begun + _backward(facts, H_in, _NOTHING, task)
        return Peaks(facts.element * forward, facts.element * (full + held), facts.element * backward)
    gradients = D * _weights(facts, ABOVE)
    moments = [
        full + held + begun + _backward(facts, ABOVE, _NOTHING, task),
        start + each + (num_layers - 1) * gradients + _backward(facts, H_in, output, task),
    ]
    if facts.layers > 2:  # noqa: PLR2004
        middle = start + held + each + layer + (num_layers - 2) * gradients
        middle += (num_layers - 3) * largest(0, layer - gradients)
        moments.append(middle + _backward(facts, ABOVE, output, task))
    return Peaks(facts.element * forward, facts.element * (full + held), facts.element * largest(*moments))
