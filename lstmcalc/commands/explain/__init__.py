"""explain: every equation with its shapes."""
