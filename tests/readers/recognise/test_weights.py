"""Weight files as SOURCE, on the command line and from Python: what is reported, what wins, and what is refused."""

import io
import json
import os
import pickle
import re
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from lstmcalc import LSTMConfig
from lstmcalc.errors import LstmcalcError, SourceError, TooLargeError
from lstmcalc.intake.load import load_weights
from lstmcalc.intake.resolve import lstms_in, read_subjects
from lstmcalc.numerics.convert import pack
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.recognise.recognition import recognise
from lstmcalc.readers.recognise.weights import read_weights
from tools.examples import examples
from tools.files import rewrite
from tools.recorded_weights import DATA, stated_module
from tools.shell import Ran
from tools.weight_writers import random_weights, safetensors_bytes, write_safetensors

pytestmark = pytest.mark.usefixtures("zygote")

Cli = Callable[..., Ran]

ENCODER, DECODER = LSTMConfig(10, 20, 2, bidirectional=True), LSTMConfig(40, 6, bias=False)


def arrays_of(config: LSTMConfig, path: str = "", dtype: str = "float32") -> dict[str, Any]:
    return {path + name: array.astype(dtype) for name, array in random_weights(config).items()}


MODEL = {
    **arrays_of(ENCODER, "net.encoder."),
    **arrays_of(DECODER, "net.decoder."),
    "net.fc.weight": np.zeros((3, 6), np.float32),
    "net.g.weight_ih_l0": np.zeros((12, 3), np.float32),
    "net.g.weight_hh_l0": np.zeros((12, 4), np.float32),
}


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_safetensors(Path("model.safetensors"), MODEL)
    np.savez("model.npz", **MODEL)


def modules(ran: Ran) -> list[dict[str, Any]]:
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)["modules"]
    return found


@pytest.mark.parametrize("name", ["model.safetensors", "model.npz"])
@pytest.mark.parametrize(
    "command", [["params"], ["shapes"], ["cost"], ["explain"], ["solve", "batch", "--memory=1MiB"]]
)
def test_every_command_takes_every_lstm_of_a_file(cli: Cli, name: str, command: list[str]) -> None:
    found = modules(cli(*command, name, "--json"))
    assert [module["name"] for module in found] == ["net.encoder", "net.decoder"]
    assert [module["text"] for module in found] == [str(ENCODER), str(DECODER)]


def test_a_sweep_starts_from_a_file(cli: Cli) -> None:
    (module,) = modules(cli("sweep", "model.npz", "--module", "encoder", "--layers", "1:3", "--json"))
    assert module["config"]["hidden_size"] == 20


def test_what_is_certain_is_said(cli: Cli) -> None:
    module = modules(cli("shapes", "model.safetensors", "--module", "encoder", "--json"))[0]
    certainty = {field: origin["certainty"] for field, origin in module["provenance"].items()}
    inferred = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")
    assert {certainty[field] for field in inferred} == {"inferred"}
    assert certainty["batch_first"] == certainty["dropout"] == "unknown"
    assert certainty["seq_len"] == certainty["batch"] == "assumed"
    assert certainty["dtype"] == "stated"
    assert module["provenance"]["hidden_size"]["where"] == "model.safetensors"
    assert module["source"]["text"] == "16 tensors of safetensors"


def test_the_table_says_what_the_file_does_not(cli: Cli) -> None:
    out = cli("params", "model.npz", "--module", "encoder").out
    assert re.search("not stored in model.npz +batch_first \\(assumed False\\), dropout \\(assumed 0\\)", out)
    assert "follows from model.npz" in out


def test_flags_come_before_a_file(cli: Cli) -> None:
    (module,) = modules(cli("params", "model.npz", "--module", "encoder", "--batch-first", "--json"))
    assert module["config"]["batch_first"] is True
    assert module["provenance"]["batch_first"]["from"] == "flag"


