"""An LSTM of Keras in a table of its own, with Keras' names, outside of what Keras itself writes.

Not here: what Keras writes (`readers.keras.models`).
"""

from collections.abc import Mapping
from typing import Any, Final

from lstmcalc.frameworks.constructors import CONSTRUCTORS, Given, read_arguments
from lstmcalc.readers.configurations.evidence import Evidence
from lstmcalc.readers.configurations.tables_in import Group
from lstmcalc.readers.configurations.values import Computed, plain
from lstmcalc.readers.configurations.words import KERAS_ONLY
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import Document, value_text
from lstmcalc.readers.text.positions import KeyPath
from lstmcalc.spec.provenance import Gap

_LSTM: Final = next(item for item in CONSTRUCTORS if item.framework == "keras")
# Names in a table of Keras that are none of its LSTM's, and do not make it another program's.
_BESIDE: Final = frozenset(("type", "name", "class_name", "layer", "layer_type", "kind", "_target_", "class"))


def reads_as_keras(evidence: Evidence, group: Group) -> bool:
    """True if the names in a table are those of Keras' LSTM."""
    if evidence.exact == "keras":
        return True
    names = group.entries.keys() - _BESIDE
    return (
        evidence.own
        and "units" in names
        and bool(names & KERAS_ONLY or names == {"units"} or names <= set(_LSTM.arguments))
    )


def keras_reading(
    document: Document,
    name: str,
    values: Mapping[str, tuple[Any, KeyPath]],
    path: KeyPath,
    evidence: Evidence,
) -> Found:
    """The LSTM of Keras that a table describes; `values` are those of its keys, each with its path."""
    given = {
        argument: Given(_argument(values[argument][0]), document.pointer(values[argument][1]))
        for argument in _LSTM.arguments
        if argument in values and argument not in ("name", "weights") and values[argument][0] is not None
    }
    where = document.where(path)
    reading = read_arguments(_LSTM, given, where)
    layer = {
        field: setting._replace(origin=setting.origin._replace(where=reading.pointers[field].place or where))
        for field, setting in reading.layer.items()
    }
    gaps = dict(reading.gaps)
    for field in ("hidden_size", "input_size"):
        if field not in layer and field not in gaps:
            gaps[field] = Gap("no units" if field == "hidden_size" else "nothing: Keras takes it from the data")
    doubts = () if evidence.own else (f"read as the LSTM that {evidence.why} names",)
    return Found(
        name,
        "keras",
        ", ".join(f"{argument} = {value_text(item.value)}" for argument, item in given.items()),
        where,
        layer,
        {"": document.pointer(path), **reading.pointers},
        gaps,
        options=reading.options,
        notes=reading.notes,
        unmodelled=reading.unmodelled,
        uncertain=doubts,
    )


def _argument(value: Any) -> Any:  # noqa: ANN401  # of any type
    """A value as the table of constructors takes it."""
    if isinstance(value, Computed):
        return Gap(f"{value.text}, which is computed")
    return tuple(value) if isinstance(value, list) else plain(value)
