"""Record what real frameworks compute with weights packed by us, so that the plain tests can hold the table against it.

    PYTHONPATH=tests python -m tools.record_frameworks

writes `tests/data/frameworks/LAYOUT.npz` for every framework that is installed where it runs, and says which; the files
of the others stay. No environment has all of them: MXNet and Chainer need NumPy 1.23, MindSpore NumPy 1.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pytest

from lstmcalc.model.interfaces import foreign_states
from lstmcalc.numerics.convert import pack
from tools.live import CONFIGS, Played, Player, batch_of, case_of, differences, expressible
from tools.longtail_players import PLAYERS as LONGTAIL
from tools.old_players import PLAYERS as OLD
from tools.peer_players import PLAYERS as PEERS
from tools.shell import TESTS

FOLDER = TESTS / "data" / "frameworks"
PLAYERS: Mapping[str, Player] = {**PEERS, **LONGTAIL, **OLD}
RECORDED = ("two layers, bi", "projected")


def states_of(layout: str, played: Played, config: str) -> dict[str, Any]:
    """h_n and c_n as PyTorch stacks them, taken out of a framework's own results."""
    found = foreign_states(CONFIGS[config], layout)
    return {
        "h_n": np.stack([np.asarray(eval(state.h, dict(played.words))) for state in found]),
        "c_n": np.stack([np.asarray(eval(state.c, dict(played.words))) for state in found]),
    }


def record(layout: str, player: Player) -> None:
    arrays: dict[str, Any] = {}
    for config in RECORDED:
        if not expressible(layout, CONFIGS[config]):
            continue
        case = case_of(CONFIGS[config], batch=batch_of(layout))
        tensors = pack(case.weights, case.config, layout)
        played = player(case.config, tensors, case.x, case.h_0, case.c_0)
        assert max(differences(layout, played, case).values()) < 1e-5
        held = {"x": case.x, "h_0": case.h_0, "c_0": case.c_0, **states_of(layout, played, config)}
        arrays |= {f"{config}|{name}": array for name, array in held.items()}
        arrays |= {f"{config}|tensors|{name}": array for name, array in tensors.items()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(FOLDER / f"{layout}.npz", **arrays)


def main() -> None:
    for layout, player in PLAYERS.items():
        try:
            record(layout, player)
        except pytest.skip.Exception as skipped:
            print(f"{layout}: {skipped}")
        else:
            print(f"{layout}: recorded")
    for package in ("torch", "keras", "flax", "jax", "onnxruntime", "tensorflow", "numpy"):
        try:
            print(package, version(package))
        except PackageNotFoundError:
            continue


if __name__ == "__main__":
    main()
