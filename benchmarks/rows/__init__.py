"""The rows of the table, a module each: `rows(budget_s)` takes about that many seconds and returns them."""

from __future__ import annotations

BUDGETS_S = {
    "decode": 30.0,
    "five_arms": 80.0,
    "turn_twenty": 40.0,
    "correction_added": 50.0,
    "probes_reasked": 100.0,
    "retrieval_speed": 20.0,
    "correction_saved": 40.0,
    "first_paint": 25.0,
    "first_token": 25.0,
    "memory": 30.0,
    "million_answers": 60.0,
    "training_speed": 110.0,
    "whole_night": 220.0,
}
"""Seconds, by module, in the order of the table: under a quarter of an hour in all, on two quiet cores."""
