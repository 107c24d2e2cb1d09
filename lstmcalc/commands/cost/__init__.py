"""cost: MACs, FLOPs and memory."""
