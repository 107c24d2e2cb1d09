"""The machine for pickles: what Python's own makes of plain values, and how it bears hostile ones."""

import pickle
import pickletools
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.pickles.machine import Pickled, interpret_pickle
from lstmcalc.readers.pickles.records import Call, Global, LongString, Persistent, Table, bytes_of
from lstmcalc.readers.torch.files import read_pickle


def reading(program: bytes, **how: Any) -> Pickled:
    return interpret_pickle(Section.of(program), **how)


def plain(value: Any) -> Any:
    """The values of Python that inert ones stand for."""
    if isinstance(value, Table):
        return {plain(key): plain(held) for key, held in value.pairs}
    if isinstance(value, LongString):
        return value.section.read().decode(value.coding) if value.coding == "utf-8" else bytes_of(value)
    if type(value) in (list, tuple):
        return type(value)(plain(held) for held in value)
    return value


KEYS = st.one_of(st.integers(), st.text(), st.binary(), st.booleans(), st.none(), st.tuples(st.text(), st.integers()))
VALUES = st.recursive(
    st.one_of(KEYS, st.floats(allow_nan=False), st.integers(-(2**2000), 2**2000)),
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(KEYS, inner), st.tuples(inner), st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=20,
)


@given(VALUES, st.sampled_from(range(6)))
def test_plain_values_are_those_that_were_pickled(value: Any, protocol: int) -> None:
    program = pickle.dumps(value, protocol)
    found = reading(program)
    assert plain(found.value) == value
    assert found.end == len(program)
    assert set(found.called) <= {"_codecs.encode", "__builtin__.bytes"}  # of bytes before protocol 3


@pytest.mark.parametrize("protocol", range(6))
def test_containers_of_the_library_are_plain_ones(protocol: int) -> None:
    held = [OrderedDict(a=1, b=2), defaultdict(int, c=3), {4}, frozenset({5}), bytearray(b"\xff6")]
    found = plain(reading(pickle.dumps(held, protocol)).value)
    assert found[:3] == [{"a": 1, "b": 2}, {"c": 3}, [4]]
    assert (list(found[3]), found[4]) == ([5], b"\xff6")


@pytest.mark.parametrize("protocol", range(6))
def test_long_strings_stay_in_the_file(protocol: int) -> None:
    held = [bytes(range(256)) * 99, "é\n\\u00e9'" * 9999]
    values = reading(pickle.dumps(held, protocol)).value
    assert all(isinstance(value, LongString) for value in values)
    assert bytes_of(values[0]) == held[0]
    assert values[1].section.read().decode(values[1].coding) == held[1]


# As Python 2.7 pickles {'a': u'\xe9', 'b': 'x\xff\n', 'c': 1L, 'd': True} in its protocols 0, 1 and 2.
OF_PYTHON_2 = (
    b"(dp0\nS'a'\np1\nV\xe9\np2\nsS'b'\np3\nS'x\\xff\\n'\np4\nsS'c'\np5\nL1L\nsS'd'\np6\nI01\ns.",
    b"}q\x00(U\x01aq\x01X\x02\x00\x00\x00\xc3\xa9q\x02U\x01bq\x03U\x03x\xff\nq\x04U\x01cq\x05L1L\nU\x01dq\x06I01\nu.",
    b"\x80\x02}q\x00(U\x01aq\x01X\x02\x00\x00\x00\xc3\xa9q\x02U\x01bq\x03U\x03x\xff\nq\x04U\x01cq\x05\x8a\x01\x01U\x01dq\x06\x88u.",
)


@pytest.mark.parametrize("program", OF_PYTHON_2)
def test_pickles_of_python_2_are_read(program: bytes) -> None:
    assert pickle.loads(program, encoding="latin-1") == plain(reading(program).value)
    assert plain(reading(program).value) == {"a": "é", "b": "x\xff\n", "c": 1, "d": True}


def test_every_opcode_is_known() -> None:
    """Those of pickletools: each one is acted on, or ends the pickle."""
    from lstmcalc.readers.pickles import machine as pickles

    known = {ord(opcode.code) for opcode in pickletools.opcodes}
    assert set(pickles._ACTIONS) | {ord(".")} == known  # noqa: SLF001  # the table itself


