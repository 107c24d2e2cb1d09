"""Random programs with LSTMs of PyTorch."""

from typing import Final

from tools.programs import containers, expressions, functions, layers, objects, records, scripts, statements
from tools.programs.grammar import Generator, Lines, Scope, Vocabulary

PLAIN: Final = [
    statement
    for page in (statements, containers, functions, objects, records, scripts)
    for statement in page.STATEMENTS
]
VOCABULARY: Final = Vocabulary([*PLAIN, *layers.STATEMENTS], expressions.INTEGERS, expressions.TESTS)
# What constructs nothing.
IMPORTED: Final = Vocabulary(PLAIN, expressions.INTEGERS, expressions.TESTS)


def torch_program(seed: int) -> str:
    """The program of a seed."""
    g = Generator(seed, VOCABULARY)
    scope = Scope()
    lines = [f"h = {g.number()}"] if g.chance(0.7) else []
    if lines:
        scope.integer("h")
    wanted = g.pick(2, 3, 5, 8, 14, 22)
    while len(lines) < wanted:
        lines += g.statement(scope)
    lines += layers.construct(g, scope)
    lines += layers.made(g, scope) or []
    if g.chance(0.3):
        lines += g.statement(scope)
    if g.chance(0.2):
        lines += layers.cast(g, scope) or []
    if g.chance(0.05):
        g.need("import sys")
        lines += [g.pick("sys.exit()", "sys.exit(0)", "if __name__ == '__main__': sys.exit(None)")]
    header = ["import torch.nn as nn", *g.imports]
    return "\n".join([*header, *lines, ""])


def torch_file(seed: int) -> str:
    """A program that others import: a class of modules that it does not call itself. The last line calls it."""
    g = Generator(seed, IMPORTED)
    scope = Scope()
    lines = [f"h = {g.number()}"]
    scope.integer("h")
    wanted = g.pick(0, 1, 3, 6, 12)
    while len(lines) < wanted:
        lines += g.statement(scope)
    made: Lines = []
    while not scope.makers or scope.makers[-1][1]:
        scope.makers.clear()
        made = layers.module(g, scope) or []
    lines += made
    if g.chance(0.5):
        lines += g.statement(scope)
    header = ["import torch.nn as nn", *g.imports]
    return "\n".join([*header, *lines, repr(f"{scope.makers[0][0]}()"), ""])
