"""Datasets out of the log, and corrections into it: rows in, files out, and files of other tools read back as rows.
Knows nothing of how the log is kept.
"""
