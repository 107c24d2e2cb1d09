"""The known mistakes, and the search for those that make of an LSTM's numbers the numbers of a port."""
