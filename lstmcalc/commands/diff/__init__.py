"""diff: does a weight file fit an LSTM, and if not, why."""
