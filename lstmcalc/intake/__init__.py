"""Flags and sources to the LSTMs to report on: which setting wins."""
