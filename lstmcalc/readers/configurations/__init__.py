"""Configurations of programs: their values with places, the LSTMs that they describe, and values of names in code."""
