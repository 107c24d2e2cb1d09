"""Models and layers of Keras in its own JSON: their LSTMs, and the input of each.

The output of `to_json()`, the config.json of a `.keras` file, and `json.dumps(...get_config())` of a model or of a
layer, of Keras 3, 2 and 1. All other settings of layers are ignored; a layer of an unknown class only hides the width
of its output.

Not here: the meaning of an LSTM's arguments (`frameworks.constructors`), and the output sizes of other layers (`flow`).

Sources: keras 3.15.1 (keras/src/saving/serialization_lib.py, keras/src/models/functional.py, sequential.py,
keras/src/layers/rnn/bidirectional.py) and tf_keras 2.21.0, both run; Keras 1 from models that others published, as
{"class_name": "Sequential", "keras_version": "1.1.0", "config": [...]}.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.errors import NoLstmError, SourceError, shorten
from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.constructors import CONSTRUCTORS, RELATIVES, Given, read_arguments
from lstmcalc.readers.found import Found
from lstmcalc.readers.keras import flow as keras_flow
from lstmcalc.readers.keras.flow import Stream
from lstmcalc.readers.text.positions import KeyPath, Places
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.activations import default_gates
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting
from lstmcalc.spec.words import with_dots

Config = Mapping[str, Any]

_LSTMS: Final = ("LSTM", "CuDNNLSTM", "LSTMCell")
_RELATIVES: Final = frozenset(name.rpartition(".")[2] for name in RELATIVES if name.startswith("keras."))
_SUPPORTED: Final = "a layer LSTM, CuDNNLSTM or RNN(LSTMCell)"
_MAX_DEPTH: Final = 30  # models in models and layers in wrappers
# Arguments that are shapes: they are read as such, and not as arguments of the constructor.
_SHAPE_KEYS: Final = ("batch_input_shape", "batch_shape", "input_shape")
# The settings of an RNN besides those of its cell.
_RNN_KEYS: Final = ("return_sequences", "return_state", "go_backwards", "time_major")
_COUNTED: Final = ("backward_layer.units", "backward_layer.use_bias", "backward_layer.output_dim", "backward_layer = ")
# The settings that both directions must share; the last two by their names in Keras 1.
_ALIKE: Final = ("units", "use_bias", "activation", "recurrent_activation", "output_dim", "inner_activation")


class _Layer(NamedTuple):
    """A layer as it is written."""

    kind: str  # its class
    config: Any  # its configuration; for a Sequential of Keras 1, its layers
    node: Config  # the object around the configuration, with `class_name`; empty if the configuration is alone
    path: KeyPath  # the path of the node, or of the configuration if it is alone

    @property
    def arguments(self) -> Config:
        """Its configuration by name; empty if that is a list."""
        return self.config if isinstance(self.config, Mapping) else {}

    @property
    def inside(self) -> KeyPath:
        """The path of its configuration."""
        return (*self.path, "config") if self.node else self.path

    @property
    def spot(self) -> KeyPath:
        """The path that errors point at."""
        return (*self.path, "class_name" if self.node else "name")

    @property
    def name(self) -> str:
        """Its name; empty if it has none."""
        for name in (self.arguments.get("name"), self.node.get("name")):
            if isinstance(name, str):
                return name
        return ""


class _Core(NamedTuple):
    """One LSTM that a layer computes: most layers have one, an RNN of stacked cells has several."""

    kind: str  # the constructor whose arguments it has: `LSTM` or `CuDNNLSTM`
    config: Config  # its arguments
    paths: Mapping[str, KeyPath]  # the path of each argument
    cell: str  # in its arrays' names, the part after the layer: `lstm_cell`, `stacked_rnn_cells/lstm_cell_1`
    text: str  # its constructor call, in one line
    shape: object = None  # the input shape that is stored for it alone
    suffix: str = ""  # the end of its name, after the layer's; empty if it is the only one
    source_kind: str = "LSTM"  # the class that the configuration names: `LSTM`, `CuDNNLSTM`, `LSTMCell`


class _Flow(NamedTuple):
    """The input of a layer."""

    stream: Stream = Stream()
    stated: bool = False  # True if the document itself states the width


class _Home(NamedTuple):
    """The models and wrappers around a layer, as names and groups show them."""

    names: tuple[str, ...] = ()  # names of the models and wrappers around it, with which its own name begins
    prefix: tuple[str, ...] = ()  # in Keras 3, the first parts of its arrays' names
    alias: str = ""  # in Keras 2, the wrapper's name that replaces its own in its arrays' names
    folder: str = ""  # its group in files of the format of Keras 3; empty if unknown
    top: str = ""  # the layer of the outermost model that it is in, or is


class Placed(NamedTuple):
    """The place of an LSTM's arrays in a file."""

    folder: str  # the group of its layer in files of the format of Keras 3, e.g. `layers/sequential/layers/lstm`
    top: str  # the layer of the outermost model that it is in, or is: its group in older files
    names: tuple[str, ...]  # names of the models and wrappers around it, its layer, its cell; the outermost first
    both: bool  # True if it is bidirectional
    cell: int  # its index in a stack of cells
    cells: int  # the number of cells in that stack
    arguments: Config  # its own configuration
    naming: tuple[str, ...]  # a sentence on the names of its arrays, where `Found.path` cannot say them


