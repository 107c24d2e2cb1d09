"""The variable-length integers of Protocol Buffers: seven bits in each byte, the lowest first, the eighth for "more".

Source: "Encoding", protobuf.dev.
"""

from typing import Final, Protocol, overload

MAX_BYTES: Final = 10  # that 64 bits take


class Bytes(Protocol):
    """The bytes of a file, or the file mapped into memory."""

    @overload
    def __getitem__(self, key: int, /) -> int: ...

    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...

    def __len__(self) -> int: ...


def varint_at(data: bytes, at: int = 0) -> tuple[int, int] | None:
    """A number and the position after it; None if it does not end within `MAX_BYTES`, or within the data."""
    value = 0
    for index, byte in enumerate(data[at : at + MAX_BYTES]):
        value |= (byte & 127) << 7 * index
        if byte < 128:  # noqa: PLR2004  # the eighth bit
            return value & (2**64 - 1), at + index + 1
    return None
