"""The graph of objects of TensorFlow 2: which object has which variable, as checkpoints and SavedModels store it.

A checkpoint calls a variable by the first path that leads to it (`layer_with_weights-0/cell/kernel`, or
`trainable_variables/0`); its graph of objects has all paths, and the name that the variable itself has
(`lstm/lstm_cell/kernel`). Graphs may have cycles: each object is visited once.

Sources: tensorflow/core/protobuf/trackable_object_graph.proto, saved_object_graph.proto, and
tensorflow/python/checkpoint of TensorFlow 2.21.0.

Not here: what Keras says of its objects (`metadata`).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.protobuf import BYTES, VARINT, Field, Wire
from lstmcalc.readers.tensorflow.dtypes import shape_of

GRAPH_KEY: Final = b"_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE: Final = "/.ATTRIBUTES/VARIABLE_VALUE"
MAX_GRAPH: Final = 64 << 20  # bytes
_MAX_PATHS: Final = 32 << 20  # letters of all paths
_USER_OBJECT: Final = 4  # fields of SavedObject
_VARIABLE: Final = 7
_DEEPEST: Final = 100  # objects in objects
# Children that lead to variables beside the objects that use them: of Keras' own lists, and of optimizers.
_ASIDE: Final = frozenset(
    (
        *("keras_api", "optimizer", "signatures", "variables", "trainable_variables", "non_trainable_variables"),
        *("_all_variables", "_variables", "_trainable_variables", "_momentums", "_velocities", "regularization_losses"),
    )
)


class Node(NamedTuple):
    """An object."""

    children: tuple[tuple[str, int], ...] = ()  # their names and numbers
    key: str = ""  # of its variable in a checkpoint; empty if it is none
    name: str = ""  # of its variable
    said: str = ""  # what its library says of it: JSON
    dtype: int = 0  # of its variable, as `dtypes` numbers them
    shape: tuple[int, ...] | None = None  # None if it is not said, or not known


def checkpoint_graph(data: bytes) -> list[Node]:
    """The objects of a TrackableObjectGraph: nodes 1."""
    wire = Wire(data, "its graph of objects")
    return [_trackable(wire, field) for field in wire.fields(0, len(data)) if (field.number, field.wire) == (1, BYTES)]


def _trackable(wire: Wire, node: Field) -> Node:
    """TrackableObject: children 1, attributes 2 (SerializedTensor: name 1, full_name 2, checkpoint_key 3)."""
    children, key, name = [], "", ""
    for field in wire.fields(node.start, node.stop):
        if (field.number, field.wire) == (1, BYTES):
            children.append(_child(wire, field))
        elif (field.number, field.wire) == (2, BYTES):
            texts = {
                item.number: wire.text(item) for item in wire.fields(field.start, field.stop) if item.wire == BYTES
            }
            if texts.get(1) == "VARIABLE_VALUE":
                key, name = texts.get(3, ""), texts.get(2, "")
    return Node(tuple(children), key, name)


def _child(wire: Wire, child: Field) -> tuple[str, int]:
    """ObjectReference: node_id 1, local_name 2."""
    number, name = 0, ""
    for field in wire.fields(child.start, child.stop):
        if (field.number, field.wire) == (1, VARINT):
            number = field.value
        elif (field.number, field.wire) == (2, BYTES):
            name = wire.text(field)
    return name, number


def saved_graph(wire: Wire, graph: Field) -> list[Node]:
    """The objects of a SavedObjectGraph, nodes 1, with the keys of variables that a checkpoint of them has."""
    nodes = [_saved(wire, field) for field in wire.fields(graph.start, graph.stop) if field.number == 1]
    paths = {number: path for number, path, _ in walk(nodes, aside=True)}
    return [
        node._replace(key=f"{paths[number]}{VALUE}") if node.key and number in paths else node._replace(key="")
        for number, node in enumerate(nodes)
    ]


def _saved(wire: Wire, node: Field) -> Node:
    """SavedObject: children 1, user_object 4 (metadata 3), variable 7."""
    children, found = [], Node()
    for field in wire.fields(node.start, node.stop):
        if field.wire != BYTES:
            continue
        if field.number == 1:
            children.append(_child(wire, field))
        elif field.number == _USER_OBJECT:
            texts = [wire.bytes(item) for item in wire.fields(field.start, field.stop) if item.number == 3]  # noqa: PLR2004
            found = Node(said=b"".join(texts).decode("utf-8", "replace"))
        elif field.number == _VARIABLE:
            found = _variable(wire, field)
    return found._replace(children=tuple(children))


def _variable(wire: Wire, field: Field) -> Node:
    """SavedVariable: dtype 1, shape 2, name 6."""
    found = Node(key="a variable")
    for item in wire.fields(field.start, field.stop):
        if (item.number, item.wire) == (1, VARINT):
            found = found._replace(dtype=item.value)
        elif (item.number, item.wire) == (2, BYTES):
            with suppress(SourceError):  # a size that is not known
                found = found._replace(shape=shape_of(wire, item, "a variable"))
        elif (item.number, item.wire) == (6, BYTES):
            found = found._replace(name=wire.text(item))
    return found


class Step(NamedTuple):
    """The way to an object from the first one: the shortest, of these the first."""

    number: int
    path: str  # the names of children on the way, as keys of checkpoints have them
    way: tuple[tuple[int, int], ...]  # the place of each child among its parent's, and its number


def walk(nodes: Sequence[Node], *, aside: bool = False) -> Iterator[Step]:
    """Every object that can be reached from the first one, once; without `aside` not by lists of variables."""
    if not nodes:
        return
    seen, level, left = {0}, [Step(0, "", ())], _MAX_PATHS
    while level:
        below: list[Step] = []
        for step in level:
            yield step
            if len(step.way) == _DEEPEST:
                continue
            for place, (name, number) in enumerate(nodes[step.number].children):
                if number in seen or number >= len(nodes) or (name in _ASIDE and not aside):
                    continue
                seen.add(number)
                own = name.replace(".", "..").replace("/", ".S")
                path = f"{step.path}/{own}" if step.path else own
                left -= len(path) + len(step.way)
                if left < 0:
                    raise SourceError("paths in its graph of objects are too long", f"at most {_MAX_PATHS:,} letters")
                order = place + (name == "backward_layer") * len(nodes)  # behind forward_layer, wherever that is
                below.append(Step(number, path, (*step.way, (order, number))))
        level = below
