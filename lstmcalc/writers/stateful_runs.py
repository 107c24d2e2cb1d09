"""An ONNX graph with states, run: the lines that do so, and what ONNX Runtime makes of it beside the original.

Not here: how a graph is given its states (`stateful`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.readers.onnx.graphs import Graph
from lstmcalc.spec.words import quoted_text
from lstmcalc.writers.onnx import session_of

_ENOUGH: Final = 1e-5  # float32 through layers of any graph
_SIZES: Final = 4  # the least size of an axis that is free: it can be halved
_AXES: Final = 8  # free axes of a graph that is tried
States: TypeAlias = Sequence[tuple[str, str]]  # the input and the output of each
Feeds: TypeAlias = dict[str, Any]

_NUMPY: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}


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
    kind = f"np.{dtype}" if dtype in _NUMPY.values() else "np.float32"
    return f"np.zeros(({sizes}{',' * (len(shape) == 1)}), {'bool' if dtype == 'bool' else kind})"


def differences(source: str, path: str, states: States) -> list[tuple[str, float]] | None:
    """How far each output is from that of the original, with states of zeros; None if that cannot be run."""
    try:
        import onnxruntime  # noqa: F401  # the question is whether it is there

        old, new = session_of(source), session_of(path)
        names, tries = [each.name for each in old.get_outputs()], list(_random_feeds(old, {}))
    except Exception:  # noqa: BLE001  # whatever a library that does not load, or a graph, raises
        return None
    for feeds in tries:
        try:
            expected = old.run(names, feeds)
        except Exception:  # noqa: BLE001, S112  # not these sizes
            continue
        for zeros in _zero_states(new, states, feeds):
            try:
                found = new.run(names, {**feeds, **zeros})
            except Exception:  # noqa: BLE001, S112  # not this size of batch
                continue
            return [(name, _apart(*pair)) for name, *pair in zip(names, found, expected, strict=True)]
        return [(name, float("inf")) for name in names]
    return None


def chunk_sentence(path: str, states: States) -> str:
    """A sentence on two chunks, the states of one given to the next, beside one pass; empty if none can be run."""
    try:
        import onnxruntime

        session = session_of(path)
        tries = [
            (feeds, zeros, halves)
            for feeds in _random_feeds(session, dict(states))
            for zeros in _zero_states(session, states, feeds)
            for halves in _halves(session, feeds)
        ]
    except Exception:  # noqa: BLE001  # as above
        return ""
    by = f"ONNX Runtime {onnxruntime.__version__}"
    for feeds, zeros, halves in tries:
        try:
            worst = _chunks_apart(session, states, (feeds, *halves), zeros)
        except Exception:  # noqa: BLE001, S112  # not these sizes, or not the axis of steps
            continue
        if worst <= _ENOUGH:
            return f"streams: two chunks give what one pass gives, within {worst:.2g} ({by})"
        return f"does not stream: two chunks are {worst:.2g} from one pass, as it uses several steps at once ({by})"
    return ""


def _chunks_apart(session: Any, states: States, feeds: tuple[Feeds, Feeds, Feeds], zeros: Feeds) -> float:  # noqa: ANN401
    """The largest difference between one pass and two chunks; what has no axis of steps is that of the last chunk."""
    names = [each.name for each in session.get_outputs()]
    whole, one = (dict(zip(names, session.run(names, {**part, **zeros}), strict=True)) for part in feeds[:2])
    carried = {enters: one[leaves] for enters, leaves in states}
    two = dict(zip(names, session.run(names, {**feeds[2], **carried}), strict=True))
    return max(_apart(_joined(one[name], two[name], whole[name].shape), whole[name]) for name in names)


def _joined(one: Any, two: Any, shape: Sequence[int]) -> Any:  # noqa: ANN401
    """The outputs of two chunks, joined on the axis on which they are shorter than one pass."""
    shorter = [axis for axis, size in enumerate(shape) if two.shape[axis] != size]
    return np.concatenate([one, two], axis=shorter[0]) if shorter else two


def _apart(found: Any, expected: Any) -> float:  # noqa: ANN401
    """The largest absolute difference of two outputs; infinite if their shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    return float(np.abs(found.astype(np.float64) - expected.astype(np.float64)).max(initial=0))


def _random_feeds(session: Any, without: Mapping[str, str]) -> Iterator[Feeds]:  # noqa: ANN401
    """Random numbers for the inputs of a graph, in several sizes.

    Free axes have sizes of their own, those of one name the same; then each of them in turn is 1, as a graph may need.
    """
    inputs = [each for each in session.get_inputs() if each.name not in without]
    free = [_axis(each, axis) for each in inputs for axis, size in enumerate(each.shape) if not isinstance(size, int)]
    own = {name: _SIZES + 2 * number for number, name in enumerate(dict.fromkeys(free[:_AXES]))}
    for alone in ("", *own):
        rng, sizes = np.random.default_rng(0), {**own, alone: 1}
        feeds: Feeds = {}
        for each in inputs:
            shape = [
                size if isinstance(size, int) else sizes[_axis(each, axis)] for axis, size in enumerate(each.shape)
            ]
            dtype = _NUMPY[each.type]
            whole = dtype.startswith(("int", "bool"))
            feeds[each.name] = (rng.integers(0, 2, shape) if whole else rng.normal(size=shape)).astype(dtype)
        yield feeds


def _axis(each: Any, axis: int) -> str:  # noqa: ANN401
    """The name of a free axis, or one that no other has."""
    return each.shape[axis] or f"{axis} of {each.name}"


def _zero_states(session: Any, states: States, feeds: Feeds) -> Iterator[Feeds]:  # noqa: ANN401
    """States of zeros, for each size that the batch may have."""
    given = {each.name: each for each in (*session.get_inputs(), *session.get_overridable_initializers())}
    own = [given[enters] for enters, _ in states if enters in given and enters not in feeds]
    for batch in dict.fromkeys((*(size for array in feeds.values() for size in array.shape), 1)):
        yield {
            each.name: np.zeros([size if isinstance(size, int) else batch for size in each.shape], _NUMPY[each.type])
            for each in own
        }


def _halves(session: Any, feeds: Feeds) -> Iterator[tuple[Feeds, Feeds]]:  # noqa: ANN401
    """The two halves of the inputs, for each axis that is free: one of them has the steps."""
    free: dict[str, dict[str, int]] = {}
    for each in session.get_inputs():
        for axis, size in enumerate(each.shape):
            if each.name in feeds and not isinstance(size, int):
                free.setdefault(_axis(each, axis), {})[each.name] = axis
    for axes in free.values():
        halves = {name: np.array_split(feeds[name], 2, axis=axis) for name, axis in axes.items()}
        one, two = ({**feeds, **{name: parts[number] for name, parts in halves.items()}} for number in (0, 1))
        yield one, two
