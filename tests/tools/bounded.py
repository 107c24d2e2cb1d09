"""Bounds that no command may pass, whatever it is given, and a process that finds out.

A command ends in exit code 0, 1 or 2 within 10 seconds of the processor and 500 MiB. It prints printable lines, and nothing of
Python's own (a traceback, a warning). With `--json` an error is a document. It starts no program, loads no pickle of Python's,
opens no connection, and writes no file that it is not told to.

Each command runs in a process that is ready for it. The process tells its time and its largest memory, and is replaced when
it has ended, has grown, or has run many.
"""

import gc
import io
import json
import os
import re
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final, NamedTuple

from lstmcalc.application import asks_for_json
from lstmcalc.cli import run_command_line

SECONDS: Final = 10.0  # of the processor
MEBIBYTES: Final = 500
PATIENCE: Final = 900  # seconds on the clock, where something waits: a busy machine takes long for 10 of the processor
_KILLED: Final = 30  # seconds of the processor after which a command is ended
_ADDRESSES: Final = 6 << 30  # bytes after which it gets no more
_COMMANDS: Final = 500  # of a process
_GROWN: Final = 200  # mebibytes that a process may keep between two commands
# What makes a terminal change colours and move its cursor, as rich writes it; anything else is an input's.
_OF_RICH: Final = r"\x1b\[(?:[0-9;]*m|\?25[hl]|[0-9]*[AK]|2K)|\r"


class Outcome(NamedTuple):
    """The outcome of a command."""

    fault: str  # empty if there is none
    seconds: float = 0.0  # of the processor, those of the HDF5 library included
    mebibytes: int = 0  # at most


class _Stream(io.TextIOWrapper):
    """The text that is written, as a pipe or a terminal takes it."""

    def __init__(self, is_terminal: bool) -> None:
        self.written = io.BytesIO()
        self.is_terminal = is_terminal
        super().__init__(self.written, encoding="utf-8", errors="backslashreplace", write_through=True)

    def isatty(self) -> bool:
        return self.is_terminal

    def text(self) -> str:
        text = self.written.getvalue().decode()
        return re.sub(_OF_RICH, "", text) if self.is_terminal else text


