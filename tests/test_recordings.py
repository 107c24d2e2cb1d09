"""The JSON of every command, to the byte: what programs that read it rely on.

`--overwrite` replaces the recordings; a difference is to be looked at before it is kept, since keys are a contract.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcalc import LSTMConfig, __version__, forward
from lstmcalc.commands.registry import GROUPS
from tools.shell import TESTS, Ran
from tools.weight_writers import random_weights, write_safetensors

Cli = Callable[..., Ran]
FOLDER = TESTS / "recordings"

TREE = "Net(\n  (embed): Embedding(50, 3)\n  (first): LSTM(3, 4)\n  (second): LSTM(4, 2, bidirectional=True)\n)"
KERAS = "keras.Sequential([keras.Input((7, 5)), keras.layers.LSTM(4, return_sequences=True), keras.layers.LSTM(3)])"
CODE = """\
import torch.nn as nn

HIDDEN = 6
class Tagger(nn.Module):
    def __init__(self, width, layers=2):
        super().__init__()
        self.rnn = nn.LSTM(width, HIDDEN, layers, batch_first=True, dropout=0.1)
        self.cell = nn.LSTMCell(HIDDEN, 3)
model = Tagger(9)
"""
RECORDED = {
    "summary": ("summary", "a.safetensors"),
    "summary-several": ("tagger.py", "lstm.toml"),
    "summary-flags": ("--hidden", "5", "--layers", "2", "--bi", "--head", "3"),
    "shapes": ("shapes",),
    "shapes-packed": ("shapes", "--bi", "--layers", "2", "--lengths", "4,2,3", "--batch-first", "--dtype", "float16"),
    "shapes-keras": ("shapes", "--framework", "keras", "--layers", "2", "--bi", "--head", "7"),
    "shapes-tree": ("shapes", TREE, "--unbatched"),
    "params": ("params", "--hidden", "5", "--layers", "2", "--bi", "--proj", "3"),
    "params-gate": ("params", "--gate", "f", "--framework", "flax-linen", "--embed", "100"),
    "params-code": ("params", "tagger.py"),
    "params-file": ("params", "a.safetensors"),
    "params-toml": ("params", "lstm.toml"),
    "explain": ("explain", "--hidden", "5", "--layers", "2", "--bi", "--head", "10", "--embed", "30"),
    "explain-packed": ("explain", "--topic", "packing,states", "--lengths", "3,5,2"),
    "explain-keras": ("explain", KERAS, "--topic", "equations,around"),
    "frameworks": ("frameworks", "--layers", "2"),
    "frameworks-only": ("frameworks", "--only", "keras,pytorch,flax-linen", "--bi"),
    "cost": ("cost", "--layers", "2", "--bi", "--optimizer", "adamw"),
    "cost-packed": ("cost", "tagger.py", "--lengths", "5,3,2", "--head", "10", "--input-grad"),
    "solve": ("solve", "hidden", "--params", "1M", "--input", "128"),
    "solve-train": ("solve", "batch", "--memory", "2GiB", "--macs", "1T", "--train", "--hidden", "512"),
    "sweep": ("sweep", "--hidden", "64,128", "--layers", "1:2", "--show", "params,weights,macs,memory,saved"),
    "run": ("run", "--seed", "3", "--bi"),
    "run-trace": ("run", "--hidden", "2", "--lengths", "2,1", "--trace", "--show", "--head", "2"),
    "run-file": ("run", "a.safetensors", "--seq", "2", "--batch", "1"),
    "run-expect": ("run", "a.safetensors", "--input", "x.npy", "--expect", "y.npy"),
    "convert": ("convert", "a.safetensors", "--to", "keras", "-o", "lstm.npz", "--no-against"),
    "convert-into": ("convert", "a.safetensors", "--into", "b.safetensors", "-o", "c.safetensors", "--no-against"),
    "ls": ("ls", "a.safetensors", "--stats"),
    "diff": ("diff", "a.safetensors", "nn.LSTM(3, 5, 2)"),
    "diff-fits": ("diff", "a.safetensors", "--input", "3", "--hidden", "4", "--bi"),
    "diff-values": ("diff", "a.safetensors", "b.safetensors", "--values", "--tolerance", "1e-3"),
    "diff-code": ("diff", "tagger.py", "nn.LSTM(9, 5, 2)", "--module", "rnn"),
}
# What was computed in floating point, which another processor rounds in another way.
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?|-?\d+e-\d+")


def put_files(folder: Path) -> None:
    """The files that the commands name."""
    config = LSTMConfig(3, 4, bidirectional=True)
    for seed, name in enumerate(("a", "b")):
        arrays = {f"encoder.rnn.{key}": array.astype("float32") for key, array in random_weights(config, seed).items()}
        write_safetensors(folder / f"{name}.safetensors", {**arrays, "fc.weight": arrays["encoder.rnn.weight_hh_l0"]})
    x = np.random.default_rng(2).normal(size=(4, 2, 3))
    other = {  # as if the rows were ONNX's
        name: np.concatenate([np.split(array, 4)["iofg".index(gate)] for gate in "ifgo"])
        for name, array in random_weights(config, 0).items()
    }
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", forward(config, other, x)[0].astype("float32"))
    (folder / "tagger.py").write_text(CODE, encoding="utf-8")
    (folder / "lstm.toml").write_text(
        "[lstm]\ninput_size = 7\nhidden_size = 3\n\n[data]\nbatch = 2\n", encoding="utf-8"
    )


@pytest.mark.parametrize("name", RECORDED)
def test_the_json_of_every_command_is_as_it_was(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    put_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    ran = cli(*RECORDED[name], "--json")
    assert ran.code == (1 if name in ("diff", "diff-values", "diff-code", "run-expect") else 0), ran.err
    assert f'"lstmcalc": "{__version__}"' in ran.out
    out = ran.out.replace(f'"lstmcalc": "{__version__}"', '"lstmcalc": "version"')
    path = FOLDER / f"{name}.json"
    if request.config.getoption("--overwrite"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(out, encoding="utf-8")
    recorded = path.read_text(encoding="utf-8")
    if RECORDED[name][0] not in ("run", "ls", "diff", "convert"):
        assert out == recorded
        return
    assert NUMBER.sub("#", out) == NUMBER.sub("#", recorded)
    for found, wanted in zip(NUMBER.findall(out), NUMBER.findall(recorded), strict=True):
        # Errors of a computation are around 1e-7, and stand beside the limit that they keep.
        assert float(found) == pytest.approx(float(wanted), rel=1e-4, abs=2e-6)


def test_every_command_is_recorded(cli: Cli) -> None:
    shown = cli("-h").out
    listed = {name for group in GROUPS for name in re.findall(r"^  (\w+)  ", _section(shown, group), re.MULTILINE)}
    assert listed == {words[0] for name, words in RECORDED.items() if not name.startswith("summary-")}


def _section(text: str, title: str) -> str:
    """A section of a help text."""
    found = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.MULTILINE)
    assert found
    return found[1]


def test_no_recording_is_left_over() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == RECORDED.keys()


def test_recordings_are_documents() -> None:
    for path in FOLDER.iterdir():
        tree = json.loads(path.read_text(encoding="utf-8"))
        assert [*list(tree)[:3], list(tree)[-1]] == ["schema", "lstmcalc", "command", "modules"], path
