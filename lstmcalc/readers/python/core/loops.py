"""Loops: rounds that are known are run one by one; else the body is run until nothing new changes.

Not here: what is run for each item where nothing breaks (`comprehensions`).
"""

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from lstmcalc.readers.python.core.blocks import Blocks
from lstmcalc.readers.python.core.comprehensions import MAX_ROUNDS, UNSURE
from lstmcalc.readers.python.core.heap import MAX_PATHS, Dead, Leave
from lstmcalc.readers.python.core.values import (
    Log,
    Obj,
    Scope,
    Unknown,
    Value,
)

_COSTLY: Final = 4_000  # steps of a loop that makes no LSTM, before it is run for any number of rounds


_FEW: Final = 3  # rounds of such a loop that are run


class Loops(Blocks):
    """Runs loops."""

    def _for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        source = self.evaluate(node.iter, scope)
        step = self._round(node.body, scope)

        def body(item: Value) -> None:
            self.assign(node.target, item, scope)
            step()

        leaves = any(
            isinstance(part, ast.Break | ast.Return | ast.Raise) for item in node.body for part in ast.walk(item)
        )

        def run() -> Value:
            if isinstance(source, Obj) and source.kind == "iter":
                self.fill(source, whole=not leaves)
            items = self.live_items(source)
            began, made = self.steps, self.progress()
            before = len(self.pending)
            for rounds, item in enumerate(items or ()):
                costly = rounds >= _FEW and self.steps - began > _COSTLY and self.progress() == made and not self.native
                if item is UNSURE or rounds > MAX_ROUNDS or costly or len(self.pending) - before > MAX_PATHS:
                    items = None
                    break
                body(item)
            if items is None:
                self.any_number(source, body)
            return None

        self._loop(run, node.orelse, scope)

    def progress(self) -> int:
        """The amount that has been made of what is reported: LSTMs, and the layers around them."""
        log = self.world.slots["made"]
        return len(log) if isinstance(log, Log) else 0

    def _round(self, body: Sequence[ast.stmt], scope: Scope) -> Callable[[], None]:
        """One round of a loop: `continue` ends it."""

        def run() -> None:
            paths = self.collect(lambda: self.execute(body, scope))
            self.settle(paths, lambda path: path.kind in ("normal", "continue"))

        return run

    def _loop(self, run: Callable[[], Value], orelse: Sequence[ast.stmt], scope: Scope) -> None:
        """A loop, and what is run if it does not break."""
        paths = self.collect(run)
        if not orelse:
            self.settle(paths, lambda path: path.kind in ("normal", "break"))
            return
        if len(paths) == 1 and paths[0].delta is None:
            if paths[0].kind == "normal":
                self.execute(orelse, scope)
            elif paths[0].kind != "break":
                raise Leave(paths[0].kind, paths[0].value)
            return
        self.put_aside([path for path in paths if path.kind not in ("normal", "break")])
        runs: list[Callable[[], Value]] = []
        for path in paths:
            if path.kind == "normal":
                runs.append(partial(self.go_on, path, lambda: self.execute(orelse, scope)))
            elif path.kind == "break":
                runs.append(partial(self.go_on, path, lambda: None))
        self.fork(runs, after=paths)

    def _while(self, node: ast.While, scope: Scope) -> None:
        step = self._round(node.body, scope)

        def run() -> Value:
            began, made, before = self.steps, self.progress(), len(self.pending)
            for rounds in range(MAX_ROUNDS):
                paths = len(self.pending)
                test = self.truth(self.tested(node.test, scope))
                if test is False:
                    return None
                costly = rounds >= _FEW and self.steps - began > _COSTLY and self.progress() == made and not self.native
                many = len(self.pending) - before > _FEW and paths > before
                if test is None or costly or many:
                    break
                step()
            self._unknown_while(node, step, scope)
            return None

        self._loop(run, node.orelse, scope)

    def _unknown_while(self, node: ast.While, step: Callable[[], None], scope: Scope) -> None:
        """The rounds of a loop whose test is not known; it ends where that is false, or where its body leaves."""

        def once() -> None:
            if self.truth(self.tested(node.test, scope)) is False:
                raise Dead
            step()

        self.repeat(once)
        test = self.tested(node.test, scope)
        known = self.truth(test)
        names = test.names if isinstance(test, Unknown) else ()

        def last() -> Value:
            step()
            raise Dead

        runs: list[Callable[[], Value]] = []
        if known is not True:
            runs.append(lambda: None)
        if known is not False:
            runs.append(last)
        self.fork(runs, names)
