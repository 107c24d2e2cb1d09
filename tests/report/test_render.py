"""What a person sees. Golden files are looked at before they are kept; here their columns are added up again."""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console

from lstmcalc import errors
from lstmcalc.commands.shapes import report as shapes
from lstmcalc.commands.shapes.report import shapes_report
from lstmcalc.intake.subject import Subject
from lstmcalc.report import provenance as origins
from lstmcalc.report.blocks import Column, Grid, Row
from lstmcalc.report.rows import OriginRow
from lstmcalc.report.terminal import print_grid
from tools.shell import Ran, run_lstmcalc, without_last_digits

if TYPE_CHECKING:
    from lstmcalc.report.document import Report, Reported

Cli = Callable[..., Ran]
Golden = Callable[[str, str], None]

GOLDEN = {
    "shapes-bi": ("shapes", "--hidden", "20", "--layers", "2", "--bi", "--full"),
    "shapes-packed": ("shapes", "--bi", "--layers", "2", "--batch-first", "--lengths", "4,2,3", "--full"),
    "shapes-many-lengths": ("shapes", "--bi", "--lengths", "1,2,3,4,5,6,7,8,9", "--full"),
    "shapes-unbatched": ("shapes", "--unbatched", "--seq", "7", "--dtype", "float16", "--full"),
    "shapes-folded": ("shapes", "--layers", "1000", "--bi", "--full"),
    "params-bi": ("params", "--hidden", "20", "--layers", "2", "--bi", "--full"),
    "params-gate": ("params", "--proj", "5", "--gate", "f", "--full"),
    "params-folded": ("params", "--layers", "10000", "--no-bias", "--full"),
    "params-huge": ("params", "--hidden", "123456789", "--layers", "2", "--bi", "--full"),
    "params-keras": ("params", "--framework", "keras", "--hidden", "20", "--layers", "2", "--bi", "--full"),
    "params-onnx": ("params", "--framework", "onnx", "--layers", "70", "--bi", "--input", "28", "--full"),
    "params-linen-gate": ("params", "--framework", "flax-linen", "--gate", "f", "--full"),
    "params-matlab-gate": ("params", "--framework", "matlab", "--gate", "f", "--bi", "--full"),
    "params-haiku-no-bias": ("params", "--framework", "haiku", "--no-bias", "--full"),
    "shapes-keras": ("shapes", "--framework", "keras", "--hidden", "20", "--layers", "2", "--bi", "--full"),
    "shapes-onnx": ("shapes", "--framework", "onnx", "--bi", "--lengths", "3,5", "--full"),
    "shapes-mlx": ("shapes", "--framework", "mlx", "--layers", "100", "--unbatched", "--full"),
    "frameworks": ("frameworks", "--hidden", "20", "--layers", "2", "--bi", "--full"),
    "frameworks-proj": ("frameworks", "--proj", "5", "--full"),
    "frameworks-only": (
        "frameworks",
        "--only",
        "keras,onnx,haiku",
        "--hidden",
        "20",
        "--layers",
        "2",
        "--bi",
        "--full",
    ),
    "frameworks-one": ("frameworks", "--only", "flax-linen", "--full"),
    "explain-bi": ("explain", "--hidden", "20", "--layers", "2", "--bi", "--full"),
    "explain-packed": (
        "explain",
        "--batch-first",
        "--bi",
        "--lengths",
        "3,5,2",
        "--head",
        "10",
        "--embed",
        "1000",
        "--full",
    ),
    "explain-unbatched": (
        "explain",
        "--unbatched",
        "--no-bias",
        "--layers",
        "3",
        "--input",
        "20",
        "--dropout",
        "0.5",
        "--full",
    ),
    "explain-proj": ("explain", "--topic", "equations,init", "--proj", "5", "--layers", "3", "--bi", "--full"),
    "explain-many": (
        "explain",
        "--topic",
        "packing",
        "--lengths",
        ",".join(str(n % 70 + 1) for n in range(40)),
        "--full",
    ),
    "params-head": ("params", "nn.LSTM(28, 100, batch_first=True)", "--head", "10", "--embed", "5000", "--full"),
    "shapes-head": ("shapes", "nn.LSTM(28, 100, batch_first=True)", "--head", "10", "--head-on", "all", "--full"),
    "params-keras-head": ("params", "--framework", "keras", "--bi", "--head", "10", "--embed", "5000", "--full"),
    "cost-bi": ("cost", "--hidden", "20", "--layers", "2", "--bi", "--full"),
    "cost-packed": ("cost", "--lengths", "5,3,2", "--head", "10", "--embed", "1000", "--optimizer", "sgd", "--full"),
    "cost-proj": ("cost", "--proj", "5", "--dtype", "float64", "--input-grad", "--full"),
    "cost-folded": ("cost", "--layers", "100", "--quantize", "pytorch-dynamic", "--full"),
    "solve-hidden": ("solve", "hidden", "--params", "1M", "--input", "128"),
    "solve-batch": ("solve", "batch", "--memory", "2GiB", "--macs", "1T", "--train", "--hidden", "512"),
    "sweep": ("sweep", "--hidden", "64,128", "--layers", "1:3", "--show", "params,weights,macs,memory,saved"),
    "sweep-many": ("sweep", "--hidden", "1:200", "--train", "--sort", "memory"),
    "run": ("run", "--full"),
    "run-trace": (
        "run",
        "--trace",
        "--bi",
        "--layers",
        "2",
        "--head",
        "3",
        "--embed",
        "100",
        "--lengths",
        "20,4",
        "--full",
    ),
    "run-packed": ("run", "--bi", "--layers", "2", "--hidden", "200", "--lengths", "4,2,3,1", "--full"),
    "brief-summary": ("--hidden", "20", "--layers", "2", "--bi"),
    "brief-shapes": ("shapes", "--hidden", "20", "--layers", "2", "--bi"),
    "brief-params": ("params", "--hidden", "20", "--layers", "2", "--bi"),
    "brief-params-head": ("params", "--layers", "7", "--head", "10", "--framework", "keras"),
    "brief-cost": ("cost", "--hidden", "20", "--layers", "2"),
    "brief-cost-packed": ("cost", "--lengths", "5,3,2", "--bi", "--head", "10"),
    "brief-run": ("run", "--hidden", "20", "--layers", "2", "--bi"),
    "brief-explain": ("explain", "--hidden", "20", "--layers", "2", "--bi"),
    "brief-frameworks": ("frameworks", "--hidden", "20"),
    "run-empty": ("run", "--batch", "0", "--full"),
}


