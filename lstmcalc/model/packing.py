"""The rows of a batch as `pack_padded_sequence(input, lengths, enforce_sorted=False)` stores them.

Packed, a batch has no padding: first come the rows of step 0 of all sequences, the longest first, then those of step 1
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
    """One step of a packed batch."""

    step: int  # from 0
    batch_size: int  # the number of sequences that have this step
    rows: tuple[int, int]  # its rows in `packed.data`: the first, and the one after the last
    sequences: tuple[int, ...]  # the sequence of each row: its position in the batch


class Packing:
    """A packed batch; in data without lengths every sequence has all steps."""

    def __init__(self, data: DataSpec) -> None:
        self.lengths = data.lengths or (data.seq_len,) * data.num_sequences
        self.seq_len = data.seq_len
        self.batch_sizes = data.batch_sizes
        self.sorted_indices = data.sorted_indices
        self._ends = list(accumulate(self.batch_sizes))

    @property
    def unsorted_indices(self) -> tuple[int, ...]:
        """The position of each sequence among the sorted ones, which puts the results back into batch order."""
        places = dict(zip(self.sorted_indices, range(len(self.sorted_indices)), strict=True))
        return tuple(places[n] for n in range(len(places)))

    @property
    def num_rows(self) -> int:
        """`S`, the number of rows of `packed.data`."""
        return sum(self.lengths)

    @property
    def steps(self) -> Sequence[PackedStep]:
        """Every step with its rows."""

        def make(step: int) -> PackedStep:
            size, end = self.batch_sizes[step], self._ends[step]
            return PackedStep(step, size, (end - size, end), self.sorted_indices[:size])

        return LazySequence(len(self.batch_sizes), make)

    @property
    def padding(self) -> int:
        """The number of padding steps in the padded batch: `N*L - S`."""
        return len(self.lengths) * self.seq_len - self.num_rows

    @property
    def waste(self) -> float:
        """The padding's share of the padded batch, in percent."""
        return 100 * self.padding / (len(self.lengths) * self.seq_len) if self.lengths else 0.0

    @property
    def is_order_open(self) -> bool:
        """True if PyTorch may sort equal lengths in another order: there are some, and many sequences (`UNSTABLE`)."""
        return len(self.lengths) >= UNSTABLE and len(set(self.lengths)) < len(self.lengths)


def end_of(data: DataSpec, direction: str) -> tuple[Index, ...]:
    """The index into a trace, steps first, at which a direction has read all of each sequence."""
    if direction == "reverse":
        return (0,)
    if not data.lengths:
        return (-1,)
    return [length - 1 for length in data.lengths], list(range(len(data.lengths)))
