"""The mistakes that people make when they port an LSTM: their names, what they are called, causes and effects.

The names are a contract: JSON has them, and `docs/porting.md` lists them. One name may have several forms, which are
tried one by one (a matrix transposed gate by gate, or reshaped as a whole).

Not here: how a mistake is repaired in a framework (`repairs`).
"""

from collections.abc import Iterator
from itertools import permutations
from typing import Any, Final

from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.proof.mistakes.forms import (
    Mistake,
    always,
    both_ways,
    both_ways_and_stacked,
    exchangeable,
    fed_alike,
    has_biases,
    has_hard_gates,
    has_relu,
    has_states,
    matrices,
    packed,
    projected,
    same_steps,
    set_fields,
    set_where,
    several,
    several_states,
    stacked,
    wide_numbers,
)
from lstmcalc.proof.mistakes.plans import IFGO, Plan, Problem
from lstmcalc.spec.words import and_list

# --- the table -------------------------------------------------------------------------------------------------------


ORDERS: Final = tuple("".join(order) for order in permutations(IFGO) if "".join(order) != IFGO)
_PARTS: Final = {
    "gate-order": ("", (0, 1, 2), "the rows"),
    "gate-order-input": (" of the input weights", (0,), "the rows of weight_ih"),
    "gate-order-recurrent": (" of the recurrent weights", (1,), "the rows of weight_hh"),
    "gate-order-bias": (" of the biases", (2,), "the biases"),
}


def whose(order: str) -> str:
    """The frameworks that have this order of gates, in words: `ONNX's`; empty if none has."""
    names = {"onnx": "ONNX", "openvino": "OpenVINO", "tf1": "TensorFlow 1", "haiku": "Haiku", "keras1": "Keras 1"}
    names |= {"coreml": "Core ML", "ncnn": "ncnn", "burn": "Burn", "pytorch": "PyTorch"}
    owners = [f"{title}'s" for name, title in names.items() if LAYOUTS[name].gates == order]
    return and_list(owners) if owners else ""


def stored_as(order: str) -> str:
    """The order of rows that gives the same if they are read as i f g o."""
    return "".join(IFGO[order.index(letter)] for letter in IFGO)


def _gate_orders() -> Iterator[Mistake]:
    known = [order for order in ORDERS if whose(order) or whose(stored_as(order))]
    for order in (*known, *(order for order in ORDERS if order not in known)):
        for name, (of, parts, rows) in _PARTS.items():

            def change(problem: Problem, plan: Plan, parts: Any = parts, order: str = order) -> Plan | None:  # noqa: ANN401  # numbers
                if parts == (2,) and not problem.config.bias:
                    return None
                orders: Any = tuple(order if part in parts else old for part, old in enumerate(plan.orders))
                return plan._replace(orders=orders)

            owner, stored = whose(order), stored_as(order)
            cause = f"{rows} were read in {owner} order" if owner else f"{rows} were read in this order"
            if whose(stored):
                was = f"{rows} are in {whose(stored)} order, {' '.join(stored)}, and were read as {' '.join(IFGO)}"
                cause = f"{cause}, or {was}" if owner else was
            phrase = f"gate order {' '.join(order)}{of}"
            yield Mistake(f"{name}:{order}", name, phrase, cause, change, rare=order not in known)


def _casts() -> Iterator[Mistake]:
    yield Mistake(
        "cast:float32",
        "cast",
        "weights in float32",
        "the weights were rounded to float32, or it was computed in float32",
        lambda problem, plan: matrices("float32")(problem, plan) if wide_numbers(problem) else None,
    )
    for dtype in ("float16", "bfloat16"):
        yield Mistake(
            f"cast:{dtype}", "cast", f"weights in {dtype}", f"the weights were rounded to {dtype}", matrices(dtype)
        )
    for kind, scale in (("tensor", "one scale for each matrix"), ("channel", "a scale for each row")):
        for steps in ("127", "127.5"):
            yield Mistake(
                f"cast:int8-{kind}",
                "cast",
                f"weights in int8, {scale}",
                f"the matrices were rounded to int8, the largest number being {steps} steps",
                matrices(f"int8-{kind}:{steps}"),
            )


def _of_matrices() -> Iterator[Mistake]:
    for form, cause in (
        ("interleaved", "four rows that follow each other were taken for the gates of one unit"),
        ("blocks", "the rows were written unit by unit, four gates each, and read as blocks of gates"),
    ):
        yield Mistake("gates-interleaved", "rows", "interleaved gates", cause, matrices(form))
    for part, name in (("input", "weight_ih"), ("recurrent", "weight_hh")):
        for form, cause in (
            ("transposed", f"each gate's block of {name} was transposed"),
            ("reshaped", f"{name}, stored transposed, was reshaped and not transposed back"),
        ):
            phrase = f"the {part} weights transposed" if form == "transposed" else f"the {part} weights reshaped"
            yield Mistake(f"{part}-transposed", f"{part} matrix", phrase, cause, matrices(f"{part}-{form}"))
    cause = "weight_ih was loaded as weight_hh, and weight_hh as weight_ih"
    yield Mistake("matrices-swapped", "swap", "its matrices swapped", cause, matrices("swapped"))


