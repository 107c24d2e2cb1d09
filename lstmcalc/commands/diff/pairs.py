"""The pairs of LSTMs of two sides: by name, by the end of a name, then by likeness.

Not here: the sides, as they are read (`sides`).
"""

from collections.abc import Sequence
from itertools import product
from typing import Final

from lstmcalc.commands.diff.records import IN_WEIGHTS, Side


def matched_pairs(
    files: Sequence[Side], models: Sequence[Side], *, one_asked: bool
) -> tuple[list[tuple[Side | None, Side | None]], list[str]]:
    """The pairs in the order of the second side, and names of the first side's LSTMs that are not compared.

    The rest of the first side is paired with None, or only named if `one_asked`.
    """
    found: dict[int, int] = {}  # from positions in the second side to those in the first
    spare = dict(enumerate(files))
    if len(files) == len(models) == 1:
        found[0] = 0
        del spare[0]
    for alike in (_is_same, _ends_alike):
        for number, model in enumerate(models):
            fitting = [i for i, file in spare.items() if alike(file.name, model.name)] if number not in found else []
            if len(fitting) == 1:
                found[number] = fitting[0]
                del spare[fitting[0]]
    left = [number for number in range(len(models)) if number not in found]
    for distance, number, index in sorted((_distance(files[i], models[n]), n, i) for n, i in product(left, spare)):
        if number not in found and index in spare and (one_asked or distance < _UNLIKE):
            found[number] = index
            del spare[index]
    pairs: list[tuple[Side | None, Side | None]] = [
        (files[found[number]] if number in found else None, model) for number, model in enumerate(models)
    ]
    unpaired = list(spare.values())
    if one_asked:
        return pairs, [file.name for file in unpaired]
    return pairs + [(file, None) for file in unpaired], []


def _is_same(first: str, second: str) -> bool:
    return first == second


def _ends_alike(first: str, second: str) -> bool:
    return first.endswith(f".{second}") or second.endswith(f".{first}")


_UNLIKE: Final = 100  # more than all hyperparameters: another kind of module


def _distance(file: Side, model: Side) -> int:
    """The number of hyperparameters in which two LSTMs differ, plus `_UNLIKE` if only one is a cell."""
    kinds = [side.framework.endswith("cell") for side in (file, model)]
    fields = [field for field in IN_WEIGHTS if field in file.known and field in model.known]
    differing = len([field for field in fields if getattr(file.config, field) != getattr(model.config, field)])
    return differing + (kinds[0] != kinds[1]) * _UNLIKE
