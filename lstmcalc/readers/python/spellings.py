"""What calls LSTMs, wrappers and relatives are known by: any full name, to the table's spelling of it.

`tensorflow.keras.layers.LSTM`, `keras.layers.recurrent.LSTM` and an unbound `layers.LSTM` are all `keras.layers.LSTM`.

Not here: what a name in code refers to (`evaluate`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from lstmcalc.frameworks.constructors import CONSTRUCTORS, RELATIVES

# A name can be that of several versions; the newest is first.
BY_NAME: Final = {
    name: [constructor for constructor in CONSTRUCTORS if name in constructor.names]
    for constructor in CONSTRUCTORS
    for name in constructor.names
}
BIDIRECTIONAL: Final = ("keras.layers.Bidirectional", "tf_keras.layers.Bidirectional")
FLAX_BIDIRECTIONAL: Final = ("flax.linen.Bidirectional", "flax.nnx.Bidirectional")
LOOPS: Final = ("flax.linen.RNN", "flax.nnx.RNN", "keras.layers.RNN", "tf_keras.layers.RNN")
FLAX_LOOPS: Final = ("flax.linen.RNN", "flax.nnx.RNN", *FLAX_BIDIRECTIONAL, "flax.linen.scan")
LIFTS: Final = ("flax.linen.scan", "flax.linen.remat", "flax.linen.jit", "flax.linen.vmap", "functools.partial")
HOMES: Final = ("torch.", "keras.", "tensorflow.", "tf.", "tf_keras.", "jax.", "jnp.", "numpy.", "np.", "flax.", "nn.")
CLASSES: Final = ("LSTM", "LSTMCell", "CuDNNLSTM", "OptimizedLSTMCell")
WRAPPERS: Final = (*BIDIRECTIONAL, *FLAX_BIDIRECTIONAL, *LOOPS)

# The same thing under other names, to the name in the table; by the first part of the name. They are compiled when they
# are needed, which takes as long as the rest of reading a line.
_KERAS: Final = (
    (r"^(keras|tf_keras)\.(src\.|api\.|legacy\.|engine\.|models\.|_tf_keras\.keras\.)+", r"\1."),
    (r"^(keras|tf_keras)\.layers\.(\w+\.)+", r"\1.layers."),
)
_ALIASES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "tensorflow": (
        (r"^tensorflow\.(python\.|compat\.v[12]\.)*keras\b", "keras"),
        (r"^tensorflow\.contrib\.keras\b", "keras"),
        *_KERAS,
    ),
    "keras": _KERAS,
    "tf_keras": _KERAS,
    "torch": ((r"^torch\.nn\.modules\.(\w+\.)?", "torch.nn."),),
    "flax": (
        (r"^flax\.linen\.(recurrent|transforms)\.", "flax.linen."),
        (r"^flax\.(experimental\.)?nnx\.((nn\.)?(recurrent\.)?)", "flax.nnx."),
    ),
}
# What a name that nothing in the text binds usually is.
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("torch.nn", "keras.layers", "flax.linen", "flax.nnx", "keras"),
    "nn": ("torch.nn", "flax.linen"),
    "layers": ("keras.layers",),
    "tf": ("tensorflow",),
    "tfk": ("tensorflow.keras",),
    "nnx": ("flax.nnx",),
    "linen": ("flax.linen",),
    "K": ("keras",),
    "L": ("keras.layers",),
}


def spelled(names: Iterable[str]) -> list[str]:
    """Full names in the table's spelling; one that nothing binds stands for what it usually is."""
    plain = [_aliased(name) for name in names]
    known = [name for name in plain if name in BY_NAME or name in RELATIVES or name in WRAPPERS]
    return known or [full for name in plain for full in (name, *_usual(name))]


def _aliased(name: str) -> str:
    if name in BY_NAME:
        return name
    for pattern, replacement in _ALIASES.get(name.partition(".")[0], ()):
        name = re.sub(pattern, replacement, name)
    return name


def _usual(name: str) -> Iterator[str]:
    """What a name that nothing binds usually is; a module of the same package, `.layers`, is nothing else."""
    if name.startswith("."):
        return
    head, _, rest = name.rpartition(".")
    first, _, middle = head.partition(".")
    for home in _USUAL.get(first, ()):
        yield _aliased(".".join(part for part in (home, middle, rest) if part))
