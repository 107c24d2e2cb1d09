"""Measures of an LSTM: parameters, MACs, bytes; each with a name, and a formula for any LSTM of its kind.

Budgets are given in these measures, and tables of many LSTMs show them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from lstmcalc.costs.implementation import Path
from lstmcalc.costs.memory import DEFAULT_OPTIMIZER, Bill, values_of
from lstmcalc.costs.operations import backward_work, forward_work
from lstmcalc.costs.regimes import regime
from lstmcalc.spec.config import DATA_FIELDS, DataSpec, LSTMConfig, Surroundings
from lstmcalc.spec.sizes import Dim


class Case(NamedTuple):
    """An LSTM, its data, and what is done with it.

    Attributes:
        config: Its hyperparameters.
        data: The data it is given.
        around: The layers around it.
        train: True if it is trained, False if it is only run.
        optimizer: The name of the optimizer that trains it.
        input_grad: True if the input needs a gradient too.
    """

    config: LSTMConfig
    data: DataSpec
    around: Surroundings = Surroundings()
    train: bool = False
    optimizer: str = DEFAULT_OPTIMIZER
    input_grad: bool = False

    @property
    def values(self) -> dict[str, int]:
        """The value of every symbol in its costs."""
        return values_of(self.config, self.data, self.around)

    def setting(self, field: str) -> Any:  # noqa: ANN401  # whatever a setting can be
        """The value of a hyperparameter, or of a setting of the data."""
        return getattr(self.data if field in DATA_FIELDS else self.config, field)

    def having(self, settings: Mapping[str, Any]) -> "Case":
        """The same case with some hyperparameters or settings of the data replaced."""
        data = {field: value for field, value in settings.items() if field in DATA_FIELDS}
        config = {field: value for field, value in settings.items() if field not in DATA_FIELDS}
        return self._replace(config=replace(self.config, **config), data=replace(self.data, **data))

    @property
    def path(self) -> Path:
        """The implementation that computes it in PyTorch on a CPU."""
        return self.bill.path(training=self.train)

    @property
    def bill(self) -> Bill:
        """Its memory needs."""
        return Bill(self.config, self.data, self.around, self.optimizer, input_grad=self.input_grad)


class Measure(NamedTuple):
    """One measure.

    Attributes:
        name: Its name on the command line.
        unit: `parameters`, `MACs`, `FLOPs` or `bytes`.
        says: Its description for an LSTM that is run.
        trained: Its description for an LSTM that is trained.
        formula: Its formula for a case.
        quantity: `saved` or `peak` for memory of a computation; else empty.
    """

    name: str
    unit: str
    says: str
    trained: str
    formula: Callable[[Case], Dim]
    quantity: str = ""

    def of(self, case: Case) -> int:
        """Its value for a case."""
        return self.formula(case).at(case.values)

    def counts(self, case: Case) -> str:
        """Its description for a case."""
        return self.trained if case.train else self.says

    def certainty(self, case: Case) -> tuple[str, float | None]:
        """`exact` or `estimate`, and the largest error in percent where one is known."""
        if not self.quantity:
            return "exact", None
        mode = "training" if case.train or self.quantity == "saved" else "inference"
        return case.bill.certainty(
            "saved" if self.quantity == "saved" else mode, case.bill.path(training=mode == "training")
        )


def _macs(case: Case) -> Dim:
    forward = forward_work(case.config, case.data, case.around).macs
    if not case.train:
        return forward
    back = backward_work(case.config, case.data, case.around, path=case.path.key, input_grad=case.input_grad)
    return forward + back.macs


_MEASURES: Final = (
    Measure("params", "parameters", "parameters", "parameters", lambda case: case.bill.parameters),
    Measure("weights", "bytes", "the parameters' bytes", "the parameters' bytes", lambda case: case.bill.weights),
    Measure("macs", "MACs", "one forward pass", "one forward and backward pass", _macs),
    Measure("flops", "FLOPs", "one forward pass", "one forward and backward pass", lambda case: 2 * _macs(case)),
    Measure(
        "memory",
        "bytes",
        "the peak of one forward pass without gradients, as PyTorch allocates on a CPU",
        "the peak of one training step, as PyTorch allocates on a CPU",
        lambda case: case.bill.training_peak_by(case.path) if case.train else case.bill.inference_peak_by(case.path),
        quantity="peak",
    ),
    Measure(
        "saved",
        "bytes",
        "kept for a backward pass",
        "kept for the backward pass",
        lambda case: case.bill.saved_by(case.bill.path(training=True)),
        quantity="saved",
    ),
)
MEASURES: Final[Mapping[str, Measure]] = {measure.name: measure for measure in _MEASURES}
_STEPPING: Final = "what one sequence takes step by step, beside the weights"
# What can be limited: some of the measures, and the RAM of a device that computes step by step.
LIMITED: Final[Mapping[str, Measure]] = {
    **{name: MEASURES[name] for name in ("params", "macs", "memory", "weights")},
    "state": Measure("state", "bytes", _STEPPING, _STEPPING, lambda case: case.bill.state),
}


class Formulas:
    """The formulas of a measure, each made once for all cases that share it."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._known: dict[object, Dim] = {}

    def of(self, case: Case) -> Dim:
        """The formula for a case."""
        key = regime(case.config, case.data), case[2:]  # all that a formula depends on, apart from sizes
        if key not in self._known:
            self._known[key] = self._measure.formula(case)
        return self._known[key]

    def at(self, case: Case) -> int:
        """The value for a case."""
        return self.of(case).at(case.values)
