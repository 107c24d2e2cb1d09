"""Configurations that are made to hurt: bounded in time and memory, nothing constructed, nothing written."""

import sys
from pathlib import Path
from time import process_time

import pytest

from lstmcalc.errors import LstmcalcError, MissingExtraError, NoLstmError, SourceError
from lstmcalc.readers.configurations.documents import read_tree
from lstmcalc.readers.configurations.values import MAX_TEXT
from lstmcalc.readers.text.source_text import SourceText
from tools.configured import found_in, said_in, sizes

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 10)
)
MERGES = (
    "a0: &a0 {"
    + ", ".join(f"k{key}: 1" for key in range(200))
    + "}\n"
    + "".join(
        f"a{number}: &a{number} {{<<: [{', '.join([f'*a{number - 1}'] * 40)}], n{number}: 1}}\n"
        for number in range(1, 300)
    )
)
LSTM = "net: {type: lstm, input_size: 3, hidden_size: 4}\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LAUGHS + LSTM, "too many values"),
        (MERGES + LSTM, "too many values"),
        ("[" * 1_000_000, "nested too deeply"),
        ("{a: " * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
        ("a: &a [*a]\n", "an alias for what it is in"),
        ("a: *b\n", "an alias of nothing"),
        ("a: [1\nb: 2\n", "this is not YAML"),
        ("a: \x07\n", "this is not YAML"),
        ("a: 'x\n", "this is not YAML"),
        ("&" * 1000, "this is not YAML"),
        ("\t- a\n", "this is not YAML"),
        ("%YAML 9.9\n---\na: 1\n", "this is not YAML"),
        ("a: " + "9" * 100_000 + "\n", "too large"),
        ("- a\n" * 120_000, "too many values"),
        ("x" * (MAX_TEXT + 1), "too long"),
    ],
)
def test_hostile_yaml(text: str, why: str) -> None:
    start = process_time()
    with pytest.raises(SourceError, match=why):
        read_tree(SourceText(text, "a.yaml"), "yaml")
    assert process_time() - start < 5  # seconds


@pytest.mark.parametrize("end", ["", "]" * 5])
@pytest.mark.parametrize("start", ["[", '{"a": ', "(", "Namespace(a=", "dict(a={b: "])
def test_hostile_brackets(start: str, end: str) -> None:
    with pytest.raises(SourceError, match=r"nested too deeply|not JSON"):
        read_tree(SourceText(start * 200_000 + end, "a.json5"), "loose")


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ('{"a', 2, "a key and a value, found '\"a'"), ("{'a", 2, "a key and a value, found \"'a\""), ("{a", 2, "a key and a value, found 'a'"),
        ("{a:", 3, "a value, found the end"), ("{a: 1", 5, "} at the end, found the end"), ("{a: }", 5, "} at the end, found the end"),
        ("{: 1}", 2, "a key and a value, found ':'"), ("{a 1}", 2, "a key and a value, found 'a'"), ("[1 2", 4, "] at the end, found the end"),
        ("/* x", 4, "a value, found the end"), ("// x", 4, "a value, found the end"), ("{a: 1}}", 7, "a value, found '}'"),
        ("local", 5, "a name and a value: local NAME = VALUE;, found the end"), ("local x", 7, "a name and a value: local NAME = VALUE;, found 'x'"),
        ("local x = 1", 11, "a value, found the end"), ("{a: (}", 6, ") at the end, found the end"), ("Namespace(", 10, ") at the end, found the end"),
        ("Namespace(1", 11, "a key and a value, found '1'"), ("Namespace(a", 11, "a key and a value, found 'a'"),
        ('{"a": "\\u12"', 12, "} at the end, found the end"), ("{a: 'b\\", 7, "} at the end, found the end"), ("{[x]: 1", 7, "} at the end, found the end"),
        ("{local", 6, "} at the end, found the end"), ("{a+", 3, "a value, found the end"), ("{a+:", 4, "a value, found the end"),
    ],
)  # fmt: skip
def test_damaged_loose_json(text: str, column: int, expected: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_tree(SourceText(text, "a.json5"), "loose")
    first, *_, last = str(caught.value).splitlines()
    assert first == f"a.json5:1: this is not JSON, nor like it, in column {column}"
    assert last == f"  expected {expected}"


@pytest.mark.parametrize("text", ["\\", "}"])
def test_loose_json_of_one_word_is_that_word(text: str) -> None:
    assert read_tree(SourceText(text, "a.json5"), "loose").root.text == text


def test_every_beginning_of_a_document() -> None:
    whole = "local h = 4;\n// c\n{ e: { type: 'lstm', \"input_size\": 3, hidden_size: h + 1, l: [1, {a: null},], }, x: std.extVar('x') + {a: 1} }"
    refused = {}
    for end in range(len(whole)):
        try:
            read_tree(SourceText(whole[:end], "a.jsonnet"), "loose")
        except SourceError as error:
            refused[end] = error.what
    assert set(range(len(whole))) - set(refused) == {*range(1, len("loca") + 1), len("local h = 4;\n/")}  # bare words
    assert all(what.startswith("this is not JSON, nor like it, in column ") for what in refused.values())


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!python/object/new:os.system", "!!python/name:os.system", "!!python/module:os", "!new:os.system",
            "!apply:os.system", "!!python/object:os.system", "!x"]
)  # fmt: skip
@pytest.mark.parametrize("value", ["[touch pwned]", "{args: [touch pwned]}", "touch pwned", "''"])
def test_no_tag_makes_an_object(tag: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said_in(f"a: {tag} {value}\n{LSTM}", "a.yaml") == {"net": sizes(3, 4)}
    assert not list(tmp_path.iterdir())


def test_keys_with_escapes_are_shown_harmless() -> None:
    with pytest.raises(LstmcalcError) as caught:
        found_in('"\\e[31mred": {type: gru, input_size: 3, hidden_size: 4}\n', "a.yaml")
    assert "\x1b" not in str(caught.value)
    (found,) = found_in('"\\e[31mred": {type: lstm, input_size: 3, hidden_dim: 4}\n', "a.yaml")
    assert "\x1b" not in "".join(found.uncertain)


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "a: [1, 2]\n? [x, y]\n: 3\n1: 2\n~: 3\n", "--- 1\n--- 2\n", "", "# x\n", "---\n...\n"]
)
def test_odd_documents_have_no_lstm(text: str) -> None:
    with pytest.raises((NoLstmError, SourceError)):
        found_in(text, "a.yaml")


