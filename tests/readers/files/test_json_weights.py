"""Weights in JSON: numbers as Python's decoder reads them, in little memory, and what each format's document says."""

import json
import math
import tracemalloc
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lstmcalc.errors import SourceError
from lstmcalc.frameworks.storage import parameters
from lstmcalc.intake.load import load_weights
from lstmcalc.numerics.convert import pack
from lstmcalc.readers.files import json_numbers
from lstmcalc.readers.files.json_numbers import NotJsonError, Numbers, parse
from lstmcalc.readers.files.kinds import open_weights, weight_kind
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.spec.config import LSTMConfig
from tools.examples import examples
from tools.files import rewrite
from tools.shell import Ran
from tools.weight_writers import random_weights as random_float64

Cli = Callable[..., Ran]


# --- JSON itself


def plain(value: Any) -> Any:
    """The lists that arrays stand for."""
    if isinstance(value, Numbers):
        return list(value.values) if len(value.shape) == 1 else [plain(row) for row in value.rows()]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.integers(0, 4).flatmap(lambda size: st.lists(st.lists(NUMBERS, min_size=size, max_size=size), max_size=4))
TREES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text() | ROWS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@examples(150)
@given(tree=TREES, indent=st.sampled_from([None, 0, 2]))
def test_any_json_is_what_pythons_decoder_makes_of_it(tree: Any, indent: int | None) -> None:
    text = json.dumps(tree, indent=indent)
    assert plain(parse(text.encode())) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{",
            "[",
            "[1",
            "[1,]",
            "[[1],]",
            "[01]",
            "[1.]",
            "[+1]",
            "[.5]",
            '["a\n"]',
            '{"a":1,}',
            '{"a":1}x',
            "tru",
        ),
        *('{"a":1,"a":2}', "[1 2]", "[[1]2]", '{"a" 1}', "{1:2}", "\x00", "[1e]", "[-]", "[NaNN]", "nan"),
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(NotJsonError):
        parse(text.encode())


def test_numbers_that_json_has_not_are_those_that_python_writes() -> None:
    found = parse(json.dumps([[math.nan, math.inf], [-math.inf, 1]]).encode())
    assert found.shape == (2, 2)
    assert str(list(found.values)) == "[nan, inf, -inf, 1.0]"


