"""The symbolic model: every parameter, tensor and state of an LSTM, derived from declarative tables.

`GATES` and `UPDATES` say what an LSTM computes, `_kinds` what it stores; names, shapes, counts, gate rows and the state
map all follow from them, in symbols and in numbers.

Not here: other frameworks' names and orders (`layouts`), arrays (`numerics`).

Sources: the documentation and the code of `torch.nn.LSTM`, torch 2.13.0 (`torch/nn/modules/rnn.py`).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, reduce
from operator import add, mul
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.config import DataSpec, LSTMConfig
from lstmcalc.dims import Dim
from lstmcalc.lazy import LazySequence


class Gate(NamedTuple):
    """One of the four blocks of rows that each weight_ih, weight_hh and bias is made of."""

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
    """How one value of a step follows: `result` is the sum of products of the named values."""

    result: str
    terms: tuple[tuple[str, ...], ...]


# What a step does with its gates; `c` on the right is c_(t-1). h is `m`, or `W_hr m` with a projection.
UPDATES: Final = (
    Update("c", (("f", "c"), ("i", "g"))),
    Update("m", (("o", "tanh(c)"),)),
)

# The letters of PyTorch's documentation, and what they stand for.
SYMBOLS: Final = {
    "N": "batch",
    "L": "sequence length",
    "S": "sum of lengths",
    "max(lengths)": "longest of the lengths",
    "D": "directions",
    "H_in": "input_size",
    "H_cell": "hidden_size",
    "H_out": "proj_size if it is set, else hidden_size",
    "num_layers": "num_layers",
}
N = Dim.symbol("N")
L = Dim.symbol("L")
S = Dim.symbol("S")
LONGEST = Dim.symbol("max(lengths)")
D = Dim.symbol("D")
H_in = Dim.symbol("H_in")
H_cell = Dim.symbol("H_cell")
H_out = Dim.symbol("H_out")
num_layers = Dim.symbol("num_layers")

DIRECTIONS: Final = ("forward", "reverse")
_SUFFIX: Final = {"forward": "", "reverse": "_reverse"}

Index: TypeAlias = int | slice | list[int]


class _Kind(NamedTuple):
    """One kind of stored array: its name before the layer, its shape in a layer that reads `reads` values."""

    stem: str
    shape: tuple[Dim, ...]
    gated: bool


def _kinds(config: LSTMConfig, reads: Dim) -> list[_Kind]:
    """What one direction of one layer stores, in `state_dict` order.

    There are two biases because cuDNN has two; they only ever appear as a sum.
    """
    rows = len(GATES) * H_cell
    kinds = [_Kind("weight_ih", (rows, reads), gated=True), _Kind("weight_hh", (rows, H_out), gated=True)]
    if config.bias:
        kinds += [_Kind("bias_ih", (rows,), gated=True), _Kind("bias_hh", (rows,), gated=True)]
    if config.proj_size:
        kinds += [_Kind("weight_hr", (H_out, H_cell), gated=False)]
    return kinds


class Parameter(NamedTuple):
    """One stored array.

    Attributes:
        name: Its key in `state_dict`, as `weight_ih_l0_reverse`.
        layer: The layer, from 0.
        direction: `forward` or `reverse`.
        symbolic: Its shape in symbols.
        shape: Its shape in numbers.
        numel: How many numbers it holds.
        gate_axis: The axis that the gates share out; None if none does.
        gates: Where on that axis each gate is, as `{"i": (0, 20), ...}`; None if there are none.
    """

    name: str
    layer: int
    direction: str
    symbolic: tuple[Dim, ...]
    shape: tuple[int, ...]
    numel: int
    gate_axis: int | None
    gates: Mapping[str, tuple[int, int]] | None


class Subtotal(NamedTuple):
    """What one direction of one layer stores in all."""

    layer: int
    direction: str
    symbolic: Dim
    numel: int


class Tensor(NamedTuple):
    """One tensor that goes in (`role` is `input`) or comes out (`output`)."""

    name: str
    role: str
    symbolic: tuple[Dim, ...]
    shape: tuple[int, ...]


class State(NamedTuple):
    """One index of h_n and c_n: whose state it is, and where in `output` the same h stands.

    Attributes:
        position: Its index on the first axis of h_n and of c_n.
        layer: The layer, from 0.
        direction: `forward` or `reverse`.
        equals: The index into `output` that gives h_n[position]; None below the last layer, which `output` omits.
        differs: The index it is commonly mistaken for; None where there is no such trap.
    """

    position: int
    layer: int
    direction: str
    equals: tuple[Index, ...] | None
    differs: tuple[Index, ...] | None


class LSTMModel:
    """Everything that follows from an `LSTMConfig`, in symbols and in numbers; no arrays.

    >>> model = LSTMModel(LSTMConfig(input_size=10, hidden_size=20, num_layers=2, bidirectional=True))
    >>> model.num_parameters, model.parameters[0].name, model.parameters[0].shape
    (15040, 'weight_ih_l0', (80, 10))
    >>> [tensor.shape for tensor in model.tensors(seq_len=5, batch=3) if tensor.role == "output"]
    [(5, 3, 40), (4, 3, 20), (4, 3, 20)]
    """

    def __init__(self, config: LSTMConfig) -> None:
        self.config = config
        self.symbols: dict[str, int] = {
            "D": config.num_directions,
            "H_in": config.input_size,
            "H_cell": config.hidden_size,
            "H_out": config.output_size,
            "num_layers": config.num_layers,
        }
        # The first layer reads the input, every other one reads the layer below: two templates make all rows.
        self._templates = [[self._parameter(kind) for kind in _kinds(config, reads)] for reads in (H_in, D * H_out)]

    def __repr__(self) -> str:
        return f"LSTMModel({self.config!r})"

    def __reduce__(self) -> tuple[type["LSTMModel"], tuple[LSTMConfig]]:
        return LSTMModel, (self.config,)  # rows that are made when they are read do not pickle

    def _parameter(self, kind: _Kind) -> Parameter:
        """A template: the parameter of this kind, without its layer and direction."""
        shape = tuple(size.at(self.symbols) for size in kind.shape)
        rows = self.config.hidden_size
        gates = {gate.letter: (k * rows, (k + 1) * rows) for k, gate in enumerate(GATES)} if kind.gated else None
        return Parameter(kind.stem, 0, "", kind.shape, shape, reduce(mul, shape), 0 if gates else None, gates)

    @property
    def parameters_per_cell(self) -> int:
        """How many arrays one direction of one layer stores."""
        return len(self._templates[0])

    @property
    def num_cells(self) -> int:
        """`num_layers * D`: how many (layer, direction) pairs there are."""
        return self.config.num_layers * self.config.num_directions

    def _cell(self, index: int) -> tuple[int, str]:
        """The layer and direction of a (layer, direction) pair, of a state, of a subtotal: layer by layer."""
        layer, direction = divmod(index, self.config.num_directions)
        return layer, DIRECTIONS[direction]

    @cached_property
    def parameters(self) -> Sequence[Parameter]:
        """Every stored array, in `state_dict` order."""
        each = self.parameters_per_cell

        def make(index: int) -> Parameter:
            layer, direction = self._cell(index // each)
            template = self._templates[layer > 0][index % each]
            return template._replace(
                name=f"{template.name}_l{layer}{_SUFFIX[direction]}",
                layer=layer,
                direction=direction,
                gates=None if template.gates is None else dict(template.gates),
            )

        return LazySequence(self.num_cells * each, make)

    @cached_property
    def subtotals(self) -> Sequence[Subtotal]:
        """What each direction of each layer stores, in `state_dict` order."""
        sums = [
            (self._cell_symbolic(template), sum(parameter.numel for parameter in template))
            for template in self._templates
        ]

        def make(index: int) -> Subtotal:
            layer, direction = self._cell(index)
            return Subtotal(layer, direction, *sums[layer > 0])

        return LazySequence(self.num_cells, make)

    @staticmethod
    def _cell_symbolic(template: Sequence[Parameter]) -> Dim:
        return reduce(add, (reduce(mul, parameter.symbolic) for parameter in template))

    @property
    def num_parameters_symbolic(self) -> Dim:
        """The number of parameters as a formula: `D` times the first layer, and the layers above."""
        first, other = map(self._cell_symbolic, self._templates)
        return D * first if self.config.num_layers == 1 else D * first + D * (num_layers - 1) * other

    @property
    def num_parameters(self) -> int:
        """The number of parameters."""
        return self.num_parameters_symbolic.at(self.symbols)

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
        """Every tensor in and out, for data as `DataSpec.given` completes it.

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
                tensor("packed.batch_sizes", "input", LONGEST),
            ]
        return tensors

    def states_of(self, data: DataSpec) -> Sequence[State]:
        """The state map: for each index of h_n and c_n, its layer, its direction, and its place in `output`."""
        width, last = self.config.output_size, self.config.num_layers - 1
        columns = {"forward": slice(None, width), "reverse": slice(width, 2 * width)}

        def place(direction_of_time: str, direction: str) -> tuple[Index, ...]:
            """The end of one direction's walk, in the columns of one direction."""
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
    """An index into `output` as it is typed: `output[-1, :, 20:40]`."""

    def text(part: Index) -> str:
        if isinstance(part, slice):
            return f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"
        return str(part)

    return f"output[{', '.join(map(text, index))}]"
