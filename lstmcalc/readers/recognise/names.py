"""Recognition of arrays by name: the framework, the module and the array of its LSTM that have this name.

    hits("encoder.rnn.weight_ih_l1_reverse")[0] == Hit("pytorch", "encoder/rnn", 1, 1, "weight_ih", None)

Files name modules freely; the rest of a name follows the table of `frameworks`, read backwards. Words in files that
differ from the table are listed here, each with its source.

Not here: whether the shapes fit together (`readings`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.frameworks.entry import Layout, Stored

# Candle's, MindSpore's and tinygrad's names are PyTorch's, and so are Paddle's but those of its cells.
FRAMEWORKS: Final = tuple(name for name in LAYOUTS if name not in ("candle", "mindspore", "tinygrad"))

# The text for a module's own path in the table, and its pattern in a file.
_PATHS: Final = {
    "onnx": ("lstm{layer}.", "{path}/"),
    "openvino": ("lstm{layer}.", "{path}/"),
    "mxnet": ("lstm0_", "{stem}"),
    "haiku": ("lstm{cell_number}/", "{lstm}"),
    "chainer": ("/{cell}/", "{path}/{cell}/"),
    "flax-linen": ("params/{path}cell/", "{path}/"),
    "flax-nnx": ("{path}cell/", "{path}/"),
    "flax-nnx-optimized": ("{path}cell/", "{path}/"),
    "keras": ("{path}/lstm_cell/", "{path}/{a_cell}"),
    "keras2": ("{path}/lstm_cell/", "{path}/{a_cell}"),
    # basic_lstm_cell: tf_keras 2.21.0, legacy_cells.py; lstm_fused_cell: tf.contrib of TensorFlow 1.15, from general
    # knowledge. cudnn_compatible_lstm_cell is not among them: nothing is added to its forget gate. LSTMCell: `_ALSO`.
    "tf1": ("{path}/lstm_cell/", "{path}/{lstm_cell}/"),
}
_ANY: Final = "[^/]"
_WORDS: Final = {
    "path": "",
    "a_cell": r"(?:\w+_)?cell(?:_\d+)?/",  # or nothing: Keras 2 before cells had names, and CuDNNLSTM
    "lstm_cell": r"(?:(?:basic_)?lstm_(?:fused_)?cell(?:_\d+)?|LSTMCell)",
    "lstm": rf"(?P<stem>(?:(?!lstm){_ANY})*+lstm{_ANY}*)/",
    "layer": r"(?P<layer>\d{1,6})",
    "cell": r"(?P<layer>\d{1,6})",
    "stem": rf"(?:(?P<stem>{_ANY}*)_)?",
}
# Other words for the last part of a name: weights and biases before TensorFlow 1.2 (BasicLSTMCell of 1.1);
# W_0, B and W_P_0 before 1.0, whose files ELMo still has (bilm-tf 7cffee2b, bilm/training.py, dump_weights);
# enc_w_ih and the like in cells written by hand (checkpoint20.npz of g2p_en 2.1.0).
_ALSO: Final = {
    "tf1": (
        ("/kernel", "/weights"),
        ("/bias", "/biases"),
        ("/kernel", "/W_0"),
        ("/bias", "/B"),
    ),
    "pytorch-cell": (("weight_", "w_"), ("bias_", "b_")),
}
_MORE_PARTS: Final = ("{a_cell}", "{lstm}")  # words with a slash in what they match
_TEXT_OF_WORDS: Final = {"lstm": "lstm", "lstm_cell": "ell"}  # a text in whatever such a word matches

# Other names altogether, as templates. A cell of two nn.Linear, gates i f g o: AugmentedLstm without highways, allennlp
# 08da1669, modules/augmented_lstm.py. Before TensorFlow 1.0: the projection, and BasicLSTMCell (rnn_cell.py of 0.8 to
# 0.12, from general knowledge); gates and the bias that is added are those of later ones.
_OTHERS: Final = {
    "pytorch-cell": {
        "weight_ih": "input_linearity/weight",
        "weight_hh": "state_linearity/weight",
        "bias_ih": "input_linearity/bias",
        "bias_hh": "state_linearity/bias",
    },
    "tf1": {
        "weight_ih weight_hh": "BasicLSTMCell/Linear/Matrix",
        "bias": "BasicLSTMCell/Linear/Bias",
        "weight_hr": "{lstm_cell}/W_P_0",
    },
}

# The layer and direction in a module's path, for layers that are one module and not stacked by hand. ELMo's are: what
# one of its layers gives is added to what it is given (bilm-tf 7cffee2b, bilm/training.py, use_skip_connections).
STACKS: Final = {
    "tf1": (
        r"(?:(?P<base>.*)/)?stack_bidirectional_rnn/cell_(?P<layer>\d{1,6})/bidirectional_rnn/(?P<direction>fw|bw)",
        r"(?P<base>(?:.*/)?multi_rnn_cell)/cell_(?P<layer>\d{1,6})",
        r"(?!RNN_\d{1,6}/RNN/)(?P<base>(?:.*/)?MultiRNNCell)/Cell(?P<layer>\d{1,6})",
    ),
    "paddle": (r"(?:(?P<base>.*)/)?(?P<layer>\d{1,6})/cell(?:_(?P<direction>fw|bw))?",),
}


class Hit(NamedTuple):
    """One possible meaning of an array's name."""

    framework: str  # a name of `frameworks.catalog`
    unit: str  # the path of its module, its parts divided by slashes
    layer: int  # its layer, 0 if its name has none; the number of its cell, if names have that instead
    direction: int | None  # the index of its direction; None if it holds both, or the name does not say
    holds: str  # its content, as in `frameworks.entry.Stored`
    gate: str | None  # the gate, if it holds only one


