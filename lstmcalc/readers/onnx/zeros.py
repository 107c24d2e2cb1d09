"""Zeros in an ONNX graph: whether a value, as the initial state of an LSTM, is all zeros, stored so or filled so."""

from typing import Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.onnx.constants import Constant, Scope
from lstmcalc.readers.onnx.graphs import Tensor

_DEFAULT: Final = ("", "ai.onnx")
_MAX_ZEROS: Final = 2**20  # numbers that are read to check for zeros
_MAX_BETWEEN: Final = 16  # nodes between zeros and an LSTM
_KEEPS: Final = ("Slice", "Split", "Expand", "Identity", "Cast", "Unsqueeze", "Squeeze", "Reshape", "Transpose")


class Zeros(NamedTuple):
    """The zeros behind a value."""

    known: bool | None  # True if it is all zeros, whatever its size; None if it was not read
    sources: tuple[str, ...] = ()  # the tensors of the file that it is made of
    root: str = ""  # the name of what it is moved, cut or filled from, if that is not constant


def behind(scope: Scope, name: str) -> Zeros:
    """The zeros that a value is made of, stored as such, or filled whatever its size."""
    for _ in range(_MAX_BETWEEN):
        home, own = scope.home(name)
        known = home.constant(own)
        if known is not None:
            if own not in home.zeros:
                home.zeros[own] = _holds_zeros(known)
            return Zeros(home.zeros[own], known.sources)
        made = scope.maker(name)
        if made is None or made.node.domain not in _DEFAULT:
            return Zeros(False, root=own)
        if made.node.op == "ConstantOfShape":
            value = made.node.attributes.get("value")
            return Zeros(not isinstance(value, Tensor) or _holds_zeros(made.scope.stored("", value)))
        if made.node.op not in _KEEPS or not made.node.inputs:
            return Zeros(False, root=own)
        scope, name = made.scope, made.node.inputs[0]
    return Zeros(False, root=name)


def _holds_zeros(known: Constant) -> bool | None:
    """True if a tensor is all zeros; None if it is too large or cannot be read."""
    if numel(known.shape) > _MAX_ZEROS:
        return None
    try:
        if known.has_zero_bytes is not None and known.has_zero_bytes():
            return True
        import numpy as np

        with np.errstate(all="ignore"):  # a NaN is not zero, and no cause for a warning
            return not known.read().any()
    except SourceError:
        return None
