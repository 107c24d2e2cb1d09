"""Models of TensorFlow.js: `model.json` with topology and manifest, whose numbers are in files beside it.

A layers model has Keras' configuration as its topology; a graph model has names of constants alone. Weights stand one
behind the other in the files of their group; quantized ones are computed of bytes, scale and minimum. The manifest
of deeplearn.js, before it, has a file for each variable.

Sources: io/types.ts and io/io_utils.ts of TensorFlow.js 4.22, tensorflowjs 4.22.0 (write_weights.py), which wrote the
files that this was tested on; dump_checkpoint_vars.py of deeplearn.js 0.4, by a manifest that others published.

Not here: configurations (`keras.models`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from lstmcalc.errors import NotFoundError, SourceError, named_error, printable, shorten, shown_name
from lstmcalc.readers.files.beside import is_plain, section_beside
from lstmcalc.readers.files.raw_numbers import WIDTHS, Block, View, array_from_bytes, checked_shape, named_blocks, numel
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.keras.array_places import Placed
from lstmcalc.readers.keras.cells import ROLES, Cell, grouped_cells
from lstmcalc.readers.keras.described import described_model, stated_modules
from lstmcalc.spec.words import unique_names, with_rest

_MAX_SIZE: Final = 64 << 20  # bytes of a text
_MAX_WEIGHTS: Final = 30_000  # as in `bundles`
_LISTED: Final = 3
_MAX_FILES: Final = 1000  # of a group: 4 GB in parts of 4 MiB
_QUANTIZED: Final = ("uint8", "uint16")


class _Weight(NamedTuple):
    """A weight of the manifest."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    files: tuple[str, ...]  # those of its group
    offset: int  # of its bytes in them
    stored: str  # the dtype of its bytes
    scale: float = 1.0
    minimum: float = 0.0

    @property
    def nbytes(self) -> int:
        """The bytes that it has in its files."""
        return numel(self.shape) * WIDTHS.get(self.stored, 0)


def read_javascript(path: str) -> WeightFile:
    """A model of TensorFlow.js, or a manifest of weights alone."""
    name = shown_name(path)
    try:
        tree = _tree(path)
        weights = list(_weights(tree))
    except SourceError as error:
        raise (error if error.where.startswith(name) else named_error(error, name)) from None
    names = unique_names(weight.name for weight in weights)
    weights = [weight._replace(name=own) for weight, own in zip(weights, names, strict=True)]
    tensors = tuple(_stored(path, weight) for weight in weights)
    topology = tree.get("modelTopology") if isinstance(tree, Mapping) else None
    stated, notes = list[Found](), list(_missing_files(path, weights))
    if isinstance(topology, Mapping):
        model = topology.get("model_config", topology)
        version = _version(topology)
        is_keras = isinstance(model, Mapping) and "class_name" in model
        described = described_model(json.dumps({**model, "keras_version": version}) if is_keras else "", version, name)
        named = {tensor.name: tensor for tensor in tensors if tensor.name.rpartition("/")[2] in ROLES}
        cells = _with_tops(grouped_cells("", (), list(named), named), [placed for _, placed in described.found])
        stated, missing = stated_modules(cells, described.found, version)
        notes += [described.note] if described.note else []
        notes += [f"its topology has {with_rest(missing, _LISTED)}, whose arrays are not found"] if missing else []
    own = unique_names(item.name for item in stated)
    named_ones = tuple(item._replace(name=each) for item, each in zip(stated, own, strict=True))
    return WeightFile(_format(tree, topology), tensors, named_ones, tuple(notes))


def _with_tops(cells: Iterable[Cell], placed: Sequence[Placed]) -> list[Cell]:
    """The cells with the layers of the outermost model that they are in: names of weights have inner models' not."""
    tops: dict[str, str] = {}
    for item in placed:
        for name in item.names[:-1] or item.names:
            tops[name] = item.top if tops.get(name, item.top) == item.top else ""
    found = [
        cell._replace(top=next((tops[name] for name in cell.names if tops.get(name)), cell.names[0])) for cell in cells
    ]
    pairs: dict[str, int] = {}  # the places of layers, whose forward cell comes first
    for cell in found:
        pairs.setdefault(cell.path.replace("backward_", "forward_"), len(pairs))
    return sorted(found, key=lambda cell: (pairs[cell.path.replace("backward_", "forward_")], "backward_" in cell.path))


def _format(tree: Any, topology: object) -> str:  # noqa: ANN401  # of JSON
    if topology is None:
        return "weights of TensorFlow.js" if isinstance(tree, list) or "weightsManifest" in tree else "deeplearn.js"
    return "TensorFlow.js graph model" if isinstance(topology, Mapping) and "node" in topology else "TensorFlow.js"


def _version(topology: Mapping[str, Any]) -> str:
    """The version of Keras; models that TensorFlow.js itself made are of its second generation."""
    config = topology.get("model_config", topology)
    stated = topology.get("keras_version") or (config.get("keras_version") if isinstance(config, Mapping) else None)
    return stated if isinstance(stated, str) and stated[:1].isdigit() else "2"


