"""The sizes of the tensors between the layers of Keras: the output size of each layer for a given input.

A table and a few rules, for the layers that come before LSTMs. For any other layer the width is unknown, never guessed.

Not here: the order of layers (`models`, and `readers.python` for code), and LSTMs themselves.

Sources: `compute_output_shape` of keras 3.15.1 (keras/src/layers) and tf_keras 2.21.0, live; Keras 1 (nb_filter,
output_dim) of keras 1.2.2 from general knowledge.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

Arguments = Mapping[str, Any]


class Stream(NamedTuple):
    """The input of a layer; an unknown size is None."""

    features: int | None = None  # size of the last axis
    reads: str = ""  # name of the LSTM whose output it is, its width unchanged; empty if there is none
    seq_len: int | None = None  # size of the axis after the batch, if it is not that of the features
    batch: int | None = None
    rank: int | None = None  # number of axes besides the batch: 1 for a vector, 2 for a sequence


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Layers that change values and no shape: after them, an LSTM's output is as wide as before.
_KEEPS: Final = _names(
    "Activation ActivityRegularization AlphaDropout BatchNormalization BatchNormalizationV1 Dropout ELU "
    "GaussianDropout GaussianNoise GroupNormalization Identity LayerNormalization LeakyReLU Masking Normalization "
    "PReLU RMSNormalization ReLU Rescaling Softmax SpatialDropout1D ThresholdedReLU UnitNormalization"
)
# Layers that change only the last axis, and the argument with its new size; the name of Keras 1 is last.
_WIDTHS: Final = {"Dense": ("units", "output_dim"), "TimeDistributedDense": ("output_dim",)}
_RECURRENT: Final = _names("LSTM CuDNNLSTM GRU CuDNNGRU SimpleRNN")
_CONVOLUTIONS: Final = _names("Conv1D Convolution1D SeparableConv1D SeparableConvolution1D")
_POOLS: Final = _names("MaxPooling1D MaxPool1D AveragePooling1D AvgPool1D")
_GLOBAL_POOLS: Final = _names("GlobalMaxPooling1D GlobalMaxPool1D GlobalAveragePooling1D GlobalAvgPool1D")
_SAME_SHAPE: Final = _names("Add Average Maximum Minimum Multiply Subtract")
_RESIZED: Final = _names("Cropping1D UpSampling1D ZeroPadding1D")
_SHAPES: Final = ("batch_shape", "batch_input_shape", "shape", "input_shape")
_SEQUENCE: Final = 2  # the rank of a sequence


def stream_after(kind: str, arguments: Arguments, stream: Stream) -> Stream:
    """The stream that a layer returns for a stream.

    Args:
        kind: The layer's class, e.g. `Dense`. After an LSTM, the caller sets `reads`.
        arguments: Its arguments by the names of Keras. `layer`, the layer inside of `TimeDistributed` and
            `Bidirectional`, is `{"class_name": "Dense", "config": {"units": 3}}`, as in Keras' own JSON.
        stream: Its input.
    """
    if kind in _KEEPS:
        return stream
    if kind in _WIDTHS:
        return stream._replace(features=_named_size(arguments, _WIDTHS[kind]), reads="")
    for kinds, rule in _RULES:
        if kind in kinds:
            return rule(arguments, stream)
    return Stream(batch=stream.batch)


def merged_stream(kind: str, arguments: Arguments, streams: Sequence[Stream]) -> Stream:
    """The stream that a layer returns for several: `Concatenate`, `Add` and their like; for only one, as `after`."""
    if len(streams) == 1:
        return stream_after(kind, arguments, streams[0])
    if not streams:
        return stream_after(kind, arguments, Stream())
    same = Stream(
        _agreed_size([stream.features for stream in streams]),
        "",
        _agreed_size([stream.seq_len for stream in streams]),
        _agreed_size([stream.batch for stream in streams]),
        _agreed_size([stream.rank for stream in streams]),
    )
    if kind in _SAME_SHAPE:
        return same
    if kind == "Concatenate" and arguments.get("axis", -1) == -1:
        widths = [stream.features for stream in streams if stream.features is not None]
        return same._replace(features=sum(widths) if len(widths) == len(streams) else None)
    return Stream(batch=same.batch)


def stream_of_shape(shape: object) -> Stream:
    """The stream of a shape `(batch, ..., features)`, whose open sizes are None; unknown if it is not a shape."""
    if not isinstance(shape, list | tuple) or not shape:
        return Stream()
    sizes = [_size(item) for item in shape]
    rank = len(sizes) - 1
    return Stream(sizes[-1] if rank else None, "", sizes[1] if rank >= _SEQUENCE else None, sizes[0], rank or None)


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
    rank = None if stream.rank is None else stream.rank + 1
    length = stream.features if stream.rank == 1 else stream.seq_len if stream.rank else None
    length = _named_size(arguments, ("input_length",)) if length is None else length
    return Stream(_named_size(arguments, ("output_dim",)), "", length, stream.batch, rank)


def _recurrent_layer(arguments: Arguments, stream: Stream) -> Stream:
    """The units of a recurrent layer, for every step or for the last."""
    units = _named_size(arguments, ("units", "output_dim"))
    if arguments.get("return_sequences") is True:
        return Stream(units, "", stream.seq_len, stream.batch, _SEQUENCE)
    return Stream(units, "", None, stream.batch, 1)


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


def _convolution(arguments: Arguments, stream: Stream) -> Stream:
    """The output of a convolution over the steps."""
    if arguments.get("data_format") == "channels_first":
        return Stream(batch=stream.batch)
    kernel = _named_size(arguments, ("kernel_size", "filter_length"))
    stride, dilation = (
        _named_size(arguments, ("strides", "subsample_length"), 1),
        _named_size(arguments, ("dilation_rate",), 1),
    )
    width = None if kernel is None or dilation is None else dilation * (kernel - 1) + 1
    padding = arguments.get("padding", arguments.get("border_mode", "valid"))
    length = _windows(stream.seq_len, width, stride, padding)
    return Stream(_named_size(arguments, ("filters", "nb_filter")), "", length, stream.batch, _SEQUENCE)


def _depthwise_convolution(arguments: Arguments, stream: Stream) -> Stream:
    """The output of a convolution of each feature alone."""
    times = _named_size(arguments, ("depth_multiplier",), 1)
    known = stream.features is not None and times is not None
    return _convolution(arguments, stream)._replace(features=(stream.features or 0) * (times or 0) if known else None)


def _pool(arguments: Arguments, stream: Stream) -> Stream:
    """The maximum or the mean of windows of steps."""
    if arguments.get("data_format") == "channels_first":
        return Stream(batch=stream.batch)
    size = _named_size(arguments, ("pool_size", "pool_length"), 2)
    stride = (
        size
        if arguments.get("strides", arguments.get("stride")) is None
        else _named_size(arguments, ("strides", "stride"))
    )
    padding = arguments.get("padding", arguments.get("border_mode", "valid"))
    return stream._replace(seq_len=_windows(stream.seq_len, size, stride, padding))


def _windows(length: int | None, width: int | None, stride: int | None, padding: object) -> int | None:
    """The number of windows in a sequence; None if unknown."""
    if length is None or width is None or stride is None or stride < 1 or width < 1:
        return None
    if padding in ("same", "causal"):
        return -(-length // stride)
    return (length - width) // stride + 1 if padding == "valid" and length >= width else None


def _pool_all(arguments: Arguments, stream: Stream) -> Stream:
    """The maximum or the mean of all steps."""
    if arguments.get("data_format") == "channels_first" or arguments.get("keepdims") is True:
        return Stream(batch=stream.batch)
    return stream._replace(seq_len=None, rank=1)


def _repeat(arguments: Arguments, stream: Stream) -> Stream:
    """One vector, repeated for every step of a sequence."""
    return stream._replace(seq_len=_named_size(arguments, ("n",)), rank=_SEQUENCE)


def _reshape(arguments: Arguments, stream: Stream) -> Stream:
    """The stream in another shape of the same size; one axis, -1, may follow from the others."""
    shape = arguments.get("target_shape")
    if not isinstance(shape, list | tuple) or not shape:
        return Stream(batch=stream.batch)
    total, known = _values(stream), 1
    for size in shape:
        known *= _size(size) or 1
    sizes = [(total // known if total and size == -1 else _size(size)) for size in shape]
    rank = len(sizes)
    return Stream(sizes[-1], "", sizes[0] if rank >= _SEQUENCE else None, stream.batch, rank)


def _flatten(_: Arguments, stream: Stream) -> Stream:
    """One vector of all values."""
    return Stream(_values(stream), stream.reads if stream.rank == 1 else "", None, stream.batch, 1)


def _values(stream: Stream) -> int | None:
    """The number of values for each item of the batch; None if unknown."""
    if stream.rank == 1:
        return stream.features
    if stream.rank != _SEQUENCE or stream.features is None or stream.seq_len is None:
        return None
    return stream.features * stream.seq_len


def _permute(arguments: Arguments, stream: Stream) -> Stream:
    """The axes in another order."""
    dims = arguments.get("dims")
    if stream.rank == _SEQUENCE and isinstance(dims, list | tuple):
        if tuple(dims) == (2, 1):
            return stream._replace(features=stream.seq_len, seq_len=stream.features, reads="")
        if tuple(dims) == (1, 2):
            return stream
    return Stream(batch=stream.batch)


def _resize(_: Arguments, stream: Stream) -> Stream:
    """More steps, or fewer: their number becomes unknown."""
    return stream._replace(seq_len=None)


_RULES: Final = (
    (frozenset(("InputLayer", "Input")), _input),
    (frozenset(("Embedding",)), _embedding),
    (_RECURRENT, _recurrent_layer),
    (frozenset(("Bidirectional",)), _bidirectional),
    (frozenset(("TimeDistributed",)), _time_distributed),
    (_CONVOLUTIONS, _convolution),
    (frozenset(("DepthwiseConv1D",)), _depthwise_convolution),
    (_POOLS, _pool),
    (_GLOBAL_POOLS, _pool_all),
    (frozenset(("RepeatVector",)), _repeat),
    (frozenset(("Reshape",)), _reshape),
    (frozenset(("Flatten",)), _flatten),
    (frozenset(("Permute",)), _permute),
    (_RESIZED, _resize),
)


def _named_size(arguments: Arguments, names: Sequence[str], default: int | None = None) -> int | None:
    """The size that the first of these arguments gives: a number, or a list of one."""
    for name in names:
        if name in arguments:
            value = arguments[name]
            return _size(value[0] if isinstance(value, list | tuple) and len(value) == 1 else value)
    return default


def _size(value: object) -> int | None:
    """A size; None if it is open, or not a size."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _agreed_size(sizes: Sequence[int | None]) -> int | None:
    """The size that all of them have; None if they differ."""
    return sizes[0] if len(set(sizes)) == 1 else None
