"""PyTorch: its layers, what makes an LSTM, and what changes the dtype of one that is made.

The arguments of an LSTM cannot change once it is made. Its dtype can, through whatever holds it.

Not here: its containers, which are ordinary classes (`library_code`), and arrays (`arrays`).
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lstmcalc.frameworks.layers import EMPTY, LAYERS, Setting, kept_tensors
from lstmcalc.readers.python.arrays import ARRAY, Arrays, array, shape_of
from lstmcalc.readers.python.classes_of_python import TYPES, plain
from lstmcalc.readers.python.constants import constant
from lstmcalc.readers.python.heap import REORDERED
from lstmcalc.readers.python.joins import joined
from lstmcalc.readers.python.libraries import LIB_FUNCTIONS, Libraries, lib_function, primitive
from lstmcalc.readers.python.machine import Builtin, Function
from lstmcalc.readers.python.records import BY_NAME, Record, shown
from lstmcalc.readers.python.standard_copies import copied
from lstmcalc.readers.python.values import (
    MISSING,
    Args,
    Class,
    Equatable,
    Items,
    Lib,
    Missing,
    Obj,
    Unknown,
    Value,
    things,
    unknown_of,
)

# The arguments of layers of PyTorch that can be given by position (torch 2.13.0, torch/nn/modules).
_CONV: Final = "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
SIGNATURES: Final[Mapping[str, str]] = {
    "Linear": "in_features out_features bias",
    "Bilinear": "in1_features in2_features out_features bias",
    "Embedding": "num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq sparse",
    "EmbeddingBag": "num_embeddings embedding_dim max_norm norm_type scale_grad_by_freq mode sparse",
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d"), _CONV),
    **dict.fromkeys(
        ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
        "in_channels out_channels kernel_size stride padding output_padding groups bias dilation padding_mode",
    ),
    **dict.fromkeys(
        (
            "BatchNorm1d",
            "BatchNorm2d",
            "BatchNorm3d",
            "InstanceNorm1d",
            "InstanceNorm2d",
            "InstanceNorm3d",
            "SyncBatchNorm",
        ),
        "num_features eps momentum affine track_running_stats",
    ),
    "LayerNorm": "normalized_shape eps elementwise_affine bias",
    "GroupNorm": "num_groups num_channels eps affine",
    "MultiheadAttention": "embed_dim num_heads dropout bias add_bias_kv add_zero_attn kdim vdim batch_first",
    **dict.fromkeys(("GRU", "RNN"), "input_size hidden_size num_layers bias batch_first dropout bidirectional"),
    **dict.fromkeys(("GRUCell", "RNNCell"), "input_size hidden_size bias"),
    "Dropout": "p inplace",
    "PReLU": "num_parameters init",
    **dict.fromkeys(
        ("TransformerEncoderLayer", "TransformerDecoderLayer"),
        "d_model nhead dim_feedforward dropout activation layer_norm_eps batch_first norm_first bias",
    ),
    "RMSNorm": "normalized_shape eps elementwise_affine",
    **dict.fromkeys(("CrossEntropyLoss", "NLLLoss", "BCELoss"), "weight"),
    "BCEWithLogitsLoss": "weight size_average reduce reduction pos_weight",
    "MultiLabelSoftMarginLoss": "weight",
}
FIELDS: Final = (
    "input_size",
    "hidden_size",
    "num_layers",
    "bias",
    "batch_first",
    "dropout",
    "bidirectional",
    "proj_size",
)
_DEFAULTS: Final = {
    "num_layers": 1,
    "bias": True,
    "batch_first": False,
    "dropout": 0.0,
    "bidirectional": False,
    "proj_size": 0,
}
_PRUNING: Final = (
    *(
        "identity",
        "random_unstructured",
        "l1_unstructured",
        "random_structured",
        "ln_structured",
        "global_unstructured",
    ),
    *("custom_from_mask", "remove"),
)
# Settings that decide which tensors there are, and losses that keep one only if they are given it.
_SWITCHES: Final = ("bias", "affine", "track_running_stats", "elementwise_affine", "add_bias_kv", "bidirectional")
_WEIGHED: Final = ("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss")
_RELATIVES: Final = ("GRU", "RNN", "GRUCell", "RNNCell")  # with the attributes of an LSTM
_BY_AXIS: Final = ("kernel_size", "stride", "padding", "dilation", "output_padding")
_MADE_INSIDE: Final = ("Transformer",)  # of a table, but with modules that are not made here
MAX_MODULES: Final = 20_000  # that are looked through for LSTMs
_OF_MODULE: Final = (
    "T_destination _apply _backward_hooks _backward_pre_hooks _call_impl _compiled_call_impl _forward_hooks "
    "_forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs "
    "_get_backward_hooks _get_backward_pre_hooks _is_full_backward_hook _load_from_state_dict "
    "_load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _named_members "
    "_non_persistent_buffers_set _register_load_state_dict_pre_hook _register_state_dict_hook "
    "_replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks "
    "_version _wrapped_call_impl call_super_init forward register_full_backward_pre_hook "
    "register_load_state_dict_pre_hook register_state_dict_post_hook register_state_dict_pre_hook set_submodule"
)
# Attributes that every module has, of which nothing is known.
_MODULE_HAS: Final = frozenset(
    (
        *[
            "state_dict",
            "load_state_dict",
            "parameters",
            "named_parameters",
            "buffers",
            "named_buffers",
            "register_forward_hook",
            "get_parameter",
        ],
        *[
            "register_forward_pre_hook",
            "register_full_backward_hook",
            "extra_repr",
            "_parameters",
            "_buffers",
            "dump_patches",
            "get_extra_state",
        ],
        *[
            "set_extra_state",
            "to_empty",
            "xpu",
            "ipu",
            "mtia",
            "get_buffer",
            "register_load_state_dict_post_hook",
            "_get_name",
            "register_backward_hook",
        ],
        *["weight", "bias", "device", "dtype"],
        *_OF_MODULE.split(),
    )
)
_OF_LAYER: Final = re.compile(r"(weight|bias)_(ih|hh|hr)(?:_l([0-9]+)(_reverse)?)?")  # a tensor of a recurrent layer
_HELD: Final = ("_parameters", "_buffers")
# What a recurrent layer has besides.
_OF_RECURRENT: Final = (
    "_all_weights _flat_weight_refs _flat_weights _flat_weights_names _init_flat_weights _update_flat_weights "
    "_weights_have_changed all_weights bias_hh bias_ih check_forward_args check_hidden_size check_input "
    "get_expected_cell_size get_expected_hidden_size mode nonlinearity permute_hidden proj_size"
)
_RECURRENT_HAS: Final = frozenset(_OF_RECURRENT.split())
_STATELESS: Final = frozenset(
    ("relu", "sigmoid", "tanh", "dropout", "gelu", "elu", "leaky_relu", "silu", "softmax", "log_softmax")
)


class Torch(Arrays):
    """Knows PyTorch."""

    def __init__(self, settings: Mapping[str, Value], asked: dict[str, None]) -> None:
        super().__init__(settings, asked)
        self.modules: list[Obj] = []  # that were made, on any path

    def dtype_of(self, record: Record) -> Value:
        """The dtype that an LSTM is made with."""
        given = record.given.get("dtype", record.given.get("param_dtype"))
        if given is None:
            return (
                self.world.slots["dtype"]
                if record.constructor and record.constructor.names[0].startswith("torch.")
                else "float32"
            )
        return self.cast_name(given) or given

    def class_of_lib(self, path: str) -> Value:
        """The class of a library by its path, if it is written down here."""
        found = super().class_of_lib(path)
        if not isinstance(found, Missing):
            return found
        home, _, name = path.rpartition(".")
        if home == "torch.nn" and name[:1].isupper() and name not in ("Parameter", "UninitializedParameter"):
            return self._layer_class(path, name)
        if path in ("torch.Tensor", "numpy.ndarray"):
            return ARRAY if path == "torch.Tensor" else MISSING
        return MISSING

    def lib_class_like(self, path: str) -> bool:
        """True if a full name is that of a class of a library that is known."""
        home, _, name = path.rpartition(".")
        return (home == "torch.nn" and (name in LAYERS or name in EMPTY)) or path in BY_NAME

    def _layer_class(self, path: str, name: str) -> Class:
        """The class of a layer, made when it is first asked for."""
        scope = self.library("torch")
        found = scope.slots.get(f"@{name}")
        if isinstance(found, Class):
            return found
        module = scope.slots["Module"]
        cls = Class(name, (module,), 0)
        cls.mro = (cls, *module.mro) if isinstance(module, Class) else (cls,)
        cls.slots["__init__"] = Builtin(
            path, lambda machine, args, node: machine.make_layer(args, node, name), method=True
        )
        cls.slots["@partly"] = True
        if name in EMPTY or name in LAYERS:
            cls.slots["forward"] = Builtin(
                "forward", lambda machine, args, _: _forward(machine, args, name), method=True
            )
            cls.slots["from_pretrained"] = Builtin(
                "from_pretrained", lambda machine, args, node: _pretrained(machine, cls, args, node)
            )
        scope.slots[f"@{name}"] = cls
        return cls

    def make_layer(self, args: Args, node: ast.AST, kind: str) -> Value:
        """Give a layer its arguments as attributes."""
        owner = args.pos[0]
        if not isinstance(owner, Obj):
            return None
        names = SIGNATURES.get(kind, "").split()
        given: dict[str, Value] = dict(zip(names, args.pos[1:], strict=False)) | args.kw
        known = args.known and len(args.pos) - 1 <= len(names)
        kept = {
            name: _DEFAULTS[name] if known else Unknown() for name in names if name in _DEFAULTS and kind in _RELATIVES
        }
        for name, value in (kept | given).items():
            self.put(owner, name, _attribute_of(kind, name, value))
        self.put(owner, "@layer", Layer(kind, given if known else None))
        for value in args.pos[1:]:  # a layer within
            if isinstance(value, Obj) and kind not in SIGNATURES and self.is_module(value):
                self.put(owner, "module", value)
        return None

    def was_allocated(self, made: Obj) -> None:
        """Note an instance that there is now."""
        if len(self.modules) < MAX_MODULES and may_be_module(self, made):
            self.modules.append(made)

    def progress(self) -> int:
        """The amount that has been made of what is reported: LSTMs, and the layers around them."""
        return super().progress() + len(self.modules)

    def set_hidden(self, owner: Value, name: str, value: Value) -> None:
        """Set an attribute past what a module does with it: what is set so is none of its modules."""
        self.change(owner)
        self.set_plainly(owner, name, value)

    def vars_of(self, owner: Obj) -> Obj:
        """The dictionary of a thing's attributes, which changes with it: of a module it hides what is set there."""
        self.change(owner)
        return super().vars_of(owner)

    def change(self, owner: Value) -> None:
        """Say that a module may have other parameters and modules than those that are seen."""
        for thing in things(owner):
            if may_be_module(self, thing):
                self.put(thing, "@remade", True)

    def tensor_of(self, owner: Obj, name: str, *, sure: bool = False) -> Obj | None:
        """The parameter or buffer that a layer keeps under a name; None if it keeps none, and is not `sure` to."""
        layer, slot = owner.slots.get("@layer"), f"@tensor:{name}"
        if sure and "@lstm" in owner.slots:
            given: dict[str, Value] = {item: owner.slots[item] for item in FIELDS if item in owner.slots}
            layer = Layer("LSTM" if "num_layers" in given else "LSTMCell", given)
        if not isinstance(layer, Layer):
            return None
        if slot not in owner.slots:
            kept = layer.tensors()
            entry = LAYERS.get(layer.kind)
            known = kept if kept is not None else [item.name for item in entry.kept] if entry else ()
            if name not in known and not sure:
                return None
            made = array(self, kept.get(name, Unknown()) if kept is not None else Unknown())
            made.slots["@parameter"] = True
            owner.slots[slot] = made  # it was there on every path from the beginning
        found = owner.slots[slot]
        return found if isinstance(found, Obj) else None

    def is_module(self, value: Value) -> bool:
        """True if a value is surely a module of PyTorch."""
        cls = value.cls if isinstance(value, Obj) else None
        return isinstance(cls, Class) and any(
            isinstance(item, Class) and item is self.library("torch").slots["Module"] for item in cls.mro
        )

    def children(self, owner: Obj) -> list[tuple[str, Value]]:
        """The modules that a module holds, by name; unknown ones may be none."""
        found = [
            (name, value)
            for name, value in owner.slots.items()
            if not name.startswith("@")
            and (self.is_module(value) or (isinstance(value, Unknown) and any(map(self.is_module, value.may))))
        ]
        numbered = REORDERED in owner.slots and all(name.isdecimal() for name, _ in found)
        return sorted(found, key=lambda item: int(item[0])) if numbered else found

    def in_order(self, owner: Value, parts: list[Value]) -> Value:
        """A list of what a module holds; its order is not known if that of the attributes is not."""
        known = not isinstance(owner, Obj) or REORDERED not in owner.slots or len(parts) < 2  # one has no order
        numbered = isinstance(owner, Obj) and all(name.isdecimal() for name, _ in self.children(owner))
        return self.new_list(parts) if known or numbered else self.new("list", unknown_of(*parts))

    def cast(self, owner: Value, dtype: Value, *, sure: bool = True, seen: set[int] | None = None) -> None:
        """Change the dtype of every LSTM that a module holds."""
        seen = set() if seen is None else seen
        if isinstance(owner, Unknown):
            for thing in self.reach(owner.may):
                if "@lstm" in thing.slots:
                    self.put(thing, "@dtype", joined(thing.slots["@dtype"], dtype))
            return
        if not isinstance(owner, Obj) or id(owner) in seen:
            return
        seen.add(id(owner))
        if "@lstm" in owner.slots:
            self.put(owner, "@dtype", dtype if sure else joined(owner.slots["@dtype"], dtype))
        for _, child in self.children(owner):
            self.cast(child, dtype, sure=sure, seen=seen)

    def _not_found(self, owner: Value, cls: Value, name: str) -> Value:
        if not isinstance(owner, Obj) or not self.is_module(owner):
            return super()._not_found(owner, cls, name)
        number = _OF_LAYER.fullmatch(name) if self._is_recurrent(owner) else None
        kept = self._is_kept(owner, number) if number else False
        if name in _HELD or "@remade" in owner.slots or kept is None:
            self.may_raise()
            if name in _HELD:
                self.change(owner)  # what is done with them is not followed
            return Unknown(may=things(owner))
        tensor = self.tensor_of(owner, name, sure=kept)
        if tensor is not None:
            return tensor
        if name in _MODULE_HAS or (name in _RECURRENT_HAS and self._is_recurrent(owner)):
            self.may_raise()
            return Unknown(may=things(owner))
        return super()._not_found(owner, cls, name)

    def set_plainly(self, owner: Value, name: str, value: Value) -> None:
        """As `object.__setattr__` does; a tensor that a layer keeps can be taken from it too."""
        if (
            isinstance(value, Missing)
            and isinstance(owner, Obj)
            and self.is_module(owner)
            and name not in owner.slots
            and isinstance(self.lookup(owner.cls or MISSING, name), Missing)
        ):
            self._not_found(owner, owner.cls or MISSING, name)  # raises if there is none
            self.change(owner)
            return
        super().set_plainly(owner, name, value)

    def _is_kept(self, owner: Obj, tensor: re.Match[str]) -> bool | None:
        """Whether a recurrent layer keeps the tensor of a name; None if it is not known."""
        kind, part, number, reverse = tensor.groups()
        layers = owner.slots.get("num_layers", MISSING)
        if isinstance(layers, Missing) or number is None:  # a cell has no numbers
            return isinstance(layers, Missing) and number is None and part != "hr" and self._is_set(owner, "bias", kind)
        within = int(number) < layers if isinstance(layers, int) else None if int(number) else True
        parts = (
            within,
            self._is_set(owner, "bias", kind),
            self._is_set(owner, "bidirectional", "bias" if reverse else ""),
            self._is_set(owner, "proj_size", "bias" if part == "hr" else ""),
        )
        return False if False in parts else None if None in parts else True

    def _is_set(self, owner: Obj, name: str, kind: str) -> bool | None:
        return self.truth(owner.slots.get(name, False)) if kind == "bias" else True

    def _is_recurrent(self, value: Value) -> bool:
        cls = value.cls if isinstance(value, Obj) else None
        return isinstance(cls, Class) and self.library("torch").slots["RNNBase"] in cls.mro

    def lib_result(self, path: str, args: Args, node: ast.AST) -> Value:
        """The value that a call gives by rules for many functions; MISSING if none fits."""
        home, _, name = path.rpartition(".")
        if (
            home in ("torch.nn.functional", "torch", "numpy")
            and name in _STATELESS
            and args.pos
            and isinstance(args.pos[0], Obj)
            and args.pos[0].kind == "array"
        ):
            return array(self, shape_of(args.pos[0]))
        return MISSING


