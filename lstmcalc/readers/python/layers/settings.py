"""The values that the user gave for names of a program, in place of what the program gives them.

Not here: the program that is run with them (`program`).
"""

import ast
from collections.abc import Mapping

from lstmcalc.readers.python.builtin.constants import lifted
from lstmcalc.readers.python.core.values import MISSING, Lib, Missing, Obj, Scope, Value
from lstmcalc.readers.python.layers.cells import Cells


class Settings(Cells):
    """Knows what the user has set."""

    def __init__(self, settings: Mapping[str, Value], asked: dict[str, None]) -> None:
        super().__init__(settings, asked)
        self.given: dict[str, Value] = dict(settings)  # by name
        self.used: set[str] = set()  # the names that the program has
        self.flags: set[str] = set()  # those of which the value was taken

    def setting(self, node: ast.expr, scope: Scope) -> Value:
        """The value that the user gave for the text of an expression; MISSING if none."""
        text = self.text_of(node)
        if text not in self.given or (isinstance(node, ast.Name) and self._holds_object(node.id, scope)):
            return MISSING
        self.used.add(text)
        self.asked.setdefault(text)
        value = self.given[text]
        if isinstance(value, str) and "." in value and value.replace(".", "").replace("_", "").isalnum():
            head = self.load(value.partition(".")[0], scope)
            if isinstance(head, Lib) or (isinstance(head, Missing) and value.partition(".")[0] == "nn"):
                return self.evaluate(ast.parse(value, mode="eval").body, scope)
        self.flags.add(text)
        return lifted(self, value)

    def given_for(self, name: str) -> Value:
        """The value that the user gave for a name; MISSING if none."""
        if name in self.given:
            self.used.add(name)
            self.flags.add(name)
            self.asked.setdefault(name)
        return self.given.get(name, MISSING)

    def _holds_object(self, name: str, scope: Scope) -> bool:
        """True if a name holds an object that was made, a model: no variable whose value would be given as a text."""
        at: Scope | None = scope
        while at is not None:
            if name in at.slots:
                found = at.slots[name]
                return isinstance(found, Obj) and found.kind == "object"
            at = at.outer
        return False
