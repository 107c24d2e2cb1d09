"""The LSTMs of a configuration: where they stand, what says so, and what is never taken for one."""

from typing import Any

import pytest

from lstmcalc.errors import ConfigError, LstmcalcError, NoLstmError, SourceError
from lstmcalc.intake.resolve import lstms_in
from tools.configured import found_in, is_certain, said_in, sizes, values_of

CERTAIN: list[tuple[str, dict[str, Any]]] = [
    (
        '{"encoder": {"type": "lstm", "input_size": 64, "hidden_size": 128, "num_layers": 2, "bidirectional": true, "dropout": 0.4}}',
        {"encoder": sizes(64, 128, num_layers=2, bidirectional=True, dropout=0.4)},
    ),
    (
        '{"model": {"rnn": {"_target_": "torch.nn.LSTM", "input_size": 40, "hidden_size": 128, "num_layers": 2}}}',
        {"model.rnn": sizes(40, 128, num_layers=2)},
    ),
    ("model:\n  class_path: torch.nn.LSTM\n  init_args:\n    input_size: 3\n    hidden_size: 4\n", {"model": sizes(3, 4)}),
    ("net:\n  lstm:\n    input_size: 3\n    hidden_size: 4\n", {"net.lstm": sizes(3, 4)}),
    ("rnn_type: LSTM\ninput_size: 3\nhidden_size: 4\nlr: 0.1\n", {"lstm": sizes(3, 4)}),
    ("rnn: {cell_type: BiLSTM, input_size: 3, hidden_size: 4}\n", {"rnn": sizes(3, 4, bidirectional=True)}),
    ("encoder_lstm: {input_size: 3, hidden_size: 4}\nlr: 1\n", {"encoder_lstm": sizes(3, 4)}),
    ("lstm_input_size: 3\nlstm_hidden_size: 4\nlstm_num_layers: 2\nlr: 1\n", {"lstm": sizes(3, 4, num_layers=2)}),
    ("model.rnn.type: lstm\nmodel.rnn.input_size: 3\nmodel.rnn.hidden_size: 4\n", {"model.rnn": sizes(3, 4)}),
    ("a: {type: lstm, inputSize: 3, hiddenSize: 4, numLayers: 2}\n", {"a": sizes(3, 4, num_layers=2)}),
    ("a: {type: lstm, input-size: 3, hidden-size: 4}\n", {"a": sizes(3, 4)}),
    ("enc: {type: rnn, cell_type: lstm, input_size: 3, hidden_size: 4}\n", {"enc": sizes(3, 4)}),
    ("use_lstm: true\ninput_size: 3\nhidden_size: 4\n", {"lstm": sizes(3, 4)}),
    ("h: 4\na:\n  type: lstm\n  input_size: 3\n  hidden_size: ${h}\n", {"a": sizes(3, 4)}),
    ("a:\n  type: lstm\n  input_size: ${.hidden_size}\n  hidden_size: 4\n", {"a": sizes(4, 4)}),
    ("a: !new:torch.nn.LSTM\n  input_size: 3\n  hidden_size: !ref <h>\nh: 4\n", {"a": sizes(3, 4)}),
    ("base: &b\n  type: lstm\n  input_size: 3\na:\n  <<: *b\n  hidden_size: 4\n", {"a": sizes(3, 4)}),
    ("a:\n  value:\n    type: lstm\n    input_size: 3\n    hidden_size: 4\n", {"a": sizes(3, 4)}),
    ("type: {value: lstm}\nlstm: {input_size: {value: 3, desc: x}, hidden_size: {value: 4}}\n", {"lstm": sizes(3, 4)}),
    ("[model]\ntype = lstm\ninput_size = 3\nhidden_size = 4\nbidirectional = yes\n", {"model": sizes(3, 4, bidirectional=True)}),
    (
        "------------ Options -------------\nhidden_size : 4\ninput_size  : 3\nrnn_type    : LSTM\n-------------- End --------------\n",
        {"lstm": sizes(3, 4)},
    ),
    ("rnn_type = LSTM\ninput_size = 3\nhidden_size = 4\n", {"lstm": sizes(3, 4)}),
    ('[model]\ntype = "lstm"\ninput_size = 3\nhidden_size = 4\n', {"model": sizes(3, 4)}),
    ("Namespace(rnn_type='lstm', input_size=3, hidden_size=4, lr=0.001)", {"lstm": sizes(3, 4)}),
    ("{'type': 'lstm', 'input_size': 3, 'hidden_size': 4, 'bias': False}", {"lstm": sizes(3, 4, bias=False)}),
    ('// a\n{"e": {"type": "lstm", /* b */ "input_size": 3, "hidden_size": 4,},}', {"e": sizes(3, 4)}),
    ("local h = 4;\n{ e: { type: 'lstm', input_size: 3, hidden_size: h }, x: std.extVar('x') }", {"e": sizes(3, 4)}),
    ("e: {type: lstm, input_size: '3', hidden_size: 4, bidirectional: 'True'}\n", {"e": sizes(3, 4, bidirectional=True)}),
    ("e: {class: torch.nn.LSTM, input_size: 3, hidden_size: 4, proj_size: 2}\n", {"e": sizes(3, 4, proj_size=2)}),
    ("lstm:\n  input_size: 3\n  hidden_size: 4\ndata:\n  batch: 7\n", {"lstm": sizes(3, 4, batch=7)}),
    ('{"lstm": {"input_size": 3, "hidden_size": 4}, // mine\n}', {"lstm": sizes(3, 4)}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "right"), CERTAIN)