def _attribute_of(kind: str, name: str, value: Value) -> Value:
    """The attribute of an argument's name, which a layer need not keep as it is given; MISSING if that is a tensor."""
    if name in ("device", "dtype"):
        return MISSING
    if name == "add_bias_kv" or kind in ("TransformerEncoderLayer", "TransformerDecoderLayer"):
        return Unknown()
    if name == "bias" and kind not in _RELATIVES:  # those keep whether there is one
        return MISSING if value is True else None if value is False else Unknown()
    axes = int(kind[-2]) if name in _BY_AXIS and kind.startswith("Conv") else 1 if name == "normalized_shape" else 0
    if axes and not isinstance(value, str | tuple):
        return (value,) * axes if isinstance(value, int) else Unknown()
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Layer(Equatable):
    """All that is known of a layer that is no LSTM."""

    kind: str
    given: Mapping[str, Value] | None  # None if its arguments are not seen

    def either(self, other: object, names: tuple[str, ...]) -> "Layer":
        """All that is known if it was made in this way or in another."""
        if not isinstance(other, Layer) or other.kind != self.kind or self.given is None or other.given is None:
            return Layer("", None)
        either = Unknown(names)
        keys = {**self.given, **other.given}
        return Layer(
            self.kind,
            {key: joined(self.given.get(key, either), other.given.get(key, either), names) for key in keys},
        )

    def settings(self) -> dict[str, Setting] | None:
        """Its arguments that are known; None if not all of them are seen."""
        if self.given is None:
            return None
        found: dict[str, Setting] = {}
        for name, value in self.given.items():
            known = constant(value)
            if isinstance(known, list):
                known = tuple(known)
            if isinstance(known, bool | int | float | str | tuple | None):
                found[name] = known
            elif isinstance(value, Unknown):
                found[name] = "?"  # no number: a shape that it decides is not known
        axes = int(self.kind[-2]) if self.kind.startswith("Conv") else 1
        size = found.get("kernel_size")
        if axes > 1 and isinstance(size, int):
            found["kernel_size"] = (size,) * axes
        return found

    def tensors(self) -> dict[str, tuple[int, ...]] | None:
        """The parameters and buffers that it keeps; None if they are not known."""
        settings = self.settings()
        if settings is None or any(settings.get(name) == "?" for name in _SWITCHES):
            return None
        if self.kind in _WEIGHED:
            return None if any(settings.get(name) is not None for name in ("weight", "pos_weight")) else {}
        return None if self.kind in _MADE_INSIDE else kept_tensors(self.kind, settings)


