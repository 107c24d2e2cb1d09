"""Code around models, as scripts have it: the command line, the environment, caches, counters, registries, early returns."""

from tools.programs.grammar import Generator, Lines, Scope, Statement, indented

# --- the world


def command_line(g: Generator, s: Scope) -> Lines | None:
    """Arguments of the command line, of which there may be any number."""
    if g.unknown <= 1:
        return None
    g.unknown -= 2
    g.need("import sys")
    name = g.fresh(s)
    a = g.integer(s, 1)
    ways = [
        ["if len(sys.argv) < 2:", f"    sys.exit({g.pick('1', repr('usage'), '')})", f"{name} = int(sys.argv[1])"],
        [f"{name} = int(sys.argv[1]) if len(sys.argv) > 1 else {a}"],
        ["try:", f"    {name} = int(sys.argv[1])", f"except {g.pick('IndexError', 'Exception', '(IndexError, ValueError)')}:", f"    {name} = {a}"],
        [f"{name} = {a}", "for arg in sys.argv[1:]:", f"    {name} += int(arg)"],
        ["args = sys.argv[1:]", f"{name} = int(args[0]) if args else {a}"],
        ["script, *given = sys.argv", f"{name} = len(given) + {a}"],
        [f"{name} = {a} if '5' in sys.argv else {g.number()}"],
        [f"{name} = len(sys.argv) > 1 and int(sys.argv[1]) or {a}"],
        ["sys.argv.append('6')", f"{name} = int(sys.argv[-1])"],
        ["sys.argv = ['train.py', '7']", f"{name} = int(sys.argv[1])"],
        ["def usage():", "    print('usage')", f"    {g.pick('sys.exit(2)', 'raise SystemExit')}", "if len(sys.argv) > 2: usage()", f"{name} = {a}"],
        [f"{name} = {a} if len(sys.argv) == 1 else {a}"],
        [f"{name} = {g.number()}", "while len(sys.argv) > 1:", f"    {name} = int(sys.argv.pop()) + {a}"],
    ]  # fmt: skip
    s.integer(name)
    return g.rng.choice(ways)


def environment(g: Generator, s: Scope) -> Lines | None:
    if g.unknown <= 0:
        return None
    g.unknown -= 1
    g.need("import os")
    name = g.fresh(s)
    a = g.integer(s, 1)
    ways = [
        [f"{name} = int(os.environ.get('WIDTH', {a}))"],
        [f"{name} = int(os.getenv('WIDTH') or {a})"],
        [f"{name} = {a} if 'DEBUG' in os.environ else {g.number()}"],
        ["os.environ['WIDTH'] = '4'", f"{name} = int(os.environ['WIDTH']) + {a}"],
        ["os.environ.setdefault('WIDTH', '6')", f"{name} = int(os.environ['WIDTH'])"],
        ["try:", f"    {name} = int(os.environ['WIDTH'])", "except KeyError:", f"    {name} = {a}"],
        [f"{name} = {a}", "if os.getenv('DEBUG'):", f"    {name} = {g.number()}"],
        [f"{name} = {a} if os.environ.get('LOCAL_RANK') is None else {a}"],
    ]
    s.integer(name)
    return g.rng.choice(ways)


