"""Blocks, provenance and the renderers: table, Markdown, CSV, JSON; independent of the commands."""
