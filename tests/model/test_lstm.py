from typing import Any

import numpy as np
import pytest
from hypothesis import given

from lstmcalc import DataSpec, LSTMConfig, LSTMModel
from lstmcalc.model.lstm import GATES, output_text
from tools.strategies import configs, data


def shapes_of(config: LSTMConfig, **spec: Any) -> dict[str, tuple[int, ...]]:
    return {tensor.name: tensor.shape for tensor in LSTMModel(config).tensors(**spec)}


# The numbers of torch.nn.LSTM, torch 2.13.0.
@pytest.mark.parametrize(
    ("config", "spec", "parameters", "shapes"),
    [
        (LSTMConfig(10, 20, 2), {}, 5920, {"output": (5, 3, 20), "h_n": (2, 3, 20), "c_n": (2, 3, 20)}),
        (
            LSTMConfig(10, 20, 2, bidirectional=True),
            {},
            15040,
            {"output": (5, 3, 40), "h_n": (4, 3, 20), "c_n": (4, 3, 20)},
        ),
        (
            LSTMConfig(2, 3, batch_first=True),
            {"batch": 5, "seq_len": 4},
            84,
            {"output": (5, 4, 3), "h_n": (1, 5, 3), "c_n": (1, 5, 3)},
        ),
        (
            LSTMConfig(28, 4, batch_first=True),
            {"batch": 10, "seq_len": 3},
            16 * 28 + 16 * 4 + 32,
            {"output": (10, 3, 4), "h_n": (1, 10, 4)},
        ),
        (
            LSTMConfig(28, 4, 2, batch_first=True, bidirectional=True),
            {"batch": 10, "seq_len": 3},
            2 * (16 * 28 + 16 * 4 + 32) + 2 * (16 * 8 + 16 * 4 + 32),
            {"output": (10, 3, 8), "h_n": (4, 10, 4)},
        ),
        (
            LSTMConfig(10, 20, 2, bidirectional=True, proj_size=5),
            {},
            5840,
            {"output": (5, 3, 10), "h_n": (4, 3, 5), "c_n": (4, 3, 20), "h_0": (4, 3, 5), "c_0": (4, 3, 20)},
        ),
        (LSTMConfig(10, 20), {"unbatched": True}, 2560, {"input": (5, 10), "output": (5, 20), "h_n": (1, 20)}),
        (
            LSTMConfig(10, 20, batch_first=True),
            {"unbatched": True},
            2560,
            {"input": (5, 10), "output": (5, 20), "c_0": (1, 20)},
        ),
        (LSTMConfig(10, 20), {"batch": 0}, 2560, {"output": (5, 0, 20), "h_n": (1, 0, 20)}),
        (
            LSTMConfig(10, 20),
            {"lengths": [4, 2, 3]},
            2560,
            {"input": (4, 3, 10), "packed.data": (9, 10), "packed.batch_sizes": (4,)},
        ),
        (
            LSTMConfig(10, 20),
            {"lengths": [4, 2, 3], "seq_len": 6},
            2560,
            {"input": (6, 3, 10), "output": (6, 3, 20), "packed.data": (9, 10), "packed.batch_sizes": (4,)},
        ),
    ],
)
def test_the_numbers_are_those_of_pytorch(
    config: LSTMConfig, spec: dict[str, Any], parameters: int, shapes: dict[str, tuple[int, ...]]
) -> None:
    assert LSTMModel(config).num_parameters == parameters
    assert shapes_of(config, **spec).items() >= shapes.items()


def test_parameters_of_a_bidirectional_stack_in_state_dict_order() -> None:
    model = LSTMModel(LSTMConfig(10, 20, 2, bidirectional=True))
    first = [("weight_ih", (80, 10)), ("weight_hh", (80, 20)), ("bias_ih", (80,)), ("bias_hh", (80,))]
    second = [("weight_ih", (80, 40)), *first[1:]]
    expected = [
        (f"{stem}_l{layer}{suffix}", shape)
        for layer, kinds in enumerate((first, second))
        for suffix in ("", "_reverse")
        for stem, shape in kinds
    ]
    assert [(parameter.name, parameter.shape) for parameter in model.parameters] == expected


def test_a_second_bidirectional_layer_reads_both_directions_but_feeds_back_one() -> None:
    shapes = {p.name: p.shape for p in LSTMModel(LSTMConfig(28, 4, 2, bidirectional=True)).parameters}
    assert (shapes["weight_ih_l0"], shapes["weight_hh_l0"]) == ((16, 28), (16, 4))
    assert (shapes["weight_ih_l1"], shapes["weight_hh_l1"]) == ((16, 8), (16, 4))


