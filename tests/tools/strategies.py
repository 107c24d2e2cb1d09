"""LSTMs and data of every kind, small; and whatever JSON can hold, with the same in TOML."""

import json
from typing import Any

from hypothesis import strategies as st

from lstmcalc import DataSpec, LSTMConfig


@st.composite
def configs(draw: st.DrawFn) -> LSTMConfig:
    hidden = draw(st.integers(1, 50))
    return LSTMConfig(
        draw(st.integers(1, 50)),
        hidden,
        draw(st.integers(1, 5)),
        bias=draw(st.booleans()),
        batch_first=draw(st.booleans()),
        bidirectional=draw(st.booleans()),
        proj_size=draw(st.integers(0, hidden - 1)),
    )


@st.composite
def data(draw: st.DrawFn) -> DataSpec:
    seq_len = draw(st.integers(1, 6))
    batch = draw(st.none() | st.integers(0, 5))
    lengths = None
    if batch and draw(st.booleans()):
        lengths = tuple(draw(st.lists(st.integers(1, seq_len), min_size=batch, max_size=batch)))
    return DataSpec(seq_len, batch, lengths)


keys = st.text(st.sampled_from('ab"\\.#=[]{} \n\té'), min_size=1, max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


def as_toml(tree: dict[str, Any]) -> str:
    """A table of TOML, in many ways to write one."""
    return "".join(f"{json.dumps(key)} = {in_toml(value)} # a = 1\n" for key, value in tree.items())


def in_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {in_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ",\n".join(map(in_toml, value)) + "]"
    if isinstance(value, str) and "'" not in value and value.isprintable():
        return f"'''\n{value}'''" if value else "''"
    return "0" if value is None else json.dumps(value)
