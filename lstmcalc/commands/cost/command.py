"""cost: its flags, and what it runs."""

from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._limits import LIMITS, over_limits, read_limits
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, style_of
from lstmcalc.commands._training import INFERENCE, INPUT_GRAD, OPTIMIZER, TRAIN, read_optimizer
from lstmcalc.commands.cost.report import cost_report
from lstmcalc.errors import ContradictionError, ExitCode, UsageError
from lstmcalc.intake.flags import Flag, read_choice
from lstmcalc.intake.quantities import read_count
from lstmcalc.intake.resolve import MAX_MODULES, read_subjects

_MOST: Final = 400  # LSTMs in a whole report with formulas, each of which takes some 20 ms


def _run(typed: TypedFlags) -> Outcome:
    """MACs, FLOPs and memory, for inference and for training, each with its formula.

    Exact for padded, packed and unbatched data. What PyTorch allocates is told for its own CPU kernels, by which of
    them applies; estimates say how far they were off.
    """
    optimizer, limits, rate = read_optimizer(typed["optimizer"]), read_limits(typed), _rate(typed)
    if typed["train"] and typed["inference"]:
        raise ContradictionError("contradictory passes", "one of the two", where="--train and --inference")
    whole = bool(typed["full"]) or style_of(typed) == "markdown"
    subjects, quantize = read_subjects(typed, "pytorch", most=_MOST if whole else MAX_MODULES), _scheme(typed)
    mode = "training" if typed["train"] else "inference" if typed["inference"] else ""
    grad = bool(typed["input_grad"])
    report = cost_report(subjects, optimizer, input_grad=grad, quantize=quantize, rate=rate, mode=mode)
    over = over_limits(limits, subjects, train=bool(typed["train"]), optimizer=optimizer, input_grad=grad)
    report.modules[-1].notes.extend(over)
    return outcome(report, typed, ExitCode.FAILED if over else ExitCode.OK)


def _rate(typed: TypedFlags) -> int | None:
    """The steps per second of `--rate`."""
    text = typed["rate"]
    rate = None if text is None else read_count("--rate", str(text))
    if rate == 0:
        raise UsageError("rate is out of range", "at least 1 step per second", "0", where="--rate")
    return rate


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

RATE: Final = Flag("rate", ("--rate",), (), "NUMBER", "Steps per second, e.g. 48000, for MACs per second")

COMMAND: Final = Command(
    _run,
    """
    lstmcalc cost --hidden 20 --layers 2 --bi
    lstmcalc cost --input 128 --hidden 512 --layers 2 --seq 200 --batch 32 --optimizer adamw
    lstmcalc cost --hidden 20 --quantize pytorch-dynamic
    lstmcalc cost model.pt --rate 48000 --max-macs 1G
    lstmcalc cost "nn.LSTM(80, 320, 3, bidirectional=True)" --lengths 120,95,40 --json
    """,
    panels({"Cost": (TRAIN, INFERENCE, OPTIMIZER, INPUT_GRAD, QUANTIZE, RATE), "Limits": LIMITS}),
)
