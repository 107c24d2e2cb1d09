"""Further libraries: those modelled on PyTorch, runtimes for devices, and other languages."""

from typing import Final

from lstmcalc.frameworks.entry import MODULES, OWN, REVERSED, UNIFORM, Evidence, Layout, Paths, Port, Stored
from lstmcalc.frameworks.pytorch import NO_TRICK, PYTORCH_CELL, TORCH, TORCH_PORTS, TORCH_STORED

TINYGRAD: Final = PYTORCH_CELL._replace(
    title="tinygrad LSTMCell",
    init="weights uniform from -1/sqrt(H_cell) to 1/sqrt(H_cell), biases 0",
    evidence=Evidence("run", "tinygrad 0.14.0", "tinygrad/nn/__init__.py"),
    batch="always",
    head=(),
    embedding=(),
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
    init=NO_TRICK,
    evidence=Evidence("run", "mlx 0.32.4", "mlx/nn/layers/recurrent.py"),
    paths=OWN,
    bias="bias=False",
    batch="optional",
    stacking=MODULES,
    reversing=REVERSED,
    usage=("the second result is the cell state of every step, not the final one",),
)


_BATCH_PORTS: Final = (
    TORCH_PORTS[0]._replace(axes="N L H_in"),
    *TORCH_PORTS[1:3],
    TORCH_PORTS[3]._replace(axes="N L D*H_out", equals="output.swapaxes(0, 1)"),
    *TORCH_PORTS[4:],
)


_PADDLE: Final = TORCH._replace(
    title="PaddlePaddle",
    stored=TORCH_STORED,
    ports=_BATCH_PORTS,
    h_n=("h[{k}]", "h[{k}]"),
    c_n=("c[{k}]", "c[{k}]"),
    states="(h, c) as returned",
    lengths="sequence_length; behind a sequence outputs are 0",
    zeros=True,
    init=UNIFORM,
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


MINDSPORE: Final = TORCH._replace(
    title="MindSpore",
    stored=TORCH_STORED,
    h_n=("h[{k}]", "h[{k}]"),
    c_n=("c[{k}]", "c[{k}]"),
    states="(h, c) as returned",
    lengths="seq_length; behind a sequence outputs are 0",
    zeros=True,
    init=UNIFORM,
    evidence=Evidence("run", "mindspore 2.10.0", "mindspore/nn/layer/rnns.py"),
    bias="has_bias=False",
    batch="always",
    usage=("the option is has_bias, not bias", "2.10.0 is built for NumPy 1: both directions fail with NumPy 2"),
    notes=("parameters are listed by kind: all weight_ih, all weight_hh, all bias_ih, all bias_hh",),
)


MXNET: Final = TORCH._replace(
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
    head_ports=(  # rnn-scratch.md (output_layer: d2l.stack(outputs, 1)); of edition 0.17, lstm.md: torch.cat(outputs)
        Port("logits", "output", "N L OUT", only="all"),
        Port("outputs", "output", "L*N OUT", when="the function lstm of edition 0.17, which has the head in it"),
    ),
    notes=("the output layer of its language model adds W_hq (H_out, outputs) and b_q (outputs,)",),
)
