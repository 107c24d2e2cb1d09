"""The models of Flax that code makes: all their parameters, or those that are read and why there may be more."""

import json
from pathlib import Path

import pytest

from tools.flax_code import LINEN, NNX, FlaxProgram
from tools.programs.verdicts import Answer, ask_of


@pytest.mark.parametrize("program", [*LINEN.values(), *NNX.values()], ids=[*LINEN, *(f"nnx {name}" for name in NNX)])
def test_total(program: FlaxProgram, tmp_path: Path) -> None:
    answer = ask_of("summary", program.code, tmp_path)
    assert isinstance(answer, Answer)
    assert answer.code == 0, answer.err
    total = json.loads(answer.out)["total"]
    assert total["exact"] is program.exact
    assert total["parameters"] == program.parameters if program.exact else total["parameters"] <= program.parameters
