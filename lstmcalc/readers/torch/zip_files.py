"""Zip archives of `torch.save` and `torch.jit.save`."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple, NoReturn

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.archives import Member, read_archive
from lstmcalc.readers.files.inner import File
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.pickles.machine import interpret_pickle
from lstmcalc.readers.pickles.records import Persistent, text_of
from lstmcalc.readers.torch.contents import weight_file
from lstmcalc.readers.torch.modules import frozen_modules
from lstmcalc.readers.torch.storages import Content, checked_storage
from lstmcalc.readers.torch.tensors import Storage

_MAX_CODE: Final = 4 << 20  # bytes of TorchScript's code that are searched
_MAX_CODE_FILES: Final = 1000
# Archives that are not read, by a member, with a way to one that is (torch 2.13.0, export/pt2_archive/constants.py).
_SAVE_EXPORTED: Final = "torch.save(torch.export.load(FILE).state_dict, NEW), and read NEW"
_SAVE_WEIGHTS: Final = "load it, and save the weights alone: torch.save(model.state_dict(), NEW)"
_NOT_READ: Final = {
    "extern_modules": ("a package of torch.package", _SAVE_WEIGHTS),
    "archive_format": ("a program of torch.export (.pt2)", _SAVE_EXPORTED),
    "model.json": ("a program of torch.export or an archive of PyTorch 1.0", _SAVE_WEIGHTS),
}


class _Archive(NamedTuple):
    """A zip archive of PyTorch."""

    members: Mapping[str, Member]
    root: str  # the folder in it, with a slash
    big_endian: bool
    sections: dict[str, Section]  # the storages that were located so far, by their members' names

    def pickled(self, name: str, folder: str) -> Content | None:
        """One of the archive's pickles, with the storages of a folder; None if there is no such pickle."""
        member = self.members.get(self.root + name)
        if member is None:
            return None
        found = interpret_pickle(member.whole(), persistent=_storage)
        return Content(found.value, found.called, partial(self._locate, folder))

    def _locate(self, folder: str, storage: Any) -> tuple[Section, str, bool]:  # noqa: ANN401  # a record of a pickle
        if not isinstance(storage, Storage):
            raise SourceError("a tensor in this file has no storage")
        name = f"{self.root}{folder}{storage.key}"
        if name not in self.sections:
            member = self.members.get(name)
            if member is None:
                raise SourceError("a tensor's numbers are missing in this archive", expected=shorten(name))
            self.sections[name] = member.section()
        section = self.sections[name]
        if section.length < storage.nbytes:
            raise SourceError(
                "a storage is smaller than it says", expected=f"{storage.nbytes:,} bytes", found=f"{section.length:,}"
            )
        return section, storage.dtype, self.big_endian


def read_zip(file: File) -> WeightFile:
    """A file of `torch.save` since PyTorch 1.6, or of `torch.jit.save`."""
    members = read_archive(file)
    roots = [
        name[:-8] for name in members if name == "data.pkl" or (name.endswith("/data.pkl") and name.count("/") == 1)
    ]
    if not roots:
        _refuse_archive(members)
    order = members.get(f"{roots[0]}byteorder")
    big_endian = order is not None and order.whole().read(0, min(order.size, 3)) == b"big"
    archive = _Archive(members, roots[0], big_endian, {})
    content = archive.pickled("data.pkl", "data/")
    if content is None:  # `roots` has it
        raise SourceError("this archive has no data.pkl")
    constants = archive.pickled("constants.pkl", "constants/")
    if constants is None:
        return weight_file("PyTorch (zip)", content, ())
    return _script_archive(archive, content, constants)


def _refuse_archive(members: Mapping[str, Member]) -> NoReturn:
    parts = {name.rpartition("/")[2] for name in members}
    for name, (what, hint) in _NOT_READ.items():
        if name in parts:
            raise SourceError(
                f"this is {what}, which is not read",
                "a file of torch.save or torch.jit.save",
                f"a member called {name}; whether it has an LSTM is not known",
                hint,
            )
    raise SourceError("this zip archive is not a PyTorch file", expected="data.pkl in its only folder")


def _script_archive(archive: _Archive, content: Content, constants: Content) -> WeightFile:
    """A TorchScript archive: its module, its constants, and the recurrent modules that its code describes."""
    code = _code(archive)
    found = weight_file("TorchScript", content, (), code=lambda kind: code.get(_code_name(kind), ""))
    others = weight_file("TorchScript", constants, (), named=_constant_name)
    texts = list(code.values()) if others.tensors else []
    frozen = [stated for text in texts for stated in frozen_modules(text)]
    known = {tensor.name for tensor in others.tensors}
    frozen = [stated for stated in frozen if known.issuperset(stated.stored.named.values())]
    return found._replace(
        tensors=found.tensors + others.tensors, stated=(*found.stated, *frozen), notes=found.notes + others.notes
    )


def _code(archive: _Archive) -> Mapping[str, str]:
    """The files of code by name, as many as may be searched."""
    texts: dict[str, str] = {}
    left = _MAX_CODE
    for name, member in archive.members.items():
        wanted = name.startswith(f"{archive.root}code/") and name.endswith(".py") and len(texts) < _MAX_CODE_FILES
        if wanted and member.size <= left:
            left -= member.size
            texts[name.removeprefix(archive.root)] = member.section().read().decode("utf-8", "replace")
    return texts


def _code_name(kind: str) -> str:
    """The file of a class: `code/__torch__/torch/nn/modules/rnn.py` for `__torch__.torch.nn.modules.rnn.LSTM`."""
    return f"code/{kind.rpartition('.')[0].replace('.', '/')}.py"


def _constant_name(path: str) -> str:
    """The name of a constant in the code."""
    return f"CONSTANTS.c{path}"


def _storage(key: Any) -> Any:  # noqa: ANN401  # a record of a pickle
    """The storage that a persistent id of a zip archive stands for; any other id stays a `Persistent`."""
    if not isinstance(key, tuple) or len(key) < 5 or text_of(key[0]) != "storage":  # noqa: PLR2004  # see `_save`
        return Persistent(key)
    return checked_storage(key[1], key[2], key[4])
