"""Python code, of which nothing is run: the constructions of LSTMs in it."""
