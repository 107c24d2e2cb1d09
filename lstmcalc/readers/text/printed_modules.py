"""The modules of a printed tree, and the names of the LSTMs in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from lstmcalc.readers.found import Found
from lstmcalc.spec.words import UniqueNames

MAX_LSTMS: Final = 10**6  # including every LSTM of a run


@dataclass(slots=True, eq=False)
class Node:
    """A printed module that contains an LSTM, or may still turn out to."""

    kind: str  # its class, as printed
    names: Sequence[object]  # its names in its parent, one for each of a run; `("",)` for the root of a tree
    column: int  # where it begins
    parent: "Node | None"
    copies: int  # how many there are, with all runs around it; capped just above `MAX_LSTMS`
    letters: int  # length of its longest path
    flat: bool = False  # True if the tree has lost its indentation
    inside: int | None = None  # column of its children; None before the first
    found: Found | None = None  # the LSTM that it is; None if it only contains some
    children: list["Node"] = field(default_factory=list)  # only those that are or contain LSTMs
    kept: bool = False  # True if it is in its parent's `children`, or a root in `roots`

    @property
    def is_root(self) -> bool:
        """True if it is a whole model, printed without a name."""
        return self.names == ("",)

    def holds(self, column: int) -> bool:
        """True if a line that begins at this column is inside the module."""
        if self.inside is not None:
            return column >= self.inside
        return column > self.column or self.flat or self.is_root

    def begin(self, column: int) -> None:
        """Take the column of the first line inside it; a root after a log's prefix may begin further right."""
        self.inside = column
        self.flat |= column == self.column
        if not self.flat:
            self.column = min(self.column, column - 1)


def node_in(kind: str, names: Sequence[object], count: int, column: int, parent: Node | None) -> Node:
    """A module in its parent, or the root of a tree."""
    copies, letters = (parent.copies, parent.letters + 1) if parent else (1, 0)
    copies = min(copies * count, MAX_LSTMS + 1)
    return Node(kind, names, column, parent, copies, letters + len(str(names[-1])), bool(parent and parent.flat))


def lstms_with_names(roots: Sequence[Node]) -> list[Found]:
    """The LSTMs of all trees with unique names; if names clash, the class of the model is put in front."""
    found, names, models = [], UniqueNames(), dict[str, int]()
    for root in roots:
        paths, ahead = [(path or "lstm", lstm) for path, lstm in _lstms_with_paths(root)], ""
        if root.is_root and not root.found:
            number = models[root.kind] = models.get(root.kind, 0) + 1
            if any(path in names for path, _ in paths):
                ahead = f"{root.kind}_{number}." if number > 1 else f"{root.kind}."
        found += [lstm._replace(name=names.add(ahead + path)) for path, lstm in paths]
    return found


def _lstms_with_paths(root: Node) -> Iterator[tuple[str, Found]]:
    """Each LSTM of a tree with its path, runs unfolded; not recursive, as a tree can be thousands of levels deep."""
    path: list[str] = []
    rest = [_steps([root])]
    while rest:
        step = next(rest[-1], None)
        if step is None:
            rest.pop()
            del path[-1:]
            continue
        path.append(step[0])
        if step[1].found:
            yield ".".join(path).removeprefix("."), step[1].found  # a root has no name
        rest.append(_steps(step[1].children))


def _steps(nodes: Sequence[Node]) -> Iterator[tuple[str, Node]]:
    return ((str(name), node) for node in nodes for name in node.names)
