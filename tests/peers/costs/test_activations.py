"""What is said of an LSTM's memory, measured in PyTorch itself."""

import random
import warnings
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel
from lstmcalc.costs.activations import error_of, peak_inference, peak_training, saved
from lstmcalc.costs.implementation import NATIVE, ONEDNN, Path, path_of
from lstmcalc.costs.optimizers import OPTIMIZERS, lstm_parameters, state, step_temporaries
from tools.examples import is_thorough
from tools.live import installed
from tools.torch_memory import allocations, bytes_saved, halves_without_onednn, skip_without_avx512

pytestmark = pytest.mark.peers

SEED = 20261121


@pytest.fixture(scope="module")
def torch() -> Iterator[Any]:
    module = pytest.importorskip("torch")
    assert module.__version__.partition("+")[0] == "2.13.0"
    threads = module.get_num_threads()
    module.set_num_threads(1)  # small products: threads would mostly wait for each other
    yield module
    module.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _quietly(torch: Any) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "dropout option adds dropout after all but last recurrent layer")
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
        warnings.filterwarnings("ignore", message=".*[Pp]rofiler")
        yield


class Case(NamedTuple):
    config: LSTMConfig
    data: DataSpec


def case(rng: random.Random, dtypes: tuple[str, ...], *, packed: bool, projected: bool) -> Case:
    """A random LSTM on random data, with sizes at which something changes more often than others."""

    def size(least: int) -> int:
        return rng.choice([rng.randint(least, 40), rng.choice([16, 32, 64, 128, 256]), rng.randint(least, 200)])

    hidden = size(2)
    config = LSTMConfig(
        size(1),
        hidden,
        num_layers=rng.choice([1, 1, 2, 2, 3, 4, 5]),
        bias=rng.random() < 2 / 3,
        batch_first=rng.random() < 1 / 2,
        dropout=rng.choice([0.0, 0.0, 0.3, 0.3, 1.0]),
        bidirectional=rng.random() < 1 / 2,
        proj_size=rng.randint(1, hidden - 1) if projected and rng.random() < 1 / 2 else 0,
    )
    steps, batch = rng.choice([1, 2, 3, 5, 9, 20]), rng.choice([None, 1, 2, 3, 8, 20, 64, 127, 128])
    if packed:
        batch = batch or 5
        lengths = tuple(rng.randint(1, steps) for _ in range(batch))
        return Case(config, DataSpec(steps, batch, lengths, rng.choice(dtypes)))
    return Case(config, DataSpec(steps, batch, None, rng.choice(dtypes)))


def cases(
    seed: int, count: int, path: str, dtypes: tuple[str, ...], *, packed: bool = False, projected: bool = True
) -> Iterator[Case]:
    """So many random cases that take one path, and half as many without `--thorough`."""
    rng = random.Random(seed)  # noqa: S311
    count = count if is_thorough() else (count + 1) // 2
    while count:
        found = case(rng, dtypes, packed=packed, projected=projected)
        if path_of(*found, training=True).key == path:
            count -= 1
            yield found


def made(config: LSTMConfig, data: DataSpec) -> tuple[Any, Any, Any]:
    """The module, its input, and a gradient for its output (of a packed batch, for its data)."""
    torch = installed("torch")
    dtype = getattr(torch, data.dtype)
    lstm = torch.nn.LSTM(**vars(config)).to(dtype)
    model = LSTMModel(config)
    shapes = {tensor.name: tensor.shape for tensor in model.tensors_of(data)}
    x = torch.zeros(shapes["input"], dtype=dtype)
    if not data.lengths:
        return lstm, x, torch.zeros(shapes["output"], dtype=dtype)
    x = torch.nn.utils.rnn.pack_padded_sequence(
        x, list(data.lengths), batch_first=config.batch_first, enforce_sorted=False
    )
    return lstm, x, torch.zeros(len(x.data), config.num_directions * config.output_size, dtype=dtype)


def saved_by(config: LSTMConfig, data: DataSpec, **states: Any) -> int:
    """The bytes that the graph of one forward holds."""
    lstm, x, _ = made(config, data)
    with halves_without_onednn(data.dtype):
        return bytes_saved(lstm.parameters(), lambda: lstm(x, **states))


def bytes_at_most(run: Callable[[], object]) -> int:
    """The largest sum of what PyTorch's allocator was asked for and had not got back."""
    return max(accumulate(allocations(run), initial=0))


def peak_of(config: LSTMConfig, data: DataSpec, quantity: str) -> int:
    torch = installed("torch")
    lstm, x, gradient = made(config, data)
    if quantity == "inference":
        lstm.eval()
        with torch.no_grad(), halves_without_onednn(data.dtype):
            return bytes_at_most(lambda: lstm(x))

    def step() -> object:
        results = lstm(x)
        output = results[0].data if data.lengths else results[0]
        output.backward(gradient)
        return results

    with halves_without_onednn(data.dtype):
        return bytes_at_most(step)


