"""Code, read for a test: the LSTMs in it and what they say."""

from typing import Any

from lstmcalc.readers.found import Found
from lstmcalc.readers.python.reading import read_python
from lstmcalc.readers.text.source_text import SourceText

TORCH = "import torch\nimport torch.nn as nn\n"


def found_in(code: str, **settings_: Any) -> list[Found]:
    """The LSTMs in code; `settings_` are what names stand for."""
    return read_python(SourceText(code, "train.py"), settings_)


def said(found: Found) -> dict[str, Any]:
    """The settings that a source gives."""
    return {field: setting.value for field, setting in found.layer.items()}


def only(code: str, **settings_: Any) -> Found:
    """The only LSTM in code."""
    (found,) = found_in(code, **settings_)
    return found


def names(code: str) -> list[str]:
    """The names of the LSTMs in code."""
    return [found.name for found in found_in(code)]
