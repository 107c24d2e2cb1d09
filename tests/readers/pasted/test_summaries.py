"""Printed summaries of Keras, torchinfo, torchsummary and Lightning; `peers/readers/pasted` has the libraries print."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstmcalc import LSTMConfig
from lstmcalc.errors import LstmcalcError, NoLstmError, UnknownSettingError
from lstmcalc.frameworks.storage import Storage
from lstmcalc.intake.resolve import lstms_in
from lstmcalc.readers.found import Found
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind
from tools.examples import examples
from tools.pasting import mangled

FIELDS = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")


def read(text: str) -> list[Found]:
    source = SourceText(text, "summary.txt")
    assert text_kind(source) == "summary"
    return read_text(source, {})


def sizes(found: Found) -> dict[str, Any]:
    return {field: found.layer[field].value for field in FIELDS if field in found.layer}


# Keras 3.15.1, with the boxes it draws where the encoding has them.
BOXED = """\
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ embedding (Embedding)           │ (None, 7, 10)          │           500 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ bidirectional (Bidirectional)   │ (None, 7, 40)          │         4,960 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ lstm_1 (LSTM)                   │ [(None, 7, 6),         │         1,128 │
│                                 │ (None, 6), (None, 6)]  │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ time_distributed                │ (None, 7, 2)           │            14 │
│ (TimeDistributed)               │                        │               │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 6,602 (25.79 KB)
"""
# Keras 2.15, with a name that is cut off, and one that goes on below.
PLAIN = """\
Model: "model"
__________________________________________________________________________________________________
 Layer (type)                Output Shape                 Param #   Connected to
==================================================================================================
 input_1 (InputLayer)        [(None, 100)]                0         []

 embedding (Embedding)       (None, 100, 128)             1280000   ['input_1[0][0]']

 other (Dense)               (None, 100, 7)               14        ['input_1[0][0]']

 bidirectional (Bidirection  (None, 100, 128)             98816     ['embedding[0][0]']
 al)

 lstm_1 (LSTM)               (None, 32)                   20608     ['bidirectional[0][0]']
==================================================================================================
Total params: 1399438 (5.34 MB)
"""
# torchinfo 1.8.0 with row_settings ("var_names", "depth").
TORCHINFO = """\
==========================================================================================
Layer (type (var_name):depth-idx)        Output Shape              Param #
==========================================================================================
Tagger (Tagger)                          [4, 3]                    --
├─Embedding (emb): 1-1                   [4, 7, 10]                1,000
├─Encoder (encoder): 1-2                 [4, 7, 40]                --
│    └─LSTM (rnn): 2-1                   [4, 7, 40]                15,040
├─LSTMCell (cell): 1-3                   [4, 8]                    1,600
├─GRU (gru): 1-4                         [4, 7, 8]                 1,200
├─Linear (fc): 1-5                       [4, 3]                    27
==========================================================================================
Total params: 18,867
"""
NUMBERED = """\
----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
         Embedding-1              [-1, 50, 100]       1,000,000
              LSTM-2              [-1, 50, 128]         117,760
            Linear-3                    [-1, 2]             258
================================================================
"""
LIGHTNING = """\
  | Name      | Type      | Params | Mode  | In sizes   | Out sizes
