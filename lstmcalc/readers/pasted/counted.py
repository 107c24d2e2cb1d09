"""Names with numbers of elements, as tables of parameters have them: shapes that follow from the counts.

    | rnn.weight_ih_l0 |  800 |
    | rnn.weight_hh_l0 | 1600 |
    | rnn.bias_ih_l0   |   80 |

A bias of an LSTM has 4*H elements and weight_hh 4*H*H, so that 1600 = 80*80/4; of a GRU it is 80*80/3, of an RNN 80*80.

Not here: names with shapes (`shape_lists`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isqrt
from typing import Final

from lstmcalc.readers.recognise.names import Hit, possible_meanings

_COUNT: Final = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})++|\d{1,15}+)(?![\w.,%])")
_NAME: Final = re.compile(r"(?<![\w./])[A-Za-z_][\w.]{2,300}+")
_BLOCKS: Final = (4, 3, 1)  # of an LSTM, a GRU, an RNN


def counts_in(lines: Iterator[str]) -> dict[str, int]:
    """The names of arrays with their numbers of elements: a name and one number in a line, which is all it has."""
    found: dict[str, int] = {}
    for line in lines:
        numbers = _COUNT.findall(line)
        names = [name for name in _NAME.findall(line) if "." in name or name in ("weight", "bias")]
        if len(numbers) == 1 and len(names) == 1:
            found.setdefault(names[0], int(numbers[0].replace(",", "")))
    return found


def shapes_of_counts(counts: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of PyTorch's LSTMs and GRUs; of other arrays the number of elements alone."""
    hits = {name: hit for name in counts if (hit := _pytorch(name))}
    units: dict[str, dict[str, Hit]] = {}
    for name, hit in hits.items():
        units.setdefault(hit.unit, {})[name] = hit
    shapes: dict[str, tuple[int, ...]] = {name: (count,) for name, count in counts.items() if name not in hits}
    for unit, own in units.items():
        rows = _rows([(hit.holds, counts[name]) for name, hit in own.items()], named="lstm" in unit.lower())
        for name, hit in own.items() if rows else ():
            width, rest = divmod(counts[name], rows)
            if hit.holds.startswith("bias"):
                shapes[name] = (counts[name],)
            elif hit.holds in ("weight_ih", "weight_hh") and not rest:
                shapes[name] = (rows, width)
    return shapes


def _pytorch(name: str) -> Hit | None:
    return next((hit for hit in possible_meanings(name) if hit.framework == "pytorch"), None)


def _rows(held: Sequence[tuple[str, int]], *, named: bool) -> int:
    """The rows of the matrices of a module, 0 if unknown: the elements of a bias, or what weight_hh tells alone.

    With a projection, which has as many rows for fewer columns, they are known by a bias alone. One that is `named`
    after an LSTM is none of the others.
    """
    biases = {count for holds, count in held if holds.startswith("bias")}
    if biases:
        return biases.pop() if len(biases) == 1 else 0
    squares = {count for holds, count in held if holds == "weight_hh"}
    if len(squares) != 1 or any(holds == "weight_hr" for holds, _ in held):
        return 0
    (square,) = squares
    sizes = [(blocks, isqrt(square // blocks)) for blocks in (_BLOCKS[:1] if named else _BLOCKS)]
    fitting = [blocks * size for blocks, size in sizes if blocks * size**2 == square]
    return fitting[0] if len(fitting) == 1 else 0
