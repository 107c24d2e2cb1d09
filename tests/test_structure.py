"""The house: which package may import which. A new module needs no line here, a new package one."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import lstmcalc
from tools.shell import TESTS, shell_environment

PACKAGE = Path(lstmcalc.__file__).parent

# From the top down, each with the packages it may import.
PACKAGES = {
    "commands": {"report", "writers", "proof", "intake", "numerics", "costs", "readers", "model", "frameworks", "spec"},
    "report": {"intake", "model", "frameworks", "spec"},
    "writers": {"proof", "readers", "numerics", "model", "frameworks", "spec"},
    "proof": {"intake", "readers", "numerics", "costs", "model", "frameworks", "spec"},
    "intake": {"readers", "numerics", "frameworks", "spec"},
    "numerics": {"model", "frameworks", "spec"},
    "costs": {"model", "spec"},
    "readers": {"frameworks", "spec"},
    "model": {"frameworks", "spec"},
    "frameworks": {"spec"},
    "spec": set[str](),
}
# Within readers, from the bottom up: what stands later may import what stands before.
READERS = (
    *("found", "files", "text", "pickles", "torch", "graphs", "onnx", "tflite", "keras", "tensorflow", "python"),
    *("recognise", "configurations", "pasted", "live"),
)
# Within readers.python, from the bottom up, as within readers; the others are above all rooms.
PYTHON = ("core", "builtin", "library_classes", "libraries", "layers", "program", "results")
# Modules outside of the packages that anything may import; the others are above all packages.
GROUND = {"errors", "lazy", "machine", "version", "writing"}


@cache
def modules() -> list[str]:
    """Every module below `lstmcalc`, as `spec.sizes`; a package is its `__init__`."""
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in sorted(PACKAGE.rglob("*.py")))
    return [".".join(path.parts).removesuffix(".__init__") for path in paths if str(path) != "__init__"]


def source_of(module: str) -> str:
    path = PACKAGE.joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")


@cache
def imported(source: str) -> set[str]:
    """The modules of lstmcalc that are imported, at the top or inside a function, but not for the type checker alone.

    A name that is imported from a package is taken as a module if there is one of that name.
    """
    statements = _statements(ast.parse(source))
    return {name.removeprefix("lstmcalc.") for node in statements for name in _named(node)} - {"lstmcalc"}


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements inside of a node; of `if TYPE_CHECKING`, what is not for the type checker alone."""
    hidden = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    for field in ("body", "handlers", "cases", "orelse", "finalbody"):
        if field == "body" and (hidden or isinstance(node, ast.Lambda | ast.IfExp)):
            continue
        for inner in getattr(node, field, ()):
            yield inner
            yield from _statements(inner)


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "lstmcalc")
    elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lstmcalc":
        for alias in node.names:
            module = f"{node.module}.{alias.name}".removeprefix("lstmcalc.")
            yield f"lstmcalc.{module}" if module in modules() else node.module


def wrong(module: str, source: str) -> set[str]:
    """The imports of a module that do not point down, or that leave its package for one that it must not know."""
    package, _, rest = module.partition(".")
    if not rest:
        return imported(source) - GROUND if package in GROUND else set()
    allowed = PACKAGES[package] | GROUND | {package}
    found = {name for name in imported(source) if name.partition(".")[0] not in allowed}
    if package == "readers":
        mine = floor(rest)
        theirs = {name for name in imported(source) if name.startswith("readers.")}
        found |= {name for name in theirs if floor(name.removeprefix("readers.")) > mine}
    return found


def floor(reader: str) -> tuple[int, int]:
    """The floor of a module of `readers`, and within `python`; those that lie in no folder are on the top one."""
    room, _, rest = reader.partition(".")
    inner = rest.partition(".")[0] if room == "python" else ""
    return _place(room, READERS), _place(inner, PYTHON)


def _place(room: str, rooms: Sequence[str]) -> int:
    return rooms.index(room) if room in rooms else len(rooms)


