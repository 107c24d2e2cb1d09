"""What names and expressions in Python code stand for, read from its syntax tree; nothing is executed or imported.

Names bound to constants are followed through scopes, arguments (what the callers in the same file give, else the
default), attributes of `self`, classes that hold settings, and argparse. What cannot be known is a `Gap`, no guess.

Not here: which calls make an LSTM (`constructions`), and where a text comes from (`sources`).
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

from lstmcalc.frameworks.constructors import Symbol
from lstmcalc.readers.python.callers import Code, Instance, Local
from lstmcalc.readers.python.operators import (
    BUILTINS,
    binary,
    called,
    compared,
    differing,
    is_plain,
    joined_gap,
    limited,
    same,
    unary,
)
from lstmcalc.readers.python.scopes import (
    MAX_BINDINGS,
    Binding,
    Scope,
    Store,
    chain,
    instance_owner,
    may_hold,
)
from lstmcalc.readers.python.shapes import MAKERS, METHODS, PACKERS, WRAPPERS, Shaped, item_of, moved
from lstmcalc.spec.provenance import Gap

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_STEPS: Final = 3_000  # expressions that are read to know one
_DEPTH: Final = 50  # names that lead to names, and operators inside operators


@dataclass(frozen=True)
class Arguments:
    """What argparse, or absl's flags, returns."""

    stored: Mapping[Any, Any] | None = None  # attributes that are set afterwards


def show(node: ast.AST) -> str:
    """An expression as text."""
    try:
        return ast.unparse(node)
    except RecursionError:  # it goes as deep as the expression
        return "an expression"


