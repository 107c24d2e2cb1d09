"""PyTorch: its layers, what makes an LSTM, and what changes the dtype of one that is made.

The arguments of an LSTM cannot change once it is made. Its dtype can, through whatever holds it.

Not here: its containers, which are ordinary classes (`library_classes.table`), and arrays (`arrays`).
"""

import ast
from collections.abc import Mapping
from typing import Final

from lstmcalc.frameworks.layers import EMPTY, LAYERS
from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.heap import REORDERED
from lstmcalc.readers.python.core.joins import joined
from lstmcalc.readers.python.core.machine import Builtin
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Class,
    Missing,
    Obj,
    Scope,
    Unknown,
    Value,
    things,
    unknown_of,
)
from lstmcalc.readers.python.layers.arrays import ARRAY, Arrays, array, shape_of
from lstmcalc.readers.python.layers.records import BY_NAME, Record, shown
from lstmcalc.readers.python.layers.torch_layers import DEFAULTS, FIELDS, SIGNATURES, Layer
from lstmcalc.readers.python.layers.torch_names import MODULE_HAS, RECURRENT_HAS
from lstmcalc.readers.python.libraries.known import primitive
from lstmcalc.readers.python.libraries.libraries import Libraries

MAX_MODULES: Final = 20_000  # that are looked through for LSTMs
_FOR_EACH_AXIS: Final = ("normalized_shape", "kernel_size", "stride", "padding", "dilation")
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

    def library(self, home: str) -> Scope:
        """The module with the classes of a library."""
        known, found = f"library:{home}" in self.libraries, super().library(home)
        for name in ("LightningModule", "LightningDataModule") if home == "torch" and not known else ():
            found.slots[name].slots["@partly"] = True  # type: ignore[attr-defined]  # a class
        return found

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
        for name, value in given.items():
            self.put(owner, name, _as_kept(kind, name, value))
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

    def tensor_of(self, owner: Obj, name: str) -> Obj | None:
        """The parameter or buffer that a layer of a table keeps under a name; None if it keeps none."""
        layer, slot = owner.slots.get("@layer"), f"@tensor:{name}"
        if not isinstance(layer, Layer):
            return None
        if slot not in owner.slots:
            kept = layer.tensors()
            entry = LAYERS.get(layer.kind)
            if name not in (kept if kept is not None else [item.name for item in entry.kept] if entry else ()):
                return None
            made = array(self, kept[name] if kept is not None else Unknown())
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
        tensor = self.tensor_of(owner, name) if isinstance(owner, Obj) else None
        if tensor is not None:
            return tensor
        if self.is_left_out(cls, name):
            self.may_raise()
            return Unknown(may=things(owner))
        return super()._not_found(owner, cls, name)

    def is_left_out(self, cls: Value, name: str) -> bool:
        """True for an attribute that a class has, and that is not written down here."""
        scope = self.libraries.get("library:torch")
        if scope is not None and isinstance(cls, Class) and scope.slots["Module"] in cls.mro:
            recurrent = scope.slots["RNNBase"] in cls.mro
            if name in MODULE_HAS or (recurrent and (name in RECURRENT_HAS or name.startswith(("weight_", "bias_")))):
                return True
        return super().is_left_out(cls, name)

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


def _as_kept(kind: str, name: str, value: Value) -> Value:
    """An argument as the layer keeps it: one size for each axis."""
    axes = 1 if name == "normalized_shape" else int(kind[-2]) if kind.startswith("Conv") and kind[-1] == "d" else 0
    if axes and name in _FOR_EACH_AXIS and isinstance(plain(value), int):
        return (plain(value),) * axes
    return value


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
            default = Unknown() if unseen is not None else DEFAULTS.get(name, Unknown())
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


# Functions that matter.
