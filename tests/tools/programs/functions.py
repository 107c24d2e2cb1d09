"""Functions in all the ways that they are defined, passed on and called."""

from tools.programs.grammar import Generator, Lines, Scope, Statement, indented
from tools.programs.statements import leaving


def define(g: Generator, s: Scope) -> Lines | None:
    """A function of integers that gives one."""
    if s.depth > 1:
        return None
    name, p, q = g.fresh(s, "f"), g.fresh(s, "p"), g.fresh(s, "p")
    if s.outer and g.chance(0.15):
        p = g.rng.choice(s.outer)
    signature, arity = g.pick(
        (f"{p}", 1), (f"{p}, {q}", 2), (f"{p}, {q}={g.integer(s, 1)}", 1), (f"{p}, {q}={g.integer(s, 1)}", 2), (f"{p}, *, {q}={g.integer(s, 1)}", 1),
        (f"{p}=3, {q}={g.integer(s, 1)}", 0), (f"{p}, *{q}", 3), (f"{p}, **{q}", 1), (f"{p}, /, {q}=2", 2), ("", 0),
    )  # fmt: skip
    inner = s.body(*(name for name in (p, q) if name in signature and f"*{name}" not in signature and p != q))
    if f", *{q}" in signature:
        inner.reads.append(f"len({q})")
    body = declared(g, s, inner)
    body += g.block(inner, 3, 1.0)
    lines = [f"def {name}({signature}):", *leaving(g, inner, body, 0.1), f"    return {g.integer(inner)}"]
    s.calls.append((name, arity))
    return lines


def declared(g: Generator, s: Scope, inner: Scope) -> Lines:
    """`global` or `nonlocal` for some name around, and nothing of it most of the time."""
    if not g.chance(0.35):
        return []
    if s.function and s.bare:
        name = g.rng.choice(s.bare)
        word = "nonlocal"
    elif s.outer:
        name = g.rng.choice(s.outer)
        word = "global"
    else:
        return []
    if name in inner.bare:  # a parameter
        return []
    inner.integer(name)
    return [f"    {word} {name}", f"    {name} {g.pick('=', '+=')} {g.integer(inner, 1)}"]


def change_argument(g: Generator, s: Scope) -> Lines | None:
    """A function that changes what it is given, and a call of it."""
    if s.depth > 1:
        return None
    name = g.fresh(s, "change")
    kind = g.pick("lists", "dicts", "objects")
    held = getattr(s, kind)
    if not held:
        return None
    target = g.rng.choice(held)
    inner = s.body("n")
    value = g.integer(inner, 1)
    by_kind = {
        "lists": [
            f"q[0] = {value}",
            f"q.append({value})",
            f"q += [{value}]",
            f"q = [{value}] + q",
            f"q.sort(); q[-1] += {value}",
            f"q[:] = [{value}]",
        ],
        "dicts": [
            f"q['a'] = {value}",
            f"q.update(a={value})",
            f"q = dict(q); q['a'] = {value}",
            f"q |= {{'a': {value}}}",
            "q['a'] = q.get('a', 2) + n",
        ],
        "objects": [
            f"q.a = {value}",
            f"setattr(q, 'a', {value})",
            f"q.__dict__['a'] = {value}",
            f"q.a += {value}",
            f"vars(q).update(a={value})",
        ],
    }
    test = g.test(s) if g.chance(0.4) else ""
    line = g.rng.choice(by_kind[kind])
    lines = [f"def {name}(q, n={g.integer(s, 1)}):"]
    lines += indented([f"if {test}:", f"    {line}"] if test else [line])
    if g.chance(0.2):
        lines += [f"    return {g.integer(inner, 1)}"]
    calls = [
        f"{name}({target})",
        f"{name}(n=4, q={target})",
        f"for _ in range(2): {name}({target})",
        f"[{name}(q) for q in [{target}]]",
        f"list(map({name}, [{target}]))",
    ]
    calls += [
        f"{name}(*[{target}])",
        f"{name}(**{{'q': {target}}})",
        f"run = {name}; run({target})",
        f"(lambda: {name}({target}))()",
        "pass",
    ]
    return [*lines, g.rng.choice(calls)]


