import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel
from lstmcalc.costs import measures
from lstmcalc.costs.activations import (
    ERRORS,
    error_of,
    peak_inference,
    peak_training,
    saved,
    saved_cudnn,
)
from lstmcalc.costs.implementation import NATIVE, ONEDNN, Path, path_of
from lstmcalc.costs.onednn import stride
from lstmcalc.costs.optimizers import OPTIMIZERS, lstm_parameters, state, step_temporaries, tensors_symbolic
from lstmcalc.costs.regimes import SWITCHES, Regime, aligned, kind_of, regime
from lstmcalc.spec.sizes import Dim, larger, roundup
from tools.examples import examples, is_thorough

CALLABLE = {function.name: function.compute for function in (roundup, larger, stride)}
FORMULAS = {"saved": saved, "inference": peak_inference, "training": peak_training}


def value(config: LSTMConfig, data: DataSpec, quantity: str, path: Path | None = None) -> int:
    path = path or path_of(config, data, training=True)
    return FORMULAS[quantity](config, data, path).at(LSTMModel(config).data_symbols(data))


# Measured with torch 2.13.0+cpu on an x86 CPU with AVX-512, two threads: saved, inference, training.
MEASURED: list[tuple[LSTMConfig, DataSpec, tuple[int, int, int]]] = [
    (LSTMConfig(10, 20, num_layers=2), DataSpec(5, 3), (95_032, 50_712, 165_640)),
    (LSTMConfig(128, 512, num_layers=2), DataSpec(20, 32), (44_785_664, 17_474_552, 77_238_840)),
    (LSTMConfig(40, 320, num_layers=3, bidirectional=True), DataSpec(10, 16), (27_706_368, 7_898_968, 40_343_096)),
    (LSTMConfig(64, 256, batch_first=True, bidirectional=True), DataSpec(20, 16), (11_378_688, 3_699_544, 17_719_864)),
    (LSTMConfig(100, 65, num_layers=2, bias=False, dropout=0.5), DataSpec(35, 10), (4_247_664, 1_066_016, 5_059_408)),
    (LSTMConfig(300, 64, batch_first=True), DataSpec(9, 1), (120_624, 431_192, 1_230_440)),
    (LSTMConfig(64, 128, num_layers=3), DataSpec(50, None), (1_299_968, 805_720, 2_659_896)),
    (
        LSTMConfig(28, 128, num_layers=2, batch_first=True),
        DataSpec(28, 64, None, "bfloat16"),
        (21_170_176, 3_469_288, 25_190_840),
    ),
    (LSTMConfig(10, 20, num_layers=2, bidirectional=True), DataSpec(5, 3, (5, 5, 5)), (191_888, 66_312, 286_152)),
    (LSTMConfig(10, 20, num_layers=2, bidirectional=True), DataSpec(4, 3, (4, 2, 3)), (23_264, 10_800, 82_880)),
    (
        LSTMConfig(28, 128, num_layers=2, batch_first=True),
        DataSpec(28, 64, None, "float64"),
        (27_926_528, 13_303_808, 37_363_712),
    ),
    (
        LSTMConfig(100, 200, proj_size=50, num_layers=2, batch_first=True, dropout=0.2, bidirectional=True),
        DataSpec(12, 8),
        (2_380_800, 745_600, 2_956_800),
    ),
    (LSTMConfig(28, 128, num_layers=4), DataSpec(2, 5, None, "float16"), (79_920, 42_240, 1_209_856)),
]


@pytest.mark.parametrize(("config", "data", "measured"), MEASURED, ids=str)
def test_what_was_measured(config: LSTMConfig, data: DataSpec, measured: tuple[int, int, int]) -> None:
    path = path_of(config, data, training=True)
    for quantity, number in zip(FORMULAS, measured, strict=True):
        bound = error_of(data, path, quantity)
        assert bound is not None
        assert abs(value(config, data, quantity) - number) <= bound / 100 * number, quantity


