"""The kind of a weight file, told by its content, and the reader for it.

Not here: the readers (`safetensors`, `npz`, `readers.torch.files`, `readers.keras.files`, `readers.onnx.nodes`), and
which LSTMs are in a file (`readers.recognise.weights`).
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from itertools import islice
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, BinaryIO, Final

from lstmcalc.errors import SourceError, cannot_read, named_error, shown_name
from lstmcalc.readers.files.budget import budget
from lstmcalc.readers.files.given import given
from lstmcalc.readers.files.inner import File, Inner, name_of, section_of
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.files.varints import MAX_BYTES, varint_at

if TYPE_CHECKING:
    from lstmcalc.readers.files.archives import Member
    from lstmcalc.readers.files.sections import Section
    from lstmcalc.readers.files.unread import Unread

HEAD: Final = 4096  # bytes at the start of a file that are searched for a signature

_HDF5: Final = b"\x89HDF\r\n\x1a\n"  # HDF5 File Format Specification 3.0, II.A: at 0, 512, 1024, 2048, ...
_ZIP: Final = (b"PK\3\4", b"PK\5\6")  # APPNOTE 6.3.10, 4.3.7 and 4.3.16
_TFLITE: Final = b"TFL3"  # the file_identifier of tensorflow/compiler/mlir/lite/schema/schema.fbs, tensorflow 2.21.0
_READERS: Final = {
    "safetensors": ("readers.files.safetensors", "read_safetensors"),
    "npz": ("readers.files.npz", "read_npz"),
    "npy": ("readers.files.npz", "read_npy"),
    "torch": ("readers.torch.files", "read_torch"),
    "keras": ("readers.keras.files", "read_keras"),
    "hdf5": ("readers.keras.files", "read_hdf5"),
    "onnx": ("readers.onnx.nodes", "read_onnx"),
    "packed": ("readers.files.packed", "read_packed"),
    "json": ("readers.files.json_weights", "read_json_weights"),
    "index": ("readers.files.shards", "read_shards"),
    "keras-index": ("readers.keras.files", "read_sharded"),
    "tensorflow": ("readers.tensorflow.checkpoints", "read_checkpoint"),
    "tensorflow-old": ("readers.tensorflow.old_checkpoints", "read_old_checkpoint"),
    "saved-model": ("readers.tensorflow.saved_models", "read_saved_model"),
    "tensorflow-graph": ("readers.tensorflow.frozen", "read_graph"),
    "tensorflow-js": ("readers.tensorflow.javascript", "read_javascript"),
    "tflite": ("readers.tflite.files", "read_tflite"),
}
_WITHIN: Final = (
    "safetensors",
    "npz",
    "npy",
    "torch",
    "keras",
    "hdf5",
    "packed",
    "json",
)  # what is read within another file
_NAMELESS: Final = ("torch",)  # what reads pickles does not know of files; the other readers name theirs in each error
_DEPTH: Final = 3  # archives in archives that are looked into
_MOST: Final = 1000  # members of an archive that are looked at
EXPECTED: Final = "a weight file of safetensors, PyTorch, NumPy, ONNX, Keras, TensorFlow or TensorFlow Lite"


def open_weights(path: str) -> WeightFile:
    """The index of a weight file, whose kind is told by its content and not by its suffix; read once in a command."""
    held = given(path)
    if held is not None:
        return held.file
    return budget().once("index", path, lambda: _read_index(path))


def _read_index(path: str) -> WeightFile:
    kind, name = weight_kind(path), shown_name(path)
    if kind not in _READERS:
        raise other_kind(path, EXPECTED)
    budget().allow(_size(path))
    return _read(path, kind, name)


def _read(file: File, kind: str, name: str) -> WeightFile:
    module, function = _READERS[kind]
    try:
        read: WeightFile = getattr(import_module(f"lstmcalc.{module}"), function)(file)
    except SourceError as error:
        raise (named_error(error, name) if kind in _NAMELESS else error) from None
    return read if read.kind else read._replace(kind=kind)


def open_inner(inner: Inner) -> WeightFile:
    """The index of a file within another, whose kind `inner_kind` tells."""
    return _read(inner, inner_kind(inner), inner.name)


def inner_kind(inner: Inner, depth: int = _DEPTH) -> str:
    """The kind of a file within another, as `weight_kind`, of those that can be read there; else empty.

    An archive in an archive is looked into as deep as `depth`.
    """
    from lstmcalc.readers.files.archives import in_memory

    section = inner.section
    head = section.read(0, min(section.length, HEAD))
    if head.startswith(_ZIP):
        kind = _zip_kind(Inner(in_memory(section, inner.name), inner.name), depth)
        return kind if kind in _WITHIN else ""
    if _may_be_json(head):
        return _json_kind(Inner(in_memory(section, inner.name), inner.name))
    if told := _signature(head, section.length):
        return told
    return "saved-model" if _is_inner_saved_model(inner) else _packed_kind(inner, head, depth)


def _is_inner_saved_model(inner: Inner) -> bool:
    """True for a SavedModel in an archive, which has its other files too."""
    if inner.member.rpartition("/")[2] != "saved_model.pb":
        return False
    from lstmcalc.readers.files.archives import in_memory
    from lstmcalc.readers.files.tensorflow_kinds import is_saved_model

    data = in_memory(inner.section, inner.name).read()
    return is_saved_model(BytesIO(data), len(data))


def _json_kind(file: File) -> str:
    """The kind of a text of JSON; empty if it has no weights that are read."""
    from lstmcalc.readers.files.json_weights import json_kind

    return json_kind(file)


def _tensorflow_js_kind(head: bytes) -> str:
    """The kind of a model or a manifest of TensorFlow.js, whose numbers are in files beside it; else empty."""
    from lstmcalc.readers.files.tensorflow_kinds import is_javascript

    return "tensorflow-js" if is_javascript(head) else ""


def _is_checkpoint(path: str) -> bool:
    """True for the data file of a checkpoint of TensorFlow, which has no signature but its index beside it."""
    from lstmcalc.readers.files.tensorflow_kinds import has_index

    return has_index(path)


def _may_be_json(head: bytes) -> bool:
    """True for a text that begins with an object."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def models_in(members: Iterable[Inner], depth: int = _DEPTH) -> Iterator[Inner]:
    """The members of an archive that are models; those that cannot be read, e.g. encrypted ones, are none."""
    for member in islice(members, _MOST if depth else 0):
        with suppress(SourceError):
            if inner_kind(member, depth - 1):
                yield member


