"""Claims about the tensors of an LSTM, which can be both read and executed.

A claim is an expression, its meaning, and relations that prove it. `commands.explain` shows claims, `proof.checks`
executes every relation of every claim. Their right sides are built from `h_l0`, `h_l0_reverse`, `c_l0`, ...: the
values of one layer and direction after each step, `(L, N, H_out)` in every layout of the data, as a trace records them.

Source: the documentation of `torch.nn.LSTM`, torch 2.13.0; the tests run every expression in PyTorch.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from lstmcalc.model.lstm import LSTMModel, traced_name
from lstmcalc.model.packing import Packing, end_of
from lstmcalc.model.snippets import Index, Snippet, at, joined, linear, swapped, tensor, view
from lstmcalc.model.surroundings import HEAD, around_symbols, embedding_output, last_hidden, logits
from lstmcalc.spec.config import DataSpec, Surroundings
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import DIRECTIONS, OUT, D, H_cell, H_in, H_out, L, N, S, num_layers

ALL = slice(None)
ALONE = Surroundings()  # no layer around
TOPICS: Final = ("states", "packing", "around")
_STEPS = 8  # steps of a packed batch that are checked, from either end


class Relation(NamedTuple):
    """Two expressions that give the same numbers, or, if not `equal`, other numbers."""

    left: Snippet
    right: Snippet
    equal: bool = True

    @property
    def text(self) -> str:
        """The relation as text: `h_n[1] = output[-1]`."""
        return f"{self.left} {'=' if self.equal else '!='} {self.right}"


class Claim(NamedTuple):
    """A statement about a tensor."""

    topic: str  # the part of the explanation: `states`, `packing` or `around`
    snippet: Snippet  # the expression
    symbolic: tuple[Dim, ...]  # the shape of its value, in symbols
    shape: tuple[int, ...]  # the same in numbers
    says: str  # its meaning, in a few words
    why: str  # a further explanation; may be empty
    relations: tuple[Relation, ...]  # the proof
    framework: str = "pytorch"  # `keras` if the expression is what Keras returns
    option: str = ""  # the option with which Keras returns it


def claims_of(
    model: LSTMModel, data: DataSpec, around: Surroundings = ALONE, topics: Collection[str] = TOPICS
) -> list[Claim]:
    """All claims on these topics about the tensors of this LSTM on this data."""
    made = _Claims(model, data, around).made(packed="packing" in topics)  # which takes as long as there are steps
    return [claim for claim in made if claim.topic in topics]


class _Claims:
    """Maker of the claims."""

    def __init__(self, model: LSTMModel, data: DataSpec, around: Surroundings) -> None:
        self._config = model.config
        self._data = data
        self._around = around
        self._values = {**model.data_symbols(data), **around_symbols(around)}
        self._states = {
            (state.layer, state.direction): state
            for layer in {0, model.config.num_layers - 1}
            for state in model.states_of(data)[layer * self._d : (layer + 1) * self._d]
        }
        self._batch = () if data.unbatched else (N,)
        # Without a batch axis, batch_first means nothing.
        self._first = model.config.batch_first and not data.unbatched
        self._steps = (N, L) if self._first else (L, *self._batch)

    @property
    def _d(self) -> int:
        return self._config.num_directions

    @property
    def _directions(self) -> tuple[str, ...]:
        return DIRECTIONS[: self._d]

    @property
    def _last(self) -> int:
        return self._config.num_layers - 1

    def made(self, packed: bool) -> Iterator[Claim]:
        """All claims; those about a packed batch only if they are asked for."""
        yield from self._views()
        yield self._last_hidden_claim()
        yield from self._selections()
        yield from self._keras()
        if packed:
            yield from self._packing_claims()
        yield from self._surroundings()

    def _claim(
        self, topic: str, snippet: Snippet, symbolic: tuple[Dim, ...], says: str, *relations: Relation, why: str = ""
    ) -> Claim:
        """A claim; without sequences, relations of inequality are left out, because nothing can differ."""
        shape = tuple(size.at(self._values) for size in symbolic)
        if self._data.num_sequences == 0:
            relations = tuple(relation for relation in relations if relation.equal)
        return Claim(topic, snippet, symbolic, shape, says, why, relations)

    def _at_end(self, layer: int, direction: str, value: str = "h") -> Snippet:
        """The h (or c) of every sequence after a direction has read all of it."""
        return at(tensor(traced_name(value, layer, direction)), *end_of(self._data, direction))

    def _both_at_end(self) -> Snippet:
        """The last layer's h of all directions, joined, after each of them has read everything."""
        return joined([self._at_end(self._last, direction) for direction in self._directions])

    def _both_after_steps(self, *index: Index) -> Snippet:
        """The last layer's h of all directions, joined, after every step; or a part of it."""
        traced = [tensor(traced_name("h", self._last, direction)) for direction in self._directions]
        return joined([at(each, *index) if index else each for each in traced])

    def _views(self) -> Iterator[Claim]:
        """Claims that split h_n, c_n and output by layer and direction."""
        for name, width in (("h_n", H_out), ("c_n", H_cell)):
            shape = (num_layers, D, *self._batch, width)
            split = view(tensor(name), *shape)
            relations = []
            for (layer, direction), state in self._states.items():
                own = at(tensor(name), state.position)
                relations.append(Relation(at(split, layer, DIRECTIONS.index(direction)), own))
                relations.append(Relation(own, self._at_end(layer, direction, name[0])))
            yield self._claim("states", split, shape, "by [layer, direction]", *relations)
        if self._d > 1:
            shape = (*self._steps, D, H_out)
            split, axes = view(tensor("output"), *shape), [ALL] * len(self._steps)
            relations = []
            for number, direction in enumerate(self._directions):
                half = at(split, *axes, number)
                traced = tensor(traced_name("h", self._last, direction))
                relations.append(Relation(swapped(half) if self._first else half, traced))
            picks = ", ".join(
                f"[{', '.join([':'] * len(axes))}, {number}] is {direction}"
                for number, direction in enumerate(self._directions)
            )
            yield self._claim("states", split, shape, "both directions apart", *relations, why=picks)

    def _last_hidden_claim(self) -> Claim:
        """The claim about the last hidden state."""
        snippet, output = last_hidden(self._config), tensor("output")
        places = [self._states[self._last, direction].equals or () for direction in self._directions]
        relations = [
            Relation(snippet, joined([at(output, *place) for place in places])),
            Relation(snippet, self._both_at_end()),
        ]
        why = "what a classifier reads"
        if self._config.bidirectional:
            why += ": after the last step for forward, after step 0 for reverse"
        return self._claim("states", snippet, (*self._batch, D * H_out), "the last hidden state", *relations, why=why)

    def _selections(self) -> Iterator[Claim]:
        """Claims about common indices: `output[-1]`, `output[:, -1]`, `output[..., -1]`."""
        for index in ((-1,), (ALL, -1), (..., -1)):
            snippet = at(tensor("output"), *index)
            axis = index.index(-1) if ... not in index else len(self._steps)
            if axis == len(self._steps):  # without a batch axis, [:, -1] is [..., -1]
                feature = at(tensor(traced_name("h", self._last, self._directions[-1])), ..., -1)
                relation = Relation(swapped(snippet) if self._first else snippet, feature)
                yield self._claim("states", snippet, self._steps, "the last feature of every step", relation)
            elif self._steps[axis] == L:
                yield self._last_step(snippet)
            elif self._data.num_sequences:
                says = "every step of the last sequence"
                yield self._claim(
                    "states", snippet, (L, D * H_out), says, Relation(snippet, self._both_after_steps(ALL, -1))
                )

    def _last_step(self, snippet: Snippet) -> Claim:
        """The claim about the last step of output."""
        hidden, lengths = last_hidden(self._config), self._data.lengths
        ended = bool(lengths) and min(lengths or ()) < self._data.seq_len
        same = not ended and not (self._config.bidirectional and self._data.longest > 1)
        says = "the last step, which is the last hidden state" if same else "the last step, not the last hidden state"
        why = "0 where a sequence ended before" if ended else "" if same else "its reverse half has read one step"
        if not self._data.num_sequences:
            says, why = "the last step", ""
        relations = Relation(snippet, self._both_after_steps(-1)), Relation(snippet, hidden, equal=same)
        return self._claim("states", snippet, (*self._batch, D * H_out), says, *relations, why=why)

    def _keras(self) -> Iterator[Claim]:
        """Claims about the results of the same LSTM in Keras, which has no unbatched input and no projection."""
        if self._data.unbatched or self._config.proj_size:
            return

        def claim(option: str, snippet: Snippet, symbolic: tuple[Dim, ...], proof: Snippet, what: str = "") -> Claim:
            made = self._claim("states", snippet, symbolic, f"Keras {option}{what}", Relation(snippet, proof))
            return made._replace(framework="keras", option=option)

        hidden, both = last_hidden(self._config), self._both_at_end()
        yield claim("return_sequences=False", hidden, (N, D * H_out), both, ", its default")
        # After the end of a sequence Keras repeats its last output, except for Bidirectional, which puts 0 there
        # (keras 3.15.1, keras/src/layers/rnn/bidirectional.py).
        if not self._data.lengths or self._d > 1:
            steps = tensor("output") if self._first else swapped(tensor("output"))
            yield claim("return_sequences=True", steps, (N, L, D * H_out), swapped(self._both_after_steps()))
        for direction in self._directions:
            position = self._states[self._last, direction].position
            for name, width in (("h_n", H_out), ("c_n", H_cell)):
                end = self._at_end(self._last, direction, name[0])
                which = f" adds {name[0]}" + (f", {direction}" if self._d > 1 else "")
                yield claim("return_state=True", at(tensor(name), position), (N, width), end, which)

    def _packing_claims(self) -> Iterator[Claim]:
        """The claim about the rows of a packed batch."""
        if not self._data.lengths:
            return
        steps = Packing(self._data).steps
        shown = steps if len(steps) <= 2 * _STEPS else [*steps[:_STEPS], *steps[-_STEPS:]]
        packed = tensor("packed.data")
        relations = []
        for item in shown:
            whose = list(item.sequences)
            source = at(tensor("input"), *((whose, item.step) if self._first else (item.step, whose)))
            relations.append(Relation(at(packed, slice(*item.rows)), source))
        says = "step by step, the longest first"
        yield self._claim("packing", packed, (S, H_in), says, *relations)

    def _surroundings(self) -> Iterator[Claim]:
        """Claims about the inputs and outputs of the layers around the LSTM."""
        around = self._around
        if around.embed is not None:
            symbolic = (*self._steps, H_in)
            relation = Relation(tensor("input"), embedding_output())
            yield self._claim("around", embedding_output(), symbolic, "the input", relation)
        if around.head is not None:
            snippet, symbolic, read = logits(self._config, around), self._batch, self._both_at_end()
            if around.head_on == "all":
                symbolic, read = (
                    self._steps,
                    swapped(self._both_after_steps()) if self._first else self._both_after_steps(),
                )
            relations = Relation(tensor("logits"), snippet), Relation(tensor("logits"), linear(HEAD, read))
            yield self._claim("around", snippet, (*symbolic, OUT), "logits", *relations)
