"""The printed equations, held against every step of a forward pass: each operand's shape, place and value."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel
from lstmcalc.commands.explain.report import GroupRow, explain_module
from lstmcalc.intake.subject import subject_of_layers
from lstmcalc.model import equations as formulas
from lstmcalc.model import lstm
from lstmcalc.model.equations import Equation, Group, Operand, groups_of
from lstmcalc.model.lstm import traced_name
from lstmcalc.spec.config import Surroundings
from tools.examples import examples
from tools.strategies import configs, data
from tools.tensor_methods import namespace

STACK = LSTMConfig(10, 20, 2, bidirectional=True)


def value_at(symbol: str, group: Group, t: int, names: dict[str, Any], row: GroupRow) -> Any:
    """A value of the step, from the trace, the input, or the initial state, as the explanation says where it is."""
    if symbol.startswith("tanh("):
        return np.tanh(value_at(symbol[5:-1], group, t, names, row))
    letter, index = symbol.split("_", 1)
    if letter == "x":
        return eval(row.x_t, {**names, "t": t})
    traced = names[traced_name(letter, group.first, group.direction)]
    if index == "t":
        return traced[t]
    before = t + {"(t-1)": -1, "(t+1)": 1}[index]
    if 0 <= before < len(traced):
        return traced[before]
    assert row.begins_at == ("-1" if before < 0 else "L")
    return eval({"h": row.begins_h, "c": row.begins_c}[letter], dict(names))


ACTIVATIONS: dict[str, Any] = {"sigmoid": lambda a: 1 / (1 + np.exp(-a)), "tanh": np.tanh, "": lambda a: a}


def computed(equation: Equation, operand_value: Any) -> Any:
    total: Any = 0
    for product in equation.products:
        first, *rest = [operand_value(operand) for operand in product.operands]
        total = total + rest[0] @ first.T if product.matrix else total + (first * rest[0] if rest else first)
    return ACTIVATIONS[equation.activation](total)


def check_equations(config: LSTMConfig, spec: DataSpec) -> None:
    """Every operand of every equation, at every step of sequences that all have it."""
    subject = subject_of_layers([])._replace(config=config, data=spec)
    module = explain_module(subject, ["equations"])
    names = namespace(config, spec, Surroundings())
    weights = {name: names[name] for name in (parameter.name for parameter in LSTMModel(config).parameters)}

    @cache
    def stored(text: str) -> Any:
        return eval(text, dict(weights))

    groups = groups_of(LSTMModel(config), spec)
    assert len(groups) == len(module.groups)
    for group, row in zip(groups, module.groups, strict=True):
        for t in range(spec.seq_len):

            def operand_value(operand: Operand, t: int = t, group: Group = group, row: GroupRow = row) -> Any:
                found = stored(operand.stored) if operand.stored else value_at(operand.symbol, group, t, names, row)
                assert found.shape == operand.shape, operand
                return np.asarray(found)

            for equation in group.equations:
                letter = equation.result.symbol.removesuffix("_t")
                result = computed(equation, operand_value)
                if letter == "m":  # it is between the steps' recorded values
                    assert result.shape == equation.result.shape
                    names[traced_name("m", group.first, group.direction)] = {t: result}
                    continue
                expected = np.asarray(names[traced_name(letter, group.first, group.direction)][t])
                assert result.shape == expected.shape == equation.result.shape
                assert np.abs(result - expected).max(initial=0) <= 1e-12
                sides = equation.shapes.split(" = ")
                assert eval(sides[0]) == equation.result.shape


@examples(150)
@given(config=configs(), spec=data())
def test_every_operand_has_the_shape_the_place_and_the_value_that_is_said(config: LSTMConfig, spec: DataSpec) -> None:
    check_equations(config, DataSpec(spec.seq_len, spec.batch, None, "float64"))


@pytest.mark.parametrize("gate", lstm.GATES)
def test_a_wrong_activation_is_seen(gate: lstm.Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"sigmoid": "tanh", "tanh": "sigmoid"}[gate.activation]
    gates = tuple(item._replace(activation=other) if item == gate else item for item in lstm.GATES)
    monkeypatch.setattr(formulas, "GATES", gates)
    with pytest.raises(AssertionError):
        check_equations(STACK, DataSpec(3, 2, None, "float64"))


def test_the_text_of_an_equation() -> None:
    forward, reverse = groups_of(LSTMModel(LSTMConfig(10, 20, bidirectional=True)), DataSpec())
    forget = forward.equations[1]
    assert forget.text == "f_t = sigmoid(W_if x_t + b_if + W_hf h_(t-1) + b_hf)"
    assert forget.shapes == "(3, 20) = (3, 10) @ (20, 10)^T + (20,) + (3, 20) @ (20, 20)^T + (20,)"
    assert forget.latex == r"f_t = \sigma(W_{if} x_t + b_{if} + W_{hf} h_{t-1} + b_{hf})"
    assert forget.operands[0].stored == "weight_ih_l0[20:40]"
    assert [str(size) for size in forget.operands[0].symbolic] == ["H_cell", "H_in"]
    assert [equation.text for equation in forward.equations][4:] == [
        "c_t = f_t * c_(t-1) + i_t * g_t",
        "h_t = o_t * tanh(c_t)",
    ]
    assert forward.equations[4].latex == r"c_t = f_t \odot c_{t-1} + i_t \odot g_t"
    assert reverse.equations[4].text == "c_t = f_t * c_(t+1) + i_t * g_t"
    assert reverse.equations[1].operands[-1].stored == "bias_hh_l0_reverse[20:40]"


def test_a_projection_is_an_equation_of_its_own() -> None:
    (group,) = groups_of(LSTMModel(LSTMConfig(10, 20, proj_size=5, bias=False)), DataSpec.given(unbatched=True))
    assert [(equation.text, equation.shapes) for equation in group.equations[3:]] == [
        ("o_t = sigmoid(W_io x_t + W_ho h_(t-1))", "(20,) = (10,) @ (20, 10)^T + (5,) @ (20, 5)^T"),
        ("c_t = f_t * c_(t-1) + i_t * g_t", "(20,) = (20,) * (20,) + (20,) * (20,)"),
        ("m_t = o_t * tanh(c_t)", "(20,) = (20,) * (20,)"),
        ("h_t = W_hr m_t", "(5,) = (20,) @ (5, 20)^T"),
    ]


@pytest.mark.parametrize(
    ("config", "spans"),
    [
        (LSTMConfig(10, 20), [(0, 0)]),
        (LSTMConfig(10, 20, 2), [(0, 0), (1, 1)]),
        (LSTMConfig(10, 20, 9), [(0, 0), (1, 8)]),
        (LSTMConfig(20, 20, 9), [(0, 8)]),
        (LSTMConfig(20, 20, 9, bidirectional=True), [(0, 0), (1, 8)] * 2),
        (LSTMConfig(10, 20, 9, bidirectional=True, proj_size=5), [(0, 8)] * 2),
    ],
)
def test_layers_alike_are_said_once(config: LSTMConfig, spans: list[tuple[int, int]]) -> None:
    groups = groups_of(LSTMModel(config), DataSpec())
    assert sorted((group.first, group.last) for group in groups) == sorted(spans)


@given(config=configs(), spec=data())
def test_latex_is_balanced(config: LSTMConfig, spec: DataSpec) -> None:
    for group in groups_of(LSTMModel(config), spec):
        for equation in group.equations:
            assert equation.latex.count("{") == equation.latex.count("}")
            assert equation.latex.count("(") == equation.latex.count(")")
            assert set(re.findall(r"\\[a-z]+", equation.latex)) <= {r"\sigma", r"\tanh", r"\odot"}
            assert not re.search(r"_[^{]\w", equation.latex)  # an index of several letters is in braces


@given(st.integers(1, 10**18))
def test_equations_of_any_size(hidden: int) -> None:
    group = groups_of(LSTMModel(LSTMConfig(1, hidden, 10**9)), DataSpec())[-1]
    assert group.equations[0].operands[0].shape == (hidden, max(1, hidden))
