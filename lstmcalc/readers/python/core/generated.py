"""Classes of which Python writes the methods: enumerations, named tuples, dataclasses.

Not here: what every class is made of (`making`).
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lstmcalc.readers.python.core.classes_of_python import TYPES
from lstmcalc.readers.python.core.iterators import Iterators
from lstmcalc.readers.python.core.machine import Builtin, Function
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Bound,
    Class,
    Descriptor,
    Lib,
    Missing,
    Obj,
    Unknown,
    Value,
    unknown_of,
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a dataclass."""

    name: str
    default: Value = MISSING
    factory: Value = MISSING
    init: bool = True
    keyword: bool = False
    passed: bool = False  # an InitVar: handed to `__post_init__`, and no attribute


class Generated(Iterators):
    """Makes enumerations, named tuples and dataclasses of classes."""

    def _enumerate(self, cls: Class, kind: str) -> None:
        """Make the members of an enumeration."""
        cls.slots["@enum"] = kind
        members: dict[Value, Value] = {}
        values: dict[str, Value] = {}
        last: Value = 0
        for name, value in list(cls.slots.items()):
            if name.startswith(("@", "_")) or isinstance(value, Function | Descriptor | Class | Builtin):
                continue
            if isinstance(value, Lib) and value.path == "enum.auto()":
                value = (  # noqa: PLW2901  # as it is used from here on
                    name.lower() if kind == "enum.StrEnum" else last + 1 if isinstance(last, int) else Unknown()
                )  # as Python does
                if "Flag" in kind or "_generate_next_value_" in cls.slots:
                    value = Unknown()  # noqa: PLW2901  # as above
            last = value
            twin = next(
                (members[other] for other, old in values.items() if type(old) is type(value) and old == value), None
            )
            made = twin if isinstance(twin, Obj) else Obj(cls.stores, cls, self.born())
            if twin is None:
                made.slots |= {"value": value, "_value_": value, "name": name, "_name_": name}
                if cls.stores == "const":
                    made.slots[CONTENT] = value
            cls.slots[name] = made
            members[name] = made
            values[name] = value
        if not members:
            return
        own = isinstance(self.lookup(cls, "__init__"), Function) or isinstance(self.lookup(cls, "__new__"), Function)
        for key, member in members.items():
            init = self.lookup(cls, "__init__")
            if own and isinstance(init, Function) and isinstance(member, Obj):
                value = values[str(key)]
                self.call(Bound(init, member), Args(list(value) if isinstance(value, tuple) else [value]), self.here)
        unique = [
            member for place, member in enumerate(members.values()) if member not in list(members.values())[:place]
        ]
        cls.slots["@iter"] = Builtin("__iter__", lambda machine, _, __: machine.new("list", tuple(unique)))
        cls.slots["__members__"] = self.new_dict(members)
        cls.slots["__class_getitem__"] = Descriptor(
            "class", Builtin("member", lambda _, args, __: self._member(cls, members, args))
        )
        cls.slots["__new__"] = Builtin("enum", lambda _, args, __: self._by_value(cls, members, values, args))

    def _member(self, cls: Class, members: Mapping[Value, Value], args: Args) -> Value:
        name = args.pos[1]
        if isinstance(name, str) and name not in members:
            self.throw("KeyError", name)
        return members[name] if isinstance(name, str) else unknown_of(name, cls, *members.values())

    def _by_value(self, cls: Class, members: Mapping[Value, Value], values: Mapping[str, Value], args: Args) -> Value:
        wanted = args.pos[1] if len(args.pos) > 1 else Unknown()
        if wanted in members.values():
            return wanted
        if isinstance(wanted, bool | int | str | float) and not any(
            isinstance(value, Unknown) for value in values.values()
        ):
            found = next((members[name] for name, value in values.items() if value == wanted), MISSING)
            if not isinstance(found, Missing):
                return found
            if isinstance(self.lookup(cls, "_missing_"), Missing) and "Flag" not in str(cls.slots["@enum"]):
                self.throw("ValueError", "no member")
        self.may_raise()
        return unknown_of(wanted, *members.values())

    def _name_tuple(self, cls: Class) -> None:
        """Make a class with annotations a named tuple."""
        held = cls.slots.get("@annotations", ())
        names = [str(item[0]) for item in held if isinstance(item, tuple)] if isinstance(held, tuple) else []
        defaults = {name: cls.slots[name] for name in names if name in cls.slots}
        self.tuple_class(cls, names, defaults)

    def tuple_class(self, cls: Class, names: Sequence[str], defaults: Mapping[str, Value]) -> Class:
        """Give a class the constructor and the attributes of a named tuple."""
        for place, name in enumerate(names):
            cls.slots[name] = Descriptor("property", Builtin(name, partial(_item_at, place)))
        cls.slots["_fields"] = cls.slots["__match_args__"] = tuple(names)
        fields = [Field(name, defaults.get(name, MISSING)) for name in names]

        def make(machine: "Generated", args: Args, _: ast.AST) -> Value:
            made = Obj("const", args.pos[0] if isinstance(args.pos[0], Class) else cls, machine.born())
            values = machine.bound_fields(fields, replace(args, pos=args.pos[1:]))
            made.slots[CONTENT] = tuple(values.values())
            return made

        def changed(machine: "Generated", args: Args, _: ast.AST) -> Value:
            owner = args.pos[0]
            made = Obj("const", cls, machine.born())
            content = owner.slots.get(CONTENT) if isinstance(owner, Obj) else None
            if not isinstance(content, tuple) or args.more is not None:
                return unknown_of(*args.all)
            made.slots[CONTENT] = tuple(args.kw.get(name, value) for name, value in zip(names, content, strict=True))
            return made

        def as_dict(machine: "Generated", args: Args, _: ast.AST) -> Value:
            owner = args.pos[0]
            content = owner.slots.get(CONTENT) if isinstance(owner, Obj) else None
            return (
                machine.new_dict(dict(zip(names, content, strict=True)))
                if isinstance(content, tuple)
                else unknown_of(owner)
            )

        def from_items(machine: "Generated", args: Args, _: ast.AST) -> Value:
            items = machine.items(args.pos[1])
            return machine.instantiate(cls, Args(items), _) if items is not None else unknown_of(args.pos[1])

        if not isinstance(cls.slots.get("__new__"), Function):
            cls.slots["__new__"] = Builtin("namedtuple", make)
        cls.slots["_replace"] = Builtin("_replace", changed, method=True)
        cls.slots["_asdict"] = Builtin("_asdict", as_dict, method=True)
        cls.slots["_make"] = Descriptor("class", Builtin("_make", from_items))
        cls.stores = "const"
        return cls

    def bound_fields(self, fields: Sequence[Field], args: Args) -> dict[str, Value]:
        """The values of fields, by name, from the arguments of a constructor."""
        values: dict[str, Value] = {}
        given, keywords = list(args.pos), dict(args.kw)
        for item in fields:
            if not item.init:
                pass
            elif given and not item.keyword:
                values[item.name] = given.pop(0)
                continue
            elif item.name in keywords:
                values[item.name] = keywords.pop(item.name)
                continue
            elif not args.known:
                values[item.name] = replace(
                    unknown_of(*(part for part in (args.rest, args.more) if part), item.default), foreign=True
                )
                continue
            values[item.name] = self._default_of(item)
        if given or keywords:
            self.throw("TypeError", "arguments")
        return values

    def _default_of(self, item: Field) -> Value:
        if not isinstance(item.factory, Missing):
            return self.call(item.factory, Args(), self.here)
        if isinstance(item.default, Missing) and item.init:
            self.throw("TypeError", f"{item.name} is missing")
        return item.default

    def make_dataclass(self, cls: Value, options: Mapping[str, Value]) -> Value:
        """Make a class a dataclass."""
        if not isinstance(cls, Class):
            return cls
        fields: dict[str, Field] = {}
        for base in reversed(cls.mro[1:]):
            held = base.slots.get("@fields") if isinstance(base, Class) else None
            fields |= {item.name: item for item in held if isinstance(item, Field)} if isinstance(held, tuple) else {}
        keyword = options.get("kw_only") is True
        for item in self._own_fields(cls, keyword=keyword):
            fields[item.name] = item
        self.put(cls, "@fields", tuple(fields.values()))
        self.put(cls, "__dataclass_fields__", self.new_dict(dict.fromkeys(fields, Unknown())))
        self.put(cls, "__match_args__", tuple(name for name, item in fields.items() if item.init and not item.keyword))
        order = sorted(fields.values(), key=lambda item: item.keyword)
        if options.get("init", True) is True and "__init__" not in cls.slots:
            self.put(
                cls,
                "__init__",
                Builtin("dataclass", lambda _, args, node: self._fill_fields(cls, order, args, node), method=True),
            )
        if options.get("frozen") is True:
            self.put(
                cls,
                "__setattr__",
                Builtin("frozen", lambda machine, _, __: machine.throw("AttributeError", "frozen"), method=True),
            )
        return cls

    def _own_fields(self, cls: Class, *, keyword: bool) -> list[Field]:
        held = cls.slots.get("@annotations", ())
        found: list[Field] = []
        for item in held if isinstance(held, tuple) else ():
            name, text = (str(part) for part in item) if isinstance(item, tuple) else ("", "")
            if text.startswith(("ClassVar", "typing.ClassVar")):
                continue
            if "KW_ONLY" in text:
                keyword = True
                continue
            value = cls.slots.get(name, MISSING)
            if isinstance(value, Field):
                made = replace(value, name=name, keyword=value.keyword or keyword)
                self.put(cls, name, made.default)
            else:
                made = Field(name, value, keyword=keyword)
            found.append(replace(made, passed=text.startswith(("InitVar", "dataclasses.InitVar"))))
        return found

    def _fill_fields(self, cls: Class, fields: Sequence[Field], args: Args, node: ast.AST) -> Value:
        owner = args.pos[0]
        values = self.bound_fields(fields, replace(args, pos=args.pos[1:]))
        held = self.lookup(cls, "@fields")
        passed = (
            [item.name for item in held if isinstance(item, Field) and item.passed] if isinstance(held, tuple) else []
        )
        for name, value in values.items():
            if not isinstance(value, Missing) and name not in passed:
                self.set_plainly(owner, name, value)
                if name not in args.kw and isinstance(owner, Obj):
                    self.tainted.discard((id(owner), name))
        after = self.lookup(cls, "__post_init__")
        after = self.lookup(owner.cls, "__post_init__") if isinstance(owner, Obj) else after
        if not isinstance(after, Missing):
            self.call(self.bind(after, owner), Args([values.get(name, Unknown()) for name in passed]), node)
        return None


