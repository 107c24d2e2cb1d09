"""The process that h5py runs in, apart from ours: it lists an HDF5 file, or reads the numbers of datasets.

The HDF5 library crashes on some damaged files (2.0.0, four of 6,000 with changed bytes) and never ends on others (ten).
Here that harms no other process, and memory and time are limited. Links that leave the file, and datasets whose numbers
are elsewhere, are named and not followed; filters are not loaded from anywhere.

Run by `hdf5`, with a request in JSON as its argument; it answers with a line of JSON, of each dataset followed by its
numbers.
"""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

MAX_OBJECTS: Final = 100_000  # groups and datasets in one file
_MAX_DEPTH: Final = 64
_MAX_ATTRIBUTE: Final = 16 * 2**20  # bytes of text
_MAX_CHUNKS: Final = 10_000  # attributes into which one long list is split
_MAX_INDEX: Final = 64 * 2**20  # characters of all names and attributes together
_MEMORY: Final = 3 * 2**29  # bytes of address space, besides those for the numbers
_ATTRIBUTES: Final = ("model_config", "keras_version", "backend", "name", "dtype")
_LISTS: Final = ("layer_names", "weight_names")


def main(request: str) -> None:
    """Answer one request, `{"path", "start", "length", "datasets", "seconds"}`; without a path, of standard input.

    Of each dataset there is its path and the bytes of its numbers; without datasets, list the file. The seconds are
    those that the processor may work.
    """
    asked = json.loads(request)
    _bound(max((nbytes for _, nbytes in asked["datasets"]), default=0), asked["seconds"])
    try:
        import h5py
    except ImportError as error:
        _answer({"missing": str(error)})
        return
    try:
        with open(asked["path"], "rb") if asked["path"] else io.BytesIO(sys.stdin.buffer.read()) as stream:  # noqa: PTH123
            window = io.BufferedReader(_Window(stream, asked["start"], asked["length"]), 2**16)
            with h5py.File(window, "r") as file:
                if not asked["datasets"]:
                    _answer({"objects": list(_bounded(_objects(file, asked["length"])))})
                for path, nbytes in asked["datasets"]:
                    _read(file, path, nbytes)
    except Exception as error:  # noqa: BLE001  # h5py raises errors of many types
        _answer(_problem(error))


