"""Files that other programs load: an LSTM with its numbers."""
