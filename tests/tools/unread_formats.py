"""Small files of formats that are recognised and not read, by what each is, with the words that name it."""

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zlib

from tools.files import zipped


def varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number: int, value: int | bytes) -> bytes:
    """A field of a protobuf (protobuf.dev, Encoding)."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def tarred(*names: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 700
            archive.addfile(info, io.BytesIO(bytes(700)))
    return stream.getvalue()


def traineddata(*components: int) -> bytes:
    """tessdatamanager.cpp of Tesseract 5, Serialize: a count of 32 bits, an offset of 64 bits each, the components."""
    offsets, at = [-1] * 24, 4 + 8 * 24
    for component in components:
        offsets[component], at = at, at + 10
    table = b"".join(offset.to_bytes(8, "little", signed=True) for offset in offsets)
    return (24).to_bytes(4, "little") + table + bytes(10 * len(components))


def table(value: bytes) -> bytes:
    """A table of one block whose first key is empty, as TensorFlow's BundleWriter begins it: tensor_bundle.cc."""
    block = bytes([0, 0, len(value)]) + value + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    return block + bytes(5) + bytes(40) + bytes.fromhex("57fb808b247547db")


NODE = field(1, b"x") + field(2, b"Placeholder")  # node_def.proto
OPERATIONS = field(1, field(1, b"Const") + field(3, field(1, b"output")))  # op_def.proto, OpList
META = field(1, field(2, OPERATIONS) + field(4, b"serve")) + field(2, field(1, NODE))  # meta_graph.proto
DESCRIPTION = field(1, field(1, b"input") + field(3, b""))  # coremltools 9.0, ModelDescription
BSON = b"\3params\0\5\0\0\0\0\0"  # bsonspec.org: an empty document called params

# What a file is, its bytes, and how it is called. Its format's documentation and version stand beside its reader in
# `unread`, `containers` and `texts`, or above.
KINDS = {
    "ORT": (b"\x18\0\0\0ORTM" + bytes(40), "an ONNX Runtime model (.ort)"),
    "ExecuTorch": (b"\x34\0\0\0ET12" + bytes(40), "an ExecuTorch program (.pte)"),
    "PyTorch Mobile": (b"\x14\0\0\0PTMF" + bytes(40), "a mobile model of PyTorch (FlatBuffers)"),
    "LevelDB": (b"\0\3\1abcd" + table(b""), "a table of LevelDB"),
    "meta graph": (META, "a graph of TensorFlow (.meta)"),
    "Core ML": (field(1, 5) + field(2, DESCRIPTION) + field(500, b"..."), "a Core ML model"),
    "Core ML, program": (field(1, 7) + field(2, DESCRIPTION) + field(502, b"..."), "a Core ML model"),
    "ggml": ((0x67676D6C).to_bytes(4, "little") + bytes(40), "a ggml model"),
    "gguf": (b"GGUF\3\0\0\0" + bytes(16), "a GGUF model of ggml"),
    "ncnn, binary": ((7767517).to_bytes(4, "little") + bytes(40), "an ncnn network (.param.bin)"),
    "ncnn, weights": ((0x01306B47).to_bytes(4, "little") + bytes(40), "weights of ncnn in float16 (.bin)"),
    "Tesseract": (traineddata(1, 17, 18, 23), "trained data of Tesseract"),
    "MXNet": ((0x112).to_bytes(8, "little") + bytes(8) + b"\1" + bytes(30), "parameters of MXNet"),
    "Lua Torch": (b"\4\0\0\0\1\0\0\0\3\0\0\0V 1\x13\0\0\0torch.FloatTensor", "a file of Lua Torch (.t7)"),
    "MATLAB": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + b" " * 86 + b"\0\1IM", "a MAT-file of MATLAB before 7.3"),
    "Parquet": (b"PAR1" + bytes(20) + b"PAR1", "a Parquet table"),
    "Arrow": (b"ARROW1\0\0" + bytes(40), "an Arrow table"),
    "Feather": (b"FEA1" + bytes(40), "a Feather table"),
    "Kaldi": (b"\0B<Nnet3> " + bytes(40), "a binary file of Kaldi"),
    "BSON": ((len(BSON) + 5).to_bytes(4, "little") + BSON + b"\0", "a BSON document"),
    "MessagePack": (b"\x81\xa6params\x81\xa4lstm\xc7\x12\1\x93\x91\1\xa7float32\xc4\4" + bytes(4), "MessagePack, as Flax saves parameters"),
    "gzip": (gzip.compress(b"a text" * 9), "gzip-compressed data"),
    "gzip, a tar in it": (gzip.compress(tarred("a.pth")), "a tar archive with a.pth in it"),
    "bzip2": (bz2.compress(b"a text" * 9), "bzip2-compressed data"),
    "xz": (lzma.compress(b"a text" * 9), "xz-compressed data"),
    "zlib": (zlib.compress(bytes(range(256)) * 9), "zlib-compressed data"),
    "zstd": (b"(\xb5/\xfd\x04X1\0\0abcdef" + bytes(4), "zstd-compressed data"),
    "tar": (tarred("model_config.yaml", "model_weights.ckpt"), "a tar archive with model_weights.ckpt in it"),
    "tar of PyTorch": (tarred("sys_info", "pickle", "tensors", "storages"), "a file of PyTorch before 0.1.11"),
    "tar, anything": (tarred("a.txt"), "a tar archive"),
    "zip, a .pth in it": (zipped("data", "policy.pth", "system_info.txt"), "a zip archive with policy.pth in it"),
    "zip, a SavedModel in it": (zipped("m/saved_model.pb", "m/variables/variables.index"), "a SavedModel of Tensor"),
    "zip of DL4J": (zipped("configuration.json", "coefficients.bin"), "a model of Deeplearning4j"),
    "zip of NNabla": (zipped("nnp_version.txt", "network.nntxt", "parameter.h5"), "a model of NNabla (.nnp)"),
    "zip of Core ML": (zipped("m/Manifest.json", "m/Data/com.apple.CoreML/model.mlmodel"), "a package of Core ML"),
    "zip, anything": (zipped("word/document.xml"), "a zip archive"),
    "zip, empty": (zipped(), "a zip archive"),
    "OpenVINO": (b'<?xml version="1.0"?>\n<net name="m" version="11">\n</net>\n', "a network of OpenVINO (IR)"),
    "ncnn": (b"7767517\n3 3\nInput in0 0 1 in0\n", "a network of ncnn (.param)"),
    "DyNet": (b"#Parameter# /vanilla-lstm-builder/_0 {80,10} 12801 ZERO_GRAD\n0.1 0.2\n", "parameters of DyNet"),
    "DyNet, lookup": (b"#LookupParameter# /_1 {20,100} 32001 ZERO_GRAD\n0.1\n", "parameters of DyNet"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a pointer of Git LFS"),
    "GraphDef, text": (b'node {\n  name: "x"\n  op: "Placeholder"\n}\n', "a graph of TensorFlow"),
    "Caffe": (b'name: "net"\ninput: "data"\nlayer {\n  type: "LSTM"\n}\n', "a network of Caffe"),
    "list of checkpoints": (b'model_checkpoint_path: "m-1"\n', "the list of a TensorFlow checkpoint's files"),
    "pickle, protocol 0": (pickle.dumps({"a": [1.5]}, protocol=0), "a pickle of protocol 0"),
    "web page": (b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>", "a web page"),
}  # fmt: skip
