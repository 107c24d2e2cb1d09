"""LSTMs of PyTorch: constructed directly, in functions, in modules and containers, and cast to other dtypes."""

from tools.programs.grammar import Generator, Lines, Scope, Statement, indented
from tools.programs.statements import leaving

DTYPES = ("torch.float64", "torch.float16", "torch.float32", "torch.bfloat16", "torch.half", "torch.double")


def lstm(g: Generator, s: Scope, depth: int = 1) -> str:
    """A call that makes an LSTM."""
    kind = g.rng.randrange(12)
    name = "nn.LSTM"
    if kind == 0:
        g.need("import torch")
        name = "torch.nn.LSTM"
    elif kind == 1:
        g.need("from torch.nn import LSTM")
        name = "LSTM"
    elif kind == 2:
        name = g.pick("getattr(nn, 'LSTM')", "{'lstm': nn.LSTM, 'gru': nn.GRU}['lstm']", "(nn.GRU, nn.LSTM)[1]")
    elif kind == 3:
        name = "nn.LSTMCell"
    elif kind == 4:
        g.need("from torch.nn import LSTM as Recurrent")
        name = "Recurrent"
    elif kind == 5 and g.chance(0.5):
        name = f"(nn.LSTM if {g.test(s, 0.3)} else nn.{g.pick('GRU', 'LSTMCell')})"
        return f"{name}({size(g, s, depth)}, {size(g, s, depth)})"
    first, second = size(g, s, depth), size(g, s, depth)
    form = g.rng.randrange(7)
    if form == 0:
        sizes = f"input_size={first}, hidden_size={second}"
    elif form == 1:
        sizes = f"hidden_size={second}, input_size={first}"
    elif form == 2:
        sizes = f"**{{'input_size': {first}, 'hidden_size': {second}}}"
    elif form == 3:
        sizes = f"*({first}, {second})"
    else:
        sizes = f"{first}, {second}"
    return f"{name}({sizes}{settings(g, s) if name != 'nn.LSTMCell' else ''})"


def size(g: Generator, s: Scope, depth: int = 1) -> str:
    """A size that is not too large most of the time."""
    text = g.integer(s, depth)
    return text if g.chance(0.7) else f"({text}) % 12 + 1"


def settings(g: Generator, s: Scope) -> str:
    if g.chance(0.6):
        return ""
    kind = g.rng.randrange(8)
    if kind == 0:
        g.need("import torch")
        return f", dtype={g.pick(*DTYPES)}"
    return (
        "", f", num_layers={g.integer(s, 1)} % 3 + 1", f", bias=bool({g.known(s)})", f", bidirectional=bool({g.test(s)})", ", batch_first=True",
        f", **{{'num_layers': 2, 'bidirectional': {g.pick('True', 'False')}}}", f", **dict(bias={g.pick('True', 'False')})", f", dropout=0, bidirectional={g.number()} > 4",
    )[kind]  # fmt: skip


def construct(g: Generator, s: Scope) -> Lines:
    name = g.fresh(s, "rnn")
    text = lstm(g, s)
    s.models.append(name)
    if "Cell" not in text and "GRU" not in text:
        s.reads += [f"{name}.hidden_size", f"{name}.input_size"]
    return [f"{name} = {text}"]


def maker(g: Generator, s: Scope) -> Lines | None:
    """A function that makes LSTMs."""
    if s.depth > 1:
        return None
    name, p = g.fresh(s, "make"), g.fresh(s, "p")
    inner = s.body(p)
    before = g.block(inner, 2) if g.chance(0.5) else []
    s.makers.append((name, g.pick(1, 1, 0)))
    return [f"def {name}({p}={g.integer(s, 1)}):", *leaving(g, inner, before, 0.0), f"    return {lstm(g, inner)}"]


def made(g: Generator, s: Scope) -> Lines | None:
    """The layers that such functions make, each once or several times."""
    if not s.makers:
        return None
    text, arity = g.rng.choice(s.makers)
    name = g.fresh(s, "net")
    call = f"{text}({g.arguments(s, arity)})"
    kind = g.rng.randrange(7)
    if kind == 0:
        g.need("import functools")
        call = f"functools.partial({text}{', ' if arity else ''}{g.arguments(s, arity)})()"
    elif kind == 1 and arity == 1:
        return [
            f"{name} = list(map({text}, [{g.integer(s, 1)}, {g.number()}]))",
            f"{name}[0].half()" if g.chance(0.2) else "pass",
        ]
    elif kind == 2:
        return [
            f"{name} = nn.ModuleList([{call} for i in range({g.pick(2, 3)})])",
            *([f"{name}.double()"] if g.chance(0.2) else []),
        ]
    elif kind == 3:
        table = g.fresh(s, "registry")
        return [f"{table} = {{'net': {text}}}", f"{name} = {table}['net']({g.arguments(s, arity)})"]
    s.models.append(name)
    return [f"{name} = {call}"]


