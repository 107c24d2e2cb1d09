"""Mistakes made on purpose, and what the search says of them: `python -m tools.injections --count 2000`, run in `tests`.

`--right` and `--unrelated` are ports without a mistake, and numbers of something else. A port with one mistake, or two, computes its numbers in plain loops (`wrong_ports`); noise may be added, and the numbers
stored in float16. The search is right if it names the mistakes, alone or among explanations that give the same numbers in
such a port. It prints how often, mistake by mistake, and what was said instead.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from lstmcalc import DataSpec, LSTMConfig, forward
from lstmcalc.numerics.arguments import weight_shapes
from lstmcalc.proof.mistakes.verdict import Verdict, judged
from lstmcalc.proof.result import Run
from lstmcalc.proof.sensitivity import rounding_change
from lstmcalc.spec.activations import Activations
from tools.wrong_ports import Make, Port, hard, mistakes, relu

Array = Any


class Case(NamedTuple):
    """An LSTM with its numbers, as lstmcalc has them."""

    config: LSTMConfig
    data: DataSpec
    result: Run
    other: dict[str, Array]

    def port(self) -> Port:
        """A port that makes no mistake yet."""
        exact = {name: array.astype(np.float64) for name, array in self.result.weights.items()}
        x, h, c = (self.result.inputs[name].astype(np.float64) for name in ("input", "h_0", "c_0"))
        other = {name: array.astype(np.float64) for name, array in self.other.items()}
        x = x.transpose(1, 0, 2) if self.config.batch_first else x
        lengths = list(self.data.lengths) if self.data.lengths else None
        port = Port(self.config, exact, x, h, c, lengths, other)
        if self.result.activations.gates != "sigmoid":
            port.gate = hard(0.2)
        if self.result.activations.cell != "tanh":
            port.squash = relu
        return port


KINDS = ("uni", "bi", "stacked", "stacked bi", "projected", "packed", "packed bi", "deep")


def random_case(rng: np.random.Generator, kind: str = "", steps: int = 0) -> Case:
    """A random LSTM of a kind: with or without biases and states, and with weights as drawn or as trained."""
    kind = kind or str(rng.choice(KINDS))
    hidden = int(rng.integers(3, 13))
    config = LSTMConfig(
        hidden if rng.random() < 0.4 else int(rng.integers(1, 12)),
        hidden,
        num_layers={"stacked": 2, "stacked bi": 2, "deep": 3}.get(kind, int(rng.choice([1, 2])))
        if kind not in ("uni", "bi")
        else 1,
        bias=bool(rng.random() < 0.8),
        batch_first=bool(rng.random() < 0.5),
        bidirectional="bi" in kind or (kind == "projected" and rng.random() < 0.4),
        proj_size=int(rng.integers(1, hidden)) if kind == "projected" else 0,
    )
    steps, batch = steps or int(rng.integers(4, 10)), int(rng.integers(1, 5))
    lengths = None
    if kind.startswith("packed"):
        batch = max(batch, 2)
        lengths = tuple(int(rng.integers(2, steps + 1)) for _ in range(batch))
    dtype = "float32"
    trained = bool(rng.random() < 0.5)
    weights, other = (random_weights(config, rng, trained=trained) for _ in range(2))
    axes = (batch, steps) if config.batch_first else (steps, batch)
    inputs = {"input": rng.normal(size=(*axes, config.input_size)).astype(dtype)}
    rows, given = config.num_layers * config.num_directions, rng.random() < 0.5
    for name, width in (("h_0", config.output_size), ("c_0", config.hidden_size)):
        inputs[name] = (0.5 * given * rng.normal(size=(rows, batch, width))).astype(dtype)
    data = DataSpec(steps, batch, lengths, dtype)
    functions = Activations(
        "hard_sigmoid:0.2" if rng.random() < 0.1 else "sigmoid", "relu" if rng.random() < 0.05 else "tanh"
    )
    state = inputs["h_0"], inputs["c_0"]
    output, (h_n, c_n) = forward(config, weights, inputs["input"], state, lengths, activations=functions)
    outputs = {"output": output, "h_n": h_n, "c_n": c_n}
    noise = rounding_change(config, data, weights, inputs, outputs, activations=functions)
    return Case(config, data, Run(weights, {}, inputs, outputs, {}, [], False, noise, functions), other)


def random_weights(config: LSTMConfig, rng: np.random.Generator, *, trained: bool) -> dict[str, Array]:
    """Weights as drawn by PyTorch, or larger ones, with a forget bias, as training makes them."""
    bound, weights = config.hidden_size**-0.5, {}
    for name, shape in weight_shapes(config).items():
        drawn = rng.uniform(-bound, bound, shape)
        if trained:
            drawn = rng.standard_t(4, shape) * bound * (0.7 if name.startswith("weight") else 0.4)
            if name.startswith("bias_ih"):
                drawn[config.hidden_size : 2 * config.hidden_size] += 1
        weights[name] = drawn.astype(np.float32)
    return weights


def possible(case: Case, name: str, form: str) -> bool:
    """True if a port of this LSTM can make the mistake at all."""
    config, inputs = case.config, case.result.inputs
    square_input = any(config.layer_input_size(k) == config.hidden_size for k in range(config.num_layers))
    stateful = bool(inputs["h_0"].any())
    batch, steps = case.data.num_sequences, case.data.seq_len
    functions = case.result.activations
    needs = {
        "hard-sigmoid:0.2": functions.gates == "sigmoid",
        "sigmoid-for-hard-sigmoid": functions.gates != "sigmoid",
        "relu-for-tanh": functions.cell == "tanh",
        "tanh-for-relu": functions.cell != "tanh",
        "input-transposed square": square_input,
        "recurrent-transposed square": not config.proj_size,
        "reverse-read-forward": config.bidirectional,
        "reverse-left-reversed": config.bidirectional,
        "halves-swapped last": config.bidirectional,
        "halves-swapped all": config.bidirectional and config.num_layers > 1,
        "directions-swapped": config.bidirectional,
        "directions-summed": config.bidirectional,
        "directions-averaged": config.bidirectional,
        "first-layer-only": config.num_layers > 1,
        "last-layer-only": config.num_layers > 1 and config.input_size == config.num_directions * config.output_size,
        "lower-layer-output:1": config.num_layers > 2,
        "no-projection none": bool(config.proj_size),
        "no-projection cut": bool(config.proj_size),
        "h-c-swapped given": stateful and not config.proj_size,
        "h-c-swapped returned": not config.proj_size,
        "states-ignored": stateful,
        "states-batch-first viewed": stateful,
        "states-batch-first folded": stateful,
        "states-carried sequences": batch > 1,
        "batch-time-swapped": not stateful or batch == steps,
        "sequence-order sorted": case.data.lengths is not None,
        "sequence-order reversed": batch > 1,
        "sequence-order other": batch > 2,
        "padding-not-masked": case.data.lengths is not None,
        "lengths-off-by-one shorter": case.data.lengths is not None,
        "lengths-off-by-one longer": case.data.lengths is not None,
    }
    return needs.get(f"{name} {form}".strip(), not name.startswith(("bias", "gate-order-bias")) or config.bias)


Shown = Callable[[dict[str, Array]], dict[str, Array]]


def random_part(case: Case, rng: np.random.Generator) -> Shown:
    """The part of a port's results that a user hands in, in the layout that users have them."""
    first, ways, part = case.config.batch_first, case.config.num_directions, rng.random()

    def shown(results: dict[str, Array]) -> dict[str, Array]:
        if part < 0.08:
            return {"output": results["h_n"][-ways:]}
        if part < 0.15:
            return {"output": np.concatenate(list(results["h_n"][-ways:]), axis=-1)}
        output = {"output": results["output"].transpose(1, 0, 2) if first else results["output"]}
        return output if part < 0.6 else {**output, "h_n": results["h_n"], "c_n": results["c_n"]}

    return shown


