"""What `explain` says of an LSTM, executed in PyTorch, Keras and Flax themselves."""

import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel, forward
from lstmcalc.commands.explain.facts import forget_code
from lstmcalc.commands.explain.report import CodeRow, ExplainModule, explain_module
from lstmcalc.frameworks.storage import parameters
from lstmcalc.intake.subject import subject_of_layers
from lstmcalc.model.claims import Claim, claims_of
from lstmcalc.model.equations import Equation, Group, groups_of
from lstmcalc.model.packing import UNSTABLE, Packing
from lstmcalc.model.surroundings import extras, tensors_around
from lstmcalc.numerics.convert import pack
from lstmcalc.numerics.tracing import trace
from lstmcalc.spec.config import Surroundings
from tools.live import installed
from tools.oracle import Case, random_case
from tools.peer_players import to_numpy

pytestmark = pytest.mark.peers

Names: TypeAlias = dict[str, Any]  # tensors, modules and numbers, by the names that expressions have for them

# Keras chooses its backend when it is imported; TensorFlow, its default, is not needed for this.
os.environ.setdefault("KERAS_BACKEND", "torch")

TOLERANCE = 1e-12  # float64
CHUNK, CHUNKS = 50, 8


@pytest.fixture(scope="module")
def torch() -> Any:
    module = pytest.importorskip("torch")
    module.set_num_threads(1)  # thousands of small products: threads would mostly wait for each other
    return module


@pytest.fixture(autouse=True)
def _quietly(torch: Any) -> Iterator[None]:
    assert torch.__version__.partition("+")[0] == "2.13.0"
    with quiet(), torch.no_grad():
        yield


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        # torch 2.13.0 warns of dropout with a single layer, and of its own choice of a kernel.
        warnings.filterwarnings("ignore", "dropout option adds dropout after all but last recurrent layer")
        warnings.filterwarnings("ignore", "LSTM with projections is not supported with oneDNN")
        yield


# A live LSTM, and what it does step by step


class Live(NamedTuple):
    """An LSTM of PyTorch with random weights and data, and what it computed.

    Attributes:
        lstm: The module, in float64, as it is evaluated.
        names: What stands in expressions: its tensors, the modules around, and the symbols.
        steps: `i_l0`, ..., `h_l0`: what each step gives, `(L, N, ...)`; `x_l0`, `h_before_l0` and `c_before_l0`: what it
            is given. Behind a sequence is 0; without a batch axis N is left out.
        running: Whether a sequence has a step, `(L, N)`.
    """

    config: LSTMConfig
    data: DataSpec
    around: Surroundings
    lstm: Any
    names: Names
    steps: Names
    running: Any


def around_of(seed: int) -> Surroundings:
    rng = np.random.default_rng(seed + 10**6)
    head = int(rng.integers(1, 5)) if rng.random() < 2 / 3 else None
    embed = int(rng.integers(2, 7)) if rng.random() < 1 / 2 else None
    return Surroundings(head, "all" if head and rng.random() < 1 / 2 else "last", embed)


@cache
def live_of(seed: int) -> Live:
    return live(random_case(seed), around_of(seed), seed)


def live(case: Case, around: Surroundings, seed: int = 0) -> Live:
    torch = installed("torch")
    config, data = LSTMConfig(**case.config), DataSpec(case.seq_len, case.batch, case.lengths)
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    try:
        with quiet(), torch.no_grad():
            return _live(torch, config, data, around, case.state)
    finally:
        torch.set_default_dtype(torch.float32)


def _live(torch: Any, config: LSTMConfig, data: DataSpec, around: Surroundings, state: bool) -> Live:
    nn, lstm = torch.nn, torch.nn.LSTM(**vars(config)).eval()
    batch = () if data.unbatched else (data.num_sequences,)
    first = config.batch_first and not data.unbatched
    steps = (*batch, data.seq_len) if first else (data.seq_len, *batch)
    features = config.num_directions * config.output_size
    names: Names = {"torch": torch, "input": torch.randn(*steps, config.input_size)}
    if around.embed:
        names["embedding"] = nn.Embedding(around.embed, config.input_size)
        names["tokens"] = torch.randint(around.embed, steps)
        names["input"] = names["embedding"](names["tokens"])
    if around.head:
        names["head"] = nn.Linear(features, around.head)
    cells = config.num_layers * config.num_directions
    draw = torch.randn if state else torch.zeros
    names["h_0"] = draw(cells, *batch, config.output_size)
    names["c_0"] = draw(cells, *batch, config.hidden_size)
    names |= called(lstm, names["input"], (names["h_0"], names["c_0"]) if state else None, data)

    ends = torch.tensor(data.lengths or [data.seq_len] * data.num_sequences, dtype=torch.long)
    running = torch.arange(data.seq_len)[:, None] < ends
    x = names["input"].transpose(0, 1) if first else names["input"]
    given = [x, names["h_0"], names["c_0"]]
    x, h_0, c_0 = (array.unsqueeze(1) if data.unbatched else array for array in given)
    found = steps_of(lstm, x, h_0, c_0, running)
    found = {name: array.squeeze(1) for name, array in found.items()} if data.unbatched else found
    if around.head and around.head_on == "all":
        names["logits"] = names["head"](names["output"])
    elif around.head:
        last = config.num_layers - 1
        at_end = [found[f"h_l{last}"][-1] if data.unbatched else picked(found[f"h_l{last}"], ends - 1)]
        at_end += [found[f"h_l{last}_reverse"][0]] if config.bidirectional else []
        names["logits"] = names["head"](torch.cat(at_end, -1))
    return Live(config, data, around, lstm, names | LSTMModel(config).data_symbols(data), found, running)


