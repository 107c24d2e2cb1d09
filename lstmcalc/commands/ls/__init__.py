"""ls: every tensor of a weight file."""
