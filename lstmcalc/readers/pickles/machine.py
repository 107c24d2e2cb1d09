"""Pickles, read without running anything that is in them.

A pickle is a program for a small stack machine. This is such a machine that imports and calls nothing: the names of
functions and classes, and what they would be called with, become inert records. Every length is checked against the
rest of the file, long strings stay in the file, and the work, and with it the memory and the time, is bounded.

Dictionaries become lists of pairs: a key of a file is never hashed or compared, for the hash of a tuple that is nested
deep enough overflows the stack of the interpreter, and keys can be chosen to collide.

Source: pickletools.py and pickle.py of Python 3.11.7 (all opcodes of the protocols 0 to 5).
Not here: what opcodes do (`operations`, `stack`), the records (`records`), and their meaning (`arrays`,
`readers.torch.tensors`).
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.budget import STEPS, budget
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.pickles.cursor import Cursor
from lstmcalc.readers.pickles.operations import Action, Inline, Operations
from lstmcalc.readers.pickles.records import Persistent, Table, damage_error

# An opcode costs one unit of work, and more if it takes more memory than a number: with this limit, for all the
# pickles of a command, reading takes some ten seconds and half a gigabyte at worst. A dictionary from a million words
# to numbers costs about seven million.
MAX_WORK: Final = STEPS.fixed


class Pickled(NamedTuple):
    """The contents of a pickle."""

    value: Any  # None, a Boolean, a number, text, bytes, a tuple, a list (sets too), a `Table`, or one of the records
    end: int  # offset in its section where the pickle ends
    called: tuple[str, ...]  # the functions and classes that it would call, each once, at most a thousand


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
    machine = Operations(Cursor(section, start), persistent, min(work, spent.left(STEPS)), inline)
    try:
        value = machine.run(_ACTIONS)
    except SourceError:
        raise
    except (IndexError, ValueError, TypeError, OverflowError, struct.error) as error:
        raise damage_error(type(error).__name__) from None
    finally:
        spent.count(STEPS, machine.work)
    return Pickled(value, machine.cursor.tell(), tuple(machine.called))


def _table_since_mark(machine: Operations) -> None:
    flat = machine.since_mark()
    machine.push_container(Table())
    machine.set_items(flat)


def _constant(value: Any) -> Action:  # noqa: ANN401  # None, a Boolean or an empty value
    return lambda machine: machine.push(value)


def _numbers(layout: str) -> Action:
    return lambda machine: machine.push(machine.number(layout))


def _strings(layout: str, coding: str = "") -> Action:
    return lambda machine: machine.push(machine.string(layout, coding))


# By the opcodes of pickletools.
_ACTIONS: Final[Mapping[int, Action]] = {
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
        b"(": Operations.mark,
        b"0": Operations.pop,
        b"1": Operations.pop_mark,
        b"2": Operations.duplicate,
        b"p": lambda machine: machine.remember(int(machine.cursor.short_line())),
        b"q": lambda machine: machine.remember(machine.number("<B")),
        b"r": lambda machine: machine.remember(machine.number("<I")),
        b"\x94": Operations.memoize,
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
        b"a": Operations.append_one,
        b"e": lambda machine: machine.append(machine.since_mark()),
        b"\x90": lambda machine: machine.append(machine.since_mark()),
        b"s": Operations.set_one,
        b"u": lambda machine: machine.set_items(machine.since_mark()),
        # Opcodes that would import or call something
        b"c": lambda machine: machine.push(machine.name()),
        b"\x93": Operations.name_on_stack,
        b"\x82": lambda machine: machine.extension("<B"),
        b"\x83": lambda machine: machine.extension("<H"),
        b"\x84": lambda machine: machine.extension("<i"),
        b"R": Operations.reduce,
        b"\x81": Operations.reduce,
        b"\x92": Operations.new_with_keywords,
        b"i": Operations.instance,
        b"o": Operations.instance_of_first,
        b"b": Operations.build,
        b"P": lambda machine: machine.refer(machine.cursor.short_line().decode()),
        b"Q": Operations.refer_to_last,
        # The rest
        b"\x80": Operations.protocol,
        b"\x95": Operations.frame,
        b"\x97": Operations.out_of_band,
        b"\x98": Operations.out_of_band,
    }.items()
}
