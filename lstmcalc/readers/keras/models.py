"""Models and layers of Keras in its own JSON: which LSTMs they have, and what each reads.

What `to_json()` writes, what a `.keras` file has as config.json, and `json.dumps(...get_config())` of a model or of a
layer, of Keras 3, 2 and 1. What else a layer's configuration says is Keras' own business and is passed over; a layer of
an unknown class hides the width of what comes out of it, and nothing else.

Not here: what an LSTM's arguments mean (`constructors`), and how wide what other layers return is (`keras_flow`).

Sources: keras 3.15.1 (keras/src/saving/serialization_lib.py, keras/src/models/functional.py, sequential.py,
keras/src/layers/rnn/bidirectional.py) and tf_keras 2.21.0, both run; Keras 1 from models that others published, as
{"class_name": "Sequential", "keras_version": "1.1.0", "config": [...]}.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.errors import NoLstmError, SourceError, shorten
from lstmcalc.frameworks.constructors import CONSTRUCTORS, RELATIVES, Constructor, Given, read_arguments
from lstmcalc.readers.found import Found
from lstmcalc.readers.keras import flow as keras_flow
from lstmcalc.readers.keras.flow import Stream
from lstmcalc.readers.text.positions import KeyPath, Places
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting
from lstmcalc.spec.words import with_dots

Config = Mapping[str, Any]

_LSTMS: Final = ("LSTM", "CuDNNLSTM", "LSTMCell")
_RELATIVES: Final = frozenset(name.rpartition(".")[2] for name in RELATIVES if name.startswith("keras."))
_SUPPORTED: Final = "a layer LSTM, CuDNNLSTM or RNN(LSTMCell)"
_MAX_DEPTH: Final = 30  # models in models and layers in wrappers
# Shapes are read as shapes, whatever they are called.
_SHAPE_KEYS: Final = ("batch_input_shape", "batch_shape", "input_shape")
# What an RNN says of itself, besides what its cell says.
_RNN_KEYS: Final = ("return_sequences", "return_state", "go_backwards", "time_major")
_COUNTED: Final = ("backward_layer.units", "backward_layer.use_bias", "backward_layer.output_dim", "backward_layer = ")
# What both directions must have alike; the last three as Keras 1 calls them.
_ALIKE: Final = ("units", "use_bias", "activation", "recurrent_activation", "output_dim", "inner_activation")


class _Layer(NamedTuple):
    """A layer as it is written.

    Attributes:
        kind: Its class.
        config: Its configuration; of a Sequential of Keras 1, its layers.
        node: What the configuration stands in, with `class_name` and `build_config`; empty if it stands alone.
        path: The path of the node, or of the configuration that stands alone.
    """

    kind: str
    config: Any
    node: Config
    path: KeyPath

    @property
    def arguments(self) -> Config:
        """Its configuration by name."""
        return self.config if isinstance(self.config, Mapping) else {}

    @property
    def inside(self) -> KeyPath:
        """The path of its configuration."""
        return (*self.path, "config") if self.node else self.path

    @property
    def spot(self) -> KeyPath:
        """What of it is pointed at."""
        return (*self.path, "class_name" if self.node else "name")

    @property
    def name(self) -> str:
        """Its name; empty if it has none."""
        for name in (self.arguments.get("name"), self.node.get("name")):
            if isinstance(name, str):
                return name
        return ""


class _Core(NamedTuple):
    """One LSTM that a layer computes: most have one, an RNN of stacked cells has several.

    Attributes:
        kind: The constructor whose arguments it has: `LSTM` or `CuDNNLSTM`.
        config: Its arguments.
        paths: Where each of them stands.
        cell: What the names of its arrays have behind the layer's: `lstm_cell`, `stacked_rnn_cells/lstm_cell_1`.
        text: How it is made, in a line.
        shape: The shape that is written down for it alone.
        suffix: What its name has behind the layer's; empty if it is the only one.
        source_kind: The class that the configuration names: `LSTM`, `CuDNNLSTM`, `LSTMCell`.
    """

    kind: str
    config: Config
    paths: Mapping[str, KeyPath]
    cell: str
    text: str
    shape: object = None
    suffix: str = ""
    source_kind: str = "LSTM"


class _Flow(NamedTuple):
    """What flows into a layer, and whether the document itself says how wide it is."""

    stream: Stream = Stream()
    stated: bool = False


class _Home(NamedTuple):
    """Where a layer is.

    Attributes:
        names: The names of the models and wrappers around it, which its name begins with.
        prefix: What the names of its arrays begin with in Keras 3, divided by slashes.
        alias: What stands for its name there, if a wrapper's does.
        folder: Where files of the format of Keras 3 have it; empty if that is not known.
        top: The layer of the outermost model that it is in, or is.
    """

    names: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    alias: str = ""
    folder: str = ""
    top: str = ""


class Placed(NamedTuple):
    """Where a file has the arrays of an LSTM.

    Attributes:
        folder: The group of its layer in files of the format of Keras 3, as `layers/sequential/layers/lstm`.
        top: The layer of the outermost model that it is in, or is: its group in older files.
        names: What the layer is called, and what is around it and in it, from the outside to the inside.
        both: Whether it has two directions.
        cell: Which cell of a stack of cells it is, from 0.
        cells: How many that stack has.
        arguments: Its own configuration.
        naming: A sentence on the names of its arrays, where `Found.path` cannot say them.
    """

    folder: str
    top: str
    names: tuple[str, ...]
    both: bool
    cell: int
    cells: int
    arguments: Config
    naming: tuple[str, ...]


class _Wrapper(NamedTuple):
    """The Bidirectional around an LSTM: its name, how it merges, what the LSTM's arrays are called, what differs."""

    layer: _Layer
    merge_mode: object
    forward: str
    backward: str
    different: tuple[str, ...]


