"""Recurrent modules that a file of PyTorch describes: whole pickled modules, and TorchScript's code.

Whole modules have their hyperparameters as attributes. A TorchScript archive has them in its code, as text: a scripted
module as `hidden_size : Final[int] = 4`, a traced one in its call of `torch.lstm`. That text is searched, never run.

Source: torch 2.13.0 (torch/nn/modules/rnn.py; torch/ao/nn/quantized/dynamic/modules/rnn.py; `torch.jit.script`,
`torch.jit.trace` and `torch.jit.freeze`), run.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from lstmcalc.errors import shorten
from lstmcalc.readers.files.tensors import Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.pickles.records import Table, text_of
from lstmcalc.readers.pickles.trees import Module

_SETTINGS: Final[Mapping[str, tuple[type, ...]]] = {
    "input_size": (int,),
    "hidden_size": (int,),
    "num_layers": (int,),
    "bias": (bool,),
    "batch_first": (bool,),
    "dropout": (float, int),
    "bidirectional": (bool,),
    "proj_size": (int,),
}
_CELL_SETTINGS: Final = ("input_size", "hidden_size", "bias")
_MODES: Final = {"LSTM": "LSTM", "GRU": "GRU", "RNN_TANH": "RNN", "RNN_RELU": "RNN"}
_CELLS: Final = ("LSTMCell", "GRUCell", "RNNCell")
_PARAMETER: Final = r"(?:weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_l\d{1,9}(?:_reverse)?)?"
_CHANGED: Final = r"(?:weight_[ih]h|bias_[ih]h|weight_hr)(?:_l\d{1,9}(?:_reverse)?)?_(?:orig|u)"
_QUANTIZED: Final = "quantized.dynamic.modules.rnn."
_RNN: Final = "torch.nn.modules.rnn."
_MANGLED: Final = r"\.___torch_mangle_\d+"

Code = Callable[[str], str]  # from a TorchScript class to the text of the file with its code; empty if there is none


def stated_modules(modules: Iterable[Module], code: Code = lambda _: "") -> tuple[Found, ...]:
    """The recurrent modules among these.

    Args:
        modules: All of a file.
        code: Where the code of a class of a TorchScript archive is.
    """
    coded: dict[str, Table] = {}  # by class, of which there are few where the modules are many
    found = []
    for module in modules:
        kind = re.sub(_MANGLED, "", module.kind)
        if kind.startswith(f"__torch__.{_RNN}") and module.kind not in coded:
            coded[module.kind] = _in_code(module.kind, code(module.kind))
        scripted = kind.startswith("__torch__.")
        attributes = coded.get(module.kind, Table()) if scripted else module.attributes
        found.append(_stated_module(module, kind.removeprefix("__torch__."), attributes, scripted=scripted))
    return tuple(stated for stated in found if stated is not None)


def _stated_module(module: Module, kind: str, attributes: Table, *, scripted: bool) -> Found | None:
    name = _kind_of(kind, attributes, scripted=scripted)
    if name is None:
        return None
    cell = name in _CELLS
    fields, odd = _fields(attributes, _CELL_SETTINGS if cell else tuple(_SETTINGS))
    own = not kind.startswith(_RNN) and _QUANTIZED not in kind
    notes = [f"its class is {kind}: what that computes beyond an {name} is not known"] if own else []
    named = {key: module.inside(key) for key in _parameters(module) if re.fullmatch(_PARAMETER, key)}
    return Found(
        module.path,
        "pytorch-cell" if cell else "pytorch",
        kind=name,
        layer=settings_of(fields),
        notes=(*notes, *odd),
        unmodelled=tuple(_unmodelled_parts(module, kind)),
        weights=Weights(named),
        quantized=_quantized_as(module, name) if _QUANTIZED in kind else "",
    )


def _quantized_as(module: Module, name: str) -> str:
    """The way in which a module's weights are quantized: `pytorch-dynamic` for an LSTM in int8, or its dtype."""
    dtype = getattr(module.attributes.get("dtype"), "name", "unknown")
    return "pytorch-dynamic" if (name, dtype) == ("LSTM", "qint8") else shorten(dtype)[1:-1]


def _kind_of(kind: str, attributes: Table, *, scripted: bool) -> str | None:
    """The kind of a recurrent module, e.g. `LSTM` or `LSTMCell`; None if it is not one."""
    last = kind.rpartition(".")[2]
    if last in _CELLS and (kind.startswith(_RNN) or _QUANTIZED in kind):
        return last
    mode = text_of(attributes.get("mode"))
    if mode in _MODES and ("hidden_size" in attributes or scripted):
        return _MODES[mode]
    return last if kind in (f"{_RNN}LSTM", f"{_RNN}GRU", f"{_RNN}RNN") else None


