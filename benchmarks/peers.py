"""The answers of tools that count the cost of a model for an LSTM, beside `lstmcalc cost` and the truth.

Prints a table in Markdown: the multiply-accumulates (MACs) of one forward pass of five LSTMs with their error, and
the time and the peak memory of the whole process on the first LSTM, imports included.

    pip install '.[benchmarks]' && python benchmarks/peers.py [--rounds 5] [--thop thop-0.1.1]

The truth is the matrix products: one MAC for each product of two numbers in W_ih x, W_hh h and W_hr h. It comes from a
forward pass in NumPy that makes these products and counts them: from no formula, and not from lstmcalc. Padding is
computed, and so it is counted; what a packed batch leaves out is neither.

Every tool is called as its own documentation has it, in a new process, and gives the number that it calls MACs,
mult-adds or, as fvcore does, flops, of which a multiply-accumulate is one. For PyTorch's FlopCounterMode it is two, so
its number is halved. All get the same module and the whole batch, in the way that suits them best:

- The LSTM is inside a module, as in a user's model: of a bare `nn.LSTM` the `pytorch` backend of ptflops returns None.
- The module packs the batch in its `forward`: given a PackedSequence, torchinfo, fvcore and torchprofile raise, and no
  tool comes closer.
- thop and its fork ultralytics-thop both install a module `thop`. The extra has the fork, which is maintained; thop
  itself is asked from a folder of its own: `pip install --no-deps --target thop-0.1.1 thop==0.1.1.post2209072238`, and
  `--thop thop-0.1.1`.
- ptflops has two backends, and both are here: it runs `pytorch` if none is named, and its README recommends `aten`.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import sysconfig
from importlib import import_module
from importlib.metadata import Distribution, distributions
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from threading import Timer
from time import perf_counter
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    Array = NDArray[np.float64]

LIMIT = 120  # seconds that a tool may take
FAR = 2  # an error of more than this is a factor, and no percentage
TRUTH = "truth"
OURS = "lstmcalc"
THOP = "thop"  # asked from a folder of its own, since another package installs a module of this name
# So that nobody takes another definition for a mistake. To be read again in their sources when their versions change.
DEFINITIONS = """\
Beside the matrix products, torchinfo and ptflops (aten) count the additions of biases; thop, ultralytics-thop and
ptflops (pytorch) count these and what happens between the gates. Their few percent too much are another definition and
not a mistake. ultralytics-thop always counts 16*hidden_size more for each step of each sequence, direction and layer.
fvcore warns that it leaves `aten::lstm` out, and torchprofile that it leaves out packing."""


class Lstm(NamedTuple):
    """An LSTM and what it reads."""

    title: str
    sizes: tuple[int, int]  # input_size, hidden_size
    options: dict[str, int]  # of PyTorch's constructor
    shape: tuple[int, ...]  # of the input
    steps: tuple[int, ...]  # of each sequence
    flags: str  # the same, for lstmcalc
    packed: bool = False

    def words(self) -> str:
        """The LSTM as code, and what it reads."""
        arguments = [*map(str, self.sizes), *(f"{name}={value}" for name, value in self.options.items())]
        packed = f", packed with lengths {', '.join(map(str, self.steps))}" if self.packed else ""
        return f"`nn.LSTM({', '.join(arguments)})` on {self.shape}{packed}"


BOTH = {"num_layers": 2, "bidirectional": True}
LSTMS = (
    Lstm(
        "bidirectional",
        (10, 20),
        BOTH,
        shape=(5, 3, 10),
        steps=(5, 5, 5),
        flags="--input 10 --hidden 20 --layers 2 --bi --seq 5 --batch 3",
    ),
    Lstm(
        "packed",
        (10, 20),
        BOTH,
        shape=(5, 3, 10),
        steps=(5, 3, 2),
        flags="--input 10 --hidden 20 --layers 2 --bi --lengths 5,3,2",
        packed=True,
    ),
    Lstm(
        "unbatched",
        (10, 20),
        BOTH,
        shape=(5, 10),
        steps=(5,),
        flags="--input 10 --hidden 20 --layers 2 --bi --seq 5 --unbatched",
    ),
    Lstm(
        "projection",
        (64, 128),
        {"proj_size": 32},
        shape=(10, 4, 64),
        steps=(10,) * 4,
        flags="--input 64 --hidden 128 --proj 32 --seq 10 --batch 4",
    ),
    Lstm(
        "batch first",
        (64, 128),
        {"batch_first": True},
        shape=(4, 10, 64),
        steps=(10,) * 4,
        flags="--input 64 --hidden 128 --batch-first --seq 10 --batch 4",
    ),
)


class Products:
    """Matrix products, made number by number and counted."""

    def __init__(self) -> None:
        self.macs = 0

    def __call__(self, matrix: "Array", vector: "Array") -> "Array":
        """The matrix times the vector."""
        products = matrix * vector
        self.macs += products.size
        total: Array = products.sum(axis=1)
        return total


def outputs(sequence: "Array", weights: "list[Array]", product: Products) -> "Array":
    """The results of one layer and direction, step by step."""
    import numpy as np

    W_ih, W_hh, bias, *W_hr = weights
    h, c = np.zeros(W_hh.shape[1]), np.zeros(W_hh.shape[0] // 4)
    given = []
    for x in sequence:
        i, f, g, o = np.split(product(W_ih, x) + product(W_hh, h) + bias, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        for matrix in W_hr:  # one if projected, else none
            h = product(matrix, h)
        given.append(h)
    return np.array(given)


def counted_forward(lstm: Lstm) -> int:
    """The MACs of the matrix products of a forward pass, counted while they are made."""
    import numpy as np

    draw = np.random.default_rng(0).standard_normal
    product = Products()
    width, cells = lstm.sizes
    proj = lstm.options.get("proj_size", 0)
    ways = (1, -1) if lstm.options.get("bidirectional") else (1,)
    sequences = [draw((steps, width)) for steps in lstm.steps]
    for _ in range(lstm.options.get("num_layers", 1)):
        shapes = [(4 * cells, sequences[0].shape[1]), (4 * cells, proj or cells), (4 * cells,)]
        shapes += [(proj, cells)] if proj else []
        weights = {way: [draw(shape) for shape in shapes] for way in ways}
        sequences = [
            np.concatenate([outputs(sequence[::way], weights[way], product)[::way] for way in ways], axis=1)
            for sequence in sequences
        ]
    return product.macs


def model_and_inputs(lstm: Lstm, device: str) -> "tuple[nn.Module, tuple[Tensor, ...]]":
    """A user's module with the LSTM in it, and what its forward takes."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    class Model(nn.Module):  # type: ignore[misc]  # PyTorch may be missing where the types are checked
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(*lstm.sizes, **lstm.options)

        def forward(self, x: "Tensor", lengths: "Tensor | None" = None) -> "Tensor":
            if lengths is None:
                output, _ = self.lstm(x)
            else:
                packed, _ = self.lstm(pack_padded_sequence(x, lengths))
                output, _ = pad_packed_sequence(packed)
            return output

    with torch.device(device):
        model, x = Model(), torch.randn(lstm.shape)
    lengths = torch.tensor(lstm.steps)  # packing wants them on the CPU
    return model, (x, lengths) if lstm.packed else (x,)


