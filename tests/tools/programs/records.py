"""Classes that the standard library makes: dataclasses, tuples with names, enums, namespaces; and built-in bases."""

from tools.programs.grammar import Generator, Lines, Scope, Statement


def data_class(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "C"), g.fresh(s, "o")
    a, b = g.integer(s, 1), g.integer(s, 1)
    g.need("import dataclasses")
    options = g.pick("", "(frozen=True)", "(order=True)", "(kw_only=True)", "(eq=False)")
    lines = [f"@dataclasses.dataclass{options}", f"class {name}:", f"    a: int = {a}", f"    b: int = {b}"]
    if g.chance(0.3) and not options:
        lines += ["    def __post_init__(self):", f"        self.a += {g.number()}"]
    if g.chance(0.3):
        lines += ["    xs: list = dataclasses.field(default_factory=lambda: [1, 2])"]
        s.lists.append(f"{made}.xs")
    if g.chance(0.3):
        lines += [
            f"@dataclasses.dataclass{options}",
            f"class {name}2({name}):",
            f"    c: int = {g.number()}",
            f"    a: int = {g.number()}",
        ]
        name = f"{name}2"
    calls = [f"{name}()", f"{name}(a={b})", f"{name}(b={a})", f"dataclasses.replace({name}(), a={b})"]
    lines += [f"{made} = {g.pick(*calls, *([] if 'kw' in options else [f'{name}({a})']))}"]
    s.reads += [f"{made}.a", f"{made}.b", f"dataclasses.asdict({made})['a']"]
    if "frozen" not in options:
        s.objects.append(made)
        s.integer(f"{made}.a")
    return lines


def named_tuple(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "C"), g.fresh(s, "o")
    a, b = g.integer(s, 1), g.integer(s, 1)
    s.reads += [f"{made}.a", f"{made}[1]", f"{made}._asdict()['b']", f"sum({made})"]
    if g.chance(0.5):
        g.need("import collections")
        return [f"{name} = collections.namedtuple('{name}', 'a b')", f"{made} = {name}({a}, b={b})"]
    g.need("from typing import NamedTuple")
    s.reads.append(f"{made}._replace(a={g.integer(s, 0)}).a")
    return [
        f"class {name}(NamedTuple):",
        f"    a: int = {a}",
        f"    b: int = {b}",
        f"{made} = {name}({g.pick('', '4', 'b=4')})",
    ]


def enumeration(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 1:
        return None
    name = g.fresh(s, "C")
    g.need("import enum")
    lines = [f"class {name}(enum.{g.pick('Enum', 'IntEnum')}):", f"    A = {g.integer(s, 1)}", "    B = 30"]
    s.reads += [f"{name}.A.value", f"{name}['A'].value", f"{name}(30).value", f"list({name})[0].value"]
    if g.chance(0.5):
        lines += ["    @property", "    def width(self):", "        return self.value + 1"]
        s.reads.append(f"{name}.A.width")
    return lines


def namespace(g: Generator, s: Scope) -> Lines:
    made = g.fresh(s, "o")
    g.need("import types")
    s.objects.append(made)
    s.integer(f"{made}.a", f"{made}.b")
    return [f"{made} = types.SimpleNamespace(a={g.integer(s, 1)}, b={g.integer(s, 1)})"]


def made_by_type(g: Generator, s: Scope) -> Lines | None:
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "C"), g.fresh(s, "o")
    space = f"{{'a': {g.integer(s, 1)}, 'step': lambda self: self.a + 1}}"
    s.objects.append(made)
    s.integer(f"{made}.a")
    return [f"{name} = type('{name}', (), {space})", f"{made} = {name}()", f"{made}.b = {made}.step()"]


def built_in(g: Generator, s: Scope) -> Lines | None:
    """A class derived from a built-in one."""
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "C"), g.fresh(s, "o")
    a, b = g.integer(s, 1), g.integer(s, 1)
    kinds = (
        [f"class {name}(dict):", "    def __getattr__(self, key):", "        return self[key]", "    __setattr__ = dict.__setitem__", f"{made} = {name}(a={a})"],
        [f"class {name}(dict):", "    def __missing__(self, key):", f"        return {a}", f"{made} = {name}(b=2)"],
        [f"class {name}(list):", "    @property", "    def a(self):", "        return self[0] + 1", f"{made} = {name}([{a}, {b}])"],
        [f"class {name}(int):", "    @property", "    def a(self):", "        return self + 1", f"{made} = {name}({a})"],
    )  # fmt: skip
    number = g.rng.randrange(4)
    s.reads += [f"{made}['a']"] if number == 1 else [f"{made}.a"]
    if number == 0:
        s.dicts.append(made)
        s.integer(f"{made}.a")
    return kinds[number]


STATEMENTS: list[tuple[int, Statement]] = [
    (2, data_class), (2, named_tuple), (1, enumeration), (2, namespace), (1, made_by_type), (1, built_in),
]  # fmt: skip
