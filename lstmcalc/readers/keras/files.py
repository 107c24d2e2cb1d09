"""Files of Keras 1, 2 and 3: `.h5`, `.weights.h5` and `.keras`, their arrays joined with their configuration.

The configuration tells what an LSTM computes, the arrays its sizes; if both give a size and differ, the arrays win and
a note tells the difference. In a file without a configuration, only the names of the arrays tell what they are.

Not here: how HDF5 is read (`hdf5`), configurations (`models`), and the names of arrays (`cells`).
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lstmcalc.errors import LstmcalcError, NoLstmError, SourceError, named_error, shorten, shown_name
from lstmcalc.frameworks.storage import Parameter, parameters
from lstmcalc.readers.files.archives import Member, read_archive
from lstmcalc.readers.files.inner import File, name_of
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.shards import named_files
from lstmcalc.readers.files.tensors import WeightFile, Weights
from lstmcalc.readers.found import Found, settings_of
from lstmcalc.readers.keras.array_places import Placed
from lstmcalc.readers.keras.cells import Cell, read_cells
from lstmcalc.readers.keras.hdf5 import Hdf5, Window, read_index, window_in, window_of
from lstmcalc.readers.keras.models import looks_like_keras, read_placed
from lstmcalc.readers.text.positions import Places
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text.tables import check_depth
from lstmcalc.spec.activations import unstated_gates
from lstmcalc.spec.config import MAX_SIZE, LSTMConfig
from lstmcalc.spec.words import unique_names, with_dots

_WEIGHTS: Final = "model.weights.h5"
_MAX_TEXT: Final = 16 * 2**20  # bytes of a configuration
_KERAS_GATES: Final = {"i": "i", "f": "f", "g": "c", "o": "o"}  # from PyTorch's letters to those of Keras


def read_hdf5(file: File) -> WeightFile:
    """An HDF5 file: one of Keras with its LSTMs, any other with its datasets only; needs h5py.

    Only its index is read. Links out of the file, and datasets whose numbers are in other files, are not followed.
    """
    index = read_index(window_of(file))
    root = index.groups.get("", {})
    held = {**index.groups.get("model_weights", {}), **root}
    config = held.get("model_config")
    version = held.get("keras_version")
    return _joined_file(index, config, str(version or ""), name_of(file))


def read_keras(file: File) -> WeightFile:
    """A `.keras` archive: config.json, metadata.json and the index of model.weights.h5; needs h5py."""
    name = name_of(file)
    try:
        members = read_archive(file)
        section = members[_WEIGHTS].section() if _WEIGHTS in members else None
        config, metadata = (_text(members, text) for text in ("config.json", "metadata.json"))
    except SourceError as error:  # an archive does not know its file
        raise named_error(error, name) from None
    if section is None:
        raise SourceError(f"{name} is not a Keras file", f"an archive with {_WEIGHTS} in it")
    known = _load(metadata)
    version = known.get("keras_version") if isinstance(known, Mapping) else None
    read = _joined_file(read_index(_window(section, name)), config, str(version or ""), name)
    return read._replace(format=read.format.replace("HDF5", ".keras"))


def read_sharded(file: str) -> WeightFile:
    """Sharded weights of Keras 3 (`model.weights.json`): one index of all files that it names; needs h5py.

    Source: keras 3.15.1, keras/src/saving/saving_lib.py (`ShardedH5IOStore`), run; it divides layers among files.
    """
    name, notes = shown_name(file), list[str]()
    whole = Hdf5({}, {}, (), ())
    for path in named_files(file):
        if not os.path.exists(path):  # noqa: PTH110  # as in `sources`
            notes.append(f"{shown_name(path)} is not there, which the index names")
            continue
        index = read_index(window_of(path))
        whole = Hdf5(
            {**whole.groups, **index.groups},
            {**whole.datasets, **index.datasets},
            whole.skipped + index.skipped,
            whole.damaged + index.damaged,
        )
    read = _joined_file(whole, None, "", name)
    return read._replace(format=f"{read.format} in several files", notes=(*notes, *read.notes))


def stated_names(path: str) -> list[str]:
    """The names of the LSTMs that the configuration in a `.keras` archive states; none if there are none in it."""
    description = described_model(_text(read_archive(path), "config.json"), "", shown_name(path))
    return unique_names(found.name for found, _ in description.found)


def _window(section: Section, name: str) -> Window:
    """The part of an archive that holds the weights; refused if it is compressed."""
    if section.deflated is not None:
        raise SourceError(
            f"the weights in {name} are compressed",
            "a member that is stored as it is, as Keras writes it",
            hint=f"unzip {name} {_WEIGHTS}, and read that",
        )
    return window_in(section, f"{name}, {_WEIGHTS}")


def _text(members: Mapping[str, Member], name: str) -> str:
    """A text in an archive; empty if it is missing or too long."""
    member = members.get(name)
    if member is None or member.size > _MAX_TEXT:
        return ""
    return member.checked().read().decode("utf-8", "replace")


def _load(text: object) -> Any:  # noqa: ANN401  # whatever it holds
    """The values of a JSON text; None if it is not JSON."""
    try:
        return json.loads(text) if isinstance(text, str) and text else None
    except (ValueError, RecursionError):
        return None


# --- Configuration and arrays


class Described(NamedTuple):
    """The LSTMs of a configuration."""

    found: Sequence[tuple[Found, Placed]] = ()
    note: str = ""  # the reason why they could not be read; empty if they could, or if there is no LSTM


def _joined_file(index: Hdf5, config: object, version: str, name: str) -> WeightFile:
    """A file with its arrays, and the LSTMs that its configuration and its arrays describe."""
    cells = read_cells(index)
    described = described_model(config, version, name)
    stated, missing = stated_modules(cells, described.found, version)
    notes = [described.note] if described.note else []
    if missing:
        notes.append(f"its configuration has {_few_names(missing)}, whose arrays are not found")
    if index.skipped:
        notes.append(f"links and groups that are not followed: {_few_names(index.skipped)}")
    if index.damaged:
        notes.append(f"what cannot be read: {_few_names(index.damaged)}")
    is_keras = bool(version or cells or described.found)
    kind = "Keras HDF5" if is_keras else "HDF5"
    names = unique_names(item.name for item in stated)
    return WeightFile(
        kind,
        tuple(index.datasets.values()),
        tuple(item._replace(name=name) for item, name in zip(stated, names, strict=True)),
        tuple(notes),
    )


def stated_modules(
    cells: Sequence[Cell], found: Sequence[tuple[Found, Placed]], version: str
) -> tuple[list[Found], list[str]]:
    """The recurrent modules of a file: the LSTMs of its configuration, then the cells that it does not describe.

    Besides, the names of the LSTMs of the configuration whose arrays are not found.
    """
    stated: list[Found] = []
    taken: set[str] = set()
    missing = []
    for (item, _), own in _matched_cells(found, cells):
        if own:
            stated.append(described_lstm(item, own))
            taken |= {cell.path for cell in own}
        else:
            missing.append(item.name)
    return [*stated, *_undescribed_modules([cell for cell in cells if cell.path not in taken], version)], missing


def _few_names(names: Sequence[str]) -> str:
    return with_dots([shorten(name)[1:-1] for name in names], 3)


def described_model(config: object, version: str, name: str) -> Described:
    """The LSTMs of a configuration; none if there is no configuration or no LSTM in it."""
    tree = _load(config)
    if not isinstance(config, str) or not looks_like_keras(tree):
        return Described(note="its configuration is not a Keras model" if config else "")
    if isinstance(tree, dict) and version:
        tree.setdefault("keras_version", version)
    source = SourceText(config, name)
    try:
        check_depth(source, tree)
        return Described(read_placed(tree, source, Places(source, lambda _: {})))
    except NoLstmError:
        return Described()
    except (LstmcalcError, RecursionError) as error:
        what = getattr(error, "what", "it is nested too deeply")
        return Described(note=f"its configuration is not understood: {what}")


_Pair = tuple[tuple[Found, Placed], tuple[Cell, ...]]


def _matched_cells(found: Sequence[tuple[Found, Placed]], cells: Sequence[Cell]) -> Iterator[_Pair]:
    """Each LSTM of a configuration with its cells, the forward one first; with none if they are not found."""
    lstms = [cell for cell in cells if cell.kind == "LSTM"]
    numbered = {cell.folder: cell for cell in lstms if cell.folder}
    by_top: dict[str, list[Cell]] = {}
    for cell in lstms:
        if cell.form != "numbered":
            by_top.setdefault(cell.top, []).append(cell)
    tops = {top: _dealt_cells([item for item in found if item[1].top == top], held) for top, held in by_top.items()}
    for item in found:
        folders = _folders(item[1], numbered)
        yield item, folders or tops.get(item[1].top, {}).get(id(item[0]), ())


def _folders(placed: Placed, cells: Mapping[str, Cell]) -> tuple[Cell, ...]:
    """The cells of an LSTM in a file whose groups are named by class."""
    inner = ["/forward_layer", "/backward_layer"] if placed.both else [""]
    names = []
    for part in inner:
        base = f"{placed.folder}{part}"
        cell = f"lstm_cell_{placed.cell}" if placed.cell else "lstm_cell"
        options = (f"{base}/cell/cells/{cell}",) if placed.cells > 1 else (f"{base}/cell", base)
        names += [option for option in (*options, f"{base}/cell/cells/{cell}") if option in cells][:1]
    return tuple(cells[name] for name in names) if len(names) == len(inner) else ()


def _dealt_cells(found: Sequence[tuple[Found, Placed]], cells: Sequence[Cell]) -> dict[int, tuple[Cell, ...]]:
    """The cells that a file lists under one layer, assigned to the LSTMs in it.

    By name if possible; else in the order in which both are listed, because TensorFlow changed some names.
    """
    named = {id(item): _by_name(placed, cells) for item, placed in found}
    counts = [len(own) == (2 if placed.both else 1) for (item, placed) in found for own in [named[id(item)]]]
    used = [cell.path for own in named.values() for cell in own]
    if all(counts) and len(set(used)) == len(used):
        return named
    if sum(2 if placed.both else 1 for _, placed in found) != len(cells):
        return {key: own for (key, own), fits in zip(named.items(), counts, strict=True) if fits}
    left = list(cells)
    dealt: dict[int, tuple[Cell, ...]] = {}
    for item, placed in found:
        # A stack of cells has all cells of one direction before those of the other.
        behind = placed.cells - 1 if placed.both else 0
        one = left.pop(0)
        dealt[id(item)] = (one, left.pop(behind)) if placed.both and behind < len(left) else (one,)
    return dealt


def _by_name(placed: Placed, cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells whose names include those of an LSTM, as far as files have them."""
    layer, cell = placed.names[-2:] if len(placed.names) > 1 else ("", placed.names[-1])

    def fits(names: tuple[str, ...]) -> bool:
        inner = cell.rpartition("/")[2]
        stacked = placed.cells > 1 and inner not in names
        return layer in names and not stacked

    if len(cells) == 1 and not placed.both:
        return tuple(cells)
    own = tuple(item for item in cells if fits(item.names))
    if placed.both and placed.cells == 1 and len(cells) == 2:  # noqa: PLR2004
        return tuple(cells)
    return own


