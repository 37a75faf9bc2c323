"""Measurements: one command per figure, beside a peer or the physical limit in the same run."""
