"""The contents of a pickle as tensors by path, with the modules that it describes."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from lstmcalc.errors import SourceError, shorten
from lstmcalc.readers.files.raw_numbers import WIDTHS, Block, placed_blocks
from lstmcalc.readers.files.sections import Section
from lstmcalc.readers.files.tensors import Spot, Stored, WeightFile
from lstmcalc.readers.pickles.arrays import RawArray, array_description, is_array, objects_of, raw_array
from lstmcalc.readers.pickles.embedded import is_whole_file
from lstmcalc.readers.pickles.records import Call
from lstmcalc.readers.pickles.trees import walk
from lstmcalc.readers.torch.modules import Code, stated_modules
from lstmcalc.readers.torch.notes import called_notes, lightning_notes, tensor_notes
from lstmcalc.readers.torch.quantized import Packed, packed_of, with_quantized
from lstmcalc.readers.torch.state_dicts import buffers_of, dictionaries, state_dicts
from lstmcalc.readers.torch.storages import Content
from lstmcalc.readers.torch.tensors import Locate, Tensor, Unreadable, tensor_of

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


def weight_file(
    kind: str,
    content: Content,
    notes: tuple[str, ...],
    code: Code = lambda _: "",
    named: Callable[[str], str] = lambda path: path or "tensor",  # a tensor that is the whole file has no name
) -> WeightFile:
    """The tensors, modules and dictionaries of what was pickled."""
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
    held = dictionaries(content.value, own) if kind != "pickle" else ()
    states = tuple(state_dicts(content.value, {name: tensors[name] for name in own & tensors.keys()}))
    buffers = buffers_of(tree.modules)
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


def _shape(leaf: Tensor | RawArray) -> tuple[int, ...]:
    return (leaf.raw if isinstance(leaf, Tensor) else leaf).view.shape


def _read(name: str, leaf: Tensor | RawArray) -> Any:  # noqa: ANN401  # an array
    try:
        return leaf.read()
    except SourceError as error:
        raise error.at(shorten(name)) from None


def _blocks(name: str, leaf: Tensor | RawArray) -> Iterator[Block]:
    return placed_blocks(leaf.blocks(), shorten(name))