def zip_members(members: Mapping[str, "Member"]) -> Iterator[Inner]:
    """The members of a zip archive as files."""
    others: dict[str, Section] = {}
    for name, member in members.items():
        with suppress(SourceError):
            others[name] = member.section()
    for name, section in others.items():
        yield Inner(section, name, name, others)


def _packed_kind(inner: Inner, head: bytes, depth: int) -> str:
    """`packed` for a tar archive with a model in it, or a compressed file with what may be one; else empty."""
    from lstmcalc.readers.files.packing import is_tar, peeked, tar_members, way_of

    if is_tar(head):
        return "packed" if any(models_in(tar_members(inner), depth)) else ""
    if not way_of(head):
        return ""
    first = peeked(inner.section)
    may_be = first.startswith(_ZIP) or is_tar(first) or _may_be_json(first) or _signature(first, 2**62)
    return "packed" if may_be else ""


def _signature(head: bytes, size: int) -> str:
    """The kind of a file that is no archive by its first bytes; empty if they do not tell."""
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if _is_safetensors(head, size):
        return "safetensors"
    if head.startswith(_HDF5):
        return "hdf5"
    return "torch" if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5") else ""


def other_kind(path: str, expected: str, *, binary: bool = False) -> SourceError:
    """The error about a file that no reader of weights reads: its format, as far as that can be told.

    With `binary`, it is known not to be text.
    """
    from lstmcalc.readers.files.unread import unread_error

    name = shown_name(path)
    if not _size(path):
        return SourceError(f"{name} is an empty file", expected)
    if unread := unread_kind(path):
        return unread_error(name, unread, expected)
    head = _head(path)
    if not binary and b"\0" not in head:
        hint = f"text that describes an LSTM is for the other commands: lstmcalc shapes {name}"
        return SourceError(f"{name} is not a weight file that is read", expected, "what looks like text", hint)
    return SourceError(
        f"{name} is {'not text, and ' * binary}of an unknown format",
        expected,
        f"bytes that begin with {head[:8].hex(' ')}; whether it has an LSTM is not known",
        "if it has one: save it as safetensors, npz or ONNX with the program that wrote it",
    )


def unread_kind(path: str) -> "Unread | None":
    """The format of a file that no reader of weights reads; None if it is of no known one."""
    from lstmcalc.readers.files.containers import archive_format, unread_format
    from lstmcalc.readers.files.texts import text_format

    head = _head(path)
    if head.startswith(_ZIP):
        return archive_format(list(_members(path)), "a zip archive", "unzip FILE")
    return unread_format(path) or text_format(head.decode("latin-1").removeprefix("\xef\xbb\xbf"))


def _head(path: str) -> bytes:
    with open(path, "rb") as stream:  # noqa: PTH123  # as in `texts`
        return stream.read(HEAD)


def weight_kind(path: str) -> str:
    """The kind of a file: a key of `_READERS`, `zip` for an archive without weights, or empty for anything else.

    Only signatures are read, of a protobuf its fields up to the graph, and of a zip archive its index.
    """
    held = given(path)
    if held is not None:
        return held.file.kind
    return budget().once("kind", path, lambda: _told_kind(path))


