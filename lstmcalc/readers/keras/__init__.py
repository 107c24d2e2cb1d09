"""Files, models and configurations of Keras."""