def _of_biases() -> Iterator[Mistake]:
    for name, phrase, cause, factors in (
        ("bias-lost:ih", "no bias_ih", "bias_ih was not loaded, or overwritten by bias_hh", (0.0, 1.0)),
        ("bias-lost:hh", "no bias_hh", "bias_hh was not loaded, or not added to the only bias", (1.0, 0.0)),
        ("bias-doubled", "both biases doubled", "the sum of both biases was loaded as each of them", (2.0, 2.0)),
        ("bias-doubled", "bias_ih doubled", "bias_ih was loaded as both biases", (2.0, 0.0)),
        ("bias-doubled", "bias_hh doubled", "bias_hh was loaded as both biases", (0.0, 2.0)),
        ("bias-ignored", "no biases", "neither bias was loaded", (0.0, 0.0)),
    ):
        yield Mistake(name, "bias", phrase, cause, set_where(has_biases, biases=factors))
    for sign, amount in (("+1", 1.0), ("-1", -1.0)):
        cause = {
            "+1": "1 is added to the forget gate at run time, beside the bias that has it already",
            "-1": "the 1 that is added to the forget gate at run time is not in the bias, or was taken off twice",
        }[sign]
        phrase = f"{sign} on the forget gate"
        yield Mistake(f"forget-offset:{sign}", "offset", phrase, cause, set_fields(offset=amount))


def _of_functions() -> Iterator[Mistake]:
    for slope, formula in (("0.2", "clip(0.2x + 0.5)"), ("1/6", "clip(x/6 + 0.5)")):
        name = f"hard-sigmoid:{slope}"
        cause = f"the gates' function is hard_sigmoid, {formula}"
        yield Mistake(name, "gates", "hard_sigmoid gates", cause, set_fields(gates=f"hard_sigmoid:{slope}"))
    cause = "the gates' function is sigmoid, where that of this LSTM is hard_sigmoid"
    hard = set_where(has_hard_gates, gates="sigmoid")
    yield Mistake("sigmoid-for-hard-sigmoid", "gates", "sigmoid gates", cause, hard)
    cause = "the function of g and of c is tanh, where that of this LSTM is relu"
    yield Mistake("tanh-for-relu", "cell", "tanh in place of relu", cause, set_where(has_relu, cell="tanh"))
    cause = "the function of g and of c is relu"
    yield Mistake("relu-for-tanh", "cell", "relu in place of tanh", cause, set_fields(cell="relu"))
    cause = "h is o * c, without the tanh"
    yield Mistake("no-output-tanh", "tanh", "no tanh on the way out", cause, set_fields(output_tanh=False))


def _of_directions() -> Iterator[Mistake]:
    for name, family, phrase, cause, condition, fields in (
        (
            "reverse-read-forward",
            "reverse",
            "a reverse direction that reads forward",
            "the sequence was not reversed for it",
            both_ways,
            {"reverse": "forward"},
        ),
        (
            "reverse-left-reversed",
            "reverse",
            "the reverse direction's output left reversed",
            "its output was not turned round again, as go_backwards=True leaves it",
            both_ways,
            {"reverse": "left"},
        ),
        (
            "halves-swapped",
            "halves",
            "the halves of its output swapped",
            "the reverse direction's output comes before the forward one's",
            both_ways,
            {"halves": "last"},
        ),
        (
            "halves-swapped",
            "halves",
            "the halves of every layer's output swapped",
            "the reverse direction's output comes before the forward one's, in every layer",
            both_ways_and_stacked,
            {"halves": "all"},
        ),
        (
            "directions-swapped",
            "directions",
            "its directions swapped",
            "the forward weights were loaded as the reverse ones, and the other way round",
            both_ways,
            {"other_directions": True},
        ),
        (
            "directions-summed",
            "halves",
            "the sum of both directions",
            "their outputs were added, not put side by side",
            both_ways,
            {"merge": "sum"},
        ),
        (
            "directions-averaged",
            "halves",
            "the mean of both directions",
            "their outputs were averaged, not put side by side",
            both_ways,
            {"merge": "mean"},
        ),
    ):
        yield Mistake(name, family, phrase, cause, set_where(condition, **fields))


def _of_layers() -> Iterator[Mistake]:
    cause = "the layers above it were not loaded, or not run"
    yield Mistake("first-layer-only", "layers", "only its first layer", cause, set_where(stacked, layers=(0,)))

    def last(problem: Problem, plan: Plan) -> Plan | None:
        return plan._replace(layers=(problem.config.num_layers - 1,)) if fed_alike(problem) else None

    cause = "the last layer reads the input itself"
    yield Mistake("last-layer-only", "layers", "only its last layer", cause, last)
    cause = "W_hr was left out: yours is o * tanh(c)"
    yield Mistake("no-projection", "projection", "no projection", cause, set_where(projected, projection="none"))
    cause = "W_hr was left out, and h cut to its first units"
    yield Mistake("no-projection", "projection", "no projection, cut", cause, set_where(projected, projection="cut"))


