"""The user's own data: an `.npy` or `.npz` file with the input of an LSTM, and the settings that its shape gives.

Not here: how such a file is read (`files.npz`), and which setting wins (`intake`).
"""

import os
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from lstmcalc.errors import (
    LstmcalcError,
    NotFoundError,
    SourceError,
    TooLargeError,
    UsageError,
    bytes_text,
    shorten,
    shown_name,
)
from lstmcalc.machine import available_memory
from lstmcalc.readers.files.given import given
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.files.tensors import Stored
from lstmcalc.spec.provenance import Layer, Origin, Setting
from lstmcalc.spec.words import with_dots

WHERE: Final = "--input"
_STATES: Final = ("h_0", "c_0")
_NUMBERS: Final = ("float", "int", "uint", "bfloat")  # how the names of numeric dtypes begin
_COPIES: Final = 3  # the bytes, the array, and that of another dtype
_KINDS: Final = ("npy", "npz")
_EXPECTED: Final = ".npy, or .npz with an array called input"
_TITLES: Final = {  # of the other kinds of `files.kinds`
    "safetensors": "a file of safetensors",
    "torch": "a file of PyTorch, or a pickle",
    "keras": "a file of Keras",
    "hdf5": "an HDF5 file",
    "onnx": "a model of ONNX",
    "json": "weights in JSON",
    "packed": "a compressed file or an archive",
}


class DataFile(NamedTuple):
    """The data in a file, of which only the index is read at first."""

    path: str
    kind: str  # `npy` or `npz`; empty for arrays in memory
    tensors: Mapping[str, Stored]  # `input`, and `h_0` and `c_0` if the file has them

    def settings(self, said: Layer, flags: Layer, *, batch_first: bool, several: bool) -> dict[str, Setting]:
        """The settings that follow from the shape of the input; refused if the LSTM or a flag contradicts them.

        Args:
            said: The settings of the source.
            flags: The settings of the other flags.
            batch_first: The LSTM's own.
            several: True if there are other LSTMs to pick.
        """
        shape, origin = self.tensors["input"].shape, Origin("flag", None, "inferred")
        axes = ("batch", "seq_len") if batch_first else ("seq_len", "batch")
        layout = "(N, L, H_in)" if batch_first else "(L, N, H_in)"
        if len(shape) not in (2, 3):
            raise SourceError(
                "the input has the wrong number of axes",
                f"{layout}, or (L, H_in) unbatched",
                self._shape_text(),
                where=WHERE,
            )
        unbatched = len(shape) == 2  # noqa: PLR2004
        sizes: dict[str, Any] = dict(zip(("seq_len",) if unbatched else axes, shape[:-1], strict=True))
        width = flags.get("input_size") or said.get("input_size")
        if width is not None and width.value != shape[-1]:
            raise SourceError(
                "the input does not fit",
                f"H_in = input_size = {width.value} in its last axis",
                self._shape_text(),
                "--module NAME picks the LSTM that it is for" if several else "",
                WHERE,
            )
        if sizes["seq_len"] == 0 or shape[-1] == 0:
            raise SourceError("the input is empty", "L >= 1 and H_in >= 1", self._shape_text(), where=WHERE)
        settings = {field: Setting(size, origin) for field, size in sizes.items()}
        settings["unbatched"] = Setting(unbatched, origin)
        self._check_flags(settings, flags, layout)
        return settings | ({} if width else {"input_size": Setting(shape[-1], origin)})

    def _check_flags(self, settings: Layer, flags: Layer, layout: str) -> None:
        for field, name, symbol in (("seq_len", "--seq", "L"), ("batch", "--batch", "N")):
            if field in flags and (field not in settings or flags[field].value != settings[field].value):
                has = f"{symbol} = {settings[field].value} in {layout}" if field in settings else "no batch axis"
                self._contradict(name, f"{symbol} = {flags[field].value}", has)
        unbatched = settings["unbatched"].value
        if "unbatched" in flags and flags["unbatched"].value != unbatched:
            name, wanted = ("--batched", layout) if unbatched else ("--unbatched", "(L, H_in)")
            self._contradict(name, wanted, "another number of axes")
        lengths = flags["lengths"].value if "lengths" in flags else None
        if lengths is None:
            return
        if unbatched:
            self._contradict("--lengths", f"a batch, as {layout}", "no batch axis")
        if len(lengths) != settings["batch"].value:
            self._contradict("--lengths", f"N = {len(lengths)}, one sequence for each length", layout)
        longest = max((length for length in lengths if isinstance(length, int)), default=0)
        if longest > settings["seq_len"].value:
            self._contradict("--lengths", f"L >= {longest}, the longest of the lengths", layout)

    def _contradict(self, name: str, wanted: str, has: str) -> None:
        raise UsageError(
            "the input does not fit",
            wanted,
            f"{has}: {self._shape_text()}",
            f"leave out {name}, the input sets it" if name != "--lengths" else "",
            f"{WHERE} and {name}",
        )

    def _shape_text(self) -> str:
        return f"shape {self.tensors['input'].shape} in {shown_name(self.path)}"

    def read(self, dtype: str) -> tuple[dict[str, Any], list[str]]:
        """The arrays, converted to a dtype, and a note for each that had another one."""
        import numpy as np

        needed = _COPIES * sum(max(item.nbytes, 8 * numel(item.shape)) for item in self.tensors.values())
        if needed > available_memory():
            raise TooLargeError(
                "the input does not fit in memory",
                f"at most {bytes_text(available_memory())}",
                f"{bytes_text(needed)} while it is read",
                where=WHERE,
            )
        arrays, notes = {}, []
        for name, item in self.tensors.items():
            with np.errstate(over="ignore"):  # numbers that become Inf fail a check
                arrays[name] = np.ascontiguousarray(item.read(), dtype=dtype)
            if item.dtype != dtype:
                notes.append(f"{name} of {shown_name(self.path)} is {item.dtype}: converted to {dtype}")
        return arrays, notes


