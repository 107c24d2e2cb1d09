"""The metadata of Keras 2 in a SavedModel: class and configuration of its objects, in their graph or beside it.

Up to TensorFlow 2.4 the objects of saved_model.pb have it, since 2.5 a file keras_metadata.pb. Tuples and shapes are
objects of their own in its JSON.

Sources: tf_keras 2.21.0 (tf_keras/src/saving/legacy/saved_model, tf_keras/protobuf/saved_metadata.proto), which wrote
the files that this was tested on; and models that others published of TensorFlow 2.3.

Not here: the meaning of configurations (`keras.models`).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from lstmcalc.readers.files.protobuf import BYTES, VARINT, Field, Wire

_MAX_TEXT: Final = 16 << 20  # characters of all configurations
_SHAPES: Final = ("__tuple__", "TensorShape")


class Said(NamedTuple):
    """The metadata of one object."""

    kind: str  # its class
    name: str
    config: Any  # None if there is none
    version: str  # of Keras; empty if it does not say

    def text(self) -> str:
        """Class and configuration as a model or layer of Keras is written."""
        return json.dumps({"class_name": self.kind, "config": self.config})


def described_objects(texts: Mapping[int, str]) -> dict[int, Said]:
    """The objects that are said to be Keras' by their numbers; what is no JSON of Keras says nothing."""
    found, left = {}, _MAX_TEXT
    for number, text in texts.items():
        left -= len(text)
        said = _said(text) if left >= 0 else None
        if said:
            found[number] = said
    return found


def _said(text: str) -> Said | None:
    try:
        tree = json.loads(text)
        kind, name = tree["class_name"], tree.get("name")
        config = _plain(tree.get("config"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not isinstance(kind, str):
        return None
    version = tree.get("keras_version")
    return Said(kind, name if isinstance(name, str) else "", config, version if isinstance(version, str) else "")


def _plain(value: Any) -> Any:  # noqa: ANN401  # of JSON
    """A value with lists for tuples and shapes."""
    if isinstance(value, dict):
        if value.get("class_name") in _SHAPES and isinstance(value.get("items"), list):
            return [_plain(item) for item in value["items"]]
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def texts_of(data: bytes) -> Iterator[tuple[int, str]]:
    """The objects of a keras_metadata.pb, nodes 1, by number: node_id 2, metadata 5."""
    wire = Wire(data, "keras_metadata.pb")
    for node in wire.fields(0, len(data)):
        if (node.number, node.wire) == (1, BYTES):
            yield _text(wire, node)


def _text(wire: Wire, node: Field) -> tuple[int, str]:
    number, text = 0, ""
    for field in wire.fields(node.start, node.stop):
        if (field.number, field.wire) == (2, VARINT):
            number = field.value
        elif (field.number, field.wire) == (5, BYTES):
            text = wire.bytes(field).decode("utf-8", "replace")
    return number, text
