"""Drains the analysis queue: whole conversations in, labels, events and visits out."""
