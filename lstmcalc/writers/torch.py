r"""Files that `torch.load` reads, with `weights_only=True` and with `mmap=True`, written without PyTorch.

Such a file is a zip archive, without compression: `data.pkl`, a pickle of a dictionary of tensors, whose numbers are
in `data/0`, `data/1`, ..., each of which begins at a multiple of 64 bytes, as PyTorch aligns them. Opcodes and
functions of the pickle are those that PyTorch 1.13 wrote, and that its `weights_only` takes.

Sources: torch 1.13.1 and 2.13.0 (torch/serialization.py, `_save`; torch/_utils.py, `_rebuild_tensor_v2`;
torch/_weights_only_unpickler.py; caffe2/serialize/inline_container.cc: alignment, and the version 3), both of which
load what is written; Python's `pickletools` for the opcodes.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from lstmcalc.errors import UnsupportedError
from lstmcalc.writers.entries import Entry, check_name

_ALIGNED: Final = 64  # bytes
_LOCAL: Final = 30  # bytes of a member's header before its name (APPNOTE 6.3.10, 4.3.7)
_LONG: Final = 20  # bytes that the long form of zip adds to it
_PADDING: Final = b"FB"  # the id of the field with which PyTorch pads (inline_container.cc)
LARGE: Final = 1 << 31  # bytes of a member that needs the long form of zip
_VERSION: Final = b"3\n"

# The classes of storages; those of dtypes that have none, float8 and unsigned integers of more than 8 bits, are not
# what PyTorch 1.13 could read.
STORAGES: Final = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex64": "ComplexFloatStorage",
    "complex128": "ComplexDoubleStorage",
}

# Opcodes of pickle, protocol 2, by their names in `pickletools`.
_PROTO2, _STOP, _MARK, _TUPLE, _REDUCE, _PERSID = b"\x80\x02", b".", b"(", b"t", b"R", b"Q"
_EMPTY_TUPLE, _EMPTY_DICT, _SETITEMS, _FALSE = b")", b"}", b"u", b"\x89"


def write_torch(stream: IO[bytes], entries: Sequence[Entry]) -> None:
    """Write a state dict; two entries that share their place share their storage, as tied weights do."""
    check_entries(entries)
    keys: dict[object, int] = {}
    owners: list[Entry] = []  # the entry of each storage
    for entry in entries:
        key = _sharing(entry)
        if key not in keys:
            keys[key] = len(owners)
            owners.append(entry)
    pickled = b"".join(_pickle((entry, keys[_sharing(entry)]) for entry in entries))
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        _member(archive, stream, "data.pkl", [pickled], len(pickled))
        _member(archive, stream, "byteorder", [b"little"], len(b"little"))
        for number, owner in enumerate(owners):
            _member(archive, stream, f"data/{number}", owner.data(), owner.nbytes)
        _member(archive, stream, "version", [_VERSION], len(_VERSION))


def check_entries(entries: Sequence[Entry]) -> None:
    """Refuse a dtype that PyTorch 1.13 does not have, and a name that no file has."""
    for entry in entries:
        check_name(entry.name)
        if entry.dtype not in STORAGES:
            hint = ".safetensors has more of them"
            raise UnsupportedError("this dtype is not written", ", ".join(STORAGES), entry.dtype, hint, entry.name)


def _sharing(entry: Entry) -> object:
    """The key of an entry's numbers, equal for those of the same dtype and shape that share them."""
    return (entry.name,) if entry.place is None else (entry.place, entry.dtype, entry.shape)


def _member(archive: ZipFile, stream: IO[bytes], name: str, blocks: Iterable[bytes], size: int) -> None:
    """Write one member, whose bytes begin at a multiple of 64."""
    info = ZipInfo(f"archive/{name}")
    long = size > LARGE
    begins = stream.tell() + _LOCAL + len(info.filename) + len(_PADDING) + 2 + _LONG * long
    padding = -begins % _ALIGNED
    info.extra = _PADDING + padding.to_bytes(2, "little") + b"Z" * padding
    with archive.open(info, "w", force_zip64=long) as member:
        for block in blocks:
            member.write(block)


def _pickle(entries: Iterable[tuple[Entry, int]]) -> Iterator[bytes]:
    """The pickle of a dictionary of tensors, each with the number of its storage."""
    yield _PROTO2 + _EMPTY_DICT + _MARK
    for entry, storage in entries:
        yield _text(entry.name)
        yield _global("torch._utils", "_rebuild_tensor_v2")
        numel = _numel(entry.shape)
        stored = _text("storage"), _global("torch", STORAGES[entry.dtype]), _text(str(storage)), _text("cpu")
        yield _MARK + _tuple(*stored, _integer(numel)) + _PERSID
        strides = [_numel(entry.shape[axis + 1 :]) for axis in range(len(entry.shape))]
        yield _integer(0) + _sizes(entry.shape) + _sizes(strides) + _FALSE
        yield _global("collections", "OrderedDict") + _EMPTY_TUPLE + _REDUCE  # of hooks: none
        yield _TUPLE + _REDUCE
    yield _SETITEMS + _STOP


def _numel(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _tuple(*parts: bytes) -> bytes:
    return _MARK + b"".join(parts) + _TUPLE if parts else _EMPTY_TUPLE


def _sizes(sizes: Sequence[int]) -> bytes:
    return _tuple(*map(_integer, sizes))


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return b"X" + len(data).to_bytes(4, "little") + data


def _integer(number: int) -> bytes:
    """An integer from 0 up: of one byte, two, four, or as many as it needs."""
    if number < 1 << 8:
        return b"K" + number.to_bytes(1, "little")
    if number < 1 << 16:
        return b"M" + number.to_bytes(2, "little")
    if number < 1 << 31:
        return b"J" + number.to_bytes(4, "little")
    length = number.bit_length() // 8 + 1
    return b"\x8a" + length.to_bytes(1, "little") + number.to_bytes(length, "little")