def test_what_else_is_in_a_file_is_a_note(cli: Cli) -> None:
    ran = cli("params", "model.npz")
    assert ran.err.splitlines() == [
        "note: model.npz also contains 1 GRU: net.g (input 3, hidden 4); 1 tensor of no recurrent module (18 numbers)"
    ]


def test_the_dtype_is_that_of_the_file(cli: Cli) -> None:
    np.savez("half.npz", **arrays_of(LSTMConfig(3, 4), dtype="float16"))
    (module,) = modules(cli("params", "half.npz", "--json"))
    assert (module["dtype"], module["total_bytes"]) == ("float16", 2 * module["total"])


@pytest.mark.parametrize("layout", ["keras", "flax-linen", "onnx", "tf1", "haiku", "equinox"])
def test_a_file_is_reported_in_its_own_framework(cli: Cli, layout: str) -> None:
    config = LSTMConfig(3, 4)
    packed: dict[str, Any] = pack(random_weights(config), config, layout)
    np.savez("a.npz", **packed)
    (module,) = modules(cli("params", "a.npz", "--json"))
    assert module["framework"] == layout
    assert [row["name"] for row in module["parameters"]] == list(packed)
    (module,) = modules(cli("params", "a.npz", "--framework", "pytorch", "--json"))
    assert module["config"]["hidden_size"] == 4
    assert module["parameters"][0]["name"] == "weight_ih_l0"


def test_a_file_without_an_lstm_says_what_it_holds(cli: Cli) -> None:
    only: dict[str, Any] = {name: array for name, array in MODEL.items() if "coder" not in name}
    np.savez("gru.npz", **only)
    ran = cli("shapes", "gru.npz")
    assert ran.code == 2
    assert ran.err == (
        "error: no LSTM is recognised in gru.npz\n  expected the weights of one, under names of PyTorch, Keras, ..., found 1 GRU: "
        "net.g (input 3, hidden 4); 1 tensor of no recurrent module (18 numbers)\n"
    )
    np.savez("nothing.npz")
    assert "looks like a zip archive" in (said := cli("shapes", "nothing.npz").err)
    assert "found no members; so there is no LSTM in it" in said


def test_an_lstm_is_denied_only_where_every_tensor_is_of_another_module(cli: Cli) -> None:
    only: dict[str, Any] = {name: array for name, array in MODEL.items() if name.startswith("net.g.")}
    np.savez("gru.npz", **only)
    assert cli("shapes", "gru.npz").err.startswith("error: no LSTM in gru.npz\n")
    odd: dict[str, Any] = {"RNN_0/LSTMCell/W_9": np.zeros((3, 8)), "b": np.zeros(3)}
    np.savez("odd.npz", **odd)
    assert cli("shapes", "odd.npz").err == (
        "error: no LSTM is recognised in odd.npz\n"
        "  expected the weights of one, under names of PyTorch, Keras, ..., found 2 tensors (27 numbers); 1 name with "
        "LSTM, e.g. RNN_0/LSTMCell/W_9 (3, 8)\n"
        "  hint: if they are of an LSTM, save them under the names of one that lstmcalc frameworks lists\n"
    )


