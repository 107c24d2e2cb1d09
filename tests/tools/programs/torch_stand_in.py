"""A stand-in for `torch` and `torch.nn`: what a program sees of them when it makes LSTMs, and nothing that computes.

It is executed anew for each run of a program, so nothing that a program changes is left for the next one.
`tests/peers/readers/python/test_programs.py` holds it against PyTorch.
"""

import builtins
import copy
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

MADE: list[Any] = []  # every LSTM and LSTMCell, in the order of construction
LARGEST = 400  # a program with a larger layer is not wanted: PyTorch would have to make it


class Unwanted(BaseException):
    """The program is of a kind that says nothing: no `except Exception` of it catches this."""


class dtype:  # noqa: N801
    def __init__(self, name: str, floating: bool = True) -> None:
        self.name, self.is_floating_point = name, floating

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __deepcopy__(self, _: Any) -> "dtype":
        return self


float16 = half = dtype("float16")
float32 = float = dtype("float32")  # noqa: A001
float64 = double = dtype("float64")
bfloat16 = dtype("bfloat16")
int64 = long = dtype("int64", floating=False)
_default = float32


def set_default_dtype(kind: dtype) -> None:
    global _default  # noqa: PLW0603
    if not _kind(kind).is_floating_point:
        raise TypeError(kind)
    _default = kind


def get_default_dtype() -> dtype:
    return _default


def _kind(given: Any) -> dtype:
    if given is not None and not isinstance(given, dtype):
        raise TypeError(given)
    return given or _default


def manual_seed(seed: int) -> None:
    pass


class device:  # noqa: N801
    def __init__(self, kind: str) -> None:
        self.type = kind.partition(":")[0]


class Tensor:
    def __init__(self, shape: Iterable[int], kind: dtype) -> None:
        self.shape, self.dtype = tuple(shape), kind

    def size(self, axis: int | None = None) -> Any:
        return self.shape if axis is None else self.shape[axis]

    def dim(self) -> int:
        return len(self.shape)


def zeros(*shape: Any, dtype: Any = None) -> Tensor:
    if not shape:
        raise TypeError("no size")
    return Tensor(shape[0] if isinstance(shape[0], (tuple, list)) else shape, dtype or _default)


ones = randn = rand = zeros


