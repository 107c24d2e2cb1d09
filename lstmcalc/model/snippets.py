"""Python expressions on tensors, to paste: a line of text, and its value on arrays.

    at(tensor("output"), -1, slice(None), slice(None, 20)).text == "output[-1, :, :20]"

The text is PyTorch's; the value is computed with NumPy, from the same parts, so that shown text can be executed.
"""

from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import Any, NamedTuple, TypeAlias

from lstmcalc.spec.sizes import Dim

Index: TypeAlias = int | slice | list[int] | EllipsisType
# Tensors by name, and symbols such as N. Tensors are NumPy arrays, but this module imports NumPy only when needed.
Namespace: TypeAlias = Mapping[str, Any]


class Snippet(NamedTuple):
    """An expression."""

    text: str
    value: Callable[[Namespace], Any]  # its value, from those of the tensors and symbols in it

    def __str__(self) -> str:
        return self.text


def tensor(name: str) -> Snippet:
    """A tensor by its name."""
    return Snippet(name, lambda names: names[name])


def at(base: Snippet, *index: Index | str) -> Snippet:
    """A part of a tensor: `base[-1, :, 20:40]`; a symbol is given by its name: `base[t]`."""

    def value(names: Namespace) -> Any:  # noqa: ANN401  # a NumPy array
        return base.value(names)[tuple(names[part] if isinstance(part, str) else part for part in index)]

    return Snippet(f"{base}[{', '.join(map(_index_text, index))}]", value)


def _index_text(part: Index | str) -> str:
    if isinstance(part, slice):
        ends = (part.start, part.stop, *(() if part.step is None else (part.step,)))
        return ":".join("" if end is None else str(end) for end in ends)
    return "..." if part is ... else str(part)


def view(base: Snippet, *sizes: Dim) -> Snippet:
    """The same numbers in another shape, whose sizes are symbols: `base.view(num_layers, D, N, H_out)`."""

    def value(names: Namespace) -> Any:  # noqa: ANN401  # a NumPy array
        return base.value(names).reshape([size.at(names) for size in sizes])

    return Snippet(f"{base}.view({', '.join(map(str, sizes))})", value)


def swapped(base: Snippet) -> Snippet:
    """A tensor with its first two axes swapped: `base.transpose(0, 1)`."""
    return Snippet(f"{base}.transpose(0, 1)", lambda names: base.value(names).swapaxes(0, 1))


def joined(parts: Sequence[Snippet]) -> Snippet:
    """Tensors joined on the last axis: `torch.cat((a, b), dim=-1)`; a single one unchanged."""
    if len(parts) == 1:
        return parts[0]

    def value(names: Namespace) -> Any:  # noqa: ANN401  # a NumPy array
        from numpy import concatenate

        return concatenate([part.value(names) for part in parts], axis=-1)

    return Snippet(f"torch.cat(({', '.join(map(str, parts))}), dim=-1)", value)


def linear(name: str, base: Snippet) -> Snippet:
    """The layer `name`, a Linear with `name.weight` and `name.bias`, on a tensor: `head(h_n[-1])`."""

    def value(names: Namespace) -> Any:  # noqa: ANN401  # a NumPy array
        weight, bias = names[f"{name}.weight"], names[f"{name}.bias"]
        work = "float32" if weight.dtype == "float16" else weight.dtype  # NumPy multiplies halves one by one
        product = base.value(names).astype(work, copy=False) @ weight.T.astype(work, copy=False)
        product += bias
        return product.astype(weight.dtype, copy=False)

    return Snippet(f"{name}({base})", value)


def looked_up(name: str, base: Snippet) -> Snippet:
    """The layer `name`, an Embedding with `name.weight`, on indices: `embedding(tokens)`."""
    return Snippet(f"{name}({base})", lambda names: names[f"{name}.weight"][base.value(names)])
