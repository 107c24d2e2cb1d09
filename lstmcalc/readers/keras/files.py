"""Files of Keras 1, 2 and 3: `.h5`, `.weights.h5` and `.keras`, their arrays joined with their configuration.

The configuration tells what an LSTM computes, the arrays its sizes; if both give a size and differ, the arrays win and
a note tells the difference. In a file without a configuration, only the names of the arrays tell what they are.

Not here: how HDF5 is read (`hdf5`), configurations (`models`), the names of arrays (`cells`), and how both are joined
(`described`).
"""

import os
from collections.abc import Mapping, Sequence
from typing import Final

from lstmcalc.errors import SourceError, named_error, shorten, shown_name
from lstmcalc.readers.files.archives import Member, read_archive
from lstmcalc.readers.files.inner import File, name_of
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.shards import named_files
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.keras.cells import read_cells
from lstmcalc.readers.keras.described import described_model, loaded_json, stated_modules
from lstmcalc.readers.keras.hdf5 import Hdf5, Window, read_index, window_in, window_of
from lstmcalc.spec.words import unique_names, with_dots

_WEIGHTS: Final = "model.weights.h5"
_MAX_TEXT: Final = 16 * 2**20  # bytes of a configuration


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
    known = loaded_json(metadata)
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
        if not os.path.exists(path):  # noqa: PTH110  # as in `texts`
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


def _few_names(names: Sequence[str]) -> str:
    return with_dots([shorten(name)[1:-1] for name in names], 3)
