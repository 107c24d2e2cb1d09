"""The variables of a function's code: which names are its own, told before it runs, as Python does; private names.

Not here: their values (`machine`).
"""

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Variables(NamedTuple):
    """The names in a function's code."""

    own: frozenset[str]  # its variables, the parameters too
    declared: Mapping[str, str]  # `global` or `nonlocal`, by name
    yields: bool  # whether it is a generator


@lru_cache(maxsize=4096)
def variables_of(node: FunctionNode) -> Variables:
    """The variables of a function."""
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    names = {item.arg for item in arguments_of(node.args)}
    declared: dict[str, str] = {}
    yields = False
    for part in _own_nodes(body):
        if isinstance(part, ast.Global | ast.Nonlocal):
            declared |= dict.fromkeys(part.names, "global" if isinstance(part, ast.Global) else "nonlocal")
        yields = yields or isinstance(part, ast.Yield | ast.YieldFrom)
        names |= bound_names(part)
    return Variables(frozenset(names - declared.keys()), declared, yields)


def declared_in(body: list[ast.stmt]) -> dict[str, str]:
    """The names that a class' body declares as global or nonlocal."""
    found: dict[str, str] = {}
    for part in _own_nodes(body):
        if isinstance(part, ast.Global | ast.Nonlocal):
            found |= dict.fromkeys(part.names, "global" if isinstance(part, ast.Global) else "nonlocal")
    return found


def arguments_of(args: ast.arguments) -> list[ast.arg]:
    """All parameters."""
    stars = [item for item in (args.vararg, args.kwarg) if item is not None]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *stars]


def bound_names(node: ast.AST) -> set[str]:
    """The names that a node binds itself."""
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(item.asname or item.name.partition(".")[0]) for item in node.names} - {"*"}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return {node.name} if node.name else set()
    if isinstance(node, ast.MatchMapping):
        return {node.rest} if node.rest else set()
    return set()


def target_names(node: ast.AST) -> frozenset[str]:
    """The names that a comprehension's targets bind."""
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _own_nodes(body: list[ast.stmt] | list[ast.expr]) -> Iterator[ast.AST]:
    """The nodes of code that run in its own scope; of comprehensions, only what they bind outside (walrus)."""
    stack: list[tuple[ast.AST, bool]] = [(node, False) for node in reversed(body)]
    while stack:
        node, inner = stack.pop()
        if not inner:
            yield node
        elif isinstance(node, ast.NamedExpr):
            yield node.target
        if isinstance(node, _SCOPES):
            continue
        within = inner or isinstance(node, _COMPREHENSIONS)
        stack += [(child, within) for child in reversed(list(ast.iter_child_nodes(node)))]


def mangle(tree: ast.AST, owner: str = "") -> None:
    """Give the names that are private to a class the names that Python gives them."""
    stack: list[tuple[ast.AST, str]] = [(tree, owner)]
    while stack:
        node, cls = stack.pop()
        if isinstance(node, ast.ClassDef):
            outer, cls = cls, node.name.lstrip("_")
            node.name = _mangled(node.name, outer)
        elif cls:
            for name in ("id", "attr", "arg", "name"):
                value = getattr(node, name, None)
                if isinstance(value, str) and value.startswith("__") and not isinstance(node, ast.alias):
                    setattr(node, name, _mangled(value, cls))
            if isinstance(node, ast.Global | ast.Nonlocal):
                node.names = [_mangled(item, cls) for item in node.names]
        stack += [(child, cls) for child in ast.iter_child_nodes(node)]


def _mangled(name: str, cls: str) -> str:
    private = cls and name.startswith("__") and not name.endswith("__") and "." not in name
    return f"_{cls}{name}" if private else name
