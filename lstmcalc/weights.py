"""Named arrays in files. A file is written beside its name first and renamed when it is whole: nothing is lost."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np

from lstmcalc.errors import OutputError, shorten
from lstmcalc.numerics import Array


def check_target(name: str) -> Path:
    """The path behind a name, if arrays can be saved there; asked before anything is computed.

    Raises:
        OutputError: It does not end in .npz, is not a regular file, or cannot be written.
    """
    if not name.endswith(".npz") or Path(name).stem in ("", ".npz"):
        raise OutputError("cannot be saved", expected="a name such as run.npz", found=shorten(name), where="--save")
    target = Path(os.path.realpath(name))
    try:
        found = _obstacle(target)
        if not found:
            with NamedTemporaryFile(dir=target.parent, prefix=_PREFIX):
                return target
    except OSError as error:
        found = error.strerror or str(error)
    raise OutputError("cannot be saved", expected="a file that can be written", found=found, where=_where(name))


def save_arrays(name: str, arrays: Mapping[str, Array]) -> None:
    """Write arrays to an `.npz` file under their names, replacing the file only when all of it is written.

    Raises:
        OutputError: As `check_target`, or the disk is full; what was there before is unharmed.
    """
    target = check_target(name)
    partial = None
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        with NamedTemporaryFile(dir=target.parent, prefix=_PREFIX, delete=False) as file:
            partial = Path(file.name)
            named: dict[str, Any] = dict(arrays)
            np.savez(file, **named)
        partial.chmod(mode)  # a temporary file is private, a result is not
        partial.replace(target)
        partial = None
    except OSError as error:
        found = error.strerror or str(error)
        raise OutputError("cannot be saved", expected="space to write it", found=found, where=_where(name)) from None
    finally:
        if partial is not None:
            with suppress(OSError):
                partial.unlink()


def _obstacle(target: Path) -> str:
    """What stands in the way of writing a file, in words; OSError if the system does not even look."""
    if not target.parent.is_dir():
        return f"no directory {shorten(str(target.parent))}"
    try:
        target.stat()
    except FileNotFoundError:
        return ""
    if not target.is_file():
        return "something that is not a file"
    return "" if os.access(target, os.W_OK) else "a file that is write-protected"


_PREFIX = ".lstmcalc-"


def _where(name: str) -> str:
    return f"--save {name if len(name) <= 60 and name.isprintable() else shorten(name)}"  # noqa: PLR2004


def _umask() -> int:
    """What new files of this process are not allowed; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
