"""Conversations as people and programs read them: utterances, labels, coverage, events."""
