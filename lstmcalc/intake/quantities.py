"""Amounts as people write them: `1M` parameters, `2GiB` of memory.

The letters of amounts are those of the SI (k, M, G, T, P, by 1000; B is a billion, as in "7B parameters"); bytes
have the SI's, by 1000, with the B of bytes or without it, and IEC 80000-13's (KiB, MiB, ..., by 1024). A budget that is
typed as 256K and meant as 256 KiB is so kept with 2 % to spare.
"""

import re
from typing import Final

from lstmcalc.errors import UsageError, shorten

_POWERS: Final = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_COUNTS: Final = {"": 1, **{letter: 1000**power for letter, power in _POWERS.items() if letter != "e"}, "b": 1000**3}
_BYTES: Final = {
    "": 1,
    "b": 1,
    **{f"{letter}{unit}": 1000**power for letter, power in _POWERS.items() for unit in ("", "b")},
    **{f"{letter}ib": 1024**power for letter, power in _POWERS.items()},
}
_AMOUNT: Final = re.compile(
    r"\+?(?P<whole>[0-9]{1,3}(,[0-9]{3})+|[0-9]+(_[0-9]+)*)?(\.(?P<part>[0-9]+))?(e\+?(?P<ten>[0-9]{1,2}))?\s*(?P<unit>[a-zA-Z]*)"
)
MAX_DIGITS: Final = 40  # a longer number is not a plausible budget


def read_count(name: str, text: str) -> int:
    """An amount of parameters or MACs: `250000`, `1M`, `1.5G`, `1e9`."""
    return _read(name, text, _COUNTS, "a number, e.g. 250000, 1M (10**6) or 1.5G")


def read_bytes(name: str, text: str) -> int:
    """An amount of memory: `2GiB` (2 * 1024**3), `2GB` or `2G` (2 * 1000**3), `512MiB`, `65536`."""
    if re.search(r"[KMGTPE]b$", text.strip()):
        raise UsageError("a size in bits", "bytes, with a capital B", shorten(text), "1 byte is 8 bits", name)
    return _read(name, text, _BYTES, "bytes, e.g. 2GiB (2 * 1024**3), 2GB (2 * 1000**3), 512MiB or 65536")


def _read(name: str, text: str, units: dict[str, int], expected: str) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match["unit"].lower() not in units or not (match["whole"] or match["part"]):
        raise UsageError("not an amount", expected, shorten(text), where=name)
    whole, part = re.sub("[_,]", "", match["whole"] or ""), match["part"] or ""
    if len(whole) + len(part) > MAX_DIGITS:
        raise UsageError("too large", "a budget that something can reach", shorten(text, 30), where=name)
    # Integers throughout: floats would lose the last digits of large budgets.
    number: int = int(whole + part) * units[match["unit"].lower()] * 10 ** int(match["ten"] or 0)
    return number // int(f"1{'0' * len(part)}")
