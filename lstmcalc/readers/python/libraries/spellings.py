"""The names of libraries: one spelling for each thing, and what a name that nothing binds usually is.

Not here: which libraries are known (`known`).
"""

import re
from functools import lru_cache
from typing import Final

_CELLS: Final = "tensorflow.nn.rnn_cell."
_ALIASES: Final[tuple[tuple[str, str], ...]] = (
    (r"^tensorflow\.(python\.|compat\.v[12]\.)*keras\b", "keras"),
    (r"^tensorflow\.contrib\.keras\b", "keras"),
    (r"^tensorflow\.compat\.v1\b", "tensorflow"),
    (r"^tensorflow\.(contrib\.rnn|models\.rnn\.rnn_cell)\.(static_rnn|\w*bidirectional\w*rnn)$", r"tensorflow.nn.\2"),
    (r"^tensorflow\.(contrib\.(rnn|seq2seq)(\.python\.ops\.\w+)?|models\.rnn\.rnn_cell)\.(?=[A-Z])", _CELLS),
    (r"^tensorflow\.python\.ops\.rnn_cell(_impl)?\.(?=[A-Z])", _CELLS),
    (r"^tensorflow\.(python\.ops|models\.rnn)\.rnn\.(?=[a-z])", "tensorflow.nn."),
    (r"^tensorflow\.nn\.rnn$", "tensorflow.nn.static_rnn"),
    (r"^tensorflow\.nn\.bidirectional_rnn$", "tensorflow.nn.static_bidirectional_rnn"),
    (r"^tensorflow\.contrib\.cudnn_rnn\.python\.(layers|ops)\.\w+\.", "tensorflow.contrib.cudnn_rnn."),
    (r"^paddle\.nn\.layer\.(\w+\.)?(?=[A-Z])", "paddle.nn."),
    (r"^mlx\.nn\.layers\.(\w+\.)?(?=[A-Z])", "mlx.nn."),
    (r"^mxnet\.gluon\.block\.", "mxnet.gluon."),
    (r"^mxnet\.gluon\.rnn\.\w+\.(?=[A-Z])", "mxnet.gluon.rnn."),
    (r"^chainer\.(link|function|sequential)\.(?=[A-Z])", "chainer."),
    (r"^chainer\.links\.(rnn|connection)\.(\w+\.)?(?=[A-Z])", "chainer.links."),
    (r"^(keras|tf_keras)\.(src\.|api\.|legacy\.|engine\.|models\.|_tf_keras\.keras\.)+", r"\1."),
    (r"^(keras|tf_keras)\.layers\.(\w+\.)+", r"\1.layers."),
    (r"^(keras|tf_keras)\.(_v2|_v1)\.", r"\1."),
    (r"^torch\.nn\.modules\.(\w+\.)?(?=[A-Z])", "torch.nn."),
    (r"^torch\.nn\.parameter\.", "torch.nn."),
    (r"^flax\.linen\.(recurrent|transforms|linear|module)\.", "flax.linen."),
    (r"^flax\.(experimental\.)?nnx\.((nn|module|rnglib)\.)?(recurrent\.|linear\.)?", "flax.nnx."),
    (r"^lightning\.pytorch\b", "pytorch_lightning"),
    (r"^pytorch_lightning\.core(\.\w+)?\.", "pytorch_lightning."),
    (r"^typing_extensions\.", "typing."),
    (r"^numpy\.core\.", "numpy."),
    (r"^(jax\.)?numpy\.(?=random\.)", r"\1numpy."),
)
_MODULES: Final = frozenset(
    ("torch.nn.modules", "torch.nn.modules.rnn", "keras.models", "keras.layers", "keras.engine")
)
# What a name that nothing binds usually is, in a text that is only a part of a program.
USUAL: Final = {
    **{name: name for name in ("torch", "keras", "tf_keras", "flax", "jax", "numpy")},
    **{
        name: name
        for name in (
            *("argparse", "collections", "copy", "dataclasses", "enum", "functools", "importlib", "itertools", "json"),
            *(
                "logging",
                "math",
                "operator",
                "os",
                "pathlib",
                "pickle",
                "random",
                "re",
                "sys",
                "time",
                "types",
                "typing",
            ),
        )
    },
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "np": "numpy",
    "tf": "tensorflow",
    "tfk": "keras",
    "layers": "keras.layers",
    "L": "keras.layers",
    "nnx": "flax.nnx",
    "linen": "flax.linen",
    "tensorflow": "tensorflow",
    "jnp": "jax.numpy",
    "optim": "torch.optim",
    "flags": "absl.flags",
    "pl": "pytorch_lightning",
    **{name: name for name in ("paddle", "mxnet", "haiku", "equinox", "chainer", "tinygrad")},
    "hk": "haiku",
    "eqx": "equinox",
    "gluon": "mxnet.gluon",
    "mx": "mxnet",
    "rnn_cell": "tensorflow.nn.rnn_cell",
}
USUAL_NAMES: Final = {
    **{name: f"{_CELLS}{name}" for name in ("BasicLSTMCell", "LSTMBlockCell", "MultiRNNCell", "DropoutWrapper")},
    **{name: f"chainer.links.{name}" for name in ("NStepLSTM", "NStepBiLSTM", "StatelessLSTM")},
    "dataclass": "dataclasses.dataclass",
    "field": "dataclasses.field",
    "partial": "functools.partial",
    "OrderedDict": "collections.OrderedDict",
    "namedtuple": "collections.namedtuple",
    "SimpleNamespace": "types.SimpleNamespace",
    "Variable": "torch.autograd.Variable",
    "LightningModule": "pytorch_lightning.LightningModule",
    "pack_padded_sequence": "torch.nn.utils.rnn.pack_padded_sequence",
    "weight_norm": "torch.nn.utils.weight_norm",
    "FLAGS": "absl.flags.FLAGS",
}
IN_KERAS: Final = frozenset(
    [
        "Sequential",
        "Model",
        "Input",
        "Dense",
        "Embedding",
        "Dropout",
        "Bidirectional",
        "TimeDistributed",
        "RNN",
        "LSTM",
        "GRU",
        "Activation",
        "Flatten",
    ]
)


@lru_cache(maxsize=4096)
def canonical(path: str) -> str:
    """A full name in the spelling of the tables."""
    if path in _MODULES:
        return path
    for pattern, replacement in _ALIASES:
        path = re.sub(pattern, replacement, path)
    return path


KNOWN_STARS: Final = frozenset(("torch.nn", "torch.float32", "torch.float64", "math.pi", "math.e"))
