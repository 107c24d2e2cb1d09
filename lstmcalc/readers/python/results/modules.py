"""The models of PyTorch that a program makes, module by module: as `named_modules()` goes through them.

A model is whole if nothing of it is unknown that could be a module or a parameter, and nothing that is not known had
it in its hands. What is not whole may have more than what is here.

Not here: what layers are called and given (`layers.torch`), and what the LSTMs in it are called (`naming`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from lstmcalc.frameworks.layers import LAYERS, Setting, buffers_of, kept_tensors
from lstmcalc.readers.found import FoundModel, FoundModule, Shape
from lstmcalc.readers.python.core.machine import Function
from lstmcalc.readers.python.core.values import Class, Entry, Obj, Unknown, Value, is_constant, things
from lstmcalc.readers.python.layers.records import Record
from lstmcalc.readers.python.layers.torch import may_be_module
from lstmcalc.readers.python.layers.torch_layers import FIELDS, Layer
from lstmcalc.readers.python.program import Program
from lstmcalc.readers.python.results.flax_models import flax_models_of
from lstmcalc.readers.python.results.keras_models import keras_models_of

_DEEP: Final = 200  # modules within modules
_MANY: Final = 20_000  # modules of all models together, each under each of its paths
_OWN: Final = ("parameters", "named_parameters", "modules", "named_modules", "state_dict")  # what a class may override


def models_of(program: Program, entries: Sequence[Entry]) -> list[FoundModel]:
    """The outermost modules that variables lead to, or that hold an LSTM, each with what is in it."""
    walk = _Walk(program)
    roots = _without_inner(program, [*_of_variables(program), *_around(program, entries)])
    models: list[FoundModel] = []
    for name, root, sure in roots:
        model = walk.model(name, root)
        models.append(model if sure else model._replace(whole=False))
    return [*models, *keras_models_of(program), *flax_models_of(program, entries)]


_Root = tuple[str, Obj, bool]  # its variable, and whether it is surely what the variable has


def _of_variables(program: Program) -> Iterator[_Root]:
    """The modules that variables of the program have, and those that were made to see what they make."""
    named = [(name, value) for name, value in program.module.slots.items() if not name.startswith("@")]
    for name, value in [*named, *program.entries]:
        if isinstance(value, Obj) and value.birth in program.copies:
            continue
        yield from _modules_in(program, name, value, sure=True, depth=0)


def _modules_in(program: Program, name: str, value: Value, *, sure: bool, depth: int) -> Iterator[_Root]:
    """The modules that a value is, or that are in it if it is a list or a dictionary."""
    if isinstance(value, Unknown):
        for thing in sorted(value.may, key=lambda item: item.birth)[:1]:  # one for all that it may be
            yield from _modules_in(program, name, thing, sure=False, depth=depth)
    elif isinstance(value, Obj) and not isinstance(value, Class | Function):
        if may_be_module(program, value):
            yield name, value, sure
        elif value.kind in ("list", "dict", "object") and depth < 3:  # lists in lists
            for thing in sorted(things(tuple(value.slots.values())), key=lambda item: item.birth):
                yield from _modules_in(program, name, thing, sure=sure, depth=depth + 1)
    elif isinstance(value, tuple):
        for item in value:
            yield from _modules_in(program, name, item, sure=sure, depth=depth + 1)


def _around(program: Program, entries: Sequence[Entry]) -> Iterator[_Root]:
    """The modules that hold an LSTM, and that no variable need have: those of a function's variables."""
    wanted = {id(entry.made[0]) for entry in entries}
    for module in program.modules:
        if any(id(child) in wanted for _, child in program.children(module)):
            yield "", module, True
    for entry in entries:
        if may_be_module(program, entry.made[0]) and entry.made[0].slots.get("@lstm") is not None:
            yield "", entry.made[0], entry.sure and len(entry.made) == 1


def _without_inner(program: Program, roots: Sequence[_Root]) -> list[_Root]:
    """The roots, each once, without those that are in others; outer ones that no variable has take their place."""
    parents: dict[int, Obj] = {}
    for module in program.modules:
        for _, child in program.children(module):
            for thing in things(child):
                parents.setdefault(id(thing), module)
    found: dict[int, _Root] = {}
    for name, module, sure in roots:
        outer, seen = module, {id(module)}
        while id(outer) in parents and id(parents[id(outer)]) not in seen:
            outer = parents[id(outer)]
            seen.add(id(outer))
        found.setdefault(id(outer), (name if outer is module else "", outer, sure))
    return list(found.values())


