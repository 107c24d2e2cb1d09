"""The report of summary: the LSTMs of each source with their share of the whole, the other layers, and the totals."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from lstmcalc.commands._limits import exceeded, over_limits
from lstmcalc.commands.summary.inventory import LISTED, Inventory, inventory_of_code, inventory_of_flags
from lstmcalc.commands.summary.records import (
    LayerRow,
    Part,
    SourceRow,
    StepRow,
    SummaryModule,
    SummaryReport,
    TotalRow,
    Whole,
)
from lstmcalc.costs.operations import step_work
from lstmcalc.errors import LstmcalcError, NotFoundError, shown_name
from lstmcalc.frameworks.storage import Storage, find_layout
from lstmcalc.intake.choosing import asked_modules, chosen_lstms, with_unique_names
from lstmcalc.intake.flags import Typed, items_of, read_flags, read_framework, read_from, several
from lstmcalc.intake.open_lstms import Open, open_lstms
from lstmcalc.intake.resolve import subjects_of
from lstmcalc.intake.settings_files import found_with, given_settings, with_settings
from lstmcalc.intake.subject import Subject
from lstmcalc.model.interfaces import Face, faces
from lstmcalc.model.lstm import LSTMModel, Tensor
from lstmcalc.readers.files.given import given
from lstmcalc.readers.found import Found
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind
from lstmcalc.readers.texts import has_weights, source_text
from lstmcalc.report.notes import notes_of
from lstmcalc.report.rows import SETTINGS, head_of
from lstmcalc.report.tensors import TensorRow, tensor_row
from lstmcalc.spec.activations import ALL_OPTIONS
from lstmcalc.spec.config import DTYPE_BYTES
from lstmcalc.spec.provenance import known_with
from lstmcalc.spec.symbols import sizes_of
from lstmcalc.spec.words import General, with_rest

if TYPE_CHECKING:
    from lstmcalc.readers.graphs.rows import GraphRow


def over_whole(limits: Mapping[str, int], report: "SummaryReport") -> Sequence[str]:
    """A line for each limit that the models exceed: parameters and weights of the whole, the rest of the LSTMs."""
    lines = []
    for part in report.parts:
        whole = {"params": part.whole.total.parameters, "weights": part.whole.total.bytes}
        of_lstms = {name: limit for name, limit in limits.items() if name not in whole}
        own = {name: limit for name, limit in limits.items() if name in whole}
        found = [*exceeded(own, whole), *over_limits(of_lstms, part.subjects, train=False)]
        lines += [General(f"{part.title}: {line}") for line in found]
    return lines


def summary_report(typed: Mapping[str, Typed]) -> SummaryReport:
    """Every source in short; one of several that cannot be read is told of, and the others are shown.

    Raises:
        LstmcalcError: The only source, or each of several, cannot be read.
    """
    named: list[str | None] = [*_sources(several(typed.get("sources")))] or [None]
    parts, failed = list[Part](), list[LstmcalcError]()
    for source in named:
        try:
            parts.append(_part(source, typed))
        except LstmcalcError as error:
            if len(named) == 1 or isinstance(error, NotFoundError):
                raise
            failed.append(error.at(shown_name(source or "")))
    if not parts:
        raise failed[0]
    modules = [module for part in parts for module in part.modules]
    open_ = [item for part in parts for item in part.open]
    if len(named) == 1:
        return SummaryReport(**vars(parts[0].whole), open=open_, modules=modules, parts=parts, failed=[], folder="")
    rows = [SourceRow(**vars(part.whole), name=part.title, what=part.what) for part in parts]
    asked = several(typed.get("sources"))
    folder = asked[0] if len(asked) == 1 else ""
    return SummaryReport(sources=rows, open=open_, modules=modules, parts=parts, failed=failed, folder=folder)


def _sources(named: Sequence[str]) -> Iterator[str]:
    """The sources, with the models in it for a folder."""
    for source in named:
        if given(source) is None and os.path.isdir(source):  # noqa: PTH112  # of text
            from lstmcalc.readers.folders import models_in

            yield from models_in(source)
        elif given(source) is None and os.path.isfile(f"{source}.index"):  # noqa: PTH113  # as above
            from lstmcalc.readers.folders import whole_path

            yield whole_path(source)
        else:
            yield source


def _part(source: str | None, typed: Mapping[str, Typed]) -> Part:
    """A source, or flags alone, in short."""
    flags, named = read_flags(typed), typed.get("framework")
    asked = given_settings(typed, source)
    framework = "" if named is None else read_framework("--framework", str(named))
    text = asked.text
    if source is not None and text is None and not has_weights(source):
        text = source_text(source)
    if text is None:
        found = found_with(asked, source, read_from(typed)) or [Found("lstm", "pytorch")]
    else:
        found = with_unique_names(read_text(text, asked.known, read_from(typed)))
        found = with_settings(found, asked.own)
    chosen = chosen_lstms(found, asked_modules(typed.get("module"), (item.name for item in found)))

    def again(settings: Mapping[str, object]) -> list[Found]:
        known = known_with(asked.known, {**asked.known, **settings})
        return [] if text is None else read_text(text, known, read_from(typed))

    subjects = subjects_of(found, chosen, flags, framework, whole=bool(typed.get("module")), again=again)
    open_ = open_lstms()
    inventory = _doubted(_inventory(found, subjects, text), subjects, open_)
    title = subjects[0].name if source is None else _title(source, text)
    graph = _graph(source, found)
    rows, total, modules = _counted(subjects, inventory, None if source is None else title)
    whole = Whole(
        total=total,
        layers=rows,
        per_step=StepRow(
            sum(module.per_step.macs for module in modules), sum(module.per_step.state_bytes for module in modules)
        ),
        graph=graph,
        not_stored=_not_stored(subjects),
        doubts=list(inventory.doubts),
        next=list(_next(source, text, found, typed)),
    )
    return Part(title, inventory.what, whole, inventory, modules, subjects, open_)


def _doubted(inventory: Inventory, subjects: Sequence[Subject], open_: Sequence[Open]) -> Inventory:
    """The inventory of a source with LSTMs that are not certain, which may be fewer, or open, which are more."""
    uncertain = [item.name for item in subjects if item.found and item.found.uncertain]
    doubts = [f"{with_rest([item.name for item in open_], LISTED)} (open)"] if open_ else []
    doubts += [f"{with_rest(uncertain, LISTED)} (uncertain)"] if uncertain else []
    if not doubts:
        return inventory
    least = (inventory.least or not inventory.doubts) and not uncertain
    return inventory._replace(doubts=[*inventory.doubts, *doubts], least=least)


def _title(source: str, text: SourceText | None) -> str:
    """The name of a source for people: that of the file, or the text itself."""
    if text is None or text.name:
        return os.path.basename(source) if text is None else text.name.rpartition("/")[2]  # noqa: PTH119  # of text
    return " ".join(source.split())


def _inventory(found: Sequence[Found], subjects: Sequence[Subject], text: SourceText | None) -> Inventory:
    """The layers beside the LSTMs of a source."""
    file = found[0].weights.file if found[0].weights else None
    if file is not None:
        from lstmcalc.commands.summary.stored import inventory_of_file

        return inventory_of_file(file, found)
    return inventory_of_flags(subjects) if text is None else _of_text(text, found, subjects)


# Configurations by kind, as they are called.
_CONFIGURATIONS: Final = {"yaml": "YAML", "loose": "configuration", "ini": "INI", "toml": "TOML"}


def _of_text(text: SourceText, found: Sequence[Found], subjects: Sequence[Subject]) -> Inventory:
    """The layers beside the LSTMs of a text."""
    kind = text_kind(text)
    if found[0].partial or kind in _CONFIGURATIONS:
        what = _CONFIGURATIONS.get(kind, kind.upper())
        if found[0].partial:
            return Inventory(what, doubts=["other layers are not read"], least=True)
        return inventory_of_flags(subjects)._replace(what=what)
    if kind == "printed":
        from lstmcalc.commands.summary.inventory import inventory_of_printed

        return inventory_of_printed(text, found)
    if kind == "json":
        from lstmcalc.commands.summary.keras import inventory_of_json

        return inventory_of_json(text)
    if kind in ("summary", "errors", "graph"):
        from lstmcalc.commands.summary.pasted import inventory_of_pasted

        return inventory_of_pasted(text, kind)
    return inventory_of_code(text, kind, found)


def _counted(
    subjects: Sequence[Subject], inventory: Inventory, file: str | None
) -> tuple[list[LayerRow], TotalRow, list[SummaryModule]]:
    """The layers with their shares, the total, and the LSTMs."""
    counts = [_parameters_of(subject, inventory) for subject in subjects]
    stored = inventory.lstms or {}
    own = sum(stored.values())
    own += sum(count for subject, count in zip(subjects, counts, strict=True) if subject.name not in stored)
    total = own + sum(layer.parameters or 0 for layer in inventory.others)
    widths = [DTYPE_BYTES[subject.data.dtype] for subject in subjects]  # other layers are taken to be as the first LSTM
    nbytes = inventory.nbytes
    if nbytes is None:
        nbytes = total * widths[0] + sum(
            count * (width - widths[0]) for count, width in zip(counts, widths, strict=True)
        )

    def share(count: int | None) -> float | None:
        return None if count is None else count / total if total else 0.0

    rows = [
        LayerRow(subject.name, subject.found.kind if subject.found else "LSTM", count, share(count), lstm=True)
        for subject, count in zip(subjects, counts, strict=True)
    ]
    rows += [
        LayerRow(layer.name, layer.kind or None, layer.parameters, share(layer.parameters), lstm=False)
        for layer in inventory.others
    ]
    modules = [
        _module(subject, count, share(count) or 0.0, file) for subject, count in zip(subjects, counts, strict=True)
    ]
    return rows, TotalRow(total, nbytes, not inventory.doubts), modules


def _parameters_of(subject: Subject, inventory: Inventory) -> int:
    """The parameters of an LSTM: as its file stores them, or in the framework that it is reported in."""
    own = (inventory.lstms or {}).get(subject.name)
    if own is not None and subject.found and subject.framework == subject.found.framework:
        return own
    return Storage(subject.config, subject.framework).num_parameters


def _module(subject: Subject, count: int, share: float, file: str | None) -> SummaryModule:
    """One LSTM, in short."""
    config, data = subject.config, subject.data
    kept = config.num_layers * config.num_directions * (config.output_size + config.hidden_size)
    width = DTYPE_BYTES[data.dtype]
    return SummaryModule(
        **head_of(subject, SETTINGS),
        file=file,
        call=_call(subject),
        parameters=count,
        parameters_bytes=count * width,
        share=share,
        tensors=_outputs(subject),
        per_step=StepRow(step_work(config).macs.at(sizes_of(config)), kept * width),
        notes=[note for note in notes_of(subject) if not subject.found or note != subject.found.beside],
    )


def _outputs(subject: Subject) -> list[TensorRow]:
    """The results of a call: of another framework, by its defaults or the options that the source states."""
    config, data = subject.config, subject.data
    if subject.framework == "pytorch":
        given: Sequence[Tensor | Face] = LSTMModel(config).tensors_of(data)
    else:
        found = subject.found
        options = found.options if found and found.framework == subject.framework else {}
        said = {name: value for name, value in options.items() if name not in ALL_OPTIONS}
        given = [face for face in faces(config, data, subject.framework, said) if not face.when]
    return [tensor_row(tensor, data.dtype) for tensor in given if tensor.role == "output"]


def _call(subject: Subject) -> str:
    """The LSTM as code of PyTorch; that of another framework with its name."""
    if subject.framework == "pytorch":
        return f"nn.{subject.config}"
    if subject.framework == "pytorch-cell":
        return f"nn.LSTMCell{str(subject.config).removeprefix('LSTM')}"
    return f"{find_layout(subject.framework).title}, as nn.{subject.config}"


def _not_stored(subjects: Sequence[Subject]) -> list[str]:
    """The settings that a weight file does not have, of any of its LSTMs."""
    return list(
        dict.fromkeys(
            field
            for subject in subjects
            for field, origin in subject.provenance.items()
            if origin.certainty == "unknown"
        )
    )


def _graph(source: str | None, found: Sequence[Found]) -> "GraphRow | None":
    """The row on what the graph of a file says of states and axes; None for other sources."""
    file = found[0].weights.file if found[0].weights else None
    if source is None or file is None or file.kind not in ("onnx", "tflite"):
        return None
    held = given(source)
    path = held.path if held else source
    if file.kind == "tflite":
        from lstmcalc.readers.tflite.streaming import graph_row as tflite_row

        return tflite_row(path)
    from lstmcalc.readers.onnx.streaming import graph_row

    return graph_row(path)


def _next(
    source: str | None, text: SourceText | None, found: Sequence[Found], typed: Mapping[str, Typed]
) -> Iterator[str]:
    """Commands to go on with."""
    if source is None:
        name = ""
    elif given(source) or (text is not None and not text.name and "\n" in source):
        return
    else:
        name = f" {shlex.quote(source)}"
    for flag, items in (("config", several(typed.get("config"))), ("set", items_of(typed.get("set")))):
        name += "".join(f" --{flag} {shlex.quote(item)}" for item in items)
    yield f"lstmcalc shapes|params|cost|run{name}"
    if found[0].weights:
        yield f"lstmcalc diff{name} MODEL.py"
    elif text is not None and text_kind(text) == "errors":
        yield f"lstmcalc diff{name}"
