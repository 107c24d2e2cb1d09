"""Compare every prediction with numbers: drawn ones, the user's, and those of other frameworks."""
