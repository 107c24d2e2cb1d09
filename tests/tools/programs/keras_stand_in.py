"""A stand-in for `keras`: layers that know the shapes of what goes in and comes out, and compute nothing.

It is executed anew for each run of a program. `tests/peers/readers/python/test_programs.py` holds it against Keras.
"""

import builtins
from collections.abc import Callable, Iterator
from typing import Any

MADE: list[Any] = []  # every cell of an LSTM, in the order in which they are built
LARGEST = 400
Shape = tuple[int | None, ...]


class Unwanted(BaseException):
    """The program is of a kind that says nothing."""


class Tensor:
    """A symbolic tensor: its shape, and what made it from what."""

    def __init__(self, shape: Shape, layer: Any = None, given: Any = None) -> None:
        self.shape, self.layer, self.given = tuple(shape), layer, given

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, index: Any) -> Any:
        return _Function(lambda x: _indexed(x, index))(self)

    def __add__(self, other: Any) -> Any:
        return _Function(_broadcast)([self, other]) if isinstance(other, Tensor) else _Function(lambda x: x)(self)

    __mul__ = __sub__ = __radd__ = __rmul__ = __add__


def _size(number: int | None, index: Any) -> int | None:
    if not isinstance(index, slice):
        return None
    if number is None:
        return (
            None if index.stop is None or index.stop < 0 or (index.start or 0) < 0 else index.stop - (index.start or 0)
        )
    return len(range(number)[index])


def _indexed(shape: Shape, index: Any) -> Shape:
    parts = index if isinstance(index, tuple) else (index,)
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts = (*parts[:at], *[slice(None)] * (len(shape) - len(parts) + 1), *parts[at + 1 :])
    parts = (*parts, *[slice(None)] * (len(shape) - len(parts)))
    return tuple(_size(number, part) for number, part in zip(shape, parts, strict=True) if isinstance(part, slice))


def _broadcast(shapes: list[Shape]) -> Shape:
    first, second = shapes
    both = max(len(first), len(second))
    pairs = zip((1,) * (both - len(first)) + first, (1,) * (both - len(second)) + second, strict=True)
    sizes = []
    for one, other in pairs:
        if one != other and None not in {one, other} and 1 not in {one, other}:
            raise ValueError("shapes do not fit")
        sizes.append(other if one in {1, None} else one)
    return tuple(sizes)


def Input(
    shape: Any = None, batch_size: int | None = None, dtype: Any = None, name: Any = None, batch_shape: Any = None
) -> Tensor:
    if batch_shape is not None:
        return Tensor(tuple(batch_shape))
    if not isinstance(shape, (tuple, list)):
        raise TypeError(shape)
    for size in shape:
        _sized(size) if size is not None else None
    return Tensor((batch_size, *shape))


def _sized(*sizes: Any) -> None:
    for size in sizes:
        if builtins.type(size) is not int:
            raise Unwanted(size)
        if size < 1 or size > LARGEST:
            raise Unwanted(size)


def _shapes(value: Any) -> Any:
    return [_shapes(item) for item in value] if isinstance(value, (list, tuple)) else value.shape


def _has_tensor(value: Any) -> bool:
    return any(map(_has_tensor, value)) if isinstance(value, (list, tuple)) else isinstance(value, Tensor)


class Layer:
    def __init__(self, *, name: Any = None, dtype: Any = None, trainable: bool = True, **options: Any) -> None:
        self.name, self.trainable, self.built = name, trainable, False
        first = options.pop("input_shape", None)
        if "input_dim" in options:
            first = (options.pop("input_length", None), options.pop("input_dim"))
            first = first[1:] if isinstance(self, Dense) else first
        if options:
            raise ValueError(f"unrecognized keyword arguments {options}")
        self.first = None if first is None else (None, *first)

    def build(self, shape: Any) -> None:
        self.built = True

    def __call__(self, given: Any, *more: Any, **options: Any) -> Any:
        if not _has_tensor(given):
            raise Unwanted("called with something else")
        if not self.built:
            self.build(_shapes(given))
            self.built = True
        return self.call(given, *more, **options)

    def call(self, given: Any, *more: Any, **options: Any) -> Any:
        return Tensor(self.shape(_shapes(given)), self, given)

    def shape(self, shape: Any) -> Any:
        return shape


