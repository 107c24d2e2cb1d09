"""The numbers, the script and the printed tensors of a run, held against PyTorch itself."""

import os
import random
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel
from lstmcalc.model.torch_code import torch_script
from lstmcalc.numerics.tensor_printer import tensor_text
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.proof.run import Drawn, draw, run
from lstmcalc.spec.config import Surroundings
from tools.oracle import Case, distance, random_case
from tools.printed_tensors import PRINTED
from tools.record_torch_random import DTYPES, MIXED, Draw, drawn

pytestmark = pytest.mark.peers

SEEDS = (0, -1, 2**32, 2**63 - 1, -(2**63), 2**64 - 1)


@pytest.fixture(scope="module")
def torch() -> Any:
    module = pytest.importorskip("torch")
    module.set_num_threads(1)
    return module


@pytest.fixture(autouse=True)
def _quietly(torch: Any) -> Iterator[None]:
    assert torch.__version__.partition("+")[0] == "2.13.0"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of dropout with a single layer, of a projection without oneDNN
        yield


def same(ours: Any, theirs: Any) -> bool:
    """Whether two arrays are the same to the last bit."""
    alike = (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    return alike and ours.tobytes() == np.ascontiguousarray(theirs).tobytes()


def generated(generator: TorchGenerator, one: Draw) -> Any:
    if one.kind == "integers":
        return generator.integers(int(one.high), one.shape)
    if one.kind == "normal":
        return generator.normal(one.shape, one.dtype)
    return generator.uniform(one.shape, one.low, one.high, one.dtype)


def seed_of(number: int) -> int:
    chosen = random.Random(number)  # noqa: S311  # no secret
    return SEEDS[number] if number < len(SEEDS) else chosen.randrange(-(2**63), 2**64)


@pytest.mark.parametrize("chunk", range(4))
def test_calls_in_any_order_draw_the_same(torch: Any, chunk: int) -> None:
    for number in range(chunk * 50, chunk * 50 + 50):
        chosen, seed = random.Random(number), seed_of(number)  # noqa: S311
        torch.manual_seed(seed)
        generator = TorchGenerator(seed)
        draws = chosen.sample(MIXED, len(MIXED))
        for kind in ("normal", "uniform"):
            size, dtype = chosen.choice([14, 16, 47, 48, 1000, 12_345]), chosen.choice(DTYPES)
            draws.append(Draw(kind, (size,), dtype, -chosen.random(), chosen.random()))
        for one in draws:
            assert same(generated(generator, one), drawn(torch, one)), (seed, one)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_tensors_are_the_same(torch: Any, dtype: str) -> None:
    torch.manual_seed(99)
    generator = TorchGenerator(99)
    for one in (Draw("normal", (2**20 + 5,), dtype), Draw("uniform", (2**20 + 5,), dtype, -0.03, 0.03)):
        assert same(generated(generator, one), drawn(torch, one))


def around_of(number: int) -> Surroundings:
    chosen = random.Random(number)  # noqa: S311
    head, embed = chosen.choice([None, None, 1, 5, 40]), chosen.choice([None, None, 1, 2, 300])
    return Surroundings(head, chosen.choice(["last", "all"]) if head else "last", embed)


def computed(config: LSTMConfig, spec: DataSpec, around: Surroundings, seed: int) -> dict[str, Any]:
    """What is called what, after the script that a run shows was executed."""
    names: dict[str, Any] = {}
    exec(torch_script(config, spec, around, seed), names)
    return names


def stored(names: dict[str, Any]) -> dict[str, Any]:
    """What the modules of a script store, under the names of a run."""
    arrays = dict(names["lstm"].state_dict())
    for part in ("embedding", "head"):
        if part in names:
            arrays |= {f"{part}.{name}": tensor for name, tensor in names[part].state_dict().items()}
    return {name: tensor.numpy() for name, tensor in arrays.items()}


def assert_drawn(ours: Drawn, names: dict[str, Any], what: Any) -> None:
    arrays = {**ours.weights, **ours.around}
    theirs = stored(names)
    assert arrays.keys() == theirs.keys(), what
    assert list(ours.weights) == list(names["lstm"].state_dict()), what
    for name, array in arrays.items():
        assert same(array, theirs[name]), (what, name)
    for name, array in ours.inputs.items():
        assert same(array, names[name].numpy()), (what, name)


def narrow(case: Case, dtype: str) -> tuple[LSTMConfig, DataSpec]:
    """A case whose sums are short enough for 1e-6."""
    config = LSTMConfig(**{**case.config, "input_size": case.config["input_size"] % 40 + 1})
    return config, DataSpec(case.seq_len, case.batch, case.lengths, dtype)


@pytest.mark.parametrize("chunk", range(8))
def test_the_script_of_a_run_computes_it(torch: Any, chunk: int) -> None:
    for number in range(chunk * 30, chunk * 30 + 30):
        seed, around, case = seed_of(number), around_of(number), random_case(number)
        config, spec = narrow(case, DTYPES[number % 3])
        what = (seed, config, spec, around)
        names = computed(config, spec, around, seed)
        assert_drawn(draw_of(config, spec, around, seed), names, what)
        result = run(config, spec, seed, around=around)
        assert result.passed, what
        bound = {"float64": 1e-12, "float32": 1e-6, "float16": 5e-3}[spec.dtype]  # theirs rounds at every step
        for name, array in result.outputs.items():
            assert distance(array, names[name].numpy()) <= bound, (what, name)


def draw_of(config: LSTMConfig, spec: DataSpec, around: Surroundings, seed: int) -> Drawn:
    return draw(LSTMModel(config), spec, TorchGenerator(seed), around)


@pytest.mark.parametrize(
    ("config", "spec", "around"),
    [
        (LSTMConfig(10, 20, 2), DataSpec(), Surroundings()),
        (LSTMConfig(28, 128), DataSpec(28, 64), Surroundings(10)),
        (LSTMConfig(300, 512, 2, bidirectional=True), DataSpec(10, 4), Surroundings(1000, "all", 5000)),
        (LSTMConfig(64, 200, 3, proj_size=50, bias=False), DataSpec(7, 3, dtype="float64"), Surroundings(3)),
        (LSTMConfig(40, 256, 4, batch_first=True, dropout=0.3), DataSpec(9, None, dtype="float16"), Surroundings()),
        (LSTMConfig(1, 1), DataSpec(1, 1), Surroundings(1, embed=2**10 + 1)),
    ],
    ids=str,
)
def test_larger_ones_are_drawn_alike(config: LSTMConfig, spec: DataSpec, around: Surroundings) -> None:
    for seed in (0, 12345):
        assert_drawn(draw_of(config, spec, around, seed), computed(config, spec, around, seed), seed)


def test_pytorch_of_avx2_draws_the_same(torch: Any) -> None:
    if "AVX" not in torch.backends.cpu.get_cpu_capability():
        pytest.skip("no AVX2 here")
    code = (
        "import sys, torch\n"
        "assert torch.backends.cpu.get_cpu_capability() == 'AVX2'\n"
        "torch.manual_seed(3)\n"
        "for dtype in (torch.float32, torch.float64, torch.float16):\n"
        "    for tensor in (torch.randn(100_001, dtype=dtype), torch.empty(1000, dtype=dtype).uniform_(-0.3, 0.3)):\n"
        "        sys.stdout.buffer.write(tensor.numpy().tobytes())\n"
    )
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "avx2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    generator = TorchGenerator(3)
    ours = b"".join(
        array.tobytes()
        for dtype in DTYPES
        for array in (generator.normal((100_001,), dtype), generator.uniform((1000,), -0.3, 0.3, dtype))
    )
    assert done.stdout == ours


def test_what_pytorch_prints_is_printed(torch: Any) -> None:
    for array, text in PRINTED:
        assert str(torch.from_numpy(array) if np.ndim(array) else torch.tensor(array)) == text
    chosen, rng = random.Random(0), np.random.default_rng(0)  # noqa: S311
    for _ in range(1000):
        shape = tuple(chosen.choice([0, 1, 2, 3, 5, 6, 7, 12, 30]) for _ in range(chosen.choice([0, 1, 2, 2, 3, 3, 4])))
        values = np.asarray(rng.normal(size=shape) * 10.0 ** chosen.choice([0, 0, 0, -3, 2, 4, 9]))
        if chosen.random() < 0.2:
            values = np.round(values)
        if chosen.random() < 0.1 and values.size > 3:
            values.reshape(-1)[:4] = np.nan, np.inf, -np.inf, -0.0
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.asarray(values, chosen.choice([*DTYPES, "float32", "int64"]))
        tensor = torch.from_numpy(array) if array.ndim else torch.tensor(array)
        assert tensor_text(array) == str(tensor), (array.shape, array.dtype)
