"""Named arrays as a NumPy `.npz` file: a zip archive of `.npy` files, which are not compressed.

Source: NEP 1 and `numpy.lib.format` of NumPy 2.4, whose header is written by NumPy itself.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from lstmcalc.errors import UnsupportedError
from lstmcalc.numerics.arrays import Array
from lstmcalc.readers.files.raw_numbers import FORMATS
from lstmcalc.writers.entries import Entry, check_name
from lstmcalc.writing import replacing

LARGE = 1 << 31  # bytes of a member that needs the long form of zip; less than its limit, for the header


def save_arrays(name: str, arrays: Mapping[str, Array]) -> None:
    """Write arrays to an `.npz` file under their names, replacing an old file only when the new one is complete."""
    with replacing(name) as file:
        named: dict[str, Any] = dict(arrays)
        np.savez(file, **named)


def write_npz(stream: IO[bytes], entries: Sequence[Entry]) -> None:
    """Write a file that `np.load` reads without pickles."""
    check_entries(entries)
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        for entry in entries:
            # The time of a member is the first that zip has, so that equal numbers give equal files.
            with archive.open(ZipInfo(f"{entry.name}.npy"), "w", force_zip64=entry.nbytes > LARGE) as member:
                member.write(_header(entry))
                for data in entry.data():
                    member.write(data)


def _header(entry: Entry) -> bytes:
    """The bytes before the numbers of an array."""
    head = BytesIO()
    code = np.dtype(FORMATS[entry.dtype].code).newbyteorder("<").str
    described = {"descr": code, "fortran_order": False, "shape": entry.shape}
    np.lib.format.write_array_header_1_0(head, described)
    return head.getvalue()


def check_entries(entries: Sequence[Entry]) -> None:
    """Refuse a dtype that NumPy does not have, and a name that no file has."""
    for entry in entries:
        check_name(entry.name)
        if FORMATS[entry.dtype].decode is not None:
            hint = ".safetensors and .pt have it"
            raise UnsupportedError("NumPy has no such dtype", "float32, or another", entry.dtype, hint, entry.name)
