"""The kind of a text: what is no configuration is never taken for one, though nearly any text is YAML."""

from pathlib import Path

import pytest

from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind

DOCS = sorted(Path(__file__).parents[3].joinpath("docs").glob("*.md"))
CONFIGURATIONS = {"yaml", "loose", "ini"}
LSTM = "net:\n  type: lstm\n  input_size: 3\n  hidden_size: 4\n"


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.stem)
def test_no_page_of_prose_is_a_configuration(page: Path) -> None:
    assert text_kind(SourceText(page.read_text(encoding="utf-8"))) not in CONFIGURATIONS


OTHERS = [
    ("hidden_size = 20\nrnn = nn.LSTM(10, hidden_size)\n", "code"),
    ("hidden_size: int = 20\ninput_size: int = 10\n", "code"),
    ("class Config:\n    type: str = 'lstm'\n    input_size: int = 3\n    hidden_size: int = 4\n", "code"),
    ("config = {'type': 'lstm', 'input_size': 3, 'hidden_size': 4}\n", "code"),
    ("import torch\n# type: lstm\n# input_size: 3\n", "code"),
    ("Net(\n  (rnn): LSTM(3, 4)\n)\n", "printed"),
    ("type: lstm\ninput_size: 3\nhidden_size: 4\nNet(\n  (rnn): LSTM(3, 4)\n)\n", "printed"),
    ("lstm.weight_ih_l0: [16, 3]\nlstm.weight_hh_l0: [16, 4]\n", "listed"),
    ("{'lstm.weight_ih_l0': torch.Size([16, 3]), 'lstm.weight_hh_l0': torch.Size([16, 4])}", "listed"),
    ("[lstm]\ninput_size = 3\nhidden_size = 4\n", "toml"),
    ('{"lstm": {"input_size": 3, "hidden_size": 4}}', "json"),
    ("Question: why is my lstm slow?\nAnswer: its hidden state is large.\n", "code"),
    ("epoch 1: loss 0.3\nhidden: ok\n", "code"),
    ("INFO: hidden size 20\nINFO: input size 10\n", "code"),
    ("hidden = 3\nlayers = 2\n", "code"),
    ("hidden = [3]\nlayers = 2\n", "code"),
    ("input_size = 3\nhidden_size = 4\n", "toml"),
    ("- my lstm has two layers\n- its hidden size is 20\n", "code"),
]


@pytest.mark.parametrize(("text", "kind"), OTHERS)
def test_other_texts_keep_their_kind(text: str, kind: str) -> None:
    assert text_kind(SourceText(text)) == kind


OURS = [
    (LSTM, "", "yaml"),
    (f"# a comment\n---\n{LSTM}", "", "yaml"),
    ("hidden_size: 4\ninput_size: 3\nlr: 0.1\n", "", "yaml"),
    ("x: 1\n", "a.yml", "yaml"),
    ("[net]\ntype = lstm\ninput_size = 3\nhidden_size = 4\n", "", "ini"),
    ("[net]\nx = 1\n", "a.cfg", "toml"),
    ("[net]\nx = y\n", "a.cfg", "ini"),
    ('[net]\ntype = "lstm"\ninput_size = 3\nhidden_size = 4\n', "", "toml"),
    ("Namespace(type='lstm', input_size=3, hidden_size=4)", "", "loose"),
    ("// c\n{type: 'lstm', input_size: 3, hidden_size: 4}", "", "loose"),
    ("local x = 3;\n{type: 'lstm', input_size: x, hidden_size: 4}", "", "loose"),
    ("{a: 1}", "a.jsonnet", "loose"),
    ('rnn_type = "LSTM"\ninput_size = 3\nhidden_size = 4\n', "", "ini"),
]


@pytest.mark.parametrize(("text", "name", "kind"), OURS)
def test_configurations_are_told_by_what_is_in_them(text: str, name: str, kind: str) -> None:
    assert text_kind(SourceText(text, name)) == kind
