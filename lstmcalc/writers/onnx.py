"""An LSTM as an ONNX graph that runs as it is: one LSTM node for each layer, the batch and the steps free.

Inputs and outputs bear PyTorch's names: `input`, `h_0`, `c_0` in, `output`, `h_n`, `c_n` out, in PyTorch's layouts. h_0
and c_0 are optional, zeros for any batch if left out; of a stateful graph they are required, so that none is forgotten.

Opset 14 and IR 7 are the oldest that have all of it, so that old runtimes take the file too.

Sources: onnx/onnx.proto, for the numbers of fields, and docs/Operators.md of onnx 1.23.2. ONNX Runtime 1.32.0 lets an
input that has an initializer be left out, and computes no LSTM in float64.

Not here: graphs that exist already (`stateful`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Final, TypeAlias

import numpy as np

from lstmcalc.errors import UnsupportedError
from lstmcalc.frameworks.storage import Storage, missing_feature
from lstmcalc.model.lstm import LSTMModel
from lstmcalc.numerics.arrays import Array
from lstmcalc.numerics.convert import pack
from lstmcalc.proof.failures import failures
from lstmcalc.proof.judges import Verdict, onnx_functions
from lstmcalc.spec.config import DTYPE_BYTES, DataSpec, LSTMConfig
from lstmcalc.spec.words import quoted_text
from lstmcalc.version import __version__
from lstmcalc.writers.protobuf import Pieces, data, message, number, real, text
from lstmcalc.writers.target import Asked, Portable, Target, Weights

_FLAG: Final = "--to onnx"
_LARGEST: Final = 2**31 - 2**20  # bytes of a protobuf message, less what is beside the numbers
_LONGEST: Final = 200  # characters of a module's name in names of nodes
_IR, _OPSET = 7, 14
TYPES: Final = {"float32": 1, "int64": 7, "float16": 10, "float64": 11, "bfloat16": 16}  # TensorProto.DataType
_STEPS, _BATCH = "steps", "batch"  # the names of free axes
Sizes: TypeAlias = Sequence[int | str | None]  # of a value: a number, the name of a free axis, or a free axis


# --- messages


def tensor(name: str, array: Any) -> Pieces:  # noqa: ANN401  # of any dtype in `TYPES`
    """A TensorProto as an initializer of a graph."""
    stored = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    dims = [piece for dim in stored.shape for piece in number(1, dim)]
    raw = stored.reshape(-1).view(np.uint8).data
    return message(5, dims, number(2, TYPES[stored.dtype.name]), text(8, name), data(9, raw))


def value(field: int, name: str, kind: int, sizes: Sizes) -> Pieces:
    """A ValueInfoProto: an input (field 11) or an output (12) of a graph."""
    dims: Pieces = []
    for each in sizes:
        dim = [] if each is None else text(2, each) if isinstance(each, str) else number(1, each)
        dims += message(1, dim)
    return message(field, text(1, name), message(2, message(1, number(1, kind), message(2, dims))))


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], name: str = "", **attributes: object) -> Pieces:
    """A NodeProto of a graph."""
    parts = [*(text(1, each) for each in inputs), *(text(2, each) for each in outputs)]
    parts += [text(3, name)] if name else []
    return message(1, *parts, text(4, op), *(_attribute(*each) for each in attributes.items()))


def _attribute(name: str, setting: object) -> Pieces:
    """An AttributeProto: f 2, i 3, s 4, floats 7, ints 8, strings 9; the type of each in field 20."""
    if isinstance(setting, str):
        return message(5, text(1, name), text(4, setting), number(20, 3))
    if isinstance(setting, int):
        return message(5, text(1, name), number(3, setting), number(20, 2))
    if isinstance(setting, float):
        return message(5, text(1, name), real(2, setting), number(20, 1))
    items = list(setting) if isinstance(setting, list | tuple) else []
    if isinstance(items[0], str):
        return message(5, text(1, name), *(text(9, item) for item in items), number(20, 8))
    if isinstance(items[0], int):
        return message(5, text(1, name), *(number(8, item) for item in items), number(20, 7))
    return message(5, text(1, name), *(real(7, item) for item in items), number(20, 6))


# --- the graph


def onnx_pieces(lstm: Portable, asked: Asked) -> Pieces:
    """The ModelProto of an LSTM."""
    nodes, constants = _graph(lstm, asked)
    kind = TYPES[lstm.dtype]
    shapes = _shapes(lstm.config, asked)
    graph = [
        *(piece for each in nodes for piece in each),
        *text(2, lstm.name[:_LONGEST] or "lstm"),
        *(piece for name, array in constants.items() for piece in tensor(name, array)),
        *(piece for name in ("input", "h_0", "c_0") for piece in value(11, name, kind, shapes[name])),
        *(piece for name in ("output", "h_n", "c_n") for piece in value(12, name, kind, shapes[name])),
    ]
    producer = *text(2, "lstmcalc"), *text(3, __version__)
    return [*number(1, _IR), *producer, *message(7, graph), *message(8, text(1, ""), number(2, _OPSET))]


def _shapes(config: LSTMConfig, asked: Asked) -> dict[str, Sizes]:
    """The shape of each input and output."""
    steps: int | str = asked.steps or _STEPS
    order: Sizes = (_BATCH, steps) if config.batch_first else (steps, _BATCH)
    cells, hidden = config.num_layers * config.num_directions, config.hidden_size
    # An optional state is of one sequence in the file, so that its axis may not share the name of another size.
    states: Sizes = (cells, _BATCH if asked.stateful else None, hidden)
    return {
        "input": (*order, config.input_size),
        **dict.fromkeys(("h_0", "c_0"), states),
        "output": (*order, config.num_directions * hidden),
        **dict.fromkeys(("h_n", "c_n"), (cells, _BATCH, hidden)),
    }


def _graph(lstm: Portable, asked: Asked) -> tuple[list[Pieces], dict[str, Array]]:
    """The nodes, and the tensors that they read."""
    config = lstm.config
    constants: dict[str, Any] = dict(pack(lstm.weights, config, "onnx"))
    nodes = list(_states(config, asked, constants, lstm.dtype))
    reads = "input"
    if config.batch_first:
        nodes.append(node("Transpose", ["input"], ["input_by_step"], perm=[1, 0, 2]))
        reads = "input_by_step"
    last = "output_by_step" if config.batch_first else "output"
    for layer in range(config.num_layers):
        writes = last if layer == config.num_layers - 1 else f"x_l{layer + 1}"
        nodes += _layer(lstm, layer, reads, writes, constants)
        reads = writes
    if config.batch_first:
        nodes.append(node("Transpose", [last], ["output"], perm=[1, 0, 2]))
    if config.num_layers > 1:
        for name in ("h_n", "c_n"):
            parts = [f"{name}_l{layer}" for layer in range(config.num_layers)]
            nodes.append(node("Concat", parts, [name], axis=0))
    return nodes, constants


def _states(config: LSTMConfig, asked: Asked, constants: dict[str, Any], dtype: str) -> Iterator[Pieces]:
    """The nodes that make the initial states of each layer from `h_0` and `c_0`."""
    many, cells = config.num_layers > 1, config.num_layers * config.num_directions
    if not asked.stateful:
        first = 0 if config.batch_first else 1
        constants |= {"axis_of_batch": np.array([first]), "num_cells": np.array([cells])}
        constants |= {"hidden_size": np.array([config.hidden_size])}
        yield node("Shape", ["input"], ["shape_of_input"])
        yield node("Gather", ["shape_of_input", "axis_of_batch"], ["size_of_batch"])
        yield node("Concat", ["num_cells", "size_of_batch", "hidden_size"], ["shape_of_states"], axis=0)
    if many:
        constants["num_directions"] = np.full(config.num_layers, config.num_directions)
    for name in ("h_0", "c_0"):
        own = name
        if not asked.stateful:
            constants[name] = np.zeros((cells, 1, config.hidden_size), dtype)
            own = f"{name}_of_batch" if many else f"{name}_l0"
            yield node("Expand", [name, "shape_of_states"], [own])
        if many:
            parts = [f"{name}_l{layer}" for layer in range(config.num_layers)]
            yield node("Split", [own, "num_directions"], parts, axis=0)


def _layer(lstm: Portable, layer: int, reads: str, writes: str, constants: dict[str, Any]) -> Iterator[Pieces]:
    """The nodes of one layer: the LSTM, and its output as the next layer reads it."""
    config = lstm.config
    places = Storage(config, "onnx").placements(layer)
    stored = {place.parameter.holds[0]: place.parameter.name for place in places}
    many = config.num_layers > 1
    states = [f"{name}_l{layer}" if many or name in constants else name for name in ("h_0", "c_0")]
    final = [f"{name}_l{layer}" if many else name for name in ("h_n", "c_n")]
    yield node(
        "LSTM",
        [reads, *(stored.get(part, "") for part in ("weight_ih", "weight_hh", "bias_ih")), "", *states],
        [f"Y_l{layer}", *final],
        _node_name(lstm.name, layer),
        hidden_size=config.hidden_size,
        direction="bidirectional" if config.bidirectional else "forward",
        **onnx_functions(config, lstm.activations),
    )
    if not config.bidirectional:  # Y is (L, 1, N, H)
        constants["axis_of_directions"] = np.array([1])
        yield node("Squeeze", [f"Y_l{layer}", "axis_of_directions"], [writes])
        return
    constants["both_directions"] = np.array([0, 0, 2 * config.hidden_size])
    yield node("Transpose", [f"Y_l{layer}"], [f"Y_by_sequence_l{layer}"], perm=[0, 2, 1, 3])
    yield node("Reshape", [f"Y_by_sequence_l{layer}", "both_directions"], [writes])


def _node_name(module: str, layer: int) -> str:
    """The name of a node, as PyTorch's exporter writes it, so that the module's name can be read from it."""
    path = (module[:_LONGEST] or "lstm").replace(".", "/").strip("/")
    return f"/{path}/LSTM{f'_{layer}' if layer else ''}"


# --- the target


def _check(lstms: Sequence[Portable], asked: Asked) -> None:
    """Refuse what no LSTM node can express."""
    for lstm in lstms:
        config, functions = lstm.config, lstm.activations
        missing = missing_feature(config, "onnx")
        if missing:
            raise UnsupportedError(f"ONNX's LSTM has no {missing}", "an LSTM without", str(config), where=_FLAG)
        if functions.cell_clip or functions.proj_clip:
            raise UnsupportedError("ONNX clips neither c nor h", "an LSTM without", str(functions), where=_FLAG)
        if asked.stateful and config.bidirectional:
            raise UnsupportedError(
                f"{lstm.name} cannot be computed in chunks",
                "an LSTM in one direction",
                "bidirectional True: its reverse direction begins with the last step",
                "without --stateful its states are optional inputs",
                "--stateful",
            )
        needed = DTYPE_BYTES[lstm.dtype] * LSTMModel(config).num_parameters
        if needed > _LARGEST:
            raise UnsupportedError(
                "an ONNX file holds less than 2 GiB", f"at most {_LARGEST:,} bytes", f"{needed:,}", where=_FLAG
            )


def _write(stream: IO[bytes], lstms: Sequence[Portable], asked: Asked) -> None:
    for piece in onnx_pieces(lstms[0], asked):
        stream.write(piece)


_OPTIONAL: Final = "# It warns that h_0 and c_0 are inputs: they may be given, else they are zeros."


def _load(lstms: Sequence[Portable], asked: Asked) -> list[str]:
    """The lines that run the file in ONNX Runtime; of float64, which that cannot, those that load it."""
    (lstm,) = lstms
    config, dtype, path = lstm.config, lstm.dtype, quoted_text(asked.path)
    if dtype == "float64":
        return ["import onnx", "", f"model = onnx.load({path})", "onnx.checker.check_model(model, full_check=True)"]
    order = "N, L" if config.batch_first else "L, N"
    steps = [3, asked.steps or 5] if config.batch_first else [asked.steps or 5, 3]
    warned = [] if asked.stateful else [_OPTIONAL]
    lines = ["import numpy as np", "import onnxruntime", "", *warned]
    lines += [f"session = onnxruntime.InferenceSession({path})"]
    lines += [f"input = np.zeros(({steps[0]}, {steps[1]}, {config.input_size}), np.{dtype})  # ({order}, H_in)"]
    outputs = '["output", "h_n", "c_n"]'
    if not asked.stateful:
        return [*lines, f'output, h_n, c_n = session.run({outputs}, {{"input": input}})']
    shape = config.num_layers, 3, config.hidden_size
    return [
        *lines,
        f"h = c = np.zeros({shape}, np.{dtype})  # of a new stream",
        'feeds = {"input": input, "h_0": h, "c_0": c}',
        f"output, h, c = session.run({outputs}, feeds)",
    ]


def _run(path: str, lstm: Portable, given: DataSpec, inputs: Weights) -> Verdict | None:
    """The file in ONNX Runtime; None if that is not installed, or cannot take these data."""
    try:
        import onnxruntime
    except Exception:  # noqa: BLE001  # whatever a library that does not load raises
        return None
    if given.lengths or not given.num_sequences or given.dtype == "float64":
        return None
    with failures("onnxruntime"):
        session = session_of(path)
        steps = _fixed_steps(session, lstm.config)
        if steps and lstm.config.bidirectional and steps != given.seq_len:
            return None
        outputs = _in_calls(session, lstm.config, given, inputs, steps or given.seq_len)
    return Verdict(f"ONNX Runtime {onnxruntime.__version__}", outputs)


def session_of(path: str) -> Any:  # noqa: ANN401  # an InferenceSession
    """The file in ONNX Runtime, which says nothing but errors."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _fixed_steps(session: Any, config: LSTMConfig) -> int:  # noqa: ANN401
    """The steps that the graph's input is fixed to; 0 if any will do."""
    shape = next(each.shape for each in session.get_inputs() if each.name == "input")
    steps = shape[1 if config.batch_first else 0]
    return steps if isinstance(steps, int) else 0


