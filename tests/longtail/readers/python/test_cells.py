"""Random programs with LSTMs of other libraries: what they construct when they are run, held against what is said."""

import inspect
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.further_constructors import CELLS as TF1
from lstmcalc.frameworks.further_constructors import FURTHER
from tools.live import installed
from tools.programs.cells_stand_in import STAND_INS
from tools.programs.kinds import CELLS
from tools.programs.runs import runs
from tools.shell import TESTS

pytestmark = pytest.mark.longtail

MODULES = {"gluon": "mxnet", "tensorflow1": "tf_keras"}
PROGRAMS = {"tensorflow1": 12, "haiku": 12}  # each takes seconds
MOST = 40


def needed(kind: str) -> None:
    """Skip a library that is not installed, or that cannot be loaded beside one that is."""
    if find_spec(kind) is None:
        pytest.skip(f"{kind} is not installed")
    if kind == "paddle" and "tensorflow" in sys.modules and kind not in sys.modules:
        pytest.skip("paddlepaddle 3.3.1 ends a process that has TensorFlow loaded")


@pytest.mark.parametrize("kind", CELLS)
def test_nothing_false_is_said_of_a_program(kind: str, pytestconfig: pytest.Config) -> None:
    # In a process of its own: what notes the LSTMs is left in the library, and not all of them get on in one.
    if find_spec(MODULES.get(kind, kind)) is None:
        pytest.skip(f"{kind} is not installed")
    number = PROGRAMS.get(kind, MOST) * (10 if pytestconfig.getoption("--thorough") else 1)
    command = [sys.executable, "-m", "tools.programs", "--live", "--kind", kind, "--count", str(number), "--seed", "1"]
    ended = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    assert "equal" in ended.stdout


@pytest.mark.parametrize("kind", STAND_INS)
def test_the_stand_ins_construct_what_the_libraries_construct(kind: str) -> None:
    needed(kind)
    for seed in range(MOST):
        code = CELLS[kind].make(seed)
        expected = runs(code, CELLS[kind].libraries)
        if any(expected):
            assert runs(code, CELLS[kind].live) == expected, f"seed {seed}\n{code}"


@pytest.mark.parametrize("row", [row for row in FURTHER if row.how == "run"], ids=lambda row: str(row.names[0]))
def test_the_arguments_are_those_of_the_libraries(row: Constructor) -> None:
    home, _, last = row.names[0].rpartition(".")
    if home == TF1:
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
        installed("tf_keras")
        module = installed("tensorflow").compat.v1.nn.rnn_cell
    else:
        needed(home.partition(".")[0])
        module = installed(home)
    parameters = [
        item for item in inspect.signature(getattr(module, last).__init__).parameters.values() if item.name != "self"
    ]
    named = [item.name for item in parameters if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)]
    positional = tuple(item.name for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD)
    assert set(named) <= set(row.arguments)
    assert row.positional[: len(positional)] == positional  # behind them may be some that it had
