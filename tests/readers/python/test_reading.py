"""LSTMs in Python code: which are found, what they are called, and what their arguments stand for."""

import ast
import string
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.errors import LstmcalcError, NoLstmError, SourceError
from lstmcalc.frameworks.constructors import SUPPORTED
from lstmcalc.intake.resolve import read_subjects
from lstmcalc.readers.found import Found
from lstmcalc.readers.python.program import Program
from lstmcalc.readers.python.reading import read_python
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Gap
from tools.examples import examples
from tools.reading import TORCH, found_in, names, only, said

SIZES = {"input_size": 10, "hidden_size": 20}
PARSER = "import argparse\nq = argparse.ArgumentParser()\n"


# What is called.


@pytest.mark.parametrize(
    ("code", "framework"),
    [
        ("nn.LSTM(10, 20)", "pytorch"),
        ("torch.nn.LSTM(10, 20)", "pytorch"),
        ("LSTM(10, 20)", "pytorch"),
        ("nn.LSTMCell(10, 20)", "pytorch-cell"),
        ("import torch as t\nt.nn.LSTM(10, 20)", "pytorch"),
        ("from torch import nn as n\nn.LSTM(10, 20)", "pytorch"),
        ("from torch.nn import LSTM as Recurrent\nRecurrent(10, 20)", "pytorch"),
        ("from torch.nn.modules.rnn import LSTM\nLSTM(10, 20)", "pytorch"),
        ("from torch.nn import *\nLSTM(10, 20)", "pytorch"),
        ("import torch\nL = torch.nn.LSTM\nL(10, 20)", "pytorch"),
        ("import torch.nn as nn\ngetattr(nn, 'LSTM')(10, 20)", "pytorch"),
        ("import torch.nn as nn\nkinds = {'lstm': nn.LSTM}\nkinds['lstm'](10, 20)", "pytorch"),
        ("import torch.nn as nn\nclass A(nn.LSTM):\n  def __init__(self):\n    super().__init__(10, 20)", "pytorch"),
        ("from flax import nnx\nnnx.LSTMCell(10, 20, rngs=nnx.Rngs(0))", "flax-nnx"),
        ("nnx.OptimizedLSTMCell(10, 20, rngs=rngs)", "flax-nnx-optimized"),
    ],
)
def test_what_is_called_decides_the_framework(code: str, framework: str) -> None:
    found = only(code)
    assert (found.framework, said(found)) == (framework, SIZES)


@pytest.mark.parametrize(
    ("code", "framework"),
    [
        ("keras.layers.LSTM(20)", "keras"),
        ("tf.keras.layers.LSTM(20)", "keras"),
        ("layers.LSTM(20)", "keras"),
        ("LSTM(20)", "keras"),  # PyTorch's needs two sizes
        ("LSTM(20, return_sequences=True)", "keras"),
        ("LSTM(units=20)", "keras"),
        ("from tensorflow.keras.layers import LSTM\nLSTM(20)", "keras"),
        ("from tensorflow.compat.v1.keras.layers import CuDNNLSTM\nCuDNNLSTM(20)", "keras-cudnn"),
        ("from keras.layers.recurrent import LSTM\nLSTM(20)", "keras"),
        ("import tf_keras\ntf_keras.layers.LSTM(20)", "keras2"),
        ("from keras.layers import LSTM\nLSTM(20, dropout_W=0.2)", "keras1"),
        ("flax.linen.LSTMCell(features=20)", "flax-linen"),
        ("nn.LSTMCell(features=20)", "flax-linen"),
        ("import flax.linen as nn\nnn.OptimizedLSTMCell(20)", "flax-linen"),
        ("import flax.linen as nn\nnn.RNN(nn.LSTMCell(20))", "flax-linen"),
        ("from flax import linen as nn\nL = nn.scan(nn.LSTMCell, variable_broadcast='params')\nL(20)", "flax-linen"),
    ],
)
def test_where_the_input_size_comes_from_the_data_it_is_open(code: str, framework: str) -> None:
    found = only(code)
    assert (found.framework, said(found)) == (framework, {"hidden_size": 20})
    assert list(found.gaps) == ["input_size"]


@pytest.mark.parametrize(
    "code",
    [
        "class LSTM(nn.Module):\n  pass\nLSTM(10, 20)",
        "from mine import LSTM\nLSTM(10, 20)",
        "import mine\nmine.nn.LSTM(10, 20)",
        "from .layers import LSTM\nLSTM(10, 20)",
        "def LSTM(a, b):\n  return a\nLSTM(10, 20)",
        "nn.Linear(10, 20)",
        "# nn.LSTM(10, 20)\n'nn.LSTM(10, 20)'",
        "nn.LSTM",
        "isinstance(x, nn.LSTM)",
    ],
)
def test_what_is_no_lstm_is_none(code: str) -> None:
    with pytest.raises(SourceError):
        found_in(f"{TORCH}{code}")


@pytest.mark.parametrize(
    "name",
    [
        *("nn.GRU", "nn.RNN", "nn.GRUCell", "keras.layers.GRU", "keras.layers.SimpleRNN"),
        *("paddle.nn.GRU", "mxnet.gluon.rnn.GRUCell", "hk.GRU", "eqx.nn.GRUCell", "chainer.links.NStepGRU"),
        *("tf.nn.rnn_cell.GRUCell", "tf.contrib.rnn.BasicRNNCell", "rnn_cell.GRUCell"),
    ],
)
def test_relatives_are_refused_by_name(name: str) -> None:
    last = name.rpartition(".")[2]
    with pytest.raises(SourceError) as caught:
        found_in(f"x = {name}(10, 20)")
    assert str(caught.value) == (
        f"train.py:1: {last} is not an LSTM\n  x = {name}(10, 20)\n      {'^' * len(name)}\n"
        f"  expected {SUPPORTED}, found {name}"
    )


# How arguments are given.


def test_arguments_have_pytorchs_order() -> None:
    found = only("nn.LSTM(1, 9, 3, False, True, 0.5, True, 5, 'cuda', torch.float64)")
    assert said(found) == {
        "input_size": 1,
        "hidden_size": 9,
        "num_layers": 3,
        "bias": False,
        "batch_first": True,
        "dropout": 0.5,
        "bidirectional": True,
        "proj_size": 5,
        "dtype": "float64",
    }
    assert {setting.origin for setting in found.layer.values()} == {("source", "train.py:1", "stated")}


def test_a_cells_third_argument_is_its_bias() -> None:
    assert said(only("nn.LSTMCell(1, 9, False)")) == {"input_size": 1, "hidden_size": 9, "bias": False}


@pytest.mark.parametrize(
    ("text", "dtype"), [("torch.half", "float16"), ("torch.double", "float64"), ("torch.bfloat16", "bfloat16")]
)
def test_dtypes(text: str, dtype: str) -> None:
    assert said(only(f"nn.LSTM(1, 2, dtype={text})"))["dtype"] == dtype


def test_switches_may_be_numbers() -> None:
    assert said(only("nn.LSTM(1, 2, batch_first=1, bidirectional=0)")) | {} == {
        "input_size": 1,
        "hidden_size": 2,
        "batch_first": True,
        "bidirectional": False,
    }


