"""`lstmcalc diff` with whole models: keys, prefixes, nesting, renamed modules and other layers, without PyTorch."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.commands.diff import command
from lstmcalc.commands.diff.loading import Model, Module, load, model_of_state
from lstmcalc.commands.diff.repairs import best_repair
from lstmcalc.numerics.convert import pack
from lstmcalc.readers.files import raw_numbers
from tools.recorded_weights import DATA
from tools.shell import Ran
from tools.weight_writers import random_weights, write_safetensors

Cli = Callable[..., Ran]

TAGGER = """Tagger(
  (embedding): Embedding(50, 3)
  (lstm): LSTM(3, 4)
  (drop): Dropout(p=0.1, inplace=False)
  (fc): Linear(in_features=4, out_features=2, bias=True)
)
"""
OTHER = {"embedding.weight": (50, 3), "fc.weight": (2, 4), "fc.bias": (2,)}


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.txt").write_text(TAGGER, encoding="utf-8")


def state(lstm: str = "lstm.", **changes: tuple[int, ...]) -> dict[str, Any]:
    """The state dict of the tagger, whose LSTM's keys begin with `lstm`; `fc__weight` changes the shape of another."""
    shapes = OTHER | {name.replace("__", "."): shape for name, shape in changes.items()}
    weights = {f"{lstm}{name}": array.astype(np.float32) for name, array in random_weights(LSTMConfig(3, 4)).items()}
    return weights | {name: np.ones(shape, np.float32) for name, shape in shapes.items()}


def said(cli: Cli, tensors: dict[str, Any], model: str = "model.txt", code: int = 1) -> dict[str, Any]:
    write_safetensors(Path("a"), tensors)
    ran = cli("diff", "a", model, "--json")
    assert ran.code == code, ran.err
    screen = cli("diff", "a", model).out
    assert len(screen.splitlines()) <= 24
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_cell_is_constructed_only_as_what_a_cell_can_be(bidirectional: bool, cli: Cli) -> None:
    """And the screen keeps to its lines where paths and causes are long."""
    folder = Path("a_folder_with_a_long_name/and_another_in_it")
    folder.mkdir(parents=True)
    model = str(folder / "model.txt")
    Path(model).write_text("M(\n  (head): LSTMCell(2, 3, bias=False)\n  (fc): Linear(in_features=4, out_features=2)\n)")
    config = LSTMConfig(5, 4, num_layers=1 + bidirectional, bidirectional=bidirectional)
    found = said(cli, {f"module.enc.head.{name}": array for name, array in random_weights(config).items()}, model)
    assert found["repair"][-1].startswith(f"nn.{config}  # head")
    cell = {f"head.{name}": np.ones(shape) for name, shape in (("weight_ih", (16, 5)), ("weight_hh", (16, 4)))}
    assert said(cli, cell, model)["repair"][-1].startswith("nn.LSTMCell(5, 4, bias=False)  # head")


def test_a_model_that_loads(cli: Cli) -> None:
    found = said(cli, state(), code=0)
    assert (found["verdict"], found["root"], found["messages"], found["repair"]) == ("loads", "Tagger", [], [])
    assert found["not_compared"] == []


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("module.", 'k.removeprefix("module.")'),
        ("_orig_mod.", 'k.removeprefix("_orig_mod.")'),
        ("module._orig_mod.", 'k.removeprefix("module.").removeprefix("_orig_mod.")'),
        ("net.", 'k.removeprefix("net.")'),
    ],
)
def test_a_prefix_is_stripped(cli: Cli, prefix: str, code: str) -> None:
    found = said(cli, {f"{prefix}{name}": array for name, array in state().items()})
    assert found["verdict"] == "loads-after-repair"
    assert found["repair"] == [
        'state = safetensors.torch.load_file("a")',
        f"state = {{{code}: v for k, v in state.items()}}",
    ]
    assert found["messages"][0] == "Error(s) in loading state_dict for Tagger:"
    assert found["messages"][1].startswith('Missing key(s) in state_dict: "embedding.weight", "lstm.weight_ih_l0", ')


