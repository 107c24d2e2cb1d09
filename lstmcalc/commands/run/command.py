"""run: its flags, and what it runs."""

import gc
from collections.abc import Iterator, Sequence
from math import inf, prod
from typing import TYPE_CHECKING, Final

from lstmcalc.commands._flags import panels
from lstmcalc.commands._output import Command, Outcome, TypedFlags, outcome, style_of
from lstmcalc.commands.run.chunks import check_streams, chunks_note, in_chunks, read_chunks
from lstmcalc.commands.run.expected import EXPECT, held_against, read_expected_flags
from lstmcalc.commands.run.report import check_trace, run_report
from lstmcalc.errors import ExitCode, TooLargeError, UnsupportedError, UsageError, harmless, shorten, shown_name
from lstmcalc.intake.computable import check_computable, settled_activations, uncomputed
from lstmcalc.intake.flags import (
    LSTM_FLAGS,
    Flag,
    items_of,
    read_choice,
    read_integer,
)
from lstmcalc.intake.resolve import read_subjects
from lstmcalc.intake.subject import Subject
from lstmcalc.readers.files.given import given
from lstmcalc.spec.activations import GATES, PYTORCH, STATE_CLIPS, Activations
from lstmcalc.spec.words import counted

if TYPE_CHECKING:
    from lstmcalc.proof.closeness import Check
    from lstmcalc.proof.given import Provided
    from lstmcalc.proof.result import Run
    from lstmcalc.proof.timing import Timing
    from lstmcalc.readers.data import DataFile

JUDGES: Final = ("pytorch", "onnxruntime", "keras")

_NAMED: Final = 4  # LSTMs in an error
JUDGES_TOO: Final = {"torch": "pytorch"}  # of the aliases of frameworks, that of a judge

RUN: Final = (
    Flag("seed", ("--seed",), (), "INT", "Draw the numbers of torch.manual_seed(INT) (default 0)"),
    Flag(
        "against",
        ("--against",),
        (),
        "NAME,...",
        "Compare with pytorch (torch), onnxruntime, keras",
        (*JUDGES, *JUDGES_TOO),
        repeats=True,
    ),
    Flag(
        "recurrent_activation",
        ("--recurrent-activation",),
        (),
        "NAME",
        "Gate function where a Keras file does not state it",
        GATES,
    ),
    Flag(
        "cell_clip",
        ("--cell-clip",),
        (),
        "NUMBER",
        "Keep c within -NUMBER and NUMBER, as cells of ELMo and TensorFlow do",
    ),
    Flag("proj_clip", ("--proj-clip",), (), "NUMBER", "Keep h within -NUMBER and NUMBER, after the projection"),
    Flag("as_lstm", ("--as-lstm",), (), "", "Compute the plain LSTM, without what else its source has"),
    Flag("save", ("--save",), (), "FILE.npz", "Keep weights, input and outputs"),
    Flag("show", ("--show",), (), "", "Print weights, input and outputs as PyTorch prints tensors"),
    Flag("trace", ("--trace",), (), "", "Show i, f, g, o, c and h of every step; keep them with --save"),
    Flag(
        "chunks",
        ("--chunks",),
        (),
        "INT,...",
        "Compute in chunks of so many steps too, repeated to the end, and compare with one pass",
        repeats=True,
    ),
    Flag("repeat", ("--repeat",), (), "INT", "Time this many calls, and of each framework of --against in turn"),
    Flag("threads", ("--threads",), (), "INT", "Threads for each when timed (default 1)"),
)

RUN_LSTM: Final = tuple(
    flag._replace(metavar="INT|FILE", help=f"{flag.help}, or data: .npy, or .npz with input")
    if flag.field == "input_size"
    else flag
    for flag in LSTM_FLAGS
)