def test_several_documents() -> None:
    assert said_in(f"a: 1\n---\n{LSTM}", "a.yaml") == {"1.net": sizes(3, 4)}


def test_numbers_and_words_are_those_of_yaml_1_1() -> None:
    tree = read_tree(
        SourceText(
            "[0x10, 0o7, 010, 1_000, 1e3, 1.5e+3, yes, 'yes', ~, 2001-01-01, 1:30, !!int '7', !!str 7, !!int x]"
        ),
        "yaml",
    )
    assert tree.root == [16, "0o7", 8, 1000, "1e3", 1500.0, True, "yes", None, "2001-01-01", 90, 7, "7", "x"]


def test_without_pyyaml_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    for name in ("a.yaml", ""):
        with pytest.raises(MissingExtraError, match="pip install pyyaml"):
            found_in(f"seed: 1\n{LSTM}", name)


def test_without_libyaml_it_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert said_in(LSTM, "a.yaml") == {"net": sizes(3, 4)}
    with pytest.raises(SourceError, match="too long"):
        found_in("x" * 300_000, "a.yaml")
    for text in ("[" * 50_000, LAUGHS):
        with pytest.raises(SourceError):
            read_tree(SourceText(text, "a.yaml"), "yaml")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[a]\nb = 1\nb = 2\n", "second time"),
        ("[a]\n[a]\n", "second time"),
        ("b = 1\nb = 2\n", "second time"),
        ("b\n= 1\n", "not INI"),
        ("[a]\n = 3\n", "not INI"),
    ],
)
def test_ini_that_is_wrong(text: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        read_tree(SourceText(text, "a.ini"), "ini")


def test_what_ini_takes_from_elsewhere_is_computed() -> None:
    text = "[DEFAULT]\nh = 4\n[net]\ntype = lstm\ninput_size = %(h)s\nhidden_size = ${net:h}\nnum_layers = %(h)s1\n"
    (found,) = found_in(text, "a.ini")
    assert {field: setting.value for field, setting in found.layer.items()} == sizes(4, 4)
    assert "computed" in found.gaps["num_layers"].why


def test_json_with_more_keys_than_a_configuration_has_is_refused() -> None:
    lstm = '"m": {"type": "lstm", "input_size": 3, "hidden_size": 4}'
    keys = [f'"k{index}": 1' for index in range(100_000)]
    with pytest.raises(SourceError, match="too many values"):
        found_in(f"{{{lstm}, {', '.join(keys)}}}", "a.json")
    (found,) = found_in(f'{{{lstm}, "data": [{", ".join(["1"] * 120_000)}]}}', "a.json")
    assert found.layer["hidden_size"].value == 4
