"""The operations of a pickle's opcodes: values that the file holds, and calls, which are put down and never made."""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, TypeAlias

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.pickles.cursor import MAX_NAME, Cursor
from lstmcalc.readers.pickles.plain_values import PLAIN, Constructor, as_call
from lstmcalc.readers.pickles.records import (
    Call,
    Global,
    LongString,
    Table,
    damage_error,
    kind_of,
    text_of,
    unescaped_bytes,
)
from lstmcalc.readers.pickles.stack import CONTAINER, Stack

LONG_STRING: Final = 4096  # bytes; longer strings stay in the file until they are asked for
_MAX_DIGITS: Final = 1024  # bytes of an integer
_STRING: Final = 3  # units of work, as `CONTAINER`
_FORMS: Final = {layout: struct.Struct(layout) for layout in ("<B", "<H", "<i", "<I", "<Q", ">d")}
_HIGHEST: Final = 5  # the latest protocol
_STOP: Final = ord(".")
# From an object, and the offset behind it, to the offset where what stands there ends.
Inline: TypeAlias = Callable[[Call, int], int]


class Operations(Stack):
    """The operations of opcodes, on the stack and on the file."""

    def __init__(
        self, cursor: Cursor, persistent: Callable[[Any], Any], work: int, inline: Mapping[str, Inline]
    ) -> None:
        super().__init__(work)
        self.cursor = cursor
        self._inline = inline
        self.called: dict[str, None] = {}
        self._persistent = persistent

    def run(self, actions: "Mapping[int, Action]") -> Any:  # noqa: ANN401  # anything that a pickle can hold
        """Execute all opcodes and return the top of the stack."""
        opcode = self.cursor.opcode
        while True:
            code = opcode()
            self._left -= 1
            if self._left < 0:
                self.refuse_work()
            if code == _STOP:
                return self._stack.pop()
            action = actions.get(code)
            if action is None:
                raise damage_error(f"the opcode {shorten(bytes([code]))}")
            action(self)

    # --- values in the file ------------------------------------------------------------------------------------------

    def number(self, layout: str) -> Any:  # noqa: ANN401  # an integer or a float
        """One number of a fixed size, in a format of `struct`."""
        form = _FORMS[layout]
        return form.unpack(self.cursor.take(form.size))[0]

    def string(self, layout: str, coding: str) -> Any:  # noqa: ANN401  # text, bytes or a LongString
        """A string after its length: bytes, or text in `utf-8`, or in `latin-1` for a `str` of Python 2."""
        length = self.number(layout)
        if length < 0:
            raise damage_error("a string of negative length")
        if length > LONG_STRING:
            self._left -= CONTAINER
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
                raise damage_error("a string without quotes")
            line = line.part(1, line.length - 2)
        if line.length > LONG_STRING:
            self._left -= CONTAINER
            return LongString(line, coding)
        self._left -= _STRING + line.length // 16
        raw = self.cursor.held(line)
        return unescaped_bytes(raw).decode("latin-1") if coding == "escaped" else raw.decode(coding)

    def long_number(self, layout: str) -> int:
        """An integer after its length in bytes."""
        length = self.number(layout)
        if not 0 <= length <= _MAX_DIGITS:
            raise damage_error(f"an integer of {length:,} bytes")
        return int.from_bytes(self.cursor.take(length), "little", signed=True)

    def written_number(self) -> Any:  # noqa: ANN401  # an integer or a Boolean
        """An integer in decimal digits; `00` and `01` are Booleans of protocols before 2."""
        text = self.cursor.short_line().removesuffix(b"L")
        return {b"00": False, b"01": True}[text] if text in (b"00", b"01") else int(text)

    def name(self) -> Global:
        """A module and a name, one line each."""
        module, name = self.cursor.short_line(), self.cursor.short_line()
        self._left -= CONTAINER
        return Global(module.decode(), name.decode())

    # --- opcodes that would import or call something -----------------------------------------------------------------

    def call(self, function: Any, arguments: Any, keywords: Any = None) -> None:  # noqa: ANN401  # as above
        """Push the record of a call; for the constructors of plain values, push the value."""
        if not isinstance(arguments, tuple):
            raise damage_error(f"arguments that are a {kind_of(arguments)}")
        if arguments and isinstance(arguments[0], str | bytes | list | tuple):  # which may be copied
            self._left -= len(arguments[0])
        if isinstance(function, Global):
            if len(self.called) < MAX_NAME:
                self.called[function.path] = None
            make: Constructor = PLAIN.get(function.path, as_call)
            made = make(function, arguments)
        else:
            made = Call(function, arguments)
        if isinstance(made, Call):
            made.keywords = keywords
        self._left -= 2 * CONTAINER
        self._stack.append(made)

    def reduce(self) -> None:
        """Call a function with the arguments above it."""
        arguments, function = self._stack.pop(), self._stack.pop()
        self.call(function, arguments)

    def new_with_keywords(self) -> None:
        """Make an object with the arguments, also by name, above its class."""
        keywords, arguments, function = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self.call(function, arguments, keywords)

    def instance(self) -> None:
        """Make an object of a class whose name is in the file, with what is above the mark."""
        name, arguments = self.name(), tuple(self.since_mark())
        self.call(name, arguments)

    def instance_of_first(self) -> None:
        """Make an object of the class above the mark, with what is above that."""
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
            raise damage_error(f"attributes of a {kind_of(holder)}")

    def name_on_stack(self) -> None:
        """Push the name whose two parts are on the stack."""
        name, module = text_of(self._stack.pop()), text_of(self._stack.pop())
        if name is None or module is None or max(len(name), len(module)) > MAX_NAME:
            raise damage_error("a name that is not text")
        self.push_container(Global(module, name))

    def extension(self, layout: str) -> None:
        """Push a class that is known by a number in the registry of `copyreg`."""
        self.push_container(Global("copyreg", f"extension {self.number(layout)}"))

    def refer_to_last(self) -> None:
        """Push what the key on the stack stands for."""
        self.refer(self._stack.pop())

    def refer(self, key: Any) -> None:  # noqa: ANN401  # as above
        """Push what a key stands for."""
        self.push_container(self._persistent(key))

    # --- the rest ----------------------------------------------------------------------------------------------------

    def protocol(self) -> None:
        """Read the number of the protocol, which must be known."""
        version = self.number("<B")
        if version > _HIGHEST:
            raise SourceError("this pickle's protocol is not known", expected=f"0 to {_HIGHEST}", found=str(version))

    def frame(self) -> None:
        """Skip the length of a frame, on which nothing depends."""
        self.number("<Q")

    def out_of_band(self) -> NoReturn:
        """Refuse a buffer that is not in the pickle."""
        raise SourceError("this pickle keeps its buffers elsewhere", expected="a pickle with its buffers in it")


Action: TypeAlias = Callable[["Operations"], None]