class _Function(Layer):
    """An operation that has no weights."""

    def __init__(self, function: Callable[[Any], Shape]) -> None:
        super().__init__()
        self.function = function

    def shape(self, shape: Any) -> Any:
        return self.function(shape)


def _three(shape: Shape, rank: int = 3) -> None:
    if len(shape) != rank:
        raise ValueError(f"expected ndim={rank}, found ndim={len(shape)}")


class LSTMCell(Layer):
    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True, **options: Any) -> None:
        super().__init__(**_plain(options))
        _units(units)
        self.units, self.use_bias = units, use_bias

    def build(self, shape: Shape) -> None:
        if shape[-1] is None:
            raise ValueError("the last dimension is not known")
        self.built = True
        self.input_size = shape[-1]
        MADE.append(self)


def _units(units: Any) -> None:
    if isinstance(units, int) and units <= 0:
        raise ValueError("units must be positive")
    _sized(units)


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    ours = {"recurrent_activation", "dropout", "recurrent_dropout", "kernel_initializer", "unroll", "stateful"}
    return {key: value for key, value in options.items() if key not in ours}


class GRUCell(LSTMCell):
    def build(self, shape: Shape) -> None:
        self.built = True


class RNN(Layer):
    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False, **options: Any) -> None:
        super().__init__(**_plain(options))
        self.cell, self.return_sequences, self.return_state = cell, return_sequences, return_state

    @property
    def units(self) -> int:
        return int(self.cell.units)

    def build(self, shape: Shape) -> None:
        _three(shape)
        if not self.cell.built:
            self.cell.build(shape)
            self.cell.built = True
        self.built = True

    def clone(self) -> "RNN":
        fresh = builtins.type(self.cell)(self.cell.units, use_bias=self.cell.use_bias)
        return RNN(fresh, self.return_sequences, self.return_state)

    def shape(self, shape: Shape) -> Shape:
        _three(shape)
        return (*shape[:2], self.units) if self.return_sequences else (shape[0], self.units)

    def call(self, given: Any, *more: Any, **options: Any) -> Any:
        made = Tensor(self.shape(given.shape), self, given)
        return (
            made
            if not self.return_state
            else [made, Tensor((given.shape[0], self.units)), Tensor((given.shape[0], self.units))]
        )


class _Named(RNN):
    kind: Any = LSTMCell

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True, **options: Any) -> None:
        kept = {key: options.pop(key) for key in ("return_sequences", "return_state") if key in options}
        options.pop("go_backwards", None)
        super().__init__(self.kind(units, use_bias=use_bias), **kept, **options)


class LSTM(_Named):
    pass


class GRU(_Named):
    kind = GRUCell


class SimpleRNN(GRU):
    pass


class Bidirectional(Layer):
    def __init__(self, layer: Any, merge_mode: Any = "concat", **options: Any) -> None:
        super().__init__(**options)
        if not isinstance(layer, Layer):
            raise ValueError("no layer")  # noqa: TRY004
        self.forward_layer, self.merge_mode = layer.clone(), merge_mode  # type: ignore[attr-defined]

    def build(self, shape: Shape) -> None:
        self.forward_layer.build(shape)
        self.built = True

    def shape(self, shape: Shape) -> Shape:
        *rest, last = self.forward_layer.shape(shape)
        return (*rest, last * 2 if self.merge_mode == "concat" else last)


class TimeDistributed(Layer):
    def __init__(self, layer: Any, **options: Any) -> None:
        super().__init__(**options)
        self.layer = layer

    def build(self, shape: Shape) -> None:
        _ = len(shape) > 2 or _three(shape)  # type: ignore[func-returns-value]
        self.layer.build((shape[0], *shape[2:]))
        self.layer.built = True
        self.built = True

    def shape(self, shape: Shape) -> Shape:
        inner = self.layer.shape((shape[0], *shape[2:]))
        return (shape[0], shape[1], *inner[1:])


class Dense(Layer):
    def __init__(self, units: int, activation: Any = None, use_bias: bool = True, **options: Any) -> None:
        super().__init__(**options)
        _units(units)
        self.units = units

    def build(self, shape: Shape) -> None:
        if shape[-1] is None:
            raise ValueError("the last dimension is not known")
        self.built = True

    def shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)


