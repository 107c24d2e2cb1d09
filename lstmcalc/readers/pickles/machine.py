"""Pickles, read without running anything that is in them.

A pickle is a program for a small stack machine. This is such a machine that imports and calls nothing: the names of
functions and classes, and what they would be called with, become inert records. Every length is checked against the
rest of the file, long strings stay in the file, and the work, and with it the memory and the time, is bounded.

Dictionaries become lists of pairs: a key of a file is never hashed or compared, for the hash of a tuple that is nested
deep enough overflows the stack of the interpreter, and keys can be chosen to collide.

Source: pickletools.py and pickle.py of Python 3.11.7 (all opcodes of the protocols 0 to 5).
Not here: the meaning of the records (`arrays`, `readers.torch.tensors`).
"""

import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.budget import STEPS, budget
from lstmcalc.readers.files.sections import Section

# An opcode costs one unit of work, and more if it takes more memory than a number: with this limit, for all the
# pickles of a command, reading takes some ten seconds and half a gigabyte at worst. A dictionary from a million words
# to numbers costs about seven million.
MAX_WORK: Final = STEPS.fixed
LONG_STRING: Final = 4096  # bytes; longer strings stay in the file until they are asked for
_MAX_NAME: Final = 1000  # characters of a module, a function or a number written out
_MAX_DIGITS: Final = 1024  # bytes of an integer
_SLACK: Final = 1 << 16  # the memo's indices may be so far ahead of the work; picklers count them one by one
_CONTAINER, _STRING, _MEMO = 8, 3, 2  # units of work, by the memory that they take
_CHUNK: Final = 1 << 20
_FORMS: Final = {layout: struct.Struct(layout) for layout in ("<B", "<H", "<i", "<I", "<Q", ">d")}
_HIGHEST: Final = 5  # the latest protocol


class Global(NamedTuple):
    """The name of a class or function, which is not imported."""

    module: str
    name: str

    @property
    def path(self) -> str:
        """The module and the name, joined by a dot."""
        return f"{self.module}.{self.name}"


class Persistent(NamedTuple):
    """An object outside of the pickle, which refers to it by a key."""

    key: Any


class LongString(NamedTuple):
    """A string that was left in the file."""

    section: Section  # its bytes as they are in the file
    coding: str = ""  # empty for bytes, `utf-8`, or in a line of protocol 0 `escaped` or `raw-unicode-escape`


class Table:
    """A dictionary as pairs in the order of the file; of equal keys, the last counts."""

    __slots__ = ("_named", "_seen", "pairs", "state")

    def __init__(self, pairs: list[tuple[Any, Any]] | None = None) -> None:
        self.pairs = [] if pairs is None else pairs
        self.state: Any = None  # the attributes it would get, e.g. `_metadata` of a state dict
        self._named: dict[str, Any] | None = None
        self._seen = 0

    def get(self, name: str) -> Any:  # noqa: ANN401  # anything that a pickle can hold
        """The value of a key that is text; None if there is none."""
        return self._by_name().get(name)

    def __contains__(self, name: str) -> bool:
        """True if there is a value for a key that is text."""
        return name in self._by_name()

    def _by_name(self) -> dict[str, Any]:
        """The pairs whose keys are text, whose hashes no file can make collide."""
        if self._named is None or self._seen != len(self.pairs):
            self._named, self._seen = {key: value for key, value in self.pairs if isinstance(key, str)}, len(self.pairs)
        return self._named


class Call:
    """The record of a call that would construct an object."""

    __slots__ = ("arguments", "function", "items", "keywords", "pairs", "state")

    def __init__(self, function: Any, arguments: tuple[Any, ...], keywords: Any = None) -> None:  # noqa: ANN401
        self.function = function  # mostly a `Global`; in a hostile file anything
        self.arguments = arguments
        self.keywords = keywords  # arguments by name, or None
        self.state: Any = None  # the attributes it would get, mostly a `Table`
        self.items: list[Any] = []  # items that would be appended to it
        self.pairs: list[tuple[Any, Any]] = []  # keys and values that would be set in it

    @property
    def path(self) -> str:
        """The name of the function or class; empty if it is not a `Global`."""
        return self.function.path if isinstance(self.function, Global) else ""


class Pickled(NamedTuple):
    """The contents of a pickle."""

    value: Any  # None, a Boolean, a number, text, bytes, a tuple, a list (sets too), a `Table`, or one of the records
    end: int  # offset in its section where the pickle ends
    called: tuple[str, ...]  # the functions and classes that it would call, each once, at most a thousand


