"""The number of parameters that is said of models of Flax, held against Flax."""

from typing import Any

import pytest

from tools.flax_code import LINEN, NNX, FlaxProgram

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("program", LINEN.values(), ids=LINEN)
def test_linen(program: FlaxProgram) -> None:
    import jax

    space: dict[str, Any] = {}
    exec(program.code, space)
    assert sum(leaf.size for leaf in jax.tree.leaves(space["variables"]["params"])) == program.parameters


@pytest.mark.parametrize("program", NNX.values(), ids=NNX)
def test_nnx(program: FlaxProgram) -> None:
    import jax
    from flax import nnx

    space: dict[str, Any] = {}
    exec(program.code, space)
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(space["model"], nnx.Param))) == program.parameters
