"""Flags on training that several commands read: trained or not, the optimizer, the gradient of the input."""

from collections.abc import Mapping
from typing import Final

from lstmcalc.errors import UsageError
from lstmcalc.intake.flags import Flag, Typed, read_choice


def _optimizer_names() -> tuple[str, ...]:
    from lstmcalc.costs.optimizers import OPTIMIZERS

    return tuple(OPTIMIZERS)


OPTIMIZER: Final = Flag(
    "optimizer",
    ("--optimizer",),
    (),
    "NAME",
    "Optimizer of a training step: sgd, adamw, ... (default adam)",
    _optimizer_names,
)
INPUT_GRAD: Final = Flag("input_grad", ("--input-grad",), (), "", "The input needs a gradient too (default no)")
TRAIN: Final = Flag("train", ("--train",), (), "", "Measure a training step instead of inference")
INFERENCE: Final = Flag("inference", ("--inference",), (), "", "Measure inference alone")


def read_training(typed: Mapping[str, Typed]) -> tuple[bool, str, bool]:
    """`train`, `optimizer` and `input_grad` of the flags; the last two are refused without `--train`."""
    train = bool(typed.get("train"))
    for field, flag in (("optimizer", "--optimizer"), ("input_grad", "--input-grad")):
        if typed.get(field) and not train:
            raise UsageError("nothing is trained", "--train too", hint="inference has no gradients", where=flag)
    return train, read_optimizer(typed.get("optimizer")), bool(typed.get("input_grad"))


def read_optimizer(typed: Typed) -> str:
    """The optimizer that `--optimizer` names, or the default."""
    from lstmcalc.costs.memory import DEFAULT_OPTIMIZER
    from lstmcalc.costs.optimizers import OPTIMIZERS

    return DEFAULT_OPTIMIZER if typed is None else read_choice("--optimizer", str(typed).lower(), OPTIMIZERS)
