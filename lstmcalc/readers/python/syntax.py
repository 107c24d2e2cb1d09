"""Text to Python's syntax tree: what is not code in it (prompts, shell lines, Python 2's prints) does not stop it.

Not here: what the code means (`program`).
"""

import ast
import re
import warnings
from typing import Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.text.source_text import SourceText, Span

MAX_CODE: Final = 2**20  # characters
MAX_TREE: Final = 450 * 10**6  # bytes
_SMALL: Final = 2**18  # characters; a syntax tree of fewer takes less
# Bytes that Python's parser needs for a name, a number, and each of these, about: measured with CPython 3.11.
_BYTES: Final = {"(": 1800, "[": 1800, "{": 1800, "\n": 500, ";": 500, "-": 600}
_OF_NAME, _OF_NUMBER = 1300, 900
_REPAIRS: Final = 60  # lines that are no code, before it is given up
_WORK: Final = 8 * 2**20  # characters parsed again for them

_STATEMENT: Final = 20  # lines of one, in text that is not all code

_PROMPT: Final = r"^\s*(?:>>>|\.\.\.|In \[\d*\]:) ?"
_OUTPUT: Final = r"^\s*Out ?\[\d*\]:"
_PROMPTS: Final = (">>> ", "In [")
_FENCE: Final = r"^\s*(`{3,}|~{3,})\s*(\S[^`]*)?$"
_EXCEPT: Final = r"^(\s*except\s+[\w.]+|\s*except\s*\([^()]*\))\s*,\s*\w+\s*:"


def parse_python(source: SourceText) -> tuple[ast.Module, SourceText]:
    """The syntax tree of code, and the code it is the tree of, line by line as the text.

    Raises:
        SourceError: It is too large, too deeply nested, or no Python code.
    """
    if len(source.text) > MAX_CODE:
        raise SourceError(
            f"{source.name or 'this text'} is too large for code",
            expected=f"at most {MAX_CODE:,} characters",
            found=f"{len(source.text):,}",
        )
    if len(source.text) > _SMALL and _bytes_of_tree(source.text) > MAX_TREE:
        raise SourceError(
            f"{source.name or 'this text'} has too many names, numbers and brackets for code",
            expected=f"a syntax tree of at most {MAX_TREE // 10**6} MB",
            found=f"some {_bytes_of_tree(source.text) // 10**6:,} MB",
        )
    _check_depth(source)
    first = next((line.lstrip() for line in source.lines if line.strip()), "")
    session = without_prompts(source.lines) if first.startswith(_PROMPTS) else []
    lines, others = session or _dedented(list(source.lines)), [_fenced, without_prompts]
    left = _REPAIRS
    while True:
        code = source.of(lines)
        try:
            return _parsed(code.text), code
        except (SyntaxError, ValueError) as error:
            other = next((made for read in others if (made := read(source.lines))), None)
            others = []
            if other is not None:  # the code is only part of the text
                lines = other
                continue
            left -= 1
            line = int(getattr(error, "lineno", None) or 1)
            if left * len(code.text) > _WORK:
                left = _WORK // max(1, len(code.text))
            if left <= 0 or not _repaired(lines, line):
                whole = _fragments(source.lines)
                if whole is None:
                    raise _refusal(source.of(lines), error) from None
                code = source.of(whole)
                return _parsed(code.text), code
        except (RecursionError, MemoryError):
            raise code.error(Span(1, 0, 1), "this is nested too deeply to be read") from None


def _bytes_of_tree(text: str) -> int:
    """The memory that Python needs to parse code, about."""
    names, numbers = (sum(1 for _ in re.finditer(pattern, text)) for pattern in (r"\b[^\W\d]", r"\b\d"))
    return _OF_NAME * names + _OF_NUMBER * numbers + sum(text.count(mark) * size for mark, size in _BYTES.items())


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of code that is not ours
        return ast.parse(text)


def _refusal(code: SourceText, error: SyntaxError | ValueError) -> SourceError:
    line, column = int(getattr(error, "lineno", None) or 1), int(getattr(error, "offset", None) or 1)
    end = getattr(error, "end_offset", None) if getattr(error, "end_lineno", line) == line else None
    line = min(line, len(code.lines))
    span = Span(line, max(0, column - 1), max(column, (end or 0) - 1))
    return code.error(span, "this is not Python code", found=str(getattr(error, "msg", error)))


