"""What an LSTM needs in memory, figure by figure: how many bytes, by which formula, and how sure that is.

What is stored and what goes in and out follows from shapes. What PyTorch keeps and allocates while it computes depends
on who computes it (`paths`), and is in `activations`; its optimizers are in `optimizers`.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add, mul
from typing import Final, NamedTuple

from lstmcalc.activations import error_of, peak_inference, peak_training, saved, saved_cudnn
from lstmcalc.around import around_symbols, extras, extras_symbolic, tensors_around
from lstmcalc.compute import sequences_of
from lstmcalc.config import DTYPE_BYTES, DataSpec, LSTMConfig, Surroundings
from lstmcalc.dims import Dim, largest
from lstmcalc.model import LSTMModel, Tensor
from lstmcalc.optimizers import OPTIMIZERS, Parameters, lstm_parameters, state, step_temporaries
from lstmcalc.paths import NATIVE, ONEDNN, Path, path_of
from lstmcalc.symbols import SYMBOLS, H_cell, H_in, H_out, num_layers

DEFAULT_OPTIMIZER: Final = "adam"


def values_of(config: LSTMConfig, data: DataSpec, around: Surroundings = Surroundings()) -> dict[str, int]:  # noqa: B008  # frozen
    """The value of every symbol that a cost can have, in the legend's order."""
    values = {**LSTMModel(config).data_symbols(data), **around_symbols(around)}
    if data.lengths:
        values["batch_sizes[-1]"] = data.lengths.count(data.longest)
    return {symbol: values[symbol] for symbol in SYMBOLS if symbol in values}


class Figure(NamedTuple):
    """An amount of memory.

    Attributes:
        name: What it is: `weights`, `inference peak`.
        size: Its bytes.
        certainty: `exact` or `estimate`.
        counts: What it counts.
        verified: What it was held against.
        path: Whose it is, of `compute.PATHS`; empty if it does not depend on who computes.
        applies: Whether that is who computes this LSTM on a CPU.
        error_percent: How far the estimate was off at most, where it was held against measurements.
    """

    name: str
    size: Dim
    certainty: str
    counts: str
    verified: str
    path: str = ""
    applies: bool = True
    error_percent: float | None = None


# What a figure was held against, by what it follows from.
_STORED: Final = "what modules and optimizers of torch 2.13.0 keep"
_SHAPED: Final = "the tensors of torch 2.13.0"
_HOOKED: Final = "what autograd saves in torch 2.13.0 on x86 (saved_tensors_hooks)"
_PROFILED: Final = "what the profiler of torch 2.13.0 finds on x86 with AVX-512"
_PARTLY: Final = "the LSTM's part is what the profiler finds, the rest follows from shapes"
_READ: Final = "read in PyTorch's source and in printouts of other versions, not measured"
_BUFFERS: Final = "a program with these buffers alone"


_WITHOUT: Final = Path(NATIVE, "torch.backends.mkldnn.enabled = False")


