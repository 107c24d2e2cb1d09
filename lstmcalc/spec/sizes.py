"""Symbolic sizes: exact integer expressions over named hyperparameters.

An expression keeps the form it was written in (`4*H_cell`, `D*(num_layers - 1)*(...)`), because it is shown
to people; two expressions are equal when they are the same polynomial. Its text is valid Python. Rounding up and
maxima are a `Call` of a `Function`, which is a symbol to the polynomial around it.

Not here: the meaning of the symbols (`symbols`).
"""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import mul
from typing import Any, Final, NamedTuple, TypeAlias, Union

Factor: TypeAlias = Union[str, "Call", "Dim"]  # a symbol, a function's value, or a sum that stays in brackets
Terms: TypeAlias = dict[tuple[Factor, ...], int]  # the factors of each product, and its coefficient


class Dim:
    """An exact integer expression in `+`, `-` and `*` over symbols and integers.

    >>> H_cell, H_in = Dim.symbol("H_cell"), Dim.symbol("H_in")
    >>> weight = 4 * H_cell * H_in
    >>> str(weight), weight.at({"H_cell": 20, "H_in": 10})
    ('4*H_cell*H_in', 800)
    """

    __slots__ = ("_expanded", "_terms")

    def __init__(self, terms: Terms) -> None:
        values = terms.values()
        self._terms = terms if all(values) else {factors: value for factors, value in terms.items() if value}
        self._expanded: dict[tuple[str, ...], int] | None = None

    @classmethod
    def symbol(cls, name: str) -> "Dim":
        """The symbol `name`."""
        return cls({(name,): 1})

    @classmethod
    def of(cls, value: "int | Dim") -> "Dim":
        """`value` as an expression."""
        return value if isinstance(value, Dim) else cls({(): value})

    def __add__(self, other: "int | Dim") -> "Dim":
        terms = dict(self._terms)
        for factors, coefficient in Dim.of(other)._terms.items():
            terms[factors] = terms.get(factors, 0) + coefficient
        return Dim(terms)

    def __mul__(self, other: "int | Dim") -> "Dim":
        left, right = self._product(), Dim.of(other)._product()
        coefficient = left[1] * right[1]
        factors = left[0] + right[0]
        if coefficient == 1 and len(factors) == 1 and isinstance(factors[0], Dim):
            return factors[0]
        symbols = sorted(factor for factor in factors if isinstance(factor, str))
        if len(symbols) == len(factors):
            return Dim({(*symbols,): coefficient})
        calls = [factor for factor in factors if isinstance(factor, Call)]
        brackets = [factor for factor in factors if isinstance(factor, Dim)]
        return Dim({(*symbols, *calls, *brackets): coefficient})

    def _product(self) -> tuple[tuple[Factor, ...], int]:
        """The expression as factors and a coefficient: a sum of several terms is one factor, in brackets."""
        if len(self._terms) > 1:
            return (self,), 1
        return next(iter(self._terms.items()), ((), 0))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Dim":
        return self * -1

    def __sub__(self, other: "int | Dim") -> "Dim":
        return self + -Dim.of(other)

    def __rsub__(self, other: int) -> "Dim":
        return -self + other

    @property
    def symbols(self) -> frozenset[str]:
        """The names of the symbols in the expression."""
        return frozenset[str]().union(
            *({factor} if isinstance(factor, str) else factor.symbols for factors in self._terms for factor in factors)
        )

    @property
    def functions(self) -> "frozenset[Function]":
        """The functions in the expression."""
        parts = [factor for factors in self._terms for factor in factors if not isinstance(factor, str)]
        return frozenset[Function]().union(*(part.functions for part in parts))

    def substitute(self, values: Mapping[str, "int | Dim"]) -> "Dim":
        """The expression with some of its symbols replaced."""
        total = Dim({})
        for factors, coefficient in self._terms.items():
            replaced = (
                values.get(factor, Dim.symbol(factor)) if isinstance(factor, str) else factor.substitute(values)
                for factor in factors
            )
            total += reduce(mul, map(Dim.of, replaced), Dim.of(coefficient))
        return total

    def at(self, values: Mapping[str, int]) -> int:
        """The value of the expression, from the values of its symbols.

        Raises:
            KeyError: A symbol has no value.
        """
        return int(self.over(values))

    def over(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  # numbers, or arrays of them
        """The value of the expression for numbers or, element-wise, for arrays; their values are never inspected.

        Raises:
            KeyError: A symbol has no value.
        """
        return sum(
            reduce(
                mul,
                (values[factor] if isinstance(factor, str) else factor.over(values) for factor in factors),
                coefficient,
            )
            for factors, coefficient in self._terms.items()
        )

    def bound(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as `over`
        """An upper bound of every intermediate value in `over`, if no value is negative; may be computed in floats.

        A value of 0 counts as 1, because the product before it has already been computed.
        """
        return sum(
            reduce(
                mul,
                (
                    values[factor] + (values[factor] == 0) if isinstance(factor, str) else factor.bound(values)
                    for factor in factors
                ),
                abs(coefficient),
            )
            for factors, coefficient in self._terms.items()
        )

    def expanded(self) -> dict[tuple[str, ...], int]:
        """The polynomial: its monomials, as sorted symbols, with their coefficients."""
        if self._expanded is None:  # expressions are compared, and their brackets hashed, again and again
            self._expanded = self._expand()
        return self._expanded

    def _expand(self) -> dict[tuple[str, ...], int]:
        total: dict[tuple[str, ...], int] = {}
        for factors, coefficient in self._terms.items():
            product: dict[tuple[str, ...], int] = {(): coefficient}
            for factor in factors:
                other = factor.expanded() if isinstance(factor, Dim) else {(str(factor),): 1}
                step: dict[tuple[str, ...], int] = {}
                for left, a in product.items():
                    for right, b in other.items():
                        key = tuple(sorted(left + right))
                        step[key] = step.get(key, 0) + a * b
                product = step
            for key, value in product.items():
                total[key] = total.get(key, 0) + value
        return {key: value for key, value in total.items() if value}

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | Dim):
            return self.expanded() == Dim.of(other).expanded()
        return NotImplemented

    def __hash__(self) -> int:
        terms = self.expanded()
        return hash(terms.get((), 0)) if terms.keys() <= {()} else hash(frozenset(terms.items()))

    def __str__(self) -> str:
        text = ""
        for factors, coefficient in self._terms.items():
            parts = [f"({factor})" if isinstance(factor, Dim) else str(factor) for factor in factors]
            if abs(coefficient) != 1 or not parts:
                parts.insert(0, str(abs(coefficient)))
            sign = "-" if coefficient < 0 else "+"
            text += f" {sign} " if text else sign.strip("+")
            text += "*".join(parts)
        return text or "0"

    def __repr__(self) -> str:
        return f"Dim({str(self)!r})"


class Function(NamedTuple):
    """A function of sizes that is not a polynomial; called with expressions, it gives an expression."""

    name: str  # as written in formulas, e.g. `roundup`
    compute: Callable[..., Any]  # its value, for integers or arrays of them
    bound: Callable[..., Any]  # an upper bound of its value and of every intermediate value
    says: str  # its definition, in words

    def __call__(self, *arguments: int | Dim) -> Dim:
        """The function's value for these arguments, as an expression."""
        return Dim({(Call(self, tuple(map(Dim.of, arguments))),): 1})


class Call(NamedTuple):
    """The value of a function for some arguments, which is a symbol to the expression around it."""

    function: Function
    arguments: tuple[Dim, ...]

    @property
    def symbols(self) -> frozenset[str]:
        """The names of the symbols in its arguments."""
        return frozenset[str]().union(*(argument.symbols for argument in self.arguments))

    @property
    def functions(self) -> frozenset[Function]:
        """The function itself, and those in its arguments."""
        return frozenset({self.function}).union(*(argument.functions for argument in self.arguments))

    def substitute(self, values: Mapping[str, int | Dim]) -> Dim:
        """The call with some of its symbols replaced."""
        return self.function(*(argument.substitute(values) for argument in self.arguments))

    def over(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as `Dim.over`
        """The value of the call; see `Dim.over`."""
        return self.function.compute(*(argument.over(values) for argument in self.arguments))

    def bound(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as `Dim.bound`
        """An upper bound of every intermediate value in `over`; see `Dim.bound`."""
        return self.function.bound(*(argument.bound(values) for argument in self.arguments))

    def __str__(self) -> str:
        return f"{self.function.name}({', '.join(map(str, self.arguments))})"


def _maximum(one: Any, other: Any) -> Any:  # noqa: ANN401  # integers, or arrays of them
    """The larger of two; element-wise for arrays."""
    return (one + other + abs(one - other)) // 2


roundup: Final = Function(
    "roundup",
    lambda size, step: -(-size // step) * step,
    lambda size, step: size + step,
    "roundup(x, n) is x, or the next multiple of n",
)
larger: Final = Function(
    "max",
    lambda *sizes: reduce(_maximum, sizes),
    lambda *sizes: 2 * sum(sizes),
    "max(a, b) is the larger of the two",
)


def largest(*sizes: int | Dim) -> Dim:
    """The largest of some sizes; a single one unchanged."""
    return larger(*sizes) if len(sizes) > 1 else Dim.of(sizes[0])
