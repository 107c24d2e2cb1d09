"""Layers: LSTMs that are made, what is around them, and the arrays that flow through them, for each framework."""
