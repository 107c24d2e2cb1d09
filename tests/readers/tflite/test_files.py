"""TensorFlow Lite files: what is read computes what LiteRT computed of the same files, and damage is refused."""

import random
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstmcalc import forward
from lstmcalc.commands.summary.report import summary_report
from lstmcalc.errors import LstmcalcError, NoLstmError, SourceError
from lstmcalc.intake.computable import uncomputed
from lstmcalc.intake.load import load_weights
from lstmcalc.intake.resolve import subjects_of
from lstmcalc.readers.files.kinds import open_weights, weight_kind
from lstmcalc.readers.files.raw_numbers import whole_array
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.weights import read_weights
from lstmcalc.readers.tflite.files import read_tflite
from lstmcalc.readers.tflite.model import Graph, Model, Operator, Tensor
from lstmcalc.readers.tflite.program import computed_units
from lstmcalc.readers.tflite.streaming import graph_row
from lstmcalc.readers.tflite.values import Values
from lstmcalc.spec.activations import activations_of
from tools.mutations import damaged
from tools.outcomes import outcome
from tools.recorded_weights import unpacked

# The LSTM of each file: input_size, hidden_size, and what differs.
FILES = {
    "fused": (5, 4),
    "bidirectional": (5, 4),
    "unrolled": (5, 4),
    "stateful": (5, 4),
    "hard sigmoid": (5, 4),
    "states": (5, 4),
    "float16": (5, 4),
    "without biases": (5, 4),
    "four products": (5, 4),
    "hybrid, unrolled": (30, 20),
    "int8": (30, 20),
    **dict.fromkeys(
        (
            *("operator, one", "operator, time major", "operator, clipped", "operator, projected", "operator, both"),
            *("operator, projected and clipped", "operator, a step", "operator, basic"),
        ),
        (3, 5),
    ),
}
TOLERANCE = {"int8": 0.1, "hybrid, unrolled": 0.06}
OTHERS = {
    "peepholes": "peepholes",
    "norms": "layer normalisation",
    "coupled": "the input gate coupled to the forget gate, i = 1 - f",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("tflite", tmp_path_factory.mktemp("recorded"))


def lstm_of(folder: Path, name: str) -> Found:
    (found,) = read_weights(str(folder / f"{name}.tflite"))
    return found


@pytest.mark.parametrize("name", FILES)
def test_the_lstm_computes_what_was_recorded(name: str, folder: Path) -> None:
    found = lstm_of(folder, name)
    config = replace(found.stored.config, batch_first=False)
    assert (config.input_size, config.hidden_size) == FILES[name]
    (subject,) = subjects_of([found], [found], {}, "")
    assert uncomputed(subject) == []
    held = np.load(folder / f"{name}.npz")
    x = held["given_0"]
    steps = x[None] if x.ndim == 2 else x if name == "operator, time major" else x.swapaxes(0, 1)
    before = (held["given_1"][None], held["given_2"][None]) if "given_2" in held else None
    functions = activations_of(found.framework, found.options)
    output, (h_n, c_n) = forward(config, load_weights(found), steps, before, activations=functions)
    wanted = [output if name == "operator, time major" else output.swapaxes(0, 1)]
    wanted = [output[0]] if x.ndim == 2 else wanted
    wanted += [h_n[0], c_n[0]] if before else []
    results = [held[key] for key in held.files if key.startswith("result")]
    for own in wanted:
        distance = min(np.abs(result - own).max() for result in results if result.shape == own.shape)
        assert distance < TOLERANCE.get(name, 1e-5)


@pytest.mark.parametrize("name", ["fused", "unrolled", "operator, basic"])
def test_numbers_in_blocks_are_the_numbers(name: str, folder: Path) -> None:
    for tensor in open_weights(str(folder / f"{name}.tflite")).tensors:
        if tensor.dtype != "string" and tensor.shape:
            np.testing.assert_array_equal(whole_array(tensor.shape, tensor.blocks()), tensor.read())


@pytest.mark.parametrize(("name", "said"), OTHERS.items())
def test_what_no_lstm_of_pytorch_has_is_said(name: str, said: str, folder: Path) -> None:
    found = lstm_of(folder, f"operator, {name}")
    assert found.unmodelled == (said,)
    assert found.stored.missing == ()
    if name == "peepholes":
        assert any("15 parameters more, 195 in all" in note for note in found.notes)


def test_clips_are_options_that_are_computed(folder: Path) -> None:
    assert lstm_of(folder, "operator, projected and clipped").options == {
        "cell_clip": pytest.approx(0.3),
        "proj_clip": pytest.approx(0.1),
    }
    assert lstm_of(folder, "fused").options == {"cell_clip": 10.0}


def test_quantized_weights_are_said_to_be_computed(folder: Path) -> None:
    found = lstm_of(folder, "int8")
    assert found.quantized == "tflite-int8"
    assert any("computed of the quantized ones" in note for note in found.notes)
    assert {tensor.dtype for tensor in read_tflite(str(folder / "int8.tflite")).tensors} >= {"int8", "int32"}


def test_float16_weights_are_said_to_be_stored_so(folder: Path) -> None:
    assert any("stored in float16" in note for note in lstm_of(folder, "float16").notes)


@pytest.mark.parametrize(
    ("name", "streams", "word"),
    [
        ("fused", True, "stay in the interpreter"),
        ("stateful", True, "stay in the interpreter"),
        ("states", True, "back in"),
        ("hard sigmoid", False, "fixed inside the graph"),
        ("bidirectional", False, "from its end"),
        ("unrolled", None, "not known"),
    ],
)
def test_streaming(name: str, streams: bool | None, word: str, folder: Path) -> None:
    row = graph_row(str(folder / f"{name}.tflite"))
    assert row.streams is streams
    assert word in row.why
    assert {item.size for item in row.fixed_axes} >= {1, 3 if name == "unrolled" else 7, 5}


def test_only_weights_are_counted(folder: Path) -> None:
    for name in ("fused", "hard sigmoid", "unrolled", "states", "float16"):
        report = summary_report({"sources": str(folder / f"{name}.tflite")})
        assert report.total is not None
        assert (report.total.parameters, report.total.exact) == (4 * 4 * (5 + 4 + 1), True)


# --- Files that nobody vouches for


def changed(folder: Path, tmp_path: Path, at: int, word: int, code: str = "<I") -> str:
    body = bytearray((folder / "fused.tflite").read_bytes())
    struct.pack_into(code, body, at, word)
    path = tmp_path / "changed.tflite"
    path.write_bytes(body)
    return str(path)


@pytest.mark.parametrize("word", [0, 1, 2**31, 2**32 - 1, 2**32 - 4])
def test_a_root_that_is_not_there_is_refused(word: int, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        read_tflite(changed(folder, tmp_path, 0, word))


def row_refused(path: str) -> str:
    """The words that refuse what the graph of a file says of states and axes; empty if they are read."""
    try:
        graph_row(path)
    except LstmcalcError as error:
        return error.what.replace(path, "FILE")
    return ""


def test_every_offset_may_lead_anywhere(folder: Path, tmp_path: Path) -> None:
    size = (folder / "fused.tflite").stat().st_size
    draw = random.Random(1)  # noqa: S311  # damage, not secrets
    read, refused = [], set[str]()
    for at in draw.sample(range(8, size - 4, 4), 60):
        path = changed(folder, tmp_path, at, draw.choice((0, 0xFFFFFFFF, 0x7FFFFFFF, 4)))
        lstms, words = outcome(path)
        read += lstms
        refused |= {words, row_refused(path)} - {""}
    assert read
    assert [found for found, _ in read] == [expected for _, expected in read]
    assert refused == {
        "FILE is damaged",
        "a tensor's shape is none",
        "no LSTM is recognised in FILE",
        "the tensor is not as large as its shape",
        "the weights of lstm are not whole",
    }


@pytest.mark.parametrize("length", [0, 4, 7, 8, 12, 40, 400, 2000])
def test_files_that_are_cut_off_are_refused(length: int, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes((folder / "fused.tflite").read_bytes()[:length])
    with pytest.raises(LstmcalcError):
        read_weights(str(path))


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_read_or_refused(name: str, folder: Path, tmp_path: Path) -> None:
    body, path = (folder / f"{name}.tflite").read_bytes(), tmp_path / "damaged.tflite"
    read, refused = [], set[str]()
    for seed in range(15):
        draw = random.Random(seed)  # noqa: S311  # damage, not secrets
        path.write_bytes(damaged(body, draw))
        lstms, words = outcome(str(path))
        read += lstms
        refused |= {words, row_refused(str(path))} - {""}
    assert read
    assert [found for found, _ in read] == [expected for _, expected in read]
    assert "FILE is damaged" in refused
    not_whole = {f"the weights of {name} are not whole" for name in ("lstm", "output")}
    assert refused <= {"FILE is damaged", "FILE is of an unknown format", *not_whole}


def flat(*graphs: tuple[int, int]) -> bytes:
    """A file whose graphs share one list: of so many operators, and of so many tensors, each the same table."""
    operators, tensors = graphs[0]
    body = bytearray(b"\0\0\0\0TFL3")

    def add(data: bytes) -> int:
        body.extend(bytes(-len(body) % 4))
        body.extend(data)
        return len(body) - len(data)

    def table(*fields: int) -> int:
        """A table of offsets, which are set later; 0 leaves a field out."""
        vtable = add(struct.pack("<HH", 4 + 2 * len(fields), 4 + 4 * len(fields)))
        body.extend(b"".join(struct.pack("<H", 4 + 4 * place if there else 0) for place, there in enumerate(fields)))
        at = add(bytes(4 + 4 * len(fields)))
        struct.pack_into("<i", body, at, at - vtable)
        return at

    def point(at: int, field: int, there: int) -> None:
        place = at + 4 + 4 * field
        struct.pack_into("<I", body, place, there - place)

    def vector(count: int) -> int:
        return add(struct.pack("<I", count) + bytes(4 * count))

    model, codes, listed = table(0, 1, 1), vector(1), vector(len(graphs))
    graph, held, run = table(1, 0, 0, 1), vector(tensors), vector(operators)
    code, tensor, operator = table(0, 0, 0, 0), table(0, 0, 0, 0), table(0, 0, 0)
    struct.pack_into("<I", body, 0, model)
    point(model, 1, codes)
    point(model, 2, listed)
    point(graph, 0, held)
    point(graph, 3, run)
    for start, count, there in (
        (codes, 1, code),
        (held, tensors, tensor),
        (run, operators, operator),
        (listed, len(graphs), graph),
    ):
        for index in range(count):
            place = start + 4 + 4 * index
            struct.pack_into("<I", body, place, there - place)
    return bytes(body)


def test_a_million_operators_take_a_few_seconds(tmp_path: Path) -> None:
    path = tmp_path / "many.tflite"
    path.write_bytes(flat((1_000, 2)))
    with pytest.raises(NoLstmError):
        read_weights(str(path))
    path.write_bytes(flat(*[(20_000, 20_000)] * 100))  # each of them in 100 graphs
    with pytest.raises(SourceError, match="too many tables"):
        read_weights(str(path))


def test_graphs_that_run_themselves_end() -> None:
    tensor = Tensor("t", "float32", (1, 4), (1, 4), None, 0, (), (), 0, variable=False, sparse=False)
    loop = Operator("WHILE", (0,), (1,), {"cond": 0, "body": 0})
    multiply = Operator("MUL", (0, 1), (2,), {"activation": 0})
    inner = Operator("WHILE", (0,), (1,), {"cond": 2, "body": 1})
    around = Graph("a", [tensor] * 3, (0,), (0,), [loop, multiply])
    for model in (
        Model([around], ""),
        Model(
            [Graph("b", [tensor] * 3, (0,), (0,), [inner]), Graph("c", [tensor] * 3, (0,), (1,), [inner, multiply])], ""
        ),
    ):
        values = Values(model, "none")
        assert computed_units(values) == ([], [])
        assert [values.constant((index, 0)) for index in range(len(model.graphs))] == [None] * len(model.graphs)


def test_the_kind_is_told_by_content(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes((folder / "fused.tflite").read_bytes())
    assert weight_kind(str(path)) == "tflite"
