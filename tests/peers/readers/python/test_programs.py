"""Random programs, run with the libraries themselves: the stand-ins of the plain tests give the same."""

import os
import warnings

import pytest

from tools.programs.kinds import KINDS
from tools.programs.runs import runs

pytestmark = pytest.mark.peers

# Keras takes some hundred times as long.
PLAIN = {"pytorch": 60, "imported": 30, "keras": 12}
THOROUGH = 10

os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.mark.parametrize("kind", PLAIN)
def test_the_stand_ins_construct_what_the_libraries_construct(kind: str, pytestconfig: pytest.Config) -> None:
    for seed in range(PLAIN[kind] * (THOROUGH if pytestconfig.getoption("--thorough") else 1)):
        code = KINDS[kind].make(seed)
        expected = runs(code, KINDS[kind].libraries)
        if any(expected):
            with warnings.catch_warnings(action="ignore"):
                assert runs(code, KINDS[kind].live) == expected, f"seed {seed}\n{code}"
