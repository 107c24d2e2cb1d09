"""What code is taken to say of the attributes of PyTorch's layers is true of them."""

import pytest

from tools.layer_attributes import TRUE_OF_LAYERS, holds

pytestmark = pytest.mark.peers


@pytest.mark.parametrize(("layer", "truth"), TRUE_OF_LAYERS)
def test_what_is_said_of_a_layer_is_true_of_it(layer: str, truth: str) -> None:
    from torch import nn

    assert holds(eval(layer, {"nn": nn}), truth)
