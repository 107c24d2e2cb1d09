"""PyTorch: `nn.LSTM` and `nn.LSTMCell`, and the facts that libraries modelled on it share."""

from typing import Final

from lstmcalc.frameworks.entry import MODULES, OWN, REVERSED, UNIFORM, Evidence, Layout, Port, Stored

# The arrays that PyTorch, and libraries modelled on it, store for each layer and direction.
TORCH_STORED: Final = (
    Stored("weight_ih", "weight_ih_l{layer}{direction}", "(gate hidden) input"),
    Stored("weight_hh", "weight_hh_l{layer}{direction}", "(gate hidden) recurrent"),
    Stored("bias_ih", "bias_ih_l{layer}{direction}", "(gate hidden)"),
    Stored("bias_hh", "bias_hh_l{layer}{direction}", "(gate hidden)"),
)


_TORCH_CELL: Final = (
    Stored("weight_ih", "{path}weight_ih", "(gate hidden) input"),
    Stored("weight_hh", "{path}weight_hh", "(gate hidden) recurrent"),
    Stored("bias_ih", "{path}bias_ih", "(gate hidden)"),
    Stored("bias_hh", "{path}bias_hh", "(gate hidden)"),
)


# torch/nn/modules/linear.py and sparse.py.
_TORCH_HEAD: Final = (
    Stored("head_weight", "head.weight", "output feature"),
    Stored("head_bias", "head.bias", "output"),
)


_TORCH_EMBEDDING: Final = (Stored("embedding", "embedding.weight", "word input"),)


TORCH_PORTS: Final = (
    Port("input", "input", "L N H_in"),
    Port("h_0", "input", "D*num_layers N H_out"),
    Port("c_0", "input", "D*num_layers N H_cell"),
    Port("output", "output", "L N D*H_out", equals="output"),
    Port("h_n", "output", "D*num_layers N H_out", equals="h_n"),
    Port("c_n", "output", "D*num_layers N H_cell", equals="c_n"),
)


CELL_PORTS: Final = (
    Port("input", "input", "N H_in"),
    Port("h", "input", "N H_cell", "cell"),
    Port("c", "input", "N H_cell", "cell"),
    Port("h", "output", "N H_cell", "cell", equals="h_n[{k}]"),
    Port("c", "output", "N H_cell", "cell", equals="c_n[{k}]"),
)


CELL_STATES: Final = "states[k] is (h, c), what cell k returned at its last step"


NO_TRICK: Final = f"{UNIFORM}; forget biases are not set to 1"


# The base of libraries modelled on PyTorch; the layers around were checked in PyTorch only.
TORCH: Final = Layout(
    title="PyTorch LSTM",
    kind="layer",
    gates="ifgo",
    stored=(*TORCH_STORED, Stored("weight_hr", "weight_hr_l{layer}{direction}", "recurrent hidden")),
    ports=TORCH_PORTS,
    h_n=("h_n[{k}]", "h_n[{k}]"),
    c_n=("c_n[{k}]", "c_n[{k}]"),
    states="h_n, c_n as returned",
    returns="output of every step, (h_n, c_n)",
    lengths="pack_padded_sequence; behind a sequence the padded output is 0",
    zeros=True,
    init=NO_TRICK,
    evidence=Evidence("run", "torch 2.13.0", "torch/nn/modules/rnn.py"),
    directions=("", "_reverse"),
    bias="bias=False",
    batch="optional",
    usage=("batch_first=True reorders input and output, never h and c",),
)


PYTORCH: Final = TORCH._replace(head=_TORCH_HEAD, embedding=_TORCH_EMBEDDING)


PYTORCH_CELL: Final = Layout(
    title="PyTorch LSTMCell",
    kind="cell",
    gates="ifgo",
    stored=_TORCH_CELL,
    ports=CELL_PORTS,
    h_n=("states[{k}][0]", "states[{k}][0]"),
    c_n=("states[{k}][1]", "states[{k}][1]"),
    states=CELL_STATES,
    returns="(h, c) of one step",
    lengths="",
    init=NO_TRICK,
    evidence=Evidence("run", "torch 2.13.0", "torch/nn/modules/rnn.py"),
    paths=OWN,
    directions=("fw", "bw"),  # no module of PyTorch can be called forward
    bias="bias=False",
    batch="optional",
    stacking=MODULES,
    reversing=REVERSED,
    head=_TORCH_HEAD,
    embedding=_TORCH_EMBEDDING,
)
