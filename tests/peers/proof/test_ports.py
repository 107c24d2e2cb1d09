"""Ports that really go wrong: PyTorch, Keras and ONNX Runtime are given the wrong thing, and the mistake is named.

What the weights mean is what PyTorch computes with them as they are.
"""

import warnings
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import lstmcalc
from tools.live import installed
from tools.peer_players import to_numpy

pytestmark = pytest.mark.peers

Arrays = dict[str, Any]
STEPS, BATCH = 6, 3


def module(*sizes: int, **options: Any) -> Any:
    """PyTorch's LSTM with weights as it draws them, twice as large."""
    torch = installed("torch")
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(*sizes, **options)
    with torch.no_grad():
        for parameter in lstm.parameters():
            parameter.mul_(2)
    return lstm


def data(width: int, *, batch_first: bool = False) -> Any:
    torch = installed("torch")
    torch.manual_seed(1)
    return torch.randn(*((BATCH, STEPS) if batch_first else (STEPS, BATCH)), width)


def states(lstm: Any) -> tuple[Any, Any]:
    torch = installed("torch")
    rows = lstm.num_layers * (1 + lstm.bidirectional)
    return torch.randn(rows, BATCH, lstm.proj_size or lstm.hidden_size), torch.randn(rows, BATCH, lstm.hidden_size)


def run(lstm: Any, *given: Any) -> tuple[Any, Any, Any]:
    torch = installed("torch")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN", UserWarning)
        output, (h_n, c_n) = lstm(*given)
    return output, h_n, c_n


def named(model: Any, x: Any, y: Any = None, **options: Any) -> list[list[str]]:
    """The names of the mistakes of each explanation."""
    expect = lstmcalc.expect(model, x, y, **options).to_dict()["modules"][0]["expect"]
    return [one["mistakes"] for one in expect["explanations"]]


def other_module(lstm: Any, change: Callable[[str, Any], Any]) -> Any:
    """A copy whose state was changed on the way into `load_state_dict`."""
    from copy import deepcopy

    port = deepcopy(lstm)
    port.load_state_dict({name: change(name, value) for name, value in lstm.state_dict().items()})
    return port


ORDERS = ["".join(order) for order in permutations("ifgo") if "".join(order) != "ifgo"]


@pytest.mark.parametrize("order", ORDERS)
def test_rows_in_a_wrong_order_are_named_and_repaired(order: str) -> None:
    torch, lstm, x = installed("torch"), module(4, 5, 2), data(4)
    port = other_module(lstm, lambda _, w: torch.cat([w.chunk(4)["ifgo".index(gate)] for gate in order]))
    report = lstmcalc.expect(lstm, x, run(port, x)[0])
    [explanation] = report.to_dict()["modules"][0]["expect"]["explanations"]
    stored = "".join("ifgo"[explanation["mistakes"][0][-4:].index(gate)] for gate in "ifgo")
    assert stored == order
    line = explanation["repair"].partition("#")[0]

    def repaired(_: str, w: Any) -> Any:
        names: Arrays = {"w": w, "torch": torch}
        exec(line, names)
        return names["w"]

    assert torch.equal(run(other_module(port, repaired), x)[0], run(lstm, x)[0])


def test_the_state_of_a_module_is_taken_as_it_is() -> None:
    lstm, x = module(4, 5, 2, bidirectional=True, batch_first=True), data(4, batch_first=True)
    output, h_n, c_n = run(lstm, x)
    assert lstmcalc.expect(lstm, x, output, expect_h=h_n, expect_c=c_n).agrees
    half = lstmcalc.expect(lstm, x, output.half())
    assert half.agrees


def test_a_port_in_half_precision_is_told_from_one_with_half_weights() -> None:
    lstm, x = module(4, 5), data(4)
    assert named(lstm, x, run(other_module(lstm, lambda _, w: w.half().float()), x)[0]) == [["cast:float16"]]
    assert named(lstm, x, run(other_module(lstm, lambda _, w: w.bfloat16().float()), x)[0]) == [["cast:bfloat16"]]


def forget_rows(w: Any) -> Any:
    return w.new_tensor([float(5 <= row < 10) for row in range(20)])