def may_be_module(machine: Torch, value: Value) -> bool:
    """True if a value may be a module of PyTorch: of its classes, or of a class that is not known whole."""
    if machine.is_module(value):
        return True
    cls = value.cls if isinstance(value, Obj) and value.kind == "object" else None
    return isinstance(cls, Class) and not all(isinstance(item, Class) for item in cls.mro)


def _forward(machine: Torch, args: Args, name: str) -> Value:
    owner, value = args.pos[0], args.pos[1] if len(args.pos) > 1 else Unknown()
    shape = shape_of(value)
    if not isinstance(shape, tuple) or not isinstance(owner, Obj):
        return (
            Unknown(may=frozenset())
            if not isinstance(value, Obj) or value.kind != "array"
            else array(machine, Unknown())
        )
    if name == "Linear":
        return array(machine, (*shape[:-1], owner.slots.get("out_features", Unknown())) if shape else Unknown())
    if name == "Embedding":
        return array(machine, (*shape, owner.slots.get("embedding_dim", Unknown())))
    same_shape = name.startswith(
        (
            "Dropout",
            "ReLU",
            "GELU",
            "Tanh",
            "Sigmoid",
            "LayerNorm",
            "BatchNorm",
            "Identity",
            "LeakyReLU",
            "ELU",
            "SiLU",
            "Softmax",
            "LogSoftmax",
        )
    )
    return array(machine, shape if same_shape else Unknown())


