"""Random programs with LSTMs of Paddle, MLX, Equinox, tinygrad, Chainer, Gluon, Haiku and TensorFlow 1."""

from collections.abc import Callable
from typing import Final, NamedTuple

from tools.programs.grammar import Generator, Lines, Scope, indented
from tools.programs.torch_programs import IMPORTED

Flow = Callable[[Generator, Scope], Lines]


class Library(NamedTuple):
    """The ways in which programs of a library construct LSTMs."""

    header: Lines
    lstm: Callable[[Generator, Scope], str]  # a call that makes one, of a size that it states
    base: str  # of a module
    opened: str = ""  # the line within which a module gets its parts
    holders: tuple[str, ...] = ("[{}]",)  # of several parts
    annotated: bool = False  # its attributes are declared in the class
    flow: Flow | None = None  # lines that give LSTMs their input size by what flows into them


def size(g: Generator, s: Scope) -> str:
    """A size that is small."""
    if g.chance(0.4):
        return g.number()
    return f"abs({g.integer(s, 1)}) % 12 + 1"


def sizes(g: Generator, s: Scope, first: str, second: str) -> str:
    """Two sizes, however they are given."""
    one, other = size(g, s), size(g, s)
    return g.pick(
        f"{one}, {other}", f"{one}, {other}", f"{one}, {second}={other}", f"{first}={one}, {second}={other}",
        f"{second}={other}, {first}={one}", f"**{{'{first}': {one}, '{second}': {other}}}", f"*({one}, {other})",
    )  # fmt: skip


# --- constructors


def paddle(g: Generator, s: Scope) -> str:
    given = sizes(g, s, "input_size", "hidden_size")
    if g.chance(0.25):
        cell = f"nn.LSTMCell({given})"
        return g.pick(
            cell, cell, f"nn.RNN({cell})", f"nn.BiRNN({cell}, nn.LSTMCell({size(g, s)}, 5))" if g.chance(0.2) else cell
        )
    more = g.pick(
        "", "", ", num_layers=2", f", num_layers={g.integer(s, 0)} % 3 + 1", ", direction='bidirect'", ", dropout=0.1",
        f", direction='bidirectional' if {g.test(s)} else 'forward'", ", time_major=True", ", direction='forward'",
    )  # fmt: skip
    name = g.pick("nn.LSTM", "nn.LSTM", "getattr(nn, 'LSTM')", "{'lstm': nn.LSTM, 'gru': nn.GRU}['lstm']")
    if g.chance(0.15):
        return f"nn.LSTM({size(g, s)}, 20, proj_size={g.number()}{more})"
    return f"{name}({given}{more})"


def mlx(g: Generator, s: Scope) -> str:
    more = g.pick("", "", "", ", bias=False", f", bias=bool({g.known(s)})")
    return f"{g.pick('nn.LSTM', 'nn.LSTM', 'Recurrent')}({sizes(g, s, 'input_size', 'hidden_size')}{more})"


def equinox(g: Generator, s: Scope) -> str:
    more = g.pick("", "", "", ", use_bias=False", f", use_bias={g.known(s)} == 1")
    return f"eqx.nn.LSTMCell({sizes(g, s, 'input_size', 'hidden_size')}{more}, key=key)"


def tinygrad(g: Generator, s: Scope) -> str:
    more = g.pick("", "", "", ", bias=False", f", bias=bool({g.known(s)})")
    return f"{g.pick('LSTMCell', 'nn.LSTMCell')}({sizes(g, s, 'input_size', 'hidden_size')}{more})"


def chainer(g: Generator, s: Scope) -> str:
    kind = g.rng.randrange(6)
    if kind == 0:
        return f"L.{g.pick('NStepLSTM', 'NStepBiLSTM')}({g.pick('1', '2')}, {sizes(g, s, 'in_size', 'out_size')}, dropout=0.1)"
    if kind == 1:
        return f"L.NStepLSTM({g.pick('1', '2')}, {size(g, s)}, {size(g, s)}, 0.0)"
    return f"L.{g.pick('LSTM', 'LSTM', 'StatelessLSTM')}({sizes(g, s, 'in_size', 'out_size')})"


def gluon(g: Generator, s: Scope) -> str:
    first, second = size(g, s), size(g, s)
    if g.chance(0.25):
        return f"rnn.LSTMCell({first}, input_size={second})"
    more = g.pick(
        "", "", ", num_layers=2", ", bidirectional=True", f", bidirectional=bool({g.known(s)})", ", layout='NTC'", ", dropout=0.1"
    )  # fmt: skip
    given = g.pick(
        f"{first}, input_size={second}{more}", f"hidden_size={first}, input_size={second}{more}", f"{first}, {g.pick('1', '2')}, input_size={second}",
        f"**{{'hidden_size': {first}, 'input_size': {second}}}{more}", f"{first}, 1, 'TNC', 0, False, {second}",
    )  # fmt: skip
    return f"rnn.LSTM({given})"


