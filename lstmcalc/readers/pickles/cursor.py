"""The bytes of a pickle, from front to back."""

from typing import Final

from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.pickles.records import cut_off_error, damage_error

MAX_NAME: Final = 1000  # characters of a module, a function or a number written out
_CHUNK: Final = 1 << 20


class Cursor:
    """Reads a section from front to back, a piece at a time."""

    def __init__(self, section: Section, start: int) -> None:
        self.section = section
        self._base = start  # where the buffer begins
        self._buffer = b""
        self._at = 0

    def tell(self) -> int:
        """The offset of the next byte."""
        return self._base + self._at

    def opcode(self) -> int:
        """The next byte."""
        if self._at >= len(self._buffer):
            self._fill(1)
        self._at += 1
        return self._buffer[self._at - 1]

    def take(self, count: int) -> bytes:
        """The next bytes, all of them."""
        end = self._at + count
        if end > len(self._buffer):
            self._fill(count)
            end = count
        found = self._buffer[self._at : end]
        self._at = end
        return found

    def skip(self, count: int) -> Section:
        """Skip some bytes and return their section."""
        here = self.tell()
        passed = self.section.part(here, count)
        if self._at + count <= len(self._buffer):
            self._at += count
        else:
            self._base, self._buffer, self._at = here + count, b"", 0
        return passed

    def go(self, offset: int) -> None:
        """Go on to read at an offset."""
        if not self._base <= offset <= self._base + len(self._buffer):
            self._base, self._buffer = offset, b""
        self._at = offset - self._base

    def line(self) -> Section:
        """Skip a line, which must end, and return its section."""
        here = at = self.tell()
        end = self._buffer.find(b"\n", self._at)
        if end >= 0:
            line = self.skip(end - self._at)
            self._at += 1
            return line
        while at < self.section.length:
            piece = self.section.read(at, min(_CHUNK, self.section.length - at))
            found = piece.find(b"\n")
            if found >= 0:
                self.skip(at + found + 1 - here)
                return self.section.part(here, at + found - here)
            at += len(piece)
        raise cut_off_error()

    def held(self, passed: Section) -> bytes:
        """The bytes of a section that was just skipped; read again only if the buffer no longer has them."""
        start = passed.start - self.section.start - self._base
        if start >= 0 and start + passed.length <= len(self._buffer):
            return self._buffer[start : start + passed.length]
        return passed.read()

    def short_line(self) -> bytes:
        """The bytes of a line of at most `MAX_NAME` characters."""
        end = self._buffer.find(b"\n", self._at, self._at + MAX_NAME + 1)
        if end >= 0:
            return self.take(end + 1 - self._at)[:-1]
        line = self.line()
        if line.length > MAX_NAME:
            raise damage_error(f"a name or a number of {line.length:,} characters")
        return line.read()

    def _fill(self, count: int) -> None:
        here = self.tell()
        if count > self.section.length - here:
            raise cut_off_error()
        self._buffer = self.section.read(here, min(max(count, _CHUNK), self.section.length - here))
        self._base, self._at = here, 0