@pytest.mark.parametrize(
    "code",
    [
        "nn.LSTM(**{'input_size': 10, 'hidden_size': 20})",
        "k = dict(input_size=10, hidden_size=20)\nnn.LSTM(**k)",
        "k = {'hidden_size': 20}\nnn.LSTM(10, **k)",
        "nn.LSTM(*(10, 20))",
    ],
)
def test_arguments_that_are_unpacked(code: str) -> None:
    assert said(only(code)) == SIZES


def test_arguments_that_cannot_be_seen_are_said_not_to_be() -> None:
    found = only("nn.LSTM(10, 20, **options)")
    assert said(found) == SIZES
    assert found.notes == ("**options is not known: what it sets is not seen",)
    assert only("nn.LSTM(**options)").gaps == {
        "input_size": Gap("**options"),
        "hidden_size": Gap("**options"),
    }
    assert said(only("nn.LSTM(**options)", options={"input_size": 10, "hidden_size": 20})) == SIZES


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "nn.LSTM(10, 20, num_layer=2)",
            (
                "train.py:1: unknown argument num_layer of nn.LSTM\n"
                "  nn.LSTM(10, 20, num_layer=2)\n"
                "                  ^^^^^^^^^^^\n"
                "  expected one of input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, "
                "proj_size, device, dtype\n"
                "  hint: did you mean num_layers?"
            ),
        ),
        (
            "x = nn.LSTMCell(1, 2, True, None, None, 6)",
            (
                "train.py:1: too many arguments of nn.LSTMCell\n"
                "  x = nn.LSTMCell(1, 2, True, None, None, 6)\n"
                "                                          ^\n"
                "  expected at most 5 without a name: input_size, hidden_size, bias, device, dtype, found 6"
            ),
        ),
        (
            "nn.LSTM(10, 20, hidden_size=30)",
            (
                "train.py:1: argument hidden_size of nn.LSTM is given twice\n"
                "  nn.LSTM(10, 20, hidden_size=30)\n"
                "                              ^^\n"
                "  expected it once"
            ),
        ),
        (
            "if True:\n  ä = nn.LSTM(10, 20",
            ("train.py:2: this is not Python code\n  ä = nn.LSTM(10, 20\n             ^\n  found '(' was never closed"),
        ),
        (
            "x = 1\ny = 2",
            (
                "no LSTM in train.py\n"
                f"  expected a construction of {SUPPORTED}\n"
                "  hint: lstmcalc -h shows how to describe one with flags"
            ),
        ),
        (
            "def f(kind):\n  return getattr(nn, kind)(10, 20)",
            (
                "train.py:2: this may be an LSTM\n"
                "  return getattr(nn, kind)(10, 20)\n"
                "         ^^^^^^^^^^^^^^^^^\n"
                "  found getattr(nn, kind)\n"
                "  hint: give --set kind=LSTM"
            ),
        ),
        (
            "class MyLSTM: ...\nMyLSTM(3)",
            (
                "train.py:2: MyLSTM is a class of its own here, and no LSTM is made in it\n"
                "  MyLSTM(3)\n"
                "  ^^^^^^\n"
                f"  expected {SUPPORTED}"
            ),
        ),
    ],
)
def test_errors_point_into_the_code(code: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        found_in(code)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "text", "what", "words"),
    [
        ("a.yaml", "model:\n  lstm:\n    hidden_size: 3\n", "no LSTM is recognised in a.yaml", "e.g. 'lstm:'"),
        ("a.py", "import os\nprint 'x'\n", "no LSTM is recognised in a.py", "1 line left out as not Python"),
        ("a.md", "# A\n\nSome text (about) it.\n", "no LSTM is recognised in a.md", "'Some text (about) it.'"),
        ("a.py", "import os\n\n# print 'x'\nif os:\n    pass\n", "no LSTM in a.py", "lstmcalc -h"),
    ],
)
def test_an_lstm_is_denied_only_where_every_line_is_python(name: str, text: str, what: str, words: str) -> None:
    with pytest.raises(NoLstmError) as caught:
        read_python(SourceText(text, name), {})
    assert str(caught.value).partition("\n")[0] == what
    assert words in str(caught.value)


def test_a_setting_that_no_code_asks_for_is_refused() -> None:
    with pytest.raises(SourceError) as caught:
        found_in("nn.LSTM(10, hidden)", hiden=3)
    assert str(caught.value) == (
        "--set hiden: no such name in train.py\n  expected one of hidden, found 'hiden'\n  hint: did you mean hidden?"
    )


# What names stand for.


