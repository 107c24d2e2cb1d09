"""What is said of whole programs' memory, measured in PyTorch: layers around an LSTM, and an optimizer."""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, Surroundings
from lstmcalc.costs.implementation import NATIVE, ONEDNN, Path
from lstmcalc.costs.memory import Bill, values_of
from lstmcalc.costs.optimizers import OPTIMIZERS
from tools.examples import is_thorough
from tools.live import installed
from tools.torch_memory import allocations, bytes_saved, is_half_of_onednn, skip_without_avx512

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:dropout option adds dropout after all but last recurrent layer"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN"),
    pytest.mark.filterwarnings("ignore:.*[Pp]rofiler"),
]

SEED = 20261121
MARK = 7_000_001  # bytes: no tensor of these tests has as many


@pytest.fixture(autouse=True)
def torch() -> Iterator[Any]:
    module = pytest.importorskip("torch")
    assert module.__version__.partition("+")[0] == "2.13.0"
    threads = module.get_num_threads()
    module.set_num_threads(1)  # small products: threads would mostly wait for each other
    yield module
    module.set_num_threads(threads)


class Program(NamedTuple):
    """An LSTM with what stands around it, and what trains it."""

    config: LSTMConfig
    data: DataSpec
    around: Surroundings
    optimizer: str
    input_grad: bool

    @property
    def bill(self) -> Bill:
        return Bill(*self[:4], input_grad=self.input_grad)


# What is around, and whether the input needs a gradient.
KINDS: dict[str, tuple[dict[str, Any], bool]] = {
    "alone": ({}, False),
    "input": ({}, True),
    "last": ({"head": 1}, False),
    "all": ({"head": 1, "head_on": "all"}, False),
    "embedding": ({"embed": 1}, False),
    "last and embedding": ({"head": 1, "embed": 1}, False),
    "all and embedding": ({"head": 1, "head_on": "all", "embed": 1}, False),
    "all and input": ({"head": 1, "head_on": "all"}, True),
}


def program(rng: random.Random, kind: str, dtypes: tuple[str, ...], *, packed: bool) -> Program:
    """A random one; of some the weights need most, of some the data, of some what is around."""

    def size(least: int) -> int:
        return rng.choice([rng.randint(least, 40), rng.choice([16, 32, 64, 128, 256]), rng.randint(least, 200)])

    is_wide = rng.random() < 1 / 4  # few cells and a wide input, which then needs most
    hidden = rng.randint(2, 12) if is_wide else size(2)
    config = LSTMConfig(
        rng.randint(60, 400) if is_wide else size(1),
        hidden,
        num_layers=rng.choice([1, 1, 2, 2, 3, 4]),
        bias=rng.random() < 2 / 3,
        batch_first=rng.random() < 1 / 2,
        dropout=rng.choice([0.0, 0.0, 0.3, 1.0]),
        bidirectional=rng.random() < 1 / 2,
        proj_size=rng.randint(1, hidden - 1) if rng.random() < 1 / 5 else 0,
    )
    steps, batch = rng.choice([(1, 1), (2, 1), (1, 3), (2, 2), (5, None), (3, 20), (3, 64), (9, 3), (12, 8), (12, 24)])
    lengths = tuple(rng.randint(1, steps) for _ in range(batch or 5)) if packed else None
    data = DataSpec(steps, len(lengths) if lengths else batch, lengths, rng.choice(dtypes))
    layers, input_grad = KINDS[kind]
    sizes = {"head": rng.choice([1, 10, 100, 1000, 3000]), "embed": rng.choice([1, 10, 100, 1000, 3000])}
    around = Surroundings(**{name: sizes.get(name, value) for name, value in layers.items()})
    names = [name for name in OPTIMIZERS if name != "radam" or rng.random() < 1 / 4]
    return Program(config, data, around, rng.choice(names), input_grad)


def packed(x: Any, config: LSTMConfig, data: DataSpec) -> Any:
    pack = installed("torch").nn.utils.rnn.pack_padded_sequence
    return pack(x, list(data.lengths or ()), batch_first=config.batch_first, enforce_sorted=False)


def made(asked: Program) -> tuple[Any, Callable[[Any], tuple[Any, ...]], Any]:
    """The layers, what they make of an input, and the input; what comes first of the results is trained on."""
    torch = installed("torch")
    config, data, around = asked[:3]
    dtype = getattr(torch, data.dtype)
    layers = torch.nn.ModuleDict()
    if around.embed is not None:
        layers["embedding"] = torch.nn.Embedding(around.embed, config.input_size, dtype=dtype)
    layers["lstm"] = torch.nn.LSTM(**vars(config), dtype=dtype)
    if around.head is not None:
        layers["head"] = torch.nn.Linear(config.num_directions * config.output_size, around.head, dtype=dtype)

    def run(x: Any) -> tuple[Any, ...]:
        if around.embed is not None:
            x = layers["embedding"](x)
            x = packed(x, config, data) if data.lengths else x
        output, (h_n, c_n) = layers["lstm"](x)
        if around.head is None:
            return (output.data if data.lengths else output, h_n, c_n)
        read = output
        if around.head_on == "last":
            read = torch.cat([h_n[-2], h_n[-1]], -1) if config.bidirectional else h_n[-1]
        elif data.lengths:
            unpack = torch.nn.utils.rnn.pad_packed_sequence
            read, _ = unpack(output, batch_first=config.batch_first, total_length=data.seq_len)
        return layers["head"](read), output, h_n, c_n

    shape = next(item.shape for item in LSTMModel(config).tensors_of(data) if item.name == "input")
    if around.embed is not None:
        return layers, run, torch.zeros(shape[:-1], dtype=torch.int64)
    x = torch.zeros(shape, dtype=dtype)
    return layers, run, packed(x, config, data) if data.lengths else x


