"""Files of weights made by live PyTorch, of every kind that it writes, with the tensors that must be found in each."""

# What TorchScript compiles has no annotations, which it would look up, and no comments, which it takes for some.
# ruff: noqa: ANN001, ANN202
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False

import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Tensors = Mapping[str, Any]  # the names that must be listed, to the numbers that must be read
Maker = Callable[[Path], Tensors]


def numbers(tensor: Any) -> Any:
    """A tensor's numbers as the reader gives them: what NumPy has no dtype for as float32 or complex64."""
    import torch

    tensor = tensor.detach().resolve_conj().resolve_neg()
    if tensor.dtype == torch.complex32:
        return tensor.to(torch.complex64).numpy()
    if tensor.dtype == torch.bfloat16 or "float8" in str(tensor.dtype):
        return tensor.to(torch.float32).numpy()
    return tensor.numpy()


def named(tensors: Mapping[str, Any], prefix: str = "") -> Tensors:
    return {prefix + name: numbers(tensor) for name, tensor in tensors.items()}


def network() -> Any:
    """A model with every kind of recurrent module, and some that are none."""
    import torch
    from torch import nn

    class Net(nn.Module):  # type: ignore[misc]  # PyTorch is not looked into
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(7, 3)
            self.encoder = nn.LSTM(3, 5, 2, batch_first=True, dropout=0.25, bidirectional=True, proj_size=2)
            self.cell = nn.LSTMCell(4, 3, bias=False)
            self.gru = nn.GRU(4, 2)
            self.norm = nn.BatchNorm1d(2)

        def forward(self, x):
            output, _ = self.encoder(self.embed(x))
            return output

    torch.manual_seed(0)
    return Net()