def _run(typed: TypedFlags) -> Outcome:
    """Compute the LSTM on random numbers, or on yours, and check every prediction.

    Weights and data are those that PyTorch draws after torch.manual_seed(SEED), by the code that is shown; those of a
    weight file are its own, and so are the data of --input FILE. With --expect your own numbers are compared too, and
    the mistake is named that explains a difference. The exit code is 0 if every check holds, and 1 if one fails.
    """
    style, seed, save, against = style_of(typed), read_seed(typed), typed["save"], _against(typed)
    traced, (repeat, threads), sizes = bool(typed["trace"]), _repeated(typed), read_chunks(typed["chunks"])
    typed, own_data = _own_data(typed)
    expected = read_expected_flags(typed, given=own_data is not None)
    subjects = read_subjects(typed, "pytorch", data=own_data)
    _check_asked(subjects, alone=bool(expected), chunked=bool(sizes), listed=traced and style in ("json", "csv"))
    functions = _functions(typed, subjects)
    gc.enable()  # off since the start; from here on there is work that may leave garbage
    from lstmcalc.proof.given import read_given
    from lstmcalc.proof.sensitivity import rounding_notes
    from lstmcalc.report.progress import Tally, shown_progress
    from lstmcalc.writing import check_target

    if save is not None:
        check_target(str(save))
    paths = [f"{harmless(subject.name)}." if len(subjects) > 1 else "" for subject in subjects]
    kept = "run.npz" if save is None else str(save)
    with shown_progress("reading") as bar:
        tally = Tally(sum(_stored_numbers(subject) for subject in subjects), bar)
        parts = [
            read_given(subject, own_data, path=path, saved=kept, counted=tally.counted)
            for subject, path in zip(subjects, paths, strict=True)
        ]
    subjects = [part.subject for part in parts]
    runs = [
        _computed(part, activations, seed, against, traced=traced, chunked=bool(sizes))
        for part, activations in zip(parts, functions, strict=True)
    ]
    for subject, result in zip(subjects, runs, strict=True):
        result.checks.extend(_in_memory(typed, subject, result))
    streams = [in_chunks(subject, result, sizes) for subject, result in zip(subjects, runs, strict=True)]
    held = None
    if expected:
        with shown_progress("searching") as progress:
            held = held_against(subjects[0], runs[0], expected, progress)
        runs[0].checks.extend(held[1])
    timings = _timings(subjects, runs, against, repeat, threads) if repeat else []
    given = [part.given for part in parts]
    report = run_report(subjects, runs, seed, show=bool(typed["show"]), timings=timings, given=given)
    if held:
        report.modules[0].expect = held[0]
        report.modules[0].notes.extend(held[2])
    for module, subject, part, result, row in zip(report.modules, subjects, parts, runs, streams, strict=True):
        module.chunks = row
        module.notes.extend((*part.notes, *rounding_notes(result.noise), *_left_out(module.name, subject)))
        module.notes.extend(chunks_note(subject, sizes))
    if save is not None:
        report.modules[-1].notes.append(_saved_note(str(save), subjects, runs, paths))
    code = ExitCode.OK if all(result.passed for result in runs) else ExitCode.FAILED
    return outcome(report, typed, code)


def _computed(
    part: "Provided", activations: Activations, seed: int, against: Sequence[str], *, traced: bool, chunked: bool
) -> "Run":
    """The run of one LSTM, with a progress bar."""
    from lstmcalc.proof import run as verify
    from lstmcalc.report.progress import shown_progress

    subject = part.subject
    with shown_progress("computing") as progress:
        return verify.run(
            subject.config,
            subject.data,
            seed,
            against,
            around=subject.around,
            traced=traced,
            progress=progress,
            weights=part.weights,
            inputs=part.inputs,
            activations=activations,
            chunked=chunked,
        )


def _check_asked(subjects: Sequence[Subject], *, alone: bool, chunked: bool, listed: bool) -> None:
    """Refuse what these LSTMs cannot be asked for: one answer of several, chunks, a list of every step."""
    if alone:
        _check_one(subjects)
    _check_many(subjects)
    if chunked:
        check_streams(subjects)
    if listed:
        check_trace(subjects)


