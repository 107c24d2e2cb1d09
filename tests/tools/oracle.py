"""The results of another implementation, and ours held against them.

A `Recording` is one LSTM, its data and what PyTorch made of them: `record_pytorch.py` makes it, live or for the file
that the plain tests read. Every expectation comes from there; nothing here computes an LSTM.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import permutations
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, LSTMRunner, forward
from tools.shell import TESTS

Array: TypeAlias = NDArray[np.floating[Any]]

FILE: Final = TESTS / "data" / "pytorch-2.13.0.npz"
OUTPUTS: Final = ("output", "h_n", "c_n")
STATES: Final = ("h_0", "c_0")
# With more inputs, a gate is a sum of so many products that float32 alone does not determine it to 1e-6.
WIDE: Final = 64


class Case(NamedTuple):
    """An LSTM and the data it is given, before anything is computed.

    `lengths` means a packed batch in that order; `seq_len` may then be larger than the longest (`total_length`).
    """

    name: str
    config: dict[str, Any]
    seq_len: int = 5
    batch: int | None = 3
    lengths: tuple[int, ...] | None = None
    state: bool = True
    dtype: str = "float32"


class Recording(NamedTuple):
    """A case with what PyTorch said and computed.

    `wider` holds the outputs of the same weights and data in the next wider dtype, where a tolerance needs them.
    """

    case: Case
    text: str
    parameters: list[tuple[str, tuple[int, ...]]]
    num_parameters: int
    packed: dict[str, list[int]]
    weights: dict[str, Array]
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    wider: dict[str, Array]

    @property
    def config(self) -> LSTMConfig:
        return LSTMConfig(**self.case.config)

    @property
    def data(self) -> DataSpec:
        return DataSpec(self.case.seq_len, self.case.batch, self.case.lengths, self.case.dtype)

    @property
    def state(self) -> tuple[Array, Array] | None:
        return (self.inputs["h_0"], self.inputs["c_0"]) if self.case.state else None


GROUPS: Final = ("weights", "inputs", "outputs", "wider")


def save(path: Path, torch_version: str, recordings: Sequence[Recording]) -> None:
    """One compressed file, without pickles: a JSON index that names everything, and the numbers.

    The arrays of a group lie one after the other in `name/group`: a member of its own for each would mostly be headers.
    """
    index, members = [], {}
    for recording in recordings:
        groups = {group: getattr(recording, group) for group in GROUPS}
        for group, arrays in groups.items():
            if arrays:
                flat = np.concatenate([array.ravel() for array in arrays.values()])
                members[f"{recording.case.name}/{group}"] = flat
        index.append(
            {
                "case": recording.case._asdict(),
                "text": recording.text,
                "parameters": recording.parameters,
                "num_parameters": recording.num_parameters,
                "packed": recording.packed,
                "shapes": {
                    group: {name: array.shape for name, array in arrays.items()} for group, arrays in groups.items()
                },
            }
        )
    text = json.dumps({"torch": torch_version, "recordings": index})
    index_bytes = np.frombuffer(text.encode(), dtype=np.uint8)
    np.savez_compressed(path, allow_pickle=False, index=index_bytes, **members)


@cache
def load() -> tuple[str, dict[str, Recording]]:
    """The version of PyTorch, and what it computed, by name."""
    recordings = {}
    with np.load(FILE, allow_pickle=False) as file:
        index = json.loads(file["index"].tobytes())
        for entry in index["recordings"]:
            lengths = entry["case"].pop("lengths")
            case = Case(lengths=None if lengths is None else tuple(lengths), **entry["case"])
            recordings[case.name] = Recording(
                case,
                entry["text"],
                [(name, tuple(shape)) for name, shape in entry["parameters"]],
                entry["num_parameters"],
                entry["packed"],
                **{
                    group: _unflattened(file[f"{case.name}/{group}"], shapes) if shapes else {}
                    for group, shapes in entry["shapes"].items()
                },
            )
    return str(index["torch"]), recordings


def _unflattened(flat: Array, shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    arrays, start = {}, 0
    for name, shape in shapes.items():
        end = start + prod(shape)
        arrays[name] = flat[start:end].reshape(shape)
        start = end
    assert start == flat.size
    return arrays


def recorded(*names: str) -> list[Recording]:
    """The recordings of these names; of all names, without any."""
    _, recordings = load()
    return [recordings[name] for name in names or recordings]


def distance(ours: Array, theirs: Array) -> float:
    """The largest absolute difference; 0 if both are empty."""
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max(initial=0))


def tolerance(recording: Recording) -> float:
    """The distance that the two may have, in absolute terms."""
    if recording.case.dtype == "float64":
        return 1e-12
    if recording.case.dtype == "float16":
        # PyTorch rounds every gate, cell and h of every step to float16, we round once, at the end: the two are as far
        # apart as PyTorch is from its own float32 (0.4e-3 to 1.1e-3 in the recordings), and half a unit in the last
        # place more, which is 2**-10 below 4. `assert_rounded_once` is stricter on what we do.
        return own_distance(recording) + 2**-10
    if recording.wider:
        # How float32 rounds a long sum depends on its order, which is free: PyTorch is that far from its own float64.
        return max(1e-6, 4 * own_distance(recording))
    return 1e-6


def own_distance(recording: Recording) -> float:
    """The distance of PyTorch from itself in the next wider dtype."""
    return max(distance(recording.outputs[name], recording.wider[name]) for name in OUTPUTS)


def by_runner(
    config: LSTMConfig, weights: Mapping[str, Array], *arguments: Any, **named: Any
) -> tuple[Array, tuple[Array, Array]]:
    """The results of `forward`, computed by a runner."""
    return LSTMRunner(config, weights)(*arguments, **named)


FORWARDS: Final = (forward, by_runner)


def predict(
    recording: Recording,
    weights: Mapping[str, Array] | None = None,
    inputs: Mapping[str, Array] | None = None,
    *,
    compute: Callable[..., tuple[Array, tuple[Array, Array]]] = forward,
) -> dict[str, Array]:
    """The results of lstmcalc, from the recorded arrays or with other ones in the place of some."""
    given = {**recording.inputs, **(inputs or {})}
    state = (given["h_0"], given["c_0"]) if recording.case.state else None
    output, (h_n, c_n) = compute(
        recording.config, {**recording.weights, **(weights or {})}, given["input"], state, recording.case.lengths
    )
    return {"output": output, "h_n": h_n, "c_n": c_n}


def assert_agrees(recording: Recording, ours: Mapping[str, Array]) -> None:
    """The comparison: the same shapes, dtypes and, within the tolerance, numbers."""
    bound = tolerance(recording)
    for name, theirs in recording.outputs.items():
        assert ours[name].dtype == theirs.dtype, f"{recording.case.name}: {name} is {ours[name].dtype}"
        assert ours[name].shape == theirs.shape, f"{recording.case.name}: {name} is {ours[name].shape}"
        error = distance(ours[name], theirs)
        assert error <= bound, f"{recording.case.name}: {name} is off by {error:.3g}, more than {bound:.3g}"


def assert_rounded_once(recording: Recording, ours: Mapping[str, Array]) -> None:
    """Float16 is PyTorch's float32, rounded: within one unit in the last place, where the two round apart."""
    for name, wider in recording.wider.items():
        rounded = wider.astype(np.float16)
        largest = np.maximum(np.abs(rounded), np.abs(ours[name]))
        gap = np.abs(ours[name].astype(np.float32) - rounded.astype(np.float32))
        assert (gap <= np.spacing(largest)).all(), f"{recording.case.name}: {name} is not rounded once"