def noisy(array: Array, rng: np.random.Generator, noise: str) -> Array:
    """The numbers as a port stores them."""
    if noise == "float16":
        return array.astype(np.float16)
    spread = {"none": 0.0, "1e-6": 1e-6}[noise] * rng.normal(size=array.shape)
    return (array + spread).astype(np.float32)


def apart(first: dict[str, Array], second: dict[str, Array]) -> float:
    """The largest difference of arrays of two ports; infinite if shapes differ."""
    worst = 0.0
    for name, array in first.items():
        if second[name].shape != array.shape:
            return np.inf
        worst = max(worst, float(np.abs(second[name] - array).max(initial=0) / max(1, np.abs(array).max(initial=0))))
    return worst


def wrong(case: Case, makes: Sequence[Make]) -> dict[str, Array]:
    """The results of a port with these mistakes."""
    port = case.port()
    for make in makes:
        make(port)
    return port.run()


def confirmed(case: Case, names: Sequence[str], given: dict[str, Array], shown: Shown, allowed: float) -> bool:
    """True if a port with these mistakes hands in the same numbers."""
    forms = [[make for name, _, make in mistakes() if name == wanted] for wanted in names]
    for makes in combinations_of(forms):
        try:
            other = shown(wrong(case, makes))
        except (IndexError, ValueError, KeyError):  # no such port can be
            continue
        if apart(given, other) <= allowed:
            return True
    return False


