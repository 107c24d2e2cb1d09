"""The arrays of one module, read as one framework's LSTM: from shapes to hyperparameters and to defects.

    weight_hh (384, 96) is an LSTM of 96, and (384, 128) a GRU of 128

A recurrent matrix shows its kind: it has four times as many rows as values that it reads, or three times, or as many.
With a projection it reads fewer values, and the projection has their number.

Not here: the grouping of arrays by module (`recognition`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.errors import LstmcalcError
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.entry import Stored as Item
from lstmcalc.frameworks.storage import Placement, Storage, read_axes
from lstmcalc.readers.files.tensors import Relative, Stored, Weights
from lstmcalc.readers.found import Found
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.provenance import Gap

GATES: Final = 4
KINDS: Final = {GATES: "LSTM", 3: "GRU", 1: "RNN"}  # by their blocks of rows

# The layer, the direction (None for both), the content, the gate.
Key: TypeAlias = tuple[int, int | None, str, str | None]
Slots: TypeAlias = Mapping[Key, Stored]

_MATRIX: Final = 2  # axes


class _Sizes(NamedTuple):
    """The sizes that follow from one recurrent matrix."""

    gates: int  # blocks of rows
    hidden: int  # H_cell
    recurrent: int  # H_out
    directions: int | None  # D, if the matrix can hold both directions


def defect_count(item: Found | Relative) -> int:
    """The number of arrays that are missing or of the wrong shape; 0 for a relative."""
    return 0 if isinstance(item, Relative) else len(item.stored.missing) + len(item.stored.misshaped)


def read_slots(framework: str, unit: str, slots: Slots) -> Found | Relative | None:
    """The LSTM, or other recurrent module, that the arrays form; None if they form none."""
    items = items_of(framework)
    recurrent = next(holds for holds in items if "weight_hh" in holds)
    projected = _projection(items, slots)
    said = [
        sizes
        for key, tensor in slots.items()
        if key[2] == recurrent
        for sizes in _sizes(items[recurrent], tensor.shape, projected)
    ]
    if not said:
        return _without_recurrent(framework, unit, slots)
    readings: list[Found | Relative | None] = [
        _lstm(framework, unit, slots, sizes) if sizes.gates == GATES else _relative(framework, unit, slots, sizes)
        for sizes, _ in Counter(said).most_common(2)  # one of the two may come from an array of the wrong shape
    ]
    return min((reading for reading in readings if reading), key=defect_count, default=None)


@cache
def items_of(framework: str) -> Mapping[str, Item]:
    """The arrays that a framework stores, by their content."""
    layout = LAYOUTS[framework]
    return {item.holds: item for item in (layout.projected or layout).stored}


def _projection(items: Mapping[str, Item], slots: Slots) -> int | None:
    """H_out from the first projection; None without one."""
    for key, tensor in slots.items():
        if key[2] == "weight_hr":
            axes = read_axes(items["weight_hr"].axes)
            if len(axes) == len(tensor.shape):
                return tensor.shape[axes.index(("recurrent",))]
    return None


@lru_cache(maxsize=64)
def _sizes(item: Item, shape: tuple[int, ...], projected: int | None) -> Sequence[_Sizes]:
    """The possible sizes for a recurrent matrix of this shape; empty if no recurrent matrix has it."""
    axes = read_axes(item.axes)
    if len(axes) != len(shape) or any(size < 1 for size in shape):
        return []
    size = {atom: length for group, length in zip(axes, shape, strict=True) for atom in group}
    group = next(group for group in axes if "hidden" in group)
    rows = size["hidden"]
    if "input+recurrent" in size:  # only names of an LSTM lead here
        hidden = rows // GATES
        return [_Sizes(GATES, hidden, projected or hidden, None)] if rows % GATES == 0 else []
    joined = (1, 2) if "direction" in group else (1,)
    directions = size["direction"] if "direction" in size and len(joined) == 1 else None
    found = []
    for number in joined:
        both = number if len(joined) > 1 else directions
        block, gates = rows // number, GATES
        if "gate" in group:
            hidden = block // GATES if projected else size["recurrent"]
            gates, rest = divmod(block, max(hidden, 1))
        else:
            hidden, rest, gates = block, 0, size.get("gate", GATES)
        fits = not rest and rows % number == 0 and gates in KINDS
        if fits and (size["recurrent"] == hidden or (projected == size["recurrent"] < hidden)):
            found.append(_Sizes(gates, hidden, size["recurrent"], both))
    return found


def _lstm(framework: str, unit: str, slots: Slots, sizes: _Sizes, guess: str = "") -> Found | None:
    """The LSTM of these sizes, with missing arrays and those of the wrong shape; None if no LSTM has such sizes."""
    layers, inputs = _layers(slots), _inputs(framework, slots, sizes.recurrent)
    width, upper = inputs.get(0), {inputs[layer] for layer in inputs if layer}
    try:
        config = LSTMConfig(
            width or 1,
            sizes.hidden,
            layers,
            bias=any("bias" in key[2] for key in slots),
            # A layer that reads 2*H_out values is above two directions, even if the arrays of one are missing.
            bidirectional=sizes.directions == 2 or any(key[1] for key in slots) or upper == {2 * sizes.recurrent},  # noqa: PLR2004
            proj_size=sizes.recurrent if sizes.recurrent < sizes.hidden else 0,
        )
        places = _places(config, framework)
    except LstmcalcError:
        return None
    unknown = {} if width else {"input_size": Gap("the file has no array that reads the input")}
    found, missing, misshaped = _matched_arrays(places, slots, open_width=not width)
    keys = {_key(place) for place in places}
    misshaped += [f"{tensor.name} does not belong to {config}" for key, tensor in slots.items() if key not in keys]
    names = tuple(tensor.name for tensor in slots.values())
    notes = (guess,) if guess else ()
    weights = Weights({}, (), config, found, names, tuple(missing), tuple(misshaped))
    return Found(unit, framework, gaps=unknown, notes=notes, weights=weights)


@lru_cache(maxsize=8)
def _places(config: LSTMConfig, framework: str) -> tuple[Placement, ...]:
    """The arrays that an LSTM has in a framework; a model often has many LSTMs of the same sizes."""
    storage = Storage(config, framework)
    return tuple(place for layer in range(config.num_layers) for place in storage.placements(layer))


def _key(place: Placement) -> Key:
    return place.parameter.layer, place.direction, place.stored.holds, place.gate


def _matched_arrays(
    places: Iterable[Placement], slots: Slots, *, open_width: bool
) -> tuple[dict[str, Stored], list[str], list[str]]:
    """The arrays by their names, the names of missing ones, and those of the wrong shape, in words."""
    found: dict[str, Stored] = {}
    missing, misshaped = [], []
    for place in places:
        wanted, tensor = place.parameter, slots.get(_key(place))
        if tensor is None:
            missing.append(wanted.name)
            continue
        found[wanted.name] = tensor
        is_open = open_width and wanted.layer == 0 and "weight_ih" in place.stored.holds
        if tensor.shape != wanted.shape and not is_open:
            misshaped.append(mismatch_text(tensor, wanted.shape))
    return found, missing, misshaped


def mismatch_text(tensor: Stored, shape: tuple[int, ...]) -> str:
    """The size mismatch of a tensor, in words."""
    return f"{tensor.name} {tensor.shape} instead of {shape}"


def _layers(slots: Slots) -> int:
    """The number of layers: up to the last one, unless most of those below it are missing."""
    there = {key[0] for key in slots}
    if max(there) < 2 * len(there):
        return max(there) + 1
    count = 0
    while count in there:
        count += 1
    return max(count, 1)


def _inputs(framework: str, slots: Slots, recurrent: int) -> dict[int, int]:
    """The number of values that each layer reads, by a majority of its arrays."""
    items = items_of(framework)
    votes: dict[int, Counter[int]] = {}
    for (layer, _, holds, _), tensor in slots.items():
        axes = read_axes(items[holds].axes) if "weight_ih" in holds else []
        if not axes or len(axes) != len(tensor.shape):
            continue
        less = {"input": 0, "input+recurrent": recurrent}
        width = next(size - less[group[0]] for group, size in zip(axes, tensor.shape, strict=True) if group[0] in less)
        if width > 0:
            votes.setdefault(layer, Counter())[width] += 1
    return {layer: counted.most_common(1)[0][0] for layer, counted in votes.items()}


def _relative(framework: str, unit: str, slots: Slots, sizes: _Sizes) -> Relative:
    width = _inputs(framework, slots, sizes.recurrent).get(0)
    return Relative(unit, KINDS[sizes.gates], width, sizes.hidden, tuple(tensor.name for tensor in slots.values()))


def _without_recurrent(framework: str, unit: str, slots: Slots) -> Found | Relative | None:
    """The module of names that only recurrent modules have, if no recurrent matrix has a possible shape.

    Rows alone are ambiguous: 384 are an LSTM of 96, a GRU of 128 or an RNN of 384.
    """
    if framework not in ("pytorch", "mxnet"):
        return None
    rows = [tensor.shape[0] for key, tensor in slots.items() if key[2] != "weight_hr" and tensor.shape]
    most = Counter(rows).most_common(1)[0][0] if rows else 0
    if most < 1:
        return None
    matrices = {key: tensor.shape for key, tensor in slots.items() if len(tensor.shape) == _MATRIX}
    narrow = [shape[1] for key, shape in matrices.items() if key[2] == "weight_hh" and 0 < shape[1] < most // GATES]
    if narrow and most % GATES == 0:
        why = f"{most} rows that read {narrow[0]} values are an LSTM of {most // GATES} with a projection"
        return _lstm(framework, unit, slots, _Sizes(GATES, most // GATES, narrow[0], None), why)
    above = {most // shape[1] for key, shape in matrices.items() if key[2] == "weight_ih" and key[0] and shape[1]}
    named = re.search("lstm|gru|rnn", unit.rpartition("/")[2].lower())
    why = "its name" if named and named[0] == "lstm" else "what its upper layers read" if above & {2, 4} else ""
    if most % GATES == 0 and why:
        others = [f"a GRU of {most // 3}"] * (most % 3 == 0) + [f"an RNN of {most}"]
        note = f"without weight_hh its {most} rows could also be {' or '.join(others)}: {why} speaks for an LSTM"
        return _lstm(framework, unit, slots, _Sizes(GATES, most // GATES, most // GATES, None), note)
    return Relative(unit, "incomplete recurrent module", None, None, tuple(t.name for t in slots.values()))
