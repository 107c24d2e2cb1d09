"""The answers of lstmcalc on a program, held against what its runs construct."""

import io
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final, NamedTuple

from lstmcalc.cli import run_command_line
from tools.programs.runs import Made

SECONDS: Final = 10


class Verdict(NamedTuple):
    """One of the words below, and what differs."""

    # equal: what is said to be certain is what every run constructs, and if runs differ it says that something is open;
    # asked: it says what is not known, and nothing more; unsure: what it is certain of is right, and there is more;
    # WRONG: something that is said to be certain, or all, or nothing, is not so in some run; CRASH: see `SECONDS` too.
    word: str
    text: str = ""


class Answer(NamedTuple):
    """The answer of a command."""

    code: int
    out: str
    err: str
    seconds: float


def ask(source: str, folder: Path) -> Answer | Verdict:
    """`lstmcalc params program.py --json`, in this process."""
    return ask_of("params", source, folder)


def ask_of(command: str, source: str, folder: Path) -> Answer | Verdict:
    """A command on a program, with `--json`, in this process."""
    path = folder / "program.py"
    path.write_text(source, encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    start = time.perf_counter()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = run_command_line([command, str(path), "--json"])
    except Exception as error:  # noqa: BLE001  # whatever leaves the command is a fault of it
        return Verdict("CRASH", f"{type(error).__name__}: {error}")
    return Answer(code, out.getvalue(), err.getvalue(), time.perf_counter() - start)


def judge(
    source: str, truths: Sequence[Sequence[Made]], framework: str = "pytorch", folder: Path | None = None
) -> Verdict:
    """The verdict on what is said of a program, given what each of its runs constructs."""
    if folder is None:
        with tempfile.TemporaryDirectory() as home:
            return judge(source, truths, framework, Path(home))
    answer = ask(source, folder)
    if isinstance(answer, Verdict):
        return answer
    if answer.code not in {0, 2} or "Traceback" in answer.err or answer.seconds > SECONDS:
        return Verdict("CRASH", f"exit code {answer.code} after {answer.seconds:.1f} s: {answer.err[-300:]}")
    document = json.loads(answer.out)
    if answer.code == 2 and document["error"]["message"].startswith(("this is a fault", "a part of lstmcalc")):
        return Verdict("CRASH", answer.err[-300:])
    if answer.code == 2:
        denies = document["error"]["kind"] == "no-lstm" and document["error"]["message"].startswith("no LSTM")
        return Verdict("denied" if denies else "asked", " ".join(answer.err.split())[:200])
    return compare(
        document, [Counter(_key(made, made.get("dtype"), framework) for made in truth) for truth in truths], framework
    )


def compare(document: dict[str, Any], truths: "list[Counter[Any]]", framework: str) -> Verdict:
    """The verdict on a document of `--json`."""
    modules = document["modules"]
    said = Counter(_key(module["config"], module.get("dtype"), framework) for module in modules)
    certain = [module for module in modules if module.get("certain") is not False]
    sure = Counter(_key(module["config"], module.get("dtype"), framework) for module in certain)
    always = truths[0]
    for truth in truths:
        always = always & truth
    hedged = bool(document.get("open")) or said != sure
    settled = all(truth == always for truth in truths)
    text = f"certain {sorted(sure.items(), key=repr)}, always {sorted(always.items(), key=repr)}, open {len(document.get('open', []))}"
    if sure - always or (not hedged and not (settled and said == always)):
        return Verdict("WRONG", text)
    return Verdict("equal" if sure == always and hedged != settled else "unsure", text)


def _key(config: Made, dtype: str | None, framework: str) -> tuple[Any, ...]:
    if framework == "keras":
        return config["input_size"], config["hidden_size"], config["bias"]
    if framework not in ("pytorch", "imported"):
        switches = (bool(config.get(name)) for name in ("bias", "bidirectional"))
        return (*(config.get(name) for name in ("input_size", "hidden_size", "num_layers", "proj_size")), *switches)
    sizes = (config.get(name) for name in ("input_size", "hidden_size", "num_layers", "proj_size"))
    switches = (bool(config.get(name)) for name in ("bias", "bidirectional", "batch_first"))
    return (*sizes, *switches, dtype)
