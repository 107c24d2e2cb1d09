"""A program that is run: its module, and, if that makes no LSTM, what another program would call of it.

Not here: the records that readers give (`reading`).
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Final

from lstmcalc.readers.python.builtin import functions_of_classes, functions_of_items, texts
from lstmcalc.readers.python.core.classes_of_python import TYPES
from lstmcalc.readers.python.core.heap import Dead, Leave, Path, Stop
from lstmcalc.readers.python.core.joins import doubted
from lstmcalc.readers.python.core.machine import Function
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Bound,
    Class,
    Descriptor,
    Lib,
    Log,
    Missing,
    Obj,
    Unknown,
    Value,
)
from lstmcalc.readers.python.core.variables import mangle
from lstmcalc.readers.python.layers import (
    array_functions,
    flax_lifts,
    keras_functions,
    operations,
    tensorflow1,
    torch_functions,
)
from lstmcalc.readers.python.layers.records import BY_NAME
from lstmcalc.readers.python.layers.settings import Settings
from lstmcalc.readers.python.libraries import (
    command_line,
    standard_functions,
    standard_iterators,
    standard_runs,
    standard_texts,
)

_TOO_LONG: Final = "the code is too long to be followed to its end"


class Program(Settings):
    """Runs a program."""

    def __init__(self, settings: Mapping[str, Value], asked: dict[str, None], tree: ast.Module) -> None:
        super().__init__(settings, asked)
        self.tree = tree
        mangle(tree)
        self.failing: list[tuple[str, Value, set[ast.AST]]] = []  # what raises, with the code it runs
        self.entries: list[tuple[str, Value]] = []  # what was made to see what it makes, by name
        self.ended = ""  # why the program was not followed to its end
        self.copies: frozenset[int] = frozenset()  # the births of deep copies that are no part of anything
        self.exits = False  # whether a path has left by SystemExit
        self.left = ""  # where a path made an LSTM before it left so, beside others that go on

    def run(self) -> None:
        """Run the module, and then what would be called of it."""
        try:
            self._run_module()
            if not self.world.slots["made"]:
                self._run_instances()
            if not self.world.slots["made"]:
                self._run_entries()
        except Stop:
            self.ended = _TOO_LONG
            log = self.world.slots["made"]
            self.world.slots["made"] = Log([doubted(entry, ()) for entry in log]) if isinstance(log, Log) else Log()
        self.rest()

    def _run_module(self) -> None:
        for statement in self.tree.body:
            before, exited, exits, leaves = self.world.slots["made"], self.exits, list[Path](), False
            try:
                paths = self.collect(lambda: self.execute([statement], self.module))  # noqa: B023  # run at once
                exits = [path for path in paths if path.kind == "raise" and _is_exit(path.value)]
                self.exits = exited or bool(exits)
                leaves = bool(exits) and all(path.kind != "normal" for path in paths)
                ends = exits if leaves else [path for path in paths if path.kind == "normal" or path.delta is None]
                self.settle(ends, lambda path: leaves or path.kind == "normal")  # noqa: B023  # asked at once
            except Leave as leave:
                self.ended = self.ended or f"line {statement.lineno} ends in an exception{_named(leave.value)}"
            except Dead:
                self.ended = self.ended or f"line {statement.lineno} ends in an exception on every path"
            logs = [(path.delta or {}).get((self.world, "made")) for path in exits]
            if not leaves and any(isinstance(log, Log) and log != before for log in logs):
                self.left = self.left or f"line {statement.lineno}, where a run may make one and leave"
            if exits and self.way.slots["doubted"] is True:
                self.ended = self.ended or f"line {statement.lineno} may leave the program"
            if leaves and exited:  # no run goes on to the end, so that those that left before are runs like the others
                self.ended = self.ended or f"line {statement.lineno} leaves the program, or a line before it"
            log = self.world.slots["made"]
            if self.ended and isinstance(log, Log) and isinstance(before, Log) and log is not before:
                self.put(self.world, "made", Log([*before, *(doubted(entry, ()) for entry in log[len(before) :])]))
            if leaves:
                break
        fails = self.ended or (self.exits and self.undefined and f"{self.undefined} is not defined")
        log = self.world.slots["made"]
        if fails and self.exits and isinstance(log, Log):  # what leaves before that may be all that does not fail
            self.put(self.world, "made", Log([doubted(entry, ()) for entry in log]))
        if fails and not self.problems:
            self.doubt_all(fails)

    def _run_instances(self) -> None:
        """Run the modules of Linen that the module makes, which make their layers when they are run."""
        for name, value in list(self.module.slots.items()):
            if isinstance(value, Obj) and not name.startswith("@") and self.is_flax(value):
                paths = self.collect(lambda: self.after_entry(value))  # noqa: B023  # run at once
                self.settle([path for path in paths if path.kind in ("normal", "raise")], lambda _: True)

    # What another program would call.

    def _run_entries(self) -> None:
        classes = [
            (value.name, value)
            for value in self._own(Class)
            if isinstance(value, Class) and value.slots.get("@node", value) not in self.called
        ]
        if not self._enter_all(classes):
            functions = [
                (value.name, value)
                for value in self._own(Function)
                if isinstance(value, Function) and value.node not in self.called
            ]
            if not self._enter_all(functions):
                self._enter_all(self._methods(classes))

    def _own(self, kind: type) -> list[Value]:
        """The functions or classes that the module defines, each once."""
        found: list[Value] = []
        for value in self.module.slots.values():
            parts = value.may if isinstance(value, Unknown) else [value]
            for part in sorted(parts, key=lambda item: item.birth) if isinstance(value, Unknown) else parts:
                native = (isinstance(part, Function) and part.native) or (
                    isinstance(part, Class) and part.bound is None
                )
                if isinstance(part, kind) and not native and not any(part is item for item in found):
                    found.append(part)
        return found

    def _methods(self, classes: Sequence[tuple[str, Value]]) -> list[tuple[str, Value]]:
        """The methods of classes that nothing calls."""
        found: list[tuple[str, Value]] = []
        for name, cls in classes:
            for slot, value in cls.slots.items() if isinstance(cls, Class) else []:
                function = value.getter if isinstance(value, Descriptor) else value
                if isinstance(function, Function) and not slot.startswith("__") and function.node not in self.called:
                    found.append((f"{name}.{slot}", Method(cls, value)))  # type: ignore[arg-type]  # a class
        return found

    def _enter_all(self, entries: Sequence[tuple[str, Value]]) -> bool:
        """Run those of some entries that no other runs; whether that made an LSTM."""
        called: dict[int, set[ast.AST]] = {}
        making: list[tuple[str, Value]] = []
        failing = self.failing
        before = set(self.called)
        for number, (name, value) in enumerate(entries):
            mark = len(self.trail)
            self.called = set()
            if not self._run_entry(value):
                failing.append((name, value, self.called))
            made = bool(self.world.slots["made"])
            called[number] = self.called
            self.undo(mark)
            if made:
                making.append((name, value))
            else:
                called[number] = set()
        self.called = before
        numbers = {id(value): number for number, (_, value) in enumerate(entries)}
        chosen = [
            (name, value)
            for name, value in making
            if not any(
                _node(value) in called[numbers[id(other)]]
                and other is not value
                and not _mutual(value, other, called, numbers)
                for _, other in making
            )
            and not any(_is_base(value, other) for _, other in making if other is not value)
        ]
        around = [
            name
            for name, value, within in failing
            if any(
                _node(item) in within or _is_base(item.cls if isinstance(item, Method) else item, value)
                for _, item in chosen
            )
        ]
        if around:
            self.ended = self.ended or f"{around[0]}() ends in an exception"
            self.doubt_all(self.ended)
        for name, value in chosen:
            before_it = self.world.slots["made"]
            (result,) = self._run_entry(value) or (Unknown(),)
            self.entries.append((name, result))
            log = self.world.slots["made"]
            if isinstance(log, Log) and isinstance(before_it, Log) and self._is_called_otherwise(value):
                done = len(before_it)
                self.put(self.world, "made", Log([*log[:done], *(doubted(entry, ()) for entry in log[done:])]))
        log = self.world.slots["made"]
        if self.ended and isinstance(log, Log):
            self.put(self.world, "made", Log([doubted(entry, ()) for entry in log]))
        return bool(chosen)

    def _is_called_otherwise(self, value: Value) -> bool:
        """True if code of the file that is not run makes a class with arguments: its defaults may not count."""
        return isinstance(value, Class) and any(
            isinstance(node, ast.Call)
            and (node.args or node.keywords)
            and not self._is_of_a_library(node.func)
            and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) == value.name
            for node in ast.walk(self.tree)
        )

    def _is_of_a_library(self, function: ast.expr) -> bool:
        """True for the attribute of an imported library: `L.LSTM` is no class of the file's."""
        owner = function.value if isinstance(function, ast.Attribute) else None
        return isinstance(owner, ast.Name) and isinstance(self.module.slots.get(owner.id), Lib)

    def _run_entry(self, value: Value) -> tuple[Value, ...]:
        """The value of a call of an entry with those arguments that it needs, all unknown; nothing if it fails."""
        for unsure in (False, True):
            mark = len(self.trail)
            paths = self.collect(lambda: self._called_with(value, unsure=unsure))  # noqa: B023  # run at once
            kept = [path for path in paths if path.kind == "normal"]
            if kept:
                return (self.join(kept) if kept[0].delta is not None else kept[0].value,)
            self.undo(mark)
        return ()

    def _called_with(self, value: Value, *, unsure: bool) -> Value:
        call = ast.Pass()
        if isinstance(value, Method):
            owner = (
                self._called_with(value.cls, unsure=True) if not isinstance(value.function, Descriptor) else value.cls
            )
            if isinstance(owner, Obj) and not isinstance(owner, Class):
                owner.slots["@changed"] = True  # something else may have been done with it before
            bound = self.bind(value.function, owner, value.cls)
            function = bound.function if isinstance(bound, Bound) else bound
            return (
                self.call(bound, self._arguments_for(function, 1, unsure=unsure), call)
                if function is not None
                else None
            )
        if isinstance(value, Class):
            init = self.lookup(value, "__init__")
            self.examined = value
            made = self.instantiate(value, self._arguments_for(init, 1, unsure=unsure), call)
            self.after_entry(made)
            return made
        return self.call(value, self._arguments_for(value, 0, unsure=unsure), call)

    def _arguments_for(self, function: Value, skipped: int, *, unsure: bool) -> Args:
        args = Args()
        if not isinstance(function, Function):
            fields = getattr(function, "name", "") == "dataclass"
            return Args(more=Unknown(foreign=True)) if fields and unsure else args
        spec = function.node.args
        params = [*spec.posonlyargs, *spec.args][skipped:]
        required = len(params) - len(function.defaults)
        for place, param in enumerate(params):
            default = function.defaults[place - required] if place >= required else MISSING
            if place < required or (unsure and default is None):
                self.asked.setdefault(param.arg)
                unknown = Unknown((param.arg,), foreign=True)
                if param in spec.posonlyargs or place < required:
                    args.pos.append(unknown)
                else:
                    args.kw[param.arg] = unknown
        for param in spec.kwonlyargs:
            default = function.kw_defaults.get(param.arg, MISSING)
            if isinstance(default, Missing) or (unsure and default is None):
                self.asked.setdefault(param.arg)
                args.kw[param.arg] = Unknown((param.arg,), foreign=True)
        return args

    # What is left alone.

    def left_alone(self) -> list[str]:
        """The functions and classes that nothing calls, and that name an LSTM."""
        found: list[str] = []
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and node not in self.called
                and _makes_lstm(node)
            ):
                inner = isinstance(node, ast.ClassDef) or not any(
                    node in other.body for other in ast.walk(self.tree) if isinstance(other, ast.ClassDef)
                )
                if inner and node.name not in found:
                    found.append(node.name)
        return found


