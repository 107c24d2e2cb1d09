"""The modules of a model, and what `load_state_dict`, strict, says of a state dict: the same words in the same order.

Source: torch 2.13.0, torch/nn/modules/module.py (`load_state_dict`, `_load_from_state_dict`), batchnorm.py and
instancenorm.py (`_load_from_state_dict`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.frameworks.layers import LAYERS, own_tensors, printed_settings
from lstmcalc.readers.files.tensors import Described
from lstmcalc.readers.found import FoundModel
from lstmcalc.readers.text.modules import Printed, PrintedModel

Shape: TypeAlias = tuple[int, ...]
State: TypeAlias = Mapping[str, "Shape | str"]  # the shape of each tensor; of anything else, the name of its class


class Module(NamedTuple):
    """A module of a model."""

    path: str  # empty for the model itself
    kind: str  # its class; empty if unknown
    own: Mapping[str, Shape]  # its own parameters and buffers, in the order of its `state_dict`
    whole: bool = True  # False if it may have more of them, as a class of the user's own may
    tracks: bool | None = None  # `track_running_stats`, of a class that has it

    def key(self, name: str) -> str:
        """The key of something in the module."""
        return f"{self.path}.{name}" if self.path else name


class Model(NamedTuple):
    """A model that a state dict is loaded into."""

    kind: str  # its class; empty if unknown
    modules: Sequence[Module]  # depth first, the model itself first
    partial: bool = False  # True if there may be other modules: only what is here was read

    def tensors(self) -> dict[str, Shape]:
        """The tensors of the model, by their keys."""
        return {module.key(name): shape for module in self.modules for name, shape in module.own.items()}


def model_of_printed(printed: PrintedModel, lstms: Iterator[Mapping[str, Shape]]) -> Model:
    """The model that a text shows; `lstms` has the parameters of its LSTMs and LSTMCells, in their order."""
    modules = []
    inside: dict[str, list[Printed]] = {}  # by path
    for item in printed.modules:
        inside.setdefault(item.path.rpartition(".")[0], []).append(item)
    for item in printed.modules:
        settings = printed_settings(item.kind, item.arguments)
        if item.kind == "MultiheadAttention":  # of which only the output's projection is printed
            heads = [child for child in inside.get(item.path, ()) if child.path.endswith("out_proj")]
            inner = printed_settings(heads[0].kind, heads[0].arguments) if heads else {}
            settings = {"embed_dim": inner.get("in_features"), "bias": inner.get("bias", True)}
        kept = next(lstms, None) if item.is_lstm else own_tensors(item.kind, settings)
        tracks = settings.get("track_running_stats") if "Norm" in item.kind and "Layer" not in item.kind else None
        whole = kept is not None and not item.kind.startswith("Parametrized")
        modules.append(Module(item.path, item.kind, kept or {}, whole, tracks if isinstance(tracks, bool) else None))
    return Model(printed.kind, modules)


def model_of_state(state: State, kind: str = "") -> Model:
    """The model that a state dict was taken from, as far as its keys tell."""
    own: dict[str, dict[str, Shape]] = {"": {}}
    for key, shape in state.items():
        path, _, name = key.rpartition(".")
        for above in _paths_above(path):
            own.setdefault(above, {})
        if not isinstance(shape, str):
            own[path][name] = shape
    return Model(kind, _depth_first(own))


def model_of_memory(described: Sequence[Described], state: State) -> Model:
    """The model that is in memory; `state` has the shapes of its tensors."""
    modules = []
    for item in described:
        begin = f"{item.path}." if item.path else ""
        shapes = {name: state[f"{begin}{name}"] for name in item.own}
        own = {name: shape for name, shape in shapes.items() if not isinstance(shape, str)}
        modules.append(Module(item.path, item.kind, own, item.known, item.tracks))
    return Model(described[0].kind, modules)


def model_of_code(found: FoundModel, lstms: Mapping[str, Mapping[str, Shape]]) -> Model:
    """The model that code makes; `lstms` has the parameters of its LSTMs by their names."""
    modules: list[Module] = []
    for item in found.modules:
        own = lstms.get(item.lstm) if item.lstm else item.tensors
        shapes = {name: shape for name, shape in (own or {}).items() if shape is not None}
        whole = item.whole and not item.open and own is not None and len(shapes) == len(own)
        tracks = None
        if "track_running_stats" in (defaults := LAYERS[item.kind].defaults if item.kind in LAYERS else {}):
            tracks = bool(item.settings.get("track_running_stats", defaults["track_running_stats"]))
        inside: dict[str, dict[str, Shape]] = {"": {}}  # of modules that a layer makes itself
        for name, shape in shapes.items():
            path, _, last = name.rpartition(".")
            inside.setdefault(path, {})[last] = shape
        for path, tensors in inside.items():
            place = ".".join(filter(None, (item.path, path)))
            modules.append(Module(place, "" if path else item.kind, tensors, whole, None if path else tracks))
    return Model(found.kind, modules, partial=not found.whole or not all(module.whole for module in modules))


def _paths_above(path: str) -> Iterator[str]:
    """The paths of the modules around a path, and itself, from the outermost."""
    parts = path.split(".") if path else []
    yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _depth_first(own: Mapping[str, Mapping[str, Shape]]) -> list[Module]:
    """The modules depth first, those in one module in the order in which they were met."""
    inside: dict[str, list[str]] = {}
    for path in own:
        if path:
            inside.setdefault(path.rpartition(".")[0], []).append(path)
    modules, pending = [], [""]
    while pending:
        path = pending.pop()
        tracks = True if {"running_mean", "running_var", "num_batches_tracked"} <= own[path].keys() else None
        modules.append(Module(path, "", own[path], tracks=tracks))
        pending += reversed(inside.get(path, []))
    return modules


class Loaded(NamedTuple):
    """The findings of `load_state_dict`."""

    missing: Sequence[str]  # keys of the model
    unexpected: Sequence[str]  # keys of the state dict
    mismatched: Sequence[str]  # keys of tensors of other sizes, or that are none
    errors: Sequence[str]  # the lines on these, and on other faults

    @property
    def fine(self) -> bool:
        """True if nothing that was compared prevents loading."""
        return not (self.missing or self.unexpected or self.errors)

    def lines(self, kind: str) -> list[str]:
        """PyTorch's message, line by line; empty if it loads. The head needs the class of the model."""
        listed = (("Missing", self.missing), ("Unexpected", self.unexpected))
        lines = [f"{what} key(s) in state_dict: {_quoted(names)}. " for what, names in listed if names]
        lines += self.errors
        return [*([f"Error(s) in loading state_dict for {kind}:"] if kind else []), *lines] if lines else []


