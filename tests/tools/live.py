"""Hold the table of frameworks against a real framework: random weights, packed by us, loaded there by name."""

from collections.abc import Callable, Mapping
from itertools import permutations
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, forward
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import find_layout, missing_feature, parameters
from lstmcalc.model.interfaces import faces, fill, foreign_states
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.convert import pack

TOLERANCE = 1e-5  # float32, values of size 1
LENGTH, BATCH = 5, 3
ALONE = ("ncnn",)  # it takes one sequence at a time

CONFIGS = {
    "uni": LSTMConfig(3, 4),
    "bi": LSTMConfig(3, 4, bidirectional=True),
    "two layers": LSTMConfig(3, 4, num_layers=2),
    "two layers, bi": LSTMConfig(3, 4, num_layers=2, bidirectional=True),
    "no bias": LSTMConfig(3, 4, num_layers=2, bias=False),
    "square": LSTMConfig(4, 4, bidirectional=True),
    "projected": LSTMConfig(3, 4, num_layers=2, bidirectional=True, proj_size=2),
}


def batch_of(layout: str) -> int:
    return 1 if layout in ALONE else BATCH


class Played(NamedTuple):
    """The results of a framework.

    Attributes:
        results: The name of each output port of the layout to what came out: an array, or a list of arrays where the
            port says that there are several (`each`).
        words: The names that the layout's `h_n` and `c_n` are written in, to what they stand for.
        listed: The framework's own list of names and shapes, where it has one; else None.
    """

    results: Mapping[str, Any]
    words: Mapping[str, Any]
    listed: Mapping[str, tuple[int, ...]] | None = None


Tensors: TypeAlias = Mapping[str, Array]
Shapes: TypeAlias = dict[str, tuple[int, ...]]

# config, tensors by name, x (L, N, H_in), h_0 (D*num_layers, N, H_out), c_0 (D*num_layers, N, H_cell), all float32
Player: TypeAlias = Callable[[LSTMConfig, Tensors, Array, Array, Array], Played]


def installed(name: str) -> Any:
    # What is broken for want of a dependency is not installed either.
    return pytest.importorskip(name, exc_type=ImportError)


def by_batch(array: Array) -> Array:
    """(L, N, ...) to (N, L, ...), or back."""
    return np.ascontiguousarray(array.swapaxes(0, 1))


def shapes_of(arrays: Mapping[str, Any]) -> Shapes:
    return {name: tuple(array.shape) for name, array in arrays.items()}


class Case(NamedTuple):
    """One LSTM with random weights, data and states, and what we compute for it."""

    config: LSTMConfig
    weights: dict[str, Array]
    x: Array
    h_0: Array
    c_0: Array
    output: Array
    h_n: Array
    c_n: Array


def case_of(config: LSTMConfig, seed: int = 0, batch: int = BATCH) -> Case:
    rng = np.random.default_rng(seed)

    def draw(shape: tuple[int, ...], scale: float) -> Array:
        return np.asarray(rng.normal(scale=scale, size=shape), dtype=np.float32)

    weights = {parameter.name: draw(parameter.shape, 0.7) for parameter in LSTMModel(config).parameters}
    tensors = {tensor.name: tensor.shape for tensor in LSTMModel(config).tensors(LENGTH, batch)}
    x, h_0, c_0 = draw(tensors["input"], 1), draw(tensors["h_0"], 0.5), draw(tensors["c_0"], 0.5)
    output, (h_n, c_n) = forward(config, weights, x, (h_0, c_0))
    return Case(config, weights, x, h_0, c_0, output, h_n, c_n)


def expressible(layout: str, config: LSTMConfig) -> bool:
    return not missing_feature(config, layout)


def play(layout: str, player: Player, case: Case) -> Played:
    return player(case.config, pack(case.weights, case.config, layout), case.x, case.h_0, case.c_0)


def differences(layout: str, played: Played, case: Case) -> dict[str, float]:
    """The distance of each result from what the table says it is, by name."""
    config, found = case.config, {}
    names = {
        "L": LENGTH,
        "N": case.x.shape[1],
        "D": config.num_directions,
        "output": case.output,
        "h_n": case.h_n,
        "c_n": case.c_n,
        "np": np,
    }
    outputs = [face for face in faces(config, DataSpec(LENGTH, case.x.shape[1]), layout) if face.role == "output"]
    assert {face.name for face in outputs} <= set(played.results)
    for face in outputs:
        result = played.results[face.name]
        results = result if face.each else [result]
        assert len(results) == face.copies, f"{face.name}: {len(results)} of them"
        for index, array in enumerate(results):
            assert np.shape(array) == face.shape, f"{face.name}: {np.shape(array)}"
            if face.equals:
                place = {
                    "cell": divmod(index, config.num_directions),
                    "layer": (index, 0),
                    "direction": (config.num_layers - 1, index),
                }
                layer, direction = place.get(face.each, (0, 0))
                wanted = eval(fill(face.equals, config, layer, direction, index), dict(names))
                found[f"{face.name}[{index}]"] = float(np.abs(np.asarray(array) - wanted).max())
    for state in foreign_states(config, layout):
        for text, wanted in ((state.h, case.h_n), (state.c, case.c_n)):
            array = np.asarray(eval(text, dict(played.words)))
            assert array.shape == wanted[state.position].shape, f"{text}: {array.shape}"
            found[text] = float(np.abs(array - wanted[state.position]).max())
    return found


def check(layout: str, player: Player, config: LSTMConfig, batch: int = BATCH) -> None:
    """Outputs, states, names and shapes are those of the table."""
    case = case_of(config, batch=batch)
    played = play(layout, player, case)
    found = differences(layout, played, case)
    assert found
    assert {text for text, error in found.items() if not error <= TOLERANCE} == set(), found
    if played.listed is not None:
        assert dict(played.listed) == {item.name: item.shape for item in parameters(config, layout)}


def check_that_wrong_orders_fail(
    layout: str, player: Player, monkeypatch: pytest.MonkeyPatch, orders: int = 23, batch: int = BATCH
) -> None:
    """Weights packed in any other order of gates give other numbers."""
    case = case_of(CONFIGS["uni"], batch=batch)
    right = find_layout(layout)
    for order in [order for order in map("".join, permutations(right.gates)) if order != right.gates][:orders]:
        monkeypatch.setitem(LAYOUTS, layout, right._replace(gates=order))
        tensors = pack(case.weights, case.config, layout)
        monkeypatch.setitem(LAYOUTS, layout, right)
        played = player(case.config, tensors, case.x, case.h_0, case.c_0)
        assert max(differences(layout, played, case).values()) > 1e-2, order


def state(**fields: Any) -> SimpleNamespace:
    """A state whose parts have names, as LSTMStateTuple and LSTMState do."""
    return SimpleNamespace(**fields)
