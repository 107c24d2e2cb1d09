"""Record what PyTorch computes, for the plain tests to read.

    PYTHONPATH=tests python -m tools.record_pytorch

It needs PyTorch 2.13.0 on a CPU. The numbers are drawn by `torch.manual_seed`; the last bits of what is computed from
them depend on the processor, so that a file made elsewhere can differ from the one in the repository.
"""

import sys
import warnings
from collections.abc import Iterable
from typing import Any, Final
from zlib import crc32

import numpy as np

from tools.oracle import FILE, OUTPUTS, STATES, WIDE, Array, Case, Recording, save

TORCH: Final = "2.13.0"


def lstm(input_size: int, hidden_size: int, **others: Any) -> dict[str, Any]:
    return {"input_size": input_size, "hidden_size": hidden_size, **others}


CASES: Final = (
    # The example of PyTorch's documentation.
    Case("documentation", lstm(10, 20, num_layers=2)),
    Case("one_layer", lstm(3, 4)),
    Case("two_layers", lstm(3, 4, num_layers=2)),
    Case("three_layers", lstm(3, 4, num_layers=3)),
    Case("four_layers", lstm(2, 3, num_layers=4)),
    Case("bidirectional", lstm(3, 4, bidirectional=True)),
    Case("bidirectional_two_layers", lstm(3, 4, num_layers=2, bidirectional=True)),
    Case("bidirectional_four_layers", lstm(2, 3, num_layers=4, bidirectional=True)),
    Case("no_bias", lstm(3, 4, bias=False)),
    Case("no_bias_bidirectional_two_layers", lstm(3, 4, num_layers=2, bias=False, bidirectional=True)),
    Case("batch_first", lstm(3, 4, batch_first=True)),
    Case("batch_first_bidirectional_two_layers", lstm(3, 4, num_layers=2, batch_first=True, bidirectional=True)),
    Case("batch_first_square", lstm(3, 4, batch_first=True), seq_len=3, batch=3),
    Case("dropout_one_layer", lstm(3, 4, dropout=0.5)),
    Case("dropout_two_layers", lstm(3, 4, num_layers=2, dropout=0.25)),
    Case("dropout_certain_three_layers", lstm(3, 4, num_layers=3, dropout=1)),
    Case("projection", lstm(3, 5, proj_size=2)),
    Case("projection_almost_full_two_layers", lstm(4, 6, num_layers=2, proj_size=5)),
    Case("projection_bidirectional_two_layers", lstm(3, 5, num_layers=2, bidirectional=True, proj_size=3)),
    Case("projection_no_bias_to_one", lstm(3, 5, bias=False, proj_size=1)),
    Case("projection_batch_first_no_state", lstm(3, 5, batch_first=True, proj_size=2), state=False),
    Case("unbatched", lstm(3, 4), batch=None),
    Case("unbatched_bidirectional_two_layers", lstm(3, 4, num_layers=2, bidirectional=True), batch=None),
    Case("unbatched_batch_first_bidirectional", lstm(3, 4, batch_first=True, bidirectional=True), batch=None),
    Case("unbatched_projection_no_state", lstm(3, 5, proj_size=2), batch=None, state=False),
    Case("empty_batch", lstm(3, 4), batch=0),
    Case(
        "empty_batch_everything",
        lstm(3, 5, num_layers=2, bias=False, batch_first=True, bidirectional=True, proj_size=2),
        batch=0,
    ),
    Case("packed", lstm(3, 4), batch=3, lengths=(3, 5, 2)),
    Case("packed_sorted_with_ties", lstm(3, 4), batch=4, lengths=(5, 5, 3, 3)),
    Case("packed_unsorted_with_ties_bidirectional", lstm(3, 4, bidirectional=True), batch=4, lengths=(2, 5, 2, 5)),
    Case("packed_padded_further", lstm(3, 4), seq_len=7, batch=3, lengths=(1, 4, 5)),
    Case("packed_padded_further_bidirectional", lstm(3, 4, bidirectional=True), seq_len=7, batch=3, lengths=(4, 1, 5)),
    Case(
        "packed_batch_first_bidirectional",
        lstm(3, 4, batch_first=True, bidirectional=True),
        seq_len=6,
        batch=3,
        lengths=(2, 5, 4),
    ),
    Case(
        "packed_projection_bidirectional_two_layers",
        lstm(3, 5, num_layers=2, bidirectional=True, proj_size=2),
        batch=3,
        lengths=(3, 1, 5),
    ),
    Case("packed_no_bias_no_state", lstm(3, 4, bias=False), batch=3, lengths=(2, 3, 5), state=False),
    Case("packed_alone", lstm(3, 4, bidirectional=True), batch=1, lengths=(3,)),
    Case("packed_one_step", lstm(3, 4, bidirectional=True), seq_len=3, batch=2, lengths=(1, 1)),
    Case("one_step", lstm(3, 4), seq_len=1),
    Case("one_step_bidirectional_two_layers", lstm(3, 4, num_layers=2, bidirectional=True), seq_len=1),
    Case("many_steps", lstm(2, 3, bidirectional=True), seq_len=60, batch=2),
    Case("hidden_one", lstm(3, 1, num_layers=2, bidirectional=True)),
    Case("input_one", lstm(1, 4)),
    Case("input_and_hidden_one", lstm(1, 1)),
    Case("batch_one", lstm(3, 4), batch=1),
    Case("no_state", lstm(3, 4), state=False),
    Case("no_state_bidirectional_two_layers", lstm(3, 4, num_layers=2, bidirectional=True), state=False),
    Case("wide_at_the_limit", lstm(128, 2)),
    Case("wide", lstm(257, 2, bidirectional=True), batch=2),
    Case("float64", lstm(3, 4), dtype="float64"),
    Case("float64_four_layers", lstm(2, 3, num_layers=4), dtype="float64"),
    Case("float64_bidirectional_two_layers", lstm(3, 4, num_layers=2, bidirectional=True), dtype="float64"),
    Case("float64_no_bias_unbatched", lstm(3, 4, bias=False), batch=None, dtype="float64"),
    Case("float64_wide", lstm(129, 2), batch=2, dtype="float64"),
    Case(
        "float64_everything",
        lstm(3, 5, num_layers=3, batch_first=True, dropout=0.5, bidirectional=True, proj_size=2),
        seq_len=7,
        batch=4,
        lengths=(2, 6, 4, 6),
        dtype="float64",
    ),
    Case("float16", lstm(3, 4), dtype="float16"),
    Case("float16_bidirectional_two_layers", lstm(3, 4, num_layers=2, bidirectional=True), dtype="float16"),
    Case("float16_projection", lstm(3, 5, proj_size=2), dtype="float16"),
    Case(
        "float16_packed_batch_first",
        lstm(3, 4, batch_first=True, bidirectional=True),
        batch=3,
        lengths=(2, 5, 3),
        dtype="float16",
    ),
)


