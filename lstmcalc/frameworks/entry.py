"""One framework's entry: the records that the facts of a framework are written in, and words that several use.

Names, shapes and counts (`storage`), packing and unpacking (`numerics.convert`) and recipes (`recipes`) follow from an
entry, so that adding a framework is adding one. Every entry says how it was checked, with which version, and where its
facts are from.

The words are PyTorch's: i, f, g, o for the gates (g is the candidate, which others call c, z or j), `forward` and
`reverse` for the directions, `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh` and `weight_hr` for what is stored.
"""

from typing import Final, NamedTuple


class Stored(NamedTuple):
    """One kind of stored array.

    Attributes:
        holds: The parameter of PyTorch it holds: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, `weight_hr`, or
            `bias`, the sum of both biases; of the layers around `head_weight`, `head_bias` and `embedding`. Two of
            them, divided by a space, if it joins two.
        name: Its name; `{path}`, `{layer}`, `{direction}` and the other words of `layouts.NAME_WORDS` are filled in.
        axes: Its axes from the first to the last, divided by spaces; an axis that is made of several, the slowest
            first, is in brackets. They are `direction`, `gate`, `hidden` (H_cell), `input` (what the layer reads),
            `recurrent` (H_out), and 1; `bias` counts two joined biases, `input+recurrent` is two matrices end to end.
            Where `direction` or `gate` is not among them, each has an array, and a name, of its own. `direction` is
            first, on an axis or in one, and `hidden` follows `gate`. The layers around have `feature` (D*H_out),
            `output` (OUT) and `word` (VOCAB).
        words: What `{gate}` reads for each gate, in the order of the layout's gates, if each is an array of its own.
        raw: Whether each gate's block is the memory of PyTorch's `(H_cell, inputs)` matrix, declared as
            `(inputs, H_cell)`: a reshape converts it, and no transpose.
    """

    holds: str
    name: str
    axes: str
    words: tuple[str, ...] = ()
    raw: bool = False


class Port(NamedTuple):
    """What goes in or comes out by default.

    Attributes:
        name: What the framework calls it.
        role: `input` or `output`.
        axes: Its shape, in the letters of PyTorch's documentation, divided by spaces.
        each: What there is one for, if there are several: `cell` (each layer and direction), `layer`, `direction` (of
            the last layer), `sequence` or `step`.
        when: The option that makes it appear, if it does not by default.
        equals: What it is in NumPy, of PyTorch's `output` `(L, N, D*H_out)`, `h_n` and `c_n`, and the numbers L, N and
            D; empty if nothing simple. `interfaces.RELATION_WORDS` are filled in.
        only: Words that must hold: `uni` or `bi`, `one` or `many` (layers); empty if it is always there.
        dtype: Its dtype, if it is not that of the data.
    """

    name: str
    role: str
    axes: str
    each: str = ""
    when: str = ""
    equals: str = ""
    only: str = ""
    dtype: str = ""


class Paths(NamedTuple):
    """What `{path}` reads, for one layer and for several, in one direction and in both.

    Where several modules are put together by hand, their paths are `yours`; these stand for them.
    """

    one: str = ""
    many: str = ""
    both: str = ""
    many_both: str = ""
    yours: bool = False


class Evidence(NamedTuple):
    """How the facts were checked.

    Attributes:
        how: `run` if its results were compared with ours, `converter` if that was done with what its converter makes
            of the arrays, or of an LSTM, `source` if it was only read.
        version: What was run, or read.
        source: Where the facts stand.
    """

    how: str
    version: str
    source: str


class Layout(NamedTuple):
    """The facts of one framework.

    Attributes:
        title: What it is called.
        kind: `layer`, or `cell` if it computes one step and the loop is yours.
        gates: The order in which gates are stored.
        stored: What one layer stores, in order.
        projected: The layout with a projection, if that changes the other names too.
        ports: What goes in and comes out by default.
        h_n: What is h_n[k] of PyTorch there, for one direction and for both, in Python; `states` explains its names,
            `interfaces.RELATION_WORDS` are filled in.
        c_n: The same for c_n[k].
        states: What the words of `h_n` and `c_n` are.
        returns: What a call returns by default.
        lengths: How sequences of different lengths are given, and what is behind them; empty if there is no way.
        zeros: Whether it is zeros, as in PyTorch.
        init: The default initialisation.
        evidence: How all of this was checked.
        paths: What stands for `{path}` in the names.
        directions: What stands for `{direction}`, forward and reverse.
        bias: How biases are left out; empty if they cannot be.
        forget_offset: What is added to the forget gate at run time, and is not in the stored bias.
        gate_major: Whether all arrays of a gate come before the next gate's.
        batch: `always`, `optional` or `never`: whether data have a batch axis.
        own: The gates in the framework's own letters, if they are others.
        stacking: How several layers are put together, if the framework does not do it itself.
        reversing: How both directions are, if it does not do that itself.
        unmodelled: Arrays that may be stored too but that no LSTM of PyTorch has: a pattern of names, and what they
            are.
        head: What a dense output layer stores, where that was checked too; its module is called `head` where the name
            is yours.
        embedding: The same of an embedding, called `embedding`.
        chosen: What takes the place of a port of the same name and role when it is called with other options than the
            default, as `return_sequences=True`; of several options that are divided by a space all must be given, and
            the last that fits counts.
        usage: What is easily got wrong when it is called.
        notes: What is easily got wrong about its weights.
    """

    title: str
    kind: str
    gates: str
    stored: tuple[Stored, ...]
    ports: tuple[Port, ...]
    h_n: tuple[str, str]
    c_n: tuple[str, str]
    states: str
    returns: str
    lengths: str
    init: str
    evidence: Evidence
    projected: "Layout | None" = None
    zeros: bool = False
    paths: Paths = Paths()
    directions: tuple[str, str] = ("forward", "reverse")
    bias: str = ""
    forget_offset: float = 0.0
    gate_major: bool = False
    batch: str = "always"
    own: str = ""
    stacking: str = ""
    reversing: str = ""
    unmodelled: tuple[tuple[str, str], ...] = ()
    head: tuple[Stored, ...] = ()
    embedding: tuple[Stored, ...] = ()
    chosen: tuple[tuple[str, Port], ...] = ()
    usage: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


OWN: Final = Paths("", "layers.{layer}.", "{direction}.", "layers.{layer}.{direction}.", yours=True)


MODULES: Final = "one module each"


REVERSED: Final = "two modules, the reverse one on the reversed sequence"


UNIFORM: Final = "everything uniform from -1/sqrt(H_cell) to 1/sqrt(H_cell)"
