"""The layers beside the LSTMs of a source, with their parameters, and what the source is."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from lstmcalc.spec.words import with_rest

if TYPE_CHECKING:
    from lstmcalc.intake.subject import Subject
    from lstmcalc.readers.text.source_text import SourceText

Shape = tuple[int, ...]


class Layer(NamedTuple):
    """A layer beside the LSTMs."""

    name: str  # its path; empty for what belongs to the model itself
    kind: str  # its class; empty if the source does not say
    text: str  # as it is shown, with its name: `fc: Linear(512, 17)`, or its tensors with their shapes
    parameters: int | None  # None if they are not known


class Inventory(NamedTuple):
    """The layers beside the LSTMs of a source, and what is known of the total."""

    what: str = ""  # the source in words: `safetensors, 19 tensors`
    others: Sequence[Layer] = ()
    lstms: Mapping[str, int] | None = None  # the parameters of each LSTM as the source has them; None for its sizes
    nbytes: int | None = None  # of all parameters as they are stored; None if they are not
    # Why the total may differ from the model's: each a clause. With `least` there may be more, but not fewer.
    doubts: Sequence[str] = ()
    least: bool = False


LISTED: Final = 3


def inventory_of_printed(text: "SourceText", found: "Sequence[object]") -> Inventory:
    """The layers that a printed model shows; parameters of a user's own class are not printed."""
    from lstmcalc.commands.diff.loading import model_of_printed
    from lstmcalc.frameworks.layers import EMPTY, buffers_of
    from lstmcalc.readers.text.modules import printed_models

    kinds = [{"LSTM": "LSTM", "LSTMCell": "LSTMCell"}] * len(found)
    others, unknown, own = list[Layer](), list[str](), list[str]()
    for printed in printed_models(text):
        arguments = {item.path: item for item in printed.modules}
        model = model_of_printed(printed, iter(kinds))  # type: ignore[arg-type]  # only that they are there counts
        above = {module.path.rpartition(".")[0] for module in model.modules if module.path}
        for module in model.modules:
            item = arguments[module.path]
            if item.is_lstm or module.kind in ("", *EMPTY):
                continue
            shown = named(module.path, f"{module.kind}({item.arguments})" if item.arguments else module.kind)
            if module.whole:
                held = buffers_of(module.kind)
                count = sum(prod(shape) for name, shape in module.own.items() if name not in held)
                if count:
                    others.append(Layer(module.path, module.kind, shown, count))
            elif module.path in above or (not item.arguments and module is model.modules[0]):
                own.append(module.kind)
            else:
                unknown.append(module.path or module.kind)
                others.append(Layer(module.path, module.kind, shown, None))
    doubts = [f"{with_rest(unknown, LISTED)} (unknown class)"] if unknown else []
    if own:
        doubts.append(f"parameters of {with_rest(list(dict.fromkeys(own)), LISTED)} itself, which print does not show")
    least = bool(unknown or own)
    return Inventory("printed model", others, doubts=doubts or ["every layer as often as it is printed"], least=least)


def inventory_of_flags(subjects: "Sequence[Subject]") -> Inventory:
    """The layers around an LSTM that flags ask for."""
    from lstmcalc.report.rows import extras_of

    others = []
    for part, rows in groupby(extras_of(subjects[0]), key=lambda row: row.part):
        own = list(rows)
        shown = ", ".join(f"{row.name} {_shape_text(row.shape)}" for row in own)
        others.append(Layer(part, "", shown, sum(row.numel for row in own)))
    return Inventory("", others)


def named(name: str, text: str) -> str:
    """A layer with its name."""
    return f"{name}: {text}" if name else text


def _shape_text(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
