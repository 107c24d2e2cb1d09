"""JSON whose lists of numbers become arrays of 8 bytes a number as they are read, instead of objects of 32 and more.

    parse(b'{"w": [[0.5, 1], [2, 3]], "n": "a"}') == {"w": Numbers((2, 2), array("d", [0.5, 1, 2, 3])), "n": "a"}

A text of 16 MiB takes up to 9 times its size for a moment, whatever is in it, where what Python's decoder makes of
`[[1],[2]]` takes 22 times. NaN and Infinity, which Python writes and JSON has not, are numbers here.

Source: RFC 8259; Python 3.11.7, `json`, as which it reads everything else, and refuses what is no JSON.
"""

import re
from array import array
from json import decoder
from typing import Any, Final, NamedTuple

from lstmcalc.readers.files.budget import DECODED, budget

MAX_TEXT: Final = 16 << 20  # bytes
_MAX_DEPTH: Final = 100
_MAX_VALUES: Final = 300_000  # that are neither numbers nor rows of a matrix; some 3 seconds
_NUMBER: Final = r"(?:-?+(?:(?:0|[1-9]\d*+)(?:\.\d++)?+(?:[eE][-+]?+\d++)?+|Infinity)|NaN)"
_GAP: Final = r"[ \t\n\r]*+"
_FLAT: Final = r"\[([^\[\]{}\"]*+)\]"  # what may be a list of numbers
_ROW: Final = re.compile(_FLAT)
_MATRIX: Final = re.compile(rf"\[{_GAP}{_FLAT}{_GAP}(?:,{_GAP}{_FLAT}{_GAP})*+\]")
_NUMBERS: Final = re.compile(rf"{_GAP}{_NUMBER}{_GAP}(?:,{_GAP}{_NUMBER}{_GAP})*+")
_EMPTY: Final = re.compile(rf"\[{_GAP}\]")
_PIECE: Final = 1 << 16  # letters whose numbers are read at once
_MARKS: Final = dict.fromkeys(map(ord, "0123456789+-.eENaInfity \t\n\r"))  # what is no bracket and no comma is left out
_FLATTENED: Final = str.maketrans("", "", "[]")
_COST: Final = 4  # of a written number, in numbers of the budget
_WORD: Final = re.compile(rf"true|false|null|{_NUMBER}")
_SPACE: Final = re.compile(_GAP)
_WORDS: Final = {"true": True, "false": False, "null": None}


class Numbers(NamedTuple):
    """A list of numbers, or of equally long lists of them."""

    shape: tuple[int, ...]
    values: "array[float]"  # float64

    def rows(self) -> list["Numbers"]:
        """Its elements, of lists of lists."""
        inner = self.shape[1:]
        size = len(self.values) // self.shape[0] if self.shape[0] else 0
        return [Numbers(inner, self.values[at * size : (at + 1) * size]) for at in range(self.shape[0])]


class NotJsonError(Exception):
    """The text is not JSON, or too much of it is neither text nor numbers."""


def parse(data: bytes) -> Any:  # noqa: ANN401  # whatever it holds
    """The values of a JSON text; NotJsonError if it is none."""
    try:
        text = data.decode("utf-8-sig")
        scanner = _Scanner(text)
        value, end = scanner.value(_SPACE.match(text, 0).end(), 0)  # type: ignore[union-attr]  # it matches nothing too
    except (ValueError, IndexError, RecursionError) as error:
        raise NotJsonError from error
    if _SPACE.match(text, end).end() != len(text):  # type: ignore[union-attr]
        raise NotJsonError
    return value