# A package of which other packages know one module alone.
DOORS = {"numerics.fast": "numerics.fast.runner"}


def intrusions(module: str, source: str) -> set[str]:
    """The imports of a module that enter a package elsewhere than by its door."""
    return {
        name
        for room, door in DOORS.items()
        for name in imported(source)
        if name.startswith(f"{room}.") and name != door and not module.startswith(room)
    }


def test_the_tuned_forward_pass_is_entered_by_its_door() -> None:
    assert {module: found for module in modules() if (found := intrusions(module, source_of(module)))} == {}


def test_an_intrusion_would_be_seen() -> None:
    source = "from lstmcalc.numerics.fast import kernels\nfrom lstmcalc.numerics.fast.runner import LSTMRunner\n"
    assert intrusions("proof.run", source) == {"numerics.fast.kernels"}
    assert intrusions("numerics.fast.runner", source) == set()


def test_modules_import_only_downward() -> None:
    assert {module: found for module in modules() if (found := wrong(module, source_of(module)))} == {}


def test_packages_stand_in_their_order() -> None:
    order = list(PACKAGES)
    for package, below in PACKAGES.items():
        assert below <= set(order[order.index(package) + 1 :])
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(order)
    assert [room for room in READERS if f"readers.{room}" not in modules()] == []
    assert [room for room in PYTHON if f"readers.python.{room}" not in modules()] == []


def test_a_package_may_import_no_more_than_it_does() -> None:
    used: dict[str, set[str]] = {package: set() for package in PACKAGES}
    for module in modules():
        package = module.partition(".")[0]
        if package in used:
            used[package] |= {name.partition(".")[0] for name in imported(source_of(module))} - GROUND - {package}
    assert used == PACKAGES


def strangers(module: str, source: str) -> set[str]:
    """The names in a docstring's `Not here` that are no module, of Python or seen from a package around it."""
    if "Not here:" not in source:
        return set()
    text = (ast.get_docstring(ast.parse(source)) or "").partition("Not here:")[2].partition("\n\n")[0]
    rooms = [module.split(".")[:depth] for depth in range(module.count(".") + 1)]
    seen = {name.removeprefix(".".join([*room, ""])) for room in rooms for name in modules()}
    return set(re.findall("`([a-z_.]+)`", text)) - seen - sys.stdlib_module_names


def test_what_is_not_here_is_elsewhere() -> None:
    assert {module: found for module in modules() if (found := strangers(module, source_of(module)))} == {}


def test_a_module_that_is_gone_would_be_seen() -> None:
    assert strangers("readers.python.core.heap", '"""Names.\n\nNot here: values (`values`, `evaluate`)."""') == {
        "evaluate"
    }


