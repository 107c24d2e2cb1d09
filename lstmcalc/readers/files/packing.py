"""Compressed files and tar archives: bytes inflated in memory, and where members are; nothing is written to a disk.

Read are gzip (RFC 1952), zlib (RFC 1950), bzip2, xz and the older .lzma, as Python 3.11's modules and joblib 1.6.0
write them, one stream or several behind each other; and tar as POSIX.1-2024 (pax), GNU tar and Python write it.

What is inflated counts in the budget, a piece at a time, and ends at 256 MiB, or at 32 MiB if it was packed more
densely than weights can be. Members of a tar archive that are no regular files (links, devices, folders) are left
alone, and names are never used as paths.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, bytes_text
from lstmcalc.readers.files.archives import most_inflated
from lstmcalc.readers.files.budget import INFLATED, budget
from lstmcalc.readers.files.inner import Inner
from lstmcalc.readers.files.sections import Section, Stream

_PIECE: Final = 1 << 20  # bytes that are inflated at once
_CHUNK: Final = 1 << 16  # compressed bytes that are taken from the file at once
_PEEK: Final = 4096  # inflated bytes that tell what is compressed
_LZMA_MEMORY: Final = 256 << 20  # bytes that a dictionary of lzma may take


class _Way(NamedTuple):
    """A way to compress."""

    name: str
    mark: re.Pattern[bytes]  # of the first bytes
    machine: Callable[[], Any]  # makes what inflates
    cost: int  # of a byte, in bytes of deflate
    repeats: bool = True  # True if several streams can stand behind each other


def _lzma() -> Any:  # noqa: ANN401
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_LZMA_MEMORY)


_WAYS: Final = (
    _Way("gzip", re.compile(rb"\x1f\x8b\x08"), lambda: zlib.decompressobj(zlib.MAX_WBITS | 16), 1),
    _Way("zlib", re.compile(rb"x[\x01\x5e\x9c\xda]"), zlib.decompressobj, 1, repeats=False),
    _Way("bzip2", re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), bz2.BZ2Decompressor, 4),
    _Way("xz", re.compile(rb"\xfd7zXZ\0"), _lzma, 2),
    # The properties that every writer uses, a dictionary of at most 2 GiB, its size or none, and a first byte of 0.
    _Way("lzma", re.compile(rb"\x5d[\0-\xff]{3}[\0-\x7f]([\0-\xff]{5}\0{3}|\xff{8})\0"), _lzma, 2, repeats=False),
)


def way_of(head: bytes) -> str:
    """The way in which a file that begins so is compressed; empty if it is not."""
    return next((way.name for way in _WAYS if way.mark.match(head)), "")


def peeked(section: Section) -> bytes:
    """The first bytes of what a compressed file holds, at most `_PEEK`; none if they cannot be inflated."""
    try:
        return next(_pieces(section, _PEEK), b"")
    except SourceError:
        return b""


def inflated(section: Section) -> Section:
    """The content of a compressed file, in memory."""
    held, most = BytesIO(), most_inflated(section.length)
    for piece in _pieces(section, _PIECE):
        if held.tell() + len(piece) > most:
            raise SourceError(
                "this compressed file holds too much",
                f"at most {bytes_text(most)}",
                f"more, in {bytes_text(section.length)}",
                "decompress it first",
            )
        held.write(piece)
    return Section.of(held.getvalue())


def _pieces(section: Section, size: int) -> Iterator[bytes]:
    """The content of a compressed file, in pieces of at most `size` bytes."""
    head = section.read(0, min(section.length, _PEEK))
    way = next(way for way in _WAYS if way.mark.match(head))
    spent = budget()
    with section.stream() as stream:
        given, machine = _Given(stream, section.length), way.machine()
        try:
            while True:
                piece = given.next_piece(machine, size)
                if piece:
                    spent.take(INFLATED, way.cost * len(piece))
                    yield piece
                elif not machine.eof and given.is_empty(machine):
                    raise SourceError(f"this {way.name}-compressed file is cut off")
                if machine.eof:
                    rest = given.behind(machine)
                    if not way.repeats or not way.mark.match(rest):
                        return
                    machine = way.machine()
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise SourceError(f"this {way.name}-compressed file is damaged", found=str(error)) from None


class _Given:
    """The compressed bytes of a file, handed out in chunks."""

    def __init__(self, stream: Stream, length: int) -> None:
        self._stream = stream
        self._length = length
        self._at = 0
        self._held = b""  # bytes that were read and not yet taken

    def next_piece(self, machine: Any, size: int) -> bytes:  # noqa: ANN401
        """The next inflated bytes, none while the machine only takes compressed ones."""
        wants = getattr(machine, "needs_input", True)  # of zlib: what it does not take it gives back
        if wants and not self._held:
            self._held = self._more()
        data, self._held = (self._held, b"") if wants else (b"", self._held)
        piece: bytes = machine.decompress(data, size)
        self._held = getattr(machine, "unconsumed_tail", b"") or self._held
        return piece

    def is_empty(self, machine: Any) -> bool:  # noqa: ANN401
        """True if nothing is left to be inflated."""
        return not self._held and self._at == self._length and getattr(machine, "needs_input", True)

    def behind(self, machine: Any) -> bytes:  # noqa: ANN401
        """The bytes behind a stream that ended, without zeros that pad it; they are the next to be inflated."""
        held: bytes = machine.unused_data + self._held
        while len(held := held.lstrip(b"\0")) < _PEEK and (more := self._more()):
            held += more
        self._held = held
        return held

    def _more(self) -> bytes:
        count = min(_CHUNK, self._length - self._at)
        self._at += count
        return self._stream.read(self._at - count, count) if count else b""


_BLOCK: Final = 512  # bytes (POSIX.1-2024, pax: ustar interchange format)
_MOST: Final = 10_000  # members that are looked at
_LONGEST: Final = 1 << 16  # bytes of a name in a header of its own


def is_tar(head: bytes) -> bool:
    """True for the first bytes of a tar archive."""
    return head[257:262] == b"ustar"


def tar_members(around: Inner) -> list[Inner]:
    """The regular files of a tar archive, as many as are looked at; those before the place where it is damaged."""
    section, found, others = around.section, list[Inner](), dict[str, Section]()
    at, name = 0, ""  # of the member that follows, as a header before it has it
    for _ in range(_MOST):
        if at + _BLOCK > section.length:
            break
        block = section.read(at, _BLOCK)
        length = _tar_size(block[124:136])
        if block[257:262] != b"ustar" or length is None or length > section.length - at - _BLOCK:
            break
        kind, start = block[156:157], at + _BLOCK
        if kind in (b"0", b"\0", b"7"):
            written = [part.split(b"\0")[0].decode("utf-8", "replace") for part in (block[345:500], block[:100])]
            own = "/".join(part for part in written[0 if block[262:263] == b"\0" else 1 :] if part)
            path = (name or own).removeprefix("./")
            others[path] = section.part(start, length)
            found.append(Inner(others[path], path, path, others))
        if kind in (b"L", b"x") and length <= _LONGEST:
            name = _long_name(kind, section.read(start, length)) or name
        elif kind != b"g":
            name = ""
        at = start + -(-length // _BLOCK) * _BLOCK
    return found


def _tar_size(field: bytes) -> int | None:
    """The size in a header: octal digits, or a number of GNU tar in bytes; None if it is none."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0") or b"0"
    return int(digits, 8) if re.fullmatch(b"[0-7]+", digits) else None


def _long_name(kind: bytes, data: bytes) -> str:
    """The name of the next member: of GNU tar as it is, of pax in a record `LENGTH path=NAME`; empty for none."""
    if kind == b"x":
        record = re.search(rb"(?:^|\n)\d{1,5} path=([^\n]*)\n", data)
        data = record[1] if record else b""
    return data.split(b"\0")[0].decode("utf-8", "replace")
