"""The table of frameworks against those that are old, frozen, or a file format."""

from collections.abc import Mapping

import numpy as np
import pytest

from lstmcalc import DataSpec
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.tensorflow import TF1
from lstmcalc.model.interfaces import faces
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.convert import pack
from tools.live import (
    BATCH,
    CONFIGS,
    LENGTH,
    batch_of,
    case_of,
    check,
    check_that_wrong_orders_fail,
    differences,
    expressible,
    play,
)
from tools.old_players import PLAYERS, coreml_constants, coreml_shapes, tf1, tflite_constants

pytestmark = pytest.mark.longtail


@pytest.mark.parametrize(
    ("layout", "config"),
    [(layout, config) for layout in PLAYERS for config in CONFIGS if expressible(layout, CONFIGS[config])],
)
def test_packed_weights_compute_the_same(layout: str, config: str) -> None:
    check(layout, PLAYERS[layout], CONFIGS[config], batch_of(layout))


@pytest.mark.parametrize("layout", PLAYERS)
def test_every_other_order_of_gates_computes_something_else(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_that_wrong_orders_fail(layout, PLAYERS[layout], monkeypatch, batch=batch_of(layout))


def test_tensorflow_1_adds_1_to_the_forget_gate_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(CONFIGS["uni"])
    monkeypatch.setitem(LAYOUTS, "tf1", TF1._replace(forget_offset=0.0))
    assert min(differences("tf1", play("tf1", tf1, case), case).values()) > 1e-2


@pytest.mark.parametrize("config", ["uni", "bi", "two layers"])
def test_the_converter_of_tensorflow_lite_stores_what_we_pack(config: str) -> None:
    case = case_of(CONFIGS[config])
    found = tflite_constants(case.config, pack(case.weights, case.config, "keras2"), case.x)
    packed = pack(case.weights, case.config, "tflite")
    prefixes = list(dict.fromkeys(name[: name.rfind(".") + 1] for name in packed))
    assert len(found) == len(prefixes)
    for prefix in prefixes:
        wanted = {name.removeprefix(prefix): array for name, array in packed.items() if name.startswith(prefix)}
        assert sum(_same(held, wanted) for held in found) == 1, prefix


@pytest.mark.parametrize("config", [config for config in CONFIGS if expressible("coreml", CONFIGS[config])])
def test_the_converter_of_core_ml_stores_what_we_pack(config: str) -> None:
    case = case_of(CONFIGS[config])
    found = coreml_constants(case.config, case.weights, case.x, case.h_0, case.c_0)
    assert _same(found, pack(case.weights, case.config, "coreml"))


@pytest.mark.parametrize("config", ["uni", "bi"])
def test_core_ml_takes_what_we_pack_and_returns_the_shapes_of_the_table(config: str) -> None:
    case = case_of(CONFIGS[config])
    shapes = coreml_shapes(case.config, pack(case.weights, case.config, "coreml"), case.x, case.h_0, case.c_0)
    ports = faces(case.config, DataSpec(LENGTH, BATCH), "coreml")
    assert shapes == [port.shape for port in ports if port.role == "output"]


def _same(found: Mapping[str, Array], wanted: Mapping[str, Array]) -> bool:
    return found.keys() == wanted.keys() and all(
        found[name].shape == array.shape and np.allclose(found[name], array, rtol=0, atol=1e-6)
        for name, array in wanted.items()
    )