class Beside(NamedTuple):
    """A layer beside the LSTMs."""

    name: str
    kind: str  # its class
    arguments: Config
    features: int | None  # the last axis of its input; None if unknown


class _Wrapper(NamedTuple):
    """The Bidirectional around an LSTM."""

    layer: _Layer
    merge_mode: object
    forward: str  # name of the forward layer
    backward: str  # name of the backward layer
    different: tuple[str, ...]  # the settings in which the backward layer differs


def looks_like_keras(tree: object) -> bool:
    """True if this is a model or a layer as Keras writes it."""
    if isinstance(tree, Mapping) and isinstance(tree.get("class_name"), str) and "config" in tree:
        return True
    return bool(_bare_kind(tree))


def read_keras(tree: object, source: SourceText, places: Places) -> list[Found]:
    """The LSTMs of a model, or of a layer, in the order in which they are written.

    Args:
        tree: What `looks_like_keras` says is Keras'.
        source: The text.
        places: Where its keys stand.

    Raises:
        SourceError: There is not an LSTM, or this is not how Keras writes layers.
    """
    return [found._replace(notes=(*found.notes, *placed.naming)) for found, placed in read_placed(tree, source, places)]


def read_placed(tree: object, source: SourceText, places: Places) -> list[tuple[Found, Placed]]:
    """The LSTMs of a model as from `read_keras`, each with the place of its arrays in a file."""
    reader = _Reader(source, places, tree)
    reader.read()
    return [(found, reader.placed[id(found)]) for found in reader.found]


def read_beside(tree: object, source: SourceText, places: Places) -> list[Beside]:
    """The layers beside the LSTMs of a model, also of models in it, each once, in the order in which they are read."""
    reader = _Reader(source, places, tree)
    reader.read()
    return reader.beside


def _bare_kind(tree: object) -> str:
    """The class of a configuration that is alone; empty if it is not of a model, a wrapper or a recurrent layer."""
    if isinstance(tree, list):
        return "Sequential" if tree and all(_is_node(item) for item in tree) else ""
    if not isinstance(tree, Mapping):
        return ""
    layers = tree.get("layers")
    if isinstance(layers, list) and layers and _is_node(layers[0]):
        return "Functional" if "input_layers" in tree else "Sequential"
    if _is_node(tree.get("layer")):
        return "Bidirectional" if "merge_mode" in tree else "TimeDistributed"
    if _is_node(tree.get("cell")):
        return "RNN"
    return _bare_recurrent(tree)


def _bare_recurrent(tree: Config) -> str:
    """The class of a recurrent layer's configuration: only LSTM has a setting for the bias of the forget gate."""
    if not any(key in tree for key in ("recurrent_initializer", "recurrent_activation", "inner_activation")):
        return ""
    gated = "recurrent_activation" in tree or "inner_activation" in tree
    if "filters" in tree:
        return "ConvLSTM2D"
    if "units" not in tree and "output_dim" not in tree:
        return ""
    if "unit_forget_bias" not in tree and "forget_bias_init" not in tree:
        return "GRU" if gated else "SimpleRNN"
    if "return_sequences" not in tree:
        return "LSTMCell"
    return "LSTM" if gated else "CuDNNLSTM"


def _is_node(item: object) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("class_name"), str)


