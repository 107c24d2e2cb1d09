"""Checkpoints of PyTorch and other pickles: their tensors and modules, read without PyTorch.

Nothing in a file is executed (`readers.pickles`), and only its index is read; the numbers of a tensor are read when
they are asked for. Names are paths: `encoder.weight_ih_l0` in a state_dict, `model_state.encoder.weight_ih_l0` in a
state_dict within a dictionary, `optimizer_state.state.0.exp_avg` in the state of an optimizer.

Source: torch 2.13.0 (torch/serialization.py: `_save`, `_load`, `_legacy_save`, `_legacy_load`; `torch.jit.save`), run,
and its files of earlier versions.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.archives import Member, read_archive
from lstmcalc.readers.files.inner import File, Inner, name_of, section_of
from lstmcalc.readers.files.raw_numbers import WIDTHS, Block, placed_blocks
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Spot, StateDict, Stored, WeightFile
from lstmcalc.readers.pickles.arrays import INLINE, RawArray, array_description, is_array, objects_of, raw_array
from lstmcalc.readers.pickles.embedded import TFLITE, files_in, is_whole_file
from lstmcalc.readers.pickles.machine import MAX_WORK, interpret_pickle
from lstmcalc.readers.pickles.records import Call, Global, Persistent, Table, text_of
from lstmcalc.readers.pickles.records import section_of as bytes_section
from lstmcalc.readers.pickles.trees import Module, walk
from lstmcalc.readers.torch.modules import Code, frozen_modules, stated_modules
from lstmcalc.readers.torch.notes import called_notes, lightning_notes, tensor_notes
from lstmcalc.readers.torch.quantized import Packed, packed_of, with_quantized
from lstmcalc.readers.torch.tensors import Locate, Storage, Tensor, Unreadable, itemsize, storage_dtype, tensor_of

MAGIC: Final = 0x1950A86A20F9469CFC6C  # torch/serialization.py
_MAX_CODE: Final = 4 << 20  # bytes of TorchScript's code that are searched
_VERSION: Final = 1001  # torch/serialization.py, PROTOCOL_VERSION
_FROM_BYTES: Final = "torch.storage._load_from_bytes"
_MAX_CODE_FILES: Final = 1000
_MAX_PICKLED: Final = 20_000
_NESTED_WORK: Final = 10_000  # for the few opcodes of a storage that was pickled by itself
# Archives that are not read, by a member, with a way to one that is (torch 2.13.0, export/pt2_archive/constants.py).
_SAVE_EXPORTED: Final = "torch.save(torch.export.load(FILE).state_dict, NEW), and read NEW"
_SAVE_WEIGHTS: Final = "load it, and save the weights alone: torch.save(model.state_dict(), NEW)"
_NOT_READ: Final = {
    "extern_modules": ("a package of torch.package", _SAVE_WEIGHTS),
    "archive_format": ("a program of torch.export (.pt2)", _SAVE_EXPORTED),
    "model.json": ("a program of torch.export or an archive of PyTorch 1.0", _SAVE_WEIGHTS),
}


class _Content(NamedTuple):
    """The contents of a file, and the function that finds its storages."""

    value: Any
    called: tuple[str, ...]  # the functions that the pickle would call
    locate: Locate


def read_torch(file: File) -> WeightFile:
    """A file that `torch.save`, `torch.jit.save` or Lightning wrote: a state_dict, a checkpoint or a whole module.

    Zip archives and the older form without one are told apart by content.
    """
    section = section_of(file)
    if section.read(0, min(section.length, 4)) in (b"PK\3\4", b"PK\5\6"):
        return _read_zip(file)
    return read_pickle(file)


def read_pickle(file: File) -> WeightFile:
    """A pickle: of NumPy's arrays, of tensors, of whole modules; or the form of `torch.save` before PyTorch 1.6."""
    from lstmcalc.readers.pickles.joblib import interpret_joblib, is_outside

    section = section_of(file)
    _refuse_tar(section)
    first = interpret_joblib(section)
    if type(first.value) is int and first.value == MAGIC:
        content = _legacy_content(section, first.end)
        return _weight_file("PyTorch (before 1.6)", content, ())
    notes = [] if first.end == section.length else ["more follows after the first pickle of this file; it is not read"]
    if is_outside(first.called):
        notes.append("joblib before 0.10 wrote its arrays to other files, which are not read")
    read = _weight_file("pickle", _Content(first.value, first.called, _PickledStorages().locate), tuple(notes))
    read = read._replace(format="joblib") if INLINE in first.called else read
    return _with_embedded(read, list(files_in(first.value)), name_of(file))


