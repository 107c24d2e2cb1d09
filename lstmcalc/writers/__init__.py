"""An LSTM with its numbers, as a file that another program loads."""
