"""Live models of PyTorch, Keras and Flax: their totals and settings are those that the frameworks themselves have."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import lstmcalc
from tools.live import installed
from tools.live_models import keras_models, nnx_models, nothing_called, quietly, torch_lstms, torch_models
from tools.shell import TESTS, shell_environment

pytestmark = pytest.mark.peers

SETTINGS = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")
CELL = SETTINGS[:2] + SETTINGS[3:4]


def names_of(models: Any, framework: str) -> list[str]:
    """The names of the models, without the framework if it is not installed."""
    try:
        return [*quietly(lambda: models(__import__(framework, fromlist=["nn"])))]
    except ImportError:
        return []


TORCH = names_of(torch_models, "torch")


def keras() -> Any:
    """Keras on a backend that is installed."""
    from lstmcalc.proof.judges import JUDGES

    JUDGES["keras"].before()
    return installed("keras")


@pytest.mark.parametrize("name", TORCH)
def test_modules_of_pytorch_are_what_pytorch_says(name: str) -> None:
    torch = installed("torch")
    model = quietly(torch_models(torch)[name])
    with nothing_called(torch.nn.Module).guard:
        report = lstmcalc.summary(model)
    parameters = list(model.parameters())
    assert report.total.parameters == sum(each.numel() for each in parameters)
    assert report.total.bytes == sum(each.numel() * each.element_size() for each in parameters)
    assert report.total.exact
    wanted = dict(torch_lstms(torch, model))
    assert [module.name for module in report.modules] == [*wanted]
    for module in report.modules:
        own = wanted[module.name]
        if not hasattr(own, "hidden_size"):  # traced: what its call has
            assert (module.config.input_size, module.config.hidden_size) == (3, 4)
            continue
        fields = SETTINGS if hasattr(own, "num_layers") else CELL
        assert {f: getattr(module.config, f) for f in fields} == {f: getattr(own, f) for f in fields}
        if name != "tied lstms":  # the second has a part of the first
            held = [each for key, each in own.named_parameters() if key.startswith(("weight_", "bias_", "parametriz"))]
            assert module.parameters == sum(each.numel() for each in held)
    assert {layer.name for layer in report.layers if not layer.lstm} <= {key for key, _ in model.named_modules()}


def test_a_module_in_a_checkpoint_states_its_settings() -> None:
    torch = installed("torch")
    model = torch_models(torch)["tagger, two ways"]()
    report = lstmcalc.summary({"model": model, "epoch": 3, "optimizer": {"state": {}}})
    assert report.modules[0].name == "model.lstm"
    assert report.modules[0].config == lstmcalc.summary(model).modules[0].config
    assert lstmcalc.summary({"model": model.state_dict(), "epoch": 3}).modules[0].name == "model.lstm"
    assert str(lstmcalc.summary(model.state_dict())).startswith("state_dict: PyTorch in memory, ")
    assert lstmcalc.summary({"net": torch.nn.LSTM(3, 4)}).modules[0].config.hidden_size == 4


def test_a_module_that_is_in_itself_is_read_once() -> None:
    torch = installed("torch")
    model = torch_models(torch)["tagger"]()
    model.add_module("itself", model)
    assert lstmcalc.summary(model).total.parameters == sum(each.numel() for each in model.parameters())


@pytest.mark.parametrize("name", ["shared", "tied lstms", "tied", "cell", "nested"])
def test_what_a_state_dict_has_twice_counts_once(name: str) -> None:
    torch = installed("torch")
    model = torch_models(torch)[name]()
    report = lstmcalc.summary(model.state_dict())
    wanted = sum(each.numel() for each in model.parameters())
    assert report.total.parameters == wanted
    assert report.total.bytes == 4 * wanted


def test_views_of_one_storage_are_tensors_of_their_own() -> None:
    torch = installed("torch")
    flat = torch.zeros(2, 4 * 16 * 4)
    names = ("weight_ih_l0", "weight_hh_l0")
    state = {f"{n}.{name}": flat[n, k * 64 : k * 64 + 64].view(16, 4) for n in (0, 1) for k, name in enumerate(names)}
    assert lstmcalc.summary(state).total.parameters == 4 * 64
    assert lstmcalc.summary({**state, "tied.weight": state["0.weight_ih_l0"]}).total.parameters == 4 * 64


def test_a_class_that_refuses_to_be_asked_is_read() -> None:
    torch = installed("torch")

    class Shy(torch.nn.Module):  # type: ignore[misc,name-defined]  # torch is any
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(3, 4)

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

        def named_modules(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError

        def parameters(self, *_: Any) -> Any:
            raise RuntimeError

        def state_dict(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError

    assert lstmcalc.summary(Shy()).total.parameters == 144


BAD = {
    "GRU": lambda torch: torch.nn.GRU(3, 4),
    "class": lambda torch: torch.nn.LSTM,
    "tensor": lambda torch: torch.zeros(3),
    "parameter": lambda torch: torch.nn.Parameter(torch.zeros(3)),
    "optimizer": lambda torch: torch.optim.SGD([torch.zeros(1)]),
    "parameters": lambda torch: torch.nn.LSTM(3, 4).parameters(),
    "list": lambda torch: [torch.nn.LSTM(3, 4)],
    "lazy": lambda torch: torch.nn.LazyLinear(3),
    "empty": lambda torch: torch.nn.Sequential(),
    "linear": lambda torch: torch.nn.Linear(2, 2),
    "dtype": lambda torch: torch.float32,
    "device": lambda torch: torch.device("cpu"),
    "size": lambda torch: torch.Size([3, 4]),
    "torch": lambda torch: torch,
    "dataset": lambda torch: torch.utils.data.TensorDataset(torch.zeros(3)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_model_of_pytorch_is_refused(name: str) -> None:
    torch = installed("torch")
    make: Any = BAD[name]
    value = quietly(lambda: make(torch))
    with pytest.raises(lstmcalc.LstmcalcError) as caught:
        lstmcalc.summary(value)
    assert caught.value.kind in ("usage", "no-lstm"), str(caught.value)


def test_what_is_frozen_is_said() -> None:
    torch = installed("torch")
    (note,) = [note for note in lstmcalc.summary(torch_models(torch)["frozen"]()).notes if "frozen" in note]
    assert note == "33 parameters are frozen (requires_grad is False): emb.weight"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hooked", "lstm has 1 hook on its calls: what they change is not known"),
        ("own cell", "the class of 0 is "),
        ("own lstm inside", "its class is "),
    ],
)
def test_what_is_not_known_of_a_module_is_said(name: str, said: str) -> None:
    torch = installed("torch")
    assert any(said in note for note in lstmcalc.shapes(torch_models(torch)[name]()).notes)


def test_a_quantized_module_is_what_its_class_says() -> None:
    torch = installed("torch")
    model = quietly(
        lambda: torch.ao.quantization.quantize_dynamic(
            torch_models(torch)["tagger"](), {torch.nn.LSTM, torch.nn.Linear}
        )
    )
    report = lstmcalc.summary(model)
    assert (str(report.modules[0].config), report.modules[0].parameters) == ("LSTM(3, 4)", 144)
    assert not report.total.exact
    assert any("fc" in doubt for doubt in report.doubts)
    with pytest.raises(lstmcalc.LstmcalcError):
        lstmcalc.run(model)


def test_a_frozen_script_has_its_weights_as_constants() -> None:
    torch = installed("torch")
    model = torch_models(torch)["tagger"]().eval()
    frozen = quietly(lambda: torch.jit.freeze(torch.jit.script(model)))
    report = lstmcalc.summary(frozen)
    assert str(report.modules[0].config) == "LSTM(3, 4)"
    assert report.modules[0].parameters == 144


def test_a_lazy_layer_is_named_as_not_built() -> None:
    torch = installed("torch")
    model = quietly(lambda: torch.nn.Sequential(torch.nn.LSTM(3, 4), torch.nn.LazyLinear(2)))
    report = lstmcalc.summary(model)
    assert (report.total.parameters, report.total.exact) == (144, False)
    assert any("1: LazyLinear" in str(row) or "1" in str(row) for row in report.doubts)
    assert any("not built" in note for note in report.notes)
    with pytest.raises(lstmcalc.LstmcalcError):
        lstmcalc.summary(quietly(lambda: torch.nn.LazyLinear(2)))


KERAS = (
    *("lstm", "lstm, settings", "cell", "bidirectional", "summed", "rnn of a cell", "stack", "sequential"),
    *("functional", "of a class", "nested", "shared", "frozen", "own lstm", "own lstm alone", "gru beside", "hard"),
    *("time distributed", "stateful", "norm and conv", "attention", "go backwards"),
)


def lstm_layers(module: Any, model: Any) -> list[Any]:
    """The cells of a model, each once, in the order in which Keras lists its layers."""
    flat = model._flatten_layers()  # noqa: SLF001  # Keras has no other list of all of them
    found: list[Any] = []
    for layer in flat:
        if isinstance(layer, module.layers.LSTMCell) and all(layer is not other for other in found):
            found.append(layer)
    return found


@pytest.mark.parametrize("name", KERAS)
def test_models_of_keras_are_what_keras_says(name: str) -> None:
    module = keras()
    models = keras_models(module)
    assert [*models] == [*KERAS]
    model = models[name]()
    with nothing_called(module.layers.Layer).guard:
        report = lstmcalc.summary(model)
    assert report.total.parameters == model.count_params()
    assert report.total.exact
    cells = lstm_layers(module, model)
    directions = [2 if lstm.config.bidirectional else 1 for lstm in report.modules]
    assert sum(directions) == len(cells)
    assert sorted(
        lstm.config.hidden_size for lstm, n in zip(report.modules, directions, strict=True) for _ in range(n)
    ) == (sorted(cell.units for cell in cells))
    counts = sorted(sum(int(weight.size) for weight in map(_array, cell.weights)) for cell in cells)
    assert sum(lstm.parameters for lstm in report.modules) == sum(counts)


def _array(weight: Any) -> Any:
    import numpy as np

    return np.empty(tuple(weight.shape))


def test_a_layer_of_keras_that_is_not_built_is_open() -> None:
    module = keras()
    for model in (module.layers.LSTM(4), module.Sequential([module.layers.LSTM(4), module.layers.Dense(2)])):
        with pytest.raises(lstmcalc.LstmcalcError, match="not built") as caught:
            lstmcalc.summary(model)
        assert caught.value.kind == "unknown-setting"
        assert "input_size" in str(caught.value)
        report = lstmcalc.summary(model, input=3)
        assert str(report.modules[0].config).startswith("LSTM(3, 4")
        assert report.total.exact is isinstance(model, module.layers.LSTM)


NNX = ("cell", "optimized", "rnn", "net", "own cell", "bidirectional", "sequential", "abstract")


@pytest.mark.parametrize("name", NNX)
def test_modules_of_nnx_are_what_flax_says(name: str) -> None:
    nnx = installed("flax.nnx")
    models = nnx_models(nnx)
    assert [*models] == [*NNX]
    model = models[name]()
    report = lstmcalc.summary(model)
    from math import prod

    import jax

    assert report.total.parameters == sum(prod(each.shape) for each in jax.tree.leaves(nnx.state(model, nnx.Param)))
    assert {str(module.config) for module in report.modules} == {"LSTM(3, 4, batch_first=True)"}
    assert len(report.modules) == (2 if name == "bidirectional" else 1)


def said_of(report: Any) -> list[Any]:
    """What a report on shapes says of each LSTM, wherever it is read."""
    return [
        (
            module.name,
            module.framework,
            module.config,
            module.source.options,
            module.source.unmodelled,
            module.activations,
            [(tensor.name, tensor.shape) for tensor in module.tensors],
        )
        for module in report.modules
    ]


OWN_CLASSES = ("own lstm", "own lstm alone", "of a class", "cell")  # of which a file knows less, or nothing


@pytest.mark.parametrize("name", [name for name in KERAS if name not in OWN_CLASSES])
def test_a_model_of_keras_is_like_its_file(name: str, tmp_path: Path) -> None:
    module = keras()
    installed("h5py")
    model = keras_models(module)[name]()
    if not isinstance(model, module.Model):
        model = module.Sequential([module.Input((5, 3)), model])
    path = tmp_path / "model.keras"
    quietly(lambda: model.save(path))
    assert said_of(lstmcalc.shapes(model)) == said_of(lstmcalc.shapes(path))
    assert lstmcalc.summary(model).total == lstmcalc.summary(path).total
    assert lstmcalc.diff(model, path, values=True).ok


@pytest.mark.parametrize("name", ["lstm", "lstm, all settings", "cell", "sequential", "module list", "many", "half"])
def test_a_module_of_pytorch_is_like_its_file(name: str, tmp_path: Path) -> None:
    torch = installed("torch")
    model = quietly(torch_models(torch)[name])
    if name == "half":
        model = torch.nn.Sequential(model.lstm, model.fc)
    path = tmp_path / "model.pt"
    torch.save(model, path)
    assert said_of(lstmcalc.shapes(model)) == said_of(lstmcalc.shapes(path))
    assert lstmcalc.summary(model).total == lstmcalc.summary(path).total
    torch.save(model.state_dict(), path)
    assert lstmcalc.diff(path, model, values=True).verdict == "loads"


ON_JAX = """
import os, sys, warnings
os.environ["KERAS_BACKEND"] = "jax"
import keras, lstmcalc
from tools.live_models import keras_models
for name, make in keras_models(keras).items():
    model = make()
    report = lstmcalc.summary(model)
    assert report.total.parameters == model.count_params(), name
    assert report.total.exact, name
    print(name)
