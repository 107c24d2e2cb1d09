"""Statements: bindings, branches, loops, and paths that leave."""

from tools.programs.grammar import Generator, Lines, Scope, Statement, indented

# --- bindings


def assign(g: Generator, s: Scope) -> Lines:
    value = g.integer(s)
    name = g.fresh(s)
    other = g.fresh(s)
    kind = g.rng.randrange(8)
    if kind == 0:
        lines = [f"{name} = {other} = {value}"]
        s.integer(other)
    elif kind == 1 and name != other:
        lines = [f"{name}, {other} = {value}, {g.integer(s)}"]
        s.integer(other)
    elif kind == 2 and name != other:
        rest = g.fresh(s, "rest")
        lines = [f"{name}, *{rest}, {other} = [{value}, {g.integer(s)}, {g.integer(s)}, 4]"]
        s.integer(other)
        s.lists.append(rest)
    elif kind == 3:
        lines = [f"{name}: int = {value}"]
    elif kind == 4 and name != other:
        lines = [f"({name}, ({other}, _)) = {value}, ({g.integer(s)}, 0)"]
        s.integer(other)
    else:
        lines = [f"{name} = {value}"]
    s.integer(name)
    return lines


def rebind(g: Generator, s: Scope) -> Lines | None:
    if not s.writes:
        return None
    place = g.rng.choice(s.writes)
    other = g.rng.choice(s.writes)
    value = g.integer(s)
    if "(" in place:
        return [f"{place} = {value}"]
    return [
        g.pick(
            f"{place} = {value}", f"{place} = {value}", f"{place} += {g.number()}", f"{place} += {value}", f"{place} *= 2", f"{place} |= {g.number()}",
            f"{place} -= 1", f"{place} %= 7", f"{place}, {other} = {other}, {place}", f"{place} = {other}", f"for {place} in range({g.number()}): pass",
            f"[{place}, _] = ({value}, 0)", f"{place} = {place} + 1", f"{place} //= 2",
        )
    ]  # fmt: skip


def remove(g: Generator, s: Scope) -> Lines | None:
    """Unbind a name, and bind it again or handle that it is unbound."""
    if not s.bare:
        return None
    name = g.rng.choice(s.bare)
    handler = ["try:", f"    {name}", "except NameError:", f"    {name} = {g.integer(s.inner(), 0)}"]
    again = [f"{name} = {g.number()}"]
    asked = g.open()
    gone = [f"if {asked}:", f"    del {name}"] if asked else [f"del {name}"]
    return [*gone, *g.pick(handler, again)]


# --- branches


