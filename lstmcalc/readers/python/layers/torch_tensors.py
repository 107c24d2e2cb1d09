"""The tensors that a layer of PyTorch keeps, as attributes of it.

Not here: what a layer keeps (`torch_layers`), and the names of other attributes (`torch_names`).
"""

import re
from typing import Final

from lstmcalc.frameworks.layers import LAYERS
from lstmcalc.readers.python.core.values import MISSING, Class, Missing, Obj, Unknown, Value, things
from lstmcalc.readers.python.layers.arrays import array
from lstmcalc.readers.python.layers.torch import Torch
from lstmcalc.readers.python.layers.torch_layers import FIELDS, Layer
from lstmcalc.readers.python.layers.torch_names import MODULE_HAS, RECURRENT_HAS

_OF_LAYER: Final = re.compile(r"(weight|bias)_(ih|hh|hr)(?:_l([0-9]+)(_reverse)?)?")  # a tensor of a recurrent layer
_HELD: Final = ("_parameters", "_buffers")


class TorchTensors(Torch):
    """Knows the tensors of PyTorch's layers."""

    def tensor_of(self, owner: Obj, name: str, *, sure: bool = False) -> Obj | None:
        """The parameter or buffer that a layer keeps under a name; None if it keeps none, and is not `sure` to."""
        layer, slot = owner.slots.get("@layer"), f"@tensor:{name}"
        if sure and "@lstm" in owner.slots:
            given: dict[str, Value] = {item: owner.slots[item] for item in FIELDS if item in owner.slots}
            layer = Layer("LSTM" if "num_layers" in given else "LSTMCell", given)
        if not isinstance(layer, Layer):
            return None
        if slot not in owner.slots:
            kept = layer.tensors()
            entry = LAYERS.get(layer.kind)
            known = kept if kept is not None else [item.name for item in entry.kept] if entry else ()
            if name not in known and not sure:
                return None
            made = array(self, kept.get(name, Unknown()) if kept is not None else Unknown())
            made.slots["@parameter"] = True
            owner.slots[slot] = made  # it was there on every path from the beginning
        found = owner.slots[slot]
        return found if isinstance(found, Obj) else None

    def _not_found(self, owner: Value, cls: Value, name: str) -> Value:
        if not isinstance(owner, Obj) or not self.is_module(owner):
            return super()._not_found(owner, cls, name)
        number = _OF_LAYER.fullmatch(name) if self._is_recurrent(owner) else None
        kept = self._is_kept(owner, number) if number else False
        if name in _HELD or "@remade" in owner.slots or kept is None:
            self.may_raise()
            if name in _HELD:
                self.change(owner)  # what is done with them is not followed
            return Unknown(may=things(owner))
        tensor = self.tensor_of(owner, name, sure=kept)
        if tensor is not None:
            return tensor
        if self.is_left_out(cls, name):
            self.may_raise()
            return Unknown(may=things(owner))
        return super()._not_found(owner, cls, name)

    def set_plainly(self, owner: Value, name: str, value: Value) -> None:
        """As `object.__setattr__` does; a tensor that a layer keeps can be taken from it too."""
        if (
            isinstance(value, Missing)
            and isinstance(owner, Obj)
            and self.is_module(owner)
            and name not in owner.slots
            and isinstance(self.lookup(owner.cls or MISSING, name), Missing)
        ):
            self._not_found(owner, owner.cls or MISSING, name)  # raises if there is none
            self.change(owner)
            return
        super().set_plainly(owner, name, value)

    def _is_kept(self, owner: Obj, tensor: re.Match[str]) -> bool | None:
        """Whether a recurrent layer keeps the tensor of a name; None if it is not known."""
        kind, part, number, reverse = tensor.groups()
        layers = owner.slots.get("num_layers", MISSING)
        if isinstance(layers, Missing) or number is None:  # a cell has no numbers
            return isinstance(layers, Missing) and number is None and part != "hr" and self._is_set(owner, "bias", kind)
        within = int(number) < layers if isinstance(layers, int) else None if int(number) else True
        parts = (
            within,
            self._is_set(owner, "bias", kind),
            self._is_set(owner, "bidirectional", "bias" if reverse else ""),
            self._is_set(owner, "proj_size", "bias" if part == "hr" else ""),
        )
        return False if False in parts else None if None in parts else True

    def _is_set(self, owner: Obj, name: str, kind: str) -> bool | None:
        return self.truth(owner.slots.get(name, False)) if kind == "bias" else True

    def _is_recurrent(self, value: Value) -> bool:
        cls = value.cls if isinstance(value, Obj) else None
        return isinstance(cls, Class) and self.library("torch").slots["RNNBase"] in cls.mro

    def is_left_out(self, cls: Value, name: str) -> bool:
        """True for an attribute that a class has, and that is not written down here."""
        scope = self.libraries.get("library:torch")
        order = cls.mro if scope is not None and isinstance(cls, Class) else ()
        bases = [item for item in ("Module", "RNNBase") if scope is not None and scope.slots[item] in order]
        left_out = {"Module": MODULE_HAS, "RNNBase": RECURRENT_HAS}
        return any(name in left_out[base] for base in bases) or super().is_left_out(cls, name)