_executed: list[str] = []
_watching: list[bool] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    """Note what a command executes, or writes: for `sys.addaudithook`."""
    if not _watching:
        return
    kind = event.partition(".")[0]
    if event == "subprocess.Popen":
        if "hdf5_child" not in str(arguments[1]):
            _executed.append(f"{event} {arguments[1]!r}"[:300])
    elif event in ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pickle.find_class"):
        _executed.append(f"{event} {arguments!r}"[:300])
    elif kind in ("socket", "ftplib", "urllib", "http", "webbrowser"):
        _executed.append(event)
    elif event in ("os.remove", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate"):
        _executed.append(f"{event} {arguments!r}"[:300])
    elif event == "exec":
        name = str(getattr(arguments[0], "co_filename", ""))
        if not name.startswith(("/", "<frozen")) and not (name == "<string>" and _of_a_class(arguments[0])):
            _executed.append(f"exec of {name} {arguments[0]!r}"[:300])


def _of_a_class(code: object) -> bool:
    """True for what the standard library makes of named tuples and data classes, which it compiles."""
    names = getattr(code, "co_names", ())
    return "__create_fn__" in names or "lambda" in str(getattr(code, "co_consts", ""))


def fault_of(arguments: Sequence[str], is_terminal: bool = False) -> str:
    """The fault of a command line, in words; empty if there is none."""
    out, err = _Stream(is_terminal), _Stream(is_terminal)
    _executed.clear()
    try:
        with warnings.catch_warnings(record=True) as told, redirect_stdout(out), redirect_stderr(err):
            warnings.simplefilter("always")
            _watching.append(True)
            code = run_command_line(arguments)
    except BaseException:  # noqa: BLE001  # that is what is looked for
        return traceback.format_exc(limit=-4)
    finally:
        _watching.clear()
    if told:
        return f"warning: {told[0].message}"
    if _executed and not any(word.startswith(("--save", "--plot")) for word in arguments):
        return f"it executed {_executed[0]}"
    return f"exit code {code}" if code not in (0, 1, 2) else _fault_in(arguments, code, out.text(), err.text())


def _fault_in(arguments: Sequence[str], code: int, out: str, err: str) -> str:
    """The fault in what a command line printed; empty if there is none."""
    for stream, text in (("stdout", out), ("stderr", err)):
        line = next((line for line in text.split("\n") if not line.isprintable()), None)
        if line is not None:
            return f"{stream} has {line[:200]!r}"
    if "Traceback (most recent" in err or "is a fault of lstmcalc" in err:
        return f"stderr has {err[-500:]!r}"
    if not {"-h", "--help", "--version"} & {*arguments} and asks_for_json(arguments):
        try:
            json.loads(out)
        except ValueError:
            return f"no document, exit code {code}: {out[:200]!r}, {err[:200]!r}"
    return ""


class Commands:
    """Runs commands one after the other in a process of their own."""

    def __init__(self, warm_up: Sequence[Sequence[str]] = ()) -> None:
        self._warm_up = warm_up  # command lines that import what others need
        self._process = self._run = 0
        self._asked = self._told = -1

    def outcome(self, arguments: Sequence[str], is_terminal: bool = False) -> Outcome:
        """Run a command line; what became of it."""
        if not self._process:
            self._start()
        os.write(self._asked, f"{json.dumps([list(arguments), is_terminal])}\n".encode())
        line = b""
        while not line.endswith(b"\n") and (part := os.read(self._told, 65536)):
            line += part
        self._run += 1
        if not line:
            return self._ended()
        fault, seconds, mebibytes, kept = json.loads(line)
        if self._run >= _COMMANDS or kept > _GROWN:
            self.close()
        if seconds > SECONDS:
            fault = fault or f"{seconds:.1f} seconds of the processor"
        if mebibytes > MEBIBYTES:
            fault = fault or f"{mebibytes} MiB"
            self.close()
        return Outcome(fault, seconds, mebibytes)

    def close(self) -> None:
        """End the process."""
        if self._process:
            os.close(self._asked)
            os.close(self._told)
            os.waitpid(self._process, 0)
        self._process = self._run = 0

    def _ended(self) -> Outcome:
        os.close(self._asked)
        os.close(self._told)
        _, status, usage = os.wait4(self._process, 0)
        self._process = self._run = 0
        return Outcome(f"ended with status {status}", usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10)

    def _start(self) -> None:
        (source, self._asked), (self._told, target) = os.pipe(), os.pipe()
        self._process = os.fork()
        if not self._process:
            os.close(self._asked)
            os.close(self._told)
            try:
                self._serve(source, target)
            finally:
                os._exit(0)
        os.close(source)
        os.close(target)

    def _serve(self, source: int, target: int) -> None:
        """Run what is asked for, until nothing is."""
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  # for SOURCE -
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
        sys.addaudithook(_watch)
        gc.disable()  # as in the program itself
        for arguments in self._warm_up:
            fault_of(arguments)
            fault_of(arguments, is_terminal=True)
        with os.fdopen(source, encoding="utf-8") as asked:
            for line in asked:
                arguments, is_terminal = json.loads(line)
                gc.collect()
                began = _seconds()
                _reset_peak()
                resource.setrlimit(resource.RLIMIT_CPU, (int(began) + _KILLED, resource.RLIM_INFINITY))
                signal.alarm(PATIENCE)
                fault = fault_of(arguments, is_terminal)
                signal.alarm(0)
                peak, kept = _memory()
                told = json.dumps([fault[:4000], _seconds() - began, peak, kept])
                os.write(target, f"{told}\n".encode())


def _seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _reset_peak() -> None:
    """Let the kernel forget the largest memory that this process has had."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _memory() -> tuple[int, int]:
    """The largest and the present memory in mebibytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak, present = (int(found[1]) >> 10 for found in re.finditer(r"(?m)^Vm(?:HWM|RSS):\s*(\d+)", status))
    of_children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10  # of all that have ended
    return max(peak, of_children), present
