"""A file within another, as a reader gets it in place of a path: cut out of a pickle or an archive, or decompressed.

And files beside a document that names them, which are taken only by plain names, from its own folder.

Not here: how they are found (`packed`, `archives`, `readers.pickles.embedded`).
"""

import os
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.errors import SourceError, printable, shorten, shown_name
from lstmcalc.readers.files.sections import Section

_LONGEST: Final = 255  # characters of a name


class Inner(NamedTuple):
    """A file within another."""

    section: Section  # its bytes, which can be read in any order
    name: str  # for errors: `ppo.zip, policy.pth`


File: TypeAlias = str | Path | Inner


def section_of(file: File) -> Section:
    """The bytes of a file."""
    return file.section if isinstance(file, Inner) else Section.of(Path(file))


def name_of(file: File) -> str:
    """The name of a file in errors."""
    return file.name if isinstance(file, Inner) else shown_name(str(file))


def path_beside(file: File, name: Any) -> str:  # noqa: ANN401  # whatever a document says
    """The path of a file in the folder of the document that names it; refused if that is no plain name."""
    if isinstance(file, Inner) or not file:
        raise SourceError("other files are only looked for beside a file", "a document in a folder")
    plain = isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST
    if not plain or name in (".", "..") or set(name) & {"/", "\\", ":"}:
        raise SourceError(
            "a file is named that is not in the same folder",
            "a plain name",
            shorten(name) if isinstance(name, str) else "no text",
        )
    return os.path.join(os.path.dirname(file), name)  # noqa: PTH118, PTH120  # as in `sources`


def beside(file: File, name: Any) -> Section:  # noqa: ANN401  # as above
    """The bytes of a file in the folder of the document that names it."""
    path = Path(path_beside(file, name))
    if not path.exists():
        raise SourceError(f"there is no file {printable(name)} beside the document")
    return Section.of(path)
