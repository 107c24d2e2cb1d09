"""YAML, composed from the events of PyYAML: nothing of a document is constructed but tables, lists and scalars.

A tag that is not YAML's own makes no object: that of a table is kept as the name of a class (`!new:torch.nn.LSTM`,
`!!python/object:argparse.Namespace`), that of a scalar makes it an expression that something else computes
(`!ref <hidden>`).

Sources: PyYAML 6.0.3 (`SafeLoader`, whose resolver and constructors of scalars are used; YAML 1.1), HyperPyYAML 1.2.2
(its tags, core.py).
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from lstmcalc.errors import MissingExtraError, SourceError
from lstmcalc.readers.configurations.values import (
    MAX_TEXT,
    Computed,
    Repeat,
    Tree,
    check_length,
    check_level,
)
from lstmcalc.readers.text.documents import depth_error, digits_error
from lstmcalc.readers.text.positions import Lines, Member
from lstmcalc.readers.text.source_text import SourceText, Span

_MAX_WITHOUT_C: Final = 2**18  # characters that PyYAML reads in a few seconds if it has no libyaml
_OWN: Final = "tag:yaml.org,2002:"
_PYTHON: Final = "tag:yaml.org,2002:python/"
_NAMES: Final = (f"{_PYTHON}name:", "!name:", "!new:")  # tags of scalars that name a class
_SCALARS: Final = ("null", "bool", "int", "float")
# The beginning of a line that programs print around their settings, `---- Options ----`; the length stays.
_RULE: Final = re.compile(r"(?m)^(?=----|====|\*\*\*\*)[-=*]")
_DIGITS: Final = 4000  # Python reads no longer number
_REFERENCE: Final = re.compile(r"<([\w.\-\[\]]+)>")


def load_yaml() -> Any:  # noqa: ANN401  # a module without types
    """PyYAML; MissingExtraError without it."""
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("PyYAML is not installed, which reads YAML", hint="pip install pyyaml") from None
    return yaml


def read_yaml_tree(source: SourceText) -> Tree:
    """The values of a YAML text; several documents are a list of them."""
    yaml = load_yaml()
    has_c = hasattr(yaml, "CSafeLoader")
    check_length(source, MAX_TEXT if has_c else _MAX_WITHOUT_C)
    composer = _Composer(source, yaml)
    try:
        text = _RULE.sub("#", source.text)
        for event in yaml.parse(text, Loader=yaml.CSafeLoader if has_c else yaml.SafeLoader):
            composer.take(event)
    except SourceError:
        raise
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in str(error.problem):
            raise depth_error(source) from None
        mark = error.problem_mark or error.context_mark
        span = Span(mark.line + 1, mark.column, mark.column + 1) if mark else Span(1, 0, 1)
        what = " ".join(str(error.problem or error.context or "it does not parse").split())
        raise source.error(span, f"this is not YAML: {what}, in column {span.start + 1}") from None
    except (yaml.YAMLError, ValueError, UnicodeError) as error:
        position = getattr(error, "position", None)
        what = f"this is not YAML: {getattr(error, 'reason', '') or 'it does not parse'}"
        if isinstance(position, int) and position <= len(source.text):
            raise source.error(source.span_of(position), what) from None
        raise SourceError(what, where=source.name) from None
    return composer.finish()


class _Open:
    """A table or a list that is being composed."""

    def __init__(self, made: Any, start: int, anchor: str | None, tag: str) -> None:  # noqa: ANN401  # a container
        self.made = made
        self.start = start  # the offset of its first character
        self.anchor = anchor
        self.tag = tag
        self.key: Any = _NO_KEY
        self.key_start = 0
        self.key_stop = 0
        self.merges: list[dict[str, Any]] = []


_NO_KEY: Final = object()
_MERGE: Final = object()


class _Composer:
    """Composes values from events, without recursion."""

    def __init__(self, source: SourceText, yaml: Any) -> None:  # noqa: ANN401  # as above
        self._source = source
        self._yaml = yaml
        self._loader = yaml.SafeLoader("")
        self._tree = Tree(source)
        self._lines = Lines(source.text)
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents: list[tuple[Any, int]] = []

    def take(self, event: Any) -> None:  # noqa: ANN401  # of PyYAML
        """Take the next event."""
        yaml = self._yaml
        if isinstance(event, yaml.ScalarEvent):
            self._tree.count()
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._tree.count()
            check_level(self._source, len(self._open) + 1)
            made = self._tree.new(dict if isinstance(event, yaml.MappingStartEvent) else list)
            self._open.append(_Open(made, event.start_mark.index, event.anchor, event.tag or ""))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._close(event.end_mark.index)
        elif isinstance(event, yaml.AliasEvent):
            self._tree.count()
            if event.anchor not in self._anchors:
                span = self._lines.span(event.start_mark.index, event.end_mark.index)
                inside = any(item.anchor == event.anchor for item in self._open)
                why = "an alias for what it is in" if inside else "an alias of nothing before it"
                raise self._source.error(span, why, found=f"*{event.anchor[:60]}")
            value, _ = self._anchors[event.anchor]
            self._value(value, event.start_mark.index, event.end_mark.index, is_key=not isinstance(value, dict | list))
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}

    def finish(self) -> Tree:
        """The tree, when all events are taken."""
        tree = self._tree
        kept = [item for item in self._documents if item[0] is not None]
        if len(kept) == 1:
            tree.root = kept[0][0]
        elif kept:
            tree.root = tree.new(list)
            for number, (value, start) in enumerate(kept):
                span = self._lines.span(start, start + 1)
                tree.put(tree.root, number, value, Member(span, span))
        return tree

    def _scalar(self, event: Any) -> None:  # noqa: ANN401  # of PyYAML
        start, stop = event.start_mark.index, event.end_mark.index
        expects_key = bool(self._open) and isinstance(self._open[-1].made, dict) and self._open[-1].key is _NO_KEY
        if expects_key and event.value == "<<" and event.implicit[0]:
            value: Any = _MERGE
        else:
            value = self._scalar_value(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, start)
        self._value(value, start, stop, is_key=True)

    def _scalar_value(self, event: Any) -> Any:  # noqa: ANN401  # of PyYAML
        """The value of a scalar, resolved as PyYAML's SafeLoader does."""
        text, tag = event.value, event.tag
        if tag is None or tag == "!":
            tag = self._loader.resolve(self._yaml.ScalarNode, text, event.implicit)
        named = next((tag.removeprefix(start) for start in _NAMES if tag.startswith(start)), "")
        if named and not text:
            return named
        if not tag.startswith(_OWN) or tag.startswith(_PYTHON):
            refers = _REFERENCE.fullmatch(text.strip()) if tag == "!ref" else None
            return Computed(f"{tag} {text}".strip(), _dotted(refers.group(1)) if refers else "")
        if tag.removeprefix(_OWN) not in _SCALARS:
            return text
        if len(text) > _DIGITS:
            raise digits_error(self._source)
        try:
            return self._loader.construct_object(self._yaml.ScalarNode(tag, text))
        except (ValueError, KeyError, IndexError, OverflowError, self._yaml.YAMLError):
            return text

    def _value(self, value: Any, start: int, stop: int, *, is_key: bool) -> None:  # noqa: ANN401  # of any type
        """Take a value: the document's, a key, the value of a key, or an item of a list."""
        if not self._open:
            self._documents.append((value, start))
            return
        top = self._open[-1]
        if isinstance(top.made, list):
            member = Member(self._lines.span(start, start + 1), self._lines.span(start, stop))
            self._tree.put(top.made, len(top.made), value, member)
        elif top.key is _NO_KEY:
            named = value if value is _MERGE else _key_text(value) if is_key else "?"
            top.key, top.key_start, top.key_stop = named, start, stop
        elif top.key is _MERGE:
            items = value if isinstance(value, list) else [value]
            top.merges += [item for item in items if isinstance(item, dict)]
            top.key = _NO_KEY
        else:
            self._member(top, value, stop)

    def _member(self, top: _Open, value: Any, stop: int) -> None:  # noqa: ANN401  # of any type
        key = self._lines.span(top.key_start, top.key_stop)
        before = self._tree.place_in(top.made, top.key)
        if before is not None:
            self._tree.repeats[id(top.made), top.key] = Repeat(top.key, before.key, key)
        self._tree.put(top.made, top.key, value, Member(key, self._lines.span(top.key_start, stop)))
        top.key = _NO_KEY

    def _close(self, stop: int) -> None:
        top = self._open.pop()
        made = top.made
        if top.merges:
            self._tree.merge(made, top.merges)
        if isinstance(made, dict) and top.tag and top.tag != f"{_OWN}map":
            inner = made.get("dictitems")
            if top.tag.startswith(f"{_PYTHON}object/new:") and isinstance(inner, dict):
                made = inner  # a subclass of dict, as EasyDict: the rest is its state
            elif not top.tag.startswith(_OWN) or top.tag.startswith(f"{_PYTHON}object"):
                self._tree.name_class(made, re.split(":", top.tag)[-1].lstrip("!"))
        if top.anchor:
            self._anchors[top.anchor] = (made, top.start)
        self._value(made, top.start, stop, is_key=False)


def _key_text(value: object) -> str:
    """A key as a text: `1` is `"1"`."""
    return value if isinstance(value, str) else value.text if isinstance(value, Computed) else str(value).lower()


def _dotted(path: str) -> str:
    """A path of HyperPyYAML, `model[hidden]`, with dots."""
    return path.replace("[", ".").replace("]", "")


def looks_like_yaml(lines: Sequence[str]) -> bool:
    """True if most lines have the form of YAML's: a key and a value, an item, a comment."""
    said = (line for line in lines if line.strip() and not line.lstrip().startswith("#") and not _RULE.match(line))
    forms = [bool(_LINE.match(line)) for line in said]
    return bool(forms) and sum(forms) >= 0.6 * len(forms)  # the others continue a value


_LINE: Final = re.compile(r"[ \t]*+(?:- )?+[ ]*+(?:[\w.\-/]++|\"[^\"\n]*+\"|'[^'\n]*+')[ ]*+:(?:[ \t]|$)|[ \t]*+- |---")
