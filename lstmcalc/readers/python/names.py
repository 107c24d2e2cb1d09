"""What a construction in code is called: the path of what it is assigned to, as `state_dict` has it.

`self.encoder = nn.LSTM(...)` is `encoder`, the first item of `self.net = nn.Sequential(...)` is `net.0`.

Not here: the names that Keras gives its layers by itself (`constructions`).
"""

import ast
from collections.abc import Callable, Sequence
from typing import Final

from lstmcalc.readers.python.evaluate import Program, show
from lstmcalc.readers.python.scopes import instance_owner

_LISTS: Final = ("Sequential", "ModuleList", "ModuleDict", "OrderedDict")  # whose items PyTorch numbers or names
_TRANSPARENT: Final = (ast.BinOp, ast.keyword, ast.Starred, ast.Attribute, ast.ListComp, ast.IfExp, ast.GeneratorExp)


def assigned_name(program: Program, node: ast.AST, names: Callable[[ast.Call], list[str]]) -> str:
    """The path of what an expression is assigned to: `encoder`, `layers.0`; empty if it is to nothing.

    Args:
        program: The code.
        node: The expression.
        names: The full names of what a call may call.
    """
    path: list[str] = []
    parents = program.parents
    while node in parents:
        child, node = node, parents[node]
        step = _step(child, node, path, names, program)
        if step is None:  # of a list that is assigned to nothing, the place in it
            return ".".join(reversed(path)) if isinstance(node, ast.Expr | ast.Return) else ""
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            goal: ast.AST = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(goal, ast.Tuple) and isinstance(child, ast.Tuple) and len(goal.elts) == len(child.elts):
                goal = goal.elts[int(path.pop())]  # a, b = nn.LSTM(...), nn.LSTM(...)
            target = _text_of(goal, program)
            return ".".join([target, *reversed(path)]) if target else ""
        path += [step] if step else []
        if step and isinstance(node, ast.Call) and not _is_list(node.func):  # add_module("rnn", nn.LSTM(...))
            return ".".join(reversed(path))
    return ""


def _step(
    child: ast.AST, node: ast.AST, path: Sequence[str], names: Callable[[ast.Call], list[str]], program: Program
) -> str | None:
    """What one level around an expression adds to its path; None if nothing is assigned through it."""
    if isinstance(node, ast.List | ast.Tuple):
        first = node.elts[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):  # ("rnn", nn.LSTM(...))
            return first.value
        return "" if path and not path[-1].isdigit() else _position(child, node.elts)
    if isinstance(node, ast.Dict):
        place = _position(child, node.values)
        key = node.keys[int(place)] if place else None
        return str(key.value) if isinstance(key, ast.Constant) else ""
    if isinstance(node, ast.Call):
        return _step_of_call(child, node, names, program)
    transparent = isinstance(node, (*_TRANSPARENT, ast.Assign, ast.AnnAssign, ast.NamedExpr))
    return "" if transparent else None


def _step_of_call(
    child: ast.AST, node: ast.Call, names: Callable[[ast.Call], list[str]], program: Program
) -> str | None:
    """What a call around an expression adds to its path."""
    if child is node.func:
        # lstm = nn.LSTM(10, 20).to(device) is that LSTM; x = LSTM(64)(inputs) is its output.
        return "" if isinstance(child, ast.Attribute) else None
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = node.args[1 if called == "setattr" else 0] if len(node.args) > 1 else None
    if called in ("add_module", "register_module", "setattr") and isinstance(given, ast.Constant):
        return str(given.value)
    if called in ("append", "insert") and isinstance(node.func, ast.Attribute):
        return _text_of(node.func.value, program) or None
    if not _is_list(node.func) or called == "OrderedDict":
        return None if called == "add" else ""
    homes = names(node)
    if any("keras" in home for home in homes) and (
        isinstance(child, ast.List) or not any("torch" in home for home in homes)
    ):
        return None
    collected = isinstance(child, ast.List | ast.Starred | ast.Dict | ast.ListComp | ast.GeneratorExp | ast.BinOp) or (
        isinstance(child, ast.Call) and _is_list(child.func) and called == "Sequential" and len(node.args) == 1
    )
    return "" if collected else _position(child, node.args)


def _position(child: ast.AST, nodes: Sequence[ast.AST]) -> str:
    return next((str(position) for position, node in enumerate(nodes) if node is child), "")


def _is_list(function: ast.expr) -> bool:
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return last in _LISTS


def _text_of(target: ast.AST, program: Program) -> str:
    """What an assignment's target is called: `self.encoder` is `encoder`, whatever `self` is called."""
    if not isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
        return ""
    base: ast.AST = target
    while isinstance(base, ast.Attribute | ast.Subscript):
        base = base.value
    owner = isinstance(base, ast.Name) and instance_owner(base.id, program.scopes[target])
    own = f"{base.id}." if isinstance(base, ast.Name) and (owner or base.id == "self") else ""
    return show(target).removeprefix(own).replace(" ", "")
