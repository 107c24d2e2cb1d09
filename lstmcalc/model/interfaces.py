"""The inputs and outputs of an LSTM in each framework by its own defaults, and the places of h_n and c_n.

Derived from the table of `frameworks`; PyTorch's own tensors and states are in `lstm`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import mul
from typing import Final, NamedTuple

from lstmcalc.errors import UnsupportedError
from lstmcalc.frameworks.entry import Layout, Port
from lstmcalc.frameworks.storage import check_expressible, find_layout
from lstmcalc.lazy import LazySequence
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.spec.config import DataSpec, LSTMConfig
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import DIRECTIONS, L, N


class Face(NamedTuple):
    """One kind of array that goes in or comes out."""

    name: str  # in the framework
    role: str  # `input` or `output`
    symbolic: tuple[Dim, ...]  # the shape of one of them, in symbols
    shape: tuple[int, ...]  # the same in numbers
    # There is one for each `cell` (layer and direction), `layer`, `direction` (of the last layer), `sequence` or
    # `step`; empty if there is only one.
    each: str
    copies: int  # the number of them
    when: str  # the option that makes it appear, if it does not by default
    equals: str  # its value in PyTorch's terms, with `RELATION_WORDS` to fill in; empty if there is no simple one
    dtype: str  # empty for the dtype of the data


class ForeignState(NamedTuple):
    """The place of one index of PyTorch's h_n and c_n in another framework, as Python."""

    position: int
    layer: int
    direction: str
    h: str
    c: str


def check_data(config: LSTMConfig, data: DataSpec, layout: str) -> None:
    """Refuse a projection, unbatched input or different lengths if a framework cannot express them."""
    check_expressible(config, layout)
    found = find_layout(layout)
    if data.unbatched and found.batch == "always":
        raise UnsupportedError(
            f"{found.title} has no unbatched input",
            expected=f"input of {_axes_text(found.ports)}",
            found="input without a batch axis",
            hint="--batch 1 is the same with a batch axis",
        )
    if data.lengths and not found.lengths:
        raise UnsupportedError(
            f"{found.title} takes no sequences of different lengths",
            expected="every sequence of length L",
            found=f"{len(data.lengths)} lengths from {min(data.lengths)} to {max(data.lengths)}",
            hint="without lengths, every sequence has L steps",
        )


def faces(config: LSTMConfig, data: DataSpec, layout: str, options: Mapping[str, object] = {}) -> list[Face]:
    """The inputs and outputs of an LSTM: by the framework's own defaults, or with its own `options`."""
    check_data(config, data, layout)
    values = LSTMModel(config).data_symbols(data)
    found = []
    for port in _ports(find_layout(layout), config, options):
        if port.each == "sequence" and data.lengths:  # each has its own length
            own = port._replace(axes=port.axes.replace("L ", "length "), equals="")
            for length, copies in Counter(data.lengths).items():
                found.append(_face(own, config, data, {**values, "length": length})._replace(copies=copies))
        else:
            face = _face(port, config, data, values)
            # After the end of a sequence its values may be anything.
            same = not data.lengths or find_layout(layout).zeros or L not in face.symbolic
            found.append(face if same else face._replace(equals=""))
    return found


def _ports(layout: Layout, config: LSTMConfig, options: Mapping[str, object]) -> list[Port]:
    """The inputs and outputs that exist with these options."""
    said = {f"{name}={value}" for name, value in options.items()}
    ports = [port for port in layout.ports if _port_exists(port, config)]
    ports = [port._replace(when="") if port.when in said else port for port in ports]
    for needed, other in layout.chosen:
        if set(needed.split()) <= said and _port_exists(other, config):
            same = [(port.name, port.role, port.when) == (other.name, other.role, "") for port in ports]
            ports = [other if found else port for found, port in zip(same, ports, strict=True)]
    return ports


def _port_exists(port: Port, config: LSTMConfig) -> bool:
    true = {"bi" if config.bidirectional else "uni", "many" if config.num_layers > 1 else "one"}
    return set(port.only.split()) <= true


