"""Checks: judging an answer against one, and deriving one from the user's edit."""

from studio.evaluation.edit_check import check_from_edit
from studio.evaluation.judging import judge, pattern_fault

__all__ = ["check_from_edit", "judge", "pattern_fault"]
