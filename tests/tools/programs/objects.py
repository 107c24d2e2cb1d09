"""Objects of the program's own classes: Python's data model, as far as a size may come through it."""

from collections.abc import Sequence
from typing import NamedTuple

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
    make = g.pick(_by_property, _by_descriptor, _by_lookup, _by_creation, _by_metaclass, _in_bulk)
    shape = make(g, s, g.integer(s, 1))
    if shape.settable:
        s.objects.append(made)
        s.integer(f"{made}.a")
    s.reads.append(f"{made}.a")
    head = f"class {name}(metaclass=Meta):" if make is _by_metaclass else f"class {name}:"
    return [*shape.before, head, *indented(shape.body), f"{made} = {name}({shape.arguments})"]


class _Shape(NamedTuple):
    """The parts of a class whose objects have an attribute `a`."""

    body: Lines
    before: Sequence[str] = ()
    arguments: str = ""
    settable: bool = True


def _by_property(g: Generator, s: Scope, value: str) -> _Shape:
    body = [
        "def __init__(self):",
        f"    self._a = {value}",
        "@property",
        "def a(self):",
        f"    return self._a + {g.number()}",
    ]
    kind = g.rng.randrange(4)
    if kind == 0:
        return _Shape(body, settable=False)
    if kind == 1:
        g.need("import functools")
        return _Shape(["@functools.cached_property", "def a(self):", f"    return {g.integer(s.body(), 1)}"])
    if kind == 2:
        mangled = [
            "def __init__(self):",
            f"    self.__a = {value}",
            "def get(self):",
            "    return self.__a",
            "a = property(get)",
        ]
        return _Shape(mangled, settable=False)
    return _Shape([*body, "@a.setter", "def a(self, v):", f"    self._a = {g.integer(s.body('v'), 1)}"])


def _by_descriptor(g: Generator, s: Scope, value: str) -> _Shape:
    field = [
        "class Field:",
        "    def __set_name__(self, owner, name):",
        "        self.name = '_' + name",
        "    def __get__(self, obj, owner):",
    ]
    field += [
        f"        return getattr(obj, self.name, {value})",
        "    def __set__(self, obj, v):",
        f"        setattr(obj, self.name, {g.integer(s.body('v'), 1)})",
    ]
    return _Shape(["a = Field()"], field)


def _by_lookup(g: Generator, s: Scope, value: str) -> _Shape:
    if g.chance(0.5):
        return _Shape(
            ["def __getattr__(self, key):", f"    if key == 'a': return {value}", "    raise AttributeError(key)"]
        )
    return _Shape(
        [
            f"a = {value}",
            "def __setattr__(self, key, v):",
            f"    object.__setattr__(self, key, {g.integer(s.body('v'), 1)})",
        ]
    )


def _by_creation(g: Generator, s: Scope, value: str) -> _Shape:
    kind = g.rng.randrange(4)
    if kind == 0:
        return _Shape(["__slots__ = ('a',)", "def __init__(self):", f"    self.a = {value}"])
    if kind == 1:
        return _Shape(
            ["def __new__(cls, *p):", "    made = super().__new__(cls)", f"    made.a = {value}", "    return made"]
        )
    if kind == 2:
        return _Shape([f"a = {g.number()}"], ["def mark(cls):", f"    cls.a = {value}", "    return cls", "@mark"])
    only = [
        "def __new__(cls):",
        "    if cls._only is None:",
        "        cls._only = super().__new__(cls)",
        "    return cls._only",
    ]
    return _Shape([f"a = {value}", "_only = None", *only])


def _by_metaclass(g: Generator, s: Scope, value: str) -> _Shape:
    called = [
        "def __call__(cls, *p):",
        "    made = super().__call__(*p)",
        f"    made.a = {g.integer(s.body(), 1)}",
        "    return made",
    ]
    made = [
        "def __new__(m, name, bases, space):",
        f"    space['a'] = {g.number()}",
        "    return super().__new__(m, name, bases, space)",
    ]
    return _Shape([f"a = {value}"], ["class Meta(type):", *indented(g.pick(called, made))])


def _in_bulk(g: Generator, s: Scope, value: str) -> _Shape:
    if g.chance(0.5):
        return _Shape(["def __init__(self, **k):", "    self.__dict__.update(k)"], arguments=f"a={value}")
    body = ["def __init__(self, k):", "    for key, v in k.items():", "        setattr(self, key, v)"]
    return _Shape(body, arguments=f"{{'a': {value}, 'b': 2}}")


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
            f"for key, v in {{'a': {value}}}.items(): setattr({held}, key, v)", f"{name} = {held}", f"{name} = copy.copy({held})", f"{name} = copy.{'copy' if held == 'self' else 'deepcopy'}({held})",
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
    (5, plain), (4, described), (3, special), (7, change_object), (2, replace_method), (2, options), (1, class_body),
]  # fmt: skip
