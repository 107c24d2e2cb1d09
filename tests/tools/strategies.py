"""LSTMs and data of every kind, small."""

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
