"""The functions that an LSTM of a source computes: refused where they are not known, or more than an LSTM's.

Not here: which setting wins (`resolve`).
"""

from typing import Final

from lstmcalc.errors import SourceError, UnsupportedError
from lstmcalc.intake.subject import Subject, activations_in
from lstmcalc.readers.found import Found
from lstmcalc.spec.activations import Activations, gates_of, option_texts, unstated
from lstmcalc.spec.words import and_list


def uncomputed(subject: Subject) -> list[str]:
    """The parts of an LSTM's source that no forward pass here computes."""
    found = subject.found
    return [] if found is None else [item for item in found.unmodelled if item not in option_texts(found.options)]


def check_computable(subject: Subject) -> None:
    """Refuse an LSTM with more than an LSTM's arrays, activations that are not computed, or another order of time."""
    found, odd = subject.found, uncomputed(subject)
    if found is None or not odd:
        return
    error = UnsupportedError(
        f"{found.name} computes something else than an LSTM of PyTorch",
        expected="its arrays alone, sigmoid or hard_sigmoid for gates, tanh or relu for the rest, in the order of time",
        found=" and ".join(odd),
        hint="shapes and params are of the LSTM without it, which run --as-lstm computes",
    )
    pointer = found.pointers.get("")
    raise error.showing(pointer.place, pointer.excerpt) if pointer else error


def check_order(found: Found) -> None:
    """Refuse an LSTM whose order of gates is not known, as its arrays fit several frameworks."""
    if found.rivals:
        from lstmcalc.frameworks.storage import find_layout

        names = (found.framework, *found.rivals)
        raise SourceError(
            f"the order of the gates of {found.name} is not known",
            " or ".join(f"--from {name}" for name in names),
            "names and shapes of "
            + and_list([f"{find_layout(name).title} (gates {' '.join(find_layout(name).gates)})" for name in names]),
            "shapes and counts do not depend on it",
            where=found.where or "",
        )


_GATES_FLAG: Final = "--recurrent-activation"


def settled_activations(subject: Subject, asked: str) -> Activations:
    """The functions that an LSTM computes: those of its source, and where that does not state it, that of the flag.

    Args:
        subject: The LSTM.
        asked: The word of the flag; empty without one.
    """
    said, found = activations_in(subject), subject.found
    if found is not None and unstated(found.options):
        if asked:
            return said._replace(gates=gates_of(found.framework, asked))
        raise SourceError(
            f"{unstated(found.options)} of {found.name} is not stated in {found.where or 'the source'}",
            "sigmoid or hard_sigmoid for the gates",
            "nothing: Keras before 2.3 and tf.keras of TensorFlow 1 have hard_sigmoid by default, tf.keras of "
            "TensorFlow 2 and Keras since 2.3 sigmoid",
            f"{_GATES_FLAG} hard_sigmoid or {_GATES_FLAG} sigmoid, as the model was made",
            where=_GATES_FLAG,
        )
    if asked and gates_of(subject.framework if found is None else found.framework, asked) != said.gates:
        what = found.name if found is not None and found.text else "an nn.LSTM"
        expected = f"{said.gates}, by its source or the default of its framework"
        raise SourceError(f"{what} has other gates", expected, asked, "leave the flag out", where=_GATES_FLAG)
    return said
