"""The repair of a mistake in the framework that a port is written in: lines of code, or an instruction.

Arrays are called as the framework stores them. The lines for PyTorch, Keras and ONNX were run with those of the table
of frameworks (`frameworks`); for the others the same is said in NumPy.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from lstmcalc.frameworks.entry import Layout
from lstmcalc.frameworks.storage import find_layout
from lstmcalc.proof.mistakes.forms import Mistake
from lstmcalc.spec.words import and_list

_HOLDS: Final = {"gate-order-input": "weight_ih", "gate-order-recurrent": "weight_hh", "gate-order-bias": "bias"}


class Names(NamedTuple):
    """The names that a framework has for the arrays of one layer."""

    weight_ih: str
    weight_hh: str
    bias: str


def repair_of(mistakes: Sequence[Mistake], framework: str) -> str:
    """The lines that repair mistakes in a framework, one each."""
    layout = find_layout(framework)
    return "\n".join(dict.fromkeys(_repair(mistake, layout, framework) for mistake in mistakes))


def _repair(mistake: Mistake, layout: Layout, framework: str) -> str:
    base, _, argument = mistake.name.partition(":")
    names = _names(layout)
    if base.startswith("gate-order"):
        held = [_HOLDS[base]] if base in _HOLDS else ["weight_ih", "weight_hh", "bias"]
        wanted = [name for one in held for name in _all_names(layout, one)]
        return _order_repair(argument, layout, framework, list(dict.fromkeys(wanted)))
    if base == "gates-interleaved":
        return _interleaved_repair(mistake, layout, framework)
    if base in ("input-transposed", "recurrent-transposed"):
        name = names.weight_ih if base.startswith("input") else names.weight_hh
        return f"{name} = {name}{_TRANSPOSED.get(framework, '.T')}  # transposed, not reshaped, and once"
    own = _OWN.get(framework, {}).get(base)
    if base == "sequence-order" and "sorted" not in mistake.cause:
        own = None  # packing has nothing to do with it
    return own or _GENERAL[base].format(**names._asdict(), argument=argument)


def _names(layout: Layout) -> Names:
    """The first name of each array."""
    return Names(*(next(iter(_all_names(layout, held)), held) for held in ("weight_ih", "weight_hh", "bias")))


def _all_names(layout: Layout, held: str) -> list[str]:
    """The names of all arrays that hold a parameter, without the path of their layer."""
    found = []
    for stored in layout.stored:
        if any(part.startswith(held) for part in stored.holds.split()):
            own = stored.name.replace("{layer}", "*").rpartition("/")[2].removesuffix(":0")
            found.append(re.sub(r"\{\w+\}", "", own).strip("._") or held)
    return found


def _order_repair(order: str, layout: Layout, framework: str, names: Sequence[str]) -> str:
    """The line that puts the rows of gates into the order in which they are read."""
    listed = ", ".join(order)
    whose = f"each {and_list(names)}"
    axes = next(stored.axes for stored in layout.stored if "weight_ih" in stored.holds)
    if "gate" not in axes:
        return f"the arrays of gates i, f, g, o belong where those of {listed} are read  # {whose}"
    if framework.startswith("pytorch"):
        return f"i, f, g, o = w.chunk(4); w = torch.cat(({listed}))  # w: {whose}"
    axis = _axis(axes)
    of = "" if axis == 0 else f", axis={axis}"
    return f"i, f, g, o = np.split(w, 4{of}); w = np.concatenate([{listed}]{of})  # w: {whose}"


def _axis(axes: str) -> int:
    """The axis of an array that has the gates; the last one counts from the end, as that of the bias is too."""
    listed = re.findall(r"\([^()]*+\)|[^\s()]+", axes)
    place = next(k for k, axis in enumerate(listed) if "gate" in axis)
    return -1 if place == len(listed) - 1 and place else place


def _interleaved_repair(mistake: Mistake, layout: Layout, framework: str) -> str:
    # Rows of unit after unit are what was read, and blocks of gates what is stored, or the other way round.
    shape = "(4, -1" if "four rows" in mistake.cause else "(-1, 4"
    if framework.startswith("pytorch"):
        return f"w = w.reshape({shape}, *w.shape[1:])).transpose(0, 1).reshape(w.shape)  # each weight and bias"
    stored = next(stored.axes for stored in layout.stored if "weight_ih" in stored.holds)
    if stored.startswith("(gate"):
        return f"w = w.reshape({shape}, *w.shape[1:])).swapaxes(0, 1).reshape(w.shape)  # each weight and bias"
    return "each gate's units lie side by side, gate after gate, not four gates of each unit"


_TRANSPOSED: Final = {"onnx": ".transpose(0, 2, 1)", "openvino": ".transpose(0, 2, 1)"}

# Where a framework has a line of its own.
_OWN: Final = {
    "pytorch": {
        "bias-lost": "lstm.load_state_dict(state)  # strict: bias_ih_l* and bias_hh_l* both",
        "bias-doubled": "lstm.bias_ih_l0.data = b_ih; lstm.bias_hh_l0.data = b_hh  # of a sum: zeros in one",
        "batch-time-swapped": "output, _ = lstm(x.transpose(0, 1))  # or batch_first as the input is",
        "reverse-read-forward": "output = reverse(x.flip(0))[0].flip(0)",
        "reverse-left-reversed": "output = reverse(x.flip(0))[0].flip(0)",
        "halves-swapped": "output = torch.cat((forward, reverse), dim=-1)",
        "directions-summed": "output = torch.cat((forward, reverse), dim=-1)",
        "directions-averaged": "output = torch.cat((forward, reverse), dim=-1)",
        "states-ignored": "output, (h_n, c_n) = lstm(x, (h_0, c_0))",
        "states-batch-first": "h_0, c_0 = h_0.transpose(0, 1).contiguous(), c_0.transpose(0, 1).contiguous()",
        "padding-not-masked": "packed = pack_padded_sequence(x, lengths, enforce_sorted=False)",
        "sequence-order": "packed = pack_padded_sequence(x, lengths, enforce_sorted=False)  # which puts them back",
        "h-c-swapped": "output, (h_n, c_n) = lstm(x, (h_0, c_0))  # h before c",
    },
    "keras": {
        "bias-lost": "bias = b_ih + b_hh",
        "bias-doubled": "bias = b_ih + b_hh  # once",
        "bias-ignored": "layer = keras.layers.LSTM(units, use_bias=True); bias = b_ih + b_hh",
        "hard-sigmoid": 'layer = keras.layers.LSTM(units, recurrent_activation="sigmoid")',
        "relu-for-tanh": 'layer = keras.layers.LSTM(units, activation="tanh")',
        "tanh-for-relu": 'layer = keras.layers.LSTM(units, activation="relu")',
        "forget-offset": "bias = b_ih + b_hh  # unit_forget_bias changes the initial bias alone: add nothing",
        "batch-time-swapped": "output = layer(x.swapaxes(0, 1))  # (N, L, H_in)",
        "reverse-left-reversed": "output = keras.ops.flip(reverse(x), axis=1)  # reverse: go_backwards=True",
        "reverse-read-forward": "reverse = keras.layers.LSTM(units, go_backwards=True, return_sequences=True)",
        "directions-summed": 'layer = keras.layers.Bidirectional(lstm, merge_mode="concat")',
        "directions-averaged": 'layer = keras.layers.Bidirectional(lstm, merge_mode="concat")',
        "states-ignored": "output = layer(x, initial_state=[h, c])",
        "h-c-swapped": "output = layer(x, initial_state=[h, c])  # h before c",
        "states-carried": "layer.reset_states()  # or stateful=False",
        "padding-not-masked": "output = layer(x, mask=np.arange(L) < lengths[:, None])",
    },
    "onnx": {
        "bias-lost": "B = np.concatenate([b_ih, b_hh], axis=-1)  # Wb before Rb",
        "bias-doubled": "B = np.concatenate([b_ih, b_hh], axis=-1)  # not the sum in both",
        "bias-ignored": "B = np.concatenate([b_ih, b_hh], axis=-1)  # the fourth input of the node",
        "hard-sigmoid": 'activations=["Sigmoid", "Tanh", "Tanh"]  # for each direction',
        "relu-for-tanh": 'activations=["Sigmoid", "Tanh", "Tanh"]  # for each direction',
        "states-ignored": "initial_h, initial_c are inputs 6 and 7 of the node",
        "padding-not-masked": "sequence_lens is input 5 of the node, int32",
        "halves-swapped": "output = Y.transpose(0, 2, 1, 3).reshape(L, N, -1)  # Y is (L, D, N, H)",
        "batch-time-swapped": "X is (L, N, H_in): layout=0",
    },
}
_GENERAL: Final = {
    "cast": "the weights have to stay in their own dtype, not {argument}",
    "matrices-swapped": "{weight_ih} is for the input, {weight_hh} for h: load each as itself",
    "bias-lost": "a single bias is b_ih + b_hh; two biases are both loaded",
    "bias-doubled": "a single bias is b_ih + b_hh, once; of two biases, one is the sum and the other zeros",
    "bias-ignored": "the biases have to be loaded: b_ih + b_hh where there is a single one",
    "forget-offset": "the stored forget bias minus what is added to it at run time, and nothing else",
    "hard-sigmoid": "the gates' function is sigmoid, 1 / (1 + exp(-x))",
    "relu-for-tanh": "the function of g and of c is tanh",
    "sigmoid-for-hard-sigmoid": "the gates' function is hard_sigmoid, in the form that the source states",
    "tanh-for-relu": "the function of g and of c is relu, np.maximum(x, 0)",
    "no-output-tanh": "h = o * np.tanh(c)",
    "reverse-read-forward": "output = reverse(x[::-1])[::-1]",
    "reverse-left-reversed": "output = reverse(x[::-1])[::-1]",
    "halves-swapped": "output = np.concatenate([forward, reverse], axis=-1)",
    "directions-swapped": "weights that end in _reverse are those of the direction that reads backwards",
    "directions-summed": "output = np.concatenate([forward, reverse], axis=-1)",
    "directions-averaged": "output = np.concatenate([forward, reverse], axis=-1)",
    "first-layer-only": "every layer has to be run, each on the output of the one below",
    "last-layer-only": "every layer has to be run: the last one reads the output of the one below",
    "lower-layer-output": "the output is that of the last layer, not of layer {argument}",
    "no-projection": "h = W_hr @ (o * np.tanh(c)), in the output and for the next step",
    "h-c-swapped": "the states are (h, c), in this order",
    "states-ignored": "h_0 and c_0 have to be handed to the first step",
    "states-batch-first": "h_0 = h_0.swapaxes(0, 1); c_0 = c_0.swapaxes(0, 1)  # a transposition, not a reshape",
    "states-carried": "h and c have to be reset to h_0 and c_0 before each call, and for each sequence",
    "batch-time-swapped": "x = x.swapaxes(0, 1)  # or the port's batch_first, time_major or layout",
    "sequence-order": "output = output[:, np.argsort(order)]  # order: that in which the port took the sequences",
    "padding-not-masked": "the lengths have to be handed to the port",
    "lengths-off-by-one": "each length is the number of steps of its sequence",
    "other-weights": "the weights have to be loaded from the first file",
}
