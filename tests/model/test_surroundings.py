"""A head behind the LSTM and an embedding before it, in every command."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstmcalc import DataSpec, LSTMConfig, LSTMModel
from lstmcalc.errors import ConfigError
from lstmcalc.model.surroundings import around_symbols, extras, tensors_around
from lstmcalc.proof import run as verify
from lstmcalc.spec.config import Surroundings
from tools.documents import module, module_of
from tools.shell import Ran

Cli = Callable[..., Ran]
MNIST = "nn.LSTM(28, 100, batch_first=True)"


def test_the_classifier_of_the_tutorials(cli: Cli) -> None:
    found = module(cli("params", MNIST, "--head", "10", "--json"))
    assert (found["total"], found["grand_total"], found["grand_total_bytes"]) == (52_000, 53_010, 4 * 53_010)
    assert found["extras"] == [
        {"name": "head.weight", "part": "head", "symbolic": ["OUT", "D*H_out"], "shape": [10, 100], "count": 1000},
        {"name": "head.bias", "part": "head", "symbolic": ["OUT"], "shape": [10], "count": 10},
    ]
    assert found["head_reads"] == "h_n[-1]"
    assert found["around"] == {"head": 10, "head_on": "last", "embed": None}
    assert eval(found["grand_total_symbolic"], {}, found["symbols"]) == 53_010
    assert found["provenance"]["head"] == {"from": "flag", "where": None, "certainty": "stated"}


def test_an_embedding(cli: Cli) -> None:
    found = module(cli("params", "--embed", "5000", "--input", "32", "--json"))
    (extra,) = found["extras"]
    assert (extra["name"], extra["symbolic"], extra["shape"], extra["count"]) == (
        "embedding.weight",
        ["VOCAB", "H_in"],
        [5000, 32],
        160_000,
    )
    assert found["head_reads"] is None
    assert found["grand_total"] == found["total"] + 160_000


@pytest.mark.parametrize(
    ("arguments", "last", "every", "tokens"),
    [
        ((), ["N", "OUT"], ["L", "N", "OUT"], ["L", "N"]),
        (("--batch-first",), ["N", "OUT"], ["N", "L", "OUT"], ["N", "L"]),
        (("--unbatched",), ["OUT"], ["L", "OUT"], ["L"]),
        (("--unbatched", "--batch-first"), ["OUT"], ["L", "OUT"], ["L"]),
        (("--lengths", "3,5,2", "--bi"), ["N", "OUT"], ["L", "N", "OUT"], ["L", "N"]),
    ],
)
def test_logits_and_tokens_in_every_layout(
    cli: Cli, arguments: tuple[str, ...], last: list[str], every: list[str], tokens: list[str]
) -> None:
    around = ("--head", "7", "--embed", "9", *arguments, "--json")
    for more, symbolic in (((), last), (("--head-on", "all"), every)):
        found = module_of(cli("shapes", *around, *more))
        by_name = {tensor["name"]: tensor for tensor in found["tensors"]}
        assert next(iter(by_name)) == "tokens"
        assert list(by_name)[-1] == "logits"
        assert by_name["logits"]["symbolic"] == symbolic
        assert by_name["logits"]["shape"] == [found["symbols"][name] for name in symbolic]
        assert by_name["tokens"]["symbolic"] == tokens
        assert by_name["tokens"]["bytes"] == 8 * int(np.prod(by_name["tokens"]["shape"]))
        ran = module_of(cli("run", *around, *more))
        assert ran["passed"]
        computed = {check["name"]: check["actual"] for check in ran["checks"]}
        assert computed["shape of logits"] == by_name["logits"]["shape"]


@pytest.mark.parametrize(
    ("config", "around", "reads"),
    [
        (LSTMConfig(3, 4), Surroundings(5), lambda out: out["h_n"][-1]),
        (
            LSTMConfig(3, 4, 2, bidirectional=True),
            Surroundings(5),
            lambda out: np.concatenate([out["h_n"][2], out["h_n"][3]], axis=-1),
        ),
        (LSTMConfig(3, 4, bidirectional=True, proj_size=2), Surroundings(5, "all"), lambda out: out["output"]),
    ],
)
def test_what_a_run_computes(config: LSTMConfig, around: Surroundings, reads: Callable[..., Any]) -> None:
    result = verify.run(config, DataSpec(4, 3, dtype="float64"), around=around)
    weight, bias = result.around["head.weight"], result.around["head.bias"]
    np.testing.assert_allclose(result.outputs["logits"], reads(result.outputs) @ weight.T + bias, atol=1e-14)
    assert np.abs(weight).max() <= weight.shape[1] ** -0.5


def test_a_run_reads_what_the_embedding_gives() -> None:
    result = verify.run(LSTMConfig(3, 4), DataSpec(4, 2), around=Surroundings(embed=6))
    assert result.inputs["tokens"].min() >= 0
    assert result.inputs["tokens"].max() < 6
    assert np.array_equal(result.inputs["input"], result.around["embedding.weight"][result.inputs["tokens"]])
    assert result.passed


def test_layers_around_are_drawn_where_a_script_makes_them() -> None:
    """An Embedding, the LSTM, a Linear, then the data: a head changes no weight of the LSTM, but what goes in."""
    plain = verify.run(LSTMConfig(3, 4), DataSpec(), seed=3)
    headed = verify.run(LSTMConfig(3, 4), DataSpec(), seed=3, around=Surroundings(5))
    embedded = verify.run(LSTMConfig(3, 4), DataSpec(), seed=3, around=Surroundings(embed=6))
    for name, array in plain.weights.items():
        assert np.array_equal(array, headed.weights[name])
        assert not np.array_equal(array, embedded.weights[name])
    assert not np.array_equal(plain.inputs["input"], headed.inputs["input"])


def test_a_saved_run_has_them_too(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    assert cli("run", "--head", "3", "--embed", "7", "--save", str(path)).code == 0
    with np.load(path) as saved:
        assert {"head.weight", "head.bias", "embedding.weight", "tokens", "logits"} <= set(saved.files)
        assert saved["tokens"].dtype == np.int64


@pytest.mark.parametrize(
    ("framework", "names"),
    [
        ("pytorch-cell", ["embedding.weight", "head.weight", "head.bias"]),
        ("keras", ["embedding/embeddings", "dense/kernel", "dense/bias"]),
        ("keras2", ["embedding/embeddings:0", "dense/kernel:0", "dense/bias:0"]),
        ("flax-linen", ["params/embedding/embedding", "params/head/kernel", "params/head/bias"]),
        ("flax-nnx", ["embedding.embedding", "head.kernel", "head.bias"]),
    ],
)
def test_what_other_frameworks_store_of_them(cli: Cli, framework: str, names: list[str]) -> None:
    ours = extras(LSTMConfig(3, 4, bidirectional=True), Surroundings(5, embed=6))
    theirs = extras(LSTMConfig(3, 4, bidirectional=True), Surroundings(5, embed=6), framework)
    assert [extra.name for extra in theirs] == names
    assert [extra.numel for extra in theirs] == [extra.numel for extra in ours]
    found = module(cli("params", "--framework", framework, "--head", "5", "--embed", "6", "--json"))
    assert found["grand_total"] == found["total"] + sum(extra["count"] for extra in found["extras"])
    assert [extra["name"] for extra in found["extras"]] == names


def test_the_output_layer_of_the_book() -> None:
    rows = extras(LSTMConfig(10, 20, 2, bidirectional=True), Surroundings(28), "d2l")
    assert [(row.name, row.shape, row.numel) for row in rows] == [("W_hq", (40, 28), 1120), ("b_q", (28,), 28)]


@pytest.mark.parametrize(
    ("framework", "axes"),
    [("keras", ["N", "OUT"]), ("flax-linen", ["N", "OUT"]), ("pytorch-cell", ["N", "OUT"])],
)
def test_logits_of_other_frameworks(cli: Cli, framework: str, axes: list[str]) -> None:
    found = module(cli("shapes", "--framework", framework, "--head", "5", "--json"))
    assert found["tensors"][-1]["symbolic"] == axes
    assert found["tensors"][-1]["shape"] == [3, 5]


def test_the_outputs_of_the_head_of_the_book(cli: Cli) -> None:
    # d2l-en: RNNLMScratch stacks the outputs of its head on axis 1; lstm of edition 0.17 returns torch.cat of them.
    def outputs(*flags: str) -> list[tuple[str, list[str], list[int], str | None]]:
        found = module(cli("shapes", "--framework", "d2l", "--head", "28", *flags, "--json"))["tensors"]
        return [(row["name"], row["symbolic"], row["shape"], row["when"]) for row in found if "OUT" in row["symbolic"]]

    joined = ("outputs", ["L*N", "OUT"], [15, 28], "the function lstm of edition 0.17, which has the head in it")
    assert outputs("--head-on", "all") == [("logits", ["N", "L", "OUT"], [3, 5, 28], None), joined]
    assert outputs() == [("logits", ["N", "OUT"], [3, 28], None), joined]


@pytest.mark.parametrize("command", ["params", "shapes"])
def test_what_is_not_known_of_a_framework_is_refused_by_name(cli: Cli, command: str) -> None:
    ran = cli(command, "--framework", "paddle", "--head", "5")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(
        "error: --head and --framework paddle: what PaddlePaddle stores of a head is not known\n"
        "  expected a framework: one of pytorch, pytorch-cell, keras, keras2, keras-cudnn, flax-linen, flax-nnx, "
    )
    alone = cli(command, "--framework", "d2l", "--embed", "5").err
    assert alone.startswith("error: --embed and --framework d2l: what Dive into Deep Learning stores of an embedding ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--head", "0"), "--head: head is out of range\n  expected head >= 1, found 0"),
        (("--head", "-1"), "--head: head is out of range\n  expected head >= 1, found -1"),
        (("--head", "ten"), "--head: head is not an integer\n  expected head >= 1, found 'ten'"),
        (("--embed", "2.5"), "--embed: embed is not an integer\n  expected embed >= 1, found '2.5'"),
        (
            ("--head-on", "all"),
            (
                "--head-on: there is no head to put on all steps\n  expected a head with its number of outputs, "
                "found head_on = all\n  hint: --head 10 adds one with 10 outputs"
            ),
        ),
        (
            ("--head", "3", "--head-on", "every"),
            "--head-on: invalid choice\n  expected one of last, all, found 'every'",
        ),
    ],
)
@pytest.mark.parametrize("command", ["shapes", "params", "explain", "run"])
def test_bad_input_in_exact_words(cli: Cli, command: str, arguments: tuple[str, ...], message: str) -> None:
    assert cli(command, *arguments) == Ran(2, "", f"error: {message}\n")


def test_surroundings_are_validated() -> None:
    assert Surroundings(np.int64(3)).head == 3  # type: ignore[arg-type]
    assert type(Surroundings(np.int64(3)).head) is int  # type: ignore[arg-type]
    for wrong in ({"head": True}, {"head": 2**63}, {"head_on": "some", "head": 3}, {"embed": 0}):
        with pytest.raises(ConfigError):
            Surroundings(**wrong)
    assert around_symbols(Surroundings(3, embed=4)) == {"OUT": 3, "VOCAB": 4}


def test_toml_has_a_table_for_it(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "lstm.toml"
    path.write_text('[lstm]\ninput_size = 3\nhidden_size = 4\n\n[around]\nhead = 10\nhead_on = "all"\nembed = 50\n')
    found = module(cli("params", str(path), "--json"))
    assert found["around"] == {"head": 10, "head_on": "all", "embed": 50}
    assert found["provenance"]["head"]["where"] == f"{path}:6"
    assert module(cli("params", str(path), "--head", "3", "--json"))["around"]["head"] == 3
    refused = cli("params", str(path), "--framework", "paddle").err
    assert refused.startswith(f"error: {path}:8: what PaddlePaddle stores of an embedding is not known\n")
    path.write_text("[lstm]\ninput_size = 3\nhidden_size = 4\nhead = 10\n")
    assert "hint: head belongs in [around]" in cli("params", str(path)).err


def test_a_report_can_be_read_again(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(cli("shapes", "--head", "10", "--embed", "50", "--json").out)
    again = module(cli("params", str(path), "--json"))
    assert again["around"] == {"head": 10, "head_on": "last", "embed": 50}
    path.write_text(cli("shapes", "--json").out)
    assert module(cli("params", str(path), "--json"))["around"] == {"head": None, "head_on": None, "embed": None}


def test_a_note_says_what_stands_behind_a_sequence(cli: Cli) -> None:
    assert (
        "behind a sequence output is 0, and logits are the head's bias"
        in cli("shapes", "--lengths", "3,2", "--head", "4", "--head-on", "all").err
    )
    assert cli("shapes", "--lengths", "3,2", "--head", "4").err == ""
    lengths = DataSpec.given(lengths=[3, 2])
    result = verify.run(LSTMConfig(3, 4), lengths, around=Surroundings(5, "all"))
    assert np.array_equal(result.outputs["logits"][2, 1], result.around["head.bias"])


def test_several_lstms_have_a_head_each(cli: Cli) -> None:
    two = "a = nn.LSTM(3, 4); b = nn.LSTM(4, 5)"
    note = "note: each of these LSTMs has its own head and embedding; --module NAME picks one\n"
    assert cli("params", two, "--head", "2").err == note
    assert cli("params", two).err == cli("params", two, "--head", "2", "--module", "b").err == ""


@pytest.mark.parametrize(
    ("every", "head_on", "words"),
    [
        (
            "True",
            "last",
            "with return_sequences=True the layer returns every step: the head is put on the last of them",
        ),
        ("False", "all", "with return_sequences=False the layer returns the last step only: for a head on all of them"),
        ("True", "all", ""),
        ("False", "last", ""),
    ],
)
def test_what_a_layer_of_keras_returns_and_what_its_head_reads(cli: Cli, every: str, head_on: str, words: str) -> None:
    source = f"keras.layers.LSTM(8, return_sequences={every}, input_shape=(5, 4))"
    err = cli("shapes", source, "--head", "2", "--head-on", head_on).err
    assert words in err
    assert bool(words) is ("return_sequences" in err)


def test_tokens_are_as_wide_as_the_framework_has_them(cli: Cli) -> None:
    sizes = {}
    for framework in ("pytorch", "pytorch-cell", "keras", "flax-linen"):
        tensor = module(cli("shapes", "--framework", framework, "--embed", "9", "--json"))["tensors"][0]
        sizes[framework] = tensor["bytes"] // int(np.prod(tensor["shape"]))
    assert sizes == {"pytorch": 8, "pytorch-cell": 8, "keras": 4, "flax-linen": 4}


def test_tensors_around_of_any_size() -> None:
    before, behind = tensors_around(LSTMConfig(3, 4), DataSpec(10**12, 10**9), Surroundings(10**15, "all", 10**15))
    assert (before[0].shape, behind[0].shape) == ((10**12, 10**9), (10**12, 10**9, 10**15))
    assert LSTMModel(LSTMConfig(3, 4)).num_parameters < sum(
        extra.numel for extra in extras(LSTMConfig(3, 4), Surroundings(10**15))
    )


def test_tokens_go_in_and_logits_come_out(cli: Cli) -> None:
    tensors = module(cli("shapes", "--head", "3", "--embed", "7", "--json"))["tensors"]
    assert [(row["name"], row["role"]) for row in (tensors[0], tensors[-1])] == [
        ("tokens", "input"),
        ("logits", "output"),
    ]


def test_a_refusal_names_a_framework_that_knows(cli: Cli) -> None:
    assert cli("params", "--framework", "paddle", "--head", "5").err.endswith(
        "\n  hint: --framework pytorch shows it: as many numbers are stored everywhere\n"
    )


@pytest.mark.parametrize(
    ("framework", "shapes"),
    [
        ("pytorch", [(6, 3), (5, 8), (5,)]),
        ("keras", [(6, 3), (8, 5), (5,)]),
        ("flax-linen", [(6, 3), (8, 5), (5,)]),
        ("flax-nnx", [(6, 3), (8, 5), (5,)]),
    ],
)
def test_how_a_head_lies_in_each_framework(framework: str, shapes: list[tuple[int, ...]]) -> None:
    rows = extras(LSTMConfig(3, 4, bidirectional=True), Surroundings(5, embed=6), framework)
    assert [row.shape for row in rows] == shapes


def test_a_refusal_names_the_flags_in_the_order_of_the_help(cli: Cli) -> None:
    ran = cli("params", "--framework", "paddle", "--embed", "7", "--head", "5")
    assert ran.err.startswith("error: --head and --embed and --framework paddle: ")


def test_a_refusal_of_toml_shows_a_value_of_the_setting(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "lstm.toml"
    path.write_text('[lstm]\ninput_size = 3\nhidden_size = 4\n[around]\nhead = 3\nhead_on = ["all"]\n')
    assert 'expected one value, as "last"' in cli("params", str(path)).err
