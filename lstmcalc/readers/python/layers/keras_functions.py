"""Functions of Keras, and what its classes call: models that are made of layers and of arrays.

Not here: what flows from layer to layer (`keras`).
"""

import ast
from typing import Final

from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.values import (
    CONTENT,
    Args,
    Items,
    Obj,
    Unknown,
    Value,
    things,
    unknown_of,
)
from lstmcalc.readers.python.layers.arrays import array, shape_of, sizes_of
from lstmcalc.readers.python.layers.keras import Keras
from lstmcalc.readers.python.layers.keras_layers import HOMES
from lstmcalc.readers.python.layers.keras_tensors import Graph
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, primitive
from lstmcalc.readers.python.libraries.libraries import Libraries
from lstmcalc.readers.python.libraries.standard_copies import copied

_DEFAULTS: Final = Unknown(absent=True)  # the rest of a configuration: what the layer has without it
_MERGED: Final = {
    name: name.capitalize()
    for name in ("add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract")
}


@primitive("_keras_call")
def _keras_call(machine: Keras, args: Args, node: ast.AST) -> Value:
    return machine.call_layer(args.pos[0], Args(args.pos[1:], args.kw, args.rest, args.more), node)


@primitive("_call_layer_with")
def _call_layer_with(machine: Keras, args: Args, node: ast.AST) -> Value:
    layer, values, keywords = args.pos
    content = content_of(keywords) if isinstance(keywords, Obj) else None
    given = {str(key): value for key, value in content.map.items()} if isinstance(content, Items) else {}
    return machine.call_layer(layer, Args(list(values) if isinstance(values, tuple) else [Unknown()], given), node)


@primitive("_config")
def _config(machine: Keras, args: Args, _: ast.AST) -> Value:
    """The arguments of a layer, and the defaults of all others; of a model, what another is made of."""
    owner = args.pos[0]
    made = machine.new("dict", Items({}, Unknown(absent=True)))
    kind = machine.kind_of(owner)
    if kind in ("Model", "Sequential"):
        made.slots["@model"] = owner
    elif (given := machine.config_of(owner)) is not None:
        made.slots[CONTENT] = Items(dict(given), _DEFAULTS)
    return made


@primitive("_of_config")
def _of_config(machine: Keras, args: Args, node: ast.AST) -> Value:
    """A layer of what `get_config` gave, perhaps changed."""
    cls, config = args.pos
    content = content_of(config) if isinstance(config, Obj) and config.kind == "dict" else None
    model = config.slots.get("@model") if isinstance(config, Obj) else None
    if machine.lookup(cls, "@layer") in ("Model", "Sequential"):
        if isinstance(model, Obj) and isinstance(content, Items) and not content.map:
            return copied(machine, model, deep=True)
        machine.perhaps_lstm(Unknown(why="what is in the configuration is not known"), args, node)
        return unknown_of(*args.all)
    if not isinstance(content, Items) or not all(isinstance(key, str) for key in content.map):
        return machine.call(cls, Args(more=unknown_of(config)), node)
    given = {str(key): copied(machine, value, deep=True) for key, value in content.map.items()}
    more = None if content.rest is None or content.rest is _DEFAULTS else content.rest
    return machine.call(cls, Args([], given, more=more), node)


def _cloned(machine: Keras, args: Args, node: ast.AST) -> Value:
    """A model like another, with layers and weights of its own."""
    owner = args.pos[0] if args.pos else args.kw.get("model", Unknown())
    if machine.kind_of(owner) in ("Model", "Sequential") and len(args.all) == 1:
        return copied(machine, owner, deep=True)
    return _perhaps(machine, args, node)


def _perhaps(machine: Keras, args: Args, node: ast.AST) -> Value:
    """A model of which nothing is known."""
    machine.perhaps_lstm(Unknown(why="what it is made of is not known"), args, node)
    return unknown_of(*args.all)


for _home in ("keras.models", "keras", "tf_keras.models"):
    LIB_FUNCTIONS[f"{_home}.clone_model"] = _cloned
    LIB_FUNCTIONS[f"{_home}.model_from_json"] = LIB_FUNCTIONS[f"{_home}.model_from_config"] = _perhaps


@primitive("_model")
def _model(machine: Keras, args: Args, _: ast.AST) -> Value:
    """Note the inputs and outputs of a functional model."""
    owner, values, keywords = args.pos
    content = content_of(keywords) if isinstance(keywords, Obj) else None
    given: dict[Value, Value] = dict(content.map) if isinstance(content, Items) else {}
    pos = list(values) if isinstance(values, tuple) else []
    inputs, outputs = (
        given.get("inputs", pos[0] if pos else None),
        given.get("outputs", pos[1] if len(pos) > 1 else None),
    )
    if isinstance(owner, Obj) and inputs is not None and outputs is not None:
        machine.put(owner, "@inputs", inputs)
        machine.put(owner, "@outputs", outputs)
        machine.put(owner, "@functional", True)
    return None


@primitive("_begin")
def _begin(machine: Keras, args: Args, _: ast.AST) -> Value:
    """Begin a Sequential without layers."""
    owner = args.pos[0]
    if isinstance(owner, Obj):
        machine.put(owner, "@layers", machine.new_list([]))
        machine.put(owner, "@current", None)
    return None


