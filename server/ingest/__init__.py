"""Ingest: signed batches in, a verdict per record out."""
