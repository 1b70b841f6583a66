"""Attempts to break a studio on purpose. `make torture` runs the long form: every module here named `long_*`."""
