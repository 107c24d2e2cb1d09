"""The lines of code that load a file of named arrays in its framework, ready to be pasted; tests run them."""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from lstmcalc.frameworks.storage import Storage, find_layout
from lstmcalc.spec.words import UniqueNames, quoted_text
from lstmcalc.writers.names import in_module, variable
from lstmcalc.writers.target import Asked, Portable

_WIDTH: Final = 80


def load_lines(framework: str, lstms: Sequence[Portable], asked: Asked) -> list[str]:
    """The lines that load the arrays of LSTMs, of a file of one of the kinds of `tables.CONTAINERS`."""
    make = _LINES.get(framework, _any_arrays)
    return list(make(framework, lstms, asked))


def _torch_call(lstm: Portable, path: str) -> str:
    """The call that makes the nn.LSTM, which holds the numbers in the dtype of the file."""
    call, held = f"nn.{lstm.config}", lstm.dtype
    dtype = held if path.endswith(".npz") else lstm.stored or held
    return call if dtype == "float32" else f"{call[:-1]}, dtype=torch.{dtype})"


def _pytorch(_framework: str, lstms: Sequence[Portable], asked: Asked) -> Iterator[str]:
    """nn.LSTM, with its state dict; the whole model's where other tensors are in the file."""
    yield from _torch_imports(asked.path)
    if asked.beside:
        yield ""
        yield f"model.load_state_dict({_torch_state(asked.path)})"
        return
    yield "from torch import nn"
    yield ""
    if len(lstms) == 1:
        yield f"lstm = {_torch_call(lstms[0], asked.path)}"
        yield f"lstm.load_state_dict({_torch_state(asked.path)})"
        return
    yield f"state = {_torch_state(asked.path)}"
    variables = _variables()
    for lstm in lstms:
        own = variables.add(variable(lstm.name))
        yield f"{own} = {_torch_call(lstm, asked.path)}"
        prefix = quoted_text(f"{lstm.name}.")
        line = f"{own}.load_state_dict({{name: state[{prefix} + name] for name in {own}.state_dict()}})"
        if len(line) <= _WIDTH:
            yield line
            continue
        yield f"{own}.load_state_dict("
        yield f"    {{name: state[{prefix} + name] for name in {own}.state_dict()}}"
        yield ")"


def _variables() -> UniqueNames:
    """Names of variables that no other has, nor what these lines import and make."""
    unique = UniqueNames()
    for name in ("state", "weights", "name", "array", "torch", "nn", "np", "keras", "tf_keras", "load_file", "dict"):
        unique.add(name)
    return unique


def _torch_imports(path: str) -> Iterator[str]:
    if path.endswith(".npz"):
        yield "import numpy as np"
    yield "import torch"
    if path.endswith(".safetensors"):
        yield "from safetensors.torch import load_file"


def _torch_state(path: str) -> str:
    """The expression of a file's tensors in PyTorch."""
    name = quoted_text(path)
    if path.endswith(".safetensors"):
        return f"load_file({name})"
    if path.endswith(".npz"):
        return f"{{name: torch.from_numpy(array) for name, array in np.load({name}).items()}}"
    return f"torch.load({name}, weights_only=True)"


def _arrays(path: str) -> tuple[list[str], str]:
    """The imports, and the expression of a file's arrays in NumPy."""
    name = quoted_text(path)
    if path.endswith(".safetensors"):
        return ["from safetensors.numpy import load_file"], f"load_file({name})"
    if path.endswith(".npz"):
        return ["import numpy as np"], f"dict(np.load({name}))"
    state = f"torch.load({name}, weights_only=True).items()"
    return ["import torch"], f"{{name: tensor.numpy() for name, tensor in {state}}}"


def _keras(framework: str, lstms: Sequence[Portable], asked: Asked) -> Iterator[str]:
    """A layer for each layer of an LSTM, with its arrays in the order of `set_weights`."""
    imports, arrays = _arrays(asked.path)
    module = "keras" if framework == "keras" else "tf_keras"
    yield from imports
    yield f"import {module}"
    yield ""
    yield f"weights = {arrays}"
    variables = _variables()
    for lstm in lstms:
        storage, own = Storage(lstm.config, framework), variable(lstm.name if len(lstms) > 1 else "lstm")
        many = lstm.config.num_layers > 1
        for layer in range(lstm.config.num_layers):
            made, reads = variables.add(f"{own}_{layer}" if many else own), lstm.config.layer_input_size(layer)
            yield from _assigned(made, keras_call(lstm, module), f"{module}.layers.Bidirectional(")
            yield f"{made}.build((None, None, {reads}))"
            names = [place.parameter.name for place in storage.placements(layer)]
            yield from _set_weights(made, [in_module(name, lstm.name * (len(lstms) > 1)) for name in names], asked.path)


