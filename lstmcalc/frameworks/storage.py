"""The stored arrays of an LSTM in one framework: names, shapes, counts and gate rows, derived from `catalog.LAYOUTS`.

    parameters(config, "keras")[0].name == "lstm/lstm_cell/kernel"

Not here: how their names are made (`array_names`), and the numbers in them (`numerics.convert`).
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, reduce
from operator import add, mul
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.errors import ConfigError, UnsupportedError, UsageError, nearest_hint, shorten
from lstmcalc.frameworks.array_names import ArrayNames
from lstmcalc.frameworks.catalog import ALIASES, LAYOUTS
from lstmcalc.frameworks.entry import Layout, Stored
from lstmcalc.lazy import LazySequence
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import DIRECTIONS, D, H_cell, H_in, H_out, num_layers, sizes_of

GATE_ORDER: Final = LAYOUTS["pytorch"].gates

Ranges: TypeAlias = Mapping[str, tuple[int, int]]


class Parameter(NamedTuple):
    """One stored array.

    Attributes:
        name: Its name, e.g. `weight_ih_l0_reverse`.
        layer: The layer, from 0.
        direction: `forward` or `reverse`; `both` if it holds both.
        symbolic: Its shape in symbols.
        shape: Its shape in numbers.
        numel: The number of its elements.
        gate_axis: The axis that is divided among the gates; None if there is none.
        gates: The range of each gate on that axis, e.g. `{"i": (0, 20), ...}`; None if there is none. If an array holds
            the gates several times, these are the first; the ranges of `parts` and `directions` lead to the others.
        gate: The gate that it holds alone; None if it holds all of them, or none.
        holds: The parameters of PyTorch that it holds: `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, `weight_hr`, or
            `bias`, the sum of both biases.
        part_axis: The axis on which two of them are joined; None if it holds one.
        parts: The range of each of them on that axis, if it holds two.
        direction_axis: The axis on which both directions are joined; None if it holds one.
        directions: The range of each direction on that axis, if it holds both.
    """

    name: str
    layer: int
    direction: str
    symbolic: tuple[Dim, ...]
    shape: tuple[int, ...]
    numel: int
    gate_axis: int | None
    gates: Ranges | None
    gate: str | None = None
    holds: tuple[str, ...] = ()
    part_axis: int | None = None
    parts: Ranges | None = None
    direction_axis: int | None = None
    directions: Ranges | None = None


class Placement(NamedTuple):
    """A stored array, and its entry in the table.

    Attributes:
        parameter: The array.
        stored: Its entry in the table.
        direction: The index of its direction; None if it holds both.
        gate: The letter of its gate; None if it holds all of them, or none.
    """

    parameter: Parameter
    stored: Stored
    direction: int | None
    gate: str | None


class Subtotal(NamedTuple):
    """The number of parameters of one direction of one layer; of both, if arrays hold both.

    Attributes:
        layer: The layer, from 0.
        direction: `forward` or `reverse`; `both` if arrays hold both.
        symbolic: The number as a formula.
        numel: The number.
    """

    layer: int
    direction: str
    symbolic: Dim
    numel: int


def find_layout(name: str) -> Layout:
    """The layout called `name`, or an alias of it.

    Raises:
        UsageError: There is none.
    """
    found = LAYOUTS.get(ALIASES.get(str(name), str(name)))
    if found:
        return found
    raise UsageError(
        "no such framework",
        expected=f"one of the {len(LAYOUTS)} that lstmcalc frameworks shows, e.g. keras or onnx",
        found=shorten(name),
        hint=nearest_hint(str(name), (*LAYOUTS, *ALIASES)),
    )


def parameters(config: LSTMConfig, layout: str) -> Sequence[Parameter]:
    """Every array that the framework `layout` stores for this LSTM, layer by layer; no arrays are made.

    Raises:
        UsageError: There is no such framework.
        UnsupportedError: The framework has no projection, and the LSTM has one.
        ConfigError: `config` is not an `LSTMConfig`.
    """
    return Storage(config, layout).parameters


def missing_feature(config: LSTMConfig, layout: str) -> str:
    """The feature of this LSTM that a framework cannot express, in a word; empty if it can express all of it.

    Raises:
        UsageError: There is no such framework.
        ConfigError: `config` is not an `LSTMConfig`.
    """
    if not isinstance(config, LSTMConfig):
        raise ConfigError("not a config", expected="an LSTMConfig", found=shorten(config))
    found = find_layout(layout)
    held = {item.holds for variant in (found, found.projected) if variant for item in variant.stored}
    return "projection" if config.proj_size and "weight_hr" not in held else ""


def check_expressible(config: LSTMConfig, layout: str) -> None:
    """Refuse an LSTM that a framework cannot express.

    Raises:
        UsageError: There is no such framework.
        UnsupportedError: The framework has no projection, and the LSTM has one.
        ConfigError: `config` is not an `LSTMConfig`.
    """
    missing = missing_feature(config, layout)
    if missing:
        having = ", ".join(name for name in LAYOUTS if not missing_feature(config, name))
        raise UnsupportedError(
            f"{find_layout(layout).title} has no {missing}",
            expected="proj_size = 0",
            found=f"proj_size = {config.proj_size}",
            hint=f"these have one: {having}",
        )


class Storage:
    """The arrays that one framework stores for one LSTM.

    Args:
        config: The LSTM.
        layout: The framework.
        path: The beginning of its names if that is known, e.g. `lstm_1` or `both/{direction}_lstm`; it is used only
            for a single layer, and only with `{direction}` if that layer is bidirectional.

    Raises:
        UsageError: There is no such framework.
        UnsupportedError: The framework has no projection, and the LSTM has one.
        ConfigError: `config` is not an `LSTMConfig`.
    """

    def __init__(self, config: LSTMConfig, layout: str, path: str = "") -> None:
        check_expressible(config, layout)
        found = find_layout(layout)
        self.config = config
        self.layout = found.projected or found if config.proj_size else found
        self.stored = tuple(item for item in self.layout.stored if self._is_stored(item))
        self._both = "direction" in axis_names(self.stored[0].axes)
        self._names = ArrayNames(config, self.layout, path)
        self.path = self._names.path

    @cached_property
    def _templates(self) -> list[list[Placement]]:
        """The first layer, which reads the input, and any other, which reads the layer below; they make all rows."""
        return [self._layer(reads) for reads in (H_in, D * H_out)[: self.config.num_layers]]

    def _is_stored(self, item: Stored) -> bool:
        if item.holds == "weight_hr":
            return self.config.proj_size > 0
        return self.config.bias or not self.layout.bias or "bias" not in item.holds

    @cached_property
    def symbols(self) -> Mapping[str, int]:
        """The value of every symbol in the shapes of stored arrays."""
        return sizes_of(self.config)

    def _layer(self, reads: Dim) -> list[Placement]:
        """The arrays of a layer that reads `reads` values: placements without their layer, names not filled in."""
        sizes = self._sizes(reads)
        rows = []
        for direction in [None] if self._both else range(self.config.num_directions):
            placed = [
                self._placement(item, sizes, direction, gate)
                for item in self.stored
                for gate in (self.layout.gates if item.words else [None])
            ]
            if self.layout.gate_major:
                placed.sort(key=lambda row: self.layout.gates.index(row.gate) if row.gate else len(GATE_ORDER))
            rows += placed
        return rows

    def _placement(self, item: Stored, sizes: Mapping[str, Dim], direction: int | None, gate: str | None) -> Placement:
        axes = read_axes(item.axes)
        symbolic = tuple(reduce(mul, (sizes[atom] for atom in group)) for group in axes)
        shape = tuple(size.at(self.symbols) for size in symbolic)
        held = tuple(item.holds.split())
        joined = len(held) > 1
        gate_axis, gates = self._ranges(axes, "gate", self.layout.gates, sizes)
        part_axis, parts = self._ranges(
            axes, "bias" if "bias" in axis_names(item.axes) else "input+recurrent", held, sizes
        )
        both = self.config.bidirectional and direction is None
        direction_axis, directions = self._ranges(axes, "direction", DIRECTIONS, sizes) if both else (None, None)
        parameter = Parameter(
            self._names.template(item, direction, gate),
            0,
            "both" if both else DIRECTIONS[direction or 0],
            symbolic,
            shape,
            reduce(mul, shape),
            gate_axis,
            gates,
            gate,
            held,
            part_axis if joined else None,
            parts if joined else None,
            direction_axis,
            directions,
        )
        return Placement(parameter, item, direction, gate)

    @staticmethod
    def _sizes(reads: Dim) -> Mapping[str, Dim]:
        """The size of each axis of the table."""
        return {
            "direction": D,
            "gate": Dim.of(len(GATE_ORDER)),
            "hidden": H_cell,
            "input": reads,
            "recurrent": H_out,
            "bias": Dim.of(2),
            "input+recurrent": reads + H_out,
            "1": Dim.of(1),
        }

    def _ranges(
        self, axes: Sequence[Sequence[str]], atom: str, labels: Sequence[str], sizes: Mapping[str, Dim]
    ) -> tuple[int | None, Ranges | None]:
        """The axis that contains `atom`, and the first range of each of its labels on that axis."""
        for axis, group in enumerate(axes):
            if atom not in group:
                continue
            if atom == "input+recurrent":
                cut, end = (sizes[name].at(self.symbols) for name in ("input", "input+recurrent"))
                return axis, dict(zip(labels, ((0, cut), (cut, end)), strict=True))
            inner = [sizes[other].at(self.symbols) for other in group[group.index(atom) + 1 :]]
            step = reduce(mul, inner, 1)
            return axis, {label: (k * step, (k + 1) * step) for k, label in enumerate(labels)}
        return None, None

    def pattern(self, item: Stored) -> str:
        """An array's name for all layers, directions and gates, in `PATTERN_WORDS`: `weight_ih_l{l}{d}`."""
        return self._names.pattern(item)

    def placements(self, layer: int) -> list[Placement]:
        """The arrays of a layer."""
        return [
            row._replace(
                parameter=row.parameter._replace(name=self._names.in_layer(row.parameter.name, layer), layer=layer)
            )
            for row in self._templates[layer > 0]
        ]

    @property
    def num_arrays(self) -> int:
        """The number of stored arrays."""
        return self.config.num_layers * len(self._templates[0])

    @cached_property
    def parameters(self) -> Sequence[Parameter]:
        """Every stored array, layer by layer."""
        each = len(self._templates[0])

        def make(index: int) -> Parameter:
            layer, position = divmod(index, each)
            template = self._templates[layer > 0][position].parameter
            return template._replace(
                name=self._names.in_layer(template.name, layer),
                layer=layer,
                gates=None if template.gates is None else dict(template.gates),
            )

        return LazySequence(self.num_arrays, make)

    @cached_property
    def subtotals(self) -> Sequence[Subtotal]:
        """The number of parameters of each direction of each layer, or of both together if arrays hold both."""
        owners = (
            ["both" if self.config.bidirectional else "forward"]
            if self._both
            else DIRECTIONS[: self.config.num_directions]
        )
        sums = [
            [
                self._subtotal([row.parameter for row in template if row.parameter.direction == owner])
                for owner in owners
            ]
            for template in self._templates
        ]

        def make(index: int) -> Subtotal:
            layer, position = divmod(index, len(owners))
            return Subtotal(layer, owners[position], *sums[layer > 0][position])

        return LazySequence(self.config.num_layers * len(owners), make)

    @staticmethod
    def _subtotal(rows: Sequence[Parameter]) -> tuple[Dim, int]:
        return reduce(add, (reduce(mul, row.symbolic) for row in rows)), sum(row.numel for row in rows)

    @property
    def num_parameters_symbolic(self) -> Dim:
        """The number of parameters as a formula: `D` times the first layer, and the layers above."""

        def per_direction(reads: Dim) -> Dim:
            sizes = {**self._sizes(reads), "direction": Dim.of(1)}
            counts = (
                reduce(mul, (sizes[atom] for atom in axis_names(item.axes)), Dim.of(len(item.words) or 1))
                for item in self.stored
            )
            return reduce(add, counts)

        first, other = per_direction(H_in), per_direction(D * H_out)
        return D * first if self.config.num_layers == 1 else D * first + D * (num_layers - 1) * other

    @property
    def num_parameters(self) -> int:
        """The number of parameters."""
        return self.num_parameters_symbolic.at(self.symbols)


def read_axes(text: str) -> list[tuple[str, ...]]:
    """The axes of an entry of the table, each split into its parts: `(gate hidden) input`."""
    return [tuple(group.strip("()").split()) for group in re.findall(r"\([^()]*\)|\S+", text)]


def axis_names(text: str) -> list[str]:
    """The names of all axes of an entry of the table, those that share an axis included."""
    return text.replace("(", "").replace(")", "").split()