def test_a_projection_adds_weight_hr_last_and_narrows_what_is_fed_back() -> None:
    model = LSTMModel(LSTMConfig(10, 20, proj_size=5, bias=False))
    assert [(p.name, p.shape) for p in model.parameters] == [
        ("weight_ih_l0", (80, 10)),
        ("weight_hh_l0", (80, 5)),
        ("weight_hr_l0", (5, 20)),
    ]
    assert model.parameters[-1].gates is None


def test_gate_rows_in_pytorchs_order() -> None:
    gates = LSTMModel(LSTMConfig(10, 20)).parameters[0].gates
    assert gates is not None
    assert dict(gates) == {"i": (0, 20), "f": (20, 40), "g": (40, 60), "o": (60, 80)}
    assert [gate.activation for gate in GATES] == ["sigmoid", "sigmoid", "tanh", "sigmoid"]


@given(configs())
def test_counts_are_the_sums_of_the_shapes(config: LSTMConfig) -> None:
    model = LSTMModel(config)
    total = sum(int(np.prod(parameter.shape)) for parameter in model.parameters)
    assert model.num_parameters == total == sum(subtotal.numel for subtotal in model.storage.subtotals)
    assert eval(str(model.num_parameters_symbolic), {}, model.symbols) == total
    for subtotal in model.storage.subtotals:
        own = [p for p in model.parameters if (p.layer, p.direction) == (subtotal.layer, subtotal.direction)]
        assert subtotal.numel == sum(p.numel for p in own) == subtotal.symbolic.at(model.symbols)


@given(configs())
def test_the_gates_share_out_axis_0(config: LSTMConfig) -> None:
    for parameter in LSTMModel(config).parameters:
        if parameter.gates is not None:
            rows = list(parameter.gates.values())
            assert [start for start, _ in rows] == [0, *(stop for _, stop in rows[:-1])]
            assert rows[-1][1] == parameter.shape[0]


@given(configs(), data())
def test_symbols_and_numbers_say_the_same(config: LSTMConfig, spec: DataSpec) -> None:
    model = LSTMModel(config)
    values = model.data_symbols(spec)
    for tensor in model.tensors_of(spec):
        assert tensor.shape == tuple(size.at(values) for size in tensor.symbolic)
    for parameter in model.parameters:
        assert parameter.shape == tuple(size.at(values) for size in parameter.symbolic)


@given(configs(), data())
def test_the_state_map_is_numpy_and_text_alike(config: LSTMConfig, spec: DataSpec) -> None:
    model = LSTMModel(config)
    shapes = {tensor.name: tensor.shape for tensor in model.tensors_of(spec)}
    output = np.arange(int(np.prod(shapes["output"]))).reshape(shapes["output"])
    states = model.states_of(spec)
    assert [(s.position, s.layer, s.direction) for s in states] == [
        (layer * config.num_directions + d, layer, name)
        for layer in range(config.num_layers)
        for d, name in enumerate(("forward", "reverse")[: config.num_directions])
    ]
    for state in states:
        assert (state.equals is None) == (state.layer < config.num_layers - 1)
        for index in (state.equals, state.differs):
            if index is not None:
                picked = output[index]
                assert picked.shape == shapes["h_n"][1:]
                text = output_text(index)
                assert np.array_equal(picked, eval(text, {}, {"output": output}))


def test_the_trap_is_named_only_where_it_is_one() -> None:
    def traps(**spec: Any) -> list[int]:
        model = LSTMModel(LSTMConfig(10, 20, 2, bidirectional=True))
        return [state.position for state in model.states_of(DataSpec.given(**spec)) if state.differs]

    assert traps() == [3]
    assert traps(unbatched=True) == [3]
    assert traps(seq_len=1) == []
    assert traps(lengths=[1, 1], seq_len=4) == []
    assert traps(batch=0) == []


def test_states_with_lengths_spell_every_axis() -> None:
    model = LSTMModel(LSTMConfig(10, 20))
    (state,) = model.states_of(DataSpec.given(lengths=[4, 2, 3]))
    assert state.equals is not None
    assert output_text(state.equals) == "output[[3, 1, 2], [0, 1, 2], :20]"


def test_rows_are_made_when_they_are_read() -> None:
    parameters = LSTMModel(LSTMConfig(10, 20, 10**12, bidirectional=True)).parameters
    assert len(parameters) == 8 * 10**12
    assert parameters[-1].name == f"bias_hh_l{10**12 - 1}_reverse"
    assert [p.name for p in parameters[4:6]] == ["weight_ih_l0_reverse", "weight_hh_l0_reverse"]
    assert parameters[8].name == "weight_ih_l1"
    with pytest.raises(IndexError):
        parameters[8 * 10**12]


def test_huge_sizes_are_only_arithmetic() -> None:
    model = LSTMModel(LSTMConfig(10, 10**9))
    assert model.num_parameters == 4 * 10**9 * (10 + 10**9 + 2)
