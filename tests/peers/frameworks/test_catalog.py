"""The table of frameworks against PyTorch, Keras 3, Flax and ONNX Runtime themselves."""

import pytest

from tools.live import CONFIGS, Player, check, check_that_wrong_orders_fail, expressible
from tools.peer_players import PLAYERS, flax_linen_optimized, onnx_opset_14

pytestmark = pytest.mark.peers


@pytest.mark.parametrize(
    ("layout", "config"),
    [(layout, config) for layout in PLAYERS for config in CONFIGS if expressible(layout, CONFIGS[config])],
)
def test_packed_weights_compute_the_same(layout: str, config: str) -> None:
    check(layout, PLAYERS[layout], CONFIGS[config])


# What test_pytorch does for PyTorch, whose own weights are what the others' are packed from.
@pytest.mark.parametrize("layout", [layout for layout in PLAYERS if layout != "pytorch"])
def test_every_other_order_of_gates_computes_something_else(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_wrong_orders_fail(layout, PLAYERS[layout], monkeypatch)


@pytest.mark.parametrize("config", ["uni", "two layers, bi", "no bias"])
@pytest.mark.parametrize(("layout", "player"), [("flax-linen", flax_linen_optimized), ("onnx", onnx_opset_14)])
def test_another_cell_or_version_is_the_same(layout: str, player: Player, config: str) -> None:
    check(layout, player, CONFIGS[config])