@pytest.mark.parametrize(
    "code",
    [
        "h = 20\nnn.LSTM(10, h)",
        "a, h = 10, 20\nnn.LSTM(a, h)",
        "h = 5 * 2 ** 2\nnn.LSTM(10, h)",
        "h = (50 - 10) // 2\nnn.LSTM(10, h)",
        "h = int(40 / 2)\nnn.LSTM(10, h)",
        "h = max(3, 20)\nnn.LSTM(10, h)",
        "h = 20 if 3 > 2 else 30\nnn.LSTM(10, h)",
        "h: int = 20\nnn.LSTM(10, h)",
        "nn.LSTM(10, (h := 20))",
        "h = 10\nh = 20\nnn.LSTM(10, h)\nh = 30",
        "h = 20\nif x:\n  h = 20\nnn.LSTM(10, h)",
        "if x:\n  h = 20\n  nn.LSTM(10, h)\nelse:\n  h = 30",
        "sizes = (10, 20)\nnn.LSTM(sizes[0], sizes[1])",
        "sizes = [10, 20]\nnn.LSTM(10, sizes[-1])",
        "p = {'h': 20}\nnn.LSTM(10, p['h'])",
        "p = {}\nnn.LSTM(10, p.get('h', 20))",
        "class C:\n  h = 20\nnn.LSTM(10, C.h)",
        "class C:\n  h = 20\nc = C()\nnn.LSTM(10, c.h)",
        "class C:\n  def __init__(self, h):\n    self.h = h\nc = C(20)\nnn.LSTM(10, c.h)",
        "@dataclass\nclass C:\n  h: int = 5\nc = C(h=20)\nnn.LSTM(10, c.h)",
        "from types import SimpleNamespace\nc = SimpleNamespace(h=20)\nnn.LSTM(10, c.h)",
        (
            "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass A(Generic[T]):\n  h = 20\n"
            "class C(Generic[T], A[T]):\n  pass\nnn.LSTM(10, C.h)"
        ),
        "def make(h):\n  return nn.LSTM(10, h)\nmake(20)",
        "def make(h=20):\n  return nn.LSTM(10, h)",
        "def make(h=7):\n  return nn.LSTM(10, h)\nmake(h=20)",
        "class M:\n  def __init__(self, h=20):\n    self.lstm = nn.LSTM(10, h)",
        "class M:\n  def __init__(self, h):\n    self.h = h\n    self.lstm = nn.LSTM(10, self.h)\nM(20)",
        "class M:\n  def __init__(self, *, h):\n    self.lstm = nn.LSTM(10, h)\nM(h=2 * 10)",
        "class M:\n  H = 20\n  def __init__(self):\n    self.lstm = nn.LSTM(10, self.H)",
        "class B:\n  h = 20\nclass M(B):\n  def __init__(self):\n    self.lstm = nn.LSTM(10, self.h)",
        "class M:\n  def __init__(self, h):\n    self.lstm = nn.LSTM(10, h)\nk = {'h': 20}\nM(**k)",
        "class E:\n  h: int = 20\n  def setup(self):\n    self.cell = nn.LSTM(10, self.h)",
        (
            "import argparse\nq = argparse.ArgumentParser()\nq.add_argument('--n-hid', type=int, default=20)\n"
            "args = q.parse_args()\nnn.LSTM(10, args.n_hid)"
        ),
        f"{PARSER}q.add_argument('--h', '-x', dest='units', default=20)\na, _ = q.parse_known_args()\nnn.LSTM(10, a.units)",
        f"{PARSER}q.add_argument('-n', default=20)\ndef main(args):\n  nn.LSTM(10, args.n)\nmain(q.parse_args())",
        "flags.DEFINE_integer('h', 20, 'cells')\nnn.LSTM(10, FLAGS.h)",
        "from absl import flags\nflags.DEFINE_integer('h', 20, 'cells')\nFLAGS = flags.FLAGS\nnn.LSTM(10, FLAGS.h)",
        "from absl import flags\nH = flags.DEFINE_integer('h', 20, 'cells')\nnn.LSTM(10, H.value)",
        "from absl import flags\nH = flags.DEFINE_integer('h', 7, '')\nflags.FLAGS.h = 20\nnn.LSTM(10, H.value)",
        "x = torch.randn(7, 10, 20)\nnn.LSTM(10, x.shape[2])",
        "x = torch.randn(7, 10, 20)\nnn.LSTM(10, x.size(-1))",
    ],
)
def test_names_are_followed(code: str) -> None:
    assert said(only(f"{TORCH}{code}")) == SIZES


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("nn.LSTM(10, h)", "h"),
        ("h = int(input())\nnn.LSTM(10, h)", "h"),
        ("cfg.h = 20\nnn.LSTM(10, cfg.h)", "cfg.h"),  # of what `cfg` does with it nothing is known
        ("q.add_argument('-h', default=20)\ndef main(args):\n  nn.LSTM(10, args.h)", "args.h"),
        ("h = 20\nif x:\n  h = 30\nnn.LSTM(10, h)", "h"),
        ("nn.LSTM(10, args.h)", "args.h"),
        ("nn.LSTM(10, config['h'])", "config['h']"),
        ("nn.LSTM(10, len(vocabulary))", "len(vocabulary)"),
        ("nn.LSTM(10, h * 2)", "h"),
        ("h = h\nnn.LSTM(10, h)", "h"),
        ("a = b\nb = a\nnn.LSTM(10, a)", "b"),
        ("h = 9 ** 9 ** 9\nnn.LSTM(10, h)", "h"),
        ("def f():\n  h = 20\nnn.LSTM(10, h)", "h"),
        ("class C:\n  h = 20\n  def f(self):\n    return nn.LSTM(10, h)", "h"),
    ],
)
def test_what_cannot_be_known_is_open_and_can_be_set(code: str, name: str) -> None:
    (gap,) = (found := only(code)).gaps.items()
    assert gap[0] == "hidden_size"
    assert name in gap[1].names
    assert said(found) == {"input_size": 10}
    assert "hidden_size" in said(only(code, **{name: 8}))


def test_why_a_name_is_open_is_said() -> None:
    gap = only("h = 20\nif x:\n  h = 30\nnn.LSTM(10, h)").gaps["hidden_size"]
    assert (gap.why, gap.names) == ("h, which is 30 or 20", ("h", "x"))


def test_a_loop_and_several_callers_make_several() -> None:
    for code in ("for h in (20, 30):\n  nn.LSTM(10, h)", "def make(h):\n  return nn.LSTM(10, h)\nmake(20)\nmake(30)"):
        assert [said(found)["hidden_size"] for found in found_in(code)] == [20, 30]


def test_a_setting_comes_before_what_the_code_says() -> None:
    assert said(only("h = 20\nnn.LSTM(10, h)", h=30))["hidden_size"] == 30


@pytest.mark.parametrize(
    ("code", "certainty"),
    [
        ("h = 20\nnn.LSTM(10, h)", "stated"),
        ("def f(h=20):\n  nn.LSTM(10, h)", "inferred"),
        ("def f(h):\n  nn.LSTM(10, h)\nf(20)", "stated"),
        (f"{PARSER}q.add_argument('--h', default=20)\nargs = q.parse_args()\nnn.LSTM(10, args.h)", "inferred"),
        (
            f"{PARSER}q.add_argument('--h', default=20)\nargs = q.parse_args(['--h', '30'])\nnn.LSTM(10, args.h)",
            "stated",
        ),
        (f"{PARSER}q.add_argument('--h', default=20)\nnn.LSTM(10, q.parse_args().h)", "inferred"),
        (f"{PARSER}q.add_argument('--h', default=20)\nnn.LSTM(10, vars(q.parse_args())['h'])", "inferred"),
        (f"{PARSER}q.add_argument('--h', default=20)\nnn.LSTM(10, **{{'hidden_size': q.parse_args().h}})", "inferred"),
        (f"{PARSER}q.add_argument('--h', default=20)\nnn.LSTM(*[10, q.parse_args().h])", "inferred"),
        (f"{PARSER}q.add_argument('--h', default=20)\ndef f(w): nn.LSTM(10, w)\nf(q.parse_args().h)", "inferred"),
        (f"{PARSER}q.add_argument('--h', default=20)\ndef f(): return q.parse_args()\nnn.LSTM(10, f().h)", "inferred"),
        (f"{PARSER}q.add_argument('--h', default=1)\nw = 2\nif q.parse_args().h: w = 20\nnn.LSTM(10, w)", "inferred"),
        (f"{PARSER}q.add_argument('--h', default=1)\na = q.parse_args()\na.h = 20\nnn.LSTM(10, a.h)", "stated"),
        (f"{PARSER}q.add_argument('--h', default=1)\nif q.parse_args().h: nn.LSTM(10, 20)", "stated"),
    ],
)
def test_a_default_that_a_caller_can_change_is_inferred(code: str, certainty: str) -> None:
    assert only(code).layer["hidden_size"].origin.certainty == certainty


def test_dropout_need_not_be_known() -> None:
    setting = only("nn.LSTM(10, 20, dropout=args.dropout)").layer["dropout"]
    assert (setting.value, setting.origin.certainty) == (0.0, "unknown")


# What is changed after it was bound, and who calls what.


