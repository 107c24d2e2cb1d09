"""Runtimes for devices: they read what other frameworks trained."""

from typing import Final

from lstmcalc.frameworks.entry import Evidence, Layout, Paths, Port, Stored

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
