"""Refusals before settings are settled: a flag that contradicts a weight file, and one size for several LSTMs.

Not here: which setting wins (`resolve`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from lstmcalc.errors import (
    ContradictionError,
    LstmcalcError,
    UsageError,
)
from lstmcalc.intake.choosing import with_unique_names
from lstmcalc.intake.flags import flag_name
from lstmcalc.readers.found import Found
from lstmcalc.spec.provenance import Layer
from lstmcalc.spec.words import and_list

if TYPE_CHECKING:
    from lstmcalc.readers.data import DataFile

Again: TypeAlias = Callable[[Mapping[str, object]], list[Found]]


_IN_TENSORS: Final = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional", "proj_size")


def check_against_weights(found: Found, flags: Layer, *, alone: bool) -> None:
    """Refuse flags that contradict the tensors of a weight file: the LSTM of the report would not be in it."""
    for field in _IN_TENSORS if found.weights else ():
        said, flag = found.layer.get(field), flags.get(field)
        if said is not None and flag is not None and said.value != flag.value:
            raise ContradictionError(
                f"{found.name} in {found.where} has another {field}",
                str(said.value),
                str(flag.value),
                "leave the flag out, or the file: flags alone describe any LSTM"
                + ("" if alone else "; --module NAME picks another"),
                where=flag_name(field),
            )


def check_one_for_all(
    chosen: Sequence[Found], flags: Layer, data: "DataFile | None", again: Again | None = None
) -> None:
    """Refuse one size for several LSTMs that leave it open, unless it is one name's value in all of them.

    The input_size of several LSTMs is seldom the same: a decoder reads something else than its encoder.
    """
    for field in ("input_size", "hidden_size") if not data else ():
        flag = flags.get(field)
        open_ = [item for item in chosen if field in item.gaps and not (field == "input_size" and is_fed(item))]
        if flag is None or len(open_) < _SEVERAL:
            continue
        with suppress(LstmcalcError):  # of a value that the source does not take
            if _is_one_value(open_, field, flag.value, again):
                continue
        first, value = open_[0], flag.value
        settable = first.weights is None and first.name.replace(".", "").replace("_", "").isalnum()
        raise UsageError(
            f"{field} is unknown in {and_list([item.name for item in open_[:_LISTED]])}, and may differ",
            "the value of one of them",
            str(value),
            f"--module {first.name} {flag_name(field)} {value}"
            + (f", or --set {first.name}.{field}={value}" if settable else ""),
            where=flag_name(field),
        )


def _is_one_value(open_: Sequence[Found], field: str, value: object, again: Again | None) -> bool:
    """True if a setting of several LSTMs is the same whatever the name that it depends on: not `d` and `d + 1`."""
    names = {item.gaps[field].names for item in open_}
    if len(names) > 1:
        return False
    if not (own := next(iter(names))):
        return field == "hidden_size"
    if again and len(own) == 1 and (read := again({own[0]: value})):
        return all(_are_equal(each, open_, field) for each in (read, again({own[0]: _OTHER})))
    return len({_marked_text(item.pointers[field].excerpt) for item in open_ if field in item.pointers}) == 1


def _are_equal(read: Sequence[Found], open_: Sequence[Found], field: str) -> bool:
    """True if a setting that was open is read now, and the same in all LSTMs."""
    settled = {item.name: item.layer[field].value for item in with_unique_names(read) if field in item.layer}
    return len({settled.get(item.name, f"{item.name} is open") for item in open_}) == 1


_OTHER: Final = 9973  # another value of a name: what is equal for both is no coincidence


def _marked_text(excerpt: str) -> str:
    """The part of an excerpt above its carets."""
    line, _, carets = excerpt.rpartition("\n")
    start = carets.find("^")
    return line[start : start + carets.count("^")] if line and start >= 0 else ""


_SEVERAL: Final = 2
_LISTED: Final = 20  # LSTMs in a message


def is_fed(found: Found) -> bool:
    """True if the source has an array, or another LSTM, that settles input_size."""
    return bool(found.reads) or bool(found.input_shape and found.input_shape[-1] is not None)
