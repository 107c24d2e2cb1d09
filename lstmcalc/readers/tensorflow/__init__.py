"""TensorFlow: checkpoints of TensorFlow 1 and 2, SavedModels, frozen graphs, and models of TensorFlow.js."""
