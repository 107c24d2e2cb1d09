"""Expressions that give an integer, and tests that the program itself decides."""

from collections.abc import Sequence
from typing import Final

from tools.programs.grammar import Expression, Generator, Scope


def _arithmetic(g: Generator, s: Scope, depth: int) -> str:
    a, b = g.integer(s, depth), g.integer(s, depth)
    return g.pick(
        f"({a} + {b})", f"({a} * 2)", f"max({a}, {b})", f"min({a}, {b})", f"({a} % 5 + 1)", f"({a} // 2 + 1)",
        f"abs({a} - {b}) + 1", f"(-{a} + 20)", f"({a} | {b})", f"divmod({a}, 3)[1] + 2", f"pow({a}, 1)",
        f"(({a}) ^ 8)", f"(1 << {a} % 4)", f"round({a} * 1.0)", f"int({a} / 2) + 1", f"({a} == {b}) + 1", f"~-{a} + 1",
    )  # fmt: skip


def _choice(g: Generator, s: Scope, depth: int) -> str:
    a, b = g.integer(s, depth), g.integer(s, depth)
    test = g.test(s, 0.4)
    return g.pick(
        f"({a} if {test} else {b})", f"({a}, {b})[bool({test})]", f"({test} and {a} or {b})", f"({{True: {a}, False: {b}}})[bool({test})]",
        f"(lambda: {a} if {test} else {b})()",
    )  # fmt: skip


def _sequence(g: Generator, s: Scope, depth: int) -> str:
    a, b = g.integer(s, depth), g.integer(s, depth)
    held = g.rng.choice(s.lists) if s.lists and g.chance(0.7) else f"[{a}, {b}]"
    return g.pick(
        f"{held}[0]", f"{held}[-1]", f"max({held})", f"sum({held}[:2])", f"len({held}) + 1", f"sorted({held})[0]",
        f"next(iter({held}))", f"list(reversed({held}))[0]", f"(*{held}, {a})[-1]", f"[*{held}, {a}][0]", f"{held}[len({held}) - 1]",
        f"({held} + [{a}])[-1]", f"({held} * 2)[1]", f"max({held}, key=lambda q: -q)", f"tuple({held})[0]", f"{held}[:][0]",
        f"{held}[::-1][0]", f"min({held}, default={a})", f"{held}.index({held}[-1]) + 1", f"{held}.count({a}) + 1",
        f"list(zip({held}, {held}))[0][1]", f"list(enumerate({held}, {a}))[0][0]", f"dict(enumerate({held}))[0]",
    )  # fmt: skip


def _mapping(g: Generator, s: Scope, depth: int) -> str:
    s = s.inner(walrus=False)  # not within the source of a comprehension
    a, b = g.integer(s, depth), g.integer(s, depth)
    held = g.rng.choice(s.dicts) if s.dicts and g.chance(0.7) else f"{{'a': {a}, 'b': {b}}}"
    return g.pick(
        f"{held}['a']", f"{held}.get('a')", f"{held}.get('z', {a})", f"dict({held}, a={b})['a']", f"{{**{held}, 'a': {b}}}['a']",
        f"({held} | {{'b': {a}}})['b']", f"list({held}.values())[0]", f"len({held}) + 1", f"sum({held}.values())",
        f"{held}.copy()['a']", f"max({held}.values())", f"[v for k, v in {held}.items() if k == 'a'][0]", f"(lambda a, **k: a)(**{held})",
        f"{{k: v + 1 for k, v in {held}.items()}}['a']", f"{held}.get('z') or {b}", f"{held}[next(iter({held}))]",
    )  # fmt: skip


def _comprehension(g: Generator, s: Scope, depth: int) -> str:
    name = g.fresh(s) if g.chance(0.5) else g.fresh(s, "q")
    s = s.inner(walrus=False)
    inner = s.inner(walrus=False)
    inner.drop(name)
    inner.integer(name)
    element = g.integer(inner, 1)
    source = g.rng.choice(s.lists) if s.lists and g.chance(0.6) else f"[{g.integer(s, depth)}, {g.integer(s, 0)}]"
    test = f" if {g.known(inner)}" if g.chance(0.3) else ""
    return g.pick(
        f"[{element} for {name} in {source}{test}][0]", f"sum({element} for {name} in {source}{test})",
        f"list({{{name}: {element} for {name} in {source}{test}}}.values())[-1]", f"max([{element} for {name} in {source}{test}])",
        f"next({element} for {name} in {source}{test})", f"next(({element} for {name} in {source}{test}), {g.number()})",
        f"list(map(lambda {name}: {element}, {source}))[0]", f"len([{name} for {name} in {source} if {name} > {g.number()}]) + 1",
        f"[{name} + q for {name} in {source} for q in range(1, 3)][-1]", f"[[{element}] for {name} in {source}][0][0]",
    )  # fmt: skip


def _call(g: Generator, s: Scope, depth: int) -> str:
    if not s.calls:
        return _lambda(g, s, depth)
    text, arity = g.rng.choice(s.calls)
    return f"{text}({g.arguments(s, arity, depth)})"


def _lambda(g: Generator, s: Scope, depth: int) -> str:
    inner = s.body("q")
    inner.walrus = False
    element, a, b = g.integer(inner, depth), g.integer(s, depth), g.integer(s, 0)
    return g.pick(
        f"(lambda q: {element})({a})", f"(lambda q={a}: {element})()", f"(lambda *q: q[-1])({a}, {b})", f"(lambda **q: q['a'])(a={a})",
        f"(lambda p, *, q={b}: p + q)({a})", f"(lambda q: lambda p: p + q)({a})({b})",
    )  # fmt: skip


