"""Printed modules, written down here as PyTorch prints them; `peers/readers/text/test_printed.py` has PyTorch print them."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstmcalc.errors import SourceError
from lstmcalc.readers.found import Found
from lstmcalc.readers.text import printed
from lstmcalc.readers.text.printed import looks_printed, read_printed
from lstmcalc.readers.text.source_text import SourceText
from tools.examples import examples

TAGGER = """\
Tagger(
  (embed): Embedding(100, 20, padding_idx=0)
  (encoder): Encoder(
    (act): GELU(approximate='none')
    (norm): LayerNorm((20,), eps=1e-05, elementwise_affine=True)
    (rnn): LSTM(20, 32, proj_size=8, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True)
  )
  (cells): ModuleList(
    (0-2): 3 x LSTMCell(16, 16)
    (3): LSTMCell(16, 4, bias=False)
  )
  (lstm): LSTM(4, 5)
  (out): Linear(in_features=5, out_features=3, bias=True)
)
"""
PARAMETRIZED = """\
Net(
  (rnn): ParametrizedLSTM(
    10, 20, num_layers=2
    (parametrizations): ModuleDict(
      (weight_hh_l0): ParametrizationList(
        (0): _WeightNorm()
      )
    )
  )
)
"""
NAMES = ["encoder.rnn", "cells.0", "cells.1", "cells.2", "cells.3", "lstm"]


def read(text: str, name: str = "") -> list[Found]:
    return read_printed(SourceText(text, name))


def names(text: str) -> list[str]:
    return [found.name for found in read(text)]


def values(found: Found) -> dict[str, Any]:
    return {field: setting.value for field, setting in found.layer.items()}


def message(text: str, name: str = "") -> str:
    with pytest.raises(SourceError) as caught:
        read(text, name)
    return str(caught.value)


def tree(*lstms: str, kind: str = "Net") -> str:
    return f"{kind}(\n" + "".join(f"  {lstm}\n" for lstm in lstms) + ")\n"


def test_every_lstm_with_its_path_and_settings_in_order() -> None:
    assert [(found.name, found.framework, values(found)) for found in read(TAGGER)] == [
        (
            "encoder.rnn",
            "pytorch",
            {
                "input_size": 20,
                "hidden_size": 32,
                "proj_size": 8,
                "num_layers": 2,
                "bias": False,
                "batch_first": True,
                "dropout": 0.5,
                "bidirectional": True,
            },
        ),
        *((f"cells.{k}", "pytorch-cell", {"input_size": 16, "hidden_size": 16}) for k in range(3)),
        ("cells.3", "pytorch-cell", {"input_size": 16, "hidden_size": 4, "bias": False}),
        ("lstm", "pytorch", {"input_size": 4, "hidden_size": 5}),
    ]


def test_where_it_stands() -> None:
    found = read("epoch 1\n" + tree("(rnn): LSTM(10, 20, num_layers=2)"), "log.txt")[0]
    assert (found.text, found.where) == ("LSTM(10, 20, num_layers=2)", "log.txt:3")
    assert {setting.origin for setting in found.layer.values()} == {("source", "log.txt:3", "stated")}
    assert found.pointers == {
        "": ("log.txt:3", "(rnn): LSTM(10, 20, num_layers=2)\n       ^^^^^^^^^^^^^^^^^^^^^^^^^^"),
        "input_size": ("log.txt:3", "(rnn): LSTM(10, 20, num_layers=2)\n            ^^"),
        "hidden_size": ("log.txt:3", "(rnn): LSTM(10, 20, num_layers=2)\n                ^^"),
        "num_layers": ("log.txt:3", "(rnn): LSTM(10, 20, num_layers=2)\n                    ^^^^^^^^^^^^"),
    }


def test_a_line_that_was_typed_has_no_place() -> None:
    (found,) = read("LSTM(10, 20)")
    assert (found.name, found.where, found.layer["input_size"].origin.where) == ("lstm", None, None)
    assert found.pointers["hidden_size"] == ("", "LSTM(10, 20)\n         ^^")


def test_settings_of_a_module_with_children_stand_on_the_next_line() -> None:
    (found,) = read(PARAMETRIZED, "net.txt")
    assert (found.name, found.framework, found.where) == ("rnn", "pytorch", "net.txt:2")
    assert found.text == "ParametrizedLSTM(10, 20, num_layers=2)"
    assert values(found) == {"input_size": 10, "hidden_size": 20, "num_layers": 2}
    assert found.pointers[""] == ("net.txt:2", "(rnn): ParametrizedLSTM(\n       ^^^^^^^^^^^^^^^^^")
    assert found.pointers["num_layers"] == ("net.txt:3", "10, 20, num_layers=2\n        ^^^^^^^^^^^^")
    assert found.notes == ("parametrized: for some of its weights, PyTorch stores what they are computed from instead",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LSTM(\n  (lstm): LSTM(28, 128)\n)", ["lstm"]),
        (tree("(a): LSTM()", "(b): LSTM(hidden=3)", "(rnn): LSTM(1, 2)"), ["rnn"]),
        ("LSTM(\n  heads 3, 4\n  (lstm): LSTM(1, 2)\n)", ["lstm"]),
        ("LSTM(\n  10, 20\n  (head): LSTM(20, 30)\n)", ["lstm", "head"]),
        ("Net(\n  (LSTM): LSTM(\n    (LSTMCell): LSTMCell(1, 2)\n  )\n)", ["LSTM.LSTMCell"]),
        ("DataParallel(\n  (module): Net(\n    (rnn): LSTM(1, 2)\n  )\n)", ["module.rnn"]),
        ("OptimizedModule(\n  (_orig_mod): Net(\n    (rnn): LSTM(1, 2)\n  )\n)", ["_orig_mod.rnn"]),
        (tree("(w): lora.Linear(", "  (base): LSTM(1, 2)", ")"), ["w.base"]),
        (tree("(a b): LSTM(1, 2)", "(f(x)): LSTM(1, 2)", "(0-3): LSTM(1, 2)"), ["a b", "f(x)", "0-3"]),
    ],
)
def test_what_is_an_lstm_and_what_only_has_one(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_runs_are_unfolded_in_the_order_of_the_modules() -> None:
    text = "ModuleList(\n  (0-1): 2 x Block(\n    (a): LSTM(4, 4)\n    (b): ModuleList(\n      (0-1): 2 x LSTM(4, 4)\n    )\n  )\n)"
    assert names(text) == ["0.a", "0.b.0", "0.b.1", "1.a", "1.b.0", "1.b.1"]


def test_values_are_as_they_are_printed() -> None:
    (found,) = read("LSTM(-3, 20, num_layers=0, dropout=1e-09, bias=0, proj_size=2.5)")
    assert values(found) == {
        "input_size": -3,
        "hidden_size": 20,
        "num_layers": 0,
        "dropout": 1e-09,
        "bias": False,  # PyTorch takes what is true, and prints what it was given
        "proj_size": 2.5,
    }
    assert [type(value) for value in values(found).values()] == [int, int, int, float, bool, float]


# What stands around a tree, and what became of it on its way.
@pytest.mark.parametrize(
    "text",
    [
        TAGGER,
        TAGGER.replace("\n", "\r\n"),
        TAGGER.replace("\n", "\r"),
        TAGGER.rstrip(")\n"),
        TAGGER.replace("    (rnn)", "x)\n    (rnn)"),
        f"2024-01-01 12:00:00,123 INFO {TAGGER}2024-01-01 12:00:01,456 INFO loss (train) = 0.5\n",
        "".join(f"2024-01-01T12:00 stdout F {line}\n" for line in TAGGER.splitlines()),
        "".join(f"| {line}\n" for line in TAGGER.splitlines()),
        "".join(f"      {line}\n" for line in TAGGER.splitlines()),
        "".join(f"\t{line}\n" for line in TAGGER.splitlines()),
        re.sub(r"(?m)^", "    ", TAGGER).replace(" " * 8, "\t"),
        re.sub(r"(?m)^ +", lambda blanks: "\t" * (len(blanks[0]) // 2), TAGGER),
        re.sub(r"(?m)^ +", lambda blanks: "\xa0" * len(blanks[0]), TAGGER),
        re.sub(r"(?m)^ +", "", TAGGER),
        re.sub(r"(?m)^ *\)\n", "", TAGGER),
        re.sub(r"(?m)^(.+)$", "\x1b[1;32m\\1\x1b[0m", TAGGER),
        f"\x1b]0;train\x07{TAGGER}",
        f"  0%|          | 0/10\r 50%|#####     | 5/10\r100%|##########| 10/10{TAGGER}",
        f">>> model = Tagger(\n...     lstm=LSTM(4, 5),\n... )\n>>> rnn = LSTM(3, 4)\n>>> print(model)\n{TAGGER}>>> LSTM(1, 2)\n",
        f"In [3]: model\nOut[3]: \n{TAGGER}\nIn [4]: ",
        f"$ python train.py\nusing cuda (0)\n{TAGGER}epoch (1/10): done\n",
        f"```\n{TAGGER}```\n- Optimizer: Adam(\n    lr: 0.001\n)\n",
    ],
)
def test_a_tree_is_found_whatever_surrounds_it(text: str) -> None:
    assert looks_printed(text)
    assert names(text) == NAMES
    assert [values(found) for found in read(text)] == [values(found) for found in read(TAGGER)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TAGGER[: TAGGER.index("  (cells)")], ["encoder.rnn"]),
        (TAGGER[: TAGGER.index("    (3)")], NAMES[:4]),
        (TAGGER[TAGGER.index("    (act)") :], ["rnn", *NAMES[1:]]),
        (
            "".join(line for line in TAGGER.splitlines(keepends=True) if "LSTM" in line),
            ["rnn", "0", "1", "2", "3", "lstm"],
        ),
        ("".join(re.findall(r"(?m)^.*(?:LSTM.*|\()\n", TAGGER)), NAMES),
        (PARAMETRIZED[: PARAMETRIZED.index("    (par")], ["rnn"]),
    ],
)
def test_of_a_tree_that_is_cut_off_what_is_there(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_a_bare_line_between_others() -> None:
    assert names("Sequential(LSTM(1, 2)\n12:00 INFO loading (a)\n12:00 INFO LSTM(10, 20)\nmodel: LSTMCell(3, 4)\n") == [
        "lstm",
        "lstm_2",
    ]


def test_what_a_module_prints_of_its_own_is_no_model() -> None:
    assert names(tree("Inner(", "  LSTM(3, 4)", ")", "(rnn): LSTM(1, 2)")) == ["rnn"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (tree("(a): LSTM(1, 2)") + tree("(b): LSTM(1, 2)"), ["a", "b"]),
        (
            tree("(a): LSTM(1, 2)", kind="Encoder") + tree("(a): LSTM(1, 2)", "(b): LSTM(1, 2)", kind="Decoder"),
            ["a", "Decoder.a", "Decoder.b"],
        ),
        (tree("(a): LSTM(1, 2)") * 3, ["a", "Net_2.a", "Net_3.a"]),
        (
            tree("(a): LSTM(1, 2)") + tree("(a): LSTM(1, 2)").replace("\n", "\n    ").join(["    ", "\n"]),
            ["a", "Net_2.a"],
        ),
        (
            ("12:00 INFO " + tree("(a): B(", "  (b): LSTM(1, 2)", ")", "(c): LSTM(1, 2)")) * 2,
            ["a.b", "c", "Net_2.a.b", "Net_2.c"],
        ),
        ("LSTM(1, 2)\n" * 3, ["lstm", "lstm_2", "lstm_3"]),
        ("LSTM(1, 2)\n" + tree("(lstm): LSTM(1, 2)", kind="LSTM"), ["lstm", "LSTM.lstm"]),
        (tree("(a): LSTM(1, 2)", "(a): LSTM(1, 2)", "(a_2): LSTM(1, 2)"), ["a", "a_2", "a_2_2"]),
        (tree("(a): LSTM(1, 2)", "(Net_2.a): LSTM(1, 2)") + tree("(a): LSTM(1, 2)"), ["a", "Net_2.a", "Net_2.a_2"]),
        ("Net(\n  (a): LSTM(1, 2)\nOther(\n  (a): LSTM(1, 2)\n", ["a", "Other.a"]),
    ],
)
def test_every_lstm_has_a_name_of_its_own(text: str, expected: list[str]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize("kind", ["MyLSTM", "BiLSTM", "LayerNormLSTMCell", "lstm", "Net.LSTM", "LSTM"])
@pytest.mark.parametrize("inside", ["3, 4", "", "in=3"])
def test_a_class_that_is_named_after_an_lstm_is_said_to_be_one_maybe(kind: str, inside: str) -> None:
    if kind == "LSTM" and inside == "3, 4":
        return
    printed = f"{kind}({inside})"
    (found,) = read(tree("(a): LSTM(1, 2)", f"(b): {printed}", "(c): Linear(3, 4)"), "net.txt")
    assert found.notes == (f"{printed} at net.txt:3 may be an LSTM too: a class of its own, not read",)
    said = message(tree(f"(b): {printed}"), "net.txt")
    assert f"found {printed} at net.txt:2, which may be an LSTM" in said
    assert said.startswith("no LSTM is recognised in net.txt")


def test_a_class_around_an_lstm_is_no_other_one() -> None:
    (found,) = read("MyLSTM(\n  (inner): OtherLSTM(\n    (a): LSTM(1, 2)\n  )\n)")
    assert not found.notes


READ = "expected nn.LSTM or nn.LSTMCell, which are read"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Net()",
            (
                "no LSTM is recognised in net.txt\n  expected LSTM(...) or LSTMCell(...), as print(model) shows them\n"
                "  hint: a class derived from nn.LSTM is printed by its own name"
            ),
        ),
        (
            tree("(fc): Linear(in_features=1, out_features=2, bias=True)", "(gru): GRU(3, 4)", "(rnn): RNN(3, 4)"),
            f"net.txt:3: GRU is not an LSTM\n  (gru): GRU(3, 4)\n         ^^^^^^^^^\n  {READ}",
        ),
        (
            tree("(cell): ParametrizedRNNCell(", "  3, 4", "  (parametrizations): ModuleDict("),
            f"net.txt:2: ParametrizedRNNCell is not an LSTM\n  (cell): ParametrizedRNNCell(\n          ^^^^^^^^^^^^^^^^^^^^\n  {READ}",
        ),
        (
            tree("(0): DynamicQuantizedLSTM(10, 20, num_layers=2)"),
            (
                "net.txt:2: DynamicQuantizedLSTM stores its weights otherwise\n"
                "  (0): DynamicQuantizedLSTM(10, 20, num_layers=2)\n"
                "       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
                f"  {READ}\n  hint: print the model as it is before quantization"
            ),
        ),
        (
            "RecursiveScriptModule(\n  original_name=Net\n  (rnn): RecursiveScriptModule(original_name=LSTM)\n)",
            (
                "net.txt:3: a scripted LSTM prints no sizes\n  (rnn): RecursiveScriptModule(original_name=LSTM)\n"
                "         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
                f"  {READ}\n  hint: print the model as it is before torch.jit"
            ),
        ),
        (
            "LSTM(original_name=LSTM)",
            (
                "net.txt:1: a scripted LSTM prints no sizes\n  LSTM(original_name=LSTM)\n  ^^^^^^^^^^^^^^^^^^^^^^^^\n"
                f"  {READ}\n  hint: print the model as it is before torch.jit"
            ),
        ),
        (
            tree("(rnn): LSTM(10, 20, num_layer=2)"),
            (
                "net.txt:2: LSTM has no such setting\n  (rnn): LSTM(10, 20, num_layer=2)\n                      ^^^^^^^^^^^\n"
                "  expected one of proj_size, num_layers, bias, batch_first, dropout, bidirectional, found 'num_layer'\n"
                "  hint: did you mean num_layers?"
            ),
        ),
        (
            tree("(rnn): LSTMCell(10, 20, num_layers=2)"),
            (
                "net.txt:2: LSTMCell has no such setting\n  (rnn): LSTMCell(10, 20, num_layers=2)\n"
                "                          ^^^^^^^^^^^^\n  expected one of bias, found 'num_layers'"
            ),
        ),
        (
            tree("(rnn): LSTM(10, 20, 2)"),
            (
                "net.txt:2: LSTM has no such setting\n  (rnn): LSTM(10, 20, 2)\n                      ^\n"
                "  expected one of proj_size, num_layers, bias, batch_first, dropout, bidirectional, found '2'"
            ),
        ),
        (
            tree("(rnn): LSTM(10, 20, bias=None)"),
            (
                "net.txt:2: bias is not a literal\n  (rnn): LSTM(10, 20, bias=None)\n                      ^^^^^^^^^\n"
                "  expected a number, True or False, found 'None'"
            ),
        ),
        (
            tree("(rnn): LSTM(10, 20, bias=True, bias=False)"),
            (
                "net.txt:2: bias stands twice\n  (rnn): LSTM(10, 20, bias=True, bias=False)\n"
                "                                 ^^^^^^^^^^\n  expected each setting once"
            ),
        ),
        (
            f"LSTM(10, {'2' * 41})",
            (
                f"net.txt:1: hidden_size has too many digits\n  LSTM(10, {'2' * 41})\n           {'^' * 41}\n"
                "  expected at most 40 digits, found 41 digits"
            ),
        ),
        (
            tree("(rnn): LSTM(10, 20, num_la"),
            "net.txt:2: the LSTM is cut off\n  (rnn): LSTM(10, 20, num_la\n         ^^^^^^^^^^^^^^^^^^^\n  expected a closing parenthesis",
        ),
        (
            tree("(0-3): 5 x LSTM(10, 20)"),
            (
                "net.txt:2: a run and its count disagree\n  (0-3): 5 x LSTM(10, 20)\n  ^^^^^^^^^^\n"
                "  expected e.g. (0-3): 4 x, found '(0-3): 5 x'"
            ),
        ),
        (
            "(5-4): 0 x LSTM(10, 20)",
            (
                "net.txt:1: a run and its count disagree\n  (5-4): 0 x LSTM(10, 20)\n  ^^^^^^^^^^\n"
                "  expected e.g. (0-3): 4 x, found '(5-4): 0 x'"
            ),
        ),
        (
            tree("(rnn): LSTM(10, 20, bias=(1, 2))"),
            (
                "net.txt:2: bias is not a literal\n  (rnn): LSTM(10, 20, bias=(1, 2))\n                      ^^^^^\n"
                "  expected a number, True or False, found ''"
            ),
        ),
        (
            f"(0-3): {'4' * 5000} x LSTM(10, 20)",
            (
                f"net.txt:1: a run has too many digits\n  (0-3): {'4' * 93}...\n  {'^' * 100}\n"
                "  expected at most 40 digits, found 5,000 digits"
            ),
        ),
        (
            "(0-999999999): 1000000000 x LSTM(10, 20)",
            (
                "net.txt:1: too many LSTMs\n  (0-999999999): 1000000000 x LSTM(10, 20)\n                              ^^^^^^^^^^^^\n"
                "  expected at most 1,000,000"
            ),
        ),
        (
            "(0-9999): 10000 x Net(\n  (0-9999): 10000 x Net(\n    (a): LSTM(10, 20)\n",
            "net.txt:3: too many LSTMs\n  (a): LSTM(10, 20)\n       ^^^^^^^^^^^^\n  expected at most 1,000,000",
        ),
        (
            f"(0-99999): 100000 x Net(\n  ({'a' * 500}): LSTM(10, 20)\n",
            (
                f"net.txt:2: too many letters in the names of LSTMs\n  ...{'a' * 85}): LSTM(10, 20)\n"
                f"  {' ' * 91}{'^' * 12}\n  expected at most 40,000,000"
            ),
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_words_that_help(text: str, expected: str) -> None:
    assert message(text, "net.txt") == expected


@pytest.mark.parametrize(
    ("limit", "fits", "too_many", "what"),
    [
        ("MAX_LSTMS", "(0-9): 10 x LSTM(1, 2)", "(0-10): 11 x LSTM(1, 2)", "LSTMs"),
        ("MAX_LSTMS", "(0-4): 5 x A(\n  (0-1): 2 x LSTM(1, 2)", "(0-5): 6 x A(\n  (0-1): 2 x LSTM(1, 2)", "LSTMs"),
        ("_MAX_WRITTEN", "LSTM(1, 2)\n" * 10, "LSTM(1, 2)\n" * 11, "lines with an LSTM"),
        (
            "_MAX_LETTERS",
            "(a): B(\n  (0-1): 2 x LSTM(1, 2)",
            "(ab): B(\n  (0-2): 3 x LSTM(1, 2)",
            "letters in the names of LSTMs",
        ),
    ],
)
def test_limits_are_reached_and_not_passed(
    limit: str, fits: str, too_many: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printed, limit, 10)
    assert read(fits)
    assert message(too_many).endswith("expected at most 10")
    assert f"too many {what}\n" in message(too_many)


def test_a_typed_text_has_no_name() -> None:
    assert message("GELU(approximate='none')").splitlines()[0] == "no LSTM is recognised in the text"


def test_carets_do_not_count_colours() -> None:
    text = "\x1b[1mNet(\x1b[0m\n  \x1b[32m(rnn): LSTM(10, 20, foo=1)\x1b[0m\n"
    assert message(text).splitlines()[1:3] == ["  (rnn): LSTM(10, 20, foo=1)", "                      ^^^^^"]


def test_what_is_left_out_beside_an_lstm_is_mentioned() -> None:
    found = read(
        tree(
            "(a): DynamicQuantizedLSTM(10, 20)",
            "(b): DynamicQuantizedLSTM(10, 20)",
            "(c): RecursiveScriptModule(original_name=LSTM)",
            "(d): GRU(10, 20)",
            "(rnn): LSTM(10, 20)",
            "(cell): LSTMCell(10, 20)",
        ),
        "net.txt",
    )
    assert [(one.name, one.notes) for one in found] == [
        (
            "rnn",
            (
                "DynamicQuantizedLSTM stores its weights otherwise: left out 2 times, the first at net.txt:2",
                "a scripted LSTM prints no sizes: left out at net.txt:4",
            ),
        ),
        ("cell", ()),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "nn.LSTM(10, 20)",
        "LSTM(10, 20)",
        "LSTM(10, 20, num_layers=2)\n",
        "",
        "model = nn.Sequential(\n    nn.LSTM(10, 20),\n)",
        "if (x): f(x)\nwhile (True): g()",
        "for i in range(3): print(i)\n    if (a): LSTM(1, 2)\n",
        "table = {\n    (a): LSTM(10, 20),\n    (b, c): LSTM(10, 20)\n}",
        'import torch.nn as nn\n\n\nclass Net(nn.Module):\n    """As printed:\n\n    Net(\n      (rnn): LSTM(10, 20)\n    )\n    """\n',
        "from torch import nn\n#   (rnn): LSTM(10, 20)\nrnn = nn.LSTM(10, 20)\n",
        "#   (rnn): LSTM(10, 20)\nrnn = nn.LSTM(10, 20)\n",
        "(a): f(b) + 1",
        "Linear(in_features=1, out_features=2, bias=True)",
        '{"class_name": "LSTM (x): y("}',
    ],
)
def test_code_and_single_lines_do_not_look_printed(text: str) -> None:
    assert not looks_printed(text)


@pytest.mark.parametrize(
    "text", ["  (encoder): LSTM(", "(rnn): Net(", "(0): Linear(in_features=1)", "x |  (0-3): 4 x A()"]
)
def test_a_child_looks_printed(text: str) -> None:
    assert looks_printed(f"some\n{text}\nmore")


def check_that_nothing_else_happens(text: str) -> None:
    """Only LSTMs, of unique names, or an error."""
    looks_printed(text)
    try:
        found = read(text)
    except SourceError as error:
        assert str(error)  # noqa: PT017  # any of them may be raised
        return
    assert found
    assert len({one.name for one in found}) == len(found)
    for one in found:
        assert one.layer.keys() | {""} == one.pointers.keys()
        assert one.layer.keys() >= {"input_size", "hidden_size"}


PIECES = st.sampled_from(
    [
        "(",
        ")",
        "):",
        "x",
        "LSTM",
        "LSTMCell",
        "Net(",
        "LSTM(",
        "LSTM(1,2)",
        "(a):",
        "(0-3):",
        "4",
        "(0-99):",
        "100",
        ",",
        "=",
        "1",
        "20",
        "bias=False",
        "dropout=0.5",
        "num_layers=",
        "True",
        "ParametrizedLSTM(",
        "GRU(3,4)",
        "original_name=LSTM)",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\x1b[0m",
        "\x1b]",
        "-",
        ".",
        "_",
        "é",
        "٣",
        "\x00",
        ">>>",
        "#",
    ]
) | st.sampled_from([" ", "  ", "    ", "\n", "\n  ", "\n    ", "): LSTM(1, 2)\n", "\n  (rnn): LSTM(1, 2)\n", "10, 20"])


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    check_that_nothing_else_happens(text)


@given(st.lists(PIECES, max_size=40).map("".join))
@example("LSTM(1,2")
@example("(a): LSTM(\n1, 2")
def test_any_heap_of_pieces_is_read_or_refused(text: str) -> None:
    check_that_nothing_else_happens(text)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A tree of which parts were dropped, repeated or replaced."""
    text = draw(st.sampled_from([TAGGER, PARAMETRIZED, TAGGER + PARAMETRIZED]))
    for _ in range(draw(st.integers(1, 5))):
        first, second = sorted(draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2)))
        second = min(second, first + 30)
        text = text[:first] + draw(PIECES | st.text(max_size=3) | st.just(text[first:second] * 2)) + text[second:]
    return text


