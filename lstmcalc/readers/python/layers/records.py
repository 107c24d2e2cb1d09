"""LSTMs that a program makes: what their constructors were given, in order of making.

Not here: what they are called (`results.naming`), and the records that readers give (`reading`).
"""

import ast
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.constructors import CONSTRUCTORS, RELATIVES
from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.joins import joined
from lstmcalc.readers.python.core.machine import Frame
from lstmcalc.readers.python.core.values import Args, Entry, Equatable, Log, Obj, Unknown, Value, same
from lstmcalc.readers.python.libraries.standard import Standard

BY_NAME: Final = {
    name: [item for item in CONSTRUCTORS if name in item.names] for item in CONSTRUCTORS for name in item.names
}
OTHER: Final = "?"  # an LSTM that is not known whole: of another library, or perhaps none


@dataclass(frozen=True, slots=True, eq=False)
class Record(Equatable):
    """All that is known of an LSTM when it is made."""

    constructor: Constructor | None  # None for one that is not understood
    given: Mapping[str, Value]  # its arguments, by name
    places: Mapping[str, ast.AST]  # where each stands
    call: ast.AST  # where it is made
    name: str  # what is called
    unseen: Unknown | None = None  # further arguments that are not seen
    tainted: frozenset[str] = frozenset()  # the arguments that are defaults which a caller can change
    frames: tuple[Frame, ...] = ()
    dtype: Value = "float32"  # the default dtype as it was made
    problem: str = ""
    extra: Mapping[str, Value] = field(default_factory=dict)

    def equals(self, other: object) -> bool:
        """True if another is made alike."""
        if not isinstance(other, Record) or self.constructor is not other.constructor or self.constructor is None:
            return False
        known = not any(isinstance(value, Unknown | Obj) for value in (*self.given.values(), *other.given.values()))
        alike = self.given.keys() == other.given.keys() and all(
            same(value, other.given[key]) for key, value in self.given.items()
        )
        return known and alike and self.unseen is None and other.unseen is None and same(self.dtype, other.dtype)

    def either(self, other: object, names: tuple[str, ...]) -> "Record":
        """All that is known if it was made in this way or in another."""
        if not isinstance(other, Record) or self.constructor is not other.constructor:
            why = f"{self.name} or something else"
            return replace(self, constructor=None, given={}, places={}, unseen=Unknown(names, why=why))
        either = Unknown(names)
        given = {
            name: joined(self.given.get(name, either), other.given.get(name, either), names)
            for name in {**self.given, **other.given}
        }
        places = {name: node for name, node in self.places.items() if other.places.get(name) is node}
        return replace(
            self,
            given=given,
            places=places,
            unseen=self.unseen or other.unseen,
            tainted=self.tainted | other.tainted,
            dtype=joined(self.dtype, other.dtype, names),
        )


