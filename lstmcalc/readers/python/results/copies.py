"""Deep copies: those that something holds are LSTMs of it, and those that are a whole model again are not listed.

Not here: how they are made (`libraries.standard_copies`).
"""

from collections.abc import Sequence

from lstmcalc.readers.python.core.values import Entry, Obj, things
from lstmcalc.readers.python.program import Program


def without_whole_copies(program: Program, entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """The LSTMs without those of copies that are part of nothing else, and the variables of such copies."""
    if not any("@copy" in entry.made[0].slots for entry in entries):
        return list(entries), []
    parts = {id(thing) for thing in program.reach(_held(program))}
    left_out = [entry for entry in entries if "@copy" in entry.made[0].slots and id(entry.made[0]) not in parts]
    program.copies = frozenset(
        thing.birth
        for name, thing in program.module.slots.items()
        if not name.startswith("@") and isinstance(thing, Obj) and "@copy" in thing.slots and id(thing) not in parts
    )
    whole = {id(entry.made[0]) for entry in left_out}
    named = [
        name
        for name, thing in program.module.slots.items()
        if isinstance(thing, Obj)
        and thing.birth in program.copies
        and any(id(part) in whole for part in program.reach([thing]))
    ]
    return [entry for entry in entries if id(entry.made[0]) not in whole], named


def _held(program: Program) -> set[Obj]:
    """The things of copies that lists, dictionaries and objects outside of the copy hold."""
    values = [value for name, value in program.module.slots.items() if not name.startswith("@")]
    starts = {thing for value in values for thing in things(value)}
    return {
        thing
        for holder in program.reach({*starts, *program.modules})
        for value in holder.slots.values()
        for thing in things(value)
        if "@copy" in thing.slots and thing.slots["@copy"] != holder.slots.get("@copy")
    }
