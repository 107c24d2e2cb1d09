"""The memory that an LSTM needs, figure by figure: bytes, formula, and certainty.

Stored arrays, inputs and outputs follow from shapes. What PyTorch keeps and allocates while it computes depends on the
implementation (`implementation`), and is in `activations`; its optimizers are in `optimizers`.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add, mul
from typing import Final, NamedTuple

from lstmcalc.costs.activations import INDEX, error_of, peak_inference, peaks_training, saved, saved_cudnn
from lstmcalc.costs.implementation import NATIVE, ONEDNN, Path, path_of
from lstmcalc.costs.operations import sequences_of
from lstmcalc.costs.optimizers import OPTIMIZERS, SCALAR, Parameters, lstm_parameters, state, step_temporaries
from lstmcalc.costs.regimes import Task, extent, regime
from lstmcalc.model.lstm import LSTMModel, Tensor
from lstmcalc.model.surroundings import EMBEDDING, around_symbols, extras, extras_symbolic, tensors_around
from lstmcalc.spec.config import DTYPE_BYTES, DataSpec, LSTMConfig, Surroundings
from lstmcalc.spec.sizes import Dim, largest
from lstmcalc.spec.symbols import OUT, SYMBOLS, D, H_cell, H_in, H_out, num_layers

DEFAULT_OPTIMIZER: Final = "adam"


def values_of(config: LSTMConfig, data: DataSpec, around: Surroundings = Surroundings()) -> dict[str, int]:  # noqa: B008  # frozen
    """The value of every symbol that can be in a cost, in the legend's order."""
    values = {**LSTMModel(config).data_symbols(data), **around_symbols(around)}
    if data.lengths:
        values["batch_sizes[-1]"] = data.lengths.count(data.longest)
    return {symbol: values[symbol] for symbol in SYMBOLS if symbol in values}


class Figure(NamedTuple):
    """An amount of memory."""

    name: str  # e.g. `weights`, `inference peak`
    size: Dim  # in bytes
    certainty: str  # `exact` or `estimate`
    counts: str  # the memory that it counts, in words
    verified: str  # the facts that it was compared with, in words
    path: str = ""  # the implementation, one of `operations.PATHS`; empty if it makes no difference
    applies: bool = True  # PyTorch uses that implementation for this LSTM on a CPU
    error_percent: float | None = None  # the largest error of an estimate, if it was compared with measurements


# The facts that a figure was compared with, by the kind of its formula.
_STORED: Final = "what modules and optimizers of torch 2.13.0 keep"
_SHAPED: Final = "the tensors of torch 2.13.0"
_HOOKED: Final = "what autograd saves in torch 2.13.0 on x86 (saved_tensors_hooks)"
_PROFILED: Final = "what the profiler of torch 2.13.0 finds on x86 with AVX-512"
_PARTLY: Final = f"{_PROFILED}, but for the buffers of products in 16 bits"
_READ: Final = "read in PyTorch's source and in printouts of other versions, not measured"
_BUFFERS: Final = "a program with these buffers alone"


_WITHOUT: Final = Path(NATIVE, "torch.backends.mkldnn.enabled = False")


