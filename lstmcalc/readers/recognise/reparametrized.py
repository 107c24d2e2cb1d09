"""Weights that a file stores indirectly: weight normalisation, and weights before dropout.

Sources: torch 2.13.0, torch/nn/utils/weight_norm.py and parametrizations.py (`w = g * v / norm(v)`, the norm over all
axes where g has one number); fastai 2.8, text/models/awdlstm.py (`weight_hh_l0_raw`, the weight before dropout).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.raw_numbers import to_bfloat16
from lstmcalc.readers.files.tensors import Stored

_WEIGHT: Final = r"weight_(?:ih|hh|hr)(?:_l\d+)?(?:_reverse)?"
_OTHER: Final = "weight"  # of layers that are not recurrent
_NORMED: Final = rf"(?P<base>(?:.*[./])?(?P<name>{_OTHER}|{_WEIGHT}))_(?P<part>[gv])"
_PARAMETRIZED: Final = rf"(?P<path>(?:.*\.)?)parametrizations\.(?P<name>{_OTHER}|{_WEIGHT})\.original(?P<part>[01])"
_RAW: Final = rf"(?P<path>(?:.*\.)?)(?P<name>{_WEIGHT})_raw"
_ENDS: Final = ("_g", "_v", ".original0", ".original1", "_raw")  # of their names; most files have none


def with_products(
    tensors: Iterable[Stored], *, of_any: bool = False
) -> tuple[list[Stored], Mapping[str, tuple[str, ...]]]:
    """The tensors and the weights that follow from some of them, and for each weight the names of those tensors.

    They are those of recurrent layers, or with `of_any` of all.
    """
    listed = list(tensors)
    names = {tensor.name for tensor in listed}
    modules = {name.rpartition(".")[0] for name in names}
    pairs: dict[str, dict[str, Stored]] = {}
    sources: dict[str, tuple[str, ...]] = {}
    made = []
    for tensor in listed:
        if not tensor.name.endswith(_ENDS):
            continue
        match = re.fullmatch(_NORMED, tensor.name)
        if match and (of_any or match["name"] != _OTHER):
            pairs.setdefault(match["base"], {})[match["part"]] = tensor
            continue
        match = re.fullmatch(_PARAMETRIZED, tensor.name)
        if match and (of_any or match["name"] != _OTHER):
            pairs.setdefault(match["path"] + match["name"], {})["gv"[int(match["part"])]] = tensor
            continue
        match = re.fullmatch(_RAW, tensor.name)
        if match:
            inner = f"{match['path']}module.{match['name']}"
            target = inner if f"{match['path']}module" in modules else match["path"] + match["name"]
            if target not in names:
                made.append(tensor._replace(name=target))
                sources[target] = (tensor.name,)
    for base, parts in pairs.items():
        if parts.keys() == {"g", "v"} and base not in names:
            magnitude, direction = parts["g"], parts["v"]
            made.append(direction._replace(name=base, read=_product(base, magnitude, direction), parts=None, spot=None))
            sources[base] = (magnitude.name, direction.name)
    return ([*listed, *made] if made else listed), sources


def product_notes(sources: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Notes on the tensors that weights were computed from."""
    listed = list(sources)
    notes = []
    for parts in listed[:1] if len(listed) > _SHOWN else listed:
        more = f", and {len(listed) - 1:,} more so" if len(listed) > _SHOWN else ""
        if len(parts) > 1:
            notes.append(f"weight_norm: a weight is {parts[0]} * {parts[1]} / norm({parts[1]}){more}")
        else:
            notes.append(f"{parts[0]} is the weight before dropout, as it is used when nothing is dropped{more}")
    return tuple(notes)


_SHOWN: Final = 2


def _product(name: str, magnitude: Stored, direction: Stored) -> Callable[[], Any]:
    def read() -> Any:  # noqa: ANN401
        import numpy as np

        g, v = magnitude.read(), direction.read()
        half = v.dtype == np.float16  # whose squares are out of its range, in PyTorch too: that adds up in float32
        g, v = (array.astype(np.float32) if half else array for array in (g, v))
        single = g.ndim == 0 or g.size == 1
        axes = tuple(axis for axis in range(v.ndim) if single or (g.ndim == v.ndim and g.shape[axis] == 1))
        fits = single or (g.ndim == v.ndim and all(g.shape[axis] in (1, v.shape[axis]) for axis in range(v.ndim)))
        if not fits:
            raise SourceError("these do not go together", f"{magnitude.name} along {v.shape}", f"{g.shape}", where=name)
        with np.errstate(all="ignore"):  # numbers out of range give what they give in PyTorch
            norm = np.sqrt(np.square(v).sum(axis=axes, keepdims=True))
            made = (g.reshape((1,) * v.ndim) if single else g) * (v / norm)
            return made.astype(np.float16) if half else to_bfloat16(made) if direction.dtype == "bfloat16" else made

    return read
