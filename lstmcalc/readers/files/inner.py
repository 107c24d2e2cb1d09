"""A file within another, as a reader gets it in place of a path: cut out of a pickle or an archive, or decompressed.

Not here: how they are found (`packed`, `archives`, `readers.pickles.embedded`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from lstmcalc.errors import shown_name
from lstmcalc.readers.files.sections import Section


class Inner(NamedTuple):
    """A file within another."""

    section: Section  # its bytes, which can be read in any order
    name: str  # for errors: `ppo.zip, policy.pth`
    member: str = ""  # its path in the archive that it is in, e.g. `model/saved_model.pb`; empty if it is in none
    others: Mapping[str, Section] = {}  # the files of that archive by their paths


File: TypeAlias = str | Path | Inner


def section_of(file: File) -> Section:
    """The bytes of a file."""
    return file.section if isinstance(file, Inner) else Section.of(Path(file))


def name_of(file: File) -> str:
    """The name of a file in errors."""
    return file.name if isinstance(file, Inner) else shown_name(str(file))