def test_elmo_is_read_as_bilm_tf_writes_it(cli: Cli) -> None:
    """Its cells in allennlp's terms (allennlp 2.10.1, modules/elmo_lstm.py): gates i j f o, the forget bias lacks 1."""
    draw = np.random.default_rng(1)
    held, cells = {"char_embed": draw.normal(size=(9, 4))}, {}
    for cell in ("RNN_0/RNN/MultiRNNCell/Cell0", "RNN_1/RNN/MultiRNNCell/Cell1"):
        i, f, g, o = draw.normal(size=(4, 6, 5 + 3 + 1))  # input 5, projected state 3, bias
        projection = draw.normal(size=(3, 6))
        packed = np.concatenate([i, g, f - np.eye(9)[-1], o])
        held[f"{cell}/LSTMCell/W_0"] = packed[:, :-1].T
        held[f"{cell}/LSTMCell/B"] = packed[:, -1]
        held[f"{cell}/LSTMCell/W_P_0"] = projection.T
        whole = np.concatenate([i, f, g, o])
        cells[cell.replace("/", ".")] = whole[:, :5], whole[:, 5:8], whole[:, 8], projection
    np.savez("elmo.npz", **held)  # type: ignore[arg-type]  # numpy's stubs take its flags only
    found = read_weights("elmo.npz")
    assert [item.name for item in found] == list(cells)
    for item in found:
        loaded = load_weights(item)
        for name, array in zip(
            ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "weight_hr_l0"), cells[item.name], strict=True
        ):
            np.testing.assert_allclose(loaded[name], array, rtol=0, atol=1e-15)
        assert not loaded["bias_hh_l0"].any()
    ran = cli("params", "elmo.npz", "--module", "RNN_0.RNN.MultiRNNCell.Cell0")
    assert "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_P_0" in ran.out
    assert "clip c and h as options.json says" in ran.err


def test_a_model_of_keras_in_a_pickle_is_seen(cli: Cli) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as keras:
        keras.writestr("metadata.json", b"{}" * 600)
    for held in (archive.getvalue(), [{"a": archive.getvalue()}]):
        Path("model.pkl").write_bytes(pickle.dumps(held, protocol=4))
        said = cli("shapes", "model.pkl").err
        assert said.startswith("error: no LSTM is recognised in model.pkl\n")
        assert "bytes in it look like a zip archive, and are not read" in said


def test_missing_tensors_are_noted_and_stop_no_report(cli: Cli) -> None:
    write_safetensors(Path("a"), {name: array for name, array in MODEL.items() if "weight_ih_l0_rev" not in name})
    ran = cli("params", "a", "--module", "encoder")
    assert ran.code == 0
    assert f"note: missing for {ENCODER}: net.encoder.weight_ih_l0_reverse" in ran.err


def test_a_size_that_no_tensor_says_is_open(cli: Cli) -> None:
    arrays = {name: array for name, array in arrays_of(LSTMConfig(3, 4)).items() if "weight_ih" not in name}
    np.savez("a.npz", **arrays)
    ran = cli("params", "a.npz")
    assert ran.code == 2
    assert "input_size of lstm is unknown" in ran.err
    assert "hint: give --input" in ran.err
    assert modules(cli("params", "a.npz", "--input", "3", "--json"))[0]["config"]["input_size"] == 3


def test_names_cannot_be_set_in_a_file(cli: Cli) -> None:
    ran = cli("params", "model.npz", "--set", "hidden=3")
    assert (ran.code, "there is nothing to set" in ran.err) == (2, True)


def test_a_file_larger_than_any_text_is_read(cli: Cli) -> None:
    wide = LSTMConfig(900, 1024)
    write_safetensors(Path("large"), arrays_of(wide))
    assert Path("large").stat().st_size > 16 * 2**20
    assert modules(cli("shapes", "large", "--json"))[0]["text"] == str(wide)


def test_a_damaged_file_is_said(cli: Cli) -> None:
    Path("a").write_bytes(Path("model.safetensors").read_bytes()[:-1])
    ran = cli("shapes", "a")
    assert (ran.code, ran.err.partition("\n")[0]) == (2, "error: a, net.g.weight_hh_l0 is damaged")
    Path("a").write_bytes(Path("model.npz").read_bytes()[:-1])
    assert cli("shapes", "a").code == 2


def test_a_terminal_sees_no_control_characters_of_names(cli: Cli) -> None:
    write_safetensors(Path("a\x1b[31m"), arrays_of(LSTMConfig(3, 4), "enc\x1b[31m."))
    ran = cli("params", "a\x1b[31m")
    assert ran.code == 0
    assert "\x1b" not in ran.out + ran.err


def test_python_takes_files_too() -> None:
    assert lstms_in("model.npz") == {"net.encoder": ENCODER, "net.decoder": DECODER}


