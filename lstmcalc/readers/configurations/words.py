"""The words of configurations: the names of settings, and what says which layer a table is of.

PyTorch's and Keras' names are facts (`frameworks.constructors`). The other names of a setting are what people call it;
a setting that is read by one of them is inferred, and the LSTM says so.
"""

import re
from typing import Final

from lstmcalc.spec.config import HYPERPARAMETERS


def listed(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


# Keys whose text may name the layer that a table is of; the first ones name a class, which is the table's own.
CLASS_KEYS: Final = ("_target_", "class_path", "class_name", "_class_name", "__class__", "_target", "target", "cls")
# Keys of Hugging Face's configurations, which name a model as a whole.
MODEL_KEYS: Final = ("model_type", "architectures", "transformers_version")
KIND_KEYS: Final = listed(
    """
    type name cell cell_type rnn rnn_type rnn_cell rnn_cell_type rnn_mode unit unit_type layer layer_type
    layer_name model model_name model_class arch architecture network network_type net net_type kind mode
    module module_type class encoder_type decoder_type backbone backbone_type algorithm recurrent
    recurrent_type recurrent_layer recurrent_layer_type core core_type _type _name id method predictor encoder
    decoder model_arch rnn_layer
    """
)
# Tables that hold the arguments of what the table around them names.
HOLDERS: Final = frozenset(
    listed(
        """
    args kwargs params init_args config parameters options arguments settings conf cfg hparams hyperparameters
    hyper_parameters params_model model_args model_kwargs model_params model_config config_params
    network_params layer_params opts attrs value
    """
    )
)

# Other names of the settings, in which people mostly mean them.
SYNONYMS: Final = {
    field: listed(names)
    for field, names in {
        "input_size": """
        input_dim in_dim in_features in_size input_features num_inputs n_inputs n_input num_input num_features
        n_features feature_size feature_dim features_dim input_dims input_units in_channels
        input_channels dim_in d_in nin idim
        """,
        "hidden_size": """
        hidden_dim hidden
        hidden_layer_size hidden_units hidden_features hidden_channels hidden_dims num_hidden n_hidden nhid
        nhidden hid_dim h_dim hid_size num_units n_units units neurons n_neurons num_neurons rnn_size
        rnn_units rnn_hidden_size rnn_hidden_dim lstm_size lstm_units lstm_dim lstm_hidden_size
        lstm_hidden_dim lstm_hidden lstm_hidden_units cell_size state_size dim_hidden
        """,
        "num_layers": """
        n_layers layers nlayers n_layer num_layer layer_num layers_num number_of_layers depth rnn_layers
        num_rnn_layers rnn_num_layers n_rnn_layers lstm_layers num_lstm_layers lstm_num_layers
        n_lstm_layers num_recurrent_layers hidden_layers num_hidden_layers n_hidden_layers
        """,
        "bidirectional": """
        bi bidir bidirection bi_directional is_bidirectional use_bidirectional bidirectional_lstm
        lstm_bidirectional rnn_bidirectional bi_lstm bilstm is_bi birnn
        """,
        "bias": """
        use_bias
        """,
    }.items()
}
# Names of sizes that an LSTM often reads, and that may as well be another layer's.
MAYBE_INPUT: Final = listed(
    """
    embedding_dim embedding_size embed_dim emb_dim emb_size embed_size word_embed_dim word_vec_size
    embeddings_size d_model num_mel_bins n_mels num_mels vocab_size obs_dim state_dim input_shape
    """
)
FIELD_OF: Final = {
    **{name: field for field, names in SYNONYMS.items() for name in names},
    **{field: field for field in HYPERPARAMETERS},
}


def field_of(name: str) -> str:
    """The setting that a name is for, in the spelling of PyTorch; empty if it is none's."""
    return FIELD_OF.get(name, "") or FIELD_OF.get(name.removeprefix("rnn_").removeprefix("lstm_"), "")


# Names that only Keras' LSTM has; with `units` they tell that a table is of it.
KERAS_ONLY: Final = frozenset(
    listed(
        """
    return_sequences return_state recurrent_activation recurrent_dropout go_backwards stateful unroll
    recurrent_initializer kernel_initializer use_bias unit_forget_bias input_shape batch_input_shape
    """
    )
)

_OTHER: Final = frozenset(
    listed(
        """
    gru bigru grucell gated rnncell elman jordan simplernn vanilla transformer transformerencoder
    attention selfattention multiheadattention bert roberta gpt gpt2 t5 vit resnet resnet18 resnet34 resnet50
    vgg cnn conv conv1d conv2d conv3d tcn wavenet mlp ffn linear dense feedforward fc embedding dropout
    batchnorm layernorm lstmcnn conformer unet s4 mamba mingru sru qrnn indrnn ltc cfc liquid esn reservoir
    xgboost lightgbm arima prophet svm svr knn lr ridge lasso rf randomforest informer autoformer nbeats nhits
    tft deepar dlinear nlinear patchtst kan gcn gat gnn graphsage
    """
    )
)
# What has LSTM in its name and computes something else than torch.nn.LSTM.
_RELATIVES: Final = re.compile(
    r"conv_?lstm|x_?lstm|[sm]lstm|tree_?lstm|graph_?lstm|on_?lstm|q_?lstm|peephole|phased|ran?_?lstm|grid_?lstm|ln_?lstm"
    r"|layer_?norm|mogrifier|quantum|q_lstm|lstnet|cifg|cudnn_?compatible|ea_?lstm|mts_?lstm|odelstm|mclstm|ar_?lstm"
)
_BOTH_WAYS: Final = ("bilstm", "blstm", "bidirectionallstm", "bidirlstm", "lstmbidirectional", "bidilstm")
_PLAIN: Final = ("lstm", "lstmlayer", "cudnnlstm", "nnlstm", "torchlstm")
# Classes whose attributes are a configuration, and that say nothing of a layer.
_BLANK: Final = frozenset(
    listed(
        """
    namespace simplenamespace dict ordereddict easydict attrdict attributedict munch dotmap box config omegaconf
    dictconfig tuple list none
    """
    )
)
TORCH_CLASSES: Final = ("torch.nn.LSTM", "torch.nn.modules.rnn.LSTM", "torch.nn.modules.LSTM", "nn.LSTM")
TORCH_CELLS: Final = ("torch.nn.LSTMCell", "torch.nn.modules.rnn.LSTMCell", "nn.LSTMCell")
KERAS_CLASSES: Final = ("keras.layers.LSTM", "tensorflow.keras.layers.LSTM", "tf.keras.layers.LSTM", "layers.LSTM")


def key_of(key: str) -> str:
    """A key in the spelling of PyTorch's names: `hiddenSize` and `hidden-size` are `hidden_size`."""
    text = key.strip().lstrip("-").replace("-", "_").replace(" ", "_")
    if not text.isupper() and not text.islower():
        text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return text.lower()


def kind_of(text: str) -> str:
    """The layer that a text names: `lstm`, `bilstm`, `like` (it has LSTM in its name), `rnn`, `other`, or empty."""
    last = text.strip().strip("'\"<>").rpartition(".")[2].strip("'\"<> ")[:80]
    word = re.sub(r"[\W_]", "", last).lower()
    if not word or word in _BLANK:
        return ""
    if "lstm" in word:
        if _RELATIVES.search(key_of(last)) or _RELATIVES.search(word):
            return "other"
        return "bilstm" if word in _BOTH_WAYS else "lstm" if word in _PLAIN else "like"
    if word in ("rnn", "birnn"):
        return "rnn"
    is_other = word in _OTHER or re.search(r"gru|transformer|attention|conv|^bert|former$", word)
    return "other" if is_other else ""


def both_ways(text: str) -> bool:
    """True if a text speaks of both directions: `StackedBidirectionalLstm`, `cnn_bilstm`."""
    return re.search(r"bi_?dir|(?<![a-z])bi_?lstm|(?<![a-z])b_?lstm", key_of(text)) is not None


def names_lstm(part: str) -> bool:
    """True if a key of a path says that what is below it is an LSTM: `lstm`, `encoder_lstm`, `LSTMParams`."""
    words = key_of(part).split("_")
    return any(word in ("lstm", "bilstm", "blstm", "lstms", "lstmlayer") for word in words) and not _RELATIVES.search(
        key_of(part)
    )


def names_other(part: str) -> bool:
    """True if a key of a path names another layer: `gru`, `transformer`."""
    words = key_of(part).split("_")
    return any(word in _OTHER and len(word) > 2 for word in words) or "gru" in words  # noqa: PLR2004  # as `lr`
