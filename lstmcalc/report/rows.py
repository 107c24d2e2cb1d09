"""The records that the reports of several commands are made of; their fields are the keys of the JSON.

Not here: records of one command, which stand in its folder.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from lstmcalc.errors import UnsupportedError
from lstmcalc.intake.subject import Subject
from lstmcalc.model.surroundings import Extra, extras
from lstmcalc.report.record import omitted
from lstmcalc.spec.config import AROUND_FIELDS, DATA_FIELDS, HYPERPARAMETERS, LSTMConfig
from lstmcalc.spec.sizes import Dim

SETTINGS: Final = (*HYPERPARAMETERS, *DATA_FIELDS, *AROUND_FIELDS)


class OriginRow(NamedTuple):
    """The origin of a setting."""

    from_: str  # `flag`, `source`, `config`, `default`, `solved`
    where: str | None  # e.g. `train.py:12`
    certainty: str  # `stated`, `inferred`, `assumed`, `unknown`


class SourceRow(NamedTuple):
    """An LSTM as its source has it."""

    text: str
    where: str | None
    framework: str
    path: str | None  # the beginning of its parameters' names
    options: Mapping[str, object]  # the framework's own settings
    unmodelled: Sequence[str]


@dataclass(init=False, repr=False, eq=False, kw_only=True)  # never made itself: no methods are made for it
class Module:
    """The head of each LSTM in a report. A command's own record adds its fields, `notes` after the others."""

    name: str
    framework: str
    kind: str  # `layer` or `cell`
    certain: bool  # whether its settings, and that it is there, follow from what was read
    uncertain: Sequence[str] | None = omitted()  # why not; None if it is certain
    text: str
    config: LSTMConfig
    provenance: Mapping[str, OriginRow]
    source: SourceRow | None  # None without a source


if TYPE_CHECKING:  # for types alone

    class Head(TypedDict):
        """The fields of `Module`, to be handed on to a subclass."""

        name: str
        framework: str
        kind: str
        certain: bool
        uncertain: Sequence[str] | None
        text: str
        config: LSTMConfig
        provenance: Mapping[str, OriginRow]
        source: SourceRow | None


class DataRow(NamedTuple):
    """The data that an LSTM is given."""

    seq_len: int
    batch: int | None
    lengths: Sequence[int] | None
    unbatched: bool
    dtype: str


class AroundRow(NamedTuple):
    """The layers around an LSTM."""

    head: int | None  # outputs
    head_on: str | None  # `last` or `all`; None without a head
    embed: int | None  # words


class ExtraRow(NamedTuple):
    """A parameter of a layer around the LSTM."""

    name: str
    part: str
    symbolic: Sequence[str]
    shape: Sequence[int]
    count_: int


def head_of(subject: Subject, settings: Sequence[str]) -> "Head":
    """The head of an LSTM's module, with the origins of these settings."""
    origins = {
        field: OriginRow(origin.source, origin.where, origin.certainty)
        for field, origin in subject.provenance.items()
        if field in settings
    }
    return {
        "name": subject.name,
        "framework": subject.framework,
        "kind": subject.kind,
        "certain": not (subject.found and subject.found.uncertain),
        "uncertain": (subject.found.uncertain or None) if subject.found else None,
        "text": str(subject.config),
        "config": subject.config,
        "provenance": origins,
        "source": _source_row(subject),
    }


def _source_row(subject: Subject) -> SourceRow | None:
    """The LSTM as its source has it; None without a source."""
    found = subject.found
    if found is None or not found.text:
        return None
    options = {
        name: value if isinstance(value, str | bool | None) else str(value) for name, value in found.options.items()
    }
    return SourceRow(found.text, found.where, found.framework, found.path or None, options, found.unmodelled)


def data_row(subject: Subject) -> DataRow:
    """The data that the LSTM is given."""
    data = subject.data
    return DataRow(data.seq_len, data.batch, data.lengths, data.unbatched, data.dtype)


def around_row(subject: Subject) -> AroundRow:
    """The layers around the LSTM."""
    around = subject.around
    return AroundRow(around.head, around.head_on if around.head else None, around.embed)


def extra_rows_of(subject: Subject) -> list[ExtraRow]:
    """The parameters of the layers around the LSTM."""
    return [
        ExtraRow(extra.name, extra.part, [str(size) for size in extra.symbolic], extra.shape, extra.numel)
        for extra in extras_of(subject)
    ]


def extras_of(subject: Subject) -> list[Extra]:
    """The parameters of the layers around the LSTM in its framework; an error names their place in the source."""
    try:
        return extras(subject.config, subject.around, subject.framework)
    except UnsupportedError as error:
        origins = (subject.provenance.get(field) for field in ("embed", "head"))
        where = next((origin.where for origin in origins if origin and origin.where), "")
        raise (error.at(where) if where else error) from None


def function_meanings(formulas: Iterable[Dim]) -> dict[str, str]:
    """The meaning of each function in some formulas, by name."""
    used = {function for formula in formulas for function in formula.functions}
    return {function.name: function.says for function in sorted(used, key=lambda function: function.name)}