@primitive("_add")
def _add(machine: Keras, args: Args, _: ast.AST) -> Value:
    """Add a layer to a Sequential: what flows out of it flows on."""
    owner, layer = args.pos
    held = owner.slots.get("@layers") if isinstance(owner, Obj) else None
    content = content_of(held) if isinstance(held, Obj) else None
    if not isinstance(owner, Obj) or not isinstance(held, Obj):
        return machine.unknown_call("add()", args, lib=True)
    current = owner.slots.get("@current")
    machine.put(held, "@", (*content, layer) if isinstance(content, tuple) else unknown_of(content, layer))
    machine.put(owner, "@current", machine.flow_on(layer, current))
    return None


@primitive("_pop")
def _pop(machine: Keras, args: Args, _: ast.AST) -> Value:
    owner = args.pos[0]
    held = owner.slots.get("@layers") if isinstance(owner, Obj) else None
    content = content_of(held) if isinstance(held, Obj) else None
    if not isinstance(owner, Obj) or not isinstance(held, Obj) or not isinstance(content, tuple) or not content:
        machine.may_raise()
        for thing in things(owner):  # what flows out of it then is what flowed into a layer that is not known
            machine.put(thing, "@current", array(machine, Unknown()))
        return unknown_of(held, owner)
    machine.put(held, "@", content[:-1])
    current: Value = None
    for layer in content[:-1]:
        current = machine.flow_on(layer, current)
    machine.put(owner, "@current", current)
    return content[-1]


@primitive("_layers_of")
def _layers_of(machine: Keras, args: Args, _: ast.AST) -> Value:
    """The layers of a model; a Sequential does not list its input."""
    owner = args.pos[0]
    held = owner.slots.get("@layers") if isinstance(owner, Obj) else None
    content = content_of(held) if isinstance(held, Obj) else None
    if not isinstance(content, tuple) or not all(isinstance(item, Obj) for item in content):
        return machine.new("list", unknown_of(owner))
    kept = [
        item
        for item in content
        if isinstance(item, Obj) and item.kind != "array" and machine.kind_of(item) != "InputLayer"
    ]
    return machine.new_list(kept)


@primitive("_output_of")
def _output_of(_: Keras, args: Args, __: ast.AST) -> Value:
    owner = args.pos[0]
    found = (owner.slots.get("@current") or owner.slots.get("@outputs")) if isinstance(owner, Obj) else None
    return found if found is not None else Unknown(may=things(owner))


@primitive("_input_of")
def _input_of(machine: Keras, args: Args, _: ast.AST) -> Value:
    owner = args.pos[0]
    found = owner.slots.get("@inputs") if isinstance(owner, Obj) else None
    if found is None and isinstance(owner, Obj) and isinstance(owner.slots.get("@current"), Obj):
        tensor = owner.slots["@current"]
        while (
            isinstance(tensor, Obj) and isinstance(graph := tensor.slots.get("@made"), Graph) and len(graph.inputs) == 1
        ):
            tensor = graph.inputs[0]
        found = tensor
    del machine
    return found if found is not None else Unknown(may=things(owner))


@primitive("_is_array")
def _is_array(_: Keras, args: Args, __: ast.AST) -> Value:
    return isinstance(args.pos[0], Obj) and args.pos[0].kind == "array" and isinstance(shape_of(args.pos[0]), tuple)


@primitive("_build")
def _build(machine: Keras, args: Args, node: ast.AST) -> Value:
    """Run a model on an array of a shape; of a class of the file's, Keras 3 builds nothing that way (3.15)."""
    model = args.pos[0]
    fed = {id(thing) for thing in machine.reach(things(model)) if "@fed" in thing.slots}
    machine.call_layer(model, Args([array(machine, sizes_of(machine, [args.pos[1]]))]), node)
    for thing in [] if machine.kind_of(model) else machine.reach(things(model)):
        if "@lstm" in thing.slots and "@fed" in thing.slots and id(thing) not in fed:
            machine.put(thing, "@promised", "Keras 3 builds nothing by `build` of a class: the first input decides")
    return None


def _input(machine: Libraries, args: Args, _: ast.AST) -> Value:
    """A symbolic input."""
    names = ("shape", "batch_size", "dtype", "sparse", "ragged", "batch_shape", "name", "tensor")
    given = {**dict(zip(names, args.pos, strict=False)), **args.kw}
    if "tensor" in given and given["tensor"] is not None:
        return given["tensor"]
    whole = given.get("batch_shape", given.get("batch_input_shape"))
    if whole is not None:
        return array(machine, sizes_of(machine, [whole]))
    shape = given.get("shape")
    sizes = sizes_of(machine, [shape]) if shape is not None else Unknown()
    if isinstance(plain(shape), int):
        sizes = (plain(shape),)
    return array(
        machine, (plain(given.get("batch_size")), *sizes) if isinstance(sizes, tuple) and args.known else Unknown()
    )


def _merging(name: str) -> None:
    """`keras.layers.add([a, b])` is `Add()([a, b])`."""

    def run(machine: Keras, args: Args, node: ast.AST) -> Value:
        cls = machine.class_of_lib(f"keras.layers.{_MERGED[name]}")
        layer = machine.call(cls, Args(args.pos[1:], args.kw), node)
        return machine.call_layer(layer, Args(args.pos[:1]), node)

    for home in HOMES:
        LIB_FUNCTIONS[f"{home}{name}"] = run


for _home in ("keras", "keras.layers", "tf_keras", "tf_keras.layers", "keras.engine"):
    LIB_FUNCTIONS[f"{_home}.Input"] = _input


for _name in _MERGED:
    _merging(_name)