def combinations_of(forms: Sequence[Sequence[Make]]) -> Iterator[list[Make]]:
    if not forms:
        yield []
        return
    for make in forms[0]:
        for rest in combinations_of(forms[1:]):
            yield [make, *rest]


class Tried(NamedTuple):
    """One injection and what was said of it."""

    said: str  # `alone`, `tie`, `other`, `nothing`, `agrees` or `invisible`
    verdict: Verdict | None


def try_out(case: Case, chosen: Sequence[tuple[str, str, Make]], rng: np.random.Generator, noise: str) -> Tried:
    """Make mistakes on purpose, and say what was said of them."""
    shown = random_part(case, rng)
    results = shown(wrong(case, [make for _, _, make in chosen]))
    if not all(np.isfinite(array).all() for array in results.values()):
        return Tried("invisible", None)
    given = {name: noisy(array, rng, noise) for name, array in results.items()}
    verdict = judged(case.config, case.data, case.result, given, others=case.other)
    simpler = [wrong(case, [])] + [wrong(case, [make]) for _, _, make in chosen if len(chosen) > 1]
    if any(apart(results, shown(one)) <= 3 * verdict.tolerance for one in simpler):
        return Tried("invisible", verdict)
    names = {name for name, _, _ in chosen}
    found = [{mistake.name for mistake in one.mistakes} for one in verdict.explanations]
    if verdict.agrees:
        return Tried("agrees", verdict)
    if not found:
        return Tried("nothing", verdict)
    if found == [names]:
        return Tried("alone", verdict)
    listed = [[mistake.name for mistake in one.mistakes] for one in verdict.explanations]
    same = all(confirmed(case, own, results, shown, 2 * verdict.tolerance) for own in listed)
    return Tried("tie" if same else "other", verdict)


def injected(
    rng: np.random.Generator, count: int, noise: str
) -> Iterator[tuple[list[tuple[str, str, Make]], Case, Tried]]:
    """Random cases with `count` mistakes that can be made and seen."""
    every = list(mistakes())
    while True:
        case = random_case(rng)
        fitting = [one for one in every if possible(case, one[0], one[1])]
        kinds = sorted({name.partition(":")[0] for name, _, _ in fitting})
        names = [str(name) for name in rng.choice(kinds, count, replace=False)]
        if {"batch-time-swapped", "sequence-order"} <= set(names):
            continue  # the sequences of one are the steps of the other
        chosen = []
        for kind in names:
            own = [one for one in fitting if one[0].partition(":")[0] == kind]
            chosen.append(own[int(rng.integers(len(own)))])
        try:
            yield chosen, case, try_out(case, chosen, rng, noise)
        except (IndexError, ValueError, KeyError) as error:  # two that cannot be made together
            if count == 1 or "lstmcalc" in type(error).__module__:
                raise


