"""Constructors of LSTMs: a table of their arguments, and the meaning of these arguments in PyTorch's terms.

A construction is read from code, from a printed text or from a framework's own configuration; its reader passes the
arguments by name.

Not here: the rows of TensorFlow 1, Paddle, Gluon and others (`further_constructors`), finding arguments in a source
(`readers.python.layers.records`, `readers.text.printed`, `readers.keras.models`), and PyTorch's rules (`spec.config`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from lstmcalc.errors import shorten
from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.further_constructors import FURTHER, FURTHER_RELATIVES
from lstmcalc.spec.activations import OPTIONS
from lstmcalc.spec.config import DTYPE_BYTES, HYPERPARAMETERS
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting

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
# Further arguments of every layer of Keras, in any version.
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
        {"activation": ("tanh",), "inner_activation": ("sigmoid",), "go_backwards": (False,)},
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
    *FURTHER,
)

# Layers that are recognised in order to say that they are not an LSTM.
RELATIVES: Final = FURTHER_RELATIVES | frozenset(
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
SUPPORTED: Final = (
    "LSTM and LSTMCell of PyTorch, Keras, Flax, TensorFlow 1, Paddle, Gluon, MLX, Haiku, Equinox, tinygrad, Chainer"
)


def settings_of(framework: str) -> frozenset[str]:
    """The settings that the constructors of a framework have; PyTorch's if there is no constructor here."""
    own = [item for item in CONSTRUCTORS if item.framework == framework]
    fields = {field for item in own or CONSTRUCTORS[:1] for field in (*item.fields.values(), *item.implied)}
    both = any(item.framework == framework and "cell" not in framework for item in own)
    return frozenset(fields | ({"input_size", "bidirectional"} if both else {"input_size"}))


class Given(NamedTuple):
    """One argument of a construction."""

    value: Any  # a `Gap` if it is unknown
    pointer: Pointer  # its place
    certainty: str = "stated"  # as in `Origin`
    origin: str = "source"  # as `source` in `Origin`


@dataclass(frozen=True)
class Symbol:
    """A name from a library that stands for itself, e.g. `torch.float64`."""

    name: str

    def __repr__(self) -> str:
        return self.name


class Reading(NamedTuple):
    """The meaning of the arguments of a construction; the fields are those of `readers.found.Found`."""

    layer: dict[str, Setting]
    pointers: dict[str, Pointer]
    gaps: dict[str, Gap]
    options: dict[str, Any]
    notes: tuple[str, ...]
    unmodelled: tuple[str, ...]


def read_arguments(constructor: Constructor, given: Mapping[str, Given], where: str | None) -> Reading:
    """Read the arguments of a construction in PyTorch's terms; `where` is its place, e.g. `train.py:12`."""
    origin = Origin("source", where, "stated")
    implied = {field: Setting(value, origin) for field, value in constructor.implied.items()}
    reading = Reading(implied, {}, {}, {}, (), ())
    notes, unmodelled = list(constructor.words), list[str]()
    if constructor.how == "source":
        notes.append(f"{constructor.names[0].rpartition('.')[2]} is read by its source, and was not run")
    for name, argument in given.items():
        field = constructor.fields.get(name)
        if field:
            _read_field(reading, field, argument, where)
        else:
            _read_other(reading, constructor, name, argument.value, (notes, unmodelled))
    if reading.options.get("time_major") is True:  # then the axes of batch and steps are swapped
        sizes = {"batch": reading.layer.pop("seq_len", None), "seq_len": reading.layer.pop("batch", None)}
        reading.layer.update({field: setting for field, setting in sizes.items() if setting is not None})
    dtype = next((item.value for name, item in given.items() if constructor.fields.get(name) == "dtype"), None)
    if dtype is not None and not isinstance(dtype, Gap) and "dtype" not in reading.layer:
        notes.append(f"dtype = {_value_text(dtype)} is none of ours: bytes are those of float32")
    _open_projection(reading, constructor)
    return reading._replace(notes=tuple(notes), unmodelled=tuple(unmodelled))


def _open_projection(reading: Reading, constructor: Constructor) -> None:
    """Leave a projection open that PyTorch's LSTM cannot have: elsewhere it may be as large as the hidden state."""
    sizes = [reading.layer[name].value for name in ("proj_size", "hidden_size") if name in reading.layer]
    if constructor.names[0].startswith("torch.") or len(sizes) < 2 or not all(type(size) is int for size in sizes):  # noqa: PLR2004  # both
        return
    if sizes[0] >= sizes[1]:
        del reading.layer["proj_size"]
        reading.gaps["proj_size"] = Gap(f"{sizes[0]}, which PyTorch has only below hidden_size = {sizes[1]}")


