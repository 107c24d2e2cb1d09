"""How each framework names, orders and stores the same LSTM: a table of facts, and nothing else.

Names, shapes, counts (`layouts`), packing and unpacking (`weights`) and recipes (`recipes`) all follow from it, so that
adding a framework is adding an entry. Every entry says how it was checked, with which version, and where it is from.

The words are PyTorch's: i, f, g, o for the gates (g is the candidate, which others call c, z or j), `forward` and
`reverse` for the directions, `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh` and `weight_hr` for what is stored.
"""

from typing import Final, NamedTuple


class Stored(NamedTuple):
    """One kind of stored array.

    Attributes:
        holds: The parameter of PyTorch it holds: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, `weight_hr`, or
            `bias`, the sum of both biases; of the layers around `head_weight`, `head_bias` and `embedding`. Two of
            them, divided by a space, if it joins two.
        name: Its name; `{path}`, `{layer}`, `{direction}` and the other words of `layouts.NAME_WORDS` are filled in.
        axes: Its axes from the first to the last, divided by spaces; an axis that is made of several, the slowest
            first, is in brackets. They are `direction`, `gate`, `hidden` (H_cell), `input` (what the layer reads),
            `recurrent` (H_out), and 1; `bias` counts two joined biases, `input+recurrent` is two matrices end to end.
            Where `direction` or `gate` is not among them, each has an array, and a name, of its own. `direction` is
            first, on an axis or in one, and `hidden` follows `gate`. The layers around have `feature` (D*H_out),
            `output` (OUT) and `word` (VOCAB).
        words: What `{gate}` reads for each gate, in the order of the layout's gates, if each is an array of its own.
        raw: Whether each gate's block is the memory of PyTorch's `(H_cell, inputs)` matrix, declared as
            `(inputs, H_cell)`: a reshape converts it, and no transpose.
    """

    holds: str
    name: str
    axes: str
    words: tuple[str, ...] = ()
    raw: bool = False


class Port(NamedTuple):
    """What goes in or comes out by default.

    Attributes:
        name: What the framework calls it.
        role: `input` or `output`.
        axes: Its shape, in the letters of PyTorch's documentation, divided by spaces.
        each: What there is one for, if there are several: `cell` (each layer and direction), `layer`, `direction` (of
            the last layer), `sequence` or `step`.
        when: The option that makes it appear, if it does not by default.
        equals: What it is in NumPy, of PyTorch's `output` `(L, N, D*H_out)`, `h_n` and `c_n`, and the numbers L, N and
            D; empty if nothing simple. `interfaces.RELATION_WORDS` are filled in.
        only: Words that must hold: `uni` or `bi`, `one` or `many` (layers); empty if it is always there.
        dtype: Its dtype, if it is not that of the data.
    """

    name: str
    role: str
    axes: str
    each: str = ""
    when: str = ""
    equals: str = ""
    only: str = ""
    dtype: str = ""


class Paths(NamedTuple):
    """What `{path}` reads, for one layer and for several, in one direction and in both.

    Where several modules are put together by hand, their paths are `yours`; these stand for them.
    """

    one: str = ""
    many: str = ""
    both: str = ""
    many_both: str = ""
    yours: bool = False


class Evidence(NamedTuple):
    """How the facts were checked.

    Attributes:
        how: `run` if its results were compared with ours, `converter` if that was done with what its converter makes
            of the arrays, or of an LSTM, `source` if it was only read.
        version: What was run, or read.
        source: Where the facts stand.
    """

    how: str
    version: str
    source: str


class Layout(NamedTuple):
    """The facts of one framework.

    Attributes:
        title: What it is called.
        kind: `layer`, or `cell` if it computes one step and the loop is yours.
        gates: The order in which gates are stored.
        stored: What one layer stores, in order.
        projected: The layout with a projection, if that changes the other names too.
        ports: What goes in and comes out by default.
        h_n: What is h_n[k] of PyTorch there, for one direction and for both, in Python; `states` explains its names,
            `interfaces.RELATION_WORDS` are filled in.
        c_n: The same for c_n[k].
        states: What the words of `h_n` and `c_n` are.
        returns: What a call returns by default.
        lengths: How sequences of different lengths are given, and what is behind them; empty if there is no way.
        zeros: Whether it is zeros, as in PyTorch.
        init: The default initialisation.
        evidence: How all of this was checked.
        paths: What stands for `{path}` in the names.
        directions: What stands for `{direction}`, forward and reverse.
        bias: How biases are left out; empty if they cannot be.
        forget_offset: What is added to the forget gate at run time, and is not in the stored bias.
        gate_major: Whether all arrays of a gate come before the next gate's.
        batch: `always`, `optional` or `never`: whether data have a batch axis.
        own: The gates in the framework's own letters, if they are others.
        stacking: How several layers are put together, if the framework does not do it itself.
        reversing: How both directions are, if it does not do that itself.
        unmodelled: Arrays that may be stored too but that no LSTM of PyTorch has: a pattern of names, and what they
            are.
        head: What a dense output layer stores, where that was checked too; its module is called `head` where the name
            is yours.
        embedding: The same of an embedding, called `embedding`.
        chosen: What takes the place of a port of the same name and role when it is called with other options than the
            default, as `return_sequences=True`; of several options that are divided by a space all must be given, and
            the last that fits counts.
        usage: What is easily got wrong when it is called.
        notes: What is easily got wrong about its weights.
    """

    title: str
    kind: str
    gates: str
    stored: tuple[Stored, ...]
    ports: tuple[Port, ...]
    h_n: tuple[str, str]
    c_n: tuple[str, str]
    states: str
    returns: str
    lengths: str
    init: str
    evidence: Evidence
    projected: "Layout | None" = None
    zeros: bool = False
    paths: Paths = Paths()
    directions: tuple[str, str] = ("forward", "reverse")
    bias: str = ""
    forget_offset: float = 0.0
    gate_major: bool = False
    batch: str = "always"
    own: str = ""
    stacking: str = ""
    reversing: str = ""
    unmodelled: tuple[tuple[str, str], ...] = ()
    head: tuple[Stored, ...] = ()
    embedding: tuple[Stored, ...] = ()
    chosen: tuple[tuple[str, Port], ...] = ()
    usage: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


