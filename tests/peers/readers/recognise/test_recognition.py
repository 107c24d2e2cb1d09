"""Weight files that live frameworks wrote: the same LSTMs are found in them, and the same numbers come out."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import LSTMConfig, forward
from lstmcalc.intake.load import load_weights
from lstmcalc.intake.resolve import lstms_in
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.recognition import contents_text, recognise
from tools.live import installed
from tools.weight_writers import in_memory

pytestmark = pytest.mark.peers

CONFIG = LSTMConfig(7, 5, 2, bidirectional=True, proj_size=3)


def computed(lstm: Found, x: Any) -> Any:
    """The output of an LSTM of a file on `(L, N, H_in)`."""
    output, _ = forward(lstm.stored.config, load_weights(lstm), x.astype(np.float32))
    return output


def only(path: str) -> Found:
    (lstm,) = recognise(open_weights(path)).lstms
    return lstm


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_safetensors_of_pytorch(dtype: str, tmp_path: Path) -> None:
    torch = installed("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lstm = torch.nn.LSTM(7, 5, 2, bidirectional=True, proj_size=3).to(getattr(torch, dtype))
    path = str(tmp_path / "model.safetensors")
    safetensors.save_file({f"net.rnn.{name}": value for name, value in lstm.state_dict().items()}, path)
    assert lstms_in(path) == {"net.rnn": CONFIG}
    found = only(path)
    assert {item.dtype for item in found.stored.tensors.values()} == {dtype}
    loaded, wanted = load_weights(found), lstm.state_dict()
    assert set(loaded) == set(wanted)
    for name, value in wanted.items():
        exact = value.float() if dtype == "bfloat16" else value
        np.testing.assert_array_equal(loaded[name], exact.numpy(), strict=True)


def test_weight_norm_of_pytorch() -> None:
    torch = installed("torch")
    from torch.nn.utils import parametrizations, weight_norm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lstm = torch.nn.LSTM(7, 5, 2)
        weight_norm(lstm, "weight_hh_l0")
        parametrizations.weight_norm(lstm, "weight_ih_l1")
    state = {name: value.numpy() for name, value in lstm.state_dict().items()}
    (found,) = recognise(in_memory(state)).lstms
    assert found.stored.config == LSTMConfig(7, 5, 2)
    x = torch.randn(6, 3, 7)
    np.testing.assert_allclose(computed(found, x.numpy()), lstm(x)[0].detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("separator", [".", "/"])
def test_dictionaries_of_flax_linen(separator: str, tmp_path: Path) -> None:
    jax = installed("jax")
    nn = pytest.importorskip("flax.linen")
    traverse_util = pytest.importorskip("flax.traverse_util")

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        @nn.compact  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            both = nn.Bidirectional(nn.RNN(nn.OptimizedLSTMCell(5)), nn.RNN(nn.OptimizedLSTMCell(5)), name="both")
            x = both(x)
            x = nn.RNN(nn.LSTMCell(4, name="dec"))(x)
            return nn.Dense(3)(nn.RNN(nn.GRUCell(3))(x))

    x = np.random.default_rng(0).normal(size=(3, 6, 7)).astype(np.float32)
    params = Model().init(jax.random.key(0), x)
    arrays: Any = {name: np.asarray(value) for name, value in traverse_util.flatten_dict(params, sep=separator).items()}
    np.savez(tmp_path / "a.npz", **arrays)
    contents = recognise(open_weights(str(tmp_path / "a.npz")))
    assert {item.stored.config.hidden_size for item in contents.lstms} == {5, 4}
    assert {item.framework for item in contents.lstms} == {"flax-linen"}
    assert [item.kind for item in contents.file.relatives] == ["GRU"]
    decoder = next(item for item in contents.lstms if item.stored.config.hidden_size == 4)
    assert decoder.stored.config == LSTMConfig(10, 4)
    cell = nn.RNN(nn.LSTMCell(4))
    own = {"params": {"cell": params["params"]["dec"]}}
    reads = np.random.default_rng(1).normal(size=(3, 6, 10)).astype(np.float32)
    wanted = np.asarray(cell.apply(own, reads)).swapaxes(0, 1)
    np.testing.assert_allclose(computed(decoder, reads.swapaxes(0, 1)), wanted, atol=1e-6)


def test_states_of_flax_nnx() -> None:
    installed("jax")
    nnx = pytest.importorskip("flax.nnx")

    class Model(nnx.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            rngs = nnx.Rngs(0)
            self.enc = nnx.Bidirectional(nnx.RNN(nnx.LSTMCell(7, 5, rngs=rngs)), nnx.RNN(nnx.LSTMCell(7, 5, rngs=rngs)))
            self.dec = nnx.RNN(nnx.OptimizedLSTMCell(10, 4, rngs=rngs))

    model = Model()
    state = nnx.to_flat_state(nnx.state(model, nnx.Param))
    arrays = {".".join(map(str, path)): np.asarray(value.get_value()) for path, value in state}
    contents = recognise(in_memory(arrays))
    assert {(item.name, item.framework, str(item.stored.config)) for item in contents.lstms} == {
        ("enc", "flax-nnx", "LSTM(7, 5, bidirectional=True)"),
        ("dec", "flax-nnx-optimized", "LSTM(10, 4)"),
    }
    assert contents_text(contents) == ""
    x = np.random.default_rng(0).normal(size=(3, 6, 7)).astype(np.float32)
    encoder = next(item for item in contents.lstms if item.name == "enc")
    np.testing.assert_allclose(computed(encoder, x.swapaxes(0, 1)), np.asarray(model.enc(x)).swapaxes(0, 1), atol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras 3.15.1 on PyTorch
def test_paths_of_keras() -> None:
    keras = installed("keras")
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 7)),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.LSTM(4, name="enc", return_sequences=True),
            layers.GRU(3),
        ]
    )
    arrays = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    contents = recognise(in_memory(arrays))
    first, second = contents.lstms
    assert (first.framework, first.stored.config) == ("keras", LSTMConfig(7, 5, bidirectional=True))
    assert (second.framework, second.stored.config) == ("keras", LSTMConfig(10, 4))
    assert second.name.endswith("enc")
    assert [(item.kind, item.input_size, item.hidden_size) for item in contents.file.relatives] == [("GRU", 4, 3)]
    x = np.random.default_rng(0).normal(size=(3, 6, 7)).astype(np.float32)
    output = computed(second, computed(first, x.swapaxes(0, 1)))
    wanted = keras.ops.convert_to_numpy(model.layers[1](model.layers[0](x))).swapaxes(0, 1)
    np.testing.assert_allclose(output, wanted, atol=1e-6)
