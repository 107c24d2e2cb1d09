"""MACs and bytes as formulas."""
