"""A sweep as a picture: one panel for each measure, drawn with matplotlib and written whole or not at all.

`curves` decides the contents, this module the look. Text stays text in SVG and PDF, so it can be searched and read
aloud; without this font, a browser uses one of its own, and nearly all of them are narrower.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil, log2
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lstmcalc.commands.sweep.curves import (
    FEW,
    LOG,
    RATIOS,
    Curve,
    Key,
    Plan,
    amount_text,
    curves_of,
    is_log,
    label,
    plan,
    read_lines,
    setting_text,
    size_text,
    size_ticks,
    spaced,
    spread,
    ticks,
)
from lstmcalc.commands.sweep.report import Combination, SweepModule
from lstmcalc.errors import LstmcalcError, MissingExtraError, OutputError, shorten
from lstmcalc.writing import check_target, replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

Colour: TypeAlias = tuple[float, float, float]

SUFFIXES: Final = (".svg", ".png", ".pdf")
MODULES: Final = 8  # LSTMs in one picture
# Blue, vermillion, bluish green, reddish purple and orange, told apart with any colour vision: M. Okabe and
# K. Ito, Color Universal Design, 2008, https://jfly.uni-koeln.de/color/.
_HUES: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_INK, _GREY, _PALE = "#1a1a1a", "#5a5a5a", "#dddddd"
_STYLE: Final = {
    "font.size": 9,
    "text.color": _INK,
    "text.parse_math": False,  # the names of LSTMs are text
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.labelcolor": _GREY,
    "grid.color": _PALE,
    "grid.linewidth": 0.7,
    "xtick.labelcolor": _GREY,
    "ytick.labelcolor": _GREY,
    "ytick.major.size": 0,
    "ytick.major.pad": 7,
    "lines.solid_capstyle": "round",
    "savefig.dpi": 160,
    "savefig.facecolor": "white",  # on a dark page too
    "svg.fonttype": "none",
    "svg.hashsalt": "lstmcalc",  # the same file each time
    "pdf.fonttype": 42,
}
_WIDTH, _HEIGHT = 4.1, 3.0  # inches of a panel with all that belongs to it
_LINE: Final = 0.17  # inches of a line of text
_PLOT: Final = 2.0  # inches of a panel between its axes, at least


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
            hint="pip install 'lstmcalc[plot]'",
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
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    modules = swept[:MODULES]
    columns = _columns(len(modules[0].measures))
    plans = [plan(module) for module in modules]
    width = max(_WIDTH * columns, 5.5) + (1.7 if any(map(_needs_legend, plans)) else 0)
    headers: list[tuple[list[str], list[str]]] = []
    heights: list[float] = []
    for module, chosen in zip(modules, plans, strict=True):
        more = len(swept) - MODULES if module is modules[-1] else 0
        title, *rest = _header(module, chosen, named=len(modules) > 1, more=more)
        header = wrap(title, int(width * 10)), [line for text in rest for line in wrap(text, int(width * 12.5))]
        headers.append(header)
        above = 0.3 if heights else 0.0  # apart from the LSTM before
        heights.append(above + _LINE * (1.3 * len(header[0]) + len(header[1]) + 1.2))
        heights.append(_panel_height(chosen) * ceil(len(module.measures) / columns))
    with _style_context():
        layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.08)
        figure = Figure(figsize=(width, sum(heights)), layout=layout)
        places = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False, hspace=0)[:, 0]
        for index, (module, chosen) in enumerate(zip(modules, plans, strict=True)):
            _write_header(places[2 * index], heights[2 * index], *headers[index])
            _draw_module(places[2 * index + 1], module, chosen, columns)
    return figure


def _columns(panels: int) -> int:
    return {1: 1, 2: 2, 4: 2}.get(panels, 3)


def _panel_height(chosen: Plan) -> float:
    return _HEIGHT if chosen.x is not None else 0.9 + 0.3 * len(chosen.combinations)


def _header(module: SweepModule, chosen: Plan, *, named: bool, more: int) -> list[str]:
    """The lines above the panels: the LSTM, the fixed settings, and the values and LSTMs that are not drawn."""
    data, around = module.data, module.around
    fixed = {field: values[0] for field, values in module.axes.items() if len(values) == 1}
    told = [setting_text(field, value) for field, value in fixed.items() if field not in ("seq_len", "batch", "dtype")]
    for field, own in (("batch", data.batch), ("seq_len", data.seq_len), ("dtype", data.dtype)):
        value = fixed.get(field, own)
        if value is not None and not (field == "batch" and data.unbatched):
            told.append(setting_text(field, value))
    told += ["unbatched"] if data.unbatched else []
    told += [f"lengths {shorten(list(data.lengths))[1:-1]}"] if data.lengths else []
    told += [f"{name} {size_text(size)}" for name, size in (("embed", around.embed), ("head", around.head)) if size]
    told.append(f"one training step with {module.optimizer}" if module.train else "inference")
    lines = [f"{printable(module.name)}: {module.text}" if named else module.text, ", ".join(told)]
    thinned = [
        f"{len(values)} of {chosen.swept[field]:,} values of {field}"
        for field, values in chosen.drawn.items()
        if len(values) < chosen.swept[field]
    ]
    lines += [f"drawn: {', '.join(thinned)}"] if thinned else []
    lines += [f"not drawn: {more:,} more LSTMs"] if more > 0 else []
    return lines


def printable(text: str) -> str:
    """Text that every kind of file can hold."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _write_header(place: "SubFigure", height: float, title: Sequence[str], rest: Sequence[str]) -> None:
    lines = 1.3 * len(title) + len(rest) + 0.7
    left, top = 0.12 / place.figure.get_figwidth(), lines * _LINE / height
    style: dict[str, Any] = {"ha": "left", "va": "top", "linespacing": 1.25}  # keywords of `text`
    place.text(left, top, "\n".join(title), fontsize=11.5, fontweight="bold", **style)
    below = top - (1.4 * len(title) + 0.1) * _LINE / height
    place.text(left, below, "\n".join(rest), fontsize=9, color=_GREY, **style)


