"""Which LSTMs are in a weight file: the table of `layouts` backwards, from names and shapes to hyperparameters.

What a file states itself comes first. What is left is grouped by module, each group is read as each framework's LSTM
that has such names, and the reading that explains most arrays with the fewest missing or misshaped is taken.

Not here: how names (`patterns`) and shapes (`readings`) are read, files (`weight_files`), and numbers (`loading`).
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import LstmcalcError, printable
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import Storage, axis_names
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Stated, Stored, WeightFile
from lstmcalc.readers.recognise.module_names import module_name, wrapping_notes
from lstmcalc.readers.recognise.names import (
    FRAMEWORKS,
    both_of,
    hits,
    plain_name,
    recurrent_units,
    relative_kind,
    units_above,
)
from lstmcalc.readers.recognise.readings import Key, Reading, Relative, Slots, misfit, read_slots
from lstmcalc.readers.recognise.reparametrized import product_notes, with_products
from lstmcalc.spec.config import DATA_FIELDS, HYPERPARAMETERS, LSTMConfig

Either: TypeAlias = Reading | Relative


class Recognised(NamedTuple):
    """An LSTM in a weight file.

    Attributes:
        name: The path of its module, as `encoder.rnn`; `lstm` if its arrays have no path.
        framework: Whose arrays they are, a name of `frameworks`.
        config: Its hyperparameters; what is in `unknown` is a default there, or 1.
        settings: The settings that are known, of the LSTM and of data, each with `stated` or `inferred`.
        unknown: The sizes that neither the file says nor the shapes, with the reason.
        tensors: The names of `layouts.Storage(config, framework)` to the arrays of the file, as far as there are any.
        missing: The names that the file should have and has not.
        misshaped: The arrays whose shape does not fit, in words.
        notes: What is worth knowing, in sentences.
        unmodelled: What makes it compute something else than an LSTM of PyTorch.
        path: What its arrays' names begin with in this framework, for `Storage`; empty for its own paths.
        options: The framework's own settings that change what goes in and comes out, as far as the file says them.
    """

    name: str
    framework: str
    config: LSTMConfig
    settings: Mapping[str, tuple[Any, str]]
    unknown: Mapping[str, str]
    tensors: Mapping[str, Stored]
    missing: tuple[str, ...] = ()
    misshaped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    path: str = ""
    options: Mapping[str, object] = {}


class Contents(NamedTuple):
    """What a weight file holds.

    Attributes:
        file: The file.
        lstms: Its LSTMs, in the order of the file.
        relatives: Its other recurrent modules; their units are names as reports have them.
        owners: The names of their arrays, with the name of the module.
    """

    file: WeightFile
    lstms: tuple[Recognised, ...]
    relatives: tuple[Relative, ...]
    owners: Mapping[str, str]


def recognise(file: WeightFile) -> Contents:
    """The LSTMs of a weight file, and what else is recurrent in it."""
    tensors, sources = with_products(file.tensors)
    by_name = {tensor.name: tensor for tensor in tensors}
    products: dict[str, list[str]] = {}
    for name in sources:
        products.setdefault(name.rpartition(".")[0], []).append(name)
    whole = [_completed(stated, products.get(stated.name, ()), sources) for stated in file.stated]
    found: list[tuple[Recognised | Relative, Sequence[str]]] = [
        (_stated(stated, by_name), tuple(stated.tensors.values())) for stated in whole
    ]
    taken = {name for _, names in found for name in names}
    listed = sorted((plain_name(name), name) for name in by_name)
    copies = {
        _sizes(item): index for index, (item, _) in enumerate(found) if index < len(whole) and whole[index].computed
    }
    for reading in _readings([tensor for tensor in tensors if tensor.name not in taken]):
        if isinstance(reading, Reading) and _sizes(reading) in copies:  # what a file computes an LSTM's weights of
            item, names = found[copies[_sizes(reading)]]
            found[copies[_sizes(reading)]] = item, (*names, *reading.names)
        elif isinstance(reading, Reading):
            made = [sources[name] for name in reading.names if name in sources]
            found.append((_recognised(reading, listed, product_notes(made)), reading.names))
        else:
            found.append((reading._replace(unit=module_name(reading.unit, bare=_bare(reading.kind))), reading.names))
    order = {tensor.name: index for index, tensor in enumerate(tensors)}
    found.sort(key=lambda pair: min((order.get(name, 0) for name in pair[1]), default=-1))
    owners: dict[str, str] = {}
    for item, names in found:
        owner = item.unit if isinstance(item, Relative) else item.name
        owners |= {part: owner for name in names for part in sources.get(name, (name,))}
    lstms = tuple(item for item, _ in found if isinstance(item, Recognised))
    return Contents(file, lstms, tuple(item for item, _ in found if isinstance(item, Relative)), owners)


def _bare(kind: str) -> str:
    """What another recurrent module is called whose names have no path: `gru`."""
    return kind.lower() if kind.isalnum() else "rnn"


def _sizes(item: Recognised | Relative | Reading) -> tuple[object, ...]:
    """What tells LSTMs apart by their arrays; of others nothing does."""
    if isinstance(item, Relative):
        return (item,)
    config = item.config
    return config.input_size, config.hidden_size, config.num_layers, config.bidirectional, config.proj_size


def contents_text(contents: Contents) -> str:
    """What a file holds besides its LSTMs, in a line; empty if that is nothing."""
    parts, kinds = [], dict[str, list[Relative]]()
    for item in contents.relatives:
        kinds.setdefault(item.kind, []).append(item)
    for kind, items in list(kinds.items())[:_LISTED]:
        shown = [_relative_text(item) for item in items[:_LISTED]] + ["..."] * (len(items) > _LISTED)
        parts.append(f"{len(items):,} {printable(kind)}{'s' * (len(items) > 1)}: {', '.join(shown)}")
    parts += ["..."] * (len(kinds) > _LISTED)
    rest = [tensor for tensor in contents.file.tensors if tensor.name not in contents.owners]
    if rest:
        other = "other " if contents.owners else ""
        total = sum(numel(tensor.shape) for tensor in rest)
        parts.append(f"{len(rest):,} {other}tensor{'s' * (len(rest) > 1)} with {total:,} numbers")
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


def _readings(tensors: Sequence[Stored]) -> list[Either]:
    """What the arrays are, each of them in one module."""
    groups = _grouped(_recurrent(tensors))
    candidates: list[Either] = [reading for group in groups for reading in _read_group(group)]
    candidates += [*_merged(groups), *_paddle(groups), *_relatives(tensors)]
    trained = {_size_of(item) for item in candidates if not (_OPTIMIZERS | _MOMENTS) & set(item.unit.split("/"))}
    candidates = [item for item in candidates if not _is_optimizer(item, trained)]
    taken: set[str] = set()
    chosen = []
    for item in sorted(candidates, key=_worth):
        if taken.isdisjoint(item.names):
            taken.update(item.names)
            chosen.append(item)
    return chosen


def _worth(item: Either) -> tuple[int, int, int]:
    """Sorts the better reading first: most arrays that fit, then a short path, then the order of the table."""
    rank = FRAMEWORKS.index(item.framework) if isinstance(item, Reading) else len(FRAMEWORKS)
    return item.defects - len(item.names), item.unit.count("/"), rank


def _recurrent(tensors: Sequence[Stored]) -> list[Stored]:
    """The arrays of modules that have a recurrent matrix, and a few more: of most files none."""
    units = {unit for tensor in tensors for unit in recurrent_units(tensor.name)}
    return [tensor for tensor in tensors if not units.isdisjoint(units_above(tensor.name))] if units else []


def _grouped(tensors: Iterable[Stored]) -> list[_Group]:
    """The arrays by framework and module; where two would be the same array of a module, it is no such module."""
    groups: dict[tuple[str, str], dict[Key, Stored]] = {}
    doubled = set()
    for tensor in tensors:
        for hit in hits(tensor.name):
            owner, key = (hit.framework, hit.unit), (hit.layer, hit.direction, hit.holds, hit.gate)
            slots = groups.setdefault(owner, {})
            if key in slots:
                doubled.add(owner)
            slots[key] = tensor
    return [_Group(*owner, slots) for owner, slots in groups.items() if owner not in doubled and _has_weights(slots)]


def _has_weights(slots: Slots) -> bool:
    """Whether there is more than biases and projections, which many modules have."""
    return any(holds.startswith("weight") and holds != "weight_hr" for _, _, holds, _ in slots)


def _read_group(group: _Group) -> list[Either]:
    """What the arrays of one module can be in one framework."""
    framework = group.framework
    if framework == "paddle" or (framework == "coreml" and not any(key[1] for key in group.slots)):
        return []  # Paddle's cells need a closer look; Core ML's of one direction are called as Equinox's
    if framework in ("chainer", "cudnn"):
        return _by_cell(group)
    reading = read_slots(*group)
    return [reading] if reading else []


def _by_cell(group: _Group) -> list[Either]:
    """The readings of cells that are counted, `k = l*D + d`, where D is open."""
    found: list[Reading] = []
    for directions in (1, 2):
        slots: dict[Key, Stored] = {
            (key[0] // directions, key[0] % directions, *key[2:]): tensor for key, tensor in group.slots.items()
        }
        reading = read_slots(group.framework, group.unit, slots)
        if isinstance(reading, Reading) and reading.config not in [item.config for item in found]:
            found.append(reading)
    found.sort(key=lambda reading: reading.defects)
    if len(found) > 1 and found[0].defects == found[1].defects:
        note = (
            f"the same arrays can be {found[1].config}: {found[0].config} is taken, as one direction is more frequent"
        )
        return [found[0]._replace(notes=(*found[0].notes, note))]
    return list(found[:1])


def _merged(groups: Sequence[_Group]) -> list[Either]:
    """Modules of one direction each that are called so, as one LSTM of both directions, if all of it fits."""
    pairs: dict[tuple[str, str], dict[int, _Group]] = {}
    for group in groups:
        placed = both_of(group.framework, group.unit)
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
            found += [reading] if isinstance(reading, Reading) and not reading.defects else []
    return found


def _paddle(groups: Sequence[_Group]) -> list[Either]:
    """Paddle's cells, where its other names for the same arrays stand beside them, or a projection of its own."""
    flat = {group.unit: group.slots for group in groups if group.framework == "pytorch"}
    found: list[Either] = []
    for group in groups:
        twins = flat.get(group.unit, {}) if group.framework == "paddle" else {}
        projected = group.framework == "paddle" and any(key[2] == "weight_hr" for key in group.slots)
        reading = read_slots(*group) if twins or projected else None
        if isinstance(reading, Reading):
            names = dict.fromkeys((*reading.names, *(tensor.name for tensor in twins.values())))
            note = ("every array is in the file twice: under the name of its cell too",) if twins else ()
            found.append(reading._replace(names=tuple(names), notes=(*reading.notes, *note)))
    return found


