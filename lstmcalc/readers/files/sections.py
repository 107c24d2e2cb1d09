"""Ranges of bytes in a file, read when they are needed and never beyond their end.

A file is untrusted: what it says of lengths and places is held against what is there before anything is read or
reserved. Not here: what the bytes mean.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final

from lstmcalc.errors import SourceError, bytes_text

_CHUNK: Final = 1 << 20
# The most that deflated bytes can grow by: "about 1030" in zlib's technical notes (zlib 1.3.1).
_MAX_RATIO: Final = 1032
MAX_INFLATED: Final = 2 << 30  # of compressed bytes, how many are inflated for one tensor


@dataclass(frozen=True, slots=True)
class Section:
    """Bytes of a file, or bytes at hand.

    Attributes:
        origin: The file's path, opened for each reading; or the bytes themselves.
        start: Where in it they begin.
        length: How many they are, inflated.
        deflated: How many they are in the file if they are compressed by deflate; None if they are not.
        crc: Their CRC-32, held against them when all are read; None if it is not known.
    """

    origin: Path | bytes
    start: int
    length: int
    deflated: int | None = None
    crc: int | None = None

    @classmethod
    def of(cls, origin: Path | bytes) -> "Section":
        """All of a file, or all of these bytes.

        Raises:
            SourceError: It is no file that can be read.
        """
        if isinstance(origin, bytes):
            return cls(origin, 0, len(origin))
        try:
            status = origin.stat()
        except (OSError, ValueError) as error:
            raise _unreadable(error) from None
        if not S_ISREG(status.st_mode):
            raise SourceError("this is no regular file", expected="a file that can be read from any place")
        return cls(origin, 0, status.st_size)

    def part(self, offset: int, length: int) -> "Section":
        """Some of these bytes, which are not compressed.

        Raises:
            SourceError: They are not all here.
        """
        self._check(offset, length)
        return Section(self.origin, self.start + offset, length)

    def read(self, offset: int = 0, count: int | None = None) -> bytes:
        """`count` bytes from `offset` on; without `count`, all that follow.

        Raises:
            SourceError: They are not all here or are damaged, or the file cannot be read.
        """
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
            with path.open("rb") as file:
                if self.deflated is not None:
                    file.seek(self.start)
                    return self._inflated(file, offset, count)
                file.seek(self.start + offset)
                return file.read(count)
        except (OSError, ValueError, zlib.error) as error:
            raise _unreadable(error) from None

    def _inflated(self, file: BinaryIO, offset: int, count: int) -> bytes:
        """`count` bytes of a deflated stream, which has to be gone through from its beginning."""
        stream, left, pending = zlib.decompressobj(-zlib.MAX_WBITS), self.deflated or 0, b""
        skipped, found = 0, bytearray()
        while len(found) < count and not stream.eof:
            pending = pending or file.read(min(left, _CHUNK))
            if not pending:
                break
            left -= 0 if stream.unconsumed_tail else len(pending)
            data = stream.decompress(pending, _CHUNK)
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


def _unreadable(error: Exception) -> SourceError:
    return SourceError("the file cannot be read", found=str(getattr(error, "strerror", None) or error))
