"""LSTMs that read one another, as one: `--stack` says that they do, and here is in which order.

Not here: how arrays are put together (`numerics.stacks`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lstmcalc.errors import UnsupportedError, UsageError, printable
from lstmcalc.intake.choosing import asked_modules
from lstmcalc.readers.picking import pick
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.words import and_list, with_rest

if TYPE_CHECKING:
    from lstmcalc.commands.convert.taking import Taken
    from lstmcalc.intake.flags import Typed
    from lstmcalc.readers.found import Found
    from lstmcalc.writers.target import Portable

FLAG: Final = "--stack"
# Kinds of files that may be sorted by name, and then say nothing of the order in which a model has its layers.
_SORTED: Final = (
    *("safetensors", "index", "npz", "json", "hdf5", "keras-index"),
    *("tensorflow", "tensorflow-old", "saved-model", "tensorflow-graph", "tensorflow-js"),
)
_LISTED: Final = 4
_NUMBER: Final = re.compile(r"_?(\d+)")


def in_stack_order(taken: "Taken", modules: "Typed") -> "Taken":
    """The LSTMs of a source from the first to the last; `modules` is the value of `--module`."""
    kind = _kind([subject.found for subject in taken.subjects if subject.found is not None])
    order = stack_order({lstm.name: lstm.config for lstm in taken.lstms}, kind, modules, "--module")
    return taken._replace(
        subjects=[taken.subjects[place] for place in order], lstms=[taken.lstms[place] for place in order]
    )


def targets_in_order(found: "Sequence[Found]", modules: "Typed") -> "list[Found]":
    """The LSTMs of a target file from the first to the last; `modules` is the value of `--into-module`."""
    configs = {item.name: item.stored.config for item in found}
    return [found[place] for place in stack_order(configs, _kind(found), modules, "--into-module")]


def _kind(found: "Sequence[Found]") -> str:
    """The kind of the file; empty without one, and for a model of Keras whose configuration has the order."""
    file = found[0].stored.file if found and found[0].weights else None
    if file is None or any(value is not None for value in found[0].options.values()):
        return ""
    return file.kind


def stack_order(configs: Mapping[str, LSTMConfig], kind: str, modules: "Typed", flag: str) -> list[int]:
    """The places of LSTMs in a file, from the first of the stack to the last.

    It is that in which `modules` names them, else that of the file if it has one of its own, else that of sizes and of
    the numbers in names; UsageError if nothing tells it.
    """
    names = list(configs)
    asked = [pick(names, module) for module in asked_modules(modules, names)] if modules else []
    if sorted(asked) == sorted(names):
        return [names.index(name) for name in asked]
    places = list(range(len(names)))
    if kind not in _SORTED or names != sorted(names):
        return places
    head = [k for k, own in enumerate(configs.values()) if own.input_size != own.num_directions * own.output_size]
    rest = [place for place in places if head != [place]]
    if len(rest) > 1 and len({_NUMBER.sub("", names[place]) for place in rest}) > 1:
        raise UsageError(
            "which of these LSTMs reads the other is not known",
            "their order",
            f"{with_rest([printable(name) for name in names], _LISTED)}, sorted by name",
            f"{flag} FIRST,SECOND names them in their order",
            FLAG,
        )
    rest.sort(key=lambda place: [int(number) for number in _NUMBER.findall(names[place])])
    return [place for place in places if place not in rest] + rest


def stack_of(lstms: "Sequence[Portable]") -> "Portable":
    """LSTMs that read one another, as one of all their layers."""
    from lstmcalc.numerics.stacks import Part, stacked

    made = stacked([Part(lstm.config, lstm.weights) for lstm in lstms])
    functions = {lstm.activations for lstm in lstms}
    if made is None or len(functions) > 1:
        raise UnsupportedError(
            "these LSTMs are no stack",
            "the same sizes in each, and an input as wide as the output of the one before",
            ", ".join(f"{printable(lstm.name)} {lstm.config}" for lstm in lstms),
            where=FLAG,
        )
    return lstms[0]._replace(config=replace(made.config, dropout=0.0), weights=made.weights)


def stack_note(names: Sequence[str]) -> str:
    """A sentence on what `--stack` was believed in."""
    listed = [printable(name) for name in names]
    shown = and_list(listed) if len(listed) <= _LISTED else with_rest(listed, _LISTED)
    return f"{shown} are one stack in this order, as --stack says: what is between them was not looked at"