# --- what flows


def cell_of_tensorflow(g: Generator, s: Scope, depth: int = 1) -> str:
    n = size(g, s)
    kind = g.rng.randrange(9)
    if kind == 0 and depth:
        return f"rnn_cell.MultiRNNCell([{cell_of_tensorflow(g, s, 0)}, {cell_of_tensorflow(g, s, 0)}])"
    if kind == 1 and depth:
        return f"rnn_cell.MultiRNNCell([{cell_of_tensorflow(g, s, 0)} for i in range({g.pick('1', '2', '3')})])"
    if kind == 2 and depth:
        return f"rnn_cell.DropoutWrapper({cell_of_tensorflow(g, s, 0)}, output_keep_prob=0.5)"
    if kind == 3:
        return f"rnn_cell.GRUCell({n})"
    if kind == 4:
        return f"rnn_cell.LSTMCell({n}, num_proj={size(g, s)})"
    if kind == 5:
        return f"rnn_cell.LSTMCell(num_units={n}, forget_bias=0.5, state_is_tuple=True)"
    return f"rnn_cell.{g.pick('LSTMCell', 'BasicLSTMCell')}({n})"


def tensorflow1(g: Generator, s: Scope) -> Lines:
    """Cells that are run over a sequence, one after the other."""
    length = g.pick("2", "3")
    lines = [f"x = tf.placeholder(tf.float32, {g.pick('[None, {}, {}]', '(4, {}, {})').format(length, size(g, s))})"]
    if g.chance(0.2):
        lines = [
            f"table = tf.Variable(tf.zeros([50, {size(g, s)}]))",
            f"ids = tf.placeholder(tf.int32, [None, {length}])",
            "x = tf.nn.embedding_lookup(table, ids)",
        ]
    for _ in range(g.rng.randint(1, 3)):
        g.names += 1
        scope, cell = f"scope='s{g.names}'", cell_of_tensorflow(g, s)
        kind = g.rng.randrange(9)
        if kind == 0:
            lines += [
                f"(a, b), _ = tf.nn.bidirectional_dynamic_rnn({cell}, {cell_of_tensorflow(g, s)}, x, dtype=tf.float32, {scope})",
                g.pick("x = tf.concat([a, b], 2)", "x = tf.concat([a, b], axis=-1)", "x = a"),
            ]
        elif kind == 1:
            lines += [
                f"outputs, _ = tf.nn.static_rnn({cell}, tf.unstack(x, {length}, 1), dtype=tf.float32, {scope})",
                g.pick("x = tf.stack(outputs, 1)", "x = tf.transpose(tf.stack(outputs), [1, 0, 2])"),
            ]
            lines += [f"x = tf.reshape(x, [-1, {length}, x.shape[2]])"] if g.chance(0.3) else []
        elif kind == 2:
            lines += [
                "cells = []",
                f"for n in ({size(g, s)}, {size(g, s)}):",
                f"    cells.append(rnn_cell.{g.pick('LSTMCell', 'BasicLSTMCell')}(n))",
                f"x, _ = tf.nn.dynamic_rnn(rnn_cell.MultiRNNCell(cells), x, dtype=tf.float32, {scope})",
            ]
        elif kind == 3:
            name = g.fresh(s, "make")
            lines += [
                f"def {name}(n={size(g, s)}):",
                f"    return rnn_cell.LSTMCell({g.integer(s.body('n'), 1)} % 9 + 1)",
            ]
            lines += [
                f"cell = {name}({g.pick('', size(g, s))})",
                f"x, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, {scope})",
            ]
        elif kind == 4:
            lines += [
                f"if {g.test(s)}:",
                f"    cell = {cell}",
                "else:",
                f"    cell = {cell_of_tensorflow(g, s)}",
                f"x, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, {scope})",
            ]
        elif kind == 5:
            lines += [f"x = tf.layers.dense(x, {size(g, s)}, name='d{g.names}')"] if g.chance(0.0) else ["x = x * 2"]
            lines += [f"x, _ = tf.nn.dynamic_rnn({cell}, x, dtype=tf.float32, {scope})"]
        else:
            lines += [
                f"cell = {cell}",
                f"{g.pick('x, _', 'x, state')} = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, {scope})",
            ]
        lines += g.statement(s) if g.chance(0.2) else []
    return lines