def _object(g: Generator, s: Scope, depth: int) -> str:
    a = g.integer(s, depth)
    if not s.objects:
        return f"int('{g.number()}')"
    held = g.rng.choice(s.objects)
    return g.pick(
        f"{held}.a", f"getattr({held}, 'a')", f"getattr({held}, 'zz', {a})", f"getattr({held}, 'a', {a})", f"({held}.a + 1)",
    )  # fmt: skip


def _walrus(g: Generator, s: Scope, depth: int) -> str:
    if not s.walrus:
        return g.integer(s, 0)
    value = g.integer(s, depth)
    name = g.fresh(s)
    s.integer(name)
    return f"({name} := {value})"


def _text(g: Generator, s: Scope, depth: int) -> str:
    a = g.integer(s, depth)
    return g.pick(
        f'int(f"{{{a}}}")', f"int(str({a}))", f"len('abc' * ({a} % 3)) + 1", f"int('{{}}'.format({a}))", f"int('%d' % ({a}))", f"len(str({a})) + 1",
        f"eval('{g.number()} + 1')", f"int('{g.number()},{g.number()}'.split(',')[1])", f"ord(chr({a}))", f'int(f"{{{a}:03d}}")',
    )  # fmt: skip


def _library(g: Generator, s: Scope, depth: int) -> str:
    a, b = g.integer(s, depth), g.integer(s, 0)
    kind = g.rng.randrange(7)
    if kind == 0:
        g.need("import functools")
        return g.pick(f"functools.reduce(lambda p, q: p + q, [{a}, {b}])", f"functools.partial(max, {a})({b})")
    if kind == 1:
        g.need("import math")
        return g.pick(f"math.ceil({a} / 2)", f"math.prod([{a}, 2])", f"math.gcd({a}, {b})", f"math.isqrt({a} * {a})")
    if kind == 2:
        g.need("import operator")
        held = g.rng.choice(s.dicts) if s.dicts else f"{{'a': {a}}}"
        return g.pick(f"operator.add({a}, {b})", f"operator.itemgetter('a')({held})")
    if kind == 3:
        g.need("import itertools")
        return g.pick(
            f"list(itertools.chain([{a}], [{b}]))[-1]",
            f"list(itertools.accumulate([{a}, {b}]))[-1]",
            f"next(itertools.count({a}))",
        )
    if kind == 4:
        g.need("import copy")
        held = g.rng.choice(s.dicts) if s.dicts else f"{{'a': {a}}}"
        return g.pick(f"copy.deepcopy({held})['a']", f"copy.copy({held})['a']")
    if kind == 5:
        g.need("import json")
        return f"json.loads('{{\"a\": {g.number()}}}')['a']"
    g.need("import torch")
    return g.pick(f"torch.zeros(2, {a}).shape[-1]", f"torch.zeros({a}, {b}).size(0)")


INTEGERS: Final[Sequence[Expression]] = (
    _arithmetic, _arithmetic, _arithmetic, _choice, _choice, _sequence, _sequence, _mapping, _mapping, _comprehension, _call, _call,
    _call, _lambda, _object, _object, _walrus, _text, _library,
)  # fmt: skip


# --- tests


def _comparison(g: Generator, s: Scope, depth: int) -> str:
    a, b = g.integer(s, depth), g.integer(s, depth)
    return g.pick(
        f"{a} < {b}", f"{a} == {b}", f"{a} != {b}", f"{a} > 4", f"2 < {a} <= 8", f"{a} in ({b}, 3)", f"{a} % 2", f"not {a} > 3", f"{a} is not None",
        f"isinstance({a}, int)", f"{a} not in [{b}]", f"bool({a} - {b})",
    )  # fmt: skip


def _membership(g: Generator, s: Scope, depth: int) -> str:
    if s.dicts and g.chance(0.6):
        held = g.rng.choice(s.dicts)
        return g.pick(
            f"'a' in {held}",
            f"'z' in {held}",
            f"{held}",
            f"len({held}) > 2",
            f"{held}.get('z')",
            f"{held}.get('z') is None",
            f"not {held}",
        )
    if s.lists:
        held = g.rng.choice(s.lists)
        return g.pick(
            f"{held}",
            f"len({held}) > 2",
            f"{g.number()} in {held}",
            f"{held}[0] > 4",
            f"any(q > 5 for q in {held})",
            f"all({held})",
        )
    return _comparison(g, s, depth)


def _attribute(g: Generator, s: Scope, depth: int) -> str:
    if not s.objects:
        return g.pick("True", "False", "__name__ == '__main__'", "1", "None")
    held = g.rng.choice(s.objects)
    return g.pick(
        f"hasattr({held}, 'a')", f"hasattr({held}, 'zz')", f"{held}.a > 4", f"'a' in vars({held})", f"{held} is None"
    )


def _both(g: Generator, s: Scope, depth: int) -> str:
    a, b = _comparison(g, s, 0), _membership(g, s, 0)
    return g.pick(f"({a} and {b})", f"({a} or {b})", f"not ({a})", f"all([{a}, {b}])", f"any(({a}, {b}))")


TESTS: Final[Sequence[Expression]] = (_comparison, _comparison, _membership, _attribute, _both)