def test_numbers_are_not_read_for_a_report(cli: Cli) -> None:
    count = 2**29
    entries = {
        "weight_ih_l0": {"dtype": "F32", "shape": [4 * 2**13, 2**14], "data_offsets": [0, 4 * count]},
        "weight_hh_l0": {"dtype": "F32", "shape": [4 * 2**13, 2**13], "data_offsets": [4 * count, 6 * count]},
    }
    head = safetensors_bytes(entries, b"")
    with Path("huge").open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 6 * count)
    tracemalloc.start()
    try:
        assert modules(cli("params", "huge", "--json"))[0]["text"] == "LSTM(16384, 8192, bias=False)"
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


# Numbers.


def lstm_in(name: str) -> Any:
    (lstm,) = recognise(open_weights(name)).lstms
    return lstm


def test_a_subject_brings_its_weights() -> None:
    encoder, decoder = read_subjects({"source": "model.safetensors"})
    for subject, prefix in ((encoder, "net.encoder."), (decoder, "net.decoder.")):
        assert subject.found is not None
        assert subject.found.weights is not None
        loaded = load_weights(subject.found)
        assert list(loaded) == [name.removeprefix(prefix) for name in MODEL if name.startswith(prefix)]
        for name, array in loaded.items():
            np.testing.assert_array_equal(array, MODEL[prefix + name], strict=True)


def test_dtypes_are_widened_to_one() -> None:
    arrays = {**arrays_of(LSTMConfig(3, 4)), "weight_ih_l0": np.ones((16, 3), np.float16)}
    np.savez("a.npz", **arrays)
    assert {array.dtype.name for array in load_weights(lstm_in("a.npz")).values()} == {"float32"}


def test_loading_weights_of_pytorch_takes_their_size() -> None:
    config = LSTMConfig(512, 512)  # 8 MiB
    write_safetensors(Path("large"), arrays_of(config))
    lstm = lstm_in("large")
    load_weights(lstm)  # what is imported and remembered stays
    tracemalloc.start()
    loaded = load_weights(lstm)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = sum(array.nbytes for array in loaded.values())
    assert peak < 1.3 * size  # and a block


