"""What is said of tensors, executed: the printed text, on NumPy arrays that answer to PyTorch's methods."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig, LSTMModel
from lstmcalc.model import claims, snippets
from lstmcalc.model.claims import Claim, claims_of
from lstmcalc.model.surroundings import extras
from lstmcalc.numerics import tracing
from lstmcalc.proof import run as verify
from lstmcalc.spec.config import Surroundings
from tools.examples import examples
from tools.strategies import configs, data
from tools.tensor_methods import namespace

STACK = LSTMConfig(3, 4, 2, bidirectional=True)
surroundings = st.builds(
    lambda head, every, embed: Surroundings(head, "all" if every and head else "last", embed),
    st.none() | st.integers(1, 4),
    st.booleans(),
    st.none() | st.integers(1, 4),
)


def failures(made: list[Claim], names: dict[str, Any]) -> list[str]:
    """The relations whose text does not hold, and the expressions whose text has another shape."""
    failed = []
    for claim in made:
        if eval(claim.snippet.text, dict(names)).shape != claim.shape:
            failed.append(claim.snippet.text)
        for relation in claim.relations:
            left, right = (eval(side.text, dict(names)) for side in (relation.left, relation.right))
            same = left.shape == right.shape and bool(np.allclose(left, right, rtol=0, atol=1e-12))
            if same != relation.equal:
                failed.append(relation.text)
    return failed


@examples(250)
@given(config=configs(), spec=data(), around=surroundings, seed=st.integers(0, 99))
def test_every_claim_holds_as_it_is_printed(
    config: LSTMConfig, spec: DataSpec, around: Surroundings, seed: int
) -> None:
    spec = DataSpec(spec.seq_len, spec.batch, spec.lengths, "float64")
    made = claims_of(LSTMModel(config), spec, around)
    assert failures(made, namespace(config, spec, around, seed)) == []
    assert all(relation.text.count(" = ") + relation.text.count(" != ") == 1 for c in made for relation in c.relations)
    assert all(
        claim.shape == tuple(size.at(symbols_of(config, spec, around)) for size in claim.symbolic) for claim in made
    )


def symbols_of(config: LSTMConfig, spec: DataSpec, around: Surroundings) -> dict[str, int]:
    return {**LSTMModel(config).data_symbols(spec), "OUT": around.head or 0, "VOCAB": around.embed or 0}


@pytest.mark.parametrize(
    ("config", "spec"),
    [
        (LSTMConfig(3, 4), {}),
        (STACK, {}),
        (STACK, {"unbatched": True}),
        (STACK, {"lengths": [2, 4, 3]}),
        (LSTMConfig(3, 4, batch_first=True, bidirectional=True), {"lengths": [2, 4, 3]}),
        (LSTMConfig(3, 4, proj_size=2), {"batch": 0}),
    ],
)
def test_every_claim_is_a_check_of_a_run(config: LSTMConfig, spec: dict[str, Any]) -> None:
    """Those about Keras are about the same expressions; what is left of them is checked too."""
    around, given_data = Surroundings(5, embed=7), DataSpec.given(**spec)
    found = verify.run(config, given_data, around=around).checks
    names = {check.name for check in found}
    proven: set[str] = set()
    for claim in claims_of(LSTMModel(config), given_data, around):
        texts = {relation.text for relation in claim.relations}
        assert texts
        assert texts <= proven or f"{claim.snippet}: {claim.says}" in names
        proven |= texts
    assert all(check.passed for check in found)


def shifted(step: int) -> Callable[..., Any]:
    honest = tracing.Trace.__call__

    def call(self: tracing.Trace, item: Any) -> None:
        honest(self, item._replace(t=item.t + step) if 0 < item.t < 4 else item)

    return call


WRONG: dict[str, tuple[Any, str, Any, str]] = {
    "another last state": (claims, "last_hidden", lambda _: snippets.at(snippets.tensor("h_n"), 0), "h_n[0] = "),
    "directions swapped": (claims, "DIRECTIONS", ("reverse", "forward"), "h_n"),
    "steps shifted": (tracing.Trace, "__call__", shifted(-1), "output"),
}


@pytest.mark.parametrize(("owner", "name", "lie", "caught"), WRONG.values(), ids=WRONG)
def test_a_wrong_claim_fails(owner: Any, name: str, lie: Any, caught: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, name, lie)
    failed = [check.name for check in verify.run(STACK, DataSpec()).checks if not check.passed]
    assert any(caught in text for text in failed), failed


@pytest.mark.parametrize(
    ("config", "spec", "said"),
    [
        (LSTMConfig(3, 4), {}, "the last step, which is the last hidden state"),
        (STACK, {}, "the last step, not the last hidden state"),
        (STACK, {"seq_len": 1}, "the last step, which is the last hidden state"),
        (LSTMConfig(3, 4), {"lengths": [3, 3]}, "the last step, which is the last hidden state"),
        (LSTMConfig(3, 4), {"lengths": [3, 2]}, "the last step, not the last hidden state"),
        (LSTMConfig(3, 4), {"lengths": [3, 3], "seq_len": 4}, "the last step, not the last hidden state"),
    ],
)
@pytest.mark.parametrize("batch_first", [False, True])
def test_what_the_last_step_is(config: LSTMConfig, spec: dict[str, Any], said: str, batch_first: bool) -> None:
    config = LSTMConfig(3, 4, config.num_layers, batch_first=batch_first, bidirectional=config.bidirectional)
    made = claims_of(LSTMModel(config), DataSpec.given(**spec), Surroundings())
    (claim,) = [claim for claim in made if claim.snippet.text == ("output[:, -1]" if batch_first else "output[-1]")]
    assert claim.says == said


def test_keras_has_no_projection_and_no_unbatched_input() -> None:
    for config, spec in ((LSTMConfig(3, 4, proj_size=2), DataSpec()), (LSTMConfig(3, 4), DataSpec(batch=None))):
        assert "keras" not in [claim.framework for claim in claims_of(LSTMModel(config), spec, Surroundings())]


@given(config=configs(), around=surroundings)
def test_extras_hold_as_many_numbers_as_their_shapes_say(config: LSTMConfig, around: Surroundings) -> None:
    for extra in extras(config, around):
        assert extra.numel == int(np.prod(extra.shape, dtype=object))


def claim_of(expression: str, config: LSTMConfig, spec: DataSpec, topic: str = "states") -> Claim:
    found = claims_of(LSTMModel(config), spec)
    (claim,) = [
        claim for claim in found if (claim.snippet.text, claim.topic, claim.framework) == (expression, topic, "pytorch")
    ]
    return claim


@pytest.mark.parametrize("bidirectional", [False, True])
def test_claims_of_an_empty_batch_hold(bidirectional: bool) -> None:
    assert all(
        check.passed for check in verify.run(LSTMConfig(3, 4, bidirectional=bidirectional), DataSpec(5, 0)).checks
    )


def test_the_last_step_is_held_against_the_last_hidden_state_too() -> None:
    hidden = "torch.cat((h_n[-2], h_n[-1]), dim=-1)"
    relations = [relation.text for relation in claim_of("output[-1]", STACK, DataSpec()).relations]
    assert relations == ["output[-1] = torch.cat((h_l1[-1], h_l1_reverse[-1]), dim=-1)", f"output[-1] != {hidden}"]


def test_views_are_proven_for_the_first_and_the_last_layer() -> None:
    config = LSTMConfig(3, 4, 3)
    split = "h_n.view(num_layers, D, N, H_out)"
    assert [relation.text for relation in claim_of(split, config, DataSpec()).relations] == [
        f"{split}[0, 0] = h_n[0]",
        "h_n[0] = h_l0[-1]",
        f"{split}[2, 0] = h_n[2]",
        "h_n[2] = h_l2[-1]",
    ]


def test_of_a_long_packed_batch_eight_steps_from_either_end_are_proven() -> None:
    spec = DataSpec.given(lengths=[20, 1])
    relations = claim_of("packed.data", LSTMConfig(3, 4), spec, "packing").relations
    assert [relation.right.text for relation in relations] == [
        "input[0, [0, 1]]",
        *(f"input[{step}, [0]]" for step in (*range(1, 8), *range(12, 20))),
    ]
    assert [relation.left.text for relation in relations[:2]] == ["packed.data[0:2]", "packed.data[2:3]"]


def test_what_keras_adds_is_named_by_direction() -> None:
    said = [claim.says for claim in claims_of(LSTMModel(STACK), DataSpec()) if "adds" in claim.says]
    assert said == [
        f"Keras return_state=True adds {name}, {direction}" for direction in ("forward", "reverse") for name in "hc"
    ]


def test_behind_a_sequence_keras_is_pytorch_only_if_it_reads_both_ways() -> None:
    for config, said in ((LSTMConfig(3, 4), False), (STACK, True)):
        made = claims_of(LSTMModel(config), DataSpec.given(lengths=[3, 2]))
        assert ("Keras return_sequences=True" in [claim.says for claim in made]) is said
