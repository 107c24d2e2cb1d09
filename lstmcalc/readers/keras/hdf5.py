"""The contents of an HDF5 file: groups with Keras' attributes, and datasets, whose numbers are not yet read.

h5py reads the index in a process of its own (`hdf5_child`), which may crash or be stopped without harm to ours; a file
that is in memory alone, as one that was decompressed, is written to its standard input, and never to the disk. Numbers
that are contiguous in the file, as Keras writes them, are read from there without the library; others by it.

Nothing outside of the file is read, and no memory is allocated only because a header asks for it.

Not here: the meaning of groups and datasets (`cells`, `files`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from lstmcalc.errors import MissingExtraError, SourceError, shorten
from lstmcalc.readers.files.budget import LIBRARY, budget
from lstmcalc.readers.files.inner import File, name_of, section_of
from lstmcalc.readers.files.raw_numbers import (
    MAX_RANK,
    WIDTHS,
    Block,
    View,
    array_from_bytes,
    checked_shape,
    named_blocks,
    numel,
    whole_array,
)
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Spot, Stored

SECONDS: Final = 120  # time limit of the library, including waits for the disk; that of its work is in its budget
_MOST_DENSE: Final = 1032  # highest compression ratio of deflate (zlib's technical details)
_AHEAD: Final = 2**24  # bytes of numbers that are read at once, but for a larger dataset
_REQUEST: Final = 2**16  # characters of a request, at most; an argument of a program has 2**17 bytes in Linux
_SMALL: Final = 2**20  # bytes by which a dataset may exceed those that the file has for it
# The code that runs h5py: its imports are found where ours are, and nowhere else.
CODE: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from lstmcalc.readers.keras.hdf5_child import main; main(sys.argv[2])"
)


class Hdf5(NamedTuple):
    """The index of an HDF5 file."""

    groups: Mapping[str, Mapping[str, Any]]  # attributes by the group's path, `""` for the root; in file order
    datasets: Mapping[str, Stored]  # by path
    skipped: tuple[str, ...]  # links that are not followed
    damaged: tuple[str, ...]  # objects that cannot be read, each with the reason


class Window(NamedTuple):
    """An HDF5 file, which is a file or a part of one."""

    path: str
    start: int  # offset in the file
    length: int  # in bytes
    name: str  # for errors
    data: bytes = b""  # the file itself, if it is in memory alone; `path` is empty then

    def request(self) -> dict[str, str | int]:
        """The request to the process with h5py."""
        return {"path": self.path, "start": self.start, "length": self.length}

    def section(self, offset: int, length: int) -> Section:
        """Some bytes of it."""
        return Section(Path(self.path) if self.path else self.data, self.start + offset, length)


def window_of(file: File) -> Window:
    """The whole of a file."""
    name = name_of(file)
    try:
        return window_in(section_of(file), name)
    except SourceError as error:
        raise SourceError(f"cannot read {name}", found=error.found or error.what) from None


def window_in(section: Section, name: str) -> Window:
    """An HDF5 file that is some bytes of a file, or is in memory."""
    origin = section.origin
    if isinstance(origin, bytes):
        return Window("", section.start, section.length, name, origin)
    return Window(str(origin), section.start, section.length, name)


def read_index(window: Window) -> Hdf5:
    """The groups and datasets of an HDF5 file; MissingExtraError without h5py."""
    answer: Mapping[str, Any] = json.loads(_ask(window, ()).partition(b"\n")[0])
    return index_of(answer, window)


def index_of(answer: Mapping[str, Any], window: Window) -> Hdf5:
    """The index from an answer of `hdf5_child`; raises the error that it answers with."""
    if "objects" not in answer:
        raise _damage_error(window, str(answer.get("error", "nothing")))
    groups: dict[str, Mapping[str, Any]] = {}
    datasets: dict[str, Stored] = {}
    skipped, damaged = [], []
    library = _Library(window, [item for item in answer["objects"] if item["kind"] == "dataset"])
    for item in answer["objects"]:
        path = item["path"]
        if item["kind"] == "group":
            groups[path] = item["attributes"]
        elif item["kind"] == "dataset":
            datasets[path] = _stored_dataset(item, library)
        elif item["kind"] == "link":
            skipped.append(path)
        else:
            damaged.append(f"{path}: {item['problem']}")
    return Hdf5(groups, datasets, tuple(skipped), tuple(damaged))


def _damage_error(window: Window, found: str) -> SourceError:
    return SourceError(f"{window.name} is damaged", "a whole HDF5 file", shorten(found, 160)[1:-1])


def _ask(window: Window, wanted: Sequence[tuple[str, int]]) -> bytes:
    """The answers of the library, at least one: the index, or of each dataset a line of JSON and its numbers.

    Args:
        window: The file.
        wanted: The paths of datasets and the bytes of their numbers; none for the index.
    """
    if find_spec("h5py") is None:
        raise MissingExtraError("h5py is not installed", hint="pip install h5py", where=window.name)
    spent, before = budget(), _library_time()
    left = spent.left(LIBRARY)
    if left <= 0:
        raise SourceError(
            f"not all of {window.name} is read", "a file of fewer parts", "the HDF5 library takes too long"
        )
    request = {**window.request(), "datasets": list(wanted), "seconds": 1 + left // 10**9}
    # HDF5 loads no filters from its plugin directories, and no thread takes memory.
    own = {"HDF5_PLUGIN_PRELOAD": "::", "HDF5_USE_FILE_LOCKING": "FALSE", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-I", "-c", CODE, json.dumps(sys.path), json.dumps(request)],
            input=window.data,  # nothing, for a file with a path
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, **own},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _damage_error(window, f"the HDF5 library was stopped after {SECONDS} seconds") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {window.name}", found=f"h5py cannot be run: {error}") from None
    finally:
        spent.count(LIBRARY, _library_time() - before)
    try:
        answer = json.loads(done.stdout.partition(b"\n")[0])
    except ValueError:
        raise _damage_error(window, f"the HDF5 library failed on it, exit {done.returncode}") from None
    if "missing" in answer:
        raise MissingExtraError(
            "h5py is installed, but does not load", found=shorten(answer["missing"], 200)[1:-1], where=window.name
        )
    return done.stdout


def _library_time() -> int:
    """The nanoseconds that our ended processes worked; on the clock, where that is not known."""
    times = os.times()
    worked = times.children_user + times.children_system if os.name == "posix" else times.elapsed
    return int(worked * 10**9)


# --- Datasets


class _Library:
    """Reads the datasets of a file that only the library can read, several at once: each start of it takes a while.

    Args:
        window: The file.
        items: All datasets of the file.
    """

    def __init__(self, window: Window, items: Sequence[Mapping[str, Any]]) -> None:
        self.window = window
        sizes = (
            (item["path"], item["dtype"], numel(tuple(item["shape"][:MAX_RANK])) * item["itemsize"], item)
            for item in items
        )
        self._items = [
            (path, nbytes)
            for path, dtype, nbytes, item in sizes
            if not (item["problem"] or _is_contiguous(item, dtype)) and nbytes <= _AHEAD
        ]
        self._places = {path: place for place, (path, _) in enumerate(self._items)}
        self._read: dict[str, tuple[Mapping[str, Any], bytes]] = {}

    def numbers(self, path: str, nbytes: int) -> tuple[Mapping[str, Any], bytes]:
        """The answer on a dataset, and its numbers."""
        if path not in self._read:
            self._read = self._answers([(path, nbytes), *self._behind(path, _AHEAD - nbytes)])
        return self._read.pop(path)

    def _behind(self, path: str, room: int) -> Iterator[tuple[str, int]]:
        """The datasets behind one, as many as take no more memory than this, and fit into a request."""
        place, letters = self._places.get(path, len(self._items)), _REQUEST
        for item in self._items[place + 1 :]:
            room, letters = room - item[1], letters - len(json.dumps(item)) - 2
            if min(room, letters) < 0:
                return
            yield item

    def _answers(self, wanted: Sequence[tuple[str, int]]) -> dict[str, tuple[Mapping[str, Any], bytes]]:
        """The answers on the first of these datasets, and on others until one ends the library."""
        written, at = _ask(self.window, wanted), 0
        found: dict[str, tuple[Mapping[str, Any], bytes]] = {}
        for path, nbytes in wanted:
            end = written.find(b"\n", at)
            if end < 0:
                break
            answer = json.loads(written[at:end])
            at = end + 1
            found[path] = answer, written[at : at + nbytes] if "dtype" in answer else b""
            at += len(found[path][1])
        return found


def _stored_dataset(item: Mapping[str, Any], library: _Library) -> Stored:
    """A dataset, with the function that reads it."""
    window = library.window
    path, dtype = item["path"], item["dtype"]
    if dtype == "void16" and item["attributes"].get("dtype") == "bfloat16":  # Keras 3 marks it so
        dtype = "bfloat16"
    where = f"{window.name}, {shorten(path)[1:-1]}"
    shape = checked_shape(item["shape"][: MAX_RANK + 1], where)
    nbytes = numel(shape) * item["itemsize"]
    parts = partial(_contiguous_blocks, item, window, dtype, shape, where) if _is_contiguous(item, dtype) else None
    read = partial(_numbers, item, library, dtype, shape, where)
    spot = partial(_spot, item, window, dtype, shape, where) if parts is not None else None
    return Stored(path, dtype, shape, nbytes, read, parts, spot=spot)


def _numbers(item: Mapping[str, Any], library: _Library, dtype: str, shape: tuple[int, ...], where: str) -> Any:  # noqa: ANN401
    """The numbers of a dataset, as an array."""
    if item["problem"]:
        raise SourceError("cannot be read", "numbers in the file itself", item["problem"], where=where)
    if dtype not in WIDTHS:
        raise SourceError(f"numbers of {dtype} are not read", "float32, or another float", where=where)
    nbytes = numel(shape) * item["itemsize"]
    if _is_contiguous(item, dtype) and nbytes:
        return whole_array(shape, _contiguous_blocks(item, library.window, dtype, shape, where))
    dense = _MOST_DENSE if item["filters"] else 1
    if nbytes > item["stored"] * dense + _SMALL:
        raise SourceError(
            "the dataset is not as large as its shape", f"{nbytes:,} bytes", f"{item['stored']:,}", where=where
        )
    answer, data = library.numbers(item["path"], nbytes)
    if answer.get("dtype") not in (dtype, item["dtype"]) or len(data) != nbytes:
        raise SourceError(
            "cannot be read", "numbers in the file itself", str(answer.get("error", ""))[:200], where=where
        )
    return array_from_bytes(data, dtype, shape, big_endian=sys.byteorder == "big")


def _contiguous_blocks(
    item: Mapping[str, Any], window: Window, dtype: str, shape: tuple[int, ...], where: str
) -> Iterator[Block]:
    """The numbers of a dataset that are contiguous in the file, in blocks."""
    spot = _spot(item, window, dtype, shape, where)
    yield from named_blocks(spot.section, dtype, spot.view, where, big_endian=spot.big_endian)


def _spot(item: Mapping[str, Any], window: Window, dtype: str, shape: tuple[int, ...], where: str) -> Spot:
    """The place of a contiguous dataset's numbers in the file."""
    nbytes, offset = numel(shape) * item["itemsize"], item["offset"]
    if nbytes > item["stored"] or not 0 <= offset <= window.length - nbytes:
        raise SourceError(
            "the dataset is not as large as its shape", f"{nbytes:,} bytes", f"{item['stored']:,}", where=where
        )
    swapped = item["order"] == (sys.byteorder == "little")
    section = window.section(offset, nbytes)
    return Spot(section, dtype, View.whole(shape), swapped)


def _is_contiguous(item: Mapping[str, Any], dtype: str) -> bool:
    """True if the numbers can be read from the file without the library."""
    return not item["problem"] and item["offset"] is not None and item["itemsize"] == WIDTHS.get(dtype)