# From an object, and the offset behind it, to the offset where what stands there ends.
Inline: TypeAlias = Callable[[Call, int], int]


def interpret_pickle(
    section: Section,
    start: int = 0,
    persistent: Callable[[Any], Any] = Persistent,
    work: int = MAX_WORK,
    inline: Mapping[str, Inline] = {},
) -> Pickled:
    """The pickle that begins at `start` of a section that is not compressed, as inert values.

    `persistent` converts the key of a persistent id to a value; `work` is the limit, explained at `MAX_WORK`; `inline`
    has the classes behind whose objects, once they have their attributes, other bytes stand in the file.
    """
    spent = budget()
    machine = _Machine(_Cursor(section, start), persistent, min(work, spent.left(STEPS)), inline)
    try:
        value = machine.run()
    except SourceError:
        raise
    except (IndexError, ValueError, TypeError, OverflowError, struct.error) as error:
        raise _damage_error(type(error).__name__) from None
    finally:
        spent.count(STEPS, machine.work)
    return Pickled(value, machine.cursor.tell(), tuple(machine.called))


def text_of(value: Any) -> str | None:  # noqa: ANN401  # anything that a pickle can hold
    """Text, from text or from the bytes of Python 2; None for anything else, and for a long string."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else None


def bytes_of(value: Any) -> bytes | None:  # noqa: ANN401  # as above
    """Bytes, from memory, from the file if they were left there, or from text of Latin-1; None for anything else."""
    if isinstance(value, bytes):
        return value
    try:
        if isinstance(value, str):
            return value.encode("latin-1")
        if isinstance(value, LongString):
            raw = value.section.read()
            if value.coding == "escaped":
                return _unescaped_bytes(raw)
            return raw.decode(value.coding).encode("latin-1") if value.coding else raw
    except UnicodeError as error:
        raise _damage_error(type(error).__name__) from None
    return None


def section_of(value: Any) -> Section:  # noqa: ANN401  # as above
    """Bytes as a section: of the file if they were left there without a coding, else in memory."""
    if isinstance(value, LongString) and not value.coding:
        return value.section
    return Section.of(bytes_of(value) or b"")


class _Cursor:
    """Reads a section from front to back, a piece at a time."""

    def __init__(self, section: Section, start: int) -> None:
        self.section = section
        self._base = start  # where the buffer begins
        self._buffer = b""
        self._at = 0

    def tell(self) -> int:
        return self._base + self._at

    def opcode(self) -> int:
        if self._at >= len(self._buffer):
            self._fill(1)
        self._at += 1
        return self._buffer[self._at - 1]

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._buffer):
            self._fill(count)
            end = count
        found = self._buffer[self._at : end]
        self._at = end
        return found

    def skip(self, count: int) -> Section:
        """Skip some bytes and return their section."""
        here = self.tell()
        passed = self.section.part(here, count)
        if self._at + count <= len(self._buffer):
            self._at += count
        else:
            self._base, self._buffer, self._at = here + count, b"", 0
        return passed

    def go(self, offset: int) -> None:
        """Go on to read at an offset."""
        if not self._base <= offset <= self._base + len(self._buffer):
            self._base, self._buffer = offset, b""
        self._at = offset - self._base

    def line(self) -> Section:
        """Skip a line, which must end, and return its section."""
        here = at = self.tell()
        end = self._buffer.find(b"\n", self._at)
        if end >= 0:
            line = self.skip(end - self._at)
            self._at += 1
            return line
        while at < self.section.length:
            piece = self.section.read(at, min(_CHUNK, self.section.length - at))
            found = piece.find(b"\n")
            if found >= 0:
                self.skip(at + found + 1 - here)
                return self.section.part(here, at + found - here)
            at += len(piece)
        raise _cut_off_error()

    def held(self, passed: Section) -> bytes:
        """The bytes of a section that was just skipped; read again only if the buffer no longer has them."""
        start = passed.start - self.section.start - self._base
        if start >= 0 and start + passed.length <= len(self._buffer):
            return self._buffer[start : start + passed.length]
        return passed.read()

    def short_line(self) -> bytes:
        """The bytes of a line of at most `_MAX_NAME` characters."""
        end = self._buffer.find(b"\n", self._at, self._at + _MAX_NAME + 1)
        if end >= 0:
            return self.take(end + 1 - self._at)[:-1]
        line = self.line()
        if line.length > _MAX_NAME:
            raise _damage_error(f"a name or a number of {line.length:,} characters")
        return line.read()

    def _fill(self, count: int) -> None:
        here = self.tell()
        if count > self.section.length - here:
            raise _cut_off_error()
        self._buffer = self.section.read(here, min(max(count, _CHUNK), self.section.length - here))
        self._base, self._at = here, 0


class _Machine:
    """The stack, the marks on it and the memo."""

    def __init__(
        self, cursor: _Cursor, persistent: Callable[[Any], Any], work: int, inline: Mapping[str, Inline]
    ) -> None:
        self.cursor = cursor
        self._inline = inline
        self.called: dict[str, None] = {}
        self._persistent = persistent
        self._left = work
        self._allowed = work
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks below each mark
        self._memo: list[Any] = []

    @property
    def work(self) -> int:
        """The work that was done, at most what was allowed."""
        return min(self._allowed, self._allowed - self._left)

    def run(self) -> Any:  # noqa: ANN401  # anything that a pickle can hold
        """Execute all opcodes and return the top of the stack."""
        opcode = self.cursor.opcode
        while True:
            code = opcode()
            self._left -= 1
            if self._left < 0:
                self._refuse_work()
            if code == _STOP:
                return self._stack.pop()
            action = _ACTIONS.get(code)
            if action is None:
                raise _damage_error(f"the opcode {shorten(bytes([code]))}")
            action(self)

    def _refuse_work(self) -> NoReturn:
        raise SourceError(
            "this pickle is too large to be looked through",
            expected=f"at most about {self._allowed:,} steps",
            hint="save the weights alone: torch.save(model.state_dict(), ...), or as safetensors",
        )

    # --- values in the file ------------------------------------------------------------------------------------------

    def number(self, layout: str) -> Any:  # noqa: ANN401  # an integer or a float
        """One number of a fixed size, in a format of `struct`."""
        form = _FORMS[layout]
        return form.unpack(self.cursor.take(form.size))[0]

    def string(self, layout: str, coding: str) -> Any:  # noqa: ANN401  # text, bytes or a LongString
        """A string after its length: bytes, or text in `utf-8`, or in `latin-1` for a `str` of Python 2."""
        length = self.number(layout)
        if length < 0:
            raise _damage_error("a string of negative length")
        if length > LONG_STRING:
            self._left -= _CONTAINER
            return LongString(self.cursor.skip(length), "utf-8" if coding == "utf-8" else "")
        self._left -= _STRING + length // 16
        raw = self.cursor.take(length)
        return raw.decode(coding, "surrogatepass" if coding == "utf-8" else "strict") if coding else raw

    def text_line(self, coding: str) -> Any:  # noqa: ANN401  # as above
        """A string of protocol 0: `raw-unicode-escape`, or `escaped` between quotes."""
        line = self.cursor.line()
        if coding == "escaped":
            ends = (
                [self.cursor.held(line.part(at, 1)) for at in (0, line.length - 1)] if line.length > 1 else [b"", b""]
            )
            if ends not in ([b"'", b"'"], [b'"', b'"']):
                raise _damage_error("a string without quotes")
            line = line.part(1, line.length - 2)
        if line.length > LONG_STRING:
            self._left -= _CONTAINER
            return LongString(line, coding)
        self._left -= _STRING + line.length // 16
        raw = self.cursor.held(line)
        return _unescaped_bytes(raw).decode("latin-1") if coding == "escaped" else raw.decode(coding)

    def long_number(self, layout: str) -> int:
        """An integer after its length in bytes."""
        length = self.number(layout)
        if not 0 <= length <= _MAX_DIGITS:
            raise _damage_error(f"an integer of {length:,} bytes")
        return int.from_bytes(self.cursor.take(length), "little", signed=True)

    def written_number(self) -> Any:  # noqa: ANN401  # an integer or a Boolean
        """An integer in decimal digits; `00` and `01` are Booleans of protocols before 2."""
        text = self.cursor.short_line().removesuffix(b"L")
        return {b"00": False, b"01": True}[text] if text in (b"00", b"01") else int(text)

    def name(self) -> Global:
        """A module and a name, one line each."""
        module, name = self.cursor.short_line(), self.cursor.short_line()
        self._left -= _CONTAINER
        return Global(module.decode(), name.decode())

    # --- the stack ---------------------------------------------------------------------------------------------------

    def push(self, value: Any) -> None:  # noqa: ANN401  # anything that a pickle can hold
        self._stack.append(value)

    def push_container(self, value: Any) -> None:  # noqa: ANN401  # as above
        self._left -= _CONTAINER
        self._stack.append(value)

    def mark(self) -> None:
        self._left -= _CONTAINER
        self._below.append(self._stack)
        self._stack = []

    def since_mark(self) -> list[Any]:
        found, self._stack = self._stack, self._below.pop()
        return found

    def pop(self) -> None:
        """Drop the last value, or the mark if there is none above it."""
        if self._stack:
            self._stack.pop()
        else:
            self.since_mark()

    def pop_mark(self) -> None:
        """Drop everything down to the mark."""
        self.since_mark()

    def duplicate(self) -> None:
        self._stack.append(self._stack[-1])

    def tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError
        found = tuple(self._stack[-count:])
        del self._stack[-count:]
        self.push_container(found)

    # --- the memo ----------------------------------------------------------------------------------------------------

    def remember(self, index: int) -> None:
        self._left -= _MEMO
        if not 0 <= index <= self._allowed - self._left + _SLACK:
            raise _damage_error(f"the memo's index {index}")
        if index >= len(self._memo):
            self._memo.extend([_NOTHING] * (index + 1 - len(self._memo)))
        self._memo[index] = self._stack[-1]

    def memoize(self) -> None:
        """Remember at the next index."""
        self._left -= _MEMO
        self._memo.append(self._stack[-1])

    def recall(self, index: int) -> None:
        value = self._memo[index] if 0 <= index < len(self._memo) else _NOTHING
        if value is _NOTHING:
            raise _damage_error(f"the memo's index {index}, where nothing is")
        self._stack.append(value)

    # --- containers --------------------------------------------------------------------------------------------------

    def append(self, items: list[Any]) -> None:
        holder = self._stack[-1]
        if isinstance(holder, Call):
            holder = holder.items
        if not isinstance(holder, list):
            raise _damage_error(f"something appended to a {_kind(holder)}")
        holder.extend(items)

    def set_items(self, flat: list[Any]) -> None:
        holder = self._stack[-1]
        if not isinstance(holder, Table | Call) or len(flat) % 2:
            raise _damage_error(f"an item set in a {_kind(holder)}")
        self._left -= len(flat)
        holder.pairs.extend(zip(flat[::2], flat[1::2], strict=True))

    def append_one(self) -> None:
        value = self._stack.pop()
        self.append([value])

    def set_one(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self.set_items([key, value])

    # --- opcodes that would import or call something -----------------------------------------------------------------

    def call(self, function: Any, arguments: Any, keywords: Any = None) -> None:  # noqa: ANN401  # as above
        """Push the record of a call; for the constructors of plain values, push the value."""
        if not isinstance(arguments, tuple):
            raise _damage_error(f"arguments that are a {_kind(arguments)}")
        if arguments and isinstance(arguments[0], str | bytes | list | tuple):  # which may be copied
            self._left -= len(arguments[0])
        if isinstance(function, Global):
            if len(self.called) < _MAX_NAME:
                self.called[function.path] = None
            make: _Constructor = _PLAIN.get(function.path, _as_call)
            made = make(function, arguments)
        else:
            made = Call(function, arguments)
        if isinstance(made, Call):
            made.keywords = keywords
        self._left -= 2 * _CONTAINER
        self._stack.append(made)

    def reduce(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        self.call(function, arguments)

    def new_with_keywords(self) -> None:
        keywords, arguments, function = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self.call(function, arguments, keywords)

    def instance(self) -> None:
        name, arguments = self.name(), tuple(self.since_mark())
        self.call(name, arguments)

    def instance_of_first(self) -> None:
        function, *arguments = self.since_mark()
        self.call(function, tuple(arguments))

    def build(self) -> None:
        """Give an object its attributes; those of lists and classes are ignored."""
        state, holder = self._stack.pop(), self._stack[-1]
        if isinstance(holder, Call | Table):
            holder.state = state
            if isinstance(holder, Call) and (skip := self._inline.get(holder.path)):
                self.cursor.go(skip(holder, self.cursor.tell()))
        elif not isinstance(holder, list | Global):
            raise _damage_error(f"attributes of a {_kind(holder)}")

    def name_on_stack(self) -> None:
        name, module = text_of(self._stack.pop()), text_of(self._stack.pop())
        if name is None or module is None or max(len(name), len(module)) > _MAX_NAME:
            raise _damage_error("a name that is not text")
        self.push_container(Global(module, name))

    def extension(self, layout: str) -> None:
        """Push a class that is known by a number in the registry of `copyreg`."""
        self.push_container(Global("copyreg", f"extension {self.number(layout)}"))

    def refer(self, key: Any) -> None:  # noqa: ANN401  # as above
        self.push_container(self._persistent(key))

    # --- the rest ----------------------------------------------------------------------------------------------------

    def protocol(self) -> None:
        version = self.number("<B")
        if version > _HIGHEST:
            raise SourceError("this pickle's protocol is not known", expected=f"0 to {_HIGHEST}", found=str(version))

    def frame(self) -> None:
        """Skip the length of a frame, on which nothing depends."""
        self.number("<Q")

    def out_of_band(self) -> NoReturn:
        raise SourceError("this pickle keeps its buffers elsewhere", expected="a pickle with its buffers in it")


class _Nothing:
    """An empty place in the memo."""


_NOTHING: Final = _Nothing()


def _as_call(function: Global, arguments: tuple[Any, ...]) -> Call:
    return Call(function, arguments)


def _as_list(function: Global, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401  # the list, or a call
    """The list for a list, tuple or set that is made from nothing, or from a list, which is not copied."""
    if not arguments:
        return []
    fits = len(arguments) == 1 and isinstance(arguments[0], list | tuple)
    return arguments[0] if fits else Call(function, arguments)


def _as_table(function: Global, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401  # the table, or a call
    """The table for a dictionary that is made from nothing, another one, or a list of pairs as in Python 2."""
    given = arguments[0] if arguments else None
    if isinstance(given, Table):
        return given
    if not isinstance(given, list):
        return Table()
    if any(not isinstance(item, list | tuple) or len(item) != 2 for item in given):  # noqa: PLR2004  # key and value
        return Call(function, arguments)
    return Table([(item[0], item[1]) for item in given])


def _as_bytes(function: Global, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401  # bytes, or a call
    """The bytes that a protocol before 3 stores as text of Latin-1."""
    if not arguments:
        return b""
    text, *coding = arguments
    if isinstance(text, bytes) or (isinstance(text, LongString) and not text.coding):
        return text
    if not coding or str(text_of(coding[0])).lower() not in ("latin1", "latin-1", "iso-8859-1"):
        return Call(function, arguments)
    return text.encode("latin-1") if isinstance(text, str) else text


_Constructor: TypeAlias = Callable[[Global, tuple[Any, ...]], Any]
_BUILTINS: Final = ("builtins", "__builtin__")
# The constructors of plain values. Nothing else is constructed: any other call stays a record.
_PLAIN: Final[Mapping[str, _Constructor]] = {
    **{f"{module}.{name}": _as_list for module in _BUILTINS for name in ("set", "frozenset", "list", "tuple")},
    **{f"{module}.{name}": _as_bytes for module in _BUILTINS for name in ("bytes", "bytearray")},
    **{f"{module}.dict": _as_table for module in _BUILTINS},
    "collections.OrderedDict": _as_table,
    "collections.defaultdict": _as_table,
    "_codecs.encode": _as_bytes,
}


def _unescaped_bytes(raw: bytes) -> bytes:
    """The bytes of a string of protocol 0, from what Python 2's `repr` wrote between the quotes."""
    return _ESCAPE.sub(_unescape, raw)


