"""Keras: what flows from layer to layer, which is where the width of an LSTM's input comes from.

A symbolic tensor is an array with a shape, and what made it: a model that is called again is walked again with other
shapes. An LSTM takes its input size from the first array that it is given.

Not here: what each layer makes of a shape (`readers.keras.shapes`).
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Final

from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.readers.keras.shapes import KNOWN, POSITIONAL, shape_after
from lstmcalc.readers.python.arrays import array, shape_of, sizes_of
from lstmcalc.readers.python.classes_of_python import content_of, plain
from lstmcalc.readers.python.constants import constant
from lstmcalc.readers.python.libraries import LIB_FUNCTIONS, Libraries, primitive
from lstmcalc.readers.python.machine import Builtin, Function
from lstmcalc.readers.python.records import BY_NAME, Record, shown
from lstmcalc.readers.python.torch import Torch
from lstmcalc.readers.python.values import (
    MISSING,
    Args,
    Bound,
    Class,
    Items,
    Lib,
    Missing,
    Obj,
    Unknown,
    Value,
    things,
    unknown_of,
)

_LSTMS: Final = ("LSTM", "LSTMCell", "CuDNNLSTM")
_RELATIVES: Final = (
    "GRU",
    "GRUCell",
    "CuDNNGRU",
    "SimpleRNN",
    "SimpleRNNCell",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "ConvLSTM2DCell",
)
_MERGED: Final = {
    name: name.capitalize()
    for name in ("add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract")
}
_HOMES: Final = ("keras.layers.", "tf_keras.layers.")
_SHAPED: Final = ("batch_shape", "batch_input_shape", "shape", "input_shape", "input_dim")


class Keras(Torch):
    """Knows Keras."""

    deferred = False  # whether layers are run before there is an input

    def class_of_lib(self, path: str) -> Value:
        """The class of a library by its path, if it is written down here."""
        found = super().class_of_lib(path)
        if not isinstance(found, Missing):
            return found
        home = next((item for item in _HOMES if path.startswith(item)), "")
        name = path.removeprefix(home)
        if home and name[:1].isupper() and name != "Input":
            return self._keras_class(path, name)
        return MISSING

    def lib_class_like(self, path: str) -> bool:
        """True if a full name is that of a class of a library that is known."""
        home, _, name = path.rpartition(".")
        known = f"{home}." in _HOMES and (
            name in KNOWN or name in POSITIONAL or name in (*_LSTMS, *_RELATIVES, "Input")
        )
        return known or super().lib_class_like(path)

    def _keras_class(self, path: str, name: str) -> Value:
        """The class of a layer, made when it is first asked for."""
        scope = self.library("keras")
        found = scope.slots.get(f"@{path}")
        if isinstance(found, Class):
            return found
        if name in ("Layer", "Sequential", "Model") and not isinstance(scope.slots.get(name, MISSING), Missing):
            return scope.slots[name]
        base = scope.slots["Layer"]
        for kind in ("Layer", "Model", "Sequential"):
            scope.slots[kind].slots.setdefault("@partly", True)  # type: ignore[attr-defined]  # a class
            if kind != "Layer":
                scope.slots[kind].slots.setdefault("@layer", kind)  # type: ignore[attr-defined]  # as above
        cls = Class(name, (base,), 0)
        cls.mro = (cls, *base.mro) if isinstance(base, Class) else (cls,)
        cls.slots["__init__"] = Builtin(
            path, lambda machine, args, node: machine.make_keras(path, args, node), method=True
        )
        cls.slots["@layer"] = name
        scope.slots[f"@{path}"] = cls
        return cls

    def kind_of(self, layer: Value) -> str:
        """The class of a layer of Keras; empty if it is none, or the file's own."""
        cls = layer.cls if isinstance(layer, Obj) else None
        if not isinstance(cls, Class):
            return ""
        if cls.bound is not None and isinstance(self.lookup(cls, "call"), Function):
            return ""
        kind = self.lookup(cls, "@layer")
        return kind if isinstance(kind, str) else ""

    # Making layers.

    def make_keras(self, path: str, args: Args, node: ast.AST) -> Value:
        """Give a layer its arguments."""
        owner, name = args.pos[0], path.rpartition(".")[2]
        rest = Args(args.pos[1:], args.kw, args.rest, args.more)
        if not isinstance(owner, Obj):
            return None
        if name in _LSTMS and path in BY_NAME:
            self._make_keras_lstm(path, owner, rest, node)
            return None
        if name in _RELATIVES:
            self.relative(self.site or node, f"keras.layers.{name}")
        names = POSITIONAL.get(name)
        known = rest.known and names is not None and len(rest.pos) <= len(names)
        given: dict[str, Value] = {**dict(zip(names or (), rest.pos, strict=False)), **rest.kw}
        content = Items(dict(given), None if known else Unknown(absent=True))
        self.put(owner, "@config", self.new("dict", content))
        self.put(owner, "name", given.get("name", Unknown()))
        for slot, value in given.items():
            if slot in ("layer", "cell", "units", "backward_layer", "merge_mode", "filters"):
                self.put(owner, slot, value)
        self._clone_directions(name, given, node)
        return None

    def _clone_directions(self, name: str, given: Mapping[str, Value], node: ast.AST) -> None:
        """Note what is around an LSTM."""
        inner = given.get("layer", given.get("cell"))
        if name in ("Bidirectional", "RNN") and isinstance(inner, Obj) and "@lstm" in inner.slots:
            around = inner.slots.get("@around", ())
            self.put(
                inner,
                "@around",
                (*(around if isinstance(around, tuple) else ()), Around(name, dict(given), self.site or node)),
            )

    def _make_keras_lstm(self, path: str, owner: Obj, args: Args, node: ast.AST) -> None:
        call = self.site or node
        constructor = self._fitting(path, args)
        given, places = self.arguments_of(constructor, args, call)
        activation = given.get("activation")
        if isinstance(activation, int) and not isinstance(activation, bool):
            self.problem(
                call, f"activation of {shown(call)} cannot be a number", "a function, as 'tanh'", str(activation)
            )
        given = {name: plain(value) for name, value in given.items()}
        record = Record(
            constructor,
            given,
            places,
            call,
            shown(call),
            args.more or args.rest,
            frozenset(name for name in given if name in places and self.is_tainted(places[name])),
            tuple(self.frames),
        )
        self.put(
            owner, "@config", self.new("dict", Items(dict(given), Unknown(absent=True) if not args.known else None))
        )
        self.put(owner, "units", given.get("units", given.get("output_dim", Unknown())))
        self.put(owner, "name", given.get("name", Unknown()))
        self.record(owner, record)

    def _fitting(self, path: str, args: Args) -> Constructor:
        """Of the versions of a constructor, the first that its arguments are right for."""
        versions = BY_NAME[path]
        return next(
            (
                item
                for item in versions
                if set(args.kw) <= set(item.arguments) and len(args.pos) <= len(item.positional)
            ),
            versions[0],
        )

    def config_of(self, layer: Value) -> dict[str, Value] | None:
        """The arguments of a layer; None if they are not all known."""
        held = layer.slots.get("@config") if isinstance(layer, Obj) else None
        content = content_of(held) if isinstance(held, Obj) else None
        if not isinstance(content, Items) or content.rest is not None:
            return None
        return {str(key): value for key, value in content.map.items()}

    def _plain_config(self, layer: Value) -> dict[str, object] | None:
        config = self.config_of(layer)
        if config is None:
            return None
        made: dict[str, object] = {}
        for name, value in config.items():
            found = constant(value)
            if isinstance(found, Missing):
                items = (
                    self.items(value)
                    if isinstance(value, Obj) and value.kind == "list"
                    else value
                    if isinstance(value, tuple)
                    else None
                )
                found = tuple(plain(item) for item in items) if items is not None else value
            made[name] = found
        if "return_sequences" in made:
            known = self.truth(config["return_sequences"])
            made["return_sequences"] = known if known is not None else Unknown()
        return made

    # Calling layers.

    def call_layer(self, layer: Value, args: Args, node: ast.AST) -> Value:
        """The arrays that a layer gives for others."""
        given = args.pos[0] if args.pos else args.kw.get("inputs", Unknown())
        kind = self.kind_of(layer)
        if not isinstance(layer, Obj):
            return Unknown()
        if not kind:
            return self._call_own(layer, args, node)
        inputs = self.tensors_in(given)
        if kind == "Lambda":
            function = (self.config_of(layer) or {}).get("function", Unknown())
            return self.call(function, Args([given]), node) if not isinstance(function, Unknown) else Unknown()
        if kind == "MultiHeadAttention" and len(args.pos) > 1:
            inputs = [given, args.pos[1]]
        result = self.flow(layer, kind, [shape_of(item) for item in inputs])
        return self._traced(result, layer, inputs)

    def _traced(self, result: Value, layer: Obj, inputs: Sequence[Value]) -> Value:
        """The arrays of a result, with what made them."""
        if isinstance(result, Shapes):
            made = [self._traced(item, layer, inputs) for item in result.shapes]
            for place, item in enumerate(made):
                if isinstance(item, Obj):
                    item.slots["@place"] = place
            return self.new_list(made)
        out = array(self, result if isinstance(result, tuple) else Unknown())
        out.slots["@made"] = Graph(layer, tuple(inputs))
        return out

    def tensors_in(self, given: Value) -> list[Value]:
        """The arrays in an argument."""
        if isinstance(given, Obj) and given.kind == "array":
            return [given]
        if isinstance(given, Obj) and given.kind == "dict":
            content = content_of(given)
            return list(content.map.values()) if isinstance(content, Items) and content.whole else [given]
        if isinstance(given, tuple) or (isinstance(given, Obj) and given.kind == "list"):
            items = self.items(given)
            return items if items is not None else [given]
        return [given]

    def _call_own(self, layer: Obj, args: Args, node: ast.AST) -> Value:
        """A call of a layer or a model of the file's."""
        for name in ("build",):
            method = self.lookup(layer.cls, name)
            if isinstance(method, Function) and not method.native and "@built" not in layer.slots:
                self.put(layer, "@built", True)
                shape = shape_of(args.pos[0]) if args.pos else Unknown()
                self.call(Bound(method, layer), Args([shape]), node)
        method = self.lookup(layer.cls, "call")
        if isinstance(method, Function):
            keywords = {
                key: value
                for key, value in args.kw.items()
                if key not in ("training", "mask") or key in {item.arg for item in method.node.args.args}
            }
            places = [item.arg for item in method.node.args.args]
            if "mask" in places and len(args.pos) < places.index("mask"):  # Keras gives it what the layers before made
                keywords.setdefault("mask", Unknown())
            return self.call(Bound(method, layer), Args(args.pos, keywords, args.rest, args.more), node)
        return self.unknown_call("a layer", args, layer, lib=True)

    def flow(self, layer: Obj, kind: str, shapes: Sequence[Value]) -> Value:
        """The shape that a layer returns for shapes; of several arrays, `Shapes`."""
        known = [shape if isinstance(shape, tuple) else None for shape in shapes]
        self._see_width(layer, shapes)
        if "@lstm" in layer.slots or kind in ("GRU", "SimpleRNN", "CuDNNGRU"):
            return self._through_recurrent(layer, kind, shapes)
        if kind == "Bidirectional":
            return self._through_both(layer, shapes)
        if kind == "TimeDistributed":
            return self._through_steps(layer, shapes)
        if kind == "RNN":
            return self._through_cells(layer, shapes)
        if kind in ("Sequential", "Model"):
            return self.through_model(layer, shapes)
        config = self._plain_config(layer)
        if config is None:
            return Unknown()
        made = shape_after(kind, config, known)
        if made is None and len(shapes) == 1:
            made = open_shape(kind, config, shapes[0])
        return made if made is not None else Unknown()

    def _see_width(self, layer: Obj, shapes: Sequence[Value]) -> None:
        """Note the width of what a layer is given first, from which it makes its weights."""
        first = shapes[0] if shapes else Unknown()
        if isinstance(first, tuple) and first:
            if not isinstance(layer.slots.get("@features"), int):
                self.put(layer, "@features", first[-1])
        elif not self.deferred:
            self.put(layer, "@features", Unknown())

    def see_input(self, layer: Obj, shape: Value) -> None:
        """Note the width of an LSTM's first input."""
        if "@lstm" not in layer.slots or isinstance(layer.slots.get("@fed"), tuple):
            return
        if isinstance(shape, tuple):
            self.put(layer, "@fed", shape)
        elif not self.deferred:
            self.put(layer, "@fed", Unknown())

    def _through_recurrent(self, layer: Obj, kind: str, shapes: Sequence[Value]) -> Value:
        shape = shapes[0] if shapes else Unknown()
        config = self._plain_config(layer) or {"return_sequences": Unknown()}
        self.see_input(layer, shape)
        made = shape_after("LSTM" if kind in _LSTMS else kind, config, [shape if isinstance(shape, tuple) else None])
        units = config.get("units", config.get("output_dim"))
        if isinstance(made, tuple) and made[0] is ...:
            made = None
        if made is None and isinstance(config.get("return_sequences"), bool):
            made = (None, None, units) if config["return_sequences"] else (None, units)
        elif made is None and config.get("return_sequences", False) is False:
            made = (None, units)
        if isinstance(made, tuple) and "@lstm" in layer.slots:
            made = wide_as(made, layer)
        state = config.get("return_state", False)
        if state is False or state == 0:
            return made if made is not None else Unknown()
        if state is not True and state != 1:
            return Unknown()
        first = shape[0] if isinstance(shape, tuple) and shape else None
        count = 1 if kind in ("GRU", "SimpleRNN", "CuDNNGRU") else 2
        return Shapes([made if made is not None else Unknown(), *[(first, units)] * count])

    def _through_both(self, layer: Obj, shapes: Sequence[Value]) -> Value:
        config = self.config_of(layer)
        inner = config.get("layer") if config else None
        if not isinstance(inner, Obj) or config is None:
            self._see_perhaps(inner)
            return Unknown()
        one = self.flow(inner, self.kind_of(inner), shapes)
        if "@lstm" not in inner.slots and not isinstance(config.get("backward_layer"), Obj):
            self.put(inner, "@twice", True)
        other = one
        backward = config.get("backward_layer")
        if isinstance(backward, Obj):
            other = self.flow(backward, self.kind_of(backward), shapes)
        mode = plain(config.get("merge_mode", "concat"))
        outputs = (
            (one.shapes[0], other.shapes[0]) if isinstance(one, Shapes) and isinstance(other, Shapes) else (one, other)
        )
        merged = self._merged(outputs[0], outputs[1], mode)
        if isinstance(backward, Obj) and isinstance(merged, tuple):  # the width is that of two LSTMs
            merged = tuple(int(size) if isinstance(size, Width) else size for size in merged)
        if isinstance(one, Shapes) and isinstance(other, Shapes):
            first = merged.shapes if isinstance(merged, Shapes) else [merged]
            return Shapes([*first, *one.shapes[1:], *other.shapes[1:]])
        return merged

    def _merged(self, one: Value, other: Value, mode: Value) -> Value:
        if not isinstance(one, tuple) or not isinstance(other, tuple):
            return Unknown()
        if mode is None:
            return Shapes([one, other])
        if mode in ("sum", "mul", "ave"):
            return one
        if mode != "concat":
            return Unknown()
        made = shape_after("Concatenate", {"axis": -1}, [one, one])  # as Keras does, whatever the other direction gives
        lstm = one[-1].lstm if isinstance(one[-1], Width) else None
        return Unknown() if made is None else made if lstm is None else wide_as(made, lstm)

    def _see_perhaps(self, inner: Value) -> None:
        for thing in self.reach(things(inner)):
            if "@lstm" in thing.slots and "@fed" not in thing.slots:
                self.put(thing, "@fed", Unknown())

    def _through_steps(self, layer: Obj, shapes: Sequence[Value]) -> Value:
        config = self.config_of(layer)
        inner = config.get("layer") if config else None
        shape = shapes[0] if shapes else Unknown()
        if not isinstance(inner, Obj) or not isinstance(shape, tuple) or len(shape) < 2:  # a batch of steps
            self._see_perhaps(inner)
            return Unknown()
        kind = self.kind_of(inner)
        step = (shape[0], *shape[2:])
        if kind:
            one = self.flow(inner, kind, [step])
        else:
            made = self._call_own(inner, Args([array(self, step)]), self.here)
            one = shape_of(made)
        return (shape[0], shape[1], *one[1:]) if isinstance(one, tuple) and one else Unknown()

    def _through_cells(self, layer: Obj, shapes: Sequence[Value]) -> Value:
        config = self._plain_config(layer)
        raw = self.config_of(layer)
        if config is None or raw is None:
            self._see_perhaps(layer.slots.get("cell"))
            return Unknown()
        cells = self._cells(raw.get("cell"))
        shape = shapes[0] if shapes else Unknown()
        if cells is None or not isinstance(shape, tuple) or len(shape) != 3:  # a batch of sequences
            self._see_perhaps(raw.get("cell"))
            return Unknown()
        width = shape[-1]
        for cell in cells:
            if isinstance(cell, Obj):
                self.see_input(cell, (shape[0], width))
            inner = self._plain_config(cell) or {}
            width = inner.get("units", Unknown())
        keeps, state = config.get("return_sequences", False), config.get("return_state", False)
        if not isinstance(keeps, bool | int) or state:
            return Unknown()
        return (shape[0], shape[1], width) if keeps else (shape[0], width)

    def _cells(self, value: Value) -> list[Value] | None:
        """The cells of an RNN, one after the other."""
        if isinstance(value, Obj) and self.kind_of(value) == "StackedRNNCells":
            return self._cells((self.config_of(value) or {}).get("cells"))
        if (isinstance(value, Obj) and value.kind == "list") or isinstance(value, tuple):
            return self.items(value)
        return (
            [value]
            if isinstance(value, Obj) and self.kind_of(value) in ("LSTMCell", "GRUCell", "SimpleRNNCell")
            else None
        )

    # Models.

    def through_model(self, model: Obj, shapes: Sequence[Value]) -> Value:
        """The shapes that a model returns for others: its layers are walked again."""
        layers = model.slots.get("@layers")
        if layers is not None:
            items = self.items(layers) if isinstance(layers, Obj) else None
            if items is None:
                self._see_perhaps(layers)
                return Unknown()
            result: Value = shapes[0] if len(shapes) == 1 else Unknown()
            for item in items:
                result = self._step(item, result)
            return result
        inputs, outputs = model.slots.get("@inputs"), model.slots.get("@outputs")
        if inputs is None or outputs is None:
            return Unknown()
        known = {id(item): shape for item, shape in zip(self.tensors_in(inputs), shapes, strict=False)}
        made = [self._again(item, known, 0) for item in self.tensors_in(outputs)]
        return made[0] if isinstance(outputs, Obj) and outputs.kind == "array" else Shapes(made)

    def _step(self, layer: Value, shape: Value) -> Value:
        if not isinstance(layer, Obj):
            self._see_perhaps(layer)
            return Unknown()
        if layer.kind == "array":
            return shape
        kind = self.kind_of(layer)
        if kind == "InputLayer":
            given = self.shape_given(layer)
            return shape if isinstance(shape, tuple) else given
        if kind and kind != "Lambda":
            return self.flow(layer, kind, [shape])
        return shape_of(
            self.call_layer(layer, Args([array(self, shape if isinstance(shape, tuple) else Unknown())]), self.here)
        )

    def _again(self, tensor: Value, known: dict[int, Value], depth: int) -> Value:
        """The shape of an array when the inputs have other shapes."""
        if id(tensor) in known:
            return known[id(tensor)]
        graph = tensor.slots.get("@made") if isinstance(tensor, Obj) else None
        if not isinstance(graph, Graph) or depth > 200:  # layers in a row
            return Unknown()
        self.spend()
        inputs = [self._again(item, known, depth + 1) for item in graph.inputs]
        kind = self.kind_of(graph.layer)
        made = self.flow(graph.layer, kind, inputs) if kind and kind != "Lambda" else Unknown()
        place = tensor.slots.get("@place", 0) if isinstance(tensor, Obj) else 0
        if isinstance(made, Shapes):
            made = made.shapes[place] if isinstance(place, int) and place < len(made.shapes) else Unknown()
        known[id(tensor)] = made
        return made

    def shape_given(self, layer: Obj) -> Value:
        """The shape that a layer states of its own input, the batch first; Unknown if it states none."""
        config = self.config_of(layer) or {}
        for name in _SHAPED:
            value = config.get(name)
            if value is None:
                continue
            if name == "input_dim":
                kind = self.kind_of(layer)
                if kind == "Embedding":
                    return (None, config.get("input_length"))
                recurrent = "@lstm" in layer.slots or kind in ("GRU", "SimpleRNN")
                return (None, plain(config.get("input_length")), plain(value)) if recurrent else (None, plain(value))
            sizes = sizes_of(self, [value]) if not isinstance(value, int) else (value,)
            if not isinstance(sizes, tuple):
                return Unknown()
            return sizes if name.startswith("batch") else (plain(config.get("batch_size")), *sizes)
        return Unknown()

    def flow_on(self, layer: Value, current: Value) -> Value:
        """The array that flows out of a Sequential behind one layer more; None if there is no input yet."""
        if not isinstance(layer, Obj):
            self._see_perhaps(layer)
            return Unknown()
        if layer.kind == "array":
            return layer
        if self.kind_of(layer) == "InputLayer":
            return array(self, self.shape_given(layer))
        if current is None:
            given = self.shape_given(layer)
            inner = (self.config_of(layer) or {}).get("layer")
            if not isinstance(given, tuple) and isinstance(inner, Obj) and self.kind_of(layer) != "TimeDistributed":
                given = self.shape_given(inner)  # of a layer for each step it has no steps
            if not isinstance(given, tuple) and self.kind_of(layer) in ("Sequential", "Model"):
                known = layer.slots.get("@current") or layer.slots.get("@outputs")
                return known if isinstance(known, Obj) else None
            if not isinstance(given, tuple):  # its first input comes later
                before, self.deferred = self.deferred, True
                made = self.call_layer(layer, Args([array(self, Unknown())]), self.here)
                self.deferred = before
                return made
            current = array(self, given)
        return self.call_layer(layer, Args([current]), self.here)

    def usual_attribute(self, path: str) -> Value:
        """The attribute of a module that a text without imports most probably means."""
        home, _, name = path.lstrip("~").rpartition(".")
        if name in ("LSTM", "LSTMCell") and home in ("", "torch.nn"):
            names = [
                item
                for item in (f"torch.nn.{name}", "keras.layers." + name if not home else "", f"flax.linen.{name}")
                if item
            ]
            return Builtin(f"usual:{name}", lambda machine, args, node: machine.usual_lstm(names, args, node))
        full = f"{home}.{name}".lstrip(".")
        found = self.class_of_lib(full)
        if not isinstance(found, Missing):
            return found
        return Builtin(full, LIB_FUNCTIONS[full]) if full in LIB_FUNCTIONS else Lib(full)

    def usual_lstm(self, names: Sequence[str], args: Args, node: ast.AST) -> Value:
        """Make what a name without an import most probably means: the first that the call is right for."""
        fitting = [item for name in names for item in BY_NAME.get(name, [])]
        allowed = [
            item
            for place, item in enumerate(fitting)
            if set(args.kw) <= set(item.arguments)
            and len(args.pos) <= (len(item.required) or 1 if place else len(item.positional))
        ]
        whole = [
            item
            for item in allowed
            if not args.known or set(item.required) <= {*item.positional[: len(args.pos)], *args.kw}
        ]
        bare = args.known and not args.pos and not args.kw
        chosen = (
            whole[0]
            if whole and not bare
            else next((item for item in allowed if item.framework.startswith("flax")), (allowed or fitting)[0])
        )
        cls = self.class_of_lib(next(name for name in chosen.names if name in names))
        return self.call(cls, args, node)


