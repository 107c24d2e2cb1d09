"""Layers of Flax around its cells, and the modules of Linen in which they are made: what may hold a parameter is noted.

A module of Linen makes its layers when it is run, so that what it has is what is made while its methods run. Whatever
is called there and is not known may make more: then that is noted too (`@hidden`).

Not here: the cells (`flax`), and what is said of a model (`results.flax_models`).
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lstmcalc.frameworks.flax_layers import FLAX_LAYERS
from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import Args, Bound, Class, Items, Lib, Obj, Scope, Unknown, Value, same
from lstmcalc.readers.python.layers.arrays import array, shape_of
from lstmcalc.readers.python.layers.flax import Flax
from lstmcalc.readers.python.layers.torch import MAX_MODULES
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, primitive
from lstmcalc.readers.python.libraries.libraries import Libraries

# Modules of which no function makes a parameter of Flax, and the functions of Linen that make none.
_PURE_HOMES: Final = (
    *("jax.numpy.", "jax.nn.", "jax.lax.", "jax.random.", "numpy.", "math.", "functools.", "operator."),
    "flax.linen.initializers.",
)
_BEFORE: Final = ("setup", "__post_init__")  # methods that are run before a module is called
_LIFTS: Final = ("scan", "vmap", "remat", "jit", "checkpoint")  # they make no parameter themselves
_PURE: Final = frozenset(
    (
        *("relu", "gelu", "elu", "celu", "selu", "silu", "swish", "sigmoid", "log_sigmoid", "tanh", "softmax"),
        *("log_softmax", "softplus", "soft_sign", "leaky_relu", "relu6", "hard_tanh", "hard_sigmoid", "one_hot"),
        *("max_pool", "avg_pool", "min_pool", "logsumexp", "standardize", "glu", "dot_product_attention"),
        *("make_causal_mask", "make_attention_mask", "combine_masks"),
    )
)


@dataclass(frozen=True, slots=True)
class FlaxLayer:
    """A layer as it was made: `linen` or `nnx`, its class, and its arguments; None if these are not known."""

    library: str
    kind: str
    given: Items | None


class FlaxLayers(Flax):
    """Notes what modules of Linen make."""

    def __init__(self, settings: Mapping[str, Value], asked: dict[str, None]) -> None:
        super().__init__(settings, asked)
        self.of_flax: list[Obj] = []  # every module of Flax

    def library(self, home: str) -> Scope:
        """The module with the classes of a library, run when it is first asked for."""
        found = super().library(home)
        if home in ("flax", "nnx"):  # of which a part is written down
            for cls in found.slots.values():
                if isinstance(cls, Class):
                    cls.slots.setdefault("@partly", True)
        return found

    def is_module_of_flax(self, value: Value) -> bool:
        """True if a value is a module of Linen or of NNX."""
        scope = self.libraries.get("library:nnx")
        cls = value.cls if isinstance(value, Obj) else None
        nnx = scope.slots.get("Module") if scope is not None else None
        return self.is_flax(value) or (isinstance(cls, Class) and nnx is not None and nnx in cls.mro)

    def was_allocated(self, made: Obj) -> None:
        """Note an instance that there is now."""
        super().was_allocated(made)
        if self.is_module_of_flax(made) and len(self.of_flax) < MAX_MODULES:
            self.of_flax.append(made)
        if not self.is_flax(made):
            return
        owner, run = self._linen_owner()
        if owner is not None and owner is not made:
            made.slots["@run"] = run
            held = owner.slots.get("@children", ())
            self.put(owner, "@children", (*held, made) if isinstance(held, tuple) else held)

    def _linen_owner(self) -> tuple[Obj | None, int]:
        """The module of Linen whose code is run, and the number of the outermost call of it."""
        owner = next(filter(None, map(self._self_of, reversed(self.frames))), None)
        run = next((frame.scope for frame in self.frames if self._self_of(frame) is owner), None)
        return (owner, run.birth) if owner is not None and run is not None else (None, 0)

    def _self_of(self, frame: object) -> Obj | None:
        function, scope = getattr(frame, "function", None), getattr(frame, "scope", None)
        if not isinstance(function, Function) or not isinstance(scope, Scope):
            return None
        first = [*function.node.args.posonlyargs, *function.node.args.args][:1]
        value = scope.slots.get(first[0].arg) if first else None
        return value if isinstance(value, Obj) and self.is_flax(value) else None

    def run_body(self, function: Function, scope: Scope, node: ast.AST) -> Value:
        """Run a function's code, to what it returns."""
        own = "library:flax" in self.libraries and not function.native
        first = [*function.node.args.posonlyargs, *function.node.args.args][:1] if own else []
        owner = scope.slots.get(first[0].arg) if first and function.name not in _BEFORE else None
        if isinstance(owner, Obj) and self.is_flax(owner):
            self.put(owner, "@ran", True)
            if self._linen_owner()[0] is not None:  # a module within one that is run
                self.begin_flax(owner)
        return super().run_body(function, scope, node)

    def _not_found(self, owner: Value, cls: Value, name: str) -> Value:
        """The attribute that `setup` sets when the first one is asked for, while an outer module is run."""
        if isinstance(owner, Obj) and self.is_flax(owner) and "@setup" not in owner.slots and self._linen_owner()[0]:
            self.begin_flax(owner)
            if name in owner.slots:
                return self.present(owner.slots[name])
        return super()._not_found(owner, cls, name)

    def call_lib(self, function: Lib, args: Args, node: ast.AST) -> Value:
        """The value that a call of a library's function gives."""
        name = function.path.rpartition(".")[2]
        pure = function.path.startswith(_PURE_HOMES) or (
            function.path == f"flax.linen.{name}"
            and (name in _PURE or (name in _LIFTS and args.known and "variable_axes" not in args.kw))
        )
        if not pure and (function.path not in LIB_FUNCTIONS or function.path.startswith("flax.")):
            self.note_hidden()
        return super().call_lib(function, args, node)

    def unknown_call(self, name: str, args: Args, *owners: Value, lib: bool = False, lstm: bool = False) -> Value:
        """The value of a call of code that is not known; what it was given may be changed, unless it is a library's."""
        if not lib:
            self.note_hidden()
        return super().unknown_call(name, args, *owners, lib=lib, lstm=lstm)

    def note_hidden(self) -> None:
        """Note that the module of Linen whose code is run may have parameters that are not seen."""
        if "library:flax" in self.libraries:
            owner, _ = self._linen_owner()
            if owner is not None:
                self.put(owner, "@hidden", True)