def _unescape(found: re.Match[bytes]) -> bytes:
    escape = found[1]
    if escape[:1] == b"x":
        return bytes([int(escape[1:], 16)])
    if escape.isdigit():
        return bytes([int(escape, 8) & 0xFF])
    return _ESCAPES.get(escape, found[0])


def _kind(value: Any) -> str:  # noqa: ANN401  # anything that a pickle can hold
    return type(value).__name__


def _damage_error(found: str) -> SourceError:
    return SourceError("this is not a pickle, or it is damaged", found=found)


def _cut_off_error() -> SourceError:
    return SourceError("this pickle is cut off", expected="a pickle up to its end")


_ESCAPE: Final = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES: Final = {
    b"\\": b"\\", b"'": b"'", b'"': b'"', b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b",
    b"f": b"\f", b"v": b"\v", b"\n": b"",
}  # fmt: skip


def _table_since_mark(machine: _Machine) -> None:
    flat = machine.since_mark()
    machine.push_container(Table())
    machine.set_items(flat)


_STOP: Final = ord(".")
_Action: TypeAlias = Callable[[_Machine], None]


def _constant(value: Any) -> _Action:  # noqa: ANN401  # None, a Boolean or an empty value
    return lambda machine: machine.push(value)


def _numbers(layout: str) -> _Action:
    return lambda machine: machine.push(machine.number(layout))


