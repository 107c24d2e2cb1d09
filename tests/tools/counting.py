"""An LSTM in NumPy that counts what it computes, forward and backward: written from the equations, for tests alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.model.lstm import LSTMModel
from lstmcalc.spec.config import DataSpec, LSTMConfig

Array: TypeAlias = np.ndarray[Any, Any]
counts: Counter[str] = Counter()
_OPERATIONS: dict[np.ufunc, str] = {np.add: "add", np.subtract: "add", np.multiply: "multiply", np.tanh: "tanh"}


class Counted(np.ndarray[Any, Any]):
    """An array that counts every number that is made of it, by operation; a matrix product counts its MACs."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [np.asarray(value) for value in inputs]
        result = getattr(ufunc, method)(*arrays, **options)
        if ufunc is np.matmul:
            (rows, inner), (_, columns) = (array.shape for array in arrays)
            counts["macs"] += rows * inner * columns
        elif method == "reduce":  # n numbers make one with n - 1 additions
            counts["add"] += arrays[0].size - result.size
        else:
            counts[_OPERATIONS[ufunc]] += result.size
        return np.asarray(result).view(Counted)


def counted(array: Array) -> Array:
    return array.view(Counted)


def sigmoid(values: Array) -> Array:
    counts["sigmoid"] += values.size
    return counted(1 / (1 + np.exp(-np.asarray(values))))


class Step(NamedTuple):
    """The reads and computations of one step of one layer and direction."""

    x: Array
    h: Array
    c: Array
    i: Array
    f: Array
    g: Array
    o: Array
    new_c: Array
    tanh_c: Array
    m: Array


