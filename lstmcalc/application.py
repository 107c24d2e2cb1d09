"""The command line's mechanics: the named command is found, and handed what was typed.

typer converts option values with pydantic, whose import alone takes as long as all of `lstmcalc shapes`, and words its
refusals in its own way. Here every option keeps its text, for `intake.flags` to read, and usage errors are ours.

Not here: the commands (`commands.registry`) and their options (`intake.flags`). Written against typer 0.26 to 0.29.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from inspect import Parameter, Signature, cleandoc
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from lstmcalc.commands._colours import help_in_colour, shows_colours
from lstmcalc.commands._completion import ASKED, LINES, line_words, modules_in_line
from lstmcalc.commands._flags import SHARED, with_models
from lstmcalc.commands._output import Command, Outcome, TypedFlags
from lstmcalc.commands._words import TRUTHS, split_command, with_switches
from lstmcalc.commands.registry import COMMANDS, GROUPS, load_command
from lstmcalc.errors import NotFoundError, UsageError, nearest_hint, printable, shorten
from lstmcalc.intake.flags import Flag, Typed
from lstmcalc.spec.words import and_list
from lstmcalc.version import __version__

# typer exports one member of its family of usage errors; this is the family.
_TyperUsageError: Any = typer.BadParameter.__mro__[1]


def _as_typed(param: Any) -> Any:  # noqa: ANN401  # typer does not export the class
    """Let a parameter hand over what was typed, without conversion; see the module's docstring."""
    callback = param.callback
    param.process_value = lambda ctx, value: callback(ctx, param, value) if callback else value
    return param


class _Command(TyperCommand):
    """A command whose options keep their text, and whose help lists them by purpose."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # typer does not export the class
        return [_as_typed(param) for param in super().get_params(ctx)]

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401  # as above
        return _in_colour(super().get_help(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  # as above
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if param.opts[0].startswith("-") else (param.metavar, param.help)
            if record is not None:
                sections.setdefault(getattr(param, "rich_help_panel", None) or "Other", []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records, col_max=40)


class _Group(TyperGroup):
    """The top level, whose options keep their text too, and whose help lists the commands by purpose."""

    def format_commands(self, _ctx: Any, formatter: Any) -> None:  # noqa: ANN401  # typer does not export the classes
        """Write the commands, a section for each group."""
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name]) for name in names])
        with formatter.section("Documentation"):
            formatter.write_dl([("docs/README.md", "A page for each question; lstmcalc COMMAND -h for one command.")])

    def collect_usage_pieces(self, _ctx: Any) -> list[str]:  # noqa: ANN401  # as above
        return ["[COMMAND]", "[SOURCE ...]", "[OPTIONS]"]

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401  # as above
        return _in_colour(super().get_help(ctx))

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401  # typer does not export the class
        return [_as_typed(param) for param in super().get_params(ctx)]


def _in_colour(text: str) -> str:
    """A help text in colour where that is seen."""
    return help_in_colour(text) if shows_colours(sys.stdout) else text


def _option(flag: Flag, panel: str) -> Parameter:
    """The signature's parameter that typer makes an option of."""
    kind: Any = list[str] if flag.repeats else str if flag.metavar else bool
    if not flag.names:
        argument = typer.Argument(
            metavar=flag.metavar,
            help=flag.help,
            rich_help_panel=panel,
            show_default=False,
            autocompletion=_completion(flag),
        )
        return Parameter(flag.field, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, argument])
    names = list(flag.names)
    if flag.off:
        names[0] = f"{names[0]}/{flag.off[0]}"
    option = typer.Option(
        *names,
        metavar=flag.metavar or None,
        help=flag.help,
        rich_help_panel=panel,
        show_default=False,
        autocompletion=_completion(flag),
    )
    return Parameter(flag.field, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])


def _completion(flag: Flag) -> Callable[[], list[str]] | None:
    """The function that gives what may be completed; None if anything may."""
    if flag.field == "module":
        return modules_in_line
    choices = flag.choices
    return (lambda: list(choices() if callable(choices) else choices)) if choices else None


