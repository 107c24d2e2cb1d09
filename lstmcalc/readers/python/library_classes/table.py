"""Classes of libraries, as ordinary Python that the machine interprets like the file's own.

Subclassing, `super()`, overriding and going through them then need no rules. Names that begin with an underscore and
are not bound here are primitives of the machine (`libraries.primitive`).

Not here: functions of libraries (`libraries.standard`, `layers.torch`, `layers.keras`).
"""

from functools import cache
from importlib import import_module
from typing import Final

from lstmcalc.readers.python.library_classes.cells import CODE_OF_CELLS
from lstmcalc.readers.python.library_classes.cells import HOMES as CELLS
from lstmcalc.readers.python.library_classes.flax import FLAX, NNX
from lstmcalc.readers.python.library_classes.keras import KERAS
from lstmcalc.readers.python.library_classes.running import RUNNING
from lstmcalc.readers.python.library_classes.standard import STANDARD
from lstmcalc.readers.python.library_classes.tensorflow1 import HOMES as CELLS_OF_TENSORFLOW1
from lstmcalc.readers.python.library_classes.tensorflow1 import TENSORFLOW1
from lstmcalc.readers.python.library_classes.torch import TORCH

CODE: Final = {
    "flax": FLAX,
    "nnx": NNX,
    "standard": STANDARD + RUNNING,
    "torch": TORCH,
    "keras": KERAS,
    "tensorflow1": TENSORFLOW1,
    **CODE_OF_CELLS,
}

# The module in `CODE` of each class.
HOMES: Final[dict[str, str]] = {
    **dict.fromkeys(("types.SimpleNamespace", "argparse.Namespace", "argparse.ArgumentParser"), "standard"),
    **{
        f"collections.{name}": "standard"
        for name in ("OrderedDict", "defaultdict", "Counter", "ChainMap", "deque", "UserDict", "UserList")
    },
    "sys.Argv": "standard",
    "os.Environ": "standard",
    "sys.FlagHolder": "standard",
    "contextlib.GeneratorContext": "standard",
    **{f"timeit.{name}": "standard" for name in ("Timer", "timeit", "repeat")},
    **{f"{module}.{name}": "standard" for module in ("cProfile", "profile") for name in ("Profile", "run", "runctx")},
    **{f"configparser.{name}": "standard" for name in ("ConfigParser", "RawConfigParser", "SafeConfigParser")},
    **{f"contextlib.{name}": "standard" for name in ("nullcontext", "suppress", "closing", "ExitStack")},
    **{
        f"torch.nn.{name}": "torch"
        for name in (
            *[
                "Module",
                "Sequential",
                "ModuleList",
                "ModuleDict",
                "ParameterList",
                "ParameterDict",
                "TransformerEncoder",
                "TransformerDecoder",
                "RNNBase",
                "LSTM",
                "LSTMCell",
                "GRU",
                "RNN",
                "GRUCell",
            ],
            *["RNNCell", "DataParallel"],
        )
    },
    **{
        f"flax.linen.{name}": "flax"
        for name in (
            *("Module", "LSTMCell", "OptimizedLSTMCell", "RNN", "Bidirectional"),
            *("Sequential", "Dense", "Embed", "Conv", "LayerNorm", "Dropout", "RMSNorm", "GroupNorm", "BatchNorm"),
        )
    },
    **{
        f"flax.nnx.{name}": "nnx"
        for name in (
            *("Module", "Rngs", "LSTMCell", "OptimizedLSTMCell", "RNN", "Bidirectional", "Param", "List", "Sequential"),
            *("Linear", "Embed", "Conv", "LayerNorm", "Dropout", "RMSNorm", "GroupNorm", "BatchNorm"),
        )
    },
    **{
        f"{home}{name}": "keras"
        for home in ("keras.", "keras.layers.", "tf_keras.", "tf_keras.layers.")
        for name in ("Model", "Sequential", "Layer")
    },
    **CELLS,
    **CELLS_OF_TENSORFLOW1,
    "torch.nn.parallel.DistributedDataParallel": "torch",
    "torch.nn.parallel.DataParallel": "torch",
    "torch.optim.swa_utils.AveragedModel": "torch",
    "torch.utils.data.Dataset": "torch",
    "torch.utils.data.IterableDataset": "torch",
    "pytorch_lightning.LightningModule": "torch",
    "pytorch_lightning.LightningDataModule": "torch",
    "pytorch_lightning.utilities.AttributeDict": "torch",
}


@cache
def real_class(name: str) -> object:
    """The class of the standard library that one in `CODE` stands for; None if it stands for none."""
    path = next((path for path, home in HOMES.items() if home == "standard" and path.endswith(f".{name}")), "")
    module = path.rpartition(".")[0]
    return getattr(import_module(module), name, None) if module else None
