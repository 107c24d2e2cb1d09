"""Other frameworks on the command line: every command, every format, and what is refused."""

import ast
import csv
import json
import re
from collections.abc import Callable
from math import prod
from typing import Any

import pytest

from lstmcalc.frameworks.catalog import ALIASES, LAYOUTS
from lstmcalc.report.document import FORMATS
from tools.examples import is_thorough
from tools.shell import Ran, run_lstmcalc

Cli = Callable[..., Ran]
STACK = ("--hidden", "20", "--layers", "2", "--bi")


def report_of(cli: Cli, *arguments: str) -> dict[str, Any]:
    ran = cli(*arguments, "--json")
    assert ran.code == 0, ran.err
    module: dict[str, Any] = json.loads(ran.out)["modules"][0]
    return module


REPORTS: list[tuple[str, ...]] = [
    *(("params", "--framework", name) for name in LAYOUTS),
    *(("shapes", "--framework", name) for name in LAYOUTS),
    ("frameworks",),
    ("frameworks", "--only", "tf1"),
    ("frameworks", "--only", "torch,tf,onnx"),
    ("frameworks", "--only", "matlab,onednn,flax-nnx"),
]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "style"),
    [
        pytest.param(arguments, style, id=" ".join((*arguments, style)))
        for at, arguments in enumerate(REPORTS)
        for number, style in enumerate(FORMATS)
        if is_thorough() or arguments[0] == "frameworks" or (at + number) % 2 == 0
    ],
)
def test_every_format_of_every_report(cli: Cli, arguments: tuple[str, ...], style: str) -> None:
    ran = cli(*arguments, *STACK, "--format", style)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.isprintable() or ran.out.isascii() or "─" in ran.out
    if style == "csv":
        for section in ran.out.split("\n\n"):
            assert len({len(row) for row in csv.reader(section.splitlines())}) == 1


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "pytorch"])
def test_the_report_of_parameters_adds_up(cli: Cli, layout: str) -> None:
    module = report_of(cli, "params", "--framework", layout, *STACK)
    assert (module["framework"], module["kind"]) == (layout, LAYOUTS[layout].kind)
    assert sum(prod(row["shape"]) for row in module["parameters"]) == module["total"]
    assert module["total"] == sum(row["count"] for row in module["parameters"] + module["subtotals"]) // 2
    assert module["total"] in (15040, 14720)
    assert module["total_in_pytorch"] == 15040
    assert {row["direction"] for row in module["parameters"]} in ({"forward", "reverse"}, {"both"})
    assert len({tuple(row) for row in module["parameters"]}) == 1  # the same keys


def test_pytorch_by_name_is_pytorch(cli: Cli) -> None:
    assert cli("params", "--framework", "torch").out == cli("params").out
    assert cli("shapes", "--framework", "pytorch", "--json").out == cli("shapes", "--json").out
    assert set(ALIASES) == {"torch", "tf", "tf.keras", "tensorflow", "keras3", "jax", "nnx", "onnxruntime"}
    assert set(ALIASES.values()) <= LAYOUTS.keys()


def test_gates_are_where_the_index_says(cli: Cli) -> None:
    def slices(layout: str, *more: str) -> list[str | None]:
        return [
            row["slice"] for row in report_of(cli, "params", "--framework", layout, "--gate", "o", *more)["parameters"]
        ]

    assert slices("keras") == ["[:, 60:80]", "[:, 60:80]", "[60:80]"]
    assert slices("onnx", "--bi") == ["[:, 20:40]", "[:, 20:40]", "[:, 20:40], [:, 100:120]"]
    assert slices("matlab", "--bi") == ["[60:80], [140:160]"] * 3
    assert slices("onednn") == ["[:, :, :, 3:4]", "[:, :, :, 3:4]", "[:, :, 3:4]"]
    assert slices("flax-linen") == [None, None, None, "[:]"] * 3
    assert slices("tf1") == ["[:, 60:80]", "[60:80]"]


