"""The one error tree. Every failure a person may meet is a StudioError with a sentence and a hint.

Rooms that own a library wrap its errors here (`raise StorageError(...) from error`), so that nothing
above them ever sees a duckdb, llama.cpp or torch exception.
"""

from __future__ import annotations


class StudioError(Exception):
    """A failure told in one sentence, with a second one that says what to do.

    `exit_code` is what the command line returns: 1 failed, 2 usage, 3 environment.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(StudioError):
    """What the person typed or passed cannot be meant: an empty correction, an unknown arm."""

    exit_code = 2


class MachineError(StudioError):
    """The machine is not as needed: no model, locked log, read-only folder, full disk."""

    exit_code = 3


class ModelError(MachineError):
    """A model file is missing, not a GGUF, truncated, or cannot chat."""


class AdapterError(MachineError):
    """An adapter file is missing, damaged, or made for another model."""


class NoReaderError(AdapterError):
    """No reader has been trained for the running model."""


class EngineError(StudioError):
    """The engine process died, hung or refused; the turn says so and the engine is restarted."""


class PromptTooLongError(StudioError):
    """The question alone does not fit into the model's context."""


class EmbedderError(StudioError):
    """The embedder process could not start or died."""


class StorageError(MachineError):
    """The log cannot be opened, read or written."""


class QueryError(UsageError):
    """A statement of the user's own that cannot be run: a mistake in it, or it would do more than read."""


class NotFoundError(UsageError):
    """An id or name that the log does not know."""


class TrainingError(StudioError):
    """A night could not start or finish; yesterday's adapter stays."""


class NightBusyError(TrainingError):
    """Another night is already running in this workspace."""


class InterruptedNightError(TrainingError):
    """A night's training process was killed; the next night goes on with it."""


class ScenarioError(UsageError):
    """A scenario or session file is wrong: names the file, the line and the field."""


class SettingsError(UsageError):
    """studio.toml or a STUDIO_ variable is wrong: names the key."""


class PullError(StudioError):
    """A model could not be fetched; what had arrived is kept where it can be used again."""


class RecordingError(MachineError):
    """A recording cannot be begun or go on: the folder is in use or cannot be written, the disk is full."""
