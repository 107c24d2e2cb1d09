"""The commands: their options, what each of them calls, one place to catch, one exit code."""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from importlib import import_module
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from lstmcalc.application import Application, TypedFlags
from lstmcalc.errors import ExitCode, LstmcalcError, UnsupportedError, UsageError, shorten
from lstmcalc.intake import flags as parse
from lstmcalc.intake.flags import AROUND_FLAGS, DATA_FLAGS, DTYPE_FLAG, FRAMEWORK_FLAG, LSTM_FLAGS, SOURCE_FLAGS, Flag
from lstmcalc.intake.resolve import check_computable, read_subjects
from lstmcalc.intake.subject import Subject
from lstmcalc.model.lstm import GATES
from lstmcalc.report.document import FORMATS
from lstmcalc.report.tree import TOPICS, Tree

if TYPE_CHECKING:
    from lstmcalc.proof.checks import Run
    from lstmcalc.proof.timing import Timing
    from lstmcalc.readers.data import DataFile
    from lstmcalc.report.blocks import Block

GATE_NAMES: Final = {key: gate.letter for gate in GATES for key in (gate.letter, gate.name)}
JUDGES: Final = ("pytorch", "onnxruntime", "keras")
JUDGES_TOO: Final = {"torch": "pytorch"}  # of the aliases of frameworks, that of a judge

OUTPUT: Final = (
    Flag("format", ("--format",), (), "NAME", f"{', '.join(FORMATS)} (default table)", FORMATS),
    Flag("json", ("--json",), (), "", "Short for --format json"),
)
GATE: Final = Flag("gate", ("--gate",), (), "i|f|g|o", "One gate only, with slices to paste", tuple(GATE_NAMES))
TOPIC: Final = Flag(
    "topic", ("--topic",), (), "NAME,...", f"Of {', '.join(TOPICS)} (default all)", TOPICS, repeats=True
)
ONLY: Final = Flag("only", ("--only",), (), "NAME,...", "These in depth, with recipes from the first to the others")
RUN: Final = (
    Flag("seed", ("--seed",), (), "INT", "Draw the numbers of torch.manual_seed(INT) (default 0)"),
    Flag(
        "against",
        ("--against",),
        (),
        "NAME,...",
        "Compare with pytorch (torch), onnxruntime, keras",
        (*JUDGES, *JUDGES_TOO),
    ),
    Flag("save", ("--save",), (), "FILE.npz", "Keep weights, input and outputs"),
    Flag("show", ("--show",), (), "", "Print weights, input and outputs as PyTorch prints tensors"),
    Flag("trace", ("--trace",), (), "", "Show i, f, g, o, c and h of every step; keep them with --save"),
    Flag("repeat", ("--repeat",), (), "INT", "Time so many calls, and of each framework of --against in turn"),
    Flag("threads", ("--threads",), (), "INT", "Threads that each may use when timed (default 1)"),
)
RUN_LSTM: Final = tuple(
    flag._replace(metavar="INT|FILE", help=f"{flag.help}, or data: .npy, or .npz with input")
    if flag.field == "input_size"
    else flag
    for flag in LSTM_FLAGS
)
FILE: Final = Flag("file", (), (), "FILE", "A weight file: safetensors, PyTorch, NumPy, ONNX or Keras")
STATS: Final = Flag(
    "stats", ("--stats",), (), "", "Read the numbers: min, max, mean, norm, and how many are NaN or Inf"
)

COMPARED: Final = Flag("file", (), (), "FILE", "A weight file, or any SOURCE")
AGAINST: Final = Flag("source", (), (), "SOURCE", "What it is held against; without one, the flags")
ONE_OF_EACH: Final = Flag(
    "module", ("--module", "-m"), (), "NAME", "Of several LSTMs the one of this path; twice: one of each", (), True
)
VALUES: Final = Flag("values", ("--values",), (), "", "Compare the numbers of two weight files too")
TOLERANCE: Final = Flag("tolerance", ("--tolerance",), (), "NUMBER", "How far they may be apart (default 0)")


