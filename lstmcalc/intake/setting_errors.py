"""The errors on settings, with their flags or their places in the source."""

from collections.abc import Collection, Mapping
from typing import Final

from lstmcalc.errors import ConfigError, LstmcalcError, SourceError, UnknownSettingError, UnsupportedError
from lstmcalc.intake.flags import flag_name
from lstmcalc.intake.subject import Subject
from lstmcalc.readers.found import Found
from lstmcalc.spec.provenance import Gap, Layer, quoted_name
from lstmcalc.spec.words import and_list


def unread_error(found: Found) -> UnknownSettingError:
    """The error on an LSTM, or what may be one, that is not understood."""
    gap = next(iter(found.gaps.values()))
    hint = " ".join(f"--set {quoted_name(name)}=VALUE" for name in gap.names)
    return UnknownSettingError(
        found.uncertain[0] if found.uncertain else "this is not known",
        found=gap.why,
        hint=f"give {hint}" if hint else "",
    )


def gaps_error(found: Found, gaps: Mapping[str, Gap], often: Collection[str], *, alone: bool) -> SourceError:
    """The error on open settings, which names the flags that give them, with its place."""
    flags = and_list([_FLAGS_OF.get(field, flag_name(field)) for field in gaps])
    names = dict.fromkeys(f"--set {quoted_name(name)}=VALUE" for gap in gaps.values() for name in gap.names)
    switches = [field for field in gaps if field in _FLAGS_OF]
    wanted = "True or False" if len(switches) == len(gaps) else "a number" if len(gaps) == 1 else "numbers"
    error = UnknownSettingError(
        f"{and_list(list(gaps))} of {found.name} {'is' if len(gaps) == 1 else 'are'} unknown",
        expected=wanted if not switches or len(switches) == len(gaps) else "values",
        found=", ".join(dict.fromkeys(gap.why or " and ".join(gap.names) for gap in gaps.values())),
        hint=f"give {f'--module {found.name} ' * bool(gaps.keys() & often)}{flags}"
        + (f", or {' '.join(names)}" if names else "")
        + ("" if alone else "; --module NAME picks another"),
    )
    return at_setting(found, next(iter(gaps)), error)


# A switch has two spellings.
_FLAGS_OF: Final = {
    "bidirectional": "--bi or --no-bi",
    "bias": "--bias or --no-bias",
    "batch_first": "--batch-first or --no-batch-first",
}


def at_setting(found: Found, field: str, error: SourceError) -> SourceError:
    """The error with the place in the source of a setting."""
    pointer = found.pointers.get(field) or found.pointers.get("")
    return error.showing(pointer.place, pointer.excerpt) if pointer else error


def projection_error(error: UnsupportedError, subject: Subject, found: Found, flags: Layer) -> LstmcalcError:
    """The error on a projection in a framework that has none, with its flag or its place in the source."""
    named = f" and --framework {subject.framework}" if subject.framework != found.framework else ""
    if "proj_size" in flags:
        return error.at(f"--proj{named}")
    pointer = found.pointers.get("proj_size") or found.pointers.get("")
    place = f"{pointer.place}{named}" if pointer and pointer.place else f"proj_size{named}"
    return error.showing(place, pointer.excerpt if pointer else "")


def error_with_place(error: ConfigError, flags: Layer, found: Found) -> ConfigError:
    """The error with the flag that caused it, two if they contradict each other, or with its place in the source."""
    fields = [error.field]
    if error.field in ("batch", "lengths") and "unbatched" in flags and flags["unbatched"].value:
        fields.append("unbatched")
    elif error.field == "batch" and "lengths" in flags:
        fields.append("lengths")
    if error.field == "lengths" and "seq_len" in flags and "lengths" not in flags:
        fields.append("seq_len")
    given = [flag_name(field) for field in fields if field in flags]
    pointer = found.pointers.get(error.field)
    if not pointer and error.field in ("seq_len", "batch") and found.input_shape:
        pointer = found.pointers.get("input")
    if pointer and not given:
        return error.showing(pointer.place, pointer.excerpt)
    return error.at(" and ".join(given) or flag_name(error.field))
