"""The modules that a file itself describes, with the arrays that it names for them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lstmcalc.errors import LstmcalcError
from lstmcalc.frameworks.storage import Storage
from lstmcalc.readers.files.tensors import Relative, Stored
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.recognise.beside import cells_beside, notes_beside
from lstmcalc.readers.recognise.either import Either
from lstmcalc.readers.recognise.names import possible_meanings
from lstmcalc.readers.recognise.readings import Key, mismatch_text, read_slots
from lstmcalc.readers.recognise.reparametrized import product_notes
from lstmcalc.spec.config import DATA_FIELDS, HYPERPARAMETERS, LSTMConfig
from lstmcalc.spec.provenance import Gap, Layer
from lstmcalc.spec.words import with_rest


def with_cells(reading: Found, listed: Sequence[tuple[str, str]], by_name: Mapping[str, Stored]) -> Found:
    """A reading that the file states, with what its cells store besides."""
    beside = cells_beside(reading, listed)
    notes = notes_beside(reading, [by_name[name] for names in beside.values() for name in names])
    said = tuple(f"{what}: {with_rest(names, 3)}" for what, names in beside.items())
    return reading._replace(notes=reading.notes + notes, unmodelled=reading.unmodelled + said) if beside else reading


_SIZES: Final = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")


def with_own_products(stated: Found, products: Sequence[str], sources: Mapping[str, tuple[str, ...]]) -> Found:
    """The described module with weights that follow from other tensors of the file."""
    named = stated.stored.named
    own = {native: name for name in products if (native := name.rpartition(".")[2]) not in named}
    if not own:
        return stated
    notes = product_notes([sources[name] for name in own.values()])
    return stated._replace(notes=(*stated.notes, *notes), weights=stated.stored._replace(named={**named, **own}))


def read_stated(stated: Found, by_name: Mapping[str, Stored]) -> Either:
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
