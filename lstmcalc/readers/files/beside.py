"""The files beside a file that its content names: the data of an index, the shards of a manifest.

A name from a file is taken only if it is a plain one, and the file only if it is a regular one in the same folder: a
link may lead to another place only together with the file that names it, as all files of a cache of downloads do.
"""

import os
import re
from pathlib import Path
from typing import Final

from lstmcalc.errors import NotFoundError, SourceError, printable, shown_name
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


def section_beside(path: str, name: str) -> Section:
    """The bytes of a file of this name in the folder of another one.

    Raises:
        SourceError: It is missing, no regular file, or a link to another place.
    """
    other = path_beside(path, name)
    if not os.path.lexists(other):
        raise NotFoundError("its numbers are in another file, which is missing", shown_name(other), "no such file")
    if os.path.realpath(Path(other).parent) != _home(other) and _home(path) != _home(other):
        raise SourceError(f"{shown_name(other)} is a link to another folder", "a file beside the one that names it")
    return Section.of(Path(other))


def _home(path: str) -> str:
    """The folder that a file lies in, after all links."""
    return str(Path(os.path.realpath(path)).parent)
