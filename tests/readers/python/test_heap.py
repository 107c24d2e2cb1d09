"""Paths through code: branches, loops, and ways to leave, each joined with the others where it ends."""

from time import perf_counter

import pytest

from lstmcalc.errors import SourceError
from tools.reading import TORCH, found_in, only, said


def hidden(code: str) -> object:
    """The hidden_size of the only LSTM, or the values it may have as the gap says them."""
    found = only(f"{TORCH}{code}")
    return said(found).get("hidden_size", found.gaps["hidden_size"].why if "hidden_size" in found.gaps else None)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("h = 4\nif x:\n  h = 5\n  raise ValueError\nnn.LSTM(3, h)", 4),
        ("def f(a):\n  if a:\n    return 5\n  return 5\nnn.LSTM(3, f(x))", 5),
        ("h = 4\nfor i in range(3):\n  if i == 1:\n    break\n  h += 1\nelse:\n  h = 9\nnn.LSTM(3, h)", 5),
        ("h = 4\ntry:\n  h = 5\n  raise KeyError\nexcept LookupError:\n  h += 1\nfinally:\n  h += 1\nnn.LSTM(3, h)", 7),
        ("h = 4\nwhile True:\n  h += 1\n  if h > 6:\n    break\nnn.LSTM(3, h)", 7),
        ("def f():\n  try:\n    return 4\n  finally:\n    return 5\nnn.LSTM(3, f())", 5),
        (
            "import contextlib\nh = 4\nwith contextlib.suppress(ValueError):\n  h = 5\n  raise ValueError\nnn.LSTM(3, h)",
            5,
        ),
        ("class C:\n  h = 4\na = C()\nb = a if x else a\nb.h = 6\nnn.LSTM(3, a.h)", 6),
    ],
)
def test_paths_that_agree_give_a_value(code: str, expected: int) -> None:
    assert hidden(code) == expected


@pytest.mark.parametrize(
    "code",
    [
        "h = 4\nif x:\n  h = 5\nnn.LSTM(3, h)",
        "h = 4\nfor i in x:\n  h += 1\nnn.LSTM(3, h)",
        "h = 4\ntry:\n  x()\n  h = 5\nexcept ValueError:\n  pass\nnn.LSTM(3, h)",
        "def f(a):\n  if a:\n    return 4\n  return 5\nnn.LSTM(3, f(x))",
        "h = 4\nwhile x():\n  h = 5\n  break\nnn.LSTM(3, h)",
        "d = {'h': 4}\nx(d)\nnn.LSTM(3, d['h'])",
        "class C:\n  h = 4\na, b = C(), C()\nc = a if x else b\nc.h = 6\nnn.LSTM(3, a.h)",
        "h = [4]\ndef f():\n  h[0] += 1\nx(f)\nnn.LSTM(3, h[0])",
        "def g():\n  global h\n  yield 1\n  h = 5\nh = 4\nnext(g())\nnn.LSTM(3, h if x else 5)",
        # A thing that a path made, and another path changed later.
        "try:\n  class C:\n    h = 4\n  x()\n  C.h = 5\nexcept ValueError:\n  pass\nnn.LSTM(3, C.h)",
        "def f():\n  c = [4]\n  if x:\n    return c\n  c[0] = 5\n  return c\nnn.LSTM(3, f()[0])",
    ],
)
def test_paths_that_differ_give_none(code: str) -> None:
    (found,) = [item for item in found_in(f"{TORCH}{code}") if item.kind]
    assert list(found.gaps) == ["hidden_size"]


@pytest.mark.parametrize(
    "code",
    [
        "if x:\n  a = nn.LSTM(3, 4)",
        "for i in x:\n  a = nn.LSTM(3, 4)",
        "try:\n  x()\n  a = nn.LSTM(3, 4)\nexcept ValueError:\n  pass",
        "def f(a):\n  if a:\n    return\n  nn.LSTM(3, 4)\nf(x)",
    ],
)
def test_an_lstm_of_one_path_is_uncertain(code: str) -> None:
    (found,) = [item for item in found_in(f"{TORCH}{code}") if item.kind]
    assert found.uncertain


def test_an_lstm_that_every_path_makes_alike_is_certain() -> None:
    assert only(f"{TORCH}if x:\n  a = nn.LSTM(3, 4)\nelse:\n  a = nn.LSTM(3, 4)").uncertain == ()
    assert only(f"{TORCH}if x:\n  a = nn.LSTM(3, 4)\nelse:\n  a = nn.LSTM(3, 4)\na.half()").uncertain


GENERATOR = "def g():\n  yield 1\n  nn.LSTM(1, 2)\n  torch.set_default_dtype(torch.float64)\n"


@pytest.mark.parametrize(
    "code",
    [
        "for _ in g():\n  torch.set_default_dtype(torch.float16)\nnn.LSTM(5, 6)",
        "i = g()\nnext(i)\ntorch.set_default_dtype(torch.float32)\nnext(i, 2)\nnn.LSTM(5, 6)",
    ],
)
def test_what_a_generator_does_between_two_items_may_come_after_what_is_done_there(code: str) -> None:
    assert all(item.uncertain for item in found_in(f"{TORCH}{GENERATOR}{code}") if item.kind)


