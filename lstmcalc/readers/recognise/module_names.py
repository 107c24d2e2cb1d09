"""Names of a file's modules in a report: their paths, without wrappers and the outermost containers.

Sources: torch 2.13.0 (`_orig_mod` of torch.compile, torch/_dynamo/eval_frame.py; `module` of DataParallel); flax
0.12.8 (`params`); Keras' and Flax' Bidirectional, as `frameworks` has them.
"""

import re
from collections.abc import Sequence
from typing import Final

_CONTAINERS: Final = frozenset(("state_dict", "model_state_dict", "model_state", "model", "params", "weights", "net"))
_OUTER: Final = ("params", "state_dict", "model_state_dict")


def module_name(unit: str, framework: str = "", bare: str = "lstm") -> str:
    """The name of a module by its path, whose parts are divided by slashes; `bare` if nothing is left of it.

    E.g. `encoder.rnn`; if each direction is a module, the name of the module of both, or their names' common part.
    """
    if framework.startswith("flax"):
        unit = re.sub(r"(^|/)cell$", "", unit)
    if "{direction}" in unit:
        parent, _, rest = unit.partition("{direction}")
        wrapped = parent and framework != "keras1"  # bidirectional/{direction}_lstm
        unit = parent if wrapped else f"{parent}{rest.strip('_')}"
    parts = [part for part in unit.split("/") if part and part != "_orig_mod"]
    if _leads(parts, "module"):
        parts.remove("module")
    if parts and parts[0] in _OUTER:
        parts.pop(0)
    return ".".join(parts) or bare


def wrapping_notes(unit: str) -> tuple[str, ...]:
    """Notes on the wrappers of a module."""
    parts = unit.split("/")
    found = []
    if "_orig_mod" in parts:
        found.append(
            'names have _orig_mod in them, which torch.compile adds; strip it: {k.replace("_orig_mod.", ""): v ...}'
        )
    if _leads(parts, "module"):
        found.append('names begin with module, which DataParallel adds; strip it: {k.removeprefix("module."): v ...}')
    return tuple(found)


def _leads(parts: Sequence[str], word: str) -> bool:
    """True if a path begins with a word, not counting `_orig_mod` and names that checkpoints give to their parts."""
    first = next((part for part in parts if part not in _CONTAINERS and part != "_orig_mod"), "")
    return first == word
