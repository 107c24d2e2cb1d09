"""A weight file as SOURCE: its LSTMs with their settings, the certainty of these, and notes on defects.

Not here: how files are read (`readers.files`), and the search for LSTMs in them (`recognition`).
"""

from typing import Any, Final

from lstmcalc.errors import NoLstmError, SourceError, printable, shown_name
from lstmcalc.frameworks.catalog import LAYOUTS
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.choosing import same_names
from lstmcalc.readers.recognise.recognition import Contents, contents_text, recognise
from lstmcalc.spec.config import DTYPE_BYTES
from lstmcalc.spec.provenance import Origin, Pointer, Setting
from lstmcalc.spec.words import General, and_list, counted, with_rest

_LISTED: Final = 4  # missing arrays, or modules, in a message


def read_weights(path: str, framework: str = "") -> list[Found]:
    """Every LSTM in a weight file, in the layout of a framework or in any; no numbers are read."""
    return lstms_of_contents(read_contents(path, framework), path)


def read_contents(path: str, framework: str = "") -> Contents:
    """The contents of a weight file with at least one LSTM, in the layout of a framework or in any."""
    return contents_of(open_weights(path), path, framework)


def contents_of(file: WeightFile, path: str, framework: str = "") -> Contents:
    """The contents of what was read of a weight file, or of a list of its tensors, as `read_contents`."""
    contents = recognise(file, framework)
    if framework and not any(item.framework == same_names(framework) for item in contents.lstms):
        raise _no_such_layout_error(recognise(file), path, framework)
    if not contents.lstms:
        raise _no_lstm(contents, shown_name(path))
    return contents


def _no_lstm(contents: Contents, name: str) -> NoLstmError:
    """The error about a file without a recognised LSTM: it is denied only if every tensor is of another module."""
    file = contents.file
    rest = [tensor for tensor in file.tensors if tensor.name not in file.owners]
    mentioned = [tensor for tensor in rest if "lstm" in tensor.name.lower()]
    found = contents_text(contents) or "no tensors that are read"
    if mentioned:
        first = next((tensor for tensor in mentioned if len(tensor.shape) > 1), mentioned[0])
        found += f"; {counted(len(mentioned), 'name')} with LSTM, e.g. {printable(first.name)} {first.shape}"
    notes = [printable(note) for note in file.notes[:_LISTED]]  # the LSTM may be in a part that was not read
    hint = "if they are of an LSTM, save them under the names of one that lstmcalc frameworks lists"
    whole = bool(file.relatives) and not rest and not notes
    return NoLstmError(
        f"no LSTM in {name}" if whole else f"no LSTM is recognised in {name}",
        "the weights of one, under names of PyTorch, Keras, ...",
        found,
        "; ".join(notes) or hint * bool(mentioned),
    )


def lstms_of_contents(contents: Contents, path: str) -> list[Found]:
    """Every LSTM of a weight file, with the file as its source; notes on the file are at the first one."""
    name, rest = shown_name(path), contents_text(contents)
    found = [_placed_lstm(item, name, contents.file.format) for item in contents.lstms]
    about = (General(printable(note)) for note in contents.file.notes)
    found[0] = found[0]._replace(
        notes=(*found[0].notes, *about), beside=General(f"{name} also contains {rest}" if rest else "")
    )
    return found


def _no_such_layout_error(contents: Contents, path: str, framework: str) -> SourceError:
    """The error on a file without an LSTM in the layout of a framework, with the layouts that it has."""
    known = dict.fromkeys(name for item in contents.lstms for name in (item.framework, *item.rivals))
    error = SourceError if contents.lstms else NoLstmError
    return error(
        f"no LSTM in the layout of {framework} in {shown_name(path)}",
        f"--from {' or '.join(known)}" if known else "the weights of one, under names of PyTorch, Keras, ...",
        contents_text(contents) if not known else f"names and shapes of {' or '.join(known)}",
        where="--from",
    )


def rival_notes(item: Found) -> list[str]:
    """A note on the frameworks that the arrays of an LSTM fit as well, with another order of gates."""
    if not item.rivals:
        return []
    names = item.framework, *item.rivals
    fitting = and_list([f"{LAYOUTS[name].title} (gates {' '.join(LAYOUTS[name].gates)})" for name in names])
    asked = " or ".join(f"--from {name}" for name in names)
    return [f"names and shapes fit {fitting}: shown as {item.framework}; {asked} says which it is"]


def _placed_lstm(item: Found, name: str, file_format: str) -> Found:
    """The LSTM with the file as its place, with the settings that no array depends on, and printable notes."""
    tensors = item.stored.tensors
    layer = dict(item.layer)
    if item.framework == "pytorch":
        unsaid = {"batch_first": False, "dropout": 0.0}
        layer |= {field: _setting(value, "unknown") for field, value in unsaid.items() if field not in layer}
    stored = sum(tensor.name in item.stored.names for tensor in tensors.values())
    dtypes = {tensor.dtype for tensor in tensors.values()}
    if len(dtypes) == 1 and dtypes <= DTYPE_BYTES.keys():
        layer.setdefault("dtype", _setting(next(iter(dtypes)), "stated"))
    integers = [dtype for dtype in sorted(dtypes) if dtype.startswith(("int", "uint", "qint", "quint"))]
    return item._replace(
        quantized=item.quantized or ", ".join(integers),
        text=f"{counted(stored, 'tensor')} of {file_format}",
        where=name,
        layer={field: Setting(value, origin._replace(where=name)) for field, (value, origin) in layer.items()},
        pointers={"": Pointer(name, "")},
        notes=tuple(map(printable, (*item.notes, *_defect_notes(item), *rival_notes(item)))),
        around=tuple(map(printable, item.around)),
        unmodelled=tuple(map(printable, item.unmodelled)),
    )


def _setting(value: Any, certainty: str) -> Setting:  # noqa: ANN401  # of any setting
    return Setting(value, Origin("source", None, certainty))


def _defect_notes(item: Found) -> list[str]:
    """Notes on arrays that are missing or of the wrong shape."""
    config, notes = item.stored.config, []
    if item.stored.missing:
        notes.append(f"missing for {config}: {with_rest(item.stored.missing, _LISTED)}")
    if item.stored.misshaped:
        notes.append(f"size mismatch for {config}: {with_rest(item.stored.misshaped, _LISTED)}")
    return notes
