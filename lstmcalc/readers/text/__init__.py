"""Text that describes LSTMs: places in it, TOML tables, printed models."""
