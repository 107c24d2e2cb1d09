"""convert: an LSTM as a file of another program, proven before it is left."""
