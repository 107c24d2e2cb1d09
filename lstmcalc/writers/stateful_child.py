"""The process that a graph of ONNX runs in, apart from ours: beside its original, and in two chunks.

A graph may loop for ever, or take all memory: here that harms no other process, and memory and time are limited.

Run by `stateful_runs`, with a request in JSON as its argument; it answers with a line of JSON.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

import numpy as np

from lstmcalc.writers.onnx import session_of

_SIZES: Final = 4  # the least size of an axis that is free: it can be halved
_AXES: Final = 8  # free axes of a graph that is tried
States: TypeAlias = Sequence[Sequence[str]]  # the input and the output of each
Feeds: TypeAlias = dict[str, Any]

_NUMPY: Final = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}


def main(request: str) -> None:
    """Answer one request, `{"source", "path", "states", "memory", "seconds"}`.

    `differences` are the outputs with their differences from the original's, `chunks` is the difference of two chunks
    from one pass; null of what cannot be run.
    """
    asked = json.loads(request)
    with suppress(ImportError, ValueError, OSError):  # of Windows, or a lower limit that is set
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"], asked["seconds"]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (asked["memory"], asked["memory"]))
    import onnxruntime

    states = asked["states"]
    found = {
        "differences": _differences(asked["source"], asked["path"], states),
        "chunks": _chunks(asked["path"], states),
    }
    sys.stdout.write(json.dumps({"version": onnxruntime.__version__, **found}) + "\n")


def _differences(source: str, path: str, states: States) -> list[tuple[str, float]] | None:
    """The distance of each output from that of the original, with zero states; None if the original cannot be run."""
    try:
        old = session_of(source)
        names, tries = [each.name for each in old.get_outputs()], list(_random_feeds(old, ()))
    except Exception:  # noqa: BLE001  # whatever a graph raises
        return None
    try:
        new = session_of(path)
    except MemoryError:
        return None
    except Exception:  # noqa: BLE001  # as above: the original is taken, and this one is not
        return [(name, float("inf")) for name in names]
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


def _chunks(path: str, states: States) -> float | None:
    """The distance of two chunks, the states of one given to the next, from one pass; None if none can be run."""
    try:
        session = session_of(path)
        tries = [
            (feeds, zeros, halves)
            for feeds in _random_feeds(session, [enters for enters, _ in states])
            for zeros in _zero_states(session, states, feeds)
            for halves in _halves(session, feeds)
        ]
    except Exception:  # noqa: BLE001  # as above
        return None
    for feeds, zeros, halves in tries:
        with suppress(Exception):  # not these sizes, or not the axis of steps
            return _chunks_apart(session, states, (feeds, *halves), zeros)
    return None


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
    """The largest difference of two outputs, relative to the largest value above 1; infinite if their shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    one, two = (array.astype(np.float64) for array in (found, expected))
    apart = np.where(np.isnan(one) & np.isnan(two), 0.0, np.abs(one - two))
    return float(apart.max(initial=0)) / max(1.0, float(np.nanmax(np.abs(two), initial=0)))


def _random_feeds(session: Any, without: Sequence[str]) -> Iterator[Feeds]:  # noqa: ANN401
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
