"""Where names are bound in Python code: scopes, read from the syntax tree in one walk.

Not here: what a name's value is (`evaluate`).
"""

import ast
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, TypeAlias

Branch: TypeAlias = tuple[tuple[int, str], ...]  # the branches of `if`, `for`, `try`, ... that a statement stands in

MAX_BINDINGS: Final = 100  # of one name, that are looked at


class Binding(NamedTuple):
    """What a name is bound to at one place.

    Attributes:
        kind: `value`, `argument`, `keywords` (of `**kwargs`), `import`, `class`, `function`, or `opaque` for what only
            running would tell.
        node: The expression, the default, or the definition; None if there is none.
        scope: The scope that the expression is evaluated in.
        line: Where.
        branch: The branches it stands in.
        name: The name; of an import, the full name of what is imported.
        column: Where in that line.
    """

    kind: str
    node: ast.AST | None
    scope: "Scope"
    line: int
    branch: Branch
    name: str
    column: int = 0


class Store(NamedTuple):
    """Where what a name stands for is changed: `config["size"] = 3`, `config.size = 3`, `names.append(x)`.

    Attributes:
        kind: `key`, `attribute`, or `other` for any change of which it cannot be said what it changes.
        key: The key or the attribute.
        binding: What is stored.
    """

    kind: str
    key: object
    binding: Binding


class Scope:
    """A module, a class, a function or a comprehension, and what its names are bound to."""

    def __init__(self, node: ast.AST, parent: "Scope | None") -> None:
        self.node = node
        self.parent = parent
        self.bindings: dict[str, list[Binding]] = {}
        self.attributes: dict[str, list[Binding]] = {}  # of a class: `self.x = ...`; else `config.x = ...` by text
        self.stars: list[str] = []  # modules whose names are all imported
        self.fields: list[str] = []  # of a class: the names that its body annotates, as a dataclass' fields
        self.globals: set[str] = set()  # names of the module that a function binds

    @property
    def owner(self) -> "Scope | None":
        """The class that this function is a method of, or stands in a method of."""
        scope: Scope | None = self
        while scope is not None and not isinstance(scope.node, ast.ClassDef):
            scope = scope.parent
        return scope

    @property
    def first_argument(self) -> str:
        """What a method calls its instance: `self`; empty if this is none."""
        if not isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef) or not self.parent:
            return ""
        names = [*self.node.args.posonlyargs, *self.node.args.args]
        method = isinstance(self.parent.node, ast.ClassDef) and not self.is_static
        return names[0].arg if names and method else ""

    @property
    def is_static(self) -> bool:
        """Whether it is a method that is given no instance."""
        decorators = getattr(self.node, "decorator_list", [])
        return any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in decorators)


def chain(scope: Scope) -> Iterator[Scope]:
    """A scope and those it stands in, from the inside."""
    level: Scope | None = scope
    while level is not None:
        yield level
        level = level.parent