def test_of_few_cells_bfloat16_needs_most_in_forward() -> None:
    # Measured as the others: what backward takes is up to 39 % less.
    for config, data, measured in (
        (LSTMConfig(300, 1), DataSpec(1, 1, None, "bfloat16"), 131_418),
        (LSTMConfig(3000, 4), DataSpec(7, 1, None, "bfloat16"), 1_286_080),
        (LSTMConfig(300, 4, num_layers=2, bidirectional=True), DataSpec(5, 3, None, "bfloat16"), 357_752),
    ):
        assert value(config, data, "training") == measured


class Case(NamedTuple):
    config: LSTMConfig
    data: DataSpec


def cases(seed: int, count: int) -> Iterator[Case]:
    rng = random.Random(seed)  # noqa: S311
    for _ in range(count):
        hidden = rng.choice([1, 2, 7, 16, 20, 64, 256, 300])
        config = LSTMConfig(
            rng.choice([1, 2, 16, 30, 64, 300]),
            hidden,
            num_layers=rng.choice([1, 2, 3, 7]),
            bias=rng.random() < 1 / 2,
            batch_first=rng.random() < 1 / 2,
            dropout=rng.choice([0.0, 0.5, 1.0]),
            bidirectional=rng.random() < 1 / 2,
            proj_size=rng.choice([0, 0, 1]) if hidden > 1 else 0,
        )
        steps, batch = rng.choice([1, 2, 3, 10]), rng.choice([None, 0, 1, 2, 5, 200])
        lengths = tuple(rng.randint(1, steps) for _ in range(batch)) if batch and rng.random() < 1 / 2 else None
        yield Case(config, DataSpec(steps, batch, lengths, rng.choice(["float64", "float32", "bfloat16", "float16"])))


@pytest.mark.parametrize("quantity", FORMULAS)
def test_the_text_of_a_formula_is_python_for_its_value(quantity: str) -> None:
    for config, data in cases(1, 150):
        formula = FORMULAS[quantity](config, data, path_of(config, data, training=True))
        values = LSTMModel(config).data_symbols(data)
        text = str(formula).replace("max(lengths)", "longest")
        names = {symbol.replace("max(lengths)", "longest"): size for symbol, size in values.items()}
        assert formula.symbols <= values.keys()
        assert eval(text, {}, {**CALLABLE, **names}) == formula.at(values) >= 0


def test_one_regime_has_one_formula() -> None:
    texts: dict[tuple[Regime, str, str], set[str]] = {}
    for config, data in cases(2, 400):
        path = path_of(config, data, training=True)
        for quantity, formula in FORMULAS.items():
            texts.setdefault((regime(config, data), path.key, quantity), set()).add(str(formula(config, data, path)))
    assert len(texts) > 300
    assert all(len(found) == 1 for found in texts.values())


def grown(case: Case, rng: random.Random) -> Case:
    """The same with some of its sizes larger; not the projection."""
    config, data = case

    def larger(size: int) -> int:
        return size + rng.choice([0, 1, 1, 16, 100])

    sizes = {name: larger(getattr(config, name)) for name in ("input_size", "hidden_size", "num_layers")}
    config = LSTMConfig(**{**vars(config), **sizes})
    if data.lengths:  # whose formula has numbers of their own
        return Case(config, data)
    batch = None if data.batch is None else larger(data.batch)
    return Case(config, DataSpec(larger(data.seq_len), batch, None, data.dtype))


@pytest.mark.thorough
def test_between_the_switches_nothing_falls_while_a_size_grows() -> None:
    rng, compared = random.Random(3), 0  # noqa: S311
    for small in cases(4, 1500 if is_thorough() else 400):
        large = grown(small, rng)
        if regime(*small) != regime(*large):
            continue
        compared += 1
        for quantity in FORMULAS:
            assert value(*small, quantity) <= value(*large, quantity), (small, large, quantity)
    assert compared > 60


def test_the_switches_are_those_of_the_regimes() -> None:
    assert SWITCHES == {"batch": (0, 1, 2), "seq_len": (1, 2, 3), "num_layers": (1, 2, 3)}
    config = LSTMConfig(10, 20, batch_first=True)
    for name, switches in SWITCHES.items():
        if name == "num_layers":
            found = [regime(LSTMConfig(10, 20, layers), DataSpec()) for layers in range(1, 50)]
        elif name == "batch":
            found = [regime(config, DataSpec(batch=batch)) for batch in range(300)]
        else:
            found = [regime(config, DataSpec(seq_len=steps)) for steps in range(1, 50)]
        first = switches[0]
        changes = [first + i for i in range(1, len(found)) if found[i] != found[i - 1]]
        assert [first, *changes] == list(switches)