class Bill:
    """Everything that one LSTM needs.

    Args:
        config: Its hyperparameters.
        data: The data it is given.
        around: The layers around it.
        optimizer: What trains it, a name of `optimizers.OPTIMIZERS`.
        input_grad: Whether the input needs a gradient too; with an embedding it does.
    """

    def __init__(
        self,
        config: LSTMConfig,
        data: DataSpec,
        around: Surroundings = Surroundings(),  # noqa: B008  # frozen
        optimizer: str = DEFAULT_OPTIMIZER,
        *,
        input_grad: bool = False,
    ) -> None:
        self.config = config
        self.data = data
        self.around = around
        self.optimizer = optimizer
        self.input_grad = input_grad or around.embed is not None
        self._model = LSTMModel(config)
        self._width = DTYPE_BYTES[data.dtype]

    @property
    def is_run(self) -> bool:
        """Whether PyTorch computes an LSTM in this dtype at all: weights of 8 bits are only stored."""
        return self.data.dtype != "int8"

    @property
    def parameters(self) -> Dim:
        """The number of parameters, with those of the layers around."""
        return self._model.num_parameters_symbolic + extras_symbolic(extras(self.config, self.around))

    @property
    def _stored(self) -> list[Parameters]:
        """What an optimizer goes through: the LSTM's parameters, then those of the layers around it."""
        beside = [Parameters((extra.symbolic,), Dim.of(1)) for extra in extras(self.config, self.around)]
        return [*lstm_parameters(self.config), *beside]

    def path(self, *, training: bool) -> Path:
        """Who computes it in PyTorch on a CPU."""
        return path_of(self.config, self.data, training=training)

    @property
    def weights(self) -> Dim:
        """All parameters, in the data's dtype."""
        return self._width * self.parameters

    @property
    def optimizer_state(self) -> Dim:
        """What the optimizer keeps from step to step."""
        return state(self._stored, self.optimizer, self.data.dtype)

    def _bytes(self, tensors: list[Tensor]) -> Dim:
        """The bytes of tensors; those of integers have a dtype of their own, of 8 bytes."""
        sizes = ((8 if item.dtype else self._width) * reduce(mul, item.symbolic, Dim.of(1)) for item in tensors)
        return reduce(add, sizes, Dim.of(0))

    def _tensors(self, *names: str) -> list[Tensor]:
        before, behind = tensors_around(self.config, self.data, self.around)
        every = [*before, *self._model.tensors_of(self.data), *behind]
        return [item for item in every if item.name in names]

    @property
    def given(self) -> Dim:
        """What goes in: the input, of packed sequences their rows, and the words that an embedding makes it of."""
        packed = "packed.data", "packed.batch_sizes"
        return self._bytes(self._tensors("tokens", *(packed if self.data.lengths else ("input",))))

    @property
    def made(self) -> Dim:
        """What comes out: output, h_n and c_n, and the head's logits."""
        return self._bytes(self._tensors("output", "h_n", "c_n", "logits"))

    def inference_peak_by(self, path: Path) -> Dim:
        """The most that is allocated at a time in one forward pass without gradients."""
        computing = peak_inference(self.config, self.data, path)
        if self.around.head is not None:
            computing = largest(computing, self.made)
        return self.weights + self.given + computing

    def training_peak_by(self, path: Path) -> Dim:
        """The most that is allocated at a time in one training step: forward, backward, and the optimizer's step.

        Of the layers around, and of an input that needs a gradient, everything is taken to exist at that time; the rest
        was measured as it is.
        """
        logits = self._bytes(self._tensors("logits"))
        beside = self._width * extras_symbolic(extras(self.config, self.around)) + 2 * logits
        if self.input_grad:
            beside = beside + self._bytes(self._tensors("input"))
        computing = peak_training(self.config, self.data, path) + self._bytes(self._tensors("output")) + beside
        stepping = self.weights + step_temporaries(self._stored, self.optimizer, self.data.dtype) + self.made
        return self.weights + self.optimizer_state + self.given + largest(computing, stepping)

    def certainty(self, quantity: str, path: Path) -> tuple[str, float | None]:
        """How sure `saved`, or the peak of `inference` or `training`, is, and the largest error in percent."""
        error = None if self._is_more_than(quantity) else error_of(self.data, path, quantity)
        return "exact" if error == 0 else "estimate", error or None

    def _is_more_than(self, quantity: str) -> bool:
        """Whether there is more in a figure than what was measured: layers around, or a gradient of the input."""
        head, embed = self.around.head is not None, self.around.embed is not None
        return {"saved": False, "inference": head, "training": head or embed or self.input_grad}[quantity]

    def saved_by(self, path: Path) -> Dim:
        """What is kept from the forward pass for the backward pass."""
        return saved(self.config, self.data, path)

    def streaming(self) -> Dim | None:
        """The least that computes one step at a time besides the weights; None where a direction needs all steps.

        Unit by unit: a step's input, h and c of every layer, and the new h of one layer until its old one is not
        needed any more; that is `H_cell` wide with a projection too, for what it projects.
        """
        if self.config.bidirectional:
            return None
        return self._width * sequences_of(self.data) * (H_in + num_layers * (H_cell + H_out) + H_cell)

    def figures(self) -> Iterator[Figure]:
        """Every figure: what is stored, what goes in and out, what is kept and taken on the way."""
        dtype, width = self.data.dtype, self._width
        each = f"{width} byte{'s' if width > 1 else ''} each"
        yield Figure("weights", self.weights, "exact", f"every parameter, {each}", _STORED)
        if self.is_run:
            kept = f"what {OPTIMIZERS[self.optimizer].call} keeps from step to step"
            yield Figure("gradients", self.weights, "exact", f"one for every parameter, in {dtype}", _STORED)
            yield Figure("optimizer state", self.optimizer_state, "exact", kept, _STORED)
        head, embed = self.around.head is not None, self.around.embed is not None
        given = f"{'tokens and ' * embed}{'packed.data and its batch_sizes' if self.data.lengths else 'input'}"
        yield Figure("input", self.given, "exact", f"{given}, not h_0 and c_0", _SHAPED)
        yield Figure("output", self.made, "exact", f"output, h_n and c_n{', logits' * head}", _SHAPED)
        if self.is_run:
            yield from self._allocated()
        streaming = self.streaming()
        if streaming is not None:
            counts = "what changes, step by step: one input, h and c of each layer, one spare h"
            yield Figure("streaming minimum", streaming, "exact", counts, _BUFFERS)

    def _allocated(self) -> Iterator[Figure]:
        """What PyTorch allocates: as it would compute this LSTM, as it would without oneDNN, and on a GPU."""
        head = "; of the head the logits" if self.around.head is not None else ""
        passing = f"weights, input, and what one forward pass takes{head}"
        stepping = f"all of a training step: weights, gradients, optimizer state, input, what it takes{head}"
        rows: tuple[tuple[str, str, Callable[[Path], Dim], str, str], ...] = (
            ("saved for backward", "saved", self.saved_by, "what autograd keeps of the LSTM, with its input", _HOOKED),
            ("inference peak", "inference", self.inference_peak_by, passing, _PROFILED),
            ("training peak", "training", self.training_peak_by, stepping, _PROFILED),
        )
        for name, quantity, size_by, counts, verified in rows:
            own = self.path(training=quantity != "inference")
            for path in (own, _WITHOUT) if own.key == ONEDNN else (own,):
                certainty, error = self.certainty(quantity, path)
                held = _PARTLY if self._is_more_than(quantity) else verified
                yield Figure(name, size_by(path), certainty, counts, held, path.key, path == own, error)
            if quantity == "saved":
                size = saved_cudnn(self.config, self.data)
                yield Figure(name, size, "estimate", counts, _READ, "cudnn", applies=False)