_OWN: Final = Paths("", "layers.{layer}.", "{direction}.", "layers.{layer}.{direction}.", yours=True)
_MODULES: Final = "one module each"
_REVERSED: Final = "two modules, the reverse one on the reversed sequence"

# What PyTorch, and those who follow it, store for each layer and direction.
_TORCH_STORED: Final = (
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
_TORCH_PORTS: Final = (
    Port("input", "input", "L N H_in"),
    Port("h_0", "input", "D*num_layers N H_out"),
    Port("c_0", "input", "D*num_layers N H_cell"),
    Port("output", "output", "L N D*H_out", equals="output"),
    Port("h_n", "output", "D*num_layers N H_out", equals="h_n"),
    Port("c_n", "output", "D*num_layers N H_cell", equals="c_n"),
)
_CELL_PORTS: Final = (
    Port("input", "input", "N H_in"),
    Port("h", "input", "N H_cell", "cell"),
    Port("c", "input", "N H_cell", "cell"),
    Port("h", "output", "N H_cell", "cell", equals="h_n[{k}]"),
    Port("c", "output", "N H_cell", "cell", equals="c_n[{k}]"),
)
_CELL_STATES: Final = "states[k] is (h, c), what cell k returned at its last step"
_UNIFORM: Final = "everything uniform from -1/sqrt(H_cell) to 1/sqrt(H_cell)"
_NO_TRICK: Final = f"{_UNIFORM}; forget biases are not set to 1"

# What others that are written like it start from: the layers around were checked in PyTorch alone.
_TORCH: Final = Layout(
    title="PyTorch LSTM",
    kind="layer",
    gates="ifgo",
    stored=(*_TORCH_STORED, Stored("weight_hr", "weight_hr_l{layer}{direction}", "recurrent hidden")),
    ports=_TORCH_PORTS,
    h_n=("h_n[{k}]", "h_n[{k}]"),
    c_n=("c_n[{k}]", "c_n[{k}]"),
    states="h_n, c_n as returned",
    returns="output of every step, (h_n, c_n)",
    lengths="pack_padded_sequence; behind a sequence the padded output is 0",
    zeros=True,
    init=_NO_TRICK,
    evidence=Evidence("run", "torch 2.13.0", "torch/nn/modules/rnn.py"),
    directions=("", "_reverse"),
    bias="bias=False",
    batch="optional",
    usage=("batch_first=True reorders input and output, never h and c",),
)

PYTORCH: Final = _TORCH._replace(head=_TORCH_HEAD, embedding=_TORCH_EMBEDDING)

PYTORCH_CELL: Final = Layout(
    title="PyTorch LSTMCell",
    kind="cell",
    gates="ifgo",
    stored=_TORCH_CELL,
    ports=_CELL_PORTS,
    h_n=("states[{k}][0]", "states[{k}][0]"),
    c_n=("states[{k}][1]", "states[{k}][1]"),
    states=_CELL_STATES,
    returns="(h, c) of one step",
    lengths="",
    init=_NO_TRICK,
    evidence=Evidence("run", "torch 2.13.0", "torch/nn/modules/rnn.py"),
    paths=_OWN,
    directions=("fw", "bw"),  # no module of PyTorch can be called forward
    bias="bias=False",
    batch="optional",
    stacking=_MODULES,
    reversing=_REVERSED,
    head=_TORCH_HEAD,
    embedding=_TORCH_EMBEDDING,
)

TINYGRAD: Final = PYTORCH_CELL._replace(
    title="tinygrad LSTMCell",
    init="weights uniform from -1/sqrt(H_cell) to 1/sqrt(H_cell), biases 0",
    evidence=Evidence("run", "tinygrad 0.14.0", "tinygrad/nn/__init__.py"),
    batch="always",
    head=(),
    embedding=(),
)

_KERAS_WORDS: Final = ("forward", "backward")
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


def _merged(mode: str, parts: tuple[str, str]) -> str:
    """What Bidirectional makes of both directions."""
    before, between, after = _MERGES[mode].split("{}")
    return f"{before}{parts[0]}{between}{parts[1]}{after}"


_KERAS_CHOSEN: Final = (
    ("time_major=True", Port("input", "input", "L N H_in")),  # before Keras 3
    ("return_sequences=True", Port("output", "output", "N L H_out", equals="output.swapaxes(0, 1)", only="uni")),
    ("return_sequences=True", Port("output", "output", "N L D*H_out", equals="output.swapaxes(0, 1)", only="bi")),
    ("return_sequences=True time_major=True", Port("output", "output", "L N H_out", equals="output", only="uni")),
    ("return_sequences=True time_major=True", Port("output", "output", "L N D*H_out", equals="output", only="bi")),
    *(
        (f"merge_mode={mode}", Port("output", "output", "N H_out", equals=_merged(mode, _BOTH_LAST), only="bi"))
        for mode in _MERGES
    ),
    *(
        (
            f"merge_mode={mode} return_sequences=True",
            Port("output", "output", "N L H_out", equals=_merged(mode, _BOTH_ALL), only="bi"),
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
    directions=_KERAS_WORDS,
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

TF1: Final = Layout(
    title="TensorFlow 1 LSTMCell",
    kind="layer",
    gates="igfo",
    stored=(
        Stored("weight_ih weight_hh", "{path}/lstm_cell/kernel:0", "input+recurrent (gate hidden)"),
        Stored("bias", "{path}/lstm_cell/bias:0", "(gate hidden)"),
        Stored("weight_hr", "{path}/lstm_cell/projection/kernel:0", "hidden recurrent"),
    ),
    ports=(
        Port("inputs", "input", "N L H_in"),
        Port("initial_state.c", "input", "N H_cell", "cell"),
        Port("initial_state.h", "input", "N H_out", "cell"),
        Port("outputs", "output", "N L H_out", equals="output.swapaxes(0, 1)", only="uni"),
        Port(
            "outputs",
            "output",
            "N L H_out",
            "direction",
            equals="output.swapaxes(0, 1)[:, :, {start}:{stop}]",
            only="bi one",
        ),
        Port("outputs", "output", "N L D*H_out", equals="output.swapaxes(0, 1)", only="bi many"),
        Port("state.c", "output", "N H_cell", "cell", equals="c_n[{k}]"),
        Port("state.h", "output", "N H_out", "cell", equals="h_n[{k}]"),
    ),
    h_n=("states[{k}].h", "states[{k}].h"),
    c_n=("states[{k}].c", "states[{k}].c"),
    states="states[k] is the LSTMStateTuple of cell k, c first",
    returns="outputs of every step, final state",
    lengths="sequence_length; behind a sequence outputs are 0",
    zeros=True,
    init="kernel glorot_uniform, bias 0; 1 is added to the forget gate at run time, not stored",
    evidence=Evidence("run", "tensorflow 2.21.0 with tf_keras 2.21.0", "tf_keras/src/layers/rnn/legacy_cells.py"),
    paths=Paths(
        "rnn",
        "rnn/multi_rnn_cell/cell_{layer}",
        "bidirectional_rnn/{direction}",
        "stack_bidirectional_rnn/cell_{layer}/bidirectional_rnn/{direction}",
    ),
    directions=("fw", "bw"),
    forget_offset=1.0,
    own="i j f o",
    unmodelled=(("*/w_[fio]_diag:0", "peepholes (use_peepholes=True)"), ("*/projection/bias:0", "a projection's bias")),
    notes=(
        "BasicLSTMCell stores the same under basic_lstm_cell, without a projection",
        "rows of the kernel: first the input's, then the recurrent ones",
        "in checkpoints the names do not end in :0; before TensorFlow 1.2 they end in weights and biases",
        "under cudnn_compatible_lstm_cell (tf.contrib's CudnnLSTM) nothing is added at run time",
    ),
    usage=("state tuples are (c, h)", "MultiRNNCell in bidirectional_dynamic_rnn stacks each direction by itself"),
)

_ONNX_PORTS: Final = (
    Port("X", "input", "L N H_in"),
    Port("initial_h", "input", "D N H_cell", "layer"),
    Port("initial_c", "input", "D N H_cell", "layer"),
    Port(
        "Y",
        "output",
        "L D N H_cell",
        equals="output.reshape(L, N, D, {width}).transpose(0, 2, 1, 3)",
    ),
    Port("Y_h", "output", "D N H_cell", "layer", equals="h_n[{first}:{last}]"),
    Port("Y_c", "output", "D N H_cell", "layer", equals="c_n[{first}:{last}]"),
)

ONNX: Final = Layout(
    title="ONNX LSTM",
    kind="layer",
    gates="iofg",
    stored=(
        Stored("weight_ih", "lstm{layer}.W", "direction (gate hidden) input"),
        Stored("weight_hh", "lstm{layer}.R", "direction (gate hidden) recurrent"),
        Stored("bias_ih bias_hh", "lstm{layer}.B", "direction (bias gate hidden)"),
    ),
    ports=_ONNX_PORTS,
    h_n=("Y_h[{layer}][{d}]", "Y_h[{layer}][{d}]"),
    c_n=("Y_c[{layer}][{d}]", "Y_c[{layer}][{d}]"),
    states="Y_h[l], Y_c[l] are outputs of the node of layer l",
    returns="Y, Y_h and Y_c, each optional",
    lengths="sequence_lens; behind a sequence Y is 0",
    zeros=True,
    init="none: the weights are inputs of the operator",
    evidence=Evidence("run", "onnx 1.23.2, onnxruntime 1.31.1", "the operator LSTM, opset 14 and 22"),
    bias="no B",
    own="i o f c",
    paths=Paths(yours=True),
    stacking="one node each, with a transpose and a reshape of Y in between",
    unmodelled=(("lstm*.P", "peepholes (the input P)"),),
    usage=(
        "the direction axis of Y stands before the batch axis",
        "ONNX Runtime refuses layout=1 (batch first) on the CPU",
        "onnx's ReferenceEvaluator ignores sequence_lens, activations, clip and input_forget",
    ),
    notes=("initializers of exported models are called anything",),
)

OPENVINO: Final = Layout(
    title="OpenVINO LSTMSequence",
    kind="layer",
    gates="figo",
    stored=(
        Stored("weight_ih", "lstm{layer}.W", "direction (gate hidden) input"),
        Stored("weight_hh", "lstm{layer}.R", "direction (gate hidden) recurrent"),
        Stored("bias", "lstm{layer}.B", "direction (gate hidden)"),
    ),
    ports=(
        Port("X", "input", "N L H_in"),
        Port("initial_hidden_state", "input", "N D H_cell", "layer"),
        Port("initial_cell_state", "input", "N D H_cell", "layer"),
        Port("sequence_lengths", "input", "N", dtype="int32"),
        Port(
            "Y",
            "output",
            "N D L H_cell",
            equals="output.reshape(L, N, D, {width}).transpose(1, 2, 0, 3)",
        ),
        Port("Ho", "output", "N D H_cell", "layer", equals="h_n[{first}:{last}].swapaxes(0, 1)"),
        Port("Co", "output", "N D H_cell", "layer", equals="c_n[{first}:{last}].swapaxes(0, 1)"),
    ),
    h_n=("Ho[{layer}][:, {d}]", "Ho[{layer}][:, {d}]"),
    c_n=("Co[{layer}][:, {d}]", "Co[{layer}][:, {d}]"),
    states="Ho[l], Co[l] are outputs of the operation of layer l",
    returns="Y, Ho and Co",
    lengths="sequence_lengths, a required input; behind a sequence Y is 0",
    zeros=True,
    init="none: the weights are inputs of the operation",
    evidence=Evidence("run", "openvino 2026.4.1", "LSTMSequence-5 of opset 5"),
    own="f i c o",
    paths=Paths(yours=True),
    stacking="one operation each",
    usage=(
        "the direction axis of Y stands before the axis of time",
        "the CPU may compute in bfloat16: INFERENCE_PRECISION_HINT=f32 prevents it",
    ),
    notes=("constants of converted models are called Constant_7 and the like",),
)

_FLAX_PORTS: Final = (
    Port("inputs", "input", "N L H_in"),
    Port("c", "input", "N H_cell", "cell", "initial_carry"),
    Port("h", "input", "N H_cell", "cell", "initial_carry"),
    Port("outputs", "output", "N L D*H_out", equals="output.swapaxes(0, 1)"),
    Port("c", "output", "N H_cell", "cell", "return_carry=True", "c_n[{k}]"),
    Port("h", "output", "N H_cell", "cell", "return_carry=True", "h_n[{k}]"),
)
_FLAX_WORDS: Final = ("i", "f", "g", "o")

FLAX_LINEN: Final = Layout(
    title="Flax Linen",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "params/{path}cell/i{gate}/kernel", "input hidden", _FLAX_WORDS),
        Stored("weight_hh", "params/{path}cell/h{gate}/kernel", "recurrent hidden", _FLAX_WORDS),
        Stored("bias", "params/{path}cell/h{gate}/bias", "hidden", _FLAX_WORDS),
    ),
    ports=_FLAX_PORTS,
    chosen=(
        ("time_major=True", Port("inputs", "input", "L N H_in")),
        ("time_major=True", Port("outputs", "output", "L N D*H_out", equals="output")),
    ),
    h_n=("carries[{k}][1]", "carries[{k}][1]"),
    c_n=("carries[{k}][0]", "carries[{k}][0]"),
    states="carries[k] is the carry (c, h) of cell k, with return_carry=True",
    returns="outputs of every step; no carry",
    lengths="seq_lengths; behind a sequence outputs go on, and are not 0",
    init="kernels lecun_normal, recurrent ones orthogonal, bias 0; forget biases are not set to 1",
    evidence=Evidence("run", "flax 0.12.8", "flax/linen/recurrent.py"),
    paths=Paths("", "layers_{layer}/", "{direction}_rnn/", "layers_{layer}/{direction}_rnn/"),
    directions=_KERAS_WORDS,
    stacking="nn.Sequential of nn.RNN, or of nn.Bidirectional, gives the paths shown",
    # flax/linen/linear.py.
    head=(
        Stored("head_weight", "params/head/kernel", "feature output"),
        Stored("head_bias", "params/head/bias", "output"),
    ),
    embedding=(Stored("embedding", "params/embedding/embedding", "word input"),),
    usage=(
        "carries are (c, h)",
        "reverse=True without keep_order=True leaves outputs in reversed time; Bidirectional puts them right",
    ),
    notes=(
        "nn.OptimizedLSTMCell stores the same arrays",
        "jax.tree.leaves lists them by name: hf, hg, hi, ho, if, ig, ii, io",
        "in a @nn.compact method cells are named LSTMCell_0, LSTMCell_1, ...",
    ),
)

FLAX_NNX: Final = FLAX_LINEN._replace(
    title="Flax NNX LSTMCell",
    stored=(
        # `if` is a keyword of Python, and no attribute can be called so.
        Stored("weight_ih", "{path}cell.i{gate}.kernel", "input hidden", ("i", "f_", "g", "o")),
        Stored("weight_hh", "{path}cell.h{gate}.kernel", "recurrent hidden", _FLAX_WORDS),
        Stored("bias", "{path}cell.h{gate}.bias", "hidden", _FLAX_WORDS),
    ),
    evidence=Evidence("run", "flax 0.12.8", "flax/nnx/nn/recurrent.py"),
    paths=Paths("", "layers.{layer}.", "{direction}_rnn.", "layers.{layer}.{direction}_rnn."),
    stacking="nnx.Sequential of nnx.RNN, or of nnx.Bidirectional, gives the paths shown",
    # flax/nnx/nn/linear.py.
    head=(
        Stored("head_weight", "head.kernel", "feature output"),
        Stored("head_bias", "head.bias", "output"),
    ),
    embedding=(Stored("embedding", "embedding.embedding", "word input"),),
    notes=(
        "the forget gate's input kernel is if_, with an underscore; in Linen it is if",
        "nnx.state lists random generators too: nnx.state(model, nnx.Param) only these",
    ),
)

FLAX_NNX_OPTIMIZED: Final = FLAX_NNX._replace(
    title="Flax NNX OptimizedLSTMCell",
    stored=(
        Stored("weight_ih", "{path}cell.dense_i.kernel", "input (gate hidden)"),
        Stored("weight_hh", "{path}cell.dense_h.kernel", "recurrent (gate hidden)"),
        Stored("bias", "{path}cell.dense_h.bias", "(gate hidden)"),
    ),
    notes=("its docstring calls it compatible with nnx.LSTMCell; the stored arrays are not: here gates are joined",),
)

HAIKU: Final = Layout(
    title="Haiku",
    kind="layer",
    gates="igfo",
    stored=(
        Stored("weight_ih weight_hh", "lstm{cell_number}/linear/w", "input+recurrent (gate hidden)"),
        Stored("bias", "lstm{cell_number}/linear/b", "(gate hidden)"),
    ),
    ports=(
        Port("inputs", "input", "L N H_in"),
        Port("state.hidden", "input", "N H_cell", "cell"),
        Port("state.cell", "input", "N H_cell", "cell"),
        Port("outputs", "output", "L N H_out", "direction", equals="output[:, :, {start}:{stop}]"),
        Port("state.hidden", "output", "N H_cell", "cell", equals="h_n[{k}]"),
        Port("state.cell", "output", "N H_cell", "cell", equals="c_n[{k}]"),
    ),
    h_n=("states[{k}].hidden", "states[{k}].hidden"),
    c_n=("states[{k}].cell", "states[{k}].cell"),
    states="states[k] is the LSTMState of module k",
    returns="outputs of every step, final state, from hk.dynamic_unroll",
    lengths="",
    init="w truncated normal with 1/sqrt(H_in + H_cell), b 0; 1 is added to the forget gate at run time, not stored",
    evidence=Evidence("run", "dm-haiku 0.0.17", "haiku/_src/recurrent.py"),
    forget_offset=1.0,
    own="i g f o",
    stacking="hk.DeepRNN",
    reversing="two modules, the reverse one with hk.dynamic_unroll(reverse=True)",
    notes=("parameters are nested: params['lstm/linear']['w']; modules are numbered in the order they are made",),
)

EQUINOX: Final = Layout(
    title="Equinox LSTMCell",
    kind="cell",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "{path}weight_ih", "(gate hidden) input"),
        Stored("weight_hh", "{path}weight_hh", "(gate hidden) recurrent"),
        Stored("bias", "{path}bias", "(gate hidden)"),
    ),
    ports=tuple(port._replace(axes=port.axes.removeprefix("N "), equals="") for port in _CELL_PORTS),
    h_n=PYTORCH_CELL.h_n,
    c_n=PYTORCH_CELL.c_n,
    states=_CELL_STATES,
    returns="(h, c) of one step",
    lengths="",
    init=_NO_TRICK,
    evidence=Evidence("run", "equinox 0.13.8", "equinox/nn/_rnn.py"),
    paths=_OWN,
    bias="use_bias=False",
    batch="never",
    stacking=_MODULES,
    reversing=_REVERSED,
    usage=("one step of one sequence: jax.lax.scan over steps, jax.vmap over the batch",),
    notes=("PyTorch's names, but one bias",),
)

