"""One LSTM that a program constructs, as the record that every reader gives.

Not here: what the constructors' arguments mean (`frameworks.constructors`), and which LSTMs there are (`reading`).
"""

import ast
from typing import Final

from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.constructors import (
    Given,
    Reading,
    Symbol,
    read_arguments,
    shape_settings,
)
from lstmcalc.readers.found import Found
from lstmcalc.readers.python.builtin.constants import constant
from lstmcalc.readers.python.core.joins import joined
from lstmcalc.readers.python.core.values import Entry, Lib, Missing, Obj, Unknown, Value
from lstmcalc.readers.python.layers.keras_tensors import Around, Width
from lstmcalc.readers.python.layers.records import Record
from lstmcalc.readers.python.layers.torch import Use
from lstmcalc.readers.python.program import Program
from lstmcalc.readers.text.source_text import SourceText, Span
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting

_SWITCHES: Final = ("bias", "batch_first", "bidirectional")
_WRAPPER_OPTIONS: Final = ("merge_mode", "time_major", "return_carry", "return_sequences", "return_state")


class Findings:
    """Says what is known of one LSTM."""

    def __init__(self, source: SourceText, program: Program) -> None:
        self._source = source
        self._program = program

    def found(self, entry: Entry, name: str, path: str) -> Found:
        """The record of an LSTM."""
        record, thing = record_of(entry), entry.made[0]
        place = self._source.place(getattr(record.call, "lineno", 1)) or None
        constructor = record.constructor
        if constructor is None:
            gap = self._gap_of(record.unseen or Unknown(), record.name)
            reason = f"{record.name} may be an LSTM"
            return Found(
                name,
                "",
                _one_line(text_of(record.call)),
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
        if isinstance(promised := thing.slots.get("@promised"), str):
            uncertain.append(promised)
        notes = list(reading.notes)
        if record.unseen is not None:
            what = record.unseen.why or " and ".join(record.unseen.names) or "an argument"
            notes.append(f"{what} is not known: what it sets is not seen")
            uncertain.append(notes[-1])
        found = Found(
            name,
            constructor.framework,
            _one_line(text_of(record.call)),
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
                if any(text_of(part) in self._program.flags for part in ast.walk(node)) and node is not record.call
                else "source"
            )
            given[name] = Given(self._argument(value, field, node), self._pointer(node), stated, origin)
        return read_arguments(constructor, given, place)

    def _argument(self, value: Value, field: str | None, node: ast.AST) -> object:
        """An argument as the table of constructors reads it."""
        if field in _SWITCHES and not isinstance(value, Unknown | str):
            known = self._program.truth(value)
            return known if known is not None else Gap(text_of(node))
        if isinstance(value, Unknown):
            return self._gap_of(value, text_of(node))
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
            return Symbol(name) if isinstance(name, str) and name else Symbol(text_of(node))
        what = (
            "a function that is not called"
            if getattr(value, "kind", "") == "function"
            else "something that is not a number"
        )
        return Gap(f"{text_of(node)}, {what}")

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
        record = record_of(entry)
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
        for item in wrappers_of(thing):
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
                self.span(item.call), f"{name} is open", found=" and ".join(names), hint=f"give {hint}" if hint else ""
            )
        return found

    def _read_shape(self, reading: Reading, value: Value, item: Around, place: str | None, *, batch: bool) -> None:
        for field, size in shape_settings(self._argument(value, "input_shape", item.call), batch=batch).items():
            reading.pointers[field] = self._pointer(item.call)
            if isinstance(size, Gap):
                reading.gaps[field] = size
            else:
                reading.layer[field] = Setting(size, Origin("source", place, "stated"))

    def _with_input(self, found: Found, entry: Entry, constructor: Constructor, place: str | None) -> Found:
        """An LSTM with the array that is passed to it."""
        thing = entry.made[0]
        use = thing.slots.get("@input")
        if isinstance(use, Use):
            call = use.call
            node = call.args[0] if isinstance(call, ast.Call) and call.args else call or record_of_thing(thing).call
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

    def span(self, node: ast.AST) -> Span:
        """The place of code in the source."""
        line = int(getattr(node, "lineno", 1))
        text = self._source.lines[line - 1] if line <= len(self._source.lines) else ""
        start = _column(text, int(getattr(node, "col_offset", 0)))
        alone = getattr(node, "end_lineno", line) == line
        return Span(line, start, _column(text, int(getattr(node, "end_col_offset", 0))) if alone else len(text))

    def _pointer(self, node: ast.AST) -> Pointer:
        return self._source.pointer(self.span(node))


def _doubts_of(entry: Entry) -> list[str]:
    """Why an LSTM may be another, or several, as its framework says."""
    held = entry.made[0].slots.get("@doubts", ())
    return [str(item) for item in held] if isinstance(held, tuple) else []


def record_of(entry: Entry) -> Record:
    """The call that made an LSTM."""
    return record_of_thing(entry.made[0])


def record_of_thing(thing: Obj) -> Record:
    """The call that made a thing."""
    record = thing.slots["@lstm"]
    assert isinstance(record, Record)  # noqa: S101  # every entry has one
    return record


def wrappers_of(thing: Obj) -> list[Around]:
    """The wrappers around an LSTM, the innermost first."""
    held = thing.slots.get("@around", ())
    return [item for item in held if isinstance(item, Around)] if isinstance(held, tuple) else []


def _column(text: str, offset: int) -> int:
    """A column in characters, of one in bytes of UTF-8, as Python counts them."""
    return offset if text.isascii() else len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore"))


def text_of(node: ast.AST) -> str:
    """The text of code, on one line."""
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


def _one_line(text: str, limit: int = 100) -> str:
    return text if len(text) <= limit else f"{text[: limit - 4]}...)"
