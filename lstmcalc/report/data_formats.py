"""The report itself, written row by row as the rows are made: JSON and CSV."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final, TypeAlias

from lstmcalc.errors import harmless
from lstmcalc.lazy import LazySequence
from lstmcalc.report.blocks import shape_text

Plain: TypeAlias = dict[str, Any]  # a document as JSON has it
Progress: TypeAlias = Callable[[int, int], None]  # what is done, and all there is to do


def write_json(tree: Plain, stream: IO[str], progress: Progress | None = None) -> None:
    """Write JSON with one line for each row of a list, so that it can be read, searched and compared by line."""
    stream.writelines(_json_document(tree, progress))


def _told(rows: Sequence[Plain], progress: Progress | None) -> Iterable[Plain]:
    """The rows, each told of."""
    if progress is None:
        return rows
    return _telling(rows, progress)


def _telling(rows: Sequence[Plain], progress: Progress) -> Iterator[Plain]:
    for number, row in enumerate(rows):
        progress(number, len(rows))
        yield row


def _json_document(tree: Plain, progress: Progress | None) -> Iterator[str]:
    from json import JSONEncoder

    plainly = JSONEncoder(allow_nan=False).encode

    def encode(value: object) -> str:
        return plainly(value).replace("\x7f", r"\u007f")  # the one control character that JSON may have as it is

    yield "{"
    for key, value in tree.items():
        if key != "modules":
            yield f"{encode(key)}: {encode(value)}, "
    yield '"modules": ['
    for position, module in enumerate(tree["modules"]):
        yield ",\n  {" if position else "\n  {"
        for number, (key, value) in enumerate(module.items()):
            yield ("," if number else "") + f"\n    {encode(key)}: "
            yield from _json_value(value, encode, progress)
        yield "\n  }"
    yield "\n]}\n"


def _json_value(value: object, encode: Callable[[object], str], progress: Progress | None) -> Iterator[str]:
    """The JSON of a module's value; each of its rows, or of its keys, is on a line of its own."""
    if isinstance(value, Sequence) and len(value) and isinstance(value[0], dict):
        for position, row in enumerate(_told(value, progress)):
            yield ("," if position else "[") + f"\n      {encode(row)}"
        yield "\n    ]"
    elif isinstance(value, LazySequence):  # an empty one
        yield "[]"
    elif isinstance(value, dict) and any(isinstance(item, dict) for item in value.values()):
        for position, (key, item) in enumerate(value.items()):
            yield ("," if position else "{") + f"\n      {encode(key)}: {encode(item)}"
        yield "\n    }"
    else:
        yield encode(value)


def write_csv(tree: Plain, stream: IO[str], progress: Progress | None = None) -> None:
    """Write one section for each list of the report, divided by an empty line; the first column is the module."""
    from csv import writer

    out = writer(stream, lineterminator="\n")
    for key, rows in tree.items():  # of the report as a whole
        if key != "modules" and _is_flat(rows):
            out.writerow(rows[0])
            out.writerows(map(_csv_cell, row.values()) for row in _told(rows, progress))
            stream.write("\n")
    names = [key for module in tree["modules"] for key, value in module.items() if _is_table(value)]
    for position, name in enumerate(dict.fromkeys(names)):
        if position:
            stream.write("\n")
        having = [module for module in tree["modules"] if _is_table(module.get(name))]
        columns = list(dict.fromkeys(key for module in having for key in module[name][0]))
        out.writerow(["module", *columns])
        for module in having:
            owner = _csv_text(module["name"])
            out.writerows(
                [owner, *(_csv_cell(row.get(key)) for key in columns)] for row in _told(module[name], progress)
            )


def _is_table(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) > 0 and isinstance(value[0], Mapping)


def _is_flat(value: Any) -> bool:  # noqa: ANN401  # of a document
    """True for a table whose cells are not tables."""
    return _is_table(value) and not any(isinstance(cell, Mapping | list) for cell in value[0].values())


def _csv_cell(value: object) -> object:
    """A value as a cell: numbers as numbers, shapes and gate rows as in the tables."""
    if type(value) is int:  # nearly all of a long table
        return value
    if isinstance(value, list):
        sentences = any(re.search("[a-z,] [a-z]", str(item)) for item in value)
        return _csv_text("; ".join(value) if sentences else shape_text(value))
    if isinstance(value, str):
        return _csv_text(re.sub(r"\n+", "\n", value).strip() if "\n" in value else value)  # no line between sections
    if isinstance(value, Mapping):
        ranges = {key: ":".join(map(str, part)) if isinstance(part, list) else part for key, part in value.items()}
        return _csv_text(", ".join(f"{key} {part}" for key, part in ranges.items()))
    return str(value).lower() if isinstance(value, bool) else value


_NUMBER: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?"  # as Python writes it


def _csv_text(text: str) -> str:
    """Text as a cell: an apostrophe keeps a spreadsheet from computing what looks like a formula, but for a number."""
    text = harmless(text, keep="\n", most=len(text))
    if text.lstrip().startswith(_FORMULAS) and not re.fullmatch(_NUMBER, text):
        return f"'{text}"
    return text


# The beginnings of formulas (OWASP, "CSV injection"), and their wide forms, which Excel takes for the same.
_FORMULAS: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
