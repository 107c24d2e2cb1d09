"""Tools by their configurations: a table of what each makes of its own names, from its own code.

Each row names the repository, the file and the commit that its facts are of. Defaults are those of that commit; an LSTM
that depends on one is uncertain, as the file does not say which version reads it.

Not here: PyTorch's and Keras' own names (`recognition`), and how an LSTM is made of a row (`tool_parts`).
"""

import re
from typing import Any, Final

from lstmcalc.readers.configurations.tables_in import Group
from lstmcalc.readers.configurations.tool_parts import Part, Parts, Read, Term, Tool, View, depending, found_of, stack
from lstmcalc.readers.configurations.values import Tree
from lstmcalc.readers.text.documents import Document
from lstmcalc.spec.provenance import Gap

_TRUE: Final = Term(True, certainty="inferred")


def _open(why: str) -> Term:
    return Term(Gap(why))


# --- ESPnet


def _espnet1(view: View) -> Parts | str:
    """Layers of LSTMs, with a Linear behind each for types that end in p; a decoder of cells."""
    found: list[Part] = []
    kind = view.text("etype")
    typ = kind.removeprefix("vgg").removesuffix("p")
    if typ in ("lstm", "blstm"):
        sizes = (view.term("eunits"), view.term("elayers"), view.term("eprojs"))
        both = Term(typ[0] == "b", certainty="inferred")
        found += _espnet_encoder(f"enc.enc.{int(kind.startswith('vgg'))}", *sizes, both, each=kind[-1] == "p")
    if view.text("dtype") == "lstm" and view.has("dunits", "dlayers"):
        found += _espnet_decoder("dec.decoder", view.term("dunits"), view.term("dlayers"), view.term("eprojs"))
    return found or f"etype = {kind}"


def _espnet_encoder(
    name: str, units: Term, layers: Term, projected: Term, both: Term, *, each: bool, dropout: Term | None = None
) -> Parts:
    idim = _open("no size of the features that the encoder reads (idim)")
    common = {"hidden_size": units, "bidirectional": both, "batch_first": _TRUE}
    if each:
        stem = f"{name}.{'bi' * (both.value is True)}rnn{{}}"
        return stack(stem, (idim, projected.computed(projected.value)), layers, common)
    more = {"dropout": dropout} if dropout else {}
    return [Part(f"{name}.nbrnn", {"input_size": idim, **common, "num_layers": layers, **more})]


def _espnet_decoder(name: str, units: Term, layers: Term, encoded: Term) -> Parts:
    """Cells: the first reads the embedding, of as many features as units, and the attention's context."""
    known = units.size is not None and encoded.size is not None
    first = (
        units.computed((units.size or 0) + (encoded.size or 0)) if known else _open("no size of the encoder's output")
    )
    first = first._replace(default=units.default or encoded.default)
    return stack(f"{name}.{{}}", (first, units.computed(units.value)), layers, {"hidden_size": units}, "pytorch-cell")


def _espnet2(view: View) -> Parts | str:
    found: list[Part] = []
    encoder, decoder = view.below("encoder_conf") or View.empty(view), view.below("decoder_conf") or View.empty(view)
    size = encoder.term("output_size", 320)
    if view.text("encoder") in ("rnn", "vgg_rnn"):
        if encoder.text("rnn_type") not in ("", "lstm"):
            return f"rnn_type = {encoder.text('rnn_type')}"
        both, each = encoder.term("bidirectional", True), encoder.term("use_projection", True)  # defaults
        units, layers = encoder.term("hidden_size", 320), encoder.term("num_layers", 4)
        units = depending(units, _stated(encoder, "rnn_type"))
        found += _espnet_encoder("encoder.enc.0", depending(units, each), layers, size, both, each=each.value is True,
                                 dropout=encoder.term("dropout", 0.0))  # fmt: skip
    if view.text("decoder") == "rnn" and decoder.text("rnn_type") in ("", "lstm"):
        units, layers = decoder.term("hidden_size", 320), decoder.term("num_layers", 1)
        units = depending(units, _stated(decoder, "rnn_type"))
        whole = size if not size.default or view.text("encoder") == "rnn" else _open("no output_size of the encoder")
        found += _espnet_decoder("decoder.decoder", units, layers, whole)
    return found or f"encoder = {view.text('encoder')}"


# --- OpenNMT-py


def _stated(view: View, name: str) -> Term:
    """Nothing, if a key says which layer it is; else the tool's default, which is an LSTM."""
    return Term(None, default="" if view.has(name) else f"{name} = LSTM")


