"""A weight file as SOURCE: its LSTMs with their settings, what is certain of them, and what was found wrong.

Not here: how files are read (`weight_files`), and which LSTMs are in them (`recognition`).
"""

from collections.abc import Sequence
from typing import Any, Final

from lstmcalc.errors import SourceError, printable, shown_name
from lstmcalc.readers.files.kinds import open_weights
from lstmcalc.readers.files.tensors import WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.recognise.recognition import Contents, Recognised, contents_text, recognise
from lstmcalc.spec.config import DTYPE_BYTES
from lstmcalc.spec.provenance import Gap, Origin, Pointer, Setting

_LISTED: Final = 4  # missing arrays, or modules, in a message


def read_weights(path: str) -> list[Found]:
    """Every LSTM in a weight file; no numbers are read.

    Raises:
        SourceError: The file cannot be read, is damaged, or has no LSTM.
        MissingExtraError: What reads this kind of file is not installed.
    """
    return found_in(read_contents(path), path)


def read_contents(path: str) -> Contents:
    """What a weight file holds, of which at least one is an LSTM; no numbers are read.

    Raises:
        SourceError: The file cannot be read, is damaged, or has no LSTM.
        MissingExtraError: What reads this kind of file is not installed.
    """
    contents = recognise(open_weights(path))
    if not contents.lstms:
        raise SourceError(
            f"no LSTM in {shown_name(path)}",
            "the weights of one, under names of PyTorch, Keras, ...",
            contents_text(contents) or "no tensors",
            "; ".join(map(printable, contents.file.notes[:_LISTED])),  # what was not read may be what was looked for
        )
    return contents


def found_in(contents: Contents, path: str) -> list[Found]:
    """Every LSTM of a weight file as a source has it."""
    name, rest = shown_name(path), contents_text(contents)
    about = [*map(printable, contents.file.notes), *([f"besides, {name} holds {rest}"] if rest else [])]
    found = [_found(item, name, contents.file) for item in contents.lstms]
    found[0] = found[0]._replace(notes=(*found[0].notes, *about))
    return found


def _found(item: Recognised, name: str, file: WeightFile) -> Found:
    layer = {field: _setting(value, name, certainty) for field, (value, certainty) in item.settings.items()}
    if item.framework == "pytorch":  # what no array depends on
        unsaid = {"batch_first": False, "dropout": 0.0}
        layer |= {field: _setting(value, name, "unknown") for field, value in unsaid.items() if field not in layer}
    dtypes = {tensor.dtype for tensor in item.tensors.values()}
    if len(dtypes) == 1 and dtypes <= DTYPE_BYTES.keys():
        layer.setdefault("dtype", _setting(next(iter(dtypes)), name, "stated"))
    count = len(item.tensors)
    return Found(
        item.name,
        item.framework,
        f"{count:,} tensor{'s' * (count != 1)} of {file.format}",
        name,
        layer,
        {"": Pointer(name, "")},
        {field: Gap(why) for field, why in item.unknown.items()},
        options=item.options,
        notes=tuple(map(printable, (*item.notes, *_wrong(item)))),
        unmodelled=tuple(map(printable, item.unmodelled)),
        path=item.path,
        weights=item,
        file=file,
    )


def _setting(value: Any, where: str, certainty: str) -> Setting:  # noqa: ANN401  # of any setting
    return Setting(value, Origin("source", where, certainty))


def _wrong(item: Recognised) -> list[str]:
    """What is not as it should be."""
    notes = []
    if item.missing:
        notes.append(f"missing for {item.config}: {_listed(item.missing)}")
    if item.misshaped:
        notes.append(f"misshaped for {item.config}: {_listed(item.misshaped)}")
    return notes


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")
