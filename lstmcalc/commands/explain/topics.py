"""The topics of explain, which a completion needs without the report."""

from typing import Final

# In reading order.
TOPICS: Final = ("equations", "states", "packing", "streaming", "dropout", "batch-first", "init", "around")
