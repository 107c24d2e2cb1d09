"""Text that is run as code: `eval` and `exec`, in the names that the code around the call sees.

In a function these are a copy of its variables, and of those around it that its code reads. In a comprehension they
depend on the version of Python (PEP 709), so what is not its own is not known there.

Not here: the names themselves (`core.machine`).
"""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lstmcalc.readers.python.builtin.functions import function
from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.operators import MAX_ITEMS
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Items,
    Missing,
    Obj,
    Scope,
    Unknown,
    Value,
    things,
    unknown_of,
)
from lstmcalc.readers.python.core.variables import FunctionNode, declared_in, variables_of

if TYPE_CHECKING:
    from lstmcalc.readers.python.libraries.libraries import Libraries

_MAX_EXPRESSION = 1_000  # characters; nobody evaluates more
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp)
_NAMED_TEXTS = "@texts"  # the names that text has bound beside a function's variables


def code_of(machine: "Libraries", text: str, node: ast.AST, *, expression: bool = False) -> list[ast.stmt]:
    """The statements of a text that is run, at the place of the call that runs it.

    Raises:
        Leave: It is no code.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval") if expression else ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        machine.throw("SyntaxError")
    for part in ast.walk(tree):
        if "lineno" in part._attributes and hasattr(node, "lineno"):
            ast.copy_location(part, node)
    return [ast.Expr(tree.body)] if isinstance(tree, ast.Expression) else tree.body


@contextmanager
def own_code(machine: "Libraries") -> Iterator[None]:
    """A block in which text is run: it is the file's code, whoever runs it."""
    native, machine.native = machine.native, False
    try:
        yield
    finally:
        machine.native = native


@function("eval")
def _eval(machine: "Libraries", args: Args, node: ast.AST) -> Value:
    text = plain(args.pos[0]) if args.pos else None
    if not isinstance(text, str) or len(text) > _MAX_EXPRESSION:
        return _not_known(machine, args)
    code = code_of(machine, text, node, expression=True)
    scope = _scope_of(machine, args, code)
    if scope is None:
        return _not_known(machine, args)
    with own_code(machine):
        made = machine.evaluate(code[0].value, scope) if isinstance(code[0], ast.Expr) else None
    _write_back(machine, args, scope)
    return made


@function("exec")
def _exec(machine: "Libraries", args: Args, node: ast.AST) -> Value:
    text = plain(args.pos[0]) if args.pos else None
    if not isinstance(text, str) or len(text) > MAX_ITEMS:
        _not_known(machine, args)
        return None
    code = code_of(machine, text, node)
    scope = _scope_of(machine, args, code)
    if scope is None:
        _not_known(machine, args)
        return None
    with own_code(machine):
        machine.execute(code, scope)
    _write_back(machine, args, scope)
    return None


def _not_known(machine: "Libraries", args: Args) -> Value:
    """The value of text that is not known: it may change what it sees, or the names that it is given."""
    if args.known and len(args.pos) > 1 and not _module_in(machine, args.pos[1:]):
        machine.doubt_all("code that is made while it runs")
        return machine.unknown_call("eval()", Args(args.pos[1:]))
    machine.forget()
    return unknown_of(*args.all)


def _module_in(machine: "Libraries", spaces: list[Value]) -> bool:
    """True if the names of the module, or any that are not known, may be among those that text is given."""
    return any(not isinstance(item, Obj) or item.slots.get("@of") is machine.module for item in spaces)


def _scope_of(machine: "Libraries", args: Args, code: list[ast.stmt]) -> Scope | None:
    """The names that text is run in; None if these are not known."""
    if not args.known or args.kw:
        return None
    if len(args.pos) == 1:
        scope = machine.calling
        return _seen_from(machine, scope, code) if scope is not machine.module else scope
    module = args.pos[1]
    if not (isinstance(module, Obj) and module.slots.get("@of") is machine.module):
        return None
    if len(args.pos) == 2 or args.pos[2] is None or args.pos[2] == module:  # the text, and where it is run
        return machine.module
    own = args.pos[2]
    if isinstance(own, Obj) and own.slots.get("@of") is machine.module:
        return machine.module
    content = content_of(own) if isinstance(own, Obj) and own.kind == "dict" else None
    if not isinstance(content, Items) or not content.whole or _comprehends(code):
        return None
    if not all(isinstance(name, str) for name in content.map):
        return None
    scope = Scope("class", machine.module, machine.born())
    scope.declared = declared_in(code)
    scope.slots |= {str(name): value for name, value in content.map.items()}
    return scope


