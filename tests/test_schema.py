"""The schemas in docs/schema: made of the records, up to date, and true of every document, with no key too many."""

import contextlib
import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lstmcalc.cli import run_command_line
from lstmcalc.commands.registry import COMMANDS
from test_recordings import RECORDED, put_files
from tools.examples import is_thorough
from tools.fuzz_command_lines import command_line, write_sources
from tools.record_schema import FOLDER, documents, strict, text_of
from tools.shell import TESTS

jsonschema = pytest.importorskip("jsonschema")
BLOCKS = 8
EACH = 250 if is_thorough() else 60  # generated command lines of each block


@cache
def validator(name: str, *, closed: bool = True) -> Any:
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(strict(schema) if closed else schema)


def faults(document: dict[str, Any], *, closed: bool = True) -> list[str]:
    """What is wrong with a document, by the schema of its command, or of errors."""
    name = "error" if "error" in document else document["command"]
    found = validator(name, closed=closed).iter_errors(document)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]


def test_the_schemas_are_those_of_the_records(request: pytest.FixtureRequest) -> None:
    made = {name: text_of(schema) for name, schema in documents().items()}
    if request.config.getoption("--overwrite"):
        FOLDER.mkdir(exist_ok=True)
        for name, text in made.items():
            (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
    assert {path.stem for path in FOLDER.iterdir()} == {*COMMANDS, "error"}
    assert {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == made


def test_the_schemas_are_schemas() -> None:
    for path in FOLDER.iterdir():
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", RECORDED)
def test_the_recordings_fit(name: str) -> None:
    text = (TESTS / "recordings" / f"{name}.json").read_text(encoding="utf-8")
    assert faults(json.loads(text)) == []


def printed(words: list[str]) -> str:
    """What a command line writes to stdout."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit):
        run_command_line(words)
    return out.getvalue()


def documents_of(seeds: range) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """The documents of generated command lines."""
    for seed in seeds:
        draw = random.Random(seed)  # noqa: S311  # no secret
        words = [word for word in command_line(draw) if not word.startswith("--format")]
        words = [word for word in words if word not in ("-", "csv", "markdown", "--full", "-q", "--quiet")]
        text = printed([*words, "--json"]) if words and words[0] in COMMANDS else ""
        if text.startswith("{"):
            yield words, json.loads(text)


@pytest.mark.thorough
@pytest.mark.parametrize("block", range(BLOCKS))
def test_generated_command_lines_fit(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    write_sources()
    put_files(tmp_path)
    counts: Counter[str] = Counter()
    for words, document in documents_of(range(block * EACH, (block + 1) * EACH)):
        assert faults(document) == [], words
        counts["error" if "error" in document else document["command"]] += 1
    assert counts.total() > EACH * 0.8
    assert len(counts) > 8


# What is seldom drawn.
MORE: tuple[tuple[str, ...], ...] = (
    ("shapes", "--framework", "keras", "--bi", "--lengths", "3,2"),
    ("shapes", "--framework", "onnx", "--layers", "2"),
    ("params", "--framework", "haiku"),
    ("run", "--lengths", "2,1", "--trace", "--show", "--head", "2", "--embed", "4"),
    ("run", "--repeat", "2", "--cell-clip", "0.5"),
    ("run", "a.safetensors", "--against", "onnxruntime"),
    ("diff", "a.safetensors", "b.safetensors", "--values"),
    ("diff", "two.safetensors", "nn.LSTM(3, 2)", "--module", "encoder"),
    ("ls", "a.safetensors", "--stats"),
    ("cost", "--quantize", "tflite-int8", "--rate", "48000"),
    ("cost", "--train", "--head", "3", "--embed", "9", "--max-params", "1"),
    ("solve", "hidden", "--params", "1M", "--bi", "--proj", "3"),
    ("sweep", "--hidden", "3,4", "--layers", "1:3", "--train"),
    ("summary", "a.py", "tagger.py", "a.safetensors"),
    ("summary", "a.py"),
    ("frameworks", "--only", "keras"),
    ("explain", "nn.LSTM(3, 4, 2, bidirectional=True)", "--lengths", "2,1", "--head", "2"),
    ("shapes", "missing.pt"),
    ("shapes", "--hidden", "0"),
)


@pytest.mark.parametrize("words", MORE, ids=" ".join)
def test_what_is_seldom_drawn_fits(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_sources()
    put_files(tmp_path)
    assert faults(json.loads(printed([*words, "--json"]))) == []


def test_a_key_that_is_added_is_compatible_and_one_that_is_gone_is_not() -> None:
    text = (TESTS / "recordings" / "shapes.json").read_text(encoding="utf-8")
    document = json.loads(text)
    document["modules"][0]["news"] = 1
    assert faults(document, closed=False) == []
    assert len(faults(document)) == 1
    del document["modules"][0]["news"], document["modules"][0]["config"]
    assert any("'config' is a required property" in fault for fault in faults(document, closed=False)) or faults(
        document, closed=False
    )
    retyped = {**json.loads(text), "schema": 2}
    assert faults(retyped, closed=False)
