"""One LSTM to report on: what it is, its data, what stands around it, and where each of these settings came from.

Settings come in layers (flags, then a source, then defaults), and the first layer that has one wins.

Not here: how a layer is read (`parse`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from lstmcalc.config import (
    AROUND_FIELDS,
    DATA_FIELDS,
    EXAMPLE,
    HYPERPARAMETERS,
    DataSpec,
    LSTMConfig,
    Surroundings,
)

if TYPE_CHECKING:
    from lstmcalc.recognition import Recognised
    from lstmcalc.tensors import WeightFile


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


class Pointer(NamedTuple):
    """A place in a source, for people.

    Attributes:
        place: As `train.py:12`; empty if the source is a line of text.
        excerpt: The line, and carets below what is meant.
    """

    place: str
    excerpt: str


@dataclass(frozen=True)
class Gap:
    """What a source leaves open.

    Attributes:
        why: What it has instead, as `args.hidden`, or a phrase.
        names: The names of the source that would settle it, as `--set` takes them.
    """

    why: str
    names: tuple[str, ...] = ()


def quoted_name(name: str) -> str:
    """A name of a source as a shell takes it."""
    return name if name.replace(".", "").replace("_", "").isalnum() else f'"{name}"'


class Found(NamedTuple):
    """One LSTM as a source has it.

    Attributes:
        name: What the source calls it, as `encoder.rnn`.
        framework: Whose it is, a name of `frameworks`.
        text: How the source says it, in a line: `nn.LSTM(10, hidden)`.
        where: Its place, as `train.py:12`, or None.
        layer: The settings that the source gives, hyperparameters and data alike.
        pointers: Where each setting stands, for errors; `""` is the LSTM itself.
        gaps: The settings that the source leaves open.
        reads: The name of the LSTM whose output is its input, which settles its input size; empty if none is known.
        options: The framework's own settings that change what goes in and comes out, as `return_sequences`.
        notes: What is worth knowing, in sentences.
        unmodelled: What makes it compute something else than an LSTM of PyTorch, each as `activation = 'relu'`.
        path: What its parameters' names begin with, if that is known: `lstm_1`, or `both/{direction}_lstm`.
        input_shape: The shape of an array that it is given there, None for a size that is not known; `pointers` has
            it as `input`.
        weights: The LSTM in a weight file, if the source is one.
        file: That file.
    """

    name: str
    framework: str
    text: str
    where: str | None
    layer: "Layer"
    pointers: Mapping[str, Pointer]
    gaps: Mapping[str, Gap] = {}
    reads: str = ""
    options: Mapping[str, Any] = {}
    notes: tuple[str, ...] = ()
    unmodelled: tuple[str, ...] = ()
    path: str = ""
    input_shape: tuple[int | None, ...] = ()
    weights: "Recognised | None" = None
    file: "WeightFile | None" = None


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