def predicted(found: Case, path: Path, quantity: str) -> int:
    formula = {"saved": saved, "inference": peak_inference, "training": peak_training}[quantity]
    return formula(*found, path).at(LSTMModel(found.config).data_symbols(found.data))


Settings: TypeAlias = dict[str, Any]
SETTINGS: list[tuple[Settings, Settings]] = [
    ({"input_size": 10, "hidden_size": 20}, {}),
    ({"input_size": 10, "hidden_size": 20, "bias": False}, {}),
    ({"input_size": 10, "hidden_size": 20, "bias": False, "num_layers": 3, "bidirectional": True}, {}),
    ({"input_size": 10, "hidden_size": 20, "num_layers": 2, "dropout": 0.5}, {}),
    ({"input_size": 10, "hidden_size": 20, "num_layers": 2, "dropout": 1.0, "bidirectional": True}, {}),
    ({"input_size": 10, "hidden_size": 20, "batch_first": True, "bidirectional": True}, {}),
    ({"input_size": 10, "hidden_size": 20, "batch_first": True}, {"batch": 1}),
    ({"input_size": 10, "hidden_size": 20, "batch_first": True}, {"seq_len": 1}),
    ({"input_size": 10, "hidden_size": 20, "batch_first": True, "bidirectional": True}, {"batch": None}),
    ({"input_size": 10, "hidden_size": 20, "bidirectional": True}, {"batch": 1, "seq_len": 1}),
    ({"input_size": 10, "hidden_size": 20, "proj_size": 5, "num_layers": 2, "batch_first": True}, {}),
    ({"input_size": 64, "hidden_size": 256, "num_layers": 2}, {}),  # 4*256 would alias, 64 does not
    ({"input_size": 256, "hidden_size": 64, "num_layers": 2, "bidirectional": True}, {}),
    ({"input_size": 512, "hidden_size": 17}, {"batch": 130}),
    ({"input_size": 16, "hidden_size": 16}, {}),
    ({"input_size": 15, "hidden_size": 33}, {"dtype": "bfloat16"}),
    ({"input_size": 1, "hidden_size": 1}, {"batch": 1, "seq_len": 1}),
    ({"input_size": 10, "hidden_size": 20, "num_layers": 3, "dropout": 0.1}, {"dtype": "float64"}),
    ({"input_size": 10, "hidden_size": 20, "num_layers": 3, "bidirectional": True}, {"dtype": "float16"}),
    ({"input_size": 10, "hidden_size": 20}, {"batch": 0}),
    ({"input_size": 10, "hidden_size": 20, "num_layers": 2}, {"batch": 3, "lengths": (5, 5, 5)}),
    ({"input_size": 10, "hidden_size": 20, "num_layers": 2}, {"batch": 3, "lengths": (4, 2, 3)}),
    ({"input_size": 10, "hidden_size": 20, "bidirectional": True}, {"batch": 3, "lengths": (2, 5, 5)}),
]
CORNERS = [Case(LSTMConfig(**config), DataSpec(**data)) for config, data in SETTINGS]


@pytest.mark.parametrize("found", CORNERS, ids=str)
def test_what_is_saved_and_the_path_at_the_corners(torch: Any, found: Case) -> None:
    path = path_of(*found, training=True)
    if path.key == ONEDNN:
        skip_without_avx512()
    assert runs_onednn(found, grad=True) == (path.key == ONEDNN)
    assert saved_by(*found) == predicted(found, path, "saved")
    for quantity in ("inference", "training"):
        assert apart(found, path, quantity) <= bound(found, path, quantity), quantity


@pytest.mark.parametrize(
    ("path", "dtypes", "packed", "count"),
    [
        (ONEDNN, ("float32", "float32", "bfloat16"), False, 150),
        (NATIVE, ("float64", "float16", "float32", "bfloat16"), False, 100),
        (NATIVE, ("float64", "float16", "float32", "bfloat16"), True, 60),
        (ONEDNN, ("float32", "bfloat16"), True, 20),
    ],
)
def test_what_is_saved_is_exact(torch: Any, path: str, dtypes: tuple[str, ...], packed: bool, count: int) -> None:
    wrong = []
    if path == ONEDNN:
        skip_without_avx512()
    for found in cases(SEED, count, path, dtypes, packed=packed):
        kept, said = saved_by(*found), predicted(found, Path(path, ""), "saved")
        if kept != said:
            wrong.append((found, kept, said))
    assert not wrong


