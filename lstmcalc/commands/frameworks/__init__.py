"""frameworks: how others store the same LSTM."""
