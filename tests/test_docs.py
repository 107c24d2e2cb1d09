"""The README and the pages of docs/ are executed: every command of a `console` block, and every Python block."""

import doctest
import re
import shlex
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree as ET

import pytest

from lstmcalc.commands._words import split_command
from lstmcalc.commands.registry import COMMANDS
from tools.screenshot import PICTURE, draw, same_picture
from tools.shell import TESTS, Ran, run_lstmcalc, without_last_digits

Cli = Callable[..., Ran]

ROOT: Final = TESTS.parent
README: Final = ROOT / "README.md"
CHANGELOG: Final = ROOT / "CHANGELOG.md"
DOCS: Final = ROOT / "docs"
INDEX: Final = DOCS / "README.md"
PAGES: Final = (README, *sorted(DOCS.glob("*.md")))
WEIGHTS: Final = TESTS / "data" / "weights"  # the weight files that commands name

# A block, or a heading: a `#` inside a block is a comment.
PART: Final = re.compile(
    r"^```(?P<kind>\w+)\n(?P<body>.*?)^```$|^(?P<marks>#+) (?P<title>[^\n]+)$", re.DOTALL | re.MULTILINE
)
NAMED: Final = re.compile(r"# (\S+\.(?:py|txt|json|toml|yaml))\n")  # the first line of a block that is a file
LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


class Example(NamedTuple):
    """A command of a page."""

    page: Path
    command: str
    output: str
    files: dict[str, str]  # the files that its section shows before it


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def parts(page: Path) -> Iterator[re.Match[str]]:
    return PART.finditer(page.read_text(encoding="utf-8"))


def blocks(kind: str) -> list[tuple[Path, str]]:
    return [(page, part["body"]) for page in PAGES for part in parts(page) if part["kind"] == kind]


def prose(page: Path) -> str:
    """The text of a page without its blocks and without code in its lines."""
    text = PART.sub(lambda part: "" if part["kind"] else part[0], page.read_text(encoding="utf-8"))
    return re.sub(r"`[^`\n]+`", "code", text)


def examples(page: Path) -> Iterator[Example]:
    """Every command of a page. A file belongs to the section that shows it, subsections included."""
    files: dict[str, str] = {}
    for part in parts(page):
        if part["marks"]:
            files = files if len(part["marks"]) > len("##") else {}
        elif named := NAMED.match(part["body"]):
            # JSON and text have no comments, so the name is not in the file.
            whole = part["kind"] not in ("json", "text")
            files = {**files, named[1]: part["body"] if whole else part["body"][named.end() :]}
        elif part["kind"] == "console":
            for shown in re.split(r"^\$ ", part["body"], flags=re.MULTILINE)[1:]:
                command, _, output = shown.partition("\n")
                yield Example(page, command, output, files)


def output_of(example: Example, cli: Cli) -> str:
    """The output on a terminal of 80 columns, stdout before stderr, in the current directory, with the files."""
    for name, text in example.files.items():
        Path(name).write_text(text, encoding="utf-8")
    stages = [shlex.split(stage) for stage in example.command.split(" | ")]
    out = err = ""
    for name, *arguments in stages:
        if name == "lstmcalc":
            for recorded in [WEIGHTS / argument for argument in arguments if argument.endswith(".pt")]:
                shutil.copy(recorded, ".")
            for argument in arguments:
                if argument.endswith(".ckpt.index"):
                    unpack_checkpoint(argument.removesuffix(".index"))
            ran = run_lstmcalc(*arguments, stdin=out) if out else cli(*arguments)
            out, err = ran.out, err + ran.err
        elif name == "cat":
            out = "".join(example.files[argument] for argument in arguments)
        else:
            assert (name, arguments[0]) == ("tail", "-n")
            out = "".join(out.splitlines(keepends=True)[-int(arguments[1]) :])
    return out + err


def unpack_checkpoint(name: str) -> None:
    """Put a recorded checkpoint of TensorFlow into the current directory."""
    with zipfile.ZipFile(WEIGHTS / "tensorflow.zip") as archive:
        for member in archive.namelist():
            if Path(member).name.startswith(f"{name}."):
                Path(Path(member).name).write_bytes(archive.read(member))


CONSOLE: Final = [example for page in PAGES for example in examples(page)]
PYTHON: Final = blocks("python")


def test_there_is_something_to_run() -> None:
    pages = Counter(example.page for example in CONSOLE)
    assert pages[README] >= 5
    assert len(pages) >= 10
    assert {README, DOCS / "python.md"} <= {page for page, _ in PYTHON}