def _read_other(
    reading: Reading,
    constructor: Constructor,
    name: str,
    value: Any,  # noqa: ANN401  # whatever a source says
    said: tuple[list[str], list[str]],
) -> None:
    """Read an argument that gives no setting, into the options, or into what is `said`: notes, and what is unlike."""
    notes, unmodelled = said
    text = f"{name} = {_value_text(value)}"
    if name in constructor.options:
        if isinstance(value, Gap):
            notes.append(f"{text} is not known: its default is taken")
        else:
            reading.options[name] = _plain_value(value)
    elif name in constructor.training:
        if value not in (0, None):
            notes.append(f"{text} acts in training only: no shape and no count depends on it")
    elif name in constructor.noted and not _is_allowed(value, constructor.noted[name][:1]):
        notes.append(f"{text}{constructor.noted[name][1]}")
    elif _is_unlike(constructor, name, value):
        unmodelled.append(text)
        if name in OPTIONS and isinstance(value, str | Symbol):
            reading.options[name] = _plain_value(value)


def _read_field(reading: Reading, field: str, argument: Given, where: str | None) -> None:
    """Read one argument that gives a setting, or several."""
    said = argument.origin == "flag"
    origin = Origin(argument.origin, None if said else where, "stated" if said else argument.certainty)
    if isinstance(argument.value, Gap):
        if field == "dropout":  # it changes no shape and no count, so it may stay unknown
            reading.layer[field] = Setting(0.0, origin._replace(certainty="unknown"))
        elif field not in ("dtype", "seq_len", "batch", "input_shape", "batch_shape"):
            field = "bidirectional" if field == "direction" else field
            reading.gaps[field] = argument.value
            reading.pointers[field] = argument.pointer
        return
    if isinstance(argument.value, tuple | list | dict) and field not in _SHAPED:
        reading.gaps[field] = Gap("something that is not a number")
        reading.pointers[field] = argument.pointer
        return
    for name, value in _settings(field, argument.value).items():
        reading.pointers[name] = argument.pointer
        if isinstance(value, Gap):
            if name in ("input_size", "bidirectional"):
                reading.gaps[name] = value
        else:
            reading.layer[name] = Setting(value, origin)


_SHAPED: Final = ("dtype", "input_shape", "batch_shape")
# The words of frameworks for one direction and for both.
DIRECTIONS: Final = {
    "forward": False,
    "unidirectional": False,
    "bidirect": True,
    "bidirectional": True,
}


def _settings(field: str, value: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever a source says
    """The settings that the value of an argument gives."""
    if field in ("bias", "batch_first", "bidirectional") and value in (0, 1):
        return {field: bool(value)}  # PyTorch accepts any true or false value
    if field == "direction":
        known = DIRECTIONS.get(value) if isinstance(value, str) else None
        return {"bidirectional": Gap(f"direction = {shorten(value)}, which is none") if known is None else known}
    if field == "dtype":
        dtype = dtype_name(value)
        return {"dtype": dtype} if dtype else {}
    if field in ("input_shape", "batch_shape"):
        return shape_settings(value, batch=field == "batch_shape")
    return {} if value is None and field in ("seq_len", "batch", "input_size", "proj_size") else {field: value}


def shape_settings(shape: Any, *, batch: bool) -> dict[str, Any]:  # noqa: ANN401  # as above
    """The settings in a Keras shape `(L, H_in)`, or with `batch` `(N, L, H_in)`, without sizes that are None.

    Unknown sizes remain a Gap.
    """
    names = ("batch", "seq_len", "input_size")[0 if batch else 1 :]
    if not isinstance(shape, tuple | list) or len(shape) != len(names):
        return {}
    return {
        name: size
        for name, size in zip(names, shape, strict=True)
        if isinstance(size, int | Gap) and not isinstance(size, bool)
    }


# A policy for mixed precision gives the dtype of its weights (keras 3.15.1, keras/src/dtype_policies).
_DTYPES: Final = {
    "mixed_float16": "float32",
    "mixed_bfloat16": "float32",
    "double": "float64",
    "float": "float32",
    "half": "float16",
}


def dtype_name(value: Any) -> str:  # noqa: ANN401  # as above
    """Our name of a dtype given as a text, a symbol such as `torch.half`, or a policy of Keras; empty if unknown."""
    if isinstance(value, Mapping):  # {"class_name": "DTypePolicy", "config": {"name": "float32"}}
        inner = value.get("config")
        value = inner.get("name") if isinstance(inner, Mapping) else None
    text = value.name.rpartition(".")[2] if isinstance(value, Symbol) else value
    text = _DTYPES.get(text, text) if isinstance(text, str) else ""
    return text if text in DTYPE_BYTES else ""


def _is_unlike(constructor: Constructor, name: str, value: Any) -> bool:  # noqa: ANN401  # as above
    """True if with an argument the result is not that of PyTorch's LSTM."""
    if name in constructor.unlike:
        return _is_allowed(value, constructor.unlike[name])
    return name in constructor.fixed and not _is_allowed(value, constructor.fixed[name])


def _is_allowed(value: Any, allowed: tuple[object, ...]) -> bool:  # noqa: ANN401  # as above
    if isinstance(value, Mapping):  # a serialised function
        value = value.get("config")
    text = value.name.rpartition(".")[2] if isinstance(value, Symbol) else value
    return any(text == item and isinstance(text, type(item)) for item in allowed)


def _plain_value(value: Any) -> Any:  # noqa: ANN401  # as above
    return value.name if isinstance(value, Symbol) else value


def _value_text(value: Any) -> str:  # noqa: ANN401  # as above
    return value.why if isinstance(value, Gap) else shorten(value)
