"""TOML and JSON in PyTorch's names, reports, and configurations of others."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.commands.params.report import params_report
from lstmcalc.commands.shapes.report import shapes_report
from lstmcalc.errors import SourceError
from lstmcalc.intake.subject import subject_of_layers
from lstmcalc.readers.found import Found
from lstmcalc.readers.json_documents import read_json
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text.toml_texts import read_pyproject, read_toml
from lstmcalc.report.record import plain
from lstmcalc.spec.provenance import Gap, Origin, Setting
from tools.strategies import as_toml


def toml(text: str, origin: str = "source") -> list[Found]:
    return read_toml(SourceText(text, "lstm.toml"), origin)


def from_json(text: object) -> list[Found]:
    return read_json(SourceText(text if isinstance(text, str) else json.dumps(text), "lstm.json"))


def values(found: Found) -> dict[str, Any]:
    return {field: setting.value for field, setting in found.layer.items()}


def test_one_lstm_with_its_places() -> None:
    (found,) = toml("# mine\n[lstm]\ninput_size = 10\nhidden_size = 20  # cells\nbidirectional = true\n")
    assert (found.name, found.framework, found.where) == ("lstm", "pytorch", "lstm.toml:2")
    assert found.text == "input_size = 10, hidden_size = 20, bidirectional = true"
    assert values(found) == {"input_size": 10, "hidden_size": 20, "bidirectional": True}
    assert found.layer["hidden_size"].origin == ("source", "lstm.toml:4", "stated")
    assert found.pointers["hidden_size"] == ("lstm.toml:4", "hidden_size = 20  # cells\n^^^^^^^^^^^^^^^^")
    assert found.pointers[""] == ("lstm.toml:2", "[lstm]\n^^^^^^")
    assert not found.gaps


def test_several_lstms_share_what_stands_above_them() -> None:
    found = toml(
        "[lstm]\nhidden_size = 20\nbias = false\n[lstm.encoder.rnn]\ninput_size = 10\n"
        "[lstm.decoder]\ninput_size = 7\nhidden_size = 8\nframework = 'tf'\n[data]\nlengths = [4, 2]\ndtype = 'float16'\n"
    )
    data = {"lengths": [4, 2], "dtype": "float16"}
    assert [(one.name, one.framework, values(one)) for one in found] == [
        ("encoder.rnn", "pytorch", {"hidden_size": 20, "bias": False, "input_size": 10} | data),
        ("decoder", "keras2", {"hidden_size": 8, "bias": False, "input_size": 7} | data),
    ]
    assert [one.layer["hidden_size"].origin.where for one in found] == ["lstm.toml:2", "lstm.toml:8"]
    assert subject_of_layers([found[0].layer]).data.seq_len == 4


def test_the_same_in_json() -> None:
    found = from_json(
        '{"lstm": {"hidden_size": 20,\n "encoder": {"input_size": 10}, "decoder": {"input_size": 7, "proj_size": null}},\n'
        ' "data": {"seq_len": 6, "lengths": null}}'
    )
    assert [(one.name, values(one)) for one in found] == [
        ("encoder", {"hidden_size": 20, "input_size": 10, "seq_len": 6}),
        ("decoder", {"hidden_size": 20, "input_size": 7, "seq_len": 6}),
    ]
    assert found[1].pointers["input_size"] == (
        "lstm.json:2",
        (
            '"encoder": {"input_size": 10}, "decoder": {"input_size": 7, "proj_size": null}},\n'
            "                                           ^^^^^^^^^^^^^^^"
        ),
    )


@pytest.mark.parametrize(
    "found", [toml("hidden_size = 20\nnum_layers = 2"), from_json('{"hidden_size": 20, "num_layers": 2}')]
)
def test_names_at_the_top_are_an_lstm_and_what_is_missing_is_a_gap(found: list[Found]) -> None:
    assert [(one.name, values(one)) for one in found] == [("lstm", {"hidden_size": 20, "num_layers": 2})]
    assert found[0].gaps == {"input_size": Gap("no input_size")}


def test_a_configuration_may_leave_out_what_the_example_has() -> None:
    (found,) = toml("[lstm]\nhidden_size = 8", "config")
    assert not found.gaps
    assert found.layer["hidden_size"].origin.source == "config"
    (found,) = toml("[data]\nseq_len = 8", "config")
    assert (found.text, values(found)) == ("[data]", {"seq_len": 8})
    assert toml("# nothing", "config") == []


def test_a_pyproject_is_read_only_where_it_has_the_table() -> None:
    def read(text: str) -> list[Found]:
        return read_pyproject(SourceText(text, "pyproject.toml"))

    (found,) = read("[project]\nname = 'x'\n[tool.lstmcalc.lstm]\nhidden_size = 8\n")
    assert found.layer["hidden_size"] == (8, ("config", "pyproject.toml:4", "stated"))
    assert found.pointers[""] == ("pyproject.toml:3", "[tool.lstmcalc.lstm]\n^^^^^^^^^^^^^^^^^^^^")
    assert [one.layer["hidden_size"].value for one in read("[tool]\nlstmcalc = {hidden_size = 9}")] == [9]
    assert [one.name for one in toml("[tool.lstmcalc]\nhidden_size = 9")] == ["lstm"]
    assert read("[project]\ndependencies = ['lstmcalc>=1']\nbroken = ") == []
    assert read("[project.scripts]\nlstmcalc = 'lstmcalc.__main__:main'\n[tool.ruff]\nline-length = 120") == []
    with pytest.raises(SourceError, match=r"^pyproject.toml:2: this is not TOML: "):
        read("[tool.lstmcalc]\nbroken = ")


TOML_ERRORS = [
    (
        "[lstm]\ninput_size = 10\nhidden = 20",
        (
            "lstm.toml:3: no such setting\n  hidden = 20\n  ^^^^^^\n"
            "  expected one of input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, "
            "framework, found 'hidden'\n  hint: did you mean hidden_size?"
        ),
    ),
    (
        "input_size = 10\nbi = true",
        (
            "lstm.toml:2: no such setting\n  bi = true\n  ^^\n"
            "  expected one of lstm, data, around, input_size, hidden_size, num_layers, bias, batch_first, dropout, "
            "bidirectional, proj_size, framework, found 'bi'\n  hint: did you mean bidirectional?"
        ),
    ),
    (
        "[lstm]\nbatch = 3",
        (
            "lstm.toml:2: no such setting\n  batch = 3\n  ^^^^^\n"
            "  expected one of input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, "
            "framework, found 'batch'\n  hint: batch belongs in [data]"
        ),
    ),
    (
        "[data]\nhidden_size = 3\n[lstm]",
        (
            "lstm.toml:2: no such setting\n  hidden_size = 3\n  ^^^^^^^^^^^\n"
            "  expected one of seq_len, batch, unbatched, lengths, dtype, found 'hidden_size'\n"
            "  hint: hidden_size belongs in [lstm]"
        ),
    ),
    (
        "hidden_size = 2\n[lstm]\ninput_size = 3",
        "lstm.toml:1: hidden_size stands outside of [lstm]\n  hidden_size = 2\n  ^^^^^^^^^^^\n  hint: move it there",
    ),
    (
        "[lstm]\nhidden_size = [2, 3]",
        "lstm.toml:2: hidden_size is a list\n  hidden_size = [2, 3]\n  ^^^^^^^^^^^\n  expected one value, as 20",
    ),
    (
        "[lstm.bias]\non = true",
        "lstm.toml:1: bias is a table\n  [lstm.bias]\n  ^^^^^^^^^^^\n  expected one value, as true",
    ),
    (
        "[[lstm]]\nhidden_size = 2",
        (
            "lstm.toml:1: lstm is a list\n  [[lstm]]\n  ^^^^^^^^\n  expected a table\n"
            "  hint: give each a name: [lstm.encoder] and [lstm.decoder]"
        ),
    ),
    (
        "[lstm]\n[data]\nlengths = 4",
        "lstm.toml:3: lengths is not a list\n  lengths = 4\n  ^^^^^^^\n  expected integers, e.g. [4, 2, 3], found 4",
    ),
    (
        "[lstm]\nframework = 'kears'",
        (
            "lstm.toml:2: no such framework\n  framework = 'kears'\n  ^^^^^^^^^\n"
            "  expected one of the 30 that lstmcalc frameworks shows, e.g. keras or onnx, found 'kears'\n"
            "  hint: did you mean keras?"
        ),
    ),
    (
        "[package]\nname = 'x'\n[dependencies]\n",
        (
            "lstm.toml: no LSTM is recognised in it\n"
            "  expected a table [lstm] with input_size and hidden_size, found package, dependencies"
        ),
    ),
    (
        "[lstm]\nhidden_size = ]",
        "lstm.toml:2: this is not TOML: invalid value, in column 15\n  hidden_size = ]\n                ^",
    ),
]


@pytest.mark.parametrize(("text", "message"), TOML_ERRORS)
def test_what_is_wrong_in_toml_is_pointed_at(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        toml(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("read", [read_toml, read_json])
def test_a_number_that_python_refuses_to_read(read: Any) -> None:
    text = {read_toml: "hidden_size = {}", read_json: '{{"hidden_size": {}}}'}[read]
    with pytest.raises(SourceError) as caught:
        read(SourceText(text.format("1" * 5000), "x"))
    assert (caught.value.what, caught.value.where) == ("too large", "x:1")
    assert (caught.value.expected, caught.value.found) == ("at most 2**63 - 1", "a number of 5,000 digits")


JSON_ERRORS = [
    (
        '{"lstm": {"hidden_size": 20,\n "layers": 2}}',
        (
            'lstm.json:2: no such setting\n  "layers": 2}}\n  ^^^^^^^^\n'
            "  expected one of input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, "
            "framework, found 'layers'\n  hint: did you mean num_layers?"
        ),
    ),
    (
        '{"hidden_size": 20,\n "hidden_size": 30}',
        (
            'lstm.json:2: the same key stands here for the second time\n  "hidden_size": 30}\n  ^^^^^^^^^^^^^\n'
            "  found 'hidden_size'"
        ),
    ),
    ('{"dropout":\n NaN}', "lstm.json:2: this is not JSON: it has no number NaN\n  NaN}\n  ^^^"),
    (
        '{"a": "NaN", "b": -Infinity}',
        (
            'lstm.json:1: this is not JSON: it has no number -Infinity\n  {"a": "NaN", "b": -Infinity}\n'
            "                    ^^^^^^^^^"
        ),
    ),
    ('{"lstm": }', 'lstm.json:1: this is not JSON: expecting value, in column 10\n  {"lstm": }\n           ^'),
    (
        '[{"hidden_size": 20}]',
        (
            'lstm.json: no LSTM is recognised in it\n  expected {"lstm": {"input_size": 10, "hidden_size": 20}}, a report of '
            "lstmcalc, a model of Keras or a config.json, found a list"
        ),
    ),
    (
        '{"lr": 0.1, "steps": 3}',
        (
            'lstm.json: no LSTM is recognised in it\n  expected {"lstm": {"input_size": 10, "hidden_size": 20}}, a report of '
            "lstmcalc, a model of Keras or a config.json, found lr, steps"
        ),
    ),
    ('{"a":' * 500 + "1" + "}" * 500, "lstm.json: this is nested too deeply\n  expected at most 100 levels"),
    ("[" * 100000, "lstm.json: this is nested too deeply\n  expected at most 100 levels"),
    (
        '{"lstmcalc": "1", "schema": 2,\n "modules": []}',
        (
            'lstm.json:1: this report cannot be read\n  {"lstmcalc": "1", "schema": 2,\n                    ^^^^^^^^\n'
            "  expected schema = 1, found schema = 2"
        ),
    ),
    (
        '{"lstmcalc": "1", "schema": 1,\n "modules": [3]}',
        (
            'lstm.json:2: this is not a module of a report\n  "modules": [3]}\n              ^\n'
            "  expected an object with config, found 3"
        ),
    ),
    (
        '{"model_type": "bert"}',
        (
            "lstm.json: no LSTM is recognised in it\n"
            "  expected hidden_size, num_layers, ... as PyTorch names them, found model_type"
        ),
    ),
]


@pytest.mark.parametrize(("text", "message"), JSON_ERRORS)
def test_what_is_wrong_in_json_is_pointed_at(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        from_json(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("tree", [params_report, shapes_report])
def test_a_report_reads_back_as_its_modules(tree: Any) -> None:
    stated = Origin("flag", None, "stated")
    first = {"hidden_size": Setting(8, stated), "num_layers": Setting(2, stated), "lengths": Setting([4, 2], stated)}
    second = {"unbatched": Setting(True, stated), "dropout": Setting(0.5, stated)}
    subjects = [subject_of_layers([first], "keras"), subject_of_layers([second])]
    text = json.dumps(plain(tree(subjects)), default=list, indent=1)
    for found, subject in zip(from_json(text), subjects, strict=True):
        again = subject_of_layers([found.layer], found.framework)
        assert (found.name, again.framework, again.config) == ("lstm", subject.framework, subject.config)
        assert again.data == subject.data or tree is params_report
        assert found.layer["input_size"].origin.certainty == "assumed"
        assert found.layer["num_layers"].origin.certainty == "stated"
        assert not found.gaps


def test_a_foreign_configuration_gives_what_it_names_and_says_what_may_be_the_rest() -> None:
    (found,) = from_json(
        {
            "model_type": "speech_lstm",
            "hidden_size": 320,
            "num_hidden_layers": 2,
            "d_model": 80,
            "vocab_size": 30,
            "num_layers": None,
            "bidirectional": "yes",
            "dropout": 0.1,
            "whatever": {"hidden": [1]},
        }
    )
    assert (found.name, found.text, found.notes) == ("lstm", "hidden_size = 320, dropout = 0.1", ())
    assert values(found) == {"hidden_size": 320, "dropout": 0.1}
    assert found.gaps == {
        "input_size": Gap("no input_size, but d_model = 80 or vocab_size = 30"),
        "num_layers": Gap("no num_layers, but num_hidden_layers = 2"),
        "bidirectional": Gap("no bidirectional"),
    }


@pytest.mark.parametrize("said", [{"model_type": "bert"}, {"architectures": ["EncodecModel"]}, {"model_type": ""}])
def test_a_size_of_a_configuration_that_names_no_lstm_is_not_taken_for_one(said: dict[str, Any]) -> None:
    # transformers 4.57.1, configuration_encodec.py: hidden_size is the codec's, its LSTM has num_filters * 2**4.
    (found,) = from_json(
        {**said, "hidden_size": 128, "num_layers": 2, "dropout": 0.1, "bidirectional": True, "bias": True}
    )
    assert values(found) == {}
    assert found.gaps == {
        "input_size": Gap("no input_size"),
        "hidden_size": Gap("hidden_size = 128, which may be another module's"),
        "num_layers": Gap("num_layers = 2, which may be another module's"),
        "bidirectional": Gap("bidirectional = true, which may be another module's"),
    }
    assert found.notes[0].startswith("this configuration does not say that it is of an LSTM")
    (found,) = from_json({"model_type": "bert", "hidden_size": 768})
    assert found.notes == ("this configuration does not say that it is of an LSTM: model_type = 'bert'",)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"encoder": {"type": "lstm", "width": 64}}, "found encoder; encoder.type = lstm mentions one"),
        ({"a": [{"BiLSTM": 3}]}, "found a; a.0.BiLSTM mentions one"),
        ({"lr": 0.1}, "found lr"),
        ([{"rnn": "LSTM"}], "found a list; 0.rnn = LSTM mentions one"),
        ({"layers": [{"type": "dense"}]}, "found layers"),
    ],
)
def test_what_mentions_an_lstm_in_json_is_named(tree: Any, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        from_json(tree)
    what, facts, *hint = str(caught.value).splitlines()
    assert what == "lstm.json: no LSTM is recognised in it"
    assert facts.endswith(words)
    assert bool(hint) == ("mentions" in words)


@pytest.mark.parametrize(
    ("tree", "name", "words"),
    [
        ({"architecture": "WaveNet", "config": {}, "weights": []}, "a model of Neural Amp Modeler (.nam)", "WaveNet"),
        ({"in_shape": [1], "layers": [{"type": "lstm"}, {}, 3]}, "a model of RTNeural", "layers of the types lstm;"),
        ({"modelTopology": {}, "weightsManifest": []}, "a model of TensorFlow.js", "its keys modelTopology"),
        (
            {"nodes": [], "arg_nodes": [], "heads": []},
            "a graph of MXNet (symbol.json)",
            "whether it has an LSTM is not",
        ),
    ],
)
def test_documents_that_hold_a_model_are_named(tree: Any, name: str, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        from_json(tree)
    assert str(caught.value).startswith(f"lstm.json looks like {name}, which is not read\n")
    assert words in str(caught.value)


# --- Anything at all

WORDS = """
    lstm data input_size hidden_size num_layers bias framework dropout lengths seq_len encoder tool lstmcalc modules
    schema config name model_type provenance hidden class_name layers units state_dict weight_hh_l0 architecture
    weights in_shape type shape filename weightsManifest modelTopology nodes heads arg_nodes