def test_keras_states_and_output(cli: Cli) -> None:
    module = report_of(cli, "shapes", "--framework", "keras", *STACK)
    tensors = {(tensor["name"], tensor["role"]): tensor for tensor in module["tensors"]}
    assert tensors["output", "output"] == {
        "name": "output",
        "role": "output",
        "symbolic": ["N", "D*H_out"],
        "shape": [3, 40],
        "bytes": 480,
        "each": None,
        "copies": 1,
        "when": None,
        "equals": ["np.concatenate([h_n[-2], h_n[-1]], axis=-1)"],
    }
    assert tensors["h", "output"]["equals"] == ["h_n[k]"]
    assert module["states"][3] == {
        "index": 3,
        "layer": 1,
        "direction": "reverse",
        "h_n_equals": "states[1][2]",
        "c_n_equals": "states[1][3]",
    }
    assert "batch_first False" not in cli("shapes", "--framework", "keras").out
    assert "batch_first True" in cli("shapes", "--framework", "keras", "--batch-first").out


def test_integers_have_a_size_of_their_own(cli: Cli) -> None:
    module = report_of(cli, "shapes", "--framework", "openvino", "--dtype", "float16")
    sizes = {tensor["name"]: tensor["bytes"] for tensor in module["tensors"]}
    assert (sizes["sequence_lengths"], sizes["X"]) == (12, 300)


def test_the_table_of_frameworks_says_what_each_stores(cli: Cli) -> None:
    module = report_of(cli, "frameworks", *STACK)
    rows = {row["framework"]: row for row in module["frameworks"]}
    assert list(rows) == list(LAYOUTS)
    assert rows["tf1"]["forget_offset"] == 1
    assert rows["onnx"]["gate_order"] == "i o f g"
    assert rows["cudnn"]["checked"]["how"] == "source"
    assert rows["mlx"]["outputs"] == 2
    patterns = [row["pattern"] for row in module["patterns"] if row["framework"] == "flax-nnx"]
    assert patterns[0] == "layers.{l}.{d}_rnn.cell.i{i,f_,g,o}.kernel"
    assert module["recipes"] == []


def test_frameworks_in_depth_and_the_recipes_between_them(cli: Cli) -> None:
    module = report_of(cli, "frameworks", "--only", "keras,onnx,keras", *STACK)
    assert [row["framework"] for row in module["frameworks"]] == ["keras", "onnx"]
    assert [(recipe["from"], recipe["to"]) for recipe in module["recipes"]] == [("keras", "onnx")]
    assert [row["framework"] for row in module["arrays"]] == ["keras"] * 12 + ["onnx"] * 6
    assert ast.parse(module["recipes"][0]["code"])
    alone = report_of(cli, "frameworks", "--only", "keras")
    assert [(recipe["from"], recipe["to"]) for recipe in alone["recipes"]] == [("pytorch", "keras")]
    assert report_of(cli, "frameworks", "--only", "torch")["recipes"] == []


def test_shapes_in_csv_are_shapes_and_sentences_are_sentences(cli: Cli) -> None:
    assert '"(H_in + H_out, 4*H_cell)","(30, 80)"' in cli("params", "--framework", "tf1", "--format", "csv").out
    assert "; go_backwards=True returns" in cli("frameworks", "--only", "keras", "--format", "csv").out


@pytest.mark.parametrize("style", ["table", "markdown"])
def test_the_code_can_be_pasted_from_what_is_printed(cli: Cli, style: str) -> None:
    out = cli("frameworks", "--only", "keras,tf1", *STACK, "--format", style).out
    code = re.search(r"^import numpy as np\n(.*\n)*?    return tensors\n", out, re.MULTILINE)
    assert code
    assert code[0] == report_of(cli, "frameworks", "--only", "keras,tf1", *STACK)["recipes"][0]["code"]


