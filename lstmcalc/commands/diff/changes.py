"""The change that makes one weight file's numbers of the other's: for each tensor, and once for all.

Not here: the changes that are tried (`proof.mistakes.arrays`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lstmcalc.commands.diff.records import IN_WEIGHTS, Side
from lstmcalc.commands.diff.rows import LISTED, ValuedRow, Words
from lstmcalc.errors import LstmcalcError, printable
from lstmcalc.frameworks.storage import Storage
from lstmcalc.machine import available_memory
from lstmcalc.spec.words import counted, with_rest

if TYPE_CHECKING:
    from lstmcalc.numerics.arrays import Array
    from lstmcalc.proof.mistakes.arrays import Made

_BYTES: Final = 60  # for each number: both arrays, one in float64 with its changes, and what is compared
_MOST: Final = 3  # sentences


def with_changes(
    rows: Sequence[ValuedRow], file: Side, model: Side, words: Words, tolerance: float
) -> tuple[list[ValuedRow], list[str]]:
    """The rows that differ, with what makes the second side's numbers of the first side's, and sentences for all."""
    arrays = _both_arrays(file, model)
    if arrays is None:
        return list(rows), []
    from lstmcalc.proof.mistakes.arrays import Comparison

    comparison = Comparison(file.config, *arrays, tolerance)
    different = [name for name in arrays[0] if not _same(*arrays, name, tolerance)]
    found = {name: comparison.made_by(name) for name in different}
    made = {name: one for name, one in found.items() if one is not None}
    named = {printable(name): one.change for name, one in made.items()} if file.framework == "pytorch" else {}
    told = [
        replace(row, made_by=named[row.name]) if row.status == "different" and row.name in named else row
        for row in rows
    ]
    return told, _sentences(made, len(different), words)


def _sentences(made: Mapping[str, "Made"], different: int, words: Words) -> list[str]:
    """One sentence for all tensors, or one for each change."""
    groups: dict[str, list[str]] = {}
    for name, found in made.items():
        groups.setdefault(found.says, []).append(name)
    sentences = []
    for says, names in sorted(groups.items(), key=lambda group: -len(group[1]))[:_MOST]:
        every = len(names) == different and different > 1
        whole = f"all {counted(different, 'tensor')} that differ" if every else with_rest(names, LISTED)
        sentences.append(f"{whole} of {words[1]}: {says.replace('{first}', words[0])}")
    return sentences


def _same(first: Mapping[str, "Array"], second: Mapping[str, "Array"], name: str, tolerance: float) -> bool:
    import numpy as np

    with np.errstate(all="ignore"):  # of NaN and infinity, which differ
        return bool((np.abs(first[name].astype(np.float64) - second[name]) <= tolerance).all())


def _both_arrays(file: Side, model: Side) -> tuple[Mapping[str, "Array"], Mapping[str, "Array"]] | None:
    """The weights of both sides by PyTorch's names; None if they are of other sizes, not whole, or too large."""
    if any(getattr(file.config, field) != getattr(model.config, field) for field in IN_WEIGHTS):
        return None
    count = sum(row.numel for row in Storage(file.config, "pytorch").parameters)
    if count * _BYTES > available_memory():
        return None
    from lstmcalc.intake.load import load_weights

    try:
        return load_weights(file.found), load_weights(model.found)
    except LstmcalcError:  # the rows say what is missing
        return None
