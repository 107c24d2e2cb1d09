"""The commands as functions: they take what the command line takes, and what a program has in memory.

An option is called as on the command line, with underscores for dashes: `seq=28, batch_first=True, max_params="1M"`. A
source is a file's name, text, or an object: a model or layer of PyTorch, Keras or Flax, a state dict, arrays by name,
an ONNX model. It is told by its class; nothing of it is called, and no numbers are read until they are asked for.

Not here: what a report is (`_answers`), and how objects are read (`readers.live`).
"""

import gc
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from lstmcalc.commands._answers import Answer, Comparison, Conversion, Expectation
from lstmcalc.commands._flags import with_models
from lstmcalc.commands._output import Command, Outcome, TypedFlags
from lstmcalc.commands._words import TRUTHS
from lstmcalc.commands.registry import load_command
from lstmcalc.errors import ExitCode, LstmcalcError, UsageError, nearest_hint, printable, shorten
from lstmcalc.intake.flags import Flag, Typed
from lstmcalc.readers.files.budget import one_command
from lstmcalc.readers.files.given import Given, handed_over
from lstmcalc.spec.words import UniqueNames

if TYPE_CHECKING:
    from lstmcalc.commands.convert.report import ConvertReport
    from lstmcalc.commands.cost.report import CostModule
    from lstmcalc.commands.explain.report import ExplainModule
    from lstmcalc.commands.params.report import ParamsModule
    from lstmcalc.commands.run.report import RunModule
    from lstmcalc.commands.shapes.foreign import ForeignShapesModule
    from lstmcalc.commands.shapes.report import ShapesModule
    from lstmcalc.commands.summary.records import SummaryReport
    from lstmcalc.report.document import Document, Report

NOTHING: Final = ...  # what stands for an argument that was not given: None is a mistake


def summary(*sources: object, **options: object) -> "Answer[SummaryReport]":
    """One or several models in short: the LSTMs, their share of the whole, what they give, and the other layers."""
    return Answer(_run("summary", {"sources": sources}, options))


def shapes(source: object = NOTHING, /, **options: object) -> "Answer[Report[ShapesModule | ForeignShapesModule]]":
    """Every tensor in and out of the LSTMs of a model, and the slice of output that each state is."""
    return Answer(_run("shapes", {"source": source}, options))


def params(source: object = NOTHING, /, **options: object) -> "Answer[Report[ParamsModule]]":
    """Every weight and bias of the LSTMs of a model, with its name, shape, count and gate rows."""
    return Answer(_run("params", {"source": source}, options))


def cost(source: object = NOTHING, /, **options: object) -> "Answer[Report[CostModule]]":
    """MACs, FLOPs and memory of the LSTMs of a model, for inference and for training."""
    return Answer(_run("cost", {"source": source}, options))


def explain(*words: object, **options: object) -> "Answer[Report[ExplainModule]]":
    """The equations of the LSTMs of a model with their shapes; words such as `"h_n"` pick a topic."""
    return Answer(_run("explain", {"words": words}, options))


def diff(first: object, second: object = NOTHING, /, **options: object) -> Comparison:
    """The verdict on loading the weights of one model into another: if they do not fit, why, and what repairs it."""
    return Comparison(_run("diff", {"file": first, "source": second}, options))


def run(source: object = NOTHING, x: object = NOTHING, /, **options: object) -> "Answer[Report[RunModule]]":
    """Compute the LSTMs of a model on random numbers, or on `x`, and check every prediction.

    `x` is an array, `(x, (h_0, c_0))` or a dictionary with input, h_0 and c_0. `against=model` compares with what the
    LSTM in memory computes.
    """
    data = {} if x is NOTHING else {"input": x}
    return Answer(_run("run", {"source": source}, {**data, **options}))