def haiku(g: Generator, s: Scope) -> Lines:
    """A function of modules, which is transformed."""
    inner = s.body("x")
    inner.reads = [text for text in inner.reads if text != "x"]
    inner.writes = [text for text in inner.writes if text != "x"]
    body: Lines = []
    for _ in range(g.rng.randint(1, 3)):
        first, second = f"hk.LSTM({size(g, inner)})", g.pick(f"hk.LSTM({size(g, inner)})", f"hk.GRU({size(g, inner)})")
        core = g.pick(
            first, first, f"hk.LSTM(hidden_size={size(g, inner)})", f"hk.DeepRNN([{first}, {second}])", f"hk.DeepRNN([{first}, jax.nn.relu, {second}])",
            f"hk.DeepRNN([hk.LSTM(n) for n in ({size(g, inner)}, {size(g, inner)})])", f"hk.deep_rnn_with_skip_connections([{first}, {second}])", second,
        )  # fmt: skip
        kind = g.rng.randrange(5)
        if kind == 0:
            body += [f"x = hk.Linear({size(g, inner)})(x)"]
        if kind == 1:
            body += [
                f"core = {core}",
                "y, state = core(x[0], core.initial_state(2))",
                "x = jnp.concatenate([x, x], -1)" if g.chance(0.4) else "pass",
            ]
            continue
        body += [
            f"core = {core}",
            f"x, state = hk.{g.pick('dynamic_unroll', 'static_unroll')}(core, x, core.initial_state(2))",
        ]
    name = g.fresh(s, "forward")
    call = f".init(jax.random.PRNGKey(0), jnp.{g.pick('zeros', 'ones')}((2, 2, {size(g, s)})))"
    if g.chance(0.3):
        lines = ["class Net(hk.Module):", "    def __call__(self, x):", *indented(indented([*body, "return x"]))]
        return [*lines, f"{name} = hk.transform(lambda x: Net()(x))", f"params = {name}{call}"]
    made = g.pick(f"{name} = hk.transform({name})", f"{name} = hk.without_apply_rng(hk.transform({name}))")
    return [f"def {name}(x):", *indented([*body, "return x"]), made, f"params = {name}{call}"]


def gluon_flow(g: Generator, s: Scope) -> Lines:
    """Layers that take their input size from what they are given."""
    lines = [f"x = mx.nd.{g.pick('zeros', 'ones')}((3, 2, {size(g, s)}))", "net = gluon.nn.Sequential()"]
    lines += ["with net.name_scope():", "    pass"] if g.chance(0.3) else []
    for _ in range(g.rng.randint(1, 4)):
        more = g.pick("", "", ", 2", ", bidirectional=True", ", layout='NTC'")
        lines += [
            g.pick(
                f"net.add(rnn.LSTM({size(g, s)}{more}))", f"net.add(rnn.LSTM({size(g, s)}{more}))", f"net.add(gluon.nn.Dense({size(g, s)}, flatten=False))",
                "net.add(gluon.nn.Dropout(0.1))", f"for n in (3, {size(g, s)}): net.add(rnn.LSTM(n))", f"net.add(rnn.GRU({size(g, s)}, input_size={size(g, s)}))" if g.chance(0.2) else "pass",
            )
        ]  # fmt: skip
    lines += ["net.initialize()", g.pick("y = net(x)", "net(x)")]
    if g.chance(0.5):
        lines += ["stack = rnn.SequentialRNNCell()"]
        lines += [f"stack.add(rnn.LSTMCell({size(g, s)}))" for _ in range(g.rng.randint(1, 2))]
        lines += (
            [f"stack.add(rnn.BidirectionalCell(rnn.LSTMCell({size(g, s)}), rnn.LSTMCell(4)))"] if g.chance(0.4) else []
        )
        lines += [
            "stack.initialize()",
            f"y, states = stack.unroll(2, mx.nd.zeros((3, 2, {size(g, s)})), merge_outputs={g.pick('True', 'False')})",
        ]
    return lines


def chainer_flow(g: Generator, s: Scope) -> Lines:
    """Links that take their input size from what they are given."""
    first = g.pick(
        f"L.LSTM(None, {size(g, s)})", f"L.LSTM({size(g, s)})", f"L.LSTM(in_size=None, out_size={size(g, s)})"
    )
    lines = [f"x = np.zeros((2, {size(g, s)}), np.float32)", f"first = {first}", "y = first(x)"]
    lines += [f"y = L.Linear(None, {size(g, s)})(y)"] if g.chance(0.4) else []
    lines += (
        [f"second = L.LSTM({size(g, s)})", g.pick("second(y)", "second(first(x))", "pass")] if g.chance(0.6) else []
    )
    return lines


