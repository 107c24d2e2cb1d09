"""The command line at its edges: exact words, exit codes, pipes, signals, completion, files."""

import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import LSTMConfig, __main__, __version__, cli
from lstmcalc.commands._output import OUTPUT
from lstmcalc.commands.params.command import GATE
from lstmcalc.commands.registry import COMMANDS
from lstmcalc.commands.run.command import RUN
from lstmcalc.errors import ExitCode
from lstmcalc.intake.flags import DATA_FLAGS, LSTM_FLAGS
from lstmcalc.intake.resolve import read_subjects
from lstmcalc.proof import run as verify
from lstmcalc.report import progress
from tools.shell import TESTS, Ran, run_lstmcalc, shell_environment
from tools.strategies import configs

Cli = Callable[..., Ran]

MANY_DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("shapes --hidden 0", "--hidden: hidden_size is out of range\n  expected hidden_size >= 1, found 0"),
        ("shapes --hidden -5", "--hidden: hidden_size is out of range\n  expected hidden_size >= 1, found -5"),
        ("shapes --hidden abc", "--hidden: hidden_size is not an integer\n  expected hidden_size >= 1, found 'abc'"),
        ("shapes --hidden 1.5", "--hidden: hidden_size is not an integer\n  expected hidden_size >= 1, found '1.5'"),
        ("shapes --hidden 1e3", "--hidden: hidden_size is not an integer\n  expected hidden_size >= 1, found '1e3'"),
        ("shapes --hidden -+5", "--hidden: hidden_size is not an integer\n  expected hidden_size >= 1, found '-+5'"),
        ("shapes --hidden 1__0", "--hidden: hidden_size is not an integer\n  expected hidden_size >= 1, found '1__0'"),
        (
            "shapes --hidden \u0665",
            "--hidden: hidden_size is not an integer\n  expected hidden_size >= 1, found '\u0665'",
        ),
        ("shapes --hidden=", "--hidden: hidden_size is not an integer\n  expected hidden_size >= 1, found ''"),
        (
            "shapes --hidden " + MANY_DIGITS,
            "--hidden: too large\n  expected at most 2**63 - 1, found a number of 5,000 digits",
        ),
        (
            "shapes --num-layers 99999999999999999999",
            (
                "--layers: num_layers is out of range\n"
                "  expected num_layers <= 2**63 - 1, the largest size PyTorch can store, found about 10**20"
            ),
        ),
        ("shapes --dropout 2", "--dropout: dropout is not a probability\n  expected 0 <= dropout <= 1, found 2.0"),
        ("shapes --dropout nan", "--dropout: dropout is not a probability\n  expected 0 <= dropout <= 1, found nan"),
        ("shapes --dropout x", "--dropout: dropout is not a probability\n  expected 0 <= dropout <= 1, found 'x'"),
        (
            "shapes --proj 20",
            (
                "--proj: proj_size is out of range\n  expected 0 <= proj_size < hidden_size = 20, found 20\n"
                "  hint: a projection makes h narrower than the cell; 0 means no projection"
            ),
        ),
        ("shapes --seq 0", "--seq: seq_len is out of range\n  expected seq_len >= 1, found 0"),
        ("shapes --batch -1", "--batch: batch is out of range\n  expected batch >= 0, found -1"),
        (
            "shapes --unbatched --batch 4",
            (
                "--batch and --unbatched: unbatched input has no batch\n"
                "  expected one sequence, (L, H_in), found batch = 4\n"
                "  hint: drop one of the two; the sequence length alone describes unbatched input"
            ),
        ),
        (
            "run --unbatched --lengths 3,2",
            (
                "--lengths and --unbatched: unbatched input has no lengths\n"
                "  expected one sequence, (L, H_in), found lengths = 3, 2\n"
                "  hint: drop one of the two; the sequence length alone describes unbatched input"
            ),
        ),
        (
            "shapes --lengths 4,2,3 --batch 2",
            (
                "--batch and --lengths: batch and lengths disagree\n"
                "  expected one length for each sequence, N = 2, found 3 lengths\n"
                "  hint: leave out the batch, the lengths set it"
            ),
        ),
        (
            "shapes --lengths 4,2,3 --seq 3",
            (
                "--lengths: lengths do not fit into the sequence\n  expected each length in 1..L = 3, found 4\n"
                "  hint: leave out the sequence length, the longest of the lengths sets it"
            ),
        ),
        (
            "shapes --lengths 3 --batch 0",
            (
                "--batch and --lengths: batch and lengths disagree\n"
                "  expected one length for each sequence, N = 0, found 1 length\n"
                "  hint: an empty batch cannot be packed"
            ),
        ),
        ("shapes --lengths 4,0", "--lengths: lengths[1] is out of range\n  expected each length >= 1, found 0"),
        ("shapes --lengths 4,,2", "--lengths: lengths[1] is not an integer\n  expected each length >= 1, found ''"),
        (
            "shapes --lengths=",
            (
                "--lengths: lengths is empty\n  expected one length for each sequence, e.g. 4, 2, 3\n"
                "  hint: an empty batch cannot be packed: leave the lengths out, and let the batch be 0"
            ),
        ),
        (
            "shapes --lengths 1000000000",
            (
                "this report would be too long\n"
                "  expected at most 1,000,000 rows, found 1,000,000,000 rows, one for each step of batch_sizes\n"
                "  hint: shorter sequences (--lengths) make fewer rows"
            ),
        ),
        (
            "shapes --dtype flaot",
            (
                "--dtype: invalid choice\n"
                "  expected one of float64, float32, bfloat16, float16, found 'flaot'\n"
                "  hint: did you mean float64?"
            ),
        ),
        (
            "shapes --format jsn",
            (
                "--format: invalid choice\n  expected one of table, json, markdown, csv, found 'jsn'\n"
                "  hint: did you mean json?"
            ),
        ),
        (
            "params --gate z",
            "--gate: invalid choice\n  expected one of i, input, f, forget, g, cell, o, output, found 'z'",
        ),
        ("run --seed x", "--seed: not an integer\n  expected digits, e.g. 20, found 'x'"),
        (
            "run --seed 18446744073709551616",
            "--seed: seed is out of range\n  expected -2**63 <= seed < 2**64, found 18,446,744,073,709,551,616",
        ),
        (
            "run --against tensorflow",
            "--against: invalid choice\n  expected one of pytorch, onnxruntime, keras, found 'tensorflow'",
        ),
        (
            "run --against onnxruntime --proj 3",
            (
                "--against: onnxruntime cannot run a projection\n"
                "  expected an LSTM without a projection, in float32, with N >= 1\n"
                "  hint: --against torch can"
            ),
        ),
        ("run --save run.npy", "--save: cannot be saved\n  expected a name such as run.npz, found 'run.npy'"),
        (
            "run --save /no/such/run.npz",
            (
                "--save /no/such/run.npz: cannot be saved\n"
                "  expected a file that can be written, found no directory '/no/such'"
            ),
        ),
        ("shapes --hiden 3", "no such option: --hiden\n  hint: did you mean --hidden? lstmcalc shapes -h shows all"),
        ("shapes --hid 3", "no such option: --hid\n  hint: did you mean --hidden? lstmcalc shapes -h shows all"),
        ("shapes --xyzzy", "no such option: --xyzzy\n  hint: see lstmcalc shapes -h"),
        ("shapes -Z", "no such option: -Z\n  hint: see lstmcalc shapes -h"),
        (
            "params --repeat 4",
            "no such option: --repeat\n  hint: --repeat belongs to run, not to params; see lstmcalc params -h",
        ),
        (
            "--repeat 3 run",
            "no such option: --repeat\n  hint: --repeat belongs to run, not to summary; see lstmcalc summary -h",
        ),
        ("shpes", "no such file or command: shpes\n  hint: did you mean shapes? lstmcalc -h lists the commands"),
        ("shapes --hidden", "option '--hidden' requires an argument\n  hint: see lstmcalc shapes -h"),
        ("shapes --bi=maybe", "--bi: --bi is on or off\n  expected true or false, found 'maybe'"),
        (
            "shapes LSTM(1,2) LSTM(3,4)",
            "unexpected argument: LSTM(3,4)\n  hint: shapes takes one SOURCE, lstmcalc A B several; see lstmcalc shapes -h",
        ),
        (
            "shapes --lengths 4 2 3",
            "unexpected argument: 3\n  hint: lengths are separated by commas; see lstmcalc shapes -h",
        ),
    ],
)
def test_bad_input_in_exact_words(cli: Cli, arguments: str, message: str) -> None:
    assert cli(*arguments.split(" ")) == Ran(2, "", f"error: {message}\n")