def _optimizer_names() -> tuple[str, ...]:
    from lstmcalc.costs.optimizers import OPTIMIZERS

    return tuple(OPTIMIZERS)


OPTIMIZER: Final = Flag(
    "optimizer", ("--optimizer",), (), "NAME", "What trains it: sgd, adamw, ... (default adam)", _optimizer_names
)
INPUT_GRAD: Final = Flag("input_grad", ("--input-grad",), (), "", "The input needs a gradient too (default no)")
TRAIN: Final = Flag("train", ("--train",), (), "", "Of a training step (default: of inference)")
UNKNOWN: Final = Flag("unknown", (), (), "UNKNOWN", "hidden, layers, batch or seq")
BUDGETS: Final = (
    Flag("params", ("--params",), (), "AMOUNT", "At most so many parameters, as 1M (10**6)"),
    Flag("macs", ("--macs",), (), "AMOUNT", "At most so many multiply-accumulates, as 1G"),
    Flag("memory", ("--memory",), (), "SIZE", "At most so many bytes, as 2GiB (1024**3) or 2GB (1000**3)"),
)
_LISTED: Final = ("input_size", "hidden_size", "num_layers", "proj_size", "seq_len", "batch", "dtype")
DIRECTIONS: Final = Flag("directions", ("--directions",), (), "LIST", "1, 2 or both: 1,2")
SWEEP: Final = (
    Flag("show", ("--show",), (), "NAME,...", "Of params, weights, macs, flops, memory, saved"),
    Flag("sort", ("--sort",), (), "NAME,...", "By these columns, the smallest first (default: as given)"),
    Flag("reverse", ("--reverse",), (), "", "The largest first"),
    Flag("plot", ("--plot",), (), "FILE", "Draw it too: .svg, .png or .pdf"),
)


# Of these two the example's sizes are held against no file.
_SAID_ALONE: Final = {"input_size": "H_in, features of a step", "hidden_size": "H_cell, cells of a layer"}
MODEL_FLAGS: Final = tuple(
    flag._replace(help=f"{_SAID_ALONE[flag.field]} (default: not compared)") if flag.field in _SAID_ALONE else flag
    for flag in LSTM_FLAGS
)


def _listable(flags: Sequence[Flag]) -> tuple[Flag, ...]:
    """Flags that take several values at once."""
    return tuple(flag._replace(metavar="LIST") if flag.field in _LISTED else flag for flag in flags)


class Outcome(NamedTuple):
    """What a command has to say: a report, how to write it, and the exit code."""

    tree: Tree
    style: str
    code: ExitCode = ExitCode.OK


program = Application[Outcome](
    "lstmcalc",
    "Shapes, parameters and a numerical proof for any LSTM that PyTorch accepts, from hyperparameters alone.",
    """
    lstmcalc shapes --hidden 20 --layers 2 --bi
    lstmcalc shapes "nn.LSTM(10, 20, 2, bidirectional=True)"
    lstmcalc params train.py
    lstmcalc run --seed 0
    """,
)


@program.command(
    """
    lstmcalc shapes --hidden 20 --layers 2 --bi
    lstmcalc shapes --input 28 --hidden 128 --batch-first --seq 28 --batch 64
    lstmcalc shapes --framework keras --hidden 20 --bi
    lstmcalc shapes "nn.LSTM(10, 20, 2, bidirectional=True)" --lengths 4,2,3
    lstmcalc shapes train.py --module encoder --json
    """,
    Source=SOURCE_FLAGS,
    LSTM=LSTM_FLAGS,
    Data=DATA_FLAGS,
    Around=AROUND_FLAGS,
    Output=(FRAMEWORK_FLAG, *OUTPUT),
)
def _shapes(typed: TypedFlags) -> Outcome:
    """Every tensor in and out, and which slice of output each state is.

    What is left out is the example of PyTorch's documentation (input 10, hidden 20, sequence 5, batch 3), and
    PyTorch's own defaults for the rest; the report says which.
    """
    from lstmcalc.commands.shapes.report import shapes_report

    try:
        return Outcome(shapes_report(read_subjects(typed)), _style(typed))
    except UnsupportedError as error:
        raise _placed(error, typed) from None


