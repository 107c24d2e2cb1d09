"""The time of the forward pass, beside PyTorch, ONNX Runtime and the bare matrix products.

Each contender has a process of its own, started once. They are asked in turn, A B C A B C ..., for blocks of calls of
about as long, so that a noisy machine slows all of them alike; while one computes the others wait. Printed are median
milliseconds, and medians of the ratios of neighbours.

    python benchmarks/forward.py [--threads 1,2] [--rounds 15] [--only 3,7] [--busy]
    python benchmarks/forward.py --against PATH [--threads 1] [--rounds 7]
    python benchmarks/forward.py --memory

- torch: `torch.nn.LSTM` in eval mode, without gradients.
- onnxruntime: a model of one LSTM node for each layer.
- floor: what the products alone take in NumPy: one for the input of each layer and direction, and one for each step.
  Of two ways to lay out the weights the faster one, in OpenBLAS's own threads if there are any.
- runner: `LSTMRunner`, whose weights are prepared before. forward: `forward`, the plain one.

With --against only runner and forward are measured, each against its own in another checkout of lstmcalc.

With --busy another process computes all the time.

PyTorch, ONNX Runtime and threadpoolctl come with the extra `benchmarks`.
"""

import argparse
import multiprocessing
import os
import sys
import tracemalloc
from collections.abc import Callable
from math import exp, log
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

BLOCK = 0.03  # seconds of calls that are measured together
REST = 0.1  # seconds before them, in which the threads of the one before cease to spin
CONTENDERS = ("torch", "onnxruntime", "floor", "runner", "forward")


class Case(NamedTuple):
    """One LSTM and its data."""

    reads: int
    hidden: int
    layers: int
    directions: int
    steps: int
    batch: int

    def __str__(self) -> str:
        return f"{self.reads}, {self.hidden}, {self.layers}, {self.directions}; {self.steps}, {self.batch}"


CASES = (
    Case(10, 20, 2, 1, 5, 3),
    Case(10, 20, 2, 2, 5, 3),
    Case(28, 128, 1, 1, 28, 64),
    Case(300, 512, 2, 1, 100, 1),
    Case(300, 512, 2, 2, 100, 32),
    Case(128, 256, 2, 2, 200, 8),
    Case(512, 1024, 1, 1, 50, 16),
    Case(64, 64, 4, 2, 500, 1),
    Case(40, 256, 3, 1, 160, 1),
)


def arrays(case: Case) -> tuple[Any, dict[str, "np.ndarray[Any, Any]"], dict[str, "np.ndarray[Any, Any]"]]:
    """The config, weights and inputs of a case: the same in every process."""
    from lstmcalc import LSTMConfig, TorchGenerator, random_weights  # public names, which other checkouts have too

    config = LSTMConfig(case.reads, case.hidden, case.layers, bidirectional=case.directions > 1)
    generator = TorchGenerator(0)
    weights = random_weights(config, generator)
    state = (case.layers * case.directions, case.batch, case.hidden)
    shapes = {"input": (case.steps, case.batch, case.reads), "h_0": state, "c_0": state}
    return config, weights, {name: generator.normal(shape) for name, shape in shapes.items()}


def of_torch(case: Case, threads: int) -> Callable[[], object]:
    """A call of `torch.nn.LSTM`."""
    import torch

    torch.set_num_threads(threads)
    _, weights, inputs = arrays(case)
    lstm = torch.nn.LSTM(case.reads, case.hidden, case.layers, bidirectional=case.directions > 1).eval()
    lstm.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    x, h, c = (torch.from_numpy(array) for array in inputs.values())

    def call() -> object:
        with torch.no_grad():
            return lstm(x, (h, c))

    return call


def of_onnxruntime(case: Case, threads: int) -> Callable[[], object]:
    """A call of ONNX Runtime."""
    import onnxruntime

    from lstmcalc import DataSpec
    from lstmcalc.proof.judges import onnx_model

    config, weights, inputs = arrays(case)
    model = onnx_model(config, DataSpec(case.steps, case.batch), weights).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    feeds = {"X": inputs["input"], "h_0": inputs["h_0"], "c_0": inputs["c_0"]}
    return lambda: session.run(None, feeds)