def picked(array: Any, steps: Any) -> Any:
    """Of each sequence n its step `steps[n]`."""
    return array[steps, range(len(steps))]


def called(lstm: Any, x: Any, state: Any, data: DataSpec) -> Names:
    """What the module returns, by the usual names."""
    torch = installed("torch")
    if not data.lengths:
        output, (h_n, c_n) = lstm(x, state)
        return {"output": output, "h_n": h_n, "c_n": c_n}
    rnn, first = torch.nn.utils.rnn, lstm.batch_first
    packed = rnn.pack_padded_sequence(x, torch.tensor(data.lengths), first, enforce_sorted=False)
    output, (h_n, c_n) = lstm(packed, state)
    output, _ = rnn.pad_packed_sequence(output, first, total_length=data.seq_len)
    return {"output": output, "h_n": h_n, "c_n": c_n, "packed": packed}


def steps_of(lstm: Any, x: Any, h_0: Any, c_0: Any, running: Any) -> Names:
    """Every value of every step, by PyTorch's own operations; where a sequence does not run, its state waits."""
    torch = installed("torch")
    linear, found = torch.nn.functional.linear, Names()
    for layer in range(lstm.num_layers):
        for direction in range(1 + lstm.bidirectional):
            name = f"_l{layer}{'_reverse' if direction else ''}"
            k = layer * (1 + lstm.bidirectional) + direction
            w_ih, w_hh, b_ih, b_hh, w_hr = (
                getattr(lstm, stem + name, None)
                for stem in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
            )
            h, c, rows = h_0[k], c_0[k], [Names()] * len(x)
            for t in reversed(range(len(x))) if direction else range(len(x)):
                sums = linear(x[t], w_ih, b_ih) + linear(h, w_hh, b_hh)
                i, f, g, o = sums.chunk(4, -1)
                step = {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}
                step |= {"x": x[t], "h_before": h, "c_before": c}
                step["c"] = step["f"] * c + step["i"] * step["g"]
                step["m"] = step["o"] * step["c"].tanh()
                step["h"] = linear(step["m"], w_hr) if w_hr is not None else step["m"]
                on = running[t][:, None]
                rows[t] = {value: torch.where(on, array, 0) for value, array in step.items()}
                h, c = torch.where(on, step["h"], h), torch.where(on, step["c"], c)
            found |= {value + name: torch.stack([row[value] for row in rows]) for value in rows[0]}
        x = torch.cat([found[f"h_l{layer}{name}"] for name in ("", "_reverse")[: 1 + lstm.bidirectional]], -1)
    return found


def apart(one: Any, other: Any) -> float:
    assert one.shape == other.shape, f"{tuple(one.shape)} is not {tuple(other.shape)}"
    return float((one - other).abs().max()) if one.numel() else 0.0


def failures(chunk: int, check: Callable[[Live], None]) -> list[str]:
    """What does not hold, each with the LSTM it does not hold for."""
    found = []
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        try:
            check(live_of(seed))
        except AssertionError as error:
            found.append(f"{random_case(seed)}, {around_of(seed)}: {error}")
    return found


def told(config: LSTMConfig, data: DataSpec, around: Surroundings | None = None, *topics: str) -> ExplainModule:
    """The module of `explain`."""
    subject = subject_of_layers([])._replace(config=config, data=data, around=around or Surroundings())
    return explain_module(subject, topics)


def phrases(config: LSTMConfig, topic: str, data: DataSpec | None = None) -> str:
    return "\n".join(row.text for row in told(config, data or DataSpec(), None, topic).facts)


each_chunk = pytest.mark.parametrize("chunk", range(CHUNKS))


@each_chunk
def test_step_by_step_is_what_pytorchs_lstm_computes(chunk: int) -> None:
    """All that follows rests on these steps."""

    def check(live: Live) -> None:
        ends = live.running.sum(0) - 1
        for k, (layer, name) in enumerate(cells(live.config)):
            for value, final in (("h", "h_n"), ("c", "c_n")):
                found = live.steps[f"{value}_l{layer}{name}"]
                read = found[0] if name else found[-1] if live.data.unbatched else picked(found, ends)
                assert apart(read, live.names[final][k]) < TOLERANCE

    assert failures(chunk, check) == []


def cells(config: LSTMConfig) -> list[tuple[int, str]]:
    return [(layer, name) for layer in range(config.num_layers) for name in ("", "_reverse")[: config.num_directions]]


# 1. Claims


def check_claim(claim: Claim, names: Mapping[str, Any]) -> None:
    shape = tuple(eval(claim.snippet.text, dict(names)).shape)
    assert shape == claim.shape, f"{claim.snippet}: {shape}, not {claim.shape}"
    for relation in claim.relations:
        distance = apart(eval(relation.left.text, dict(names)), eval(relation.right.text, dict(names)))
        assert (distance < TOLERANCE) if relation.equal else (distance > 1e-9), f"{relation.text}: {distance}"


@each_chunk
def test_every_claim_holds_in_pytorch_as_it_is_printed(chunk: int) -> None:
    def check(live: Live) -> None:
        for claim in claims_of(LSTMModel(live.config), live.data, live.around):
            check_claim(claim, live.names | live.steps)

    assert failures(chunk, check) == []


