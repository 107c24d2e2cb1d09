"""The command `explain`: what is in it, in every format; and `run --trace`."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstmcalc.commands.explain.report import explain_module
from lstmcalc.commands.explain.topics import TOPICS
from lstmcalc.commands.run.report import run_report
from lstmcalc.commands.run.view import view
from lstmcalc.intake.subject import subject_of_layers
from lstmcalc.proof import run as verify
from lstmcalc.report.record import plain
from lstmcalc.spec.config import LSTMConfig
from tools.documents import HEAD, module, module_of
from tools.shell import Ran

Cli = Callable[..., Ran]


def test_the_whole_explanation(cli: Cli) -> None:
    found = module(cli("explain", "--hidden", "20", "--layers", "2", "--bi", "--json"))
    own = ["groups", "equations", "operands", "states", "packing", "packed_steps", "sequences"]
    more = ["extras", "head_reads", "claims", "relations", "facts", "code"]
    assert list(found) == [*HEAD, "data", "around", "symbols", "topics", *own, *more, "notes"]
    assert found["topics"] == list(TOPICS)
    assert [(row["group"], row["result"]) for row in found["equations"]] == [
        (group, f"{value}_t") for group in range(4) for value in "ifgoch"
    ]
    assert found["equations"][1] == {
        "group": 0,
        "result": "f_t",
        "symbolic": ["N", "H_cell"],
        "shape": [3, 20],
        "text": "f_t = sigmoid(W_if x_t + b_if + W_hf h_(t-1) + b_hf)",
        "shapes": "(3, 20) = (3, 10) @ (20, 10)^T + (20,) + (3, 20) @ (20, 20)^T + (20,)",
        "latex": r"f_t = \sigma(W_{if} x_t + b_{if} + W_{hf} h_{t-1} + b_{hf})",
        "role": "forget gate: how much of the cell is kept",
    }
    assert found["operands"][6] == {
        "group": 0,
        "result": "f_t",
        "symbol": "W_if",
        "symbolic": ["H_cell", "H_in"],
        "shape": [20, 10],
        "stored": "weight_ih_l0[20:40]",
    }
    assert found["groups"][-1] == {
        "group": 3,
        "first_layer": 1,
        "last_layer": 1,
        "direction": "reverse",
        "x_t": "torch.cat((h_l0[t], h_l0_reverse[t]), dim=-1)",
        "x_t_above": None,
        "begins_at": "L",
        "begins_h": "h_0[3]",
        "begins_c": "c_0[3]",
    }
    hidden = next(row for row in found["claims"] if row["says"] == "the last hidden state")
    assert hidden == {
        "topic": "states",
        "framework": "pytorch",
        "option": None,
        "expression": "torch.cat((h_n[-2], h_n[-1]), dim=-1)",
        "symbolic": ["N", "D*H_out"],
        "shape": [3, 40],
        "says": "the last hidden state",
        "why": "what a classifier reads: after the last step for forward, after step 0 for reverse",
    }
    assert [row for row in found["relations"] if row["expression"] == hidden["expression"]][:2] == [
        {
            "topic": "states",
            "expression": "torch.cat((h_n[-2], h_n[-1]), dim=-1)",
            "left": "torch.cat((h_n[-2], h_n[-1]), dim=-1)",
            "right": right,
            "equal": True,
        }
        for right in (
            "torch.cat((output[-1, :, :20], output[0, :, 20:40]), dim=-1)",
            "torch.cat((h_l1[-1], h_l1_reverse[0]), dim=-1)",
        )
    ]
    keras = [(row["option"], row["expression"]) for row in found["claims"] if row["framework"] == "keras"]
    assert keras == [
        ("return_sequences=False", "torch.cat((h_n[-2], h_n[-1]), dim=-1)"),
        ("return_sequences=True", "output.transpose(0, 1)"),
        *(("return_state=True", f"{name}[{index}]") for index in (2, 3) for name in ("h_n", "c_n")),
    ]
    shapes = module(cli("shapes", "--hidden", "20", "--layers", "2", "--bi", "--json"))
    assert found["states"] == shapes["states"]


@pytest.mark.parametrize(("layers", "spans"), [(1, [(0, 0)]), (3, [(0, 0), (1, 2)])])
@pytest.mark.parametrize("both", [False, True])
def test_the_view_has_the_equations_of_the_json(layers: int, spans: list[tuple[int, int]], *, both: bool) -> None:
    subject = subject_of_layers([])._replace(config=LSTMConfig(10, 20, layers, bidirectional=both))
    found = explain_module(subject, [])
    assert "layers" not in plain(found)
    assert [(own.forward.first_layer, own.forward.last_layer) for own in found.layers] == spans
    groups = [group for own in found.layers for group in (own.forward, own.reverse) if group]
    assert groups == found.groups
    for own in found.layers:
        number = own.forward.group
        assert [equation.text for equation in own.equations] == [
            row.text for row in found.equations if row.group == number
        ]
        assert [operand.stored or None for equation in own.equations for operand in equation.operands] == [
            row.stored for row in found.operands if row.group == number
        ]


@pytest.mark.parametrize("topic", TOPICS)
def test_one_topic_alone(cli: Cli, topic: str) -> None:
    found = module(cli("explain", "--topic", topic, "--lengths", "3,5,2", "--json"))
    assert found["topics"] == [topic]
    assert {row["topic"] for row in found["facts"]} <= {topic}
    assert {row["topic"] for row in found["claims"]} <= {topic}
    assert [name for name in ("equations", "states", "packing") if found[name]] == (
        [topic] if topic in ("equations", "states", "packing") else []
    )
    assert cli("explain", "--topic", topic).code == 0


def test_several_topics_in_the_order_they_are_asked_for(cli: Cli) -> None:
    found = module(cli("explain", "--topic", "init, states,init", "--json"))
    assert found["topics"] == ["init", "states"]
    twice = module(cli("explain", "--topic", "init", "--topic", "states,init", "--json"))
    assert twice["topics"] == found["topics"]
    out = cli("explain", "--topic", "packing,dropout").out
    assert out.index("\npacking ") < out.index("\ndropout ")


def test_packing_has_the_code(cli: Cli) -> None:
    found = module(cli("explain", "--topic", "packing", "--lengths", "3,5,2", "--batch-first", "--json"))
    assert found["code"][0]["code"] == (
        "packed = pack_padded_sequence(\n    input, [3, 5, 2], batch_first=True, enforce_sorted=False\n)\n"
        "packed_output, (h_n, c_n) = lstm(packed)\n"
        "output, _ = pad_packed_sequence(packed_output, batch_first=True, total_length=5)\n"
    )
    out = cli("explain", "--topic", "packing", "--lengths", "5,3,2").out
    assert "packed = pack_padded_sequence(input, [5, 3, 2])\n" in out
    assert "\n   2            2   6:8                   (0, 1)\n" in out


@pytest.mark.parametrize("layers", ["9223372036854775807", "3000000000000000000"])
def test_as_many_layers_as_there_can_be(cli: Cli, layers: str) -> None:
    assert cli("explain", "--layers", layers, "--topic", "equations,init,dropout").code == 0
    assert cli("explain", "--layers", layers).err.startswith("error: this report would be too long\n")


def test_sequences_of_any_length_are_refused_or_explained_at_once(cli: Callable[..., Ran]) -> None:
    lengths = ("--lengths", f"3,{2**53}")
    assert "one for each step of batch_sizes" in cli("explain", *lengths).err
    assert "one for each step of batch_sizes" in cli("shapes", *lengths).err
    for topic in ("equations", "states", "dropout", "batch-first", "init", "around"):
        assert cli("explain", "--topic", topic, *lengths).code == 0


def test_a_report_with_assumed_sizes_can_be_read_again(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(cli("shapes", "--json").out)
    for command in ("shapes", "params", "explain", "run"):
        ran = cli(command, str(path))
        assert (ran.code, ran.err) == (0, "")
        assert "assumed in report.json:" in ran.out


def test_what_is_not_modelled_is_said_with_the_equations(cli: Cli) -> None:
    source = "keras.layers.LSTM(8, activation='relu', dropout=0.2, input_shape=(5, 4))"
    texts = [row["text"] for row in module_of(cli("explain", source, "--json"))["facts"]]
    assert "the source has activation = 'relu': these are the equations without it" in texts
    assert "this is the dropout of PyTorch's nn.LSTM, not that of Keras 3" in texts


def test_the_whole_fits_two_screens(cli: Cli) -> None:
    assert len(cli("explain", "--layers", "2", "--bi").out.splitlines()) <= 126
    assert len(cli("explain").out.splitlines()) <= 100


def test_packing(cli: Cli) -> None:
    found = module(cli("explain", "--topic", "packing", "--lengths", "3,5,2", "--seq", "6", "--bi", "--json"))
    assert found["packing"] == {
        "batch_sizes": [3, 3, 2, 1, 1],
        "sorted_indices": [1, 0, 2],
        "unsorted_indices": [1, 0, 2],
        "order_is_open": False,
        "num_rows": 10,
        "padding": 8,
        "waste_percent": pytest.approx(100 * 8 / 18),
    }
    assert found["packed_steps"][2] == {"step": 2, "batch_size": 2, "rows": [6, 8]}
    assert found["sequences"][0] == {
        "sequence": 0,
        "length": 3,
        "last_forward": "output[2, 0, :20]",
        "last_reverse": "output[0, 0, 20:40]",
    }
    first = module(cli("explain", "--topic", "packing", "--lengths", "3,5,2", "--batch-first", "--json"))
    assert first["sequences"][1]["last_forward"] == "output[1, 4, :20]"
    assert first["sequences"][1]["last_reverse"] is None


def test_the_picture_of_the_padding(cli: Cli) -> None:
    out = cli("explain", "--topic", "packing", "--lengths", "3,5,2", "--seq", "6").out
    picture = [line.split() for line in out.splitlines() if line.startswith("sequence ") and "." in line]
    assert picture == [
        ["sequence", "0", "xxx...", "3"],
        ["sequence", "1", "xxxxx.", "5"],
        ["sequence", "2", "xx....", "2"],
    ]
    wide = cli("explain", "--topic", "packing", "--lengths", "100,51").out
    assert "x a step, . padding; 3 steps a character" in wide
    assert f"{'x' * 17}{'.' * 17}  51\n" in wide


def test_markdown_has_the_equations_as_latex(cli: Cli) -> None:
    out = cli("explain", "--layers", "2", "--bi", "--format", "markdown").out
    (block,) = re.findall(r"```math\n(.*?)\n```", out, re.DOTALL)
    lines = block.splitlines()
    assert (lines[0], lines[-1]) == (r"\begin{aligned}", r"\end{aligned}")
    assert all(line.endswith(r" \\") for line in lines[1:-2])
    assert not lines[-2].endswith("\\")
    assert all(line.count("&") == 1 for line in lines[1:-1])
    assert r"f_t &= \sigma(W_{if} x_t + b_{if} + W_{hf} h_{t-1} + b_{hf}) \\" in lines
    assert "\n### The states\n" in out


def test_csv_has_a_section_for_each_list(cli: Cli) -> None:
    out = cli("explain", "--lengths", "3,5,2", "--head", "4", "--format", "csv").out
    heads = [next(csv.reader(io.StringIO(part)))[1] for part in out.split("\n\n")]
    lists = ["group", "group", "group", "index", "step", "sequence", "name", "topic", "topic", "topic", "topic"]
    assert heads == lists
    relations = list(csv.DictReader(io.StringIO(out.split("\n\n")[8])))
    assert (relations[1]["left"], relations[1]["right"]) == ("h_n[0]", "h_l0[[2, 4, 1], [0, 1, 2]]")


def test_a_source_of_several_lstms_is_explained_one_by_one(cli: Cli) -> None:
    out = cli("explain", "a = nn.LSTM(3, 4); b = nn.LSTM(4, 5, bidirectional=True)", "--topic", "equations").out
    assert out.index("a: LSTM(3, 4)") < out.index("(3, 4) = (3, 3)") < out.index("b: LSTM(4, 5") < out.index("_reverse")


def test_a_source_of_another_framework_is_explained_in_pytorchs_terms(cli: Cli) -> None:
    ran = cli("explain", "keras.layers.LSTM(20)", "--input", "10", "--json")
    found = module_of(ran)
    assert "note: explained is the equivalent nn.LSTM, not Keras 3's own\n" in ran.err
    assert any("Keras 3 begins otherwise: kernel glorot_uniform" in row["text"] for row in found["facts"])
    assert (found["framework"], found["config"]["batch_first"]) == ("pytorch", True)
    assert found["groups"][0]["x_t"] == "input[:, t]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--dropout", "1"), "acts between layers: with one layer nowhere"),
        (("--dropout", "0.25", "--layers", "2"), "each number is 0 with probability 0.25, else divided by 0.75"),
        (("--dropout", "1", "--layers", "3"), "with 1 the layers above read zeros in training"),
        (("--layers", "3"), "acts on h_t of layers 0 to 1, where it becomes x_t of the layer above"),
    ],
)
def test_dropout(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    facts = module_of(cli("explain", "--topic", "dropout", *arguments, "--json"))["facts"]
    assert words in [row["text"] for row in facts]


def test_dropout_of_one_layer_says_nothing_of_how(cli: Cli) -> None:
    facts = module_of(cli("explain", "--topic", "dropout", "--dropout", "1", "--json"))["facts"]
    assert "how" not in [row["label"] for row in facts]


def test_each_sequence_begins_at_its_own_end(cli: Cli) -> None:
    found = module(cli("explain", "--bi", "--lengths", "3,5,2", "--json"))
    group = found["groups"][1]
    assert (group["begins_at"], group["begins_h"], group["begins_c"]) == ("length", "h_0[1]", "c_0[1]")
    assert "h_(length) = h_0[1] and c_(length) = c_0[1]" in " ".join(
        cli("explain", "--bi", "--lengths", "3,2", "--full").out.split()
    )
    texts = [row["text"] for row in found["facts"]]
    assert (
        "in the order of the batch, each sequence's from where it ends, of the reverse direction from step 0" in texts
    )


def test_an_empty_batch_has_no_last_step_to_warn_of(cli: Cli) -> None:
    claims = module(cli("explain", "--batch", "0", "--bi", "--json"))["claims"]
    assert [row["says"] for row in claims if row["expression"] == "output[-1]"] == ["the last step"]


def test_the_start(cli: Cli) -> None:
    out = cli("explain", "--topic", "init", "--hidden", "100").out
    assert "k = 1/sqrt(H_cell) = 0.1" in " ".join(out.split())
    assert 'parameter[100:200] = 1.0 if name.startswith("bias_ih") else 0.0\n' in out
    assert "has the code" not in out
    assert "parameter[" not in cli("explain", "--topic", "init", "--no-bias").out
    assert "--topic init has the code" in " ".join(cli("explain", "--full").out.split())


@pytest.mark.parametrize("batch_first", [(), ("--batch-first",)])
def test_the_layout(cli: Cli, batch_first: tuple[str, ...]) -> None:
    facts = module(cli("explain", "--topic", "batch-first", "--bi", *batch_first, "--json"))["facts"]
    texts = [row["text"] for row in facts]
    assert "input (N, L, H_in) = (3, 5, 10), else (L, N, H_in) = (5, 3, 10)" in texts
    assert "output likewise: (3, 5, 40) and (5, 3, 40)" in texts
    assert "h_0, c_0, h_n, c_n are the same with and without: h_n (2, 3, 20) and c_n (2, 3, 20)" in texts


# --- run --trace


def test_a_trace_in_json_is_what_a_file_has(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    ran = cli("run", "--trace", "--bi", "--layers", "2", "--lengths", "3,1,2", "--json", "--save", str(path))
    rows = module_of(ran)["trace"]
    assert [(row["layer"], row["direction"], row["sequence"], row["step"]) for row in rows[:7]] == [
        *((0, "forward", 0, t) for t in range(3)),
        (0, "forward", 1, 0),
        *((0, "forward", 2, t) for t in range(2)),
        (0, "reverse", 0, 0),
    ]
    assert len(rows) == 2 * 2 * 6
    with np.load(path) as saved:
        for row in rows:
            suffix = f"l{row['layer']}{'_reverse' * (row['direction'] == 'reverse')}"
            for value in "ifgoch":
                assert saved[f"{value}_{suffix}"][row["step"], row["sequence"]].tolist() == row[value]
        assert saved["h_l1"].shape == (3, 3, 20)


def test_a_trace_in_a_table_is_unit_0_of_sequence_0(cli: Cli) -> None:
    rows = module(cli("run", "--trace", "--seq", "40", "--json"))["trace"]
    out = cli("run", "--trace", "--seq", "40").out
    shown = [line.split() for line in out.splitlines() if re.fullmatch(r"\d+( +-?\d\.\d{4}){6}", line)]
    assert [int(line[0]) for line in shown] == [*range(8), *range(32, 40)]
    for step, *values in shown:
        assert values == [f"{rows[int(step)][name][0]:.4f}" for name in "ifgoch"]
    assert "\n24 more\n" in out


def test_a_trace_of_unbatched_input(cli: Cli) -> None:
    rows = module(cli("run", "--trace", "--unbatched", "--seq", "2", "--hidden", "3", "--json"))["trace"]
    assert [(row["sequence"], row["step"], len(row["f"])) for row in rows] == [(0, 0, 3), (0, 1, 3)]


def test_an_empty_batch_has_an_empty_trace(cli: Cli) -> None:
    assert module(cli("run", "--trace", "--batch", "0", "--json"))["trace"] == []
    assert cli("run", "--trace", "--batch", "0").code == 0


def test_without_trace_none_is_kept(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    assert "trace" not in module_of(cli("run", "--json", "--save", str(path)))
    with np.load(path) as saved:
        assert "i_l0" not in saved.files
    assert "i_t" not in cli("run").out


def test_many_rows_are_refused_in_words(cli: Cli) -> None:
    ran = cli("run", "--trace", "--layers", "1000", "--seq", "400", "--hidden", "1", "--json")
    assert json.loads(ran.out)["error"]["kind"] == "limit"
    assert (ran.code, ran.err) == (
        2,
        (
            "error: this report would be too long\n  expected at most 1,000,000 rows, found 1,200,000 rows, one for each "
            "traced step\n  hint: --trace --save FILE.npz without --json has no limit; fewer steps make fewer rows\n"
        ),
    )
    wide = cli("run", "--trace", "--seq", "1000", "--batch", "10", "--hidden", "200", "--json")
    assert wide.err == (
        "error: this trace would be too long\n  expected at most 10,000,000 numbers, found 12,000,000\n"
        "  hint: --trace --save FILE.npz without --json has no limit; fewer steps make fewer numbers\n"
    )


def test_of_many_layers_a_trace_shows_some(cli: Cli) -> None:
    out = cli("run", "--trace", "--layers", "9", "--bi", "--hidden", "2", "--input", "2", "--proj", "1").out
    assert [int(number) for number in re.findall(r"^layer (\d) reverse$", out, re.MULTILINE)] == [
        *range(3),
        8,
    ]
    assert "\n5 more layers\n" in out
    assert "\nreverse  is computed from the last step up\n" in out
    assert "is W_hr m_t with m_t = o_t * tanh(c_t)" in out
    assert "\ntrace  of no sequence: the batch is empty\n" in cli("run", "--trace", "--batch", "0").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--topic", "states", "--layers", "1000001"), "1,000,001 rows, one for each index of h_n and c_n\n"),
        (("--topic", "packing", "--lengths", "1000001"), "1,000,001 rows, one for each step of batch_sizes\n"),
    ],
)
def test_too_many_rows_of_an_explanation_are_refused(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    ran = cli("explain", *arguments, "--json")
    assert (ran.code, json.loads(ran.out)["error"]["kind"]) == (2, "limit")
    assert words in ran.err


def test_what_there_is_not_is_null(cli: Cli) -> None:
    found = module(cli("explain", "--json"))
    assert {row["why"] for row in found["claims"] if row["expression"] == "output[-1]"} == {None}
    assert [row["stored"] for row in found["operands"] if row["symbol"] == "x_t"] == [None] * 4
    assert [group["x_t_above"] for group in found["groups"]] == [None]


def test_unbatched_input_is_read_by_its_first_axis(cli: Cli) -> None:
    ran = cli("explain", "--unbatched", "--batch-first", "--topic", "equations", "--format", "csv")
    assert "input[t]" in ran.out
    assert "input[:, t]" not in ran.out


@pytest.mark.parametrize(("count", "more"), [(12, ""), (13, "1 more sequence\n"), (14, "2 more sequences\n")])
def test_twelve_sequences_are_shown(cli: Cli, count: int, more: str) -> None:
    out = cli("explain", "--topic", "packing", "--lengths", ",".join(["2"] * count)).out
    assert ("more sequence" in out) is bool(more)
    assert more in out
    assert "more step" not in out


@pytest.mark.parametrize(("length", "unit"), [(48, ""), (49, "; 2 steps a character")])
def test_the_picture_is_48_characters_wide(cli: Cli, length: int, unit: str) -> None:
    assert f"x a step, . padding{unit}\n" in cli("explain", "--topic", "packing", "--lengths", str(length)).out


def test_a_begun_character_of_the_picture_is_a_step(cli: Cli) -> None:
    assert f"{'x' * 18}{'.' * 16}  52\n" in cli("explain", "--topic", "packing", "--lengths", "100,52").out


@pytest.mark.parametrize(("count", "label"), [(10, "sequence 0  "), (11, "sequence  0  ")])
def test_the_pictures_numbers_are_aligned(cli: Cli, count: int, label: str) -> None:
    out = cli("explain", "--topic", "packing", "--lengths", ",".join(["2"] * count)).out
    assert f"\n{label}xx" in out


def test_layers_alike_are_shown_by_the_first_of_them(cli: Cli) -> None:
    out = cli("explain", "--topic", "equations", "--layers", "3").out
    assert "layers 1 to 2  the same equations, here of layer 1," in out
    assert "here of layer" not in cli("explain", "--topic", "equations", "--layers", "2").out


def test_keras_is_said_to_begin_otherwise_and_pytorchs_cell_is_not(cli: Cli) -> None:
    source = "nn.LSTMCell(3, 4)"
    assert "begins otherwise" not in cli("explain", source, "--topic", "init").out
    assert "begins otherwise" in cli("explain", "keras.layers.LSTM(4)", "--input", "3", "--topic", "init").out


def test_a_trace_in_a_table_ends_with_sequence_0(cli: Cli) -> None:
    out = cli("run", "--trace", "--lengths", "2,5", "--hidden", "3").out.partition("i_t")[2].partition("import ")[0]
    rows = [line.split()[0] for line in out.splitlines() if len(line.split()) == 7]
    assert rows == ["0", "1"]


def test_a_trace_of_up_to_sixteen_steps_is_whole(cli: Cli) -> None:
    assert " more" not in cli("run", "--trace", "--seq", "16").out.partition("i_t")[2]
    assert "\n1 more\n" in cli("run", "--trace", "--seq", "17").out


@pytest.mark.parametrize(
    ("arguments", "whose"), [(("--unbatched",), "trace  of unit 0;"), ((), "trace  of unit 0 of sequence 0;")]
)
def test_a_trace_says_whose_it_is(cli: Cli, arguments: tuple[str, ...], whose: str) -> None:
    assert whose in cli("run", "--trace", *arguments).out


def test_what_is_no_number_is_null_in_a_trace_and_said_in_words() -> None:
    subject = subject_of_layers([])
    result = verify.run(subject.config, subject.data, traced=True)
    result.trace["f_l0"][0, 0, 0] = np.nan
    (module,) = run_report([subject], [result], 0).modules
    assert module.trace
    assert module.trace[0].f[0] is None
    assert "'not a number'" in str(list(view(module)))


@pytest.mark.parametrize("style", ["json", "csv"])
def test_a_long_trace_of_both_directions_is_refused(cli: Cli, style: str) -> None:
    size = ("--layers", "500", "--bi", "--seq", "400", "--hidden", "1")
    ran = cli("run", "--trace", *size, "--format", style)
    assert (ran.code, "this report would be too long" in ran.out) == (2, style == "json")
    assert "found 1,200,000 rows, one for each traced step\n" in ran.err
