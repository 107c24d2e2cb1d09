"""Safe writing of files: to a temporary file in the same folder, renamed when complete, so that nothing is lost."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final

from lstmcalc.errors import OutputError, shorten


def check_target(name: str, suffixes: Sequence[str] = (".npz",), flag: str = "--save") -> Path:
    """Resolve a file name to a path that can be written, before anything is computed; errors name `flag`."""
    if not name.endswith(tuple(suffixes)) or Path(name).stem in ("", *suffixes):
        expected = " or ".join(f"{_EXAMPLES.get(flag, 'file')}{suffix}" for suffix in suffixes)
        raise OutputError("cannot be saved", expected=f"a name such as {expected}", found=shorten(name), where=flag)
    target = Path(os.path.realpath(name))
    try:
        found = _obstacle(target)
        if not found:
            with NamedTemporaryFile(dir=target.parent, prefix=_PREFIX):
                return target
    except OSError as error:
        found = error.strerror or str(error)
    raise OutputError("cannot be saved", expected="a file that can be written", found=found, where=_where(name, flag))


@contextmanager
def replacing(name: str, suffixes: Sequence[str] = (".npz",), flag: str = "--save") -> Iterator[IO[Any]]:
    """Open a binary file that replaces the file `name` only when it is completely written.

    After an error, e.g. a full disk, the old file is unharmed.
    """
    target = check_target(name, suffixes, flag)
    partial = None
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        with NamedTemporaryFile(dir=target.parent, prefix=_PREFIX, delete=False) as file:
            partial = Path(file.name)
            yield file
        partial.chmod(mode)  # a temporary file is private, a result is not
        partial.replace(target)
        partial = None
    except OSError as error:
        found, where = error.strerror or str(error), _where(name, flag)
        raise OutputError("cannot be saved", expected="space to write it", found=found, where=where) from None
    finally:
        if partial is not None:
            with suppress(OSError):
                partial.unlink()


def _obstacle(target: Path) -> str:
    """The obstacle to writing a file, in words; empty if there is none, OSError if that cannot be checked."""
    if not target.parent.is_dir():
        return f"no directory {shorten(str(target.parent))}"
    try:
        target.stat()
    except FileNotFoundError:
        return ""
    if not target.is_file():
        return "something that is not a file"
    return "" if os.access(target, os.W_OK) else "a file that is write-protected"


_PREFIX: Final = ".lstmcalc-"
_EXAMPLES: Final = {"--save": "run", "--plot": "sweep"}


def _where(name: str, flag: str) -> str:
    return f"{flag} {name if len(name) <= 60 and name.isprintable() else shorten(name)}"  # noqa: PLR2004


def _umask() -> int:
    """The umask of this process, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
