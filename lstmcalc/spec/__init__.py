"""The specification of an LSTM: settings and their origins, data, symbols, and the algebra of sizes."""
