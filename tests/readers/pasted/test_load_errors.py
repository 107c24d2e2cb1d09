"""PyTorch's errors about state dicts; `peers/readers/pasted` has PyTorch raise them."""

from typing import Any

import pytest

from lstmcalc.commands.diff.report import diff_report
from lstmcalc.errors import NoLstmError, SourceError, UnknownSettingError
from lstmcalc.intake.resolve import lstms_in
from lstmcalc.readers.pasted.load_errors import load_error, read_errors
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind
from tools.pasting import mangled

SIZES = """\
RuntimeError: Error(s) in loading state_dict for Net:
\tsize mismatch for enc.rnn.weight_ih_l0: copying a param with shape torch.Size([256, 5]) from checkpoint, the shape in current model is torch.Size([128, 5]).
\tsize mismatch for enc.rnn.weight_hh_l0: copying a param with shape torch.Size([256, 64]) from checkpoint, the shape in current model is torch.Size([128, 32]).
\tsize mismatch for enc.rnn.bias_ih_l0: copying a param with shape torch.Size([256]) from checkpoint, the shape in current model is torch.Size([128]).
\tsize mismatch for enc.rnn.bias_hh_l0: copying a param with shape torch.Size([256]) from checkpoint, the shape in current model is torch.Size([128]).
"""
KEYS = (
    'Missing key(s) in state_dict: "lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0". '
    'Unexpected key(s) in state_dict: "module.lstm.weight_ih_l0", "module.lstm.weight_hh_l0", '
    '"module.lstm.bias_ih_l0", "module.lstm.bias_hh_l0". '
)


def sizes(text: str) -> dict[str, tuple[Any, ...]]:
    fields = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional")
    found = read_errors(SourceText(text, "error.txt"))
    return {item.name: tuple(item.layer[field].value for field in fields if field in item.layer) for item in found}


@pytest.mark.parametrize("seed", range(12))
def test_sizes_give_both_lstms(seed: int) -> None:
    text = mangled(SIZES, seed)
    assert text_kind(SourceText(text)) == "errors"
    assert sizes(text) == {
        "checkpoint.enc.rnn": (5, 64, 1, True, False),
        "model.enc.rnn": (5, 32, 1, True, False),
    }
    assert not any(item.uncertain for item in read_errors(SourceText(text)))


def test_one_line_of_it_says_what_is_assumed() -> None:
    text = SIZES.splitlines()[1].replace("enc.rnn", "lstm")
    for item in read_errors(SourceText(text)):
        assert (item.layer["input_size"].value, item.layer["bias"].origin.certainty) == (5, "assumed")
        assert "num_layers = 1 is assumed: keys of equal sizes are not in the text" in item.uncertain
    with pytest.raises(NoLstmError, match=r"256 rows|the keys enc.rnn.weight_ih_l0"):  # a GRU has three gates
        read_errors(SourceText(SIZES.splitlines()[1]))


@pytest.mark.parametrize("lines", [2, 3, 4])
def test_of_an_error_that_is_cut_a_missing_bias_is_a_doubt(lines: int) -> None:
    text = "\n".join(SIZES.splitlines()[:lines]).replace("enc.rnn", "lstm")
    for item in read_errors(SourceText(text)):
        assert item.layer["bias"].value or item.uncertain
    alone = SIZES.splitlines()[2]
    for item in read_errors(SourceText(alone)):
        assert item.uncertain or item.gaps


def test_a_gru_is_no_lstm() -> None:
    text = SIZES.replace("256", "192").replace("128", "96")
    with pytest.raises(NoLstmError):
        read_errors(SourceText(text))


def test_keys_alone_have_no_sizes_and_tell_the_prefix() -> None:
    assert load_error(KEYS).kind == ""
    assert [*load_error(KEYS).model] == ["lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"]
    with pytest.raises(UnknownSettingError, match=r"keys begin with module\., the model's do not: k\.removeprefix"):
        lstms_in(KEYS)


def test_diff_takes_both_sides_of_it(tmp_path: Any) -> None:
    path = tmp_path / "error.txt"
    path.write_text(SIZES)
    report = diff_report({"file": str(path), "source": None})
    (module,) = report.modules
    assert (module.name, report.verdict) == ("enc.rnn", "does-not-load")
    assert module.causes == ["hidden_size is 64 in the checkpoint and 32 in the model"]
    assert report.repair == ["nn.LSTM(5, 64)"]
    assert [line.strip() for line in SIZES.replace("enc.rnn.", "").splitlines()[1:]] == list(module.load_state_dict)


def test_diff_of_one_side_alone_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "error.txt"
    path.write_text('Missing key(s) in state_dict: "lstm.weight_ih_l0", "lstm.weight_hh_l0". ')
    with pytest.raises((SourceError, UnknownSettingError)):
        diff_report({"file": str(path), "source": None})


def test_an_error_of_torch_0_3_names_one_key() -> None:
    text = "KeyError: 'unexpected key \"lang.rnn.weight_ih_l1\" in state_dict'\n"
    assert text_kind(SourceText(text, "log.txt")) == "errors"
    (found,) = read_text(SourceText(text, "log.txt"), {})
    assert (found.name, found.layer["num_layers"].value) == ("checkpoint.lang.rnn", 2)
    assert set(found.gaps) >= {"input_size", "hidden_size"}
