"""What the libraries print of random models, against what the models themselves have."""

import contextlib
import io
import pprint
import random
from typing import Any

import pytest

from lstmcalc.errors import LstmcalcError
from lstmcalc.readers.found import Found
from lstmcalc.readers.pasted.load_errors import read_errors
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind
from tools.pasting import mangled

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")]

FIELDS = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")
SEEDS = range(20)


def chance_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # of tests


@pytest.fixture(scope="module")
def torch() -> Any:
    module = pytest.importorskip("torch")
    assert module.__version__.partition("+")[0] == "2.13.0"
    return module


def read(text: str, kind: str, seed: int) -> list[Found]:
    source = SourceText(mangled(text, seed), "pasted.txt")
    assert text_kind(source) == kind
    return read_text(source, {})


def is_right(found: Found, real: Any) -> bool:
    """True if what is said of an LSTM is what the module has; what is open or uncertain may be missing."""
    said = {field: found.layer[field].value for field in FIELDS if field in found.layer}
    right = {field: getattr(real, field, None) for field in FIELDS}
    if found.uncertain or found.gaps:
        return True
    return all(right[field] in (value, None) for field, value in said.items())


def torch_model(torch: Any, seed: int) -> Any:
    """A model with an embedding, one or two LSTMs of random settings, and a head."""
    chance, nn = chance_of(seed), torch.nn
    width, hidden = chance.randint(1, 30), chance.randint(2, 30)
    first = nn.LSTM(
        width,
        hidden,
        chance.randint(1, 3),
        bias=chance.random() < 0.7,
        bidirectional=chance.random() < 0.5,
        batch_first=True,
        proj_size=chance.choice((0, 0, hidden - 1)),
    )
    out = (first.proj_size or hidden) * (2 if first.bidirectional else 1)
    second = nn.LSTM(out, chance.randint(1, 20), batch_first=True)

    class Encoder(nn.Module):  # type: ignore[misc, name-defined]  # torch has no types here
        def __init__(self) -> None:
            super().__init__()
            self.rnn = first

        def forward(self, x: Any) -> Any:
            return self.rnn(x)[0]

    class Tagger(nn.Module):  # type: ignore[misc, name-defined]  # as above
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(50, width)
            self.encoder = Encoder()
            self.top = second
            self.fc = nn.Linear(second.hidden_size, 3)

        def forward(self, x: Any) -> Any:
            return self.fc(self.top(self.encoder(self.embed(x)))[0])

    return Tagger()