class Program(Code):
    """One file's syntax tree, and what its expressions stand for.

    Args:
        tree: The tree.
        settings: Values by name, as the user gives them: they come before what the file says.
    """

    def __init__(self, tree: ast.Module, settings: Mapping[str, Any]) -> None:
        super().__init__(tree)
        self.settings = settings
        self.asked: dict[str, None] = {}  # names that were looked up, in order
        self.inferred = False  # whether the last value hangs on a default that a caller could change
        self.was_set = False  # whether it hangs on one of the settings
        self._known: dict[tuple[int, int], tuple[Any, bool, bool]] = {}
        self._read: dict[ast.AST, tuple[Any, bool, bool]] = {}
        self._depth = self._steps = 0
        self._looking: set[tuple[int, int]] = set()  # bindings that are being looked at
        self._partly = False  # whether a value is only what could be said so far: a name that leads to itself

    # What a value is.

    def value(self, node: ast.AST, scope: Scope | None = None) -> Any:  # noqa: ANN401  # whatever the code says
        """What an expression stands for: a constant, a Symbol, a Shaped, ... or a Gap."""
        self.inferred = self.was_set = False
        self._steps = 0
        value = self._value(node, scope or self.scopes[node])
        if isinstance(value, Gap):
            text = show(node)
            return value if value.why else replace(value, why=text if len(text) <= 60 else f"{text[:56]}...")  # noqa: PLR2004
        return value

    def _value(self, node: ast.AST, scope: Scope) -> Any:  # noqa: ANN401  # as above
        if self._depth > _DEPTH:
            return Gap("something nested too deeply")
        if node in self._read:
            value, inferred, was_set = self._read[node]
            self.inferred |= inferred
            self.was_set |= was_set
            return value
        self._steps += 1
        if self._steps > _STEPS:  # what leads to itself in ever new ways
            return Gap("something too involved")
        outer = self.inferred, self.was_set, self._partly
        self.inferred = self.was_set = self._partly = False
        self._depth += 1
        try:
            reader = _READERS.get(type(node))
            value = getattr(self, reader)(node, scope) if reader else Gap("", (show(node),))
        finally:
            self._depth -= 1
        if not self._partly and node in self.scopes:  # else it may be more when it is asked for again
            self._read[node] = value, self.inferred, self.was_set
        self.inferred, self.was_set = self.inferred or outer[0], self.was_set or outer[1]
        self._partly = self._partly or outer[2]
        return value

    def _named(self, text: str) -> Any:  # noqa: ANN401  # as above
        """What the user says a name is; None if nothing."""
        self.asked.setdefault(text)
        given = self.settings.get(text)
        self.was_set |= given is not None
        return given

    def _name(self, node: ast.Name, scope: Scope) -> Any:  # noqa: ANN401  # as above
        given = self._named(node.id)
        if given is not None:
            return given
        bound = self.lookup(node, scope)
        if not bound and node.id in _LIBRARIES:
            return Symbol(node.id)
        return self._as_changed(self._bound(bound, node.id), node.id, node)

    def _as_changed(self, value: Any, name: str, node: ast.AST) -> Any:  # noqa: ANN401  # as above
        """What a name stands for, after what is stored in it elsewhere: that is known, or a Gap."""
        stores = [store for store in self.stores.get(name, []) if not self._is_later(store, node)]
        if isinstance(value, list | dict) and stores:
            others = [store for store in stores if store.kind == "other"]
            if others or isinstance(value, list):
                line = (others or stores)[0].binding.line
                return Gap(f"{name}, which is changed in line {line}", (name,))
            return {**value, **{store.key: self._stored(stores, store.key) for store in stores}}
        if isinstance(value, dict):  # by another name it may be the same dictionary
            elsewhere = {key: Gap("", (f"{name}[{key!r}]",)) for key in value if key in self._stored_keys}
            return {**value, **elsewhere}
        if isinstance(value, Instance | Arguments):
            kept = {store.key for store in stores if store.kind == "attribute"}
            return replace(value, stored={key: self._stored(stores, key) for key in kept}) if kept else value
        return value

    def _is_later(self, store: Store, node: ast.AST) -> bool:
        """Whether something is stored only after an expression has been computed."""
        branch = self.branch_of(node)
        looped = any(pair[0] in self.loops and pair in store.binding.branch for pair in branch)
        return store.binding.scope is self.scopes.get(node) and store.binding.line > self.line_of(node) and not looped

    @cached_property
    def _stored_keys(self) -> frozenset[object]:
        """The keys under which something is stored in any dictionary."""
        return frozenset(store.key for stores in self.stores.values() for store in stores if store.kind == "key")

    def _stored(self, stores: Sequence[Store], key: object) -> Any:  # noqa: ANN401  # as above
        """What is stored under a key: if it is in one place, and surely."""
        own = [store.binding for store in stores if store.key == key]
        self.inferred = True
        return self._of(own[0]) if len(own) == 1 and own[0].branch == () else Gap("", (own[0].name,))

    def _bound(self, bindings: Sequence[Binding], text: str) -> Any:  # noqa: ANN401  # as above
        """What bindings that may all hold stand for: their value if they agree."""
        values = [(self._of(binding), binding.line) for binding in bindings]
        if len(values) > 1:  # `if x is None: x = 3`: None is no value of anything that is asked for here
            values = [pair for pair in values if pair[0] is not None] or values
        if not values:
            return Gap("", (text,))
        first = values[0][0]
        if all(same(first, value) for value, _ in values):
            return first
        if len(values) == 1:
            return Gap(first.why, tuple(dict.fromkeys((text, *first.names[:1]))) if first.why else (text,))
        if any(isinstance(value, Gap) for value, _ in values):
            return Gap("", (text,))
        return differing(text, values)

    def _of(self, binding: Binding) -> Any:  # noqa: ANN401  # as above
        """What one binding stands for; each is looked at once."""
        key = id(binding.node or binding.scope), hash((binding.kind, binding.name))
        if key not in self._known:
            self._known[key] = (
                Gap("", (binding.name,)),
                False,
                False,
            )  # while it is looked at: a name that leads to itself
            outer, self.inferred, self.was_set = (self.inferred, self.was_set), False, False
            self._looking.add(key)
            value = self._evaluated(binding)
            self._looking.discard(key)
            if self._depth < _DEPTH:
                self._known[key] = value, self.inferred, self.was_set
            else:
                del self._known[key]
            self.inferred |= outer[0]
            self.was_set |= outer[1]
            return value
        value, inferred, was_set = self._known[key]
        self._partly |= key in self._looking
        self.inferred |= inferred
        self.was_set |= was_set
        return value

    def _evaluated(self, binding: Binding) -> Any:  # noqa: ANN401  # as above
        if binding.kind == "import":
            return Symbol(binding.name)
        if binding.kind in ("class", "function") and binding.node:
            return Local(binding.node)
        if binding.kind == "value" and binding.node:
            return self._value(binding.node, binding.scope)
        if binding.kind == "argument":
            return self._argument(binding)
        return Gap("", (binding.name,))

    def _argument(self, binding: Binding) -> Any:  # noqa: ANN401  # as above
        """What an argument of a function is: what its callers in this file give, else its default."""
        function = binding.scope.node
        given = []
        for call, skipped in self.callers(binding.scope)[:MAX_BINDINGS]:
            node = _argument_of(call, function, binding.name, skipped)
            if isinstance(node, Gap):
                value = self._unpacked(call, binding)
                given.append((value, call.lineno))
                continue
            given.append(
                (self._default(binding) if node is None else self._value(node, self.scopes[call]), call.lineno)
            )
        if not given:
            return self._default(binding)
        first = given[0][0]
        if all(same(first, value) for value, _ in given):
            return first
        gaps = [value for value, _ in given if isinstance(value, Gap)]
        return gaps[0] if len(gaps) == len(given) else differing(binding.name, given)

    def _unpacked(self, call: ast.Call, binding: Binding) -> Any:  # noqa: ANN401  # as above
        """What `**settings` gives for an argument."""
        packed = [item.value for item in call.keywords if item.arg is None]
        if len(packed) == 1 and (keywords := self._keywords_of(packed[0])):
            value = self._keyword(keywords, binding.name)
            return self._default(binding) if value is None else value
        values = self._value(packed[0], self.scopes[call]) if len(packed) == 1 else None
        if not isinstance(values, dict):
            return Gap("", (binding.name,))
        return values[binding.name] if binding.name in values else self._default(binding)

    def _keywords_of(self, node: ast.AST) -> Binding | None:
        """The `**kwargs` that a name stands for; None if it stands for something else."""
        bound = self.bindings_of(node) if isinstance(node, ast.Name) else []
        return bound[0] if len(bound) == 1 and bound[0].kind == "keywords" else None

    def _keyword(self, binding: Binding, name: str) -> Any:  # noqa: ANN401  # as above
        """What the callers give for a name that arrives in `**kwargs`; None if they give nothing."""
        callers = self.callers(binding.scope)[:MAX_BINDINGS]
        given: list[tuple[Any, int]] = []
        for call, _ in callers:
            keywords = {item.arg: item.value for item in call.keywords}
            if None in keywords and name not in keywords:
                given.append((Gap("", (name,)), call.lineno))
            else:
                value = self._value(keywords[name], self.scopes[call]) if name in keywords else None
                given.append((value, call.lineno))
        if all(value is None for value, _ in given):
            return None
        first = given[0][0]
        return first if all(same(first, value) for value, _ in given) else differing(name, given)

    def _default(self, binding: Binding) -> Any:  # noqa: ANN401  # as above
        if binding.node is None:
            return Gap("", (binding.name,))
        self.inferred = True
        return self._value(binding.node, binding.scope.parent or binding.scope)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:  # noqa: ANN401  # as above
        text = show(node)
        given = self._named(text)
        if given is not None:
            return given
        if isinstance(node.value, ast.Name):
            owner = instance_owner(node.value.id, scope)
            if owner:
                found = self._attribute_of(owner, node.attr, node)
                return Gap("", (text,)) if found is None else self._as_changed(found, node.attr, node)
            bound = [item for level in chain(scope) for item in level.attributes.get(text, [])]
            if bound:
                return self._bound(self.may_hold(bound, node, inner=False), text)
        held = self._hyperparameter(node, scope)
        return self._attribute_value(self._value(node.value, scope), node, text) if held is None else held

    def _hyperparameter(self, node: ast.Attribute, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """`self.hparams.size` of Lightning is the argument `size` of `__init__`; None if it is something else."""
        base = node.value
        if not isinstance(base, ast.Attribute) or base.attr != "hparams" or not isinstance(base.value, ast.Name):
            return None
        owner = instance_owner(base.value.id, scope)
        made = owner.bindings.get("__init__", []) if owner else []
        inside = self.scopes[made[-1].node] if made and made[-1].node else None
        bound = inside.bindings.get(node.attr, []) if inside else []
        return self._bound(bound[:1], node.attr) if bound else None

    def _attribute_value(self, base: Any, node: ast.Attribute, text: str) -> Any:  # noqa: ANN401  # as above
        found: Any = None
        if isinstance(base, Symbol) and not (base.name.endswith(".FLAGS") and node.attr in self.declared):
            return Symbol(f"{base.name}.{node.attr}")
        if isinstance(base, Instance | Arguments) and node.attr in (base.stored or {}):
            found = (base.stored or {})[node.attr]
        elif isinstance(base, Instance):
            found = self._field(base, node.attr)
        elif isinstance(base, Local) and isinstance(base.node, ast.ClassDef):
            found = self._attribute_of(self.scopes[base.node], node.attr)
        elif isinstance(base, dict):
            found = base.get(node.attr)
        elif isinstance(base, Shaped) and node.attr == "shape":
            found = base.shape
        elif node.attr in self.declared and self._is_parsed(base, node):
            found = self._declared_default(node.attr)
        unnamed = isinstance(found, Gap) and not found.why
        return Gap("", (text,)) if found is None or unnamed else found

    def _is_parsed(self, base: object, node: ast.Attribute) -> bool:
        """Whether something is what argparse returns, or is called so and nothing else is known of it."""
        if isinstance(base, Arguments | Symbol):
            return True
        holder = node.value
        if isinstance(holder, ast.Attribute) and not isinstance(holder.value, ast.Name):  # model.bert.config
            return False
        name = getattr(holder, "id", "") or getattr(holder, "attr", "")
        if any(binding.kind == "value" for binding in self.bindings_of(holder)):  # something that is not known
            return False
        stored = any(store.key == node.attr for stores in self.stores.values() for store in stores)
        return isinstance(base, Gap) and name in _PARSED and not stored

    def _declared_default(self, name: str) -> Any:  # noqa: ANN401  # as above
        default = self.declared[name]
        self.inferred = True
        return None if default is None else self._value(default, self.scopes.get(default, self.top))

    def _field(self, instance: Instance, name: str) -> Any:  # noqa: ANN401  # as above
        """An attribute of an object: what it was made with, if its class lists its fields; else as `self` has it."""
        fields = self.fields(instance.scope)
        keywords = {item.arg: item.value for item in instance.call.keywords if item.arg}
        made = instance.scope.bindings.get("__init__")
        if fields is not None:
            given = dict(zip(fields, instance.call.args, strict=False)) | keywords
            if name in given:
                return self._value(given[name], instance.caller)
            default = self._field_default(instance.scope, name)
            if default:
                return self._of(default)
        elif made and made[-1].node and name in keywords:
            # Config(size=3) of an __init__ that stores whatever it is given.
            inside = self.scopes[made[-1].node].bindings
            if name not in inside and any(item.kind == "keywords" for items in inside.values() for item in items):
                return self._value(keywords[name], instance.caller)
        return self._attribute_of(instance.scope, name)

    def _field_default(self, owner: Scope, name: str, depth: int = 0) -> Binding | None:
        """What the body of a class, or of one of its bases, binds a field to."""
        if name in owner.bindings or depth > _DEPTH:
            return owner.bindings[name][-1] if name in owner.bindings else None
        found = (self._field_default(base, name, depth + 1) for base in self.bases(owner))
        return next((binding for binding in found if binding), None)

    def _attribute_of(self, owner: Scope, name: str, node: ast.AST | None = None, depth: int = 0) -> Any:  # noqa: ANN401  # as above
        """What `self.name` is in a class, or in one of its bases in this file; None if nothing says."""
        stored = owner.attributes.get(name, [])
        if stored:
            return self._bound(self._latest(stored, node), f"self.{name}")
        if owner.bindings.get(name) or name in owner.fields:
            return self._class_attribute(owner, name)
        for base in self.bases(owner) if depth < _DEPTH else []:
            value = self._attribute_of(base, name, None, depth + 1)
            if value is not None:
                return value
        return None

    def _latest(self, stored: Sequence[Binding], node: ast.AST | None) -> Sequence[Binding]:
        """Of what one function stores in an attribute, what may hold in the end, or where that function reads it."""
        home = {id(binding.scope) for binding in stored}
        if len(home) > 1:
            return stored
        here = node is not None and self.scopes.get(node) is stored[0].scope
        if here and node is not None:
            return self.may_hold(stored, node, inner=False)
        return may_hold(stored, (max(binding.line for binding in stored) + 1, 0), (), self.loops, inner=False)

    def _class_attribute(self, owner: Scope, name: str) -> Any:  # noqa: ANN401  # as above
        """What a class says in its body; where it has no `__init__`, as a dataclass, what its callers give."""
        own = owner.bindings.get(name, [])[-1:]
        overridden = [level.bindings[name][-1] for level in self.derived.get(owner, []) if name in level.bindings]
        given, fields = [], self.fields(owner)
        for call, _ in self.makers(owner)[:MAX_BINDINGS] if fields is not None else []:
            values = dict(zip(fields or [], call.args, strict=False)) | {
                item.arg or "": item.value for item in call.keywords
            }
            if name in values:
                given.append((self._value(values[name], self.scopes[call]), call.lineno))
            elif own:
                given.append((self._of(own[0]), call.lineno))
        if not given:
            return self._bound([*own, *overridden], f"self.{name}")
        first = given[0][0]
        return first if all(same(first, value) for value, _ in given) else differing(f"self.{name}", given)

    def _named_expression(self, node: ast.NamedExpr, scope: Scope) -> Any:  # noqa: ANN401  # as above
        return self._value(node.value, scope)

    def _constant(self, node: ast.Constant, _: Scope) -> Any:  # noqa: ANN401  # as above
        value = node.value
        return value if isinstance(value, bool | int | float | str | None) else Gap("", (show(node),))

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Any:  # noqa: ANN401  # as above
        return self._or_gap(unary(node.op, self._value(node.operand, scope)), node)

    def _binary(self, node: ast.BinOp, scope: Scope) -> Any:  # noqa: ANN401  # as above
        return self._or_gap(binary(node.op, self._operand(node.left, scope), self._operand(node.right, scope)), node)

    @staticmethod
    def _or_gap(value: Any, node: ast.AST) -> Any:  # noqa: ANN401  # as above
        return Gap("", (show(node),)) if value is None else value

    def _operand(self, node: ast.AST, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """A value to compute with: a name of another module is none."""
        value = self._value(node, scope)
        return Gap("", (show(node),)) if isinstance(value, Symbol) else value

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:  # noqa: ANN401  # as above
        left, right = self._value(node.left, scope), self._value(node.comparators[0], scope)
        return self._or_gap(compared(node.ops[0], left, right) if len(node.ops) == 1 else None, node)

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Any:  # noqa: ANN401  # as above
        value: Any = None
        for item in node.values:
            value = self._value(item, scope)
            if isinstance(value, Gap) or bool(value) is isinstance(node.op, ast.Or):
                return value
        return value

    def _conditional(self, node: ast.IfExp, scope: Scope) -> Any:  # noqa: ANN401  # as above
        test = self._value(node.test, scope)
        branches = [self._value(branch, scope) for branch in (node.body, node.orelse)]
        if same(*branches):  # whichever it is
            return branches[0]
        return test if isinstance(test, Gap) else branches[0 if test else 1]

    def _sequence(self, node: ast.Tuple | ast.List, scope: Scope) -> Any:  # noqa: ANN401  # as above
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return Gap("", (show(node),))
        items = [self._value(item, scope) for item in node.elts]
        return limited(tuple(items) if isinstance(node, ast.Tuple) else items)

    def _mapping(self, node: ast.Dict, scope: Scope) -> Any:  # noqa: ANN401  # as above
        found: dict[Any, Any] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            value = self._value(item, scope)
            if key is None and isinstance(value, dict):  # {**other}
                found.update(value)
            elif isinstance(key, ast.Constant):
                found[key.value] = value
            else:
                return Gap("", (show(node),))
        return limited(found)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:  # noqa: ANN401  # as above
        text = show(node)
        given = self._named(text)
        if given is not None:
            return given
        keywords = self._keywords_of(node.value)
        if keywords and isinstance(node.slice, ast.Constant):
            given = self._keyword(keywords, str(node.slice.value))
            return Gap("", (text,)) if given is None else given
        base = self._value(node.value, scope)
        if isinstance(base, Shaped):
            one = not isinstance(node.slice, ast.Slice | ast.Tuple) and len(base.shape) > 1
            return Shaped(base.shape[1:], base.dtype) if one else Gap("", (text,))
        key = self._value(node.slice, scope)
        if isinstance(key, Gap) and isinstance(base, dict):
            return Gap("", key.names)
        try:
            return base[key] if isinstance(base, tuple | list | dict) and is_plain(key) else Gap("", (text,))
        except (KeyError, IndexError, TypeError):
            return Gap("", (text,))

    def _call(self, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) == 2:  # noqa: PLR2004
            return self._getattr(node, scope)
        text = show(node)
        given = self._named(text)
        if given is not None:
            return given
        last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if isinstance(node.func, ast.Attribute) and last in _OF_TEXT:
            return self._method(node, node.func, scope)
        return self._called(node, last, scope)

    def _called(self, node: ast.Call, last: str, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """What a call of a function, or of a class of this file, stands for."""
        text = show(node)
        function = self._value(node.func, scope)
        if isinstance(function, Local):
            own = isinstance(function.node, ast.ClassDef)
            return Instance(self.scopes[function.node], node, scope) if own else Gap("", (text,))
        name = self.full_name(node.func, scope)
        ways = (
            self._field_call(name, node, scope),
            self._builtin(name, node, scope),
            self._shaped(name, node, scope),
            self._reshaped(last, node, scope),
        )
        return next((made for made in ways if made is not None), Gap("", (text,)))

    def _field_call(self, name: str, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """What `field(default=3)` of a dataclass stands for."""
        if name.rpartition(".")[2] != "field":
            return None
        default = next((item.value for item in node.keywords if item.arg == "default"), None)
        return None if default is None else self._value(default, scope)

    def _method(self, node: ast.Call, function: ast.Attribute, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """What a method gives that is known by its name: of a dictionary, a parser, a text."""
        if function.attr in ("get", "pop"):
            return self._got(node, scope) if node.args else Gap("", (show(node),))
        if function.attr in ("parse_args", "parse_known_args"):
            if any(not isinstance(item, ast.List) or item.elts for item in node.args):  # of another command line
                return Gap("", (show(node),))
            return Arguments() if function.attr == "parse_args" else (Arguments(), [])
        word = self._value(function.value, scope)
        return getattr(word, function.attr)() if isinstance(word, str) and not node.args else Gap("", (show(node),))

    def _got(self, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """What `settings.get("hidden", 128)` is: of settings that are not known, the default."""
        holder = node.func.value if isinstance(node.func, ast.Attribute) else node
        key = self._value(node.args[0], scope)
        keywords = self._keywords_of(holder)
        if keywords and isinstance(key, str):
            given = self._keyword(keywords, key)
            if given is not None:
                return given
        base = self._value(holder, scope)
        if isinstance(base, dict) and isinstance(key, str) and key in base:
            return base[key]
        if not isinstance(base, dict | Gap | Arguments) or len(node.args) == 1:
            return Gap("", (show(node),))
        self.inferred = True
        return self._value(node.args[1], scope)

    def _builtin(self, name: str, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """What a call of a builtin function, or of what makes a plain collection of settings, stands for."""
        if name.rpartition(".")[2] in _COLLECTIONS:
            return self._collection(node, scope)
        if name not in BUILTINS or node.keywords or any(isinstance(item, ast.Starred) for item in node.args):
            return None
        values = [self._value(item, scope) for item in node.args]
        gap = joined_gap(values)
        if gap:
            return Gap(gap.why, (show(node),)) if name == "len" else gap
        return called(name, values)

    def _collection(self, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        inner = self._value(node.args[0], scope) if len(node.args) == 1 else {}
        if not isinstance(inner, dict) or any(item.arg is None for item in node.keywords):
            return None
        return limited({**inner, **{str(item.arg): self._value(item.value, scope) for item in node.keywords}})

    def _shaped(self, name: str, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """An array that a call makes of its shape: `torch.randn(5, 3, 10)`."""
        if name in WRAPPERS and node.args:
            return self._value(node.args[0], scope)
        if name in PACKERS and node.args:
            return self._packed(node, scope)
        if name not in MAKERS:
            return None
        keywords = {item.arg: item.value for item in node.keywords}
        shape = keywords.get("size") or keywords.get("shape")
        sizes = [self._value(item, scope) for item in ([shape] if shape else node.args)]
        if sizes and isinstance(sizes[0], tuple | list):
            if name in _DATA and isinstance(sizes[0], list):  # the values themselves
                return None
            sizes = list(sizes[0])
        dtype = self._value(keywords["dtype"], scope) if "dtype" in keywords else None
        return Shaped(tuple(sizes), dtype) if sizes else None

    def _packed(self, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        inner = self._value(node.args[0], scope)
        keywords = {item.arg: item.value for item in node.keywords}
        given = keywords.get("lengths") or (node.args[1] if len(node.args) > 1 else None)
        lengths = self._value(given, scope) if given is not None else None
        if not isinstance(inner, Shaped):
            return None
        known = isinstance(lengths, tuple | list) and all(isinstance(item, int) for item in lengths)
        return replace(inner, lengths=tuple(lengths or ()) if known else None)

    def _reshaped(self, method: str, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """What a method makes of an array: the same, of another dtype, or of another shape."""
        if method not in METHODS or not isinstance(node.func, ast.Attribute):
            return None
        base = self._value(node.func.value, scope)
        values = [self._value(item, scope) for item in node.args]
        if method in ("view", "reshape"):
            sizes = list(values[0]) if len(values) == 1 and isinstance(values[0], tuple | list) else values
            open_ = Gap("a size of -1")
            return Shaped(tuple(open_ if size == -1 else size for size in sizes)) if sizes else None
        if not isinstance(base, Shaped):
            return None
        if method == "size":
            return base.shape if not values else item_of(base.shape, values[0])
        return moved(base, method, values)

    # What a name refers to.

    def full_name(self, node: ast.AST, scope: Scope | None = None) -> str:
        """The full name of what an expression refers to, as `torch.nn.LSTM`; empty if it is something of this file.

        A name that nothing binds stands for itself.
        """
        return next(iter(self.full_names(node, scope)), "")

    def full_names(self, node: ast.AST, scope: Scope | None = None) -> list[str]:
        """As `full_name`: all that it may be, where modules are imported with `*`."""
        scope = scope or self.scopes[node]
        if isinstance(node, ast.Name) and not self.lookup(node, scope):
            own = [f"{star}.{node.id}" for star in self.top.stars]
            return [*own, node.id]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            return [f"{base}.{node.attr}" for base in self.full_names(node.value, scope)] or self._symbol(node, scope)
        return self._symbol(node, scope)

    def _symbol(self, node: ast.AST, scope: Scope) -> list[str]:
        outer, value = self.inferred, self._value(node, scope)
        self.inferred = outer
        if isinstance(value, str) and value == self.settings.get(show(node)):  # --set rnn=nn.LSTM
            return [value]
        return [value.name] if isinstance(value, Symbol) else []

    def _getattr(self, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """`getattr(nn, "LSTM")`."""
        base, name = self._value(node.args[0], scope), self._value(node.args[1], scope)
        if isinstance(name, Gap):
            return name
        names = self.full_names(node.args[0], scope)
        base = base if isinstance(base, Symbol) else Symbol(names[0]) if names else None
        return Symbol(f"{base.name}.{name}") if base and isinstance(name, str) else Gap("", (show(node),))


_READERS: Final[Mapping[type, str]] = {
    ast.Name: "_name",
    ast.Attribute: "_attribute",
    ast.Constant: "_constant",
    ast.UnaryOp: "_unary",
    ast.BinOp: "_binary",
    ast.Compare: "_compare",
    ast.BoolOp: "_boolean",
    ast.IfExp: "_conditional",
    ast.Tuple: "_sequence",
    ast.List: "_sequence",
    ast.Dict: "_mapping",
    ast.Subscript: "_subscript",
    ast.Call: "_call",
    ast.NamedExpr: "_named_expression",
}
_DATA: Final = ("torch.Tensor", "torch.FloatTensor")
_OF_TEXT: Final = ("get", "pop", "parse_args", "parse_known_args", "lower", "upper", "strip", "title")
# What people call the arguments of a program.
_PARSED: Final = (
    "args",
    "arg",
    "opt",
    "opts",
    "options",
    "hparams",
    "hps",
    "flags",
    "FLAGS",
    "params",
    "config",
    "cfg",
)
# Names that stand for themselves where nothing binds them: part of a program is read too.
_LIBRARIES: Final = ("torch", "nn", "keras", "tf", "np", "jnp", "nnx", "float")
_COLLECTIONS: Final = ("dict", "SimpleNamespace", "Namespace", "edict", "EasyDict", "AttrDict", "ConfigDict", "DotMap")


def _argument_of(call: ast.Call, function: ast.AST, name: str, skipped: int) -> ast.expr | Gap | None:
    """What a call gives for an argument: an expression, None if nothing, a Gap if that cannot be seen."""
    keywords = {item.arg: item.value for item in call.keywords}
    if name in keywords:
        return keywords[name]
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return Gap("")
    order = [item.arg for item in (*function.args.posonlyargs, *function.args.args)][skipped:]
    position = order.index(name) if name in order else len(call.args)
    if any(isinstance(item, ast.Starred) for item in call.args[: position + 1]):
        return Gap("")
    if position < len(call.args):
        return call.args[position]
    return Gap("") if None in keywords else None