@program.command(
    """
    lstmcalc params --input 28 --hidden 128
    lstmcalc params --hidden 20 --layers 2 --bi --gate f
    lstmcalc params "keras.layers.LSTM(128)" --input 28
    python train.py | lstmcalc params - --format csv
    """,
    Source=SOURCE_FLAGS,
    LSTM=(*LSTM_FLAGS, DTYPE_FLAG),
    Around=AROUND_FLAGS,
    Output=(FRAMEWORK_FLAG, GATE, *OUTPUT),
)
def _params(typed: TypedFlags) -> Outcome:
    """Every weight and bias with its name, shape, count and gate rows.

    In `state_dict` order, with subtotals by layer and direction, the total, and the total's formula.
    """
    gate = typed["gate"]
    letter = None if gate is None else GATE_NAMES[parse.read_choice("--gate", str(gate), GATE_NAMES)]
    from lstmcalc.commands.params.report import params_report

    try:
        return Outcome(params_report(read_subjects(typed), letter), _style(typed))
    except UnsupportedError as error:
        raise _placed(error, typed) from None


def _placed(error: UnsupportedError, typed: TypedFlags) -> UnsupportedError:
    """What a framework does not take of the data, or of the layers around, with the flags that asked for it."""
    around = [name for field, name in (("head", "--head"), ("embed", "--embed")) if typed[field] is not None]
    named = [f"--framework {typed['framework']}"] if typed["framework"] else []
    return error if error.where else error.at(" and ".join([*around, *named]))


@program.command(
    """
    lstmcalc explain --hidden 20 --layers 2 --bi
    lstmcalc explain --topic packing --lengths 5,3,2
    lstmcalc explain "nn.LSTM(28, 100, batch_first=True)" --topic states,around --head 10
    lstmcalc explain --format markdown > lstm.md
    """,
    Source=SOURCE_FLAGS,
    LSTM=LSTM_FLAGS,
    Data=DATA_FLAGS,
    Around=AROUND_FLAGS,
    Output=(TOPIC, *OUTPUT),
)
def _explain(typed: TypedFlags) -> Outcome:
    """Every equation with its shapes, what each state is, how packing works, what goes around.

    In PyTorch's terms, for the LSTM at hand. Whatever it says of PyTorch's tensors, `lstmcalc run` proves.
    """
    topics = [topic.strip() for text in parse.several(typed["topic"]) for topic in text.split(",")]
    told = list(dict.fromkeys(parse.read_choice("--topic", topic, TOPICS) for topic in topics))
    from lstmcalc.commands.explain.report import explain_report

    return Outcome(explain_report(read_subjects(typed, "pytorch"), told), _style(typed))


@program.command(
    """
    lstmcalc frameworks --hidden 20 --layers 2 --bi
    lstmcalc frameworks --only keras,onnx
    lstmcalc frameworks --only tf1,pytorch --input 28 --hidden 128 --json
    """,
    Source=SOURCE_FLAGS,
    LSTM=LSTM_FLAGS,
    Output=(ONLY, *OUTPUT),
)
def _frameworks(typed: TypedFlags) -> Outcome:
    """How each framework names, orders and stores the LSTM.

    With --only, a few in depth: their arrays side by side, and how to get from the first to each of the others, in
    steps and as NumPy code to paste.
    """
    only = [] if typed["only"] is None else parse.read_frameworks("--only", str(typed["only"]))
    from lstmcalc.commands.frameworks.report import frameworks_report

    try:
        return Outcome(frameworks_report(read_subjects(typed, "pytorch"), only), _style(typed))
    except UnsupportedError as error:
        raise error.at("--proj and --only" if typed["proj_size"] is not None else "--only") from None


