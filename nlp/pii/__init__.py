"""Kinds of personal data in Chinese speech, and where they stand in a text."""