class Bill:
    """The memory needs of one LSTM.

    `optimizer` is a name in `optimizers.OPTIMIZERS`. The input needs a gradient with `input_grad`, and always with an
    embedding.
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
    def embeds(self) -> bool:
        """True if an embedding makes the input."""
        return self.around.embed is not None

    @property
    def parameters(self) -> Dim:
        """The number of parameters, including those of the layers around."""
        return self._model.num_parameters_symbolic + extras_symbolic(extras(self.config, self.around))

    @property
    def _stored_parameters(self) -> list[Parameters]:
        """The parameters that an optimizer updates, in the order that data flows: an embedding, the LSTM, a head."""
        rows: dict[bool, list[Parameters]] = {True: [], False: []}
        for extra in extras(self.config, self.around):
            rows[extra.part == EMBEDDING].append(Parameters((extra.symbolic,), Dim.of(1)))
        return [*rows[True], *lstm_parameters(self.config), *rows[False]]

    def path(self, *, training: bool) -> Path:
        """The implementation that computes it in PyTorch on a CPU."""
        return path_of(self.config, self.data, training=training)

    @property
    def weights(self) -> Dim:
        """Bytes of all parameters, in the data's dtype."""
        return self._width * self.parameters

    @property
    def optimizer_state(self) -> Dim:
        """Bytes that the optimizer keeps from step to step."""
        return state(self._stored_parameters, self.optimizer, self.data.dtype)

    def _bytes(self, tensors: list[Tensor]) -> Dim:
        """Bytes of tensors; integer tensors take 8 bytes for each number, whatever the data's dtype."""
        sizes = ((8 if item.dtype else self._width) * reduce(mul, item.symbolic, Dim.of(1)) for item in tensors)
        return reduce(add, sizes, Dim.of(0))

    def _tensors(self, *names: str) -> list[Tensor]:
        before, behind = tensors_around(self.config, self.data, self.around)
        every = [*before, *self._model.tensors_of(self.data), *behind]
        return [item for item in every if item.name in names]

    @property
    def given(self) -> Dim:
        """Bytes that go in: the input, or packed.data and packed.batch_sizes; the tokens of an embedding too."""
        packed = "packed.data", "packed.batch_sizes"
        return self._bytes(self._tensors("tokens", *(packed if self.data.lengths else ("input",))))

    @property
    def made(self) -> Dim:
        """Bytes that come out: output, h_n and c_n, and the head's logits."""
        return self._bytes(self._tensors("output", "h_n", "c_n", "logits"))

    @property
    def _kept_results(self) -> Dim:
        """Bytes of the LSTM's results that the caller keeps: output (packed if the input is), h_n and c_n."""
        size = extent(regime(self.config, self.data))
        states = num_layers * size.sequences * (H_out + H_cell)
        return self._width * D * (size.rows * H_out + states)

    @property
    def _head_input_copy(self) -> Dim:
        """Bytes of a head's input if PyTorch makes a new tensor for it.

        That is output in batch_first's order, output padded again, or the last h of both directions.
        """
        facts = regime(self.config, self.data)
        size = extent(facts)
        if self.around.head_on == "last":
            return self._width * D * size.sequences * H_out if facts.bidirectional else Dim.of(0)
        if facts.packed:
            return self._bytes(self._tensors("output"))
        return self._width * D * size.rows * H_out if facts.transposed else Dim.of(0)

    @property
    def _padded_input(self) -> Dim:
        """Bytes of the padded input of a packed batch."""
        return self._bytes(self._tensors("input"))

    @property
    def _packing(self) -> Dim:
        """Bytes while vectors are packed: in order of the batch, in order of length, and with batch_first step by step.

        Without batch_first some steps are copied too; their number depends on the lengths, and is not included.
        """
        steps = self._width * extent(regime(self.config, self.data)).rows * H_in
        return 2 * self._padded_input + steps * self.config.batch_first

    def inference_peak_by(self, path: Path) -> Dim:
        """The most bytes allocated at a time in one forward pass without gradients."""
        computing = peak_inference(self.config, self.data, path)
        if self.around.head is not None:
            moments = [self._head_input_copy + self._bytes(self._tensors("logits"))]
            if self.data.lengths and self.around.head_on == "all":  # padded, then in order of the batch
                moments.append(2 * self._head_input_copy)
            computing = largest(computing, self._kept_results + largest(*moments))
        if self.embeds and self.data.lengths:
            computing = largest(computing, self._packing)
        return self.weights + self.given + computing

    def training_peak_by(self, path: Path) -> Dim:
        """The most bytes allocated at a time in one training step: forward, backward, and the optimizer's step."""
        return self.weights + self.optimizer_state + largest(*self.moments(path).values())

    def moments(self, path: Path) -> dict[str, Dim]:
        """Bytes besides weights and optimizer state at the moments of a training step that need most.

        Backward is given the gradient of the last result, logits or output. That gradient and the input exist
        throughout, the results from forward to the end. The output of an embedding is freed once nothing reads it.
        """
        facts, width = regime(self.config, self.data), self._width
        size = extent(facts)
        output, passed = width * D * size.rows * H_out, width * size.rows * H_in
        head = self.around.head is not None
        logits = self._bytes(self._tensors("logits"))
        begins = ("head" if self.around.head_on == "all" else "last") if head else "output"
        peaks = peaks_training(self.config, self.data, path, Task(begins, self.input_grad, self.embeds))
        stays = (logits if head else output) + (self._bytes(self._tensors("tokens")) if self.embeds else self.given)
        # batch_first makes a copy of an embedding's output, and the original is freed when forward is done.
        is_twice = self.embeds and facts.transposed
        read = stays + passed * (self.embeds and not is_twice)
        found = {"backward": read + peaks.backward}
        if peaks.forward is not None:
            found["forward"] = read + passed * is_twice + peaks.forward
        if head:
            weight = width * (OUT * D * H_out + OUT)
            found["backward"] = found["backward"] + logits + weight
            made = output if self.around.head_on == "all" and not facts.packed else self._head_input_copy
            found["head"] = read + peaks.between + self._head_input_copy + logits + weight + made
            if is_twice:
                found["logits"] = read + passed + peaks.between + self._head_input_copy + logits
        done = stays + self._kept_results + logits * head + self.weights
        if self.embeds and facts.packed:
            found["packing"] = stays + passed + self._packing
        if self.embeds:  # the gradient of its output, which is transposed if the input was
            found["embedding"] = done + (self._padded_input if facts.packed else passed * (1 + facts.transposed))
        stepping = step_temporaries(self._stored_parameters, self.optimizer, self.data.dtype)
        found["step"] = done + stepping + passed * (self.input_grad and not self.embeds)
        return found

    def certainty(self, quantity: str, path: Path) -> tuple[str, float | None]:
        """`exact` or `estimate`, for `saved` or the peak of `inference` or `training`; the largest error in percent."""
        error = self._error(path, quantity)
        return "exact" if error == 0 else "estimate", error or None

    def _error(self, path: Path, quantity: str) -> float | None:
        """The largest error of a figure, in percent; None if it is unknown.

        With layers around, or a gradient of the input, it is no more than for the LSTM alone: hundreds of random
        programs with torch 2.13.0+cpu. But products of a head in bfloat16, and of Adafactor in 16 bits, take buffers
        that are in no formula: with them, figures were up to 22 % too low if oneDNN computes.
        """
        if quantity != "saved" and self.around.head is not None and self.data.dtype == "bfloat16":
            return None
        if quantity == "training" and OPTIMIZERS[self.optimizer].factored and self._width < SCALAR:
            return None
        return error_of(self.data, path, quantity)

    def saved_by(self, path: Path) -> Dim:
        """Bytes kept from the forward pass for the backward pass, without parameters."""
        return saved(self.config, self.data, path) + self._saved_around(path.key)

    def _saved_around(self, key: str) -> Dim:
        """Bytes kept for the layers around, besides those that the LSTM keeps."""
        return self._saved_of_embedding() + self._saved_of_head(key)

    def _saved_of_embedding(self) -> Dim:
        """Bytes that an embedding saves: its tokens and, if its output is packed, the sort order and batch sizes."""
        tokens = self._bytes(self._tensors("tokens"))
        if not (self.embeds and self.data.lengths):
            return tokens
        size = extent(regime(self.config, self.data))
        return tokens + INDEX * (size.sequences + size.steps)

    def _saved_of_head(self, key: str) -> Dim:
        """Bytes of a head's input, unless the LSTM saves it already; all of h_n if the input is a part of h_n.

        oneDNN saves its output, which is the head's input if there is one direction and nothing is transposed. cuDNN
        saves the output of both directions.
        """
        facts = regime(self.config, self.data)
        size = extent(facts)
        if self.around.head is None:
            return Dim.of(0)
        if self.around.head_on == "last":
            return self._head_input_copy if facts.bidirectional else self._width * num_layers * size.sequences * H_out
        if facts.packed:
            return self._bytes(self._tensors("output"))
        is_saved = not facts.transposed and (key == "cudnn" or (key == ONEDNN and not facts.bidirectional))
        return Dim.of(0) if is_saved else self._width * D * size.rows * H_out

    def streaming(self) -> Dim | None:
        """The least bytes, besides the weights, to compute step by step; None if a direction needs all steps.

        Unit by unit: a step's input, h and c of every layer, and the new h of one layer until its old one is no longer
        needed; that is `H_cell` wide with a projection too, because it is the projection's input.
        """
        if self.config.bidirectional:
            return None
        return self._width * sequences_of(self.data) * (H_in + num_layers * (H_cell + H_out) + H_cell)

    @property
    def state(self) -> Dim:
        """The bytes of `streaming` for one sequence, which reads forward."""
        return self._width * (H_in + num_layers * (H_cell + H_out) + H_cell)

    def figures(self) -> Iterator[Figure]:
        """Every figure: stored arrays, inputs and outputs, memory kept and allocated during the computation."""
        dtype, width = self.data.dtype, self._width
        yield Figure("weights", self.weights, "exact", f"every parameter, {width} bytes each", _STORED)
        kept = f"what {OPTIMIZERS[self.optimizer].call} keeps from step to step"
        yield Figure("gradients", self.weights, "exact", f"one for every parameter, in {dtype}", _STORED)
        yield Figure("optimizer state", self.optimizer_state, "exact", kept, _STORED)
        head, embed = self.around.head is not None, self.around.embed is not None
        given = f"{'tokens and ' * embed}{'packed.data and its batch_sizes' if self.data.lengths else 'input'}"
        yield Figure("input", self.given, "exact", f"{given}, not h_0 and c_0", _SHAPED)
        yield Figure("output", self.made, "exact", f"output, h_n and c_n{', logits' * head}", _SHAPED)
        yield from self._allocated_figures()
        streaming = self.streaming()
        if streaming is not None:
            counts = "what changes, step by step: one input, h and c of each layer, one spare h"
            yield Figure("streaming minimum", streaming, "exact", counts, _BUFFERS)

    def _allocated_figures(self) -> Iterator[Figure]:
        """The figures of what PyTorch allocates: as it computes this LSTM, without oneDNN, and on a GPU."""
        head = ", logits" if self.around.head is not None else ""
        read = ", what the head reads" if self.around.head is not None else ""
        around = f"{', tokens' * self.embeds}{read}"
        gradient = f", and the gradient that {'logits are' if head else 'output is'} given"
        passing = f"weights, input, and what one forward pass takes{', and logits' * bool(head)}"
        stepping = f"all of a training step: weights, gradients, optimizer state, input, what it takes{head}{gradient}"
        rows: tuple[tuple[str, str, Callable[[Path], Dim], str, str], ...] = (
            ("saved for backward", "saved", self.saved_by, f"what autograd keeps, with the input{around}", _HOOKED),
            ("inference peak", "inference", self.inference_peak_by, passing, _PROFILED),
            ("training peak", "training", self.training_peak_by, stepping, _PROFILED),
        )
        for name, quantity, size_by, counts, verified in rows:
            own = self.path(training=quantity != "inference")
            for path in (own, _WITHOUT) if own.key == ONEDNN else (own,):
                certainty, error = self.certainty(quantity, path)
                held = verified if error or certainty == "exact" else _PARTLY
                yield Figure(name, size_by(path), certainty, counts, held, path.key, path == own, error)
            if quantity == "saved":
                size = saved_cudnn(self.config, self.data) + self._saved_around("cudnn")
                yield Figure(name, size, "estimate", counts, _READ, "cudnn", applies=False)
