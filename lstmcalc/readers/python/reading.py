"""The LSTMs that a program constructs, as the records that every reader gives.

The program is run over abstract values (`machine`); nothing of it is executed or imported.

Not here: what the constructors' arguments mean (`frameworks.constructors`).
"""

import ast
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from lstmcalc.errors import NoLstmError, SourceError, nearest_hint, shorten
from lstmcalc.frameworks.constructors import (
    SUPPORTED,
)
from lstmcalc.readers.found import Found
from lstmcalc.readers.python.core.values import Class, Entry, Log, Unknown
from lstmcalc.readers.python.program import Program
from lstmcalc.readers.python.results.copies import without_whole_copies
from lstmcalc.readers.python.results.findings import Findings, record_of, text_of
from lstmcalc.readers.python.results.keras_names import keras_names_of
from lstmcalc.readers.python.results.modules import models_of
from lstmcalc.readers.python.results.naming import names_of
from lstmcalc.readers.python.syntax import parse_python, without_prompts
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Gap, quoted_name
from lstmcalc.spec.words import counted, unique_names, with_dots

MAX_FOUND: Final = 10_000
_DEPTH: Final = 12_000  # frames of Python, for code that is nested


class Asked:
    """The names that code asks for, noted while it is read.

    Args:
        optional: Names of `settings` that the code need not have.
    """

    def __init__(self, optional: Collection[str] = ()) -> None:
        self.optional = optional
        self.open: list[str] = []  # those that are not known
        self.defaults: list[str] = []  # those of the command line's options, whose defaults are known


def read_python(source: SourceText, settings: Mapping[str, Any], asked: Asked | None = None) -> list[Found]:
    """Every LSTM that the code constructs, in order.

    Args:
        source: The code, whole or in part, with or without Python's prompts.
        settings: What names stand for, by their text: `{"args.hidden": 20}`.
        asked: Where names that the code asks for are noted.

    Raises:
        SourceError: It is not Python code; there is no LSTM in it; an LSTM is given an argument it does not have; or a
            name of `settings` is none of the code's.
    """
    tree, code = parse_python(source)
    try:
        with deep():
            reader = _Reader(code, tree, settings, collects=asked is not None)
            session = [] if reader.made else without_prompts(code.lines)
            if any("LSTM" in line for line in session):  # an example in a docstring
                tree, lines = parse_python(source.of(session))
                example = _Reader(lines, tree, settings, collects=asked is not None)
                reader, code = (example, lines) if example.says_more_than_a_name else (reader, code)
            reader.left_out = _left_out(source.lines, code.lines)
            if asked is not None:
                reader.note(asked)
            return reader.read()
    except RecursionError:
        raise SourceError("this is nested too deeply to be read", where=source.name) from None


def _left_out(lines: Sequence[str], code: Sequence[str]) -> list[str]:
    """The lines of a text that are not in its code."""
    return [
        line.strip()
        for line, kept in zip(lines, code, strict=False)
        if line.strip() not in ("", "pass") and kept.strip() in ("", "pass")
    ]


