"""What is loaded when: nothing heavy at the start, and each reader for its kind of source alone."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import lstmcalc
from tools.shell import shell_environment

HEAVY = ("numpy", "pydantic", "torch", "onnx", "importlib.metadata", "lstmcalc.numerics.forward", "lstmcalc.proof.run")


def test_every_public_name_loads_and_is_listed() -> None:
    for name in lstmcalc.__all__:
        assert getattr(lstmcalc, name) is not None
    assert dir(lstmcalc) == sorted(lstmcalc.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = lstmcalc.nothing  # type: ignore[attr-defined]  # that is the point


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    report = "import sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, env=shell_environment()
    )
    return set(done.stderr.split())


RUN = "from lstmcalc.cli import run_command_line\nassert run_command_line({}) == 0"


@pytest.mark.parametrize(
    "arguments",
    [
        ["shapes", "--hidden", "20", "--layers", "2", "--bi", "--lengths", "4,2,3", "--dtype", "float16"],
        ["shapes", "--json"],
        ["params", "--input", "28", "--gate", "f", "--dropout", "0.5"],
        ["params", "--format", "csv"],
        ["params", "--format", "markdown"],
        ["params", "-h"],
        ["--version"],
    ],
)
def test_shapes_and_params_load_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(RUN.format(arguments))
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_a_function_loads_nothing_heavy_before_something_is_shown() -> None:
    shown = {"rich", "lstmcalc.report.render", "lstmcalc.report.hypertext", "lstmcalc.readers.live.torch"}
    assert loaded_by("import lstmcalc").isdisjoint({*HEAVY, *shown, "typer", "lstmcalc.commands._functions"})
    for code in ("shapes(bi=True).to_dict()", "params('nn.LSTM(3, 4)').modules[0].total", "summary(hidden=3).ok"):
        loaded = loaded_by(f"import lstmcalc; lstmcalc.{code}")
        assert "lstmcalc.commands._answers" in loaded
        assert loaded.isdisjoint({*HEAVY, *shown, "typer"})
    assert "rich" in loaded_by("import lstmcalc; str(lstmcalc.shapes())")
    page = loaded_by("import lstmcalc; lstmcalc.shapes()._repr_html_()")
    assert page.isdisjoint({*HEAVY, "rich", "typer"})


def test_an_object_is_read_without_its_framework() -> None:
    code = (
        "import lstmcalc; lstmcalc.lstms_in({'weight_ih_l0': type('A', (), {'shape': (16, 3), 'dtype': 'float32'})(), "
    )
    code += "'weight_hh_l0': type('A', (), {'shape': (16, 4), 'dtype': 'float32'})()})"
    assert loaded_by(code).isdisjoint({"numpy", "torch", "keras", "jax", "flax", "onnx", "typer", "rich"})


def test_other_frameworks_are_loaded_when_one_is_named() -> None:
    tables = {
        "lstmcalc.frameworks.catalog",
        "lstmcalc.frameworks.storage",
        "lstmcalc.report.framework",
        "lstmcalc.commands.shapes.foreign",
    }
    assert loaded_by(RUN.format(["shapes", "--bi"])).isdisjoint(tables)
    assert loaded_by(RUN.format(["params"])) & tables == {"lstmcalc.frameworks.catalog", "lstmcalc.frameworks.storage"}
    assert tables <= loaded_by(RUN.format(["shapes", "--framework", "keras"]))
    for arguments in (["params", "--framework", "keras"], ["frameworks", "--only", "keras,onnx"]):
        assert loaded_by(RUN.format(arguments)).isdisjoint(HEAVY)


def test_the_explanation_is_loaded_when_it_is_asked_for() -> None:
    own = {
        "lstmcalc.model.claims",
        "lstmcalc.commands.explain.report",
        "lstmcalc.commands.explain.view",
        "lstmcalc.model.equations",
        "lstmcalc.model.packing",
    }
    for command in ("shapes", "params"):
        assert loaded_by(RUN.format([command, "--head", "3", "--embed", "5"])).isdisjoint({*own, *HEAVY})
    explaining = loaded_by(RUN.format(["explain", "--lengths", "3,2", "--head", "3"]))
    assert own <= explaining
    assert explaining.isdisjoint(HEAVY)


def test_costs_are_loaded_when_they_are_asked_for() -> None:
    own = {
        "lstmcalc.costs.operations",
        "lstmcalc.commands.cost.report",
        "lstmcalc.commands.cost.view",
        "lstmcalc.costs.memory",
        "lstmcalc.commands.sweep.plots",
        "lstmcalc.commands.solve.report",
        "lstmcalc.commands.sweep.report",
    }
    for command in ("shapes", "params"):
        assert loaded_by(RUN.format([command])).isdisjoint({*own, *HEAVY})
    for arguments in (["cost", "--lengths", "3,2", "--head", "3"], ["solve", "hidden", "--memory", "1GiB", "--train"]):
        loaded = loaded_by(RUN.format(arguments))
        assert {"cost": "lstmcalc.commands.cost.report", "solve": "lstmcalc.commands.solve.report"}[
            arguments[0]
        ] in loaded
        assert loaded.isdisjoint({*HEAVY, "lstmcalc.commands.sweep.report", "matplotlib"})
    assert "matplotlib" not in loaded_by(RUN.format(["sweep", "--hidden", "3,4"]))


READERS = {
    "lstmcalc.frameworks.constructors",
    "lstmcalc.readers.text.tables",
    "lstmcalc.readers.python.program",
    "lstmcalc.readers.keras.models",
    "lstmcalc.readers.text.printed",
    "lstmcalc.readers.python.reading",
    "lstmcalc.readers.python.syntax",
}


def test_readers_of_sources_are_loaded_for_a_source_of_their_kind(tmp_path: Path) -> None:
    here = f"import os; os.chdir({str(tmp_path)!r})\n"
    assert loaded_by(here + RUN.format(["shapes"])).isdisjoint({*READERS, "tomllib"})
    code = loaded_by(here + RUN.format(["shapes", "nn.LSTM(10, 20)"]))
    assert code & READERS == {
        "lstmcalc.frameworks.constructors",
        "lstmcalc.readers.python.program",
        "lstmcalc.readers.python.reading",
        "lstmcalc.readers.python.syntax",
    }
    assert code.isdisjoint({*HEAVY, "tomllib", "lstmcalc.frameworks.catalog"})
    tree = loaded_by(here + RUN.format(["shapes", "Net(\n  (a): LSTM(10, 20)\n)"]))
    assert tree & READERS == {"lstmcalc.readers.text.printed"}
    (tmp_path / "lstmcalc.toml").write_text("[lstm]\nhidden_size = 3\n", encoding="utf-8")
    assert loaded_by(here + RUN.format(["shapes"])) & READERS == {"lstmcalc.readers.text.tables"}


WEIGHT_FILES = {
    "lstmcalc.readers.recognise.weights",
    "lstmcalc.readers.files.kinds",
    "lstmcalc.readers.recognise.recognition",
    "lstmcalc.readers.recognise.readings",
    "lstmcalc.readers.recognise.names",
    "lstmcalc.readers.files.safetensors",
    "lstmcalc.commands.ls.report",
}


def test_weight_files_are_read_by_what_reads_them_and_without_numpy(tmp_path: Path) -> None:
    weights, code = str(tmp_path / "a"), str(tmp_path / "a.py")
    index = b'{"weight_hh_l0": {"dtype": "F32", "shape": [4, 1], "data_offsets": [0, 16]}}'
    Path(weights).write_bytes(len(index).to_bytes(8, "little") + index + bytes(16))
    Path(code).write_text("nn.LSTM(10, 20)", encoding="utf-8")
    loaded = loaded_by(RUN.format(["params", weights, "--input", "3"]))
    assert loaded >= WEIGHT_FILES - {"lstmcalc.commands.ls.report"}
    assert loaded.isdisjoint(
        {*HEAVY, "zipfile", "lstmcalc.commands.ls.report", "lstmcalc.readers.files.npz", "lstmcalc.intake.load"}
    )
    listing = loaded_by(RUN.format(["ls", weights]))
    assert listing >= WEIGHT_FILES - {"lstmcalc.readers.recognise.weights"}
    assert listing.isdisjoint(HEAVY)
    difference = loaded_by(RUN.format(["diff", weights, weights]))
    assert difference >= WEIGHT_FILES - {"lstmcalc.commands.ls.report"}
    assert difference.isdisjoint(HEAVY)
    assert loaded_by(RUN.format(["params", code])).isdisjoint({*WEIGHT_FILES, "lstmcalc.commands.diff.report"})


def test_the_graph_of_a_typical_export_is_read_without_numpy(tmp_path: Path) -> None:
    with ZipFile(Path(__file__).parent / "data" / "weights" / "torch.zip") as archive:
        path = archive.extract("one-script.onnx", tmp_path)
    assert loaded_by(RUN.format(["summary", path])).isdisjoint(HEAVY)


def test_json_does_not_even_load_rich() -> None:
    assert not any(name.startswith("rich") for name in loaded_by(RUN.format(["shapes", "--json"])))


def test_the_package_itself_loads_neither_numpy_nor_rich_nor_typer() -> None:
    loaded = loaded_by("import lstmcalc; lstmcalc.LSTMModel(lstmcalc.LSTMConfig(10, 20)).num_parameters")
    assert loaded.isdisjoint({"numpy", "rich", "typer"})


def test_a_heavy_import_would_be_seen() -> None:
    assert "numpy" in loaded_by(RUN.format(["run"]))
    assert "numpy" in loaded_by("import lstmcalc; lstmcalc.forward")


def test_readers_of_pasted_text_are_loaded_for_it_alone(tmp_path: Path) -> None:
    def pasted(loaded: set[str]) -> set[str]:
        return {name for name in loaded if name.startswith("lstmcalc.readers.pasted.")}

    code, listed = tmp_path / "model.py", tmp_path / "list.txt"
    code.write_text(
        "from torch import nn\nrnn = nn.LSTM(10, 20)\nprint(rnn.weight_ih_l0.shape)  # torch.Size([80, 10])\n"
    )
    listed.write_text("lstm.weight_ih_l0 torch.Size([80, 10])\nlstm.weight_hh_l0 torch.Size([80, 20])\n")
    for source in ("nn.LSTM(10, 20)", str(code)):
        assert not pasted(loaded_by(RUN.format(["params", source])))
    reading = loaded_by(RUN.format(["params", str(listed)]))
    assert "lstmcalc.readers.pasted.shape_lists" in pasted(reading)
    assert reading.isdisjoint({*HEAVY, "lstmcalc.readers.python.reading", "ast.unparse"})


def test_readers_of_configurations_are_loaded_for_them_alone(tmp_path: Path) -> None:
    def own(loaded: set[str]) -> set[str]:
        return {name for name in loaded if name.startswith("lstmcalc.readers.configurations")} | (loaded & {"yaml"})

    here = f"import os; os.chdir({str(tmp_path)!r})\n"
    (tmp_path / "train.py").write_text("import torch.nn as nn\nrnn = nn.LSTM(3, 4)\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text("rnn: {type: lstm, input_size: 3, hidden_size: 4}\n", encoding="utf-8")
    (tmp_path / "own.toml").write_text("[lstm]\ninput_size = 3\nhidden_size = 4\n", encoding="utf-8")
    for source in ("nn.LSTM(3, 4)", "train.py", "Net(\n  (a): LSTM(10, 20)\n)", "own.toml"):
        assert own(loaded_by(here + RUN.format(["params", source]))) == set()
    assert "yaml" in own(loaded_by(here + RUN.format(["params", "a.yaml"])))
    assert own(loaded_by(here + RUN.format(["params", "nn.LSTM(3, 4)", "--config", "own.toml"]))) & {"yaml"} == set()
