"""What an LSTM needs in memory, figure by figure: how many bytes, by which formula, and how sure that is.

What is stored and what goes in and out follows from shapes. What PyTorch keeps and allocates while it computes depends
on who computes it (`paths`), and is in `activations`; its optimizers are in `optimizers`.
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
_PARTLY: Final = f"{_PROFILED}, but for the buffers of products in 16 bits"
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
    def embeds(self) -> bool:
        """Whether an embedding makes the input."""
        return self.around.embed is not None

    @property
    def parameters(self) -> Dim:
        """The number of parameters, with those of the layers around."""
        return self._model.num_parameters_symbolic + extras_symbolic(extras(self.config, self.around))

    @property
    def _stored(self) -> list[Parameters]:
        """What an optimizer goes through, in the order that data flows: an embedding, the LSTM, a head."""
        rows: dict[bool, list[Parameters]] = {True: [], False: []}
        for extra in extras(self.config, self.around):
            rows[extra.part == EMBEDDING].append(Parameters((extra.symbolic,), Dim.of(1)))
        return [*rows[True], *lstm_parameters(self.config), *rows[False]]

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

    @property
    def _kept(self) -> Dim:
        """Bytes of what the caller keeps of the LSTM: output, which is packed if the input is, h_n and c_n."""
        size = extent(regime(self.config, self.data))
        states = num_layers * size.sequences * (H_out + H_cell)
        return self._width * D * (size.rows * H_out + states)

    @property
    def _copied(self) -> Dim:
        """Bytes of what a head reads where PyTorch puts it together.

        That is output in batch_first's order, output with the padding that it has lost, or both last h.
        """
        facts = regime(self.config, self.data)
        size = extent(facts)
        if self.around.head_on == "last":
            return self._width * D * size.sequences * H_out if facts.bidirectional else Dim.of(0)
        if facts.packed:
            return self._bytes(self._tensors("output"))
        return self._width * D * size.rows * H_out if facts.transposed else Dim.of(0)

    @property
    def _padded(self) -> Dim:
        """Bytes of a packed input before it is packed."""
        return self._bytes(self._tensors("input"))

    @property
    def _packing(self) -> Dim:
        """Bytes while vectors are packed: in order of the batch, in order of length, and with batch_first step by step.

        Without it some steps are copied too: how many depends on the lengths, and is not in it.
        """
        steps = self._width * extent(regime(self.config, self.data)).rows * H_in
        return 2 * self._padded + steps * self.config.batch_first

    def inference_peak_by(self, path: Path) -> Dim:
        """The most that is allocated at a time in one forward pass without gradients."""
        computing = peak_inference(self.config, self.data, path)
        if self.around.head is not None:
            moments = [self._copied + self._bytes(self._tensors("logits"))]
            if self.data.lengths and self.around.head_on == "all":  # padded, then in order of the batch
                moments.append(2 * self._copied)
            computing = largest(computing, self._kept + largest(*moments))
        if self.embeds and self.data.lengths:
            computing = largest(computing, self._packing)
        return self.weights + self.given + computing

    def training_peak_by(self, path: Path) -> Dim:
        """The most that is allocated at a time in one training step: forward, backward, and the optimizer's step."""
        return self.weights + self.optimizer_state + largest(*self.moments(path).values())

    def moments(self, path: Path) -> dict[str, Dim]:
        """What there is besides weights and optimizer state at the moments of a training step that need most.

        Backward is given the gradient of what comes last, logits or output. It is there throughout, as the input is,
        and the results from forward to the end. What an embedding makes is gone once nothing reads it.
        """
        facts, width = regime(self.config, self.data), self._width
        size = extent(facts)
        output, passed = width * D * size.rows * H_out, width * size.rows * H_in
        head = self.around.head is not None
        logits = self._bytes(self._tensors("logits"))
        begins = ("head" if self.around.head_on == "all" else "last") if head else "output"
        peaks = peaks_training(self.config, self.data, path, Task(begins, self.input_grad, self.embeds))
        stays = (logits if head else output) + (self._bytes(self._tensors("tokens")) if self.embeds else self.given)
        # batch_first makes a copy of what an embedding made, and what it made is gone when forward is done.
        is_twice = self.embeds and facts.transposed
        read = stays + passed * (self.embeds and not is_twice)
        found = {"backward": read + peaks.backward}
        if peaks.forward is not None:
            found["forward"] = read + passed * is_twice + peaks.forward
        if head:
            weight = width * (OUT * D * H_out + OUT)
            found["backward"] = found["backward"] + logits + weight
            made = output if self.around.head_on == "all" and not facts.packed else self._copied
            found["head"] = read + peaks.between + self._copied + logits + weight + made
            if is_twice:
                found["logits"] = read + passed + peaks.between + self._copied + logits
        done = stays + self._kept + logits * head + self.weights
        if self.embeds and facts.packed:
            found["packing"] = stays + passed + self._packing
        if self.embeds:  # its gradient, of what backward passes on, which is turned if the input was
            found["embedding"] = done + (self._padded if facts.packed else passed * (1 + facts.transposed))
        stepping = step_temporaries(self._stored, self.optimizer, self.data.dtype)
        found["step"] = done + stepping + passed * (self.input_grad and not self.embeds)
        return found

    def certainty(self, quantity: str, path: Path) -> tuple[str, float | None]:
        """How sure `saved`, or the peak of `inference` or `training`, is, and the largest error in percent."""
        error = self._error(path, quantity)
        return "exact" if error == 0 else "estimate", error or None

    def _error(self, path: Path, quantity: str) -> float | None:
        """How far a figure was off at most, in percent; None where that is not known.

        With layers around, and with a gradient of the input, it is no more than for the LSTM alone: hundreds of random
        programs with torch 2.13.0+cpu. But products of a head in bfloat16, and of Adafactor in 16 bits, take buffers
        that are in no formula: with them, what is said was up to 22 % too little where oneDNN computes.
        """
        if quantity != "saved" and self.around.head is not None and self.data.dtype == "bfloat16":
            return None
        if quantity == "training" and OPTIMIZERS[self.optimizer].factored and self._width < SCALAR:
            return None
        return error_of(self.data, path, quantity)

    def saved_by(self, path: Path) -> Dim:
        """What is kept from the forward pass for the backward pass, no parameters."""
        return saved(self.config, self.data, path) + self._saved_around(path.key)

    def _saved_around(self, key: str) -> Dim:
        """What is kept of the layers around besides what the LSTM keeps."""
        return self._saved_of_embedding() + self._saved_of_head(key)

    def _saved_of_embedding(self) -> Dim:
        """Its words, and of those that are packed how they are sorted, and how many there are at each step."""
        tokens = self._bytes(self._tensors("tokens"))
        if not (self.embeds and self.data.lengths):
            return tokens
        size = extent(regime(self.config, self.data))
        return tokens + INDEX * (size.sequences + size.steps)

    def _saved_of_head(self, key: str) -> Dim:
        """What a head reads, unless the LSTM has it saved: all of h_n if it is a part of h_n.

        oneDNN has its output saved, and that is what the head reads where there is one direction and nothing is turned.
        cuDNN has the output of both.
        """
        facts = regime(self.config, self.data)
        size = extent(facts)
        if self.around.head is None:
            return Dim.of(0)
        if self.around.head_on == "last":
            return self._copied if facts.bidirectional else self._width * num_layers * size.sequences * H_out
        if facts.packed:
            return self._bytes(self._tensors("output"))
        is_saved = not facts.transposed and (key == "cudnn" or (key == ONEDNN and not facts.bidirectional))
        return Dim.of(0) if is_saved else self._width * D * size.rows * H_out

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
