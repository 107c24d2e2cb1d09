"""The lines that load a file that an LSTM was put into, as its model was loaded before."""

from collections.abc import Sequence

from lstmcalc.readers.files.tensors import StateDict, Stored, WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.spec.words import quoted_text


def into_lines(path: str, found: Sequence[Found]) -> list[str]:
    """The lines that load the file into the user's own model, `model`.

    Args:
        path: The name of the file.
        found: The LSTMs of the file that it is a copy of.
    """
    file, name = found[0].stored.file, quoted_text(path)
    kind = file.kind if file else ""
    if kind in ("keras", "hdf5"):
        if kind == "keras" or any(map(_is_described, found)):
            return ["import keras", "", f"model = keras.saving.load_model({name})"]
        return [f"model.load_weights({name})"]
    if kind == "safetensors":
        return ["from safetensors.torch import load_file", "", f"model.load_state_dict(load_file({name}))"]
    if kind == "torch" and file is not None:
        return _torch_lines(name, file, found[0])
    return ["import numpy as np", "", f"weights = np.load({name})  # under the same names as before"]


def _is_described(found: Found) -> bool:
    """True for an LSTM of Keras whose file has the model's configuration too."""
    return any(value is not None for value in found.options.values())


def _torch_lines(name: str, file: WeightFile, found: Found) -> list[str]:
    """The lines for a file of PyTorch: of a state dict, of a whole module, or of TorchScript."""
    if file.format == "TorchScript":
        return ["import torch", "", f"model = torch.jit.load({name})"]
    state = _state_of(file, found)
    if state is None or state.is_module:  # of a class that only the file names
        return ["import torch", "", f"model = torch.load({name}, weights_only=False)  # as before: this runs its code"]
    keys = "".join(f"[{quoted_text(key)}]" for key in state.keys)
    return ["import torch", "", f"model.load_state_dict(torch.load({name}){keys})"]


def _state_of(file: WeightFile, found: Found) -> StateDict | None:
    """The dictionary of a checkpoint that has the LSTM in it; None if there is none."""
    names = {tensor.name for tensor in found.stored.tensors.values()}
    fitting = [
        state
        for state in file.state_dicts
        if names <= {item.name for item in state.entries.values() if isinstance(item, Stored)}
    ]
    return fitting[0] if fitting else None
