"""Measurements of the studio's parts. `python -m benchmarks` runs them all."""
