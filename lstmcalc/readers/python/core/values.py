"""The values that an interpreted program has, and what two of them are together.

A constant of Python, a tuple, a function of a library are themselves: they do not change. Whatever can change is an
`Obj`, a thing with named slots; two names for one thing are then one `Obj`, and no alias is ever lost. Everything
else is `Unknown`, with the names that would settle it.

Not here: how slots change (`heap`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Final, TypeAlias

Value: TypeAlias = object

MAX_NAMES: Final = 8  # names that would settle a value
MAX_PARTS: Final = 20_000  # of a tuple of tuples


class Missing:
    """Nothing: the value of a slot that is not there."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
CONTENT: Final = "@"  # the slot with what is in a list, a dictionary, a set; of an int or str subclass its value
CONSTANTS: Final = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(Ellipsis),
    type(NotImplemented),
    range,
    slice,
)


class Obj:
    """A thing that can change: its identity, its class, and its slots.

    Attributes:
        kind: How it is stored: `scope`, `object`, `list`, `dict`, `set`, `const`, `class`, `function`, `iter`, `array`.
        cls: Its class; None for what has no class of Python's.
        slots: Its attributes, and `CONTENT`.
        birth: Its number, in the order of making.
    """

    __slots__ = ("birth", "cls", "kind", "slots")

    def __init__(self, kind: str, cls: "Class | None", birth: int) -> None:
        self.kind = kind
        self.cls = cls
        self.birth = birth
        self.slots: dict[str, Value] = {}

    def __repr__(self) -> str:
        return f"<{self.kind} {self.birth}>"


class Class(Obj):
    """A class; its attributes are its slots."""

    __slots__ = ("bases", "bound", "mro", "name", "open", "stores")

    def __init__(self, name: str, bases: tuple["Value", ...], birth: int) -> None:
        super().__init__("class", None, birth)
        self.name = name
        self.bases = bases
        self.mro: tuple[Value, ...] = (self,)  # classes, and what is unknown of them
        self.stores = "object"  # the kind of its instances
        self.open: Unknown | None = None  # why its attributes may be others than those that are seen
        self.bound: Scope | None = None  # where it was made, if in a file

    def __repr__(self) -> str:
        return f"<class {self.name}>"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known.

    Attributes:
        names: The names that would settle it, as `--set` takes them.
        may: The things it may be, or lead to.
        alts: All the values that it may be, where these are few; else nothing.
        foreign: Whether it is from code that is not known, which may change what it is given.
        absent: Whether there may be no value at all.
        lstm: Whether it may be a constructor of LSTMs.
        why: A phrase that says more than the names.
    """

    names: tuple[str, ...] = ()
    may: frozenset[Obj] = frozenset()
    alts: tuple[Value, ...] = ()
    foreign: bool = False
    absent: bool = False
    lstm: bool = False
    why: str = ""


class Scope(Obj):
    """The variables of a module, of a class' body, or of one call of a function."""

    __slots__ = ("declared", "defaulted", "frame", "locals", "outer")

    def __init__(self, frame: str, outer: "Scope | None", birth: int) -> None:
        super().__init__("scope", None, birth)
        self.frame = frame  # `module`, `class`, `function` or `comprehension`
        self.outer = outer
        self.locals: frozenset[str] = frozenset()  # the names that are variables of a function
        self.declared: Mapping[str, str] = {}  # `global` or `nonlocal`, by name


@dataclass(frozen=True, slots=True)
class Lib:
    """A name in a library, known by its path: `torch.nn.functional.relu`."""

    path: str


@dataclass(frozen=True, slots=True)
class Bound:
    """A method of a thing."""

    function: Value
    owner: Value


@dataclass(frozen=True, slots=True)
class Partial:
    """A function with some of its arguments."""

    function: Value
    args: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Super:
    """The value that `super()` gives: the classes behind one, for a thing."""

    cls: Class
    owner: Value


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A property, static method or class method: `kind` says which."""

    kind: str
    getter: Value
    setter: Value = None
    deleter: Value = None


class Items:
    """All that is in a dictionary, or in a set; it is never changed.

    Attributes:
        map: The values by key, in order.
        rest: What other keys there may be; None if there are none.
        ordered: Whether the order is known.
    """

    __slots__ = ("map", "ordered", "rest")

    def __init__(self, map_: Mapping[Any, Value], rest: Unknown | None = None, *, ordered: bool = True) -> None:
        self.map = map_
        self.rest = rest
        self.ordered = ordered

    @property
    def whole(self) -> bool:
        """True if all keys are known, and their order."""
        return (
            self.rest is None
            and self.ordered
            and not any(isinstance(value, Unknown) and value.absent for value in self.map.values())
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One LSTM in the order of making."""

    made: tuple[Obj, ...]  # the LSTM; several if branches that exclude each other made one that is the same
    site: object  # the call in the code
    doubts: tuple[str, ...] = ()  # why it is not certain that it is made, and as often
    sure: bool = True