def parsed(g: Generator, s: Scope) -> Lines:
    """argparse in one expression, in a function, in groups."""
    g.need("import argparse")
    make, made = g.fresh(s, "options"), g.fresh(s, "args")
    a, b = g.integer(s, 1), g.integer(s, 1)
    add = g.pick(
        [f"p.add_argument('--a', type=int, default={a})"],
        ["group = p.add_argument_group('model')", f"group.add_argument('--a', type=int, default={a})"],
        [f"p.add_argument('--a', type=int, default={a})", f"p.set_defaults(a={b})"],
        [f"p.add_argument('--a', type=int, nargs='?', default={a}, const=3)"],
        [f"for key, value in {{'a': {a}, 'c': 2}}.items():", "    p.add_argument('--' + key, default=value, type=int)"],
        [f"p.add_argument('--width', dest='a', type=int, default={a})"],
        ["group = p.add_mutually_exclusive_group()", f"group.add_argument('--a', type=int, default={a})", "group.add_argument('--c', action='store_true')"],
    )  # fmt: skip
    more = g.pick(
        [],
        ["p.add_argument('--fast', action='store_true')"],
        ["p.add_argument('--slow', action='store_false', dest='fast')"],
        ["p.add_argument('--sizes', type=int, nargs='+', default=[3, 4])"],
    )
    lines = [f"def {make}():", "    p = argparse.ArgumentParser()", *indented([*add, *more]), "    return p"]
    given = g.pick("", "[]", "['--a', '6']" if "'--a'" in "".join(add) else "[]")
    kind = g.rng.randrange(4)
    if kind == 0:
        s.reads.append(f"{make}().parse_args({given}).a")
        return lines
    if kind == 1:
        value = g.fresh(s)
        s.integer(value)
        return [*lines, f"{value} = {make}().parse_known_args({given})[0].a"]
    lines += [f"{made} = {make}().parse_args({given})"]
    s.objects.append(made)
    s.integer(f"{made}.a")
    if kind == 2:
        lines += [g.pick(f"{made}.a += {b}", f"vars({made}).update(a={b})", f"{made} = argparse.Namespace(**vars({made}))",
                         f"{made} = argparse.Namespace(**{{**vars({made}), 'a': {b}}})", f"{made}.b = {made}.a * 2")]  # fmt: skip
    if more and "fast" in more[0] and g.chance(0.5):
        s.reads.append(f"(3 if {made}.fast else 4)")
    return lines


def guard(g: Generator, s: Scope) -> Lines:
    """Lines that scripts begin with."""
    g.need("import sys")
    lines = [
        "if sys.version_info < (3, 6): sys.exit('too old')", "if __name__ != '__main__': raise ImportError", "print('start', file=sys.stderr)",
        "DEBUG = False", "if 0: h = 30", "assert True, 'never'", "__all__ = ['main']", "try: unicode\nexcept NameError: unicode = str",
        "if sys.platform == 'none': sys.exit(1)", "sys.setrecursionlimit(5000)", "import warnings; warnings.filterwarnings('ignore')",
        "import logging; logging.basicConfig(level=logging.INFO); log = logging.getLogger(__name__); log.info('x')",
        "import random; random.seed(0)", "import torch; torch.manual_seed(1)", "import time; began = time.time()", "from pathlib import Path; root = Path('data')",
    ]  # fmt: skip
    return g.rng.choice(lines).split("\n")


# --- functions


def returned(g: Generator, s: Scope) -> Lines | None:
    """A function that returns early what is changed later, by itself, by a caller or in between."""
    if s.depth > 1:
        return None
    name, held, other = g.fresh(s, "build"), g.fresh(s, "held"), g.fresh(s, "other")
    a = g.integer(s, 1)
    kind = g.rng.randrange(3)
    new = (f"{{'a': {a}, 'b': 2}}", f"[{a}, 2]", f"Made({a})")[kind]
    place = ("q['a']", "q[0]", "q.a")[kind]
    inner = s.body("p")
    value = g.integer(inner, 1)
    change = f"{place} = {value}" if g.chance(0.5) else f"{place} += {value}"
    body = g.pick(
        [f"if {g.test(inner)}: return q", change, "return q"],
        ["try:", f"    if {g.test(inner)}: return q", f"    {change}", "finally:", f"    {place} += 1", "return q"],
        ["for i in range(3):", f"    if {g.test(inner)}: return q", f"    {change}", "return q"],
        [f"if {g.test(inner)}:", f"    {change}", "    return q", f"{place} = {g.number()}", "return q"],
        ["kept.append(q)", f"if {g.test(inner)}: return kept[0]", change, "return q"],
        ["while True:", f"    if {g.test(inner)}: return q", f"    {change}", f"    if {place} > 4: break", "return q"],
    )
    lines = ["class Made:", "    def __init__(self, a): self.a = a"] if kind == 2 else []
    start = [f"q = {new}"] if g.chance(0.6) else [f"q = shared{'' if g.chance(0.5) else ' if p else ' + new}"]
    lines += [f"shared, kept = {new}, []", f"def {name}(p={g.integer(s, 1)}):", *indented([*start, *body])]
    late = place.replace("q", held, 1)
    lines += [f"{held} = {name}()", f"{other} = {g.pick(held, f'{name}()', 'shared', f'{name}(0)')}"]
    lines += [
        g.pick(
            f"{late} += {g.number()}", f"{late} = {g.integer(s, 1)}", f"{place.replace('q', 'shared', 1)} += 1", "pass"
        )
    ]
    places = [place.replace("q", text, 1) for text in (held, other)]
    s.integer(*places)
    (s.dicts, s.lists, s.objects)[kind].extend([held, other])
    return lines


