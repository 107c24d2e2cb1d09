"""Which LSTMs are in a weight file: what is stored under any names is found again, and nothing else is."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lstmcalc import LSTMConfig
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.storage import parameters
from lstmcalc.intake.load import load_weights
from lstmcalc.numerics.convert import pack, unpack
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise import recognition
from lstmcalc.readers.recognise.beside import arrays_beside
from lstmcalc.readers.recognise.recognition import Contents, contents_text, recognise
from tools.examples import examples
from tools.recorded_weights import said, stated_module
from tools.storages import stored_once
from tools.weight_writers import can_express, in_memory, modules_of, random_weights, shaped

LSTM = {"weight_ih_l0": (80, 10), "weight_hh_l0": (80, 20), "bias_ih_l0": (80,), "bias_hh_l0": (80,)}
CELL = {"weight_ih": (80, 10), "weight_hh": (80, 20), "bias_ih": (80,), "bias_hh": (80,)}


def under(path: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {f"{path}{name}": shape for name, shape in shapes.items()}


def stored(config: LSTMConfig, layout: str = "pytorch", path: str = "") -> dict[str, tuple[int, ...]]:
    return {path + item.name: item.shape for item in parameters(config, layout)}


def found(shapes: dict[str, tuple[int, ...]]) -> list[Found]:
    return list(recognise(shaped(shapes)).lstms)


def only(shapes: dict[str, tuple[int, ...]]) -> Found:
    (lstm,) = found(shapes)
    return lstm


def relatives(contents: Contents) -> list[tuple[str, str, int | None, int | None]]:
    return [(item.unit, item.kind, item.input_size, item.hidden_size) for item in contents.file.relatives]


@st.composite
def configs(draw: st.DrawFn) -> LSTMConfig:
    hidden = draw(st.integers(1, 6))
    return LSTMConfig(
        draw(st.integers(1, 7)),
        hidden,
        draw(st.integers(1, 3)),
        bias=draw(st.booleans()),
        bidirectional=draw(st.booleans()),
        proj_size=draw(st.integers(0, hidden - 1)),
    )


paths = st.lists(st.from_regex(r"[a-e]{1,3}_?[0-9]?", fullmatch=True), max_size=3).map(
    lambda parts: "".join(f"{part}." for part in parts)
)


@pytest.mark.parametrize("layout", LAYOUTS)
@examples(40, plain=20)
@given(config=configs(), path=paths, seed=st.integers(0, 9))
@stored_once()
def test_what_is_stored_under_any_path_is_found_again(layout: str, config: LSTMConfig, path: str, seed: int) -> None:
    if not can_express(config, layout):
        config = LSTMConfig(config.input_size, config.hidden_size, config.num_layers, config.bias)
    # Of cells that are counted, two that read as much are a stack or a pair.
    two_cells = config.num_layers == 1 and config.bidirectional and layout in ("chainer", "cudnn")
    assume(not (two_cells and config.input_size == config.output_size))
    weights = random_weights(config, seed)
    packed = {path + name: array for name, array in pack(weights, config, layout).items()}
    contents = recognise(in_memory(packed))
    wanted = modules_of(config, layout)
    assert [(item.framework, str(item.stored.config)) for item in contents.lstms] == [
        (framework, str(module)) for framework, module, _ in wanted
    ]
    assert contents.file.relatives == ()
    assert sorted(contents.file.owners) == sorted(packed)
    reading_order = "coreml" if layout == "coreml" and not config.bidirectional else ""
    back = unpack({name.removeprefix(path): array for name, array in packed.items()}, config, layout)
    for item, (_, module, ends) in zip(contents.lstms, wanted, strict=True):
        assert item.stored.missing == item.stored.misshaped == item.unmodelled == ()
        assert dict(item.gaps) == {}
        if reading_order:
            continue  # Core ML's names are Equinox's, in another order of the gates
        loaded = load_weights(item._replace(rivals=()))  # its own framework is read first
        own = [
            f"l{layer}{word}"
            for layer in range(module.num_layers)
            for word in ("", "_reverse")[: module.num_directions]
        ]
        for end, here in zip(ends, own, strict=True):
            for name, array in loaded.items():
                if name.endswith(f"_{here}"):
                    original = back.get(name.removesuffix(here) + end)
                    assert original is None or original.shape == array.shape
                    assert np.abs(array - (0 if original is None else original)).max() <= 1e-12


@pytest.mark.parametrize("layout", ["pytorch", "keras", "tf1", "flax-linen", "onnx"])
def test_a_path_is_the_name(layout: str) -> None:
    lstm = only(stored(LSTMConfig(10, 20), layout, "encoder.rnn."))
    assert lstm.name.startswith("encoder.rnn")


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("", "lstm"),
        ("encoder.rnn.", "encoder.rnn"),
        ("module.encoder.rnn.", "encoder.rnn"),
        ("_orig_mod.encoder.", "encoder"),
        ("model._orig_mod.module.encoder.", "model.encoder"),
        ("state_dict.encoder.", "encoder"),
        ("encoder.module.rnn.", "encoder.module.rnn"),
        ("_encoder._module.", "_encoder._module"),
    ],
)
def test_what_wrapped_a_module_is_not_in_its_name(before: str, name: str) -> None:
    assert only(under(before, LSTM)).name == name


def test_what_wrapped_a_module_is_said() -> None:
    assert only(under("encoder.", LSTM)).around == ()
    assert "DataParallel" in only(under("module.encoder.", LSTM)).around[0]
    assert "torch.compile" in only(under("_orig_mod.encoder.", LSTM)).around[0]


# Kinds.


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((384, 96), "LSTM"), ((384, 128), "GRU"), ((384, 384), "RNN")],
)
def test_rows_alone_do_not_tell_the_kind(shape: tuple[int, int], kind: str) -> None:
    rows = {"weight_ih_l0": (384, 10), "weight_hh_l0": shape, "bias_ih_l0": (384,), "bias_hh_l0": (384,)}
    contents = recognise(shaped(under("rnn.", rows)))
    if kind == "LSTM":
        assert [item.stored.config for item in contents.lstms] == [LSTMConfig(10, 96)]
        assert contents.file.relatives == ()
    else:
        assert contents.lstms == ()
        assert relatives(contents) == [("rnn", kind, 10, shape[1])]


@pytest.mark.parametrize(
    ("shapes", "kind"),
    [
        ({"gru/gru_cell/kernel": (7, 15), "gru/gru_cell/recurrent_kernel": (5, 15), "gru/gru_cell/bias": (2, 15)}, "GRU"),
        ({"encoder/kernel:0": (7, 5), "encoder/recurrent_kernel:0": (5, 5), "encoder/bias:0": (5,)}, "RNN"),
        ({"cell.weight_ih": (15, 7), "cell.weight_hh": (15, 5)}, "GRU"),
        ({"enc_w_ih": (15, 7), "enc_w_hh": (15, 5), "enc_b_ih": (15,), "enc_b_hh": (15,)}, "GRU"),
        ({"W": (1, 15, 7), "R": (1, 15, 5), "B": (1, 30)}, "GRU"),
        ({"g.Wx": (15, 7), "g.Wh": (15, 5), "g.b": (15,), "g.bhn": (5,)}, "GRU"),
        ({f"params/cell/{x}{g}/kernel": ({"i": 7, "h": 5}[x], 5) for x in "ih" for g in "rzn"}, "GRU"),
        ({"gru/w_i": (7, 15), "gru/w_h": (5, 15), "gru/b": (15,)}, "GRU"),
        ({"rnn/gru_cell/gates/kernel": (12, 10), "rnn/gru_cell/candidate/kernel": (12, 5)}, "GRU"),
        ({"gru0_l0_i2h_weight": (15, 7), "gru0_l0_h2h_weight": (15, 5)}, "GRU"),
    ],
)  # fmt: skip
def test_a_relative_is_named_and_no_lstm(shapes: dict[str, tuple[int, ...]], kind: str) -> None:
    contents = recognise(shaped(shapes))
    assert contents.lstms == ()
    assert [item.kind for item in contents.file.relatives] == [kind]
    assert contents_text(contents).startswith(f"1 {kind}: ")


@pytest.mark.parametrize(
    "shapes",
    [
        {"fc.weight": (80, 20), "fc.bias": (80,)},
        {"dense/kernel": (20, 80), "dense/bias": (80,)},
        {"mlp/linear/w": (30, 80), "mlp/linear/b": (80,)},
        {"attention.in_proj_weight": (60, 20), "attention.in_proj_bias": (60,)},
        {"conv_lstm/kernel": (3, 3, 7, 80), "conv_lstm/recurrent_kernel": (3, 3, 20, 80), "conv_lstm/bias": (80,)},
        {"optimizer.state.0.exp_avg": (80, 10), "optimizer.state.1.exp_avg": (80, 20)},
        {"W": (20, 20), "R": (20, 20)},
        {"weight": (80, 20), "bias": (80,)},
        {"a.weight_ih_l0_g": (80, 1)},
        {},
    ],
)  # fmt: skip
def test_what_merely_looks_like_an_lstm_is_none(shapes: dict[str, tuple[int, ...]]) -> None:
    contents = recognise(shaped(shapes))
    assert contents.lstms == ()
    assert contents.file.relatives == ()


@pytest.mark.parametrize("word", ["exp_avg", "opt_state/0/mu", "optimizer", "optimizer_state.momentum_buffer"])
def test_moments_beside_an_lstm_are_no_lstm(word: str) -> None:
    contents = recognise(shaped(under("encoder.", LSTM) | under(f"{word}.encoder.", LSTM)))
    assert [item.name for item in contents.lstms] == ["encoder"]
    assert contents_text(contents) == "4 tensors outside the LSTM (2,560 numbers)"


def test_an_lstm_that_is_an_optimizer_is_one() -> None:
    assert only(under("optimizer.", LSTM)).name == "optimizer"


def test_matrices_of_one_shape_are_told_by_their_names() -> None:
    lstm = only({"weight_hh_l0": (80, 20), "weight_ih_l0": (80, 20)})
    assert lstm.stored.config == LSTMConfig(20, 20, bias=False)


def test_several_lstms_stand_in_the_order_of_the_file() -> None:
    shapes = under("z.", LSTM) | {"fc.weight": (3, 20)} | under("a.", CELL)
    contents = recognise(shaped(shapes))
    assert [(item.name, item.framework) for item in contents.lstms] == [("z", "pytorch"), ("a", "pytorch-cell")]
    assert contents.file.owners["a.bias_hh"] == "a"
    assert contents_text(contents) == "1 tensor outside the LSTM (60 numbers)"


def test_bidirectional_keras_is_one_lstm_with_its_own_paths() -> None:
    lstm = only(stored(LSTMConfig(7, 5, bidirectional=True), "keras2", "model/"))
    assert (lstm.name, lstm.path) == ("model.bidirectional", "model/bidirectional/{direction}_lstm")


def test_keras_names_without_a_cell_are_read() -> None:
    lstm = only({"encoder/kernel:0": (7, 20), "encoder/recurrent_kernel:0": (5, 20), "encoder/bias:0": (20,)})
    assert (lstm.framework, lstm.path, lstm.stored.config) == ("keras2", "encoder", LSTMConfig(7, 5))


def test_stacked_cells_of_keras_are_one_each() -> None:
    shapes: dict[str, tuple[int, ...]] = {
        f"rnn/stacked_rnn_cells/lstm_cell{number}/{name}": shape
        for number, width in (("", 7), ("_1", 5))
        for name, shape in (("kernel", (width, 20)), ("recurrent_kernel", (5, 20)), ("bias", (20,)))
    }
    assert [(item.name, item.stored.config) for item in found(shapes)] == [
        ("rnn.stacked_rnn_cells.lstm_cell", LSTMConfig(7, 5)),
        ("rnn.stacked_rnn_cells.lstm_cell_1", LSTMConfig(5, 5)),
    ]


def test_cudnn_kernels_are_told_by_their_bias() -> None:
    shapes = {"l/kernel:0": (7, 20), "l/recurrent_kernel:0": (5, 20), "l/bias:0": (40,)}
    assert only(shapes).framework == "keras-cudnn"


def test_paddle_has_every_array_twice() -> None:
    flat = stored(LSTMConfig(7, 5, 2, bidirectional=True), "pytorch", "rnn.")
    cells = {
        f"rnn.{layer}.cell_{word}.{name}": flat[f"rnn.{name}_l{layer}{suffix}"]
        for layer in (0, 1)
        for word, suffix in (("fw", ""), ("bw", "_reverse"))
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    contents = recognise(shaped({**flat, **cells}))
    (lstm,) = contents.lstms
    assert (lstm.name, lstm.framework, lstm.stored.config) == ("rnn", "paddle", LSTMConfig(7, 5, 2, bidirectional=True))
    assert lstm.notes == ("every array is in the file twice: under the name of its cell too",)
    assert contents_text(contents) == ""


def test_haiku_names_are_read_however_they_are_joined() -> None:
    for weight, bias in (("lstm/linear/w", "lstm/linear/b"), ("['lstm/linear']['w']", "['lstm/linear']['b']")):
        lstm = only({weight: (12, 20), bias: (20,)})
        assert (lstm.name, lstm.framework, lstm.stored.config) == ("lstm", "haiku", LSTMConfig(7, 5))


def test_basic_cells_of_tensorflow_are_read() -> None:
    names = ("rnn/multi_rnn_cell/cell_{}/basic_lstm_cell/kernel", "rnn/multi_rnn_cell/cell_{}/basic_lstm_cell/bias")
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, width in enumerate((7, 5)):
        shapes |= {names[0].format(layer): (width + 5, 20), names[1].format(layer): (20,)}
    lstm = only(shapes)
    assert (lstm.framework, lstm.stored.config) == ("tf1", LSTMConfig(7, 5, 2))


def test_directions_that_are_stacked_by_themselves_are_two_lstms() -> None:
    shapes: dict[str, tuple[int, ...]] = {}
    for word in ("fw", "bw"):
        for layer, width in enumerate((7, 5)):
            path = f"bidirectional_rnn/{word}/multi_rnn_cell/cell_{layer}/lstm_cell"
            shapes |= {f"{path}/kernel": (width + 5, 20), f"{path}/bias": (20,)}
    assert [(item.name, item.stored.config) for item in found(shapes)] == [
        (f"bidirectional_rnn.{word}.multi_rnn_cell", LSTMConfig(7, 5, 2)) for word in ("fw", "bw")
    ]


def test_many_kinds_are_said_in_a_short_line() -> None:
    modules = tuple(stated_module(f"m{number}", f"GRU{number}", "pytorch", {}, {}) for number in range(1000))
    text = contents_text(recognise(WeightFile("PyTorch", (), modules)))
    assert text == "1 GRU0: m0; 1 GRU1: m1; 1 GRU2: m2; 1 GRU3: m3; ..."


def test_two_cells_that_read_as_much_can_be_a_stack_or_a_pair() -> None:
    pair = stored(LSTMConfig(5, 5, bidirectional=True), "chainer")
    lstm = only(pair)
    assert lstm.stored.config == LSTMConfig(5, 5, 2)
    assert "can be LSTM(5, 5, bidirectional=True)" in lstm.notes[0]


# What is missing or misshaped.


def test_a_missing_tensor_is_said() -> None:
    shapes = stored(LSTMConfig(10, 20, 2, bidirectional=True), path="enc.")
    del shapes["enc.weight_ih_l0_reverse"]
    lstm = only(shapes)
    assert lstm.stored.config == LSTMConfig(10, 20, 2, bidirectional=True)
    assert lstm.stored.missing == ("enc.weight_ih_l0_reverse",)


def test_a_whole_direction_can_be_missing() -> None:
    shapes = stored(LSTMConfig(10, 20, 2, bidirectional=True))
    lstm = only({name: shape for name, shape in shapes.items() if not name.endswith("_reverse")})
    assert lstm.stored.config.bidirectional
    assert len(lstm.stored.missing) == 8


def test_a_missing_layer_leaves_the_input_open() -> None:
    shapes = stored(LSTMConfig(10, 20, 2))
    lstm = only({name: shape for name, shape in shapes.items() if "_l1" in name})
    assert (lstm.stored.config.num_layers, lstm.stored.config.hidden_size) == (2, 20)
    assert set(lstm.gaps) == {"input_size"}
    assert len(lstm.stored.missing) == 4


def test_a_misshaped_tensor_is_said() -> None:
    lstm = only({**stored(LSTMConfig(10, 20, 3)), "weight_hh_l1": (80, 21)})
    assert lstm.stored.config == LSTMConfig(10, 20, 3)
    assert lstm.stored.misshaped == ("weight_hh_l1 (80, 21) instead of (80, 20)",)


def test_a_missing_bias_is_said() -> None:
    lstm = only({name: shape for name, shape in CELL.items() if name != "bias_hh"})
    assert (lstm.framework, lstm.stored.missing) == ("pytorch-cell", ("bias_hh",))


def test_a_missing_projection_is_said() -> None:
    lstm = only({"weight_ih_l0": (80, 10), "weight_hh_l0": (80, 7)})
    assert lstm.stored.config == LSTMConfig(10, 20, bias=False, proj_size=7)
    assert lstm.stored.missing == ("weight_hr_l0",)
    assert lstm.notes == ("80 rows that read 7 values are an LSTM of 20 with a projection",)


def test_without_a_recurrent_matrix_the_name_decides_and_the_note_says_so() -> None:
    lstm = only({"lstm.weight_ih_l0": (384, 10), "lstm.bias_ih_l0": (384,)})
    assert lstm.stored.config == LSTMConfig(10, 96)
    assert "could also be a GRU of 128 or an RNN of 384: its name speaks for an LSTM" in lstm.notes[0]
    contents = recognise(shaped({"rnn.weight_ih_l0": (384, 10), "rnn.bias_ih_l0": (384,)}))
    assert contents.lstms == ()
    assert contents_text(contents) == "1 incomplete recurrent module: rnn"


def test_a_number_of_layers_out_of_reach_makes_no_rows() -> None:
    lstm = only({**LSTM, "weight_ih_l999999": (80, 20)})
    assert lstm.stored.config == LSTMConfig(10, 20)
    assert lstm.stored.misshaped == ("weight_ih_l999999 does not belong to LSTM(10, 20)",)


# Weights in another form.


@pytest.mark.parametrize(
    "names", [("{}_g", "{}_v"), ("parametrizations.{}.original0", "parametrizations.{}.original1")]
)
@pytest.mark.parametrize("g_shape", [(80, 1), (1, 20), ()])
def test_weight_normalisation_is_the_product_of_its_parts(names: tuple[str, str], g_shape: tuple[int, ...]) -> None:
    weights = {name: array.astype("float32") for name, array in random_weights(LSTMConfig(10, 20)).items()}
    matrix = weights.pop("weight_hh_l0")
    axes = None if g_shape == () else tuple(axis for axis in (0, 1) if g_shape[axis] == 1)
    g = np.sqrt(np.square(matrix).sum(axis=axes, keepdims=bool(g_shape)))
    parts = {names[0].format("weight_hh_l0"): np.asarray(g), names[1].format("weight_hh_l0"): matrix * 7}
    contents = recognise(in_memory({f"enc.{name}": array for name, array in {**weights, **parts}.items()}))
    (lstm,) = contents.lstms
    assert lstm.stored.config == LSTMConfig(10, 20)
    assert "weight_norm" in lstm.notes[0]
    assert set(contents.file.owners.values()) == {"enc"}
    np.testing.assert_allclose(load_weights(lstm)["weight_hh_l0"], matrix, rtol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1e30, np.inf])
def test_weights_that_cannot_be_normalised_give_no_warnings(scale: float) -> None:
    weights = {name: array.astype("float32") for name, array in random_weights(LSTMConfig(10, 20)).items()}
    v = np.full_like(weights.pop("weight_hh_l0"), scale)
    parts = {"weight_hh_l0_g": np.ones((80, 1), "float32"), "weight_hh_l0_v": v}
    (lstm,) = recognise(in_memory({**weights, **parts})).lstms
    assert load_weights(lstm)["weight_hh_l0"].shape == (80, 20)


def test_weights_before_dropout_are_the_weights() -> None:
    shapes = {"0.rnns.0.weight_hh_l0_raw": (80, 20), **under("0.rnns.0.module.", LSTM)}
    del shapes["0.rnns.0.module.weight_hh_l0"]
    lstm = only(shapes)
    assert (lstm.name, lstm.stored.config, lstm.stored.missing) == ("0.rnns.0.module", LSTMConfig(10, 20), ())


@pytest.mark.parametrize(
    ("shapes", "what"),
    [
        ({**under("c.", CELL), "c.layernorm_i.weight": (80,)}, "layer normalisation: c.layernorm_i.weight"),
        ({**stored(LSTMConfig(7, 5), "tf1"), "rnn/lstm_cell/w_f_diag:0": (5,)}, "peepholes (use_peepholes=True)"),
        ({**stored(LSTMConfig(7, 5), "onnx"), "lstm0.P": (1, 15)}, "peepholes (the input P)"),
        (
            {**stored(LSTMConfig(7, 5, proj_size=3), "tf1"), "rnn/lstm_cell/projection/bias": (3,)},
            "a projection's bias",
        ),
    ],
)
def test_what_the_table_names_is_named(shapes: dict[str, tuple[int, ...]], what: str) -> None:
    assert only(shapes).unmodelled == (what,)


@pytest.mark.parametrize("kind", ["lstm", "cell"])
@pytest.mark.parametrize(
    ("beside", "looks"),
    [
        ("weight_ch", "peepholes"),
        ("weight_ci", "peepholes"),
        ("w_co", "peepholes"),
        ("peephole_f", "peepholes"),
        ("layernorm_h.weight", "layer normalisation"),
        ("ln_c.bias", "layer normalisation"),
        ("norm.weight", "layer normalisation"),
        ("lora_A_ih", "LoRA"),
        ("adapters.lora_B.default.weight", "LoRA"),
        ("wmx", "a multiplicative LSTM"),
        ("weight_mh", "a multiplicative LSTM"),
        ("gamma", "arrays that no LSTM has"),
        ("inner.proj.weight", "arrays that no LSTM has"),
    ],
)
def test_what_a_module_stores_beside_an_lstm_is_named(beside: str, looks: str, kind: str) -> None:
    own = LSTM if kind == "lstm" else CELL
    lstm = only(
        {**under("net.rnn.", own), f"net.rnn.{beside}": (60,), "net.fc.weight": (3, 20), "net.norm.weight": (9,)}
    )
    assert (lstm.name, lstm.unmodelled) == ("net.rnn", (f"{looks}: net.rnn.{beside}",))
    total = 80 * 10 + 80 * 20 + 2 * 80
    note = (
        f"beside the LSTM's arrays its module stores net.rnn.{beside} (60,): 60 parameters more, {total + 60:,} in all"
    )
    assert lstm.notes == (note,)


_CELLS = {
    "keras": ("enc/lstm/lstm_cell", ()),
    "keras2": ("enc/lstm/lstm_cell", ("enc/lstm/lstm_cell/seed_generator/seed:0",)),
    "keras-cudnn": ("enc/cu_dnnlstm", ()),
    "tf1": ("enc/rnn/lstm_cell", ("enc/rnn/lstm_cell/kernel/Adam_1:0", "enc/rnn/lstm_cell/bias/Momentum:0")),
    "flax-linen": ("enc/params/cell", ()),
    "flax-nnx": ("enc/cell", ("enc/cell/rngs/default/key",)),
    "flax-nnx-optimized": ("enc/cell", ("enc/cell/rngs/default/count",)),
    "haiku": ("enc/lstm", ()),
    "equinox": ("enc", ()),
    "mlx": ("enc", ()),
    "flux": ("enc/cell", ()),
}


@pytest.mark.parametrize("framework", _CELLS)
@pytest.mark.parametrize(
    ("inner", "looks"),
    [("kernel_norm/gamma", "layer normalisation"), ("peephole_i", "peepholes"), ("extra", "arrays that no LSTM has")],
)
def test_what_a_cell_of_another_framework_stores_beside_an_lstm_is_named(
    framework: str, inner: str, looks: str
) -> None:
    cell, explained = _CELLS[framework]
    shapes = {f"enc/{name}": shape for name, shape in stored(LSTMConfig(7, 5), framework).items()}
    others = {f"{place}/gamma": (5,) for place in ("enc2", "norm", "enc_norm", f"{cell}_2", f"{cell}_norm")}
    shapes |= {**others, **dict.fromkeys(explained, (2,))}
    assert only(shapes).unmodelled == ()
    lstm = only({**shapes, f"{cell}/{inner}": (60,)})
    assert lstm.unmodelled == (f"{looks}: {cell}/{inner}",)
    assert f"its module stores {cell}/{inner} (60,): 60 parameters more" in lstm.notes[-1]


def test_what_wraps_an_lstm_may_be_named_base_layer() -> None:
    shapes = {**under("rnn.base_layer.", LSTM), "rnn.lora_A.default.weight": (4, 10), "fc.lora_A.weight": (4, 20)}
    assert only(shapes).unmodelled == ("LoRA: rnn.lora_A.default.weight",)


@pytest.mark.parametrize(
    "shapes",
    [
        {**under("rnn.", LSTM), "fc.weight": (3, 20), "rnn2.norm": (3,)},
        {**LSTM, "fc.weight": (3, 20), "norm.weight": (20,), "embedding": (9, 10)},
        {**under("a.", LSTM), "a.config": (), "a.input": (5, 3, 10), "a.output": (5, 3, 20), "a.f_l0": (5, 3, 20)},
        {**under("a.", LSTM), "a.weight_hh_l0_raw": (80, 20)},
    ],
)
def test_what_is_elsewhere_or_explained_is_no_part_of_it(shapes: dict[str, tuple[int, ...]]) -> None:
    assert only(shapes).unmodelled == ()


def test_a_module_without_a_name_has_the_parts_that_look_so() -> None:
    assert only({**CELL, "weight_ch": (60, 1), "gamma": (3,)}).unmodelled == ("peepholes: weight_ch",)


# What a file states itself.


def stated(**given: Any) -> WeightFile:
    module: dict[str, Any] = {
        "name": "net.LSTM_0",
        "kind": "LSTM",
        "framework": "onnx",
        "fields": {},
        "named": {"lstm0.W": "w.1", "lstm0.R": "r.1", "lstm0.B": "b.1"},
    }
    tensors = shaped({"w.1": (2, 80, 10), "r.1": (2, 80, 20), "b.1": (2, 160), "fc": (3, 4)}).tensors
    return WeightFile("ONNX", tensors, (stated_module(**{**module, **given}),))


def test_a_stated_module_comes_first_and_its_arrays_tell_the_rest() -> None:
    contents = recognise(stated(fields={"hidden_size": 20, "bidirectional": True, "seq_len": 7}))
    (lstm,) = contents.lstms
    assert (lstm.name, lstm.stored.config) == ("net.LSTM_0", LSTMConfig(10, 20, bidirectional=True))
    assert said(lstm)["hidden_size"] == (20, "stated")
    assert said(lstm)["seq_len"] == (7, "stated")
    assert said(lstm)["input_size"] == (10, "inferred")
    assert set(contents.file.owners) == {"w.1", "r.1", "b.1"}
    assert lstm.stored.tensors["lstm0.W"].name == "w.1"


def test_what_is_stated_wins_and_what_does_not_fit_it_is_said() -> None:
    (lstm,) = recognise(stated(fields={"hidden_size": 21})).lstms
    assert lstm.stored.config == LSTMConfig(10, 21, bidirectional=True)
    assert lstm.stored.misshaped[0] == "w.1 (2, 80, 10) instead of (2, 84, 10)"


def test_what_is_stated_need_not_have_arrays() -> None:
    (lstm,) = recognise(stated(fields={"hidden_size": 20}, named={})).lstms
    assert set(lstm.gaps) == {"input_size"}
    assert lstm.stored.missing == ()


def test_a_stated_module_has_weights_that_follow_from_others() -> None:
    names = {name: f"rnn.{name}" for name in LSTM if name != "weight_hh_l0"}
    shapes = {f"rnn.{name}": shape for name, shape in LSTM.items() if name != "weight_hh_l0"}
    shapes |= {"rnn.weight_hh_l0_g": (80, 1), "rnn.weight_hh_l0_v": (80, 20)}
    module = stated_module("rnn", "LSTM", "pytorch", {"input_size": 10, "hidden_size": 20}, names)
    contents = recognise(WeightFile("PyTorch", shaped(shapes).tensors, (module,)))
    (lstm,) = contents.lstms
    assert (lstm.stored.missing, len(lstm.stored.tensors)) == ((), 4)
    assert "weight_norm" in lstm.notes[0]
    assert set(contents.file.owners) == set(shapes)


def test_arrays_that_a_file_computes_are_a_modules_too() -> None:
    computed = shaped({"W": (1, 80, 10)}).tensors
    module = stated_module(
        "n",
        "LSTM",
        "onnx",
        {"hidden_size": 20},
        {"lstm0.W": "W", "lstm0.R": "r"},
        computed=computed,
        inferred=("hidden_size",),
    )
    (lstm,) = recognise(WeightFile("ONNX", shaped({"r": (1, 80, 20)}).tensors, (module,))).lstms
    assert lstm.stored.config == LSTMConfig(10, 20, bias=False)
    assert said(lstm)["hidden_size"] == (20, "inferred")
    assert lstm.stored.missing == ()


def test_what_a_file_computes_weights_of_is_no_lstm_of_its_own() -> None:
    computed = shaped({"W": (1, 80, 10), "R": (1, 80, 20), "B": (1, 160)}).tensors
    module = stated_module(
        "n", "LSTM", "onnx", {}, {f"lstm0.{item.name}": item.name for item in computed}, computed=computed
    )
    contents = recognise(WeightFile("ONNX", shaped(under("decoder.", CELL)).tensors, (module,)))
    assert [item.name for item in contents.lstms] == ["n"]
    assert contents.file.owners == {**{f"decoder.{name}": "n" for name in CELL}, "W": "n", "R": "n", "B": "n"}
    other = recognise(
        WeightFile("ONNX", shaped(under("decoder.", {"weight_ih": (80, 9), "weight_hh": (80, 20)})).tensors, (module,))
    )
    assert [item.name for item in other.lstms] == ["n", "decoder"]


def test_cells_of_two_linear_layers_are_read_but_not_their_highways() -> None:
    def cell(rows: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        sizes = {"input": (5 * rows[0], 7), "state": (5 * rows[1], 5)}
        shapes: dict[str, tuple[int, ...]] = {
            f"layer_0.{part}_linearity.weight": shape for part, shape in sizes.items()
        }
        return shapes | {f"layer_0.{part}_linearity.bias": shape[:1] for part, shape in sizes.items()}

    lstm = only(cell((4, 4)))
    assert (lstm.name, lstm.framework, lstm.stored.config) == ("layer_0", "pytorch-cell", LSTMConfig(7, 5))
    highway = recognise(shaped(cell((6, 5))))
    assert highway.lstms == ()
    assert contents_text(highway) == "1 highway LSTM: layer_0"


def test_cells_written_by_hand_are_read() -> None:
    lstm = only({"enc_w_ih": (20, 7), "enc_w_hh": (20, 5), "enc_b_ih": (20,), "enc_b_hh": (20,)})
    assert (lstm.name, lstm.framework, lstm.stored.config) == ("enc", "pytorch-cell", LSTMConfig(7, 5))


def test_a_stated_relative_is_one() -> None:
    contents = recognise(stated(kind="GRU", fields={"input_size": 10, "hidden_size": 20}))
    assert contents.lstms == ()
    assert (
        contents_text(contents)
        == "1 GRU: net.LSTM_0 (input 10, hidden 20); 1 tensor of no recurrent module (12 numbers)"
    )


def test_a_stated_size_that_cannot_be_has_no_config_yet() -> None:
    (lstm,) = recognise(stated(fields={"hidden_size": -3, "input_size": 4})).lstms
    assert said(lstm)["hidden_size"] == (-3, "stated")
    assert lstm.stored.tensors == {}


# Any names, any shapes.

words = st.sampled_from(
    sorted(
        {
            part
            for layout in LAYOUTS
            for item in parameters(LSTMConfig(3, 4, 2, bidirectional=True), layout)
            for part in re.split(r"[./]", item.name)
        }
        | {"", "module", "optimizer", "parametrizations", "original0", "weight_ih_l0_v", "weight_ih_l0_g", "x" * 300}
    )
)


@examples(300)
@given(
    st.dictionaries(
        st.lists(words, min_size=1, max_size=4).map("/".join),
        st.lists(st.integers(0, 9) | st.integers(0, 2**63 - 1), max_size=4).map(tuple),
        max_size=12,
    )
)
def test_any_names_and_shapes_are_read(shapes: dict[str, tuple[int, ...]]) -> None:
    contents = recognise(shaped(shapes))
    assert set(contents.file.owners) <= set(shapes)
    for lstm in contents.lstms:
        assert lstm.stored.tensors
        assert lstm.stored.config.num_layers <= 2 * len(shapes)


class _OneByOne(list[tuple[str, str]]):
    """A list that counts what is taken from it."""

    taken = 0

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        _OneByOne.taken += len(found) if isinstance(at, slice) else 1
        return found


def test_of_many_lstms_each_looks_at_its_own_arrays_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        recognition, "arrays_beside", lambda reading, listed, parts: arrays_beside(reading, _OneByOne(listed), parts)
    )
    monkeypatch.setattr(_OneByOne, "taken", 0)
    count = 200
    shapes = {f"m{n}.lstm.{name}": shape for n in range(count) for name, shape in LSTM.items()}
    assert len(found(shapes)) == count
    assert _OneByOne.taken < 50 * count  # its arrays, and the few that a search looks at
