"""Configurations of tools: what each makes of its own names."""

from typing import Any

import pytest

from lstmcalc.errors import NoLstmError
from lstmcalc.readers.configurations.tools import TOOLS
from tools.configured import found_in, said_in, sizes

BOTH = {"bidirectional": True, "batch_first": True}
CRDNN = """
rnn_class: !name:speechbrain.nnet.RNN.LSTM
rnn_layers: 5
rnn_neurons: 9
rnn_bidirectional: False
enc: !new:speechbrain.lobes.models.CRDNN.CRDNN
  rnn_class: !ref <rnn_class>
  rnn_layers: !ref <rnn_layers>
  rnn_neurons: !ref <rnn_neurons>
  rnn_bidirectional: !ref <rnn_bidirectional>
"""
CASES: list[tuple[str, dict[str, Any]]] = [
    (
        "etype: blstmp\nelayers: 2\neunits: 320\neprojs: 300\ndtype: lstm\ndlayers: 2\ndunits: 256\n",
        {
            "enc.enc.0.birnn0": {"hidden_size": 320, **BOTH},
            "enc.enc.0.birnn1": sizes(300, 320, **BOTH),
            "dec.decoder.0": sizes(556, 256),
            "dec.decoder.1": sizes(256, 256),
        },
    ),
    (
        "etype: lstm\nelayers: 3\neunits: 8\neprojs: 4\n",
        {"enc.enc.0.nbrnn": {"hidden_size": 8, "num_layers": 3, "bidirectional": False, "batch_first": True}},
    ),
    ("etype: vggblstmp\nelayers: 1\neunits: 8\neprojs: 4\n", {"enc.enc.1.birnn0": {"hidden_size": 8, **BOTH}}),
    (
        "encoder: rnn\nencoder_conf: {rnn_type: lstm, num_layers: 2, hidden_size: 100, output_size: 50, bidirectional: true, use_projection: true}\n",
        {"encoder.enc.0.birnn0": {"hidden_size": 100, **BOTH}, "encoder.enc.0.birnn1": sizes(50, 100, **BOTH)},
    ),
    (
        "rnn_size: 512\nlayers: 2\nencoder_type: brnn\ndecoder_type: transformer\nword_vec_size: 300\n",
        {"encoder.rnn": sizes(300, 256, num_layers=2, bidirectional=True)},
    ),
    (
        "rnn_size: 20\nlayers: 2\nword_vec_size: 10\ninput_feed: 1\n",
        {
            "encoder.rnn": sizes(10, 20, num_layers=2, bidirectional=False),
            "decoder.rnn.layers.0": sizes(30, 20),
            "decoder.rnn.layers.1": sizes(20, 20),
        },
    ),
    (
        "config: {model: {use_lstm: true, lstm_cell_size: 128, fcnet_hiddens: [64]}}\n",
        {"config.model.lstm": {"hidden_size": 128, "batch_first": True}},
    ),
    (
        "CartPole-v1:\n  policy: MlpLstmPolicy\n  policy_kwargs: dict(lstm_hidden_size=64, n_lstm_layers=2, enable_critic_lstm=False)\n",
        {"CartPole-v1.lstm_actor": {"hidden_size": 64, "num_layers": 2}},
    ),
    (
        CRDNN,
        {"enc.rnn": {"hidden_size": 9, "num_layers": 5, "bidirectional": False, "batch_first": True}},
    ),
    (
        "rnn: !new:speechbrain.nnet.RNN.LSTM\n  input_shape: [null, null, 12]\n  hidden_size: 7\n  num_layers: 2\n",
        {"rnn": sizes(12, 7, num_layers=2, batch_first=True)},
    ),
    (
        "decoder: {prednet: {pred_hidden: 640, pred_rnn_layers: 2}}\n",
        {"decoder.prednet.prediction.dec_rnn.lstm": sizes(640, 640, num_layers=2)},
    ),
    (
        "prednet: {pred_hidden: 64, pred_rnn_layers: 1, rnn_hidden_size: 200}\n",
        {"prednet.prediction.dec_rnn.lstm": sizes(64, 200, num_layers=1, proj_size=64)},
    ),
    (
        '{"model": {"input_dim": 40, "proj_dim": 256, "lstm_dim": 768, "num_lstm_layers": 2, "use_lstm_with_projection": true}}',
        {
            "model.layers.0.lstm": sizes(40, 768, batch_first=True),
            "model.layers.1.lstm": sizes(256, 768, batch_first=True),
        },
    ),
    (
        "Architecture: {Neck: {name: SequenceEncoder, encoder_type: rnn, hidden_size: 48}}\n",
        {"Architecture.Neck.encoder.lstm": {"hidden_size": 48, "num_layers": 2, "bidirectional": True}},
    ),
    ("model: cudalstm\nhidden_size: 64\ndynamic_inputs: [a, b]\n", {"lstm": {"hidden_size": 64}}),
]


@pytest.mark.parametrize(("text", "right"), CASES)
def test_what_a_tool_makes_of_its_names(text: str, right: dict[str, Any]) -> None:
    assert said_in(text, "config.json" if text.startswith("{") else "config.yaml") == right


@pytest.mark.parametrize(("text", "right"), CASES)
def test_the_tool_is_named(text: str, right: dict[str, Any]) -> None:
    found = found_in(text, "config.yaml")
    assert len(found) == len(right)
    assert all("in a configuration of " in gap.why for item in found for gap in item.gaps.values())
    assert ["a configuration of " in " ".join(item.notes) for item in found] == [True, *[False] * (len(right) - 1)]


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("encoder: rnn\nencoder_conf: {hidden_size: 100}\n", "num_layers = 4 are defaults of ESPnet2"),
        ("rnn_size: 20\nlayers: 2\nbrnn: true\n", "word_vec_size = 500"),
        ("use_lstm: true\nfcnet_hiddens: [3]\n", "lstm_cell_size = 256 is RLlib's default"),
        ("rnn_layers: 5\nrnn_neurons: 9\n", "rnn_bidirectional = true is SpeechBrain's default"),
    ],
)
def test_a_default_is_no_fact(text: str, default: str) -> None:
    assert any(default in item.uncertain or default in " ".join(item.uncertain) for item in found_in(text, "a.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "etype: bgrup\nelayers: 2\neunits: 320\neprojs: 300\n",
        "encoder: rnn\nencoder_conf: {rnn_type: gru}\n",
        "rnn_size: 20\nlayers: 2\nrnn_type: GRU\n",
        "use_lstm: false\nfcnet_hiddens: [3]\n",
        "rnn_layers: 5\nrnn_neurons: 9\nrnn_class: speechbrain.nnet.RNN.LiGRU\n",
        "name: SequenceEncoder\nencoder_type: svtr\nhidden_size: 3\n",
        "arch: lstm\nencoder_embed_dim: 3\n",
        "input_features: [{name: a, type: text}]\noutput_features: []\n",
    ],
)
def test_what_is_no_lstm_or_not_read_is_said(text: str) -> None:
    with pytest.raises(NoLstmError, match="sizes of something else"):
        found_in(text, "a.yaml")


@pytest.mark.parametrize("layers", ["0", "-1", "100000000000", "many", "[1, 2]"])
def test_a_number_of_layers_that_cannot_be(layers: str) -> None:
    (found,) = found_in(f"etype: blstmp\nelayers: {layers}\neunits: 320\neprojs: 300\n", "a.yaml")
    assert "the number of LSTMs is not known" in found.gaps["input_size"].why


def test_every_row_that_is_read_has_its_source() -> None:
    assert all(bool(tool.source) == (tool.parts is not None) for tool in TOOLS)
