"""The patterns of `match`: whether a value fits, and what that binds.

Not here: which case is run (`statements`).
"""

import ast
from collections.abc import Sequence

from lstmcalc.readers.python.core.classes_of_python import content_of, plain, type_of
from lstmcalc.readers.python.core.expressions import Expressions
from lstmcalc.readers.python.core.values import Class, Items, Missing, Obj, Scope, Unknown, Value, unknown_of


class Patterns(Expressions):
    """Compares values with patterns."""

    def matches(self, pattern: ast.pattern, value: Value, scope: Scope) -> bool | None:
        """True if a value fits a pattern, whose names are bound to its parts; None if that is not known."""
        if isinstance(pattern, ast.MatchValue):
            return self.truth(self.compared(ast.Eq(), value, self.evaluate(pattern.value, scope)))
        if isinstance(pattern, ast.MatchSingleton):
            return self.truth(self.compared(ast.Is(), value, pattern.value))
        if isinstance(pattern, ast.MatchAs):
            fits = True if pattern.pattern is None else self.matches(pattern.pattern, value, scope)
            if pattern.name and fits is not False:
                self._bind_name(pattern.name, value, scope, fits)
            return fits
        if isinstance(pattern, ast.MatchOr):
            return self._any_matches(pattern.patterns, value, scope)
        if isinstance(pattern, ast.MatchSequence):
            return self._sequence(pattern.patterns, value, scope)
        if isinstance(pattern, ast.MatchMapping):
            return self._mapping(pattern, value, scope)
        if isinstance(pattern, ast.MatchClass):
            return self._of_class_pattern(pattern, value, scope)
        return None

    def _bind_name(self, name: str, value: Value, scope: Scope, fits: bool | None) -> None:
        at = self.home(name, scope)
        if fits is None and name in at.slots:
            value = unknown_of(value, at.slots[name])
        self.put(at, name, value)

    def _any_matches(self, patterns: Sequence[ast.pattern], value: Value, scope: Scope) -> bool | None:
        unsure = False
        for item in patterns:
            fits = self.matches(item, value, scope)
            if fits:
                return None if unsure else True
            unsure = unsure or fits is None
        return None if unsure else False

    def _sequence(self, patterns: Sequence[ast.pattern], value: Value, scope: Scope) -> bool | None:
        value = plain(value)
        if isinstance(value, str | bytes | int | float | None) or (
            isinstance(value, Obj) and value.kind in ("dict", "set", "vars", "iter")
        ):
            return False
        items = (
            self.items(value)
            if isinstance(value, tuple | range) or (isinstance(value, Obj) and value.kind == "list")
            else None
        )
        if items is None:
            for item in patterns:
                self._blur(item, value, scope)
            return None
        star = next((place for place, item in enumerate(patterns) if isinstance(item, ast.MatchStar)), None)
        if (len(items) != len(patterns)) if star is None else (len(items) < len(patterns) - 1):
            return False
        if star is not None:
            behind = len(patterns) - star - 1
            middle = self.new_list(items[star : len(items) - behind])
            name = getattr(patterns[star], "name", None)
            if name:
                self.put(self.home(name, scope), name, middle)
            patterns = [*patterns[:star], *patterns[star + 1 :]]
            items = [*items[:star], *items[len(items) - behind :]]
        return self._all_match(list(zip(patterns, items, strict=True)), scope)

    def _all_match(self, pairs: list[tuple[ast.pattern, Value]], scope: Scope) -> bool | None:
        unsure = False
        for item, part in pairs:
            fits = self.matches(item, part, scope)
            if fits is False:
                return None if unsure else False
            unsure = unsure or fits is None
        return None if unsure else True

    def _mapping(self, pattern: ast.MatchMapping, value: Value, scope: Scope) -> bool | None:
        content = content_of(value) if isinstance(value, Obj) and value.kind in ("dict", "vars") else None
        if not isinstance(content, Items):
            for item in pattern.patterns:
                self._blur(item, value, scope)
            return None if isinstance(value, Unknown | Obj) else False
        pairs: list[tuple[ast.pattern, Value]] = []
        keys = [self.evaluate(item, scope) for item in pattern.keys]
        for key, item in zip(keys, pattern.patterns, strict=True):
            part = content.map.get(key)
            if key not in content.map:
                if content.rest is None:
                    return False
                self._blur(item, value, scope)
                return None
            if isinstance(part, Unknown) and part.absent:
                self._blur(item, value, scope)
                return None
            pairs.append((item, part))
        if pattern.rest:
            rest = Items({key: item for key, item in content.map.items() if key not in keys}, content.rest)
            self.put(self.home(pattern.rest, scope), pattern.rest, self.new("dict", rest))
        return self._all_match(pairs, scope)

    def _of_class_pattern(self, pattern: ast.MatchClass, value: Value, scope: Scope) -> bool | None:
        cls = self.evaluate(pattern.cls, scope)
        fits = self.is_instance(value, cls)
        if fits is False:
            return False
        pairs: list[tuple[ast.pattern, Value]] = []
        if pattern.patterns:
            builtin = isinstance(cls, Class) and cls.stores != "object"
            names = self.items(self.lookup(cls, "__match_args__")) if not builtin else None
            if builtin:
                pairs.append((pattern.patterns[0], value))
            elif names is None or len(names) < len(pattern.patterns):
                for item in pattern.patterns:
                    self._blur(item, value, scope)
                fits = None
            else:
                pairs += [
                    (item, self.attribute(value, str(name)))
                    for item, name in zip(pattern.patterns, names, strict=False)
                ]
        for name, item in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True):
            if fits is None or (
                isinstance(self.lookup(type_of(value), name), Missing)
                and not (isinstance(value, Obj) and name in value.slots)
            ):
                self._blur(item, value, scope)
                fits = None if fits is None or isinstance(value, Unknown) else False
                if fits is False:
                    return False
                continue
            pairs.append((item, self.attribute(value, name)))
        rest = self._all_match(pairs, scope)
        return False if rest is False else None if fits is None else rest

    def _blur(self, pattern: ast.pattern, value: Value, scope: Scope) -> None:
        """Bind the names of a pattern to what is not known."""
        for node in ast.walk(pattern):
            name = getattr(node, "name", None) or getattr(node, "rest", None)
            if isinstance(name, str):
                at = self.home(name, scope)
                self.put(at, name, unknown_of(value, at.slots.get(name, None)))
