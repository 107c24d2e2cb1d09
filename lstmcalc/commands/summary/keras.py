"""The layers beside the LSTMs of a JSON text: those of a model of Keras; other JSON has LSTMs alone."""

import json
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Final

from lstmcalc.commands.summary.inventory import Inventory, Layer, named
from lstmcalc.spec.words import with_rest

if TYPE_CHECKING:
    from lstmcalc.frameworks.layers import Setting, Settings
    from lstmcalc.readers.text.source_text import SourceText

_LISTED: Final = 3


def inventory_of_json(text: "SourceText") -> Inventory:
    """The layers of a model of Keras, with parameters where the width of their input follows."""
    from lstmcalc.frameworks.layers import keras_weights
    from lstmcalc.readers.keras.models import looks_like_keras, read_beside
    from lstmcalc.readers.text.positions import Places, scan_json

    try:
        tree = json.loads(text.text)  # what was read before
    except ValueError:  # it has comments, as JSON of settings has
        return Inventory("JSON")
    if not looks_like_keras(tree):
        return Inventory("JSON")
    others, unknown = [], []
    for item in read_beside(tree, text, Places(text, scan_json)):
        settings = {**_settings(item.arguments), "features": item.features}
        weights, shown = keras_weights(item.kind, settings), named(item.name, item.kind)
        if weights is None:
            unknown.append(item.name or item.kind)
            others.append(Layer(item.name, item.kind, shown, None))
        elif count := sum(map(prod, weights.values())):
            others.append(Layer(item.name, item.kind, shown, count))
    doubts = [f"{with_rest(unknown, _LISTED)} (unknown class or input)"] if unknown else []
    return Inventory("Keras JSON", others, doubts=doubts, least=bool(unknown))


def _settings(arguments: Mapping[str, object]) -> "Settings":
    """The arguments of a layer as `keras_weights` takes them: lists are tuples."""
    found: dict[str, Setting] = {}
    for name, value in arguments.items():
        if isinstance(value, list) and all(isinstance(size, int) for size in value):
            found[name] = tuple(value)
        elif isinstance(value, bool | int | float | str | None):
            found[name] = value
    return found
