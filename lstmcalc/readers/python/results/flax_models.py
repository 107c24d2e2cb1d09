"""The models of Flax that a program makes: of NNX what attributes hold, of Linen what was made while it was run too.

Not here: what is noted of layers and modules while the program is run (`layers.flax_layers`).
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from lstmcalc.frameworks.flax_layers import FLAX_LAYERS, UNUSUAL, flax_tensors
from lstmcalc.frameworks.layers import Setting
from lstmcalc.readers.found import FoundModel, FoundModule, Shape
from lstmcalc.readers.python.builtin.constants import constant
from lstmcalc.readers.python.core.classes_of_python import content_of
from lstmcalc.readers.python.core.values import Class, Entry, Items, Obj, Unknown, Value, is_constant
from lstmcalc.readers.python.layers.arrays import shape_of
from lstmcalc.readers.python.layers.flax_layers import FlaxLayer
from lstmcalc.readers.python.program import Program
from lstmcalc.readers.python.results.models import Parts, below, models_of_roots

_STATIC: Final = ("name", "parent", "rngs")  # attributes that hold no module


def flax_models_of(program: Program, entries: Sequence[Entry]) -> list[FoundModel]:
    """The models of Flax that variables lead to, or that hold an LSTM; none that is in another."""
    named = [(name, value) for name, value in program.module.slots.items() if not name.startswith("@")]
    parts_of = partial(_parts, program)
    wanted = {id(thing) for entry in entries for thing in entry.made}
    holding = [("", item) for item in program.of_flax if any(id(part) in wanted for part in below(item, parts_of))]
    roots: dict[int, tuple[str, Obj]] = {}
    for name, value in [*named, *program.entries, *holding]:
        if isinstance(value, Obj) and program.is_module_of_flax(value) and value.birth not in program.copies:
            roots.setdefault(id(value), (name, value))
    return models_of_roots(list(roots.values()), parts_of, lambda part: [_module(program, part)])


def _is_of_nnx(program: Program, value: Value, kind: str) -> bool:
    scope = program.libraries.get("library:nnx")
    base = scope.slots.get(kind) if scope is not None else None
    return isinstance(value, Obj) and isinstance(value.cls, Class) and base is not None and base in value.cls.mro


def _parts(program: Program, module: Obj) -> Parts:
    """The modules that a module holds itself, and the names of its attributes that may hold others."""
    if "@lstm" in module.slots or "@flax" in module.slots:
        return
    for name, value in module.slots.items():
        if not name.startswith("@") and name not in _STATIC:
            yield from _held(program, value, name)
    yield from _children(program, module)


def _held(program: Program, value: Value, name: str) -> Parts:
    if isinstance(value, Unknown):
        if not value.alts or value.absent or not all(map(is_constant, value.alts)):
            yield name
    elif isinstance(value, tuple):
        for item in value:
            yield from _held(program, item, name)
    elif isinstance(value, Obj) and value.kind in ("list", "dict"):
        content = content_of(value)
        yield from _held(program, tuple(content.map.values()) if isinstance(content, Items) else content, name)
        if isinstance(content, Items) and content.rest is not None:
            yield name
    elif isinstance(value, Obj) and program.is_module_of_flax(value):
        yield value


def _children(program: Program, module: Obj) -> Parts:
    """The modules that a module of Linen made while it was run; of several runs that are alike, those of the first."""
    held = module.slots.get("@children", ())
    if not isinstance(held, tuple):
        yield "what it makes"
        return
    own = {
        id(part)
        for name, value in module.slots.items()
        if not name.startswith("@")
        for part in _held(program, value, name)
    }
    runs: dict[object, list[Obj]] = {}
    for child in held:
        if isinstance(child, Obj) and id(child) not in own:
            runs.setdefault(child.slots.get("@run"), []).append(child)
    first, *others = runs.values() or [[]]
    yield from first
    if any([_shown(program, child) for child in run] != [_shown(program, child) for child in first] for run in others):
        yield "what it makes"


def _shown(program: Program, module: Obj) -> object:
    """A module as it can be compared with that of another run."""
    found = _module(program, module)
    return module.cls, found.text, tuple((found.tensors or {}).items())


def _module(program: Program, module: Obj) -> FoundModule:
    """All that is known of a module itself."""
    kind = module.cls.name if isinstance(module.cls, Class) else ""
    name, layer = module.slots.get("@name"), module.slots.get("@flax")
    if "@lstm" in module.slots and isinstance(name, str):
        return FoundModule("", kind, kind, lstm=name)
    if "@partner" in module.slots:  # the other direction of an LSTM
        return FoundModule("", kind, kind)
    if isinstance(layer, FlaxLayer):
        settings = _settings(layer, module)
        tensors = None if settings is None else flax_tensors(layer.library, layer.kind, settings)
        entry = FLAX_LAYERS[layer.library][layer.kind]
        buffers = frozenset(kept.name for kept in entry.kept if kept.buffer)
        given = [repr(settings[item]) for item in entry.settings if settings and item in settings]
        return FoundModule("", kind, f"{kind}({', '.join(given)})", tensors, buffers, settings=settings or {})
    open_ = tuple(part for part in _parts(program, module) if isinstance(part, str))
    own = {key: _shape(value) for key, value in module.slots.items() if _is_of_nnx(program, value, "Param")}
    needs_run = program.is_flax(module) and isinstance(module.cls, Class) and module.cls.bound is not None
    seen = "@hidden" not in module.slots and "@changed" not in module.slots
    whole = seen and (not needs_run or module.slots.get("@ran") is True) and "@lstm" not in module.slots
    return FoundModule("", kind, kind, own, open=open_, whole=whole)


def _shape(parameter: Value) -> Shape | None:
    shape = shape_of(parameter.slots.get("value")) if isinstance(parameter, Obj) else None
    known = isinstance(shape, tuple) and all(isinstance(size, int) for size in shape)
    return tuple(int(size) for size in shape if isinstance(size, int)) if known and isinstance(shape, tuple) else None


def _settings(layer: FlaxLayer, module: Obj) -> dict[str, Setting] | None:
    """The arguments of a layer that shapes may depend on; None if they are not known, or if it is never called."""
    if layer.given is None or "@changed" in module.slots:
        return None
    entry = FLAX_LAYERS[layer.library][layer.kind]
    wanted = {*entry.settings, *entry.defaults, *UNUSUAL}
    found: dict[str, Setting] = {}
    for name, value in layer.given.map.items():
        known = constant(value)
        if isinstance(known, list):
            known = tuple(known)
        if name in wanted:
            whole = known is None or isinstance(known, bool | int | float | str)
            found[str(name)] = known if whole or _is_sizes(known) else "?"  # type: ignore[assignment]  # as asked
    if layer.library == "linen":
        if "@inputs" not in module.slots:
            return None
        width = module.slots["@inputs"]
        if isinstance(width, int):
            found["inputs"] = int(width)
    return found


def _is_sizes(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(size, int) for size in value)
