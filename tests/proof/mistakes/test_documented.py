"""The names of the mistakes are a contract: the page that lists them has those of the table, and no others."""

import re

from lstmcalc.proof.mistakes.table import MISTAKES
from tools.shell import TESTS

PAGE = TESTS.parent / "docs" / "porting.md"


def test_the_page_lists_the_names_of_the_table() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    named = {re.sub(r"^(gate-order[a-z-]*):\w+", r"\1:XXXX", mistake.name) for mistake in MISTAKES}
    assert set(listed) == {*named, "lower-layer-output:N"}
