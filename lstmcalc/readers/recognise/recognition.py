"""The LSTMs in a weight file: the table of `frameworks` read backwards, from names and shapes to hyperparameters.

Modules that the file itself describes come first. The other arrays are grouped by module, each group is read as the
LSTM of each framework with such names, and the reading is taken that explains most arrays with the fewest missing or of
the wrong shape.

Not here: names (`names`), shapes (`readings`), files (`readers.files`), and numbers (`intake.load`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import LstmcalcError, printable
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import Storage, axis_names
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Relative, Stored, WeightFile
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.recognise.beside import arrays_beside, cells_beside, notes_beside
from lstmcalc.readers.recognise.module_names import module_name, wrapping_notes
from lstmcalc.readers.recognise.names import (
    FRAMEWORKS,
    STACKS,
    direction_path,
    plain_name,
    possible_meanings,
    recurrent_units,
    relative_kind,
    units_above,
)
from lstmcalc.readers.recognise.readings import Key, Slots, defect_count, mismatch_text, read_slots
from lstmcalc.readers.recognise.reparametrized import product_notes, with_products
from lstmcalc.spec.activations import unstated_gates
from lstmcalc.spec.config import DATA_FIELDS, HYPERPARAMETERS, LSTMConfig
from lstmcalc.spec.provenance import Gap, Layer
from lstmcalc.spec.words import counted, with_rest

Either: TypeAlias = Found | Relative


class Contents(NamedTuple):
    """A weight file with the LSTMs in it."""

    file: WeightFile  # with its relatives and owners
    lstms: tuple[Found, ...]  # in the order of the file


def recognise(file: WeightFile, framework: str = "") -> Contents:
    """The LSTMs of a weight file, and its other recurrent modules.

    Args:
        file: The file.
        framework: The framework whose layout its arrays have, unless the file itself states another; empty if any.
    """
    tensors, sources = with_products(file.tensors)
    by_name = {tensor.name: tensor for tensor in tensors}
    products: dict[str, list[str]] = {}
    for name in sources:
        products.setdefault(name.rpartition(".")[0], []).append(name)
    listed = sorted((plain_name(name), name) for name in by_name)
    found: list[Either] = []
    for stated in file.stated:
        read = _read_by_arrays(_with_products(stated, products.get(stated.name, ()), sources), by_name)
        found.append(_with_cells(read, listed, by_name) if isinstance(read, Found) else read)
    taken = {name for item in found for name in _names(item)}
    taken |= (file.buffers or frozenset()) if file.kind in _KIND_HAS else frozenset()  # of an optimizer
    computed = {
        _sizes(item): index for index, item in enumerate(found) if isinstance(item, Found) and item.stored.computed
    }
    for reading in _readings([tensor for tensor in tensors if tensor.name not in taken], framework, file.kind):
        if isinstance(reading, Relative):
            found.append(reading._replace(unit=module_name(reading.unit, bare=_bare_name(reading.kind))))
        elif _sizes(reading) in computed:  # the file's graph computes that LSTM's weights from these
            index = computed[_sizes(reading)]
            found[index] = _with_names(found[index], reading.stored.names)
        else:
            made = [sources[name] for name in reading.stored.names if name in sources]
            parts = {part for part_names in made for part in part_names}
            more = (*product_notes(made), *_bilm_notes(reading))
            found.append(_named_as_the_file_does(reading, listed, parts, by_name, more))
    found = _in_order(found, len(file.stated), tensors)
    owners: dict[str, str] = {}
    for item in found:
        owner = item.unit if isinstance(item, Relative) else item.name
        owners |= {part: owner for name in _names(item) for part in sources.get(name, (name,))}
    file = file._replace(relatives=tuple(item for item in found if isinstance(item, Relative)), owners=owners)
    lstms = (item for item in found if isinstance(item, Found))
    placed = (item._replace(weights=item.stored._replace(file=file, module=item.name)) for item in lstms)
    return Contents(file, tuple(placed))


def _in_order(found: Sequence[Either], stated: int, tensors: Sequence[Stored]) -> list[Either]:
    """The modules in the order of their arrays, but the first ones, which the file states, in the order it states."""
    order = {tensor.name: index for index, tensor in enumerate(tensors)}
    sort = [min((order.get(name, 0) for name in _names(item)), default=-1) for item in found]
    places = sorted(range(len(found)), key=sort.__getitem__)
    described = iter(range(stated))
    return [found[next(described) if index < stated else index] for index in places]


def _names(item: Either) -> tuple[str, ...]:
    """The names of the arrays of a module."""
    return item.names if isinstance(item, Relative) else item.stored.names


def _with_names(item: Either, names: tuple[str, ...]) -> Either:
    """The LSTM with further arrays of the file that belong to it."""
    assert isinstance(item, Found)  # noqa: S101  # only an LSTM has computed weights
    return item._replace(weights=item.stored._replace(names=(*item.stored.names, *names)))


def _bare_name(kind: str) -> str:
    """The name of a recurrent module, not an LSTM, whose arrays' names have no path: `gru`."""
    return kind.lower() if kind.isalnum() else "rnn"


