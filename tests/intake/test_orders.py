"""Arrays whose names and shapes fit several frameworks: none is read in another order of gates without a word."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.errors import LstmcalcError, SourceError
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import Storage
from lstmcalc.intake.choosing import lstms_of
from lstmcalc.intake.load import load_weights
from lstmcalc.numerics.convert import pack
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.choosing import KIND_TELLS, same_names
from lstmcalc.readers.recognise.recognition import recognise
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.spec.config import LSTMConfig
from tools.shell import Ran

Cli = Callable[..., Ran]

CONFIGS = st.builds(
    LSTMConfig,
    input_size=st.integers(1, 9),
    hidden_size=st.integers(2, 5),
    num_layers=st.integers(1, 2),
    bias=st.booleans(),
    bidirectional=st.booleans(),
)


def drawn(config: LSTMConfig, seed: int) -> dict[str, Any]:
    draws = np.random.default_rng(seed)
    rows = Storage(config, "pytorch").parameters
    return {row.name: draws.standard_normal(row.shape).astype(np.float32) for row in rows}


def without_biases(arrays: Mapping[str, Any], config: LSTMConfig, framework: str) -> dict[str, Any]:
    """The arrays as a file of a bias-free LSTM has them: a framework that cannot leave out biases has zeros in them."""
    rows = Storage(config, framework).parameters
    biases = {row.name for row in rows if not config.bias and all(held.startswith("bias") for held in row.holds)}
    return {name: array for name, array in arrays.items() if name not in biases}


@given(st.sampled_from(sorted(LAYOUTS)), CONFIGS, st.integers(0, 2**32))
def test_no_file_is_read_in_another_order_without_a_word(framework: str, config: LSTMConfig, seed: int) -> None:
    weights = drawn(config, seed)
    try:
        arrays = without_biases(pack(weights, config, framework), config, framework)
    except LstmcalcError:  # a framework without biases that are left out, or the like
        return
    with TemporaryDirectory() as folder:
        path = Path(folder, "weights.npz")
        np.savez(path, **arrays)
        check_order_is_told(str(path), framework, weights, config)


def check_order_is_told(path: str, framework: str, weights: Mapping[str, Any], config: LSTMConfig) -> None:
    try:
        found = read_weights(path)
    except LstmcalcError:
        return  # names that are not recognised in a .npz
    for item in found:
        gates = {LAYOUTS[name].gates for name in (item.framework, *item.rivals)}
        assert LAYOUTS[framework].gates in gates or item.stored.missing or item.stored.misshaped
        if item.rivals:
            with pytest.raises(SourceError, match="the order of the gates"):
                load_weights(item)
            check_asked(read_weights(path, framework), weights, config)


def check_asked(found: list[Found], weights: Mapping[str, Any], config: LSTMConfig) -> None:
    """With `--from`, the numbers are those that were written; each LSTM that stands alone is a part of the whole."""
    assert not any(item.rivals for item in found)
    if len(found) == 1 and found[0].stored.config == config:
        loaded = load_weights(found[0])
        assert loaded.keys() == weights.keys()
        for name, array in weights.items():
            if name.startswith("weight"):
                np.testing.assert_array_equal(loaded[name], array)
            other = name.replace("bias_ih", "bias_hh")
            if name.startswith("bias_ih"):  # one bias is enough for frameworks that store a sum
                np.testing.assert_allclose(loaded[name] + loaded[other], array + weights[other], rtol=1e-6)


def write_shared(folder: Path) -> dict[str, str]:
    """Files whose arrays fit several frameworks, by the frameworks."""
    draws = np.random.default_rng(0)
    shapes: dict[str, dict[str, tuple[int, ...]]] = {
        "onnx openvino": {"W": (2, 16, 3), "R": (2, 16, 4)},
        "equinox coreml": {"weight_ih": (16, 3), "weight_hh": (16, 4), "bias": (16,)},
        "pytorch-cell coreml": {"weight_ih": (16, 3), "weight_hh": (16, 4)},
    }
    files = {}
    for frameworks, arrays in shapes.items():
        files[frameworks] = str(folder / f"{frameworks.replace(' ', '_')}.npz")
        held: dict[str, Any] = {name: draws.standard_normal(shape) for name, shape in arrays.items()}
        np.savez(files[frameworks], **held)
    return files


def test_what_depends_on_the_order_asks(cli: Cli, tmp_path: Path) -> None:
    for frameworks, path in write_shared(tmp_path).items():
        names = frameworks.split()
        orders = [f"(gates {' '.join(LAYOUTS[name].gates)})" for name in names]
        for command in ("shapes", "params", "cost", "ls"):
            ran = cli(command, path)
            assert ran.code == 0
            assert all(text in ran.err for text in [*orders, *(f"--from {name}" for name in names)])
        asking = [("run", path), ("params", path, "--gate", "f"), ("diff", path, path, "--values")]
        for arguments in asking:
            ran = cli(*arguments)
            assert ran.code == 2
            assert all(text in ran.err for text in ["the order of the gates", *(f"--from {name}" for name in names)])
            outputs = []
            for name in names:
                asked = cli(*arguments, "--from", name)
                assert (asked.code, "fit" in asked.err) == (0, False), asked.err
                outputs.append(asked.out)
            if arguments[0] != "diff":
                assert outputs[0] != outputs[1]
        assert json.loads(cli("shapes", path, "--from", names[1], "--json").out)["modules"][0]["framework"] == names[1]


def test_a_framework_that_is_asked_for_has_its_own_order(cli: Cli, tmp_path: Path) -> None:
    path = write_shared(tmp_path)["onnx openvino"]
    assert "[:, 8:12]" in cli("params", path, "--gate", "f", "--framework", "onnx").out
    assert "weight_ih_l0[4:8]" in cli("params", path, "--gate", "f", "--framework", "pytorch").out


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_gates_are_taken_in_the_order_of_the_framework_that_is_named(name: str, cli: Cli, tmp_path: Path) -> None:
    path, saved = write_shared(tmp_path)["onnx openvino"], str(tmp_path / "run.npz")
    assert cli("run", path, "--from", name, "--save", saved).code == 0
    held, stored = np.load(saved)["weight_hh_l0"], np.load(path)["R"][0]
    order = [LAYOUTS[name].gates.index(gate) for gate in "ifgo"]
    np.testing.assert_array_equal(held, stored.reshape(4, 4, 4)[order].reshape(16, 4))


@pytest.mark.parametrize("name", ["candle", "mindspore", "tinygrad"])
def test_frameworks_with_the_names_of_another_are_read_as_that(name: str, tmp_path: Path) -> None:
    config = LSTMConfig(3, 4)
    path = tmp_path / "weights.npz"
    arrays: dict[str, Any] = {**pack(drawn(config, 0), config, name)}
    np.savez(path, **arrays)
    check_asked(read_weights(str(path), name), drawn(config, 0), config)
    ours, theirs = LAYOUTS[same_names(name)], LAYOUTS[name]
    assert ours.gates == theirs.gates
    assert {row.axes for row in ours.stored} >= {row.axes for row in theirs.stored}


def test_files_of_torch_are_not_asked_about(tmp_path: Path) -> None:
    """Of `torch.save` the format says whose names it has; a cell without biases has those of Core ML too."""
    assert KIND_TELLS["torch"] == ("pytorch", "pytorch-cell")
    path = write_shared(tmp_path)["pytorch-cell coreml"]
    file = open_weights(path)
    assert recognise(file).lstms[0].rivals == ("coreml",)
    assert recognise(file._replace(kind="torch")).lstms[0].rivals == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("shapes", "--from", "keras"), "a SOURCE too"),
        (("shapes", "nn.LSTM(1, 2)", "--from", "keras"), "it states its framework itself: pytorch"),
        (("diff", "nn.LSTM(1, 2)", "nn.LSTM(1, 2)", "--from", "onnx"), "--from needs a weight file"),
        (("shapes", "FILE", "--from", "keras"), "no LSTM in the layout of keras"),
        (("ls", "FILE", "--from", "keras"), "expected --from onnx or openvino"),
        (("run", "FILE", "--from", "nothing"), "--from"),
    ],
)
def test_a_framework_that_a_source_is_not_of_is_refused(
    arguments: tuple[str, ...], said: str, cli: Cli, tmp_path: Path
) -> None:
    path = write_shared(tmp_path)["onnx openvino"]
    ran = cli(*(path if item == "FILE" else item for item in arguments))
    assert (ran.code, said in ran.err) == (2, True), ran.err


def test_a_source_that_is_of_the_framework_is_read(cli: Cli) -> None:
    assert cli("shapes", "nn.LSTM(1, 2)", "--from", "torch").code == 0
    assert lstms_of("keras.layers.LSTM(2)", {}, "keras")[0].framework == "keras"
