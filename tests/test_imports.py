"""What imports what: the modules only downward, and start-up nothing heavy."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lstmcalc

PACKAGE = Path(lstmcalc.__file__).parent

# From the bottom up: a module imports only what stands before it.
ORDER = (
    "errors",
    "lazy",
    "dims",
    "config",
    "symbols",
    "frameworks",
    "layouts",
    "subject",
    "parse",
    "texts",
    "constructors",
    "syntax",
    "scopes",
    "literals",
    "operators",
    "callers",
    "expressions",
    "naming",
    "spellings",
    "arguments",
    "keras_flow",
    "keras_code",
    "pycode",
    "printed",
    "positions",
    "documents",
    "keras_json",
    "json_documents",
    "tensors",
    "sections",
    "archives",
    "pickles",
    "raw_numbers",
    "pickled_arrays",
    "torch_tensors",
    "pickled_trees",
    "pickled_notes",
    "torch_modules",
    "torch_files",
    "safetensors_files",
    "numpy_files",
    "protobuf",
    "onnx_graphs",
    "onnx_constants",
    "onnx_files",
    "hdf5_child",
    "hdf5_files",
    "keras_cells",
    "keras_files",
    "weight_files",
    "reparametrized",
    "patterns",
    "module_names",
    "readings",
    "recognition",
    "weight_sources",
    "sources",
    "machine",
    "data_files",
    "intake",
    "snippets",
    "model",
    "around",
    "torch_code",
    "compute",
    "paths",
    "regimes",
    "onednn",
    "native",
    "activations",
    "optimizers",
    "memory",
    "quantities",
    "budgets",
    "measures",
    "formulas",
    "packing",
    "claims",
    "interfaces",
    "arrays",
    "files",
    "torch_random",
    "tensor_printer",
    "arrangement",
    "crews",
    "kernels",
    "numerics",
    "tracing",
    "equations",
    "weights",
    "loading",
    "judges",
    "timing",
    "closeness",
    "sensitivity",
    "checks",
    "verify",
    "provided",
    "recipes",
    "trees",
    "listing",
    "pairing",
    "differences",
    "explain",
    "foreign",
    "cost",
    "solve",
    "sweep",
    "report",
    "blocks",
    "foreign_blocks",
    "explain_blocks",
    "cost_blocks",
    "listing_blocks",
    "difference_blocks",
    "present",
    "render",
    "progress",
    "curves",
    "plots",
    "application",
    "cli",
    "__main__",
)
HEAVY = ("numpy", "pydantic", "torch", "onnx", "importlib.metadata", "lstmcalc.numerics", "lstmcalc.verify")


def own_imports(tree: ast.AST) -> set[str]:
    """The modules of lstmcalc that are imported anywhere in a module, at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "lstmcalc":
            found |= {alias.name for alias in node.names if (PACKAGE / f"{alias.name}.py").exists()}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lstmcalc."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("lstmcalc.")}
    return found


def upward(name: str, source: str) -> set[str]:
    """The imports of a module that do not point down."""
    below = ORDER[: ORDER.index(name)]
    tree = ast.parse(source)
    for node in ast.walk(tree):  # what only the type checker reads is not imported
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return own_imports(tree) - set(below)


def test_the_order_names_every_module() -> None:
    assert sorted(ORDER) == sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", ORDER)
def test_modules_import_only_downward(name: str) -> None:
    assert upward(name, (PACKAGE / f"{name}.py").read_text()) == set()


def test_the_readme_tells_what_every_module_is_for_in_that_order() -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", text[text.index("## How it is built") :], re.MULTILINE)
    assert rows == [name for name in ORDER if name != "__main__"]


def test_an_upward_import_would_be_seen() -> None:
    assert upward("model", "def f():\n    from lstmcalc.cli import app\n") == {"cli"}
    assert upward("model", "from lstmcalc import render\n") == {"render"}
    assert upward("model", "import lstmcalc.verify\n") == {"verify"}


def test_no_public_name_equals_a_modules_name() -> None:
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    assert modules.isdisjoint(set(lstmcalc.__all__))
    for name in sorted(modules - {"__init__", "__main__"}):
        defined = public_names(ast.parse((PACKAGE / f"{name}.py").read_text()))
        assert modules.isdisjoint(defined), name


def public_names(source: ast.Module) -> set[str]:
    """What a module defines at its top level, not what it imports."""
    found = set()
    for node in source.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def test_a_name_like_a_modules_would_be_seen() -> None:
    source = ast.parse(
        "verify = 1\nreport: int = 2\ndef model(): ...\nclass config: ...\n_cli = 3\nfrom a import dims\n"
    )
    assert public_names(source) == {"verify", "report", "model", "config"}


