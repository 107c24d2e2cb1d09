"""Modules and state dicts of PyTorch in memory, and TorchScript: what they have, without a call of their `forward`.

Source: torch 2.13.0, run (torch/nn/modules/module.py; torch/jit/_script.py; torch/nn/utils/parametrize.py;
torch/ao/nn/quantized/dynamic/modules/rnn.py).
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.files.tensors import Described, StateDict, Stored, WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.live.arrays import is_array, is_unbuilt, stored_of
from lstmcalc.readers.live.classes import attributes_of, class_name, class_names, full_name
from lstmcalc.readers.pickles.records import Global, Table
from lstmcalc.readers.pickles.trees import Module, join_path
from lstmcalc.readers.torch.modules import frozen_modules, stated_modules, torch_calls
from lstmcalc.spec.words import counted, with_rest

MODULE: Final = "torch.nn.modules.module.Module"
_SCRIPT: Final = "torch.jit._script.ScriptModule"
_RNN: Final = "torch.nn.modules.rnn."
_QUANTIZED: Final = "torch.ao.nn.quantized.dynamic.modules.rnn."
_WEIGHT_NORM: Final = "torch.nn.utils.parametrizations._WeightNorm"
_SETTINGS: Final = (
    *("mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"),
    "proj_size",
)
_HOOKS: Final = ("_forward_hooks", "_forward_pre_hooks")
_LISTED: Final = 3  # names in a note
_MAX_MODULES: Final = 100_000
_LONGEST: Final = 50  # characters of settings that are shown


class _Parts(NamedTuple):
    """The collected parts of a model."""

    tensors: dict[str, Stored]  # by their paths, as a state dict has them: a shared module at each of its paths
    modules: list[Module]
    described: list[Described]
    buffers: set[str]
    repeats: set[str]  # paths of modules that were met before
    frozen: dict[int, Any]  # parameters that are not trained, by identity
    notes: list[str]


def is_module(value: object) -> bool:
    """True for a module of PyTorch."""
    return MODULE in class_names(value)


def read_module(value: Any) -> WeightFile:  # noqa: ANN401  # a module
    """A module: its LSTMs with their settings, its parameters and buffers, and its modules."""
    parts = _Parts({}, [], [], set(), set(), {}, [])
    _walk(value, "", parts, set(), frozenset())
    value = _script_of(value)
    scripted = _SCRIPT in class_names(value)
    stated = stated_modules(parts.modules)
    if scripted and not parts.tensors:
        stated += tuple(_frozen(value, parts))
    states = (StateDict((), parts.tensors, _versions(value)),)
    return WeightFile(
        "TorchScript in memory" if scripted else "PyTorch module",
        tuple(parts.tensors.values()),
        stated,
        tuple(_notes(parts)),
        dictionaries=((),),
        kind="torch",
        state_dicts=states,
        buffers=frozenset(parts.buffers),
        described=tuple(parts.described),
        repeats=frozenset(parts.repeats),
        code="state = model.state_dict()",
    )


def _walk(module: Any, path: str, parts: _Parts, met: set[int], above: frozenset[int]) -> None:  # noqa: ANN401  # a module
    """Collect a module and those in it, depth first, at each of its paths; `above` are the modules around it."""
    module = _script_of(module)
    if id(module) in above:  # which has no state dict
        return
    if len(parts.described) > _MAX_MODULES:
        raise SourceError("too many modules", f"at most {_MAX_MODULES:,}, a shared one at each of its paths")
    if id(module) in met:
        parts.repeats.add(path)
    parameters, buffers = _held(module, "_parameters"), _held(module, "_buffers")
    unsaved = attributes_of(module).get("_non_persistent_buffers_set") or ()
    saved = {name: value for name, value in buffers.items() if name not in unsaved}
    for name, value in (*parameters.items(), *saved.items()):
        if is_unbuilt(value):
            continue
        whole = join_path(path, name)
        stored = stored_of(whole, value, None if is_script(module) else id(value))
        parts.tensors[whole] = stored
        if name in saved:
            parts.buffers.add(whole)
        elif value.requires_grad is False:
            parts.frozen[id(value)] = value
    parts.described.append(_described(module, path, {**parameters, **saved}))
    parts.modules.append(_module(module, path, parameters))
    if id(module) not in met:
        parts.notes.extend(_call_notes(module, path or class_name(module)))
    met.add(id(module))
    for name, inner in _held(module, "_modules").items():
        _walk(inner, join_path(path, name), parts, met, above | {id(module)})


def modules_in(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # a module
    """A module and those in it, each once, with their paths, depth first."""
    pending, met = [("", value)], set[int]()
    while pending:
        path, module = pending.pop()
        module = _script_of(module)
        if id(module) not in met:
            met.add(id(module))
            yield path, module
            pending += reversed([(join_path(path, name), item) for name, item in _held(module, "_modules").items()])


def _described(module: Any, path: str, held: Mapping[str, Any]) -> Described:  # noqa: ANN401  # a module
    """A module with its own tensors; those of a lazy or a quantized one have no shapes."""
    text = _text_of(module)
    own = tuple(name for name, value in held.items() if not is_unbuilt(value))
    tracks = attributes_of(module).get("track_running_stats")
    packed = "_packed_params" in _held(module, "_modules")
    known = len(own) == len(held) and not packed
    return Described(path, text.partition("(")[0], text, own, tracks if isinstance(tracks, bool) else None, known)


def _held(module: Any, name: str) -> dict[str, Any]:  # noqa: ANN401  # a module
    """The parameters, buffers or modules of a module, without those that are None."""
    held = attributes_of(module).get(name)
    return {key: value for key, value in held.items() if value is not None} if held is not None else {}


def _script_of(module: Any) -> Any:  # noqa: ANN401  # a module
    """The module of TorchScript that a traced one stands for; any other as it is."""
    return attributes_of(module).get("_actual_script_module", module)


def is_script(module: object) -> bool:
    """True for a module of TorchScript."""
    return _SCRIPT in class_names(module)


def _kind_of(module: Any) -> str:  # noqa: ANN401  # a module
    """The full name of a module's class; of TorchScript that of the class it was made of."""
    if is_script(module):
        with suppress(Exception):  # the binding to C++ may be without a type
            name: str = attributes_of(module)["_c"]._type().qualified_name()  # noqa: SLF001  # TorchScript's own
            return name.removeprefix("__torch__.")
    return full_name(type(module))


