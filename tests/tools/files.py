"""Files that a test writes by the hundred."""

from pathlib import Path


def rewrite(path: Path, data: bytes | bytearray) -> None:
    """Write a file over what was there: a file that is emptied first waits for the disk on some systems."""
    path.touch()
    with path.open("r+b") as stream:
        stream.write(data)
        stream.truncate()