@given(
    st.lists(st.text(max_size=12) | st.sampled_from(["shapes", "params", "--hidden", "--lengths", "4,2", "--bi", "-H"]))
)
def test_no_arguments_whatsoever_end_in_a_traceback(arguments: list[str]) -> None:
    if {"--install-completion", "run"}.isdisjoint(arguments):
        assert cli.run_command_line(arguments) in (ExitCode.OK, ExitCode.USAGE)


@given(configs())
def test_flags_say_a_config_and_are_read_back(config: LSTMConfig) -> None:
    typed = {flag.field: getattr(config, flag.field) for flag in LSTM_FLAGS}
    text = {field: value if isinstance(value, bool) else str(value) for field, value in typed.items()}
    (subject,) = read_subjects(text)
    assert subject.config == config


def test_every_flag_has_help_and_no_two_share_a_spelling() -> None:
    flags = (*LSTM_FLAGS, *DATA_FLAGS, *OUTPUT, *RUN, GATE)
    assert all(flag.help for flag in flags)
    spellings = [spelling for flag in flags for spelling in (*flag.names, *flag.off)]
    assert len(spellings) == len(set(spellings))
    assert all(any(name.startswith("--") for name in flag.names) for flag in flags)


def test_aliases_and_short_flags_are_the_same_flags(cli: Cli) -> None:
    long = cli(
        "shapes", "--input-size", "3", "--hidden-size", "4", "--num-layers", "2", "--bidirectional", "--proj-size", "1"
    )
    short = cli("shapes", "-i", "3", "-H", "4", "-l", "2", "--bi", "--proj", "1")
    assert long == short
    assert cli("shapes", "--json") == cli("shapes", "--format", "json")
    assert cli("shapes", "-t", "7", "-n", "2") == cli("shapes", "--seq", "7", "--batch", "2")
    assert cli("shapes", "--bi", "--no-bi") == cli("shapes", "--no-bi")  # the last one wins


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version") == Ran(0, f"lstmcalc {__version__}\n", "")
    assert cli("--version", "shapes") == Ran(0, f"lstmcalc {__version__}\n", "")
    top = cli("-h")
    assert top == cli("--help") == cli()
    assert top.code == 0
    for command in ("shapes", "params", "run"):
        assert command in top.out
        shown = cli(command, "-h")
        assert (shown.code, shown.err) == (0, "")
        lines = shown.out.splitlines()
        assert lines[2].strip() == "Examples:"
        assert lines[3].startswith(f"    lstmcalc {command}")
        assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("command", ["shapes", "params", "frameworks", "run"])
