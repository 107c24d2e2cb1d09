"""The report of frameworks: the arrays that each stores for the LSTM, and recipes from one to another."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.recipes import write_recipe
from lstmcalc.frameworks.storage import Storage, check_expressible, missing_feature
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.interfaces import faces
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.readers.found import Found, own_names
from lstmcalc.report.document import Report, check_rows, document
from lstmcalc.report.framework import ForeignParameterRow, LayoutRow, layout_row
from lstmcalc.report.notes import notes_of
from lstmcalc.report.parameters import symbolic_texts
from lstmcalc.report.record import omitted
from lstmcalc.report.rows import Module, head_of
from lstmcalc.spec.config import HYPERPARAMETERS, DataSpec, LSTMConfig
from lstmcalc.spec.symbols import H_in


@dataclass
class InFramework:
    """The first field of a row of one framework."""

    framework: str


@dataclass
class ArrayRow(ForeignParameterRow, InFramework):  # the fields of the last base come first
    """A stored array."""


class PatternRow(NamedTuple):
    """A kind of array in a layer."""

    framework: str
    pattern: str  # its name, with `PATTERN_WORDS` to fill in
    d: Sequence[str] | None  # the framework's words for the directions; None if there is only one direction
    holds: Sequence[str]  # the parameters of PyTorch that it holds
    symbolic: Sequence[str]
    shape: Sequence[int]


@dataclass(kw_only=True)
class FrameworkRow(LayoutRow, InFramework):  # as above
    """One framework, and the size of this LSTM in it; what it cannot express has no shapes and no size."""

    input: Sequence[str] | None  # the shape in symbols
    output: Sequence[str] | None  # the same of the default output
    outputs: int | None  # the number of such outputs
    outputs_each: str | None  # e.g. `step`: there is one for each; None if there is only one
    returns: str  # the results of a call
    states_are: str  # the meaning of the names of the states
    lengths_by: str | None  # the way to give different lengths; None if there is none
    cannot_express: str | None  # what it lacks for this LSTM
    num_arrays: int | None
    total: int | None  # parameters


class RecipeRow(NamedTuple):
    """The way from the arrays of one framework to those of another."""

    from_: str
    to: str
    steps: Sequence[str]  # in words
    code: str  # the same in NumPy


@dataclass(kw_only=True)
class FrameworksModule(Module):
    """One LSTM as frameworks store it."""

    symbols: Mapping[str, int]  # their values
    in_depth: bool  # True for a few frameworks with all arrays, False for all frameworks side by side
    arrays: Sequence[ArrayRow] | None = omitted()  # None if not in depth
    patterns: Sequence[PatternRow] | None = omitted()  # None if in depth
    frameworks: Sequence[FrameworkRow]
    recipes: Sequence[RecipeRow]  # empty if not in depth
    notes: list[str]


def frameworks_report(subjects: Sequence[Subject], only: Sequence[str] = ()) -> Report[FrameworksModule]:
    """Every LSTM in the frameworks side by side, or in those of `only` in depth; see `frameworks_module`."""
    return document("frameworks", [frameworks_module(subject, only) for subject in subjects])


def frameworks_module(subject: Subject, only: Sequence[str]) -> FrameworksModule:
    """The frameworks side by side; or every array of those in `only`, and recipes from the first to each other one."""
    config = subject.config
    for name in only:
        check_expressible(config, name)
    names = only or tuple(LAYOUTS)
    if only:
        check_rows(sum(Storage(config, name).num_arrays for name in names), "array")
    storages = {name: None if missing_feature(config, name) else Storage(config, name) for name in names}
    return FrameworksModule(
        **head_of(subject, HYPERPARAMETERS),
        symbols=LSTMModel(config).symbols,
        in_depth=bool(only),
        arrays=_arrays(config, names) if only else None,
        patterns=None
        if only
        else [row for name, storage in storages.items() if storage for row in _patterns(name, storage)],
        frameworks=[_framework(config, name, storage) for name, storage in storages.items()],
        recipes=_recipes(subject, only) if only else [],
        notes=notes_of(subject),
    )


def _recipes(subject: Subject, only: Sequence[str]) -> list[RecipeRow]:
    """The way from the first framework to each of the others.

    If only one is named it is the way to it from PyTorch, or from the framework of the source's file; from a file, the
    code takes the names that the file has.
    """
    found = subject.found
    own = found.framework if found is not None and found.weights else "pytorch"
    pairs = [(only[0], name) for name in only[1:]] or [(own if own != only[0] else "pytorch", only[0])]
    if found is not None and found.weights and pairs == [("pytorch", own)]:
        pairs = [(own, "pytorch")]
    recipes = [write_recipe(subject.config, source, target) for source, target in pairs if source != target]
    return [
        RecipeRow(
            recipe.source,
            recipe.target,
            recipe.steps,
            _with_file_names(recipe.code, found) if found and found.weights and recipe.source == own else recipe.code,
        )
        for recipe in recipes
    ]


def _with_file_names(code: str, found: Found) -> str:
    """The code of a recipe with a line that takes the arrays by the names that their file has."""
    from json import dumps as quoted  # of a text, which is Python too

    names = own_names(found)
    if all(name == there for name, there in names.items()):
        return code
    head, _, body = code.partition("    tensors = {}\n")
    first = next(iter(names))
    prefix = names[first].removesuffix(first)
    if all(there == f"{prefix}{name}" for name, there in names.items()):
        line = (
            f"    prefix = {quoted(prefix)}\n    weights = {{k.removeprefix(prefix): v for k, v in weights.items()}}\n"
        )
    else:
        listed = "".join(f"        {quoted(name)}: weights[{quoted(there)}],\n" for name, there in names.items())
        line = f"    weights = {{\n{listed}    }}\n"
    return f"{head}{line}    tensors = {{}}\n{body}"


def _arrays(config: LSTMConfig, names: Sequence[str]) -> Sequence[ArrayRow]:
    """Every array of several frameworks, one framework after the other."""
    storages = [Storage(config, name) for name in names]
    ends = list(accumulate(storage.num_arrays for storage in storages))

    def make(index: int) -> ArrayRow:
        which = bisect_right(ends, index)
        parameter = storages[which].parameters[index - (ends[which - 1] if which else 0)]
        fields = names[which], *parameter[:3], symbolic_texts(parameter), *parameter[4:]  # in their order
        return ArrayRow(*fields)

    return LazySequence(ends[-1], make)


def _framework(config: LSTMConfig, name: str, storage: Storage | None) -> FrameworkRow:
    """One framework: its facts, and the size of this LSTM in it; `storage` is None if it cannot express the LSTM."""
    layout = LAYOUTS[name]
    shown = faces(config, DataSpec(), name) if storage else []
    inputs = [face for face in shown if H_in in face.symbolic]
    outputs = [face for face in shown if face.role == "output" and not face.when]
    outputs.sort(key=lambda face: "output" not in face.equals)  # some return their states first
    return FrameworkRow(
        framework=name,
        **vars(layout_row(name)),
        input=[str(size) for size in inputs[0].symbolic] if inputs else None,
        output=[str(size) for size in outputs[0].symbolic] if outputs else None,
        outputs=outputs[0].copies if outputs else None,
        outputs_each=outputs[0].each or None if outputs else None,
        returns=layout.returns,
        states_are=layout.states,
        lengths_by=layout.lengths or None,
        cannot_express=missing_feature(config, name) or None,
        num_arrays=storage.num_arrays if storage else None,
        total=storage.num_parameters if storage else None,
    )


def _patterns(name: str, storage: Storage) -> list[PatternRow]:
    """The arrays of a layer: each kind once, its name as a pattern."""
    directions = storage.layout.directions if storage.config.bidirectional else None
    return [
        PatternRow(
            name,
            storage.pattern(place.stored),
            directions,
            place.parameter.holds,
            symbolic_texts(place.parameter),
            place.parameter.shape,
        )
        for place in {place.stored: place for place in storage.placements(0)}.values()
    ]
