"""Keras 3, 2 and 1, and the layers of CuDNN that Keras 2 had."""

from typing import Final

from lstmcalc.frameworks.entry import Evidence, Layout, Paths, Port, Stored

KERAS_WORDS: Final = ("forward", "backward")


_KERAS_PORTS: Final = (
    Port("input", "input", "N L H_in"),
    Port("h", "input", "N H_cell", "cell", "initial_state"),
    Port("c", "input", "N H_cell", "cell", "initial_state"),
    Port("output", "output", "N H_out", equals="h_n[-1]", only="uni"),
    Port("output", "output", "N D*H_out", equals="np.concatenate([h_n[-2], h_n[-1]], axis=-1)", only="bi"),
    Port("h", "output", "N H_cell", "cell", "return_state=True", "h_n[{k}]"),
    Port("c", "output", "N H_cell", "cell", "return_state=True", "c_n[{k}]"),
)


_BOTH_LAST: Final = "h_n[-2]", "h_n[-1]"


_BOTH_ALL: Final = "output[..., :{width}].swapaxes(0, 1)", "output[..., {width}:].swapaxes(0, 1)"


_MERGES: Final = {"sum": "{} + {}", "mul": "{} * {}", "ave": "({} + {}) / 2"}


def _merged_output(mode: str, parts: tuple[str, str]) -> str:
    """The expression for Bidirectional's output, from those of both directions."""
    before, between, after = _MERGES[mode].split("{}")
    return f"{before}{parts[0]}{between}{parts[1]}{after}"


_KERAS_CHOSEN: Final = (
    ("time_major=True", Port("input", "input", "L N H_in")),  # before Keras 3
    ("return_sequences=True", Port("output", "output", "N L H_out", equals="output.swapaxes(0, 1)", only="uni")),
    ("return_sequences=True", Port("output", "output", "N L D*H_out", equals="output.swapaxes(0, 1)", only="bi")),
    ("return_sequences=True time_major=True", Port("output", "output", "L N H_out", equals="output", only="uni")),
    ("return_sequences=True time_major=True", Port("output", "output", "L N D*H_out", equals="output", only="bi")),
    *(
        (f"merge_mode={mode}", Port("output", "output", "N H_out", equals=_merged_output(mode, _BOTH_LAST), only="bi"))
        for mode in _MERGES
    ),
    *(
        (
            f"merge_mode={mode} return_sequences=True",
            Port("output", "output", "N L H_out", equals=_merged_output(mode, _BOTH_ALL), only="bi"),
        )
        for mode in _MERGES
    ),
    ("merge_mode=None", Port("output", "output", "N H_out", "direction", equals="h_n[{k}]", only="bi")),
    (
        "merge_mode=None return_sequences=True",
        Port(
            "output", "output", "N L H_out", "direction", equals="output[..., {start}:{stop}].swapaxes(0, 1)", only="bi"
        ),
    ),
)


_KERAS_SEQUENCES: Final = (
    "return_sequences=True gives every step, (N, L, D*H_out), and every layer but the last needs it",
    "by default Bidirectional returns h_n[-2] beside h_n[-1], which is not output[:, -1]",
    "go_backwards=True returns its sequence in reversed time",
)


KERAS: Final = Layout(
    title="Keras 3",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "{path}/lstm_cell/kernel", "input (gate hidden)"),
        Stored("weight_hh", "{path}/lstm_cell/recurrent_kernel", "recurrent (gate hidden)"),
        Stored("bias", "{path}/lstm_cell/bias", "(gate hidden)"),
    ),
    ports=_KERAS_PORTS,
    chosen=_KERAS_CHOSEN,
    h_n=("states[{layer}][0]", "states[{layer}][{even}]"),
    c_n=("states[{layer}][1]", "states[{layer}][{odd}]"),
    states="states[l] is what layer l returns behind its output with return_state=True",
    returns="the output of the last step only (return_sequences=False), no states (return_state=False)",
    lengths="mask; behind a sequence its last output is repeated (0 with Bidirectional)",
    init="kernel glorot_uniform, recurrent_kernel orthogonal, bias 0 with 1 for the forget gate (stored)",
    evidence=Evidence("run", "keras 3.15.1", "keras/src/layers/rnn/lstm.py, bidirectional.py"),
    paths=Paths(
        "lstm{number}",
        "lstm{number}",
        "bidirectional{number}/{direction}_lstm{number}",
        "bidirectional{number}/{direction}_lstm{number}",
    ),
    directions=KERAS_WORDS,
    bias="use_bias=False",
    own="i f c o",
    # keras/src/layers/core/dense.py and embedding.py.
    head=(
        Stored("head_weight", "dense/kernel", "feature output"),
        Stored("head_bias", "dense/bias", "output"),
    ),
    embedding=(Stored("embedding", "embedding/embeddings", "word input"),),
    usage=_KERAS_SEQUENCES,
    notes=(
        "hard_sigmoid is clip(x/6 + 0.5) in Keras 3 and clip(0.2x + 0.5) in Keras 1 and 2",
        "in a model its name stands before the path, as in sequential/lstm/lstm_cell/kernel",
        "numbers count the layers of the process: the next LSTM is lstm_1",
        "files ending in .weights.h5 hold no names but vars/0, 1, 2: kernel, recurrent_kernel, bias",
    ),
)


