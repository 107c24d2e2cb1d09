"""What the pages show of notebooks and tests, executed: pytest runs the tests, and a kernel the cells."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tools.live import installed
from tools.shell import TESTS, shell_environment

pytestmark = pytest.mark.peers

DOCS = TESTS.parent / "docs"
PAGE = DOCS / "testing.md"


def shown_tests() -> str:
    (body,) = re.findall(
        r"^```py\n# test_model\.py\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(body)


def run_pytest(folder: Path, body: str) -> tuple[int, str]:
    (folder / "test_model.py").write_text(body, encoding="utf-8")
    arguments = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_model.py"]
    done = subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, check=False, env=shell_environment(), timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    installed("torch")
    code, text = run_pytest(tmp_path, shown_tests())
    assert code == 0, text
    assert "5 passed" in text


@pytest.mark.parametrize(
    ("here", "there", "names"),
    [
        ("hidden=128", "hidden=160", ["test_shapes", "test_it_stays_small"]),
        ("Tagger().state_dict()", "Tagger(hidden=9).state_dict()", ["test_an_old_checkpoint_still_loads"]),
        ("against=[model,", "against=[Tagger(),", ["test_the_port_computes_the_same"]),
        ('max_macs="100M"', 'max_macs="1M"', ["test_one_pass_stays_cheap"]),
    ],
)
def test_the_tests_of_the_page_can_fail(here: str, there: str, names: list[str], tmp_path: Path) -> None:
    installed("torch")
    assert here in shown_tests()
    code, text = run_pytest(tmp_path, shown_tests().replace(here, there))
    assert code == 1
    for name in names:
        assert f"FAILED test_model.py::{name}" in text


CELLS = [
    "import lstmcalc, torch, torch.nn as nn\nmodel = nn.ModuleDict({'lstm': nn.LSTM(3, 4, 2), 'fc': nn.Linear(4, 2)})",
    "lstmcalc.summary(model)",
    "lstmcalc.shapes(model, seq=28, batch=64, full=True)",
    "lstmcalc.params(model)",
    "lstmcalc.cost(model)",
    "lstmcalc.explain(model, 'h_n')",
    "lstmcalc.diff(model.state_dict(), nn.LSTM(3, 5))",
    "lstmcalc.run(model, torch.randn(5, 2, 3), against=model)",
    "print(lstmcalc.summary(model))",
    "import rich\nrich.print(lstmcalc.summary(model))",
    "lstmcalc.summary(None)",
    "from IPython.display import display\nfor _ in range(2):\n    display(lstmcalc.shapes(model))",
]


class Page(HTMLParser):
    """The text of a page's cells, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # as it is called
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


@pytest.fixture(scope="module")
def executed() -> list[Any]:
    """The cells of a notebook that a kernel has executed."""
    installed("torch")
    nbformat, nbclient = installed("nbformat"), installed("nbclient")
    installed("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True).execute()
    return list(notebook.cells)


def outputs_of(cell: Any, kind: str) -> list[Any]:
    return [output for output in cell.outputs if output.output_type == kind]


@pytest.mark.parametrize("number", range(1, 8))
def test_a_cell_shows_html_and_text(executed: list[Any], number: int) -> None:
    (result,) = outputs_of(executed[number], "execute_result")
    assert {"text/html", "text/plain", "text/markdown"} <= result.data.keys()
    page = Page(result.data["text/html"])
    assert "table" in page.tags
    assert "script" not in page.tags
    words = set(re.findall(r"\w+", result.data["text/plain"]))
    assert words <= set(re.findall(r"\w+", page.text)), words - set(re.findall(r"\w+", page.text))
    assert not outputs_of(executed[number], "stream")


def test_print_writes_text_and_nothing_else(executed: list[Any]) -> None:
    (written,) = executed[8].outputs
    assert written.output_type == "stream"
    assert written.text.startswith("ModuleDict: PyTorch module, ")
    assert "\x1b" not in written.text
    assert max(map(len, written.text.splitlines())) <= 80


def test_rich_draws_in_a_notebook(executed: list[Any]) -> None:
    text = "".join(Page(output.data.get("text/html", "")).text for output in executed[9].outputs if "data" in output)
    assert "ModuleDict: PyTorch module" in text
    assert "\x1b" not in text


def test_an_error_of_a_cell_is_ours(executed: list[Any]) -> None:
    (error,) = outputs_of(executed[10], "error")
    assert error.ename == "UsageError"
    assert "there is no model" in error.evalue


def test_a_report_can_be_displayed_many_times(executed: list[Any]) -> None:
    assert len(outputs_of(executed[11], "display_data")) == 2
