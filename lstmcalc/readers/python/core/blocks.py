"""`try` and `with`: code that something is run after, on every path that leaves it.

A `try` may stop at whatever is not known in its body; `finally` and a context manager are run on every path.

Not here: other statements (`statements`).
"""

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import TYPES, is_subclass, type_of
from lstmcalc.readers.python.core.heap import Leave, Path, one_of
from lstmcalc.readers.python.core.machine import Function
from lstmcalc.readers.python.core.patterns import Patterns
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Class,
    Lib,
    Missing,
    Obj,
    Partial,
    Scope,
    Unknown,
    Value,
    same,
    unknown_of,
)

_ENDS: Final = 6  # ways to leave a block for which `finally` is run one by one
_OWN: Final = ("return", "break", "continue")  # ways to leave that are those of the code within


class Made:
    """A context manager that is made of a generator function."""

    def __init__(self, function: Value, args: Args, node: ast.AST) -> None:
        self.function = function
        self.args = args
        self.node = node


class Blocks(Patterns):
    """Runs statements that have an end of their own."""

    def go_on(self, path: Path, run: Callable[[], object]) -> Value:
        """Run code on a path that was put aside."""
        self.resume(path)
        run()
        return None

    # Exceptions.

    def _try(self, node: "ast.Try | ast.TryStar", scope: Scope) -> None:
        if node.finalbody:
            self.finally_(lambda: self._handled(node, scope), lambda _: self.execute(node.finalbody, scope))
        else:
            self._handled(node, scope)

    def finally_(self, run: Callable[[], Value], last: Callable[[Path], Value]) -> Value:
        """Run code, then other code on every path that leaves it; the path goes on unless that leaves itself."""
        with self.guarded():
            paths = self.collect(run)
        if len(paths) == 1 and paths[0].delta is None:
            (path,) = paths
            taken = last(path)
            if path.kind == "normal" or taken is True:
                return path.value
            raise Leave(path.kind, path.value)

        def go(path: Path) -> Value:
            self.resume(path)
            taken = last(path)
            if path.kind == "normal" or taken is True:
                return path.value
            raise Leave(path.kind, path.value)

        return self.fork([lambda path=path: go(path) for path in self.fewer(paths)], after=paths)  # type: ignore[misc]  # bound now

    def fewer(self, paths: list[Path]) -> list[Path]:
        """The paths, those joined that leave in one way with one value; of many, those that leave in one way."""
        groups: list[list[Path]] = []
        for path in paths:
            fitting = (
                group
                for group in groups
                if group[0].kind == path.kind
                and (len(paths) > _ENDS or path.kind != "raise" or same(group[0].value, path.value))
            )
            group = next(fitting, None)
            if group is None:
                groups.append([path])
            else:
                group.append(path)
        return [self._as_one(group) for group in groups]

    def _as_one(self, group: list[Path]) -> Path:
        if len(group) == 1:
            return group[0]
        mark = len(self.trail)
        value = self.join(group)
        delta = self.delta(mark)
        self.undo(mark)
        return one_of(group, value, delta)

    def _handled(self, node: "ast.Try | ast.TryStar", scope: Scope) -> None:
        if not node.handlers:
            self.execute(node.body, scope)
            self.execute(node.orelse, scope)
            return
        with self.guarded():
            paths = self.collect(lambda: self.execute(node.body, scope))
        runs: list[Callable[[], Value]] = []
        if len(paths) == 1 and paths[0].delta is None:
            (path,) = paths
            if path.kind == "normal":
                self.execute(node.orelse, scope)
            elif path.kind == "raise":
                self._handle(node.handlers, path.value, scope)
            else:
                raise Leave(path.kind, path.value)
            return
        self.put_aside([path for path in paths if path.kind not in ("normal", "raise")])
        for path in self.fewer([path for path in paths if path.kind in ("normal", "raise")]):
            if path.kind == "normal":
                runs.append(partial(self.go_on, path, lambda: self.execute(node.orelse, scope)))
            else:
                runs.append(partial(self.go_on, path, partial(self._handle, node.handlers, path.value, scope)))
        self.fork(runs, _names_of(paths), after=paths)

    def _handle(self, handlers: Sequence[ast.ExceptHandler], error: Value, scope: Scope) -> Value:
        """Run the first handler that takes an exception."""
        if not handlers:
            raise Leave("raise", error)
        handler, *others = handlers
        kind = self.evaluate(handler.type, scope) if handler.type else TYPES["BaseException"]
        taken = self.is_instance(error, kind)
        if taken is False:
            return self._handle(others, error, scope)

        def run() -> Value:
            before = self.world.slots.get("error", MISSING)
            self.put(self.world, "error", error)
            if handler.name:
                self.put(
                    self.home(handler.name, scope),
                    handler.name,
                    error if not isinstance(error, Unknown) else replace(error, may=error.may),
                )

            def last(_: Path) -> Value:
                self.put(self.world, "error", before)
                if handler.name:
                    self.put(self.home(handler.name, scope), handler.name, MISSING)
                return None

            return self.finally_(lambda: self.execute(handler.body, scope), last)

        if taken:
            return run()
        return self.fork([run, lambda: self._handle(others, error, scope)])

    def is_instance(self, value: Value, kind: Value) -> bool | None:
        """True if a value is an instance of a class, or of one of several; None if that is not known."""
        if isinstance(kind, tuple):
            results = [self.is_instance(value, item) for item in kind]
            return True if True in results else None if None in results else False
        if kind is TYPES["object"]:
            return True
        if isinstance(value, Unknown):
            if value.alts:
                sides = {self.is_instance(item, kind) for item in value.alts}
                return sides.pop() if len(sides) == 1 else None
            return True if kind in (TYPES["BaseException"], TYPES["Exception"]) and not value.names else None
        if isinstance(kind, Unknown | Lib):
            return False if isinstance(kind, Lib) and not isinstance(value, Obj | Lib) else None
        if isinstance(value, Lib):
            return None
        if not isinstance(kind, Class):
            self.throw("TypeError", "no class")
        cls = type_of(value)
        if isinstance(value, Class):
            return kind.name in ("type", "object") or (None if "@meta" in value.slots else False)
        return is_subclass(cls, kind) if cls is not None else None

    # Context managers.

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        self._with_items(node.items, node.body, scope)

    def _with_items(self, items: Sequence[ast.withitem], body: Sequence[ast.stmt], scope: Scope) -> None:
        if not items:
            self.execute(body, scope)
            return
        item, *others = items
        manager = self.evaluate(item.context_expr, scope)

        def inside(value: Value) -> Value:
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
            self._with_items(others, body, scope)
            return None

        self.with_manager(manager, inside)

    def with_manager(self, manager: Value, inside: Callable[[Value], Value]) -> None:
        """Run code within a context manager."""
        if isinstance(manager, Obj) and isinstance(manager.slots.get("@context"), Made):
            self._with_generator(manager.slots["@context"], inside)  # type: ignore[arg-type]  # checked above
            return
        if isinstance(manager, Obj) and not isinstance(manager, Class):
            enter, leave = (self.lookup(type_of(manager), name) for name in ("__enter__", "__exit__"))
            if isinstance(enter, Missing):
                enter, leave = (self.lookup(type_of(manager), name) for name in ("__aenter__", "__aexit__"))
            if isinstance(enter, Missing) or isinstance(leave, Missing):
                self.throw("TypeError", "no context manager")
            if not isinstance(enter, Unknown) and not isinstance(leave, Unknown):
                self._with_known(manager, enter, leave, inside)
                return
        lib = isinstance(manager, Lib) or (isinstance(manager, Unknown) and not manager.foreign)
        value = self.entered(manager)
        if lib and not isinstance(manager, Lib):
            inside(value)
            return
        if not lib:
            self.unknown_call("with", Args(), manager)

        def last(path: Path) -> Value:
            if not lib:
                self.unknown_call("with", Args(), manager)
            return self.truth_of_exit(path, lib=lib)

        self.finally_(lambda: inside(value), last)

    def _with_generator(self, made: "Made", inside: Callable[[Value], Value]) -> None:
        """Run code at the `yield` of the generator that a context manager is made of."""
        outer = self.frames[-1]

        def at_yield(value: Value) -> Value:
            native, site = self.native, self.site
            self.frames.append(outer)
            self.native = False
            try:
                paths = self.collect(lambda: inside(value))
            finally:
                self.frames.pop()
                self.native, self.site = native, site
            ended = [path._replace(kind=f"outer {path.kind}") if path.kind in _OWN else path for path in paths]
            return self.settle(ended, lambda path: path.kind == "normal")

        generator = self.call(made.function, made.args, made.node)
        thunk = generator.slots.get("@thunk") if isinstance(generator, Obj) else None
        scope, function = thunk.args[:2] if isinstance(thunk, Partial) and len(thunk.args) > 1 else (None, None)
        if not isinstance(scope, Scope) or not isinstance(function, Function):
            self.unknown_call("with", Args(), generator)
            inside(unknown_of(generator))
            return
        self.at_yield[id(scope)] = at_yield
        paths = self.collect(lambda: self.run_body(function, scope, made.node))
        ended = [path._replace(kind=path.kind.removeprefix("outer ")) for path in paths]
        self.settle(ended, lambda path: path.kind == "normal")

    def entered(self, manager: Value) -> Value:
        """The value that a context manager that is not known gives to `as`."""
        return unknown_of(manager)

    def truth_of_exit(self, path: Path, *, lib: bool) -> Value:
        """True if a context manager that is not known takes an exception: perhaps."""
        if path.kind != "raise" or lib:
            return False
        return self.fork([lambda: True, lambda: self._leave(path)])

    def _leave(self, path: Path) -> Value:
        raise Leave(path.kind, path.value)

    def _with_known(self, manager: Obj, enter: Value, leave: Value, inside: Callable[[Value], Value]) -> None:
        value = self.awaited_if(self.call(self.bind(enter, manager), Args(), self.here))

        def last(path: Path) -> Value:
            error: list[Value] = [None, None, None]
            if path.kind == "raise":
                error = [type_of(path.value) or Unknown(), path.value, Unknown()]
            taken = self.awaited_if(self.call(self.bind(leave, manager), Args(error), self.here))
            if path.kind != "raise":
                return False
            known = self.truth(taken)
            return known if known is not None else self.fork([lambda: True, lambda: self._leave(path)])

        self.finally_(lambda: inside(value), last)

    def awaited_if(self, value: Value) -> Value:
        """The value that a coroutine returns; any other value as it is."""
        return self.awaited(value) if isinstance(value, Obj) and value.kind == "coroutine" else value


def _names_of(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for path in paths if isinstance(path.value, Unknown) for name in path.value.names))[
        :8
    ]
