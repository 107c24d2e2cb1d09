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

Not here: the modules of a tree (`printed_modules`), the settings of an LSTM (`printed_settings`), their rules
(`spec.config`); code that constructs a module, e.g. `nn.LSTM(10, 20)`
(`readers.python`).

Sources, torch 2.13.0, `torch/nn/`: `modules/module.py` (`Module.__repr__`, `_addindent`), `modules/container.py`
(`ModuleList.__repr__` joins equal neighbours as `(0-3): 4 x`), `modules/rnn.py` (`RNNBase.extra_repr`,
`RNNCellBase.extra_repr`), `utils/parametrize.py` (the class becomes `Parametrized...`); `torch/jit/_script.py` and
`_trace.py` (`extra_repr` is `original_name=...`); `torch/ao/nn/` (`_get_name` of quantized modules).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lstmcalc.errors import NoLstmError, SourceError, shorten
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.other_prints import in_pytorchs_words
from lstmcalc.readers.text.printed_allennlp import augmented_error
from lstmcalc.readers.text.printed_modules import MAX_LSTMS, Node, lstms_with_names, node_in
from lstmcalc.readers.text.printed_settings import FRAMEWORKS, PARAMETRIZED, Settings
from lstmcalc.readers.text.source_text import SourceText, Span

_OTHER_RNNS: Final = ("GRU", "RNN", "GRUCell", "RNNCell")
_MAX_MAYBE: Final = 1000  # modules named after an LSTM that are remembered
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
    trees = Trees(source, frameworks)
    for number, line in enumerate(source.lines, 1):
        trees.read(number, line.rstrip())
    found = lstms_with_names(trees.roots)
    if frameworks:
        found = [_as_printed(item, given) for item in found]
    if not found:
        raise trees.nothing()
    return [found[0]._replace(notes=(*found[0].notes, *trees.left_out())), *found[1:]]


def _as_printed(item: Found, given: SourceText) -> Found:
    """The LSTM of another framework with the text that was printed."""
    line = int((item.where or "").rpartition(":")[2] or (item.where or "").rpartition(" ")[2] or 1)
    shown = given.lines[line - 1].strip().rpartition("): ")[2]
    return item if item.framework in FRAMEWORKS.values() else item._replace(text=shown)


class _Other(NamedTuple):
    """Modules of one kind that are like an LSTM and cannot be read as one."""

    error: SourceError  # at the first of them
    times: int
    missed: bool  # False for a GRU, of which nothing was to be read


class _Maybe(NamedTuple):
    """A module whose class is named after an LSTM, and which may be an LSTM."""

    node: Node
    text: str  # as printed: `MyLSTM(3, 4)`
    where: str  # its place


class Trees:
    """The trees of a text, read line by line."""

    def __init__(self, source: SourceText, frameworks: Mapping[int, str] | None = None) -> None:
        self._settings = Settings(source, frameworks or {})
        self.roots: list[Node] = []  # the roots of all trees with LSTMs
        self._source = source
        self._open: list[Node] = []  # the modules that the next line may be in, from the root
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
            self.add(node_in(child["kind"], names, count, column, parent), number, line, child)
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

    def _parent(self, column: int) -> Node | None:
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
        self.add(node_in(match["kind"], ("",), 1, column, None), number, line, match)

    def _names(self, number: int, match: re.Match[str]) -> tuple[Sequence[object], int]:
        """The names of a child, and how many there are: `(rnn)`, or those of a run, `(0-3): 4 x`."""
        name, times = match["name"], match["times"]
        if times is None:
            return (name,), 1
        span = Span(number, match.start(), match.end("times") + 2)
        run = _RANGE.fullmatch(name)
        for text in (times, *(run.groups() if run else ())):
            self._settings.check_digits("a run", text, span)
        first, last = map(int, run.groups()) if run else (0, -1)
        if not run or int(times) < 1 or int(times) != last - first + 1:
            raise self._source.error(
                span, "a run and its count disagree", expected="e.g. (0-3): 4 x", found=shorten(f"({name}): {times} x")
            )
        return range(first, last + 1), int(times)

    def add(self, node: Node, number: int, line: str, match: re.Match[str]) -> None:
        """Add a module: open it if its children follow, and keep it if it is an LSTM."""
        arguments, row, at = match["rest"], number, match.start("rest")
        head = Span(number, match.start("kind"), match.end())
        base = node.kind.removeprefix(PARAMETRIZED)
        if match.start("rest") == len(line):
            self._open.append(node)
            arguments, row, at = self._extra_below(number)
        elif base in FRAMEWORKS and _is_cut_off(arguments, line[match.end() :]):
            raise self._source.error(head, "the LSTM is cut off", expected="a closing parenthesis")
        if base in FRAMEWORKS and _TWO_SIZES.match(arguments):
            node.found = self._settings.lstm(node.kind, head, arguments.removesuffix(")"), row, at)
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

    def _keep(self, node: Node, head: Span) -> None:
        """Count an LSTM, and keep it and the modules around it, up to the root."""
        self._written += 1
        self._count += node.copies
        self._letters += node.copies * node.letters
        for count, most, what in (
            (self._written, _MAX_WRITTEN, "lines with an LSTM"),
            (self._count, MAX_LSTMS, "LSTMs"),
            (self._letters, _MAX_LETTERS, "letters in the names of LSTMs"),
        ):
            if count > most:
                raise self._source.error(head, f"too many {what}", expected=f"at most {most:,}")
        kept: Node | None = node
        while kept and not kept.kept:
            kept.kept = True
            (kept.parent.children if kept.parent else self.roots).append(kept)
            kept = kept.parent


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
    if kind.removeprefix(PARAMETRIZED) in _OTHER_RNNS and _TWO_SIZES.match(arguments):
        return f"{kind} is not an LSTM", ""
    return None