@each_chunk
def test_what_claims_add_in_words_holds_too(chunk: int) -> None:
    def check(live: Live) -> None:
        last, names = live.config.num_layers - 1, live.names | live.steps
        for claim in claims_of(LSTMModel(live.config), live.data, live.around):
            value = eval(claim.snippet.text, dict(names))
            for index, direction in re.findall(r"(\[[^]]*\]) is (forward|reverse)", claim.why):
                half = eval(f"value{index}", {"value": value})
                steps = names[f"h_l{last}{'_reverse' * (direction == 'reverse')}"]
                turn = live.config.batch_first and not live.data.unbatched
                assert apart(half.transpose(0, 1) if turn else half, steps) < TOLERANCE, claim.why
            if "0 where a sequence ended before" in claim.why:
                assert not value[~live.running[-1]].any()
                assert (~live.running[-1]).any()
            if "reverse half has read one step" in claim.why:
                before = [names[f"{state}_before_l{last}_reverse"][-1] for state in "hc"]
                assert apart(before[0], names["h_0"][-1]) == apart(before[1], names["c_0"][-1]) == 0
                assert apart(value[..., live.config.output_size :], names[f"h_l{last}_reverse"][-1]) < TOLERANCE

    assert failures(chunk, check) == []


def test_the_random_lstms_have_every_kind_of_claim() -> None:
    lives = [live_of(seed) for seed in range(CHUNK * CHUNKS)]
    claims = [claim for live in lives for claim in claims_of(LSTMModel(live.config), live.data, live.around)]
    assert {claim.topic for claim in claims} == {"states", "packing", "around"}
    assert {claim.framework for claim in claims} == {"pytorch", "keras"}
    assert sum(len(claim.relations) for claim in claims) > 8000
    assert sum(not relation.equal for claim in claims for relation in claim.relations) > 100
    for kind, least in {
        "padded further": sum(live.data.longest < live.data.seq_len for live in lives),
        "unbatched": sum(live.data.unbatched for live in lives),
        "empty": sum(live.data.num_sequences == 0 for live in lives),
        "alone": sum(live.data.batch == 1 for live in lives),
        "projected, both ways": sum(bool(live.config.proj_size and live.config.bidirectional) for live in lives),
        "logits of all steps": sum(live.around.head_on == "all" for live in lives),
        "logits without a batch axis": sum(bool(live.around.head and live.data.unbatched) for live in lives),
    }.items():
        assert least >= 10, kind


def test_a_wrong_claim_would_be_noticed() -> None:
    """The tests above can fail: a relation turned round does not hold."""
    for seed in range(20):
        live = live_of(seed)
        if live.data.num_sequences == 0:
            continue
        for claim in claims_of(LSTMModel(live.config), live.data, live.around):
            for relation in claim.relations:
                turned = claim._replace(relations=(relation._replace(equal=not relation.equal),))
                with pytest.raises(AssertionError):
                    check_claim(turned, live.names | live.steps)


# 2. The trace


@each_chunk
def test_a_trace_is_every_gate_cell_and_state_of_pytorch(chunk: int) -> None:
    def check(live: Live) -> None:
        weights = {name: array.numpy() for name, array in live.lstm.state_dict().items()}
        x, h_0, c_0 = (live.names[name].numpy() for name in ("input", "h_0", "c_0"))
        traced = trace(live.config, weights, x, (h_0, c_0), live.data.lengths)
        assert list(traced) == [f"{value}_l{k}{name}" for k, name in cells(live.config) for value in "ifgoch"]
        for name, array in traced.items():
            expected = live.steps[name].numpy()
            assert array.shape == expected.shape, name
            assert np.abs(array - expected).max(initial=0) < TOLERANCE, name

    assert failures(chunk, check) == []


# 3. Equations


def literally(equation: Equation) -> str:
    """The right side of the text as Python: `W x` is `x @ W.T`, `h_(t-1)` is `h_before`."""
    _, _, right = equation.text.partition(" = ")
    right = re.sub(r"\b([hc])_\(t[-+]1\)", r"\1_before", right)
    return re.sub(r"(W_\w+) (\w+)", r"(\2 @ \1.T)", right)


def check_equation(equation: Equation, names: Names, expected: Any, running: Any) -> None:
    torch = installed("torch")
    result = eval(literally(equation), {**names, "sigmoid": torch.sigmoid, "tanh": torch.tanh})
    result = torch.where(running[(...,) + (None,) * (result.ndim - running.ndim)], result, 0)
    assert apart(result, expected) < TOLERANCE, equation.text
    assert equation.result.shape == tuple(expected.shape[1:]), equation.text


def check_shapes(equation: Equation) -> None:
    """The line of shapes is true of tensors of these shapes."""
    text = re.sub(r"\(([\d, ]*)\)", r"zeros((\1))", equation.shapes).replace("^T", ".T")
    left, right = (eval(side, {"zeros": installed("torch").zeros}) for side in text.split(" = "))
    assert left.shape == right.shape == equation.result.shape, equation.shapes


def check_group(live: Live, group: Group) -> None:
    parameters = dict(live.lstm.named_parameters())
    name = "" if group.direction == "forward" else "_reverse"
    running = live.running[:, 0] if live.data.unbatched else live.running
    for layer in range(group.first, group.last + 1):
        own = {value: live.steps[f"{value}_l{layer}{name}"] for value in (*"ifgochmx", "h_before", "c_before")}
        names = {f"{value}_t" if len(value) == 1 else value: array for value, array in own.items()}
        for equation in group.equations:
            for operand in equation.operands:
                if operand.stored:
                    stored = operand.stored.replace(f"_l{group.first}", f"_l{layer}")
                    names[operand.symbol] = eval(stored, dict(parameters))
                    assert tuple(names[operand.symbol].shape) == operand.shape, stored
                elif not operand.symbol.startswith("tanh("):
                    value = names[re.sub(r"\(t[-+]1\)", "before", operand.symbol)]
                    assert tuple(value.shape[1:]) == operand.shape, operand.symbol
            check_equation(equation, names, own[equation.result.symbol[0]], running)
            check_shapes(equation)


