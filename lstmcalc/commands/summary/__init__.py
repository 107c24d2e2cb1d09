"""summary: what is in a source, on one screen."""
