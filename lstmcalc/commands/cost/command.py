"""cost: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome
from lstmcalc.commands._training import INPUT_GRAD, OPTIMIZER, read_optimizer
from lstmcalc.commands.cost.report import cost_report
from lstmcalc.errors import UsageError
from lstmcalc.intake.flags import Flag, read_choice
from lstmcalc.intake.resolve import read_subjects


def _run(typed: TypedFlags) -> Outcome:
    """MACs, FLOPs and memory, for inference and for training, each with its formula.

    Exact for padded, packed and unbatched data. What PyTorch allocates is told for its own CPU kernels, by which of
    them applies; estimates say how far they were off.
    """
    optimizer = read_optimizer(typed["optimizer"])
    subjects, quantize = read_subjects(typed, "pytorch"), _scheme(typed)
    report = cost_report(subjects, optimizer, input_grad=bool(typed["input_grad"]), quantize=quantize)
    return outcome(report, typed)


def _scheme(typed: TypedFlags) -> str:
    """The way to quantize that `--quantize` names; empty without the flag. It goes with no flag that trains."""
    if typed["quantize"] is None:
        return ""
    scheme = read_choice("--quantize", str(typed["quantize"]), _schemes())
    refused = {"optimizer": "--optimizer", "input_grad": "--input-grad", "head": "--head", "embed": "--embed"}
    named = next((name for field, name in refused.items() if typed[field]), "")
    if named:
        what = "it counts the LSTM alone" if named in ("--head", "--embed") else "a quantized LSTM is not trained"
        raise UsageError(what, "one of the two flags", where=f"--quantize and {named}")
    return scheme


def _schemes() -> tuple[str, ...]:
    from lstmcalc.costs.quantized import SCHEMES

    return tuple(SCHEMES)


QUANTIZE: Final = Flag(
    "quantize", ("--quantize",), (), "NAME", "With weights of 8 bits: pytorch-dynamic or tflite-int8", _schemes
)

COMMAND: Final = Command(
    _run,
    """
    lstmcalc cost --hidden 20 --layers 2 --bi
    lstmcalc cost --input 128 --hidden 512 --layers 2 --seq 200 --batch 32 --optimizer adamw
    lstmcalc cost --hidden 20 --quantize pytorch-dynamic
    lstmcalc cost "nn.LSTM(80, 320, 3, bidirectional=True)" --lengths 120,95,40 --json
    """,
    panels({"Cost": (OPTIMIZER, INPUT_GRAD, QUANTIZE)}),
)