def open_shape(kind: str, config: Mapping[str, object], shape: Value) -> tuple[Value, ...] | None:
    """The shape that a layer returns for one whose last size alone is known, or none: `(..., 9)`.

    It is what the layer makes of the last axis whatever the rank is.
    """
    last = {"Dense": "units", "Embedding": "output_dim"}.get(kind)
    if last is not None and last in config:
        return (..., config[last])
    if not isinstance(shape, tuple) or shape[:1] != (...,):
        return None
    made = [shape_after(kind, config, [(None,) * rank + shape[1:]]) for rank in range(1, 5)]
    sizes = {item[-1] for item in made if item}
    size = sizes.pop() if len(sizes) == 1 else None
    return (..., size) if isinstance(size, int) else None


class Width(int):
    """The size of the last axis of what an LSTM gives, which follows that LSTM."""

    lstm: Obj


def wide_as(shape: tuple[Value, ...], lstm: Obj) -> tuple[Value, ...]:
    """A shape whose last size is that which an LSTM gives."""
    if not isinstance(shape[-1], int) or isinstance(shape[-1], bool):
        return shape
    width = Width(shape[-1])
    width.lstm = lstm
    return (*shape[:-1], width)


class Shapes:
    """The shapes of several arrays that a layer returns."""

    def __init__(self, shapes: Sequence[Value]) -> None:
        self.shapes = list(shapes)