def test_what_is_stated_is_read(text: str, right: dict[str, Any]) -> None:
    assert said_in(text) == right
    assert is_certain(text)


def test_a_list_of_layers_feeds_the_next() -> None:
    text = '[{"type": "lstm", "neurons": 100, "input_timesteps": 49, "input_dim": 2, "return_seq": true}, {"type": "dropout", "rate": 0.2}, {"type": "lstm", "neurons": 100}]'
    assert is_certain(text)
    assert [(item.input_size, item.hidden_size) for item in lstms_in(text).values()] == [(2, 100), (100, 100)]


@pytest.mark.parametrize(
    ("before", "width"),
    [
        ("- {type: lstm, hidden_size: 4, input_size: 3}", 4),
        ("- {type: lstm, hidden_size: 4, input_size: 3, bidirectional: true}", 8),
        ("- {type: lstm, hidden_size: 4, input_size: 3}\n- {type: dropout, p: 0.1}\n- relu", 4),
        ("- {type: Dense, units: 7}", 7),
        ("- {type: embedding, output_dim: 6}\n- {type: LayerNorm}", 6),
        ("- Linear: {out_features: 9}", 9),
        ("- {type: conv1d, filters: 9}", None),
        ("- {type: attention}", None),
    ],
)
def test_what_the_layer_before_gives(before: str, width: int | None) -> None:
    text = f"layers:\n{before}\n- {{type: lstm, hidden_size: 5}}\n"
    last = found_in(text)[-1]
    if width is None:
        assert "input_size" in last.gaps
    else:
        assert list(lstms_in(text).values())[-1].input_size == width


@pytest.mark.parametrize(
    "text",
    [
        "experiments: [{type: lstm, input_size: 4, hidden_size: 8}, {type: lstm, hidden_size: 16}]\n",
        '[{"name": "small", "type": "lstm", "input_size": 4, "hidden_size": 8}, {"type": "lstm", "hidden_size": 16}]',
    ],
)
def test_a_list_that_may_be_of_alternatives_is_uncertain(text: str) -> None:
    first, second = found_in(text)
    assert not first.uncertain
    assert second.reads == first.name
    assert second.uncertain == ("it reads what stands before it in its list, if these are layers of one network",)
    stack = text.replace("experiments:", "lstm_layers:").replace(', {"type"', ', {"type": "dropout"}, {"type"')
    assert is_certain(stack)


@pytest.mark.parametrize(
    "text",
    [
        "model:\n  lstm:\n    head: {input_size: 3, hidden_size: 4}\n",
        "services:\n  lstm:\n    environment: {INPUT_SIZE: 3, HIDDEN_SIZE: 4}\n",
    ],
)
def test_sizes_in_a_table_of_an_lstm_may_be_of_a_part_of_it(text: str) -> None:
    assert [found.uncertain for found in found_in(text)] == [("read as the LSTM that lstm names",)]
    assert is_certain(text.replace("head", "params").replace("environment", "args"))


@pytest.mark.parametrize("kind", ["StackedBidirectionalLstm", "cnn_bilstm", "BLSTM_CRF"])
def test_a_name_that_speaks_of_both_directions_is_not_read_as_one(kind: str) -> None:
    (found,) = found_in(f"encoder: {{type: {kind}, input_size: 3, hidden_size: 4, num_layers: 2}}\n")
    assert "bidirectional" not in found.layer
    assert found.gaps["bidirectional"].why == f"type = {kind}, but no bidirectional"


