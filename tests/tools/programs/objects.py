"""Objects of the program's own classes: Python's data model, as far as a size may come through it."""

from tools.programs.grammar import Generator, Lines, Scope, Statement, indented
from tools.programs.statements import leaving


def plain(g: Generator, s: Scope) -> Lines | None:
    """A class with bases, class attributes and methods, in any mixture, and an object of it."""
    if s.depth > 1:
        return None
    name, base = g.fresh(s, "C"), g.fresh(s, "B")
    inner = s.body("p")
    lines: Lines = []
    bases = ""
    if g.chance(0.5):
        lines += [f"class {base}:", f"    a = {g.integer(s, 1)}", f"    b = {g.number()}"]
        if g.chance(0.6):
            lines += ["    def __init__(self, p=2):", f"        self.{g.pick('a', 'b')} = {g.integer(inner, 1)}"]
        if g.chance(0.4):
            lines += ["    def step(self, p=1):", f"        return self.b + {g.integer(inner, 1)}"]
        if g.chance(0.2):
            lines += ["    def __init_subclass__(cls, **k):", f"        cls.a = {g.number()}"]
        bases = base
        if g.chance(0.3):
            lines += [
                f"class {name}Mixin:",
                *g.pick(
                    ["    b = 7"],
                    [
                        "    def step(self, p=1):",
                        "        return super().step(p) + 1" if g.chance(0.4) else "        return p + 4",
                    ],
                ),
            ]
            bases = g.pick(f"{name}Mixin, {base}", f"{base}, {name}Mixin")
    lines += [f"class {name}({bases}):" if bases else f"class {name}:"]
    lines += indented(_members(g, s, bool(bases)))
    made = g.fresh(s, "o")
    s.objects += [made]
    s.integer(f"{made}.a")
    lines += [f"{made} = {name}({g.pick('', g.integer(s, 1)) if bases == '' or base in bases else ''})"]
    if g.chance(0.3):
        s.integer(f"{name}.a")
        s.objects.append(name)
    if g.chance(0.4):
        s.calls.append((f"{made}.step", g.pick(0, 1)))
    return lines


def _members(g: Generator, s: Scope, based: bool) -> Lines:
    inner = s.body("p")
    lines = [f"a = {g.integer(s, 1)}"]
    if g.chance(0.3):
        lines += [f"b = a + {g.number()}"]
    if g.chance(0.7) or not based:
        lines += ["def __init__(self, p=3):"]
        body = [
            *(["super().__init__(p)"] if based and g.chance(0.7) else []),
            g.pick(f"self.a = {g.integer(inner)}", "self.a = p", f"self.c = {g.integer(inner)}", "self.a += p"),
        ]
        if g.chance(0.3):
            body += g.statement(inner)
        if based and g.chance(0.2):
            body += ["super().__init__()"]
        lines += indented(body)
    if g.chance(0.5):
        lines += g.pick(
            ["def step(self, p=1):", f"    self.a += {g.integer(inner, 1)}", "    return self.a"], ["def step(self, p=1):", f"    return self.a + {g.integer(inner, 1)}"],
            ["@classmethod", "def step(cls, p=1):", "    cls.a = p + 1", "    return cls.a"], ["@staticmethod", "def step(p=1):", f"    return {g.integer(inner, 1)}"],
            ["step = lambda self, p=1: self.a + p"], ["def step(self, p=1):", f"    if {g.test(inner)}:", "        self.a = p", f"    return {g.integer(inner, 1)}"],
        )  # fmt: skip
    return lines