@each_chunk
def test_every_equation_gives_each_step_of_pytorch_from_what_it_names(chunk: int) -> None:
    def check(live: Live) -> None:
        groups = groups_of(LSTMModel(live.config), live.data)
        covered = [(k, group.direction) for group in groups for k in range(group.first, group.last + 1)]
        expected = [(k, "reverse" if name else "forward") for k, name in cells(live.config)]
        assert sorted(covered) == sorted(expected)
        for group in groups:
            check_group(live, group)

    assert failures(chunk, check) == []


@each_chunk
def test_each_layer_reads_and_begins_with_what_is_said(chunk: int) -> None:
    def check(live: Live) -> None:
        names = live.names | live.steps
        for group in told(live.config, live.data, None, "equations").groups:
            name, first = "" if group.direction == "forward" else "_reverse", group.first_layer
            reads = [(first, group.x_t)]
            reads += [(first + 1, group.x_t_above)] if group.x_t_above else []
            for layer, text in reads:
                x = live.steps[f"x_l{layer}{name}"]
                for t in range(live.data.longest):
                    running = live.running[t] if not live.data.unbatched else ...
                    assert apart(eval(text, {**names, "t": t})[running], x[t][running]) < TOLERANCE, text
            for value, initial in (("h", group.begins_h), ("c", group.begins_c)):
                before = live.steps[f"{value}_before_l{first}{name}"]
                # The reverse direction begins where each sequence ends.
                ends = live.running.sum(0) - 1
                begins = before[0] if not name else before[-1] if live.data.unbatched else picked(before, ends)
                assert apart(eval(initial, dict(names)), begins) == 0, initial

    assert failures(chunk, check) == []


# 4. Packing


def packed_by_torch(lengths: Sequence[int], enforce_sorted: bool = False) -> tuple[Any, Any]:
    """What each cell of a padded batch is called, `(step, sequence)`, and that batch packed."""
    torch = installed("torch")
    cells = torch.cartesian_prod(torch.arange(max(lengths)), torch.arange(len(lengths)))
    padded = cells.view(max(lengths), len(lengths), 2)
    pack = torch.nn.utils.rnn.pack_padded_sequence
    return padded, pack(padded, torch.tensor(lengths), enforce_sorted=enforce_sorted)


def lengths_of(seed: int) -> tuple[int, ...]:
    """Any lengths of up to 16 sequences, or different lengths of more."""
    rng = np.random.default_rng(seed)
    if seed % 3:
        return tuple(map(int, rng.integers(1, rng.integers(2, 12), rng.integers(1, UNSTABLE))))
    return tuple(map(int, rng.permutation(60)[: rng.integers(1, 50)] + 1))


def test_a_batch_is_packed_row_by_row_as_pytorch_packs_it() -> None:
    for seed in range(300):
        lengths = lengths_of(seed)
        _, packed = packed_by_torch(lengths)
        data = DataSpec.given(None, None, lengths)
        ours = Packing(data)
        assert not ours.is_order_open, lengths
        assert list(ours.batch_sizes) == packed.batch_sizes.tolist()
        assert list(ours.sorted_indices) == packed.sorted_indices.tolist(), lengths
        assert list(ours.unsorted_indices) == packed.unsorted_indices.tolist(), lengths
        rows = packed.data.tolist()
        assert ours.num_rows == len(rows)
        assert [[step.step, n] for step in ours.steps for n in step.sequences] == rows
        for step in ours.steps:
            assert rows[slice(*step.rows)] == [[step.step, n] for n in step.sequences]
            assert len(step.sequences) == step.batch_size


def test_padding_is_what_packing_leaves_out() -> None:
    for seed in range(50):
        padded, packed = packed_by_torch(lengths := lengths_of(seed))
        row = told(LSTMConfig(2, 3), DataSpec.given(None, None, lengths), None, "packing").packing
        assert row
        assert row.padding == (padded.numel() - packed.data.numel()) / 2
        assert row.waste_percent == pytest.approx(100 * (1 - packed.data.numel() / padded.numel()))


def test_the_order_is_said_to_be_open_exactly_where_pytorch_has_another() -> None:
    others = set()
    for seed in range(300):
        rng = np.random.default_rng(seed)
        lengths = tuple(map(int, rng.integers(1, 9, rng.integers(1, 2 * UNSTABLE))))
        ours, (_, packed) = Packing(DataSpec.given(None, None, lengths)), packed_by_torch(lengths)
        assert list(ours.batch_sizes) == packed.batch_sizes.tolist()
        if list(ours.sorted_indices) != packed.sorted_indices.tolist():
            assert ours.is_order_open, lengths
            others.add(len(lengths))
    assert min(others) == UNSTABLE


def test_an_unsorted_batch_is_said_to_need_enforce_sorted_where_pytorch_refuses_it() -> None:
    for seed in range(100):
        lengths = lengths_of(seed)
        said = "enforce_sorted=False" in phrases(LSTMConfig(2, 3), "packing", DataSpec.given(None, None, lengths))
        assert said == (sorted(lengths, reverse=True) != list(lengths))
        if said:
            with pytest.raises(RuntimeError, match="enforce_sorted"):
                packed_by_torch(lengths, enforce_sorted=True)
        else:
            packed_by_torch(lengths, enforce_sorted=True)


