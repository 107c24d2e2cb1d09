"""The shapes after layers that slide along axes, or that change the size of axes: convolutions, pooling, padding."""

from collections.abc import Callable, Mapping
from typing import Final

from lstmcalc.readers.keras.sizes import Config, Rule, Shape, Size, named, number


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


def _convolution(rank: int) -> Rule:
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


def _depthwise(rank: int) -> Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        times, first = number(config.get("depth_multiplier", 1)), _channels_first(config)
        if first is None or len(shape) != rank + 2:
            return None
        width = number(shape[1] if first else shape[-1])
        return _convolution(rank)(
            {**config, "filters": width * times if width is not None and times is not None else None}, shape
        )

    return rule


def _transposed(rank: int) -> Rule:
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


def _pool(rank: int) -> Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        given = named(config, "pool_size pool_length", 2)
        stride = named(config, "strides stride")
        sizes, steps = _sizes(given, rank), _sizes(given if stride is None else stride, rank)
        padding = _padding(config)
        return _spatial(
            config, shape, rank, ..., lambda place, size: windows(size, sizes[place], steps[place], padding)
        )

    return rule


def _pool_all(rank: int) -> Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        first, keeps = _channels_first(config), config.get("keepdims", False)
        if first is None or len(shape) != rank + 2 or not isinstance(keeps, bool | int):
            return None
        if keeps:
            return _spatial(config, shape, rank, ..., lambda _, __: 1)
        return (shape[0], shape[1] if first else shape[-1])

    return rule


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


def _resized(rank: int, sign: int, name: str) -> Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        ends = _pairs(config.get(name, 1), rank)

        def change(place: int, size: Size) -> Size:
            length, first, last = number(size), number(ends[place][0]), number(ends[place][1])
            return None if length is None or first is None or last is None else length + sign * (first + last)

        return _spatial(config, shape, rank, ..., change)

    return rule


def _upsampling(rank: int) -> Rule:
    def rule(config: Config, shape: tuple[Size, ...]) -> Shape:
        times = _sizes(config.get("size", 2), rank)

        def change(place: int, size: Size) -> Size:
            length, factor = number(size), number(times[place])
            return None if length is None or factor is None else length * factor

        return _spatial(config, shape, rank, ..., change)

    return rule


SPATIAL: Final[Mapping[str, Rule]] = {
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
    **{f"ZeroPadding{rank}D": _resized(rank, 1, "padding") for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _resized(rank, -1, "cropping") for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": _upsampling(rank) for rank in (1, 2, 3)},
}