def described(g: Generator, s: Scope) -> Lines | None:
    """A class whose attribute `a` is no plain one."""
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "C"), g.fresh(s, "o")
    inner = s.body("v")
    value = g.integer(s, 1)
    kind = g.rng.randrange(13)
    settable = True
    call = f"{name}()"
    head: Lines = []
    if kind == 0:
        body = [
            "def __init__(self):",
            f"    self._a = {value}",
            "@property",
            "def a(self):",
            f"    return self._a + {g.number()}",
        ]
        settable = g.chance(0.6)
        if settable:
            body += ["@a.setter", "def a(self, v):", f"    self._a = {g.integer(inner, 1)}"]
    elif kind == 1:
        head = [
            "class Field:",
            "    def __set_name__(self, owner, name):",
            "        self.name = '_' + name",
            "    def __get__(self, obj, owner):",
        ]
        head += [
            f"        return getattr(obj, self.name, {value})",
            "    def __set__(self, obj, v):",
            f"        setattr(obj, self.name, {g.integer(inner, 1)})",
        ]
        body = ["a = Field()"]
    elif kind == 2:
        body = ["def __getattr__(self, key):", f"    if key == 'a': return {value}", "    raise AttributeError(key)"]
    elif kind == 3:
        body = ["def __init__(self, **k):", "    self.__dict__.update(k)"]
        call = f"{name}(a={value})"
    elif kind == 4:
        body = ["__slots__ = ('a',)", "def __init__(self):", f"    self.a = {value}"]
    elif kind == 5:
        body = [
            f"a = {value}",
            "def __setattr__(self, key, v):",
            f"    object.__setattr__(self, key, {g.integer(inner, 1)})",
        ]
    elif kind == 6:
        g.need("import functools")
        body = ["@functools.cached_property", "def a(self):", f"    return {g.integer(s.body(), 1)}"]
    elif kind == 7:
        body = ["def __init__(self, k):", "    for key, v in k.items():", "        setattr(self, key, v)"]
        call = f"{name}({{'a': {value}, 'b': 2}})"
    elif kind == 8:
        head = [
            "class Meta(type):",
            "    def __call__(cls, *p):",
            "        made = super().__call__(*p)",
            f"        made.a = {g.integer(s.body(), 1)}",
            "        return made",
        ]
        if g.chance(0.5):
            head = [
                "class Meta(type):",
                "    def __new__(m, name, bases, space):",
                f"        space['a'] = {g.number()}",
                "        return super().__new__(m, name, bases, space)",
            ]
        body = [f"a = {value}"]
    elif kind == 9:
        body = ["def __new__(cls, *p):", "    made = super().__new__(cls)", f"    made.a = {value}", "    return made"]
    elif kind == 10:
        head = ["def mark(cls):", f"    cls.a = {value}", "    return cls", "@mark"]
        body = [f"a = {g.number()}"]
    elif kind == 11:
        body = [
            f"a = {value}",
            "_only = None",
            "def __new__(cls):",
            "    if cls._only is None:",
            "        cls._only = super().__new__(cls)",
            "    return cls._only",
        ]
    else:
        body = [
            "def __init__(self):",
            f"    self.__a = {value}",
            "def get(self):",
            "    return self.__a",
            "a = property(get)",
        ]
        settable = False
    base = "(metaclass=Meta)" if kind == 8 else ""
    if settable:
        s.objects.append(made)
        s.integer(f"{made}.a")
    s.reads.append(f"{made}.a")
    return [*head, f"class {name}{base}:", *indented(body), f"{made} = {call}"]


def special(g: Generator, s: Scope) -> Lines | None:
    """A class with methods that operators and built-in functions call."""
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "C"), g.fresh(s, "o")
    inner = s.body("p")
    a, b = g.integer(s, 1), g.integer(inner, 1)
    body, uses = g.pick(
        (["def __call__(self, p):", f"    return {b}"], ["{}(3)"]),
        (["def __getitem__(self, p):", f"    return self.a + {g.number()}"], ["{}['x']", "{}[0]"]),
        (["def __len__(self):", f"    return {g.number()}"], ["len({})", "(3 if {} else 4)"]),
        (["def __bool__(self):", f"    return {g.pick('True', 'False')}"], ["(3 if {} else 4)", "({} and 5 or 6)"]),
        (["def __iter__(self):", "    yield self.a", f"    yield {g.number()}"], ["sum({})", "list({})[1]", "max(*{})"]),
        (["def __add__(self, p):", "    return self.a + p", "__radd__ = __add__"], ["({} + 2)", "(2 + {})"]),
        (["def __eq__(self, p):", f"    return {g.pick('True', 'False')}"], ["(3 if {} == 2 else 4)"]),
        (["def __contains__(self, p):", "    return p > 3"], ["(3 if 5 in {} else 4)", "(3 if 2 in {} else 4)"]),
        (["def __int__(self):", "    return self.a"], ["int({})"]),
        (["def __index__(self):", "    return self.a"], ["range(30)[{}]"]),
        (["def __iadd__(self, p):", "    self.a += p", "    return self"], ["{}.a"]),
        (["def __matmul__(self, p):", "    return self.a * p"], ["({} @ 2)"]),
        (["def __str__(self):", "    return str(self.a)"], ["int(str({}))", "int(f'{{{}}}')"]),
        (["def __lt__(self, p):", "    return self.a < p"], ["(3 if {} < 5 else 4)", "(3 if {} > 5 else 4)"]),
        (["def __delattr__(self, p):", "    self.a = 5"], ["{}.a"]),
    )  # fmt: skip
    s.reads += [use.format(made) for use in uses]
    s.objects.append(made)
    lines = [
        f"class {name}:",
        "    def __init__(self, a):",
        "        self.a = a",
        *indented(body),
        f"{made} = {name}({a})",
    ]
    if "__iadd__" in body[0]:
        lines += [f"{made} += {g.number()}"]
    if "__delattr__" in body[0]:
        lines += [f"del {made}.zz"]
    return lines


