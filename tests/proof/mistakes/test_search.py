"""Mistakes made in another forward pass, in plain loops: they are named, and nothing else is."""

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.errors import ArrayError, UnsupportedError
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.numerics.arguments import computed_in
from lstmcalc.proof.mistakes import judging
from lstmcalc.proof.mistakes.judging import Judge, Target
from lstmcalc.proof.mistakes.plans import RIGHT
from lstmcalc.proof.mistakes.readings import KINDS
from lstmcalc.proof.mistakes.repairs import repair_of
from lstmcalc.proof.mistakes.search import search
from lstmcalc.proof.mistakes.table import MISTAKES, mistakes_for, stored_as
from lstmcalc.proof.mistakes.verdict import dtype_of_numbers, judged, problem_of
from lstmcalc.proof.result import Run
from lstmcalc.readers.files.raw_numbers import to_bfloat16
from tools.examples import is_thorough
from tools.injections import KINDS as CASES
from tools.injections import Case, apart, injected, noisy, possible, random_case, random_part, try_out, wrong
from tools.wrong_ports import mistakes

EVERY = list(mistakes())


def base(name: str) -> str:
    return name.partition(":")[0]


def case_for(name: str, form: str, seed: int = 0) -> Case:
    """A random LSTM whose ports can make a mistake that is seen."""
    rng = np.random.default_rng(seed)
    return next(case for case in iter(lambda: random_case(rng), None) if possible(case, name, form))


ONE_OF_EACH = {(base(name), form): (name, form, make) for name, form, make in EVERY}


@pytest.mark.parametrize("which", ONE_OF_EACH, ids=lambda which: " ".join(which).strip())
def test_each_mistake_is_named(which: tuple[str, str]) -> None:
    name, form, make = ONE_OF_EACH[which]
    rng = np.random.default_rng(1)
    for seed in range(80):
        tried = try_out(case_for(name, form, seed), [(name, form, make)], rng, "none")
        if tried.said not in ("invisible", "agrees"):
            break
    assert tried.said in ("alone", "tie"), tried.verdict


@pytest.mark.thorough
@pytest.mark.parametrize(("noise", "count"), [("none", 30), ("1e-6", 15), ("float16", 15)])
def test_random_mistakes_are_named(noise: str, count: int) -> None:
    count = count if is_thorough() else count // 2
    seen = (one for one in injected(np.random.default_rng(7), 1, noise) if one[2].said not in ("invisible", "agrees"))
    said = [(tried.said, [name for name, _, _ in chosen]) for chosen, _, tried in islice(seen, count)]
    assert [one for one in said if one[0] not in ("alone", "tie")] == []


@pytest.mark.thorough
def test_two_mistakes_are_named_together() -> None:
    seen = (one for one in injected(np.random.default_rng(8), 2, "none") if one[2].said not in ("invisible", "agrees"))
    said = [
        (tried.said, [name for name, _, _ in chosen]) for chosen, _, tried in islice(seen, 3 if is_thorough() else 1)
    ]
    assert [one for one in said if one[0] not in ("alone", "tie")] == []


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("noise", ["none", "1e-6", "float16"])
def test_a_right_port_is_not_blamed(kind: str, noise: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(4):
        case = random_case(rng, kind)
        given = {name: noisy(array, rng, noise) for name, array in random_part(case, rng)(wrong(case, [])).items()}
        verdict = judged(case.config, case.data, case.result, given)
        assert verdict.agrees, (case.config, case.data, verdict)
        assert not verdict.explanations


@pytest.mark.parametrize("kind", ["uni", "projected"])
def test_unrelated_numbers_are_not_explained(kind: str) -> None:
    rng = np.random.default_rng(4)
    case = random_case(rng, kind)
    given = {"output": (0.3 * rng.normal(size=case.result.outputs["output"].shape)).astype(np.float32)}
    verdict = judged(case.config, case.data, case.result, given)
    assert not verdict.agrees
    assert not verdict.explanations
    assert verdict.runner_up is not None
    assert verdict.tried > 1000


def test_every_name_of_the_table_is_made_on_purpose() -> None:
    told = {base(mistake.name) for mistake in MISTAKES} | {"lower-layer-output"}
    assert told == {base(name) for name, _, _ in EVERY}
    assert {mistake.name for mistake in MISTAKES} - {name for name, _, _ in EVERY} == {"cast:float32"}


@pytest.mark.parametrize("kind", CASES)
def test_the_plan_without_a_mistake_is_the_lstm(kind: str) -> None:
    case = random_case(np.random.default_rng(5), kind)
    judge = Judge(problem_of(case.config, case.data, case.result), [])
    prediction = judge.predict(RIGHT)
    output = prediction.output.swapaxes(0, 1) if case.config.batch_first else prediction.output
    mine = {"output": output, "h_n": prediction.h_n, "c_n": prediction.c_n}
    assert apart({name: array.astype(float) for name, array in case.result.outputs.items()}, mine) < 1e-6


def test_plans_are_possible_where_ports_are() -> None:
    """Every form of a mistake has a twin in plain loops, and both say the same of what can have happened."""
    for seed in range(20):
        case = random_case(np.random.default_rng(seed))
        problem = problem_of(case.config, case.data, case.result, case.other)
        told = {mistake.name for mistake in mistakes_for(problem) if mistake.change(problem, RIGHT) is not None}
        plain = {name for name, form, _ in EVERY if possible(case, name, form)}
        bare = {"input-transposed", "recurrent-transposed", "matrices-swapped", "sequence-order", "states-batch-first"}
        assert {name for name in plain - told if name not in bare} == set()


def test_a_guess_from_a_few_steps_finds_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "_WORK", (0, 0))
    rng = np.random.default_rng(6)
    case = random_case(rng, "stacked bi", 9)
    tried = try_out(case, [next(one for one in EVERY if one[0] == "gate-order:iofg")], rng, "none")
    assert tried.said == "alone"
    assert tried.verdict is not None
    assert tried.verdict.guessed