def _with_embedded(read: WeightFile, embedded: Sequence[tuple[str, Section]], name: str) -> WeightFile:
    """What was read of a pickle, with the models that are whole files among its byte strings."""
    from lstmcalc.readers.files.containers import archive_inside
    from lstmcalc.readers.files.joined import below, joined
    from lstmcalc.readers.files.kinds import inner_kind, open_inner

    models, notes = list[WeightFile](), list[str]()
    for path, section in embedded:
        inner = Inner(section, f"{name}, {section.length:,} bytes{f' at {shorten(path)[1:-1]}' if path else ''}")
        kind = inner_kind(inner)
        try:
            model = open_inner(inner) if kind else None
        except SourceError:
            if kind != "packed":  # several models, or what is damaged
                raise
            model = None
        if model is None:
            is_lite = section.read(4, 4) == TFLITE
            what = "a model of TensorFlow Lite" if is_lite else archive_inside(inner).name
            notes.append(f"{section.length:,} bytes in it look like {what}, and are not read")
            continue
        models.append(below(path if len(embedded) > 1 else "", model))
    if not models:
        return read._replace(notes=(*notes, *read.notes))
    formats = list(dict.fromkeys(model.format for model in models))
    whole = joined([*models, read], f"{', '.join(formats)} in {read.format}", notes)
    return whole._replace(kind=models[0].kind)


def _refuse_tar(section: Section) -> None:
    if section.length > 512 and section.read(257, 5) == b"ustar":  # noqa: PLR2004  # one block
        raise SourceError(
            "this is a tar archive, as PyTorch saved until 0.1.10",
            expected="a file of a later version",
            hint="if you trust it: torch.save(torch.load(path, weights_only=False), path)",
        )


# --- a zip archive ---------------------------------------------------------------------------------------------------


class _Archive(NamedTuple):
    """A zip archive of PyTorch."""

    members: Mapping[str, Member]
    root: str  # the folder in it, with a slash
    big_endian: bool
    sections: dict[str, Section]  # the storages that were located so far, by their members' names

    def pickled(self, name: str, folder: str) -> _Content | None:
        """One of the archive's pickles, with the storages of a folder; None if there is no such pickle."""
        member = self.members.get(self.root + name)
        if member is None:
            return None
        found = interpret_pickle(member.whole(), persistent=_storage)
        return _Content(found.value, found.called, partial(self._locate, folder))

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


def _read_zip(file: File) -> WeightFile:
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
        return _weight_file("PyTorch (zip)", content, ())
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


def _script_archive(archive: _Archive, content: _Content, constants: _Content) -> WeightFile:
    """A TorchScript archive: its module, its constants, and the recurrent modules that its code describes."""
    code = _code(archive)
    found = _weight_file("TorchScript", content, (), code=lambda kind: code.get(_code_name(kind), ""))
    others = _weight_file("TorchScript", constants, (), named=_constant_name)
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
    return _checked_storage(key[1], key[2], key[4])


def _checked_storage(kind: Any, key: Any, numel: Any) -> Storage:  # noqa: ANN401  # records of a pickle
    name = str(key) if type(key) is int else text_of(key)
    if name is None or type(numel) is not int or numel < 0:
        raise SourceError("a tensor's storage is damaged", expected="a key and a count")
    return Storage(name, storage_dtype(kind), numel)


