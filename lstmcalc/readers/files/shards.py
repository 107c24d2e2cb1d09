"""Weights in several files, and the index of JSON that names them; other files beside a document.

- `model.safetensors.index.json` and `pytorch_model.bin.index.json`: `weight_map` has the file of each tensor
  (transformers 4.57.1, modeling_utils.py, from general knowledge; safetensors' and PyTorch's own files).

A file is taken only by a plain name, from the folder of the document that names it (`beside`).

Not here: shards of Keras, which divide layers (`readers.keras.files`), and JSON itself (`json_numbers`).
"""

import os
from typing import Any, Final

from lstmcalc.errors import SourceError, printable, shorten, shown_name
from lstmcalc.readers.files.beside import is_plain, path_beside, section_beside
from lstmcalc.readers.files.joined import joined
from lstmcalc.readers.files.json_numbers import Numbers
from lstmcalc.readers.files.json_weights import json_document
from lstmcalc.readers.files.kinds import open_weights, weight_kind
from lstmcalc.readers.files.tensors import StateDict, WeightFile
from lstmcalc.spec.words import counted, with_rest

_MOST: Final = 1000  # files
_LISTED: Final = 3
_READ: Final = ("safetensors", "torch", "npz")


def named_files(file: str) -> dict[str, list[str]]:
    """The files that an index names, each with the names that it says are in it."""
    found, checked = dict[str, list[str]](), set[str]()
    names: dict[str, Any] = json_document(file)["weight_map"]
    for name, files in names.items():
        listed = [] if isinstance(files, Numbers) else files if isinstance(files, list) else [files]
        for one in listed:
            if not isinstance(one, str) or not is_plain(one):
                said = shorten(one) if isinstance(one, str) else "no text"
                raise SourceError("this file names another one outside of its folder", "a plain name", said)
            if one not in checked and os.path.lexists(path_beside(file, one)):
                section_beside(file, one)  # which refuses links to other folders, and what is no regular file
            checked.add(one)
            found.setdefault(path_beside(file, one), []).append(name)
    if len(found) > _MOST:
        raise SourceError(f"{shown_name(file)} names too many files", f"at most {_MOST:,}", f"{len(found):,}")
    return found


def read_shards(file: str) -> WeightFile:
    """The tensors of all files that an index names, as those of one."""
    files, parts, missing, absent = named_files(file), list[WeightFile](), list[str](), list[str]()
    for path, names in files.items():
        if not os.path.exists(path):  # noqa: PTH110  # as in `texts`
            missing.append(printable(os.path.basename(path)))  # noqa: PTH119
            continue
        kind = weight_kind(path)
        if kind not in _READ:
            raise SourceError(f"{shown_name(path)} is no file of tensors", "safetensors, or a file of PyTorch")
        part = open_weights(path)
        parts.append(part)
        held = {tensor.name for tensor in part.tensors}
        absent += [printable(name) for name in names if name not in held]
    if not parts:
        raise SourceError(
            f"none of the files that {shown_name(file)} names is there",
            "them in its folder",
            with_rest(missing, _LISTED),
        )
    notes = [f"the tensors of {counted(len(parts), 'file')} that the index names"]
    if missing:
        notes.append(f"{len(missing):,} of {len(files):,} files are not there: {with_rest(missing, _LISTED)}")
    if absent:
        notes.append(f"not in the file that the index says: {with_rest(absent, _LISTED)}")
    return _as_one(parts, notes, file)


def _as_one(parts: list[WeightFile], notes: list[str], file: str) -> WeightFile:
    formats = list(dict.fromkeys(part.format for part in parts))
    whole = joined(parts, f"{', '.join(formats)} in {counted(len(parts), 'file')}", notes)
    entries = {tensor.name: tensor for tensor in whole.tensors}
    if len(entries) < len(whole.tensors):
        seen: set[str] = set()
        twice = next(tensor.name for tensor in whole.tensors if tensor.name in seen or seen.add(tensor.name))  # type: ignore[func-returns-value]
        raise SourceError(f"{shown_name(file)} names files with the same tensor", "each once", shorten(twice))
    load = "safetensors.torch.load_file(file)" if whole.kind == "safetensors" else "torch.load(file)"
    code = f"state = {{k: v for file in FILES for k, v in {load}.items()}}  # FILES are those that the index names"
    return whole._replace(state_dicts=(StateDict((), entries),), code=code)
