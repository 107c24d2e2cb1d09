"""The LSTMs to report on, from SOURCE and flags: the settings that win, those still open, and the places of errors.

Not here: how flags (`flags`) and sources (`readers.sources`) are read, and the errors on settings (`setting_errors`).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from lstmcalc.errors import (
    ConfigError,
    SourceError,
    TooLargeError,
    UnknownSettingError,
    UnsupportedError,
    UsageError,
    nearest_hint,
    shorten,
)
from lstmcalc.intake.choosing import asked_modules, chosen_lstms, lstms_of
from lstmcalc.intake.contradictions import Again, check_against_weights, check_one_for_all
from lstmcalc.intake.flags import Typed, read_flags, read_framework, read_from
from lstmcalc.intake.input_axes import given_input, is_batch_first, reported_batch_first
from lstmcalc.intake.open_lstms import Open, OpenSetting, note_open
from lstmcalc.intake.setting_errors import at_setting, error_with_place, gaps_error, projection_error, unread_error
from lstmcalc.intake.settings_files import found_with, given_settings
from lstmcalc.intake.subject import Subject, subject_of_layers
from lstmcalc.readers.files.budget import one_command
from lstmcalc.readers.files.given import handed_over
from lstmcalc.readers.found import Found
from lstmcalc.spec.config import EXAMPLE, HYPERPARAMETERS, MAX_SIZE, LSTMConfig
from lstmcalc.spec.provenance import Layer, Origin, Setting, known_with, quoted_name

if TYPE_CHECKING:
    from lstmcalc.readers.data import DataFile

MAX_MODULES: Final = 1000  # LSTMs in one report; no real model has more


def read_subjects(
    typed: Mapping[str, Typed],
    framework: str = "",
    unknown: str = "",
    data: "DataFile | None" = None,
    *,
    varied: bool = False,
    most: int = MAX_MODULES,
) -> list[Subject]:
    """The LSTMs that SOURCE and the flags describe.

    Flags come first, then SOURCE; without one, the configuration file of the working directory; then the defaults.

    Args:
        typed: The flags by field; None where a flag was not given. Fields of other flags are ignored.
        framework: The framework to report them in, whatever the source and the flags say.
        unknown: A setting that may stay open; its value in the LSTMs means nothing.
        data: The file with the LSTMs' data; its shapes set the sizes of the data.
        varied: True if the LSTMs are only a starting point, so that flags may contradict a weight file.
        most: The LSTMs that one report may have.
    """
    note_open([])
    flags, named = read_flags(typed), typed.get("framework")
    framework = framework or (read_framework("--framework", str(named)) if named is not None else "")
    source = None if typed.get("source") is None else str(typed["source"])
    given = given_settings(typed, source)
    found = found_with(given, source, read_from(typed)) or [Found("lstm", "pytorch")]
    chosen = chosen_lstms(found, asked_modules(typed.get("module"), (item.name for item in found)))
    whole = bool(typed.get("module"))  # what was picked is to be answered

    def again(settings: Mapping[str, object]) -> list[Found]:
        known = known_with(given.known, {**given.known, **settings})
        return lstms_of(source, known, read_from(typed), given.text) if source not in (None, "-") else []

    return subjects_of(
        found, chosen, flags, framework, unknown, data, varied=varied, whole=whole, most=most, again=again
    )


def subjects_of(
    found: Sequence[Found],
    chosen: Sequence[Found],
    flags: Layer,
    framework: str = "",
    unknown: str = "",
    data: "DataFile | None" = None,
    *,
    varied: bool = False,
    whole: bool = False,
    most: int = MAX_MODULES,
    again: Again | None = None,
) -> list[Subject]:
    """The chosen LSTMs of a source, completed by flags and defaults; arguments are those of `read_subjects`.

    Those that are not known whole are left out and noted as open, unless all must be known `whole`. `again` reads the
    source once more, with values of further names.
    """
    if len(chosen) > most:
        raise TooLargeError(
            "this report would be too long",
            expected=f"at most {most:,} LSTMs",
            found=f"{len(chosen):,}",
            hint=f"--module {chosen[-1].name} reports one of them",
        )
    if not (varied or unknown):
        for item in chosen:
            check_against_weights(item, flags, alone=len(chosen) == 1)
        check_one_for_all(chosen, flags, data, again)
    intake = _Intake(found, chosen, flags, framework, unknown, data)
    return _answered(intake, chosen, whole=whole)


def _answered(intake: "_Intake", chosen: Sequence[Found], *, whole: bool) -> list[Subject]:
    """The LSTMs that are known whole; the others are noted as open, and refused if there are no others.

    Raises:
        UnknownSettingError: None is known whole; or, if they must be known `whole`, one is not.
    """
    subjects: list[Subject] = []
    open_: list[Open] = []
    first: UnknownSettingError | None = None
    for item in chosen:
        try:
            subjects.append(intake.subject(item))
        except UnknownSettingError as error:
            if whole:
                raise
            first = first or error
            open_.append(_open(item))
    if first is not None and not subjects:
        raise first
    note_open(open_)
    return subjects


def _open(found: Found) -> Open:
    """An LSTM that is not known whole, as reports name it."""
    rows = [
        OpenSetting(field, gap.names, " ".join(f"--set {quoted_name(name)}=..." for name in gap.names) or gap.why)
        for field, gap in found.gaps.items()
    ]
    return Open(found.name, found.framework or None, found.where, rows)


@one_command()
def lstms_in(source: object, module: str | None = None, **settings: object) -> dict[str, LSTMConfig]:
    """The LSTMs in a source, by name: code, a printed model, TOML, JSON or a weight file; nothing in it is executed.

    Args:
        source: A file that exists, `-` for standard input, text, or an object in memory: a model, a state dict, ...
        module: The name, or the end of the path, of one of them.
        settings: Hyperparameters that override the source, e.g. `hidden_size=20`.

    Raises:
        TypeError: There is no source: None.
        SourceError: It cannot be read, has no LSTM, or leaves something open that `settings` do not give.
        UsageError: It is neither a file nor such a text, or there is no such module or setting.
        ConfigError: A value breaks one of PyTorch's rules.
    """
    if source is None:  # which would report on the configuration file, or on PyTorch's example
        raise TypeError("lstms_in() takes a source: a file's name, - or text, not None")
    unknown = [name for name in settings if name not in HYPERPARAMETERS]
    if unknown:
        hint = nearest_hint(unknown[0], HYPERPARAMETERS)
        raise UsageError("no such setting", f"one of {', '.join(HYPERPARAMETERS)}", shorten(unknown[0]), hint)
    typed = {name: value if isinstance(value, bool) else str(value) for name, value in settings.items()}
    with in_memory(source) as name:
        subjects = read_subjects({"source": name, "module": module, **typed})
    return {subject.name: subject.config for subject in subjects}


@contextmanager
def in_memory(source: object) -> Iterator[str]:
    """The name of a source, under which an object in memory is found."""
    if isinstance(source, str):
        yield source
        return
    from lstmcalc.readers.live.objects import read_source

    with ExitStack() as opened:
        name, made = read_source(source, opened)
        if made is not None:
            opened.enter_context(handed_over({name: made}))
        yield name


class _Intake:
    """Resolves each LSTM of one source with flags, and with the LSTM that it reads from.

    Args:
        found: All LSTMs of the source.
        chosen: Those that are reported; flags apply to them.
        flags: The settings that the flags give.
        framework: The framework to report them in; empty for their own.
        unknown: A setting that may stay open.
        data: The file with the data of the chosen ones.
    """

    def __init__(
        self,
        found: Sequence[Found],
        chosen: Sequence[Found],
        flags: Layer,
        framework: str,
        unknown: str,
        data: "DataFile | None",
    ) -> None:
        self._by_name = {item.name: item for item in found}
        self._chosen = {item.name for item in chosen}
        self._flags = flags
        self._framework = framework
        self._unknown = unknown
        self._data = data
        self._widths: dict[str, int] = {}  # features that each LSTM gives to the next
        # A flag for a setting that some of them leave open is for those: the others state it themselves.
        self._open = {field for field in flags if any(field in item.gaps for item in chosen)}
        counts = Counter(field for item in chosen for field in item.gaps)
        self._often = {field for field, count in counts.items() if count > 1}

    def subject(self, found: Found) -> Subject:
        """The completed LSTM that is reported for one of the source."""
        if not found.kind:  # nothing is known of it but its place
            raise at_setting(found, "", unread_error(found))
        chain = [found]
        while (before := self._before(chain[-1])) and before.name not in self._widths:
            chain.append(before)
            if len(chain) > len(self._by_name):  # a cycle, which no real model has
                break
        for item in reversed(chain[1:]):
            self._widths[item.name] = _width(self._subject_of(item, ""))
        return self._subject_of(found, self._framework)

    def _before(self, found: Found) -> Found | None:
        """The LSTM whose output `found` reads, if it settles the input_size of `found`."""
        given = "input_size" in self._flags and found.name in self._chosen
        before = self._by_name.get(found.reads)
        return before if before and not (given and before.name not in self._chosen) else None

    def _subject_of(self, found: Found, framework: str) -> Subject:
        own = dict(self._flags) if found.name in self._chosen else {}
        own = {field: value for field, value in own.items() if field not in self._open or field in found.gaps}
        said = dict(found.layer)
        if self._before(found) and found.reads in self._widths:
            if found.reads in self._chosen:
                own.pop("input_size", None)  # the flag is for the first of the chain: the others follow
            said["input_size"] = Setting(self._widths[found.reads], Origin("source", found.where, "inferred"))
        _check_options(found)
        given = {} if self._data else given_input({**said, **own}, found)
        if self._data and found.name in self._chosen:
            first = reported_batch_first({**said, **own}, found)
            own |= self._data.settings(said, own, batch_first=first, several=len(self._by_name) > 1)
        if self._unknown and found.name in self._chosen:
            own |= _stand_in(self._unknown, {**given, **said, **own}, found)
        _check_gaps(found, {**given, **said, **own}, self._often, alone=len(self._chosen) == 1)
        subject = _settled_subject(found, [own, {**given, **said}], framework or found.framework)
        self._widths.setdefault(found.name, _width(subject))
        return subject


def _stand_in(unknown: str, said: Layer, found: Found) -> dict[str, Setting]:
    """A value for the setting that may stay open, if it has none, or one too small for the projection."""
    proj = said["proj_size"].value if "proj_size" in said else 0
    least = proj + 1 if unknown == "hidden_size" and isinstance(proj, int) else 1
    known = said[unknown].value if unknown in said else EXAMPLE.get(unknown, 1)
    is_open = unknown in found.gaps and unknown not in said
    if is_open or (unknown == "hidden_size" and isinstance(known, int) and known < least):
        return {unknown: Setting(min(max(known, least), MAX_SIZE), Origin("default", None, "assumed"))}
    return {}


_MERGES: Final = ("concat", "sum", "mul", "ave", None)


def _check_options(found: Found) -> None:
    """Refuse a merge_mode that Keras does not have."""
    mode = found.options.get("merge_mode", "concat")
    if mode not in _MERGES:
        raise at_setting(
            found, "", SourceError("no such merge_mode", f"one of {', '.join(map(str, _MERGES))}", shorten(mode))
        )


def _width(subject: Subject) -> int:
    """The number of features that an LSTM gives to the next."""
    merged = subject.found is not None and subject.found.options.get("merge_mode", "concat") != "concat"
    return subject.config.output_size * (1 if merged else subject.config.num_directions)


def _check_gaps(found: Found, said: Layer, often: Collection[str], *, alone: bool) -> None:
    """Refuse an LSTM with open settings.

    Those in `often` are open in other LSTMs too: a flag is for one of them only.
    """
    gaps = {field: gap for field, gap in found.gaps.items() if field not in said}
    if gaps:
        raise gaps_error(found, gaps, often, alone=alone)


def _settled_subject(found: Found, layers: Sequence[Layer], framework: str) -> Subject:
    """The LSTM that layers of settings describe; an error names its flag, or its place in the source."""
    kind = "layer"
    if framework != "pytorch":
        from lstmcalc.frameworks.storage import find_layout

        kind = find_layout(framework).kind
    if found.framework not in ("pytorch", "pytorch-cell") and is_batch_first(found, {}):
        # An nn.LSTM that computes the same keeps the axes of the data: the source's framework has the batch first.
        layers = [*layers, {"batch_first": Setting(True, Origin("source", found.where, "inferred"))}]
    try:
        subject = subject_of_layers(layers, framework, kind, found)
    except ConfigError as error:
        raise error_with_place(error, layers[0], found) from None
    if framework != "pytorch":
        from lstmcalc.frameworks.storage import check_expressible

        try:
            check_expressible(subject.config, framework)
        except UnsupportedError as error:
            raise projection_error(error, subject, found, layers[0]) from None
    return subject
