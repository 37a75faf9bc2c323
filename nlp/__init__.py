"""Chinese text: normalisation, redaction, understanding."""
