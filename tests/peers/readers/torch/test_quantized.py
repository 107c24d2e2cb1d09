"""What `quantize_dynamic` makes of random LSTMs: settings and dequantized weights are those that live PyTorch has."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstmcalc.intake.load import load_weights
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.spec.config import LSTMConfig
from tools.live import installed

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

CONFIGS = st.builds(LSTMConfig, st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), bidirectional=st.booleans())


def made(config: LSTMConfig, scale: float, dtype: str) -> Any:
    torch = installed("torch")
    lstm = torch.nn.LSTM(config.input_size, config.hidden_size, config.num_layers, bidirectional=config.bidirectional)
    for parameter in lstm.parameters():
        parameter.data *= scale
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is deprecated
        model = torch.nn.Sequential(lstm)
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.LSTM}, getattr(torch, dtype))


def is_open(config: LSTMConfig) -> bool:
    """True if two cells can be two layers or two directions."""
    return config.input_size == config.hidden_size and config.num_layers * config.num_directions == 2


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    config=CONFIGS,
    scale=st.sampled_from([0.01, 1.0, 30.0]),
    dtype=st.sampled_from(["qint8", "float16"]),
    way=st.sampled_from(["states", "states, old", "module", "module, old", "script"]),
)
def test_any_quantized_lstm_is_read(config: LSTMConfig, scale: float, dtype: str, way: str, tmp_path: Path) -> None:
    torch = installed("torch")
    model, path = made(config, scale, dtype), tmp_path / "q.pt"
    if way == "script":
        torch.jit.save(torch.jit.script(model), path)
    else:
        held = model.state_dict() if way.startswith("states") else model
        torch.save(held, path, _use_new_zipfile_serialization="old" not in way)
    (found,) = read_weights(str(path))
    assert bool(found.uncertain) == (is_open(config) and not way.startswith("module"))
    if found.uncertain:
        return
    assert found.stored.config == config
    wanted = {**model[0].get_weight(), **model[0].get_bias()}
    for name, held in load_weights(found).items():
        tensor = wanted[name].detach()
        np.testing.assert_array_equal(held, (tensor.dequantize() if tensor.is_quantized else tensor).numpy())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    dtype=st.sampled_from(["qint8", "quint8", "qint32"]),
    zero=st.integers(-5, 60),
    axis=st.none() | st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_any_quantized_tensor_is_what_its_integers_stand_for(
    shape: list[int], dtype: str, zero: int, axis: int | None, seed: int, tmp_path: Path
) -> None:
    torch = installed("torch")
    torch.manual_seed(seed)
    numbers, kind = torch.randn(*shape) * 5, getattr(torch, dtype)
    if axis is None or axis >= len(shape) or dtype == "qint32":
        made = torch.quantize_per_tensor(numbers, 0.037, max(zero, 0) if dtype == "quint8" else zero, kind)
    else:
        scales, zeros = torch.rand(shape[axis], dtype=torch.double) + 0.01, torch.randint(0, 9, (shape[axis],))
        made = torch.quantize_per_channel(numbers, scales, zeros, axis, kind)
    torch.save({"w": made.transpose(0, -1) if axis is None else made}, tmp_path / "t.pt")
    (tensor,) = open_weights(str(tmp_path / "t.pt")).tensors
    wanted = (made.transpose(0, -1) if axis is None else made).dequantize().numpy()
    assert (tensor.dtype, tensor.shape) == (dtype, wanted.shape)
    np.testing.assert_allclose(tensor.read(), wanted, rtol=3e-7)  # a step of float32, by the order of products
    for place, held in tensor.blocks():
        np.testing.assert_array_equal(held, tensor.read()[place])


def test_a_run_is_as_near_as_the_rounded_inputs_allow(tmp_path: Path) -> None:
    from lstmcalc.numerics.forward import forward

    torch = installed("torch")
    torch.manual_seed(3)
    config = LSTMConfig(6, 8, 2, bidirectional=True)
    model = made(config, 1.0, "qint8")
    torch.save(model.state_dict(), tmp_path / "q.pt")
    (found,) = read_weights(str(tmp_path / "q.pt"))
    x = torch.randn(5, 3, 6)
    y = forward(config, load_weights(found), x.numpy())[0]
    assert np.abs(y - model(x)[0].detach().numpy()).max() < 0.02
