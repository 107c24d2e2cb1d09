"""One LSTM to report on: its hyperparameters, its data, the layers around it, and the origin of each setting.

Settings come in layers (flags, then a source, then defaults), and the first layer that has one wins.

Not here: how a layer is read (`flags`, `readers.found`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.readers.found import Found
from lstmcalc.spec.activations import PYTORCH, Activations, activations_of
from lstmcalc.spec.config import (
    AROUND_FIELDS,
    DATA_FIELDS,
    EXAMPLE,
    HYPERPARAMETERS,
    DataSpec,
    LSTMConfig,
    Surroundings,
)
from lstmcalc.spec.provenance import Layer, Origin, Setting


class Subject(NamedTuple):
    """One LSTM to report on."""

    name: str  # its name in the source, e.g. `encoder.rnn`; `lstm` if it has none
    framework: str  # the framework it is reported in
    kind: str  # `layer` or `cell`
    config: LSTMConfig
    data: DataSpec
    # The origin of each hyperparameter and data setting, and of each setting of the layers around it that was given.
    provenance: dict[str, Origin]
    found: Found | None = None  # the LSTM as its source has it; without `text` if flags alone describe it
    around: Surroundings = Surroundings()  # the layers before and after it


def activations_in(subject: Subject) -> Activations:
    """The functions of the LSTM as its source states them; PyTorch's without a source."""
    found = subject.found
    return PYTORCH if found is None else activations_of(found.framework, found.options)


# A setting that nobody gave is PyTorch's default; without a default, that of the example in its documentation.
_ASSUMED: Final = Origin("default", None, "assumed")
_DEFAULT: Final = Origin("default", None, "stated")


def subject_of_layers(
    layers: Sequence[Layer], framework: str = "pytorch", kind: str = "layer", found: Found | None = None
) -> Subject:
    """The LSTM that layers of settings describe; earlier layers win, and `found` gives its name."""
    said = _merged_settings(layers)
    required = {field: EXAMPLE[field] for field in ("input_size", "hidden_size")}
    config = LSTMConfig(**{**required, **_values(said, HYPERPARAMETERS)})
    data = DataSpec.given(**_values(said, DATA_FIELDS))
    around = Surroundings(**_values(said, AROUND_FIELDS))
    provenance = {
        field: said[field].origin if field in said else _origin_of_unset(field, said)
        for field in (*HYPERPARAMETERS, *DATA_FIELDS)
    }
    provenance |= {field: said[field].origin for field in AROUND_FIELDS if field in said}
    return Subject(found.name if found else "lstm", framework, kind, config, data, provenance, found, around)


# Data settings that a setting of an earlier layer makes void, because it says the same in another way.
_VOID: Final[Mapping[str, tuple[str, ...]]] = {
    "lengths": ("batch", "unbatched", "seq_len"),
    "unbatched": ("batch", "lengths"),
    "batch": ("lengths", "unbatched"),
}


def _merged_settings(layers: Sequence[Layer]) -> dict[str, Setting]:
    """The winning setting of each field."""
    said: dict[str, Setting] = {}
    for layer in layers:
        void = {other for field, others in _VOID.items() if field in said and _is_said(said[field]) for other in others}
        if {"batch", "lengths"} <= said.keys() | layer.keys() and _agree(said.get("batch"), layer.get("lengths")):
            void.discard("lengths")
        said.update({field: setting for field, setting in layer.items() if field not in said and field not in void})
    return said


def _agree(batch: Setting | None, lengths: Setting | None) -> bool:
    """True if there are as many lengths as sequences."""
    counted = batch is not None and lengths is not None and isinstance(lengths.value, list | tuple)
    return bool(counted and batch and lengths and len(lengths.value) == batch.value)


def _is_said(setting: Setting) -> bool:
    return setting.value is not None and setting.value is not False


def _values(said: Layer, fields: Sequence[str]) -> dict[str, Any]:
    return {field: said[field].value for field in fields if field in said}


def _origin_of_unset(field: str, said: Layer) -> Origin:
    """The origin of a setting that no layer has: it follows from lengths or unbatched, or is a default."""
    cause = {"seq_len": ("lengths",), "batch": ("lengths", "unbatched")}.get(field, ())
    for other in cause:
        if other in said and said[other].value:
            return said[other].origin._replace(certainty="inferred")
    return _ASSUMED if field in EXAMPLE else _DEFAULT
