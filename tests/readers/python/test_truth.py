"""Tests of which one part is not known and another decides: the side that every run takes is certain."""

from pathlib import Path

import pytest

from lstmcalc.readers.sources import read_source

BEGIN = "from torch import nn\nfrom outside import flag\ndef made():\n    return nn.LSTM(3, 5)\n"


@pytest.mark.parametrize(
    ("code", "certain", "uncertain"),
    [
        ("if flag() and 1 > 4:\n    nn.LSTM(3, 1)\nelse:\n    nn.LSTM(3, 2)\n", [2], []),
        (
            "if flag() and 1 > 4:\n    nn.LSTM(3, 1)\nelse:\n    nn.LSTM(3, 2)\n    raise SystemExit\nnn.LSTM(3, 3)\n",
            [2],
            [],
        ),
        ("if flag() or 4 > 1:\n    nn.LSTM(3, 1)\nelse:\n    nn.LSTM(3, 2)\n", [1], []),
        ("nn.LSTM(3, 1 if not (flag() and 0) else 2)\n", [1], []),
        ("[nn.LSTM(3, n) for n in range(1, 3) if not (flag() and n > 3)]\n", [1, 2], []),
        ("while flag() and False:\n    nn.LSTM(3, 1)\nnn.LSTM(3, 2)\n", [2], []),
        ("assert flag() or True\nnn.LSTM(3, 2)\n", [2], []),
        ("match 3:\n    case 3 if flag() and 0:\n        nn.LSTM(3, 1)\n    case _:\n        nn.LSTM(3, 2)\n", [2], []),
        # What is behind an unknown part is computed in some runs only.
        ("if flag() and made() and False:\n    nn.LSTM(3, 1)\nnn.LSTM(3, 2)\n", [2], [5]),
        ("if flag() and 4 > 1:\n    nn.LSTM(3, 1)\nelse:\n    nn.LSTM(3, 2)\n", [], [1, 2]),
    ],
)
def test_the_part_that_decides_is_known(code: str, certain: list[int], uncertain: list[int], tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(BEGIN + code)
    found = read_source(str(path), {})
    assert [item.layer["hidden_size"].value for item in found if not item.uncertain] == certain
    assert [item.layer["hidden_size"].value for item in found if item.uncertain] == uncertain
