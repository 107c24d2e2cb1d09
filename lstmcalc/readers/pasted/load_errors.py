"""PyTorch's errors about a state dict as a source: the LSTMs of the checkpoint, and those of the model.

    size mismatch for rnn.weight_ih_l0: copying a param with shape torch.Size([4096, 512]) from checkpoint, the shape in
    current model is torch.Size([2048, 512]).

A tensor of the same size on both sides is not in the text. So the text tells how many layers there are only where the
hidden size differs, or where keys are missing or unexpected; what it does not tell is assumed, and said to be.

Sources: torch 2.13.0, torch/nn/modules/module.py (`_load_from_state_dict`, `load_state_dict`); the words of 0.3,
0.4 and 1.0 are those of its tags v0.3.0, v0.4.0 and v1.0.0, from general knowledge.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from lstmcalc.errors import NoLstmError, SourceError, printable
from lstmcalc.readers.found import Found
from lstmcalc.readers.pasted.lines import without_ahead, without_escapes
from lstmcalc.readers.recognise.module_names import module_name
from lstmcalc.readers.recognise.names import Hit, possible_meanings
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting
from lstmcalc.spec.words import with_rest

_MAX_NAMES: Final = 100_000
_LISTED: Final = 4
_GATES: Final = 4
_FIRST: Final = 2  # the matrices of the first layer, which come before its biases
CHECKPOINT, MODEL = "checkpoint", "model"  # the beginning of the names of each side's LSTMs

_SIZE: Final = r"torch ?\. ?Size ?\( ?\[([\d, ]{0,200}+)\] ?\)"
_MISMATCH: Final = re.compile(
    rf"size mismatch for ([^\s:]{{1,500}}+): ?copying a param (?:with shape|of) {_SIZE} from checkpoint, "
    rf"(?:the shape in current model is|where the shape is) {_SIZE}"
)
_KEYS: Final = re.compile(
    r"(Missing|Unexpected) key\(s\) in state_dict: ?((?:\\?[\"'][^\"'\\]{1,500}+\\?[\"'](?:, ?)?+)++)"
)
# Of torch 0.3: a single key, as an exception names the first.
_OLD: Final = re.compile(r"unexpected key \"([^\"\n]{1,500}+)\" in state_dict")
_KEY: Final = re.compile(r"[\"']([^\"'\\]++)\\?[\"']")
_CLASS: Final = re.compile(r"loading state_dict for (\w++)")


class LoadError(NamedTuple):
    """The tensors that an error names, by side: their shapes, or None where it has none."""

    checkpoint: Mapping[str, tuple[int, ...] | None]
    model: Mapping[str, tuple[int, ...] | None]
    kind: str  # the class of the model; empty if the text does not have it


def load_error(text: str) -> LoadError:
    """The tensors that an error names, over lines that may be wrapped."""
    plain = re.sub(r"\s++", " ", "\n".join(map(without_ahead, without_escapes(text).splitlines())))
    checkpoint: dict[str, tuple[int, ...] | None] = {}
    model: dict[str, tuple[int, ...] | None] = {}
    for what, names in _KEYS.findall(plain):
        side = model if what == "Missing" else checkpoint
        side |= dict.fromkeys(_KEY.findall(names))
    checkpoint |= dict.fromkeys(_OLD.findall(plain))
    for name, there, here in _MISMATCH.findall(plain):
        checkpoint[name], model[name] = (tuple(map(int, re.findall(r"\d+", sizes))) for sizes in (there, here))
    if len(checkpoint) + len(model) > _MAX_NAMES:
        raise SourceError("too many keys", f"at most {_MAX_NAMES:,}")
    named = _CLASS.search(plain)
    return LoadError(checkpoint, model, named[1] if named else "")


def read_errors(source: SourceText) -> list[Found]:
    """The LSTMs of the checkpoint, and those of the model, under names that begin with the side."""
    sides = sides_of(source)
    found = [
        item._replace(name=f"{side}.{item.name}")
        for side, items in zip((CHECKPOINT, MODEL), sides, strict=True)
        for item in items
    ]
    if not found:
        raise _nothing(load_error(source.text), source)
    return found


def sides_of(source: SourceText) -> tuple[list[Found], list[Found]]:
    """The LSTMs of the checkpoint, and those of the model, each under its own name."""
    error = load_error(source.text)
    units = [_units(side) for side in (error.checkpoint, error.model)]
    where = source.name or "the text"
    found: list[list[Found]] = []
    for own, other in ((units[0], units[1]), (units[1], units[0])):
        read = (_Module(unit, own[unit], other.get(unit, {})).found(where) for unit in own)
        found.append([item for item in read if item])
    why = _prefixes(error)
    if why:
        found = [[_explained(item, why) for item in side] for side in found]
    return found[0], found[1]


def lstms_of_names(names: Iterable[str], where: str) -> list[Found]:
    """The LSTMs that have arrays of these names, in PyTorch's terms: layers and directions; their sizes are open."""
    units = _units(dict.fromkeys(names))
    found = (
        _Module(unit, own, {}, whole=True).found(where) for unit, own in units.items() if "gru" not in unit.lower()
    )
    return [item for item in found if item]


