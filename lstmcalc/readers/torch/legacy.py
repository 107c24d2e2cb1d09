"""Storages without an archive: files of `torch.save` before PyTorch 1.6, and tensors that were pickled alone."""

from typing import Any, Final

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.pickles.machine import MAX_WORK, interpret_pickle
from lstmcalc.readers.pickles.records import Call, Global, Persistent, text_of
from lstmcalc.readers.pickles.records import section_of as bytes_section
from lstmcalc.readers.torch.storages import Content, checked_storage
from lstmcalc.readers.torch.tensors import Storage, itemsize

MAGIC: Final = 0x1950A86A20F9469CFC6C  # torch/serialization.py
_VERSION: Final = 1001  # torch/serialization.py, PROTOCOL_VERSION
_FROM_BYTES: Final = "torch.storage._load_from_bytes"
_MAX_PICKLED: Final = 20_000
_NESTED_WORK: Final = 10_000  # for the few opcodes of a storage that was pickled by itself


class _LegacyStorages:
    """The storages of a file without an archive: declared in the pickle, with their numbers after it."""

    def __init__(self) -> None:
        self._told: dict[str, Storage] = {}
        self._sections: dict[str, Section] = {}

    def persistent(self, key: Any) -> Any:  # noqa: ANN401  # a record of a pickle
        """The storage, or the class with its source code, that a persistent id stands for."""
        kind = text_of(key[0]) if isinstance(key, tuple) and key else None
        if kind == "module" and len(key) > 1 and isinstance(key[1], Global):
            return key[1]
        if kind != "storage" or len(key) < 5:  # noqa: PLR2004  # see `_legacy_save`
            return Persistent(key)
        storage = checked_storage(key[1], key[2], key[4])
        self._told.setdefault(storage.key, storage)
        view = key[5] if len(key) > 5 else None  # noqa: PLR2004
        if view is None:
            return storage
        if not isinstance(view, tuple) or len(view) != 3 or any(type(size) is not int or size < 0 for size in view[1:]):  # noqa: PLR2004
            raise SourceError("a view of a storage is damaged")
        return storage._replace(numel=view[2], offset=view[1] * itemsize(storage.dtype))

    def find(self, section: Section, keys: Any, start: int) -> None:  # noqa: ANN401  # a record of a pickle
        """Find the numbers of each storage: one after the other, each after its count."""
        for key in keys if isinstance(keys, list) else ():
            storage = self._told.get(text_of(key) or "")
            if storage is None or storage.key in self._sections:
                raise SourceError("this file has a storage that no tensor has", found=shorten(text_of(key) or "?"))
            count = int.from_bytes(section.read(start, 8), "little")
            if count != storage.numel:
                raise SourceError(
                    "a storage is of another size than told", expected=str(storage.numel), found=str(count)
                )
            self._sections[storage.key] = section.part(start + 8, storage.nbytes)
            start += 8 + storage.nbytes

    def locate(self, storage: Any) -> tuple[Section, str, bool]:  # noqa: ANN401  # a record of a pickle
        """The bytes of a storage, its dtype, and False, as it is never big-endian."""
        whole = self._sections.get(storage.key) if isinstance(storage, Storage) else None
        if whole is None:
            raise SourceError("a tensor's numbers are missing in this file")
        return whole.part(storage.offset, storage.nbytes), storage.dtype, False


def legacy_content(section: Section, start: int, work: int = MAX_WORK) -> Content:
    """The contents after the magic number: the version, the system's sizes, the value, the storages."""
    version = interpret_pickle(section, start, work=work)
    if type(version.value) is not int or version.value != _VERSION:
        raise SourceError("this file of PyTorch is of an unknown version", expected=str(_VERSION))
    system = interpret_pickle(section, version.end, work=work)
    storages = _LegacyStorages()
    content = interpret_pickle(section, system.end, persistent=storages.persistent, work=work)
    keys = interpret_pickle(section, content.end, work=work)
    storages.find(section, keys.value, keys.end)
    return Content(content.value, content.called, storages.locate)


class PickledStorages:
    """Storages that were pickled without `torch.save`, each as the bytes of a small file of PyTorch."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Section, str, bool]] = {}  # by the id of the record, which the value keeps alive

    def locate(self, storage: Any) -> tuple[Section, str, bool]:  # noqa: ANN401  # a record of a pickle
        """The bytes of a storage, its dtype, and False, as it is never big-endian."""
        if not isinstance(storage, Call) or storage.path != _FROM_BYTES or not storage.arguments:
            raise SourceError("a tensor in this pickle has no storage")
        if id(storage) not in self._found:
            if len(self._found) == _MAX_PICKLED:
                raise SourceError("this pickle has too many tensors", expected=f"at most {_MAX_PICKLED:,}")
            self._found[id(storage)] = self._in_bytes(bytes_section(storage.arguments[0]))
        return self._found[id(storage)]

    def _in_bytes(self, section: Section) -> tuple[Section, str, bool]:
        first = interpret_pickle(section, work=_NESTED_WORK)
        if type(first.value) is not int or first.value != MAGIC:
            raise SourceError("a tensor's storage is none of PyTorch")
        content = legacy_content(section, first.end, _NESTED_WORK)
        return content.locate(content.value)
