"""How frameworks store, construct and convert an LSTM: a file of facts for each family, and what follows from them."""
