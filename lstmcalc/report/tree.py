"""Parts of every report's tree: modules with their settings and notes, tensors, arrays, limits.

Not here: each command's own part (`commands`), and other frameworks (`framework`).
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lstmcalc.errors import TooLargeError, UnsupportedError
from lstmcalc.intake.subject import Subject
from lstmcalc.lazy import LazySequence
from lstmcalc.model.lstm import LSTMModel, State, output_text
from lstmcalc.model.surroundings import Extra, extras, head_reads
from lstmcalc.spec.config import AROUND_FIELDS, DATA_FIELDS, DTYPE_BYTES, HYPERPARAMETERS, DataSpec
from lstmcalc.spec.sizes import Dim

if TYPE_CHECKING:
    from lstmcalc.frameworks.entry import Layout
    from lstmcalc.frameworks.storage import Parameter, Ranges
    from lstmcalc.model.interfaces import Face
    from lstmcalc.model.lstm import Tensor

MAX_ROWS: Final = 10**6


Tree: TypeAlias = dict[str, Any]


def module_tree(subject: Subject, settings: Sequence[str], own: Tree) -> Tree:
    """The tree of a module: the LSTM, its settings and their origins, the command's own keys, and notes."""
    provenance = {
        field: {"from": origin.source, "where": origin.where, "certainty": origin.certainty}
        for field, origin in subject.provenance.items()
        if field in settings
    }
    head = {"name": subject.name, "framework": subject.framework, "kind": subject.kind, "text": str(subject.config)}
    return {
        **head,
        "config": dict(vars(subject.config)),
        "provenance": provenance,
        "source": _source(subject),
        **own,
        "notes": notes_of(subject),
    }


def _source(subject: Subject) -> Tree | None:
    """The LSTM as its source has it; None without a source."""
    found = subject.found
    if found is None or not found.text:
        return None
    options = {
        name: value if isinstance(value, str | bool | None) else str(value) for name, value in found.options.items()
    }
    return {
        "text": found.text,
        "where": found.where,
        "framework": found.framework,
        "path": found.path or None,
        "options": options,
        "unmodelled": list(found.unmodelled),
    }


def notes_of(subject: Subject) -> list[str]:
    """Notes of the source, and on settings that are legal but probably not intended."""
    config = subject.config
    notes: list[str] = []
    if subject.found:
        notes += subject.found.notes
        notes += [f"{item} is not modelled: no shape and no count depends on it" for item in subject.found.unmodelled]
    if config.dropout and config.num_layers == 1:
        # PyTorch warns: "dropout option adds dropout after all but last recurrent layer, so non-zero dropout
        # expects num_layers greater than 1" (torch 2.13.0, RNNBase.__init__).
        notes.append(
            f"dropout = {config.dropout:g} does nothing with num_layers = 1: it acts after every layer but the "
            "last, and PyTorch warns of it"
        )
    if subject.framework != "pytorch":
        return notes + _foreign_notes(subject)
    if config.batch_first and subject.data.unbatched:
        notes.append("batch_first does nothing here: unbatched input has no batch axis")
    lengths = subject.data.lengths
    if subject.around.head_on == "all" and lengths and min(lengths) < subject.data.seq_len:
        notes.append("behind a sequence output is 0, and logits are the head's bias")
    return notes


def _foreign_notes(subject: Subject) -> list[str]:
    """Notes on settings that another framework does not have, and what is reported instead."""
    from lstmcalc.frameworks.storage import find_layout

    layout, notes = find_layout(subject.framework), []
    if subject.config.batch_first:
        notes.append(f"batch_first is PyTorch's: the shapes are those of {layout.title} by its own defaults")
    if not subject.config.bias and not layout.bias:
        offset = layout.forget_offset
        less = f", and -{offset:g} for the forget gate against the {offset:g} added at run time" if offset else ""
        notes.append(f"{layout.title} cannot leave out biases: they are counted, and hold zeros{less}")
    if layout.batch == "never" and subject.provenance["batch"].source != "default":
        notes.append(f"{layout.title} has no batch axis: the shapes are those of one sequence")
    return notes


def source_layout(subject: Subject) -> "Layout | None":
    """The layout of the source's framework; None if that is PyTorch's nn.LSTM, or without a source."""
    if not subject.found or subject.found.framework == "pytorch":
        return None
    from lstmcalc.frameworks.storage import find_layout

    return find_layout(subject.found.framework)


