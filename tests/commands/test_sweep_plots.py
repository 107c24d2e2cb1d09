"""Pictures of sweeps: what is drawn is what the rows say, the same bytes each time, and no file is lost."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lstmcalc.cli import run_command_line
from lstmcalc.commands.sweep import command, curves, plots
from lstmcalc.commands.sweep import report as sweep
from lstmcalc.commands.sweep.report import SweepModule
from lstmcalc.commands.sweep.request import request_of
from lstmcalc.errors import ExitCode, MissingExtraError, OutputError
from lstmcalc.intake.resolve import read_subjects
from lstmcalc.report import progress
from tools.examples import examples
from tools.shell import Ran, shell_environment

matplotlib = pytest.importorskip("matplotlib")

Cli = Callable[..., Ran]


def swept_by(show: str = "params,macs,memory", **flags: Any) -> list[SweepModule]:
    """The LSTMs of a sweep, of flags by their fields."""
    request, base = request_of({"show": show, **flags})
    return list(sweep.sweep_report(read_subjects(base, "pytorch"), request).modules)


def modules_of(figure: Any) -> list[Any]:
    """The part of a figure with the panels of each LSTM."""
    return [inner for place in figure.subfigs for inner in place.subfigs]


def panels_of(swept: list[SweepModule]) -> list[Any]:
    return [panel for place in modules_of(plots.figure_of(swept)) for panel in place.axes]


def names_in(panel: Any) -> list[str]:
    legend = panel.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def header_of(swept: list[SweepModule]) -> str:
    (place,) = plots.figure_of(swept).subfigs
    return f"{place.get_suptitle()}\n{place.subfigs[0].get_suptitle()}"


def ticks_of(axis: Any) -> dict[float, str]:
    """The ticks that can be seen, with their labels."""
    low, high = axis.get_view_interval()
    ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
    return {float(at): text.get_text() for at, text in ticks if low <= at <= high}


def boxes_of(figure: Any) -> dict[str, Any]:
    """The place of each text that can be seen, in pixels."""
    figure.draw_without_rendering()
    hidden = set()
    for place in modules_of(figure):
        for axis in (axis for panel in place.axes for axis in (panel.xaxis, panel.yaxis)):
            low, high = sorted(axis.get_view_interval())
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)  # a shared axis has no labels
            hidden |= {id(text) for at, text in ticks if not low <= at <= high or not axis.get_visible()}
    texts = [
        text for text in figure.findobj(matplotlib.text.Text) if text.get_text().strip() and id(text) not in hidden
    ]
    return {
        f"{index} {text.get_text()}": text.get_window_extent() for index, text in enumerate(texts) if text.get_visible()
    }


READABLE: list[dict[str, Any]] = [
    {"hidden_size": "64,128,256", "num_layers": "1:4"},
    {"hidden_size": "64:320:64", "num_layers": "1:4", "dtype": "float64,float32,float16"},
    {"show": "params,weights,macs,flops,memory", "hidden_size": "128:1024:128", "directions": "1,2"},
    {"hidden_size": "64,128", "num_layers": "1,2", "directions": "1,2", "dtype": "float16,float32", "batch": "1:3"},
    {"dtype": "float32,float16", "directions": "1,2"},
    {"hidden_size": "1:100", "num_layers": "1:80", "show": "params"},
    {"hidden_size": "1000000000000,1000000000000000000", "num_layers": "1,9000000000000000000"},
    {"hidden_size": "123456,234567,999999", "batch": "0,1"},
    {"hidden_size": "64:64", "show": "macs"},
    {"seq_len": "1:2000"},
]


@pytest.mark.parametrize("flags", READABLE)
def test_a_figure_can_be_read(flags: dict[str, Any]) -> None:
    figure = plots.figure_of(swept_by(**flags))
    no_text_is_cut_or_lies_on_another(figure)
    panels_have_room_and_their_legends_are_beside_them(figure)


def no_text_is_cut_or_lies_on_another(figure: Any) -> None:
    boxes = boxes_of(figure)
    assert len(boxes) >= 4
    for box in boxes.values():
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y1 <= figure.bbox.height
    for (one, box), (other, its) in combinations(boxes.items(), 2):
        apart = box.x1 <= its.x0 or its.x1 <= box.x0 or box.y1 <= its.y0 + 1 or its.y1 <= box.y0 + 1
        assert apart, (one, other)


def panels_have_room_and_their_legends_are_beside_them(figure: Any) -> None:
    for panel in (panel for place in modules_of(figure) for panel in place.axes):
        box = panel.get_window_extent()
        assert box.width >= 1.5 * figure.dpi
        assert box.height >= (1.2 if panel.lines else 0.3) * figure.dpi
        if panel.get_legend():
            assert panel.get_legend().get_window_extent().x0 >= box.x1
            assert panel.get_legend().get_window_extent().x1 <= figure.bbox.width


def test_every_number_of_the_rows_is_drawn_and_no_other() -> None:
    swept = swept_by(hidden_size="256,64,128,512", num_layers="1:3")
    rows = list(swept[0].rows)
    panels = panels_of(swept)
    assert len(panels) == 3
    for panel, measure in zip(panels, ("params", "macs", "memory"), strict=True):
        drawn = {tuple(point) for line in panel.lines for point in line.get_xydata()}
        assert drawn == {(row["hidden_size"], row[measure]) for row in rows}
        assert len(panel.lines) == 3
        for line in panel.lines:
            assert list(line.get_xdata()) == [64, 128, 256, 512]


def test_each_line_is_named_in_a_legend_the_highest_first() -> None:
    swept = swept_by(show="params", hidden_size="64,128,256,512", num_layers="1:3")
    (panel,) = panels_of(swept)
    last = {row["num_layers"]: row["params"] for row in swept[0].rows if row["hidden_size"] == 512}
    ends = {line.get_label(): line.get_ydata()[-1] for line in panel.lines}
    assert ends == {"1 layer": last[1], "2 layers": last[2], "3 layers": last[3]}
    assert names_in(panel) == ["3 layers", "2 layers", "1 layer"]
    handles = panel.get_legend().legend_handles
    assert [handle.get_color() for handle in handles] == [line.get_color() for line in panel.lines]


def test_one_line_needs_no_legend() -> None:
    assert all(panel.get_legend() is None for panel in panels_of(swept_by(hidden_size="64,128")))


def test_the_title_says_what_is_fixed() -> None:
    assert header_of(swept_by(hidden_size="64,128", batch="7", dtype="float16")) == (
        "LSTM(10, hidden_size)\nbatch 7, seq 5, float16, inference"
    )
    trained = header_of(
        swept_by(hidden_size="64,128", batch="1,2", lengths=None, train=True, optimizer="sgd", head="3")
    )
    assert trained.endswith("\nseq 5, float32, head 3, one training step with sgd")


def test_lines_that_lie_on_one_another_are_one() -> None:
    parameters, memory = panels_of(swept_by("params,memory", hidden_size="64,128,256", dtype="float32,float16"))
    assert (len(parameters.lines), len(memory.lines)) == (1, 2)
    assert names_in(parameters) == ["every dtype"]
    assert names_in(memory) == ["float32", "float16"]
    grey = parameters.lines[0].get_color()[:3]
    assert max(grey) - min(grey) < 1e-9
    assert len({line.get_color() for line in memory.lines}) == 2


def test_axes_have_the_swept_sizes_and_round_numbers() -> None:
    swept = swept_by("params,memory", hidden_size="64,128,256")
    parameters, memory = panels_of(swept)
    assert ticks_of(parameters.xaxis) == {64: "64", 128: "128", 256: "256"}
    assert parameters.get_xscale() == "log"
    assert parameters.get_yscale() == "linear"
    assert ticks_of(parameters.yaxis) == {0: "0", 1e5: "100 k", 2e5: "200 k"}
    assert ticks_of(memory.yaxis)[2**19] == "512 KiB"
    (plain,) = panels_of(swept_by("params", hidden_size="64,128"))
    assert plain.get_xscale() == "linear"


def test_a_range_has_ticks_that_can_be_read() -> None:
    (panel,) = panels_of(swept_by("params", hidden_size="1:64"))
    assert list(ticks_of(panel.xaxis).values()) == ["1", "2", "4", "8", "16", "32", "64"]
    (panel,) = panels_of(swept_by("params", hidden_size="100:300"))
    assert list(ticks_of(panel.xaxis).values()) == ["100", "150", "200", "250", "300"]
    (panel,) = panels_of(swept_by("params", seq_len="1:200000"))
    assert list(ticks_of(panel.xaxis).values()) == ["1", "10", "100", "1000", "10000", "100000"]


def test_what_is_not_counted_is_drawn_as_bars() -> None:
    swept = swept_by("params,memory", dtype="float32,float16", directions="1,2")
    rows = list(swept[0].rows)
    first, memory = panels_of(swept)
    assert [bar.get_width() for bar in memory.patches] == [row["memory"] for row in rows]
    assert [text.get_text() for text in first.get_yticklabels()] == [
        "float32, 1 direction",
        "float32, 2 directions",
        "float16, 1 direction",
        "float16, 2 directions",
    ]
    shown = [text.get_text() for text in memory.texts if text.get_text()][:4]
    assert shown == [curves.amount_text(row["memory"], "bytes") for row in rows]


def test_one_combination_is_one_bar() -> None:
    swept = swept_by("macs", hidden_size="64:64")
    (panel,) = panels_of(swept)
    assert [bar.get_width() for bar in panel.patches] == [swept[0].rows[0]["macs"]]
    assert "hidden 64" in header_of(swept)


def test_combinations_that_are_no_lstm_are_missing() -> None:
    (panel,) = panels_of(swept_by("params", hidden_size="64,128", proj_size="16,64,100"))
    assert sorted(list(line.get_xdata()) for line in panel.lines) == [[16], [16, 64, 100]]


def test_an_empty_batch_is_drawn_at_zero(tmp_path: Path) -> None:
    swept = swept_by("macs", batch="0,1,2")
    (panel,) = panels_of(swept)
    assert next(iter(panel.lines[0].get_ydata())) == 0
    assert (panel.get_xscale(), panel.get_yscale()) == ("linear", "linear")
    plots.draw_sweep(swept_by("macs", batch="0", seq_len="1,2"), str(tmp_path / "a.svg"))


def test_integers_beyond_64_bits_are_drawn(tmp_path: Path) -> None:
    swept = swept_by(
        "params,macs,memory", hidden_size="1000000000000,1000000000000000000", num_layers="1,9000000000000000000"
    )
    assert max(row["macs"] for row in swept[0].rows) > 2**150
    plots.draw_sweep(swept, str(tmp_path / "a.svg"))
    assert "1e" in (tmp_path / "a.svg").read_text()
    assert names_in(panels_of(swept)[0]) == ["9 E layers", "1 layer"]


def test_of_too_many_lines_a_few_are_drawn_and_the_title_says_so() -> None:
    swept = swept_by("params", hidden_size="1:100", num_layers="1:80")
    (panel,) = panels_of(swept)
    assert 5 <= len(panel.lines) <= curves.FEW
    assert f"drawn: {len(panel.lines)} of 80 values of num_layers" in header_of(swept)
    assert (names_in(panel)[0], names_in(panel)[-1]) == ("80 layers", "1 layer")
    swept = swept_by("params", hidden_size="1:100", num_layers="1:40")
    assert "drawn" not in header_of(swept)
    (panel,) = panels_of(swept)
    assert len(panel.lines) == 40
    assert (names_in(panel)[0], names_in(panel)[-1]) == ("40 layers", "1 layer")
    assert len(names_in(panel)) == curves.FEW


def test_several_settings_get_colours_and_shades() -> None:
    (panel,) = panels_of(swept_by("memory", hidden_size="64:320:64", num_layers="1:4", dtype="float64,float32,float16"))
    dtypes, layers = ("float64", "float32", "float16"), ("1 layer", "2 layers", "3 layers", "4 layers")
    assert set(names_in(panel)) == {f"{dtype}, {count}" for dtype in dtypes for count in layers}
    assert len({line.get_color() for line in panel.lines}) == 12


@pytest.mark.parametrize("count", range(1, 7))
def test_each_measure_has_a_panel(count: int) -> None:
    names = ["params", "weights", "macs", "flops", "memory", "saved"][:count]
    panels = panels_of(swept_by(",".join(names), hidden_size="4,8"))
    expected = ["parameters", "weights", "MACs", "FLOPs", "memory", "saved"][:count]
    assert [panel.get_title(loc="left") for panel in panels] == expected


def test_names_are_text_and_not_mathematics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = swept_by("params", hidden_size="64,128")
    (module,) = swept
    swept = [replace(module, name="a_$x^2$\x1b<&\ud800\u4e2d"), *[module] * plots.MODULES]
    figure = plots.figure_of(swept)
    assert figure.subfigs[0].get_suptitle() == "a_$x^2$\\x1b<&\\ud800\u4e2d: LSTM(10, hidden_size)"
    assert not any(text.get_parse_math() for text in figure.findobj(matplotlib.text.Text) if "$" in text.get_text())
    assert "not drawn: 1 more LSTMs" in figure.subfigs[-1].subfigs[0].get_suptitle()
    assert len(figure.subfigs) == plots.MODULES
    monkeypatch.setattr(plots, "MODULES", 2)  # of more, each kind takes a second
    for kind in ("svg", "png", "pdf"):
        plots.draw_sweep(swept, str(tmp_path / f"a.{kind}"))
    written = "".join(ET.parse(tmp_path / "a.svg").getroot().itertext())  # noqa: S314  # our own
    assert "a_$x^2$\\x1b<&\\ud800\u4e2d: LSTM(10, hidden_size)" in written


KINDS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.fixture(scope="module")
def drawn_twice(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same pictures of two processes: of hashes and the clock, nothing may stay."""
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    code = "import sys\nfrom lstmcalc.cli import run_command_line\n" + "".join(
        f"assert run_command_line([*sys.argv[1:], 'a.{kind}']) == 0\n" for kind in KINDS
    )
    command = ["sweep", "--hidden", "64,128,256", "--layers", "1:3", "--plot"]
    for folder in folders:
        done = subprocess.run(
            [sys.executable, "-c", code, *command], capture_output=True, check=True, env=shell_environment(), cwd=folder
        )
        assert all(f"note: drew a.{kind}" in done.stderr.decode() for kind in KINDS)
    return folders


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_sweep_gives_the_same_bytes(kind: str, drawn_twice: list[Path]) -> None:
    one, two = ((folder / f"a.{kind}").read_bytes() for folder in drawn_twice)
    assert one == two
    assert one.startswith(KINDS[kind])


