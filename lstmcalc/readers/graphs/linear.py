"""Sums of products of values with constant matrices, as a graph writes them: in one, or in many, joined and cut.

    z = x W + h U + b    of    split(concat(x, h) K + b), of W x + (U h + b), of four products, ...

A product with a joined value is one with each of its parts; the part of a sum is the sum of parts.
"""

from functools import partial
from typing import Any, Final, NamedTuple

from lstmcalc.readers.files.budget import FOLDED, budget
from lstmcalc.readers.files.raw_numbers import numel
from lstmcalc.readers.graphs.constants import Constant
from lstmcalc.readers.graphs.program import Program, Value

_MAX_DEPTH: Final = 40  # steps in one sum
_MAX_TERMS: Final = 16
_MATRIX: Final = 2  # axes


class Block(NamedTuple):
    """A part of a constant matrix, or of a vector with one row, as (inputs, outputs)."""

    constant: Constant
    swapped: bool  # stored as (outputs, inputs)
    rows: tuple[int, int]  # of the inputs
    columns: tuple[int, int]  # of the outputs

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of inputs and of outputs."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    @property
    def origin(self) -> object:
        """The key that is equal for equal parts of the same tensor."""
        return self.constant.origin, self.swapped, self.rows, self.columns

    def cut(self, start: int, stop: int) -> "Block":
        """Some of its outputs."""
        first = self.columns[0]
        return self._replace(columns=(first + start, first + stop))

    def read(self) -> Any:  # noqa: ANN401  # an array
        """Its numbers, (inputs, outputs)."""
        budget().take(FOLDED, 8 * numel(self.constant.shape))
        array = self.constant.read()
        array = array.reshape(array.shape[-_MATRIX:] if array.ndim >= _MATRIX else (1, -1))
        array = array.T if self.swapped else array
        return array[slice(*self.rows), slice(*self.columns)]


class Term(NamedTuple):
    """A value times a matrix."""

    source: Value
    block: Block


class Linear(NamedTuple):
    """A sum of products, and of constants."""

    width: int
    terms: tuple[Term, ...]
    biases: tuple[Block, ...]

    def cut(self, start: int, stop: int) -> "Linear | None":
        """The part of it from `start` to before `stop`; None if it has none."""
        if not 0 <= start < stop <= self.width:
            return None
        terms = tuple(Term(term.source, term.block.cut(start, stop)) for term in self.terms)
        return Linear(stop - start, terms, tuple(block.cut(start, stop) for block in self.biases))


def linear_of(program: Program, value: Value, depth: int = 0) -> Linear | None:
    """The sum of products that a value is; None if it is anything else."""
    if depth > _MAX_DEPTH:
        return None
    if value not in program.sums:  # the same sum is in many cells of an unrolled loop, and twice in itself
        program.sums[value] = _linear(program, value, depth)
    found: Linear | None = program.sums[value]
    return found


def _linear(program: Program, value: Value, depth: int) -> Linear | None:  # noqa: PLR0911  # one for each kind
    known = program.constant(value)
    if known is not None:
        return _vector(known)
    step = program.step(value)
    if step is None:
        return None
    inner = partial(linear_of, program, depth=depth + 1)
    if step.kind == "same":
        return inner(step.inputs[0])
    if step.kind == "part":
        whole = inner(step.inputs[0])
        if whole is None or not step.equal:
            return whole and whole.cut(step.start, step.stop)
        size, rest = divmod(whole.width, step.equal)
        return None if rest else whole.cut(step.start * size, (step.start + 1) * size)
    if step.kind == "add":
        return _sum([inner(given) for given in step.inputs])
    if step.kind == "product":
        found = _product(program, step.inputs[0], program.constant(step.inputs[1]), swapped=step.swapped)
        return _sum([found, *map(inner, step.inputs[2:])])
    return None


def _vector(known: Constant) -> Linear | None:
    """A constant vector as a sum of itself."""
    if not known.shape or numel(known.shape) != known.shape[-1]:
        return None
    width = known.shape[-1]
    return Linear(width, (), (Block(known, False, (0, 1), (0, width)),))


def _sum(parts: list[Linear | None]) -> Linear | None:
    """The sum of several; None unless they have one width."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.width for part in known}) != 1:
        return None
    terms = tuple(term for part in known for term in part.terms)
    biases = tuple(block for part in known for block in part.biases)
    return Linear(known[0].width, terms, biases) if len(terms) <= _MAX_TERMS and len(biases) <= _MAX_TERMS else None


def _product(program: Program, value: Value, matrix: Constant | None, *, swapped: bool) -> Linear | None:
    """A value, or each part of a joined one, times a constant matrix."""
    if matrix is None or len(matrix.shape) < _MATRIX or numel(matrix.shape[:-_MATRIX]) != 1:
        return None
    outputs, inputs = matrix.shape[-2:] if swapped else matrix.shape[:-3:-1]
    terms, at = [], 0
    parts = _joined(program, value, inputs)
    if parts is None:
        return None
    for source, size in parts:
        terms.append(Term(source, Block(matrix, swapped, (at, at + size), (0, outputs))))
        at += size
    return Linear(outputs, tuple(terms), ()) if at == inputs and len(terms) <= _MAX_TERMS else None


def _joined(program: Program, value: Value, width: int) -> list[tuple[Value, int]] | None:
    """The parts of a joined value with their sizes, one of which may follow from the others; else the value itself."""
    value = plain(program, value)
    step = program.step(value)
    if step is None or step.kind != "join":
        return [(value, width)]
    sizes = [program.width(given) or program.width(plain(program, given)) for given in step.inputs]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes) - 1 or len(sizes) > _MAX_TERMS:
        return None
    rest = width - sum(known)
    return [
        (plain(program, given), rest if size is None else size) for given, size in zip(step.inputs, sizes, strict=True)
    ]


def plain(program: Program, value: Value) -> Value:
    """The value behind those that only move, cut or pick its axes before the last one."""
    for _ in range(_MAX_DEPTH):
        step = program.step(value)
        if step is None or step.kind != "same":
            return value
        value = step.inputs[0]
    return value