class Application:
    """The program: it finds the command that is named, and runs it on what was typed.

    Args:
        name: The program's name.
        summary: What it does, in a sentence.
        examples: Command lines to begin with, one a line.
    """

    def __init__(self, name: str, summary: str, examples: str) -> None:
        self._name = name
        self._help = _help_text(examples, summary)

    def run(self, args: Sequence[str]) -> Outcome | int:
        """Run the command that is named: its outcome, or the exit code after a help text."""
        name, words = split_command(args, COMMANDS)
        if not words and not name and not self._completes and _has_config():
            name = "summary"
        if name == "summary" and name not in args:
            _check_sources(words)
        app = typer.Typer(
            name=self._name,
            cls=_Group,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings={
                "help_option_names": ["-h", "--help"],
                "max_content_width": 100,
                "color": shows_colours(sys.stdout),
            },
        )
        app.callback(invoke_without_command=True, help=self._help)(_top)
        # typer makes every option of every command it knows, so it is told only of the one that is named.
        if name in COMMANDS and not self._completes:
            command = load_command(name)
            words = [name, *with_switches(words, _flags_of(command))]
            _add_command(app, name, command, words)
        elif self._completes and (name := self._completed()) in COMMANDS:
            _add_command(app, name, load_command(name), line_words()[1:], completes=True)
        else:
            for name, summary in COMMANDS.items():
                app.command(name, short_help=summary)(lambda: None)
        try:
            result: Outcome | int | None = typer.main.get_command(app).main(
                words, prog_name=self._name, standalone_mode=False
            )
        except _TyperUsageError as error:
            raise self._in_our_words(error, args) from None
        return 0 if result is None else result

    def _completed(self) -> str:
        """The command whose words a shell asks for; one that is not named is put into the shell's line."""
        words = line_words()
        name, _ = split_command(words[1:], COMMANDS)
        if name == "summary" and len(words) <= _STARTED:
            return ""
        if name and name not in words:
            for variable in LINES:
                line = os.environ.get(variable, "")
                first, _, rest = line.partition(" ")
                os.environ[variable] = f"{first} {name} {rest}"
            if "COMP_CWORD" in os.environ:
                os.environ["COMP_CWORD"] = str(int(os.environ["COMP_CWORD"]) + 1)
        return name

    @property
    def _completes(self) -> bool:
        """True if a shell asks for completions."""
        return ASKED in os.environ

    def _in_our_words(self, error: Any, args: Sequence[str]) -> UsageError:  # noqa: ANN401  # typer's
        """A usage error of typer: what was typed, what is nearest, where the help is."""
        named = split_command(args, COMMANDS)[0]
        help_command = " ".join(filter(None, [self._name, named, "-h"]))
        text, hint = error.format_message().rstrip("."), f"see {help_command}"
        if hasattr(error, "option_name") and hasattr(error, "possibilities"):
            text = f"no such option: {shorten(error.option_name)[1:-1]}"
            nearest = _nearest(error.option_name, named)
            owners = [name for name in COMMANDS if error.option_name in _spellings(load_command(name))]
            if owners:
                hint = f"{error.option_name} belongs to {and_list(owners)}, not to {named or self._name}; {hint}"
            elif nearest:
                hint = f"did you mean {nearest}? {help_command} shows all"
        elif "unexpected extra argument" in text:
            found = text[text.index(" (") + 2 : -1]
            text = f"unexpected argument: {shorten(found)[1:-1]}"
            commas = "--lengths" in args and found.replace(" ", "").isdigit()
            way = "lengths are separated by commas" if commas else "hyperparameters are flags, e.g. --hidden 20"
            if os.path.exists(found) or "(" in found:  # noqa: PTH110  # start-up
                way = f"{named} takes one SOURCE, lstmcalc A B several"
            hint = f"{way}; {hint}"
        return UsageError(f"{text[:1].lower()}{text[1:]}", hint=hint)


_STARTED: Final = 2  # the program, and the beginning of a word that may be a command's name


def asks_for_json(args: Sequence[str]) -> bool:
    """True if a command line asks for JSON, whether or not the rest of it can be read."""
    name, rest = split_command(args, COMMANDS)
    flags: Sequence[Flag] = SHARED
    if name:
        with suppress(ImportError):  # which may be the error to write
            flags = _flags_of(load_command(name))
    takes_value = {spelling for flag in flags if flag.metavar for spelling in flag.names}
    words, style, short = iter(rest), "", False
    for word in words:
        if word == "--":
            break
        spelling, equals, value = word.partition("=")
        if spelling in takes_value and not equals:
            value = next(words, "")
        style = value if spelling == "--format" else style
        short = short or spelling == "--json"
    return short or style == "json"


