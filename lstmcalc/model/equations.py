"""The equations of a step, as data: each operand with its symbol, its shape, and its place in the stored arrays.

They follow from the tables of `lstm` (the use of the gates) and of `frameworks` (the rows of each gate), which are the
ones that `proof.reference` executes. An equation can be read in three ways: as text in symbols, as text in shapes, and
as LaTeX.

Source of the notation: the documentation of `torch.nn.LSTM`, torch 2.13.0, whose x_t and h_(t-1) are columns; with a
batch they are rows, and `W x` is computed as `x @ W^T`.
"""

from typing import Final, NamedTuple

from lstmcalc.frameworks.storage import Parameter
from lstmcalc.model.lstm import GATES, UPDATES, LSTMModel
from lstmcalc.spec.config import DataSpec
from lstmcalc.spec.sizes import Dim
from lstmcalc.spec.symbols import DIRECTIONS, D, H_cell, H_in, H_out, N


class Operand(NamedTuple):
    """One operand."""

    symbol: str  # e.g. `W_if`, `x_t`, `h_(t-1)`, `tanh(c_t)`
    symbolic: tuple[Dim, ...]  # its shape in symbols
    shape: tuple[int, ...]  # its shape in numbers
    stored: str = ""  # its place, e.g. `weight_ih_l0[20:40]`; empty for a value of the step


class Product(NamedTuple):
    """Operands that are multiplied: element-wise, or as `W x`; or one operand alone."""

    operands: tuple[Operand, ...]
    matrix: bool = False


class Equation(NamedTuple):
    """One equation of a step: the result is the activation of the sum of products."""

    result: Operand
    activation: str
    products: tuple[Product, ...]
    role: str

    @property
    def operands(self) -> tuple[Operand, ...]:
        """All operands of the right side."""
        return tuple(operand for product in self.products for operand in product.operands)

    @property
    def text(self) -> str:
        """The equation in symbols: `f_t = sigmoid(W_if x_t + b_if + W_hf h_(t-1) + b_hf)`."""
        symbols = ([operand.symbol for operand in product.operands] for product in self.products)
        terms = zip(self.products, symbols, strict=True)
        total = " + ".join((" " if product.matrix else " * ").join(names) for product, names in terms)
        return f"{self.result.symbol} = {f'{self.activation}({total})' if self.activation else total}"

    @property
    def shapes(self) -> str:
        """The equation in shapes: `(3, 20) = (3, 10) @ (20, 10)^T + (20,) + (3, 20) @ (20, 20)^T + (20,)`."""

        def term(product: Product) -> str:
            shapes = [str(operand.shape) for operand in product.operands]
            # The rows of a batch are the left factor.
            return f"{shapes[1]} @ {shapes[0]}^T" if product.matrix else " * ".join(shapes)

        return f"{self.result.shape} = {' + '.join(map(term, self.products))}"

    @property
    def latex(self) -> str:
        r"""The equation as LaTeX: `f_t = \sigma(W_{if} x_t + b_{if} + W_{hf} h_{t-1} + b_{hf})`."""
        joined = " + ".join(
            (" " if product.matrix else r" \odot ").join(map(_latex, product.operands)) for product in self.products
        )
        name = {"sigmoid": r"\sigma", "": ""}.get(self.activation, f"\\{self.activation}")
        return f"{_latex(self.result)} = {f'{name}({joined})' if name else joined}"


def _latex(operand: Operand) -> str:
    """A symbol as LaTeX: its index in braces, and functions by their commands."""
    inner = operand.symbol
    before, after = "", ""
    if inner.startswith("tanh("):
        before, inner, after = r"\tanh(", inner[5:-1], ")"
    letter, _, index = inner.partition("_")
    index = index.strip("()")
    return f"{before}{letter}_{{{index}}}{after}" if len(index) > 1 else f"{before}{letter}_{index}{after}"


