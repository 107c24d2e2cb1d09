"""The table of frameworks, and what follows from it without any array."""

import re
from string import Formatter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig
from lstmcalc.errors import ConfigError, UnsupportedError, UsageError
from lstmcalc.frameworks.array_names import NAME_WORDS
from lstmcalc.frameworks.catalog import ALIASES, LAYOUTS
from lstmcalc.frameworks.storage import (
    Storage,
    axis_names,
    find_layout,
    missing_feature,
    parameters,
)
from lstmcalc.model.interfaces import RELATION_WORDS, check_data, faces, fill, foreign_states, relations
from lstmcalc.model.lstm import LSTMModel
from tools.examples import examples

STACK = LSTMConfig(10, 20, num_layers=2, bidirectional=True)

TWO_BIASES = [
    "pytorch",
    "pytorch-cell",
    "keras-cudnn",
    "onnx",
    "tinygrad",
    "paddle",
    "mindspore",
    "mxnet",
    "chainer",
    "cudnn",
    "candle",
    "burn",
]
PROJECTING = ["pytorch", "tf1", "paddle", "mxnet", "tflite", "ncnn", "cudnn", "onednn"]
CANNOT_LEAVE_OUT_BIASES = [
    "keras1",
    "keras-cudnn",
    "tf1",
    "flax-linen",
    "flax-nnx",
    "flax-nnx-optimized",
    "haiku",
    "openvino",
    "paddle",
    "mxnet",
    "chainer",
    "tflite",
    "ncnn",
    "matlab",
    "d2l",
]

configs = st.builds(
    LSTMConfig,
    input_size=st.integers(1, 6),
    hidden_size=st.integers(1, 5),
    num_layers=st.integers(1, 3),
    bias=st.booleans(),
    bidirectional=st.booleans(),
)


