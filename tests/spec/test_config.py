import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LstmcalcError, LSTMConfig
from lstmcalc.errors import ConfigError


def test_defaults_are_those_of_pytorch() -> None:
    config = LSTMConfig(10, 20)
    assert vars(config) == {
        "input_size": 10,
        "hidden_size": 20,
        "num_layers": 1,
        "bias": True,
        "batch_first": False,
        "dropout": 0.0,
        "bidirectional": False,
        "proj_size": 0,
    }


def test_derived_sizes() -> None:
    plain, projected = LSTMConfig(10, 20), LSTMConfig(10, 20, 2, bidirectional=True, proj_size=5)
    assert (plain.num_directions, plain.output_size) == (1, 20)
    assert (projected.num_directions, projected.output_size) == (2, 5)
    assert [projected.layer_input_size(layer) for layer in range(2)] == [10, 10]
    assert plain.layer_input_size(1) == 20


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (LSTMConfig(10, 20), "LSTM(10, 20)"),
        (LSTMConfig(10, 20, 2, bidirectional=True), "LSTM(10, 20, num_layers=2, bidirectional=True)"),
        (
            LSTMConfig(1, 2, 3, False, True, 0.5, True, 1),
            "LSTM(1, 2, proj_size=1, num_layers=3, bias=False, batch_first=True, dropout=0.5, bidirectional=True)",
        ),
    ],
)
def test_a_config_prints_as_pytorch_prints_the_module(config: LSTMConfig, text: str) -> None:
    assert str(config) == text


def test_a_config_is_frozen_hashable_and_pickles() -> None:
    config = LSTMConfig(10, 20, 2)
    with pytest.raises(FrozenInstanceError):
        config.hidden_size = 3  # type: ignore[misc]  # that is the point
    assert pickle.loads(pickle.dumps(config)) == config
    assert hash(config) == hash(LSTMConfig(10, 20, 2))