def _draw_module(place: "SubFigure", module: SweepModule, chosen: Plan, columns: int) -> None:
    measures = module.measures
    rows = ceil(len(measures) / columns)
    panels = place.subplots(rows, columns, squeeze=False).flat
    lines = read_lines(module, chosen)
    notes = []
    for panel, (name, own) in zip(panels, measures.items(), strict=False):
        title = own.unit if own.unit != "bytes" else name
        if chosen.x is None:
            _draw_bars(panel, lines, chosen, name, own.unit)
        else:
            _draw_lines(panel, curves_of(lines, chosen, name), chosen, own.unit)
        told = [own.counts] * (own.counts != title) + ["log scale"] * (panel.get_yscale() == "log")
        notes.append((panel, title, wrap(", ".join(told), 44)))
    space = max(len(note) for *_, note in notes)
    for panel, title, note in notes:
        panel.set_title(title, loc="left", fontweight="bold", fontsize=10, pad=8 + 12 * space)
        below = (0, 8 + 12 * (space - len(note)))
        panel.annotate("\n".join(note), (0, 1), below, "axes fraction", "offset points", fontsize=8.5, color=_GREY)
        panel.tick_params("y", labelleft=chosen.x is not None or panel.get_subplotspec().is_first_col())
    for panel in list(place.axes)[len(measures) :]:
        panel.remove()
    if _needs_legend(chosen):
        _draw_legend(place, chosen)


def _draw_bars(panel: "Axes", lines: dict[Key, list[Combination]], chosen: Plan, name: str, unit: str) -> None:
    """Draw bars with their numbers, the first on top; they need no axis."""
    names = [
        ", ".join(setting_text(field, value) for field, value in zip(chosen.beside, key, strict=True)) for key in lines
    ]
    values = [float(rows[0][name]) for rows in lines.values()]
    places = range(len(values))
    panel.barh(places, values, height=0.62, color=_HUES[0])
    for at, (rows, value) in enumerate(zip(lines.values(), values, strict=True)):
        text = amount_text(rows[0][name], unit)
        panel.annotate(text, (value, at), (4, 0), textcoords="offset points", va="center", annotation_clip=False)
    panel.set_yticks(places, names)
    panel.set_ylim(len(values) - 0.5, -0.5)
    panel.set_xlim(0, max(values) * 1.02 or 1)
    panel.set_xticks([])
    panel.grid(visible=False)
    panel.spines["bottom"].set_visible(False)


def _draw_lines(panel: "Axes", drawn: list[Curve], chosen: Plan, unit: str) -> None:
    """Draw lines and their labels."""
    sizes = sorted({x for curve in drawn for x, _ in curve.points})
    numbers = [y for curve in drawn for _, y in curve.points]
    dots = "o" if len(sizes) <= 16 else ""  # noqa: PLR2004  # more would be a thick line
    for curve in drawn:
        xs, ys = ([float(point[part]) for point in curve.points] for part in (0, 1))
        colour = _colour(curve, chosen)
        mark = dots or ("o" if len(xs) == 1 else "")
        panel.plot(xs, ys, color=colour, marker=mark, markersize=4, linewidth=1.8, clip_on=False)
    _set_x(panel, sizes, chosen)
    _set_y(panel, numbers, unit)
    if len(drawn) <= FEW or not _needs_legend(chosen):
        _name_lines(panel, drawn, chosen)


