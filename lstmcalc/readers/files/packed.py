"""A model in a file of another kind: compressed, in a tar or zip archive, or both; read as if it were unpacked.

    tagger.pt.gz   model.tar.gz with one model in it   ppo_lstm.zip of Stable-Baselines3

Members are told by their content (`kinds.inner_kind`). With several models in an archive none is taken. Nothing is
written to a disk, and names of members are never used as paths.

Tested with files that Python 3.11, GNU tar 1.34, joblib 1.6.0, Stable-Baselines3 2.9.2 and sb3-contrib 2.9.2 wrote.
Stable-Baselines3 keeps its policy as a state_dict in `policy.pth`, and the arguments of its constructor as JSON in
`data` (stable_baselines3/common/save_util.py, 2.9.2).

Not here: how they are inflated (`packing`), and archives that are a file of one format (`kinds`).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from lstmcalc.errors import SourceError, printable, shorten
from lstmcalc.readers.files.archives import Member, in_memory, read_archive
from lstmcalc.readers.files.containers import archive_inside
from lstmcalc.readers.files.inner import File, Inner, name_of, section_of
from lstmcalc.readers.files.kinds import EXPECTED, inner_kind, models_in, open_inner, zip_members
from lstmcalc.readers.files.packing import inflated, is_tar, tar_members, way_of
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.files.unread import Unread, format_of_bytes, unread_error
from lstmcalc.spec.words import with_rest

_DEPTH: Final = 5  # wrappers around a model: a tar archive in gzip in a zip archive has three
_LISTED: Final = 6
_CODE: Final = {
    "torch": "state = torch.load(FILE){keys}  # FILE is what was unpacked",
    "safetensors": "state = safetensors.torch.load_file(FILE){keys}  # FILE is what was unpacked",
}
_POLICY: Final = "policy.pth"
_MAX_DATA: Final = 16 << 20  # bytes of the arguments of Stable-Baselines3
_SIMPLE: Final = (int, float, bool, str)


class _Unpacked(NamedTuple):
    """The content of a wrapper."""

    inner: Inner
    way: str  # the wrapper in a word: `gzip`, `tar`
    notes: tuple[str, ...] = ()


def read_packed(file: File) -> WeightFile:
    """The one model in a compressed file or an archive."""
    inner, ways, notes = Inner(section_of(file), name_of(file)), list[str](), list[str]()
    for _ in range(_DEPTH):
        unpacked = _unpacked(inner)
        inner, ways = unpacked.inner, [*ways, unpacked.way]
        notes += unpacked.notes
        kind = inner_kind(inner)
        if not kind:
            raise unread_error(inner.name, _unread(inner, ways[-1]), EXPECTED)
        if kind != "packed":
            read = open_inner(inner)
            return read._replace(
                format=f"{read.format} in {', '.join(reversed(ways))}",
                notes=(*notes, *read.notes),
                dictionaries=(),  # no program loads it as it is
                code=_CODE.get(read.kind, ""),
            )
    raise SourceError(f"{name_of(file)} is packed too often", f"at most {_DEPTH} times", ", ".join(ways))


def _unread(inner: Inner, way: str) -> Unread:
    """The format of what was unpacked and is not read."""
    head = inner.section.read(0, min(inner.section.length, 512))
    if is_tar(head) or head.startswith(b"PK"):
        return archive_inside(inner)
    return format_of_bytes(head) or Unread(f"{way}-compressed data", "decompress it first")


def _unpacked(around: Inner) -> _Unpacked:
    """The content of a wrapper: of an archive, its one model."""
    section = around.section
    head = section.read(0, min(section.length, 512))
    if way := way_of(head):
        try:
            return _Unpacked(Inner(inflated(section), around.name), way)
        except SourceError as error:
            raise (error if error.where else error.at(around.name)) from None
    if is_tar(head):
        return _only(list(models_in(tar_members(around))), around, "tar")
    members = read_archive(around)
    if {"data", _POLICY} <= members.keys():
        policy = Inner(members[_POLICY].whole(), f"{around.name}, {_POLICY}")
        return _Unpacked(policy, "a zip archive of Stable-Baselines3", tuple(_policy_notes(members)))
    return _only(list(models_in(zip_members(members))), around, "zip")


def _only(models: list[Inner], around: Inner, way: str) -> _Unpacked:
    """The only model of an archive."""
    names = [printable(model.name) for model in models]
    if not models:
        raise unread_error(around.name, archive_inside(around), EXPECTED)
    if len(models) > 1:
        raise SourceError(
            f"{around.name} has several models",
            "an archive with one in it",
            with_rest(names, _LISTED),
            f"unpack it, and give one of them: {names[0]}",
        )
    inside = models[0]._replace(
        section=in_memory(models[0].section, models[0].name),
        name=f"{around.name}, {shorten(models[0].name)[1:-1]}",
    )
    return _Unpacked(inside, way, (f"read from {names[0]} in it",))


def _policy_notes(members: Mapping[str, Member]) -> Iterator[str]:
    """Notes on what Stable-Baselines3 states beside the weights of its policy."""
    version = members.get("_stable_baselines3_version")
    said = version.whole().read(0, min(version.size, 20)).decode("latin-1").strip() if version else ""
    yield f"the policy of a model of Stable-Baselines3{f' {said}' if said else ''}, read from {_POLICY}"
    if members["data"].size > _MAX_DATA:
        return
    try:
        stated = json.loads(members["data"].whole().read())["policy_kwargs"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    pairs = stated.items() if isinstance(stated, dict) else ()
    simple = [f"{key} = {value}" for key, value in pairs if type(value) in _SIMPLE and not key.startswith(":")]
    if simple:
        yield f"policy_kwargs: {shorten(', '.join(simple), 300)[1:-1]}"