MLX: Final = Layout(
    title="MLX",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "{path}Wx", "(gate hidden) input"),
        Stored("weight_hh", "{path}Wh", "(gate hidden) recurrent"),
        Stored("bias", "{path}bias", "(gate hidden)"),
    ),
    ports=(
        Port("x", "input", "N L H_in"),
        Port("hidden", "input", "N H_cell", "cell"),
        Port("cell", "input", "N H_cell", "cell"),
        Port(
            "hidden",
            "output",
            "N L H_cell",
            "direction",
            equals="output{flip}[:, :, {start}:{stop}].swapaxes(0, 1)",
        ),
        Port("cell", "output", "N L H_cell", "direction"),
    ),
    h_n=("hidden[{k}][..., -1, :]", "hidden[{k}][..., -1, :]"),
    c_n=("cell[{k}][..., -1, :]", "cell[{k}][..., -1, :]"),
    states="hidden[k], cell[k] are what module k returns; a reverse one has read the reversed sequence",
    returns="all hidden states and all cell states",
    lengths="",
    init=_NO_TRICK,
    evidence=Evidence("run", "mlx 0.32.4", "mlx/nn/layers/recurrent.py"),
    paths=_OWN,
    bias="bias=False",
    batch="optional",
    stacking=_MODULES,
    reversing=_REVERSED,
    usage=("the second result is the cell state of every step, not the final one",),
)