CHANGES: dict[str, Callable[[str, Any], Any]] = {
    "bias-lost:ih": lambda name, w: w * 0 if name.startswith("bias_ih") else w,
    "bias-lost:hh": lambda name, w: w * 0 if name.startswith("bias_hh") else w,
    "bias-ignored": lambda name, w: w * 0 if name.startswith("bias") else w,
    "gates-interleaved": lambda _, w: w.reshape(4, -1, *w.shape[1:]).transpose(0, 1).reshape(w.shape),
    "recurrent-transposed": lambda name, w: w.T.reshape(w.shape) if name.startswith("weight_hh") else w,
    "forget-offset:+1": lambda name, w: w + forget_rows(w) if name.startswith("bias_ih") else w,
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_done_to_weights_before_they_are_loaded(name: str) -> None:
    lstm, x = module(5, 5, 2), data(5)
    assert named(lstm, x, run(other_module(lstm, CHANGES[name]), x)[0]) == [[name]]


def test_a_sum_of_biases_that_is_loaded_twice() -> None:
    lstm, x = module(4, 5), data(4)
    state = lstm.state_dict()
    both = state["bias_ih_l0"] + state["bias_hh_l0"]
    port = other_module(lstm, lambda name, w: both if name.startswith("bias") else w)
    assert named(lstm, x, run(port, x)[0]) == [["bias-doubled"]]


def test_matrices_in_each_others_place() -> None:
    lstm, x = module(5, 5), data(5)
    state = lstm.state_dict()
    other = {"weight_ih_l0": state["weight_hh_l0"], "weight_hh_l0": state["weight_ih_l0"]}
    assert named(lstm, x, run(other_module(lstm, other.get), x)[0]) == [["matrices-swapped"]]


def test_batch_first_where_it_is_not() -> None:
    lstm, x = module(4, 5), data(4)
    port = module(4, 5, batch_first=True)
    port.load_state_dict(lstm.state_dict())
    assert named(lstm, x, run(port, x)[0]) == [["batch-time-swapped"]]


def test_a_second_layer_that_is_not_loaded() -> None:
    lstm, x = module(4, 5, 2), data(4)
    port = module(4, 5)
    port.load_state_dict({name: w for name, w in lstm.state_dict().items() if name.endswith("l0")})
    assert named(lstm, x, run(port, x)[0]) == [["first-layer-only"]]


def test_states_that_go_wrong() -> None:
    torch, lstm, x = installed("torch"), module(4, 5, 2), data(4)
    h_0, c_0 = states(lstm)
    given = x, (h_0, c_0)
    assert named(lstm, given, run(lstm, x)[0]) == [["states-ignored"]]
    assert named(lstm, given, run(lstm, x, (c_0, h_0))[0]) == [["h-c-swapped"]]
    viewed = tuple(s.reshape(BATCH, 2, 5).transpose(0, 1).contiguous() for s in (h_0, c_0))
    assert named(lstm, given, run(lstm, x, viewed)[0]) == [["states-batch-first"]]
    _, h_n, c_n = run(lstm, x, (h_0, c_0))
    assert named(lstm, given, run(lstm, x, (h_n, c_n))[0]) == [["states-carried"]]
    output, h_n, c_n = run(lstm, x, (h_0, c_0))
    assert named(lstm, given, output, expect_h=c_n, expect_c=h_n) == [["h-c-swapped"]]
    parts, state = [], (h_0[:, :1], c_0[:, :1])
    for n in range(BATCH):  # one sequence after the other, and the state is kept
        part, h, c = run(lstm, x[:, n : n + 1], state)
        parts.append(part)
        state = h, c
    assert named(lstm, given, torch.cat(parts, 1)) == [["states-carried"]]


def directions(lstm: Any) -> tuple[Any, Any]:
    """Two modules of one direction each, with the weights of one of both."""
    halves = []
    for suffix in ("", "_reverse"):
        half = module(lstm.input_size, lstm.hidden_size)
        half.load_state_dict({name: lstm.state_dict()[f"{name}{suffix}"] for name in half.state_dict()})
        halves.append(half)
    return halves[0], halves[1]


def test_directions_that_are_put_together_by_hand() -> None:
    torch, lstm, x = installed("torch"), module(4, 5, bidirectional=True), data(4)
    forward, reverse = directions(lstm)
    ahead, back = run(forward, x)[0], run(reverse, x.flip(0))[0].flip(0)
    assert lstmcalc.expect(lstm, x, torch.cat((ahead, back), -1)).agrees
    made = {
        "reverse-read-forward": torch.cat((ahead, run(reverse, x)[0]), -1),
        "reverse-left-reversed": torch.cat((ahead, run(reverse, x.flip(0))[0]), -1),
        "halves-swapped": torch.cat((back, ahead), -1),
        "directions-summed": ahead + back,
        "directions-averaged": (ahead + back) / 2,
        "directions-swapped": torch.cat((run(reverse, x)[0], run(forward, x.flip(0))[0].flip(0)), -1),
    }
    assert {name: named(lstm, x, y) for name, y in made.items()} == {name: [[name]] for name in made}


def test_lengths_that_go_wrong() -> None:
    torch, lstm, x = installed("torch"), module(4, 5, bidirectional=True), data(4)
    utils = torch.nn.utils.rnn
    lengths = [3, 6, 5]

    def packed(own: list[int]) -> tuple[Any, Any, Any]:
        output, h_n, c_n = run(lstm, utils.pack_padded_sequence(x, torch.tensor(own), enforce_sorted=False))
        return utils.pad_packed_sequence(output, total_length=STEPS)[0], h_n, c_n

    given: Arrays = {"lengths": lengths}
    output, h_n, c_n = packed(lengths)
    assert lstmcalc.expect(lstm, x, output, expect_h=h_n, expect_c=c_n, **given).agrees
    assert named(lstm, x, run(lstm, x)[0], **given) == [["padding-not-masked"]]
    assert named(lstm, x, packed([2, 5, 4])[0], **given) == [["lengths-off-by-one"]]
    order = sorted(range(BATCH), key=lambda n: -lengths[n])
    assert named(lstm, x, output[:, order], **given) == [["sequence-order"]]


def test_a_projection_that_is_left_out() -> None:
    torch, lstm, x = installed("torch"), module(4, 5, proj_size=3), data(4)
    output, _, _ = run(lstm, x)
    assert lstmcalc.expect(lstm, x, output).agrees
    port = other_module(lstm, lambda name, w: torch.eye(3, 5) if "hr" in name else w)
    assert named(lstm, x, run(port, x)[0]) == [["no-projection"]]


# --- Keras


def keras_layer(state: Arrays, suffix: str = "", **options: Any) -> Any:
    """Keras' LSTM with PyTorch's weights."""
    keras = keras_library()
    layer = keras.layers.LSTM(5, return_sequences=True, **options)
    layer.build((BATCH, STEPS, 4))
    weights = [state[f"weight_ih_l0{suffix}"].T, state[f"weight_hh_l0{suffix}"].T]
    layer.set_weights([*weights, state[f"bias_ih_l0{suffix}"] + state[f"bias_hh_l0{suffix}"]])
    return layer


def keras_library() -> Any:
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    return installed("keras")


def keras_case(**options: Any) -> tuple[Any, Any, Arrays]:
    lstm = module(4, 5, batch_first=True, **options)
    return lstm, data(4, batch_first=True), {name: w.numpy() for name, w in lstm.state_dict().items()}


def test_keras_with_other_functions_or_biases() -> None:
    lstm, x, state = keras_case()
    assert lstmcalc.expect(lstm, x, to_numpy(keras_layer(state)(x))).agrees
    hard = keras_layer(state, recurrent_activation="hard_sigmoid")
    assert named(lstm, x, to_numpy(hard(x)), framework="keras") == [["hard-sigmoid:1/6"]]
    assert named(lstm, x, to_numpy(keras_layer(state, activation="relu")(x))) == [["relu-for-tanh"]]
    halved = keras_layer({**state, "bias_hh_l0": state["bias_hh_l0"] * 0})
    assert named(lstm, x, to_numpy(halved(x))) == [["bias-lost:hh"]]


def test_keras_with_rows_of_onnx() -> None:
    lstm, x, state = keras_case()
    rows = {name: np.concatenate([np.split(w, 4)["ifgo".index(gate)] for gate in "iofg"]) for name, w in state.items()}
    y = to_numpy(keras_layer(rows)(x))
    report = lstmcalc.expect(lstm, x, y, framework="keras").to_dict()["modules"][0]["expect"]
    [explanation] = report["explanations"]
    assert explanation["mistakes"] == ["gate-order:igof"]
    assert "the rows are in ONNX's order, i o f g" in explanation["cause"]
    layer = keras_layer(rows)
    line, repaired = explanation["repair"].partition("#")[0], []
    for w in map(to_numpy, layer.weights):
        names: Arrays = {"w": w, "np": np}
        exec(line, names)
        repaired.append(names["w"])
    layer.set_weights(repaired)
    assert lstmcalc.expect(lstm, x, to_numpy(layer(x))).agrees


def test_keras_that_goes_backwards_and_is_left_so() -> None:
    lstm, x, state = keras_case(bidirectional=True)
    ahead = to_numpy(keras_layer(state)(x))
    back = to_numpy(keras_layer(state, "_reverse", go_backwards=True)(x))
    assert lstmcalc.expect(lstm, x, np.concatenate([ahead, back[:, ::-1]], -1)).agrees
    assert named(lstm, x, np.concatenate([ahead, back], -1)) == [["reverse-left-reversed"]]


@pytest.mark.parametrize(("mode", "name"), [("sum", "directions-summed"), ("ave", "directions-averaged")])
def test_keras_that_merges_directions(mode: str, name: str) -> None:
    keras, (lstm, x, state) = keras_library(), keras_case(bidirectional=True)
    layers = keras_layer(state), keras_layer(state, "_reverse", go_backwards=True)
    both = keras.layers.Bidirectional(layers[0], merge_mode=mode, backward_layer=layers[1])
    both.build((BATCH, STEPS, 4))
    for own, given in zip((both.forward_layer, both.backward_layer), layers, strict=True):
        own.set_weights([to_numpy(w) for w in given.weights])
    assert named(lstm, x, to_numpy(both(x))) == [[name]]


def test_what_keras_returns_by_default_is_told_by_its_shape() -> None:
    keras, (lstm, x, state) = keras_library(), keras_case(bidirectional=True)
    layers = keras_layer(state), keras_layer(state, "_reverse", go_backwards=True)
    for layer in layers:
        layer.return_sequences = False
    last = np.concatenate([to_numpy(layer(x)) for layer in layers], -1)
    expect = lstmcalc.expect(lstm, x, last).to_dict()["modules"][0]["expect"]
    assert (expect["agrees"], expect["is"]) == (True, "h_n")
    assert keras.__version__


def test_keras_repeats_the_last_output_behind_a_sequence() -> None:
    lstm, x, state = keras_case()
    lengths = [3, 6, 5]
    mask = np.arange(STEPS) < np.array(lengths)[:, None]
    y = to_numpy(keras_layer(state)(x, mask=installed("torch").from_numpy(mask)))
    report = lstmcalc.expect(lstm, x, y, lengths=lengths).to_dict()["modules"][0]
    assert report["expect"]["agrees"]
    assert any("repeats its last output" in note for note in report["notes"])


# --- ONNX Runtime


def onnx_run(state: Arrays, x: Any, order: str = "iofg", **options: Any) -> Any:
    """What a node LSTM gives, (L, N, D*H), with PyTorch's rows in an order of gates."""
    onnx, runtime = installed("onnx"), installed("onnxruntime")
    ways = 2 if "weight_ih_l0_reverse" in state else 1

    def rows(w: Any) -> Any:
        return np.concatenate([np.split(w, 4)["ifgo".index(gate)] for gate in order])

    def both(stem: str) -> Any:
        return np.stack([rows(state[f"{stem}_l0{suffix}"]) for suffix in ("", "_reverse")[:ways]])

    held = {"W": both("weight_ih"), "R": both("weight_hh")}
    if options.pop("biases", True):
        held["B"] = np.concatenate([both("bias_ih"), both("bias_hh")], axis=-1)
    helper = onnx.helper
    names = ["X", "W", "R", "B" if "B" in held else ""]
    direction = {"direction": "bidirectional"} if ways == 2 else {}
    node = helper.make_node("LSTM", names, ["Y"], hidden_size=5, **direction, **options)
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in held.items()]
    shape = helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, x.shape)
    out = helper.make_tensor_value_info("Y", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", [shape], [out], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 8
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"X": x})[0]