def test_two_explanations_that_give_the_same_are_both_listed() -> None:
    """Without biases in effect, to ignore them all and to lose one is the same."""
    case = random_case(np.random.default_rng(2), "uni")
    config = LSTMConfig(3, 4)
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes(config).items()}
    weights["bias_hh_l0"] *= 0
    case = with_weights(config, weights, rng)
    tried = wrong(case, [next(make for name, _, make in EVERY if name == "bias-lost:ih")])
    verdict = judged(config, case.data, case.result, {"output": tried["output"]})
    assert {one.mistakes[0].name for one in verdict.explanations} >= {"bias-lost:ih", "bias-ignored"}


def shapes(config: LSTMConfig) -> dict[str, tuple[int, ...]]:
    from lstmcalc.numerics.arguments import weight_shapes

    return weight_shapes(config)


def with_weights(config: LSTMConfig, weights: dict[str, np.ndarray], rng: np.random.Generator, steps: int = 5) -> Case:
    states = config.num_layers * config.num_directions
    inputs = {
        "input": rng.normal(size=(steps, 2, config.input_size)).astype(np.float32),
        "h_0": np.zeros((states, 2, config.output_size), np.float32),
        "c_0": np.zeros((states, 2, config.hidden_size), np.float32),
    }
    output, (h_n, c_n) = forward(config, weights, inputs["input"])
    outputs = {"output": output, "h_n": h_n, "c_n": c_n}
    return Case(config, DataSpec(steps, 2), Run(weights, {}, inputs, outputs, {}, [], False, 1e-7), {})


def test_what_cannot_be_told_apart_is_refused() -> None:
    case = random_case(np.random.default_rng(0), "uni")
    chaotic = case.result._replace(noise=1e-2)
    with pytest.raises(UnsupportedError, match="as far apart as two different ones"):
        judged(case.config, case.data, chaotic, {"output": case.result.outputs["output"]})


def test_a_shape_that_fits_nothing_is_refused_with_those_that_fit() -> None:
    case = with_weights(LSTMConfig(3, 4), random_weights(LSTMConfig(3, 4)), np.random.default_rng(0))
    with pytest.raises(ArrayError) as raised:
        judged(case.config, case.data, case.result, {"output": np.zeros((5, 2, 3))})
    assert raised.value.expected == "(5, 2, 4) as output, (2, 4) as last or (1, 2, 4) as h_n"


def random_weights(config: LSTMConfig) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes(config).items()}


def test_numbers_that_are_not_finite_are_a_difference_without_an_explanation() -> None:
    case = random_case(np.random.default_rng(0), "uni")
    given = case.result.outputs["output"].copy()
    given[0, 0, 1] = np.nan
    verdict = judged(case.config, case.data, case.result, {"output": given})
    assert not verdict.agrees
    assert verdict.first_difference is not None
    assert (verdict.first_difference.unit, verdict.first_difference.expected) == (1, None)
    assert (verdict.explanations, verdict.runner_up, verdict.max_abs_error) == ([], None, None)
    assert "NaN or Inf in your output" in verdict.notes[0]