class _Reader:
    """The reader of one document."""

    def __init__(self, source: SourceText, places: Places, tree: object) -> None:
        self.found: list[Found] = []
        self.placed: dict[int, Placed] = {}  # by the id of each item of `found`
        self._source = source
        self._places = places
        self._tree = tree
        self.beside: list[Beside] = []
        self._relatives: list[_Layer] = []
        self._kinds: list[str] = []
        self._depth = 0
        version = tree.get("keras_version") if isinstance(tree, Mapping) else None
        self._version = version if isinstance(version, str) else ""
        self._major = self._version[:1]

    def read(self) -> None:
        """Find the LSTMs; if there are none, the error names the layers."""
        kind = "" if _is_node(self._tree) else _bare_kind(self._tree)
        root = _Layer(kind, self._tree, {}, ()) if kind else self._layer_at(self._tree, ())
        if _is_model(root):
            self._model(root, [], _Home())
        else:
            self._read_layer(root, [], _Home())
        if not self.found:
            raise self._nothing()

    def _nothing(self) -> SourceError:
        listed = list(dict.fromkeys(self._kinds))
        shown = with_dots([shorten(kind)[1:-1] for kind in listed], 6)
        if self._relatives:
            relative = self._relatives[0]
            span = self._places.whole(relative.spot)
            return self._source.error(span, f"{relative.kind} is not an LSTM", _SUPPORTED, shown, kind=NoLstmError)
        return NoLstmError("no LSTM is recognised in this model of Keras", _SUPPORTED, shown, where=self._source.name)

    def _error(self, layer: _Layer, what: str, expected: str = "", found: str = "") -> SourceError:
        return self._source.error(self._places.whole(layer.spot), what, expected, found)

    def _pointer(self, path: KeyPath) -> Pointer:
        return self._source.pointer(self._places.whole(path))

    def _layer_at(self, node: object, path: KeyPath) -> _Layer:
        """The layer that a node is; refused if it is not one."""
        kind = node.get("class_name") if isinstance(node, Mapping) else None
        config = node.get("config") if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping) or not isinstance(kind, str) or not isinstance(config, Mapping | list | None):
            raise self._source.error(
                self._places.whole(path),
                "this is not a Keras layer",
                'an object with "class_name" and "config"',
                shorten(node),
            )
        # "Package>Name" is a class that somebody else registered: "Addons>LSTM" is not the LSTM of Keras.
        return _Layer(kind, {} if config is None else config, node, path)

    # --- Models

    def _model(self, model: _Layer, flows: Sequence[_Flow], home: _Home) -> tuple[Stream, ...]:
        """Read the layers of a model, and return its outputs."""
        listed = model.config if isinstance(model.config, list) else model.arguments.get("layers")
        base = model.inside if isinstance(model.config, list) else (*model.inside, "layers")
        if not isinstance(listed, list):
            raise self._error(model, "this model has no layers", "a list of layers", shorten(listed))
        layers = [self._layer_at(node, (*base, index)) for index, node in enumerate(listed)]
        homes = [
            home._replace(folder=f"{home.folder}layers/{folder}", top=home.top or layer.name)
            for layer, folder in zip(layers, _folders(layers), strict=True)
        ]
        if "input_layers" in model.arguments or any("inbound_nodes" in layer.node for layer in layers):
            return self._graph(model, layers, flows, homes)
        flow = flows[0] if flows else _Flow()
        for layer, own in zip(layers, homes, strict=True):
            flow = _Flow(self._read_layer(layer, [flow], own)[0])
        return (flow.stream,)

    def _graph(
        self, model: _Layer, layers: list[_Layer], flows: Sequence[_Flow], homes: Sequence[_Home]
    ) -> tuple[Stream, ...]:
        """Read the layers of a Functional, each after its inputs; LSTMs stay in the order in which they are written."""
        before, found = self.found, dict[int, list[Found]]()
        inputs = [name for name, _ in _references(model.arguments.get("input_layers"))]
        given = dict(zip(inputs, flows, strict=False))
        returned: dict[str, tuple[Stream, ...]] = {}
        reads = [_inbound_tensors(layer.node) for layer in layers]
        for index in _in_order([layer.name for layer in layers], reads):
            layer, self.found = layers[index], []
            read = [_flow_of(tensor, returned) for tensor in reads[index]]
            read = read or [given[layer.name]] if layer.name in given else read
            returned[layer.name] = self._read_layer(layer, read, homes[index])
            found[index] = self.found
        self.found = before + [one for index in sorted(found) for one in found[index]]
        outputs = _references(model.arguments.get("output_layers"))
        return tuple(_pick(returned, name, tensor) for name, tensor in outputs) or (Stream(),)

    # --- Layers

    def _read_layer(self, layer: _Layer, flows: Sequence[_Flow], home: _Home) -> tuple[Stream, ...]:
        """Read one layer: find its LSTMs, and return its outputs."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error(layer, "models are nested too deeply", f"at most {_MAX_DEPTH} levels")
        try:
            return self._read_kind(layer, flows, home)
        finally:
            self._depth -= 1

    def _read_kind(self, layer: _Layer, flows: Sequence[_Flow], home: _Home) -> tuple[Stream, ...]:
        self._kinds.append(layer.kind)
        if _is_model(layer):
            return self._model(layer, flows, self._inside_model(layer, home))
        flow = _shaped_flow(layer, flows[0] if flows else _Flow())
        if layer.kind == "Bidirectional":
            return self._bidirectional(layer, flow, home)
        if layer.kind == "TimeDistributed":
            return self._time_distributed(layer, flow, home)
        cores = self._cores(layer)
        if cores:
            return self._lstms(layer, cores, flow, home)
        if not _is_node(layer.arguments.get("layer")):  # a wrapper has what is in it
            self.beside.append(Beside(layer.name, layer.kind, layer.arguments, flow.stream.features))
        self._look_inside(layer, home)
        if len(flows) > 1:
            return (keras_flow.merged_stream(layer.kind, layer.arguments, [each.stream for each in flows]),)
        return (keras_flow.stream_after(layer.kind, layer.arguments, flow.stream),)

    def _inside_model(self, model: _Layer, home: _Home) -> _Home:
        """The home of a model's layers; Keras 3 names only the nearest model in their arrays, if it is a Sequential."""
        names = (*home.names, model.name) if model.name else home.names
        prefix = (model.name,) if model.kind == "Sequential" and model.name else ()
        return _Home(names, prefix, folder=f"{home.folder}/" if home.folder else "", top=home.top)

    def _look_inside(self, layer: _Layer, home: _Home) -> None:
        """Read the layers inside of another layer: of a wrapper, or of the Merge of Keras 1; note relatives of LSTM."""
        if layer.kind in _RELATIVES:
            self._relatives.append(layer)
        inner = layer.arguments.get("layer")
        if _is_node(inner):
            self._read_layer(self._layer_at(inner, (*layer.inside, "layer")), [], _inside_wrapper(home))
        branches = layer.arguments.get("layers")
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            if _is_node(branch):
                self._read_layer(self._layer_at(branch, (*layer.inside, "layers", index)), [], home)

    def _time_distributed(self, layer: _Layer, flow: _Flow, home: _Home) -> tuple[Stream, ...]:
        """Read a layer that is applied to each step of an outer sequence."""
        inner = self._layer_at(layer.arguments.get("layer"), (*layer.inside, "layer"))
        stream = flow.stream
        rank = None if stream.rank is None else stream.rank - 1
        # If a shape has two axes of steps, a stream keeps only the outer one; the inner batch is N times that.
        steps = _Flow(stream._replace(seq_len=None, batch=None, rank=rank), flow.stated)
        names = (*home.names, layer.name) if layer.name else home.names
        around = _inside_wrapper(home)._replace(names=names, prefix=(*home.prefix, layer.name), alias=layer.name)
        one = self._read_layer(inner, [steps], around)[0]
        rank = None if one.rank is None else one.rank + 1
        return (one._replace(seq_len=stream.seq_len, batch=stream.batch, rank=rank),)

    def _bidirectional(self, layer: _Layer, flow: _Flow, home: _Home) -> tuple[Stream, ...]:
        """Read both directions of a recurrent layer."""
        forward = self._layer_at(layer.arguments.get("layer"), (*layer.inside, "layer"))
        cores = self._cores(forward)
        if not cores:
            backward = layer.arguments.get("backward_layer") or layer.arguments.get("layer")
            for each in (forward, self._layer_at(backward, (*layer.inside, "backward_layer"))):
                self.beside.append(Beside(layer.name, each.kind, each.arguments, flow.stream.features))
            self._kinds.append(forward.kind)
            self._look_inside(forward, home)
            return (keras_flow.stream_after(layer.kind, layer.arguments, flow.stream),)
        other = layer.arguments.get("backward_layer")
        backward = None if other is None else self._layer_at(other, (*layer.inside, "backward_layer"))
        framework = self._framework(forward, cores[0])
        names = _directions(forward.name, None if backward is None else backward.name, framework)
        different = () if backward is None else _differences(forward, backward)
        counted = [item for item in different if item.startswith(_COUNTED)]
        if counted:
            raise self._error(layer, "both directions must be alike", "the same units and biases", ", ".join(counted))
        mode = layer.arguments.get("merge_mode", "concat")
        return self._lstms(forward, cores, flow, home, _Wrapper(layer, mode, *names, different))

    def _cores(self, layer: _Layer) -> list[_Core]:
        """The LSTMs that a layer itself computes; none if it is another layer."""
        config = layer.arguments
        if layer.kind in _LSTMS:
            kind = "CuDNNLSTM" if layer.kind == "CuDNNLSTM" else "LSTM"
            paths = {key: (*layer.inside, key) for key in config}
            text = f"{layer.kind}({_units(config)})"
            return [_Core(kind, config, paths, "lstm_cell", text, source_kind=layer.kind)]
        if layer.kind not in ("RNN", "StackedRNNCells"):
            return []
        cells = [layer] if layer.kind == "StackedRNNCells" else [*self._inner_layers(layer, "cell")]
        stacked = cells[0].name if cells and cells[0].kind == "StackedRNNCells" else ""
        if stacked or (cells and cells[0].kind == "StackedRNNCells"):
            cells = [*self._inner_layers(cells[0], "cells")]
        self._relatives += [cell for cell in cells if cell.kind in _RELATIVES]
        self._kinds += [cell.kind for cell in cells]
        return [
            self._cell_core(layer, cell, stacked, len(cells), last=cell is cells[-1])
            for cell in cells
            if cell.kind == "LSTMCell"
        ]

    def _inner_layers(self, layer: _Layer, key: str) -> Iterator[_Layer]:
        """The layers at a key: one, or a list of them."""
        held, path = layer.arguments.get(key), (*layer.inside, key)
        if isinstance(held, list):
            for index, item in enumerate(held):
                yield self._layer_at(item, (*path, index))
        else:
            yield self._layer_at(held, path)

    def _cell_core(self, layer: _Layer, cell: _Layer, stacked: str, count: int, *, last: bool) -> _Core:
        """The LSTM that an RNN makes of a cell; every cell but the last returns sequences, whatever the RNN returns."""
        own = {key: layer.arguments[key] for key in _RNN_KEYS if key in layer.arguments}
        own |= {} if last else {"return_sequences": True}
        paths = {key: (*layer.inside, key) for key in own} | {key: (*cell.inside, key) for key in cell.arguments}
        name = "/".join(part for part in (stacked, cell.name) if part)
        suffix = (cell.name or "lstm_cell") if count > 1 else ""
        text = f"{layer.kind}(LSTMCell({_units(cell.arguments)}))"
        return _Core("LSTM", {**cell.arguments, **own}, paths, name, text, _built_shape(cell.node), suffix, "LSTMCell")

    # --- LSTMs

    def _lstms(
        self, layer: _Layer, cores: list[_Core], flow: _Flow, home: _Home, wrapper: _Wrapper | None = None
    ) -> tuple[Stream, ...]:
        """Read the LSTMs of one layer, of which each reads the one before, and return the outputs of the last."""
        flow = _shaped_flow(layer, flow)
        stream = flow.stream
        for index, core in enumerate(cores):
            alone = keras_flow.stream_of_shape(core.shape)
            if alone.features is not None:
                flow = _Flow(flow.stream._replace(features=alone.features), stated=True)
            found = self._lstm(layer, core, flow, home, wrapper)
            self.found.append(found)
            outer = wrapper.layer if wrapper else layer
            names = tuple(name for name in (*home.names, outer.name, core.cell) if name)
            top = home.top or outer.name
            naming = _array_path(found.framework, outer, core, home, wrapper)[1]
            self.placed[id(found)] = Placed(
                home.folder, top, names, wrapper is not None, index, len(cores), core.config, naming
            )
            stream = _returned_stream(core, found, flow.stream, wrapper)
            # Each direction has a stack of its own: the next cell reads one direction.
            following = _returned_stream(core, found, flow.stream, None)
            flow = _Flow(following._replace(reads="") if wrapper else following)
        state = stream._replace(seq_len=None, rank=1, reads="")
        if wrapper:
            return (stream, stream) if wrapper.merge_mode is None else (stream,)
        return (stream, state, state)

    def _lstm(self, layer: _Layer, core: _Core, flow: _Flow, home: _Home, wrapper: _Wrapper | None) -> Found:
        """One LSTM."""
        outer = wrapper.layer if wrapper else layer
        framework = self._framework(layer, core)
        where = self._source.place(self._places.whole(outer.spot).line) or None
        reading = read_arguments(
            _constructor(framework, core.kind), self._given_arguments(layer, framework, core), where
        )
        if "hidden_size" not in reading.layer:
            raise self._error(layer, f"this {layer.kind} has no size", '"units", e.g. 20')
        gates, odd = self._gates_by_default(framework, core)
        name = ".".join(part for part in (*home.names, outer.name or "lstm", core.suffix) if part)
        path, _ = _array_path(framework, outer, core, home, wrapper)
        found = Found(
            name=name,
            framework=framework,
            text=f"{wrapper.layer.kind}({core.text})" if wrapper else core.text,
            where=where,
            layer=reading.layer,
            pointers={"": self._pointer(outer.spot), **reading.pointers},
            gaps=reading.gaps,
            reads=flow.stream.reads,
            options={**reading.options, **gates, **({"merge_mode": wrapper.merge_mode} if wrapper else {})},
            notes=reading.notes,
            unmodelled=(*reading.unmodelled, *odd, *(wrapper.different if wrapper else ())),
            path=path,
            kind=core.source_kind if core.source_kind in ("CuDNNLSTM", "LSTMCell") else "LSTM",
        )
        return self._with_data(found, outer, flow, both=wrapper is not None)

    def _gates_by_default(self, framework: str, core: _Core) -> tuple[dict[str, str | None], tuple[str, ...]]:
        """The gates' function as an option, and the objection to it, if the configuration states none; else nothing."""
        name = "inner_activation" if framework == "keras1" else "recurrent_activation"
        gates = default_gates(framework, self._version)
        if name in core.config or gates == "sigmoid":
            return {}, ()
        return {name: gates}, (f"{name} = {shorten(gates)}",) if gates else ()

    def _given_arguments(self, layer: _Layer, framework: str, core: _Core) -> dict[str, Given]:
        """The arguments that the constructor knows, each with its place."""
        constructor = _constructor(framework, core.kind)
        given = {}
        for key, value in core.config.items():
            if key not in constructor.arguments or key in _SHAPE_KEYS:
                continue
            field = constructor.fields.get(key, "dtype")
            if (field != "dtype" and isinstance(value, Mapping | list)) or (field == "hidden_size" and value is None):
                what = f"{key} of this {layer.kind} is not a number"
                raise self._source.error(self._places.whole(core.paths[key]), what, found=shorten(value))
            given[key] = Given(_plain_value(value), self._pointer(core.paths[key]))
        return given

    def _with_data(self, found: Found, layer: _Layer, flow: _Flow, *, both: bool) -> Found:
        """The LSTM with the sizes of its input: input_size, and those of the data that are fixed."""
        stream = flow.stream
        if found.options.get("time_major") is True:
            stream = stream._replace(seq_len=stream.batch, batch=stream.seq_len)
        origin = Origin("source", found.where, "stated" if flow.stated else "inferred")
        sizes = {"input_size": stream.features, "seq_len": stream.seq_len, "batch": stream.batch}
        read = {
            field: Setting(size, origin)
            for field, size in sizes.items()
            if size is not None and field not in found.layer
        }
        if both:
            read["bidirectional"] = Setting(True, origin._replace(certainty="stated"))
        spot = _shape_path(layer) if flow.stated else layer.spot
        pointers = {field: self._pointer(spot) for field in read}
        settings = {**found.layer, **read}
        gaps = {} if "input_size" in settings else {"input_size": Gap("nothing: Keras takes it from the data")}
        return found._replace(layer=settings, pointers={**found.pointers, **pointers}, gaps={**found.gaps, **gaps})

    def _framework(self, layer: _Layer, core: _Core) -> str:
        """The framework of a layer: by the document's version, else by keys that only one of them writes."""
        if core.kind == "CuDNNLSTM":
            return "keras-cudnn"
        if self._major == "1" or "output_dim" in core.config or "inner_activation" in core.config:
            return "keras1"
        if self._major:
            return "keras2" if self._major == "2" else "keras"
        if "implementation" in core.config or "time_major" in core.config:
            return "keras2"
        typed = isinstance(core.config.get("dtype"), Mapping) or "zero_output_for_mask" in core.config
        return "keras" if typed or "module" in layer.node or "registered_name" in layer.node else "keras2"