def by_torchinfo(model: "nn.Module", inputs: "tuple[Tensor, ...]") -> float:
    """Total mult-adds of torchinfo."""
    macs: int = import_module("torchinfo").summary(model, input_data=list(inputs), verbose=0).total_mult_adds
    return macs


def by_thop(model: "nn.Module", inputs: "tuple[Tensor, ...]") -> float:
    """MACs of thop, or of ultralytics-thop, whichever is imported."""
    macs: float
    macs, _ = import_module("thop").profile(model, inputs=inputs)
    return macs


def by_ptflops(model: "nn.Module", inputs: "tuple[Tensor, ...]", **backend: str) -> float | None:
    """MACs of ptflops, of the whole batch: an input_res would be one sequence."""
    macs: int | None
    macs, _ = import_module("ptflops").get_model_complexity_info(
        model,
        tuple(inputs[0].shape),
        input_constructor=lambda _: dict(zip(("x", "lengths"), inputs, strict=False)),
        as_strings=False,
        print_per_layer_stat=False,
        **backend,
    )
    return macs


def by_ptflops_aten(model: "nn.Module", inputs: "tuple[Tensor, ...]") -> float | None:
    """The same with the other backend."""
    return by_ptflops(model, inputs, backend="aten")


def by_fvcore(model: "nn.Module", inputs: "tuple[Tensor, ...]") -> float:
    """Flops of fvcore, which are MACs."""
    macs: float = import_module("fvcore.nn").FlopCountAnalysis(model, inputs).total()
    return macs


