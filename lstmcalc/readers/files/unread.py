"""Formats that are recognised and not read: their names, by first bytes, last bytes or fields of a protobuf.

A name is a statement about the bytes that were looked at, so it says that a file looks like one of the format. A few
KiB are read; compressed data are inflated up to `_PEEK` bytes.

Not here: formats that are read (`kinds`), archives and folders (`containers`), and formats of text (`texts`).
"""

import re
import zlib
from collections.abc import Callable
from typing import BinaryIO, Final, Literal, NamedTuple

from lstmcalc.errors import SourceError, shown_name
from lstmcalc.readers.files.peeking import first_fields
from lstmcalc.readers.files.tensorflow_kinds import index_of, is_data, is_meta, table_kind

HEAD: Final = 4096  # bytes at the start of a file that are looked at
_PEEK: Final = 2048  # bytes that are inflated to name what is compressed
_MAX_FIELDS: Final = 64  # fields of a protobuf that are looked at


class Unread(NamedTuple):
    """A format that is recognised and not read."""

    name: str  # with an article: `a GGUF model of ggml`
    hint: str  # a way to a file that is read
    seen: str = "its first bytes"  # the part of the file that was understood
    open: str = "whether it has an LSTM is not known"  # what was not


def unread_error(name: str, unread: Unread, expected: str) -> SourceError:
    """The error about a file whose format is known and not read: a denial would be wrong, an LSTM may be in it."""
    return SourceError(
        f"{name} looks like {unread.name}, which is not read",
        expected,
        f"{unread.seen}; {unread.open}",
        unread.hint,
    )


def format_of_stream(stream: BinaryIO, head: bytes, size: int, path: str) -> Unread | None:
    """The format of a file that begins with `head`; None if its bytes are of no known format."""
    known = format_of_bytes(head) or _data_file(path, size)
    return known or next(filter(None, (check(stream, head, size) for check in _CHECKS)), None)


_ORIGIN: Final = "give the model that it was converted from"
_COMPUTED: Final = "no conversion to a file that is read is known: give the sizes as flags, e.g. --input 10 --hidden 20"
_TENSORFLOW: Final = (
    "with TensorFlow: r = tf.train.load_checkpoint(PREFIX); "
    "np.savez(NEW, **{n: r.get_tensor(n) for n in r.get_variable_to_shape_map()}), and read NEW"
)
_TABLES: Final = "if it has the arrays of an LSTM: save them with np.savez under their framework's names, and read that"
_ONNX: Final = "give the .onnx that it was made of"
_FLAX: Final = (
    "tree = flax.serialization.msgpack_restore(open(FILE, 'rb').read()); np.savez(NEW, "
    "**flax.traverse_util.flatten_dict(tree, sep='/')), and read NEW"
)
_NDARRAYS: Final = "with MXNet: np.savez(NEW, **{k: v.asnumpy() for k, v in mx.nd.load(FILE).items()}), and read NEW"
_MAT: Final = (
    "with SciPy: np.savez(NEW, **{k: v for k, v in scipy.io.loadmat(FILE).items() if k[0] != '_'}), and read NEW; "
    "objects of MATLAB, as a whole network, are not in the arrays"
)