def looks_like_keras(tree: object) -> bool:
    """Whether this is how Keras writes a model or a recurrent layer."""
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
        SourceError: There is no LSTM, or this is not how Keras writes layers.
    """
    return [found._replace(notes=(*found.notes, *placed.naming)) for found, placed in read_placed(tree, source, places)]


def read_placed(tree: object, source: SourceText, places: Places) -> list[tuple[Found, Placed]]:
    """The LSTMs of a model as `read_keras` has them, each with where a file has its arrays.

    Raises:
        SourceError: As `read_keras`.
    """
    reader = _Reader(source, places, tree)
    reader.read()
    return [(found, reader.placed[id(found)]) for found in reader.found]


def _bare_kind(tree: object) -> str:
    """The class whose configuration this is, alone; empty if it is none of a model or of a recurrent layer."""
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
    """The recurrent layer whose configuration this is: LSTM alone has a bias of the forget gate to set."""
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
    """One reading of one document."""

    def __init__(self, source: SourceText, places: Places, tree: object) -> None:
        self.found: list[Found] = []
        self.placed: dict[int, Placed] = {}  # by the identity of what is found
        self._source = source
        self._places = places
        self._tree = tree
        self._relatives: list[_Layer] = []
        self._kinds: list[str] = []
        self._depth = 0
        version = tree.get("keras_version") if isinstance(tree, Mapping) else None
        self._major = version[:1] if isinstance(version, str) else ""

    def read(self) -> None:
        """Find the LSTMs, or say what there is instead."""
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
            return self._source.error(span, f"{relative.kind} is no LSTM", _SUPPORTED, shown, kind=NoLstmError)
        return NoLstmError("there is no LSTM in this model of Keras", _SUPPORTED, shown, where=self._source.name)

    def _error(self, layer: _Layer, what: str, expected: str = "", found: str = "") -> SourceError:
        return self._source.error(self._places.whole(layer.spot), what, expected, found)

    def _pointer(self, path: KeyPath) -> Pointer:
        return self._source.pointer(self._places.whole(path))

    def _layer_at(self, node: object, path: KeyPath) -> _Layer:
        """A layer as it is written."""
        kind = node.get("class_name") if isinstance(node, Mapping) else None
        config = node.get("config") if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping) or not isinstance(kind, str) or not isinstance(config, Mapping | list | None):
            raise self._source.error(
                self._places.whole(path),
                "this is no layer of Keras",
                'an object with "class_name" and "config"',
                shorten(node),
            )
        # "Package>Name" is a registered class of somebody else, and "Addons>LSTM" would be no LSTM of Keras.
        return _Layer(kind, {} if config is None else config, node, path)

    # --- Models

    def _model(self, model: _Layer, flows: Sequence[_Flow], home: _Home) -> tuple[Stream, ...]:
        """The layers of a model, and what it returns."""
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
        """The layers of a Functional, each after those that it reads, found in the order in which they are written."""
        before, found = self.found, dict[int, list[Found]]()
        inputs = [name for name, _ in _references(model.arguments.get("input_layers"))]
        given = dict(zip(inputs, flows, strict=False))
        returned: dict[str, tuple[Stream, ...]] = {}
        reads = [_inbound(layer.node) for layer in layers]
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
        """One layer: the LSTMs in it are found, and what it returns is told."""
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
        flow = _shaped(layer, flows[0] if flows else _Flow())
        if layer.kind == "Bidirectional":
            return self._bidirectional(layer, flow, home)
        if layer.kind == "TimeDistributed":
            return self._time_distributed(layer, flow, home)
        cores = self._cores(layer)
        if cores:
            return self._lstms(layer, cores, flow, home)
        self._look_inside(layer, home)
        if len(flows) > 1:
            return (keras_flow.merged(layer.kind, layer.arguments, [each.stream for each in flows]),)
        return (keras_flow.after(layer.kind, layer.arguments, flow.stream),)

    def _inside_model(self, model: _Layer, home: _Home) -> _Home:
        """The home of a model's layers: of the models around it, the arrays of Keras 3 name the nearest Sequential."""
        names = (*home.names, model.name) if model.name else home.names
        prefix = (model.name,) if model.kind == "Sequential" and model.name else ()
        return _Home(names, prefix, folder=f"{home.folder}/" if home.folder else "", top=home.top)

    def _look_inside(self, layer: _Layer, home: _Home) -> None:
        """What is no LSTM may be a relative, or hold layers that are: wrappers, and the Merge of Keras 1."""
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
        """A layer that sees each step of an outer sequence alone."""
        inner = self._layer_at(layer.arguments.get("layer"), (*layer.inside, "layer"))
        stream = flow.stream
        rank = None if stream.rank is None else stream.rank - 1
        # Of shapes with two axes of steps only the outer one is kept in a stream; the inner batch is N times that.
        steps = _Flow(stream._replace(seq_len=None, batch=None, rank=rank), flow.stated)
        names = (*home.names, layer.name) if layer.name else home.names
        around = _inside_wrapper(home)._replace(names=names, prefix=(*home.prefix, layer.name), alias=layer.name)
        one = self._read_layer(inner, [steps], around)[0]
        rank = None if one.rank is None else one.rank + 1
        return (one._replace(seq_len=stream.seq_len, batch=stream.batch, rank=rank),)

    def _bidirectional(self, layer: _Layer, flow: _Flow, home: _Home) -> tuple[Stream, ...]:
        """Both directions of a recurrent layer."""
        forward = self._layer_at(layer.arguments.get("layer"), (*layer.inside, "layer"))
        cores = self._cores(forward)
        if not cores:
            self._kinds.append(forward.kind)
            self._look_inside(forward, home)
            return (keras_flow.after(layer.kind, layer.arguments, flow.stream),)
        other = layer.arguments.get("backward_layer")
        backward = None if other is None else self._layer_at(other, (*layer.inside, "backward_layer"))
        framework = self._framework(forward, cores[0])
        names = _directions(forward.name, None if backward is None else backward.name, framework)
        different = () if backward is None else _different(forward, backward)
        counted = [item for item in different if item.startswith(_COUNTED)]
        if counted:
            raise self._error(layer, "both directions must be alike", "the same units and biases", ", ".join(counted))
        mode = layer.arguments.get("merge_mode", "concat")
        return self._lstms(forward, cores, flow, home, _Wrapper(layer, mode, *names, different))

    def _cores(self, layer: _Layer) -> list[_Core]:
        """The LSTMs that a layer computes itself; none if it is another layer."""
        config = layer.arguments
        if layer.kind in _LSTMS:
            kind = "CuDNNLSTM" if layer.kind == "CuDNNLSTM" else "LSTM"
            paths = {key: (*layer.inside, key) for key in config}
            text = f"{layer.kind}({_units(config)})"
            return [_Core(kind, config, paths, "lstm_cell", text, source_kind=layer.kind)]
        if layer.kind not in ("RNN", "StackedRNNCells"):
            return []
        cells = [layer] if layer.kind == "StackedRNNCells" else [*self._inner(layer, "cell")]
        stacked = cells[0].name if cells and cells[0].kind == "StackedRNNCells" else ""
        if stacked or (cells and cells[0].kind == "StackedRNNCells"):
            cells = [*self._inner(cells[0], "cells")]
        self._relatives += [cell for cell in cells if cell.kind in _RELATIVES]
        self._kinds += [cell.kind for cell in cells]
        return [
            self._cell_core(layer, cell, stacked, len(cells), last=cell is cells[-1])
            for cell in cells
            if cell.kind == "LSTMCell"
        ]

    def _inner(self, layer: _Layer, key: str) -> Iterator[_Layer]:
        """The layers at a key: one, or a list of them."""
        held, path = layer.arguments.get(key), (*layer.inside, key)
        if isinstance(held, list):
            for index, item in enumerate(held):
                yield self._layer_at(item, (*path, index))
        else:
            yield self._layer_at(held, path)

    def _cell_core(self, layer: _Layer, cell: _Layer, stacked: str, count: int, *, last: bool) -> _Core:
        """The LSTM that an RNN makes of a cell: what its options say holds for its last cell."""
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
        """The LSTMs of one layer, the first of which reads what flows into it; what the last of them returns."""
        flow = _shaped(layer, flow)
        stream = flow.stream
        for index, core in enumerate(cores):
            alone = keras_flow.of_shape(core.shape)
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
            stream = _returned(core, found, flow.stream, wrapper)
            # A stack of cells runs in each direction by itself.
            following = _returned(core, found, flow.stream, None)
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
        reading = read_arguments(_constructor(framework, core.kind), self._given(layer, framework, core), where)
        if "hidden_size" not in reading.layer:
            raise self._error(layer, f"this {layer.kind} has no size", '"units", as 20')
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
            options={**reading.options, **({"merge_mode": wrapper.merge_mode} if wrapper else {})},
            notes=reading.notes,
            unmodelled=(*reading.unmodelled, *(wrapper.different if wrapper else ())),
            path=path,
            kind=core.source_kind if core.source_kind in ("CuDNNLSTM", "LSTMCell") else "LSTM",
        )
        return self._with_data(found, outer, flow, both=wrapper is not None)

    def _given(self, layer: _Layer, framework: str, core: _Core) -> dict[str, Given]:
        """The arguments that the constructor knows."""
        constructor = _constructor(framework, core.kind)
        given = {}
        for key, value in core.config.items():
            if key not in constructor.arguments or key in _SHAPE_KEYS:
                continue
            field = constructor.fields.get(key, "dtype")
            if (field != "dtype" and isinstance(value, Mapping | list)) or (field == "hidden_size" and value is None):
                what = f"{key} of this {layer.kind} is no number"
                raise self._source.error(self._places.whole(core.paths[key]), what, found=shorten(value))
            given[key] = Given(_plain(value), self._pointer(core.paths[key]))
        return given

    def _with_data(self, found: Found, layer: _Layer, flow: _Flow, *, both: bool) -> Found:
        """The LSTM with what flows into it: its input size, and the data's where they are fixed."""
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
        """Whose layer it is: as the document says, else by what only one of them writes."""
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
    """The home of the layer that a wrapper has."""
    return home._replace(folder=f"{home.folder}/layer" if home.folder else "")