def _made(machine: FlaxLayers, library: str, kind: str, args: Args) -> Value:
    owner, names = args.pos[0], FLAX_LAYERS[library][kind].settings
    if not isinstance(owner, Obj):
        return None
    arguments = [*zip(names, args.pos[1:], strict=False), *args.kw.items()]
    for name, value in arguments:
        machine.put(owner, name, value)
    known = args.known and len(args.pos) - 1 <= len(names)
    machine.put(owner, "@flax", FlaxLayer(library, kind, Items(dict(arguments)) if known else None))
    return None


@primitive("_flax_layer")
def _flax_layer(machine: Libraries, args: Args, _: ast.AST) -> Value:
    library, kind = str(args.pos[0]).split(".")
    del machine
    return Builtin(kind, lambda inner, given, __: _made(inner, library, kind, given), method=True)


@primitive("_see_width")
def _see_width(machine: FlaxLayers, args: Args, _: ast.AST) -> Value:
    """Note the width of what a layer is given first, from which it makes its parameters."""
    owner, shape = args.pos[0], shape_of(args.pos[1])
    width = plain(shape[-1]) if isinstance(shape, tuple) and shape else Unknown()
    if isinstance(owner, Obj):
        before = owner.slots.get("@inputs", width)
        machine.put(owner, "@inputs", width if same(before, width) else Unknown())
    return None


@primitive("_convolved")
def _convolved(machine: FlaxLayers, args: Args, _: ast.AST) -> Value:
    shape = shape_of(args.pos[0])
    known = isinstance(shape, tuple) and bool(shape) and ... not in [item for item in shape if item is ...]
    before = [Unknown()] * (len(shape) - 1) if known and isinstance(shape, tuple) else [..., ...]
    return array(machine, (*before, plain(args.pos[1])))


@primitive("_is_bound")
def _is_bound(_: Libraries, args: Args, __: ast.AST) -> Value:
    return isinstance(args.pos[0], Bound)


@primitive("_own_parameter")
def _own_parameter(machine: FlaxLayers, args: Args, _: ast.AST) -> Value:
    if isinstance(args.pos[0], Obj):
        machine.put(args.pos[0], "@hidden", True)
    return Unknown()