class Records(Standard):
    """Keeps the LSTMs that are made."""

    def __init__(self, settings: Mapping[str, Value], asked: dict[str, None]) -> None:
        super().__init__(settings, asked)
        self.relatives: list[tuple[ast.AST, str]] = []  # what is no LSTM, by its call
        self.problems: list[tuple[ast.AST, str, str, str]] = []  # calls that cannot be: place, what, expected, hint
        self.doubts: list[str] = []  # why there may be more LSTMs
        self.uses: dict[int, list[tuple[ast.AST, Value]]] = {}

    def record_call(
        self,
        made: Obj,
        constructor: Constructor,
        arguments: tuple[Mapping[str, Value], Mapping[str, ast.AST]],
        call: ast.AST,
        args: Args,
        *,
        name: str = "",
        dtype: Value = "float32",
    ) -> None:
        """Note an LSTM that a call has made.

        Args:
            made: The LSTM.
            constructor: What was called.
            arguments: Its arguments by name, and where they stand.
            call: Where it is called.
            args: All that it was given, what is not seen too.
            name: What is called; by default as the call has it.
            dtype: The default dtype.
        """
        given, places = arguments
        if args.more or args.rest or any(isinstance(value, Unknown) for value in given.values()):
            self.may_raise()  # as for a size of 0
        name = name or (shown(call) if isinstance(call, ast.Call) else constructor.names[0])
        tainted = frozenset(name for name in given if name in places and self.is_tainted(places[name]))
        unseen, frames = args.more or args.rest, tuple(self.frames)
        self.record(made, Record(constructor, given, places, call, name, unseen, tainted, frames, dtype))

    def record(self, made: Obj, record: Record) -> None:
        """Note an LSTM."""
        known = "@lstm" in made.slots
        noted = self.noted_calls.get(record.call, frozenset())
        names = record.constructor.positional if record.constructor is not None else ()
        noted |= {names[item] for item in noted if isinstance(item, int) and item < len(names)}
        record = replace(record, tainted=record.tainted | {name for name in record.given if name in noted})
        self.put(made, "@lstm", record)
        self.put(made, "@dtype", self.dtype_of(record))
        if not known:
            self._log(made, record)

    def _log(self, made: Obj, record: Record) -> None:
        log = self.world.slots["made"]
        if isinstance(log, Log):
            self.spend(len(log) // 32)
            self.put(self.world, "made", Log([*log, Entry((made,), record.call)]))

    def was_copied(self, made: Value) -> None:
        """Note a copy of an LSTM, which is one more, made like the first."""
        if isinstance(made, Unknown):
            if any("@lstm" in thing.slots for thing in self.reach(made.may)):
                self.perhaps_lstm(Unknown(made.names, why="what is copied is not known"), Args(), self.here)
        elif isinstance(made, Obj) and isinstance(record := made.slots.get("@lstm"), Record):
            made.slots.pop("@input", None)  # nothing was passed to the copy
            self._log(made, record)

    @abstractmethod
    def dtype_of(self, record: Record) -> Value:
        """The dtype that an LSTM is made with."""

    def open_record(self, thing: Obj) -> None:
        """Say that the arguments of an LSTM are not known."""
        record = thing.slots.get("@lstm")
        if isinstance(record, Record):
            unseen = Unknown(why="what a generator reads that is changed while it runs")
            self.put(thing, "@lstm", replace(record, given={}, unseen=unseen))

    def perhaps_lstm(self, function: Unknown, args: Args, node: ast.AST) -> None:
        """Note a call of something that may construct an LSTM."""
        shown = ast.unparse(node.func) if isinstance(node, ast.Call) else "it"
        made = Obj("object", None, self.born())
        self.record(made, Record(None, {}, {}, node, shown, unseen=function, frames=tuple(self.frames)))
        del args

    def doubt_all(self, why: str) -> None:
        """Say that there may be more LSTMs than those that are found."""
        if why not in self.doubts:
            self.doubts.append(why)

    def arguments_of(
        self, constructor: Constructor, args: Args, node: ast.AST
    ) -> tuple[dict[str, Value], dict[str, ast.AST]]:
        """The arguments of a construction by name, and where they stand.

        Raises:
            Leave: They do not fit.
        """
        names = constructor.positional
        given: dict[str, Value] = {}
        nodes = node.args if isinstance(node, ast.Call) else []
        direct = not any(isinstance(item, ast.Starred) for item in nodes) and isinstance(node, ast.Call)
        shift = len(args.pos) - len(nodes) if direct else 0
        places: dict[str, ast.AST] = {}
        for place, value in enumerate(args.pos):
            if place >= len(names):
                at = nodes[place - shift] if direct and 0 <= place - shift < len(nodes) else node
                self.problem(
                    at,
                    f"too many arguments of {shown(node)}",
                    f"at most {len(names)} without a name: {', '.join(names)}",
                    str(len(args.pos)),
                )
                break
            given[names[place]] = plain(value)
            if direct and shift == 0:
                places[names[place]] = nodes[place]
        keywords = {item.arg: item for item in node.keywords} if isinstance(node, ast.Call) else {}
        for name, value in args.kw.items():
            keyword = keywords.get(name)
            if name not in constructor.arguments:
                self.problem(
                    keyword or node,
                    f"unknown argument {name} of {shown(node)}",
                    f"one of {', '.join(constructor.arguments)}",
                    name,
                )
                continue
            if name in given:
                self.problem(
                    keyword.value if keyword else node,
                    f"argument {name} of {shown(node)} is given twice",
                    "it once",
                    "",
                )
                continue
            given[name] = plain(value)
            if keyword is not None:
                places[name] = keyword.value
        return given, places

    def problem(self, node: ast.AST, what: str, expected: str, found: str) -> None:
        """Note arguments that do not fit, and leave as Python does.

        Raises:
            Leave: Always.
        """
        if not self.guards:
            self.problems.append((node, what, expected, found))
        self.throw("TypeError", what)

    def relative(self, node: ast.AST, name: str) -> None:
        """Note a layer that is no LSTM, and is one of its relatives."""
        if name in RELATIVES and all(node is not known for known, _ in self.relatives):
            self.relatives.append((node, name))


def shown(node: ast.AST) -> str:
    """The name of what is called, as the code has it."""
    if not isinstance(node, ast.Call):
        return "it"
    return ast.unparse(node.func)
