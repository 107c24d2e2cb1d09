"""The functions of an LSTM's gates and of its cell: PyTorch's sigmoid and tanh, or a few others that are computed too.

Not here: their values (`numerics.activations`).

Sources: keras 3.15.1 (keras/src/activations/activations.py) and jax 0.10.2 (jax.nn.hard_sigmoid): clip(x/6 + 0.5);
tf_keras 2.21.0 (tf_keras/src/backend.py) and keras 1.2.2: clip(0.2x + 0.5). The clip of ONNX is "applied to the
input of activations" (docs/Operators.md, onnx 1.23.2); ONNX Runtime 1.31.1 clips for those of the gates alone, not c
before its tanh. TensorFlow Lite clips c, and h behind a projection (tensorflow 2.21.0, lite/kernels/lstm_eval.cc).
"""

from collections.abc import Mapping
from math import inf
from typing import Any, Final, NamedTuple


class Activations(NamedTuple):
    """The functions of an LSTM; None for one that its source does not state, or that is not computed."""

    gates: str | None = "sigmoid"  # of i, f and o; `hard_sigmoid:0.2` is clip(0.2x + 0.5)
    cell: str | None = "tanh"  # of g, and of c before it becomes h
    cell_clip: float | None = None  # c is kept within its bound, and so is h below
    proj_clip: float | None = None
    gate_clip: float | None = None  # what the functions of all four gates are given is kept within it, as ONNX does

    def __str__(self) -> str:
        functions = " and ".join(FORMULAS.get(name or "", f"{name}") for name in self.functions.values())
        bounds = (("c", self.cell_clip), ("h", self.proj_clip), ("the gates' inputs", self.gate_clip))
        clips = [f"{what} within {clip:g}" for what, clip in bounds if clip]
        return ", ".join([functions, *clips])

    @property
    def functions(self) -> dict[str, str | None]:
        """The functions alone, as the JSON has them."""
        return {"gates": self.gates, "cell": self.cell}


PYTORCH: Final = Activations()
HARD: Final = {"hard_sigmoid:0.2": 0.2, "hard_sigmoid:1/6": 1 / 6}  # the slope of each
FORMULAS: Final = {
    "hard_sigmoid:0.2": "hard_sigmoid, clip(0.2x + 0.5, 0, 1),",
    "hard_sigmoid:1/6": "hard_sigmoid, clip(x/6 + 0.5, 0, 1),",
}
GATES: Final = ("sigmoid", "hard_sigmoid")  # the words of frameworks for them
CELLS: Final = ("tanh", "relu")
# The names of the options of a source that say them, in Keras, Keras 1, Flax and ONNX.
GATE_OPTIONS: Final = ("recurrent_activation", "inner_activation", "gate_fn", "activations: gates")
CELL_OPTIONS: Final = ("activation", "activation_fn", "activations: cell")
OPTIONS: Final = (*GATE_OPTIONS, *CELL_OPTIONS)
CLIP: Final = "clip"  # the option of ONNX
STATE_CLIPS: Final = ("cell_clip", "proj_clip")  # those of TensorFlow Lite: of c, and of h behind a projection
ALL_OPTIONS: Final = (*OPTIONS, "activations", CLIP, *STATE_CLIPS)  # on which no shape depends


def activations_of(framework: str, options: Mapping[str, Any]) -> Activations:
    """The functions that a source's options say, as its framework means them; without one, PyTorch's."""
    gates, cell = (
        _word(next((options[name] for name in names if name in options), default))
        for names, default in ((GATE_OPTIONS, "sigmoid"), (CELL_OPTIONS, "tanh"))
    )
    clips = {name: _clip_in(options, name) for name in STATE_CLIPS}
    return Activations(
        gates_of(framework, gates), cell if cell in CELLS else None, gate_clip=_clip_in(options, CLIP), **clips
    )


def gates_of(framework: str, word: str) -> str | None:
    """The function of the gates that a framework means by a word; None if it is not computed."""
    if word == "hard_sigmoid":
        return "hard_sigmoid:0.2" if framework in ("keras1", "keras2") else "hard_sigmoid:1/6"
    return word if word == "sigmoid" or word in HARD else None


def default_gates(framework: str, version: str = "") -> str | None:
    """The word for the gates' function where a layer of Keras is not given one; None if versions differ.

    Sources: keras 1.2.2, 2.2.4 and 2.3.0 (keras/layers/recurrent.py); tensorflow 1.15 and 2.0, both of which call their
    Keras 2.2.4-tf (tensorflow/python/keras/layers/recurrent.py, recurrent_v2.py), from general knowledge; tf_keras
    2.21.0.
    """
    if framework == "keras1":
        return "hard_sigmoid"
    if framework != "keras2":
        return "sigmoid"
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    return "sigmoid" if numbers >= [2, 3] else None


def unstated_gates(framework: str, version: str = "") -> dict[str, None]:
    """The option for the gates of weights of Keras without a configuration; none where every version has sigmoid."""
    name = "inner_activation" if framework == "keras1" else "recurrent_activation"
    return {} if default_gates(framework, version) == "sigmoid" else {name: None}


def unstated(options: Mapping[str, Any]) -> str:
    """The option that a source would have and does not state; empty if there is none."""
    return next((name for name in OPTIONS if name in options and options[name] is None), "")


def option_texts(options: Mapping[str, Any]) -> frozenset[str]:
    """The words in which a source's objections to PyTorch's functions are put, of those that are computed."""
    known = {*GATES, *CELLS, *HARD}
    said = {name: value for name, value in options.items() if name in OPTIONS and _word(value) in known}
    if "activations: gates" in options and "activations" in options:  # ONNX has all of them in one attribute
        said["activations"] = options["activations"]
    texts = {text for name, value in said.items() for text in (f"{name} = {value}", f"{name} = {value!r}")}
    clips = ((name, _clip_in(options, name)) for name in (CLIP, *STATE_CLIPS))
    return frozenset(texts | {clip_text(bound, name) for name, bound in clips if bound})


def _clip_in(options: Mapping[str, Any], name: str) -> float | None:
    """The bound that options give; None without one."""
    bound = options.get(name)
    return float(bound) if isinstance(bound, int | float) and bound is not True and 0 < bound < inf else None


def clip_text(bound: float, name: str = CLIP) -> str:
    """The words for the clip of a node."""
    return f"{name} = {bound:g}"


def option_words(options: Mapping[str, str | float]) -> tuple[str, ...]:
    """The objections to PyTorch's functions that these options are, as `option_texts` knows them."""
    return tuple(
        f"{name} = {value}" if isinstance(value, str) else clip_text(value, name) for name, value in options.items()
    )


def _word(value: object) -> str:
    """The last part of a function's name, as `hard_sigmoid` of `jax.nn.hard_sigmoid`."""
    return f"{value}" if f"{value}" in HARD else f"{value}".rpartition(".")[2]
