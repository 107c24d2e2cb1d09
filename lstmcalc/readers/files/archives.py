"""Zip archives: what they hold and where, without unpacking anything.

The directory is read by `zipfile`; a member's bytes are then read straight from the file. Names of members are looked
up and never used as paths. Checksums are held against the bytes where that is asked for (`Member.checked`): PyTorch
writes none that is right when told not to compute them (torch 2.13.0, torch.serialization.set_crc32_options).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from lstmcalc.errors import SourceError, bytes_text, shorten
from lstmcalc.readers.files.sections import Section

# Of the directory: some 200,000 members, each of which takes more memory than it has bytes.
MAX_DIRECTORY: Final = 16 << 20
MAX_MEMBER: Final = 256 << 20  # of a compressed member that is read as a whole
_LOCAL_HEADER: Final = 30  # bytes before the name (APPNOTE 6.3.10, 4.3.7)
_ENCRYPTED: Final = 0x1


class Member(NamedTuple):
    """One file in an archive.

    Attributes:
        path: The archive.
        info: What its directory says.
        end: Where the next member begins.
    """

    path: Path
    info: ZipInfo
    end: int

    @property
    def size(self) -> int:
        """Its bytes, inflated, as the directory says."""
        return self.info.file_size

    def section(self) -> Section:
        """Where its bytes are.

        Raises:
            SourceError: It is encrypted, compressed in another way than by deflate, or not where it should be.
        """
        info = self.info
        if info.flag_bits & _ENCRYPTED:
            raise SourceError("this archive is encrypted", expected="a file as PyTorch or NumPy writes it")
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise SourceError(
                "this archive is compressed in an unknown way",
                expected="stored or deflated members",
                found=f"method {info.compress_type} of {shorten(info.filename)}",
            )
        header = Section.of(self.path).read(info.header_offset, _LOCAL_HEADER)
        name, extra = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        start = info.header_offset + _LOCAL_HEADER + name + extra
        if header[:4] != b"PK\3\4" or start + info.compress_size > self.end:
            raise _damaged(f"{shorten(info.filename)} is not where the directory says")
        if info.compress_type == ZIP_DEFLATED:
            return Section(self.path, start, info.file_size, info.compress_size)
        if info.file_size != info.compress_size:
            raise _damaged(f"two sizes of {shorten(info.filename)}")
        return Section(self.path, start, info.file_size)

    def checked(self) -> Section:
        """Its bytes, which are held against their checksum when all of them are read.

        Raises:
            SourceError: As `section`.
        """
        return replace(self.section(), crc=self.info.CRC)

    def whole(self) -> Section:
        """Its bytes, at hand if they were compressed.

        Raises:
            SourceError: As `section`; and it is compressed and too large for that.
        """
        section = self.section()
        if section.deflated is None:
            return section
        if section.length > MAX_MEMBER:
            raise SourceError(
                "a compressed member is too large",
                expected=f"at most {bytes_text(MAX_MEMBER)}",
                found=f"{bytes_text(section.length)} of {shorten(self.info.filename)}",
            )
        return Section.of(section.read())


def read_archive(path: Path) -> Mapping[str, Member]:
    """The members of a zip archive by their names, in the order of its directory.

    Raises:
        SourceError: It is no such archive, is damaged, or has too many members.
    """
    length = Section.of(path).length
    try:
        with path.open("rb") as file, ZipFile(_Bounded(file, length)) as archive:
            infos, end = archive.infolist(), archive.start_dir
    except SourceError:
        raise
    except (BadZipFile, OSError, ValueError, NotImplementedError, EOFError, OverflowError, IndexError) as error:
        raise _damaged(str(getattr(error, "strerror", None) or error)) from None
    except Exception as error:  # noqa: BLE001  # what struct and others raise at a damaged directory
        raise _damaged(type(error).__name__) from None
    members: dict[str, Member] = {}
    for info, following in _by_place(infos, min(end, length)):
        if info.filename in members:
            raise _damaged(f"two members called {shorten(info.filename)}")
        members[info.filename] = Member(path, info, following)
    return {info.filename: members[info.filename] for info in infos}


def _by_place(infos: list[ZipInfo], end: int) -> list[tuple[ZipInfo, int]]:
    """The members from the first to the last in the file, each with where the next one begins.

    Raises:
        SourceError: Two overlap, or one reaches behind the end.
    """
    ordered = sorted(infos, key=lambda info: info.header_offset)
    ends = [*(info.header_offset for info in ordered), end][1:]
    for info, following in zip(ordered, ends, strict=True):
        if info.header_offset < 0 or info.header_offset + _LOCAL_HEADER + info.compress_size > following:
            raise _damaged(f"{shorten(info.filename)} reaches into what follows")
    return list(zip(ordered, ends, strict=True))


class _Bounded:
    """A file of which no more is read at once than a directory may have."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._length = length
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        self.seekable = file.seekable

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._length - self._file.tell())
        count = left if count < 0 else min(count, left)
        if count > MAX_DIRECTORY:
            raise SourceError(
                "this archive has too many members", expected=f"at most {bytes_text(MAX_DIRECTORY)} of names"
            )
        return self._file.read(count)


def _damaged(found: str) -> SourceError:
    return SourceError("this zip archive is damaged", found=found, hint="a download that broke off ends like this")
