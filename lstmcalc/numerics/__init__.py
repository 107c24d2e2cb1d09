"""The LSTM in NumPy, PyTorch's random numbers, weights packed for a framework and unpacked again."""