def infer(asked: Program, mark: Callable[[], None]) -> object:
    with installed("torch").no_grad():
        layers, run, x = made(asked)
        layers.eval()
        mark()
        return run(x)


def train(asked: Program, mark: Callable[[], None]) -> object:
    """Some steps; the last is in what they have settled to."""
    torch = installed("torch")
    layers, run, x = made(asked)
    params = list(layers.parameters())
    leaf = (x.data if asked.data.lengths else x) if asked.input_grad and asked.around.embed is None else None
    if leaf is not None:
        leaf.requires_grad_(True)
    optimizer = eval(f"torch.optim.{OPTIMIZERS[asked.optimizer].call}", {"torch": torch, "params": params})
    gradient = None
    steps = 7 if asked.optimizer == "radam" else 2  # what RAdam takes begins with its sixth step
    for step in range(steps):
        if step == steps - 1:
            mark()
        results = run(x)
        if gradient is None:
            gradient = torch.zeros(results[0].shape, dtype=results[0].dtype)
        results[0].backward(gradient)
        optimizer.step()
        optimizer.zero_grad()
        if leaf is not None:
            leaf.grad = None
        del results
    return layers, x, gradient


def bytes_at_most(run: Callable[[Callable[[], None]], object]) -> int:
    """The most that is held from `mark` on, of all that PyTorch allocates from the beginning."""
    torch = installed("torch")

    def mark() -> None:
        torch.empty(MARK, dtype=torch.int8)

    current = most = 0
    is_marked = False
    for size in allocations(lambda: run(mark)):
        if abs(size) == MARK:
            is_marked = True
            continue
        current += size
        most = max(most, current) if is_marked else 0
    return most


RUNS = {"inference peak": infer, "training peak": train}


def apart(asked: Program, *, without_onednn: bool = False) -> Iterator[tuple[str, float, float | None]]:
    """How far each peak that is said is from the one that is measured, in percent, and how far it may be."""
    torch = installed("torch")
    bill, values = asked.bill, values_of(*asked[:3])
    for name, run in RUNS.items():
        path = Path(NATIVE, "oneDNN is off") if without_onednn else bill.path(training=run is train)
        (figure,) = (item for item in bill.figures() if (item.name, item.path) == (name, path.key))
        torch.set_num_threads(2 if path.key == ONEDNN else 1)  # oneDNN books 80 bytes for each
        off = without_onednn or is_half_of_onednn(asked.data.dtype)
        torch._C._set_mkldnn_enabled(not off)  # noqa: SLF001  # torch.backends.mkldnn.flags warns
        try:
            measured = bytes_at_most(lambda mark, run=run: run(asked, mark))  # type: ignore[misc]
        finally:
            torch._C._set_mkldnn_enabled(True)  # noqa: SLF001
        yield name, (figure.size.at(values) / measured - 1) * 100, figure.error_percent


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("dtypes", "is_packed", "count"),
    [(("float32",), False, 6), (("float64", "float16"), False, 3), (("bfloat16",), False, 4), (("float32",), True, 3)],
    ids=["float32", "native", "bfloat16", "packed"],
)
def test_whole_programs_need_what_is_said(kind: str, dtypes: tuple[str, ...], is_packed: bool, count: int) -> None:
    if "float64" not in dtypes:
        skip_without_avx512()
    rng, wrong = random.Random(f"{SEED} {kind} {dtypes} {is_packed}"), []  # noqa: S311
    for _ in range(count if is_thorough() else (count + 1) // 2):
        asked = program(rng, kind, dtypes, packed=is_packed)
        for name, far, bound in apart(asked, without_onednn=rng.random() < 1 / 5):
            if bound is not None and abs(far) > bound:
                wrong.append((asked, name, far, bound))
    assert not wrong


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_whole_programs_save_is_exact(kind: str, is_packed: bool) -> None:
    skip_without_avx512()
    rng = random.Random(f"{SEED} {kind} {is_packed}")  # noqa: S311
    for _ in range(8 if is_thorough() else 4):
        asked = program(rng, kind, ("float32", "bfloat16", "float64"), packed=is_packed)
        size = asked.bill.saved_by(asked.bill.path(training=True))
        layers, run, x = made(asked)
        kept = bytes_saved(layers.parameters(), lambda run=run, x=x: run(x))  # type: ignore[misc]
        assert kept == size.at(values_of(*asked[:3])), asked


def test_what_is_not_known_is_said() -> None:
    """The buffers of products in 16 bits are in no formula: those of a head, and those of Adafactor."""
    headed = Bill(LSTMConfig(3, 4), DataSpec(dtype="bfloat16"), Surroundings(head=5))
    factored = Bill(LSTMConfig(3, 4), DataSpec(dtype="bfloat16"), optimizer="adafactor")
    for bill, is_inference_known in ((headed, False), (factored, True)):
        peaks = {item.name: item for item in bill.figures() if item.path == ONEDNN}
        assert peaks["inference peak"].certainty == peaks["training peak"].certainty == "estimate"
        assert (peaks["inference peak"].error_percent is not None) == is_inference_known
        assert peaks["training peak"].error_percent is None
