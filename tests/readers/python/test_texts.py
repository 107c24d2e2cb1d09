"""Text that is run as code, each program held against running it: what it sees, and what of it lasts."""

from pathlib import Path

import pytest

from tools.programs.kinds import verdict_on
from tools.reading import only

HEAD = "import torch.nn as nn\n"


@pytest.mark.parametrize(
    "code",
    [
        "h = 10\ndef f():\n    h = 20\n    exec('nn.LSTM(3, h)')\nf()",
        "h = 10\ndef f():\n    exec('h = 30')\n    return h\nnn.LSTM(3, f())",
        "h = 10\ndef f():\n    exec('global h; h = 30')\nf()\nnn.LSTM(3, h)",
        "h = 50\ndef g():\n    h = 20\n    def f():\n        return eval('h')\n    return f()\nnn.LSTM(3, g())",
        "h = 50\ndef g():\n    h = 20\n    def f():\n        h\n        return eval('h')\n    return f()\nnn.LSTM(3, g())",
        "h = 50\ndef g():\n    h = 20\n    def f():\n        nonlocal h\n        h = 30\n        return eval('h')\n    return f()\nnn.LSTM(3, g())",
        "i = 50\nfor n in [nn.LSTM(3, eval('i + 1')) for i in range(2)]: pass",
        "i = 50\ndef f(h):\n    return [nn.LSTM(3, eval('i + 1')) for i in range(h)]\nf(2)",
        "class A:\n    h = 20\n    exec('h = 40')\n    q = nn.LSTM(4, h)",
        "h = 9\nclass A:\n    h = 20\n    locals()['h'] = 40\n    vars()['q'] = nn.LSTM(4, h)\nnn.LSTM(A.h, h)",
        "def g(h):\n    d = {}\n    exec('r = h + 1', globals(), d)\n    return d['r']\nh = 50\nnn.LSTM(3, g(20))",
        "def g(h):\n    exec('r = h + 1', globals())\nh = 50\ng(20)\nnn.LSTM(3, r)",
        "def g(h):\n    return eval('h + 1', globals(), {'h': 4})\nh = 50\nnn.LSTM(3, g(20))",
        "h = 3\ndef f():\n    h = 4\n    return list(map(eval, ['h']))[0]\nnn.LSTM(3, f())",
        "h = 3\ndef f(x):\n    h = 4\n    return str(len(x))\nnn.LSTM(3, eval('h + ' + f('ab')))",
        "import timeit\ndef f():\n    global h\n    h = 30\nh = 20\ntimeit.timeit('f()', globals=globals(), number=1)\nnn.LSTM(3, h)",
        "import timeit\nh = 2\ndef f():\n    global h\n    h = 2 * h\ntimeit.timeit(f, number=2)\nnn.LSTM(3, h)",
        "import timeit\nh = 2\ntimeit.repeat('a += 1; global h; h = h + a', 'a = 1', globals=globals(), number=2, repeat=2)\nnn.LSTM(3, h)",
        "import timeit\nt = timeit.Timer('q.append(1)', globals={'q': []})\nt.timeit(3)\nnn.LSTM(3, 4)",
        "import cProfile\ndef f(h):\n    return nn.LSTM(3, h)\nwith cProfile.Profile() as p:\n    f(4)\np.runcall(f, 5)\np.runctx('f(6)', globals(), {})",
    ],
)
def test_text_sees_what_the_code_around_it_sees(code: str, tmp_path: Path) -> None:
    assert verdict_on(HEAD + code, "pytorch", tmp_path).word == "equal"


@pytest.mark.parametrize(
    "code",
    [
        # Python 3.11 gives 50, and Python 3.12 gives 20 (PEP 709).
        "h = 50\ndef g():\n    h = 20\n    return eval('[h for _ in range(1)][0]')\nnn.LSTM(3, g())",
        "h = 50\ndef g(h):\n    return [eval('h') for _ in range(1)][0]\nnn.LSTM(3, g(20))",
        # Until Python 3.12 the second text sees what the first has bound, from 3.13 on it does not (PEP 667).
        "r = 7\ndef g():\n    exec('r = 3')\n    return eval('r')\nnn.LSTM(3, g())",
        "import atexit\n@atexit.register\ndef bye():\n    nn.LSTM(1, 9)",
        "import timeit\nimport outside\nh = 2\ntimeit.timeit(outside.text, globals=globals())\nnn.LSTM(3, h)",
    ],
)
def test_what_depends_on_the_version_or_the_run_is_not_known(code: str, tmp_path: Path) -> None:
    assert verdict_on(HEAD + code, "pytorch", tmp_path).word in ("asked", "unsure", "nonsense")


def test_what_text_makes_stands_at_the_call_that_runs_it() -> None:
    found = only(f"{HEAD}\n\nexec('\\n\\n\\n\\nnn.LSTM(3, 4)')")
    assert found.where == "train.py:4"