# --- before PyTorch 1.6 ----------------------------------------------------------------------------------------------


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
        storage = _checked_storage(key[1], key[2], key[4])
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


def _legacy_content(section: Section, start: int, work: int = MAX_WORK) -> _Content:
    """The contents after the magic number: the version, the system's sizes, the value, the storages."""
    version = interpret_pickle(section, start, work=work)
    if type(version.value) is not int or version.value != _VERSION:
        raise SourceError("this file of PyTorch is of an unknown version", expected=str(_VERSION))
    system = interpret_pickle(section, version.end, work=work)
    storages = _LegacyStorages()
    content = interpret_pickle(section, system.end, persistent=storages.persistent, work=work)
    keys = interpret_pickle(section, content.end, work=work)
    storages.find(section, keys.value, keys.end)
    return _Content(content.value, content.called, storages.locate)


class _PickledStorages:
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
        content = _legacy_content(section, first.end, _NESTED_WORK)
        return content.locate(content.value)


# --- contents --------------------------------------------------------------------------------------------------------


_FILE: Final = Unreadable("a whole file")  # among the byte strings of a pickle, which `_with_embedded` reads


class _Leaves:
    """Converts the records of a pickle to tensors and arrays, and to packed cells of these."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate

    def __call__(self, call: Call) -> Any:  # noqa: ANN401  # a Tensor, RawArray, Packed or Unreadable; None for others
        if not is_array(call):
            return packed_of(call, self._locate) or tensor_of(call, self._locate)
        array = raw_array(call)
        if array is None and objects_of(call) is None:
            return Unreadable(array_description(call))
        return _FILE if array is not None and is_whole_file(array) else array


def _weight_file(
    kind: str,
    content: _Content,
    notes: tuple[str, ...],
    code: Code = lambda _: "",
    named: Callable[[str], str] = lambda path: path or "tensor",  # a tensor that is the whole file has no name
) -> WeightFile:
    leaves = _Leaves(content.locate)
    tree = walk(content.value, leaves)
    packed = {path: leaf for path, leaf in tree.leaves if isinstance(leaf, Packed)}
    tree = tree._replace(leaves=list(_unpacked(tree.leaves)))
    tensors: dict[str, Stored] = {}
    for path, leaf in tree.leaves:
        if not isinstance(leaf, Unreadable):
            # Two keys can be the same text, e.g. 1 and "1".
            name = named(path) if named(path) not in tensors else f"{named(path)}#{len(tensors)}"
            how = partial(_read, name, leaf), partial(_blocks, name, leaf)
            tensors[name] = Stored(
                name, leaf.dtype, _shape(leaf), leaf.nbytes, *how, place=_place(leaf), spot=_spot(leaf)
            )
    stated = tuple(with_quantized(stated_modules(tree.modules, code), packed))
    more = (*lightning_notes(content.value), *tensor_notes(tree), *called_notes(content.called))
    own = {path for path, leaf in tree.leaves if isinstance(leaf, Tensor)}
    held = _dictionaries(content.value, own) if kind != "pickle" else ()
    states = tuple(_state_dicts(content.value, {name: tensors[name] for name in own & tensors.keys()}))
    buffers = _buffers(tree.modules)
    return WeightFile(kind, tuple(tensors.values()), stated, (*notes, *more), held, state_dicts=states, buffers=buffers)


def _unpacked(leaves: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The leaves of a tree, packed cells as their tensors."""
    for path, leaf in leaves:
        if isinstance(leaf, Packed):
            yield from leaf.tensors(path)
        elif leaf is not _FILE:
            yield path, leaf


def _place(leaf: Tensor | RawArray) -> object:
    """The key that is equal for two tensors that share their numbers; None if there is none."""
    raw = leaf.raw if isinstance(leaf, Tensor) else leaf
    if not isinstance(raw.data, Section) or not raw.view.numel:
        return None
    held = raw.data.origin if isinstance(raw.data.origin, Path) else id(raw.data.origin)
    return held, raw.data.start, raw.view


