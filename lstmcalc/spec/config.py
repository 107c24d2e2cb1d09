"""The hyperparameters of an LSTM, its data and the layers around it: frozen, validated, with derived sizes.

Names, order, defaults and rules are those of `torch.nn.LSTM` (torch 2.13.0, `torch/nn/modules/rnn.py`).

Not here: the origin of a value (`provenance`), its spelling on the command line (`intake.flags`), and what follows
from it (`model`).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from operator import index
from typing import Any, Final

from lstmcalc.errors import ClashError, ConfigError, shorten
from lstmcalc.spec.words import counted

# The example that PyTorch's documentation runs: `nn.LSTM(10, 20, 2)` on `torch.randn(5, 3, 10)` (torch 2.13.0). It
# replaces settings that have no default and are not given.
EXAMPLE: Final = {"input_size": 10, "hidden_size": 20, "seq_len": 5, "batch": 3}
MAX_SIZE: Final = 2**63 - 1  # PyTorch stores sizes as signed 64-bit integers
DTYPE_BYTES: Final = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
# An LSTM in 8 bits has several layouts, none of which has a single dtype.
QUANTIZED_HINT: Final = "quantized LSTMs: lstmcalc cost --quantize pytorch-dynamic, or tflite-int8"


@dataclass(frozen=True)
class LSTMConfig:
    """The hyperparameters of one LSTM, as `torch.nn.LSTM` takes them.

    Attributes:
        input_size: `H_in`, the features of each input step; at least 1.
        hidden_size: `H_cell`, the cells of each layer and direction; at least 1.
        num_layers: Stacked layers; at least 1.
        bias: True if there are biases (PyTorch stores two per layer and direction).
        batch_first: True if input and output are `(N, L, ...)` instead of `(L, N, ...)`; h and c never are.
        dropout: Dropout between layers, in training only; in [0, 1]. It changes no shape and no count.
        bidirectional: True if each layer also reads the sequence backwards.
        proj_size: `H_out` of a projected LSTM, below `hidden_size`; 0 means no projection.

    Raises:
        ConfigError: A value breaks one of these rules.
    """

    input_size: int
    hidden_size: int
    num_layers: int = 1
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    proj_size: int = 0

    def __post_init__(self) -> None:
        for field in ("input_size", "hidden_size", "num_layers"):
            _settle(self, field, _integer(field, getattr(self, field), at_least=1))
        for field in ("bias", "batch_first", "bidirectional"):
            _boolean(field, getattr(self, field))
        _settle(self, "dropout", _probability("dropout", self.dropout))
        _settle(self, "proj_size", _integer("proj_size", self.proj_size, at_least=0))
        if self.proj_size >= self.hidden_size:
            raise ConfigError(
                "proj_size is out of range",
                expected=f"0 <= proj_size < hidden_size = {self.hidden_size}",
                found=str(self.proj_size),
                hint="a projection makes h narrower than the cell; 0 means no projection",
                field="proj_size",
            )

    @property
    def num_directions(self) -> int:
        """`D`: 2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """`H_out`: the width of h, `proj_size` if there is a projection, else `hidden_size`."""
        return self.proj_size or self.hidden_size

    def layer_input_size(self, layer: int) -> int:
        """The input width of `layer`: `H_in` for the first, `D*H_out` for the others."""
        return self.input_size if layer == 0 else self.num_directions * self.output_size

    def __str__(self) -> str:
        """The text that PyTorch prints for this LSTM, which is also the call that makes it."""
        shown = [str(self.input_size), str(self.hidden_size)]
        order = ("proj_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
        shown += [f"{name}={getattr(self, name)}" for name in order if getattr(self, name) != getattr(type(self), name)]
        return f"LSTM({', '.join(shown)})"


HYPERPARAMETERS: Final = tuple(field.name for field in fields(LSTMConfig))
DATA_FIELDS: Final = ("seq_len", "batch", "unbatched", "lengths", "dtype")


@dataclass(frozen=True)
class DataSpec:
    """The data that an LSTM reads. The defaults are the example of PyTorch's documentation.

    Attributes:
        seq_len: `L`, the steps of the (padded) input; at least 1.
        batch: `N`, which may be 0; None when unbatched, with 2-D input `(L, H_in)`.
        lengths: The length of each sequence of a packed batch, in any order, each in 1..L; None when all are L.
        dtype: One of float64, float32, bfloat16 and float16.

    Raises:
        ConfigError: A value breaks one of these rules, or two contradict each other.
    """

    seq_len: int = EXAMPLE["seq_len"]
    batch: int | None = EXAMPLE["batch"]
    lengths: tuple[int, ...] | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in tuple(DTYPE_BYTES):  # a tuple, so that unhashable values are refused too
            raise ConfigError(
                "dtype is unknown",
                expected=f"one of {', '.join(DTYPE_BYTES)}",
                found=shorten(self.dtype),
                hint=QUANTIZED_HINT if "int8" in str(self.dtype)[:20] else "",
                field="dtype",
            )
        _settle(self, "seq_len", _integer("seq_len", self.seq_len, at_least=1))
        if self.batch is not None:
            _settle(self, "batch", _integer("batch", self.batch, at_least=0))
        if self.lengths is not None:
            lengths = _lengths(self.lengths)
            _settle(self, "lengths", lengths)
            self._check_lengths(lengths)

    @classmethod
    def given(
        cls,
        seq_len: int | None = None,
        batch: int | None = None,
        lengths: Sequence[int] | None = None,
        *,
        unbatched: bool = False,
        dtype: str = "float32",
    ) -> "DataSpec":
        """Complete partial data: lengths set the batch and, if it is missing, the sequence length.

        Raises:
            ConfigError: As for the class, or unbatched data have a batch or lengths.
        """
        _boolean("unbatched", unbatched)
        lengths = None if lengths is None else _lengths(lengths)
        for field, value in (("batch", batch), ("lengths", lengths)):
            if unbatched and value is not None:
                raise ClashError(
                    f"unbatched input has no {field}",
                    expected="one sequence, (L, H_in)",
                    found=f"{field} = {_list_text(value)}",
                    hint="drop one of the two; the sequence length alone describes unbatched input",
                    field=field,
                )
        if seq_len is None:
            seq_len = max(lengths) if lengths else cls.seq_len
        if batch is None and not unbatched:
            batch = len(lengths) if lengths else cls.batch
        return cls(seq_len, batch, lengths, dtype)

    @property
    def unbatched(self) -> bool:
        """True if the input is 2-D, `(L, H_in)`."""
        return self.batch is None

    @property
    def num_sequences(self) -> int:
        """The number of computed sequences: `N`, or 1 when unbatched."""
        return 1 if self.batch is None else self.batch

    @property
    def longest(self) -> int:
        """The number of computed steps: the longest of the lengths, or `L`."""
        return max(self.lengths) if self.lengths else self.seq_len

    @property
    def sorted_indices(self) -> tuple[int, ...]:
        """Indices of the sequences from longest to shortest, the order of a packed batch.

        Equal lengths keep their order here; PyTorch may sort them in any order.
        """
        lengths = self.lengths or (self.seq_len,) * self.num_sequences
        return tuple(sorted(range(len(lengths)), key=lambda n: -lengths[n]))

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The number of sequences at each computed step (the first of `sorted_indices`); empty for an empty batch."""
        if not self.num_sequences:
            return ()
        if self.lengths is None:
            return (self.num_sequences,) * self.seq_len
        ascending = sorted(self.lengths)
        return tuple(len(ascending) - bisect_right(ascending, step) for step in range(self.longest))

    def _check_lengths(self, lengths: tuple[int, ...]) -> None:
        if self.batch is None:
            raise ClashError(
                "unbatched input has no lengths",
                expected="one sequence, (L, H_in)",
                found=f"lengths = {_list_text(lengths)}",
                field="lengths",
            )
        if self.batch != len(lengths):
            raise ClashError(
                "batch and lengths disagree",
                expected=f"one length for each sequence, N = {self.batch}",
                found=counted(len(lengths), "length"),
                hint="leave out the batch, the lengths set it" if self.batch else "an empty batch cannot be packed",
                field="batch",
            )
        if max(lengths) > self.seq_len:
            raise ClashError(
                "lengths do not fit into the sequence",
                expected=f"each length in 1..L = {self.seq_len}",
                found=str(max(lengths)),
                hint="leave out the sequence length, the longest of the lengths sets it",
                field="lengths",
            )


AROUND_FIELDS: Final = ("head", "head_on", "embed")
HEAD_ON: Final = ("last", "all")


@dataclass(frozen=True)
class Surroundings:
    """The layers before and after an LSTM.

    Attributes:
        head: `OUT`, the outputs of a Linear after it; at least 1, None for none.
        head_on: The input of the head: `last`, the last hidden state, or `all`, the output of every step.
        embed: `VOCAB`, the words of an Embedding before it, whose vectors are the input; at least 1, None for none.

    Raises:
        ConfigError: A value breaks one of these rules.
    """

    head: int | None = None
    head_on: str = "last"
    embed: int | None = None

    def __post_init__(self) -> None:
        for field in ("head", "embed"):
            value = getattr(self, field)
            if value is not None:
                _settle(self, field, _integer(field, value, at_least=1))
        if self.head_on not in HEAD_ON:
            raise ConfigError(
                "head_on is unknown",
                expected=f"one of {', '.join(HEAD_ON)}",
                found=shorten(self.head_on),
                field="head_on",
            )
        if self.head_on != "last" and self.head is None:
            raise ConfigError(
                "there is no head to put on all steps",
                expected="a head with its number of outputs",
                found=f"head_on = {self.head_on}",
                hint="--head 10 adds one with 10 outputs",
                field="head_on",
            )


def _settle(instance: object, field: str, value: object) -> None:
    """Set a field of a frozen dataclass while it is being made."""
    object.__setattr__(instance, field, value)


def _integer(field: str, value: object, *, at_least: int, name: str = "", rule: str = "") -> int:
    """`value` as an int in `at_least..MAX_SIZE`; NumPy's integers are welcome, booleans and floats are not.

    An error calls it `name`, and `rule` where it says what is allowed; both are the field's name by default.
    """
    name, rule = name or field, rule or field
    try:
        number = index(value)  # type: ignore[arg-type]  # the TypeError is the test
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ConfigError(
            f"{name} is not an integer",
            expected=f"{rule} >= {at_least}",
            found=shorten(value),
            field=field,
        )
    if number < at_least:
        raise ConfigError(
            f"{name} is out of range", expected=f"{rule} >= {at_least}", found=shorten(number), field=field
        )
    if number > MAX_SIZE:
        raise ConfigError(
            f"{name} is out of range",
            expected=f"{rule} <= 2**63 - 1, the largest size PyTorch can store",
            found=f"about 10**{number.bit_length() * 30103 // 100000}",
            field=field,
        )
    return number


def _boolean(field: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{field} is not a Boolean", expected="True or False", found=shorten(value), field=field)


def _probability(field: str, value: object) -> float:
    number: Any = value  # Real has no typed comparison
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= number <= 1:
        raise ConfigError(
            f"{field} is not a probability", expected=f"0 <= {field} <= 1", found=shorten(value), field=field
        )
    return float(value) + 0.0  # -0.0 is 0.0


def _lengths(value: Iterable[object]) -> tuple[int, ...]:
    """The lengths as a tuple of integers, each at least 1."""
    try:
        items = tuple(value)
    except TypeError:
        raise ConfigError(
            "lengths is not a list", expected="integers, e.g. 4, 2, 3", found=shorten(value), field="lengths"
        ) from None
    if not items:
        raise ConfigError(
            "lengths is empty",
            expected="one length for each sequence, e.g. 4, 2, 3",
            hint="an empty batch cannot be packed: leave the lengths out, and let the batch be 0",
            field="lengths",
        )
    numbers = []
    for position, item in enumerate(items):
        numbers.append(_integer("lengths", item, at_least=1, name=f"lengths[{position}]", rule="each length"))
    return tuple(numbers)


_SHOWN: Final = 8  # items of a list in a message


def _list_text(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return ", ".join(map(str, value if len(value) <= _SHOWN else [*value[: _SHOWN - 1], "...", value[-1]]))
