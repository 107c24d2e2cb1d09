"""The number of examples that a property is tried with: always the same, or with `--thorough` others, and more."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

T = TypeVar("T")

# What a test is tried with if it says nothing; counts of tests that do say something are in its terms.
USUAL = 100
PLAIN = 25  # in place of these, in the plain tests, which are run often
THOROUGH = 200  # with `--thorough`


def register_profiles() -> None:
    """Neither keeps examples, or counts seconds: what a test finds hangs on its code alone."""
    settings.register_profile(
        "plain",
        max_examples=PLAIN,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.register_profile(
        "thorough",
        settings.get_profile("plain"),
        max_examples=THOROUGH,
        derandomize=False,
        print_blob=True,
    )


def is_thorough() -> bool:
    """True with `--thorough`, as soon as tests are collected."""
    return settings().max_examples == THOROUGH


def spread(cases: Sequence[T], step: int) -> list[T]:
    """Every `step`-th of many cases of one kind; all with `--thorough`, for a test that is marked `thorough`."""
    return list(cases if is_thorough() else cases[::step])


def examples(count: int, *suppressed: HealthCheck, plain: int | None = None) -> settings:
    """Settings for a test that takes more or fewer examples than others; in proportion, also with `--thorough`.

    Args:
        plain: In place of the count in the plain tests, for a test whose examples take long.
    """
    ours = settings()
    wanted = count if plain is None or is_thorough() else plain
    return settings(
        max_examples=max(1, wanted * ours.max_examples // USUAL),
        suppress_health_check=[*ours.suppress_health_check, *suppressed],
    )