def test_many_layers_fold_and_stream(cli: Cli) -> None:
    out = cli("frameworks", "--only", "keras,flax-linen", "--layers", "10000", "--full").out
    assert "layers 1 ... 9998" in out
    assert "lstm_9999/lstm_cell/kernel" in out
    assert len(out.splitlines()) < 200
    refused = cli("frameworks", "--only", "keras", "--layers", "400000", "--json")
    assert refused.code == 2
    assert "found 1,200,000 rows, one for each array" in refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "params --framework kears",
            (
                "--framework: no such framework\n"
                "  expected one of the 30 that lstmcalc frameworks shows, e.g. keras or onnx, found 'kears'\n"
                "  hint: did you mean keras?"
            ),
        ),
        (
            "shapes --framework flax",
            (
                "--framework: no such framework\n"
                "  expected one of the 30 that lstmcalc frameworks shows, e.g. keras or onnx, found 'flax'\n"
                "  hint: did you mean flax-linen?"
            ),
        ),
        (
            "frameworks --only keras,,onnx",
            (
                "--only: no such framework\n"
                "  expected one of the 30 that lstmcalc frameworks shows, e.g. keras or onnx, found ''"
            ),
        ),
        (
            "frameworks --only=",
            (
                "--only: no such framework\n"
                "  expected one of the 30 that lstmcalc frameworks shows, e.g. keras or onnx, found ''"
            ),
        ),
        (
            "params --framework=",
            (
                "--framework: no such framework\n"
                "  expected one of the 30 that lstmcalc frameworks shows, e.g. keras or onnx, found ''"
            ),
        ),
        (
            "params --framework onnx --proj 5",
            (
                "--proj and --framework onnx: ONNX LSTM has no projection\n  expected proj_size = 0, found proj_size = 5\n"
                "  hint: these have one: pytorch, tf1, paddle, mxnet, tflite, ncnn, cudnn, onednn"
            ),
        ),
        (
            "frameworks --only tf1,onnx --proj 5",
            (
                "--proj and --only: ONNX LSTM has no projection\n  expected proj_size = 0, found proj_size = 5\n"
                "  hint: these have one: pytorch, tf1, paddle, mxnet, tflite, ncnn, cudnn, onednn"
            ),
        ),
        (
            "shapes --framework keras --unbatched",
            (
                "--framework keras: Keras 3 has no unbatched input\n"
                "  expected input of (N, L, H_in), found input without a batch axis\n"
                "  hint: --batch 1 is the same with a batch axis"
            ),
        ),
        (
            "shapes --framework chainer --unbatched",
            (
                "--framework chainer: Chainer NStepLSTM has no unbatched input\n"
                "  expected input of a list of arrays (L, H_in), found input without a batch axis\n"
                "  hint: --batch 1 is the same with a batch axis"
            ),
        ),
        (
            "shapes --framework mlx --lengths 3,2",
            (
                "--framework mlx: MLX takes no sequences of different lengths\n"
                "  expected every sequence of length L, found 2 lengths from 2 to 3\n"
                "  hint: without lengths, every sequence has L steps"
            ),
        ),
    ],
)
def test_bad_input_in_exact_words(cli: Cli, arguments: str, message: str) -> None:
    assert cli(*arguments.split(" ")) == Ran(2, "", f"error: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (
            "params --framework flax-linen --no-bias",
            "Flax Linen cannot leave out biases: they are counted, and hold zeros",
        ),
        (
            "params --framework haiku --no-bias",
            (
                "Haiku cannot leave out biases: they are counted, and hold zeros, and -1 for the forget gate against the 1 "
                "added at run time"
            ),
        ),
        (
            "shapes --framework keras --batch-first",
            "Keras 3 has no batch_first: the shapes follow its own defaults",
        ),
        (
            "shapes --framework ncnn --batch 7",
            "ncnn has no batch axis: the shapes are those of one sequence",
        ),
    ],
)
def test_notes(cli: Cli, arguments: str, note: str) -> None:
    ran = cli(*arguments.split(" "))
    assert (ran.code, ran.err) == (0, f"note: {note}\n")


