"""SOURCE, from which LSTMs are read: a file, standard input or text, recognised by its content.

Not here: how a text is read (`texts`), its kind (`text_kinds`), the readers of each kind (`text_readers`,
`recognise.weights`), and the file that is read without a SOURCE (`config_file`).
"""

from collections.abc import Mapping
from typing import Any

from lstmcalc.errors import SourceError, UsageError
from lstmcalc.readers.found import Found
from lstmcalc.readers.picking import pick
from lstmcalc.readers.text.source_text import SourceText
from lstmcalc.readers.text_kinds import text_kind
from lstmcalc.readers.text_readers import CODE, READERS
from lstmcalc.readers.texts import EXPECTED, has_weights, refuse_other_text, source_text
from lstmcalc.spec.config import HYPERPARAMETERS
from lstmcalc.spec.provenance import Origin, Setting, known_with


def read_source(
    source: str, settings: Mapping[str, Any], framework: str = "", text: SourceText | None = None
) -> list[Found]:
    """Every LSTM that SOURCE describes, in order; nothing in it is executed.

    Args:
        source: A file that exists, `-` for standard input, or text that has a parenthesis or several lines.
        settings: The values of names in code.
        framework: The framework whose layout a weight file has, as `--from` says; empty if it says nothing.
        text: The text of the source, if it was read before.
    """
    if has_weights(source):
        from lstmcalc.readers.recognise.weights import read_weights

        _refuse_settings(settings)
        return read_weights(source, framework)
    text = text or source_text(source)
    found = read_text(text, settings, framework)
    if found[0].weights is not None:
        return found
    if framework and not any(item.framework == framework for item in found):
        stated = " and ".join(dict.fromkeys(item.framework for item in found))
        raise SourceError(f"it states its framework itself: {stated}", f"--from {stated}", framework, where="--from")
    return found


def read_text(text: SourceText, settings: Mapping[str, Any], framework: str = "") -> list[Found]:
    """Every LSTM that a text describes, as `read_source`; the framework is for names and shapes that fit several."""
    if not text.text.strip():
        raise SourceError(f"{text.name or 'SOURCE'} is empty", expected=EXPECTED)
    refuse_other_text(text)
    kind = text_kind(text)
    of_modules = {name: settings[name] for name in settings if _is_of_a_module(name, text.text)}
    settings = known_with(settings, {name: value for name, value in settings.items() if name not in of_modules})
    if kind not in CODE:
        _refuse_settings(settings)
        return _with_settings(READERS[kind](text, framework), of_modules)
    return _with_settings(CODE[kind](text, settings), of_modules)


def is_code(text: SourceText) -> bool:
    """True if a text is code, whose names can be given values."""
    return bool(text.text.strip()) and text_kind(text) in CODE


def _is_of_a_module(name: str, text: str) -> bool:
    """True for `encoder.input_size`, a hyperparameter of an LSTM, where the text has no such name itself."""
    return "." in name and name.rpartition(".")[2] in HYPERPARAMETERS and name not in text


def _with_settings(found: list[Found], settings: Mapping[str, Any]) -> list[Found]:
    """The LSTMs with settings that are open in the source, each by the name of its LSTM: `encoder.input_size`."""
    for name, value in settings.items():
        module, _, field = name.rpartition(".")
        try:
            picked = pick([item.name for item in found if field in item.gaps], module)
        except UsageError as error:
            what = f"{field} is not unknown in any LSTM of this name"
            raise UsageError(what, error.expected, error.found, error.hint, f"--set {name}") from None
        setting = Setting(value, Origin("flag", None, "stated"))
        found = [
            item._replace(
                layer={**item.layer, field: setting},
                gaps={other: gap for other, gap in item.gaps.items() if other != field},
            )
            if item.name == picked
            else item
            for item in found
        ]
    return found


def _refuse_settings(settings: Mapping[str, Any]) -> None:
    """Refuse `--set`, as only code has names to set."""
    if settings:
        raise UsageError(
            "there is nothing to set", expected="code with names in it", where=f"--set {next(iter(settings))}"
        )
