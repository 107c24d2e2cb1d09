"""Any object that a user has in memory: told by the names of its classes, read without a framework, and named.

Not here: the readers of each framework's objects (`torch`, `keras`, `flax`), and of arrays (`dictionaries`, `arrays`).
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from lstmcalc.errors import LstmcalcError, SourceError, UsageError, shorten
from lstmcalc.readers.files.given import Given
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.live.arrays import is_array, stored_of
from lstmcalc.readers.live.classes import class_name, class_names
from lstmcalc.spec.config import LSTMConfig
from lstmcalc.spec.words import and_list

EXPECTED: Final = (
    "a model or layer of PyTorch, Keras or Flax, a state dict, arrays by name, an ONNX model, a file's name, or text"
)
_PROTO: Final = "ModelProto"
_FILES: Final = {  # objects that a file was opened with, and the attributes that lead to its name
    "numpy.lib.npyio.NpzFile": ("zip", "filename"),
    "h5py._hl.files.File": ("filename",),
}


def _text_of_source(value: object) -> str | None:
    """The source as the command line has it: the name of a file, or text; None for an object in memory."""
    if isinstance(value, str):
        return value
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, LSTMConfig):
        return f"nn.{value}"
    steps = next((steps for name, steps in _FILES.items() if name in class_names(value)), ())
    named: Any = value
    for step in steps:
        named = getattr(named, step, None)
    return named if steps and isinstance(named, str) else None


def read_source(value: Any, opened: ExitStack) -> tuple[str, Given | None]:  # noqa: ANN401  # anything
    """The name of a source, and the index of one that is in memory; None for a file's name and for text.

    Args:
        value: The source.
        opened: What is closed when the command has ended, as the file that an ONNX model is written to.

    Raises:
        UsageError: It is nothing that is read.
        SourceError: It cannot be read.
    """
    with _guarded(value):
        text = _text_of_source(value)
        if text is not None:
            return text, None
        read = _reader_of(value)
        if read is None:
            raise _refusal(value)
        path = _written(value, opened) if _is_onnx(value) else ""
        file = read(path or value)
        return _name_of(value, file), Given(file, value, path)


@contextmanager
def _guarded(value: object) -> Iterator[None]:
    """Turn any error of the user's own classes into ours: whatever they have is not for us to know."""
    try:
        yield
    except LstmcalcError:
        raise
    except Exception as error:
        what = f"{class_name(error)}: {error}".partition("\n")[0]
        raise SourceError(f"this {class_name(value)} cannot be read", EXPECTED, shorten(what, 200)[1:-1]) from error


def _reader_of(value: object) -> Callable[[Any], WeightFile] | None:
    """The reader for an object; None if there is none."""
    from lstmcalc.readers.live import dictionaries, flax, keras, torch

    if value is None or isinstance(value, type):
        return None
    readers: tuple[tuple[Callable[[object], bool], Callable[[Any], WeightFile]], ...] = (
        (keras.is_layer, keras.read_layer),  # on PyTorch, it is a module of PyTorch too
        (torch.is_module, torch.read_module),
        (flax.is_nnx, flax.read_nnx),
        (flax.is_linen, flax.read_linen),
        (_is_onnx, _read_onnx),
        (dictionaries.is_handle, dictionaries.read_handle),
        (lambda each: isinstance(each, Mapping), dictionaries.read_dictionary),
    )
    return next((read for is_so, read in readers if is_so(value)), None)


def _is_onnx(value: object) -> bool:
    return class_names(value)[0].endswith(f".{_PROTO}")


def _read_onnx(path: str) -> WeightFile:
    from lstmcalc.readers.onnx.nodes import read_onnx

    return read_onnx(path)._replace(kind="onnx")


def _shown(value: object) -> str:
    """An object as Python shows it; what its class refuses to show is empty."""
    try:
        return shorten(value)
    except Exception:  # noqa: BLE001  # of the user's own class
        return "?"


def _refusal(value: object) -> UsageError:
    """The error on what is no object of a model: nothing, a class, an array, a number."""
    from lstmcalc.readers.live.keras import OLDER

    if value is None:
        return UsageError("there is no model", EXPECTED, "None")
    if isinstance(value, type):
        hint = f"make one: {value.__name__}(...)"
        return UsageError(f"{value.__name__} is a class, and not a model", EXPECTED, _shown(value), hint)
    if any(name.startswith(OLDER) for name in class_names(value)):
        hint = 'save it, and give the file: model.save("model.h5")'
        return UsageError("models of Keras before 3 are not read in memory", EXPECTED, class_names(value)[0], hint)
    if is_array(value):
        hint = "arrays have names: a dictionary of them, as model.state_dict() gives"
        return UsageError("an array alone is no model", EXPECTED, class_name(value), hint)
    return UsageError("objects of this class are not read", EXPECTED, f"{class_name(value)}: {_shown(value)}")


def _written(model: Any, opened: ExitStack) -> str:  # noqa: ANN401  # a ModelProto
    """The name of a temporary file with an ONNX model."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    path = Path(opened.enter_context(TemporaryDirectory()), "model.onnx")
    path.write_bytes(model.SerializeToString())
    return str(path)


def _name_of(value: object, file: WeightFile) -> str:
    """A name for an object in reports: that of its class, or what it is."""
    if isinstance(value, Mapping):
        whole = any(not state.keys and any(map(_is_tensor, state.entries.values())) for state in file.state_dicts)
        return "state_dict" if whole else "checkpoint" if file.kind == "torch" else "arrays"
    scripted = "torch.jit._script.ScriptModule" in class_names(value)
    name = getattr(value, "original_name", "") if scripted else ""
    return name if isinstance(name, str) and name.isidentifier() else class_name(value)


def _is_tensor(entry: object) -> bool:
    return not isinstance(entry, str)


def _is_with_states(value: Sequence[Any]) -> bool:
    """True for an array and a pair of states, as nn.LSTM is called, and as it answers."""
    return [len(part) for part in (value, value[1:] and value[1]) if isinstance(part, tuple | list)] == [2, 2]


def read_data(value: Any, names: Sequence[str]) -> Given:  # noqa: ANN401  # anything
    """The user's arrays: one, or several by name, or as a call of nn.LSTM has them, `(input, (h_0, c_0))`.

    Args:
        value: The arrays.
        names: Their names: of one, and of the two states if there may be any.

    Raises:
        UsageError: It is something else.
    """
    with _guarded(value):
        return _data(value, names)


def _data(value: Any, names: Sequence[str]) -> Given:  # noqa: ANN401  # anything
    if isinstance(value, Mapping):
        arrays = dict(value)
    elif len(names) > 1 and isinstance(value, tuple) and _is_with_states(value):
        arrays = dict(zip(names, (value[0], *value[1]), strict=True))
    else:
        arrays = {names[0]: value}
    wrong = [item for item in arrays.values() if not is_array(item)]
    if wrong or not arrays:
        first, *states = names
        several = f", ({first}, ({', '.join(states)})), or a dictionary with {and_list(names)}" if states else ""
        raise UsageError("these are not arrays of an LSTM", f"an array{several}", _shown(wrong[0] if wrong else value))
    tensors = tuple(stored_of(str(name), item) for name, item in arrays.items())
    return Given(WeightFile("arrays in memory", tensors, kind="npz"), value)
