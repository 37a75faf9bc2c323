"""What staff promise, by when, and what becomes of it: pure functions."""
