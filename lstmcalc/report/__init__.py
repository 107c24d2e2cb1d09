"""Blocks, provenance and the renderers: table, Markdown, CSV, JSON. It knows no command."""
