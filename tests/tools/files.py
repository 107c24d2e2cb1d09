"""Files that tests write, some by the hundred."""

import io
import zipfile
from pathlib import Path


def rewrite(path: Path, data: bytes | bytearray) -> None:
    """Write a file over what was there: a file that is emptied first waits for the disk on some systems."""
    path.touch()
    with path.open("r+b") as stream:
        stream.write(data)
        stream.truncate()


def zipped(*names: str) -> bytes:
    """A zip archive with members of these names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"...")
    return stream.getvalue()
