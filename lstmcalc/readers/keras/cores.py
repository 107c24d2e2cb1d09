"""The LSTMs that one layer of Keras computes, and the Bidirectional around them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from lstmcalc.errors import shorten
from lstmcalc.readers.keras.layers import Config, Layer, built_shape, plain_value
from lstmcalc.readers.text.positions import KeyPath

# The settings of an RNN besides those of its cell.
_RNN_KEYS: Final = ("return_sequences", "return_state", "go_backwards", "time_major")
# The settings that both directions must share; the last two by their names in Keras 1.
_ALIKE: Final = ("units", "use_bias", "activation", "recurrent_activation", "output_dim", "inner_activation")


class Core(NamedTuple):
    """One LSTM that a layer computes: most layers have one, an RNN of stacked cells has several."""

    kind: str  # the constructor whose arguments it has: `LSTM` or `CuDNNLSTM`
    config: Config  # its arguments
    paths: Mapping[str, KeyPath]  # the path of each argument
    cell: str  # in its arrays' names, the part after the layer: `lstm_cell`, `stacked_rnn_cells/lstm_cell_1`
    text: str  # its constructor call, in one line
    shape: object = None  # the input shape that is stored for it alone
    suffix: str = ""  # the end of its name, after the layer's; empty if it is the only one
    source_kind: str = "LSTM"  # the class that the configuration names: `LSTM`, `CuDNNLSTM`, `LSTMCell`


class Wrapper(NamedTuple):
    """The Bidirectional around an LSTM."""

    layer: Layer
    merge_mode: object
    forward: str  # name of the forward layer
    backward: str  # name of the backward layer
    different: tuple[str, ...]  # the settings in which the backward layer differs


def layer_core(layer: Layer) -> Core:
    """The LSTM that a layer itself is."""
    kind, config = "CuDNNLSTM" if layer.kind == "CuDNNLSTM" else "LSTM", layer.arguments
    paths = {key: (*layer.inside, key) for key in config}
    return Core(kind, config, paths, "lstm_cell", f"{layer.kind}({_units(config)})", source_kind=layer.kind)


def cell_core(layer: Layer, cell: Layer, stacked: str, count: int, *, last: bool) -> Core:
    """The LSTM that an RNN makes of a cell; every cell but the last returns sequences, whatever the RNN returns."""
    own = {key: layer.arguments[key] for key in _RNN_KEYS if key in layer.arguments}
    own |= {} if last else {"return_sequences": True}
    paths = {key: (*layer.inside, key) for key in own} | {key: (*cell.inside, key) for key in cell.arguments}
    name = "/".join(part for part in (stacked, cell.name) if part)
    suffix = (cell.name or "lstm_cell") if count > 1 else ""
    text = f"{layer.kind}(LSTMCell({_units(cell.arguments)}))"
    return Core("LSTM", {**cell.arguments, **own}, paths, name, text, built_shape(cell.node), suffix, "LSTMCell")


def _units(config: Config) -> str:
    return shorten(config.get("units", config.get("output_dim", "...")))


def differences(forward: Layer, backward: Layer) -> tuple[str, ...]:
    """The settings of the backward layer that differ from the forward one, as they cannot in PyTorch."""
    if forward.kind != backward.kind:
        return (f"backward_layer = {shorten(backward.kind)}",)
    pairs = [(forward.arguments, backward.arguments), (_cell_config(forward), _cell_config(backward))]
    return tuple(
        f"backward_layer.{key} = {shorten(plain_value(other[key]))}"
        for one, other in pairs
        for key in _ALIKE
        if key in other and one.get(key, other[key]) != other[key]
    )


def _cell_config(layer: Layer) -> Config:
    """The configuration of the cell of an RNN; empty if it has none."""
    cell = layer.arguments.get("cell")
    config = cell.get("config") if isinstance(cell, Mapping) else None
    return config if isinstance(config, Mapping) else {}
