"""The LSTMs that a configuration describes, joined with their arrays."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from lstmcalc.errors import LstmcalcError, NoLstmError
from lstmcalc.readers.files.tensors import Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.keras.array_places import Placed
from lstmcalc.readers.keras.cells import Cell
from lstmcalc.readers.keras.matching import matched_cells
from lstmcalc.readers.keras.models import looks_like_keras, read_placed
from lstmcalc.readers.keras.undescribed import framework_of, sizes_of, tensors_of, undescribed_modules
from lstmcalc.readers.text.documents import check_depth
from lstmcalc.readers.text.positions import Places
from lstmcalc.readers.text.source_text import SourceText


def loaded_json(text: object) -> Any:  # noqa: ANN401  # whatever it holds
    """The values of a JSON text; None if it is not JSON."""
    try:
        return json.loads(text) if isinstance(text, str) and text else None
    except (ValueError, RecursionError):
        return None


class Described(NamedTuple):
    """The LSTMs of a configuration."""

    found: Sequence[tuple[Found, Placed]] = ()
    note: str = ""  # the reason why they could not be read; empty if they could, or if there is no LSTM


def stated_modules(
    cells: Sequence[Cell], found: Sequence[tuple[Found, Placed]], version: str
) -> tuple[list[Found], list[str]]:
    """The recurrent modules of a file: the LSTMs of its configuration, then the cells that it does not describe.

    Besides, the names of the LSTMs of the configuration whose arrays are not found.
    """
    stated: list[Found] = []
    taken: set[str] = set()
    missing = []
    for (item, _), own in matched_cells(found, cells):
        if own:
            stated.append(described_lstm(item, own))
            taken |= {cell.path for cell in own}
        else:
            missing.append(item.name)
    return [*stated, *undescribed_modules([cell for cell in cells if cell.path not in taken], version)], missing


def described_model(config: object, version: str, name: str) -> Described:
    """The LSTMs of a configuration; none if there is no configuration or no LSTM in it."""
    tree = loaded_json(config)
    if not isinstance(config, str) or not looks_like_keras(tree):
        return Described(note="its configuration is not a Keras model" if config else "")
    if isinstance(tree, dict) and version:
        tree.setdefault("keras_version", version)
    source = SourceText(config, name)
    try:
        check_depth(source, tree)
        return Described(read_placed(tree, source, Places(source, lambda _: {})))
    except NoLstmError:
        return Described()
    except (LstmcalcError, RecursionError) as error:
        what = getattr(error, "what", "it is nested too deeply")
        return Described(note=f"its configuration is not understood: {what}")


def described_lstm(found: Found, cells: Sequence[Cell]) -> Found:
    """An LSTM that a configuration describes, with its arrays."""
    first = cells[0]
    fields: dict[str, object] = {
        field: setting.value for field, setting in found.layer.items() if field != "dtype" and setting.value is not None
    }
    sizes = sizes_of(cells)
    notes = list(found.notes)
    for field, said in (("hidden_size", first.units), ("input_size", first.width), ("bias", bool(first.biases))):
        if fields.get(field, said) != said:
            notes.append(f"its configuration says {field} = {fields[field]}, its arrays {said}")
    inferred = tuple(field for field in ("input_size", "bias") if field not in fields)
    fields |= {**sizes, "num_layers": 1, "batch_first": found.options.get("time_major") is not True}
    framework = "keras-cudnn" if first.is_cudnn else framework_of(first, found.framework)
    return Found(
        found.name,
        framework,
        kind=found.kind,
        layer=settings_of(fields, inferred),
        options=dict(found.options),
        notes=tuple(notes),
        unmodelled=found.unmodelled,
        weights=Weights(tensors_of(cells, framework)),
    )
