"""The base encoder: multilingual-e5-small out of a package, pruned to Chinese."""
