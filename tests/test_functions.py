"""The commands as functions: they say what the command line says, of objects what it says of their files."""

import copy
import gc
import io
import json
import pickle
import random
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstmcalc
from lstmcalc import LstmcalcError, LSTMConfig
from lstmcalc.commands._answers import Answer
from lstmcalc.commands._screen import view_of
from lstmcalc.commands.registry import load_command
from lstmcalc.intake.flags import Flag
from lstmcalc.numerics.convert import pack
from lstmcalc.report.blocks import Facts, Formulas, Grid, Heading
from lstmcalc.report.render import blocks_of
from lstmcalc.writers import tables
from tools.examples import is_thorough
from tools.shell import Ran
from tools.weight_writers import random_weights, write_safetensors

Cli = Callable[..., Ran]

FUNCTIONS = ("summary", "shapes", "params", "cost", "explain", "diff", "run")
SIZES = ("input_size", "hidden_size", "num_layers", "proj_size", "seq_len", "batch", "head", "embed")
LISTS = ("lengths", "topic", "gate", "module", "set", "against")
LEFT_OUT = (
    *LISTS,
    "quiet",
    "framework",
    "from_framework",
    "format",
    "json",
    "save",
    "recurrent_activation",
    "quantize",
    "gate",
)


def arrays_of(config: LSTMConfig, prefix: str = "", seed: int = 0) -> dict[str, Any]:
    return {f"{prefix}{name}": array.astype("float32") for name, array in random_weights(config, seed).items()}


def flags_of(name: str) -> list[Flag]:
    return [flag for flags in load_command(name).panels.values() for flag in flags if flag.names]


def drawn_options(draw: random.Random, name: str) -> dict[str, Any]:  # noqa: C901  # a list of kinds of values
    """Options of a command, by any of their names, with values of Python."""
    found: dict[str, Any] = {}
    known = [flag for flag in flags_of(name) if flag.field not in LEFT_OUT]
    for flag in draw.sample(known, draw.randint(0, 5)):
        spelling = draw.choice([each for each in (*flag.names, *flag.off) if each.startswith("--")])
        option = spelling.strip("-").replace("-", "_")
        if not flag.metavar:
            found[option] = draw.random() < 0.7
        elif flag.field in SIZES:
            found[option] = draw.choice((int, str, np.int64))(draw.randint(1, 5))
        elif flag.field in ("dropout", "cell_clip", "proj_clip"):
            found[option] = draw.choice((0.5, "0.25"))
        elif flag.field == "dtype":
            found[option] = draw.choice(("float32", "fp16", np.float64, np.dtype("float32")))
        elif flag.field == "head_on":
            found[option] = draw.choice(("last", "all"))
        elif flag.field == "optimizer":
            found[option] = draw.choice(("sgd", "adamw"))
        elif flag.field in ("repeat", "threads", "rate", "seed"):
            found[option] = draw.randint(1, 2)
        elif flag.field.startswith("max_") or flag.field in ("params", "macs", "memory", "weights", "state"):
            found[option] = draw.choice((10**9, "1G" if flag.field in ("params", "macs") else "1GiB"))
    if draw.random() < 0.3:
        found["lengths"] = draw.choice(([3, 2], (3, 2), "3,2", ["3", "2"]))
    return found


def words_of(options: dict[str, Any], name: str) -> list[str]:
    """The same options on the command line."""
    words: list[str] = []
    for option, value in options.items():
        spelling = f"--{option.replace('_', '-')}"
        flag = next(flag for flag in flags_of(name) if spelling in (*flag.names, *flag.off))
        if flag.metavar:
            text = value.__name__ if isinstance(value, type) else value
            words += [spelling, ",".join(map(str, text)) if isinstance(text, list | tuple) else str(text)]
        elif value or flag.off:
            on = value is (spelling in flag.names)
            words.append(flag.names[0] if on else (flag.off or flag.names)[0])
    return words