@pytest.mark.parametrize(
    "code",
    [
        "c = {'h': 10}\nc['h'] = 20\nnn.LSTM(10, c['h'])",
        "class C:\n  h = 10\nc = C()\nc.h = 20\ndef f(config):\n  return nn.LSTM(10, config.h)\nf(c)",
        "from types import SimpleNamespace\no = SimpleNamespace(h=6)\no.h = 20\ndef f(opt):\n  nn.LSTM(10, opt.h)\nf(o)",
        (
            "class B:\n  def __init__(self, n, h=7):\n    self.rnn = nn.LSTM(n, h)\n"
            "class D(B):\n  def __init__(self, n):\n    super().__init__(n, h=20)\nD(10)"
        ),
        (
            "class B:\n  def __init__(self, n, h=7):\n    self.rnn = nn.LSTM(n, h)\n"
            "class D(B):\n  def __init__(self, n):\n    B.__init__(self, n, 20)\nD(10)"
        ),
        "class B:\n  def __init__(self, n, h=7):\n    self.rnn = nn.LSTM(n, h)\nclass D(B):\n  pass\nD(10, 20)",
        (
            "class B:\n  def __init__(self, n, h=7):\n    self.rnn = nn.LSTM(n, h)\n"
            "  @classmethod\n  def big(cls):\n    return cls(10, h=20)\nB.big()"
        ),
        "class F:\n  def build(self, n=1, h=7):\n    return nn.LSTM(n, h)\nf = F()\nf.build(n=10, h=20)",
        "class F:\n  @staticmethod\n  def make(n, h):\n    return nn.LSTM(n, h)\n  def g(self):\n    return self.make(10, 20)",
        "class M:\n  def __init__(self, n, **kw):\n    self.rnn = nn.LSTM(n, kw.get('h', 7))\nM(10, h=20)",
        "class M:\n  def __init__(self, n, **kw):\n    self.rnn = nn.LSTM(n, kw['h'])\nM(10, h=20)",
        "class C:\n  h = 7\n  def __init__(self, **kw):\n    for k in kw:\n      setattr(self, k, kw[k])\nc = C(h=20)\nnn.LSTM(10, c.h)",
        "@dataclass\nclass B:\n  h: int = 7\n@dataclass\nclass D(B):\n  n: int = 1\nd = D(h=20)\nnn.LSTM(10, d.h)",
        "@dataclass\nclass C:\n  h: int\nc = C(h=20)\nnn.LSTM(10, c.h)",
        "@dataclass\nclass C:\n  h: int = field(default=20)\nc = C()\nnn.LSTM(10, c.h)",
        (
            "class L(LightningModule):\n  def __init__(self, h=20):\n    self.save_hyperparameters()\n"
            "    self.rnn = nn.LSTM(10, self.hparams.h)"
        ),
        "def f(h=None):\n  h = h or 20\n  nn.LSTM(10, h)",
        "def f(h=None):\n  if h is None:\n    h = 20\n  nn.LSTM(10, h)",
        "class M:\n  def __init__(self):\n    self.h = 5\n    self.h = 20\n    self.rnn = nn.LSTM(10, self.h)",
        "from functools import partial\nL = partial(nn.LSTM, hidden_size=20)\nL(10)",
        "class Locked(nn.LSTM):\n  def forward(self, x):\n    return x\nLocked(10, 20)",
        "class M(nn.LSTM):\n  def __init__(self, n, h):\n    nn.LSTM.__init__(self, n, h)\nM(10, 20)",
        "sizes = (10, 20)\nnn.LSTM(*sizes)",
        "base = {'input_size': 10}\nnn.LSTM(**{**base, 'hidden_size': 20})",
        "a, b = {'input_size': 10}, {'hidden_size': 20}\nnn.LSTM(**(a | b))",
        "presets = {'big': {'input_size': 10, 'hidden_size': 20}}\nnn.LSTM(**presets['big'])",
        "K = {'lstm': nn.LSTM}\nkind = 'LSTM'\nK[kind.lower()](10, 20)",
        f"{PARSER}q.add_argument('--h', type=int, default='20')\nargs = q.parse_args()\nnn.LSTM(10, args.h)",
        f"{PARSER}q.add_argument('--h', default=7)\nq.set_defaults(h=20)\nargs = q.parse_args()\nnn.LSTM(10, args.h)",
    ],
)
def test_changes_callers_and_classes_are_followed(code: str) -> None:
    assert said(only(f"{TORCH}{code}")) == SIZES


@pytest.mark.parametrize(
    "code",
    [
        "c = {'h': 20}\nif x:\n  c['h'] = 30\nnn.LSTM(10, c['h'])",
        "v = {'a': 1}\nfor w in t:\n  v[w] = len(v)\nnn.LSTM(10, len(v))",
        "q.add_argument('--hidden_size', default=20)\nclass M:\n  def f(self):\n    nn.LSTM(10, self.bert.config.hidden_size)",
        "q.add_argument('--h', default=20)\nargs = q.parse_args(['--h', '30'])\nnn.LSTM(10, args.h)",
        "from settings import H\nnn.LSTM(10, H)",
        "import settings\nnn.LSTM(10, settings.H * 2)",
        "nn.LSTM(10, (1, 2))",
    ],
)
def test_what_may_have_been_changed_is_open(code: str) -> None:
    assert list(only(f"{TORCH}{code}").gaps) == ["hidden_size"]


@pytest.mark.parametrize(
    ("code", "hidden"),
    [
        ("c = {'h': 20}\nc.update(h=30)\nnn.LSTM(10, c['h'])", 30),
        ("c = {'h': 20}\nd = c\nd['h'] = 30\nnn.LSTM(10, c['h'])", 30),
        ("names = ['a']\nnames.append('b')\nnn.LSTM(10, len(names))", 2),
        ("H = 20\ndef f():\n  global H\n  H = 30\nnn.LSTM(10, H)", 20),
        ("h = 20\ndef make():\n  return nn.LSTM(10, h)\nh = 30\nmake()", 30),
        ("h = 20\nh *= 2\nnn.LSTM(10, h)", 40),
        ("class P:\n  h = 20\n  def f(self):\n    return nn.LSTM(10, self.h)\nclass Q(P):\n  h = 30", 20),
    ],
)
def test_what_was_changed_is_what_it_is_then(code: str, hidden: int) -> None:
    assert said(only(f"{TORCH}{code}"))["hidden_size"] == hidden


def test_arguments_of_a_partial_constructor_count() -> None:
    code = "from functools import partial\nL = partial(nn.LSTM, batch_first=True, num_layers=2)\nL(10, 20)"
    assert said(only(f"{TORCH}{code}")) == {**SIZES, "batch_first": True, "num_layers": 2}
    placed = "from functools import partial\nL = partial(nn.LSTM, 10)\nL(20)"
    assert said(only(f"{TORCH}{placed}")) == SIZES
    replaced = "from functools import partial\nL = partial(nn.LSTM, hidden_size=7)\nL(10, hidden_size=20)"
    assert said(only(f"{TORCH}{replaced}")) == SIZES


def test_what_is_made_of_unseen_arguments_is_open_and_nothing_shifts() -> None:
    assert said(only("nn.LSTM(*sizes, 2, batch_first=True)")) == {"batch_first": True}


def test_something_that_may_be_another_lstm_is_open() -> None:
    code = f"{TORCH}class N:\n  def __init__(self, kind):\n    self.a = nn.LSTM(10, 20)\n    self.b = getattr(nn, kind)(1, 2)\n"
    first, other = found_in(code)
    assert (first.name, first.uncertain, other.kind) == ("a", (), "")
    assert other.uncertain == ("getattr(nn, kind) may be an LSTM",)
    assert names(code.replace("kind)(", "'LSTM')(")) == ["a", "b"]
    choice = f"{TORCH}if gru:\n  rnn = nn.GRU\nelse:\n  rnn = nn.LSTM\nx = rnn(1, 2)"
    assert only(choice).uncertain == ("it is made or not, as gru says",)
    assert only(choice, rnn="nn.LSTM").uncertain == ()
    assert only(choice, gru=False).uncertain == ()


