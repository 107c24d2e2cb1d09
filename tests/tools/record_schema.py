"""The JSON Schema of every command, made of the typed records that its JSON is made of. Run in `tests`:

python -m tools.record_schema
"""

import ast
import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from lstmcalc.commands.registry import COMMANDS
from lstmcalc.report.document import SCHEMA
from lstmcalc.spec.sizes import Dim
from tools.shell import TESTS

FOLDER: Final = TESTS.parent / "docs" / "schema"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: Final = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
# A field that says the same in every document.
_CONSTANTS: Final = {"schema": SCHEMA}

Schema = dict[str, Any]


def schema_of(command: str) -> Schema:
    """The schema of a command's document; a field that is added to a record is one that it allows."""
    makes = getattr(import_module(f"lstmcalc.commands.{command}.report"), f"{command}_report")
    root = _hints(makes)["return"]
    found: dict[str, Schema] = {}
    _HOMES.clear()
    schema = _type(root, found, {})
    assert list(schema) == ["$ref"]
    name = schema["$ref"].rpartition("/")[2]
    body = found.pop(name)
    body["properties"]["command"] = {"const": command, **_described(body["properties"]["command"])}
    title = f"lstmcalc {command} --json"
    return {"$schema": _DIALECT, "title": title, **body, "$defs": dict(sorted(found.items()))}


def _described(schema: Schema) -> Schema:
    return {"description": schema["description"]} if "description" in schema else {}


def error_schema() -> Schema:
    """The schema of the document that an error is, with --json."""
    texts = {key: {"type": ["string", "null"]} for key in ("expected", "found", "hint", "where")}
    kinds = sorted(_kinds())
    error = {"kind": {"enum": kinds}, "message": {"type": "string"}, **texts}
    inner = {"type": "object", "properties": error, "required": list(error)}
    properties = {"schema": {"const": SCHEMA}, "error": inner}
    title = "lstmcalc --json, where something is wrong"
    return {"$schema": _DIALECT, "title": title, "type": "object", "properties": properties, "required": [*properties]}


def _kinds() -> set[str]:
    from lstmcalc.errors import LstmcalcError

    pending, found = [LstmcalcError], set[str]()
    while pending:
        kind = pending.pop()
        found.add(kind.kind)
        pending += kind.__subclasses__()
    return found


def strict(schema: Any) -> Any:
    """The schema that allows no key which is not in it: what is written today."""
    if isinstance(schema, dict):
        closed = {"additionalProperties": False} if "properties" in schema else {}
        return {**{key: strict(value) for key, value in schema.items()}, **closed}
    return [strict(item) for item in schema] if isinstance(schema, list) else schema


# --- types


def _hints(thing: Any) -> dict[str, Any]:
    """The annotations of a record or function, with the names that are imported for types alone."""
    return get_type_hints(thing, localns=_for_types(thing.__module__))


@cache
def _for_types(module: str) -> dict[str, Any]:
    """The names that a module imports for a type checker alone."""
    source = inspect.getsource(import_module(module))
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for item in node.body:
                if isinstance(item, ast.ImportFrom) and item.module and item.module.startswith("lstmcalc."):
                    home = import_module(item.module)
                    found |= {alias.asname or alias.name: getattr(home, alias.name) for alias in item.names}
    return found


def _type(kind: Any, found: dict[str, Schema], variables: Mapping[Any, Any]) -> Schema:  # noqa: C901, PLR0911  # a table
    """The schema of a type; records go to `found`, by name."""
    if isinstance(kind, TypeVar):
        return _type(variables[kind], found, variables)
    origin, arguments = get_origin(kind), get_args(kind)
    if hasattr(origin, "_fields"):
        return _record(kind, found)
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind in (Any, object):
        return {}
    if kind is Dim:
        return {"type": "string"}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType):
        return _either([_type(item, found, variables) for item in arguments])
    if origin is tuple and arguments[-1:] != (Ellipsis,):
        parts = [_type(item, found, variables) for item in arguments]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _type(arguments[1], found, variables)}
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return {"type": "array", "items": _type(arguments[0], found, variables)}
    return _record(kind, found)