class Group(NamedTuple):
    """Layers whose steps are alike, in one direction."""

    first: int  # the first of these layers, whose arrays the equations name
    last: int  # the last of them
    direction: str  # `forward` or `reverse`
    equations: tuple[Equation, ...]  # of each step


def groups_of(model: LSTMModel, data: DataSpec) -> list[Group]:
    """The equations of each direction: of the first layer, and of those above it if they read another width."""
    config = model.config
    alike = config.num_layers == 1 or config.layer_input_size(0) == config.layer_input_size(1)
    spans = [(0, config.num_layers - 1)] if alike else [(0, 0), (1, config.num_layers - 1)]
    return [
        Group(first, last, direction, _equations(model, data, first, direction))
        for first, last in spans
        for direction in DIRECTIONS[: config.num_directions]
    ]


def _equations(model: LSTMModel, data: DataSpec, layer: int, direction: str) -> tuple[Equation, ...]:
    """The equations of one direction of one layer."""
    values = model.data_symbols(data)
    batch = () if data.unbatched else (N,)
    before = "(t-1)" if direction == "forward" else "(t+1)"
    rows = (place.parameter for place in model.storage.placements(layer))
    arrays = {parameter.holds[0]: parameter for parameter in rows if parameter.direction == direction}

    def value(symbol: str, *symbolic: Dim) -> Operand:
        return Operand(symbol, symbolic, tuple(size.at(values) for size in symbolic))

    x = value("x_t", *batch, H_in if layer == 0 else D * H_out)
    h = value(f"h_{before}", *batch, H_out)

    def cells(name: str) -> Operand:
        """A value of the step that is as wide as the cell."""
        old, inner = f"c_{before}" if name == "c" else f"{name}_t", name.removeprefix("tanh(").removesuffix(")")
        return value(f"tanh({inner}_t)" if inner != name else old, *batch, H_cell)

    equations = []
    for gate in GATES:

        def part(stem: str, symbol: str, letter: str = gate.letter) -> Operand:
            return _rows(arrays[stem], f"{symbol}{letter}", letter, values)

        products = [Product((part("weight_ih", "W_i"), x), matrix=True)]
        if "bias_ih" in arrays:
            products.append(Product((part("bias_ih", "b_i"),)))
        products.append(Product((part("weight_hh", "W_h"), h), matrix=True))
        if "bias_hh" in arrays:
            products.append(Product((part("bias_hh", "b_h"),)))
        result = value(f"{gate.letter}_t", *batch, H_cell)
        role = f"{gate.name} gate: {gate.role}" if gate.letter != "g" else gate.role
        equations.append(Equation(result, gate.activation, tuple(products), role))
    projected = "weight_hr" in arrays
    for update in UPDATES:
        shown = update.result == "m" and not projected
        products = [Product(tuple(cells(name) for name in term)) for term in update.terms]
        result = value("h_t" if shown else f"{update.result}_t", *batch, H_cell)
        equations.append(Equation(result, "", tuple(products), _ROLES["h" if shown else update.result]))
    if projected:
        parameter = arrays["weight_hr"]
        weight = Operand("W_hr", parameter.symbolic, parameter.shape, parameter.name)
        product = Product((weight, value("m_t", *batch, H_cell)), matrix=True)
        equations.append(Equation(value("h_t", *batch, H_out), "", (product,), _ROLES["h"]))
    return tuple(equations)


_ROLES: Final = {
    "c": "the cell: what is kept, and what is new",
    "m": "what the cell shows, before the projection",
    "h": "the hidden state, for the next step and for output",
}


def _rows(parameter: Parameter, symbol: str, letter: str, values: dict[str, int]) -> Operand:
    """The rows of one gate in a stored array."""
    start, stop = (parameter.gates or {})[letter]
    symbolic = (H_cell, *parameter.symbolic[1:])
    shape = tuple(size.at(values) for size in symbolic)
    return Operand(symbol, symbolic, shape, f"{parameter.name}[{start}:{stop}]")
