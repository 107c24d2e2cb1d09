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


def check_target(path: Path) -> None:
    """Refuse a name that arrays cannot be saved under, before anything is computed.

    Raises:
        OutputError: It does not end in .npz, is not a regular file, or its directory cannot be written to.
    """
    if path.suffix != ".npz":
        raise OutputError(
            "cannot save under this name",
            expected="a name that ends in .npz",
            found=shorten(str(path)),
            where="--save",
        )
    target, parent = Path(os.path.realpath(path)), Path(os.path.realpath(path)).parent
    for wrong, what in (
        (target.exists() and not target.is_file(), f"{shorten(str(path))} is not a regular file"),
        (not parent.is_dir(), f"{shorten(str(parent))} is not a directory"),
        (not os.access(parent, os.W_OK | os.X_OK), f"{shorten(str(parent))} cannot be written to"),
    ):
        if wrong:
            raise OutputError(
                "cannot save under this name",
                expected="a file in a directory that exists",
                found=what,
                where="--save",
            )


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays to an `.npz` file under their names, replacing the file only when all of it is written.

    Raises:
        OutputError: As `check_target`, or the disk is full; what was there before is unharmed.
    """
    check_target(path)
    target = Path(os.path.realpath(path))
    partial = None
    try:
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            partial = Path(file.name)
            named: dict[str, Any] = dict(arrays)
            np.savez(file, **named)
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)  # a temporary file is private, a result is not
        partial.replace(target)
        partial = None
    except OSError as error:
        raise OutputError(
            "cannot be saved",
            expected="a writable disk",
            found=error.strerror or str(error),
            where=f"--save {path}",
        ) from None
    finally:
        if partial is not None:
            with suppress(OSError):
                partial.unlink()