def _sizes(item: Found) -> tuple[object, ...]:
    """The hyperparameters that tell LSTMs apart by their arrays."""
    config = item.stored.config
    return config.input_size, config.hidden_size, config.num_layers, config.bidirectional, config.proj_size


def contents_text(contents: Contents) -> str:
    """The contents of a file other than its LSTMs, in a line; empty if there are none."""
    parts, kinds = [], dict[str, list[Relative]]()
    for item in contents.file.relatives:
        kinds.setdefault(item.kind, []).append(item)
    for kind, items in list(kinds.items())[:_LISTED]:
        shown = [_relative_text(item) for item in items[:_LISTED]] + ["..."] * (len(items) > _LISTED)
        parts.append(f"{len(items):,} {printable(kind)}{'s' * (len(items) > 1)}: {', '.join(shown)}")
    parts += ["..."] * (len(kinds) > _LISTED)
    rest = [tensor for tensor in contents.file.tensors if tensor.name not in contents.file.owners]
    if rest:
        total = sum(numel(tensor.shape) for tensor in rest)
        where = " of no recurrent module" if contents.file.relatives else " outside the LSTM" if contents.lstms else ""
        parts.append(f"{counted(len(rest), 'tensor')}{where} ({total:,} numbers)")
    return "; ".join(parts)


_LISTED: Final = 4  # modules in a message


def _relative_text(item: Relative) -> str:
    sizes = [("input", item.input_size), ("hidden", item.hidden_size)]
    known = ", ".join(f"{what} {size}" for what, size in sizes if size)
    return f"{printable(item.unit)} ({known})" if known else printable(item.unit)


class _Group(NamedTuple):
    framework: str
    unit: str
    slots: dict[Key, Stored]


def _readings(tensors: Sequence[Stored], framework: str, kind: str) -> list[Either]:
    """The modules that the arrays belong to, each array to one at most, in a framework or in any.

    An LSTM of a file whose `kind` does not tell names its rivals: the frameworks that would be read as well.
    """
    groups = _module_groups(_recurrent_arrays(tensors))
    if not framework and kind in _KIND_HAS:
        groups = [group for group in groups if group.framework in _KIND_HAS[kind]]
    candidates: list[Either] = [reading for group in groups for reading in _read_group(group)]
    candidates += [*_merged_directions(groups), *_paddle(groups), *_elmo(tensors)]
    if framework:
        wanted = same_names(framework)
        candidates = [_with_zero_biases(item) for item in candidates if _framework(item) in (wanted, None)]
    candidates += _relatives(tensors)
    trained = {_size_of(item) for item in candidates if not (_OPTIMIZERS | _MOMENTS) & set(_unit(item).split("/"))}
    candidates = [item for item in candidates if not _is_optimizer(item, trained)]
    taken: set[str] = set()
    chosen = []
    for item in sorted(candidates, key=_worth):
        if taken.isdisjoint(_names(item)):
            taken.update(_names(item))
            chosen.append(item)
    return chosen if framework else _with_rivals(chosen, candidates, kind)


