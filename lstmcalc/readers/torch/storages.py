"""The storages of tensors: where a file has the numbers that a record refers to."""

from typing import Any, NamedTuple

from lstmcalc.errors import SourceError
from lstmcalc.readers.pickles.records import text_of
from lstmcalc.readers.torch.tensors import Locate, Storage, storage_dtype


class Content(NamedTuple):
    """The contents of a file, and the function that finds its storages."""

    value: Any
    called: tuple[str, ...]  # the functions that the pickle would call
    locate: Locate


def checked_storage(kind: Any, key: Any, numel: Any) -> Storage:  # noqa: ANN401  # records of a pickle
    """A storage, from its class, its key and the count of its numbers, which must be what they should."""
    name = str(key) if type(key) is int else text_of(key)
    if name is None or type(numel) is not int or numel < 0:
        raise SourceError("a tensor's storage is damaged", expected="a key and a count")
    return Storage(name, storage_dtype(kind), numel)
