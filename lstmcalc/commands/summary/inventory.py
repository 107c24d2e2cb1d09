"""The layers beside the LSTMs of a source, with their parameters, and what the source is."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

from lstmcalc.spec.words import with_rest

if TYPE_CHECKING:
    from lstmcalc.intake.subject import Subject
    from lstmcalc.readers.found import Found, FoundModule
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
    apart: bool = False  # the LSTMs are of several models, which have no total, share or step in common


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


def inventory_of_code(text: "SourceText", kind: str, found: "Sequence[Found]") -> Inventory:
    """The layers of the models that code makes, beside their LSTMs, each once."""
    line = "\n" not in text.text.strip()
    what = "notebook" if kind == "notebook" else "" if line else "Python code"
    models = found[0].models
    if not models or any(item.kind and not item.framework.startswith(("pytorch", "keras", "flax")) for item in found):
        return Inventory(what, doubts=() if line else ["other layers are not read"], least=not line)
    own = {item.name for item in found}
    others, unknown, more = list[Layer](), list[str](), list[str]()
    variables = [model for model in models if model.name]
    held = {module.lstm for model in variables for module in model.modules if module.lstm}
    apart = [item.name for item in found if item.kind and item.name not in held] if held else []
    for model in variables if held else models:
        for module in model.modules:
            name = ".".join(filter(None, (model.start, module.path)))
            if module.lstm not in own and not module.again:
                count = _parameters_of(module)
                if count != 0:
                    others.append(Layer(name, module.kind, named(name, module.text), count))
                if count is None:
                    unknown.append(name or module.kind)
            unknown += [f"{name}.{item}" if name else item for item in module.open]
            if not module.whole:
                more.append(name or module.kind)
    doubts = [f"{with_rest(unknown, LISTED)} (not known)"] if unknown else []
    doubts += [f"what {with_rest(more, LISTED)} may have besides"] if more else []
    if apart:  # made, and then dropped
        return Inventory(what, others, doubts=[*doubts, f"{with_rest(apart, LISTED)} (in none of the models)"])
    if not doubts and not all(model.whole for model in models):
        doubts = ["modules that are not seen"]
    return Inventory(what, others, doubts=doubts, least=bool(doubts))


def _parameters_of(module: "FoundModule") -> int | None:
    """The parameters of a module itself that are not another's before; None if they are not known."""
    if module.tensors is None:
        return None
    kept = [shape for key, shape in module.tensors.items() if key not in module.buffers | module.tied]
    return None if None in kept else sum(prod(shape) for shape in kept if shape is not None)


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