def is_data(text: str) -> bool:
    """True if the value of `--input` is a file or an array, and not a size."""
    if given(text) is not None:
        return True
    return not text.strip().lstrip("+-").replace("_", "").isdigit() and (
        os.path.isfile(text) or text.lower().endswith((".npy", ".npz"))  # noqa: PTH113  # as in `texts`
    )


def open_data(path: str) -> DataFile:
    """The index of a file with an input and, if it has both, `h_0` and `c_0`."""
    try:
        return _data_file(path)
    except LstmcalcError as error:
        raise error if error.where == WHERE else error.at(f"{WHERE}, {error.where}" if error.where else WHERE) from None


def _data_file(path: str) -> DataFile:
    from lstmcalc.readers.files.kinds import open_weights, unread_kind, weight_kind

    if given(path) is None and not os.path.lexists(path):
        raise NotFoundError(
            f"no such file: {shown_name(path)}", "an input_size, or an .npy or .npz file with the input"
        )
    kind = weight_kind(path)
    if kind not in _KINDS:
        unread = None if kind in _TITLES else unread_kind(path)
        title = unread.name if unread else _TITLES.get(kind, "")
        raise SourceError(f"{shown_name(path)} is not a NumPy file", _EXPECTED, title and f"what looks like {title}")
    found = {item.name: item for item in open_weights(path).tensors}
    if kind == "npy":
        found = {"input": next(iter(found.values()))}
    if "input" not in found:
        listed = with_dots([shorten(name) for name in found], 4)
        raise SourceError(f"no input in {shown_name(path)}", "an array called input", listed or "no arrays")
    states = [name for name in _STATES if name in found]
    if len(states) == 1:
        raise SourceError("half of a state", "h_0 and c_0, or none of them for zeros", f"{states[0]} alone")
    taken = {name: found[name] for name in ("input", *states)}
    for name, item in taken.items():
        if not item.dtype.startswith(_NUMBERS):
            raise SourceError("no real numbers", "float32, or another float or integer", item.dtype, where=name)
    return DataFile(path, kind if given(path) is None else "", taken)
