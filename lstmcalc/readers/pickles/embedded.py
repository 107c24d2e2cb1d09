"""Whole files among the byte strings of a pickle: models of Keras above all, which pickle themselves so.

Keras 3 pickles a model as the bytes of a .keras archive (keras/src/saving/keras_saveable.py; files of 3.10 and 3.15.1
were read), SciKeras 0.13.0 as those of one in an array of uint8 (scikeras/_saving_utils.py), earlier versions of both
as those of a tar archive with a SavedModel, and many programs as those of an HDF5 file. Files are told by their first
bytes; those of TensorFlow Lite are named, and not read.
"""

from collections.abc import Iterator
from typing import Any, Final

from lstmcalc.readers.files.packing import is_tar
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.pickles.arrays import RawArray, is_array, raw_array
from lstmcalc.readers.pickles.records import Call, LongString, Table, section_of, text_of
from lstmcalc.readers.pickles.trees import join_path

_ZIP: Final = (b"PK\3\4", b"PK\5\6")  # APPNOTE 6.3.10, 4.3.7 and 4.3.16
_HDF5: Final = b"\x89HDF\r\n\x1a\n"  # HDF5 File Format Specification 3.0
TFLITE: Final = b"TFL3"  # tensorflow/compiler/mlir/lite/schema/schema.fbs, tensorflow 2.21.0
_HEAD: Final = 512  # bytes
_MOST_FILES: Final = 100
_MOST: Final = 100_000  # values that are looked at
_SMALLEST: Final = 64  # bytes
_MAX_PATH: Final = 200  # characters of a path


def files_in(value: Any) -> Iterator[tuple[str, Section]]:  # noqa: ANN401  # anything that a pickle can hold
    """The files among the byte strings and arrays of bytes of a pickle, each with its path there."""
    pending, met, found = [("", value)], set[int](), 0
    for _ in range(_MOST):
        if not pending or found == _MOST_FILES:
            return
        path, item = pending.pop()
        section = _bytes(item)
        if section is not None:
            if section.length >= _SMALLEST and _is_file(section.read(0, min(section.length, _HEAD))):
                found += 1
                yield path, section
        elif type(item) in (Call, Table, list, tuple) and id(item) not in met:
            met.add(id(item))
            pending += reversed(list(_held(path, item)))


def is_whole_file(array: RawArray) -> bool:
    """True for an array of bytes that are a file, as `files_in` finds it."""
    section = _bytes_of_array(array)
    return section is not None and section.length >= _SMALLEST and _is_file(section.read(0, min(section.length, _HEAD)))


def _bytes_of_array(array: RawArray) -> Section | None:
    """The bytes of an array of single bytes; None for any other."""
    if array.dtype not in ("uint8", "int8") or len(array.view.shape) != 1:
        return None
    whole = array.data if isinstance(array.data, Section) else section_of(array.data)
    return whole if whole.length == array.view.numel else None


def _bytes(item: Any) -> Section | None:  # noqa: ANN401  # as above
    """The bytes of a string, or of an array of single bytes; None for anything else."""
    if type(item) is bytes or (type(item) is LongString and not item.coding):
        return section_of(item)
    if type(item) is Call and is_array(item):
        array = raw_array(item)
        return None if array is None else _bytes_of_array(array)
    return None


def _is_file(head: bytes) -> bool:
    return head.startswith((*_ZIP, _HDF5)) or head[4:8] == TFLITE or is_tar(head)


def _held(path: str, item: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # as above
    """The values in a container or an object, each with its path; as many as are looked at."""
    if type(item) is Table:
        yield from _named(path, item.pairs)
        return
    if type(item) is not Call:
        yield from ((_path(path, str(index)), value) for index, value in enumerate(item[:_MOST]))
        return
    for held in (item.arguments, item.keywords, item.state):
        yield from ((path, value) for value in (held[:_MOST] if isinstance(held, tuple) else (held,)))
    yield from ((_path(path, str(index)), value) for index, value in enumerate(item.items[:_MOST]))
    yield from _named(path, item.pairs)


def _named(path: str, pairs: list[tuple[Any, Any]]) -> Iterator[tuple[str, Any]]:
    for key, value in pairs[:_MOST]:
        yield _path(path, text_of(key) or (str(key) if type(key) is int else "?")), value


def _path(path: str, name: str) -> str:
    return join_path(path, name)[:_MAX_PATH]