def test_words_where_biases_are_left_out(cli: Cli) -> None:
    out = cli("frameworks", *STACK, "--no-bias", "--full").out
    assert re.search(r"^14,720 +one bias, which cannot be left out: keras1, tf1", out, re.MULTILINE)
    assert re.search(r"^14,400 +no biases: pytorch", out, re.MULTILINE)


def test_an_ascii_terminal_gets_ascii() -> None:
    ran = run_lstmcalc("frameworks", "--only", ",".join(LAYOUTS), PYTHONIOENCODING="ascii")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.isascii()


def test_names_survive_markdown(cli: Cli) -> None:
    out = cli("frameworks", *STACK, "--format", "markdown").out
    assert "`i{i,f_,g,o}.kernel (10, 20)`" in out
    assert "under `bidirectional{_l}/{d}_lstm{_l}/lstm_cell/`:" in out
    shapes = cli("shapes", "--framework", "keras", "--format", "markdown").out
    assert "- **\\***: inputs with initial_state, outputs with return_state=True" in shapes


def test_what_has_no_batch_axis_says_nothing_of_a_batch(cli: Cli) -> None:
    module = report_of(cli, "shapes", "--framework", "equinox")
    assert "N" not in module["symbols"]
    assert module["provenance"]["batch"]["from"] == "default"
    assert "batch" not in cli("shapes", "--framework", "equinox").out.split("tensor")[0]


def test_facts_that_are_null_or_words(cli: Cli) -> None:
    assert report_of(cli, "params", "--framework", "onnx")["layout"]["unmodelled"] == {
        "peepholes (the input P)": "lstm*.P"
    }
    assert re.search(
        r"^unsupported +peepholes \(the input P\): lstm\*\.P", cli("frameworks", "onnx", "--full").out, re.MULTILINE
    )
    assert {row["d"] for row in report_of(cli, "frameworks")["patterns"]} == {None}
    assert report_of(cli, "shapes", "--framework", "mlx")["lengths_by"] is None
    assert report_of(cli, "shapes", "--framework", "keras")["lengths_by"].startswith("mask;")


def test_lines_of_tables(cli: Cli) -> None:
    assert "outputs =  output[t], in PyTorch's terms" in cli("shapes", "--framework", "d2l").out
    assert "ys =     output[:, n], in PyTorch's terms" in cli("shapes", "--framework", "chainer").out
    assert "one direction of one layer" not in cli("shapes", "--framework", "keras").out
    joined = re.search(r"^packed as +(.*\n +.*\n +.*)$", cli("params", "--framework", "tf1", "--bi").out, re.MULTILINE)
    assert joined
    assert joined[1].split() == [
        *["weight_ih", "0:10,", "weight_hh", "10:30", "on", "axis", "0", "of"],
        "bidirectional_rnn/fw/lstm_cell/kernel:0,",
        "bidirectional_rnn/bw/lstm_cell/kernel:0",
    ]
    depth = cli("frameworks", "--only", "pytorch,keras", "--full").out
    assert re.search(r"^keras +lstm/lstm_cell/bias, the sum +\(80,\)", depth, re.MULTILINE)
    assert "N x (L, D*H_out)" in cli("frameworks", "--only", "chainer", "--full").out
    assert "2 x (L, N, H_out)" in cli("frameworks", "--only", "haiku", "--bi", "--full").out


def test_a_narrow_screen_names_those_that_add_to_the_forget_gate(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = cli("frameworks").out
    assert "\nforget    tf1 +1, haiku +1\n" in out
    assert max(map(len, out.splitlines())) <= 60


def test_gate_rows_are_of_each_array_only_where_each_has_them(cli: Cli) -> None:
    assert ", on axis 0 of each\n" in cli("params").out
    assert "on axis 0 of every weight_ih, weight_hh" in cli("params", "--proj", "3").out
