"""Named arrays as an `.npz` file of NumPy."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstmcalc.numerics.arrays import Array
from lstmcalc.writing import replacing


def save_arrays(name: str, arrays: Mapping[str, Array]) -> None:
    """Write arrays to an `.npz` file under their names, replacing the file only when all of it is written.

    Raises:
        OutputError: As `files.check_target`, or the disk is full; what was there before is unharmed.
    """
    with replacing(name) as file:
        named: dict[str, Any] = dict(arrays)
        np.savez(file, **named)
