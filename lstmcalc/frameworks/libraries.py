"""Further libraries of Python, most of them modelled on PyTorch."""

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
