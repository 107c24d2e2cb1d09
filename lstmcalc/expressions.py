"""What names and expressions in Python code stand for, read from its syntax tree; nothing is executed or imported.

Names bound to constants are followed through scopes, arguments (what the callers in the same file give, else the
default), attributes of `self`, classes that hold settings, and argparse. What cannot be known is a `Gap`, no guess.

Not here: which calls make an LSTM (`pycode`), and where a text comes from (`sources`).
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.constructors import Symbol
from lstmcalc.literals import MAKERS, METHODS, PACKERS, WRAPPERS, Shaped, item_of, moved
from lstmcalc.scopes import (
    MAX_BINDINGS,
    Binding,
    Branch,
    Scope,
    Scopes,
    Store,
    chain,
    instance_owner,
    may_hold,
    visible,
)
from lstmcalc.subject import Gap

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_DEPTH: Final = 50  # names that lead to names, and operators inside operators
_BITS: Final = 256  # of an integer on the way to a size
_ITEMS: Final = 10_000  # in a tuple, list or dictionary, all levels together


class Instance(NamedTuple):
    """An object of a class of the same file, and the call that makes it."""

    scope: Scope
    call: ast.Call
    caller: Scope
    stored: Mapping[Any, Any] | None = None  # attributes that are set afterwards


class Local(NamedTuple):
    """A class or a function of the same file."""

    node: ast.AST


class Arguments(NamedTuple):
    """What argparse, or absl's flags, returns."""

    stored: Mapping[Any, Any] | None = None  # attributes that are set afterwards


def show(node: ast.AST) -> str:
    """An expression as text."""
    return ast.unparse(node)


