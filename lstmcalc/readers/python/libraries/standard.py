"""Functions of Python's standard library, and of NumPy without arrays: those without effects are run on what is known.

Not here: copies (`standard_copies`), texts (`standard_texts`), functions of functions (`standard_functions`), iterators
(`standard_iterators`), and the classes (`library_classes.table`).
"""

import ast
import math
import string
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from lstmcalc.readers.python.builtin.constants import run_pure
from lstmcalc.readers.python.core.classes_of_python import TYPES, content_of, plain
from lstmcalc.readers.python.core.generated import dataclass_of, field_of, named_tuple_of
from lstmcalc.readers.python.core.machine import Function
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
    unknown_of,
)
from lstmcalc.readers.python.libraries.command_line import COMMAND_LINE, is_command_line
from lstmcalc.readers.python.libraries.known import LIB_FUNCTIONS, lib_function, primitive
from lstmcalc.readers.python.libraries.libraries import Libraries

_BOUNDED: Final = (
    "ceil",
    "floor",
    "sqrt",
    "log",
    "log2",
    "log10",
    "exp",
    "isqrt",
    "gcd",
    "lcm",
    "prod",
    "trunc",
    "fabs",
    "fmod",
    "isclose",
    "isnan",
    "isinf",
    "isfinite",
    "sin",
    "cos",
    "tan",
    "hypot",
    "copysign",
    "modf",
)
_OPERATORS: Final[Mapping[str, ast.operator]] = {
    "add": ast.Add(),
    "sub": ast.Sub(),
    "mul": ast.Mult(),
    "truediv": ast.Div(),
    "floordiv": ast.FloorDiv(),
    "mod": ast.Mod(),
    "pow": ast.Pow(),
    "or_": ast.BitOr(),
    "and_": ast.BitAnd(),
    "concat": ast.Add(),
    "iadd": ast.Add(),
}
_VALUES: Final[Mapping[str, Value]] = {
    "math.pi": math.pi,
    "math.e": math.e,
    "math.inf": math.inf,
    "math.tau": math.tau,
    "numpy.pi": math.pi,
    "numpy.e": math.e,
    "numpy.newaxis": None,
    "typing.TYPE_CHECKING": False,
    "string.ascii_lowercase": string.ascii_lowercase,
    "string.ascii_uppercase": string.ascii_uppercase,
    "string.ascii_letters": string.ascii_letters,
    "string.digits": string.digits,
    "string.punctuation": string.punctuation,
    "string.printable": string.printable,
    "string.whitespace": string.whitespace,
    "argparse.SUPPRESS": "==SUPPRESS==",
    "argparse.REMAINDER": "...",
    "argparse.OPTIONAL": "?",
    "argparse.ZERO_OR_MORE": "*",
    "argparse.ONE_OR_MORE": "+",
}


def _on_numbers(run: Callable[..., object], machine: Libraries, args: Args, _: ast.AST) -> Value:
    return run_pure(machine, run, args)


for _name in _BOUNDED:
    LIB_FUNCTIONS[f"math.{_name}"] = partial(_on_numbers, getattr(math, _name))
for _name, _op in _OPERATORS.items():
    LIB_FUNCTIONS[f"operator.{_name}"] = lambda machine, args, _, op=_op: machine.operate(op, *args.pos[:2])  # type: ignore[misc]  # as above


class Standard(Libraries):
    """Knows Python's standard library."""

    def lib_value(self, path: str) -> Value:
        """The value of a name in a library that is no function and no class of the tables."""
        if path in _VALUES:
            return _VALUES[path]
        if path in ("os.environ", "sys.argv", "sys.modules", "sys.path"):
            return self._global(path)
        if path in ("absl.flags.FLAGS", "tensorflow.app.flags.FLAGS", "tensorflow.flags.FLAGS"):
            return self.flags_of_absl()
        if path.startswith("builtins."):
            return self.unbound(path.partition(".")[2])
        return Lib(path)

    def flags_of_absl(self) -> Obj:
        """The flags that `absl.flags` holds: those that were not defined here are not known."""
        found = self.world.slots.get("global:flags")
        if isinstance(found, Obj):
            return found
        cls = self.class_of_lib("types.SimpleNamespace")
        made = Obj("object", cls if isinstance(cls, Class) else None, 0)
        made.slots["@changed"] = True
        self.put(self.world, "global:flags", made)
        return made

    def _global(self, path: str) -> Value:
        """A thing of a module that programs read and change."""
        slot = f"global:{path}"
        found = self.world.slots.get(slot)
        if found is not None:
            return found
        unknown = Unknown((path,), absent=True)
        if path == "sys.argv":
            argv = self.class_of_lib("sys.Argv")
            made = Obj("list", argv if isinstance(argv, Class) else TYPES["list"], 0)
            made.slots[CONTENT] = Unknown(("sys.argv",), why=COMMAND_LINE)
        elif path == "sys.modules":
            made = Obj("dict", TYPES["dict"], 0)
            made.slots[CONTENT] = Items({"__main__": self.module}, unknown)
        elif path == "os.environ":
            environ = self.class_of_lib("os.Environ")
            made = Obj("dict", environ if isinstance(environ, Class) else TYPES["dict"], 0)
            made.slots[CONTENT] = Items({}, unknown)
        else:
            made = Obj("list", TYPES["list"], 0)
            made.slots[CONTENT] = Unknown()
        self.put(self.world, slot, made)
        return made


