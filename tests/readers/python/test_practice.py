"""Programs as people write them: what each makes in every run, and that nothing is said besides."""

from pathlib import Path

import pytest

from lstmcalc.errors import NoLstmError, SourceError
from lstmcalc.readers.sources import read_source
from tools.reading import found_in

_TORCH = "import copy\nimport torch\nfrom torch import nn\n"
_KERAS = "import keras\nfrom keras import layers\n"
_LINEN = "import jax, jax.numpy as jnp\nimport flax.linen as nn\n"

PROGRAMS = {
    # A deep copy is one LSTM more, wherever it is within what is copied.
    "clones": (f"{_TORCH}m = nn.ModuleList([copy.deepcopy(nn.LSTM(2, 3)) for _ in range(2)])\n", [(2, 3)] * 4),
    "copy of a model": (
        f"{_TORCH}m = nn.Sequential(nn.LSTM(2, 3), nn.LSTM(3, 4))\nn = nn.ModuleList(copy.deepcopy([m]))\n",
        [(2, 3), (3, 4)] * 2,
    ),
    "shared within": (f"{_TORCH}l = nn.LSTM(2, 3)\nm = nn.ModuleList(copy.deepcopy([l, l]))\n", [(2, 3)] * 2),
    "a model once more": (f"{_TORCH}l = nn.LSTM(2, 3)\nm = copy.deepcopy(l).double()\n", [(2, 3)]),
    "the best model": (
        f"{_TORCH}m = nn.LSTM(2, 3)\ndef train():\n  best = copy.deepcopy(m)\n  return best\nbest = train()\n",
        [(2, 3)],
    ),
    "shallow": (f"{_TORCH}l = nn.LSTM(2, 3)\nm = copy.copy([l, l])\n", [(2, 3)]),
    "averaged": (
        f"{_TORCH}m = torch.optim.swa_utils.AveragedModel(nn.LSTM(2, 3))\nm.update_parameters(m)\n",
        [(2, 3)] * 2,
    ),
    "state that is kept": (f"{_TORCH}m = nn.LSTM(2, 3)\nbest = copy.deepcopy(m.state_dict())\n", [(2, 3)]),
    # What PyTorch's modules have is there, whether or not it is written down here.
    "weights": (
        f"{_TORCH}m = nn.LSTM(2, 3)\nnn.init.zeros_(m.bias_hh_l0)\nm.all_weights\nn = nn.LSTM(4, 5)\n",
        [(2, 3), (4, 5)],
    ),
    "other layers": (
        f"{_TORCH}g = nn.GRU(2, 3)\ny, h = g(torch.zeros(4, 1, 2))\nc = nn.RNNCell(3, 4)(y[0])\nnn.LSTM(g.hidden_size, g.num_layers)\n",
        [(3, 1)],
    ),
    "methods of the base": (
        (
            f"{_TORCH}class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.r = nn.LSTM(2, 3)\n"
            "    def state_dict(self, *args):\n        return super().state_dict(*args)\n    def _apply(self, f):\n        return super()._apply(f)\n"
            "m = M()\nm.state_dict()\nm._apply(print)\nn = nn.LSTM(4, 5)\n"
        ),
        [(2, 3), (4, 5)],
    ),
    "frozen": (f"{_TORCH}m = nn.LSTM(2, 3)\nfor p in m.parameters():\n    p.requires_grad = False\n", [(2, 3)]),
    "moving average": (
        f"{_TORCH}m, n = nn.LSTM(2, 3), nn.LSTM(2, 3)\nfor p, q in zip(m.parameters(), n.parameters()):\n    q.data.mul_(0.9).add_(p.data, alpha=0.1)\n",
        [(2, 3)] * 2,
    ),
    "generator of layers": (
        f"{_TORCH}def made(sizes):\n    for a, b in zip(sizes, sizes[1:]):\n        yield nn.LSTM(a, b)\nm = nn.ModuleList(made((2, 3, 4)))\n",
        [(2, 3), (3, 4)],
    ),
    # Python's own.
    "init variable": (
        (
            f"{_TORCH}from dataclasses import InitVar, asdict, dataclass\n@dataclass\nclass C:\n    a: int\n    by: InitVar[int] = 2\n"
            "    def __post_init__(self, by):\n        self.b = self.a * by\nc = C(3, by=4)\nnn.LSTM(c.b, len(asdict(c)))\n"
        ),
        [(12, 1)],
    ),
    "sorted set": (
        f"{_TORCH}t = 'hello'\na = sorted(list(set(t)))\nb = list(set(t))\nb.sort()\nnn.LSTM(len({{c: i for i, c in enumerate(a)}}), ord(b[0]))\n",
        [(4, 101)],
    ),
    "sorted classes": (
        f"{_TORCH}class A:\n    n = 2\nclass B:\n    n = 3\nfor i, (name, cls) in enumerate(sorted({{'b': B, 'a': A}}.items())):\n    nn.LSTM(i + 1, cls.n)\n",
        [(1, 2), (2, 3)],
    ),
    "chained": (
        f"{_TORCH}from itertools import chain\nm = nn.ModuleList(chain.from_iterable([[nn.LSTM(2, 3)], [nn.LSTM(4, 5)]]))\n",
        [(2, 3), (4, 5)],
    ),
    "sizes for each axis": (
        f"{_TORCH}a, b = nn.LayerNorm(6), nn.Conv2d(1, 2, 3, padding=1)\nnn.LSTM(a.normalized_shape[0], b.kernel_size[1] + b.padding[0])\n",
        [(6, 4)],
    ),
    "left by absl": (
        "from absl import app\nfrom torch import nn\ndef main(argv):\n    nn.LSTM(2, 3)\napp.run(main)\nnn.LSTM(4, 5)\n",
        [(2, 3)],
    ),
    # Keras makes layers of layers.
    "cells in both directions": (
        f"{_KERAS}i = keras.Input((5, 2))\nlayers.Bidirectional(layers.RNN([layers.LSTMCell(3), layers.LSTMCell(4)]))(i)\n",
        [(2, 3, "bidirectional"), (3, 4, "bidirectional")],
    ),
    "clone_model": (
        f"{_KERAS}m = keras.Sequential([keras.Input((5, 2)), layers.LSTM(3)])\nc = keras.models.clone_model(m)\n",
        [(2, 3)] * 2,
    ),
    "from_config": (
        f"{_KERAS}a = layers.LSTM.from_config({{'units': 3}})\na(keras.Input((5, 2)))\nb = layers.LSTM.from_config(a.get_config())\nb(keras.Input((5, 4)))\n",
        [(2, 3), (4, 3)],
    ),
    "configuration of a model": (
        f"{_KERAS}i = keras.Input((5, 2))\nm = keras.Model(i, layers.LSTM(3)(i))\nc = keras.Model.from_config(m.get_config())\n",
        [(2, 3)] * 2,
    ),
    "both directions of one in use": (
        f"{_KERAS}l = layers.LSTM(3)\ni = keras.Input((5, 2))\nl(i)\nlayers.Bidirectional(l)(i)\n",
        [(2, 3), (2, 3, "bidirectional")],
    ),
    # Flax makes layers when a module is run.
    "setup within": (
        (
            f"{_LINEN}class In(nn.Module):\n    def setup(self):\n        self.r = nn.RNN(nn.LSTMCell(3))\n    def __call__(self, x):\n        return self.r(x)\n"
            "class Out(nn.Module):\n    def setup(self):\n        self.a, self.b = In(), In()\n    def __call__(self, x):\n        return self.b(self.a(x))\n"
            "Out().init(jax.random.key(0), jnp.zeros((1, 5, 2)))\n"
        ),
        [(2, 3), (3, 3)],
    ),
    "run twice": (
        (
            f"{_LINEN}class M(nn.Module):\n    @nn.compact\n    def __call__(self, x):\n        return nn.RNN(nn.LSTMCell(3))(x)\nm = M()\n"
            "print(m.tabulate(jax.random.key(0), jnp.zeros((1, 5, 2))))\nm.init(jax.random.key(0), jnp.zeros((1, 5, 2)))\nm.init(jax.random.key(0), jnp.zeros((1, 5, 4)))\n"
        ),
        [(2, 3), (4, 3)],
    ),
    "scanned": (
        (
            f"{_LINEN}import functools\nclass M(nn.Module):\n    @functools.partial(nn.scan, variable_broadcast='params', in_axes=0, out_axes=0, split_rngs={{'params': False}})\n"
            "    @nn.compact\n    def __call__(self, carry, x):\n        a, done = x\n        return nn.LSTMCell(a.shape[1])(carry, a)\n"
            "    @staticmethod\n    def begin(n):\n        return nn.LSTMCell(n).initialize_carry(rng=jax.random.key(0), input_shape=(4, n))\n"
            "M().init(jax.random.key(0), M.begin(3), (jnp.zeros((5, 4, 3)), jnp.zeros((5, 4))))\n"
        ),
        [(3, 3)],
    ),
    "scanned class": (
        (
            f"{_LINEN}class S(nn.Module):\n    @nn.compact\n    def __call__(self, carry, x):\n        return nn.LSTMCell(x.shape[-1] + x.shape[0])(carry, x)\n"
            "class M(nn.Module):\n    @nn.compact\n    def __call__(self, x):\n        S1 = nn.scan(S, variable_broadcast='params', in_axes=1, out_axes=1, split_rngs={'params': False})\n"
            "        c, y = S1()((jnp.zeros((2, 5)), jnp.zeros((2, 5))), x)\n        return nn.RNN(nn.LSTMCell(y.shape[1]))(y)\nM().init(jax.random.key(0), jnp.zeros((2, 7, 3)))\n"
        ),
        [(3, 5), (5, 7)],
    ),
    "replaced": (
        "from flax import struct\nfrom torch import nn\n@struct.dataclass\nclass C:\n    a: int = 2\n    b: int = struct.field(pytree_node=False, default=3)\nc = C().replace(a=4)\nnn.LSTM(c.a, c.b)\n",
        [(4, 3)],
    ),
}


