"""The rows of printed summaries: of each layer its name, class, shapes and parameters, as far as they are there.

    lstm_1 (LSTM)            (None, 21, 256)      264192       Keras 1.2, 2.15, 3.15.1, with and without boxes
    ├─LSTM (rnn): 1-2        [4, 7, 40]           15,040       torchinfo 1.8.0, and its names and columns
    LSTM-2                   [-1, 50, 128]        117,760      torchsummary 1.5.1, torch-summary 1.4.5
    1 | rnn | LSTM | 15.0 K | train                            Lightning 2.6.5, with and without sizes

A line may have a log's prefix before it.

Not here: which LSTMs the rows are of (`summaries`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.errors import TooLargeError
from lstmcalc.readers.pasted.lines import bar_in, cells_of, without_ahead, without_escapes

Shape: TypeAlias = tuple[int | None, ...]

_MAX_ROWS: Final = 10_000
_BOTH: Final = "Bidirectional"
_SHORT: Final = 4  # letters that may begin another class
_MAX_LINE: Final = 2000  # characters; the lines of tables are shorter


class Row(NamedTuple):
    """A layer in a summary."""

    line: int  # the number of its line
    style: str  # `keras`, `torch`, `lightning`
    name: str  # its path; empty if the summary does not say
    kind: str  # its class
    outputs: tuple[Shape, ...] = ()  # the shape of each output
    inputs: tuple[Shape, ...] = ()
    least: int | None = None  # its parameters: from `least` to `most`, which differ if they are rounded
    most: int | None = None
    above: int = 0  # the number of modules around it
    sources: tuple[str, ...] = ()  # the layers that it is connected to, of Keras
    whole: bool = True  # False if its class is cut off
    text: str = ""  # its parameters as they stand there

    @property
    def full_kind(self) -> str:
        """Its class, also where Keras 2 cuts off `Bidirectiona`, or that of a layer that is named after an LSTM."""
        if self.style == "keras" and len(self.kind) > _SHORT and _BOTH.startswith(self.kind):
            return _BOTH
        cut = not self.whole and "LSTM".startswith(self.kind) and "lstm" in self.name.lower()
        return "LSTM" if cut else self.kind

    @property
    def parameters(self) -> int | None:
        """The exact number of its parameters; None if it is rounded, or not there."""
        return self.least if self.least == self.most else None


_LIGHTNING: Final = ("Name ", " Type ", " Params")


def is_header(line: str) -> bool:
    """True for the line with the names of columns."""
    return ("Layer (type" in line and "Param #" in line) or ("|" in line and all(name in line for name in _LIGHTNING))


def rows_of(text: str) -> list[Row]:
    """The rows of the summaries in a text, in order."""
    lines = without_escapes(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [number for number, line in enumerate(lines) if len(line) <= _MAX_LINE and is_header(line)]
    found: list[Row] = []
    for position, start in enumerate(starts):
        end = starts[position + 1] if position + 1 < len(starts) else len(lines)
        body = [line[:_MAX_LINE] for line in lines[start + 1 : end]]
        found += _table(lines[start], body, start + 2)
        if len(found) > _MAX_ROWS:
            raise TooLargeError("too many rows in the summary", f"at most {_MAX_ROWS:,}", f"{len(found):,} so far")
    return found


def _table(header: str, body: Sequence[str], first: int) -> list[Row]:
    if "Layer (type" not in header:
        return [*_lightning(header, body, first)]
    if any(letter in header for letter in "┃│") or "|" in header:
        return [*_boxed(body, first)]
    if "depth-idx" in header or "var_name" in header:
        return [*_torchinfo(header, body, first)]
    return [*_plain(header, body, first)]


# --- pieces ----------------------------------------------------------------------------------------------------------

_PARENS: Final = re.compile(r"\(((?:None|-?\d{1,200}|\?)?(?:, ?(?:None|-?\d{1,200}|\?)){0,8}+,?)\)")
_BRACKETS: Final = re.compile(r"\[((?:-?\d{1,200})?(?:, ?-?\d{1,200}){0,8}+)\]")
_COUNT: Final = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})++|\d{1,200}+)(?![\w.,])")


def _shapes(text: str, pattern: re.Pattern[str] = _PARENS) -> tuple[Shape, ...]:
    return tuple(
        tuple(
            None if part.strip() in ("None", "?", "-1") else int(part) for part in match[1].split(",") if part.strip()
        )
        for match in pattern.finditer(text)
    )


def _number(text: str) -> int | None:
    """The first whole number of a text, with or without commas; None without one."""
    found = _COUNT.search(text)
    return int(found[1].replace(",", "")) if found else None


# --- Keras -----------------------------------------------------------------------------------------------------------

_LAYER: Final = re.compile(r"(?<![^\s()])(?P<name>[^\s()]{1,200}+)\s{0,3}+\((?P<kind>[A-Za-z_]\w*+)(?P<closed>\)?)")
_OUTPUTS: Final = (
    r"\[?\([^()]{0,200}+\)(?:, ?\([^()]{0,200}+\)){0,8}+(?:, ?\(None,|[\],]{0,2}+)|\[[-\d, ]{1,200}+\]|multiple|\?"
)
_LINE: Final = re.compile(
    r"(?<!\S)(?P<name>[^\s()\[\]]{1,200}+)\s{1,3}+\((?P<kind>[A-Za-z_]\w*+)(?P<closed>\)?)\s*+"
    rf"(?P<shapes>{_OUTPUTS})\s++(?P<params>[\d,]{{1,200}}+|\?)(?=\s|$|\()"
)
_BY_NUMBER: Final = re.compile(
    r"(?<!\S)(?P<kind>[A-Za-z_]\w{0,200}+)-(?P<number>\d{1,6}+)\s++"
    r"(?P<shapes>\[\[?[-\d, ]{1,200}+(?:\], ?\[[-\d, ]{0,200}+){0,6}+\]{1,3}+)\s++(?P<params>[\d,]{1,200}+)"
)
_UNREAD: Final = re.compile(r"(?<!\S)(\S{1,200}+) \((LSTM|CuDNNLSTM|LSTMCell)\)")  # whatever else is in the line
_SOURCE: Final = re.compile(
    r"(?<![^\s\[\]'\",()])([^\s\[\]'\",()]{1,200}+)\[\d++\]\[\d++\]|(?<=\s)([A-Za-z][\w/]{0,200}+)\[0\]"
)


def _boxed(body: Sequence[str], first: int) -> Iterator[Row]:
    """The rows of a table with boxes, whose cells go on in the lines below up to the next rule."""
    cells: list[str] = []
    at = first
    for number, line in enumerate([*body, "├─"], first):
        bar = bar_in(line)
        if (bar == len(line) and any(letter in line for letter in "├┡└╞╘")) or "+--" in line:
            if len(cells) > 1:
                yield from _of_cells(cells, at)
            cells, at = [], number + 1
            if "└" in line or "╘" in line:
                return
            continue
        own = cells_of(line[bar:])
        if len(own) < 2:  # noqa: PLR2004  # a line outside the table
            continue
        if not cells:
            at = number
        cells += [""] * (len(own) - len(cells))
        for index, cell in enumerate(own):
            cells[index] = (
                f"{cells[index]} {cell}" if index and cell else cells[index] + (" " * cell.startswith("(") + cell)
            )


def _of_cells(cells: Sequence[str], number: int) -> Iterator[Row]:
    layer = _LAYER.search(cells[0])
    if layer:
        count = _number(cells[2]) if len(cells) > 2 else None  # noqa: PLR2004  # the third column
        count = None if len(cells) > 2 and "unbuilt" in cells[2] else count  # noqa: PLR2004
        behind = " ".join(cells[3:])
        above = len(cells[0]) - len(cells[0].lstrip(" └")) > 0
        yield Row(
            number, "keras", layer["name"], layer["kind"], _shapes(cells[1]), (), count, count, int(above),
            _sources(behind), bool(layer["closed"]), cells[2] if len(cells) > 2 else "",  # noqa: PLR2004
        )  # fmt: skip


def _sources(text: str) -> tuple[str, ...]:
    return tuple(match[1] or match[2] for match in _SOURCE.finditer(text))


def _plain(header: str, body: Sequence[str], first: int) -> Iterator[Row]:
    """The rows of Keras without boxes, and of torchsummary."""
    connected = "Connected to" in header
    for number, line in enumerate(body, first):
        keras = _LINE.search(line)
        if keras:
            count = _number(keras["params"])
            torch = keras["shapes"].startswith("[") and "(" not in keras["shapes"]
            shapes = _shapes(keras["shapes"], _BRACKETS if torch else _PARENS)
            behind = line[keras.end() :] if connected else ""
            yield Row(
                number, "torch" if torch else "keras", keras["name"], keras["kind"], shapes, (), count, count, 0,
                _sources(behind), bool(keras["closed"]), keras["params"],
            )  # fmt: skip
            continue
        unread = _UNREAD.search(line)
        if unread:
            yield Row(number, "keras", unread[1], unread[2])
            continue
        module = _BY_NUMBER.search(line)
        if module:
            count = _number(module["params"])
            shapes = _shapes(module["shapes"], _BRACKETS)
            yield Row(number, "torch", "", module["kind"], shapes, (), count, count, text=module["params"])


# --- PyTorch ---------------------------------------------------------------------------------------------------------

_MODULE: Final = re.compile(
    r"(?P<tree>[│├└─|+ ]*+)(?P<kind>[A-Za-z_][\w.]{0,200}+)(?: \((?P<var>[^()\n]{1,200}+)\))?"
    r"(?:: (?P<depth>\d{1,4})-\d{1,6})?(?P<rest>  ++.*+)?$"
)


def _torchinfo(header: str, body: Sequence[str], first: int) -> Iterator[Row]:
    """The rows of torchinfo, whose tree is drawn with lines; columns are told by the header."""
    columns = [name for name in ("Input Shape", "Output Shape", "Param #") if name in header]
    columns.sort(key=header.index)
    open_: list[tuple[int, str]] = []  # the column of each module around, and its name
    for number, line in enumerate(body, first):
        plain = without_ahead(line.expandtabs(4)).rstrip()
        match = _MODULE.match(plain)
        if plain.startswith(
            ("Total ", "Trainable ", "Non-trainable ", "Input size", "Params size", "Forward/", "Estimated")
        ):
            return
        if not match or match["rest"] is None:
            continue
        column = match.start("kind")
        while open_ and open_[-1][0] >= column:
            open_.pop()
        named = match["var"] or ""
        path = ".".join(part for part in (*(name for _, name in open_[1:]), named if open_ else "") if part)
        above = len(open_)
        open_.append((column, named))
        cells = re.split(r" {2,}", match["rest"].strip())
        held = dict(zip(columns, cells, strict=False))
        text = held.get("Param #", "").strip("() ")
        count = _number(text) if re.fullmatch(r"[\d,]++", text) else None
        yield Row(
            number, "torch", path, match["kind"], _shapes(held.get("Output Shape", ""), _BRACKETS),
            _shapes(held.get("Input Shape", ""), _BRACKETS), count, count, above, text=text,
        )  # fmt: skip


_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def _lightning(header: str, body: Sequence[str], first: int) -> Iterator[Row]:
    """The rows of Lightning's table: its counts are rounded to three digits; sizes are there with an example input."""
    names = [name.strip() for name in header.split("|")]
    for number, line in enumerate(body, first):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != len(names) or not any(cells):
            continue
        held = dict(zip(names, cells, strict=True))
        count = re.fullmatch(r"([\d,]{1,200})(?:\.(\d))?+ ?([KMBT]?)", held.get("Params", ""))
        least = most = None
        if count:
            unit = _UNITS[count[3]]
            whole = int(count[1].replace(",", "")) * unit + int(count[2] or 0) * unit // 10
            half = (unit // 20 if count[2] else unit // 2) if unit > 1 else 0
            least, most = whole - half, whole + half
        name, sizes = held.get("Name", ""), [_shapes(held.get(f"{end} sizes", ""), _BRACKETS) for end in ("Out", "In")]
        kind, text = held.get("Type", ""), held.get("Params", "")
        yield Row(number, "lightning", name, kind, sizes[0], sizes[1], least, most, name.count("."), text=text)