def _text_of(module: Any) -> str:  # noqa: ANN401  # a module
    """A module's class; of PyTorch's own, with its settings."""
    if is_script(module):
        return _kind_of(module).rpartition(".")[2]
    name = class_name(module)
    if full_name(type(module)).startswith("torch.nn."):
        with suppress(Exception):  # a module that was taken apart
            settings = module.extra_repr()
            if settings and "\n" not in settings and len(settings) <= _LONGEST:
                return f"{name}({settings})"
    return name


def _module(module: Any, path: str, parameters: Mapping[str, Any]) -> Module:  # noqa: ANN401  # a module
    """A module as a whole one in a file has it."""
    kind, own = _kind_of(module), attributes_of(module)
    settings = _script_settings(module) if is_script(module) else {name: own.get(name) for name in _SETTINGS}
    inner = _held(module, "_modules")
    if inner.get("parametrizations") is not None:
        if _is_weight_norm(inner["parametrizations"]):  # the readers of weights compute these
            inner = {name: value for name, value in inner.items() if name != "parametrizations"}
        kind = next((name for name in class_names(module) if "Parametrized" not in name), kind)
    pairs: list[tuple[Any, Any]] = [(name, value) for name, value in settings.items() if value is not None]
    if _QUANTIZED in " ".join(class_names(module)):
        pairs.append(("dtype", Global("torch", str(own.get("dtype")).rpartition(".")[2])))
    pairs.append(("_modules", Table([(name, None) for name in inner])))
    kinds = [name for name in class_names(module) if name.startswith(_RNN) and name.endswith("Cell")]
    kind = kinds[0] if kinds else kind  # a class of the user's that is a cell
    return Module(path, kind, Table(pairs), Table(list(parameters.items())))


