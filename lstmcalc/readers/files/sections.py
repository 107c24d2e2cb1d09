"""Ranges of bytes in a file, read when they are needed and never beyond their end.

A file is untrusted: the lengths and offsets that it states are checked against its size before anything is read or
allocated.
"""

import zlib
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, Self

from lstmcalc.errors import SourceError, bytes_text
from lstmcalc.readers.files.budget import INFLATED, budget

_CHUNK: Final = 1 << 16  # compressed bytes that are taken from the file at once
_SKIPPED: Final = 1 << 20  # bytes that are inflated at once to get past them
# The highest compression ratio of deflate: "about 1030" in zlib's technical notes (zlib 1.3.1).
_MAX_RATIO: Final = 1032
MAX_INFLATED: Final = 2 << 30  # the most bytes that are inflated for one tensor
_MAX_REMEMBERED: Final = 128 << 20  # inflated bytes that are kept for the next tensor in them


class Section(NamedTuple):
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
            raise SourceError("this is not a regular file", expected="a file that can be read from any place")
        return cls(origin, 0, status.st_size)

    @property
    def in_any_order(self) -> bool:
        """True if pieces can be read in any order: there is nothing to inflate, and no checksum to verify."""
        return self.deflated is None and self.crc is None

    def part(self, offset: int, length: int) -> "Section":
        """A part of this section, which must not be compressed."""
        self.check(offset, length)
        return Section(self.origin, self.start + offset, length)

    def read(self, offset: int = 0, count: int | None = None) -> bytes:
        """`count` bytes from `offset` on; without `count`, all that follow."""
        count = self.length - offset if count is None else count
        self.check(offset, count)
        if isinstance(self.origin, bytes) and self.in_any_order:
            return self.origin[self.start + offset : self.start + offset + count]
        # A checksum is that of all bytes; a part that does not begin them has others beside it.
        wanted = self if count == self.length else self._replace(crc=None)
        with wanted.remembered(shared=offset > 0).stream() as stream:
            return stream.read(offset, count)

    def remembered(self, *, shared: bool) -> "Section":
        """The section itself, in memory if it was inflated before.

        A compressed one can only be read from its beginning. One that is `shared`, whose parts are read one by one, is
        inflated at once and remembered, unless it is too large.
        """
        if self.deflated is None:
            return self
        spent, key = budget(), self._replace(crc=None)
        if spent.inflated[0] != key:
            if not shared or self.length > _MAX_REMEMBERED:
                return self
            with key.stream() as stream:
                spent.inflated = (key, stream.read(0, self.length))
        return Section(spent.inflated[1], 0, self.length, crc=self.crc)

    def stream(self) -> "Stream":
        """The section, opened to be read in pieces."""
        return Stream(self)

    def check(self, offset: int, count: int) -> None:
        """Refuse `count` bytes from `offset` on that are not there, or that compressed bytes may not become."""
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


class Stream:
    """The bytes of a section in pieces; compressed or checked ones must be read from front to back.

    A checksum is verified with the last byte.
    """

    def __init__(self, section: Section) -> None:
        self._section = section
        self._inflate = None if section.deflated is None else zlib.decompressobj(-zlib.MAX_WBITS)
        self._left = section.deflated or 0  # compressed bytes that are still in the file
        self._at = 0  # bytes that have been read, of those that must be read in order
        self._crc = 0
        self._spent = budget()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        origin = self._section.origin
        try:
            self._file = BytesIO(origin) if isinstance(origin, bytes) else origin.open("rb")
            self._file.seek(self._section.start)
        except (OSError, ValueError) as error:
            raise _read_error(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, offset: int, count: int) -> bytes:
        """`count` bytes from `offset` on."""
        section, file = self._section, self._file
        section.check(offset, count)
        assert file is not None  # noqa: S101  # used in a `with`
        if self._inflate is not None:
            self._spent.take(INFLATED, offset + count - self._at)
        try:
            if section.in_any_order:
                file.seek(section.start + offset)
                found = file.read(count)
            else:
                while self._at < offset and self._next(file, min(offset - self._at, _SKIPPED)):
                    pass
                found = self._next(file, count)
        except (OSError, ValueError, zlib.error) as error:
            raise _read_error(error) from None
        if len(found) != count:
            raise SourceError("the file is cut off", expected=f"{count:,} bytes", found=f"{len(found):,}")
        if section.crc is not None and self._at == section.length and self._crc != section.crc:
            raise SourceError("bytes of this file are damaged", "those that its checksum was made of")
        return found

    def _next(self, file: BinaryIO, count: int) -> bytes:
        """The next bytes, fewer than `count` only at the end."""
        found = file.read(count) if self._inflate is None else self._inflated(file, count)
        self._at += len(found)
        if self._section.crc is not None:
            self._crc = zlib.crc32(found, self._crc)
        return found

    def _inflated(self, file: BinaryIO, count: int) -> bytes:
        assert self._inflate is not None  # noqa: S101  # as the caller knows
        parts: list[bytes] = []
        while count > 0 and not self._inflate.eof:
            pending = self._inflate.unconsumed_tail
            if not pending:
                pending = file.read(min(self._left, _CHUNK))
                self._left -= len(pending)
            part = self._inflate.decompress(pending, count)
            if not part and not pending:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _read_error(error: Exception) -> SourceError:
    return SourceError("the file cannot be read", found=str(getattr(error, "strerror", None) or error))
