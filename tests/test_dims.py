from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.dims import Dim

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
