"""`argparse`: the real parser, built from what the program declared, on arguments that the program names.

Without arguments of its own a program is taken to be called without any: what it then has are defaults, which the
command line can change.

Not here: the class that notes the declarations (`library_classes.table`).
"""

import argparse
import ast
from collections.abc import Mapping
from typing import Final, NoReturn

from lstmcalc.readers.python.builtin.constants import constant
from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of
from lstmcalc.readers.python.core.heap import Leave
from lstmcalc.readers.python.core.values import (
    CONTENT,
    MISSING,
    Args,
    Class,
    Items,
    Lib,
    Missing,
    Obj,
    Unknown,
    Value,
    is_constant,
    unknown_of,
)
from lstmcalc.readers.python.libraries.known import primitive
from lstmcalc.readers.python.libraries.libraries import Libraries

_REAL: Final = {"int": int, "float": float, "str": str}
_KEPT: Final = ("dest", "nargs", "const", "default", "type", "choices", "required", "action")
_ACTIONS: Final = (
    "store",
    "store_const",
    "store_true",
    "store_false",
    "append",
    "append_const",
    "count",
    "extend",
    "help",
    "version",
)
_MOST: Final = 2_000  # declarations


COMMAND_LINE: Final = "the command line"  # why the content of `sys.argv` is not known while the program leaves it alone


def is_command_line(content: Value) -> bool:
    """True for what the user gives the program, of which neither the number nor the texts are known."""
    return isinstance(content, Unknown) and content.why == COMMAND_LINE


class _UnclearError(Exception):
    """A declaration is not known."""


