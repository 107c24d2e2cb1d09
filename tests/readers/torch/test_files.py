"""Files that PyTorch wrote (`record_torch_files.py`), and what may go wrong with such files."""

import contextlib
import gc
import json
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from lstmcalc import LSTMConfig
from lstmcalc.errors import SourceError
from lstmcalc.intake.load import load_weights
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.raw_numbers import View
from lstmcalc.readers.pickles.arrays import RawArray
from lstmcalc.readers.pickles.records import Table
from lstmcalc.readers.pickles.trees import Module
from lstmcalc.readers.recognise.recognition import recognise
from lstmcalc.readers.torch.files import read_pickle, read_torch
from lstmcalc.readers.torch.legacy import MAGIC
from lstmcalc.readers.torch.modules import stated_modules
from lstmcalc.readers.torch.quantized import Packed, with_quantized
from lstmcalc.readers.torch.tensors import Quantizer, Tensor
from tools.files import rewrite
from tools.record_torch_files import COMPUTED, EXPECTED, FOLDER, RECORDED, described
from tools.recorded_weights import fields_of

WANTED = json.loads(EXPECTED.read_text())


def rezipped(source: Path, target: Path, change: Callable[[str, bytes], bytes], **how: Any) -> Path:
    """The same archive with other contents, or compressed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **how) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


@pytest.mark.parametrize("kind", [kind for kind in RECORDED if kind != "quantized_states"])
def test_every_tensor_is_read_as_pytorch_wrote_it(kind: str) -> None:
    found = read_torch(FOLDER / f"{kind}.pt")
    readable = [tensor for tensor in found.tensors if tensor.name != "meta"]
    assert {tensor.name: described(tensor.read()) for tensor in readable} == WANTED[kind]
    assert [list(tensor.shape) for tensor in readable] == [shape for _, shape, _ in WANTED[kind].values()]


def test_the_names_are_paths_and_the_formats_are_named() -> None:
    found = read_torch(FOLDER / "lightning.pt")
    assert (found.format, found.tensors[1].name) == ("PyTorch (zip)", "state_dict.model.encoder.weight_ih_l0")
    assert found.notes == (
        "a checkpoint of PyTorch Lightning 2.5.1, epoch 4",
        "hyper_parameters: hidden_size = 5, lr = 0.001, cell = 'lstm'",
    )
    assert read_torch(FOLDER / "state_dict_legacy.pt").format == "PyTorch (before 1.6)"
    assert read_torch(FOLDER / "frozen.pt").format == "TorchScript"


def test_nbytes_are_those_of_the_numbers() -> None:
    tensors = {tensor.name: tensor for tensor in read_torch(FOLDER / "dtypes.pt").tensors}
    assert {name: tensor.nbytes for name, tensor in tensors.items()} == dict.fromkeys(tensors, 256)
    assert tensors["float8_e4m3fn"].dtype == "float8_e4m3fn"


def test_modules_are_stated() -> None:
    lstm, lstm_cell, gru_cell, rnn_cell, gru, rnn = read_torch(FOLDER / "module.pt").stated
    assert (lstm.name, lstm.kind, lstm.framework) == ("rnn", "LSTM", "pytorch")
    assert fields_of(lstm) == {
        "input_size": 3,
        "hidden_size": 4,
        "num_layers": 2,
        "bias": False,
        "batch_first": True,
        "dropout": 0.0,
        "bidirectional": True,
        "proj_size": 0,
    }
    kinds = [
        f"{kind}_l{layer}{end}" for layer in (0, 1) for end in ("", "_reverse") for kind in ("weight_ih", "weight_hh")
    ]
    assert dict(lstm.stored.named) == {name: f"rnn.{name}" for name in kinds}
    assert (lstm_cell.name, lstm_cell.kind, lstm_cell.framework) == ("cells.0", "LSTMCell", "pytorch-cell")
    assert fields_of(lstm_cell) == {"input_size": 4, "hidden_size": 2, "bias": True}
    assert [stated.kind for stated in (gru_cell, rnn_cell, gru, rnn)] == ["GRUCell", "RNNCell", "GRU", "RNN"]


def test_torchscript_states_what_its_code_says() -> None:
    (cell,) = read_torch(FOLDER / "scripted_cell.pt").stated
    assert (cell.kind, fields_of(cell)) == ("LSTMCell", {"input_size": 2, "hidden_size": 3, "bias": True})
    (lstm,) = read_torch(FOLDER / "frozen.pt").stated
    assert (lstm.name, lstm.kind, lstm.stored.named["bias_hh_l1_reverse"]) == ("rnn", "LSTM", "CONSTANTS.c15")
    assert fields_of(lstm) == {
        "num_layers": 2,
        "bias": True,
        "batch_first": False,
        "dropout": 0.0,
        "bidirectional": True,
    }


def test_what_is_no_plain_tensor_is_named() -> None:
    assert read_torch(FOLDER / "without_numbers.pt").notes[0] == "'sparse', 'csr': not listed, being sparse"


def test_quantized_tensors_and_cells_are_what_their_integers_stand_for() -> None:
    found = read_torch(FOLDER / "quantized_states.pt")
    tensors = {tensor.name: tensor for tensor in found.tensors}
    assert (tensors["q"].dtype, tensors["q"].read().tolist()) == ("quint8", [[1.0] * 3] * 2)
    assert [*tensors][:4] == [
        f"rnn._all_weight_values.0.param.{part}" for part in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
    ]
    (lstm,) = recognise(found).lstms
    assert (lstm.stored.config, lstm.quantized, lstm.unmodelled) == (LSTMConfig(3, 4), "pytorch-dynamic", ())
    weight = load_weights(lstm)["weight_ih_l0"]
    steps = weight / np.diff(np.unique(weight)).min()
    assert weight.dtype == np.float32
    assert 0 < np.abs(weight).max() < 0.51  # 1 / sqrt(4), and half a step
    np.testing.assert_allclose(steps, steps.round(), atol=0.02)  # of one scale


def test_two_cells_that_may_be_two_layers_or_two_directions_are_uncertain() -> None:
    """As a state dict of an LSTM(4, 4, 2), or of a bidirectional LSTM(4, 4), has them."""
    tensor = Tensor(RawArray("qint8", View((16, 4), (4, 1)), bytes(64)), quantizer=Quantizer(0.5, 0))
    bias = Tensor(RawArray("float32", View((16,), (1,)), bytes(64)))
    cells = {f"rnn._all_weight_values.{index}.param": Packed(((tensor, bias),) * 2) for index in range(2)}
    (lstm,) = with_quantized((), cells)
    assert lstm.uncertain == (
        "its two cells, both of input 4, are two layers or two directions: the file does not say",
    )
    (lstm,) = with_quantized((), dict([*cells.items()][:1]))
    assert (lstm.uncertain, fields_of(lstm)["num_layers"]) == ((), 1)
    assert not [*with_quantized((), dict([*cells.items()][1:]))]  # without its first cell


def test_normalised_weights_are_computed_as_pytorch_does() -> None:
    (lstm,) = recognise(open_weights(str(FOLDER / "module_weight_norm.pt"))).lstms
    assert (lstm.name, lstm.stored.config, lstm.unmodelled) == ("old", LSTMConfig(2, 3), ())
    assert lstm.notes == (
        "weight_norm: a weight is old.weight_hh_l0_g * old.weight_hh_l0_v / norm(old.weight_hh_l0_v)",
    )
    weight = json.loads(COMPUTED.read_text())["module_weight_norm"]["weight_hh_l0"]
    np.testing.assert_allclose(load_weights(lstm)["weight_hh_l0"], np.float32(weight), rtol=1e-6)


def test_weights_made_of_others_in_a_way_that_is_not_computed_are_named() -> None:
    held = Table([("weight_hh_l0_orig", 1), ("weight_hh_l0_u", 1)])
    settings = [("mode", "LSTM"), ("input_size", 2), ("hidden_size", 3)]
    module = Module("rnn", "torch.nn.modules.rnn.LSTM", Table(settings), held)
    (lstm,) = stated_modules([module])
    assert lstm.unmodelled == ("weights made of = weight_hh_l0_orig, weight_hh_l0_u",)


@pytest.mark.parametrize("kind", ["lightning", "views", "frozen"])
def test_a_compressed_archive_is_read_alike(kind: str, tmp_path: Path) -> None:
    path = rezipped(
        FOLDER / f"{kind}.pt", tmp_path / "a.pt", lambda _, content: content, compression=zipfile.ZIP_DEFLATED
    )
    assert {tensor.name: described(tensor.read()) for tensor in read_torch(path).tensors} == WANTED[kind]


def test_big_endian_numbers_are_read_alike(tmp_path: Path) -> None:
    def turned(name: str, content: bytes) -> bytes:
        if name == "frozen/byteorder":
            return b"big"
        return np.frombuffer(content, "<f4").astype(">f4").tobytes() if "/constants/" in name else content

    path = rezipped(FOLDER / "frozen.pt", tmp_path / "a.pt", turned)
    assert {tensor.name: described(tensor.read()) for tensor in read_torch(path).tensors} == WANTED["frozen"]


def test_only_the_index_is_read(tmp_path: Path) -> None:
    """The numbers of a file of 64 GiB, which are a hole in it, are not read before they are asked for."""
    numbers, path = 2**34, tmp_path / "large.pt"
    storage = storage_of(b"\x8a\5" + numbers.to_bytes(5, "little")).replace(b"tQ", b"NtQ")
    size = b"\x8a\5" + numbers.to_bytes(5, "little") + b"\x85K\1\x85"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0" + size + b"\x89NtR"
    parts = [
        pickle.dumps(MAGIC, 2),
        pickle.dumps(1001, 2),
        pickle.dumps({}, 2),
        b"\x80\2" + tensor + b".",
        pickle.dumps(["0"], 2),
    ]
    with path.open("wb") as file:
        file.write(b"".join(parts) + numbers.to_bytes(8, "little"))
        file.truncate(file.tell() + 4 * numbers)
    (found,) = read_torch(path).tensors
    assert (found.shape, found.nbytes) == ((numbers,), 4 * numbers)


# --- what would run something ----------------------------------------------------------------------------------------


def global_of(module: str, name: str, protocol: int) -> bytes:
    if protocol < 4:
        return f"c{module}\n{name}\n".encode()
    return b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)) + b"\x93"


def text_of(text: str) -> bytes:
    return b"X" + len(text.encode()).to_bytes(4, "little") + text.encode()


def attacks(path: Path) -> dict[str, bytes]:
    """Pickles that write `path` when they are unpickled, one for each way to run something."""
    command, code = text_of(f"echo > {path}"), text_of(f"open({str(path)!r}, 'w').close()")
    system, execute = global_of("posix", "system", 2), global_of("builtins", "exec", 2)
    opener = global_of("io", "open", 2)
    return {
        "REDUCE": system + command + b"\x85R.",
        "REDUCE by os": global_of("os", "system", 2) + command + b"\x85R.",
        "REDUCE of exec": execute + code + b"\x85R.",
        "STACK_GLOBAL": b"\x80\4" + global_of("posix", "system", 4) + command + b"\x85R.",
        "INST": b"(" + command + b"iposix\nsystem\n.",
        "OBJ": b"(" + system + command + b"o.",
        "NEWOBJ": b"\x80\2" + global_of(__name__, "Newborn", 2) + text_of(str(path)) + b"\x85\x81.",
        "NEWOBJ_EX": b"\x80\4" + global_of(__name__, "Newborn", 2) + text_of(str(path)) + b"\x85}\x92.",
        "nested": execute
        + text_of(f"import pickle; pickle.loads({pickle.dumps(1)!r}); open({str(path)!r}, 'w')")
        + b"\x85R.",
        "BUILD": opener + text_of(str(path)) + text_of("w") + b"\x86R}b.",
        "in a dictionary": b"}" + text_of("weight") + execute + code + b"\x85Rs.",
        "as a key": b"}" + execute + code + b"\x85RNs.",
        "__setstate__": global_of(__name__, "Trap", 2) + b")\x81" + text_of(str(path)) + b"b.",
        "with a tensor's name": global_of("torch._utils", "_rebuild_tensor_v2", 2) + execute + code + b"\x85R\x85R.",
    }


class Trap:
    """A class whose objects write a file when their state is set."""

    def __setstate__(self, state: str) -> None:
        Path(state).touch()


class Newborn:
    """A class that writes a file when an object of it is made."""

    def __new__(cls, path: str) -> Self:
        Path(path).touch()
        return super().__new__(cls)


def as_pickle(program: bytes, path: Path) -> Path:
    path.write_bytes(program)
    return path


def as_zip(program: bytes, path: Path, name: str = "archive/data.pkl") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, program)
    return path


def as_torchscript(program: bytes, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"N.")
        archive.writestr("archive/constants.pkl", program)
    return path


def as_legacy(program: bytes, path: Path) -> Path:
    parts = [pickle.dumps(MAGIC, 2), pickle.dumps(1001, 2), pickle.dumps({}, 2)]
    path.write_bytes(b"".join(parts) + program + pickle.dumps([], 2))
    return path


def as_system_of_legacy(program: bytes, path: Path) -> Path:
    parts = [pickle.dumps(value, 2) for value in (MAGIC, 1001)]
    path.write_bytes(b"".join(parts) + program + b"N." + pickle.dumps([], 2))
    return path


def as_storage(program: bytes, path: Path) -> Path:
    """In the small file that a storage is when it is pickled without `torch.save`."""
    inner = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + program + pickle.dumps([], 2)
    held = b"B" + len(inner).to_bytes(4, "little") + inner
    storage = global_of("torch.storage", "_load_from_bytes", 2) + held + b"\x85R"
    rebuild = global_of("torch._utils", "_rebuild_tensor_v2", 2)
    path.write_bytes(b"\x80\3" + rebuild + b"(" + storage + b"K\0K\1\x85K\1\x85\x89NtR.")
    return path


WRAPPERS = (as_pickle, as_zip, as_torchscript, as_legacy, as_system_of_legacy, as_storage)


@pytest.mark.parametrize("way", attacks(Path()))
def test_the_attacks_are_real(way: str, tmp_path: Path) -> None:
    """Unpickled, each of them writes the file; a test that nothing is written proves nothing otherwise."""
    program = attacks(tmp_path / "written")[way]
    if way != "with a tensor's name":  # which PyTorch alone would get as far as calling
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the file it opens is not closed
            pickle.loads(program)
            gc.collect(1)  # what was made just now
        assert (tmp_path / "written").exists()


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("way", attacks(Path()))
def test_nothing_of_a_file_is_run(way: str, wrap: Callable[[bytes, Path], Path], tmp_path: Path) -> None:
    path = wrap(attacks(tmp_path / "written")[way], tmp_path / "a.pt")
    for reader in (read_torch, read_pickle):
        with contextlib.suppress(SourceError):
            found = reader(path)
            assert found.tensors == ()
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]


def test_what_would_be_called_is_named(tmp_path: Path) -> None:
    found = read_torch(as_zip(attacks(tmp_path / "written")["REDUCE"], tmp_path / "a.pt"))
    assert found.notes == ("whoever unpickles this file calls 'posix.system'; here, nothing of it was run",)


# --- files that are not what they should be --------------------------------------------------------------------------


def storage_of(numel: bytes, kind: str = "FloatStorage") -> bytes:
    return b"(" + text_of("storage") + global_of("torch", kind, 2) + text_of("0") + text_of("cpu") + numel + b"tQ"


def tensor_of(
    numel: bytes = b"K\4", offset: bytes = b"K\0", size: bytes = b"K\4\x85", stride: bytes = b"K\1\x85"
) -> bytes:
    rebuild = global_of("torch._utils", "_rebuild_tensor_v2", 2)
    return b"\x80\2" + rebuild + b"(" + storage_of(numel) + offset + size + stride + b"\x89NtR."


def archive_of(program: bytes, path: Path, storage: bytes = bytes(16), **how: Any) -> Path:
    with zipfile.ZipFile(path, "w", **how) as archive:
        archive.writestr("a/data.pkl", program)
        archive.writestr("a/data/0", storage)
    return path


HUGE = b"\x8a\x08" + (2**61).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (tensor_of(numel=b"K\5"), "a storage is smaller than it says"),
        (tensor_of(numel=b"J\xff\xff\xff\xff"), "a tensor's storage is damaged"),
        (tensor_of(numel=HUGE), "a storage is smaller than it says"),
        (tensor_of(size=b"K\5\x85"), "a tensor is larger than its numbers in the file"),
        (tensor_of(offset=b"K\1"), "a tensor is larger than its numbers in the file"),
        (tensor_of(offset=b"J\xff\xff\xff\xff"), "a tensor's storage_offset is none"),
        (tensor_of(stride=b"K\2\x85"), "a tensor is larger than its numbers in the file"),
        (tensor_of(stride=b"J\xff\xff\xff\xff\x85"), "a tensor's strides do not fit its shape"),
        (tensor_of(stride=b")"), "a tensor's strides do not fit its shape"),
        (tensor_of(size=b"J\xff\xff\xff\xff\x85"), "a tensor's shape is none"),
        (tensor_of(size=b"(" + b"K\1" * 65 + b"t"), "a tensor's shape is none"),
        (tensor_of(size=HUGE + HUGE + b"\x86", stride=b"K\0K\0\x86"), "a tensor's shape is too large"),
        (tensor_of(size=text_of("ab")), "a tensor's shape is none"),
        (tensor_of().replace(b"FloatStorage", b"Storage"), "a tensor's storage is of an unknown class"),
        (tensor_of().replace(b"_v2", b""), None),
        (tensor_of().replace(b"_v2", b"_v3"), "a tensor in this file is damaged"),
        (tensor_of().replace(text_of("0"), text_of("1")), "a tensor's numbers are missing in this archive"),
        (tensor_of().replace(text_of("0"), text_of("../x")), "a tensor's numbers are missing in this archive"),
    ],
)
def test_a_tensor_that_cannot_be_is_refused(program: bytes, words: str | None, tmp_path: Path) -> None:
    path = archive_of(program, tmp_path / "a.pt")
    if words is None:
        assert read_torch(path).tensors[0].read().tolist() == [0, 0, 0, 0]
    else:
        with pytest.raises(SourceError, match=words):
            read_torch(path)


OLD = b"ctorch._utils\n_rebuild_tensor\n(" + storage_of(b"K\4") + b"K\1ctorch\nSize\nK\3\x85\x85RK\1\x85tR"  # of 0.4
PARAMETER = global_of("torch.nn.parameter", "Parameter", 2)


@pytest.mark.parametrize(
    "program",
    [
        OLD,
        PARAMETER + OLD + b"\x85\x81\x88\x89}\x87b",
        global_of("copyreg", "__newobj__", 2) + PARAMETER + OLD + b"\x86R\x88\x89}\x87b",
        global_of("torch.autograd.variable", "Variable", 2) + OLD + b"\x85R",
    ],
)
def test_tensors_of_old_versions_are_read(program: bytes, tmp_path: Path) -> None:
    numbers = np.arange(4, dtype="<f4")
    path = archive_of(b"\x80\2}" + text_of("w") + program + b"s.", tmp_path / "a.pt", numbers.tobytes())
    (tensor,) = read_torch(path).tensors
    assert (tensor.name, tensor.read().tolist()) == ("w", [1, 2, 3])


def test_a_view_that_repeats_numbers_for_ever_is_listed_and_not_read(tmp_path: Path) -> None:
    path = archive_of(tensor_of(size=HUGE + b"\x85", stride=b"K\0\x85"), tmp_path / "a.pt")
    (tensor,) = read_torch(path).tensors
    assert tensor.shape == (2**61,)
    with pytest.raises(SourceError, match="a view that repeats its numbers"):
        tensor.read()


def test_zip_bombs_are_refused(tmp_path: Path) -> None:
    zeros = bytes(1 << 22)
    path = archive_of(b"\x80\2]" + b"]" * len(zeros) + b".", tmp_path / "a.pt", compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(SourceError, match="too large to be looked through"):
        read_torch(path)
    path = archive_of(tensor_of(), tmp_path / "b.pt", zeros, compression=zipfile.ZIP_DEFLATED)
    raw = bytearray(path.read_bytes())
    place = raw.rindex(b"PK\1\2") + 24
    raw[place : place + 4] = (2**31).to_bytes(4, "little")  # the size that it is said to have
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="more bytes than its compressed ones can be"):
        read_torch(path).tensors[0].read()


def test_odd_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    archive_of(tensor_of(), path)
    good = path.read_bytes()
    encrypted = bytearray(good)
    for mark, at in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        encrypted[encrypted.index(mark) + at] |= 1
    overlapping = bytearray(good)
    second = overlapping.rindex(b"PK\1\2")
    overlapping[second + 42 : second + 46] = bytes(4)
    twice = good.replace(b"a/data/0", b"a/data.0").replace(b"a/data.0", b"a/data/0", 1)
    for content, words in (
        (encrypted, "this archive is encrypted"),
        (overlapping, "reaches into what follows"),
        (twice, "a tensor's numbers are missing|is not where"),
        (good[:-30], "this zip archive is damaged"),
        (good[:40], "this zip archive is damaged"),
    ):
        rewrite(path, content)
        with pytest.raises(SourceError, match=words):
            read_torch(path).tensors[0].read()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x/.data/extern_modules", "this is a package of torch.package"),
        ("x/models/model.json", "this is a program of torch.export or an archive of PyTorch 1.0"),
        ("x/archive_format", r"this is a program of torch.export \(.pt2\), which is not read"),
        ("x/weights", "this zip archive is not a PyTorch file"),
    ],
)
def test_other_archives_are_refused_by_name(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=words):
        read_torch(as_zip(b"N.", tmp_path / "a.pt", name))


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("pickle"))
    with pytest.raises(SourceError, match=r"this is a tar archive, as PyTorch saved until 0\.1\.10"):
        read_torch(path)
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="this pickle is cut off"):
        read_torch(path)
    path.write_bytes(b"hello")
    with pytest.raises(SourceError, match="this is not a pickle, or it is damaged"):
        read_torch(path)
    with pytest.raises(SourceError, match="this is not a regular file"):
        read_torch(tmp_path)
    with pytest.raises(SourceError, match="No such file"):
        read_torch(tmp_path / "none")


def test_a_file_that_shrinks_is_an_error_of_the_tensor(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes((FOLDER / "views_legacy.pt").read_bytes())
    tensors = {tensor.name: tensor for tensor in read_torch(path).tensors}
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(SourceError, match="'channels_last': the file is cut off"):
        tensors["channels_last"].read()


def test_names_too_long_are_refused_and_names_that_are_alike_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"x" * 10_000: np.zeros(2)}))
    with pytest.raises(SourceError, match="a name in this file is too long"):
        read_pickle(path)
    path.write_bytes(pickle.dumps({1: np.zeros(2), "1": np.zeros(3)}))
    assert [(item.name, item.shape) for item in read_pickle(path).tensors] == [("1", (2,)), ("1#1", (3,))]
