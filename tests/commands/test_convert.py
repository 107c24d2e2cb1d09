"""`lstmcalc convert`: what is written is what the source has, and what is not is not left."""

import ast
import json
import os
from collections.abc import Callable
from errno import ENOSPC
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from lstmcalc import LSTMConfig, random_weights
from lstmcalc.commands.convert import making
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import missing_feature, parameters
from lstmcalc.numerics import convert
from lstmcalc.numerics.torch_random import TorchGenerator
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.writers import npz, tables, torch
from tools.packed_by_hand import packed
from tools.recorded_weights import unpacked
from tools.shell import Ran
from tools.weight_writers import write_safetensors

pytestmark = pytest.mark.usefixtures("zygote")

Cli = Callable[..., Ran]
CONFIG = LSTMConfig(3, 5, 2, bidirectional=True)


def weights_of(config: LSTMConfig = CONFIG, dtype: str = "float32", seed: int = 1) -> dict[str, Any]:
    return random_weights(config, TorchGenerator(seed), dtype)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_safetensors(Path("model.safetensors"), {f"net.rnn.{name}": item for name, item in weights_of().items()})


def converted(cli: Cli, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The report on a conversion without other programs."""
    found = cli("convert", *arguments, "--no-against", "--json")
    assert found.code == code, found.err
    report = json.loads(found.out)
    assert isinstance(report, dict)
    return report


def left() -> list[str]:
    """The files of the folder."""
    return sorted(path.name for path in Path().iterdir())


def numbers_in(path: str) -> dict[str, Any]:
    return {tensor.name: tensor.read() for tensor in open_weights(path).tensors}


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize("suffix", ["pt", "safetensors", "npz"])
def test_a_file_of_pytorch_has_the_numbers_of_the_source_under_the_names_of_a_layer(cli: Cli, suffix: str) -> None:
    report = converted(cli, "model.safetensors", "-o", f"lstm.{suffix}")
    assert_equal(numbers_in(f"lstm.{suffix}"), weights_of())
    assert report["written"] == f"lstm.{suffix}"
    assert report["target"] == "pytorch"
    assert report["proven_by"] == ["read back by lstmcalc"]
    assert report["left_out"] == []
    assert report["bytes"] == Path(f"lstm.{suffix}").stat().st_size
    assert {row["name"] for row in report["proof"]} >= {"weight_ih_l1_reverse", "bias_hh_l0", "output", "packed c_n"}
    assert all(row["passed"] and row["max_abs_error"] == 0 for row in report["proof"])


def test_several_lstms_keep_their_names(cli: Cli) -> None:
    small, large = LSTMConfig(2, 3), LSTMConfig(4, 6, bias=False)
    arrays = {f"a.x.{name}": item for name, item in weights_of(small).items()}
    arrays |= {f"b.{name}": item for name, item in weights_of(large).items()}
    write_safetensors(Path("two.safetensors"), arrays)
    report = converted(cli, "two.safetensors", "-o", "two.pt")
    assert_equal(numbers_in("two.pt"), arrays)
    assert {row["name"] for row in report["proof"]} >= {"a.x.weight_ih_l0", "b.packed h_n"}
    converted(cli, "two.safetensors", "--module", "b", "-o", "b.pt")
    assert_equal(numbers_in("b.pt"), weights_of(large))


@pytest.mark.parametrize(
    "layout", ["keras", "keras1", "tf1", "onnx", "flax-linen", "haiku", "matlab", "onednn", "mxnet", "tflite", "cudnn"]
)
def test_a_framework_takes_an_lstm_without_biases_or_with_a_projection(cli: Cli, layout: str) -> None:
    for config in (LSTMConfig(3, 5, bias=False), LSTMConfig(3, 5, proj_size=2)):
        write_safetensors(Path("lstm.safetensors"), weights_of(config))
        if missing_feature(config, layout):
            ran = cli("convert", "lstm.safetensors", "--to", layout, "-o", "there.npz", "--force")
            assert (ran.code, "has no projection\n  expected proj_size = 0" in ran.err) == (2, True)
        else:
            report = converted(cli, "lstm.safetensors", "--to", layout, "-o", "there.npz", "--force")
            assert {row["passed"] for row in report["proof"]} == {True}
            shapes = {name: array.shape for name, array in numbers_in("there.npz").items()}
            assert shapes == {item.name: item.shape for item in parameters(config, layout)}


@pytest.mark.parametrize("layout", ["keras", "onnx", "flax-nnx", "tf1"])
def test_there_and_back_again(cli: Cli, layout: str) -> None:
    weights = weights_of()
    converted(cli, "model.safetensors", "--to", layout, "-o", "there.npz")
    converted(cli, "there.npz", "--from", layout, "--stack", "-o", "back.npz")
    found = numbers_in("back.npz")
    for name, array in weights.items():
        if not name.startswith("bias"):
            np.testing.assert_array_equal(found[name], array, strict=True)
        elif name.startswith("bias_ih"):
            other = name.replace("ih", "hh")
            np.testing.assert_allclose(found[name] + found[other], array + weights[other], rtol=0, atol=3e-7)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_written_is_what_the_documentation_of_a_framework_says(cli: Cli, layout: str) -> None:
    converted(cli, "model.safetensors", "--to", layout, "-o", "there.npz")
    assert_equal(numbers_in("there.npz"), packed(layout, CONFIG, weights_of()))


def test_weights_are_drawn_by_a_seed_and_never_without_being_asked(cli: Cli) -> None:
    refused = cli("convert", "--input", "3", "--hidden", "5", "-o", "lstm.pt")
    assert refused.code == 2
    assert "there are no weights to convert" in refused.err
    assert "--seed 0 draws the weights of torch.manual_seed(0)" in refused.err
    converted(cli, "--input", "3", "--hidden", "5", "--layers", "2", "--bi", "--seed", "1", "-o", "lstm.npz")
    assert_equal(numbers_in("lstm.npz"), weights_of())
    assert cli("convert", "model.safetensors", "--seed", "0", "-o", "other.pt").code == 2
    assert not os.path.lexists("other.pt")


def test_a_file_that_is_there_is_kept_unless_it_is_to_be_replaced(cli: Cli) -> None:
    Path("lstm.pt").write_bytes(b"mine")
    refused = cli("convert", "model.safetensors", "-o", "lstm.pt")
    assert (refused.code, Path("lstm.pt").read_bytes()) == (2, b"mine")
    assert "--force replaces it" in refused.err
    converted(cli, "model.safetensors", "-o", "lstm.pt", "--force")
    assert_equal(numbers_in("lstm.pt"), weights_of())


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_numbers_keep_their_dtype_or_get_the_one_that_is_asked_for(cli: Cli, dtype: str) -> None:
    weights = weights_of(dtype=dtype)
    write_safetensors(Path("own.safetensors"), weights)
    converted(cli, "own.safetensors", "-o", "own.pt")
    assert_equal(numbers_in("own.pt"), weights)
    converted(cli, "model.safetensors", "--dtype", dtype, "-o", "cast.npz")
    assert_equal(numbers_in("cast.npz"), {name: array.astype(dtype) for name, array in weights_of().items()})


def test_bfloat16_stays_bfloat16_where_a_file_has_it(cli: Cli) -> None:
    from lstmcalc.writers.entries import entry_of
    from lstmcalc.writers.safetensors import write_safetensors as write

    rounded = {
        name: (array.view(np.uint32) & 0xFFFF0000).astype(np.uint32).view(np.float32)
        for name, array in weights_of().items()
    }
    with Path("b.safetensors").open("wb") as stream:
        write(stream, [entry_of(name, array, "bfloat16") for name, array in rounded.items()])
    for suffix, dtype in ((".pt", "bfloat16"), (".safetensors", "bfloat16"), (".npz", "float32")):
        converted(cli, "b.safetensors", "-o", f"out{suffix}")
        assert {tensor.dtype for tensor in open_weights(f"out{suffix}").tensors} == {dtype}
        assert_equal(numbers_in(f"out{suffix}"), rounded)


def spoiled(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The packing of weights with a mistake."""
    return lambda weights, config, layout: convert.pack(change(dict(weights)), config, layout)


def reordered(order: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(weights: dict[str, Any]) -> dict[str, Any]:
        blocks = {
            name: dict(zip("ifgo", np.split(array, 4), strict=True))
            for name, array in weights.items()
            if "weight_hr" not in name
        }
        return {name: np.concatenate([held[gate] for gate in order]) for name, held in blocks.items()}

    return change


@pytest.mark.parametrize("order", ["iofg", "igfo", "ifog"])
def test_a_wrong_order_of_gates_is_caught_and_named(cli: Cli, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    monkeypatch.setattr(tables, "pack", spoiled(reordered(order)))
    report = converted(cli, "model.safetensors", "--to", "keras", "-o", "lstm.npz", code=1)
    assert report["written"] is None
    assert report["load"] == []
    assert any("gate order" in sentence for sentence in report["explanations"])
    assert left() == ["model.safetensors"]


def transposed(weights: dict[str, Any]) -> dict[str, Any]:
    """Each gate's block of the recurrent weights, transposed."""
    for name in [name for name in weights if "weight_hh" in name]:
        weights[name] = np.concatenate([block.T for block in np.split(weights[name], 4)])
    return weights


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda weights: {key: array * 0 if name in key else array for key, array in weights.items()}


def swapped(weights: dict[str, Any]) -> dict[str, Any]:
    """The directions of every layer, each in the place of the other one."""
    return {
        name: weights[name.removesuffix("_reverse") if name.endswith("_reverse") else f"{name}_reverse"]
        for name in weights
    }


def nudged(weights: dict[str, Any]) -> dict[str, Any]:
    """One number, changed by its last bit."""
    weights["weight_hh_l1"] = weights["weight_hh_l1"].copy()
    weights["weight_hh_l1"][0, 0] = np.nextafter(weights["weight_hh_l1"][0, 0], np.float32(9))
    return weights


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (transposed, "recurrent weights transposed"),
        (without("bias_ih"), "no bias_ih"),
        (without("bias_hh"), "no bias_hh"),
        (without("bias"), "no biases"),
        (swapped, "directions swapped"),
        (nudged, ""),
    ],
)
def test_a_mistake_of_a_writer_leaves_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], dict[str, Any]], said: str
) -> None:
    monkeypatch.setattr(tables, "pack", spoiled(change))
    for to in ("keras", "onnx"):
        Path("lstm.npz").write_bytes(b"mine")
        report = converted(cli, "model.safetensors", "--to", to, "-o", "lstm.npz", "--force", code=1)
        assert report["written"] is None
        assert Path("lstm.npz").read_bytes() == b"mine"
        assert left() == ["lstm.npz", "model.safetensors"]
        assert said in " ".join(report["explanations"])
        assert not all(row["passed"] for row in report["proof"])