# Frameworks whose names, shapes and order of gates are those of another, as which they are read.
_NAMED_ALIKE: Final = {"candle": "pytorch", "mindspore": "pytorch", "tinygrad": "pytorch-cell"}
# What the kind of a file says of the framework whose names are in it.
_KIND_TELLS: Final = {
    "listed by PyTorch": ("pytorch", "pytorch-cell"),
    "torch": ("pytorch", "pytorch-cell"),
    "onnx": ("onnx",),
    "keras": ("keras", "keras2"),
}
# The frameworks whose arrays a file of this kind can have. Keras' are described by their readers; names of Sonnet look
# like Haiku's, and their gates have another order.
_KIND_HAS: Final = dict.fromkeys(
    ("tensorflow", "tensorflow-old", "saved-model", "tensorflow-graph", "tensorflow-js"), ("tf1",)
)


def same_names(framework: str) -> str:
    """The framework as which arrays of this one are read, as names, shapes and order of gates are the same."""
    return _NAMED_ALIKE.get(framework, framework)


def _framework(item: Either) -> str | None:
    return item.framework if isinstance(item, Found) else None


def _with_rivals(chosen: Sequence[Either], candidates: Sequence[Either], kind: str) -> list[Either]:
    """The readings, with the frameworks of others that explain the same arrays with another order of gates."""
    others: dict[tuple[str, ...], list[Found]] = {}
    for item in candidates:
        if isinstance(item, Found):
            others.setdefault(item.stored.names, []).append(item)
    found: list[Either] = []
    for item in chosen:
        rivals: dict[str, None] = {}
        if isinstance(item, Found) and len(others[item.stored.names]) > 1 and _fits(item):
            told = item.framework in _KIND_TELLS.get(kind, ())
            gates = LAYOUTS[item.framework].gates
            rivals = {
                other.framework: None
                for other in others[item.stored.names]
                if not told and LAYOUTS[other.framework].gates != gates and _fits(other)
            }
        found.append(item._replace(rivals=tuple(rivals)) if isinstance(item, Found) and rivals else item)
    return found


def _fits(item: Found) -> bool:
    """True if a reading explains its arrays, of which each holds all gates; biases may be left out all together."""
    by_gate = any("{gate}" in stored.name for stored in LAYOUTS[item.framework].stored)
    return not by_gate and not defect_count(_with_zero_biases(item))


def _with_zero_biases(item: Either) -> Either:
    """The reading; biases that a framework always has are taken as zeros if the file has none of them."""
    if isinstance(item, Relative) or not item.stored.missing or item.stored.config.bias:
        return item
    parameters = Storage(item.stored.config, item.framework).parameters
    biases = {row.name for row in parameters if all(held.startswith("bias") for held in row.holds)}
    if LAYOUTS[item.framework].forget_offset or not biases.issuperset(item.stored.missing):
        return item
    note = f"without biases, which {LAYOUTS[item.framework].title} always has: they are taken as zeros"
    return item._replace(notes=(*item.notes, note), weights=item.stored._replace(missing=()))


def _worth(item: Either) -> tuple[int, int, int]:
    """A key that sorts the better reading first: most arrays that fit, then a short path, then the table's order."""
    rank = FRAMEWORKS.index(item.framework) if isinstance(item, Found) else len(FRAMEWORKS)
    return defect_count(item) - len(_names(item)), _unit(item).count("/"), rank


def _recurrent_arrays(tensors: Sequence[Stored]) -> list[Stored]:
    """The arrays of modules with a recurrent matrix, and a few more; none in most files."""
    units = {unit for tensor in tensors for unit in recurrent_units(tensor.name)}
    return [tensor for tensor in tensors if not units.isdisjoint(units_above(tensor.name))] if units else []


def _module_groups(tensors: Iterable[Stored]) -> list[_Group]:
    """The arrays by framework and module, without modules in which two would be the same array."""
    groups: dict[tuple[str, str], dict[Key, Stored]] = {}
    doubled = set()
    for tensor in tensors:
        for hit in possible_meanings(tensor.name):
            owner, key = (hit.framework, hit.unit), (hit.layer, hit.direction, hit.holds, hit.gate)
            slots = groups.setdefault(owner, {})
            if key in slots:
                doubled.add(owner)
            slots[key] = tensor
    return [_Group(*owner, slots) for owner, slots in groups.items() if owner not in doubled and _has_weights(slots)]


