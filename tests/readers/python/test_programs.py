"""Random programs, each held against what its runs construct, and the tools that do it."""

from functools import partial
from itertools import count
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest

from tools.examples import is_thorough
from tools.programs.cells_stand_in import STAND_INS
from tools.programs.kinds import KINDS, verdict_on
from tools.programs.runs import counted, runs
from tools.programs.shrink import shrunk
from tools.programs.verdicts import compare

PARTS = 10
PLAIN, THOROUGH = 4, 100  # programs of each part
FALSE = {"WRONG", "CRASH", "denied"}


def gets(word: str, kind: str, folder: Path, code: str) -> bool:
    return verdict_on(code, kind, folder).word == word


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("kind", "part"), [(kind, part) for kind in KINDS for part in range(2 if kind in STAND_INS else PARTS)]
)
def test_nothing_false_is_said_of_a_program(kind: str, part: int, tmp_path: Path) -> None:
    first = SystemRandom().randrange(10**9) if is_thorough() else 1000 * part
    judged = 0
    for seed in count(first):
        code = KINDS[kind].make(seed)
        verdict = verdict_on(code, kind, tmp_path)
        judged += verdict.word != "nonsense"
        if verdict.word in FALSE:
            small = shrunk(code, partial(gets, verdict.word, kind, tmp_path))
            pytest.fail(f"seed {seed}: {verdict_on(small, kind, tmp_path)}\n{small}")
        if judged == (THOROUGH if is_thorough() else PLAIN):
            break


def sizes(code: str) -> list[list[tuple[int, int]]]:
    return sorted(
        [(made["input_size"], made["hidden_size"]) for made in run] for run in runs(f"import torch.nn as nn\n{code}")
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("nn.LSTM(3, 5)", [[(3, 5)]]),
        ("from outside import flag\nh = 4\nif flag(): h = 5\nnn.LSTM(3, h)", [[(3, 4)], [(3, 5)]]),
        ("import os\nfor i in range(2):\n  if os.path.exists('a'): nn.LSTM(3, i + 4)", [[], [(3, 4)], [(3, 4), (3, 5)], [(3, 5)]]),
        ("import random\nif random.random() < 0.5: h = 5\nnn.LSTM(3, h)", [[(3, 5)]]),  # the other run ends in an exception
        ("from outside import touch\nd = {'a': 4}\ntouch(d)\nnn.LSTM(3, d['a'])", [[(3, 4)], [(3, 11)]]),
        ("from outside import risky\nh = 4\ntry:\n  risky()\n  h = 5\nexcept ValueError: pass\nnn.LSTM(3, h)", [[(3, 4)], [(3, 5)]]),
        ("nn.LSTM(3, 5)\nraise ValueError", []),
        ("nn.LSTM(3, 5)\nraise SystemExit", [[(3, 5)]]),
        ("import argparse\nnn.LSTM(3, 5)\nargparse.ArgumentParser().parse_args(['--x'])", []),  # it is refused
        ("while True: pass", []),
        ("def", []),
    ],
)  # fmt: skip
def test_all_runs_of_a_program_are_known(code: str, expected: list[list[tuple[int, int]]]) -> None:
    assert sizes(code) == expected


def test_a_dtype_is_that_at_the_end() -> None:
    ((first, second),) = runs("import torch.nn as nn\nm = nn.Sequential(nn.LSTM(3, 5))\nk = nn.LSTM(3, 5)\nm.half()\n")
    assert (first["dtype"], second["dtype"]) == ("float16", "float32")


def said(*hidden: int, doubted: tuple[int, ...] = (), opened: int = 0) -> dict[str, Any]:
    """A document that says this of LSTMs."""
    modules = [
        {"config": {"input_size": 3, "hidden_size": size, "bias": True}, "certain": number < len(hidden)}
        for number, size in enumerate((*hidden, *doubted))
    ]
    return {"modules": modules, "open": [{}] * opened}


@pytest.mark.parametrize(
    ("document", "truths", "word"),
    [
        (said(4), [[4]], "equal"),
        (said(4, 4), [[4, 4]], "equal"),
        (said(4), [[4, 4]], "WRONG"),  # one is left out
        (said(4, 5), [[4]], "WRONG"),
        (said(5), [[4]], "WRONG"),
        (said(5, opened=1), [[4]], "WRONG"),  # something else is open
        (said(4, opened=1), [[4]], "unsure"),
        (said(doubted=(4,)), [[4]], "unsure"),
        (said(doubted=(5,)), [[4]], "unsure"),
        (said(4), [[4], [5]], "WRONG"),
        (said(4, doubted=(5,)), [[4], [4, 5]], "equal"),
        (said(opened=1), [[4], [5]], "equal"),
        (said(4, 5), [[4], [4, 5]], "WRONG"),
        (said(4), [[4], [4, 5]], "WRONG"),  # complete in one run, and not in the other
    ],
)
def test_verdicts(document: dict[str, Any], truths: list[list[int]], word: str) -> None:
    made = [counted([{"input_size": 3, "hidden_size": size, "bias": True} for size in truth]) for truth in truths]
    keyed = [type(held)({(key[0], key[1], key[3]): times for key, times in held.items()}) for held in made]
    assert compare(document, keyed, "keras").word == word


def test_a_program_becomes_small() -> None:
    code = "import torch.nn as nn\na = 3\nfor i in range(2):\n    b = a + i\n    nn.LSTM(3, max(b, 2))\nc = [a]\n"
    small = shrunk(code, lambda smaller: len(sizes(smaller)) == 1 and len(sizes(smaller)[0]) == 2)
    assert small.count("\n") <= 4
    assert len(sizes(small)[0]) == 2
