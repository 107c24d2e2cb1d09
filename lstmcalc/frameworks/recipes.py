"""Recipes to convert one framework's weights to another's: in plain steps, and as NumPy code to paste.

Both are written from the table of `frameworks`. In between, the weights of one layer and direction are shaped as in
PyTorch: `weight_ih` is `(4*H_cell, reads)`, and so on.

Not here: arrays (`numerics.convert` does the same to real ones).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lstmcalc.frameworks.entry import Stored
from lstmcalc.frameworks.storage import Storage, axis_names, read_axes
from lstmcalc.spec.config import LSTMConfig


class Recipe(NamedTuple):
    """Steps and code that convert the arrays of one framework to those of another."""

    source: str  # the framework to convert from
    target: str  # the framework to convert to
    steps: list[str]  # in words
    code: str  # the same as a NumPy function of a mapping from names to arrays


def write_recipe(config: LSTMConfig, source: str, target: str) -> Recipe:
    """The recipe for one LSTM; UnsupportedError if one of the frameworks cannot express it."""
    writer = _Writer(Storage(config, source), Storage(config, target))
    function = f"{_identifier(source)}_to_{_identifier(target)}"
    steps = [*writer.steps()] or ["nothing: names and shapes are the same"]
    return Recipe(source, target, steps, writer.code(function))


def _identifier(name: str) -> str:
    return name.replace("-", "_")


_COUNT: Final = {0: "no", 1: "one", 2: "two"}
_BLOCKS: Final = {"weight_ih": "w_ih", "weight_hh": "w_hh", "bias": "b", "bias_ih": "b_ih", "bias_hh": "b_hh"}
_LONG: Final = 80  # a sum that is longer than this is not written in one line


# Parts that are joined in one array, and their order.
_JOINTS: Final = {
    "input+recurrent": ("each kernel", "the input's weights first, then the recurrent ones"),
    "bias": ("each bias", "the input's first, then the recurrent one"),
}


class _Writer:
    """Writer of one recipe."""

    def __init__(self, here: Storage, there: Storage) -> None:
        self.here, self.there = here, there
        self.config = here.config
        self.both = self.config.bidirectional
        self.apart_here, self.apart_there = (_gates_apart(storage) for storage in (here, there))
        # Arrays of single gates can be taken in any order: then there is nothing to reorder.
        self.order = there.layout.gates if self.apart_here else here.layout.gates
        self.reorders = self.order != there.layout.gates
        self.biases_here, self.biases_there = (_biases(storage) for storage in (here, there))
        self.offset = here.layout.forget_offset - there.layout.forget_offset
        self.moves_offset = bool(self.offset) and bool(self.biases_here or self.biases_there)
        self.adds = len(self.biases_here) > max(1, len(self.biases_there))
        self.drops = bool(self.biases_here) and not self.biases_there

    # The steps.

    def steps(self) -> Iterator[str]:
        """The steps in words, in the order of the code."""
        here, there = self.here, self.there
        if self.both and _stacks(here):
            yield f"take each direction from {_direction_text(here)}"
        yield from (f"cut {what} in two: {order}" for what, order in self._joints(here, there))
        if self.apart_here and not self.apart_there:
            yield f"join the arrays of the gates, in the order {_gates_text(self.order)}"
        yield from self._turning_steps()
        if self.reorders:
            yield f"reorder the gates {_gates_text(self.order)} -> {_gates_text(there.layout.gates)}"
        yield from self._bias_steps()
        if self.apart_there and not self.apart_here:
            yield f"cut the gates apart: {_gates_text(there.layout.gates)}"
        yield from (f"join two into {what}: {order}" for what, order in self._joints(there, here))
        if self.both and _stacks(there):
            yield f"put both directions together on {_direction_text(there)}"
        yield from self._renaming_steps()

    def _renaming_steps(self) -> Iterator[str]:
        names = [[row.parameter.name for row in storage.placements(0)] for storage in (self.here, self.there)]
        if names[0] != names[1]:
            yield "rename"

    @staticmethod
    def _joints(joined: Storage, other: Storage) -> list[tuple[str, str]]:
        """The parts that are joined in one storage, and not in the other."""
        mine, others = (
            {name for item in storage.stored for name in axis_names(item.axes)} for storage in (joined, other)
        )
        return [words for name, words in _JOINTS.items() if name in mine - others]

    def _turning_steps(self) -> Iterator[str]:
        raw = [any(item.raw for item in storage.stored) for storage in (self.here, self.there)]
        turned = [_inputs_first(storage) for storage in (self.here, self.there)]
        if raw[0] and not raw[1]:
            yield "read the memory of each gate's block as (H_cell, inputs) instead of (inputs, H_cell)"
            if turned[1]:
                yield "transpose the weights, to (inputs, outputs)"
        elif raw[1] and not raw[0]:
            if turned[0]:
                yield "transpose the weights, to (outputs, inputs)"
            yield "read the memory of each gate's (H_cell, inputs) as (inputs, H_cell)"
        elif turned[0] != turned[1]:
            ways = ("(outputs, inputs)", "(inputs, outputs)")
            yield f"transpose the weights, from {ways[turned[0]]} to {ways[turned[1]]}"
        if self.config.proj_size and len({_projection(storage) for storage in (self.here, self.there)}) > 1:
            yield "transpose the projection"

    def _bias_steps(self) -> Iterator[str]:
        before, after = len(self.biases_here), len(self.biases_there)
        if (before, after) == (2, 1):
            yield "add the two biases"
        elif (before, after) == (1, 2):
            yield "make the bias the input's, and the recurrent one zeros"
        elif not before and after:
            yield f"make {_COUNT[after]} bias{'es' * (after > 1)} of zeros"
        elif before and not after:
            yield "check that the biases amount to zero, and drop them"
        if self.moves_offset:
            verb, adds = ("add {} to", self.here) if self.offset > 0 else ("subtract {} from", self.there)
            change = verb.format(f"{abs(self.offset):g}")
            yield f"{change} the forget gate's bias: {adds.layout.title} adds it at run time, and does not store it"

    # The code.

    def code(self, function: str) -> str:
        """The code of a function that takes and returns names to arrays."""
        body = [*self._reading(), *self._settling(), *self._writing()]
        body = [*self._counting("\n".join(body)), *body]
        stacks = _stacks(self.there)
        if self.both:
            words = self._direction_words("\n".join(body))
            kept = [name for item in self.there.stored for name in item.holds.split()]
            body = [*words, *(f"    {line}" for line in body)]
            if stacks:
                row = ", ".join(f'"{name}": {name}' for name in kept)
                body = ["cells = []", *body, f"    cells.append({{{row}}})"]
                body += self._stacking()
        elif stacks:
            body += self._stacking()
        number = any("{number}" in line for line in body)
        if number and self.config.num_layers > 1:
            body = ['number = f"_{layer}" if layer else ""', *body]
        if self.config.num_layers > 1:
            body = [f"for layer in range({self.config.num_layers}):", *(f"    {line}" for line in body)]
        lines = [
            f"def {function}(weights):",
            f'    """From {self.here.layout.title} to {self.there.layout.title}: {self.config}."""',
            "    tensors = {}",
            *(f"    {line}" for line in body),
            "    return tensors",
        ]
        numpy = ["import numpy as np", "", ""] if self.reorders or any("np." in line for line in body) else []
        return "\n".join([*numpy, *self._reorder(), *lines, ""])

    def _counting(self, body: str) -> Iterator[str]:
        """Lines that count the pairs of layer and direction, for names that need it."""
        suffix = "{suffix}" in body
        if suffix or "{k}" in body:
            yield f"k = {'layer' if not self.both else 'd' if self.config.num_layers == 1 else '2 * layer + d'}"
        if suffix:
            yield 'suffix = f"_{k}" if k else ""'

    def _reorder(self) -> list[str]:
        if not self.reorders:
            return []
        names, wanted = ", ".join(self.order), ", ".join(self.there.layout.gates)
        return [
            "def reorder(rows):",
            f"    {names} = np.split(rows, {len(self.order)})",
            f"    return np.concatenate([{wanted}])",
            "",
            "",
        ]

    def _reading(self) -> Iterator[str]:
        """Lines from the source's arrays to `weight_ih` and so on, gates reordered, for one layer and direction."""
        sums: dict[str, str] = {}
        for item in self.here.stored:
            held, rows = item.holds.split(), self._rows(item)
            if item.holds in ("bias_ih", "bias_hh") and self.adds:
                sums[item.holds] = rows
                continue
            joined = held == ["bias_ih", "bias_hh"]
            yield f"{', '.join(held)} = {rows if len(held) > 1 else self._reordered_rows(rows, item)}"
            if joined and self.adds:
                yield f"bias = {self._reordered_rows(' + '.join(held), item)}"
            elif joined and self.reorders:
                yield from (f"{name} = {self._reordered_rows(name, item)}" for name in held)
        if sum(map(len, sums.values())) > _LONG:
            yield from (f"{name} = {rows}" for name, rows in sums.items())
            sums = dict(zip(sums, sums, strict=True))
        if sums:
            yield f"bias = {self._reordered_rows(' + '.join(sums.values()), self.there.stored[0])}"

    def _reordered_rows(self, rows: str, item: Stored) -> str:
        return f"reorder({rows})" if self.reorders and item.holds != "weight_hr" else rows

    def _rows(self, item: Stored) -> str:
        """An expression for an array, or a pair of arrays, with its gates along its rows."""
        if item.words:
            words = tuple(item.words[self.here.layout.gates.index(gate)] for gate in self.order)
            array = f"weights[{self._name(self.here, item, 'here')}]"
            return f"np.concatenate([{array}{self._turn(item)} for gate in {_tuple_text(words)}])"
        array = f"weights[{self._name(self.here, item, 'here')}]"
        names = axis_names(item.axes)
        if "direction" in names:
            array = self._one_direction(array, item)
        if names[-1] == "1":
            array += "[:, 0]"
        if item.raw:
            hidden = self.config.hidden_size
            blocks = f"np.split({array}, 4, axis=1)"
            return f"np.concatenate([block.reshape({hidden}, -1) for block in {blocks}])"
        if ("gate",) in read_axes(item.axes):
            array += ".reshape(-1)" if names[-3:-2] in ([], ["direction"]) else f".reshape(-1, {self._rows_count})"
        array += self._turn(item)
        if "bias" in names:
            return f"np.split({array}, 2)"
        if "input+recurrent" in names:
            return f"np.split({self._reordered_rows(array, item)}, [-{self.config.output_size}], axis=1)"
        return array

    @property
    def _rows_count(self) -> int:
        return len(self.order) * self.config.hidden_size

    def _one_direction(self, array: str, item: Stored) -> str:
        axes = read_axes(item.axes)
        if ("direction",) not in axes:
            return f"np.split({array}, 2)[d]" if self.both else array
        index = "d" if self.both else "0"
        return f"{array}[0, {index}]" if axes[0] == ("1",) else f"{array}[{index}]"

    @staticmethod
    def _turn(item: Stored) -> str:
        """`.T` for a matrix that has its inputs first, else empty."""
        return ".T" if _is_transposed(item) else ""

    def _settling(self) -> Iterator[str]:
        """Lines that make the biases of the target."""
        before, after = self.biases_here, self.biases_there
        if len(after) > len(before) == 1:
            yield "bias_ih, bias_hh = bias, np.zeros_like(bias)"
        elif after and not before:
            yield from (f"{name} = np.zeros({self._rows_count}, weight_hh.dtype)" for name in after)
        if self.moves_offset:
            changed = after[0] if after else "bias"
            start = self.there.layout.gates.index("f") * self.config.hidden_size
            rows = f"{changed}[{start}:{start + self.config.hidden_size}]"
            if before and not self.reorders and not self.adds:  # else it is a new array already
                yield f"{changed} = np.array({changed})"
            yield f"{rows} {'+' if self.offset > 0 else '-'}= {abs(self.offset):g}  # the forget gate's"
        if self.drops:
            yield "if np.any(bias):"
            yield '    raise ValueError("there are biases that are not zero")'

    def _writing(self) -> Iterator[str]:
        """Lines from `weight_ih` and so on to the target's arrays, for one layer and direction."""
        if _stacks(self.there):
            return
        apart = [item for item in self.there.stored if item.words]
        # All arrays of a gate before the next gate's, or one loop for each kind of array.
        for group in [apart] if self.there.layout.gate_major else [[item] for item in apart]:
            blocks = [_BLOCKS[item.holds] for item in group]
            cut = ", ".join(f"np.split({item.holds}, 4)" for item in group)
            yield f"for gate, {', '.join(blocks)} in zip({_tuple_text(group[0].words)}, {cut}):"
            for item, block in zip(group, blocks, strict=True):
                yield f"    tensors[{self._name(self.there, item, 'there')}] = {block}{self._turn(item)}"
        for item in self.there.stored:
            if not item.words:
                name = self._name(self.there, item, "there")
                yield f"tensors[{name}] = {self._stored_expression(item, *item.holds.split())}"

    def _stacking(self) -> Iterator[str]:
        """Lines that join both directions, from the cells that were collected."""
        for item in self.there.stored:
            name, axes = self._name(self.there, item, "there"), read_axes(item.axes)
            held = item.holds.split()
            alone = ("direction",) in axes
            if self.both:
                picked = [f'cell["{part}"]' for part in held]
                parts = f"[{self._stored_expression(item, *picked)} for cell in cells]"
                array = f"np.stack({parts})" if alone else f"np.concatenate({parts})"
            else:
                array = self._stored_expression(item, *held) + ("[None]" if alone else "")
            yield f"tensors[{name}] = {array}{'[None]' if axes[0] == ('1',) else ''}"

    def _stored_expression(self, item: Stored, *held: str) -> str:
        """An expression for one direction of a stored array, from one or two with their gates along their rows."""
        names, hidden = axis_names(item.axes), self.config.hidden_size
        array = held[0]
        if "bias" in names:
            array = f"np.concatenate([{', '.join(held)}])"
        elif "input+recurrent" in names:
            array = f"np.concatenate([{', '.join(held)}], axis=1)"
        if item.raw:
            return f"np.concatenate([block.reshape(-1, {hidden}) for block in np.split({array}, 4)], axis=1)"
        array += self._turn(item)
        if ("gate",) in read_axes(item.axes):
            array += f".reshape(4, {hidden})" if item.holds == "bias" else f".reshape(-1, 4, {hidden})"
        return array + ("[:, None]" if names[-1] == "1" else "")

    def _name(self, storage: Storage, item: Stored, side: str) -> str:
        """The name of an array, as a string literal or an f-string."""
        layout, one = storage.layout, self.config.num_layers == 1
        single = one and not self.both
        words = {
            "direction": f"{{{side}}}" if self.both else layout.directions[0],
            "gate": "{gate}",
            "layer": "0" if one else "{layer}",
            "layer1": "1" if one else "{layer + 1}",
            "number": "" if one else "{number}",
            "cell": "0" if single else "{k}",
            "cell_number": "" if single else "{suffix}",
        }
        text = item.name.format(path=storage.path.format(**words), **words)
        return f'f"{text}"' if "{" in text else f'"{text}"'

    def _direction_words(self, body: str) -> list[str]:
        """The loop over both directions, with the words and numbers that its body needs."""
        needs = {name: bool(re.search(rf"\b{name}\b", body)) for name in ("d", "here", "there")}
        words = [
            (side, storage.layout.directions)
            for side, storage in (("here", self.here), ("there", self.there))
            if needs[side]
        ]
        if not words:
            return ["for d in range(2):"]
        names, values = [side for side, _ in words], [_tuple_text(value) for _, value in words]
        loop = names[0] if len(words) == 1 else ", ".join(names)
        over = values[0] if len(words) == 1 else f"zip({', '.join(values)})"
        if needs["d"]:
            loop, over = f"d, ({loop})" if len(words) > 1 else f"d, {loop}", f"enumerate({over})"
        return [f"for {loop} in {over}:"]