def test_a_users_own_settings_of_matplotlib_change_nothing(tmp_path: Path) -> None:
    swept = swept_by(hidden_size="64,128,256")
    plots.draw_sweep(swept, str(tmp_path / "plain.svg"))
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "text.usetex": True, "axes.facecolor": "black"}):
        changed = dict(matplotlib.rcParams)
        plots.draw_sweep(swept, str(tmp_path / "other.svg"))
        assert dict(matplotlib.rcParams) == changed
    assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "plain.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


@pytest.mark.parametrize("name", ["a.jpg", "a", ".svg", "a.svg.gz", "", "none/a.svg"])
def test_other_files_are_refused_before_anything_is_computed(
    cli: Cli, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep, "sweep_report", lambda *_: pytest.fail("computed"))
    ran = cli("sweep", "--hidden", "1,2", "--plot", name)
    assert ran.code == ExitCode.USAGE
    assert "--plot" in ran.err
    assert "cannot be saved" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named_before_anything_is_computed(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(sweep, "sweep_report", lambda *_: pytest.fail("computed"))
    with pytest.raises(MissingExtraError, match="matplotlib is not installed"):
        plots.check_plot(str(tmp_path / "a.svg"))
    ran = cli("sweep", "--hidden", "1,2", "--plot", str(tmp_path / "a.svg"))
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert ran.err == "error: --plot: matplotlib is not installed\n  hint: pip install matplotlib\n"


@pytest.mark.parametrize("error", [ValueError("no such glyph"), OSError(28, "No space left on device")])
def test_a_picture_that_fails_leaves_the_old_one(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    def savefig(self: Figure, file: Any, **_: Any) -> None:
        file.write(b"half")
        raise error

    target = tmp_path / "a.svg"
    target.write_text("old")
    monkeypatch.setattr(Figure, "savefig", savefig)
    with pytest.raises(OutputError, match=r"no such glyph|No space left") as raised:
        plots.draw_sweep(swept_by(hidden_size="1,2"), str(target))
    assert raised.value.where.startswith("--plot")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_table_is_still_printed(cli: Cli, tmp_path: Path) -> None:
    plain = cli("sweep", "--hidden", "1,2", "--format", "csv")
    drawn = cli("sweep", "--hidden", "1,2", "--format", "csv", "--plot", str(tmp_path / "a.png"))
    assert drawn.out == plain.out
    assert drawn.err == f"{plain.err}note: drew {tmp_path / 'a.png'}\n"


@pytest.mark.parametrize(("more", "loaded"), [([], "matplotlib"), (["--plot", "a.svg"], "matplotlib.pyplot")])
def test_no_more_of_matplotlib_is_loaded_than_is_needed(more: list[str], loaded: str, tmp_path: Path) -> None:
    code = (
        "import sys; from lstmcalc.cli import run_command_line; import lstmcalc.commands.sweep.plots;"
        f"code = run_command_line(['sweep', '--hidden', '1,2', *{more}]); print(code, *sys.modules, file=sys.stderr)"
    )
    environment = shell_environment(MPLBACKEND="agg")
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment)
    returned, *modules = done.stderr.splitlines()[-1].split()
    assert returned == "0"
    assert "lstmcalc.commands.sweep.report" in modules
    assert loaded not in modules
    assert [path.name for path in tmp_path.iterdir()] == more[1:]


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (0, "MACs", "0"), (999, "MACs", "999"), (1000, "MACs", "1 k"), (1234, "MACs", "1.234 k"),
        (999_499, "MACs", "999.499 k"), (10**6, "MACs", "1 M"), (3.4e9, "MACs", "3.4 G"), (10**22, "MACs", "1e+22"),
        (600, "bytes", "600 B"), (1023, "bytes", "1023 B"), (1024, "bytes", "1 KiB"), (120 * 2**20, "bytes", "120 MiB"),
        (1023 * 2**20, "bytes", "1023 MiB"), (2**30, "bytes", "1 GiB"), (2**100, "bytes", "1.27e+30 B"),
    ],
)  # fmt: skip
def test_numbers_for_people(number: float, unit: str, text: str) -> None:
    assert curves.amount_text(number, unit) == text