---------------------------------------------------------------------------------------
0 | embedding | Embedding | 1.0 K  | train | [4, 7]     | [4, 7, 10]
1 | rnn       | LSTM      | 15.0 K | train | [4, 7, 10] | [[4, 7, 40], [[4, 4, 20], [4, 4, 20]]]
2 | fc        | Linear    | 258    | train | [4, 40]    | [4, 2]
---------------------------------------------------------------------------------------
16.3 K    Trainable params
"""
BOTH = {"input_size": 10, "hidden_size": 20, "bias": True, "bidirectional": True}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (BOXED, {"bidirectional": BOTH, "lstm_1": {"input_size": 40, "hidden_size": 6, "bias": True, "bidirectional": False}}),
        (
            PLAIN,
            {
                "bidirectional": {"input_size": 128, "hidden_size": 64, "bias": True, "bidirectional": True},
                "lstm_1": {"input_size": 128, "hidden_size": 32, "bias": True, "bidirectional": False},
            },
        ),
        (
            TORCHINFO,
            {
                "encoder.rnn": {**BOTH, "num_layers": 2, "proj_size": 0},
                "cell": {"input_size": 40, "hidden_size": 8, "bias": True},
            },
        ),
        (NUMBERED, {"lstm": {"input_size": 100, "hidden_size": 128, "num_layers": 1, "bias": True, "bidirectional": False, "proj_size": 0}}),
    ],
)  # fmt: skip
def test_a_summary_is_solved(text: str, wanted: dict[str, Any], seed: int) -> None:
    found = read(mangled(text, seed))
    assert {item.name: sizes(item) for item in found} == wanted
    assert not any(item.uncertain or item.gaps for item in found)
    assert all(item.where and item.where.startswith("summary.txt:") for item in found)


def test_the_output_tells_what_keras_returns() -> None:
    both, last = read(BOXED)
    assert both.options == {"return_sequences": True}
    assert last.options == {"return_sequences": True, "return_state": True}
    assert last.input_shape == (None, 7, 40)


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97])
@pytest.mark.parametrize("text", [BOXED, PLAIN, TORCHINFO, NUMBERED])
def test_of_a_summary_that_is_cut_nothing_else_is_said(text: str, cut: float) -> None:
    whole = {item.name: sizes(item) for item in read(text)}
    try:
        found = read_text(SourceText(text[: int(cut * len(text))], "summary.txt"), {})
    except LstmcalcError:
        return
    for item in found:
        assert item.uncertain or item.gaps or sizes(item) == whole[item.name]


@st.composite
def layers(draw: st.DrawFn) -> tuple[LSTMConfig, bool]:
    hidden = draw(st.integers(1, 50))
    config = LSTMConfig(draw(st.integers(1, 60)), hidden, bias=draw(st.booleans()), bidirectional=draw(st.booleans()))
    return config, draw(st.booleans())


def is_ambiguous(width: int, input_size: int, count: int) -> bool:
    """True if both directions of another layer, or of an LSTM whose directions are added, have as many parameters."""
    units = [width, *([width // 2] if width % 2 == 0 else [])]
    kinds = [(1, 0), (1, 1), (3, 0), (3, 3), (3, 6)]  # the gates of SimpleRNN and GRU, and their biases for each unit
    per_unit = [(unit, gates, biases) for unit in units for gates, biases in kinds]
    per_unit += [(width, 4, 0), (width, 4, 4)]
    return any(2 * unit * (gates * (input_size + unit) + biases) == count for unit, gates, biases in per_unit)


@examples(60)
@given(layers(), st.booleans())
@example((LSTMConfig(1, 1, bias=False, bidirectional=True), False), True)
def test_a_row_of_keras_has_the_lstm_among_its_readings(drawn: tuple[LSTMConfig, bool], told: bool) -> None:
    """With the layer before it, it is that LSTM; without, either it is open or uncertain, or it is that LSTM."""
    config, sequences = drawn
    width = config.hidden_size * (2 if config.bidirectional else 1)
    count = Storage(config, "keras").num_parameters
    shape = (None, 9, width) if sequences else (None, width)
    before = f" before (Dense)      {(None, 9, config.input_size)}      100\n" if told else ""
    kind = "Bidirectional" if config.bidirectional else "LSTM"
    text = f"Layer (type)   Output Shape   Param #\n=======\n{before} rnn ({kind})      {shape}      {count}\n"
    (found,) = read(text)
    said = sizes(found)
    right = {field: getattr(config, field) for field in ("input_size", "hidden_size", "bias", "bidirectional")}
    if told and not (config.bidirectional and is_ambiguous(width, config.input_size, count)):
        assert said == right
        assert not found.uncertain
    else:
        assert found.uncertain or found.gaps or said == right
        assert said.get("hidden_size", config.hidden_size) == config.hidden_size


@examples(60)
@given(
    st.integers(1, 60), st.integers(2, 40), st.integers(1, 3), st.booleans(), st.booleans(), st.booleans(), st.booleans()
)  # fmt: skip
def test_a_row_of_torchinfo_is_solved_or_open(
    width: int, hidden: int, depth: int, bias: bool, both: bool, projected: bool, told: bool
) -> None:
    config = LSTMConfig(width, hidden, depth, bias=bias, bidirectional=both, proj_size=hidden - 1 if projected else 0)
    out = config.output_size * config.num_directions
    head = "Layer (type (var_name):depth-idx)   Input Shape   Output Shape   Param #"
    row = f"├─LSTM (rnn): 1-1   [4, 9, {width}]   [4, 9, {out}]   {Storage(config, 'pytorch').num_parameters:,}"
    if not told:
        head, row = head.replace("Input Shape   ", ""), row.replace(f"[4, 9, {width}]   ", "", 1)
    (found,) = read(f"{head}\nNet (Net)   [4, 3]   --\n{row}\n")
    right = {field: getattr(config, field) for field in FIELDS}
    assert found.uncertain or found.gaps or sizes(found) == right
    if found.gaps and told:  # what the readings agree on is right
        assert {field: right[field] for field in sizes(found)} == sizes(found)


def test_a_summary_without_a_bias_that_is_known_says_both_readings() -> None:
    """8,160 parameters and 40 units are 10 features with a bias, and 11 without."""
    (found,) = read("Layer (type)   Output Shape   Param #\n lstm (LSTM)   (None, 40)   8160\n")
    assert (found.layer["input_size"].value, found.layer["bias"])[0] == 10
    assert found.layer["bias"].origin.certainty == "assumed"
    assert "input_size 11, hidden_size 40, no bias" in found.uncertain[0]


def test_two_lstms_of_pytorch_that_fit_are_both_said() -> None:
    text = TORCHINFO.replace("[4, 7, 10]                1,000", "[4, 7, 99]                1,000")
    with pytest.raises(UnknownSettingError, match=r"15,040 parameters fit input_size 52, hidden_size 40 or"):
        lstms_in(text, "encoder.rnn")


def test_lightning_rounds_its_counts() -> None:
    (found,) = read(LIGHTNING)
    assert sizes(found) == {**BOTH, "num_layers": 2, "proj_size": 0}
    alone = "\n".join("|".join(line.split("|")[:5]) for line in LIGHTNING.splitlines())
    with pytest.raises(UnknownSettingError, match=r"about 15.0 K parameters, and no output shape"):
        lstms_in(alone)


def test_a_summary_of_other_layers_is_not_denied_to_have_one() -> None:
    text = "Layer (type)   Output Shape   Param #\n block (MyBlock)   (None, 40)   8160\n"
    with pytest.raises(NoLstmError, match=r"no LSTM is recognised in the summary[\s\S]*rows of MyBlock"):
        lstms_in(text)
    with pytest.raises(NoLstmError, match=r"my_lstm \(MyLSTM\), which may be one"):
        lstms_in(text.replace("block (MyBlock)", "my_lstm (MyLSTM)"))


CONNECTED = """\
Layer (type)                    Output Shape         Param #     Connected to
==================================================================================================
embedding (Embedding)           (None, None, 256)    2560000     input_1[0][0]
__________________________________________________________________________________________________
embedding_1 (Embedding)         (None, None, 300)    3000000     input_2[0][0]
__________________________________________________________________________________________________
lstm (LSTM)                     [(None, 512), (None, 1574912     embedding[0][0]
__________________________________________________________________________________________________
lstm_1 (LSTM)                   [(None, None, 512),  1665024     embedding_1[0][0]
                                                                 lstm[0][1]
"""


def test_layers_are_given_what_they_are_connected_to() -> None:
    first, second = read(CONNECTED)
    assert (first.layer["input_size"].value, second.layer["input_size"].value) == (256, 300)
    assert not first.uncertain
    assert not second.uncertain


def test_a_class_that_is_cut_off_is_a_doubt() -> None:
    head = "Layer (type)   Output Shape   Param #\n embedding (Embedding)  (None, 9, 64)  640\n"
    (found,) = read(f"{head} a_long_name_of_an_lstm (LS (None, 32)   12416\n")
    assert (found.layer["input_size"].value, found.uncertain) == (64, ("its class is cut off: (LS",))


def test_a_row_that_is_not_understood_is_open_and_not_left_out() -> None:
    (found,) = read("Layer (type)   Output Shape   Param #\n lstm (LSTM)    (?)))   eleven\n")
    assert [*found.gaps] == ["input_size", "hidden_size"]