LIBRARIES: Final = {
    "paddle": Library(["import paddle", "import paddle.nn as nn"], paddle, "nn.Layer", holders=("[{}]", "nn.LayerList([{}])", "nn.Sequential({})")),
    "mlx": Library(["import mlx.nn as nn", "from mlx.nn import LSTM as Recurrent"], mlx, "nn.Module", holders=("[{}]", "nn.Sequential({})")),
    "equinox": Library(["import equinox as eqx", "import jax", "key = jax.random.PRNGKey(0)"], equinox, "eqx.Module", annotated=True),
    "tinygrad": Library(["from tinygrad import nn", "from tinygrad.nn import LSTMCell"], tinygrad, "object"),
    "chainer": Library(
        ["import chainer", "import chainer.links as L", "import numpy as np"], chainer, "chainer.Chain", "with self.init_scope():",
        ("[{}]", "chainer.ChainList({})"), flow=chainer_flow,
    ),
    "gluon": Library(
        ["import mxnet as mx", "from mxnet import gluon", "from mxnet.gluon import rnn"], gluon, "gluon.Block", "with self.name_scope():", flow=gluon_flow
    ),
    "haiku": Library(["import haiku as hk", "import jax", "import jax.numpy as jnp"], lambda *_: "", "", flow=haiku),
    "tensorflow1": Library(["import tensorflow.compat.v1 as tf", "rnn_cell = tf.nn.rnn_cell"], lambda *_: "", "", flow=tensorflow1),
}  # fmt: skip


# --- programs


def module(g: Generator, s: Scope, library: Library) -> Lines:
    """A class of modules, and what makes one or several of it."""
    name = g.fresh(s, "Net")
    inner = s.body("p")
    parts = [f"self.rnn = {library.lstm(g, inner)}"]
    if g.chance(0.5):
        holder = g.rng.choice(library.holders)
        item = library.lstm(g, inner)
        parts += [
            f"self.parts = {holder.format(g.pick(f'*[{item} for i in range(2)]', f'{item}, {library.lstm(g, inner)}'))}"
        ]
    if g.chance(0.3):
        parts += [f"if {g.test(inner)}:", f"    self.more = {library.lstm(g, inner)}"]
        if library.annotated:
            parts += ["else:", "    self.more = None"]
    lines = [f"class {name}({library.base}):"]
    if library.annotated:
        lines += [f"    {text}: object" + " = None" * (text != "rnn") for text in ("rnn", "parts", "more")]
    lines += [f"    def __init__(self, p={size(g, s)}):"]
    lines += ["        super().__init__()"] if library.base != "object" and not library.annotated else []
    body = indented(indented(parts))
    lines += [f"        {library.opened}", *indented(body)] if library.opened else body
    made = g.fresh(s, "net")
    return [
        *lines,
        g.pick(
            f"{made} = {name}()", f"{made} = {name}({size(g, s)})", f"{made} = [{name}(n) for n in (3, {size(g, s)})]"
        ),
    ]


def maker(g: Generator, s: Scope, library: Library) -> Lines:
    """A function that makes LSTMs, and calls of it."""
    name, made = g.fresh(s, "make"), g.fresh(s, "rnn")
    inner = s.body("p")
    calls = g.pick(
        f"{name}({size(g, s)})",
        f"[{name}(n) for n in range(1, 3)]",
        f"{name}()",
        f"list(map({name}, (4, {size(g, s)})))",
    )
    return [f"def {name}(p={size(g, s)}):", f"    return {library.lstm(g, inner)}", f"{made} = {calls}"]


def cell_program(kind: str) -> Callable[[int], str]:
    """The function that makes the program of a seed, for a library."""
    library = LIBRARIES[kind]

    def make(seed: int) -> str:
        g = Generator(seed, IMPORTED)
        s = Scope()
        lines = [f"h = {g.number()}"] if g.chance(0.6) else []
        if lines:
            s.integer("h")
        for _ in range(g.pick(0, 1, 2, 4, 8)):
            lines += g.statement(s)
        for _ in range(g.rng.randint(1, 3) if library.base else 1):
            lines += _construct(g, s, library)
            lines += g.statement(s) if g.chance(0.3) else []
        return "\n".join([*library.header, *g.imports, *lines, ""])

    return make


def _construct(g: Generator, s: Scope, library: Library) -> Lines:
    if library.flow is not None and (not library.base or g.chance(0.4)):
        return library.flow(g, s)
    kind = g.rng.randrange(5)
    if kind == 0:
        return [f"{g.fresh(s, 'rnn')} = {library.lstm(g, s)}"]
    if kind == 1:
        return [f"if {g.test(s)}:", f"    {g.fresh(s, 'rnn')} = {library.lstm(g, s)}"]
    if kind == 2:
        return [f"{g.fresh(s, 'rnns')} = [{library.lstm(g, s)} for i in range({g.pick('2', '3')})]"]
    return maker(g, s, library) if kind == 3 else module(g, s, library)
