"""Keras' own JSON, as Keras writes it, shortened to what is read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.errors import SourceError
from lstmcalc.readers.found import Found
from lstmcalc.readers.json_documents import read_json
from lstmcalc.readers.keras.flow import Stream, merged_stream, stream_after, stream_of_shape
from lstmcalc.readers.keras.models import looks_like_keras
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Gap

Tree = dict[str, Any]


def read(tree: object) -> list[Found]:
    return read_json(SourceText(json.dumps(tree), "model.json"))


def values(found: Found) -> Tree:
    return {field: setting.value for field, setting in found.layer.items()}


def layer(kind: str, shape: object = None, inbound: object = None, **config: Any) -> Tree:
    """A layer as Keras 3 writes it."""
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
    node = {"module": "keras.layers", "class_name": kind, "config": {"dtype": policy} | config, "registered_name": None}
    node |= {"build_config": {"input_shape": shape}} if shape else {}
    return node | ({"name": config["name"], "inbound_nodes": inbound} if inbound is not None else {})


def lstm(units: int = 4, shape: object = None, inbound: object = None, **config: Any) -> Tree:
    defaults = {"name": "lstm", "return_sequences": False, "return_state": False, "go_backwards": False, "units": units}
    defaults |= {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "unit_forget_bias": True}
    return layer("LSTM", shape, inbound, **defaults | {"zero_output_for_mask": False, "dropout": 0.0} | config)


def old(kind: str, **config: Any) -> Tree:
    """A layer as Keras 2 writes it."""
    return {"class_name": kind, "config": config}


def model(*layers: Tree, name: str = "model", **config: Any) -> Tree:
    kind = "Functional" if config else "Sequential"
    return {"module": "keras", "class_name": kind, "config": {"name": name, "layers": [*layers], **config}}


def call(*names: str, index: int = 0, **named: Any) -> list[Tree]:
    """How Keras 3 writes what a layer is called with."""
    tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, index]}} for name in names]
    return [{"args": tensors[:1] if len(tensors) == 1 else [tensors], "kwargs": named}]


KERAS_1 = """{"class_name": "Sequential", "keras_version": "1.1.0", "config": [
 {"class_name": "LSTM", "config": {"inner_activation": "hard_sigmoid", "trainable": true, "inner_init": "orthogonal",
  "output_dim": 256, "unroll": false, "consume_less": "cpu", "dropout_U": 0.0, "input_dtype": "float32",
  "batch_input_shape": [null, 20, 99], "input_length": null, "dropout_W": 0.0, "activation": "tanh", "name": "lstm_1",
  "go_backwards": false, "input_dim": 99, "return_sequences": true, "forget_bias_init": "one"}},
 {"class_name": "Bidirectional", "config": {"name": "bidirectional_1", "merge_mode": "concat", "layer":
  {"class_name": "LSTM", "config": {"output_dim": 8, "inner_activation": "sigmoid", "name": "lstm_2"}}}},
 {"class_name": "Dense", "config": {"output_dim": 10, "name": "dense_1"}}]}"""


def test_keras_1_as_others_published_it() -> None:
    first, second = read_json(SourceText(KERAS_1, "old.json"))
    assert (first.name, first.framework, first.text, first.where) == ("lstm_1", "keras1", "LSTM(256)", "old.json:2")
    assert values(first) == {"hidden_size": 256, "input_size": 99, "seq_len": 20}
    assert first.path == "lstm_1"
    assert first.options == {"inner_activation": "hard_sigmoid", "return_sequences": True}
    assert first.pointers[""].excerpt.strip().startswith('{"class_name": "LSTM", "config"')
    assert (second.name, second.framework, second.text) == ("bidirectional_1", "keras1", "Bidirectional(LSTM(8))")
    assert values(second) == {"hidden_size": 8, "bidirectional": True, "input_size": 256, "seq_len": 20}
    assert second.layer["input_size"].origin.certainty == "inferred"
    assert (second.reads, second.path) == ("lstm_1", "{direction}_lstm_2")


def test_keras_2_without_any_built_shape_follows_the_features() -> None:
    tree = {
        "class_name": "Sequential",
        "keras_version": "2.2.4",
        "config": {
            "name": "sequential_1",
            "layers": [
                old("Embedding", name="e", batch_input_shape=[None, 12], input_dim=100, output_dim=8),
                old("Conv1D", name="c", filters=6, kernel_size=[3], strides=[1], padding="same"),
                old("MaxPooling1D", name="p", pool_size=[2], strides=[2], padding="valid"),
                old("LSTM", name="lstm_1", units=5, return_sequences=True, recurrent_activation="hard_sigmoid"),
                old("Dropout", name="d", rate=0.5),
                old(
                    "Bidirectional",
                    name="b",
                    merge_mode="sum",
                    layer=old("LSTM", name="lstm_2", units=4, use_bias=False),
                ),
                old("RepeatVector", name="r", n=9),
                old("CuDNNLSTM", name="cu_dnnlstm_1", units=3),
            ],
        },
    }
    first, second, third = read(tree)
    assert [one.framework for one in (first, second, third)] == ["keras2", "keras2", "keras-cudnn"]
    assert values(first) == {"hidden_size": 5, "input_size": 6, "seq_len": 6}
    assert first.unmodelled == ("recurrent_activation = 'hard_sigmoid'",)
    assert values(second) == {"hidden_size": 4, "bias": False, "bidirectional": True, "input_size": 5, "seq_len": 6}
    assert (second.reads, second.path) == ("lstm_1", "b/{direction}_lstm_2")
    # No version is stated, and no activation.
    assert second.options == {"merge_mode": "sum", "recurrent_activation": None}
    assert values(third) == {"hidden_size": 3, "input_size": 4, "seq_len": 9}
    assert (third.reads, third.path) == ("b", "cu_dnnlstm_1")


def test_keras_3_has_the_shapes() -> None:
    forward, backward = lstm(name="forward_lstm", dropout=0.2), lstm(name="backward_lstm", go_backwards=True)
    tree = model(
        layer("InputLayer", name="input", batch_shape=[2, 7, 10]),
        layer("Bidirectional", [2, 7, 10], name="both", merge_mode="concat", layer=forward, backward_layer=backward),
        layer("Mystery", name="what"),
        lstm(3, [2, 7, 9], name="lstm_1"),
        lstm(3, name="lstm_2"),
    )
    first, second, third = read(tree)
    assert (first.name, first.framework, first.path) == ("both", "keras", "both/{direction}_lstm")
    assert values(first) == {
        "dtype": "float32",
        "hidden_size": 4,
        "bias": True,
        "bidirectional": True,
        "input_size": 10,
        "seq_len": 7,
        "batch": 2,
    }
    assert first.layer["input_size"].origin == ("source", "model.json:1", "stated")
    assert first.pointers["input_size"].excerpt.count("^") == len('"build_config": {"input_shape": [2, 7, 10]}')
    assert first.notes == ("dropout = 0.2 acts in training only: no shape and no count depends on it",)
    assert first.options == {"return_sequences": False, "return_state": False, "merge_mode": "concat"}
    assert (values(second)["input_size"], second.reads) == (9, "")
    assert (values(third)["input_size"], third.reads, third.layer["input_size"].origin.certainty) == (
        3,
        "lstm_1",
        "inferred",
    )


@pytest.mark.parametrize(
    ("backward", "path", "note", "unmodelled"),
    [
        ({"name": "backward_x"}, "b/{direction}_x", (), ()),
        (
            {"name": "y", "activation": "relu"},
            "",
            ("its arrays are called b/forward_x/lstm_cell/kernel and b/y/lstm_cell/kernel, and so on",),
            ("backward_layer.activation = 'relu'",),
        ),
    ],
)
def test_a_backward_layer_of_its_own(backward: Tree, path: str, note: tuple[str], unmodelled: tuple[str, ...]) -> None:
    both = {"layer": lstm(name="forward_x"), "backward_layer": lstm(**{"go_backwards": True} | backward)}
    (found,) = read(layer("Bidirectional", [None, 7, 10], name="b", merge_mode="concat", **both))
    assert (found.path, found.notes, found.unmodelled) == (path, note, unmodelled)


@pytest.mark.parametrize("other", [{"units": 5}, {"use_bias": False}])
def test_directions_of_different_sizes_are_refused(other: Tree) -> None:
    both = {"layer": lstm(name="forward_x"), "backward_layer": lstm(**{"go_backwards": True} | other)}
    with pytest.raises(SourceError, match="both directions must be alike"):
        read(layer("Bidirectional", [None, 7, 10], name="b", merge_mode="concat", **both))


def test_configurations_alone() -> None:
    (found,) = read(lstm(name="alone")["config"])
    assert (found.name, found.framework, values(found)["hidden_size"]) == ("alone", "keras", 4)
    assert found.gaps == {"input_size": Gap("nothing: Keras takes it from the data")}
    assert found.pointers[""].excerpt.splitlines()[1].count("^") == len('"name": "alone"')
    (found,) = read(layer("Bidirectional", name="b", merge_mode=None, layer=lstm())["config"])
    assert (found.text, found.options["merge_mode"]) == ("Bidirectional(LSTM(4))", None)
    (found,) = read(
        {"name": "x", "units": 4, "recurrent_activation": "sigmoid", "unit_forget_bias": True, "implementation": 2}
    )
    assert (found.framework, found.text) == ("keras2", "LSTMCell(4)")
    assert [one.name for one in read(model(lstm(), lstm(name="second"))["config"])] == ["lstm", "second"]


def test_cells_in_an_rnn() -> None:
    def cell(name: str, units: int) -> Tree:
        return layer("LSTMCell", name=name, units=units, activation="tanh", use_bias=True)

    stack = layer("StackedRNNCells", name="stack", cells=[cell("one", 4), cell("two", 5)])
    first, second, third = read(
        model(
            layer("RNN", [None, 7, 10], name="rnn", return_sequences=True, cell=cell("lstm_cell", 3)),
            layer("RNN", name="deep", return_sequences=False, go_backwards=True, cell=stack),
        )
    )
    assert (first.name, first.text, first.path) == ("rnn", "RNN(LSTMCell(3))", "rnn")
    assert [one.name for one in (second, third)] == ["deep.one", "deep.two"]
    assert [values(one)["input_size"] for one in (second, third)] == [3, 4]
    assert [one.reads for one in (second, third)] == ["rnn", "deep.one"]
    assert [one.options["return_sequences"] for one in (second, third)] == [True, False]
    assert third.unmodelled == ("go_backwards = True",)
    assert (third.path, third.notes) == ("", ("its arrays are called deep/stack/two/kernel, and so on",))


def test_models_in_models_and_each_step_of_a_sequence() -> None:
    inner = model(lstm(return_sequences=True), lstm(5, name="second"), name="encoder")
    first, second, third = read(
        model(layer("InputLayer", name="i", batch_shape=[None, 7, 3]), inner, lstm(6, name="last"))
    )
    assert [(one.name, one.path, values(one)["input_size"], one.reads) for one in (first, second, third)] == [
        ("encoder.lstm", "encoder/lstm", 3, ""),
        ("encoder.second", "encoder/second", 4, "encoder.lstm"),
        ("last", "last", 5, "encoder.second"),
    ]
    each = layer("TimeDistributed", [None, 9, 7, 3], name="each", layer=lstm())
    first, second = read(model(each, lstm(name="over")))
    assert [(one.name, one.path, values(one)["input_size"], one.reads) for one in (first, second)] == [
        ("each.lstm", "each/lstm", 3, ""),
        ("over", "over", 4, "each.lstm"),
    ]
    assert (values(second)["seq_len"], "seq_len" in values(first)) == (9, False)
    (found,) = read(
        {
            "class_name": "Sequential",
            "keras_version": "2.15.0",
            "config": [old("TimeDistributed", name="each", layer=old("LSTM", units=3, name="x"))],
        }
    )
    assert (found.name, found.path) == ("each.x", "each")


GRAPH = [
    layer("InputLayer", None, [], name="a", batch_shape=[None, 5, 3]),
    lstm(7, None, call("join"), name="last"),  # before what it reads
    layer("InputLayer", None, [], name="b", batch_shape=[None, 5, 4]),
    lstm(4, None, call("a"), name="left", return_sequences=True),
    lstm(6, None, call("b", initial_state=call("left")[0]["args"]), name="right", return_sequences=True),
    layer("Concatenate", None, call("left", "right"), name="join", axis=-1),
]
ENDS: Tree = {"input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": ["last", 0, 0]}


def test_a_graph_is_followed_whatever_its_order() -> None:
    last, left, right = read(model(*GRAPH, **ENDS))
    assert [
        (one.name, values(one)["input_size"], one.reads, values(one)["seq_len"]) for one in (last, left, right)
    ] == [
        ("last", 10, "", 5),
        ("left", 3, "", 5),
        ("right", 4, "", 5),
    ]


def test_a_graph_of_keras_2_with_states() -> None:
    inner: Tree = {"name": "inner", "layers": [], "input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]}
    inner["layers"] = [
        old("InputLayer", batch_input_shape=[None, None, None], name="x") | {"name": "x", "inbound_nodes": []},
        old("Dropout", name="y") | {"name": "y", "inbound_nodes": [[["x", 0, 0, {}]]]},
    ]
    layers = [
        old("InputLayer", batch_input_shape=[None, 5, 3], name="a") | {"name": "a", "inbound_nodes": []},
        old("LSTM", units=4, return_state=True, name="e") | {"name": "e", "inbound_nodes": [[["a", 0, 0, {}]]]},
        {"class_name": "Model", "config": inner, "name": "inner", "inbound_nodes": [[["a", 0, 0, {}]]]},
        old("LSTM", units=4, name="d") | {"inbound_nodes": [[["inner", 1, 0, {}], ["e", 0, 1, {}], ["e", 0, 2, {}]]]},
        old("RepeatVector", n=2, name="r") | {"inbound_nodes": [["e", 0, 1, {}]]},
        old("LSTM", units=4, name="s") | {"inbound_nodes": [[["r", 0, 0, {}]]]},
    ]
    tree = {"class_name": "Model", "config": {"name": "m", "layers": layers, "input_layers": [["a", 0, 0]]}}
    assert [(one.name, one.framework, values(one)["input_size"], one.reads) for one in read(tree)] == [
        ("e", "keras2", 3, ""),
        ("d", "keras2", 3, ""),
        ("s", "keras2", 4, ""),
    ]


def test_layers_in_a_circle_read_nothing_known() -> None:
    (found, other) = read(model(lstm(4, None, call("y"), name="x"), lstm(4, None, call("x"), name="y"), **ENDS))
    assert (set(found.gaps), set(other.gaps)) == ({"input_size"}, set())


def deep(levels: int) -> Tree:
    tree = lstm()
    for _ in range(levels):
        tree = layer("TimeDistributed", name="t", layer=tree)
    return tree


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (
            model(layer("GRU", name="gru", units=3), layer("Dense", name="dense", units=2)),
            "GRU is not an LSTM|expected a layer LSTM, CuDNNLSTM or RNN(LSTMCell), found GRU, Dense",
        ),
        (
            layer("Bidirectional", name="b", merge_mode="concat", layer=layer("SimpleRNN", name="r", units=3)),
            "SimpleRNN is not an LSTM|expected a layer LSTM, CuDNNLSTM or RNN(LSTMCell), found Bidirectional, SimpleRNN",
        ),
        (
            {"name": "c", "filters": 3, "recurrent_activation": "sigmoid"},
            "ConvLSTM2D is not an LSTM|expected a layer LSTM, CuDNNLSTM or RNN(LSTMCell), found ConvLSTM2D",
        ),
        (
            model(layer("Dense", name="dense", units=2)),
            "no LSTM is recognised in this model of Keras|expected a layer LSTM, CuDNNLSTM or RNN(LSTMCell), found Dense",
        ),
        (model(lstm(units=None)), "units of this LSTM is not a number|found None"),  # type: ignore[arg-type]  # as written
        (model(lstm(units=[3])), "units of this LSTM is not a number|found [3]"),  # type: ignore[arg-type]  # as written
        (model(layer("LSTM", name="x")), 'this LSTM has no size|expected "units", e.g. 20'),
        (model(3), 'this is not a Keras layer|expected an object with "class_name" and "config", found 3'),  # type: ignore[arg-type]  # as written
        (
            {"class_name": "Sequential", "config": {"layers": 3}},
            "this model has no layers|expected a list of layers, found 3",
        ),
        (deep(40), "models are nested too deeply|expected at most 30 levels"),
    ],
)
def test_what_is_wrong_is_named(tree: Tree, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(tree)
    lines = str(caught.value).splitlines()
    what, facts = message.split("|")
    assert lines[0] in (f"model.json:1: {what}", f"model.json: {what}")
    assert lines[-1] == f"  {facts}"


@pytest.mark.parametrize("tree", [{"lstm": {}}, {"hidden_size": 3}, [], [1], 3, "LSTM", {"layers": 2, "units": 3}])
def test_what_is_not_keras(tree: object) -> None:
    assert not looks_like_keras(tree)


# --- What flows


SEQUENCE = Stream(6, "x", 10, 2, 2)


@pytest.mark.parametrize(
    ("kind", "arguments", "given", "made"),
    [
        ("Dense", {"units": 3}, SEQUENCE, Stream(3, "", 10, 2, 2)),
        ("Dropout", {"rate": 0.5}, SEQUENCE, SEQUENCE),
        ("GRU", {"units": 3}, SEQUENCE, Stream(3, "", None, 2, 1)),
        ("GRU", {"units": 3, "return_sequences": True}, SEQUENCE, Stream(3, "", 10, 2, 2)),
        ("Conv1D", {"filters": 4, "kernel_size": 3}, SEQUENCE, Stream(4, "", 8, 2, 2)),
        ("Conv1D", {"filters": 4, "kernel_size": [3], "dilation_rate": 2}, SEQUENCE, Stream(4, "", 6, 2, 2)),
        (
            "Conv1D",
            {"filters": 4, "kernel_size": (3,), "strides": 3, "padding": "causal"},
            SEQUENCE,
            Stream(4, "", 4, 2, 2),
        ),
        ("Conv1D", {"filters": 4, "kernel_size": 3, "data_format": "channels_first"}, SEQUENCE, Stream(4, "", 4, 2, 2)),
        ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, SEQUENCE, Stream(12, "", 8, 2, 2)),
        ("MaxPooling1D", {}, SEQUENCE, Stream(6, "x", 5, 2, 2)),
        ("AveragePooling1D", {"pool_size": 3, "strides": 1, "padding": "same"}, SEQUENCE, SEQUENCE),
        ("GlobalMaxPooling1D", {}, SEQUENCE, Stream(6, "x", None, 2, 1)),
        ("RepeatVector", {"n": 4}, Stream(6, "x", None, 2, 1), Stream(6, "x", 4, 2, 2)),
        ("Flatten", {}, SEQUENCE, Stream(60, "", None, 2, 1)),
        ("Flatten", {}, Stream(6, "", None, 2, 2), Stream(None, "", None, 2, 1)),
        ("Reshape", {"target_shape": [4, -1]}, SEQUENCE, Stream(15, "", 4, 2, 2)),
        ("Reshape", {"target_shape": [-1, 20]}, Stream(), Stream(20, "", None, None, 2)),
        ("Permute", {"dims": [2, 1]}, SEQUENCE, Stream(10, "", 6, 2, 2)),
        ("ZeroPadding1D", {"padding": 1}, SEQUENCE, SEQUENCE._replace(seq_len=12)),
        ("UpSampling1D", {"size": 3}, SEQUENCE, SEQUENCE._replace(seq_len=30)),
        ("Cropping1D", {"cropping": [1, 2]}, SEQUENCE, SEQUENCE._replace(seq_len=7)),
        ("LSTM", {"units": 3}, Stream(), Stream(3, "", None, None, 1)),
        ("Dense", {"units": 3}, Stream(6, "x"), Stream(3)),
        ("Embedding", {"output_dim": 3}, Stream(10, "", None, 2, 1), Stream(3, "", 10, 2, 2)),
        ("Embedding", {"output_dim": 3, "input_length": 8}, Stream(), Stream(3, "", 8)),
        ("InputLayer", {"batch_shape": [2, 10, 6]}, Stream(), Stream(6, "", 10, 2, 2)),
        ("Input", {"shape": (10, 6), "batch_size": 2}, Stream(), Stream(6, "", 10, 2, 2)),
        ("Input", {"shape": (None, 6)}, Stream(9, "x", 10, 2, 2), Stream(6, "x", 10, 2, 2)),
        (
            "TimeDistributed",
            {"layer": {"class_name": "Dense", "config": {"units": 3}}},
            SEQUENCE,
            Stream(3, "", 10, 2, 2),
        ),
        (
            "TimeDistributed",
            {"layer": {"class_name": "Flatten", "config": {}}},
            Stream(6, "", 10, 2, 3),
            Stream(None, "", 10, 2, 2),
        ),
        (
            "Bidirectional",
            {"layer": {"class_name": "GRU", "config": {"units": 3}}},
            SEQUENCE,
            Stream(6, "", None, 2, 1),
        ),
        (
            "Bidirectional",
            {"layer": {"class_name": "GRU", "config": {"units": 3}}, "merge_mode": "ave"},
            SEQUENCE,
            Stream(3, "", None, 2, 1),
        ),
        ("Lambda", {}, SEQUENCE, Stream(batch=2)),
        ("Dense", {"units": "many"}, SEQUENCE, Stream(None, "", 10, 2, 2)),
    ],
)
def test_what_a_layer_makes_of_a_stream(kind: str, arguments: Tree, given: Stream, made: Stream) -> None:
    assert stream_after(kind, arguments, given) == made


def test_what_flows_together() -> None:
    streams = [SEQUENCE, Stream(4, "y", 10, 2, 2)]
    assert merged_stream("Concatenate", {}, streams) == Stream(10, "", 10, 2, 2)
    assert merged_stream("Concatenate", {"axis": 1}, [SEQUENCE, SEQUENCE]) == Stream(6, "", 20, 2, 2)
    assert merged_stream("Concatenate", {}, [Stream(6, "x"), Stream(4)]) == Stream(10)
    assert merged_stream("Add", {}, [Stream(6, "x"), Stream(6)]) == Stream(6)
    assert merged_stream("Add", {}, [SEQUENCE, SEQUENCE]) == Stream(6, "", 10, 2, 2)
    assert merged_stream("Add", {}, streams) == Stream(None, "", 10, 2, 2)
    assert merged_stream("Dropout", {}, [SEQUENCE]) == SEQUENCE
    assert merged_stream("Add", {}, []) == Stream()
    assert stream_of_shape([None]) == stream_of_shape(None) == Stream()


# --- Anything at all

WORDS = """
    class_name config layers layer cell cells name units keras_version inbound_nodes input_layers output_layers args
    kwargs keras_history build_config input_shape shapes_dict merge_mode backward_layer batch_shape return_sequences
    recurrent_activation unit_forget_bias activation dtype time_major dims target_shape kernel_size padding go_backwards
