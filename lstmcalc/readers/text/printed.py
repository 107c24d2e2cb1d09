"""The LSTMs in the text that PyTorch prints for `print(model)`.

A module is printed as `Class(extra)`, or, if it has children, with each on a line of its own, two spaces further in:

    Tagger(
      (embed): Embedding(100, 20)
      (rnns): ModuleList(
        (0-1): 2 x LSTM(20, 20, bidirectional=True)
      )
    )

Columns tell which module contains which, so that a tree may be indented, cut off, or between other lines; the first
line may follow the time and level that `logging` writes. Nothing in the text is evaluated.

Not here: the rules for settings (`spec.config`); code that constructs a module, e.g. `nn.LSTM(10, 20)`
(`readers.python`).

Sources, torch 2.13.0, `torch/nn/`: `modules/module.py` (`Module.__repr__`, `_addindent`), `modules/container.py`
(`ModuleList.__repr__` joins equal neighbours as `(0-3): 4 x`), `modules/rnn.py` (`RNNBase.extra_repr`,
`RNNCellBase.extra_repr`), `utils/parametrize.py` (the class becomes `Parametrized...`); `torch/jit/_script.py` and
`_trace.py` (`extra_repr` is `original_name=...`); `torch/ao/nn/` (`_get_name` of quantized modules).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lstmcalc.errors import NoLstmError, SourceError, nearest_hint, shorten
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.other_prints import in_pytorchs_words
from lstmcalc.readers.text.printed_allennlp import augmented_error
from lstmcalc.readers.text.source_text import Pointers, SourceText, Span
from lstmcalc.spec.provenance import Origin, Setting
from lstmcalc.spec.words import UniqueNames

_FRAMEWORKS: Final = {"LSTM": "pytorch", "LSTMCell": "pytorch-cell"}
_SIZES: Final = ("input_size", "hidden_size")  # printed without their names
_SWITCHES: Final = ("bias", "batch_first", "bidirectional")
_KEYWORDS: Final = {
    "LSTM": ("proj_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"),
    "LSTMCell": ("bias",),
}
_OTHER_RNNS: Final = ("GRU", "RNN", "GRUCell", "RNNCell")
_PARAMETRIZED: Final = "Parametrized"
_STORED_OTHERWISE: Final = "parametrized: for some of its weights, PyTorch stores what they are computed from instead"

_MAX_DIGITS: Final = 40
_MAX_MAYBE: Final = 1000  # modules named after an LSTM that are remembered
_MAX_LSTMS: Final = 10**6  # including every LSTM of a run
_MAX_WRITTEN: Final = 10**5  # LSTMs with a line of their own, and so with settings and places of their own
_MAX_LETTERS: Final = 4 * 10**7  # letters of all names together: a run of a million has 13 in each

# Linear in the line: each begins where no other match can, and repeats only what cannot begin one.
_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b\r\n]*+(?:\x07|\x1b\\)?)")
_CHILD: Final = re.compile(
    r"(?<!\S)\((?P<name>(?:[^()]++|\([^()]*+\))++)\): "
    r"(?:(?P<times>[0-9]++) x )?(?P<kind>[A-Za-z_][\w.]*+)\((?P<rest>[^()]*+\)?)"
)
_ROOT: Final = re.compile(r"(?<![\w.(])(?P<kind>[A-Za-z_][\w.]*+)\((?P<rest>[^()]*+\)?)\s*$")
_INPUT: Final = re.compile(r"\s*(?:>>>|\.\.\.|In \[|\$|#)|.*= $", re.DOTALL)  # typed, not printed
_CODE: Final = re.compile(r"^(?:import [\w.]++(?: as \w++)?[ \t]*+[\r\n,#]|from [\w.]++ import )", re.MULTILINE)
_TWO_SIZES: Final = re.compile(r"\s*[+-]?[0-9]++\s*,\s*[+-]?[0-9]++\s*(?:[,)]|$)")
_EXTRA: Final = re.compile(r"(?<!\S)[+-]?[0-9]++, [+-]?[0-9]++(?:,.*)?$", re.DOTALL)  # alone on its line
_RANGE: Final = re.compile(r"([0-9]++)-([0-9]++)")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:e[+-]?[0-9]++)?")
_SCRIPTED: Final = re.compile(r"original_name=LSTM(?:Cell)?\)")
_QUANTIZED: Final = re.compile(r"(?:Dynamic)?Quantiz(?:ed|able)LSTM(?:Cell)?")


def looks_printed(text: str) -> bool:
    """True if a line of the text is a child as a module prints it: `  (rnn): LSTM(10, 20)`, `(0-3): 4 x Block(`.

    A text that imports something is Python code, even with such lines, e.g. in a docstring.
    """
    if "): " not in text or _CODE.search(text):
        return False
    return any("): " in line and _looks_like_a_child(line) for line in text.splitlines())


def _looks_like_a_child(line: str) -> bool:
    line = _ESCAPE.sub("", line).strip("\r\n")
    child = _CHILD.search(line)
    if not child or "," in child["name"] or line.lstrip().startswith("#") or not line.rstrip().endswith(("(", ")")):
        return False
    return _is_margin(line[: child.start()])  # `if (x): f(x)` is code


def read_printed(source: SourceText) -> list[Found]:
    """The LSTMs and LSTMCells that are printed in a text, named by path, in order: at least one, at most a million."""
    if "\x1b" in source.text:
        source = SourceText(_ESCAPE.sub("", source.text), source.name)
    given, (source, frameworks) = source, in_pytorchs_words(source)
    trees = _Trees(source, frameworks)
    for number, line in enumerate(source.lines, 1):
        trees.read(number, line.rstrip())
    found = _lstms_with_names(trees.roots)
    if frameworks:
        found = [_as_printed(item, given) for item in found]
    if not found:
        raise trees.nothing()
    return [found[0]._replace(notes=(*found[0].notes, *trees.left_out())), *found[1:]]


def _as_printed(item: Found, given: SourceText) -> Found:
    """The LSTM of another framework with the text that was printed."""
    line = int((item.where or "").rpartition(":")[2] or (item.where or "").rpartition(" ")[2] or 1)
    shown = given.lines[line - 1].strip().rpartition("): ")[2]
    return item if item.framework in _FRAMEWORKS.values() else item._replace(text=shown)


@dataclass(slots=True, eq=False)
class _Node:
    """A printed module that contains an LSTM, or may still turn out to."""

    kind: str  # its class, as printed
    names: Sequence[object]  # its names in its parent, one for each of a run; `("",)` for the root of a tree
    column: int  # where it begins
    parent: "_Node | None"
    copies: int  # how many there are, with all runs around it; capped just above `_MAX_LSTMS`
    letters: int  # length of its longest path
    flat: bool = False  # True if the tree has lost its indentation
    inside: int | None = None  # column of its children; None before the first
    found: Found | None = None  # the LSTM that it is; None if it only contains some
    children: list["_Node"] = field(default_factory=list)  # only those that are or contain LSTMs
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


class _Other(NamedTuple):
    """Modules of one kind that are like an LSTM and cannot be read as one."""

    error: SourceError  # at the first of them
    times: int
    missed: bool  # False for a GRU, of which nothing was to be read


class _Maybe(NamedTuple):
    """A module whose class is named after an LSTM, and which may be an LSTM."""

    node: _Node
    text: str  # as printed: `MyLSTM(3, 4)`
    where: str  # its place


class _Trees:
    """The trees of a text, read line by line."""

    def __init__(self, source: SourceText, frameworks: Mapping[int, str] | None = None) -> None:
        self._framework_of = frameworks or {}  # of lines that another framework printed
        self.roots: list[_Node] = []  # the roots of all trees with LSTMs
        self._source = source
        self._open: list[_Node] = []  # the modules that the next line may be in, from the root
        self._others: dict[str, _Other] = {}  # modules that are like an LSTM and cannot be read as one, by their words
        self._maybe: list[_Maybe] = []
        self._written = self._count = self._letters = 0

    def read(self, number: int, line: str) -> None:
        """Read a line, numbered from 1, without the blanks at its end."""
        if "(" not in line:
            if line.endswith(")") and line[-2:-1].strip() == "":
                self._close(_column(line, len(line) - 1))
        elif child := _CHILD.search(line):
            column = _column(line, child.start())
            parent = self._parent(column)
            names, count = self._names(number, child)
            self._add(_node(child["kind"], names, count, column, parent), number, line, child)
        elif root := _ROOT.search(line):
            self._read_root(number, line, root)

    def nothing(self) -> SourceError:
        """The error about a text without LSTMs: about the first module that is like one, if there is any."""
        if self._others:
            return next(iter(self._others.values())).error
        augmented = augmented_error(self._source)
        if augmented is not None:
            return augmented
        maybe = self._unread()
        return NoLstmError(
            f"no LSTM is recognised in {self._source.name or 'the text'}",
            expected="LSTM(...) or LSTMCell(...), as print(model) shows them",
            found=f"{maybe[0].text} at {maybe[0].where or 'its only line'}, which may be an LSTM" if maybe else "",
            hint="a class derived from nn.LSTM is printed by its own name"
            + (': give its sizes as "nn.LSTM(10, 20)"' if maybe else ""),
        )

    def _unread(self) -> list[_Maybe]:
        """The modules named after an LSTM that are not read, and in which none was found; one of each class."""
        first: dict[str, _Maybe] = {}
        for item in self._maybe:
            if not item.node.kept:
                first.setdefault(item.node.kind, item)
        return list(first.values())

    def left_out(self) -> list[str]:
        """A note on each reason for which modules like an LSTM were not read."""
        return [
            f"{what}: left out{'' if other.times == 1 else f' {other.times:,} times, the first'} at {other.error.where}"
            for what, other in self._others.items()
            if other.missed
        ] + [f"{item.text} at {item.where} may be an LSTM too: a class of its own, not read" for item in self._unread()]

    def _close(self, column: int) -> None:
        """Leave the modules that a closing parenthesis ends; only one in a tree without indentation."""
        if self._open and self._open[-1].flat:
            self._open.pop()
            return
        while self._open and self._open[-1].column >= column:
            self._open.pop()

    def _parent(self, column: int) -> _Node | None:
        """The module that contains a child at this column; None if the text begins after it."""
        while self._open and not self._open[-1].holds(column):
            self._open.pop()
        if not self._open:
            return None
        if self._open[-1].inside is None:
            self._open[-1].begin(column)
        return self._open[-1]

    def _read_root(self, number: int, line: str, match: re.Match[str]) -> None:
        """Read a module that is printed without a name; one among children is other text and skipped."""
        before, column = line[: match.start()], _column(line, match.start())
        if _INPUT.match(before) or (not before.strip() and self._open and self._open[0].column < column):
            return
        if match.start("rest") == len(line):
            self._open.clear()
        self._add(_node(match["kind"], ("",), 1, column, None), number, line, match)

    def _names(self, number: int, match: re.Match[str]) -> tuple[Sequence[object], int]:
        """The names of a child, and how many there are: `(rnn)`, or those of a run, `(0-3): 4 x`."""
        name, times = match["name"], match["times"]
        if times is None:
            return (name,), 1
        span = Span(number, match.start(), match.end("times") + 2)
        run = _RANGE.fullmatch(name)
        for text in (times, *(run.groups() if run else ())):
            self._check_digits("a run", text, span)
        first, last = map(int, run.groups()) if run else (0, -1)
        if not run or int(times) < 1 or int(times) != last - first + 1:
            raise self._source.error(
                span, "a run and its count disagree", expected="e.g. (0-3): 4 x", found=shorten(f"({name}): {times} x")
            )
        return range(first, last + 1), int(times)

    def _add(self, node: _Node, number: int, line: str, match: re.Match[str]) -> None:
        """Add a module: open it if its children follow, and keep it if it is an LSTM."""
        arguments, row, at = match["rest"], number, match.start("rest")
        head = Span(number, match.start("kind"), match.end())
        base = node.kind.removeprefix(_PARAMETRIZED)
        if match.start("rest") == len(line):
            self._open.append(node)
            arguments, row, at = self._extra_below(number)
        elif base in _FRAMEWORKS and _is_cut_off(arguments, line[match.end() :]):
            raise self._source.error(head, "the LSTM is cut off", expected="a closing parenthesis")
        if base in _FRAMEWORKS and _TWO_SIZES.match(arguments):
            node.found = self._lstm(node.kind, head, arguments.removesuffix(")"), row, at)
            self._keep(node, head)
        elif other := _reason_and_hint(node.kind, arguments):
            what, hint = other
            if what not in self._others:
                error = self._source.error(head, what, "nn.LSTM or nn.LSTMCell, which are read", hint=hint)
                self._others[what] = _Other(error, 0, missed=bool(hint))
            self._others[what] = self._others[what]._replace(times=self._others[what].times + 1)
        elif "lstm" in node.kind.lower() and len(self._maybe) < _MAX_MAYBE:
            text = shorten(line[match.start("kind") : match.end()].strip())[1:-1]
            self._maybe.append(_Maybe(node, text, self._source.place(number)))

    def _extra_below(self, number: int) -> tuple[str, int, int]:
        """The settings of a module with children, alone on the next line, and their line and first index."""
        below = self._source.lines[number].rstrip() if number < len(self._source.lines) else ""
        extra = _EXTRA.search(below)
        return (extra[0], number + 1, extra.start()) if extra and _is_margin(below[: extra.start()]) else ("", 0, 0)

    def _keep(self, node: _Node, head: Span) -> None:
        """Count an LSTM, and keep it and the modules around it, up to the root."""
        self._written += 1
        self._count += node.copies
        self._letters += node.copies * node.letters
        for count, most, what in (
            (self._written, _MAX_WRITTEN, "lines with an LSTM"),
            (self._count, _MAX_LSTMS, "LSTMs"),
            (self._letters, _MAX_LETTERS, "letters in the names of LSTMs"),
        ):
            if count > most:
                raise self._source.error(head, f"too many {what}", expected=f"at most {most:,}")
        kept: _Node | None = node
        while kept and not kept.kept:
            kept.kept = True
            (kept.parent.children if kept.parent else self.roots).append(kept)
            kept = kept.parent

    def _lstm(self, kind: str, head: Span, arguments: str, row: int, at: int) -> Found:
        """An LSTM, not yet named, from its arguments, which begin at index `at` of line `row`."""
        base, place = kind.removeprefix(_PARAMETRIZED), self._source.place(head.line)
        origin, layer = Origin("source", place or None, "stated"), dict[str, Setting]()
        spans = {"": head}
        for position, piece in enumerate(re.finditer(r"[^,]+", arguments)):
            text, start = piece[0].strip(), at + piece.end() - len(piece[0].lstrip())
            span = Span(row, start, start + len(text))
            name, value = (_SIZES[position], text) if position < len(_SIZES) else self._keyword(base, text, span)
            if name in layer:
                raise self._source.error(span, f"{name} stands twice", expected="each setting once")
            layer[name] = Setting(self._value(name, value, span), origin)
            spans[name] = span
        notes = (_STORED_OTHERWISE,) if kind != base else ()
        pointers = Pointers(self._source, spans)
        framework = self._framework_of.get(head.line, _FRAMEWORKS[base])
        return Found("", framework, f"{kind}({arguments})", place or None, layer, pointers, notes=notes)

    def _keyword(self, base: str, text: str, span: Span) -> tuple[str, str]:
        """The name and the value of a setting, e.g. `num_layers=2`."""
        name, _, value = text.partition("=")
        if name not in _KEYWORDS[base]:
            raise self._source.error(
                span,
                f"{base} has no such setting",
                expected=f"one of {', '.join(_KEYWORDS[base])}",
                found=shorten(name),
                hint=nearest_hint(name[:_MAX_DIGITS], _KEYWORDS[base]),
            )
        return name, value

    def _value(self, name: str, text: str, span: Span) -> bool | float:
        """The value of a setting from its printed text."""
        if text in {"True", "False"}:
            return text == "True"
        if name in _SWITCHES and text in {
            "0",
            "1",
        }:  # PyTorch accepts numbers as Booleans, and prints them unchanged
            return text == "1"
        if not _NUMBER.fullmatch(text):
            raise self._source.error(
                span, f"{name} is not a literal", expected="a number, True or False", found=shorten(text)
            )
        self._check_digits(name, text, span)
        return int(text) if text.lstrip("+-").isdecimal() else float(text)

    def _check_digits(self, name: str, text: str, span: Span) -> None:
        """Refuse a number with too many digits for a size; Python itself refuses to convert thousands."""
        if len(text) <= _MAX_DIGITS:
            return
        count = sum(letter.isdecimal() for letter in text)
        if count > _MAX_DIGITS:
            raise self._source.error(
                span, f"{name} has too many digits", expected=f"at most {_MAX_DIGITS} digits", found=f"{count:,} digits"
            )


def _node(kind: str, names: Sequence[object], count: int, column: int, parent: _Node | None) -> _Node:
    """A module in its parent, or the root of a tree."""
    copies, letters = (parent.copies, parent.letters + 1) if parent else (1, 0)
    copies = min(copies * count, _MAX_LSTMS + 1)
    return _Node(kind, names, column, parent, copies, letters + len(str(names[-1])), bool(parent and parent.flat))


def _column(line: str, index: int) -> int:
    return len(line[:index].expandtabs())


def _is_margin(before: str) -> bool:
    """True if the text before a line of a tree is its indentation, maybe after a log's prefix."""
    return not before.strip() or before.endswith(("  ", "\t"))


def _is_cut_off(arguments: str, behind: str) -> bool:
    """True if the line ends within the arguments of an LSTM."""
    return arguments.lstrip()[:1].isdecimal() and not arguments.endswith(")") and not behind


def _reason_and_hint(kind: str, arguments: str) -> tuple[str, str] | None:
    """The reason why a module like an LSTM is not read, and a hint; None if the module is unlike one."""
    if _SCRIPTED.match(arguments):
        return "a scripted LSTM prints no sizes", "print the model as it is before torch.jit"
    if _QUANTIZED.fullmatch(kind):
        return f"{kind} stores its weights otherwise", "print the model as it is before quantization"
    if kind.removeprefix(_PARAMETRIZED) in _OTHER_RNNS and _TWO_SIZES.match(arguments):
        return f"{kind} is not an LSTM", ""
    return None


def _lstms_with_names(roots: Sequence[_Node]) -> list[Found]:
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


def _lstms_with_paths(root: _Node) -> Iterator[tuple[str, Found]]:
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


def _steps(nodes: Sequence[_Node]) -> Iterator[tuple[str, _Node]]:
    return ((str(name), node) for node in nodes for name in node.names)
