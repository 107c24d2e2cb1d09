"""How `pack_padded_sequence(input, lengths, enforce_sorted=False)` stores a batch, row by row.

Packed, a batch has no padding: the rows are those of step 0 of all sequences, the longest first, then those of step 1
of all that have one, and so on. The results come back in the order of the batch.

Source: `torch/nn/utils/rnn.py`, torch 2.13.0.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from lstmcalc.lazy import LazySequence
from lstmcalc.model.snippets import Index
from lstmcalc.spec.config import DataSpec

# From this many sequences on, PyTorch's sort keeps no order among equal lengths (torch 2.13.0, CPU).
UNSTABLE: Final = 17


class PackedStep(NamedTuple):
    """One step of a packed batch.

    Attributes:
        step: The step, from 0.
        batch_size: How many sequences have it.
        rows: The rows of `packed.data` that are of this step, from and up to.
        sequences: Whose they are, row by row: positions in the batch.
    """

    step: int
    batch_size: int
    rows: tuple[int, int]
    sequences: tuple[int, ...]


class Packing:
    """A batch of sequences, packed.

    Args:
        data: The data; without lengths every sequence has all steps.
    """

    def __init__(self, data: DataSpec) -> None:
        self.lengths = data.lengths or (data.seq_len,) * data.num_sequences
        self.seq_len = data.seq_len
        self.batch_sizes = data.batch_sizes
        self.sorted_indices = data.sorted_indices
        self._ends = list(accumulate(self.batch_sizes))

    @property
    def unsorted_indices(self) -> tuple[int, ...]:
        """Where each sequence is among the sorted ones; the results are put back with it."""
        places = dict(zip(self.sorted_indices, range(len(self.sorted_indices)), strict=True))
        return tuple(places[n] for n in range(len(places)))

    @property
    def num_rows(self) -> int:
        """`S`, the rows of `packed.data`."""
        return sum(self.lengths)

    @property
    def steps(self) -> Sequence[PackedStep]:
        """What each step holds."""

        def make(step: int) -> PackedStep:
            size, end = self.batch_sizes[step], self._ends[step]
            return PackedStep(step, size, (end - size, end), self.sorted_indices[:size])

        return LazySequence(len(self.batch_sizes), make)

    @property
    def padding(self) -> int:
        """How many steps of the padded batch are none: `N*L - S`."""
        return len(self.lengths) * self.seq_len - self.num_rows

    @property
    def waste(self) -> float:
        """The padding's share of the padded batch, in percent."""
        return 100 * self.padding / (len(self.lengths) * self.seq_len) if self.lengths else 0.0

    @property
    def is_order_open(self) -> bool:
        """Whether PyTorch may sort them in another order: there are equal lengths, and too many sequences."""
        return len(self.lengths) >= UNSTABLE and len(set(self.lengths)) < len(self.lengths)


def end_of(data: DataSpec, direction: str) -> tuple[Index, ...]:
    """The index into what is traced, steps first, at which a direction has read all of each sequence."""
    if direction == "reverse":
        return (0,)
    if not data.lengths:
        return (-1,)
    return [length - 1 for length in data.lengths], list(range(len(data.lengths)))
