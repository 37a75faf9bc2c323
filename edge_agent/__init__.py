"""The device beside the people: hears, writes down on the spot, and sends only text."""

import os

# ONNX Runtime from 1.29 on reports each process to its maker (a DNS query, an upload, a device id on disk) unless this
# is set before it is loaded: microsoft/onnxruntime#27379. A device talks to its own server and to nobody else.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
