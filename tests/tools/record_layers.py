"""Record what PyTorch's layers store, for the plain tests to read.

    PYTHONPATH=tests python -m tools.record_layers

It needs PyTorch 2.13.0.
"""

import json
import random
import warnings
from typing import Any, Final

from tools.shell import TESTS
from tools.whole_models import Maker

TORCH: Final = "2.13.0"
FILE: Final = TESTS / "data" / f"torch-layers-{TORCH}.json"
DRAWN: Final = 400
OF_A_KIND: Final = 4


def record() -> None:
    """Write the printed text of random layers, each with the names and shapes of its state_dict."""
    import torch

    if torch.__version__.partition("+")[0] != TORCH:
        raise SystemExit(f"PyTorch {TORCH} is needed, not {torch.__version__}")
    maker, kept = Maker(torch, random.Random(0)), dict[str, dict[str, Any]]()  # noqa: S311  # no secret
    for _ in range(DRAWN):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layer = maker.lstm() if maker.flag(0.1) else maker.leaf()
        text, kind = str(layer), type(layer).__name__
        if "\n" not in text and sum(other.startswith(f"{kind}(") for other in kept) < OF_A_KIND:
            kept[text] = {name: list(value.shape) for name, value in layer.state_dict().items()}
    lines = (f"{json.dumps(text)}: {json.dumps(stored)}" for text, stored in sorted(kept.items()))
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    record()