@pytest.mark.parametrize("bidirectional", [False, True])
def test_onnx_with_the_wrong_rows_biases_or_functions(bidirectional: bool) -> None:
    lstm, x = module(4, 5, bidirectional=bidirectional), data(4).numpy()
    state = {name: w.numpy() for name, w in lstm.state_dict().items()}
    assert lstmcalc.expect(lstm, x, onnx_run(state, x)).agrees  # Y, (L, D, N, H)
    assert named(lstm, x, onnx_run(state, x, "ifgo"), framework="onnx") == [["gate-order:iofg"]]
    assert named(lstm, x, onnx_run(state, x, biases=False), framework="onnx") == [["bias-ignored"]]
    hard = ["HardSigmoid", "Tanh", "Tanh"] * (1 + bidirectional)
    given: Arrays = {"activations": hard, "activation_alpha": [0.2] * (1 + bidirectional)}
    given["activation_beta"] = [0.5] * (1 + bidirectional)
    assert named(lstm, x, onnx_run(state, x, **given), framework="onnx") == [["hard-sigmoid:0.2"]]
    none = {name: w * 0 if name.startswith("bias_hh") else w for name, w in state.items()}
    assert named(lstm, x, onnx_run(none, x), framework="onnx") == [["bias-lost:hh"]]