def module(g: Generator, s: Scope) -> Lines | None:
    """A class of modules."""
    if s.depth > 1:
        return None
    name, p, q = g.fresh(s, "Net"), g.fresh(s, "p"), g.fresh(s, "p")
    inner = s.body(p, q)
    inner.models = []
    lines: Lines = []
    base = "nn.Module"
    if g.chance(0.35):
        base = f"{name}Base"
        held = s.body("p")
        lines += [
            f"class {base}(nn.Module):",
            f"    width = {g.integer(s, 1)}",
            "    def __init__(self, p=3):",
            "        super().__init__()",
            f"        self.a = {g.integer(held, 1)}",
        ]
        if g.chance(0.4):
            lines += ["        self.build()"]
        lines += ["    def build(self):", f"        self.base = {lstm(g, s.body(), 0)}"]
        inner.reads += ["self.a", "self.width"]
    lines += [f"class {name}({base}):"]
    if g.chance(0.4):
        lines += [f"    width = {g.integer(s, 1)}"]
        inner.reads.append(g.pick("self.width", f"{name}.width"))
    signature = g.pick(f"{p}, {q}={g.integer(s, 1)}", f"{p}={g.integer(s, 1)}, {q}=4", f"{p}, *, {q}={g.integer(s, 1)}")
    arity = 0 if signature.startswith(f"{p}=") else 1
    lines += [
        f"    def __init__(self, {signature}):",
        f"        super().__init__({p if base != 'nn.Module' and g.chance(0.7) else ''})",
    ]
    body = [f"self.h = {g.integer(inner)}"]
    inner.integer("self.h")
    inner.objects.append("self")
    if g.chance(0.4):
        body += g.statement(inner)
    body += _children(g, inner)
    lines += indented(indented(body))
    lines += indented(_methods(g, s, base != "nn.Module"))
    s.makers.append((name, arity))
    return lines


def _children(g: Generator, s: Scope) -> Lines:
    kind = g.rng.randrange(9)
    first = lstm(g, s)
    if kind == 0:
        return [f"self.rnn = {first}", f"self.out = nn.Linear({size(g, s)}, 2)"]
    if kind == 1:
        return [
            "self.layers = nn.ModuleList()",
            f"for i in range({g.pick(2, 3)}):",
            f"    self.layers.append(nn.LSTM({size(g, s)} + i, {size(g, s)}))",
        ]
    if kind == 2:
        return [f"self.seq = nn.Sequential(nn.Linear(3, {size(g, s)}), {first})", "self.n = len(self.seq)"]
    if kind == 3:
        return [f"if {g.test(s)}:", f"    self.rnn = {first}", "else:", f"    self.rnn = {lstm(g, s)}"]
    if kind == 4:
        return [
            f"setattr(self, 'rnn', {first})",
            "self.rnn2 = nn.LSTM(self.rnn.hidden_size, 2)" if "GRU" not in first else "pass",
        ]
    if kind == 5:
        return [
            f"self.add_module('rnn', {first})",
            f"for name, size in (('a', {size(g, s)}), ('b', 3)):",
            "    setattr(self, name, nn.LSTM(2, size))",
        ]
    if kind == 6:
        return [f"self.rnn = {first}", f"self.{g.pick('double', 'half', 'float')}()"]
    if kind == 7:
        return ["self.build(self.h)" if g.chance(0.8) else "pass", f"self.rnn = {first}"]
    return [f"self.rnn = {first}"]


def _methods(g: Generator, s: Scope, based: bool) -> Lines:
    inner = s.body("p")
    inner.reads += ["self.h"]
    lines = [
        "def build(self, p=3):",
        *(["    super().build()"] if based and g.chance(0.3) else []),
        f"    self.more = {lstm(g, inner, 1)}",
    ]
    if g.chance(0.3):
        lines += ["def forward(self, x):", "    return self.rnn(x)"]
    if g.chance(0.3):
        lines += ["@property", "def size(self):", f"    return {g.integer(inner, 1)}"]
    return lines