def _is_weight_norm(parametrizations: Any) -> bool:  # noqa: ANN401  # a module
    """True if each of a module's parametrizations is that of weight_norm alone."""
    lists = list(_held(parametrizations, "_modules").values())
    inner = [module for each in lists for module in _held(each, "_modules").values()]
    return len(inner) == len(lists) and all(_WEIGHT_NORM in class_names(module) for module in inner)


def _script_settings(module: Any) -> dict[str, Any]:  # noqa: ANN401  # a module of TorchScript
    """The settings of a scripted module, which are its constants; of a traced one, those of its call."""
    found = {name: value for name in _SETTINGS if isinstance(value := _constant(module, name), int | float | str)}
    if "hidden_size" not in found:
        with suppress(Exception):  # a module without code
            found = {**found, **dict(next((table.pairs for table, _ in torch_calls(module.code)), []))}
    return found


def _constant(module: Any, name: str) -> Any:  # noqa: ANN401  # as above
    try:
        return getattr(module, name, None)
    except RuntimeError:  # as TorchScript says that there is no such attribute
        return None


def _frozen(module: Any, parts: _Parts) -> Iterator[Found]:  # noqa: ANN401  # a module of TorchScript
    """The LSTMs of a module whose parameters were frozen into constants of its code."""
    try:
        code, constants = module.code_with_constants
        held = dict(constants.const_mapping)
    except Exception:  # a module without code  # noqa: BLE001
        return
    for name, value in held.items():
        if is_array(value):
            parts.tensors[f"CONSTANTS.{name}"] = stored_of(f"CONSTANTS.{name}", value)
    for item in frozen_modules(code):
        if parts.tensors.keys() >= {*item.stored.named.values()}:
            yield item


def _versions(value: Any) -> dict[str, int]:  # noqa: ANN401  # a module
    """The versions of the classes of a module and of those in it, by path, as `state_dict` has them."""
    versions = ((path, getattr(type(module), "_version", None)) for path, module in modules_in(value))
    return {path: version for path, version in versions if isinstance(version, int)}


def _call_notes(module: Any, name: str) -> Iterator[str]:  # noqa: ANN401  # a module
    """A note on an LSTM whose calls do more than those of its class, as far as that is known."""
    kinds, own = class_names(module), attributes_of(module)
    cell = f"{_RNN}LSTMCell" in kinds
    if own.get("mode") != "LSTM" and not cell:
        return
    if cell and not kinds[0].startswith(_RNN):
        yield f"the class of {name} is {kinds[0]}: what that computes beyond an LSTMCell is not known"
    hooks = [hook for held in _HOOKS for hook in (own.get(held) or {}).values()]
    foreign = [hook for hook in hooks if not full_name(type(hook)).startswith("torch.")]
    if foreign:
        yield f"{name} has {counted(len(foreign), 'hook')} on its calls: what they change is not known"
    if "forward" in own and not is_script(module):
        yield f"forward of {name} was replaced: what it computes is not known"


def _notes(parts: _Parts) -> Iterator[str]:
    yield from parts.notes
    if parts.frozen:
        count = sum(value.numel() for value in parts.frozen.values())
        names = [name for name, stored in parts.tensors.items() if stored.place in parts.frozen]
        yield f"{count:,} parameters are frozen (requires_grad is False): {with_rest(names, _LISTED)}"
    unbuilt = [item.path or item.kind for item in parts.described if not item.known and item.kind.startswith("Lazy")]
    if unbuilt:
        yield f"not built, so that its parameters have no shapes: {with_rest(unbuilt, _LISTED)}"
