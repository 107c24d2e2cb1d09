"""The symbolic model: every parameter, tensor and state of an LSTM, derived from declarative tables.

`GATES` and `UPDATES` define what an LSTM computes; its parameters, under PyTorch's names, follow from the table of
`frameworks`; tensors and the state map are here, in symbols and in numbers.

Not here: other frameworks' names and orders (`frameworks.storage`), arrays (`numerics`).

Sources: the documentation and the code of `torch.nn.LSTM`, torch 2.13.0 (`torch/nn/modules/rnn.py`).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from lstmcalc.errors import UsageError
from lstmcalc.lazy import LazySequence
from lstmcalc.model.snippets import Index, at, tensor
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import DIRECTIONS, LONGEST, SYMBOLS, D, H_cell, H_in, H_out, L, N, S, num_layers, sizes_of

if TYPE_CHECKING:
    from lstmcalc.frameworks.storage import Parameter, Storage


class Gate(NamedTuple):
    """One of the four blocks of rows in each weight_ih, weight_hh and bias."""

    letter: str
    name: str
    activation: str
    role: str


# In the order of PyTorch's rows: "(W_ii|W_if|W_ig|W_io)". g is the candidate; others call it c, z or j.
GATES: Final = (
    Gate("i", "input", "sigmoid", "how much of the candidate enters the cell"),
    Gate("f", "forget", "sigmoid", "how much of the cell is kept"),
    Gate("g", "cell", "tanh", "the candidate for the cell"),
    Gate("o", "output", "sigmoid", "how much of the cell is shown as h"),
)


class Update(NamedTuple):
    """The formula of one value of a step: `result` is the sum of products of the named values."""

    result: str
    terms: tuple[tuple[str, ...], ...]


# The updates of a step, after its gates; `c` on the right is c_(t-1). h is `m`, or `W_hr m` with a projection.
UPDATES: Final = (
    Update("c", (("f", "c"), ("i", "g"))),
    Update("m", (("o", "tanh(c)"),)),
)


# The values of a step, by their names in a trace: the gates, the cell and the hidden state.
TRACED: Final = (*(gate.letter for gate in GATES), "c", "h")


def traced_name(value: str, layer: int, direction: str) -> str:
    """The name of one value of one layer and direction in a trace: `f_l0`, `h_l1_reverse`."""
    return f"{value}_l{layer}{'' if direction == 'forward' else '_reverse'}"


class Tensor(NamedTuple):
    """One tensor that goes in or comes out."""

    name: str
    role: str  # `input` or `output`
    symbolic: tuple[Dim, ...]  # its shape in symbols
    shape: tuple[int, ...]
    dtype: str = ""  # empty for the dtype of the data


class State(NamedTuple):
    """One index of h_n and c_n: its layer and direction, and the place of the same h in `output`."""

    position: int  # the index on the first axis of h_n and of c_n
    layer: int  # from 0
    direction: str  # `forward` or `reverse`
    equals: tuple[Index, ...] | None  # the index into `output` that gives h_n[position]; None below the last layer
    differs: tuple[Index, ...] | None  # the index that it is commonly mistaken for; None if there is no such trap


class LSTMModel:
    """Everything that follows from an `LSTMConfig`, in symbols and in numbers; no arrays.

    >>> model = LSTMModel(LSTMConfig(input_size=10, hidden_size=20, num_layers=2, bidirectional=True))
    >>> model.num_parameters, model.parameters[0].name, model.parameters[0].shape
    (15040, 'weight_ih_l0', (80, 10))
    >>> [tensor.shape for tensor in model.tensors(seq_len=5, batch=3) if tensor.role == "output"]
    [(5, 3, 40), (4, 3, 20), (4, 3, 20)]
    """

    def __init__(self, config: LSTMConfig) -> None:
        given: object = config  # a module of PyTorch, as people try it
        if not isinstance(given, LSTMConfig):
            hint = "lstms_in(model) has those of a model in memory, by name"
            raise UsageError("this is no LSTMConfig", "LSTMConfig(10, 20)", type(given).__name__, hint)
        self.config = config
        self.symbols = sizes_of(config)

    def __repr__(self) -> str:
        return f"LSTMModel({self.config!r})"

    def __reduce__(self) -> tuple[type["LSTMModel"], tuple[LSTMConfig]]:
        return LSTMModel, (self.config,)  # lazy rows do not pickle

    @cached_property
    def storage(self) -> "Storage":
        """The parameters that PyTorch stores for this LSTM."""
        from lstmcalc.frameworks.storage import Storage

        return Storage(self.config, "pytorch")

    @property
    def num_cells(self) -> int:
        """`num_layers * D`: the number of (layer, direction) pairs."""
        return self.config.num_layers * self.config.num_directions

    def _cell(self, index: int) -> tuple[int, str]:
        """The layer and direction of a state; states are counted layer by layer."""
        layer, direction = divmod(index, self.config.num_directions)
        return layer, DIRECTIONS[direction]

    @property
    def parameters(self) -> "Sequence[Parameter]":
        """Every stored array, in `state_dict` order."""
        return self.storage.parameters

    @property
    def num_parameters_symbolic(self) -> Dim:
        """The number of parameters as a formula: `D` times the first layer, and the layers above."""
        return self.storage.num_parameters_symbolic

    @property
    def num_parameters(self) -> int:
        """The number of parameters."""
        return self.storage.num_parameters

    def data_symbols(self, data: DataSpec) -> dict[str, int]:
        """The value of every symbol for this LSTM on this data, in the legend's order."""
        values = {**self.symbols, "L": data.seq_len}
        if data.batch is not None:
            values["N"] = data.batch
        if data.lengths:
            values |= {"S": sum(data.lengths), "max(lengths)": max(data.lengths)}
        return {symbol: values[symbol] for symbol in SYMBOLS if symbol in values}

    def tensors(
        self,
        seq_len: int | None = None,
        batch: int | None = None,
        lengths: Sequence[int] | None = None,
        *,
        unbatched: bool = False,
    ) -> list[Tensor]:
        """Every tensor in and out, for data that `DataSpec.given` completes.

        Raises:
            ConfigError: The data breaks one of PyTorch's rules.
        """
        return self.tensors_of(DataSpec.given(seq_len, batch, lengths, unbatched=unbatched))

    def tensors_of(self, data: DataSpec) -> list[Tensor]:
        """Every tensor in and out: input, h_0, c_0, output, h_n, c_n, then the parts of a packed input."""
        values = self.data_symbols(data)
        batch = () if data.unbatched else (N,)
        # batch_first reorders input and output only, and means nothing without a batch axis.
        steps = (N, L) if self.config.batch_first and not data.unbatched else (L, *batch)

        def tensor(name: str, role: str, *symbolic: Dim) -> Tensor:
            return Tensor(name, role, symbolic, tuple(size.at(values) for size in symbolic))

        tensors = [
            tensor("input", "input", *steps, H_in),
            tensor("h_0", "input", D * num_layers, *batch, H_out),
            tensor("c_0", "input", D * num_layers, *batch, H_cell),
            tensor("output", "output", *steps, D * H_out),
            tensor("h_n", "output", D * num_layers, *batch, H_out),
            tensor("c_n", "output", D * num_layers, *batch, H_cell),
        ]
        if data.lengths:
            tensors += [
                tensor("packed.data", "input", S, H_in),
                tensor("packed.batch_sizes", "input", LONGEST)._replace(dtype="int64"),
            ]
        return tensors

    def states_of(self, data: DataSpec) -> Sequence[State]:
        """The state map: for each index of h_n and c_n, its layer, its direction, and its place in `output`."""
        width, last = self.config.output_size, self.config.num_layers - 1
        columns = {"forward": slice(None, width), "reverse": slice(width, 2 * width)}

        def place(direction_of_time: str, direction: str) -> tuple[Index, ...]:
            """The index of the last step of one direction, in the columns of one direction."""
            end: Index = -1 if direction_of_time == "forward" else 0
            row: Index = slice(None)
            if data.lengths and direction_of_time == "forward":
                end, row = [length - 1 for length in data.lengths], list(range(len(data.lengths)))
            axes = (end,) if data.unbatched else (row, end) if self.config.batch_first else (end, row)
            return (*axes, columns[direction])

        def make(index: int) -> State:
            layer, direction = self._cell(index)
            if layer < last:
                return State(index, layer, direction, None, None)
            # Reading the reverse half at the last step is the most common mistake with bidirectional LSTMs:
            # that direction has read a single step there. It ends at step 0.
            trap = direction == "reverse" and data.longest > 1 and data.num_sequences > 0
            return State(
                index,
                layer,
                direction,
                place(direction, direction),
                place("forward", direction) if trap else None,
            )

        return LazySequence(self.num_cells, make)


def output_text(index: Sequence[Index]) -> str:
    """An index into `output` as Python: `output[-1, :, 20:40]`."""
    return at(tensor("output"), *index).text
