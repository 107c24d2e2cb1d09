"""The LSTMs that a program constructs, as the records that every reader gives.

The program is run over abstract values (`machine`); nothing of it is executed or imported.

Not here: what the constructors' arguments mean (`frameworks.constructors`).
"""

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from lstmcalc.errors import NoLstmError, SourceError, nearest_hint, shorten
from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.constructors import (
    SUPPORTED,
    Given,
    Reading,
    Symbol,
    read_arguments,
    shape_settings,
)
from lstmcalc.readers.found import Found
from lstmcalc.readers.python.functions import constant
from lstmcalc.readers.python.keras import Around, Width
from lstmcalc.readers.python.modules import models_of
from lstmcalc.readers.python.naming import names_of
from lstmcalc.readers.python.program import Program
from lstmcalc.readers.python.records import Record
from lstmcalc.readers.python.syntax import parse_python, without_prompts
from lstmcalc.readers.python.torch import Use
from lstmcalc.readers.python.values import Class, Entry, Lib, Log, Missing, Obj, Unknown, Value, joined
from lstmcalc.readers.text.source_text import SourceText, Span
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting, quoted_name
from lstmcalc.spec.words import counted, unique_names, with_dots

MAX_FOUND: Final = 10_000
_DEPTH: Final = 12_000  # frames of Python, for code that is nested
_SWITCHES: Final = ("bias", "batch_first", "bidirectional")
_WRAPPER_OPTIONS: Final = ("merge_mode", "time_major", "return_carry", "return_sequences", "return_state")


