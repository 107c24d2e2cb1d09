"""What a program made, once it was run: its LSTMs and models with their names, as the records of every reader."""
