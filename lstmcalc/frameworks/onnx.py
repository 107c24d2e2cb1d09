"""ONNX's operator LSTM, and OpenVINO's."""

from typing import Final

from lstmcalc.frameworks.entry import Evidence, Layout, Paths, Port, Stored

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