def _in_calls(
    session: Any,  # noqa: ANN401
    config: LSTMConfig,
    given: DataSpec,
    inputs: Mapping[str, Array],
    steps: int,
) -> dict[str, Array]:
    """The results of the graph in calls of so many steps, the states of each given to the next."""
    axis = 1 if config.batch_first and not given.unbatched else 0
    x, h, c = inputs["input"], inputs["h_0"], inputs["c_0"]
    if given.unbatched:
        x, h, c = x[:, None] if not config.batch_first else x[None], h[:, None], c[:, None]
        axis = 1 if config.batch_first else 0
    rest = -given.seq_len % steps  # the last call is filled up, and says nothing of the last states
    x = np.concatenate([x, np.zeros_like(x.take(range(1), axis)).repeat(rest, axis)], axis) if rest else x
    parts = []
    for part in np.split(x, (given.seq_len + rest) // steps, axis=axis):
        feeds = {"input": np.ascontiguousarray(part), "h_0": h, "c_0": c}
        output, h, c = session.run(["output", "h_n", "c_n"], feeds)
        parts.append(output)
    output = np.concatenate(parts, axis=axis)
    output = output.take(range(given.seq_len), axis) if rest else output
    if given.unbatched:
        output, h, c = output[0] if config.batch_first else output[:, 0], h[:, 0], c[:, 0]
    return {"output": output} if rest else {"output": output, "h_n": h, "c_n": c}


def _notes(lstms: Sequence[Portable]) -> list[str]:
    """Notes on the numbers of the file, for its users."""
    if any(lstm.dtype == "float64" for lstm in lstms):
        return ["ONNX Runtime computes no LSTM in float64: --dtype float32 writes a file that it runs"]
    return []


TARGET: Final = Target(
    framework="onnx",
    title="ONNX",
    suffixes=(".onnx",),
    several=False,
    check=_check,
    write=_write,
    load=_load,
    run=_run,
    notes=_notes,
)
