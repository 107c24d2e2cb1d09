"""The settings of a printed LSTM: `LSTM(10, 20, num_layers=2)`."""

import re
from collections.abc import Mapping
from typing import Final

from lstmcalc.errors import nearest_hint, shorten
from lstmcalc.readers.found import Found
from lstmcalc.readers.text.source_text import Pointers, SourceText, Span
from lstmcalc.spec.provenance import Origin, Setting

FRAMEWORKS: Final = {"LSTM": "pytorch", "LSTMCell": "pytorch-cell"}
_SIZES: Final = ("input_size", "hidden_size")  # printed without their names
_SWITCHES: Final = ("bias", "batch_first", "bidirectional")
_KEYWORDS: Final = {
    "LSTM": ("proj_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"),
    "LSTMCell": ("bias",),
}
PARAMETRIZED: Final = "Parametrized"
_STORED_OTHERWISE: Final = "parametrized: for some of its weights, PyTorch stores what they are computed from instead"
_MAX_DIGITS: Final = 40
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:e[+-]?[0-9]++)?")


class Settings:
    """Reads the settings of each LSTM that a text prints.

    Args:
        source: The text.
        framework_of: The frameworks of lines that another one than PyTorch printed.
    """

    def __init__(self, source: SourceText, framework_of: Mapping[int, str]) -> None:
        self._source = source
        self._framework_of = framework_of

    def lstm(self, kind: str, head: Span, arguments: str, row: int, at: int) -> Found:
        """An LSTM, not yet named, from its arguments, which begin at index `at` of line `row`."""
        base, place = kind.removeprefix(PARAMETRIZED), self._source.place(head.line)
        origin, layer = Origin("source", place or None, "stated"), dict[str, Setting]()
        spans = {"": head}
        for position, piece in enumerate(re.finditer(r"[^,]+", arguments)):
            text, start = piece[0].strip(), at + piece.end() - len(piece[0].lstrip())
            span = Span(row, start, start + len(text))
            name, value = (_SIZES[position], text) if position < len(_SIZES) else self._keyword(base, text, span)
            if name in layer:
                raise self._source.error(span, f"{name} stands twice", expected="each setting once")
            layer[name] = Setting(self._value(name, value, span), origin)
            spans[name] = span
        notes = (_STORED_OTHERWISE,) if kind != base else ()
        pointers = Pointers(self._source, spans)
        framework = self._framework_of.get(head.line, FRAMEWORKS[base])
        return Found("", framework, f"{kind}({arguments})", place or None, layer, pointers, notes=notes)

    def _keyword(self, base: str, text: str, span: Span) -> tuple[str, str]:
        """The name and the value of a setting, e.g. `num_layers=2`."""
        name, _, value = text.partition("=")
        if name not in _KEYWORDS[base]:
            raise self._source.error(
                span,
                f"{base} has no such setting",
                expected=f"one of {', '.join(_KEYWORDS[base])}",
                found=shorten(name),
                hint=nearest_hint(name[:_MAX_DIGITS], _KEYWORDS[base]),
            )
        return name, value

    def _value(self, name: str, text: str, span: Span) -> bool | float:
        """The value of a setting from its printed text."""
        if text in {"True", "False"}:
            return text == "True"
        if name in _SWITCHES and text in {
            "0",
            "1",
        }:  # PyTorch accepts numbers as Booleans, and prints them unchanged
            return text == "1"
        if not _NUMBER.fullmatch(text):
            raise self._source.error(
                span, f"{name} is not a literal", expected="a number, True or False", found=shorten(text)
            )
        self.check_digits(name, text, span)
        return int(text) if text.lstrip("+-").isdecimal() else float(text)

    def check_digits(self, name: str, text: str, span: Span) -> None:
        """Refuse a number with too many digits for a size; Python itself refuses to convert thousands."""
        if len(text) <= _MAX_DIGITS:
            return
        count = sum(letter.isdecimal() for letter in text)
        if count > _MAX_DIGITS:
            raise self._source.error(
                span, f"{name} has too many digits", expected=f"at most {_MAX_DIGITS} digits", found=f"{count:,} digits"
            )
