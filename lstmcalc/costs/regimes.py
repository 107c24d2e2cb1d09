"""What decides which formula for memory holds: facts of an LSTM and its data that are no sizes.

Two LSTMs of one regime have the same formulas, sizes apart: a formula is made of a `Regime` and of nothing else. So a
sweep over many sizes needs one formula for each regime.

Not here: the formulas (`onednn`, `native`), and which of them holds (`paths`).
"""

from bisect import bisect_left
from typing import Any, Final, NamedTuple

from lstmcalc.spec.config import DTYPE_BYTES, DataSpec, LSTMConfig
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import LONGEST, L, N, S

UNIFORM: Final = "uniform"

# The smallest values at which another regime begins. Between them, and within one class of widths (`aligned`), no
# formula falls while a size grows.
SWITCHES: Final = {"batch": (0, 1, 2), "seq_len": (1, 2, 3), "num_layers": (1, 2, 3)}

_LINE: Final = 64  # bytes of a cache line
_ALIAS: Final = 256  # elements; rows this far apart would share lines of the cache


class Regime(NamedTuple):
    """The facts that choose a formula.

    Attributes:
        dtype: The dtype of weights and data.
        bias: Whether there are biases.
        projected: Whether there is a projection.
        bidirectional: Whether there are two directions.
        dropout: Between layers: `none`, `some`, or `all`, which is dropout with probability 1.
        layers: 1, 2, or 3 for three and more.
        unbatched: Whether the input has no axis for a batch.
        packed: Empty if padded; `uniform` if packed, all lengths equal; else two numbers that no symbol stands for: how
            many sequences reach the last step, and how many there are, step by step, where the next step has fewer.
        batch: 0, 1, or 2 for two and more.
        seq_len: 1, 2, or 3 for three computed steps and more.
        transposed: Whether batch_first makes PyTorch copy the input; it does not where an axis is 1 long.
        aligned: Whether rows of weights as wide as the input, as h, and as the input of the layers above are `aligned`;
            False where it does not matter.
    """

    dtype: str
    bias: bool
    projected: bool
    bidirectional: bool
    dropout: str
    layers: int
    unbatched: bool
    packed: str | tuple[int, int]
    batch: int
    seq_len: int
    transposed: bool
    aligned: tuple[bool, bool, bool]

    @property
    def element(self) -> int:
        """Bytes of one number."""
        return DTYPE_BYTES[self.dtype]


def regime(config: LSTMConfig, data: DataSpec) -> Regime:
    """The regime of an LSTM on its data."""
    batch, steps = _reached("batch", data.num_sequences), _reached("seq_len", data.longest)
    layers = _reached("num_layers", config.num_layers)
    matters = data.dtype == "float32" and not config.proj_size
    hidden = matters and aligned(config.hidden_size)
    return Regime(
        dtype=data.dtype,
        bias=config.bias,
        projected=bool(config.proj_size),
        bidirectional=config.bidirectional,
        dropout=_dropout(config),
        layers=layers,
        unbatched=data.unbatched,
        packed=_packed(data),
        batch=batch,
        seq_len=steps,
        transposed=config.batch_first and not data.lengths and min(batch, steps) > 1,
        aligned=(
            matters and aligned(config.input_size),
            hidden,
            matters and layers > 1 and aligned(config.num_directions * config.hidden_size),
        ),
    )


def aligned(width: int, element: int = 4) -> bool:
    """Whether rows of so many numbers are as oneDNN wants them: whole lines of the cache, and not a multiple of 256.

    Weights whose rows are `aligned` are not copied in backward. (oneDNN 3.12.0, `get_good_ld` in
    `src/cpu/rnn/rnn_utils.cpp`; copies observed.)
    """
    return width % (_LINE // element) == 0 and width % _ALIAS != 0


def _reached(name: str, value: int) -> int:
    """The last switch that a size has reached."""
    return max(switch for switch in SWITCHES[name] if switch <= value)


def _dropout(config: LSTMConfig) -> str:
    """Dropout stands between layers; behind a single one there is none."""
    if not config.dropout or config.num_layers == 1:
        return "none"
    return "all" if config.dropout == 1 else "some"


def _packed(data: DataSpec) -> str | tuple[int, int]:
    if not data.lengths:
        return ""
    # Length by length, not step by step: there may be billions of steps.
    ordered = sorted(data.lengths)
    longest = ordered[-1]
    ending = sum(len(ordered) - bisect_left(ordered, length) for length in set(ordered) if length < longest)
    return (ordered.count(longest), ending) if ending else UNIFORM


class Task(NamedTuple):
    """What backward has to do.

    Attributes:
        begins: Where it begins: `output`, whose gradient the caller gives and keeps; `head`, a layer that makes that
            gradient, of all steps; or `last`, a layer that reads the last h_n.
        input_grad: Whether the input needs a gradient.
        is_embedded: Whether an embedding makes the input, which is gone then once nothing reads it.
    """

    begins: str = "output"
    input_grad: bool = False
    is_embedded: bool = False


class Peaks(NamedTuple):
    """What a training step holds at most of an LSTM, besides weights, input, and the gradient that backward is given.

    Attributes:
        forward: In forward; None where backward always takes more.
        between: When forward is done.
        backward: In backward, with the gradient that a head makes of the LSTM's.
    """

    forward: Dim | None
    between: Dim
    backward: Dim


class Extent(NamedTuple):
    """What is computed, in symbols.

    Attributes:
        sequences: How many sequences.
        steps: The steps of the longest.
        rows: The steps of all of them together.
        last: How many sequences reach the last step.
        ending: How many there are, step by step, where the next step has fewer.
    """

    sequences: Dim
    steps: Dim
    rows: Dim
    last: Dim
    ending: Dim


def extent(facts: Regime) -> Extent:
    """What is computed in a regime: unbatched data has no `N`, packed data no `L`."""
    sequences = Dim.of(1) if facts.unbatched else N
    steps = LONGEST if facts.packed else L
    if isinstance(facts.packed, tuple):
        last, ending = facts.packed
        return Extent(sequences, steps, S, Dim.of(last), Dim.of(ending))
    return Extent(sequences, steps, steps * sequences, sequences, Dim.of(0))


PERIOD: Final = _ALIAS  # whether rows are aligned repeats with their width


def kind_of(field: str, value: Any) -> object:  # noqa: ANN401  # whatever a setting can be
    """The kind of a setting's value: LSTMs whose settings are of the same kinds, one by one, are of one regime."""
    if field in SWITCHES:
        return _reached(field, value)
    if field == "hidden_size":
        return aligned(value), aligned(2 * value)
    if field == "input_size":
        return aligned(value)
    return value > 0 if field == "proj_size" else value
