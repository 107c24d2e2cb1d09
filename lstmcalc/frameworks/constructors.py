"""What the constructors of LSTMs take: a table of facts, and what their arguments say in PyTorch's terms.

A construction is read from code, from a printed text or from a framework's own configuration; whoever reads it hands
over its arguments by name.

Not here: how arguments are found in a text (`pycode`, `printed`, `keras_json`), and PyTorch's rules (`config`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from lstmcalc.errors import shorten
from lstmcalc.spec.config import DTYPE_BYTES, HYPERPARAMETERS
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting


class Constructor(NamedTuple):
    """How one LSTM is made.

    Attributes:
        framework: Whose it is, a name of `frameworks`.
        names: Its full names; the first is shown.
        order: Its arguments in order, divided by spaces; those behind a `*` are given by name only. Old spellings of
            an argument stand last.
        fields: The setting that an argument gives; `input_shape`, `batch_shape` and `dtype` are read as such.
        fixed: What an argument must be for the result to be that of PyTorch's LSTM, the default first.
        options: Arguments that change what goes in and comes out.
        training: Arguments that act in training only.
        source: Where that stands, and in which version. Arguments not named above change neither shapes nor numbers
            (names, devices, initial values, regularizers, ways of computing the same).
    """

    framework: str
    names: tuple[str, ...]
    order: str
    fields: Mapping[str, str]
    source: str
    fixed: Mapping[str, tuple[object, ...]] = {}
    options: tuple[str, ...] = ()
    training: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The arguments without a default: those that give sizes."""
        sizes = ("input_size", "hidden_size")
        return tuple(name for name in self.positional if self.fields.get(name) in sizes)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of its arguments."""
        return tuple(name for name in self.order.split() if name != "*")

    @property
    def positional(self) -> tuple[str, ...]:
        """The arguments that can be given by position."""
        return tuple(self.order.partition("*")[0].split())


TORCH: Final = "torch 2.13.0, torch/nn/modules/rnn.py"
_KERAS3: Final = "keras 3.15.1, keras/src/layers/rnn/lstm.py"
_TF_KERAS: Final = "tf_keras 2.21.0, tf_keras/src/layers/rnn/lstm.py"
_LINEN: Final = "flax 0.12.8, flax/linen/recurrent.py"
_NNX: Final = "flax 0.12.8, flax/nnx/nn/recurrent.py"

_KERAS_WEIGHTS: Final = (
    "kernel_initializer recurrent_initializer bias_initializer unit_forget_bias kernel_regularizer "
    "recurrent_regularizer bias_regularizer"
)
_KERAS_CONSTRAINTS: Final = "kernel_constraint recurrent_constraint bias_constraint"
# What every layer of Keras takes besides, in any version.
_KERAS_LAYER: Final = (
    "activity_regularizer name trainable dtype autocast input_shape batch_input_shape batch_shape input_dim "
    "input_length batch_size weights"
)
_KERAS_SHAPES: Final = {
    "dtype": "dtype",
    "input_shape": "input_shape",
    "batch_input_shape": "batch_shape",
    "batch_shape": "batch_shape",
    "input_dim": "input_size",
    "input_length": "seq_len",
    "batch_size": "batch",
}
_ACTIVATIONS: Final = {"activation": ("tanh",), "recurrent_activation": ("sigmoid",)}
_FLAX_FUNCTIONS: Final = {"gate_fn": ("sigmoid",), "activation_fn": ("tanh",)}
_FLAX_INITS: Final = "kernel_init recurrent_kernel_init bias_init dtype param_dtype carry_init"

_KERAS_LSTM: Final = Constructor(
    "keras",
    ("keras.layers.LSTM",),
    f"units activation recurrent_activation use_bias {_KERAS_WEIGHTS} activity_regularizer {_KERAS_CONSTRAINTS} "
    "dropout recurrent_dropout seed return_sequences return_state go_backwards stateful unroll use_cudnn * "
    f"implementation time_major zero_output_for_mask {_KERAS_LAYER}",
    {"units": "hidden_size", "use_bias": "bias", **_KERAS_SHAPES},
    _KERAS3,
    {**_ACTIVATIONS, "go_backwards": (False,)},
    ("return_sequences", "return_state", "time_major"),
    ("dropout", "recurrent_dropout"),
)

CONSTRUCTORS: Final = (
    Constructor(
        "pytorch",
        ("torch.nn.LSTM", "torch.nn.modules.LSTM", "torch.nn.modules.rnn.LSTM"),
        "input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size device dtype",
        {name: name for name in (*HYPERPARAMETERS, "dtype")},
        TORCH,
    ),
    Constructor(
        "pytorch-cell",
        ("torch.nn.LSTMCell", "torch.nn.modules.LSTMCell", "torch.nn.modules.rnn.LSTMCell"),
        "input_size hidden_size bias device dtype",
        {name: name for name in ("input_size", "hidden_size", "bias", "dtype")},
        TORCH,
    ),
    _KERAS_LSTM,
    Constructor(
        "keras",
        ("keras.layers.LSTMCell",),
        f"units activation recurrent_activation use_bias {_KERAS_WEIGHTS} {_KERAS_CONSTRAINTS} dropout "
        f"recurrent_dropout seed * implementation {_KERAS_LAYER}",
        {"units": "hidden_size", "use_bias": "bias", **_KERAS_SHAPES},
        _KERAS3,
        _ACTIVATIONS,
        training=("dropout", "recurrent_dropout"),
    ),
    _KERAS_LSTM._replace(
        framework="keras2",
        names=("tf_keras.layers.LSTM",),
        order=f"units activation recurrent_activation use_bias {_KERAS_WEIGHTS} activity_regularizer "
        f"{_KERAS_CONSTRAINTS} dropout recurrent_dropout return_sequences return_state go_backwards stateful "
        f"time_major unroll * implementation zero_output_for_mask {_KERAS_LAYER}",
        source=_TF_KERAS,
    ),
    Constructor(
        "keras1",
        ("keras.layers.LSTM",),
        "output_dim init inner_init forget_bias_init activation inner_activation W_regularizer U_regularizer "
        "b_regularizer dropout_W dropout_U * return_sequences go_backwards stateful unroll consume_less "
        f"{_KERAS_LAYER}",
        {"output_dim": "hidden_size", **_KERAS_SHAPES},
        "keras 1.2.2, keras/layers/recurrent.py, from general knowledge",
        {"activation": ("tanh",), "inner_activation": ("hard_sigmoid", "sigmoid"), "go_backwards": (False,)},
        ("return_sequences",),
        ("dropout_W", "dropout_U"),
    ),
    Constructor(
        "keras-cudnn",
        ("keras.layers.CuDNNLSTM", "tf_keras.layers.CuDNNLSTM"),
        f"units {_KERAS_WEIGHTS} activity_regularizer {_KERAS_CONSTRAINTS} return_sequences return_state "
        f"go_backwards stateful * time_major {_KERAS_LAYER}",
        {"units": "hidden_size", **_KERAS_SHAPES},
        "tf_keras 2.21.0, tf_keras/src/layers/rnn/cudnn_lstm.py",
        {"go_backwards": (False,)},
        ("return_sequences", "return_state", "time_major"),
    ),
    *(
        Constructor(
            "flax-linen",
            (f"flax.linen.{cell}", f"flax.linen.recurrent.{cell}"),
            f"features gate_fn activation_fn {_FLAX_INITS} parent name",
            {"features": "hidden_size", "param_dtype": "dtype"},
            _LINEN,
            _FLAX_FUNCTIONS,
        )
        for cell in ("LSTMCell", "OptimizedLSTMCell")
    ),
    *(
        Constructor(
            layout,
            (f"flax.nnx.{cell}", f"flax.nnx.nn.recurrent.{cell}"),
            f"in_features hidden_features * gate_fn activation_fn {_FLAX_INITS} promote_dtype keep_rngs rngs "
            "kernel_metadata recurrent_kernel_metadata bias_metadata",
            {"in_features": "input_size", "hidden_features": "hidden_size", "param_dtype": "dtype"},
            _NNX,
            _FLAX_FUNCTIONS,
        )
        for layout, cell in (("flax-nnx", "LSTMCell"), ("flax-nnx-optimized", "OptimizedLSTMCell"))
    ),
)

# What is looked for, found, and then said not to be an LSTM.
RELATIVES: Final = frozenset(
    f"{home}.{name}"
    for home, names in (
        ("torch.nn", ("GRU", "GRUCell", "RNN", "RNNCell")),
        ("keras.layers", ("GRU", "GRUCell", "CuDNNGRU", "SimpleRNN", "SimpleRNNCell")),
        ("keras.layers", ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvLSTM2DCell")),
        ("flax.linen", ("GRUCell", "ConvLSTMCell", "MGUCell", "SimpleCell")),
        ("flax.nnx", ("GRUCell", "SimpleCell")),
    )
    for name in names
)
SUPPORTED: Final = "LSTM and LSTMCell of PyTorch, Keras and Flax"


def settings_of(framework: str) -> frozenset[str]:
    """The settings that the constructors of a framework have; of those without a constructor here, PyTorch's."""
    own = [item for item in CONSTRUCTORS if item.framework == framework]
    fields = {field for item in own or CONSTRUCTORS[:1] for field in item.fields.values()}
    both = any(item.framework == framework and "cell" not in framework for item in own)
    return frozenset(fields | ({"input_size", "bidirectional"} if both else {"input_size"}))