def test_other_layers_of_another_size(cli: Cli) -> None:
    found = said(cli, state(fc__weight=(5, 4), fc__bias=(5,)))
    assert (found["verdict"], found["repair"]) == ("does-not-load", [])
    assert found["messages"] == [
        "Error(s) in loading state_dict for Tagger:",
        (
            "size mismatch for fc.weight: copying a param with shape torch.Size([5, 4]) from checkpoint, "
            "the shape in current model is torch.Size([2, 4])."
        ),
        (
            "size mismatch for fc.bias: copying a param with shape torch.Size([5]) from checkpoint, "
            "the shape in current model is torch.Size([2])."
        ),
    ]
    assert "size mismatch: fc.weight is [5, 4] in the file, [2, 4] in the model" in found["causes"]


def test_an_lstm_of_another_size_names_its_module_and_the_call_that_fits(cli: Cli) -> None:
    write_safetensors(Path("a"), state())
    ran = cli("diff", "a", "model.txt", "--hidden", "9", "--json")
    found = json.loads(ran.out)
    assert (ran.code, found["verdict"], found["repair"]) == (1, "does-not-load", ["nn.LSTM(3, 4)  # lstm, model.txt:3"])
    assert found["messages"][1].startswith("size mismatch for lstm.weight_ih_l0: copying")
    assert found["modules"][0]["load_state_dict"] == found["messages"][1:]


def test_a_renamed_module(cli: Cli) -> None:
    found = said(cli, state("encoder."))
    assert found["verdict"] == "loads-after-repair"
    assert found["repair"][1] == (
        'state = {"lstm." + k.removeprefix("encoder.") if k.startswith("encoder.") else k: v for k, v in state.items()}'
    )
    assert found["causes"] == ["`encoder.` in the file is `lstm.` in the model"]


def test_layers_that_one_side_alone_has(cli: Cli) -> None:
    found = said(cli, state() | {"head.weight": np.ones((7, 7), np.float32)})
    assert found["messages"][1:] == ['Unexpected key(s) in state_dict: "head.weight". ']
    assert (found["verdict"], found["causes"]) == ("does-not-load", ["the model has no place for head.weight"])
    found = said(cli, {name: array for name, array in state().items() if name != "fc.bias"})
    assert found["messages"][1:] == ['Missing key(s) in state_dict: "fc.bias". ']
    assert (found["verdict"], found["causes"]) == ("does-not-load", ["the file lacks fc.bias"])


def test_what_a_class_does_not_print_is_not_compared(cli: Cli) -> None:
    """A class of the user's own may have parameters that `print` does not show; a Linear has none."""
    found = said(cli, state() | {"scale": np.ones(3, np.float32)}, code=0)
    assert (found["verdict"], found["not_compared"], found["messages"]) == ("loads", ["scale"], [])
    assert "1 other tensor not compared" in cli("diff", "a", "model.txt").out
    found = said(cli, state() | {"fc.scale": np.ones(3, np.float32)})
    assert (found["verdict"], found["messages"][1:]) == (
        "does-not-load",
        ['Unexpected key(s) in state_dict: "fc.scale". '],
    )


def test_an_averaged_model(cli: Cli) -> None:
    averaged = {f"module.{name}": array for name, array in state().items()} | {"n_averaged": np.array(3)}
    found = said(cli, averaged)
    assert found["verdict"] == "loads-after-repair"
    assert found["repair"][1].endswith('for k, v in state.items() if k != "n_averaged"}')
    assert found["causes"] == [
        "keys begin with `module.`, which AveragedModel adds",
        "`n_averaged`, which AveragedModel adds, is left out",
    ]


@pytest.mark.parametrize(("source", "kind"), [("nn.LSTM(3, 4)", "LSTM"), ("nn.LSTM(3, 5)", "LSTM")])
def test_an_lstm_alone_says_what_was_not_compared(cli: Cli, source: str, kind: str) -> None:
    fits = source == "nn.LSTM(3, 4)"
    found = said(cli, state(), source, code=0 if fits else 1)
    assert found["verdict"] == ("lstm-matches" if fits else "does-not-load")
    assert (found["root"], found["not_compared"]) == (kind, list(OTHER))
    assert (found["messages"] == []) is fits
    assert found["repair"] == ([] if fits else ["nn.LSTM(3, 4)"])


CODE = """
import torch.nn as nn

class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 3)
        self.lstm = nn.LSTM(3, 4)
        self.fc = nn.Linear(4, 2)
"""


