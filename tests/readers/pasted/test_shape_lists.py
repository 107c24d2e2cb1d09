"""Lists of names and shapes, in many syntaxes and as people paste them: the LSTM of them, open, or refused; no other."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import LSTMConfig
from lstmcalc.commands.diff.report import diff_report
from lstmcalc.errors import LstmcalcError, NoLstmError, SourceError, UsageError
from lstmcalc.frameworks.storage import Storage
from lstmcalc.intake.resolve import lstms_in
from lstmcalc.readers.found import Found
from lstmcalc.readers.pasted.nested import leaves_of
from lstmcalc.readers.pasted.shape_lists import Entry, entries_in
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind
from tools.examples import examples
from tools.pasting import SYNTAXES, WHOLE, WITH_SLASHES, Rows, mangled

FIELDS = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")


def read(text: str, name: str = "list.txt") -> list[Found]:
    return read_text(SourceText(text, name), {})


def sizes(found: Found) -> dict[str, Any]:
    return {field: found.layer[field].value for field in FIELDS if field in found.layer}


@st.composite
def configs(draw: st.DrawFn, keras: bool = False) -> LSTMConfig:
    hidden = draw(st.integers(2, 40))
    return LSTMConfig(
        draw(st.integers(1, 40)),
        hidden,
        1 if keras else draw(st.integers(1, 3)),
        bias=draw(st.booleans()),
        bidirectional=not keras and draw(st.booleans()),
        proj_size=0 if keras else draw(st.sampled_from((0, hidden - 1))),
    )


def rows_of(config: LSTMConfig, keras: bool = False) -> Rows:
    """The arrays of a model with the LSTM, and with an Embedding and a Linear around it."""
    if keras:
        own = [(row.name.replace("lstm/", "model/lstm/", 1), row.shape) for row in Storage(config, "keras").parameters]
        return [("model/embedding/embeddings", (100, config.input_size)), *own, ("model/dense/kernel", (20, 5))]
    own = [(f"encoder.rnn.{row.name}", row.shape) for row in Storage(config, "pytorch").parameters]
    return [("embed.weight", (100, config.input_size)), *own, ("fc.weight", (5, 20)), ("fc.bias", (5,))]


@examples(40)
@given(data=st.data(), syntax=st.sampled_from(sorted(SYNTAXES)), seed=st.integers(0, 10**6))
def test_a_list_is_read_as_its_weights_would_be(data: st.DataObject, syntax: str, seed: int) -> None:
    keras = syntax in WITH_SLASHES
    config = data.draw(configs(keras))
    text = SYNTAXES[syntax](rows_of(config, keras))
    text = text if syntax in WHOLE else mangled(text, seed)
    (found,) = read(text)
    assert sizes(found) == {field: getattr(config, field) for field in FIELDS}
    assert found.uncertain == (() if config.bias else ("no bias is in the list: read as bias=False",))
    assert found.name == ("model.lstm" if keras else "encoder.rnn")
    assert all(setting.origin.certainty in ("inferred", "unknown", "stated") for setting in found.layer.values())


@examples(40)
@given(data=st.data(), syntax=st.sampled_from(sorted({*SYNTAXES} - {*WHOLE, *WITH_SLASHES})), part=st.floats(0.1, 1))
def test_of_a_list_that_is_cut_nothing_else_is_said(data: st.DataObject, syntax: str, part: float) -> None:
    """What is certain of a cut list has the sizes, and at most as many layers and directions."""
    config = data.draw(configs())
    text = SYNTAXES[syntax](rows_of(config))
    try:
        found = read(text[: int(part * len(text))])
    except LstmcalcError:
        return
    for item in found:
        if item.uncertain or item.gaps:
            continue
        said = sizes(item)
        assert (said["input_size"], said["hidden_size"]) == (config.input_size, config.hidden_size)
        assert said["num_layers"] <= config.num_layers
        assert said["bidirectional"] <= config.bidirectional
        assert said["proj_size"] == config.proj_size


def test_every_array_is_listed_with_its_dtype() -> None:
    line = 'lstm/kernel <HDF5 dataset "kernel": shape (10, 80), type "<f4">'
    assert [*entries_in(line)] == [Entry("lstm/kernel", (10, 80))]
    assert [*entries_in("<tf.Variable 'a/kernel:0' shape=(97, 280) dtype=float32>")] == [
        Entry("a/kernel:0", (97, 280), "float32")
    ]
    assert [*entries_in("('params', 'cell', 'hf', 'kernel') (16, 16)")] == [Entry("params/cell/hf/kernel", (16, 16))]
    assert [*entries_in("{'x': (3,), 'lstm.weight': (4, 5)}")] == [Entry("x", (3,)), Entry("lstm.weight", (4, 5))]


@pytest.mark.parametrize(
    "text", ["nn.LSTM(10, 20)", "  (rnn): LSTM(10, 20)", "encoder.rnn   LSTM(10, 20) of pytorch", "x = (1, 2)"]
)
def test_arguments_of_calls_are_no_shapes(text: str) -> None:
    assert [*entries_in(text)] == []


TABULATED = """\
┏━━━━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ path          ┃ module   ┃ inputs        ┃ outputs       ┃ params                 ┃
┡━━━━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━┩
"""


def tabulated(width: int, hidden: int) -> str:
    rows = []
    for gate in "ifgo":
        rows.append(
            f"│ LSTMCell_0/i{gate} │ Dense    │ float32[2,{width}]  │ float32[2,{hidden}] │ kernel: float32[{width},{hidden}] │"
        )
        rows.append(
            f"│ LSTMCell_0/h{gate} │ Dense    │ float32[2,{hidden}] │ float32[2,{hidden}] │ bias: float32[{hidden}]   │"
        )
        rows.append(
            f"│               │          │               │               │ kernel: float32[{hidden},{hidden}] │"
        )
    return TABULATED + "\n".join(rows)


def test_a_table_of_flax_is_a_list() -> None:
    (found,) = read(tabulated(8, 16))
    assert (found.framework, found.name, sizes(found)["input_size"], sizes(found)["hidden_size"]) == (
        "flax-linen",
        "LSTMCell_0",
        8,
        16,
    )


def test_names_in_two_lists_with_two_shapes_are_refused() -> None:
    text = "lstm.weight_hh_l0 (80, 20)\nlstm.weight_hh_l0 (160, 40)\n"
    with pytest.raises(SourceError, match="listed twice"):
        read(text)


def test_a_gru_is_not_denied_to_be_there() -> None:
    with pytest.raises(NoLstmError, match=r"no LSTM in list.txt[\s\S]*1 GRU: rnn \(input 10, hidden 20\)"):
        read("rnn.weight_ih_l0 (60, 10)\nrnn.weight_hh_l0 (60, 20)\n")


def test_json_of_shapes_is_a_list(tmp_path: Path) -> None:
    path = tmp_path / "shapes.json"
    path.write_text(json.dumps({"params": {"lstm": {"weight_ih_l0": [80, 10], "weight_hh_l0": [80, 20]}}}))
    assert lstms_in(str(path)) == {"lstm": LSTMConfig(10, 20, bias=False)}
    path.write_text(json.dumps({"lstm": {"input_size": 10, "hidden_size": 20}}))
    assert lstms_in(str(path)) == {"lstm": LSTMConfig(10, 20)}


@pytest.mark.parametrize(
    "code",
    [
        "import torch\n# lstm.weight_ih_l0 torch.Size([80, 10])\nrnn = torch.nn.LSTM(10, 20)\n",
        'def show():\n    """lstm.weight_ih_l0 torch.Size([80, 10])"""\n    assert p.shape == (80, 10)\n',
        "from torch import nn\nnn.LSTM(10, 20)\n'''\nLayer (type) Param #\nlstm (LSTM)  (None, 3)  12\n'''\n",
    ],
)
def test_code_stays_code_whatever_its_comments_show(code: str) -> None:
    assert text_kind(SourceText(code)) == "code"


PRINTED = "Net(\n  (lstm): LSTM(10, 20, bias=False)\n  (fc): Linear(in_features=20, out_features=2, bias=False)\n)\n"


def test_a_list_is_compared_as_its_file_would_be(tmp_path: Path) -> None:
    rows = {"lstm.weight_ih_l0": (80, 10), "lstm.weight_hh_l0": (80, 20), "fc.weight": (2, 20)}
    for prefix, verdict in (("", "loads"), ("module.", "loads-after-repair")):
        path = tmp_path / "list.txt"
        path.write_text("\n".join(f"{prefix}{name} torch.Size({list(shape)})" for name, shape in rows.items()))
        report = diff_report({"file": str(path), "source": PRINTED})
        assert report.verdict == verdict
        assert not any(str(path) in line for line in report.repair)  # it is no file that loads
        with pytest.raises(UsageError, match="there are no numbers to compare"):
            diff_report({"file": str(path), "source": str(path)}, tolerance=0.0)


COUNTS = """\
+----------------------+------------+
|       Modules        | Parameters |
+----------------------+------------+
|   embedding.weight   |   300,000  |
|  lstm.weight_ih_l0   |   51200    |
|  lstm.weight_hh_l0   |   65536    |
|   lstm.bias_ih_l0    |    512     |
|   lstm.bias_hh_l0    |    512     |
|      fc.weight       |    256     |
+----------------------+------------+
Total Trainable Params: 418016
"""


def test_counts_of_parameters_tell_shapes() -> None:
    (found,) = read(COUNTS)
    assert (sizes(found)["input_size"], sizes(found)["hidden_size"], found.uncertain) == (100, 128, ())
    alone = "\n".join(line for line in COUNTS.splitlines() if "bias" not in line)
    assert [item.layer["hidden_size"].value for item in read(alone)] == [128]
    with pytest.raises(NoLstmError):  # three times, and no square of four times: a GRU
        read(COUNTS.replace("65536", "49152").replace("512 ", "384 ").replace("lstm", "rnn"))


@examples(30)
@given(configs(), st.integers(0, 10**6))
def test_counts_of_an_lstm_tell_it_or_nothing_else(config: LSTMConfig, seed: int) -> None:
    rows = "\n".join(f"| {name} | {math.prod(shape)} |" for name, shape in rows_of(config))
    try:
        (found,) = read(mangled(rows, seed))
    except LstmcalcError:
        assert config.proj_size or not config.bias
        return
    if not (found.uncertain or found.gaps):
        assert sizes(found) == {field: getattr(config, field) for field in FIELDS}


def test_a_bias_may_be_a_number_alone() -> None:
    text = "embedding: 10000 x 100\nlstm.weight_ih_l0 : 400 x 90\nlstm.weight_hh_l0 : 400 x 100\n"
    (found,) = read(f"{text}lstm.bias_ih_l0 : 400\nlstm.bias_hh_l0 : 400\n")
    assert sizes(found)["bias"] is True
    assert not found.uncertain


@pytest.mark.parametrize("time", ["[10:00:00] ", "[2026-11-29 10:00:00] ", "[12.5s] "])
def test_a_time_before_a_line_is_no_json(time: str) -> None:
    rows = rows_of(LSTMConfig(3, 4), keras=True)
    (found,) = read("".join(f"{time}{line}\n" for line in SYNTAXES["Keras 3"](rows).splitlines()))
    assert (found.layer["input_size"].value, found.layer["hidden_size"].value) == (3, 4)


def test_what_stands_before_a_tree_is_no_key_of_it() -> None:
    rows = rows_of(LSTMConfig(3, 4))
    for before in ("INFO:root:", "Using device: cuda:0\n", "epoch: 3\n", "What I get:\n\n"):
        (found,) = read(before + SYNTAXES["a dict"](rows))
        assert found.name == "encoder.rnn"
        assert [leaf.path for leaf in leaves_of(f"{before}{{'encoder': {{'kernel': (4, 3)}}}}")] == ["encoder/kernel"]


def test_state_dict_is_no_name() -> None:
    line = "Unexpected key module.rnn.{} in state_dict with size torch.Size([{}])\n"
    text = "".join(
        line.format(*pair)
        for pair in (("weight_ih_l0", "80, 10"), ("weight_hh_l0", "80, 20"), ("bias_ih_l0", "80"), ("bias_hh_l0", "80"))
    )
    (found,) = read_text(SourceText(text, "log.txt"), {})
    assert (found.stored.config.input_size, found.stored.config.hidden_size) == (10, 20)