def _relatives(tensors: Iterable[Stored]) -> list[Either]:
    """Recurrent modules whose arrays have other names than any LSTM's."""
    found: dict[tuple[str, str], list[Stored]] = {}
    for tensor in tensors:
        known = relative_kind(tensor.name)
        if known:
            found.setdefault(known, []).append(tensor)
    return [
        Relative(unit, kind, None, None, tuple(tensor.name for tensor in items))
        for (kind, unit), items in found.items()
    ]


# What optimizers keep in the shape of the weights: torch.optim 2.13.0 (exp_avg, ...), optax 0.2 (mu, nu), TensorFlow 1
# (Adam, Momentum).
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
    """Whether these are an optimizer's moments: called so, or in an optimizer beside an LSTM of the same sizes."""
    parts = set(item.unit.split("/"))
    return bool(_MOMENTS & parts) or (bool(_OPTIMIZERS & parts) and _size_of(item) in trained)


def _size_of(item: Either) -> object:
    return item.config if isinstance(item, Reading) else (item.kind, item.input_size, item.hidden_size)


def _recognised(reading: Reading, listed: Sequence[tuple[str, str]], notes: tuple[str, ...]) -> Recognised:
    """A reading in the words of the file; `listed` are all names, sorted."""
    fields = [field for field in HYPERPARAMETERS if field not in ("batch_first", "dropout", *reading.unknown)]
    own_path = reading.framework.startswith(("keras", "tf1")) and reading.config.num_layers == 1
    return Recognised(
        module_name(reading.unit, reading.framework),
        reading.framework,
        reading.config,
        {field: (getattr(reading.config, field), "inferred") for field in fields},
        reading.unknown,
        reading.found,
        tuple(_in_file(reading.unit, name) for name in reading.missing),
        reading.misshaped,
        reading.notes + wrapping_notes(reading.unit) + notes,
        _unmodelled(reading, listed),
        reading.unit if own_path else "",
    )


