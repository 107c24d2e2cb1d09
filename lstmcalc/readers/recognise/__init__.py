"""Which LSTMs the names and shapes of tensors are."""
