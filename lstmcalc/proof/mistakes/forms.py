"""One form of a mistake: what it is called, what it does to a plan, and when it can have been made.

Not here: the mistakes themselves (`table`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lstmcalc.proof.mistakes.plans import Plan, Problem

Change: TypeAlias = Callable[[Problem, Plan], Plan | None]  # None where it makes no sense


class Mistake(NamedTuple):
    """One form of a mistake."""

    name: str  # the contract: `gate-order:iofg`
    family: str  # two of one family are not made together
    phrase: str  # what the port's LSTM is, or has: `gate order i o f g`
    cause: str  # what was done
    change: Change
    rare: bool = False  # True for an order of gates that no framework has


def set_fields(**fields: Any) -> Change:  # noqa: ANN401  # the fields of a plan
    """The change that sets fields of a plan."""
    return lambda _, plan: plan._replace(**fields)


def set_where(condition: Callable[[Problem], bool], **fields: Any) -> Change:  # noqa: ANN401  # as above
    """The same, where the LSTM and its data are such that it makes a difference."""
    return lambda problem, plan: plan._replace(**fields) if condition(problem) else None


def matrices(*names: str) -> Change:
    """The change that does something to the weights, of `weights.CHANGES`."""
    return lambda _, plan: plan._replace(matrices=(*plan.matrices, *names))


# --- conditions ------------------------------------------------------------------------------------------------------


def always(_: Problem) -> bool:
    """True: it can always have been made."""
    return True


def has_biases(problem: Problem) -> bool:
    """True if there are biases to get wrong."""
    return problem.config.bias


def both_ways(problem: Problem) -> bool:
    """True for an LSTM of two directions."""
    return problem.config.bidirectional


def stacked(problem: Problem) -> bool:
    """True for several layers."""
    return problem.config.num_layers > 1


def both_ways_and_stacked(problem: Problem) -> bool:
    """True for several layers of two directions."""
    return both_ways(problem) and stacked(problem)


def projected(problem: Problem) -> bool:
    """True if there is a projection."""
    return bool(problem.config.proj_size)


def has_states(problem: Problem) -> bool:
    """True if the initial states are not all zeros."""
    return bool(problem.h_0.any() or problem.c_0.any())


def exchangeable(problem: Problem) -> bool:
    """True if h_0 and c_0 have one size and are not all zeros."""
    return has_states(problem) and not projected(problem)


def several_states(problem: Problem) -> bool:
    """True if the axes of the initial states can be mistaken."""
    return has_states(problem) and min(problem.h_0.shape[:2]) > 1


def several(problem: Problem) -> bool:
    """True for several sequences."""
    return bool(problem.x.shape[1] > 1)


def packed(problem: Problem) -> bool:
    """True if sequences have lengths."""
    return problem.lengths is not None


def has_hard_gates(problem: Problem) -> bool:
    """True if the gates' function is not sigmoid."""
    return problem.activations.gates != "sigmoid"


def has_relu(problem: Problem) -> bool:
    """True if the cell's function is not tanh."""
    return problem.activations.cell != "tanh"


def wide_numbers(problem: Problem) -> bool:
    """True if float32 would be coarser."""
    return bool(problem.x.dtype == np.float64)


def fed_alike(problem: Problem) -> bool:
    """True if the last layer can read what the first one does."""
    config = problem.config
    return stacked(problem) and config.input_size == config.layer_input_size(config.num_layers - 1)


def same_steps(problem: Problem) -> bool:
    """True if states of one size serve a batch whose axes are swapped."""
    steps, batch = problem.x.shape[:2]
    return max(steps, batch) > 1 and (steps == batch or not has_states(problem))
