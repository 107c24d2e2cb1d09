"""The table of frameworks against what real ones computed with weights that were loaded into them by name.

The files are made by `record_frameworks.py`. What is recorded are the framework's own arrays, its input, and the final
states it found; a wrong fact in the table takes other numbers out of those arrays.
"""

from collections.abc import Callable
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from lstmcalc import forward
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.entry import Layout
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.convert import unpack
from tools.live import CONFIGS, expressible
from tools.longtail_players import PLAYERS as LONGTAIL
from tools.old_players import PLAYERS as OLD
from tools.peer_players import PLAYERS as PEERS
from tools.shell import TESTS

FOLDER = TESTS / "data" / "frameworks"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.npz"))}
CASES = [
    (layout, config)
    for layout in FILES
    for config in ("two layers, bi", "projected")
    if expressible(layout, CONFIGS[config])
]
GATES = list(map("".join, permutations("ifgo")))


@cache
def recorded(layout: str, config: str) -> tuple[dict[str, Array], dict[str, Array]]:
    """The framework's arrays, and everything else."""
    with np.load(FILES[layout]) as file:
        arrays = {name.partition("|")[2]: file[name] for name in file.files if name.startswith(f"{config}|")}
    tensors = {name.removeprefix("tensors|"): array for name, array in arrays.items() if name.startswith("tensors|")}
    return tensors, {name: array for name, array in arrays.items() if not name.startswith("tensors|")}


def error(layout: str, config: str) -> float:
    """How far our h_n and c_n are from those that the framework found with its arrays."""
    tensors, data = recorded(layout, config)
    weights = unpack(tensors, CONFIGS[config], layout)
    _, (h_n, c_n) = forward(CONFIGS[config], weights, data["x"], (data["h_0"], data["c_0"]))
    return float(max(np.abs(h_n - data["h_n"]).max(), np.abs(c_n - data["c_n"]).max()))


def test_every_framework_that_is_said_to_have_been_run_was_run() -> None:
    run = {name for name, layout in LAYOUTS.items() if layout.evidence.how in ("run", "converter")}
    assert set(FILES) | {"coreml"} == run  # its models run on macOS only
    assert {*PEERS, *LONGTAIL, *OLD} == set(FILES)


@pytest.mark.parametrize(("layout", "config"), CASES)
def test_recorded_arrays_give_the_recorded_states(layout: str, config: str) -> None:
    assert error(layout, config) < 1e-5


@pytest.mark.parametrize("layout", [layout for layout in FILES if layout != "pytorch"])
def test_any_other_order_of_gates_gives_other_states(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = LAYOUTS[layout]
    for order in GATES:
        monkeypatch.setitem(LAYOUTS, layout, right._replace(gates=order))
        assert (error(layout, "two layers, bi") < 1e-5) == (order == right.gates)


def with_stored(layout: Layout, change: Callable[[Any], Any]) -> Layout:
    return layout._replace(stored=tuple(map(change, layout.stored)))


WRONG: dict[str, tuple[str, Callable[[Layout], Layout]]] = {
    "no forget bias in TensorFlow 1": ("tf1", lambda layout: layout._replace(forget_offset=0.0)),
    "no forget bias in Haiku": ("haiku", lambda layout: layout._replace(forget_offset=0.0)),
    "a forget bias in Keras": ("keras", lambda layout: layout._replace(forget_offset=1.0)),
    "Keras's CuDNNLSTM as LSTM": (
        "keras-cudnn",
        lambda layout: with_stored(layout, lambda item: item._replace(raw=False)),
    ),
    "Flax with both directions exchanged": (
        "flax-nnx",
        lambda layout: layout._replace(directions=layout.directions[::-1]),
    ),
    "Chainer's biases on the wrong gates": (
        "chainer",
        lambda layout: with_stored(
            layout, lambda item: item._replace(words=item.words[::-1]) if item.holds == "bias_ih" else item
        ),
    ),
}


@pytest.mark.parametrize(("layout", "change"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_fact_is_noticed(
    layout: str, change: Callable[[Layout], Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LAYOUTS, layout, change(LAYOUTS[layout]))
    assert error(layout, "two layers, bi") > 1e-2