def expect(source: object, x: object, y: object = NOTHING, /, **options: object) -> Expectation:
    """Hold what a port computed against an LSTM: where they differ first, and which known mistakes explain it.

    `x` is what the port read, as for `run`. `y` is its output, its last step, or h_n of its last layer, told by its
    shape or by `expect_is`; `(output, (h_n, c_n))`, or a dictionary of these. `expect_h`, `expect_c`: a state alone;
    `framework` is the port's, in which a repair is said; `search="all"` tries every pair of mistakes.
    """
    data = {"input": x} if y is NOTHING else {"input": x, "expect": y}
    answer = Expectation(_run("run", {"source": source}, {**data, **options}))
    if answer.expect is None:
        raise UsageError("nothing is expected", "y, expect_h or expect_c", where="expect")
    return answer


def convert(source: object = NOTHING, /, *, output: object = None, **options: object) -> Conversion:
    """Convert the LSTMs of a model: `to="keras"` names the framework, `into="model.pt"` the file to put them into.

    With `output` a file is written, as on the command line. Without it, `arrays` of the report has what would be in the
    file, by the names of the framework; what is not proven is not there. `into` may be a model in memory too: `arrays`
    has the weights of its LSTM then, by its own names.
    """
    into = options.get("into")
    if output is not None:
        if into is not None and not isinstance(into, str | os.PathLike):
            raise UsageError("a model in memory is written to no file", "no output: arrays for it", where="output")
        return Conversion(_run("convert", {"source": source}, {**options, "output": output}))
    with TemporaryDirectory(prefix="lstmcalc-") as folder:
        suffix = PurePath(into).suffix if isinstance(into, str | os.PathLike) else ".npz"
        path = str(Path(folder) / f"lstm{suffix}")
        outcome = _run("convert", {"source": source}, {**options, "output": path})
        answer = Conversion(outcome._replace(report=_without_file(outcome.report)))
        if answer.ok:
            answer.keep(path)
        return answer


def _without_file(report: "Document") -> "Document":
    """The report on a conversion whose file is not kept."""
    converted: ConvertReport = report  # type: ignore[assignment]  # `convert` gives no other
    return converted._replace(written=None, load=[])


@one_command()
def _run(name: str, sources: Mapping[str, object], options: Mapping[str, object]) -> Outcome:
    """The outcome of a command on sources, by their fields, and options, by the names that a user gives them."""
    command = load_command(name)
    with ExitStack() as opened:
        handed = _Handed(opened, _texts_in((*sources.values(), *options.values())))
        typed: TypedFlags = {flag.field: None for flag in _flags_of(command)}
        for option, value in options.items():
            flag = _flag_named(option, command, name)
            typed[flag.field] = handed.option(option, flag, value)
        for field, value in sources.items():
            if value is not NOTHING:
                words = value if field in ("sources", "words") and isinstance(value, tuple) else None
                typed[field] = handed.source(value) if words is None else [handed.source(item) for item in words]
        opened.enter_context(handed_over(handed.objects))
        opened.enter_context(_collector_as_it_is())
        outcome = command.run(with_models(typed))
    return outcome._replace(code=ExitCode(outcome.code))


@contextmanager
def _collector_as_it_is() -> Iterator[None]:
    """Leave the collection of garbage on or off: a command turns it on where there is work."""
    collects = gc.isenabled()
    try:
        yield
    finally:
        if not collects:
            gc.disable()


def _texts_in(values: Iterable[object]) -> Iterator[str]:
    """The texts among the arguments of a function, which name files: no object gets such a name."""
    for value in values:
        if issubclass(type(value), str):
            yield f"{value}"
        elif type(value) in (list, tuple):
            yield from _texts_in(value)  # type: ignore[arg-type]  # as has been seen


def _flags_of(command: Command) -> Iterable[Flag]:
    return (flag for flags in command.panels.values() for flag in flags)


def _flag_named(option: str, command: Command, name: str) -> Flag:
    """The flag that an option means, by the name of its field or by one of its spellings."""
    known: dict[str, Flag] = {}
    for flag in _flags_of(command):
        if flag.names:
            known |= {_python_name(spelling): flag for spelling in (*flag.names, *flag.off) if spelling[:2] == "--"}
    known |= {flag.field: flag for flag in _flags_of(command) if flag.names}
    if option not in known:
        hint = nearest_hint(option, sorted(known))
        raise UsageError(f"{name}() has no option {printable(option)}", hint=hint or f"lstmcalc {name} -h lists them")
    return known[option]


