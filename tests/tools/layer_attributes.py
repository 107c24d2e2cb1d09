"""Layers of PyTorch `m`, each with what is true of its attributes: read in code, and held against PyTorch."""

TRUE_OF_LAYERS = [
    ("nn.Linear(3, 4, bias=True)", "m.bias.data is not None and m.bias.shape[0] == 4"),
    ("nn.Linear(3, 4, bias=False)", "m.bias is None"),
    ("nn.Conv1d(3, 4, 5, bias=True)", "m.bias.shape[0] == 4 and m.kernel_size[0] == 5"),
    ("nn.Conv2d(3, 4, 5, stride=2)", "m.kernel_size == (5, 5) and m.stride == (2, 2)"),
    ("nn.Conv2d(3, 4, (5, 6), padding='same')", "m.kernel_size == (5, 6) and m.padding == 'same'"),
    ("nn.LayerNorm(5)", "m.normalized_shape == (5,)"),
    ("nn.LayerNorm(5, bias=True)", "m.bias.shape[0] == 5"),
    ("nn.GRU(3, 4)", "m.num_layers == 1 and not m.bidirectional and m.dropout == 0 and not m.batch_first and m.bias"),
    ("nn.GRUCell(3, 4)", "m.bias and m.hidden_size == 4 and not hasattr(m, 'num_layers')"),
    ("nn.RNN(3, 4, 2)", "m.weight_ih_l1.shape == (4, 4) and not hasattr(m, 'weight_ih_l2')"),
    ("nn.LSTM(3, 4)", "m.weight_ih_l0.shape == (16, 3) and m.bias_hh_l0.data is not None"),
    ("nn.LSTM(3, 4, bias=False)", "not hasattr(m, 'bias_ih_l0') and not hasattr(m, 'weight_ih_l0_reverse')"),
    ("nn.LSTM(3, 4, 2, bidirectional=True)", "m.weight_ih_l1_reverse.shape == (16, 8)"),
    ("nn.LSTM(3, 4, proj_size=2)", "m.weight_hr_l0.shape == (2, 4)"),
    ("nn.LSTMCell(3, 4)", "m.weight_hh.shape == (16, 4) and not hasattr(m, 'weight_hh_l0')"),
    ("nn.Module()", "m._forward_hooks is not None and callable(m.set_submodule)"),
]


def holds(layer: object, truth: str) -> bool:
    """True if what is said of the attributes of a layer is so."""
    return bool(eval(truth, {"m": layer}))