def stack() -> Any:
    """A model of classes of PyTorch alone, which another process can unpickle."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    return nn.ModuleDict(
        {
            "rnn": nn.LSTM(3, 4, 2, bias=False, bidirectional=True, batch_first=True),
            "cells": nn.ModuleList([nn.LSTMCell(4, 2), nn.GRUCell(2, 3), nn.RNNCell(3, 2)]),
            "gru": nn.GRU(2, 2, dropout=0.5, num_layers=2),
            "tanh": nn.RNN(2, 2),
            "head": nn.Linear(8, 2),
        }
    )


def state_dict(path: Path, **how: Any) -> Tensors:
    import torch

    states = network().state_dict()
    torch.save(states, path, **how)
    return named(states)


def legacy_state_dict(path: Path) -> Tensors:
    return state_dict(path, _use_new_zipfile_serialization=False)


def checkpoint(path: Path, **how: Any) -> Tensors:
    """A training checkpoint: model, optimizer after a step, numbers beside them."""
    import torch

    model = network()
    optimizer = torch.optim.Adam(model.encoder.parameters())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that oneDNN has no projections
        model(torch.tensor([[1, 2, 3]])).sum().backward()
    optimizer.step()
    held = {
        "epoch": 3,
        "loss": np.float64(0.25),
        "model_state": model.state_dict(),
        "optimizer_state": optimizer.state_dict(),
        "history": [0.5, 0.25],
    }
    torch.save(held, path, **how)
    moments = {
        f"{index}.{name}": value
        for index, state in held["optimizer_state"]["state"].items()
        for name, value in state.items()
    }
    return {**named(model.state_dict(), "model_state."), **named(moments, "optimizer_state.state.")}


def lightning(path: Path) -> Tensors:
    """The keys that a checkpoint of PyTorch Lightning 2 has."""
    import torch

    states = {f"model.{name}": value for name, value in network().state_dict().items()}
    held = {
        "epoch": 4,
        "global_step": 120,
        "pytorch-lightning_version": "2.5.1",
        "state_dict": states,
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {},
        "optimizer_states": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"hidden_size": 5, "lr": 0.001, "cell": "lstm", "layers": [1, 2]},
    }
    torch.save(held, path)
    return named(states, "state_dict.")


def whole_module(path: Path, **how: Any) -> Tensors:
    import torch

    model = stack()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the sources of classes cannot be had
        torch.save(model, path, **how)
    return named(model.state_dict())


def legacy_whole_module(path: Path) -> Tensors:
    return whole_module(path, _use_new_zipfile_serialization=False)


def lone_lstm(path: Path) -> Tensors:
    import torch
    from torch import nn

    torch.manual_seed(2)
    model = nn.LSTM(3, 4)
    torch.save(model, path)
    return named(model.state_dict())


def shared_module(path: Path) -> Tensors:
    """A module at two places: its `state_dict` has both, a file of it one object."""
    import torch
    from torch import nn

    inner = nn.LSTM(2, 3)
    model = nn.ModuleDict({"first": inner, "second": inner})
    torch.save(model, path)
    return named(inner.state_dict(), "first.")


def weight_norm(path: Path) -> Tensors:
    import torch
    from torch import nn

    model = nn.ModuleDict({"old": nn.LSTM(2, 3)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is a newer one
        torch.nn.utils.weight_norm(model["old"], "weight_hh_l0")
    with torch.no_grad():
        model["old"].weight_hh_l0_g *= torch.arange(1.0, 13.0)[:, None]  # until now it is the norm of the other
        model["old"](torch.zeros(1, 2))  # computes the weight
    torch.save(model, path)
    return named(model.state_dict())


def scripted(path: Path) -> Tensors:
    import torch

    model = network()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is old
        torch.jit.script(model).save(path)
    return named(model.state_dict())


def scripted_cell(path: Path) -> Tensors:
    import torch
    from torch import nn

    torch.manual_seed(3)
    model = nn.LSTMCell(2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        torch.jit.script(model).save(path)
    return named(model.state_dict())


def traced(path: Path) -> Tensors:
    import torch

    model = network().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        torch.jit.trace(model, torch.tensor([[1, 2]])).save(path)
    return named(model.state_dict())


def frozen(path: Path) -> Tensors:
    import torch
    from torch import nn

    class Net(nn.Module):  # type: ignore[misc]  # PyTorch is not looked into
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(3, 4, 2, bidirectional=True)

        def forward(self, x):
            return self.rnn(x)[0]

    model = Net().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        torch.jit.freeze(torch.jit.script(model)).save(path)
    return {f"CONSTANTS.c{index}": numbers(value) for index, value in enumerate(model.state_dict().values())}


DTYPES = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex128",
    "complex64", "complex32", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
    "float8_e5m2fnuz", "float8_e8m0fnu",
)  # fmt: skip


def dtypes(path: Path, names: tuple[str, ...] = DTYPES, **how: Any) -> Tensors:
    """All bit patterns of the small ones."""
    import torch

    raw = torch.arange(256, dtype=torch.int16).to(torch.uint8)
    held = {name: (raw % 2).bool() if name == "bool" else raw.clone().view(getattr(torch, name)) for name in names}
    torch.save(held, path, **how)
    return named(held)


def halves(path: Path) -> Tensors:
    """All bit patterns of both."""
    import torch

    raw = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    held = {"float16": raw.clone().view(torch.float16), "bfloat16": raw.clone().view(torch.bfloat16)}
    torch.save(held, path)
    return named(held)


def legacy_dtypes(path: Path) -> Tensors:
    """Tensors of each dtype but those that are newer than the form."""
    return dtypes(path, DTYPES[:12], _use_new_zipfile_serialization=False)


def views(path: Path, **how: Any) -> Tensors:
    """Tensors that share storages, and are parts of them."""
    import torch
    from torch import nn

    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    complexes = torch.view_as_complex(torch.arange(8, dtype=torch.float64).reshape(2, 2, 2))
    held = {
        "base": base,
        "transposed": base.T,
        "row": base[2],
        "column": base[:, 3],
        "inner": base[1:3, 2:5],
        "stepped": base[::2, ::3],
        "scalar": base[1, 1],
        "expanded": base[:1].expand(5, 6),
        "diagonal": base.diagonal(),
        "unfolded": base.flatten().unfold(0, 4, 2),
        "empty": base[:0],
        "empty_inside": torch.empty(3, 0, 2),
        "permuted": torch.arange(24).reshape(2, 3, 4).permute(2, 0, 1),
        "channels_last": torch.arange(16.0).reshape(1, 4, 2, 2).to(memory_format=torch.channels_last),
        "conjugated": complexes.conj(),
        "negated": torch._neg_view(torch.arange(3.0)),  # noqa: SLF001  # as the imaginary part of a conjugate is
        "parameter": nn.Parameter(base[1:2]),
        "buffer": nn.Buffer(base[3]),
    }
    torch.save(held, path, **how)
    return named(held)


def legacy_views(path: Path) -> Tensors:
    return views(path, _use_new_zipfile_serialization=False)


def subclasses(path: Path) -> Tensors:
    """Tensors with attributes of their own."""
    import torch
    from torch import nn

    plain, parameter = torch.arange(3.0), nn.Parameter(torch.arange(4.0))
    plain.origin = "here"
    parameter.origin = "there"
    held = {"plain": plain, "parameter": parameter}
    torch.save(held, path)
    return named(held)


def lone_tensor(path: Path) -> Tensors:
    import torch

    held = torch.arange(5.0)
    torch.save(held, path)
    return {"tensor": numbers(held)}


def listed(path: Path) -> Tensors:
    """Lists, tuples and keys that are no text."""
    import torch

    one = torch.ones(2)
    torch.save([one, (one * 2, {3: one * 3, (1, "a"): one * 4, None: one * 5, True: one * 6, 1.5: one * 7})], path)
    paths = ("0", "1.0", "1.1.3", "1.1.1,a", "1.1.None", "1.1.True", "1.1.1.5")
    return {path: numbers(one * factor) for path, factor in zip(paths, range(1, 8), strict=True)}


def pickled_tensors(path: Path) -> Tensors:
    """Tensors pickled without `torch.save`; one is larger than what is kept while reading."""
    import torch

    held = {**network().state_dict(), "large": torch.arange(5000.0)}
    path.write_bytes(pickle.dumps(held))
    return named(held)


def quantized(path: Path) -> Tensors:
    """A whole module whose LSTM computes with integers."""
    import torch
    from torch import nn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this moves elsewhere
        model = torch.ao.quantization.quantize_dynamic(nn.ModuleDict({"rnn": nn.LSTM(3, 4)}), {nn.LSTM}, torch.qint8)
        torch.save(model, path)
    return {}


def quantized_states(path: Path) -> Tensors:
    """The same as a state_dict, beside a quantized tensor."""
    import torch
    from torch import nn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        model = torch.ao.quantization.quantize_dynamic(nn.ModuleDict({"rnn": nn.LSTM(3, 4)}), {nn.LSTM}, torch.qint8)
        held = {**model.state_dict(), "q": torch.quantize_per_tensor(torch.ones(2, 3), 0.5, 1, torch.quint8)}
        torch.save(held, path)
    return {}


def without_numbers(path: Path) -> Tensors:
    """Tensors that are no arrays of numbers: sparse, nested, of the device meta; one plain one among them."""
    import torch

    plain = torch.arange(4.0).reshape(2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some of these are prototypes
        held = {
            "sparse": plain.to_sparse(),
            "csr": plain.to_sparse_csr(),
            "nested": torch.nested.nested_tensor([plain[0], plain[1, :1]]),
            "meta": torch.empty(3, 2, device="meta", dtype=torch.bfloat16),
            "plain": plain,
        }
        torch.save(held, path)
    return {"plain": numbers(plain)}


def with_protocol(maker: Callable[..., Tensors], protocol: int) -> Maker:
    return lambda path: maker(path, pickle_protocol=protocol)


MAKERS: Mapping[str, Maker] = {
    "state_dict": state_dict,
    "state_dict_legacy": legacy_state_dict,
    "checkpoint": checkpoint,
    "lightning": lightning,
    "module": whole_module,
    "module_legacy": legacy_whole_module,
    "module_lstm": lone_lstm,
    "module_shared": shared_module,
    "module_weight_norm": weight_norm,
    "scripted": scripted,
    "scripted_cell": scripted_cell,
    "traced": traced,
    "frozen": frozen,
    "dtypes": dtypes,
    "halves": halves,
    "dtypes_legacy": legacy_dtypes,
    "views": views,
    "views_legacy": legacy_views,
    "subclasses": subclasses,
    "tensor": lone_tensor,
    "lists": listed,
    "pickled_tensors": pickled_tensors,
    **{f"checkpoint_protocol_{protocol}": with_protocol(checkpoint, protocol) for protocol in (3, 4, 5)},
}

# What has tensors whose numbers cannot be read.
ODD: Mapping[str, Maker] = {
    "quantized": quantized,
    "quantized_states": quantized_states,
    "without_numbers": without_numbers,
}
