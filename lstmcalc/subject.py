"""One LSTM to report on: what it is, the data it is given, and where each of these settings came from.

Settings come in layers (flags, then a source, then defaults), and the first layer that has one wins.

Not here: how a layer is read (`parse`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.config import DATA_FIELDS, EXAMPLE, HYPERPARAMETERS, DataSpec, LSTMConfig


class Origin(NamedTuple):
    """Where a setting came from.

    Attributes:
        source: `flag`, `source`, `config` or `default`.
        where: The place in that source, as `train.py:12`, or None.
        certainty: `stated` (the user says so, or the framework's own default), `inferred` (it follows from something
            stated), `assumed` (nobody says so, it is the example's value) or `unknown`.
    """

    source: str
    where: str | None
    certainty: str


class Setting(NamedTuple):
    """A value and where it came from."""

    value: Any
    origin: Origin


Layer: TypeAlias = Mapping[str, Setting]


class Subject(NamedTuple):
    """One LSTM to report on.

    Attributes:
        name: What the source calls it, as `encoder.rnn`; `lstm` if nothing does.
        framework: The framework it is reported in.
        kind: `layer` or `cell`.
        config: Its hyperparameters.
        data: The data it is given.
        provenance: Where each hyperparameter and each setting of the data came from.
    """

    name: str
    framework: str
    kind: str
    config: LSTMConfig
    data: DataSpec
    provenance: dict[str, Origin]


# What nobody said is the example of PyTorch's documentation; what PyTorch gives a default to is that default.
_ASSUMED: Final = Origin("default", None, "assumed")
_DEFAULT: Final = Origin("default", None, "stated")


def settle(layers: Sequence[Layer], framework: str = "pytorch", kind: str = "layer") -> Subject:
    """The LSTM that layers of settings describe, the first layer first.

    Args:
        layers: Settings, those that win first.
        framework: The framework to report it in.
        kind: What it is there, `layer` or `cell`.

    Raises:
        ConfigError: A setting breaks one of PyTorch's rules, or two contradict each other.
    """
    said = {field: setting for layer in reversed(layers) for field, setting in layer.items()}
    required = {field: EXAMPLE[field] for field in ("input_size", "hidden_size")}
    config = LSTMConfig(**{**required, **_values(said, HYPERPARAMETERS)})
    data = DataSpec.given(**_values(said, DATA_FIELDS))
    provenance = {
        field: said[field].origin if field in said else _unsaid(field, said)
        for field in (*HYPERPARAMETERS, *DATA_FIELDS)
    }
    return Subject("lstm", framework, kind, config, data, provenance)


def _values(said: Layer, fields: Sequence[str]) -> dict[str, Any]:
    return {field: said[field].value for field in fields if field in said}


def _unsaid(field: str, said: Layer) -> Origin:
    """The origin of what no layer has: it follows from the lengths or from being unbatched, or is a default."""
    cause = {"seq_len": ("lengths",), "batch": ("lengths", "unbatched")}.get(field, ())
    for other in cause:
        if other in said and said[other].value:
            return said[other].origin._replace(certainty="inferred")
    return _ASSUMED if field in EXAMPLE else _DEFAULT
