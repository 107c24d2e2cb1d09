"""Modules whose weights PyTorch has quantized dynamically: their packed cells as tensors, and the LSTMs of these.

`quantize_dynamic` makes of each layer and direction of an `nn.LSTM` a `CellParamsBase`, which has for the input and for
h a packed matrix (int8 with a scale and a zero point, or float16 written as float32) and its bias. State dicts have it
as `rnn._all_weight_values.0.param`; an LSTMCell has `_packed_weight_ih` and `_packed_weight_hh`. A state dict does not
say whether two cells are two layers or two directions: their widths do, unless the first two are the same.

The tensors get names of lstmcalc: `rnn._all_weight_values.0.param.weight_ih`, and `.bias_ih`, ...

Source: torch 2.13.0 (torch/ao/nn/quantized/dynamic/modules/rnn.py; aten/src/ATen/native/RNN.cpp: `CellParamsBase`),
and what `torch.save` writes of state dicts and of modules, and `torch.jit.save`, run.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.readers.files.tensors import Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.pickles.records import Call, text_of
from lstmcalc.readers.pickles.trees import join_path
from lstmcalc.readers.torch.tensors import Locate, Tensor, tensor_of

_OBJECT: Final = "torch.ScriptObject"
_CELL: Final = ".torch.classes.rnn.CellParamsBase"
_LINEAR: Final = ".torch.classes.quantized.LinearPackedParamsBase"
_MOST: Final = 200  # records that are looked at for one cell
_SHOWN: Final = ("weight_ih", "weight_hh")
_IN_LAYER: Final = re.compile(r"(?:(.*)\.)?_all_weight_values\.(\d{1,4})\.param")
_IN_CELL: Final = re.compile(r"(?:(.*)\.)?_packed_(weight_[ih]h)")
_GATES: Final = {4: "LSTM", 3: "GRU"}
DYNAMIC: Final = "pytorch-dynamic"
COMPUTED: Final = (
    "its weights are quantized: run computes with (q - zero_point) * scale; what PyTorch computes also rounds the "
    "input of each product to 8 bits, and differs by that"
)


class Packed(NamedTuple):
    """The matrices of a packed cell, or of a packed linear layer, each with its bias."""

    pairs: tuple[tuple[Tensor, Tensor | None], ...]

    def tensors(self, path: str) -> Iterator[tuple[str, Tensor]]:
        """The tensors by names below the path of the object."""
        for index, (weight, bias) in enumerate(self.pairs):
            word = _SHOWN[index][-2:] if len(self.pairs) == len(_SHOWN) else ""
            yield join_path(path, f"weight_{word}".strip("_")), weight
            if bias is not None:
                yield join_path(path, f"bias_{word}".strip("_")), bias


def packed_of(call: Call, locate: Locate) -> Packed | None:
    """The matrices of an object of PyTorch's that packs them; None for any other."""
    kind = call.path if call.path.startswith("__torch__") else ""
    if call.path == _OBJECT and isinstance(call.state, tuple) and len(call.state) > 1:
        kind = text_of(call.state[1]) or ""
    if not kind.endswith((_CELL, _LINEAR)):
        return None
    pairs = tuple(_pairs(call.state, locate))
    return Packed(pairs) if len(pairs) == (2 if kind.endswith(_CELL) else 1) else None


def _pairs(state: Any, locate: Locate) -> Iterator[tuple[Tensor, Tensor | None]]:  # noqa: ANN401  # a record of a pickle
    """The matrices in the state of an object, each with the bias behind it."""
    pending = [state]
    for _ in range(_MOST):
        if not pending:
            return
        value = pending.pop()
        held: Sequence[Any] = value if isinstance(value, list | tuple) else ()
        if isinstance(value, Call):
            held = (value.state, *value.arguments)
        weight, bias = (_tensor(item, locate) for item in (*held[:2], None, None)[:2])
        if weight is not None and len(weight.raw.view.shape) == 2:  # noqa: PLR2004  # a matrix
            yield weight, bias
        else:
            pending += reversed(held[:_MOST])


def _tensor(item: Any, locate: Locate) -> Tensor | None:  # noqa: ANN401  # as above
    found = tensor_of(item, locate) if isinstance(item, Call) else None
    return found if isinstance(found, Tensor) else None


# --- Modules


def with_quantized(stated: Iterable[Found], packed: Mapping[str, Packed]) -> Iterator[Found]:
    """The modules that a file states, those of packed cells with their tensors; and modules of cells alone.

    Args:
        stated: The modules.
        packed: The packed objects by their paths.
    """
    layers, cells = _by_module(packed)
    for found in stated:
        own = layers.pop(found.name, None) or cells.pop(found.name, None)
        yield _with_tensors(found, own) if own else found
    for path, parts in (*layers.items(), *cells.items()):
        made = _module(path, parts, is_cell=path not in layers)
        if made is not None:
            yield made