def test_every_instance_is_one() -> None:
    code = "class M:\n  def __init__(self):\n    self.rnn = nn.LSTM(1, 2)\na = M()\nb = M()\n"
    assert names(code) == ["a.rnn", "b.rnn"]
    code = f"{TORCH}class W(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.rnn = nn.LSTM(4, 4)\n"
    assert names(f"{code}m = nn.ModuleList([W() for _ in range(3)])") == ["m.0.rnn", "m.1.rnn", "m.2.rnn"]
    assert names(
        f"{code}class N(nn.Module):\n  def __init__(self):\n    super().__init__()\n    self.seq = nn.Sequential(W(), W())"
    ) == [
        "seq.0.rnn",
        "seq.1.rnn",
    ]


@pytest.mark.parametrize(
    ("code", "dtype"),
    [
        ("nn.LSTM(1, 2).half()", "float16"),
        ("nn.LSTM(1, 2).to(device).double()", "float64"),
        ("nn.LSTM(1, 2).to(torch.float64)", "float64"),
        ("nn.LSTM(1, 2).to(dtype=torch.bfloat16)", "bfloat16"),
        ("torch.set_default_dtype(torch.float64)\nnn.LSTM(1, 2)", "float64"),
    ],
)
def test_dtypes_that_are_set_afterwards(code: str, dtype: str) -> None:
    assert said(only(f"{TORCH}{code}"))["dtype"] == dtype


def test_a_dtype_that_is_none_of_ours_is_noted() -> None:
    assert only("nn.LSTM(1, 2, dtype=torch.complex64)").notes == (
        "dtype = torch.complex64 is none of ours: bytes are those of float32",
    )


def test_a_cell_of_flax_that_is_only_asked_for_its_state_is_none() -> None:
    code = (
        "import flax.linen as nn\nclass L(nn.Module):\n  @nn.compact\n  def __call__(self, c, x):\n"
        "    return nn.LSTMCell(8)(c, x)\n  def start(self):\n"
        "    return nn.LSTMCell(8, parent=None).initialize_carry(k, (1,))\n"
    )
    assert names(code) == ["LSTMCell_0"]  # as Linen calls it
    assert only("cell = nn.LSTMCell()").framework == "flax-linen"


def test_a_number_is_no_activation() -> None:
    with pytest.raises(SourceError, match="activation of LSTM cannot be a number"):
        found_in("from keras.layers import LSTM\nmodel.add(LSTM(30, 50, return_sequences=True))")


def test_keras_takes_no_shape_from_a_layer_for_each_step() -> None:
    code = "m.add(TimeDistributed(Flatten(input_shape=(5, 9))))\nm.add(LSTM(4))\nm.build((None, 7, 5, 9))\n"
    header = "from keras import Sequential\nfrom keras.layers import *\nm = Sequential()\n"
    assert [subject.config.input_size for subject in read_subjects({"source": f"{header}{code}"})] == [45]


def test_settings_come_from_flags() -> None:
    assert only("nn.LSTM(10, h)", h=20).layer["hidden_size"].origin == ("flag", None, "stated")


def test_a_setting_is_not_given_to_a_model_of_its_name() -> None:
    code = (
        "class Net(nn.Module):\n  def __init__(self, model):\n    super().__init__()\n    if model == 'lstm':\n"
        "      self.rnn = self.make()\n  def make(self):\n    model = nn.Sequential()\n"
        "    model.append(nn.LSTM(10, 20))\n    return model\n"
    )
    found = only(f"{TORCH}{code}", model="lstm")
    assert said(found) == SIZES
    assert not found.uncertain


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "if both:\n  m.add(Bidirectional(LSTM(64, return_sequences=True)))\nelse:\n  m.add(LSTM(64, return_sequences=True))",
            [32, 32],
        ),
        ("m.add(TimeDistributed(Dense(9)))\nm.add(LSTM(4))", [9]),
        ("m.add(TimeDistributed(LSTM(6)))\nm.add(LSTM(4))", [32, 6]),
        ("m.add(RNN([LSTMCell(5), LSTMCell(6)]))", [32, 5]),
    ],
)
def test_keras_branches_and_stacks(code: str, expected: list[int]) -> None:
    header = (
        "from keras import Input, Sequential\nfrom keras.layers import *\nm = Sequential()\nm.add(Input((7, 32)))\n"
    )
    subjects = read_subjects({"source": f"{header}{code}\n"})
    assert [subject.config.input_size for subject in subjects] == expected


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("Conv1D(7, 3)", 7),
        ("Conv1D(6, 2), MaxPooling1D(2)", 6),
        ("SeparableConv1D(5, 2)", 5),
        ("Conv1DTranspose(9, 2)", 9),
        ("Dropout(0.1), LayerNormalization()", 8),
        ("ZeroPadding1D(1), UpSampling1D(2)", 8),
        ("Flatten(), RepeatVector(3)", 64),
        ("Reshape((4, 16))", 16),
        ("GRU(3, return_sequences=True)", 3),
    ],
)
def test_a_layer_of_keras_makes_its_own_width_before_there_is_an_input(layers: str, expected: int) -> None:
    code = f"from keras import *\nfrom keras.layers import *\nm = Sequential([Dense(8), {layers}, LSTM(4)])\n"
    (subject,) = read_subjects({"source": f"{code}m(Input(shape=(8, 5)))\n"})
    assert subject.config.input_size == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("c = list(set('hello'))\nnn.LSTM(1, len(c))", 4),
        ("class A: pass\nclass B(A): pass\nclass C(A): pass\nnn.LSTM(1, len(A.__subclasses__()))", 2),
        ("@dataclass\nclass A:\n  a: int = 1\n  b: int = 2\nnn.LSTM(1, len(A.__dataclass_fields__))", 2),
        ("@functools.lru_cache(maxsize=1)\ndef f(p): return [3]\nf(1)[0] = 5\nf(2)\nnn.LSTM(1, f(1)[0])", 3),
        ("@functools.cache\ndef f(p): return [3]\nf(1)[0] = 5\nf(2)\nnn.LSTM(1, f(1.0)[0])", 5),
    ],
)
def test_what_python_keeps_is_known(code: str, expected: int) -> None:
    found = only(f"import functools\nfrom dataclasses import dataclass\nimport torch.nn as nn\n{code}")
    assert said(found)["hidden_size"] == expected


@pytest.mark.parametrize(
    "code",
    [
        "for k in {'a', 'bb'}: w = len(k)",
        "@functools.lru_cache\ndef f(p): return [3]\nf(1)[0] = 5\nw = f(x)[0]",
        "class A: pass\nw = A.__basicsize__",
        "w = len(list({'a', 'bb'})[0])",
    ],
)
def test_what_no_line_says_is_open(code: str) -> None:
    found = only(f"import functools\nimport torch.nn as nn\nfrom outside import x\n{code}\nnn.LSTM(1, w)")
    assert list(found.gaps) == ["hidden_size"]


def test_what_follows_branches_that_differ_is_open() -> None:
    code = (
        "from keras import Input, Sequential\nfrom keras.layers import *\nm = Sequential()\nm.add(Input((7, 32)))\n"
        "if both:\n  m.add(Dense(5))\nm.add(LSTM(4))\n"
    )
    assert list(only(code).gaps) == ["input_size"]
    first = "from keras.layers import *\nm = Sequential()\nm.add(Mine())\nm.add(LSTM(4, input_shape=(7, 32)))\n"
    assert list(only(first).gaps) == ["input_size"]


