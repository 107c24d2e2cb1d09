"""The functions on live models: `diff` says what `load_state_dict` says, `run` computes what the framework computes."""

import warnings

import pytest

import lstmcalc
from tools.live import installed
from tools.live_models import keras_models, nnx_models, quietly, torch_models
from tools.whole_models import carried_out, complaint_lines, drawn_pair

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("block", range(20))
def test_live_models_load_as_it_says(block: int) -> None:
    """The verdict, every word, and the repair, which is carried out; 20 models at a time."""
    torch = installed("torch")
    seen, kinds = 0, set[str]()
    for seed in range(20 * block, 20 * block + 20):
        pair = drawn_pair(torch, seed)
        lines = complaint_lines(pair.model, pair.saved)
        try:
            report = lstmcalc.diff(pair.saved, pair.model)
        except lstmcalc.LstmcalcError as error:  # another model, or one that has lost its LSTM
            kinds.add(error.kind if not pair.repairable else "repairable")
            continue
        seen += 1
        assert (list(report.messages), report.root) == (lines, type(pair.model).__name__), (seed, pair.way)
        assert (report.verdict == "loads") is report.ok is (not lines), (seed, pair.way)
        if report.verdict == "loads-after-repair":
            (state,) = carried_out(torch, list(report.repair), state_dict=pair.saved)
            assert complaint_lines(pair.model, state) == [], (seed, pair.way)
        assert report.verdict != "does-not-load" or not pair.repairable, (seed, pair.way)
        if lines:
            with pytest.raises(AssertionError, match="verdict"):
                report.raise_if_different()
        else:
            report.raise_if_different()
    assert seen >= 16
    assert kinds <= {"no-lstm"}


@pytest.mark.parametrize(
    "name", ["tagger", "nested", "tied", "shared", "buffers", "compiled", "data parallel", "on meta"]
)
def test_a_model_loads_its_own_state(name: str) -> None:
    torch = installed("torch")
    model = quietly(torch_models(torch)[name])
    assert lstmcalc.diff(model.state_dict(), model).verdict == "loads"
    assert lstmcalc.diff(model, model).verdict == "loads"


def test_the_versions_of_classes_are_read() -> None:
    """A count of batches that is missing is forgiven to state dicts of version 1 of the class alone."""
    torch = installed("torch")
    models = torch_models(torch)
    model, lacking = models["tagger"](), models["tagger"]()
    state = model.state_dict()
    del state["norm.num_batches_tracked"]
    lacking.norm._buffers.pop("num_batches_tracked")  # noqa: SLF001  # as an old class has it
    for source, loaded in ((state, state), (dict(state), dict(state)), (lacking, lacking.state_dict())):
        lines = complaint_lines(models["tagger"](), loaded)
        report = lstmcalc.diff(source, model)
        assert (list(report.messages), report.ok) == (lines, not lines)
        assert bool(lines) is (source is not dict(state) and type(source) is not dict)


def test_numbers_in_memory_are_compared() -> None:
    torch = installed("torch")
    model = torch_models(torch)["tagger"]()
    state = {key: value.clone() for key, value in model.state_dict().items()}
    assert lstmcalc.diff(state, model, values=True).ok
    state["lstm.bias_ih_l0"][3] += 1e-3
    report = lstmcalc.diff(state, model, values=True, tolerance=1e-6)
    assert not report.ok
    assert lstmcalc.diff(state, model, values=True, tolerance=1e-2).ok


RUNS = {
    "lstm": (5, 2, 3),
    "cell": (5, 2, 3),
    "tagger": (5, 2, 3),
    "tagger, two ways": (2, 5, 3),
    "compiled": (5, 2, 3),
    "double": (5, 2, 3),
    "frozen": (5, 2, 3),
    "eval": (5, 2, 3),
    "lstm, all settings": (2, 5, 3),
}


