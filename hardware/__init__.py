"""Microphones and media files as audio frames."""
