"""The records that the reports of several commands are made of; their fields are the keys of the JSON.

Not here: records of one command, which stand in its folder.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from lstmcalc.errors import UnsupportedError
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.lstm import LSTMModel, State, output_text
from lstmcalc.model.surroundings import Extra, extras
from lstmcalc.spec.config import AROUND_FIELDS, DATA_FIELDS, DTYPE_BYTES, HYPERPARAMETERS, DataSpec, LSTMConfig
from lstmcalc.spec.sizes import Dim

if TYPE_CHECKING:
    from lstmcalc.frameworks.storage import Parameter
    from lstmcalc.model.interfaces import Face
    from lstmcalc.model.lstm import Tensor

SETTINGS: Final = (*HYPERPARAMETERS, *DATA_FIELDS, *AROUND_FIELDS)

Ranges = Mapping[str, Sequence[int]]  # from a label to its first row and the row after its last


@dataclass(frozen=True, slots=True)
class OriginRow:
    """The origin of a setting."""

    from_: str  # `flag`, `source`, `config`, `default`, `solved`
    where: str | None  # e.g. `train.py:12`
    certainty: str  # `stated`, `inferred`, `assumed`, `unknown`


@dataclass(frozen=True, slots=True)
class SourceRow:
    """An LSTM as its source has it."""

    text: str
    where: str | None
    framework: str
    path: str | None  # the beginning of its parameters' names
    options: Mapping[str, object]  # the framework's own settings
    unmodelled: Sequence[str]


class Head(TypedDict):
    """The fields of `Module`, to be handed on to a subclass."""

    name: str
    framework: str
    kind: str
    text: str
    config: LSTMConfig
    provenance: Mapping[str, OriginRow]
    source: SourceRow | None


@dataclass(frozen=True, kw_only=True)
class Module:
    """The head of each LSTM in a report. A command's own record adds its fields, `notes` after the others."""

    name: str
    framework: str
    kind: str  # `layer` or `cell`
    text: str
    config: LSTMConfig
    provenance: Mapping[str, OriginRow]
    source: SourceRow | None  # None without a source


@dataclass(frozen=True, slots=True)
class DataRow:
    """The data that an LSTM is given."""

    seq_len: int
    batch: int | None
    lengths: Sequence[int] | None
    unbatched: bool
    dtype: str


@dataclass(frozen=True, slots=True)
class AroundRow:
    """The layers around an LSTM."""

    head: int | None  # outputs
    head_on: str | None  # `last` or `all`; None without a head
    embed: int | None  # words


@dataclass(frozen=True, slots=True)
class TensorRow:
    """A tensor that goes in or comes out."""

    name: str
    role: str  # `input` or `output`
    symbolic: Sequence[str]
    shape: Sequence[int]
    bytes: int


@dataclass(frozen=True, slots=True)
class StateRow:
    """An index of h_n and c_n."""

    index: int
    layer: int
    direction: str
    h_n_equals: str | None  # the slice of output that it equals
    h_n_differs_from: str | None  # the slice that it is often confused with


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """A parameter of a layer around the LSTM."""

    name: str
    part: str
    symbolic: Sequence[str]
    shape: Sequence[int]
    count: int


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A stored array."""

    name: str
    layer: int
    direction: str
    symbolic: Sequence[str]
    shape: Sequence[int]
    count: int
    gate_axis: int | None
    gates: Ranges | None


@dataclass(frozen=True, slots=True)
class ForeignParameterRow(ParameterRow):
    """A stored array of another framework: the PyTorch parameters that it holds, and their place in it."""

    gate: str | None  # the gate that it holds alone
    holds: Sequence[str]  # e.g. `weight_ih`; `bias` is the sum of both biases
    part_axis: int | None  # the axis on which two of them are joined
    parts: Ranges | None
    direction_axis: int | None  # the axis on which both directions are joined
    directions: Ranges | None


def head_of(subject: Subject, settings: Sequence[str]) -> Head:
    """The head of an LSTM's module, with the origins of these settings."""
    origins = {
        field: OriginRow(origin.source, origin.where, origin.certainty)
        for field, origin in subject.provenance.items()
        if field in settings
    }
    return {
        "name": subject.name,
        "framework": subject.framework,
        "kind": subject.kind,
        "text": str(subject.config),
        "config": subject.config,
        "provenance": origins,
        "source": _source_row(subject),
    }