def _problem(error: Exception) -> dict[str, str]:
    return {"error": f"{type(error).__name__}: {error}"[:500]}


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, stream: io.BufferedReader | io.BytesIO, start: int, length: int) -> None:
        self._stream = stream
        self._start = start
        self._length = length
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._length)[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # a buffer
        wanted = max(0, min(len(buffer), self._length - self._at))
        self._stream.seek(self._start + self._at)
        data = self._stream.read(wanted)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _bound(nbytes: int, seconds: int) -> None:
    """Limit memory and time, on systems that can (not Windows)."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = _MEMORY + 3 * nbytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _answer(answer: dict[str, Any]) -> None:
    os.write(1, b"")  # what is written below is flushed at once
    sys.stdout.buffer.write(json.dumps(answer).encode("ascii") + b"\n")
    sys.stdout.buffer.flush()


def _bounded(objects: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The objects, as long as their names and attributes are not too long together: objects may share theirs."""
    size = 0
    for item in objects:
        held = item.get("attributes", {}).values()
        size += len(item["path"]) + sum(
            len(text) for value in held for text in ([value] if type(value) is str else value)
        )
        if size > _MAX_INDEX:
            raise ValueError(f"names and attributes of more than {_MAX_INDEX:,} characters")
        yield item


def _objects(file: Any, length: int) -> Iterator[dict[str, Any]]:  # noqa: ANN401  # an h5py.File
    """The groups of a file, each once, its datasets, and links that are not followed."""
    import h5py

    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [("", file, 0)]
    count = 0
    yield {"path": "", "kind": "group", "attributes": _attributes(file)}
    while waiting:
        path, group, depth = waiting.pop()
        inner = []
        for name in group:
            count += 1
            if count > MAX_OBJECTS:
                raise ValueError(f"more than {MAX_OBJECTS:,} objects")
            full = f"{path}/{name}" if path else name
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                yield {"path": full, "kind": "link"}
                continue
            try:
                found = group[name]
                address = h5py.h5o.get_info(found.id).addr
                if isinstance(found, h5py.Dataset):
                    yield {"path": full, "kind": "dataset", **_dataset(found, length), "attributes": _attributes(found)}
                elif isinstance(found, h5py.Group) and address not in seen and depth < _MAX_DEPTH:
                    seen.add(address)
                    yield {"path": full, "kind": "group", "attributes": _attributes(found)}
                    inner.append((full, found, depth + 1))
                elif isinstance(found, h5py.Group):
                    yield {"path": full, "kind": "link"}
            except Exception as error:  # noqa: BLE001  # one object is damaged, others may be whole
                yield {"path": full, "kind": "damaged", "problem": f"{type(error).__name__}: {error}"[:300]}
        waiting += reversed(inner)


def _attributes(found: Any) -> dict[str, Any]:  # noqa: ANN401  # an h5py object
    """The texts and lists of texts that Keras writes; long lists are split into weight_names0, weight_names1, ..."""
    held: dict[str, Any] = {}
    for name in _ATTRIBUTES:
        if name in found.attrs:
            with suppress(Exception):
                held[name] = _text(_value(found, name))
    for name in _LISTS:
        keys = [name] if name in found.attrs else _chunks(found, name)
        with suppress(Exception):
            lists = [_value(found, key).ravel() for key in keys]
            if keys:
                held[name] = [_text(item) for items in lists for item in items]
    return held


def _chunks(found: Any, name: str) -> list[str]:  # noqa: ANN401  # an h5py object
    keys: list[str] = []
    while len(keys) < _MAX_CHUNKS and f"{name}{len(keys)}" in found.attrs:
        keys.append(f"{name}{len(keys)}")
    return keys


def _value(found: Any, name: str) -> Any:  # noqa: ANN401  # an h5py object, and an array or a text
    import h5py

    attribute = h5py.h5a.open(found.id, name.encode("utf-8"))
    if attribute.get_storage_size() > _MAX_ATTRIBUTE:
        raise ValueError(name)
    return found.attrs[name]


def _text(value: Any) -> str:  # noqa: ANN401  # whatever h5py makes of a text
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    if len(text) > _MAX_ATTRIBUTE:
        raise ValueError("too long")
    return text


def _dataset(found: Any, length: int) -> dict[str, Any]:  # noqa: ANN401  # an h5py.Dataset
    """The header of a dataset, whose numbers are not read; `offset` is None unless they are contiguous in the file."""
    import h5py

    plan = found.id.get_create_plist()
    shape = [int(size) for size in found.shape] if found.shape is not None else None
    problem = ""
    layout = plan.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        problem = "its numbers are in other files"
    elif plan.get_external_count():
        problem = "its numbers are in another file"
    dtype, plain = _dtype(found)
    offset = None
    stored = int(found.id.get_storage_size()) if not problem else 0
    if layout == h5py.h5d.CONTIGUOUS and plain and not problem:
        offset = found.id.get_offset()
    if shape is None:
        problem = problem or "it has no shape"
    elif stored > length:
        problem = problem or "it is larger than its file"
    return {
        "shape": shape or [],
        "dtype": dtype,
        "order": found.dtype.newbyteorder("=").str != found.dtype.str and found.dtype.itemsize > 1,
        "itemsize": int(found.dtype.itemsize),
        "offset": None if offset is None else int(offset),
        "stored": stored,
        "filters": plan.get_nfilters(),
        "problem": problem,
    }


def _dtype(found: Any) -> tuple[str, bool]:  # noqa: ANN401  # an h5py.Dataset
    """The dtype's name, and True if its numbers are stored as NumPy has them in memory."""
    import h5py

    dtype = found.dtype
    if dtype.kind not in "fiubV" or dtype.names is not None:
        return ("string" if dtype.kind in "OSU" else str(dtype)[:40]), False
    plain = bool(found.id.get_type() == h5py.h5t.py_create(dtype, logical=True))
    return dtype.name, plain and dtype.kind in "fiuV"


def _read(file: Any, path: str, nbytes: int) -> None:  # noqa: ANN401  # an h5py.File
    """Write the numbers of one dataset to standard output, in native byte order, or why they cannot be read."""
    try:
        array = _numbers(file[path], nbytes)
    except Exception as error:  # noqa: BLE001  # as above
        _answer(_problem(error))
        return
    _answer({"dtype": array.dtype.name, "shape": list(array.shape)})
    sys.stdout.buffer.write(array.tobytes())
    sys.stdout.buffer.flush()


def _numbers(found: Any, nbytes: int) -> Any:  # noqa: ANN401  # an h5py.Dataset, and an array
    """The numbers of a dataset, in native byte order."""
    import numpy as np

    if found.size * found.dtype.itemsize != nbytes:
        raise ValueError("the dataset has changed")
    array = np.ascontiguousarray(found[()])
    return array.astype(array.dtype.newbyteorder("="), copy=False)
