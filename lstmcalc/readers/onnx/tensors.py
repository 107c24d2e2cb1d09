"""The numbers of the tensors of an ONNX file: raw bytes, fields of their type, or bytes of a file next to it.

Source: onnx/onnx.proto of onnx 1.23.2 (IR version 14): TensorProto.

Not here: the headers of tensors (`graphs`), and where another file may be (`external`).
"""

from collections.abc import Iterator
from typing import Any, Final

from lstmcalc.errors import SourceError, shown_name
from lstmcalc.readers.files.budget import DECODED, budget
from lstmcalc.readers.files.raw_numbers import WIDTHS, Block, array_from_bytes, file_blocks, numel, read_block
from lstmcalc.readers.files.varints import MAX_BYTES
from lstmcalc.readers.onnx.external import place_of
from lstmcalc.readers.onnx.graphs import DOUBLES, FLOATS, TYPED, Tensor

_BLOCK: Final = 2**20  # bytes that are read, or decoded, at a time


def read_tensor(path: str, tensor: Tensor, where: str) -> Any:  # noqa: ANN401  # an array
    """The numbers of a tensor, as a NumPy array."""
    _check_readable(tensor, where)
    if tensor.elsewhere:
        other, offset = place_of(path, tensor.elsewhere, tensor.nbytes, where)
        return read_block(other, where, tensor.dtype, tensor.shape, offset)
    if _is_contiguous(tensor):
        return read_block(path, where, tensor.dtype, tensor.shape, _raw_start(tensor, where))
    return _typed_numbers(path, tensor, where)


def tensor_blocks(path: str, tensor: Tensor, where: str) -> Iterator[Block]:
    """The numbers of `read_tensor` in blocks; those that are stored in fields of their type are one."""
    _check_readable(tensor, where)
    if tensor.elsewhere:
        other, offset = place_of(path, tensor.elsewhere, tensor.nbytes, where)
        yield from file_blocks(other, where, tensor.dtype, tensor.shape, offset)
    elif _is_contiguous(tensor):
        yield from file_blocks(path, where, tensor.dtype, tensor.shape, _raw_start(tensor, where))
    elif numel(tensor.shape):
        yield tuple(slice(0, size) for size in tensor.shape), _typed_numbers(path, tensor, where)


def has_zero_bytes(path: str, tensor: Tensor, where: str) -> bool:
    """True if all bytes of a tensor are zero, as far as that can be told without NumPy, which takes long to load."""
    if tensor.elsewhere or tensor.dtype not in WIDTHS or not _is_contiguous(tensor):
        return False
    start = _raw_start(tensor, where)
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            stream.seek(start)
            return not any(stream.read(tensor.nbytes))
    except OSError:
        return False  # reading its numbers reports why


def _check_readable(tensor: Tensor, where: str) -> None:
    """Refuse a tensor of a dtype that is not read."""
    if tensor.dtype not in WIDTHS:
        raise SourceError(f"numbers of {tensor.dtype} are not read", "float32, or another float", where=where)


def _is_contiguous(tensor: Tensor) -> bool:
    """True if the numbers are in one place, as in memory: raw bytes, or a packed list of float or double."""
    return tensor.raw or (TYPED.get(tensor.dtype) in (FLOATS, DOUBLES) and len(tensor.spans) == 1)


def _raw_start(tensor: Tensor, where: str) -> int:
    """The offset of a tensor's numbers, which are stored as in memory."""
    start, stop = tensor.spans[0] if tensor.spans else (0, 0)
    _check_count(where, "bytes", tensor.nbytes, stop - start)
    return start


def _check_count(where: str, what: str, wanted: int, found: int) -> None:
    if wanted != found:
        raise SourceError("the tensor is not as large as its shape", f"{wanted:,} {what}", f"{found:,}", where=where)


def _typed_numbers(path: str, tensor: Tensor, where: str) -> Any:  # noqa: ANN401  # an array
    """The numbers of a tensor that stores them in fields of their type."""
    import numpy as np

    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            parts = []
            for start, stop in tensor.spans:
                stream.seek(start)
                parts.append(stream.read(stop - start))
    except OSError as error:
        raise SourceError("cannot be read", found=error.strerror or str(error), where=where) from None
    data = b"".join(parts)
    if TYPED.get(tensor.dtype) in (FLOATS, DOUBLES):
        _check_count(where, "bytes", tensor.nbytes, len(data))
        return array_from_bytes(data, tensor.dtype, tensor.shape)
    count = len(data) - sum(byte >> 7 for byte in data)  # only the last byte of a varint has no high bit
    _check_count(where, "numbers", numel(tensor.shape), count)
    budget().take(DECODED, count)
    values = np.empty(count, np.uint64)
    start = at = 0
    while start < len(data):
        stop = _end_of_varint(data, min(start + _BLOCK, len(data)))
        decoded = _decoded_varints(data[start:stop], where)
        values[at : at + len(decoded)] = decoded
        start, at = stop, at + len(decoded)
    width = WIDTHS[tensor.dtype]
    packed = values.astype(f"<u{width}") if width <= 8 else values  # noqa: PLR2004
    return array_from_bytes(packed.tobytes(), tensor.dtype, tensor.shape)


def _end_of_varint(data: bytes, stop: int) -> int:
    """The end of the number that has the byte before `stop`."""
    while stop < len(data) and data[stop - 1] > 127:  # noqa: PLR2004  # more follows
        stop += 1
    return stop


def _decoded_varints(data: bytes, where: str) -> Any:  # noqa: ANN401  # an array
    """The varints of some bytes, a byte of each at a time."""
    import numpy as np

    stored = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(stored < 128)  # noqa: PLR2004  # the last byte of each
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if data[-1] > 127 or lengths.max() > MAX_BYTES:  # noqa: PLR2004  # as above
        raise SourceError("the tensor is damaged", f"numbers of at most {MAX_BYTES} bytes", where=where)
    values = np.zeros(len(ends), np.uint64)
    for index in range(lengths.max()):
        longer = lengths > index
        part = (stored[starts[longer] + index] & 127).astype(np.uint64)
        values[longer] |= part << np.uint64(7 * index)
    return values


def tensor_digest(path: str, tensor: Tensor, most: int | None = None) -> bytes:
    """A hash of the bytes of a tensor's numbers, of the first `most` if that is given."""
    from hashlib import sha256

    found, left = sha256(), sum(stop - start for start, stop in tensor.spans) if most is None else most
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            for start, stop in tensor.spans:
                stream.seek(start)
                size = min(left, stop - start)
                left -= size
                while size > 0 and (block := stream.read(min(size, _BLOCK))):
                    found.update(block)
                    size -= len(block)
                if not left:
                    break
    except OSError as error:
        raise SourceError("cannot be read", found=error.strerror or str(error), where=shown_name(path)) from None
    return found.digest()
