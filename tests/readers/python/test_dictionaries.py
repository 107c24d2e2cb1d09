"""The dictionary of a thing's attributes, held against running programs: each changes with the other."""

from pathlib import Path

import pytest

from tools.programs.kinds import verdict_on

HEAD = "import torch.nn as nn\nclass A: pass\na = A()\na.x = 3\na.y = 4\nd = vars(a)\n"


@pytest.mark.parametrize(
    "code",
    [
        "d |= {'x': 9}; h = a.x",
        "A.z = 2\ntry: A.__dict__.update(z=8)\nexcept AttributeError: pass\nh = A.z",
        "A.z = 2\ntry: vars(A)['z'] = 8\nexcept TypeError: pass\nh = A.z + A.__dict__['z']",
        (
            "class D:\n  def __get__(s, o, t): return getattr(o, 'w', 5)\n  def __set__(s, o, v): o.w = 2\n"
            "A.q = D()\ntry: del a.q\nexcept AttributeError: pass\nh = a.q"
        ),
        "d.update(x=9); h = a.x",
        "d['x'] += 5; h = a.x",
        "h = d.pop('x') + hasattr(a, 'x')",
        "h = d.setdefault('z', 7) + a.z",
        "del d['x']; h = 1 + hasattr(a, 'x')",
        "d.clear(); h = 1 + hasattr(a, 'y')",
        "k, v = d.popitem(); h = v + hasattr(a, k)",
        "e = d | {'x': 8}; h = e['x'] * 10 + a.x",
        "e = {**d, 'x': 8}; h = e['x'] + a.x",
        "e = dict(d); e['x'] = 8; h = a.x",
        "e = d.copy(); e['x'] = 8; h = a.x",
        "a.x = 8; h = d['x']",
        "h = len(d) + sum(d.values())",
        "h = 1 + ('x' in d) + (d == {'x': 3, 'y': 4}) + bool(d)",
        "h = sum(1 for k in d) + len(list(d.items()))",
        "a.__dict__ |= {'x': 6}; h = a.x",
        "a.__dict__ = {'x': 7}; h = a.x",
        "a.__dict__.update({'x': 5}); h = a.x",
        "g = globals(); g |= {'q': 6}; h = q",
        "g = globals(); g.update(q=6); h = q",
        "globals()['q'] = 5; h = q",
        "h = len({**vars(a)}) + len([*d])",
        "f = lambda **k: sum(k.values()); h = f(**d)",
        "e = {'x': 1}; e |= d; h = e['x'] + e['y']",
        "e = {'x': 1}; e.update(d); h = e['x']",
        "h = max(d, key=d.get) and 3",
        "h = len(str(d)) if 0 else 4",
        "import copy; e = copy.deepcopy(d); e['x'] = 9; h = a.x",
        "b = A(); b.__dict__ = a.__dict__; b.x = 9; h = a.x",
        "b = A(); vars(b).update(vars(a)); b.x = 9; h = a.x * 10 + b.y",
        "for k in list(d): d[k] = d[k] * 2\nh = a.x",
        "match d:\n    case {'x': v}: h = v\n    case _: h = 9",
        "d.update(d); h = a.x",
        "x, y = d.values(); h = x * y",
        "vars(A)\nA.z = 5; h = vars(A)['z']",
        "h = list(d)[0] == 'x' and 5",
        "h = (d or {'q': 1}).get('x')",
        "d2 = vars(a); d2['x'] = 8; h = d['x'] + (d is d2) * 0",
    ],
)
def test_attributes_and_their_dictionary_are_one(code: str, tmp_path: Path) -> None:
    assert verdict_on(f"{HEAD}{code}\nnn.LSTM(3, int(h))\n", "pytorch", tmp_path).word == "equal"


@pytest.mark.parametrize(
    "code",
    [
        (
            "class C(dict):\n  def __init__(self, *a, **k):\n    super().__init__(*a, **k)\n    self.__dict__ = self\n"
            "c = C(x=3, y=5)\nc.z = 2\nc['w'] = 4\nnn.LSTM(c.x + c.w, c['z'] + c.y)\n"
        ),
        "class B:\n  shared = {}\n  def __init__(self): self.__dict__ = self.shared\nb = B()\nb.h = 7\nnn.LSTM(3, B().h)\n",
    ],
)
def test_a_dictionary_that_is_given_holds_the_attributes(code: str, tmp_path: Path) -> None:
    assert verdict_on(f"import torch.nn as nn\n{code}", "pytorch", tmp_path).word == "equal"


def test_a_dictionary_that_is_not_known_leaves_the_attributes_open(tmp_path: Path) -> None:
    code = "import outside\na.__dict__ = outside.number()\nnn.LSTM(3, a.x)\n"
    assert verdict_on(HEAD + code, "pytorch", tmp_path).word in ("asked", "nonsense")