@examples(40)
@given(st.integers(0, 2**400), st.integers(1, 2**400), st.sampled_from(["memory", "macs"]), st.booleans())
@example(2**63 + 1, 1, "memory", True)  # 2**63 as a float, as all ends of axes are
@example(2**63 + 1, 1, "memory", False)
@example(0, 1, "macs", False)
def test_there_are_a_few_ticks_and_all_inside(low: int, more: int, measure: str, log: bool) -> None:
    (module,) = swept_by("memory,macs", hidden_size="64,128")
    first, last = (max(low, 1), max(low, 1) * 30 + more) if log else (0, low + more)
    rows = [{"hidden_size": 64, measure: first}, {"hidden_size": 128, measure: last}]
    measures = {measure: module.measures[measure]}
    (panel,) = panels_of([replace(module, rows=rows, measures=measures)])
    assert panel.get_yscale() == ("log" if log else "linear")
    bottom, top = panel.get_ylim()
    assert bottom <= first
    assert last <= top
    shown = ticks_of(panel.yaxis)
    assert (2 if last > 2 else 1) <= len(shown) <= 12
    assert len(set(shown.values())) == len(shown)


def test_values_are_picked_by_ratios_where_an_axis_shows_them() -> None:
    assert curves.spaced(range(1, 1001), 4) == [1, 10, 100, 1000]
    assert curves.spaced(range(100, 201), 3) == [100, 150, 200]
    assert curves.spaced([5, 6], 8) == [5, 6]


@pytest.mark.parametrize(("combinations", "shown"), [(3, []), (4, ["drawing"])])
def test_a_bar_shows_while_many_combinations_are_drawn(
    combinations: int, shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulsed = []

    class Bar(progress.ProgressBar):
        def pulse(self) -> None:
            pulsed.append(self._label)

    monkeypatch.setattr(command, "_MANY", 4)
    monkeypatch.setattr(progress, "shown_progress", Bar)
    values = ",".join(map(str, range(1, combinations + 1)))
    assert run_command_line(["sweep", "--hidden", values, "--plot", str(tmp_path / "a.svg"), "-q"]) == 0
    assert pulsed == shown


def test_a_bar_pulses_until_steps_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.ProgressBar("drawing") as bar:
        bar.pulse()
        assert bar._bar is not None  # noqa: SLF001  # what rich shows
        rich, task = bar._bar  # noqa: SLF001  # as above
        assert rich.tasks[task].total is None
        bar._next = 0  # noqa: SLF001  # as if it had lasted
        bar(3, 4)
        assert (rich.tasks[task].completed, rich.tasks[task].total) == (3, 4)
    capsys.readouterr()
