"""The tensors that go in and come out, and the map of the states, as records of reports."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from lstmcalc.lazy import LazySequence
from lstmcalc.model.lstm import LSTMModel, State, output_text
from lstmcalc.spec.config import DTYPE_BYTES, DataSpec

if TYPE_CHECKING:
    from lstmcalc.model.interfaces import Face
    from lstmcalc.model.lstm import Tensor


class TensorRow(NamedTuple):
    """A tensor that goes in or comes out."""

    name: str
    role: str  # `input` or `output`
    symbolic: Sequence[str]
    shape: Sequence[int]
    bytes: int


class StateRow(NamedTuple):
    """An index of h_n and c_n."""

    index_: int
    layer: int
    direction: str
    h_n_equals: str | None  # the slice of output that it equals
    h_n_differs_from: str | None  # the slice that it is often confused with


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