def side_effect(g: Generator, s: Scope) -> Lines | None:
    """A function without arguments that changes names or things around it; it is called, or not."""
    if s.depth > 1:
        return None
    name = g.fresh(s, "setup")
    inner = s.body()
    inner.loop = False
    body = [*declared(g, s, inner), *g.block(inner, 3, 0.2)]
    call = g.pick(
        f"{name}()",
        f"{name}()",
        f"{name}()",
        f"if {g.test(s)}: {name}()",
        "pass",
        f"for _ in range(2): {name}()",
        f"{name}() or 1",
    )
    return [f"def {name}():", *leaving(g, inner, body, 0.2), call]


def closure(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 1:
        return None
    name, count = g.fresh(s, "outer"), g.fresh(s, "count")
    kind = g.rng.randrange(5)
    if kind == 0:
        lines = [
            f"def {name}({count}):",
            "    def step(by=1):",
            f"        nonlocal {count}",
            f"        {count} += by",
            f"        return {count}",
            "    return step",
        ]
        made = g.fresh(s, "step")
        s.calls += [(made, 0), (made, 1)]
        return [*lines, f"{made} = {name}({g.integer(s)})"]
    if kind == 1:
        s.calls.append((f"{name}({g.integer(s, 0)})", 1))
        return [f"def {name}(p):", f"    return lambda q: p + q * {g.integer(s.body('q'), 1)}"]
    if kind == 2:  # bound late: all of them see the last value
        made = g.fresh(s, "fs")
        s.calls.append((f"{made}[0]", 0))
        return [f"{made} = [lambda: i + {g.integer(s, 0)} for i in range(3)]"]
    if kind == 3:
        made = g.fresh(s, "fs")
        s.calls.append((f"{made}[0]", 0))
        return [f"{made} = [lambda i=i: i + {g.number()} for i in range(3)]"]
    inner = s.body()
    held = g.fresh(inner, "held")
    inner.integer(held)
    lines = [
        f"def {name}():",
        f"    {held} = {g.integer(s.body(), 1)}",
        "    def inside():",
        f"        return {g.integer(inner)}",
    ]
    lines += [*g.block(inner, 2, 0.2), "    return inside()"]
    s.calls.append((name, 0))
    return lines


def short(g: Generator, s: Scope) -> Lines:
    """A function that is not written with `def`, or one under another name."""
    name = g.fresh(s, "g")
    inner = s.body("p", "q")
    a = g.integer(s, 1)
    texts = [
        (f"lambda p: {g.integer(inner)}", 1),
        (f"lambda p, q={a}: {g.integer(inner)}", 1),
        (f"lambda *p: {a} + len(p)", 2),
    ]
    if s.calls:
        text, arity = g.rng.choice(s.calls)
        texts += [(text, arity), (f"lambda *p, **k: {text}(*p, **k)", arity)]
        if arity:
            g.need("import functools")
            texts += [(f"functools.partial({text}, {a})", arity - 1)] * 2
    text, arity = g.rng.choice(texts)
    s.calls.append((name, arity))
    return [f"{name} = {text}"]


def decorate(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "deco"), g.fresh(s, "f")
    inner = s.body("p")
    kind = g.rng.randrange(5)
    body = [f"def {made}(p={g.integer(s, 1)}):", f"    return {g.integer(inner)}"]
    s.calls.append((made, g.pick(0, 1)))
    if kind == 0:
        g.need("import functools")
        lines = [
            f"def {name}(fn):",
            "    @functools.wraps(fn)",
            "    def wrapped(*args, **kwargs):",
            f"        return fn(*args, **kwargs) + {g.integer(s.body(), 1)}",
        ]
        return [*lines, "    return wrapped", f"@{name}", *body]
    if kind == 1:
        lines = [f"def {name}(n):", "    def outer(fn):", "        return lambda p=2: fn(p) + n", "    return outer"]
        return [*lines, f"@{name}({g.integer(s)})", *body]
    if kind == 2:
        return [
            f"{name} = {{}}",
            "def register(fn):",
            f"    {name}[fn.__name__] = fn",
            "    return fn",
            "@register",
            *body,
            f"{made}2 = {name}['{made}']",
        ]
    if kind == 3:
        g.need("import functools")
        return [g.pick("@functools.lru_cache(None)", "@functools.cache", "@functools.lru_cache"), *body]
    held = g.fresh(s, "seen")
    s.lists.append(held)
    lines = [f"{held} = [{g.number()}]", f"def {name}(fn):", f"    {held}.append({g.number()})", "    return fn"]
    return [*lines, f"@{name}", *body]


def table(g: Generator, s: Scope) -> Lines | None:
    """Functions in a table, or as arguments."""
    callables = [text for text, arity in s.calls if arity == 1]
    if not callables:
        return None
    name = g.fresh(s, "table")
    one = g.rng.choice(callables)
    a = g.integer(s)
    kind = g.rng.randrange(4)
    if kind == 0:
        s.calls.append((f"{name}['f']", 1))
        return [f"{name} = {{'f': {one}, 'g': lambda p: {a}}}"]
    if kind == 1:
        s.calls.append((f"{name}[1]", 1))
        return [f"{name} = [max, {one}]"]
    if kind == 2:
        s.lists.append(name)
        return [f"{name} = list(map({one}, [{a}, {g.number()}]))"]
    s.calls.append((name, 1))
    return [f"def {name}(p, fn={one}):", "    return fn(p)"]


def generate(g: Generator, s: Scope) -> Lines | None:
    """A generator, taken whole or in parts."""
    if s.depth > 1:
        return None
    name, held = g.fresh(s, "gen"), g.fresh(s, "it")
    inner = s.body("p")
    lines = [f"def {name}(p):"]
    lines += [f"    yield {g.integer(inner)}", *g.block(inner, 2, 0.5), f"    yield {g.integer(inner)}"]
    if g.chance(0.4):
        lines += ["    for q in range(2):", f"        yield q + {g.integer(inner, 1)}"]
    if g.chance(0.3):
        lines += ["    yield from (4, p)"]
    if g.chance(0.3):
        lines += [f"    return {g.number()}"]
    kind = g.rng.randrange(4)
    if kind == 0:
        s.lists.append(held)
        return [*lines, f"{held} = list({name}({g.integer(s)}))"]
    if kind == 1:
        value = g.fresh(s)
        lines += [f"{held} = {name}({g.integer(s)})", f"{value} = next({held})"]
        s.integer(value)
        lines += g.statement(s)
        s.reads.append(f"next({held}, 3)")
        return lines
    if kind == 2:
        inner = s.inner(loop=True, depth=s.depth + 1)
        value = g.fresh(s)
        inner.integer(value)
        return [*lines, f"for {value} in {name}({g.integer(s)}):", *leaving(g, inner, g.block(inner, 2), 0.4)]
    s.reads.append(f"sum({name}({g.integer(s, 1)}))")
    return lines


def forward(g: Generator, s: Scope) -> Lines | None:
    """Arguments handed on."""
    if s.depth > 1:
        return None
    name, target = g.fresh(s, "fwd"), g.fresh(s, "f")
    inner = s.body("p", "q")
    lines = [f"def {target}(p, q={g.integer(s, 1)}, **more):", f"    return {g.integer(inner)}"]
    lines += [f"def {name}(*args, **kwargs):"]
    a = g.integer(s, 1)
    lines += [
        f"    {line}"
        for line in g.pick(
            ["return {}(*args, **kwargs)"], [f"kwargs.setdefault('q', {a})", "return {}(*args, **kwargs)"], [f"return {{}}(*args[:1], q={a})"],
            [f"kwargs['q'] = {a}", "return {}(args[0], **kwargs)"], ["args = list(args)", "args[0] += 1", "return {}(*args)"], ["p, *_ = args", "return {}(p, **kwargs)"],
            ["return {}(*args, **{'q': args[-1], **kwargs})"] if g.chance(0.2) else ["return {}(*reversed(args))"],
        )
    ]  # fmt: skip
    lines = [line.replace("{}", target) for line in lines]
    s.calls.append((name, 1))
    return lines


def recurse(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 1:
        return None
    name = g.fresh(s, "rec")
    inner = s.body("p")
    s.calls.append((f"(lambda q: {name}(q % 4))", 1))
    return [
        f"def {name}(p):",
        "    if p <= 0:",
        f"        return {g.integer(s.body(), 1)}",
        f"    return {name}(p - 1) + {g.integer(inner, 1)}",
    ]


def final(g: Generator, s: Scope) -> Lines | None:
    """A function whose ways out cross `finally`, `with` or a loop's `else`."""
    if s.depth > 1:
        return None
    name = g.fresh(s, "f")
    inner = s.body("p")
    inner.guarded = True
    body = g.block(inner, 2)
    s.calls.append((name, 1))
    return [f"def {name}(p):", "    try:", *indented(leaving(g, inner, body, 0.8)), "    except ValueError:", *indented(g.block(inner, 1)), "    finally:",
            *indented(leaving(g, inner, g.block(inner, 2), 0.15)), f"    return {g.integer(inner)}"]  # fmt: skip


def touched(g: Generator, s: Scope) -> Lines | None:
    """Something that is handed to code that is not known."""
    held = [*s.lists, *s.dicts, *s.objects, *s.models]
    if not held or g.unknown <= 0:
        return None
    g.unknown -= 1
    g.need("from outside import touch")
    target = g.rng.choice(held)
    return [g.pick(f"touch({target})", f"touch([{target}])", f"touch(x={target})", f"touch(lambda: {target})")]


def called(g: Generator, s: Scope) -> Lines | None:
    """A function that code that is not known may call."""
    if g.unknown <= 1 or s.depth > 1:
        return None
    g.unknown -= 2
    g.need("from outside import call")
    name = g.fresh(s, "callback")
    inner = s.body()
    return [
        f"def {name}():",
        *declared(g, s, inner),
        *g.block(inner, 2, 0.0),
        f"    return {g.integer(inner, 1)}",
        f"call({name})",
    ]


def asked_number(g: Generator, s: Scope) -> Lines | None:
    """A number that is not known."""
    if g.unknown <= 0:
        return None
    g.unknown -= 1
    name = g.fresh(s)
    g.need("from outside import number")
    s.integer(name)
    return [
        g.pick(
            f"{name} = number()",
            f"{name} = number() + {g.integer(s, 1)}",
            f"{name} = max(number(), {g.number()})",
            f"{name} = {{3: {g.integer(s, 1)}, 7: 4}}[number()]",
        )
    ]


def imported(g: Generator, s: Scope) -> Lines | None:
    """A module that is there or not."""
    if g.unknown <= 0:
        return None
    g.unknown -= 1
    name = g.fresh(s)
    lines = [
        "try:",
        g.pick("    import absent", f"    from absent import width as {name}"),
        *g.block(s, 1),
        f"except {g.pick('ImportError', 'Exception', 'ModuleNotFoundError')}:",
    ]
    s.integer(name)
    return [*lines, f"    {name} = {g.integer(s, 1)}", *g.block(s, 1)]


STATEMENTS: list[tuple[int, Statement]] = [
    (7, define), (4, change_argument), (4, side_effect), (4, closure), (3, short), (3, decorate), (2, table), (3, generate), (2, forward), (1, recurse),
    (3, final), (1, touched), (1, called), (1, asked_number), (1, imported),
]  # fmt: skip
