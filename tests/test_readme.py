"""The README is executed: every command in a `console` block, and every Python block."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from conftest import run_lstmcalc, without_last_digits

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"```(?P<kind>\w+)\n(?P<body>.*?)```\n", re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [match["body"] for match in BLOCK.finditer(README.read_text(encoding="utf-8")) if match["kind"] == kind]


def commands(body: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output below it."""
    pairs = []
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        pairs.append((command, output))
    return pairs


def output_of(command: str) -> str:
    """What a terminal of 80 columns would show: stdout, then stderr."""
    name, *arguments = shlex.split(command)
    assert name == "lstmcalc"
    ran = run_lstmcalc(*arguments)
    return ran.out + ran.err


CONSOLE = [pair for body in blocks("console") for pair in commands(body)]


def test_there_is_something_to_run() -> None:
    assert len(CONSOLE) >= 5
    assert len(blocks("python")) >= 1


@pytest.mark.parametrize(("command", "output"), CONSOLE, ids=[command for command, _ in CONSOLE])
def test_every_command_prints_what_the_readme_shows(command: str, output: str, request: pytest.FixtureRequest) -> None:
    actual = output_of(command)
    if request.config.getoption("--overwrite"):
        text = README.read_text(encoding="utf-8")
        README.write_text(text.replace(f"$ {command}\n{output}", f"$ {command}\n{actual}"), encoding="utf-8")
        return
    assert without_last_digits(actual).rstrip("\n") == without_last_digits(output).rstrip("\n")


@pytest.mark.parametrize("body", blocks("python"))
def test_every_python_block_runs(body: str) -> None:
    test = doctest.DocTestParser().get_doctest(body, {}, "README.md", "README.md", 0)
    assert test.examples
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert results.failed == 0


def test_the_two_commands_of_a_fresh_machine() -> None:
    text = "\n".join(blocks("bash"))
    assert re.search(r"^pip install \. && lstmcalc shapes", text, re.MULTILINE)
    assert re.search(r"^pip install .*\[test\].* && pytest$", text, re.MULTILINE)
