"""A graph of ONNX that gets its states as inputs and outputs: its tensors stay, and it computes the same.

Not here: what is written (`writers.stateful`).
"""

from importlib.util import find_spec
from math import isfinite
from typing import IO

from lstmcalc.commands.convert.making import OURS, Proof, ProofRow, proven_file
from lstmcalc.commands.convert.others import same_tensors
from lstmcalc.errors import UnsupportedError
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.writers.stateful import StatefulGraph, stateful_graph
from lstmcalc.writers.target import Asked

_CLOSE = 1e-6  # of float32, relative to the largest value: the same nodes compute it, with states of zeros


def made_stateful(source: str, asked: Asked, *, run: bool) -> tuple[Proof, StatefulGraph, str]:
    """Write the graph and prove it; with its states and whether it can stream, in a sentence."""
    made: list[StatefulGraph] = []
    said = []

    def write(stream: IO[bytes]) -> None:
        made.append(stateful_graph(source, stream, asked))

    def prove(path: str) -> Proof:
        proof = Proof()
        written = {tensor.name: tensor for tensor in open_weights(path).tensors}
        # Optional states that were initializers are now inputs, and no constants.
        kept = {tensor.name: tensor for tensor in open_weights(source).tensors if tensor.name in written}
        proof.rows += same_tensors(kept, written)
        proof.proven_by.append(OURS)
        if run:
            _compare(proof, made[0], path)
            said.append(made[0].streams(path))
        return proof

    proof = proven_file(asked.path, (".onnx",), write, prove)
    return proof, made[0], said[0] if said else ""


def _compare(proof: Proof, graph: StatefulGraph, path: str) -> None:
    """Add how far the outputs are from the original's in ONNX Runtime, where that is installed."""
    try:
        found = graph.compare(path)
    except UnsupportedError as error:
        proof.notes.append(f"not run: {error.what}")
        return
    if found is None:
        if find_spec("onnxruntime") is not None:
            proof.notes.append("not run: ONNX Runtime does not run the original on random data in time")
        return
    import onnxruntime

    judge = f"ONNX Runtime {onnxruntime.__version__}"
    proof.proven_by.append(f"run in {judge}")
    proof.rows += [
        ProofRow(f"{name} of {judge}", apart if isfinite(apart) else None, _CLOSE, passed=apart <= _CLOSE)
        for name, apart in found
    ]