# --- Descriptions


def described_lstm(found: Found, cells: Sequence[Cell]) -> Found:
    """An LSTM that a configuration describes, with its arrays."""
    first = cells[0]
    fields: dict[str, object] = {
        field: setting.value for field, setting in found.layer.items() if field != "dtype" and setting.value is not None
    }
    sizes = _sizes(cells)
    notes = list(found.notes)
    for field, said in (("hidden_size", first.units), ("input_size", first.width), ("bias", bool(first.biases))):
        if fields.get(field, said) != said:
            notes.append(f"its configuration says {field} = {fields[field]}, its arrays {said}")
    inferred = tuple(field for field in ("input_size", "bias") if field not in fields)
    fields |= {**sizes, "num_layers": 1, "batch_first": found.options.get("time_major") is not True}
    framework = "keras-cudnn" if first.is_cudnn else _framework_of(first, found.framework)
    return Found(
        found.name,
        framework,
        kind=found.kind,
        layer=settings_of(fields, inferred),
        options=dict(found.options),
        notes=tuple(notes),
        unmodelled=found.unmodelled,
        weights=Weights(_tensors(cells, framework)),
    )


def _framework_of(cell: Cell, said: str) -> str:
    """The framework whose layout a cell has: Keras 1 uses that of Keras 2 if it was told to save memory traffic."""
    if cell.form == "keras1" and "kernel" not in cell.arrays:
        return "keras1"
    return "keras2" if said in ("keras1", "keras-cudnn") else said


