"""List flags: however a list is divided between flags and commas, it is the same list."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc.commands.registry import COMMANDS, load_command
from lstmcalc.intake.choosing import asked_modules
from lstmcalc.intake.flags import Flag, Typed, items_of, read_settings
from tools.shell import Ran

Cli = Callable[..., Ran]

CODE = "a = nn.LSTM(10, n)\nb = nn.LSTM(n, m)\nc = nn.LSTM(1, k)\n"

# For each list flag a command line before it, and its items.
LISTS = {
    ("shapes", "lengths"): ("shapes", "4 2 3"),
    ("explain", "lengths"): ("explain", "4 2 3"),
    ("cost", "lengths"): ("cost", "4 2 3"),
    ("solve", "lengths"): ("solve hidden --params 1M", "4 2 3"),
    ("sweep", "lengths"): ("sweep --hidden 3:5", "4 2 3"),
    ("run", "lengths"): ("run", "4 2 3"),
    ("summary", "lengths"): ("summary", "4 2 3"),
    ("params", "lengths"): ("params", "4 2 3"),
    ("frameworks", "lengths"): ("frameworks", "4 2 3"),
    ("ls", "lengths"): ("ls a.npz", "4 2 3"),
    ("ls", "set"): ("ls a.npz", "n=3 m=4 k=2"),
    ("diff", "lengths"): ("diff a.npz a.py --set n=3,m=4,k=2", "4 2 3"),
    ("explain", "topic"): ("explain", "states equations around"),
    ("frameworks", "only"): ("frameworks", "keras onnx tf1"),
    ("run", "against"): ("run", "torch onnxruntime"),
    ("run", "chunks"): ("run --seq 12", "1 7 3"),
    ("convert", "lengths"): ("convert -o a.pt --seed 0 --force --no-against", "4 2 3"),
    ("convert", "module"): ("convert a.npz -o a.pt --force --no-against", "a b"),
    ("convert", "into_module"): ("convert a.npz --module a,b --into a.npz -o b.npz --force --no-against", "a b"),
    ("convert", "set"): ("convert a.py -o a.pt --seed 0 --force --no-against", "n=3 m=4 k=2"),
    ("sweep", "show"): ("sweep --hidden 3:5", "params macs memory"),
    ("sweep", "sort"): ("sweep --hidden 5,3,4 --layers 1:2", "layers hidden params"),
    ("sweep", "directions"): ("sweep", "1 2"),
    ("sweep", "input_size"): ("sweep", "3 5:7 9"),
    ("sweep", "hidden_size"): ("sweep", "3 5:7 9"),
    ("sweep", "num_layers"): ("sweep", "3 1 2"),
    ("sweep", "proj_size"): ("sweep", "0 3 2"),
    ("sweep", "seq_len"): ("sweep", "3 5:9:2"),
    ("sweep", "batch"): ("sweep", "0 3 5"),
    ("sweep", "dtype"): ("sweep", "float32 float16"),
    ("ls", "module"): ("ls a.npz", "a b"),
    ("diff", "module"): ("diff a.npz a.py --set n=3,m=4,k=2", "a b"),
    **{
        (name, "module"): (f"{name} a.py --set n=3,m=4 --set k=2", "a b")
        for name in ("summary", "shapes", "params", "explain", "frameworks", "cost", "run")
    },
    ("solve", "module"): ("solve hidden a.py --params 1M --set n=3,m=4,k=2", "a b"),
    ("sweep", "module"): ("sweep a.py --layers 1:2 --set n=3,m=4,k=2", "a b"),
    **{
        (name, "set"): (f"{name} a.py", "n=3 m=4 k=2")
        for name in ("summary", "shapes", "params", "explain", "frameworks", "cost", "run")
    },
    ("solve", "set"): ("solve hidden a.py --params 1M", "n=3 m=4 k=2"),
    ("sweep", "set"): ("sweep a.py --layers 1:2", "n=3 m=4 k=2"),
    ("diff", "set"): ("diff a.npz a.py", "n=3 m=4 k=2"),
}


# Flags that every command takes, and that change nothing for some.
IDLE = {
    ("ls", "set"),
    *((name, "lengths") for name in ("params", "frameworks", "ls", "diff", "convert")),
}


def flags_of(name: str) -> list[Flag]:
    return [flag for flags in load_command(name).panels.values() for flag in flags]


def test_every_list_flag_is_tried() -> None:
    listed = {(name, flag.field) for name in COMMANDS for flag in flags_of(name) if flag.repeats and flag.names}
    assert listed == LISTS.keys()


def test_a_flag_is_a_list_where_its_placeholder_says_so() -> None:
    for name in COMMANDS:
        for flag in (flag for flag in flags_of(name) if flag.names):
            assert flag.repeats == flag.metavar.endswith((",...", "LIST")), (name, flag)


@pytest.mark.parametrize(("command", "field"), LISTS)
def test_repeating_a_list_flag_means_what_commas_mean(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, field: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # a judge that is missing is an error, if it is asked
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text(CODE, encoding="utf-8")
    write_weights()
    line, items = LISTS[command, field]
    name = next(flag.names[0] for flag in flags_of(command) if flag.field == field)
    listed = items.split(" ")
    told = {
        cli(*shlex.split(line, posix=False), *flags, "--json")
        for flags in (
            (name, ",".join(listed)),
            (name, ", ".join(listed)),
            tuple(part for item in listed for part in (name, item)),
            (name, listed[0], name, ",".join(listed[1:])),
            (f"{name}={','.join(listed[:-1])}", name, listed[-1]),
        )
    }
    assert len(told) == 1
    (ran,) = told
    assert ran.code == (2 if field == "against" else 1 if command == "diff" and field == "module" else 0), ran.err
    alone = cli(*shlex.split(line, posix=False), name, listed[-1], "--json").out
    assert (ran.out == alone) is ((command, field) in IDLE)  # not the last alone


def write_weights() -> None:
    shapes = {"a": (10, 3), "b": (3, 4), "c": (1, 2)}
    weights = {
        f"{name}.{key}_l0": np.zeros(shape, np.float32)
        for name, (inputs, cells) in shapes.items()
        for key, shape in (
            ("weight_ih", (4 * cells, inputs)),
            ("weight_hh", (4 * cells, cells)),
            ("bias_ih", (4 * cells,)),
            ("bias_hh", (4 * cells,)),
        )
    }
    np.savez("a.npz", **weights)  # type: ignore[arg-type]  # no array is called allow_pickle


WORDS = st.text("abcxyz019_.:-", min_size=1, max_size=6)


@given(st.data(), st.lists(WORDS, min_size=1, max_size=8))
def test_any_division_of_a_list_gives_its_items(data: st.DataObject, items: list[str]) -> None:
    typed, start = list[str](), 0
    while start < len(items):
        stop = data.draw(st.integers(start + 1, len(items)))
        typed.append(data.draw(st.sampled_from([",", ", ", " , "])).join(items[start:stop]))
        start = stop
    assert items_of(typed) == items
    assert items_of(",".join(typed)) == items


@pytest.mark.parametrize(
    ("typed", "items"),
    [
        (None, []),
        ("", [""]),
        ("a,,b", ["a", "", "b"]),
        (["a", ""], ["a", ""]),
        ("layers[0,1],f(2,3)", ["layers[0,1]", "f(2,3)"]),
        ("'a,b',c", ["'a,b'", "c"]),
        ("(a,b", ["(a,b"]),
        ("it's,b", ["it's,b"]),
    ],
)
def test_commas_in_brackets_and_quotes_divide_nothing(typed: Typed, items: list[str]) -> None:
    assert items_of(typed) == items


LITERALS = st.recursive(
    st.integers(-9, 9) | st.booleans() | st.text("ab,=()[] ", max_size=5).filter(lambda text: text == text.strip()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab,=", max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.from_regex(r"[a-z]{1,4}(\.[a-z]{1,3}|\[\"[a-z,=]{1,4}\"\])?", fullmatch=True)


@given(st.dictionaries(NAMES, LITERALS, min_size=1, max_size=5), st.booleans())
def test_settings_between_commas_are_read_back_whatever_their_values(values: dict[str, object], together: bool) -> None:
    texts = [f"{name}={value!r}" for name, value in values.items()]
    assert read_settings([",".join(texts)] if together else texts) == values


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("a=1,b=2", {"a": 1, "b": 2}),
        ("sizes=1,2", {"sizes": (1, 2)}),
        ("sizes=1,2,b=3", {"sizes": (1, 2), "b": 3}),
        ("name=don't", {"name": "don't"}),
        ("args[x]=(1", {"args[x]": "(1"}),
        ("f={'a=b': 1}", {"f": {"a=b": 1}}),
    ],
)
def test_what_has_no_name_belongs_to_the_value_before_it(text: str, settings: dict[str, object]) -> None:
    assert read_settings([text]) == settings


def test_a_module_whose_name_has_a_comma_can_be_asked_for() -> None:
    names = ["net.a,b", "a", "c"]
    assert asked_modules("a,b", names) == ["a,b"]
    assert asked_modules(["net.a,b", "c, a"], names) == ["net.a,b", "c", "a"]
    assert asked_modules("a,c", names) == ["a", "c"]


def test_no_judge_of_several_is_passed_over(cli: Cli) -> None:
    wanted = "--against: invalid choice\n  expected one of pytorch, onnxruntime, keras, found 'nobody'"
    for judges in (("nobody", "onnxruntime"), ("onnxruntime", "nobody")):
        ran = cli("run", *(part for judge in judges for part in ("--against", judge)))
        assert ran == Ran(2, "", f"error: {wanted}\n")