def _python_name(spelling: str) -> str:
    return spelling.lstrip("-").replace("-", "_")


class _Handed:
    """The arguments of a function: objects get names, everything else becomes what the command line has."""

    def __init__(self, opened: ExitStack, texts: Iterable[str]) -> None:
        self.objects: dict[str, Given] = {}
        self._opened = opened
        self._names = UniqueNames()
        for text in texts:
            self._names.add(text)
        self._known: dict[int, str] = {}  # the names of objects by identity: one that is given twice is read once

    def source(self, value: object) -> str:
        """The name of a source: that of a file, a text, or the name that an object gets."""
        from lstmcalc.readers.live.objects import read_source

        if id(value) not in self._known:
            name, made = read_source(value, self._opened)
            self._known[id(value)] = name if made is None else self._hand(name, made)
        return self._known[id(value)]

    def _hand(self, name: str, made: Given) -> str:
        name = self._names.add(name)
        self.objects[name] = made
        return name

    def option(self, option: str, flag: Flag, value: object) -> Typed:
        """The value of an option as the command line has it."""
        try:
            if flag.field == "into" and value is not None and not _is_plain(value):
                return self.source(value)
            return self._option(option, flag, value)
        except LstmcalcError:
            raise
        except Exception as error:  # of the user's own class: whatever it has is not for us to know
            raise UsageError(f"the value of {option} cannot be read", found=type(error).__name__) from error

    def _option(self, option: str, flag: Flag, value: object) -> Typed:
        if value is None:
            return None
        if not flag.metavar:
            on = _truth(option, value)
            return on is not (f"--{option.replace('_', '-')}" in flag.off)
        if isinstance(value, Mapping) and flag.field == "set":
            return [f"{name}={item!r}" for name, item in value.items()]
        listed: Sequence[object] = value if isinstance(value, list | tuple) else [value]
        if flag.field == "against":
            return [item if isinstance(item, str) else self.source(item) for item in listed]
        if all(map(_is_plain, listed)) and (flag.repeats or listed is not value):
            texts = [_text(item) for item in listed]
            return texts if flag.repeats else texts[0]
        if flag.field not in _ARRAYS:
            raise UsageError(f"{option} takes one value", flag.metavar, shorten(value), where=option)
        from lstmcalc.readers.live.objects import read_data

        return self._hand("x" if option == "input" else option, read_data(value, _ARRAYS[flag.field]))


_ARRAYS: Final = {  # options that take arrays, one or by name
    "input_size": ("input", "h_0", "c_0"),
    "expect": ("output", "h_n", "c_n"),
    "expect_h": ("h_n",),
    "expect_c": ("c_n",),
}

_SCALARS: Final = (str, int, float, os.PathLike, type)


def _is_plain(value: object) -> bool:
    """True for a value that the command line can have: text, a number, the name of a file, a dtype."""
    if isinstance(value, _SCALARS):
        return True
    kind = type(value)
    scalar = getattr(value, "shape", None) == () and hasattr(value, "item")  # a number of NumPy
    return scalar or kind.__name__.lower().endswith("dtype") or kind.__name__ == "dtype"


def _text(value: Any) -> str:  # noqa: ANN401  # of any option
    """A value as a person types it."""
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, type):
        return value.__name__
    return str(value.item()) if hasattr(value, "item") and getattr(value, "shape", None) == () else str(value)


def _truth(option: str, value: object) -> bool:
    """True or False, from a switch of Python or in the words of the command line."""
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    if isinstance(value, str) and value.lower() in TRUTHS:
        return value.lower() in ("true", "yes", "on")
    raise UsageError(f"{option} is on or off", "True or False", shorten(value), where=option)
