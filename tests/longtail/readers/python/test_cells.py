"""Random programs with LSTMs of other libraries: what they construct when they are run, held against what is said."""

from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from tools.programs.cells_stand_in import STAND_INS
from tools.programs.kinds import CELLS, verdict_on
from tools.programs.runs import runs

pytestmark = pytest.mark.longtail

MODULES = {"gluon": "mxnet", "tensorflow1": "tf_keras"}
PROGRAMS = {"tensorflow1": 6, "haiku": 8}  # each takes seconds
MOST = 25


@pytest.mark.parametrize("kind", CELLS)
def test_nothing_false_is_said_of_a_program(kind: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    if find_spec(MODULES.get(kind, kind)) is None:
        pytest.skip(f"{kind} is not installed")
    times = 10 if pytestconfig.getoption("--thorough") else 1
    judged = 0
    for seed in count(1):
        code = CELLS[kind].make(seed)
        verdict = verdict_on(code, kind, tmp_path, live=True)
        assert verdict.word not in ("WRONG", "CRASH", "denied"), f"seed {seed}: {verdict}\n{code}"
        judged += verdict.word != "nonsense"
        if judged == PROGRAMS.get(kind, MOST) * times:
            break


@pytest.mark.parametrize("kind", STAND_INS)
def test_the_stand_ins_construct_what_the_libraries_construct(kind: str) -> None:
    if find_spec(kind) is None:
        pytest.skip(f"{kind} is not installed")
    for seed in range(MOST):
        code = CELLS[kind].make(seed)
        expected = runs(code, CELLS[kind].libraries)
        if any(expected):
            assert runs(code, CELLS[kind].live) == expected, f"seed {seed}\n{code}"