_BATCH_PORTS: Final = (
    _TORCH_PORTS[0]._replace(axes="N L H_in"),
    *_TORCH_PORTS[1:3],
    _TORCH_PORTS[3]._replace(axes="N L D*H_out", equals="output.swapaxes(0, 1)"),
    *_TORCH_PORTS[4:],
)

_PADDLE: Final = _TORCH._replace(
    title="PaddlePaddle",
    stored=_TORCH_STORED,
    ports=_BATCH_PORTS,
    h_n=("h[{k}]", "h[{k}]"),
    c_n=("c[{k}]", "c[{k}]"),
    states="(h, c) as returned",
    lengths="sequence_length; behind a sequence outputs are 0",
    zeros=True,
    init=_UNIFORM,
    evidence=Evidence("run", "paddlepaddle 3.3.1", "paddle/nn/layer/rnn.py"),
    bias="",
    batch="always",
    own="i f c o",
    usage=("time_major=True gives (L, N, ...); h and c stay as they are",),
    notes=(
        "its documentation gives weights (hidden_size, input_size); stored are (4*hidden_size, input_size)",
        "its formulas list the gates as i f o c; stored they are i f c o",
        "state_dict lists every array twice, also as 0.cell.weight_ih and so on: a naive count is twice the truth",
        "with proj_size weight_ih_l0_reverse is the projection, and so on: only the names with cell are right",
        "the projection is the transpose of PyTorch's",
        "bias_ih_attr=False, bias_hh_attr=False cannot be built, or end the process when it runs",
    ),
)