def test_widths_are_aligned_to_lines_but_not_to_multiples_of_256() -> None:
    assert [width for width in range(1, 600) if aligned(width)] == [
        width for width in range(16, 600, 16) if width not in {256, 512}
    ]
    assert aligned(32, element=2)
    assert not aligned(16, element=2)
    for width in range(1, 600):
        assert aligned(width) == (stride.compute(width, 16) == width)


@pytest.mark.parametrize("quantity", FORMULAS)
def test_arrays_give_what_numbers_give(quantity: str) -> None:
    for config, data in cases(5, 12):
        formula = FORMULAS[quantity](config, data, path_of(config, data, training=True))
        values = LSTMModel(config).data_symbols(data)
        sizes = np.arange(1, 400)
        for symbol in ("H_cell", "H_in"):
            columns = np.broadcast_to(formula.over({**values, symbol: sizes}), len(sizes))
            assert columns.tolist() == [formula.at({**values, symbol: int(size)}) for size in sizes]
        assert formula.bound(values) >= formula.at(values)


@pytest.mark.parametrize(
    ("config", "data", "training", "path"),
    [
        ({}, {}, True, Path(ONEDNN, "float32")),
        ({}, {"dtype": "bfloat16"}, False, Path(ONEDNN, "bfloat16")),
        ({}, {"batch": None}, False, Path(ONEDNN, "float32")),
        ({}, {"lengths": (4, 4, 4)}, True, Path(ONEDNN, "float32, a packed batch of equal lengths")),
        ({}, {"lengths": (4, 2, 4)}, True, Path(NATIVE, "a packed batch of different lengths")),
        ({"proj_size": 3}, {}, True, Path(NATIVE, "a projection")),
        ({}, {"dtype": "float64"}, True, Path(NATIVE, "float64")),
        ({}, {"dtype": "float16"}, True, Path(NATIVE, "float16 with gradients")),
        ({}, {"dtype": "float16"}, False, Path(NATIVE, "float16 on a CPU without AVX512-FP16")),
        ({}, {"batch": 0}, True, Path(NATIVE, "an empty batch")),
    ],
)
def test_the_path_and_why(config: Mapping[str, Any], data: Mapping[str, Any], training: bool, path: Path) -> None:
    assert path_of(LSTMConfig(10, 20, **config), DataSpec(**data), training=training) == path


def test_the_longest_sequence_may_be_as_long_as_any() -> None:
    assert regime(LSTMConfig(10, 20), DataSpec.given(lengths=(10**15, 10**14, 5, 10**15, 5))).packed == (2, 5 + 3)


def test_an_empty_batch_saves_nothing() -> None:
    assert value(LSTMConfig(10, 20, num_layers=3, bidirectional=True), DataSpec(batch=0), "saved") == 0


def test_a_stack_of_many_layers_has_a_formula_as_long_as_one_of_three() -> None:
    data = DataSpec()
    few, many = LSTMConfig(10, 20, num_layers=3), LSTMConfig(10, 20, num_layers=10_000)
    path = path_of(few, data, training=True)
    for formula in FORMULAS.values():
        assert str(formula(few, data, path)) == str(formula(many, data, path))


def test_errors_are_known_except_of_bfloat16_on_the_native_path() -> None:
    native, onednn = Path(NATIVE, ""), Path(ONEDNN, "")
    assert {quantity for _, quantity in ERRORS} == set(FORMULAS)
    assert error_of(DataSpec(), onednn, "inference") == ERRORS["onednn", "inference"]
    assert error_of(DataSpec(lengths=(1, 2, 3)), native, "training") == ERRORS["packed", "training"]
    assert error_of(DataSpec(dtype="float64"), native, "training") == ERRORS["native", "training"]
    assert error_of(DataSpec(dtype="bfloat16"), native, "training") is None
    assert error_of(DataSpec(dtype="bfloat16"), native, "saved") == 0


