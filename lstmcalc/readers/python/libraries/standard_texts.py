"""Texts that hold values: JSON, literals of Python, configuration files.

Not here: methods of texts (`builtin.constants`).
"""

import ast
import json
from dataclasses import replace

from lstmcalc.readers.python.builtin.constants import constant, lifted, run_pure
from lstmcalc.readers.python.core.classes_of_python import plain
from lstmcalc.readers.python.core.operators import MAX_ITEMS
from lstmcalc.readers.python.core.values import (
    Args,
    Items,
    Missing,
    Value,
    unknown_of,
)
from lstmcalc.readers.python.libraries.known import lib_function, primitive
from lstmcalc.readers.python.libraries.libraries import Libraries


@lib_function("json.loads")
def _loads(machine: Libraries, args: Args, node: ast.AST) -> Value:
    text = plain(args.pos[0]) if args.pos else None
    if not isinstance(text, str | bytes) or len(text) > MAX_ITEMS or len(args.pos) > 1:
        machine.may_raise()
        return unknown_of(*args.all)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        machine.throw("ValueError", "json")
    hook = args.kw.get("object_hook")
    if set(args.kw) - {"object_hook"}:
        return unknown_of(*args.all)
    return _hooked(machine, value, hook, node) if hook is not None else lifted(machine, value)


def _hooked(machine: Libraries, value: object, hook: Value, node: ast.AST) -> Value:
    if isinstance(value, dict):
        made = machine.new_dict({key: _hooked(machine, item, hook, node) for key, item in value.items()})
        return machine.call(hook, Args([made]), node)
    if isinstance(value, list):
        return machine.new_list(_hooked(machine, item, hook, node) for item in value)
    return lifted(machine, value)


@lib_function("ast.literal_eval")
def _literal(machine: Libraries, args: Args, _: ast.AST) -> Value:
    text = plain(args.pos[0])
    if not isinstance(text, str) or len(text) > 10_000:  # nobody writes a longer one
        machine.may_raise()
        return unknown_of(text)
    try:
        return lifted(machine, ast.literal_eval(text))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        machine.throw("ValueError", "literal")


@lib_function("json.dumps")
def _dumps(machine: Libraries, args: Args, _: ast.AST) -> Value:
    value = constant(args.pos[0])
    if isinstance(value, Missing) or len(args.pos) > 1 or set(args.kw) - {"sort_keys"}:
        return unknown_of(*args.all)
    return run_pure(machine, json.dumps, Args([args.pos[0]], dict(args.kw)))


@primitive("_ini")
def _ini(machine: Libraries, args: Args, _: ast.AST) -> Value:
    """The sections of a configuration file's text."""
    import configparser

    text = plain(args.pos[0])
    if not isinstance(text, str) or len(text) > MAX_ITEMS or "%" in text:
        return machine.new("dict", Items({}, replace(unknown_of(text), absent=True)))
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        machine.throw("ValueError", "ini")
    own = {
        name: {key: parser[name][key] for key in parser[name] if key not in parser.defaults()}
        for name in parser.sections()
    }
    return lifted(machine, {"DEFAULT": dict(parser.defaults()), **own})


@primitive("_boolean")
def _boolean(machine: Libraries, args: Args, _: ast.AST) -> Value:
    text = plain(args.pos[0])
    if not isinstance(text, str):
        return unknown_of(text)
    known = {**dict.fromkeys(("1", "yes", "true", "on"), True), **dict.fromkeys(("0", "no", "false", "off"), False)}
    if text.lower() not in known:
        machine.throw("ValueError", "boolean")
    return known[text.lower()]