@contextmanager
def deep() -> Iterator[None]:
    """Let Python go deeper for a while: a call of the code takes several of ours."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _Reader(Findings):
    """Reads one program."""

    def __init__(
        self, source: SourceText, tree: ast.Module, settings: Mapping[str, Any], *, collects: bool = False
    ) -> None:
        self._asked: dict[str, None] = {}
        super().__init__(source, Program(settings, self._asked, tree))
        self._program.collects = collects
        self._program.run()
        log = self._program.world.slots["made"]
        self._entries = list(log) if isinstance(log, Log) else []
        self._settings = settings
        self.left_out: list[str] = []  # lines of the text that are not Python

    def note(self, asked: Asked) -> None:
        """Note the names that the code asks for, and those that it need not have."""
        asked.open = list(self._asked)
        asked.defaults = list(self._program.defaults)
        self._program.used |= set(asked.optional)

    @property
    def made(self) -> bool:
        """True if there is an LSTM."""
        return bool(self._entries)

    @property
    def says_more_than_a_name(self) -> bool:
        """True if an LSTM is given an argument, or is that of a module: `LSTM()` may be a class of anybody's."""
        return any(
            record_of(entry).given
            or record_of(entry).unseen
            or not isinstance(getattr(entry.site, "func", None), ast.Name)
            for entry in self._entries
        )

    def read(self) -> list[Found]:
        """Every LSTM, in order."""
        self._check_problems()
        self._check_settings()
        entries, copies = without_whole_copies(self._program, self._once(self._entries))
        if len(entries) > MAX_FOUND:
            raise SourceError(
                f"too many LSTMs in {self._source.name or 'this text'}", f"at most {MAX_FOUND:,}", f"{len(entries):,}"
            )
        if not any(record_of(entry).constructor for entry in entries):
            raise self._nothing(entries)
        own, paths = keras_names_of(entries)
        names = unique_names(names_of(self._program, entries, own))  # before one is said to read another
        for name, entry in zip(names, entries, strict=True):
            for thing in entry.made:
                thing.slots["@name"] = name
        found = [
            self.found(entry, name, paths.get(id(entry.made[0]), ""))
            for entry, name in zip(entries, names, strict=True)
        ]
        found[0] = found[0]._replace(models=tuple(models_of(self._program, entries)))
        found = [*found, *self._doubts()]
        return self._with_notes(found, copies)

    def _once(self, entries: Sequence[Entry]) -> list[Entry]:
        """The LSTMs; of those that are perhaps made in a loop, one for each place."""
        kept: list[Entry] = []
        seen: set[int] = set()
        for entry in entries:
            record = record_of(entry)
            if record.constructor is None and id(entry.site) in seen:
                continue
            if record.constructor is None:
                seen.add(id(entry.site))
            kept.append(entry)
        return kept

    def _with_notes(self, found: list[Found], copies: Sequence[str]) -> list[Found]:
        if copies and found:
            are = "is a deep copy" if len(copies) == 1 else "are deep copies"
            text = f"{with_dots(copies, 4)} {are} of a model: its LSTMs are not listed again"
            found[-1] = found[-1]._replace(notes=(*found[-1].notes, text))
        alone = self._program.left_alone()
        if alone and found:
            are, they = ("is", "it") if len(alone) == 1 else ("are", "they")
            text = f"{with_dots(alone, 4)} {are} not called here: what {they} would make is not among these"
            found[-1] = found[-1]._replace(notes=(*found[-1].notes, text))
        return found

    def _doubts(self) -> list[Found]:
        """An open LSTM for each reason why there may be more."""
        reasons = list(dict.fromkeys([*self._program.doubts, *([self._program.ended] if self._program.ended else [])]))
        return [
            Found("more", "", where=self._source.name or None, gaps={"": Gap(reason)}, uncertain=(reason,), kind="")
            for reason in reasons[:1]
        ]

    def _check_problems(self) -> None:
        """Refuse a call that cannot be.

        Raises:
            SourceError: There is one.
        """
        for node, what, expected, given in self._program.problems:
            name = what.removeprefix("unknown argument ").partition(" ")[0]
            hint = ""
            if what.startswith("unknown argument"):
                hint = nearest_hint(name, tuple(expected.removeprefix("one of ").split(", ")))
                given = ""  # noqa: PLW2901  # it is in the sentence
            raise self._source.error(self.span(node), what, expected, given, hint)

    def _nothing(self, entries: Sequence[Entry]) -> SourceError:
        """There is no LSTM: what there is instead."""
        where = self._source.name or "this text"
        if entries:
            record = record_of(entries[0])
            call = record.call
            function = call.func if isinstance(call, ast.Call) else call
            unknown = record.unseen or Unknown()
            if (
                unknown.lstm
                and not unknown.alts
                and isinstance(function, ast.Name | ast.Attribute)
                and "LSTM" in _last(function)
            ):
                return self._unread(function)
            if not unknown.lstm:
                return self._unread(function)
            settings = _settings_for(function, unknown) or "its sizes as flags, with --framework"
            return self._source.error(
                self.span(function), "this may be an LSTM", found=text_of(function), hint=f"give {settings}"
            )
        alone = self._program.left_alone()
        if alone and not self._program.ended:
            return SourceError(
                f"no LSTM is known in {where}",
                f"a construction of {SUPPORTED}",
                f"{with_dots(alone, 4)}, which may make one",
            )
        if self._program.relatives and not self._program.ended:
            call, name = self._program.relatives[0]
            function = call.func if isinstance(call, ast.Call) else call
            what = f"{name.rpartition('.')[2]} is not an LSTM"
            return self._source.error(self.span(function), what, SUPPORTED, text_of(function), kind=NoLstmError)
        local = self._local()
        if local is not None and not alone:
            return self._source.error(
                self.span(local.func),
                f"{text_of(local.func)} is a class of its own here, and no LSTM is made in it",
                expected=SUPPORTED,
            )
        if self._program.ended or self._program.doubts or self._program.left:
            why = self._program.ended or next(iter([*self._program.doubts, self._program.left]))
            return SourceError(f"no LSTM is known in {where}", f"a construction of {SUPPORTED}", why)
        expected, hint = f"a construction of {SUPPORTED}", "lstmcalc -h shows how to describe one with flags"
        if not self.left_out:
            return NoLstmError(f"no LSTM in {where}", expected, hint=hint)
        shown = next((line for line in self.left_out if "lstm" in line.lower()), self.left_out[0])
        found = f"{counted(len(self.left_out), 'line')} left out as not Python, e.g. {shorten(shown)}"
        return NoLstmError(f"no LSTM is recognised in {where}", expected, found, hint)

    def _unread(self, function: ast.AST) -> SourceError:
        hint = "describe it with flags, and give --framework; lstmcalc frameworks shows those there are"
        return self._source.error(
            self.span(function), f"{text_of(function)} is none that can be read", SUPPORTED, hint=hint
        )

    def _local(self) -> ast.Call | None:
        for node in ast.walk(self._program.tree):
            if isinstance(node, ast.Call) and "LSTM" in text_of(node.func)[:200] and isinstance(node.func, ast.Name):
                value = self._program.module.slots.get(node.func.id)
                if isinstance(value, Class) or getattr(value, "kind", "") == "function":
                    return node
        return None

    def _check_settings(self) -> None:
        """Refuse a setting whose name the code does not have.

        Raises:
            SourceError: There is one.
        """
        for name in self._settings:
            if name in self._program.used:
                continue
            known = tuple(item for item in self._asked if "(" not in item)
            raise SourceError(
                f"no such name in {self._source.name or 'this text'}",
                expected=f"one of {', '.join(known[:12])}{', ...' * (len(known) > 12)}" if known else "",  # a line
                found=shorten(name),
                hint=nearest_hint(name, known),
                where=f"--set {name}",
            )


def _last(function: ast.AST) -> str:
    return function.attr if isinstance(function, ast.Attribute) else str(getattr(function, "id", ""))


def _settings_for(function: ast.AST, value: Unknown) -> str:
    """The settings that would say what is called."""
    if isinstance(function, ast.Call) and len(function.args) > 1:  # getattr(nn, kind)
        return f"--set {quoted_name(text_of(function.args[1]))}=LSTM"
    if isinstance(function, ast.Subscript):  # {"lstm": nn.LSTM}[kind]
        return f"--set {quoted_name(text_of(function.slice))}=VALUE"
    return " ".join(f"--set {quoted_name(name)}=nn.LSTM" for name in dict.fromkeys(value.names))
