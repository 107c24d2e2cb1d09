"""Every module that the arrays of a file can be read as: by framework, by module, in one direction or both.

Not here: which of several readings is taken (`choosing`).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import axis_names
from lstmcalc.readers.files.tensors import Relative, Stored
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.either import Either
from lstmcalc.readers.recognise.names import (
    STACKS,
    direction_path,
    possible_meanings,
    recurrent_units,
    relative_kind,
    units_above,
)
from lstmcalc.readers.recognise.readings import Key, Slots, defect_count, read_slots


class Group(NamedTuple):
    """The arrays of one module, read as those of one framework."""

    framework: str
    unit: str
    slots: dict[Key, Stored]


def _recurrent_arrays(tensors: Sequence[Stored]) -> list[Stored]:
    """The arrays of modules with a recurrent matrix, and a few more; none in most files."""
    units = {unit for tensor in tensors for unit in recurrent_units(tensor.name)}
    return [tensor for tensor in tensors if not units.isdisjoint(units_above(tensor.name))] if units else []


def module_groups(tensors: Sequence[Stored]) -> list[Group]:
    """The arrays by framework and module, without modules in which two would be the same array."""
    groups: dict[tuple[str, str], dict[Key, Stored]] = {}
    doubled = set()
    for tensor in _recurrent_arrays(tensors):
        for hit in possible_meanings(tensor.name):
            owner, key = (hit.framework, hit.unit), (hit.layer, hit.direction, hit.holds, hit.gate)
            slots = groups.setdefault(owner, {})
            if key in slots:
                doubled.add(owner)
            slots[key] = tensor
    return [Group(*owner, slots) for owner, slots in groups.items() if owner not in doubled and _has_weights(slots)]


def _has_weights(slots: Slots) -> bool:
    """True if there is more than biases and projections, which many modules have."""
    return any(holds.startswith("weight") and holds != "weight_hr" for _, _, holds, _ in slots)


def group_readings(groups: Sequence[Group]) -> list[Either]:
    """Every LSTM, and every module with a recurrent matrix, that the groups can be read as; some share arrays."""
    found = [reading for group in groups for reading in _read_group(group)]
    return [*found, *_merged_directions(groups), *_paddle(groups)]


def _read_group(group: Group) -> list[Either]:
    """The readings of one module's arrays in one framework."""
    framework = group.framework
    if framework == "paddle":
        return []  # `_paddle` reads Paddle's cells
    if framework in ("chainer", "cudnn"):
        return _by_cell(group)
    reading = read_slots(*group)
    if framework in STACKS and reading and defect_count(reading):
        return _cell_by_cell(group) or [reading]
    return [reading] if reading else []


def _cell_by_cell(group: Group) -> list[Either]:
    """The cells of a stack, which may have other sizes each, as one LSTM each; none if one of them does not fit."""
    cells: dict[int, dict[Key, Stored]] = {}
    for (layer, *rest), tensor in group.slots.items():
        key: Key = (0, *rest)  # type: ignore[assignment]  # a tuple whose parts are known
        cells.setdefault(layer, {})[key] = tensor
    found = [read_slots(group.framework, f"{group.unit}/cell_{layer}", cells[layer]) for layer in sorted(cells)]
    whole = [item for item in found if item and not defect_count(item)]
    return whole if len(whole) == len(cells) > 1 else []


def _by_cell(group: Group) -> list[Either]:
    """The best reading of cells that are numbered `k = l*D + d`, with D unknown."""
    found: list[Found] = []
    for directions in (1, 2):
        slots: dict[Key, Stored] = {
            (key[0] // directions, key[0] % directions, *key[2:]): tensor for key, tensor in group.slots.items()
        }
        reading = read_slots(group.framework, group.unit, slots)
        if isinstance(reading, Found) and reading.stored.config not in [item.stored.config for item in found]:
            found.append(reading)
    found.sort(key=defect_count)
    if len(found) > 1 and defect_count(found[0]) == defect_count(found[1]):
        first, second = found[0].stored.config, found[1].stored.config
        note = f"the same arrays can be {second}: {first} is taken, as one direction is more frequent"
        return [found[0]._replace(notes=(*found[0].notes, note))]
    return list(found[:1])


def _merged_directions(groups: Sequence[Group]) -> list[Either]:
    """LSTMs of both directions, made of two modules whose names have a direction each, if everything fits."""
    pairs: dict[tuple[str, str], dict[int, Group]] = {}
    for group in groups:
        placed = direction_path(group.framework, group.unit)
        both = "direction" in axis_names(LAYOUTS[group.framework].stored[0].axes)
        if placed and not both and not any(key[1] for key in group.slots):
            pairs.setdefault((group.framework, placed[0]), {})[placed[1]] = group
    found: list[Either] = []
    for (framework, unit), pair in pairs.items():
        if len(pair) == 2:  # noqa: PLR2004  # both directions
            slots: dict[Key, Stored] = {
                (key[0], index, *key[2:]): tensor
                for index, group in pair.items()
                for key, tensor in group.slots.items()
            }
            reading = read_slots(framework, unit, slots)
            found += [reading] if isinstance(reading, Found) and not defect_count(reading) else []
    return found


def _paddle(groups: Sequence[Group]) -> list[Either]:
    """The LSTMs of Paddle's cells, if the file also has Paddle's other names for the same arrays, or a projection."""
    flat = {group.unit: group.slots for group in groups if group.framework == "pytorch"}
    found: list[Either] = []
    for group in groups:
        twins = flat.get(group.unit, {}) if group.framework == "paddle" else {}
        projected = group.framework == "paddle" and any(key[2] == "weight_hr" for key in group.slots)
        reading = read_slots(*group) if twins or projected else None
        if isinstance(reading, Found):
            names = dict.fromkeys((*reading.stored.names, *(tensor.name for tensor in twins.values())))
            note = ("every array is in the file twice: under the name of its cell too",) if twins else ()
            weights = reading.stored._replace(names=tuple(names))
            found.append(reading._replace(weights=weights, notes=(*reading.notes, *note)))
    return found


def other_modules(tensors: Iterable[Stored]) -> list[Either]:
    """Recurrent modules whose arrays have names that no LSTM has."""
    found: dict[tuple[str, str], list[Stored]] = {}
    for tensor in tensors:
        known = relative_kind(tensor.name)
        if known:
            found.setdefault(known, []).append(tensor)
    return [
        Relative(unit, kind, None, None, tuple(tensor.name for tensor in items))
        for (kind, unit), items in found.items()
    ]