class Embedding(Layer):
    def __init__(
        self, input_dim: int, output_dim: int, mask_zero: bool = False, input_length: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        _sized(input_dim, output_dim)
        self.output_dim = output_dim

    def shape(self, shape: Shape) -> Shape:
        return (*shape, self.output_dim)


def _same(number: int | None, step: int) -> int | None:
    return None if number is None else -(-number // step)


def _valid(number: int | None, window: int, step: int = 1) -> int | None:
    if number is None:
        return None
    if number < window:
        raise ValueError("computed output size would be negative")
    return (number - window) // step + 1


def _one(value: Any) -> int:
    return int(value[0] if isinstance(value, (tuple, list)) else value)


class Conv1D(Layer):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        activation: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        _units(filters)
        _sized(_one(kernel_size), _one(strides))
        self.filters, self.window, self.step, self.padding = filters, _one(kernel_size), _one(strides), padding

    def shape(self, shape: Shape) -> Shape:
        _three(shape)
        size = _valid(shape[1], self.window, self.step) if self.padding == "valid" else _same(shape[1], self.step)
        return (shape[0], size, self.filters)


class MaxPooling1D(Layer):
    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", **options: Any) -> None:
        super().__init__(**options)
        _sized(_one(pool_size))
        self.window, self.step, self.padding = _one(pool_size), _one(pool_size if strides is None else strides), padding

    def shape(self, shape: Shape) -> Shape:
        _three(shape)
        size = _valid(shape[1], self.window, self.step) if self.padding == "valid" else _same(shape[1], self.step)
        return (shape[0], size, shape[2])


class AveragePooling1D(MaxPooling1D):
    pass


class GlobalMaxPooling1D(Layer):
    def shape(self, shape: Shape) -> Shape:
        _three(shape)
        return (shape[0], shape[2])


class GlobalAveragePooling1D(GlobalMaxPooling1D):
    pass


class Flatten(Layer):
    def shape(self, shape: Shape) -> Shape:
        return (shape[0], _product(shape[1:]))


def _product(sizes: Any) -> int | None:
    total = 1
    for size in sizes:
        if size is None:
            return None
        total *= size
    return total


class RepeatVector(Layer):
    def __init__(self, n: int, **options: Any) -> None:
        super().__init__(**options)
        _sized(n)
        self.n = n

    def shape(self, shape: Shape) -> Shape:
        _three(shape, 2)
        return (shape[0], self.n, shape[1])


class Reshape(Layer):
    def __init__(self, target_shape: Any, **options: Any) -> None:
        super().__init__(**options)
        self.target = tuple(target_shape)

    def shape(self, shape: Shape) -> Shape:
        given, fixed = _product(shape[1:]), _product(size for size in self.target if size != -1)
        if given is None or fixed is None or -1 not in self.target:
            if given is not None and given != fixed:
                raise ValueError("cannot be reshaped")
            return (shape[0], *(None if size == -1 else size for size in self.target))
        if given % fixed:
            raise ValueError("cannot be reshaped")
        return (shape[0], *(given // fixed if size == -1 else size for size in self.target))


class Permute(Layer):
    def __init__(self, dims: Any, **options: Any) -> None:
        super().__init__(**options)
        self.dims = tuple(dims)

    def shape(self, shape: Shape) -> Shape:
        return (shape[0], *(shape[axis] for axis in self.dims))


class Dropout(Layer):
    def __init__(self, rate: Any, **options: Any) -> None:
        super().__init__(**options)
        if not 0 <= rate <= 1:
            raise ValueError(rate)


class SpatialDropout1D(Dropout):
    pass


class Activation(Layer):
    def __init__(self, activation: Any, **options: Any) -> None:
        super().__init__(**options)


class BatchNormalization(Layer):
    pass


class LayerNormalization(Layer):
    pass


class Masking(Layer):
    def __init__(self, mask_value: Any = 0.0, **options: Any) -> None:
        super().__init__(**options)


class _Lengthened(Layer):
    change: Any = None

    def __init__(self, by: Any = 1, **options: Any) -> None:
        super().__init__(**options)
        self.by = by

    def shape(self, shape: Shape) -> Shape:
        _three(shape)
        size = None if shape[1] is None else self.change(shape[1])
        if size is not None and size < 1:
            raise ValueError("nothing is left")
        return (shape[0], size, shape[2])

    def both(self) -> int:
        return sum(self.by) if isinstance(self.by, (tuple, list)) else 2 * self.by


class ZeroPadding1D(_Lengthened):
    def change(self, size: int) -> int:
        return size + self.both()


class Cropping1D(_Lengthened):
    def change(self, size: int) -> int:
        return size - self.both()


class UpSampling1D(_Lengthened):
    def change(self, size: int) -> int:
        return size * int(self.by)


class Concatenate(Layer):
    def __init__(self, axis: int = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def shape(self, shape: list[Shape]) -> Shape:
        return _concatenated(shape, self.axis)


def _concatenated(shapes: list[Shape], axis: int) -> Shape:
    axis %= len(shapes[0])
    sizes = [shape[axis] for shape in shapes]
    for shape in shapes[1:]:
        if len(shape) != len(shapes[0]):
            raise ValueError("ranks differ")
        pairs = [pair for at, pair in enumerate(zip(shape, shapes[0], strict=True)) if at != axis and None not in pair]
        if any(one != other for one, other in pairs):
            raise ValueError("shapes differ")
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    rest = [next((shape[at] for shape in shapes if shape[at] is not None), None) for at in range(len(shapes[0]))]
    return tuple(total if at == axis else rest[at] for at in range(len(rest)))


class Add(Layer):
    def shape(self, shape: list[Shape]) -> Shape:
        joined = shape[0]
        for other in shape[1:]:
            if len(other) != len(joined):
                raise Unwanted("ranks differ")
            joined = _broadcast([joined, other])
        return joined


class Multiply(Add):
    pass


class Average(Add):
    pass


def concatenate(values: Any, axis: int = -1) -> Tensor:
    return Concatenate(axis)(values)  # type: ignore[no-any-return]


def add(values: Any) -> Tensor:
    return Add()(values)  # type: ignore[no-any-return]


class Model(Layer):
    """A functional model, or what a program derives from it."""

    def __init__(self, inputs: Any = None, outputs: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.inputs, self.outputs = inputs, outputs

    def call(self, given: Any, *more: Any, **options: Any) -> Any:
        known: dict[int, Any] = {}
        for old, new in zip(_flat(self.inputs), _flat(given), strict=True):
            known[id(old)] = new
        outputs = [_again(tensor, known) for tensor in _flat(self.outputs)]
        return outputs if isinstance(self.outputs, (list, tuple)) else outputs[0]

    @property
    def output_shape(self) -> Any:
        return self.outputs.shape

    def compile(self, *args: Any, **options: Any) -> None:
        pass


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _again(tensor: Any, known: dict[int, Any]) -> Any:
    if id(tensor) in known:
        return known[id(tensor)]
    if tensor.layer is None:
        raise Unwanted("a graph that is not followed")
    given = tensor.given
    made = tensor.layer(
        [_again(one, known) for one in given] if isinstance(given, (list, tuple)) else _again(given, known)
    )
    known[id(tensor)] = made
    return made


class Sequential(Model):
    def __init__(self, layers: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.all: list[Any] = []
        self.inputs = None
        for layer in layers or []:
            self.add(layer)

    @property
    def layers(self) -> list[Any]:
        return [layer for layer in self.all if not isinstance(layer, Tensor)]

    def add(self, layer: Any) -> None:
        if isinstance(layer, Tensor):
            if self.all:
                raise ValueError("an Input can only be the first")
            self.inputs = self.outputs = layer
        elif not isinstance(layer, Layer) or any(layer is other for other in self.all):
            raise ValueError("no layer, or one that is there already")
        elif not self.all and layer.first is not None:
            self.inputs = self.outputs = Tensor(layer.first)
        self.all.append(layer)
        if self.inputs is not None and isinstance(layer, Layer):
            self.outputs = layer(self.outputs)
            self.built = True

    def pop(self) -> None:
        self.all.pop()
        if self.inputs is not None:
            self.outputs = self.inputs
            for layer in self.layers:
                self.outputs = layer(self.outputs)

    def build(self, shape: Any = None) -> None:
        self.built = True

    def call(self, given: Any, *more: Any, **options: Any) -> Any:
        for layer in self.layers:
            given = layer(given)
        return given


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    return Tensor(tuple(shape))


def record(cell: Any) -> dict[str, Any]:
    return {"kind": "LSTM", "input_size": cell.input_size, "hidden_size": cell.units, "bias": bool(cell.use_bias)}


layer_names = [
    name for name, value in list(vars().items()) if builtins.type(value) is builtins.type and issubclass(value, Layer)
]
layer_names = [name for name in layer_names if name[0] != "_" and name not in {"Model", "Sequential"}]