def _has_weights(slots: Slots) -> bool:
    """True if there is more than biases and projections, which many modules have."""
    return any(holds.startswith("weight") and holds != "weight_hr" for _, _, holds, _ in slots)


def _read_group(group: _Group) -> list[Either]:
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


def _cell_by_cell(group: _Group) -> list[Either]:
    """The cells of a stack, which may have other sizes each, as one LSTM each; none if one of them does not fit."""
    cells: dict[int, dict[Key, Stored]] = {}
    for (layer, *rest), tensor in group.slots.items():
        key: Key = (0, *rest)  # type: ignore[assignment]  # a tuple whose parts are known
        cells.setdefault(layer, {})[key] = tensor
    found = [read_slots(group.framework, f"{group.unit}/cell_{layer}", cells[layer]) for layer in sorted(cells)]
    whole = [item for item in found if item and not defect_count(item)]
    return whole if len(whole) == len(cells) > 1 else []


def _by_cell(group: _Group) -> list[Either]:
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


def _merged_directions(groups: Sequence[_Group]) -> list[Either]:
    """LSTMs of both directions, made of two modules whose names have a direction each, if everything fits."""
    pairs: dict[tuple[str, str], dict[int, _Group]] = {}
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


def _paddle(groups: Sequence[_Group]) -> list[Either]:
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


# LstmCellWithProjection, gates i f g o, without a bias for the input: allennlp 2.10.1,
# modules/lstm_cell_with_projection.py.
_ELMO: Final = {
    "input_linearity/weight": "weight_ih",
    "state_linearity/weight": "weight_hh",
    "state_linearity/bias": "bias_hh",
    "state_projection/weight": "weight_hr",
}


def _elmo(tensors: Iterable[Stored]) -> list[Either]:
    """The cells of ELMo, each an LSTM with a projection and one bias; the other one is zeros."""
    cells: dict[str, dict[Key, Stored]] = {}
    for tensor in tensors:
        *path, module, last = ["", "", *plain_name(tensor.name).split("/")]
        holds = _ELMO.get(f"{module}/{last}")
        if holds:
            cells.setdefault("/".join(path).strip("/"), {})[0, 0, holds, None] = tensor
    found: list[Either] = []
    for unit, slots in cells.items():
        bias = slots.get((0, 0, "bias_hh", None))
        if bias is None or len(slots) < len(_ELMO):
            continue
        zeros = bias._replace(name=f"{unit}/zeros", nbytes=0, read=_zeros_for(bias), parts=None, spot=None)
        reading = read_slots("pytorch", unit, {**slots, (0, 0, "bias_ih", None): zeros})
        if isinstance(reading, Found) and not defect_count(reading):
            names = tuple(tensor.name for tensor in slots.values())
            weights = reading.stored._replace(names=names)
            found.append(reading._replace(notes=_ELMO_NOTES, weights=weights))
    return found


def _zeros_for(tensor: Stored) -> Callable[[], Any]:
    """A function that reads zeros of the dtype and shape of a tensor."""

    def read() -> Any:  # noqa: ANN401  # an array
        import numpy as np

        return np.zeros_like(tensor.read())

    return read


_CLIPS: Final = (
    "cells of ELMo clip c and h as options.json says, not the weights: run clips by --cell-clip and --proj-clip alone"
)
_ELMO_NOTES: Final = ("this cell stores one bias: bias_ih is zeros, which PyTorch counts", _CLIPS)
# The cells of bilm-tf (7cffee2b, bilm/training.py, dump_weights).
_BILM: Final = r"RNN_\d+/RNN/MultiRNNCell/Cell\d+/LSTMCell/.*"


def _bilm_notes(reading: Found) -> tuple[str, ...]:
    """A note on what ELMo's cells do besides; none for other cells."""
    return (_CLIPS,) if all(re.fullmatch(_BILM, name) for name in reading.stored.names) else ()


def _relatives(tensors: Iterable[Stored]) -> list[Either]:
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


