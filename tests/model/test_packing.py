"""How a batch of sequences of different lengths is packed; the live tests ask PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec
from lstmcalc.model.packing import Packing

lengths = st.lists(st.integers(1, 12), min_size=1, max_size=30)


def test_the_example_of_the_documentation() -> None:
    packing = Packing(DataSpec.given(lengths=[5, 3, 2]))
    assert packing.batch_sizes == (3, 3, 2, 1, 1)
    assert packing.sorted_indices == packing.unsorted_indices == (0, 1, 2)
    assert (packing.num_rows, packing.padding) == (10, 5)
    assert packing.waste == pytest.approx(100 / 3)
    assert [tuple(step) for step in packing.steps] == [
        (0, 3, (0, 3), (0, 1, 2)),
        (1, 3, (3, 6), (0, 1, 2)),
        (2, 2, (6, 8), (0, 1)),
        (3, 1, (8, 9), (0,)),
        (4, 1, (9, 10), (0,)),
    ]


@given(lengths, st.integers(0, 3))
def test_every_step_of_every_sequence_is_one_row(given_lengths: list[int], more: int) -> None:
    spec = DataSpec.given(max(given_lengths) + more, lengths=given_lengths)
    packing = Packing(spec)
    cells = [(step.step, n) for step in packing.steps for n in step.sequences]
    assert sorted(cells) == sorted((t, n) for n, length in enumerate(given_lengths) for t in range(length))
    assert cells == sorted(cells, key=lambda cell: (cell[0], packing.unsorted_indices[cell[1]]))
    for step in packing.steps:
        assert step.rows[1] - step.rows[0] == step.batch_size == len(step.sequences)
    assert packing.num_rows + packing.padding == spec.seq_len * len(given_lengths)
    assert np.array_equal(np.argsort(packing.sorted_indices), packing.unsorted_indices)


def test_without_lengths_nothing_is_padding() -> None:
    packing = Packing(DataSpec(5, 3))
    assert (packing.batch_sizes, packing.num_rows, packing.padding, packing.waste) == ((3,) * 5, 15, 0, 0.0)
    empty = Packing(DataSpec(5, 0))
    assert (empty.batch_sizes, empty.num_rows, empty.waste) == ((), 0, 0.0)


@pytest.mark.parametrize(
    ("given_lengths", "is_open"),
    [([3] * 16, False), ([3] * 17, True), (list(range(1, 40)), False), ([*range(1, 17), 16], True)],
)
def test_where_pytorchs_order_is_its_own(given_lengths: list[int], is_open: bool) -> None:
    assert Packing(DataSpec.given(lengths=given_lengths)).is_order_open is is_open
