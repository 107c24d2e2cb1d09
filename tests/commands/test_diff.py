"""`lstmcalc diff`: whether a weight file fits an LSTM, and why not."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

from lstmcalc import LSTMConfig
from lstmcalc.numerics.convert import pack
from tools.recorded_weights import DATA, unpacked
from tools.shell import Ran
from tools.weight_writers import Arrays, random_weights, safetensors_bytes, write_safetensors

pytestmark = pytest.mark.usefixtures("zygote")

Cli = Callable[..., Ran]
Golden = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def weights(config: LSTMConfig, path: str = "", seed: int = 0) -> dict[str, Any]:
    """The float32 weights of an LSTM of PyTorch, whose names begin with a path."""
    return {f"{path}{name}": array.astype(np.float32) for name, array in random_weights(config, seed).items()}


def write(name: str, *parts: Arrays) -> str:
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part
    return write_safetensors(Path(name), merged)


def modules(cli: Cli, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    ran = cli("diff", *arguments, "--json")
    assert ran.code == code, ran.err
    found = json.loads(ran.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))["modules"]
    assert isinstance(found, list)
    return found


def module(cli: Cli, *arguments: str, code: int = 0) -> dict[str, Any]:
    (found,) = modules(cli, *arguments, code=code)
    return found


def statuses(found: Mapping[str, Any], table: str = "tensors") -> dict[str, str]:
    return {row["name"]: row["status"] for row in found[table]}


BASE = LSTMConfig(10, 20, 2)


def test_a_file_that_fits(cli: Cli) -> None:
    write("a", weights(BASE))
    found = module(cli, "a", "nn.LSTM(10, 20, 2)")
    assert (found["fits"], found["causes"], found["load_state_dict"]) == (True, [], [])
    assert set(statuses(found).values()) == {"equal"}
    assert list(statuses(found)) == list(weights(BASE))
    assert module(cli, "a", "--input", "10", "--hidden", "20", "--layers", "2")["fits"]


def test_the_document_has_these_keys(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4), "enc."))
    ran = cli("diff", "a", "nn.LSTM(3, 5)", "--json")
    tree = json.loads(ran.out)
    assert (tree["schema"], tree["command"], ran.code) == (1, "diff", 1)
    (found,) = tree["modules"]
    assert list(found) == [
        "name",
        "framework",
        "text",
        "file",
        "model",
        "words",
        "mapped",
        "hyperparameters",
        "tensors",
        "causes",
        "load_state_dict",
        "tolerance",
        "fits",
        "notes",
    ]
    assert found["file"] == {
        "source": "a",
        "name": "enc",
        "framework": "pytorch",
        "text": "LSTM(3, 4)",
        "prefix": "enc.",
    }
    assert found["model"] == {
        "source": "nn.LSTM(3, 5)",
        "name": "lstm",
        "framework": "pytorch",
        "text": "LSTM(3, 5)",
        "prefix": None,
    }
    assert found["hyperparameters"][:2] == [
        {"name": "input_size", "file": 3, "model": 3, "status": "equal"},
        {"name": "hidden_size", "file": 4, "model": 5, "status": "different"},
    ]
    assert found["tensors"][0] == {
        "name": "weight_ih_l0",
        "status": "misshaped",
        "file_shape": [16, 3],
        "model_shape": [20, 3],
        "file_dtype": "float32",
        "model_dtype": None,
    }
    assert (found["name"], found["tolerance"], found["fits"]) == ("enc", None, False)


@pytest.mark.parametrize(
    ("model", "causes"),
    [
        ("nn.LSTM(10, 20, 2, bidirectional=True)", ["the model is bidirectional, the file is not"]),
        ("nn.LSTM(10, 20, 3)", ["the file has 2 layers, the model 3"]),
        (
            "nn.LSTM(10, 32, 2)",
            ["hidden_size: weight_hh_l0 of the file is (80, 20), so 20; the model wants 32"],
        ),
        (
            "nn.LSTM(28, 20, 2)",
            ["input_size: weight_ih_l0 of the file is (80, 10), so 10; the model wants 28"],
        ),
        ("nn.LSTM(10, 20, 2, bias=False)", ["the model has no biases, the file has"]),
        (
            "nn.LSTM(10, 20, 2, proj_size=5)",
            ["the model has a projection (proj_size = 5), the file has none"],
        ),
    ],
)
def test_the_cause_is_a_hyperparameter(cli: Cli, model: str, causes: list[str]) -> None:
    write("a", weights(BASE))
    assert module(cli, "a", model, code=1)["causes"] == causes


@pytest.mark.parametrize(
    ("config", "causes"),
    [
        (LSTMConfig(10, 20, 2, bidirectional=True), ["the file is bidirectional, the model is not"]),
        (LSTMConfig(10, 20, 1), ["the file has 1 layer, the model 2"]),
        (LSTMConfig(10, 20, 2, bias=False), ["the file has no biases, the model has"]),
        (LSTMConfig(10, 20, 2, proj_size=5), ["the file has a projection (proj_size = 5), the model has none"]),
    ],
)
def test_the_cause_is_a_hyperparameter_of_the_file(cli: Cli, config: LSTMConfig, causes: list[str]) -> None:
    write("a", weights(config))
    assert module(cli, "a", "nn.LSTM(10, 20, 2)", code=1)["causes"] == causes


def test_projections_of_two_sizes(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 8, proj_size=2)))
    causes = module(cli, "a", "nn.LSTM(3, 9, proj_size=4)", code=1)["causes"]
    assert causes == [
        "hidden_size: weight_hh_l0 of the file is (32, 2), 4 gates of 8 rows; the model wants 9",
        "proj_size is 2 in the file and 4 in the model",
    ]


def test_the_words_are_those_of_load_state_dict(cli: Cli) -> None:
    write("a", weights(LSTMConfig(10, 20)))
    said = module(cli, "a", "nn.LSTM(10, 32, bidirectional=True, bias=False)", code=1)["load_state_dict"]
    assert said == [
        'Missing key(s) in state_dict: "weight_ih_l0_reverse", "weight_hh_l0_reverse". ',
        'Unexpected key(s) in state_dict: "bias_ih_l0", "bias_hh_l0". ',
        (
            "size mismatch for weight_ih_l0: copying a param with shape torch.Size([80, 10]) from checkpoint, "
            "the shape in current model is torch.Size([128, 10])."
        ),
        (
            "size mismatch for weight_hh_l0: copying a param with shape torch.Size([80, 20]) from checkpoint, "
            "the shape in current model is torch.Size([128, 32])."
        ),
    ]


def test_what_the_file_does_not_say_is_no_difference(cli: Cli) -> None:
    write("a", weights(BASE))
    found = module(cli, "a", "nn.LSTM(10, 20, 2, batch_first=True, dropout=0.5)")
    settings = statuses(found, "hyperparameters")
    assert (settings.pop("batch_first"), settings.pop("dropout")) == ("unknown", "unknown")
    assert set(settings.values()) == {"equal"}


def test_what_the_flags_do_not_say_is_no_difference(cli: Cli) -> None:
    write("a", weights(LSTMConfig(77, 20)))
    found = module(cli, "a", "--hidden", "20")
    assert statuses(found, "hyperparameters")["input_size"] == "unknown"
    assert found["tensors"][0]["model_shape"] == [80, 77]
    assert module(cli, "a", "--hidden", "21", code=1)["tensors"][0]["model_shape"] == [84, 77]
    assert not module(cli, "a", "--hidden", "20", "--bi", code=1)["fits"]


def test_what_no_weight_depends_on_is_said_and_fits(cli: Cli) -> None:
    found = module(cli, str(DATA / "module.pt"), "nn.LSTM(3, 4, 2, bias=False, bidirectional=True)")
    assert statuses(found, "hyperparameters")["batch_first"] == "aside"
    assert "batch_first is True in the file and False in the model: no weight depends on it" in found["notes"]


def test_two_texts_differ_in_that_too(cli: Cli) -> None:
    found = module(cli, "nn.LSTM(2, 3)", "nn.LSTM(2, 3, batch_first=True)", code=1)
    assert found["causes"] == ["batch_first is False in the first and True in the second"]
    assert set(statuses(found).values()) == {"equal"}


def test_a_weight_file_is_the_file_on_either_side(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4)))
    assert module(cli, "nn.LSTM(3, 4, 2)", "a", code=1) == module(cli, "a", "nn.LSTM(3, 4, 2)", code=1)
    assert module(cli, "nn.LSTM(3, 9)", "a", "--hidden", "4")["fits"]


def test_a_dtype_is_said_and_fits(cli: Cli) -> None:
    arrays = weights(LSTMConfig(3, 4))
    write("a", arrays)
    write("b", {name: array.astype(np.float16) for name, array in arrays.items()})
    found = module(cli, "a", "b")
    assert found["notes"] == [
        "dtype differs: weight_ih_l0 is float32 in a and float16 in b: load_state_dict converts it"
    ]
    assert (found["tensors"][0]["file_dtype"], found["tensors"][0]["model_dtype"]) == ("float32", "float16")


def test_a_file_that_is_not_whole(cli: Cli) -> None:
    arrays = weights(BASE)
    del arrays["bias_hh_l1"]
    write("a", arrays, {"scale": np.ones(3, np.float32)})
    found = module(cli, "a", "nn.LSTM(10, 20, 2)", code=1)
    assert found["causes"] == ["the file lacks bias_hh_l1", "the file has scale too"]
    assert (statuses(found)["bias_hh_l1"], statuses(found)["scale"]) == ("missing", "unexpected")


def test_one_tensor_of_another_shape(cli: Cli) -> None:
    write("a", weights(BASE) | {"bias_ih_l1": np.ones(81, np.float32)})
    found = module(cli, "a", "nn.LSTM(10, 20, 2)", code=1)
    assert found["causes"] == ["bias_ih_l1 of the file has a shape that no such LSTM has"]


def test_other_layers_of_the_model_are_none_of_the_lstm(cli: Cli) -> None:
    others = {"fc.weight": np.ones((2, 20), np.float32), "emb.weight": np.ones((9, 10), np.float32)}
    write("a", weights(BASE), others)
    assert module(cli, "a", "nn.LSTM(10, 20, 2)")["fits"]


def test_rows_that_fit_a_gru_are_said(cli: Cli) -> None:
    write("a", {"lstm.weight_ih_l0": np.ones((384, 10), np.float32)})
    causes = module(cli, "a", "nn.LSTM(10, 128)", code=1)["causes"]
    assert "the rows of the file fit a GRU of 128 too" in causes


def test_weight_norm_is_the_cause(cli: Cli) -> None:
    found = module(cli, str(DATA / "module_weight_norm.pt"), "nn.LSTM(2, 3)", "--module", "old", code=1)
    assert found["causes"] == [
        "the file has weights under weight_norm, as weight_hh_l0_g, weight_hh_l0_v; the model has them whole"
    ]
    write("b", weights(LSTMConfig(2, 3), "old."))
    found = module(cli, "b", str(DATA / "module_weight_norm.pt"), "--module", "old", code=1)
    assert found["causes"][0].startswith("module_weight_norm.pt has weights under weight_norm")


@pytest.mark.parametrize(
    ("here", "there", "cause"),
    [
        ("module.enc.", "enc.", "names differ by the prefix `module.`, which those of a have"),
        ("enc.", "_orig_mod.enc.", "names differ by the prefix `_orig_mod.`, which those of b have"),
        ("enc.", "dec.", "names differ by their prefix: `enc.` in a, `dec.` in b"),
    ],
)
def test_names_of_two_files_differ_by_a_prefix(cli: Cli, here: str, there: str, cause: str) -> None:
    config = LSTMConfig(3, 4)
    write("a", weights(config, here))
    write("b", weights(config, there))
    found = module(cli, "a", "b", code=1)
    assert found["causes"] == [cause]
    missing, unexpected = found["load_state_dict"]
    assert f'"{there}weight_ih_l0"' in missing
    assert f'"{here}weight_ih_l0"' in unexpected
    assert module(cli, "a", "nn.LSTM(3, 4)")["fits"]  # it has no path to differ from


def test_the_dictionary_around_a_state_dict_is_no_prefix(cli: Cli) -> None:
    found = module(cli, str(DATA / "lightning.pt"), "nn.LSTM(4, 3, bias=False)", "-m", "cell")
    assert found["file"]["prefix"] == "model.cell."


def test_several_are_matched_by_name(cli: Cli) -> None:
    enc, dec = LSTMConfig(3, 4), LSTMConfig(3, 5)
    write("a", weights(enc, "net.enc."), weights(dec, "net.dec."))
    write("b", weights(dec, "dec."), weights(dec, "enc."))
    found = modules(cli, "a", "b", code=1)
    assert [(item["file"]["name"], item["model"]["name"]) for item in found] == [
        ("net.dec", "dec"),
        ("net.enc", "enc"),
    ]


def test_several_are_matched_by_what_fits_best(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4), "x."), weights(LSTMConfig(3, 5, 2), "y."), weights(LSTMConfig(9, 5), "z."))
    found = module(cli, "a", "nn.LSTM(3, 5, 2)")
    assert found["file"]["name"] == "y"
    assert "not compared: x, z of the file; --module NAME picks one" in found["notes"]
    assert module(cli, "a", "nn.LSTM(3, 5, 2)", "--module", "z", code=1)["file"]["name"] == "z"


def test_a_module_of_each_is_picked(cli: Cli) -> None:
    parts = [weights(LSTMConfig(3, size), name) for size, name in ((4, "x."), (5, "y."))]
    write("a", *parts)
    write("b", *parts)
    same = module(cli, "a", "b", "-m", "x")
    assert (same["file"]["name"], same["model"]["name"], same["fits"]) == ("x", "x", True)
    other = module(cli, "a", "b", "-m", "x", "-m", "y", code=1)
    assert (other["file"]["name"], other["model"]["name"]) == ("x", "y")


def test_a_module_is_named_as_either_side_has_it(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4), "x."), weights(LSTMConfig(3, 5), "y."))
    write("b", weights(LSTMConfig(3, 5), "rnn."))
    assert module(cli, "a", "b", "-m", "y", code=1)["model"]["name"] == "rnn"
    Path("c.py").write_text("x = nn.LSTM(3, 4)\ny = nn.LSTM(3, 5)\n", encoding="utf-8")
    assert module(cli, "b", "c.py", "-m", "y")["fits"]
    assert not module(cli, "b", "c.py", "-m", "x", code=1)["fits"]
    assert module(cli, "a", "c.py", "-m", "x")["file"]["name"] == "x"


def test_code_of_several_is_matched_by_name(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4), "net.x."), weights(LSTMConfig(3, 5), "net.y."))
    Path("c.py").write_text("y = nn.LSTM(3, 5)\nx = nn.LSTM(3, 4)\nz = nn.LSTM(3, 4)\n", encoding="utf-8")
    found = modules(cli, "a", "c.py", code=1)
    assert [(item["model"]["name"], item["fits"]) for item in found] == [("y", True), ("x", True), ("z", False)]
    assert set(statuses(found[2]).values()) == {"missing"}


def test_a_projection_wider_than_the_files_cells_is_a_difference(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4)))
    found = module(cli, "a", "--proj", "5", code=1)
    assert found["causes"][0] == "the model has a projection (proj_size = 5), the file has none"


def test_an_lstm_of_one_file_alone_is_a_difference(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4), "enc."))
    write("b", weights(LSTMConfig(3, 4), "enc."), weights(LSTMConfig(3, 5), "dec."))
    for first, second, status in (("a", "b", "missing"), ("b", "a", "unexpected")):
        enc, dec = modules(cli, first, second, code=1)
        assert (enc["fits"], dec["fits"]) == (True, False)
        assert set(statuses(dec).values()) == {status}
        assert dec["causes"] == ["a has no LSTM like dec"]


def test_numbers_are_compared_when_asked(cli: Cli) -> None:
    arrays = weights(LSTMConfig(3, 4))
    moved = {name: array.copy() for name, array in arrays.items()}
    moved["bias_ih_l0"][5] += np.float32(0.25)
    write("a", arrays)
    write("b", moved)
    assert module(cli, "a", "b")["fits"]
    assert "max_abs_difference" not in module(cli, "a", "b")["tensors"][0]
    found = module(cli, "a", "b", "--values", code=1)
    apart = {row["name"]: row["max_abs_difference"] for row in found["tensors"]}
    assert apart.pop("bias_ih_l0") == pytest.approx(0.25, rel=1e-6)
    assert set(apart.values()) == {0}
    assert found["causes"] == ["the numbers of 1 tensor differ by more than 0"]
    assert module(cli, "a", "b", "--values", "--tolerance", "0.3")["fits"]
    assert module(cli, "a", "a", "--values")["fits"]


def test_numbers_that_are_none_are_equal_to_such_alone(cli: Cli) -> None:
    arrays = weights(LSTMConfig(3, 4))
    write("a", arrays | {"bias_ih_l0": np.full(16, np.nan, np.float32), "bias_hh_l0": np.full(16, -np.inf, np.float32)})
    write("b", arrays)
    assert module(cli, "a", "a", "--values")["fits"]
    found = module(cli, "a", "b", "--values", "--tolerance", "1e9", code=1)
    assert [row["max_abs_difference"] for row in found["tensors"]] == [0, 0, None, None]
    assert "not finite" in cli("diff", "a", "b", "--values").out


@pytest.mark.parametrize("framework", ["keras", "flax-linen", "haiku"])
def test_another_framework_is_compared_in_pytorchs_terms(cli: Cli, framework: str) -> None:
    config = LSTMConfig(3, 4)
    own = random_weights(config)
    theirs = {name.replace("/", "."): array for name, array in pack(own, config, framework).items()}
    np.savez("theirs.npz", allow_pickle=False, **theirs)
    write("ours", own)
    found = module(cli, "theirs.npz", "ours", "--values", "--tolerance", "1e-12")
    assert (found["mapped"], found["framework"], found["fits"]) == (True, "pytorch", True)
    assert any(note.startswith("compared as PyTorch's nn.LSTM has it") for note in found["notes"])
    assert module(cli, "theirs.npz", "nn.LSTM(3, 4)")["fits"]
    causes = module(cli, "theirs.npz", "nn.LSTM(3, 5)", code=1)["causes"]
    assert causes == ["hidden_size is 4 in the file and 5 in the model"]
    same = module(cli, "theirs.npz", "theirs.npz", "--values")
    assert (same["mapped"], same["framework"], same["load_state_dict"]) == (False, framework, [])


def test_what_is_not_whole_cannot_be_mapped(cli: Cli) -> None:
    config = LSTMConfig(3, 4)
    arrays = pack(random_weights(config), config, "keras")
    kept = {name.replace("/", "."): array for name, array in arrays.items() if not name.endswith("/kernel")}
    np.savez("a.npz", allow_pickle=False, **kept)
    found = module(cli, "a.npz", "nn.LSTM(3, 4)", code=1)
    assert found["causes"] == ["the file is incomplete: lstm/lstm_cell/kernel is missing"]


def test_another_activation_is_a_difference(cli: Cli, tmp_path: Path) -> None:
    path = str(unpacked("keras3", tmp_path) / "relu.keras")
    causes = ["the file has settings that the model lacks: activation = 'relu'"]
    assert module(cli, path, "nn.LSTM(3, 2)", code=1)["causes"] == causes
    assert module(cli, path, "keras.layers.LSTM(2)", code=1)["causes"] == causes
    assert module(cli, path, "keras.layers.LSTM(2, activation='relu')")["fits"]


def test_a_file_of_onnx_is_held_against_another_and_against_pytorch(cli: Cli, tmp_path: Path) -> None:
    folder = unpacked("torch", tmp_path)
    script, dynamo = (str(folder / f"both-{kind}.onnx") for kind in ("script", "dynamo"))
    assert module(cli, script, dynamo, "--values")["fits"]
    assert module(cli, script, "nn.LSTM(3, 4, 2, bidirectional=True)")["fits"]
    found = module(cli, script, "nn.LSTM(3, 4, 2)", code=1)
    assert (found["mapped"], found["causes"]) == (True, ["the file is bidirectional, the model is not"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "no file is named"),
        (("a",), "there is nothing to compare a with"),
        (("a", "nothing"), "no such file"),
        (("gru", "nn.LSTM(3, 4)"), "no LSTM in gru"),
        (("a", "gru"), "no LSTM in gru"),
        (("a", "a", "--hidden", "3"), "flags do not change a weight file"),
        (("a", "nn.LSTM(3, 4)", "--values"), "--values: there are no numbers to compare"),
        (("a", "a", "--tolerance", "1"), "--tolerance: no numbers are compared"),
        (("a", "a", "--values", "--tolerance", "nan"), "--tolerance: not a tolerance"),
        (("a", "a", "--values", "--tolerance", "x"), "--tolerance: not a tolerance"),
        (("a", "a", "-m", "x", "-m", "y", "-m", "z"), "--module: too many modules"),
        (("two", "nn.LSTM(3, 4)", "-m", "z"), "--module: no such module"),
        (("a", "nn.LSTM(3, 4)", "-m", "z"), "--module: no such module"),
        (("a", "a", "-m", "z"), "--module: no such module"),
        (("both", "nn.LSTM(3, 4)", "-m", "g"), "--module: g of both is not an LSTM"),
        (("-", "-"), "SOURCE: standard input can be read once"),
        (("a", "nn.LSTM(3, 4, 1000000)"), "this report would be too long"),
    ],
)
def test_refusals(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    write("a", weights(LSTMConfig(3, 4)))
    write("two", weights(LSTMConfig(3, 4), "x."), weights(LSTMConfig(3, 4), "y."))
    write("gru", {"gru.weight_ih_l0": np.ones((12, 3), np.float32), "gru.weight_hh_l0": np.ones((12, 4), np.float32)})
    write("both", weights(LSTMConfig(3, 4), "x."), {"g.weight_hh_l0": np.ones((12, 4), np.float32)})
    ran = cli("diff", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {words}") or words in ran.err.partition("\n")[0]


def test_the_configuration_of_the_folder_is_compared_with(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4)))
    Path("lstmcalc.toml").write_text("input_size = 3\nhidden_size = 4\n", encoding="utf-8")
    assert module(cli, "a")["model"]["source"] == "lstmcalc.toml:1"


def test_csv_and_markdown_say_the_same(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4)))
    ran = cli("diff", "a", "nn.LSTM(3, 5)", "--format", "csv")
    settings, tensors = (list(csv.DictReader(io.StringIO(part))) for part in ran.out.split("\n\n"))
    assert settings[1] == {"module": "lstm", "name": "hidden_size", "file": "4", "model": "5", "status": "different"}
    assert tensors[0]["file_shape"] == "(16, 3)"
    assert tensors[0]["status"] == "misshaped"
    ran = cli("diff", "a", "nn.LSTM(3, 5)", "--format", "markdown")
    assert "| `weight_ih_l0` | `(16, 3)` | `(20, 3)` | size mismatch |" in ran.out
    assert "- **cause**: hidden_size: weight_hh_l0 of the file is (16, 4), so 4; the model wants 5" in ran.out
    assert ran.code == 1


def test_a_long_list_is_folded_in_the_table_alone(cli: Cli) -> None:
    write("a", weights(LSTMConfig(1, 1, 30)))
    ran = cli("diff", "a", "nn.LSTM(1, 1, 60)")
    assert re.search(r"^1\d\d more tensors", ran.out, re.MULTILINE)
    assert "120 tensors" in ran.out
    assert len(ran.out.splitlines()) <= 24
    assert len(module(cli, "a", "nn.LSTM(1, 1, 60)", code=1)["tensors"]) == 240


def test_names_have_no_control_characters_on_a_terminal(cli: Cli) -> None:
    write("a", weights(LSTMConfig(3, 4), "a\x1b[31m."), {"a\x1b[31m.\x1b": np.ones(1, np.float32)})
    write("b", weights(LSTMConfig(3, 4), "b."))
    for style in ("table", "csv", "markdown", "json"):
        ran = cli("diff", "a", "b", "--values", "--format", style)
        assert ran.code == 1
        assert "\x1b" not in ran.out + ran.err


def test_a_file_without_tensors_has_no_lstm(cli: Cli) -> None:
    Path("empty").write_bytes(safetensors_bytes({}, b""))
    assert cli("diff", "empty", "nn.LSTM(3, 4)").code == 2


GOLDEN = {
    "diff": ("lightning.pt", "nn.LSTM(3, 6, 2)", "--module", "model.encoder"),
    "diff-fits": ("lightning.pt", "nn.LSTM(3, 5, 2, bidirectional=True, proj_size=2)"),
    "diff-files": ("lightning.pt", "state_dict_legacy.pt", "--values"),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", GOLDEN)
def test_tables_at_two_widths(cli: Cli, golden: Golden, monkeypatch: pytest.MonkeyPatch, name: str, width: int) -> None:
    monkeypatch.chdir(DATA)
    monkeypatch.setenv("COLUMNS", str(width))
    out = cli("diff", *GOLDEN[name]).out
    assert all(cell_len(line) <= width and line == line.rstrip() for line in out.splitlines())
    golden(f"{name}-{width}.txt", out)


def test_markdown(cli: Cli, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)
    ran = cli("diff", *GOLDEN["diff"], "--format", "markdown")
    assert ran.code == 1
    golden("diff.md", ran.out)