def _folders(layers: Sequence[_Layer]) -> list[str]:
    """What the groups of a model's layers are called in files of the format of Keras 3: by class, and counted.

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
    """Whether a layer is a model: also one of an own class that Keras writes as a Functional."""
    if layer.kind in ("Sequential", "Functional", "Model"):
        return True
    return isinstance(layer.arguments.get("layers"), list) and "input_layers" in layer.arguments


def _constructor(framework: str, kind: str) -> Constructor:
    """What is called where Keras writes this kind of layer."""
    return next(
        each
        for each in CONSTRUCTORS
        if each.framework == framework and any(name.rpartition(".")[2] == kind for name in each.names)
    )


def _units(config: Config) -> str:
    return shorten(config.get("units", config.get("output_dim", "...")))


def _plain(value: Any) -> Any:  # noqa: ANN401  # whatever Keras writes
    """A value, of a serialised function its name."""
    named = isinstance(value, Mapping) and isinstance(value.get("config"), str)
    return value["config"] if named else value


def _returned(core: _Core, found: Found, stream: Stream, wrapper: _Wrapper | None) -> Stream:
    """What an LSTM returns: its width follows from its own settings only if directions are put end to end."""
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
    """What the names of an LSTM's arrays begin with; and where no such text says it, a sentence that does.

    Keras 2 names no models around a layer, and of a TimeDistributed and what is in it, the former; Keras 3 names both.
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
    # What is behind the layer's name has one fixed name in the table of frameworks, or none.
    cell = "" if framework in ("keras1", "keras-cudnn") else core.cell
    stem = forward.removeprefix("forward_")
    if cell in ("", "lstm_cell") and (forward, backward) in (("", ""), (f"forward_{stem}", f"backward_{stem}")):
        return f"{name}{{direction}}_{stem}" if wrapper else name, ()
    listed = [f"{name}{each}/{cell}/kernel".replace("//", "/") for each in dict.fromkeys((forward, backward))]
    return "", (f"its arrays are called {' and '.join(listed)}, and so on",)