def _sizes(cells: Sequence[Cell]) -> dict[str, object]:
    """The settings that follow from the shapes of arrays."""
    first = cells[0]
    return {
        "input_size": first.width,
        "hidden_size": first.units,
        "bias": bool(first.biases),
        "bidirectional": len(cells) > 1,
    }


def _tensors(cells: Sequence[Cell], framework: str) -> dict[str, str]:
    """The names of an LSTM's arrays, from its framework's layout to the file; none if the sizes do not fit."""
    first = cells[0]
    alike = {(cell.width, cell.units, cell.biases, tuple(cell.arrays)) for cell in cells}
    if len(alike) > 1 or max(first.width, first.units) > MAX_SIZE:
        return {}
    config = LSTMConfig(first.width, first.units, bias=bool(first.biases), bidirectional=len(cells) > 1)
    return {
        parameter.name: cells[parameter.direction == "reverse"].arrays[_role(parameter)]
        for parameter in parameters(config, framework)
        if _role(parameter) in first.arrays
    }


def _role(parameter: Parameter) -> str:
    """The name that Keras has for an array of its layouts."""
    role = {"weight_ih": "kernel", "weight_hh": "recurrent_kernel"}.get(parameter.holds[0], "bias")
    return f"{role}_{_KERAS_GATES[parameter.gate]}" if parameter.gate else role


