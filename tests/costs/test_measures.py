"""Costs at corners where one part of a formula decides: what PyTorch was seen to do there, and laws."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lstmcalc import DataSpec, LSTMConfig, Surroundings
from lstmcalc.costs.activations import error_of, peak_inference, peak_training, saved, saved_cudnn
from lstmcalc.costs.implementation import path_of
from lstmcalc.costs.measures import MEASURES, Case
from lstmcalc.costs.memory import Bill, values_of
from lstmcalc.costs.operations import backward_work, products
from lstmcalc.costs.optimizers import Parameters, lstm_parameters, state, step_temporaries
from lstmcalc.costs.regimes import kind_of
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import OUT, H_out
from tools.shell import Ran

Cli = Callable[..., Ran]

# Measured with torch 2.13.0+cpu on an x86 CPU with AVX-512, two threads; what is computed is the same number.
MEASURED: list[tuple[LSTMConfig, DataSpec, str, int]] = [
    (LSTMConfig(10, 20, num_layers=3, dropout=1.0), DataSpec(5, 3), "saved", 144_656),
    (LSTMConfig(10, 20, num_layers=3, dropout=1.0, bidirectional=True), DataSpec(5, 3), "saved", 288_704),
    (LSTMConfig(10, 20, num_layers=3, dropout=1.0), DataSpec(5, 3, None, "float64"), "saved", 56_416),
    (LSTMConfig(10, 20, num_layers=1000), DataSpec(5, 3), "inference", 1_441_200),
    (LSTMConfig(10, 20, num_layers=1000), DataSpec(5, 3, None, "float64"), "inference", 2_882_400),
    (LSTMConfig(1, 64), DataSpec(1, 300, None, "float64"), "inference", 1_996_800),
    (LSTMConfig(300, 4, batch_first=True), DataSpec(5, 30, None, "float64"), "inference", 381_120),
    (LSTMConfig(1, 64, bidirectional=True), DataSpec(1, 300, (1,) * 300, "float64"), "inference", 2_764_800),
    (LSTMConfig(10, 20, bidirectional=True), DataSpec(5, 3, None, "float64"), "inference", 26_880),
    (LSTMConfig(10, 20, bidirectional=True), DataSpec(6, 4, (6, 4, 3, 1)), "inference", 11_200),
    (LSTMConfig(10, 20), DataSpec(6, 4, (6, 4, 3, 1)), "inference", 8_800),
    (LSTMConfig(10, 8, num_layers=2, bidirectional=True), DataSpec(5, 3), "training", 148_184),
    (LSTMConfig(10, 128, num_layers=2, bidirectional=True), DataSpec(5, 3), "training", 3_620_408),
    (LSTMConfig(1, 4000, bidirectional=True), DataSpec(1, 1), "training", 770_320_572),
    (LSTMConfig(1, 100, num_layers=40), DataSpec(1, 1), "training", 13_428_296),
    (LSTMConfig(1, 300), DataSpec(1, 1, None, "bfloat16"), "training", 3_819_276),
    (LSTMConfig(1, 128), DataSpec(1, 100, None, "float64"), "training", 1_654_784),
    (LSTMConfig(1, 32, num_layers=10), DataSpec(2, 16, None, "float64"), "training", 902_144),
    (LSTMConfig(1, 16), DataSpec(2, 2000, None, "float64"), "training", 6_656_000),
    (LSTMConfig(1, 16), DataSpec(30, 200, None, "float64"), "training", 9_267_200),
    (LSTMConfig(1, 64), DataSpec(1, 300, (1,) * 300, "float64"), "training", 2_457_600),
    (
        LSTMConfig(300, 8, batch_first=True, bidirectional=True),
        DataSpec(5, 30, None, "float64"),
        "training",
        938_880,
    ),
    (
        LSTMConfig(300, 8, batch_first=True, bidirectional=True),
        DataSpec(2, 3, None, "float64"),
        "training",
        176_192,
    ),
    (LSTMConfig(4, 4, num_layers=5), DataSpec(1, 200, None, "float64"), "training", 384_000),
    (LSTMConfig(1, 128, num_layers=4), DataSpec(2, 1, None, "float64"), "training", 4_765_696),
    (LSTMConfig(1, 128, num_layers=8), DataSpec(1, 1, None, "float64"), "training", 7_955_456),
    (LSTMConfig(1, 128, num_layers=8), DataSpec(4, 1, None, "float64"), "training", 9_037_824),
]


@pytest.mark.parametrize(("config", "data", "quantity", "number"), MEASURED, ids=str)
def test_what_was_measured_at_the_corners(config: LSTMConfig, data: DataSpec, quantity: str, number: int) -> None:
    formula = {"saved": saved, "inference": peak_inference, "training": peak_training}[quantity]
    found = formula(config, data, path_of(config, data, training=True)).at(values_of(config, data))
    assert found == number


@pytest.mark.parametrize("data", [DataSpec(1, 3), DataSpec(5, 1), DataSpec(5, None), DataSpec(5, 2, (5, 3))], ids=str)
def test_batch_first_copies_nothing_where_there_is_nothing_to_turn(data: DataSpec) -> None:
    first, second = (LSTMConfig(10, 20, batch_first=first, bidirectional=True) for first in (True, False))
    path, values = path_of(first, data, training=True), values_of(first, data)
    for formula in (saved, peak_inference, peak_training):
        assert formula(first, data, path).at(values) == formula(second, data, path).at(values)


def test_steps_that_no_sequence_reaches_cost_nothing() -> None:
    config, short, long = LSTMConfig(10, 20), DataSpec(1, 3, (1, 1, 1)), DataSpec(7, 3, (1, 1, 1))
    for dtype in ("float32", "float64"):
        one, other = (replace(data, dtype=dtype) for data in (short, long))
        path = path_of(config, one, training=True)
        for formula in (saved, peak_inference, peak_training):
            found = [formula(config, data, path).at(values_of(config, data)) for data in (one, other)]
            assert found[0] == found[1]


def test_a_packed_batch_of_equal_lengths_is_as_sure_as_a_padded_one() -> None:
    data = DataSpec(5, 3, (5, 5, 5))
    path = path_of(LSTMConfig(10, 20), data, training=True)
    for quantity in ("saved", "inference", "training"):
        assert error_of(data, path, quantity) == error_of(DataSpec(5, 3), path, quantity)


def test_a_gpu_reserves_as_much_for_each_direction() -> None:
    one, both = (LSTMConfig(10, 20, bidirectional=both) for both in (False, True))
    data = DataSpec(5, 3)
    sizes = [saved_cudnn(config, data).at(values_of(config, data)) for config in (one, both)]
    assert sizes[1] - sizes[0] == sizes[0] - 4 * 15 * 10  # all but the input, which both read


def test_of_a_packed_batch_the_reverse_direction_begins_with_the_longest() -> None:
    data, values = DataSpec.given(lengths=(3, 1)), {}
    macs = {}
    for bidirectional in (False, True):
        config = LSTMConfig(10, 20, bidirectional=bidirectional)
        values = values_of(config, data)
        macs[bidirectional] = [backward_work(config, data, path=path).macs.at(values) for path in ("cudnn", "native")]
    # No gradient for h_0: of both sequences at the first step, and of the longer one at the last. Nor for the input.
    assert macs[False][0] - macs[False][1] == 2 * 4 * 20 * 20 + 4 * 4 * 20 * 10
    assert macs[True][0] - macs[True][1] == 3 * 4 * 20 * 20 + 2 * 4 * 4 * 20 * 10


def test_both_fused_paths_compute_alike_and_sum_the_heads_bias() -> None:
    config, data, around = LSTMConfig(10, 20, bidirectional=True), DataSpec(5, 3), Surroundings(head=7)
    works = [backward_work(config, data, around, path=path) for path in ("onednn", "cudnn")]
    assert works[0] == works[1]
    values = values_of(config, data, around)
    alone = backward_work(config, data, path="cudnn").elementwise["add"].at(values)
    assert works[0].elementwise["add"].at(values) - alone == 3 * 7


def test_every_product_has_its_layer_and_direction() -> None:
    listed = products(LSTMConfig(10, 20, num_layers=2, bidirectional=True, proj_size=5), DataSpec())
    rows = [(row.layer, row.direction, row.part) for row in listed]
    parts = ("input", "recurrent", "projection")
    assert rows == [(layer, way, part) for layer in (0, 1) for way in ("forward", "reverse") for part in parts]


@pytest.mark.parametrize(
    ("name", "copies"), [("radam", 5), ("nadam", 3), ("amsgrad", 3), ("adamw", 3), ("adadelta", 3), ("adamax", 1)]
)
def test_a_step_takes_so_many_copies_of_a_large_weight(name: str, copies: int) -> None:
    rows = lstm_parameters(LSTMConfig(20, 20))
    assert step_temporaries(rows, name, "float32").at({"H_in": 20, "H_cell": 20, "H_out": 20}) == copies * 4 * 80 * 20


def test_what_is_left_of_a_large_parameter_counts_while_a_small_one_is_updated() -> None:
    # Adadelta has two copies of the one before: weight_ih, 4*1000 numbers, then weight_hh, 4.
    rows = lstm_parameters(LSTMConfig(1000, 1))
    assert step_temporaries(rows, "adadelta", "float32").at({"H_in": 1000, "H_cell": 1, "H_out": 1}) == 4 * (8000 + 4)


def test_the_head_is_updated_after_the_last_weight_of_the_lstm() -> None:
    rows = [*lstm_parameters(LSTMConfig(1, 20, bias=False)), Parameters(((OUT, H_out), (OUT,)), Dim.of(1))]
    most = step_temporaries(rows, "adam", "float32").at({"H_in": 1, "H_cell": 20, "H_out": 20, "OUT": 1000})
    assert most == 4 * (2 * 20_000 + 4 * 20 * 20)


@pytest.mark.parametrize(
    ("name", "copies", "scalars"),
    [
        ("momentum", 1, 0),
        ("rmsprop", 1, 1),
        ("adagrad", 1, 1),
        ("adamw", 2, 1),
        ("adamax", 2, 1),
        ("radam", 2, 1),
        ("adadelta", 2, 1),
    ],
)
def test_so_many_copies_are_kept_of_every_parameter(name: str, copies: int, scalars: int) -> None:
    sizes = {"D": 1, "H_in": 10, "H_cell": 20, "H_out": 20, "num_layers": 1}
    kept = state(lstm_parameters(LSTMConfig(10, 20)), name, "bfloat16").at(sizes)
    assert kept == copies * 2 * 2560 + scalars * 4 * 4  # the copies in the dtype, four tensors' steps in float32


def test_the_optimizer_keeps_what_it_needs_for_the_layers_around() -> None:
    around = Surroundings(head=7, embed=100)
    config, data = LSTMConfig(10, 20), DataSpec()
    alone, beside = (Bill(config, data, given) for given in (Surroundings(), around))
    more = beside.optimizer_state.at(values_of(config, data, around)) - alone.optimizer_state.at(
        values_of(config, data)
    )
    extra = 100 * 10 + 7 * 20 + 7
    assert more == 2 * 4 * extra + 3 * 4  # Adam: two copies of each, and a step count of each of three tensors


def test_a_step_of_the_optimizer_can_be_the_peak() -> None:
    # Of hardly any data: the weights, their gradients, Adam's two copies, and three more of the largest weight.
    config, data = LSTMConfig(1000, 1000), DataSpec(1, 1, None, "float64")
    bill = Bill(config, data)
    peak = bill.training_peak_by(bill.path(training=True)).at(values_of(config, data))
    weights, largest = 8 * 4 * 1000 * (1000 + 1000 + 2), 8 * 4 * 1000 * 1000
    scalars, given, results, gradient = 4 * 4, 8 * 1000, 3 * 8 * 1000, 8 * 1000
    assert peak == 4 * weights + 3 * largest + scalars + given + results + gradient


def test_what_a_peak_holds_besides() -> None:
    config, data = LSTMConfig(10, 20), DataSpec(50, 30)
    plain, more = (Case(config, data, train=True, input_grad=wanted) for wanted in (False, True))
    memory = MEASURES["memory"].formula
    assert memory(more).at(more.values) == memory(plain).at(plain.values)  # oneDNN makes the input's gradient anyway
    run = plain._replace(train=False)
    assert memory(run).at(run.values) == 4 * 2560 + 4 * 50 * 30 * 10 + peak_inference(config, data, run.path).at(
        run.values
    )
    own = peak_training(config, data, plain.path).at(plain.values)
    weights, given, output = 4 * 2560, 4 * 50 * 30 * 10, 4 * 50 * 30 * 20
    scalars = 4 * 4
    assert memory(plain).at(plain.values) == own + 3 * weights + scalars + given + output


def test_a_packed_batch_is_given_as_its_rows_and_their_counts() -> None:
    config, data = LSTMConfig(10, 20), DataSpec.given(lengths=(5, 3, 2))
    assert Bill(config, data).given.at(values_of(config, data)) == 4 * 10 * 10 + 8 * 5


def test_hidden_sizes_of_one_kind_are_aligned_alike_in_both_directions() -> None:
    # Rows of 16 numbers are whole lines of the cache, of 8 not; two directions of 128 are 256 wide, which aliases.
    assert len({kind_of("hidden_size", size) for size in (7, 8, 16, 128)}) == 4
    assert kind_of("hidden_size", 7) == kind_of("hidden_size", 256) == kind_of("hidden_size", 9)
