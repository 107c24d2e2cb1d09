"""shapes: every tensor in and out."""
