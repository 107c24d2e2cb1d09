"""Models in memory, as people have them in a notebook: each with a name, and none of them called."""

import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

Make = Callable[[], Any]


def torch_models(torch: Any) -> dict[str, Make]:
    """Modules of PyTorch: nested, wrapped, compiled, tied, on the meta device, with buffers, frozen, ..."""
    nn = torch.nn

    class Tagger(nn.Module):  # type: ignore[misc,name-defined]  # torch is any
        def __init__(self, width: int = 3, hidden: int = 4, **settings: Any) -> None:
            super().__init__()
            self.emb = nn.Embedding(11, width)
            self.lstm = nn.LSTM(width, hidden, **settings)
            self.norm = nn.BatchNorm1d(hidden)
            self.fc = nn.Linear(hidden, 2)

        def forward(self, tokens):
            return self.fc(self.lstm(self.emb(tokens))[0])

    class Own(nn.LSTM):  # type: ignore[misc,name-defined]
        def __init__(self, *sizes: int) -> None:
            super().__init__(*sizes)
            self.scale = nn.Parameter(torch.ones(3))

    class OwnCell(nn.LSTMCell):  # type: ignore[misc,name-defined]
        pass

    class Buffered(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(3, 4)
            self.weight = nn.Parameter(torch.zeros(2, 3))
            self.register_buffer("mask", torch.zeros(5))
            self.register_buffer("hidden", torch.zeros(7), persistent=False)
            self.register_buffer("nothing", None)
            self.register_parameter("none", None)

    def tied() -> Any:
        model = Tagger(4, 4)
        model.out = nn.Linear(4, 11, bias=False)
        model.out.weight = model.emb.weight
        return model

    def shared() -> Any:
        model = nn.ModuleDict({"a": nn.LSTM(3, 3), "fc": nn.Linear(3, 3)})
        model["b"] = model["a"]
        return model

    def tied_lstms() -> Any:
        model = nn.ModuleList([nn.LSTM(3, 3), nn.LSTM(3, 3)])
        model[1].weight_hh_l0 = model[0].weight_hh_l0
        return model

    def one_storage() -> Any:
        model = nn.ModuleList([nn.LSTM(3, 3), nn.LSTM(3, 3)])
        model[1].weight_hh_l0.data = model[0].weight_hh_l0.data  # two parameters for PyTorch
        return model

    def half_on_meta() -> Any:
        model = Tagger()
        model.fc = nn.Linear(4, 2, device="meta")
        return model

    def frozen() -> Any:
        model = Tagger()
        model.emb.requires_grad_(False)
        return model

    def hooked() -> Any:
        model = Tagger()
        model.lstm.register_forward_hook(lambda *_: None)
        return model

    def pruned() -> Any:
        from torch.nn.utils import prune

        model = Tagger()
        prune.l1_unstructured(model.fc, "weight", 0.5)
        return model

    def traced() -> Any:
        return torch.jit.trace(Tagger().eval(), torch.zeros(2, 3, dtype=torch.long))

    def cycle() -> Any:
        model = Tagger()
        model.others = [model]  # no module list: no part of the model
        return model

    weight_norm = torch.nn.utils.parametrizations.weight_norm
    return {
        "lstm": lambda: nn.LSTM(3, 4),
        "lstm, all settings": lambda: nn.LSTM(3, 4, 2, False, True, 0.3, True, 2),
        "cell": lambda: nn.LSTMCell(3, 4),
        "cell without bias": lambda: nn.LSTMCell(3, 4, bias=False),
        "tagger": Tagger,
        "tagger, two ways": lambda: Tagger(num_layers=2, bidirectional=False, batch_first=True, dropout=0.1),
        "sequential": lambda: nn.Sequential(nn.Linear(2, 3), nn.LSTM(3, 4), nn.ReLU()),
        "module list": lambda: nn.ModuleList([nn.LSTM(3, 4), nn.GRU(3, 4), nn.LSTM(4, 5, proj_size=2)]),
        "nested": lambda: nn.ModuleDict({"a": nn.Sequential(nn.ModuleDict({"b": Tagger()})), "c": Tagger(2)}),
        "data parallel": lambda: nn.DataParallel(Tagger()),
        "compiled": lambda: torch.compile(Tagger()),
        "compiled inside": lambda: nn.Sequential(torch.compile(Tagger()), nn.Linear(2, 2)),
        "compiled and parallel": lambda: nn.DataParallel(torch.compile(Tagger())),
        "averaged": lambda: torch.optim.swa_utils.AveragedModel(Tagger()),
        "tied": tied,
        "shared": shared,
        "tied lstms": tied_lstms,
        "one storage": one_storage,
        "on meta": lambda: Tagger().to("meta"),
        "half on meta": half_on_meta,
        "frozen": frozen,
        "buffers": Buffered,
        "own lstm": lambda: Own(3, 4),
        "own lstm inside": lambda: nn.Sequential(Own(3, 4)),
        "own cell": lambda: nn.ModuleList([OwnCell(3, 4)]),
        "hooked": hooked,
        "pruned": pruned,
        "weight norm": lambda: nn.Sequential(weight_norm(nn.LSTM(3, 4), "weight_hh_l0")),
        "half": lambda: Tagger().half(),
        "bfloat16": lambda: Tagger().bfloat16(),
        "double": lambda: Tagger().double(),
        "mixed": lambda: nn.ModuleList([Tagger().half(), nn.LSTM(2, 2)]),
        "scripted": lambda: torch.jit.script(Tagger()),
        "scripted lstm": lambda: torch.jit.script(nn.LSTM(3, 4, 2, bidirectional=True)),
        "traced": traced,
        "cycle": cycle,
        "transformer beside": lambda: nn.ModuleList([nn.LSTM(4, 4), nn.TransformerEncoderLayer(4, 2, 3)]),
        "attention beside": lambda: nn.ModuleList([nn.LSTM(4, 4), nn.MultiheadAttention(4, 2, kdim=3, vdim=2)]),
        "many": lambda: nn.ModuleList([nn.LSTM(2, 2) for _ in range(40)]),
        "eval": lambda: Tagger().eval(),
        "named lstm": lambda: nn.ModuleDict({"lstm": nn.LSTM(3, 4), "lstm_2": nn.LSTM(3, 4)}),
    }


def keras_models(keras: Any) -> dict[str, Make]:
    """Models and layers of Keras: sequential, functional, of a class, nested, wrapped, stacked, mixed."""
    layers = keras.layers

    class Net(keras.Model):  # type: ignore[misc]  # keras is any
        def __init__(self) -> None:
            super().__init__()
            self.emb = layers.Embedding(11, 3)
            self.rnn = layers.LSTM(4)
            self.parts = [layers.Dense(3), layers.Dense(2)]

        def call(self, x: Any) -> Any:
            x = self.rnn(self.emb(x))
            for part in self.parts:
                x = part(x)
            return x

    class Own(layers.LSTM):  # type: ignore[misc,name-defined]
        pass

    def built(layer: Any, *shape: int | None) -> Any:
        layer.build(shape)
        return layer

    def functional() -> Any:
        tokens = keras.Input((7,))
        x = layers.Embedding(11, 3)(tokens)
        x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
        x = layers.BatchNormalization()(x)
        return keras.Model(tokens, layers.Dense(2)(layers.LSTM(3)(x)))

    def of_a_class() -> Any:
        model = Net()
        model(keras.ops.zeros((2, 5)))
        return model

    def nested() -> Any:
        inner = keras.Sequential([keras.Input((5, 3)), layers.LSTM(4, return_sequences=True)], name="inner")
        other = keras.Sequential([keras.Input((5, 4)), layers.LSTM(2), layers.Dense(3)], name="other")
        return keras.Sequential([keras.Input((5, 3)), inner, other])

    def shared() -> Any:
        one, two, lstm = keras.Input((5, 3)), keras.Input((5, 3)), layers.LSTM(4)
        return keras.Model([one, two], layers.Add()([lstm(one), lstm(two)]))

    def frozen() -> Any:
        model = functional()
        model.layers[1].trainable = False
        return model

    def seq(*parts: Any) -> Any:
        return keras.Sequential([keras.Input((5, 3)), *parts])

    return {
        "lstm": lambda: built(layers.LSTM(4), None, None, 3),
        "lstm, settings": lambda: built(
            layers.LSTM(4, use_bias=False, return_sequences=True, return_state=True, dropout=0.1), 2, 5, 3
        ),
        "cell": lambda: built(layers.LSTMCell(4), None, 3),
        "bidirectional": lambda: built(layers.Bidirectional(layers.LSTM(4)), None, 5, 3),
        "summed": lambda: built(layers.Bidirectional(layers.LSTM(4), merge_mode="sum"), None, 5, 3),
        "rnn of a cell": lambda: built(layers.RNN(layers.LSTMCell(4)), None, 5, 3),
        "stack": lambda: built(layers.RNN([layers.LSTMCell(4), layers.LSTMCell(2)]), None, 5, 3),
        "sequential": lambda: seq(layers.LSTM(4), layers.Dropout(0.2), layers.Dense(2)),
        "functional": functional,
        "of a class": of_a_class,
        "nested": nested,
        "shared": shared,
        "frozen": frozen,
        "own lstm": lambda: seq(Own(4)),
        "own lstm alone": lambda: built(Own(4), None, 5, 3),
        "gru beside": lambda: seq(layers.GRU(4, return_sequences=True), layers.LSTM(2)),
        "hard": lambda: seq(layers.LSTM(4, recurrent_activation="hard_sigmoid", activation="relu")),
        "time distributed": lambda: keras.Sequential(
            [keras.Input((2, 5, 3)), layers.TimeDistributed(layers.LSTM(4)), layers.Dense(2)]
        ),
        "stateful": lambda: keras.Sequential(
            [keras.Input(batch_shape=(2, 5, 3)), layers.LSTM(4, stateful=True), layers.Dense(2)]
        ),
        "norm and conv": lambda: seq(layers.Conv1D(4, 2), layers.LayerNormalization(), layers.LSTM(4)),
        "attention": lambda: seq(layers.LSTM(4, return_sequences=True), layers.Dense(4), layers.Flatten()),
        "go backwards": lambda: seq(layers.LSTM(4, go_backwards=True)),
    }


def nnx_models(nnx: Any) -> dict[str, Make]:
    """Modules of NNX: cells, RNNs, of a class, in lists, with variables that are no parameters."""

    class Net(nnx.Module):  # type: ignore[misc]  # nnx is any
        def __init__(self, rngs: Any) -> None:
            self.emb = nnx.Embed(11, 3, rngs=rngs)
            self.rnn = nnx.RNN(nnx.OptimizedLSTMCell(3, 4, rngs=rngs), rngs=rngs)
            self.norm = nnx.BatchNorm(4, rngs=rngs)
            self.drop = nnx.Dropout(0.1, rngs=rngs)
            self.parts = nnx.List([nnx.Linear(4, 2, rngs=rngs)])

    class Own(nnx.LSTMCell):  # type: ignore[misc]
        pass

    rngs = nnx.Rngs(0)
    return {
        "cell": lambda: nnx.LSTMCell(3, 4, rngs=rngs),
        "optimized": lambda: nnx.OptimizedLSTMCell(3, 4, rngs=rngs),
        "rnn": lambda: nnx.RNN(nnx.LSTMCell(3, 4, rngs=rngs)),
        "net": lambda: Net(rngs),
        "own cell": lambda: Own(3, 4, rngs=rngs),
        "bidirectional": lambda: nnx.Bidirectional(
            nnx.RNN(nnx.LSTMCell(3, 4, rngs=rngs)), nnx.RNN(nnx.LSTMCell(3, 4, rngs=rngs))
        ),
        "sequential": lambda: nnx.Sequential(nnx.Linear(2, 3, rngs=rngs), nnx.RNN(nnx.LSTMCell(3, 4, rngs=rngs))),
        "abstract": lambda: nnx.eval_shape(lambda: Net(nnx.Rngs(0))),
    }


def torch_lstms(torch: Any, model: Any) -> Iterator[tuple[str, Any]]:
    """The LSTMs of a model and their settings, as `named_modules` and the attributes have them."""
    for name, module in model.named_modules():
        scripted = getattr(module, "original_name", "") in ("LSTM", "LSTMCell")
        if scripted or isinstance(module, torch.nn.LSTM | torch.nn.LSTMCell):
            yield name or "lstm", module


def nothing_called(*classes: Any) -> SimpleNamespace:
    """A context in which a call of an object of these classes is an error."""

    class Guard:
        def __enter__(self) -> None:
            self.kept = [(kind, vars(kind)["__call__"]) for kind in classes]

            def refuse(*_: Any, **__: Any) -> None:
                raise AssertionError("the model was called")

            for kind in classes:
                kind.__call__ = refuse

        def __exit__(self, *_: object) -> None:
            for kind, call in self.kept:
                kind.__call__ = call

    return SimpleNamespace(guard=Guard())


def quietly(make: Make) -> Any:
    """The result of a function, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()
