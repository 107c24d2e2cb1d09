"""Every LSTM that Python code constructs, found by its syntax tree; nothing is executed or imported.

Each is named by what it is assigned to, and its arguments are followed as `evaluate` can.

Not here: what the constructors' arguments mean (`frameworks.constructors`).
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lstmcalc.errors import NoLstmError, SourceError, nearest_hint, shorten
from lstmcalc.frameworks.constructors import (
    RELATIVES,
    SUPPORTED,
    Constructor,
    Given,
    Reading,
    dtype_name,
    read_arguments,
    shape_settings,
)
from lstmcalc.readers.found import Found
from lstmcalc.readers.python.arguments import ArgumentReader, is_base_init, lift_of, span_of
from lstmcalc.readers.python.callers import Local
from lstmcalc.readers.python.evaluate import Program, show
from lstmcalc.readers.python.names import assigned_name
from lstmcalc.readers.python.scopes import Scope
from lstmcalc.readers.python.shapes import Shaped
from lstmcalc.readers.python.spellings import (
    BIDIRECTIONAL,
    BY_NAME,
    CLASSES,
    FLAX_BIDIRECTIONAL,
    FLAX_LOOPS,
    HOMES,
    LOOPS,
    WRAPPERS,
    spelled,
)
from lstmcalc.readers.python.syntax import parse_python, without_prompts
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting, quoted_name

if TYPE_CHECKING:
    from lstmcalc.readers.python.keras_layers import Flow

MAX_FOUND: Final = 10_000
_SHOWN: Final = 4  # lines in a sentence


class Wrapped(NamedTuple):
    """What stands around a construction: a wrapper for both directions, or a loop."""

    name: str
    call: ast.Call


def read_python(source: SourceText, settings: Mapping[str, Any]) -> list[Found]:
    """Every LSTM that the code constructs, in order.

    Args:
        source: The code, whole or in part, with or without Python's prompts.
        settings: What names stand for, by their text: `{"args.hidden": 20}`.

    Raises:
        SourceError: It is no Python code; there is no LSTM in it; an LSTM is given an argument it does not have; or a
            name of `settings` is none of the code's.
    """
    tree, code = parse_python(source)
    try:
        reader = _Reader(code, Program(tree, settings))
        session = [] if reader.made else without_prompts(code.lines)
        if any("LSTM" in line for line in session):  # an example in a docstring
            tree, code = parse_python(source.of(session))
            reader = _Reader(code, Program(tree, settings))
        return reader.read()
    except RecursionError:
        raise SourceError("this is nested too deeply to be read", where=source.name) from None


class _Reader:
    """Reads one program."""

    def __init__(self, source: SourceText, program: Program) -> None:
        self._source = source
        self._program = program
        self._arguments = ArgumentReader(source, program)
        self._made: dict[ast.Call, tuple[Constructor, dict[str, Given], str]] = {}
        self._wrapped: dict[ast.Call, list[Wrapped]] = {}  # what stands around a construction, from the inside
        self._relatives: list[tuple[ast.Call, str]] = []
        self._gone: set[ast.Call] = set()  # the other direction's construction
        self._flows: dict[ast.Call, Flow] = {}  # what goes into a construction, of Keras
        self._names: dict[ast.Call, str] = {}
        self._paths: dict[ast.Call, str] = {}
        for call in program.calls:
            self._look_at(call)

    @property
    def made(self) -> bool:
        """Whether there is an LSTM."""
        return bool(self._made)

    def read(self) -> list[Found]:
        """Every LSTM, in order."""
        for call in [*self._names_of_wrappers()]:
            self._look_into(call)
        made = [call for call in self._made if call not in self._gone]
        if not made:
            raise self._nothing()
        self._name_all(made)
        self._flows = self._follow_keras()
        found = [self._found(call) for call in made]
        self._check_settings()
        for call, gap in self._hidden():
            note = f"{show(call.func)} in line {call.lineno} may be another: {_settings_for(call, gap)}"
            found[-1] = found[-1]._replace(notes=(*found[-1].notes, note))
        return found

    # Which calls make an LSTM.

    def _names_of_wrappers(self) -> Iterator[ast.Call]:
        """The calls of what stands around an LSTM, the outer ones last."""
        for call in self._program.calls:
            if any(name in WRAPPERS for name in self._candidates(call)):
                yield call

    def _candidates(self, call: ast.Call) -> list[str]:
        """The full names of what may be called, in the table's spelling."""
        scope = self._program.scopes[call]
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr == "__init__" and isinstance(function.value, ast.Call):
            return self._bases(call)  # super().__init__(...) in a class of its own
        lift = lift_of(self._program, function)
        if lift is not None:
            return spelled(self._program.full_names(lift.args[0]))
        if is_base_init(call) and isinstance(function, ast.Attribute):  # nn.LSTM.__init__(self, 10, 20)
            return [name for name in spelled(self._program.full_names(function.value)) if name in BY_NAME]
        derived = self._program.value(function)
        if isinstance(derived, Local) and isinstance(derived.node, ast.ClassDef):
            # class Mine(nn.LSTM) without an __init__ of its own
            inside = self._program.scopes[derived.node]
            return self._bases_of(inside) if "__init__" not in inside.bindings else []
        return spelled(self._program.full_names(function, scope))

    def _bases(self, call: ast.Call) -> list[str]:
        """The constructors that the class around a call is derived from."""
        owner = self._program.scopes[call].owner
        return self._bases_of(owner) if owner else []

    def _bases_of(self, owner: Scope) -> list[str]:
        bases = getattr(owner.node, "bases", [])
        names = (name for base in bases for name in spelled(self._program.full_names(base, owner.parent)))
        return [name for name in names if name in BY_NAME]

    def _look_at(self, call: ast.Call) -> None:
        """Note a call if it makes an LSTM, or one of its relatives."""
        if self._is_no_construction(call):
            return
        names = self._candidates(call)
        fitting = [constructor for name in names for constructor in BY_NAME.get(name, [])]
        if not fitting:
            relative = next((name for name in names if name in RELATIVES), None)
            if relative:
                self._relatives.append((call, relative))
            return
        if len(self._made) == MAX_FOUND:
            raise SourceError(
                f"too many LSTMs in {self._source.name or 'this text'}", f"at most {MAX_FOUND:,}", "more than that"
            )
        constructor = self._choose(call, fitting)
        self._made[call] = constructor, self._arguments.read(call, constructor), show(call.func)

    def _is_no_construction(self, call: ast.Call) -> bool:
        """Whether a cell of Flax is only asked for its first state."""
        above = self._program.parents.get(call)
        detached = any(item.arg == "parent" and show(item.value) == "None" for item in call.keywords)
        return detached or (isinstance(above, ast.Attribute) and above.attr == "initialize_carry")

    def _choose(self, call: ast.Call, fitting: Sequence[Constructor]) -> Constructor:
        """Of what a name without an import may be, the first that the call is right for."""
        named = {item.arg for item in call.keywords if item.arg}
        whole = not any(item.arg is None for item in call.keywords) and not any(
            isinstance(item, ast.Starred) for item in call.args
        )
        allowed = [
            item
            for position, item in enumerate(fitting)
            if named <= set(item.arguments)
            and len(call.args) <= (len(item.required) or 1 if position else len(item.positional))
        ]
        for item in allowed:
            if not whole or set(item.required) <= {*item.positional[: len(call.args)], *named}:
                return item
        above = self._program.parents.get(call)
        inside = isinstance(above, ast.Call) and any(name in FLAX_LOOPS for name in self._candidates(above))
        if inside or (whole and not call.args and not named):  # of Flax before 0.7.3 a cell has no features
            return next((item for item in allowed if item.framework.startswith("flax")), (allowed or fitting)[0])
        return (allowed or fitting)[0]

    # What stands around them.

    def _look_into(self, call: ast.Call) -> None:
        """Note what a wrapper wraps."""
        name = next(name for name in self._candidates(call) if name in WRAPPERS)
        keywords = {item.arg: item.value for item in call.keywords}
        if name in FLAX_BIDIRECTIONAL:
            ways = [*call.args[:2], *(keywords[way] for way in ("forward_rnn", "backward_rnn") if way in keywords)]
            cells = [cell for way in ways if (cell := self._construction(way)) is not None]
            if len(cells) == 2 and self._alike(*cells):  # noqa: PLR2004
                self._wrapped.setdefault(cells[0], []).append(Wrapped(name, call))
                self._gone |= {cells[1]} - {cells[0]}
            return
        inner = keywords.get("layer") or keywords.get("cell") or (call.args[0] if call.args else None)
        cell = self._construction(inner) if inner is not None else None
        if cell is not None:
            self._wrapped.setdefault(cell, []).append(Wrapped(name, call))
            other = self._construction(keywords["backward_layer"]) if "backward_layer" in keywords else None
            self._gone |= {other} - {cell, None}  # type: ignore[arg-type]  # None is taken out

    def _alike(self, first: ast.Call, second: ast.Call) -> bool:
        values = [{name: given.value for name, given in self._made[call][1].items()} for call in (first, second)]
        return values[0].get("features") == values[1].get("features") or first is second

    def _construction(self, node: ast.AST, depth: int = 0) -> ast.Call | None:
        """The construction that an expression stands for: itself, what a name is bound to, or what a loop is around."""
        if isinstance(node, ast.Call):
            if node in self._made:
                return node
            inner = node.args[0] if node.args and any(name in LOOPS for name in self._candidates(node)) else None
            return self._construction(inner, depth + 1) if inner is not None and depth < 8 else None  # noqa: PLR2004
        bound = self._program.bindings_of(node)
        values = [item.node for item in bound if item.kind == "value" and item.node]
        return self._construction(values[-1], depth + 1) if values and depth < 8 else None  # noqa: PLR2004

    # What they are called.

    def _name_all(self, made: Sequence[ast.Call]) -> None:
        """Name every LSTM; where two have one name, by their class, and then by their line."""
        keras: Counter[str] = Counter()
        names = {}
        for call in made:
            own, path = self._keras_names(call, keras) if "keras" in self._made[call][0].framework else ("", "")
            assigned = assigned_name(self._program, self._outer(call), self._candidates)
            names[call] = own or assigned or path.split("/")[0] or "lstm"
            path = path if call in self._wrapped or not self._is_cell(call) else ""
            self._paths[call] = path
        for qualify in (self._by_class, self._by_line):
            twice = Counter(names.values())
            if len({call.lineno for call in names}) > 1:
                names = {call: qualify(call, name) if twice[name] > 1 else name for call, name in names.items()}
        self._names = names

    def _outer(self, call: ast.Call) -> ast.Call:
        return self._wrapped[call][-1].call if call in self._wrapped else call

    def _by_class(self, call: ast.Call, name: str) -> str:
        owner = self._program.scopes[call].owner
        return f"{owner.node.name}.{name}" if owner and isinstance(owner.node, ast.ClassDef) else name

    @staticmethod
    def _by_line(call: ast.Call, name: str) -> str:
        return f"{name}:{call.lineno}"

    def _keras_names(self, call: ast.Call, counts: Counter[str]) -> tuple[str, str]:
        """The name that the code gives a layer of Keras, and what the names of its weights begin with."""

        def automatic(stem: str) -> str:
            counts[stem] += 1
            return stem if counts[stem] == 1 else f"{stem}_{counts[stem] - 1}"

        given = self._made[call][1].get("name")
        own = given.value if given and isinstance(given.value, str) else ""
        inner = own or automatic("lstm_cell" if self._is_cell(call) else "lstm")
        for wrapped in self._wrapped.get(call, []):
            keyword = next((item.value for item in wrapped.call.keywords if item.arg == "name"), None)
            named = keyword.value if isinstance(keyword, ast.Constant) and isinstance(keyword.value, str) else ""
            if wrapped.name in BIDIRECTIONAL:
                outer = named or automatic("bidirectional")
                return named, f"{outer}/{{direction}}_{inner}"
            own, inner = named, named or automatic("rnn")
        return own, inner

    def _is_cell(self, call: ast.Call) -> bool:
        return self._made[call][0].names[0].endswith("Cell")

    # What flows into them.

    def _follow_keras(self) -> dict[ast.Call, "Flow"]:
        """What flows into the LSTMs of Keras: it settles input sizes."""
        if not any("keras" in constructor.framework for constructor, _, _ in self._made.values()):
            return {}
        from lstmcalc.readers.python.keras_layers import Layers, follow_keras

        def keeps(call: ast.Call) -> bool:
            steps = self._made[call][1].get("return_sequences")
            return steps is not None and steps.value is True

        layers = Layers(self._construction, self._names.__getitem__, keeps, self._candidates)
        return follow_keras(self._program, layers)

    def _found(self, call: ast.Call) -> Found:
        constructor, given, shown = self._made[call]
        outer, where = self._outer(call), self._source.place(call.lineno) or None
        reading = read_arguments(constructor, given, where)
        pointers = {"": self._pointer(call), **reading.pointers}
        reading = self._with_wrappers(call, reading, where)
        starred = self._arguments.unseen(call)
        gaps = {
            constructor.fields[name]: starred or Gap(f"nothing: {shown} is not given it")
            for name in constructor.required
            if name not in given and name in constructor.fields
        }
        if constructor.framework.startswith(("keras", "flax-linen")):
            gaps["input_size"] = Gap(f"nothing: {shown} takes it from the data")
        gaps = {**{field: gap for field, gap in gaps.items() if field not in reading.layer}, **reading.gaps}
        default = self._default_dtype if constructor.framework.startswith("pytorch") else ""
        dtype = self._cast(call, outer) or ("" if "dtype" in reading.layer else default)
        if dtype:
            reading.layer["dtype"] = _setting(dtype, where)
        gaps = {field: self._helpful(gap) for field, gap in gaps.items()}
        shape, pointer = self._input(call, outer)
        found = Found(
            self._names[call],
            constructor.framework,
            _one_line(show(outer)),
            where,
            reading.layer,
            pointers,
            gaps,
            options=reading.options,
            notes=(
                *reading.notes,
                *self._built_often(call),
                *([f"{starred.why} is not known: what it sets is not seen"] if starred else []),
            ),
            unmodelled=reading.unmodelled,
            path=self._paths[call],
        )
        if shape is not None and pointer is not None:
            found = found._replace(input_shape=_sizes(shape), pointers={**pointers, "input": pointer})
            if shape.lengths:
                found = found._replace(layer={**found.layer, "lengths": _setting(shape.lengths, where)})
        spelled_out = {*given, *(item.arg for wrapped in self._wrapped.get(call, []) for item in wrapped.call.keywords)}
        return _with_flow(found, self._flows.get(call), where, shaped=not spelled_out.isdisjoint(_SHAPES))

    def _helpful(self, gap: Gap) -> Gap:
        """A gap with the names that can be set, and a reason."""
        names = tuple(name for name in gap.names if name in self._program.asked)
        return Gap(gap.why or " and ".join(gap.names), names)

    def _cast(self, call: ast.Call, outer: ast.Call) -> str:
        """The dtype that methods give it: `nn.LSTM(10, 20).half()`, `.to(torch.float64)`, `lstm.double()` later."""
        chained, node = [], outer
        parents = self._program.parents
        while isinstance(method := parents.get(node), ast.Attribute) and isinstance(
            above := parents.get(method), ast.Call
        ):
            chained.append(above)
            node = above
        later = [use for use in self._casts if self._construction(use.func.value) is call]  # type: ignore[attr-defined]  # a method
        found = ""
        for use in [*chained, *later]:
            method = use.func
            given = [*use.args, *(item.value for item in use.keywords if item.arg == "dtype")]
            name = method.attr if isinstance(method, ast.Attribute) else ""
            values = [self._program.value(item) for item in given] if name == "to" else [name]
            found = next((dtype for value in values if (dtype := dtype_name(value))), found)
        return found

    @cached_property
    def _casts(self) -> list[ast.Call]:
        """The calls of methods that change a dtype, of something with a name."""
        names = ("half", "double", "float", "bfloat16", "to")
        methods = (call for call in self._program.calls if isinstance(call.func, ast.Attribute))
        return [call for call in methods if _last(call.func) in names and not isinstance(call.func.value, ast.Call)]  # type: ignore[attr-defined]  # as above

    @cached_property
    def _default_dtype(self) -> str:
        """What `torch.set_default_dtype` sets, if it is called."""
        calls = (call for call in self._program.calls if _last(call.func) == "set_default_dtype" and call.args)
        return next((dtype_name(self._program.value(call.args[0])) for call in calls), "")

    def _with_wrappers(self, call: ast.Call, reading: Reading, where: str | None) -> Reading:
        """What the wrappers around a construction say."""
        for wrapped in self._wrapped.get(call, []):
            if wrapped.name in (*BIDIRECTIONAL, *FLAX_BIDIRECTIONAL):
                reading.layer["bidirectional"] = _setting(True, where)
                reading.pointers["bidirectional"] = self._pointer(wrapped.call)
            for item in wrapped.call.keywords:
                value = self._program.value(item.value)
                if item.arg in _WRAPPER_OPTIONS:
                    reading.options[str(item.arg)] = self._option(str(item.arg), item.value, value)
                elif item.arg in ("input_shape", "batch_input_shape"):
                    self._read_shape(reading, value, item, where)
                elif item.arg in ("reverse", "go_backwards") and value is not False:
                    reading = reading._replace(unmodelled=(*reading.unmodelled, f"{item.arg} = {show(item.value)}"))
                elif item.arg == "backward_layer" and not self._same_layer(call, item.value):
                    reading = reading._replace(
                        unmodelled=(*reading.unmodelled, "backward_layer, another layer than the forward one")
                    )
            if wrapped.name in BIDIRECTIONAL and len(wrapped.call.args) > 1:
                node = wrapped.call.args[1]
                reading.options["merge_mode"] = self._option("merge_mode", node, self._program.value(node))
        return reading

    def _option(self, name: str, node: ast.AST, value: Any) -> Any:  # noqa: ANN401  # whatever the code says
        """The value of an option of a wrapper, which no flag can give.

        Raises:
            SourceError: It is not known.
        """
        if isinstance(value, Gap):
            names = [known for known in value.names if known in self._program.asked]
            hint = " ".join(f"--set {known}=VALUE" for known in names)
            raise self._source.error(
                span_of(self._source, node), f"{name} is open", found=value.why, hint=f"give {hint}" if hint else ""
            )
        return value

    def _read_shape(self, reading: Reading, value: Any, item: ast.keyword, where: str | None) -> None:  # noqa: ANN401
        """The sizes in a shape that a wrapper is given."""
        for field, size in shape_settings(value, batch=item.arg != "input_shape").items():
            reading.pointers[field] = self._pointer(item.value)
            if isinstance(size, Gap):
                reading.gaps[field] = size
            else:
                reading.layer[field] = _setting(size, where)

    def _same_layer(self, call: ast.Call, node: ast.AST) -> bool:
        other = self._construction(node)
        if other is None:
            return False
        values = [
            {name: given.value for name, given in self._made[item][1].items() if name not in ("name", "go_backwards")}
            for item in (call, other)
        ]
        if any(values[0].get(name) != values[1].get(name) for name in ("units", "use_bias")):
            raise self._source.error(
                span_of(self._source, node), "both directions must be alike", "the same units and biases", show(node)
            )
        return values[0] == values[1]

    def _built_often(self, call: ast.Call) -> list[str]:
        """Whether a construction stands in a loop."""
        node: ast.AST = call
        while node in self._program.parents:
            node = self._program.parents[node]
            if isinstance(node, ast.For | ast.While | ast.ListComp | ast.GeneratorExp | ast.DictComp):
                return ["it is built in a loop, as often as that runs: it is shown once"]
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                break
        lines = self._program.made_in(self._program.scopes[call])
        if len(lines) > 1:
            shown = ", ".join(map(str, lines[:_SHOWN])) + ", ..." * (len(lines) > _SHOWN)
            return [f"it is made {len(lines)} times, by calls in lines {shown}: it is shown once"]
        return []

    def _input(self, call: ast.Call, outer: ast.Call) -> tuple[Shaped | None, Pointer | None]:
        """The first array of a known shape that is passed to it, and where."""
        for use in self._uses(call, outer):
            value = self._program.value(use.args[0])
            if isinstance(value, Shaped):
                return value, self._pointer(use.args[0])
        return None, None

    def _uses(self, call: ast.Call, outer: ast.Call) -> list[ast.Call]:
        """The calls of the module that a construction makes."""
        return [use for use in self._uses_of.get(call, []) if use is not call and use is not outer]

    @cached_property
    def _uses_of(self) -> dict[ast.Call, list[ast.Call]]:
        """The calls of modules, by the construction that makes each."""
        found: dict[ast.Call, list[ast.Call]] = {}
        for use in self._program.calls:
            made = self._construction(use.func) if use.args else None
            if made is not None:
                found.setdefault(made, []).append(use)
        return found

    # Where it goes wrong.

    def _nothing(self) -> SourceError:
        """There is no LSTM: what there is instead."""
        where = self._source.name or "this text"
        hidden = self._hidden()
        if hidden:
            call, gap = hidden[0]
            hint = f"give {_settings_for(call, gap)}"
            return self._source.error(
                span_of(self._source, call.func), "this may be an LSTM", found=show(call.func), hint=hint
            )
        if self._relatives:
            call, name = self._relatives[0]
            what = f"{name.rpartition('.')[2]} is not an LSTM"
            span = span_of(self._source, call.func)
            return self._source.error(span, what, SUPPORTED, show(call.func), kind=NoLstmError)
        unread = next((call for call in self._program.calls if _last(call.func) in CLASSES), None)
        if unread is not None and not isinstance(self._program.value(unread.func), Local):
            hint = "describe it with flags, and give --framework; lstmcalc frameworks shows those there are"
            return self._source.error(
                span_of(self._source, unread.func),
                f"{show(unread.func)} is none that can be read",
                SUPPORTED,
                hint=hint,
            )
        local = self._local()
        if local is not None:
            return self._source.error(
                span_of(self._source, local.func),
                f"{show(local.func)} is a class of its own here, and no LSTM is made in it",
                expected=SUPPORTED,
            )
        return NoLstmError(
            f"no LSTM in {where}",
            expected=f"a construction of {SUPPORTED}",
            hint="lstmcalc -h shows how to describe one with flags",
        )

    def _hidden(self) -> list[tuple[ast.Call, Gap]]:
        """The calls of something that is not known and may be an LSTM: `getattr(nn, kind)(10, 20)`."""
        found = []
        for call in self._program.calls:
            value = self._program.value(call.func) if call not in self._made else None
            if isinstance(value, Gap) and value.names and self._may_be(call.func):
                found.append((call, value))
        return found

    def _may_be(self, function: ast.AST) -> bool:
        """Whether a constructor of LSTMs is among what a function may be."""
        if isinstance(function, ast.Call):
            return show(function).startswith(("getattr(nn", "getattr(torch.nn"))
        base = function.value if isinstance(function, ast.Subscript) else function
        nodes = [base, *(item.node for item in self._program.bindings_of(base) if item.kind == "value" and item.node)]
        return any(self._is_named(part) for node in nodes for part in ast.walk(node) if part is not function)

    def _is_named(self, node: ast.AST) -> bool:
        """Whether a constructor of LSTMs is named there, and not called."""
        last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        above = self._program.parents.get(node)
        return last in CLASSES and not (isinstance(above, ast.Call) and above.func is node)

    def _local(self) -> ast.Call | None:
        for call in self._program.calls:
            if "LSTM" in show(call.func)[:200] and isinstance(self._program.value(call.func), Local):
                return call
        return None

    def _pointer(self, node: ast.AST) -> Pointer:
        return self._source.pointer(span_of(self._source, node))

    def _check_settings(self) -> None:
        """Refuse a setting whose name was never asked for.

        Raises:
            SourceError: There is one.
        """
        for name in self._program.settings:
            if name not in self._program.asked:
                known = tuple(
                    asked for asked in self._program.asked if not asked.startswith((*HOMES, "nn")) and "(" not in asked
                )
                raise SourceError(
                    f"no such name in {self._source.name or 'this text'}",
                    expected=f"one of {_listed(known[:12])}{', ...' * (len(known) > 12)}" if known else "",  # noqa: PLR2004
                    found=shorten(name),
                    hint=nearest_hint(name, known),
                    where=f"--set {name}",
                )