class _Parser(argparse.ArgumentParser):
    """A parser that neither prints nor ends the process."""

    def error(self, message: str) -> NoReturn:
        raise SystemExit(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise SystemExit(message or status)

    def print_help(self, file: object = None) -> None:
        """Print nothing."""


class _Reader:
    """Builds a real parser of what a program declared."""

    def __init__(self, machine: Libraries, node: ast.AST) -> None:
        self.machine = machine
        self.node = node
        self.unclear: set[str] = set()

    def parser(self, owner: Value) -> argparse.ArgumentParser:
        """The parser; _UnclearError if what was declared is not known."""
        steps = owner.slots.get("_steps") if isinstance(owner, Obj) else None
        items = self.machine.items(steps) if isinstance(steps, Obj) else None
        if items is None or len(items) > _MOST:
            raise _UnclearError
        made = _Parser(add_help=False, allow_abbrev=True)
        subs: object = None
        for step in items:
            parts = step if isinstance(step, tuple) else (None, None, None)
            kind, args, keywords = parts
            given = self.machine.items(args)
            content = content_of(keywords) if isinstance(keywords, Obj) else None
            if given is None or not isinstance(content, Items) or content.rest is not None:
                raise _UnclearError
            options = {str(key): value for key, value in content.map.items()}
            if kind == "add":
                self._add(made, given, options)
            elif kind == "defaults":
                made.set_defaults(**{key: Held(value) for key, value in options.items()})
            elif kind == "new":
                self._inherit(made, options)
            elif kind == "subs":
                dest = constant(options.get("dest", MISSING))
                subs = made.add_subparsers(dest=dest) if isinstance(dest, str) else made.add_subparsers()
            elif kind == "sub" and subs is not None:
                name, inner = given[0], self.parser(given[1])
                subs._name_parser_map[str(name)] = inner  # type: ignore[attr-defined]  # argparse has no other way to give one
        return made

    def _inherit(self, made: argparse.ArgumentParser, options: Mapping[str, Value]) -> None:
        if "argument_default" in options or "fromfile_prefix_chars" in options or "prefix_chars" in options:
            raise _UnclearError
        for parent in self.machine.items(options["parents"]) or [] if "parents" in options else []:
            inner = self.parser(parent)
            for action in inner._actions:  # as `parents` does
                made._add_action(action)  # as above
            made._defaults.update(inner._defaults)  # as above

    def _add(self, made: argparse.ArgumentParser, names: list[Value], options: Mapping[str, Value]) -> None:
        if not all(isinstance(name, str) for name in names):
            raise _UnclearError
        kept: dict[str, object] = {}
        for name, value in options.items():
            if name not in _KEPT:
                continue
            kept[name] = self._option(name, value)
        action = kept.get("action", "store")
        if action not in _ACTIONS and action is not argparse.BooleanOptionalAction:
            raise _UnclearError
        if action in ("help", "version"):
            return
        if action in ("store_true", "store_false", "count", "store_const", "append_const"):
            for name in ("type", "nargs", "choices"):
                kept.pop(name, None)
        if action in ("store_true", "store_false"):
            kept.pop("const", None)
        try:
            made.add_argument(*map(str, names), **kept)  # type: ignore[arg-type]  # as declared
        except (TypeError, ValueError, argparse.ArgumentError):
            raise _UnclearError from None

    def _option(self, name: str, value: Value) -> object:
        if name == "type":
            return self._type(value)
        if name in ("default", "const"):
            return value if isinstance(value, str) else Held(value)
        if name == "action" and isinstance(value, Lib) and value.path == "argparse.BooleanOptionalAction":
            return argparse.BooleanOptionalAction
        found = constant(value)
        if name == "choices":
            return (
                None
                if isinstance(found, Missing)
                else list(found)
                if isinstance(found, list | tuple | range | set)
                else None
            )
        if isinstance(found, Missing) or (name == "nargs" and isinstance(found, int) and found > _MOST):
            raise _UnclearError
        return found

    def _type(self, value: Value) -> object:
        if value is None:
            return None
        if isinstance(value, Class) and value.name in _REAL and TYPES.get(value.name) is value:
            return _REAL[value.name]

        def convert(text: str) -> object:
            try:
                return Held(self.machine.call(value, Args([text]), self.node))
            except Leave as leave:
                raise ValueError(text) from leave

        return convert


class Held:
    """A value of the machine, on its way through argparse."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        inner = other.value if isinstance(other, Held) else other
        return is_constant(self.value) and is_constant(inner) and bool(self.value == inner)

    def __add__(self, more: int) -> int:
        """The count with one more, as the action `count` asks for it."""
        if not isinstance(self.value, int | None):
            raise _UnclearError
        return (self.value or 0) + more

    def __copy__(self) -> "list[Held]":
        """The items of a list that is a default, as the action `append` asks for them."""
        content = content_of(self.value) if isinstance(self.value, Obj) and self.value.kind == "list" else None
        if self.value is not None and not isinstance(content, tuple):
            raise _UnclearError
        return [Held(item) for item in content] if isinstance(content, tuple) else []

    def __hash__(self) -> int:
        return hash(self.value) if is_constant(self.value) else id(self)


def _raised(machine: Libraries, value: object) -> Value:
    """A value of argparse's as one of the machine's."""
    if isinstance(value, Held):
        return value.value
    if isinstance(value, list):
        return machine.new_list(_raised(machine, item) for item in value)
    return value


@primitive("_parse")
def _parse(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """The namespace that `parse_args` gives."""
    owner, given, space, known = args.pos
    texts: object = None
    named = given is not None
    if given is None:
        argv = machine.attribute(Lib("sys"), "argv")
        held = argv.slots.get(CONTENT, MISSING) if isinstance(argv, Obj) else MISSING
        texts = list(held[1:]) if isinstance(held, tuple) else [] if is_command_line(held) else None
        named = isinstance(held, tuple)
    else:
        texts = constant(given)
    try:
        parser = _Reader(machine, node).parser(owner)
        if not isinstance(texts, list | tuple) or not all(isinstance(item, str) for item in texts):
            return unknown_of(given, owner)
        cls = machine.class_of_lib("argparse.Namespace")
        made = (
            space if isinstance(space, Obj) else Obj("object", cls if isinstance(cls, Class) else None, machine.born())
        )
        return _filled(
            machine,
            parser,
            [str(item) for item in texts],
            made,
            named=named,
            known=known is True,
            fresh=made is not space,
        )
    except (_UnclearError, RecursionError):
        machine.may_raise()
        return unknown_of(given, owner)


def _filled(
    machine: Libraries,
    parser: argparse.ArgumentParser,
    texts: list[str],
    made: Obj,
    *,
    named: bool,
    known: bool,
    fresh: bool,
) -> Value:
    """The namespace with its values; a setting that must be given and is not is unknown."""
    required: list[str] = []
    if not named:
        for action in list(parser._actions):  # argparse has no other way to ask
            if action.required:
                required.append(action.dest)
                parser._remove_action(action)  # as above
                action.required = False
    start = argparse.Namespace()
    if not fresh:
        for name, value in made.slots.items():
            if not name.startswith("@"):
                setattr(start, name, Held(value))
    try:
        space, _ = (
            parser.parse_known_args(texts, start) if known or not named else (parser.parse_args(texts, start), None)
        )
    except SystemExit:
        if named:
            machine.throw("SystemExit")
        raise _UnclearError from None
    if not isinstance(space, argparse.Namespace):
        raise _UnclearError
    for name, value in vars(space).items():
        machine.put(made, name, _raised(machine, value))
        if not named:
            machine.tainted.add((id(made), name))
    for name in required:
        machine.put(made, name, Unknown((name,)))
    return made