class Method:
    """A method of a class that nothing calls."""

    def __init__(self, cls: Class, function: Value) -> None:
        self.cls = cls
        self.function = function


def _node(value: Value) -> object:
    if isinstance(value, Method):
        function = value.function.getter if isinstance(value.function, Descriptor) else value.function
        return getattr(function, "node", value)
    return (
        value.node
        if isinstance(value, Function)
        else value.slots.get("@node", value)
        if isinstance(value, Class)
        else value
    )


def _mutual(value: Value, other: Value, called: Mapping[int, set[ast.AST]], numbers: Mapping[int, int]) -> bool:
    """True if two entries run each other, and this is the first."""
    return _node(other) in called[numbers[id(value)]] and numbers[id(value)] < numbers[id(other)]


def _is_base(value: Value, other: Value) -> bool:
    return isinstance(value, Class) and isinstance(other, Class) and value in other.mro


def _is_exit(value: Value) -> bool:
    return isinstance(value, Obj) and isinstance(value.cls, Class) and TYPES["SystemExit"] in value.cls.mro


def _named(value: Value) -> str:
    return f", {value.cls.name}" if isinstance(value, Obj) and isinstance(value.cls, Class) else ""


def _makes_lstm(node: ast.AST) -> bool:
    """True if code calls something whose name says that it is an LSTM."""
    calls = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
    return any(
        (part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "")) in _CLASSES for part in calls
    )


_CLASSES: Final = frozenset(name.rpartition(".")[2] for name in BY_NAME)


# Pages that nothing asks for by name: they add functions.
__all__ = [
    "Program",
    "array_functions",
    "command_line",
    "flax_lifts",
    "functions_of_classes",
    "functions_of_items",
    "keras_functions",
    "operations",
    "standard_functions",
    "standard_iterators",
    "standard_runs",
    "standard_texts",
    "tensorflow1",
    "texts",
    "torch_functions",
]