class Given(NamedTuple):
    """One argument of a construction.

    Attributes:
        value: What it is, or a `Gap` if that is not known.
        pointer: Where it stands.
        certainty: As in `Origin`.
        origin: What it is from, as in `Origin`.
    """

    value: Any
    pointer: Pointer
    certainty: str = "stated"
    origin: str = "source"


@dataclass(frozen=True)
class Symbol:
    """A name from a library, as `torch.float64`, that stands for itself."""

    name: str

    def __repr__(self) -> str:
        return self.name


class Reading(NamedTuple):
    """What the arguments of a construction say; the fields are those of `Found`."""

    layer: dict[str, Setting]
    pointers: dict[str, Pointer]
    gaps: dict[str, Gap]
    options: dict[str, Any]
    notes: tuple[str, ...]
    unmodelled: tuple[str, ...]


def read_arguments(constructor: Constructor, given: Mapping[str, Given], where: str | None) -> Reading:
    """What the arguments of a construction say in PyTorch's terms.

    Args:
        constructor: What is called.
        given: Its arguments by name; all of them are arguments of the constructor.
        where: The place of the construction, as `train.py:12`.
    """
    reading = Reading({}, {}, {}, {}, (), ())
    notes, unmodelled = [], []
    for name, argument in given.items():
        field = constructor.fields.get(name)
        if field:
            _read_field(reading, field, argument, where)
        elif name in constructor.options:
            if isinstance(argument.value, Gap):
                notes.append(f"{name} = {argument.value.why} is not known: its default is taken")
            else:
                reading.options[name] = _plain(argument.value)
        elif name in constructor.training and argument.value not in (0, None):
            notes.append(
                f"{name} = {_shown(argument.value)} acts in training only: no shape and no count depends on it"
            )
        elif name in constructor.fixed and not _allowed(argument.value, constructor.fixed[name]):
            unmodelled.append(f"{name} = {_shown(argument.value)}")
    if reading.options.get("time_major") is True:  # what stands where the batch stands else are the steps
        sizes = {"batch": reading.layer.pop("seq_len", None), "seq_len": reading.layer.pop("batch", None)}
        reading.layer.update({field: setting for field, setting in sizes.items() if setting is not None})
    dtype = next((item.value for name, item in given.items() if constructor.fields.get(name) == "dtype"), None)
    if dtype is not None and not isinstance(dtype, Gap) and "dtype" not in reading.layer:
        notes.append(f"dtype = {_shown(dtype)} is none of ours: bytes are those of float32")
    return reading._replace(notes=tuple(notes), unmodelled=tuple(unmodelled))


