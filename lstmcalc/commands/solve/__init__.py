"""solve: the largest LSTM within a budget."""
