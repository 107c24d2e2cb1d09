"""A layer of Keras as its JSON has it, with the place of what it says."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.text.positions import KeyPath, Places
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Pointer

Config = Mapping[str, Any]
# Arguments that are shapes: they are read as such, and not as arguments of the constructor.
SHAPE_KEYS: Final = ("batch_input_shape", "batch_shape", "input_shape")


class Layer(NamedTuple):
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


def bare_kind(tree: object) -> str:
    """The class of a configuration that is alone; empty if it is not of a model, a wrapper or a recurrent layer."""
    if isinstance(tree, list):
        return "Sequential" if tree and all(is_node(item) for item in tree) else ""
    if not isinstance(tree, Mapping):
        return ""
    layers = tree.get("layers")
    if isinstance(layers, list) and layers and is_node(layers[0]):
        return "Functional" if "input_layers" in tree else "Sequential"
    if is_node(tree.get("layer")):
        return "Bidirectional" if "merge_mode" in tree else "TimeDistributed"
    if is_node(tree.get("cell")):
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


def is_node(item: object) -> bool:
    """True for an object that names its class, as Keras writes layers and models."""
    return isinstance(item, Mapping) and isinstance(item.get("class_name"), str)


class Document(NamedTuple):
    """A text, with the places of its keys."""

    source: SourceText
    places: Places

    def error(self, layer: Layer, what: str, expected: str = "", found: str = "") -> SourceError:
        """The error on a layer, with its place."""
        return self.error_at(layer.spot, what, expected, found)

    def error_at(self, path: KeyPath, what: str, expected: str = "", found: str = "") -> SourceError:
        """The error on what a key holds."""
        return self.source.error(self.places.whole(path), what, expected, found)

    def line(self, path: KeyPath) -> str:
        """The line of a key, as errors name it."""
        return self.source.place(self.places.whole(path).line)

    def pointer(self, path: KeyPath) -> Pointer:
        """The place of a key."""
        return self.source.pointer(self.places.whole(path))

    def layer_at(self, node: object, path: KeyPath) -> Layer:
        """The layer that a node is; refused if it is not one."""
        kind = node.get("class_name") if isinstance(node, Mapping) else None
        config = node.get("config") if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping) or not isinstance(kind, str) or not isinstance(config, Mapping | list | None):
            what, expected = "this is not a Keras layer", 'an object with "class_name" and "config"'
            raise self.error_at(path, what, expected, shorten(node))
        # "Package>Name" is a class that somebody else registered: "Addons>LSTM" is not the LSTM of Keras.
        return Layer(kind, {} if config is None else config, node, path)

    def inner_layers(self, layer: Layer, key: str) -> Iterator[Layer]:
        """The layers at a key: one, or a list of them."""
        held, path = layer.arguments.get(key), (*layer.inside, key)
        if isinstance(held, list):
            for index, item in enumerate(held):
                yield self.layer_at(item, (*path, index))
        else:
            yield self.layer_at(held, path)


def is_model(layer: Layer) -> bool:
    """True if a layer is a model, also one of a custom class that Keras writes like a Functional."""
    if layer.kind in ("Sequential", "Functional", "Model"):
        return True
    return isinstance(layer.arguments.get("layers"), list) and "input_layers" in layer.arguments


def plain_value(value: Any) -> Any:  # noqa: ANN401  # whatever Keras writes
    """A value; for a serialised function, its name."""
    named = isinstance(value, Mapping) and isinstance(value.get("config"), str)
    return value["config"] if named else value


def shape_path(layer: Layer) -> KeyPath:
    """The path of the shape of a layer's input; of the layer itself, if the shape is elsewhere."""
    if built_shape(layer.node) is not None:
        return (*layer.path, "build_config")
    return next(((*layer.inside, key) for key in SHAPE_KEYS if key in layer.arguments), layer.spot)


def built_shape(node: Config) -> object:
    """The shape that a layer was built with; the first, if it was built with states too."""
    built = node.get("build_config")
    if not isinstance(built, Mapping):
        return None
    shapes = built.get("shapes_dict")
    shape = built.get("input_shape")
    if isinstance(shapes, Mapping):
        shape = shapes.get("sequences_shape", next(iter(shapes.values()), None))
    return shape[0] if isinstance(shape, list) and shape and isinstance(shape[0], list) else shape
