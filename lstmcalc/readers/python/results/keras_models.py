"""The models of Keras that a program makes, layer by layer, with what each was first given: that decides its weights.

Not here: what flows between layers (`layers.keras`), and the modules of PyTorch (`modules`).
"""

from functools import partial
from typing import Final

from lstmcalc.frameworks.layers import KERAS_LAYERS, Setting, keras_weights
from lstmcalc.readers.found import FoundModel, FoundModule
from lstmcalc.readers.python.core.classes_of_python import content_of
from lstmcalc.readers.python.core.machine import Function
from lstmcalc.readers.python.core.values import Class, Items, Obj, Unknown, Value, is_constant
from lstmcalc.readers.python.layers.keras_tensors import Graph
from lstmcalc.readers.python.program import Program
from lstmcalc.readers.python.results.models import Parts, models_of_roots

_WRAPPERS: Final = ("Bidirectional", "TimeDistributed", "RNN")
_OWN: Final = ("name", "training")  # attributes that hold no layer


def keras_models_of(program: Program) -> list[FoundModel]:
    """The models of Keras that variables lead to, each with its layers; none that is in another."""
    named = [(name, value) for name, value in program.module.slots.items() if not name.startswith("@")]
    roots: list[tuple[str, Obj]] = []
    for name, value in [*named, *program.entries]:
        if not isinstance(value, Obj) or value.birth in program.copies:
            continue
        if _is_model(program, value) and all(value is not other for _, other in roots):
            roots.append((name, value))
    return models_of_roots(roots, partial(_parts, program), partial(_modules, program))


def _is_model(program: Program, value: Value) -> bool:
    return _is_layer(program, value, "Model")


def _is_layer(program: Program, value: Value, kind: str = "Layer") -> bool:
    keras = program.libraries.get("library:keras")
    base = keras.slots.get(kind) if keras is not None else None
    return isinstance(value, Obj) and value.cls is not None and base is not None and base in value.cls.mro


def _parts(program: Program, layer: Obj) -> Parts:
    """The layers that a layer holds itself, and the names of its attributes that may hold others."""
    config = program.config_of(layer) or {}
    held = layer.slots.get("@layers")
    if held is not None:
        content = content_of(held) if isinstance(held, Obj) else None
        yield from _layers_in(program, content, "layers")
    elif layer.slots.get("@outputs") is not None:
        yield from _of_graph(program, layer.slots["@outputs"])
    elif program.kind_of(layer) in _WRAPPERS:
        yield from _layers_in(program, tuple(config.get(name) for name in ("layer", "cell", "backward_layer")), "layer")
    elif not program.kind_of(layer):  # a class of the file's own
        for name, value in layer.slots.items():
            if not name.startswith("@") and name not in _OWN:
                yield from _layers_in(program, value, name)


def _layers_in(program: Program, value: Value, name: str) -> Parts:
    if isinstance(value, Unknown):
        if not value.alts or value.absent or not all(map(is_constant, value.alts)):
            yield name
    elif _is_layer(program, value) and isinstance(value, Obj):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _layers_in(program, item, name)
    elif isinstance(value, Obj) and value.kind in ("list", "dict"):
        content = content_of(value)
        yield from _layers_in(program, tuple(content.map.values()) if isinstance(content, Items) else content, name)


def _of_graph(program: Program, outputs: Value) -> Parts:
    """The layers that made arrays, those that are nearer to the input first."""
    found: list[Obj] = []
    seen: set[int] = set()
    stack = [(item, False) for item in program.tensors_in(outputs)]
    while stack:
        tensor, done = stack.pop()
        graph = tensor.slots.get("@made") if isinstance(tensor, Obj) else None
        if done and isinstance(graph, Graph):
            found.append(graph.layer)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            if isinstance(graph, Graph):
                stack += [(tensor, True), *((item, False) for item in graph.inputs)]
            elif isinstance(tensor, Unknown):
                yield "outputs"
    yield from found


def _modules(program: Program, layer: Obj) -> list[FoundModule]:
    """All that is known of a layer itself; of one whose weights are there twice, two."""
    kind = program.kind_of(layer)
    name = layer.slots.get("name")
    path = name if isinstance(name, str) else ""
    lstm = layer.slots.get("@name") if "@lstm" in layer.slots else None
    if isinstance(lstm, str):
        return [FoundModule(path, kind, kind, lstm=lstm)]
    open_ = tuple(part for part in _parts(program, layer) if isinstance(part, str))
    changed = "@changed" in layer.slots or any(
        isinstance(program.lookup(layer.cls, method), Function) and not _is_ours(program.lookup(layer.cls, method))
        for method in ("build", "add_weight")
    )
    if not kind or kind in ("Sequential", "Model", *_WRAPPERS):
        own = layer.cls.name if isinstance(layer.cls, Class) else ""
        return [FoundModule(path, own, own, open=open_, whole=not changed)]
    settings = settings_of(program, layer, kind)
    weights = None if settings is None else keras_weights(kind, settings)
    times = 2 if layer.slots.get("@twice") is True else 1
    return [FoundModule(path, kind, _text(kind, settings), weights, settings=settings or {})] * times


def _is_ours(value: Value) -> bool:
    return isinstance(value, Function) and value.native


def settings_of(program: Program, layer: Obj, kind: str) -> dict[str, Setting] | None:
    """The arguments of a layer that are known, and `features`, the width of its first input; None if it has others."""
    config = program.config_of(layer)
    if config is None:
        return None
    found: dict[str, Setting] = {}
    for name, value in config.items():
        if isinstance(value, bool | int | float | str | None):
            found[name] = value
        elif isinstance(value, tuple) and all(isinstance(size, int) for size in value):
            found[name] = tuple(int(size) for size in value if isinstance(size, int))
        else:
            found[name] = "?"  # a shape that it decides is not known
    axes = int(kind[4]) if kind.startswith("Conv") and kind[4:5].isdigit() else 1
    size = found.get("kernel_size")
    if axes > 1 and isinstance(size, int):
        found["kernel_size"] = (size,) * axes
    features = layer.slots.get("@features")
    if isinstance(features, int):
        found["features"] = int(features)
    return found


def _text(kind: str, settings: dict[str, Setting] | None) -> str:
    """A layer with its arguments: `Dense(10)`."""
    entry = KERAS_LAYERS.get(kind)
    names = entry.settings if entry else ()
    given = [repr(settings[name]) for name in names if settings and name in settings]
    return f"{kind}({', '.join(given)})"
