"""The kinds of random programs: what makes them, and what they are run with."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tools.programs.cell_programs import LIBRARIES, cell_program
from tools.programs.cells_live import cells_live
from tools.programs.cells_stand_in import STAND_INS, cells_alone
from tools.programs.keras_programs import keras_program
from tools.programs.live import keras_live, torch_live
from tools.programs.runs import Libraries, keras_alone, runs, torch_alone
from tools.programs.torch_programs import torch_file, torch_program
from tools.programs.verdicts import Verdict, judge


class Kind(NamedTuple):
    """One kind of programs."""

    make: Callable[[int], str]  # the program of a seed
    libraries: Libraries  # stand-ins for what it imports
    live: Libraries  # and the libraries themselves


KINDS: Final = {
    "pytorch": Kind(torch_program, torch_alone, torch_live),
    "imported": Kind(torch_file, torch_alone, torch_live),
    "keras": Kind(keras_program, keras_alone, keras_live),
    **{kind: Kind(cell_program(kind), cells_alone(kind), cells_live(kind)) for kind in STAND_INS},
}
# Other libraries, of which some have no stand-in and are run live.
CELLS: Final = {kind: KINDS.get(kind, Kind(cell_program(kind), *[cells_live(kind)] * 2)) for kind in LIBRARIES}


def verdict_on(code: str, kind: str, folder: Path, *, live: bool = False) -> Verdict:
    """The verdict on a program; nonsense if no run of it comes to an end and constructs an LSTM."""
    tools = {**KINDS, **CELLS}[kind]
    truths = runs(code, tools.live if live else tools.libraries)
    if not any(truths):
        return Verdict("nonsense")
    with _limited(30):
        return judge(code, truths, kind, folder)


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """End what takes too long, where the system can."""

    def end(*_: object) -> None:
        raise TimeoutError(f"over {seconds} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
