"""The input of each layer in a graph of Keras: the tensors that it reads, and their shapes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lstmcalc.readers.keras import flow as keras_flow
from lstmcalc.readers.keras.flow import Stream
from lstmcalc.readers.keras.layers import SHAPE_KEYS, Config, Layer, built_shape


class Flow(NamedTuple):
    """The input of a layer."""

    stream: Stream = Stream()
    stated: bool = False  # True if the document itself states the width


def shaped_flow(layer: Layer, flow: Flow) -> Flow:
    """The input of a layer, with the sizes of the shape that it was built with or given, if there is one."""
    shape = built_shape(layer.node)
    known = keras_flow.stream_of_shape(shape)
    if known.features is None and layer.kind != "InputLayer":
        known = keras_flow.stream_after("InputLayer", {key: layer.arguments.get(key) for key in SHAPE_KEYS}, Stream())
    if known.features is None:
        return flow
    stream = flow.stream
    return Flow(
        Stream(
            known.features,
            stream.reads,
            stream.seq_len if known.seq_len is None else known.seq_len,
            stream.batch if known.batch is None else known.batch,
            known.rank,
        ),
        stated=True,
    )


class _Tensor(NamedTuple):
    """A tensor that a layer reads."""

    name: str  # name of the layer that returns it
    output: int  # its index among the outputs of that layer
    shape: object = None  # if it is written


def inbound_tensors(node: Config) -> list[_Tensor]:
    """The tensors that the first call of a layer reads; without its states in Keras 3, with them at the end in Keras 2.

    Keras 3 writes [{"args": [...], "kwargs": {...}}], Keras 2 [[["name", 0, 0, {}], ...]], or [["name", 0, 0, {}]].
    """
    calls = node.get("inbound_nodes")
    call = calls[0] if isinstance(calls, list) and calls else None
    if isinstance(call, Mapping):
        args, named = call.get("args"), call.get("kwargs")
        named = named if isinstance(named, Mapping) else {}
        first = args[0] if isinstance(args, list) and args else named.get("sequences", named.get("inputs"))
        return [tensor for item in (first if isinstance(first, list) else [first]) for tensor in _keras_tensor(item)]
    return [_Tensor(*reference) for reference in references(call)]


def _keras_tensor(item: object) -> Iterator[_Tensor]:
    """A tensor as Keras 3 writes it; nothing if it is not one."""
    config = item.get("config") if isinstance(item, Mapping) else None
    if isinstance(config, Mapping):
        for name, index in references(config.get("keras_history")):
            yield _Tensor(name, index, config.get("shape"))


def references(item: object) -> list[tuple[str, int]]:
    """Names and indices of tensors: ["name", 0, 0], a list of such, or an object with such."""
    if isinstance(item, Mapping):
        item = list(item.values())
    if not isinstance(item, list) or not item:
        return []
    each = [item] if isinstance(item[0], str) else item
    return [
        (one[0], one[2])
        for one in each
        if isinstance(one, list) and len(one) > 2 and isinstance(one[0], str) and isinstance(one[2], int)  # noqa: PLR2004
    ]


def flow_of(tensor: _Tensor, returned: Mapping[str, tuple[Stream, ...]]) -> Flow:
    """The flow of a tensor: of its own shape if that is written, else of the layer that returns it."""
    stream, shape = picked_stream(returned, tensor.name, tensor.output), keras_flow.stream_of_shape(tensor.shape)
    if shape.features is None:
        return Flow(stream)
    return Flow(shape._replace(reads=stream.reads), stated=True)


def picked_stream(returned: Mapping[str, tuple[Stream, ...]], name: str, index: int) -> Stream:
    """An output of the layer of this name; one of which nothing is known if it is not there."""
    streams = returned.get(name, ())
    return streams[index] if 0 <= index < len(streams) else Stream()


def in_order(names: Sequence[str], reads: Sequence[Sequence[_Tensor]]) -> Iterator[int]:
    """The indices of a graph's layers, each after those that it reads; those in cycles, or after one, come last."""
    at = {name: index for index, name in enumerate(names)}
    sources = [{at[tensor.name] for tensor in read if tensor.name in at} for read in reads]
    waiting = [len(each) for each in sources]
    readers: list[list[int]] = [[] for _ in names]
    for index, each in enumerate(sources):
        for origin in each:
            readers[origin].append(index)
    ready = [index for index in reversed(range(len(names))) if not waiting[index]]
    done = set()
    while ready:
        index = ready.pop()
        done.add(index)
        yield index
        for reader in reversed(readers[index]):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    yield from (index for index in range(len(names)) if index not in done)
