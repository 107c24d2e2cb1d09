"""What a pass computes, held against PyTorch's own counter and its own gradients, on random LSTMs."""

import random
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, Surroundings
from lstmcalc.costs.memory import values_of
from lstmcalc.costs.operations import backward_work, forward_work
from tools import counting
from tools.counting import CountedLSTM

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.peers


def random_case(seed: int) -> tuple[LSTMConfig, DataSpec, bool]:
    """An LSTM, its data, and whether the input needs a gradient."""
    rng = random.Random(seed)  # noqa: S311  # no secret
    hidden = rng.randint(2, 24)
    layers = rng.randint(1, 4)
    config = LSTMConfig(
        input_size=rng.randint(1, 20),
        hidden_size=hidden,
        num_layers=layers,
        bias=rng.random() < 0.7,
        batch_first=rng.random() < 0.5,
        dropout=rng.choice([0.0, 0.3]) if layers > 1 else 0.0,
        bidirectional=rng.random() < 0.5,
        proj_size=rng.choice([0, 0, rng.randint(1, hidden - 1)]),
    )
    kind = rng.choice(["padded", "padded", "unbatched", "packed"])
    steps = rng.randint(1, 7)
    if kind == "packed":
        data = DataSpec.given(lengths=[rng.randint(1, steps) for _ in range(rng.randint(1, 5))])
    else:
        data = DataSpec(steps, None if kind == "unbatched" else rng.randint(1, 5))
    return config, data, rng.random() < 0.5


def input_of(config: LSTMConfig, data: DataSpec, device: str) -> Any:
    shape = next(tensor.shape for tensor in LSTMModel(config).tensors_of(data) if tensor.name == "input")
    return torch.randn(shape, device=device)


def packed(config: LSTMConfig, data: DataSpec, x: Any) -> Any:
    if not data.lengths:
        return x
    return torch.nn.utils.rnn.pack_padded_sequence(
        x, torch.tensor(data.lengths), batch_first=config.batch_first, enforce_sorted=False
    )


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # PyTorch warns when its flags are read
@pytest.mark.parametrize("first", range(0, 160, 40))
def test_the_macs_are_those_that_pytorch_counts(first: int) -> None:
    """Its counter sees the native code: on the device "meta", and on a CPU without oneDNN."""
    from torch.utils.flop_counter import FlopCounterMode

    for seed in range(first, first + 40):
        config, data, input_grad = random_case(seed)
        device = "cpu" if data.lengths else "meta"
        lstm = torch.nn.LSTM(**vars(config)).to(device)
        x = input_of(config, data, device).requires_grad_(input_grad)
        with torch.backends.mkldnn.flags(enabled=False):
            with FlopCounterMode(display=False) as forward:
                output, _ = lstm(packed(config, data, x))
            with FlopCounterMode(display=False) as backward:
                (output.data if data.lengths else output).sum().backward()
        values = values_of(config, data)
        back = backward_work(config, data, path="native", input_grad=input_grad).macs.at(values)
        found = forward.get_total_flops(), backward.get_total_flops()
        assert (2 * forward_work(config, data).macs.at(values), 2 * back) == found, (seed, config, data)


@pytest.mark.parametrize("head_on", ["last", "all"])
@pytest.mark.parametrize("embed", [None, 50])
def test_a_head_is_counted_as_pytorch_counts_it(head_on: str, embed: int | None) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    config, data = LSTMConfig(6, 8, num_layers=2, bidirectional=True), DataSpec(5, 3)
    around = Surroundings(head=7, head_on=head_on, embed=embed)
    with torch.device("meta"):
        lstm, head, table = torch.nn.LSTM(**vars(config)), torch.nn.Linear(16, 7), torch.nn.Embedding(50, 6)
        x = torch.zeros((5, 3), dtype=torch.int64) if embed else torch.randn(5, 3, 6)
    with FlopCounterMode(display=False) as forward:
        output, (h_n, _) = lstm(table(x) if embed else x)
        logits = head(output if head_on == "all" else torch.cat((h_n[-2], h_n[-1]), dim=-1))
    with FlopCounterMode(display=False) as backward:
        logits.sum().backward()
    values = values_of(config, data, around)
    assert 2 * forward_work(config, data, around).macs.at(values) == forward.get_total_flops()
    back = backward_work(config, data, around, path="native")
    assert 2 * back.macs.at(values) == backward.get_total_flops()


def test_the_gradients_that_are_counted_are_pytorchs() -> None:
    for seed in range(40):
        config, data, _ = random_case(seed)
        lstm = torch.nn.LSTM(**{**vars(config), "dropout": 0.0, "batch_first": False}).double()
        weights = {name: value.detach().numpy() for name, value in lstm.named_parameters()}
        rng = np.random.default_rng(seed)
        xs = [rng.normal(size=(size, config.input_size)) for size in data.batch_sizes]
        rows = torch.tensor(np.concatenate(xs), requires_grad=True)
        batch = torch.nn.utils.rnn.PackedSequence(rows, torch.tensor(data.batch_sizes))
        output, _ = lstm(batch)
        slopes = torch.cos(torch.arange(output.data.numel(), dtype=torch.float64)).reshape(output.data.shape)
        (output.data * slopes).sum().backward()
        ours = CountedLSTM(config, data, weights)
        assert np.allclose(np.concatenate(ours.forward(xs)), output.data.detach().numpy(), rtol=0, atol=1e-12)
        d_outputs = np.split(slopes.numpy(), np.cumsum(data.batch_sizes)[:-1])
        gradients, d_xs = ours.backward(d_outputs, fused=bool(seed % 2), input_grad=True)
        for name, parameter in lstm.named_parameters():
            assert np.allclose(gradients[name], parameter.grad.numpy(), rtol=1e-9, atol=1e-9), name
        assert np.allclose(np.concatenate(d_xs), rows.grad.numpy(), rtol=1e-9, atol=1e-9)
    counting.counts.clear()