"""
NAMES = st.sampled_from(WORDS.split())
ours = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 30) | st.floats() | st.text(max_size=4) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)
VALID = (
    "[lstm]\ninput_size = 10\nhidden_size = 20\n[lstm.a]\nbias = true\n[lstm.b]\n[data]\nlengths = [4, 2]\n",
    '{"lstm": {"input_size": 10, "hidden_size": 20, "a": {"bias": true}, "b": {}}, "data": {"lengths": [4, 2]}}',
    '{"schema": 1, "lstmcalc": "1.0", "modules": [{"name": "x", "config": {"hidden_size": 4}, "data": {"batch": 2}}]}',
    '{"model_type": "x", "hidden_size": 3, "num_hidden_layers": 2}',
)


def unanswered(text: str) -> list[Found | str]:
    """The LSTMs of a text that lack something, and the errors that do not name their place; none of answers."""
    source, found = SourceText(text, "any.txt"), list[Found | str]()
    for read in (read_toml, read_json, read_pyproject, lambda source: read_toml(source, "config")):
        try:
            found += [one for one in read(source) if not (one.name and one.text)]
        except SourceError as error:
            found += [] if str(error).startswith("any.txt") else [str(error)]
    return found


@given(st.text(st.characters(codec=None)) | st.text("[]{}=\"'.,:#\n\\ lstmdata_size10"))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert unanswered(text) == []


@given(ours)
def test_any_json_is_read_or_refused(tree: Any) -> None:
    assert unanswered(json.dumps(tree)) == []
    if isinstance(tree, dict):
        assert unanswered(as_toml(tree)) == []
        assert unanswered(as_toml({"tool": {"lstmcalc": tree}})) == []


@given(st.sampled_from(VALID), st.data())
def test_a_damaged_document_is_read_or_refused(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 6)))
    put = data.draw(
        st.sampled_from(["", '"', "{", "}", "[", "]", "[[", "=", ",", ":", "\n", "1", "null", "lstm", "\\"])
    )
    assert unanswered(text[:start] + put + text[stop:]) == []