def generated(g: Generator, s: Scope) -> Lines | None:
    """Classes that the standard library makes: dataclass, NamedTuple, Enum, SimpleNamespace, `type`."""
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "C"), g.fresh(s, "o")
    a, b = g.integer(s, 1), g.integer(s, 1)
    kind = g.rng.randrange(9)
    if kind == 0:
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
        call = g.pick(
            f"{name}()",
            f"{name}(a={b})",
            f"{name}(b={a})",
            f"dataclasses.replace({name}(), a={b})",
            f"{name}({a})" if "kw" not in options else f"{name}()",
        )
        lines += [f"{made} = {call}"]
        s.reads += [f"{made}.b", f"dataclasses.asdict({made})['a']"]
        if "frozen" in options:
            s.reads.append(f"{made}.a")
        else:
            s.objects.append(made)
            s.integer(f"{made}.a")
        return lines
    if kind == 1:
        g.need("from typing import NamedTuple")
        lines = [
            f"class {name}(NamedTuple):",
            f"    a: int = {a}",
            f"    b: int = {b}",
            f"{made} = {name}({g.pick('', '4', 'b=4')})",
        ]
        s.reads += [
            f"{made}.a",
            f"{made}[1]",
            f"{made}._replace(a={g.integer(s, 0)}).a",
            f"{made}._asdict()['b']",
            f"sum({made})",
        ]
        return lines
    if kind == 2:
        g.need("import enum")
        lines = [
            f"class {name}(enum.{g.pick('Enum', 'IntEnum')}):",
            f"    A = {a}",
            "    B = 30",
            *g.pick([], ["    @property", "    def width(self):", "        return self.value + 1"]),
        ]
        s.reads += [f"{name}.A.value", f"{name}['A'].value", f"{name}(30).value", f"list({name})[0].value"]
        if len(lines) > 3:
            s.reads.append(f"{name}.A.width")
        return lines
    if kind in {3, 4, 5}:
        g.need("import types")
        lines = [f"{made} = types.SimpleNamespace(a={a}, b={b})"]
        s.objects.append(made)
        s.integer(f"{made}.a", f"{made}.b")
        return lines
    if kind == 6:
        g.need("import collections")
        s.reads += [f"{made}.a", f"{made}[1]", f"{made}._asdict()['a']"]
        return [f"{name} = collections.namedtuple('{name}', 'a b')", f"{made} = {name}({a}, b={b})"]
    if kind == 7:
        s.objects.append(made)
        s.integer(f"{made}.a")
        return [
            f"{name} = type('{name}', (), {{'a': {a}, 'step': lambda self: self.a + 1}})",
            f"{made} = {name}()",
            f"{made}.b = {made}.step()",
        ]
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


def change_object(g: Generator, s: Scope) -> Lines | None:
    if not s.objects:
        return None
    held = g.rng.choice(s.objects)
    value = g.integer(s)
    name = g.fresh(s, "o")
    kind = g.rng.randrange(14)
    lines = [
        (
            f"{held}.a = {value}", f"setattr({held}, 'a', {value})", f"{held}.a += {g.number()}", f"vars({held})['a'] = {value}", f"{held}.__dict__.update(a={value})",
            f"for key, v in {{'a': {value}}}.items(): setattr({held}, key, v)", f"{name} = {held}", f"{name} = copy.copy({held})", f"{name} = copy.deepcopy({held})",
            f"type({held}).a = {value}", f"{held}.__setattr__('a', {value})", f"del {held}.a", f"{held}.fresh = {value}", f"object.__setattr__({held}, 'a', {value})",
        )[kind]
    ]  # fmt: skip
    if kind in {7, 8}:
        g.need("import copy")
    if kind in {6, 7, 8}:
        s.objects.append(name)
        s.integer(f"{name}.a")
    if kind == 11 and g.chance(0.7):
        lines += [f"{held}.a = {g.integer(s, 1)}"]
    if kind == 12:
        s.integer(f"{held}.fresh")
    return lines


