"""Datasets out of the log: rows in, files out. Knows nothing of how the log is kept."""