@program.command(
    """
    lstmcalc cost --hidden 20 --layers 2 --bi
    lstmcalc cost --input 128 --hidden 512 --layers 2 --seq 200 --batch 32 --optimizer adamw
    lstmcalc cost "nn.LSTM(80, 320, 3, bidirectional=True)" --lengths 120,95,40 --json
    """,
    Source=SOURCE_FLAGS,
    LSTM=LSTM_FLAGS,
    Data=DATA_FLAGS,
    Around=AROUND_FLAGS,
    Cost=(OPTIMIZER, INPUT_GRAD),
    Output=OUTPUT,
)
def _cost(typed: TypedFlags) -> Outcome:
    """MACs, FLOPs and memory, for inference and for training, each with its formula.

    Exact for padded, packed and unbatched data. What PyTorch allocates is told for its own CPU kernels, by which of
    them applies; estimates say how far they were off.
    """
    from lstmcalc.commands._training import read_optimizer
    from lstmcalc.commands.cost.report import cost_report

    optimizer = read_optimizer(typed["optimizer"])
    subjects = read_subjects(typed, "pytorch")
    return Outcome(cost_report(subjects, optimizer, input_grad=bool(typed["input_grad"])), _style(typed))


@program.command(
    """
    lstmcalc solve hidden --params 1M --input 128
    lstmcalc solve batch --memory 2GiB --train --input 128 --hidden 512 --layers 2 --seq 200
    lstmcalc solve hidden "nn.LSTM(128, 256, 2)" --params 1M --macs 100M
    """,
    Unknown=(UNKNOWN,),
    Source=SOURCE_FLAGS,
    LSTM=LSTM_FLAGS,
    Data=DATA_FLAGS,
    Around=AROUND_FLAGS,
    Budget=(*BUDGETS, TRAIN, OPTIMIZER, INPUT_GRAD),
    Output=OUTPUT,
)
def _solve(typed: TypedFlags) -> Outcome:
    """The largest hidden size, batch, sequence length or number of layers within a budget.

    Memory is that of inference on PyTorch's CPU kernels, or with --train that of a training step. Several budgets are
    kept all at once.
    """
    from lstmcalc.commands.solve.report import question_of, solve_report

    question = question_of(typed)
    subjects = read_subjects(typed, "pytorch", unknown=question.unknown)
    return Outcome(solve_report(subjects, question), _style(typed))


@program.command(
    """
    lstmcalc sweep --hidden 64,128,256 --layers 1:4
    lstmcalc sweep --hidden 64:512:64 --batch 1,8,64 --show macs,memory --sort memory --train
    lstmcalc sweep --input 40 --hidden 128:1024:128 --directions 1,2 --format csv --plot sizes.svg
    """,
    Source=SOURCE_FLAGS,
    LSTM=(*_listable(LSTM_FLAGS), DIRECTIONS),
    Data=_listable(DATA_FLAGS),
    Around=AROUND_FLAGS,
    Sweep=(*SWEEP, TRAIN, OPTIMIZER, INPUT_GRAD),
    Output=OUTPUT,
)
def _sweep(typed: TypedFlags) -> Outcome:
    """Every combination of sizes in one table, or as a picture.

    A LIST is 64,128,256 or a range with both its ends, 1:4 or 64:512:64. Up to a million combinations.
    """
    style = _style(typed)
    from lstmcalc.commands.sweep.report import request_of, sweep_report
    from lstmcalc.report.progress import ProgressBar

    plot = typed["plot"]
    request, base = request_of(typed)
    subjects = read_subjects(base, "pytorch", varied=True)
    if plot is not None:
        from lstmcalc.commands.sweep.plots import check_plot, draw_sweep

        check_plot(str(plot))
    with ProgressBar("computing") if ProgressBar.wanted() else nullcontext() as progress:
        tree = sweep_report(subjects, request, progress)
    if plot is not None:
        draw_sweep(tree, str(plot))
        tree["modules"][-1]["notes"].append(f"drew {_shown_name(str(plot))}")
    return Outcome(tree, style)


