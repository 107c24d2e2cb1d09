"""Functions and methods of PyTorch that go through modules, change their dtype, or make one of another.

Not here: layers and LSTMs (`torch`), and functions on arrays (`array_functions`).
"""

import ast
from functools import lru_cache
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import TYPES, plain
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Class,
    Items,
    Lib,
    Obj,
    Unknown,
    Value,
    things,
    unknown_of,
)
from lstmcalc.readers.python.layers.arrays import Arrays, array, shape_of
from lstmcalc.readers.python.layers.torch import Torch, run_lstm
from lstmcalc.readers.python.layers.torch_layers import DEFAULTS, SIGNATURES
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, lib_function, primitive
from lstmcalc.readers.python.libraries.libraries import Libraries
from lstmcalc.readers.python.libraries.standard_copies import copied

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


@primitive("_relative")
def _relative(machine: Libraries, args: Args, _: ast.AST) -> Value:
    path = str(args.pos[0])
    del machine

    def make(inner: Torch, given: Args, node: ast.AST) -> Value:
        kind = path.rpartition(".")[2]
        inner.relative(inner.site or node, path)
        inner.make_layer(given, node, kind)
        owner = given.pos[0]
        for name in SIGNATURES[kind].split():
            if isinstance(owner, Obj) and name in DEFAULTS and name not in owner.slots:
                inner.put(owner, name, DEFAULTS[name] if given.known else Unknown())
        return None

    return Builtin(path, make, method=True)


@primitive("_relative_call")
def _relative_call(_: Libraries, __: Args, ___: ast.AST) -> Value:
    def run(machine: Torch, args: Args, node: ast.AST) -> Value:
        made = run_lstm(machine, args, node)
        if not isinstance(made, tuple):
            return made
        output, states = made
        return (output, states[0]) if isinstance(states, tuple) else output  # no cell state

    return Builtin("forward", run, method=True)


@primitive("_state")
def _state(_: Libraries, __: Args, ___: ast.AST) -> Value:
    """The tensors of a module by name, which do not lead to the module."""
    return Unknown()


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
