"""What operators and builtin functions make of values that are known: arithmetic without surprises.

A result that is no size of anything, because it is too large, too long or no number, is a `Gap`.

Not here: what the operands are (`evaluate`).
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from lstmcalc.spec.provenance import Gap

_BITS: Final = 256  # of an integer on the way to a size
_ITEMS: Final = 10_000  # in a tuple, list or dictionary, all levels together

_OPERATORS: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_COMPARISONS: Final[Mapping[type, Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
BUILTINS: Final[Mapping[str, Callable[..., Any]]] = {
    "int": int,
    "float": float,
    "bool": bool,
    "len": len,
    "max": max,
    "min": min,
    "abs": abs,
    "round": round,
    "sum": sum,
    "tuple": tuple,
    "list": list,
}


def unary(op: ast.unaryop, value: Any) -> Any:  # noqa: ANN401  # whatever the code says
    """What an operator makes of a value; None if nothing is known of that."""
    if isinstance(value, Gap):
        return value
    if isinstance(op, ast.Not):
        return not value if is_plain(value) else None
    if not isinstance(value, int | float) or isinstance(op, ast.Invert):
        return None
    return -value if isinstance(op, ast.USub) else +value


def binary(op: ast.operator, left: Any, right: Any) -> Any:  # noqa: ANN401  # as above
    """What an operator makes of two values; None if nothing is known of that."""
    gap = joined_gap((left, right))
    if gap:
        return gap
    if isinstance(op, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
        return limited({**left, **right})
    if isinstance(op, ast.Add) and isinstance(left, tuple) and isinstance(right, tuple):
        return limited(left + right)
    if isinstance(op, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return left + right if len(left + right) <= _ITEMS else Gap("a long text")
    compute = _OPERATORS.get(type(op))
    known = all(isinstance(item, int | float) for item in (left, right))
    return _computed(compute, left, right) if compute and known else None


def compared(op: ast.cmpop, left: Any, right: Any) -> Any:  # noqa: ANN401  # as above
    """Whether a comparison holds; None if nothing is known of that."""
    gap = joined_gap((left, right))
    if gap:
        return gap
    compute = _COMPARISONS.get(type(op))
    try:
        return compute(left, right) if compute and is_plain(left) and is_plain(right) else None
    except TypeError:
        return None


def called(name: str, values: Sequence[Any]) -> Any:  # noqa: ANN401  # as above
    """What a builtin function makes of values; None if that fails."""
    try:
        return limited(BUILTINS[name](*values))
    except (TypeError, ValueError, ArithmeticError):
        return None


def is_plain(value: object) -> bool:
    """Whether a value is a number, a text, a Boolean or None."""
    return isinstance(value, bool | int | float | str | None)


def same(left: object, right: object) -> bool:
    """Whether two values are known, and the same."""
    return type(left) is type(right) and left == right and not isinstance(left, Gap)


def differing(name: str, values: Sequence[tuple[object, int]]) -> Gap:
    """The gap of what stands for different values in different places."""
    (first, line), *others = values
    other, at = next((pair for pair in others if not same(first, pair[0])), (first, line))
    if isinstance(first, Gap) and isinstance(other, Gap):
        return Gap("", (name,))
    shown = [f"{_briefly(item)} in line {where}" for item, where in ((first, line), (other, at))]
    return Gap(f"{name}, which is {' and '.join(shown)}", (name,))


def _briefly(value: object) -> str:
    return (" or ".join(value.names) or "unknown") if isinstance(value, Gap) else repr(value)[:20]


def joined_gap(values: Iterable[object]) -> Gap | None:
    """One gap for all that are among the values; None if there is none."""
    gaps = [value for value in values if isinstance(value, Gap)]
    if not gaps:
        return None
    reasons = [gap.why for gap in gaps if gap.why]
    return Gap(reasons[0] if reasons else "", tuple(dict.fromkeys(name for gap in gaps for name in gap.names)))


def _computed(compute: Callable[[Any, Any], Any], left: float, right: float) -> Any:  # noqa: ANN401  # as above
    """An operator's result, unless it is no size of anything."""
    sizes = [value.bit_length() for value in (left, right) if isinstance(value, int)]
    if max(sizes, default=0) > _BITS or (compute in (operator.pow, operator.lshift) and right > _BITS):
        return Gap("a number too large")
    try:
        value = compute(left, right)
    except (ArithmeticError, TypeError, ValueError):
        return Gap("no number")
    return Gap("no number") if isinstance(value, complex) else value


def limited(value: Any) -> Any:  # noqa: ANN401  # as above
    """The value, unless it is a collection of too many items."""
    return value if _count(value) <= _ITEMS else Gap("a long list")


def _count(value: Any) -> int:  # noqa: ANN401  # as above
    """How many items a collection has, all levels together; `_ITEMS + 1` stands for more."""
    total, level = 0, [value]
    while level and total <= _ITEMS:
        total += len(level)
        inner = (
            item.values() if isinstance(item, dict) else item for item in level if isinstance(item, tuple | list | dict)
        )
        level = [item for items in inner for item in items]
    return total
