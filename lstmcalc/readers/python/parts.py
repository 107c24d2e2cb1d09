"""All that the parts of the machine ask of each other, in one place: each is done by one of them, which its page tells.

The parts are classes, one above the other, so that each sees all state and every method has one place. What a part
asks of one above it is declared here: evaluating (`expressions` and those below), running statements (`statements`,
`loops`, `blocks`), attributes (`classes`), calls (`calls`), going through things (`iterators`), libraries (`libraries`
and those above), LSTMs (`records`), and what the user has set (`program`).
"""

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lstmcalc.readers.python.heap import Heap
from lstmcalc.readers.python.values import Args, Items, Lib, Obj, Scope, Unknown, Value

if TYPE_CHECKING:
    from lstmcalc.readers.python.machine import Function


class Parts(Heap):
    """The state, and what can be asked of the parts that work on it."""

    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """The value of an expression."""
        raise NotImplementedError

    def call(self, function: Value, args: Args, node: ast.AST) -> Value:
        """The value that a call gives."""
        raise NotImplementedError

    def attribute(self, owner: Value, name: str) -> Value:
        """The attribute of a value."""
        raise NotImplementedError

    def subscript(self, owner: Value, index: Value) -> Value:
        """The item of a value."""
        raise NotImplementedError

    def updated(self, items: Items, other: Value) -> Items:
        """A dictionary's content with that of a mapping."""
        raise NotImplementedError

    def set_attribute(self, owner: Value, name: str, value: Value) -> None:
        """Set or, with MISSING, delete an attribute."""
        raise NotImplementedError

    def execute(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Run statements."""
        raise NotImplementedError

    def lib_attribute(self, owner: Lib, name: str) -> Value:
        """The attribute of a name in a library."""
        raise NotImplementedError

    def call_lib(self, function: Lib, args: Args, node: ast.AST) -> Value:
        """The value that a call of a library's function gives."""
        raise NotImplementedError

    def run_generator(self, function: "Function", scope: Scope) -> Value:
        """All that a generator yields."""
        raise NotImplementedError

    def perhaps_lstm(self, function: Unknown, args: Args, node: ast.AST) -> None:
        """Note a call of something that may construct an LSTM."""
        raise NotImplementedError

    def doubt_all(self, why: str) -> None:
        """Say that there may be more LSTMs than those that are found."""
        raise NotImplementedError

    def setting(self, node: ast.expr, scope: Scope) -> Value:
        """The value that the user gave for the text of an expression; MISSING if none."""
        raise NotImplementedError

    def unbound(self, name: str) -> Value:
        """The value of a name that no code binds: a builtin, or unknown."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Assign to a target."""
        raise NotImplementedError

    def items(self, value: Value) -> list[Value] | None:
        """All items of something that can be iterated, at once; None if they are not known."""
        raise NotImplementedError

    def live_items(self, value: Value) -> Iterator[Value] | None:
        """The items of something that can be iterated, one after the other; None if they are not known."""
        raise NotImplementedError

    def fill(self, value: Obj, *, at_once: bool = False, whole: bool = False) -> None:
        """Run the code that makes an iterator's items."""
        raise NotImplementedError

    def set_of_unknown(self, owner: Unknown, index: Value, value: Value) -> None:
        """Set an item of something that is not known: of any list or dictionary that it may be."""
        raise NotImplementedError

    def imported(self, name: str) -> Value:
        """A module."""
        raise NotImplementedError

    def from_module(self, module: Value, name: str) -> Value:
        """The value that is imported from a module."""
        raise NotImplementedError

    def import_all(self, module: Value, scope: Scope) -> None:
        """Bind everything that a module has."""
        raise NotImplementedError

    def open_record(self, thing: Obj) -> None:
        """Say that the arguments of an LSTM are not known."""
        raise NotImplementedError

    def is_instance(self, value: Value, kind: Value) -> bool | None:
        """True if a value is an instance of a class; None if that is not known."""
        raise NotImplementedError

    def lib_class_like(self, path: str) -> bool:
        """True if a full name is that of a class of a library that is known."""
        raise NotImplementedError

    def usual_attribute(self, path: str) -> Value:
        """The attribute of a module that a text without imports most probably means."""
        raise NotImplementedError

    def lib_value(self, path: str) -> Value:
        """The value of a name in a library that is no function and no class of the tables."""
        raise NotImplementedError

    def lib_result(self, path: str, args: Args, node: ast.AST) -> Value:
        """The value that a call gives by rules for many functions; MISSING if none fits."""
        raise NotImplementedError

    def class_of_lib(self, path: str) -> Value:
        """The class of a library by its path, if it is written down here."""
        raise NotImplementedError
