"""TensorFlow 1 and TensorFlow Lite."""

from typing import Final

from lstmcalc.frameworks.entry import OWN, Evidence, Layout, Paths, Port, Stored

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
    paths=OWN,
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