def _read_field(reading: Reading, field: str, argument: Given, where: str | None) -> None:
    """Read one argument that gives a setting, or several."""
    said = argument.origin == "flag"
    origin = Origin(argument.origin, None if said else where, "stated" if said else argument.certainty)
    if isinstance(argument.value, Gap):
        if field == "dropout":  # it changes no shape and no count, so nobody has to know it
            reading.layer[field] = Setting(0.0, origin._replace(certainty="unknown"))
        elif field not in ("dtype", "seq_len", "batch", "input_shape", "batch_shape"):
            reading.gaps[field] = argument.value
            reading.pointers[field] = argument.pointer
        return
    if isinstance(argument.value, tuple | list | dict) and field not in _SHAPED:
        reading.gaps[field] = Gap("something that is no number")
        reading.pointers[field] = argument.pointer
        return
    for name, value in _settings(field, argument.value).items():
        reading.pointers[name] = argument.pointer
        if isinstance(value, Gap):
            if name == "input_size":
                reading.gaps[name] = value
        else:
            reading.layer[name] = Setting(value, origin)


_SHAPED: Final = ("dtype", "input_shape", "batch_shape")


def _settings(field: str, value: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever a source says
    """The settings that the value of an argument gives."""
    if field in ("bias", "batch_first", "bidirectional") and value in (0, 1):
        return {field: bool(value)}  # PyTorch takes what is true
    if field == "dtype":
        dtype = dtype_name(value)
        return {"dtype": dtype} if dtype else {}
    if field in ("input_shape", "batch_shape"):
        return shape_settings(value, batch=field == "batch_shape")
    return {} if value is None and field in ("seq_len", "batch", "input_size") else {field: value}


def shape_settings(shape: Any, *, batch: bool) -> dict[str, Any]:  # noqa: ANN401  # as above
    """The settings in a shape `(L, H_in)`, or with `batch` `(N, L, H_in)`, of Keras; without those that are open.

    Sizes that are not known stay a Gap.
    """
    names = ("batch", "seq_len", "input_size")[0 if batch else 1 :]
    if not isinstance(shape, tuple | list) or len(shape) != len(names):
        return {}
    return {
        name: size
        for name, size in zip(names, shape, strict=True)
        if isinstance(size, int | Gap) and not isinstance(size, bool)
    }


# Of a policy for mixed precision, that of the weights (keras 3.15.1, keras/src/dtype_policies).
_DTYPES: Final = {
    "mixed_float16": "float32",
    "mixed_bfloat16": "float32",
    "double": "float64",
    "float": "float32",
    "half": "float16",
}


def dtype_name(value: Any) -> str:  # noqa: ANN401  # as above
    """One of our dtypes, of a text, a symbol such as `torch.half`, or a policy of Keras; empty if it is none."""
    if isinstance(value, Mapping):  # {"class_name": "DTypePolicy", "config": {"name": "float32"}}
        inner = value.get("config")
        value = inner.get("name") if isinstance(inner, Mapping) else None
    text = value.name.rpartition(".")[2] if isinstance(value, Symbol) else value
    text = _DTYPES.get(text, text) if isinstance(text, str) else ""
    return text if text in DTYPE_BYTES else ""


def _allowed(value: Any, allowed: tuple[object, ...]) -> bool:  # noqa: ANN401  # as above
    if isinstance(value, Mapping):  # a serialised function
        value = value.get("config")
    text = value.name.rpartition(".")[2] if isinstance(value, Symbol) else value
    return any(text == item and isinstance(text, type(item)) for item in allowed)


def _plain(value: Any) -> Any:  # noqa: ANN401  # as above
    return value.name if isinstance(value, Symbol) else value


def _shown(value: Any) -> str:  # noqa: ANN401  # as above
    return value.why if isinstance(value, Gap) else shorten(value)
