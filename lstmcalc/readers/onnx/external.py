"""Numbers of an ONNX file that are in another file: opened only if that is a plain file in the same folder.

The file alone says where: no path is followed, nothing is read beyond the other file's end.
Source: docs/ExternalData.md of onnx 1.23.2: `location`, `offset` and `length`, of raw little-endian numbers.
"""

from typing import Final, NamedTuple

from lstmcalc.errors import NotFoundError, SourceError, shorten, shown_name
from lstmcalc.readers.files.beside import is_plain, path_beside, section_beside
from lstmcalc.readers.files.sections import Section

_HINT: Final = "onnx.save(onnx.load(FILE), NEW) puts them in"


class External(NamedTuple):
    """The place of a tensor's numbers."""

    location: str  # the name of a file
    offset: int = 0
    length: int | None = None  # bytes; None if it is not stated


def file_beside(path: str, location: str) -> Section:
    """The bytes of the other file, next to the model; refused if it is anything but a plain file there."""
    shown = shorten(location)[1:-1] or "a file without a name"
    if not is_plain(location):
        raise _error(path, f"{shown}, which is not the name of a file in its folder")
    try:
        return section_beside(path, location)
    except NotFoundError:
        raise _error(path, f"{shown}, which is not there") from None
    except SourceError as error:
        reason = ", ".join(filter(None, (error.what, error.found)))
        raise _error(path, reason if shown in reason else f"{shown}: {reason}") from None


def place_of(path: str, external: External, nbytes: int, where: str) -> tuple[str, int]:
    """The other file, and where in it the numbers of a tensor begin; refused if they do not lie in it."""
    size = file_beside(path, external.location).length
    if external.length not in (None, nbytes):
        raise SourceError(
            "the tensor is not as large as its shape", f"{nbytes:,} bytes", f"{external.length:,}", where=where
        )
    if external.offset < 0 or external.offset + nbytes > size:
        found = f"{nbytes:,} from {external.offset:,} on, in {shorten(external.location)[1:-1]}"
        raise SourceError("the file refers to bytes that are not there", f"at most {size:,} bytes", found, where=where)
    return path_beside(path, external.location), external.offset


def _error(path: str, found: str) -> SourceError:
    return SourceError("its numbers are in another file", "a file next to it", found, _HINT, shown_name(path))
