"""convert: its flags, and what it runs."""

import gc
from functools import partial
from typing import TYPE_CHECKING, Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, style_of
from lstmcalc.commands.run.command import RUN, read_seed
from lstmcalc.errors import ContradictionError, ExitCode, UsageError
from lstmcalc.intake.flags import FRAMEWORK_FLAG, Flag, read_framework, read_integer
from lstmcalc.report.progress import shown_progress
from lstmcalc.writers.registry import OTHERS, SUFFIXES, container_of, find_target, target_names

if TYPE_CHECKING:
    from lstmcalc.commands.convert.report import Made
    from lstmcalc.commands.convert.taking import Taken
    from lstmcalc.writers.target import Asked, Target


_OF_RUN: Final = {flag.field: flag for flag in RUN}
CONVERT: Final = (
    Flag("output", ("--output", "-o"), (), "FILE", "The file to write: .pt, .safetensors, .npz, .keras, .onnx, .h"),
    Flag("to", ("--to",), (), "NAME", "The framework to convert to (default: by the file's name)", target_names),
    Flag("into", ("--into",), (), "FILE", "Put it into a copy of this file, in place of its own LSTM"),
    Flag("into_module", ("--into-module",), (), "NAME,...", "Which LSTM of that file", repeats=True),
    Flag("keep_others", ("--keep-others",), (), "", "Take the source's other tensors along, under their names"),
    Flag("stack", ("--stack",), (), "", "Make one LSTM of several that read one another"),
    Flag("stateful", ("--stateful",), (), "", "ONNX whose states go in and come out, to stream with"),
    Flag("steps", ("--steps",), (), "INT", "With --stateful: the fixed number of steps of a call"),
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
    from lstmcalc.commands.convert.making import check_output
    from lstmcalc.commands.convert.report import convert_report
    from lstmcalc.commands.convert.stacking import in_stack_order
    from lstmcalc.commands.convert.taking import is_graph, take, take_as_it_is

    style_of(typed)
    if typed["output"] is None:
        raise UsageError("no file to write is named", "--output FILE", hint="see lstmcalc convert -h")
    path, into = str(typed["output"]), typed["into"] is not None
    if into and typed["keep_others"]:
        raise UsageError(
            "the file it is put into has other tensors", "one of the two", where="--into and --keep-others"
        )
    if typed["into_module"] is not None and not into:
        raise UsageError("there is no file to put it into", "--into FILE too", where="--into-module")
    target = None if into else find_target(path, _framework(typed))
    check_output(path, ("",) if target is None else SUFFIXES, force=bool(typed["force"]))
    asked = _asked(typed, path, target)
    gc.enable()
    seed = None if typed["seed"] is None else read_seed(typed)
    if asked.stateful and is_graph(typed["source"]):
        taken = take_as_it_is(typed)
        made = _with_states(typed, asked)
    else:
        with shown_progress("reading") as progress:
            taken = take(typed, seed, progress)
        if typed["stack"] and len(taken.lstms) > 1:
            taken = in_stack_order(taken, typed["module"])
        make = _into if target is None else _rescued if typed["keep_others"] else _converted
        made = make(typed, asked, target, taken)
    report = convert_report(taken, made)
    return outcome(report, typed, ExitCode.OK if made.proof.holds else ExitCode.FAILED)


def _asked(typed: TypedFlags, path: str, target: "Target | None") -> "Asked":
    """The request to a writer, from the flags."""
    from lstmcalc.writers.target import Asked

    stateful, steps = bool(typed["stateful"]), typed["steps"]
    if steps is not None and not stateful:
        raise UsageError("steps are fixed of a graph with states", "--stateful too", where="--steps")
    if stateful and (target is None or target.framework != "onnx" or target.suffixes != (".onnx",)):
        raise UsageError("states go in and come out of a graph of ONNX", "-o FILE.onnx", where="--stateful")
    fixed = None if steps is None else read_integer("--steps", str(steps))
    if fixed is not None and fixed < 1:
        raise UsageError("number is out of range", "1 or more", f"{fixed:,}", where="--steps")
    return Asked(path, stateful, fixed)


def _with_states(typed: TypedFlags, asked: "Asked") -> "Made":
    """A copy of a graph of ONNX whose LSTMs have their states as inputs and outputs."""
    from lstmcalc.commands.convert.graph import made_stateful
    from lstmcalc.commands.convert.report import Made

    with shown_progress("proving"):
        proof, graph, sentence = made_stateful(str(typed["source"]), asked, run=not typed["no_against"])
    states = [f"{enters} goes in, {leaves} comes out" for enters, leaves in graph.states]
    return Made(asked.path, "onnx", "ONNX", proof, [*states, sentence], graph.notes, graph.load)


def _converted(typed: TypedFlags, asked: "Asked", target: "Target | None", taken: "Taken") -> "Made":
    """A new file of the LSTMs."""
    assert target is not None  # noqa: S101  # only `_into` has none
    from lstmcalc.commands.convert.making import made_file
    from lstmcalc.commands.convert.report import Made
    from lstmcalc.commands.convert.stacking import stack_note, stack_of
    from lstmcalc.commands.convert.taking import left_out

    stacks = typed["stack"] and len(taken.lstms) > 1
    lstms = [stack_of(taken.lstms)] if stacks else list(taken.lstms)
    if len(lstms) > 1 and not target.several:
        names = ", ".join(lstm.name for lstm in lstms[:4])
        hint = "--stack makes one of those that read one another"
        raise UsageError(f"a file of {target.title} has one LSTM", "--module NAME", names, hint, "--module")
    target.check(lstms, asked)
    with shown_progress("proving"):
        proof = made_file(target, lstms, asked, run=not typed["no_against"])
    told = [stack_note([lstm.name for lstm in taken.lstms])] if stacks else []
    changes = [*taken.notes, *told, *target.notes(lstms)]
    return Made(asked.path, target.framework, target.title, proof, changes, left_out(taken), target.load(lstms, asked))


def _rescued(typed: TypedFlags, asked: "Asked", target: "Target | None", taken: "Taken") -> "Made":
    """A new file of the LSTMs and of the other tensors of the source."""
    from lstmcalc.commands.convert.making import Work, made_with_others, read_alike
    from lstmcalc.commands.convert.others import compared_others, keep
    from lstmcalc.commands.convert.report import Made

    assert target is not None  # noqa: S101  # as above
    _check_alone(typed)
    kept = keep(taken, target.framework, container_of(asked.path))
    asked = asked._replace(beside=kept.entries)
    named = zip(taken.lstms, kept.prefixes, strict=True)
    lstms = [lstm._replace(name=prefix.removesuffix(".")) for lstm, prefix in named]
    target.check(lstms, asked)
    frameworks = [subject.found.framework if subject.found else target.framework for subject in taken.subjects]
    alone = set(frameworks) == {target.framework}
    target = target._replace(
        read=partial(read_alike, frameworks=frameworks),  # as the source is read: it has the same names
        run=target.run if alone else None,  # of cells, nothing but their names is known there
    )
    with shown_progress("copying") as progress:
        work = Work(2 * sum(entry.nbytes for entry in kept.entries), progress)
        compared = partial(compared_others, kept, work)
        proof = made_with_others(target, lstms, asked, compared, work, run=not typed["no_against"])
    changes, lines = [*taken.notes, *kept.changes], target.load(lstms, asked)
    return Made(asked.path, target.framework, target.title, proof, changes, kept.left_out, lines)


def _check_alone(typed: TypedFlags) -> None:
    """Refuse what a whole state dict cannot be given."""
    for field, flag in (("dtype", "--dtype"), ("module", "--module"), ("stack", "--stack")):
        if typed[field]:
            expected = f"{flag} for the LSTM alone"
            raise UsageError("the whole state dict is copied as it is", expected, where=f"--keep-others and {flag}")


def _into(typed: TypedFlags, asked: "Asked", _target: "Target | None", taken: "Taken") -> "Made":
    """A copy of a file, with the LSTMs in place of its own."""
    from lstmcalc.commands.convert.into import made_into, plan_of
    from lstmcalc.commands.convert.into_lines import into_lines
    from lstmcalc.commands.convert.report import Made
    from lstmcalc.commands.convert.taking import left_out
    from lstmcalc.frameworks.storage import find_layout

    plan = plan_of(typed, _framework(typed), taken.lstms)
    with shown_progress("copying") as progress:
        proof = made_into(asked.path, plan, progress, run=not typed["no_against"])
    framework = plan.places[0].found.framework
    changes, lines = [*taken.notes, *plan.notes], into_lines(asked.path, [place.found for place in plan.places])
    return Made(asked.path, framework, find_layout(framework).title, proof, changes, left_out(taken), lines)


def _framework(typed: TypedFlags) -> str:
    """The framework of --to, or else of --framework; empty without both."""
    named = {flag: str(typed[field]) for field, flag in (("to", "--to"), ("framework", "--framework")) if typed[field]}
    read = [text.lower() if text.lower() in OTHERS else read_framework(flag, text) for flag, text in named.items()]
    if len(set(read)) > 1:
        raise ContradictionError(
            "two frameworks to convert to", "one of the two", " and ".join(read), where="--framework"
        )
    return read[0] if read else ""


COMMAND: Final = Command(
    _run,
    """
    lstmcalc convert model.h5 -o lstm.pt
    lstmcalc convert checkpoint.ckpt --module encoder.rnn -o lstm.keras
    lstmcalc convert model.pt --to flax-linen -o lstm.npz
    lstmcalc convert model.onnx --stateful -o streaming.onnx
    lstmcalc convert model.pt -o lstm.h
    lstmcalc convert --input 28 --hidden 128 --seed 0 -o lstm.safetensors
    """,
    panels({"Convert": CONVERT, "Output": (FRAMEWORK_FLAG,)}),
)
