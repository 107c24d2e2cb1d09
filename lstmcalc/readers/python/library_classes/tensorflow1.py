"""Cells of TensorFlow 1, what is around them, and the functions that run them over time.

Code that is interpreted, and never run by Python: what begins with `_` in a call is a primitive (`libraries`, `cells`).

Not here: which class has which name in a library (`table`).
"""

from typing import Final

TENSORFLOW1: Final = """
class RNNCell:
    def __init__(self, *args, **kwargs):
        pass
    def __call__(self, inputs, state=None, *args, **kwargs):
        return self.call(inputs, state)
    def zero_state(self, batch_size, dtype):
        return _unknown()
    def get_initial_state(self, *args, **kwargs):
        return _unknown()

class LSTMCell(RNNCell):
    __init__ = _recurrent('tensorflow.nn.rnn_cell.LSTMCell')
    def __call__(self, inputs, state=None, *args, **kwargs):
        _see(self, inputs)
        return self.call(inputs, state)
    def call(self, inputs, state=None, *args, **kwargs):
        return _wide(self, inputs), _unknown()

class BasicLSTMCell(LSTMCell):
    __init__ = _recurrent('tensorflow.nn.rnn_cell.BasicLSTMCell')

class LSTMBlockCell(LSTMCell):
    __init__ = _recurrent('tensorflow.nn.rnn_cell.LSTMBlockCell')

class LSTMBlockFusedCell(LSTMCell):
    __init__ = _recurrent('tensorflow.nn.rnn_cell.LSTMBlockFusedCell')

class CudnnLSTM(LSTMCell):
    __init__ = _recurrent('tensorflow.contrib.cudnn_rnn.CudnnLSTM')

class GRUCell(LSTMCell):
    __init__ = _no_lstm('tensorflow.nn.rnn_cell.GRUCell', 'num_units')

class BasicRNNCell(LSTMCell):
    __init__ = _no_lstm('tensorflow.nn.rnn_cell.BasicRNNCell', 'num_units')

class GRUBlockCell(LSTMCell):
    __init__ = _no_lstm('tensorflow.nn.rnn_cell.GRUBlockCell', 'num_units')

class GRUBlockCellV2(LSTMCell):
    __init__ = _no_lstm('tensorflow.nn.rnn_cell.GRUBlockCellV2', 'num_units')

class MultiRNNCell(RNNCell):
    def __init__(self, cells, state_is_tuple=True, *args, **kwargs):
        self._cells = cells
        _share(cells)
    def __call__(self, inputs, state=None, *args, **kwargs):
        for cell in self._cells:
            inputs = cell(inputs, _unknown())[0]
        return inputs, _unknown()
    @property
    def output_size(self):
        return self._cells[-1].output_size

class DropoutWrapper(RNNCell):
    def __init__(self, cell, *args, **kwargs):
        self.cell = self._cell = cell
    def __call__(self, inputs, state=None, *args, **kwargs):
        return self._cell(inputs, state)
    @property
    def output_size(self):
        return self._cell.output_size

class ResidualWrapper(DropoutWrapper):
    pass

class DeviceWrapper(DropoutWrapper):
    pass

class HighwayWrapper(DropoutWrapper):
    pass

class TimeReversedFusedRNN(DropoutWrapper):
    pass

class InputProjectionWrapper(DropoutWrapper):
    def __init__(self, cell, num_proj, *args, **kwargs):
        self.cell = self._cell = cell
        self._num_proj = num_proj
    def __call__(self, inputs, state=None, *args, **kwargs):
        return self._cell(_with_axis(inputs, self._num_proj, False), state)

class OutputProjectionWrapper(RNNCell):
    def __init__(self, cell, output_size, *args, **kwargs):
        self.cell = self._cell = cell
        self.output_size = output_size
    def __call__(self, inputs, state=None, *args, **kwargs):
        made = self._cell(inputs, state)[0]
        return _with_axis(made, self.output_size, False), _unknown()

class EmbeddingWrapper(DropoutWrapper):
    def __init__(self, cell, embedding_classes, embedding_size, *args, **kwargs):
        self.cell = self._cell = cell
        self._embedding_size = embedding_size
    def __call__(self, inputs, state=None, *args, **kwargs):
        return self._cell(_with_axis(_unknown(), self._embedding_size, False), state)

class AttentionWrapper(DropoutWrapper):
    def __call__(self, inputs, state=None, *args, **kwargs):
        self._cell(_unknown(), state)
        return _unknown(), _unknown()

def dynamic_rnn(cell, inputs, sequence_length=None, initial_state=None, dtype=None, parallel_iterations=None,
                swap_memory=False, time_major=False, scope=None):
    made = cell(_one_step(inputs, time_major), _unknown())[0]
    return _all_steps(made, inputs), _unknown()

def bidirectional_dynamic_rnn(cell_fw, cell_bw, inputs, sequence_length=None, initial_state_fw=None,
                              initial_state_bw=None, dtype=None, parallel_iterations=None, swap_memory=False,
                              time_major=False, scope=None):
    step = _one_step(inputs, time_major)
    forward = cell_fw(step, _unknown())[0]
    backward = cell_bw(step, _unknown())[0]
    return (_all_steps(forward, inputs), _all_steps(backward, inputs)), (_unknown(), _unknown())

def stack_bidirectional_dynamic_rnn(cells_fw, cells_bw, inputs, *args, **kwargs):
    for forward, backward in zip(cells_fw, cells_bw):
        (one, other), _ = bidirectional_dynamic_rnn(forward, backward, inputs)
        inputs = _beside([one, other])
    return inputs, _unknown(), _unknown()

def static_rnn(cell, inputs, initial_state=None, dtype=None, sequence_length=None, scope=None):
    made = [cell(step, _unknown())[0] for step in _a_list(inputs)[:1]]
    return [made[0] for step in _a_list(inputs)], _unknown()

def static_bidirectional_rnn(cell_fw, cell_bw, inputs, *args, **kwargs):
    steps = _a_list(inputs)
    made = [_beside([cell_fw(step, _unknown())[0], cell_bw(step, _unknown())[0]]) for step in steps[:1]]
    return [made[0] for step in steps], _unknown(), _unknown()

def rnn_decoder(decoder_inputs, initial_state, cell, loop_function=None, scope=None):
    return static_rnn(cell, decoder_inputs)

_in_part(RNNCell)
"""
# The functions, and their older names.
FUNCTIONS: Final = (
    "dynamic_rnn",
    "bidirectional_dynamic_rnn",
    "stack_bidirectional_dynamic_rnn",
    "static_rnn",
    "static_bidirectional_rnn",
)
CELLS: Final = (
    *("RNNCell", "LSTMCell", "BasicLSTMCell", "LSTMBlockCell", "LSTMBlockFusedCell"),
    *("GRUCell", "BasicRNNCell", "GRUBlockCell", "GRUBlockCellV2"),
    *("MultiRNNCell", "DropoutWrapper", "ResidualWrapper", "DeviceWrapper", "HighwayWrapper"),
    *(
        "TimeReversedFusedRNN",
        "InputProjectionWrapper",
        "OutputProjectionWrapper",
        "EmbeddingWrapper",
        "AttentionWrapper",
    ),
)
HOMES: Final = {
    **{f"tensorflow.nn.rnn_cell.{name}": "tensorflow1" for name in CELLS},
    **{f"tensorflow.nn.{name}": "tensorflow1" for name in FUNCTIONS},
    "tensorflow.contrib.cudnn_rnn.CudnnLSTM": "tensorflow1",
    "tensorflow.contrib.legacy_seq2seq.rnn_decoder": "tensorflow1",
}