def _gates_apart(storage: Storage) -> bool:
    return any(item.words for item in storage.stored)


def _biases(storage: Storage) -> list[str]:
    return [name for item in storage.stored for name in item.holds.split() if name.startswith("bias")]


def _stacks(storage: Storage) -> bool:
    return "direction" in axis_names(storage.stored[0].axes)


def _direction_text(storage: Storage) -> str:
    alone = ("direction",) in read_axes(storage.stored[0].axes)
    return "an axis of their own" if alone else "the first axis, forward above reverse"


def _is_transposed(item: Stored) -> bool:
    """True if the matrix has its inputs before its outputs, unlike in PyTorch."""
    names = [name for name in axis_names(item.axes) if name not in ("direction", "1")]
    outputs = "recurrent" if item.holds == "weight_hr" else "gate" if "gate" in names else "hidden"
    return len(names) > 1 and not item.holds.startswith("bias") and names[0] != outputs


def _inputs_first(storage: Storage) -> bool:
    return _is_transposed(storage.stored[0])


def _projection(storage: Storage) -> bool:
    return next(_is_transposed(item) for item in storage.stored if item.holds == "weight_hr")


def _tuple_text(words: Sequence[str]) -> str:
    return f"({', '.join(f'{chr(34)}{word}{chr(34)}' for word in words)})"


def _gates_text(gates: Sequence[str]) -> str:
    return " ".join(gates)