def _either(schemas: list[Schema]) -> Schema:
    """Any of several; plain types are put together."""
    plain = [schema["type"] for schema in schemas if list(schema) == ["type"]]
    others = [schema for schema in schemas if list(schema) != ["type"]]
    if {} in others:
        return {}
    if not others:
        return {"type": plain} if len(plain) > 1 else {"type": plain[0]}
    both = [*others, *([{"type": plain if len(plain) > 1 else plain[0]}] if plain else [])]
    return both[0] if len(both) == 1 else {"anyOf": both}


def _record(kind: Any, found: dict[str, Schema]) -> Schema:
    """A record by its name, which is added to those that are found."""
    base = get_origin(kind) or kind
    name = _name(kind)
    if name not in found:
        found[name] = {}  # a record may have itself in it
        variables = dict(zip(getattr(base, "__parameters__", ()), get_args(kind), strict=True))
        found[name] = _object(base, found, variables)
    return {"$ref": f"#/$defs/{name}"}


def _name(kind: Any) -> str:
    """The name of a record: that of its class, after the command's if that is one of it alone."""
    base = get_origin(kind) or kind
    module = base.__module__.split(".")
    own = module[2].title() if module[1] == "commands" and base.__name__ in _SHARED else ""
    name = f"{own}{base.__name__}"
    assert _HOMES.setdefault(name, base) is base, f"two records are called {name}"
    return name


_SHARED: Final = ("SourceRow", "TensorRow")  # the names that two records have
_HOMES: Final[dict[str, Any]] = {}  # the record of each name in one document


def _object(kind: Any, found: dict[str, Schema], variables: Mapping[Any, Any]) -> Schema:
    """The schema of a record: its keys, those that may be left out, and what each is."""
    marks = {item.name: item.metadata for item in fields(kind)} if is_dataclass(kind) else {}
    says = _comments(kind)
    properties: dict[str, Schema] = {}
    required = []
    for name, hint in _hints(kind).items():
        mark: Mapping[Any, Any] = marks.get(name, {})
        if "internal" in mark or (marks and name not in marks):
            continue
        key = name.rstrip("_")
        schema = {"const": _CONSTANTS[key]} if key in _CONSTANTS else _type(hint, found, variables)
        properties[key] = {**schema, **({"description": says[name]} if name in says else {})}
        if "omitted" not in mark and not (is_typeddict(kind) and name in kind.__optional_keys__):
            required.append(key)
    text = inspect.getdoc(kind) or ""
    first = {"description": text.partition("\n")[0]} if text and "(" not in text.partition("\n")[0][:40] else {}
    return {**first, "type": "object", "properties": properties, "required": required}


def _comments(kind: Any) -> dict[str, str]:
    """The comments beside the fields of a record, and of those that it extends."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("lstmcalc."):
            source = inspect.getsource(base)
            found |= dict(re.findall(r"^    (\w+): .*?  # (?!type:|noqa)([^#\n]+)$", source, re.MULTILINE))
    return {name: text.strip().replace("`", "") for name, text in found.items()}


# --- files


def documents() -> dict[str, Schema]:
    """Every schema, by the name of its file without the suffix."""
    return {**{command: schema_of(command) for command in COMMANDS}, "error": error_schema()}


def text_of(schema: Schema) -> str:
    return json.dumps(schema, indent=2) + "\n"


def main(say: Callable[[str], None] = print, folder: Path = FOLDER) -> None:
    """Write every schema."""
    folder.mkdir(exist_ok=True)
    for name, schema in documents().items():
        (folder / f"{name}.json").write_text(text_of(schema), encoding="utf-8")
        say(f"{name}.json: {len(schema.get('$defs', {}))} records")


if __name__ == "__main__":
    main()
