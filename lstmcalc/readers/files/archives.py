"""Zip archives: their members and where the bytes of each are, without unpacking anything.

The directory is read by `zipfile`; a member's bytes are then read straight from the file. Names of members are looked
up and never used as paths. Checksums are verified only on request (`Member.checked`): PyTorch writes wrong ones when
told not to compute them (torch 2.13.0, torch.serialization.set_crc32_options).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from lstmcalc.errors import SourceError, bytes_text, shorten
from lstmcalc.readers.files.budget import budget
from lstmcalc.readers.files.inner import File, Inner, section_of
from lstmcalc.readers.files.sections import Section, Stream

# Bytes of the directory: some 200,000 members, each of which takes more memory than its entry has bytes.
MAX_DIRECTORY: Final = 16 << 20
MAX_MEMBER: Final = 256 << 20  # inflated bytes of a compressed member that is read as a whole
_SMALL: Final = 32 << 20  # bytes that any compressed ones may become
_DENSE: Final = 200  # bytes that each compressed byte may become, beyond these
_LOCAL_HEADER: Final = 30  # bytes before the name (APPNOTE 6.3.10, 4.3.7)
_ENCRYPTED: Final = 0x1


class Member(NamedTuple):
    """One file in an archive."""

    around: Section  # the archive
    info: ZipInfo  # the member's entry in the directory
    end: int  # offset where the next member, or else the directory, begins

    @property
    def size(self) -> int:
        """The number of bytes after inflating, as the directory states it."""
        return self.info.file_size

    def section(self) -> Section:
        """The bytes of the member; refused if encrypted, or compressed other than by deflate."""
        info = self.info
        if info.flag_bits & _ENCRYPTED:
            raise SourceError("this archive is encrypted", expected="a file as PyTorch or NumPy writes it")
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise SourceError(
                "this archive is compressed in an unknown way",
                expected="stored or deflated members",
                found=f"method {info.compress_type} of {shorten(info.filename)}",
            )
        header = self.around.read(info.header_offset, _LOCAL_HEADER)
        name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        start = info.header_offset + _LOCAL_HEADER + name + extra
        if header[:4] != b"PK\3\4" or start + info.compress_size > self.end:
            raise _damage_error(f"{shorten(info.filename)} is not where the directory says")
        if info.compress_type == ZIP_DEFLATED:
            packed = self.around.part(start, info.compress_size)
            return packed._replace(length=info.file_size, deflated=info.compress_size)
        if info.file_size != info.compress_size:
            raise _damage_error(f"two sizes of {shorten(info.filename)}")
        return self.around.part(start, info.file_size)

    def checked(self) -> Section:
        """The bytes of the member; reading all of them verifies their checksum."""
        return self.section()._replace(crc=self.info.CRC)

    def whole(self) -> Section:
        """The bytes of the member; compressed ones are inflated into memory, at most `MAX_MEMBER`."""
        return in_memory(self.section(), self.info.filename)


def in_memory(section: Section, name: str) -> Section:
    """The bytes of a member; compressed ones are inflated into memory, at most `MAX_MEMBER`."""
    if section.deflated is None:
        return section
    most = most_inflated(section.deflated)
    if section.length > most:
        raise SourceError(
            "a compressed member is too large",
            expected=f"at most {bytes_text(most)}",
            found=f"{bytes_text(section.length)} of {shorten(name)}",
        )
    return Section.of(section.read())


def most_inflated(packed: int) -> int:
    """The most bytes that so many compressed ones may become in memory: weights do not become 200 times smaller."""
    return min(MAX_MEMBER, max(_SMALL, _DENSE * packed))


def read_archive(file: File) -> Mapping[str, Member]:
    """The members of a zip archive by name, in the order of its directory."""
    if isinstance(file, Inner):
        return _read_directory(file.section)
    return budget().once("archive", str(file), lambda: _read_directory(section_of(file)))


def _read_directory(around: Section) -> Mapping[str, Member]:
    length = around.length
    try:
        with around.stream() as stream, ZipFile(_Bounded(stream, length)) as archive:
            infos, end = archive.infolist(), archive.start_dir
    except SourceError:
        raise
    except (BadZipFile, OSError, ValueError, NotImplementedError, EOFError, OverflowError, IndexError) as error:
        raise _damage_error(str(getattr(error, "strerror", None) or error)) from None
    except Exception as error:  # noqa: BLE001  # what struct and others raise at a damaged directory
        raise _damage_error(type(error).__name__) from None
    members: dict[str, Member] = {}
    for info, following in _by_place(infos, min(end, length)):
        if info.filename in members:
            raise _damage_error(f"two members called {shorten(info.filename)}")
        members[info.filename] = Member(around, info, following)
    return {info.filename: members[info.filename] for info in infos}


def _by_place(infos: list[ZipInfo], end: int) -> list[tuple[ZipInfo, int]]:
    """The members by their offset in the file, each with the offset where the next begins; overlaps are refused."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    ends = [*(info.header_offset for info in ordered), end][1:]
    for info, following in zip(ordered, ends, strict=True):
        if info.header_offset < 0 or info.header_offset + _LOCAL_HEADER + info.compress_size > following:
            raise _damage_error(f"{shorten(info.filename)} reaches into what follows")
    return list(zip(ordered, ends, strict=True))


class _Bounded:
    """A section as a file that refuses to read more than `MAX_DIRECTORY` bytes at once."""

    def __init__(self, stream: Stream, length: int) -> None:
        self._stream = stream
        self._length = length
        self._at = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        at = (0, self._at, self._length)[whence] + offset
        if at < 0:
            raise OSError("an offset before the beginning")
        self._at = at
        return at

    def close(self) -> None:
        """Leave the file open, which is the caller's."""

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._length - self._at)
        count = left if count < 0 else min(count, left)
        if count > MAX_DIRECTORY:
            raise SourceError(
                "this archive has too many members", expected=f"at most {bytes_text(MAX_DIRECTORY)} of names"
            )
        found = self._stream.read(min(self._at, self._length), count)
        self._at += count
        return found


def _damage_error(found: str) -> SourceError:
    return SourceError("this zip archive is damaged", found=found, hint="a download that broke off ends like this")
