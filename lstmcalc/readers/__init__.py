"""Whatever a user can point at, to the LSTMs found in it; nothing is run."""