def _tree(path: str) -> Any:  # noqa: ANN401  # of JSON
    section = Section.of(Path(path))
    if section.length > _MAX_SIZE:
        raise SourceError("its text is too large", f"at most {_MAX_SIZE:,} bytes", f"{section.length:,}")
    try:
        return json.loads(section.read().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SourceError("this is not JSON", found=shorten(str(error), 120)[1:-1]) from None


# --- The manifest


def _weights(tree: Any) -> Iterator[_Weight]:  # noqa: ANN401  # of JSON
    """The weights in the order of the manifest."""
    groups = tree.get("weightsManifest") if isinstance(tree, Mapping) else tree
    if groups is None and isinstance(tree, Mapping):
        if "modelTopology" not in tree:
            yield from _single_files(tree)
        return
    if not isinstance(groups, list):
        raise SourceError("the manifest of weights is not a list", found=shorten(groups))
    left = _MAX_WEIGHTS
    for group in groups:
        files, listed = (group.get("paths"), group.get("weights")) if isinstance(group, Mapping) else (None, None)
        if not isinstance(files, list) or not isinstance(listed, list) or not all(isinstance(f, str) for f in files):
            raise SourceError("a group of weights is damaged", "paths and weights", shorten(group))
        left -= len(listed)
        if left < 0 or len(files) > _MAX_FILES:
            limits = f"at most {_MAX_WEIGHTS:,} in {_MAX_FILES:,} files of a group"
            raise SourceError("it has too many weights", limits, f"{len(listed):,} in {len(files):,}")
        offset = 0
        for entry in listed:
            weight = _weight(entry, tuple(files), offset)
            offset += weight.nbytes
            yield weight


def _weight(entry: object, files: tuple[str, ...], offset: int) -> _Weight:
    """A weight at an offset of its group's files."""
    held: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
    name, dtype, quantization = held.get("name"), held.get("dtype", "float32"), held.get("quantization")
    if not isinstance(name, str) or not isinstance(dtype, str):
        raise SourceError("a weight is damaged", "name, shape and dtype", shorten(entry))
    shape = checked_shape(held.get("shape"), printable(name))
    if quantization is None:
        return _Weight(name, dtype, shape, files, offset, dtype)
    said: Mapping[str, Any] = quantization if isinstance(quantization, Mapping) else {}
    stored, numbers = said.get("dtype"), [said.get("scale", 1.0), said.get("min", 0.0)]
    if not isinstance(stored, str) or not all(isinstance(number, int | float) for number in numbers):
        raise SourceError("a quantization is damaged", "dtype, scale and min", shorten(quantization))
    try:
        scale, minimum = map(float, numbers)
    except OverflowError:
        raise SourceError("a quantization is damaged", "a scale and a minimum", shorten(quantization)) from None
    return _Weight(name, dtype, shape, files, offset, stored, scale, minimum)


def _single_files(tree: Mapping[str, Any]) -> Iterator[_Weight]:
    """The variables of a manifest of deeplearn.js, float32 in a file each."""
    if len(tree) > _MAX_WEIGHTS:
        raise SourceError("it has too many weights", f"at most {_MAX_WEIGHTS:,}", f"{len(tree):,}")
    for name, entry in tree.items():
        held: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
        file = held.get("filename")
        if not isinstance(file, str):
            raise SourceError("a variable is damaged", "filename and shape", shorten(entry), where=printable(name))
        yield _Weight(name, "float32", checked_shape(held.get("shape"), printable(name)), (file,), 0, "float32")


def _missing_files(path: str, weights: Sequence[_Weight]) -> Iterator[str]:
    """A note on the files of numbers that are not there."""
    groups = dict.fromkeys(weight.files for weight in weights)
    files = dict.fromkeys(file for group in groups for file in group)
    missing = [file for file in files if not is_plain(file) or not (Path(path).parent / file).exists()]
    if missing:
        yield f"numbers are in {with_rest([printable(file) for file in missing], _LISTED)}, missing beside the manifest"


# --- Numbers


def _stored(path: str, weight: _Weight) -> Stored:
    """A weight, not yet read."""
    place = path, weight, f"{shown_name(path)}, {printable(weight.name)}"
    return Stored(
        weight.name, weight.dtype, weight.shape, weight.nbytes, partial(_array, *place), partial(_blocks, *place)
    )


def _array(path: str, weight: _Weight, where: str) -> Any:  # noqa: ANN401
    """The numbers of a weight."""
    try:
        data = b"".join(section.read() for section in _sections(path, weight))
        return _restored(array_from_bytes(data, weight.stored, weight.shape), weight)
    except SourceError as error:
        raise error.at(where) from None


def _blocks(path: str, weight: _Weight, where: str) -> Iterator[Block]:
    """The numbers of a weight in blocks; in one, if they lie in several files."""
    try:
        sections = list(_sections(path, weight))
    except SourceError as error:
        raise error.at(where) from None
    if len(sections) > 1:
        yield tuple(slice(0, size) for size in weight.shape), _array(path, weight, where)
        return
    for section in sections:
        blocks = named_blocks(section, weight.stored, View.whole(weight.shape), where)
        yield from ((at, _restored(numbers, weight)) for at, numbers in blocks)


def _sections(path: str, weight: _Weight) -> Iterator[Section]:
    """The parts of its files that have the bytes of a weight."""
    if weight.stored not in WIDTHS:
        raise SourceError(f"numbers of {weight.stored} are not read", "float32, or another number")
    start, left = weight.offset, weight.nbytes
    for file in weight.files:
        whole = section_beside(path, file)
        if start < whole.length and left:
            count = min(left, whole.length - start)
            yield whole.part(start, count)
            left -= count
        start = max(start - whole.length, 0)
    if left:
        files = with_rest([printable(file) for file in weight.files], _LISTED)
        raise NotFoundError("bytes of this weight are missing", f"{left:,} more in {files}")


def _restored(numbers: Any, weight: _Weight) -> Any:  # noqa: ANN401
    """The numbers as they were before they were quantized, as TensorFlow.js computes them."""
    import numpy as np

    if weight.stored == weight.dtype:
        return numbers
    if weight.stored not in _QUANTIZED:
        return numbers.astype(np.float32)
    return (numbers * np.float64(weight.scale) + np.float64(weight.minimum)).astype(np.float32)
