"""Random models of PyTorch, and what happens to their state dicts on the way to a file."""

import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Make = Callable[[], Any]


class Pair(NamedTuple):
    """A model, and what was saved of one like it."""

    model: Any
    saved: Any  # what `torch.save` gets
    way: str  # what was done to it
    repairable: bool  # True if code repairs it without another model


class Maker:
    """Draws models of a few sizes, so that modules are often alike."""

    def __init__(self, torch: Any, draw: random.Random) -> None:
        self.nn, self.draw = torch.nn, draw

    def size(self) -> int:
        return self.draw.choice((2, 3, 4))

    def flag(self, share: float = 0.5) -> bool:
        return self.draw.random() < share

    def lstm(self) -> Any:
        if self.flag(0.15):
            return self.nn.LSTMCell(self.size(), self.size(), bias=self.flag())
        return self.nn.LSTM(
            self.size(),
            self.draw.choice((3, 4)),
            self.draw.choice((1, 2)),
            bias=self.flag(0.8),
            batch_first=self.flag(),
            bidirectional=self.flag(),
            proj_size=self.draw.choice((0, 0, 0, 2)),
        )

    def leaf(self) -> Any:
        nn, size, flag = self.nn, self.size, self.flag
        kinds: list[Make] = [
            lambda: nn.Linear(size(), size(), bias=flag()),
            lambda: nn.Bilinear(size(), size(), size(), bias=flag()),
            lambda: nn.Embedding(size() * 3, size(), padding_idx=0),
            lambda: nn.EmbeddingBag(size(), size(), mode="sum"),
            lambda: nn.Conv1d(4, 2 * size(), size(), groups=self.draw.choice((1, 2)), bias=flag(), padding=1),
            lambda: nn.Conv2d(size(), size(), (size(), 1), padding_mode="reflect"),
            lambda: nn.Conv3d(size(), size(), 2, dilation=2),
            lambda: nn.ConvTranspose1d(4, 2 * size(), 3, groups=2, bias=flag()),
            lambda: nn.ConvTranspose2d(size(), size(), (1, 2), output_padding=0),
            lambda: nn.ConvTranspose3d(size(), size(), 2),
            lambda: nn.BatchNorm1d(size(), affine=flag(), track_running_stats=flag()),
            lambda: nn.BatchNorm2d(size()),
            lambda: nn.BatchNorm3d(size(), momentum=None),
            lambda: nn.InstanceNorm1d(size(), affine=flag(), track_running_stats=flag()),
            lambda: nn.InstanceNorm2d(size(), affine=True),
            lambda: nn.LayerNorm((size(), size()), elementwise_affine=flag(0.8), bias=flag()),
            lambda: nn.GroupNorm(2, 2 * size(), affine=flag(0.8)),
            lambda: nn.RMSNorm(size(), elementwise_affine=flag(0.8)),
            lambda: nn.PReLU(self.draw.choice((1, 3))),
            lambda: nn.GRU(size(), size(), 2, bidirectional=flag(), bias=flag()),
            lambda: nn.RNN(size(), size(), nonlinearity="relu", batch_first=flag()),
            lambda: nn.GRUCell(size(), size(), bias=flag()),
            lambda: nn.RNNCell(size(), size(), nonlinearity="relu"),
            lambda: nn.MultiheadAttention(4, 2, bias=flag()),
            lambda: nn.TransformerEncoderLayer(4, 2, 3, bias=flag()),
            lambda: nn.TransformerDecoderLayer(4, 2, 3),
            lambda: nn.Dropout(0.5),
            nn.ReLU,
            lambda: nn.Hardtanh(-2, 2),
        ]
        return self.draw.choice(kinds)()

    def module(self, depth: int = 0) -> Any:
        """A module of a class of the user's own, with an LSTM in it if it is the model itself."""
        made = type(self.draw.choice(("Tagger", "Net", "Encoder")), (self.nn.Module,), {})()
        children = [self.child(depth) for _ in range(self.draw.randint(0, 3))]
        if depth == 0 or self.flag(0.3):
            children.append(self.lstm())
        self.draw.shuffle(children)
        for name, child in zip(self.draw.sample(NAMES, len(children)), children, strict=True):
            made.add_module(name, child)
        return made

    def child(self, depth: int) -> Any:
        if depth < 2 and self.flag(0.4):
            inner = [self.leaf() if self.flag() else self.lstm() for _ in range(self.draw.randint(1, 3))]
            return self.draw.choice(
                (
                    lambda: self.module(depth + 1),
                    lambda: self.nn.Sequential(*inner),
                    lambda: self.nn.ModuleList(inner),
                    lambda: self.nn.ModuleDict({f"part{number}": item for number, item in enumerate(inner)}),
                )
            )()
        return self.leaf()