def test_of_code_whole_models_are_compared(cli: Cli) -> None:
    Path("model.py").write_text(CODE, encoding="utf-8")
    found = said(cli, state(), "model.py", code=0)
    assert (found["verdict"], found["root"], found["not_compared"]) == ("loads", "Tagger", [])
    found = said(cli, state(fc__weight=(3, 4)), "model.py")
    assert found["causes"] == ["size mismatch: fc.weight is [3, 4] in the file, [2, 4] in the model"]
    found = said(cli, state() | {"extra.weight": np.ones(3, np.float32)}, "model.py")
    assert found["messages"][1:] == ['Unexpected key(s) in state_dict: "extra.weight". ']
    found = said(cli, {f"module.{name}": array for name, array in state().items()}, "model.py")
    assert (found["verdict"], found["not_compared"]) == ("loads-after-repair", [])


def test_of_code_that_is_not_known_whole_the_lstms_and_known_layers_are_compared(cli: Cli) -> None:
    source = CODE.replace("nn.Linear(4, 2)", "Head(4)").replace("import", "from heads import Head\nimport", 1)
    Path("model.py").write_text(source, encoding="utf-8")
    found = said(cli, state(), "model.py", code=0)
    assert (found["verdict"], found["not_compared"]) == ("lstm-matches", ["fc.weight", "fc.bias"])
    assert said(cli, state(embedding__weight=(51, 3)), "model.py")["verdict"] == "does-not-load"


def test_a_file_is_loaded_as_its_code_loads_it(cli: Cli) -> None:
    Path("model.py").write_text(f"{CODE}\nmodel = nn.DataParallel(Tagger())\n", encoding="utf-8")
    assert said(cli, {f"module.{name}": array for name, array in state().items()}, "model.py", code=0)
    Path("model.py").write_text(f"{CODE}\nname = 'a'.replace('a', 'b')\n", encoding="utf-8")
    found = said(cli, {f"module.{name}": array for name, array in state().items()}, "model.py")
    assert found["verdict"] == "loads-after-repair"  # code that replaces something else repairs no key


def test_of_several_classes_the_instantiated_one_is_the_root(cli: Cli) -> None:
    outer = "class Outer(nn.Module):\n    def __init__(self):\n        self.tagger = Tagger()\n\nnet = Outer()\n"
    Path("model.py").write_text(CODE + outer, encoding="utf-8")
    found = said(cli, {f"tagger.{name}": array for name, array in state().items()}, "model.py", code=0)
    assert (found["verdict"], found["root"]) == ("loads", "Outer")


def test_of_several_printed_models_that_whose_keys_agree_most_is_compared(cli: Cli) -> None:
    Path("model.txt").write_text(TAGGER.replace("Tagger", "First").replace("lstm", "rnn") + TAGGER, encoding="utf-8")
    write_safetensors(Path("a"), state())
    ran = cli("diff", "a", "model.txt", "--json")
    assert json.loads(ran.out)["root"] == "Tagger"
    assert "compared with Tagger, whose keys agree most, not with First" in ran.err


def test_a_picked_lstm_is_compared_alone(cli: Cli) -> None:
    write_safetensors(Path("a"), state(fc__weight=(5, 4)))
    ran = cli("diff", "a", "model.txt", "--module", "lstm", "--json")
    assert (ran.code, json.loads(ran.out)["verdict"]) == (0, "lstm-matches")


def test_a_nested_state_dict(cli: Cli) -> None:
    found = json.loads(cli("diff", str(DATA / "lightning.pt"), str(DATA / "state_dict_legacy.pt"), "--json").out)
    assert found["verdict"] == "loads-after-repair"
    assert found["repair"][0].endswith('lightning.pt")["state_dict"]')
    assert found["repair"][1] == 'state = {k.removeprefix("model."): v for k, v in state.items()}'
    assert '"epoch"' in found["messages"][1]