@pytest.mark.parametrize(("code", "made"), PROGRAMS.values(), ids=PROGRAMS)
def test_all_is_certain(code: str, made: list[tuple[object, ...]], tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(code)
    found = read_source(str(path), {})
    assert [item for item in found if item.uncertain or item.gaps] == []
    both = [("bidirectional",) if (way := item.layer.get("bidirectional")) and way.value else () for item in found]
    sizes = [(item.layer["input_size"].value, item.layer["hidden_size"].value) for item in found]
    assert sorted((*size, *way) for size, way in zip(sizes, both, strict=True)) == sorted(made)


@pytest.mark.parametrize(
    ("code", "open_"),
    [
        # There may be more than what is seen: that is said.
        (
            f"{_TORCH}from outside import flag\na, b = nn.LSTM(2, 3), nn.LSTM(4, 5)\nc = copy.deepcopy(a if flag() else b)\n",
            1,
        ),
        (f"{_KERAS}m = keras.models.model_from_json(open('m.json').read())\nlayers.LSTM(3)(keras.Input((5, 2)))\n", 1),
        (f"{_KERAS}l = layers.LSTM(3)\ni = keras.Input((5, 2))\nlayers.Bidirectional(l)(i)\nl(i)\n", 1),
        (
            "import hydra\nfrom torch import nn\n@hydra.main(config_name='c')\ndef main(cfg):\n    nn.LSTM(2, cfg.hidden)\nmain()\n",
            1,
        ),
    ],
)
def test_what_is_not_known_is_open(code: str, open_: int, tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(code)
    assert sum(bool(item.gaps) for item in read_source(str(path), {})) == open_


def test_an_argument_of_hydra_is_named(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        "import hydra\nfrom torch import nn\n@hydra.main(config_name='c')\ndef main(cfg):\n    nn.LSTM(2, cfg.hidden)\nmain()\n"
    )
    (item,) = read_source(str(path), {"cfg.hidden": 7})
    assert item.layer["hidden_size"].value == 7
    assert not item.uncertain


def test_what_leaves_with_an_lstm_is_not_denied(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        "import sys\nfrom outside import flag\nfrom torch import nn\nif flag():\n    nn.LSTM(2, 3)\n    sys.exit(0)\n"
    )
    with pytest.raises(SourceError, match="no LSTM is known") as caught:
        read_source(str(path), {})
    assert not isinstance(caught.value, NoLstmError)


def test_an_attribute_that_other_code_may_have_set_is_not_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        "from torch import nn\nfrom outside import touch\nclass C:\n    def __getattr__(self, name):\n        return 5\n"
        "c = C()\ntouch(c)\nnn.LSTM(2, c.a)\n"
    )
    (item,) = read_source(str(path), {})
    assert "hidden_size" in item.gaps


@pytest.mark.parametrize(
    ("code", "width"),
    [
        ("m = keras.Sequential()\nm.add(layers.Bidirectional(layers.LSTM(8, input_shape=(6, 5))))\n", 5),
        (
            (
                "class M(keras.Model):\n  def __init__(self):\n    super().__init__()\n    self.l = layers.LSTM(4)\n"
                "  def call(self, x): return self.l(x)\nm = M()\nm.build((None, 6, 5))\n"
            ),
            5,
        ),
    ],
)
def test_a_shape_that_keras_does_not_look_at_is_uncertain(code: str, width: int) -> None:
    """Keras 3.15 builds neither: the LSTM takes its width from the first array that it is given."""
    (found,) = found_in(_KERAS + code)
    assert found.layer["input_size"].value == width
    assert "the first input decides" in found.uncertain[0]


def test_a_model_that_is_built_of_layers_is_certain() -> None:
    (found,) = found_in(f"{_KERAS}m = keras.Sequential([layers.LSTM(3)])\nm.build((None, 6, 5))\n")
    assert (found.layer["input_size"].value, found.uncertain) == (5, ())


@pytest.mark.parametrize(
    ("code", "certain"),
    [
        # On one path the cache was asked once more, which changes its order.
        (
            (
                "import functools\nfrom outside import flag\n@functools.lru_cache\ndef get(p=2): return [4]\nget(3)[0] += 3\nget()\n"
                "if flag: get(3)\nn = nn.LSTM(2, get(3)[0])\n"
            ),
            [],
        ),
        # A size that is not known may be one that PyTorch refuses.
        (
            "from outside import size\ntry:\n  m = nn.LSTM(2, size)\n  n = nn.LSTM(3, 4)\nexcept ValueError: pass\n",
            [],
        ),
        (
            "class C: a = 2\ntry: object.__setattr__(C, 'a', 9)\nexcept TypeError: pass\nn = nn.LSTM(3, C.a)\n",
            [(3, 2)],
        ),
    ],
)
def test_nothing_is_certain_that_a_path_changes(code: str, certain: list[tuple[int, int]]) -> None:
    sure = [item for item in found_in(_TORCH + code) if not item.uncertain and not item.gaps]
    assert [(item.layer["input_size"].value, item.layer["hidden_size"].value) for item in sure] == certain


def test_a_generator_may_go_on_otherwise_if_what_it_reads_is_changed() -> None:
    code = "h = 4\ndef g():\n  yield 1\n  if h < 4: nn.LSTM(2, 2)\ni = g()\nnext(i)\nh = 1\nnext(i, 3)\nn = nn.LSTM(3, 6)\n"
    found = found_in(_TORCH + code)
    assert any("changed while it waits" in reason for item in found for reason in item.uncertain)
