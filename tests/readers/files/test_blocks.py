"""Numbers in blocks: all of them, once, each at its place, whatever the layout, the dtype, and the size of a block."""

import io
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from lstmcalc.errors import SourceError
from lstmcalc.readers.files import raw_numbers, tensors
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.raw_numbers import FORMATS, View, number_blocks, read_numbers
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Stored, paired_blocks
from lstmcalc.readers.recognise.recognition import recognise
from lstmcalc.readers.recognise.reparametrized import with_products
from tools.examples import examples
from tools.shell import TESTS
from tools.weight_writers import write_safetensors

pytestmark = pytest.mark.usefixtures("zygote")

SKIP = 3  # bytes before the first number


@st.composite
def views(draw: st.DrawFn) -> View:
    """Views as PyTorch stores them: slices, transposed, repeated, overlapping."""
    shape = draw(st.lists(st.integers(0, 6), max_size=4).map(tuple))
    axes = draw(st.permutations(range(len(shape))))
    strides, step = [0] * len(shape), 1
    for axis in axes:
        strides[axis] = draw(st.sampled_from((step, step, step, 0, 1, 2 * step, step + 1)))
        step = max(step, strides[axis] * shape[axis], 1)
    return View(shape, tuple(strides), draw(st.integers(0, 3)))


def sections(data: bytes, folder: Path) -> list[Section]:
    """The same bytes in memory, in a file, compressed, and with a checksum."""
    press = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    pressed = press.compress(data) + press.flush()
    path = folder / "bytes"
    path.write_bytes(b"head" + data + pressed)
    deflated = Section(path, 4 + len(data), len(data), len(pressed), zlib.crc32(data))
    return [Section.of(data), Section(path, 4, len(data)), Section(path, 4, len(data), crc=zlib.crc32(data)), deflated]


