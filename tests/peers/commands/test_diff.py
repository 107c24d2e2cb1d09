"""`lstmcalc diff` says what `load_state_dict` of PyTorch says, word by word."""

import json
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lstmcalc import LSTMConfig
from tools.live import installed
from tools.shell import Ran
from tools.whole_models import carried_out, complaint_lines, drawn_pair

pytestmark = pytest.mark.peers

Cli = Callable[..., Ran]


def drawn(draw: random.Random) -> LSTMConfig:
    """An LSTM of few sizes, so that two of them are often alike in something."""
    hidden = draw.choice((3, 4))
    return LSTMConfig(
        draw.choice((2, 5)),
        hidden,
        draw.choice((1, 2, 3)),
        bias=draw.random() < 0.7,
        bidirectional=draw.random() < 0.5,
        proj_size=draw.choice((0, 0, 2)),
    )


def made(torch: Any, config: LSTMConfig) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nn.LSTM(**vars(config))


def complaint(model: Any, state: Any) -> str:
    """What PyTorch says when it loads a state dict; empty if it loads."""
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        return str(error)
    return ""


def told(cli: Cli, *arguments: str) -> tuple[str, int, dict[str, Any]]:
    """What `diff` says in the form that PyTorch has, its exit code, and the whole of it."""
    ran = cli("diff", *arguments, "--json")
    (module,) = json.loads(ran.out)["modules"]
    lines = module["load_state_dict"]
    head = "Error(s) in loading state_dict for LSTM:\n\t"
    return head + "\n\t".join(lines) if lines else "", ran.code, module


@pytest.mark.parametrize("block", range(20))
def test_whole_models_load_as_it_says(cli: Cli, block: int, tmp_path: Path) -> None:
    """The verdict, every word, and the repair, which is carried out; 20 models at a time."""
    torch = installed("torch")
    seen = 0
    for seed in range(20 * block, 20 * block + 20):
        pair = drawn_pair(torch, seed)
        torch.save(pair.saved, tmp_path / "a.pt")
        (tmp_path / "model.txt").write_text(f"{pair.model}\n", encoding="utf-8")
        lines = complaint_lines(pair.model, torch.load(tmp_path / "a.pt", weights_only=False))
        ran = cli("diff", str(tmp_path / "a.pt"), str(tmp_path / "model.txt"), "--json")
        if "no LSTM" in ran.err:  # another model, or one that has lost it
            assert not pair.repairable
            continue
        seen += 1
        found = json.loads(ran.out)
        assert (found["messages"], found["root"]) == (lines, type(pair.model).__name__), (seed, pair.way)
        assert (found["verdict"] == "loads") is (ran.code == 0) is (not lines), (seed, pair.way)
        assert found["verdict"] != "lstm-matches"
        if found["verdict"] == "loads-after-repair":
            (state,) = carried_out(torch, found["repair"])
            assert complaint_lines(pair.model, state) == [], (seed, pair.way)
        assert found["verdict"] != "does-not-load" or not pair.repairable, (seed, pair.way)
        for line in found["repair"]:
            if line.startswith("nn."):
                eval(line.partition("#")[0], {"nn": torch.nn})  # a call that PyTorch takes
    assert seen >= 16


@pytest.mark.parametrize("seed", range(30))
def test_whole_files_load_as_it_says(cli: Cli, seed: int, tmp_path: Path) -> None:
    """A file against the file of the model: the same keys, whose order PyTorch's modules decide."""
    torch = installed("torch")
    pair = drawn_pair(torch, seed)
    torch.save(pair.saved, tmp_path / "a.pt")
    torch.save(pair.model.state_dict(), tmp_path / "b.pt")
    lines = complaint_lines(pair.model, torch.load(tmp_path / "a.pt", weights_only=False))
    ran = cli("diff", str(tmp_path / "a.pt"), str(tmp_path / "b.pt"), "--json")
    if "no LSTM" in ran.err:
        return
    found = json.loads(ran.out)
    assert (found["verdict"] == "loads") is (ran.code == 0) is (not lines), pair.way
    assert sorted(words(found["messages"])) == sorted(words(lines[1:])), pair.way
    if found["verdict"] == "loads-after-repair":
        (state,) = carried_out(torch, found["repair"])
        assert complaint_lines(pair.model, state) == [], pair.way


