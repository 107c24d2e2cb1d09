"""Lists and dicts: made, changed through any of their names, and within each other."""

from tools.programs.grammar import Generator, Lines, Scope, Statement


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


STATEMENTS: list[tuple[int, Statement]] = [
    (4, make_list), (6, change_list), (4, make_dict), (6, change_dict), (2, nest),
]  # fmt: skip
