"""The parameters in a weight file: of its LSTMs, and of the layers beside them, by module.

A state dict has parameters and buffers alike, and does not say which is which: the statistics of batch normalisation
and integers are buffers, and a name that no layer of PyTorch has may be one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from lstmcalc.commands.summary.inventory import Inventory, Layer, named
from lstmcalc.frameworks.storage import Storage
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.spec.words import counted, with_rest

# The names of parameters in the layers of PyTorch 2.13.0, and in those that weight_norm and its like change.
_PARAMETERS: Final = re.compile(
    r"weight|bias|(weight|bias)_(ih|hh|hr)(_l\d+)?(_reverse)?|in_proj_(weight|bias)|[qkv]_proj_weight|bias_[kv]"
    r"|weight(_ih|_hh|_hr)?(_l\d+)?(_reverse)?_(g|orig|raw)|weight(_ih|_hh|_hr)?(_l\d+)?(_reverse)?_v|original\d*"
)
_BUFFERS: Final = ("running_mean", "running_var", "num_batches_tracked", "n_averaged")
_LOSS: Final = re.compile(r"(?i)(^|[._])(criterion|loss)")
_FLOATS: Final = ("float", "bfloat", "complex", "sparse float")
# Beside the model in files that have one list of names alone: keras/src/saving/saving_lib.py of Keras 3.15.1,
# `optimizer_weights` of Keras 2; `optimizer.state` as people flatten checkpoints.
_OPTIMIZER: Final = re.compile(r"(optimizer|optimizer_weights|optimizer_states?|opt_state)[./]")
_LISTED: Final = 3
_OF_PYTORCH: Final = ("torch", "safetensors", "npz", "npy", "listed", "listed by PyTorch")


def inventory_of_file(file: WeightFile, found: Sequence[Found]) -> Inventory:
    """The layers beside the LSTMs of a weight file, by module, and the parameters of each LSTM as they are stored."""
    tensors, prefix = _of_the_model(file, found)
    once = _without_repetitions(tensors)
    if file.kind == "onnx":
        once = [tensor for tensor in once if tensor.name not in file.constants]
    buffers = _buffer_names(once, file)
    kinds = {item.unit: item.kind for item in file.relatives}
    described = {item.path: item for item in file.described if item.path}
    by_module: dict[str, int] = {}
    others: dict[str, list[Stored]] = {}
    nbytes = 0
    for tensor in once:
        owner = file.owners.get(tensor.name)
        if owner is not None and owner not in kinds:
            by_module[owner] = by_module.get(owner, 0) + numel(tensor.shape)
            nbytes += tensor.nbytes
        elif tensor.name not in buffers:
            others.setdefault(owner or _module_of(tensor.name), []).append(tensor)
            nbytes += tensor.nbytes
    repeated = {tensor.name for tensor in tensors}.difference(tensor.name for tensor in once)
    lstms = {item.name: _parameters_of(item, by_module, repeated) for item in found if not item.gaps}
    layers = []
    for name, own in others.items():
        if name in kinds:
            shown = f"{kinds[name]} {name}"
        elif name in described:
            shown = named(name, described[name].text)
        elif file.kind in _OF_PYTORCH:
            shown = ", ".join(_tensor_text(item, prefix) for item in own)
        else:
            shown = _layer_text(name, own)
        count = sum(numel(item.shape) for item in own)
        kind = kinds.get(name) or (described[name].kind if name in described else "")
        layers.append(Layer(name.removeprefix(prefix), kind, shown, count))
    unknown = [item for item in file.described if not item.known and item.path not in {*lstms, *kinds}]
    layers += [Layer(item.path, item.kind, named(item.path, item.text), None) for item in unknown]
    what = f"{file.format}, {counted(len(file.tensors), 'tensor')}"
    doubts = list(_doubts(file, once, buffers))
    if unknown:
        doubts.append(f"{with_rest([item.path or item.kind for item in unknown], _LISTED)} (sizes not known)")
    # If an LSTM is open, its bytes are not among those that are stored.
    whole = file.has_numbers and len(lstms) == len(found)
    return Inventory(what, layers, lstms, nbytes if whole else None, doubts, least=bool(unknown))


def _of_the_model(file: WeightFile, found: Sequence[Found]) -> tuple[list[Stored], str]:
    """The tensors of the state dicts, or modules, that have the LSTMs, and the beginning of their names that says so.

    Those of an optimizer are left out.
    """
    names = {name for item in found for name in item.stored.names}
    holding = [
        state
        for state in file.state_dicts
        if any(isinstance(item, Stored) and item.name in names for item in state.entries.values())
    ]
    if holding:
        prefix = "".join(f"{key}." for key in holding[0].keys) if len(holding) == 1 else ""
        return [item for state in holding for item in state.entries.values() if isinstance(item, Stored)], prefix
    modules = [
        f"{name}."
        for state in file.state_dicts[:1]
        for name, item in state.entries.items()
        if isinstance(item, str) and "." in item and any(own.startswith(f"{name}.") for own in names)
    ]
    if modules:
        return [tensor for tensor in file.tensors if tensor.name.startswith(tuple(modules))], ""
    if file.kind == "npz" and any(tensor.dtype.startswith("text") for tensor in file.tensors):  # of run --save
        return [tensor for tensor in file.tensors if tensor.name in names], ""
    return [tensor for tensor in file.tensors if not _OPTIMIZER.match(tensor.name)], ""


def _without_repetitions(tensors: Sequence[Stored]) -> list[Stored]:
    """The tensors, of those that share their numbers one: tied weights are one parameter."""
    seen, once = set[object](), []
    for tensor in tensors:
        if tensor.place is None or tensor.place not in seen:
            seen.add(tensor.place)
            once.append(tensor)
    return once


def _buffer_names(tensors: Sequence[Stored], file: WeightFile) -> frozenset[str]:
    """The names of the tensors that are not parameters: by the file itself, or by their names and dtypes."""
    if file.buffers is not None:
        return file.buffers
    found = {tensor.name for tensor in tensors if tensor.dtype and not tensor.dtype.startswith(_FLOATS)}
    if file.kind not in _OF_PYTORCH:
        return frozenset(found)
    names = {tensor.name for tensor in tensors}
    for name in names:
        last = name.rpartition(".")[2]
        vector = last.endswith("_v") and f"{name[:-2]}_u" in names  # of spectral_norm
        if last in _BUFFERS or last in ("_u", "_v") or vector or (last.endswith("_u") and f"{name[:-2]}_orig" in names):
            found.add(name)
    return frozenset(found)


def _parameters_of(item: Found, by_module: Mapping[str, int], repeated: AbstractSet[str]) -> int:
    """The parameters of an LSTM as they are stored; quantized, or computed ones, by their sizes.

    One whose tensors are all those of another LSTM has none of its own.
    """
    if item.stored.names and repeated >= {*item.stored.names} and item.stored.module not in by_module:
        return 0
    if item.quantized or item.stored.computed or item.stored.module not in by_module:
        return Storage(item.stored.config, item.framework).num_parameters + item.stored.given
    return item.stored.given + by_module[item.stored.module]


def _doubts(file: WeightFile, tensors: Sequence[Stored], buffers: frozenset[str]) -> Iterator[str]:
    """The reasons why the total may be another one than that of the model."""
    if file.kind == "onnx" and any(file.owners.get(tensor.name) is None for tensor in tensors):
        yield "every initializer of floating point"
    if file.kind == "tflite" and any(
        file.owners.get(tensor.name) is None for tensor in tensors if tensor.name not in buffers
    ):
        yield "every constant that layers multiply or add"
    if file.kind in _OF_PYTORCH and file.buffers is None:
        names = {tensor.name for tensor in tensors}
        left = [
            tensor.name
            for tensor in tensors
            if tensor.name not in buffers and file.owners.get(tensor.name) is None and _may_be_a_buffer(tensor, names)
        ]
        if left:
            yield f"{with_rest(left, _LISTED)} may be {'a buffer' if len(left) == 1 else 'buffers'}"


def _may_be_a_buffer(tensor: Stored, names: set[str]) -> bool:
    """True for a name that no parameter of a layer of PyTorch has, and for the weights of classes in a loss."""
    path, _, last = tensor.name.rpartition(".")
    if not _PARAMETERS.fullmatch(last):
        return True
    return bool(_LOSS.search(path)) and len(tensor.shape) < 2 and f"{path}.bias" not in names  # noqa: PLR2004  # a vector


def _module_of(name: str) -> str:
    """The path of a tensor without its last part."""
    mark = "/" if "/" in name and "." not in name.rpartition("/")[2] else "."
    return name.rpartition(mark)[0]


def _layer_text(path: str, own: Sequence[Stored]) -> str:
    """The tensors of a layer by its name and their shapes, `dense (5, 3) (3,)`; without a path by their own names."""
    if not path:
        return ", ".join(_tensor_text(item, "") for item in own)
    name = re.sub("/(vars|_layer_checkpoint_dependencies)$", "", path).rpartition("/")[2]
    return " ".join([name, *(_shape_text(item) for item in own)])


def _shape_text(tensor: Stored) -> str:
    return f"({', '.join(map(str, tensor.shape))}{',' * (len(tensor.shape) == 1)})"


def _tensor_text(tensor: Stored, prefix: str) -> str:
    """A tensor by its name, and its shape unless that is a vector's: `fc.weight (17, 512)`."""
    name = tensor.name.removeprefix(prefix)
    return name if len(tensor.shape) < 2 else f"{name} ({', '.join(map(str, tensor.shape))})"  # noqa: PLR2004  # an axis
