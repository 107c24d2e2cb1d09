"""The layers beside the LSTMs of a text that is code: what a class constructs, as far as it stands there in numbers.

Nothing is run. Each construction of a layer of PyTorch counts once, if its arguments are numbers, or names that stand
for one number everywhere; which of them a model has, and how often, is not known: the total is never exact.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import prod
from operator import add, mul, sub
from typing import TYPE_CHECKING, Any, Final

from lstmcalc.commands.summary.inventory import Inventory, Layer, named
from lstmcalc.spec.words import with_rest

if TYPE_CHECKING:
    from lstmcalc.readers.text.source_text import SourceText

_LISTED: Final = 3
_MODULES: Final = ("nn", "torch.nn")


def inventory_of_code(text: "SourceText", kind: str, known: Mapping[str, object]) -> Inventory:
    """The layers of PyTorch that are constructed in code, beside its LSTMs; never certain to be all of the model."""
    what = "notebook" if kind == "notebook" else "Python code" if "\n" in text.text.strip() else ""
    if "\n" not in text.text.strip():  # one call
        return Inventory("")
    try:
        tree = ast.parse(text.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Inventory(what, doubts=["other layers are not read"], least=True)
    others, open_ = [], []
    known = {**_constants(tree), **known}
    for name, call, shown in _layers(tree):
        count = _count(call, known)
        if count is None:
            open_.append(name or shown)
            others.append(Layer(name, shown.partition("(")[0], named(name, shown), None))
        elif count:
            others.append(Layer(name, shown.partition("(")[0], named(name, shown), count))
    doubts = [f"{with_rest(open_, _LISTED)} (sizes not known)" if open_ else "each layer once, as it is written"]
    return Inventory(what, others, doubts=doubts, least=bool(open_))


def _layers(tree: ast.Module) -> Iterator[tuple[str, ast.Call, str]]:
    """Every construction of a layer of PyTorch that is not an LSTM, with the name that it is given."""
    from lstmcalc.frameworks.layers import EMPTY, LAYERS

    names: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            name = ast.unparse(node.targets[0]).removeprefix("self.")
            for inner in ast.walk(node.value):
                names.setdefault(inner, name)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        path = ast.unparse(node.func)
        module, _, kind = path.rpartition(".")
        if kind in ("LSTM", "LSTMCell") or module not in _MODULES:
            continue
        if kind in LAYERS:
            yield names.get(node, ""), node, _short(ast.unparse(node).removeprefix(f"{module}."))
        elif kind not in EMPTY and kind[:1].isupper():
            yield names.get(node, ""), node, _short(f"{kind}(...)")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004  # what fits a line


def _count(call: ast.Call, known: Mapping[str, object]) -> int | None:
    """The parameters of a layer whose arguments are known; None if they are not."""
    from lstmcalc.frameworks.layers import LAYERS, buffers_of, kept_tensors

    kind = ast.unparse(call.func).rpartition(".")[2]
    layer = LAYERS.get(kind)
    if layer is None or len(call.args) > len(layer.settings) or any(item.arg is None for item in call.keywords):
        return None
    settings: dict[str, Any] = {}
    try:
        settings |= {name: _value(node, known) for name, node in zip(layer.settings, call.args, strict=False)}
        settings |= {str(item.arg): _value(item.value, known) for item in call.keywords}
    except (ValueError, RecursionError):
        return None
    kept, held = kept_tensors(kind, settings), buffers_of(kind)
    return None if kept is None else sum(prod(shape) for name, shape in kept.items() if name not in held)


_OPERATORS: Final = {ast.Add: add, ast.Sub: sub, ast.Mult: mul}


def _value(node: ast.expr, known: Mapping[str, object]) -> object:
    """The value of an argument: a literal, a known name, or integers that are added, subtracted or multiplied.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple):
        return tuple(_value(item, known) for item in node.elts)
    if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in known:
        return known[ast.unparse(node)]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        sides = [_value(side, known) for side in (node.left, node.right)]
        if all(type(side) is int for side in sides):
            return _OPERATORS[type(node.op)](*sides)
    raise ValueError


def _constants(tree: ast.Module) -> dict[str, object]:
    """The names that stand for one number everywhere: assigned once, at the top of the module, and no parameter."""
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    stored = Counter(node.id for node in names if not isinstance(node.ctx, ast.Load))
    stored.update(node.arg for node in ast.walk(tree) if isinstance(node, ast.arg))
    known: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            with suppress(ValueError, RecursionError):
                if stored[name] == 1:
                    known[name] = _value(node.value, known)
    return known