def by_torchprofile(model: "nn.Module", inputs: "tuple[Tensor, ...]") -> float:
    """MACs of torchprofile."""
    macs: int = import_module("torchprofile").profile_macs(model, inputs)
    return macs


def by_flop_counter(model: "nn.Module", inputs: "tuple[Tensor, ...]") -> float:
    """Half the FLOPs of PyTorch itself."""
    with import_module("torch.utils.flop_counter").FlopCounterMode(display=False) as counter:
        model(*inputs)
    flops: int = counter.get_total_flops()
    return flops / 2


class Tool(NamedTuple):
    """A tool, and how it is asked."""

    package: str  # what pip installs
    ask: "Callable[[nn.Module, tuple[Tensor, ...]], float | None]"
    device: str = "cpu"


TOOLS = {
    "torchinfo": Tool("torchinfo", by_torchinfo),
    THOP: Tool(THOP, by_thop),
    "ultralytics-thop": Tool("ultralytics-thop", by_thop),
    "ptflops (pytorch)": Tool("ptflops", by_ptflops),
    "ptflops (aten)": Tool("ptflops", by_ptflops_aten),
    "fvcore": Tool("fvcore", by_fvcore),
    "torchprofile": Tool("torchprofile", by_torchprofile),
    "FlopCounterMode (cpu)": Tool("torch", by_flop_counter),
    "FlopCounterMode (meta)": Tool("torch", by_flop_counter, "meta"),
}


def answer(name: str, lstm: Lstm) -> float | None:
    """The answer of a tool, asked in this process."""
    if name == TRUTH:
        return counted_forward(lstm)
    tool = TOOLS[name]
    macs = tool.ask(*model_and_inputs(lstm, tool.device))
    return None if macs is None else float(macs)


def script() -> Path:
    """The path of lstmcalc, if it is installed."""
    return Path(sysconfig.get_path("scripts")) / OURS


def command(name: str, lstm: Lstm) -> list[str]:
    """The command that is run for one number."""
    if name == OURS:
        return [str(script()), "cost", *lstm.flags.split(), "--json"]
    return [sys.executable, __file__, "--tool", name, "--case", str(LSTMS.index(lstm))]


