"""The LSTM in NumPy, PyTorch's random numbers, and weights packed for a framework and unpacked again."""
