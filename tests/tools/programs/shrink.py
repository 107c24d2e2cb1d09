"""Smaller programs of which the same is said: statements removed, bodies taken out, expressions made shorter."""

import ast
import copy
import time
from collections.abc import Callable, Iterator


def shrunk(source: str, still: Callable[[str], bool], tries: int = 600, seconds: float = 15) -> str:
    """The smallest program that was found for which `still` holds."""
    end = time.monotonic() + seconds
    best = ast.unparse(ast.parse(source))
    if not still(best):
        return source
    progress = True
    while progress and tries > 0 and time.monotonic() < end:
        progress = False
        for smaller in _smaller(best):
            tries -= 1
            if tries <= 0 or time.monotonic() > end:
                break
            if len(smaller) < len(best) and still(smaller):
                best, progress = smaller, True
                break
    return best


def _smaller(source: str) -> Iterator[str]:
    """Programs with one thing less, the larger cuts first."""
    tree = ast.parse(source)
    places = [(path, len(list(ast.walk(node)))) for path, node in _statements(tree)]
    for path, _ in sorted(places, key=lambda place: -place[1]):
        yield from _without(tree, path)
    for index, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.expr):
            yield from _simpler(tree, index)


Path = tuple[tuple[str, int], ...]


def _statements(tree: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.AST]]:
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        held = getattr(tree, name, None)
        if not isinstance(held, list):
            continue
        for index, child in enumerate(held):
            yield (*path, (name, index)), child
            yield from _statements(child, (*path, (name, index)))


def _without(tree: ast.Module, path: Path) -> Iterator[str]:
    """The program without the statement at a place, and with its body in its place."""
    for hoist in (False, True):
        changed = copy.deepcopy(tree)
        holder: ast.AST = changed
        for name, index in path[:-1]:
            holder = getattr(holder, name)[index]
        name, index = path[-1]
        held = getattr(holder, name)
        if _is_used(held[index], tree):
            return
        body = [child for part in ("body", "orelse") for child in _listed(held[index], part)] if hoist else []
        if hoist and (
            not body or name in {"handlers", "cases"} or isinstance(held[index], ast.FunctionDef | ast.ClassDef)
        ):
            continue
        held[index : index + 1] = body
        if not held and name == "body" and not isinstance(holder, ast.Module):
            held.append(ast.Pass())
        yield from _text(changed)


def _is_used(node: ast.AST, tree: ast.Module) -> bool:
    """An import whose name occurs: without it a program is read as a snippet, where `nn` means PyTorch's."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return False
    bound = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return any(isinstance(other, ast.Name) and other.id in bound for other in ast.walk(tree))


def _listed(node: ast.AST, name: str) -> list[ast.stmt]:
    held = getattr(node, name, [])
    return held if isinstance(held, list) else []


def _simpler(tree: ast.Module, index: int) -> Iterator[str]:
    """The program with one expression replaced by a part of it, or by a number."""
    node = list(ast.walk(tree))[index]
    parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    constant: list[ast.expr] = [] if isinstance(node, ast.Constant) else [ast.Constant(2)]
    for part in (*parts, *constant):
        changed = copy.deepcopy(tree)
        target = list(ast.walk(changed))[index]
        for holder in ast.walk(changed):
            for name, value in ast.iter_fields(holder):
                if value is target:
                    setattr(holder, name, part)
                elif isinstance(value, list) and any(item is target for item in value):
                    setattr(holder, name, [part if item is target else item for item in value])
        yield from _text(changed)
    if isinstance(node, ast.Call | ast.List | ast.Tuple | ast.Dict):
        yield from _fewer(tree, index)


def _fewer(tree: ast.Module, index: int) -> Iterator[str]:
    """The program with one element or argument less."""
    for name in ("args", "keywords", "elts"):
        for at in range(len(getattr(list(ast.walk(tree))[index], name, []))):
            changed = copy.deepcopy(tree)
            del getattr(list(ast.walk(changed))[index], name)[at]
            yield from _text(changed)


def _text(tree: ast.Module) -> Iterator[str]:
    try:
        yield ast.unparse(ast.fix_missing_locations(tree))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return
