"""The kinds of files that `convert` writes: which target a name or a suffix means.

Not here: the targets themselves; each is imported when it is asked for.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import PurePath
from typing import Final

from lstmcalc.errors import UsageError, nearest_hint, shorten
from lstmcalc.frameworks.catalog import ALIASES, LAYOUTS
from lstmcalc.spec.words import or_list
from lstmcalc.writers.target import Target

# Files that are more than named arrays, by the end of their names: the framework, and the place of the target.
_OWN: Final[Mapping[str, tuple[str, str]]] = {
    ".keras": ("keras", "keras.TARGET"),
    ".weights.h5": ("keras", "keras.WEIGHTS"),
    ".onnx": ("onnx", "onnx.TARGET"),
    ".h": ("c", "c.TARGET"),
}
TABLES: Final = (".pt", ".safetensors", ".npz")
_ALIKE: Final = {".pth": ".pt", ".bin": ".pt", ".ckpt": ".pt"}  # what people call files of PyTorch
SUFFIXES: Final = (*TABLES, *_ALIKE, *_OWN)
OTHERS: Final = tuple(name for name, _ in _OWN.values() if name not in LAYOUTS)  # targets that are no framework


def target_names() -> tuple[str, ...]:
    """The names that `--to` takes."""
    return (*LAYOUTS, *OTHERS, *ALIASES)


def find_target(path: str, to: str = "") -> Target:
    """The target of a file's name, and of the framework that was asked for.

    Args:
        path: The name of the file to be written.
        to: The framework, or `c`; empty for that of the suffix: PyTorch for files of named arrays.

    Raises:
        UsageError: The suffix is of no kind that is written, or the two do not go together.
    """
    suffix = next((end for end in _OWN if path.lower().endswith(end)), PurePath(path).suffix.lower())
    framework = ALIASES.get(to, to)
    if suffix in _OWN:
        own, place = _OWN[suffix]
        if framework in ("", own):
            module, name = place.split(".")
            target: Target = getattr(import_module(f"lstmcalc.writers.{module}"), name)
            return target
        raise _other_target(f"--to {own}", path, suffix, framework)
    kind = _ALIKE.get(suffix, suffix)
    if kind in TABLES and framework in OTHERS:
        raise _other_target("another framework", path, suffix, framework)
    if kind in TABLES:
        from lstmcalc.writers.tables import table_target

        return table_target(framework or "pytorch", kind)._replace(suffixes=(suffix,))
    raise UsageError(
        "what this file should be is not known from its name",
        f"a name that ends in {_suffixes_of(framework)}",
        shorten(path)[1:-1],
        nearest_hint(suffix, SUFFIXES) if suffix else "",
        where="--output",
    )


def _other_target(expected: str, path: str, suffix: str, framework: str) -> UsageError:
    """The error about a file whose name says another target than `--to`."""
    return UsageError(
        f"a file of {suffix} is not one of {framework}",
        f"{expected}, or a name that ends in {_suffixes_of(framework)}",
        shorten(path)[1:-1],
        where=f"--to {framework} and --output",
    )


def container_of(path: str) -> str:
    """The kind of a file of named arrays, as `TABLES` has it; UsageError if its name is of no such kind."""
    suffix = PurePath(path).suffix.lower()
    kind = _ALIKE.get(suffix, suffix)
    if kind not in TABLES:
        expected = f"a name that ends in {or_list(TABLES)}"
        raise UsageError("other tensors go into files of named arrays", expected, shorten(path)[1:-1], where="--output")
    return kind


def _suffixes_of(framework: str) -> str:
    """The suffixes of a framework's files, in words; of all for none."""
    own = [suffix for suffix, (name, _) in _OWN.items() if framework in ("", name)]
    tables = [] if framework in OTHERS else list(TABLES)
    return or_list([*own, *tables])