def _pretrained(machine: Torch, cls: Class, args: Args, node: ast.AST) -> Value:
    shape = shape_of(args.pos[0]) if args.pos else Unknown()
    sizes = (
        shape
        if isinstance(shape, tuple) and len(shape) == 2
        else (Unknown(("embedding.num_embeddings",)), Unknown(("embedding.embedding_dim",)))
    )  # a matrix
    return machine.instantiate(cls, Args(list(sizes)), node)


@primitive("_lstm")
def _lstm(machine: Libraries, args: Args, _: ast.AST) -> Value:
    path = str(args.pos[0])
    del machine
    return Builtin(path, lambda inner, given, node: make_lstm(inner, path, given, node), method=True)


def make_lstm(machine: Torch, path: str, args: Args, node: ast.AST) -> Value:
    """Make an LSTM of the thing that is the first argument."""
    owner = args.pos[0]
    constructor = BY_NAME[path][0]
    rest = Args(args.pos[1:], args.kw, args.rest, args.more)
    call = machine.site or node
    given, places = machine.arguments_of(constructor, rest, call)
    unseen = rest.more or rest.rest
    if not isinstance(owner, Obj):
        machine.perhaps_lstm(unknown_of(owner), args, call)
        return None
    for name in FIELDS:
        if name in constructor.arguments:
            default = Unknown() if unseen is not None else _DEFAULTS.get(name, Unknown())
            machine.put(owner, name, given.get(name, default))
    record = Record(
        constructor,
        given,
        places,
        call,
        shown(call) if isinstance(call, ast.Call) else path,
        unseen,
        frozenset(name for name in given if name in places and machine.is_tainted(places[name])),
        tuple(machine.frames),
        machine.world.slots["dtype"],
    )
    machine.record(owner, record)
    return None


