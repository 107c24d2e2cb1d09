"""Text to config, with where each setting came from.

The flags are declared here once, as data: the command line offers them, errors name them, reports refer to them.
Values arrive as the user typed them, so that every refusal can say what was expected in the same words.

Not here: the rules a value must keep (`config`).
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, TypeAlias

from lstmcalc.config import DEFAULTS, DTYPE_BYTES, DataSpec, LSTMConfig
from lstmcalc.errors import ConfigError, UsageError, shorten

Typed: TypeAlias = str | bool | None  # what the command line hands over: text, a switch, or nothing


class Flag(NamedTuple):
    """One flag of the command line.

    Attributes:
        field: The setting it gives: `hidden_size`.
        names: Its spellings, the one to show first: `--hidden`, `-H`, `--hidden-size`.
        off: The spellings that say no, if it is a switch: `--no-bi`.
        metavar: What stands for the value in the help; empty for a switch.
        help: One line.
        choices: The values it can take, if they are a closed list.
    """

    field: str
    names: tuple[str, ...]
    off: tuple[str, ...]
    metavar: str
    help: str
    choices: tuple[str, ...] = ()


HYPERPARAMETERS: Final = (
    Flag("input_size", ("--input", "-i", "--input-size"), (), "INT", "H_in, the features of each step [10]"),
    Flag("hidden_size", ("--hidden", "-H", "--hidden-size"), (), "INT", "H_cell, the cells of each layer [20]"),
    Flag("num_layers", ("--layers", "-l", "--num-layers"), (), "INT", "Stacked layers [1]"),
    Flag("bidirectional", ("--bi", "--bidirectional"), ("--no-bi",), "", "Read the sequence both ways [no]"),
    Flag("bias", ("--bias",), ("--no-bias",), "", "With biases [yes]"),
    Flag("batch_first", ("--batch-first",), ("--no-batch-first",), "", "Data as (N, L, ...) [no]"),
    Flag("dropout", ("--dropout",), (), "P", "Between layers, in training [0]"),
    Flag("proj_size", ("--proj", "--proj-size"), (), "INT", "H_out of a projected LSTM [0: none]"),
)
DTYPE: Final = Flag("dtype", ("--dtype",), (), "NAME", f"{', '.join(DTYPE_BYTES)} [float32]", tuple(DTYPE_BYTES))
DATA: Final = (
    Flag("seq_len", ("--seq", "-t"), (), "INT", "L, the steps of the sequence [5]"),
    Flag("batch", ("--batch", "-n"), (), "INT", "N, the sequences of the batch; may be 0 [3]"),
    Flag("unbatched", ("--unbatched",), ("--batched",), "", "2-D input, without a batch axis [no]"),
    Flag("lengths", ("--lengths",), (), "INT,...", "Pack sequences of these lengths, in any order"),
    DTYPE,
)

MAX_DIGITS: Final = 40  # more are no size and no seed, and Python itself refuses to read thousands

# The example that PyTorch's documentation runs: `nn.LSTM(10, 20, 2)` on `torch.randn(5, 3, 10)` (torch 2.13.0).
EXAMPLE: Final = {"input_size": 10, "hidden_size": 20, "seq_len": 5, "batch": 3}


class Origin(NamedTuple):
    """Where a setting came from.

    Attributes:
        source: `flag`, `source`, `config` or `default`.
        where: The place in that source, as `train.py:12`, or None.
        certainty: `stated` (the user or the framework's own default says so), `inferred` (follows from something
            stated), `assumed` (nobody said so: the example's value) or `unknown`.
    """

    source: str
    where: str | None
    certainty: str


class Subject(NamedTuple):
    """One LSTM to report on: what it is, the data it is given, and where each of these settings came from."""

    name: str
    framework: str
    kind: str
    config: LSTMConfig
    data: DataSpec
    provenance: dict[str, Origin]


def read_flags(typed: Mapping[str, Typed]) -> list[Subject]:
    """The LSTM that the flags describe.

    Args:
        typed: The flags by field; None where a flag was not given. Fields of other flags are ignored.

    Raises:
        UsageError: A value is not a number, not one of the choices, or contradicts another flag.
        ConfigError: A value breaks one of PyTorch's rules.
    """
    given = {
        flag.field: _read(flag, value)
        for flag in (*HYPERPARAMETERS, *DATA)
        if (value := typed.get(flag.field)) is not None
    }
    try:
        config = LSTMConfig(**{**_example("input_size", "hidden_size"), **_only(given, DEFAULTS)})
        data = DataSpec.given(**_only(given, (flag.field for flag in DATA)))
    except ConfigError as error:
        raise _located(error, given) from None
    provenance = {field: _origin(field, given, data) for field in (*DEFAULTS, *(flag.field for flag in DATA))}
    return [Subject("lstm", "pytorch", "layer", config, data, provenance)]


def flag_name(field: str) -> str:
    """The flag that sets a field, as it is shown: `--hidden`."""
    return next(flag.names[0] for flag in (*HYPERPARAMETERS, *DATA) if flag.field == field)


def read_choice(name: str, text: str, choices: Iterable[str]) -> str:
    """`text`, if it is one of the choices.

    Raises:
        UsageError: It is not; the nearest is named.
    """
    choices = tuple(choices)
    if text in choices:
        return text
    nearest = get_close_matches(text.lower(), choices, n=1)
    raise UsageError(
        "no such choice",
        expected=f"one of {', '.join(choices)}",
        found=shorten(text),
        hint=f"did you mean {nearest[0]}?" if nearest else "",
        where=name,
    )


def read_integer(name: str, text: str) -> int:
    """`text` as an integer.

    Raises:
        UsageError: It is not one, or it has too many digits for any size or seed.
    """
    number = _integer(name, text)
    if isinstance(number, str):
        raise UsageError("not an integer", expected="digits, as 20", found=shorten(text), where=name)
    return number


def _integer(name: str, text: str) -> int | str:
    """`text` as people write integers (`20`, `+20`, `1_000`); what is none stays text, for `config` to refuse."""
    stripped = text.strip()
    digits = stripped.removeprefix("-").removeprefix("+").replace("_", "")
    if not (digits.isascii() and digits.isdigit()):
        return text
    if len(digits) > MAX_DIGITS:
        raise UsageError(
            "too large", expected="at most 2**63 - 1", found=f"a number of {len(digits):,} digits", where=name
        )
    return -int(digits) if stripped.startswith("-") else int(digits)


def _float(_: str, text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _integers(name: str, text: str) -> list[int | str]:
    return [_integer(name, item) for item in text.split(",")] if text.strip() else []


def _dtype(name: str, text: str) -> str:
    return read_choice(name, text, DTYPE_BYTES)


_READERS: dict[str, Callable[[str, str], object]] = {"dropout": _float, "lengths": _integers, "dtype": _dtype}


def _read(flag: Flag, value: str | bool) -> object:
    """The value of one flag: a switch as it is, text by its field's reader."""
    return value if isinstance(value, bool) else _READERS.get(flag.field, _integer)(flag.names[0], value)


def _only(given: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    return {field: given[field] for field in fields if field in given}


def _example(*fields: str) -> dict[str, Any]:
    return {field: EXAMPLE[field] for field in fields}


def _located(error: ConfigError, given: Mapping[str, object]) -> ConfigError:
    """The error, at the flag that caused it; of two that contradict each other, at both."""
    fields = [error.field]
    fields += ["unbatched"] if given.get("unbatched") and error.field in ("batch", "lengths") else []
    fields += ["lengths"] if error.field == "batch" and "lengths" in given else []
    return error.at(" and ".join(flag_name(field) for field in fields if field in given) or flag_name(error.field))


def _origin(field: str, given: Mapping[str, object], data: DataSpec) -> Origin:
    if field in given:
        return Origin("flag", None, "stated")
    if data.lengths and field in ("seq_len", "batch"):
        return Origin("flag", None, "inferred")
    if data.unbatched and field == "batch":
        return Origin("flag", None, "inferred")
    return Origin("default", None, "assumed" if field in EXAMPLE else "stated")
