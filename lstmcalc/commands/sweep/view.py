"""The view of sweep: every combination; of many, the first and the last."""

from collections.abc import Iterator
from typing import Final

from lstmcalc.commands.sweep.report import Combination, SweepModule
from lstmcalc.intake.flags import flag_name
from lstmcalc.report.blocks import Block, Column, Facts, Grid, Line, Row, compact, measured_text, more_text
from lstmcalc.report.provenance import origin_facts, settings_in

_SHOWN: Final = 40  # rows of a sweep at either end


def view(module: SweepModule) -> Iterator[Block]:
    """Every combination; of many, the first and the last."""
    yield origin_facts(module, settings_in(module.data, module.around), swept=module.axes)
    fields, measures = list(module.axes), module.measures
    columns = [Column(flag_name(field)[2:], right=field not in ("dtype", "bidirectional")) for field in fields]
    columns += [Column(name, right=True) for name in measures]
    rows, count = module.rows, module.combinations

    def shown(row: Combination) -> Row:
        cells = (compact(row[field]) for field in fields)
        return Row((*cells, *(measured_text(row[name], own.unit) for name, own in measures.items())))

    facts: list[Line] = []
    if count <= 2 * _SHOWN:
        listed = [shown(row) for row in rows]
    else:
        dots = Row(tuple("..." for _ in columns), "folded")
        listed = [*map(shown, rows[:_SHOWN]), dots, *map(shown, rows[count - _SHOWN :])]
        facts.append(("...", (more_text(count - 2 * _SHOWN, "combination"), "--format csv has all")))
    yield Grid(tuple(columns), tuple(listed))
    yield Facts((*facts, *((name, (own.counts,)) for name, own in measures.items())))
