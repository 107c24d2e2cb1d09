"""What the standard library runs: text that is timed or profiled, and functions at the end of the program.

Not here: text that a call runs (`builtin.texts`), and the classes of timers and profiles (`library_classes.running`).
"""

import ast

from lstmcalc.readers.python.builtin.texts import code_of, own_code
from lstmcalc.readers.python.core.classes_of_python import content_of, plain
from lstmcalc.readers.python.core.operators import MAX_ITEMS
from lstmcalc.readers.python.core.values import Args, Items, Obj, Scope, Unknown, Value
from lstmcalc.readers.python.libraries.known import lib_function, primitive
from lstmcalc.readers.python.libraries.libraries import Libraries

_TIMED = """
def inner(_number):
    pass
    for _i in range(_number):
        pass
"""


@primitive("_timed")
def _timed(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """Run a text once, and another a number of times, in one function, as `timeit.template` does (Python 3.11)."""
    setup, text, number, names = args.pos
    before, after = plain(setup), plain(text)
    module = _module_of(machine, names)
    whole = isinstance(before, str) and isinstance(after, str) and len(before) + len(after) <= MAX_ITEMS
    if module is None or not whole:
        machine.forget()
        return None
    site = machine.site or node
    made = ast.parse(_TIMED).body[0]
    if isinstance(made, ast.FunctionDef) and isinstance(made.body[1], ast.For):
        made.body[0:1] = code_of(machine, str(before), site)
        made.body[-1].body = code_of(machine, str(after), site)  # type: ignore[attr-defined]  # it is the loop
    with own_code(machine):
        function = machine.make_function(made, module)  # type: ignore[arg-type]  # it is a function's definition
        return machine.call(function, Args([number]), site)


def _module_of(machine: Libraries, names: Value) -> Scope | None:
    """The module whose names text sees that is given a dictionary; None if they are not known."""
    if isinstance(names, Obj) and names.slots.get("@of") is machine.module:
        return machine.module
    content = Items({}) if names is None else content_of(names) if isinstance(names, Obj) else None
    if not isinstance(content, Items) or not content.whole:
        return None
    module = Scope("module", None, machine.born())
    module.slots |= {str(name): value for name, value in content.map.items()}
    return module


@primitive("_run_as_main")
def _run_as_main(machine: Libraries, args: Args, node: ast.AST) -> Value:
    """Run a text with the names of the module."""
    text = plain(args.pos[0])
    if not isinstance(text, str) or len(text) > MAX_ITEMS:
        machine.forget()
        return None
    with own_code(machine):
        machine.execute(code_of(machine, text, machine.site or node), machine.module)
    return None


@lib_function("atexit.register")
def _at_the_end(machine: Libraries, args: Args, _: ast.AST) -> Value:
    """Run a function when the program ends; it is returned."""
    machine.unknown_call("atexit.register()", args, lib=True)
    return args.pos[0] if args.pos else Unknown()