class _Pattern(NamedTuple):
    framework: str
    layout: Layout
    stored: Stored
    template: str  # the end of its names after the module, with words of `_WORDS` in braces
    parts: int  # of the name's path
    needs: "_Needs"


class _Needs(NamedTuple):
    """Texts without which a pattern does not match; looking for them is cheaper than compiling the pattern."""

    start: str
    inside: tuple[str, ...]
    ends: tuple[str, ...]  # one of them
    tails: tuple[str, ...]  # the last parts of these

    def allow(self, name: str) -> bool:
        """True unless a name lacks one of the texts."""
        return name.startswith(self.start) and name.endswith(self.ends) and all(text in name for text in self.inside)


@cache
def _patterns() -> tuple[_Pattern, ...]:
    made = []
    for framework in FRAMEWORKS:
        layout = LAYOUTS[framework]
        layout = layout.projected or layout  # Paddle: the names of its cells
        for stored in layout.stored:
            template = _template(framework, stored)
            other = _OTHERS.get(framework, {}).get(stored.holds, template)
            for variant in dict.fromkeys((template.replace("{a_cell}", ""), template, other)):
                parts = variant.count("/") + sum(variant.count(word) for word in _MORE_PARTS) + 1
                choices = {"direction": tuple(layout.directions), "gate": tuple(stored.words)}
                needs = _needs(framework, variant, choices)
                made.append(_Pattern(framework, layout, stored, variant, parts, needs))
    return tuple(made)


@cache
def _ending_in(last: str) -> tuple[_Pattern, ...]:
    """The patterns of names whose last part may be this; none for most names of most files."""
    return tuple(
        pattern
        for pattern in _patterns()
        if last.endswith(pattern.needs.tails) and (pattern.parts > 1 or pattern.needs.allow(last))
    )


