"""The frame of a random program: names in scope, expressions and tests, and blocks of statements.

A program is made of the statements of `statements`, `functions`, `objects`, `layers`, each of which uses what stands in the
scope and adds what it binds: so the size of an LSTM comes through whatever the program happens to do. Some programs
are nonsense and end in an exception; those are not asked about.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

T = TypeVar("T")
Lines = list[str]


@dataclass
class Scope:
    """The names that a statement may use: texts of expressions, by what they stand for."""

    reads: list[str] = field(default_factory=list)  # integers
    writes: list[str] = field(default_factory=list)  # places that hold an integer
    bare: list[str] = field(default_factory=list)  # those of them that are names of this very scope
    outer: list[str] = field(default_factory=list)  # names of the module, for `global`
    lists: list[str] = field(default_factory=list)
    dicts: list[str] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)  # with an attribute `a` that can be set
    calls: list[tuple[str, int]] = field(default_factory=list)  # functions of integers that give one, with their arity
    makers: list[tuple[str, int]] = field(default_factory=list)  # functions of integers that make LSTMs
    models: list[str] = field(default_factory=list)  # modules of PyTorch
    function: bool = False
    loop: bool = False
    guarded: bool = False  # within a `try`
    walrus: bool = True
    depth: int = 0  # of blocks

    def inner(self, **changes: bool | int) -> "Scope":
        """A copy, for a block: what it binds does not get out by itself."""
        lists = {name: list(held) for name, held in vars(self).items() if isinstance(held, list)}
        return replace(self, **lists, **changes)  # type: ignore[arg-type]

    def body(self, *parameters: str) -> "Scope":
        """The scope of a function's body. Names around it can be read; assigning to them would make them local."""
        inner = self.inner(function=True, loop=False, guarded=False, walrus=True, depth=self.depth + 1)
        inner.writes = [place for place in inner.writes if not place.isidentifier()]
        inner.bare = []
        for parameter in parameters:
            inner.drop(parameter)
            inner.integer(parameter)
        return inner

    def integer(self, *places: str) -> None:
        """Note places that hold an integer."""
        for place in places:
            for held in (self.reads, self.writes, *([self.bare] if place.isidentifier() else [])):
                if place not in held:
                    held.append(place)
            if place.isidentifier() and not self.function and place not in self.outer:
                self.outer.append(place)

    def drop(self, name: str) -> None:
        """Forget what a name stood for."""
        for held in (self.reads, self.writes, self.bare, self.lists, self.dicts, self.objects, self.models):
            held[:] = [text for text in held if text != name and not text.startswith((f"{name}.", f"{name}["))]

    def learn(self, other: "Scope") -> None:
        """Take over what a block has bound."""
        for name, held in vars(other).items():
            if isinstance(held, list):
                mine = getattr(self, name)
                mine += [item for item in held if item not in mine]


class Generator:
    """One random program in the making."""

    def __init__(self, seed: int, vocabulary: "Vocabulary", unknown: int = 3) -> None:
        self.rng = random.Random(seed)  # noqa: S311
        self.imports: dict[str, None] = {}  # in order
        self.statements, self.integers, self.tests = vocabulary
        self.unknown = unknown if self.rng.random() < 0.5 else 0  # unknown tests that may still be written
        self.names = 0

    # --- drawing

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def pick(self, *items: T) -> T:
        return self.rng.choice(items)

    def number(self) -> str:
        return str(self.rng.randint(1, 9))

    def fresh(self, scope: Scope, prefix: str = "v") -> str:
        """A new name; for an integer now and then one that this scope has already."""
        if prefix == "v" and scope.bare and self.chance(0.3):
            return self.rng.choice(scope.bare)
        if prefix == "v" and scope.function and scope.outer and self.chance(0.1):
            name = self.rng.choice(scope.outer)
            if name not in scope.reads:
                return name
        self.names += 1
        return f"{prefix}{self.names}"

    def need(self, line: str) -> None:
        self.imports[line] = None

    # --- expressions

    def integer(self, scope: Scope, depth: int = 2) -> str:
        """An expression that gives an integer."""
        if depth <= 0 or self.chance(0.4):
            return self.rng.choice(scope.reads) if scope.reads and self.chance(0.8) else self.number()
        return self.rng.choice(self.integers)(self, scope, depth - 1)

    def arguments(self, scope: Scope, arity: int, depth: int = 1) -> str:
        return ", ".join(self.integer(scope, depth) for _ in range(arity))

    def known(self, scope: Scope, depth: int = 1) -> str:
        """A test whose outcome follows from the program."""
        return self.rng.choice(self.tests)(self, scope, depth - 1)

    def open(self) -> str | None:
        """A test whose outcome does not follow from the program, if there may be one more."""
        if self.unknown <= 0:
            return None
        self.unknown -= 1
        kind = self.rng.randrange(6)
        if kind < 3:
            self.need("from outside import flag")
            return "flag()"
        if kind == 3:
            self.need("import os")
            return "os.path.exists('settings.json')"
        if kind == 4:
            self.need("import random")
            return "random.random() < 0.5"
        self.need("import torch")
        return "torch.cuda.is_available()"

    def test(self, scope: Scope, unknown: float = 0.6) -> str:
        """A test, known or not."""
        asked = self.open() if self.chance(unknown) else None
        if asked is None:
            return self.known(scope)
        kind = self.rng.randrange(8)
        if kind == 0:
            return f"{asked} and {self.known(scope)}"
        if kind == 1:
            return f"{asked} or {self.known(scope)}"
        return f"not {asked}" if kind == 2 else asked

    # --- statements

    def statement(self, scope: Scope) -> Lines:
        """One statement that fits the scope."""
        weights = [weight for weight, _ in self.statements]
        for _ in range(20):
            _, make = self.rng.choices(self.statements, weights)[0]
            lines = make(self, scope)
            if lines:
                return lines
        return ["pass"]

    def block(self, scope: Scope, most: int = 3, leak: float = 0.4) -> Lines:
        """Statements, indented; `scope` learns of what they bind now and then, though it may be unbound."""
        inner = scope.inner(depth=scope.depth + 1)
        lines = [line for _ in range(self.rng.randint(1, most)) for line in self.statement(inner)]
        if self.chance(leak):
            scope.learn(inner)
        return indented(lines)


Statement = Callable[[Generator, Scope], Lines | None]  # none if it does not fit the scope
Expression = Callable[[Generator, Scope, int], str]  # the last is how deep it may be


class Vocabulary(NamedTuple):
    """The parts that programs are made of."""

    statements: Sequence[tuple[int, Statement]]  # with how often each is wanted
    integers: Sequence[Expression]
    tests: Sequence[Expression]


def indented(lines: Lines) -> Lines:
    return [f"    {line}" for line in lines]
