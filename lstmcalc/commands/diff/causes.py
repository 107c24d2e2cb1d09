"""The likely causes of the differences of two LSTMs, in sentences."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from lstmcalc.commands.diff.records import IN_WEIGHTS, STATE_DICTS, Side
from lstmcalc.commands.diff.rows import BAD, LISTED, TensorRow, Words
from lstmcalc.errors import printable
from lstmcalc.spec.words import counted, with_rest


def causes_of(
    file: Side | None, model: Side | None, words: Words, rows: Sequence[TensorRow], terms: str
) -> Iterator[str]:
    """The causes of the differences, in sentences, the most telling first."""
    if file is None or model is None:
        side, word = (model, words[0]) if file is None else (file, words[1])
        assert side is not None  # noqa: S101  # a pair has one of them
        yield f"{word} has no LSTM like {printable(side.name)}"
        return
    free = () if file.is_file or model.is_file else ("batch_first", "dropout")
    for field in ("bidirectional", "num_layers", "hidden_size", "input_size", "proj_size", "bias", *free):
        if field in file.known & model.known and getattr(file.config, field) != getattr(model.config, field):
            yield _cause(field, file, model, words, terms)
    for side, word in ((file, words[0]), (model, words[1])):
        broken = mapping_faults(side, terms)
        if broken:
            yield f"{word} is incomplete: {broken}"
    odd = unmodelled_items(file, model, rows)
    if odd:
        yield f"{words[0]} has settings that {words[1]} lacks: {printable(with_rest(odd, LISTED))}"
    prefixes = prefixes_of(file, model)
    if prefixes:
        yield _prefix_cause(*prefixes, words)
    yield from _row_causes(file, model, words, rows)


def _prefix_cause(first: str, second: str, words: Words) -> str:
    """A sentence on the extra prefix of one file's names, or on both prefixes."""
    for more, less, word in ((first, second, words[0]), (second, first, words[1])):
        if more.endswith(less) or more.startswith(less):
            extra = more.removesuffix(less) if more.endswith(less) else more.removeprefix(less)
            return f"names differ by the prefix `{extra}`, which those of {word} have"
    return f"names differ by their prefix: `{first}` in {words[0]}, `{second}` in {words[1]}"


def _cause(field: str, file: Side, model: Side, words: Words, terms: str) -> str:
    """A sentence on the difference in one hyperparameter."""
    values = getattr(file.config, field), getattr(model.config, field)
    if field == "bidirectional":
        which = words if values[0] else words[::-1]
        return f"{which[0]} is bidirectional, {which[1]} is not"
    if field == "bias":
        return f"{words[values[0]]} has no biases, {words[not values[0]]} has"
    if field == "num_layers":
        return f"{words[0]} has {counted(values[0], 'layer')}, {words[1]} {values[1]:,}"
    if field == "proj_size" and not all(values):
        which = words if values[0] else words[::-1]
        return f"{which[0]} has a projection (proj_size = {max(values):,}), {which[1]} has none"
    told = {"hidden_size": "weight_hh", "input_size": "weight_ih"}.get(field, "no evidence")
    name = next((name for name in file.items if name.startswith(told)), None)
    if not file.is_file or name is None or terms not in STATE_DICTS:
        return _plain_cause(field, file, model, words)
    shape = file.items[name].shape
    why = f"4 gates of {values[0]:,} rows" if field == "hidden_size" and file.config.proj_size else f"so {values[0]:,}"
    return f"{field}: {name} of {words[0]} is {shape}, {why}; {words[1]} wants {values[1]:,}"


def _plain_cause(field: str, file: Side, model: Side, words: Words) -> str:
    values = getattr(file.config, field), getattr(model.config, field)
    return f"{field} is {values[0]} in {words[0]} and {values[1]} in {words[1]}"


def _row_causes(file: Side, model: Side, words: Words, rows: Sequence[TensorRow]) -> Iterator[str]:
    """Causes that names and shapes reveal beyond the hyperparameters."""
    gated = [row for row in rows if row.status == "misshaped" and row.name.startswith(("weight_ih", "weight_hh"))]
    without = not any("weight_hh" in name for name in file.items)
    if gated and without and all(row.file_shape and row.file_shape[0] == 3 * model.config.hidden_size for row in gated):
        yield f"the rows of {words[0]} fit a GRU of {model.config.hidden_size:,} too"
    missing, unexpected = ([row.name for row in rows if row.status == status] for status in BAD[:2])
    for listed, which in ((unexpected, words), (missing, words[::-1])):
        normed = [name for name in listed if re.search(_NORMED, name)]
        if normed:
            names = with_rest(normed, LISTED)
            yield f"{which[0]} has weights under weight_norm, as {names}; {which[1]} has them whole"
            return
    if any(getattr(file.config, field) != getattr(model.config, field) for field in IN_WEIGHTS):
        return
    if missing:
        yield f"{words[0]} lacks {with_rest(missing, LISTED)}"
    if unexpected:
        yield f"{words[0]} has {with_rest(unexpected, LISTED)} too"
    misshaped = [row.name for row in rows if row.status == "misshaped"]
    if misshaped:
        have = "has" if len(misshaped) == 1 else "have"
        yield f"{with_rest(misshaped, LISTED)} of {words[0]} {have} a shape that no such LSTM has"


# Names under torch.nn.utils.weight_norm and parametrizations.weight_norm of torch 2.13.0.
_NORMED: Final = r"^weight_\w+_[gv]$|^parametrizations\."


def prefixes_of(file: Side | None, model: Side | None) -> tuple[str, str] | None:
    """The prefixes of the names in two files of state dicts, if they differ."""
    for side in (file, model):
        if side is None or not side.is_file or side.prefix is None or side.framework not in STATE_DICTS:
            return None
    if not file or not model or file.prefix is None or model.prefix is None or file.prefix == model.prefix:
        return None
    return printable(file.prefix), printable(model.prefix)


def mapping_faults(side: Side | None, terms: str) -> str:
    """Missing tensors and size mismatches that prevent mapping a weight file to the framework `terms`; else empty."""
    if side is None or not side.is_file or side.framework == terms:
        return ""
    wrong = [f"{name} is missing" for name in side.found.stored.missing] + list(side.found.stored.misshaped)
    return printable(with_rest(wrong, LISTED))


def unmodelled_items(file: Side | None, model: Side | None, rows: Sequence[TensorRow]) -> list[str]:
    """Reasons why a weight file computes something else than a text describes; empty for any other pair.

    Empty if tensors are missing or unexpected, too: weight_norm has other names, but computes the same.
    """
    if not file or not model or not file.is_file or model.is_file or any(row.status in BAD[:2] for row in rows):
        return []
    return [item for item in file.found.unmodelled if item not in model.found.unmodelled]