# Formats by the bytes at an offset. Sources:
# - file_identifier of FlatBuffers, at 4: onnxruntime/core/flatbuffers/schema/ort.fbs; of ExecuTorch and PyTorch's
#   mobile format from general knowledge.
# - GGUF: docs/gguf.md (ggml 01f0d4da); its predecessors from general knowledge: magic numbers in ggml.h, llama.cpp.
# - ncnn: the magic number of a .param is 7767517 (src/net.cpp), the tag of float16 weights 0x01306B47
#   (src/modelbin.cpp).
# - MXNet: kMXAPINDArrayListMagic, src/ndarray/ndarray.cc, and a reserved zero.
# - Lua Torch, from general knowledge (File.lua): type 4 (an object), its index, and the version `V 1` after its length.
# - MAT-files of version 5: "MAT-File Format", MathWorks. Parquet, Arrow: their specifications at apache.org.
# - Kaldi: binary marker and token, src/base/io-funcs-inl.h, from general knowledge.
_SIGNATURES: Final = (
    (4, b"ORTM", Unread("an ONNX Runtime model (.ort)", _ONNX)),
    (4, b"ET12", Unread("an ExecuTorch program (.pte)", _ORIGIN)),
    (4, b"FT01", Unread("tensors of ExecuTorch (.ptd)", _ORIGIN)),
    (4, b"PTMF", Unread("a mobile model of PyTorch (FlatBuffers)", _ORIGIN)),
    (0, b"GGUF", Unread("a GGUF model of ggml", _ORIGIN)),
    *((0, word, Unread("a ggml model", _ORIGIN)) for word in (b"lmgg", b"fmgg", b"tjgg", b"algg")),
    (0, b"\xdd\x85\x76\0", Unread("an ncnn network (.param.bin)", _ORIGIN)),
    (0, b"\x47\x6b\x30\x01", Unread("weights of ncnn in float16 (.bin)", _ORIGIN)),
    (0, b"\x12\1" + bytes(14), Unread("parameters of MXNet", _NDARRAYS)),
    (0, b"MATLAB 5.0 MAT-file", Unread("a MAT-file of MATLAB before 7.3", _MAT)),
    (0, b"PAR1", Unread("a Parquet table", _TABLES)),
    (0, b"ARROW1\0\0", Unread("an Arrow table", _TABLES)),
    (0, b"FEA1", Unread("a Feather table", _TABLES)),
    (0, b"\0B<", Unread("a binary file of Kaldi", _COMPUTED)),
    (0, b"%PDF-", Unread("a PDF document", "give the file that the model was saved to")),
    (0, b"\x89PNG\r\n\x1a\n", Unread("a PNG image", "give the file that the model was saved to")),
    (0, b"\x7fELF", Unread("a program or library (ELF)", "give the file that the model was saved to")),
)
_LUA: Final = rb"\x04\0\0\0.{4}\x03\0\0\0V 1"


def format_of_bytes(head: bytes) -> Unread | None:
    """The format that the first bytes alone tell."""
    for offset, mark, unread in _SIGNATURES:
        if head.startswith(mark, offset):
            return unread
    if re.match(_LUA, head, re.DOTALL):
        return Unread("a file of Lua Torch (.t7)", "load it with the package torchfile, and np.savez its arrays")
    return _compressed(head) or _message_pack(head)


# The first bytes of compressed files: RFC 1952 (gzip), RFC 1950 (zlib), RFC 8878 (zstd), the formats of bzip2, xz, LZ4.
_COMPRESSED: Final = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"(\xb5/\xfd": "zstd",
    b"\4\x22\x4d\x18": "LZ4",
    **dict.fromkeys((b"x\x01", b"x^", b"x\x9c", b"x\xda"), "zlib"),
}


def _compressed(head: bytes) -> Unread | None:
    """A compressed file in which no model was found (`packing`), or whose way to compress is not read."""
    way = next((way for mark, way in _COMPRESSED.items() if head.startswith(mark)), "")
    if not way or (way in ("gzip", "zlib") and not _inflates(head)):
        return None
    return Unread(f"{way}-compressed data", "decompress it first")


def _inflates(head: bytes) -> bool:
    """True if the first bytes are those of gzip or zlib, of which two alone say little."""
    try:
        zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(head, _PEEK)
    except zlib.error:
        return False
    return True


# A map of 1 to 15 entries whose first key is a text of 1 to 31 bytes (MessagePack specification; flax 0.12.8,
# flax/serialization.py, to_bytes).
_MAP_KEY: Final = rb"[\x81-\x8f]([\xa1-\xbf])([\w./ -]{1,31})"


def _message_pack(head: bytes) -> Unread | None:
    """MessagePack that begins with a named entry, as Flax writes a tree of parameters."""
    found = re.match(_MAP_KEY, head)
    if not found or len(found[2]) < (length := found[1][0] & 31) or not head[2 + length :]:
        return None
    key = found[2][:length].decode("ascii", "replace")
    return Unread("MessagePack, as Flax saves parameters", _FLAX, f"its first key, {key}")