def test_a_notebooks_places_are_cells() -> None:
    text = SourceText("import torch\n\nx = 1\nlstm = nn.LSTM(10, h)", "a.ipynb", [(1, "cell 2"), (3, "cell 5")])
    (found,) = read_python(text, {})
    assert found.where == "a.ipynb, cell 5:2"


# What they are called.


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("nn.LSTM(1, 2)", ["lstm"]),
        ("rnn = nn.LSTM(1, 2)", ["rnn"]),
        ("self.encoder = nn.LSTM(1, 2)", ["encoder"]),
        ("self.encoder.rnn = nn.LSTM(1, 2)", ["encoder.rnn"]),
        ("rnn = nn.LSTM(1, 2).to(device)", ["rnn"]),
        ("rnn = weight_norm(nn.LSTM(1, 2), 'weight_hh_l0')", ["rnn"]),
        ("rnn: nn.LSTM = nn.LSTM(1, 2)", ["rnn"]),
        ("net = nn.Sequential(nn.Linear(1, 1), nn.LSTM(1, 2))", ["net.1"]),
        ("net = nn.Sequential(OrderedDict([('a', nn.Linear(1, 1)), ('rnn', nn.LSTM(1, 2))]))", ["net.rnn"]),
        ("net = nn.Sequential(*[nn.LSTM(1, 2), nn.LSTM(2, 2)])", ["net.0", "net.1"]),
        ("layers = nn.ModuleList([nn.LSTM(1, 2), nn.LSTM(2, 2)])", ["layers.0", "layers.1"]),
        ("parts = nn.ModuleDict({'enc': nn.LSTM(1, 2), 'dec': nn.LSTM(2, 2)})", ["parts.enc", "parts.dec"]),
        ("self.add_module('rnn', nn.LSTM(1, 2))", ["rnn"]),
        ("setattr(self, 'rnn', nn.LSTM(1, 2))", ["rnn"]),
        ("layers.append(nn.LSTM(1, 2))", ["layers"]),
        ("def f():\n  return nn.LSTM(1, 2)", ["lstm"]),
        ("a = nn.LSTM(1, 2)\nb = nn.LSTM(1, 2)", ["a", "b"]),
        (
            (
                "class A:\n  def __init__(self):\n    self.rnn = nn.LSTM(1, 2)\n"
                "class B:\n  def __init__(self):\n    self.rnn = nn.LSTM(1, 2)"
            ),
            ["A.rnn", "B.rnn"],
        ),
        ("if x:\n  rnn = nn.LSTM(1, 2)\nelse:\n  rnn = nn.LSTM(1, 3)", ["rnn:2", "rnn:4"]),
        ("model.add(keras.layers.LSTM(2))\nmodel.add(keras.layers.LSTM(2))", ["lstm", "lstm_1"]),
        ("x = keras.layers.LSTM(2, name='enc')(x)", ["enc"]),
        ("x = keras.layers.LSTM(2)(x)", ["lstm"]),
        ("self.rnn = keras.layers.LSTM(2)", ["rnn"]),
        ("m = keras.Sequential([keras.layers.LSTM(2), keras.layers.LSTM(2)])", ["lstm", "lstm_1"]),
        ("m.add(keras.layers.Bidirectional(keras.layers.LSTM(2), name='both'))", ["both"]),
    ],
)
def test_an_lstm_is_called_what_it_is_assigned_to(code: str, expected: list[str]) -> None:
    assert names(code) == expected


def test_keras_paths_are_those_of_the_weights() -> None:
    code = "m.add(Bidirectional(LSTM(2)))\nm.add(LSTM(2))\nm.add(Bidirectional(LSTM(2, name='x'), name='y'))"
    assert [found.path for found in found_in(code)] == [
        "bidirectional/{direction}_lstm",
        "lstm_1",
        "y/{direction}_x",
    ]


def test_what_is_built_in_a_loop_is_there_as_often() -> None:
    assert names("x = [nn.LSTM(1, 2) for _ in range(3)]") == ["x.0", "x.1", "x.2"]
    assert only("for k in ks:\n  x = nn.LSTM(1, 2)").uncertain == ("it is made or not, as ks says",)


# Keras.


def test_what_is_popped_of_layers_that_are_not_known_is_not_known() -> None:
    head = "import other\nfrom keras import Sequential, Input\nfrom keras.layers import *\nm = Sequential([Input((9, 5))])\n"
    last = "m.add(GRU(6))\nm.pop()\nm.add(LSTM(7))"
    assert said(only(f"{head}m.add(ReLU())\n{last}"))["input_size"] == 5
    assert list(only(f"{head}if other.flag:\n  m.add(ReLU())\n{last}").gaps) == ["input_size"]


def test_bidirectional_is_one_lstm() -> None:
    found = only("Bidirectional(LSTM(64, return_sequences=True), merge_mode='sum')")
    assert said(found) == {"hidden_size": 64, "bidirectional": True}
    assert found.options == {"return_sequences": True, "merge_mode": "sum"}


@pytest.mark.parametrize(
    ("arguments", "unmodelled"),
    [
        ("activation='relu'", ("activation = 'relu'",)),
        ("activation=None", ("activation = None",)),
        ("recurrent_activation='hard_sigmoid'", ("recurrent_activation = 'hard_sigmoid'",)),
        ("activation=mine", ("activation = mine",)),
        ("go_backwards=True", ("go_backwards = True",)),
        ("activation='tanh', recurrent_activation='sigmoid', go_backwards=False", ()),
        ("activation=tf.nn.tanh, recurrent_activation=tf.keras.activations.sigmoid", ()),
        ("unroll=True, stateful=True, implementation=2, name='x', seed=3", ()),
    ],
)
def test_what_is_not_modelled_is_named(arguments: str, unmodelled: tuple[str, ...]) -> None:
    assert (
        only(f"import tensorflow as tf\nfrom keras.layers import LSTM\nLSTM(64, {arguments})").unmodelled == unmodelled
    )


def test_what_acts_in_training_only_is_noted() -> None:
    assert only("keras.layers.LSTM(64, dropout=0.2, recurrent_dropout=0.0)").notes == (
        "dropout = 0.2 acts in training only: no shape and no count depends on it",
    )