def test_the_examples_of_every_help_run(
    cli: Cli, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("encoder = nn.LSTM(10, 20)\ndecoder = nn.LSTM(10, 20)\n", encoding="utf-8")
    lines = [line.strip() for line in cli(command, "-h").out.splitlines()]
    examples = [line for line in lines if line.startswith("lstmcalc ")]
    assert len(examples) >= 3
    for example in examples:
        if not any(flag in example for flag in ("--against", "--save", "--expect")):  # which need more than a file
            assert cli(*shlex.split(example)[1:]).code == 0


def test_python_dash_m_and_without_docstrings() -> None:
    plain = run_lstmcalc("shapes")
    assert plain.code == 0
    assert run_lstmcalc("shapes", PYTHONOPTIMIZE="2") == plain


def shell(script: str, **environment: str) -> Ran:
    script = script.replace("lstmcalc ", f"{sys.executable} -m lstmcalc ")
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        capture_output=True,
        text=True,
        env=shell_environment(**environment),
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


LONG = "params --layers 60 --bi"


@pytest.mark.parametrize(
    "command",
    ["shapes", LONG, f"{LONG} --json", f"{LONG} --format csv", f"{LONG} --format markdown", "run", "-h", "shapes -h"],
)
@pytest.mark.parametrize("reader", ["true", "head -n 1"])
def test_a_reader_that_leaves_ends_it_quietly(command: str, reader: str) -> None:
    ran = shell(f"set -o pipefail; lstmcalc {command} | {reader} >/dev/null")
    assert (ran.code, ran.err) == (0, "")


def test_a_failed_proof_stays_a_failure_when_the_reader_leaves() -> None:
    script = (
        "import sys; import lstmcalc.cli, lstmcalc.model.lstm; lstmcalc.model.lstm.LSTMModel.num_parameters = 7; "
        "sys.exit(lstmcalc.cli.run_command_line(['run']))"
    )
    done = shell(f'set -o pipefail; {sys.executable} -c "{script}" | true')
    assert (done.code, done.err) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["shapes", f"{LONG} --json", "run --format csv", "-h", "--version"])