def branch(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 3:
        return None
    lines = [f"if {g.test(s)}:", *leaving(g, s, g.block(s))]
    if g.chance(0.25):
        lines += [f"elif {g.test(s)}:", *leaving(g, s, g.block(s))]
    if g.chance(0.5):
        lines += ["else:", *leaving(g, s, g.block(s))]
    return lines


def leaving(g: Generator, s: Scope, block: Lines, share: float = 0.25) -> Lines:
    """A block that now and then ends by leaving."""
    if not g.chance(share):
        return block
    ways = [
        *(["return {}"] * 2 if s.function else []),
        *(["break", "continue"] if s.loop else []),
        *(["raise ValueError", "raise KeyError('a')", "raise ValueError({})"] if s.guarded else []),
    ]
    if not ways:
        return [*block, "    raise SystemExit"] if s.depth == 0 and g.chance(0.2) else block
    return [*block, f"    {g.rng.choice(ways).format(g.integer(s, 1))}"]


def choose(g: Generator, s: Scope) -> Lines | None:
    """A `match`."""
    if s.depth > 2:
        return None
    name = g.fresh(s, "m")
    a = g.integer(s)
    kind = g.rng.randrange(4)
    bound = s.inner()
    if kind == 0:
        head, cases = f"match {a} % 3:", ["case 0:", "case 1 | 2:"]
    elif kind == 1:
        head, cases = (
            f"match [{a}, {g.integer(s)}]:",
            [f"case [{name}, {g.number()}]:", f"case [_, {name}] if {name} > 3:", f"case [{name}, *_]:"],
        )
        bound.integer(name)
    elif kind == 2:
        held = g.rng.choice(s.dicts) if s.dicts else f"{{'a': {a}}}"
        head, cases = f"match {held}:", [f"case {{'a': {name}}} if {name} > 4:", f"case {{'a': int() as {name}}}:"]
        bound.integer(name)
    else:
        asked = g.open() or "True"
        head, cases = f"match {asked}:", ["case True:", f"case {name}:"]
    lines = [head]
    for case in cases:
        lines += indented([case, *leaving(g, s, g.block(bound, 2))])
    if g.chance(0.6) and not cases[-1].startswith(f"case {name}:"):
        lines += indented(["case _:", *g.block(s, 2)])
    if kind in {1, 2} and g.chance(0.4):
        s.reads.append(name)
    return lines


# --- loops


def loop(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 2:
        return None
    name = g.fresh(s)
    key = g.fresh(s, "k")
    kind = g.rng.randrange(8)
    held = g.rng.choice(s.lists) if s.lists else f"[{g.integer(s)}, {g.integer(s)}]"
    mapping = g.rng.choice(s.dicts) if s.dicts else f"{{'a': {g.integer(s)}}}"
    heads = (
        f"for {name} in range(3):", f"for {name} in range(1, {g.integer(s)} % 4 + 1):", f"for {name} in list({held}):", f"for {key}, {name} in enumerate({held}[:3]):",
        f"for {key}, {name} in list({mapping}.items()):", f"for {name}, {key} in zip({held}[:], (4, 5)):", f"for {name} in ({g.integer(s)}, {g.integer(s)}):",
        f"for {name} in {held}[:3]:",
    )  # fmt: skip
    inner = s.inner(loop=True, depth=s.depth + 1)
    inner.integer(name)
    lines = [heads[kind], *leaving(g, inner, g.block(inner), 0.4)]
    if g.chance(0.25):
        lines += indented(
            [f"if {g.test(inner)}:", f"    {g.pick('break', 'continue')}", *[line[4:] for line in g.block(inner, 2)]]
        )
    if g.chance(0.25):
        lines += ["else:", *leaving(g, s, g.block(s, 2))]
    if g.chance(0.5):
        s.integer(name)
    if g.chance(0.3):
        s.learn(inner)
    return lines


def repeat(g: Generator, s: Scope) -> Lines | None:
    """A `while`, which a counter of its own bounds."""
    if s.depth > 2:
        return None
    count = g.fresh(s, "n")
    inner = s.inner(loop=True, depth=s.depth + 1)
    inner.reads.append(count)
    asked = g.open()
    test = g.pick(f"{count} < 3", f"{count} < {g.number()} % 4", f"{count} < 3 and {g.known(s)}", "True")
    if asked:
        test = f"{count} < 2 and {asked}" if g.chance(0.5) else asked
    lines = [f"{count} = 0", f"while {test}:", f"    {count} += 1"]
    if test == "True" or (asked and test == asked):
        lines += [f"    if {count} > {g.pick(1, 2, 3)}:", "        break"]
    lines += leaving(g, inner, g.block(inner), 0.4)
    if g.chance(0.3):
        lines += ["else:", *leaving(g, s, g.block(s, 2))]
    s.reads.append(f"({count} + 1)")
    if g.chance(0.3):
        s.learn(inner)
    return lines


def live(g: Generator, s: Scope) -> Lines | None:
    """A list that grows while a loop goes through it."""
    if not s.lists:
        return None
    held = g.rng.choice(s.lists)
    name = g.fresh(s)
    s.integer(name)
    return [
        f"for {name} in {held}:",
        f"    if len({held}) > {g.pick(2, 3, 5)}:",
        "        break",
        f"    {held}.append({name} + {g.number()})",
    ]


# --- exceptions and contexts


def attempt(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 2:
        return None
    inner = s.inner(guarded=True, depth=s.depth + 1)
    body = g.block(inner, 3, 1.0)
    if g.chance(0.7):
        asked = g.open()
        risk = g.pick(
            "raise ValueError",
            "raise KeyError",
            "{}['q']",
            "[][0]",
            "undefined_name",
            "1 // 0",
            "int('x')",
            "None.a",
            "raise ValueError(3)",
        )
        risk = risk.format("{}")
        line = (
            f"    if {asked}: {risk}"
            if asked and risk.startswith("raise")
            else f"    {risk}"
            if g.chance(0.7)
            else f"    if {g.known(s)}: {risk}"
        )
        if g.chance(0.15) and g.unknown > 0:
            g.unknown -= 1
            g.need("from outside import risky")
            line = "    risky()"
        at = g.rng.randint(0, len(body))
        while at < len(body) and (
            body[at].startswith("     ") or body[at].strip().startswith(("elif", "else", "except", "finally", "case"))
        ):
            at += 1
        body = [*body[:at], line, *body[at:], *g.block(inner, 2)]
    lines = ["try:", *leaving(g, inner, body)]
    kind = g.rng.randrange(4)
    if kind:
        caught = g.pick(
            "ValueError",
            "Exception",
            "(ValueError, KeyError)",
            "KeyError",
            "Exception as e",
            "LookupError",
            "ValueError as e",
        )
        lines += [f"except {caught}:", *leaving(g, s, g.block(s, 2))]
        if g.chance(0.4):
            lines += ["except Exception:", *leaving(g, s, g.block(s, 2))]
        if g.chance(0.3):
            lines += ["else:", *leaving(g, s, g.block(inner, 2))]
    if kind == 0 or g.chance(0.3):
        lines += ["finally:", *leaving(g, s, g.block(s, 2), 0.1)]
    if g.chance(0.6):
        s.learn(inner)
    return lines if kind else lines if s.guarded else ["try:", *indented(lines), "except Exception:", *g.block(s, 2)]


def context(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 2:
        return None
    name = g.fresh(s)
    inner = s.inner(depth=s.depth + 1)
    kind = g.rng.randrange(4)
    if kind == 0:
        g.need("import contextlib")
        inner.integer(name)
        s.integer(name)
        return [f"with contextlib.nullcontext({g.integer(s)}) as {name}:", *leaving(g, inner, g.block(inner, 3, 1.0))]
    if kind == 1:
        g.need("import contextlib")
        inner.guarded = True
        lines = ["with contextlib.suppress(ValueError, KeyError):", *leaving(g, inner, g.block(inner), 0.6)]
        s.learn(inner)
        return lines
    if kind == 2:
        g.need("import contextlib")
        maker, held = g.fresh(s, "ctx"), g.rng.choice(s.dicts) if s.dicts else f"{{'a': {g.number()}}}"
        inner.integer(name)
        s.integer(name)
        lines = [
            "@contextlib.contextmanager",
            f"def {maker}(p):",
            f"    {held}.setdefault('a', 2)" if "{" not in held else "    pass",
        ]
        lines += [
            "    try:",
            "        yield p + 1",
            "    finally:",
            f"        {held}['a'] = p" if "{" not in held else "        pass",
        ]
        return [*lines, f"with {maker}({g.integer(s)}) as {name}:", *leaving(g, inner, g.block(inner))]
    maker = g.fresh(s, "Ctx")
    inner.guarded = True
    inner.integer(name)
    lines = [
        f"class {maker}:",
        "    a = 1",
        "    def __enter__(self):",
        f"        self.a = {g.integer(s.body(), 1)}",
        "        return self.a",
    ]
    lines += [
        "    def __exit__(self, *e):",
        f"        {maker}.a = {g.number()}",
        f"        return {g.pick('True', 'False', 'e[0] is ValueError')}",
    ]
    lines += [f"with {maker}() as {name}:", *leaving(g, inner, g.block(inner), 0.5)]
    s.integer(f"{maker}.a")
    s.learn(inner)
    return lines


def through_globals(g: Generator, s: Scope) -> Lines | None:
    """Names of the module, bound by what looks like something else."""
    if not s.outer:
        return None
    name = g.rng.choice(s.outer)
    value = g.integer(s)
    kinds = [
        f"globals()['{name}'] = {value}",
        f"globals().update({name}={value})",
        f"globals().update({{'{name}': {value}}})",
    ]
    if not s.function:
        kinds += [
            f"vars()['{name}'] = {value}",
            f"exec('{name} = {g.number()}')",
            f"import math as {name}; {name} = {value}",
        ]
    return [g.rng.choice(kinds)]


def run_text(g: Generator, s: Scope) -> Lines | None:
    """Text that is run: it sees what the code around it sees, and binds there what lasts, or does not."""
    name = g.rng.choice(s.bare) if s.bare and g.chance(0.6) else g.fresh(s)
    value = g.integer(s, 1)
    kind = g.rng.randrange(4)
    if kind == 0:
        return [f"exec({f'{name} = {value}'!r})", f"{g.fresh(s)} = {g.integer(s, 1)}"]
    if kind == 1:
        held = g.fresh(s)
        lines = [f"{held} = {{'{name}': {g.number()}}}", f"exec({f'{name} = {name} + {value}'!r}, globals(), {held})"]
        s.integer(name)
        return [*lines, f"{name} = {held}['{name}']"]
    if kind == 2:
        made = g.fresh(s)
        s.integer(made)
        return [f"{made} = eval({value!r})"]
    if not s.outer:
        return None
    g.need("import timeit")
    changed = g.rng.choice(s.outer)
    text = f"global {changed}\n{changed} = {changed} + {g.number()}"
    return [f"timeit.timeit({text!r}, globals=globals(), number={g.rng.randrange(3)})"]


STATEMENTS: list[tuple[int, Statement]] = [
    (8, assign), (9, rebind), (1, remove), (9, branch), (2, choose),
    (5, loop), (3, repeat), (1, live), (5, attempt), (3, context), (1, through_globals), (1, run_text),
]  # fmt: skip
