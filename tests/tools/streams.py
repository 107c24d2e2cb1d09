"""The loops that `explain` shows for streams, executed chunk by chunk."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.commands.explain.streaming import streaming_code
from lstmcalc.intake.subject import subject_of_layers
from tools.weight_writers import full_weights


class Stream(NamedTuple):
    """An LSTM with random weights, a sequence in chunks, and what one pass gives for it from zeros."""

    config: LSTMConfig
    data: DataSpec
    weights: dict[str, Any]
    chunks: list[Any]
    output: Any

    @property
    def axis(self) -> int:
        return int(self.config.batch_first and not self.data.unbatched)

    def code(self, framework: str) -> str:
        subject = subject_of_layers([])._replace(config=self.config, data=self.data)
        (code,) = [code for code, name in streaming_code(subject) if name == framework]
        return code

    def apart(
        self,
        framework: str,
        names: dict[str, Any],
        change: tuple[str, str] = ("", ""),
        array: Callable[[Any], Any] = np.asarray,
    ) -> float:
        """The distance of the loop's output from that of one pass; with a change of its text. `array` converts outputs."""
        code = re.sub(
            r"^( +)(output(, \w+)* = .*)$", r"\1\2\n\1outputs.append(output)", self.code(framework), flags=re.MULTILINE
        )
        assert change[0] in code
        outputs: list[Any] = []
        exec(
            code.replace(*change) if change[0] else code, {"np": np, "chunks": self.chunks, "outputs": outputs, **names}
        )
        assert len(outputs) == len(self.chunks)
        found = np.concatenate([array(output) for output in outputs], axis=self.axis)
        assert found.shape == self.output.shape
        return float(np.abs(found - self.output).max())


def streams(count: int, seed: int = 0, *, proj: bool = True, unbatched: bool = True) -> Iterator[Stream]:
    """Random LSTMs in one direction."""
    for number in range(count):
        rng = np.random.default_rng(seed + number)
        hidden = int(rng.integers(2, 8))
        config = LSTMConfig(
            int(rng.integers(1, 6)),
            hidden,
            int(rng.integers(1, 4)),
            bias=bool(number % 2),
            batch_first=bool(rng.integers(2)),
            proj_size=int(rng.integers(1, hidden)) if proj and rng.integers(2) else 0,
        )
        steps = int(rng.integers(4, 12))
        data = DataSpec(steps, None if unbatched and rng.random() < 1 / 4 else int(rng.integers(1, 5)))
        weights = {name: 0.5 * array.astype("float32") for name, array in full_weights(config, number).items()}
        first = config.batch_first and not data.unbatched
        batch = [] if data.unbatched else [data.num_sequences]
        shape = [*batch, steps] if first else [steps, *batch]
        x = rng.normal(size=(*shape, config.input_size)).astype("float32")
        cuts = sorted({int(cut) for cut in rng.integers(1, steps, 3)})
        output, _ = forward(config, weights, x)
        yield Stream(config, data, weights, np.split(x, cuts, axis=int(first)), output)
