"""What is wrong in what the writers of ONNX and C write is caught by the proof of `convert`, which leaves no file."""

import json
from collections.abc import Callable, Sequence
from errno import ENOSPC
from itertools import permutations
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.commands.convert import making
from lstmcalc.numerics import convert
from lstmcalc.writers import c, c_code, c_runs, onnx
from lstmcalc.writers.target import Portable
from tools.shell import Ran
from tools.weight_writers import full_weights

Cli = Callable[..., Ran]
Arrays = dict[str, Any]
MODEL = ("--input", "2", "--hidden", "2", "--bi", "--seed", "1", "--batch-first")
ORDERS = [order for order in permutations(range(4)) if order != (0, 1, 2, 3)]
compiled = pytest.mark.skipif(not c_runs.compiler(), reason="no C compiler (cc, gcc, clang) is installed")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(making, "explanations_of", lambda *_: [])  # which takes longest, and other tests ask for


def reordered(order: Sequence[int], array: Any, axis: int, parts: int = 1) -> Any:
    """An array with its gates in another order; `parts` of it have each their gates."""
    halves = np.split(array, parts, axis)
    blocks = [np.split(half, 4, axis)[index] for half in halves for index in order]
    return np.concatenate(blocks, axis)


def wrong_onnx(arrays: Arrays, fault: str, order: Sequence[int]) -> Arrays:
    for name in list(arrays):
        if fault == "gates":
            arrays[name] = reordered(order, arrays[name], 1, 2 if name.endswith("B") else 1)
        elif fault == "bias" and name.endswith("B"):
            arrays[name][:, arrays[name].shape[1] // 2 :] = 0
        elif fault == "directions":
            arrays[name] = arrays[name][::-1]
        elif fault == "transposed" and name.endswith("R"):
            arrays[name] = np.concatenate([part.swapaxes(1, 2) for part in np.split(arrays[name], 4, 1)], 1)
    return arrays


def wrong_c(arrays: Arrays, fault: str, order: Sequence[int]) -> Arrays:
    own = dict(arrays)
    for name, array in own.items():
        other = name.removesuffix("_reverse") if name.endswith("_reverse") else f"{name}_reverse"
        if fault == "gates":
            arrays[name] = reordered(order, array, 0)
        elif fault == "bias" and name.startswith("bias"):
            arrays[name] = 0 * array
        elif fault == "directions":
            arrays[name] = own[other]
        elif fault == "transposed" and "_hh_" in name:
            arrays[name] = np.concatenate([part.T for part in np.split(array, 4)])
    return arrays


def refuted(cli: Cli, path: str, *flags: str) -> bool:
    ran = cli("convert", *MODEL, "-o", path, *flags)
    assert ran.code in (0, 1), ran.err
    assert Path(path).exists() == (ran.code == 0)
    assert ("NOT CONVERTED" in ran.out) == (ran.code == 1)
    return ran.code == 1


@pytest.mark.parametrize("kind", ["onnx", pytest.param("h", marks=compiled)])
def test_both_proofs_are_given_of_a_module_of_any_name(kind: str, cli: Cli) -> None:
    config = LSTMConfig(3, 4, 2)
    arrays: dict[str, Any] = {f"encoder.rnn.{name}": array for name, array in full_weights(config).items()}
    np.savez("model.npz", **arrays)
    ran = cli("convert", "model.npz", "--dtype", "float32", "-o", f"lstm.{kind}", "--json")
    (ours, theirs) = json.loads(ran.out)["proven_by"]
    assert ours == "read back by lstmcalc"
    assert theirs.startswith("run in ONNX Runtime" if kind == "onnx" else "run in a program that ")
    assert "not run" not in ran.err


def _refused_by_its_program(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a writer make files that are read back as they should be, and that the target's program does not take."""
    if kind == "onnx":
        monkeypatch.setattr("lstmcalc.writers.onnx._OPSET", 9999)
        return
    whole = c.header_lines
    monkeypatch.setattr(c, "header_lines", lambda lstm: [*whole(lstm), "#error this is refused"])


@pytest.mark.parametrize("kind", ["onnx", pytest.param("h", marks=compiled)])
def test_a_file_that_its_program_refuses_is_not_left(kind: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    _refused_by_its_program(kind, monkeypatch)
    assert not refuted(cli, f"unasked.{kind}", "--no-against")
    assert refuted(cli, f"lstm.{kind}")
    report = json.loads(cli("convert", *MODEL, "-o", f"lstm.{kind}", "--json").out)
    assert (report["written"], report["load"]) == (None, [])
    assert report["proof"][-1] == {"name": "file", "max_abs_error": None, "allowed": 0.0, "passed": False}
    (said,) = report["explanations"]
    assert " failed, " in said
    assert "--no-against does not ask it" in said


@compiled
@pytest.mark.parametrize("reason", ["memory", "disk", "time", "no C library"])
def test_a_program_that_fails_for_a_known_reason_refutes_nothing(
    reason: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = {
        "memory": MemoryError(),
        "disk": OSError(ENOSPC, "No space left on device"),
        "time": TimeoutExpired("cc", 300),
        "no C library": RuntimeError("cc gives 1: fatal error: math.h: No such file or directory"),
    }

    def fail(*_: object) -> None:
        raise errors[reason]

    monkeypatch.setattr(c_runs, "_call" if reason == "no C library" else "_results", fail)
    ran = cli("convert", *MODEL, "-o", "lstm.h", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["written"], report["proven_by"]) == (0, "lstm.h", ["read back by lstmcalc"])
    (note,) = [note for note in report["modules"][0]["notes"] if note.startswith("not run: ")]
    assert ("compiles no program here" if reason == "no C library" else "failed") in note


@pytest.mark.parametrize("kind", ["onnx", "h"])
def test_each_wrong_order_of_gates(kind: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not refuted(cli, f"right.{kind}", "--no-against")
    assert len(ORDERS) == 23
    for order in ORDERS:
        assert injected(kind, "gates", order, cli, monkeypatch), order


@pytest.mark.parametrize("kind", ["onnx", "h"])
@pytest.mark.parametrize("fault", ["bias", "directions", "transposed"])
def test_other_faults(fault: str, kind: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert injected(kind, fault, (0, 1, 2, 3), cli, monkeypatch)


def injected(kind: str, fault: str, order: Sequence[int], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> bool:
    arrays = c.stored_arrays
    with monkeypatch.context() as patched:
        patched.setattr(onnx, "pack", lambda *given: wrong_onnx(convert.pack(*given), fault, order))
        patched.setattr(c, "stored_arrays", lambda lstm: wrong_c(arrays(lstm), fault, order))
        return refuted(cli, f"wrong.{kind}", "--no-against")


@pytest.mark.parametrize(("op", "output"), [("Concat", "h_n"), ("Transpose", "output")])
def test_a_graph_that_is_wired_wrongly_is_caught_where_it_is_run(
    op: str, output: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = onnx.node

    def wrong(kind: str, inputs: Sequence[str], outputs: Sequence[str], name: str = "", **more: Any) -> Any:
        if (kind, outputs[0]) == (op, output):
            inputs, more = (inputs[::-1], more) if op == "Concat" else (inputs, {"perm": [0, 1, 2]})
        return made(kind, inputs, outputs, name, **more)

    monkeypatch.setattr(onnx, "node", wrong)
    assert refuted(cli, "wired.onnx", "--layers", "2")


@compiled
@pytest.mark.parametrize(
    ("here", "there"), [("OWN_gate(a[3])", "OWN_gate(a[2])"), ("OWN_squash(c[n])", "c[n]"), (" + from_h", "")]
)
def test_code_that_computes_something_else_is_caught_where_it_is_run(
    here: str, there: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = c_code.cell_code

    def wrong(lstm: Portable, names: c_code.Names) -> list[str]:
        lines = "\n".join(made(lstm, names))
        old, new = (text.replace("OWN", names.own) for text in (here, there))
        assert old in lines
        return lines.replace(old, new).replace("const float from_h", "float from_h").split("\n")

    monkeypatch.setattr(c, "cell_code", wrong)
    assert refuted(cli, "code.h")