SOURCES = {
    "diff": ("a.safetensors", "nn.LSTM(3, 5, 2)"),
    "explain": ("nn.LSTM(3, 4)",),
    "run": ("a.safetensors",),
}


def put_file(folder: Path) -> None:
    write_safetensors(folder / "a.safetensors", arrays_of(LSTMConfig(3, 4), "rnn."))


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(120 if is_thorough() else 60))
def test_a_function_says_what_the_command_line_says(
    cli: Cli, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put_file(tmp_path)
    draw = random.Random(seed)  # noqa: S311  # no secret
    name = FUNCTIONS[seed % len(FUNCTIONS)]
    sources = SOURCES.get(name, draw.choice([(), ("a.safetensors",), ("nn.LSTM(3, 4, 2)",)]))
    options = drawn_options(draw, name)
    ran = cli(name, *sources, *words_of(options, name), "--json")
    function = getattr(lstmcalc, name)
    document = json.loads(ran.out) if ran.out else {}
    if ran.code == 2:
        with pytest.raises(LstmcalcError) as caught:
            function(*sources, **options)
        if "error" in document:
            assert (caught.value.kind, caught.value.what) == (document["error"]["kind"], document["error"]["message"])
        return
    report = function(*sources, **options)
    assert isinstance(report, Answer)
    assert report.ok is (ran.code == 0)
    timed = {"timing"} if "repeat" in options else set[str]()
    assert _without(report.to_dict(), timed) == _without(document, timed)
    assert [f"note: {note}" for note in report.notes] == ran.err.splitlines()


def _without(document: dict[str, Any], keys: set[str]) -> Any:
    modules = [{key: value for key, value in module.items() if key not in keys} for module in document["modules"]]
    return {**document, "modules": modules}


def test_str_is_the_table(cli: Cli) -> None:
    for name in ("summary", "shapes", "params", "cost", "explain"):
        report = getattr(lstmcalc, name)(hidden=5, bi=True)
        shown = cli(name, "--hidden", "5", "--bi")
        assert f"{report}\n" == shown.out.rstrip("\n") + "\n" + shown.err
        assert repr(report) == str(report)
        full = getattr(lstmcalc, name)(hidden=5, bi=True, full=True)
        assert str(full).splitlines()[:3] == cli(name, "--hidden", "5", "--bi", "--full").out.splitlines()[:3]
    assert str(lstmcalc.shapes(json=True)) == cli("shapes", "--json").out.rstrip("\n")


def test_the_records_are_attributes() -> None:
    report = lstmcalc.summary("nn.LSTM(10, 20, 2)", seq=28)
    assert report.total.parameters == report.modules[0].parameters == report.record.modules[0].parameters == 5920
    assert report.modules[0].config == LSTMConfig(10, 20, 2)
    assert lstmcalc.shapes(hidden=4, batch=2).modules[0].tensors[3].shape == (5, 2, 4)
    assert "modules" in dir(report)
    with pytest.raises(AttributeError, match="has no 'moduls': it has schema, "):
        _ = report.moduls
    assert not hasattr(report, "__array__")
    assert copy.copy(report).total == report.total
    assert hash(report) != hash(lstmcalc.summary("nn.LSTM(10, 20, 2)"))


def test_a_notebook_may_ask_for_any_way_to_show_it() -> None:
    """It asks for a dozen of them: none makes the rows of a long report."""
    report = lstmcalc.shapes(layers=10_000, full=True)
    report.to_dict = None  # type: ignore[assignment,method-assign]  # what would make them
    for name in ("_repr_png_", "_ipython_display_", "_repr_mimebundle_", "__html__", "_ipython_canary_method_"):
        assert not hasattr(report, name)
    with pytest.raises(AttributeError, match="has no 'shape': it has schema"):
        _ = report.shape


def test_the_collector_stays_as_it_is() -> None:
    gc.disable()
    try:
        lstmcalc.run(hidden=2)
        assert not gc.isenabled()
    finally:
        gc.enable()
    lstmcalc.run(hidden=2)
    assert gc.isenabled()


def test_a_config_and_a_path_are_sources(tmp_path: Path) -> None:
    put_file(tmp_path)
    config = LSTMConfig(3, 4, 2, bias=False, batch_first=True, dropout=0.1, bidirectional=True, proj_size=2)
    assert lstmcalc.shapes(config).modules[0].config == config
    assert lstmcalc.shapes(tmp_path / "a.safetensors").modules[0].name == "rnn"
    assert lstmcalc.lstms_in(tmp_path / "a.safetensors") == {"rnn": LSTMConfig(3, 4)}


WHERE = r'"(reproduce|text|weights_from|notes|file)": ("(?:[^"\\]|\\.)*"|null|\[.*?\])'


def like_a_file(source: Any, path: str, name: str) -> None:
    """Every command says of an object in memory what it says of its file, but for where it is."""
    for function in ("summary", "shapes", "params", "cost", "explain", "run"):
        here, there = (getattr(lstmcalc, function)(each) for each in (source, path))
        texts = [json.dumps(report.to_dict()["modules"]) for report in (here, there)]
        texts = [re.sub(WHERE, "", text) for text in texts]
        assert texts[0].replace(name, "NAME") == texts[1].replace(Path(path).name, "NAME").replace(path, "NAME"), (
            function
        )
        assert here.ok
        assert there.ok
    assert lstmcalc.diff(source, path, values=True).ok


def test_a_dictionary_is_like_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrays = {**arrays_of(LSTMConfig(3, 4, bidirectional=True), "enc.rnn."), "fc.weight": np.ones((2, 8), np.float32)}
    np.savez("a.npz", allow_pickle=False, **arrays)
    like_a_file(arrays, "a.npz", "arrays")
    assert lstmcalc.lstms_in(arrays) == {"enc.rnn": LSTMConfig(3, 4, bidirectional=True)}
    with np.load("a.npz") as opened:
        assert lstmcalc.summary(opened).modules[0].file == "a.npz"
    assert lstmcalc.summary({"model": {"enc": arrays, "step": 3}}).modules[0].name == "model.enc.enc.rnn"
    assert str(lstmcalc.summary(arrays)).startswith("arrays: in memory, 9 tensors, ")


def test_a_handle_of_safetensors_is_like_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    safetensors = pytest.importorskip("safetensors")
    monkeypatch.chdir(tmp_path)
    put_file(tmp_path)
    with safetensors.safe_open("a.safetensors", "np") as handle:
        like_a_file(handle, "a.safetensors", "safe_open")
        assert lstmcalc.summary(handle).total == lstmcalc.summary("a.safetensors").total


def test_a_model_of_onnx_is_like_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx = pytest.importorskip("onnx")
    from lstmcalc.proof.judges import onnx_model
    from lstmcalc.spec.config import DataSpec

    monkeypatch.chdir(tmp_path)
    config = LSTMConfig(3, 4, 2, bidirectional=True)
    model = onnx_model(config, DataSpec(), arrays_of(config))
    onnx.save(model, "a.onnx")
    like_a_file(model, "a.onnx", "ModelProto")
    assert lstmcalc.summary(model).graph == lstmcalc.summary("a.onnx").graph is not None


def test_a_file_of_h5py_is_the_file(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, array in (("kernel", (3, 16)), ("recurrent_kernel", (4, 16)), ("bias", (16,))):
            file[f"lstm/lstm_cell/{name}"] = np.ones(array, np.float32)
        file.flush()
        assert lstmcalc.params(file).modules[0].config.hidden_size == 4


def test_arrays_in_memory_are_converted_to_arrays_and_to_files(tmp_path: Path) -> None:
    config = LSTMConfig(3, 4, 2, bidirectional=True)
    arrays = arrays_of(config)
    report = lstmcalc.convert(arrays, to="onnx", no_against=True)
    assert report.ok
    assert report.written is None
    assert report.load == []
    assert report.arrays.keys() == pack(arrays, config, "onnx").keys()
    for name, array in pack(arrays, config, "onnx").items():
        np.testing.assert_array_equal(report.arrays[name], array, strict=True)
    assert "arrays in memory" in str(report)
    path = tmp_path / "lstm.safetensors"
    kept = lstmcalc.convert(arrays, output=path, no_against=True)
    assert kept.written == str(path)
    assert kept.to_dict()["proven_by"] == ["read back by lstmcalc"]
    assert not kept.arrays
    into = lstmcalc.convert(arrays_of(config, seed=3), into=path, no_against=True)
    assert into.arrays.keys() == arrays.keys()
    np.testing.assert_array_equal(into.arrays["weight_hh_l1"], arrays_of(config, seed=3)["weight_hh_l1"])
    with pytest.raises(LstmcalcError, match="--force replaces it"):
        lstmcalc.convert(arrays, output=path)
    into.raise_if_different()


def test_a_conversion_that_fails_has_no_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "pack", lambda weights, *more: pack({k: v[::-1] for k, v in weights.items()}, *more))
    report = lstmcalc.convert(arrays_of(LSTMConfig(3, 4)), to="keras", no_against=True)
    assert not report.ok
    assert not report.arrays
    with pytest.raises(AssertionError, match="NOT CONVERTED"):
        report.raise_if_different()


def test_data_in_memory_is_what_it_is_in_a_file(tmp_path: Path) -> None:
    put_file(tmp_path)
    model, rng = str(tmp_path / "a.safetensors"), np.random.default_rng(0)
    x = rng.normal(size=(7, 2, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    here, there = lstmcalc.run(model, x), lstmcalc.run(model, input=tmp_path / "x.npy")
    assert here.modules[0].tensors == there.modules[0].tensors
    assert here.modules[0].data == there.modules[0].data
    assert "input = torch.as_tensor(input)" in here.modules[0].reproduce
    with pytest.raises(LstmcalcError, match="does not fit"):
        lstmcalc.run(model, x[:, :, :2])
    with pytest.raises(LstmcalcError, match="half of a state"):
        lstmcalc.run(model, {"input": x, "h_0": x})
    for wrong in ("text", [1, 2], {}, {"input": None}, (x, x)):
        with pytest.raises(LstmcalcError):
            lstmcalc.run(model, wrong)


class Hostile:
    """An object of which nothing can be asked."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Odd(dict[str, Any]):
    """A dictionary that cannot be walked."""

    def items(self) -> Any:
        raise KeyError("items")


def recursive() -> dict[str, Any]:
    found: dict[str, Any] = {}
    found["self"] = found
    return found


BAD: dict[str, Any] = {
    "None": None,
    "a word": "lstm",
    "an empty text": "",
    "a blank text": "  ",
    "nonsense": "no ( such text",
    "a class": LSTMConfig,
    "a function": len,
    "a lambda": lambda: None,
    "a module": np,
    "an array": np.zeros((3, 4)),
    "a number": 3,
    "a number of NumPy": np.float32(3),
    "bytes": b"nn.LSTM(3, 4)",
    "a list": [1, 2],
    "a list of arrays": [np.zeros(3)],
    "a set": {1},
    "an empty dictionary": {},
    "a dictionary of numbers": {"a": 1},
    "a GRU": {"gru.weight_ih_l0": np.zeros((12, 3)), "gru.weight_hh_l0": np.zeros((12, 4))},
    "no LSTM": {"fc.weight": np.zeros((3, 4))},
    "objects": {"lstm.weight_ih_l0": np.array([None, {}], dtype=object)},
    "itself": recursive(),
    "hostile": Hostile(),
    "odd": Odd(a=1),
    "a file's object": io.BytesIO(b""),
    "an object": object(),
    "an exception": ValueError("x"),
    "a path": Path("nowhere.pt"),
    "Ellipsis twice": NotImplemented,
    "a report": lstmcalc.shapes(),
    "an iterator": iter("abc"),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_model_is_refused(function: str, name: str) -> None:
    arguments = (BAD[name], "nn.LSTM(3, 4)") if function == "diff" else (BAD[name],)
    with pytest.raises(LstmcalcError) as caught:
        getattr(lstmcalc, function)(*arguments)
    assert caught.value.kind not in ("internal", "")
    assert len(str(caught.value)) < 800
    assert "\x1b" not in str(caught.value)


def test_a_class_is_told_from_an_instance() -> None:
    with pytest.raises(LstmcalcError, match=r"LSTMConfig is a class, and not a model(.|\n)*make one: LSTMConfig"):
        lstmcalc.summary(LSTMConfig)
    with pytest.raises(LstmcalcError, match="there is no model"):
        lstmcalc.summary(None)
    with pytest.raises(LstmcalcError, match="no LSTMConfig"):
        lstmcalc.LSTMModel(np)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hiden": 3}, "did you mean hidden?"),
        ({"hidden": "many"}, "not an integer"),
        ({"hidden": 2.5}, "not an integer"),
        ({"hidden": True}, "not an integer"),
        ({"bi": "perhaps"}, "True or False"),
        ({"dtype": "float7"}, "invalid choice"),
        ({"hidden": [3, 4]}, "hidden takes one value"),
        ({"input": [3, 4]}, "not arrays of an LSTM"),
        ({"x y": 1}, "has no option"),
        ({"framework": "tenserflow"}, "tensorflow"),
    ],
)
def test_options_are_refused_in_plain_words(options: dict[str, Any], said: str) -> None:
    with pytest.raises(LstmcalcError, match=re.escape(said)):
        lstmcalc.shapes(**options)


def test_options_have_all_their_names() -> None:
    for options in ({"hidden": 7}, {"hidden_size": 7}, {"hidden": "7"}, {"hidden": np.int32(7)}):
        assert lstmcalc.shapes(**options).modules[0].config.hidden_size == 7
    switches: list[dict[str, Any]] = [{"bias": False}, {"no_bias": True}, {"bias": "no"}, {"bias": 0}]
    for switch in switches:
        assert lstmcalc.shapes(**switch).modules[0].config.bias is False
    assert lstmcalc.shapes("nn.LSTM(n, 3)", set={"n": 5}).modules[0].config.input_size == 5
    assert lstmcalc.shapes("nn.LSTM(n, 3)", set="n=5").modules[0].config.input_size == 5
    assert lstmcalc.shapes(hidden=None).modules[0].config.hidden_size == 20


def test_a_limit_is_a_plain_question() -> None:
    assert lstmcalc.summary("nn.LSTM(10, 20)", max_params=10_000).ok
    report = lstmcalc.summary("nn.LSTM(10, 20)", max_params="1K")
    assert not report.ok
    assert any("over the limit" in note for note in report.notes)


def test_a_comparison_raises() -> None:
    arrays = arrays_of(LSTMConfig(3, 4))
    lstmcalc.diff(arrays, "nn.LSTM(3, 4)").raise_if_different()
    with pytest.raises(AssertionError, match="hidden_size: weight_hh_l0"):
        lstmcalc.diff(arrays, "nn.LSTM(3, 5)").raise_if_different()


def test_names_of_objects_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or file that is called as an object is has no say."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arrays").mkdir()
    (tmp_path / "x").write_text("no data", encoding="utf-8")
    arrays = arrays_of(LSTMConfig(3, 4))
    assert lstmcalc.summary(arrays).total.parameters == lstmcalc.summary(arrays, arrays).sources[0].total.parameters
    two = lstmcalc.summary(arrays, dict(arrays))
    assert [row.name for row in two.sources] == ["arrays", "arrays_2"]
    assert lstmcalc.run(arrays, np.zeros((2, 1, 3), np.float32)).ok


def test_a_name_that_a_word_or_file_has_is_told_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_safetensors(tmp_path / "arrays", arrays_of(LSTMConfig(5, 6)))
    arrays = arrays_of(LSTMConfig(3, 4))
    for sources in (("arrays", arrays), (arrays, "arrays")):
        report = lstmcalc.summary(*sources)
        assert {row.name for row in report.sources} == {"arrays", "arrays_2"}
        assert sorted(module.config.hidden_size for module in report.modules) == [4, 6]
    monkeypatch.setattr("lstmcalc.readers.live.objects._name_of", lambda *_: "h_n")
    assert lstmcalc.explain(arrays, "packing").modules[0].config == LSTMConfig(3, 4)


class OnDevice:
    """An array as JAX has them on another device."""

    shape, dtype = (5, 2, 3), np.dtype("float32")

    def devices(self) -> set[Any]:
        return {type("Device", (), {"platform": "gpu"})()}

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("it was copied")


def test_an_array_of_another_device_is_to_be_moved() -> None:
    with pytest.raises(LstmcalcError, match=r"one on gpu(.|\n)*move it"):
        lstmcalc.run("nn.LSTM(3, 4)", OnDevice())
    assert lstmcalc.shapes({"weight_ih_l0": OnDevice(), **arrays_of(LSTMConfig(3, 4), "rnn.")}).modules[0].name == "rnn"


# --- HTML, Markdown, rich


class Tables(HTMLParser):
    """The tables of a page, cell by cell, and what else it has."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "h4":
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data
        elif "h4" in self.open:
            self.headings[-1] += data


def cells_of(report: Answer[Any]) -> list[list[list[str]]]:
    """The cells that the view has."""
    from lstmcalc.report.blocks import joined

    outcome = report._outcome  # noqa: SLF001  # what it was made of
    found: list[list[list[str]]] = []
    for block in blocks_of(outcome.report, view_of(outcome)):
        if isinstance(block, Grid):
            found.append([[column.header for column in block.columns], *([*row.cells] for row in block.rows)])
        elif isinstance(block, Facts):
            found.append([[label, joined(phrases)] for label, phrases in block.lines])
        elif isinstance(block, Formulas):
            found.append([[row.text, row.says, row.shapes, ", ".join(row.places)] for row in block.rows])
    return found


REPORTS: dict[str, tuple[Any, ...]] = {
    "summary": ("summary", ("nn.LSTM(3, 4, 2, bidirectional=True)",), {"head": 3}),
    "summary of two": ("summary", ("nn.LSTM(3, 4)", "nn.LSTM(3, 5)"), {}),
    "shapes": ("shapes", (), {"bi": True, "layers": 2, "full": True}),
    "shapes, keras": ("shapes", (), {"framework": "keras", "bi": True}),
    "params": ("params", (), {"bi": True, "proj": 3, "full": True}),
    "params, gate": ("params", (), {"gate": "f"}),
    "cost": ("cost", (), {"layers": 2, "full": True}),
    "explain": ("explain", (), {"full": True, "lengths": [3, 2], "head": 2}),
    "diff": (
        "diff",
        ({"lstm.weight_ih_l0": np.zeros((16, 3)), "lstm.weight_hh_l0": np.zeros((16, 4))}, "nn.LSTM(3, 5)"),
        {},
    ),
    "run": ("run", (), {"hidden": 3, "full": True, "show": True}),
}


@pytest.mark.parametrize("name", REPORTS)
def test_every_cell_of_the_page_is_that_of_the_record(name: str) -> None:
    function, sources, options = REPORTS[name]
    report = getattr(lstmcalc, function)(*sources, **options)
    page = Tables(report._repr_html_())
    assert page.tables == cells_of(report)
    assert page.tables
    assert page.tags <= {"div", "style", "h4", "pre", "p", "code", *("table", "thead", "tbody", "tr", "th", "td")}
    assert page.attributes <= {"class"}
    outcome = report._outcome  # noqa: SLF001  # what it was made of
    headings = [block.text for block in blocks_of(report.record, view_of(outcome)) if isinstance(block, Heading)]
    assert page.headings == headings


def test_the_numbers_of_the_page_are_those_of_the_record() -> None:
    report = lstmcalc.params("nn.LSTM(3, 4, 2, bidirectional=True)", full=True)
    (grid,) = [rows for rows in Tables(report._repr_html_()).tables if rows[0][0] == "parameter"]
    shown = {row[0]: row for row in grid[1:]}
    for parameter in report.modules[0].parameters:
        row = shown[parameter.name]
        assert f"({', '.join(map(str, parameter.shape))}{',' * (len(parameter.shape) == 1)})" in row
        assert f"{parameter.count:,}" in row


def test_a_page_has_nothing_of_a_source_but_text() -> None:
    evil = "<script>alert(1)</script><b onclick='x'>&amp;\x1b[31m"
    arrays = arrays_of(LSTMConfig(3, 4), f"{evil}.lstm.")
    arrays["</style><img src=x onerror=alert(1)>"] = np.zeros((2, 2), np.float32)
    for report in (
        lstmcalc.summary(arrays, full=True),
        lstmcalc.diff(arrays, "nn.LSTM(3, 5)"),
        lstmcalc.params(arrays),
    ):
        text = report._repr_html_()
        page = Tables(text)
        assert page.tags.isdisjoint({"script", "b", "img"})
        assert page.attributes <= {"class"}
        assert "\x1b" not in text
        assert text.count("<style>") == text.count("</style>") == 1
        assert page.tables == cells_of(report)
        assert "\x1b" not in str(report)
        assert "<script>" not in re.sub(r"`[^`]*`|\\<", "", report._repr_markdown_())


def luminance(colour: str) -> float:
    """The relative luminance of a colour, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#f7f7f7", "#111111", "#1e1e1e", "#000000"])  # of JupyterLab and VS Code
def test_a_page_fits_light_and_dark(ground: str) -> None:
    text = lstmcalc.shapes()._repr_html_()
    style = text[text.index("<style>") : text.index("</style>")]
    colours = re.findall(r"color: (#\w{6})", style)
    assert len(colours) == 2
    assert all(contrast(colour, ground) >= 3 for colour in colours), "what WCAG asks of bold text"
    assert set(re.findall(r"(?<!-)color: (\w+)", style)) == {"inherit"}
    assert set(re.findall(r"background: (\w+)", style)) == {"transparent"}
    rules = [rule.strip() for rule in re.findall(r"([^{}]+)\{", style.removeprefix("<style>"))]
    assert len(rules) > 10
    assert all(part.strip().startswith(".lstmcalc") for rule in rules for part in rule.split(",")), rules


def test_markdown_is_that_of_the_command_line(cli: Cli) -> None:
    report = lstmcalc.shapes(bi=True, full=True)
    assert report._repr_markdown_() == cli("shapes", "--bi", "--format", "markdown").out.rstrip("\n")
    noted = lstmcalc.summary("nn.LSTM(3, 4)", max_params=1)
    assert "> note: " in noted._repr_markdown_()
    assert "note: " in noted._repr_html_()


def test_rich_draws_the_table() -> None:
    from rich.console import Console

    for terminal in (False, True):
        stream = io.StringIO()
        Console(file=stream, width=80, force_terminal=terminal, color_system="truecolor" if terminal else None).print(
            lstmcalc.shapes(bi=True)
        )
        plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
        assert [line.rstrip() for line in plain.splitlines()] == [
            *map(str.rstrip, str(lstmcalc.shapes(bi=True)).splitlines())
        ]
        assert ("\x1b[" in stream.getvalue()) is terminal


def test_a_report_can_be_kept() -> None:
    report = lstmcalc.shapes(bi=True)
    assert json.loads(json.dumps(report.to_dict()))["command"] == "shapes"
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(report)  # to_dict() is what to keep