# With a projection only the names of the cells are right; without one everybody uses the others.
PADDLE: Final = _PADDLE._replace(
    projected=_PADDLE._replace(
        stored=(
            Stored("weight_ih", "{path}.weight_ih", "(gate hidden) input"),
            Stored("weight_hh", "{path}.weight_hh", "(gate hidden) recurrent"),
            Stored("bias_ih", "{path}.bias_ih", "(gate hidden)"),
            Stored("bias_hh", "{path}.bias_hh", "(gate hidden)"),
            Stored("weight_hr", "{path}.weight_ho", "hidden recurrent"),
        ),
        paths=Paths("{layer}.cell", "{layer}.cell", "{layer}.cell_{direction}", "{layer}.cell_{direction}"),
        directions=("fw", "bw"),
    )
)

MINDSPORE: Final = _TORCH._replace(
    title="MindSpore",
    stored=_TORCH_STORED,
    h_n=("h[{k}]", "h[{k}]"),
    c_n=("c[{k}]", "c[{k}]"),
    states="(h, c) as returned",
    lengths="seq_length; behind a sequence outputs are 0",
    zeros=True,
    init=_UNIFORM,
    evidence=Evidence("run", "mindspore 2.10.0", "mindspore/nn/layer/rnns.py"),
    bias="has_bias=False",
    batch="always",
    usage=("the option is has_bias, not bias", "2.10.0 is built for NumPy 1: both directions fail with NumPy 2"),
    notes=("parameters are listed by kind: all weight_ih, all weight_hh, all bias_ih, all bias_hh",),
)

