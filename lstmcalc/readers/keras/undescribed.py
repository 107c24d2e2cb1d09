"""Cells told by their arrays alone: settings, framework, names in its layout, and modules that nothing describes."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lstmcalc.frameworks.storage import Parameter, parameters
from lstmcalc.readers.files.tensors import Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.keras.cells import Cell
from lstmcalc.spec.activations import unstated_gates
from lstmcalc.spec.config import MAX_SIZE, LSTMConfig

_KERAS_GATES: Final = {"i": "i", "f": "f", "g": "c", "o": "o"}  # from PyTorch's letters to those of Keras


def framework_of(cell: Cell, said: str) -> str:
    """The framework whose layout a cell has: Keras 1 uses that of Keras 2 if it was told to save memory traffic."""
    if cell.form == "keras1" and "kernel" not in cell.arrays:
        return "keras1"
    return "keras2" if said in ("keras1", "keras-cudnn") else said


def sizes_of(cells: Sequence[Cell]) -> dict[str, object]:
    """The settings that follow from the shapes of arrays."""
    first = cells[0]
    return {
        "input_size": first.width,
        "hidden_size": first.units,
        "bias": bool(first.biases),
        "bidirectional": len(cells) > 1,
    }


def tensors_of(cells: Sequence[Cell], framework: str) -> dict[str, str]:
    """The names of an LSTM's arrays, from its framework's layout to the file; none if the sizes do not fit."""
    first = cells[0]
    alike = {(cell.width, cell.units, cell.biases, tuple(cell.arrays)) for cell in cells}
    if len(alike) > 1 or max(first.width, first.units) > MAX_SIZE:
        return {}
    config = LSTMConfig(first.width, first.units, bias=bool(first.biases), bidirectional=len(cells) > 1)
    return {
        parameter.name: cells[parameter.direction == "reverse"].arrays[_role(parameter)]
        for parameter in parameters(config, framework)
        if _role(parameter) in first.arrays
    }


def _role(parameter: Parameter) -> str:
    """The name that Keras has for an array of its layouts."""
    role = {"weight_ih": "kernel", "weight_hh": "recurrent_kernel"}.get(parameter.holds[0], "bias")
    return f"{role}_{_KERAS_GATES[parameter.gate]}" if parameter.gate else role


def undescribed_modules(cells: Sequence[Cell], version: str) -> Iterator[Found]:
    """The cells that no configuration describes, told by their arrays; both directions of a layer are one LSTM."""
    for own in _paired_cells(cells):
        cell = own[0]
        framework = "keras-cudnn" if cell.is_cudnn else _framework_alone(cell, version)
        is_lstm = cell.kind == "LSTM"
        fields = sizes_of(own) | ({"num_layers": 1, "batch_first": True} if is_lstm else {})
        yield Found(
            _name_alone(own),
            framework,
            kind="CuDNNLSTM" if cell.is_cudnn else cell.kind,
            layer=settings_of(fields, tuple(fields)),
            options=unstated_gates(framework, version) if is_lstm else {},
            weights=Weights(tensors_of(own, framework) if is_lstm else _roles(own)),
        )


def _paired_cells(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells, both directions of a layer in one list, the forward one first."""
    counts = Counter(_uncounted(cell.path) for cell in cells)  # several cells of a stack are told by their numbers
    at = {_uncounted(cell.path): cell for cell in cells if counts[_uncounted(cell.path)] == 1}
    at |= {cell.path: cell for cell in cells}
    backward = {cell.path: other for cell in cells if (other := _other_direction(cell, at))}
    behind = {cell.path for cell in backward.values()}
    return [
        [cell, *([backward[cell.path]] if cell.path in backward else [])] for cell in cells if cell.path not in behind
    ]


def _roles(cells: Sequence[Cell]) -> dict[str, str]:
    """The arrays of a module that is not an LSTM, by Keras' names."""
    if len(cells) == 1:
        return dict(cells[0].arrays)
    return {
        f"{word}_{role}": name
        for word, cell in zip(("forward", "backward"), cells, strict=True)
        for role, name in cell.arrays.items()
    }


def _framework_alone(cell: Cell, version: str) -> str:
    """The framework of a cell, told by the names of its arrays and by the version in the file."""
    own = "keras2" if version.startswith("2") or next(iter(cell.arrays.values())).endswith(":0") else "keras"
    return framework_of(cell, "keras1" if cell.form == "keras1" else own)


def _other_direction(cell: Cell, cells: Mapping[str, Cell]) -> Cell | None:
    """The backward cell of a Bidirectional whose forward cell this is; None if there is none."""
    turned = re.sub(r"(^|/)forward_(?=[^/]*(/|$))", r"\1backward_", cell.path)
    other = (cells.get(turned) or cells.get(_uncounted(turned))) if turned != cell.path else None
    alike = other and (cell.kind, cell.width, cell.units, cell.biases) == (
        other.kind,
        other.width,
        other.units,
        other.biases,
    )
    return other if alike else None


def _uncounted(path: str) -> str:
    """The path of a cell without its number: Keras 2 counts the cells of a process, those of both directions too."""
    return re.sub(r"(/\w*cell)_\d{1,9}$", r"\1", path)


_CELL_NAME: Final = re.compile(r"cell|stacked_rnn_cells|(lstm|gru|simple_rnn)_cell(_\d+)?")


def _name_alone(cells: Sequence[Cell]) -> str:
    """The name of a layer from the names around its arrays, without those of its cell and of one direction."""
    names = list(cells[0].names)
    if cells[0].top and cells[0].top not in names:
        names.insert(0, cells[0].top)
    own = names[-1:] if "/cells/" in cells[0].path or "stacked_rnn_cells" in names else []
    kept = [name for name in names if not _CELL_NAME.fullmatch(name)]
    kept += [name for name in own if name not in kept]
    if len(cells) > 1:
        kept = [name for name in kept if not name.startswith("forward_")]
    return ".".join(kept or names) or cells[0].path
