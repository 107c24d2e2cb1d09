"""Recognition of LSTMs by the names and shapes of tensors."""