def test_what_would_be_called_is_put_down() -> None:
    made = reading(b"cos\nsystem\n(X\x02\x00\x00\x00lstR}X\x01\x00\x00\x00aK\x01sb.")
    assert isinstance(made.value, Call)
    assert (made.value.function, made.value.arguments) == (Global("os", "system"), ("ls",))
    assert (made.value.path, made.called, plain(made.value.state)) == ("os.system", ("os.system",), {"a": 1})


def test_persistent_ids_are_put_down() -> None:
    assert reading(b"(K\x01K\x02tQ.").value == Persistent((1, 2))
    assert reading(b"Pkey\n.").value == Persistent("key")
    assert reading(b"Pkey\n.", persistent=lambda key: key * 2).value == "keykey"


# --- hostile ones ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (b"", "this pickle is cut off"),
        (b"]", "this pickle is cut off"),
        (b".", "IndexError"),
        (b"0.", "IndexError"),
        (b"K\x01\x86.", "IndexError"),
        (b"t.", "IndexError"),
        (b"\xff.", r"the opcode b'\\xff'"),
        (b"\x80\x06.", "this pickle's protocol is not known"),
        (b"\x97.", "this pickle keeps its buffers elsewhere"),
        (b"h\x00.", "the memo's index 0, where nothing is"),
        (b"Nr\xff\xff\xff\xff.", "the memo's index 4294967295"),
        (b"Np-1\n.", "the memo's index -1"),
        (b"Np" + b"9" * 999 + b"\n.", "the memo's index"),
        (b"\x8b\xff\xff\xff\x7f.", "an integer of 2,147,483,647 bytes"),
        (b"\x8b\xff\xff\xff\xff.", "an integer of -1 bytes"),
        (b"L" + b"9" * 10**6 + b"L\n.", "a name or a number of"),
        (b"Ix\n.", "ValueError"),
        (b"c" + b"a" * 10**6 + b"\nb\n.", "a name or a number of"),
        (b"B\xff\xff\xff\xffab", "bytes that are not there"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffab", "bytes that are not there"),
        (b"T\xff\xff\xff\xffab", "a string of negative length"),
        (b"X\x02\x00\x00\x00\xff\xff.", "UnicodeDecodeError"),
        (b"S'a\n.", "a string without quotes"),
        (b"Sa", "this pickle is cut off"),
        (b"K\x01K\x02a.", "something appended to a int"),
        (b"K\x01K\x02K\x03s.", "an item set in a int"),
        (b"}(K\x01u.", "an item set in a Table"),
        (b"K\x01K\x02b.", "attributes of a int"),
        (b"cos\nsystem\nK\x01R.", "arguments that are a int"),
        (b"K\x01K\x02\x93.", "a name that is not text"),
    ],
)
def test_a_damaged_pickle_is_refused(program: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        reading(program)


@pytest.mark.parametrize("program", [b"]" * 10**6, b"N" + b"2" * 10**6, b"N" + b"\x94" * 10**6, b"(" * 10**6])
def test_work_is_bounded(program: bytes) -> None:
    with pytest.raises(SourceError, match="too large to be looked through"):
        reading(program, work=10**5)


def read_file(program: bytes, folder: Path) -> Any:
    path = folder / "a.pkl"
    path.write_bytes(program)
    return read_pickle(path)


DOUBLING = b"]" + b"".join(b"\x94](" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"e" for i in range(100)) + b"."
SHARED_STATE = (
    b"}("
    + b"K\x01K\x01" * 10**5
    + b"X\x0b\x00\x00\x00_parameters}X\x08\x00\x00\x00_modules}u\x940]("
    + b"cm\nC\n)\x81h\x00b" * 10**4
    + b"e."
)


@pytest.mark.parametrize(
    "program",
    [
        DOUBLING,  # 2^100 paths through it
        b"]\x94h\x00a.",  # a list in itself
        b"}\x94X\x01\x00\x00\x00ah\x00s.",  # a dictionary in itself
        b"cm\nC\n)\x81\x94h\x00b.",  # an object that is its own state
        SHARED_STATE,  # 10^4 modules with the same 10^5 attributes
    ],
)
def test_what_is_met_again_is_not_walked_again(program: bytes, tmp_path: Path) -> None:
    assert read_file(program, tmp_path).tensors == ()


@pytest.mark.parametrize("program", [b")" + b"\x85" * 10**5 + b".", b"]" * 10**5 + b"a" * (10**5 - 1) + b"."])
def test_deep_nesting_is_refused(program: bytes, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nested too deeply"):
        read_file(program, tmp_path)


DEEP = 400_000


def test_keys_that_are_nested_deeply_are_never_hashed(tmp_path: Path) -> None:
    """A dictionary of Python would overflow the interpreter's stack at this key: of 8 MiB, at 150,000 already."""
    assert read_file(b"})" + b"\x85" * DEEP + b"Ns.", tmp_path).tensors == ()


# --- NumPy's arrays --------------------------------------------------------------------------------------------------

ARRAYS = {
    "plain": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype="f4").reshape(2, 3)),
    "turned": np.arange(24, dtype="i2").reshape(2, 3, 4).transpose(2, 0, 1),
    "stepped": np.arange(20.0)[::3],
    "big_endian": np.arange(3, dtype=">f8"),
    "half": np.arange(3, dtype="f2"),
    "bool": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "scalar": np.array(3, dtype="u8"),
    "empty": np.zeros((0, 4), dtype="f4"),
    "large": np.arange(5000.0),
    "all_bytes": np.arange(256, dtype="u1"),
}