def _inside_wrapper(home: _Home) -> _Home:
    """The home of the layer inside of a wrapper."""
    return home._replace(folder=f"{home.folder}/layer" if home.folder else "")


def _folders(layers: Sequence[_Layer]) -> list[str]:
    """The names of the groups of a model's layers in files of the format of Keras 3: by class, and numbered.

    Source: `_save_container_state` of keras/src/saving/saving_lib.py and `to_snake_case` of keras/src/utils/naming.py,
    keras 3.15.1; the same of tf_keras 2.21.0.
    """
    used: dict[str, int] = {}
    names = []
    for layer in layers:
        name = re.sub(r"\W+", "", layer.kind.rpartition(">")[2])
        name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
        name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
        used[name] = used.get(name, -1) + 1
        names.append(f"{name}_{used[name]}" if used[name] else name)
    return names


def _is_model(layer: _Layer) -> bool:
    """True if a layer is a model, also one of a custom class that Keras writes like a Functional."""
    if layer.kind in ("Sequential", "Functional", "Model"):
        return True
    return isinstance(layer.arguments.get("layers"), list) and "input_layers" in layer.arguments


def _constructor(framework: str, kind: str) -> Constructor:
    """The constructor of a kind of layer in a framework."""
    return next(
        each
        for each in CONSTRUCTORS
        if each.framework == framework and any(name.rpartition(".")[2] == kind for name in each.names)
    )


