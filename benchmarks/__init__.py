"""Measurements: `python -m benchmarks` prints the table of what a user waits for, with a NAME that study."""