def as_pytorch_note(subject: Subject, done: str) -> list[str]:
    """A note that a report is on nn.LSTM, if the source's framework is another; `done` is e.g. `counted`."""
    other = source_layout(subject)
    terms = f"shapes and params are in the terms of {other.title}" if other else ""
    return [f"{done} as PyTorch's nn.LSTM has it; {terms}"] if other else []


_BYTES: Final = {**DTYPE_BYTES, "int32": 4, "int64": 8}


# The topics of `explain`, in reading order.
TOPICS: Final = ("equations", "states", "packing", "dropout", "batch-first", "init", "around")
SETTINGS: Final = (*HYPERPARAMETERS, *DATA_FIELDS, *AROUND_FIELDS)


def states_tree(model: LSTMModel, data: DataSpec) -> Sequence[Tree]:
    """The state map: the layer and direction of each index of h_n and c_n, and its slice of output."""
    return mapped(model.states_of(data), _state)


def _state(state: State) -> Tree:
    return {
        "index": state.position,
        "layer": state.layer,
        "direction": state.direction,
        "h_n_equals": None if state.equals is None else output_text(state.equals),
        "h_n_differs_from": None if state.differs is None else output_text(state.differs),
    }


def around_tree(subject: Subject) -> Tree:
    """The layers around the LSTM: the outputs of its head, the head's input, the words of its embedding."""
    around = subject.around
    return {"head": around.head, "head_on": around.head_on if around.head else None, "embed": around.embed}


def extras_of(subject: Subject) -> list[Extra]:
    """The parameters of the layers around the LSTM in its framework; an error names their place in the source."""
    try:
        return extras(subject.config, subject.around, subject.framework)
    except UnsupportedError as error:
        origins = (subject.provenance.get(field) for field in ("embed", "head"))
        where = next((origin.where for origin in origins if origin and origin.where), "")
        raise (error.at(where) if where else error) from None


def extras_tree(subject: Subject) -> Tree:
    """The parameters of the layers around the LSTM, and the size of the head's input."""
    config, around = subject.config, subject.around
    return {
        "extras": [
            {
                "name": extra.name,
                "part": extra.part,
                "symbolic": [str(size) for size in extra.symbolic],
                "shape": list(extra.shape),
                "count": extra.numel,
            }
            for extra in extras_of(subject)
        ],
        "head_reads": str(head_reads(config, around)) if around.head else None,
    }


def data_tree(subject: Subject) -> Tree:
    """The data that the LSTM is given."""
    data = subject.data
    return {
        "seq_len": data.seq_len,
        "batch": data.batch,
        "lengths": None if data.lengths is None else list(data.lengths),
        "unbatched": data.unbatched,
        "dtype": data.dtype,
    }


def tensor_tree(tensor: "Tensor | Face", dtype: str) -> Tree:
    """One tensor, with its shape in symbols and in numbers, and its bytes; `dtype` is that of the data."""
    count = 1
    for size in tensor.shape:
        count *= size
    return {
        "name": tensor.name,
        "role": tensor.role,
        "symbolic": [str(size) for size in tensor.symbolic],
        "shape": list(tensor.shape),
        "bytes": count * _BYTES[tensor.dtype or dtype],
    }


def parameter_tree(parameter: "Parameter") -> Tree:
    """One stored array."""
    return {
        "name": parameter.name,
        "layer": parameter.layer,
        "direction": parameter.direction,
        "symbolic": [str(size) for size in parameter.symbolic],
        "shape": list(parameter.shape),
        "count": parameter.numel,
        "gate_axis": parameter.gate_axis,
        "gates": range_lists(parameter.gates),
    }


def range_lists(ranges: "Ranges | None") -> dict[str, list[int]] | None:
    """Ranges as lists; None stays None."""
    return None if ranges is None else {label: list(rows) for label, rows in ranges.items()}


def mapped(rows: Sequence[Any], make: Any) -> Sequence[Tree]:  # noqa: ANN401
    """The sequence of `make(row)`, computed when it is read."""
    return LazySequence(len(rows), lambda index: make(rows[index]))


def functions_tree(formulas: Iterable[Dim]) -> Tree:
    """The meaning of each function in some formulas, by name."""
    used = {function for formula in formulas for function in formula.functions}
    return {function.name: function.says for function in sorted(used, key=lambda function: function.name)}


def check_rows(rows: int, what: str, cure: str = "fewer layers (--layers)") -> None:
    """Refuse a report of more than `MAX_ROWS` rows."""
    if rows > MAX_ROWS:
        raise TooLargeError(
            "this report would be too long",
            expected=f"at most {MAX_ROWS:,} rows",
            found=f"{rows:,} rows, one for each {what}",
            hint=f"{cure} make fewer rows",
        )