def _opennmt(view: View) -> Parts | str:
    kind = view.text("rnn_type") or "lstm"
    if kind != "lstm":
        return f"rnn_type = {kind}"
    cell = _stated(view, "rnn_type")
    found: list[Part] = []
    encoder = "brnn" if view.value("brnn") is True else view.text("encoder_type") or "rnn"
    decoder = view.text("decoder_type") or "rnn"
    if encoder in ("rnn", "brnn"):
        both = encoder == "brnn"
        size = _first(view, ("rnn_size", "enc_rnn_size", "hidden_size"), 500, "rnn_size")
        half = size.computed(size.size // 2) if both and size.size is not None else size
        terms = {
            "input_size": _first(view, ("word_vec_size", "src_word_vec_size"), 500, "word_vec_size"),
            "hidden_size": depending(half, cell),
            "num_layers": _first(view, ("layers", "enc_layers"), 2, "layers"),
            "bidirectional": Term(both, certainty="inferred"),
        }
        found.append(Part("encoder.rnn", terms))
    if decoder == "rnn":
        found += _opennmt_decoder(view, cell)
    return found or f"encoder_type = {encoder}"


def _is_recurrent(view: View) -> bool:
    return view.text("encoder_type") in ("rnn", "brnn") or view.text("decoder_type") == "rnn"


def _opennmt_decoder(view: View, cell: Term) -> Parts:
    """Cells with input feeding: the first reads the embedding and the last output."""
    size = depending(_first(view, ("rnn_size", "dec_rnn_size", "hidden_size"), 500, "rnn_size"), cell)
    words = _first(view, ("word_vec_size", "tgt_word_vec_size"), 500, "word_vec_size")
    layers, feeds = _first(view, ("layers", "dec_layers"), 2, "layers"), view.term("input_feed", 1)
    if feeds.value in (0, False):
        return [Part("decoder.rnn", {"input_size": words, "hidden_size": size, "num_layers": layers})]
    both = size.size is not None and words.size is not None
    first = size.computed((size.size or 0) + (words.size or 0)) if both else _open("no rnn_size or no word_vec_size")
    inputs = depending(first, words, size, feeds), depending(size.computed(size.value), feeds)
    return stack("decoder.rnn.layers.{}", inputs, layers, {"hidden_size": size}, "pytorch-cell")


def _first(view: View, names: tuple[str, ...], default: int, meaning: str) -> Term:
    """The first of some keys that is given, as the tool lets one stand for several; -1 is not given."""
    given = next((name for name in names if view.has(name) and view.value(name) != -1), None)
    return view.term(given) if given else Term(default, certainty="assumed", default=f"{meaning} = {default}")


# --- Reinforcement learning


def _rllib(view: View) -> Parts | str:
    if view.value("use_lstm") is not True:
        return "use_lstm = false"
    before = view.value("fcnet_hiddens")
    said = f", fcnet_hiddens = {before}" if isinstance(before, list) else ""
    why = f"no size of what the network before it gives{said[:60]}"
    return [
        Part("lstm", {"input_size": _open(why), "hidden_size": view.term("lstm_cell_size", 256), "batch_first": _TRUE})
    ]


def _recurrent_policy(view: View) -> Parts | str:
    """An LSTM of the actor, and one of the critic unless it has none or shares it."""
    if view.text("recurrent_layer_type") not in ("", "lstm"):
        return f"recurrent_layer_type = {view.text('recurrent_layer_type')}"
    terms = {
        "input_size": _open("no size of the features of an observation (features_dim)"),
        "hidden_size": view.term("lstm_hidden_size", 256),
        "num_layers": view.term("n_lstm_layers", 1),
    }
    critic = view.term("enable_critic_lstm", True)  # a default
    names = [
        "lstm_actor",
        *(["lstm_critic"] if critic.value is not False and view.value("shared_lstm") is not True else []),
    ]
    return [Part(name, terms) for name in names]


def _zoo(view: View) -> Parts | str:
    return _recurrent_policy(view.below("policy_kwargs") or View.empty(view))


def _is_zoo(view: View) -> bool:
    below = view.below("policy_kwargs")
    lstm = "lstm" in view.text("policy") or (below is not None and below.has_any("lstm_hidden_size", "n_lstm_layers"))
    return lstm and (view.has("policy") or below is not None)


# --- Speech


def _crdnn(view: View) -> Parts | str:
    """A CRDNN's RNN, on what its CNN gives; its class is stated since version 0.5."""
    named = view.text("rnn_class") or view.text("rnn_type")
    kind = named.rpartition(".")[2]
    if named and kind != "lstm":
        return f"its RNN is {kind}"
    terms = {
        "input_size": _open("no size of what the CNN before it gives"),
        "hidden_size": view.term("rnn_neurons"),
        "num_layers": view.term("rnn_layers"),
        "bidirectional": view.term("rnn_bidirectional", True),  # a default
        "batch_first": _TRUE,
    }
    if not named:
        terms["hidden_size"] = terms["hidden_size"]._replace(default="an LSTM, rnn_type = lstm,")
    return [Part("rnn", terms)]


def _speechbrain(view: View) -> Parts | str:
    shape = view.value("input_shape")
    width = shape[2] if isinstance(shape, list) and len(shape) == 3 and type(shape[2]) is int else None  # noqa: PLR2004
    reads = view.term("input_size") if view.has("input_size") or width is None else Term(width)
    fields = ("num_layers", "bidirectional", "dropout", "bias")
    terms = {"input_size": reads, "hidden_size": view.term("hidden_size"), "batch_first": _TRUE}
    return [Part("", {**terms, **{name: view.term(name) for name in fields if view.has(name)}})]


def _nemo(view: View) -> Parts | str:
    hidden, own = view.term("pred_hidden"), view.term("rnn_hidden_size", -1)
    terms = {"input_size": hidden, "hidden_size": hidden, "num_layers": view.term("pred_rnn_layers")}
    if own.size is None or own.size > 0:
        small = own.size is not None and hidden.size is not None and hidden.size < own.size
        terms |= {"hidden_size": own} | ({"proj_size": hidden} if small else {})
    return [Part("prediction.dec_rnn.lstm", terms)]


def _speaker_encoder(view: View) -> Parts | str:
    hidden, layers, projected = view.term("lstm_dim"), view.term("num_lstm_layers"), view.term("proj_dim")
    common = {"hidden_size": hidden, "batch_first": _TRUE}
    reads = view.term("input_dim")
    each = view.term("use_lstm_with_projection", True)  # a default
    if each.value is False:
        return [Part("layers.lstm", {"input_size": reads, **common, "num_layers": layers})]
    common["hidden_size"] = depending(hidden, each)
    return stack("layers.{}.lstm", (reads, projected), layers, common)


# --- Others


def _paddle_ocr(view: View) -> Parts | str:
    if view.text("encoder_type") != "rnn":
        return f"encoder_type = {view.text('encoder_type')}"
    terms = {
        "input_size": _open("no number of channels that the backbone gives"),
        "hidden_size": view.term("hidden_size", 48),
        "num_layers": Term(2, certainty="inferred"),
        "bidirectional": _TRUE,
    }
    return [Part("encoder.lstm", terms, "paddle")]


def _hydrology(view: View) -> Parts | str:
    names = ("dynamic_inputs", "static_attributes", "static_inputs", "camels_attributes", "hydroatlas_attributes")
    counted = [f"{len(value)} {name}" for name in names if isinstance(value := view.value(name), list)]
    why = f"no number of inputs: it has {', '.join(counted)}" if counted else "no number of inputs"
    return [Part("lstm", {"input_size": _open(why), "hidden_size": view.term("hidden_size")})]


def _time_series(view: View) -> Parts | str:
    """A layer of Keras in a list of them."""
    terms = {"hidden_size": view.term("neurons")}
    terms["input_size"] = view.term("input_dim") if view.has("input_dim") else _open("no input_dim")
    if view.has("input_timesteps"):
        terms["seq_len"] = view.term("input_timesteps")
    return [Part("", terms, "keras", {"return_sequences": view.value("return_seq") is True})]


TOOLS: Final = (
    Tool(
        "ESPnet",
        "espnet/espnet, espnet/nets/pytorch_backend/rnn/encoders.py at 0831070, rnn/decoders.py",
        lambda view: view.has("etype", "eunits", "elayers"),
        _espnet1,
    ),
    Tool(
        "ESPnet2",
        "espnet/espnet, espnet2/asr/encoder/rnn_encoder.py and espnet2/asr/decoder/rnn_decoder.py at 0432564",
        lambda view: (
            (view.text("encoder") in ("rnn", "vgg_rnn") and (view.has_any("encoder_conf", "decoder", "decoder_conf")))
            or (view.text("decoder") == "rnn" and view.has_any("encoder_conf", "decoder_conf"))
        ),
        _espnet2,
        ("encoder_conf", "decoder_conf"),
    ),
    Tool(
        "OpenNMT-py",
        "OpenNMT/OpenNMT-py, onmt/encoders/rnn_encoder.py at 0b19be4, decoders/decoder.py at 02465b9, opts.py",
        lambda view: (
            (view.has_any("rnn_size", "enc_rnn_size", "dec_rnn_size") and view.has_any("layers", "enc_layers", "brnn"))
            or (
                view.has_any("encoder_type", "decoder_type", "rnn_size")
                and view.has_any("word_vec_size", "src_word_vec_size", "tgt_word_vec_size")
                and (_is_recurrent(view) or view.has("rnn_size"))
            )
        ),
        _opennmt,
    ),
    Tool(
        "RLlib",
        "ray-project/ray, rllib/models/torch/recurrent_net.py at 0031b1e, rllib/models/catalog.py",
        lambda view: (
            isinstance(view.value("use_lstm"), bool)
            and view.has_any("lstm_cell_size", "fcnet_hiddens", "conv_filters", "max_seq_len")
        ),
        _rllib,
    ),
    Tool(
        "RL zoo (Stable-Baselines3)",
        "Stable-Baselines-Team/stable-baselines3-contrib, sb3_contrib/common/recurrent/policies.py at 02ffe75",
        _is_zoo,
        _zoo,
        ("policy_kwargs",),
    ),
    Tool(
        "Stable-Baselines3",
        "Stable-Baselines-Team/stable-baselines3-contrib, sb3_contrib/common/recurrent/policies.py at 02ffe75",
        lambda view: (
            view.has("lstm_hidden_size") and view.has_any("n_lstm_layers", "enable_critic_lstm", "shared_lstm")
        ),
        _recurrent_policy,
    ),
    Tool(
        "SpeechBrain",
        "speechbrain/speechbrain, speechbrain/lobes/models/CRDNN.py at 03b08fc, speechbrain/nnet/RNN.py at 02c7d13",
        lambda view: view.has("rnn_layers", "rnn_neurons") and not view.is_below("rnn_layers"),
        _crdnn,
    ),
    Tool(
        "SpeechBrain",
        "speechbrain/speechbrain, speechbrain/nnet/RNN.py (class LSTM), from general knowledge",
        lambda view: view.cls == "speechbrain.nnet.RNN.LSTM",
        _speechbrain,
    ),
    Tool(
        "NeMo",
        "NVIDIA/NeMo, nemo/collections/asr/modules/rnnt.py (RNNTDecoder), its tests/collections/asr",
        lambda view: view.has("pred_hidden", "pred_rnn_layers"),
        _nemo,
    ),
    Tool(
        "Coqui TTS (speaker encoder)",
        "coqui-ai/TTS, TTS/encoder/models/lstm.py at 0a06d1e",
        lambda view: view.has("lstm_dim", "num_lstm_layers", "proj_dim"),
        _speaker_encoder,
    ),
    Tool(
        "PaddleOCR",
        "PaddlePaddle/PaddleOCR, ppocr/modeling/necks/rnn.py at 0f37d67",
        lambda view: view.text("name") == "sequenceencoder",
        _paddle_ocr,
    ),
    Tool(
        "neuralhydrology",
        "neuralhydrology/neuralhydrology, neuralhydrology/modelzoo/cudalstm.py at 06d1307",
        lambda view: view.text("model") in ("cudalstm", "customlstm") and view.has("hidden_size"),
        _hydrology,
    ),
    Tool(
        "LSTM-Neural-Network-for-Time-Series-Prediction",
        "jaungiers/LSTM-Neural-Network-for-Time-Series-Prediction, core/model.py at 14b04dd",
        lambda view: (
            view.text("type") == "lstm" and view.has("neurons") and view.is_beside("return_seq", "input_timesteps")
        ),
        _time_series,
    ),
    # Named, and not read.
    Tool(
        "fairseq",
        "",
        lambda view: re.match("lstm", view.text("arch")) is not None and view.has("encoder_embed_dim"),
        None,
    ),
    Tool("Ludwig", "", lambda view: view.has("input_features", "output_features"), None),
    Tool("neuralhydrology", "", lambda view: "lstm" in view.text("model") and view.has("dynamic_inputs"), None),
)


def lstms_of_tool(document: Document, tree: Tree, group: Group) -> Read | None:
    """The LSTMs of a table of a tool that is known; None for any other table."""
    view = View.of(tree, group)
    tool = next((tool for tool in TOOLS if tool.tells(view)), None)
    if tool is None:
        return None
    parts: Any = tool.parts(view) if tool.parts else f"a configuration of {tool.title}, which is not read"
    told = {(*group.path, key) for key in tool.told}
    if isinstance(parts, str):
        return Read([], told, [parts])
    found = [found_of(document, tool, view, part) for part in parts]
    found[0] = found[0]._replace(notes=(f"read as a configuration of {tool.title}",))
    return Read(found, told, [])
