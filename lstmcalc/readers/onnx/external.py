"""Numbers of an ONNX file that are in another file: opened only if that is a plain file in the same folder.

The file alone says where: no path is followed, no link out of the folder, nothing beyond the other file's end.
Source: docs/ExternalData.md of onnx 1.23.2: `location`, `offset` and `length`, of raw little-endian numbers.
"""

import os
from pathlib import Path
from stat import S_ISREG
from typing import Final, NamedTuple

from lstmcalc.errors import SourceError, shorten, shown_name

_HINT: Final = "onnx.save(onnx.load(FILE), NEW) puts them in"


class External(NamedTuple):
    """The place of a tensor's numbers."""

    location: str  # the name of a file
    offset: int = 0
    length: int | None = None  # bytes; None if it is not stated


def file_beside(path: str, location: str) -> Path:
    """The other file, next to the model; refused if it is anything but a plain file there."""
    folder = Path(path).parent
    shown = shorten(location)[1:-1] or "a file without a name"
    if not location or location in (".", "..") or any(mark in location for mark in "/\\\0"):
        raise _error(path, f"{shown}, which is not the name of a file in its folder")
    other = folder / location
    try:
        real = other.resolve(strict=True)
        if real.parent != folder.resolve():
            raise _error(path, f"{shown}, a link out of its folder")
        status = os.stat(real)  # noqa: PTH116  # as in `sources`
    except FileNotFoundError:
        raise _error(path, f"{shown}, which is not there") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise _error(path, f"{shown}: {getattr(error, 'strerror', None) or error}") from None
    if not S_ISREG(status.st_mode):
        raise _error(path, f"{shown}, which is not a regular file")
    return real


def place_of(path: str, external: External, nbytes: int, where: str) -> tuple[Path, int]:
    """The other file, and where in it the numbers of a tensor begin; refused if they do not lie in it."""
    other = file_beside(path, external.location)
    size = other.stat().st_size
    if external.length not in (None, nbytes):
        raise SourceError(
            "the tensor is not as large as its shape", f"{nbytes:,} bytes", f"{external.length:,}", where=where
        )
    if external.offset < 0 or external.offset + nbytes > size:
        found = f"{nbytes:,} from {external.offset:,} on, in {shorten(external.location)[1:-1]}"
        raise SourceError("the file refers to bytes that are not there", f"at most {size:,} bytes", found, where=where)
    return other, external.offset


def _error(path: str, found: str) -> SourceError:
    return SourceError("its numbers are in another file", "a file next to it", found, _HINT, shown_name(path))
