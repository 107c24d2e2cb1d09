"""Random programs with LSTMs of Keras: Sequential, functional and subclassed models, layer by layer."""

from tools.programs.grammar import Generator, Lines, Scope, indented
from tools.programs.torch_programs import IMPORTED

Layer = tuple[str, int]  # its construction, and how many axes its output has


def keras_program(seed: int) -> str:
    """The program of a seed."""
    g = Generator(seed, IMPORTED)
    scope = Scope()
    lines = [f"h = {g.number()}"] if g.chance(0.5) else []
    if lines:
        scope.integer("h")
    wanted = g.pick(0, 0, 1, 3, 6, 12)
    while len(lines) < wanted:
        lines += g.statement(scope)
    style = g.pick(in_a_list, added, added, functional, functional, functional, derived, by_function)
    lines += style(g, scope)
    header = ["import keras", "from keras import layers", *g.imports]
    return "\n".join([*header, *lines, ""])


# --- layers


def size(g: Generator, s: Scope) -> str:
    if g.chance(0.4):
        return g.number()
    text = g.integer(s, 1)
    return text if g.chance(0.7) else f"({text}) % 12 + 1"


def lstm(g: Generator, s: Scope, sequences: bool) -> str:
    more = g.pick(
        "",
        "",
        "",
        ", use_bias=False",
        ", dropout=0.1",
        ", activation='tanh'",
        f", use_bias=bool({g.known(s)})",
        ", name=None",
    )
    units = g.pick("", "", "units=") + size(g, s)
    returned = (
        g.pick(", return_sequences=True", ", **{'return_sequences': True}", f", return_sequences={g.number()} > 0")
        if sequences
        else ""
    )
    returned = returned or g.pick("", "", ", return_sequences=False")
    kind = g.rng.randrange(8)
    if kind == 0:
        g.need("from keras.layers import LSTM")
        return f"LSTM({units}{more}{returned})"
    if kind == 1:
        return f"layers.RNN(layers.LSTMCell({units}){returned})"
    if kind == 2:
        mode = g.pick("", "", ", merge_mode='sum'", ", merge_mode='ave'", ", 'mul'")
        return f"layers.Bidirectional(layers.LSTM({units}{more}{returned}){mode})"
    return f"{g.pick('layers', 'layers', 'keras.layers')}.LSTM({units}{more}{returned})"


def layer(g: Generator, s: Scope, rank: int, recurrent: float = 0.3) -> Layer:
    """A layer that takes an array of so many axes."""
    if rank == 2:
        return g.pick(
            (f"layers.RepeatVector({g.pick('2', '3', 'n=4')})", 3), (f"layers.Dense({size(g, s)})", 2), ("layers.Reshape((1, -1))", 3),
            ("layers.Reshape((-1, 1))", 3), (f"layers.RepeatVector({g.number()})", 3), ("layers.Dropout(0.5)", 2),
        )  # fmt: skip
    if g.chance(recurrent):
        sequences = g.chance(0.75)
        return lstm(g, s, sequences), 3 if sequences else 2
    kind = g.rng.randrange(20)
    texts = (
        f"layers.Dense({size(g, s)}, activation='relu')", f"layers.Conv1D({size(g, s)}, {g.pick(1, 2)})", f"layers.Conv1D({size(g, s)}, kernel_size=3, padding='same')",
        f"layers.Conv1D({size(g, s)}, 2, 2, 'causal')", "layers.MaxPooling1D(2)", f"layers.MaxPooling1D({g.pick(1, 2)}, strides=1, padding='same')", "layers.AveragePooling1D(pool_size=2)",
        "layers.BatchNormalization()", "layers.LayerNormalization()", "layers.Dropout(0.2)", "layers.SpatialDropout1D(0.2)", "layers.Activation('tanh')", "layers.Masking()",
        f"layers.TimeDistributed(layers.Dense({size(g, s)}))", f"layers.GRU({size(g, s)}, return_sequences=True)", "layers.ZeroPadding1D(1)", "layers.Permute((2, 1))", "layers.UpSampling1D(2)",
        f"layers.SimpleRNN({size(g, s)}, return_sequences=True)", "layers.Cropping1D((1, 0))",
    )  # fmt: skip
    if g.chance(0.15):
        return g.pick(
            "layers.Flatten()",
            "layers.GlobalMaxPooling1D()",
            "layers.GlobalAveragePooling1D()",
            f"layers.GRU({size(g, s)})",
        ), 2
    return texts[kind], 3


