"""convert: its flags, and what it runs."""

import gc
from dataclasses import replace
from typing import Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, style_of
from lstmcalc.commands.run.command import RUN, read_seed
from lstmcalc.errors import ExitCode, UsageError
from lstmcalc.intake.flags import FRAMEWORK_FLAG, Flag, read_framework


def _targets() -> tuple[str, ...]:
    from lstmcalc.writers.registry import target_names

    return target_names()


_OF_RUN: Final = {flag.field: flag for flag in RUN}
CONVERT: Final = (
    Flag("output", ("--output", "-o"), (), "FILE", "The file to write: .pt, .safetensors, .npz, .keras"),
    Flag("to", ("--to",), (), "NAME", "The framework to convert to (default: by the file's name)", _targets),
    Flag("stack", ("--stack",), (), "", "Make one LSTM of several that read one another"),
    Flag("force", ("--force",), (), "", "Replace a file that is there"),
    Flag("no_against", ("--no-against",), (), "", "Do not run the file in the target's own program"),
    Flag("seed", ("--seed",), (), "INT", "Draw the weights of torch.manual_seed(INT), without a weight file"),
    _OF_RUN["recurrent_activation"],
)


def _run(typed: TypedFlags) -> Outcome:
    """Write an LSTM as a file of another framework, and prove it before the file is left.

    What was written is read back, computed on random data with random states, and run in the target's own program where
    that is installed. If it does not give the source's numbers, no file is left, and the exit code is 1.
    """
    from lstmcalc.commands.convert.making import check_output, made_file
    from lstmcalc.commands.convert.report import Made, convert_report
    from lstmcalc.commands.convert.taking import merge_note, stack_of, take
    from lstmcalc.report.progress import shown_progress
    from lstmcalc.writers.registry import SUFFIXES, find_target
    from lstmcalc.writers.target import Asked

    style_of(typed)
    if typed["output"] is None:
        raise UsageError("no file to write is named", "--output FILE", hint="see lstmcalc convert -h")
    path, to = str(typed["output"]), _framework(typed)
    target = find_target(path, to)
    check_output(path, SUFFIXES, force=bool(typed["force"]))
    gc.enable()
    seed = None if typed["seed"] is None else read_seed(typed)
    with shown_progress("reading"):
        taken = take(typed, seed)
    lstms = [stack_of(taken.lstms)] if typed["stack"] and len(taken.lstms) > 1 else list(taken.lstms)
    if len(lstms) > 1 and not target.several:
        names = ", ".join(lstm.name for lstm in lstms[:4])
        hint = "--stack makes one of those that read one another"
        raise UsageError(f"a file of {target.title} has one LSTM", "--module NAME", names, hint, "--module")
    asked = Asked(path)
    target.check(lstms, asked)
    notes = [*taken.notes, *target.notes(lstms)]
    with shown_progress("proving"):
        proof = made_file(target, lstms, asked, run=not typed["no_against"])
    left = [note for subject in taken.subjects for note in merge_note(subject)]
    made = Made(path, target.framework, target.title, proof, notes, left, target.load(lstms, asked))
    functions = [lstm.activations.functions for lstm in taken.lstms]
    subjects = [
        subject._replace(data=replace(subject.data, dtype=next(iter(lstm.weights.values())).dtype.name))
        for subject, lstm in zip(taken.subjects, taken.lstms, strict=True)
    ]
    report = convert_report(subjects, functions, made)
    return outcome(report, typed, ExitCode.OK if proof.holds else ExitCode.FAILED)


def _framework(typed: TypedFlags) -> str:
    """The framework of --to; empty without it."""
    from lstmcalc.writers.registry import OTHERS

    text = typed["to"]
    if text is None:
        return ""
    return str(text).lower() if str(text).lower() in OTHERS else read_framework("--to", str(text))


COMMAND: Final = Command(
    _run,
    """
    lstmcalc convert model.h5 -o lstm.pt
    lstmcalc convert checkpoint.ckpt --module encoder.rnn -o lstm.keras
    lstmcalc convert model.pt --to flax-linen -o lstm.npz
    lstmcalc convert --input 28 --hidden 128 --seed 0 -o lstm.safetensors
    """,
    panels({"Convert": CONVERT, "Output": (FRAMEWORK_FLAG,)}),
)
