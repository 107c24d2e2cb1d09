"""Statements: bindings, branches, loops, paths that leave, and changes of lists and dicts through any of their names."""

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


# --- lists and dicts


def make_list(g: Generator, s: Scope) -> Lines:
    name = g.fresh(s, "xs")
    a, b = g.integer(s), g.integer(s)
    old = g.rng.choice(s.lists) if s.lists else f"[{b}, {a}]"
    text = g.pick(
        f"[{a}, {b}, {g.number()}]", f"list(range({g.number()}, {g.number()} + 9))", f"[{a}, *{old}]", f"{old}", f"{old}", f"{old}[:]", f"list({old})",
        f"{old}.copy()", f"sorted([{a}, {b}])", f"{old} + [{a}]", f"[{a}] * 3", f"[q + 1 for q in {old}]", f"list(map(lambda q: q + 1, {old}))",
        f"[q for q in {old} if q > 3] or [{a}]", f"list(reversed({old}))", f"[{a}, {b}][::-1]", f"list(({a}, {b}))", f"list({{{a}: 0, {b}: 1}})",
    )  # fmt: skip
    s.lists.append(name)
    if g.chance(0.5):
        s.integer(f"{name}[0]")
    return [f"{name} = {text}"]


def change_list(g: Generator, s: Scope) -> Lines | None:
    if not s.lists:
        return None
    held = g.rng.choice(s.lists)
    value = g.integer(s)
    name = g.fresh(s)
    lines = [
        g.pick(
            f"{held}.append({value})", f"{held}.insert(0, {value})", f"{held}.extend([{value}])", f"{held}[0] = {value}", f"{held}[-1] += {g.number()}",
            f"{held}.sort()", f"{held}.reverse()", f"{held} += [{value}]", f"{held}[:] = [{value}, {g.number()}]", f"{held}[1:] = [{value}]",
            f"{held}.pop()", f"{name} = {held}.pop(0)", f"del {held}[0]", f"{held} *= 2", f"{held}[0], {held}[-1] = {held}[-1], {held}[0]",
            f"{held}.remove({held}[0])", f"{held}.clear()", f"{name}, *_ = {held}", f"{held}[len({held}):] = [{value}]", f"list.append({held}, {value})",
            f"[{held}.append(q) for q in (1, {value})]", f"{held}.__setitem__(0, {value})", f"(lambda q: q.append({value}))({held})",
            f"add = {held}.append; add({value})", f"for _ in range(2): {held}.append(_ + {value})",
        )
    ]  # fmt: skip
    if lines[0].startswith(f"{name}"):
        s.integer(name)
    elif ".pop()" in lines[0] or "del " in lines[0] or "remove" in lines[0] or "clear" in lines[0]:
        lines.append(f"{held}.append({g.integer(s, 1)})")
    return lines


def make_dict(g: Generator, s: Scope) -> Lines:
    name = g.fresh(s, "d")
    a, b = g.integer(s), g.integer(s)
    old = g.rng.choice(s.dicts) if s.dicts else f"{{'a': {b}}}"
    if g.chance(0.2):
        g.need("import collections")
        kind = g.pick("OrderedDict", "defaultdict", "ChainMap", "Counter")
        text = {"defaultdict": "defaultdict(int, ", "ChainMap": "ChainMap({}, "}.get(kind, f"{kind}(")
        text = f"collections.{text}{{'a': {a}}})"
    else:
        text = g.pick(
            f"{{'a': {a}, 'b': {b}}}", f"dict(a={a}, b={b})", f"dict(zip('ab', ({a}, {b})))", f"{{**{old}, 'b': {b}}}", f"{old}", f"{old}", f"{old}.copy()",
            f"dict({old})", f"dict.fromkeys('ab', {a})", f"{{k: {a} for k in 'ab'}}", f"dict([('a', {a}), ('b', {b})])", f"{old} | dict(b={b})",
            f"{{'a': {a}}} if {g.test(s, 0.4)} else {{'a': {b}, 'b': 4}}", f"{{k: v for k, v in {old}.items()}}",
        )  # fmt: skip
    s.dicts.append(name)
    if g.chance(0.6):
        s.integer(f"{name}['a']")
    return [f"{name} = {text}"]


def change_dict(g: Generator, s: Scope) -> Lines | None:
    if not s.dicts:
        return None
    held = g.rng.choice(s.dicts)
    value = g.integer(s)
    name = g.fresh(s)
    lines = [
        g.pick(
            f"{held}['a'] = {value}", f"{held}.update(a={value})", f"{held}.update({{'a': {value}}})", f"{held}['a'] += {g.number()}",
            f"{held}.setdefault('a', {value})", f"{held}.setdefault('z', {value})", f"{held} |= {{'a': {value}}}", f"{name} = {held}.pop('a', {value})",
            f"{held}.update([('a', {value})])", f"for k in {held}: {held}[k] = {value}", f"for k in list({held}): {held}[k] += 1",
            f"{held}[''.join(['a'])] = {value}", f"{held}.__setitem__('a', {value})", f"(lambda q: q.update(a={value}))({held})", f"del {held}['a']",
            f"{held}.clear()", f"{held}['z'] = {value}", f"{held}.update(zip('az', [{value}, 3]))", f"dict.update({held}, a={value})",
            f"k = 'a'; {held}[k] = {value}", f"{name} = {held}.pop('a')",
        )
    ]  # fmt: skip
    if lines[0].startswith(f"{name} ="):
        s.integer(name)
    if "pop(" in lines[0] or "del " in lines[0] or "clear" in lines[0]:
        lines.append(f"{held}.setdefault('a', {g.integer(s, 1)})")
    return lines


def nest(g: Generator, s: Scope) -> Lines:
    """Something changeable within something changeable, and another name for the inner one."""
    name, inner = g.fresh(s, "n"), g.fresh(s, "inner")
    a, b = g.integer(s), g.integer(s)
    kind = g.rng.randrange(4)
    if kind == 0:
        lines = [f"{name} = {{'x': {{'a': {a}}}, 'y': [{b}, {a}]}}", f"{inner} = {name}['x']"]
        s.dicts += [inner, f"{name}['x']"]
        s.lists.append(f"{name}['y']")
        s.integer(f"{name}['x']['a']", f"{inner}['a']")
    elif kind == 1:
        old = g.rng.choice(s.lists) if s.lists else f"[{a}]"
        lines = [f"{name} = [{old}, [{b}]]", f"{inner} = {name}[0]"]
        s.lists += [inner, f"{name}[0]", f"{name}[-1]"]
        s.integer(f"{name}[0][0]")
    elif kind == 2:
        old = g.rng.choice(s.dicts) if s.dicts else f"{{'a': {a}}}"
        lines = [f"{name} = [{old}] * 2", f"{inner} = {name}[1]"]
        s.dicts += [inner, f"{name}[0]"]
        s.integer(f"{name}[0]['a']")
    else:
        old = g.rng.choice(s.dicts) if s.dicts else f"{{'a': {a}}}"
        g.need("import copy")
        lines = [f"{name} = {{'x': {old}}}", f"{inner} = copy.{g.pick('copy', 'deepcopy')}({name})['x']"]
        s.dicts += [inner, f"{name}['x']"]
        s.integer(f"{inner}['a']")
    return lines


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


STATEMENTS: list[tuple[int, Statement]] = [
    (8, assign), (9, rebind), (1, remove), (4, make_list), (6, change_list), (4, make_dict), (6, change_dict), (2, nest), (9, branch), (2, choose),
    (5, loop), (3, repeat), (1, live), (5, attempt), (3, context), (1, through_globals),
]  # fmt: skip
