"""Text that programs print and people paste: lists of names and shapes, summaries, errors; to the LSTMs in it."""