def _item_at(place: int, _: Generated, args: Args, __: ast.AST) -> Value:
    return _part(args.pos[0], place)


def _part(owner: Value, place: int) -> Value:
    content = owner.slots.get(CONTENT) if isinstance(owner, Obj) else owner
    if isinstance(content, tuple) and place < len(content):
        return content[place]
    return unknown_of(content)


def field_of(machine: Generated, args: Args, _: ast.AST) -> Value:
    """The value that `dataclasses.field` gives."""
    del machine
    keywords = args.kw
    return Field(
        "",
        keywords.get("default", MISSING),
        keywords.get("default_factory", MISSING),
        init=keywords.get("init") is not False,
        keyword=keywords.get("kw_only") is True,
    )


def dataclass_of(machine: Generated, args: Args, _: ast.AST) -> Value:
    """The value that `dataclass` gives, as a decorator or with options."""
    if args.pos and isinstance(args.pos[0], Class):
        return machine.make_dataclass(args.pos[0], args.kw)
    options = dict(args.kw)
    return Builtin(
        "dataclass", lambda _, inner, __: machine.make_dataclass(inner.pos[0], options) if inner.pos else Unknown()
    )


def named_tuple_of(machine: Generated, args: Args, node: ast.AST) -> Value:
    """The value that `namedtuple`, or `NamedTuple` as a function, gives."""
    name, spec = ([*args.pos, Unknown(), Unknown()])[:2]
    if isinstance(spec, str):
        names: list[Value] | None = list(spec.replace(",", " ").split())
    else:
        names = machine.items(spec)
    names = [item[0] if isinstance(item, tuple) and item else item for item in names] if names is not None else None
    if not isinstance(name, str) or names is None or not all(isinstance(item, str) for item in names):
        machine.may_raise()
        return Unknown()
    texts = [str(item) for item in names]
    given = machine.items(args.kw["defaults"]) if args.kw.get("defaults") is not None else []
    if given is None:
        return Unknown()
    cls = Class(name, (TYPES["tuple"],), machine.born())
    cls.mro = (cls, *TYPES["tuple"].mro)
    cls.bound = machine.module if not machine.native else None
    cls.slots["@node"] = node
    return machine.tuple_class(cls, texts, dict(zip(texts[len(texts) - len(given) :], given, strict=False)))
