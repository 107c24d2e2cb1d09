"""Names with shapes in trees: nested dictionaries, and the modules that Flax NNX and Equinox print.

    {'params': {'LSTMCell_0': {'hf': {'bias': (16,), 'kernel': (16, 16)}}}}
    cell=OptimizedLSTMCell(dense_i=Linear(kernel=Param(value=Array(shape=(8, 64), dtype=dtype('float32')))))
    LSTMCell(weight_ih=f32[80,10], weight_hh=f32[80,20], bias=f32[80])

Read are jax' trees of shapes, Flax' FrozenDict and nnx.Module (0.12.8), and Equinox 0.13.8.

Not here: lists line by line (`shape_lists`).
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from lstmcalc.readers.pasted.lines import without_ahead

_MAX_DEPTH: Final = 200  # levels; below, names are not kept

_NESTED: Final = re.compile(r"[\w\"'] ?: ?(?:\w{1,200}+\()?\{|=Param\(|=(?:bf|f)(?:16|32|64)\[[\d,]")
_TOKEN: Final = re.compile(
    r"(?P<key>\"[^\"\n]{1,300}+\"|'[^'\n]{1,300}+'|(?<![\w.])[A-Za-z_][\w.]{0,300}+) ?(?P<mark>[:=])(?!=)"
    r"|(?P<typed>(?<![\w.])(?:bf|f|i|u|s|float|bfloat|int)\d{1,2}\[(?P<sizes>[\d, ]{0,200}+)\])"
    r"|(?P<shape>\((?:\d{1,200}+, ?)++(?:\d{1,200}+)?\)|\[\d{1,200}+(?:, ?\d{1,200}+){0,7}+\])"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<next>,)"
)
_INNER: Final = ("value", "shape", "raw_value")  # of an array, and no names of it


class Leaf(NamedTuple):
    """An array of a tree."""

    path: str
    shape: tuple[int, ...]


def is_nested(text: str) -> bool:
    """True if a text has a tree of arrays in it."""
    return bool(_NESTED.search(text))


def _tokens(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """The tokens of a text, and whether one is in another line than that before it."""
    text = "\n".join(map(without_ahead, text.split("\n")))  # the root of INFO:root: is no key
    end = 0
    for match in _TOKEN.finditer(text):
        yield match, "\n" in text[end : match.start()]
        end = match.end()


def leaves_of(text: str) -> Iterator[Leaf]:
    """The arrays of the trees in a text, in order, each under the names that lead to it."""
    above: list[str] = []  # for each open bracket, the name of what is in it
    key = ""
    for match, apart in _tokens(text):
        if apart and not above:
            key = ""  # of a sentence above the tree, that ends in a colon
        if match["key"]:
            key = match["key"].strip("\"'")
            continue
        if match["typed"] or match["shape"]:
            sizes = tuple(map(int, re.findall(r"\d+", match["sizes"] if match["typed"] else match["shape"])))
            names = [name for name in (*above[:_MAX_DEPTH], key) if name and name not in _INNER]
            if key and names:
                yield Leaf("/".join(names), sizes)
        elif match["open"]:
            above.append(key)
        elif match["close"]:
            del above[-1:]
        key = ""
