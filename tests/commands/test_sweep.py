"""Many LSTMs side by side: each number as it is of that LSTM alone."""

import csv
import io
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig
from lstmcalc.commands.sweep.grid import Axis, Grid, ordered
from lstmcalc.commands.sweep.request import SWEPT
from lstmcalc.costs.measures import MEASURES, Case
from tools.examples import examples
from tools.shell import Ran

Cli = Callable[..., Ran]


def rows_of(cli: Cli, *flags: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cli("sweep", *flags, "--json").out)["modules"][0]["rows"]
    return found


VALUES: dict[str, st.SearchStrategy[list[Any]]] = {
    "dtype": st.lists(st.sampled_from(["float32", "float64", "bfloat16", "float16"]), min_size=1, unique=True),
    "bidirectional": st.lists(st.booleans(), min_size=1, unique=True),
    "input_size": st.lists(st.integers(1, 600), min_size=1, max_size=4, unique=True),
    "hidden_size": st.lists(st.integers(1, 600), min_size=1, max_size=4, unique=True),
    "proj_size": st.lists(st.integers(0, 40), min_size=1, max_size=3, unique=True),
    "num_layers": st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True),
    "seq_len": st.lists(st.integers(1, 60), min_size=1, max_size=3, unique=True),
    "batch": st.lists(st.integers(0, 300), min_size=1, max_size=4, unique=True),
}


@given(st.data(), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.5]))
@examples(60)
def test_every_combination_has_the_numbers_it_has_alone(
    choose: st.DataObject, train: bool, batch_first: bool, dropout: float
) -> None:
    fields = choose.draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4, unique=True))
    axes = [Axis(field, tuple(choose.draw(VALUES[field]))) for field in SWEPT if field in fields]
    config = LSTMConfig(10, 20, batch_first=batch_first, dropout=dropout, num_layers=2)
    case = Case(config, DataSpec(), train=train)
    columns = Grid(case, axes).measured(tuple(MEASURES.values()))
    expected = []
    for values in product(*(axis.values for axis in axes)):
        chosen = dict(zip([axis.field for axis in axes], values, strict=True))
        if chosen.get("proj_size", 0) < chosen.get("hidden_size", 20):
            own = case.having(chosen)
            expected.append({**chosen, **{name: row.formula(own).at(own.values) for name, row in MEASURES.items()}})
    count = len(next(iter(columns.values())))
    assert [{name: column.item(row) for name, column in columns.items()} for row in range(count)] == expected


def test_beyond_64_bits_numbers_stay_exact() -> None:
    axes = [Axis("hidden_size", (20, 2**40, 2**62)), Axis("batch", (1, 2**61))]
    case = Case(LSTMConfig(10, 20), DataSpec())
    columns = Grid(case, axes).measured([MEASURES["macs"], MEASURES["params"]])
    for row, (hidden, batch) in enumerate(product(*(axis.values for axis in axes))):
        own = case.having({"hidden_size": hidden, "batch": batch})
        assert columns["macs"].item(row) == MEASURES["macs"].formula(own).at(own.values)
        assert columns["params"].item(row) == 4 * hidden * (10 + hidden + 2)
    assert columns["macs"].dtype == object
    small = Grid(case, [Axis("hidden_size", (20, 40))]).measured([MEASURES["macs"]])
    assert small["macs"].dtype == np.int64


@pytest.mark.parametrize("hidden", [(2**62,), (2**62, 2**61)])
def test_what_an_empty_batch_makes_nothing_is_exact_too(hidden: tuple[int, ...]) -> None:
    # The other factors alone are beyond 64 bits.
    case = Case(LSTMConfig(10, hidden[0]), DataSpec(2**62))
    axes = [Axis("hidden_size", hidden), Axis("batch", (0, 1))]
    columns = Grid(case, axes[1:] if len(hidden) == 1 else axes).measured([MEASURES["macs"]])
    assert columns["macs"].tolist() == [each for size in hidden for each in (0, 2**62 * 4 * size * (10 + size))]


def test_just_below_the_limit_64_bits_are_enough() -> None:
    # 4*H*(I + H)*15 of H = 2**28 is just below 2**62, that of 2**29 beyond.
    case = Case(LSTMConfig(10, 20), DataSpec())
    for hidden, dtype in ((2**28, np.int64), (2**29, object), (2**31, object)):
        macs = Grid(case, [Axis("hidden_size", (hidden,))]).measured([MEASURES["macs"]])["macs"]
        assert macs.dtype == dtype
        assert macs.item(0) == 15 * 4 * hidden * (10 + hidden)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12), st.booleans(), st.booleans())
