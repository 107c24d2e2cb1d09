"""The table of frameworks against Haiku, Equinox, MLX, tinygrad, OpenVINO and PaddlePaddle themselves."""

from typing import Any

import pytest

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.jax import HAIKU
from tools.live import (
    CONFIGS,
    case_of,
    check,
    check_that_wrong_orders_fail,
    differences,
    expressible,
    installed,
    play,
)
from tools.longtail_players import PLAYERS, haiku

pytestmark = pytest.mark.longtail


@pytest.mark.parametrize(
    ("layout", "config"),
    [(layout, config) for layout in PLAYERS for config in CONFIGS if expressible(layout, CONFIGS[config])],
)
def test_packed_weights_compute_the_same(layout: str, config: str) -> None:
    check(layout, PLAYERS[layout], CONFIGS[config])


@pytest.mark.parametrize("layout", PLAYERS)
def test_every_other_order_of_gates_computes_something_else(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_wrong_orders_fail(layout, PLAYERS[layout], monkeypatch)


@pytest.mark.parametrize("options", [{"direction": "bidirect"}, {"num_layers": 2}], ids=str)
def test_paddle_cannot_leave_out_biases(options: dict[str, Any]) -> None:
    # One layer in one direction can be built, and ends the process when it is run.
    lstm = installed("paddle").nn.LSTM
    with pytest.raises(IndexError, match="list assignment index out of range"):
        lstm(3, 4, **options, bias_ih_attr=False, bias_hh_attr=False)


def test_haiku_adds_1_to_the_forget_gate_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(CONFIGS["uni"])
    monkeypatch.setitem(LAYOUTS, "haiku", HAIKU._replace(forget_offset=0.0))
    assert min(differences("haiku", play("haiku", haiku, case), case).values()) > 1e-2
