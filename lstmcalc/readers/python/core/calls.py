"""Calls: of the file's functions, which are entered with their arguments, of classes, and of everything else.

A call of code that is not known gives an unknown value, and what it was given may be changed. A function that is called
deeper than the limit, or over and over, is code that is not known.

Not here: what libraries' functions do (`libraries.libraries`).
"""

import ast
from dataclasses import replace

from lstmcalc.readers.python.core.attributes import Attributes
from lstmcalc.readers.python.core.classes_of_python import TYPES, is_subclass, type_of
from lstmcalc.readers.python.core.heap import Path
from lstmcalc.readers.python.core.machine import MAX_AGAIN, MAX_DEPTH, Builtin, Frame, Function
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Bound,
    Class,
    Descriptor,
    Items,
    Lib,
    Missing,
    Obj,
    Partial,
    Scope,
    Unknown,
    Value,
    is_constant,
    things,
    unknown_of,
)
from lstmcalc.readers.python.core.variables import variables_of


class Calls(Attributes):
    """Calls whatever can be called."""

    def call(self, function: Value, args: Args, node: ast.AST) -> Value:
        """The value that a call gives."""
        self.spend(2)
        if not self.native and not isinstance(node, ast.Pass):
            self.site = node
        if isinstance(function, Function):
            return self._enter(function, args, node)
        if isinstance(function, Bound):
            return self.call(function.function, replace(args, pos=[function.owner, *args.pos]), node)
        if isinstance(function, Builtin):
            return self._run_builtin(function, args, node)
        if isinstance(function, Class):
            return self.instantiate(function, args, node)
        if isinstance(function, Partial):
            return self._call_partial(function, args, node)
        if isinstance(function, Lib):
            return self.call_lib(function, args, node)
        if isinstance(function, Descriptor):
            return self.call(function.getter, args, node)
        if isinstance(function, Unknown):
            return self._call_unknown(function, args, node)
        if isinstance(function, Obj):
            method = self.lookup(type_of(function), "__call__")
            if not isinstance(method, Missing):
                return self.call(self.bind(method, function), args, node)
        self.throw("TypeError", "not callable")

    def _run_builtin(self, function: Builtin, args: Args, node: ast.AST) -> Value:
        try:
            return function.run(self, args, node)
        except IndexError:  # too few arguments, which Python refuses
            self.may_raise()
            return unknown_of(*args.all)

    def _call_partial(self, function: Partial, args: Args, node: ast.AST) -> Value:
        keywords = {**dict(function.keywords), **args.kw}
        return self.call(function.function, replace(args, pos=[*function.args, *args.pos], kw=keywords), node)

    def _call_unknown(self, function: Unknown, args: Args, node: ast.AST) -> Value:
        if function.alts:
            return self.fork([lambda item=item: self.call(item, args, node) for item in function.alts], function.names)  # type: ignore[misc]  # bound now
        if function.lstm:
            self.perhaps_lstm(function, args, node)
        known = [item for item in function.may if isinstance(item, Class | Function)]
        for item in known:  # it may be one of them
            self.repeat(lambda item=item: self._try_call(item, Args(rest=Unknown(), more=Unknown())))  # type: ignore[misc]  # as above
        name = function.names[0] + "()" if function.names else "a call"
        result = self.unknown_call(name, args, function, lib=not function.foreign)
        if isinstance(result, Unknown) and function.names:
            return replace(result, names=function.names)
        return result

    # Functions of Python code.

    def _enter(self, function: Function, args: Args, node: ast.AST) -> Value:
        self.called.add(function.node)
        again = sum(frame.function is function for frame in self.frames) if self.forks else 0
        if len(self.frames) > MAX_DEPTH or again > MAX_AGAIN:
            return self._too_deep(function, args)
        scope = Scope("function", function.outer, self.born())
        names = variables_of(function.node)
        scope.locals, scope.declared = names.own, names.declared
        self._bind(function, args, scope)
        if names.yields:
            made = self.new("iter", MISSING, TYPES["generator"])
            made.slots["@thunk"] = Partial(
                Builtin("generator", lambda _, __, ___: self.run_generator(function, scope)), (scope, function)
            )
            return made
        if isinstance(function.node, ast.AsyncFunctionDef):
            made = self.new("coroutine", MISSING, TYPES["object"])
            made.slots["@thunk"] = Partial(
                Builtin("coroutine", lambda _, __, ___: self.run_body(function, scope, node)), (scope,)
            )
            return made
        return self.run_body(function, scope, node)

    def run_body(self, function: Function, scope: Scope, node: ast.AST) -> Value:
        """Run a function's code, to what it returns."""
        native, site, calling = self.native, self.site, self.calling
        taint, returned, decided = self.taint, self.returned_taint, self.decided_taint
        self.returned_taint = self.decided_taint = False
        self.frames.append(Frame(scope, function, node))
        self.native = function.native
        try:
            if isinstance(function.node, ast.Lambda):
                body = function.node.body
                return self.evaluate(body, scope)
            statements = function.node.body
            paths = self.collect(lambda: self.execute(statements, scope))
        finally:
            self.frames.pop()
            self.native, self.site, self.calling = native, site, calling
            self.taint = taint or (self.taint if isinstance(function.node, ast.Lambda) else self.returned_taint)
            self.returned_taint, self.decided_taint = returned, decided
        ended = [_returned(path) for path in paths]
        return self.settle(ended, lambda path: path.kind == "return")

    def _too_deep(self, function: Function, args: Args) -> Value:
        """A call deeper than is followed: whatever it can reach may be changed."""
        self.notes.append(f"{function.name} calls itself too often to be followed")
        reached: list[Value] = [*args.all]
        scope: Scope | None = function.outer
        while scope is not None:
            for name, value in list(scope.slots.items()):
                if not isinstance(value, Function | Class | Lib | Builtin):
                    self.put(scope, name, Unknown((name,), things(value), foreign=True))
            reached += scope.slots.values()
            scope = scope.outer
        self.doubt_all(f"{function.name} calls itself too often to be followed")
        self.give_up(reached)
        return Unknown((f"{function.name}()",), foreign=True)

    def _bind(self, function: Function, args: Args, scope: Scope) -> None:
        """Bind the parameters of a function.

        Raises:
            Leave: The arguments do not fit.
        """
        spec = function.node.args
        params = [*spec.posonlyargs, *spec.args]
        keywords = dict(args.kw)
        default_values = function.slots.get("__defaults__", function.defaults)
        defaults = default_values if isinstance(default_values, tuple) else ()
        values: dict[str, Value] = {}
        taints = self.taint
        for place, param in enumerate(params):
            name = param.arg
            if place < len(args.pos):
                values[name] = args.pos[place]
                self._hand_taint(scope, name, args, place - len(args.pos))
                if name in keywords and param not in spec.posonlyargs:
                    self.throw("TypeError", f"{name} given twice")
            elif name in keywords and param not in spec.posonlyargs:
                values[name] = keywords.pop(name)
                self._hand_taint(scope, name, args, name)
            else:
                behind = place - (len(params) - len(defaults))
                self._fill(function, scope, name, defaults[behind] if behind >= 0 else MISSING, args, values)
        for param in spec.kwonlyargs:
            if param.arg in keywords:
                values[param.arg] = keywords.pop(param.arg)
                self._hand_taint(scope, param.arg, args, param.arg)
            else:
                kw_defaults = function.slots.get("__kwdefaults__", None)
                default = (
                    self._kw_default(kw_defaults, param.arg)
                    if kw_defaults is not None
                    else function.kw_defaults.get(param.arg, MISSING)
                )
                self._fill(function, scope, param.arg, default, args, values)
        self.taint = taints
        if spec.vararg:
            more: Value = tuple(args.pos[len(params) :])
            values[spec.vararg.arg] = (
                Unknown(args.rest.names, things(args.rest) | things(more), foreign=args.rest.foreign)
                if args.rest
                else more
            )
        elif len(args.pos) > len(params):
            self.throw("TypeError", "too many arguments")
        if spec.kwarg:
            values[spec.kwarg.arg] = self.new_dict(keywords, replace(args.more, absent=True) if args.more else None)
        elif keywords:
            self.throw("TypeError", "unexpected argument")
        for name, value in values.items():
            self.put(scope, name, value)

    def _hand_taint(self, scope: Scope, name: str, args: Args, given: int | str) -> None:
        """Note of a parameter that what it is given is a default which a caller can change."""
        if given in args.tainted:
            self.tainted.add((id(scope), name))

    def _kw_default(self, defaults: Value, name: str) -> Value:
        content = defaults.slots.get(CONTENT) if isinstance(defaults, Obj) else None
        return content.map.get(name, MISSING) if isinstance(content, Items) and content.whole else Unknown()

    def _fill(
        self, function: Function, scope: Scope, name: str, default: Value, args: Args, values: dict[str, Value]
    ) -> None:
        """Give a parameter its default, or what is known of an argument that is not seen."""
        given = (
            args.rest
            if args.rest is not None and name not in {item.arg for item in function.node.args.kwonlyargs}
            else None
        )
        given = given or args.more
        if given is not None:
            names = given.names or (name,)
            self.asked.setdefault(names[0])
            values[name] = Unknown(names, given.may | things(default), foreign=True)
        elif isinstance(default, Missing):
            self.throw("TypeError", f"{name} is missing")
        else:
            values[name] = default
            if not function.native:
                self.tainted.add((id(scope), name))

    # Classes.

    def instantiate(self, cls: Class, args: Args, node: ast.AST, *, plainly: bool = False) -> Value:
        """A new instance of a class; `plainly` as `type` makes it, whatever its own metaclass does."""
        if cls.bound is not None:
            self.called.add(cls.slots.get("@node", cls))  # type: ignore[arg-type]  # a node, or nothing that is asked for
        meta = cls.slots.get("@meta")
        if isinstance(meta, Class) and not plainly:
            hook = self.lookup(meta, "__call__")
            if isinstance(hook, Function):
                return self.call(Bound(hook, cls), args, node)
        maker = self.lookup(cls, "__new__")
        if isinstance(maker, Function | Descriptor):
            made = self.call(maker, replace(args, pos=[cls, *args.pos]), node)
            if not isinstance(made, Obj) or is_subclass(type_of(made), cls) is not True:
                return made
        elif isinstance(maker, Builtin) and (
            TYPES.get(cls.name) is cls
            or maker.name in ("enum", "namedtuple")
            or (cls.bound is None and "__new__" in cls.slots)
        ):
            return maker.run(self, replace(args, pos=[cls, *args.pos]), node)
        elif isinstance(maker, Unknown):  # of a base that is not known, whose instances are taken to be instances
            made = self.allocate(cls)
            made.slots["@changed"] = True
        else:
            made = self.allocate(cls)
            if cls.stores == "const":
                made.slots[CONTENT] = self._constant_of(cls, args, node)
        init = self.lookup(cls, "__init__")
        if isinstance(init, Unknown):
            self.unknown_call(f"{cls.name}()", args, made, lib=not init.foreign)
        elif isinstance(init, Missing) or (isinstance(init, Builtin) and init.name == "object.__init__"):
            if args.all and isinstance(maker, Builtin | Missing) and cls.stores == "object":
                self.throw("TypeError", f"{cls.name}() takes no arguments")
        elif not (isinstance(init, Builtin) and cls.stores == "const"):
            self.call(self.bind(init, made), args, node)
        return made

    def _constant_of(self, cls: Class, args: Args, node: ast.AST) -> Value:
        """The constant that an instance of a subclass of int, str or the like holds."""
        base = next(
            (item for item in cls.mro if isinstance(item, Class) and item.stores == "const" and item.bound is None),
            None,
        )
        if base is None:
            return Unknown()
        value = self.instantiate(base, args, node)
        return value if is_constant(value) or isinstance(value, tuple) else Unknown(may=things(value))

    def allocate(self, cls: Class) -> Obj:
        """An instance without attributes.

        Raises:
            Leave: The class has abstract methods.
        """
        if cls.stores == "object" and cls.slots.get("@abstract") and cls is not self.examined:
            self.throw("TypeError", f"{cls.name} is abstract")
        made = Obj("object" if cls.stores == "class" else cls.stores, cls, self.born())
        if cls.stores == "list":
            made.slots[CONTENT] = ()
        elif cls.stores in ("dict", "set"):
            made.slots[CONTENT] = Items({})
        self.was_allocated(made)
        return made

    def was_allocated(self, made: Obj) -> None:
        """Note an instance that there is now."""

    def was_copied(self, made: Value) -> None:
        """Note a deep copy of a thing, or of what is not known: then it leads to what was copied."""


def _returned(path: Path) -> Path:
    return path._replace(kind="return", value=None) if path.kind == "normal" else path


def _type_call(machine: Calls, args: Args, node: ast.AST) -> Value:
    cls = args.pos[0] if args.pos else Unknown()
    if not isinstance(cls, Class):
        return unknown_of(*args.all)
    return machine.instantiate(cls, replace(args, pos=args.pos[1:]), node, plainly=True)


TYPES["type"].slots["__call__"] = Builtin("__call__", _type_call, method=True)