def test_sorting_is_stable_both_ways(rows: list[tuple[int, int]], reverse: bool, huge: bool) -> None:
    dtype = object if huge else np.int64
    columns = {
        "a": np.array([a for a, _ in rows], dtype),
        "b": np.array([b for _, b in rows], dtype),
        "place": np.arange(len(rows)),
    }
    found = ordered(columns, ("b", "a"), reverse=reverse)
    sign = -1 if reverse else 1
    expected = sorted(range(len(rows)), key=lambda row: (sign * rows[row][1], sign * rows[row][0]))
    assert found["place"].tolist() == expected


def test_ranges_include_both_ends(cli: Cli) -> None:
    rows = rows_of(cli, "--hidden", "64,128,256", "--layers", "1:4")
    assert [(row["hidden_size"], row["num_layers"]) for row in rows] == list(product((64, 128, 256), (1, 2, 3, 4)))
    assert rows[0] == {
        "hidden_size": 64,
        "num_layers": 1,
        "params": 19_456,
        "macs": 284_160,
        "memory": rows[0]["memory"],
    }
    stepped = rows_of(cli, "--seq", "10:50:20,7", "--show", "macs")
    assert [row["seq_len"] for row in stepped] == [10, 30, 50, 7]
    assert all(list(row) == ["seq_len", "macs"] for row in stepped)


def test_the_numbers_are_those_of_cost_and_params(cli: Cli) -> None:
    for row in rows_of(
        cli, "--hidden", "20,48", "--directions", "1,2", "--show", "params,weights,macs,flops,memory,saved"
    ):
        flags = ("--hidden", str(row["hidden_size"]), "--bi" if row["bidirectional"] else "--no-bi", "--json")
        cost = json.loads(cli("cost", *flags).out)["modules"][0]
        assert row["macs"] == cost["compute"]["forward"]["macs"]
        assert row["flops"] == cost["compute"]["forward"]["flops"]
        figures = {figure["name"]: figure["bytes"] for figure in reversed(cost["memory"]) if figure["applies"]}
        assert row["weights"] == figures["weights"]
        assert row["memory"] == figures["inference peak"]
        assert row["saved"] == figures["saved for backward"]
        assert row["params"] == json.loads(cli("params", *flags).out)["modules"][0]["total"]


def test_training_is_another_cost(cli: Cli) -> None:
    flags = ("--hidden", "20,48", "--show", "macs,memory")
    trained = rows_of(cli, *flags, "--train", "--optimizer", "sgd")
    assert all(more["macs"] == 3 * less["macs"] for more, less in zip(trained, rows_of(cli, *flags), strict=True))
    adam = rows_of(cli, *flags, "--train")
    assert all(more["memory"] > less["memory"] for more, less in zip(adam, trained, strict=True))


def test_csv_is_one_table(cli: Cli) -> None:
    text = cli("sweep", "--hidden", "64,128", "--dtype", "float32,float16", "--format", "csv").out
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["module", "dtype", "hidden_size", "params", "macs", "memory"]
    assert [row[:4] for row in rows[1:]] == [
        ["lstm", "float32", "64", "19456"],
        ["lstm", "float32", "128", "71680"],
        ["lstm", "float16", "64", "19456"],
        ["lstm", "float16", "128", "71680"],
    ]


def test_sorted_by_flags_or_by_names(cli: Cli) -> None:
    flags = ("--hidden", "128,64,256", "--layers", "2,1", "--show", "params")
    for name in ("params", "hidden,layers", "hidden_size"):
        rows = rows_of(cli, *flags, "--sort", name)
        assert [row["hidden_size"] for row in rows] == [64, 64, 128, 128, 256, 256]
        assert [row["num_layers"] for row in rows][:2] == ([2, 1] if name == "hidden_size" else [1, 2])
    largest_first = rows_of(cli, *flags, "--sort", "params", "--reverse")
    assert largest_first == rows_of(cli, *flags, "--sort", "params")[::-1]