@examples(300)
@given(st.data(), views(), st.sampled_from(sorted(FORMATS)), st.integers(1, 40), st.booleans())
def test_blocks_are_the_array(
    tmp_path_factory: pytest.TempPathFactory, data: Any, view: View, dtype: str, block: int, big_endian: bool
) -> None:
    width = FORMATS[dtype].itemsize
    count = (view.offset + view.extent + data.draw(st.integers(0, 9))) * width
    raw = np.random.default_rng(data.draw(st.integers(0, 9))).bytes(SKIP + count)
    flat = read_numbers(Section.of(raw[SKIP:]), dtype, View((count // width,), (1,)), big_endian=big_endian)
    wanted = as_strided(flat[view.offset :], view.shape, [flat.itemsize * stride for stride in view.strides])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_numbers, "BLOCK", block)
        for section in sections(raw, tmp_path_factory.mktemp("sections")):
            seen, found = np.zeros(view.shape, int), np.zeros(view.shape, flat.dtype)
            for place, numbers in number_blocks(section, dtype, view, big_endian=big_endian, skip=SKIP):
                assert numbers.size <= block
                assert numbers.dtype.isnative
                seen[place] += 1
                found[place] = numbers
            assert (seen == 1).all()
            assert found.tobytes() == wanted.tobytes()
            again = read_numbers(section, dtype, view, big_endian=big_endian, skip=SKIP)
            assert (again.dtype, again.shape, again.tobytes()) == (flat.dtype, view.shape, wanted.tobytes())
            assert again.flags.writeable or not again.size


@given(st.data(), st.sampled_from(("float64", "float32", "int8")), st.integers(1, 40), st.booleans())
def test_pairs_are_side_by_side(data: Any, dtype: str, block: int, same: bool) -> None:
    shape = data.draw(st.lists(st.integers(0, 6), max_size=4).map(tuple))
    one = np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape)
    two = one.astype(np.float32) + 1
    axes = data.draw(st.permutations(range(len(shape))))

    def stored(array: np.ndarray[Any, Any], order: list[int]) -> Stored:
        kept = np.ascontiguousarray(array.transpose(order))
        strides = kept.transpose(np.argsort(order)).strides if order else ()
        view = View(shape, tuple(stride // kept.itemsize for stride in strides))
        how = Section.of(kept.tobytes()), array.dtype.name, view
        return Stored(
            "w", array.dtype.name, shape, kept.nbytes, lambda: read_numbers(*how), lambda: number_blocks(*how)
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_numbers, "BLOCK", block)
        pairs = list(paired_blocks(stored(one, axes), stored(two, axes if same else axes[::-1])))
    assert sum(a.size for a, _ in pairs) == one.size
    for a, b in pairs:
        assert a.shape == b.shape
        np.testing.assert_array_equal(a.astype(np.float32) + 1, b)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damage_is_found_at_the_last_block(save: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_numbers, "BLOCK", 10)
    stream = io.BytesIO()
    save(stream, w=np.arange(100, dtype=np.float32))
    data = bytearray(stream.getvalue())
    at = data.index(np.float32(50).tobytes()) if save is np.savez else data.index(b"w.npy") + 40
    data[at] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(SourceError):
        list(open_weights(str(tmp_path / "a.npz")).tensors[0].blocks())


def test_a_tensor_that_is_read_as_a_whole_is_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    array = np.arange(6.0).reshape(2, 3)
    ((place, numbers),) = Stored("w", "float64", (2, 3), 48, lambda: array).blocks()
    assert array[place] is not array
    np.testing.assert_array_equal(numbers, array)
    assert not list(Stored("w", "float64", (0, 3), 0, lambda: np.zeros((0, 3))).blocks())
    with pytest.raises(SourceError, match="w: not as its file says"):
        list(Stored("w", "float64", (3, 2), 48, lambda: array).blocks())
    monkeypatch.setattr(tensors, "available_memory", lambda: 1)
    with pytest.raises(SourceError, match="w: too large for the memory"):
        list(Stored("w", "float64", (1000, 1000), 8_000_000, lambda: array).blocks())


def test_blocks_take_little_memory(tmp_path: Path) -> None:
    array = np.ones((4096, 1024), np.float32)  # 16 MiB
    write_safetensors(tmp_path / "a", {"w": array})
    np.savez_compressed(tmp_path / "b", w=array)
    np.save(tmp_path / "c", np.asfortranarray(array))
    for name in ("a", "b.npz", "c.npy"):
        (tensor,) = open_weights(str(tmp_path / name)).tensors
        tracemalloc.start()
        total = sum(float(numbers.sum()) for _, numbers in tensor.blocks())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert total == array.size
        assert peak < 5 * 2**20


@pytest.mark.parametrize("path", sorted((TESTS / "data" / "weights").glob("*.*")), ids=lambda path: path.name)
def test_files_of_every_kind_have_the_same_numbers_in_blocks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_numbers, "BLOCK", 7)
    try:
        file = open_weights(str(path))
    except SourceError:
        return
    products, _ = with_products(file.tensors)
    found = [tensor for lstm in recognise(file).lstms for tensor in lstm.stored.tensors.values()]
    for tensor in (*file.tensors, *products, *found):
        try:
            wanted = tensor.read()
        except SourceError:
            with pytest.raises(SourceError):
                list(tensor.blocks())
            continue
        for place, numbers in tensor.blocks():
            assert numbers.dtype == wanted.dtype
            assert numbers.tobytes() == wanted[place].tobytes()
        assert sum(numbers.size for _, numbers in tensor.blocks()) == wanted.size


def test_a_product_is_no_block_of_its_factor(tmp_path: Path) -> None:
    factors = {"a.weight_hh_l0_g": np.full((16, 1), 2.0, np.float32), "a.weight_hh_l0_v": np.ones((16, 4), np.float32)}
    tensors, _ = with_products(open_weights(write_safetensors(tmp_path / "a", factors)).tensors)
    (product,) = (tensor for tensor in tensors if tensor.name == "a.weight_hh_l0")
    ((_, numbers),) = product.blocks()
    np.testing.assert_array_equal(numbers, np.ones((16, 4)))  # 2 times a row of length 1


def check_blocks(path: Path, arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """Hold the blocks of a file's tensors against the arrays that were written."""
    tensors = {tensor.name.rpartition("/")[2]: tensor for tensor in open_weights(str(path)).tensors}
    for name, array in arrays.items():
        found = np.zeros(array.shape, array.dtype.newbyteorder("="))
        for place, numbers in tensors[name].blocks():
            found[place] = numbers
        np.testing.assert_array_equal(found, array)
        np.testing.assert_array_equal(tensors[name].read(), array)


def test_hdf5_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_numbers, "BLOCK", 7)
    arrays: dict[str, Any] = {
        "plain": np.arange(60, dtype=np.float32).reshape(6, 10),
        "big": np.arange(24, dtype=">f8").reshape(2, 3, 4),
        "chunked": np.arange(60, dtype=np.float32).reshape(6, 10),
        "empty": np.zeros((0, 3), np.float32),
    }
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, array in arrays.items():
            options = {"chunks": (2, 3), "compression": "gzip"} if name == "chunked" else {}
            file.create_dataset(f"layer/{name}", data=array, **options)
    check_blocks(tmp_path / "a.h5", arrays)


def test_onnx_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_numbers, "BLOCK", 7)
    arrays: dict[str, Any] = {
        "raw": np.arange(60, dtype=np.float32).reshape(6, 10),
        "listed": np.arange(60, dtype=np.float64).reshape(6, 10),
        "varints": np.arange(20, dtype=np.int64).reshape(4, 5),
    }
    made = [
        onnx.helper.make_tensor(
            name,
            onnx.helper.np_dtype_to_tensor_dtype(array.dtype),
            array.shape,
            array.tobytes() if name == "raw" else array.ravel().tolist(),
            raw=name == "raw",
        )
        for name, array in arrays.items()
    ]
    node = onnx.helper.make_node("Identity", ["raw"], ["y"])
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (6, 10))
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [result], made)), tmp_path / "a.onnx")
    check_blocks(tmp_path / "a.onnx", arrays)