def _units(config: Config) -> str:
    return shorten(config.get("units", config.get("output_dim", "...")))


def _plain_value(value: Any) -> Any:  # noqa: ANN401  # whatever Keras writes
    """A value; for a serialised function, its name."""
    named = isinstance(value, Mapping) and isinstance(value.get("config"), str)
    return value["config"] if named else value


def _returned_stream(core: _Core, found: Found, stream: Stream, wrapper: _Wrapper | None) -> Stream:
    """The output of an LSTM: hidden_size features, twice as many if two directions are concatenated."""
    size = found.layer["hidden_size"].value
    features = size if isinstance(size, int) else None
    joined = wrapper is None or wrapper.merge_mode == "concat"
    if features and wrapper and joined:
        features *= 2
    every = core.config.get("return_sequences") is True
    return Stream(features, found.name, stream.seq_len if every else None, stream.batch, 2 if every else 1)


def _array_path(
    framework: str, outer: _Layer, core: _Core, home: _Home, wrapper: _Wrapper | None
) -> tuple[str, tuple[str, ...]]:
    """The prefix of the names of an LSTM's arrays; if they have none in common, empty, and a note with the names.

    Keras 2 names no models around a layer, and a TimeDistributed instead of the layer in it; Keras 3 names both.
    """
    name = outer.name or "lstm"
    if framework == "keras":
        name = "/".join((*home.prefix, name))
    elif framework != "keras1":
        name = home.alias or name
    forward = backward = ""
    if wrapper:
        name = "" if framework == "keras1" else f"{name}/"
        forward, backward = wrapper.forward, wrapper.backward
    # After the layer's name, the table of frameworks has one fixed name for the cell, or none.
    cell = "" if framework in ("keras1", "keras-cudnn") else core.cell
    stem = forward.removeprefix("forward_")
    if cell in ("", "lstm_cell") and (forward, backward) in (("", ""), (f"forward_{stem}", f"backward_{stem}")):
        return f"{name}{{direction}}_{stem}" if wrapper else name, ()
    listed = [f"{name}{each}/{cell}/kernel".replace("//", "/") for each in dict.fromkeys((forward, backward))]
    return "", (f"its arrays are called {' and '.join(listed)}, and so on",)