def remembered(g: Generator, s: Scope) -> Lines | None:
    """A cache: what is returned is what is kept."""
    if s.depth > 1:
        return None
    name, cache = g.fresh(s, "get"), g.fresh(s, "cache")
    a = g.integer(s.body("p"), 1)
    held = g.fresh(s, "held")
    lines = g.pick(
        [f"{cache} = {{}}", f"def {name}(p=2):", f"    if p in {cache}:", f"        return {cache}[p]", f"    {cache}[p] = [{a}, p]", f"    return {cache}[p]"],
        [f"{cache} = {{}}", f"def {name}(p=2):", f"    return {cache}.setdefault(p, [{a}, 1])"],
        [f"def {name}(p=2, {cache}={{}}):", f"    if p not in {cache}: {cache}[p] = [{a}, 1]", f"    return {cache}[p]"],
        [f"{cache} = None", f"def {name}(p=2):", f"    global {cache}", f"    if {cache} is None:", f"        {cache} = [{a}, 1]", f"    return {cache}"],
        ["import functools", f"@functools.lru_cache(maxsize={g.pick('None', '128', '1')})", f"def {name}(p=2):", f"    return [{a}, 1]"],
        [f"def {name}(p=2, {cache}=[4]):", f"    if len({cache}) < 5: {cache}.append({a})", f"    return {cache}"],
    )  # fmt: skip
    lines += [
        f"{held} = {name}({g.pick('', '2', '3')})",
        f"{held}[0] += {g.number()}",
        *(["pass"] if g.chance(0.5) else [f"{name}(3)"]),
    ]
    s.lists.append(held)
    s.reads += [f"{name}()[0]", f"{name}(3)[0]", f"len({held})"]
    return lines


