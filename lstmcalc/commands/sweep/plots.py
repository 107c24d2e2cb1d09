"""A sweep as a picture: one panel for each measure, drawn with matplotlib and written whole or not at all.

`curves` decides the contents, this module the look. Text stays text in SVG and PDF, so it can be searched and read
aloud; without this font, a browser uses one of its own, and nearly all of them are narrower.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil, log2
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from lstmcalc.commands.sweep import curves
from lstmcalc.commands.sweep.curves import Curve, Plan, amount_text, setting_text, size_text
from lstmcalc.commands.sweep.report import SweepModule
from lstmcalc.errors import LstmcalcError, MissingExtraError, OutputError, printable, shorten
from lstmcalc.writing import check_target, replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

SUFFIXES: Final = (".svg", ".png", ".pdf")
MODULES: Final = 8  # LSTMs in one picture
_DOTS: Final = 16  # sizes that get a dot and, if there is room, a number each
_STEPS: Final = (1, 2, 2.5, 5, 10)
_DECADES: Final = 500  # up to this ratio, a logarithmic axis has 2 and 5 between 1 and 10
# Blue, vermillion, bluish green, reddish purple and orange, told apart with any colour vision: M. Okabe and
# K. Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/.
_HUES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_GREY: Final = "#5a5a5a"
_STYLE: Final = {
    "font.size": 9,
    "text.parse_math": False,  # the names of LSTMs are text
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left"), False),
    "grid.color": "#dddddd",
    "ytick.major.size": 0,
    "lines.markersize": 4,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.1,
    "savefig.dpi": 160,
    "svg.fonttype": "none",
    "svg.hashsalt": "lstmcalc",  # the same file each time
    "pdf.fonttype": 42,
}


def check_plot(name: str) -> None:
    """Refuse a file that `draw_sweep` cannot write, or a missing matplotlib, before anything is computed."""
    check_target(name, SUFFIXES, "--plot")
    try:
        import matplotlib.figure
        import matplotlib.style  # noqa: F401
    except Exception as error:
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("matplotlib")
        raise MissingExtraError(
            "matplotlib is not installed" if missing else "matplotlib is installed, but does not load",
            found="" if missing else shorten(str(error), 200)[1:-1],
            hint="pip install matplotlib",
            where="--plot",
        ) from error


def draw_sweep(swept: Sequence[SweepModule], name: str) -> None:
    """Draw the LSTMs of a sweep into a .svg, .png or .pdf file; if that fails, an existing file is unharmed."""
    check_plot(name)
    kind = name.rpartition(".")[2]
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    try:
        with replacing(name, SUFFIXES, "--plot") as file, _style_context():
            figure_of(swept).savefig(file, format=kind, metadata=metadata)
    except (LstmcalcError, MemoryError):
        raise
    except Exception as error:  # whatever matplotlib raises
        found = shorten(f"{type(error).__name__}: {error}", 200)[1:-1]
        raise OutputError("cannot be drawn", found=found, where="--plot") from error


@contextmanager
def _style_context() -> Iterator[None]:
    """Our style on matplotlib's defaults, whatever a user has set; afterwards the user's style is back."""
    from matplotlib import style

    with style.context(["default", _STYLE]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters in the names of LSTMs that the font lacks
        yield


def figure_of(swept: Sequence[SweepModule]) -> "Figure":
    """The picture, not yet drawn: the LSTMs below each other, each with a panel for each of its measures."""
    from matplotlib.figure import Figure

    modules = swept[:MODULES]
    plans = [curves.plan(module) for module in modules]
    panels = len(modules[0].measures)
    columns = {1: 1, 2: 2, 4: 2}.get(panels, 3)
    keys = [(chosen.beside, key) for chosen in plans for key in chosen.keys(chosen.beside)]
    longest = max(len(", ".join(map(setting_text, *fields_and_key))) for fields_and_key in keys)
    width = max(columns * (3.4 + 0.075 * longest), 5.5)  # inches
    headers, heights = [], []
    for module, chosen in zip(modules, plans, strict=True):
        title, *rest = _header(module, chosen, named=len(modules) > 1)
        rest += [f"not drawn: {len(swept) - MODULES:,} more LSTMs"] * (module is modules[-1] and len(swept) > MODULES)
        header = wrap(title, int(width * 10)), [line for text in rest for line in wrap(text, int(width * 12.5))]
        headers.append(["\n".join(lines) for lines in header])
        lines = len(chosen.keys(chosen.beside))
        height = 0.9 + 0.3 * lines if chosen.x is None else 3.0 if lines <= curves.FEW else 3.6
        heights.append(height * ceil(panels / columns) + 0.2 * sum(map(len, header)))
    with _style_context():
        figure = Figure(figsize=(width, sum(heights)), layout="constrained")
        places = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        for place, module, chosen, (title, below) in zip(places, modules, plans, headers, strict=True):
            place.suptitle(title, x=0.01, ha="left", fontsize=11.5, fontweight="bold")
            inner = place.subfigures()
            inner.suptitle(below, x=0.01, ha="left", fontsize=9, color=_GREY)
            _draw_module(inner, module, chosen, columns)
    return figure


def _header(module: SweepModule, chosen: Plan, *, named: bool) -> list[str]:
    """The lines above the panels: the LSTM, the fixed settings, and the settings of which some values are not drawn."""
    data, around = module.data, module.around
    settings = {"batch": None if data.unbatched else data.batch, "seq_len": data.seq_len, "dtype": data.dtype}
    settings |= {field: values[0] for field, values in module.axes.items() if len(values) == 1}
    told = [setting_text(field, value) for field, value in settings.items() if value is not None]
    told += ["unbatched"] if data.unbatched else []
    told += [f"lengths {shorten(list(data.lengths))[1:-1]}"] if data.lengths else []
    told += [f"{name} {size_text(size)}" for name, size in (("embed", around.embed), ("head", around.head)) if size]
    told.append(f"one training step with {module.optimizer}" if module.train else "inference")
    lines = [f"{printable(module.name)}: {module.text}" if named else module.text, ", ".join(told)]
    thinned = [
        f"{len(values)} of {len(module.axes[field]):,} values of {field}"
        for field, values in chosen.drawn.items()
        if len(values) < len(module.axes[field])
    ]
    return [*lines, f"drawn: {', '.join(thinned)}"] if thinned else lines


def _draw_module(place: "SubFigure", module: SweepModule, chosen: Plan, columns: int) -> None:
    measures = module.measures
    panels = place.subplots(ceil(len(measures) / columns), columns, squeeze=False, sharey=chosen.x is None).flat
    drawn = {} if chosen.x is None else curves.curves_of(module, chosen)
    notes = []
    for panel, (name, own) in zip(panels, measures.items(), strict=False):
        title = own.unit if own.unit != "bytes" else name
        if chosen.x is None:
            names = [", ".join(setting_text(field, row[field]) for field in chosen.beside) for row in module.rows]
            _draw_bars(panel, names, [row[name] for row in module.rows], own.unit)
        else:
            _draw_lines(panel, drawn[name], chosen, own.unit)
        told = [own.counts] * (own.counts != title) + ["log scale"] * (panel.get_yscale() == "log")
        notes.append((panel, title, wrap(", ".join(told), 44)))
    below = 8 + 12 * max(len(note) for *_, note in notes)  # points from a title to its panel
    for panel, title, note in notes:
        panel.set_title(title, loc="left", fontweight="bold", fontsize=10, pad=below)
        style = {"textcoords": "offset points", "va": "top", "fontsize": 8.5, "color": _GREY}
        panel.annotate("\n".join(note), (0, 1), (0, below - 3), "axes fraction", **style)
    for panel in list(place.axes)[len(measures) :]:
        panel.remove()


def _draw_bars(panel: "Axes", names: list[str], values: list[int], unit: str) -> None:
    """Draw bars with their numbers, the first on top; they need no axis."""
    bars = panel.barh(names, [float(value) for value in values], height=0.62, color=_HUES[0])
    panel.bar_label(bars, [amount_text(value, unit) for value in values], padding=4)
    panel.set_ylim(len(values) - 0.5, -0.5)
    panel.set_xticks([])
    panel.set_frame_on(False)


def _draw_lines(panel: "Axes", drawn: list[Curve], chosen: Plan, unit: str) -> None:
    """Draw lines, the highest first in the legend; of many, a few are named there."""
    sizes = sorted({x for curve in drawn for x, _ in curve.points})
    named = drawn if len(drawn) <= curves.MIXED else curves.spaced(drawn, curves.FEW)
    for curve in drawn:
        mark = "o" if len(sizes) <= _DOTS or len(curve.points) == 1 else ""  # more would be a thick line
        xs, ys = ([float(number) for number in numbers] for numbers in zip(*curve.points, strict=True))
        name = curves.label(curve, chosen) if curve in named else ""
        panel.plot(xs, ys, color=_colour(curve, chosen), marker=mark, label=name, clip_on=False)
    if chosen.beside:
        panel.legend(loc="upper left", bbox_to_anchor=(1, 1))
    _set_x(panel, sizes, chosen)
    _set_y(panel, [y for curve in drawn for _, y in curve.points], unit)
    panel.minorticks_off()
    panel.grid(axis="y")


def _set_x(panel: "Axes", sizes: list[int], chosen: Plan) -> None:
    """Put the swept sizes below the x axis or, if they are many, round numbers."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    log = curves.is_log(sizes, curves.RATIOS)
    panel.set_xscale("log" if log else "linear")
    panel.set_xlabel(f"{chosen.x}{', log scale' if log else ''}", fontsize=8.5)
    if len(sizes) <= _DOTS:
        places = {size: log2(size) if log else float(size) for size in sizes}
        room = (0.03 + 0.03 * max(map(len, map(size_text, sizes)))) * (places[sizes[-1]] - places[sizes[0]])
        shown: list[int] = []
        for size in [sizes[-1], sizes[0], *sorted(sizes, key=lambda size: size & (size - 1) > 0)]:  # powers of 2 first
            if all(abs(places[size] - places[other]) >= room for other in shown):
                shown.append(size)
        panel.set_xticks([float(size) for size in shown])
    elif log:
        panel.xaxis.set_major_locator(LogLocator(2 if sizes[-1] < 2**10 * sizes[0] else 10))
    else:
        panel.xaxis.set_major_locator(MaxNLocator(6, steps=_STEPS, integer=True))
    panel.xaxis.set_major_formatter(lambda size, _: size_text(round(size)))