def test_the_estimate_for_a_gpu_gives_the_reserve_that_was_printed() -> None:
    # pytorch/pytorch#2895: 736,000,000 bytes, float32, of an LSTM(123, 320, num_layers=4); 25,000 rows are inferred.
    config, data = LSTMConfig(123, 320, num_layers=4), DataSpec(seq_len=250, batch=100)
    total = saved_cudnn(config, data).at(LSTMModel(config).data_symbols(data))
    around = 4 * (25_000 * (123 + 320) + 2 * 4 * 100 * 320)
    assert total - around == 736_000_000


H_cell, H_in = Dim.symbol("H_cell"), Dim.symbol("H_in")


def test_optimizers_keep_copies_and_a_scalar_for_each_tensor() -> None:
    config = LSTMConfig(10, 20, num_layers=2, bidirectional=True)
    rows, sizes = lstm_parameters(config), LSTMModel(config).symbols
    count = LSTMModel(config).num_parameters
    assert tensors_symbolic(rows).at(sizes) == 16
    assert state(rows, "sgd", "float32").at(sizes) == 0
    assert state(rows, "momentum", "float32").at(sizes) == 4 * count
    assert state(rows, "adam", "float32").at(sizes) == 2 * 4 * count + 16 * 4
    assert state(rows, "adam", "bfloat16").at(sizes) == 2 * 2 * count + 16 * 4
    assert state(rows, "nadam", "float64").at(sizes) == 2 * 8 * count + 16 * 8
    assert state(rows, "amsgrad", "float32").at(sizes) == 3 * 4 * count + 16 * 4
    assert (
        state(rows, "adafactor", "float32").at(sizes)
        == 4 * (2 * (80 + 10 + 80 + 20 + 80 + 80) + 2 * (80 + 40 + 80 + 20 + 80 + 80)) + 4 * 16
    )


def test_a_step_takes_more_where_two_large_tensors_follow_each_other() -> None:
    config = LSTMConfig(20, 20)
    rows, sizes = lstm_parameters(config), LSTMModel(config).symbols
    weight = 4 * 20 * 20 * 4
    assert step_temporaries(rows, "sgd", "float32") == 0
    assert step_temporaries(rows, "adamax", "float32").at(sizes) == weight
    assert step_temporaries(rows, "rmsprop", "float32").at(sizes) == 2 * weight
    assert step_temporaries(rows, "adam", "float32").at(sizes) == 3 * weight


def test_the_optimizers_formulas_do_not_grow_with_the_layers() -> None:
    few, many = (lstm_parameters(LSTMConfig(10, 20, num_layers=layers)) for layers in (3, 10_000))
    for name in OPTIMIZERS:
        assert str(state(few, name, "float32")) == str(state(many, name, "float32"))
        assert str(step_temporaries(few, name, "float32")) == str(step_temporaries(many, name, "float32"))


MOST = {"input_size": 700, "hidden_size": 700, "num_layers": 5, "seq_len": 5, "batch": 5}


def regime_of(sizes: Mapping[str, int], case: measures.Case) -> Regime:
    sized = case.having(sizes)
    return regime(sized.config, sized.data)


@given(st.data(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.5, 1.0]))
@examples(300)
def test_settings_of_the_same_kinds_make_one_regime(
    choose: st.DataObject, bias: bool, batch_first: bool, bidirectional: bool, dropout: float
) -> None:
    config = LSTMConfig(1, 1, bias=bias, batch_first=batch_first, bidirectional=bidirectional, dropout=dropout)
    dtype = choose.draw(st.sampled_from(["float32", "float64", "bfloat16", "float16"]))
    case = measures.Case(config, DataSpec(dtype=dtype))
    one = {name: choose.draw(st.integers(0 if name == "batch" else 1, most)) for name, most in MOST.items()}
    alike = {
        name: [size for size in range(name != "batch", most + 1) if kind_of(name, size) == kind_of(name, one[name])]
        for name, most in MOST.items()
    }
    other = {name: choose.draw(st.sampled_from(sizes)) for name, sizes in alike.items()}
    assert regime_of(one, case) == regime_of(other, case)
