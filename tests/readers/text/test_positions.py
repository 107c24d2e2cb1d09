"""Where each key of TOML and JSON stands."""

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.readers.text.positions import KeyPath, Places, repeated_key, scan_json, scan_toml
from lstmcalc.readers.text.source_text import SourceText
from tools.strategies import as_toml, json_values, keys


def paths(tree: object, path: KeyPath = (), *, lists: bool = True) -> set[KeyPath]:
    items: Any = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) and lists else ()
    found = {path} - {()}
    for key, value in items:
        found |= paths(value, (*path, key), lists=lists)
    return found


@given(json_values, st.sampled_from([None, 1]), st.booleans())
def test_every_key_of_json_has_its_place(tree: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
    members, source = scan_json(text), SourceText(text)
    assert set(members) == paths(tree)
    for path, member in members.items():
        line = source.lines[member.key.line - 1]
        if isinstance(path[-1], str):
            assert json.loads(line[member.key.start : member.key.stop]) == path[-1]
        elif not isinstance(tree, list | dict):
            assert json.loads(line[member.whole.start : member.whole.stop]) == tree


@given(st.dictionaries(keys, json_values, max_size=4), st.dictionaries(keys, json_values, max_size=3), keys)
def test_every_key_of_toml_outside_of_lists_has_its_place(
    top: dict[str, Any], inner: dict[str, Any], name: str
) -> None:
    text = as_toml({key: value for key, value in top.items() if key != name})
    text += f"[{json.dumps(name)} . 'x y'] # [no]\n{as_toml(inner)}"
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # surrogates, control characters: our own writer is no better than this
        return
    assert set(scan_toml(text)) == paths(tree, lists=False)


def test_places_of_dotted_keys_and_texts_over_several_lines() -> None:
    text = 'a.b . "c" = [1, {x = 3}, # y = 2\n 2]\n[t]\ns = """\nz = 1\n""""\nlast = 1.5\n[[u]]\nv = 1\n'
    places = Places(SourceText(text), scan_toml)
    assert places.key(("a", "b", "c")) == (1, 0, 9)
    assert places.key(("t", "last")) == (7, 0, 4)
    assert places.whole(("t", "last")) == (7, 0, 10)
    assert places.key(("t", "z")) == (3, 0, 3)
    assert places.key(("u", 0, "v")) == (8, 0, 5)
    assert places.key(("nowhere",)) == (1, 0, 1)


def test_the_second_of_two_keys() -> None:
    assert repeated_key('{"a": 1, "b": {"a": 1,\n"a": 2}}') == ("a", (2, 0, 3))
    assert repeated_key('{"a": 1, "b": {"a": 1}}') is None
