"""The LSTMs to report on, from flags and sources, and the setting that wins."""