class Graph:
    """The origin of an array: a layer, and the arrays that it was given."""

    def __init__(self, layer: Obj, inputs: tuple[Value, ...]) -> None:
        self.layer = layer
        self.inputs = inputs


class Around:
    """A wrapper around an LSTM, with its arguments."""

    def __init__(self, name: str, given: Mapping[str, Value], call: ast.AST) -> None:
        self.name = name
        self.given = given
        self.call = call


@primitive("_keras_call")
def _keras_call(machine: Keras, args: Args, node: ast.AST) -> Value:
    return machine.call_layer(args.pos[0], Args(args.pos[1:], args.kw, args.rest, args.more), node)


@primitive("_call_layer_with")
def _call_layer_with(machine: Keras, args: Args, node: ast.AST) -> Value:
    layer, values, keywords = args.pos
    content = content_of(keywords) if isinstance(keywords, Obj) else None
    given = {str(key): value for key, value in content.map.items()} if isinstance(content, Items) else {}
    return machine.call_layer(layer, Args(list(values) if isinstance(values, tuple) else [Unknown()], given), node)


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


@primitive("_array_of_shape")
def _array_of_shape(machine: Keras, args: Args, _: ast.AST) -> Value:
    return array(machine, sizes_of(machine, [args.pos[0]]))


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


for _home in ("keras", "keras.layers", "tf_keras", "tf_keras.layers", "keras.engine"):
    LIB_FUNCTIONS[f"{_home}.Input"] = _input


def _merging(name: str) -> None:
    """`keras.layers.add([a, b])` is `Add()([a, b])`."""

    def run(machine: Keras, args: Args, node: ast.AST) -> Value:
        cls = machine.class_of_lib(f"keras.layers.{_MERGED[name]}")
        layer = machine.call(cls, Args(args.pos[1:], args.kw), node)
        return machine.call_layer(layer, Args(args.pos[:1]), node)

    for home in _HOMES:
        LIB_FUNCTIONS[f"{home}{name}"] = run


for _name in _MERGED:
    _merging(_name)
