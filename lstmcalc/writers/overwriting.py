"""A copy of a file in which the numbers of some tensors are others; every other byte stays.

The checksums of a zip archive, in which PyTorch, NumPy and Keras keep numbers, are made anew for what was changed.

Source: APPNOTE 6.3.10, 4.3.7 (local header), 4.3.9 (data descriptor) and 4.3.12 (central directory).
"""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from zipfile import ZipFile, ZipInfo, is_zipfile

import numpy as np

from lstmcalc.errors import UnsupportedError, printable
from lstmcalc.numerics.arrays import Array
from lstmcalc.readers.files.raw_numbers import FORMATS
from lstmcalc.readers.files.tensors import Spot, Stored
from lstmcalc.writers.entries import encoded

_CHUNK: Final = 1 << 22  # bytes that are copied at once
_GAPS: Final = 4  # numbers that are read and written again for each one that is replaced
_LOCAL, _CENTRAL = 30, 46  # bytes of the headers of a member before its name
_CHECKSUM: Final = 14, 16  # where the checksum is in each of the two
_DESCRIBED: Final = 0x8  # the flag of a member whose checksum is behind its bytes
_DESCRIPTOR: Final = b"PK\7\x08"


class Piece(NamedTuple):
    """New numbers for a tensor."""

    tensor: Stored
    array: Array  # of its shape, in numbers that its dtype has

    @property
    def spot(self) -> Spot:
        """The place in the file that they go to."""
        assert self.tensor.spot is not None  # noqa: S101  # `check_pieces` has seen to it
        return self.tensor.spot()


class Span(NamedTuple):
    """A range of bytes of a file."""

    start: int
    stop: int


def check_pieces(path: str, pieces: Sequence[Stored], others: Sequence[Stored]) -> None:
    """Refuse tensors that cannot be replaced in a file alone: compressed or computed ones, and shared numbers."""
    spans = {}
    for tensor in pieces:
        span = _replaceable(path, tensor)
        if span is None:
            raise UnsupportedError(
                "its numbers cannot be replaced where they are",
                "numbers that are stored as they are",
                f"{printable(tensor.name)}: compressed, computed from others, or scattered",
                "save the file again without compression, and without weight_norm",
                where=printable(path),
            )
        spans[tensor.name] = span
    for other in others:
        span = _span_of(path, other)
        shared = [name for name, own in spans.items() if span and own.start < span.stop and span.start < own.stop]
        if shared:
            raise UnsupportedError(
                "two tensors share their numbers, of which one is to be replaced",
                "numbers of their own",
                f"{printable(other.name)} and {printable(shared[0])}",
                where=printable(path),
            )


def _replaceable(path: str, tensor: Stored) -> Span | None:
    """The bytes of a tensor, if they can be replaced."""
    span = _span_of(path, tensor)
    if span is None or tensor.spot is None:
        return None
    view = tensor.spot().view
    repeated = any(stride == 0 and size > 1 for size, stride in zip(view.shape, view.strides, strict=True))
    return None if repeated or view.extent > _GAPS * view.numel else span


def _span_of(path: str, tensor: Stored) -> Span | None:
    """The bytes of a tensor in a file; None if they are not there as they are."""
    spot = tensor.spot() if tensor.spot is not None else None
    if spot is None or spot.section.deflated is not None or spot.section.origin != Path(path):
        return None
    width = FORMATS[spot.dtype].itemsize
    start = spot.section.start + spot.skip + spot.view.offset * width
    return Span(start, start + spot.view.extent * width)


def write_over(path: str, stream: IO[bytes], pieces: Sequence[Piece]) -> list[Span]:
    """Write a copy of a file with new numbers to a stream that can be read and sought too; the bytes that are new."""
    with Path(path).open("rb") as source:
        while chunk := source.read(_CHUNK):
            stream.write(chunk)
    spans = [_put(stream, piece) for piece in pieces]
    stream.flush()
    return [*spans, *(_mended_checksums(stream, spans) if is_zipfile(path) else ())]


