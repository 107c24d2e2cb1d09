"""The files beside a file that its content names: the data of an index, the shards of a manifest.

A name from a file is taken only if it is a plain one, and the file only if it is a regular one in the same folder: a
link may lead to another place only together with the file that names it, as all files of a cache of downloads do. Of a
file in an archive, the others are in the same archive.
"""

import os
import re
from pathlib import Path
from typing import Final

from lstmcalc.errors import NotFoundError, SourceError, printable, shown_name
from lstmcalc.readers.files.inner import File, Inner
from lstmcalc.readers.files.sections import Section

_PLAIN: Final = r"(?!\.{1,2}$)[^/\\\x00-\x1f]{1,255}"


def is_plain(name: object) -> bool:
    """True for the name of a file without a folder."""
    return isinstance(name, str) and re.fullmatch(_PLAIN, name) is not None


def path_beside(path: str, name: str) -> str:
    """The path of a file of this name in the folder of another one.

    Raises:
        SourceError: The name is not a plain one.
    """
    if not is_plain(name):
        raise SourceError("this file names another one outside of its folder", "a plain name", printable(name[:100]))
    return str(Path(path).parent / name)


def section_beside(file: File, name: str) -> Section:
    """The bytes of a file of this name in the folder of another one.

    Raises:
        SourceError: It is missing, no regular file, or a link to another place.
    """
    if isinstance(file, Inner):
        path_beside(file.member, name)  # which refuses what is no plain name
        return _section_in_archive(file, _member(file, name))
    path = str(file)
    other = path_beside(path, name)
    if not os.path.lexists(other):
        raise _missing_error(shown_name(other))
    if os.path.realpath(Path(other).parent) != _home(other) and _home(path) != _home(other):
        raise SourceError(f"{shown_name(other)} is a link to another folder", "a file beside the one that names it")
    return Section.of(Path(other))


def is_beside(file: File, name: str) -> bool:
    """True if a file of this plain name is in the folder of another one."""
    if isinstance(file, Inner):
        return _member(file, name) in file.others
    return os.path.lexists(path_beside(str(file), name))


def file_below(file: File, path: str) -> File | None:
    """The file at a path of this program's own below the folder of another one; None if it is not there."""
    if not isinstance(file, Inner):
        below = Path(file).parent / path
        return str(below) if below.is_file() else None
    member = _member(file, path)
    if member not in file.others:
        return None
    return Inner(_section_in_archive(file, member), f"{file.name}, {path}", member, file.others)


def _member(file: Inner, name: str) -> str:
    """The path of a file in the folder of another one in an archive."""
    folder = file.member.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


def _section_in_archive(file: Inner, member: str) -> Section:
    """The bytes of a file in an archive; compressed ones are inflated, and remembered for the next part of them."""
    from lstmcalc.readers.files.archives import in_memory

    held = file.others.get(member)
    if held is None:
        raise _missing_error(printable(member))
    return held if held.deflated is None else in_memory(held.remembered(shared=True), member)


def _missing_error(shown: str) -> NotFoundError:
    return NotFoundError("its numbers are in another file, which is missing", shown, "no such file")


def _home(path: str) -> str:
    """The folder that a file lies in, after all links."""
    return str(Path(os.path.realpath(path)).parent)
