"""The LSTMs that a program's runs construct: all its runs, where it asks something that it does not decide itself.

A program is executed here, in this process, over stand-ins for the libraries. What it asks the world (`flag()` of a
module that is not there, a file, a random number) is answered by a list of bits, and every list of bits is a run.
"""

import argparse
import ast
import builtins
import contextlib
import io
import sys
import traceback
import types
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cache, cached_property
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any, Final, NamedTuple

from tools.programs.torch_stand_in import Unwanted

Made = dict[str, Any]  # the settings of one LSTM
Libraries = Callable[["World"], tuple[dict[str, Any], Callable[[], list[Made]]]]

BITS: Final = 7  # further questions of a run are answered by no
TURNS: Final = 2000  # of all loops of a run together
TURN, EACH = "__turn__", "__each__"  # what counts them
FIELDS: Final = (
    "input_size",
    "hidden_size",
    "num_layers",
    "bias",
    "bidirectional",
    "proj_size",
    "batch_first",
    "dtype",
)


class Environment(dict[str, str]):
    """The variables of the environment, each of which is there or not."""

    def __init__(self, flag: Callable[[], bool]) -> None:
        super().__init__()
        self._flag = flag
        self._asked: set[str] = set()

    def _look(self, name: str) -> None:
        if name not in self._asked and not super().__contains__(name):
            self._asked.add(name)
            if self._flag():
                self[name] = "8"

    def __setitem__(self, name: str, value: str) -> None:
        self._asked.add(name)
        super().__setitem__(name, value)

    def __contains__(self, name: object) -> bool:
        self._look(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self._look(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401  # it is what is defined here

    def setdefault(self, name: str, default: str = "") -> str:
        if name not in self:
            self[name] = default
        return self[name]


class System:
    """`sys` as a program sees it, with a command line of one, two or three words."""

    exit = staticmethod(sys.exit)
    version_info, platform, maxsize = sys.version_info, sys.platform, sys.maxsize

    def __init__(self, flag: Callable[[], bool]) -> None:
        self._flag = flag
        self.path: list[str] = []
        self.stdout = self.stderr = io.StringIO()

    def setrecursionlimit(self, _: int) -> None:
        """Take the limit that there is."""

    @cached_property
    def argv(self) -> list[str]:
        found = ["program.py"]
        if self._flag():
            found += ["5", "7"] if self._flag() else ["5"]
        sys.argv = found  # which argparse reads
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "argv":
            sys.argv = value
        super().__setattr__(name, value)


class World:
    """The questions of a program that it does not decide itself, and what code that is not known does to it."""

    def __init__(self, bits: list[bool]) -> None:
        self.bits = bits
        self.asked = 0
        self.turns = 0
        self.touched: list[Any] = []

    def flag(self, *_: object, **__: object) -> bool:
        if self.asked == len(self.bits):
            self.bits.append(False)
        self.asked += 1
        return self.asked <= BITS and self.bits[self.asked - 1]

    def exists(self, path: str) -> bool:
        return self.flag(path)

    def risky(self) -> None:
        if self.flag():
            raise ValueError

    def number(self) -> int:
        return 3 if self.flag() else 7

    def call(self, function: Callable[..., Any], *values: Any) -> Any:
        """Call what was handed over once, twice or not at all."""
        results = [function(*values) for _ in range(2) if self.flag()]
        return results[0] if results else None

    def touch(self, *values: Any, **named: Any) -> None:
        """Change what was handed over, now or before, or leave it."""
        self.touched += [*values, *named.values()]
        if self.flag():
            for value in self.touched:
                _change(value)

    def modules(self) -> dict[str, Any]:
        """Modules as the program sees them."""
        random = SimpleNamespace(random=lambda: 0.25 if self.flag() else 0.75, seed=lambda _: None)
        environ = Environment(self.flag)
        system = SimpleNamespace(path=SimpleNamespace(exists=self.exists), environ=environ, getenv=environ.get)
        return {
            "outside": SimpleNamespace(
                flag=self.flag, touch=self.touch, risky=self.risky, number=self.number, call=self.call
            ),
            "os": system,
            "sys": System(self.flag),
            "random": random,
        }


def _change(value: Any) -> None:
    if isinstance(value, list):
        if value and isinstance(value[0], (list, dict)):
            _change(value[0])
        else:
            value.insert(0, 11)
    elif isinstance(value, dict):
        value["a"] = 11
    elif isinstance(value, types.FunctionType):
        _change(value())
    elif hasattr(value, "double"):  # a module of PyTorch
        value.double()
    elif not isinstance(value, (int, tuple, str)) and not callable(value):
        with contextlib.suppress(Exception):
            value.a = 11


@cache
def _compiled(name: str) -> tuple[CodeType, str]:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return compile(Path(spec.origin).read_text(encoding="utf-8"), spec.origin, "exec"), spec.origin


def fresh(name: str) -> ModuleType:
    """A module that no other run has seen: a program may change its classes."""
    code, origin = _compiled(name)
    module = ModuleType(name)
    module.__file__ = origin
    exec(code, module.__dict__)
    return module


def torch_alone(world: World) -> tuple[dict[str, Any], Callable[[], list[Made]]]:
    """Stand-ins for PyTorch, and what gives the LSTMs that were made with them."""
    stand_in: Any = fresh("tools.programs.torch_stand_in")
    stand_in.Unwanted = Unwanted
    torch, nn = ModuleType("torch"), ModuleType("torch.nn")
    for module, names in ((torch, stand_in.torch_names), (nn, stand_in.nn_names)):
        vars(module).update((name, getattr(stand_in, name)) for name in names)
    vars(torch).update(nn=nn, cuda=SimpleNamespace(is_available=world.flag))
    return {"torch": torch, "torch.nn": nn}, lambda: [stand_in.record(layer) for layer in stand_in.MADE]


class _Bounded(ast.NodeTransformer):
    """Loops that end. An exception would not do: `finally: continue` stops it."""

    def visit_While(self, node: ast.While) -> ast.While:
        self.generic_visit(node)
        node.test = ast.BoolOp(ast.And(), [ast.Call(ast.Name(TURN, ast.Load()), [], []), node.test])
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        node.iter = ast.Call(ast.Name(EACH, ast.Load()), [node.iter], [])
        return node


def compiled(source: str) -> CodeType:
    """A program whose loops are counted."""
    with warnings.catch_warnings(action="ignore", category=SyntaxWarning):  # `3 is None`
        tree = ast.fix_missing_locations(_Bounded().visit(ast.parse(source)))
        return compile(tree, "program.py", "exec", dont_inherit=True)


def keras_alone(world: World) -> tuple[dict[str, Any], Callable[[], list[Made]]]:
    """Stand-ins for Keras, and for PyTorch beside it."""
    torch, _ = torch_alone(world)
    keras: Any = fresh("tools.programs.keras_stand_in")
    keras.Unwanted = Unwanted
    names = vars(keras)
    layers, ops, models = ModuleType("keras.layers"), ModuleType("keras.ops"), ModuleType("keras.models")
    layers.__dict__.update({name: names[name] for name in [*keras.layer_names, "Input", "concatenate", "add"]})
    ops.__dict__.update(zeros=keras.zeros, ones=keras.zeros, concatenate=keras.concatenate)
    models.__dict__.update(Sequential=keras.Sequential, Model=keras.Model)
    keras.layers, keras.ops, keras.models = layers, ops, models
    modules = {"keras": keras, "keras.layers": layers, "keras.ops": ops, "keras.models": models}
    return torch | modules, lambda: [keras.record(cell) for cell in keras.MADE]


class Run(NamedTuple):
    """The outcome of one run."""

    made: list[Made] | None  # none if it ended in an exception
    bits: list[bool]  # as far as they were asked for
    left: bool  # it ended early, by SystemExit


def run(code: CodeType, bits: list[bool], libraries: Libraries, wanted: str = "") -> Run:
    """Execute a program with these answers, and then what is wanted of it."""
    world = World(list(bits))
    modules, made = libraries(world)
    modules |= world.modules()

    def load(name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name == "absent" and world.flag():
            raise ImportError(name)
        if name == "argparse" and name not in modules:
            modules[name] = fresh(name)
        if name.partition(".")[0] in modules:
            return modules[name if fromlist else name.partition(".")[0]]
        return __import__(name, globals_, locals_, fromlist, level)

    def turn() -> bool:
        world.turns += 1
        return world.turns <= TURNS

    own = {"__import__": load, TURN: turn, EACH: lambda values: takewhile(lambda _: turn(), values)}
    space = {"__name__": "__main__", "__builtins__": {**vars(builtins), **own}}
    arguments = sys.argv
    sys.argv = ["program.py"]
    ended: BaseException | None = None
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            exec(code, space)
            if wanted:
                exec(wanted, space)
    except (Exception, SystemExit) as error:  # noqa: BLE001
        ended = error
    finally:
        sys.argv = arguments
    if world.turns > TURNS:
        raise Unwanted("too long")
    left = isinstance(ended, SystemExit) and not _refused(ended)
    return Run(made() if ended is None or left else None, world.bits[: min(world.asked, BITS)], left)


def _refused(ended: SystemExit) -> bool:
    """True if argparse has refused the command line: that is a fault of who runs the program, like an exception."""
    frames = [frame for frame, _ in traceback.walk_tb(ended.__traceback__)]
    return frames[-1].f_globals.get("__name__") == argparse.__name__ if frames else False


def _wanted(source: str) -> str:
    """The call that shows what a program is for that others import: its last line, a text."""
    last = ast.parse(source).body[-1:]
    if (
        last
        and isinstance(last[0], ast.Expr)
        and isinstance(last[0].value, ast.Constant)
        and isinstance(last[0].value.value, str)
    ):
        return last[0].value.value
    return ""


def runs(source: str, libraries: Libraries = torch_alone) -> list[list[Made]]:
    """The LSTMs of each run that does not end in an exception; none of a program that is not wanted.

    A run that leaves by SystemExit says nothing if others go on to the end.
    """
    try:
        code = compiled(source)
    except SyntaxError:
        return []
    waiting: list[list[bool]] = [[]]
    done: dict[bool, list[list[Made]]] = {True: [], False: []}
    while waiting:
        bits = waiting.pop()
        try:
            ended = run(code, bits, libraries, _wanted(source))
        except (Unwanted, RecursionError, MemoryError):
            return []
        waiting += [[*ended.bits[:at], True] for at in range(len(bits), len(ended.bits))]
        if ended.made is not None and ended.made not in done[ended.left]:
            done[ended.left].append(ended.made)
    return done[False] or done[True]


def key(made: Made) -> tuple[Any, ...]:
    return tuple(made.get(field) for field in FIELDS)


def counted(made: list[Made]) -> "Counter[tuple[Any, ...]]":
    return Counter(map(key, made))