def visible(scope: Scope) -> Iterator[tuple[Scope, bool]]:
    """The scopes whose names are seen, the nearest first, and whether they are seen from a function inside."""
    inner = False
    for level in chain(scope):
        if level is scope or not isinstance(level.node, ast.ClassDef):
            yield level, inner
        inner = inner or isinstance(level.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def may_hold(
    bound: Sequence[Binding], place: tuple[int, int], branch: Branch, loops: AbstractSet[int], *, inner: bool
) -> list[Binding]:
    """The bindings that may hold at a place: the last one that surely came before, and what may have come after it.

    Seen from a function inside (`inner`), any of them may: it runs whenever it is called. In a loop, so may what stands
    further down in it.
    """
    before = bound if inner else bound[: bisect_right(bound, place, key=lambda item: (item.line, item.column))] or bound
    imports = [item for item in before if item.kind == "import"]
    if imports:  # `try: import a` and `except: import b`: whichever is there
        return imports[:1]
    if inner:
        values = [item for item in before if item.kind in ("value", "opaque", "argument")]
        return values[: MAX_BINDINGS + 1] if values else list(before[-1:])
    held: list[Binding] = []
    sides: dict[tuple[Branch, int], set[str]] = {}  # of each `if` around bindings, the branches that have one
    for item in reversed(before):
        if excluded(item.branch, branch):  # what stands in the other branch of the same `if` is not passed
            continue
        held.insert(0, item)
        if item.branch == branch[: len(item.branch)] or len(held) > MAX_BINDINGS:
            break
        outer, (node, side) = item.branch[:-1], item.branch[-1]
        met = sides.setdefault((outer, node), set())
        met.add(side)
        if outer == branch[: len(outer)] and {"body", "orelse"} <= met and node not in loops:  # one of them surely ran
            break
    around = {pair for pair in branch if pair[0] in loops}
    later = [item for item in bound[len(before) :] if around & set(item.branch)] if before is not bound else []
    return (held or list(before[-1:])) + later


def excluded(one: Branch, other: Branch) -> bool:
    """Whether two branches exclude each other: `if` and `else`."""
    sides = dict(other)
    return any(sides.get(node, side) != side for node, side in one)


def instance_owner(name: str, scope: Scope) -> Scope | None:
    """The class that `name` is an instance of because a method calls it so: `self`."""
    for level in chain(scope):
        if level.first_argument == name:
            return level.parent
    return None


class Scopes:
    """The scopes of a syntax tree, filled in one walk, without recursion.

    Attributes:
        top: The module's own scope.
        of: The scope that each node is read in; of a definition the one inside.
        parents: What each node stands in.
        branches: The branches that each statement stands in.
        stores: What is changed after it was bound, by the last part of its name, whoever holds it.
        loops: What identifies the loops in the branches.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.top = Scope(tree, None)
        self.of: dict[ast.AST, Scope] = {tree: self.top}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.branches: dict[ast.AST, Branch] = {}
        self.stores: dict[str, list[Store]] = {}
        self.loops: set[int] = set()
        stack: list[tuple[ast.AST, Scope, Branch]] = [(tree, self.top, ())]
        while stack:
            node, scope, branch = stack.pop()
            inner = self._enter(node, scope, branch)
            # The next to be looked at is the last of the list: children in the order of the text.
            stack.extend(reversed(list(self._children(node, scope, inner, branch))))

    def _children(
        self, node: ast.AST, scope: Scope, inner: Scope, branch: Branch
    ) -> Iterator[tuple[ast.AST, Scope, Branch]]:
        outside = ("decorator_list", "bases", "keywords", "returns") if inner is not scope else ()
        for field, value in ast.iter_fields(node):
            below = branch
            if isinstance(node, _BRANCHING) and field in ("body", "orelse", "handlers", "cases", "finalbody"):
                sure = isinstance(node, ast.If) and _is_main(node.test) and field == "body"
                sure = sure or (isinstance(node, ast.Try) and field in ("body", "finalbody"))
                below = branch if sure else (*branch, (id(node), field))
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    self.parents[child] = node
                    fresh = () if inner is not scope and field == "body" else below
                    yield child, scope if field in outside else inner, fresh

    def _enter(self, node: ast.AST, scope: Scope, branch: Branch) -> Scope:
        """Note what a node binds; the scope of its children."""
        self.of.setdefault(node, scope)
        if isinstance(node, ast.stmt):
            self.branches[node] = branch
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            self._bind(scope, node.name, kind, node, scope, node.lineno, branch)
            self.of[node] = inner = Scope(node, scope)
            if not isinstance(node, ast.ClassDef):
                self._arguments(node.args, inner, node.lineno)
            return inner
        if isinstance(node, ast.Lambda):
            inner = Scope(node, scope)
            self._arguments(node.args, inner, node.lineno)
            return inner
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            inner = Scope(node, scope)
            for generator in node.generators:
                self._target(generator.target, None, inner, branch)
            return inner
        self._statement(node, scope, branch)
        return scope

    def _statement(self, node: ast.AST, scope: Scope, branch: Branch) -> None:
        """Note what a statement binds that is no definition."""
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            self.loops.add(id(node))
        if isinstance(node, ast.Global | ast.Nonlocal):
            scope.globals |= set(node.names)
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(scope.node, ast.ClassDef)
        ):
            scope.fields.append(node.target.id)
        self._change(node, scope, branch)
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, scope, branch)
            return
        value = getattr(node, "value", None) if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) else None
        for target in _targets(node):
            self._target(target, value, scope, branch)
        if isinstance(node, ast.ExceptHandler) and node.name:
            self._bind(scope, node.name, "opaque", None, scope, node.lineno, branch)

    def _change(self, node: ast.AST, scope: Scope, branch: Branch) -> None:
        """Note what changes something in place: a method such as `append`, `setattr`, `del`."""
        changed: list[ast.expr] = []
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATORS:
                changed = [node.func.value]
            elif isinstance(node.func, ast.Name) and node.func.id == "setattr":
                changed = node.args[:1]
        elif isinstance(node, ast.Delete):
            changed = [item.value for item in node.targets if isinstance(item, ast.Subscript | ast.Attribute)]
        for item in changed:
            self._store(item, "other", None, None, scope, branch)

    def _store(
        self, base: ast.AST, kind: str, key: object, value: ast.AST | None, scope: Scope, branch: Branch
    ) -> None:
        name = base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""
        if name and name != scope.first_argument:
            line = int(getattr(base, "lineno", 0))
            binding = Binding("value" if value else "opaque", value, scope, line, branch, f"{name}.{key}")
            self.stores.setdefault(name, []).append(Store(kind, key, binding))

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope, branch: Branch) -> None:
        home = f"{'.' * node.level}{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            if alias.name == "*":
                self.top.stars.append(home.removesuffix("."))
                continue
            # `import a.b` binds a, `import a.b as c` binds c to a.b.
            first = alias.name if home or alias.asname else alias.name.partition(".")[0]
            self._bind(scope, alias.asname or first, "import", None, scope, node.lineno, branch, f"{home}{first}")

    def _target(self, target: ast.AST, value: ast.AST | None, scope: Scope, branch: Branch) -> None:
        """Bind a target of an assignment, element by element; what only running would tell is opaque."""
        line = int(getattr(target, "lineno", 0))
        if isinstance(target, ast.Name):
            self._bind(scope, target.id, "value" if value else "opaque", value, scope, line, branch)
            bound = (self.top if target.id in scope.globals else scope).bindings[target.id]
            bound[-1] = bound[-1]._replace(column=target.col_offset)
        elif isinstance(target, ast.Tuple | ast.List):
            same = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
            for position, item in enumerate(target.elts):
                if isinstance(value, ast.Tuple | ast.List):
                    part: ast.AST | None = value.elts[position] if same else None
                else:
                    part = ast.Subscript(value, ast.Constant(position), ast.Load()) if value else None  # type: ignore[arg-type]  # an expression
                self._target(item, part, scope, branch)
        elif isinstance(target, ast.Subscript):
            constant = isinstance(target.slice, ast.Constant)
            key = target.slice.value if isinstance(target.slice, ast.Constant) else None
            self._store(target.value, "key" if constant else "other", key, value, scope, branch)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = instance_owner(target.value.id, scope)
            if not owner:
                self._store(target.value, "attribute", target.attr, value, scope, branch)
            text = target.attr if owner else f"{target.value.id}.{target.attr}"
            where = owner or scope
            kind = "value" if value else "opaque"
            where.attributes.setdefault(text, []).append(Binding(kind, value, scope, line, branch, text))
        elif isinstance(target, ast.Attribute):  # self.config.size = 3
            self._store(target.value, "attribute", target.attr, value, scope, branch)

    def _bind(
        self,
        scope: Scope,
        name: str,
        kind: str,
        node: ast.AST | None,
        home: Scope,
        line: int,
        branch: Branch,
        full: str = "",
    ) -> None:
        if name in scope.globals:  # whoever calls the function changes it
            scope, branch = self.top, (*branch, (id(scope), "global"))
        scope.bindings.setdefault(name, []).append(Binding(kind, node, home, line, branch, full or name))

    def _arguments(self, arguments: ast.arguments, scope: Scope, line: int) -> None:
        ordered = [*arguments.posonlyargs, *arguments.args]
        without = [None] * (len(ordered) - len(arguments.defaults))
        pairs = [*zip(ordered, [*without, *arguments.defaults], strict=True)]
        for argument, default in [*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]:
            self._bind(scope, argument.arg, "argument", default, scope, line, ())
        for rest, kind in ((arguments.vararg, "opaque"), (arguments.kwarg, "keywords")):
            if rest is not None:
                self._bind(scope, rest.arg, kind, None, scope, line, ())


_BRANCHING: Final = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match)


def _is_main(test: ast.expr) -> bool:
    """`__name__ == "__main__"`."""
    names = [node.id for node in ast.walk(test) if isinstance(node, ast.Name)] if isinstance(test, ast.Compare) else []
    return names == ["__name__"]


def _targets(node: ast.AST) -> list[ast.expr]:
    """What a statement binds."""
    if isinstance(node, ast.Assign):
        return node.targets
    if isinstance(node, ast.AnnAssign):
        return [node.target] if node.value is not None else []
    if isinstance(node, ast.NamedExpr | ast.AugAssign | ast.For | ast.AsyncFor):
        return [node.target]
    return [node.optional_vars] if isinstance(node, ast.withitem) and node.optional_vars else []


_MUTATORS: Final = frozenset(
    [
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    ]
)