def assert_described(recording: Recording) -> None:
    """The model without computing: text, names, shapes, order and count, what goes in and comes out."""
    config, data, name = recording.config, recording.data, recording.case.name
    model = LSTMModel(config)
    assert str(config) == recording.text, f"{name}: {config} is not {recording.text}"
    parameters = [(parameter.name, parameter.shape) for parameter in model.parameters]
    assert parameters == recording.parameters, f"{name}: {parameters} are not {recording.parameters}"
    assert model.num_parameters == recording.num_parameters, f"{name}: {model.num_parameters} parameters"
    predicted = {tensor.name: tensor.shape for tensor in model.tensors_of(data)}
    found = {key: array.shape for key, array in {**recording.inputs, **recording.outputs}.items()}
    if recording.case.lengths is not None:
        found["packed.data"] = tuple(recording.packed["data_shape"])
        found["packed.batch_sizes"] = (len(recording.packed["batch_sizes"]),)
        assert list(data.batch_sizes) == recording.packed["batch_sizes"], f"{name}: batch_sizes"
        assert list(data.sorted_indices) == recording.packed["sorted_indices"], f"{name}: sorted_indices"
    if not recording.case.state:
        found |= {key: predicted[key] for key in STATES}
    assert predicted == found, f"{name}: {predicted} are not {found}"


