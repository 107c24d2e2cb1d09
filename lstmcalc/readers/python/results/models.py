"""A model that a program makes, of the modules that lead to each other.

Not here: what a module holds, and what is known of it (`keras_models`, `flax_models`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from lstmcalc.readers.found import FoundModel, FoundModule
from lstmcalc.readers.python.core.values import Obj

Parts: TypeAlias = Iterator[Obj | str]  # modules that one holds, and the names of what may be one
PartsOf: TypeAlias = Callable[[Obj], Parts]


def below(module: Obj, parts_of: PartsOf) -> list[Obj]:
    """The modules in a module, and those in them, each once."""
    found: dict[int, Obj] = {}
    stack = [module]
    while stack:
        for part in parts_of(stack.pop()):
            if isinstance(part, Obj) and id(part) not in found:
                found[id(part)] = part
                stack.append(part)
    return list(found.values())


def models_of_roots(
    roots: Sequence[tuple[str, Obj]], parts_of: PartsOf, modules_of: Callable[[Obj], list[FoundModule]]
) -> list[FoundModel]:
    """The models of these names and modules, without those that are in another; each module is in the first alone."""
    inner = {id(part) for _, root in roots for part in below(root, parts_of) if part is not root}
    seen: set[int] = set()
    models = []
    for name, root in roots:
        if id(root) in inner:
            continue
        parts = [part for part in [root, *below(root, parts_of)] if id(part) not in seen]
        seen |= {id(part) for part in parts}
        modules = tuple(module for part in dict.fromkeys(parts) for module in modules_of(part))
        whole = all(module.whole and not module.open and module.tensors is not None for module in modules)
        models.append(FoundModel(name, root.cls.name if root.cls else "", "", modules, whole))
    return models
