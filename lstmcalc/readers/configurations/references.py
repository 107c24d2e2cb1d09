"""The values that parts of a document stand for: references to other keys, names that are bound, wrapped values.

Only a reference that is nothing but one is followed; whatever computes stays an expression.

Sources: OmegaConf 2.3 (`${a.b}`, `${.b}`; `${name:...}` calls a resolver), HyperPyYAML 1.2.2 (`!ref <a>`), W&B 0.16
(config.yaml has `value` and `desc` for each key).
"""

import re
from typing import Any, Final, TypeGuard

from lstmcalc.readers.configurations.values import Computed, Tree
from lstmcalc.readers.text.positions import KeyPath

_INTERPOLATION: Final = re.compile(r"\$\{(\.*+)([\w\-]++(?:[.\[][\w\-\]]++)*+)\}")
_HOPS: Final = 10
# The keys of what W&B makes of a value.
_WRAPPED: Final = ({"value"}, {"value", "desc"})


def resolved(tree: Tree, value: object, path: KeyPath) -> Any:  # noqa: ANN401  # of any type
    """The value that a value at a path stands for; an expression that is not known stays one."""
    for _ in range(_HOPS):
        if is_wrapped(value):
            value = value["value"]
            continue
        if isinstance(value, str) and "${" in value:
            found = _INTERPOLATION.fullmatch(value.strip())
            if found is None:
                return Computed(value[:200])
            base: KeyPath = path[: -len(found.group(1))] if found.group(1) else ()
            target = (*base, *found.group(2).replace("[", ".").replace("]", "").split("."))
            value, path = at(tree.root, target), target
        elif isinstance(value, Computed) and value.refers:
            target = tuple(value.refers.split("."))
            found_value = tree.names[value.refers] if value.refers in tree.names else at(tree.root, target)
            if found_value is _NOTHING:
                return value
            value, path = found_value, target
        else:
            return value
        if value is _NOTHING:
            return Computed(f"{'.'.join(map(str, path))}, which is not there")
    return Computed("a reference that leads nowhere")


def is_wrapped(value: object) -> TypeGuard[dict[str, Any]]:
    """True for what W&B makes of a value."""
    return isinstance(value, dict) and value.keys() in _WRAPPED


_NOTHING: Final = object()


def at(root: object, path: KeyPath) -> object:
    """The value at a path of a document, whose keys may be the numbers of items."""
    for key in path:
        if isinstance(root, dict) and key in root:
            root = root[key]
        elif isinstance(root, list) and str(key).isdecimal() and len(str(key)) < 7 and int(key) < len(root):  # noqa: PLR2004
            root = root[int(key)]
        else:
            return _NOTHING
    return root


def is_there(value: object) -> bool:
    """True if `at` found something."""
    return value is not _NOTHING