def _strings(layout: str, coding: str = "") -> _Action:
    return lambda machine: machine.push(machine.string(layout, coding))


# By the opcodes of pickletools.
_ACTIONS: Final[Mapping[int, _Action]] = {
    code[0]: action
    for code, action in {
        # Numbers
        b"I": lambda machine: machine.push(machine.written_number()),
        b"L": lambda machine: machine.push(machine.written_number()),
        b"F": lambda machine: machine.push(float(machine.cursor.short_line())),
        b"J": _numbers("<i"),
        b"K": _numbers("<B"),
        b"M": _numbers("<H"),
        b"G": _numbers(">d"),
        b"\x8a": lambda machine: machine.push(machine.long_number("<B")),
        b"\x8b": lambda machine: machine.push(machine.long_number("<i")),
        b"N": _constant(None),
        b"\x88": _constant(True),
        b"\x89": _constant(False),
        # Strings
        b"S": lambda machine: machine.push(machine.text_line("escaped")),
        b"V": lambda machine: machine.push(machine.text_line("raw-unicode-escape")),
        b"T": _strings("<i", "latin-1"),
        b"U": _strings("<B", "latin-1"),
        b"B": _strings("<I"),
        b"C": _strings("<B"),
        b"\x8e": _strings("<Q"),
        b"\x96": _strings("<Q"),
        b"X": _strings("<I", "utf-8"),
        b"\x8c": _strings("<B", "utf-8"),
        b"\x8d": _strings("<Q", "utf-8"),
        # The stack and the memo
        b"(": _Machine.mark,
        b"0": _Machine.pop,
        b"1": _Machine.pop_mark,
        b"2": _Machine.duplicate,
        b"p": lambda machine: machine.remember(int(machine.cursor.short_line())),
        b"q": lambda machine: machine.remember(machine.number("<B")),
        b"r": lambda machine: machine.remember(machine.number("<I")),
        b"\x94": _Machine.memoize,
        b"g": lambda machine: machine.recall(int(machine.cursor.short_line())),
        b"h": lambda machine: machine.recall(machine.number("<B")),
        b"j": lambda machine: machine.recall(machine.number("<I")),
        # Containers
        b"]": lambda machine: machine.push_container([]),
        b"}": lambda machine: machine.push_container(Table()),
        b"\x8f": lambda machine: machine.push_container([]),
        b")": _constant(()),
        b"l": lambda machine: machine.push_container(machine.since_mark()),
        b"t": lambda machine: machine.push_container(tuple(machine.since_mark())),
        b"\x91": lambda machine: machine.push_container(machine.since_mark()),
        b"d": _table_since_mark,
        b"\x85": lambda machine: machine.tuple_of(1),
        b"\x86": lambda machine: machine.tuple_of(2),
        b"\x87": lambda machine: machine.tuple_of(3),
        b"a": _Machine.append_one,
        b"e": lambda machine: machine.append(machine.since_mark()),
        b"\x90": lambda machine: machine.append(machine.since_mark()),
        b"s": _Machine.set_one,
        b"u": lambda machine: machine.set_items(machine.since_mark()),
        # Opcodes that would import or call something
        b"c": lambda machine: machine.push(machine.name()),
        b"\x93": _Machine.name_on_stack,
        b"\x82": lambda machine: machine.extension("<B"),
        b"\x83": lambda machine: machine.extension("<H"),
        b"\x84": lambda machine: machine.extension("<i"),
        b"R": _Machine.reduce,
        b"\x81": _Machine.reduce,
        b"\x92": _Machine.new_with_keywords,
        b"i": _Machine.instance,
        b"o": _Machine.instance_of_first,
        b"b": _Machine.build,
        b"P": lambda machine: machine.refer(machine.cursor.short_line().decode()),
        b"Q": lambda machine: machine.refer(machine._stack.pop()),  # noqa: SLF001
        # The rest
        b"\x80": _Machine.protocol,
        b"\x95": _Machine.frame,
        b"\x97": _Machine.out_of_band,
        b"\x98": _Machine.out_of_band,
    }.items()
}
