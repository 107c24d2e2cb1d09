"""The kind of a text that people paste and that is neither code nor a configuration, by its content.

Code comes first: a text with statements of Python in it that has a call of an LSTM, or that Python's parser takes as a
whole, is code, whatever its comments and strings show.

Not here: the readers of each kind (`load_errors`, `summaries`, `shape_lists`, `readers.text.printed`).
"""

import ast
import re
import warnings
from typing import Final

from lstmcalc.errors import NoLstmError, shorten
from lstmcalc.readers.text.source_text import SourceText

MAX_PASTED: Final = 2 * 2**20  # characters; the names and shapes of the largest models take half of it
MAX_CODE: Final = 2**20  # characters that Python's parser is given

_STATEMENT: Final = re.compile(
    r"(?m)^[ \t]*+(?:>>> |\.\.\. |In \[\d*+\]: )?+[ \t]*+"
    r"(?:import [A-Za-z_][\w.]*+|from [\w.]++ import |(?:async )?def [A-Za-z_]\w*+\(|class [A-Za-z_]\w*+[(:]|@\w"
    r"|[A-Za-z_][\w.]*+ ?+= ?+(?:[\w.]++\()|return\b)"
)
_CALL: Final = re.compile(r"LSTM[A-Za-z]{0,12}\([ \t]*+[\w\"'*]")
_ASSIGNS: Final = re.compile(r"[\w\])\"'] ?=(?!=)|^(?:return\b|class\b|>>>)|\.add\(")
_ERRORS: Final = re.compile(
    r"size mismatch for |(?:Missing|Unexpected) key\(s\) in state_dict: |Error\(s\) in loading state_dict for "
    r"|unexpected key \"[^\"\n]{1,500}+\" in state_dict"
)


def pasted_kind(text: str) -> str:
    """The kind of a text: `errors`, `graph`, `summary`, `listed`; empty if it is code, or of another kind."""
    if len(text) > MAX_PASTED or (is_code(text) and not _shows_arrays(text)):
        return ""
    if _ERRORS.search(text):
        return "errors"
    from lstmcalc.readers.pasted.onnx_text import looks_like_onnx

    if looks_like_onnx(text):
        return "graph"
    from lstmcalc.readers.pasted.summaries import looks_summarised

    if looks_summarised(text):
        return "summary"
    from lstmcalc.readers.pasted.shape_lists import has_names, looks_listed

    return "listed" if looks_listed(text) or has_names(text) else ""


_ARRAY: Final = re.compile(r"=(?:bf|f)(?:16|32|64)\[[\d,]++\]")  # as Equinox prints one
_DEFINES: Final = re.compile(r"(?m)^[ \t]*+(?:import |from [\w.]++ import |def |class )")


def _shows_arrays(text: str) -> bool:
    """True for a printed module of Equinox, which Python's parser would take as a call."""
    return bool(_ARRAY.search(text)) and not _DEFINES.search(text)


def is_code(text: str) -> bool:
    """True if a text is Python code, whole or in part: it has statements, and a call of an LSTM or nothing else."""
    if not _STATEMENT.search(text):
        return False
    return bool(_has_call(text)) or parses(text)


def _has_call(text: str) -> bool:
    """True if a line that is a statement constructs an LSTM, or some class whose name has LSTM in it."""
    return any(_CALL.search(line) and _is_statement(line) for line in text.splitlines() if "LSTM" in line)


def _is_statement(line: str) -> bool:
    """True if a line may be of code: no row of a table, no child of a printed module, no line of prose."""
    stripped = line.strip()
    if stripped.startswith("(") and "): " in stripped:
        return False
    return bool(_ASSIGNS.search(stripped)) or stripped.endswith(("(", ",", "["))


def parses(text: str) -> bool:
    """True if Python's parser takes a text as a whole."""
    if len(text) > MAX_CODE:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of code that is not ours
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


_TYPED: Final = re.compile(r"(?m)^[ \t]*+(?:>>> )?+[A-Za-z_][\w.]*+(?: ?=(?!=)|\()[^\n]")


_WORDS: Final = re.compile(r"\)[,;]?+ [A-Za-z]{2,30} [A-Za-z]{2,30}\b")  # of a sentence, after a call


def is_python(text: str) -> bool:
    """True if a text is meant as Python: it has statements, or calls that begin a line; false for prose and output."""
    if _STATEMENT.search(text):
        return True
    if not parses(text):
        lines = [line for line in text.splitlines() if "LSTM" in line]
        return any(_TYPED.match(line) and not _WORDS.search(line) for line in lines)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of code that is not ours
        tree = ast.parse(text)
    nodes = (node for top in tree.body for node in (top, getattr(top, "value", None) or top))
    return any(isinstance(node, ast.Call) or not isinstance(node, ast.expr | ast.Expr) for node in nodes)


def not_understood(source: SourceText) -> NoLstmError:
    """The error about a text of no known kind: what was looked for, and the first line that speaks of an LSTM."""
    mentioned = next(((number, line) for number, line in enumerate(source.lines, 1) if "lstm" in line.lower()), None)
    place = source.place(mentioned[0]) if mentioned else ""
    shown = f"{shorten(mentioned[1].strip())}{f' at {place}' if place else ''}" if mentioned else "no line with LSTM"
    return NoLstmError(
        f"no LSTM is recognised in {source.name or 'this text'}",
        "code, a printed model or summary, a list of names and shapes, an error of load_state_dict, a configuration",
        shown,
        'if it has one, give its sizes: --input 10 --hidden 20, or as code: "nn.LSTM(10, 20)"',
    )