def lower_layers(problem: Problem) -> Iterator[Mistake]:
    """The mistake of handing out the output of a layer between the first and the last."""
    for layer in range(1, min(problem.config.num_layers - 1, _MOST_LAYERS)):
        yield Mistake(
            f"lower-layer-output:{layer}",
            "layers",
            f"the output of layer {layer}",
            "the layers above it were not run, or another layer's output was taken",
            set_fields(layers=tuple(range(layer + 1))),
        )


_MOST_LAYERS: Final = 16


def _of_states() -> Iterator[Mistake]:
    for name, family, phrase, cause, condition, fields in (
        (
            "h-c-swapped",
            "states",
            "h_0 and c_0 swapped",
            "the port takes (c, h), or was given them in this order",
            exchangeable,
            {"states": "exchanged"},
        ),
        (
            "h-c-swapped",
            "returned",
            "h_n and c_n swapped",
            "the port returns (c, h), or they were taken in this order",
            lambda problem: not projected(problem),
            {"h_c_returned": True},
        ),
        (
            "states-ignored",
            "states",
            "zeros as initial states",
            "h_0 and c_0 were not handed to the port, or not used",
            has_states,
            {"states": "zeros"},
        ),
        (
            "states-batch-first",
            "states",
            "initial states read as (N, D*num_layers, H)",
            "h_0 and c_0, (D*num_layers, N, H), were reshaped to batch first and not transposed",
            several_states,
            {"states": "viewed"},
        ),
        (
            "states-batch-first",
            "states",
            "initial states reshaped from (N, D*num_layers, H)",
            "h_0 and c_0 were batch first, and reshaped instead of transposed",
            several_states,
            {"states": "folded"},
        ),
        (
            "states-carried",
            "carried",
            "states carried over from an earlier call",
            "the states were not reset before: yours is a second call on the same input",
            always,
            {"carried": "call"},
        ),
        (
            "states-carried",
            "carried",
            "states carried over from one sequence to the next",
            "the sequences were run one after the other, without a reset",
            several,
            {"carried": "chained"},
        ),
    ):
        yield Mistake(name, family, phrase, cause, set_where(condition, **fields))


def _of_data() -> Iterator[Mistake]:
    yield Mistake(
        "batch-time-swapped",
        "sequences",
        "batch and time swapped",
        "the steps were taken for the batch: batch_first is not what the input is",
        set_where(same_steps, time_swapped=True),
    )

    def by_length(problem: Problem, plan: Plan) -> Plan | None:
        lengths = problem.lengths or ()
        order = tuple(sorted(range(len(lengths)), key=lambda n: -lengths[n]))
        return plan._replace(sequences=order) if order != tuple(range(len(lengths))) else None

    cause = "the batch was sorted by length for packing, and not put back"
    yield Mistake("sequence-order", "sequences", "its sequences sorted by length", cause, by_length)

    def backwards(problem: Problem, plan: Plan) -> Plan | None:
        count = problem.x.shape[1]
        return plan._replace(sequences=tuple(range(count))[::-1]) if count > 1 else None

    cause = "the batch comes back in the reverse order"
    yield Mistake("sequence-order", "sequences", "its sequences in reverse order", cause, backwards)
    for name, phrase, cause, how in (
        ("padding-not-masked", "padding taken for steps", "the lengths were not handed to the port", "none"),
        ("lengths-off-by-one", "lengths that are 1 too small", "each length is one less than it should be", "shorter"),
        ("lengths-off-by-one", "lengths that are 1 too large", "each length is one more than it should be", "longer"),
    ):
        yield Mistake(name, "lengths", phrase, cause, set_where(packed, lengths=how))


def _other_weights() -> Iterator[Mistake]:
    yield Mistake(
        "other-weights",
        "others",
        "the weights of the other file",
        "the port loaded another file than this one",
        lambda problem, plan: plan._replace(others=True) if problem.others is not None else None,
    )


# In the order in which they are made: what is done to weights comes before what reads them.
MISTAKES: Final = (
    *_other_weights(),
    *_casts(),
    *_of_matrices(),
    *_gate_orders(),
    *_of_biases(),
    *_of_functions(),
    *_of_directions(),
    *_of_layers(),
    *_of_states(),
    *_of_data(),
)


def mistakes_for(problem: Problem) -> list[Mistake]:
    """The mistakes that may have been made with an LSTM, those that depend on its layers too."""
    return [*MISTAKES, *lower_layers(problem)]


def matched_order(order: tuple[int, ...]) -> Mistake:
    """The mistake of an order of sequences that was found by comparing them."""
    listed = ", ".join(map(str, order[:8])) + (", ..." if len(order) > 8 else "")  # noqa: PLR2004  # on one line
    return Mistake(
        "sequence-order",
        "sequences",
        "its sequences in another order",
        f"yours has, in this order, sequences {listed}",
        set_fields(sequences=order),
    )