def _put(stream: IO[bytes], piece: Piece) -> Span:
    """Put new numbers in their place."""
    spot = piece.spot
    form, view = FORMATS[spot.dtype], spot.view
    start = spot.section.start + spot.skip + view.offset * form.itemsize
    size = view.extent * form.itemsize
    stream.seek(start)
    raw = bytearray(stream.read(size))
    code: Any = np.dtype(form.code)
    held = np.ndarray(
        view.shape,
        code.newbyteorder(">" if spot.big_endian else "<"),
        raw,
        strides=[stride * form.itemsize for stride in view.strides],
    )
    held[...] = np.frombuffer(encoded(piece.array, spot.dtype), code.newbyteorder("<")).reshape(view.shape)
    stream.seek(start)
    stream.write(raw)
    return Span(start, start + size)


def _mended_checksums(stream: IO[bytes], spans: Sequence[Span]) -> Iterator[Span]:
    """Make the checksums of the members anew that have changed bytes; their places."""
    with ZipFile(stream) as archive:
        infos, directory = archive.infolist(), archive.start_dir
    entries = _entries(stream, directory, len(infos))
    for info in infos:
        start = _data_of(stream, info)
        if any(start <= span.start < start + info.file_size for span in spans):
            checksum = _checksum(stream, start, info.compress_size).to_bytes(4, "little")
            yield _replaced(stream, entries[info.header_offset] + _CHECKSUM[1], checksum)
            if not info.flag_bits & _DESCRIBED:
                yield _replaced(stream, info.header_offset + _CHECKSUM[0], checksum)
                continue
            behind = start + info.compress_size
            stream.seek(behind)
            yield _replaced(stream, behind + 4 * (stream.read(4) == _DESCRIPTOR), checksum)


def _entries(stream: IO[bytes], start: int, count: int) -> Mapping[int, int]:
    """The place of each entry of the central directory, by the offset of its member, as it was read by `zipfile`."""
    places, at = {}, start
    for _ in range(count):
        stream.seek(at)
        head = stream.read(_CENTRAL)
        name, extra, comment = (int.from_bytes(head[k : k + 2], "little") for k in (28, 30, 32))
        places[_offset(head, stream.read(name + extra)[name:])] = at
        at += _CENTRAL + name + extra + comment
    return places


def _offset(head: bytes, extra: bytes) -> int:
    """The offset of a member, which is in the long form's field if it does not fit in its own."""
    offset, sizes = int.from_bytes(head[42:46], "little"), (head[24:28], head[20:24])
    if offset != 0xFFFFFFFF:  # noqa: PLR2004  # 4.4.16
        return offset
    while extra:
        kind, length = (int.from_bytes(extra[k : k + 2], "little") for k in (0, 2))
        if kind == 1:
            before = 4 + 8 * sum(size == b"\xff" * 4 for size in sizes)
            return int.from_bytes(extra[before : before + 8], "little")
        extra = extra[4 + length :]
    return offset


def _data_of(stream: IO[bytes], info: ZipInfo) -> int:
    """The offset of a member's bytes."""
    stream.seek(info.header_offset)
    head = stream.read(_LOCAL)
    name, extra = (int.from_bytes(head[k : k + 2], "little") for k in (26, 28))
    return info.header_offset + _LOCAL + name + extra


def _checksum(stream: IO[bytes], start: int, size: int) -> int:
    stream.seek(start)
    found = 0
    while size > 0:
        chunk = stream.read(min(size, _CHUNK))
        found, size = zlib.crc32(chunk, found), size - len(chunk)
    return found


def _replaced(stream: IO[bytes], place: int, data: bytes) -> Span:
    stream.seek(place)
    stream.write(data)
    return Span(place, place + len(data))


def changed_elsewhere(first: str, second: str, spans: Sequence[Span], tick: Callable[[int], None]) -> int:
    """The number of bytes that two files differ in, outside of these; `tick` is told how many were compared."""
    count = 0
    with Path(first).open("rb") as one, Path(second).open("rb") as other:
        at = 0
        for mine, theirs in _pairs(one, other):
            tick(len(mine))
            if mine != theirs:
                length = max(len(mine), len(theirs))
                differ = np.flatnonzero(_padded(mine, length) != _padded(theirs, length)) + at
                for span in spans:
                    differ = differ[(differ < span.start) | (differ >= span.stop)]
                count += len(differ)
            at += len(mine)
    return count


def _pairs(one: IO[bytes], other: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    while (pair := (one.read(_CHUNK), other.read(_CHUNK))) != (b"", b""):
        yield pair


def _padded(data: bytes, length: int) -> Any:  # noqa: ANN401  # an array
    return np.frombuffer(data.ljust(length, b"\0"), np.uint8)
