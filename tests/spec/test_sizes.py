from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.spec.sizes import Dim, largest, roundup

NAMES = ("D", "H_cell", "H_in", "num_layers")
VALUES = dict(zip(NAMES, (2, 20, 10, 3), strict=True))

dims = st.recursive(
    st.sampled_from([Dim.symbol(name) for name in NAMES]) | st.integers(-9, 9).map(Dim.of),
    lambda inner: st.tuples(inner, inner, st.sampled_from("+-*")).map(
        lambda part: part[0] + part[1] if part[2] == "+" else part[0] - part[1] if part[2] == "-" else part[0] * part[1]
    ),
    max_leaves=8,
)


def points() -> list[dict[str, int]]:
    """Enough points to tell two different small polynomials apart, most of the time."""
    return [dict(zip(NAMES, values, strict=True)) for values in product((1, 2, 5), repeat=len(NAMES))]


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (4 * Dim.symbol("H_cell"), "4*H_cell"),
        (Dim.symbol("H_out") * Dim.symbol("D"), "D*H_out"),
        (Dim.symbol("num_layers") - 1, "num_layers - 1"),
        (1 - Dim.symbol("N"), "-N + 1"),
        (2 * (Dim.symbol("L") + 1), "2*(L + 1)"),
        (1 * (Dim.symbol("L") + 1), "L + 1"),
        (4 * Dim.symbol("H_cell") + 4 * Dim.symbol("H_cell"), "8*H_cell"),
        (Dim.symbol("N") - Dim.symbol("N"), "0"),
        (0 * (Dim.symbol("L") + 1), "0"),
        (-(Dim.symbol("L") + 1), "-(L + 1)"),
        (Dim.of(7), "7"),
    ],
)
def test_a_dim_prints_as_it_was_written(dim: Dim, text: str) -> None:
    assert str(dim) == text
    assert repr(dim) == f"Dim({text!r})"


@given(dims)
def test_the_text_is_python_for_the_same_number(dim: Dim) -> None:
    for values in (VALUES, dict.fromkeys(NAMES, 1)):
        assert eval(str(dim), {}, values) == dim.at(values)


@given(dims, dims)
def test_arithmetic_is_that_of_integers(left: Dim, right: Dim) -> None:
    a, b = left.at(VALUES), right.at(VALUES)
    assert ((left + right).at(VALUES), (left - right).at(VALUES), (left * right).at(VALUES)) == (a + b, a - b, a * b)


@given(dims, dims, dims)
def test_equality_is_that_of_polynomials(a: Dim, b: Dim, c: Dim) -> None:
    assert a + b == b + a
    assert a * b == b * a
    assert a * (b + c) == a * b + a * c
    assert hash(a * (b + c)) == hash(a * b + a * c)
    assert a - a == 0


@given(dims, dims)
def test_unequal_dims_differ_somewhere(left: Dim, right: Dim) -> None:
    if left == right:
        assert all(left.at(values) == right.at(values) for values in points())
    else:
        assert left != right


@given(dims)
def test_substituting_numbers_one_by_one_gives_the_value(dim: Dim) -> None:
    for name, value in VALUES.items():
        dim = dim.substitute({name: value})
    assert dim.symbols == frozenset()
    assert dim == dim.at({})


def test_a_symbol_can_become_an_expression() -> None:
    H_cell, H_out = Dim.symbol("H_cell"), Dim.symbol("H_out")
    assert (H_out * (H_out + 1)).substitute({"H_out": 2 * H_cell}) == 4 * H_cell * H_cell + 2 * H_cell


def test_symbols_are_those_that_occur_even_inside_brackets() -> None:
    D, n = Dim.symbol("D"), Dim.symbol("num_layers")
    assert (D * (n - 1) + 3).symbols == {"D", "num_layers"}


def test_a_missing_value_is_named() -> None:
    with pytest.raises(KeyError, match="H_in"):
        Dim.symbol("H_in").at({"H_cell": 1})


def test_a_dim_is_not_equal_to_its_text() -> None:
    assert Dim.symbol("N") != "N"


def combined(parts: tuple[Dim, Dim, int, str]) -> Dim:
    left, right, number, how = parts
    if how == "round":
        return roundup(left, number)
    return left * right if how == "times" else largest(left, right, number) if how == "max" else left + right


calls = st.recursive(
    dims,
    lambda inner: st.tuples(inner, inner, st.integers(1, 70), st.sampled_from(["plus", "times", "round", "max"])).map(
        combined
    ),
    max_leaves=6,
)
FUNCTIONS = {"max": max, "roundup": lambda size, step: -(-size // step) * step}


@given(calls)
def test_with_functions_too_the_text_is_python_with_its_value(dim: Dim) -> None:
    assert eval(str(dim), {**FUNCTIONS, **VALUES}) == dim.at(VALUES)
    assert dim.symbols <= VALUES.keys()


@given(calls, st.lists(st.tuples(*[st.integers(0, 10**5)] * len(NAMES)), min_size=1, max_size=4))
def test_arrays_give_what_numbers_give_and_nothing_exceeds_the_bound(dim: Dim, rows: list[tuple[int, ...]]) -> None:
    points = [dict(zip(NAMES, row, strict=True)) for row in rows]
    exact = [dim.at(point) for point in points]
    columns = dict(zip(NAMES, np.array(rows).T.astype(object), strict=True))
    assert np.broadcast_to(dim.over(columns), len(rows)).tolist() == exact
    bounds = [dim.bound(point) for point in points]
    assert all(abs(value) <= bound for value, bound in zip(exact, bounds, strict=True))
    if max(bounds) < 2**63:
        columns = dict(zip(NAMES, np.array(rows).T, strict=True))
        assert np.broadcast_to(dim.over(columns), len(rows)).tolist() == exact


@given(calls, st.sampled_from(NAMES), st.integers(0, 9))
def test_substitution_reaches_into_functions(dim: Dim, name: str, number: int) -> None:
    assert dim.substitute({name: number}).at(VALUES) == dim.at({**VALUES, name: number})


def test_functions_print_as_they_were_written() -> None:
    width = roundup(4 * Dim.symbol("H_cell"), 16)
    assert str(width * Dim.symbol("N") * 3) == "3*N*roundup(4*H_cell, 16)"
    assert largest(width) is width
    assert str(largest(width, 7) - 1) == "max(roundup(4*H_cell, 16), 7) - 1"
    assert width == roundup(4 * Dim.symbol("H_cell"), 16)
    assert width != roundup(4 * Dim.symbol("H_cell"), 32)
    assert hash(width * 2) == hash(width + width)
