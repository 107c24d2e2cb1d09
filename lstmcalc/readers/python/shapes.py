"""The shapes of arrays that code writes down: `torch.randn(5, 3, 10)`, and what methods make of them.

Not here: the values of the sizes (`evaluate`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final


@dataclass(frozen=True)
class Shaped:
    """An array of which only the shape is known; a size that is not is a Gap."""

    shape: tuple[Any, ...]
    dtype: Any = None
    lengths: tuple[int, ...] | None = None


MAKERS: Final = frozenset(
    {f"torch.{name}" for name in ("randn", "rand", "zeros", "ones", "empty", "FloatTensor", "Tensor")}
    | {f"numpy.{name}" for name in ("zeros", "ones", "empty", "random.rand", "random.randn", "random.random")}
    | {f"np.{name}" for name in ("zeros", "ones", "empty", "random.rand", "random.randn", "random.random")}
    | {
        "numpy.random.normal",
        "np.random.normal",
        "keras.random.normal",
        "keras.random.uniform",
        "tensorflow.random.normal",
    }
    | {"tf.random.normal", "tensorflow.random.uniform", "jax.numpy.ones", "jax.numpy.zeros", "jnp.ones", "jnp.zeros"}
)
WRAPPERS: Final = ("torch.autograd.Variable", "autograd.Variable", "Variable")
PACKERS: Final = frozenset(
    f"{home}pack_padded_sequence" for home in ("torch.nn.utils.rnn.", "nn.utils.rnn.", "rnn_utils.", "")
)
_SAME: Final = ("to", "cuda", "cpu", "requires_grad_", "detach", "clone", "contiguous", "astype", "type", "numpy")
_CASTS: Final = ("float", "double", "half", "bfloat16")
METHODS: Final = frozenset((*_SAME, *_CASTS, "size", "view", "reshape", "unsqueeze", "transpose", "permute"))


def moved(base: Shaped, method: str, values: Sequence[Any]) -> Shaped | None:
    """The array that a method makes of another."""
    rank, sizes = len(base.shape), list(base.shape)
    if method in _SAME:
        return base
    if method in _CASTS:
        return replace(base, dtype=method)
    if not all(isinstance(value, int) and -rank - 1 <= value <= rank for value in values):
        return None
    if method == "unsqueeze" and len(values) == 1:
        sizes.insert(values[0] + (rank + 1 if values[0] < 0 else 0), 1)
    elif method == "transpose" and len(values) == 2 and all(-rank <= value < rank for value in values):  # noqa: PLR2004
        first, second = values
        sizes[first], sizes[second] = sizes[second], sizes[first]
    elif method == "permute" and sorted(values) == list(range(rank)):
        sizes = [sizes[axis] for axis in values]
    else:
        return None
    return replace(base, shape=tuple(sizes))


def item_of(items: Sequence[Any], index: Any) -> Any:  # noqa: ANN401  # whatever the code says
    """An item of a shape; None if there is none."""
    known = isinstance(index, int) and -len(items) <= index < len(items)
    return items[index] if known else None
