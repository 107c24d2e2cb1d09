"""A folder as SOURCE: the models at its top level, of which one stands for it.

Not here: folders that are a model of some format (`files.containers`).
"""

import os
import re
from collections.abc import Sequence
from typing import Final

from lstmcalc.errors import LstmcalcError, NoLstmError, SourceError, printable, shown_name
from lstmcalc.readers.files.containers import folder_error
from lstmcalc.readers.files.tensorflow_kinds import is_data
from lstmcalc.spec.words import with_rest

_MOST: Final = 1000  # files that are looked at
_CODE: Final = (".py", ".ipynb", ".json", ".toml", ".txt")
_LARGE: Final = 2**20  # bytes of a text that is looked at
_LISTED: Final = 6
_HEAD: Final = 4096  # bytes of a list of checkpoints
_EXPECTED: Final = "a folder with a model in it, or a file"


def models_in(folder: str) -> list[str]:
    """The weight files at the top level of a folder; without any, the texts there that speak of an LSTM.

    Raises:
        SourceError: There is none, or the folder cannot be read.
    """
    from lstmcalc.readers.files.kinds import weight_kind

    try:
        names = sorted(os.listdir(folder))[:_MOST]  # noqa: PTH208  # as in `texts`
    except OSError:
        raise folder_error(folder, shown_name(folder), _EXPECTED) from None
    if listed := _listed_checkpoint(folder, names):
        return [listed]
    paths = [os.path.join(folder, name) for name in names if not is_data(name)]  # noqa: PTH118  # as above
    files = [path for path in paths if os.path.isfile(path)]  # noqa: PTH113  # as above
    kinds = {path: weight_kind(path) for path in files}
    weights = [path for path in files if kinds[path] not in ("", "zip")]
    if indices := [path for path in weights if kinds[path] in ("index", "keras-index")]:
        from lstmcalc.readers.files.shards import named_files

        shards = {shard for index in indices for shard in named_files(index)}
        weights = [path for path in weights if path not in shards]
    found = weights or [path for path in files if path.lower().endswith(_CODE) and _speaks_of_lstms(path)]
    if not found:
        raise folder_error(folder, shown_name(folder), _EXPECTED)
    return found


_LIST: Final = "checkpoint"  # of a folder's checkpoints, as TensorFlow writes it


def _listed_checkpoint(folder: str, names: Sequence[str]) -> str:
    """The index of the checkpoint that the list in a folder calls the last one; empty if it is not in this folder."""
    if _LIST not in names:
        return ""
    path = os.path.join(folder, _LIST)  # noqa: PTH118  # as above
    if not os.path.isfile(path):  # noqa: PTH113  # as above
        return ""
    with open(path, "rb") as stream:  # noqa: PTH123  # as above
        text = stream.read(_HEAD).decode("utf-8", "replace")
    found = re.match(r'model_checkpoint_path: "([^"\\/]+)"', text)
    return os.path.join(folder, f"{found[1]}.index") if found and f"{found[1]}.index" in names else ""  # noqa: PTH118


def whole_path(source: str) -> str:
    """The index of a checkpoint of TensorFlow for its prefix, as TensorFlow calls it; any other source as it is."""
    index = f"{source}.index"
    return index if not os.path.lexists(source) and os.path.isfile(index) else source  # noqa: PTH113  # as above


def _is_without_lstm(path: str) -> bool:
    """True for a weight file of which every part was read, and none is of an LSTM."""
    from lstmcalc.readers.files.kinds import weight_kind
    from lstmcalc.readers.recognise.weights import read_weights

    if not weight_kind(path):
        return False
    try:
        read_weights(path)
    except NoLstmError:
        return True
    except LstmcalcError:
        return False
    return False


def _speaks_of_lstms(path: str) -> bool:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  # as above
            return b"lstm" in stream.read(_LARGE).lower()
    except OSError:
        return False


def model_in(folder: str) -> str:
    """The one model of a folder; files without an LSTM beside it, as an optimizer's, are none.

    Raises:
        SourceError: There are several.
    """
    found = models_in(folder)
    if len(found) > 1:
        found = [path for path in found if not _is_without_lstm(path)] or found
    if len(found) > 1:
        names = [printable(os.path.basename(path)) for path in found]  # noqa: PTH119  # as above
        raise SourceError(
            f"{shown_name(folder)} has several models",
            "one of them",
            with_rest(names, _LISTED),
            f"lstmcalc {shown_name(folder)} lists them",
        )
    return found[0]
