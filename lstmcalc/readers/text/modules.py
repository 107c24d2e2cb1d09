"""Every module of the models in a printed text, with its class and arguments: the whole of what `print(model)` shows.

Not here: the LSTMs alone, with the place of each setting (`printed`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lstmcalc.errors import TooLargeError
from lstmcalc.readers.text.other_prints import in_pytorchs_words
from lstmcalc.readers.text.printed import Trees
from lstmcalc.readers.text.printed_modules import Node
from lstmcalc.readers.text.source_text import SourceText

_MAX_MODULES: Final = 200_000
_MAX_LETTERS: Final = 10**7  # of all their paths


class Printed(NamedTuple):
    """A module of a printed model."""

    path: str  # empty for the model itself
    kind: str  # its class
    arguments: str  # the text in its brackets; empty if its children are there
    is_lstm: bool = False  # True for an LSTM or LSTMCell that `printed` reads


class PrintedModel(NamedTuple):
    """A printed model."""

    kind: str  # its class; empty if the text begins after it
    modules: tuple[Printed, ...]  # depth first, the model itself first


class _Seen(NamedTuple):
    node: Node
    arguments: str
    children: list["_Seen"]


class _AllTrees(Trees):
    """The trees of a text, with all modules."""

    def __init__(self, source: SourceText) -> None:
        super().__init__(source)
        self.tops: list[_Seen] = []
        self._seen: dict[Node, _Seen] = {}

    def add(self, node: Node, number: int, line: str, match: re.Match[str]) -> None:
        seen = self._seen[node] = _Seen(node, line[match.start("rest") :].strip().removesuffix(")"), [])
        parent = self._seen.get(node.parent) if node.parent else None
        (parent.children if parent else self.tops).append(seen)
        super().add(node, number, line, match)


def printed_models(source: SourceText) -> list[PrintedModel]:
    """The models that are printed in a text, in order; modules whose root is cut off are one model without a class."""
    source, _ = in_pytorchs_words(source)
    trees = _AllTrees(source)
    for number, line in enumerate(source.lines, 1):
        trees.read(number, line.rstrip())
    models = [PrintedModel(top.node.kind, tuple(_unfolded([top]))) for top in trees.tops if top.node.is_root]
    rest = [top for top in trees.tops if not top.node.is_root]
    return [*models, *([PrintedModel("", (Printed("", "", ""), *_unfolded(rest)))] if rest else [])]


def _unfolded(tops: Sequence[_Seen]) -> Iterator[Printed]:
    """The modules of trees with their paths, runs unfolded; not recursive, as trees can be thousands of levels deep."""
    pending = [(str(name), seen) for seen in reversed(tops) for name in reversed(seen.node.names)]
    count = letters = 0
    while pending:
        path, seen = pending.pop()
        count, letters = count + 1, letters + len(path)
        if count > _MAX_MODULES or letters > _MAX_LETTERS:
            raise TooLargeError(
                "too many modules to compare, or too deep", f"at most {_MAX_MODULES:,}", f"{count:,} so far"
            )
        yield Printed(path, seen.node.kind, seen.arguments, seen.node.found is not None)
        inside = [(name, child) for child in seen.children for name in child.node.names]
        pending += [(f"{path}.{name}" if path else str(name), child) for name, child in reversed(inside)]