@each_chunk
def test_the_last_h_of_each_sequence_is_where_it_is_said_and_behind_it_is_0(chunk: int) -> None:
    def check(live: Live) -> None:
        first = live.config.num_directions * (live.config.num_layers - 1)
        output = live.names["output"].transpose(0, 1) if live.config.batch_first else live.names["output"]
        for n, row in enumerate(told(live.config, live.data, None, "packing").sequences):
            assert row.length == live.running[:, n].sum()
            assert apart(eval(row.last_forward, dict(live.names)), live.names["h_n"][first, n]) == 0
            if live.config.bidirectional:
                assert apart(eval(row.last_reverse or "", dict(live.names)), live.names["h_n"][first + 1, n]) == 0
            assert not output[row.length :, n].any()

    assert failures(chunk, check) == []


# 5. Dropout, initialisation, batch_first


def layer_alone(lstm: Any, layer: int) -> Any:
    """One layer, as an LSTM of its own."""
    torch = installed("torch")
    reads = getattr(lstm, f"weight_ih_l{layer}").shape[1]
    own = torch.nn.LSTM(reads, lstm.hidden_size, bidirectional=lstm.bidirectional, proj_size=lstm.proj_size)
    mark = f"_l{layer}"
    own.load_state_dict({name.replace(mark, "_l0"): t for name, t in lstm.state_dict().items() if mark in name})
    return own


STACKS = [{"bidirectional": True}, {"proj_size": 3}, {}]


@pytest.mark.parametrize("options", STACKS, ids=str)
@pytest.mark.parametrize("p", [0.25, 0.5, 1.0])
def test_dropout_acts_on_h_between_layers_and_nowhere_else(torch: Any, options: dict[str, Any], p: float) -> None:
    lstm, x = torch.nn.LSTM(3, 5, 3, dropout=p, **options), torch.randn(7, 4, 3)
    layers, states = [layer_alone(lstm, layer) for layer in range(3)], []
    torch.manual_seed(1)
    output, (h_n, c_n) = lstm(x)
    torch.manual_seed(1)  # the same masks again
    for layer, alone in enumerate(layers):
        x, state = alone(torch.nn.functional.dropout(x, p) if layer else x)
        states.append(state)
    assert apart(output, x) < 1e-6
    assert apart(h_n, torch.cat([h for h, _ in states])) < 1e-6
    assert apart(c_n, torch.cat([c for _, c in states])) < 1e-6
    assert (output != 0).all()
    assert (h_n != 0).all()


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_each_number_is_0_with_that_probability_else_divided(torch: Any, p: float) -> None:
    said = phrases(LSTMConfig(3, 5, 2, dropout=p), "dropout")
    (words,) = re.findall(r"each number is 0 with probability ([\d.]+), else divided by ([\d.]+)", said)
    probability, divisor = map(float, words)
    h = torch.rand(100, 10, 20) + 1
    dropped = torch.nn.functional.dropout(h, p)
    assert apart(torch.where(dropped == 0, 0, h / divisor), dropped) < 1e-5
    assert abs(float((dropped == 0).double().mean()) - probability) < 0.02


def test_with_dropout_1_the_layers_above_read_zeros(torch: Any) -> None:
    assert "the layers above read zeros" in phrases(LSTMConfig(3, 5, 2, dropout=1), "dropout")
    lstm, x = torch.nn.LSTM(3, 5, 3, dropout=1.0), torch.randn(7, 4, 3)
    output, (h_n, _) = lstm(x)
    expected, (last, _) = layer_alone(lstm, 2)(torch.zeros(7, 4, 5))
    assert apart(output, expected) < 1e-6
    assert apart(h_n[2:], last) < 1e-6
    assert apart(h_n[0], lstm.eval()(x)[1][0][0]) < 1e-6


def test_dropout_ends_with_eval_and_does_nothing_with_one_layer(torch: Any) -> None:
    assert "nowhere" in phrases(LSTMConfig(3, 5, dropout=0.5), "dropout")
    x = torch.randn(7, 4, 3)
    alone = torch.nn.LSTM(3, 5, dropout=0.5)
    assert apart(alone(x)[0], alone.eval()(x)[0]) == 0
    lstm, plain = torch.nn.LSTM(3, 5, 2, dropout=0.5), torch.nn.LSTM(3, 5, 2)
    plain.load_state_dict(lstm.state_dict())
    assert apart(lstm(x)[0], plain(x)[0]) > 1e-3
    assert apart(lstm.eval()(x)[0], plain(x)[0]) == 0


@pytest.mark.parametrize("options", [{}, {"proj_size": 5}, {"bias": False}, {"bidirectional": True}], ids=str)
def test_everything_begins_uniform_within_the_range_that_is_printed(torch: Any, options: dict[str, Any]) -> None:
    config = LSTMConfig(30, 50, 2, **options)
    said = phrases(config, "init")
    (words,) = re.findall(r"from -k to k, k = 1/sqrt\(H_cell\) = ([\d.]+)", said)
    assert ("weights and biases are" in said) == config.bias
    k = 50**-0.5
    assert float(words) == pytest.approx(k, rel=1e-3)
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(**vars(config))
    wanted = torch.linspace(0, 1, 11)
    for name, parameter in lstm.named_parameters():
        assert 0.95 * k < parameter.abs().max() <= k, name
        quantiles = torch.quantile((parameter.flatten() / k + 1) / 2, wanted)
        assert apart(quantiles, wanted) < 0.1, name


