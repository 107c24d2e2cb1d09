"""Safe writing of files: to a temporary file in the same folder, renamed when complete, so that nothing is lost.

The data are on the disk before the old file is replaced, and a signal that ends the process leaves no temporary file.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EINVAL, ENOSYS, ENOTSUP
from pathlib import Path
from secrets import token_hex
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
            with _temporary_file(target):
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
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        with _temporary_file(target) as (file, partial):
            yield file
            partial.chmod(mode)  # a temporary file is private, a result is not
            file.flush()
            _synchronise(file.fileno())
            file.close()  # Windows renames no open file
            partial.replace(target)
            _synchronise_folder(target.parent)
    except OSError as error:
        found, where = error.strerror or str(error), _where(name, flag)
        raise OutputError("cannot be saved", expected="space to write it", found=found, where=where) from None


@contextmanager
def _temporary_file(target: Path) -> Iterator[tuple[IO[Any], Path]]:
    """A new private file beside the target, and its path, which is free again at the end, however that comes."""
    partial = target.parent / f"{_PREFIX}{token_hex(8)}"
    with _removed_by_signals(partial):
        try:
            with open(
                partial, "x+b", opener=lambda path, flags: os.open(path, flags, 0o600)
            ) as file:  # pathlib has no opener
                yield file, partial
        finally:
            with suppress(OSError):  # renamed, or never made
                partial.unlink()


@contextmanager
def _removed_by_signals(partial: Path) -> Iterator[None]:
    """Remove a file when a signal ends the process meanwhile; signals that something else handles are left to it."""

    def remove(number: int, _frame: object) -> None:
        with suppress(OSError):
            partial.unlink()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)  # the exit status tells the signal, as without this handler

    handled = []
    with suppress(ValueError):  # only the main thread may handle signals
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, remove)
                handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


# Ctrl-C is an exception in Python, and needs no handler. Windows has no SIGHUP.
_ENDING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def _synchronise(number: int) -> None:
    """Write an open file, or folder, to the disk; file systems that cannot are left to themselves."""
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (EINVAL, ENOSYS, ENOTSUP):
            raise


def _synchronise_folder(folder: Path) -> None:
    """Write the names in a folder to the disk, where that can be asked for: Windows opens no folder."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            _synchronise(number)
        finally:
            os.close(number)


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
_EXAMPLES: Final = {"--save": "run", "--plot": "sweep", "--output": "lstm"}


def _where(name: str, flag: str) -> str:
    return f"{flag} {name if len(name) <= 60 and name.isprintable() else shorten(name)}"  # noqa: PLR2004


def _umask() -> int:
    """The umask of this process, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
