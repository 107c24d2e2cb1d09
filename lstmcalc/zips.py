"""Zip archives that nobody vouches for: opened by their index alone, within bounds, and refused in our words.

Source of the format: APPNOTE.TXT 6.3.10 of PKWARE, sections 4.3.14 to 4.3.16; `zipfile` of Python 3.11.
"""

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from lstmcalc.errors import SourceError, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zipfile import ZipFile, ZipInfo

MAX_INDEX: Final = 64 * 2**20  # bytes of an archive's index; 10**6 members have less
_MOST_DENSE: Final = 1100  # deflate makes at most 1032 bytes of one (zlib's technical details)
_END: Final = struct.Struct("<4s4H2LH")  # signature, ..., size and offset of the index, length of the comment
_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_IS_64: Final = 0xFFFFFFFF


@contextmanager
def opened_zip(path: str, name: str) -> "Iterator[ZipFile]":
    """An archive, whose index has been read.

    Args:
        path: The file.
        name: What errors call it.

    Raises:
        SourceError: It is no whole archive, its index is too large, or what is done with it in the `with` block
            finds it damaged.
    """
    import zlib
    from lzma import LZMAError
    from zipfile import BadZipFile, ZipFile

    try:
        with open(path, "rb") as stream:  # noqa: PTH123  # as in `sources`
            _check_index(stream, name)
            with ZipFile(stream) as archive:
                yield archive
    except OSError as error:
        raise SourceError(f"cannot read {name}", found=error.strerror or str(error)) from None
    except (
        BadZipFile,
        EOFError,
        KeyError,
        LZMAError,
        NotImplementedError,
        OverflowError,
        RuntimeError,
        UnicodeDecodeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{name} is damaged", "a whole zip archive", shorten(str(error), 120)[1:-1]) from None


def _check_index(stream: BinaryIO, name: str) -> None:
    """Refuse an index that is too large to be read, before it is."""
    size = stream.seek(0, 2)
    start = max(0, size - _END.size - 2**16)
    stream.seek(start)
    tail = stream.read(size - start)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(tail):
        raise SourceError(f"{name} is damaged", "a zip archive with its index, which stands at its end", "no index")
    length = _END.unpack_from(tail, at)[5]
    if length == _IS_64 and at >= _LOCATOR.size and tail[at - _LOCATOR.size :][:4] == b"PK\6\7":
        stream.seek(min(_LOCATOR.unpack_from(tail, at - _LOCATOR.size)[2], size))
        record = stream.read(_END64.size)
        length = _END64.unpack(record)[8] if len(record) == _END64.size else 0
    if length > MAX_INDEX:
        raise SourceError(f"the index of {name} is too large", f"at most {MAX_INDEX:,} bytes", f"{length:,}")
    stream.seek(0)


def check_member(info: "ZipInfo", name: str) -> None:
    """Refuse a member that says it is larger than what it is made of, or that is encrypted.

    Raises:
        SourceError: It does.
    """
    if info.flag_bits & 1:
        raise SourceError(f"{name} is encrypted", "an archive without a password", where=shorten(info.filename)[1:-1])
    if info.file_size > _MOST_DENSE * max(info.compress_size, 1) or (
        info.compress_type == 0 and info.file_size != info.compress_size
    ):
        raise SourceError(
            f"{name} is damaged",
            "members as large as their index says",
            f"{info.file_size:,} bytes made of {info.compress_size:,}",
            where=shorten(info.filename)[1:-1],
        )