def read_python(source: SourceText, settings: Mapping[str, Any]) -> list[Found]:
    """Every LSTM that the code constructs, in order.

    Args:
        source: The code, whole or in part, with or without Python's prompts.
        settings: What names stand for, by their text: `{"args.hidden": 20}`.

    Raises:
        SourceError: It is not Python code; there is no LSTM in it; an LSTM is given an argument it does not have; or a
            name of `settings` is none of the code's.
    """
    tree, code = parse_python(source)
    try:
        with _deep():
            reader = _Reader(code, tree, settings)
            session = [] if reader.made else without_prompts(code.lines)
            if any("LSTM" in line for line in session):  # an example in a docstring
                tree, lines = parse_python(source.of(session))
                example = _Reader(lines, tree, settings)
                reader, code = (example, lines) if example.says_more_than_a_name else (reader, code)
            reader.left_out = _left_out(source.lines, code.lines)
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
def _deep() -> Iterator[None]:
    """Let Python go deeper for a while: a call of the code takes several of ours."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _Reader:
    """Reads one program."""

    def __init__(self, source: SourceText, tree: ast.Module, settings: Mapping[str, Any]) -> None:
        self._source = source
        self._asked: dict[str, None] = {}
        self._program = Program(settings, self._asked, tree)
        self._program.run()
        log = self._program.world.slots["made"]
        self._entries = list(log) if isinstance(log, Log) else []
        self._settings = settings
        self.left_out: list[str] = []  # lines of the text that are not Python

    @property
    def made(self) -> bool:
        """True if there is an LSTM."""
        return bool(self._entries)

    @property
    def says_more_than_a_name(self) -> bool:
        """True if an LSTM is given an argument, or is that of a module: `LSTM()` may be a class of anybody's."""
        return any(
            _record(entry).given or _record(entry).unseen or not isinstance(getattr(entry.site, "func", None), ast.Name)
            for entry in self._entries
        )

    def read(self) -> list[Found]:
        """Every LSTM, in order."""
        self._check_problems()
        self._check_settings()
        entries = self._once(self._entries)
        if len(entries) > MAX_FOUND:
            raise SourceError(
                f"too many LSTMs in {self._source.name or 'this text'}", f"at most {MAX_FOUND:,}", f"{len(entries):,}"
            )
        if not any(_record(entry).constructor for entry in entries):
            raise self._nothing(entries)
        own, paths = self._keras_names(entries)
        names = unique_names(names_of(self._program, entries, own))  # before one is said to read another
        for name, entry in zip(names, entries, strict=True):
            for thing in entry.made:
                thing.slots["@name"] = name
        found = [
            self._found(entry, name, paths.get(id(entry.made[0]), ""))
            for entry, name in zip(entries, names, strict=True)
        ]
        found[0] = found[0]._replace(models=tuple(models_of(self._program, entries)))
        found = [*found, *self._doubts()]
        return self._with_notes(found)

    def _once(self, entries: Sequence[Entry]) -> list[Entry]:
        """The LSTMs; of those that are perhaps made in a loop, one for each place."""
        kept: list[Entry] = []
        seen: set[int] = set()
        for entry in entries:
            record = _record(entry)
            if record.constructor is None and id(entry.site) in seen:
                continue
            if record.constructor is None:
                seen.add(id(entry.site))
            kept.append(entry)
        return kept

    def _with_notes(self, found: list[Found]) -> list[Found]:
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

    # Keras' names.

    def _keras_names(self, entries: Sequence[Entry]) -> tuple[dict[int, str], dict[int, str]]:
        """The names that code gives layers of Keras, and what the names of their weights begin with."""
        counts: dict[str, int] = {}
        own: dict[int, str] = {}
        paths: dict[int, str] = {}

        def automatic(stem: str) -> str:
            counts[stem] = counts.get(stem, 0) + 1
            return stem if counts[stem] == 1 else f"{stem}_{counts[stem] - 1}"

        for entry in entries:
            record, thing = _record(entry), entry.made[0]
            if record.constructor is None or "keras" not in record.constructor.framework:
                continue
            cell = record.constructor.names[0].endswith("Cell")
            given = record.given.get("name")
            named = given if isinstance(given, str) else ""
            inner = named or automatic("lstm_cell" if cell else "lstm")
            around = [item for item in _around(thing) if item.name in ("Bidirectional", "RNN")]
            path = inner if around or not cell else ""
            for item in around:
                text = constant(item.given.get("name", ""))
                outer = text if isinstance(text, str) else ""
                if item.name == "Bidirectional":
                    named = outer
                    path = f"{outer or automatic('bidirectional')}/{{direction}}_{inner}"
                else:
                    named, path = outer, outer or automatic("rnn")
            own[id(thing)] = named or f"@{path.partition('/')[0]}"
            paths[id(thing)] = path
        return {**own, **_linen_names(entries)}, paths

    # One LSTM.

    def _found(self, entry: Entry, name: str, path: str) -> Found:
        record, thing = _record(entry), entry.made[0]
        place = self._source.place(getattr(record.call, "lineno", 1)) or None
        constructor = record.constructor
        if constructor is None:
            gap = self._gap_of(record.unseen or Unknown(), record.name)
            reason = f"{record.name} may be an LSTM"
            return Found(
                name,
                "",
                _one_line(_text(record.call)),
                place,
                pointers={"": self._pointer(record.call)},
                gaps={"": gap},
                uncertain=(reason,),
                kind="",
            )
        reading = self._reading(record, constructor, place)
        pointers = {"": self._pointer(record.call), **reading.pointers}
        reading = self._with_around(thing, reading, place)
        gaps = self._gaps(record, constructor, reading)
        layer = dict(reading.layer)
        self._set_dtype(entry, layer, gaps, place)
        uncertain = [*self._why_uncertain(entry), *_doubts_of(entry)]
        if isinstance(layer.get("dtype"), Setting) and layer["dtype"].origin.certainty == "unknown":
            uncertain.append("its dtype depends on what is not known")
        notes = list(reading.notes)
        if record.unseen is not None:
            what = record.unseen.why or " and ".join(record.unseen.names) or "an argument"
            notes.append(f"{what} is not known: what it sets is not seen")
            uncertain.append(notes[-1])
        found = Found(
            name,
            constructor.framework,
            _one_line(_text(record.call)),
            place,
            layer,
            pointers,
            gaps,
            "",
            reading.options,
            tuple(notes),
            unmodelled=reading.unmodelled,
            path=path,
            uncertain=tuple(uncertain),
        )
        return self._with_input(found, entry, constructor, place)

    def _why_uncertain(self, entry: Entry) -> tuple[str, ...]:
        if entry.sure:
            return ()
        names = [name for name in entry.doubts if name]
        return (
            f"it is made or not, as {' and '.join(names[:3])} says"
            if names
            else "it is not known whether, or how often, it is made",
        )

    def _reading(self, record: Record, constructor: Constructor, place: str | None) -> Reading:
        given = {}
        for name, value in record.given.items():
            node = record.places.get(name, record.call)
            stated = "inferred" if name in record.tainted else "stated"
            field = constructor.fields.get(name)
            origin = (
                "flag"
                if any(_text(part) in self._program.flags for part in ast.walk(node)) and node is not record.call
                else "source"
            )
            given[name] = Given(self._argument(value, field, node), self._pointer(node), stated, origin)
        return read_arguments(constructor, given, place)

    def _argument(self, value: Value, field: str | None, node: ast.AST) -> object:
        """An argument as the table of constructors reads it."""
        if field in _SWITCHES and not isinstance(value, Unknown | str):
            known = self._program.truth(value)
            return known if known is not None else Gap(_text(node))
        if isinstance(value, Unknown):
            return self._gap_of(value, _text(node))
        if isinstance(value, Lib):
            return Symbol(value.path)
        if isinstance(value, bool) and field in ("input_size", "hidden_size", "num_layers", "proj_size"):
            return int(value)
        found = constant(value)
        if not isinstance(found, Missing):
            return found
        items = (
            self._program.items(value)
            if isinstance(value, tuple) or (isinstance(value, Obj) and value.kind == "list")
            else None
        )
        if items is not None and field in ("input_shape", "batch_shape"):
            return tuple(self._argument(item, None, node) for item in items)
        if field is None:
            name = getattr(value, "name", "")
            return Symbol(name) if isinstance(name, str) and name else Symbol(_text(node))
        what = (
            "a function that is not called"
            if getattr(value, "kind", "") == "function"
            else "something that is not a number"
        )
        return Gap(f"{_text(node)}, {what}")

    def _gap_of(self, value: Unknown, text: str) -> Gap:
        names = tuple(name for name in value.names if name and "(" not in name)
        simple = text.replace(".", "").replace("_", "").isalnum()
        if (
            value.alts
            and all(isinstance(item, int | float | str | None) for item in value.alts)
            and len(value.alts) > 1
        ):
            why = f"{text}, which is {' or '.join(repr(item)[:20] for item in value.alts)}"
            own = (text,) if simple else ()
            return Gap(why, tuple(dict.fromkeys((*own, *names))))
        if value.why.startswith("*"):
            return Gap(value.why)
        return Gap(
            value.why or " and ".join(names or value.names) or text, names or ((text,) if len(text) < 60 else ())
        )  # what can be typed

    def _gaps(self, record: Record, constructor: Constructor, reading: Reading) -> dict[str, Gap]:
        starred = self._gap_of(record.unseen, "") if record.unseen is not None else None
        if starred is not None:
            starred = Gap(record.unseen.why if record.unseen and record.unseen.why else starred.why, starred.names)
        gaps = {
            constructor.fields[name]: starred or Gap(f"nothing: {record.name} is not given it")
            for name in constructor.required
            if name not in record.given and name in constructor.fields
        }
        if constructor.takes_data:
            gaps["input_size"] = Gap(f"nothing: {record.name} takes it from the data")
        return {**{field: gap for field, gap in gaps.items() if field not in reading.layer}, **reading.gaps}

    def _set_dtype(self, entry: Entry, layer: dict[str, Setting], gaps: dict[str, Gap], place: str | None) -> None:
        """Give an LSTM the dtype that it has at the end."""
        del gaps
        record = _record(entry)
        if record.constructor is None or not record.constructor.names[0].startswith("torch."):
            return
        dtype = entry.made[0].slots.get("@dtype", "float32")
        for thing in entry.made[1:]:
            dtype = joined(dtype, thing.slots.get("@dtype", "float32"))
        if isinstance(dtype, Unknown) and len(dtype.alts) == 1:  # where it is made, it is this
            dtype = dtype.alts[0]
        if isinstance(dtype, str):
            stated = layer.get("dtype")
            changed = stated is None or stated.value != dtype
            if changed and not (stated is None and dtype == "float32"):
                layer["dtype"] = Setting(dtype, Origin("source", place, "stated"))
        elif isinstance(dtype, Unknown):
            layer["dtype"] = Setting("float32", Origin("source", place, "unknown"))

    def _with_around(self, thing: Obj, reading: Reading, place: str | None) -> Reading:
        """The settings that the wrappers around an LSTM say."""
        for item in _around(thing):
            backward = item.given.get("backward_layer")
            if item.name == "Bidirectional" and not isinstance(backward, Obj):
                reading.layer["bidirectional"] = Setting(True, Origin("source", place, "stated"))
                reading.pointers["bidirectional"] = self._pointer(item.call)
            for name, value in item.given.items():
                if name in _WRAPPER_OPTIONS:
                    reading.options[name] = self._option(name, value, item)
                elif name in ("input_shape", "batch_input_shape"):
                    self._read_shape(reading, value, item, place, batch=name != "input_shape")
                elif name in ("reverse", "go_backwards") and value is not False:
                    reading = reading._replace(unmodelled=(*reading.unmodelled, f"{name} = {_shown(value)}"))
        return reading

    def _option(self, name: str, value: Value, item: Around) -> object:
        """The value of an option of a wrapper, which no flag can give."""
        found = constant(value)
        if isinstance(found, Missing):
            names = value.names if isinstance(value, Unknown) else ()
            hint = " ".join(f"--set {known}=VALUE" for known in names)
            raise self._source.error(
                self._span(item.call), f"{name} is open", found=" and ".join(names), hint=f"give {hint}" if hint else ""
            )
        return found

    def _read_shape(self, reading: Reading, value: Value, item: Around, place: str | None, *, batch: bool) -> None:
        for field, size in shape_settings(self._argument(value, "input_shape", item.call), batch=batch).items():
            reading.pointers[field] = self._pointer(item.call)
            if isinstance(size, Gap):
                reading.gaps[field] = size
            else:
                reading.layer[field] = Setting(size, Origin("source", place, "stated"))

    # What it is given.

    def _with_input(self, found: Found, entry: Entry, constructor: Constructor, place: str | None) -> Found:
        """An LSTM with the array that is passed to it."""
        thing = entry.made[0]
        use = thing.slots.get("@input")
        if isinstance(use, Use):
            call = use.call
            node = call.args[0] if isinstance(call, ast.Call) and call.args else call or _record_of(thing).call
            shape = tuple(item if isinstance(item, int) and not isinstance(item, bool) else None for item in use.shape)
            found = found._replace(input_shape=shape, pointers={**found.pointers, "input": self._pointer(node)})
            lengths = use.lengths
            if isinstance(lengths, tuple) and lengths and all(isinstance(item, int) for item in lengths):
                found = found._replace(
                    layer={**found.layer, "lengths": Setting(lengths, Origin("source", place, "stated"))}
                )
        fed = self._fed_of(entry)
        if constructor.takes_data and fed is not None:
            return self._with_fed(found, fed, place)
        return found

    def _fed_of(self, entry: Entry) -> Value:
        """The shape that flows into a layer of Keras; None if none does."""
        shapes = [thing.slots.get("@fed") for thing in entry.made]
        fed = shapes[0]
        for shape in shapes[1:]:
            fed = joined(fed, shape)
        return fed

    def _with_fed(self, found: Found, fed: Value, place: str | None) -> Found:
        """An LSTM of Keras with what flows into it, which settles its sizes whatever it says itself."""
        layer, gaps = dict(found.layer), dict(found.gaps)
        layer.pop("input_size", None)
        if not isinstance(fed, tuple):
            gaps["input_size"] = Gap("what the layers before make is not known")
            return found._replace(layer=layer, gaps=gaps)
        axes = ("batch", "seq_len") if found.options.get("time_major") is not True else ("seq_len", "batch")
        sizes: dict[str, Value] = {"input_size": fed[-1]}
        if len(fed) == 3:  # a batch of sequences
            sizes |= dict(zip(axes, fed[:2], strict=True))
        for field, size in sizes.items():
            if isinstance(size, int) and not isinstance(size, bool):
                layer[field] = Setting(int(size), Origin("source", place, "inferred"))
                gaps.pop(field, None)
        before = fed[-1].lstm.slots.get("@name") if isinstance(fed[-1], Width) else None
        if isinstance(before, str):
            found = found._replace(reads=before)
        if "input_size" not in layer:
            width = sizes["input_size"]
            gaps["input_size"] = (
                self._gap_of(width, "the input")
                if isinstance(width, Unknown)
                else Gap("what the layers before make is not known")
            )
        return found._replace(layer=layer, gaps=gaps)

    # Where it goes wrong.

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
            raise self._source.error(self._span(node), what, expected, given, hint)

    def _nothing(self, entries: Sequence[Entry]) -> SourceError:
        """There is no LSTM: what there is instead."""
        where = self._source.name or "this text"
        if entries:
            record = _record(entries[0])
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
            return self._source.error(
                self._span(function),
                "this may be an LSTM",
                found=_text(function),
                hint=f"give {_settings_for(function, unknown)}",
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
            return self._source.error(self._span(function), what, SUPPORTED, _text(function), kind=NoLstmError)
        local = self._local()
        if local is not None and not alone:
            return self._source.error(
                self._span(local.func),
                f"{_text(local.func)} is a class of its own here, and no LSTM is made in it",
                expected=SUPPORTED,
            )
        if self._program.ended or self._program.doubts:
            why = self._program.ended or self._program.doubts[0]
            return SourceError(f"no LSTM is known in {where}", f"a construction of {SUPPORTED}", why)
        expected, hint = f"a construction of {SUPPORTED}", "lstmcalc -h shows how to describe one with flags"
        if not self.left_out:
            return NoLstmError(f"no LSTM in {where}", expected, hint=hint)
        shown = next((line for line in self.left_out if "lstm" in line.lower()), self.left_out[0])
        found = f"{counted(len(self.left_out), 'line')} left out as not Python, e.g. {shorten(shown)}"
        if where.lower().endswith((".yaml", ".yml")):
            hint = "YAML is not read: give the sizes that it states as flags, e.g. --input 10 --hidden 20"
        return NoLstmError(f"no LSTM is recognised in {where}", expected, found, hint)

    def _unread(self, function: ast.AST) -> SourceError:
        hint = "describe it with flags, and give --framework; lstmcalc frameworks shows those there are"
        return self._source.error(
            self._span(function), f"{_text(function)} is none that can be read", SUPPORTED, hint=hint
        )

    def _local(self) -> ast.Call | None:
        for node in ast.walk(self._program.tree):
            if isinstance(node, ast.Call) and "LSTM" in _text(node.func)[:200] and isinstance(node.func, ast.Name):
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

    def _span(self, node: ast.AST) -> Span:
        line = int(getattr(node, "lineno", 1))
        text = self._source.lines[line - 1] if line <= len(self._source.lines) else ""
        start = _column(text, int(getattr(node, "col_offset", 0)))
        alone = getattr(node, "end_lineno", line) == line
        return Span(line, start, _column(text, int(getattr(node, "end_col_offset", 0))) if alone else len(text))

    def _pointer(self, node: ast.AST) -> Pointer:
        return self._source.pointer(self._span(node))


def _record(entry: Entry) -> Record:
    return _record_of(entry.made[0])


def _record_of(thing: Obj) -> Record:
    record = thing.slots["@lstm"]
    assert isinstance(record, Record)  # noqa: S101  # every entry has one
    return record


def _linen_names(entries: Sequence[Entry]) -> dict[int, str]:
    """The names that code gives cells of Linen, or Linen itself where they are made when their module is run."""
    names: dict[int, str] = {}
    counts: dict[tuple[int, str], int] = {}
    for entry in entries:
        record, thing = _record(entry), entry.made[0]
        if record.constructor is None or record.constructor.framework != "flax-linen" or thing.cls is None:
            continue
        frame = next((item for item in reversed(record.frames) if item.function and not item.function.native), None)
        given, kind = record.given.get("name"), thing.cls.name
        if isinstance(given, str):
            names[id(thing)] = given
        elif frame is not None and frame.function is not None and frame.function.name != "setup":
            owner = next(iter(frame.scope.slots.values()), None)  # self
            number = counts.get((id(owner), kind), 0)
            counts[id(owner), kind] = number + 1
            names[id(thing)] = f"@{kind}_{number}"
    return names


def _doubts_of(entry: Entry) -> list[str]:
    """Why an LSTM may be another, or several, as its framework says."""
    held = entry.made[0].slots.get("@doubts", ())
    return [str(item) for item in held] if isinstance(held, tuple) else []


def _around(thing: Obj) -> list[Around]:
    held = thing.slots.get("@around", ())
    return [item for item in held if isinstance(item, Around)] if isinstance(held, tuple) else []


def _column(text: str, offset: int) -> int:
    """A column in characters, of one in bytes of UTF-8, as Python counts them."""
    return offset if text.isascii() else len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore"))


def _text(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except (RecursionError, AttributeError, ValueError):
        return "an expression"


def _shown(value: Value) -> str:
    found = constant(value)
    return (
        repr(found)
        if not isinstance(found, Missing)
        else " and ".join(value.names)
        if isinstance(value, Unknown)
        else "something"
    )


def _last(function: ast.AST) -> str:
    return function.attr if isinstance(function, ast.Attribute) else str(getattr(function, "id", ""))


def _one_line(text: str, limit: int = 100) -> str:
    return text if len(text) <= limit else f"{text[: limit - 4]}...)"


def _settings_for(function: ast.AST, value: Unknown) -> str:
    """The settings that would say what is called."""
    if isinstance(function, ast.Call) and len(function.args) > 1:  # getattr(nn, kind)
        return f"--set {quoted_name(_text(function.args[1]))}=LSTM"
    if isinstance(function, ast.Subscript):  # {"lstm": nn.LSTM}[kind]
        return f"--set {quoted_name(_text(function.slice))}=VALUE"
    return " ".join(f"--set {quoted_name(name)}=nn.LSTM" for name in dict.fromkeys(value.names))