@pytest.mark.parametrize(
    ("module", "suffix", "change"),
    [
        ("keras", ".keras", reordered("iofg")),
        ("keras", ".weights.h5", nudged),
        *(("onnx", ".onnx", change) for change in (reordered("igfo"), transposed, without("bias"), nudged)),
    ],
)
def test_a_mistake_of_a_writer_of_whole_models_is_caught_too(
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    suffix: str,
    change: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    monkeypatch.setattr(import_module(f"lstmcalc.writers.{module}"), "pack", spoiled(change))
    assert converted(cli, "model.safetensors", "-o", f"lstm{suffix}", code=1)["written"] is None
    assert left() == ["model.safetensors"]


@pytest.mark.parametrize("error", [OSError(ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_what_ends_the_writing_leaves_what_was_there(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    Path("lstm.npz").write_bytes(b"mine")
    monkeypatch.setattr(making, "prove", raising(error))
    arguments = ("convert", "model.safetensors", "-o", "lstm.npz", "--force", "--no-against")
    found = cli(*arguments)
    assert found.code == (130 if isinstance(error, KeyboardInterrupt) else 2)
    assert "Traceback" not in found.err
    assert Path("lstm.npz").read_bytes() == b"mine"
    assert left() == ["lstm.npz", "model.safetensors"]


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("suffix", ["pt", "npz"])
def test_large_members_have_the_long_form_of_zip(cli: Cli, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    for module in (npz, torch):
        monkeypatch.setattr(module, "LARGE", 50)
    converted(cli, "model.safetensors", "-o", f"lstm.{suffix}")
    assert_equal(numbers_in(f"lstm.{suffix}"), weights_of())
    with ZipFile(f"lstm.{suffix}") as archive, Path(f"lstm.{suffix}").open("rb") as file:
        assert archive.testzip() is None
        for info in archive.infolist():
            file.seek(info.header_offset + 26)
            name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
            if info.filename.startswith("archive/data/"):
                assert (info.header_offset + 30 + name + extra) % 64 == 0
            assert (info.file_size <= 50) or extra >= 20


def test_names_of_a_source_move_no_cursor_and_run_no_code(cli: Cli) -> None:
    odd = 'a\x1b[31m"); import os; os.abort() #\n'
    arrays = {f"{odd}.{number}.{name}": item for number in range(2) for name, item in weights_of().items()}
    write_safetensors(Path("odd.safetensors"), arrays)
    found = cli("convert", "odd.safetensors", "-o", "odd.npz", "--no-against", "--full")
    assert found.code == 0
    assert "\x1b" not in found.out + found.err
    code = ast.parse("\n".join(converted(cli, "odd.safetensors", "-o", "odd.npz", "--force")["load"]))
    assert "abort" not in {node.attr for node in ast.walk(code) if isinstance(node, ast.Attribute)}
    assert_equal(numbers_in("odd.npz"), arrays)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "keras", "--proj", "2"], "Keras 3 has no projection"),
        (["--to", "onnx", "--proj", "2"], "ONNX LSTM has no projection"),
    ],
)
def test_what_a_target_cannot_express_is_refused_by_name(cli: Cli, arguments: list[str], said: str) -> None:
    found = cli("convert", "--input", "3", "--hidden", "5", "--seed", "0", *arguments, "-o", "lstm.npz")
    assert found.code == 2
    assert said in found.err
    assert f"--to {arguments[1]}" in found.err
    assert not os.path.lexists("lstm.npz")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no file to write is named"),
        (["-o", "lstm.xyz"], "what this file should be is not known"),
        (["-o", "lstm"], "what this file should be is not known"),
        (["-o", "nowhere/lstm.pt"], "no directory"),
        (["-o", "lstm.keras", "--to", "onnx"], "is not one of onnx"),
        (["-o", "lstm.pt", "--to", "c"], "a file of .pt is not one of c"),
    ],
)
def test_what_is_asked_wrongly_is_said_before_anything_is_read(cli: Cli, arguments: list[str], said: str) -> None:
    found = cli("convert", "no-such-file.pt", *arguments)
    assert found.code == 2
    assert said in found.err