# Names of optimizers' tensors in the shape of the weights: torch.optim 2.13.0 (exp_avg, ...), optax 0.2 (mu, nu),
# TensorFlow 1 (Adam, Momentum).
_MOMENTS: Final = frozenset(
    (
        *("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "grad_avg", "acc_delta"),
        *("mu", "nu", "momentum", "velocity", "Adam", "Adam_1", "RMSProp", "RMSProp_1", "Momentum"),
    )
)
_OPTIMIZERS: Final = frozenset(
    ("optimizer", "optimizers", "optimizer_state", "optimizer_states", "opt_state", "optim", "opt")
)


def _is_optimizer(item: Either, trained: Collection[object]) -> bool:
    """True for an optimizer's moments: by their name, or in an optimizer beside an LSTM of the same sizes."""
    parts = set(_unit(item).split("/"))
    return bool(_MOMENTS & parts) or (bool(_OPTIMIZERS & parts) and _size_of(item) in trained)


def _size_of(item: Either) -> object:
    return item.stored.config if isinstance(item, Found) else (item.kind, item.input_size, item.hidden_size)


def _unit(item: Either) -> str:
    """The path of a module, with slashes."""
    return item.unit if isinstance(item, Relative) else item.name


def _with_cells(reading: Found, listed: Sequence[tuple[str, str]], by_name: Mapping[str, Stored]) -> Found:
    """A reading that the file states, with what its cells store besides."""
    beside = cells_beside(reading, listed)
    notes = notes_beside(reading, [by_name[name] for names in beside.values() for name in names])
    said = tuple(f"{what}: {with_rest(names, 3)}" for what, names in beside.items())
    return reading._replace(notes=reading.notes + notes, unmodelled=reading.unmodelled + said) if beside else reading


def _named_as_the_file_does(
    reading: Found,
    listed: Sequence[tuple[str, str]],
    parts: Collection[str],
    by_name: Mapping[str, Stored],
    notes: tuple[str, ...],
) -> Found:
    """The reading with its settings, and with its name and missing arrays in the file's words.

    Args:
        reading: The reading.
        listed: The names of all arrays, plain and in the file's words, sorted.
        parts: Arrays that some of its arrays are computed from.
        by_name: All arrays.
        notes: On these parts.
    """
    unit, weights = reading.name, reading.stored
    layout = LAYOUTS[reading.framework]
    beside, known = arrays_beside(reading, listed, parts), [what for _, what in layout.unmodelled]
    if reading.framework == "tf1":
        notes = (*notes, f"forget_bias is not stored: {layout.forget_offset:g} is added at run time, as by default")
    notes = (*notes, *notes_beside(reading, [by_name[name] for names in beside.values() for name in names]))
    own_path = reading.framework.startswith(("keras", "tf1")) and weights.config.num_layers == 1
    return reading._replace(
        name=module_name(unit, reading.framework),
        layer=_inferred_settings(weights.config, frozenset(reading.gaps)),
        notes=reading.notes + notes,
        around=wrapping_notes(unit),
        options=unstated_gates(reading.framework),
        unmodelled=tuple(what if what in known else f"{what}: {with_rest(names, 3)}" for what, names in beside.items()),
        path=unit if own_path else "",
        weights=weights._replace(missing=tuple(_in_file(unit, name) for name in weights.missing)),
    )


@lru_cache(maxsize=8)
def _inferred_settings(config: LSTMConfig, unknown: frozenset[str]) -> Layer:
    """The settings that names and shapes tell; many LSTMs of a file have the same."""
    fields = [field for field in HYPERPARAMETERS if field not in ("batch_first", "dropout") and field not in unknown]
    return settings_of({field: getattr(config, field) for field in fields}, HYPERPARAMETERS)


def _in_file(unit: str, name: str) -> str:
    """The name that a missing array would have in the file."""
    return f"{unit.replace('/', '.')}.{name}" if unit and "/" not in name else name


_SIZES: Final = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")


def _with_products(stated: Found, products: Sequence[str], sources: Mapping[str, tuple[str, ...]]) -> Found:
    """The described module with weights that follow from other tensors of the file."""
    named = stated.stored.named
    own = {native: name for name in products if (native := name.rpartition(".")[2]) not in named}
    if not own:
        return stated
    notes = product_notes([sources[name] for name in own.values()])
    return stated._replace(notes=(*stated.notes, *notes), weights=stated.stored._replace(named={**named, **own}))


def _read_by_arrays(stated: Found, by_name: Mapping[str, Stored]) -> Either:
    """The module that the file describes, with the settings that follow from its arrays where it states none."""
    weights = stated.stored
    by_name = {**by_name, **{tensor.name: tensor for tensor in weights.computed}} if weights.computed else by_name
    name, names = stated.name or "lstm", tuple(dict.fromkeys((*weights.named.values(), *weights.names)))
    slots = _stated_slots(stated, by_name)
    reading = read_slots(stated.framework, name, slots) if slots else None
    kind = stated.kind.lower()
    if "lstm" not in kind or "conv" in kind:
        sizes = [stated.layer[field].value if field in stated.layer else None for field in _SIZES[:2]]
        if isinstance(reading, Relative):
            sizes = [sizes[0] or reading.input_size, sizes[1] or reading.hidden_size]
        return Relative(name, stated.kind, sizes[0], sizes[1], names)
    layer = {field: item for field, item in stated.layer.items() if field in (*HYPERPARAMETERS, *DATA_FIELDS)}
    if isinstance(reading, Found):
        inferred = settings_of({field: getattr(reading.stored.config, field) for field in _SIZES}, _SIZES)
        layer = {field: item for field, item in inferred.items() if field not in reading.gaps} | layer
    gaps = {
        field: stated.gaps.get(field) or Gap("no setting that states it, and no array of it that was read")
        for field in _SIZES[:2]
        if field not in layer
    }
    config = _config(layer)
    found, missing, misshaped = _checked_arrays(config, stated, by_name) if config and not gaps else ({}, (), ())
    missing = () if stated.unmodelled else missing  # quantized weights are there, but not as an LSTM's arrays
    weights = weights._replace(
        config=config or LSTMConfig(1, 1), tensors=found, names=names, missing=missing, misshaped=misshaped
    )
    return stated._replace(name=name, layer=layer, gaps=gaps, weights=weights)


def _stated_slots(stated: Found, by_name: Mapping[str, Stored]) -> dict[Key, Stored]:
    """The arrays of a described module by their content, from its framework's names."""
    slots: dict[Key, Stored] = {}
    for native, name in stated.stored.named.items():
        for hit in possible_meanings(native):
            if hit.framework == stated.framework and name in by_name:
                slots[hit.layer, hit.direction, hit.holds, hit.gate] = by_name[name]
    return slots


def _config(layer: Layer) -> LSTMConfig | None:
    """The known hyperparameters; None if they break PyTorch's rules, which `intake` reports."""
    values: dict[str, Any] = {field: item.value for field, item in layer.items() if field in HYPERPARAMETERS}
    try:
        return LSTMConfig(**{"input_size": 1, "hidden_size": 2**31, **values})
    except LstmcalcError:
        return None


def _checked_arrays(
    config: LSTMConfig, stated: Found, by_name: Mapping[str, Stored]
) -> tuple[dict[str, Stored], tuple[str, ...], tuple[str, ...]]:
    """The arrays that a file names for a module, the names of missing ones, and those of the wrong shape, in words."""
    named = stated.stored.named
    found: dict[str, Stored] = {}
    missing, misshaped = [], []
    try:
        storage = Storage(config, stated.framework)
    except LstmcalcError:
        return {}, (), ()
    if not named or storage.num_arrays > len(named) + _COUNTED:
        return {}, ("most of its arrays",) if named else (), ()
    for parameter in storage.parameters:
        tensor = by_name.get(named.get(parameter.name, ""))
        if tensor is None:
            if config.bias or not all(held.startswith("bias") for held in parameter.holds):  # else they are zeros
                missing.append(parameter.name)
            continue
        found[parameter.name] = tensor
        if tensor.shape != parameter.shape:
            misshaped.append(mismatch_text(tensor, parameter.shape))
    return found, tuple(missing), tuple(misshaped)


_COUNTED: Final = 1000  # missing arrays that are worth naming
