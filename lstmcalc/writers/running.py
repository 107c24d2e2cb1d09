"""A written file of named arrays, loaded and run by the framework that it is for, where that is installed.

The framework itself reads the file: what is proven is the file, and not what lstmcalc would hand over in memory.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Final
from zipfile import is_zipfile

import numpy as np

from lstmcalc.errors import UnsupportedError
from lstmcalc.frameworks.storage import Storage
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.convert import unpack
from lstmcalc.proof.failures import failures
from lstmcalc.proof.judges import Verdict, check_judge, run_judge
from lstmcalc.spec.config import DataSpec
from lstmcalc.writers.names import in_module
from lstmcalc.writers.target import Portable

# The frameworks whose files are run, with the judge and the package.
JUDGED: Final = {"pytorch": ("pytorch", "torch"), "keras": ("keras", "keras")}

# The versions of PyTorch from which on it reads weights alone, reads files where they are, and is safe with those of
# others.
_WEIGHTS_ONLY, _MAPPED, _SAFE = (1, 13), (2, 1), (2, 6)


def run_tables(
    framework: str, suffix: str, path: str, lstm: Portable, data: DataSpec, inputs: Mapping[str, Array]
) -> Verdict | None:
    """The results of a framework for an LSTM in a file of its arrays; None if it is not installed or cannot compute it.

    Args:
        framework: One of `JUDGED`.
        suffix: The kind of the file.
        path: The file.
        lstm: The LSTM, with the name that it has in the file; empty if it is alone there.
        data: Its data.
        inputs: `input`, `h_0` and `c_0`.
    """
    judge, package = JUDGED[framework]
    if find_spec(package) is None:
        return None
    check_judge(judge, lstm.config, data, lstm.activations)
    with failures(judge):
        arrays = _READ[suffix](path)
    if arrays is None:
        return None
    names = [row.name for row in Storage(lstm.config, framework).parameters]
    own = {name: np.ascontiguousarray(arrays[in_module(name, lstm.name)]) for name in names}
    weights = own if framework == "pytorch" else unpack(own, lstm.config, framework)
    return run_judge(judge, lstm.config, data, weights, inputs, lstm.activations)


def run_within(
    kind: str, path: str, names: Mapping[str, str], lstm: Portable, data: DataSpec, inputs: Mapping[str, Array]
) -> Verdict | None:
    """The results of PyTorch for an LSTM in a file of a whole model; None if it is not installed, or does not read it.

    Such a file is somebody else's: before 2.6, `weights_only` could be made to run code (CVE-2025-32434).

    Args:
        kind: The kind of the file, as `readers.files.kinds` calls it.
        path: The file.
        names: The names of nn.LSTM's parameters to those in the file, with dots between the keys that lead there.
        lstm: The LSTM, in the dtype of the file.
        data: Its data.
        inputs: `input`, `h_0` and `c_0`.
    """
    read = _READ.get({"torch": ".pt"}.get(kind, f".{kind}"))
    if find_spec("torch") is None or read is None:
        return None
    check_judge("pytorch", lstm.config, data, lstm.activations)
    if _torch_version() < _SAFE:
        raise UnsupportedError("PyTorch before 2.6 may run code of the files that it reads")
    with failures("pytorch"):
        arrays = read(path)
        if arrays is None:
            return None
        own = {name: np.ascontiguousarray(arrays[held]) for name, held in names.items()}
    return run_judge("pytorch", lstm.config, data, own, inputs, lstm.activations)


def _torch_arrays(path: str) -> dict[str, Array] | None:
    """The tensors that PyTorch reads of a file; None without PyTorch."""
    if find_spec("torch") is None:
        return None
    import torch

    version = _torch_version()
    if version < _WEIGHTS_ONLY:
        raise UnsupportedError("PyTorch before 1.13 reads no weights alone", found=torch.__version__)
    state: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if version >= _MAPPED and is_zipfile(path):  # not one of before 1.6
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return {name: _numbers(tensor) for name, tensor in _tensors(state)}


def _torch_version() -> tuple[int, ...]:
    """The major and the minor version of PyTorch."""
    import torch

    return tuple(map(int, torch.__version__.split(".")[:2]))


def _tensors(state: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The tensors in nested dictionaries, with dots between the keys that lead there."""
    import torch

    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            yield f"{path}{name}", value
        elif isinstance(value, Mapping):
            yield from _tensors(value, f"{path}{name}.")


def _safetensors_arrays(path: str) -> dict[str, Array] | None:
    """The tensors that the package safetensors reads of a file; None without it, or without PyTorch."""
    if find_spec("safetensors") is None or find_spec("torch") is None:
        return None
    from safetensors.torch import load_file

    return {name: _numbers(tensor) for name, tensor in load_file(path).items()}


def _npz_arrays(path: str) -> dict[str, Array] | None:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def _numbers(tensor: Any) -> Array:  # noqa: ANN401  # a tensor of PyTorch
    found: Array = (tensor.float() if tensor.dtype.itemsize < 4 else tensor).numpy()  # noqa: PLR2004  # bfloat16
    return found


_READ: Final[Mapping[str, Callable[[str], dict[str, Array] | None]]] = {
    ".pt": _torch_arrays,
    ".safetensors": _safetensors_arrays,
    ".npz": _npz_arrays,
}