def test_a_backward_layer_is_an_lstm_of_its_own() -> None:
    code = "m.add(Bidirectional(LSTM(8), backward_layer=LSTM(9, go_backwards=True)))"
    assert [said(found) for found in found_in(code)] == [{"hidden_size": 8}, {"hidden_size": 9}]
    head = "from keras.layers import *\nx = Bidirectional(LSTM(4, return_sequences=True), "
    *_, last = found_in(
        f"{head}backward_layer=LSTM(6, go_backwards=True, return_sequences=True))(Input((5, 3)))\ny = LSTM(2)(x)"
    )
    assert (said(last)["input_size"], last.reads) == (8, "")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("m = Sequential()\nm.add(Embedding(1000, 32))\nm.add(Dropout(0.1))\nm.add(LSTM(64))", [32]),
        ("m = Sequential()\nm.add(LSTM(64, input_shape=(28, 10)))", [10]),
        ("m = Sequential([Input((28, 10)), LSTM(64, return_sequences=True), LSTM(32)])", [10, 64]),
        ("m = Sequential([Bidirectional(LSTM(64, return_sequences=True), input_shape=(28, 10)), LSTM(32)])", [10, 128]),
        (
            (
                "m = Sequential([Bidirectional(LSTM(64, return_sequences=True), merge_mode='ave', input_shape=(28, 10)), "
                "LSTM(32)])"
            ),
            [10, 64],
        ),
        ("i = Input(shape=(None, 10))\nx = Dense(7)(i)\nx = LSTM(64, return_sequences=True)(x)\nLSTM(3)(x)", [7, 64]),
        ("x = np.random.random((32, 10, 8))\nlstm = LSTM(4)\ny = lstm(x)", [8]),
        (
            "m = Sequential()\nm.add(LSTM(64, batch_input_shape=(4, 28, 10)))\nm.add(LSTM(5, batch_input_shape=(4, 28, 10)))",
            [10, 64],
        ),
        (
            "class M:\n  def __init__(self):\n    self.a = LSTM(4)\n  def call(self, x):\n    return self.a(Dense(9)(x))",
            [9],
        ),
    ],
)
def test_keras_input_sizes_follow_from_the_layers_before(code: str, expected: list[int]) -> None:
    header = "import numpy as np\nfrom keras import Input, Sequential\nfrom keras.layers import *\n"
    subjects = read_subjects({"source": f"{header}{code}\n"})
    assert [subject.config.input_size for subject in subjects] == expected


def test_an_input_size_that_hangs_on_a_name_says_which() -> None:
    code = "i = Input(shape=(None, tokens))\nx = LSTM(64)(Dropout(0.1)(i))"
    assert only(f"from keras.layers import *\n{code}").gaps["input_size"].names == ("tokens",)
    assert said(only(f"from keras.layers import *\n{code}", tokens=7))["input_size"] == 7


# Flax.


def test_flax_wrappers() -> None:
    found = only("nn.Bidirectional(nn.RNN(nn.LSTMCell(20)), nn.RNN(nn.LSTMCell(20)))")
    assert (found.framework, said(found)) == ("flax-linen", {"hidden_size": 20, "bidirectional": True})
    assert only("nn.RNN(nn.LSTMCell(20), time_major=True, return_carry=True)").options == {
        "time_major": True,
        "return_carry": True,
    }
    assert only("nn.RNN(nn.LSTMCell(20), reverse=True)").unmodelled == ("reverse = True",)
    two = found_in("nn.Bidirectional(nn.RNN(nn.LSTMCell(20)), nn.RNN(nn.LSTMCell(30)))")
    assert [said(item) for item in two] == [{"hidden_size": 20}, {"hidden_size": 30}]


def test_the_input_of_a_cell_of_linen_follows_from_what_its_module_is_given() -> None:
    head = (
        "import flax.linen as nn, jax, jax.numpy as jnp\nclass M(nn.Module):\n  @nn.compact\n  def __call__(self, x):\n"
    )
    body = "    x = nn.RNN(nn.LSTMCell(4))(nn.Embed(100, 12)(x))\n    return nn.RNN(nn.LSTMCell(5))(nn.Dense(9)(x))\n"
    found = found_in(f"{head}{body}M().init(jax.random.key(0), jnp.ones((2, 7), jnp.int32))")
    assert [item.name for item in found] == ["LSTMCell_0", "LSTMCell_1"]
    assert [said(item)["input_size"] for item in found] == [12, 9]
    assert said(found_in(f"{head}{body}M().init(jax.random.key(0), x)")[0])["input_size"] == 12
    both = "    return nn.RNN(nn.LSTMCell(6))(nn.Bidirectional(nn.RNN(nn.LSTMCell(4)), nn.RNN(nn.LSTMCell(4)))(x))\n"
    found = found_in(f"{head}{both}M().init(jax.random.key(0), jnp.ones((2, 7, 3)))")
    assert [said(item)["input_size"] for item in found] == [8, 3]  # in the order of making


# Input that is written down.


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("lstm(torch.randn(7, 4, 10))", {"seq_len": 7, "batch": 4}),
        ("x = torch.randn(7, 4, 10)\nlstm(x)", {"seq_len": 7, "batch": 4}),
        ("x = torch.zeros((7, 4, 10)).to(device)\nlstm(x, (h, c))", {"seq_len": 7, "batch": 4}),
        ("lstm(torch.randn(7, 10))", {"seq_len": 7, "batch": None}),
        ("lstm(torch.randn(7, 40).view(7, -1, 10))", {"seq_len": 7, "batch": 4}),
        ("lstm(x.view(7, -1, 10))", {"seq_len": 5, "batch": 3}),  # whatever `view` of `x` does
        ("lstm(torch.randn(4, 7, 10).transpose(0, 1))", {"seq_len": 7, "batch": 4}),
        ("lstm(torch.randn(4, 7, 10).permute(1, 0, 2).float())", {"seq_len": 7, "batch": 4}),
        ("lstm(torch.randn(4, 10).unsqueeze(0))", {"seq_len": 1, "batch": 4}),
        ("lstm(Variable(torch.randn(7, 4, 10)))", {"seq_len": 7, "batch": 4}),
        (
            (
                "from torch.nn.utils.rnn import pack_padded_sequence\n"
                "lstm(pack_padded_sequence(torch.randn(7, 3, 10), [7, 2, 3], enforce_sorted=False))"
            ),
            {"seq_len": 7, "batch": 3, "lengths": (7, 2, 3)},
        ),
        ("lstm(x)", {"seq_len": 5, "batch": 3}),
        ("other(torch.randn(7, 4, 10))", {"seq_len": 5, "batch": 3}),
    ],
)
def test_input_that_is_written_down_gives_sequence_and_batch(code: str, expected: Mapping[str, Any]) -> None:
    (subject,) = read_subjects({"source": f"{TORCH}lstm = nn.LSTM(10, 20)\n{code}\n"})
    assert {field: getattr(subject.data, field) for field in expected} == expected


def test_batch_first_says_which_axis_is_which_whoever_says_it() -> None:
    code = f"{TORCH}lstm = nn.LSTM(10, 20)\nlstm(torch.randn(7, 4, 10))\n"
    (subject,) = read_subjects({"source": code, "batch_first": True})
    assert (subject.data.batch, subject.data.seq_len) == (7, 4)


def test_a_cell_takes_one_step() -> None:
    code = f"{TORCH}cell = nn.LSTMCell(10, 20)\nx = torch.randn(7, 4, 10)\nfor i in range(7):\n  h, c = cell(x[i], (h, c))\n"
    (subject,) = read_subjects({"source": code})
    assert (subject.framework, subject.data.batch) == ("pytorch-cell", 4)


