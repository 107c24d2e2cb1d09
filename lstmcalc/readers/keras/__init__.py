"""Keras' files, models and configurations."""