@pytest.mark.parametrize("seed", range(8))
def test_without_onednn_everything_is_native(torch: Any, seed: int) -> None:
    found = next(cases(seed, 1, ONEDNN, ("float32",)))
    native = Path(NATIVE, "oneDNN is off")
    torch._C._set_mkldnn_enabled(False)  # noqa: SLF001  # torch.backends.mkldnn.flags warns, and is not undone then
    try:
        assert not runs_onednn(found, grad=True)
        assert saved_by(*found) == predicted(found, native, "saved")
        for quantity in ("inference", "training"):
            assert apart(found, native, quantity) <= bound(found, native, quantity)
    finally:
        torch._C._set_mkldnn_enabled(True)  # noqa: SLF001


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_given_states_and_gradients_of_the_input_change_nothing(torch: Any, dtype: str, bidirectional: bool) -> None:
    config = LSTMConfig(10, 20, num_layers=2, dropout=0.5, batch_first=True, bidirectional=bidirectional)
    found = Case(config, DataSpec(dtype=dtype))
    said = predicted(found, path_of(*found, training=True), "saved")
    for needed in (False, True):
        state = torch.zeros(2 * config.num_directions, 3, 20, dtype=getattr(torch, dtype), requires_grad=needed)
        assert saved_by(*found, hx=(state, state.detach().clone().requires_grad_(needed))) == said


def runs_onednn(found: Case, *, grad: bool, training: bool = True) -> bool:
    torch = installed("torch")
    lstm, x, _ = made(*found)
    lstm.train(training)
    activities = [torch.profiler.ProfilerActivity.CPU]
    profile = torch.profiler.profile(activities=activities)
    with torch.set_grad_enabled(grad), halves_without_onednn(found.data.dtype), profile as profiled:
        lstm(x)
    return any("mkldnn_rnn_layer" in event.name for event in profiled.events())


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    "data",
    [
        {},
        {"batch": 0},
        {"batch": 1, "seq_len": 1},
        {"batch": None},
        {"lengths": (5, 5, 5)},
        {"lengths": (2, 2, 2)},
        {"lengths": (5, 4, 5)},
        {"lengths": (4,), "batch": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("projection", [0, 3])
def test_the_path_does_not_depend_on_the_mode(torch: Any, dtype: str, data: dict[str, Any], projection: int) -> None:
    found = Case(LSTMConfig(4, 6, proj_size=projection), DataSpec(**data, dtype=dtype))
    if dtype == "bfloat16":
        skip_without_avx512()
    for grad in (False, True):
        said = path_of(*found, training=grad).key == ONEDNN
        for training in (False, True):
            assert runs_onednn(found, grad=grad, training=training) == said


def apart(found: Case, path: Path, quantity: str) -> float:
    """How far the peak that is said is from the one that is measured, in percent."""
    measured = peak_of(*found, quantity)
    return abs(predicted(found, path, quantity) - measured) / max(measured, 1) * 100


def bound(found: Case, path: Path, quantity: str) -> float:
    known = error_of(found.data, path, quantity)
    assert known is not None
    return known


@pytest.mark.parametrize(
    ("path", "dtypes", "packed", "count"),
    [
        (ONEDNN, ("float32", "float32", "bfloat16"), False, 100),
        (NATIVE, ("float64", "float32", "float16"), False, 80),
        (NATIVE, ("float64", "float32", "float16"), True, 30),
    ],
)
def test_peaks_are_as_near_as_is_said(torch: Any, path: str, dtypes: tuple[str, ...], packed: bool, count: int) -> None:
    wrong = []
    if path == ONEDNN:
        skip_without_avx512()
    torch.set_num_threads(2 if path == ONEDNN else 1)  # oneDNN books 80 bytes for each
    for found in cases(SEED + 1, count, path, dtypes, packed=packed):
        taken = path_of(*found, training=True)
        for quantity in ("inference", "training"):
            far = apart(found, taken, quantity)
            if far > bound(found, taken, quantity):
                wrong.append((found, quantity, far))
    assert not wrong


OPTIMIZED = [
    LSTMConfig(10, 20),
    LSTMConfig(70, 20, num_layers=3, bidirectional=True),
    LSTMConfig(10, 20, num_layers=2, bias=False),
    LSTMConfig(30, 20, num_layers=2, bidirectional=True, proj_size=7),
]


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("config", OPTIMIZED, ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_optimizers_keep_and_take(torch: Any, name: str, config: LSTMConfig, dtype: str) -> None:
    lstm = torch.nn.LSTM(**vars(config)).to(getattr(torch, dtype))
    for parameter in lstm.parameters():
        parameter.grad = torch.ones_like(parameter)
    params = list(lstm.parameters())
    optimizer = eval(f"torch.optim.{OPTIMIZERS[name].call}", {"torch": torch, "params": params})
    for _ in range(6):  # what RAdam takes begins with its sixth step
        optimizer.step()
    kept = sum(
        value.nbytes for values in optimizer.state.values() for value in values.values() if torch.is_tensor(value)
    )
    rows, sizes = lstm_parameters(config), LSTMModel(config).symbols
    assert kept == state(rows, name, dtype).at(sizes)
    taken = bytes_at_most(lambda: optimizer.step() or True)
    said = step_temporaries(rows, name, dtype).at(sizes)
    if name != "adafactor":
        assert 0 <= taken - said <= 16
    elif dtype != "bfloat16":
        assert said <= taken <= 1.05 * said