@primitive("_lstm_call")
def _lstm_call(machine: Libraries, args: Args, _: ast.AST) -> Value:
    del machine, args
    return Builtin("forward", lambda inner, given, node: run_lstm(inner, given, node), method=True)


def run_lstm(machine: Torch, args: Args, node: ast.AST) -> Value:
    """Give an LSTM its input: the shape is noted, and that of the output follows."""
    owner, value = args.pos[0], args.pos[1] if len(args.pos) > 1 else args.kw.get("input", Unknown())
    del node
    packed = value.slots.get("@packed") if isinstance(value, Obj) else None
    shape = shape_of(packed if isinstance(packed, Obj) else value)
    if not isinstance(owner, Obj):
        return unknown_of(*args.all)
    if isinstance(shape, tuple) and "@input" not in owner.slots:
        lengths = value.slots.get("@lengths") if isinstance(value, Obj) else None
        machine.put(owner, "@input", Use(shape, machine.site, lengths))
    hidden, directions = owner.slots.get("hidden_size", Unknown()), owner.slots.get("bidirectional", False)
    out: Value = owner.slots.get("proj_size") or hidden
    if "num_layers" not in owner.slots:  # a cell
        sizes = (shape[0], hidden) if isinstance(shape, tuple) and len(shape) == 2 else Unknown()  # a batch
        return (array(machine, sizes), array(machine, sizes))
    both = machine.truth(directions)
    width: Value = Unknown() if both is None or not isinstance(out, int) else out * (2 if both else 1)
    output = array(machine, (*shape[:-1], width) if isinstance(shape, tuple) and shape else Unknown())
    if isinstance(packed, Obj):
        outer = array(machine, Unknown())
        outer.slots["@packed"] = output
        output = outer
    states = array(machine, Unknown()), array(machine, Unknown())
    return (output, states)


