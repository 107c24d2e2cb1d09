"""Run `lstmcalc` as a shell does, in this process, and keep what it prints in files that can be looked at."""

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tools.examples import register_profiles
from tools.shell import TESTS, Ran, shell_environment

if TYPE_CHECKING:
    from tools.hdf5 import Zygote


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a command in this process: the same path from arguments to exit code, without starting Python."""
    from lstmcalc.cli import run_command_line

    wanted = shell_environment()
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        code = run_command_line(arguments)
        return Ran(code, *capfd.readouterr())

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--overwrite", action="store_true", help="replace the golden files and the outputs in README and docs"
    )
    parser.addoption("--thorough", action="store_true", help="more examples, other ones each time, and all cases")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Whoever overwrites is alone: two processes would each write the README without what the other one wrote."""
    if config.getoption("--overwrite"):
        config.option.numprocesses = 0


def pytest_configure(config: pytest.Config) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:  # one of as many as there are processors; NumPy is not loaded yet
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    register_profiles()
    settings.load_profile("thorough" if config.getoption("--thorough") else "plain")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a folder whose tests are not asked for: its modules would load large frameworks to be deselected."""
    live = collection_path.parent == TESTS and f"not {collection_path.name}" in config.getoption("markexpr")
    return True if live else None


@pytest.fixture(scope="session")
def process_with_h5py() -> Iterator["Zygote"]:
    from tools.hdf5 import Zygote

    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def zygote(process_with_h5py: "Zygote", monkeypatch: pytest.MonkeyPatch) -> "Zygote":
    """What answers in place of the processes that `lstmcalc` starts for HDF5 files; other tests do start them."""
    from lstmcalc.readers.keras import hdf5

    monkeypatch.setattr(process_with_h5py, "answers", Counter())
    monkeypatch.setattr(hdf5, "_ask", process_with_h5py.ask)
    return process_with_h5py


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Hold a text against its golden file; `--overwrite` replaces the file, to be looked at before it is kept."""

    def compare(name: str, text: str) -> None:
        path = TESTS / "golden" / name
        if request.config.getoption("--overwrite"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


def pytest_collection_modifyitems(config: pytest.Config, items: list[Any]) -> None:
    """Slow ones last, so that a mistake is seen early."""
    items.sort(key=lambda item: "proof/test_run" in item.nodeid or "test_oracle" in item.nodeid)


def pytest_collection_finish() -> None:
    """Spare the collector of garbage the thousands of tests that were collected: it would walk them all, many times."""
    gc.collect()
    gc.freeze()
