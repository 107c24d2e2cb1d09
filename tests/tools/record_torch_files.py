"""Record files that PyTorch writes, for the plain tests to read.

    PYTHONPATH=tests python -m tools.record_torch_files

It needs PyTorch 2.13.0. Beside the files it writes what must be found in each, `expected.json`, and the weights that
PyTorch computes of what is in them, `computed.json`.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import numpy as np

from tools.shell import TESTS

TORCH: Final = "2.13.0"
FOLDER: Final = TESTS / "data" / "weights"
EXPECTED: Final = FOLDER / "expected.json"
COMPUTED: Final = FOLDER / "computed.json"
RECORDED: Final = (
    "state_dict_legacy",
    "lightning",
    "module",
    "module_weight_norm",
    "scripted_cell",
    "frozen",
    "dtypes",
    "views",
    "views_legacy",
    "lists",
    "quantized_states",
    "without_numbers",
)


def described(array: Any) -> list[Any]:
    """The dtype and shape of an array, and a digest of its numbers, bit by bit; every NaN is the same."""
    settled = np.where(np.isnan(array), np.nan, array).astype(array.dtype) if array.dtype.kind in "fc" else array
    return [str(array.dtype), list(array.shape), sha256(np.ascontiguousarray(settled).tobytes()).hexdigest()[:16]]


def drop_debug_files(path: Path) -> None:
    """Drop what TorchScript keeps of where its source stood on the machine that it was made on."""
    with ZipFile(path) as archive:
        members = [
            (info, archive.read(info)) for info in archive.infolist() if not info.filename.endswith(".debug_pkl")
        ]
    with ZipFile(path, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)


def main() -> None:
    import torch

    from tools.torch_makers import MAKERS, ODD

    if not torch.__version__.startswith(TORCH):
        sys.exit(f"PyTorch {TORCH} is needed, this is {torch.__version__}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    expected = {}
    for kind in RECORDED:
        tensors = {**MAKERS, **ODD}[kind](FOLDER / f"{kind}.pt")
        if kind in ("scripted_cell", "frozen"):
            drop_debug_files(FOLDER / f"{kind}.pt")
        expected[kind] = {name: described(numbers) for name, numbers in tensors.items()}
    lines = [f"{json.dumps(kind)}: {json.dumps(tensors)}" for kind, tensors in expected.items()]
    EXPECTED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    normed = torch.load(FOLDER / "module_weight_norm.pt", weights_only=False)["old"]
    COMPUTED.write_text(json.dumps({"module_weight_norm": {"weight_hh_l0": normed.weight_hh_l0.tolist()}}) + "\n")


if __name__ == "__main__":
    main()