NAMES = ("lstm", "rnn", "encoder", "decoder", "fc", "head", "embedding", "norm", "out")
WRAPPERS = ("module.", "_orig_mod.", "module._orig_mod.", "model.", "net.model._orig_mod.", "_fsdp_wrapped_module.")


def drawn_pair(torch: Any, seed: int) -> Pair:
    """A random model, and a file that may be that of another, or have other keys."""
    draw = random.Random(seed)  # noqa: S311  # no secret
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Maker(torch, draw).module()
        other = model if draw.random() < 0.8 else Maker(torch, draw).module()
    state = other.state_dict()
    way, saved = "", state
    for _ in range(draw.choice((0, 1, 1, 2))):
        name = draw.choice(("wrap", "wrap", "inner", "nest", "rename", "extra", "lack", "shape", "plain", "averaged"))
        way, saved = f"{way} {name}".strip(), dict(_WAYS[name](torch, draw, saved))
        if name == "nest":
            break
    broken = other is not model or {"extra", "lack", "shape"} & set(way.split())
    return Pair(model, saved, way if other is model else f"{way} other".strip(), repairable=not broken)


def _wrapped(_: Any, draw: random.Random, state: Any) -> Any:
    prefix = draw.choice(WRAPPERS)
    return {f"{prefix}{key}": value for key, value in state.items()}


def _wrapped_inside(_: Any, draw: random.Random, state: Any) -> Any:
    """The modules in one module compiled, or wrapped for sharding."""
    paths = sorted({key.rpartition(".")[0] for key in state} - {""})
    path = f"{draw.choice(paths)}."
    word = draw.choice(("_orig_mod.", "_fsdp_wrapped_module."))
    return {key.replace(path, path + word, 1) if key.startswith(path) else key: state[key] for key in state}


def _nested(torch: Any, draw: random.Random, state: Any) -> Any:
    key = draw.choice(("model_state_dict", "state_dict", "model", "net"))
    optimizer = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    return {"epoch": 3, key: state, "optimizer": optimizer, "loss": 0.5, "note": None}


def _renamed(_: Any, draw: random.Random, state: Any) -> Any:
    tops = sorted({key.partition(".")[0] for key in state if "." in key})
    old, new = draw.choice(tops), draw.choice(("other", "body", "rnn_1"))
    return {new + key.removeprefix(old) if key.startswith(f"{old}.") else key: state[key] for key in state}


def _with_extra(torch: Any, draw: random.Random, state: Any) -> Any:
    extra = {f"extra.{draw.choice(('weight', 'sub.bias'))}": torch.zeros(7, 5)}
    return {**state, **extra} if draw.random() < 0.5 else {**extra, **state}


def _lacking(_: Any, draw: random.Random, state: Any) -> Any:
    gone = set(draw.sample(sorted(state), min(len(state) - 1, draw.choice((1, 2)))))
    gone = {key for key in gone if not key.endswith("num_batches_tracked")} or {min(state)}
    return {key: value for key, value in state.items() if key not in gone}


def _misshaped(torch: Any, draw: random.Random, state: Any) -> Any:
    key = draw.choice(sorted(state))
    return {**state, key: torch.zeros(*state[key].shape, 2)}


def _same(_: Any, __: random.Random, state: Any) -> Any:
    return state


def _averaged(torch: Any, _: random.Random, state: Any) -> Any:
    return {"n_averaged": torch.tensor(3), **{f"module.{key}": value for key, value in state.items()}}


_WAYS: dict[str, Callable[[Any, random.Random, Any], Any]] = {
    "wrap": _wrapped,
    "inner": _wrapped_inside,
    "nest": _nested,
    "rename": _renamed,
    "extra": _with_extra,
    "lack": _lacking,
    "shape": _misshaped,
    "plain": _same,
    "averaged": _averaged,
}


def complaint_lines(model: Any, state: Any) -> list[str]:
    """The lines of PyTorch's error when it loads a state dict; none if it loads."""
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        return str(error).split("\n\t")
    return []


def carried_out(torch: Any, steps: list[str], **known: Any) -> Iterator[Any]:
    """The state dict that lines of code make."""
    scope: dict[str, Any] = {"torch": torch, **known}
    exec("\n".join(steps), scope)  # the code under test
    yield scope["state"]
