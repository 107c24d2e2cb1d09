"""A configuration of any format to its LSTMs: lstmcalc's own tables, or another program's.

Not here: which format a text has (`kinds`), and JSON as it should be (`readers.json_documents`).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lstmcalc.readers.configurations.values import Computed, Tree, TreePlaces
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.documents import Document, Grammar
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text.tables import is_own, read_tables

_EXAMPLE: Final = "lstm: with input_size and hidden_size below, or another program's configuration of an LSTM"
_GRAMMARS: Final = {
    "yaml": Grammar("YAML", "a table", "{}:", "lstm: with encoder: and decoder: below", _EXAMPLE),
    "loose": Grammar("JSON", "an object", '"{}"', '{"lstm": {"encoder": {...}, "decoder": {...}}}', _EXAMPLE),
    "ini": Grammar("INI", "a section", "[{}]", "[encoder] and [decoder]", _EXAMPLE),
}


def read_configuration(source: SourceText, kind: str, origin: str = "source") -> list[Found]:
    """The LSTMs of a text of a kind: `yaml`, `loose` (what is written instead of JSON) or `ini`.

    With the origin `settings`, input_size and hidden_size may be missing in lstmcalc's own tables.
    """
    return lstms_of(*document_of(source, kind, origin))


def document_of(source: SourceText, kind: str, origin: str = "source") -> tuple[Document, Tree]:
    """A text of a kind as a document, and its values; `json` is read as what is written instead of it."""
    kind = "loose" if kind == "json" else kind
    tree = read_tree(source, kind)
    return Document(source, TreePlaces(tree), _GRAMMARS[kind], origin), tree


def read_tree(source: SourceText, kind: str) -> Tree:
    """The values of a text of a kind."""
    return _reader(kind)(source)


def _reader(kind: str) -> Callable[[SourceText], Tree]:
    if kind == "yaml":
        from lstmcalc.readers.configurations.yaml_texts import read_yaml_tree

        return read_yaml_tree
    if kind == "ini":
        from lstmcalc.readers.configurations.ini_texts import read_ini_tree

        return read_ini_tree
    from lstmcalc.readers.configurations.loose_json import read_loose_tree

    return read_loose_tree


def lstms_of(document: Document, tree: Tree) -> list[Found]:
    """The LSTMs of a document: of lstmcalc's own tables, or wherever they stand in another program's."""
    root = tree.root
    if isinstance(root, Mapping) and is_own(root, document.origin):
        return read_tables(document, root)
    if not isinstance(root, Mapping | list):
        document.refuse_unknown(root, document.grammar.expected, _kind(document, root))
    from lstmcalc.readers.configurations.recognition import lstms_of_tree

    return [item._replace(partial=True) for item in lstms_of_tree(document, tree)]


def _kind(document: Document, root: Any) -> str:  # noqa: ANN401  # of any type
    return f"an expression that is computed: {root.text[:60]}" if isinstance(root, Computed) else document.kind(root)


def tree_of(source: SourceText, root: object) -> Tree:
    """The tree of values that another parser has read, whose places are known otherwise.

    Raises:
        SourceError: It has more keys than a document may have values; what stands in lists is not counted.
    """
    tree = Tree(source)
    tree.root = root
    pending = [root]
    while pending:
        held = pending.pop()
        if isinstance(held, Mapping):
            tree.count(len(held))
        items = held.values() if isinstance(held, Mapping) else held if isinstance(held, list) else ()
        pending += [item for item in items if isinstance(item, Mapping | list)]
    return tree