class _Scanner:
    """Reads values of a text from their places; each method gives a value and the place behind it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = _MAX_VALUES
        self._spent = budget()

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        """Any value."""
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            raise NotJsonError
        letter = self._text[at]
        if letter == '"':
            return self._string(at + 1)
        if letter == "{":
            return self._members(at + 1, depth)
        if letter == "[":
            return self._row(at) or self._matrix(at) or self._items(at + 1, depth)
        word = _WORD.match(self._text, at)
        if not word:
            raise NotJsonError
        found = word[0]
        if found in _WORDS:
            return _WORDS[found], word.end()
        return (int(found) if found.lstrip("-").isdigit() else float(found)), word.end()

    def _row(self, at: int) -> tuple[Numbers, int] | None:
        """A list of numbers alone, or an empty one; None for any other."""
        empty, row = _EMPTY.match(self._text, at), _ROW.match(self._text, at)
        if empty:
            return Numbers((0,), array("d")), empty.end()
        values = self._numbers(row[1]) if row else None
        return (Numbers((len(values),), values), row.end()) if row and values is not None else None

    def _matrix(self, at: int) -> tuple[Numbers, int] | None:
        """A list of equally long lists of numbers; None for any other."""
        found = _MATRIX.match(self._text, at)
        if not found:
            return None
        marks = found[0].translate(_MARKS)  # `[[,,],[,,]]`
        row, count = marks[1 : marks.index("]") + 1], marks.count("]") - 1
        if marks != f"[{','.join([row] * count)}]":
            return None
        values = self._numbers(found[0].translate(_FLATTENED))
        return (Numbers((count, row.count(",") + 1), values), found.end()) if values is not None else None

    def _numbers(self, flat: str) -> "array[float] | None":
        """The numbers between commas; None if there is anything else."""
        if not _NUMBERS.fullmatch(flat):
            return None
        values, at = array("d"), 0
        self._spent.take(DECODED, _COST * (flat.count(",") + 1))
        while at < len(flat):
            end = flat.find(",", at + _PIECE)
            end = len(flat) if end < 0 else end
            values.extend(map(float, flat[at:end].split(",")))
            at = end + 1
        return values

    def _items(self, at: int, depth: int) -> tuple[Any, int]:
        """The items of a list that are not all numbers: lists of one shape are joined as they come."""
        text, same, others = self._text, _Same(), None
        while True:
            item, at = self.value(self._gap(at), depth + 1)
            if others is None and not same.takes(item):
                others = same.items()
            if others is not None:
                others.append(item)
            at = self._gap(at)
            if text[at] == "]":
                return (same.whole() if others is None else others), at + 1
            if text[at] != ",":
                raise NotJsonError
            at += 1

    def _members(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        """The members of an object; a key that is there twice is refused, as it is elsewhere."""
        found: dict[str, Any] = {}
        at = self._gap(at)
        if self._text[at] == "}":
            return found, at + 1
        while True:
            at = self._gap(at)
            if self._text[at] != '"':
                raise NotJsonError
            key, at = self._string(at + 1)
            at = self._gap(at)
            if self._text[at] != ":" or key in found:
                raise NotJsonError
            found[key], at = self.value(self._gap(at + 1), depth + 1)
            at = self._gap(at)
            if self._text[at] == "}":
                return found, at + 1
            if self._text[at] != ",":
                raise NotJsonError
            at += 1

    def _string(self, at: int) -> tuple[str, int]:
        """A text whose quote is before this place, as Python's decoder reads it."""
        found: tuple[str, int] = decoder.scanstring(self._text, at)  # type: ignore[attr-defined]
        return found

    def _gap(self, at: int) -> int:
        return _SPACE.match(self._text, at).end()  # type: ignore[union-attr]  # it matches nothing too


class _Same:
    """Items of one shape, joined."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] | None = None
        self._values = array("d")
        self._count = 0

    def takes(self, item: object) -> bool:
        """True if an item is of numbers, and of the shape of those before it; it is then joined to them."""
        if not isinstance(item, Numbers) or (self._shape is not None and item.shape != self._shape):
            return False
        if self._shape is None:
            self._shape, self._values = item.shape, item.values
        else:
            self._values.extend(item.values)
        self._count += 1
        return True

    def whole(self) -> Numbers:
        """The list of all items."""
        return Numbers((self._count, *(self._shape or ())), self._values)

    def items(self) -> list[Any]:
        """The items one by one."""
        return self.whole().rows() if self._count else []