def test_bfloat16_is_loaded_as_float32() -> None:
    arrays = arrays_of(LSTMConfig(3, 4))
    entries, data = {}, b""
    for name, array in arrays.items():
        upper = (array.view(np.uint32) >> 16).astype(np.uint16)
        entries[name] = {
            "dtype": "BF16",
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + 2 * array.size],
        }
        data += upper.tobytes()
    Path("a").write_bytes(safetensors_bytes(entries, data))
    lstm = lstm_in("a")
    assert {item.dtype for item in lstm.stored.tensors.values()} == {"bfloat16"}
    for name, array in load_weights(lstm).items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, arrays[name], rtol=2**-7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight_hh_l0": None}, "missing: weight_hh_l0"),
        ({"bias_hh_l0": np.zeros(17, np.float32)}, "size mismatch: bias_hh_l0 (17,) instead of (16,)"),
        ({"weight_ih_l0": None}, "missing: weight_ih_l0"),
        ({"weight_ih_l0": np.zeros((16, 3), np.int8)}, "expected float32 or another float, found int8"),
        ({"weight_ih_l0": np.zeros((16, 3), np.complex64)}, "expected float32 or another float, found complex64"),
    ],
)
def test_weights_that_are_not_whole_are_not_loaded(change: dict[str, Any], words: str) -> None:
    arrays = {**arrays_of(LSTMConfig(3, 4), "lstm."), **{f"lstm.{name}": array for name, array in change.items()}}
    np.savez("a.npz", **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(SourceError) as caught:
        load_weights(lstm_in("a.npz"))
    assert words.replace("lstm.", "") in str(caught.value).replace("lstm.", "")


def test_weights_in_another_form_are_not_missing_and_not_loaded() -> None:
    module = stated_module(
        "n", "DynamicQuantizeLSTM", "onnx", {"input_size": 3, "hidden_size": 4}, {}, unmodelled=("int8",)
    )
    (lstm,) = recognise(WeightFile("ONNX", (), (module,))).lstms
    assert (lstm.stored.missing, lstm.unmodelled) == ((), ("int8",))
    with pytest.raises(SourceError, match=r"no weights of n that can be read\n  expected .*, found int8"):
        load_weights(lstm)


def test_weights_that_do_not_fit_in_memory_are_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lstmcalc.intake.load.available_memory", lambda: 1000)
    np.savez("a.npz", **arrays_of(LSTMConfig(3, 4)))
    with pytest.raises(TooLargeError, match="do not fit in memory"):
        load_weights(lstm_in("a.npz"))


# Whatever is in a file.


@examples(600, HealthCheck.function_scoped_fixture)
@given(
    name=st.sampled_from(["model.safetensors", "model.npz"]),
    changes=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_changed_files_give_lstms_or_one_kind_of_error(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(Path(name).read_bytes())
    for place, value in changes:
        data[place if place % 2 else -1 - place] = value
    rewrite(Path("changed"), data)
    try:
        for subject in read_subjects({"source": "changed"}):
            assert subject.found is not None
            assert subject.found.weights is not None
            load_weights(subject.found)
    except LstmcalcError:
        pass


@pytest.mark.skipif(os.name != "posix", reason="named pipes of POSIX")
def test_a_pipe_is_not_looked_into(cli: Cli) -> None:
    os.mkfifo("pipe")
    writer = os.open("pipe", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(writer, b"nn.LSTM(10, 20)")
        from lstmcalc.readers.texts import has_weights

        assert not has_weights("pipe")
    finally:
        os.close(writer)


# What a user may get wrong, and a hostile file may have.


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ["--hidden", "30"],
            "--hidden: net.encoder in model.npz has another hidden_size\n  expected 20, found 30",
        ),
        (["--layers", "1"], "another num_layers\n  expected 2, found 1"),
        (["--no-bi"], "another bidirectional\n  expected True, found False"),
        (["--module", "decoder", "--bias"], "another bias\n  expected False, found True"),
        (
            ["--input", "10", "--hidden", "20"],
            "net.decoder in model.npz has another input_size\n  expected 40, found 10",
        ),
    ],
)
def test_flags_do_not_contradict_the_tensors_of_a_file(cli: Cli, flags: list[str], words: str) -> None:
    ran = cli("params", "model.npz", *flags)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "leave the flag out, or the file" in ran.err
    assert ("--module NAME" in ran.err) == ("--module" not in flags)


def test_flags_that_agree_with_a_file_are_taken(cli: Cli) -> None:
    (lstm,) = modules(cli("params", "model.npz", "--module", "encoder", "--hidden", "20", "--bi", "--json"))
    assert lstm["provenance"]["hidden_size"]["from"] == "flag"


def test_what_starts_from_a_file_may_leave_it(cli: Cli) -> None:
    start = "model.npz", "--module", "encoder", "--layers", "1", "--json"
    assert modules(cli("sweep", "--hidden", "3,4", *start))[0]["config"]["num_layers"] == 1
    assert modules(cli("solve", "hidden", "--params", "1M", *start))[0]["config"]["num_layers"] == 1


def test_a_weight_file_on_standard_input_is_refused_in_words() -> None:
    content = Path("model.safetensors").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "lstmcalc", "params", "-"], input=content, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"stdin is not text" in done.stderr
    assert b"hint: a weight file has to be a regular file, named instead of piped" in done.stderr


def test_quantized_weights_are_run_as_numbers_and_that_is_said(cli: Cli) -> None:
    ran = cli("run", str(DATA / "quantized_states.pt"))
    assert ran.code == 0
    assert "note: its weights are quantized: run computes with (q - zero_point) * scale; what PyTorch" in ran.err