def _template(framework: str, stored: Stored) -> str:
    """The end of an array's name, after its module, with the words that differ in braces."""
    template = stored.name.removesuffix(":0").replace(".", "/")
    fixed, free = _PATHS.get(framework, ("", ""))
    template = template.replace(fixed.replace(".", "/"), free, 1) if fixed else template
    if template.startswith("{path}_"):  # Keras 1: the array's name begins with the layer's name
        template = template.replace("{path}_", "{stem}", 1)
    template = template.removeprefix("{path}").removeprefix("/")
    return "{stem}" + template if framework == "pytorch-cell" else template


def _pieces(template: str) -> list[str]:
    """The literal texts of a template, with the words between them."""
    return template.replace("}", "{").split("{")


def _endings(framework: str, last: str) -> tuple[str, ...]:
    """The last text of a template, and what stands there in other files."""
    others = (last.replace(*other) for other in _ALSO.get(framework, ()) if other[0] in last)
    return (last, *others)


def _needs(framework: str, template: str, choices: Mapping[str, Sequence[str]]) -> _Needs:
    """The texts that a name needs to match a template, of which some words are one of a few texts."""
    *pieces, last = _pieces(template)
    ends = _endings(framework, last)
    if not last and pieces and pieces[-1] in choices:
        ends = tuple(f"{pieces[-2]}{choice}" for choice in choices[pieces[-1]])
    inside = (*pieces[2::2], *(_TEXT_OF_WORDS.get(word, "") for word in pieces[1::2]))
    tails = tuple(end.rpartition("/")[2] for end in ends)
    return _Needs(pieces[0] if pieces else last, tuple(filter(None, inside)), ends, tails)


def _expression(pattern: _Pattern) -> re.Pattern[str]:
    """The regular expression for the end of an array's name, after its module."""
    return _compiled(pattern.framework, pattern.template, pattern.layout.directions, pattern.stored.words)


# Made when a name may match: most files have names of one framework, and the table has those of 27.
@cache
def _compiled(framework: str, template: str, directions: Sequence[str], gates: Sequence[str]) -> re.Pattern[str]:
    choices = {"direction": f"(?P<direction>{_one_of(directions)})", "gate": f"(?P<gate>{_one_of(gates)})"}
    words = {**_WORDS, **choices}
    *pieces, last = _pieces(template)
    text = "".join(words[piece] if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))
    endings = _endings(framework, last)
    return re.compile(text + (re.escape(last) if len(endings) == 1 else f"(?:{_one_of(endings)})"))


def _one_of(texts: Sequence[str]) -> str:
    """The regular expression for one of these texts."""
    return "|".join(map(re.escape, texts))


_DEEPEST: Final = 3  # parts of a name after its module
_LONGEST: Final = 1000  # characters; longer names are not looked at
_LONGEST_PART: Final = 200


def plain_name(name: str) -> str:
    """The name with slashes between its parts, for any spelling in a file: `['a']['b']`, `a.b`, `a/b:0`."""
    if "['" in name:
        name = re.sub(r"\['([^']*)'\]", r"/\1", name)
    plain = name.removesuffix(":0").removesuffix(".value").replace(".", "/").strip("/")
    return re.sub(r"/+", "/", plain) if "//" in plain else plain


def possible_meanings(name: str) -> list[Hit]:
    """The possible meanings of an array's name, in the order of the table; empty for most."""
    found = (_hit(pattern, match, path) for pattern, match, path in _matches(name))
    return [hit for hit in found if hit]


def recurrent_units(name: str) -> set[str]:
    """The paths of the modules that an array of this name would make recurrent; none for most names."""
    return {
        path
        for pattern, _, path in _matches(name)
        if "weight_hh" in pattern.stored.holds or pattern.framework in ("pytorch", "mxnet")
    }


def units_above(name: str) -> set[str]:
    """The paths of all modules that an array of this name can be part of."""
    path, found = plain_name(name), set()
    for _ in range(_DEEPEST):
        path, divided, _ = path.rpartition("/")
        found.add(path)
        if not divided:
            break
    return found