def _source_row(subject: Subject) -> SourceRow | None:
    """The LSTM as its source has it; None without a source."""
    found = subject.found
    if found is None or not found.text:
        return None
    options = {
        name: value if isinstance(value, str | bool | None) else str(value) for name, value in found.options.items()
    }
    return SourceRow(found.text, found.where, found.framework, found.path or None, options, found.unmodelled)


def data_row(subject: Subject) -> DataRow:
    """The data that the LSTM is given."""
    data = subject.data
    return DataRow(data.seq_len, data.batch, data.lengths, data.unbatched, data.dtype)


def around_row(subject: Subject) -> AroundRow:
    """The layers around the LSTM."""
    around = subject.around
    return AroundRow(around.head, around.head_on if around.head else None, around.embed)


_BYTES: Final = {**DTYPE_BYTES, "int32": 4, "int64": 8}


def tensor_bytes(tensor: "Tensor | Face", dtype: str) -> int:
    """The bytes of a tensor; `dtype` is that of the data."""
    count = 1
    for size in tensor.shape:
        count *= size
    return count * _BYTES[tensor.dtype or dtype]


def tensor_row(tensor: "Tensor | Face", dtype: str) -> TensorRow:
    """One tensor, with its shape in symbols and in numbers; `dtype` is that of the data."""
    symbolic = [str(size) for size in tensor.symbolic]
    return TensorRow(tensor.name, tensor.role, symbolic, tensor.shape, tensor_bytes(tensor, dtype))


def state_rows(model: LSTMModel, data: DataSpec) -> Sequence[StateRow]:
    """The state map: the layer and direction of each index of h_n and c_n, and its slice of output."""
    states = model.states_of(data)
    return LazySequence(len(states), lambda index: _state_row(states[index]))


def _state_row(state: State) -> StateRow:
    equals = None if state.equals is None else output_text(state.equals)
    differs = None if state.differs is None else output_text(state.differs)
    return StateRow(state.position, state.layer, state.direction, equals, differs)


def extra_rows_of(subject: Subject) -> list[ExtraRow]:
    """The parameters of the layers around the LSTM."""
    return [
        ExtraRow(extra.name, extra.part, [str(size) for size in extra.symbolic], extra.shape, extra.numel)
        for extra in extras_of(subject)
    ]


def parameter_row(parameter: "Parameter") -> ParameterRow:
    """One stored array."""
    symbolic = [str(size) for size in parameter.symbolic]
    named = parameter.name, parameter.layer, parameter.direction
    return ParameterRow(*named, symbolic, parameter.shape, parameter.numel, parameter.gate_axis, parameter.gates)


def foreign_parameter_row(parameter: "Parameter") -> ForeignParameterRow:
    """One stored array of another framework."""
    fields = *parameter[:3], symbolic_texts(parameter), *parameter[4:]  # of both, in the same order
    return ForeignParameterRow(*fields)


def symbolic_texts(parameter: "Parameter") -> list[str]:
    """The shape of a stored array in symbols, each as text."""
    return [str(size) for size in parameter.symbolic]


def extras_of(subject: Subject) -> list[Extra]:
    """The parameters of the layers around the LSTM in its framework; an error names their place in the source."""
    try:
        return extras(subject.config, subject.around, subject.framework)
    except UnsupportedError as error:
        origins = (subject.provenance.get(field) for field in ("embed", "head"))
        where = next((origin.where for origin in origins if origin and origin.where), "")
        raise (error.at(where) if where else error) from None


def function_meanings(formulas: Iterable[Dim]) -> dict[str, str]:
    """The meaning of each function in some formulas, by name."""
    used = {function for formula in formulas for function in formula.functions}
    return {function.name: function.says for function in sorted(used, key=lambda function: function.name)}
