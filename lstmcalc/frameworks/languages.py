"""Libraries of other languages than Python: MATLAB, Rust, Julia."""

from typing import Final

from lstmcalc.frameworks.entry import MODULES, OWN, REVERSED, Evidence, Layout, Paths, Port, Stored
from lstmcalc.frameworks.pytorch import TORCH_STORED

MATLAB: Final = Layout(
    title="MATLAB lstmLayer, bilstmLayer",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "{path}InputWeights", "(direction gate hidden) input"),
        Stored("weight_hh", "{path}RecurrentWeights", "(direction gate hidden) recurrent"),
        Stored("bias", "{path}Bias", "(direction gate hidden) 1"),
    ),
    ports=(
        Port("X", "input", "H_in N L"),
        Port("HiddenState", "input", "D*H_cell N", "layer"),
        Port("CellState", "input", "D*H_cell N", "layer"),
        Port("Y", "output", "D*H_out N L", equals="output.transpose(2, 1, 0)"),
        Port("HiddenState", "output", "D*H_cell N", "layer", equals="np.concatenate(h_n[{first}:{last}], axis=-1).T"),
        Port("CellState", "output", "D*H_cell N", "layer", equals="np.concatenate(c_n[{first}:{last}], axis=-1).T"),
    ),
    h_n=("HiddenState[{layer}].T", "HiddenState[{layer}][{start}:{stop}].T"),
    c_n=("CellState[{layer}].T", "CellState[{layer}][{start_c}:{stop_c}].T"),
    states="HiddenState[l], CellState[l] are those of layer l; rows counted from 0",
    returns="the output of every step (OutputMode 'sequence')",
    lengths="",
    init="InputWeights glorot, RecurrentWeights orthogonal, Bias 0 with 1 for the forget gate (stored)",
    evidence=Evidence("source", "help pages, which name no release", "nnet.cnn.layer.LSTMLayer, BiLSTMLayer"),
    paths=Paths("", "lstm{layer}.", "", "lstm{layer}.", yours=True),
    stacking="one layer each",
    usage=("sequences of different lengths are padded, as the options of training say",),
    notes=(
        "bilstmLayer: the four gates of the forward direction above the four of the reverse one",
        "arrays are stored by columns: a reader of MAT files of version 7.3 in Python sees them transposed",
        "lstmProjectedLayer projects the input too, which is another function",
    ),
)


CANDLE: Final = Layout(
    title="Candle",
    kind="layer",
    gates="ifgo",
    stored=TORCH_STORED,
    ports=(
        Port("input", "input", "N L H_in"),
        Port("h", "input", "N H_cell", "cell"),
        Port("c", "input", "N H_cell", "cell"),
        Port(
            "states_to_tensor",
            "output",
            "N L H_out",
            "direction",
            equals="output{flip}[:, :, {start}:{stop}].swapaxes(0, 1)",
        ),
        Port("h", "output", "N H_cell", "cell", equals="h_n[{k}]"),
        Port("c", "output", "N H_cell", "cell", equals="c_n[{k}]"),
    ),
    h_n=("states[{k}].h", "states[{k}].h"),
    c_n=("states[{k}].c", "states[{k}].c"),
    states="states[k] is the last LSTMState of module k",
    returns="a state (h, c) for every step; states_to_tensor makes the output of them",
    lengths="",
    init="weights kaiming uniform, biases 0",
    evidence=Evidence("source", "candle 2a13b0f3f", "candle-nn/src/rnn.rs"),
    directions=("", "_reverse"),
    bias="b_ih_init=None, b_hh_init=None",
    stacking="one module each, numbered by layer_idx",
    reversing=REVERSED,
    notes=("reads PyTorch's names as they are",),
)


_BURN_WORDS: Final = ("input", "forget", "output", "cell")


BURN: Final = Layout(
    title="Burn Lstm, BiLstm",
    kind="layer",
    gates="ifog",
    stored=(
        Stored("weight_ih", "{path}{gate}_gate.input_transform.weight", "input hidden", _BURN_WORDS),
        Stored("bias_ih", "{path}{gate}_gate.input_transform.bias", "hidden", _BURN_WORDS),
        Stored("weight_hh", "{path}{gate}_gate.hidden_transform.weight", "recurrent hidden", _BURN_WORDS),
        Stored("bias_hh", "{path}{gate}_gate.hidden_transform.bias", "hidden", _BURN_WORDS),
    ),
    ports=(
        Port("batched_input", "input", "N L H_in"),
        Port("state.cell", "input", "N H_cell", "layer", only="uni"),
        Port("state.hidden", "input", "N H_cell", "layer", only="uni"),
        Port("state.cell", "input", "D N H_cell", "layer", only="bi"),
        Port("state.hidden", "input", "D N H_cell", "layer", only="bi"),
        Port("output", "output", "N L D*H_out", equals="output.swapaxes(0, 1)"),
        Port("state.cell", "output", "N H_cell", "layer", equals="c_n[{k}]", only="uni"),
        Port("state.hidden", "output", "N H_cell", "layer", equals="h_n[{k}]", only="uni"),
        Port("state.cell", "output", "D N H_cell", "layer", equals="c_n[{first}:{last}]", only="bi"),
        Port("state.hidden", "output", "D N H_cell", "layer", equals="h_n[{first}:{last}]", only="bi"),
    ),
    h_n=("states[{layer}].hidden", "states[{layer}].hidden[{d}]"),
    c_n=("states[{layer}].cell", "states[{layer}].cell[{d}]"),
    states="states[l] is the LstmState of module l",
    returns="the output of every step, and the state",
    lengths="",
    init="weights and biases xavier normal",
    evidence=Evidence("source", "burn 2c06be351 (0.22.0-pre.2)", "crates/burn-nn/src/modules/rnn/lstm.rs"),
    paths=OWN,
    bias="bias = false",
    gate_major=True,
    own="i f o c",
    stacking=MODULES,
    notes=("its Linear stores (inputs, outputs), the transpose of PyTorch's",),
)


FLUX: Final = Layout(
    title="Flux.jl",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "{path}cell.Wi", "(gate hidden) input"),
        Stored("weight_hh", "{path}cell.Wh", "(gate hidden) recurrent"),
        Stored("bias", "{path}cell.bias", "(gate hidden)"),
    ),
    ports=(
        Port("x", "input", "H_in L N"),
        Port("h", "input", "H_cell N", "cell"),
        Port("c", "input", "H_cell N", "cell"),
        Port(
            "output", "output", "H_out L N", "direction", equals="output{flip}[:, :, {start}:{stop}].transpose(2, 0, 1)"
        ),
        Port("h", "output", "H_cell N", "cell", "return_state=true", "h_n[{k}].T"),
        Port("c", "output", "H_cell N", "cell", "return_state=true", "c_n[{k}].T"),
    ),
    h_n=("states[{k}][0].T", "states[{k}][0].T"),
    c_n=("states[{k}][1].T", "states[{k}][1].T"),
    states="states[k] is (h, c) of module k, with return_state=true; counted from 0",
    returns="the output of every step",
    lengths="",
    init="weights glorot_uniform, bias 0",
    evidence=Evidence("source", "Flux 3f2f828b5 (0.16.11)", "src/layers/recurrent.jl"),
    paths=OWN,
    bias="bias=false",
    batch="optional",
    stacking=MODULES,
    reversing=REVERSED,
    notes=(
        "up to 0.14 the bias is called b and holds 1 for the forget gate",
        "up to 0.14 initial states are parameters too, 2*H_cell more for each cell",
        "Julia stores by columns: readers of its files in Python may see the transpose",
    ),
)
