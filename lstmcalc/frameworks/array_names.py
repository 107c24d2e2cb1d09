"""The names of stored arrays, from the patterns in the table of frameworks."""

from typing import Final

from lstmcalc.frameworks.entry import Layout, Stored
from lstmcalc.spec.config import LSTMConfig

# The meaning of the words in a pattern.
PATTERN_WORDS: Final = {
    "{l}": "the layer, from 0",
    "{_l}": "nothing for layer 0, then _1, _2, ...",
    "{d}": "the direction",
    "{k}": "l*D, plus 1 for the reverse direction",
    "{_k}": "nothing for k = 0, then _1, _2, ...",
}

# The replacement of each word in the names of the table, for the layer l, the direction d and the pair k = l*D + d.
NAME_WORDS: Final = {
    "layer": "l",
    "layer1": "l + 1",
    "number": "empty for the first layer, then _1, _2, ...",
    "cell": "k",
    "cell_number": "empty for the first pair, then _1, _2, ...",
    "direction": "the layout's own word for the direction",
    "gate": "the array's own word for the gate",
    "path": "one of the layout's paths",
}


class ArrayNames:
    """The names of the arrays that one framework stores for one LSTM.

    Args:
        config: The LSTM.
        layout: The framework.
        path: The beginning of the names if that is known, as `storage.Storage` takes it.
    """

    def __init__(self, config: LSTMConfig, layout: Layout, path: str) -> None:
        self._config = config
        self._layout = layout
        fits = config.num_layers == 1 and ("{direction}" in path) == config.bidirectional
        plain = not {"{", "}"} & set(path.replace("{direction}", ""))
        self.path = path if path and fits and plain else self._pick_path()

    def _pick_path(self) -> str:
        many = self._config.num_layers > 1
        one, several = (self._layout.paths.one, self._layout.paths.many)
        if self._config.bidirectional:
            one, several = self._layout.paths.both, self._layout.paths.many_both
        return several if many else one

    def template(self, item: Stored, direction: int | None, gate: str | None) -> str:
        """The name of an array with everything but its layer filled in."""
        words = {
            "direction": self._layout.directions[direction or 0],
            "gate": item.words[self._layout.gates.index(gate)] if gate else "",
            "layer": "{layer}",
            "layer1": "{layer1}",
            "number": "{number}",
            "cell": f"{{cell[{direction or 0}]}}",
            "cell_number": f"{{cell_number[{direction or 0}]}}",
        }
        return item.name.format(path=self.path.format(**words), **words)

    def in_layer(self, template: str, layer: int) -> str:
        """The name of an array in a layer, from what `template` made."""
        return template.format_map(_LayerWords(layer, self._config.num_directions))

    def pattern(self, item: Stored) -> str:
        """An array's name for all layers, directions and gates, in `PATTERN_WORDS`: `weight_ih_l{l}{d}`."""
        many, both = self._config.num_layers > 1, self._config.bidirectional
        words = {
            "layer": "{l}" if many else "0",
            "layer1": "{l+1}" if many else "1",
            "number": "{_l}" if many else "",
            "cell": "{k}" if many or both else "0",
            "cell_number": "{_k}" if many or both else "",
            "direction": "{d}" if both else self._layout.directions[0],
            "gate": f"{{{','.join(item.words)}}}",
        }
        return item.name.format(path=self.path.format(**words), **words)


class _LayerWords(dict[str, object]):
    """The words of a name that depend on its layer, each made on access."""

    def __init__(self, layer: int, directions: int) -> None:
        super().__init__(layer=layer)
        self._layer = layer
        self._directions = directions

    def __missing__(self, word: str) -> object:
        cells = range(self._layer * self._directions, (self._layer + 1) * self._directions)
        return {
            "layer1": self._layer + 1,
            "number": f"_{self._layer}" if self._layer else "",
            "cell": cells,
            "cell_number": [f"_{cell}" if cell else "" for cell in cells],
        }[word]
