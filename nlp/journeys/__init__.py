"""Journey maps as files, and where on one an event stands: pure functions."""