def _matches(name: str) -> Iterator[tuple[_Pattern, re.Match[str], str]]:
    """The patterns that match the end of a name, each with its match and the path before it."""
    plain = plain_name(name)
    *before, last = plain.rsplit("/", _DEEPEST)
    candidates = _ending_in(last) if len(plain) <= _LONGEST and len(last) <= _LONGEST_PART else ()
    colon = name.endswith(":0")
    for pattern in candidates:
        if pattern.parts > len(before) + 1 or _COLON.get(pattern.framework, colon) != colon:
            continue
        parts = plain.rsplit("/", pattern.parts)
        path = parts.pop(0) if len(parts) > pattern.parts else ""
        if pattern.parts > 1 and not path and pattern.framework in _COLON:
            continue  # lstm_cell/kernel: the cell is the module
        own = "/".join(parts)
        match = pattern.needs.allow(own) and _expression(pattern).fullmatch(own)
        if match:
            yield pattern, match, path


_COLON: Final = {"keras": False, "keras2": True}  # True if names end in :0


def _hit(pattern: _Pattern, match: re.Match[str], path: str) -> Hit | None:
    """The meaning of a match; None if this framework has no such module path."""
    groups = match.groupdict()
    unit = "/".join(part for part in (path, groups.get("stem")) if part)
    layer, word = groups.get("layer"), groups.get("direction")
    if pattern.framework in STACKS:
        placed = next(filter(None, (re.fullmatch(text, unit) for text in STACKS[pattern.framework])), None)
        if placed:
            own = placed.groupdict()
            unit, layer, word = own["base"] or "", own["layer"], own.get("direction")
        elif pattern.framework == "paddle":
            return None
    direction = None if word is None else pattern.layout.directions.index(word)
    if word is None and "direction" not in pattern.stored.axes and "{cell}" not in pattern.stored.name:
        direction = 0
    gate = groups.get("gate")
    letter = pattern.layout.gates[pattern.stored.words.index(gate)] if gate else None
    return Hit(pattern.framework, unit, int(layer or 0), direction, pattern.stored.holds, letter)


def direction_path(framework: str, unit: str) -> tuple[str, int] | None:
    """A module's path with `{direction}` for the word of its direction, and the direction's index; None without a word.

    E.g. `bidirectional_1/{direction}_lstm` and 0 for `bidirectional_1/forward_lstm`.
    """
    layout = LAYOUTS[framework]
    if layout.kind == "cell" or not layout.directions[0]:
        return None
    for index, word in enumerate(layout.directions):
        match = re.fullmatch(rf"(?s)((?:.*/)?){word}((?:_\w+)?(?:/.*)?)", unit)
        if match:
            return f"{match[1]}{{direction}}{match[2]}", index
    return None


# Names of arrays of recurrent modules that no LSTM has; flax 0.12.8, dm-haiku 0.0.17 and tf_keras 2.21.0
# (legacy_cells.py). Each with texts, of which its names have one.
_RELATIVES: Final = (
    ("GRU", r"(?:(?P<unit>.*)/)?(?:h[rzn]|i[rzn])/(?:kernel|bias)", ("r/", "z/", "hn/", "in/")),
    ("GRU", r"(?P<unit>(?:.*/)?(?:(?!gru)[^/])*+gru[^/]*)/(?:w_i|w_h|b)", ("gru",)),
    ("highway LSTM", r"(?:(?P<unit>.*)/)?(?:input|state)_linearity/(?:weight|bias)", ("_linearity/",)),
    ("GRU", r"(?P<unit>(?:.*/)?gru_cell)/(?:gates|candidate)/(?:kernel|bias|weights|biases)", ("gru_cell/",)),
)


def relative_kind(name: str) -> tuple[str, str] | None:
    """The kind and path of the recurrent module, not an LSTM, that has an array of this name; None if none has."""
    plain = plain_name(name)
    if len(plain) <= _LONGEST:
        for kind, regex, needed in _RELATIVES:
            match = any(text in plain for text in needed) and re.fullmatch(regex, plain)
            if match:
                return kind, match["unit"] or ""
    return None