class Use:
    """An array that is passed to an LSTM."""

    def __init__(self, shape: tuple[Value, ...], call: ast.AST | None, lengths: Value) -> None:
        self.shape = shape
        self.call = call
        self.lengths = lengths


@primitive("_relative")
def _relative(machine: Libraries, args: Args, _: ast.AST) -> Value:
    path = str(args.pos[0])
    del machine

    def make(inner: Torch, given: Args, node: ast.AST) -> Value:
        inner.relative(inner.site or node, path)
        return inner.make_layer(given, node, path.rpartition(".")[2])

    return Builtin(path, make, method=True)


@primitive("_cast_to")
def _cast_to(machine: Torch, args: Args, _: ast.AST) -> Value:
    owner = args.pos[0]
    for value in (*args.pos[1:], *args.kw.values()):
        dtype = machine.cast_name(value)
        if dtype:
            machine.cast(owner, dtype)
        elif isinstance(value, Unknown) and value.alts:
            names = [machine.cast_name(item) for item in value.alts]
            for name in names:
                if name:
                    machine.cast(owner, name, sure=False)
        elif isinstance(value, Obj) and value.kind == "array":
            machine.cast(owner, Unknown(), sure=False)
        elif isinstance(value, Unknown) and not _is_device(value):
            machine.cast(owner, Unknown(value.names), sure=False)
    return None


def _is_device(value: Unknown) -> bool:
    """True if a value that is not known is surely a device, as its name says."""
    return bool(value.names) and all(
        name.rpartition(".")[2].lower().startswith(("device", "torch.device", "cuda", "gpu"))
        or "device" in name.lower()
        for name in value.names
    )


@primitive("_children")
def _children(machine: Torch, args: Args, _: ast.AST) -> Value:
    return machine.in_order(args.pos[0], _distinct_children(machine, args.pos[0]))


def _distinct_children(machine: Torch, owner: Value) -> list[Value]:
    found: list[Value] = []
    for _, value in machine.children(owner) if isinstance(owner, Obj) else []:
        if not any(value is item for item in found):
            found.append(value)
    return found


@primitive("_children_to_train")
def _children_to_train(machine: Torch, args: Args, _: ast.AST) -> Value:
    """The children in any order, if each of them only notes its mode, with all that it holds; else as `_children`."""
    found, seen = _distinct_children(machine, args.pos[0]), set[int]()
    left = list(found)
    while left:
        module = left.pop()
        train = machine.lookup(module.cls, "train") if isinstance(module, Obj) else MISSING
        if not isinstance(train, Function) or not train.native:
            return machine.in_order(args.pos[0], found)
        if id(module) not in seen:
            seen.add(id(module))
            left += _distinct_children(machine, module)
    return machine.new_list(found)


@primitive("_children_all")
def _children_all(machine: Torch, args: Args, _: ast.AST) -> Value:
    found = _numbered(machine, args.pos[0])
    return (
        machine.new_list(value for _, value in found)
        if found is not None
        else machine.new("list", unknown_of(*args.all))
    )