def replace_method(g: Generator, s: Scope) -> Lines | None:
    """A class whose method is replaced later, for all objects or for one."""
    if s.depth > 1:
        return None
    name, made = g.fresh(s, "C"), g.fresh(s, "o")
    inner = s.body("p")
    lines = [
        f"class {name}:",
        f"    a = {g.integer(s, 1)}",
        "    def step(self, p=1):",
        f"        return self.a + {g.integer(inner, 1)}",
        f"{made} = {name}()",
    ]
    s.objects.append(made)
    s.calls.append((f"{made}.step", g.pick(0, 1)))
    change = g.pick(
        f"{name}.step = lambda self, p=1: p + {g.number()}", f"{made}.step = lambda p=1: p + {g.number()}", f"{made}.__class__ = type('X', ({name},), {{'a': {g.number()}}})",
        f"setattr({name}, 'step', lambda self, p=1: self.a)", f"{name}.a = property(lambda self: {g.number()})",
    )  # fmt: skip
    return [*lines, *(["if " + g.test(s) + ":", f"    {change}"] if g.chance(0.4) else [change])]


def options(g: Generator, s: Scope) -> Lines | None:
    """argparse, given its arguments."""
    g.need("import argparse")
    parser, made = g.fresh(s, "parser"), g.fresh(s, "args")
    given = g.pick("[]", "['--a', '7']", "['--a=6']", "'--a 5 --b 4'.split()", "", "['--b', '3']")
    lines = [f"{parser} = argparse.ArgumentParser()"]
    more = [f"{parser}.set_defaults(a={g.number()})"] if g.chance(0.25) else []
    add = [f"{parser}.add_argument('--a', type=int, default={g.integer(s, 1)})"]
    extra = g.pick(
        f"{parser}.add_argument('-b', '--b', type=int, default={g.number()})", f"{parser}.add_argument('--b', type=int, choices=[3, 4, {g.number()}], default=4)",
        f"{parser}.add_argument('--b', dest='b', type=lambda t: int(t) + 1, default='{g.number()}')",
    )  # fmt: skip
    order = [*more, *add] if g.chance(0.5) else [*add, *more]
    lines += [*order, extra, f"{made} = {parser}.parse_args({given})"]
    if g.chance(0.2):
        lines[-1] = f"{made}, _ = {parser}.parse_known_args({given})"
    if g.chance(0.3):
        held = g.fresh(s, "d")
        lines += [f"{held} = vars({made})"]
        s.dicts.append(held)
    s.objects.append(made)
    s.integer(f"{made}.a", f"{made}.b")
    return lines


def class_body(g: Generator, s: Scope) -> Lines | None:
    """A class whose body has statements of its own."""
    if s.depth > 1:
        return None
    name = g.fresh(s, "C")
    body = s.inner(function=False, loop=False, guarded=False, walrus=False, depth=2)
    body.outer = []
    body.writes = [place for place in body.writes if not place.isidentifier()]
    body.bare = []
    lines = [f"a = {g.integer(s, 1)}"]
    lines += leaving(
        g,
        body,
        g.pick(
            [f"if {g.test(s)}:", f"    a = {g.number()}"],
            ["for i in range(2):", f"    a += i + {g.number()}"],
            [f"a += {g.number()}"],
        ),
        0,
    )
    s.objects.append(name)
    s.integer(f"{name}.a")
    if s.bare:
        shadow = g.rng.choice(s.bare)
        lines += [f"{shadow} = {g.number()}", f"b = {shadow} + 1", "def get(self):", f"    return {shadow}"]
        s.reads += [f"{name}.b", f"{name}().get()"]
    return [f"class {name}:", *indented(lines)]


STATEMENTS: list[tuple[int, Statement]] = [
    (5, plain), (4, described), (3, special), (5, generated), (7, change_object), (2, replace_method), (2, options), (1, class_body),
]  # fmt: skip
