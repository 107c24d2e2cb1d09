"""Readers of sources at their edges: each test holds a branch that no other one does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lstmcalc.errors import LstmcalcError, SourceError, TooLargeError
from lstmcalc.intake.resolve import read_subjects
from lstmcalc.intake.subject import subject_of_layers
from lstmcalc.readers.sources import read_source
from lstmcalc.spec.provenance import Origin, Setting
from tools.reading import TORCH, found_in, names, only, said
from tools.shell import Ran

KERAS = "from keras import Input, Sequential\nfrom keras.layers import *\n"
MODULE = "class M:\n def __init__(self, {}):\n  self.r = nn.LSTM(10, {})\n"


# expressions, scopes


@pytest.mark.parametrize(
    ("code", "hidden"),
    [
        ("c = {'a': 3}\nnn.LSTM(10, c.get('a', 7))", 3),
        ("class C:\n def __init__(self, h=5, **k):\n  self.h = h * 2\nc = C(h=7)\nnn.LSTM(10, c.h)", 14),
        ("n = 3\ndef f(a=n):\n  n = 9\n  return nn.LSTM(10, a)", 3),
        ("nn.LSTM(10, 20 if q else 20)", 20),
        (MODULE.format("h=5", "h") + "class D(M):\n def __init__(self):\n  M.__init__(self, 30)", 30),
        (MODULE.format("h=5", "h") + "class D(M):\n pass\nD(30)", 30),
        (MODULE.format("h", "h") + " @classmethod\n def make(cls):\n  return cls(30)\nM.make()", 30),
        ("nn.LSTM(10, 20 if 1 < 2 < 1 else 30)", 30),
        ("n = 3\ndef g():\n  global n\n  n = 4\nnn.LSTM(10, n)", 3),
        ("class B:\n h = 5\n def make(self):\n  return nn.LSTM(10, self.h)\nclass D(B):\n h = 7", 5),
        ("a = {'h': 3}\nb = a\nb['h'] = 5\nnn.LSTM(10, a['h'])", 5),
        ("n = 3\ndef f():\n  return nn.LSTM(10, n)\nn = 4", 4),
        ("class M:\n def __init__(self):\n  self.h = 5\n  self.r = nn.LSTM(10, self.h)\n  self.h = 7", 5),
        (
            "class C:\n h = 5\nclass M:\n def __init__(self):\n  self.c = C()\n  self.c.h = 3\n  nn.LSTM(10, self.c.h)",
            3,
        ),
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('-n', '--hidden', type=int, default=8)\nargs = p.parse_args()\nnn.LSTM(10, args.hidden)",
            8,
        ),
        ("a = {'h': 5}\nc = {**a, 'x': 1}\nnn.LSTM(10, c['h'])", 5),
        ("class M:\n @staticmethod\n def make(h):\n  return nn.LSTM(10, h)\nM.make(30)", 30),
        ("n = 3\nif __name__ == '__main__':\n  n = 4\nnn.LSTM(10, n)", 4),
        ("n = 3\ntry:\n  n = 4\nfinally:\n  pass\nnn.LSTM(10, n)", 4),
        ("n = 3\nif q:\n  n = 4\nelse:\n  nn.LSTM(10, n)", 3),
        ("class M(nn.LSTM):\n def __init__(self):\n  nn.LSTM.__init__(self, 10, 20)", 20),
    ],
)
def test_a_size_that_is_known(code: str, hidden: int) -> None:
    found = only(f"{TORCH}{code}")
    assert (said(found)["hidden_size"], dict(found.gaps)) == (hidden, {})


@pytest.mark.parametrize(
    "code",
    [
        "nn.LSTM(10, q and 20)",
        MODULE.format("**k", "k.get('h', 8)") + "M(**s)",
        "def f(a, h=5):\n  return nn.LSTM(10, h)\nf(*q)",
    ],
)
def test_a_size_that_is_not_known(code: str) -> None:
    found = only(f"{TORCH}{code}")
    assert (said(found), list(found.gaps)) == ({"input_size": 10}, ["hidden_size"])


@pytest.mark.parametrize(
    ("code", "name"), [("import cfg\nnn.LSTM(10, cfg.h * 2)", "cfg.h"), ("import cfg\nnn.LSTM(10, cfg.h)", "cfg.h")]
)
def test_a_gap_names_the_name_alone(code: str, name: str) -> None:
    assert only(f"{TORCH}{code}").gaps["hidden_size"].names == (name,)


def test_an_array_passed_through_call() -> None:
    code = "class M:\n def __init__(self):\n  self.l = nn.LSTM(10, 20)\n def __call__(self, x):\n  return self.l(x)\n"
    assert only(f"{TORCH}{code}m = M()\nm(torch.randn(7, 2, 10))").input_shape == (7, 2, 10)


def test_lengths_that_are_not_known_are_none() -> None:
    pack = "nn.utils.rnn.pack_padded_sequence(torch.randn(5, 2, 10), [a, 3])"
    assert "lengths" not in said(only(f"{TORCH}l = nn.LSTM(10, 20)\nl({pack})"))


def test_of_two_imports_whichever_is_there() -> None:
    code = "try:\n  from tensorflow.keras.layers import LSTM\nexcept ImportError:\n  from keras.layers import LSTM\n"
    assert only(f"{code}LSTM(20)").framework == "keras"


# pycode, constructors


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("from keras.layers import LSTM\nLSTM(10, 20)", "activation of LSTM cannot be a number"),
        ("from . import LSTM\nLSTM(10, 20)", "LSTM"),
        ("nn.LSTM(10 20)", r"\^{5}\n"),
    ],
)
def test_refused(code: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        found_in(code)


def test_without_return_sequences_nothing_is_said_of_the_next_ones_steps() -> None:
    for option in ("", ", return_sequences=False"):
        _, second = found_in(f"{KERAS}Sequential([Input((5, 4)), LSTM(8{option}), LSTM(3)])")
        assert "seq_len" not in said(second)


def test_pytorchs_default_dtype_is_pytorchs() -> None:
    assert "dtype" not in said(only(f"{TORCH}torch.set_default_dtype(torch.float64)\nkeras.layers.LSTM(20)"))


def test_a_cell_without_a_parent_is_no_layer() -> None:
    code = "import flax.linen as nn\nc = nn.LSTMCell(8)\nnn.LSTMCell(9, parent=None)"
    assert said(only(code)) == {"hidden_size": 8}


def test_what_stands_in_one_line_is_counted() -> None:
    subjects = read_subjects({"source": "f(nn.LSTM(1, 2)); f(nn.LSTM(3, 4))"})
    assert [subject.name for subject in subjects] == ["lstm", "lstm_2"]


def test_what_may_be_another_is_open() -> None:
    _, other = found_in(f"{TORCH}a = nn.LSTM(10, 20)\nb = getattr(nn, kind)(10, 20)")
    assert (other.name, other.gaps[""].names) == ("b", ("kind",))


@pytest.mark.parametrize("arguments", ["input_length=n, input_dim=4", "batch_input_shape=(b, 5, 4)"])
def test_data_that_is_open_is_no_gap(arguments: str) -> None:
    found = only(f"{KERAS}LSTM(8, {arguments})")
    assert (said(found)["input_size"], dict(found.gaps)) == (4, {})


def test_what_is_true_is_true() -> None:
    assert said(only("nn.LSTM(10, 20, bias=1)"))["bias"] is True


def test_time_major_has_the_steps_first() -> None:
    found = said(only(f"{KERAS}LSTM(8, time_major=True, batch_input_shape=(5, 3, 4))"))
    assert (found["seq_len"], found["batch"]) == (5, 3)


def test_a_shape_of_another_rank_says_nothing() -> None:
    assert list(only(f"{KERAS}LSTM(8, input_shape=(4,))").gaps) == ["input_size"]


def test_an_unknown_dtype_is_noted() -> None:
    assert "complex64' is none of ours" in only("nn.LSTM(10, 20, dtype='complex64')").notes[0]


# keras_code


@pytest.mark.parametrize(
    ("code", "width"),
    [
        ("x = Input((5, 4))\nif q:\n  x = Dense(7)(x)\nLSTM(8)(x)", None),
        ("inner = Sequential([Dense(7)])\nSequential([Input((5, 4)), inner, LSTM(8)])", 7),
    ],
)
def test_what_flows_in(code: str, width: int | None) -> None:
    assert said(only(f"{KERAS}{code}")).get("input_size") == width


def test_a_state_is_not_the_output() -> None:
    code = "h = LSTM(8, return_state=True, return_sequences=True)(Input((5, 4)))\nLSTM(3)({})"
    assert said(found_in(KERAS + code.format("h[0]"))[1])["input_size"] == 8


# naming, syntax


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("m = nn.Sequential(LSTM(10, 20))", "m.0"),
        ("nn.Sequential(nn.Linear(1, 2), nn.LSTM(2, 3))", "1"),
        ("m[x + 1] = nn.LSTM(10, 20)", "m[x+1]"),
        ("```bash\nb = nn.LSTM(1, 2)\n```\n```python\na = nn.LSTM(10, 20)\n```", "a"),
        ("```python\ns = '''\n~~~\n'''\na = nn.LSTM(10, 20)\n```", "a"),
        ("We use an LSTM here.\na = nn.LSTM(\n  10,\n  20,\n)\n", "a"),
    ],
)
def test_names(code: str, name: str) -> None:
    assert names(code) == [name]


# sources, intake, subject


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("data", [b"input_size = 10\nhidden_size = 20\n", b"# \x01\nnn.LSTM(10, 20)\n"])
def test_a_file_without_a_suffix(data: bytes) -> None:
    Path("it").write_bytes(data)
    (found,) = read_source("it", {})
    assert said(found) == {"input_size": 10, "hidden_size": 20}


@pytest.mark.usefixtures("directory")
def test_a_large_file_is_not_read_to_its_end() -> None:
    Path("it").write_bytes(b"x" * (2**24 + 1))
    with pytest.raises(SourceError, match="at most 16,777,216 bytes of text"):
        read_source("it", {})


def test_a_projection_that_a_framework_lacks_names_both_places() -> None:
    with pytest.raises(LstmcalcError, match="proj_size and --framework keras"):
        read_subjects({"source": "nn.LSTM(10, 20, proj_size=5)"}, "keras")


def test_names_that_end_in_numbers_stay_apart() -> None:
    modules = [{"name": name, "config": {"input_size": 1, "hidden_size": 2}} for name in ("a", "a", "a_2")]
    subjects = read_subjects({"source": json.dumps({"lstmcalc": "1", "schema": 1, "modules": modules})})
    assert [subject.name for subject in subjects] == ["a", "a_2", "a_2_2"]


def test_a_flag_is_for_what_is_open() -> None:
    subjects = read_subjects({"source": "a = nn.LSTM(h, 20); b = nn.LSTM(4, 30)", "input_size": "3"})
    assert [subject.config.input_size for subject in subjects] == [3, 4]


def test_a_flag_wins_over_an_array() -> None:
    source = "l = nn.LSTM(10, 20)\nl(torch.randn(5, 3, 10))"
    (subject,) = read_subjects({"source": source, "input_size": "12"})
    assert subject.config.input_size == 12


def test_a_name_stays_whole_and_is_shown_harmless(cli: Callable[..., Ran]) -> None:
    source = '{"lstm": {"a\\u0007": {"input_size": 1, "hidden_size": 2}}}'
    (subject,) = read_subjects({"source": source})
    assert subject.name == "a\x07"
    assert cli("shapes", source).out.startswith("a\\x07: LSTM(1, 2)\n")


def test_a_report_has_an_end() -> None:
    with pytest.raises(TooLargeError, match="at most 1,000 LSTMs"):
        read_subjects({"source": "nn.LSTM(1, 2)\n" * 1001})


def setting(value: object) -> Setting:
    return Setting(value, Origin("flag", None, "stated"))


def test_what_is_void() -> None:
    sizes = {"input_size": setting(1), "hidden_size": setting(2)}
    lengths = subject_of_layers([{"unbatched": setting(True)}, {**sizes, "lengths": setting((3, 2))}])
    assert lengths.data.lengths is None
    batch = subject_of_layers([{"batch": setting(7)}, {**sizes, "unbatched": setting(True)}])
    assert batch.data.batch == 7
    kept = subject_of_layers([{"unbatched": setting(False)}, {**sizes, "batch": setting(7)}])
    assert kept.data.batch == 7
    counted = subject_of_layers([{**sizes, "lengths": setting((3, 2))}])
    assert counted.provenance["batch"].certainty == "inferred"


# More of the same kinds.


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('--b', action='store_true')\nargs = p.parse_args()\nnn.LSTM(10, 20, bidirectional=args.b)",
            False,
        ),
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('--b', type=int, default='1')\nargs = p.parse_args()\nnn.LSTM(10, 20, bidirectional=args.b)",
            True,
        ),
        ("a = {'b': True} | {'b': False}\nnn.LSTM(10, 20, bidirectional=a['b'])", False),
        ("b = False; b = not b\nnn.LSTM(10, 20, bidirectional=b)", True),
    ],
)
def test_a_switch_that_is_known(code: str, expected: bool) -> None:
    assert said(only(f"{TORCH}{code}"))["bidirectional"] is expected


@pytest.mark.parametrize(
    "code",
    [
        "c = {'h': 3}\nif q:\n  c['h'] = 5\nnn.LSTM(10, c['h'])",
        "with f() as h:\n  nn.LSTM(10, h)",
    ],
)
def test_a_size_that_is_not_certain(code: str) -> None:
    assert list(only(f"{TORCH}{code}").gaps) == ["hidden_size"]


def test_two_calls_make_two() -> None:
    assert len(found_in(f"{TORCH}def f():\n  return nn.LSTM(1, 2)\nf()\nf()")) == 2


def test_starred_arguments_that_are_not_known_are_noted() -> None:
    assert only("nn.LSTM(10, 20, *more)").notes == ("*more is not known: what it sets is not seen",)


def test_a_merge_mode_by_position() -> None:
    assert only(f"{KERAS}Bidirectional(LSTM(8), 'sum')").options == {"merge_mode": "sum"}


def test_a_merge_mode_that_keras_lacks() -> None:
    with pytest.raises(SourceError, match="no such merge_mode"):
        read_subjects({"source": "Bidirectional(LSTM(8, input_shape=(5, 4)), merge_mode='avg')"})


def test_an_option_that_is_not_known_is_noted() -> None:
    assert only(f"{KERAS}LSTM(8, return_sequences=q)").notes == (
        "return_sequences = q is not known: its default is taken",
    )


def test_layers_by_name() -> None:
    assert said(only(f"{KERAS}Sequential(layers=[Input((5, 4)), LSTM(8)])"))["input_size"] == 4


def test_a_cast_by_name() -> None:
    assert said(only("l = nn.LSTM(10, 20).double()"))["dtype"] == "float64"


def test_what_a_setting_says_is_a_flag() -> None:
    assert only(f"{TORCH}nn.LSTM(10, h)", h=3).layer["hidden_size"].origin == Origin("flag", None, "stated")


@pytest.mark.parametrize(
    ("flags", "place"),
    [
        ({"lengths": "3,2", "batch": "5"}, "--batch and --lengths"),
        ({"unbatched": True, "batch": "5"}, "--batch and --unbatched"),
    ],
)
def test_flags_that_contradict_each_other_are_both_named(flags: dict[str, Any], place: str) -> None:
    with pytest.raises(LstmcalcError) as caught:
        read_subjects({"source": "nn.LSTM(10, 20)", **flags})
    assert str(caught.value).startswith(place)


def test_a_flag_for_a_chain_is_for_its_first() -> None:
    subjects = read_subjects(
        {"source": f"{KERAS}Sequential([LSTM(8, return_sequences=True), LSTM(3)])", "input_size": "4"}
    )
    assert [subject.config.input_size for subject in subjects] == [4, 8]


def test_a_name_with_a_blank_is_quoted() -> None:
    with pytest.raises(SourceError, match='--set "c\\[0\\]\\[1\\]"=VALUE'):
        read_subjects({"source": "nn.LSTM(10, c[0][1])"})


# Time and place.


@pytest.mark.parametrize("method", ["to(d)", "map(f)"])
def test_long_chains_of_methods_take_no_time(method: str) -> None:
    code = f"x = start{f'.{method}' * 64}\ny = x + x\nnn.LSTM(1, 2)(y)"
    assert said(only(code)) == {"input_size": 1, "hidden_size": 2}


def test_what_a_loop_changes_is_what_it_is_then() -> None:
    for code in (
        "d = 10\nfor i in range(3):\n  nn.LSTM(d, 20)\n  d = 20",
        "d = 10\nwhile d < 30:\n  nn.LSTM(d, 20)\n  d += 10",
    ):
        assert [said(found)["input_size"] for found in found_in(code)][:2] == [10, 20]


def test_order_within_a_line_counts() -> None:
    first, second = found_in("h = 3; a = nn.LSTM(1, h); h = 4; b = nn.LSTM(1, h)")
    assert [said(found)["hidden_size"] for found in (first, second)] == [3, 4]


def test_branches_that_agree_settle_a_name() -> None:
    assert said(only("n = 3\nif q:\n  n = 5\nelse:\n  n = 5\nnn.LSTM(n, 4)"))["input_size"] == 5


def test_an_array_with_a_size_that_is_not_known() -> None:
    found = only(f"{TORCH}l = nn.LSTM(10, 20)\nl(torch.randn(B, 7, 10))")
    assert found.input_shape == (None, 7, 10)


@pytest.mark.parametrize("code", ["nn.LSTM(10, q[0])", "nn.LSTM(10, X.shape[1])", "nn.LSTM(10, {'a': 1}[k])"])
def test_parts_of_what_is_not_known_are_open(code: str) -> None:
    assert list(only(code).gaps) == ["hidden_size"]


def test_casts_come_last() -> None:
    assert said(only(f"{TORCH}nn.LSTM(1, 2, dtype=torch.float64).half()"))["dtype"] == "float16"
    assert said(only(f"{TORCH}l = nn.LSTM(1, 2)\nl.half()"))["dtype"] == "float16"
    assert said(only("keras.layers.LSTM(2, dtype='mixed_float16')"))["dtype"] == "float32"


def test_a_field_that_an_object_leaves_out_is_its_default() -> None:
    code = "@dataclass\nclass C:\n  h: int = 5\nc = C(h=7)\nd = C()\nnn.LSTM(d.h, c.h)"
    assert said(only(code)) == {"input_size": 5, "hidden_size": 7}


def test_self_by_another_name_and_several_targets() -> None:
    assert names("class M:\n  def __init__(this):\n    this.rnn = nn.LSTM(1, 2)") == ["rnn"]
    assert names("a, b = nn.LSTM(1, 2), nn.LSTM(3, 4)") == ["a", "b"]


def test_steps_inside_of_time_distributed_are_not_those_outside() -> None:
    found = only(f"{KERAS}TimeDistributed(LSTM(4))(Input((7, 6, 2)))")
    assert said(found) == {"hidden_size": 4, "input_size": 2, "seq_len": 6}


def test_a_shape_of_its_own_is_of_the_first_layer_only() -> None:
    long = "kernel_initializer='glorot_uniform', recurrent_initializer='orthogonal', bias_initializer='zeros', "
    assert list(only(f"{KERAS}x = Mine()(q)\nLSTM(8, {long}input_shape=(5, 6))(x)").gaps) == ["input_size"]


def test_a_wrappers_option_that_is_not_known_is_asked_for() -> None:
    with pytest.raises(SourceError, match="merge_mode is open") as caught:
        found_in(f"{KERAS}Bidirectional(LSTM(8), merge_mode=mode)")
    assert caught.value.hint == "give --set mode=VALUE"
    assert only(f"{KERAS}Bidirectional(LSTM(8), merge_mode=mode)", mode="sum").options == {"merge_mode": "sum"}


def test_what_is_hinted_at_helps() -> None:
    code = "{'LSTM': nn.LSTM, 'GRU': nn.GRU}[kind](10, 20)"
    assert only(code).uncertain == ("it is made or not, as kind says",)
    assert said(only(code, kind="LSTM")) == {"input_size": 10, "hidden_size": 20}


def test_only_a_parsers_own_namespace_has_its_arguments() -> None:
    code = "p.add_argument('--h', default=20)\ndef f(args):\n  return nn.LSTM(10, args.h)"
    assert list(only(code).gaps) == ["hidden_size"]


def test_a_block_that_is_broken_is_refused() -> None:
    with pytest.raises(SourceError, match="this is not Python code"):
        found_in("Text:\n\n```python\nx = nn.LSTM(10, 20\ny = [3\n```\n")


@pytest.mark.parametrize("level", ["INFO", "DEBUG", "WARNING", "ERROR"])
@pytest.mark.parametrize(
    "form", ["{}: {}", "{}:root:{}", "[{}] {}", "2026-01-01 12:00:00,000 - root - {} - {}", "{} {}"]
)
@pytest.mark.parametrize("printed", ["LSTM(1, 3)", "nn.LSTM(1, 3)"])
def test_the_level_of_a_log_is_no_name(level: str, form: str, printed: str) -> None:
    (found,) = read_source(form.format(level, printed), {})
    assert found.name == "lstm"
    assert {field: setting.value for field, setting in found.layer.items()}.items() >= {"hidden_size": 3}.items()
    (found,) = read_source(f"{level} = nn.LSTM(1, 3)", {})
    assert found.name == level
