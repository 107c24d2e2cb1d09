"""HDF5 files without a process for each."""

from collections import Counter
from collections.abc import Iterator

import pytest

from lstmcalc.readers.keras import hdf5
from tools.hdf5 import Zygote


@pytest.fixture(scope="session")
def process_with_h5py() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def zygote(process_with_h5py: Zygote, monkeypatch: pytest.MonkeyPatch) -> Zygote:
    """What answers in place of the processes that `lstmcalc` starts; elsewhere in this folder it does start them."""
    monkeypatch.setattr(process_with_h5py, "answers", Counter())
    monkeypatch.setattr(hdf5, "_ask", process_with_h5py.ask)
    return process_with_h5py
