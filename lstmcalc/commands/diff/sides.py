"""The two sides of a comparison, as they are read: the LSTMs of each, their hyperparameters and tensors.

Not here: which LSTM is held against which (`pairs`), and the differences of a pair (`report`).
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from lstmcalc.commands.diff.pairs import matched_pairs
from lstmcalc.commands.diff.records import IN_WEIGHTS, STATE_DICTS, Item, ReadSide, Side, Sides
from lstmcalc.errors import (
    ConfigError,
    ContradictionError,
    SourceError,
    TooLargeError,
    UsageError,
    printable,
    shown_name,
)
from lstmcalc.frameworks.storage import Storage
from lstmcalc.intake.choosing import asked_modules, chosen_lstms, lstms_of, with_unique_names
from lstmcalc.intake.flags import Typed, read_flags, read_from
from lstmcalc.intake.resolve import MAX_MODULES, subjects_of
from lstmcalc.intake.settings_files import Given, found_with, given_settings, with_settings
from lstmcalc.intake.subject import Subject
from lstmcalc.readers.config_file import find_config
from lstmcalc.readers.files.tensors import Stored, WeightFile
from lstmcalc.readers.found import Found
from lstmcalc.readers.picking import pick
from lstmcalc.readers.sources import read_text
from lstmcalc.readers.text_kinds import text_kind
from lstmcalc.readers.texts import has_weights, source_text
from lstmcalc.report.document import check_rows
from lstmcalc.spec.config import HYPERPARAMETERS, LSTMConfig
from lstmcalc.spec.provenance import Layer
from lstmcalc.spec.words import and_list

_TWO: Final = 2  # sides


def read_sides(typed: Mapping[str, Typed]) -> Sides:
    """The LSTMs of two sources, or of one source and the flags, in pairs.

    A weight file is the first side, in whichever order the sources are named. `--module` must name an LSTM of at least
    one side; a side with a single LSTM is used whatever its name. Equal names, or names of which one ends in the other,
    are paired; the remaining LSTMs are paired by similarity.
    """
    first, second = (str(typed[name]) if typed.get(name) is not None else None for name in ("file", "source"))
    if first is None:
        raise UsageError("no file is named", "a weight file, e.g. model.safetensors", hint="see lstmcalc diff -h")
    # Of flags that every command takes, those on data change nothing here.
    flags = {field: setting for field, setting in read_flags(typed).items() if field in HYPERPARAMETERS}
    if second is None and not flags and (both := _sides_of_error(first, typed)):
        return both
    if second is None and not flags and typed.get("config") is None and not find_config():
        raise UsageError(
            f"there is nothing to compare {printable(first)} with",
            expected='another SOURCE, or flags, e.g. --hidden 20: lstmcalc diff FILE "nn.LSTM(10, 20, 2)"',
            hint="see lstmcalc diff -h",
        )
    modules = asked_modules(typed.get("module"))
    if len(modules) > _TWO:
        raise UsageError("too many modules", "one of each side", f"{len(modules)}", where="--module")
    if first == second == "-":
        raise UsageError("standard input can be read once", expected="a file, or text", where="SOURCE")
    weighty = has_weights(first), second is not None and has_weights(second)
    if all(weighty) and flags:
        raise ContradictionError(
            "flags do not change a weight file", "one of the two", hint="compare with the flags alone"
        )
    wanted = (modules[0], modules[-1]) if modules else (None, None)
    # Flags and --set belong to the second side; a weight file that is compared with a text is the first.
    asked = [(first, wanted[0]), (second, wanted[1])]
    if weighty == (False, True):
        asked, weighty = asked[::-1], (True, False)
    read = _two_sides(asked, weighty, flags, given_settings(typed, asked[1][0]), read_from(typed))
    files, models = (side.sides for side in read)
    if modules and not (read[0].matched or read[1].matched):
        pick([side.name for side in files], modules[0])  # raises, and lists the names there are
    pairs, others = matched_pairs(files, models, one_asked=len(models) == 1 and not weighty[1])
    return Sides(pairs, _words(files[0].source, models[0].source, weighty), others, read, entire=not modules)


def _sides_of_error(source: str, typed: Mapping[str, Typed]) -> Sides | None:
    """The LSTMs of the checkpoint and of the model that an error of PyTorch names; None for any other source."""
    if has_weights(source):
        return None
    text = source_text(source)
    if not text.text.strip() or text_kind(text) != "errors":
        return None
    from lstmcalc.readers.pasted.load_errors import CHECKPOINT, MODEL

    found = with_unique_names(read_text(text, {}))
    modules = asked_modules(typed.get("module"), (item.name for item in found))
    chosen = chosen_lstms(found, modules)
    read = []
    for side in (CHECKPOINT, MODEL):
        own = [item for item in chosen if item.name.startswith(f"{side}.")]
        subjects = subjects_of(found, own, {}, unknown="input_size", whole=True) if own else []
        named = [
            item._replace(name=item.name.removeprefix(f"{side}."), where=None, notes=(*item.notes, *item.uncertain))
            for item in own
        ]
        items = [_side_of_text(subject, item, side) for subject, item in zip(subjects, named, strict=True)]
        read.append(ReadSide(source, items, matched=False, text=text))
    if not (read[0].sides and read[1].sides):
        raise SourceError(
            "the text has LSTMs of one side alone",
            f"keys of the {CHECKPOINT} and of the {MODEL}",
            f"{and_list([item.name for item in chosen])}",
            "compare the files: lstmcalc diff CHECKPOINT MODEL.py",
        )
    pairs, others = matched_pairs(read[0].sides, read[1].sides, one_asked=False)
    return Sides(pairs, (f"the {CHECKPOINT}", f"the {MODEL}"), others, read, entire=False)


_Asked: TypeAlias = tuple[str | None, str | None]  # a source, and the LSTM of it that is asked for


def _two_sides(
    asked: Sequence[_Asked], weighty: tuple[bool, bool], flags: Layer, given: Given, framework: str
) -> tuple[ReadSide, ReadSide]:
    """Both sides; `framework` is for the weight files that fit several, and for all if none does."""
    if framework and not any(weighty):
        raise UsageError("--from needs a weight file", "one as SOURCE", where="--from")
    first, second = asked
    ambiguous = [
        is_file and framework and _fits_several(source) for (source, _), is_file in zip(asked, weighty, strict=True)
    ]
    own = [
        framework * bool(is_so if any(ambiguous) else is_file)
        for is_so, is_file in zip(ambiguous, weighty, strict=True)
    ]
    return _side(*first, {}, Given({}), own[0]), _side(*second, flags, given, own[1])


def _fits_several(source: str | None) -> bool:
    """True if an LSTM of a weight file fits several frameworks with other orders of gates."""
    return any(item.rivals for item in lstms_of(source, {}))


def _side(source: str | None, module: str | None, flags: Layer, given: Given, framework: str) -> ReadSide:
    """The LSTMs of a source or of flags alone; only the one that is called `module`, if there is one."""
    text = given.text
    if source is not None and text is None and not has_weights(source):
        text = source_text(source)
    if text:
        found = with_settings(with_unique_names(read_text(text, given.known)), given.own)
    else:
        found = found_with(given, source, framework, repeats=True) or [Found("lstm", "pytorch")]
    stored = found[0].weights is not None
    if stored and len(found) > MAX_MODULES:
        raise TooLargeError("too many LSTMs to compare", f"at most {MAX_MODULES:,}", f"{len(found):,}")
    if stored and module is not None:
        _refuse_relatives(_file_of(found[0]), module, str(source))
    chosen, matched = _chosen_lstms(found, module)
    if stored:
        near = _tensors_by_place(_file_of(found[0]))
        return ReadSide(source, [_side_of_file(item, near, str(source)) for item in chosen], matched)
    chosen = [item for item in chosen if item.kind] or chosen  # what may be an LSTM has nothing to compare
    subjects = subjects_of(found, chosen, flags, unknown="input_size", whole=True)
    sides = [_side_of_text(subject, item, source) for subject, item in zip(subjects, chosen, strict=True)]
    return ReadSide(source, sides, matched, text, found[0].models)


def _file_of(found: Found) -> WeightFile:
    """The weight file that an LSTM was found in."""
    assert found.stored.file is not None  # noqa: S101  # recognition sets it
    return found.stored.file


def _words(first: str, second: str, weighty: tuple[bool, bool]) -> tuple[str, str]:
    """The names of the sides in a sentence."""
    if weighty == (True, True):
        names = [printable(os.path.basename(source)) for source in (first, second)]  # noqa: PTH119  # of text
        return (names[0], names[1]) if names[0] != names[1] else ("the first file", "the second file")
    return ("the file", "the model") if weighty[0] else ("the first", "the second")


def _refuse_relatives(file: WeightFile, module: str, path: str) -> None:
    """Refuse a module that is a GRU or another relative of an LSTM, with its kind in the error."""
    for item in file.relatives:
        if module == printable(item.unit) or printable(item.unit).endswith(f".{module}"):
            sizes = [("input", item.input_size), ("hidden", item.hidden_size)]
            known = "".join(f", {what} {size:,}" for what, size in sizes if size)
            raise SourceError(
                f"{printable(item.unit)} of {shown_name(path)} is not an LSTM",
                "the weights of one",
                f"those of a {printable(item.kind)}{known}",
                where="--module",
            )


def _chosen_lstms(found: Sequence[Found], module: str | None) -> tuple[Sequence[Found], bool]:
    """The LSTMs to compare, and True if `module` names one; a single LSTM is compared whatever its name."""
    if module is None:
        return found, False
    try:
        return chosen_lstms(found, [module]), True
    except UsageError:
        if len(found) > 1:
            raise
        return found, False


_Near: TypeAlias = Mapping[str, Sequence[tuple[int, Stored]]]


def _tensors_by_place(file: WeightFile) -> _Near:
    """The tensors of a file with their positions, by module; those of no module by the name before its last dot."""
    near: dict[str, list[tuple[int, Stored]]] = {}
    for position, tensor in enumerate(file.tensors):
        owner = file.owners.get(tensor.name)
        place = f"of {owner}" if owner is not None else f"at {tensor.name.rpartition('.')[0]}"
        near.setdefault(place, []).append((position, tensor))
    return near


def _side_of_file(found: Found, near: _Near, path: str) -> Side:
    """The side of an LSTM in a weight file, with the tensors of its module."""
    tensors = found.stored.tensors
    names = {tensor.name: native for native, tensor in tensors.items()}
    prefix = next((name[: -len(native)] for name, native in names.items() if name.endswith(native)), None)
    items: dict[str, Item] = {}
    for tensor in _tensors(found, prefix, near):
        key = names.get(tensor.name) or tensor.name.removeprefix(prefix or "")
        items.setdefault(key, Item(tensor.shape, tensor.dtype or None, tensor))
    if found.framework not in STATE_DICTS:  # tensors that the file's own graph computes belong to the layer too
        items = {native: Item(tensor.shape, tensor.dtype or None, tensor) for native, tensor in tensors.items()} | items
    check_rows(len(items), "tensor", "--module NAME of one LSTM")
    certain = {field for field, (_, origin) in found.layer.items() if origin.certainty != "unknown"}
    known = (certain & set(HYPERPARAMETERS)) - found.gaps.keys()
    if not found.framework.startswith("pytorch"):
        known -= {"batch_first"}  # only PyTorch has it
    begin = None if prefix is None else without_container(prefix)
    return Side(found, shown_name(path), found.stored.config, frozenset(known), items, begin)


def notes_of(found: Found) -> tuple[str, ...]:
    """The notes on an LSTM, and one for each of its properties that is not modelled."""
    odd = (f"{item} is not modelled: the same shapes compute something else" for item in found.unmodelled)
    return (*found.notes, *odd)


def without_container(prefix: str) -> str:
    """A prefix of names without the key under which a checkpoint holds the state dict."""
    head, dot, rest = prefix.partition(".")
    return rest if dot and head in _CONTAINERS else prefix


# Keys under which checkpoints hold the state dict: that of Lightning 2.6.5 (`state_dict`), and common ones.
_CONTAINERS: Final = ("state_dict", "model_state_dict", "model_state")


def is_run(file: WeightFile) -> bool:
    """True for a file of `run --save`, which has data beside the weights, and the LSTM as text."""
    named = (tensor for tensor in file.tensors if tensor.name.rpartition(".")[2] == "config")
    return file.kind == "npz" and any(tensor.dtype.startswith("text") for tensor in named)


def _tensors(found: Found, prefix: str | None, near: _Near) -> list[Stored]:
    """The tensors of an LSTM in the order of the file, and those with its prefix that belong to no module.

    The latter are unexpected keys for PyTorch.
    """
    all_own = near.get(f"of {found.stored.module}", ())
    own = [(place, tensor) for place, tensor in all_own if tensor.name.startswith(prefix or "")]
    if prefix is not None and found.framework in STATE_DICTS and "/" not in prefix and not is_run(_file_of(found)):
        own += near.get(f"at {prefix.removesuffix('.')}", ())
    return [tensor for _, tensor in sorted(own, key=lambda item: item[0])]


def _side_of_text(subject: Subject, found: Found, source: str | None) -> Side:
    """The side of an LSTM described by text or flags, with the tensors that it would have."""
    where = next((origin.where for origin in subject.provenance.values() if origin.source == "config"), None)
    text = (where or "flags") if source is None else shown_name(source)
    known = {
        field
        for field in HYPERPARAMETERS
        if subject.provenance[field].certainty not in ("assumed", "unknown")
        and (field != "batch_first" or subject.framework.startswith("pytorch"))
    }
    return Side(found, text, subject.config, frozenset(known), items_of(subject.config, subject.framework))


def items_of(config: LSTMConfig, framework: str, dtype: str | None = None) -> dict[str, Item]:
    """The tensors that an LSTM has in a framework."""
    rows = Storage(config, framework).parameters
    check_rows(len(rows), "tensor")
    return {row.name: Item(row.shape, dtype) for row in rows}


def adopted(side: Side, other: Side) -> Side:
    """A side with the sizes that only the other side knows: an unknown size is not a difference."""
    open_sizes = [field for field in IN_WEIGHTS if field not in side.known and field in other.known]
    if not open_sizes:
        return side
    try:
        config = replace(side.config, **{field: getattr(other.config, field) for field in open_sizes})
    except ConfigError:  # e.g. a projection wider than the cell: no LSTM has both sizes
        return side
    return side._replace(config=config, items=side.items if side.is_file else items_of(config, side.framework))