def test_at_the_start_half_of_the_cell_is_forgotten(torch: Any) -> None:
    assert "is 0 on average: each step keeps about half of the cell" in phrases(LSTMConfig(10, 20), "init")
    torch.manual_seed(0)
    gates, sums = [], []
    for _ in range(20):
        lstm, x = torch.nn.LSTM(10, 20), torch.randn(5, 8, 10)
        found = steps_of(lstm, x, torch.zeros(1, 8, 20), torch.zeros(1, 8, 20), torch.ones(5, 8, dtype=torch.bool))
        gates.append(found["f_l0"].mean())
        sums.append((lstm.bias_ih_l0 + lstm.bias_hh_l0)[20:40].mean())
    assert abs(float(torch.stack(gates).mean()) - 0.5) < 0.02
    assert abs(float(torch.stack(sums).mean())) < 0.02


@pytest.mark.parametrize("options", [{}, {"proj_size": 3}, {"num_layers": 3, "bidirectional": True}], ids=str)
def test_the_code_sets_every_forget_bias_to_1_and_nothing_else(torch: Any, options: dict[str, Any]) -> None:
    config = LSTMConfig(3, 5, **options)
    assert told(config, DataSpec(), None, "init").code == [CodeRow("init", forget_code(config), "pytorch")]
    lstm = torch.nn.LSTM(**vars(config))
    before = {name: array.clone() for name, array in lstm.state_dict().items()}
    with torch.enable_grad():
        exec(forget_code(config), {"torch": torch, "lstm": lstm})
    for layer, name in cells(config):
        total = getattr(lstm, f"bias_ih_l{layer}{name}") + getattr(lstm, f"bias_hh_l{layer}{name}")
        assert (total[5:10] == 1).all()
    for name, array in lstm.state_dict().items():
        rest = [slice(0, 5), slice(10, 20)] if name.startswith("bias_") else [slice(None)]
        assert all(apart(array[rows], before[name][rows]) == 0 for rows in rest), name
        assert getattr(lstm, name).requires_grad


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [[5, 3, 2], [2, 5, 3], list(range(1, 12))], ids=str)
def test_the_code_packs_and_unpacks(torch: Any, lengths: list[int], batch_first: bool) -> None:
    config, data = LSTMConfig(3, 4, batch_first=batch_first, bidirectional=True), DataSpec.given(12, lengths=lengths)
    (row,) = told(config, data, None, "packing").code
    lstm = torch.nn.LSTM(**vars(config)).double()
    shape = (len(lengths), 12, 3) if batch_first else (12, len(lengths), 3)
    names = {"lstm": lstm, "input": torch.randn(shape, dtype=torch.float64), "lengths": lengths}
    exec(row.code, {**vars(torch.nn.utils.rnn)}, names)
    weights = {name: to_numpy(array) for name, array in lstm.state_dict().items()}
    output, (h_n, c_n) = forward(config, weights, to_numpy(names["input"]), lengths=lengths)
    for name, ours in (("output", output), ("h_n", h_n), ("c_n", c_n)):
        np.testing.assert_allclose(to_numpy(names[name]), ours, rtol=0, atol=TOLERANCE)


def test_without_biases_nothing_is_said_of_the_forget_bias() -> None:
    assert told(LSTMConfig(3, 5, bias=False), DataSpec(), None, "init").code == []
    assert "forget" not in phrases(LSTMConfig(3, 5, bias=False), "init")


@each_chunk
def test_states_that_are_left_out_are_zeros(chunk: int) -> None:
    def check(live: Live) -> None:
        zeros = live.names["h_0"] * 0, live.names["c_0"] * 0
        given = called(live.lstm, live.names["input"], zeros, live.data)
        for name, array in called(live.lstm, live.names["input"], None, live.data).items():
            assert name == "packed" or apart(array, given[name]) == 0, name

    assert failures(chunk, check) == []


@each_chunk
def test_batch_first_changes_the_layout_of_input_and_output_alone(torch: Any, chunk: int) -> None:
    def check(live: Live) -> None:
        turned = LSTMConfig(**{**vars(live.config), "batch_first": not live.config.batch_first})
        other = torch.nn.LSTM(**vars(turned), dtype=torch.float64).eval()
        other.load_state_dict(live.lstm.state_dict())

        def swap(array: Any) -> Any:
            return array if live.data.unbatched else array.transpose(0, 1)

        x, state = swap(live.names["input"]), (live.names["h_0"], live.names["c_0"])
        found = called(other, x, state, live.data)
        assert apart(swap(found["output"]), live.names["output"]) < TOLERANCE
        assert apart(found["h_n"], live.names["h_n"]) < TOLERANCE
        assert apart(found["c_n"], live.names["c_n"]) < TOLERANCE
        said = phrases(live.config, "batch-first", live.data)
        if live.data.unbatched:
            assert said == "does nothing: unbatched input has no batch axis"
            return
        for name, own, others in (("input", live.names["input"], x), ("output", live.names["output"], found["output"])):
            shapes = [tuple(array.shape) for array in (own, others)]
            with_it, without = (
                re.escape(str(shape)) for shape in (shapes if live.config.batch_first else shapes[::-1])
            )
            words = rf"{name} \(N, L, H_in\) = {with_it}, else \(L, N, H_in\) = {without}"
            assert re.search(words if name == "input" else rf"{name} likewise: {with_it} and {without}", said)
        assert f"h_n {tuple(found['h_n'].shape)} and c_n {tuple(found['c_n'].shape)}" in said

    assert failures(chunk, check) == []