class _Part(NamedTuple):
    """A packed cell, or a matrix of one, by the names of its tensors."""

    names: Mapping[str, str]  # from `weight_ih` and so on
    weights: Mapping[str, Tensor]


_Parts = dict[int, _Part]


def _by_module(packed: Mapping[str, Packed]) -> tuple[dict[str, _Parts], dict[str, _Parts]]:
    """The packed objects of LSTMs, and of cells, by their modules."""
    layers, cells = dict[str, _Parts](), dict[str, _Parts]()
    for path, item in packed.items():
        tensors = dict(item.tensors(path))
        named = {name.rpartition(".")[2]: name for name in tensors}
        if (found := _IN_LAYER.fullmatch(path)) and len(item.pairs) == len(_SHOWN):
            part = _Part(named, {key: tensors[name] for key, name in named.items()})
            layers.setdefault(found[1] or "", {})[int(found[2])] = part
        elif (found := _IN_CELL.fullmatch(path)) and len(item.pairs) == 1:
            word = found[2][-2:]
            named = {f"{kind}_{word}": name for kind, name in named.items()}
            before = cells.setdefault(found[1] or "", {}).get(0, _Part({}, {}))
            weights = {key: tensors[name] for key, name in named.items()}
            cells[found[1] or ""][0] = _Part({**before.names, **named}, {**before.weights, **weights})
    return layers, cells


def _named(parts: _Parts, directions: int, *, is_cell: bool) -> dict[str, str]:
    """The tensors of cells by PyTorch's names of parameters."""
    if is_cell:
        return dict(parts[0].names)
    suffixes = ("", "_reverse")[:directions]
    return {
        f"{own}_l{index // directions}{suffixes[index % directions]}": name
        for index, part in sorted(parts.items())
        for own, name in part.names.items()
    }


def _with_tensors(found: Found, parts: _Parts) -> Found:
    """A module that the file states, whose numbers are in packed cells."""
    bidirectional = found.layer.get("bidirectional")
    named = _named(parts, 2 if bidirectional and bidirectional.value else 1, is_cell=found.framework.endswith("cell"))
    return found._replace(
        weights=found.stored._replace(named=named),
        unmodelled=tuple(item for item in found.unmodelled if not item.startswith("weights = ")),
        notes=(*found.notes, *_notes(parts)),
    )


def _module(path: str, parts: _Parts, *, is_cell: bool) -> Found | None:
    """The module that cells alone are of; None if they are none of one LSTM or GRU."""
    weights = [parts[index].weights for index in range(len(parts)) if index in parts]
    if len(weights) != len(parts) or any(not {*_SHOWN} <= held.keys() for held in weights):
        return None
    widths = [held["weight_ih"].raw.view.shape[1] for held in weights]
    rows, hidden = weights[0]["weight_hh"].raw.view.shape
    kind = _GATES.get(rows // hidden, "") if hidden and not rows % hidden else ""
    if not kind:
        return None
    integers = [dtype for dtype in sorted(_dtypes(parts)) if dtype.startswith("q")]
    quantized = DYNAMIC if kind == "LSTM" and not is_cell and integers == ["qint8"] else ", ".join(integers)
    settings: dict[str, object] = {"input_size": widths[0], "hidden_size": hidden, "bias": True}
    open_, directions = tuple[str, ...](), 1
    if not is_cell:
        both = [count for count in (1, 2) if _fits(widths, hidden, count)]
        if not both:
            return None
        directions = both[0]
        settings |= {"num_layers": len(widths) // directions, "bidirectional": directions == 2, "proj_size": 0}  # noqa: PLR2004
        if len(both) > 1:
            open_ = (f"its two cells, both of input {hidden}, are two layers or two directions: the file does not say",)
    return Found(
        path,
        "pytorch-cell" if is_cell else "pytorch",
        kind=f"{kind}Cell" if is_cell else kind,
        layer=settings_of(settings, tuple(settings)),
        uncertain=open_,
        notes=_notes(parts),
        weights=Weights(_named(parts, directions, is_cell=is_cell)),
        quantized=quantized,
    )


def _fits(widths: Sequence[int], hidden: int, directions: int) -> bool:
    """True if cells of these input widths can be those of layers with so many directions."""
    wanted = [widths[0]] * directions + [directions * hidden] * (len(widths) - directions)
    return len(widths) % directions == 0 and list(widths) == wanted


def _dtypes(parts: _Parts) -> set[str]:
    """The dtypes of the matrices of cells."""
    return {part.weights[word].dtype for part in parts.values() for word in _SHOWN if word in part.weights}


def _notes(parts: _Parts) -> tuple[str, ...]:
    """A note on what is computed of quantized weights."""
    return (COMPUTED,) if any(dtype.startswith("q") for dtype in _dtypes(parts)) else ()