def _told_kind(path: str) -> str:  # noqa: PLR0911  # one for each signature
    try:
        _size(path)
        with open(path, "rb") as stream:  # noqa: PTH123  # as in `texts`
            head, size = stream.read(HEAD), os.fstat(stream.fileno()).st_size
            if ".data-" in path and _is_checkpoint(path):
                return "tensorflow"
            if head.startswith(_ZIP):
                return _zip_kind(path)
            if told := _signature(head, size):
                return told
            if _may_be_json(head):
                return _tensorflow_js_kind(head) or _json_kind(path)
            if any(_at(stream, offset, _HDF5) for offset in _offsets(size)):
                return "hdf5"
            if head[4:8] == _TFLITE:
                return "tflite"
            if _is_onnx(stream, size):
                return "onnx"
            from lstmcalc.readers.files.tensorflow_kinds import tensorflow_kind

            return tensorflow_kind(stream, head, size) or inner_kind(Inner(section_of(path), shown_name(path)))
    except IsADirectoryError:
        from lstmcalc.readers.files.containers import folder_error

        raise folder_error(path, shown_name(path), EXPECTED) from None
    except OSError as error:
        raise SourceError(f"cannot read {shown_name(path)}", found=error.strerror or str(error)) from None


def _size(path: str) -> int:
    """The size of a regular file in bytes; a pipe is refused, as opening it can block and its bytes come only once."""
    if path == "-" and not os.path.lexists(path):
        raise SourceError("a weight file cannot come from standard input", "the name of a file")
    try:
        status = os.stat(path)  # noqa: PTH116  # as in `texts`
    except (OSError, ValueError) as error:
        raise cannot_read(shown_name(path), error) from None
    if not (S_ISREG(status.st_mode) or S_ISDIR(status.st_mode)):  # opening a directory fails in its own words
        raise SourceError(f"{shown_name(path)} is not a regular file", "a file that can be read from any place")
    return status.st_size


def _zip_kind(file: File, depth: int = _DEPTH) -> str:
    """The kind of a zip archive, told by the names of its members; `packed` if one of them is a model."""
    members = _members(file)
    parts = {name.rpartition("/")[2] for name in members}
    if parts & {"data.pkl", "archive_format", "extern_modules"}:  # `read_torch` refuses the last two by name
        return "torch"
    if "model.weights.h5" in parts:
        return "keras"
    if any(name.endswith(".npy") for name in members):
        return "npz"
    return "packed" if any(models_in(zip_members(members), depth)) else "zip"


def _members(file: File) -> Mapping[str, "Member"]:
    """The members of a zip archive."""
    from lstmcalc.readers.files.archives import read_archive

    try:
        return read_archive(file)
    except SourceError as error:
        raise named_error(error, name_of(file)) from None


def _is_safetensors(head: bytes, size: int) -> bool:
    """True if 8 bytes with the length of an index, and then its brace, begin the file, which may be cut off."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") < 2**48 and size > 8  # noqa: PLR2004


def _offsets(size: int) -> Iterator[int]:
    """The offsets at which HDF5 may begin after a user block: 512, 1024, 2048, ..."""
    offset = 512
    while offset < min(size, 2**40):
        yield offset
        offset *= 2


def _at(stream: BinaryIO, offset: int, wanted: bytes) -> bool:
    stream.seek(offset)
    return stream.read(len(wanted)) == wanted


# The fields of ModelProto by number, with their wire types; onnx/onnx.proto of onnx 1.23.2.
_MODEL_FIELDS: Final = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_GRAPH: Final = 7
_MAX_FIELDS: Final = 1000  # fields of a model that are looked at to find its version and graph
_MAX_IR: Final = 1000  # the version is 14 in onnx 1.23.2


def _is_onnx(stream: BinaryIO, size: int) -> bool:
    """True if the fields of a protobuf are those of a ModelProto, until both its version and its graph are found."""
    stream.seek(0)
    seen: set[int] = set()
    for _ in range(_MAX_FIELDS):
        tag = _varint(stream)
        if tag is None:
            return {1, _GRAPH} <= seen
        field, wire = tag >> 3, tag & 7
        if _MODEL_FIELDS.get(field) != wire:
            return False
        value = _varint(stream)
        if value is None or (field == 1 and not 1 <= value <= _MAX_IR):
            return False
        seen.add(field)
        if field == _GRAPH and 1 in seen:
            return True
        if wire == 2:  # noqa: PLR2004  # a length, and that many bytes
            if stream.tell() + value > size:
                return False
            stream.seek(value, 1)
    return False


def _varint(stream: BinaryIO) -> int | None:
    """The next number of a protobuf; None at the end, or if it is none."""
    start = stream.tell()
    found = varint_at(stream.read(MAX_BYTES))
    if found is None:
        return None
    stream.seek(start + found[1])
    return found[0]
