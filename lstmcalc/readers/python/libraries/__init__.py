"""Libraries: which are known, and what their functions do; of the standard library, what each one gives."""
