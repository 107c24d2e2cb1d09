"""frameworks: the same LSTM as other frameworks store it."""