@pytest.mark.parametrize("more", ["d: 8", "use_lstm: true", "n: 3"])
def test_keys_of_other_programs_are_no_misspelled_settings(more: str) -> None:
    assert said_in(f"{more}\nlstm: {{input_size: 3, hidden_size: 4}}\n") == {"lstm": sizes(3, 4)}


def test_a_switch_that_is_off_is_no_lstm() -> None:
    with pytest.raises(NoLstmError, match="no LSTM is recognised"):
        found_in("lstm: false\ninput_size: 3\nhidden_size: 4\n", "a.yaml")


@pytest.mark.parametrize("wires", ["edges: []\n", ""])
def test_a_list_with_wires_is_no_chain(wires: str) -> None:
    inner = ", inputs: [a]" if not wires else ""
    text = f"{wires}layers:\n- {{id: a, type: Dense, units: 7}}\n- {{id: b, type: lstm, hidden_size: 5{inner}}}\n"
    assert "input_size" in found_in(text)[-1].gaps


def test_keras_names() -> None:
    text = "layers:\n- {type: LSTM, units: 32, return_sequences: true, input_shape: [28, 10]}\n- {type: LSTM, units: 16, activation: relu}\n"
    first, second = found_in(text)
    assert (first.framework, values_of(first)) == ("keras", sizes(10, 32, seq_len=28))
    assert second.unmodelled == ("activation = 'relu'",)
    assert second.reads == first.name
    nested = '{"a": 1, "net": {"class_name": "Sequential", "config": {"layers": [{"class_name": "LSTM", "config": {"units": 3, "name": "r", "batch_input_shape": [null, 4, 5]}}]}}}'
    assert said_in(nested)["r"] == sizes(5, 3, seq_len=4)


UNCERTAIN = [
    ("Namespace(model='lstm', input_size=10, hidden_size=20)", "num_layers and bidirectional are not stated"),
    ("model: {value: LSTM, desc: null}\ninput_size: {value: 10}\nhidden_size: {value: 20}\n", "are not stated"),
    ("model_name: lstm_v2\nmodel_params: {input_size: 10, hidden_layer_size: 20}\n", "may be another LSTM"),
    ('{"input_size": 10, "hidden_size": 20, "num_layers": 2, "learning_rate": 1e-3}', "does not say so"),
    ("net: {input_size: 10, hidden_size: 20}\n", "does not say so"),
    ("net: {type: lstm, input_dim: 10, hidden_dim: 20}\n", "hidden_dim is read as hidden_size"),
    ("net: {type: lstm, input_size: 10, hidden_size: 20, n_layers: 2}\n", "n_layers is read as num_layers"),
    ("net: {_target_: my.models.LSTMEncoder, input_size: 10, hidden_size: 20}\n", "may be another LSTM"),
    ("net: {_target_: my.LSTM, input_size: 10, hidden_size: 20}\n", "may be another LSTM"),
    ("net: {type: stacked_bidirectional_lstm, input_size: 10, hidden_size: 20}\n", "may be another LSTM"),
    ("model: lstm\nnet: {input_size: 10, hidden_size: 20}\n", "that model = lstm names"),
    ("net: {_target_: torch.nn.LSTM, input_size: 10, hidden_size: 20, hidden: 3}\n", "has no hidden"),
]


@pytest.mark.parametrize(("text", "why"), UNCERTAIN)
def test_what_is_assumed_is_said(text: str, why: str) -> None:
    (found,) = found_in(text)
    assert {field: values_of(found)[field] for field in ("input_size", "hidden_size")} == sizes(10, 20)
    assert why in "; ".join(found.uncertain)


OPEN = [
    ("net: {type: lstm, hidden_size: 20, embedding_dim: 300}\n", "input_size", "no input_size, but embedding_dim = 300"),
    ("net:\n  type: lstm\n  input_size: 3\n  hidden_size: ${oc.env:H}\n", "hidden_size", "which is computed"),
    ("net: {type: lstm, input_size: 3, hidden_size: [4, 8]}\n", "hidden_size", "a list of values"),
    ("net: {type: lstm, input_size: 3, hidden_size: {min: 4, max: 8}}\n", "hidden_size", "several values"),
    ("net: {type: lstm, input_size: 3, hidden_dim: 4, n_hidden: 5}\n", "hidden_size", "hidden_dim = 4 and n_hidden = 5"),
    ("net: {type: lstm, input_size: 3, hidden_size: 4, bidirectionnal: true}\n", "bidirectional", "bidirectionnal = true"),
    ("net:\n  type: lstm\n  input_size: 3\n  hidden_size: 4\n  hidden_size: 5\n", "hidden_size", "stands here twice, lines 4 and 5"),
    ("{ e: { type: 'lstm', input_size: 50 + 128, hidden_size: 4 } }", "input_size", "50 + 128, which is computed"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "why"), OPEN)