def _has_config() -> bool:
    """True if the working directory has a file that describes an LSTM for lstmcalc."""
    if not os.path.isfile("lstmcalc.toml") and not os.path.isfile("pyproject.toml"):  # noqa: PTH113  # start-up
        return False
    from lstmcalc.readers.config_file import find_config

    return bool(find_config())


def _is_source(word: str) -> bool:
    """True for a file, and for the prefix of a checkpoint of TensorFlow."""
    return os.path.lexists(word) or os.path.isfile(f"{word}.index")  # noqa: PTH113  # as above


def _check_sources(words: Sequence[str]) -> None:
    """Refuse a word without the name of a command that is neither a file nor a text."""
    flags = _flags_of(load_command("summary"))
    takes_value = {name for flag in flags if flag.metavar for name in flag.names}
    known = {name for flag in flags for name in (*flag.names, *flag.off)}
    rest = iter(words)
    for word in rest:
        if word.startswith("--") and word.partition("=")[0] not in known:
            return  # whose option that is comes first: the next word may be its value
        if word in takes_value:
            next(rest, "")
        elif word.startswith("-") or set(word) & set("( \n{") or _is_source(word) or word.lower() in TRUTHS:
            continue
        else:
            nearest = nearest_hint(word, tuple(COMMANDS))
            hint = f"{nearest} " if nearest else ""
            raise NotFoundError(
                f"no such file or command: {printable(word)}", hint=f"{hint}lstmcalc -h lists the commands"
            )


def _add_command(
    app: typer.Typer, name: str, command: Command, words: Sequence[str], *, completes: bool = False
) -> None:
    """Tell typer of a command: its options by panel, and its help, which is the docstring of what it runs.

    typer takes long to make an option, so it makes those that are typed; all of them for the help. For a completion it
    makes those that begin as the last word does.
    """
    fields: TypedFlags = {flag.field: None for flag in _flags_of(command)}
    whole = any(word in ("-h", "--help") for word in words)
    typed = [word.partition("=")[0] for word in words if word.startswith("-")]
    options = [
        _option(flag, panel)
        for panel, flags in command.panels.items()
        for flag in flags
        if whole or not flag.names or _is_typed(flag, typed) or (completes and _begins(flag, words))
    ]

    def run(**typed: Typed) -> Outcome:
        return command.run(with_models({**fields, **typed}))

    run.__signature__ = Signature(options)  # type: ignore[attr-defined]  # what inspect reads first
    run.__annotations__ = {option.name: option.annotation for option in options}
    text = cleandoc(command.run.__doc__ or "")  # empty under `python -OO`
    app.command(name, cls=_Command, help=_help_text(command.examples, text), short_help=COMMANDS[name])(run)


def _begins(flag: Flag, words: Sequence[str]) -> bool:
    """True if an option may be meant by the last word, which is not complete."""
    last = words[-1] if words else ""
    return last.startswith("-") and any(name.startswith(last) for name in (*flag.names, *flag.off))


def _is_typed(flag: Flag, words: Sequence[str]) -> bool:
    """True if an option may be among the words: by name, or by its letter with the value behind it, `-H20`."""
    spellings = (*flag.names, *flag.off)
    return any(word in spellings or word[:2] in spellings for word in words)


def _flags_of(command: Command) -> list[Flag]:
    return [flag for flags in command.panels.values() for flag in flags]


def _spellings(command: Command) -> set[str]:
    """Every spelling of the options of a command."""
    return {spelling for flag in _flags_of(command) for spelling in (*flag.names, *flag.off)}


def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """The top level: the version, or the help if there is no command."""
    if version:
        typer.echo(f"lstmcalc {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), color=context.color)


def _help_text(examples: str, text: str) -> str:
    """A help text that begins with examples, on lines of their own."""
    lines = (f"  {line.strip()}" for line in examples.strip().splitlines())
    return "\n".join(["\b", "Examples:", *lines, "", text])


def _nearest(name: str, command: str) -> str:
    """The option that was probably meant: one that starts like it, or is spelled alike."""
    from difflib import get_close_matches  # only where something is wrong

    known = sorted(_spellings(load_command(command))) if command else [*_TOP_OPTIONS]
    started = [spelling for spelling in known if name.startswith("--") and spelling.startswith(name)]
    return next(iter([*started, *get_close_matches(name, known, n=1, cutoff=0.75)]), "")


_TOP_OPTIONS = ("--version", "--help", "--install-completion", "--show-completion")