def test_a_full_disk_is_an_error_in_words(command: str) -> None:
    ran = shell(f"lstmcalc {command} >/dev/full")
    assert ran == Ran(2, "", "error: cannot write to standard output: No space left on device\n")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "this does not fit in memory\n  hint: a smaller batch, sequence or LSTM fits"),
        (ImportError("libblas: no"), "a part of lstmcalc cannot be imported\n  found libblas: no"),
    ],
)
def test_what_the_machine_refuses_is_said_in_words(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: BaseException, message: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(verify, "run", refuse)
    assert cli("run") == Ran(2, "", f"error: {message}\n")


def test_closed_streams() -> None:
    assert shell("lstmcalc shapes >&-") == Ran(2, "", "error: standard output is closed\n")
    noted = shell("lstmcalc shapes --dropout 0.5 --json 2>&-")
    assert noted.code == 0
    assert noted.out.endswith("]}\n")
    assert shell("lstmcalc shapes --hidden 0 2>&-") == Ran(2, "", "")
    if Path("/dev/full").exists():
        assert shell("lstmcalc shapes --hidden 0 2>/dev/full") == Ran(2, "", "")


# `lstmcalc` with Ctrl-C as at a terminal, also where it is ignored, as in the background of a shell; it writes to the
# pipe that is named first as soon as the first layer is computed.
TELLING = """
import os, runpy, signal, sys
from lstmcalc.numerics.fast import kernels

pipe, run_layer = int(sys.argv.pop(1)), kernels._run_layer

def telling(*arguments):
    os.write(pipe, b"!")
    run_layer(*arguments)

kernels._run_layer = telling
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("lstmcalc", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_it_quietly_and_leaves_no_file(tmp_path: Path) -> None:
    command = ["run", "--hidden", "256", "--seq", "20000", "--batch", "16", "--save", str(tmp_path / "run.npz")]
    told, telling = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", TELLING, str(telling), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=shell_environment(),
        pass_fds=[telling],
    ) as process:
        try:
            os.close(telling)
            assert os.read(told, 1) == b"!"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            os.close(told)
            process.kill()
    assert (process.returncode, out, err) == (130, b"", b"")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is Linux's")
def test_a_run_beyond_ulimit_is_refused_before_it_starts() -> None:
    ran = shell("ulimit -v 4000000; OPENBLAS_NUM_THREADS=1 lstmcalc run --hidden 20000")
    assert ran.code == 2
    assert ran.err.startswith("error: this run would not fit in memory\n  expected at most the ")
    assert "bytes)" in ran.err


LIGHTNING = TESTS / "data" / "weights" / "lightning.pt"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("lstmcalc sha", {"shapes"}),
        ("lstmcalc shapes --hid", {"--hidden", "--hidden-size"}),
        ("lstmcalc shapes --format j", {"json"}),
        ("lstmcalc run --dtype float1", {"float16"}),
        ("lstmcalc params --gate fo", {"forget"}),
        ("lstmcalc frameworks --only tiny", {"tinygrad"}),
        ("lstmcalc frameworks tiny", {"tinygrad"}),
        ("lstmcalc explain pack", {"packing"}),
        ("lstmcalc sweep --show mem", {"memory"}),
        ("lstmcalc solve hid", {"hidden"}),
        ("lstmcalc --hidden 3 --lay", {"--layers"}),
        (f"lstmcalc {LIGHTNING} --module model.", {"model.encoder", "model.cell"}),
        (f"lstmcalc params {LIGHTNING} --module model.e", {"model.encoder"}),
    ],
)
def test_completion(words: str, expected: set[str]) -> None:
    count = str(len(words.split()) - 1)
    ran = run_lstmcalc(_LSTMCALC_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count)
    assert (ran.code, set(ran.out.split())) == (0, expected)


@pytest.mark.parametrize(
    "words",
    [
        f"lstmcalc {LIGHTNING} --module ",
        f"lstmcalc params {LIGHTNING} -m model.e",
        f"lstmcalc shapes {LIGHTNING} --module nothing",
        "lstmcalc shapes nofile.pt --module ",
        "lstmcalc -m ",
        "lstmcalc shapes --module",
    ],
)
def test_bash_is_answered_as_typer_answers(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    count = len(words.split()) - (not words[-1].isspace())
    for name, value in (("_LSTMCALC_COMPLETE", "complete_bash"), ("COMP_WORDS", words), ("COMP_CWORD", str(count))):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["lstmcalc"])
    assert __main__.main() == 0
    own = capsys.readouterr().out
    assert cli.run_command_line([]) == 0  # which typer answers
    assert own == capsys.readouterr().out


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_is_in_colour_on_a_terminal_and_says_the_same(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    words = [command, "-h"] if command else ["-h"]
    plain = cli(*words)
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = cli(*words)
    assert "\x1b" not in plain.out
    assert coloured.out.startswith("\x1b[1mUsage:\x1b[0m")
    assert "\x1b[36m--help\x1b[0m" in coloured.out
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.out) == plain.out
    assert "\x1b[33mNAME\x1b[0m" in coloured.out or not command
    for name, off in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, off)
            assert cli(*words).out == plain.out


def test_a_process_of_its_own_is_in_colour_too() -> None:
    plain, coloured = run_lstmcalc("shapes", "-h"), run_lstmcalc("shapes", "-h", FORCE_COLOR="1")
    assert "\x1b" not in plain.out
    assert coloured.out.startswith("\x1b[1mUsage:\x1b[0m")
    for off in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert run_lstmcalc("shapes", "-h", FORCE_COLOR="1", **off).out == plain.out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_progress_bar_appears_on_a_terminal_if_it_takes_long_and_goes(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience, seen in ((60.0, False), (0.0, True)):
        screen = Terminal()
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setattr(progress, "PATIENCE", patience)
        assert cli("run", "--seq", "30").code == 0
        assert ("computing" in screen.getvalue()) is seen
        assert ("\x1b[2K" in screen.getvalue()) is seen  # the line is erased in the end
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not progress.ProgressBar.wanted()


@pytest.mark.parametrize("line", ["shapes", "params --hidden 3", "shapes -h", "params --hiden 3", "nope", "-- shapes"])
def test_two_dashes_before_a_command_change_nothing(cli: Cli, line: str) -> None:
    ran = cli("--", *line.split())
    assert ran.out or ran.err
    assert ran == cli(*line.split()) or line.startswith("--")
