"""`itertools`, `heapq` and `bisect`.

Not here: Python's own functions that go through things (`builtin.functions_of_items`).
"""

import ast
import itertools
import math
from collections.abc import Callable, Iterable

from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.comprehensions import UNSURE
from lstmcalc.readers.python.core.operators import MAX_ITEMS
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Missing,
    Obj,
    Unknown,
    Value,
    is_constant,
    unknown_of,
)
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, lib_function
from lstmcalc.readers.python.libraries.libraries import Libraries


def _iterated(name: str, run: Callable[..., Iterable[Value]], limit: int = MAX_ITEMS) -> None:
    """A function of itertools, on items that are known."""

    def call(machine: Libraries, args: Args, _: ast.AST) -> Value:
        def later() -> Value:
            parts = [machine.items(item) for item in args.pos]
            if not args.known or any(part is None for part in parts) or args.kw:
                return unknown_of(*args.all)
            sizes = [len(part) for part in parts if part is not None]
            if (math.prod(sizes) > limit and name == "product") or sum(sizes) > limit:
                return unknown_of(*args.all)
            return tuple(run(*parts))

        return machine.later(name, later, *args.all)

    LIB_FUNCTIONS[f"itertools.{name}"] = call


_iterated("chain", itertools.chain)


_iterated("product", itertools.product)


_iterated("pairwise", itertools.pairwise)


@lib_function("itertools.chain.from_iterable")
def _chained(machine: Libraries, args: Args, _: ast.AST) -> Value:
    def later() -> Value:
        parts = [machine.items(item) for item in machine.items(args.pos[0]) or [Unknown()]]
        if any(part is None for part in parts):
            return unknown_of(*args.all)
        return tuple(item for part in parts for item in part or ())

    return machine.later("chain", later, *args.all)


@lib_function("itertools.repeat")
def _repeat(machine: Libraries, args: Args, _: ast.AST) -> Value:
    times = plain(args.pos[1]) if len(args.pos) > 1 else args.kw.get("times")
    return machine.iterator(
        (args.pos[0],) * times if isinstance(times, int) and times <= MAX_ITEMS else unknown_of(args.pos[0])
    )


@lib_function("itertools.islice")
def _slice(machine: Libraries, args: Args, _: ast.AST) -> Value:
    limits = [plain(item) for item in args.pos[1:]]
    source = args.pos[0]

    def later() -> Value:
        items = machine.live_items(source)
        stop = limits[0] if len(limits) == 1 else limits[1] if limits else None
        if items is None or not all(isinstance(item, int | None) for item in limits) or not isinstance(stop, int):
            return unknown_of(*args.all)
        taken: list[Value] = []
        while len(taken) < stop:
            item = next(items, MISSING)
            if item is UNSURE:
                return unknown_of(*args.all)
            if isinstance(item, Missing):
                break
            taken.append(item)
        return tuple(taken[slice(*(item for item in limits if isinstance(item, int | None)))])

    return machine.later("islice", later, *args.all)


@lib_function("itertools.starmap")
def _starmap(machine: Libraries, args: Args, node: ast.AST) -> Value:
    def later() -> Value:
        rows = machine.items(args.pos[1])
        parts = [machine.items(row) for row in rows] if rows is not None else [None]
        if any(part is None for part in parts):
            machine.run_handed(args.pos[:1])
            return unknown_of(*args.all)
        return tuple(machine.call(args.pos[0], Args(list(part or ())), node) for part in parts)

    return machine.later("starmap", later, *args.all)


@lib_function("itertools.accumulate")
def _accumulate(machine: Libraries, args: Args, node: ast.AST) -> Value:
    def later() -> Value:
        items = machine.items(args.pos[0])
        if items is None or args.kw:
            machine.run_handed(args.pos[1:2])
            return unknown_of(*args.all)
        made: list[Value] = []
        for item in items:
            if not made:
                made.append(item)
            elif len(args.pos) > 1:
                made.append(machine.call(args.pos[1], Args([made[-1], item]), node))
            else:
                made.append(machine.operate(ast.Add(), made[-1], item))
        return tuple(made)

    return machine.later("accumulate", later, *args.all)


@lib_function("itertools.count", "itertools.cycle")
def _endless(machine: Libraries, args: Args, node: ast.AST) -> Value:
    del node
    start, step = (*[plain(item) for item in args.pos], *(0, 1)[len(args.pos) :])[:2]
    if isinstance(start, int) and isinstance(step, int) and not args.kw:
        return machine.iterator((*range(start, start + 300 * step, step), UNSURE) if step else unknown_of(start))
    items = machine.items(args.pos[0]) if args.pos and not isinstance(start, int | float) else None
    if items:
        return machine.iterator((*(items * (300 // len(items) + 1)), UNSURE))
    return machine.iterator(unknown_of(*args.all))


LIB_FUNCTIONS["itertools.cycle"] = lambda machine, args, node: _cycle(machine, args, node)


def _cycle(machine: Libraries, args: Args, _: ast.AST) -> Value:
    items = machine.items(args.pos[0])
    return machine.iterator((*(items * (300 // len(items) + 1)), UNSURE) if items else unknown_of(*args.all))


def _on_list(path: str, run: Callable[..., object]) -> None:
    def call(machine: Libraries, args: Args, _: ast.AST) -> Value:
        owner = args.pos[0]
        held = content_of(owner) if isinstance(owner, Obj) and owner.kind == "list" else None
        if (
            not isinstance(owner, Obj)
            or not is_constant(held)
            or not is_constant(tuple(args.pos[1:]))
            or args.kw
            or not isinstance(held, tuple)
        ):
            machine.may_raise()
            if isinstance(owner, Obj) and owner.kind == "list":
                machine.put(owner, CONTENT, unknown_of(held, *args.pos[1:]))
            return unknown_of(*args.all)
        items = list(held)
        try:
            value = run(items, *args.pos[1:])
        except (TypeError, IndexError):
            machine.throw("TypeError", path)
        machine.put(owner, CONTENT, tuple(items))
        return value

    LIB_FUNCTIONS[path] = call


def _fill_lists() -> None:
    import bisect
    import heapq

    for name in ("heappush", "heappop", "heapify", "heappushpop", "heapreplace"):
        _on_list(f"heapq.{name}", getattr(heapq, name))
    for name in ("insort", "insort_left", "insort_right", "bisect", "bisect_left", "bisect_right"):
        _on_list(f"bisect.{name}", getattr(bisect, name))


_fill_lists()