def assert_states_mapped(recording: Recording) -> None:
    """Check that in PyTorch's own output `equals` is PyTorch's h_n to the last bit, and `differs` is not."""
    config, data, name = recording.config, recording.data, recording.case.name
    output, h_n = recording.outputs["output"], recording.outputs["h_n"]
    states = LSTMModel(config).states_of(data)
    directions = ("forward", "reverse")[: config.num_directions]
    expected = [(layer, direction) for layer in range(config.num_layers) for direction in directions]
    assert [(state.layer, state.direction) for state in states] == expected, f"{name}: the states' order"
    assert [state.position for state in states] == list(range(len(h_n))), f"{name}: the states' positions"
    for state in states:
        theirs = h_n[state.position]
        # `output` shows the last layer only.
        last = state.layer == config.num_layers - 1
        assert (state.equals is not None) == last, f"{name}: h_n[{state.position}] in output"
        if state.equals is not None:
            assert np.array_equal(output[state.equals], theirs), f"{name}: h_n[{state.position}] differs"
        if state.differs is not None:
            assert output[state.differs].shape == theirs.shape, f"{name}: h_n[{state.position}] has another shape"
            assert (output[state.differs] != theirs).any(), f"{name}: h_n[{state.position}] does not differ"
    steps = max(recording.case.lengths or (recording.case.seq_len,))
    traps = [state.direction for state in states if state.differs is not None]
    trap = config.bidirectional and steps > 1 and recording.case.batch != 0
    assert traps == (["reverse"] if trap else []), f"{name}: what h_n is mistaken for"


ORDERS: Final = tuple("".join(order) for order in permutations("ifgo"))
WRONG_ORDERS: Final = tuple(order for order in ORDERS if order != "ifgo")


def reordered(weights: Mapping[str, Array], order: str) -> dict[str, Array]:
    """The weights with the four blocks of rows in another order; a projection has no gates."""
    blocks = ["ifgo".index(letter) for letter in order]
    return {
        name: array if "weight_hr" in name else np.concatenate([np.split(array, 4)[block] for block in blocks])
        for name, array in weights.items()
    }


def random_case(seed: int) -> Case:
    """Any LSTM on any data, decided by the seed alone."""
    rng = np.random.default_rng(seed)

    def one_of(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    hidden = int(rng.integers(1, 9))
    # One in eight reads an input so wide that float32 sums of it are visibly inexact.
    wide = rng.random() < 1 / 8
    config = {
        "input_size": int(rng.integers(64 * hidden + 1, 128 * hidden + 2)) if wide else int(rng.integers(1, 10)),
        "hidden_size": hidden,
        "num_layers": int(one_of(1, 1, 2, 3, 4)),
        "bias": bool(one_of(True, True, False)),
        "batch_first": bool(one_of(True, False)),
        "dropout": float(one_of(0.0, 0.0, 0.25, 1.0)),
        "bidirectional": bool(one_of(True, False)),
        "proj_size": int(rng.integers(hidden)) if rng.random() < 1 / 3 else 0,
    }
    seq_len = int(rng.integers(1, 9))
    kind = one_of("batch", "batch", "packed", "packed", "unbatched", "empty" if rng.random() < 1 / 2 else "batch")
    batch = {"unbatched": None, "empty": 0}.get(kind, int(rng.integers(1, 6)))
    lengths = tuple(map(int, rng.integers(1, seq_len + 1, batch))) if kind == "packed" else None
    state, dtype = bool(one_of(True, True, False)), str(one_of("float32", "float64"))
    return Case(f"seed {seed}", config, seq_len, batch, lengths, state, dtype)
