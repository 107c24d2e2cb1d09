"""The records for the facts of one framework (an entry), and words that several entries share.

Names, shapes and counts (`storage`), packing and unpacking (`numerics.convert`) and recipes (`recipes`) follow from an
entry, so adding a framework means adding an entry. Every entry says how it was checked, with which version, and the
source of its facts.

The words are PyTorch's: i, f, g, o for the gates (g is the candidate, which others call c, z or j), `forward` and
`reverse` for the directions, `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh` and `weight_hr` for the arrays.
"""

from typing import Final, NamedTuple


class Stored(NamedTuple):
    """One kind of stored array."""

    # The parameter of PyTorch it holds: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, `weight_hr`, or `bias`, the sum
    # of both biases; for the layers around `head_weight`, `head_bias` and `embedding`. Two of them, separated by a
    # space, if it joins two.
    holds: str
    # Its name; `{path}`, `{layer}`, `{direction}` and the other words of `array_names.NAME_WORDS` are filled in.
    name: str
    # Its axes from the first to the last, separated by spaces; an axis made of several, the slowest first, is in
    # brackets. They are `direction`, `gate`, `hidden` (H_cell), `input` (the input width of the layer), `recurrent`
    # (H_out), and 1; `bias` counts two joined biases, `input+recurrent` is two matrices end to end. If `direction` or
    # `gate` is not among them, each has an array, and a name, of its own. `direction` is first, on an axis or in one,
    # and `hidden` follows `gate`. The layers around have `feature` (D*H_out), `output` (OUT) and `word` (VOCAB).
    axes: str
    # The text of `{gate}` for each gate, in the order of the layout's gates, if each gate is an array of its own.
    words: tuple[str, ...] = ()
    # Each gate's block is the memory of PyTorch's `(H_cell, inputs)` matrix, declared as `(inputs, H_cell)`: a reshape
    # converts it, not a transpose.
    raw: bool = False


class Port(NamedTuple):
    """An array that goes in or comes out by default."""

    name: str  # in the framework
    role: str  # `input` or `output`
    axes: str  # its shape, in the letters of PyTorch's documentation, separated by spaces
    # If there are several, there is one for each `cell` (layer and direction), `layer`, `direction` (of the last
    # layer), `sequence` or `step`.
    each: str = ""
    when: str = ""  # the option that makes it appear, if it does not by default
    # Its value in NumPy, from PyTorch's `output` `(L, N, D*H_out)`, `h_n` and `c_n`, and the numbers L, N and D; empty
    # if there is no simple one. `model.interfaces.RELATION_WORDS` are filled in.
    equals: str = ""
    only: str = ""  # words that must hold: `uni` or `bi`, `one` or `many` (layers); empty if it is always there
    dtype: str = ""  # empty for the dtype of the data


class Paths(NamedTuple):
    """The text of `{path}`, for one layer and for several, in one direction and in both."""

    one: str = ""
    many: str = ""
    both: str = ""
    many_both: str = ""
    yours: bool = False  # users put several modules together by hand, and choose the paths; these are examples


class Evidence(NamedTuple):
    """The kind of check that the facts passed, and their source."""

    # `run` if the framework's results were compared with ours, `converter` if the output of its converter for the
    # arrays, or for an LSTM, was compared, `source` if its source was only read.
    how: str
    version: str  # the version that was run, or read
    source: str  # the place of the facts


class Layout(NamedTuple):
    """The facts of one framework."""

    title: str
    kind: str  # `layer`, or `cell` if it computes one step and users write the loop
    gates: str  # the order in which gates are stored
    stored: tuple[Stored, ...]  # the arrays of one layer, in order
    ports: tuple[Port, ...]  # the inputs and outputs by default
    # PyTorch's h_n[k] in the framework, for one direction and for both, in Python; `states` explains its names,
    # `model.interfaces.RELATION_WORDS` are filled in.
    h_n: tuple[str, str]
    c_n: tuple[str, str]  # the same for c_n[k]
    states: str  # the meaning of the names in `h_n` and `c_n`
    returns: str  # the results of a call by default
    lengths: str  # the way to give different lengths, and the values after a sequence; empty if there is no way
    init: str  # the default initialisation
    evidence: Evidence
    projected: "Layout | None" = None  # the layout with a projection, if that changes the other names too
    zeros: bool = False  # the values after a sequence are zeros, as in PyTorch
    paths: Paths = Paths()  # the texts of `{path}` in the names
    directions: tuple[str, str] = ("forward", "reverse")  # the texts of `{direction}`
    bias: str = ""  # the way to leave out biases; empty if there is none
    forget_offset: float = 0.0  # added to the forget gate at run time, and not in the stored bias
    gate_major: bool = False  # all arrays of a gate come before the next gate's
    batch: str = "always"  # data have a batch axis: `always`, `optional` or `never`
    own: str = ""  # the gates in the framework's own letters, if they differ
    stacking: str = ""  # the way to stack layers, if the framework does not do it itself
    reversing: str = ""  # the way to run both directions, if the framework does not do it itself
    # Arrays that may be stored too but that no LSTM of PyTorch has: a pattern of names, and their meaning.
    unmodelled: tuple[tuple[str, str], ...] = ()
    # The arrays of a dense output layer, if checked; its module is called `head` if users choose the name.
    head: tuple[Stored, ...] = ()
    # The outputs of the head, where they are not those of a Linear on `output` or on the last state; `only` is `all` if
    # the head has to be put on every step. An axis of two is a product: `L*N`.
    head_ports: tuple[Port, ...] = ()
    embedding: tuple[Stored, ...] = ()  # the same for an embedding, called `embedding`
    # Replacements of the port of the same name and role when the framework is called with other options than the
    # default, e.g. `return_sequences=True`; of several options, separated by a space, all must be given; the last
    # replacement that fits counts.
    chosen: tuple[tuple[str, Port], ...] = ()
    usage: tuple[str, ...] = ()  # common mistakes in calls
    notes: tuple[str, ...] = ()  # common mistakes with weights


OWN: Final = Paths("", "layers.{layer}.", "{direction}.", "layers.{layer}.{direction}.", yours=True)


MODULES: Final = "one module each"


REVERSED: Final = "two modules, the reverse one on the reversed sequence"


UNIFORM: Final = "everything uniform from -1/sqrt(H_cell) to 1/sqrt(H_cell)"
