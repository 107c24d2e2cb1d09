"""sweep: every combination of sizes."""