def test_an_import_that_points_up_would_be_seen() -> None:
    library = "from lstmcalc.readers.python.libraries.libraries import Libraries\n"
    assert wrong("readers.python.core.calls", library) == {"readers.python.libraries.libraries"}
    assert wrong("readers.python.layers.torch", library) == set()
    assert wrong("readers.keras.shapes", library) == {"readers.python.libraries.libraries"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    below = {module: {name for name in imported(source_of(module)) if name != module} for module in modules()}
    while leaves := [module for module, names in below.items() if not names & below.keys()]:
        for module in leaves:
            del below[module]
    assert below == {}


def test_the_documentation_says_what_every_package_holds() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert rows == list(PACKAGES)


def test_a_package_is_a_docstring_and_nothing_else() -> None:
    for path in PACKAGE.rglob("*/__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path
        assert len(tree.body) == 1, path


@pytest.mark.parametrize("top", ["", "peers", "longtail"])
def test_every_folder_of_tests_is_that_of_a_package(top: str) -> None:
    folders = {path.parent.relative_to(TESTS / top) for path in (TESTS / top).rglob("*.py")}
    rooms = {folder for folder in folders if folder.parts and folder.parts[0] not in ("tools", "peers", "longtail")}
    assert rooms
    assert [room for room in rooms if not (PACKAGE / room / "__init__.py").exists()] == []


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("model.lstm", "def f():\n    from lstmcalc.cli import app\n", {"cli"}),
        ("model.lstm", "from lstmcalc.cli import app, program\n", {"cli"}),
        ("model.lstm", "import lstmcalc.report.render\n", {"report.render"}),
        ("readers.files.kinds", "from lstmcalc.readers.torch.files import read_torch", {"readers.torch.files"}),
        ("readers.found", "from lstmcalc.readers.files.tensors import WeightFile", {"readers.files.tensors"}),
        ("errors", "from lstmcalc.spec.config import LSTMConfig", {"spec.config"}),
        ("spec.config", "if TYPE_CHECKING:\n    from lstmcalc.model.lstm import LSTMModel\n", set()),
        ("readers.sources", "from lstmcalc.readers.torch.files import read_torch", set()),
        ("cli", "from lstmcalc.commands.registry import COMMANDS", set()),
    ],
)
def test_an_upward_import_would_be_seen(module: str, source: str, found: set[str]) -> None:
    assert wrong(module, source) == found


# What `lstmcalc` may export one day; a module of that name would be in its place as soon as it is imported.
FUTURE = {"summary", "shapes", "params", "cost", "explain", "diff", "run", "expect", "convert", "check"}


def homes() -> dict[str, str]:
    """The module of every public name, as a type checker reads it."""
    for node in ast.parse(PACKAGE.joinpath("__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name):
            imports = [child for child in node.body if isinstance(child, ast.ImportFrom) and child.module]
            return {alias.name: str(child.module) for child in imports for alias in child.names}
    raise AssertionError("no imports for a type checker")


# A submodule that is imported becomes an attribute of its package, before which `__getattr__` is not asked.
EVERY_NAME = """
import json, pkgutil, sys
from importlib import import_module
from types import ModuleType
import lstmcalc

def fail(name):
    raise ImportError(name)

modules = [info.name for info in pkgutil.walk_packages(lstmcalc.__path__, "lstmcalc.", onerror=fail)]
for module in modules:
    import_module(module)
wrong = set()
for _ in range(2):
    for name, home in json.loads(sys.argv[1]).items():
        found = getattr(lstmcalc, name)
        if isinstance(found, ModuleType) or found is not getattr(sys.modules[home], name):
            wrong.add(name)
print(json.dumps([sorted(modules), sorted(wrong)]))
"""


def test_every_public_name_is_what_it_says_whatever_is_imported() -> None:
    assert homes().keys() == set(lstmcalc.__all__)
    arguments = [sys.executable, "-c", EVERY_NAME, json.dumps(homes())]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=shell_environment())
    imported_ones, wrong_ones = json.loads(done.stdout)
    assert imported_ones == sorted(f"lstmcalc.{module}" for module in modules())
    assert wrong_ones == []


def test_no_module_stands_where_a_public_name_does() -> None:
    direct = {module for module in modules() if "." not in module}
    assert direct.isdisjoint({*lstmcalc.__all__, *FUTURE})


def test_no_module_has_the_name_of_one_of_the_standard_library() -> None:
    assert [module for module in modules() if module.rpartition(".")[2] in sys.stdlib_module_names] == []


@pytest.mark.parametrize(
    ("earlier", "home"),
    [
        ("layouts", "frameworks.storage"),
        ("weights", "numerics.convert"),
        ("measures", "costs.measures"),
    ],
)
def test_earlier_paths_have_what_their_homes_have(earlier: str, home: str) -> None:
    old, new = (import_module(f"lstmcalc.{path}") for path in (earlier, home))
    names = [name for name in vars(new) if not name.startswith("_")]
    assert len(names) > 5
    assert all(getattr(old, name) is getattr(new, name) for name in names)
