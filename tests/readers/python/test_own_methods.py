"""Instances of classes that are derived from Python's own: Python calls the methods of their class."""

from pathlib import Path
from random import Random, SystemRandom

import pytest

from tools.programs.kinds import verdict_on
from tools.programs.own_methods import programs
from tools.reading import found_in

HEAD = "import torch.nn as nn\n"
FALSE = {"WRONG", "CRASH", "denied"}
PLAIN, THOROUGH = 60, 600  # programs of some 2,900


def test_nothing_false_is_said_where_a_class_has_methods_of_its_own(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    thorough = pytestconfig.getoption("--thorough")
    seed = SystemRandom().randrange(10**9) if thorough else 7
    words = []
    for code in Random(seed).sample(  # noqa: S311  # programs, no secrets
        list(programs()), THOROUGH if thorough else PLAIN
    ):
        verdict = verdict_on(code, "pytorch", tmp_path)
        assert verdict.word not in FALSE, f"seed {seed}: {verdict}\n{code}"
        words.append(verdict.word)
    assert words.count("equal") > len(words) / 5  # most of the others are errors when they are run


@pytest.mark.parametrize(
    "code",
    [
        "class K(int): pass\nnn.LSTM(3, 5 if [K(3)] == [3] else 6)",
        "class K(int):\n    def __bool__(self): return False\nnn.LSTM(3, 5 if K(3) else 6)",
        "class K(dict):\n    def __len__(self): return 4\nnn.LSTM(3, 5 if K() else 6)",
        "class K(int):\n    def __new__(cls, v): return super().__new__(cls, v * 2)\n    def f(self): return self * 2\nnn.LSTM(3, K(4).f())",
        "class K(tuple):\n    def __new__(cls, *v): return super().__new__(cls, v)\nnn.LSTM(3, len(K(1, 2)) + isinstance(K(1), K))",
        "class K(int):\n    def __add__(self, other): return K(int(self) + int(other) + 1)\nnn.LSTM(3, int(K(4) + 5))",
        "from enum import Enum\nclass M(str, Enum):\n    A = 'abc'\n    def __str__(self): return self.value + 'z'\nnn.LSTM(3, len(f'{M.A}'))",
        "from enum import Enum\nclass M(Enum):\n    A = 1\n    def __repr__(self): return 'r'\nnn.LSTM(3, len(str(M.A)))",
        "from enum import IntEnum\nclass M(IntEnum):\n    A = 3\n    def __str__(self): return 'qqqq'\nnn.LSTM(3, len(f'{M.A}') + M.A)",
        "from collections import deque\nnn.LSTM(3, 5 if isinstance(deque([1]), list) else 6)",
        "from collections import UserDict, OrderedDict\nnn.LSTM(3, 1 + isinstance(UserDict(), dict) + 2 * isinstance(OrderedDict(), dict))",
    ],
)
def test_what_a_class_says_of_its_instances(code: str, tmp_path: Path) -> None:
    assert verdict_on(HEAD + code, "pytorch", tmp_path).word == "equal"


@pytest.mark.parametrize(
    "code",
    [
        "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\ntry:\n    A()\n    h = 4\nexcept TypeError:\n    h = 5\nnn.LSTM(3, h)",
        ("from abc import ABCMeta, abstractmethod\nclass A(metaclass=ABCMeta):\n    @property\n    @abstractmethod\n    def h(self): ...\n"
        "class B(A):\n    h = 7\nnn.LSTM(3, B().h)"),
        "class A:\n    __slots__ = ('a',)\nx = A()\nx.a = 3\ntry:\n    x.b = 4\n    h = 1\nexcept AttributeError:\n    h = 10\nnn.LSTM(3, h)",
        "class A:\n    __slots__ = ('a',)\nclass B(A): pass\nx = B()\nx.b = 4\nnn.LSTM(3, x.b)",
        ("class A:\n    def __init__(self): self.v = 1\n    @property\n    def h(self): return self.v\n    @h.deleter\n    def h(self): self.v = 50\n"
        "x = A()\ndel x.h\nnn.LSTM(3, x.h)"),
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('-v', action='count', default=1)\nnn.LSTM(3, p.parse_args(['-vv']).v)",
        ("import argparse\np = argparse.ArgumentParser()\np.add_argument('-l', action='append', type=int, default=[2])\n"
        "nn.LSTM(3, sum(p.parse_args(['-l', '4', '-l', '5']).l))"),
    ],
)  # fmt: skip
def test_what_python_refuses_and_changes(code: str, tmp_path: Path) -> None:
    assert verdict_on(HEAD + code, "pytorch", tmp_path).word == "equal"


def test_frozen_dataclasses_that_are_alike_are_one_in_a_set(tmp_path: Path) -> None:
    code = "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n    a: int\nnn.LSTM(3, len({A(1), A(1), A(2)}))"
    assert verdict_on(HEAD + code, "pytorch", tmp_path).word in ("equal", "asked")


@pytest.mark.parametrize(
    "code",
    [
        "from enum import Enum\nclass M(str, Enum):\n    A = 'abc'\nnn.LSTM(3, len(f'{M.A}'))",  # Python 3.12 changed it
        "from collections import OrderedDict\nnn.LSTM(3, len(str(OrderedDict(a=1))))",  # Python 3.12 changed it
    ],
)
def test_a_text_that_depends_on_the_version_is_asked_for(code: str, tmp_path: Path) -> None:
    assert verdict_on(HEAD + code, "pytorch", tmp_path).word == "asked"


ENVIRONMENT = """
import os
from os import environ
environ["A"] = "5"
os.environ.update({"B": "6"})
nn.LSTM(int(os.getenv("A")), int(environ["B"]))
if "C" in environ:
    nn.LSTM(1, 2)
nn.LSTM(1, int(os.environ.get("D", 9)))
"""


def test_a_variable_of_the_environment_is_asked_for_by_its_name() -> None:
    first, perhaps, last = found_in(HEAD + ENVIRONMENT)
    assert first.layer["hidden_size"].value == 6
    assert not first.uncertain
    assert "os.environ.C" in perhaps.uncertain[0]
    assert last.gaps["hidden_size"].names == ("os.environ.D",)
    known = found_in(HEAD + ENVIRONMENT, **{"os.environ.D": 7, "os.environ.C": 1})
    assert [item.layer["hidden_size"].value for item in known] == [6, 2, 7]
    assert not any(item.uncertain for item in known)


@pytest.mark.parametrize(
    ("method", "expression"),
    [
        ("__round__(self, n=None)", "round(x)"),
        ("__abs__(self)", "abs(x)"),
        ("__floor__(self)", "math.floor(x)"),
        ("__trunc__(self)", "math.trunc(x)"),
        ("__hash__(self)", "hash(x)"),
    ],
)
def test_functions_of_python_ask_the_class(method: str, expression: str, tmp_path: Path) -> None:
    code = f"import math\nclass K(int):\n  def {method}: return 9\nx = K(3)\nnn.LSTM(3, {expression})\n"
    assert verdict_on(HEAD + code, "pytorch", tmp_path).word in ("equal", "asked")