def _check_one(subjects: Sequence[Subject]) -> None:
    """Refuse several LSTMs: the numbers of a port are those of one."""
    if len(subjects) > 1:
        names = ", ".join(subject.name for subject in subjects[:_NAMED])
        raise UsageError("your numbers are those of one LSTM", "--module NAME", names, where="--expect")


_WORK: Final = 5000  # milliseconds that the LSTMs of one command may take together, about
_EACH: Final = 10  # of them for an LSTM, and one more for each direction of each layer


def _check_many(subjects: Sequence[Subject]) -> None:
    """Refuse more LSTMs than are computed in a few seconds; one alone may take as long as it needs."""
    work = sum(_EACH + subject.config.num_layers * subject.config.num_directions for subject in subjects)
    if len(subjects) == 1 or work <= _WORK:
        return
    first = ",".join(subject.name for subject in subjects[:2])
    raise TooLargeError(
        f"run does not compute {len(subjects):,} LSTMs in one command",
        expected=f"at most {_WORK // (_EACH + 1):,}, and fewer with many layers",
        found=f"{counted(sum(subject.config.num_layers for subject in subjects), 'layer')} in all",
        hint=f"--module {first} computes some of them; shapes, params and cost answer for all",
    )


def _in_memory(typed: TypedFlags, subject: Subject, result: "Run") -> Iterator["Check"]:
    """The comparisons with models in memory."""
    for name in items_of(typed["against"]):
        held = given(name)
        if held is None or not result.finite:
            continue
        from lstmcalc.proof.checks import check_verdict
        from lstmcalc.proof.in_memory import verdict_of

        verdict = verdict_of(name, held, subject.name, subject.config, subject.data, result.inputs)
        yield from check_verdict(verdict, subject.config, subject.data, result)


def _left_out(name: str, subject: Subject) -> list[str]:
    """Notes on what an LSTM stores and what is computed has not."""
    return [f"--as-lstm leaves out {item}: what {name} computes is something else" for item in uncomputed(subject)]


def _stored_numbers(subject: Subject) -> int:
    """The count of numbers that a file has for the weights of an LSTM."""
    weights = subject.found.weights if subject.found else None
    if weights is None or (weights.file is not None and not weights.file.has_numbers):
        return 0
    return sum(prod(tensor.shape) for tensor in weights.tensors.values())


def _functions(typed: TypedFlags, subjects: Sequence[Subject]) -> list[Activations]:
    """The functions that each LSTM computes; refused if they are not known, or cannot be computed."""
    given = typed["recurrent_activation"]
    word = "" if given is None else read_choice("--recurrent-activation", str(given), GATES)
    for subject in () if typed["as_lstm"] else subjects:
        check_computable(subject)
    cell_clip, proj_clip = (_clip(f"--{name.replace('_', '-')}", typed[name]) for name in STATE_CLIPS)
    functions = [settled_activations(subject, word) for subject in subjects]
    functions = [
        each._replace(cell_clip=cell_clip or each.cell_clip, proj_clip=proj_clip or each.proj_clip)
        for each in functions
    ]
    if typed["repeat"] is not None and any(each != PYTORCH for each in functions):
        raise UnsupportedError("only sigmoid and tanh are timed", str(PYTORCH), str(functions[0]), where="--repeat")
    return functions


def _clip(flag: str, text: object) -> float | None:
    """The bound that a flag gives; None without one."""
    if text is None:
        return None
    try:
        bound = float(str(text))
    except ValueError:
        bound = 0.0
    if not 0 < bound < inf:
        raise UsageError("this is not a bound", "a number above 0", shorten(str(text)), where=flag)
    return bound


