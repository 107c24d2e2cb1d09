"""Tables, Snappy, and graphs of objects that lie: bounded, and refused in words."""

import random
import time
from pathlib import Path

import pytest

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.readers.tensorflow.bundles import slice_key
from lstmcalc.readers.tensorflow.objects import Node, checkpoint_graph, walk
from lstmcalc.readers.tensorflow.snappy import decompressed
from lstmcalc.readers.tensorflow.tables import entries_of, value_of
from tools.mutated_structures import varint
from tools.tensorflow_tables import block, footer, table
from tools.unread_formats import field

HEADER = (b"", field(1, 1))


def entry(shape: tuple[int, ...], size: int, offset: int = 0, *, dtype: int = 1, shard: int = 0) -> bytes:
    dims = b"".join(field(2, field(1, each)) for each in shape)
    return field(1, dtype) + field(2, dims) + field(3, shard) + field(4, offset) + field(5, size)


def literals(data: bytes) -> bytes:
    """Data as Snappy stores what it cannot compress."""
    pieces = [data[at : at + 60] for at in range(0, len(data), 60)]
    return varint(len(data)) + b"".join(bytes([len(piece) - 1 << 2]) + piece for piece in pieces)


def read(entries: list[tuple[bytes, bytes]], path: Path) -> list[Found]:
    path.write_bytes(table(entries))
    return read_weights(str(path))


def test_a_table_has_the_entries_that_were_written() -> None:
    draw = random.Random(0)  # noqa: S311  # not for secrets
    names = {bytes(draw.choices(b"ab/", k=draw.randrange(30))): draw.randbytes(draw.randrange(40)) for _ in range(500)}
    entries = sorted(names.items())
    for per_block in (1, 7, 1000):
        assert list(entries_of(Section.of(table(entries, per_block=per_block)))) == entries
    assert list(entries_of(Section.of(table(entries, per_block=50, packed=literals, kind=1)))) == entries
    with pytest.raises(SourceError, match="compressed"):
        list(entries_of(Section.of(table(entries, kind=2))))


def test_snappy_copies_what_it_wrote() -> None:
    assert decompressed(b"\x0a" + b"\x08abc" + b"\x0d\x03") == b"abcabcabca"  # a copy of 7 from 3 before
    assert decompressed(literals(bytes(range(256)) * 9)) == bytes(range(256)) * 9


@pytest.mark.parametrize(
    "data",
    [
        varint(2**40) + b"\0a",  # a bomb
        varint(2**62) + b"\xfe\1\0" * 10,
        b"\x0a\x01\x05",  # a copy before the first byte
        b"\x05\xf0\xff",  # a literal that is not there
        b"\xff" * 11,
        b"",
        b"\x09\x08abc",
    ],
)
def test_snappy_refuses_what_it_cannot_be(data: bytes) -> None:
    with pytest.raises(SourceError, match="Snappy"):
        decompressed(data)


def test_a_block_cannot_stand_for_many() -> None:
    body = block([HEADER])
    place = varint(0) + varint(len(body))
    index = block([(b"%05d" % number, place) for number in range(1000)])
    with pytest.raises(SourceError, match="damaged"):
        list(entries_of(Section.of(body + bytes(5) + footer(len(body) + 5, index))))


