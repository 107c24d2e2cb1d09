"""Files of PyTorch: archives and modules, made of what `pickles` and `files` read."""
