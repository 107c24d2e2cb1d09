"""The storage of frameworks, worked out once for tests that convert the weights of the same LSTMs again and again."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from lstmcalc.frameworks import recipes, storage
from lstmcalc.frameworks.storage import Storage
from lstmcalc.intake import load
from lstmcalc.numerics import convert
from lstmcalc.readers.recognise import choosing, readings, stated

_once = cache(Storage)


@contextmanager
def stored_once() -> Iterator[None]:
    """A decorator for a test that leaves the table of frameworks as it is."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (storage, recipes, convert, readings, choosing, stated, load):
            patch.setattr(module, "Storage", _once)
        yield