class Run(NamedTuple):
    """A process that has ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    mebibytes: float


def text(file: IO[bytes]) -> str:
    """The text that was written to a file."""
    file.seek(0)
    return file.read().decode(errors="replace").strip()


def run(arguments: list[str], folder: str = "") -> Run:
    """Run a command to its end, or to the limit, with the packages of a folder before the installed ones."""
    # As a user runs it: with compiled modules kept, and output buffered.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if folder:
        environment["PYTHONPATH"] = folder
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        start = perf_counter()
        process = subprocess.Popen(arguments, stdout=stdout, stderr=stderr, env=environment)
        # Not process.kill: it might collect the process before wait4 does.
        timer = Timer(LIMIT, os.kill, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - start
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        kibibytes = usage.ru_maxrss / 1024 if sys.platform == "darwin" else usage.ru_maxrss
        return Run(process.returncode, text(stdout), text(stderr), seconds, kibibytes / 1024)


def reason(ended: Run) -> str:
    """The reason why there is no number."""
    if ended.code == -signal.SIGKILL:
        return f"killed: after {LIMIT} s, or for its memory"
    lines = ended.stderr.splitlines() or [f"exit code {ended.code}"]
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else lines[0]


def reading(name: str, lstm: Lstm, folder: str = "") -> tuple[float | None, str]:
    """The number that a tool gives, or None and why."""
    ended = run(command(name, lstm), folder)
    macs: float | None = None
    if ended.code == 0 and name == OURS:
        macs = json.loads(ended.stdout)["modules"][0]["compute"]["forward"]["macs"]
    elif ended.code == 0:
        macs = json.loads(ended.stdout.splitlines()[-1])  # behind what the tool prints
    return macs, reason(ended) if macs is None else ""


def truth(lstm: Lstm) -> float:
    """The true MACs; from a process of its own too, as the memory of this one would count as that of the tools."""
    macs, why = reading(TRUTH, lstm)
    if macs is None:
        raise SystemExit(why)
    return macs


def installed(package: str, folder: str = "") -> Distribution | None:
    """A package that is installed, or that lies in a folder."""
    found = distributions(name=package, path=[folder]) if folder else distributions(name=package)
    return next(iter(found), None)


def missing(name: str, folders: dict[str, str]) -> str:
    """The command that installs a tool that is not there, or nothing."""
    if name == OURS:
        return "" if script().exists() else "pip install ."
    if name == THOP:
        there = name in folders and installed(THOP, folders[name])
        return "" if there else "pip install --no-deps --target thop-0.1.1 thop, and --thop thop-0.1.1"
    packages = [package for package in dict.fromkeys(("torch", TOOLS[name].package)) if not installed(package)]
    return f"pip install {' '.join(packages)}" if packages else ""


def cell(macs: float | None, true: float) -> str:
    """A number and its error."""
    if macs is None:
        return "fails"
    if macs == 0:
        return "0"
    ratio = macs / true
    if macs == true:
        error = "exact"
    elif 1 / FAR <= ratio <= FAR:
        error = f"{ratio - 1:+.1%}".replace("%", " %")
    else:
        error = f"{float(f'{ratio:.2g}'):g} x"
    return f"{macs:,.0f}, {error}"


def measured(names: list[str], rounds: int, folders: dict[str, str]) -> dict[str, tuple[float, float]]:
    """Median seconds and peak MiB on the first LSTM, by tool; in turn, A B C A B C ..., as in startup.py."""
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            runs[name].append(run(command(name, LSTMS[0]), folders.get(name, "")))
    return {
        name: (median(one.seconds for one in ended), max(one.mebibytes for one in ended))
        for name, ended in runs.items()
    }


def print_table(rounds: int, folders: dict[str, str]) -> None:
    """Ask every tool for every LSTM, and print what they say."""
    truths = [truth(lstm) for lstm in LSTMS]
    names = [OURS, *TOOLS]
    there = [name for name in names if not missing(name, folders)]
    # Before the time is taken, so that modules are compiled and files are cached by then.
    found = {name: [reading(name, lstm, folders.get(name, "")) for lstm in LSTMS] for name in there}
    costs = measured([name for name in there if found[name][0][0] is not None], rounds, folders)

    print("|".join(["", " MACs by ", *(f" {lstm.title} " for lstm in LSTMS), " seconds ", " MiB ", ""]))
    print("|---" + "|---:" * (len(LSTMS) + 2) + "|")
    print("|".join(["", " the truth ", *(f" {true:,.0f} " for true in truths), " ", " ", ""]))
    for name in names:
        if name in found:
            cells = [cell(macs, true) for (macs, _), true in zip(found[name], truths, strict=True)]
            cells += [f"{costs[name][0]:.2f}", f"{costs[name][1]:.0f}"] if name in costs else ["", ""]
        else:
            cells = [f"not installed: `{missing(name, folders)}`", *[""] * (len(LSTMS) + 1)]
        print(f"| {name} | {' | '.join(cells)} |")
    print()
    print(DEFINITIONS)
    print()
    for lstm in LSTMS:
        print(f"- {lstm.title}: {lstm.words()}")
    for name, readings in found.items():
        for lstm, (macs, why) in zip(LSTMS, readings, strict=True):
            if macs is None:
                print(f"- {name} fails, {lstm.title}: {why}")


def print_versions(folders: dict[str, str]) -> None:
    """Print the versions that were run, and the machine."""
    packages = [OURS, "numpy", "torch", *dict.fromkeys(tool.package for tool in TOOLS.values())]
    found = {name: installed(name, folders.get(name, "")) for name in packages if name != THOP or name in folders}
    print(", ".join(f"{name} {one.version}" for name, one in found.items() if one))
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores")


def main() -> None:
    """Print the table, or one number of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--thop", metavar="FOLDER", help="the folder of thop 0.1.1")
    # How this file runs itself: one tool on one LSTM.
    parser.add_argument("--tool", choices=[TRUTH, *TOOLS], help=argparse.SUPPRESS)
    parser.add_argument("--case", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tool:
        print(json.dumps(answer(options.tool, LSTMS[options.case])))
        return
    folders = {THOP: options.thop} if options.thop else {}
    print_table(options.rounds, folders)
    print()
    print_versions(folders)


if __name__ == "__main__":
    main()
