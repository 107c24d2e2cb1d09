"""The view of solve: the largest size, its use of each budget, and that of the next size."""

from collections.abc import Iterator
from typing import Final

from lstmcalc.commands.solve.report import BudgetRow, SolveModule
from lstmcalc.costs.implementation import IMPLEMENTATIONS
from lstmcalc.report.blocks import Block, Column, Facts, Grid, Line, Row, measured_text, symbol_legend, with_commas
from lstmcalc.report.provenance import origin_facts, settings_in

_LONG: Final = 250  # characters of a formula that is shown


def brief(module: SolveModule) -> Iterator[Block]:
    """The use of each budget, what else the largest size takes, and that size."""
    yield from _blocks(module, full=False)


def view(module: SolveModule) -> Iterator[Block]:
    """The use of each budget, the formulas, what else the largest size takes, and that size."""
    yield from _blocks(module, full=True)


def _blocks(module: SolveModule, *, full: bool) -> Iterator[Block]:
    yield origin_facts(module, settings_in(module.data, module.around), brief=not full)
    size, unknown = module.value, module.unknown
    columns = (
        Column("budget"),
        Column("at most", right=True),
        Column(f"{unknown} {size:,}", right=True),
        Column(f"{unknown} {size + 1:,}", right=True),
        Column("what", breaks=True),
    )
    rows = tuple(Row((row.measure, *with_commas(row.limit, row.used, row.next), row.counts)) for row in module.budgets)
    yield Grid(columns, rows)
    gap = module.smaller_that_does_not_fit
    facts: list[Line] = []
    if gap:
        facts.append(("beware", (f"{unknown} {gap:,} does not fit: another kernel takes more there",)))
    for row in module.budgets:
        if module.path and (row.certainty != "exact" or row.measure == "memory"):
            sure = f"within {row.error_percent:g} %" if row.error_percent else row.certainty
            computed = f"computed by {IMPLEMENTATIONS[module.path]}", sure
            facts.append((row.measure, (*computed, "the process and its libraries come on top")))
    facts += [("formula", (_formula(row),)) for row in module.budgets if full]
    facts.append(("with it", tuple(f"{row.name} {measured_text(row.value, row.unit)}" for row in module.measures)))
    facts += [symbol_legend(module.symbols, module.config.proj_size)] if full else []
    yield Facts((*facts, ("largest", (f"{unknown} = {size:,}", str(module.config)))))


def _formula(row: BudgetRow) -> str:
    """A measure's formula with its value; the formula is left out if it is too long to read."""
    formula = row.formula if len(row.formula) <= _LONG else "... (--json has it)"
    return f"{row.measure} = {formula} = {row.used:,}"
