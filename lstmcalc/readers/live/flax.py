"""Modules of Flax in memory: NNX with its variables, Linen with its hyperparameters, and with variables if it is bound.

A module of Linen makes its layers when it is first called, so that one that is not bound has those of its fields alone.

Source: flax 0.12.8, run (flax/linen/module.py, recurrent.py; flax/nnx/module.py, nn/recurrent.py, variablelib.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lstmcalc.errors import NoLstmError, SourceError
from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.frameworks.constructors import CONSTRUCTORS, Given, read_arguments
from lstmcalc.frameworks.storage import Storage
from lstmcalc.readers.files.tensors import Described, Stored, WeightFile, Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.live.arrays import dtype_of, is_array, stored_of, unboxed
from lstmcalc.readers.live.classes import attributes_of, class_name, class_names
from lstmcalc.readers.live.dictionaries import read_dictionary
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.provenance import Gap, Pointer
from lstmcalc.spec.words import counted, with_rest

LINEN: Final = "flax.linen.module.Module"
NNX: Final = "flax.nnx.module.Module"
_VARIABLE: Final = "flax.nnx.variablelib.Variable"
_PARAM: Final = "flax.nnx.variablelib.Param"
_WIDTH: Final = Gap("nothing: Flax takes it from the data")
_LISTED: Final = 3  # names in a note
_MAX_DEPTH: Final = 100


def is_linen(value: object) -> bool:
    """True for a module of Linen."""
    return LINEN in class_names(value)


def is_nnx(value: object) -> bool:
    """True for a module of NNX."""
    return NNX in class_names(value)


# --- Linen


def read_linen(value: Any) -> WeightFile:  # noqa: ANN401  # a module of Linen
    """A module of Linen: its variables if it is bound to some, else the LSTMs among its fields."""
    scope = attributes_of(value).get("scope")
    variables = value.variables if scope is not None else None
    if isinstance(variables, Mapping) and variables.get("params"):
        return read_dictionary(variables)._replace(format="Flax module")
    modules = list(_linen_modules(value, (), 0))
    found = [_linen_cell(path, module) for path, module in modules if _constructor(module) is not None]
    if class_names(value)[0].startswith("flax.linen.recurrent.") and "cell" not in attributes_of(value) and not found:
        raise NoLstmError(
            f"{class_name(value)} is not an LSTM", "an LSTMCell or an OptimizedLSTMCell", class_name(value)
        )
    if not found:
        raise SourceError(
            f"no LSTM is among the fields of {class_name(value)}",
            "a cell, or its variables",
            "a module of Linen, which makes its layers when it is initialised",
            "give the variables: the result of model.init(...)",
        )
    around = ("flax.linen.recurrent.", "flax.linen.combinators.Sequential")
    described = [
        Described(".".join(path) or class_name(module), class_name(module), class_name(module), known=False)
        for path, module in modules
        if _constructor(module) is None and not class_names(module)[0].startswith(around)
    ]
    return WeightFile("Flax module, not initialised", (), tuple(found), kind="flax", described=tuple(described))


def _linen_modules(value: Any, path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401
    """A module and those among its fields, each with its path."""
    if is_linen(value):
        yield path, value
        fields = getattr(type(value), "__dataclass_fields__", {})
        pairs = [(name, attributes_of(value).get(name)) for name in fields if name != "parent"]
    elif isinstance(value, list | tuple):
        pairs = [(str(index), item) for index, item in enumerate(value)]
    elif isinstance(value, Mapping):
        pairs = [(str(name), item) for name, item in value.items()]
    else:
        return
    for name, item in pairs if depth < _MAX_DEPTH else ():
        yield from _linen_modules(item, (*path, name), depth + 1)


def _constructor(module: Any) -> Constructor | None:  # noqa: ANN401  # a module
    """The constructor of a module that is an LSTM's cell; None if it is another one."""
    kinds = class_names(module)
    return next((item for item in CONSTRUCTORS if item.names[-1] in kinds), None)


def _linen_cell(path: Sequence[str], cell: Any) -> Found:  # noqa: ANN401  # a cell
    """An LSTM's cell with its hyperparameters; the width of its input is open."""
    names = [name for name in path if name != "cell"]
    found = _cell(".".join(names) or "lstm", cell)
    return found._replace(gaps={"input_size": _WIDTH}, weights=Weights())


