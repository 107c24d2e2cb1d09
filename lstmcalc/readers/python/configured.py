"""Code with the values of a configuration for the names that it leaves open.

The code is followed, the names that it asks for get the values that the configuration has, and it is followed again,
until it asks for no other. Options of argparse count as open: their defaults are what the command line changes.

Not here: which key is meant by a name (`readers.configurations.names`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lstmcalc.errors import SourceError, printable
from lstmcalc.readers.found import Found
from lstmcalc.readers.python.reading import Asked, read_python
from lstmcalc.readers.python.syntax import parse_python
from lstmcalc.readers.python.written_names import computed_writes, written_names
from lstmcalc.readers.text.names_in_code import parts_of
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Gap, Known, Origin, Placed, Setting, Values
from lstmcalc.spec.words import and_list

_LISTED: Final = 3  # places of one setting
_ROUNDS: Final = 6  # names that only come into play by others


def read_configured(source: SourceText, known: Known) -> list[Found]:
    """Every LSTM that code makes, as `read_python`, with values of a configuration."""
    if known.values_of_names is None:
        return read_python(source, known)
    values = _Unwritten(known.values_of_names, source)
    taken: dict[str, Placed] = {}
    plain: list[Found] = []
    for number in range(_ROUNDS):
        asked = Asked(set(taken))
        settings = {**{name: placed.value for name, placed in taken.items()}, **known}
        try:
            found, error = read_python(source, settings, asked), None
        except SourceError as caught:
            found, error = [], caught
        if not number:
            plain = found
        new = {name: placed for name in asked.open if name not in settings and (placed := values.find(name))}
        new |= {name: placed for name in asked.defaults if name not in settings and (placed := values.find_whole(name))}
        if not new:
            break
        taken |= new
    if error is not None:
        raise _with_doubts(error, asked, values)
    defaults = [
        f"{reason}: {values.name} does not change it" for name in asked.defaults if (reason := values.written(name))
    ]
    if not taken and not defaults:
        defaults = [f"{values.name} has no value for a name that the code leaves open"]
    return _with_notes(_with_places(found, plain, taken, values, known), defaults)


class _Unwritten:
    """The values of a configuration for the names that the code does not write itself."""

    def __init__(self, values: Values, source: SourceText) -> None:
        self.name = values.name
        self._values = values
        self._source = source
        tree = parse_python(source)[0]
        self._written, self._computed = written_names(tree), computed_writes(tree)

    def find(self, name: str) -> Placed | None:
        """The value for a name; None if the code writes it, or a key of it."""
        return self._checked(name, self._values.find(name))

    def find_whole(self, name: str) -> Placed | None:
        """The value at the full path that a name has; None as above."""
        return self._checked(name, self._values.find_whole(name))

    def doubt(self, name: str) -> str:
        """The reason why a name has no value."""
        return self.written(name) or self._values.doubt(name)

    def written(self, name: str) -> str:
        """The place where the code writes a name that has a value, in words; empty if it does not."""
        placed = self._values.find(name)
        written = self._written_in(name, placed) if placed else ""
        if not written:
            return ""
        line = self._written.get(written) or self._computed[written]
        return f"{printable(written)} is set in {self._source.place(line) or f'line {line}'}"

    def _checked(self, name: str, placed: Placed | None) -> Placed | None:
        return None if placed is None or self._written_in(name, placed) else placed

    def _written_in(self, name: str, placed: Placed) -> str:
        """The name, or the key of its value, that the code writes; empty for none."""
        parts = parts_of(name)
        last, owners = parts[-1:], [".".join(parts[:end]) for end in range(1, len(parts))]
        if owner := next((item for item in owners if item in self._computed), ""):
            return owner
        return next((item for item in (*last, *_keys_below(placed.value)) if item in self._written), "")


def _keys_below(value: object) -> Iterator[str]:
    """The keys of a table, and of those in it."""
    for key, item in value.items() if isinstance(value, Mapping) else ():
        yield str(key)
        yield from _keys_below(item)


def _with_doubts(error: SourceError, asked: Asked, values: Values) -> SourceError:
    """An error on what is not known, with the keys that may be meant."""
    doubts = [doubt for name in asked.open if (doubt := values.doubt(name))]
    if not doubts:
        return error
    made = type(error)(error.what, error.expected, ", ".join([*filter(None, [error.found]), *doubts[:1]]), error.hint)
    return made.showing(error.where, error.excerpt)


def _with_places(
    found: Sequence[Found], plain: Sequence[Found], taken: Mapping[str, Placed], values: Values, known: Known
) -> list[Found]:
    """The LSTMs, their settings with the places in the configuration that they come from."""
    before = {item.name: item for item in plain}
    made = [_placed(item, before.get(item.name), taken, values, known) for item in found]
    return [
        item._replace(gaps={field: _doubted(gap, values) for field, gap in item.gaps.items()}) if item.gaps else item
        for item in made
    ]


def _with_notes(found: list[Found], notes: Sequence[str]) -> list[Found]:
    """The LSTMs, the first one with notes."""
    first = [item._replace(notes=(*item.notes, *dict.fromkeys(notes))) for item in found[:1]]
    return [*first, *found[1:]]


def _doubted(gap: Gap, values: Values) -> Gap:
    doubts = list(dict.fromkeys(doubt for name in gap.names if (doubt := values.doubt(name))))
    return Gap(", ".join([gap.why, *doubts]), gap.names) if doubts else gap


def _placed(item: Found, plain: Found | None, taken: Mapping[str, Placed], values: Values, known: Known) -> Found:
    """An LSTM whose settings that were open, or other ones, without the configuration are from there."""
    layer = dict(item.layer)
    for field, setting in item.layer.items() if taken else ():
        names = _names_for(field, setting, plain, taken, known)
        if not names:
            continue
        places = list(dict.fromkeys(taken[name].where for name in names))
        if len(places) > _LISTED:
            places = [values.name]
        exact = len(places) == 1 and taken[names[0]].value == setting.value
        origin = Origin("settings", and_list(places[:_LISTED]), "stated" if exact else "inferred")
        layer[field] = Setting(setting.value, origin)
    return item._replace(layer=layer)


def _names_for(
    field: str, setting: Setting, plain: Found | None, taken: Mapping[str, Placed], known: Known
) -> list[str]:
    """The names by whose values a setting is what it is; none if it is so without the configuration.

    `plain` is the LSTM without the configuration; None if there is none.
    """
    equal = [name for name, placed in taken.items() if placed.value == setting.value]
    if plain is None:  # only what is given by name is known to be from there
        return equal if setting.origin.source == "flag" else []
    gap, said = plain.gaps.get(field), plain.layer.get(field)
    if gap is not None:
        named = [name for name in gap.names if name in taken]
        written = [name for name in taken if re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", gap.why)]
        return [] if any(name in known for name in gap.names) else named or written or list(taken)
    changed = said.value != setting.value if said is not None else setting.origin.source == "flag"
    return (equal or list(taken)) if changed else []