class Program:
    """One file's syntax tree, and what its expressions stand for.

    Args:
        tree: The tree.
        settings: Values by name, as the user gives them: they come before what the file says.
    """

    def __init__(self, tree: ast.Module, settings: Mapping[str, Any]) -> None:
        self.tree = tree
        self.settings = settings
        self.asked: dict[str, None] = {}  # names that were looked up, in order
        self.inferred = False  # whether the last value hangs on a default that a caller could change
        self.was_set = False  # whether it hangs on one of the settings
        read = Scopes(tree)
        self.top, self.scopes, self.parents, self.branches = read.top, read.of, read.parents, read.branches
        self.stores = read.stores
        self._known: dict[tuple[int, int], tuple[Any, bool, bool]] = {}
        self._depth = 0

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call, in the order of the text."""
        found = [node for node in self.scopes if isinstance(node, ast.Call)]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    @cached_property
    def _calls_by_name(self) -> dict[str, list[ast.Call]]:
        """The calls by the last part of what they call."""
        found: dict[str, list[ast.Call]] = {}
        for call in self.calls:
            last = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            found.setdefault(last, []).append(call)
        return found

    @cached_property
    def _argparse(self) -> dict[str, ast.expr | None]:
        """The default of every argument that is declared to argparse or absl, by its name; None without one."""
        found: dict[str, ast.expr | None] = {}
        for name, calls in self._calls_by_name.items():
            if name == "add_argument":
                found.update(pair for call in calls if (pair := _declared(call)))
            elif name == "set_defaults":
                found.update({item.arg: item.value for call in calls for item in call.keywords if item.arg})
            elif name.startswith("DEFINE_"):
                pairs = (call.args[:2] for call in calls if len(call.args) > 1)
                found.update((str(first.value), node) for first, node in pairs if isinstance(first, ast.Constant))
        return found

    # What a value is.

    def value(self, node: ast.AST, scope: Scope | None = None) -> Any:  # noqa: ANN401  # whatever the code says
        """What an expression stands for: a constant, a Symbol, a Shaped, ... or a Gap."""
        self.inferred = self.was_set = False
        value = self._value(node, scope or self.scopes[node])
        if isinstance(value, Gap):
            text = show(node)
            return value if value.why else value._replace(why=text if len(text) <= 60 else f"{text[:56]}...")  # noqa: PLR2004
        return value

    def _value(self, node: ast.AST, scope: Scope) -> Any:  # noqa: ANN401  # as above
        if self._depth > _DEPTH:
            return Gap("something nested too deeply")
        self._depth += 1
        try:
            reader = _READERS.get(type(node))
            return reader(self, node, scope) if reader else Gap("", (show(node),))
        finally:
            self._depth -= 1

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
        return self._as_changed(self._bound(bound, node.id), node.id)

    def _as_changed(self, value: Any, name: str) -> Any:  # noqa: ANN401  # as above
        """What a name stands for, after what is stored in it elsewhere: that is known, or a Gap."""
        stores = self.stores.get(name, [])
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
            return value._replace(stored={key: self._stored(stores, key) for key in kept}) if kept else value
        return value

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
        if all(_same(first, value) for value, _ in values):
            return first
        if len(values) == 1:
            return Gap(first.why, tuple(dict.fromkeys((text, *first.names[:1]))) if first.why else (text,))
        if any(isinstance(value, Gap) for value, _ in values):
            return Gap("", (text,))
        return _differing(text, values)

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
            value = self._evaluated(binding)
            if self._depth < _DEPTH:
                self._known[key] = value, self.inferred, self.was_set
            else:
                del self._known[key]
            self.inferred |= outer[0]
            self.was_set |= outer[1]
            return value
        value, inferred, was_set = self._known[key]
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
        for call, skipped in self._callers(binding.scope)[:MAX_BINDINGS]:
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
        if all(_same(first, value) for value, _ in given):
            return first
        gaps = [value for value, _ in given if isinstance(value, Gap)]
        return gaps[0] if len(gaps) == len(given) else _differing(binding.name, given)

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
        callers = self._callers(binding.scope)[:MAX_BINDINGS]
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
        return first if all(_same(first, value) for value, _ in given) else _differing(name, given)

    def _default(self, binding: Binding) -> Any:  # noqa: ANN401  # as above
        if binding.node is None:
            return Gap("", (binding.name,))
        self.inferred = True
        return self._value(binding.node, binding.scope.parent or binding.scope)

    def _callers(self, scope: Scope) -> list[tuple[ast.Call, int]]:
        """The calls of a function in this file, and how many of its arguments they do not give (`self`)."""
        function, owner = scope.node, scope.parent
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or owner is None:
            return []
        if not isinstance(owner.node, ast.ClassDef):
            return [(call, 0) for call in self._calls_by_name.get(function.name, []) if self._calls_it(call, function)]
        if function.name == "__init__":
            return self._makers(owner)
        if function.name in ("forward", "call", "__call__"):
            return [(call, 1) for call in self._calls_of_instances.get(owner, [])]
        alone = sum(function.name in level.bindings for level in self._classes) == 1
        own = (call for call in self._calls_by_name.get(function.name, []) if isinstance(call.func, ast.Attribute))
        return [(call, 0 if scope.is_static else 1) for call in own if alone or self.scopes[call].owner is owner]

    @cached_property
    def _classes(self) -> list[Scope]:
        """The classes of the file."""
        return [self.scopes[node] for node in self.scopes if isinstance(node, ast.ClassDef)]

    def _bases(self, owner: Scope) -> list[Scope]:
        """The classes of this file that a class is derived from."""
        found = (self._value(base, owner.parent or owner) for base in getattr(owner.node, "bases", []))
        nodes = [item.node for item in found if isinstance(item, Local) and isinstance(item.node, ast.ClassDef)]
        return [self.scopes[node] for node in nodes if node is not owner.node]

    @cached_property
    def _derived(self) -> dict[Scope, list[Scope]]:
        """The classes that are derived from each class."""
        found: dict[Scope, list[Scope]] = {}
        for level in self._classes:
            for base in self._bases(level):
                found.setdefault(base, []).append(level)
        return found

    def _makers(self, owner: Scope, depth: int = 0) -> list[tuple[ast.Call, int]]:
        """The calls that run a class' `__init__`: its own name, `cls`, those of derived classes, `super().__init__`."""
        name = owner.node.name if isinstance(owner.node, ast.ClassDef) else ""
        found = [(call, 1) for call in self._calls_by_name.get(name, []) if self._calls_it(call, owner.node)]
        found += [(call, 1) for call in self._calls_by_name.get("cls", []) if self.scopes[call].owner is owner]
        for level in self._derived.get(owner, []) if depth < _DEPTH else []:
            if "__init__" not in level.bindings:
                found += self._makers(level, depth + 1)
                continue
            for call in self._calls_by_name.get("__init__", []):
                if self.scopes[call].owner is level and isinstance(call.func, ast.Attribute):
                    # Base.__init__(self, ...) gives every argument, super().__init__(...) all but the first.
                    found.append((call, 1 if isinstance(call.func.value, ast.Call) else 0))
        return found

    def made_in(self, scope: Scope) -> list[int]:
        """The lines of the calls that run the function, or make an object of the class, around an expression."""
        if isinstance(scope.node, ast.FunctionDef | ast.AsyncFunctionDef) and scope.node.name != "forward":
            return sorted(call.lineno for call, _ in self._callers(scope))
        return []

    def _calls_it(self, call: ast.Call, node: ast.AST) -> bool:
        found = self._value(call.func, self.scopes[call])
        return isinstance(found, Local) and found.node is node

    @cached_property
    def _calls_of_instances(self) -> dict[Scope, list[ast.Call]]:
        """The calls of an object of this file's classes, `model(x)`, by its class."""
        found: dict[Scope, list[ast.Call]] = {}
        self.__dict__["_calls_of_instances"] = found  # what is asked for meanwhile sees what is found so far
        for call in self.calls:
            called = (
                self._value(call.func, self.scopes[call]) if isinstance(call.func, ast.Name) and call.args else None
            )
            if isinstance(called, Instance):
                found.setdefault(called.scope, []).append(call)
        return found

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:  # noqa: ANN401  # as above
        text = show(node)
        given = self._named(text)
        if given is not None:
            return given
        if isinstance(node.value, ast.Name):
            owner = instance_owner(node.value.id, scope)
            if owner:
                found = self._attribute_of(owner, node.attr, node)
                return Gap("", (text,)) if found is None else self._as_changed(found, node.attr)
            bound = [item for level in chain(scope) for item in level.attributes.get(text, [])]
            if bound:
                return self._bound(may_hold(bound, self._line(node), self.branch_of(node), inner=False), text)
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
        if isinstance(base, Symbol) and not (base.name.endswith(".FLAGS") and node.attr in self._argparse):
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
        elif node.attr in self._argparse and self._is_parsed(base, node):
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
        default = self._argparse[name]
        self.inferred = True
        return None if default is None else self._value(default, self.scopes.get(default, self.top))

    def _field(self, instance: Instance, name: str) -> Any:  # noqa: ANN401  # as above
        """An attribute of an object: what it was made with, if its class lists its fields; else as `self` has it."""
        fields = self._fields(instance.scope)
        keywords = {item.arg: item.value for item in instance.call.keywords if item.arg}
        made = instance.scope.bindings.get("__init__")
        if fields is not None:
            given = dict(zip(fields, instance.call.args, strict=False)) | keywords
            if name in given:
                return self._value(given[name], instance.caller)
        elif made and made[-1].node and name in keywords:
            # Config(size=3) of an __init__ that stores whatever it is given.
            inside = self.scopes[made[-1].node].bindings
            if name not in inside and any(item.kind == "keywords" for items in inside.values() for item in items):
                return self._value(keywords[name], instance.caller)
        return self._attribute_of(instance.scope, name)

    def _fields(self, owner: Scope, depth: int = 0) -> list[str] | None:
        """The fields of a class that lists them, those of its bases first; None if it has an `__init__`."""
        if "__init__" in owner.bindings or depth > _DEPTH:
            return None
        inherited: list[str] = []
        for base in self._bases(owner):
            more = self._fields(base, depth + 1)
            if more is None:
                return None
            inherited += more
        return list(dict.fromkeys([*inherited, *owner.fields]))

    def _attribute_of(self, owner: Scope, name: str, node: ast.AST | None = None, depth: int = 0) -> Any:  # noqa: ANN401  # as above
        """What `self.name` is in a class, or in one of its bases in this file; None if nothing says."""
        stored = owner.attributes.get(name, [])
        if stored:
            return self._bound(self._latest(stored, node), f"self.{name}")
        if owner.bindings.get(name) or name in owner.fields:
            return self._class_attribute(owner, name)
        for base in self._bases(owner) if depth < _DEPTH else []:
            value = self._attribute_of(base, name, None, depth + 1)
            if value is not None:
                return value
        return None

    def _latest(self, stored: Sequence[Binding], node: ast.AST | None) -> Sequence[Binding]:
        """Of what one function stores in an attribute, what may hold in the end, or where that function reads it."""
        home = {id(binding.scope) for binding in stored}
        if len(home) > 1:
            return stored
        same = node is not None and self.scopes.get(node) is stored[0].scope
        line = self._line(node) if same and node is not None else max(binding.line for binding in stored)
        branch = self.branch_of(node) if same and node is not None else ()
        return may_hold(stored, line, branch, inner=False)

    def _class_attribute(self, owner: Scope, name: str) -> Any:  # noqa: ANN401  # as above
        """What a class says in its body; where it has no `__init__`, as a dataclass, what its callers give."""
        own = owner.bindings.get(name, [])[-1:]
        overridden = [level.bindings[name][-1] for level in self._derived.get(owner, []) if name in level.bindings]
        given, fields = [], self._fields(owner)
        for call, _ in self._makers(owner)[:MAX_BINDINGS] if fields is not None else []:
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
        return first if all(_same(first, value) for value, _ in given) else _differing(f"self.{name}", given)

    def _constant(self, node: ast.Constant, _: Scope) -> Any:  # noqa: ANN401  # as above
        value = node.value
        return value if isinstance(value, bool | int | float | str | None) else Gap("", (show(node),))

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Any:  # noqa: ANN401  # as above
        value = self._value(node.operand, scope)
        if isinstance(value, Gap):
            return value
        if isinstance(node.op, ast.Not):
            return not value if _is_plain(value) else Gap("", (show(node),))
        if isinstance(node.op, ast.USub) and isinstance(value, int | float):
            return -value
        return +value if isinstance(node.op, ast.UAdd) and isinstance(value, int | float) else Gap("", (show(node),))

    def _binary(self, node: ast.BinOp, scope: Scope) -> Any:  # noqa: ANN401  # as above
        left, right = self._operand(node.left, scope), self._operand(node.right, scope)
        gap = _joined_gap((left, right))
        if gap:
            return gap
        if isinstance(node.op, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
            return _limited({**left, **right})
        if isinstance(node.op, ast.Add) and isinstance(left, tuple) and isinstance(right, tuple):
            return _limited(left + right)
        if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right if len(left + right) <= _ITEMS else Gap("a long text")
        compute = _OPERATORS.get(type(node.op))
        if compute and all(isinstance(item, int | float) for item in (left, right)):
            return _computed(compute, left, right)
        return Gap("", (show(node),))

    def _operand(self, node: ast.AST, scope: Scope) -> Any:  # noqa: ANN401  # as above
        """A value to compute with: a name of another module is none."""
        value = self._value(node, scope)
        return Gap("", (show(node),)) if isinstance(value, Symbol) else value

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:  # noqa: ANN401  # as above
        left, right = self._value(node.left, scope), self._value(node.comparators[0], scope)
        gap = _joined_gap((left, right))
        if gap:
            return gap
        compute = _COMPARISONS.get(type(node.ops[0]))
        if compute is None or len(node.ops) > 1 or not (_is_plain(left) and _is_plain(right)):
            return Gap("", (show(node),))
        try:
            return compute(left, right)
        except TypeError:
            return Gap("", (show(node),))

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
        if _same(*branches):  # whichever it is
            return branches[0]
        return test if isinstance(test, Gap) else branches[0 if test else 1]

    def _sequence(self, node: ast.Tuple | ast.List, scope: Scope) -> Any:  # noqa: ANN401  # as above
        if any(isinstance(item, ast.Starred) for item in node.elts):
            return Gap("", (show(node),))
        items = [self._value(item, scope) for item in node.elts]
        return _limited(tuple(items) if isinstance(node, ast.Tuple) else items)

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
        return _limited(found)

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
        try:
            return base[key] if isinstance(base, tuple | list | dict) and _is_plain(key) else Gap("", (text,))
        except (KeyError, IndexError, TypeError):
            return Gap("", (text,))

    def _call(self, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        text = show(node)
        given = self._named(text)
        if given is not None:
            return given
        last = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if isinstance(node.func, ast.Attribute) and last in _OF_TEXT:
            return self._method(node, node.func, scope)
        function = self._value(node.func, scope)
        if isinstance(function, Local):
            own = isinstance(function.node, ast.ClassDef)
            return Instance(self.scopes[function.node], node, scope) if own else Gap("", (text,))
        name = self.full_name(node.func, scope)
        if name.rpartition(".")[2] == "field":  # of a dataclass
            default = next((item.value for item in node.keywords if item.arg == "default"), None)
            return Gap("", (text,)) if default is None else self._value(default, scope)
        for made in (
            self._builtin(name, node, scope),
            self._shaped(name, node, scope),
            self._reshaped(last, node, scope),
        ):
            if made is not None:
                return made
        return Gap("", (text,))

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
        compute = _BUILTINS.get(name)
        if compute is None or node.keywords or any(isinstance(item, ast.Starred) for item in node.args):
            return None
        values = [self._value(item, scope) for item in node.args]
        gap = _joined_gap(values)
        if gap:
            return Gap(gap.why, (show(node),)) if name == "len" else gap
        try:
            return _limited(compute(*values))
        except (TypeError, ValueError, ArithmeticError):
            return None

    def _collection(self, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # as above
        inner = self._value(node.args[0], scope) if len(node.args) == 1 else {}
        if not isinstance(inner, dict) or any(item.arg is None for item in node.keywords):
            return None
        return _limited({**inner, **{str(item.arg): self._value(item.value, scope) for item in node.keywords}})

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
        return inner._replace(lengths=tuple(lengths or ()) if known else None)

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

    def lookup(self, node: ast.Name, scope: Scope) -> list[Binding]:
        """The bindings of a name that may hold where it is used."""
        for level, inner in visible(scope):
            bound = level.bindings.get(node.id)
            if bound:
                if not inner:  # `size = size or 3`: what a statement binds is not yet bound in it
                    line = self._line(node)
                    bound = [item for item in bound if item.line != line or not self._holds(item.node, node)] or bound
                return may_hold(bound, self._line(node), self.branch_of(node), inner=inner)
        return []

    def _holds(self, whole: ast.AST | None, part: ast.AST) -> bool:
        """Whether an expression stands inside of another."""
        while whole is not None and part in self.parents:
            if part is whole:
                return True
            part = self.parents[part]
        return False

    def bindings_of(self, node: ast.AST) -> list[Binding]:
        """The bindings of a name, or of an attribute of `self`; none of any other expression."""
        scope = self.scopes.get(node)
        if scope is None:
            return []
        if isinstance(node, ast.Name):
            return self.lookup(node, scope)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = instance_owner(node.value.id, scope)
            return owner.attributes.get(node.attr, []) if owner else []
        return []

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

    def branch_of(self, node: ast.AST) -> Branch:
        """The branches that an expression stands in."""
        while node not in self.branches and node in self.parents:
            node = self.parents[node]
        return self.branches.get(node, ())

    @staticmethod
    def _line(node: ast.AST) -> int:
        return int(getattr(node, "lineno", 0))


def _call_or_getattr(program: Program, node: ast.Call, scope: Scope) -> Any:  # noqa: ANN401  # whatever the code says
    if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) == 2:  # noqa: PLR2004
        return program._getattr(node, scope)  # noqa: SLF001  # a reader of this module
    return program._call(node, scope)  # noqa: SLF001  # as above


_READERS: Final[Mapping[type, Callable[..., Any]]] = {
    ast.Name: Program._name,  # noqa: SLF001  # the readers of this module
    ast.Attribute: Program._attribute,  # noqa: SLF001
    ast.Constant: Program._constant,  # noqa: SLF001
    ast.UnaryOp: Program._unary,  # noqa: SLF001
    ast.BinOp: Program._binary,  # noqa: SLF001
    ast.Compare: Program._compare,  # noqa: SLF001
    ast.BoolOp: Program._boolean,  # noqa: SLF001
    ast.IfExp: Program._conditional,  # noqa: SLF001
    ast.Tuple: Program._sequence,  # noqa: SLF001
    ast.List: Program._sequence,  # noqa: SLF001
    ast.Dict: Program._mapping,  # noqa: SLF001
    ast.Subscript: Program._subscript,  # noqa: SLF001
    ast.Call: _call_or_getattr,
    ast.NamedExpr: lambda program, node, scope: program._value(node.value, scope),  # noqa: SLF001
}
_OPERATORS: Final[Mapping[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_COMPARISONS: Final[Mapping[type, Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
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
_BUILTINS: Final[Mapping[str, Callable[..., Any]]] = {
    "int": int,
    "float": float,
    "bool": bool,
    "len": len,
    "max": max,
    "min": min,
    "abs": abs,
    "round": round,
    "sum": sum,
    "tuple": tuple,
    "list": list,
}
# Names that stand for themselves where nothing binds them: part of a program is read too.
_LIBRARIES: Final = ("torch", "nn", "keras", "tf", "np", "jnp", "nnx", "float")
_COLLECTIONS: Final = ("dict", "SimpleNamespace", "Namespace", "edict", "EasyDict", "AttrDict", "ConfigDict", "DotMap")


def _is_plain(value: object) -> bool:
    return isinstance(value, bool | int | float | str | None)


def _same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right and not isinstance(left, Gap)


def _differing(name: str, values: Sequence[tuple[object, int]]) -> Gap:
    """The gap of what stands for different values in different places."""
    (first, line), *others = values
    other, at = next((pair for pair in others if not _same(first, pair[0])), (first, line))
    if isinstance(first, Gap) and isinstance(other, Gap):
        return Gap("", (name,))
    shown = [f"{_briefly(item)} in line {where}" for item, where in ((first, line), (other, at))]
    return Gap(f"{name}, which is {' and '.join(shown)}", (name,))


def _briefly(value: object) -> str:
    return (" or ".join(value.names) or "unknown") if isinstance(value, Gap) else repr(value)[:20]


def _joined_gap(values: Iterable[object]) -> Gap | None:
    """One gap for all that are among the values; None if there is none."""
    gaps = [value for value in values if isinstance(value, Gap)]
    if not gaps:
        return None
    reasons = [gap.why for gap in gaps if gap.why]
    return Gap(reasons[0] if reasons else "", tuple(dict.fromkeys(name for gap in gaps for name in gap.names)))


def _computed(compute: Callable[[Any, Any], Any], left: float, right: float) -> Any:  # noqa: ANN401  # as above
    """An operator's result, unless it is no size of anything."""
    sizes = [value.bit_length() for value in (left, right) if isinstance(value, int)]
    if max(sizes, default=0) > _BITS or (compute in (operator.pow, operator.lshift) and right > _BITS):
        return Gap("a number too large")
    try:
        value = compute(left, right)
    except (ArithmeticError, TypeError, ValueError):
        return Gap("no number")
    return Gap("no number") if isinstance(value, complex) else value


def _limited(value: Any) -> Any:  # noqa: ANN401  # as above
    """The value, unless it is a collection of too many items."""
    return value if _count(value) <= _ITEMS else Gap("a long list")


def _count(value: Any) -> int:  # noqa: ANN401  # as above
    """How many items a collection has, all levels together; `_ITEMS + 1` stands for more."""
    total, level = 0, [value]
    while level and total <= _ITEMS:
        total += len(level)
        inner = (
            item.values() if isinstance(item, dict) else item for item in level if isinstance(item, tuple | list | dict)
        )
        level = [item for items in inner for item in items]
    return total


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


def _declared(call: ast.Call) -> tuple[str, ast.expr | None] | None:
    """The name and the default of one argument of argparse."""
    spellings = [item.value for item in call.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    if not spellings:
        return None
    keywords = {item.arg: item.value for item in call.keywords}
    long = [spelling for spelling in spellings if spelling.startswith("--")] or spellings
    name, given = long[0].lstrip("-").replace("-", "_"), keywords.get("dest")
    if isinstance(given, ast.Constant):
        name = str(given.value)
    action = keywords.get("action")
    switch = action.value if isinstance(action, ast.Constant) else None
    if switch in ("store_true", "store_false") and "default" not in keywords:
        return name, ast.Constant(switch == "store_false")
    default, kind = keywords.get("default"), getattr(keywords.get("type"), "id", "")
    if isinstance(default, ast.Constant) and isinstance(default.value, str) and kind in ("int", "float"):
        try:  # argparse itself converts a default that is a text
            return name, ast.Constant(int(default.value) if kind == "int" else float(default.value))
        except ValueError:
            return name, None
    return name, default


def _body(scope: Scope) -> list[ast.stmt]:
    return list(getattr(scope.node, "body", []))