def _set_y(panel: "Axes", numbers: list[int], unit: str) -> None:
    """Put round numbers on the y axis, from zero; logarithmic if the largest is many times the smallest."""
    from matplotlib.ticker import LogLocator, MaxNLocator, MultipleLocator

    low, high = min(numbers), max(numbers)
    if curves.is_log(numbers, curves.LOG):
        panel.set_yscale("log")
        base, factors = (2, (1,)) if unit == "bytes" else (10, (1, 2, 5) if high < _DECADES * low else (1,))
        panel.yaxis.set_major_locator(LogLocator(base, factors))
    else:
        panel.set_ylim(0, max(high * 1.05, 1))
        halves = MultipleLocator(2.0 ** ceil(log2(max(high, 6) / 6)))
        panel.yaxis.set_major_locator(halves if unit == "bytes" else MaxNLocator(5, steps=_STEPS, integer=True))
    panel.yaxis.set_major_formatter(lambda number, _: amount_text(number, unit))


def _colour(curve: Curve, chosen: Plan) -> tuple[float, ...]:
    """The colour of a line by its settings; grey if its combinations have several hues."""
    from matplotlib.colors import LinearSegmentedColormap

    hue, shade = curve.value(chosen.hues), curve.value([chosen.shade] if chosen.shade else [])
    own = _GREY if hue is None else _HUES[chosen.keys(chosen.hues).index(hue)]
    shades = chosen.drawn[chosen.shade] if chosen.shade and shade else []
    strength = shades.index(shade[0]) / max(len(shades) - 1, 1) if shade else 1.0
    return LinearSegmentedColormap.from_list("", ["white", own])(0.4 + 0.6 * strength)
