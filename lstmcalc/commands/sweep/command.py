"""sweep: its flags, and what it runs."""

from collections.abc import Sequence
from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._limits import LIMITS
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, style_of
from lstmcalc.commands._training import INPUT_GRAD, OPTIMIZER, TRAIN
from lstmcalc.errors import shown_name
from lstmcalc.intake.flags import DATA_FLAGS, LSTM_FLAGS, Flag
from lstmcalc.intake.resolve import read_subjects

_LISTED: Final = ("input_size", "hidden_size", "num_layers", "proj_size", "seq_len", "batch", "dtype")

_MANY: Final = 20_000  # combinations whose picture takes about a second

DIRECTIONS: Final = Flag("directions", ("--directions",), (), "LIST", "1, 2 or both: 1,2", repeats=True)


def _measure_names() -> tuple[str, ...]:
    from lstmcalc.costs.measures import MEASURES

    return tuple(MEASURES)


SWEEP: Final = (
    Flag(
        "show",
        ("--show",),
        (),
        "NAME,...",
        "Of params, weights, macs, flops, memory, saved",
        _measure_names,
        repeats=True,
    ),
    Flag("sort", ("--sort",), (), "NAME,...", "By these columns, the smallest first (default: as given)", repeats=True),
    Flag("reverse", ("--reverse",), (), "", "The largest first"),
    Flag("plot", ("--plot",), (), "FILE", "Draw it too: .svg, .png or .pdf"),
)


def _listable(flags: Sequence[Flag]) -> tuple[Flag, ...]:
    """Flags that take several values at once."""
    return tuple(flag._replace(metavar="LIST", repeats=True) if flag.field in _LISTED else flag for flag in flags)


def _run(typed: TypedFlags) -> Outcome:
    """Every combination of sizes in one table, or as a picture.

    A LIST is 64,128,256 or a range with both its ends, 1:4 or 64:512:64. Up to a million combinations.
    """
    from lstmcalc.commands.sweep.report import sweep_report
    from lstmcalc.commands.sweep.request import request_of

    style_of(typed)
    from lstmcalc.report.progress import shown_progress

    plot = typed["plot"]
    request, base = request_of(typed)
    subjects = read_subjects(base, "pytorch", varied=True)
    if plot is not None:
        from lstmcalc.commands.sweep.plots import check_plot, draw_sweep

        check_plot(str(plot))
    with shown_progress("computing") as progress:
        report = sweep_report(subjects, request, progress)
    if plot is not None:
        with shown_progress("drawing") as progress:
            if progress and sum(module.combinations for module in report.modules) >= _MANY:
                progress.pulse()
            draw_sweep(report.modules, str(plot))
        report.modules[-1].notes.append(f"drew {shown_name(str(plot))}")
    return outcome(report, typed)


COMMAND: Final = Command(
    _run,
    """
    lstmcalc sweep --hidden 64,128,256 --layers 1:4
    lstmcalc sweep --hidden 64:512:64 --batch 1,8,64 --show macs,memory --sort memory --train
    lstmcalc sweep --input 40 --hidden 128:1024:128 --directions 1,2 --format csv --plot sizes.svg
    """,
    panels(
        {
            "LSTM": (*_listable(LSTM_FLAGS), DIRECTIONS),
            "Data": _listable(DATA_FLAGS),
            "Sweep": (*SWEEP, TRAIN, OPTIMIZER, INPUT_GRAD),
            "Limits": LIMITS,
        }
    ),
)
