"""The view of your own numbers held against a run: the verdict, where they differ, what explains it and repairs it."""

from collections.abc import Iterator

from lstmcalc.commands.run.expected import ExpectRow
from lstmcalc.report.blocks import Block, Code, Facts, Line, joined


def expect_blocks(expect: ExpectRow) -> Iterator[Block]:
    """The verdict on your numbers, and the code that repairs what explains them."""
    yield expect_facts(expect)
    repairs = [one.repair for one in expect.explanations]
    if repairs:
        yield Code("\n# or\n".join(dict.fromkeys(repairs)))


def expect_facts(expect: ExpectRow) -> Facts:
    """The verdict on your numbers: where they first differ, and what explains it."""
    apart = "not comparable" if expect.max_abs_error is None else f"{expect.max_abs_error:.2g} apart"
    read = f"read as {expect.is_} {expect.axes}" if expect.is_ else ""
    if expect.agrees:
        agrees = f"agree within {_error(expect.max_abs_error)}, {expect.tolerance:.2g} allowed"
        return Facts((("your numbers", (agrees, read)),))
    lines: list[Line] = [
        ("your numbers", (f"DIFFER: {apart}, {expect.tolerance:.2g} allowed", *([read] if read else [])))
    ]
    first = expect.first_difference
    if first is not None:
        place = [f"sequence {first.sequence}", *([] if first.step is None else [f"step {first.step}"])]
        place += [] if first.layer is None else [f"layer {first.layer}"]
        yours = "not a number" if first.expected is None else f"{first.expected:.6g}"
        lines.append(("differs first", (*place, f"unit {first.unit}: yours {yours}", f"computed {first.computed:.6g}")))
    near = expect.runner_up
    for number, one in enumerate(expect.explanations):
        beside = f"apart {_error(one.max_abs_error)}"
        if near is not None and not number:
            beside += f"; next best explanation {_error(near.max_abs_error)}"
        lines.append(("or" if number else "explained", (f"{one.sentence} ({beside})",)))
    if not expect.explanations:
        lines.append(("explained", ("no: no single known mistake explains it, and no two together",)))
        if near is not None and _halves(near.max_abs_error, expect.max_abs_error):
            closest = f"{' + '.join(near.mistakes)}, still {_error(near.max_abs_error)} apart"
            lines.append(("closest", (closest,)))
        else:
            lines.append(("closest", ("none of them halves the difference",)))
    return Facts(tuple(lines))


def _halves(near: float | None, apart: float | None) -> bool:
    """True if mistakes leave less than half of the difference, or make it one at all."""
    return near is not None and (apart is None or near < apart / 2)


def expect_text(expect: ExpectRow) -> str:
    """The verdict on your numbers as text, for an exception."""
    lines = [f"{label}: {joined(phrases)}" for label, phrases in expect_facts(expect).lines]
    return "\n".join([*lines, *(f"repair: {line}" for one in expect.explanations for line in one.repair.splitlines())])


def _error(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.2g}"
