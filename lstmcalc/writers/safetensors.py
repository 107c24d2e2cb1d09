"""Files of safetensors: a length, a JSON index, and the bytes of every tensor, end to end.

Source: the section "Format" of the README of safetensors 0.8.0; its writer puts wide numbers first, so that all are
aligned, and so does this one.
"""

import json
from collections.abc import Sequence
from typing import IO, Final

from lstmcalc.errors import UnsupportedError
from lstmcalc.readers.files.raw_numbers import FORMATS
from lstmcalc.readers.files.safetensors import DTYPES
from lstmcalc.writers.entries import Entry, check_name

_CODES: Final = {name: code for code, name in DTYPES.items()}
_ALIGNED: Final = 8  # bytes: where the numbers begin


def write_safetensors(stream: IO[bytes], entries: Sequence[Entry], *, of_torch: bool = False) -> None:
    """Write a file; `of_torch` says in its metadata that names are PyTorch's, as libraries on PyTorch ask for it."""
    check_entries(entries)
    ordered = sorted(entries, key=lambda entry: -FORMATS[entry.dtype].itemsize)
    index: dict[str, object] = {"__metadata__": {"format": "pt"}} if of_torch else {}
    at = 0
    for entry in ordered:
        offsets = [at, at + entry.nbytes]
        index[entry.name] = {"dtype": _CODES[entry.dtype], "shape": list(entry.shape), "data_offsets": offsets}
        at += entry.nbytes
    text = json.dumps(index, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    stream.write(len(text).to_bytes(8, "little") + text)
    for entry in ordered:
        for data in entry.data():
            stream.write(data)


def check_entries(entries: Sequence[Entry]) -> None:
    """Refuse a dtype, or a name, that the format does not have."""
    for entry in entries:
        check_name(entry.name)
        if entry.dtype not in _CODES:
            raise UnsupportedError("safetensors has no such dtype", ", ".join(_CODES), entry.dtype, where=entry.name)
