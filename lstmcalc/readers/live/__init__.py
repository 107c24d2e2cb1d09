"""Objects in memory: models, layers, state dicts and arrays of PyTorch, Keras, Flax, ONNX and NumPy."""