def blamed(case: Case, rng: np.random.Generator, noise: str) -> Tried:
    """The verdict on a port that makes no mistake."""
    results = random_part(case, rng)(wrong(case, []))
    given = {name: noisy(array, rng, noise) for name, array in results.items()}
    verdict = judged(case.config, case.data, case.result, given, others=case.other)
    return Tried("agrees" if verdict.agrees else "other" if verdict.explanations else "nothing", verdict)


def unrelated(case: Case, rng: np.random.Generator, noise: str) -> Tried:
    """The verdict on numbers that have nothing to do with the LSTM: those of another one, or drawn."""
    results = wrong(case, [])
    if rng.random() < 0.5:
        results = wrong(case._replace(result=case.result._replace(weights=case.other)), [])
    else:
        results = {name: rng.permuted(array.ravel()).reshape(array.shape) for name, array in results.items()}
    given = {name: noisy(array, rng, noise) for name, array in random_part(case, rng)(results).items()}
    verdict = judged(case.config, case.data, case.result, given)
    return Tried("agrees" if verdict.agrees else "other" if verdict.explanations else "nothing", verdict)


def without_mistakes(asked: argparse.Namespace) -> None:
    """Print what is said of right ports, or of unrelated numbers."""
    rng, said = np.random.default_rng(asked.seed), Counter[str]()
    say = blamed if asked.right else unrelated
    while said.total() < asked.count:
        case = random_case(rng)
        shown = case.result.outputs["h_n"]
        if asked.unrelated and (not np.ptp(shown) or shown.size < 8):
            continue  # a few numbers, or zeros, may be the same in another order
        tried = say(case, rng, asked.noise)
        said[tried.said] += 1
        if tried.said == "other" and tried.verdict is not None:
            named = [[mistake.name for mistake in one.mistakes] for one in tried.verdict.explanations]
            print(named, case.config, case.data, tried.verdict.tolerance)
    print(f"{said['agrees']} agree, {said['other']} explained, {said['nothing']} not explained")


def main() -> None:
    """Inject, and print how often it was told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", default="none", choices=["none", "1e-6", "float16"])
    parser.add_argument("--right", action="store_true", help="ports that make no mistake")
    parser.add_argument("--unrelated", action="store_true", help="numbers that no mistake makes")
    asked = parser.parse_args()
    if asked.right or asked.unrelated:
        without_mistakes(asked)
        return
    rng = np.random.default_rng(asked.seed)
    table: dict[str, Counter[str]] = {}
    instead: Counter[str] = Counter()
    done = 0
    for chosen, _, tried in injected(rng, 1 + asked.pairs, asked.noise):
        if tried.said in ("invisible", "agrees"):
            continue
        done += 1
        kinds = [name.partition(":")[0] for name, _, _ in chosen]
        for kind in kinds:
            table.setdefault(kind, Counter())[tried.said] += 1
        if tried.said in ("other", "nothing") and tried.verdict is not None:
            said = [" + ".join(m.name for m in one.mistakes) for one in tried.verdict.explanations] or ["nothing"]
            instead[f"{' + '.join(f'{name} {form}'.strip() for name, form, _ in chosen)} -> {', '.join(said)}"] += 1
        if done >= asked.count:
            break
    total = sum((counter for counter in table.values()), Counter())
    for kind, counter in sorted(table.items()):
        print(
            f"{kind:24} {counter['alone']:5} alone {counter['tie']:5} tie {counter['other']:4} other {counter['nothing']:4} nothing"
        )
    print(
        f"{'all':24} {total['alone']:5} alone {total['tie']:5} tie {total['other']:4} other {total['nothing']:4} nothing"
    )
    for text, times in instead.most_common(40):
        print(f"{times:4} {text}")


if __name__ == "__main__":
    main()
