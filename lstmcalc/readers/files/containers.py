"""Archives and folders as SOURCE: their kinds by the names of what is in them, which is not unpacked.

Not here: archives that are read (`archives`).
"""

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from lstmcalc.errors import SourceError, printable
from lstmcalc.readers.files.archives import read_archive
from lstmcalc.readers.files.inner import Inner, section_of
from lstmcalc.readers.files.packing import is_tar, tar_members
from lstmcalc.readers.files.unread import HEAD, Unread, format_of_stream
from lstmcalc.spec.words import counted, with_dots

_MOST: Final = 1000  # members that are looked at
_SHOWN: Final = 3
# The endings of files that may hold weights.
_WEIGHTS: Final = (
    *(".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".npz", ".npy", ".onnx", ".h5", ".hdf5", ".keras", ".pkl"),
    *(".pickle", ".tflite"),
)
# Kinds of archives and folders by members, all of which are there under some folder. From general knowledge, but for
# those with a version: Stable-Baselines3 2.7 (save_util.py), NeMo 2.4 (save_restore_connector.py), DL4J 1.0
# (ModelSerializer), NNabla 1.41 (utils/save.py), orbax-checkpoint 0.11, coremltools 9.0 (Manifest.json).
_KINDS: Final = (
    (("saved_model.pb",), Unread("a SavedModel of TensorFlow", "unpack it, and give its folder")),
    (
        ("Manifest.json", "com.apple.CoreML"),
        Unread("a package of Core ML", "give the model that it was converted from"),
    ),
    (
        ("coefficients.bin", "configuration.json"),
        Unread("a model of Deeplearning4j", "give the model that it was converted from, or its sizes as flags"),
    ),
    (
        ("nnp_version.txt",),
        Unread("a model of NNabla (.nnp)", "unpack it: a parameter.h5 in it is read as arrays"),
    ),
    (
        ("_CHECKPOINT_METADATA",),
        Unread("a checkpoint of Orbax", "restore it with Orbax, and np.savez its flattened tree"),
    ),
    (
        (".metadata", "__0_0.distcp"),
        Unread(
            "a distributed checkpoint of PyTorch",
            "python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER NEW.pt, and read NEW.pt",
        ),
    ),
    (("data.pkl", "version"), Unread("an unpacked file of PyTorch", "give the file as torch.save wrote it")),
    (
        ("pickle", "storages", "tensors"),
        Unread(
            "a file of PyTorch before 0.1.11",
            "if you trust it: torch.save(torch.load(FILE, weights_only=False), NEW), and read NEW",
        ),
    ),
)


def unread_format(path: str) -> Unread | None:
    """The format of a regular file that no reader reads; None if its bytes are of no known format."""
    with open(path, "rb") as stream:  # noqa: PTH123  # as in `texts`
        head, size = stream.read(HEAD), os.fstat(stream.fileno()).st_size
        if is_tar(head):
            names = [member.name for member in tar_members(Inner(section_of(path), path))]
            return archive_format(names[:_MOST], "a tar archive", "tar -xf FILE")
        return format_of_stream(stream, head, size, path)


def archive_format(names: Sequence[str], what: str, tool: str) -> Unread:
    """The kind of an archive, which is `what`, by its members; `tool` unpacks it."""
    if not names:
        return Unread(what, "", "no members", "so there is no LSTM in it")
    listed = f"the names of {counted(len(names), 'member')}: {_few(names)}"
    known = _known(names)
    if known:
        return known._replace(name=f"{what} with {known.name}", seen=listed)
    held = [name for name in names if name.lower().endswith(_WEIGHTS)]
    if not held:
        return Unread(what, "if a file of a model is in it, unpack that file", listed)
    return Unread(f"{what} with {_few(held)} in it", f"unpack it, and read {printable(held[0])}: {tool}", listed)


def archive_inside(inner: Inner) -> Unread:
    """The kind of an archive within another file that is not read."""
    section = inner.section
    if is_tar(section.read(0, min(section.length, HEAD))):
        return archive_format([member.name for member in tar_members(inner)], "a tar archive", "tar -xf FILE")
    with suppress(SourceError):
        return archive_format(list(read_archive(inner)), "a zip archive", "unzip FILE")
    return Unread("a damaged zip archive", "")


def _known(names: Collection[str]) -> Unread | None:
    """The kind that the members are of."""
    parts = {part for name in names for part in name.rstrip("/").split("/")}
    return next((unread for wanted, unread in _KINDS if parts.issuperset(wanted)), None)


def _few(names: Sequence[str]) -> str:
    return with_dots([printable(name) for name in names], _SHOWN)


def folder_error(path: str, name: str, expected: str) -> SourceError:
    """The error about a folder, with the kind of model that its names tell, or the file in it to give instead."""
    try:
        names = _names_in(path)
        inner = _names_in(f"{path}/Data") if "Data" in names else []
    except OSError as error:
        return SourceError(f"cannot read {name}", found=error.strerror or str(error))
    listed = f"the names in it: {_few(names)}" if names else "nothing is in it"
    known = _known([*names, *inner])
    if known:
        return SourceError(
            f"{name} is a folder, and looks like {known.name}, which is not read",
            expected,
            f"{listed}; {known.open}",
            known.hint,
        )
    held = [item for item in names if item.lower().endswith(_WEIGHTS)]
    hint = f"give the file: {name.rstrip('/')}/{printable(held[0])}" if held else ""
    return SourceError(f"cannot read {name}", "a file", f"a folder; {listed}", hint)


def _names_in(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in islice(entries, _MOST))