# 6. Keras


def keras_returns(config: LSTMConfig, weights: Mapping[str, Any], x: Any, mask: Any, *, sequences: bool) -> list[Any]:
    """What the last of the stacked layers returns with return_state=True."""
    keras = installed("keras")
    keras.utils.clear_session()  # names are numbered from the beginning
    layers = []
    for layer in range(config.num_layers):
        last = layer + 1 == config.num_layers
        options = {"return_sequences": not last or sequences, "return_state": last, "use_bias": config.bias}
        run = keras.layers.LSTM(config.hidden_size, **options)
        layers.append(keras.layers.Bidirectional(run) if config.bidirectional else run)
    for again in (False, True):  # once for the weights to be made
        data = keras.ops.convert_to_tensor(x)
        for run in layers:
            data = run(data, mask=None if mask is None else keras.ops.convert_to_tensor(mask))
        for weight in () if again else [weight for run in layers for weight in run.weights]:
            weight.assign(weights[weight.path])
    return [to_numpy(array) for array in data]


KERAS_CONFIGS = [
    LSTMConfig(3, 4, layers, bias, first, 0.0, both)
    for layers, bias, first, both in [
        (1, True, False, False),
        (1, True, True, True),
        (2, True, False, True),
        (3, False, True, False),
        (2, False, True, True),
    ]
]
KERAS_DATA = [DataSpec(5, 3), DataSpec(6, 3, (3, 5, 2)), DataSpec(1, 2)]


class InKeras(NamedTuple):
    """An LSTM of PyTorch, and what Keras returns of its weights: every step and the states, or the last output."""

    names: Names
    every: list[Any]
    last: list[Any]


def in_keras(config: LSTMConfig, data: DataSpec) -> InKeras:
    torch = installed("torch")
    torch.manual_seed(0)
    lstm, n = torch.nn.LSTM(**vars(config)).eval(), data.num_sequences
    x = torch.randn(n, data.seq_len, config.input_size)
    names = called(lstm, x if config.batch_first else x.transpose(0, 1), None, data)
    weights = pack({name: array.numpy() for name, array in lstm.state_dict().items()}, config, "keras")
    mask = None if data.lengths is None else np.arange(data.seq_len) < np.array(data.lengths)[:, None]
    every, last = (keras_returns(config, weights, x.numpy(), mask, sequences=sequences) for sequences in (True, False))
    return InKeras({"torch": torch, **names}, every, last)


def far(ours: Any, theirs: Any) -> float:
    assert tuple(ours.shape) == theirs.shape, f"{tuple(ours.shape)} is not {theirs.shape}"
    return float(np.abs(ours.numpy() - theirs).max())


@pytest.mark.parametrize("data", KERAS_DATA, ids=str)
@pytest.mark.parametrize("config", KERAS_CONFIGS, ids=str)
def test_keras_returns_what_is_claimed_in_that_order(config: LSTMConfig, data: DataSpec) -> None:
    found = in_keras(config, data)
    claims = [item for item in claims_of(LSTMModel(config), data, Surroundings()) if item.framework == "keras"]
    states = iter(found.last[1:])
    for claim in claims:
        value = eval(claim.snippet.text, {**found.names, **LSTMModel(config).data_symbols(data)})
        if claim.option == "return_sequences=False":
            expected = found.last[0]
        elif claim.option == "return_sequences=True":
            expected = found.every[0]
        else:
            assert claim.option == "return_state=True"
            expected = next(states)
        assert far(value, expected) < 1e-5, claim.snippet.text
    assert list(states) == []
    assert claims[0].option == "return_sequences=False"


@pytest.mark.parametrize("config", KERAS_CONFIGS, ids=str)
def test_keras_repeats_its_last_output_behind_a_masked_sequence_but_not_if_it_reads_both_ways(
    config: LSTMConfig,
) -> None:
    """Bidirectional of Keras 3.15.1 sets zero_output_for_mask: there it is 0, as in PyTorch."""
    data = DataSpec(6, 3, (3, 5, 2))
    found = in_keras(config, data)
    output = found.names["output"] if config.batch_first else found.names["output"].transpose(0, 1)
    if config.bidirectional:
        assert far(output, found.every[0]) < 1e-5
        return
    for n, length in enumerate(data.lengths or ()):
        assert far(output[n, :length], found.every[0][n, :length]) < 1e-5
        assert (found.every[0][n, length:] == found.every[0][n, length - 1]).all()
        assert found.every[0][n, length:].any()


# 7. The layers around


@each_chunk
def test_tokens_and_logits_have_the_shapes_that_are_said(chunk: int) -> None:
    def check(live: Live) -> None:
        before, behind = tensors_around(live.config, live.data, live.around)
        assert [item.name for item in before] == ["tokens"] * (live.around.embed is not None)
        assert [item.name for item in behind] == ["logits"] * (live.around.head is not None)
        for item in (*before, *behind):
            assert tuple(live.names[item.name].shape) == item.shape, item.name

    assert failures(chunk, check) == []


@each_chunk
def test_pytorch_stores_of_the_layers_around_what_is_said(torch: Any, chunk: int) -> None:
    def check(live: Live) -> None:
        parts = {name: live.names[name] for name in ("embedding", "head") if name in live.names}
        stored = torch.nn.ModuleDict(parts).state_dict()
        for layout in ("pytorch", "pytorch-cell"):
            listed = [(item.name, item.shape) for item in extras(live.config, live.around, layout)]
            assert listed == [(name, tuple(array.shape)) for name, array in stored.items()]
        for row in told(live.config, live.data, live.around, "around").facts:
            if row.label in parts:
                made = eval(re.findall(r"^nn\.\w+\(.*?\)", row.text)[0], {"nn": torch.nn})
                assert repr(made) == repr(parts[row.label])

    assert failures(chunk, check) == []


