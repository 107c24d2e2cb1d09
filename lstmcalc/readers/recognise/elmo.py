"""ELMo: the cells of AllenNLP, which store one bias, and those of bilm-tf."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from lstmcalc.readers.files.tensors import Stored
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.either import Either
from lstmcalc.readers.recognise.names import plain_name
from lstmcalc.readers.recognise.readings import Key, defect_count, read_slots

# LstmCellWithProjection, gates i f g o, without a bias for the input: allennlp 2.10.1,
# modules/lstm_cell_with_projection.py.
_ELMO: Final = {
    "input_linearity/weight": "weight_ih",
    "state_linearity/weight": "weight_hh",
    "state_linearity/bias": "bias_hh",
    "state_projection/weight": "weight_hr",
}


def elmo_cells(tensors: Iterable[Stored]) -> list[Either]:
    """The cells of ELMo, each an LSTM with a projection and one bias; the other one is zeros."""
    cells: dict[str, dict[Key, Stored]] = {}
    for tensor in tensors:
        *path, module, last = ["", "", *plain_name(tensor.name).split("/")]
        holds = _ELMO.get(f"{module}/{last}")
        if holds:
            cells.setdefault("/".join(path).strip("/"), {})[0, 0, holds, None] = tensor
    found: list[Either] = []
    for unit, slots in cells.items():
        bias = slots.get((0, 0, "bias_hh", None))
        if bias is None or len(slots) < len(_ELMO):
            continue
        zeros = bias._replace(name=f"{unit}/zeros", nbytes=0, read=_zeros_for(bias), parts=None, spot=None)
        reading = read_slots("pytorch", unit, {**slots, (0, 0, "bias_ih", None): zeros})
        if isinstance(reading, Found) and not defect_count(reading):
            names = tuple(tensor.name for tensor in slots.values())
            weights = reading.stored._replace(names=names)
            found.append(reading._replace(notes=_ELMO_NOTES, weights=weights))
    return found


def _zeros_for(tensor: Stored) -> Callable[[], Any]:
    """A function that reads zeros of the dtype and shape of a tensor."""

    def read() -> Any:  # noqa: ANN401  # an array
        import numpy as np

        return np.zeros_like(tensor.read())

    return read


_CLIPS: Final = (
    "cells of ELMo clip c and h as options.json says, not the weights: run clips by --cell-clip and --proj-clip alone"
)


_ELMO_NOTES: Final = ("this cell stores one bias: bias_ih is zeros, which PyTorch counts", _CLIPS)


# The cells of bilm-tf (7cffee2b, bilm/training.py, dump_weights).
_BILM: Final = r"RNN_\d+/RNN/MultiRNNCell/Cell\d+/LSTMCell/.*"


def bilm_notes(reading: Found) -> tuple[str, ...]:
    """A note on what ELMo's cells do besides; none for other cells."""
    return (_CLIPS,) if all(re.fullmatch(_BILM, name) for name in reading.stored.names) else ()
