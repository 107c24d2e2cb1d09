"""The flow between the layers of a model of Keras in a file: the stream that each makes of the one it gets.

A stream knows as much of a shape as LSTMs need, and more than a shape may: the width alone of what has any number of
axes. What is not known is never guessed.

Not here: what each layer makes of a shape (`shapes`), the order of layers (`models`), and LSTMs themselves.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.readers.keras.shapes import KEEPS, MERGES, shape_after
from lstmcalc.readers.keras.sizes import Size, named

Arguments = Mapping[str, Any]


class Stream(NamedTuple):
    """The input of a layer; an unknown size is None."""

    features: int | None = None  # size of the last axis
    reads: str = ""  # name of the LSTM whose output it is, its width unchanged; empty if there is none
    seq_len: int | None = None  # size of the axis after the batch, if it is not that of the features
    batch: int | None = None
    rank: int | None = None  # number of axes besides the batch: 1 for a vector, 2 for a sequence

    def shape(self, *, width: object = None) -> tuple[Size, ...] | None:
        """Its shape, the batch first, with another width if one is given; None if its axes are not known."""
        last = self.features if width is None else width
        if self.rank is None or self.rank < 1:
            return None
        if self.rank == 1:
            return (self.batch, last)
        return (self.batch, self.seq_len, *[None] * (self.rank - _SEQUENCE), last)


_SHAPES: Final = ("batch_shape", "batch_input_shape", "shape", "input_shape")
_SEQUENCE: Final = 2  # the rank of a sequence
# The number of axes that these layers take, besides the batch, if it is not known otherwise.
_RANKS: Final = {
    **dict.fromkeys(("LSTM", "CuDNNLSTM", "GRU", "CuDNNGRU", "SimpleRNN"), _SEQUENCE),
    **dict.fromkeys(("RepeatVector", "Reshape"), 1),
    "Flatten": _SEQUENCE,
}


def stream_after(kind: str, arguments: Arguments, stream: Stream) -> Stream:
    """The stream that a layer returns for a stream.

    Args:
        kind: The layer's class, e.g. `Dense`. After an LSTM, the caller sets `reads`.
        arguments: Its arguments by the names of Keras. `layer`, the layer inside of `TimeDistributed` and
            `Bidirectional`, is `{"class_name": "Dense", "config": {"units": 3}}`, as in Keras' own JSON.
        stream: Its input.
    """
    if kind in KEEPS:
        return stream
    if kind in _RULES:
        return _RULES[kind](arguments, stream)
    rank = stream.rank or _RANKS.get(kind) or (_SEQUENCE if kind.endswith("1D") else None)
    if rank is None:
        last = {"Dense": "units output_dim", "TimeDistributedDense": "output_dim"}.get(kind)
        return stream._replace(features=_size(named(arguments, last)), reads="") if last else Stream(batch=stream.batch)
    given, width = stream._replace(rank=rank), object()
    made = shape_after(kind, arguments, [given.shape()])
    kept = shape_after(kind, arguments, [given.shape(width=width)])
    return _stream_of(made, stream.batch)._replace(reads=stream.reads if kept and kept[-1] is width else "")


def merged_stream(kind: str, arguments: Arguments, streams: Sequence[Stream]) -> Stream:
    """The stream that a layer returns for several: `Concatenate`, `Add` and their like; for only one, as `after`."""
    if len(streams) == 1:
        return stream_after(kind, arguments, streams[0])
    if not streams:
        return stream_after(kind, arguments, Stream())
    batch = _agreed_size([stream.batch for stream in streams])
    if all(stream.rank for stream in streams):
        return _stream_of(shape_after(kind, arguments, [stream.shape() for stream in streams]), batch)
    widths = [stream.features for stream in streams]
    if kind in MERGES:
        return Stream(_agreed_size(widths), batch=batch)
    if kind == "Concatenate" and arguments.get("axis", -1) == -1:
        return Stream(sum(width for width in widths if width) if None not in widths else None, batch=batch)
    return Stream(batch=batch)


def stream_of_shape(shape: object) -> Stream:
    """The stream of a shape `(batch, ..., features)`, whose open sizes are None; unknown if it is not a shape."""
    if not isinstance(shape, list | tuple) or not shape:
        return Stream()
    sizes = [_size(item) for item in shape]
    rank = len(sizes) - 1
    return Stream(sizes[-1] if rank else None, "", sizes[1] if rank >= _SEQUENCE else None, sizes[0], rank or None)


def _stream_of(shape: tuple[Size, ...] | None, batch: int | None) -> Stream:
    """The stream of a shape that a layer returns."""
    return Stream(batch=batch) if shape is None else stream_of_shape(shape)


def _input(arguments: Arguments, stream: Stream) -> Stream:
    """The shape of an input layer; in an inner model, its open sizes are those of the stream."""
    for name in _SHAPES:
        shape = arguments.get(name)
        if isinstance(shape, list | tuple):
            batch = () if name.startswith("batch") else (arguments.get("batch_size"),)
            given = stream_of_shape((*batch, *shape))
            return Stream(
                stream.features if given.features is None else given.features,
                stream.reads,
                stream.seq_len if given.seq_len is None else given.seq_len,
                stream.batch if given.batch is None else given.batch,
                given.rank,
            )
    return stream


def _embedding(arguments: Arguments, stream: Stream) -> Stream:
    """The vectors `(N, L, output_dim)` for indices `(N, L)`."""
    length, width = _size(arguments.get("input_length")), _size(arguments.get("output_dim"))
    if stream.rank is None:
        return Stream(width, "", length, stream.batch)
    made = _stream_of(shape_after("Embedding", arguments, [stream.shape()]), stream.batch)
    return made._replace(seq_len=length if made.seq_len is None else made.seq_len)


def _bidirectional(arguments: Arguments, stream: Stream) -> Stream:
    """Both directions, concatenated unless they are merged."""
    kind, inner = inner_layer(arguments)
    one = stream_after(kind, inner, stream)
    mode = arguments.get("merge_mode", "concat")
    doubled = one._replace(features=None if one.features is None else 2 * one.features)
    return doubled if mode == "concat" else one


def _time_distributed(arguments: Arguments, stream: Stream) -> Stream:
    """The output of a layer that is applied to each step: the axis after the batch stays."""
    kind, inner = inner_layer(arguments)
    rank = None if stream.rank is None else stream.rank - 1
    one = stream_after(kind, inner, stream._replace(seq_len=None, rank=rank))
    return one._replace(seq_len=stream.seq_len, rank=None if one.rank is None else one.rank + 1)


def inner_layer(arguments: Arguments) -> tuple[str, Arguments]:
    """The class and the arguments of the layer inside of a wrapper; empty if there is none."""
    layer = arguments.get("layer")
    if not isinstance(layer, Mapping):
        return "", {}
    kind, inner = layer.get("class_name"), layer.get("config")
    return kind if isinstance(kind, str) else "", inner if isinstance(inner, Mapping) else {}


_RULES: Final = {
    **dict.fromkeys(("InputLayer", "Input"), _input),
    "Embedding": _embedding,
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
}


def _size(value: object) -> int | None:
    """A size; None if it is open, or not a size."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _agreed_size(sizes: Sequence[int | None]) -> int | None:
    """The size that all of them have; None if they differ."""
    return sizes[0] if len(set(sizes)) == 1 else None
