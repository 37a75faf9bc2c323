"""Journey maps, where on them an event happened, and the visits that customers made."""