def _write_back(machine: "Libraries", args: Args, scope: Scope) -> None:
    """Give the names that text has bound to the dictionary that it was given, or note them."""
    if scope is machine.module:
        return
    names = {name: value for name, value in scope.slots.items() if not name.startswith("@")}
    if len(args.pos) > 1:
        own = args.pos[2] if len(args.pos) > 2 else None  # behind the text and the names of the module
        if isinstance(own, Obj):
            machine.set_content(own, Items(names))
        return
    around = machine.calling
    if around.frame == "function":
        before = around.slots.get(_NAMED_TEXTS, ())
        more = tuple(name for name in names if name not in around.locals)
        machine.put(around, _NAMED_TEXTS, tuple(dict.fromkeys((*(before if isinstance(before, tuple) else ()), *more))))


def _comprehends(code: list[ast.stmt]) -> bool:
    """True if code has comprehensions, whose sight of names depends on the version of Python."""
    return any(isinstance(part, _COMPREHENSIONS) for item in code for part in ast.walk(item))


def _seen_from(machine: "Libraries", scope: Scope, code: list[ast.stmt]) -> Scope | None:
    """The names that text sees from a scope that is no module; None if these are not known."""
    if _comprehends(code) or any(isinstance(part, ast.NamedExpr) for item in code for part in ast.walk(item)):
        return None
    if scope.frame == "class":
        return scope if scope.outer is machine.module and not declared_in(code) else None
    if scope.frame == "comprehension" and not all(isinstance(item, ast.Expr) for item in code):
        return None
    seen = Scope("class", machine.module, machine.born())
    seen.declared = declared_in(code)
    read: frozenset[str] = frozenset()
    if scope.frame == "function":
        function = next((frame.function for frame in machine.frames if frame.scope is scope), None)
        if function is None:
            return None
        read, perhaps = _read_around(function.node)
    for outer in reversed(list(_around(scope, machine.module))):
        for name, value in outer.slots.items():
            if outer.frame == "function" and name in read:
                seen.slots[name] = value
            elif outer.frame != "function" or scope.frame != "function" or name in perhaps:
                seen.slots[name] = _perhaps(name, value)
    texts = scope.slots.get(_NAMED_TEXTS, ())
    for name in texts if isinstance(texts, tuple) else ():
        seen.slots[str(name)] = _perhaps(str(name), MISSING)
    seen.slots |= {
        name: value
        for name, value in scope.slots.items()
        if not name.startswith("@") and not isinstance(value, Missing)
    }
    return seen


def _around(scope: Scope, module: Scope) -> Iterator[Scope]:
    """The scopes around one, from the inside, without the module."""
    outer = scope.outer
    while outer is not None and outer is not module:
        yield outer
        outer = outer.outer


def _perhaps(name: str, value: Value) -> Value:
    """A variable of which it is not known whether text sees it."""
    return Unknown((name,), things(value), foreign=True, absent=True)


def _read_around(node: FunctionNode) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a function's code reads from around it, and those that it perhaps does."""
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    parts = [part for item in body for part in ast.walk(item)]
    read = {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}
    inner = [part for part in parts if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    bound = {name for part in inner for name in variables_of(part).own}
    bound |= {name for part in parts if isinstance(part, ast.ClassDef) for name in map(_bound, ast.walk(part))}
    own = variables_of(node)
    read = (read | {name for name, kind in own.declared.items() if kind == "nonlocal"}) - own.own
    return frozenset(read - bound), frozenset(read & bound)


def _bound(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) else ""
