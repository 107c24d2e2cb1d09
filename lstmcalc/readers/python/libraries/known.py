"""The libraries that are known, the spellings of their names, and the tables of what their functions do.

There are two grades of code that is not the file's. What a library of the list does changes nothing of the file's,
except that it may call functions that it is given; what it gives is not known, and harmless. Any other module may
change whatever it reaches.

Not here: what the functions do, which the pages of this room and of `layers` add.
"""

import ast
import sys
from collections.abc import Callable
from typing import Any, Final

from lstmcalc.readers.python.core.values import (
    Args,
    Value,
)

LibFunction = Callable[[Any, Args, ast.AST], Value]  # of a machine that has what it needs
LIB_FUNCTIONS: Final[dict[str, LibFunction]] = {}  # by full name
PRIMITIVES: Final[dict[str, LibFunction]] = {}  # what the code in `library_classes.table` calls, by name
# Installed wherever there is an LSTM of theirs.
FRAMEWORKS: Final = frozenset(
    (
        *("torch", "keras", "tensorflow", "tf_keras", "flax", "jax", "numpy"),
        *("paddle", "mxnet", "mlx", "haiku", "equinox", "tinygrad", "chainer"),
    )
)
# Modules of Python's that some systems or versions have not (Python 3.11's documentation; PEP 594; PEP 632).
_NOT_EVERYWHERE: Final = frozenset(
    (
        *("_winapi", "msilib", "msvcrt", "nt", "winreg", "winsound"),
        *(
            "_posixsubprocess",
            "crypt",
            "curses",
            "fcntl",
            "grp",
            "nis",
            "ossaudiodev",
            "posix",
            "pty",
            "pwd",
            "readline",
        ),
        *("resource", "spwd", "syslog", "termios", "tty"),
        *("_tkinter", "bz2", "ctypes", "dbm", "ensurepip", "idlelib", "lzma", "sqlite3", "ssl", "tkinter", "turtle"),
        *("turtledemo", "zlib"),
        *("aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "distutils", "imghdr", "imp", "lib2to3"),
        *("mailcap", "nntplib", "pipes", "smtpd", "sndhdr", "sunau", "telnetlib", "uu", "xdrlib"),
        *("binhex", "formatter", "graphlib", "macpath", "parser", "symbol", "tomllib", "zoneinfo"),
    )
)
# Modules of Python's that run text or files: what they change is not known.
_RUNNING: Final = frozenset(("bdb", "code", "codeop", "doctest", "imp", "lib2to3", "rlcompleter", "runpy", "trace"))

STANDARD_LIBRARY: Final = sys.stdlib_module_names - _NOT_EVERYWHERE - _RUNNING

# Libraries that change nothing of a program's, as far as its LSTMs go; they may be missing.
OTHERS: Final = frozenset(
    (
        *(_NOT_EVERYWHERE - _RUNNING),
        *[
            "absl",
            "accelerate",
            "albumentations",
            "apex",
            "attr",
            "attrs",
            "bs4",
            "catboost",
            "click",
            "colorama",
            "comet_ml",
            "cv2",
            "datasets",
            "dill",
            "editdistance",
        ],
        *[
            "einops",
            "emoji",
            "evaluate",
            "fairscale",
            "fire",
            "gensim",
            "gym",
            "gymnasium",
            "h5py",
            "hydra",
            "imageio",
            "ipdb",
            "IPython",
            "jieba",
            "joblib",
            "jsonlines",
        ],
        *[
            "kagglehub",
            "konlpy",
            "librosa",
            "lightgbm",
            "lightning",
            "loguru",
            "matplotlib",
            "mlflow",
            "msgpack",
            "nltk",
            "omegaconf",
            "onnx",
            "onnxruntime",
            "opt_einsum",
            "optuna",
        ],
        *[
            "pandas",
            "parso",
            "PIL",
            "plotly",
            "prettytable",
            "progressbar",
            "psutil",
            "pyarrow",
            "pydantic",
            "pydub",
            "pynvml",
            "pytorch_lightning",
            "ray",
            "regex",
        ],
        *[
            "requests",
            "rich",
            "sacrebleu",
            "sacremoses",
            "safetensors",
            "scipy",
            "seaborn",
            "sentencepiece",
            "seqeval",
            "skimage",
            "sklearn",
            "soundfile",
            "spacy",
        ],
        *[
            "statsmodels",
            "sympy",
            "tabulate",
            "tensorboard",
            "tensorboardX",
            "termcolor",
            "tensorflow_datasets",
            "tensorflow_hub",
            "textblob",
            "tokenizers",
            "torchaudio",
        ],
        *[
            "torchdata",
            "torchinfo",
            "torchmetrics",
            "torchsummary",
            "torchtext",
            "torchvision",
            "tqdm",
            "transformers",
            "typing_extensions",
            "ujson",
            "umap",
            "wandb",
        ],
        *[
            "wordcloud",
            "xgboost",
            "yaml",
            "yfinance",
            "zmq",
            "sklearn_crfsuite",
            "pytz",
            "dateutil",
            "six",
            "future",
            "past",
            "optax",
            "orbax",
            "chex",
            "ml_collections",
        ],
    )
)


def lib_function(*paths: str) -> Callable[[LibFunction], LibFunction]:
    """Make a function that of a library with these names."""

    def add(run: LibFunction) -> LibFunction:
        for path in paths:
            LIB_FUNCTIONS[path] = run
        return run

    return add


def primitive(name: str) -> Callable[[LibFunction], LibFunction]:
    """Make a function one that the code of libraries here can call."""

    def add(run: LibFunction) -> LibFunction:
        PRIMITIVES[name] = run
        return run

    return add
