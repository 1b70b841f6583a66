"""The one place that chooses concrete classes: wires a Studio for a workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from studio.inference.engine_client import LlamaEngine
from studio.lessons.embedder import MiniLmEmbedder
from studio.models.discovery import find_model, passed_over
from studio.services.kept_completions import KeptCompletions
from studio.services.studio import Studio
from studio.settings import RemoteSettings, Settings, load_settings
from studio.storage import DuckDbLog
from studio.workspace import Workspace


def build_studio(workspace: Workspace, *, yields_to_user: bool = False, **overrides: Any) -> Studio:
    """Wire llama.cpp, MiniLM and DuckDB. Nothing heavy is loaded before it is used, the log neither made nor opened.

    `yields_to_user`: this studio computes in the background (a night) and must not hold the lock that makes nights
    stand still. Raises SettingsError, ModelError, MachineError.
    """
    workspace.ensure()
    settings = load_settings(workspace.settings_file, **overrides)
    remote = settings.remote
    if remote.base_url and yields_to_user and remote.same_as is not None:
        # A night trains and judges the server's model here, on the file that both run.
        settings = replace(settings, remote=RemoteSettings(), model=replace(settings.model, path=remote.same_as))
    elif remote.base_url:
        return _remote_studio(workspace, settings)
    return Studio(
        settings=settings,
        workspace=workspace,
        log=DuckDbLog.of(workspace),
        engine=LlamaEngine(workspace.diagnostics, None if yields_to_user else workspace.interactive_lock),
        embedder=MiniLmEmbedder(workspace.diagnostics),
        model_path=find_model(settings.model.path, workspace.local_models),
        completions=KeptCompletions(workspace.kept_answers, _shipped("local_models", "frozen_answers")),
        reader_folders=(workspace.readers, _shipped("local_models", "readers")),
        catalogues=catalogues(workspace),
        passed_over=passed_over(settings.model.path, workspace.local_models),
    )


def _remote_studio(workspace: Workspace, settings: Settings) -> Studio:
    """A studio that a server answers. Of what the server says nothing is kept on disk but the log."""
    from studio.inference.remote_access import RemoteAccess, read_key
    from studio.inference.remote_engine import RemoteEngine

    remote = settings.remote
    same_as = find_model(remote.same_as, workspace.local_models) if remote.same_as else None
    access = RemoteAccess(
        base_url=remote.base_url,
        model=remote.model,
        key=read_key(remote.key_variable, remote.key_file, os.environ),
        key_from=f"the variable {remote.key_variable}" + (f" and {remote.key_file}" if remote.key_file else ""),
        same_as=same_as,
        adapters=remote.adapters,
        parallel=remote.parallel,
        silence_s=remote.silence_s,
        answer_s=remote.answer_s,
    )
    return Studio(
        settings=settings,
        workspace=workspace,
        log=DuckDbLog.of(workspace),
        engine=RemoteEngine(access, workspace.diagnostics / "model_hashes.json"),
        embedder=MiniLmEmbedder(workspace.diagnostics),
        model_path=same_as,
        completions=KeptCompletions(None),
        reader_folders=(workspace.readers, _shipped("local_models", "readers")),
        catalogues=catalogues(workspace),
        server=remote.base_url,
    )


def build_throwaway(folder: Path, origin: Studio, *, repeats_nights: bool = True) -> Studio:
    """A studio over an empty log in `folder`, with the settings, model, engine and embedder of another.

    For scenarios and demonstrations: whatever happens there leaves the user's own log alone. What was computed by the
    shared processes is shared with it; also, without `repeats_nights`, what nights of other throw-away studios trained.
    """
    from studio.services.kept_nights import KeptNights

    workspace = Workspace(folder).ensure()
    # The shared engine holds the other's lock while it answers the user: nights in here stand still for that one.
    workspace.interactive_lock.symlink_to(origin.workspace.interactive_lock.absolute())
    return Studio(
        settings=origin.settings,
        workspace=workspace,
        log=DuckDbLog.of(workspace),
        engine=origin.engine,
        embedder=origin.embedder,
        model_path=origin.model_path,
        question_vectors=origin.question_vectors,
        completions=origin.completions,
        reader_folders=origin.reader_folders,
        forms_folder=origin.forms_folder or origin.workspace.prompt_forms,
        catalogues=origin.catalogues,
        server=origin.server,
        shares_engine=True,
        kept_nights=None if repeats_nights else KeptNights(origin.workspace.kept_nights),
        token_counts=origin.token_counts,
    )


def catalogues(workspace: Workspace) -> tuple[Path, ...]:
    """The models that are worth pulling: the list that ships, then the user's own."""
    return (_shipped("local_models") / "catalogue.toml", workspace.catalogue)


def starter_session() -> Path:
    """The session that ships."""
    return _shipped("sessions", "starter")


def _shipped(*parts: str) -> Path:
    """A folder that ships: inside the package where it was installed as a wheel, at the top of a checkout."""
    package = Path(__file__).resolve().parent
    shipped = package.joinpath("_shipped", *parts)
    return shipped if shipped.is_dir() else package.parent.joinpath(*parts)