def _saved_note(save: str, subjects: Sequence[Subject], runs: Sequence["Run"], paths: Sequence[str]) -> str:
    """A note on the file in which the arrays of all runs have been saved; their names begin with `paths`."""
    from lstmcalc.proof.run import saved_arrays
    from lstmcalc.writers.npz import save_arrays

    arrays = {
        f"{path}{name}": array
        for subject, result, path in zip(subjects, runs, paths, strict=True)
        for name, array in saved_arrays(subject.config, subject.data, result).items()
    }
    save_arrays(save, arrays)
    return f"saved {len(arrays)} arrays to {shown_name(save)}"


def _timings(
    subjects: Sequence[Subject], runs: Sequence["Run"], against: Sequence[str], repeat: int, threads: int
) -> list["Timing"]:
    """The calls of each LSTM, timed with the numbers of its run."""
    from lstmcalc.proof.timing import time_calls
    from lstmcalc.report.progress import shown_progress

    timings = []
    for subject, result in zip(subjects, runs, strict=True):
        with shown_progress("timing") as progress:
            numbers = result.weights, result.inputs, against
            timings.append(
                time_calls(subject.config, subject.data, *numbers, repeat=repeat, threads=threads, progress=progress)
            )
    return timings


def _own_data(typed: TypedFlags) -> tuple[TypedFlags, "DataFile | None"]:
    """The flags without --input where that is a file, and the file."""
    from lstmcalc.readers.data import is_data, open_data

    name = typed["input_size"]
    if not isinstance(name, str) or not is_data(name):
        return typed, None
    return {**typed, "input_size": None}, open_data(name)


def _against(typed: TypedFlags) -> list[str]:
    """The frameworks to compare with, each once."""
    named = (name for name in items_of(typed["against"]) if given(name) is None)
    known = (read_choice("--against", name, JUDGES, JUDGES_TOO) for name in named)
    judges = list(dict.fromkeys(JUDGES_TOO.get(name, name) for name in known))
    if "keras" in judges and typed["repeat"] is not None:
        raise UsageError(
            "keras is not timed",
            expected="frameworks that can be held to a number of threads: pytorch, onnxruntime",
            where="--against and --repeat",
        )
    return judges


def _repeated(typed: TypedFlags) -> tuple[int, int]:
    """The number of calls to time, 0 for none, and the threads that each may use."""
    if typed["repeat"] is None and typed["threads"] is not None:
        raise UsageError("nothing is timed", expected="--repeat too", where="--threads")
    numbers = []
    for name, most in (("repeat", 10**6), ("threads", 1024)):
        number = None if typed[name] is None else read_integer(f"--{name}", str(typed[name]))
        if number is not None and not 1 <= number <= most:
            raise UsageError(
                "number is out of range", expected=f"1 to {most:,}", found=f"{number:,}", where=f"--{name}"
            )
        numbers.append(number)
    return numbers[0] or 0, numbers[1] or 1


def read_seed(typed: TypedFlags) -> int:
    """The seed: what `torch.manual_seed` takes, a signed or unsigned 64-bit integer."""
    if typed["seed"] is None:
        return 0
    seed = read_integer("--seed", str(typed["seed"]))
    if not -(2**63) <= seed < 2**64:
        raise UsageError("seed is out of range", expected="-2**63 <= seed < 2**64", found=f"{seed:,}", where="--seed")
    return seed


COMMAND: Final = Command(
    _run,
    """
    lstmcalc run --seed 0
    lstmcalc run --hidden 20 --layers 2 --bi --lengths 4,2,3
    lstmcalc run --input 28 --hidden 128 --against torch --save run.npz
    lstmcalc run --hidden 128 --batch 64 --repeat 20 --against torch
    lstmcalc run model.safetensors --input x.npy --save run.npz
    lstmcalc run model.safetensors --input x.npy --expect y.npy --framework onnx
    lstmcalc run --hidden 20 --seq 100 --chunks 1,7,3
    """,
    panels({"LSTM": RUN_LSTM, "Run": RUN, "Your numbers": EXPECT}),
)