def _fields(attributes: Table, names: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    """The settings that are stated, and a note on each that has a wrong type."""
    fields: dict[str, object] = {}
    odd = []
    for name in names:
        value = attributes.get(name)
        if type(value) in _SETTINGS[name]:
            fields[name] = value
        elif name in attributes:
            odd.append(f"{name} is not a setting of PyTorch: {shorten(value) if type(value) in (int, str) else '?'}")
    return fields, odd


def _parameters(module: Module) -> Iterator[str]:
    """The names of the module's own parameters that are not None."""
    for key, value in module.parameters.pairs:
        name = text_of(key)
        if name is not None and value is not None:
            yield name


def _unmodelled_parts(module: Module, kind: str) -> Iterator[str]:
    """Weights that are not what the parameters' names say: quantized, parametrized, or made of other tensors.

    Not weights that are normalised, or stored before dropout: `readers.recognise.reparametrized` computes these.
    """
    if _QUANTIZED in kind:
        dtype = module.attributes.get("dtype")
        yield f"weights = {shorten(getattr(dtype, 'name', 'quantized'), 20)[1:-1]}"
    changed = [name for name in _parameters(module) if re.fullmatch(_CHANGED, name)]
    inner = module.attributes.get("_modules")
    if isinstance(inner, Table) and "parametrizations" in inner:
        yield "parametrizations = of its weights"
    elif changed:
        yield f"weights made of = {', '.join(changed[:2])}"


# --- TorchScript -----------------------------------------------------------------------------------------------------

_FINAL: Final = r"(?m)^  (\w{1,40}) : Final\[(?:int|bool|float|str)\] = (\S{1,40})$"
_VALUES: Final = {"True": True, "False": False}
_TAIL: Final = (
    "bias",
    "num_layers",
    "dropout",
    "train",
    "bidirectional",
    "batch_first",
)  # last arguments of torch.lstm
_CALLS: Final = {
    "torch.lstm(": "LSTM",
    "torch.gru(": "GRU",
    "torch.rnn_tanh(": "RNN_TANH",
    "torch.rnn_relu(": "RNN_RELU",
}
_MAX_CALLS, _MAX_LIST = 200, 100_000  # calls, and characters of a list, that are searched in hostile code
_CONSTANT: Final = r"CONSTANTS\.c\d{1,9}"


def _in_code(kind: str, text: str) -> Table:
    """The settings of a class in TorchScript's code: its constants, else those of its call of `torch.lstm`."""
    _, begun, body = text.partition(f"class {kind.rpartition('.')[2]}(Module):\n")
    body = body.partition("\nclass ")[0] if begun else ""
    constants = [(name, _literal(value)) for name, value in re.findall(_FINAL, body)]
    return Table(constants) if constants else next((settings for settings, _ in torch_calls(body)), Table())


def torch_calls(text: str) -> Iterator[tuple[Table, str]]:
    """The settings of each call of `torch.lstm` and the like, and the text before them, which ends with the weights.

    Calls for packed sequences end without `batch_first` and are skipped.
    """
    for line in text.splitlines():
        for call, mode in _CALLS.items():
            _, found, rest = line.partition(call)
            *others, last = rest.rsplit(")", 1)
            parts = others[0].rsplit(", ", len(_TAIL)) if others and not last.strip() else []
            if not found or len(parts) != len(_TAIL) + 1 or not parts[2].isdigit():
                continue
            settings = [(name, _literal(part)) for name, part in zip(_TAIL, parts[1:], strict=True) if name != "train"]
            yield Table([("mode", mode), *settings]), parts[0]


def _literal(text: str) -> Any:  # noqa: ANN401  # a Boolean, a number or text
    if text in _VALUES:
        return _VALUES[text]
    if text.startswith('"'):
        return text.strip('"')
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def frozen_modules(text: str) -> Iterator[Found]:
    """The recurrent modules of a frozen TorchScript archive: calls whose weights are constants.

    Args:
        text: The code of the archive.
    """
    for number, (settings, given) in enumerate(islice(torch_calls(text), _MAX_CALLS)):
        name, listed = _weight_list(text, given)
        constants = re.findall(_CONSTANT, listed) if len(listed) <= _MAX_LIST else []
        fields, _ = _fields(settings, tuple(_SETTINGS))
        names = list(_flat_names(fields, len(constants)))
        mode = text_of(settings.get("mode")) or ""
        if not constants or len(names) != len(constants):
            continue
        path = name or f"torch.lstm.{number}"
        named = dict(zip(names, constants, strict=True))
        yield Found(path, "pytorch", kind=_MODES[mode], layer=settings_of(fields), weights=Weights(named))


def _weight_list(text: str, given: str) -> tuple[str, str]:
    """The path of the module that a call belongs to, if the code has it, and the list of its weights."""
    if given.endswith("]"):
        return "", given.rpartition("[")[2]
    variable = given.rpartition(", ")[2]
    if not variable.isidentifier():
        return "", ""
    line = text.partition(f" {variable} = [")[2].partition("]")[0]
    path = variable.removeprefix("self_").removesuffix("__flat_weights")
    return (path.replace("__", ".") if path != variable else ""), line


def _flat_names(fields: Mapping[str, object], count: int) -> Iterator[str]:
    """PyTorch's names of `count` weights, in the order of its flat list."""
    layers, directions = fields.get("num_layers"), 2 if fields.get("bidirectional") is True else 1
    if not isinstance(layers, int) or not 0 < layers * directions <= count:
        return
    each = count // (layers * directions)
    bias = fields.get("bias") is True
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if bias else ("weight_ih", "weight_hh")
    kinds = (*kinds, "weight_hr") if each == len(kinds) + 1 else kinds
    for layer in range(layers):
        for suffix in ("", "_reverse")[:directions]:
            yield from (f"{kind}_l{layer}{suffix}" for kind in kinds)