def words(lines: list[str]) -> list[str]:
    return [word.strip('".,:') for line in lines for word in line.split()]


@pytest.mark.parametrize("seed", range(30))
def test_the_same_words_as_pytorch(cli: Cli, seed: int, tmp_path: Path) -> None:
    torch, draw = installed("torch"), random.Random(seed)  # noqa: S311  # no secret
    here, there = drawn(draw), drawn(draw)
    state = made(torch, here).state_dict()
    path = str(tmp_path / "a.pt")
    prefix = draw.choice(("", "encoder."))
    torch.save({f"{prefix}{name}": value for name, value in state.items()}, path)
    text, code, module = told(cli, path, f"nn.{there}")
    assert text == complaint(made(torch, there), state)
    assert code == (1 if text else 0)
    assert bool(module["causes"]) is bool(text)
    torch.save(made(torch, there).state_dict(), tmp_path / "b.pt")
    if not prefix:
        assert told(cli, path, str(tmp_path / "b.pt"))[0] == text


@pytest.mark.parametrize("seed", range(10))
def test_the_same_words_of_a_file_that_lacks_some_and_has_others(cli: Cli, seed: int, tmp_path: Path) -> None:
    torch, draw = installed("torch"), random.Random(seed)  # noqa: S311  # no secret
    config = LSTMConfig(2, 3, 2, bidirectional=True)
    state = dict(made(torch, config).state_dict())
    for name in draw.sample(list(state), 2):
        del state[name]
    state["scale"] = torch.ones(3)
    path = str(tmp_path / "a.pt")
    torch.save(state, path)
    text, code, _ = told(cli, path, f"nn.{config}")
    assert text == complaint(made(torch, config), state) != ""
    assert code == 1


def test_the_same_words_with_a_prefix(cli: Cli, tmp_path: Path) -> None:
    torch = installed("torch")
    lstm = made(torch, LSTMConfig(2, 3))
    bare, wrapped = torch.nn.ModuleDict({"rnn": lstm}), torch.nn.DataParallel(torch.nn.ModuleDict({"rnn": lstm}))
    torch.save(wrapped.state_dict(), tmp_path / "a.pt")
    torch.save(bare.state_dict(), tmp_path / "b.pt")
    text, code, module = told(cli, str(tmp_path / "a.pt"), str(tmp_path / "b.pt"))
    assert text.replace("for LSTM", "for ModuleDict") == complaint(bare, wrapped.state_dict())
    assert code == 1
    assert module["causes"] == ["names differ by the prefix `module.`, which those of a.pt have"]


@pytest.mark.parametrize("way", ["weight_norm", "parametrizations.weight_norm"])
def test_the_same_words_of_weight_norm(cli: Cli, way: str, tmp_path: Path) -> None:
    torch = installed("torch")
    lstm = made(torch, LSTMConfig(2, 3))
    norm = torch.nn.utils.weight_norm if way == "weight_norm" else torch.nn.utils.parametrizations.weight_norm
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        norm(lstm, "weight_hh_l0")
    torch.save(lstm.state_dict(), tmp_path / "a.pt")
    text, _, module = told(cli, str(tmp_path / "a.pt"), "nn.LSTM(2, 3)")
    assert text == complaint(made(torch, LSTMConfig(2, 3)), lstm.state_dict())
    assert "weight_norm" in module["causes"][0]


def test_a_keras_file_is_held_against_pytorch(cli: Cli, tmp_path: Path) -> None:
    keras = installed("keras")
    model = keras.Sequential([keras.Input((None, 5)), keras.layers.Bidirectional(keras.layers.LSTM(4))])
    path = str(tmp_path / "a.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of JAX's arrays
        model.save(path)
    text, code, module = told(cli, path, "nn.LSTM(5, 4, bidirectional=True)")
    assert (text, code, module["mapped"], module["framework"]) == ("", 0, True, "pytorch")
    text, code, module = told(cli, path, "nn.LSTM(5, 4)")
    assert code == 1
    assert module["causes"] == ["the file is bidirectional, the model is not"]
    assert '"weight_ih_l0_reverse"' in text
    text, code, module = told(cli, path, "keras.layers.Bidirectional(keras.layers.LSTM(4))")
    assert (text, code, module["mapped"], module["framework"]) == ("", 0, False, "keras")
