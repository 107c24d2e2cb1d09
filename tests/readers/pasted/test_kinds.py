"""The kind of a text: code is code, and what is not understood is not denied to have an LSTM."""

from pathlib import Path

import pytest

import lstmcalc
from lstmcalc.errors import NoLstmError, SourceError, UnknownSettingError
from lstmcalc.intake.resolve import lstms_in
from lstmcalc.readers.pasted.kinds import is_python
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind
from tools.pasting import mangled

SOURCES = [path for root in (Path(lstmcalc.__file__).parent, Path(__file__).parents[2]) for path in root.rglob("*.py")]


def test_every_module_here_is_code_without_its_name() -> None:
    """Many of them have lists, summaries and errors in their strings and comments."""
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    assert len(texts) > 300
    assert {text_kind(SourceText(text)) for text in texts if text} == {"code"}


@pytest.mark.parametrize(
    "text",
    [
        "I used an LSTM(128) followed by a Dense layer, and nn.LSTM(10, 20) before.\nWhy is it slow?\n",
        "The LSTM( layer is slow.",
        "LSTM(128) layers are slow when nothing else runs.",
        "my lstm (two layers) does not learn",
        "My model does not converge.\nI have a 2-layer LSTM with 128 units.\nThanks!\n",
        "hello world\n",
        "$ python train.py\nepoch 1\nloss 3\n",
        "epoch 1: loss 0.3\nepoch 2: loss 0.2\n",
        "Net(\n  lstm\n",
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_prose_and_output_are_not_denied_to_have_one(text: str, seed: int) -> None:
    for given in (text, mangled(text, seed) if "\n" in text else text):
        with pytest.raises(NoLstmError) as error:
            read_text(SourceText(given, "text.txt"), {})
        assert str(error.value).startswith("no LSTM is recognised in text.txt")
        assert "Python" not in str(error.value)


@pytest.mark.parametrize(
    "code", ["x = 3\nprint(x)\n", "import torch\n", "nn.Linear(10, 20)\n", "for x in y:\n    x()\n"]
)
def test_of_code_without_one_it_is_said(code: str) -> None:
    assert is_python(code)
    with pytest.raises(NoLstmError, match=r"^no LSTM in "):
        read_text(SourceText(code, "text.txt"), {})


@pytest.mark.parametrize("code", ["nn.LSTM(10, 20", "rnn = nn.LSTM(10,, 20)\nx = 3\n"])
def test_of_code_that_is_wrong_it_is_said_where(code: str) -> None:
    with pytest.raises(SourceError, match="this is not Python code"):
        read_text(SourceText(code, "text.txt"), {})


def test_names_alone_have_layers_and_directions() -> None:
    keys = ["lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.weight_ih_l1", "lstm.weight_hh_l1", "fc.weight"]
    with pytest.raises(
        UnknownSettingError, match=r"input_size and hidden_size of lstm are unknown[\s\S]*names without"
    ):
        lstms_in(f"odict_keys({keys})")
    assert str(lstms_in(f"odict_keys({keys})", input_size=3, hidden_size=4)) == (
        "{'lstm': " + repr(lstmcalc.LSTMConfig(3, 4, 2, bias=False)) + "}"
    )