def _spot(leaf: Tensor | RawArray) -> Callable[[], Spot] | None:
    """The place of a tensor's numbers in the file; None if they are not there as they are."""
    raw = leaf.raw if isinstance(leaf, Tensor) else leaf
    if not isinstance(raw.data, Section) or raw.dtype not in WIDTHS:
        return None
    if isinstance(leaf, Tensor) and (leaf.why or leaf.conjugated or leaf.negated):
        return None
    spot = Spot(raw.data, raw.dtype, raw.view, raw.big_endian)
    return lambda: spot


def _buffers(modules: Sequence[Module]) -> frozenset[str] | None:
    """The names of the buffers of whole modules; None if the file has none, or is of TorchScript, which tells none."""
    if not modules or any(module.parameters is module.attributes for module in modules):
        return None
    found = set()
    for module in modules:
        held = module.attributes.get("_buffers")
        for key, _ in held.pairs if type(held) is Table else ():
            found.add(module.inside(str(key)))
    return frozenset(found)


def _state_dicts(value: Any, tensors: Mapping[str, Stored]) -> Iterator[StateDict]:  # noqa: ANN401  # as in `walk`
    """The file itself, if it is a dictionary, and the dictionaries in it, two levels deep, that have tensors."""
    places: list[tuple[tuple[str, ...], Table]] = [((), value)] if type(value) is Table else []
    for keys, table in places:
        held = {name: item for name, item in table.pairs if isinstance(name, str)}
        if len(keys) < _LEVELS:
            places += [((*keys, name), item) for name, item in held.items() if type(item) is Table]
        entries = {name: tensors.get(".".join((*keys, name))) or _class_name(item) for name, item in held.items()}
        if not keys or any(isinstance(item, Stored) for item in entries.values()):
            yield StateDict(keys, entries, _versions(table.state))


_LEVELS: Final = 2  # e.g. `checkpoint["state"]["model"]`


def _class_name(value: Any) -> str:  # noqa: ANN401  # a record of a pickle
    """The name of the class of a value that is not a tensor."""
    return "dict" if type(value) is Table else value.path if type(value) is Call else type(value).__name__


def _versions(state: Any) -> dict[str, int]:  # noqa: ANN401  # a record of a pickle
    """The versions of modules by path, from the attributes of a state dict (`state_dict` of torch 2.13.0)."""
    metadata = state.get("_metadata") if type(state) is Table else None
    pairs = metadata.pairs if type(metadata) is Table else []
    found = {path: table.get("version") for path, table in pairs if isinstance(path, str) and type(table) is Table}
    return {path: version for path, version in found.items() if type(version) is int}


def _dictionaries(value: Any, names: Collection[str]) -> tuple[tuple[str, ...], ...]:  # noqa: ANN401  # as in `walk`
    """The keys of each dictionary that has tensors by name: none for the file itself, one for a dictionary in it."""
    if type(value) is not Table:
        return ()
    places: list[tuple[tuple[str, ...], Table]] = [((), value)]
    places += [((key,), held) for key, held in value.pairs if isinstance(key, str) and type(held) is Table]
    return tuple(
        keys
        for keys, table in places
        if any(isinstance(name, str) and ".".join((*keys, name)) in names for name, _ in table.pairs)
    )


def _shape(leaf: Tensor | RawArray) -> tuple[int, ...]:
    return (leaf.raw if isinstance(leaf, Tensor) else leaf).view.shape


def _read(name: str, leaf: Tensor | RawArray) -> Any:  # noqa: ANN401  # an array
    try:
        return leaf.read()
    except SourceError as error:
        raise error.at(shorten(name)) from None


def _blocks(name: str, leaf: Tensor | RawArray) -> Iterator[Block]:
    return placed_blocks(leaf.blocks(), shorten(name))
