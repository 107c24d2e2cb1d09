"""One LSTM to report on: what it is, its data, what stands around it, and where each of these settings came from.

Settings come in layers (flags, then a source, then defaults), and the first layer that has one wins.

Not here: how a layer is read (`parse`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.readers.found import Found
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
    """One LSTM to report on.

    Attributes:
        name: What the source calls it, as `encoder.rnn`; `lstm` if nothing does.
        framework: The framework it is reported in.
        kind: `layer` or `cell`.
        config: Its hyperparameters.
        data: The data it is given.
        provenance: Where each hyperparameter and each setting of the data came from, and each of those around that
            somebody gave.
        found: What a source has of it; None if it is described by flags alone.
        around: The layers before and behind it.
    """

    name: str
    framework: str
    kind: str
    config: LSTMConfig
    data: DataSpec
    provenance: dict[str, Origin]
    found: Found | None = None
    around: Surroundings = Surroundings()


# What nobody said is the example of PyTorch's documentation; what PyTorch gives a default to is that default.
_ASSUMED: Final = Origin("default", None, "assumed")
_DEFAULT: Final = Origin("default", None, "stated")


def settle(
    layers: Sequence[Layer], framework: str = "pytorch", kind: str = "layer", found: Found | None = None
) -> Subject:
    """The LSTM that layers of settings describe, the first layer first.

    Args:
        layers: Settings, those that win first.
        framework: The framework to report it in.
        kind: What it is there, `layer` or `cell`.
        found: What a source has of it, if one has; it names the LSTM.

    Raises:
        ConfigError: A setting breaks one of PyTorch's rules, or two contradict each other.
    """
    said = _merged(layers)
    required = {field: EXAMPLE[field] for field in ("input_size", "hidden_size")}
    config = LSTMConfig(**{**required, **_values(said, HYPERPARAMETERS)})
    data = DataSpec.given(**_values(said, DATA_FIELDS))
    around = Surroundings(**_values(said, AROUND_FIELDS))
    provenance = {
        field: said[field].origin if field in said else _unsaid(field, said)
        for field in (*HYPERPARAMETERS, *DATA_FIELDS)
    }
    provenance |= {field: said[field].origin for field in AROUND_FIELDS if field in said}
    return Subject(found.name if found else "lstm", framework, kind, config, data, provenance, found, around)


# Settings of the data that a layer above makes void, because it says the same in another way.
_VOID: Final[Mapping[str, tuple[str, ...]]] = {
    "lengths": ("batch", "unbatched", "seq_len"),
    "unbatched": ("batch", "lengths"),
    "batch": ("lengths", "unbatched"),
}


def _merged(layers: Sequence[Layer]) -> dict[str, Setting]:
    """Of each setting the one that wins."""
    said: dict[str, Setting] = {}
    for layer in layers:
        void = {other for field, others in _VOID.items() if field in said and _is_said(said[field]) for other in others}
        if {"batch", "lengths"} <= said.keys() | layer.keys() and _agree(said.get("batch"), layer.get("lengths")):
            void.discard("lengths")
        said.update({field: setting for field, setting in layer.items() if field not in said and field not in void})
    return said


def _agree(batch: Setting | None, lengths: Setting | None) -> bool:
    """Whether there are as many lengths as sequences."""
    counted = batch is not None and lengths is not None and isinstance(lengths.value, list | tuple)
    return bool(counted and batch and lengths and len(lengths.value) == batch.value)


def _is_said(setting: Setting) -> bool:
    return setting.value is not None and setting.value is not False


def _values(said: Layer, fields: Sequence[str]) -> dict[str, Any]:
    return {field: said[field].value for field in fields if field in said}


def _unsaid(field: str, said: Layer) -> Origin:
    """The origin of what no layer has: it follows from the lengths or from being unbatched, or is a default."""
    cause = {"seq_len": ("lengths",), "batch": ("lengths", "unbatched")}.get(field, ())
    for other in cause:
        if other in said and said[other].value:
            return said[other].origin._replace(certainty="inferred")
    return _ASSUMED if field in EXAMPLE else _DEFAULT