def _define(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """A holder of the flag that is defined; its default is what the command line can change."""
    name = plain(args.pos[0] if args.pos else args.kw.get("name"))
    default = args.pos[1] if len(args.pos) > 1 else args.kw.get("default", args.kw.get("default_value", Unknown()))
    if isinstance(name, str) and isinstance(machine, Standard):
        held = machine.flags_of_absl()
        value = Unknown((f"FLAGS.{name}",)) if isinstance(default, Unknown | type(None)) else default
        machine.put(held, name, value)
        machine.tainted.add((id(held), name))
        return machine.call(machine.class_of_lib("sys.FlagHolder"), Args([held, name, default]), node)
    return Unknown()


for _kind in ("integer", "string", "float", "boolean", "bool", "enum", "list", "multi_integer"):
    for _home in ("absl.flags", "tensorflow.app.flags", "tensorflow.flags"):
        LIB_FUNCTIONS[f"{_home}.DEFINE_{_kind}"] = _define


@primitive("_unknown")
def _unknown(_: Libraries, __: Args, ___: ast.AST) -> Value:
    return Unknown()


@primitive("_is_command_line")
def _is_command_line(_: Libraries, args: Args, __: ast.AST) -> Value:
    return isinstance(args.pos[0], Obj) and is_command_line(args.pos[0].slots.get(CONTENT, MISSING))


@primitive("_named_unknown")
def _named_unknown(machine: Libraries, args: Args, _: ast.AST) -> Value:
    machine.may_raise()
    return machine.unknown(str(args.pos[0]), foreign=False)


@primitive("_is_open_key")
def _is_open_key(_: Libraries, args: Args, __: ast.AST) -> Value:
    """True for a key that may be in a dictionary whose keys are not all known, and that the program has not set."""
    content = content_of(args.pos[0]) if isinstance(args.pos[0], Obj) else None
    key = plain(args.pos[1])
    return isinstance(content, Items) and content.rest is not None and isinstance(key, str) and key not in content.map


@primitive("_of_environment")
def _of_environment(machine: Libraries, args: Args, _: ast.AST) -> Value:
    """A variable of the environment: text, as the user has set it."""
    name = f"os.environ.{plain(args.pos[0])}"
    given = machine.given_for(name)
    if isinstance(given, Missing):
        return machine.unknown(name, foreign=False)
    return str(given)


# What the others do.


@lib_function("os.getenv", "os.environ.get")
def _getenv(machine: Libraries, args: Args, node: ast.AST) -> Value:
    return machine.call(machine.attribute(machine.attribute(Lib("os"), "environ"), "get"), args, node)


@lib_function("sys.exit", "os._exit", "os.abort")
def _exit(machine: Libraries, _: Args, __: ast.AST) -> Value:
    machine.throw("SystemExit")


@lib_function("importlib.import_module")
def _import_module(machine: Libraries, args: Args, _: ast.AST) -> Value:
    name = plain(args.pos[0]) if args.pos else None
    return (
        machine.imported(name)
        if isinstance(name, str) and len(args.pos) == 1
        else machine.unknown_call("import_module()", args)
    )


@lib_function("enum.auto")
def _auto(_: Libraries, __: Args, ___: ast.AST) -> Value:
    return Lib("enum.auto()")


@lib_function("absl.app.run", "typer.run", "tensorflow.app.run")
def _app(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """Run a program's function, and leave."""
    _started(machine, args, node)
    machine.throw("SystemExit")


@lib_function("fire.Fire")
def _started(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """A program's function, which the command line may give arguments."""
    function = args.pos[0] if args.pos else machine.module.slots.get("main", Unknown())
    if isinstance(function, Function):
        required = len(function.node.args.args) - len(function.defaults)
        return machine.call(
            function, Args([Unknown((item.arg,), foreign=True) for item in function.node.args.args[:required]]), node
        )
    machine.run_handed([function])
    return Unknown()


LIB_FUNCTIONS["dataclasses.dataclass"] = LIB_FUNCTIONS["pydantic.dataclasses.dataclass"] = dataclass_of
LIB_FUNCTIONS["dataclasses.field"] = LIB_FUNCTIONS["flax.struct.field"] = field_of
LIB_FUNCTIONS["collections.namedtuple"] = LIB_FUNCTIONS["typing.NamedTuple"] = named_tuple_of


@primitive("_after")
def _after(machine: Libraries, args: Args, _: ast.AST) -> Value:
    machine.may_raise()
    return unknown_of(*args.all)
