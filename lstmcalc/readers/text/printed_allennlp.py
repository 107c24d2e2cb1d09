"""AllenNLP's AugmentedLstm as it is printed: an LSTM made of two linear layers, with highway connections or without.

    (forward_layer_0): AugmentedLstm(
      (input_linearity): Linear(in_features=200, out_features=1800, bias=True)
      (state_linearity): Linear(in_features=300, out_features=1500, bias=True)

With highway connections the input has 6 blocks of rows and the state 5; without them both have the 4 of an LSTM.

Source: allennlp 2.10.1, allennlp/modules/augmented_lstm.py, from general knowledge.
"""

import re
from typing import Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.text.source_text import SourceText, Span

_KINDS: Final = ("AugmentedLstm(", "AugmentedLSTMCell(", "AugmentedLstmCell(")
_LINEAR: Final = re.compile(r"\((input|state)_linearity\): Linear\(in_features=(\d{1,18}), out_features=(\d{1,18}),")
_BELOW: Final = 6  # lines below the class in which its layers are
_LSTM, _HIGHWAY = (4, 4), (6, 5)  # the blocks of rows of each


def augmented_error(source: SourceText) -> SourceError | None:
    """The error about the first AugmentedLstm of a text, with its sizes; None if there is none."""
    for number, line in enumerate(source.lines, 1):
        kind = next((word for word in _KINDS if word in line), "")
        if not kind:
            continue
        below = source.lines[number : number + _BELOW]
        layers = {match[1]: (int(match[2]), int(match[3])) for text in below if (match := _LINEAR.search(text))}
        if len(layers) < len(_LSTM):
            continue
        (width, rows), (hidden, state_rows) = layers["input"], layers["state"]
        blocks = (rows // max(hidden, 1), state_rows // max(hidden, 1))
        if (blocks[0] * hidden, blocks[1] * hidden) != (rows, state_rows) or blocks not in (_LSTM, _HIGHWAY):
            continue
        at = line.index(kind)
        name, sizes = kind.rstrip("("), f'"nn.LSTM({width}, {hidden})"'
        more = blocks == _HIGHWAY
        return source.error(
            Span(number, at, at + len(name)),
            f"{name} of AllenNLP {'has highway connections' if more else 'stores an LSTM under names of its own'}",
            "nn.LSTM or nn.LSTMCell, which are read",
            f"input {width}, hidden {hidden}, in input_linearity {blocks[0]}*{hidden} rows, in state_linearity "
            f"{blocks[1]}*{hidden}",
            f"{'an LSTM without them is' if more else 'it computes the same as'} {sizes}",
        )
    return None