def test_input_through_a_model() -> None:
    code = (
        f"{TORCH}class Net(nn.Module):\n  def __init__(self):\n    super().__init__()\n"
        "    self.rnn = nn.LSTM(10, 20, batch_first=True)\n"
        "  def forward(self, x):\n    return self.rnn(x)\n"
        "net = Net()\nnet(torch.randn(4, 7, 10))\n"
    )
    (subject,) = read_subjects({"source": code})
    assert (subject.data.batch, subject.data.seq_len) == (4, 7)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            "5, 3, 8",
            (
                "line 4: the input does not fit\n  lstm(torch.randn(5, 3, 8))\n       ^^^^^^^^^^^^^^^^^^^^\n"
                "  expected input_size = 10 in its last axis, found (5, 3, 8)"
            ),
        ),
        (
            "5, 3, 8, 10",
            (
                "line 4: the input does not fit\n  lstm(torch.randn(5, 3, 8, 10))\n       ^^^^^^^^^^^^^^^^^^^^^^^^\n"
                "  expected an array that is 2-D or 3-D, found (5, 3, 8, 10)"
            ),
        ),
    ],
)
def test_input_that_does_not_fit(shape: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_subjects({"source": f"{TORCH}lstm = nn.LSTM(10, 20)\nlstm(torch.randn({shape}))\n"})
    assert str(caught.value) == message


# Text that is not all code.


@pytest.mark.parametrize(
    "text",
    [
        ">>> rnn = nn.LSTM(10, 20)\n>>> rnn\nLSTM(10, 20)\n",
        "Examples::\n\n    >>> rnn = nn.LSTM(10, 20)\n    >>> x = 3\n",
        "In [1]: rnn = nn.LSTM(10, 20)\n",
        "    rnn = nn.LSTM(10, 20)\n    x = 3\n",
        "def f():\n  '''Examples:\n\n  >>> rnn = nn.LSTM(10, 20)\n  '''\n",
        "print 'training'\nrnn = nn.LSTM(10, 20)\nprint 'done', rnn\n",
        "%matplotlib inline\nrnn = nn.LSTM(10, 20)\n!ls\n",
        "try:\n  import a\nexcept ImportError, e:\n  pass\nrnn = nn.LSTM(10, 20)\n",
        "# Title\n\nIt's some text:\n\n```python\nrnn = nn.LSTM(10, 20)\n```\n\nand more\n\n```bash\nls (\n```\n",
        "I have this, it doesn't work:\n\n    rnn = nn.LSTM(10,\n                  20)\n\nWhat shall I do?\n",
        "\ufeffrnn = nn.LSTM(10, 20)".lstrip("\ufeff"),
        "rnn = nn.LSTM(10, 20)\r\nx = 3\r\n",
    ],
)
def test_code_among_other_text(text: str) -> None:
    found = only(text)
    assert (found.name, said(found)) == ("rnn", SIZES)
    assert "rnn = nn.LSTM(10" in found.pointers[""].excerpt


def test_a_bare_name_in_an_example_is_no_lstm() -> None:
    code = "class Optimizer:\n  '''Example:\n\n  >>> model = LSTM()\n  >>> Optimizer(model)\n  '''\n"
    with pytest.raises(SourceError, match="no LSTM in"):
        found_in(code)
    assert only(code.replace("LSTM()", "LSTM(3, 4)")).kind == "LSTM"


@pytest.mark.parametrize(
    "text",
    ["(" * 500, "-" * 5000 + "1", "a" + ".b" * 5000, "not " * 5000 + "x", "f" + "()" * 5000, "1" + "+1" * 20000],
)
def test_code_that_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"nested too deeply|not Python code|no LSTM"):
        found_in(f"{text}\nx = 1")


@pytest.mark.parametrize("unit", ["1,", "a,", "[],", "-1,", "f(),"])
def test_code_whose_tree_takes_too_much_memory_is_refused_before_it_is_made(unit: str) -> None:
    with pytest.raises(SourceError, match="too many names, numbers and brackets"):
        found_in(f"{TORCH}nn.LSTM(3, 4)\nx = [{unit * ((2**20 - 100) // len(unit))}]")


def test_a_long_table_of_numbers_is_read() -> None:
    assert only(f"{TORCH}nn.LSTM(3, 4)\nx = [{'12, ' * 250_000}]").uncertain == ()


def test_names_that_lead_through_thousands_of_names_end() -> None:
    chain = "".join(f"a{k} = a{k + 1} + a{k + 1}\n" for k in range(200))
    assert "hidden_size" in only(f"{chain}nn.LSTM(10, a0)").gaps
    nested = "".join(f"a{k} = (a{k - 1}, a{k - 1})\n" for k in range(1, 60))
    with pytest.raises(LstmcalcError, match="hidden_size of lstm is unknown"):
        read_subjects({"source": f"a0 = (1, 1)\n{nested}nn.LSTM(10, a59)"})


def test_nothing_is_executed(tmp_path: Any) -> None:
    trap = tmp_path / "trap"
    code = f"import pathlib\npathlib.Path({str(trap)!r}).touch()\nnn.LSTM(10, __import__('os').getpid())"
    assert only(code).gaps
    assert not trap.exists()


# Whatever is fed to it.

PIECES = st.sampled_from(
    [
        *("nn.LSTM(", "LSTM(", "10", "20", ",", ")", "(", "hidden", "=", "\n", "  ", "self.rnn", "bidirectional=True"),
        *(
            "class A:",
            "def f(h=3):",
            "import torch.nn as nn",
            "*",
            "**",
            "{",
            "}",
            "[",
            "]",
            "'",
            '"',
            ":",
            "#",
            "lambda",
        ),
        *("for x in y:", "if a:", "else:", "return ", "Bidirectional(", "Sequential([", "model.add(", "x.shape[0]"),
    ]
)


@examples(400)
@given(st.text(max_size=200) | st.lists(PIECES, max_size=30).map("".join))
def test_any_text_gives_lstms_or_one_kind_of_error(text: str) -> None:
    with suppress(SourceError):
        assert all(isinstance(item, Found) for item in read_python(SourceText(text, "x.py"), {}))


VALID = (
    "import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, n=4):\n        super().__init__()\n"
    "        self.rnn = nn.LSTM(10, n * 5, 2, bidirectional=True)\nnet = Net(n=4)\nx = net(torch.randn(5, 3, 10))\n"
)


@examples(400)
@given(st.integers(0, len(VALID)), st.integers(0, 12), st.text(alphabet=string.printable, max_size=6), st.booleans())
def test_any_change_of_code_gives_lstms_or_one_kind_of_error(at: int, cut: int, put: str, twice: bool) -> None:
    text = VALID[:at] + put + VALID[at + cut :]
    with suppress(LstmcalcError):
        assert read_subjects({"source": text + text if twice else text})


@given(st.recursive(st.integers(-50, 50), lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner), max_leaves=12))
def test_arithmetic_is_pythons(tree: Any) -> None:
    def text(part: Any) -> str:
        return str(part) if isinstance(part, int) else f"({text(part[0])} {part[1]} {text(part[2])})"

    program = Program({}, {}, ast.parse(f"x = {text(tree)}"))
    program.run()
    assert program.module.slots["x"] == eval(text(tree))


@pytest.mark.parametrize(
    "code",
    [
        "In [1]:\nfrom torch import nn\n\nIn [2]:\nlstm = nn.LSTM(10,\n               20)\n\n(5, 3)\n",
        "from torch import nn\nlstm = nn.LSTM(10, 20)\nThe shapes are these.\nIn [12]: a.shape\nOut[12]: (80, 10)\n",
    ],
)
def test_code_without_prompts_beside_some_is_code(code: str) -> None:
    (found,) = found_in(code)
    assert [found.layer[name].value for name in ("input_size", "hidden_size")] == [10, 20]
