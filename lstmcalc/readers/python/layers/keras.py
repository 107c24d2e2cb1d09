"""Keras: what flows from layer to layer, which is where the width of an LSTM's input comes from.

A symbolic tensor is an array with a shape, and what made it: a model that is called again is walked again with other
shapes. An LSTM takes its input size from the first array that it is given.

Not here: what each layer makes of a shape (`readers.keras.shapes`).
"""

import ast
from collections.abc import Sequence
from typing import Final

from lstmcalc.readers.keras.shapes import shape_after
from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.machine import Function
from lstmcalc.readers.python.core.values import (
    Args,
    Bound,
    Items,
    Obj,
    Unknown,
    Value,
    things,
)
from lstmcalc.readers.python.layers.arrays import array, shape_of, sizes_of
from lstmcalc.readers.python.layers.keras_layers import LSTMS, KerasLayers
from lstmcalc.readers.python.layers.keras_tensors import Graph, Shapes, Width, open_shape, wide_as

_SHAPED: Final = ("batch_shape", "batch_input_shape", "shape", "input_shape", "input_dim")


class Keras(KerasLayers):
    """Knows Keras."""

    deferred = False  # whether layers are run before there is an input

    def call_layer(self, layer: Value, args: Args, node: ast.AST) -> Value:
        """The arrays that a layer gives for others."""
        given = args.pos[0] if args.pos else args.kw.get("inputs", Unknown())
        kind = self.kind_of(layer)
        if not isinstance(layer, Obj):
            return Unknown()
        if not kind:
            return self._call_own(layer, args, node)
        around = layer.slots.get("@around", ())
        if isinstance(around, tuple) and any(getattr(item, "name", "") == "Bidirectional" for item in around):
            self.perhaps_lstm(Unknown(why="Bidirectional has copies of this layer"), args, node)
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
        made = shape_after("LSTM" if kind in LSTMS else kind, config, [shape if isinstance(shape, tuple) else None])
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
                if isinstance(given, tuple) and "@lstm" in inner.slots:
                    why = "Keras takes no input shape from a layer within another: the first input decides"
                    self.put(inner, "@promised", why)  # Keras 3.15, and TensorFlow's Keras 2
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
