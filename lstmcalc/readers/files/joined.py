"""Several files that are one source: the shards of an index, or the models within a pickle."""

from collections.abc import Iterable, Sequence

from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.found import Found


def joined(parts: Sequence[WeightFile], kind: str, notes: Iterable[str] = ()) -> WeightFile:
    """The tensors and modules of several files as those of one, of a format in words; names must differ.

    As state dicts they are none: which of the files a program loads, and how, is not known.
    """
    kinds = {part.kind for part in parts}
    return WeightFile(
        kind,
        tuple(tensor for part in parts for tensor in part.tensors),
        tuple(found for part in parts for found in part.stated),
        tuple(dict.fromkeys((*notes, *(note for part in parts for note in part.notes)))),
        kind=kinds.pop() if len(kinds) == 1 else "",
        buffers=_buffers(parts),
    )


def _buffers(parts: Sequence[WeightFile]) -> frozenset[str] | None:
    """The names that are no parameters, as the parts say; of one that does not say, those of integers."""
    if all(part.buffers is None for part in parts):
        return None
    found = set[str]()
    for part in parts:
        integers = (
            tensor.name for tensor in part.tensors if not tensor.dtype.startswith(("float", "bfloat", "complex"))
        )
        found.update(integers if part.buffers is None else part.buffers)
    return frozenset(found)


def below(path: str, file: WeightFile) -> WeightFile:
    """The file with all names below a path; as it is, without one."""
    if not path:
        return file
    return file._replace(
        tensors=tuple(_named(path, tensor) for tensor in file.tensors),
        stated=tuple(_moved(path, found) for found in file.stated),
        buffers=None if file.buffers is None else frozenset(f"{path}.{name}" for name in file.buffers),
    )


def _named(path: str, tensor: Stored) -> Stored:
    return tensor._replace(name=f"{path}.{tensor.name}")


def _moved(path: str, found: Found) -> Found:
    weights = found.stored
    return found._replace(
        name=f"{path}.{found.name}",
        weights=weights._replace(
            named={own: f"{path}.{name}" for own, name in weights.named.items()},
            computed=tuple(_named(path, tensor) for tensor in weights.computed),
            names=tuple(f"{path}.{name}" for name in weights.names),
        ),
    )
