"""The LSTM that fits a budget: at both edges, with every unknown."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, Surroundings
from lstmcalc.commands.solve.report import UNKNOWNS, Budget, Question, solve_module
from lstmcalc.costs.measures import LIMITED, MEASURES, Case, Formulas
from lstmcalc.errors import UsageError
from lstmcalc.intake.subject import subject_of_layers
from tools.examples import examples
from tools.shell import Ran

Cli = Callable[..., Ran]


@pytest.mark.parametrize(
    ("flags", "hidden", "params"),
    [((), 439, 999_164), (("--bi",), 294, 997_248), (("--layers", "3"), 210, 994_560)],
)
def test_a_million_parameters(cli: Cli, flags: tuple[str, ...], hidden: int, params: int) -> None:
    module = json.loads(cli("solve", "hidden", "--params", "1M", "--input", "128", *flags, "--json").out)["modules"][0]
    assert module["value"] == module["config"]["hidden_size"] == hidden
    (budget,) = module["budgets"]
    assert (budget["measure"], budget["limit"], budget["used"]) == ("params", 10**6, params)
    assert budget["next"] > 10**6
    assert module["provenance"]["hidden_size"] == {"from": "solved", "where": None, "certainty": "inferred"}


NEAR = {"hidden_size": 272}  # as far as a size may be that lies better in memory; of others the next few


@st.composite
def cases(choose: st.DrawFn) -> Case:
    hidden = choose(st.integers(1, 700))
    config = LSTMConfig(
        input_size=choose(st.integers(1, 700)),
        hidden_size=hidden,
        num_layers=choose(st.integers(1, 4)),
        bias=choose(st.booleans()),
        batch_first=choose(st.booleans()),
        dropout=choose(st.sampled_from([0.0, 0.5])),
        bidirectional=choose(st.booleans()),
        proj_size=choose(st.sampled_from([0, 0, min(3, hidden - 1)])),
    )
    dtype = choose(st.sampled_from(["float32", "float32", "float64", "bfloat16"]))
    data = DataSpec(choose(st.integers(1, 50)), choose(st.integers(1, 200)), dtype=dtype)
    head = choose(st.sampled_from([None, 10]))
    return Case(config, data, Surroundings(head=head), choose(st.booleans()), choose(st.sampled_from(["sgd", "adam"])))


@given(cases(), st.sampled_from(sorted(UNKNOWNS.values())), st.sampled_from([*LIMITED]), st.integers(1, 10**15))
@examples(80)
def test_it_is_the_largest_that_fits(case: Case, unknown: str, name: str, limit: int) -> None:
    if name in ("params", "weights", "state") and unknown in ("batch", "seq_len"):
        return
    if name == "state" and case.config.bidirectional:
        return
    subject = subject_of_layers([])._replace(config=case.config, data=case.data, around=case.around)
    question = Question(unknown, (Budget(LIMITED[name], limit),), case.train, case.optimizer, case.input_grad)
    least = case.config.proj_size + 1 if unknown == "hidden_size" else 1
    formulas, near = Formulas(LIMITED[name]), NEAR.get(unknown, 10)

    def measured(size: int) -> int:
        return formulas.at(case.having({unknown: size}))

    try:
        found = solve_module(subject, question)
    except UsageError as error:
        assert error.what == f"no {unknown} fits"  # noqa: PT017  # any other is a failure
        assert all(measured(size) > limit for size in range(least, least + near))
        return
    size = found.value
    assert measured(size) <= limit
    assert all(measured(size + more) > limit for more in range(1, near))
    (budget,) = found.budgets
    assert (budget.used, budget.next) == (measured(size), measured(size + 1))
    assert LIMITED[name].formula(case.having({unknown: size})).at(case.having({unknown: size}).values) == measured(size)
    gap = found.smaller_that_does_not_fit
    if gap is None:
        assert all(measured(smaller) <= limit for smaller in range(max(least, size - near), size))
    else:
        assert measured(gap) > limit


def test_budgets_of_10_to_the_15(cli: Cli) -> None:
    for unknown, budget in (("hidden", "--params"), ("seq", "--macs"), ("batch", "--memory"), ("layers", "--params")):
        module = json.loads(cli("solve", unknown, budget, "1000000000000000", "--json").out)["modules"][0]
        (row,) = module["budgets"]
        assert row["used"] <= 10**15 < row["next"]


def test_several_budgets_are_kept_at_once(cli: Cli) -> None:
    both = json.loads(cli("solve", "hidden", "--params", "1M", "--macs", "1M", "--json").out)["modules"][0]
    binding = {row["measure"]: row["binds"] for row in both["budgets"]}
    assert binding == {"params": False, "macs": True}
    assert all(row["used"] <= row["limit"] for row in both["budgets"])


def test_training_needs_more_than_running(cli: Cli) -> None:
    flags = ("solve", "batch", "--memory", "2GiB", "--input", "128", "--hidden", "512", "--layers", "2", "--seq", "200")
    sizes = []
    for more in ((), ("--train", "--optimizer", "sgd"), ("--train",)):
        module = json.loads(cli(*flags, *more, "--json").out)["modules"][0]
        sizes.append(module["value"])
        assert module["optimizer"] == (None if not more else "sgd" if len(more) > 1 else "adam")
        assert module["budgets"][0]["certainty"] == "estimate"
        assert 0 < module["budgets"][0]["error_percent"] < 1
        assert module["budgets"][0]["counts"] == MEASURES["memory"].counts(
            Case(LSTMConfig(1, 1), DataSpec(), train=bool(more))
        )
    assert sizes[0] > sizes[1] > sizes[2] > 1


def test_the_unknown_may_be_open_in_a_source(cli: Cli) -> None:
    module = json.loads(cli("solve", "hidden", "nn.LSTM(128, hidden)", "--params", "1M", "--json").out)["modules"][0]
    assert module["value"] == 439
    stated = json.loads(cli("solve", "hidden", "nn.LSTM(128, 7)", "--params", "1M", "--json").out)["modules"][0]
    assert stated["value"] == 439
    projected = json.loads(cli("solve", "hidden", "--proj", "64", "--params", "1M", "--json").out)["modules"][0]
    assert projected["config"]["proj_size"] == 64 < projected["value"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hidden", "--params", "100", "--input", "128"), "with input 128, even hidden_size 1 needs 524 parameters"),
        (("hidden", "--params", "51"), "expected at least 52 parameters, found 51"),
        (("hidden", "--params", "1M", "--proj", "999"), "with input 10 and proj 999, even hidden_size 1000 needs"),
        (("batch", "--memory", "1kB"), "no batch fits"),
        ((), "missing argument: hidden, layers, batch or seq"),
        (("hidden",), "missing budget"),
        (("width", "--params", "1M"), "UNKNOWN: invalid choice"),
        (("hidden", "--hidden", "20", "--params", "1M"), "hidden_size is asked for and given"),
        (("hidden", "batch", "--memory", "1GiB"), "two unknowns"),
        (("batch", "--params", "1M"), "params does not depend on batch"),
        (("seq", "--params", "1M"), "params does not depend on seq_len"),
        (("batch", "--memory", "1GiB", "--unbatched"), "unbatched input has no batch"),
        (("batch", "--memory", "1GiB", "--lengths", "3,2"), "the lengths settle batch"),
        (("seq", "--macs", "1G", "--lengths", "3,2"), "the lengths settle seq_len"),
        (("seq", "--macs", "1G", "--batch", "0"), "the budget does not limit seq_len"),
        (("hidden", "--params", "1e99"), "any hidden_size that PyTorch can store fits"),
        (("hidden", "--params", "1,5M"), "--params: not an amount"),
        (("hidden", "--params", "1M", "--optimizer", "sgd"), "--optimizer: nothing is trained"),
        (("hidden", "--params", "1M", "--input-grad"), "--input-grad: nothing is trained"),
        (
            ("hidden", "--params", "1M", "--embed", "1000000"),
            "with input 10 and embed 1000000, even hidden_size 1 needs",
        ),
        (("hidden", "--params", "1M", "--proj", str(2**63 - 1)), "--proj: proj_size is out of range"),
        (("layers", "nn.LSTMCell(10, 20)", "--params", "1M"), "a cell has one layer"),
        (("hidden", "--memory", "2Gb"), "1 byte is 8 bits"),
        (("hidden", "--memory", "1GiB", "--dtype", "int8"), "quantized LSTMs: lstmcalc cost --quantize"),
        (("hidden", "--params", "1M", "--train", "--optimizer", "adm"), "did you mean adam"),
    ],
)
def test_what_cannot_be_solved_says_why(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    ran = cli("solve", *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""


def test_budgets_that_different_sizes_keep(cli: Cli) -> None:
    # In bfloat16 a long sequence alone needs more memory than two of them.
    flags = ("--seq", "20000", "--hidden", "512", "--input", "512", "--dtype", "bfloat16")
    ran = cli("solve", "batch", *flags, "--macs", "45G", "--memory", "270MB")
    assert ran.code == 2
    assert "--macs and --memory: no batch fits all budgets at once" in ran.err
    assert "batch 1 fits --macs, batch 2 fits --memory" in ran.err


def test_a_budget_may_be_used_up(cli: Cli) -> None:
    exact = json.loads(cli("solve", "hidden", "--params", "2560", "--json").out)["modules"][0]
    assert (exact["value"], exact["budgets"][0]["used"]) == (20, 2560)
    short = json.loads(cli("solve", "hidden", "--params", "2559", "--json").out)["modules"][0]
    assert short["value"] == 19


def test_a_budget_that_the_next_size_would_use_up_does_not_bind(cli: Cli) -> None:
    flags = ("--params", "2560", "--macs", "35999")
    module = json.loads(cli("solve", "hidden", *flags, "--json").out)["modules"][0]
    rows = {row["measure"]: (row["next"], row["binds"]) for row in module["budgets"]}
    assert (module["value"], rows) == (19, {"params": (2560, False), "macs": (36_000, True)})


def test_a_solution_is_measured_as_it_is() -> None:
    # What it was asked with, an empty batch, is computed by other code than what is found.
    case = Case(LSTMConfig(10, 20), DataSpec(batch=0))
    subject = subject_of_layers([])._replace(config=case.config, data=case.data)
    question = Question("batch", (Budget(MEASURES["macs"], 10**6),), train=False, optimizer="adam", input_grad=False)
    module = solve_module(subject, question)
    found = case.having({"batch": module.value})
    assert module.value == 10**6 // (5 * 2400)
    assert module.path == "onednn"
    numbers = {row.name: row.value for row in module.measures}
    assert numbers == {name: measure.formula(found).at(found.values) for name, measure in MEASURES.items()}


def test_a_smaller_size_that_does_not_fit_is_told(cli: Cli) -> None:
    # In bfloat16 a long sequence alone needs more memory than two of them.
    flags = ("--seq", "20000", "--hidden", "512", "--input", "512", "--dtype", "bfloat16")
    shown = cli("solve", "batch", *flags, "--memory", "270MB").out
    assert "batch 1 does not fit: another kernel takes more there" in shown
    assert "batch = 2" in shown
