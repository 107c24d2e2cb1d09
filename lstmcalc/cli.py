"""The command line: declare the options, call, catch once, exit.

Every option hands over the text as it was typed, or None; `parse` reads it. typer would convert it with pydantic,
whose import alone takes as long as all of `shapes`, and would word the refusals its own way.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from inspect import Parameter, Signature, cleandoc
from typing import IO, Annotated, Any, Final, NamedTuple, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from lstmcalc import __version__, parse, report
from lstmcalc.errors import ExitCode, LstmcalcError, UsageError, shorten
from lstmcalc.model import GATES
from lstmcalc.parse import DATA_FLAGS, DTYPE_FLAG, LSTM_FLAGS, Flag, Typed
from lstmcalc.report import FORMATS

GATE_NAMES: Final = {key: gate.letter for gate in GATES for key in (gate.letter, gate.name)}
JUDGES: Final = ("pytorch", "onnxruntime")
ALIASES: Final = {"torch": "pytorch"}

OUTPUT: Final = (
    Flag("format", ("--format",), (), "NAME", f"{', '.join(FORMATS)} (default table)", FORMATS),
    Flag("json", ("--json",), (), "", "Short for --format json"),
)
GATE: Final = Flag("gate", ("--gate",), (), "i|f|g|o", "One gate only, with slices to paste", tuple(GATE_NAMES))
RUN: Final = (
    Flag("seed", ("--seed",), (), "INT", "Draw other numbers (default 0)"),
    Flag("against", ("--against",), (), "NAME,...", "Compare with torch or onnxruntime", (*JUDGES, *ALIASES)),
    Flag("save", ("--save",), (), "FILE.npz", "Keep weights, input and outputs"),
)

TypedFlags: TypeAlias = dict[str, Typed]


class Outcome(NamedTuple):
    """What a command has to say: a report, how to write it, and the exit code."""

    tree: report.Tree
    style: str
    code: ExitCode = ExitCode.OK


def _as_typed(param: Any) -> Any:  # noqa: ANN401  # typer does not export the class
    """Let a parameter hand over what was typed, without conversion; see the module's docstring."""
    callback = param.callback
    param.process_value = lambda ctx, value: callback(ctx, param, value) if callback else value
    return param


class _Command(TyperCommand):
    """A command whose options keep their text, and whose help lists them by purpose."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # typer does not export the class
        return [_as_typed(param) for param in super().get_params(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  # as above
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(param, "rich_help_panel", None) or "Other", []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records, col_max=40)


class _Group(TyperGroup):
    """The top level, whose options keep their text too."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # typer does not export the class
        return [_as_typed(param) for param in super().get_params(ctx)]


def _option(flag: Flag, panel: str) -> Parameter:
    """The signature's parameter that typer makes an option of."""
    kind = str if flag.metavar else bool
    names = list(flag.names)
    if flag.off:
        names[0] = f"{names[0]}/{flag.off[0]}"
    option = typer.Option(
        *names,
        metavar=flag.metavar or None,
        help=flag.help,
        rich_help_panel=panel,
        show_default=False,
        autocompletion=(lambda: list(flag.choices)) if flag.choices else None,
    )
    return Parameter(flag.field, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])


_COMMANDS: dict[str, Callable[[typer.Typer], None]] = {}
_OPTIONS: dict[str, set[str]] = {}  # by command


def _command(examples: str, **panels: Sequence[Flag]) -> Callable[[Callable[[TypedFlags], Outcome]], None]:
    """Make a command of a function of the typed flags: its name, its options by panel, its help."""

    def declare(function: Callable[[TypedFlags], Outcome]) -> None:
        name = function.__name__.strip("_")

        def command(**typed: Typed) -> Outcome:
            return function(typed)

        def add(app: typer.Typer) -> None:
            options = [_option(flag, panel) for panel, flags in panels.items() for flag in flags]
            command.__signature__ = Signature(options)  # type: ignore[attr-defined]  # what inspect reads first
            command.__annotations__ = {option.name: option.annotation for option in options}
            text = cleandoc(function.__doc__ or "")
            short = text.partition("\n")[0]  # empty under `python -OO`
            app.command(name, cls=_Command, help=_help(examples, text), short_help=short)(command)

        _COMMANDS[name] = add
        _OPTIONS[name] = {
            spelling for flags in panels.values() for flag in flags for spelling in (*flag.names, *flag.off)
        }

    return declare


