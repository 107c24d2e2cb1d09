"""Programs with models of Flax, each with the number of its parameters, and whether what is read of it is all."""

from typing import Final, NamedTuple


class FlaxProgram(NamedTuple):
    """A program that binds `model`, and `variables` if it is of Linen."""

    code: str
    parameters: int  # as `tests/peers/readers/python/test_flax_models.py` counts them
    exact: bool = True  # False if something in it is not read, so that there are at least those that are


_LINEN: Final = "import jax, jax.numpy as jnp\nimport flax.linen as nn\n"
_RUN: Final = "variables = model.init(jax.random.key(0), jnp.ones((2, 5, 4)))\n"
_NNX: Final = "from flax import nnx\nimport jax.numpy as jnp\nrngs = nnx.Rngs(0)\n"


def _compact(body: str, *, more: str = "", fields: str = "") -> str:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return f"{_LINEN}{more}class Net(nn.Module):\n{fields}    @nn.compact\n    def __call__(self, x):\n{lines}\n        return x\nmodel = Net()\n{_RUN}"


def _made(body: str, more: str = "", after: str = "") -> str:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return f"{_NNX}{more}class Net(nnx.Module):\n    def __init__(self, rngs):\n{lines}\nmodel = Net(rngs)\n{after}"


_CELL: Final = "x = nn.RNN(nn.LSTMCell(3))(x)"  # 4 inputs: 4 * 3 * (4 + 3 + 1) = 96
_OWN: Final = "self.rnn = nnx.RNN(nnx.LSTMCell(4, 3, rngs=rngs))"  # 96 too
LINEN: Final = {
    "compact": FlaxProgram(_compact(f"{_CELL}\nx = nn.Dense(2)(x)"), 104),
    "without bias": FlaxProgram(_compact(f"x = nn.Dense(4, use_bias=False)(x)\n{_CELL}\nx = nn.Dense(2, False)(x)"), 118),
    "norms": FlaxProgram(_compact(f"x = nn.LayerNorm()(x)\nx = nn.RMSNorm()(x)\nx = nn.LayerNorm(use_bias=False)(x)\n{_CELL}\nx = nn.Dropout(0.1, deterministic=True)(x)"), 112),
    "group norm": FlaxProgram(_compact(f"x = nn.GroupNorm(2)(x)\n{_CELL}"), 104),
    "statistics": FlaxProgram(_compact(f"x = nn.BatchNorm(True)(x)\n{_CELL}"), 104),
    "convolution": FlaxProgram(_compact("x = nn.Conv(4, (3,), feature_group_count=2)(x)\nx = nn.Conv(6, kernel_size=[3])(x)\nx = nn.RNN(nn.LSTMCell(3))(x)"), 226),
    "embedding": FlaxProgram(
        _compact("x = nn.Embed(7, 4)(x)\n" + _CELL).replace("jnp.ones((2, 5, 4))", "jnp.zeros((2, 5), int)"), 124
    ),
    "functions": FlaxProgram(_compact(f"x = nn.relu(jnp.tanh(nn.Dense(4, kernel_init=nn.initializers.ones)(x)))\n{_CELL}"), 116),
    "both directions": FlaxProgram(_compact("x = nn.Bidirectional(nn.RNN(nn.LSTMCell(3)), nn.RNN(nn.LSTMCell(3)))(x)\nx = nn.Dense(1)(x)"), 199),
    "loop": FlaxProgram(_compact(f"for width in (4, 4):\n    x = nn.Dense(width)(x)\n{_CELL}"), 136),
    "setup": FlaxProgram(
        f"{_LINEN}class Net(nn.Module):\n    def setup(self):\n        self.rnn = nn.RNN(nn.LSTMCell(3))\n        self.heads = [nn.Dense(2), nn.Dense(2)]\n"
        f"    def __call__(self, x):\n        y = self.rnn(x)\n        return self.heads[0](y) + self.heads[1](y)\nmodel = Net()\n{_RUN}", 112,
    ),
    "twice": FlaxProgram(_compact(f"dense = nn.Dense(4)\nx = dense(dense(x))\n{_CELL}"), 116),
    "inner": FlaxProgram(_compact(f"x = Block(4)(x)\n{_CELL}\nx = Block(2)(x)", more="class Block(nn.Module):\n    width: int\n    @nn.compact\n    def __call__(self, x):\n        return nn.Dense(self.width)(nn.LayerNorm()(x))\n"), 138),
    "field": FlaxProgram(_compact(f"{_CELL}\nx = self.head(x)", fields="    head: nn.Module\n").replace("model = Net()", "model = Net(nn.Dense(5))"), 116),
    "helper": FlaxProgram(_compact(f"{_CELL}\nx = self.top(x)").replace("model =", "    def top(self, x):\n        return nn.Dense(5)(x)\nmodel ="), 116),
    "scan": FlaxProgram(_compact(
        "cell = nn.scan(nn.LSTMCell, variable_broadcast='params', split_rngs={'params': False}, in_axes=1, out_axes=1)(3)\n"
        "carry = cell.initialize_carry(jax.random.key(0), x[:, 0].shape)\n_, x = cell(carry, x)\nx = nn.Dense(2)(x)"), 104),
    "switch": FlaxProgram(_compact(f"{_CELL}\nx = nn.Dropout(0.1, deterministic=not train)(x)").replace("self, x)", "self, x, train)").replace("4)))", "4)), train=False)"), 96),
    "method": FlaxProgram(
        f"{_LINEN}class Net(nn.Module):\n    def setup(self):\n        self.rnn = nn.RNN(nn.LSTMCell(3))\n        self.out = nn.Dense(2)\n    def encode(self, x):\n        return self.rnn(x)\n"
        f"    def __call__(self, x):\n        return self.out(self.encode(x))\nmodel = Net()\n{_RUN}".replace("4)))", "4)), method=Net.encode)"), 96, False,
    ),
    "attribute": FlaxProgram(_compact("e = nn.Embed(7, 4)\nx = e.attend(x)\nx = nn.Dense(2)(nn.RNN(nn.LSTMCell(3), name='r')(e(jnp.zeros((2, 5), int))))"), 132),
    "sequential": FlaxProgram(_compact(f"{_CELL}\nx = nn.Sequential([nn.Dense(4), nn.relu, nn.Dense(2)])(x)"), 122),
    "parameter": FlaxProgram(_compact(f"{_CELL}\nx = x * self.param('scale', nn.initializers.ones, (3,))"), 99, False),
    "attention": FlaxProgram(_compact(f"{_CELL}\nx = nn.MultiHeadDotProductAttention(1)(x)"), 144, False),
    "another cell": FlaxProgram(_compact(f"{_CELL}\nx = nn.RNN(nn.GRUCell(3))(x)"), 162, False),
    "stacked": FlaxProgram(_compact(f"{_CELL}\nx = nn.vmap(nn.Dense, variable_axes={{'params': 0}}, split_rngs={{'params': True}})(3)(x)"), 120, False),
    "shared": FlaxProgram(_compact(f"block = Block()\nx = block(block(x))\n{_CELL}", more="class Block(nn.Module):\n    @nn.compact\n    def __call__(self, x):\n        return nn.Dense(4)(x)\n"), 116),
    "not asked": FlaxProgram(
        f"{_LINEN}class Net(nn.Module):\n    def setup(self):\n        self.rnn = nn.RNN(nn.LSTMCell(3))\n        self.spare = nn.Dense(9)\n    def __call__(self, x):\n        return self.rnn(x)\nmodel = Net()\n{_RUN}",
        96, False,
    ),
    "perhaps": FlaxProgram(_compact(f"import os\n{_CELL}\nif os.path.exists('x'):\n    x = nn.Dense(4)(x)"), 96, False),
}  # fmt: skip
NNX: Final = {
    "linear": FlaxProgram(_made(f"{_OWN}\nself.out = nnx.Linear(3, 2, rngs=rngs)"), 104),
    "without bias": FlaxProgram(_made(f"{_OWN}\nself.out = nnx.Linear(3, out_features=2, use_bias=False, rngs=rngs)"), 102),
    "norms": FlaxProgram(_made(f"{_OWN}\nself.a = nnx.LayerNorm(3, rngs=rngs)\nself.b = nnx.RMSNorm(4, rngs=rngs)\nself.c = nnx.BatchNorm(5, rngs=rngs)\nself.d = nnx.GroupNorm(6, 2, use_scale=False, rngs=rngs)"), 122),
    "convolution": FlaxProgram(_made(f"{_OWN}\nself.a = nnx.Conv(4, 6, (3, 2), feature_group_count=2, rngs=rngs)\nself.b = nnx.Conv(4, 6, kernel_size=[3], rngs=rngs)"), 252),
    "embedding": FlaxProgram(_made(f"{_OWN}\nself.emb = nnx.Embed(9, 4, rngs=rngs)\nself.drop = nnx.Dropout(0.5, rngs=rngs)"), 132),
    "parameter": FlaxProgram(_made(f"{_OWN}\nself.scale = nnx.Param(jnp.ones((3, 2)))"), 102),
    "list": FlaxProgram(_made(f"{_OWN}\nself.heads = nnx.List([nnx.Linear(3, 2, rngs=rngs) for _ in range(3)])"), 120),
    "sequential": FlaxProgram(_made(f"{_OWN}\nself.seq = nnx.Sequential(nnx.Linear(3, 4, rngs=rngs), nnx.relu, nnx.Linear(4, 2, rngs=rngs))"), 122),
    "shared": FlaxProgram(_made(f"{_OWN}\nself.a = nnx.Linear(3, 3, rngs=rngs)\nself.b = self.a"), 108),
    "inner": FlaxProgram(_made(f"{_OWN}\nself.block = Block(5, rngs)\nself.rate = 0.1\nself.act = nnx.relu", more="class Block(nnx.Module):\n    def __init__(self, width, rngs):\n        self.one = nnx.Linear(3, width, rngs=rngs)\n        self.two = nnx.Linear(width, 1, rngs=rngs)\n"), 122),
    "later": FlaxProgram(_made(_OWN, after="model.head = nnx.Linear(3, 2, rngs=rngs)\n"), 104),
    "both directions": FlaxProgram(_made("self.rnn = nnx.Bidirectional(nnx.RNN(nnx.LSTMCell(4, 3, rngs=rngs)), nnx.RNN(nnx.LSTMCell(4, 3, rngs=rngs)), rngs=rngs)\nself.out = nnx.Linear(6, 1, rngs=rngs)"), 199),
    "attribute": FlaxProgram(_made(f"{_OWN}\nself.out = nnx.Linear(3, 2, rngs=rngs)\nself.width = self.out.kernel.shape[0]", after="graph, state = nnx.split(model)\n"), 104,
        False),
    "general": FlaxProgram(_made(f"{_OWN}\nself.out = nnx.LinearGeneral(3, (2, 2), rngs=rngs)"), 112, False),
    "another cell": FlaxProgram(_made(f"{_OWN}\nself.gru = nnx.GRUCell(3, 3, rngs=rngs)"), 159, False),
    "unusual": FlaxProgram(_made(f"{_OWN}\nself.norm = nnx.LayerNorm((3, 2), feature_axes=(-2, -1), rngs=rngs)").replace("nnx.LayerNorm((3, 2), feature_axes=(-2, -1), rngs=rngs)", "nnx.Linear(3, 2, param_dtype=jnp.bfloat16, rngs=rngs)"), 104, False),
}  # fmt: skip
