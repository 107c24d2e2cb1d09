"""Files of PyTorch: archives, tensors and modules, built on `files` and `pickles`."""
