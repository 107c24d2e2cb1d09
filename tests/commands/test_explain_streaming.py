"""What `explain streaming` says, and the loops that it shows, executed: NumPy and ONNX Runtime. `peers` has the others."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcalc.commands.explain.command import NAMED
from tools.shell import Ran
from tools.streams import streams

Cli = Callable[..., Ran]


def test_the_loop_of_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for stream in streams(30, unbatched=False):
        np.savez("run.npz", **stream.weights)
        assert stream.apart("numpy", {}) < 1e-6
        for wrong in ((" + h[n] @", " + 0 * h[n] @"), ("sigmoid(f) * c[n] +", "")):
            assert stream.apart("numpy", {}, wrong) > 1e-4


def test_two_directions_have_no_loop(cli: Cli) -> None:
    (module,) = json.loads(cli("explain", "streaming", "--bi", "--json").out)["modules"]
    assert module["code"] == []
    texts = [row["text"] for row in module["facts"]]
    assert texts[:2] == ["not with this LSTM: every output needs the last step", "its reverse direction begins there"]


def test_programs_without_a_projection_have_no_loop_for_one(cli: Cli) -> None:
    for flags, names in (((), ["pytorch", "keras", "onnxruntime", "numpy"]), (("--proj", "3"), ["pytorch", "numpy"])):
        (module,) = json.loads(cli("explain", "--topic", "streaming", *flags, "--json").out)["modules"]
        assert [row["framework"] for row in module["code"]] == names
        said = [row["text"] for row in module["facts"] if row["label"] == "projection"]
        assert said == (["Keras and the LSTM of ONNX have none"] if flags else [])


def test_words_that_mean_it(cli: Cli) -> None:
    shown = cli("explain", "streaming").out
    assert max(map(len, shown.splitlines())) <= 80
    words = [word for word, topic in NAMED.items() if topic == "streaming"]
    assert {"stateful", "chunks"} <= set(words)
    assert {cli("explain", word).out for word in words} == {shown}


@pytest.mark.parametrize("flags", [("--hidden", "1234567890"), ("--layers", "9223372036854775807"), ("--batch", "0")])
def test_any_size(cli: Cli, flags: tuple[str, ...]) -> None:
    assert cli("explain", "streaming", *flags).code == 0
