"""The number of examples that a property is tried with: always the same, or with `--thorough` others, and more."""

from hypothesis import HealthCheck, settings

# What a test is tried with if it says nothing; counts of tests that do say something are in its terms.
USUAL = 100
PLAIN = 50  # in place of these, in the plain tests, which are run often
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


def examples(count: int, *suppressed: HealthCheck) -> settings:
    """Settings for a test that takes more or fewer examples than others; in proportion, also with `--thorough`."""
    ours = settings()
    return settings(
        max_examples=count * ours.max_examples // USUAL,
        suppress_health_check=[*ours.suppress_health_check, *suppressed],
    )