def container(g: Generator, s: Scope) -> Lines:
    name = g.fresh(s, "model")
    a, b = lstm(g, s), lstm(g, s)
    kind = g.rng.randrange(10)
    s.models.append(name)
    if kind == 0:
        return [f"{name} = nn.Sequential({a}, nn.Dropout(0.5), {b})"]
    if kind == 1:
        return [f"{name} = nn.ModuleList([{a}])", f"{name}.append({b})"]
    if kind == 2:
        return [f"{name} = nn.ModuleDict({{'a': {a}}})", f"{name}['b'] = {b}"]
    if kind == 3:
        return [
            f"{name} = nn.ModuleList(nn.LSTM({size(g, s)}, i + 1) for i in range({g.pick(2, 3)}))",
            f"{name}.extend([{a}])",
        ]
    if kind == 4:
        g.need("from collections import OrderedDict")
        return [f"{name} = nn.Sequential(OrderedDict([('a', {a}), ('b', {b})]))"]
    if kind == 5:
        return [f"{name} = nn.Sequential(*[{a} for i in range(2)])", f"{name}.add_module('more', {b})"]
    if kind == 6:
        sizes = g.rng.choice(s.lists) if s.lists else f"[2, {size(g, s)}, 4]"
        return [f"{name} = nn.ModuleList([nn.LSTM(i, o) for i, o in zip({sizes}[:-1], {sizes}[1:])])"]
    if kind == 7:
        return [
            f"{name} = nn.ModuleDict()",
            "for key in ('a', 'b'):",
            f"    {name}[key] = {a}",
            f"{name}.update({{'c': {b}}})",
        ]
    if kind == 8:
        return [f"{name} = nn.ModuleList([{a}]) + [{b}]", f"{name}.insert(0, nn.LSTM(2, len({name})))"]
    return [f"{name} = nn.Module()", f"{name}.rnn = {a}", f"{name}.rnn = {b}"]


def cast(g: Generator, s: Scope) -> Lines | None:
    g.need("import torch")
    if not s.models or g.chance(0.15):
        return [f"torch.set_default_dtype({g.pick('torch.float64', 'torch.float32', 'torch.float16')})"]
    model = g.rng.choice(s.models)
    return [
        g.pick(
            f"{model}.half()", f"{model}.double()", f"{model} = {model}.to({g.pick(*DTYPES)})", f"{model}.to(dtype={g.pick(*DTYPES)})", f"{model}.to('cpu')", f"{model}.float()",
            f"{model}.train().double()", f"{model}.to(torch.zeros(1))", f"{model}.bfloat16()", f"{model}.to('cpu', {g.pick(*DTYPES)})", f"{model}.apply(lambda m: m.half())",
            f"for m in {model}.modules(): m.double()", f"for m in list({model}.children()): m.half()", f"{model}.type(torch.float64)", f"{model}.hidden_size = 99",
            f"half = {model}.half; half()", f"(lambda m: m.double())({model})",
        )
    ]  # fmt: skip


def clone(g: Generator, s: Scope) -> Lines | None:
    """Copies of a model that another model holds: their LSTMs are others."""
    if not s.models:
        return None
    g.need("import copy")
    model, name = g.rng.choice(s.models), g.fresh(s, "twin")
    s.models.append(name)
    return [
        g.pick(
            f"{name} = nn.ModuleList([copy.deepcopy({model}) for i in range({g.pick(1, 2)})])", f"{name} = nn.Sequential(copy.deepcopy({model}))",
            f"{name} = nn.ModuleList([copy.deepcopy([{model}, {model}])[0]])", f"{name} = nn.ModuleDict({{'a': copy.deepcopy({{'a': {model}}})['a']}})",
            f"{name} = nn.ModuleList([copy.deepcopy({model} if {g.test(s, 0.3)} else {g.rng.choice(s.models[:-1])})])", f"{name} = copy.copy([{model}])[0]",
        )
    ]  # fmt: skip


def subclass(g: Generator, s: Scope) -> Lines | None:
    """A class derived from nn.LSTM."""
    if s.depth > 1:
        return None
    name = g.fresh(s, "Mine")
    inner = s.body("p")
    s.makers.append((name, 1))
    call = g.pick(
        f"super().__init__(p, {size(g, inner)})",
        f"super().__init__(input_size={size(g, inner)}, hidden_size=p)",
        f"nn.LSTM.__init__(self, p, {size(g, inner)})",
    )
    return [
        f"class {name}(nn.LSTM):",
        "    def __init__(self, p, **k):",
        f"        {call}",
        f"        self.a = {g.integer(inner, 1)}",
    ]


def main(g: Generator, s: Scope) -> Lines | None:
    """Everything in a function, called if this is the program."""
    if s.depth > 0 or g.chance(0.5):
        return None
    name = g.fresh(s, "main")
    inner = s.body()
    body = [*g.block(inner, 4, 1.0), *indented(construct(g, inner)), *indented(cast(g, inner) or [])]
    return [f"def {name}():", *body, "if __name__ == '__main__':", f"    {name}()"]


STATEMENTS: list[tuple[int, Statement]] = [
    (5, construct), (4, maker), (6, made), (6, module), (4, container), (5, cast), (2, subclass), (2, clone), (1, main),
]  # fmt: skip
