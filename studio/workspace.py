"""Where things are: the three folders of the current workspace, and the files the studio keeps in them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from studio.errors import MachineError

_CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with `local_models/`, `sessions/` and `themes/`, private to the user (0700)."""

    root: Path

    @property
    def local_models(self) -> Path:
        return self.root / "local_models"

    @property
    def pulled(self) -> Path:
        """Model files the studio fetched; what it deletes lies here."""
        return self.local_models / "pulled"

    @property
    def model_records(self) -> Path:
        """One file for each model that was pulled or added."""
        return self.local_models / "records"

    @property
    def catalogue(self) -> Path:
        """The user's own, beside the one that ships; in a checkout it is that one."""
        return self.local_models / "catalogue.toml"

    @property
    def adapters(self) -> Path:
        return self.local_models / "adapters"

    @property
    def readers(self) -> Path:
        """One folder per model, named by the first twelve hex digits of its SHA-256."""
        return self.local_models / "readers"

    @property
    def prompt_forms(self) -> Path:
        """What each model was measured to read best; one file per model, named as a reader's folder is."""
        return self.local_models / "prompt_forms"

    @property
    def sessions(self) -> Path:
        return self.root / "sessions"

    @property
    def log_file(self) -> Path:
        return self.sessions / "studio.duckdb"

    @property
    def nights(self) -> Path:
        """One folder per night: snapshot, checkpoints, progress, logs."""
        return self.sessions / "nights"

    @property
    def diagnostics(self) -> Path:
        """Rotating logs of the app and its child processes; never the user's words."""
        return self.sessions / "diagnostics"

    @property
    def kept_answers(self) -> Path:
        """Answers to probes, kept so that a repeat is cheap; may be deleted at any time."""
        return self.sessions / "kept-answers"

    @property
    def kept_nights(self) -> Path:
        """Adapters that nights of scenarios trained, kept so that a repeat is cheap; may be deleted at any time."""
        return self.sessions / "kept-nights"

    @property
    def backups(self) -> Path:
        """Copies of the log, and damaged logs that were set aside."""
        return self.sessions / "backups"

    @property
    def set_aside(self) -> Path:
        """What a repair took out of the way: the studio looks for nothing here, and deletes nothing of it."""
        return self.sessions / "set-aside"

    @property
    def scratch(self) -> Path:
        """What is there only while somebody works with it; what a killed process left is swept by the next one."""
        return self.sessions / "scratch"

    @property
    def serve_token(self) -> Path:
        """The secret that other programs show to `studio serve`."""
        return self.sessions / "serve-token"

    @property
    def themes(self) -> Path:
        return self.root / "themes"

    @property
    def settings_file(self) -> Path:
        return self.root / "studio.toml"

    @property
    def interactive_lock(self) -> Path:
        """Held (flock, shared) by whoever answers the user right now; nights stand still meanwhile."""
        return self.sessions / "interactive.lock"

    @property
    def night_lock(self) -> Path:
        """Held (flock, exclusive) by the one running night."""
        return self.sessions / "night.lock"

    def open_to_others(self) -> list[Path]:
        """What the studio keeps of the user and somebody else on the machine may read or write."""
        # Folders that a checkout brings are as it brings them; what holds the user's words lies beneath.
        kept = (self.log_file, self.backups, self.nights, self.diagnostics, self.kept_answers, self.adapters)
        return [path for path in kept if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]

    def ensure(self) -> Workspace:
        """Make the folders. Raises MachineError where that is not allowed."""
        try:
            for folder in (
                self.root,
                self.local_models,
                self.adapters,
                self.sessions,
                self.nights,
                self.diagnostics,
                self.scratch,
                self.themes,
            ):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(self.sessions, os.W_OK):
                raise PermissionError(13, "read-only", str(self.sessions))
        except OSError as error:
            raise MachineError(
                f"The workspace {self.root} cannot be written ({error.strerror}).",
                "Choose another with --workspace DIR or STUDIO_WORKSPACE.",
            ) from error
        return self


def find_workspace(chosen: Path | None = None) -> Workspace:
    """The workspace to use: the chosen one, STUDIO_WORKSPACE, the checkout this runs from, or the user data folder.

    Raises MachineError where there can be no folder of that name.
    """
    if chosen is None and (from_environment := os.environ.get("STUDIO_WORKSPACE")):
        chosen = Path(from_environment)
    if chosen is not None:
        return Workspace(_as_folder(chosen))
    if (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "sessions").is_dir():
        return Workspace(_CHECKOUT)
    return Workspace(Path(platformdirs.user_data_dir("correction-studio", appauthor=False)))


def _as_folder(chosen: Path) -> Path:
    """The whole path of what was chosen; it need not be there yet."""
    other = "Choose another with --workspace DIR or STUDIO_WORKSPACE."
    try:
        whole = chosen.expanduser().resolve()
        if whole.exists() and not whole.is_dir():
            raise MachineError(f"The workspace {whole} is a file, not a folder.", other)
    except (OSError, RuntimeError) as error:  # no such user (~name), no current folder, too long a name
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error).rstrip(".")
        raise MachineError(f"The workspace {chosen} cannot be found ({reason}).", other) from error
    return whole