@pytest.mark.parametrize("cut", [0, 1, 9, 100, 0.5, 0.99])
def test_a_source_that_is_cut_off_leaves_nothing(cli: Cli, cut: float) -> None:
    whole = Path("model.safetensors").read_bytes()
    Path("model.safetensors").write_bytes(whole[: int(cut * len(whole)) if cut < 1 else int(cut)])
    found = cli("convert", "model.safetensors", "-o", "lstm.pt")
    assert found.code == 2
    assert "Traceback" not in found.err
    assert left() == ["model.safetensors"]


def test_numbers_that_are_not_finite_are_written_as_they_are(cli: Cli) -> None:
    weights = weights_of()
    weights["weight_hh_l0"][0, 0] = np.nan
    weights["bias_ih_l1"][3] = np.inf
    write_safetensors(Path("odd.safetensors"), weights)
    converted(cli, "odd.safetensors", "-o", "odd.pt")
    assert_equal(numbers_in("odd.pt"), weights)


def run_lines(report: dict[str, Any]) -> dict[str, Any]:
    """What is defined once the lines that load a file have run."""
    names: dict[str, Any] = {}
    exec("\n".join(report["load"]), names)
    return names


@pytest.mark.parametrize("layout", ["onnx", "tf1", "haiku", "equinox", "mlx", "paddle", "tflite"])
def test_the_lines_that_load_arrays_give_them(cli: Cli, layout: str) -> None:
    found = run_lines(converted(cli, "model.safetensors", "--to", layout, "-o", "lstm.npz"))["weights"]
    assert_equal(found, packed(layout, CONFIG, weights_of()))


