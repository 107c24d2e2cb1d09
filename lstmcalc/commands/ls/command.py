"""ls: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, style_of
from lstmcalc.commands.ls.report import ls_report
from lstmcalc.errors import UsageError
from lstmcalc.intake.flags import Flag, read_from
from lstmcalc.report.progress import shown_progress

FILE: Final = Flag("file", (), (), "FILE", "A weight file: safetensors, PyTorch, NumPy, ONNX, Keras or TensorFlow")

STATS: Final = Flag(
    "stats", ("--stats",), (), "", "Read the numbers: min, max, mean, norm, and how many are NaN or Inf"
)


def _run(typed: TypedFlags) -> Outcome:
    """Every tensor of a weight file: its name, the LSTM it is of, dtype, shape, count and bytes.

    Only the file's index is read, and with --stats its numbers too.
    """
    if typed["file"] is None:
        raise UsageError(
            "no file is named", expected="a weight file, e.g. model.safetensors", hint="see lstmcalc ls -h"
        )
    style_of(typed)
    path, framework = str(typed["file"]), read_from(typed)
    with shown_progress("reading") as progress:
        report = ls_report(path, typed["module"], stats=bool(typed["stats"]), framework=framework, progress=progress)
    return outcome(report, typed)


COMMAND: Final = Command(
    _run,
    """
    lstmcalc ls model.safetensors
    lstmcalc ls checkpoint.pt --module encoder --stats
    lstmcalc ls model.npz --format csv > tensors.csv
    """,
    panels({"Output": (STATS,)}, source=(FILE,)),
)