@primitive("_named_children_all")
def _named_children_all(machine: Torch, args: Args, _: ast.AST) -> Value:
    found = _numbered(machine, args.pos[0])
    return machine.new_list(found) if found is not None else machine.new("list", unknown_of(*args.all))


def _numbered(machine: Torch, owner: Value) -> list[tuple[str, Value]] | None:
    """The modules in a container; None if it is not known."""
    if not isinstance(owner, Obj) or "@changed" in owner.slots:
        return None
    found = [(name, value) for name, value in owner.slots.items() if not name.startswith("@") and name != "training"]
    if any(isinstance(value, Unknown) and value.absent for _, value in found):
        return None
    numbered = [(name, value) for name, value in found if name.isdecimal()]
    if numbered and len(numbered) == len(found):
        return sorted(found, key=lambda item: int(item[0]))
    return found


@primitive("_named_children")
def _named_children(machine: Torch, args: Args, _: ast.AST) -> Value:
    found: list[Value] = [*machine.children(args.pos[0])] if isinstance(args.pos[0], Obj) else []
    return machine.in_order(args.pos[0], found)


@primitive("_named_modules")
def _named_modules(machine: Torch, args: Args, _: ast.AST) -> Value:
    found: list[tuple[Value, Value]] = []
    seen: set[int] = set()

    def walk(owner: Value, prefix: str) -> None:
        if id(owner) in seen:
            return
        seen.add(id(owner))
        found.append((prefix, owner))
        for name, child in machine.children(owner) if isinstance(owner, Obj) else []:
            walk(child, f"{prefix}.{name}" if prefix else name)

    walk(args.pos[0], str(args.pos[1]))
    return machine.new_list(found)


@primitive("_like")
def _like(machine: Torch, args: Args, node: ast.AST) -> Value:
    owner, modules = args.pos
    cls = owner.cls if isinstance(owner, Obj) else None
    if not isinstance(cls, Class):
        return unknown_of(*args.all)
    home = machine.library("torch").slots
    items = machine.items(modules)
    if items is None:
        return unknown_of(*args.all)
    if cls is home["ModuleList"]:
        return machine.instantiate(cls, Args([machine.new_list(items)]), node)
    return machine.instantiate(cls, Args(items), node)


@primitive("_hyperparameters")
def _hyperparameters(machine: Torch, args: Args, _: ast.AST) -> Value:
    owner = args.pos[0]
    if not isinstance(owner, Obj):
        return None
    frame = next(
        (item for item in reversed(machine.frames) if item.function is not None and not item.function.native), None
    )
    cls = machine.class_of_lib("pytorch_lightning.utilities.AttributeDict")
    made = Obj("dict", cls if isinstance(cls, Class) else TYPES["dict"], machine.born())
    values: dict[Value, Value] = {}
    if frame is not None and frame.function is not None:
        spec = frame.function.node.args
        for param in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs][1:]:
            values[param.arg] = frame.scope.slots.get(param.arg, Unknown())
            if (id(frame.scope), param.arg) in machine.tainted:
                machine.tainted.add((id(made), param.arg))
        if spec.kwarg:
            held = frame.scope.slots.get(spec.kwarg.arg)
            content = held.slots.get("@") if isinstance(held, Obj) else None
            values |= content.map if isinstance(content, Items) else {}
    asked = args.pos[1]
    unusual = not (isinstance(asked, tuple) and not asked)
    made.slots["@"] = Items(values, Unknown(absent=True) if unusual else None)
    machine.put(owner, "hparams", made)
    return None


@primitive("_buffer")
def _buffer(machine: Torch, args: Args, _: ast.AST) -> Value:
    owner, name, value, persistent = (args.pos + [Unknown()] * 4)[:4]
    if isinstance(owner, Obj) and isinstance(name, str):
        machine.set_attribute(owner, name, value)
        held = owner.slots.get("@buffers", ())
        others = tuple(item for item in held if item[0] != name) if isinstance(held, tuple) else ()
        machine.put(owner, "@buffers", (*others, (name, persistent)))
    else:
        machine.may_raise()
        machine.change(owner)
    return None


@primitive("_as_parameter")
def _as_parameter(machine: Torch, args: Args, node: ast.AST) -> Value:
    value = args.pos[0]
    return _parameter(machine, args, node) if isinstance(value, Obj) and value.kind == "array" else value


@primitive("_deepcopy")
def _deepcopy(machine: Torch, args: Args, _: ast.AST) -> Value:
    return copied(machine, args.pos[0], deep=True)


# Functions that matter.