KERAS2: Final = KERAS._replace(
    title="Keras 2 (tf_keras)",
    stored=tuple(item._replace(name=f"{item.name}:0") for item in KERAS.stored),
    head=tuple(item._replace(name=f"{item.name}:0") for item in KERAS.head),
    embedding=tuple(item._replace(name=f"{item.name}:0") for item in KERAS.embedding),
    evidence=Evidence("run", "tf_keras 2.21.0", "tf_keras/src/layers/rnn/lstm.py, bidirectional.py"),
    notes=(
        "standalone Keras before 2.3 and tf.compat.v1 default to hard_sigmoid, clip(0.2x + 0.5), for the gates",
        "numbers count the layers of the process: the next LSTM is lstm_1",
        "older files have lstm/kernel:0, without lstm_cell",
        "tf.keras is this up to TensorFlow 2.15, and Keras 3 from 2.16 on",
    ),
)


KERAS1: Final = KERAS._replace(
    title="Keras 1",
    gates="igfo",
    stored=(
        Stored("weight_ih", "{path}_W_{gate}", "input hidden", ("i", "c", "f", "o")),
        Stored("weight_hh", "{path}_U_{gate}", "recurrent hidden", ("i", "c", "f", "o")),
        Stored("bias", "{path}_b_{gate}", "hidden", ("i", "c", "f", "o")),
    ),
    ports=tuple(port for port in _KERAS_PORTS if port.when != "return_state=True"),
    states="states[l]: h, c of layer l, or h, c of both directions; kept by stateful layers only",
    returns="the output of the last step only (return_sequences=False)",
    lengths="mask; behind a sequence its last output is repeated",
    init="W glorot_uniform, U orthogonal, b 0 with 1 for the forget gate (stored)",
    evidence=Evidence(
        "converter", "tf_keras 2.21.0", "its conversion of Keras 1 weights, by their order; the names from keras 1.2.2"
    ),
    paths=Paths("lstm_{layer1}", "lstm_{layer1}", "{direction}_lstm_{layer1}", "{direction}_lstm_{layer1}"),
    head=(),
    embedding=(),
    bias="",
    gate_major=True,
    own="i c f o",
    notes=(
        "inner_activation defaults to hard_sigmoid, clip(0.2x + 0.5): with it the numbers are not those of PyTorch",
    ),
)


KERAS_CUDNN: Final = KERAS2._replace(
    title="Keras CuDNNLSTM",
    stored=(
        Stored("weight_ih", "{path}/kernel:0", "input (gate hidden)", raw=True),
        Stored("weight_hh", "{path}/recurrent_kernel:0", "recurrent (gate hidden)", raw=True),
        Stored("bias_ih bias_hh", "{path}/bias:0", "(bias gate hidden)"),
    ),
    evidence=Evidence(
        "converter", "tf_keras 2.21.0", "its conversion of CuDNNLSTM weights; the GPU kernel was not run"
    ),
    paths=Paths(
        "cu_dnnlstm{number}",
        "cu_dnnlstm{number}",
        "bidirectional{number}/{direction}_cu_dnnlstm{number}",
        "bidirectional{number}/{direction}_cu_dnnlstm{number}",
    ),
    lengths="",
    bias="",
    notes=(
        "kernels have the shapes of LSTM's, but each gate's block is the memory of a (H_cell, H_in) matrix",
        "told from LSTM by the bias of 8*H_cell",
    ),
)
