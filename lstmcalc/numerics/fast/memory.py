"""The memory that a call of the runner takes."""

from math import prod

from lstmcalc.numerics.arguments import weight_shapes
from lstmcalc.numerics.fast.arrangement import WIDE, joins
from lstmcalc.numerics.fast.kernels import CHUNK
from lstmcalc.spec.config import DTYPE_BYTES, DataSpec, LSTMConfig


def memory_of(config: LSTMConfig, data: DataSpec) -> int:
    """Bytes that a call takes besides arguments and output if no arranged weights are kept: an upper estimate."""
    stored = DTYPE_BYTES[data.dtype]
    working = max(stored, DTYPE_BYTES["float32"])
    batch, rows = data.num_sequences, data.seq_len * data.num_sequences
    width, hidden, directions = config.num_directions * config.output_size, config.hidden_size, config.num_directions
    sizes = {name: prod(shape) for name, shape in weight_shapes(config).items()}
    arranged = max(
        sum(sizes[name] for name in sizes if name.endswith(f"_l{layer}")) for layer in (0, config.num_layers - 1)
    )
    read = max(config.input_size, width) + 1
    together = max(batch, CHUNK // (max(4 * hidden, read + config.output_size) * working))  # columns of a piece
    column = config.output_size + read + (hidden if config.proj_size else 0)
    column += 0 if joins(config, read, wide=batch >= WIDE) else 4 * hidden + read
    taken = directions * (min(rows + batch, together) * column + 8 * batch * hidden + arranged)
    taken += 2 * config.num_layers * directions * batch * (config.output_size + hidden)
    taken += min(config.num_layers - 1, 2) * width * (rows if directions > 1 else min(rows, together))
    if directions == 1 and rows > together:  # every layer's weights are prepared before the second piece
        taken += sum(sizes.values()) - arranged
    if stored < working:
        taken += rows * width
    if data.lengths:  # sorted, and sorted back
        taken += rows * (config.input_size + width)
    return taken * working
