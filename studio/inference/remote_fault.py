"""Why a server did not answer."""

from __future__ import annotations


class RemoteFault(Exception):  # noqa: N818 - it is told to whoever asked, and seldom an error of the studio's
    """In words, with what to do. `passing`: another try may do, not before `after_s`. `status` is HTTP's, or 0."""

    def __init__(
        self, message: str, hint: str = "", *, status: int = 0, passing: bool = False, after_s: float = 0.0
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
        self.passing = passing
        self.after_s = after_s