def counter(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 1:
        return None
    name, count = g.fresh(s, "step"), g.fresh(s, "count")
    a = g.number()
    lines = g.pick(
        [f"{count} = {a}", f"def {name}(by=1):", f"    global {count}", f"    {count} += by", f"    return {count}"],
        ["import itertools", f"{count} = itertools.count({a})", f"def {name}(by=1):", f"    return next({count}) + by"],
        [f"class {count}:", f"    n = {a}", f"def {name}(by=1):", f"    {count}.n += by", f"    return {count}.n"],
        [f"def {name}(by=1):", f"    {name}.n += by", f"    return {name}.n", f"{name}.n = {a}"],
        [f"def outer{count}():", f"    n = {a}", "    def step(by=1):", "        nonlocal n", "        n += by", "        return n", "    return step", f"{name} = outer{count}()"],
        [f"{count} = [{a}]", f"def {name}(by=1):", f"    {count}[0] += by", f"    return {count}[0]"],
        ["import collections", f"{count} = collections.Counter()", f"def {name}(by=1):", f"    {count}['n'] += by", f"    return {count}['n']"],
    )  # fmt: skip
    s.calls += [(name, 0), (name, 1)]
    asked = g.test(s) if g.chance(0.5) else ""
    return [*lines, f"if {asked}: {name}()" if asked else f"{name}({g.integer(s, 0)})"]


def starred(g: Generator, s: Scope) -> Lines | None:
    """Arguments with stars, at both ends."""
    if s.depth > 1:
        return None
    name, held = g.fresh(s, "pairs"), g.fresh(s, "held")
    a, b = g.integer(s, 1), g.integer(s, 1)
    lines = g.pick(
        [f"def {name}(*sizes, last=3):", "    return [i + o for i, o in zip(sizes, [*sizes[1:], last])]", f"{held} = {name}(2, *[{a}, {b}])"],
        [f"def {name}(first, *rest, **more):", "    return [first, len(rest), *more.values()]", f"{held} = {name}(*({a}, 2), **{{'c': {b}}})"],
        [f"def {name}(a=1, b=2, *, c=3):", "    return [a, b, c]", f"{held} = {name}(**dict(zip('abc', ({a}, {b}, 4))))"],
        [f"{name} = lambda *p, **k: [*p, *k.values()]", f"{held} = {name}({a}, x={b})"],
        [f"first, *{held} = {name} = [{a}, {b}, 5]"],
        [f"def {name}(*p): return p", f"{held} = [*{name}(*range(2, 4), {a}), *{name}()]"],
    )  # fmt: skip
    s.lists.append(held)
    s.reads += [f"{held}[0]", f"{held}[-1]"]
    return lines


def registry(g: Generator, s: Scope) -> Lines | None:
    """Classes that are found by a name."""
    if s.depth > 1:
        return None
    held, base, made = g.fresh(s, "registry"), g.fresh(s, "Base"), g.fresh(s, "o")
    a, b = g.integer(s, 1), g.integer(s, 1)
    bodies = [[f"    a = {a}"], ["    def __init__(self, p=3):", f"        self.a = {g.integer(s.body('p'), 1)}"]]
    one, two = g.pick(*bodies), [f"    a = {b}"]
    names = (f"{base}One", f"{base}Two")
    key = g.pick("One", "Two")
    if g.chance(0.3):
        asked = g.open()
        key_text = f"('{base}One' if {asked} else '{base}Two')" if asked else f"'{base}{key}'"
    else:
        key_text = f"'{base}{key}'"
    kind = g.rng.randrange(6)
    if kind == 0:
        lines = [
            f"{held} = {{}}",
            f"class {base}:",
            "    def __init_subclass__(cls, **k):",
            f"        {held}[cls.__name__] = cls",
        ]
        lines += [f"class {names[0]}({base}):", *one, f"class {names[1]}({base}):", *two]
        find = f"{held}[{key_text}]"
    elif kind == 1:
        lines = [f"{held} = {{}}", f"def add{held}(cls):", f"    {held}[cls.__name__] = cls", "    return cls"]
        lines += [f"@add{held}", f"class {names[0]}:", *one, f"@add{held}", f"class {names[1]}:", *two]
        find = f"{held}[{key_text}]"
    elif kind == 2:
        lines = [f"class {names[0]}:", *one, f"class {names[1]}:", *two]
        find = f"globals()[{key_text}]"
    elif kind == 3:
        lines = [f"class {base}: pass", f"class {names[0]}({base}):", *one, f"class {names[1]}({base}):", *two]
        find = f"{{cls.__name__: cls for cls in {base}.__subclasses__()}}[{key_text}]"
    elif kind == 4:
        lines = [f"class {base}:", "    known = {}", "    @classmethod", "    def register(cls, name):", "        def put(made):", "            cls.known[name] = made",
                 "            return made", "        return put", "    @classmethod", "    def make(cls, name, *p):", "        return cls.known[name](*p)"]  # fmt: skip
        lines += [
            f"@{base}.register('{names[0]}')",
            f"class {names[0]}:",
            *one,
            f"@{base}.register('{names[1]}')",
            f"class {names[1]}:",
            *two,
        ]
        s.objects.append(made)
        s.integer(f"{made}.a")
        return [*lines, f"{made} = {base}.make({key_text})"]
    else:
        lines = [
            f"class {names[0]}:",
            *one,
            f"class {names[1]}:",
            *two,
            f"{held} = {{c.__name__: c for c in ({', '.join(names)})}}",
        ]
        find = f"{held}.get({key_text}, {names[1]})"
    s.objects.append(made)
    s.integer(f"{made}.a")
    return [*lines, f"{made} = {find}()"]


def training(g: Generator, s: Scope) -> Lines | None:
    """A loop as training scripts have it: the best so far, early stopping, a schedule."""
    if s.depth > 1:
        return None
    best, rate = g.fresh(s), g.fresh(s)
    a = g.integer(s, 1)
    inner = s.inner(loop=True, depth=s.depth + 2)
    asked = g.test(inner)
    lines = g.pick(
        [f"{best}, {rate} = 0, {a}", "for epoch in range(4):", f"    if {asked}:", f"        {best} = epoch + {g.number()}", f"    elif epoch - {best} > 1:", "        break", f"    {rate} += 1"],
        [f"{best} = {rate} = {a}", "patience = 2", "while patience > 0:", f"    {rate} += 1", f"    if {asked}:", f"        {best} = {rate}", "    patience -= 1"],
        [f"{rate}, {best} = {a}, None", "for step, batch in enumerate([(1, 2), (3, 4)]):", f"    if {best} is None or batch[0] > {best}:", f"        {best} = batch[1]", f"    if {asked}: continue", f"    {rate} = {rate} + step"],
        [f"{rate} = {a}", f"while ({best} := {rate} % 5) > 1:", f"    {rate} += {g.pick(1, 2)}", f"    if {asked}: break"],
        [f"{best} = {rate} = {a}", "for phase in ('train', 'eval'):", "    if phase == 'train':", f"        {rate} += 1", f"    elif {asked}:", f"        {best} = {rate}"],
        [f"{rate} = {a}", f"{best} = 3", "for epoch in range(2):", "    try:", f"        if {asked}: raise KeyboardInterrupt", f"        {best} += 1", "    except KeyboardInterrupt:", f"        {rate} = {best}", "        break"],
    )  # fmt: skip
    s.integer(best, rate)
    return lines


def chosen(g: Generator, s: Scope) -> Lines | None:
    """A name that decides: by `if`, by `match`, by a table, by `getattr`."""
    if s.depth > 1:
        return None
    name, kind = g.fresh(s), g.fresh(s, "kind")
    a, b = g.integer(s, 1), g.integer(s, 1)
    asked = g.open()
    text = f"'small' if {asked} else 'large'" if asked else g.pick("'small'", "'large'", "'none'")
    lines = g.pick(
        [f"if {kind} == 'small':", f"    {name} = {a}", f"elif {kind} in ('large', 'huge'):", f"    {name} = {b}", "else:", f"    raise ValueError({kind})"],
        [f"match {kind}:", "    case 'small':", f"        {name} = {a}", "    case 'large' | 'huge':", f"        {name} = {b}", "    case other:", f"        {name} = len(other)"],
        [f"{name} = {{'small': {a}, 'large': {b}}}.get({kind}, 6)"],
        [f"def pick{kind}(kind):", "    if kind.startswith('s'):", f"        return {a}", "    if kind.endswith('e'):", f"        return {b}", f"    return {g.number()}", f"{name} = pick{kind}({kind})"],
        [f"{name} = {a} if {kind} == 'small' else {b} if {kind} == 'large' else 5"],
        [f"class sizes{kind}:", f"    small, large = {a}, {b}", f"{name} = getattr(sizes{kind}, {kind}, 4)"],
        [f"{name} = {{'small': lambda: {a}, 'large': lambda: {b}}}.get({kind}, lambda: 7)()"],
        [f"assert {kind} in ('small', 'large', 'none')", f"{name} = len({kind}) + {a}"],
        [f"match ({kind}, {a}):", f"    case ('small', {name}): pass", f"    case (_, int() as {name}) if {name} > 3: {name} += 1", f"    case _: {name} = {b}"],
    )  # fmt: skip
    s.integer(name)
    return [f"{kind} = {text}", *lines]


def leave(g: Generator, s: Scope) -> Lines | None:
    """A `main` whose value is the exit code."""
    if s.depth > 0 or s.function or not g.chance(0.3):
        return None
    g.need("import sys")
    name = g.fresh(s, "check")
    inner = s.body()
    body = [
        *g.block(inner, 2, 0.5),
        f"    if {g.test(inner)}: return {g.pick('1', '0')}",
        f"    return {g.pick('0', 'None', '2')}",
    ]
    return [f"def {name}():", *body, g.pick(f"if {name}(): sys.exit(1)", f"code = {name}()\nif code: sys.exit(code)", f"assert not {name}()")]  # fmt: skip


def looked_at(g: Generator, s: Scope) -> Lines | None:
    """A class, an object and a function whose own attributes are read."""
    if s.depth > 1:
        return None
    name, made, function = g.fresh(s, "Kind"), g.fresh(s, "o"), g.fresh(s, "f")
    a = g.integer(s, 1)
    lines = [
        f"class {name}:",
        *g.pick(['    """A text."""'], []),
        f"    a = {a}",
        "    def step(self, p=4): return self.a + p",
    ]
    lines += [f"class {name}More({name}):", f"    b = {g.number()}"] if g.chance(0.6) else []
    lines += [f"{made} = {name}()", f"def {function}(p, q={g.number()}, *, r=2): return p"]
    s.objects.append(made)
    s.integer(f"{made}.a")
    s.reads += [
        g.pick(
            f"len({name}.__mro__)", f"len({name}.mro())", f"len({name}.__name__)", f"len({name}.__bases__)", f"(3 if {name}.__doc__ else 4)",
            f"len(type({made}).__name__)", f"({made}.__sizeof__() > 0) + 2", f"len({name}.__subclasses__()) + 1", f"({made} == {made}) + 3",
            f"{function}.__code__.co_argcount", f"len({function}.__name__)", f"{function}.__defaults__[0]", f"{function}.__kwdefaults__['r']",
            f"{name}.step.__defaults__[0]", f"{made}.step.__func__({made}, 2)", f"{made}.step.__self__.a", f"({made}.__eq__({made}) is True) + 2",
            f"(3 if {made}.__doc__ else 4)", f"{made}.__getattribute__('a')", f"len({name}.__qualname__)", f"({name}.__module__ == '__main__') + 3",
            f"{name}.__dict__['a']", f"{name}.__call__().a", f"({name}.__instancecheck__({made})) + 2", f"len({made}.__class__.__mro__)",
        )
        for _ in range(3)
    ]  # fmt: skip
    return lines


def decorated(g: Generator, s: Scope) -> Lines | None:
    """Functions under decorators of libraries, and methods under those of Python."""
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "f"), g.fresh(s, "o")
    inner = s.body("p")
    value = g.integer(inner, 1)
    kind = g.rng.randrange(4)
    if kind < 2:
        g.need("import torch")
        s.calls.append((name, 1))
        return [
            g.pick("@torch.no_grad()", "@torch.no_grad", "@torch.inference_mode()"),
            f"def {name}(p):",
            *g.block(inner, 1, 0.5),
            f"    return {value}",
        ]
    if kind == 2:
        g.need("import torch")
        return ["with torch.no_grad():", *g.block(s, 2, 1.0)]
    g.need("import abc")
    s.objects.append(made)
    s.integer(f"{made}.a")
    s.calls += [(f"{made}.step", 1), (f"{made}.make", 1)]
    s.reads.append(f"{made}.twice")
    return [
        f"class {name}(abc.ABC):", "    @abc.abstractmethod", "    def step(self, p): ...", "    @property", "    def twice(self): return self.a * 2",
        "    @staticmethod", f"    def make(p): return {value}", "    @classmethod", "    def new(cls, a):", "        made = cls()", "        made.a = a", "        return made",
        f"class {name}Real({name}):", f"    a = {g.number()}", "    def step(self, p): return self.a + p", f"{made} = {name}Real.new({g.integer(s, 1)})",
    ]  # fmt: skip


STATEMENTS: list[tuple[int, Statement]] = [
    (2, command_line), (2, environment), (2, parsed), (2, guard), (5, returned), (3, remembered), (3, counter), (2, starred),
    (3, registry), (3, training), (3, chosen), (1, leave), (2, looked_at), (3, decorated),
]  # fmt: skip