def test_the_first_difference_is_where_numbers_were_changed() -> None:
    case = random_case(np.random.default_rng(1), "stacked bi")
    given = {name: array.copy() for name, array in case.result.outputs.items()}
    output = given["output"].swapaxes(0, 1) if case.config.batch_first else given["output"]
    output[3, 0, 2] += 0.1
    given["h_n"][1, 0, 1] += 0.2
    first = judged(case.config, case.data, case.result, given).first_difference
    assert first is not None
    assert (first.sequence, first.step, first.layer, first.unit) == (0, 3, 0, 2)
    assert (first.expected or 0) - first.computed == pytest.approx(0.1, abs=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_the_dtype_of_numbers_is_told_whatever_they_are_stored_in(dtype: str) -> None:
    numbers = np.random.default_rng(0).normal(size=100).astype(dtype)
    for stored in ("float64", "float32")[: 2 - (dtype == "float64")]:
        assert dtype_of_numbers(numbers.astype(stored)) == dtype
    assert dtype_of_numbers(to_bfloat16(numbers.astype(np.float32))) == "bfloat16"
    assert dtype_of_numbers(np.zeros(100, np.float32)) == "float32"  # of which nothing can be told


@pytest.mark.parametrize("framework", LAYOUTS)
def test_every_mistake_has_a_repair_in_every_framework(framework: str) -> None:
    case = random_case(np.random.default_rng(0), "deep")
    for mistake in [*MISTAKES, *mistakes_for(problem_of(case.config, case.data, case.result))]:
        line = repair_of([mistake], framework)
        assert line
        assert "{" not in line


def test_an_order_that_was_stored_is_the_inverse_of_one_that_was_read() -> None:
    assert stored_as("igof") == "iofg"  # ONNX's rows, loaded in PyTorch as they are
    assert stored_as("iofg") == "igof"
    assert stored_as("figo") == "figo"


def test_the_limit_leaves_out_pairs_and_says_how_many() -> None:
    rng = np.random.default_rng(4)
    case = random_case(rng, "uni")
    problem = problem_of(case.config, case.data, case.result)
    shape = case.result.outputs["output"].shape
    target = Target("output", rng.normal(size=shape).astype(computed_in(np.dtype(np.float32))), KINDS)
    outcome = search(Judge(problem, [target]), 5e-6, 10)
    assert outcome.left > 1000
    assert outcome.tried < 300


def test_a_few_numbers_that_fit_prove_nothing() -> None:
    config = LSTMConfig(3, 1)
    case = with_weights(config, random_weights(config), np.random.default_rng(0))
    tried = wrong(case, [next(make for name, _, make in EVERY if name == "gate-order:iofg")])["output"]
    whole = judged(config, case.data, case.result, {"output": tried})
    assert "gate-order:iofg" in {one.mistakes[0].name for one in whole.explanations}
    one = case._replace(data=DataSpec(1, 1), result=first_number(case.result))
    few = judged(config, one.data, one.result, {"output": tried[:1, :1].astype(np.float16)})
    assert not few.agrees
    assert few.explanations == []
    assert any("cannot tell one mistake from another" in note for note in few.notes)


def first_number(result: Run) -> Run:
    """The run of the first step of the first sequence alone."""
    inputs = {"input": result.inputs["input"][:1, :1], **{name: result.inputs[name][:, :1] for name in ("h_0", "c_0")}}
    return result._replace(inputs=inputs)


# How a framework stores a weight (4*H_cell, inputs), and the weight of what it stores.
STORED: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "mlx": (lambda w: w, lambda w: w),
    "keras": (lambda w: w.T, lambda w: w.T),
    "onnx": (lambda w: w[None], lambda w: w[0]),
}


@pytest.mark.parametrize("framework", STORED)
def test_a_repair_of_rows_puts_them_in_their_place(framework: str) -> None:
    weight = np.random.default_rng(0).normal(size=(12, 5))
    store, restore = STORED[framework]
    for mistake in MISTAKES:
        base, _, order = mistake.name.partition(":")
        if base == "gate-order":
            loaded = np.concatenate([np.split(weight, 4)[order.index(gate)] for gate in "ifgo"])  # read as i f g o
        elif base == "gates-interleaved" and framework == "mlx":
            form = next(
                make
                for name, form, make in EVERY
                if name == base and (form == "blocks") == ("unit by" in mistake.cause)
            )
            port = with_weights(LSTMConfig(5, 3), random_weights(LSTMConfig(5, 3)), np.random.default_rng(0)).port()
            port.weights = {"weight_ih_l0": weight}
            form(port)
            loaded = port.weights["weight_ih_l0"]
        else:
            continue
        names: dict[str, np.ndarray] = {"w": store(loaded)}
        exec(repair_of([mistake], framework).partition("#")[0], {"np": np}, names)
        assert np.array_equal(restore(names["w"]), weight), mistake.name
