"""The largest size that fits, found by bisection, held against looking at every size."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.costs.budgets import NO_LIMIT, Largest, Stretch, largest_fitting, stretches
from lstmcalc.costs.regimes import PERIOD, SWITCHES, kind_of
from lstmcalc.spec.config import MAX_SIZE


@given(st.lists(st.integers(0, 9), max_size=4), st.data())
def test_the_largest_of_several_rising_stretches(kinds: list[int], choose: st.DataObject) -> None:
    # Sizes 0, 1, 2, ... are dealt to the stretches; in each the cost rises.
    count = choose.draw(st.integers(1, 40))
    owners = [choose.draw(st.integers(0, max(0, len(kinds) - 1))) for _ in range(count)]
    offsets = kinds or [0]
    costs = [offsets[owner] * 7 + size for size, owner in enumerate(owners)]
    budget = choose.draw(st.integers(-1, max(costs) + 1))
    sizes = [[size for size in range(count) if owners[size] == owner] for owner in range(len(offsets))]
    among = [Stretch(len(own), lambda position, own=own: own[position]) for own in sizes]  # type: ignore[misc]
    fitting = [size for size in range(count) if costs[size] <= budget]
    found = largest_fitting(lambda size: costs[size] <= budget, among)
    if not fitting:
        assert found is None
        return
    misfits = [size for size in range(max(fitting)) if costs[size] > budget]
    assert found == Largest(max(fitting), min(misfits, default=None))


@pytest.mark.parametrize("field", ["hidden_size", "batch", "seq_len", "num_layers"])
@pytest.mark.parametrize("least", [1, 5, 17, 300])
def test_every_size_is_in_one_stretch(field: str, least: int) -> None:
    among, shown = stretches(field, least), []
    for stretch in among:
        sizes = [stretch.size(position) for position in range(min(stretch.length, 1000))]
        assert sizes == sorted(sizes)
        assert len({kind_of(field, size) for size in sizes}) == 1
        assert stretch.size(stretch.length - 1) <= MAX_SIZE
        shown += sizes
    assert len(set(shown)) == len(shown)
    assert set(range(least, least + 500)) <= set(shown)
    assert max(stretch.size(stretch.length - 1) for stretch in among) > NO_LIMIT


def test_where_there_is_no_switch_there_is_a_period() -> None:
    assert "hidden_size" not in SWITCHES
    assert all(kind_of("hidden_size", size) == kind_of("hidden_size", size + PERIOD) for size in range(1, 2000))


def test_a_huge_budget_takes_few_looks() -> None:
    looks: list[Any] = []

    def fits(size: int) -> bool:
        looks.append(size)
        return size * size <= 10**30

    assert largest_fitting(fits, stretches("hidden_size", 1)) == Largest(10**15, None)
    assert len(looks) < 1000


def test_a_setting_with_switches_reaches_the_largest_size() -> None:
    last = stretches("batch", 1)[-1]
    assert last.size(last.length - 1) == MAX_SIZE
