"""Storage, construction and conversion of an LSTM in each framework: facts by family, and what follows from them."""