_WRAPPER_OPTIONS: Final = ("merge_mode", "time_major", "return_carry", "return_sequences", "return_state")


def _last(function: ast.AST) -> str:
    return function.attr if isinstance(function, ast.Attribute) else str(getattr(function, "id", ""))


_SHAPES: Final = ("input_shape", "batch_input_shape", "batch_shape", "input_dim")


def _with_flow(found: Found, flow: "Flow | None", where: str | None, *, shaped: bool) -> Found:
    """An LSTM of Keras with what flows into it; `shaped` if it says itself what that is."""
    if flow is None:
        return found
    layer, gaps, stream = dict(found.layer), dict(found.gaps), flow.stream
    if shaped:  # what a layer behind another one says of its input is not looked at by Keras
        layer.pop("input_size", None)
        gaps.setdefault("input_size", Gap("what the layers before make is not known"))
    axes = ("seq_len", "batch") if found.options.get("time_major") is not True else ("batch", "seq_len")
    sizes = {"input_size": stream.features, axes[0]: stream.seq_len, axes[1]: stream.batch}
    for field, size in sizes.items():
        if size is not None and layer.get(field, _setting(None, where)).value != size:
            layer[field] = _setting(size, where, "inferred")
    if "input_size" in layer or stream.reads:
        gaps.pop("input_size", None)
    elif flow.gap and "input_size" in gaps:
        gaps["input_size"] = flow.gap
    return found._replace(layer=layer, gaps=gaps, reads="" if "input_size" in layer else stream.reads)


def _sizes(shape: Shaped) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) and not isinstance(size, bool) else None for size in shape.shape)


def _setting(value: Any, where: str | None, certainty: str = "stated") -> Setting:  # noqa: ANN401  # any setting
    return Setting(value, Origin("source", where, certainty))


def _one_line(text: str, limit: int = 100) -> str:
    return text if len(text) <= limit else f"{text[: limit - 4]}...)"


def _settings_for(call: ast.Call, gap: Gap) -> str:
    """The settings that would say what is called."""
    if isinstance(call.func, ast.Call) and len(call.func.args) > 1:  # getattr(nn, kind)
        return f"--set {quoted_name(show(call.func.args[1]))}=LSTM"
    if isinstance(call.func, ast.Subscript):  # {"lstm": nn.LSTM}[kind]
        return f"--set {quoted_name(show(call.func.slice))}=VALUE"
    return " ".join(f"--set {quoted_name(name)}=nn.LSTM" for name in dict.fromkeys(gap.names))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