@lib_function("torch.nn.Parameter")
def _parameter(machine: Libraries, args: Args, _: ast.AST) -> Value:
    value = args.pos[0] if args.pos else args.kw.get("data", Unknown())
    made = array(machine, shape_of(value), value.slots.get("@type") if isinstance(value, Obj) else None)
    made.slots["@parameter"] = True
    return made


@lib_function(
    *(
        f"torch.nn.utils.{name}"
        for name in ("weight_norm", "spectral_norm", "remove_weight_norm", "remove_spectral_norm")
    ),
    *(f"torch.nn.utils.parametrizations.{name}" for name in ("weight_norm", "spectral_norm", "orthogonal")),
    *(f"torch.nn.utils.parametrize.{name}" for name in ("register_parametrization", "remove_parametrizations")),
    *(f"torch.nn.utils.prune.{name}" for name in _PRUNING),
)
def _remade(machine: Torch, args: Args, _: ast.AST) -> Value:
    """A module whose parameters are others than before."""
    value = args.pos[0] if args.pos else args.kw.get("module", Unknown())
    machine.change(value)
    return value


@lib_function("torch.device", "torch.cuda.device")
def _device(_: Libraries, __: Args, ___: ast.AST) -> Value:
    return Lib("torch.device()")


@lib_function("torch.set_default_dtype")
def _set_default(machine: Libraries, args: Args, _: ast.AST) -> Value:
    value = args.pos[0] if args.pos else Unknown()
    dtype = machine.cast_name(value) if isinstance(machine, Arrays) else ""
    machine.put(machine.world, "dtype", dtype or unknown_of(value))
    return None


@lib_function("torch.set_default_tensor_type")
def _set_default_type(machine: Libraries, args: Args, _: ast.AST) -> Value:
    value = plain(args.pos[0]) if args.pos else Unknown()
    path = (
        value.name
        if isinstance(value, Builtin)
        else value.path
        if isinstance(value, Lib)
        else value
        if isinstance(value, str)
        else ""
    )
    known = {"DoubleTensor": "float64", "FloatTensor": "float32", "HalfTensor": "float16", "BFloat16Tensor": "bfloat16"}
    machine.put(machine.world, "dtype", known.get(path.rpartition(".")[2], unknown_of(value)))
    return None


@lib_function("torch.get_default_dtype")
def _get_default(machine: Libraries, _: Args, __: ast.AST) -> Value:
    dtype = machine.world.slots["dtype"]
    return Lib(f"torch.{dtype}") if isinstance(dtype, str) else dtype


@lib_function(
    "torch.nn.utils.rnn.pack_padded_sequence",
    "torch.nn.utils.rnn.pack_sequence",
    "torch.nn.utils.rnn.pad_packed_sequence",
)
def _packed(machine: Libraries, args: Args, node: ast.AST) -> Value:
    return machine.unknown_call("pack", args, lib=True)


@lib_function("torch.nn.utils.rnn.pack_padded_sequence")
def _pack(machine: Libraries, args: Args, _: ast.AST) -> Value:
    value = args.pos[0] if args.pos else args.kw.get("input", Unknown())
    made = array(machine, Unknown())
    lengths = args.pos[1] if len(args.pos) > 1 else args.kw.get("lengths")
    first = plain(args.pos[2] if len(args.pos) > 2 else args.kw.get("batch_first", False))  # the third
    shape = shape_of(value)
    if isinstance(value, Obj) and isinstance(shape, tuple) and isinstance(first, bool):
        made.slots["@packed"] = value
        held = lengths.slots.get("@items") if isinstance(lengths, Obj) and lengths.kind == "array" else None
        if not isinstance(held, tuple) and isinstance(lengths, Obj | tuple):
            items = machine.items(lengths)
            held = tuple(items) if items is not None else None
        made.slots["@lengths"] = held
    return made


@lib_function("torch.nn.utils.rnn.pad_packed_sequence")
def _pad(machine: Libraries, args: Args, _: ast.AST) -> Value:
    value = args.pos[0] if args.pos else Unknown()
    inner = value.slots.get("@packed") if isinstance(value, Obj) else None
    return (inner if isinstance(inner, Obj) else array(machine, Unknown()), array(machine, Unknown()))


@lru_cache(maxsize=1)
def _harmless() -> frozenset[str]:
    return frozenset(LIB_FUNCTIONS)


@lib_function("torch.ao.quantization.quantize_dynamic", "torch.quantization.quantize_dynamic")
def _quantized(machine: Libraries, args: Args, node: ast.AST) -> Value:
    del node
    return Unknown(may=things(args.pos[0]) if args.pos else frozenset())