def record(case: Case, seed: int | None = None) -> Recording:
    """Run PyTorch on a case, with weights as it initialises them and the numbers of a seed: that of the name."""
    import torch

    torch.set_num_threads(1)  # an order of sums that does not depend on the number of cores
    torch.manual_seed(crc32(case.name.encode()) if seed is None else seed)
    with warnings.catch_warnings():
        # torch 2.13.0 warns of dropout with a single layer, and that oneDNN has no projections.
        warnings.filterwarnings("ignore", "dropout option adds dropout after all but last recurrent layer")
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
        module = torch.nn.LSTM(**case.config, dtype=getattr(torch, case.dtype)).eval()
        tensors = _inputs(torch, case)
        outputs, packed = _outputs(torch, module, case, tensors)
        weights = {name: _array(tensor) for name, tensor in module.state_dict().items()}
        text, shapes = repr(module), [(name, array.shape) for name, array in weights.items()]
        count = sum(parameter.numel() for parameter in module.parameters())
        wider: dict[str, Array] = {}
        if case.dtype == "float16" or (case.dtype == "float32" and case.config["input_size"] > WIDE):
            dtype = {"float16": torch.float32, "float32": torch.float64}[case.dtype]
            cast = {name: tensor.to(dtype) for name, tensor in tensors.items()}
            wider, _ = _outputs(torch, module.to(dtype), case, cast)
    inputs = {name: _array(tensor) for name, tensor in tensors.items()}
    return Recording(case, text, shapes, count, packed, weights, inputs, outputs, wider)


def _inputs(torch: Any, case: Case) -> dict[str, Any]:
    """Normal numbers, also behind the end of each packed sequence, where nobody may read."""
    dtype, config = getattr(torch, case.dtype), case.config
    batch = () if case.batch is None else (case.batch,)
    steps = (*batch, case.seq_len) if config.get("batch_first") and batch else (case.seq_len, *batch)
    cells = config.get("num_layers", 1) * (2 if config.get("bidirectional") else 1)
    sizes = {
        "input": (*steps, config["input_size"]),
        "h_0": (cells, *batch, config.get("proj_size") or config["hidden_size"]),
        "c_0": (cells, *batch, config["hidden_size"]),
    }
    names = ("input", *STATES) if case.state else ("input",)
    return {name: torch.randn(sizes[name]).to(dtype) for name in names}


def _outputs(
    torch: Any,
    module: Any,
    case: Case,
    tensors: dict[str, Any],
) -> tuple[dict[str, Array], dict[str, list[int]]]:
    """The outputs and, of a packed batch, how it is packed."""
    x, packed, batch_first = tensors["input"], {}, case.config.get("batch_first", False)
    state = tuple(tensors[name] for name in STATES) if case.state else None
    rnn = torch.nn.utils.rnn
    with torch.no_grad():
        if case.lengths is not None:
            x = rnn.pack_padded_sequence(x, list(case.lengths), batch_first=batch_first, enforce_sorted=False)
            packed = {
                "data_shape": list(x.data.shape),
                "batch_sizes": x.batch_sizes.tolist(),
                "sorted_indices": x.sorted_indices.tolist(),
            }
        output, (h_n, c_n) = module(x, state)
        if case.lengths is not None:
            output, lengths = rnn.pad_packed_sequence(output, batch_first=batch_first, total_length=case.seq_len)
            assert lengths.tolist() == list(case.lengths)
    return dict(zip(OUTPUTS, map(_array, (output, h_n, c_n)), strict=True)), packed


def _array(tensor: Any) -> Array:
    return np.array(tensor.detach().numpy())  # a copy: the module may still change its own


def main(cases: Iterable[Case] = CASES) -> int:
    import torch

    version = torch.__version__.partition("+")[0]
    if version != TORCH:
        sys.stderr.write(f"this records PyTorch {TORCH}, found {version}\n")
        return 1
    FILE.parent.mkdir(exist_ok=True)
    save(FILE, version, [record(case) for case in cases])
    return 0


if __name__ == "__main__":
    sys.exit(main())
