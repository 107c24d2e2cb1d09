"""What was asked for: settings, data, symbols, the algebra of sizes, and where a setting came from."""
