"""Files of TensorFlow, told by content: indexes of checkpoints, SavedModels, graphs, models of TensorFlow.js.

Sources: tensorflow/core/lib/io/format.h, tensorflow/core/protobuf/tensor_bundle.proto, saved_tensor_slice.proto,
saved_model.proto, meta_graph.proto, tensorflow/core/framework/op_def.proto and node_def.proto, and
tensorflow/core/util/tensor_bundle/naming.cc, all of TensorFlow b6971fc8; io/types.ts of TensorFlow.js 4.22.

Not here: how they are read (`tensorflow`).
"""

import os
import re
from typing import BinaryIO, Final

from lstmcalc.readers.files.peeking import Peeked, bytes_at, field_at, first_fields, first_within, is_text
from lstmcalc.readers.files.varints import MAX_BYTES

_FOOTER: Final = 48  # bytes of a table
_TABLE_END: Final = 0xDB4775248B80FB57.to_bytes(8, "little")  # as LevelDB's
# An entry with an empty key, and a BundleHeaderProto (num_shards, endianness, version), or SavedTensorSlices (meta);
# Snappy has up to six bytes before it.
_HEADER: Final = rb"(?s).{0,6}?\0\0.[\x08\x10\x1a]"
_WHOLE_HEADER: Final = rb"(?s)\0\0.\x08.{1,3}?\x1a\x02\x08\x01"  # of a version 1
_OLD_HEADER: Final = rb"(?s).{0,6}?\0\0.{1,3}?\x0a"
_DATA: Final = r"(?s)(.+)\.data-\d{5}-of-\d{5}"
_TABLES: Final = {"checkpoint": "tensorflow", "old": "tensorflow-old"}  # kinds of files by kinds of tables
_OPERATION: Final = "_?[A-Z][A-Za-z0-9_]*"


def tensorflow_kind(stream: BinaryIO, head: bytes, size: int) -> str:
    """The kind of a file that is read: `tensorflow`, `tensorflow-old`, `saved-model`, ...; empty for any other."""
    if is_javascript(head):
        return "tensorflow-js"
    if table := _TABLES.get(table_kind(stream, head, size)):
        return table
    if is_saved_model(stream, size):
        return "saved-model"
    return "tensorflow-graph" if is_graph(stream, size) else ""


_JAVASCRIPT: Final = rb"""(?x)\s*+(?:
    \{\s*+"(?:format|modelTopology|weightsManifest|generatedBy|convertedBy|signature|userDefinedMetadata|trainingConfig)"\s*+:
    | \[\s*+\{\s*+"(?:paths"\s*+:\s*+\[\s*+" | weights"\s*+:\s*+\[\s*+\{)
)"""
_PARTS: Final = rb'"(?:modelTopology|weightsManifest|paths|weights)"\s*+:'
_VARIABLE: Final = rb'\s*+\{\s*+"[^"\\]*+"\s*+:\s*+\{\s*+"(?:filename|shape)"\s*+:'


def is_javascript(head: bytes) -> bool:
    """True for a model or a manifest of TensorFlow.js, or of deeplearn.js before it, by its first keys."""
    if re.match(_VARIABLE, head):
        return b'"filename"' in head.partition(b"}")[0]
    return re.match(_JAVASCRIPT, head) is not None and re.search(_PARTS, head) is not None


def index_of(path: str) -> str:
    """The index of a checkpoint that a data file is of, by its name; any other path as it is."""
    found = re.fullmatch(_DATA, path)
    return f"{found[1]}.index" if found else path


def is_data(path: str) -> bool:
    """True for the name of a data file of a checkpoint, which has nothing else that tells it."""
    return index_of(path) != path


def has_index(path: str) -> bool:
    """True for a data file of a checkpoint that has its index beside it."""
    return is_data(path) and os.path.isfile(index_of(path))  # noqa: PTH113  # start-up


def table_kind(stream: BinaryIO, head: bytes, size: int) -> str:
    """The kind of a table: `checkpoint` for an index, `old` for a checkpoint in one file, `table`; empty for a file."""
    if size < _FOOTER or bytes_at(stream, size - 8, 8) != _TABLE_END:
        return "checkpoint" if re.match(_WHOLE_HEADER, head) else ""  # which is cut off
    return "checkpoint" if re.match(_HEADER, head) else "old" if re.match(_OLD_HEADER, head) else "table"


def is_graph(stream: BinaryIO, size: int) -> bool:
    """True for a GraphDef: field 1 is a node, whose field 1 is its name and 2 its operation."""
    first = next(first_fields(stream, size), None)
    name = first_within(stream, first, 1) if first and first.number == 1 else None
    if not first or not name or not is_text(stream, name, "[A-Za-z0-9.][A-Za-z0-9_./>-]*"):
        return False
    end = name.start + name.value
    operation = field_at(bytes_at(stream, end, 3 * MAX_BYTES), end)
    return bool(operation and (operation.number, operation.wire) == (2, 2) and is_text(stream, operation, _OPERATION))


def is_meta(stream: BinaryIO, size: int) -> bool:
    """True for a MetaGraphDef alone."""
    first = next(first_fields(stream, size), None)
    return bool(
        first and (first.number, first.wire) == (1, 2) and _begins_as_meta(stream, first._replace(start=0, value=size))
    )


def _begins_as_meta(stream: BinaryIO, graph: Peeked) -> bool:
    """True for a MetaGraphDef that begins with the list of its operations."""
    operation = first_within(stream, first_within(stream, first_within(stream, graph, 1), 2), 1)
    return is_text(stream, first_within(stream, operation, 1), _OPERATION)


def is_saved_model(stream: BinaryIO, size: int) -> bool:
    """True for a SavedModel: its version, 1, and then only MetaGraphDefs."""
    fields = list(first_fields(stream, size))
    graphs = [field for field in fields[1:] if (field.number, field.wire) == (2, 2)]
    if not graphs or len(graphs) != len(fields) - 1 or fields[0][:3] != (1, 0, 1):
        return False
    return _begins_as_meta(stream, graphs[0])
