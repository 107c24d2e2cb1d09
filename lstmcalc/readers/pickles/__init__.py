"""Pickles, whose opcodes are interpreted as inert records; nothing is imported or called."""