def without_prompts(lines: list[str]) -> list[str]:
    """Of a session with prompts, the code; what was printed is left out. Nothing if there are no prompts.

    Where the LSTM stands in lines without a prompt, these are code too: of a notebook, or of a text around a session.
    """
    if not any(line.lstrip().startswith(_PROMPTS) for line in lines):
        return []
    typed = [re.match(_PROMPT, line) for line in lines]
    code = [line[found.end() :] if found else "" for line, found in zip(lines, typed, strict=True)]
    others = ["" if found or re.match(_OUTPUT, line) else line for line, found in zip(lines, typed, strict=True)]
    if any("LSTM" in line for line in code) or not any("LSTM" in line for line in others):
        return code
    return [line or other for line, other in zip(code, others, strict=True)]


def _fenced(lines: list[str]) -> list[str]:
    """Of Markdown, the blocks of code; nothing if there are none, or if none is Python."""
    inside, kept, python = "", [""] * len(lines), False
    block: list[str] = []
    for number, line in enumerate(lines):
        found = re.match(_FENCE, line)
        if inside:
            if found and found[1].startswith(inside) and not found[2]:
                if python:
                    code = _dedented(without_prompts(block) or block)
                    kept[number - len(block) : number] = code
                inside = ""
            else:
                block.append(line)
        elif found:
            inside, block = found[1], []
            python = (found[2] or "").strip("{} .").lower().partition(" ")[0] in (
                "",
                "python",
                "py",
                "python3",
                "pycon",
            )
    return kept if any(kept) else []


def _dedented(lines: list[str]) -> list[str]:
    """The lines without the indentation that all of them have."""
    margins = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return [line[margin:] for line in lines] if margin else lines


def _repaired(lines: list[str], line: int) -> bool:
    """True if a line that is no code could be left out; one that speaks of an LSTM never is."""
    if len(lines) < 2 or not 1 <= line <= len(lines):  # text of one line is what was meant
        return False
    text = lines[line - 1]
    if found := re.match(_EXCEPT, text):
        lines[line - 1] = found[1] + ":" + text[found.end() :]
        return True
    if "LSTM" in text or not text.strip():
        return False
    if text.strip() == "pass":
        lines[line - 1] = ""
        return True
    indent = text[: len(text) - len(text.lstrip())]
    lines[line - 1] = f"{indent}pass"
    return True


def _fragments(lines: list[str]) -> list[str] | None:
    """Of text with code in it, the statements that are whole; None if one that speaks of an LSTM is not."""
    if not any("LSTM" in line for line in lines):
        return None
    kept, number = [""] * len(lines), 0
    while number < len(lines):
        taken = _statement_length(lines, number)
        if taken:
            kept[number : number + taken] = _dedented(lines[number : number + taken])
        elif re.match(r"(?!\s*(?:class|def)\b).*\bLSTM(Cell)?\s*\(", lines[number]):
            return None
        number += taken or 1
    return kept if any("LSTM" in line for line in kept) else None


def _statement_length(lines: list[str], first: int) -> int:
    """The number of lines that a statement with a call or an assignment in it takes; 0 if there is none."""
    depth = 0
    for count, line in enumerate(lines[first : first + _STATEMENT], 1):
        depth += sum(line.count(bracket) for bracket in "([{") - sum(line.count(bracket) for bracket in ")]}")
        if depth <= 0:  # until then it is not whole
            text = "\n".join(_dedented(lines[first : first + count]))
            return count if ("(" in text or "=" in text) and _is_code(text) else 0
    return 0


def _is_code(text: str) -> bool:
    try:
        return bool(_parsed(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


# Strings and comments.
_QUOTED: Final = r"""(?s)"{3}.*?"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\#[^\n]*"""
# What Python's parser follows as deep as it is long.
_LONG: Final = (
    r"(?:[-+~]\s*){1000}|(?:\bnot\s+){1000}|(?:\.\s*\w+\s*){1000}|(?:\blambda\b[^:\n]*:\s*){200}"
    r"|(?:\*\*\s*-?\w+\s*){200}"
)
_SHORT: Final = 400  # characters, that cannot be as deep


def _check_depth(source: SourceText) -> None:
    """Refuse what would make Python's own parser go too deep.

    Raises:
        SourceError: It would.
    """
    if len(source.text) > _SHORT and re.search(_LONG, re.sub(_QUOTED, "", source.text)):
        raise SourceError("this is nested too deeply to be read", where=source.name)
