"""Generated documents with an LSTM somewhere in them: the same settings are read back, with the right lines."""

import configparser
import io
import json
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tools.configured import found_in

KEYS = st.text("abcdeghijkopqr", min_size=2, max_size=5)
TEXTS = st.sampled_from(
    ["", "a: b", "# no", "'", '"', "ä\u2028日", "🙂 x", "1e3", "yes", "null", "a\nb", "\t", "- x", "{", "%"]
)
SCALARS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none() | TEXTS
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
LSTMS = st.fixed_dictionaries(
    {"input_size": st.integers(1, 9999), "hidden_size": st.integers(2, 9999)},
    optional={
        "num_layers": st.integers(1, 9),
        "bidirectional": st.booleans(),
        "bias": st.booleans(),
        "batch_first": st.booleans(),
        "dropout": st.sampled_from([0.0, 0.25, 0.5]),
    },
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    """A document, the path of the LSTM in it, and its settings."""
    settings = draw(LSTMS)
    path = [*draw(st.lists(KEYS, max_size=3)), "zz"]
    tree: Any = {**draw(st.dictionaries(KEYS, SCALARS, max_size=2)), "type": "lstm", **settings}
    for key in reversed(path):
        beside = draw(st.dictionaries(KEYS, TREES, max_size=3))
        beside.pop(key, None)
        items = [*beside.items(), (key, tree)]
        tree = dict(draw(st.permutations(items)))
    return tree, path, settings


def check(text: str, name: str, path: list[str], settings: dict[str, Any]) -> None:
    found = next(item for item in found_in(text, name) if item.name == ".".join(path))
    assert {field: setting.value for field, setting in found.layer.items()} == settings
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for field, setting in found.layer.items():
        where = setting.origin.where or ""
        line = lines[int(where.rpartition(":")[2]) - 1]
        assert field in line
        assert str(setting.value).lower() in line.lower()


@given(documents(), st.booleans(), st.sampled_from([2, 4]))
def test_yaml(document: tuple[dict[str, Any], list[str], dict[str, Any]], unicode: bool, indent: int) -> None:
    tree, path, settings = document
    text = yaml.safe_dump(tree, allow_unicode=unicode, sort_keys=False, indent=indent)
    check(text, "a.yaml", path, settings)


@given(documents(), st.sampled_from([None, 1, 4]))
def test_json_with_comments(document: tuple[dict[str, Any], list[str], dict[str, Any]], indent: int | None) -> None:
    tree, path, settings = document
    plain = json.dumps(tree, indent=indent)
    check(plain, "a.json", path, settings)
    check("// {\n/* [\n*/" + plain[:-1] + ",\n} # end", "a.jsonc", path, settings)


@given(documents())
def test_printed(document: tuple[dict[str, Any], list[str], dict[str, Any]]) -> None:
    tree, path, settings = document
    found = next(item for item in found_in(repr(tree), "a.json5") if item.name == ".".join(path))
    assert {field: setting.value for field, setting in found.layer.items()} == settings


@given(LSTMS, st.dictionaries(KEYS, st.integers() | st.sampled_from(["x y", "a=b", "1.5"]), max_size=3), KEYS)
def test_ini(settings: dict[str, Any], beside: dict[str, Any], section: str) -> None:
    parser = configparser.RawConfigParser()
    parser["first"] = {key: str(value) for key, value in beside.items()}
    parser[f"z{section}"] = {**parser["first"], "type": "lstm", **{key: str(value) for key, value in settings.items()}}
    stream = io.StringIO()
    parser.write(stream)
    check(stream.getvalue(), "a.ini", [f"z{section}"], settings)