def _in_file(unit: str, name: str) -> str:
    """What the file would call a missing array."""
    return f"{unit.replace('/', '.')}.{name}" if unit and "/" not in name else name


# Beside the arrays of a cell that is one's own: `layernorm_i` of PyTorch's benchmarks/fastrnns/custom_lstms.py.
_BESIDE: Final = (("*layer*norm*", "layer normalisation"), ("*peephole*", "peepholes"))


def _unmodelled(reading: Reading, listed: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What stands in the module too and changes what it computes; `listed` are all names, sorted."""
    layout = LAYOUTS[reading.framework]
    patterns = [(_ending(pattern), what) for pattern, what in layout.unmodelled]
    patterns += _BESIDE if layout.kind == "cell" else ()
    if not patterns or not reading.unit:
        return ()
    begin, own = f"{reading.unit}/", set(reading.names)
    found: dict[str, None] = {}
    for plain, name in listed[bisect_left(listed, (begin, "")) :]:
        if not plain.startswith(begin):
            break
        rest = plain[len(begin) - 1 :]
        found |= {what: None for pattern, what in patterns if name not in own and fnmatchcase(rest, pattern)}
    return tuple(found)


def _ending(pattern: str) -> str:
    """A pattern of `frameworks` for what follows a module: `lstm*.P` is `*/P`."""
    return "*" + pattern.removesuffix(":0").replace(".", "/").removeprefix("lstm").removeprefix("*")


_SIZES: Final = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")


def _completed(stated: Stated, products: Sequence[str], sources: Mapping[str, tuple[str, ...]]) -> Stated:
    """A module with the weights that follow from others of its tensors."""
    named = ((name.rpartition(".")[2], name) for name in products)
    own = {native: name for native, name in named if native not in stated.tensors}
    notes = product_notes([sources[name] for name in own.values()])
    return stated._replace(tensors={**stated.tensors, **own}, notes=(*stated.notes, *notes)) if own else stated


def _stated(stated: Stated, by_name: Mapping[str, Stored]) -> Recognised | Relative:
    """A module that the file itself describes; what it does not say follows from its arrays."""
    by_name = {**by_name, **{tensor.name: tensor for tensor in stated.computed}} if stated.computed else by_name
    name = stated.name or "lstm"
    slots = _stated_slots(stated, by_name)
    reading = read_slots(stated.framework, name, slots) if slots else None
    fields: dict[str, Any] = dict(stated.fields)
    kind = stated.kind.lower()
    if "lstm" not in kind or "conv" in kind:
        sizes = fields.get("input_size"), fields.get("hidden_size")
        if isinstance(reading, Relative):
            sizes = sizes[0] or reading.input_size, sizes[1] or reading.hidden_size
        return Relative(name, stated.kind, *sizes, tuple(stated.tensors.values()))
    settings = {
        field: (value, "inferred" if field in stated.inferred else "stated")
        for field, value in fields.items()
        if field in (*HYPERPARAMETERS, *DATA_FIELDS)
    }
    if isinstance(reading, Reading):
        inferred = {field: (getattr(reading.config, field), "inferred") for field in _SIZES}
        settings = {field: item for field, item in inferred.items() if field not in reading.unknown} | settings
    unknown: dict[str, str] = {
        field: "the file does not say it, and has no array that does" for field in _SIZES[:2] if field not in settings
    }
    config = _config(settings)
    found, missing, misshaped = _held(config, stated, by_name) if config and not unknown else ({}, (), ())
    missing = () if stated.unmodelled else missing  # quantized weights are there, and are no weights of an LSTM
    return Recognised(
        name,
        stated.framework,
        config or LSTMConfig(1, 1),
        settings,
        unknown,
        found,
        missing,
        misshaped,
        stated.notes,
        stated.unmodelled,
        options=stated.options,
    )


def _stated_slots(stated: Stated, by_name: Mapping[str, Stored]) -> dict[Key, Stored]:
    """The arrays of a module by what they hold, from the names of `layouts`."""
    slots: dict[Key, Stored] = {}
    for native, name in stated.tensors.items():
        for hit in hits(native):
            if hit.framework == stated.framework and name in by_name:
                slots[hit.layer, hit.direction, hit.holds, hit.gate] = by_name[name]
    return slots


def _config(settings: Mapping[str, tuple[Any, str]]) -> LSTMConfig | None:
    """The hyperparameters that are known; None if they break PyTorch's rules, which is for whoever reports them."""
    values = {field: value for field, (value, _) in settings.items() if field in HYPERPARAMETERS}
    try:
        return LSTMConfig(**{"input_size": 1, "hidden_size": 2**31, **values})
    except LstmcalcError:
        return None


def _held(
    config: LSTMConfig, stated: Stated, by_name: Mapping[str, Stored]
) -> tuple[dict[str, Stored], tuple[str, ...], tuple[str, ...]]:
    """The arrays that a file names for a module, held against what it should have."""
    found: dict[str, Stored] = {}
    missing, misshaped = [], []
    try:
        storage = Storage(config, stated.framework)
    except LstmcalcError:
        return {}, (), ()
    if not stated.tensors or storage.num_arrays > len(stated.tensors) + _COUNTED:
        return {}, ("most of its arrays",) if stated.tensors else (), ()
    for parameter in storage.parameters:
        tensor = by_name.get(stated.tensors.get(parameter.name, ""))
        if tensor is None:
            missing.append(parameter.name)
            continue
        found[parameter.name] = tensor
        if tensor.shape != parameter.shape:
            misshaped.append(misfit(tensor, parameter.shape))
    return found, tuple(missing), tuple(misshaped)


_COUNTED: Final = 1000  # missing arrays that are worth naming