# The lines of each command's screen at 80 columns: of one layer, and of two that read both ways.
LINES = {
    "summary": (12, 14),
    "shapes": (20, 24),
    "params": (20, 24),
    "cost": (16, 20),
    "run": (16, 20),
    "explain": (24, 24),
    "frameworks": (40, 40),
}


@pytest.mark.parametrize("command", LINES)
def test_an_answer_is_one_screen(cli: Cli, command: str) -> None:
    for flags, lines in zip(((), ("--layers", "2", "--bi")), LINES[command], strict=True):
        shown = cli(command, "--hidden", "20", *flags)
        assert shown.code == 0
        assert len(shown.out.splitlines()) <= lines
        assert max(map(len, shown.out.splitlines())) <= 80
        assert len(cli(command, "--hidden", "20", *flags, "--full").out.splitlines()) >= len(shown.out.splitlines())


SHOWN: dict[tuple[str, int], Ran] = {}


@pytest.fixture
def shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """What is printed on a screen of some width: once, for every test that looks at it."""

    def show(name: str, width: int = 80) -> Ran:
        if (name, width) not in SHOWN:
            monkeypatch.setenv("COLUMNS", str(width))
            SHOWN[name, width] = cli(*GOLDEN[name])
        return SHOWN[name, width]

    return show


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", GOLDEN)
def test_tables_at_two_widths(shown: Callable[..., Ran], golden: Golden, name: str, width: int) -> None:
    ran = shown(name, width)
    assert ran.code == 0
    golden(f"{name}-{width}.txt", without_last_digits(ran.out))


