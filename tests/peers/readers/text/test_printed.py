"""What PyTorch prints of real models, against what the models themselves say they have."""

from collections.abc import Callable
from typing import Any

import pytest

from lstmcalc import LSTMConfig, LSTMModel
from lstmcalc.errors import SourceError
from lstmcalc.frameworks.storage import parameters
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.printed import looks_printed, read_printed
from lstmcalc.readers.text.source_text import SourceText

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),  # torch.compile imports it
]


@pytest.fixture(scope="module")
def torch() -> Any:
    # Not when this file is read: a run without the peers should not wait for it.
    module = pytest.importorskip("torch")
    assert module.__version__.partition("+")[0] == "2.13.0"
    return module


def module(torch: Any, kind: str, **children: Any) -> Any:
    """A model of a class that is called `kind`."""
    made = type(kind, (torch.nn.Module,), {})()
    for name, child in children.items():
        made.add_module(name, child)
    return made


def seq2seq(torch: Any) -> Any:
    nn = torch.nn
    encoder = module(torch, "Encoder", embed=nn.Embedding(100, 16, padding_idx=0), rnn=nn.LSTM(16, 32, 2, dropout=0.3))
    decoder = module(torch, "Decoder", rnn=nn.LSTM(16, 32, 2, dropout=0.3), out=nn.Linear(32, 100))
    return module(torch, "Seq2Seq", encoder=encoder, decoder=decoder)


def stacked_cells(torch: Any) -> Any:
    nn = torch.nn
    cells = nn.ModuleList([nn.LSTMCell(8, 8) for _ in range(4)] + [nn.LSTMCell(8, 6, bias=False), nn.LSTMCell(6, 8)])
    return module(torch, "Stack", cells=cells)


def sequential(torch: Any) -> Any:
    return torch.nn.Sequential(torch.nn.LSTM(3, 4), torch.nn.Tanh(), torch.nn.LSTM(4, 5), torch.nn.GRU(5, 6))


def module_dict(torch: Any) -> Any:
    nn = torch.nn
    parts = nn.ModuleDict(
        {"slow": nn.LSTM(3, 4), "a b": nn.LSTM(3, 5), "gelu(x)": nn.GELU("tanh"), "0-3": nn.LSTM(3, 6)}
    )
    return module(torch, "Parts", parts=parts)


def data_parallel(torch: Any) -> Any:
    return torch.nn.DataParallel(bidirectional_tagger(torch))


def bidirectional_tagger(torch: Any) -> Any:
    nn = torch.nn
    rnn = nn.LSTM(12, 7, num_layers=3, batch_first=True, dropout=0.25, bidirectional=True)
    return module(torch, "Tagger", embed=nn.Embedding(50, 12), rnn=rnn, norm=nn.LayerNorm((14,)), tags=nn.Linear(14, 9))


def beside_a_transformer(torch: Any) -> Any:
    transformer = torch.nn.Transformer(8, 2, 2, 2, 16, batch_first=True)
    return module(torch, "Hybrid", transformer=transformer, rnn=torch.nn.LSTM(8, 3))


def blocks(torch: Any) -> Any:
    """Identical blocks, three levels deep, which are printed once."""

    def block() -> Any:
        inner = module(torch, "Inner", forth=torch.nn.LSTM(6, 6), back=torch.nn.ModuleList([torch.nn.LSTM(6, 6)] * 2))
        return module(torch, "Block", norm=torch.nn.LayerNorm(6), inner=inner)

    return module(torch, "Deep", stages=torch.nn.ModuleList([block() for _ in range(3)]), last=torch.nn.LSTMCell(6, 1))


def projection(torch: Any) -> Any:
    return module(torch, "Speech", rnn=torch.nn.LSTM(10, 20, 2, proj_size=5, bidirectional=True, bias=False))


def called_lstm(torch: Any) -> Any:
    return module(torch, "LSTM", lstm=torch.nn.LSTM(28, 128, 2), fc=torch.nn.Linear(128, 10))


def without_biases(torch: Any) -> Any:
    return module(torch, "Plain", rnn=torch.nn.LSTM(1, 2, bias=False), cell=torch.nn.LSTMCell(2, 1, bias=False))


def alone(torch: Any) -> Any:
    return torch.nn.LSTM(10, 20, 2, dropout=1e-9)


def derived(torch: Any) -> Any:
    """A class of one's own that is an LSTM, is called so, and has children."""
    made = type("LSTM", (torch.nn.LSTM,), {})(5, 6, 2)
    made.add_module("head", torch.nn.LSTM(6, 2))
    return module(torch, "Net", rnn=made)


def compiled(torch: Any) -> Any:
    return torch.compile(seq2seq(torch))


MODELS: tuple[Callable[[Any], Any], ...] = (
    seq2seq,
    stacked_cells,
    sequential,
    module_dict,
    data_parallel,
    bidirectional_tagger,
    beside_a_transformer,
    blocks,
    projection,
    called_lstm,
    without_biases,
    alone,
    derived,
    compiled,
)
EVERY_MODEL = pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)