class Log(tuple[Entry, ...]):
    """The LSTMs made so far."""

    __slots__ = ()


def same(one: Value, other: Value) -> bool:
    """True if two values are the same, for whatever may be done with them."""
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, Obj):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Items) and isinstance(other, Items):
        return (
            same(one.rest, other.rest)
            and one.ordered == other.ordered
            and same(tuple(one.map), tuple(other.map))
            and all(map(same, one.map.values(), other.map.values()))
        )
    if isinstance(one, float | complex):
        return repr(one) == repr(other)
    if is_dataclass(one):
        return all(same(getattr(one, item.name), getattr(other, item.name)) for item in fields(one))
    return bool(one == other)


def things(value: Value) -> frozenset[Obj]:
    """The things that a value is, or that its parts are."""
    return frozenset(_things(value))


def _things(value: Value) -> Iterator[Obj]:
    if isinstance(value, Obj):
        yield value
    elif isinstance(value, Unknown):
        yield from value.may
        for item in value.alts:
            yield from _things(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _things(item)
    elif isinstance(value, Items):
        for key, item in value.map.items():
            yield from _things(key)
            yield from _things(item)
        yield from _things(value.rest)
    elif is_dataclass(value):
        for name in value.__dataclass_fields__:
            yield from _things(getattr(value, name))


def bounded(value: Value) -> Value:
    """A tuple, unless it has too many parts on all levels together."""
    left, level = MAX_PARTS, [value]
    while level:
        left -= len(level)
        if left < 0:
            return Unknown()
        level = [item for part in level if isinstance(part, tuple) for item in part]
    return value


def is_constant(value: Value) -> bool:
    """True if a value is a constant of Python's, with all its parts."""
    return isinstance(value, CONSTANTS) or (type(value) is tuple and all(map(is_constant, value)))


def unknown_of(*values: Value, names: tuple[str, ...] = (), why: str = "") -> Unknown:
    """The value that follows from others of which one is unknown, in a way that is not known."""
    return Unknown(
        merged_names(names, *(item.names for item in values if isinstance(item, Unknown))),
        frozenset().union(*map(things, values)),
        foreign=any(isinstance(item, Unknown) and item.foreign for item in values),
        why=why,
    )


def merged_names(*names: tuple[str, ...]) -> tuple[str, ...]:
    """All names, each once, as many as are kept."""
    return tuple(dict.fromkeys(name for part in names for name in part))[:MAX_NAMES]


class Linked:
    """A note of a library that leads to things: a copy of what has it has a note that leads to the copies."""

    __slots__ = ()

    def with_parts(self, change: Callable[[Value], Value]) -> "Linked":
        """The same note of other things."""
        del change
        return self


class Equatable(ABC):
    """All that is known of how a thing was made. Where it was not made, nothing leads to it."""

    def equals(self, other: object) -> bool:
        """True if another is known to be the same."""
        return self is other

    @abstractmethod
    def either(self, other: object, names: tuple[str, ...]) -> "Equatable":
        """All that is known if it is this or another, as the test of these names decides."""


@dataclass(slots=True)
class Args:
    """The arguments of a call.

    Attributes:
        pos: Those by position.
        kw: Those by name.
        rest: Further ones by position that are not known, behind `pos`.
        more: Further ones by name that are not known.
        tainted: Those that are defaults which a caller can change: names, and places counted from the last.
    """

    pos: list[Value] = field(default_factory=list)
    kw: dict[str, Value] = field(default_factory=dict)
    rest: Unknown | None = None
    more: Unknown | None = None
    tainted: frozenset[int | str] = frozenset()

    @property
    def known(self) -> bool:
        """True if it is known which arguments there are."""
        return self.rest is None and self.more is None

    @property
    def all(self) -> list[Value]:
        """All values."""
        more = [item for item in (self.rest, self.more) if item is not None]
        return [*self.pos, *self.kw.values(), *more]
