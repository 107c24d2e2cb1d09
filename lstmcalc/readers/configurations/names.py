"""Values of a configuration for names in code: `args.hidden`, `cfg.model.hidden`, `config["model"]["hidden"]`.

A key is matched by its full dotted path, else by its last name if that is unique in the document. A name whose key
stands at several places, or twice in one table, gets no value, and what is said of it names the places.

Not here: the names that code leaves open (`readers.python.configured`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lstmcalc.errors import printable
from lstmcalc.readers.configurations.references import at, is_there, is_wrapped, resolved
from lstmcalc.readers.configurations.values import Computed, Repeat, Tree
from lstmcalc.readers.text.names_in_code import parts_of
from lstmcalc.readers.text.positions import KeyPath, Places
from lstmcalc.spec.provenance import Placed
from lstmcalc.spec.words import and_list, with_dots

_LISTED: Final = 4  # places in a message
# What a program calls the whole of its settings inside of a thing.
_OWNERS: Final = ("self", "cls", "model", "trainer")


class NameValues:
    """The values of a document, for names in code.

    Args:
        tree: The document's values.
        places: The places of its keys.
        name: The file's name.
    """

    def __init__(self, tree: Tree, places: Places, name: str) -> None:
        self.name = name
        self._tree = tree
        self._places = places
        self._by_last: dict[str, list[KeyPath]] = {}
        for path, _ in _leaves(tree.root, ()):
            self._by_last.setdefault(_last(path), []).append(path)

    def find(self, name: str) -> Placed | None:
        """The value for a name; None if no key is meant by it, or several are."""
        exact = self.find_whole(name)
        if exact is not None:
            return exact
        parts = parts_of(name)
        paths = self._by_last.get(_spelled(parts[-1]), []) if parts else []
        return self._placed(paths[0]) if len(paths) == 1 else None

    def find_whole(self, name: str) -> Placed | None:
        """The value at the full path that a name has, with or without the variable that holds all settings."""
        path = self._whole_path(parts_of(name))
        return None if path is None else self._placed(path)

    def _whole_path(self, parts: list[str]) -> KeyPath | None:
        for start in range(min(len(parts), 3)):
            if start > 1 and parts[start - 2] not in _OWNERS:  # `self.args.hidden`
                break
            path = self._path(parts[start:])
            if path is not None:
                return path
        return None

    def doubt(self, name: str) -> str:
        """The sentence on a name whose key stands at several places; empty for others."""
        parts = parts_of(name)
        paths = self._by_last.get(_spelled(parts[-1]), []) if parts else []
        whole = self._whole_path(parts)
        if whole is not None and self._placed(whole) is not None:
            return ""
        for path in paths if whole is None else [whole]:
            if repeat := self._repeat(path):
                lines = f"lines {repeat.first.line} and {repeat.again.line}"
                return f"{printable(repeat.key)} stands in one table twice, {lines} of {printable(self.name)}"
        if len(paths) == 1 and self._placed(paths[0]) is None:
            return f"{_dotted(paths[0])} in {printable(self.name)} is computed"
        if len(paths) < 2:  # noqa: PLR2004  # several
            return ""
        listed = [_dotted(path) for path in paths]
        shown = and_list(listed) if len(listed) <= _LISTED else with_dots(listed, _LISTED)
        return f"{printable(parts[-1])} stands at {shown} in {printable(self.name)}"

    def _path(self, parts: list[str]) -> KeyPath | None:
        """The path of keys with these names; a flat key with dots is a path too."""
        if not parts:
            return None
        found: KeyPath = ()
        node = self._tree.root
        for number, part in enumerate(parts):
            if isinstance(node, Mapping):
                key = next((key for key in node if _spelled(key) == _spelled(part)), None)
                if key is None:
                    rest = [_spelled(item) for item in parts[number:]]
                    whole = next((key for key in node if _flat(key) == rest), None)
                    return None if whole is None else (*found, whole)
                found, node = (*found, key), node[key]
                if is_wrapped(node) and number + 1 < len(parts):
                    found, node = (*found, "value"), node["value"]
            else:
                value = at(node, (part,))
                if not is_there(value):
                    return None
                found, node = (*found, int(part)), value
        return found

    def _repeat(self, path: KeyPath) -> Repeat | None:
        """The repetition of a key on the way to a value: which of both a program takes, its parser decides."""
        if not self._tree.repeats:
            return None
        node: Any = self._tree.root
        for key in path:
            if isinstance(key, str) and (repeat := self._tree.repeat_in(node, key)):
                return repeat
            node = node[key]
        return _repeat_in(self._tree, node)

    def _placed(self, path: KeyPath) -> Placed | None:
        if self._repeat(path):
            return None
        value = resolved(self._tree, at(self._tree.root, path), path)
        if isinstance(value, Computed) or _has_computed(value):
            return None
        where = self._tree.source.place(self._places.key(path).line) or self.name
        return Placed(value, where, self._tree.source.pointer(self._places.whole(path)))


def _leaves(node: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:  # noqa: ANN401  # of any type
    """The values that are no tables; a list of values is one."""
    if is_wrapped(node) and path and isinstance(node["value"], Mapping):
        yield from _leaves(node["value"], (*path, "value"))
    elif is_wrapped(node) and path:
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(node, list) and any(isinstance(item, Mapping) for item in node):
        for number, value in enumerate(node):
            yield from _leaves(value, (*path, number))
    else:
        yield path, node


def _repeat_in(tree: Tree, node: object) -> Repeat | None:
    """A key that stands twice in a table, or in one below it; each is looked at once, however often aliases have it."""
    pending, met = [node], set[int]()
    while pending:
        held = pending.pop()
        if id(held) in met or not isinstance(held, Mapping | list):
            continue
        met.add(id(held))
        if isinstance(held, Mapping) and (
            found := next(filter(None, (tree.repeat_in(held, key) for key in held)), None)
        ):
            return found
        pending += held.values() if isinstance(held, Mapping) else held
    return None


def _spelled(key: str) -> str:
    """A key as a name of Python: argparse makes `--hidden-size` `hidden_size`."""
    return key.lstrip("-").replace("-", "_")


def _flat(key: str) -> list[str]:
    return [_spelled(part) for part in key.replace("/", ".").split(".")]


def _last(path: KeyPath) -> str:
    return _flat(str(path[-1]))[-1] if path else ""


def _dotted(path: KeyPath) -> str:
    return printable(".".join(map(str, path)))


def _has_computed(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_has_computed(item) for item in value.values())
    return isinstance(value, Computed) or (isinstance(value, list) and any(_has_computed(item) for item in value))