def start(g: Generator, s: Scope) -> tuple[str, int]:
    """An input, and how many axes it has."""
    if g.chance(0.2):
        return g.pick("keras.Input((12,))", "layers.Input(shape=[None])", "keras.Input((8,), dtype='int32')"), -2
    length = g.pick("8", "12", "None", "16")
    return g.pick(
        f"keras.Input(({length}, {size(g, s)}))", f"layers.Input(shape=({length}, {size(g, s)}))", f"keras.Input(batch_shape=(2, {length}, {size(g, s)}))",
        f"keras.Input(({length}, {size(g, s)}), 4)",
    ), 3  # fmt: skip


def ended(g: Generator, s: Scope, rank: int) -> list[str]:
    """The layers that end a model, an LSTM among them."""
    return [
        *([] if rank == 3 else [f"layers.RepeatVector({g.number()})"]),
        lstm(g, s, False),
        *([f"layers.Dense({size(g, s)})"] if g.chance(0.5) else []),
    ]


def embedded(g: Generator, s: Scope, rank: int) -> tuple[list[str], int]:
    return ([f"layers.Embedding(50, {size(g, s)})"], 3) if rank == -2 else ([], rank)


# --- models


def in_a_list(g: Generator, s: Scope) -> Lines:
    first, rank = start(g, s)
    texts, rank = embedded(g, s, rank)
    if g.chance(0.15) and rank == 3:
        first = f"layers.LSTM({size(g, s)}, return_sequences=True, input_shape=({g.pick('5', 'None')}, {size(g, s)}))"
    for _ in range(g.rng.randrange(4)):
        text, rank = layer(g, s, rank)
        texts.append(text)
    texts += ended(g, s, rank)
    name = g.pick("keras.Sequential", "keras.models.Sequential")
    kind = g.rng.randrange(4)
    if kind == 0:
        return [f"parts = [{first}, {', '.join(texts[:-1])}]", f"parts.append({texts[-1]})", f"model = {name}(parts)"]
    if kind == 1:
        return [
            f"model = {name}([{', '.join(texts)}])",
            f"model({g.pick(first, first)})" if "LSTM" not in first else f"model = {name}([{first}] + model.layers)",
        ]
    return [f"model = {name}([", *indented([f"{text}," for text in (first, *texts)]), "])"]


def added(g: Generator, s: Scope) -> Lines:
    first, rank = start(g, s)
    texts, rank = embedded(g, s, rank)
    lines = ["model = keras.Sequential()", f"model.add({first})", *[f"model.add({text})" for text in texts]]
    for _ in range(g.rng.randint(1, 4)):
        text, after = layer(g, s, rank)
        kind = g.rng.randrange(8)
        if kind == 0 and after == rank == 3:
            lines += [f"for i in range({g.pick('2', size(g, s) + ' % 3 + 1')}):", f"    model.add({text})"]
        elif kind == 1 and after == rank:
            lines += [f"if {g.test(s)}:", f"    model.add({text})"]
            other, other_rank = layer(g, s, rank)
            if other_rank == rank and g.chance(0.5):
                lines += ["else:", f"    model.add({other})"]
        elif kind == 2:
            lines += [f"part = {text}", "model.add(part)"]
            rank = after
        elif kind == 3 and after == rank:
            lines += [f"model.add({text})", "model.pop()"] if g.chance(0.5) else [f"[model.add(q) for q in [{text}]]"]
        elif kind == 4:
            lines += [f"add = model.add; add({text})"]
            rank = after
        else:
            lines += [f"model.add({text})"]
            rank = after
        if g.chance(0.2):
            lines += g.statement(s)
    return [*lines, *[f"model.add({text})" for text in ended(g, s, rank)]]


def functional(g: Generator, s: Scope) -> Lines:
    first, rank = start(g, s)
    texts, rank = embedded(g, s, rank)
    lines = [f"x = inputs = {first}", *[f"x = {text}(x)" for text in texts]]
    for _ in range(g.rng.randint(1, 5)):
        step, rank = flow(g, s, rank)
        lines += step
        if g.chance(0.2):
            lines += g.statement(s)
    lines += [f"x = {text}(x)" for text in ended(g, s, rank)]
    lines += ["model = keras.Model(inputs, x)"]
    if g.chance(0.2) and "(2," not in first and ", 4)" not in first:
        lines += [
            f"y = {first}",
            "y = model(y)" if g.chance(0.5) else "y = model(inputs)",
            "y = layers.RepeatVector(2)(y)",
            f"layers.LSTM({size(g, s)})(y)",
        ]
    return lines