def _help(examples: str, text: str) -> str:
    """A help text that begins with examples, on lines of their own."""
    lines = (f"  {line.strip()}" for line in examples.strip().splitlines())
    return "\n".join(["\b", "Examples:", *lines, "", text])


def _app(args: Sequence[str]) -> typer.Typer:
    """The application. typer makes all options of all commands it knows: it is told of the one that is named."""
    app = typer.Typer(
        name="lstmcalc",
        cls=_Group,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(
        invoke_without_command=True,
        help=_help(
            """
            lstmcalc shapes --hidden 20 --layers 2 --bi
            lstmcalc params --input 28 --hidden 128
            lstmcalc run --seed 0
            """,
            "Shapes, parameters and a numerical proof for any LSTM that PyTorch accepts, from hyperparameters alone.",
        ),
    )(_top)
    for name in args[:1] if args and args[0] in _COMMANDS else _COMMANDS:
        _COMMANDS[name](app)
    return app


def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """The top level: the version, or the help if there is no command."""
    if version:
        typer.echo(f"lstmcalc {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@_command(
    """
    lstmcalc shapes --hidden 20 --layers 2 --bi
    lstmcalc shapes --input 28 --hidden 128 --batch-first --seq 28 --batch 64
    lstmcalc shapes --lengths 4,2,3 --json
    """,
    LSTM=LSTM_FLAGS,
    Data=DATA_FLAGS,
    Output=OUTPUT,
)
def _shapes(typed: TypedFlags) -> Outcome:
    """Every tensor in and out, and which slice of output each state is.

    What is left out is the example of PyTorch's documentation (input 10, hidden 20, sequence 5, batch 3), and
    PyTorch's own defaults for the rest; the report says which.
    """
    return Outcome(report.shapes_tree(parse.read_flags(typed)), _style(typed))


@_command(
    """
    lstmcalc params --input 28 --hidden 128
    lstmcalc params --hidden 20 --layers 2 --bi --gate f
    lstmcalc params --hidden 512 --proj 64 --format csv
    """,
    LSTM=(*LSTM_FLAGS, DTYPE_FLAG),
    Output=(GATE, *OUTPUT),
)
def _params(typed: TypedFlags) -> Outcome:
    """Every weight and bias with its name, shape, count and gate rows.

    In `state_dict` order, with subtotals by layer and direction, the total, and the total's formula.
    """
    gate = typed["gate"]
    letter = None if gate is None else GATE_NAMES[parse.read_choice("--gate", str(gate), GATE_NAMES)]
    return Outcome(report.params_tree(parse.read_flags(typed), letter), _style(typed))


@_command(
    """
    lstmcalc run --seed 0
    lstmcalc run --hidden 20 --layers 2 --bi --lengths 4,2,3
    lstmcalc run --input 28 --hidden 128 --against torch --save run.npz
    """,
    LSTM=LSTM_FLAGS,
    Data=DATA_FLAGS,
    Run=RUN,
    Output=OUTPUT,
)
def _run(typed: TypedFlags) -> Outcome:
    """Compute the LSTM on random numbers and check every prediction.

    Weights are drawn as PyTorch initialises them. The exit code is 0 if every check holds, and 1 if one fails.
    """
    style, seed, save, against = _style(typed), _seed(typed), typed["save"], _against(typed)
    subjects = parse.read_flags(typed)

    from lstmcalc import verify, weights
    from lstmcalc.progress import ProgressBar

    if save is not None:
        weights.check_target(str(save))
    runs = []
    for subject in subjects:
        with ProgressBar("computing") if ProgressBar.wanted() else nullcontext() as progress:
            runs.append(verify.run(subject.config, subject.data, seed, against, progress))
    tree = report.run_tree(subjects, runs, seed)
    if save is not None:
        for subject, result, module in zip(subjects, runs, tree["modules"], strict=True):
            arrays = verify.saved_arrays(subject.config, subject.data, result)
            weights.save_arrays(str(save), arrays)
            module["notes"].append(
                f"saved {len(arrays)} arrays to {str(save) if str(save).isprintable() else shorten(save)}"
            )
    code = ExitCode.OK if all(result.passed for result in runs) else ExitCode.FAILED
    return Outcome(tree, style, code)


def _against(typed: TypedFlags) -> list[str]:
    """The frameworks to compare with, each once."""
    if typed["against"] is None:
        return []
    names = (name.strip() for name in str(typed["against"]).split(","))
    known = (parse.read_choice("--against", name, JUDGES, ALIASES) for name in names)
    return list(dict.fromkeys(ALIASES.get(name, name) for name in known))


def _style(typed: TypedFlags) -> str:
    """The format asked for."""
    named = typed["format"]
    style = "table" if named is None else parse.read_choice("--format", str(named), FORMATS)
    if typed["json"] and named is not None and style != "json":
        raise UsageError("contradictory formats", expected="one of the two", where=f"--json and --format {style}")
    return "json" if typed["json"] else style


def _seed(typed: TypedFlags) -> int:
    """The seed: what `torch.manual_seed` takes, a signed or unsigned 64-bit integer."""
    if typed["seed"] is None:
        return 0
    seed = parse.read_integer("--seed", str(typed["seed"]))
    if not -(2**63) <= seed < 2**64:
        raise UsageError("seed is out of range", expected="-2**63 <= seed < 2**64", found=f"{seed:,}", where="--seed")
    return seed


# typer exports one member of its family of usage errors; this is the family.
_TyperUsageError: Any = typer.BadParameter.__mro__[1]


def run_command_line(args: Sequence[str]) -> int:  # noqa: PLR0911  # one for each way to end
    """Run one command; return the exit code. Results go to stdout, notes and errors to stderr."""
    stdout = sys.stdout
    try:
        outcome = typer.main.get_command(_app(args)).main(list(args), prog_name="lstmcalc", standalone_mode=False)
        return _show(outcome) if isinstance(outcome, Outcome) else _flushed(int(outcome or 0))
    except SystemExit as ended:
        # typer ends so after a completion, and, with another stdout in place, when the reader of a help text has gone.
        return ended.code if isinstance(ended.code, int) and sys.stdout is stdout else ExitCode.OK
    except LstmcalcError as error:
        return _fail(str(error))
    except _TyperUsageError as error:
        return _fail(_usage_text(error, args))
    except ImportError as error:
        return _fail(f"a part of lstmcalc cannot be imported\n  found {error}")
    except OSError as error:
        return _cannot_write(error)
    except MemoryError:
        return _fail("this does not fit in memory\n  hint: a smaller batch, sequence or LSTM fits")


def _show(outcome: Outcome) -> int:
    """Write the report to stdout and its notes to stderr."""
    from lstmcalc.render import write_report

    if sys.stdout is None:
        return _fail("standard output is closed")
    try:
        write_report(outcome.tree, outcome.style, sys.stdout)
    except (BrokenPipeError, SystemExit):  # rich ends so when the reader has gone
        _hang_up(sys.stdout)
    except OSError as error:
        return _cannot_write(error)
    code = _flushed(outcome.code)
    for module in outcome.tree["modules"]:
        for note in module["notes"]:
            _say(f"note: {note}")
    return code


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


def _usage_text(error: Any, args: Sequence[str]) -> str:  # noqa: ANN401  # typer does not export the class
    """A usage error of typer in our words: what was typed, what is nearest, where the help is."""
    named = [arg for arg in args[:1] if arg in _COMMANDS]
    help_command = " ".join(["lstmcalc", *named, "-h"])
    text, hint = error.format_message().rstrip("."), f"see {help_command}"
    if hasattr(error, "option_name") and hasattr(error, "possibilities"):
        text = f"no such option: {shorten(error.option_name)[1:-1]}"
        nearest = _nearest(error.option_name, error.ctx)
        owners = [name for name, options in _OPTIONS.items() if error.option_name in options]
        if owners:
            hint = f"it is an option of {', '.join(owners)}, and follows that name; {hint}"
        elif nearest:
            hint = f"did you mean {nearest}? {help_command} shows all"
    elif "unexpected extra argument" in text:
        found = text[text.index(" (") + 2 : -1]
        text = f"unexpected argument: {shorten(found)[1:-1]}"
        commas = "--lengths" in args and found.replace(" ", "").isdigit()
        hint = f"{'lengths are separated by commas' if commas else 'hyperparameters are flags, as --hidden 20'}; {hint}"
    return f"{text[:1].lower()}{text[1:]}\n  hint: {hint}"


def _nearest(name: str, context: Any) -> str:  # noqa: ANN401  # typer does not export the class
    """The option that was probably meant: one that starts like it, or is spelled alike."""
    from difflib import get_close_matches

    params = context.command.get_params(context) if context else []
    known = [spelling for param in params for spelling in (*param.opts, *param.secondary_opts)]
    started = [spelling for spelling in known if name.startswith("--") and spelling.startswith(name)]
    return next(iter([*started, *get_close_matches(name, known, n=1, cutoff=0.75)]), "")


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