def _directions(forward: str, backward: str | None, framework: str) -> tuple[str, str]:
    """The names of the two layers in a Bidirectional; in Keras 3, a backward layer that is given keeps its own name."""
    if framework == "keras":
        given = forward.removeprefix("forward_")
        return f"forward_{given}", f"backward_{forward.removeprefix('backward_')}" if backward is None else backward
    return f"forward_{forward}", f"backward_{forward if backward is None else backward}"


def _differences(forward: _Layer, backward: _Layer) -> tuple[str, ...]:
    """The settings of the backward layer that differ from the forward one, as they cannot in PyTorch."""
    if forward.kind != backward.kind:
        return (f"backward_layer = {shorten(backward.kind)}",)
    pairs = [(forward.arguments, backward.arguments), (_cell_config(forward), _cell_config(backward))]
    return tuple(
        f"backward_layer.{key} = {shorten(_plain_value(other[key]))}"
        for one, other in pairs
        for key in _ALIKE
        if key in other and one.get(key, other[key]) != other[key]
    )


def _cell_config(layer: _Layer) -> Config:
    """The configuration of the cell of an RNN; empty if it has none."""
    cell = layer.arguments.get("cell")
    config = cell.get("config") if isinstance(cell, Mapping) else None
    return config if isinstance(config, Mapping) else {}


