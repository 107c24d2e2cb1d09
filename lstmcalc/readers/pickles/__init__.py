"""Pickles, whose opcodes are interpreted to inert records; nothing is imported or called."""
