"""Correction Studio: an assistant that learns from being corrected, and a place to watch it learn."""

__version__ = "0.1.0"
