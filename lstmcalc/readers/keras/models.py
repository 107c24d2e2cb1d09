"""Models and layers of Keras in its own JSON: their LSTMs, and the input of each.

The output of `to_json()`, the config.json of a `.keras` file, and `json.dumps(...get_config())` of a model or of a
layer, of Keras 3, 2 and 1. All other settings of layers are ignored; a layer of an unknown class only hides the width
of its output.

Not here: layers as they are written (`layers`), the settings of an LSTM (`lstms`), the names of its arrays
(`array_places`), the order of a graph (`graphs`), and the output sizes of other layers (`flow`).

Sources: keras 3.15.1 (keras/src/saving/serialization_lib.py, keras/src/models/functional.py, sequential.py,
keras/src/layers/rnn/bidirectional.py) and tf_keras 2.21.0, both run; Keras 1 from models that others published, as
{"class_name": "Sequential", "keras_version": "1.1.0", "config": [...]}.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lstmcalc.errors import NoLstmError, SourceError, shorten
from lstmcalc.frameworks.constructors import RELATIVES
from lstmcalc.readers.found import Found
from lstmcalc.readers.keras import flow as keras_flow
from lstmcalc.readers.keras.array_places import Home, Placed, array_path, direction_names, group_names, inside_wrapper
from lstmcalc.readers.keras.cores import Core, Wrapper, cell_core, differences, layer_core
from lstmcalc.readers.keras.flow import Stream
from lstmcalc.readers.keras.graphs import (
    Flow,
    flow_of,
    in_order,
    inbound_tensors,
    picked_stream,
    references,
    shaped_flow,
)
from lstmcalc.readers.keras.layers import Config, Document, Layer, bare_kind, is_model, is_node
from lstmcalc.readers.keras.lstms import LSTMReader
from lstmcalc.readers.text.positions import Places
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.words import with_dots

_LSTMS: Final = ("LSTM", "CuDNNLSTM", "LSTMCell")
_RELATIVES: Final = frozenset(name.rpartition(".")[2] for name in RELATIVES if name.startswith("keras."))
_SUPPORTED: Final = "a layer LSTM, CuDNNLSTM or RNN(LSTMCell)"
_MAX_DEPTH: Final = 30  # models in models and layers in wrappers
_COUNTED: Final = ("backward_layer.units", "backward_layer.use_bias", "backward_layer.output_dim", "backward_layer = ")


class Beside(NamedTuple):
    """A layer beside the LSTMs."""

    name: str
    kind: str  # its class
    arguments: Config
    features: int | None  # the last axis of its input; None if unknown


def looks_like_keras(tree: object) -> bool:
    """True if this is a model or a layer as Keras writes it."""
    if isinstance(tree, Mapping) and isinstance(tree.get("class_name"), str) and "config" in tree:
        return True
    return bool(bare_kind(tree))


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


class _Reader:
    """The reader of one document."""

    def __init__(self, source: SourceText, places: Places, tree: object) -> None:
        self.found: list[Found] = []
        self.placed: dict[int, Placed] = {}  # by the id of each item of `found`
        self._document = Document(source, places)
        self._tree = tree
        self.beside: list[Beside] = []
        self._relatives: list[Layer] = []
        self._kinds: list[str] = []
        self._depth = 0
        version = tree.get("keras_version") if isinstance(tree, Mapping) else None
        self._lstm_reader = LSTMReader(self._document, version if isinstance(version, str) else "")

    def read(self) -> None:
        """Find the LSTMs; if there are none, the error names the layers."""
        kind = "" if is_node(self._tree) else bare_kind(self._tree)
        root = Layer(kind, self._tree, {}, ()) if kind else self._document.layer_at(self._tree, ())
        if is_model(root):
            self._model(root, [], Home())
        else:
            self._read_layer(root, [], Home())
        if not self.found:
            raise self._nothing()

    def _nothing(self) -> SourceError:
        listed = list(dict.fromkeys(self._kinds))
        shown = with_dots([shorten(kind)[1:-1] for kind in listed], 6)
        if self._relatives:
            relative = self._relatives[0]
            span = self._document.places.whole(relative.spot)
            return self._document.source.error(
                span, f"{relative.kind} is not an LSTM", _SUPPORTED, shown, kind=NoLstmError
            )
        return NoLstmError(
            "no LSTM is recognised in this model of Keras", _SUPPORTED, shown, where=self._document.source.name
        )

    # --- Models

    def _model(self, model: Layer, flows: Sequence[Flow], home: Home) -> tuple[Stream, ...]:
        """Read the layers of a model, and return its outputs."""
        listed = model.config if isinstance(model.config, list) else model.arguments.get("layers")
        base = model.inside if isinstance(model.config, list) else (*model.inside, "layers")
        if not isinstance(listed, list):
            raise self._document.error(model, "this model has no layers", "a list of layers", shorten(listed))
        layers = [self._document.layer_at(node, (*base, index)) for index, node in enumerate(listed)]
        homes = [
            home._replace(folder=f"{home.folder}layers/{folder}", top=home.top or layer.name)
            for layer, folder in zip(layers, group_names(layers), strict=True)
        ]
        if "input_layers" in model.arguments or any("inbound_nodes" in layer.node for layer in layers):
            return self._graph(model, layers, flows, homes)
        flow = flows[0] if flows else Flow()
        for layer, own in zip(layers, homes, strict=True):
            flow = Flow(self._read_layer(layer, [flow], own)[0])
        return (flow.stream,)

    def _graph(
        self, model: Layer, layers: list[Layer], flows: Sequence[Flow], homes: Sequence[Home]
    ) -> tuple[Stream, ...]:
        """Read the layers of a Functional, each after its inputs; LSTMs stay in the order in which they are written."""
        before, found = self.found, dict[int, list[Found]]()
        inputs = [name for name, _ in references(model.arguments.get("input_layers"))]
        given = dict(zip(inputs, flows, strict=False))
        returned: dict[str, tuple[Stream, ...]] = {}
        reads = [inbound_tensors(layer.node) for layer in layers]
        for index in in_order([layer.name for layer in layers], reads):
            layer, self.found = layers[index], []
            read = [flow_of(tensor, returned) for tensor in reads[index]]
            read = read or [given[layer.name]] if layer.name in given else read
            returned[layer.name] = self._read_layer(layer, read, homes[index])
            found[index] = self.found
        self.found = before + [one for index in sorted(found) for one in found[index]]
        outputs = references(model.arguments.get("output_layers"))
        return tuple(picked_stream(returned, name, tensor) for name, tensor in outputs) or (Stream(),)

    # --- Layers

    def _read_layer(self, layer: Layer, flows: Sequence[Flow], home: Home) -> tuple[Stream, ...]:
        """Read one layer: find its LSTMs, and return its outputs."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._document.error(layer, "models are nested too deeply", f"at most {_MAX_DEPTH} levels")
        try:
            return self._read_kind(layer, flows, home)
        finally:
            self._depth -= 1

    def _read_kind(self, layer: Layer, flows: Sequence[Flow], home: Home) -> tuple[Stream, ...]:
        self._kinds.append(layer.kind)
        if is_model(layer):
            return self._model(layer, flows, self._inside_model(layer, home))
        flow = shaped_flow(layer, flows[0] if flows else Flow())
        if layer.kind == "Bidirectional":
            return self._bidirectional(layer, flow, home)
        if layer.kind == "TimeDistributed":
            return self._time_distributed(layer, flow, home)
        cores = self._cores(layer)
        if cores:
            return self._lstms(layer, cores, flow, home)
        if not is_node(layer.arguments.get("layer")):  # a wrapper has what is in it
            self.beside.append(Beside(layer.name, layer.kind, layer.arguments, flow.stream.features))
        self._look_inside(layer, home)
        if len(flows) > 1:
            return (keras_flow.merged_stream(layer.kind, layer.arguments, [each.stream for each in flows]),)
        return (keras_flow.stream_after(layer.kind, layer.arguments, flow.stream),)

    def _inside_model(self, model: Layer, home: Home) -> Home:
        """The home of a model's layers; Keras 3 names only the nearest model in their arrays, if it is a Sequential."""
        names = (*home.names, model.name) if model.name else home.names
        prefix = (model.name,) if model.kind == "Sequential" and model.name else ()
        return Home(names, prefix, folder=f"{home.folder}/" if home.folder else "", top=home.top)

    def _look_inside(self, layer: Layer, home: Home) -> None:
        """Read the layers inside of another layer: of a wrapper, or of the Merge of Keras 1; note relatives of LSTM."""
        if layer.kind in _RELATIVES:
            self._relatives.append(layer)
        inner = layer.arguments.get("layer")
        if is_node(inner):
            self._read_layer(self._document.layer_at(inner, (*layer.inside, "layer")), [], inside_wrapper(home))
        branches = layer.arguments.get("layers")
        for index, branch in enumerate(branches if isinstance(branches, list) else ()):
            if is_node(branch):
                self._read_layer(self._document.layer_at(branch, (*layer.inside, "layers", index)), [], home)

    def _time_distributed(self, layer: Layer, flow: Flow, home: Home) -> tuple[Stream, ...]:
        """Read a layer that is applied to each step of an outer sequence."""
        inner = self._document.layer_at(layer.arguments.get("layer"), (*layer.inside, "layer"))
        stream = flow.stream
        rank = None if stream.rank is None else stream.rank - 1
        # If a shape has two axes of steps, a stream keeps only the outer one; the inner batch is N times that.
        steps = Flow(stream._replace(seq_len=None, batch=None, rank=rank), flow.stated)
        names = (*home.names, layer.name) if layer.name else home.names
        around = inside_wrapper(home)._replace(names=names, prefix=(*home.prefix, layer.name), alias=layer.name)
        one = self._read_layer(inner, [steps], around)[0]
        rank = None if one.rank is None else one.rank + 1
        return (one._replace(seq_len=stream.seq_len, batch=stream.batch, rank=rank),)

    def _bidirectional(self, layer: Layer, flow: Flow, home: Home) -> tuple[Stream, ...]:
        """Read both directions of a recurrent layer."""
        forward = self._document.layer_at(layer.arguments.get("layer"), (*layer.inside, "layer"))
        cores = self._cores(forward)
        if not cores:
            backward = layer.arguments.get("backward_layer") or layer.arguments.get("layer")
            for each in (forward, self._document.layer_at(backward, (*layer.inside, "backward_layer"))):
                self.beside.append(Beside(layer.name, each.kind, each.arguments, flow.stream.features))
            self._kinds.append(forward.kind)
            self._look_inside(forward, home)
            return (keras_flow.stream_after(layer.kind, layer.arguments, flow.stream),)
        other = layer.arguments.get("backward_layer")
        backward = None if other is None else self._document.layer_at(other, (*layer.inside, "backward_layer"))
        framework = self._lstm_reader.framework(forward, cores[0])
        names = direction_names(forward.name, None if backward is None else backward.name, framework)
        different = () if backward is None else differences(forward, backward)
        counted = [item for item in different if item.startswith(_COUNTED)]
        if counted:
            raise self._document.error(
                layer, "both directions must be alike", "the same units and biases", ", ".join(counted)
            )
        mode = layer.arguments.get("merge_mode", "concat")
        return self._lstms(forward, cores, flow, home, Wrapper(layer, mode, *names, different))

    def _cores(self, layer: Layer) -> list[Core]:
        """The LSTMs that a layer itself computes; none if it is another layer."""
        if layer.kind in _LSTMS:
            return [layer_core(layer)]
        if layer.kind not in ("RNN", "StackedRNNCells"):
            return []
        cells = [layer] if layer.kind == "StackedRNNCells" else [*self._document.inner_layers(layer, "cell")]
        stacked = cells[0].name if cells and cells[0].kind == "StackedRNNCells" else ""
        if stacked or (cells and cells[0].kind == "StackedRNNCells"):
            cells = [*self._document.inner_layers(cells[0], "cells")]
        self._relatives += [cell for cell in cells if cell.kind in _RELATIVES]
        self._kinds += [cell.kind for cell in cells]
        return [
            cell_core(layer, cell, stacked, len(cells), last=cell is cells[-1])
            for cell in cells
            if cell.kind == "LSTMCell"
        ]

    # --- LSTMs

    def _lstms(
        self, layer: Layer, cores: list[Core], flow: Flow, home: Home, wrapper: Wrapper | None = None
    ) -> tuple[Stream, ...]:
        """Read the LSTMs of one layer, of which each reads the one before, and return the outputs of the last."""
        flow = shaped_flow(layer, flow)
        stream = flow.stream
        for index, core in enumerate(cores):
            alone = keras_flow.stream_of_shape(core.shape)
            if alone.features is not None:
                flow = Flow(flow.stream._replace(features=alone.features), stated=True)
            found = self._lstm_reader.lstm(layer, core, flow, home, wrapper)
            self.found.append(found)
            outer = wrapper.layer if wrapper else layer
            names = tuple(name for name in (*home.names, outer.name, core.cell) if name)
            top = home.top or outer.name
            naming = array_path(found.framework, outer, core, home, wrapper)[1]
            self.placed[id(found)] = Placed(
                home.folder, top, names, wrapper is not None, index, len(cores), core.config, naming
            )
            stream = _returned_stream(core, found, flow.stream, wrapper)
            # Each direction has a stack of its own: the next cell reads one direction.
            following = _returned_stream(core, found, flow.stream, None)
            flow = Flow(following._replace(reads="") if wrapper else following)
        state = stream._replace(seq_len=None, rank=1, reads="")
        if wrapper:
            return (stream, stream) if wrapper.merge_mode is None else (stream,)
        return (stream, state, state)


def _returned_stream(core: Core, found: Found, stream: Stream, wrapper: Wrapper | None) -> Stream:
    """The output of an LSTM: hidden_size features, twice as many if two directions are concatenated."""
    size = found.layer["hidden_size"].value
    features = size if isinstance(size, int) else None
    joined = wrapper is None or wrapper.merge_mode == "concat"
    if features and wrapper and joined:
        features *= 2
    every = core.config.get("return_sequences") is True
    return Stream(features, found.name, stream.seq_len if every else None, stream.batch, 2 if every else 1)