MXNET: Final = _TORCH._replace(
    title="Apache MXNet Gluon",
    stored=(
        Stored("weight_ih", "lstm0_{direction}{layer}_i2h_weight", "(gate hidden) input"),
        Stored("weight_hh", "lstm0_{direction}{layer}_h2h_weight", "(gate hidden) recurrent"),
        Stored("bias_ih", "lstm0_{direction}{layer}_i2h_bias", "(gate hidden)"),
        Stored("bias_hh", "lstm0_{direction}{layer}_h2h_bias", "(gate hidden)"),
        Stored("weight_hr", "lstm0_{direction}{layer}_h2r_weight", "recurrent hidden"),
    ),
    h_n=("states[0][{k}]", "states[0][{k}]"),
    c_n=("states[1][{k}]", "states[1][{k}]"),
    states="states is [h, c], as returned when states are given",
    returns="output of every step; (output, [h, c]) when states are given",
    lengths="",
    init="weights uniform from -0.07 to 0.07, biases 0",
    evidence=Evidence("run", "mxnet 1.9.1", "mxnet/gluon/rnn/rnn_layer.py"),
    directions=("l", "r"),
    bias="",
    batch="always",
    own="i f c o",
    usage=(
        "layout='NTC' gives (N, L, ...); states stay as they are",
        "use_sequence_length=True is ignored on the CPU, without a word",
    ),
    notes=(
        "in the names l is left to right, r is right to left, and the digit behind it is the layer",
        "lstm0_ is a counter of the process: the next LSTM is lstm1_",
        "save_parameters writes _unfused.0.l_cell.i2h_weight and the like",
        "its documentation says that forget biases start at 1; a new layer has zeros",
    ),
)

CHAINER: Final = Layout(
    title="Chainer NStepLSTM",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "/{cell}/w{gate}", "hidden input", ("0", "1", "2", "3")),
        Stored("weight_hh", "/{cell}/w{gate}", "hidden recurrent", ("4", "5", "6", "7")),
        Stored("bias_ih", "/{cell}/b{gate}", "hidden", ("0", "1", "2", "3")),
        Stored("bias_hh", "/{cell}/b{gate}", "hidden", ("4", "5", "6", "7")),
    ),
    ports=(
        Port("hx", "input", "D*num_layers N H_cell"),
        Port("cx", "input", "D*num_layers N H_cell"),
        Port("xs", "input", "L H_in", "sequence"),
        Port("hy", "output", "D*num_layers N H_cell", equals="h_n"),
        Port("cy", "output", "D*num_layers N H_cell", equals="c_n"),
        Port("ys", "output", "L D*H_out", "sequence", equals="output[:, {n}]"),
    ),
    h_n=("hy[{k}]", "hy[{k}]"),
    c_n=("cy[{k}]", "cy[{k}]"),
    states="hy, cy as returned",
    returns="(hy, cy, ys): states first",
    lengths="a list of sequences, each as long as it is",
    init="weights normal with 1/sqrt(fan in), biases 0",
    evidence=Evidence("run", "chainer 7.8.1", "chainer/links/rnn/n_step_lstm.py"),
    notes=(
        "NStepBiLSTM for both directions; child links are numbered layer by layer, both directions of each",
        "links.LSTM is stored otherwise, its rows interleaved by unit: row 4*u + k, gates g i f o",
    ),
)

COREML: Final = Layout(
    title="Core ML (ML program)",
    kind="layer",
    gates="ifog",
    stored=(
        Stored("weight_ih", "{path}weight_ih{direction}", "(gate hidden) input"),
        Stored("weight_hh", "{path}weight_hh{direction}", "(gate hidden) recurrent"),
        Stored("bias", "{path}bias{direction}", "(gate hidden)"),
    ),
    ports=(
        Port("x", "input", "L N H_in"),
        Port("initial_h", "input", "N D*H_cell", "layer"),
        Port("initial_c", "input", "N D*H_cell", "layer"),
        Port("output", "output", "1 N H_out", equals="h_n[-1:]", only="uni"),
        Port("output", "output", "1 N D*H_out", equals="np.concatenate([h_n[-2:-1], h_n[-1:]], axis=-1)", only="bi"),
        Port("last_h", "output", "N D*H_cell", "layer", equals="np.concatenate(h_n[{first}:{last}], axis=-1)"),
        Port("last_c", "output", "N D*H_cell", "layer", equals="np.concatenate(c_n[{first}:{last}], axis=-1)"),
    ),
    h_n=("last_h[{layer}]", "last_h[{layer}][:, {start}:{stop}]"),
    c_n=("last_c[{layer}]", "last_c[{layer}][:, {start_c}:{stop_c}]"),
    states="last_h[l], last_c[l] are results of the operation of layer l",
    returns="the output of the last step only (output_sequence=False), and both states",
    lengths="",
    init="none: the weights are constants of the operation",
    evidence=Evidence("converter", "coremltools 9.0", "the operation lstm of iOS 13; predictions need macOS"),
    paths=Paths("", "lstm{layer}.", "", "lstm{layer}.", yours=True),
    directions=("", "_back"),
    bias="no bias",
    own="i f o z",
    stacking="one operation each",
    unmodelled=(("*peephole*", "peepholes"),),
    usage=(
        "output_sequence=True gives every step, (L, N, D*H_out)",
        "states of both directions stand side by side on the last axis",
    ),
    notes=("in the older NeuralNetwork format forgetBias=True adds 1 to the forget gate at run time",),
)

