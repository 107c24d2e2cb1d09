"""run: every prediction checked on numbers."""