# --- Shapes and tensors


def _shaped_flow(layer: _Layer, flow: _Flow) -> _Flow:
    """The input of a layer, with the sizes of the shape that it was built with or given, if there is one."""
    shape = _built_shape(layer.node)
    known = keras_flow.stream_of_shape(shape)
    if known.features is None and layer.kind != "InputLayer":
        known = keras_flow.stream_after("InputLayer", {key: layer.arguments.get(key) for key in _SHAPE_KEYS}, Stream())
    if known.features is None:
        return flow
    stream = flow.stream
    return _Flow(
        Stream(
            known.features,
            stream.reads,
            stream.seq_len if known.seq_len is None else known.seq_len,
            stream.batch if known.batch is None else known.batch,
            known.rank,
        ),
        stated=True,
    )


def _shape_path(layer: _Layer) -> KeyPath:
    """The path of the shape of a layer's input; of the layer itself, if the shape is elsewhere."""
    if _built_shape(layer.node) is not None:
        return (*layer.path, "build_config")
    return next(((*layer.inside, key) for key in _SHAPE_KEYS if key in layer.arguments), layer.spot)


def _built_shape(node: Config) -> object:
    """The shape that a layer was built with; the first, if it was built with states too."""
    built = node.get("build_config")
    if not isinstance(built, Mapping):
        return None
    shapes = built.get("shapes_dict")
    shape = built.get("input_shape")
    if isinstance(shapes, Mapping):
        shape = shapes.get("sequences_shape", next(iter(shapes.values()), None))
    return shape[0] if isinstance(shape, list) and shape and isinstance(shape[0], list) else shape


