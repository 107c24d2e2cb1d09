"""What two values are together: where a test is not known, and where code is repeated.

Why that is sound: what two paths agree in stays; all else is unknown, and says what it may be.

Not here: how slots change (`heap`).
"""

from dataclasses import replace
from typing import Final

from lstmcalc.readers.python.core.values import (
    MISSING,
    Entry,
    Equatable,
    Items,
    Log,
    Missing,
    Unknown,
    Value,
    merged_names,
    same,
    things,
    unknown_of,
)

MAX_ALTS: Final = 4  # values that something is known to be one of


def alternatives(value: Value) -> tuple[Value, ...]:
    """All values that something may be; nothing if these are many."""
    if isinstance(value, Unknown):
        return value.alts
    return () if isinstance(value, Missing | Items | Log) else (value,)


def joined(one: Value, other: Value, names: tuple[str, ...] = ()) -> Value:
    """A value that is one of two, as the test of these names decides."""
    if same(one, other):
        return one
    if isinstance(one, Log) or isinstance(other, Log):
        return _joined_logs(
            Log(one) if isinstance(one, Log) else Log(), Log(other) if isinstance(other, Log) else Log(), names
        )
    if isinstance(one, Items) and isinstance(other, Items):
        return _joined_items(one, other, names)
    if isinstance(one, Equatable):
        return one if isinstance(other, Missing) else one.either(other, names)
    if isinstance(other, Equatable):
        return other if isinstance(one, Missing) else other.either(one, names)
    if type(one) is tuple and type(other) is tuple and len(one) == len(other):
        return tuple(joined(a, b, names) for a, b in zip(one, other, strict=True))
    alts: tuple[Value, ...] = ()
    known = [item for item in (one, other) if not isinstance(item, Missing)]
    if all(alternatives(item) for item in known):
        for item in known:
            alts += tuple(alt for alt in alternatives(item) if not any(same(alt, old) for old in alts))
    unknown = [item for item in known if isinstance(item, Unknown)]
    return Unknown(
        merged_names(*(item.names for item in unknown), names),
        things(one) | things(other),
        alts if len(alts) <= MAX_ALTS else (),
        foreign=any(item.foreign for item in unknown),
        absent=len(known) < 2 or any(item.absent for item in unknown),  # one of the two
        lstm=any(item.lstm for item in unknown),
        why=next((item.why for item in unknown if item.why), ""),
    )


def _joined_items(one: Items, other: Items, names: tuple[str, ...]) -> Items:
    keys = list(dict.fromkeys([*one.map, *other.map]))
    lacking = {id(side): MISSING if side.rest is None else replace(side.rest, absent=True) for side in (one, other)}
    made = {
        key: joined(one.map.get(key, lacking[id(one)]), other.map.get(key, lacking[id(other)]), names) for key in keys
    }
    rests = [side.rest for side in (one, other) if side.rest is not None]
    rest = joined(rests[0], rests[-1], names) if rests else None
    ordered = one.ordered and other.ordered and list(one.map) == list(other.map)
    return Items(made, rest if isinstance(rest, Unknown) else None, ordered=ordered)


def _joined_logs(one: Log, other: Log, names: tuple[str, ...]) -> Log:
    """The LSTMs that both have; the others are uncertain, unless both made the same ones."""
    start = 0
    while start < min(len(one), len(other)) and one[start].made == other[start].made:
        start += 1
    both = [
        a if a == b else replace(a, sure=a.sure and b.sure, doubts=a.doubts or b.doubts)
        for a, b in zip(one[:start], other[:start], strict=True)
    ]
    left, right = one[start:], other[start:]
    if len(left) == len(right) and all(map(_equal_entries, left, right)):
        twins = [replace(a, made=a.made + b.made) for a, b in zip(left, right, strict=True)]
        return Log([*both, *twins])
    known = {entry.made for entry in left}
    either = [*left, *(entry for entry in right if entry.made not in known)]
    return Log([*both, *(doubted(entry, names) for entry in either)])


def doubted(entry: Entry, names: tuple[str, ...]) -> Entry:
    """An LSTM that is perhaps made."""
    return entry if not entry.sure else replace(entry, sure=False, doubts=names)


def _equal_entries(one: Entry, other: Entry) -> bool:
    if not (one.sure and other.sure):
        return False
    first, second = one.made[0].slots.get("@lstm"), other.made[0].slots.get("@lstm")
    if "@around" in one.made[0].slots or "@around" in other.made[0].slots:
        return False
    return first is not None and isinstance(first, Equatable) and isinstance(second, Equatable) and first.equals(second)


def covers(wide: Value, value: Value, before: int) -> bool:
    """True if a value is one of those that another stands for; things made after `before` do not count."""
    if same(wide, value):
        return True
    if isinstance(wide, Unknown):
        if isinstance(value, Missing) or (isinstance(value, Unknown) and value.absent):
            return wide.absent
        if isinstance(value, Unknown) and value.foreign and not wide.foreign:
            return False
        return not wide.alts and all(item in wide.may for item in things(value) if item.birth <= before)
    if isinstance(wide, Log) and isinstance(value, Log):
        repeated = _repeated(wide)
        return all(entry in wide or (entry.made[0].birth > before and entry.site in repeated) for entry in value)
    if type(wide) is tuple and type(value) is tuple:
        return len(wide) == len(value) and all(covers(a, b, before) for a, b in zip(wide, value, strict=True))
    if isinstance(wide, Items) and isinstance(value, Items):
        if value.rest is not None and wide.rest is None:
            return False
        if wide.ordered and not (value.ordered and list(wide.map) == list(value.map)):
            return False
        pairs = ((wide.map.get(key, wide.rest), value.map.get(key, MISSING)) for key in {**wide.map, **value.map})
        return all(a is not None and covers(a, b, before) for a, b in pairs)
    return False


def _repeated(log: Log) -> set[object]:
    """The places where LSTMs are perhaps made: one stands for all that a loop makes there, a certain one for itself."""
    return {entry.site for entry in log if not entry.sure}


def widened(old: Value, new: Value, names: tuple[str, ...], *, again: bool) -> Value:
    """A value after any number of repetitions that make `new` of `old`; `again` if that was tried before."""
    if isinstance(old, Log) or isinstance(new, Log):
        left, right = Log(old) if isinstance(old, Log) else Log(), Log(new) if isinstance(new, Log) else Log()
        more = [entry for entry in right if entry not in left and entry.site not in _repeated(left)]
        return Log([*left, *{entry.site: doubted(entry, names) for entry in more}.values()])
    both = joined(old, new, names)
    if isinstance(both, Items) and not again:
        rest = both.rest or (Unknown(names, absent=True) if list(both.map) != list(getattr(old, "map", ())) else None)
        return Items(
            {key: _without_alts(item) for key, item in both.map.items()}, rest, ordered=rest is None and both.ordered
        )
    if type(both) is tuple and not again:
        return tuple(_without_alts(item) for item in both)
    if isinstance(both, Unknown):
        return _without_alts(both)
    return unknown_of(both, names=names) if again else both


def _without_alts(value: Value) -> Value:
    return replace(value, alts=()) if isinstance(value, Unknown) and value.alts else value