class _Walk:
    """Goes through modules, and counts every one and every tensor once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._counted: set[int] = set()  # modules and tensors
        self._left = _MANY
        self._cut = False  # whether that was too few

    def model(self, name: str, root: Obj) -> FoundModel:
        """A model."""
        modules: list[FoundModule] = []
        self._go("", root, modules, ())
        cls = root.cls.name if root.cls is not None else ""
        lists = any(cls == kind for kind in ("Sequential", "ModuleList", "ModuleDict", "DataParallel"))
        start = name if lists or "@lstm" in root.slots or "@layer" in root.slots else ""
        return FoundModel(name, cls, start, tuple(modules), not self._cut and all(map(_is_whole, modules)))

    def _go(self, path: str, module: Obj, found: list[FoundModule], above: tuple[Obj, ...]) -> None:
        self._left -= 1
        if any(module is item for item in above):
            return
        if len(above) > _DEEP or self._left < 0:
            self._cut = True
            return
        again = id(module) in self._counted
        self._counted.add(id(module))
        place = len(found)
        found.append(FoundModule(path, "", ""))
        own, open_ = self._own(module)
        for name, child in self.program.children(module):
            inner = f"{path}.{name}" if path else name
            for thing in sorted(things(child), key=lambda item: item.birth) if isinstance(child, Unknown) else [child]:
                if isinstance(thing, Obj) and self.program.is_module(thing):
                    self._go(inner, thing, found, (*above, module))
                    break
        found[place] = self._module(path, module, own, open_, again=again)

    def _module(
        self, path: str, module: Obj, own: Mapping[str, Value], open_: Sequence[str], *, again: bool
    ) -> FoundModule:
        """All that is known of a module itself."""
        layer, record = module.slots.get("@layer"), module.slots.get("@lstm")
        kind = module.cls.name if module.cls is not None else ""
        tensors: dict[str, Shape | None] | None = {}
        buffers = {key for key, _ in _buffers(module)}
        settings: dict[str, Setting] = {}
        text = kind
        if isinstance(layer, Layer):
            settings = layer.settings() or {}
            kept = layer.tensors()
            tensors = None if kept is None else {**kept}
            buffers |= buffers_of(layer.kind)
            text = f"{kind}({_arguments(layer)})"
        name = module.slots.get("@name")
        if isinstance(record, Record) and not isinstance(name, str):  # a copy
            given = {key: value for key, value in record.given.items() if isinstance(value, bool | int | float)}
            kept = kept_tensors(record.name.rpartition(".")[2], given)
            tensors = None if kept is None or len(given) < len(record.given) or record.unseen else {**kept}
        tied = {key for key, value in own.items() if id(value) in self._counted}
        if tensors is not None:
            tensors |= {key: _shape(value) for key, value in own.items()}
        self._counted |= {id(value) for value in own.values()}
        return FoundModule(
            path,
            kind,
            text,
            tensors,
            frozenset(buffers),
            frozenset(tied),
            settings,
            name if isinstance(name, str) else "",
            again,
            tuple(open_),
            self._is_seen(module),
        )

    def _own(self, module: Obj) -> tuple[dict[str, Value], list[str]]:
        """The parameters and buffers that are set on a module, and its attributes that may be some, or modules."""
        layer = module.slots.get("@layer")
        given = (layer.given or {}) if isinstance(layer, Layer) else {}
        own: dict[str, Value] = {}
        open_: list[str] = []
        buffers = dict(_buffers(module))
        for name, value in module.slots.items():
            inner = name.removeprefix("@tensor:")
            if inner != name and inner not in module.slots:
                own[inner] = value
            if name.startswith("@") or name in given or ("@lstm" in module.slots and name in FIELDS):
                continue
            if name in buffers:
                if buffers[name] is not False and value is not None:
                    own[name] = value
            elif isinstance(value, Obj) and value.kind == "array" and value.slots.get("@parameter") is True:
                own[name] = value
            elif self._may_hold(value):
                open_.append(name)
        return dict(sorted(own.items(), key=lambda item: item[0] in buffers)), open_

    def _is_seen(self, module: Obj) -> bool:
        """True if a module has no other modules and parameters than its attributes."""
        if "@changed" in module.slots or "@remade" in module.slots or not self.program.is_module(module):
            return False
        overridden = (self.program.lookup(module.cls, name) for name in _OWN)
        weights = "@lstm" in module.slots and any(name.startswith(("weight_", "bias_")) for name in module.slots)
        return not weights and not any(isinstance(item, Function) and not item.native for item in overridden)

    def _may_hold(self, value: Value) -> bool:
        """True if an attribute may be a module or a parameter that is not seen."""
        if isinstance(value, Unknown):
            return not value.alts or value.absent or not all(map(is_constant, value.alts))
        return may_be_module(self.program, value) and not self.program.is_module(value)


def _buffers(module: Obj) -> list[tuple[str, Value]]:
    """The names of the buffers of a module, and whether each is kept in its state dict."""
    held = module.slots.get("@buffers", ())
    return [item for item in held if isinstance(item, tuple)] if isinstance(held, tuple) else []


def _shape(value: Value) -> Shape | None:
    """The shape of a tensor; None if it is not known."""
    shape = value.slots.get("@shape") if isinstance(value, Obj) and "data" not in value.slots else None
    known = isinstance(shape, tuple) and all(isinstance(size, int) for size in shape)
    return tuple(int(size) for size in shape) if known and isinstance(shape, tuple) else None


def _arguments(layer: Layer) -> str:
    """The arguments of a layer as `print` shows them: `3, 4, bias=False`."""
    if layer.given is None:
        return "..."
    entry = LAYERS.get(layer.kind)
    names = entry.settings if entry else ()
    parts = [_text(layer.given[name]) for name in names if name in layer.given]
    return ", ".join([*parts, *(f"{name}={_text(value)}" for name, value in layer.given.items() if name not in names)])


def _text(value: Value) -> str:
    if is_constant(value):
        return repr(value)
    if isinstance(value, Unknown) and value.names:
        return value.names[0]
    return "..."


def _is_whole(module: FoundModule) -> bool:
    return module.whole and not module.open and module.tensors is not None