def _face(port: Port, config: LSTMConfig, data: DataSpec, values: dict[str, int]) -> Face:
    symbolic = [reduce(mul, map(_factor, axis.split("*"))) for axis in port.axes.split()]
    if data.unbatched:
        symbolic = [size for size in symbolic if size != N]
    copies = {
        "": 1,
        "cell": config.num_layers * config.num_directions,
        "layer": config.num_layers,
        "direction": config.num_directions,
        "sequence": data.num_sequences,
        "step": data.seq_len,
    }
    # The relations to PyTorch are written for data with a batch axis.
    equals = "" if data.unbatched else port.equals
    shape = tuple(size.at(values) for size in symbolic)
    return Face(
        port.name, port.role, tuple(symbolic), shape, port.each, copies[port.each], port.when, equals, port.dtype
    )


def _factor(text: str) -> Dim:
    return Dim.of(int(text)) if text.isdigit() else Dim.symbol(text)


def _axes_text(ports: Sequence[Port]) -> str:
    port = next(port for port in ports if "H_in" in port.axes)
    return ("a list of arrays " if port.each else "") + f"({', '.join(port.axes.split())})"


# The words of a relation: their meanings, and their letters in a relation for all layers and directions.
RELATION_WORDS: Final = {
    "layer": ("the layer", "l"),
    "d": ("the direction, 0 or 1", "d"),
    "k": ("the index into h_n and c_n", "k"),
    "first": ("the first k of the layer", "l*D"),
    "last": ("the first k of the next layer", "(l + 1)*D"),
    "start": ("the first column of the direction in output", "d*H_out"),
    "stop": ("the column behind its last", "(d + 1)*H_out"),
    "start_c": ("the first column of the direction among both directions' cells", "d*H_cell"),
    "stop_c": ("the column behind its last", "(d + 1)*H_cell"),
    "even": ("2*d", "2*d"),
    "odd": ("2*d + 1", "2*d + 1"),
    "width": ("H_out", "H_out"),
    "flip": ("[::-1] in the reverse direction, where that stays in its own order of time", ""),
    "n": ("the sequence", "n"),
    "t": ("the step", "t"),
}


def relations(face: Face, config: LSTMConfig) -> list[str]:
    """The value of an array in PyTorch's terms: one text, or one for each direction; for layers and cells in letters.

    For several arrays, l is the layer, d the direction, k = l*D + d, n the sequence and t the step.
    """
    if not face.equals:
        return []
    if face.each == "direction" and face.copies > 1:
        return [fill(face.equals, config, config.num_layers - 1, d) for d in range(face.copies)]
    if face.copies == 1 and face.each in ("", "direction"):
        return [fill(face.equals, config)]
    return [face.equals.format(**{word: letters for word, (_, letters) in RELATION_WORDS.items()})]


def foreign_states(config: LSTMConfig, layout: str) -> Sequence[ForeignState]:
    """The place of each index of PyTorch's h_n and c_n in a framework, layer by layer."""
    found = find_layout(layout)

    def make(index: int) -> ForeignState:
        layer, direction = divmod(index, config.num_directions)
        h, c = (fill(text[config.bidirectional], config, layer, direction) for text in (found.h_n, found.c_n))
        return ForeignState(index, layer, DIRECTIONS[direction], h, c)

    return LazySequence(config.num_layers * config.num_directions, make)


def fill(template: str, config: LSTMConfig, layer: int = 0, direction: int = 0, position: int = 0) -> str:
    """Fill in a relation of the table for one layer and direction, and one sequence or step (`position`)."""
    each, width, cells = config.num_directions, config.output_size, config.hidden_size
    return template.format(
        k=layer * each + direction,
        layer=layer,
        d=direction,
        first=layer * each,
        last=(layer + 1) * each,
        start=direction * width,
        stop=(direction + 1) * width,
        start_c=direction * cells,
        stop_c=(direction + 1) * cells,
        even=2 * direction,
        odd=2 * direction + 1,
        width=width,
        flip="[::-1]" if direction else "",
        n=position,
        t=position,
    )
