"""The shapes between the layers of Keras: what each layer makes of the shape that it is given.

A shape is a tuple of sizes, the batch first. A size that is not a number is any size, or one that is not known; it
stays what it is where a layer keeps it, and becomes None where a layer makes another of it. A shape that is not
known is None.

Sources: `compute_output_shape` and the constructors of keras 3.15.1 (keras/src/layers), held against them in
tests/peers/readers/keras/test_shapes.py.

Not here: layers that slide along axes (`spatial`), arguments by position (`positional`), and the order of layers
(`flow`, `models`, and `readers.python.layers.keras` for code).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from lstmcalc.readers.keras.sizes import Config, Rule, Shape, Size, named, number
from lstmcalc.readers.keras.spatial import SPATIAL

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


def _dense(config: Config, shape: tuple[Size, ...]) -> Shape:
    return (*shape[:-1], named(config, "units output_dim")) if len(shape) > 1 else None


def _embedding(config: Config, shape: tuple[Size, ...]) -> Shape:
    return (*shape, named(config, "output_dim"))


def _recurrent(config: Config, shape: tuple[Size, ...]) -> Shape:
    units, keeps = named(config, "units output_dim"), config.get("return_sequences", False)
    if len(shape) != 3 or not isinstance(keeps, bool | int):  # noqa: PLR2004  # a batch of sequences
        return None
    return (shape[0], shape[1], units) if keeps else (shape[0], units)


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


_RULES: Final[Mapping[str, Rule]] = {
    "Dense": _dense,
    "TimeDistributedDense": _dense,
    "Embedding": _embedding,
    **dict.fromkeys(("LSTM", "CuDNNLSTM", "GRU", "CuDNNGRU", "SimpleRNN"), _recurrent),
    **SPATIAL,
    "RepeatVector": _repeat,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Permute": _permute,
    "EinsumDense": _einsum,
    "CategoryEncoding": _categories,
}
KNOWN: Final = frozenset((*_RULES, *KEEPS, *MERGES, *_SEVERAL))