def test_lengths_of_a_file_settle_the_steps_too(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lstmcalc.toml").write_text("[data]\nlengths = [3, 2]\n", encoding="utf-8")
    ran = cli("sweep", "--seq", "4,8")
    assert ran.code == 2
    assert "the lengths settle seq_len" in ran.err


def test_directions_sort_by_each_of_their_names(cli: Cli) -> None:
    flags = ("--directions", "2,1", "--hidden", "3,4", "--show", "params")
    for name in ("bi", "directions", "bidirectional"):
        assert [row["bidirectional"] for row in rows_of(cli, *flags, "--sort", name)] == [False, False, True, True]
    assert "one of bi, hidden, params" in cli("sweep", *flags, "--sort", "x").err


def test_several_lstms_are_taken_alone(cli: Cli) -> None:
    two = "a = nn.LSTM(8, 16, bidirectional=True)\nb = nn.LSTM(32, 64)"
    for arguments in (("sweep", two, "--hidden", "3,4"), ("solve", "hidden", two, "--params", "1M")):
        assert "each of these LSTMs is taken alone, with the input size that the source gives it" in cli(*arguments).err


def test_a_projection_as_wide_as_the_cell_is_left_out(cli: Cli) -> None:
    ran = cli("sweep", "--hidden", "64,128", "--proj", "0,64", "--show", "params")
    assert "note: 1 combination is left out" in ran.err
    rows = rows_of(cli, "--hidden", "64,128", "--proj", "0,64", "--show", "params")
    assert [(row["hidden_size"], row["proj_size"]) for row in rows] == [(64, 0), (128, 0), (128, 64)]


def test_of_many_rows_the_ends_are_shown(cli: Cli) -> None:
    shown = cli("sweep", "--hidden", "1:1000").out
    assert "920 more combinations, --format csv has all" in shown
    assert "      ...       " in shown
    assert len(shown.splitlines()) < 110
    assert len(rows_of(cli, "--hidden", "1:1000")) == 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is nothing to sweep"),
        (("--hidden", "64"), "there is nothing to sweep"),
        (("--hidden", "64,,128"), "--hidden: an empty item"),
        (("--hidden", "64,"), "--hidden: an empty item"),
        (("--dropout", "0,0.5"), "--batch and --directions take lists"),
        (("--hidden", "64,128", "--optimizer", "sgd"), "--optimizer: nothing is trained"),
        (("--hidden", "4:1"), "did you mean 1:4?"),
        (("--hidden", "1:4:0"), "FROM:TO or FROM:TO:STEP"),
        (("--hidden", "1:2:3:4"), "FROM:TO or FROM:TO:STEP"),
        (("--hidden", ":4"), "--hidden: not an integer"),
        (("--hidden", "64,64"), "64 is there twice"),
        (("--hidden", "0:4"), "hidden_size is out of range"),
        (("--hidden", "1:9999999"), "too many values"),
        (("--hidden", f"1:{10**30}"), "too many values"),
        (("--hidden", "1:10000", "--batch", "1:1000"), "this report would be too long"),
        (("--hidden", "64,128", "--show", "param"), "did you mean params"),
        (("--hidden", "64,128", "--sort", "layers"), "--sort: invalid choice"),
        (("--batch", "1,2", "--lengths", "3,2"), "the lengths settle batch"),
        (("--batch", "1,2", "--unbatched"), "unbatched"),
        (("--directions", "1,3"), "no such number of directions"),
        (("--directions", "1,2", "--bi"), "contradictory directions"),
        (("--dtype", "float32,float31"), "did you mean float32"),
        (("--dtype", "float32,int8"), "quantized LSTMs: lstmcalc cost --quantize"),
        (("--hidden", "4,5", "--proj", "5:9"), "no combination is an LSTM"),
        (("--dropout", "0.1,0.2", "--hidden", "1,2"), "dropout"),
    ],
)
def test_what_cannot_be_swept_says_why(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    ran = cli("sweep", *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""


def test_only_some_of_the_swept_cells_are_wider_than_the_projection(cli: Cli) -> None:
    for hidden, proj, wide in (("4,8", "6", 8), ("1000,3000", "1500,1600", 3000)):
        module = json.loads(cli("sweep", "--hidden", hidden, "--proj", proj, "--json").out)["modules"][0]
        assert {row["hidden_size"] for row in module["rows"]} == {wide}


def test_up_to_80_rows_are_all_shown(cli: Cli) -> None:
    assert "more combination" not in cli("sweep", "--hidden", "1:80").out
    assert "1 more combination" in cli("sweep", "--hidden", "1:81").out


def test_progress_ends_with_all_of_it() -> None:
    told: list[tuple[int, int]] = []
    axes = [Axis("hidden_size", (20, 32)), Axis("batch", (1, 2))]
    Grid(Case(LSTMConfig(10, 20), DataSpec()), axes).measured(
        [MEASURES["params"], MEASURES["macs"]], lambda *steps: told.append(steps)
    )
    done = [now for now, _ in told]
    assert done == sorted(set(done))
    assert told[-1] == (told[-1][1], told[-1][1])