@pytest.mark.parametrize("item", ["[0.5]", "0.08271654695272446", "[[0.5],[1]]", "[1,2,3]"])
def test_numbers_take_little_memory(item: str) -> None:
    data = ('{"w":[' + ",".join([item] * (2**18 // len(item))) + "]}").encode()
    tracemalloc.start()
    parse(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(data) + 2**20


@pytest.mark.parametrize("item", ["{}", '""', "null", "[0],[0,0]", "[]"])
def test_what_is_no_number_is_bounded(item: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_numbers, "_MAX_VALUES", 9_000)
    with pytest.raises(NotJsonError):
        parse(('{"w":[' + ",".join([item] * 10_000) + "]}").encode())


def test_nesting_is_bounded() -> None:
    for text in ("[" * 10**6, "[" * 500 + "]" * 500, '{"a":' * 10**5):
        with pytest.raises(NotJsonError):
            parse(text.encode())


# --- Formats


def random_weights(config: LSTMConfig) -> dict[str, Any]:
    return {name: held.astype(np.float32) for name, held in random_float64(config).items()}


CONFIGS = st.builds(LSTMConfig, *[st.integers(1, 4)] * 2)


def lists(arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(held).tolist() for name, held in arrays.items()}


def amplifier(config: LSTMConfig, weights: Mapping[str, Any], states: float = 0.5) -> dict[str, Any]:
    """A model of Neural Amp Modeler, as its exporter writes it."""
    flat: list[float] = []
    for layer in range(config.num_layers):
        joined = np.concatenate([weights[f"weight_ih_l{layer}"], weights[f"weight_hh_l{layer}"]], 1)
        flat += [*joined.ravel().tolist(), *weights[f"bias_ih_l{layer}"].tolist(), *[states] * 2 * config.hidden_size]
    sizes = {name: getattr(config, name) for name in ("input_size", "hidden_size", "num_layers")}
    head = [0.25] * (config.hidden_size + 1)
    return {
        "version": "0.5.4",
        "metadata": {"name": "x"},
        "architecture": "LSTM",
        "config": sizes,
        "weights": flat + head,
    }


def rtneural(config: LSTMConfig, weights: Mapping[str, Any]) -> dict[str, Any]:
    """A model of RTNeural, as its exporter writes one of Keras."""
    held = [array.tolist() for array in pack(dict(weights), config, "keras").values()]
    units = config.hidden_size
    dense = {"type": "dense", "activation": "", "shape": [None, None, 1], "weights": [[[0.5]] * units, [0.25]]}
    lstm = {"type": "lstm", "activation": "tanh", "shape": [None, None, units], "weights": held}
    return {"in_shape": [None, None, config.input_size], "layers": [lstm, dense]}


def summed(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The weights with both biases in the first one, as formats with one bias have them."""
    return {
        name: array * 0
        if name.startswith("bias_hh")
        else array + (weights[name.replace("_ih", "_hh")] if name.startswith("bias_ih") else 0)
        for name, array in weights.items()
    }


FORMATS: dict[str, Callable[[LSTMConfig, Mapping[str, Any]], dict[str, Any]]] = {
    "lists": lambda _, weights: lists(weights),
    "below keys": lambda _, weights: {
        "epoch": 3,
        "a": {"state_dict": {f"rnn.{n}": x for n, x in lists(weights).items()}},
    },
    "nam": amplifier,
    "rtneural": rtneural,
}


@examples(40, HealthCheck.function_scoped_fixture)
@given(config=CONFIGS, layers=st.integers(1, 3), way=st.sampled_from([*FORMATS]), wide=st.booleans())
def test_any_lstm_is_read_in_any_format(config: LSTMConfig, layers: int, way: str, wide: bool, tmp_path: Path) -> None:
    config = LSTMConfig(config.input_size, config.hidden_size, 1 if way == "rtneural" else layers)
    weights = summed(random_weights(config))
    if wide:
        weights = {name: array.astype(np.float64) / 3 for name, array in weights.items()}
    path = tmp_path / "model"
    rewrite(path, json.dumps(FORMATS[way](config, weights)).encode())
    assert weight_kind(str(path)) == "json"
    (found,) = read_weights(str(path))
    assert (found.stored.config.input_size, found.stored.config.hidden_size) == (config.input_size, config.hidden_size)
    assert found.stored.config.num_layers == config.num_layers
    assert found.layer["dtype"].value == ("float64" if wide else "float32")
    for name, held in load_weights(found).items():
        np.testing.assert_array_equal(held, weights[name])


def written(path: Path, tree: object) -> str:
    path.write_text(json.dumps(tree), encoding="utf-8")
    return str(path)


def test_initial_states_that_are_not_zeros_are_said(tmp_path: Path) -> None:
    config = LSTMConfig(1, 3, 2)
    for states, words in ((0.0, "are all zeros"), (0.5, "are not zeros, in 12 of 12 numbers: run begins with zeros")):
        path = written(tmp_path / "a.nam", amplifier(config, random_weights(config), states))
        (found,) = read_weights(path)
        assert any(words in note for note in found.notes)
    names = [tensor.name for tensor in open_weights(path).tensors]
    assert names[:5] == [f"layers.0.{part}" for part in ("W_ih", "W_hh", "b", "h_0", "c_0")]
    assert names[-2:] == ["head.weight", "head.bias"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": [0.5] * 70}, "has another number of weights than its sizes need"),
        ({"weights": [0.5]}, "the sizes of"),
        ({"config": {"input_size": 1, "hidden_size": 10**9, "num_layers": 1}}, "the sizes of"),
        ({"config": {"input_size": True, "hidden_size": 3, "num_layers": 1}}, "the sizes of"),
        ({"config": {}}, "the sizes of"),
    ],
)
def test_an_amplifier_whose_sizes_are_others_is_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    config = LSTMConfig(1, 3, 2)
    path = written(tmp_path / "a.nam", {**amplifier(config, random_weights(config)), **change})
    with pytest.raises(SourceError, match=words):
        open_weights(path)


def test_layers_that_contradict_themselves_are_said_or_refused(tmp_path: Path) -> None:
    config = LSTMConfig(2, 3)
    tree = rtneural(config, random_weights(config))
    tree["layers"][0] |= {"shape": [None, 5], "activation": "relu"}
    (found,) = read_weights(written(tmp_path / "a", tree))
    assert found.notes[0] == "its shape says 5 units, its arrays 3"
    assert found.unmodelled == ("activation = 'relu'",)
    tree["layers"][0]["weights"] = [[[1, 2]], [[3, 4]]]
    with pytest.raises(SourceError, match="the weights of layer 0, lstm, are none"):
        open_weights(written(tmp_path / "a", tree))


def test_a_gru_of_rtneural_is_none(tmp_path: Path, cli: Cli) -> None:
    gru = {"type": "gru", "shape": [None, 2], "weights": [[[0.5] * 6] * 3, [[0.5] * 6] * 2, [[0.5] * 6] * 2]}
    ran = cli("params", written(tmp_path / "a", {"in_shape": [3], "layers": [gru]}))
    assert (ran.code, "1 GRU: layers.0 (input 3, hidden 2)" in ran.err) == (2, True)


def test_what_a_model_of_guitarml_states_is_noted(tmp_path: Path) -> None:
    weights = {f"rec.{name}": array for name, array in lists(random_weights(LSTMConfig(1, 3))).items()}
    stated = {"model": "SimpleRNN", "unit_type": "LSTM", "hidden_size": 4, "skip": 1}
    file = open_weights(written(tmp_path / "a", {"model_data": stated, "state_dict": weights}))
    assert file.notes == (
        "JSON has no dtype: its numbers are all exact in float32",
        "model_data: model = SimpleRNN, unit_type = LSTM, hidden_size = 4, skip = 1",
        "model_data says hidden_size = 4, its arrays 3",
        "skip: the model adds its input to its output, after the LSTM and the linear layer",
    )
    assert [state.keys for state in file.state_dicts] == [("state_dict",)]


def test_a_manifest_has_its_numbers_in_files_beside_it(tmp_path: Path) -> None:
    config = LSTMConfig(2, 3)
    packed = pack(random_weights(config), config, "tf1")
    tree = {}
    for index, (name, held) in enumerate(packed.items()):
        (tmp_path / f"v{index}").write_bytes(held.astype("<f4").tobytes())
        tree[name] = {"filename": f"v{index}", "shape": list(held.shape)}
    path = written(tmp_path / "manifest.json", tree)
    (found,) = read_weights(path)
    for name, held in zip(packed, packed.values(), strict=True):
        np.testing.assert_array_equal(next(t for t in open_weights(path).tensors if t.name == name).read(), held)
    assert load_weights(found)["weight_hh_l0"].shape == (12, 3)
    (tmp_path / "v0").write_bytes(b"...")
    with pytest.raises(SourceError, match="bytes of this weight are missing"):
        open_weights(path).tensors[0].read()


@pytest.mark.parametrize("name", ["/etc/passwd", "../v0", "a/b", "..", "", 3, None, "c:x", "x" * 999, "a\x1b", "none"])
def test_a_manifest_leads_to_no_other_folder(name: Any, tmp_path: Path) -> None:
    (tmp_path / "v0").write_bytes(bytes(4))
    path = written(tmp_path / "m.json", {"a/lstm_cell/kernel": {"filename": name, "shape": [1]}})
    with pytest.raises(SourceError):
        open_weights(path).tensors[0].read()


def test_other_json_is_no_weight_file(tmp_path: Path) -> None:
    shapes = {"lstm.weight_hh_l0": [16, 4]}
    report = {"schema": 1, "modules": [{"weights": {"weight_hh_l0": [[1, 2]]}}]}
    for tree in (
        shapes,
        report,
        {"weights": [[1.5]]},
        [{"weight_hh": [[1]]}],
        {"in_shape": 1, "layers": [{"weight": 1}]},
    ):
        assert weight_kind(written(tmp_path / "a.json", tree)) == ""


def test_commands_work_on_numbers_in_json(cli: Cli, tmp_path: Path) -> None:
    config = LSTMConfig(2, 3)
    held = lists(random_weights(config))
    path = written(tmp_path / "a.json", held)
    assert cli("run", path).code == 0
    assert "(12, 3)" in cli("ls", path, "--stats").out
    assert cli("diff", path, path, "--values").code == 0
    other = written(tmp_path / "b.json", {**held, "weight_hh_l0": (np.array(held["weight_hh_l0"]) + 1).tolist()})
    assert cli("diff", path, other, "--values").code == 1
    assert len(parameters(config, "pytorch")) == 4


@pytest.mark.peers
def test_the_code_that_is_shown_gives_the_state_dict(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    held = lists(random_weights(LSTMConfig(2, 3)))
    for tree, keys in ((held, ""), ({"a": held}, '["a"]')):
        given: dict[str, Any] = {"torch": torch}
        exec("\n".join(open_weights(written(tmp_path / "a'b.json", tree)).state_code(keys)), given)
        lstm = torch.nn.LSTM(2, 3)
        lstm.load_state_dict(given["state"])
        np.testing.assert_array_equal(lstm.weight_hh_l0.detach().numpy(), np.float32(held["weight_hh_l0"]))


def test_a_row_is_of_one_type() -> None:
    found = parse(b"[[1, 2], [3, 4]]")
    assert found == Numbers((2, 2), array("d", [1, 2, 3, 4]))
