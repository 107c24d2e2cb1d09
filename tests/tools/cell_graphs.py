"""ONNX graphs that compute an LSTM of products and functions, written in random ways, or something else by one thing."""

import random
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
FORMS = ("loop", "scan", "unrolled", "step", "packed")


class Writer:
    """A graph that computes an LSTM in one of many ways.

    Args:
        seed: The way.
        wrong: What it does otherwise; empty for an LSTM.
    """

    def __init__(self, seed: int, wrong: str = "") -> None:
        self.draw = random.Random(f"cells {seed}")  # noqa: S311  # cases, not secrets
        self.numbers = np.random.default_rng(seed)
        self.wrong = wrong
        self.form = FORMS[seed % len(FORMS)]
        self.names = count()
        self.steps, self.batch = self.draw.randint(2, 4), self.draw.randint(1, 3)
        self.width, self.hidden = self.draw.randint(1, 5), self.draw.randint(1, 5)
        if self.form == "step" and self.width == self.hidden:  # h is told from x by its width alone
            self.width += 1
        self.order = self.draw.sample("ifgo", 4)
        self.gates = self.draw.choice(("Sigmoid", "Sigmoid", "HardSigmoid"))
        self.cell = self.draw.choice(("Tanh", "Tanh", "Relu"))
        self.clip = self.draw.choice((0.0, 0.0, 0.5))
        self.biases = self.draw.choice((0, 1, 2))
        self.way = self.draw.choice(("two", "joined", "gates", "gemm"))
        self.tensors: list[Any] = []
        self.held: dict[str, str] = {}
        self.weights = {
            **{f"W{gate}": self.number(self.width, self.hidden) for gate in "ifgo"},
            **{f"U{gate}": self.number(self.hidden, self.hidden) for gate in "ifgo"},
            **{f"b{gate}": self.number(self.hidden) for gate in "ifgo"},
            **{f"e{gate}": self.number(self.hidden) for gate in "ifgo"},
        }

    def number(self, *shape: int) -> Any:
        return self.numbers.normal(0, 0.7, shape).astype(np.float32)

    def tensor(self, key: str, array: Any) -> str:
        """A tensor of the file, each once."""
        if key not in self.held:
            self.held[key] = f"{key}_{next(self.names)}"
            self.tensors.append(numpy_helper.from_array(np.array(array, order="C"), self.held[key]))
        return self.held[key]

    def node(self, nodes: list[Any], op: str, inputs: Sequence[str], outputs: int = 1, **settings: Any) -> list[str]:
        names = [f"{op}_{next(self.names)}" for _ in range(outputs)]
        nodes.append(helper.make_node(op, list(inputs), names, **settings))
        return names

    def both(self, nodes: list[Any], op: str, first: str, second: str) -> str:
        """Two operands in any order."""
        pair = [first, second]
        self.draw.shuffle(pair)
        return self.node(nodes, op, pair)[0]

    def joined(self, kind: str) -> Any:
        return np.concatenate([self.weights[f"{kind}{gate}"] for gate in self.order], -1)

    def sums(self, nodes: list[Any], x: str, h: str) -> dict[str, str]:
        """The sum that each gate's function is given."""
        if self.way == "gates":
            found = {}
            for gate in "ifgo":
                pair = [
                    self.node(nodes, "MatMul", [given, self.tensor(f"{kind}{gate}", self.weights[f"{kind}{gate}"])])[0]
                    for given, kind in ((x, "W"), (h, "U"))
                ]
                found[gate] = self.both(nodes, "Add", *pair)
                for kind in "be"[: self.biases]:
                    bias = self.tensor(f"{kind}{gate}", self.weights[f"{kind}{gate}"])
                    found[gate] = self.both(nodes, "Add", found[gate], bias)
            return found
        if self.way == "joined":
            whole = np.concatenate([self.joined("W"), self.joined("U")])
            both = self.node(nodes, "Concat", [x, h], axis=self.draw.choice((1, -1)))[0]
            z = self.node(nodes, "MatMul", [both, self.tensor("K", whole)])[0]
        else:
            parts = []
            for given, kind in ((x, "W"), (h, "U")):
                matrix = self.joined(kind)
                if self.way == "gemm":
                    swapped = self.draw.random() < 0.5
                    key = f"{kind}{'T' * swapped}"
                    held = self.tensor(key, matrix.T if swapped else matrix)
                    parts.append(self.node(nodes, "Gemm", [given, held], transB=int(swapped))[0])
                else:
                    parts.append(self.node(nodes, "MatMul", [given, self.tensor(kind, matrix)])[0])
            z = self.both(nodes, "Add", *parts)
        for kind in "be"[: self.biases]:
            z = self.both(nodes, "Add", z, self.tensor(kind, self.joined(kind)))
        return self.split(nodes, z)

    def split(self, nodes: list[Any], z: str) -> dict[str, str]:
        if self.draw.random() < 0.5:
            names = self.node(nodes, "Split", [z], 4, axis=self.draw.choice((1, -1)))
            return dict(zip(self.order, names, strict=True))
        found = {}
        for index, gate in enumerate(self.order):
            places = [np.array([edge * self.hidden]) for edge in (index, index + 1)]
            cut = [self.tensor(f"at{edge}", array) for edge, array in zip((index, index + 1), places, strict=True)]
            found[gate] = self.node(nodes, "Slice", [z, *cut, self.tensor("axis", np.array([1]))])[0]
        return found

    def function(self, nodes: list[Any], gate: str, value: str) -> str:
        op = self.cell if gate == "g" else self.gates
        if self.wrong == f"the function of {gate}":
            op = "Softsign"
        if op == "HardSigmoid" and self.draw.random() < 0.5:
            fifth, half = (self.tensor(f"n{number}", np.float32(number)) for number in (0.2, 0.5))
            line = self.both(nodes, "Add", self.both(nodes, "Mul", value, fifth), half)
            ends = [self.tensor(f"n{number}", np.float32(number)) for number in (0.0, 1.0)]
            return self.node(nodes, "Clip", [line, *ends])[0]
        return self.node(nodes, op, [value])[0]

    def step(self, nodes: list[Any], x: str, h: str, c: str) -> tuple[str, str]:
        """One step: the next h and c."""
        sums = self.sums(nodes, x, h)
        if self.wrong == "peepholes":
            sums["i"] = self.both(nodes, "Add", sums["i"], self.both(nodes, "Mul", c, self.tensor("p", self.number(1))))
        gates = {gate: self.function(nodes, gate, value) for gate, value in sums.items()}
        if self.wrong == "a coupled gate":
            one = self.tensor("one", np.float32(1))
            gates["f"] = self.node(nodes, "Sub", [one, gates["i"]])[0]
        kept = self.both(nodes, "Mul", gates["f"], c)
        new = self.both(nodes, "Mul", gates["i"], gates["g"])
        after = (
            self.node(nodes, "Sub", [kept, new])[0]
            if self.wrong == "a difference"
            else self.both(nodes, "Add", kept, new)
        )
        if self.clip:
            ends = [self.tensor(f"n{number}", np.float32(number)) for number in (-self.clip, self.clip)]
            after = self.node(nodes, "Clip", [after, *ends])[0]
        op = "Softsign" if self.wrong == "the function of c" else self.cell
        out = self.both(nodes, "Mul", gates["o"], self.node(nodes, op, [after])[0])
        return out, after

    def value(self, name: str, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, FLOAT, list(shape))

    def model(self) -> Any:
        """The model: X (L, N, width), h_0 and c_0 to the last h and c."""
        nodes: list[Any] = []
        inputs = [self.value("X", self.steps if self.form in FORMS[:3] else 1, self.batch, self.width)]
        states = [self.value(name, self.batch, self.hidden) for name in ("h_0", "c_0")]
        inputs += states if self.form != "packed" else [self.value("S", 2, self.batch, self.hidden)]
        h, c = getattr(self, f"_{self.form}")(nodes)
        for given, name in ((h, "h_n"), (c, "c_n")):
            nodes.append(helper.make_node("Identity", [given], [name]))
        outputs = [self.value(name, self.batch, self.hidden) for name in ("h_n", "c_n")]
        graph = helper.make_graph(nodes, "g", inputs, outputs, self.tensors)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(made)
        return made

    def _states(self, h: str, c: str) -> tuple[str, str]:
        """The states of the next step: in the wrong places if that is asked for."""
        return (c, h) if self.wrong == "h for c" else (h, c)

    def _unrolled(self, nodes: list[Any]) -> tuple[str, str]:
        names = self.node(nodes, "Split", ["X"], self.steps, axis=0)
        h, c = "h_0", "c_0"
        for name in names:
            x = self.node(nodes, "Squeeze", [name, self.tensor("first", np.array([0]))])[0]
            h, c = self._states(*self.step(nodes, x, h, c))
        return h, c

    def _step(self, nodes: list[Any]) -> tuple[str, str]:
        x = self.node(nodes, "Squeeze", ["X", self.tensor("first", np.array([0]))])[0]
        return self.step(nodes, x, "h_0", "c_0")

    def _packed(self, nodes: list[Any]) -> tuple[str, str]:
        """A step whose states are cut from one input, so that x may be as wide as h."""
        x = self.node(nodes, "Squeeze", ["X", self.tensor("first", np.array([0]))])[0]
        h, c = (self.node(nodes, "Gather", ["S", self.tensor(f"i{at}", np.array(at))], axis=0)[0] for at in (0, 1))
        return self.step(nodes, x, h, c)

    def _loop(self, nodes: list[Any]) -> tuple[str, str]:
        inner: list[Any] = []
        x = self.node(inner, "Gather", ["X", "at"], axis=0)[0]
        h, c = self._states(*self.step(inner, x, "h", "c"))
        again = self.node(inner, "Identity", ["go"])[0]
        names = [self.node(inner, "Identity", [value])[0] for value in (h, c)]
        given = [
            helper.make_tensor_value_info("at", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            self.value("h", self.batch, self.hidden),
            self.value("c", self.batch, self.hidden),
        ]
        results = [helper.make_tensor_value_info(again, TensorProto.BOOL, [])]
        results += [self.value(name, self.batch, self.hidden) for name in names]
        body = helper.make_graph(inner, "body", given, results)
        times, true = self.tensor("times", np.array(self.steps)), self.tensor("true", np.array(True))
        h, c = self.node(nodes, "Loop", [times, true, "h_0", "c_0"], 2, body=body)
        return h, c

    def _scan(self, nodes: list[Any]) -> tuple[str, str]:
        inner: list[Any] = []
        h, c = self._states(*self.step(inner, "x", "h", "c"))
        names = [self.node(inner, "Identity", [value])[0] for value in (h, c)]
        states = [self.value(name, self.batch, self.hidden) for name in ("h", "c")]
        results = [self.value(name, self.batch, self.hidden) for name in names]
        body = helper.make_graph(inner, "body", [*states, self.value("x", self.batch, self.width)], results)
        h, c = self.node(nodes, "Scan", ["h_0", "c_0", "X"], 2, body=body, num_scan_inputs=1)
        return h, c
