"""Record what PyTorch draws, for the plain tests to read.

    PYTHONPATH=tests python -m tools.record_torch_random

It needs PyTorch 2.13.0 on a processor with AVX2; elsewhere PyTorch draws other last bits.
"""

import sys
from hashlib import sha256
from typing import Any, Final, NamedTuple

import numpy as np

from tools.shell import TESTS

TORCH: Final = "2.13.0"
FILE: Final = TESTS / "data" / "torch-random-2.13.0.npz"
WHOLE: Final = 1000  # of more numbers a digest is kept


class Draw(NamedTuple):
    """One call: what is drawn, its shape, dtype and bounds."""

    kind: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    low: float = 0.0
    high: float = 1.0


DTYPES: Final = ("float32", "float64", "float16")
SEEDS: Final = (0, 1, -1, 2**32, 2**32 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 1234567890123)
# All calls of a program follow each other on one generator. Below 16 numbers every other normal is one that was kept.
MIXED: Final = (
    *(Draw("normal", shape, dtype) for dtype in DTYPES for shape in ((), (3,), (15,), (0, 4), (16,), (17,), (31,))),
    *(Draw("uniform", (5, 7), dtype, -0.2236, 0.2236) for dtype in DTYPES),
    Draw("normal", (1,)),
    *(Draw("uniform", (7,), dtype, -1e-3, 7.25) for dtype in DTYPES),
    Draw("normal", (2, 3, 10)),
    Draw("normal", (1,), "float64"),
    *(Draw("integers", (6,), high=high) for high in (1, 10, 2**28 - 1, 2**28, 2**40 + 3)),
)
LARGE: Final = (
    *(Draw("normal", (40_003,), dtype) for dtype in ("float32", "float16")),
    *(Draw("uniform", (40_003,), dtype, 1000, 1001) for dtype in DTYPES),  # some are rounded up to 1001
    Draw("integers", (40_003,), high=2**30),
)
PROGRAMS: Final = (*((seed, MIXED) for seed in SEEDS[:4]), *((seed, MIXED[:6]) for seed in SEEDS[4:]), (7, LARGE))


def digest(array: Any) -> str:
    """A digest of the numbers of a large array, bit by bit."""
    return sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def drawn(torch: Any, draw: Draw) -> Any:
    """The numbers that PyTorch's own generator draws next."""
    dtype = getattr(torch, draw.dtype)
    if draw.kind == "integers":
        return torch.randint(int(draw.high), draw.shape).numpy()
    if draw.kind == "normal":
        return torch.randn(draw.shape, dtype=dtype).numpy()
    return torch.empty(draw.shape, dtype=dtype).uniform_(draw.low, draw.high).numpy()


def main() -> int:
    import torch

    version = torch.__version__.partition("+")[0]
    if version != TORCH:
        sys.stderr.write(f"this records PyTorch {TORCH}, found {version}\n")
        return 1
    members = {}
    for number, (seed, draws) in enumerate(PROGRAMS):
        torch.manual_seed(seed)
        for position, draw in enumerate(draws):
            array = drawn(torch, draw)
            members[f"{number}/{position}"] = array if array.size <= WHOLE else np.array(digest(array))
    np.savez_compressed(FILE, allow_pickle=False, **members)
    return 0


if __name__ == "__main__":
    sys.exit(main())
