"""SavedModels of TensorFlow: saved_model.pb with the graph of objects, and the checkpoint in the folder beside it.

Of Keras 2, objects say their classes and configurations; of an export of Keras 3, variables have their names alone. Of
TensorFlow 1 there are no objects, and the checkpoint has names. Graphs and functions are not read.

Sources: tensorflow/core/protobuf/saved_model.proto and meta_graph.proto of TensorFlow 2.21.0. Tested on files of
TensorFlow 2.21.0 with tf_keras 2.21.0 and Keras 3.15.1, and on models that others published of TensorFlow 2.3.

Not here: variables and cells (`checkpoints`).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lstmcalc.errors import NotFoundError, SourceError, named_error
from lstmcalc.readers.files.beside import file_below, section_beside
from lstmcalc.readers.files.inner import File, Inner, name_of, section_of
from lstmcalc.readers.files.protobuf import BYTES, Field, Wire
from lstmcalc.readers.files.raw_numbers import WIDTHS, numel
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.tensorflow.bundles import Bundle, Entry, read_bundle
from lstmcalc.readers.tensorflow.checkpoints import (
    checkpoint_nodes,
    keras_modules,
    missing_data,
    named_modules,
    variables_of,
)
from lstmcalc.readers.tensorflow.dtypes import dtype_name
from lstmcalc.readers.tensorflow.metadata import described_objects, texts_of
from lstmcalc.readers.tensorflow.objects import Node, saved_graph

_MAX_SIZE: Final = 256 << 20  # bytes of a saved_model.pb
_MAX_METADATA: Final = 64 << 20
_INDEX: Final = "variables/variables.index"
_METADATA: Final = "keras_metadata.pb"


class _Model(NamedTuple):
    """The parts of a saved_model.pb that are read."""

    version: str  # of TensorFlow
    nodes: Sequence[Node]


def read_saved_model(file: File) -> WeightFile:
    """A SavedModel, by its saved_model.pb; one in an archive has the other files there."""
    name = name_of(file)
    model = _model(file, name)
    index = file_below(file, _INDEX)
    nodes, notes = list(model.nodes), list[str]()
    bundle = read_bundle(index) if index else _said_bundle(file, nodes)
    if not bundle.entries:
        raise NotFoundError(f"the variables of {name} are missing", _INDEX, "no such file", "give the whole folder")
    own = checkpoint_nodes(bundle)
    said = described_objects({**{number: node.said for number, node in enumerate(nodes) if node.said}, **_beside(file)})
    if own and _is_same(nodes, own):
        nodes = own
    elif own:
        nodes, said = own, {}
        notes.append("its variables are of another graph of objects than saved_model.pb: what that says is left out")
    variables = variables_of(bundle, nodes)
    stated = keras_modules(variables, nodes, said, name)
    form = f"SavedModel of TensorFlow {model.version}".rstrip()
    notes += [*variables.notes, *missing_data(bundle)]
    return WeightFile(form, variables.tensors, named_modules(stated), tuple(notes), buffers=variables.others)


def _said_bundle(file: File, nodes: Sequence[Node]) -> Bundle:
    """The variables that the graph of objects has, without their index; numbers are in a file that is missing too."""
    entries = {
        node.key.encode("utf-8", "surrogatepass"): Entry(
            node.dtype, node.shape, 0, 0, numel(node.shape) * WIDTHS.get(dtype_name(node.dtype), 0)
        )
        for node in nodes
        if node.key and node.shape is not None
    }
    index = (
        Inner(Section.of(b""), name_of(file), _INDEX) if isinstance(file, Inner) else str(Path(file).parent / _INDEX)
    )
    return Bundle(index, 1, big_endian=False, entries=entries)


def _is_same(saved: Sequence[Node], stored: Sequence[Node]) -> bool:
    """True if the variables of both graphs have the same numbers and names."""
    named = [(number, node.name) for number, node in enumerate(stored) if node.key and node.name]
    return all(number < len(saved) and saved[number].name == name for number, name in named)


def _model(file: File, name: str) -> _Model:
    section = section_of(file)
    if section.length > _MAX_SIZE:
        raise SourceError(f"{name} is too large", f"at most {_MAX_SIZE:,} bytes", f"{section.length:,}")
    wire = Wire(section.read(), name)
    graphs = [field for field in wire.fields(0, len(wire)) if (field.number, field.wire) == (2, BYTES)]
    if not graphs:
        raise SourceError(f"{name} has no graph", "a SavedModel")
    version, nodes = "", list[Node]()
    for field in _inner(wire, graphs[0]):  # SavedModel: meta_graphs 2
        if field.number == 1:  # meta_info_def; there tensorflow_version 5
            version = "".join(wire.text(item) for item in _inner(wire, field) if item.number == 5)  # noqa: PLR2004
        elif field.number == 7:  # noqa: PLR2004  # object_graph_def
            nodes = saved_graph(wire, field)
    return _Model(version, nodes)


def _inner(wire: Wire, field: Field) -> Iterator[Field]:
    return (item for item in wire.fields(field.start, field.stop) if item.wire == BYTES)


def _beside(file: File) -> dict[int, str]:
    """The metadata of objects in keras_metadata.pb; nothing if it is not there."""
    try:
        section = section_beside(file, _METADATA)
    except NotFoundError:
        return {}
    if section.length > _MAX_METADATA:
        raise SourceError(f"{_METADATA} is too large", f"at most {_MAX_METADATA:,} bytes", f"{section.length:,}")
    try:
        return dict(texts_of(section.read()))
    except SourceError as error:
        raise named_error(error, _METADATA) from None