def _data_file(path: str, size: int) -> Unread | None:
    """The numbers of a checkpoint of TensorFlow, which only the name tells, without their index."""
    if not size or not is_data(path):
        return None
    hint = f"names and shapes are in {shown_name(index_of(path))}, which is missing"
    return Unread("data of a TensorFlow checkpoint", hint, "its name")


# --- Formats that take more than a comparison


def _of_tensorflow(stream: BinaryIO, head: bytes, size: int) -> Unread | None:
    """A table that is not the index of a checkpoint, or the graph of one."""
    kind = table_kind(stream, head, size)
    if kind:
        return Unread("a table of LevelDB", _TENSORFLOW, "its last bytes")
    if is_meta(stream, size):
        return Unread("a graph of TensorFlow (.meta)", "give the .index of the checkpoint that it is of")
    return None


def _tesseract(_: BinaryIO, head: bytes, size: int) -> Unread | None:
    """A traineddata: the number of components, and the offset of each, -1 for one that is missing.

    Source: src/ccutil/tessdatamanager.h of tesseract 094abc8a, where component 17 is the LSTM.
    """
    count = int.from_bytes(head[:4], "little")
    order: Literal["little", "big"] = "little" if count < 1 << 16 else "big"
    count = int.from_bytes(head[:4], order)
    table = head[4 : 4 + 8 * count]
    if not 1 <= count <= 100 or len(table) < 8 * count:  # noqa: PLR2004  # 24 in this version
        return None
    offsets = [int.from_bytes(table[at : at + 8], order, signed=True) for at in range(0, 8 * count, 8)]
    held = [offset for offset in offsets if offset != -1]
    if not held or held != sorted(held) or held[0] != 4 + 8 * count or held[-1] > size:
        return None
    has_lstm = count > 17 and offsets[17] != -1  # noqa: PLR2004
    return Unread(
        "trained data of Tesseract",
        _COMPUTED,
        f"its table of components, {'with' if has_lstm else 'without'} the component lstm",
    )


def _bson(_: BinaryIO, head: bytes, size: int) -> Unread | None:
    """A document of BSON, as Flux saves models: its size, a type, and a name that a zero ends (bsonspec.org 1.1)."""
    if int.from_bytes(head[:4], "little") != size or not re.match(rb"[\x01-\x13][\w./ -]{1,64}\0", head[4:]):
        return None
    return Unread(
        "a BSON document, as Flux saves models", "with Julia: write its arrays with the package NPZ", "its size"
    )


# The fields of Core ML's Model that hold a model; mlmodel/format/Model.proto of coremltools 05a2f70f, 502 and 600 on of
# later versions.
_CORE_ML: Final = (*range(200, 203), *range(300, 304), *range(400, 405), 500, 501, 502, 555, 556, *range(560, 611))
_CORE_ML_LATER: Final = (900, 2000, 2001, 2002, 2003, 2004, 2005, 2006, 3000)


def _core_ml(stream: BinaryIO, _: bytes, size: int) -> Unread | None:
    """A model of Core ML: its version, its description, and a model of one of the kinds there are."""
    fields = list(first_fields(stream, size))
    begins = [(field.number, field.wire) for field in fields[:2]] == [(1, 0), (2, 2)]
    kinds = {field.number for field in fields if field.wire == 2} & {*_CORE_ML, *_CORE_ML_LATER}  # noqa: PLR2004
    if not begins or not kinds or not 1 <= fields[0].value <= 100:  # noqa: PLR2004  # versions
        return None
    return Unread("a Core ML model", _ORIGIN, f"its fields, of version {fields[0].value} of the format")


_CHECKS: Final[tuple[Callable[[BinaryIO, bytes, int], Unread | None], ...]] = (
    _of_tensorflow,
    _tesseract,
    _bson,
    _core_ml,
)