def test_tokens_are_below_the_number_of_words(torch: Any) -> None:
    (said,) = [row.text for row in told(LSTMConfig(3, 4), DataSpec(), Surroundings(embed=7), "around").facts[:1]]
    assert said == "nn.Embedding(7, 3): tokens are below 7"
    embedding = torch.nn.Embedding(7, 3)
    assert embedding(torch.tensor([0, 6])).shape == (2, 3)
    with pytest.raises(IndexError):
        embedding(torch.tensor([7]))


def test_logits_behind_a_sequence_are_the_heads_bias() -> None:
    around = Surroundings(head=4, head_on="all")
    found = live(Case("", {"input_size": 3, "hidden_size": 5, "bidirectional": True}, 6, 3, (3, 5, 2)), around)
    (note,) = [note for note in told(found.config, found.data, around).notes if "behind a sequence" in note]
    assert note == "behind a sequence output is 0, and logits are the head's bias"
    behind = found.names["logits"][~found.running]
    assert apart(behind, found.names["head"].bias.expand(behind.shape)) == 0


@pytest.mark.parametrize("on", ["last", "all"])
@pytest.mark.parametrize(
    "config", [LSTMConfig(3, 4, layers, bidirectional=both) for layers in (1, 2) for both in (False, True)], ids=str
)
def test_keras_stores_and_computes_what_is_said_of_the_layers_around(config: LSTMConfig, on: str) -> None:
    keras, around, data = installed("keras"), Surroundings(6, on, 9), DataSpec(5, 2)
    keras.utils.clear_session()  # names are numbered from the beginning, as in a fresh process
    tokens = x = keras.Input((5,), dtype="int32")
    x = keras.layers.Embedding(9, config.input_size)(x)
    for layer in range(config.num_layers):
        run = keras.layers.LSTM(config.hidden_size, return_sequences=layer + 1 < config.num_layers or on == "all")
        x = (keras.layers.Bidirectional(run) if config.bidirectional else run)(x)
    model = keras.Model(tokens, keras.layers.Dense(6)(x))
    words, *rest = [(item.name, item.shape) for item in extras(config, around, "keras")]
    listed = [words, *[(item.name, item.shape) for item in parameters(config, "keras")], *rest]
    assert [(weight.path, tuple(weight.shape)) for weight in model.weights] == listed

    case = Case("", {**vars(config), "batch_first": True}, data.seq_len, data.batch, state=False)
    found = live(case, around)
    weights = pack({name: array.numpy() for name, array in found.lstm.state_dict().items()}, config, "keras")
    weights["embedding/embeddings"] = found.names["embedding"].weight.numpy()
    weights["dense/kernel"] = found.names["head"].weight.T.numpy()
    weights["dense/bias"] = found.names["head"].bias.numpy()
    for weight in model.weights:
        weight.assign(weights[weight.path].astype(np.float32))
    assert far(found.names["logits"], to_numpy(model(found.names["tokens"].numpy()))) < 1e-5


@pytest.mark.parametrize("config", [LSTMConfig(3, 4), LSTMConfig(3, 4, bidirectional=True)], ids=str)
def test_flax_stores_what_is_said_of_attributes_called_embedding_and_head(config: LSTMConfig) -> None:
    around, width = Surroundings(6, "all", 9), config.num_directions * config.hidden_size
    nn, nnx, jax = installed("flax.linen"), installed("flax.nnx"), installed("jax")
    flatten, tokens = installed("flax.traverse_util").flatten_dict, np.zeros((2, 5), np.int32)

    def listed(layout: str) -> dict[str, tuple[int, ...]]:
        return {item.name: item.shape for item in extras(config, around, layout)}

    class Linen(nn.Module):  # type: ignore[misc, name-defined]
        def setup(self) -> None:
            self.embedding = nn.Embed(9, config.input_size)
            run = nn.RNN(nn.LSTMCell(config.hidden_size))
            self.lstm = nn.Bidirectional(run, nn.RNN(nn.LSTMCell(config.hidden_size))) if config.bidirectional else run
            self.head = nn.Dense(6)

        def __call__(self, tokens: Any) -> Any:
            return self.head(self.lstm(self.embedding(tokens)))

    stored = flatten(jax.eval_shape(Linen().init, jax.random.key(0), tokens), sep="/")
    assert {name: array.shape for name, array in stored.items() if "lstm" not in name} == listed("flax-linen")

    class Around(nnx.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.embedding = nnx.Embed(9, config.input_size, rngs=nnx.Rngs(0))
            self.head = nnx.Linear(width, 6, rngs=nnx.Rngs(0))

        def __call__(self, tokens: Any, lstm: Callable[[Any], Any]) -> Any:
            return self.head(lstm(self.embedding(tokens)))

    model = Around()
    paths = nnx.to_flat_state(nnx.state(model, nnx.Param))
    shapes = {".".join(map(str, path)): tuple(parameter.shape) for path, parameter in paths}
    assert shapes == listed("flax-nnx") == listed("flax-nnx-optimized")
    cell = nnx.RNN(nnx.LSTMCell(config.input_size, width, rngs=nnx.Rngs(0)))
    assert model(tokens, cell).shape == (2, 5, 6)