def flow(g: Generator, s: Scope, rank: int) -> tuple[Lines, int]:
    """Some lines that take `x` on."""
    text, after = layer(g, s, rank)
    kind = g.rng.randrange(14)
    if rank == 3 and kind < 10:
        return _over_time(g, s, kind, (text, after))
    if kind == 10 and after == rank:
        other, other_rank = layer(g, s, rank)
        return [
            f"if {g.test(s)}:",
            f"    x = {text}(x)",
            *(["else:", f"    x = {other}(x)"] if other_rank == rank and g.chance(0.6) else []),
        ], rank
    if kind == 11:
        return [f"layer = {text}", "x = layer(x)"], after
    if kind == 12:
        return [f"part = keras.Sequential([{text}])", "x = part(x)"], after
    return [f"x = {text}(x)"], after


def _over_time(g: Generator, s: Scope, kind: int, drawn: Layer) -> tuple[Lines, int]:
    """Lines that take on an `x` of three axes."""
    text, after = drawn
    if kind == 0:
        return [f"x = x[:, {g.pick('-1', '0')}]"], 2
    if kind == 1:
        return [f"x = x[:, :, :{g.pick('1', '2')}]"], 3
    if kind == 2:
        return [
            f"y = layers.Dense({size(g, s)})(x)",
            g.pick(
                "x = layers.concatenate([x, y])",
                "x = layers.Concatenate()([y, x])",
                "x = keras.ops.concatenate([x, y], -1)",
            ),
        ], 3
    if kind == 3:
        return [
            "y = layers.Dense(x.shape[-1])(x)",
            g.pick("x = layers.Add()([x, y])", "x = layers.add([x, y])", "x = x + y", "x = layers.Multiply()([x, y])"),
        ], 3
    if kind == 4:
        return [
            f"x, state, carry = layers.LSTM({size(g, s)}, return_sequences=True, return_state=True)(x)",
            f"state = layers.RepeatVector({g.number()})(state)",
            f"layers.LSTM({size(g, s)})(state)",
        ], 3
    if kind == 5:
        return [
            f"for units in ({size(g, s)}, {size(g, s)}):",
            "    x = layers.LSTM(units, return_sequences=True)(x)",
        ], 3
    if kind == 6:
        name = g.fresh(s, "block")
        return [
            f"def {name}(x, units={size(g, s)}):",
            f"    x = {text.replace('keras.layers', 'layers')}(x)",
            "    return x",
            f"x = {name}(x)",
        ], after
    if kind == 7:
        return [
            "shared = layers.Dense(x.shape[-1])",
            "x = shared(x)",
            "x = shared(x)",
        ], 3
    if kind == 8:
        return [f"x = x * {g.number()}" if g.chance(0.5) else "x = x[..., :1]"], 3
    if kind == 9:
        name = g.fresh(s, "Block")
        lines = [
            f"class {name}(layers.Layer):",
            "    def __init__(self, n):",
            "        super().__init__()",
            f"        self.rnn = {lstm(g, s.body('n'), True)}",
        ]
        return [*lines, "    def call(self, x):", "        return self.rnn(x)", f"x = {name}({size(g, s)})(x)"], 3
    raise AssertionError(kind)


def derived(g: Generator, s: Scope) -> Lines:
    """A model with a class of its own."""
    inner = s.body("n")
    parts = []
    rank = 3
    for _ in range(g.rng.randint(1, 4)):
        text, rank = layer(g, inner, rank)
        parts.append(text)
    parts += ended(g, inner, rank)
    lines = ["class Net(keras.Model):", f"    def __init__(self, n={size(g, s)}):", "        super().__init__()"]
    if g.chance(0.3):
        lines += ["        self.parts = [", *[f"            {text}," for text in parts], "        ]"]
        lines += [
            "    def call(self, x):",
            "        for part in self.parts:",
            "            x = part(x)",
            "        return x",
        ]
    else:
        lines += [f"        self.l{number} = {text}" for number, text in enumerate(parts)]
        lines += [
            "    def call(self, x):",
            *[f"        x = self.l{number}(x)" for number in range(len(parts))],
            "        return x",
        ]
    call = g.pick(f"keras.ops.zeros((2, 12, {size(g, s)}))", f"keras.Input((12, {size(g, s)}))")
    return [*lines, f"model = Net({g.pick('', size(g, s), 'n=' + size(g, s))})", f"model({call})"]


def by_function(g: Generator, s: Scope) -> Lines:
    inner = s.body("n", "depth")
    body = g.pick(added, functional, in_a_list)(g, inner)
    kind = g.pick(
        f"model = build({size(g, s)})",
        f"models = [build(n) for n in (3, {size(g, s)})]",
        f"model = build(n={size(g, s)}, depth=2)",
        "model = build()",
    )
    return [f"def build(n={size(g, s)}, depth={g.number()}):", *indented(body), "    return model", kind]