def shapes(layout: str, **config: Any) -> dict[str, tuple[int, ...]]:
    return {item.name: item.shape for item in parameters(LSTMConfig(10, 20, **config), layout)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_totals_are_those_of_two_biases_or_of_one(layout: str) -> None:
    two = layout in TWO_BIASES
    assert Storage(STACK, layout).num_parameters == (15040 if two else 14720)
    bare = LSTMConfig(10, 20, num_layers=2, bidirectional=True, bias=False)
    kept = layout in CANNOT_LEAVE_OUT_BIASES
    assert Storage(bare, layout).num_parameters == ((15040 if two else 14720) if kept else 14400)


@pytest.mark.parametrize("layout", LAYOUTS)
@examples(10)
@given(config=configs)
def test_counts_are_the_sums_of_shapes(layout: str, config: LSTMConfig) -> None:
    storage, total = Storage(config, layout), 0
    names = [item.name for item in storage.parameters]
    assert len(set(names)) == len(names) == storage.num_arrays
    for item in storage.parameters:
        count = 1
        for size, symbolic in zip(item.shape, item.symbolic, strict=True):
            assert symbolic.substitute(storage.symbols).at({}) == size
            count *= size
        assert item.numel == count
        total += count
    assert total == storage.num_parameters == sum(subtotal.numel for subtotal in storage.subtotals)
    assert eval(str(storage.num_parameters_symbolic), {}, storage.symbols) == total


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_array_says_what_it_holds_and_every_parameter_is_held_once(layout: str) -> None:
    storage = Storage(STACK, layout)
    held: dict[tuple[int, str, str, str | None], int] = {}
    for item in storage.parameters:
        for name in item.holds:
            for direction in ("forward", "reverse") if item.direction == "both" else (item.direction,):
                key = (item.layer, direction, name, item.gate)
                held[key] = held.get(key, 0) + 1
    assert set(held.values()) == {1}
    biases = {"bias_ih", "bias_hh"} if layout in TWO_BIASES else {"bias"}
    assert {name for _, _, name, _ in held} == {"weight_ih", "weight_hh"} | biases


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("config", [LSTMConfig(3, 4), STACK, LSTMConfig(3, 4, bidirectional=True)])
def test_ranges_share_out_their_axis(layout: str, config: LSTMConfig) -> None:
    order = find_layout(layout).gates
    for item in parameters(config, layout):
        assert (item.gates is None) == (item.gate_axis is None) == (item.gate is not None)
        assert (item.parts is None) == (item.part_axis is None) == (len(item.holds) == 1)
        assert (item.directions is None) == (item.direction_axis is None) == (item.direction != "both")
        if item.gates and item.gate_axis is not None:
            assert [gate for gate, _ in sorted(item.gates.items(), key=lambda pair: pair[1])] == list(order)
            assert len({stop - start for start, stop in item.gates.values()}) == 1
        for axis, ranges in ((item.part_axis, item.parts), (item.direction_axis, item.directions)):
            if ranges and axis is not None:
                ends = [0, *(stop for _, stop in ranges.values())]
                assert [start for start, _ in ranges.values()] == ends[:-1]
                assert item.shape[axis] == ends[-1]


def test_pytorch_is_what_the_model_says() -> None:
    assert list(parameters(STACK, "pytorch")) == list(LSTMModel(STACK).parameters)
    assert list(parameters(STACK, "torch")) == list(LSTMModel(STACK).parameters)
    data = DataSpec(5, 3)
    assert [
        (face.name, face.role, face.symbolic, face.shape, face.dtype) for face in faces(STACK, data, "pytorch")
    ] == [tuple(tensor) for tensor in LSTMModel(STACK).tensors_of(data)]


def test_well_known_names_and_shapes() -> None:
    assert shapes("keras") == {
        "lstm/lstm_cell/kernel": (10, 80),
        "lstm/lstm_cell/recurrent_kernel": (20, 80),
        "lstm/lstm_cell/bias": (80,),
    }
    assert list(shapes("keras", num_layers=2, bidirectional=True))[9] == (
        "bidirectional_1/backward_lstm_1/lstm_cell/kernel"
    )
    assert shapes("onnx", bidirectional=True) == {
        "lstm0.W": (2, 80, 10),
        "lstm0.R": (2, 80, 20),
        "lstm0.B": (2, 160),
    }
    assert shapes("tf1", num_layers=2) == {
        "rnn/multi_rnn_cell/cell_0/lstm_cell/kernel:0": (30, 80),
        "rnn/multi_rnn_cell/cell_0/lstm_cell/bias:0": (80,),
        "rnn/multi_rnn_cell/cell_1/lstm_cell/kernel:0": (40, 80),
        "rnn/multi_rnn_cell/cell_1/lstm_cell/bias:0": (80,),
    }
    assert list(shapes("keras1"))[:4] == ["lstm_1_W_i", "lstm_1_U_i", "lstm_1_b_i", "lstm_1_W_c"]
    assert list(shapes("flax-nnx"))[:2] == ["cell.ii.kernel", "cell.if_.kernel"]
    assert list(shapes("flax-linen", bidirectional=True))[-1] == "params/backward_rnn/cell/ho/bias"
    assert list(shapes("haiku", num_layers=2, bidirectional=True))[::2] == [
        "lstm/linear/w",
        "lstm_1/linear/w",
        "lstm_2/linear/w",
        "lstm_3/linear/w",
    ]
    assert shapes("keras-cudnn")["cu_dnnlstm/bias:0"] == (160,)
    assert shapes("onednn", bidirectional=True)["weights_iter"] == (1, 2, 20, 4, 20)
    assert shapes("matlab", bidirectional=True)["Bias"] == (160, 1)
    assert shapes("paddle", proj_size=5)["0.cell.weight_ho"] == (20, 5)
    assert "weight_ih_l0" in shapes("paddle")
    assert shapes("d2l")["W_xc"] == (10, 20)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_projections_are_counted_or_refused_by_name(layout: str) -> None:
    config = LSTMConfig(10, 20, num_layers=2, bidirectional=True, proj_size=6)
    if layout in PROJECTING:
        assert Storage(config, layout).num_parameters == (6560 if layout in TWO_BIASES else 6240)
        return
    assert missing_feature(config, layout) == "projection"
    with pytest.raises(UnsupportedError) as refused:
        parameters(config, layout)
    assert refused.value.what == f"{LAYOUTS[layout].title} has no projection"
    assert refused.value.found == "proj_size = 6"
    assert refused.value.hint == f"these have one: {', '.join(PROJECTING)}"


@pytest.mark.parametrize(("name", "meant"), [("kears", "keras"), ("Onnx", "onnx"), ("pytorch_cell", "pytorch-cell")])
def test_unknown_frameworks_are_refused_and_the_nearest_is_named(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean {meant}"):
        parameters(STACK, name)


@pytest.mark.parametrize("name", ["", "nothing like it", None, 3, ["keras"]])
def test_what_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(UsageError, match="no such framework"):
        parameters(STACK, name)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_entry_of_the_table_keeps_its_form(layout: str) -> None:
    entry = LAYOUTS[layout]
    assert sorted(entry.gates) == sorted("ifgo")
    assert entry.evidence.how in ("run", "converter", "source")
    assert entry.evidence.version
    assert entry.evidence.source
    assert entry.kind in ("layer", "cell")
    assert entry.batch in ("always", "optional", "never")
    assert all((entry.title, entry.returns, entry.init, entry.states))
    for variant in (entry, entry.projected or entry):
        for item in variant.stored:
            assert {field for _, field, _, _ in Formatter().parse(item.name) if field} <= NAME_WORDS.keys()
            assert len(item.words) in (0, 4)
            assert bool(item.words) == ("{gate}" in item.name)
            assert "gate" in axis_names(item.axes) or item.words or item.holds == "weight_hr"
        # One layout either keeps gates, and directions, in arrays of their own, or it does not.
        gated = [item for item in variant.stored if item.holds != "weight_hr"]
        assert len({bool(item.words) for item in gated}) == 1
        assert len({"direction" in axis_names(item.axes) for item in variant.stored}) == 1


def test_names_are_unique_and_aliases_lead_to_them() -> None:
    assert set(ALIASES.values()) <= set(LAYOUTS)
    assert not set(ALIASES) & set(LAYOUTS)
    assert len({entry.title for entry in LAYOUTS.values()}) == len(LAYOUTS)


def test_a_layout_of_many_layers_makes_its_rows_when_they_are_read() -> None:
    rows = parameters(LSTMConfig(10, 20, num_layers=10**9), "keras")
    assert len(rows) == 3 * 10**9
    assert rows[-1].name == "lstm_999999999/lstm_cell/bias"


def test_keras_returns_the_last_step_by_default() -> None:
    output = {face.name: face for face in faces(STACK, DataSpec(5, 3), "keras") if face.role == "output"}
    assert output["output"].shape == (3, 40)
    assert (output["h"].shape, output["h"].copies, output["h"].when) == ((3, 20), 4, "return_state=True")
    assert [(state.h, state.c) for state in foreign_states(STACK, "keras")] == [
        ("states[0][0]", "states[0][1]"),
        ("states[0][2]", "states[0][3]"),
        ("states[1][0]", "states[1][1]"),
        ("states[1][2]", "states[1][3]"),
    ]


def test_what_goes_in_and_comes_out_elsewhere() -> None:
    def output(layout: str, config: LSTMConfig = STACK) -> tuple[int, ...]:
        return next(face.shape for face in faces(config, DataSpec(5, 3), layout) if "output" in face.equals)

    assert output("onnx") == (5, 2, 3, 20)
    assert output("openvino") == (3, 2, 5, 20)
    assert output("flax-linen") == (3, 5, 40)
    assert output("matlab") == (40, 3, 5)
    assert output("flux", LSTMConfig(10, 20)) == (20, 5, 3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_data_that_a_framework_does_not_take_are_refused_by_name(layout: str) -> None:
    entry, config = LAYOUTS[layout], LSTMConfig(10, 20)
    unbatched, lengths = DataSpec(5, None), DataSpec.given(lengths=[3, 2])
    if entry.batch == "always":
        with pytest.raises(UnsupportedError, match="has no unbatched input"):
            check_data(config, unbatched, layout)
    else:
        assert all("N" not in map(str, face.symbolic) for face in faces(config, unbatched, layout))
    if entry.lengths:
        assert faces(config, lengths, layout)
    else:
        with pytest.raises(UnsupportedError, match="takes no sequences of different lengths"):
            check_data(config, lengths, layout)


@pytest.mark.parametrize("batch", [0, 1, 4])
@pytest.mark.parametrize(
    "config",
    [
        LSTMConfig(2, 7),
        LSTMConfig(2, 7, bidirectional=True),
        LSTMConfig(2, 7, num_layers=3),
        LSTMConfig(2, 7, num_layers=3, bidirectional=True),
        LSTMConfig(2, 7, num_layers=3, bidirectional=True, proj_size=6),
    ],
    ids=str,
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_relations_to_pytorch_have_the_shapes_of_the_table(layout: str, config: LSTMConfig, batch: int) -> None:
    """All sizes differ, so that whatever is transposed, or of another width, has another shape."""
    if missing_feature(config, layout) or (batch != 1 and LAYOUTS[layout].batch == "never"):
        return
    data = DataSpec(5, batch)
    names: dict[str, Any] = {"np": np, "L": 5, "N": batch, "D": config.num_directions, "l": 1, "d": 0, "n": 0, "t": 2}
    shapes = {tensor.name: tensor.shape for tensor in LSTMModel(config).tensors_of(data)}
    names |= {name: np.zeros(shapes[name]) for name in ("output", "h_n", "c_n")}
    names |= {"H_out": config.output_size, "H_cell": config.hidden_size, "k": 0}
    for face in faces(config, data, layout):
        if not batch and face.each == "sequence":
            continue
        texts = relations(face, config)
        assert bool(texts) == bool(face.equals)
        for text in texts:
            if face.each == "layer" and config.num_layers == 1:
                names["l"] = 0
            assert eval(text, dict(names)).shape == face.shape, (face.name, text)


def test_outputs_of_a_reverse_direction_that_stay_in_its_own_order() -> None:
    config = LSTMConfig(2, 7, bidirectional=True)
    face = next(face for face in faces(config, DataSpec(5, 3), "mlx") if face.role == "output")
    assert relations(face, config) == [
        "output[:, :, 0:7].swapaxes(0, 1)",
        "output[::-1][:, :, 7:14].swapaxes(0, 1)",
    ]


def test_how_many_there_are_of_an_array() -> None:
    def copies(layout: str, config: LSTMConfig = STACK, **data: Any) -> list[tuple[str, int, tuple[int, ...]]]:
        spec = DataSpec.given(**{"seq_len": 5, "batch": 3, **data})
        return [(face.name, face.copies, face.shape) for face in faces(config, spec, layout) if face.each]

    assert copies("haiku")[2] == ("outputs", 2, (5, 3, 20))
    assert copies("onnx") == [(name, 2, (2, 3, 20)) for name in ("initial_h", "initial_c", "Y_h", "Y_c")]
    assert ("outputs", 5, (3, 40)) in copies("d2l")
    assert copies("chainer") == [("xs", 3, (5, 10)), ("ys", 3, (5, 40))]
    assert str(faces(STACK, DataSpec.given(lengths=[4, 2]), "chainer")[2].symbolic[0]) == "length"
    assert copies("chainer", seq_len=None, batch=None, lengths=[4, 2, 4]) == [
        ("xs", 2, (4, 10)),
        ("xs", 1, (2, 10)),
        ("ys", 2, (4, 40)),
        ("ys", 1, (2, 40)),
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_relations_use_only_words_that_are_explained(layout: str) -> None:
    entry = LAYOUTS[layout]
    templates = [*entry.h_n, *entry.c_n, *(port.equals for port in entry.ports)]
    used = {field for text in templates for _, field, _, _ in Formatter().parse(text) if field}
    assert used <= RELATION_WORDS.keys()


FORMS = re.compile(
    r"((1 )?direction )?"
    r"(\(gate hidden\)( input| recurrent| 1)?|(input|recurrent|input\+recurrent) \(gate hidden\)|\(bias gate hidden\)"
    r"|((input|recurrent) )?gate hidden|hidden( input| recurrent)?|(input|recurrent) hidden)"
    r"|\(direction gate hidden\)( input| recurrent| 1)"
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_axes_are_of_a_form_that_recipes_know(layout: str) -> None:
    entry = LAYOUTS[layout]
    for variant in (entry, entry.projected or entry):
        for item in variant.stored:
            assert FORMS.fullmatch(item.axes), item.axes


@pytest.mark.parametrize("config", [None, "LSTM(10, 20)", {"input_size": 10}, LSTMConfig, LSTMModel(STACK)])
def test_what_is_no_config_is_refused(config: Any) -> None:
    with pytest.raises(ConfigError, match="not a config"):
        parameters(config, "keras")


@pytest.mark.parametrize("layout", ["coreml", "matlab", "burn", "onednn", "onnx", "openvino"])
def test_states_of_a_layer_are_found_where_they_were_put(layout: str) -> None:
    """What comes out of each layer, made of PyTorch's h_n and c_n, leads back to them."""
    rng = np.random.default_rng(0)
    h_n, c_n = rng.normal(size=(2, 4, 3, 20))
    made: dict[str, list[Any]] = {}
    for face in faces(STACK, DataSpec(5, 3), layout):
        if face.role == "output" and face.each == "layer":
            made[face.name] = [
                eval(fill(face.equals, STACK, layer), {"h_n": h_n, "c_n": c_n, "np": np}) for layer in range(2)
            ]
    if layout == "burn":
        pairs = zip(made["state.hidden"], made["state.cell"], strict=True)
        made["states"] = [SimpleNamespace(hidden=hidden, cell=cell) for hidden, cell in pairs]
    for state in foreign_states(STACK, layout):
        np.testing.assert_array_equal(eval(state.h, dict(made)), h_n[state.position])
        np.testing.assert_array_equal(eval(state.c, dict(made)), c_n[state.position])


def test_the_words_of_relations() -> None:
    config = LSTMConfig(2, 7, num_layers=2, bidirectional=True, proj_size=3)
    assert fill("{first}:{last} {k} {even} {odd}", config, 1, 1) == "2:4 3 2 3"
    assert fill("{start}:{stop} {start_c}:{stop_c} {width}", config, 0, 1) == "3:6 7:14 3"


@pytest.mark.parametrize("layout", ["mlx", "flux", "tflite", "candle"])
def test_a_reverse_direction_by_hand_is_in_its_own_order_of_time(layout: str) -> None:
    config = LSTMConfig(2, 7, bidirectional=True)
    texts = [text for face in faces(config, DataSpec(5, 3), layout) for text in relations(face, config)]
    assert [text for text in texts if "[::-1]" in text] == [texts[1]]


def test_relations_of_one_and_of_several() -> None:
    def texts(layout: str, config: LSTMConfig, name: str) -> list[str]:
        return next(relations(face, config) for face in faces(config, DataSpec(5, 3), layout) if face.name == name)

    assert texts("haiku", LSTMConfig(2, 7), "outputs") == ["output[:, :, 0:7]"]
    assert texts("onnx", LSTMConfig(2, 7), "Y_h") == ["h_n[l*D:(l + 1)*D]"]
    assert texts("coreml", LSTMConfig(2, 7, num_layers=2), "output") == ["h_n[-1:]"]


@pytest.mark.parametrize("layout", [name for name, entry in LAYOUTS.items() if entry.lengths])
def test_with_lengths_only_what_is_zero_behind_them_is_said_to_be_pytorchs_output(layout: str) -> None:
    config, data = LSTMConfig(2, 7), DataSpec.given(lengths=[4, 2])
    outputs = [face for face in faces(config, data, layout) if face.role == "output" and "L" in map(str, face.symbolic)]
    assert {bool(face.equals) for face in outputs} <= {LAYOUTS[layout].zeros}
    assert LAYOUTS[layout].zeros == bool(re.search(r"(is|are) 0$", LAYOUTS[layout].lengths))