@program.command(
    """
    lstmcalc ls model.safetensors
    lstmcalc ls checkpoint.pt --module encoder --stats
    lstmcalc ls model.npz --format csv > tensors.csv
    """,
    File=(FILE, SOURCE_FLAGS[1]),
    Output=(STATS, *OUTPUT),
)
def _ls(typed: TypedFlags) -> Outcome:
    """Every tensor of a weight file: its name, the LSTM it is of, dtype, shape, count and bytes.

    Only the file's index is read, and with --stats its numbers too.
    """
    if typed["file"] is None:
        raise UsageError("no file is named", expected="a weight file, as model.safetensors", hint="see lstmcalc ls -h")
    from lstmcalc.commands.ls.report import ls_report

    style = _style(typed)
    return Outcome(ls_report(str(typed["file"]), parse.several(typed["module"]), stats=bool(typed["stats"])), style)


@program.command(
    """
    lstmcalc diff model.pt "nn.LSTM(10, 20, 2, bidirectional=True)"
    lstmcalc diff checkpoint.ckpt --module encoder.rnn --hidden 256 --layers 2
    lstmcalc diff before.safetensors after.safetensors --values --tolerance 1e-6
    """,
    Compared=(COMPARED, AGAINST, ONE_OF_EACH, SOURCE_FLAGS[2]),
    LSTM=MODEL_FLAGS,
    Output=(VALUES, TOLERANCE, *OUTPUT),
)
def _diff(typed: TypedFlags) -> Outcome:
    """Whether a weight file fits an LSTM, and if not, why: settings, tensors, the likely cause.

    In the words of PyTorch's load_state_dict. Settings that are not in the file are no difference, nor is a dtype; of
    input and hidden size, what the flags do not say is not compared. The exit code is 0 if it fits, and 1 if not.
    """
    style, tolerance = _style(typed), _tolerance(typed)
    from lstmcalc.commands.diff.report import diff_report

    tree = diff_report(typed, tolerance)
    return Outcome(tree, style, ExitCode.OK if all(module["fits"] for module in tree["modules"]) else ExitCode.FAILED)


def _tolerance(typed: TypedFlags) -> float | None:
    """How far numbers may be apart; None if none are compared."""
    text = typed["tolerance"]
    if text is not None and not typed["values"]:
        raise UsageError("no numbers are compared", expected="--values too", where="--tolerance")
    if not typed["values"]:
        return None
    try:
        number = float(str(text)) if text is not None else 0.0
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageError("not a tolerance", "a number from 0 up, as 1e-6", shorten(text), where="--tolerance")
    return number