def test_what_a_generator_sets_later_is_perhaps_not_there() -> None:
    code = "class C:\n  a = 1\nc = C()\ndef g():\n  yield 1\n  c.a = 2\ni = g()\nnext(i)\n"
    (found,) = [item for item in found_in(f"{TORCH}{code}nn.LSTM(3, 4, bias='a' in vars(c))") if item.kind]
    assert list(found.gaps) == ["bias"]


def test_an_lstm_that_is_made_in_one_way_or_another_is_what_both_say() -> None:
    code = "class M(nn.LSTM):\n  def __init__(self):\n    if x:\n      super().__init__(3, 4)\n    else:\n      "
    (found,) = [item for item in found_in(f"{TORCH}{code}super().__init__(3, 5)\nm = M()") if item.kind]
    assert (said(found)["input_size"], list(found.gaps)) == (3, ["hidden_size"])
    (found,) = [item for item in found_in(f"{TORCH}{code}pass\nm = M()") if item.kind]
    assert (said(found)["hidden_size"], bool(found.uncertain)) == (4, True)


@pytest.mark.parametrize(
    ("before", "call"),
    [
        ("import collections\nc = collections.ChainMap({'a': 3})", "c.popitem()"),
        ("l = [3]", "l.__sizeof__()"),
        ("class L(list):\n  def f(self):\n    super().__reduce_ex__(2)\nl = L()", "l.f()"),
    ],
)
def test_what_a_class_of_python_has_and_is_not_known_here_is_no_error(before: str, call: str) -> None:
    (found,) = [
        item
        for item in found_in(
            f"{TORCH}{before}\nh = 4\ntry:\n  {call}\n  h = 5\nexcept AttributeError:\n  pass\nnn.LSTM(3, h)"
        )
        if item.kind
    ]
    assert list(found.gaps) == ["hidden_size"]


def test_a_metaclass_calls_the_class_as_type_does() -> None:
    code = (
        "class M(type):\n  def __call__(cls, *p):\n    made = super().__call__(*p)\n    made.h = 5\n    return made\n"
    )
    assert hidden(f"{code}class C(metaclass=M):\n  pass\nnn.LSTM(3, C().h)") == 5


def test_a_base_is_not_certain_where_the_class_that_others_would_call_fails() -> None:
    code = "class A(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.rnn = nn.LSTM(3, 4)\n"
    assert only(f"{TORCH}{code}").uncertain == ()
    failing = f"{code}class B(A):\n  def __init__(self):\n    super().__init__()\n    raise ValueError\n"
    assert all(item.uncertain for item in found_in(f"{TORCH}{failing}"))


def test_where_the_rest_may_fail_a_program_that_leaves_is_all_there_is() -> None:
    code = f"{TORCH}import os\na = nn.LSTM(3, 4)\nif os.path.exists('a'):\n  raise SystemExit\n"
    assert [item.uncertain for item in found_in(f"{code}nn.LSTM(5, 6)") if item.kind] == [(), ()]
    code2 = "try:\n  x()\nexcept ValueError:\n  pass\nelse:\n  raise SystemExit\nnn.LSTM(5, 6)"
    assert all(item.uncertain for item in found_in(f"{TORCH}a = nn.LSTM(3, 4)\n{code2}") if item.kind)
    assert all(item.uncertain for item in found_in(f"{code}nowhere()\nnn.LSTM(5, 6)") if item.kind)


def test_a_dtype_that_unknown_code_may_change_is_uncertain() -> None:
    assert only(f"{TORCH}a = nn.LSTM(3, 4)\nx(a)").uncertain == ("its dtype depends on what is not known",)
    assert only(f"{TORCH}a = nn.LSTM(3, 4)\nif x:\n  a.half()").uncertain
    assert only(f"{TORCH}a = nn.LSTM(3, 4)\na.to(torch.device('cuda' if x else 'cpu'))").uncertain == ()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("h = 1\nwhile True:\n  h += 1\nnn.LSTM(3, h)", None),
        ("def f(n):\n  return f(n) + f(n)\nnn.LSTM(3, f(3))", None),
        ("a = (1,)\n" + "a = (a, a)\n" * 80 + "nn.LSTM(3, len(a))", 2),
        ("x = [0]\nfor i in range(10**9):\n  x = x + x\nnn.LSTM(3, len(x))", None),
        ("s = 'ab'\nfor i in range(100):\n  s = s * 9\nnn.LSTM(3, len(s))", None),
        ("nn.LSTM(3, int(f'{1:999999999d}'))", None),
        ("nn.LSTM(3, 9 ** 9 ** 9)", None),
        ("nn.LSTM(round(5, -10**9), 20)", 20),
        ("".join(f"class C{k}({f'C{k - 1}' if k else ''}): pass\n" for k in range(2000)) + "nn.LSTM(3, 4)", 4),
    ],
)
def test_what_would_take_for_ever_ends(code: str, expected: int | None) -> None:
    """And says of hidden_size what a run would give, or nothing."""
    started = perf_counter()
    try:
        found = found_in(f"{TORCH}{code}")
    except SourceError:
        found = []
    assert perf_counter() - started < 60
    for one in found:
        assert "hidden_size" not in one.layer or one.layer["hidden_size"].value == expected