def test_packed_cells_are_no_whole_module_for_diff(cli: Cli) -> None:
    Path("n.py").write_text(
        "import torch.nn as nn\nclass N(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.rnn = nn.LSTM(3, 4)\nn = N()\n",
        encoding="utf-8",
    )
    ran = cli("diff", str(DATA / "quantized_states.pt"), "n.py", "--json")
    assert "whole module" not in ran.out
    assert "packed weights of quantize_dynamic, e.g. rnn._all_weight_values.0.param" in ran.out
    assert ran.code == 1


def test_a_gru_without_a_path_is_called_so(cli: Cli) -> None:
    shapes = {"weight_ih_l0": (12, 3), "weight_hh_l0": (12, 4), "bias_ih_l0": (12,), "bias_hh_l0": (12,)}
    write_safetensors(Path("gru.safetensors"), {name: np.zeros(shape, "f4") for name, shape in shapes.items()})
    assert "1 GRU: gru (input 3, hidden 4)" in cli("params", "gru.safetensors").err


HOSTILE = {
    "escapes": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "lines": "a\nb\r\nc\x85d\u2028e",
    "long": "x" * 10_000,
    "markup": "[red]a[b]",
    "right to left": "a\u202eb\u200bc",
    "a table of its own": 'a|b`c,"d"\t\'',
    "another system's": r"C:\net\rnn",
}


@pytest.mark.parametrize("style", ["table", "json", "csv", "markdown"])
@pytest.mark.parametrize("command", ["params", "shapes", "ls"])
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_names_of_a_file_do_nothing_to_a_terminal(cli: Cli, name: str, command: str, style: str) -> None:
    unit = name[:500]
    arrays = arrays_of(LSTMConfig(2, 3, 2, bias=False), f"{unit}.")
    del arrays[f"{unit}.weight_hh_l1"]  # which a note says
    arrays |= {f"{name}.weight_hh_l0": np.zeros((9, 3), np.float32), f"{unit}.x": np.zeros(1, np.float32)}
    write_safetensors(Path("hostile"), arrays | arrays_of(LSTMConfig(2, 3), f"{unit}1."))
    ran = cli(command, "hostile", "--format", style)
    assert ran.code == 0, ran.err
    assert all(character.isprintable() or character == "\n" for character in ran.out + ran.err)
    longest = max(map(len, (ran.out + ran.err).splitlines()))
    assert longest < 3000 or style in ("json", "csv")  # for scripts names are whole
    for part in ("[red]", "[b]") if "[red]" in name else ():
        assert part in ran.out


def test_a_module_is_picked_by_its_printed_name(cli: Cli) -> None:
    write_safetensors(Path("hostile"), arrays_of(LSTMConfig(2, 3), "a\x1b[31m.rnn."))
    for command in ("params", "ls"):
        assert cli(command, "hostile", "--module", r"a\x1b[31m.rnn").code == 0
        refused = cli(command, "hostile", "--module", "b")
        assert (refused.code, r"one of a\x1b[31m.rnn" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({"emb.weight": "1.safetensors", "enc.weight_hh_l0": "2.safetensors"}, "has the LSTM: 2.safetensors?"),
        (
            {"/layers/lstm/vars": ["model_00001.weights.h5"], "/a": ["model.h5"]},
            "has the LSTM: model_00001.weights.h5?",
        ),
        ({"a\x1b": "\x1b[31m"}, r"has the LSTM: \x1b[31m?"),
        ({}, "give the file that has the LSTM"),
        ({"a": [], "b": 3}, "give the file that has the LSTM"),
    ],
)
def test_an_index_without_a_folder_names_the_file_to_read(files: dict[str, Any], hint: str) -> None:
    with pytest.raises(SourceError) as caught:
        lstms_in(json.dumps({"metadata": {}, "weight_map": files}))
    assert str(caught.value).startswith("this is the index of weights in several files")
    assert hint in str(caught.value)