@program.command(
    """
    lstmcalc run --seed 0
    lstmcalc run --hidden 20 --layers 2 --bi --lengths 4,2,3
    lstmcalc run --input 28 --hidden 128 --against torch --save run.npz
    lstmcalc run --hidden 128 --batch 64 --repeat 20 --against torch
    lstmcalc run model.safetensors --input x.npy --save run.npz
    """,
    Source=SOURCE_FLAGS,
    LSTM=RUN_LSTM,
    Data=DATA_FLAGS,
    Around=AROUND_FLAGS,
    Run=RUN,
    Output=OUTPUT,
)
def _run(typed: TypedFlags) -> Outcome:
    """Compute the LSTM on random numbers, or on yours, and check every prediction.

    Weights and data are those that PyTorch draws after torch.manual_seed(SEED), by the code that is shown; those of a
    weight file are its own, and so are the data of --input FILE. The exit code is 0 if every check holds, and 1 if one
    fails.
    """
    style, seed, save, against = _style(typed), _seed(typed), typed["save"], _against(typed)
    traced, (repeat, threads) = bool(typed["trace"]), _repeated(typed)
    typed, own_data = _own_data(typed)
    subjects = read_subjects(typed, "pytorch", data=own_data)

    for subject in subjects:
        check_computable(subject)
    from lstmcalc.commands.run.report import check_trace, run_report

    if traced and style in ("json", "csv"):
        check_trace(subjects)
    gc.enable()  # off since the start; from here on there is work that may leave garbage
    from lstmcalc.proof import run as verify
    from lstmcalc.proof.given import provide
    from lstmcalc.proof.sensitivity import rounding_notes
    from lstmcalc.report.progress import ProgressBar
    from lstmcalc.writers.npz import save_arrays
    from lstmcalc.writing import check_target

    if save is not None:
        check_target(str(save))
    paths = [f"{subject.name}." if len(subjects) > 1 else "" for subject in subjects]
    kept = "run.npz" if save is None else str(save)
    parts = [provide(subject, own_data, path=path, saved=kept) for subject, path in zip(subjects, paths, strict=True)]
    subjects = [part.subject for part in parts]
    runs = []
    for subject, part in zip(subjects, parts, strict=True):
        with ProgressBar("computing") if ProgressBar.wanted() else nullcontext() as progress:
            runs.append(
                verify.run(
                    subject.config,
                    subject.data,
                    seed,
                    against,
                    around=subject.around,
                    traced=traced,
                    progress=progress,
                    weights=part.weights,
                    inputs=part.inputs,
                )
            )
    timings = _timings(subjects, runs, against, repeat, threads) if repeat else []
    given = [part.given for part in parts]
    tree = run_report(subjects, runs, seed, show=bool(typed["show"]), timings=timings, given=given)
    for module, part, result in zip(tree["modules"], parts, runs, strict=True):
        module["notes"] += [*part.notes, *rounding_notes(result.noise)]
    if save is not None:
        arrays = {
            f"{path}{name}": array
            for subject, result, path in zip(subjects, runs, paths, strict=True)
            for name, array in verify.saved_arrays(subject.config, subject.data, result).items()
        }
        save_arrays(str(save), arrays)
        tree["modules"][-1]["notes"].append(f"saved {len(arrays)} arrays to {_shown_name(str(save))}")
    code = ExitCode.OK if all(result.passed for result in runs) else ExitCode.FAILED
    return Outcome(tree, style, code)


def _timings(
    subjects: Sequence[Subject], runs: Sequence["Run"], against: Sequence[str], repeat: int, threads: int
) -> list["Timing"]:
    """The calls of each LSTM, timed with the numbers of its run."""
    from lstmcalc.proof.timing import time_calls
    from lstmcalc.report.progress import ProgressBar

    timings = []
    for subject, result in zip(subjects, runs, strict=True):
        with ProgressBar("timing") if ProgressBar.wanted() else nullcontext() as progress:
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


def _shown_name(name: str) -> str:
    """A file as a note calls it."""
    return name if name.isprintable() else shorten(name)


def _against(typed: TypedFlags) -> list[str]:
    """The frameworks to compare with, each once."""
    if typed["against"] is None:
        return []
    names = (name.strip() for name in str(typed["against"]).split(","))
    known = (parse.read_choice("--against", name, JUDGES, JUDGES_TOO) for name in names)
    judges = list(dict.fromkeys(JUDGES_TOO.get(name, name) for name in known))
    if "keras" in judges and typed["repeat"] is not None:
        raise UsageError(
            "keras is not timed",
            expected="frameworks that can be held to a number of threads: pytorch, onnxruntime",
            where="--against and --repeat",
        )
    return judges


def _style(typed: TypedFlags) -> str:
    """The format asked for."""
    named = typed["format"]
    style = "table" if named is None else parse.read_choice("--format", str(named), FORMATS)
    if typed["json"] and named is not None and style != "json":
        raise UsageError("contradictory formats", expected="one of the two", where=f"--json and --format {style}")
    return "json" if typed["json"] else style