class _Tensor(NamedTuple):
    """A tensor that a layer reads."""

    name: str  # name of the layer that returns it
    output: int  # its index among the outputs of that layer
    shape: object = None  # if it is written


def _inbound_tensors(node: Config) -> list[_Tensor]:
    """The tensors that the first call of a layer reads; without its states in Keras 3, with them at the end in Keras 2.

    Keras 3 writes [{"args": [...], "kwargs": {...}}], Keras 2 [[["name", 0, 0, {}], ...]], or [["name", 0, 0, {}]].
    """
    calls = node.get("inbound_nodes")
    call = calls[0] if isinstance(calls, list) and calls else None
    if isinstance(call, Mapping):
        args, named = call.get("args"), call.get("kwargs")
        named = named if isinstance(named, Mapping) else {}
        first = args[0] if isinstance(args, list) and args else named.get("sequences", named.get("inputs"))
        return [tensor for item in (first if isinstance(first, list) else [first]) for tensor in _keras_tensor(item)]
    return [_Tensor(*reference) for reference in _references(call)]


def _keras_tensor(item: object) -> Iterator[_Tensor]:
    """A tensor as Keras 3 writes it; nothing if it is not one."""
    config = item.get("config") if isinstance(item, Mapping) else None
    if isinstance(config, Mapping):
        for name, index in _references(config.get("keras_history")):
            yield _Tensor(name, index, config.get("shape"))


def _references(item: object) -> list[tuple[str, int]]:
    """Names and indices of tensors: ["name", 0, 0], a list of such, or an object with such."""
    if isinstance(item, Mapping):
        item = list(item.values())
    if not isinstance(item, list) or not item:
        return []
    each = [item] if isinstance(item[0], str) else item
    return [
        (one[0], one[2])
        for one in each
        if isinstance(one, list) and len(one) > 2 and isinstance(one[0], str) and isinstance(one[2], int)  # noqa: PLR2004
    ]


def _flow_of(tensor: _Tensor, returned: Mapping[str, tuple[Stream, ...]]) -> _Flow:
    """The flow of a tensor: of its own shape if that is written, else of the layer that returns it."""
    stream, shape = _pick(returned, tensor.name, tensor.output), keras_flow.stream_of_shape(tensor.shape)
    if shape.features is None:
        return _Flow(stream)
    return _Flow(shape._replace(reads=stream.reads), stated=True)


def _pick(returned: Mapping[str, tuple[Stream, ...]], name: str, index: int) -> Stream:
    streams = returned.get(name, ())
    return streams[index] if 0 <= index < len(streams) else Stream()


def _in_order(names: Sequence[str], reads: Sequence[Sequence[_Tensor]]) -> Iterator[int]:
    """The indices of a graph's layers, each after those that it reads; those in cycles, or after one, come last."""
    at = {name: index for index, name in enumerate(names)}
    sources = [{at[tensor.name] for tensor in read if tensor.name in at} for read in reads]
    waiting = [len(each) for each in sources]
    readers: list[list[int]] = [[] for _ in names]
    for index, each in enumerate(sources):
        for origin in each:
            readers[origin].append(index)
    ready = [index for index in reversed(range(len(names))) if not waiting[index]]
    done = set()
    while ready:
        index = ready.pop()
        done.add(index)
        yield index
        for reader in reversed(readers[index]):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    yield from (index for index in range(len(names)) if index not in done)