@pytest.mark.parametrize("seed", SEEDS)
def test_lists_of_named_parameters(torch: Any, seed: int) -> None:
    model = torch_model(torch, seed)
    text = "\n".join(f"{name} {value.shape}" for name, value in model.named_parameters())
    found = {item.name: item for item in read(text, "listed", seed)}
    assert found.keys() == {"encoder.rnn", "top"}
    for name, item in found.items():
        real = model.get_submodule(name)
        assert {field: item.layer[field].value for field in FIELDS} == {field: getattr(real, field) for field in FIELDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_summaries_of_torchinfo(torch: Any, seed: int) -> None:
    torchinfo = pytest.importorskip("torchinfo")
    model, chance = torch_model(torch, seed), chance_of(seed)
    rows = chance.choice((("var_names", "depth"), ("var_names",), ("var_names", "depth", "ascii_only")))
    columns = chance.choice((("output_size", "num_params"), ("input_size", "output_size", "num_params", "mult_adds")))
    given = torch.zeros(4, 7, dtype=torch.long)
    shown = torchinfo.summary(model, input_data=given, row_settings=rows, col_names=columns, depth=5, verbose=0)
    found = {item.name: item for item in read(str(shown), "summary", seed)}
    assert found.keys() == {"encoder.rnn", "top"}
    solved = [is_right(item, model.get_submodule(name)) for name, item in found.items()]
    assert all(solved)
    assert not any(item.uncertain for item in found.values())


def test_most_summaries_of_torchinfo_are_solved(torch: Any) -> None:
    """With the layer before it an LSTM is open only where another one fits by chance."""
    torchinfo = pytest.importorskip("torchinfo")
    open_ = 0
    for seed in SEEDS:
        model = torch_model(torch, seed)
        text = str(
            torchinfo.summary(
                model, input_data=torch.zeros(4, 7, dtype=torch.long), row_settings=("var_names",), depth=5, verbose=0
            )
        )
        open_ += sum(bool(item.gaps) for item in read(text, "summary", seed))
    assert open_ <= 2 * len(SEEDS) // 4  # sizes are small here; of hundreds hardly any other fits


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_of_load_state_dict(torch: Any, seed: int) -> None:
    """Two LSTMs of one input size and different hidden sizes, and of any layers, biases and directions."""
    chance, nn = chance_of(seed), torch.nn
    width, hidden = chance.randint(1, 30), chance.randint(2, 30)
    both = [
        nn.LSTM(
            width,
            size,
            chance.randint(1, 3),
            bias=chance.random() < 0.7,
            bidirectional=chance.random() < 0.5,
            proj_size=chance.choice((0, 0, size - 1)),
        )
        for size in (hidden, hidden + chance.randint(1, 9))
    ]
    models = [nn.ModuleDict({"lstm": lstm, "fc": nn.Linear(3, 4)}) for lstm in both]
    with pytest.raises(RuntimeError) as error:
        models[1].load_state_dict(models[0].state_dict())
    found = read(f"RuntimeError: {error.value}", "errors", seed)
    assert [item.name for item in found] == ["checkpoint.lstm", "model.lstm"]
    assert all(is_right(item, real) for item, real in zip(found, both, strict=True))
    assert not any(item.gaps for item in found)
    assert not any(item.uncertain and real.bias for item, real in zip(found, both, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_where_layers_or_biases_differ_alone(torch: Any, seed: int) -> None:
    """The hidden sizes are equal, so that most keys are not in the text: what is said is right, or assumed."""
    chance, nn = chance_of(seed), torch.nn
    hidden = chance.randint(2, 30)
    both = [
        nn.LSTM(chance.randint(1, 9), hidden, chance.randint(1, 3), bias=chance.random() < 0.5, bidirectional=chance.random() < 0.5)
        for _ in range(2)
    ]  # fmt: skip
    models = [nn.ModuleDict({"lstm": lstm}) for lstm in both]
    try:
        models[1].load_state_dict(models[0].state_dict())
    except RuntimeError as error:
        try:
            found = read_errors(SourceText(str(error), "error.txt"))
        except LstmcalcError:
            return
        sides = {"checkpoint.lstm": both[0], "model.lstm": both[1]}
        assert all(is_right(item, sides[item.name]) for item in found)


def shown_by_keras(model: Any, **options: Any) -> str:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        model.summary(**options)
    return text.getvalue()


@pytest.fixture(scope="module")
def keras() -> Any:
    module = pytest.importorskip("keras")
    assert module.__version__ == "3.15.1"
    return module


@pytest.mark.parametrize("seed", SEEDS)
def test_summaries_of_keras(keras: Any, seed: int) -> None:
    chance, layers = chance_of(seed), keras.layers
    built = [keras.Input((chance.choice((7, None)), chance.randint(1, 30)))]
    made = []
    for number in range(3):
        lstm = layers.LSTM(
            chance.randint(1, 40), use_bias=chance.random() < 0.7, return_sequences=number < 2, name=f"lstm_{number}" * chance.choice((1, 4))
        )  # fmt: skip
        both = chance.random() < 0.4
        built.append(layers.Bidirectional(lstm, name=f"both_{number}") if both else lstm)
        made.append((built[-1].name, lstm, both))
        built += [layers.Dropout(0.5)] if chance.random() < 0.3 else []
    functional = chance.random() < 0.5
    if functional:
        value = built[0]
        for layer in built[1:]:
            value = layer(value)
        model = keras.Model(built[0], value)
    else:
        model = keras.Sequential(built)
    text = shown_by_keras(model, **({"line_length": 75} if chance.random() < 0.5 else {}))
    found = {item.name: item for item in read(text, "summary", seed)}
    assert found.keys() == {name for name, _, _ in made}
    for index, (name, lstm, both) in enumerate(made):
        item = found[name]
        if functional or index:  # a Sequential's input is not in its summary
            assert not item.gaps
            assert not item.uncertain
        if not (item.gaps or item.uncertain):
            width = lstm.cell.kernel.shape[0] if not both else model.get_layer(name).forward_layer.cell.kernel.shape[0]
            said = {field: setting.value for field, setting in item.layer.items()}
            assert said == {
                "input_size": width,
                "hidden_size": lstm.units,
                "bias": lstm.use_bias,
                "bidirectional": both,
            }
            assert item.options["return_sequences"] == (index < 2)


@pytest.mark.parametrize("seed", range(6))
def test_tables_of_flax(seed: int) -> None:
    jax = pytest.importorskip("jax")
    linen = pytest.importorskip("flax.linen")
    chance = chance_of(seed)
    width, hidden = chance.randint(1, 30), chance.randint(1, 30)
    kind = chance.choice((linen.LSTMCell, linen.OptimizedLSTMCell))
    model = linen.RNN(kind(hidden))
    text = model.tabulate(jax.random.key(0), jax.numpy.zeros((2, 5, width)), console_kwargs={"width": 180})
    (found,) = read(text, "listed", seed)
    assert found.framework == "flax-linen"
    assert (found.layer["input_size"].value, found.layer["hidden_size"].value) == (width, hidden)


@pytest.mark.parametrize("seed", range(6))
def test_modules_and_trees_of_flax(seed: int) -> None:
    jax = pytest.importorskip("jax")
    linen, nnx = pytest.importorskip("flax.linen"), pytest.importorskip("flax.nnx")
    chance = chance_of(seed)
    width, hidden = chance.randint(1, 30), chance.randint(1, 30)
    cell = chance.choice((nnx.LSTMCell, nnx.OptimizedLSTMCell))(width, hidden, rngs=nnx.Rngs(0))
    tree = linen.RNN(linen.LSTMCell(hidden)).init(jax.random.key(0), jax.numpy.zeros((2, 5, width)))
    shapes = jax.tree.map(jax.numpy.shape, tree)
    pairs = jax.tree_util.tree_flatten_with_path(tree)[0]
    listed = "\n".join(f"{jax.tree_util.keystr(path)} {leaf.shape}" for path, leaf in pairs)
    for text, framework in (
        (str(nnx.RNN(cell)), ("flax-nnx", "flax-nnx-optimized")),
        (str(shapes), ("flax-linen",)),
        (pprint.pformat(shapes), ("flax-linen",)),
        (str(pytest.importorskip("flax.core").freeze(shapes)), ("flax-linen",)),
        (listed, ("flax-linen",)),
    ):
        (found,) = read(text, "listed", seed)
        assert found.framework in framework
        assert (found.layer["input_size"].value, found.layer["hidden_size"].value) == (width, hidden)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.filterwarnings("ignore")  # the exporter's own
def test_graphs_of_onnx(torch: Any, seed: int) -> None:
    onnx = pytest.importorskip("onnx")
    chance, nn = chance_of(seed), torch.nn
    lstm = nn.LSTM(
        chance.randint(1, 30), chance.randint(1, 30), 2, bias=chance.random() < 0.7, bidirectional=chance.random() < 0.5
    )
    file = io.BytesIO()
    torch.onnx.export(lstm, (torch.zeros(5, 3, lstm.input_size),), file, dynamo=False)
    model = onnx.load_from_string(file.getvalue())
    directions = 2 if lstm.bidirectional else 1
    for text in (onnx.helper.printable_graph(model.graph), onnx.printer.to_text(model)):
        first, second = read(text, "graph", seed)
        for found, width in ((first, lstm.input_size), (second, directions * lstm.hidden_size)):
            said = {field: found.layer[field].value for field in ("input_size", "hidden_size", "bidirectional")}
            assert said == {"input_size": width, "hidden_size": lstm.hidden_size, "bidirectional": lstm.bidirectional}
    dumped = "\n".join(f"node {{\n{node}\n}}" for node in model.graph.node)
    alone = read(dumped, "graph", seed)
    assert [item.layer["hidden_size"].value for item in alone] == [lstm.hidden_size] * 2
    assert all("input_size" in item.gaps for item in alone)
