"""Regimes: the facts of an LSTM and its data, other than sizes, that decide which memory formula holds.

Two LSTMs of one regime have the same formulas, apart from sizes: a formula is made of a `Regime` and of nothing else.
So a sweep over many sizes needs one formula for each regime.

Not here: the formulas (`onednn`, `native`), and the choice between the two (`implementation`).
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
    """The facts that choose a formula."""

    dtype: str  # of weights and data
    bias: bool
    projected: bool
    bidirectional: bool
    dropout: str  # between layers: `none`, `some`, or `all` for probability 1
    layers: int  # 1, 2, or 3 for three and more
    unbatched: bool
    # Empty if padded; `uniform` if packed with equal lengths; else two numbers that have no symbol: the sequences that
    # reach the last step, and the sum of the sequences at all steps whose next step has fewer.
    packed: str | tuple[int, int]
    batch: int  # 0, 1, or 2 for two and more
    seq_len: int  # 1, 2, or 3 for three computed steps and more
    transposed: bool  # batch_first makes PyTorch copy the input; it does not if an axis has length 1
    # True where weight rows as wide as the input, as h, and as the input of the layers above are `aligned`; False where
    # it does not matter.
    aligned: tuple[bool, bool, bool]

    @property
    def element(self) -> int:
        """Bytes of one number."""
        return DTYPE_BYTES[self.dtype]


def regime(config: LSTMConfig, data: DataSpec) -> Regime:
    """The regime of an LSTM on its data."""
    batch, steps = _last_switch("batch", data.num_sequences), _last_switch("seq_len", data.longest)
    layers = _last_switch("num_layers", config.num_layers)
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
        packed=_packing(data),
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
    """True if rows of `width` numbers suit oneDNN: whole lines of the cache, and not a multiple of 256 numbers.

    Weights whose rows are `aligned` are not copied in backward. (oneDNN 3.12.0, `get_good_ld` in
    `src/cpu/rnn/rnn_utils.cpp`; copies observed.)
    """
    return width % (_LINE // element) == 0 and width % _ALIAS != 0


def _last_switch(name: str, value: int) -> int:
    """The last switch that a size has reached."""
    return max(switch for switch in SWITCHES[name] if switch <= value)


def _dropout(config: LSTMConfig) -> str:
    """The dropout between layers: `none` for a single layer, `some`, or `all` for probability 1."""
    if not config.dropout or config.num_layers == 1:
        return "none"
    return "all" if config.dropout == 1 else "some"


def _packing(data: DataSpec) -> str | tuple[int, int]:
    if not data.lengths:
        return ""
    # Length by length, not step by step: there may be billions of steps.
    ordered = sorted(data.lengths)
    longest = ordered[-1]
    ending = sum(len(ordered) - bisect_left(ordered, length) for length in set(ordered) if length < longest)
    return (ordered.count(longest), ending) if ending else UNIFORM


class Task(NamedTuple):
    """The task of a backward pass."""

    # The start: `output`, whose gradient the caller gives and keeps; `head`, a layer that makes that gradient for all
    # steps; or `last`, a layer that reads the last h_n.
    begins: str = "output"
    input_grad: bool = False  # the input needs a gradient
    is_embedded: bool = False  # an embedding makes the input, which is freed once nothing reads it


class Peaks(NamedTuple):
    """Peak memory of an LSTM in a training step, besides weights, input, and the gradient that backward is given."""

    forward: Dim | None  # in forward; None if backward always takes more
    between: Dim  # when forward is done
    backward: Dim  # in backward, including the gradient that a head makes for the LSTM


class Extent(NamedTuple):
    """The extent of the data, in symbols."""

    sequences: Dim
    steps: Dim  # of the longest sequence
    rows: Dim  # the steps of all sequences together
    last: Dim  # the sequences that reach the last step
    ending: Dim  # the sum of the sequences at all steps whose next step has fewer


def extent(facts: Regime) -> Extent:
    """The extent of the data in a regime: unbatched data has no `N`, packed data no `L`."""
    sequences = Dim.of(1) if facts.unbatched else N
    steps = LONGEST if facts.packed else L
    if isinstance(facts.packed, tuple):
        last, ending = facts.packed
        return Extent(sequences, steps, S, Dim.of(last), Dim.of(ending))
    return Extent(sequences, steps, steps * sequences, sequences, Dim.of(0))


PERIOD: Final = _ALIAS  # the period with which `aligned` repeats as the width grows


def kind_of(field: str, value: Any) -> object:  # noqa: ANN401  # whatever a setting can be
    """The kind of a setting's value: LSTMs are of one regime if each setting is of the same kind in all of them."""
    if field in SWITCHES:
        return _last_switch(field, value)
    if field == "hidden_size":
        return aligned(value), aligned(2 * value)
    if field == "input_size":
        return aligned(value)
    return value > 0 if field == "proj_size" else value