def lstms(torch: Any, model: Any) -> dict[str, Any]:
    """The LSTMs of a model by name; one that is there twice is there twice, as it is printed."""
    kinds = (torch.nn.LSTM, torch.nn.LSTMCell)
    modules = model.named_modules(remove_duplicate=False)
    return {name or "lstm": part for name, part in modules if isinstance(part, kinds)}


def config_of(found: Found) -> LSTMConfig:
    return LSTMConfig(**{field: setting.value for field, setting in found.layer.items()})


def read(text: str) -> list[Found]:
    return read_printed(SourceText(text, "model.txt"))


@EVERY_MODEL
def test_a_printed_model_has_the_lstms_of_the_model(make: Callable[[Any], Any], torch: Any) -> None:
    model = make(torch)
    found, expected = read(str(model)), lstms(torch, model)
    assert [one.name for one in found] == list(expected)
    for one, part in zip(found, expected.values(), strict=True):
        assert one.framework == ("pytorch" if isinstance(part, torch.nn.LSTM) else "pytorch-cell")
        config = config_of(one)
        for field, value in vars(config).items():
            assert getattr(part, field, value) == value
        assert {field for field in vars(config) if hasattr(part, field)} >= one.layer.keys()


@EVERY_MODEL
def test_its_parameters_are_those_of_the_model(make: Callable[[Any], Any], torch: Any) -> None:
    model = make(torch)
    for one, part in zip(read(str(model)), lstms(torch, model).values(), strict=True):
        config = config_of(one)
        stored = {name: tuple(array.shape) for name, array in part.state_dict().items() if "." not in name}
        total = sum(array.numel() for array in part.parameters(recurse=False))
        rows = parameters(config, one.framework)
        assert [(row.name, row.shape) for row in rows] == list(stored.items())
        assert sum(row.numel for row in rows) == total
        if one.framework == "pytorch":
            described = LSTMModel(config)
            assert {row.name: row.shape for row in described.parameters} == stored
            assert described.num_parameters == total
        else:
            assert list(stored)[:2] == ["weight_ih", "weight_hh"]
            # A cell of PyTorch is one layer, whose arrays have the layer in their names.
            assert {row.name.removesuffix("_l0"): row.shape for row in LSTMModel(config).parameters} == stored
            assert LSTMModel(config).num_parameters == total


@EVERY_MODEL
def test_a_printed_model_looks_printed(make: Callable[[Any], Any], torch: Any) -> None:
    assert looks_printed(str(make(torch))) == (make is not alone)


def test_several_models_in_one_log(torch: Any) -> None:
    models = [seq2seq(torch), module(torch, "Other", encoder=seq2seq(torch).encoder), bidirectional_tagger(torch)]
    text = "".join(f"2024-01-01 INFO {model}\nepoch 1: 0.5\n" for model in models)
    assert [one.name for one in read(text)] == ["encoder.rnn", "decoder.rnn", "Other.encoder.rnn", "rnn"]


@pytest.mark.parametrize("kind", ["LSTM", "LSTMCell"])
@pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm", "orthogonal"])
def test_a_parametrized_lstm_is_the_lstm_without(kind: str, norm: str, torch: Any) -> None:
    parametrizations = pytest.importorskip("torch.nn.utils.parametrizations")
    part = getattr(torch.nn, kind)(10, 20, bias=False)
    plain = {name: tuple(array.shape) for name, array in part.state_dict().items()}
    getattr(parametrizations, norm)(part, next(name for name in plain if name.startswith("weight_hh")))
    (one,) = read(str(module(torch, "Net", rnn=part)))
    assert (one.name, one.text) == ("rnn", f"Parametrized{kind}(10, 20, bias=False)")
    assert {row.name: row.shape for row in parameters(config_of(one), one.framework)} == plain
    assert one.notes


@pytest.mark.filterwarnings("ignore")  # all three ways to get there are old
def test_what_is_no_lstm_any_more_is_refused_or_mentioned(torch: Any) -> None:
    scripted = torch.jit.script(torch.nn.Sequential(torch.nn.LSTM(1, 2)))
    with pytest.raises(SourceError, match="a scripted LSTM prints no sizes"):
        read(str(scripted))
    traced = torch.jit.trace(torch.nn.LSTM(1, 2), torch.zeros(3, 1))
    with pytest.raises(SourceError, match="a scripted LSTM prints no sizes"):
        read(str(traced))
    quantized = torch.ao.quantization.quantize_dynamic(sequential(torch), {torch.nn.LSTM})
    with pytest.raises(SourceError, match="DynamicQuantizedLSTM stores its weights otherwise"):
        read(str(quantized))
    (one,) = read(str(module(torch, "Net", quantized=quantized, rnn=torch.nn.LSTM(1, 2))))
    assert one.name == "rnn"
    assert one.notes == (
        "DynamicQuantizedLSTM stores its weights otherwise: left out 2 times, the first at model.txt:3",
    )
