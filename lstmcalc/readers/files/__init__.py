"""What every weight file is made of: sections, archives, numbers, tensors; safetensors, NumPy; the kind of a file."""