def of_floor(case: Case, threads: int) -> Callable[[], object]:
    """The products alone, rows times columns or columns times rows, whichever is faster."""
    import numpy as np

    from lstmcalc.numerics.blas import threads_of_blas
    from lstmcalc.numerics.fast.arrangement import aligned

    generator = np.random.default_rng(0)

    def numbers(*shape: int) -> "np.ndarray[Any, Any]":
        array = aligned(shape, np.dtype(np.float32))
        array[...] = generator.standard_normal(shape)
        return array

    hidden, gates = case.hidden, 4 * case.hidden
    xs = [numbers(case.steps * case.batch, reads) for reads in (case.reads, case.directions * hidden)]
    inputs = [numbers(len(x[0]), gates) for x in xs]
    ahead = numbers(case.steps * case.batch, gates)
    h, across, out, down = (
        numbers(case.batch, hidden),
        numbers(hidden, case.batch),
        numbers(case.batch, gates),
        numbers(gates, case.batch),
    )
    cells = case.layers * case.directions
    right, left = [numbers(hidden, gates) for _ in range(cells)], [numbers(gates, hidden) for _ in range(cells)]

    def call(step: Callable[[int], object]) -> None:
        for cell in range(cells):
            deep = int(cell >= case.directions)
            np.matmul(xs[deep], inputs[deep], out=ahead)
            for _ in range(case.steps):
                step(cell)

    ways = [
        lambda: call(lambda cell: np.matmul(h, right[cell], out=out)),
        lambda: call(lambda cell: np.matmul(left[cell], across, out=down)),
    ]

    def timed(way: Callable[[], object]) -> float:
        way()
        start = perf_counter()
        way()
        return perf_counter() - start

    def limited(way: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            with threads_of_blas(threads):
                way()

        return run

    return min(map(limited, ways), key=timed)


def of_runner(case: Case, threads: int) -> Callable[[], object]:
    """A call with weights that are prepared."""
    from lstmcalc import LSTMRunner

    config, weights, inputs = arrays(case)
    runner = LSTMRunner(config, weights, threads)
    return lambda: runner(inputs["input"], (inputs["h_0"], inputs["c_0"]))


def of_forward(case: Case, threads: int) -> Callable[[], object]:
    """A call that prepares the weights."""
    from lstmcalc import forward

    config, weights, inputs = arrays(case)
    return lambda: forward(config, weights, inputs["input"], (inputs["h_0"], inputs["c_0"]), threads=threads)


def contend(name: str, threads: int, line: Connection, checkout: str = "") -> None:
    """One process: takes cases, and asks for blocks of calls of one, of the lstmcalc in `checkout` if one is given."""
    if checkout:
        sys.path.insert(0, checkout)
    make = {
        "torch": of_torch,
        "onnxruntime": of_onnxruntime,
        "floor": of_floor,
        "runner": of_runner,
        "forward": of_forward,
    }[name]
    call: Callable[[], object] = lambda: None  # noqa: E731
    count = 1
    while True:
        asked = line.recv()
        if asked is None:
            return
        if asked != "block":
            call, count = make(asked, threads), 1
            call()
            start = perf_counter()
            call()
            count = max(1, round(BLOCK / (perf_counter() - start)))
        start = perf_counter()
        for _ in range(count):
            call()
        line.send((perf_counter() - start) / count)


def measure(cases: list[Case], threads: int, rounds: int) -> None:
    """Print one table."""
    spawn = multiprocessing.get_context("spawn")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    lines: dict[str, Connection] = {}
    for name in CONTENDERS:
        lines[name], theirs = spawn.Pipe()
        spawn.Process(target=contend, args=(name, threads, theirs), daemon=True).start()
    print(f"\n{threads} thread{'s' * (threads > 1)}; {rounds} interleaved rounds; (I, H, layers, D; L, N)\n")
    ratios = [(one, other) for one in CONTENDERS[3:] for other in CONTENDERS[:3]]
    print(f"{'':30}{'milliseconds':50}{'runner against':27}forward against")
    print(f"{'':24}" + "".join(f"{name[:8]:>10}" for name in CONTENDERS) + "".join(f"{to[:8]:>9}" for _, to in ratios))
    found: dict[tuple[str, str], list[float]] = {pair: [] for pair in ratios}
    for case in cases:
        for line in lines.values():  # one after the other: warm
            line.send(case)
            line.recv()
        taken: dict[str, list[float]] = {name: [] for name in lines}
        for _ in range(rounds):
            for name, line in lines.items():
                sleep(REST)
                line.send("block")
                taken[name].append(line.recv())
        for one, other in ratios:
            found[one, other].append(median(a / b for a, b in zip(taken[one], taken[other], strict=True)))
        milliseconds = "".join(f"{median(taken[name]) * 1000:10.3f}" for name in CONTENDERS)
        print(f"{case!s:24}{milliseconds}" + "".join(f"{found[pair][-1]:9.2f}" for pair in ratios), flush=True)
    means = {pair: exp(sum(map(log, values)) / len(values)) for pair, values in found.items()}
    print(f"{'geometric mean':74}" + "".join(f"{means[pair]:9.2f}" for pair in ratios), flush=True)
    for line in lines.values():
        line.send(None)


def measure_against(checkout: str, cases: list[Case], threads: int, rounds: int) -> None:
    """Print how many times as long this lstmcalc takes as the one in another checkout."""
    spawn = multiprocessing.get_context("spawn")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    here = str(Path(__file__).resolve().parent.parent)
    lines: dict[tuple[str, str], Connection] = {}
    for name in CONTENDERS[3:]:
        for path in (checkout, here):
            lines[name, path], theirs = spawn.Pipe()
            spawn.Process(target=contend, args=(name, threads, theirs, path), daemon=True).start()
    print(f"\n{threads} thread{'s' * (threads > 1)}; {rounds} interleaved rounds; times as long as in {checkout}\n")
    print(f"{'':24}" + "".join(f"{name:>10}" for name in CONTENDERS[3:]))
    found: dict[str, list[float]] = {name: [] for name in CONTENDERS[3:]}
    for case in cases:
        for line in lines.values():
            line.send(case)
            line.recv()
        taken: dict[tuple[str, str], list[float]] = {pair: [] for pair in lines}
        for _ in range(rounds):
            for pair, line in lines.items():
                sleep(REST if threads > 1 else 0)
                line.send("block")
                taken[pair].append(line.recv())
        for name, ratios in found.items():
            ratios.append(median(a / b for a, b in zip(taken[name, here], taken[name, checkout], strict=True)))
        print(f"{case!s:24}" + "".join(f"{ratios[-1]:10.2f}" for ratios in found.values()), flush=True)
    means = [exp(sum(map(log, ratios)) / len(ratios)) for ratios in found.values()]
    print(f"{'geometric mean':24}" + "".join(f"{mean:10.3f}" for mean in means), flush=True)
    for line in lines.values():
        line.send(None)


def compute_forever() -> None:
    """Keep a core busy."""
    while True:
        pass


def memory() -> None:
    """Print what a call takes besides x and its outputs: a million steps take as much as ten thousand."""
    import numpy as np

    from lstmcalc import LSTMConfig, LSTMRunner
    from lstmcalc.numerics.torch_random import TorchGenerator, random_weights

    print(f"{'LSTM(64, 64), one sequence':30}{'x':>12}{'outputs':>12}{'peak besides':>14}")
    config = LSTMConfig(64, 64)
    weights = random_weights(config, TorchGenerator(0))
    runner = LSTMRunner(config, weights)
    for steps in (10_000, 100_000, 1_000_000):
        x = np.zeros((steps, 64), np.float32)
        tracemalloc.start()
        output, states = runner(x)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        outputs = output.nbytes + sum(state.nbytes for state in states)
        mebibytes = [number / 2**20 for number in (x.nbytes, outputs, peak - outputs)]
        print(f"{steps:>20,} steps    " + "".join(f"{number:8.1f} MiB" for number in mebibytes), flush=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,2", help="a table for each")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="the numbers of cases, from 0")
    parser.add_argument("--busy", action="store_true", help="while another process keeps a core busy")
    parser.add_argument("--against", default="", help="the path of another checkout of lstmcalc to compare with")
    parser.add_argument("--memory", action="store_true")
    arguments = parser.parse_args()
    if arguments.memory:
        memory()
        return
    cases = [CASES[int(number)] for number in arguments.only.split(",")] if arguments.only else list(CASES)
    if arguments.busy:
        print("\nbeside a process that computes all the time")
        multiprocessing.get_context("spawn").Process(target=compute_forever, daemon=True).start()
    for threads in arguments.threads.split(","):
        if arguments.against:
            measure_against(arguments.against, cases, int(threads), arguments.rounds)
        else:
            measure(cases, int(threads), arguments.rounds)


if __name__ == "__main__":
    main()
