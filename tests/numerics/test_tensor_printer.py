"""How PyTorch 2.13.0 prints tensors: texts that it printed; random tensors are in the tests of the extra `peers`."""

from typing import Any

import numpy as np
import pytest

from lstmcalc.numerics.tensor_printer import tensor_text
from tools.printed_tensors import PRINTED


@pytest.mark.parametrize(("array", "text"), PRINTED, ids=[str(number) for number in range(len(PRINTED))])
def test_tensors_are_printed_as_pytorch_does(array: Any, text: str) -> None:
    assert tensor_text(np.asarray(array)) == text