def test_an_index_block_cannot_be_its_own_block() -> None:
    index = block([(b"a", varint(0) + varint(20))])
    with pytest.raises(SourceError, match="damaged"):
        list(entries_of(Section.of(footer(0, index))))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (entry((2**60, 4), 16), r"2\*\*62|bytes of float32"),
        (entry((2**40, 2**40), 16), "too large"),
        (entry((8, 20), 640, 2**50), "bytes that are not there|missing"),
        (entry((8, 20), 639), "bytes of float32"),
        (entry((-1 % 2**64, 20), 0), "shape"),
        (entry((8, 20), 640, shard=2**40), "missing"),
        (b"\xff" * 12, "fields that lie within"),
    ],
)
def test_an_entry_that_lies_is_refused(value: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.index"
    (tmp_path / "a.data-00000-of-00001").write_bytes(bytes(100))
    entries = [HEADER, (b"rnn/lstm_cell/bias", entry((20,), 80)), (b"rnn/lstm_cell/kernel", value)]

    def numbers() -> object:
        return read(entries, path)[0].stored.tensors["rnn/lstm_cell/kernel:0"].read()

    with pytest.raises(SourceError, match=said):
        numbers()


def test_keys_of_parts_are_those_of_tensorflow() -> None:
    # Recorded of TensorFlow 2.21.0: fixed_size_partitioner, k (200, 400) in three parts and m (20000, 1) in two.
    assert slice_key(b"k", ((0, 67), (0, 400))) == b"\0k\0\1\1\2\x80\xc0C\x80\xc1\x90"
    assert slice_key(b"k", ((134, 66), (0, 400))) == b"\0k\0\1\1\2\xc0\x86\xc0B\x80\xc1\x90"
    assert slice_key(b"m", ((10000, 10000), (0, 1))) == b"\0m\0\1\1\2\xe0'\x10\xe0'\x10\x80\x81"


def test_objects_may_refer_to_each_other() -> None:
    nodes = [Node((("a", 1), ("self", 0))), Node((("b", 0), ("c", 2), ("far", 10**9))), Node((("d", 1),))]
    assert [(step.number, step.path) for step in walk(nodes)] == [(0, ""), (1, "a"), (2, "a/c")]
    assert list(walk([])) == []


def test_a_chain_of_objects_costs_what_its_graph_has() -> None:
    chain = b"".join(field(1, field(1, field(1, number + 1) + field(2, b"x" * 100))) for number in range(20_000))
    start = time.process_time()
    assert len(list(walk(checkpoint_graph(chain)))) == 101
    many = [Node(tuple(("n" * 4000, number) for number in range(1, 20_000)))] + [Node()] * 20_000
    with pytest.raises(SourceError, match="too long"):
        list(walk(many))
    assert time.process_time() - start < 5


def test_variables_that_are_too_many_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstmcalc.readers.tensorflow.bundles._MAX_VARIABLES", 100)
    with pytest.raises(SourceError, match="too many"):
        read([HEADER, *((b"%08d" % number, b"") for number in range(101))], tmp_path / "a.index")


def test_an_index_that_is_cut_off_is_damaged(tmp_path: Path) -> None:
    whole = table([(b"", field(1, 1) + field(3, field(1, 1))), (b"rnn/lstm_cell/bias", entry((20,), 80))])
    (tmp_path / "a").write_bytes(whole[:60])
    with pytest.raises(SourceError, match="its table is damaged"):
        read_weights(str(tmp_path / "a"))


def test_a_table_of_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"LevelDB|no header"):
        read([(b"key", b"value")], tmp_path / "a.index")


def test_a_value_is_found_in_its_block_alone() -> None:
    entries = [(b"%05d" % number, b"value %d" % number) for number in range(0, 900, 3)]
    section = Section.of(table(entries, per_block=7))
    assert [value_of(section, key) for key, _ in entries[::50]] == [value for _, value in entries[::50]]
    assert value_of(section, b"00001") is None
    assert value_of(section, b"99999") is None


def test_an_old_checkpoint_that_lies_is_refused(tmp_path: Path) -> None:
    def header(shape: tuple[int, ...]) -> bytes:
        dims = b"".join(field(2, field(1, size)) for size in shape)
        return field(1, field(1, field(1, b"rnn/lstm_cell/kernel") + field(2, dims) + field(3, 1) + field(4, b"")))

    for shape in ((2**60, 16), (2**31, 2**31), (8, 16)):
        path = tmp_path / "a.ckpt"
        path.write_bytes(table([(b"", header(shape)), (b"\1", b"")]))
        with pytest.raises(SourceError, match=r"no LSTM is recognised|too large|2\*\*62|not in its file|other axes"):
            read_weights(str(path))[0].stored.tensors["rnn/lstm_cell/kernel:0"].read()
