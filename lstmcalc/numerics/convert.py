"""Weights converted from PyTorch's names and shapes to another framework's, and back.

Packing and unpacking read the tables of `frameworks` and nothing else. Each array of a table is made of matrices with
named axes, which are PyTorch's: `weight_ih` is `(direction, gate, hidden, input)`, `weight_hr` is
`(direction, recurrent, hidden)`.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, Final, TypeAlias

import numpy as np

from lstmcalc.errors import ArrayError, UnsupportedError, shorten
from lstmcalc.frameworks.storage import Placement, Storage, axis_names
from lstmcalc.numerics.arrays import Array, array_of_shape, check_names
from lstmcalc.spec.config import LSTMConfig

# The axes of one gate's block of each parameter, as PyTorch stores it.
_AXES: Final = {
    "weight_ih": ("hidden", "input"),
    "weight_hh": ("hidden", "recurrent"),
    "bias_ih": ("hidden",),
    "bias_hh": ("hidden",),
    "bias": ("hidden",),
    "weight_hr": ("recurrent", "hidden"),
}

Key: TypeAlias = tuple[int, str, str | None]  # the direction, PyTorch's parameter, the gate if it has gates
Blocks: TypeAlias = dict[Key, Array]


def pack(weights: Mapping[str, Array], config: LSTMConfig, layout: str) -> dict[str, Array]:
    """PyTorch's weights as the framework `layout` stores them.

    Args:
        weights: PyTorch's names to arrays, as in `state_dict`, with the shapes in `LSTMModel(config).parameters`.
        config: The hyperparameters.
        layout: One of `frameworks.catalog.LAYOUTS`, or an alias of one.

    Returns:
        The framework's names to new arrays, layer by layer. If the framework has a single bias, that is the sum of
        both, minus what it adds to the forget gate at run time, which costs that gate a rounding. If it cannot leave
        out biases, absent ones are zeros in effect.

    Raises:
        UsageError: There is no such framework.
        UnsupportedError: The framework cannot express this LSTM.
        ArrayError: A weight is missing, unknown or of the wrong shape, or dtypes are not floating-point or differ.
        ConfigError: `config` is not an `LSTMConfig`.
    """
    return _converted_arrays("weights", weights, config, "pytorch", layout)


def unpack(tensors: Mapping[str, Array], config: LSTMConfig, layout: str) -> dict[str, Array]:
    """PyTorch's weights from those that the framework `layout` stores: the inverse of `pack`.

    Args:
        tensors: The framework's names to arrays, with the shapes in `frameworks.storage.parameters(config, layout)`.
        config: The hyperparameters.
        layout: One of `frameworks.catalog.LAYOUTS`, or an alias of one.

    Returns:
        PyTorch's names to new arrays, in `state_dict` order. A single bias, and what the framework adds to the forget
        gate at run time, become bias_ih; bias_hh is zeros.

    Raises:
        UsageError: There is no such framework.
        UnsupportedError: The framework cannot express this LSTM, or PyTorch's LSTM has no such tensor.
        ArrayError: A tensor is missing, unknown or of the wrong shape, dtypes are not floating-point or differ, or
            there are biases that are not zero and `config` has none.
        ConfigError: `config` is not an `LSTMConfig`.
    """
    return _converted_arrays("tensors", tensors, config, layout, "pytorch")


def _converted_arrays(
    what: str, tensors: Mapping[str, Array], config: LSTMConfig, source: str, target: str
) -> dict[str, Array]:
    here, there = Storage(config, source), Storage(config, target)
    given = _checked_arrays(what, tensors, here)
    dtype = _dtype_of(what, given)
    results = {}
    for layer in range(config.num_layers):
        blocks = {
            key: view.reshape(shape)
            for place in here.placements(layer)
            for key, view, shape in _views(place, here, given[place.parameter.name])
        }
        _settle_biases(blocks, here, there, layer)
        for place in there.placements(layer):
            result = results[place.parameter.name] = np.empty(place.parameter.shape, dtype)
            for key, view, _ in _views(place, there, result):
                view[...] = blocks[key].reshape(view.shape)
    return results


def _views(place: Placement, storage: Storage, array: Array) -> Iterator[tuple[Key, Array, tuple[int, ...]]]:
    """Each gate's block in a stored array: its key, a view of it with PyTorch's axes, its shape in PyTorch.

    Writing to a view writes to the array. The view of a `raw` array keeps the stored axes, so its shape differs.
    """
    item, config = place.stored, storage.config
    names = [name for name in axis_names(item.axes) if name != "1"]
    sizes = {
        "direction": config.num_directions,
        "gate": len(storage.layout.gates),
        "hidden": config.hidden_size,
        "input": config.layer_input_size(place.parameter.layer),
        "recurrent": config.output_size,
        "bias": len(place.parameter.holds),
    }
    cut = sizes["input"]
    sizes["input+recurrent"] = cut + sizes["recurrent"]
    block = array.reshape([sizes[name] for name in names])
    directions = [place.direction] if place.direction is not None else range(config.num_directions)
    for direction, (part, held) in product(directions, enumerate(place.parameter.holds)):
        columns = slice(cut, None) if part else slice(cut)
        gates = [None] if held == "weight_hr" else [place.gate] if place.gate else list(storage.layout.gates)
        for gate in gates:
            picked = {
                "direction": direction,
                "gate": storage.layout.gates.index(gate) if gate else 0,
                "bias": part,
                "input+recurrent": columns,
            }
            view = block[tuple(picked.get(name, slice(None)) for name in names)]
            # The remaining axes are those of the block, in the order in which they are stored.
            own = {"input+recurrent": _AXES[held][-1]}
            left = [own.get(name, name) for name in names if name not in ("direction", "gate", "bias")]
            if not item.raw:
                view = view.transpose([left.index(name) for name in _AXES[held]])
            yield (direction or 0, held, gate), view, tuple(sizes[name] for name in _AXES[held])


def _settle_biases(blocks: Blocks, here: Storage, there: Storage, layer: int) -> None:
    """Turn the biases of one layer into those that the target stores, in place."""
    wanted = [held for item in there.stored for held in item.holds.split() if held.startswith("bias")]
    # What one framework adds at run time, and the other does not, belongs to the stored bias.
    offset = here.layout.forget_offset - there.layout.forget_offset
    for direction, gate in product(range(here.config.num_directions), here.layout.gates):
        keys = [(direction, name, gate) for name in ("bias_ih", "bias_hh", "bias")]
        found = [blocks.pop(key) for key in keys if key in blocks]
        zeros = np.zeros_like(blocks[direction, "weight_hh", gate][:, 0])
        first, *others = found or [zeros]
        if len(wanted) < len(found):
            first, others = sum(others, first), []
        if offset and gate == "f":
            first = first + zeros.dtype.type(offset)
        if not wanted and np.any(first):
            added = here.layout.forget_offset if gate == "f" else 0
            raise ArrayError(
                f"layer {layer} has biases that are not zero",
                expected=f"no biases in effect, as {here.config} has none",
                found=f"some of gate {gate}" + (f", with the {added:g} that is added at run time" if added else ""),
                hint="leave out bias=False",
                where="tensors",
            )
        for name, bias in zip(wanted, [first, *others, zeros], strict=False):
            blocks[direction, name, gate] = bias


def _checked_arrays(what: str, tensors: Mapping[str, Array], storage: Storage) -> dict[str, Array]:
    """The arrays of a storage, with names, shapes and floating-point dtypes checked."""
    shapes = {parameter.name: parameter.shape for parameter in storage.parameters}
    title, known = storage.layout.title, list(tensors) if hasattr(tensors, "keys") else []
    for name in known:
        for pattern, meaning in storage.layout.unmodelled:
            if name not in shapes and fnmatchcase(str(name), pattern):
                raise UnsupportedError(
                    f"{title}: {meaning} are not modelled",
                    expected="what an LSTM of PyTorch has",
                    found=f"the array {shorten(name)}",
                    where=what,
                )
    wanted = f"the {len(shapes)} parameters of {storage.config}"
    check_names(what, tensors, tuple(shapes), f"the arrays of this LSTM in {title}", wanted)
    return {name: _floats(name, array_of_shape(name, tensors[name], shape)) for name, shape in shapes.items()}


def _floats(name: str, array: Array) -> Array:
    """`array` if it is floating-point, else ArrayError; dtypes such as bfloat16 come from other packages."""
    foreign = array.dtype.kind == "V" and not issubclass(array.dtype.type, np.void)
    if array.dtype.kind != "f" and not foreign:
        raise ArrayError(
            "not an array of floating-point numbers", expected="float32, or another", found=str(array.dtype), where=name
        )
    return array


def _dtype_of(what: str, arrays: Mapping[str, Array]) -> "np.dtype[Any]":
    """The dtype of all arrays; ArrayError if they differ."""
    dtypes = {array.dtype: name for name, array in arrays.items()}
    if len(dtypes) > 1:
        found = ", ".join(f"{name} of {dtype}" for dtype, name in dtypes.items())
        raise ArrayError("these dtypes do not go together", expected="one dtype", found=found, where=what)
    return next(iter(dtypes))
