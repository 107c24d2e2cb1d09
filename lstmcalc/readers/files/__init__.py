"""Building blocks of weight files (sections, archives, numbers, tensors), safetensors, NumPy, and a file's kind."""
