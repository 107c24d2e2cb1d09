"""Notes on an LSTM: those of its source, and on settings that are legal but probably not intended."""

from typing import TYPE_CHECKING

from lstmcalc.intake.subject import Subject
from lstmcalc.spec.activations import option_texts, unstated

if TYPE_CHECKING:
    from lstmcalc.frameworks.entry import Layout


def notes_of(subject: Subject) -> list[str]:
    """Notes of the source, and on settings that are legal but probably not intended."""
    config = subject.config
    notes: list[str] = []
    if subject.found:
        notes += [f"{subject.name} is uncertain: {reason}" for reason in subject.found.uncertain]
        notes += [note for note in subject.found.notes if note not in subject.found.uncertain]
        notes += subject.found.around
        notes += [subject.found.beside] if subject.found.beside else []
        computed = option_texts(subject.found.options)
        rest = "shapes and numbers of parameters are" if subject.found.quantized else "shapes and counts are"
        notes += [
            f"{item}: run computes it; no shape and no count depends on it"
            if item in computed
            else f"{item} is not modelled: {rest} of the LSTM without it"
            for item in subject.found.unmodelled
        ]
        missing = unstated(subject.found.options)
        if missing:
            notes.append(
                f"{missing} is not stored in {subject.found.where or 'the source'}: the gates are hard_sigmoid, the "
                "default of Keras before 2.3 and of tf.keras in TensorFlow 1, or sigmoid"
            )
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
    if subject.config.batch_first and subject.provenance["batch_first"].source != "source":
        notes.append(f"{layout.title} has no batch_first: the shapes follow its own defaults")
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
    """A note that a report is on nn.LSTM, if the source's framework is another; `done` is e.g. `costs are those of`."""
    other = source_layout(subject)
    return [f"{done} the equivalent nn.LSTM, not {other.title}'s own"] if other else []