def test_numpy_integers_become_integers() -> None:
    config = LSTMConfig(np.int64(10), np.int32(20), dropout=np.float32(0.5))  # type: ignore[arg-type]  # welcome
    assert (type(config.input_size), type(config.hidden_size), type(config.dropout)) == (int, int, float)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_size": 0}, "input_size is out of range\n  expected input_size >= 1, found 0"),
        ({"hidden_size": -3}, "hidden_size is out of range\n  expected hidden_size >= 1, found -3"),
        ({"num_layers": 0}, "num_layers is out of range\n  expected num_layers >= 1, found 0"),
        ({"hidden_size": 2.0}, "hidden_size is not an integer\n  expected hidden_size >= 1, found 2.0"),
        ({"hidden_size": "20"}, "hidden_size is not an integer\n  expected hidden_size >= 1, found '20'"),
        ({"hidden_size": None}, "hidden_size is not an integer\n  expected hidden_size >= 1, found None"),
        ({"input_size": True}, "input_size is not an integer\n  expected input_size >= 1, found True"),
        (
            {"input_size": 2**63},
            (
                "input_size is out of range\n"
                "  expected input_size <= 2**63 - 1, the largest size PyTorch can store, found about 10**19"
            ),
        ),
        ({"bias": 1}, "bias is not a Boolean\n  expected True or False, found 1"),
        ({"batch_first": None}, "batch_first is not a Boolean\n  expected True or False, found None"),
        ({"bidirectional": "yes"}, "bidirectional is not a Boolean\n  expected True or False, found 'yes'"),
        ({"dropout": 1.5}, "dropout is not a probability\n  expected 0 <= dropout <= 1, found 1.5"),
        ({"dropout": -0.1}, "dropout is not a probability\n  expected 0 <= dropout <= 1, found -0.1"),
        ({"dropout": float("nan")}, "dropout is not a probability\n  expected 0 <= dropout <= 1, found nan"),
        ({"dropout": True}, "dropout is not a probability\n  expected 0 <= dropout <= 1, found True"),
        ({"dropout": "0.5"}, "dropout is not a probability\n  expected 0 <= dropout <= 1, found '0.5'"),
        (
            {"proj_size": 20},
            (
                "proj_size is out of range\n"
                "  expected 0 <= proj_size < hidden_size = 20, found 20\n"
                "  hint: a projection makes h narrower than the cell; 0 means no projection"
            ),
        ),
        ({"proj_size": -1}, "proj_size is out of range\n  expected proj_size >= 0, found -1"),
    ],
)
def test_pytorchs_rules_in_words_that_help(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LSTMConfig(**{"input_size": 10, "hidden_size": 20, **arguments})
    assert str(caught.value) == message
    assert caught.value.field == next(iter(arguments))


@pytest.mark.parametrize(
    ("arguments", "spec"),
    [
        ({}, DataSpec(5, 3, None, "float32")),
        ({"seq_len": 7}, DataSpec(7, 3)),
        ({"batch": 0}, DataSpec(5, 0)),
        ({"unbatched": True}, DataSpec(5, None)),
        ({"lengths": [4, 2, 3]}, DataSpec(4, 3, (4, 2, 3))),
        ({"lengths": (4, 2, 3), "seq_len": 6}, DataSpec(6, 3, (4, 2, 3))),
        ({"lengths": np.array([2, 1]), "batch": 2}, DataSpec(2, 2, (2, 1))),
        ({"dtype": "float16"}, DataSpec(5, 3, None, "float16")),
    ],
)
def test_what_was_not_said_of_the_data_is_completed(arguments: dict[str, Any], spec: DataSpec) -> None:
    assert DataSpec.given(**arguments) == spec


@pytest.mark.parametrize(
    ("arguments", "field", "message"),
    [
        ({"seq_len": 0}, "seq_len", "seq_len is out of range\n  expected seq_len >= 1, found 0"),
        ({"batch": -1}, "batch", "batch is out of range\n  expected batch >= 0, found -1"),
        (
            {"dtype": "float8"},
            "dtype",
            "dtype is unknown\n  expected one of float64, float32, bfloat16, float16, found 'float8'",
        ),
        (
            {"unbatched": True, "batch": 4},
            "batch",
            (
                "unbatched input has no batch\n  expected one sequence, (L, H_in), found batch = 4\n"
                "  hint: drop one of the two; the sequence length alone describes unbatched input"
            ),
        ),
        (
            {"unbatched": True, "lengths": [3, 2]},
            "lengths",
            (
                "unbatched input has no lengths\n  expected one sequence, (L, H_in), found lengths = 3, 2\n"
                "  hint: drop one of the two; the sequence length alone describes unbatched input"
            ),
        ),
        (
            {"batch": 2, "lengths": [4, 2, 3]},
            "batch",
            (
                "batch and lengths disagree\n  expected one length for each sequence, N = 2, found 3 lengths\n"
                "  hint: leave out the batch, the lengths set it"
            ),
        ),
        (
            {"batch": 0, "lengths": [1]},
            "batch",
            (
                "batch and lengths disagree\n  expected one length for each sequence, N = 0, found 1 length\n"
                "  hint: an empty batch cannot be packed"
            ),
        ),
        (
            {"seq_len": 3, "lengths": [4, 2]},
            "lengths",
            (
                "lengths do not fit into the sequence\n  expected each length in 1..L = 3, found 4\n"
                "  hint: leave out the sequence length, the longest of the lengths sets it"
            ),
        ),
        ({"lengths": [4, 0]}, "lengths", "lengths[1] is out of range\n  expected each length >= 1, found 0"),
        ({"lengths": [4, 1.5]}, "lengths", "lengths[1] is not an integer\n  expected each length >= 1, found 1.5"),
        ({"lengths": 4}, "lengths", "lengths is not a list\n  expected integers, e.g. 4, 2, 3, found 4"),
        (
            {"lengths": []},
            "lengths",
            (
                "lengths is empty\n  expected one length for each sequence, e.g. 4, 2, 3\n"
                "  hint: an empty batch cannot be packed: leave the lengths out, and let the batch be 0"
            ),
        ),
    ],
)
def test_the_datas_rules_in_words_that_help(arguments: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DataSpec.given(**arguments)
    assert str(caught.value) == message
    assert caught.value.field == field


def test_packing_sorts_from_long_to_short_and_counts_who_still_runs() -> None:
    data = DataSpec.given(lengths=[4, 2, 3, 2])
    assert data.sorted_indices == (0, 2, 1, 3)
    assert data.batch_sizes == (4, 4, 2, 1)
    assert sum(data.batch_sizes) == 4 + 2 + 3 + 2
    assert DataSpec(5, 3).batch_sizes == (3, 3, 3, 3, 3)


def test_an_error_keeps_its_fields_when_pickled_and_located() -> None:
    with pytest.raises(ConfigError) as caught:
        LSTMConfig(0, 20)
    located = caught.value.at("--input")
    copy = pickle.loads(pickle.dumps(located))
    assert isinstance(copy, LstmcalcError)
    assert vars(copy) == vars(located)
    assert str(copy) == "--input: input_size is out of range\n  expected input_size >= 1, found 0"
    assert isinstance(copy, ValueError)


def test_a_long_value_is_shortened_in_messages() -> None:
    with pytest.raises(ConfigError) as caught:
        LSTMConfig("x" * 1000, 20)  # type: ignore[arg-type]  # that is the point
    assert caught.value.found == "'" + "x" * 55 + "...'"