"""
KINDS = """
    LSTM LSTMCell RNN StackedRNNCells Bidirectional TimeDistributed Sequential Functional InputLayer Dense GRU Embedding
    Conv1D Reshape Concatenate Flatten Permute CuDNNLSTM Merge
"""
keys = st.sampled_from(WORDS.split())
leaves = (
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.sampled_from([*KINDS.split(), "2.1", "x", ""])
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=4)
        | st.fixed_dictionaries({"class_name": st.sampled_from(KINDS.split()), "config": st.dictionaries(keys, inner)})
    ),
    max_leaves=25,
)
WHOLE = [
    model(*GRAPH, **ENDS),
    model(
        lstm(), layer("Bidirectional", [None, 7, 4], name="b", merge_mode="concat", layer=lstm(), backward_layer=lstm())
    ),
    layer("RNN", name="r", cell=layer("StackedRNNCells", name="s", cells=[layer("LSTMCell", name="c", units=3)])),
    json.loads(KERAS_1),
]


def unanswered(tree: object) -> list[Found] | str:
    """The LSTMs of a tree that lack something, or the error that does not name its place; nothing of an answer."""
    try:
        found = read(tree)
    except SourceError as error:
        return "" if str(error).startswith("model.json") else str(error)
    return [one for one in found if not (one.name and one.text and one.layer)] if found else "nothing"


@given(trees)
def test_any_tree_is_read_or_refused(tree: object) -> None:
    assert not unanswered(tree)


def put(tree: Any, path: list[int], value: object) -> Any:
    """The tree with something else at a place, which numbers choose."""
    if not path or not isinstance(tree, dict | list) or not tree:
        return value
    copy: Any = list(tree) if isinstance(tree, list) else dict(tree)
    places: list[Any] = list(range(len(tree))) if isinstance(tree, list) else list(tree)
    key = places[path[0] % len(places)]
    copy[key] = put(copy[key], path[1:], value)
    return copy


@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 30), min_size=1, max_size=9), trees)
def test_a_damaged_model_is_read_or_refused(tree: Tree, path: list[int], value: object) -> None:
    assert not unanswered(put(tree, path, value))
