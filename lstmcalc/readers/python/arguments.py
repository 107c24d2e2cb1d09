"""The arguments of a construction in code, by name: by position, by name, unpacked, and bound before by `partial`.

Not here: what they mean (`frameworks.constructors`), and what their expressions stand for (`evaluate`).
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from lstmcalc.errors import SourceError, nearest_hint, shorten
from lstmcalc.frameworks.constructors import Constructor, Given, Symbol
from lstmcalc.readers.python.evaluate import Program, show
from lstmcalc.readers.python.spellings import HOMES, LIFTS, spelled
from lstmcalc.readers.text.source_text import SourceText, Span
from lstmcalc.spec.provenance import Gap


class ArgumentReader:
    """Reads the arguments of constructions.

    Args:
        source: The text of the code, to point into.
        program: The code.
    """

    def __init__(self, source: SourceText, program: Program) -> None:
        self._source = source
        self._program = program

    def read(self, call: ast.Call, constructor: Constructor) -> dict[str, Given]:
        """The arguments of a construction by name.

        Raises:
            SourceError: There are too many, one is unknown, or one is given twice.
        """
        shown = show(call.func)
        made = self._partial(call)
        given = (
            {item.arg: self._given(item.value) for item in made.keywords if item.arg in constructor.arguments}
            if made
            else {}
        )
        before = made.args[1:] if made else []
        placed = set()
        for name, value in self._placed([*before, *_own(call)], constructor, shown):
            placed.add(name)
            given[name] = value
        for name, node, value in self._keywords(call):
            if name not in constructor.arguments:
                raise self._unknown(name, node, shown, constructor)
            if name in placed:
                raise self._source.error(
                    span_of(self._source, node), f"argument {name} of {shown} is given twice", expected="it once"
                )
            given[name] = value
        activation = given.get("activation")
        if activation and isinstance(activation.value, int) and not isinstance(activation.value, bool):
            raise self._source.error(
                span_of(self._source, call),
                f"activation of {shown} cannot be a number",
                expected="a function, as 'tanh'",
                found=str(activation.value),
                hint="before Keras 1 it was LSTM(input_dim, output_dim): give --input and --hidden instead",
            )
        return given

    def _partial(self, call: ast.Call) -> ast.Call | None:
        """The call of `functools.partial` that has given some arguments already."""
        made = lift_of(self._program, call.func)
        return made if made is not None and "functools.partial" in self._program.full_names(made.func) else None

    def _placed(self, nodes: Sequence[ast.expr], constructor: Constructor, shown: str) -> Iterator[tuple[str, Given]]:
        """Arguments by position, with their names."""
        names = constructor.positional
        for position, (node, value) in enumerate(self._expanded(nodes)):
            if position >= len(names):
                raise self._source.error(
                    span_of(self._source, node),
                    f"too many arguments of {shown}",
                    expected=f"at most {len(names)} without a name: {', '.join(names)}",
                    found=str(len(nodes)),
                )
            yield names[position], value

    def _unknown(self, name: str, node: ast.AST, shown: str, constructor: Constructor) -> SourceError:
        parent = self._program.parents.get(node, node)
        place = parent if isinstance(parent, ast.keyword) else node
        return self._source.error(
            span_of(self._source, place),
            f"unknown argument {shorten(name)[1:-1]} of {shown}",
            expected=f"one of {', '.join(constructor.arguments)}",
            hint=nearest_hint(name, constructor.arguments),
        )

    def _expanded(self, nodes: Sequence[ast.expr]) -> Iterator[tuple[ast.AST, Given]]:
        """Arguments by position; behind a starred one that cannot be seen, none."""
        for node in nodes:
            if not isinstance(node, ast.Starred):
                yield node, self._given(node)
                continue
            items = self._program.value(node.value)
            if type(items) not in (tuple, list):
                return
            for item in items:
                yield node, Given(item, self._source.pointer(span_of(self._source, node)))

    def _keywords(self, call: ast.Call) -> Iterator[tuple[str, ast.AST, Given]]:
        """Arguments by name, those of `**{...}` too where it can be seen."""
        for item in call.keywords:
            if item.arg:
                yield item.arg, item.value, self._given(item.value)
                continue
            values = self._unpacked(item.value)
            for name, value in (values or {}).items():
                yield (
                    str(name),
                    item,
                    self._given(item.value)._replace(value=value),
                )

    def _unpacked(self, node: ast.AST) -> dict[Any, Any] | None:
        """The dictionary in `**settings`; None if it cannot be seen."""
        value = self._program.value(node)
        return value if isinstance(value, dict) else None

    def _given(self, node: ast.expr) -> Given:
        value = self._program.value(node)
        if (
            isinstance(value, Symbol) and not value.name.startswith(HOMES) and value.name != "float"
        ):  # of another module
            value = Gap(show(node), (show(node),))
        certainty = "inferred" if self._program.inferred else "stated"
        return Given(
            value,
            self._source.pointer(span_of(self._source, node)),
            certainty,
            "flag" if self._program.was_set else "source",
        )

    def unseen(self, call: ast.Call) -> Gap | None:
        """Arguments that cannot be seen: `**settings`."""
        for item in call.keywords:
            if item.arg is None and self._unpacked(item.value) is None:
                return Gap(f"**{show(item.value)}")
        for node in call.args:
            if isinstance(node, ast.Starred) and type(self._program.value(node.value)) not in (tuple, list):
                return Gap(show(node))
        return None


def lift_of(program: Program, function: ast.AST) -> ast.Call | None:
    """The call that makes a constructor of another, as `nn.scan(nn.LSTMCell, ...)`, if that is called."""
    calls = [item.node for item in program.bindings_of(function) if isinstance(item.node, ast.Call)]
    call = function if isinstance(function, ast.Call) else calls[-1] if calls else None
    if call is None or not call.args or call.func is function:
        return None
    names = spelled(program.full_names(call.func))
    return call if any(name in LIFTS for name in names) else None


def is_base_init(call: ast.Call) -> bool:
    """Whether a class' `__init__` is called by its name: `nn.LSTM.__init__(self, 10, 20)`."""
    function = call.func
    named = isinstance(function, ast.Attribute) and function.attr == "__init__"
    return named and not isinstance(getattr(function, "value", None), ast.Call) and bool(call.args)


def _own(call: ast.Call) -> list[ast.expr]:
    """What a call gives by position, besides the instance."""
    return call.args[1:] if is_base_init(call) else call.args


def span_of(source: SourceText, node: ast.AST) -> Span:
    """Where an expression stands."""
    line = int(getattr(node, "lineno", 1))
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    start = _column(text, int(getattr(node, "col_offset", 0)))
    same = getattr(node, "end_lineno", line) == line
    return Span(line, start, _column(text, int(getattr(node, "end_col_offset", 0))) if same else len(text))


def _column(text: str, offset: int) -> int:
    """A column in characters, of one in bytes of UTF-8, as Python counts them."""
    return offset if text.isascii() else len(text.encode("utf-8", "surrogatepass")[:offset].decode("utf-8", "ignore"))
