"""Configurations, read for a test: the LSTMs in a text, and what they say."""

from collections.abc import Mapping
from typing import Any

from lstmcalc.readers.found import Found
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text.source_text import SourceText

Said = dict[str, dict[str, Any]]


def found_in(text: str, name: str = "") -> list[Found]:
    """The LSTMs of a text; without a name its kind is told by its content."""
    return read_text(SourceText(text, name), {})


def values_of(found: Found) -> dict[str, Any]:
    """The settings of an LSTM."""
    return {field: setting.value for field, setting in found.layer.items()}


def said_in(text: str, name: str = "") -> Said:
    """The settings of each LSTM of a text, by name."""
    return {found.name: values_of(found) for found in found_in(text, name)}


def is_certain(text: str, name: str = "") -> bool:
    """True if every LSTM of a text is certain, and none is open."""
    return not any(found.uncertain or found.gaps for found in found_in(text, name))


def sizes(input_size: int, hidden_size: int, **others: Any) -> Mapping[str, Any]:
    """Settings, in short."""
    return {"input_size": input_size, "hidden_size": hidden_size, **others}
