"""All that the parts of the machine ask of each other, in one place: each is done by one of them, which its page tells.

The parts are classes, one above the other, so that each sees all state and every method has one place. What a part
asks of one above it is declared here: evaluating (`expressions` and those below), running statements (`statements`,
`loops`, `blocks`), attributes (`classes`, `attributes`), calls (`calls`), going through things (`iterators`), libraries
(`libraries.libraries` and those above), LSTMs (`layers.records`), and what the user has set (`layers.settings`). A
program can be made only if each has its part.
"""

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lstmcalc.readers.python.core.heap import Heap
from lstmcalc.readers.python.core.values import Args, Items, Lib, Obj, Scope, Unknown, Value

if TYPE_CHECKING:
    from lstmcalc.readers.python.core.machine import Builtin, Function


class Parts(Heap, ABC):
    """The state, and what can be asked of the parts that work on it."""

    @abstractmethod
    def evaluate(self, node: ast.expr, scope: Scope) -> Value:
        """The value of an expression."""

    @abstractmethod
    def call(self, function: Value, args: Args, node: ast.AST) -> Value:
        """The value that a call gives."""

    @abstractmethod
    def attribute(self, owner: Value, name: str) -> Value:
        """The attribute of a value."""

    @abstractmethod
    def subscript(self, owner: Value, index: Value) -> Value:
        """The item of a value."""

    @abstractmethod
    def updated(self, items: Items, other: Value) -> Items:
        """A dictionary's content with that of a mapping."""

    @abstractmethod
    def set_attribute(self, owner: Value, name: str, value: Value) -> None:
        """Set or, with MISSING, delete an attribute."""

    @abstractmethod
    def vars_of(self, owner: Obj) -> Obj:
        """The dictionary of a thing's attributes, which changes with it."""

    @abstractmethod
    def execute(self, body: Sequence[ast.stmt], scope: Scope) -> None:
        """Run statements."""

    @abstractmethod
    def lib_attribute(self, owner: Lib, name: str) -> Value:
        """The attribute of a name in a library."""

    @abstractmethod
    def call_lib(self, function: Lib, args: Args, node: ast.AST) -> Value:
        """The value that a call of a library's function gives."""

    @abstractmethod
    def run_generator(self, function: "Function", scope: Scope) -> Value:
        """All that a generator yields."""

    @abstractmethod
    def perhaps_lstm(self, function: Unknown, args: Args, node: ast.AST) -> None:
        """Note a call of something that may construct an LSTM."""

    @abstractmethod
    def doubt_all(self, why: str) -> None:
        """Say that there may be more LSTMs than those that are found."""

    @abstractmethod
    def setting(self, node: ast.expr, scope: Scope) -> Value:
        """The value that the user gave for the text of an expression; MISSING if none."""

    @abstractmethod
    def given_for(self, name: str) -> Value:
        """The value that the user gave for a name; MISSING if none."""

    @abstractmethod
    def unbound(self, name: str) -> Value:
        """The value of a name that no code binds: a builtin, or unknown."""

    @abstractmethod
    def assign(self, target: ast.expr, value: Value, scope: Scope) -> None:
        """Assign to a target."""

    @abstractmethod
    def items(self, value: Value) -> list[Value] | None:
        """All items of something that can be iterated, at once; None if they are not known."""

    @abstractmethod
    def live_items(self, value: Value) -> Iterator[Value] | None:
        """The items of something that can be iterated, one after the other; None if they are not known."""

    @abstractmethod
    def fill(self, value: Obj, *, at_once: bool = False, whole: bool = False) -> None:
        """Run the code that makes an iterator's items."""

    @abstractmethod
    def set_of_unknown(self, owner: Unknown, index: Value, value: Value) -> None:
        """Set an item of something that is not known: of any list or dictionary that it may be."""

    @abstractmethod
    def imported(self, name: str) -> Value:
        """A module."""

    @abstractmethod
    def from_module(self, module: Value, name: str) -> Value:
        """The value that is imported from a module."""

    @abstractmethod
    def import_all(self, module: Value, scope: Scope) -> None:
        """Bind everything that a module has."""

    @abstractmethod
    def open_record(self, thing: Obj) -> None:
        """Say that the arguments of an LSTM are not known."""

    @abstractmethod
    def is_instance(self, value: Value, kind: Value) -> bool | None:
        """True if a value is an instance of a class; None if that is not known."""

    @abstractmethod
    def lib_class_like(self, path: str) -> bool:
        """True if a full name is that of a class of a library that is known."""

    @abstractmethod
    def usual_attribute(self, path: str) -> Value:
        """The attribute of a module that a text without imports most probably means."""

    @abstractmethod
    def lib_value(self, path: str) -> Value:
        """The value of a name in a library that is no function and no class of the tables."""

    @abstractmethod
    def lib_result(self, path: str, args: Args, node: ast.AST) -> Value:
        """The value that a call gives by rules for many functions; MISSING if none fits."""

    @abstractmethod
    def class_of_lib(self, path: str) -> Value:
        """The class of a library by its path, if it is written down here."""

    @abstractmethod
    def usual_class(self, base: "Builtin") -> Value:
        """The class that a text without imports most probably means by a name that it is given as a base."""
