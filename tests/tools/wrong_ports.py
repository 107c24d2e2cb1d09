"""An LSTM as a port computes it, with the mistakes that ports have: plain loops, one number of a sequence at a time.

Nothing of `lstmcalc` computes here: what the search explains is held against this. Weights are PyTorch's, by name, and
each mistake is made as people make it: `np.split` in the wrong order, `reshape` for a transposition, a forgotten flip.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np

from lstmcalc import LSTMConfig

Array = Any


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


@dataclass
class Port:
    """A port: what it was given, and the choices that it makes."""

    config: LSTMConfig
    weights: dict[str, Array]
    x: Array  # (L, N, H_in)
    h_0: Array
    c_0: Array
    lengths: list[int] | None = None
    other: dict[str, Array] | None = None
    order: dict[str, str] = field(default_factory=lambda: {"ih": "ifgo", "hh": "ifgo", "bias": "ifgo"})
    gate: Callable[[Array], Array] = sigmoid
    squash: Callable[[Array], Array] = np.tanh
    output_squash: Callable[[Array], Array] | None = None  # of c; None for `squash`
    offset: float = 0.0
    add_biases: Callable[[Array, Array], Array] = np.add
    flips: bool = True  # the reverse direction reads backwards
    flips_back: bool = True
    join: Callable[[list[Array], bool], Array] = lambda halves, _: np.concatenate(halves, axis=-1)
    layers: Callable[[int], Sequence[int]] = range
    projects: str = "yes"
    calls: int = 1
    chained: bool = False
    after: list[Callable[[dict[str, Array]], dict[str, Array]]] = field(default_factory=list)

    def run(self) -> dict[str, Array]:
        """output (L, N, D*H), h_n and c_n."""
        results = self.call(self.h_0, self.c_0)
        for _ in range(self.calls - 1):
            h, c = self.h_0.copy(), self.c_0.copy()
            ways = self.config.num_directions
            rows = [layer * ways + d for layer in self.layers(self.config.num_layers) for d in range(ways)]
            h[rows], c[rows] = results["h_n"], results["c_n"]
            results = self.call(h, c)
        for change in self.after:
            results = change(results)
        return results

    def call(self, h_0: Array, c_0: Array) -> dict[str, Array]:
        outputs, h_n, c_n = [], [], []
        before = None
        for n in range(self.x.shape[1]):
            state = (h_0[:, n], c_0[:, n]) if before is None or not self.chained else before
            length = self.lengths[n] if self.lengths else len(self.x)
            output, before = self.sequence(self.x[:length, n], *state)
            rest = np.zeros((len(self.x) - length, output.shape[1]))
            outputs.append(np.concatenate([output, rest]))
            h_n.append(before[0])
            c_n.append(before[1])
        return {"output": np.stack(outputs, 1), "h_n": np.stack(h_n, 1), "c_n": np.stack(c_n, 1)}

    def sequence(self, x: Array, h_0: Array, c_0: Array) -> tuple[Array, tuple[Array, Array]]:
        ways, h_n, c_n = self.config.num_directions, [], []
        layers = list(self.layers(self.config.num_layers))
        for layer in layers:
            halves = []
            for d in range(ways):
                reads = x[::-1] if d and self.flips else x
                k = layer * ways + d
                half, h, c = self.direction(
                    reads, h_0[k], c_0[k], f"l{layer}" + "_reverse" * d, last=layer == layers[-1]
                )
                halves.append(half[::-1] if d and self.flips and self.flips_back else half)
                h_n.append(h)
                c_n.append(c)
            x = self.join(halves, layer == layers[-1])
        return x, (np.stack(h_n), np.stack(c_n))

    def direction(self, x: Array, h: Array, c: Array, name: str, *, last: bool) -> tuple[Array, Array, Array]:
        w = self.weights
        zeros = np.zeros(4 * len(c))
        b_ih, b_hh = w.get(f"bias_ih_{name}", zeros), w.get(f"bias_hh_{name}", zeros)
        bias = self.named(self.add_biases(b_ih, b_hh), "bias")
        out = []
        for x_t in x:
            from_x = self.named(w[f"weight_ih_{name}"] @ x_t, "ih")
            from_h = self.named(w[f"weight_hh_{name}"] @ h, "hh")
            a = {letter: from_x[letter] + from_h[letter] + bias[letter] for letter in "ifgo"}
            i, f, o = self.gate(a["i"]), self.gate(a["f"] + self.offset), self.gate(a["o"])
            c = f * c + i * self.squash(a["g"])
            m = o * (self.output_squash or self.squash)(c)
            h = m
            if self.config.proj_size:
                h = m[: self.config.proj_size] if self.projects == "cut" else w[f"weight_hr_{name}"] @ m
            out.append(m if last and self.projects == "none" else h)
        return np.stack(out), h, c

    def named(self, rows: Array, part: str) -> dict[str, Array]:
        """The rows of each gate, as the port takes them apart."""
        return dict(zip(self.order[part], np.split(rows, 4), strict=True))


def edit(port: Port, stem: str, change: Callable[[Array], Array]) -> None:
    port.weights = {name: change(array) if name.startswith(stem) else array for name, array in port.weights.items()}


ORDERS = ["".join(order) for order in permutations("ifgo") if "".join(order) != "ifgo"]


def wrong_order(order: str, *parts: str) -> Callable[[Port], None]:
    return lambda port: port.order.update(dict.fromkeys(parts, order))


def choose(**fields: Any) -> Callable[[Port], None]:
    def change(port: Port) -> None:
        for name, value in fields.items():
            setattr(port, name, value)

    return change


def hard(slope: float) -> Callable[[Array], Array]:
    return lambda a: np.clip(slope * a + 0.5, 0, 1)


def relu(a: Array) -> Array:
    return np.maximum(a, 0)


def interleave(port: Port) -> None:
    """Unit by unit in place of gate by gate."""
    edit(port, "weight_ih", lambda w: w.reshape(-1, 4, w.shape[1]).swapaxes(0, 1).reshape(w.shape))
    edit(port, "weight_hh", lambda w: w.reshape(-1, 4, w.shape[1]).swapaxes(0, 1).reshape(w.shape))
    edit(port, "bias", lambda b: b.reshape(-1, 4).T.reshape(-1))


def blocks(port: Port) -> None:
    for stem in ("weight_ih", "weight_hh"):
        edit(port, stem, lambda w: w.reshape(4, -1, w.shape[1]).swapaxes(0, 1).reshape(w.shape))
    edit(port, "bias", lambda b: b.reshape(4, -1).T.reshape(-1))


def transpose_gates(stem: str) -> Callable[[Port], None]:
    def change(w: Array) -> Array:
        return w if w.shape[0] != 4 * w.shape[1] else np.concatenate([block.T for block in np.split(w, 4)])

    return lambda port: edit(port, stem, change)


def reshape_whole(stem: str) -> Callable[[Port], None]:
    return lambda port: edit(port, stem, lambda w: np.ascontiguousarray(w.T).reshape(w.shape))


def swap_matrices(port: Port) -> None:
    new = dict(port.weights)
    for name, array in port.weights.items():
        twin = name.replace("_ih_", "_hh_") if "weight_ih" in name else name.replace("_hh_", "_ih_")
        if name.startswith(("weight_ih", "weight_hh")) and port.weights[twin].shape == array.shape:
            new[name] = port.weights[twin]
    port.weights = new


def cast(dtype: str) -> Callable[[Port], None]:
    import ml_dtypes

    kinds = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
    return lambda port: edit(port, "", lambda w: w.astype(np.float32).astype(kinds[dtype]).astype(np.float64))


def quantize(*, channel: bool) -> Callable[[Port], None]:
    def change(w: Array) -> Array:
        rows = w if channel else w.reshape(1, -1)
        scales = [max(abs(row)) / 127 or 1.0 for row in rows]
        whole = [np.rint(row / scale) * scale for row, scale in zip(rows, scales, strict=True)]
        return np.array(whole).reshape(w.shape)

    return lambda port: edit(port, "weight", change)


def swap_directions(port: Port) -> None:
    turned = {}
    for name, array in port.weights.items():
        turned[name.removesuffix("_reverse") if name.endswith("_reverse") else f"{name}_reverse"] = array
    port.weights = turned


def halves_swapped(halves: list[Array], last: bool) -> Array:
    return np.concatenate(halves[::-1] if last else halves, axis=-1)


def all_halves_swapped(halves: list[Array], last: bool) -> Array:
    return np.concatenate(halves[::-1], axis=-1)


def summed(halves: list[Array], last: bool) -> Array:
    return halves[0] + halves[1] if last else np.concatenate(halves, axis=-1)


def averaged(halves: list[Array], last: bool) -> Array:
    return (halves[0] + halves[1]) / 2 if last else np.concatenate(halves, axis=-1)


def swap_states(port: Port) -> None:
    port.h_0, port.c_0 = port.c_0, port.h_0


def swap_returned(port: Port) -> None:
    port.after.append(lambda r: {**r, "h_n": r["c_n"], "c_n": r["h_n"]})


def zero_states(port: Port) -> None:
    port.h_0, port.c_0 = np.zeros_like(port.h_0), np.zeros_like(port.c_0)


def view_states(port: Port) -> None:
    k, n = port.h_0.shape[:2]
    port.h_0, port.c_0 = (np.ascontiguousarray(s).reshape(n, k, -1).transpose(1, 0, 2) for s in (port.h_0, port.c_0))


def fold_states(port: Port) -> None:
    port.h_0, port.c_0 = (np.ascontiguousarray(s.transpose(1, 0, 2)).reshape(s.shape) for s in (port.h_0, port.c_0))


def swap_batch_and_time(port: Port) -> None:
    steps, batch = port.x.shape[:2]
    port.x, port.lengths = port.x.transpose(1, 0, 2), None
    if steps != batch:
        port.h_0 = np.zeros((len(port.h_0), steps, port.h_0.shape[2]))
        port.c_0 = np.zeros((len(port.c_0), steps, port.c_0.shape[2]))
    port.after.append(lambda r: {**r, "output": r["output"].transpose(1, 0, 2)})


def reorder(order: Callable[[Port], Sequence[int]]) -> Callable[[Port], None]:
    def change(port: Port) -> None:
        picked = list(order(port))
        port.after.append(lambda r: {name: array[:, picked] for name, array in r.items()})

    return change


def by_length(port: Port) -> Sequence[int]:
    lengths = port.lengths or []
    return sorted(range(len(lengths)), key=lambda n: -lengths[n])


def any_order(port: Port) -> Sequence[int]:
    count = port.x.shape[1]
    return [(n + 1) % count for n in range(count)]


def longer(by: int) -> Callable[[Port], None]:
    def change(port: Port) -> None:
        port.lengths = [min(len(port.x), max(1, length + by)) for length in port.lengths or []]

    return change


def use_other(port: Port) -> None:
    assert port.other is not None
    port.weights = port.other


Make = Callable[[Port], None]


def _of_weights() -> Iterator[tuple[str, str, Make]]:
    yield "other-weights", "", use_other
    for dtype in ("float16", "bfloat16"):
        yield f"cast:{dtype}", "", cast(dtype)
    yield "cast:int8-tensor", "", quantize(channel=False)
    yield "cast:int8-channel", "", quantize(channel=True)
    yield "gates-interleaved", "interleaved", interleave
    yield "gates-interleaved", "blocks", blocks
    yield "input-transposed", "square", transpose_gates("weight_ih")
    yield "input-transposed", "reshaped", reshape_whole("weight_ih")
    yield "recurrent-transposed", "square", transpose_gates("weight_hh")
    yield "recurrent-transposed", "reshaped", reshape_whole("weight_hh")
    yield "matrices-swapped", "", swap_matrices
    for order in ORDERS:
        yield f"gate-order:{order}", "", wrong_order(order, "ih", "hh", "bias")
        yield f"gate-order-input:{order}", "", wrong_order(order, "ih")
        yield f"gate-order-recurrent:{order}", "", wrong_order(order, "hh")
        yield f"gate-order-bias:{order}", "", wrong_order(order, "bias")


def _of_cells() -> Iterator[tuple[str, str, Make]]:
    yield "bias-lost:ih", "", choose(add_biases=lambda _, b_hh: b_hh)
    yield "bias-lost:hh", "", choose(add_biases=lambda b_ih, _: b_ih)
    yield "bias-doubled", "both", choose(add_biases=lambda b_ih, b_hh: (b_ih + b_hh) + (b_ih + b_hh))
    yield "bias-doubled", "ih", choose(add_biases=lambda b_ih, _: b_ih + b_ih)
    yield "bias-doubled", "hh", choose(add_biases=lambda _, b_hh: b_hh + b_hh)
    yield "bias-ignored", "", choose(add_biases=lambda b_ih, _: 0 * b_ih)
    yield "forget-offset:+1", "", choose(offset=1.0)
    yield "forget-offset:-1", "", choose(offset=-1.0)
    yield "hard-sigmoid:0.2", "", choose(gate=hard(0.2))
    yield "hard-sigmoid:1/6", "", choose(gate=hard(1 / 6))
    yield "relu-for-tanh", "", choose(squash=relu)
    yield "sigmoid-for-hard-sigmoid", "", choose(gate=sigmoid)
    yield "tanh-for-relu", "", choose(squash=np.tanh)
    yield "no-output-tanh", "", choose(output_squash=lambda c: c)


def _of_data() -> Iterator[tuple[str, str, Make]]:
    yield "reverse-read-forward", "", choose(flips=False)
    yield "reverse-left-reversed", "", choose(flips_back=False)
    yield "halves-swapped", "last", choose(join=halves_swapped)
    yield "halves-swapped", "all", choose(join=all_halves_swapped)
    yield "directions-swapped", "", swap_directions
    yield "directions-summed", "", choose(join=summed)
    yield "directions-averaged", "", choose(join=averaged)
    yield "first-layer-only", "", choose(layers=lambda _: [0])
    yield "last-layer-only", "", choose(layers=lambda count: [count - 1])
    yield "lower-layer-output:1", "", choose(layers=lambda _: [0, 1])
    yield "no-projection", "none", choose(projects="none")
    yield "no-projection", "cut", choose(projects="cut")
    yield "h-c-swapped", "given", swap_states
    yield "h-c-swapped", "returned", swap_returned
    yield "states-ignored", "", zero_states
    yield "states-batch-first", "viewed", view_states
    yield "states-batch-first", "folded", fold_states
    yield "states-carried", "call", choose(calls=2)
    yield "states-carried", "sequences", choose(chained=True)
    yield "batch-time-swapped", "", swap_batch_and_time
    yield "sequence-order", "sorted", reorder(by_length)
    yield "sequence-order", "reversed", reorder(lambda port: range(port.x.shape[1])[::-1])
    yield "sequence-order", "other", reorder(any_order)
    yield "padding-not-masked", "", choose(lengths=None)
    yield "lengths-off-by-one", "shorter", longer(-1)
    yield "lengths-off-by-one", "longer", longer(1)


def mistakes() -> Iterator[tuple[str, str, Make]]:
    """The name of each mistake, its form, and what makes it."""
    yield from _of_weights()
    yield from _of_cells()
    yield from _of_data()