@pytest.mark.parametrize("protocol", range(6))
def test_pickled_arrays_are_read(protocol: int, tmp_path: Path) -> None:
    found = read_file(pickle.dumps({"layer": ARRAYS}, protocol), tmp_path)
    tensors = {tensor.name: tensor for tensor in found.tensors}
    assert list(tensors) == [f"layer.{name}" for name in ARRAYS]
    for name, array in ARRAYS.items():
        tensor = tensors[f"layer.{name}"]
        assert (tensor.dtype, tensor.shape, tensor.nbytes) == (array.dtype.name, array.shape, array.nbytes)
        np.testing.assert_array_equal(tensor.read(), array, err_msg=name, strict=array.dtype.isnative)
    assert found.format == "pickle"


def test_an_array_of_python_2_is_read(tmp_path: Path) -> None:
    """As Python 2.7 pickles numpy.array([1, 258], '<i2') in protocol 2: its bytes are a `str`."""
    program = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85q\x02U\x01bq\x03\x87q\x04Rq\x05"
        b"(K\x01K\x02\x85q\x06cnumpy\ndtype\nq\x07U\x02i2q\x08K\x00K\x01\x87q\tRq\n(K\x03U\x01<q\x0bNNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tq\x0cb\x89U\x04\x01\x00\x02\x01q\rtq\x0eb."
    )
    (array,) = read_file(program, tmp_path).tensors
    assert (array.name, array.dtype, array.read().tolist()) == ("tensor", "int16", [1, 258])


def test_arrays_of_other_things_are_named_or_gone_into(tmp_path: Path) -> None:
    held = {
        "text": np.array(["a", "bc"]),
        "objects": np.array([np.ones(2), None], dtype=object),
        "scalar": np.float32(1),
        "named": np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]),
    }
    found = read_file(pickle.dumps(held), tmp_path)
    assert [tensor.name for tensor in found.tensors] == ["objects.0"]
    assert found.notes == (
        "'text': not listed, being an array of dtype 'U2'",
        "'named': not listed, being an array of dtype 'V8'",
    )


def test_axes_that_are_nested_deeply_are_never_hashed(tmp_path: Path) -> None:
    program = pickle.dumps(np.zeros((2, 3, 4)).transpose(2, 0, 1), 5)
    at = program.index(b"K\x02K\x00K\x01\x87")
    with pytest.raises(SourceError, match="an array in this pickle is damaged"):
        read_file(program[:at] + b"K\x02K\x00)" + b"\x85" * DEEP + program[at + 6 :], tmp_path)


def test_buffers_that_stand_elsewhere_are_refused(tmp_path: Path) -> None:
    program = pickle.dumps(np.arange(9.0), protocol=5, buffer_callback=lambda _: None)
    with pytest.raises(SourceError, match="this pickle keeps its buffers elsewhere"):
        read_file(program, tmp_path)


def test_an_array_of_joblib_without_a_shape_is_refused(tmp_path: Path) -> None:
    program = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b\x00\x00\x00."
    with pytest.raises(SourceError, match="an array of joblib in this file is damaged"):
        read_file(program, tmp_path)


def test_a_second_pickle_in_the_file_is_mentioned(tmp_path: Path) -> None:
    found = read_file(pickle.dumps(np.ones(2)) + pickle.dumps(1), tmp_path)
    assert found.notes == ("more follows after the first pickle of this file; it is not read",)
