"""The libraries of JAX: Flax, Haiku and Equinox."""

from typing import Final

from lstmcalc.frameworks.entry import MODULES, OWN, REVERSED, Evidence, Layout, Paths, Port, Stored
from lstmcalc.frameworks.keras import KERAS_WORDS
from lstmcalc.frameworks.pytorch import CELL_PORTS, CELL_STATES, NO_TRICK, PYTORCH_CELL

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
    directions=KERAS_WORDS,
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
    ports=tuple(port._replace(axes=port.axes.removeprefix("N "), equals="") for port in CELL_PORTS),
    h_n=PYTORCH_CELL.h_n,
    c_n=PYTORCH_CELL.c_n,
    states=CELL_STATES,
    returns="(h, c) of one step",
    lengths="",
    init=NO_TRICK,
    evidence=Evidence("run", "equinox 0.13.8", "equinox/nn/_rnn.py"),
    paths=OWN,
    bias="use_bias=False",
    batch="never",
    stacking=MODULES,
    reversing=REVERSED,
    usage=("one step of one sequence: jax.lax.scan over steps, jax.vmap over the batch",),
    notes=("PyTorch's names, but one bias",),
)