class Module:
    def __init__(self) -> None:
        object.__setattr__(self, "_modules", {})
        object.__setattr__(self, "training", True)

    def __setattr__(self, name: str, value: Any) -> None:
        children = self.__dict__.get("_modules")
        if isinstance(value, Module):
            if children is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self.__dict__.pop(name, None)
            children[name] = value
        elif children is not None and name in children:
            if value is not None:
                raise TypeError(f"cannot assign as child module {name!r}")
            children[name] = value
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        children = self.__dict__.get("_modules", {})
        if name in children:
            return children[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __deepcopy__(self, known: dict[int, Any]) -> "Module":
        made = type(self).__new__(type(self))
        known[id(self)] = made
        made.__dict__.update(copy.deepcopy(self.__dict__, known))
        if "facts" in made.__dict__:
            MADE.append(made)
        return made

    def __delattr__(self, name: str) -> None:
        if name in self.__dict__.get("_modules", {}):
            del self._modules[name]
        else:
            object.__delattr__(self, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def add_module(self, name: str, module: "Module | None") -> None:
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute {name!r} already exists")
        if "." in name or not name:
            raise KeyError(name)
        if not isinstance(module, Module) and module is not None:
            raise TypeError(module)
        self._modules[name] = module

    register_module = add_module

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        seen: set[int] = set()
        for name, child in self._modules.items():
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self) -> Iterator["Module"]:
        for _, child in self.named_children():
            yield child

    def named_modules(self, memo: set[int] | None = None, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        memo.add(id(self))
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                yield from child.named_modules(memo, f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator["Module"]:
        for _, module in self.named_modules():
            yield module

    def apply(self, function: Callable[["Module"], Any]) -> "Module":
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def _cast(self, kind: dtype) -> "Module":
        kind = _kind(kind)
        for module in self.modules():
            if "weights" in module.__dict__:
                module.__dict__["weights"] = kind
        return self

    def half(self) -> "Module":
        return self._cast(float16)

    def float(self) -> "Module":
        return self._cast(float32)

    def double(self) -> "Module":
        return self._cast(float64)

    def bfloat16(self) -> "Module":
        return self._cast(bfloat16)

    def type(self, kind: dtype) -> "Module":
        return self._cast(kind)

    def to(self, *args: Any, **kwargs: Any) -> "Module":
        for argument in (*args, *kwargs.values()):
            kind = argument.dtype if isinstance(argument, Tensor) else argument
            if isinstance(kind, dtype):
                if not kind.is_floating_point:
                    raise TypeError("nn.Module.to only accepts floating point or complex dtypes")
                self._cast(kind)
        return self

    def cpu(self) -> "Module":
        return self

    def train(self, mode: bool = True) -> "Module":
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        return self.train(False)

    def requires_grad_(self, wanted: bool = True) -> "Module":
        return self


def _sized(*sizes: Any) -> None:
    for size in sizes:
        if type(size) not in {int, bool}:
            raise TypeError(f"a size must be int, not {size!r}")
        if size < 1 or size > LARGEST:
            raise Unwanted(size)


def _made(layer: Any, facts: dict[str, Any]) -> None:
    """Note an LSTM with its settings; one whose `__init__` is called again is still one."""
    layer.__dict__["facts"] = facts  # a program may write to `hidden_size`, which makes the LSTM no larger
    MADE[:] = [*(other for other in MADE if other is not layer), layer]


class _Recurrent(Module):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: Any = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.proj_size = bidirectional, proj_size
        if not isinstance(dropout, (int, builtins.float)) or not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1]")
        if not isinstance(hidden_size, int):
            raise TypeError("hidden_size should be of type int")
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0 or proj_size >= hidden_size:
            raise ValueError("proj_size has to be a positive integer, smaller than hidden_size, or zero")
        if any(not isinstance(value, bool) for value in (bias, batch_first, bidirectional)):
            raise Unwanted("a switch that is no bool")
        _sized(input_size, hidden_size, num_layers)
        self.weights = _kind(dtype)


class LSTM(_Recurrent):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        switches = {name: bool(self.__dict__[name]) for name in ("bias", "bidirectional", "batch_first")}
        sizes = {name: int(self.__dict__[name]) for name in ("input_size", "hidden_size", "num_layers", "proj_size")}
        _made(self, {"kind": "lstm", **sizes, **switches})


class GRU(_Recurrent):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__(*args, **kwargs)


class RNN(GRU):
    pass


class LSTMCell(Module):
    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        _sized(input_size, hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.weights = _kind(dtype)
        sizes = {"input_size": int(input_size), "hidden_size": int(hidden_size), "num_layers": 1, "proj_size": 0}
        _made(self, {"kind": "cell", **sizes, "bias": bool(bias), "bidirectional": False, "batch_first": False})


class Linear(Module):
    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        _sized(in_features, out_features)
        self.in_features, self.out_features = in_features, out_features
        self.weights = _kind(dtype)


class Embedding(Module):
    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        super().__init__()
        _sized(num_embeddings, embedding_dim)
        if padding_idx is not None and padding_idx >= num_embeddings:
            raise AssertionError("Padding_idx must be within num_embeddings")
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.weights = _default


class Dropout(Module):
    def __init__(self, p: Any = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError("dropout probability has to be between 0 and 1")
        self.p = p


class Identity(Module):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()


class ReLU(Module):
    def __init__(self, inplace: bool = False) -> None:
        super().__init__()


class Tanh(Module):
    pass


def _at(modules: list[Any], index: int) -> int:
    if not -len(modules) <= index < len(modules):
        raise IndexError(f"index {index} is out of range")
    return index % len(modules)


class _Listed(Module):
    """The base of Sequential and ModuleList: children that are called by their numbers."""

    def _list(self) -> list[Any]:
        return list(self._modules.values())

    def _set(self, modules: Iterable[Any]) -> None:
        kept = list(modules)
        self._modules.clear()
        for index, module in enumerate(kept):
            self.add_module(str(index), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[_at(self._list(), index)], module)

    def append(self, module: Module) -> Any:
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        for module in list(modules):
            self.append(module)
        return self


class Sequential(_Listed):
    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.__class__(OrderedDict(list(self._modules.items())[index]))
        return self._list()[_at(self._list(), index)]

    def __delitem__(self, index: int) -> None:
        names = list(self._modules)
        kept = [module for name, module in self._modules.items() if name != names[_at(names, index)]]
        self._set(kept)


class ModuleList(_Listed):
    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.__class__(self._list()[index])
        return self._list()[_at(self._list(), index)]

    def __delitem__(self, index: int) -> None:
        kept = self._list()
        del kept[_at(kept, index)]
        self._set(kept)

    def __iadd__(self, modules: Iterable[Module]) -> Any:
        return self.extend(modules)

    def __add__(self, modules: Iterable[Module]) -> "ModuleList":
        return ModuleList([*self, *modules])

    def insert(self, index: int, module: Module) -> None:
        kept = self._list()
        kept.insert(index, module)
        self._set(kept)

    def pop(self, index: int = -1) -> Any:
        module = self[index]
        del self[index]
        return module


class ModuleDict(Module):
    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def keys(self) -> Any:
        return self._modules.keys()

    def items(self) -> Any:
        return self._modules.items()

    def values(self) -> Any:
        return self._modules.values()

    def update(self, modules: Any) -> None:
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module

    def pop(self, key: str) -> Any:
        module = self[key]
        del self[key]
        return module


class no_grad:  # noqa: N801
    """A context manager, and a decorator with and without brackets."""

    def __new__(cls, function: Any = None) -> Any:
        return function if function is not None else super().__new__(cls)

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End."""

    def __call__(self, function: Any) -> Any:
        return function


inference_mode = no_grad
torch_names = (
    *(
        "float16",
        "half",
        "float32",
        "float",
        "float64",
        "double",
        "bfloat16",
        "int64",
        "long",
        "dtype",
        "device",
        "Tensor",
    ),
    *(
        "no_grad",
        "inference_mode",
        "set_default_dtype",
        "get_default_dtype",
        "manual_seed",
        "zeros",
        "ones",
        "randn",
        "rand",
    ),
)
nn_names = (
    *("Module", "LSTM", "LSTMCell", "GRU", "RNN", "Linear", "Embedding", "Dropout", "Identity", "ReLU", "Tanh"),
    *("Sequential", "ModuleList", "ModuleDict"),
)


def record(layer: Any) -> dict[str, Any]:
    """The settings that an LSTM was made with, and the dtype that it has now."""
    return {**layer.__dict__["facts"], "dtype": layer.__dict__["weights"].name}
