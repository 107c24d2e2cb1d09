"""The text of a source: a file, standard input, or the words of the command line.

Not here: its kind (`text_kinds`), and weight files (`files.kinds`).
"""

import os
import re
import sys
from typing import Any, Final

from lstmcalc.errors import NotFoundError, SourceError, cannot_read, shorten, shown_name
from lstmcalc.readers.files.given import given
from lstmcalc.readers.text.source_text import SourceText

MAX_TEXT: Final = 16 * 2**20  # bytes; nobody writes a longer text
EXPECTED: Final = "code, a printed model, a configuration that describes an LSTM, or a weight file"
_HEAD: Final = 4096  # bytes of a file that tell whether it is text
_CONTROL: Final = r"[\x00-\x06\x0e-\x1a\x1c-\x1f]"


def has_weights(source: str) -> bool:
    """True if a source has weights: an object in memory, or a file that begins with binary data of a known kind."""
    if given(source) is not None:
        return True
    if not os.path.isfile(source):  # noqa: PTH113  # as below
        return False
    try:
        with open(source, "rb") as stream:  # noqa: PTH123  # as below
            head = stream.read(_HEAD)
    except OSError:
        return False  # reading it as text reports why
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not re.search(_CONTROL.encode(), head) and start not in (b"{", b"["):  # JSON may hold weights
        return False
    from lstmcalc.readers.files.kinds import weight_kind

    return bool(weight_kind(source))


def source_text(source: str) -> SourceText:
    """The text of a source that is not a weight file."""
    if source == "-":
        if sys.stdin is None:
            raise SourceError("standard input is closed", expected=EXPECTED, where="-")
        return _text(_bounded_bytes(sys.stdin.buffer, "stdin"), "stdin")
    if os.path.isdir(source):  # noqa: PTH112  # as above
        from lstmcalc.readers.files.containers import folder_error

        raise folder_error(source, shown_name(source), EXPECTED)
    if os.path.lexists(source):
        return text_in(source)
    if "(" in source or "\n" in source or " " in source.strip() or source.lstrip().startswith(("{", "[{")):
        try:
            return _text(source.encode("utf-8", "surrogateescape"), "")
        except UnicodeEncodeError:
            raise SourceError("SOURCE is not text", EXPECTED, "half of a character") from None
    raise NotFoundError(
        "no such file",
        expected='a file, - for standard input, or text, e.g. "nn.LSTM(10, 20)"',
        hint="hyperparameters are flags, e.g. --hidden 20; lengths are separated by commas"
        if re.fullmatch(r"[\d.,\s]+", source)
        else "",
        where=shorten(source)[1:-1],
    )


def file_text(path: str, flag: str) -> SourceText:
    """The text of a file that a flag names."""
    if not os.path.isfile(path):  # noqa: PTH113  # as above
        if os.path.isdir(path) or os.path.lexists(path):  # noqa: PTH112  # as above
            raise SourceError(f"{shown_name(path)} is not a regular file", "a file of settings", where=flag)
        raise NotFoundError(f"no such file: {shown_name(path)}", "a file of settings", where=flag)
    if has_weights(path):
        raise SourceError(
            f"{shown_name(path)} is a weight file", "settings: YAML, TOML, JSON, INI or Python", where=flag
        )
    return text_in(path)


def text_in(path: str) -> SourceText:
    """The text of a file."""
    name = path if path.isprintable() else shorten(path)
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  # pathlib costs start-up
            return _text(_bounded_bytes(stream, name), name, path)
    except OSError as error:
        raise cannot_read(name, error) from None


def _bounded_bytes(stream: Any, name: str) -> bytes:  # noqa: ANN401  # a binary stream
    try:
        data: bytes = stream.read(MAX_TEXT + 1)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {name}", found=str(getattr(error, "strerror", None) or error)) from None
    if len(data) > MAX_TEXT:
        if b"\0" in data[:_HEAD] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            return data[:_HEAD]  # binary data: the error is that it is not text
        refuse_other_text(SourceText(data[:_HEAD].decode("latin-1"), name))
        raise SourceError(f"{name} is too large", expected=f"at most {MAX_TEXT:,} bytes of text")
    return data


def _text(data: bytes, name: str, path: str = "") -> SourceText:
    """The text in bytes: in UTF-8, in UTF-16 if it begins with its mark, or in Latin-1, e.g. old code."""
    if os.path.isfile(path) and re.search(_CONTROL.encode(), data[:_HEAD]):  # noqa: PTH113  # as above
        _refuse_other_format(path, name)
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text if encoding == "utf-8-sig" else not re.search(_CONTROL, text):
            return SourceText(text, name)
        break
    if os.path.isfile(path):  # noqa: PTH113  # as above
        from lstmcalc.readers.files.kinds import other_kind

        raise other_kind(path, EXPECTED, binary=True)
    hint = "a weight file has to be a regular file, named instead of piped" if name else ""
    raise SourceError(f"{name or 'SOURCE'} is not text", EXPECTED, "binary data", hint)


def _refuse_other_format(path: str, name: str) -> None:
    """Refuse a file of a binary format that is recognised and not read, even if its bytes are a text."""
    from lstmcalc.readers.files.containers import unread_format

    unread = unread_format(path)
    if unread:
        from lstmcalc.readers.files.unread import unread_error

        raise unread_error(name, unread, EXPECTED)


def refuse_other_text(source: SourceText) -> None:
    """Refuse a text of a format that is recognised and not read."""
    from lstmcalc.readers.files.texts import text_format

    unread = text_format(source.text)
    if unread:
        from lstmcalc.readers.files.unread import unread_error

        raise unread_error(source.name or "this text", unread, EXPECTED)
