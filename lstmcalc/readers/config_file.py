"""The file that describes an LSTM for lstmcalc in the working directory."""

import os
from typing import Final

from lstmcalc.errors import SourceError
from lstmcalc.readers.found import Found

CONFIG_FILE: Final = "lstmcalc.toml"
CONFIG_TOO: Final = "pyproject.toml"


def find_config() -> list[Found]:
    """The LSTMs of `lstmcalc.toml` in the working directory, else of `[tool.lstmcalc]` in its `pyproject.toml`."""
    if os.path.lexists(CONFIG_FILE):
        if os.path.exists(CONFIG_FILE) and not (os.path.isfile(CONFIG_FILE) or os.path.isdir(CONFIG_FILE)):  # noqa: PTH110, PTH112, PTH113  # pathlib costs start-up
            raise SourceError(f"{CONFIG_FILE} is not a regular file", "a TOML file")  # a pipe would be waited for
        from lstmcalc.readers.text.toml_texts import read_toml
        from lstmcalc.readers.texts import text_in

        return read_toml(text_in(CONFIG_FILE), "config")
    if os.path.isfile(CONFIG_TOO):  # noqa: PTH113  # as above
        from lstmcalc.readers.texts import text_in

        try:
            text = text_in(CONFIG_TOO)
        except SourceError:
            return []  # not readable as text, so it has no table for lstmcalc
        if "lstmcalc" in text.text:
            from lstmcalc.readers.text.toml_texts import read_pyproject

            return read_pyproject(text)
    return []