def _undescribed_modules(cells: Sequence[Cell], version: str) -> Iterator[Found]:
    """The cells that no configuration describes, told by their arrays; both directions of a layer are one LSTM."""
    for own in _paired_cells(cells):
        cell = own[0]
        framework = "keras-cudnn" if cell.is_cudnn else _framework_alone(cell, version)
        is_lstm = cell.kind == "LSTM"
        fields = _sizes(own) | ({"num_layers": 1, "batch_first": True} if is_lstm else {})
        yield Found(
            _name_alone(own),
            framework,
            kind="CuDNNLSTM" if cell.is_cudnn else cell.kind,
            layer=settings_of(fields, tuple(fields)),
            options=unstated_gates(framework, version) if is_lstm else {},
            weights=Weights(_tensors(own, framework) if is_lstm else _roles(own)),
        )


def _paired_cells(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells, both directions of a layer in one list, the forward one first."""
    counts = Counter(_uncounted(cell.path) for cell in cells)  # several cells of a stack are told by their numbers
    at = {_uncounted(cell.path): cell for cell in cells if counts[_uncounted(cell.path)] == 1}
    at |= {cell.path: cell for cell in cells}
    backward = {cell.path: other for cell in cells if (other := _other_direction(cell, at))}
    behind = {cell.path for cell in backward.values()}
    return [
        [cell, *([backward[cell.path]] if cell.path in backward else [])] for cell in cells if cell.path not in behind
    ]


def _roles(cells: Sequence[Cell]) -> dict[str, str]:
    """The arrays of a module that is not an LSTM, by Keras' names."""
    if len(cells) == 1:
        return dict(cells[0].arrays)
    return {
        f"{word}_{role}": name
        for word, cell in zip(("forward", "backward"), cells, strict=True)
        for role, name in cell.arrays.items()
    }


def _framework_alone(cell: Cell, version: str) -> str:
    """The framework of a cell, told by the names of its arrays and by the version in the file."""
    own = "keras2" if version.startswith("2") or next(iter(cell.arrays.values())).endswith(":0") else "keras"
    return _framework_of(cell, "keras1" if cell.form == "keras1" else own)


def _other_direction(cell: Cell, cells: Mapping[str, Cell]) -> Cell | None:
    """The backward cell of a Bidirectional whose forward cell this is; None if there is none."""
    turned = re.sub(r"(^|/)forward_(?=[^/]*(/|$))", r"\1backward_", cell.path)
    other = (cells.get(turned) or cells.get(_uncounted(turned))) if turned != cell.path else None
    alike = other and (cell.kind, cell.width, cell.units, cell.biases) == (
        other.kind,
        other.width,
        other.units,
        other.biases,
    )
    return other if alike else None


def _uncounted(path: str) -> str:
    """The path of a cell without its number: Keras 2 counts the cells of a process, those of both directions too."""
    return re.sub(r"(/\w*cell)_\d{1,9}$", r"\1", path)


_CELL_NAME: Final = re.compile(r"cell|stacked_rnn_cells|(lstm|gru|simple_rnn)_cell(_\d+)?")


def _name_alone(cells: Sequence[Cell]) -> str:
    """The name of a layer from the names around its arrays, without those of its cell and of one direction."""
    names = list(cells[0].names)
    if cells[0].top and cells[0].top not in names:
        names.insert(0, cells[0].top)
    own = names[-1:] if "/cells/" in cells[0].path or "stacked_rnn_cells" in names else []
    kept = [name for name in names if not _CELL_NAME.fullmatch(name)]
    kept += [name for name in own if name not in kept]
    if len(cells) > 1:
        kept = [name for name in kept if not name.startswith("forward_")]
    return ".".join(kept or names) or cells[0].path