class Direction:
    """One layer in one direction, on a batch that is sorted by length, the longest first.

    `sizes[t]` sequences have a step t. `weights` are that direction's, by their names without layer and direction.
    """

    def __init__(self, weights: Mapping[str, Array], sizes: Sequence[int], *, reverse: bool) -> None:
        self.weights = weights
        self.sizes = sizes
        self.order = range(len(sizes))[:: -1 if reverse else 1]
        self.steps: dict[int, Step] = {}

    def forward(self, xs: list[Array]) -> list[Array]:
        """h of every step."""
        weights, batch = self.weights, self.sizes[0]
        width, cells = weights["weight_hh"].shape[1], weights["weight_hh"].shape[0] // 4
        all_h, all_c = np.zeros((batch, width)), np.zeros((batch, cells))
        hs: list[Array] = [np.zeros(0)] * len(self.sizes)
        for t in self.order:
            rows = self.sizes[t]
            h, c = counted(all_h[:rows].copy()), counted(all_c[:rows].copy())
            from_x = counted(xs[t]) @ weights["weight_ih"].T
            from_h = h @ weights["weight_hh"].T
            if "bias_ih" in weights:
                from_x, from_h = from_x + weights["bias_ih"], from_h + weights["bias_hh"]
            i, f, g, o = np.split(from_x + from_h, 4, axis=1)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(counted(g)), sigmoid(o)
            new_c = f * c + i * g
            tanh_c = np.tanh(new_c)
            m = o * tanh_c
            new_h = m @ weights["weight_hr"].T if "weight_hr" in weights else m
            self.steps[t] = Step(xs[t], h, c, i, f, g, o, new_c, tanh_c, m)
            all_h[:rows], all_c[:rows] = new_h, new_c
            hs[t] = new_h
        return hs

    def backward(self, d_hs: list[Array], *, fused: bool, input_grad: bool) -> tuple[dict[str, Array], list[Array]]:
        """The gradients of the weights and, if they are asked for, of the input; without `fused` no others."""
        weights, batch = self.weights, self.sizes[0]
        next_dh = np.zeros((batch, weights["weight_hh"].shape[1]))
        next_dc = np.zeros((batch, weights["weight_hh"].shape[0] // 4))
        kept: dict[str, list[Array]] = {name: [] for name in ("gates", "x", "h", "dh", "m")}
        d_xs: list[Array] = [np.zeros(0)] * len(self.sizes)
        d_bias = counted(np.zeros(weights["weight_hh"].shape[0]))
        for t in reversed(self.order):
            step, rows = self.steps[t], self.sizes[t]
            dh = counted(d_hs[t]) + next_dh[:rows]
            dm = dh @ weights["weight_hr"] if "weight_hr" in weights else dh
            tanh_c = np.tanh(step.new_c) if fused else step.tanh_c
            do = dm * tanh_c
            dc = next_dc[:rows] + dm * step.o * (1 - tanh_c * tanh_c)
            di, dg, df = dc * step.g, dc * step.i, dc * step.c
            gates = np.concatenate(
                [
                    di * (step.i * (1 - step.i)),
                    df * (step.f * (1 - step.f)),
                    dg * (1 - step.g * step.g),
                    do * (step.o * (1 - step.o)),
                ],
                axis=1,
            ).view(Counted)
            if "bias_ih" in weights:
                d_bias = d_bias + gates.sum(axis=0)
            if fused or input_grad:
                d_xs[t] = gates @ weights["weight_ih"]
            next_dc[:rows] = dc * step.f
            if fused or t != self.order[0]:
                next_dh[:rows] = gates @ weights["weight_hh"]
            for name, value in (("gates", gates), ("x", step.x), ("h", step.h), ("dh", dh), ("m", step.m)):
                kept[name].append(np.asarray(value))
        whole = {name: counted(np.concatenate(values)) for name, values in kept.items()}
        found = {"weight_ih": whole["gates"].T @ whole["x"], "weight_hh": whole["gates"].T @ whole["h"]}
        if "bias_ih" in weights:
            found["bias_ih"] = found["bias_hh"] = d_bias
        if "weight_hr" in weights:
            found["weight_hr"] = whole["dh"].T @ whole["m"]
        return found, d_xs


class CountedLSTM:
    """An LSTM on a batch of sequences that is sorted by length; each step is `(sequences, features)`."""

    def __init__(self, config: LSTMConfig, data: DataSpec, weights: Mapping[str, Array]) -> None:
        self.config = config
        self.sizes = data.batch_sizes
        self.layers = [
            [self._direction(weights, f"_l{layer}{end}", reverse=bool(end)) for end in self._ends]
            for layer in range(config.num_layers)
        ]

    @property
    def _ends(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.config.bidirectional else ("",)

    def _direction(self, weights: Mapping[str, Array], end: str, *, reverse: bool) -> Direction:
        own = {name[: -len(end)]: value for name, value in weights.items() if name.endswith(end)}
        return Direction(own, self.sizes, reverse=reverse)

    def forward(self, xs: list[Array]) -> list[Array]:
        """The output of every step."""
        for directions in self.layers:
            halves = [direction.forward(xs) for direction in directions]
            xs = [np.concatenate(parts, axis=1) for parts in zip(*halves, strict=True)]
        return xs

    def backward(
        self, d_outputs: list[Array], *, fused: bool, input_grad: bool
    ) -> tuple[dict[str, Array], list[Array]]:
        """The gradients of every weight, by PyTorch's names, and of the input."""
        found: dict[str, Array] = {}
        width = self.config.output_size
        for layer in reversed(range(self.config.num_layers)):
            parts = []
            for number, (direction, end) in enumerate(zip(self.layers[layer], self._ends, strict=True)):
                own = [np.asarray(step)[:, number * width : (number + 1) * width] for step in d_outputs]
                gradients, d_xs = direction.backward(own, fused=fused, input_grad=input_grad or layer > 0)
                found |= {f"{name}_l{layer}{end}": np.asarray(value) for name, value in gradients.items()}
                parts.append(d_xs)
            added = len(parts) > 1 and (fused or input_grad or layer > 0)
            d_outputs = [a + b for a, b in zip(*parts, strict=True)] if added else parts[0]
        return found, d_outputs


def random_weights(config: LSTMConfig, rng: np.random.Generator) -> dict[str, Array]:
    """Every parameter, uniform."""
    return {row.name: rng.uniform(-0.5, 0.5, row.shape) for row in LSTMModel(config).parameters}
