"""Notes for the user on a pickle of weights, in sentences."""

from collections.abc import Iterator
from typing import Any, Final

from lstmcalc.errors import shorten
from lstmcalc.readers.pickles.records import Call, Table, text_of
from lstmcalc.readers.pickles.trees import Tree, join_path
from lstmcalc.readers.torch.tensors import Tensor, Unreadable
from lstmcalc.spec.words import with_rest

_SIMPLE: Final = (int, float, bool, str)
_LISTED: Final = 12  # settings or objects in a note
# Python modules whose functions a pickle of weights does not need.
_ALARMING: Final = (
    "os", "posix", "nt", "subprocess", "sys", "socket", "shutil", "importlib", "runpy", "pty", "code", "ctypes",
    "webbrowser", "pickle", "_pickle", "marshal", "multiprocessing", "asyncio", "threading", "urllib", "http", "pip",
    "tempfile", "pathlib", "io", "commands", "pdb", "timeit", "cProfile", "profile", "platform", "requests", "bdb",
)  # fmt: skip
_ALARMING_BUILTINS: Final = (
    "eval", "exec", "execfile", "compile", "open", "__import__", "getattr", "setattr", "apply", "globals", "input",
    "breakpoint", "exit", "map",
)  # fmt: skip


def lightning_notes(value: Any) -> Iterator[str]:  # noqa: ANN401  # a record of a pickle
    """Notes on a checkpoint of PyTorch Lightning: its version and epoch, and its simple hyper_parameters."""
    if not isinstance(value, Table):
        return
    version = text_of(value.get("pytorch-lightning_version"))
    settings = _pairs_of(value.get("hyper_parameters"))
    simple = [
        f"{text_of(key)} = {shorten(held, 40)}" for key, held in settings if text_of(key) and type(held) in _SIMPLE
    ]
    if version is not None:
        epoch = value.get("epoch")
        after = f", epoch {epoch}" if type(epoch) is int else ""
        yield f"a checkpoint of PyTorch Lightning {shorten(version, 20)[1:-1]}{after}"
    if simple:
        yield f"hyper_parameters: {shorten(', '.join(simple[:_LISTED]), 300)[1:-1]}"


def _pairs_of(held: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401  # a record of a pickle
    """The items of a dictionary or of an object like one, or the attributes of a namespace."""
    if isinstance(held, Table):
        return held.pairs
    if not isinstance(held, Call):
        return []
    return held.pairs or (held.state.pairs if isinstance(held.state, Table) else [])


def tensor_notes(tree: Tree) -> Iterator[str]:
    """Notes on tensors that are not listed or not readable, and on objects with several paths."""
    groups: dict[str, list[str]] = {}
    for path, leaf in tree.leaves:
        if isinstance(leaf, Unreadable):
            groups.setdefault(f"not listed, being {leaf.what}", []).append(path)
        elif isinstance(leaf, Tensor) and leaf.why:
            groups.setdefault(leaf.why, []).append(path)
    for what, paths in groups.items():
        yield f"{_path_list(paths)}: {what}"
    again = [(path, first) for path, first in tree.shared if first and _holds(tree, first)]
    for path, first in again[:_LISTED]:
        yield f"{shorten(path)} is the same object as {shorten(first)}, and listed there only"


def _holds(tree: Tree, path: str) -> bool:
    inside = join_path(path, "")
    return any(name.startswith(inside) for name, _ in tree.leaves)


def _path_list(paths: list[str]) -> str:
    """A few of many names."""
    return with_rest([shorten(path) for path in paths], 3)


def called_notes(called: tuple[str, ...]) -> Iterator[str]:
    """A note on functions that unpickling would call and that weights do not need."""
    found = [path for path in called if _is_alarming(path)]
    if found:
        yield f"whoever unpickles this file calls {_path_list(found)}; here, nothing of it was run"


def _is_alarming(path: str) -> bool:
    package, _, name = path.partition(".")
    if package in ("builtins", "__builtin__"):
        return name in _ALARMING_BUILTINS
    return package in _ALARMING
