"""Named arrays as a NumPy `.npz` file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.writing import replacing


def save_arrays(name: str, arrays: Mapping[str, Array]) -> None:
    """Write arrays to an `.npz` file under their names, replacing an old file only when the new one is complete."""
    with replacing(name) as file:
        named: dict[str, Any] = dict(arrays)
        np.savez(file, **named)
