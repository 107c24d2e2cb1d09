"""The shapes between the layers of Keras: what each layer makes of the shape that it is given.

A shape is a tuple of sizes, the batch first. A size that is not a number is any size, or one that is not known; it
stays what it is where a layer keeps it, and becomes None where a layer makes another of it. A shape that is not
known is None.

Sources: `compute_output_shape` and the constructors of keras 3.15.1 (keras/src/layers), held against them in
tests/peers/readers/keras/test_shapes.py.

Not here: the order of layers (`flow`, `models`, and `readers.python.layers.keras` for code).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

Size: TypeAlias = object
Shape: TypeAlias = "tuple[Size, ...] | None"
Config: TypeAlias = Mapping[str, object]


def _table(*rows: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(order.split()) for names, order in rows for name in names.split()}


_POOL: Final = "pool_size strides padding data_format name"
_CONV: Final = "filters kernel_size strides padding data_format dilation_rate groups activation use_bias"
# The arguments that can be given by position, in order; those behind the last that shapes depend on are left out where
# nobody gives them so.
POSITIONAL: Final = _table(
    ("Activation", "activation"),
    ("ActivityRegularization", "l1 l2"),
    ("Add Average Identity Maximum Minimum Multiply Subtract", ""),
    ("AdditiveAttention", "use_scale dropout"),
    ("Attention", "use_scale score_mode dropout seed"),
    ("AlphaDropout Dropout", "rate noise_shape seed"),
    ("GaussianDropout", "rate seed"),
    ("GaussianNoise", "stddev seed"),
    ("SpatialDropout1D", "rate seed name dtype"),
    ("SpatialDropout2D SpatialDropout3D", "rate data_format seed name dtype"),
    *((f"AveragePooling{rank}D AvgPool{rank}D MaxPool{rank}D MaxPooling{rank}D", _POOL) for rank in (1, 2, 3)),
    *(
        (
            f"GlobalAveragePooling{rank}D GlobalAvgPool{rank}D GlobalMaxPool{rank}D GlobalMaxPooling{rank}D",
            "data_format keepdims",
        )
        for rank in (1, 2, 3)
    ),
    ("BatchNormalization", "axis momentum epsilon center scale"),
    ("LayerNormalization", "axis epsilon center scale"),
    ("GroupNormalization", "groups axis epsilon center scale"),
    ("RMSNormalization", "axis epsilon"),
    ("Normalization", "axis mean variance invert"),
    ("UnitNormalization Softmax Concatenate", "axis"),
    ("CategoryEncoding", "num_tokens output_mode sparse"),
    ("Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D", _CONV),
    ("Conv1DTranspose Conv2DTranspose", "filters kernel_size strides padding output_padding data_format dilation_rate"),
    ("DepthwiseConv1D DepthwiseConv2D", "kernel_size strides padding depth_multiplier data_format dilation_rate"),
    (
        "SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D",
        "filters kernel_size strides padding data_format dilation_rate depth_multiplier",
    ),
    ("Cropping1D", "cropping"),
    ("Cropping2D Cropping3D", "cropping data_format"),
    ("Dense", "units activation use_bias"),
    ("Dot", "axes normalize"),
    ("ELU", "alpha"),
    ("LeakyReLU", "negative_slope"),
    ("ReLU", "max_value negative_slope threshold"),
    ("PReLU", "alpha_initializer alpha_regularizer alpha_constraint shared_axes"),
    ("EinsumDense", "equation output_shape activation bias_axes"),
    (
        "Embedding",
        "input_dim output_dim embeddings_initializer embeddings_regularizer embeddings_constraint mask_zero weights",
    ),
    ("Flatten", "data_format"),
    ("GRU SimpleRNN", "units activation"),
    ("GRUCell SimpleRNNCell", "units activation"),
    ("InputLayer", "shape batch_size dtype sparse ragged batch_shape"),
    ("Lambda", "function output_shape mask arguments"),
    ("Masking", "mask_value"),
    ("MultiHeadAttention", "num_heads key_dim value_dim dropout use_bias output_shape attention_axes"),
    ("Permute", "dims"),
    ("RNN", "cell return_sequences return_state go_backwards stateful unroll zero_output_for_mask"),
    ("StackedRNNCells", "cells"),
    ("RepeatVector", "n"),
    ("Rescaling", "scale offset"),
    ("Reshape", "target_shape"),
    ("TimeDistributed", "layer"),
    ("Bidirectional", "layer merge_mode weights backward_layer"),
    ("UpSampling1D", "size"),
    ("UpSampling2D", "size data_format interpolation"),
    ("ZeroPadding1D ZeroPadding2D ZeroPadding3D", "padding data_format"),
)

KEEPS: Final = frozenset(
    [
        "Activation",
        "ActivityRegularization",
        "AlphaDropout",
        "BatchNormalization",
        "BatchNormalizationV1",
        "Dropout",
        "ELU",
        "GaussianDropout",
        "GaussianNoise",
        "GroupNormalization",
        "Identity",
        "LayerNormalization",
        "LeakyReLU",
        "Masking",
        "Normalization",
        "PReLU",
        "RMSNormalization",
        "ReLU",
        "Rescaling",
        "Softmax",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "ThresholdedReLU",
        "UnitNormalization",
    ]
)
MERGES: Final = frozenset(["Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"])


def number(size: object) -> int | None:
    """A size as a number; None if it is any size, or none that is known."""
    return size if isinstance(size, int) and not isinstance(size, bool) else None


def shape_after(kind: str, config: Config, shapes: Sequence[Shape]) -> Shape:
    """The shape that a layer returns.

    Args:
        kind: The layer's class, e.g. `Dense`.
        config: Its arguments by name; those that are not known are neither numbers nor texts.
        shapes: What it is given: several shapes for `Concatenate` and its like.
    """
    known = [shape for shape in shapes if shape is not None and shape[:1] != (...,)]
    if not shapes or len(known) != len(shapes):
        return None
    if kind in MERGES:
        return _broadcast_all(known)
    if kind in _SEVERAL:
        return _SEVERAL[kind](config, known)
    if kind in KEEPS:
        return known[0]
    rule = _RULES.get(kind)
    return rule(config, known[0]) if rule else None


def _broadcast_all(shapes: Sequence[tuple[Size, ...]]) -> Shape:
    made = shapes[0]
    for shape in shapes[1:]:
        made = broadcast(made, shape)
    return made


def broadcast(one: tuple[Size, ...], other: tuple[Size, ...]) -> tuple[Size, ...]:
    """The shape of an operation on two arrays, whose axes are compared from the last."""
    rank = max(len(one), len(other))
    pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other, strict=True)
    return tuple(_either(a, b) for a, b in pairs)


def _either(one: Size, other: Size) -> Size:
    if one is other or one == 1:
        return other
    if other == 1:
        return one
    if number(one) is None or number(other) is None:
        return one if number(one) is not None else other if number(other) is not None else None
    return one if one == other else None


def _concatenate(config: Config, shapes: Sequence[tuple[Size, ...]]) -> Shape:
    axis = number(config.get("axis", -1))
    rank = len(shapes[0])
    if axis is None or any(len(shape) != rank for shape in shapes) or not -rank <= axis < rank:
        return None
    at = axis % rank
    sizes = [number(shape[at]) for shape in shapes]
    total = sum(size for size in sizes if size is not None) if None not in sizes else None
    first = tuple(_same(*(shape[place] for shape in shapes)) for place in range(rank))
    return (*first[:at], total, *first[at + 1 :])


def _same(*sizes: Size) -> Size:
    known = [size for size in sizes if number(size) is not None]
    return known[0] if known else sizes[0] if all(size is sizes[0] for size in sizes) else None


def _dot(config: Config, shapes: Sequence[tuple[Size, ...]]) -> Shape:
    axes = config.get("axes")
    if len(shapes) != 2:  # noqa: PLR2004  # two arrays
        return None
    pair = (axes, axes) if number(axes) is not None else tuple(axes) if isinstance(axes, list | tuple) else ()
    places = [number(axis) for axis in pair]
    if len(places) != 2 or None in places:  # noqa: PLR2004  # an axis of each
        return None
    one, other = (
        [size for place, size in enumerate(shape) if place != (axis or 0) % len(shape)]
        for shape, axis in zip(shapes, places, strict=True)
    )
    made = (*one, *other[1:])
    return (*made, 1) if len(made) == 1 else made


def _attention(_: Config, shapes: Sequence[tuple[Size, ...]]) -> Shape:
    if len(shapes) < 2:  # noqa: PLR2004  # a query and a value
        return None
    return (*shapes[0][:-1], shapes[1][-1])


def _multi_head(config: Config, shapes: Sequence[tuple[Size, ...]]) -> Shape:
    given = config.get("output_shape")
    if given is None:
        return shapes[0]
    if number(given) is not None:
        return (*shapes[0][:-1], given)
    return (*shapes[0][:-1], *given) if isinstance(given, list | tuple) else None


_SEVERAL: Final[Mapping[str, Callable[[Config, Sequence[tuple[Size, ...]]], Shape]]] = {
    "Concatenate": _concatenate,
    "Dot": _dot,
    "Attention": _attention,
    "AdditiveAttention": _attention,
    "MultiHeadAttention": _multi_head,
}

_Rule: TypeAlias = Callable[[Config, tuple[Size, ...]], Shape]


def named(config: Config, names: str, default: object = None) -> object:
    """The first of these arguments that is given."""
    return next((config[name] for name in names.split() if name in config), default)


def _dense(config: Config, shape: tuple[Size, ...]) -> Shape:
    return (*shape[:-1], named(config, "units output_dim")) if len(shape) > 1 else None


def _embedding(config: Config, shape: tuple[Size, ...]) -> Shape:
    return (*shape, named(config, "output_dim"))


def _recurrent(config: Config, shape: tuple[Size, ...]) -> Shape:
    units, keeps = named(config, "units output_dim"), config.get("return_sequences", False)
    if len(shape) != 3 or not isinstance(keeps, bool | int):  # noqa: PLR2004  # a batch of sequences
        return None
    return (shape[0], shape[1], units) if keeps else (shape[0], units)


def _sizes(value: object, rank: int) -> list[Size]:
    """One size for each axis, from a number or several."""
    if isinstance(value, list | tuple):
        return [*value] if len(value) == rank else [None] * rank
    return [value] * rank


def windows(length: Size, width: Size, stride: Size, padding: object, dilation: Size = 1) -> Size:
    """The number of windows along an axis."""
    length, width, stride, dilation = number(length), number(width), number(stride), number(dilation)
    if length is None or stride is None or stride < 1:
        return None
    if padding in ("same", "causal"):
        return -(-length // stride)
    if width is None or dilation is None or padding != "valid":
        return None
    reach = dilation * (width - 1) + 1
    return (length - reach) // stride + 1 if length >= reach else None


def _channels_first(config: Config) -> bool | None:
    """True if the features are the axis after the batch; None if that is not known."""
    value = config.get("data_format")
    return (
        {"channels_first": True, "channels_last": False, None: False}.get(value)
        if isinstance(value, str | None)
        else None
    )


def _spatial(
    config: Config, shape: tuple[Size, ...], rank: int, features: Size, change: Callable[[int, Size], Size]
) -> Shape:
    """A shape whose `rank` axes of space are changed, and which has other features, unless they are kept (Ellipsis)."""
    first = _channels_first(config)
    if len(shape) != rank + 2 or first is None:
        return None
    space = shape[2:] if first else shape[1:-1]
    width = (shape[1] if first else shape[-1]) if features is Ellipsis else features
    made = [change(place, size) for place, size in enumerate(space)]
    return (shape[0], width, *made) if first else (shape[0], *made, width)


def _convolution(rank: int) -> _Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        kernel = _sizes(named(config, "kernel_size filter_length"), rank)
        stride = _sizes(named(config, "strides subsample_length", 1), rank)
        dilation = _sizes(named(config, "dilation_rate", 1), rank)
        padding = _padding(config)
        return _spatial(
            config,
            shape,
            rank,
            named(config, "filters nb_filter"),
            lambda place, size: windows(size, kernel[place], stride[place], padding, dilation[place]),
        )

    return rule


def _padding(config: Config) -> object:
    value = named(config, "padding border_mode", "valid")
    return value.lower() if isinstance(value, str) else value


def _depthwise(rank: int) -> _Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        times, first = number(config.get("depth_multiplier", 1)), _channels_first(config)
        if first is None or len(shape) != rank + 2:
            return None
        width = number(shape[1] if first else shape[-1])
        return _convolution(rank)(
            {**config, "filters": width * times if width is not None and times is not None else None}, shape
        )

    return rule


def _transposed(rank: int) -> _Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        kernel, stride = _sizes(config.get("kernel_size"), rank), _sizes(config.get("strides", 1), rank)
        dilation, more = _sizes(config.get("dilation_rate", 1), rank), _sizes(config.get("output_padding"), rank)

        def change(place: int, size: Size) -> Size:
            length, width, step, spread = (
                number(item) for item in (size, kernel[place], stride[place], dilation[place])
            )
            if length is None or width is None or step is None or spread is None or more[place] is not None:
                return None
            reach = (width - 1) * spread + 1
            return length * step if _padding(config) == "same" else length * step + max(reach - step, 0)

        return _spatial(config, shape, rank, config.get("filters"), change)

    return rule


def _pool(rank: int) -> _Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        given = named(config, "pool_size pool_length", 2)
        stride = named(config, "strides stride")
        sizes, steps = _sizes(given, rank), _sizes(given if stride is None else stride, rank)
        padding = _padding(config)
        return _spatial(
            config, shape, rank, ..., lambda place, size: windows(size, sizes[place], steps[place], padding)
        )

    return rule


def _pool_all(rank: int) -> _Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        first, keeps = _channels_first(config), config.get("keepdims", False)
        if first is None or len(shape) != rank + 2 or not isinstance(keeps, bool | int):
            return None
        if keeps:
            return _spatial(config, shape, rank, ..., lambda _, __: 1)
        return (shape[0], shape[1] if first else shape[-1])

    return rule


def _repeat(config: Config, shape: tuple[Size, ...]) -> Shape:
    return (shape[0], named(config, "n"), shape[1]) if len(shape) == 2 else None  # noqa: PLR2004  # a batch of vectors


def _reshape(config: Config, shape: tuple[Size, ...]) -> Shape:
    target = config.get("target_shape")
    if number(target) is not None:
        target = (target,)
    if not isinstance(target, list | tuple):
        return None
    known = [number(size) for size in shape[1:]]
    total = math.prod(size for size in known if size is not None) if None not in known else None
    fixed = [number(size) for size in target]
    rest = math.prod(size for size in fixed if size is not None and size != -1)
    alone = None not in fixed and total is not None and rest > 0 and fixed.count(-1) == 1 and total % rest == 0
    free = (total or 0) // rest if alone else None
    return (shape[0], *(free if size == -1 else size for size in target))


def _flatten(config: Config, shape: tuple[Size, ...]) -> Shape:
    del config
    sizes = [number(size) for size in shape[1:]]
    if len(shape) == 1:
        return (shape[0], 1)
    return (
        shape[0],
        math.prod(size for size in sizes if size is not None)
        if None not in sizes
        else None
        if len(sizes) > 1
        else shape[1],
    )


def _permute(config: Config, shape: tuple[Size, ...]) -> Shape:
    dims = config.get("dims")
    places = [number(item) or 0 for item in dims] if isinstance(dims, list | tuple) else []
    if sorted(places) != list(range(1, len(shape))):
        return None
    return (shape[0], *(shape[place] for place in places))


def _pairs(value: object, rank: int) -> list[tuple[Size, Size]]:
    """The sizes added to, or taken from, both ends of each axis."""
    if number(value) is not None:
        return [(value, value)] * rank
    if not isinstance(value, list | tuple):
        return [(None, None)] * rank
    if rank == 1:
        return [(value[0], value[1])] if len(value) == 2 and not isinstance(value[0], list | tuple) else [(None, None)]  # noqa: PLR2004  # both ends
    parts = [
        (item, item)
        if number(item) is not None
        else tuple(item)
        if isinstance(item, list | tuple) and len(item) == 2  # noqa: PLR2004  # both ends
        else (None, None)
        for item in value
    ]  # as above
    return [(part[0], part[1]) for part in parts] if len(parts) == rank else [(None, None)] * rank


def _resized(rank: int, sign: int, name: str) -> _Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        ends = _pairs(config.get(name, 1), rank)

        def change(place: int, size: Size) -> Size:
            length, first, last = number(size), number(ends[place][0]), number(ends[place][1])
            return None if length is None or first is None or last is None else length + sign * (first + last)

        return _spatial(config, shape, rank, ..., change)

    return rule


def _upsampling(rank: int) -> _Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        times = _sizes(config.get("size", 2), rank)

        def change(place: int, size: Size) -> Size:
            length, factor = number(size), number(times[place])
            return None if length is None or factor is None else length * factor

        return _spatial(config, shape, rank, ..., change)

    return rule


def _einsum(config: Config, shape: tuple[Size, ...]) -> Shape:
    equation, given = config.get("equation"), config.get("output_shape")
    sizes = [given] if number(given) is not None else list(given) if isinstance(given, list | tuple) else None
    if not isinstance(equation, str) or sizes is None or "->" not in equation:
        return None
    inputs, _, output = equation.replace(" ", "").partition("->")
    first = inputs.partition(",")[0]
    if "..." in equation:
        letters = first.replace("...", "")
        return (
            (*shape[: len(shape) - len(letters)], *sizes)
            if first.startswith("...") and len(output.replace("...", "")) == len(sizes)
            else None
        )
    if len(first) != len(shape) or len(output) != len(sizes) + 1:
        return None
    axes = dict(zip(first, shape, strict=True))
    return (
        axes.get(output[0]),
        *(axes.get(letter) if size is None else size for letter, size in zip(output[1:], sizes, strict=True)),
    )


def _categories(config: Config, shape: tuple[Size, ...]) -> Shape:
    mode, tokens = config.get("output_mode", "multi_hot"), config.get("num_tokens")
    if mode in ("multi_hot", "count"):
        return (*shape[:-1], tokens) if len(shape) > 1 else (tokens,)
    if mode == "one_hot":
        return (*shape[:-1], tokens) if shape and shape[-1] == 1 else (*shape, tokens)
    return None


_RULES: Final[Mapping[str, _Rule]] = {
    "Dense": _dense,
    "TimeDistributedDense": _dense,
    "Embedding": _embedding,
    **dict.fromkeys(("LSTM", "CuDNNLSTM", "GRU", "CuDNNGRU", "SimpleRNN"), _recurrent),
    **{
        f"{name}{rank}D": _convolution(rank)
        for name in ("Conv", "Convolution", "SeparableConv", "SeparableConvolution")
        for rank in (1, 2, 3)
    },
    **{f"DepthwiseConv{rank}D": _depthwise(rank) for rank in (1, 2)},
    **{f"{name}{rank}DTranspose": _transposed(rank) for name in ("Conv", "Convolution") for rank in (1, 2)},
    **{
        f"{name}{rank}D": _pool(rank)
        for name in ("MaxPooling", "MaxPool", "AveragePooling", "AvgPool")
        for rank in (1, 2, 3)
    },
    **{
        f"Global{name}{rank}D": _pool_all(rank)
        for name in ("MaxPooling", "MaxPool", "AveragePooling", "AvgPool")
        for rank in (1, 2, 3)
    },
    "RepeatVector": _repeat,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Permute": _permute,
    **{f"ZeroPadding{rank}D": _resized(rank, 1, "padding") for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _resized(rank, -1, "cropping") for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": _upsampling(rank) for rank in (1, 2, 3)},
    "EinsumDense": _einsum,
    "CategoryEncoding": _categories,
}
KNOWN: Final = frozenset((*_RULES, *KEEPS, *MERGES, *_SEVERAL))
