"""The LSTMs in a weight file: the table of `frameworks` read backwards, from names and shapes to hyperparameters.

Modules that the file itself describes come first. The other arrays are grouped by module, each group is read as the
LSTM of each framework with such names, and the reading is taken that explains most arrays with the fewest missing or of
the wrong shape.

Not here: names (`names`), shapes (`readings`), files (`readers.files`), and numbers (`intake.load`).
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from lstmcalc.errors import printable
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Relative, Stored, WeightFile
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.recognise.beside import arrays_beside, notes_beside
from lstmcalc.readers.recognise.choosing import KIND_HAS, chosen_readings
from lstmcalc.readers.recognise.either import Either, names_of
from lstmcalc.readers.recognise.elmo import bilm_notes
from lstmcalc.readers.recognise.module_names import module_name, wrapping_notes
from lstmcalc.readers.recognise.names import plain_name
from lstmcalc.readers.recognise.reparametrized import product_notes, with_products
from lstmcalc.readers.recognise.stated import read_stated, with_cells, with_own_products
from lstmcalc.spec.activations import unstated_gates
from lstmcalc.spec.config import HYPERPARAMETERS, LSTMConfig
from lstmcalc.spec.provenance import Layer
from lstmcalc.spec.words import counted, with_rest


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
        read = read_stated(with_own_products(stated, products.get(stated.name, ()), sources), by_name)
        found.append(with_cells(read, listed, by_name) if isinstance(read, Found) else read)
    taken = {name for item in found for name in names_of(item)}
    taken |= (file.buffers or frozenset()) if file.kind in KIND_HAS else frozenset()  # of an optimizer
    computed = {
        _sizes(item): index for index, item in enumerate(found) if isinstance(item, Found) and item.stored.computed
    }
    for reading in chosen_readings([tensor for tensor in tensors if tensor.name not in taken], framework, file.kind):
        if isinstance(reading, Relative):
            found.append(reading._replace(unit=module_name(reading.unit, bare=_bare_name(reading.kind))))
        elif _sizes(reading) in computed:  # the file's graph computes that LSTM's weights from these
            index = computed[_sizes(reading)]
            found[index] = _with_names(found[index], reading.stored.names)
        else:
            made = [sources[name] for name in reading.stored.names if name in sources]
            parts = {part for part_names in made for part in part_names}
            more = (*product_notes(made), *bilm_notes(reading))
            found.append(_named_as_the_file_does(reading, listed, parts, by_name, more))
    found = _in_order(found, len(file.stated), tensors)
    owners: dict[str, str] = {}
    for item in found:
        owner = item.unit if isinstance(item, Relative) else item.name
        owners |= {part: owner for name in names_of(item) for part in sources.get(name, (name,))}
    file = file._replace(relatives=tuple(item for item in found if isinstance(item, Relative)), owners=owners)
    lstms = (item for item in found if isinstance(item, Found))
    placed = (item._replace(weights=item.stored._replace(file=file, module=item.name)) for item in lstms)
    return Contents(file, tuple(placed))


def _in_order(found: Sequence[Either], stated: int, tensors: Sequence[Stored]) -> list[Either]:
    """The modules in the order of their arrays, but the first ones, which the file states, in the order it states."""
    order = {tensor.name: index for index, tensor in enumerate(tensors)}
    sort = [min((order.get(name, 0) for name in names_of(item)), default=-1) for item in found]
    places = sorted(range(len(found)), key=sort.__getitem__)
    described = iter(range(stated))
    return [found[next(described) if index < stated else index] for index in places]


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