def test_a_stack_is_in_the_order_of_its_numbers_where_a_file_sorts_names(cli: Cli) -> None:
    layers = [weights_of(LSTMConfig(4, 4), seed=seed) for seed in range(12)]
    arrays = {f"layers.{k}.{name}": item for k, layer in enumerate(layers) for name, item in layer.items()}
    write_safetensors(Path("sorted.safetensors"), dict(sorted(arrays.items())))
    report = converted(cli, "sorted.safetensors", "--stack", "-o", "whole.npz")
    whole = {name.replace("_l0", f"_l{k}"): item for k, layer in enumerate(layers) for name, item in layer.items()}
    assert_equal(numbers_in("whole.npz"), whole)
    assert "are one stack in this order, as --stack says" in report["changes"][0]
    write_safetensors(
        Path("sorted.safetensors"), {f"old.{name}": 0 * item for name, item in dict(sorted(arrays.items())).items()}
    )
    converted(cli, "whole.npz", "--into", "sorted.safetensors", "--stack", "-o", "into.safetensors")
    assert_equal(numbers_in("into.safetensors"), {f"old.{name}": item for name, item in arrays.items()})


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_an_order_that_nothing_tells_is_asked_for(cli: Cli, suffix: str) -> None:
    layers = {name: weights_of(LSTMConfig(4, 4), seed=seed) for seed, name in enumerate(("last", "first"))}
    arrays = {f"{own}.{name}": item for own in sorted(layers) for name, item in layers[own].items()}
    write_safetensors(Path("two.safetensors"), arrays)
    np.savez("two.npz", **arrays)
    asked = cli("convert", f"two.{suffix}", "--stack", "-o", "one.pt")
    assert asked.code == 2
    assert "which of these LSTMs reads the other is not known" in asked.err
    assert "--module FIRST,SECOND names them in their order" in asked.err
    for order in (("last", "first"), ("first", "last")):
        converted(cli, f"two.{suffix}", "--stack", "--module", ",".join(order), "-o", "one.pt", "--force")
        for layer, own in enumerate(order):
            found = numbers_in("one.pt")
            assert all(
                np.array_equal(found[name.replace("l0", f"l{layer}")], held) for name, held in layers[own].items()
            )


