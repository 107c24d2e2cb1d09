"""params: every weight and bias."""