def test_every_public_name_loads_and_is_listed() -> None:
    for name in lstmcalc.__all__:
        assert getattr(lstmcalc, name) is not None
    assert dir(lstmcalc) == sorted(lstmcalc.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = lstmcalc.nothing  # type: ignore[attr-defined]  # that is the point


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    report = "import sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
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


def test_other_frameworks_are_loaded_when_one_is_named() -> None:
    tables = {"lstmcalc.frameworks", "lstmcalc.layouts", "lstmcalc.foreign", "lstmcalc.foreign_blocks"}
    assert loaded_by(RUN.format(["shapes", "--bi"])).isdisjoint(tables)
    assert loaded_by(RUN.format(["params"])) & tables == {"lstmcalc.frameworks", "lstmcalc.layouts"}
    assert tables <= loaded_by(RUN.format(["shapes", "--framework", "keras"]))
    for arguments in (["params", "--framework", "keras"], ["frameworks", "--only", "keras,onnx"]):
        assert loaded_by(RUN.format(arguments)).isdisjoint(HEAVY)


def test_the_explanation_is_loaded_when_it_is_asked_for() -> None:
    own = {f"lstmcalc.{name}" for name in ("claims", "explain", "explain_blocks", "formulas", "packing")}
    for command in ("shapes", "params"):
        assert loaded_by(RUN.format([command, "--head", "3", "--embed", "5"])).isdisjoint({*own, *HEAVY})
    explaining = loaded_by(RUN.format(["explain", "--lengths", "3,2", "--head", "3"]))
    assert own <= explaining
    assert explaining.isdisjoint(HEAVY)


def test_costs_are_loaded_when_they_are_asked_for() -> None:
    own = {f"lstmcalc.{name}" for name in ("compute", "cost", "cost_blocks", "memory", "plots", "solve", "sweep")}
    for command in ("shapes", "params"):
        assert loaded_by(RUN.format([command])).isdisjoint({*own, *HEAVY})
    for arguments in (["cost", "--lengths", "3,2", "--head", "3"], ["solve", "hidden", "--memory", "1GiB", "--train"]):
        loaded = loaded_by(RUN.format(arguments))
        assert f"lstmcalc.{arguments[0]}" in loaded
        assert loaded.isdisjoint({*HEAVY, "lstmcalc.sweep", "matplotlib"})
    assert "matplotlib" not in loaded_by(RUN.format(["sweep", "--hidden", "3,4"]))


READERS = {
    f"lstmcalc.{name}"
    for name in ("constructors", "documents", "expressions", "keras_code", "keras_json", "printed", "pycode", "syntax")
}


def test_readers_of_sources_are_loaded_for_a_source_of_their_kind(tmp_path: Path) -> None:
    here = f"import os; os.chdir({str(tmp_path)!r})\n"
    assert loaded_by(here + RUN.format(["shapes"])).isdisjoint({*READERS, "tomllib"})
    code = loaded_by(here + RUN.format(["shapes", "nn.LSTM(10, 20)"]))
    assert code & READERS == {"lstmcalc.constructors", "lstmcalc.expressions", "lstmcalc.pycode", "lstmcalc.syntax"}
    assert code.isdisjoint({*HEAVY, "tomllib", "lstmcalc.frameworks"})
    tree = loaded_by(here + RUN.format(["shapes", "Net(\n  (a): LSTM(10, 20)\n)"]))
    assert tree & READERS == {"lstmcalc.printed"}
    (tmp_path / "lstmcalc.toml").write_text("[lstm]\nhidden_size = 3\n", encoding="utf-8")
    assert loaded_by(here + RUN.format(["shapes"])) & READERS == {"lstmcalc.documents"}


WEIGHT_FILES = {
    f"lstmcalc.{name}"
    for name in (
        "weight_sources",
        "weight_files",
        "recognition",
        "readings",
        "patterns",
        "safetensors_files",
        "listing",
    )
}


def test_weight_files_are_read_by_what_reads_them_and_without_numpy(tmp_path: Path) -> None:
    weights, code = str(tmp_path / "a"), str(tmp_path / "a.py")
    index = b'{"weight_hh_l0": {"dtype": "F32", "shape": [4, 1], "data_offsets": [0, 16]}}'
    Path(weights).write_bytes(len(index).to_bytes(8, "little") + index + bytes(16))
    Path(code).write_text("nn.LSTM(10, 20)", encoding="utf-8")
    loaded = loaded_by(RUN.format(["params", weights, "--input", "3"]))
    assert loaded >= WEIGHT_FILES - {"lstmcalc.listing"}
    assert loaded.isdisjoint({*HEAVY, "zipfile", "lstmcalc.listing", "lstmcalc.numpy_files", "lstmcalc.loading"})
    listing = loaded_by(RUN.format(["ls", weights]))
    assert listing >= WEIGHT_FILES - {"lstmcalc.weight_sources"}
    assert listing.isdisjoint(HEAVY)
    difference = loaded_by(RUN.format(["diff", weights, weights]))
    assert difference >= WEIGHT_FILES - {"lstmcalc.listing"}
    assert difference.isdisjoint(HEAVY)
    assert loaded_by(RUN.format(["params", code])).isdisjoint({*WEIGHT_FILES, "lstmcalc.differences"})


def test_json_does_not_even_load_rich() -> None:
    assert not any(name.startswith("rich") for name in loaded_by(RUN.format(["shapes", "--json"])))


def test_the_package_itself_loads_neither_numpy_nor_rich_nor_typer() -> None:
    loaded = loaded_by("import lstmcalc; lstmcalc.LSTMModel(lstmcalc.LSTMConfig(10, 20)).num_parameters")
    assert loaded.isdisjoint({"numpy", "rich", "typer"})


def test_a_heavy_import_would_be_seen() -> None:
    assert "numpy" in loaded_by(RUN.format(["run"]))
    assert "numpy" in loaded_by("import lstmcalc; lstmcalc.forward")
