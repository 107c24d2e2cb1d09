"""Which known mistake makes of an LSTM's numbers the numbers of a port."""
