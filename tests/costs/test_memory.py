"""What whole programs need in memory, held against what PyTorch was measured to allocate."""

import pytest

from lstmcalc import DataSpec, LSTMConfig, Surroundings
from lstmcalc.costs.implementation import NATIVE, Path
from lstmcalc.costs.memory import Bill, values_of

# Measured with torch 2.13.0+cpu on an x86 CPU with AVX-512, two threads, as tests/peers/costs/test_memory.py does it:
# what trains it, whether the input needs a gradient, inference peak and training peak.
MEASURED: list[tuple[LSTMConfig, DataSpec, Surroundings, str, bool, tuple[int, int]]] = [
    (LSTMConfig(10, 20, num_layers=2), DataSpec(5, 3), Surroundings(), "adam", False, (74_992, 238_512)),
    (
        LSTMConfig(300, 512, bidirectional=True),  # the optimizer needs most
        DataSpec(2, 1),
        Surroundings(),
        "radam",
        False,
        (20_081_848, 74_344_844),
    ),
    (
        LSTMConfig(30, 52, num_layers=2, batch_first=True),
        DataSpec(30, 16),
        Surroundings(head=10),
        "momentum",
        False,
        (1_097_472, 4_999_120),
    ),
    (
        LSTMConfig(64, 96, num_layers=2, batch_first=True, bidirectional=True),
        DataSpec(12, 16),
        Surroundings(500, "all", 2000),
        "adamw",
        False,
        (3_814_184, 16_028_100),
    ),
    (
        LSTMConfig(64, 96, bidirectional=True),
        DataSpec(12, 16, None, "float64"),
        Surroundings(500, "all"),
        "adafactor",
        True,
        (3_413_920, 7_752_360),
    ),
    (
        LSTMConfig(128, 48, num_layers=3, bidirectional=True),
        DataSpec(9, 20, None, "float64"),
        Surroundings(embed=100),
        "rmsprop",
        False,
        (2_730_400, 7_241_220),
    ),
    (
        LSTMConfig(16, 40, batch_first=True),
        DataSpec(6, 32, None, "bfloat16"),
        Surroundings(embed=5000),
        "sgd",
        False,
        (370_696, 884_088),
    ),
    (LSTMConfig(40, 64, proj_size=24), DataSpec(8, 8), Surroundings(1000), "adagrad", False, (274_080, 721_404)),
    (
        LSTMConfig(30, 40, num_layers=2, bidirectional=True),
        DataSpec(6, 4, (6, 2, 5, 3)),
        Surroundings(100, "all", 500),
        "adam",
        False,
        (376_864, 1_512_712),
    ),
    # Few cells and a wide input: what an embedding made and its copy need most, then a gradient in two dtypes.
    (
        LSTMConfig(361, 3, num_layers=2, batch_first=True),
        DataSpec(20, 20),
        Surroundings(embed=10),
        "sgd",
        False,
        (2_645_872, 5_295_920),
    ),
    (LSTMConfig(184, 7), DataSpec(20, 64, None, "bfloat16"), Surroundings(), "sgd", True, (1_642_936, 7_401_384)),
    (
        LSTMConfig(239, 8, num_layers=3, batch_first=True),
        DataSpec(5, 64, None, "float64"),
        Surroundings(1000, "all", 100),
        "adamax",
        False,
        (3_576_096, 7_891_356),
    ),
]


@pytest.mark.parametrize(("config", "data", "around", "optimizer", "input_grad", "measured"), MEASURED, ids=str)
def test_what_was_measured(
    config: LSTMConfig,
    data: DataSpec,
    around: Surroundings,
    optimizer: str,
    input_grad: bool,
    measured: tuple[int, int],
) -> None:
    bill, values = Bill(config, data, around, optimizer, input_grad=input_grad), values_of(config, data, around)
    peaks = {figure.name: figure for figure in bill.figures() if figure.applies and figure.path}
    for name, number in zip(("inference peak", "training peak"), measured, strict=True):
        figure = peaks[name]
        assert figure.error_percent is not None
        assert abs(figure.size.at(values) - number) <= 0.2 / 100 * number, name  # far less than is said
        assert figure.error_percent >= 0.1


@pytest.mark.parametrize(
    ("bidirectional", "batch_first", "around", "onednn", "native"),
    [
        (False, False, {}, 0, 0),
        (False, False, {"head": 7}, 480, 480),  # h_n of both layers, of which the head reads one
        (True, False, {"head": 7}, 480, 480),  # the last h of both directions, put together
        (False, False, {"head": 7, "head_on": "all"}, 0, 1200),  # output, which oneDNN has saved
        (False, True, {"head": 7, "head_on": "all"}, 1200, 1200),
        (True, False, {"head": 7, "head_on": "all"}, 2400, 2400),
        (False, False, {"embed": 50}, 120, 120),  # the tokens
        (True, True, {"embed": 50, "head": 7, "head_on": "all"}, 2520, 2520),
    ],
)
def test_what_layers_around_have_saved(
    bidirectional: bool, batch_first: bool, around: dict[str, object], onednn: int, native: int
) -> None:
    """Beside what is saved of the LSTM alone; measured with torch 2.13.0+cpu (saved_tensors_hooks)."""
    config = LSTMConfig(10, 20, num_layers=2, batch_first=batch_first, bidirectional=bidirectional)
    data, layers = DataSpec(5, 3), Surroundings(**around)  # type: ignore[arg-type]
    alone, whole, values = Bill(config, data), Bill(config, data, layers), values_of(config, data, layers)
    for path, more in ((whole.path(training=True), onednn), (Path(NATIVE, "oneDNN is off"), native)):
        assert whole.saved_by(path).at(values) - alone.saved_by(path).at(values) == more


def test_the_order_of_the_layers_counts_for_the_optimizer() -> None:
    """While the LSTM's first weights are updated, what was made for the embedding's is still there."""
    config, data, around = LSTMConfig(200, 300), DataSpec(1, 1), Surroundings(embed=2000)
    bill, values = Bill(config, data, around, "adam"), values_of(config, data, around)
    moments = {name: size.at(values) for name, size in bill.moments(bill.path(training=True)).items()}
    weights = bill.weights.at(values)
    made = 4 * (2 * 2000 * 200)  # two tensors as large as embedding.weight, the largest parameter
    first = 4 * (2 * 1200 * 200 + 2000 * 200)
    assert moments["step"] - weights >= max(made, first)