_TFLITE_WORDS: Final = ("input", "forget", "cell", "output")

TFLITE: Final = Layout(
    title="TensorFlow Lite",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "{path}input_to_{gate}_weights", "hidden input", _TFLITE_WORDS),
        Stored("weight_hh", "{path}recurrent_to_{gate}_weights", "hidden recurrent", _TFLITE_WORDS),
        Stored("bias", "{path}{gate}_gate_bias", "hidden", _TFLITE_WORDS),
        Stored("weight_hr", "{path}projection_weights", "recurrent hidden"),
    ),
    ports=(
        Port("input", "input", "N L H_in"),
        Port("activation_state", "input", "N H_out", "cell"),
        Port("cell_state", "input", "N H_cell", "cell"),
        Port("output", "output", "N L H_out", "direction", equals="output{flip}[:, :, {start}:{stop}].swapaxes(0, 1)"),
    ),
    h_n=("activation_state[{k}]", "activation_state[{k}]"),
    c_n=("cell_state[{k}]", "cell_state[{k}]"),
    states="activation_state[k], cell_state[k] are variable tensors of operation k, updated in place",
    returns="the output of every step",
    lengths="",
    init="none: a converted model brings its weights",
    evidence=Evidence("run", "tensorflow 2.21.0", "UNIDIRECTIONAL_SEQUENCE_LSTM, tensorflow/lite/kernels"),
    paths=_OWN,
    own="i f c o",
    stacking="one operation each",
    reversing="REVERSE_V2, a second operation, REVERSE_V2 again, CONCATENATION",
    unmodelled=(
        ("*cell_to_*_weights", "peepholes"),
        ("*projection_bias", "a projection's bias"),
        ("*layer_norm_coefficients", "layer normalisation"),
    ),
    usage=("the converter makes it of a Keras LSTM without states, of a fixed length and batch",),
    notes=(
        "in a file tensors are called arith.constant7 and the like: only their place among the 24 inputs tells them",
        "inputs 1-4 are input weights, 5-8 recurrent ones, 12-15 biases, each i f c o; 16 is the projection",
        "without the four tensors of the input gate it is coupled to the forget gate",
    ),
)

NCNN: Final = Layout(
    title="ncnn",
    kind="layer",
    gates="ifog",
    stored=(
        Stored("weight_ih", "{path}weight_xc_data", "direction (gate hidden) input"),
        Stored("bias", "{path}bias_c_data", "direction (gate hidden)"),
        Stored("weight_hh", "{path}weight_hc_data", "direction (gate hidden) recurrent"),
        Stored("weight_hr", "{path}weight_hr_data", "direction recurrent hidden"),
    ),
    ports=(
        Port("input", "input", "L H_in"),
        Port("hidden", "input", "D H_out", "layer"),
        Port("cell", "input", "D H_cell", "layer"),
        Port("output", "output", "L D*H_out", equals="output[:, 0]"),
        Port("hidden", "output", "D H_out", "layer", "three declared outputs", "h_n[{first}:{last}, 0]"),
        Port("cell", "output", "D H_cell", "layer", "three declared outputs", "c_n[{first}:{last}, 0]"),
    ),
    h_n=("hidden[{layer}][{d}]", "hidden[{layer}][{d}]"),
    c_n=("cell[{layer}][{d}]", "cell[{layer}][{d}]"),
    states="hidden[l], cell[l] are optional blobs of layer l",
    returns="the output of every step",
    lengths="",
    init="none: a converted model brings its weights",
    evidence=Evidence("run", "ncnn 1.0.20261020", "src/layer/lstm.cpp"),
    paths=Paths("", "lstm{layer}.", "", "lstm{layer}.", yours=True),
    batch="never",
    stacking="one layer each",
    notes=("a .bin file has no names: weight_xc, bias_c, weight_hc, then weight_hr, each behind a tag of 4 bytes",),
)

CUDNN: Final = Layout(
    title="cuDNN",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "pseudoLayer{cell}/linLayer{gate}/matrix", "hidden input", ("0", "1", "2", "3")),
        Stored("weight_hh", "pseudoLayer{cell}/linLayer{gate}/matrix", "hidden recurrent", ("4", "5", "6", "7")),
        Stored("bias_ih", "pseudoLayer{cell}/linLayer{gate}/bias", "hidden", ("0", "1", "2", "3")),
        Stored("bias_hh", "pseudoLayer{cell}/linLayer{gate}/bias", "hidden", ("4", "5", "6", "7")),
        Stored("weight_hr", "pseudoLayer{cell}/linLayer8/matrix", "recurrent hidden"),
    ),
    ports=(
        Port("x", "input", "L N H_in"),
        Port("hx", "input", "D*num_layers N H_out"),
        Port("cx", "input", "D*num_layers N H_cell"),
        Port("y", "output", "L N D*H_out", equals="output"),
        Port("hy", "output", "D*num_layers N H_out", equals="h_n"),
        Port("cy", "output", "D*num_layers N H_cell", equals="c_n"),
    ),
    h_n=("hy[{k}]", "hy[{k}]"),
    c_n=("cy[{k}]", "cy[{k}]"),
    states="hy, cy as written",
    returns="y of every step, hy and cy",
    lengths="seqLengthArray; behind a sequence y is filled with paddingFill",
    init="none: the weight space is yours to fill",
    evidence=Evidence(
        "source",
        "torch 2.13.0",
        "PyTorch's aten/src/ATen/native/cudnn/RNN.cpp; tf_keras gpu_lstm: 'CuDNN/Canonical: [i, f, c, o]'",
    ),
    bias="CUDNN_RNN_NO_BIAS",
    own="i f c o",
    notes=("one opaque buffer, all matrices before all biases: cudnnGetRNNWeightParams finds each by its linLayerID",),
)

