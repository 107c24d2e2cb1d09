"""The manifest of deeplearn.js and ml5: names and shapes in JSON, whose numbers are float32 in files beside it.

Source: deeplearn.js 0.4 (scripts/dump_checkpoints/checkpoint_dumper.py, src/data/checkpoint_loader.ts), and the files
of ml5's charRNN.

Not here: JSON itself (`json_numbers`), and other documents with weights (`json_weights`).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.beside import is_plain, section_beside
from lstmcalc.readers.files.inner import File, Inner
from lstmcalc.readers.files.json_numbers import Numbers
from lstmcalc.readers.files.raw_numbers import View, checked_shape, numel, read_numbers, row_major
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Stored, WeightFile


def is_placed(item: object) -> bool:
    """True for the entry of a manifest: a shape, and the file of its numbers."""
    shape = item.get("shape") if isinstance(item, dict) else None
    return isinstance(shape, Numbers) and len(shape.shape) == 1 and isinstance(item, dict) and "filename" in item


def read_manifest(tree: Mapping[str, Any], name: str, file: File) -> WeightFile:
    """A manifest of deeplearn.js: names and shapes; numbers are in files beside it."""
    tensors, missing = list[Stored](), list[str]()
    for key, item in tree.items():
        sizes = [int(size) if float(size).is_integer() else size for size in item["shape"].values]
        shape = checked_shape(sizes, f"{name}, {shorten(key)[1:-1]}")
        where = partial(_numbers_beside, file, item["filename"])
        tensors.append(Stored(key, "float32", shape, 4 * numel(shape), partial(_whole, where, shape)))
        try:
            where()
        except SourceError:
            missing.append(shorten(item["filename"]) if isinstance(item["filename"], str) else "a name that is no text")
    notes = ["numbers of deeplearn.js are float32, in files beside the manifest"]
    if missing:
        notes.append(
            f"numbers of {len(missing):,} of {len(tensors):,} tensors are not there: no file {missing[0]} beside it"
        )
    return WeightFile(
        "manifest of deeplearn.js", tuple(tensors), notes=tuple(notes), has_numbers=len(missing) < len(tensors)
    )


def _numbers_beside(file: File, name: object) -> Section:
    """The file that a manifest names; refused if that is no plain name, or if the manifest has no folder."""
    if isinstance(file, Inner) or not file:
        raise SourceError("other files are only looked for beside a file", "a manifest in a folder")
    if not isinstance(name, str) or not is_plain(name):
        raise SourceError("this file names another one outside of its folder", "a plain name")
    return section_beside(str(file), name)


def _whole(where: Callable[[], Section], shape: tuple[int, ...]) -> Any:  # noqa: ANN401  # an array
    """The numbers of a file that has no more than these."""
    section = where()
    if section.length != 4 * numel(shape):
        raise SourceError("its file is of another size", f"{4 * numel(shape):,} bytes", f"{section.length:,}")
    return read_numbers(section, "float32", View(shape, row_major(shape)))