def _assigned(name: str, call: str, outer: str) -> Iterator[str]:
    """The line that makes a layer, or three if it is too long and is in another one."""
    line = f"{name} = {call}"
    if len(line) <= _WIDTH or not call.startswith(outer):
        yield line
        return
    yield f"{name} = {outer}"
    yield f"    {call.removeprefix(outer)[:-1]}"
    yield ")"


def _set_weights(layer: str, names: Sequence[str], path: str) -> Iterator[str]:
    """The call of `set_weights`: in the order of the file where that is kept, else name by name."""
    folder = posixpath.commonpath(names) + "/"  # no other layer's arrays are in it
    if not path.endswith(".safetensors") and len(folder) > 1:
        yield f"{layer}.set_weights(["
        yield "    array for name, array in weights.items()"
        yield f"    if name.startswith({quoted_text(folder)})"
        yield "])"
        return
    yield f"{layer}.set_weights([weights[name] for name in ("
    yield from (f"    {quoted_text(name)}," for name in names)
    yield ")])"


def needs_initializer(lstm: Portable) -> bool:
    """True if Keras cannot make the layer with its own recurrent initializer, as JAX has no QR of float16."""
    return lstm.dtype == "float16"


def keras_call(lstm: Portable, module: str) -> str:
    """The call that makes one layer of Keras: every step, and both directions, as PyTorch gives them."""
    options = ["" if lstm.config.bias else ", use_bias=False"]
    gates, cell, clip = lstm.activations.gates, lstm.activations.cell, ""
    options += [f', recurrent_activation="{(gates or "").partition(":")[0]}"'] * (gates != "sigmoid")
    options += [f', activation="{cell}"{clip}'] * (cell != "tanh")
    dtype = lstm.dtype
    options += [f', dtype="{dtype}"'] * (dtype != "float32")
    options += [', recurrent_initializer="zeros"'] * needs_initializer(lstm)
    call = f"{module}.layers.LSTM({lstm.config.hidden_size}{''.join(options)}, return_sequences=True)"
    return f"{module}.layers.Bidirectional({call})" if lstm.config.bidirectional else call


def _flax_linen(_framework: str, _lstms: Sequence[Portable], asked: Asked) -> Iterator[str]:
    imports, arrays = _arrays(asked.path)
    yield from imports
    yield "from flax.traverse_util import unflatten_dict"
    yield ""
    yield f'variables = unflatten_dict({arrays}, sep="/")  # for model.apply(variables, x)'


def _flax_nnx(_framework: str, _lstms: Sequence[Portable], asked: Asked) -> Iterator[str]:
    imports, arrays = _arrays(asked.path)
    yield from imports
    yield "import jax.numpy as jnp"
    yield "from flax import nnx"
    yield ""
    yield f"weights = {arrays}"
    yield "paths = dict(nnx.to_flat_state(nnx.state(model, nnx.Param)))"
    yield 'loaded = {path: nnx.Param(jnp.asarray(weights[".".join(map(str, path))])) for path in paths}'
    yield "nnx.update(model, nnx.from_flat_state(loaded))"


def _any_arrays(framework: str, _lstms: Sequence[Portable], asked: Asked) -> Iterator[str]:
    imports, arrays = _arrays(asked.path)
    yield from imports
    yield ""
    yield f"weights = {arrays}  # by the names of {find_layout(framework).title}"


_Lines = Callable[[str, Sequence[Portable], Asked], Iterator[str]]
_LINES: Final[Mapping[str, _Lines]] = {
    "pytorch": _pytorch,
    "keras": _keras,
    "keras2": _keras,
    "flax-linen": _flax_linen,
    "flax-nnx": _flax_nnx,
    "flax-nnx-optimized": _flax_nnx,
}
