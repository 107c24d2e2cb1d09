"""ONNX models: the wire format, graphs, and the LSTMs that nodes make up."""