@pytest.mark.parametrize("name", RUNS)
def test_run_computes_what_the_module_in_memory_computes(name: str) -> None:
    torch = installed("torch")
    model = quietly(torch_models(torch)[name])
    x = torch.randn(*RUNS[name])
    trained = [module.training for module in model.modules()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = lstmcalc.run(model, x, against=model)
    assert report.ok, str(report)
    checks = [check.name for check in report.modules[0].checks if "in memory" in check.name]
    assert len(checks) == 3
    assert [module.training for module in model.modules()] == trained
    assert report.modules[0].input_from == "x"
    assert lstmcalc.run(model, against=model).ok  # with states that are not zeros


def test_a_script_computes_here_and_not_there() -> None:
    torch = installed("torch")
    model = quietly(torch_models(torch)["scripted"])
    assert lstmcalc.run(model, torch.randn(5, 2, 3), against="torch").ok
    with pytest.raises(lstmcalc.LstmcalcError, match="cannot compute"):
        lstmcalc.run(model, against=model)


def test_another_model_in_memory_is_found_to_differ() -> None:
    torch = installed("torch")
    one, other = torch.nn.LSTM(3, 4), torch.nn.LSTM(3, 4)
    report = lstmcalc.run(one, torch.randn(5, 2, 3), against=[other, "torch"])
    assert not report.ok
    assert {check.passed for check in report.modules[0].checks if "in memory" in check.name} == {False}
    assert {check.passed for check in report.modules[0].checks if "PyTorch" in check.name} == {True}


def test_states_are_given_as_to_the_module() -> None:
    torch = installed("torch")
    model, state = torch.nn.LSTM(3, 4, 2), (torch.randn(2, 3, 4), torch.randn(2, 3, 4))
    for x in ((torch.randn(5, 3, 3), state), {"input": torch.randn(5, 3, 3), "h_0": state[0], "c_0": state[1]}):
        assert lstmcalc.run(model, x, against=model).ok


@pytest.mark.parametrize("name", ["lstm", "lstm, settings", "bidirectional", "sequential", "rnn of a cell"])
def test_run_computes_what_the_layer_in_memory_computes(name: str) -> None:
    import numpy as np

    from lstmcalc.proof.judges import JUDGES

    JUDGES["keras"].before()
    model = keras_models(installed("keras"))[name]()
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    if name == "rnn of a cell":
        with pytest.raises(lstmcalc.LstmcalcError, match="cannot compute"):
            lstmcalc.run(model, x, against=model)
        return
    report = lstmcalc.run(model, x, against=model)
    assert report.ok, str(report)
    assert lstmcalc.run(model, against=model).ok  # with states that are not zeros
    assert any("in memory" in check.name for check in report.modules[0].checks)


@pytest.mark.parametrize("name", ["cell", "optimized", "net"])
def test_run_computes_what_the_cell_in_memory_computes(name: str) -> None:
    jax = installed("jax")
    model = nnx_models(installed("flax.nnx"))[name]()
    x = jax.random.normal(jax.random.key(0), (2, 5, 3))
    report = lstmcalc.run(model, x, against=model)
    assert report.ok, str(report)
    assert lstmcalc.run(model, against=model).ok  # with states that are not zeros
    assert sum("in memory" in check.name for check in report.modules[0].checks) == 3


def test_numbers_that_are_nowhere_are_refused() -> None:
    torch = installed("torch")
    model = torch_models(torch)["on meta"]()
    with pytest.raises(lstmcalc.LstmcalcError, match="there are no numbers"):
        lstmcalc.run(model)
    with pytest.raises(lstmcalc.LstmcalcError, match="there are no numbers"):
        lstmcalc.run(torch.nn.LSTM(3, 4), torch.randn(5, 2, 3, device="meta"))


def test_an_empty_batch_is_a_batch() -> None:
    torch = installed("torch")
    model = torch.nn.LSTM(3, 4)
    assert lstmcalc.run(model, torch.randn(5, 0, 3), against=model).ok
    assert lstmcalc.shapes(model, batch=0).modules[0].tensors[0].shape == (5, 0, 3)