def load(
    model: Model, state: State, versions: Mapping[str, int] | None = None, ignored: Collection[str] = ()
) -> Loaded:
    """The findings of `load_state_dict` when a state dict is loaded into a model.

    Args:
        model: The model.
        state: The state dict.
        versions: The versions of its modules' classes by path; None if it has lost them.
        ignored: Keys of which nothing is said, because it is not known whether the model has them.
    """
    state, versions = dict(state), versions or {}
    missing, mismatched, errors = list[str](), list[str](), list[str]()
    _take_old_forms(model, state, versions)
    strange: dict[str, list[str]] = {}
    for key, module in _strange_keys(model, state):
        if key not in ignored and not (model.partial and not module.whole):
            strange.setdefault(module.path, []).append(key)
    unexpected = []
    for module in model.modules:
        if module.tracks is False and versions.get(module.path) is None and module.kind.startswith("Instance"):
            stats = [key for name in ("running_mean", "running_var") if (key := module.key(name)) in state]
            errors += [_stats_line(module.kind, stats)] if stats else []
            strange[module.path] = [key for key in strange.get(module.path, ()) if key not in stats]
        for name, shape in module.own.items():
            key = module.key(name)
            if key not in state:
                missing.append(key)
                continue
            fault = _fault(key, state[key], shape)
            errors += [fault] if fault else []
            mismatched += [key] if fault else []
        unexpected += strange.get(module.path, [])
    return Loaded(missing, unexpected, mismatched, errors)


def _take_old_forms(model: Model, state: dict[str, Shape | str], versions: Mapping[str, int]) -> None:
    """Add the count of batches that state dicts of version 1 have not, as PyTorch does."""
    for module in model.modules:
        if module.tracks and versions.get(module.path, 1) < 2 and "num_batches_tracked" in module.own:  # noqa: PLR2004
            state.setdefault(module.key("num_batches_tracked"), ())


def unknown_keys(model: Model, state: State) -> list[str]:
    """The keys of tensors that the model may have: in modules of classes whose own parameters were not seen.

    A module of which the state dict has other tensors, but none of those that the model shows, is another one.
    """
    found = [
        (key, module)
        for key, module in _strange_keys(model, state)
        if not isinstance(state[key], str) and not module.whole and (model.partial or _is_own(key, module))
    ]
    if not found:
        return []
    paths = {module.path for _, module in found}
    shown, there = set[str](), set[str]()
    for key in model.tensors():
        above = paths.intersection(("", *_paths_above(key)))
        shown |= above
        there |= above if key in state else set()
    return [key for key, module in found if module.path in there or module.path not in shown]


# Never a parameter of a class of the user's: a buffer of torch.optim.swa_utils.AveragedModel.
COUNTER: Final = "n_averaged"


def _is_own(key: str, module: Module) -> bool:
    """True if a key is that of a tensor of the module itself."""
    return key != COUNTER and key.rpartition(".")[0] == module.path


def _strange_keys(model: Model, state: State) -> Iterator[tuple[str, Module]]:
    """The keys that no module has, each with the innermost module on its path."""
    known = {module.path: module for module in model.modules}
    for key in state:
        path = ""
        for part in key.split(".")[:-1]:
            inner = f"{path}.{part}" if path else part
            if inner not in known:
                break
            path = inner
        module = known[path]
        if (key[len(path) + 1 :] if path else key) not in module.own:
            yield key, module


def _fault(key: str, found: Shape | str, shape: Shape) -> str:
    """The line on a tensor that cannot be copied; empty if it can."""
    if isinstance(found, str):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received <class '{found}'>"
        )
    if found == shape or (shape == () and found == (1,)):  # as versions before 0.4 stored a number
        return ""
    return (
        f"size mismatch for {key}: copying a param with shape {_size(found)} from checkpoint, "
        f"the shape in current model is {_size(shape)}."
    )


def _stats_line(kind: str, keys: Sequence[str]) -> str:
    names = " and ".join(f'"{key}"' for key in keys)
    return (
        f"Unexpected running stats buffer(s) {names} for {kind} with track_running_stats=False. If state_dict is a "
        "checkpoint saved before 0.4.0, this may be expected because "
        f"{kind} does not track running stats by default since 0.4.0. Please remove these keys from state_dict. If "
        f"the running stats are actually needed, instead set track_running_stats=True in {kind} to enable them. See "
        f"the documentation of {kind} for details."
    )


def _size(shape: Iterable[int]) -> str:
    """A shape as PyTorch prints it."""
    return f"torch.Size({list(shape)})"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


ASSUMED: Final = "kdim, vdim and add_bias_kv of MultiheadAttention are not printed: compared with PyTorch's defaults"
