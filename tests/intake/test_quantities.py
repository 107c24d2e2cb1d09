import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.errors import UsageError
from lstmcalc.intake.quantities import read_bytes, read_count


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250000", 250_000),
        ("1M", 10**6),
        ("1m", 10**6),
        ("1.5G", 1_500_000_000),
        ("7B", 7 * 10**9),
        ("10k", 10_000),
        ("0.1k", 100),
        (".5M", 500_000),
        ("1e9", 10**9),
        ("1e3k", 10**6),
        ("1_000_000", 10**6),
        ("1,000,000", 10**6),
        (" 2 T ", 2 * 10**12),
        ("+3P", 3 * 10**15),
        ("0", 0),
        ("1.0000019M", 1_000_001),  # what is less than one does not count
        ("9007199254740993", 9_007_199_254_740_993),  # no float in between
        ("9007199254740.993k", 9_007_199_254_740_993),
    ],
)
def test_counts(text: str, number: int) -> None:
    assert read_count("--params", text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2GiB", 2 * 1024**3),
        ("2GB", 2 * 1000**3),
        ("2gib", 2 * 1024**3),
        ("2gb", 2 * 1000**3),
        ("512MiB", 512 * 1024**2),
        ("512 MB", 512 * 10**6),
        ("1.5KiB", 1536),
        ("100kB", 100_000),
        ("64B", 64),
        ("65536", 65_536),
        ("1e9", 10**9),
        ("3TiB", 3 * 1024**4),
        ("1PB", 10**15),
        ("1EiB", 1024**6),
    ],
)
def test_bytes(text: str, number: int) -> None:
    assert read_bytes("--memory", text) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "M",
        "1X",
        "-1",
        "1.2.3",
        "1e",
        "1E",
        "one",
        "nan",
        "inf",
        "0x10",
        "1e999",
        "1 000",
        "1.",
        "1,5",
        "1,,000",
        "1_",
        "10,00",
        "²",
        "1GiB",
        "1" * 41,
    ],
)
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_count("--params", text)
    assert caught.value.where == "--params"


@pytest.mark.parametrize("text", ["", "GiB", "1XB", "-1GiB", "1GiBs", "1GI B", "2BB", "1,5GiB", "1e999GiB"])
def test_what_are_no_bytes_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_bytes("--memory", text)
    assert caught.value.where == "--memory"


def test_a_size_in_bits_is_refused() -> None:
    with pytest.raises(UsageError, match="a size in bits"):
        read_bytes("--memory", "2Gb")


@given(st.integers(0, 10**30), st.sampled_from([("k", 3), ("M", 6), ("G", 9), ("T", 12)]))
def test_no_digit_is_lost(number: int, unit: tuple[str, int]) -> None:
    letter, zeros = unit
    digits = str(number).rjust(zeros + 1, "0")
    assert read_count("--macs", f"{digits[:-zeros]}.{digits[-zeros:]}{letter}") == number


@pytest.mark.parametrize(("text", "size"), [("2g", 2 * 10**9), ("2.5 m", 2_500_000), ("256K", 256_000), ("1E", 10**18)])
def test_a_letter_alone_is_a_power_of_1000_for_bytes_too(text: str, size: int) -> None:
    assert read_bytes("--memory", text) == size