@pytest.mark.parametrize("example", CONSOLE, ids=[f"{name_of(one.page)}: {one.command}" for one in CONSOLE])
def test_every_command_prints_what_its_page_shows(
    cli: Cli, example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    actual = output_of(example, cli)
    if request.config.getoption("--overwrite"):
        text = example.page.read_text(encoding="utf-8")
        before, after = (f"$ {example.command}\n{output}" for output in (example.output, actual))
        example.page.write_text(text.replace(before, after), encoding="utf-8")
        return
    assert without_last_digits(actual).rstrip("\n") == without_last_digits(example.output).rstrip("\n")


def with_marks(page: Path, body: str) -> Any:
    """A block for a test; one that imports a large framework is for those that have it."""
    large = re.search(r"^>>> (import|from) torch\b", body, re.MULTILINE)
    return pytest.param(page, body, marks=pytest.mark.peers if large else (), id=name_of(page))


@pytest.mark.parametrize(("page", "body"), [with_marks(page, body) for page, body in PYTHON])
def test_every_python_block_runs(page: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    test = doctest.DocTestParser().get_doctest(body, {}, name_of(page), name_of(page), 0)
    assert test.examples
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert results.failed == 0


def test_every_step_of_the_workflow_passes_and_says_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(WEIGHTS / "module.pt", ".")
    page = DOCS / "ci.md"
    (code,) = [part["body"] for part in parts(page) if part["kind"] == "py"]
    (workflow,) = [part["body"] for part in parts(page) if part["kind"] == "yaml"]
    (tmp_path / "model.py").write_text(code, encoding="utf-8")
    steps = re.findall(r"run: lstmcalc (.*)$", workflow, re.MULTILINE)
    assert {shlex.split(step)[0] for step in steps} == {"summary", "cost", "diff", "params"}
    for step in steps:
        words = shlex.split(step.partition(" > ")[0])
        ran = cli(*words)
        assert (ran.code, ran.err) == (0, ""), step
        assert (ran.out == "") is ("-q" in words), step


def test_a_step_of_the_workflow_can_fail(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = [part["body"] for part in parts(DOCS / "ci.md") if part["kind"] == "py"]
    (tmp_path / "model.py").write_text(code.replace("(3, 4, 2", "(3, 40, 2"), encoding="utf-8")
    shutil.copy(WEIGHTS / "module.pt", ".")
    for step in ("summary model.py --max-params 1K -q", "diff module.pt model.py --module rnn -q"):
        ran = cli(*step.split())
        assert ran.code == 1
        assert ran.out
    ran = cli("summary", "model.py", "--hidden", "many", "-q")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


def test_the_two_commands_of_a_fresh_machine() -> None:
    text = "\n".join(body for page, body in blocks("bash") if page == README)
    assert re.search(r"^pip install \. && lstmcalc shapes", text, re.MULTILINE)
    assert re.search(r"^pip install .*\[test\].* && pytest$", text, re.MULTILINE)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 250


def test_the_picture_is_up_to_date(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--overwrite"):
        PICTURE.write_text(draw(), encoding="utf-8")
    assert same_picture(PICTURE.read_text(encoding="utf-8"), draw())
    assert ET.parse(PICTURE).getroot().tag.endswith("svg")  # noqa: S314  # a file of our own
    assert PICTURE.relative_to(ROOT).as_posix() in README.read_text(encoding="utf-8")


def test_a_stale_picture_would_be_seen() -> None:
    picture = PICTURE.read_text(encoding="utf-8")
    stale, by_another_rich = picture.replace("h_n", "h_m"), picture.replace("drawn by rich ", "drawn by rich 0.")
    assert same_picture(by_another_rich, picture)
    assert not same_picture(stale, picture)
    assert not same_picture(by_another_rich, stale)


@pytest.mark.parametrize("earlier", ["layouts", "weights", "measures"])
def test_the_changelog_says_where_earlier_paths_lead(earlier: str) -> None:
    assert f"`lstmcalc.{earlier}` is" in CHANGELOG.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    slugs: list[str] = []
    for part in parts(page):
        if part["title"]:
            slug = re.sub(r"[^\w\- ]", "", part["title"].lower()).replace(" ", "-")
            slugs.append(f"{slug}-{slugs.count(slug)}" if slug in slugs else slug)
    return set(slugs)


def broken(link: str, page: Path) -> bool:
    """True if a link to a file, or to a heading, leads nowhere."""
    if re.match(r"https?://", link):
        return False
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(prose(page))
    assert links
    assert [link for link in links if broken(link, page)] == []


@pytest.mark.parametrize("link", ["nowhere.md", "README.md#nowhere", "#nowhere"])
def test_a_broken_link_would_be_seen(link: str) -> None:
    assert broken(link, INDEX)


def test_every_page_is_in_the_index() -> None:
    linked = {(DOCS / link).resolve() for link in LINK.findall(prose(INDEX)) if "#" not in link}
    assert set(PAGES) - {INDEX} <= linked


STORIES: Final = DOCS / "stories.md"
ONE_SCREEN: Final = 24  # lines of a terminal; frameworks have 40


def test_each_story_is_a_few_commands_whose_answers_are_on_the_first_screen() -> None:
    stories = re.split(r"^## ", STORIES.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(stories) == 6
    assert all(1 <= story.count("\n$ lstmcalc ") <= 5 for story in stories)
    told = [example for example in CONSOLE if example.page == STORIES]
    for example in told:
        lines = 40 if example.command.startswith("lstmcalc frameworks") else ONE_SCREEN
        assert len(example.output.rstrip("\n").splitlines()) <= lines, example.command


def test_every_command_has_an_example() -> None:
    words = (shlex.split(example.command.partition(" | ")[0])[1:] for example in CONSOLE)
    shown = {split_command(line, COMMANDS)[0] for line in words}
    assert COMMANDS.keys() - shown == set()