ONEDNN: Final = Layout(
    title="oneDNN",
    kind="layer",
    gates="ifgo",
    stored=(
        Stored("weight_ih", "{path}weights_layer", "1 direction input gate hidden"),
        Stored("weight_hh", "{path}weights_iter", "1 direction recurrent gate hidden"),
        Stored("bias", "{path}bias", "1 direction gate hidden"),
        Stored("weight_hr", "{path}weights_projection", "1 direction hidden recurrent"),
    ),
    ports=(
        Port("src_layer", "input", "L N H_in"),
        Port("src_iter", "input", "1 D N H_out", "layer"),
        Port("src_iter_c", "input", "1 D N H_cell", "layer"),
        Port("dst_layer", "output", "L N D*H_out", equals="output"),
        Port("dst_iter", "output", "1 D N H_out", "layer", equals="h_n[{first}:{last}][None]"),
        Port("dst_iter_c", "output", "1 D N H_cell", "layer", equals="c_n[{first}:{last}][None]"),
    ),
    h_n=("dst_iter[{layer}][0, {d}]", "dst_iter[{layer}][0, {d}]"),
    c_n=("dst_iter_c[{layer}][0, {d}]", "dst_iter_c[{layer}][0, {d}]"),
    states="dst_iter[l], dst_iter_c[l] are written by the primitive of layer l",
    returns="dst_layer of every step, dst_iter and dst_iter_c",
    lengths="",
    init="none: the weights are memory of yours",
    evidence=Evidence("source", "oneDNN 3f27bec21f", "doc/functional_api/primitives/rnn.md (ldigo, ldgo, ldio)"),
    paths=Paths("", "layer{layer}.", "", "layer{layer}.", yours=True),
    bias="no bias",
    own="i f c o",
    stacking="one primitive each",
    unmodelled=(("*weights_peephole", "peepholes"),),
    usage=("bidirectional_concat over several layers joins the directions only at the end, unlike PyTorch",),
)

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
    stored=_TORCH_STORED,
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
    reversing=_REVERSED,
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
    paths=_OWN,
    bias="bias = false",
    gate_major=True,
    own="i f o c",
    stacking=_MODULES,
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
    paths=_OWN,
    bias="bias=false",
    batch="optional",
    stacking=_MODULES,
    reversing=_REVERSED,
    notes=(
        "up to 0.14 the bias is called b and holds 1 for the forget gate",
        "up to 0.14 initial states are parameters too, 2*H_cell more for each cell",
        "Julia stores by columns: readers of its files in Python may see the transpose",
    ),
)

D2L: Final = Layout(
    title="Dive into Deep Learning",
    kind="layer",
    gates="ifog",
    stored=(
        Stored("weight_ih", "{path}W_x{gate}", "input hidden", ("i", "f", "o", "c")),
        Stored("weight_hh", "{path}W_h{gate}", "recurrent hidden", ("i", "f", "o", "c")),
        Stored("bias", "{path}b_{gate}", "hidden", ("i", "f", "o", "c")),
    ),
    ports=(
        Port("inputs", "input", "L N H_in"),
        Port("H", "input", "N H_cell", "cell"),
        Port("C", "input", "N H_cell", "cell"),
        Port("outputs", "output", "N H_out", "step", equals="output[{t}]", only="uni"),
        Port("outputs", "output", "N D*H_out", "step", equals="output[{t}]", only="bi"),
        Port("H", "output", "N H_cell", "cell", equals="h_n[{k}]"),
        Port("C", "output", "N H_cell", "cell", equals="c_n[{k}]"),
    ),
    h_n=("states[{k}][0]", "states[{k}][0]"),
    c_n=("states[{k}][1]", "states[{k}][1]"),
    states="states[k] is (H, C) of module k",
    returns="a list with the output of every step, (H, C)",
    lengths="",
    init="weights normal with 0.01, biases 0",
    evidence=Evidence("source", "d2l-en 23d7a5ae", "chapter_recurrent-modern/lstm.md, bi-rnn.md, deep-rnn.md"),
    paths=Paths("", "rnns.{layer}.", "{direction}_rnn.", "rnns.{layer}.{direction}_rnn."),
    directions=("f", "b"),
    gate_major=True,
    own="i f o c",
    stacking="as the book's StackedRNNScratch",
    reversing="as the book's BiRNNScratch",
    head=(Stored("head_weight", "W_hq", "feature output"), Stored("head_bias", "b_q", "output")),
    notes=("the output layer of its language model adds W_hq (H_out, outputs) and b_q (outputs,)",),
)

LAYOUTS: Final = {
    "pytorch": PYTORCH,
    "pytorch-cell": PYTORCH_CELL,
    "keras": KERAS,
    "keras2": KERAS2,
    "keras1": KERAS1,
    "keras-cudnn": KERAS_CUDNN,
    "tf1": TF1,
    "onnx": ONNX,
    "flax-linen": FLAX_LINEN,
    "flax-nnx": FLAX_NNX,
    "flax-nnx-optimized": FLAX_NNX_OPTIMIZED,
    "haiku": HAIKU,
    "equinox": EQUINOX,
    "mlx": MLX,
    "tinygrad": TINYGRAD,
    "openvino": OPENVINO,
    "paddle": PADDLE,
    "mindspore": MINDSPORE,
    "mxnet": MXNET,
    "chainer": CHAINER,
    "coreml": COREML,
    "tflite": TFLITE,
    "ncnn": NCNN,
    "cudnn": CUDNN,
    "onednn": ONEDNN,
    "matlab": MATLAB,
    "candle": CANDLE,
    "burn": BURN,
    "flux": FLUX,
    "d2l": D2L,
}
ALIASES: Final = {"torch": "pytorch", "tf": "keras2"}
