"""Ranges of bytes in a file, read when they are needed and never beyond their end.

A file is untrusted: the lengths and offsets that it states are checked against its size before anything is read or
allocated.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final

from lstmcalc.errors import SourceError, bytes_text
from lstmcalc.readers.files.budget import INFLATED, budget

_CHUNK: Final = 1 << 20
# The highest compression ratio of deflate: "about 1030" in zlib's technical notes (zlib 1.3.1).
_MAX_RATIO: Final = 1032
MAX_INFLATED: Final = 2 << 30  # the most bytes that are inflated for one tensor
_MAX_REMEMBERED: Final = 128 << 20  # inflated bytes that are kept for the next tensor in them


@dataclass(frozen=True, slots=True)
class Section:
    """A range of bytes of a file, or bytes in memory."""

    origin: Path | bytes  # the file's path, opened for each read; or the bytes themselves
    start: int  # offset of the first byte in `origin`
    length: int  # number of bytes, after inflating
    deflated: int | None = None  # number of bytes in the file if compressed by deflate, else None
    crc: int | None = None  # CRC-32, verified by a read of all bytes; None if unknown

    @classmethod
    def of(cls, origin: Path | bytes) -> "Section":
        """The whole of a regular file, or all of these bytes."""
        if isinstance(origin, bytes):
            return cls(origin, 0, len(origin))
        try:
            status = origin.stat()
        except (OSError, ValueError) as error:
            raise _read_error(error) from None
        if not S_ISREG(status.st_mode):
            raise SourceError("this is no regular file", expected="a file that can be read from any place")
        return cls(origin, 0, status.st_size)

    def part(self, offset: int, length: int) -> "Section":
        """A part of this section, which must not be compressed."""
        self._check(offset, length)
        return Section(self.origin, self.start + offset, length)

    def read(self, offset: int = 0, count: int | None = None) -> bytes:
        """`count` bytes from `offset` on; without `count`, all that follow."""
        count = self.length - offset if count is None else count
        self._check(offset, count)
        if isinstance(self.origin, bytes):
            found = self.origin[self.start + offset : self.start + offset + count]
        else:
            found = self._from_file(self.origin, offset, count)
        if len(found) != count:
            raise SourceError("the file is cut off", expected=f"{count:,} bytes", found=f"{len(found):,}")
        if self.crc is not None and count == self.length and zlib.crc32(found) != self.crc:
            raise SourceError("bytes of this file are damaged", "those that its checksum was made of")
        return found

    def _from_file(self, path: Path, offset: int, count: int) -> bytes:
        try:
            if self.deflated is not None:
                return self._inflated_bytes(path, offset, count)
            with path.open("rb") as file:
                file.seek(self.start + offset)
                return file.read(count)
        except (OSError, ValueError, zlib.error) as error:
            raise _read_error(error) from None

    def _inflated_bytes(self, path: Path, offset: int, count: int) -> bytes:
        """`count` bytes from `offset` on of a deflated stream, which can only be read from its beginning.

        A part that does not begin it has others beside it: then all of it is inflated at once, and remembered.
        """
        spent, key = budget(), (path, self.start)
        if spent.inflated[0] != key:
            whole = offset > 0 and self.length <= _MAX_REMEMBERED
            spent.take(INFLATED, self.length if whole else offset + count)
            with path.open("rb") as file:
                file.seek(self.start)
                if not whole:
                    return self._inflate(file, offset, count)
                spent.inflated = (key, self._inflate(file, 0, self.length))
        return spent.inflated[1][offset : offset + count]

    def _inflate(self, file: BinaryIO, offset: int, count: int) -> bytes:
        """`count` bytes from `offset` on of the stream at which a file is; the fewer, the less of it is read."""
        stream, left, pending = zlib.decompressobj(-zlib.MAX_WBITS), self.deflated or 0, b""
        skipped, found = 0, bytearray()
        while len(found) < count and not stream.eof:
            wanted = min(_CHUNK, offset - skipped + count - len(found))
            pending = pending or file.read(min(left, wanted))
            if not pending:
                break
            left -= 0 if stream.unconsumed_tail else len(pending)
            data = stream.decompress(pending, wanted)
            pending = stream.unconsumed_tail
            passed = min(len(data), offset - skipped)
            skipped += passed
            found += data[passed : passed + count - len(found)]
        return bytes(found)

    def _check(self, offset: int, count: int) -> None:
        if offset < 0 or count < 0 or offset + count > self.length:
            raise SourceError(
                "the file refers to bytes that are not there",
                expected=f"at most {self.length:,} bytes",
                found=f"{count:,} from {offset:,} on",
            )
        if self.deflated is None:
            return
        if self.length > _MAX_RATIO * self.deflated + _MAX_RATIO:
            raise SourceError(
                "the file declares more bytes than its compressed ones can be",
                found=f"{self.length:,} bytes in {self.deflated:,}",
            )
        if offset + count > MAX_INFLATED:
            raise SourceError(
                "compressed bytes are too many",
                expected=f"at most {bytes_text(MAX_INFLATED)}",
                found=bytes_text(offset + count),
                hint="save it without compression, as torch.save and np.savez do",
            )


def _read_error(error: Exception) -> SourceError:
    return SourceError("the file cannot be read", found=str(getattr(error, "strerror", None) or error))