@pytest.mark.parametrize("layout", ["pytorch", "keras"])
def test_no_two_lstms_are_one_variable(cli: Cli, layout: str) -> None:
    names = ("enc.a", "enc_a", "state", "weights", "torch", "lstm_0", "lstm")
    arrays = {f"{own}.{name}": item for own in names for name, item in weights_of(LSTMConfig(3, 5, 2)).items()}
    write_safetensors(Path("odd.safetensors"), arrays)
    lines = converted(cli, "odd.safetensors", "--to", layout, "-o", "odd.npz")["load"]
    made = [node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.Assign)]
    variables = [ast.unparse(node.targets[0]) for node in made]
    assert len(set(variables)) == len(variables) == 1 + len(names) * (2 if layout == "keras" else 1)
    assert not {"torch", "np", "keras", "nn"} & set(variables)


@pytest.mark.parametrize("stateful", [[], ["--stateful"], ["--stateful", "--steps", "1"]])
def test_the_lines_that_run_a_graph_run_it(cli: Cli, stateful: list[str]) -> None:
    write_safetensors(Path("lstm.safetensors"), weights_of(LSTMConfig(3, 5, 2)))
    found = run_lines(converted(cli, "lstm.safetensors", *stateful, "-o", "lstm.onnx"))
    assert found["output"].shape == (1 if "1" in stateful else 5, 3, 5)
    report = converted(cli, "lstm.onnx", "--stack", "-o", "back.npz")
    assert_equal(numbers_in("back.npz"), weights_of(LSTMConfig(3, 5, 2)))
    assert report["left_out"] == []


def test_a_graph_gets_its_states(cli: Cli) -> None:
    write_safetensors(Path("lstm.safetensors"), weights_of(LSTMConfig(3, 5, 2)))
    converted(cli, "lstm.safetensors", "-o", "lstm.onnx")
    again = cli("convert", "lstm.onnx", "--stateful", "-o", "again.onnx")
    assert again.code == 2
    assert "its states are inputs and outputs already" in again.err
    assert "-o FILE.onnx" in cli("convert", "lstm.onnx", "--stateful", "-o", "again.pt").err
    assert "--stateful too" in cli("convert", "lstm.onnx", "--steps", "1", "-o", "again.onnx").err
    assert not os.path.lexists("again.onnx")


def test_the_states_of_a_stack_go_round_node_by_node(cli: Cli, tmp_path: Path) -> None:
    source = unpacked("torch", tmp_path) / "stacked-script.onnx"  # whose h_n has those of all layers together
    report = json.loads(cli("convert", str(source), "--stateful", "-o", "out.onnx", "--json").out)
    assert {by.partition(" 1.")[0] for by in report["proven_by"]} == {"read back by lstmcalc", "run in ONNX Runtime"}
    assert any("two chunks give what one pass gives" in change for change in report["changes"])
    states = run_lines(report)["states"]
    assert len(states) == 6
    assert {state.shape for state in states.values()} == {(1, 1, 4)}


@pytest.mark.parametrize("name", ["converted", "wrong", "many"])
def test_the_screen(cli: Cli, monkeypatch: pytest.MonkeyPatch, golden: Callable[[str, str], None], name: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    if name == "wrong":
        monkeypatch.setattr(tables, "pack", spoiled(reordered("iofg")))
    if name == "many":
        arrays = {f"blocks.{k}.rnn.{key}": item for k in range(12) for key, item in weights_of().items()}
        write_safetensors(Path("model.safetensors"), arrays)
    to = ["-o", "lstm.pt"] if name == "many" else ["--to", "keras", "-o", "lstm.npz"]
    found = cli("convert", "model.safetensors", *to, "--no-against")
    assert found.code == (1 if name == "wrong" else 0)
    lines = found.out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    golden(f"convert-{name}.txt", found.out)
