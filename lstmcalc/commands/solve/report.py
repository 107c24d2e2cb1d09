"""The report of solve: the largest LSTM within a budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lstmcalc.commands._limits import check_stepping, limit_flag, read_limits
from lstmcalc.commands._training import read_training
from lstmcalc.costs.budgets import NO_LIMIT, Largest, Stretch, largest_fitting, stretches
from lstmcalc.costs.measures import LIMITED, MEASURES, Case, Formulas, Measure
from lstmcalc.errors import ContradictionError, UsageError, shorten
from lstmcalc.intake.flags import Typed, flag_name, read_choice
from lstmcalc.intake.subject import Subject
from lstmcalc.report.document import Report, document, with_alone_note
from lstmcalc.report.notes import as_pytorch_note, notes_of
from lstmcalc.report.rows import SETTINGS, AroundRow, DataRow, Module, around_row, data_row, function_meanings, head_of
from lstmcalc.spec.provenance import Origin

# The unknowns: the word on the command line, and the setting that it means.
UNKNOWNS: Final[Mapping[str, str]] = {
    "hidden": "hidden_size",
    "layers": "num_layers",
    "batch": "batch",
    "seq": "seq_len",
}
OLDER: Final = ("params", "macs", "memory")  # the budgets whose flags have no `max` in their names
_SYMBOLS: Final = {"hidden_size": "H_cell", "num_layers": "num_layers", "batch": "N", "seq_len": "L"}


class Budget(NamedTuple):
    """The upper limit of a measure."""

    measure: Measure
    limit: int


class Question(NamedTuple):
    """A question: the largest value of one setting within budgets."""

    unknown: str  # the setting that is asked for: `hidden_size`
    budgets: tuple[Budget, ...]
    train: bool  # True for training, False for inference
    optimizer: str
    input_grad: bool  # True if training computes the gradient of the input too


class BudgetRow(NamedTuple):
    """A budget, and its use."""

    measure: str  # its name on the command line
    unit: str  # `parameters`, `MACs`, `FLOPs` or `bytes`
    counts: str  # what it counts, in words
    limit: int
    used: int  # by the answer
    next: int  # by the size after the answer
    binds: bool  # True if the size after the answer exceeds it
    certainty: str  # `exact` or `estimate`
    error_percent: float | None  # the largest error of an estimate, if it was compared with measurements
    formula: str  # of `used`


class MeasureRow(NamedTuple):
    """A measure of the answer."""

    name: str
    unit: str
    value: int


@dataclass(kw_only=True)
class SolveModule(Module):
    """The largest LSTM within budgets."""

    data: DataRow
    around: AroundRow
    symbols: Mapping[str, int]
    functions: Mapping[str, str]  # the meaning of each function in the formulas
    unknown: str  # the setting that was asked for: `hidden_size`
    value: int  # the answer
    smaller_that_does_not_fit: int | None  # a smaller size that exceeds a budget, if there is one
    train: bool
    optimizer: str | None  # None if nothing is trained
    path: str | None  # the implementation that computes it
    budgets: Sequence[BudgetRow]
    measures: Sequence[MeasureRow]
    notes: list[str]


def question_of(typed: Mapping[str, Typed]) -> Question:
    """The question that the flags ask; they must name an unknown and a budget."""
    named, flag = typed.get("unknown"), "hidden, layers, batch or seq"
    if named is None:
        raise UsageError(f"missing argument: {flag}", hint="e.g. lstmcalc solve hidden --params 1M")
    spelled = {field: word for word, field in UNKNOWNS.items()}
    word = str(named).removeprefix("--").replace("-", "_")
    unknown = UNKNOWNS[read_choice("UNKNOWN", spelled.get(word, word), UNKNOWNS)]
    source = typed.get("source")
    if source in UNKNOWNS:
        raise ContradictionError("two unknowns", "one of them, and the other given", shorten(f"{named} {source}"))
    if typed.get(unknown) is not None:
        raise ContradictionError(
            f"{unknown} is asked for and given", "one of the two", where=f"solve {named} and {flag_name(unknown)}"
        )
    budgets = [Budget(LIMITED[name], limit) for name, limit in read_limits(typed, flag_of).items()]
    if not budgets:
        raise UsageError("missing budget", f"one of {', '.join(map(flag_of, LIMITED))}")
    return Question(unknown, tuple(budgets), *read_training(typed))


def flag_of(name: str) -> str:
    """The flag of a budget, as it is shown."""
    return f"--{name}" if name in OLDER else limit_flag(name)


def solve_module(subject: Subject, question: Question) -> SolveModule:
    """The largest LSTM within the budgets; a UsageError if no size fits, or if no size is too large."""
    case = Case(subject.config, subject.data, subject.around, question.train, question.optimizer, question.input_grad)
    _check_open(subject, question.unknown)
    check_stepping({budget.measure.name: 0 for budget in question.budgets}, bidirectional=case.config.bidirectional)
    formulas = {budget: Formulas(budget.measure) for budget in question.budgets}
    for budget, formula in formulas.items():
        _check_dependent(formula, budget, case, question.unknown)
    least = case.config.proj_size + 1 if question.unknown == "hidden_size" else 1

    def fits(size: int) -> bool:
        sized = case.having({question.unknown: size})
        return all(formula.at(sized) <= budget.limit for budget, formula in formulas.items())

    sizes = stretches(question.unknown, least)
    found = largest_fitting(fits, sizes)
    if found is None:
        raise _too_small(case, question.unknown, formulas, sizes)
    if found.size > NO_LIMIT:
        raise UsageError(
            f"the budget does not limit {question.unknown}",
            expected="a budget that some size exceeds",
            found=f"any {question.unknown} that PyTorch can store fits",
        )
    return _answer(subject, case, question, found, formulas)


def _check_open(subject: Subject, unknown: str) -> None:
    """Refuse an unknown that the kind of LSTM or the data settles."""
    data = subject.data
    if unknown == "num_layers" and subject.found and subject.found.framework == "pytorch-cell":
        raise UsageError("a cell has one layer", "another unknown: hidden or batch", subject.found.text)
    if unknown == "batch" and data.unbatched:
        raise ContradictionError(
            "unbatched input has no batch", "data with a batch axis", "unbatched", "leave out --unbatched"
        )
    if unknown in ("batch", "seq_len") and data.lengths:
        raise ContradictionError(f"the lengths settle {unknown}", "padded data", "lengths", "leave out --lengths")


def _check_dependent(formula: Formulas, budget: Budget, case: Case, unknown: str) -> None:
    """Refuse a budget of a measure that does not depend on the unknown."""
    large = case.having({unknown: max(case.config.proj_size + 1, 2)})
    symbols = {_SYMBOLS[unknown], *(("H_out",) if unknown == "hidden_size" and not case.config.proj_size else ())}
    if not symbols & formula.of(large).symbols:
        raise UsageError(
            f"{budget.measure.name} does not depend on {unknown}",
            expected="a budget of what does, e.g. --macs or --memory",
            where=flag_of(budget.measure.name),
        )


def _too_small(case: Case, unknown: str, formulas: Mapping[Budget, Formulas], sizes: Sequence[Stretch]) -> UsageError:
    """The error for a budget that no size keeps, with the least amount needed, or for several that none keeps."""
    firsts = {stretch.size(0): case.having({unknown: stretch.size(0)}) for stretch in sizes}
    least = {
        budget: min((formula.at(sized), size) for size, sized in firsts.items()) for budget, formula in formulas.items()
    }
    budget = next((budget for budget, (needed, _) in least.items() if needed > budget.limit), None)
    if budget is None:
        return UsageError(
            f"no {unknown} fits all budgets at once",
            hint=", ".join(f"{unknown} {size} fits {flag_of(one.measure.name)}" for one, (_, size) in least.items()),
            where=" and ".join(flag_of(one.measure.name) for one in least),
        )
    (needed, size), measure, config = least[budget], budget.measure, case.config
    first = f"hidden {config.hidden_size}" if unknown != "hidden_size" else f"input {config.input_size}"
    others = {"proj": config.proj_size, "embed": case.around.embed, "head": case.around.head}
    given = " and ".join([first, *(f"{name} {size}" for name, size in others.items() if size)])
    return UsageError(
        f"no {unknown} fits",
        expected=f"at least {needed:,} {measure.unit}",
        found=f"{budget.limit:,}",
        hint=f"with {given}, even {unknown} {size} needs {needed:,} {measure.unit}",
        where=flag_of(measure.name),
    )


def _answer(
    subject: Subject, case: Case, question: Question, found: Largest, formulas: Mapping[Budget, Formulas]
) -> SolveModule:
    """The LSTM of the size that was found, with its use of each budget."""
    largest, above = (case.having({question.unknown: size}) for size in (found.size, found.size + 1))
    provenance = {**subject.provenance, question.unknown: Origin("solved", None, "inferred")}
    answer = subject._replace(config=largest.config, data=largest.data, provenance=provenance)
    return SolveModule(
        **head_of(answer, SETTINGS),
        data=data_row(answer),
        around=around_row(answer),
        symbols=largest.values,
        functions=function_meanings(formula.of(largest) for formula in formulas.values()),
        unknown=question.unknown,
        value=found.size,
        smaller_that_does_not_fit=found.gap,
        train=question.train,
        optimizer=question.optimizer if question.train else None,
        path=largest.path.key,
        budgets=[_budget_row(budget, formula, largest, above) for budget, formula in formulas.items()],
        measures=[MeasureRow(measure.name, measure.unit, measure.of(largest)) for measure in MEASURES.values()],
        notes=[*notes_of(answer), *as_pytorch_note(answer, "costs are those of")],
    )


def _budget_row(budget: Budget, formula: Formulas, largest: Case, above: Case) -> BudgetRow:
    """A budget with its use by the answer and by the size after it."""
    measure, following = budget.measure, formula.at(above)
    certainty, error = measure.certainty(largest)
    return BudgetRow(
        measure=measure.name,
        unit=measure.unit,
        counts=measure.counts(largest),
        limit=budget.limit,
        used=formula.at(largest),
        next=following,
        binds=following > budget.limit,
        certainty=certainty,
        error_percent=error,
        formula=str(formula.of(largest)),
    )


def solve_report(subjects: Sequence[Subject], question: Question) -> Report[SolveModule]:
    """The largest LSTM within the budgets, for each subject."""
    return document("solve", with_alone_note([solve_module(subject, question) for subject in subjects]))
