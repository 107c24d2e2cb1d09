"""TensorFlow Lite models (`.tflite`): their graphs, and the LSTMs in them."""
