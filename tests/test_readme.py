"""The README is executed: every command in a `console` block, and every Python block."""

import doctest
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.shell import TESTS, Ran, run_lstmcalc, without_last_digits

README = TESTS.parent / "README.md"
WEIGHTS = TESTS / "data" / "weights"  # the weight files that commands name
Cli = Callable[..., Ran]
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


def output_of(command: str, files: dict[str, str], cli: Cli) -> str:
    """What a terminal of 80 columns would show: stdout, then stderr; in the current directory, with these files."""
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    piped = re.fullmatch(r"cat (\S+) \| (.*)", command)
    name, *arguments = shlex.split(piped[2] if piped else command)
    assert name == "lstmcalc"
    for recorded in [WEIGHTS / argument for argument in arguments if argument.endswith(".pt")]:
        shutil.copy(recorded, ".")
    ran = run_lstmcalc(*arguments, stdin=files[piped[1]]) if piped else cli(*arguments)
    return ran.out + ran.err


def examples() -> list[tuple[str, str, dict[str, str]]]:
    """Every command with its output, and the files that its section shows before it."""
    found = []
    for section in re.split(r"^#+ (?=.*\?$)", README.read_text(encoding="utf-8"), flags=re.MULTILINE):
        files: dict[str, str] = {}
        for match in BLOCK.finditer(section):
            named = re.match(r"# (\S+\.(?:py|txt|json|toml))\n", match["body"])
            if named:
                files[named[1]] = match["body"][named.end() :] if match["kind"] in ("json", "text") else match["body"]
            elif match["kind"] == "console":
                found += [(command, output, dict(files)) for command, output in commands(match["body"])]
    return found


CONSOLE = examples()


def test_there_is_something_to_run() -> None:
    assert len(CONSOLE) >= 5
    assert len(blocks("python")) >= 1


@pytest.mark.parametrize(("command", "output", "files"), CONSOLE, ids=[command for command, _, _ in CONSOLE])
def test_every_command_prints_what_the_readme_shows(
    cli: Cli,
    command: str,
    output: str,
    files: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    actual = output_of(command, files, cli)
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