def test_what_run_saves_is_compared_with_its_outputs(cli: Cli) -> None:
    for seed in ("0", "1"):
        assert cli("run", "--input", "3", "--hidden", "4", "--seed", seed, "--save", f"{seed}.npz").code == 0
    assert cli("diff", "0.npz", "0.npz", "--values").code == 0
    ran = cli("diff", "0.npz", "1.npz", "--values", "--json")
    found = json.loads(ran.out)
    assert (ran.code, found["verdict"]) == (1, "loads")
    assert [row["name"] for row in found["others"]] == ["input", "h_0", "c_0", "output", "h_n", "c_n"]
    assert {row["status"] for row in found["others"]} == {"different"}
    assert "NUMBERS DIFFER" in cli("diff", "0.npz", "1.npz", "--values").out
    assert cli("diff", "0.npz", "nn.LSTM(3, 4)").code == 0


def test_numbers_are_compared_in_blocks_with_a_bar(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_numbers, "BLOCK", 7)
    told: list[tuple[int, int]] = []
    bar = nullcontext(lambda *steps: told.append(steps))
    monkeypatch.setattr(command, "shown_progress", lambda _: bar)
    write_safetensors(Path("a"), state())
    changed = state()
    changed["embedding.weight"][40, 1] += 0.25
    write_safetensors(Path("b"), changed)
    found = json.loads(cli("diff", "a", "b", "--values", "--json").out)
    assert {row["name"]: row["max_abs_difference"] for row in found["others"]} == {
        "embedding.weight": 0.25,
        "fc.weight": 0,
        "fc.bias": 0,
    }
    whole = 4 * 4 * (3 + 4 + 2) + 50 * 3 + 2 * 4 + 2
    assert {total for _, total in told} == {whole}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (whole, whole)
    assert len(told) > 40


def test_one_bar_goes_over_all_pairs_and_what_is_converted(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    bar = nullcontext(lambda *steps: told.append(steps))
    monkeypatch.setattr(command, "shown_progress", lambda _: bar)
    lstms = {f"{name}.{key}": array for name in ("a", "b") for key, array in state("").items() if key not in OTHER}
    write_safetensors(Path("two"), lstms)
    assert cli("diff", "two", "two", "--values").code == 0
    assert told[-1] == (2 * 16 * 9, 2 * 16 * 9)
    told.clear()
    keras = pack({name: array for name, array in state("").items() if name not in OTHER}, LSTMConfig(3, 4), "keras")
    write_safetensors(Path("keras"), {f"lstm/{name}": array for name, array in keras.items()})
    write_safetensors(Path("torch"), state())
    assert cli("diff", "torch", "keras", "--values").code == 0
    assert told[-1][0] == told[-1][1] > 0


def test_what_a_comparison_of_whole_models_says_is_no_note(cli: Cli) -> None:
    write_safetensors(Path("a"), {f"module.{name}": array for name, array in state().items()})
    wrapped = 'note: names begin with module, which DataParallel adds; strip it: {k.removeprefix("module."): v ...}\n'
    beside = "note: a also contains 3 tensors outside the LSTM (160 numbers)\n"
    assert cli("diff", "a", "model.txt").err == ""
    assert cli("diff", "a", "nn.LSTM(3, 4)").err == wrapped + beside
    assert cli("params", "a").err == wrapped + beside


def test_no_row_is_equal_and_apart(cli: Cli) -> None:
    write_safetensors(Path("a"), state())
    write_safetensors(Path("b"), {name: array + np.float32(0.5) for name, array in state().items()})
    out = cli("diff", "a", "b", "--values").out
    assert [line for line in out.splitlines() if " 0.5 " in line and "equal" in line] == []


def test_counts_of_batches_that_old_files_lack() -> None:
    norm = Module("norm", "BatchNorm1d", {"running_mean": (3,), "num_batches_tracked": ()}, tracks=True)
    model = Model("Net", [Module("", "Net", {}, whole=False), norm])
    old = {"norm.running_mean": (3,)}
    assert load(model, old).fine
    assert load(model, old, {"norm": 2}).missing == ["norm.num_batches_tracked"]


def test_two_modules_that_are_alike_are_taken_in_order() -> None:
    model = model_of_state({"a.x.weight": (3, 2), "b.x.weight": (3, 2)})
    tried = best_repair(model, {"c.x.weight": (3, 2), "d.x.weight": (3, 2)})
    assert tried.full
    assert tried.repair.names == {"c.x.weight": "a.x.weight", "d.x.weight": "b.x.weight"}
    assert any("in order" in cause for cause in tried.repair.causes)