def _repeated(typed: TypedFlags) -> tuple[int, int]:
    """How many calls are timed, 0 for none, and in how many threads."""
    if typed["repeat"] is None and typed["threads"] is not None:
        raise UsageError("nothing is timed", expected="--repeat too", where="--threads")
    numbers = []
    for name, most in (("repeat", 10**6), ("threads", 1024)):
        number = None if typed[name] is None else parse.read_integer(f"--{name}", str(typed[name]))
        if number is not None and not 1 <= number <= most:
            raise UsageError(
                "number is out of range", expected=f"1 to {most:,}", found=f"{number:,}", where=f"--{name}"
            )
        numbers.append(number)
    return numbers[0] or 0, numbers[1] or 1


def _seed(typed: TypedFlags) -> int:
    """The seed: what `torch.manual_seed` takes, a signed or unsigned 64-bit integer."""
    if typed["seed"] is None:
        return 0
    seed = parse.read_integer("--seed", str(typed["seed"]))
    if not -(2**63) <= seed < 2**64:
        raise UsageError("seed is out of range", expected="-2**63 <= seed < 2**64", found=f"{seed:,}", where="--seed")
    return seed


def run_command_line(args: Sequence[str]) -> int:
    """Run one command; return the exit code. Results go to stdout, notes and errors to stderr."""
    stdout = sys.stdout
    try:
        outcome = program.run(args)
        return _show(outcome) if isinstance(outcome, Outcome) else _flushed(outcome)
    except SystemExit as ended:
        # typer ends so after a completion, and, with another stdout in place, when the reader of a help text has gone.
        return ended.code if isinstance(ended.code, int) and sys.stdout is stdout else ExitCode.OK
    except LstmcalcError as error:
        return _fail(str(error))
    except ImportError as error:
        return _fail(f"a part of lstmcalc cannot be imported\n  found {error}")
    except OSError as error:
        return _cannot_write(error)
    except MemoryError:
        return _fail("this does not fit in memory\n  hint: a smaller batch, sequence or LSTM fits")


def _show(outcome: Outcome) -> int:
    """Write the report to stdout and its notes to stderr."""
    from lstmcalc.report.render import write_report

    if sys.stdout is None:
        return _fail("standard output is closed")
    if hasattr(sys.stdout, "reconfigure"):  # a name from a source may have letters that a terminal has not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        write_report(outcome.tree, outcome.style, sys.stdout, _view_of(outcome.tree["command"]))
    except (BrokenPipeError, SystemExit):  # rich ends so when the reader has gone
        _hang_up(sys.stdout)
    except OSError as error:
        return _cannot_write(error)
    code = _flushed(outcome.code)
    for module in outcome.tree["modules"]:
        for note in module["notes"]:
            _say(f"note: {note}")
    return code


def _view_of(command: str) -> Callable[[Tree], Iterator["Block"]]:
    """The view of a command, which is imported when a module is drawn: JSON and CSV draw none."""

    def view(module: Tree) -> Iterator["Block"]:
        blocks: Iterator[Block] = import_module(f"lstmcalc.commands.{command}.view").view(module)
        return blocks

    return view


def _flushed(code: int) -> int:
    """The exit code, once everything is written: a reader that has what it wanted changes nothing."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _hang_up(sys.stdout)
    except OSError as error:
        return _cannot_write(error)
    return code


def _say(text: str) -> None:
    """Tell the user something on stderr, if anybody listens."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201  # this is a command line
    except OSError:
        _hang_up(sys.stderr)


def _fail(text: str) -> int:
    _say(f"error: {text}")
    return ExitCode.USAGE


def _cannot_write(error: OSError) -> int:
    _hang_up(sys.stdout)
    return _fail(f"cannot write to standard output: {error.strerror or error}")


def _hang_up(stream: IO[str]) -> None:
    """Nobody reads on: leave nothing that Python would try to flush when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
