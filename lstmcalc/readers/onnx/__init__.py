"""ONNX models: the wire format, graphs, constants, and the LSTMs in their nodes."""