"""


def test_models_of_keras_on_jax_are_what_keras_says() -> None:
    module = keras()
    installed("jax")
    path = f"{TESTS.parent}:{TESTS}"
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX],
        capture_output=True,
        text=True,
        check=False,
        env=shell_environment(PYTHONPATH=path),
    )
    assert done.stdout.splitlines() == [*keras_models(module)], done.stderr


def test_a_relative_of_linen_is_no_lstm() -> None:
    linen = installed("flax.linen")
    for cell in (linen.GRUCell(3), linen.SimpleCell(3)):
        with pytest.raises(lstmcalc.LstmcalcError, match="is not an LSTM"):
            lstmcalc.summary(cell)


def test_a_module_of_linen_has_hyperparameters_and_then_variables() -> None:
    linen, jax = installed("flax.linen"), installed("jax")
    model = linen.RNN(linen.LSTMCell(6))
    with pytest.raises(lstmcalc.LstmcalcError, match="input_size"):
        lstmcalc.summary(model)
    assert lstmcalc.summary(model, input=4).total.parameters == 4 * 6 * (4 + 6 + 1)
    variables = model.init(jax.random.key(0), jax.numpy.zeros((2, 3, 4)))
    total = sum(each.size for each in jax.tree.leaves(variables))
    for source in (variables, variables["params"], model.bind(variables), linen.RNN(linen.LSTMCell(6)).bind(variables)):
        report = lstmcalc.summary(source)
        assert report.total.parameters == total == 4 * 6 * (4 + 6 + 1)
        assert report.modules[0].config.hidden_size == 6

    class Net(linen.Module):  # type: ignore[misc,name-defined]  # flax is any
        @linen.compact  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            return linen.Dense(2)(linen.RNN(linen.OptimizedLSTMCell(5))(x))

    with pytest.raises(lstmcalc.LstmcalcError, match="variables"):
        lstmcalc.summary(Net())
    variables = Net().init(jax.random.key(0), jax.numpy.zeros((2, 3, 4)))
    assert lstmcalc.summary(variables).total.parameters == sum(each.size for each in jax.tree.leaves(variables))


@pytest.mark.parametrize("scale", ["meta", "memory"])
def test_a_summary_of_four_gibibytes_allocates_nothing_to_speak_of(scale: str) -> None:
    torch = installed("torch")
    import tracemalloc

    with torch.device("meta"):
        model = torch.nn.ModuleDict({"lstm": torch.nn.LSTM(64, 64), "emb": torch.nn.Embedding(2**22, 256)})
    if scale == "memory":  # pages that are never written take no memory
        weight = torch.nn.Parameter(torch.empty(2**22, 256))
        model = torch.nn.ModuleDict(
            {"lstm": torch.nn.LSTM(64, 64), "emb": torch.nn.Embedding(2**22, 256, _weight=weight)}
        )
    lstmcalc.summary(torch.nn.LSTM(1, 1))  # the modules are loaded
    before = resident()
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = lstmcalc.summary(model)
        str(report)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.total.bytes > 4 * 2**30
    assert peak < 2**20
    assert resident() - before < 2**23


def resident() -> int:
    """The memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