def _nothing(error: LoadError, source: SourceText) -> NoLstmError:
    names = [printable(name) for name in dict.fromkeys((*error.checkpoint, *error.model))]
    rows = [
        f"{printable(name)} with {shape[0]} rows, which are 4*{shape[0] // 4} of an LSTM or 3*{shape[0] // 3} of a GRU"
        for name, shape in error.checkpoint.items()
        if shape and len(shape) > 1 and "weight_ih" in name and shape[0] % 12 == 0
    ]
    return NoLstmError(
        f"no LSTM is recognised in {source.name or 'the error'}",
        "keys of an LSTM with their sizes, e.g. rnn.weight_hh_l0",
        rows[0] if rows else f"the keys {with_rest(names, _LISTED)}" if names else "no keys",
        "give the whole text of the error, or compare the files: lstmcalc diff CHECKPOINT MODEL.py",
    )


# --- modules ---------------------------------------------------------------------------------------------------------

_Slots = dict[tuple[int, int, str], "tuple[int, ...] | None"]  # by layer, direction and content


def _units(side: Mapping[str, tuple[int, ...] | None]) -> dict[str, _Slots]:
    """The tensors of PyTorch's recurrent modules by the path of their module, in order."""
    units: dict[str, _Slots] = {}
    for name, shape in side.items():
        hit = _pytorch(name)
        if hit:
            units.setdefault(hit.unit, {})[hit.layer, hit.direction or 0, hit.holds] = shape
    return units


def _pytorch(name: str) -> Hit | None:
    hits = possible_meanings(name)
    return next((hit for hit in hits if hit.framework == "pytorch"), None)


class _Module:
    """A recurrent module of one side.

    Args:
        unit: The path of the module.
        own: Its tensors in the text.
        other: Those of the module of the other side with the same path.
        whole: True if the text has all of its tensors.
    """

    def __init__(self, unit: str, own: _Slots, other: _Slots, *, whole: bool = False) -> None:
        self._unit = unit
        self._own = own
        self._other = other
        self._shaped = {key: shape for key, shape in own.items() if shape}
        self.hidden, self.recurrent = _hidden(self._shaped, unit)
        # Every tensor of the module is there: the hidden sizes differ, and with them all shapes.
        there = {key: shape for key, shape in other.items() if shape}
        first = {(0, 0, "weight_ih"), (0, 0, "weight_hh")} <= self._shaped.keys()
        differs = first and _hidden(there, unit)[0] not in (None, self.hidden)
        self._whole = whole or differs
        self._doubts: list[str] = []

    def found(self, where: str) -> Found | None:
        """The LSTM; None if it is a GRU or another module, or if nothing of it tells what it is."""
        gates = {
            shape[0] // shape[1] for (_, _, what), shape in self._shaped.items() if what == "weight_hh" and shape[1]
        }
        if gates & {1, 3} or (self._shaped and self.hidden is None):
            return None
        if not self._shaped and not re.search("lstm", self._unit.lower()):
            return None if any(shape for shape in self._other.values()) else self._unsized(where)
        layer = {field: value for field, value in self._settings() if value is not None}
        return self._as_found(where, layer)

    def _unsized(self, where: str) -> Found:
        """A module of which the text has no sizes, and whose name does not say that it is an LSTM."""
        self._doubts.append("the keys are also those of a GRU")
        return self._as_found(where, dict(self._settings()))

    def _settings(self) -> Iterator[tuple[str, int | bool | None]]:
        first = self._shaped.get((0, 0, "weight_ih"))
        yield "input_size", first[1] if first and len(first) > 1 else None
        yield "hidden_size", self.hidden
        yield "num_layers", self._layers()
        yield "bias", self._switch("bias", any("bias" in what for _, _, what in self._own), usual=True)
        yield "bidirectional", self._switch("bidirectional", self._is_both(), usual=False)
        yield "proj_size", self.recurrent if self.recurrent and self.hidden and self.recurrent < self.hidden else 0

    def _is_both(self) -> bool:
        upper = [shape[1] for (layer, _, what), shape in self._shaped.items() if layer and what == "weight_ih"]
        return any(direction for _, direction, _ in self._own) or bool(self.recurrent and 2 * self.recurrent in upper)

    def _switch(self, field: str, there: bool, *, usual: bool) -> bool:
        """A switch: as the keys have it, or assumed if the text does not tell.

        What one side alone has is in the text for each layer of it; so what the other side has in an upper layer, and
        not in the first, both have in the first.
        """
        others = [key for key in self._other if _of_switch(key, field)]
        first = any(layer == 0 and (field != "bias" or not direction) for layer, direction, _ in others)
        if there or (others and not first):
            return True
        if self._whole or first:
            if field == "bias" and not first and len(self._own) <= _FIRST:  # it may be cut after them
                self._doubts.append("no bias is in the text: read as bias=False")
            return False
        self._doubts.append(f"{field} = {usual} is assumed: keys of equal sizes are not in the text")
        return usual

    def _layers(self) -> int:
        """The number of layers: up to the last one in the text, if those of equal sizes would be in it too."""
        last = max(layer for layer, _, _ in self._own)
        alone = [layer for (layer, _, _), shape in self._own.items() if shape is None]
        others = [key for key, shape in self._other.items() if shape is None]
        above = [layer for layer, direction, what in others if (direction, what) == (0, "weight_ih")]
        if self._whole or alone:
            return last + 1
        if above:
            return min(above)
        if others:
            return max(layer for layer, _, _ in others) + 1
        self._doubts.append(f"num_layers = {last + 1} is assumed: keys of equal sizes are not in the text")
        return last + 1

    def _as_found(self, where: str, values: Mapping[str, int | bool | None]) -> Found:
        assumed = [doubt.partition(" ")[0] for doubt in self._doubts]
        layer = {
            field: Setting(value, Origin("source", where, "assumed" if field in assumed else "inferred"))
            for field, value in values.items()
            if value is not None
        }
        layer |= {
            field: Setting(value, Origin("source", where, "unknown"))
            for field, value in (("batch_first", False), ("dropout", 0.0))
        }
        why = "the text has no size of it" if self._shaped else "names without sizes"
        gaps = {field: Gap(why) for field in ("input_size", "hidden_size") if field not in layer}
        return Found(
            printable(module_name(self._unit)),
            "pytorch",
            f"{len(self._own)} keys in the text of an error",
            where,
            layer,
            {"": Pointer(where, "")},
            gaps,
            uncertain=tuple(self._doubts) if not gaps else (),
        )


