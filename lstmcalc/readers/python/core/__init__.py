"""The machine: statements, expressions, calls and classes of Python over values that may be unknown; no library."""
