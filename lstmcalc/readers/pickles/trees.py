"""The tensors and modules in a pickle, each with its path.

A pickle can refer to one object from many places, so that the paths through it are endless, or too many to be walked.
Each container is therefore walked once, where it is met first; a tensor is listed at each of its paths.

Source: torch 2.13.0 (torch/nn/modules/module.py: `_parameters`, `_buffers`, `_modules`; TorchScript archives have the
same as plain attributes), run.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.pickles.arrays import objects_of
from lstmcalc.readers.pickles.records import Call, LongString, Table, text_of

_MAX_DEPTH: Final = 200
_MAX_TENSORS: Final = 200_000
_MAX_PATH: Final = 1000  # characters
_MAX_SHARED: Final = 100
_MAX_TEXT: Final = 1 << 26  # characters of all paths
_CONTAINERS: Final = (Table, Call, list, tuple)
_SCRIPTED: Final = "__torch__."
_OWN: Final = ("_parameters", "_buffers", "_modules")
_PACKED: Final = "torch.ScriptObject"
_FLAT: Final = "_flat_weights"  # the same parameters again


class Module(NamedTuple):
    """A module of PyTorch."""

    path: str  # empty for the pickle itself
    kind: str  # its class, e.g. `torch.nn.modules.rnn.LSTM`
    attributes: Table  # in a TorchScript archive, its parameters too
    parameters: Table  # its own, by name

    def inside(self, name: str) -> str:
        """The path of something inside the module."""
        return join_path(self.path, name)


class Tree(NamedTuple):
    """The contents of a pickle, in the order of the file."""

    leaves: list[tuple[str, Any]]  # paths, each with the result of `as_leaf`
    modules: list[Module]
    shared: list[tuple[str, str]]  # paths of containers met again, each with the path where it was met first


def walk(value: Any, as_leaf: Callable[[Call], Any]) -> Tree:  # noqa: ANN401  # anything that a pickle can hold
    """The contents of a pickle, walked depth first.

    `as_leaf` returns the leaf that a record of a call stands for, e.g. a tensor; None if it is to be walked into.
    """
    tree = Tree([], [], [])
    met: dict[int, str] = {}
    text = 0
    pending = [iter([("", value)] if type(value) in _CONTAINERS else [])]
    while pending:
        following = next(pending[-1], None)
        if following is None:
            pending.pop()
            continue
        path, child = following
        text += len(path)
        if text > _MAX_TEXT:
            raise SourceError("this file has too many or too long names", expected=f"at most {_MAX_TEXT:,} characters")
        leaf = as_leaf(child) if type(child) is Call else None
        if leaf is not None:
            tree.leaves.append((path, leaf))
            _check(tree, path, len(pending))
        elif id(child) in met:
            if len(tree.shared) < _MAX_SHARED and not isinstance(child, tuple):
                tree.shared.append((path, met[id(child)]))
        else:
            met[id(child)] = path
            _check(tree, path, len(pending))
            pending.append(_children(path, child, tree, met))
    return tree


def join_path(path: str, name: str) -> str:
    """A path with one more name."""
    return f"{path}.{name}" if path else name


def _check(tree: Tree, path: str, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise SourceError("this file is nested too deeply", expected=f"at most {_MAX_DEPTH} levels")
    if len(path) > _MAX_PATH:
        raise SourceError("a name in this file is too long", expected=f"at most {_MAX_PATH:,} characters")
    if len(tree.leaves) > _MAX_TENSORS:
        raise SourceError("this file has too many tensors", expected=f"at most {_MAX_TENSORS:,}")


def _children(path: str, value: Any, tree: Tree, met: Mapping[int, str]) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """The containers in a container, each with its path.

    The attributes of an object are a container of their own, as many objects can share them.
    """
    if type(value) is Table:
        return _named_children(path, value.pairs)
    if type(value) is not Call:
        return _numbered_children(path, value)
    objects = objects_of(value)
    if objects is not None:
        return iter([(path, objects)])
    module = _module(path, value)
    if module is None or id(module.attributes) in met or id(module.parameters) in met:
        return _attributes(path, value)
    tree.modules.append(module)
    return _of_module(module)


def _named_children(path: str, pairs: list[tuple[Any, Any]]) -> Iterator[tuple[str, Any]]:
    for key, value in pairs:
        name = _key_text(key) if type(value) in _CONTAINERS else _FLAT
        if name != _FLAT:
            yield join_path(path, name), value


def _numbered_children(path: str, values: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # a list or a tuple
    return ((join_path(path, str(index)), value) for index, value in enumerate(values) if type(value) in _CONTAINERS)


def _key_text(key: Any) -> str:  # noqa: ANN401  # anything that a pickle can hold
    if type(key) is LongString:
        raise SourceError("a name in this file is too long", expected=f"at most {_MAX_PATH:,} characters")
    text = text_of(key)
    if text is not None:
        return text
    if isinstance(key, int | float | None):
        return str(key)
    if type(key) is tuple:
        return ",".join(_key_text(part) if type(part) is not tuple else "?" for part in key[:8])
    return "?"


def _module(path: str, call: Call) -> Module | None:
    """The module that an object is; None if it is not one."""
    state = call.state
    if type(state) is not Table:
        return None
    own = [state.get(name) for name in _OWN]
    if type(own[0]) is Table and type(own[2]) is Table:
        return Module(path, call.path, state, own[0])
    if call.path.startswith(_SCRIPTED):
        return Module(path, call.path, state, state)
    return None


def _of_module(module: Module) -> Iterator[tuple[str, Any]]:
    """The tables of a module's parameters, buffers (also those not in its `state_dict`) and modules."""
    if module.parameters is module.attributes:
        yield module.path, module.attributes
        return
    for name in _OWN:
        held = module.attributes.get(name)
        if type(held) is Table:
            yield module.path, held
    for name, value in module.attributes.pairs:  # what a quantized module has packed
        if type(value) is Call and value.path == _PACKED and isinstance(name, str):
            yield module.inside(name), value


def _attributes(path: str, call: Call) -> Iterator[tuple[str, Any]]:
    """The containers in any other object."""
    yield from _numbered_children(path, call.items)
    yield from _named_children(path, call.pairs)
    for held in (call.arguments, call.keywords, call.state, call.function):
        if type(held) in _CONTAINERS:
            yield path, held
