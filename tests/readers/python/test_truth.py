"""Tests of which one part is not known and another decides: the side that every run takes is certain."""

from pathlib import Path

import pytest

from lstmcalc.readers.sources import read_source

BEGIN = "from torch import nn\nfrom outside import flag\ndef made():\n    return nn.LSTM(3, 5)\n"


def sizes_in(code: str, folder: Path) -> tuple[list[object], list[object]]:
    """The hidden_size of each LSTM that is certain, and of each that is not."""
    path = folder / "code.py"
    path.write_text(BEGIN + code)
    found = [item for item in read_source(str(path), {}) if item.kind]
    certain, uncertain = (
        [item.layer["hidden_size"].value for item in found if bool(item.uncertain) is so] for so in (False, True)
    )
    return certain, uncertain


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
    assert sizes_in(code, tmp_path) == (certain, uncertain)


@pytest.mark.parametrize(
    ("code", "certain", "uncertain"),
    [
        # Nobody knows how many arguments a program is given.
        ("import sys\nif len(sys.argv) < 2:\n    sys.exit('usage')\nnn.LSTM(3, 1)\n", [1], []),
        ("import sys\nif not sys.argv[1:]:\n    sys.exit('usage')\nnn.LSTM(3, 1)\n", [1], []),
        ("import sys\nscript, width = sys.argv\nnn.LSTM(3, 1)\n", [1], []),
        ("import sys\nif '--gru' in sys.argv:\n    nn.GRU(3, 1)\nelse:\n    nn.LSTM(3, 2)\n", [], [2]),
        ("import sys\nfor name in sys.argv[1:]:\n    nn.LSTM(3, 1)\n", [], [1]),
        # Of runs that all leave, none is the one that counts.
        ("import sys\nif flag():\n    sys.exit('no')\nnn.LSTM(3, 1)\nsys.exit(0)\n", [], [1]),
        (
            (
                "import sys\ndef main():\n    if len(sys.argv) < 2:\n        sys.exit('usage')\n    nn.LSTM(3, 1)\n"
                "sys.exit(main())\n"
            ),
            [],
            [1],
        ),
        ("import sys\nnn.LSTM(3, 1)\nsys.exit(0)\nnn.LSTM(3, 2)\n", [1], []),
    ],
)
def test_what_leaves_and_what_is_given(code: str, certain: list[int], uncertain: list[int], tmp_path: Path) -> None:
    assert sizes_in(code, tmp_path) == (certain, uncertain)


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nwidth = int(sys.argv[1]) if len(sys.argv) > 1 else 20\n",
        "import sys\ntry:\n    width = int(sys.argv[1])\nexcept IndexError:\n    width = 20\n",
        (
            "import types\nthing, width = types.SimpleNamespace(), 2\n"
            "try:\n    type(thing).a = 3\nexcept TypeError:\n    width = 3\n"
        ),
        (
            "import functools\nclass Own:\n    @functools.cached_property\n    def a(self):\n        return 1\n"
            "own = Own()\nif flag:\n    own.a\nif vars(own):\n    own.a += 9\nown.a\nwidth = own.a\n"
        ),
    ],
)
def test_what_runs_may_give_otherwise_is_open(code: str, tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(f"{BEGIN}{code}nn.LSTM(3, width)\n")
    (found,) = read_source(str(path), {})
    assert "hidden_size" in found.gaps


def test_arguments_that_the_program_leaves_alone_are_none_for_a_parser(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    begin = "import argparse, sys\np = argparse.ArgumentParser()\np.add_argument('--width', type=int, default=7)\n"
    path.write_text(
        f"{BEGIN}{begin}a = p.parse_args()\nnn.LSTM(3, a.width)\nsys.argv.append('--width=8')\n"
        "b = p.parse_args()\nnn.LSTM(3, b.width)\n"
    )
    first, second = read_source(str(path), {})
    assert (first.layer["hidden_size"].value, first.layer["hidden_size"].origin.certainty) == (7, "inferred")
    assert "hidden_size" in second.gaps
