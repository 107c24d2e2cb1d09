"""The dictionaries of a file that have tensors by name, with what only they know: versions, buffers, keys."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from lstmcalc.readers.files.tensors import StateDict, Stored
from lstmcalc.readers.pickles.records import Call, Table
from lstmcalc.readers.pickles.trees import Module


def buffers_of(modules: Sequence[Module]) -> frozenset[str] | None:
    """The names of the buffers of whole modules; None if the file has none, or is of TorchScript, which tells none."""
    if not modules or any(module.parameters is module.attributes for module in modules):
        return None
    found = set()
    for module in modules:
        held = module.attributes.get("_buffers")
        for key, _ in held.pairs if type(held) is Table else ():
            found.add(module.inside(str(key)))
    return frozenset(found)


def state_dicts(value: Any, tensors: Mapping[str, Stored]) -> Iterator[StateDict]:  # noqa: ANN401  # as in `walk`
    """The file itself, if it is a dictionary, and the dictionaries in it, two levels deep, that have tensors."""
    places: list[tuple[tuple[str, ...], Table]] = [((), value)] if type(value) is Table else []
    for keys, table in places:
        held = {name: item for name, item in table.pairs if isinstance(name, str)}
        if len(keys) < _LEVELS:
            places += [((*keys, name), item) for name, item in held.items() if type(item) is Table]
        entries = {name: tensors.get(".".join((*keys, name))) or _class_name(item) for name, item in held.items()}
        if not keys or any(isinstance(item, Stored) for item in entries.values()):
            yield StateDict(keys, entries, _versions(table.state))


_LEVELS: Final = 2  # e.g. `checkpoint["state"]["model"]`


def _class_name(value: Any) -> str:  # noqa: ANN401  # a record of a pickle
    """The name of the class of a value that is not a tensor."""
    return "dict" if type(value) is Table else value.path if type(value) is Call else type(value).__name__


def _versions(state: Any) -> dict[str, int]:  # noqa: ANN401  # a record of a pickle
    """The versions of modules by path, from the attributes of a state dict (`state_dict` of torch 2.13.0)."""
    metadata = state.get("_metadata") if type(state) is Table else None
    pairs = metadata.pairs if type(metadata) is Table else []
    found = {path: table.get("version") for path, table in pairs if isinstance(path, str) and type(table) is Table}
    return {path: version for path, version in found.items() if type(version) is int}


def dictionaries(value: Any, names: Collection[str]) -> tuple[tuple[str, ...], ...]:  # noqa: ANN401  # as in `walk`
    """The keys of each dictionary that has tensors by name: none for the file itself, one for a dictionary in it."""
    if type(value) is not Table:
        return ()
    places: list[tuple[tuple[str, ...], Table]] = [((), value)]
    places += [((key,), held) for key, held in value.pairs if isinstance(key, str) and type(held) is Table]
    return tuple(
        keys
        for keys, table in places
        if any(isinstance(name, str) and ".".join((*keys, name)) in names for name, _ in table.pairs)
    )
