"""The flags, and the settings in their text.

The flags are declared here once, as data: the command line offers them, errors name them, reports refer to them.
Values arrive as the user typed them, so that every error can say what was expected in the same words.

Not here: the rules for values (`spec.config`), and the source that wins (`subject`).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from lstmcalc.errors import UsageError, nearest_hint, shorten
from lstmcalc.spec.config import DTYPE_BYTES, EXAMPLE, HEAD_ON, QUANTIZED_HINT
from lstmcalc.spec.provenance import Origin, Setting

# A value from the command line: text, a switch, several texts, or nothing.
Typed: TypeAlias = str | bool | Sequence[str] | None


class Flag(NamedTuple):
    """One flag of the command line."""

    field: str  # the setting it gives: `hidden_size`
    names: tuple[str, ...]  # its spellings, the one to show first: `--hidden`, `-H`, `--hidden-size`
    off: tuple[str, ...]  # the spellings that turn a switch off: `--no-bi`
    metavar: str  # the placeholder of the value in the help; empty for a switch
    help: str  # one line
    choices: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()  # the only values, or a function that gives them
    repeats: bool = False  # True if it takes several values: given several times, or with commas, which is the same


LSTM_FLAGS: Final = (
    Flag(
        "input_size",
        ("--input", "-i", "--input-size"),
        (),
        "INT",
        f"H_in, features of a step (default {EXAMPLE['input_size']})",
    ),
    Flag(
        "hidden_size",
        ("--hidden", "-H", "--hidden-size"),
        (),
        "INT",
        f"H_cell, cells of a layer (default {EXAMPLE['hidden_size']})",
    ),
    Flag("num_layers", ("--layers", "-l", "--num-layers"), (), "INT", "Stacked layers (default 1)"),
    Flag("bidirectional", ("--bi", "--bidirectional"), ("--no-bi",), "", "Read the sequence both ways (default no)"),
    Flag("bias", ("--bias",), ("--no-bias",), "", "With biases (default yes)"),
    Flag("batch_first", ("--batch-first",), ("--no-batch-first",), "", "Data as (N, L, ...) (default no)"),
    Flag("dropout", ("--dropout",), (), "P", "Between layers, in training (default 0)"),
    Flag("proj_size", ("--proj", "--proj-size"), (), "INT", "H_out of a projected LSTM (default 0, none)"),
)
DTYPE_FLAG: Final = Flag(
    "dtype", ("--dtype",), (), "NAME", f"{', '.join(DTYPE_BYTES)} (default float32)", tuple(DTYPE_BYTES)
)
DATA_FLAGS: Final = (
    Flag("seq_len", ("--seq", "-t"), (), "INT", f"L, steps of the sequence (default {EXAMPLE['seq_len']})"),
    Flag("batch", ("--batch", "-n"), (), "INT", f"N, sequences of the batch; may be 0 (default {EXAMPLE['batch']})"),
    Flag("unbatched", ("--unbatched",), ("--batched",), "", "2-D input, without a batch axis (default no)"),
    Flag("lengths", ("--lengths",), (), "INT,...", "Pack sequences of these lengths, in any order", repeats=True),
    DTYPE_FLAG,
)
AROUND_FLAGS: Final = (
    Flag("head", ("--head",), (), "OUT", "Outputs of a Linear on the last hidden state"),
    Flag(
        "head_on", ("--head-on",), (), "last|all", "What the head reads: the last state (default) or all steps", HEAD_ON
    ),
    Flag("embed", ("--embed",), (), "VOCAB", "Words of an Embedding that makes the input"),
)


def framework_names() -> tuple[str, ...]:
    """The frameworks that flags name, and their other names."""
    from lstmcalc.frameworks.catalog import ALIASES, LAYOUTS

    return (*LAYOUTS, *ALIASES)


FRAMEWORK_FLAG: Final = Flag(
    "framework",
    ("--framework",),
    (),
    "NAME",
    "Use this framework's names, layouts and counts (default pytorch)",
    framework_names,
)
SOURCE_FLAGS: Final = (
    Flag(
        "source",
        (),
        (),
        "SOURCE",
        'Code, a printed model, YAML, JSON, weights: a file, a folder, - or text, e.g. "nn.LSTM(1, 2)"',
    ),
    Flag(
        "module",
        ("--module", "-m"),
        (),
        "NAME,...",
        "Report only these LSTMs: full module paths or their endings (encoder.rnn)",
        repeats=True,
    ),
    Flag(
        "set",
        ("--set",),
        (),
        "NAME=VALUE,...",
        "Value of a name in the code, e.g. args.hidden=256 (repeatable)",
        repeats=True,
    ),
    Flag(
        "config",
        ("--config",),
        (),
        "FILE",
        "Settings, or values of names in the code: YAML, TOML, JSON, INI or Python",
    ),
    Flag(
        "from_framework",
        ("--from",),
        (),
        "NAME",
        "Framework that wrote the weights, where several fit",
        framework_names,
    ),
)
_FLAGS: Final = {flag.field: flag for flag in (*LSTM_FLAGS, *DATA_FLAGS, *AROUND_FLAGS)}

MAX_LITERAL: Final = 1000  # characters of a value
MAX_DIGITS: Final = 40  # no size or seed has more, and Python itself refuses to read thousands


def read_flags(typed: Mapping[str, Typed]) -> dict[str, Setting]:
    """The settings that the flags give; `typed` has the flags by field, and fields of other flags are ignored."""
    said = Origin("flag", None, "stated")
    return {
        field: Setting(_read(flag, value), said)
        for field, flag in _FLAGS.items()
        if (value := typed.get(field)) is not None
    }


def read_framework(name: str, text: str) -> str:
    """The framework that `text` names, in letters of any case, with aliases resolved."""
    from lstmcalc.frameworks.catalog import ALIASES
    from lstmcalc.frameworks.storage import find_layout

    key = text.strip()
    key = key if key in ALIASES else key.lower().replace("_", "-").replace(" ", "-")
    try:
        find_layout(key)
    except UsageError as error:
        raise error.at(name) from None
    return ALIASES.get(key, key)


def read_from(typed: Mapping[str, Typed]) -> str:
    """The framework of `--from`; empty without the flag."""
    named = typed.get("from_framework")
    return "" if named is None else read_framework("--from", str(named))


def read_frameworks(name: str, value: Typed) -> list[str]:
    """The frameworks in the items of a list flag, each once."""
    return list(dict.fromkeys(read_framework(name, item) for item in items_of(value)))


def several(value: Typed) -> list[str]:
    """The texts that a flag was given, one for each time."""
    return [value] if isinstance(value, str) else list(value) if isinstance(value, Sequence) else []


def items_of(value: Typed) -> list[str]:
    """The items of a list flag: it may be given several times, each time with several items between commas."""
    return [item.strip() for text in several(value) for item in _parts(text, ",")]


def _parts(text: str, mark: str) -> list[str]:
    """The parts of a text between the marks outside of quotes and brackets; the text if those do not match."""
    parts, start, depth, quote = [], 0, 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == mark and not depth:
            parts.append(text[start:position])
            start = position + 1
        else:
            depth += (character in "([{") - (character in ")]}")
    return [text] if quote or depth else [*parts, text[start:]]


def flag_name(field: str) -> str:
    """The flag that sets a field, as it is shown: `--hidden`."""
    return _FLAGS[field].names[0]


def read_choice(name: str, text: str, choices: Iterable[str], aliases: Iterable[str] = ()) -> str:
    """`text`, if it is one of the choices or of their aliases; an error lists the choices alone."""
    choices, aliases = tuple(choices), tuple(aliases)
    if text in (*choices, *aliases):
        return text
    raise UsageError(
        "invalid choice",
        expected=f"one of {', '.join(choices)}",
        found=shorten(text),
        hint=nearest_hint(text, (*choices, *aliases)),
        where=name,
    )


def read_settings(typed: Typed) -> dict[str, object]:
    """The values of `--set NAME=VALUE`, by name; a value is a Python literal, or else a text."""
    settings: dict[str, object] = {}
    for text in (setting for given in several(typed) for setting in _settings_in(given)):
        name, *values = _parts(text, "=") if len(_parts(text, "=")) > 1 else text.partition("=")[::2]
        name, value = name.strip(), "=".join(values).strip()
        if not (name and value):
            raise UsageError("not a setting", expected="NAME=VALUE, e.g. hidden=20", found=shorten(text), where="--set")
        if name in settings:
            raise UsageError(f"{shorten(name)[1:-1]} is set twice", where="--set")
        settings[name] = _literal(value)
    return settings


def _settings_in(text: str) -> list[str]:
    """The settings between commas; what has no equals sign belongs to the value before it, as in `sizes=1,2`."""
    settings: list[str] = []
    for part in _parts(text, ","):
        if settings and len(_parts(part, "=")) == 1:
            settings[-1] += f",{part}"
        else:
            settings.append(part)
    return settings


def _literal(text: str) -> object:
    number = _integer("--set", text)
    if not isinstance(number, str):
        return number
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    from ast import literal_eval
    from warnings import catch_warnings, simplefilter

    try:
        with catch_warnings():
            simplefilter("ignore")  # of Python, about an odd escape or number
            value: object = literal_eval(text) if len(text) <= MAX_LITERAL else text
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float | str | tuple | list | dict) else text


def read_integer(name: str, text: str) -> int:
    """The integer in `text`."""
    number = _integer(name, text)
    if isinstance(number, str):
        raise UsageError("not an integer", expected="digits, e.g. 20", found=shorten(text), where=name)
    return number


def _integer(name: str, text: str) -> int | str:
    """The integer in `text` (`20`, `+20`, `1_000`, `256K`); other text is returned unchanged, to be refused later."""
    stripped = text.strip()
    if not re.fullmatch(r"[+-]?[0-9]+(_[0-9]+)*", stripped):
        amount = re.fullmatch(r"\+?([0-9]{1,15})(\.[0-9]{1,9})?([kKmMgG])", stripped)
        return text if amount is None else _thousands(text, *amount.groups())
    digits = stripped.lstrip("+-").replace("_", "")
    if len(digits) > MAX_DIGITS:
        raise UsageError(
            "too large", expected="at most 2**63 - 1", found=f"a number of {len(digits):,} digits", where=name
        )
    return int(stripped)


def _thousands(text: str, whole: str, part: str | None, letter: str) -> int | str:
    """The integer in an amount, `256K` or `1.5M`, by 1000; the text itself if it is none."""
    power = 3 * ("kmg".index(letter.lower()) + 1)
    digits = (part or ".")[1:]
    return text if len(digits) > power else int(f"{whole}{digits}") * 10 ** (power - len(digits))


MAX_VALUES: Final = 10**6  # in one list; no report has more rows


def read_values(name: str, value: Typed) -> tuple[int, ...]:
    """Distinct integers: `64,128,256`, a range with both its ends, `1:4`, one with a step, `64:512:64`, or several."""
    values: list[int] = []
    items = items_of(value)
    for item in items:
        if not item:
            found = shorten(",".join(items))
            raise UsageError("an empty item", "values between the commas, e.g. 64,128", found, where=name)
        ends = [read_integer(name, end) for end in item.split(":")]
        if len(ends) == 1:
            values += ends
            continue
        first, last, *step = ends
        if len(ends) > 3 or last < first or (step and step[0] < 1):  # noqa: PLR2004  # from, to, step
            hint = f"did you mean {last}:{first}?" if len(ends) == 2 else ""  # noqa: PLR2004
            raise UsageError("not a range", "FROM:TO or FROM:TO:STEP, both ends included", shorten(item), hint, name)
        each = step[0] if step else 1
        if (last - first) // each + 1 + len(values) > MAX_VALUES:  # a range may be too long for len()
            raise UsageError("too many values", f"at most {MAX_VALUES:,}", shorten(item), where=name)
        values += range(first, last + 1, each)
    twice = next((value for value, count in Counter(values).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is there twice", "each value once", shorten(",".join(items)), where=name)
    return tuple(values)


def _float(_: str, text: str) -> float | str:
    try:
        return float(text) if text.isascii() else text
    except ValueError:
        return text


def _integers(name: str, value: Typed) -> list[int | str]:
    items = items_of(value)
    return [_integer(name, item) for item in items] if any(items) else []


def read_dtype(name: str, text: str) -> str:
    """The dtype that `text` names; 8 bits are a matter of layout, and not of dtype."""
    if "int8" in text[:20]:
        raise UsageError(
            "int8 is not a dtype of an LSTM", f"one of {', '.join(DTYPE_BYTES)}", shorten(text), QUANTIZED_HINT, name
        )
    plain = text.strip().lower().removeprefix("torch.")
    return read_choice(name, _DTYPES.get(plain, plain), DTYPE_BYTES)


_DTYPES: Final = {
    **dict.fromkeys(("half", "fp16", "f16"), "float16"),
    **dict.fromkeys(("float", "single", "fp32", "f32"), "float32"),
    **dict.fromkeys(("double", "fp64", "f64"), "float64"),
    "bf16": "bfloat16",
}


def _head_on(name: str, text: str) -> str:
    return read_choice(name, text, HEAD_ON)


_READERS: dict[str, Callable[[str, str], object]] = {
    "dropout": _float,
    "dtype": read_dtype,
    "head_on": _head_on,
}


def _read(flag: Flag, value: str | bool | Sequence[str]) -> object:
    """The value of one flag: a switch unchanged, text read by its field's reader."""
    if flag.repeats:
        return _integers(flag.names[0], value)
    return value if not isinstance(value, str) else _READERS.get(flag.field, _integer)(flag.names[0], value)
