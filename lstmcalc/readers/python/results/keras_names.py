"""The names that Keras and Linen give layers.

Not here: other names (`naming`).
"""

from collections.abc import Sequence

from lstmcalc.readers.python.builtin.constants import constant
from lstmcalc.readers.python.core.values import Entry, Obj
from lstmcalc.readers.python.layers.keras_tensors import Around
from lstmcalc.readers.python.results.findings import record_of, wrappers_of


def keras_names_of(entries: Sequence[Entry]) -> tuple[dict[int, str], dict[int, str]]:
    """The names that code gives layers of Keras, and what the names of their weights begin with."""
    counts: dict[str, int] = {}
    own: dict[int, str] = {}
    paths: dict[int, str] = {}
    outer: dict[int, str] = {}

    def automatic(stem: str) -> str:
        counts[stem] = counts.get(stem, 0) + 1
        return stem if counts[stem] == 1 else f"{stem}_{counts[stem] - 1}"

    for entry in entries:
        record, thing = record_of(entry), entry.made[0]
        if record.constructor is None or "keras" not in record.constructor.framework:
            continue
        cell = record.constructor.names[0].endswith("Cell")
        given = record.given.get("name")
        named = given if isinstance(given, str) else ""
        inner = named or automatic("lstm_cell" if cell else "lstm")
        around = [item for item in wrappers_of(thing) if item.name in ("Bidirectional", "RNN")]
        path = inner if around or not cell else ""
        for item in around:
            text = constant(item.given.get("name", ""))
            named = text if isinstance(text, str) else ""
            if id(item) not in outer:  # the cells of one layer have it in common
                stem = named or automatic(item.name.lower())
                outer[id(item)] = f"{stem}/{automatic('stacked_rnn_cells')}" if _is_of_several(item) else stem
            path = f"{outer[id(item)]}/{{direction}}_{path}" if item.name == "Bidirectional" else outer[id(item)]
        own[id(thing)] = named or f"@{path.partition('/')[0]}"
        paths[id(thing)] = path
    return {**own, **_linen_names(entries)}, paths


def _is_of_several(wrapper: Around) -> bool:
    """True for a layer that runs several cells, one after the other."""
    cell = wrapper.given.get("cell")
    return wrapper.name == "RNN" and not (isinstance(cell, Obj) and "@lstm" in cell.slots)


def _linen_names(entries: Sequence[Entry]) -> dict[int, str]:
    """The names that code gives cells of Linen, or Linen itself where they are made when their module is run."""
    names: dict[int, str] = {}
    counts: dict[tuple[int, str], int] = {}
    for entry in entries:
        record, thing = record_of(entry), entry.made[0]
        if record.constructor is None or record.constructor.framework != "flax-linen" or thing.cls is None:
            continue
        frame = next((item for item in reversed(record.frames) if item.function and not item.function.native), None)
        given, kind = record.given.get("name"), thing.cls.name
        if isinstance(given, str):
            names[id(thing)] = given
        elif frame is not None and frame.function is not None and frame.function.name != "setup":
            owner = next(iter(frame.scope.slots.values()), None)  # self
            number = counts.get((id(owner), kind), 0)
            counts[id(owner), kind] = number + 1
            names[id(thing)] = f"@{kind}_{number}"
    return names
