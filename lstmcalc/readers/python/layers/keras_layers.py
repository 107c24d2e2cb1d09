"""Layers of Keras as they are made: their classes, and the arguments of each.

Not here: what flows from layer to layer (`keras`), and what each makes of a shape (`readers.keras.shapes`).
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Final

from lstmcalc.frameworks.constructor import Constructor
from lstmcalc.readers.keras.positional import POSITIONAL
from lstmcalc.readers.keras.shapes import KNOWN
from lstmcalc.readers.python.builtin.constants import constant
from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    MISSING,
    Args,
    Class,
    Items,
    Lib,
    Missing,
    Obj,
    Unknown,
    Value,
)
from lstmcalc.readers.python.layers.keras_tensors import Around
from lstmcalc.readers.python.layers.records import BY_NAME, shown
from lstmcalc.readers.python.layers.torch_tensors import TorchTensors
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS
from lstmcalc.readers.python.libraries.standard_copies import copied

LSTMS: Final = ("LSTM", "LSTMCell", "CuDNNLSTM")
_RELATIVES: Final = (
    "GRU",
    "GRUCell",
    "CuDNNGRU",
    "SimpleRNN",
    "SimpleRNNCell",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "ConvLSTM2DCell",
)
HOMES: Final = ("keras.layers.", "tf_keras.layers.")


class KerasLayers(TorchTensors):
    """Makes layers of Keras."""

    def class_of_lib(self, path: str) -> Value:
        """The class of a library by its path, if it is written down here."""
        found = super().class_of_lib(path)
        if not isinstance(found, Missing):
            return found
        home = next((item for item in HOMES if path.startswith(item)), "")
        name = path.removeprefix(home)
        if home and name[:1].isupper() and name != "Input":
            return self._keras_class(path, name)
        return MISSING

    def lib_class_like(self, path: str) -> bool:
        """True if a full name is that of a class of a library that is known."""
        home, _, name = path.rpartition(".")
        known = f"{home}." in HOMES and (name in KNOWN or name in POSITIONAL or name in (*LSTMS, *_RELATIVES, "Input"))
        return known or super().lib_class_like(path)

    def _keras_class(self, path: str, name: str) -> Value:
        """The class of a layer, made when it is first asked for."""
        scope = self.library("keras")
        found = scope.slots.get(f"@{path}")
        if isinstance(found, Class):
            return found
        if name in ("Layer", "Sequential", "Model") and not isinstance(scope.slots.get(name, MISSING), Missing):
            return scope.slots[name]
        base = scope.slots["Layer"]
        for kind in ("Layer", "Model", "Sequential"):
            scope.slots[kind].slots.setdefault("@partly", True)  # type: ignore[attr-defined]  # a class
            if kind != "Layer":
                scope.slots[kind].slots.setdefault("@layer", kind)  # type: ignore[attr-defined]  # as above
        cls = Class(name, (base,), 0)
        cls.mro = (cls, *base.mro) if isinstance(base, Class) else (cls,)
        cls.slots["__init__"] = Builtin(
            path, lambda machine, args, node: machine.make_keras(path, args, node), method=True
        )
        cls.slots["@layer"] = name
        scope.slots[f"@{path}"] = cls
        return cls

    def kind_of(self, layer: Value) -> str:
        """The class of a layer of Keras; empty if it is none, or the file's own."""
        cls = layer.cls if isinstance(layer, Obj) else None
        if not isinstance(cls, Class):
            return ""
        if cls.bound is not None and isinstance(self.lookup(cls, "call"), Function):
            return ""
        kind = self.lookup(cls, "@layer")
        return kind if isinstance(kind, str) else ""

    def make_keras(self, path: str, args: Args, node: ast.AST) -> Value:
        """Give a layer its arguments."""
        owner, name = args.pos[0], path.rpartition(".")[2]
        rest = Args(args.pos[1:], args.kw, args.rest, args.more)
        if not isinstance(owner, Obj):
            return None
        if name in LSTMS and path in BY_NAME:
            self._make_keras_lstm(path, owner, rest, node)
            return None
        if name in _RELATIVES:
            self.relative(self.site or node, f"keras.layers.{name}")
        names = POSITIONAL.get(name)
        known = rest.known and names is not None and len(rest.pos) <= len(names)
        given: dict[str, Value] = {**dict(zip(names or (), rest.pos, strict=False)), **rest.kw}
        if name == "Bidirectional" and isinstance(inner := given.get("layer"), Obj) and "@fed" in inner.slots:
            given["layer"] = self.unbuilt(inner)
        content = Items(dict(given), None if known else Unknown(absent=True))
        self.put(owner, "@config", self.new("dict", content))
        self.put(owner, "name", given.get("name", Unknown()))
        for slot, value in given.items():
            if slot in ("layer", "cell", "units", "backward_layer", "merge_mode", "filters"):
                self.put(owner, slot, value)
        self._clone_directions(name, given, node)
        return None

    def unbuilt(self, layer: Obj) -> Value:
        """A new layer with the arguments of one that has got its input: Bidirectional copies what it is given."""
        made = copied(self, layer, deep=True)
        if isinstance(made, Obj):
            for slot in ("@fed", "@features", "@around"):
                made.slots.pop(slot, None)
        return made

    def _clone_directions(self, name: str, given: Mapping[str, Value], node: ast.AST) -> None:
        """Note what is around an LSTM, or around the cells of one."""
        if name not in ("Bidirectional", "RNN"):
            return
        wrapper = Around(name, dict(given), self.site or node)
        for inner in self._lstms_in(given.get("layer", given.get("cell"))):
            around = inner.slots.get("@around", ())
            self.put(inner, "@around", (*(around if isinstance(around, tuple) else ()), wrapper))

    def _lstms_in(self, value: Value) -> list[Obj]:
        """The LSTM that a layer is, or the cells that are run by it one after the other."""
        if isinstance(value, tuple) or (isinstance(value, Obj) and value.kind == "list"):
            return [cell for item in self.items(value) or [] for cell in self._lstms_in(item)]
        if not isinstance(value, Obj) or "@lstm" in value.slots:
            return [value] if isinstance(value, Obj) else []
        if self.kind_of(value) in ("RNN", "StackedRNNCells"):
            config = self.config_of(value) or {}
            return self._lstms_in(config.get("cell", config.get("cells")))
        return []

    def _make_keras_lstm(self, path: str, owner: Obj, args: Args, node: ast.AST) -> None:
        call = self.site or node
        constructor = self._fitting(path, args)
        given, places = self.arguments_of(constructor, args, call)
        activation = given.get("activation")
        if isinstance(activation, int) and not isinstance(activation, bool):
            self.problem(
                call, f"activation of {shown(call)} cannot be a number", "a function, as 'tanh'", str(activation)
            )
        given = {name: plain(value) for name, value in given.items()}
        self.put(
            owner, "@config", self.new("dict", Items(dict(given), Unknown(absent=True) if not args.known else None))
        )
        self.put(owner, "units", given.get("units", given.get("output_dim", Unknown())))
        self.put(owner, "name", given.get("name", Unknown()))
        self.record_call(owner, constructor, (given, places), call, args)

    def _fitting(self, path: str, args: Args) -> Constructor:
        """Of the versions of a constructor, the first that its arguments are right for."""
        versions = BY_NAME[path]
        return next(
            (
                item
                for item in versions
                if set(args.kw) <= set(item.arguments) and len(args.pos) <= len(item.positional)
            ),
            versions[0],
        )

    def config_of(self, layer: Value) -> dict[str, Value] | None:
        """The arguments of a layer; None if they are not all known."""
        held = layer.slots.get("@config") if isinstance(layer, Obj) else None
        content = content_of(held) if isinstance(held, Obj) else None
        if not isinstance(content, Items) or content.rest is not None:
            return None
        return {str(key): value for key, value in content.map.items()}

    def _plain_config(self, layer: Value) -> dict[str, object] | None:
        config = self.config_of(layer)
        if config is None:
            return None
        made: dict[str, object] = {}
        for name, value in config.items():
            found = constant(value)
            if isinstance(found, Missing):
                items = (
                    self.items(value)
                    if isinstance(value, Obj) and value.kind == "list"
                    else value
                    if isinstance(value, tuple)
                    else None
                )
                found = tuple(plain(item) for item in items) if items is not None else value
            made[name] = found
        if "return_sequences" in made:
            known = self.truth(config["return_sequences"])
            made["return_sequences"] = known if known is not None else Unknown()
        return made

    def usual_attribute(self, path: str) -> Value:
        """The attribute of a module that a text without imports most probably means."""
        home, _, name = path.lstrip("~").rpartition(".")
        if name in ("LSTM", "LSTMCell") and home in ("", "torch.nn"):
            names = [
                item
                for item in (f"torch.nn.{name}", "keras.layers." + name if not home else "", f"flax.linen.{name}")
                if item
            ]
            return Builtin(f"usual:{name}", lambda machine, args, node: machine.usual_lstm(names, args, node))
        full = f"{home}.{name}".lstrip(".")
        found = self.class_of_lib(full)
        if not isinstance(found, Missing):
            return found
        return Builtin(full, LIB_FUNCTIONS[full]) if full in LIB_FUNCTIONS else Lib(full)

    def usual_class(self, base: Builtin) -> Value:
        """The class that a text without imports most probably means by a name that it is given as a base."""
        return self.class_of_lib(f"torch.nn.{base.name.removeprefix('usual:')}")

    def usual_lstm(self, names: Sequence[str], args: Args, node: ast.AST) -> Value:
        """Make what a name without an import most probably means: the first that the call is right for."""
        fitting = [item for name in names for item in BY_NAME.get(name, [])]
        allowed = [
            item
            for place, item in enumerate(fitting)
            if set(args.kw) <= set(item.arguments)
            and len(args.pos) <= (len(item.required) or 1 if place else len(item.positional))
        ]
        whole = [
            item
            for item in allowed
            if not args.known or set(item.required) <= {*item.positional[: len(args.pos)], *args.kw}
        ]
        bare = args.known and not args.pos and not args.kw
        chosen = (
            whole[0]
            if whole and not bare
            else next((item for item in allowed if item.framework.startswith("flax")), (allowed or fitting)[0])
        )
        cls = self.class_of_lib(next(name for name in chosen.names if name in names))
        return self.call(cls, args, node)
