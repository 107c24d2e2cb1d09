"""An ONNX graph with states, run: the lines that do so, and what ONNX Runtime makes of it, in a process of its own.

Not here: how a graph is given its states (`stateful`), and the process (`stateful_child`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from lstmcalc.machine import available_memory
from lstmcalc.readers.onnx.graphs import Graph
from lstmcalc.spec.words import quoted_text

_ENOUGH: Final = 1e-5  # float32 through layers of any graph
_LEAST: Final = 2**32  # bytes of address space: its libraries and threads reserve more than they use
_SECONDS: Final = 120  # that a graph may take
_DTYPES: Final = ("float32", "float16", "float64", "int64", "int32", "bool")
# The code that runs the graph: its imports are found where ours are, and nowhere else.
_CODE: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from lstmcalc.writers.stateful_child import main; main(sys.argv[2])"
)


class Carried(NamedTuple):
    """A state of a graph."""

    enters: str  # its input
    leaves: str  # its output
    shape: Sequence[int]  # of a batch of one
    dtype: str


def load_lines(path: str, graph: Graph, carried: Sequence[Carried]) -> list[str]:
    """The lines that run the file on zeros, and give the states that come out back in."""
    states = {state.enters for state in carried}
    given = [name for name in graph.inputs if name not in graph.tensors and name not in states]
    outputs = [name for name in graph.outputs if name not in {state.leaves for state in carried}]
    named = [*outputs, *(state.leaves for state in carried)]
    variables = [f"output_{number}" if number else "output" for number in range(len(outputs))]
    lines = ["import numpy as np", "import onnxruntime", ""]
    lines += [f"session = onnxruntime.InferenceSession({quoted_text(path)})"]
    lines += ["feeds = {  # a chunk; axes of any size are 1 here"]
    lines += [f"    {quoted_text(name)}: {_zeros(graph.shape(name) or (), graph.dtype(name))}," for name in given]
    lines += ["}", "states = {  # of a new stream"]
    lines += [f"    {quoted_text(state.enters)}: {_zeros(state.shape, state.dtype)}," for state in carried]
    lines += ["}", "outputs = [", *(f"    {quoted_text(name)}," for name in named), "]"]
    lines += [f"{', '.join([*variables, '*last'])} = session.run(outputs, {{**feeds, **states}})"]
    return [*lines, "states = dict(zip(states, last))  # for the next chunk"]


def _zeros(shape: Sequence[int | None], dtype: str) -> str:
    """The expression of zeros; axes of any size are 1."""
    sizes = ", ".join("1" if size is None else str(size) for size in shape)
    kind = f"np.{dtype}" if dtype in _DTYPES else "np.float32"
    return f"np.zeros(({sizes}{',' * (len(shape) == 1)}), {'bool' if dtype == 'bool' else kind})"


class Measured(NamedTuple):
    """The results of ONNX Runtime for a graph."""

    version: str
    # Each output, and how far it is from the original's, relative to the largest value above 1; None if it cannot run.
    differences: Sequence[tuple[str, float]] | None
    chunks: float | None  # how far two chunks are from one pass; None if no axis is found that can be cut

    @property
    def sentence(self) -> str:
        """A sentence that says if the graph streams; empty if that was not measured."""
        by = f"(ONNX Runtime {self.version})"
        if self.chunks is None:
            return ""
        if self.chunks <= _ENOUGH:
            return f"streams: two chunks give what one pass gives, within {self.chunks:.2g} {by}"
        return f"does not stream: two chunks are {self.chunks:.2g} from one pass, as it uses several steps at once {by}"


def measured(source: str, path: str, states: Sequence[tuple[str, str]]) -> Measured | None:
    """The results of ONNX Runtime for a graph beside its original; None if it is not installed, or takes too long.

    Args:
        source: The path of the original.
        path: The path of the graph with states.
        states: The input and the output of each.
    """
    if find_spec("onnxruntime") is None:
        return None
    files = [(os.path.realpath(name), os.stat(name).st_mtime_ns) for name in (source, path)]  # noqa: PTH116
    return _measured(tuple(files), tuple(states))


@lru_cache(maxsize=1)  # two questions are asked of one run
def _measured(files: tuple[tuple[str, int], ...], states: tuple[tuple[str, str], ...]) -> Measured | None:
    source, path = (name for name, _ in files)
    limits = {"memory": max(_LEAST, available_memory()), "seconds": _SECONDS}
    request = {"source": source, "path": path, "states": states, **limits}
    command = [sys.executable, "-I", "-c", _CODE, json.dumps(sys.path), json.dumps(request)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603  # our own program
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return None
    pairs = answer["differences"]
    compared = None if pairs is None else [(str(name), float(apart)) for name, apart in pairs]
    return Measured(answer["version"], compared, answer["chunks"])
