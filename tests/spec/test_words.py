"""Words: counts, lists and names that no two things share."""

from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.spec.words import UniqueNames, and_list, counted, unique_names, with_dots, with_rest


def test_counts() -> None:
    assert [counted(count, "tensor") for count in (0, 1, 2, 2000)] == [
        "0 tensors",
        "1 tensor",
        "2 tensors",
        "2,000 tensors",
    ]


def test_lists() -> None:
    assert [and_list(["a"]), and_list(["a", "b"]), and_list(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [with_dots(["a", "b"], 2), with_dots(["a", "b", "c"], 2)] == ["a, b", "a, b, ..."]
    assert [with_rest(["a", "b"], 2), with_rest(["a", "b", "c"], 2)] == ["a, b", "a, b and 1 more"]
    assert with_rest(["a"] * 1002, 2) == "a, a and 1,000 more"


@given(st.lists(st.sampled_from(["a", "b", "a_2", "a_3", "a_2_2", "b_2"]), max_size=12))
def test_names_are_unique_and_keep_what_they_can(names: list[str]) -> None:
    unique = unique_names(names)
    assert len(set(unique)) == len(names)
    for position, (name, given_name) in enumerate(zip(unique, names, strict=True)):
        assert name == given_name or (given_name in unique[:position] and name.startswith(f"{given_name}_"))


def test_many_of_one_name_take_no_time() -> None:
    """A search from 2 for each would take ten billion steps."""
    assert unique_names(["lstm"] * 100_000)[-1] == "lstm_100000"
    taken = UniqueNames()
    assert (taken.add("a"), "a" in taken, "b" in taken) == ("a", True, False)