def _cell(name: str, cell: Any) -> Found:  # noqa: ANN401  # a cell of Linen or NNX
    """A cell with what its fields say."""
    constructor = _constructor(cell)
    assert constructor is not None  # noqa: S101  # the caller has looked
    own = attributes_of(cell)
    said = {
        field: Given(_plain(own[field]), Pointer("", ""))
        for field in constructor.arguments
        if own.get(field) is not None and field not in ("rngs", "parent", "name", "dtype")
    }
    reading = read_arguments(constructor, said, None)
    kind, base = class_names(cell)[0], constructor.names[-1]
    note = f"its class is {kind}: what that computes beyond an LSTMCell is not known"
    return Found(
        name,
        constructor.framework,
        layer=reading.layer,
        options=reading.options,
        notes=(*reading.notes, *([note] if kind != base else [])),
        unmodelled=reading.unmodelled,
        kind="LSTMCell",
    )


def _plain(value: Any) -> Any:  # noqa: ANN401  # any setting
    """A setting: of a function its name, of a dtype too."""
    if isinstance(value, bool | int | float | str):
        return value
    return getattr(value, "__name__", None) or getattr(value, "name", None) or str(value)


# --- NNX


def read_nnx(value: Any) -> WeightFile:  # noqa: ANN401  # a module of NNX
    """A module of NNX: its LSTMs with their settings, and its variables."""
    tensors: dict[str, Stored] = {}
    parameters: set[str] = set()
    cells: list[tuple[str, Any]] = []
    for path, item in _graph(value):
        if _VARIABLE not in class_names(item):
            cells.append((path, item))
        elif is_array(inside := unboxed(item)) and not dtype_of(inside).startswith("key<"):
            tensors[path] = stored_of(path, inside, id(item))
            parameters |= {path} if _PARAM in class_names(item) else set()
    stated = tuple(_nnx_cell(path, cell, tensors) for path, cell in cells if _constructor(cell) is not None)
    others = [name for name in tensors if name not in parameters]
    notes = [f"{counted(len(others), 'variable')} are no parameters: {with_rest(others, _LISTED)}"] if others else []
    return WeightFile(
        "Flax module",
        tuple(tensors.values()),
        stated,
        tuple(notes),
        kind="flax",
        buffers=frozenset(others),
    )


def modules_in(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # a module of NNX
    """The cells of a module, each once, with the names that reports have for them."""
    for path, item in _graph(value):
        if _constructor(item) is not None:
            yield _cell_name(path), item


def _cell_name(path: str) -> str:
    """The name of a cell: that of the RNN around it, if it is in one."""
    return "lstm" if path in ("", "cell") else path.removesuffix(".cell")


def _graph(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # a module
    """The modules and variables in a module, each once, with their paths."""
    pending: list[tuple[tuple[str, ...], Any]] = [((), value)]
    met = set[int]()
    while pending:
        path, item = pending.pop()
        kinds = class_names(item)
        held = _VARIABLE in kinds
        if not held and NNX not in kinds and not isinstance(item, list | tuple | dict):
            continue
        if id(item) in met or len(path) > _MAX_DEPTH:
            continue
        met.add(id(item))
        if held or NNX in kinds:
            yield ".".join(path), item
        if held:
            continue
        pairs = enumerate(item) if isinstance(item, list | tuple) else _named(item).items()
        pending += reversed([((*path, str(name)), inner) for name, inner in pairs])


def _named(item: Any) -> Mapping[str, Any]:  # noqa: ANN401  # a module or a dictionary
    if isinstance(item, dict):
        return item
    return {name: inner for name, inner in attributes_of(item).items() if not name.startswith("_pytree__")}


def _nnx_cell(path: str, cell: Any, tensors: Mapping[str, Stored]) -> Found:  # noqa: ANN401  # a cell
    """A cell with its settings and its arrays."""
    found = _cell(_cell_name(path), cell)
    own = attributes_of(cell)
    width, hidden = own.get("in_features"), own.get("hidden_features")
    if not isinstance(width, int) or not isinstance(hidden, int):
        return found
    begin = f"{path}." if path else ""
    listed = Storage(LSTMConfig(width, hidden), found.framework).parameters
    named = {row.name: f"{begin}{row.name.removeprefix('cell.')}" for row in listed}
    kept = {native: name for native, name in named.items() if name in tensors}
    more = settings_of({"bias": any(name.endswith("bias") for name in kept)}, ("bias",))
    return found._replace(layer={**found.layer, **more}, weights=Weights(kept))