def _directions(forward: str, backward: str | None, framework: str) -> tuple[str, str]:
    """What Bidirectional calls its two layers: Keras 3 writes them so, and leaves a backward layer its own name."""
    if framework == "keras":
        given = forward.removeprefix("forward_")
        return f"forward_{given}", f"backward_{forward.removeprefix('backward_')}" if backward is None else backward
    return f"forward_{forward}", f"backward_{forward if backward is None else backward}"


def _different(forward: _Layer, backward: _Layer) -> tuple[str, ...]:
    """What the backward layer has otherwise than the forward one, which no bidirectional LSTM of PyTorch can have."""
    if forward.kind != backward.kind:
        return (f"backward_layer = {shorten(backward.kind)}",)
    pairs = [(forward.arguments, backward.arguments), (_cell_config(forward), _cell_config(backward))]
    return tuple(
        f"backward_layer.{key} = {shorten(_plain(other[key]))}"
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


def _shaped(layer: _Layer, flow: _Flow) -> _Flow:
    """What flows into a layer, by the shape that it was built with or given."""
    shape = _built_shape(layer.node)
    known = keras_flow.of_shape(shape)
    if known.features is None and layer.kind != "InputLayer":
        known = keras_flow.after("InputLayer", {key: layer.arguments.get(key) for key in _SHAPE_KEYS}, Stream())
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
    """Where the shape of what flows into a layer stands; the layer itself, if that is elsewhere."""
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
    """What a layer reads: the layer that returns it, which of what it returns, and its shape if it is written."""

    name: str
    output: int
    shape: object = None


def _inbound(node: Config) -> list[_Tensor]:
    """The tensors that the first call of a layer reads; its states are not among them in Keras 3, and last in Keras 2.

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
    """A tensor as Keras 3 writes it; nothing if it is none."""
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
    """What a tensor is, by its own shape and by what the layer that returns it is."""
    stream, shape = _pick(returned, tensor.name, tensor.output), keras_flow.of_shape(tensor.shape)
    if shape.features is None:
        return _Flow(stream)
    return _Flow(shape._replace(reads=stream.reads), stated=True)


def _pick(returned: Mapping[str, tuple[Stream, ...]], name: str, index: int) -> Stream:
    streams = returned.get(name, ())
    return streams[index] if 0 <= index < len(streams) else Stream()


def _in_order(names: Sequence[str], reads: Sequence[Sequence[_Tensor]]) -> Iterator[int]:
    """The layers of a graph, each behind those that it reads; at last those in circles, which read nothing known."""
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