@examples(300)
@given(mutated())
def test_any_change_to_a_tree_is_read_or_refused(text: str) -> None:
    check_that_nothing_else_happens(text)


def test_a_tree_can_be_as_deep_as_the_text_is_long() -> None:
    deep = "".join(f"{' ' * k}(a): B(\n" for k in range(1000)) + " " * 1000 + "(rnn): LSTM(1, 2)\n"
    assert names(deep) == [".".join(["a"] * 1000 + ["rnn"])]
    assert message("Net(\n" + "(a): B(\n" * 10_000).startswith("no LSTM")


@pytest.mark.parametrize(
    ("rows", "state_rows", "what", "hint"),
    [
        (1800, 1500, "has highway connections", 'an LSTM without them is "nn.LSTM(200, 300)"'),
        (1200, 1200, "stores an LSTM under names of its own", 'it computes the same as "nn.LSTM(200, 300)"'),
    ],
)
def test_an_lstm_of_allennlp_is_refused_with_its_sizes(rows: int, state_rows: int, what: str, hint: str) -> None:
    text = (
        "Model(\n  (encoder): StackedBidirectionalLstm(\n    (forward_layer_0): AugmentedLstm(\n"
        f"      (input_linearity): Linear(in_features=200, out_features={rows}, bias=True)\n"
        f"      (state_linearity): Linear(in_features=300, out_features={state_rows}, bias=True)\n    )\n  )\n)\n"
    )
    with pytest.raises(SourceError) as caught:
        read_printed(SourceText(text, "model.txt"))
    assert f"model.txt:3: AugmentedLstm of AllenNLP {what}" in str(caught.value)
    assert str(caught.value).endswith(f"hint: {hint}")
