"""Dictionaries of arrays in memory: state dicts, checkpoints, variables of Flax, the handle of a safetensors file.

Sources: torch 2.13.0 (`state_dict`), flax 0.12.8 (`init`, nnx.State), safetensors 0.8.0 (`safe_open`), all run.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from math import prod
from typing import Any, Final

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.raw_numbers import WIDTHS
from lstmcalc.readers.files.safetensors import DTYPES
from lstmcalc.readers.files.tensors import StateDict, Stored, WeightFile
from lstmcalc.readers.live.arrays import is_array, is_torch_tensor, is_unbuilt, stored_of
from lstmcalc.readers.live.classes import class_name
from lstmcalc.readers.live.torch import is_module, read_module

_MAX_DEPTH: Final = 50
_MAX_ARRAYS: Final = 200_000
_LEVELS: Final = 2  # e.g. `checkpoint["state"]["model"]`


def read_dictionary(value: Mapping[Any, Any]) -> WeightFile:
    """A dictionary of arrays by name, with dictionaries, lists and modules of PyTorch in it."""
    tensors: dict[str, Stored] = {}
    modules: dict[str, WeightFile] = {}
    for path, item in _leaves(value, (), frozenset()):
        if is_module(item):
            modules[".".join(path)] = read_module(item)
        else:
            name = _free(".".join(path), tensors)
            tensors[name] = stored_of(name, item)
        if len(tensors) > _MAX_ARRAYS:
            raise SourceError("too many arrays", f"at most {_MAX_ARRAYS:,}")
    whole = [_below(above, inside) for above, inside in modules.items()]
    tensors |= {item.name: item for file in whole for item in file.tensors}
    torch = any(is_torch_tensor(item) for _, item in _leaves(value, (), frozenset())) or bool(modules)
    states = tuple(_state_dicts(value, tensors))
    held = tuple(state.keys for state in states if any(isinstance(item, Stored) for item in state.entries.values()))
    return WeightFile(
        "PyTorch in memory" if torch else "in memory",
        tuple(tensors.values()),
        tuple(item for file in whole for item in file.stated),
        tuple(note for file in whole for note in file.notes),
        dictionaries=held,
        kind="torch" if torch else "npz",
        state_dicts=states if torch else (),
        code="state = state_dict",
    )


def _below(path: str, file: WeightFile) -> WeightFile:
    """A module in a dictionary, with names that begin with the keys that lead to it."""
    begin = f"{path}."
    tensors = tuple(item._replace(name=f"{begin}{item.name}") for item in file.tensors)
    stated = tuple(
        item._replace(
            name=f"{begin}{item.name}".rstrip("."),
            weights=item.stored._replace(named={key: f"{begin}{name}" for key, name in item.stored.named.items()}),
        )
        for item in file.stated
        if item.name not in file.repeats
    )
    return file._replace(tensors=tensors, stated=stated)


def _leaves(value: Any, path: tuple[str, ...], above: frozenset[int]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401
    """The arrays and modules in containers, each with the keys that lead to it; numbers and texts are no leaves."""
    if is_array(value) or is_unbuilt(value) or is_module(value):
        yield path, value
        return
    if not isinstance(value, Mapping | list | tuple) or id(value) in above:
        return
    if len(path) > _MAX_DEPTH:
        raise SourceError("this is nested too deeply", f"at most {_MAX_DEPTH} levels")
    pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, item in pairs:
        yield from _leaves(item, (*path, _text(key)), above | {id(value)})


def _text(key: object) -> str:
    return key if isinstance(key, str) else str(key) if isinstance(key, int) else shorten(key)


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, with a number if it is taken: two keys can be the same text, as 1 and "1"."""
    return name if name not in taken else f"{name}#{len(taken)}"


def _state_dicts(value: Mapping[Any, Any], tensors: Mapping[str, Stored]) -> Iterator[StateDict]:
    """The dictionary itself, and those in it, two levels deep, that have tensors by their names."""
    places: list[tuple[tuple[str, ...], Mapping[Any, Any]]] = [((), value)]
    for keys, table in places:
        held = {name: item for name, item in table.items() if isinstance(name, str)}
        if len(keys) < _LEVELS:
            places += [((*keys, name), item) for name, item in held.items() if isinstance(item, Mapping)]
        entries = {name: tensors.get(".".join((*keys, name))) or _kind(item) for name, item in held.items()}
        if not keys or any(isinstance(item, Stored) for item in entries.values()):
            yield StateDict(keys, entries, _versions(table))


def _kind(value: object) -> str:
    """The name of the class of what is no tensor, as `load_state_dict` writes it."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _versions(table: Mapping[Any, Any]) -> dict[str, int]:
    """The versions of modules by path, which a state dict has as an attribute."""
    metadata = getattr(table, "_metadata", None)
    pairs = metadata.items() if isinstance(metadata, Mapping) else ()
    found = {path: held.get("version") for path, held in pairs if isinstance(path, str) and isinstance(held, Mapping)}
    return {path: version for path, version in found.items() if isinstance(version, int)}


def is_handle(value: object) -> bool:
    """True for the handle of a safetensors file."""
    return class_name(value) == "safe_open" and hasattr(value, "get_slice")


def read_handle(value: Any) -> WeightFile:  # noqa: ANN401  # `safetensors.safe_open`
    """The handle of a safetensors file: its index; numbers are read through it."""
    tensors = []
    for name in value.keys():  # noqa: SIM118  # a handle cannot be iterated over
        part = value.get_slice(name)
        shape, code = tuple(part.get_shape()), part.get_dtype()
        dtype = DTYPES.get(code, code.lower())
        tensors.append(Stored(name, dtype, shape, prod(shape) * WIDTHS.get(dtype, 1), partial(_of_handle, value, name)))
    return WeightFile("safetensors", tuple(tensors), dictionaries=((),), kind="safetensors", code="state = state_dict")


def _of_handle(handle: Any, name: str) -> Any:  # noqa: ANN401  # a handle, an array
    try:
        tensor = handle.get_tensor(name)
    except Exception as error:  # noqa: BLE001  # of the library, e.g. for NumPy without bfloat16
        raise SourceError("the handle gives no numbers", found=f"{class_name(error)}: {error}", where=name) from None
    return stored_of(name, tensor).read()