@pytest.mark.parametrize(
    "name", ["shapes-packed", "params-bi", "frameworks-only", "shapes-keras", "run", "explain-bi", "explain-packed"]
)
def test_markdown(cli: Cli, golden: Golden, name: str) -> None:
    ran = cli(*GOLDEN[name], "--format", "markdown")
    assert ran.code == 0
    golden(f"{name}.md", without_last_digits(ran.out))


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", GOLDEN)
def test_nothing_is_wider_than_the_screen_and_nothing_ends_in_blanks(
    shown: Callable[..., Ran], name: str, width: int
) -> None:
    for line in without_code(shown(name, width).out).splitlines():
        assert cell_len(line) <= width
        assert line == line.rstrip()


def without_code(text: str) -> str:
    """A report without the code in it, whose lines are as long as they are."""
    return re.sub(r"^import numpy as np\n(.*\n)*?    return tensors\n", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("width", [1, 20, 40])
def test_names_are_whole_even_where_the_screen_is_narrower(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = cli("params", "--bi", "--full").out
    assert re.search(r"^weight_ih_l0_reverse +\(", out, re.MULTILINE)
    assert re.search(r"2,560$", out, re.MULTILINE)


def counts(lines: list[str]) -> Iterator[tuple[str, int]]:
    """The first cell and the count of every row of a table of parameters."""
    for line in lines:
        cells = re.split(r" {2,}", line.strip())
        numbers = [cell for cell in cells[1:] if re.fullmatch(r"[\d,]+", cell)]
        if numbers:
            yield cells[0], int(numbers[0].replace(",", ""))


@pytest.mark.parametrize("name", [name for name in GOLDEN if name.startswith("params") and name != "params-huge"])
def test_the_columns_of_the_table_add_up_to_its_totals(shown: Callable[..., Ran], name: str) -> None:
    out = shown(name).out
    table = out[out.index("\nparameter") : out.index("\ntotal   ", out.index("\nparameter") + 1)].splitlines()
    rest = out[out.index("\ntotal   ") :].splitlines()
    running, total = 0, 0
    for cell, count in counts(table):
        if cell.startswith("layer "):
            assert count == running, cell
            total, running = total + running, 0
        elif " ... " in cell:
            total += count
        else:
            running += count
    assert running == 0
    assert dict(counts(rest))["total"] == total
    assert f"{total:,} parameters" in out


def test_a_long_run_of_identical_layers_is_one_row(cli: Cli) -> None:
    assert "..." not in cli("params", "--layers", "65", "--full").out
    folded = cli("params", "--layers", "66", "--bi", "--full").out
    assert "l1 ... l64, 64 alike" in folded
    assert "weight_ih_l65_reverse" in folded
    assert len(cli("params", "--layers", "100000", "--bi", "--full").out.splitlines()) == len(folded.splitlines())


def test_pipes_have_no_colour_and_terminals_do(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run_lstmcalc("run")
    assert "\x1b" not in plain.out
    coloured = run_lstmcalc("run", FORCE_COLOR="1")
    assert "\x1b[" in coloured.out
    for off in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        ran = run_lstmcalc("run", FORCE_COLOR="1", **off)
        assert not re.search(r"\x1b\[[\d;]*3[0-9]", ran.out), off  # no colour; bold may stay
        assert re.sub(r"\x1b\[[\d;]*m", "", ran.out) == plain.out


def test_an_ascii_terminal_gets_ascii() -> None:
    ran = run_lstmcalc("shapes", "--bi", "--lengths", "3,1", PYTHONIOENCODING="ascii")
    assert ran.code == 0
    assert ran.out.isascii()
    assert "weight" not in ran.out
    assert "h_n[0] = output[[2, 0], [0, 1], :20]" in ran.out


def test_brackets_in_cells_are_not_markup(cli: Cli) -> None:
    assert "lstm.weight_ih_l0[0:20]" in cli("params", "--gate", "i").out
    assert "output[-1, :, :20]" in cli("shapes").out


@pytest.mark.parametrize("name", GOLDEN)
def test_every_row_of_a_markdown_table_has_the_columns_of_its_head(cli: Cli, name: str) -> None:
    for block in cli(*GOLDEN[name], "--format", "markdown").out.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (60160, "58.8 KiB"),
        (1023897, "999.9 KiB"),
        (1023950, "1.0 MiB"),
        (1024 * 1024, "1.0 MiB"),
        (999950 * 1024, "976.5 MiB"),
        (3 * 2**40, "3.0 TiB"),
        (2**60, "1.0 EiB"),
        (2**90, "1.07e+09 EiB"),
    ],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert errors.bytes_text(count) == text


@pytest.mark.parametrize("source", ["flag", "source", "config", "default"])
@pytest.mark.parametrize("certainty", ["stated", "inferred", "assumed", "unknown"])
def test_every_origin_has_words(source: str, certainty: str) -> None:
    impossible = {("flag", "assumed"), ("flag", "unknown"), ("default", "inferred"), ("default", "unknown")}
    assert ((source, certainty) in origins._LABELS) != ((source, certainty) in impossible)  # noqa: SLF001


def test_an_unknown_setting_is_shown_as_such(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = shapes_report

    def from_a_file(subjects: list[Subject]) -> "Report[Reported]":
        report = honest(subjects)
        provenance = dict(report.modules[0].provenance)
        provenance["batch_first"] = OriginRow("source", "model.pt", "unknown")
        provenance["hidden_size"] = OriginRow("source", "model.pt", "inferred")
        return report._replace(modules=[replace(report.modules[0], provenance=provenance)])

    monkeypatch.setattr(shapes, "shapes_report", from_a_file)
    out = cli("shapes").out
    assert re.search(r"^not stored in model.pt +batch_first \(assumed False\)$", out, re.MULTILINE)
    assert re.search(r"^follows from model.pt +hidden_size 20$", out, re.MULTILINE)


def test_shapes_are_broken_between_terms_alone(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    lines = cli("explain", "--topic", "equations").out.splitlines()
    assert not any(line.strip().startswith(("@", "*")) or line.endswith(("@", "*")) for line in lines)


def test_what_an_equation_does_stands_behind_it_where_it_just_fits(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def equation(width: int) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        lines = cli("explain", "--topic", "equations").out.splitlines()
        return max((line for line in lines if line.startswith(("i_t", "f_t", "g_t", "o_t", "c_t", "h_t"))), key=len)

    widest = len(equation(200))
    assert len(equation(widest)) == widest
    assert equation(widest - 1).endswith(")")


LONG = [f"model.encoder.layers.0.recurrent.{name}" for name in ("weight_ih_l0", "weight_hh_l0", "bias")]


@pytest.mark.parametrize(("width", "terminal"), [(200, True), (70, True), (50, True), (30, True), (50, False)])
def test_a_narrow_terminal_shows_a_prefix_once_and_cuts_names_in_the_middle(width: int, *, terminal: bool) -> None:
    rows = tuple(Row((name, "a cell that does not break", "1")) for name in LONG)
    grid = Grid((Column("tensor"), Column("what"), Column("count", right=True)), rows)
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None, highlight=False)
    print_grid(console, grid)
    text = out.getvalue()
    whole = width == 200 or not terminal
    assert all(name in text for name in LONG) is whole
    assert ("all below model.encoder.layers.0.recurrent." in text) is (terminal and 30 < width < 200)
    if terminal:
        assert max(map(len, text.splitlines())) <= max(width, 60)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["encoder_weights_one", "encoder_weights_two"], ["encode...hts_one", "encode...hts_two"]),
        (["layer_1/backward/vars/0", "layer_2/backward/vars/0"], ["layer_1...vars/0", "layer_2...vars/0"]),
        (["lstm.weight_ih_l0_reverse", "lstm.bias_ih_l0_reverse"], ["lstm.w...reverse", "lstm.b...reverse"]),
        (
            [f"l.{kind}_{of}_l{layer}_reverse" for kind in ("weight", "bias") for of in ("ih", "hh") for layer in "01"],
            ["l.weight_ih_l0_", "reverse", "l.weight_ih_l1_", "reverse", "l.weight_hh_l0_"],
        ),
    ],
)
def test_names_that_are_cut_can_be_told_apart(names: list[str], expected: list[str]) -> None:
    out = io.StringIO()
    console = Console(file=out, width=60, force_terminal=True, color_system=None, highlight=False)
    grid = Grid((Column("n"), Column("count")), tuple(Row((name, "x" * (60 - 3 - 16))) for name in names))
    print_grid(console, grid)
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines[2:]][: len(expected)] == expected
    assert max(map(len, lines)) <= 60