def _of_switch(key: tuple[int, int, str], field: str) -> bool:
    """True for a tensor that only an LSTM with biases, or with two directions, has."""
    return key[2].startswith("bias") if field == "bias" else bool(key[1])


def _hidden(shaped: Mapping[tuple[int, int, str], tuple[int, ...]], unit: str) -> tuple[int | None, int | None]:
    """H_cell and H_out from the shapes of a module; None where they do not tell, or where it is no LSTM."""
    rows = next((shape[0] for (_, _, what), shape in shaped.items() if shape and what != "weight_hr"), 0)
    recurrent = next((shape[1] for (_, _, what), shape in shaped.items() if what == "weight_hh" and len(shape) > 1), 0)
    if not rows or rows % _GATES:
        return None, None
    hidden = rows // _GATES
    if recurrent:
        projected = any(what == "weight_hr" for _, _, what in shaped) or recurrent < rows // 4
        fits = recurrent == hidden or (projected and recurrent < hidden)
        return (hidden, recurrent) if fits else (None, None)
    return (hidden, hidden) if "lstm" in unit.lower() else (None, None)


# --- keys that are called otherwise ----------------------------------------------------------------------------------


def _prefixes(error: LoadError) -> str:
    """The difference of the checkpoint's keys from the model's, if all differ by one beginning."""
    there = [name for name, shape in error.checkpoint.items() if shape is None]
    here = [name for name, shape in error.model.items() if shape is None]
    if not there or len(there) != len(here):
        return ""
    first = there[0].removesuffix(here[0])
    if first != there[0] and all(old == f"{first}{new}" for old, new in zip(there, here, strict=True)):
        return f"the checkpoint's keys begin with {printable(first)}, the model's do not: k.removeprefix({first!r})"
    first = here[0].removesuffix(there[0])
    if first != here[0] and all(new == f"{first}{old}" for old, new in zip(there, here, strict=True)):
        return f"the model's keys begin with {printable(first)}, the checkpoint's do not: {first!r} + k"
    return ""


def _explained(item: Found, why: str) -> Found:
    gaps = {field: Gap(f"{gap.why}; {why}", gap.names) for field, gap in item.gaps.items()}
    return item._replace(gaps=gaps, notes=(*item.notes, why))
