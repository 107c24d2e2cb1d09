"""A file of settings beside a source: lstmcalc's own, or values for names in code.

Not here: what they are given to (`intake.settings_files`).
"""

from collections.abc import Mapping
from typing import Any, Final

from lstmcalc.errors import SourceError, UsageError
from lstmcalc.readers.configurations.documents import document_of, tree_of
from lstmcalc.readers.configurations.names import NameValues
from lstmcalc.readers.configurations.values import Computed, Tree, TreePlaces
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import Document
from lstmcalc.readers.text.positions import Member
from lstmcalc.readers.text.source_text import SourceText, Span
from lstmcalc.readers.text.tables import is_own, read_tables
from lstmcalc.readers.text.toml_texts import load_document
from lstmcalc.readers.text_kinds import text_kind
from lstmcalc.spec.config import HYPERPARAMETERS

_TABLES: Final = ("lstm", "data", "around")
_ORIGIN: Final = "settings"


def own_settings(source: SourceText, *, flat: bool) -> list[Found]:
    """The LSTMs of lstmcalc's own settings in a text; none if it is another program's.

    With `flat` PyTorch's names at the top, without a table, are its own too.
    """
    loaded = _loaded(source)
    if loaded is None:
        return []
    document, tree = loaded
    root = tree.root
    if not isinstance(root, Mapping) or not root:
        return []
    tables = any(isinstance(root.get(name), Mapping) for name in _TABLES)
    if not (tables or (flat and any(name in root for name in HYPERPARAMETERS))) or not is_own(root):
        return []
    found = read_tables(document, root)
    return [item._replace(gaps={}) for item in found]


def values_of_text(source: SourceText) -> NameValues:
    """The values of a text for names in code: of a configuration, or the constants of a Python file."""
    loaded = _loaded(source)
    if loaded is not None:
        document, tree = loaded
        if not isinstance(tree.root, Mapping):
            raise SourceError("this has no names", "keys with values", document.kind(tree.root), where=source.name)
        return NameValues(tree, document.places, source.name)
    from lstmcalc.readers.python.module_constants import Constant, constants_in

    tree = Tree(source)

    def table(members: Mapping[str, Constant]) -> Any:  # noqa: ANN401  # a table of the tree
        made = tree.new(dict)
        for name, item in members.items():
            value = item.value if item.known else Computed(f"{name}, which is not known")
            line = source.lines[item.line - 1] if item.line <= len(source.lines) else ""
            span = Span(item.line, len(line) - len(line.lstrip()), max(1, len(line)))
            tree.put(made, name, table(value) if isinstance(value, Mapping) else value, Member(span, span))
        return made

    tree.root = table(constants_in(source))
    return NameValues(tree, TreePlaces(tree), source.name)


def _loaded(source: SourceText) -> tuple[Document, Tree] | None:
    """A text as a document with its values; None for Python code."""
    if not source.text.strip():
        raise UsageError(f"{source.name} is empty", "settings: YAML, TOML, JSON, INI or Python", where="--config")
    kind = text_kind(source)
    if kind == "toml":
        document, root = load_document(source, _ORIGIN)
        return document, tree_of(source, root)
    if kind in ("yaml", "ini", "loose", "json"):
        return document_of(source, kind, _ORIGIN)
    name = source.name.lower()
    if kind == "code" and not name.endswith((".py", ".ipynb")):
        return _guessed(source)
    return None


def _guessed(source: SourceText) -> tuple[Document, Tree] | None:
    """A text without a suffix in which no LSTM is recognised: INI or YAML, if it is one; None if it is Python."""
    from lstmcalc.readers.configurations.ini_texts import looks_like_ini
    from lstmcalc.readers.configurations.yaml_texts import looks_like_yaml
    from lstmcalc.readers.pasted.kinds import parses

    for kind, fits in (("ini", looks_like_ini), ("yaml", looks_like_yaml)):
        if fits(source.lines) and not (kind == "yaml" and parses(source.text)):
            return document_of(source, kind, _ORIGIN)
    if source.text.lstrip()[0] in "{[/":
        return document_of(source, "loose", _ORIGIN)
    return None
