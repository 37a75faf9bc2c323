"""Training of the encoder: what it learns from, how, and the ONNX file that comes of it."""