def test_what_is_not_known_is_open(text: str, field: str, why: str) -> None:
    (found,) = found_in(text)
    assert why in found.gaps[field].why
    assert field not in found.layer


NEVER = [
    "net: {type: gru, input_size: 3, hidden_size: 4}\n",
    "net: {_target_: torch.nn.GRU, input_size: 3, hidden_size: 4}\n",
    "net: {_target_: my.models.Tagger, input_size: 3, hidden_size: 4}\n",
    "net: {type: transformer, input_size: 3, hidden_size: 4}\n",
    "net: {type: rnn, input_size: 3, hidden_size: 4}\n",
    "net: {type: seq2seq, input_size: 3, hidden_size: 4}\n",
    "net: {type: conv_lstm, input_size: 3, hidden_size: 4}\n",
    "net: {type: xlstm, input_size: 3, hidden_size: 4}\n",
    "gru: {input_size: 3, hidden_size: 4}\n",
    "rnn_type: gru\nnet: {input_size: 3, hidden_size: 4}\n",
    "use_lstm: false\ninput_size: 3\nhidden_size: 4\n",
    "model_type: encodec\nhidden_size: 128\ninput_size: 3\nnum_lstm_layers: 2\n",
    "codec: {model_type: encodec, hidden_size: 128, input_size: 3, num_lstm_layers: 2}\n",
    "architectures: [BertModel]\nhidden_size: 768\ninput_size: 3\n",
    "class_path: my.Net\ninit_args: {input_size: 3, hidden_size: 4}\n",
    "hidden_size: 4\nnum_layers: 2\nlr: 0.1\n",
    "lstm: yes\nlr: 0.1\n",
    "a: 1\n",
]


@pytest.mark.parametrize("text", NEVER)
def test_something_else_is_never_taken_for_an_lstm(text: str) -> None:
    with pytest.raises(NoLstmError):
        found_in(text, "config.yaml")


def test_the_codec_of_encodec_is_asked_for() -> None:
    text = '{"model_type": "encodec", "hidden_size": 128, "num_filters": 32, "num_lstm_layers": 2}'
    with pytest.raises(SourceError, match="unknown"):
        lstms_in(text)


def test_the_reason_why_sizes_are_not_taken_is_said() -> None:
    with pytest.raises(NoLstmError, match="sizes of something else: type = gru"):
        found_in("net: {type: gru, input_size: 3, hidden_size: 4}\n", "a.yaml")


@pytest.mark.parametrize("size", ["-3", ".nan", ".inf", "0", "99999999999999999999999", "2.5", "abc", "true"])
def test_an_impossible_size_is_said_at_its_place(size: str) -> None:
    text = f"net:\n  type: lstm\n  input_size: {size}\n  hidden_size: 4\n"
    with pytest.raises((ConfigError, LstmcalcError)) as caught:
        lstms_in(text)
    assert "line 3" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lstm:\n  input_size: 3\n  hiden_size: 4\n", "no such setting"),
        ('{"lstm": {"input_size": 3, "hidden_size": 4, "hiden": 1}}', "no such setting"),
        ("lstm: {input_size: 3, hidden_size: 4}\ndta: {batch: 3}\n", "no such setting"),
    ],
)
def test_an_unknown_key_in_our_own_tables_stays_an_error(text: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        found_in(text, "a.json" if text.startswith("{") else "a.yaml")


def test_another_word_is_no_misspelling() -> None:
    (found,) = found_in("type: lstm\ninput_size: 3\nhidden_size: 4\nbatch_size: 64\noutput_size: 2\n")
    assert found.gaps == {}


def test_a_repeated_key_elsewhere_is_said() -> None:
    (found,) = found_in("lr: 1\nlr: 2\nnet: {type: lstm, input_size: 3, hidden_size: 4}\n", "a.yaml")
    assert found.notes == ("lr stands in one table twice, a.yaml:1 and a.yaml:2: the last one counts",)