def _set_x(panel: "Axes", sizes: list[int], chosen: Plan) -> None:
    """Put the swept sizes on the x axis; logarithmic if the largest is several times the smallest."""
    log = is_log(sizes, RATIOS)
    if log:
        panel.set_xscale("log", base=2)
    shown = size_ticks(sizes, log=log)
    panel.set_xticks([float(size) for size in shown], [size_text(size) for size in shown])
    panel.set_xticks([], minor=True)
    panel.set_xlim(float(sizes[0]), float(sizes[-1])) if len(sizes) > 1 else None
    panel.spines["bottom"].set_position(("outward", 6))
    panel.set_xlabel(f"{chosen.x}{', log scale' if log else ''}", fontsize=8.5)


def _set_y(panel: "Axes", numbers: list[int], unit: str) -> None:
    """Put round numbers on the y axis, from zero; logarithmic if the largest is many times the smallest."""
    log = is_log(numbers, LOG)
    low, high = float(min(numbers)) if log else 0.0, float(max(numbers)) or 1.0
    if log:
        panel.set_yscale("log", base=2)
    panel.set_ylim(low, high)
    shown = ticks(low, high, unit, log=log)
    panel.set_yticks(shown, [amount_text(number, unit if number else "") for number in shown])
    panel.set_yticks([], minor=True)


def _name_lines(panel: "Axes", drawn: list[Curve], chosen: Plan) -> None:
    """Write labels at the ends of lines, moved apart; of many lines a few are labelled."""
    scale = log2 if panel.get_yscale() == "log" else float
    low, high = map(scale, panel.get_ylim())

    def end(curve: Curve) -> float:
        return (scale(curve.points[-1][1]) - low) / (high - low)

    named = sorted(spaced(sorted(drawn, key=end), FEW), key=end)
    heights = spread([end(curve) for curve in named], 0.82 * _LINE / _PLOT)
    for curve, height in zip(named, heights, strict=True):
        x, y = map(float, curve.points[-1])
        early = x < panel.get_xlim()[1]
        moved = early or abs(height - end(curve)) > 0.02  # noqa: PLR2004  # of the panel
        colour = _colour(curve, chosen)
        arrow = {"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 3, "relpos": (0, 0.5)}
        arrow |= {"linestyle": ":"} if early else {}  # not to be taken for a part of the line
        panel.annotate(
            label(curve, chosen),
            (x, y),
            (1.035, height),
            textcoords="axes fraction",
            va="center",
            fontsize=8.5,
            color=_mixed_colour(colour, (0.0, 0.0, 0.0), 0.4),
            annotation_clip=False,
            arrowprops=arrow if moved else None,
        )


def _needs_legend(chosen: Plan) -> bool:
    return chosen.x is not None and len(chosen.combinations) > FEW and bool(chosen.hues)


def _draw_legend(place: "SubFigure", chosen: Plan) -> None:
    """Draw a legend of the colours and the shades, the darkest first as it is often the highest line."""
    from matplotlib.lines import Line2D

    entries = []
    for index, values in enumerate(chosen.colours):
        name = ", ".join(map(setting_text, chosen.hues, values))
        entries.append((Line2D([], [], color=_shaded_colour(_HUES[index], 1.0), linewidth=3), name))
    if chosen.shade:
        drawn = chosen.drawn[chosen.shade]
        for value in reversed(spaced(drawn, FEW)):
            colour = _shaded_colour(_GREY, drawn.index(value) / max(len(drawn) - 1, 1))
            entries.append((Line2D([], [], color=colour, linewidth=3), setting_text(chosen.shade, value)))
    handles, names = zip(*entries, strict=True)
    place.legend(handles, names, loc="outside right upper", frameon=False, fontsize=8.5, handlelength=1.2)


def _colour(curve: Curve, chosen: Plan) -> Colour:
    """The colour of a line by its settings; grey if its combinations have several hues."""
    hue = curve.value(chosen.hues)
    own = _GREY if hue is None else _HUES[chosen.colours.index(hue)]
    shade = curve.value([chosen.shade]) if chosen.shade else None
    if shade is None:
        return _shaded_colour(own, 1.0)
    drawn = chosen.drawn[chosen.shade or ""]
    return _shaded_colour(own, drawn.index(shade[0]) / max(len(drawn) - 1, 1))


def _shaded_colour(colour: str, strength: float) -> Colour:
    """A colour from half as strong, at `strength` 0, to a little darker than given, at 1."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    pale = _mixed_colour((red, green, blue), (1.0, 1.0, 1.0), 0.5)
    return _mixed_colour(pale, _mixed_colour((red, green, blue), (0.0, 0.0, 0.0), 0.2), strength)


def _mixed_colour(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (first + (second - first) * share for first, second in zip(one, other, strict=True))
    return red, green, blue
