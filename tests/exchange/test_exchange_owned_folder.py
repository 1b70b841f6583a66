"""A copy of the log is private, and does not outlive whoever made it: not even one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from exchange_values import varied_log
from studio_fakes import fake_studio

from studio.owned_folder import owned_folder, sweep
from studio.services.preview_export import ExportPreviews
from studio.tui.app import StudioApp

COPIES = """
import asyncio, sys
from pathlib import Path
from exchange_values import open_log
from studio.exchange.request import ExportRequest
from studio.services.preview_export import ExportPreviews

previews = ExportPreviews(open_log(Path(sys.argv[1])), Path(sys.argv[2]))
asyncio.run(previews.survey(ExportRequest("trl-sft"), lambda *_: None))
print("copied", flush=True)
sys.stdin.read()
"""


def copy_and_be_killed(home: Path, scratch: Path) -> None:
    """In a process of its own, which leaves its copy."""
    path = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[2])))
    command = [sys.executable, "-c", COPIES, str(home), str(scratch)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "copied\n"
        assert any(scratch.glob("*/corrections.parquet"))
        sweep(scratch)
        assert any(scratch.glob("*/corrections.parquet")), "what is in use stays"
        process.send_signal(signal.SIGKILL)
    assert any(scratch.glob("*/corrections.parquet"))


async def test_what_a_killed_preview_left_is_gone_with_the_next_and_at_the_apps_start(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    scratch = studio.workspace.scratch
    varied_log(tmp_path)
    copy_and_be_killed(tmp_path, scratch)
    async with StudioApp(studio).run_test() as pilot:
        while any(scratch.iterdir()):
            await pilot.pause(0.01)
    copy_and_be_killed(tmp_path, scratch)
    previews = ExportPreviews(studio.log, scratch)
    with owned_folder(scratch) as mine:
        (only,) = scratch.iterdir()
        assert only == mine
        assert mine.stat().st_mode & 0o077 == 0
    await previews.close()
    assert list(scratch.iterdir()) == []


def test_only_what_is_named_so_and_has_no_owner_is_swept(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / ".studio-draft-file").write_text("no folder")
    (tmp_path / ".studio-draft-link").symlink_to(tmp_path / "mine")
    with owned_folder(tmp_path) as first, owned_folder(tmp_path) as second:
        assert first.is_dir(), "the second one's sweep leaves what is in use"
        assert first != second
    sweep(tmp_path / "none")
    assert sorted(one.name for one in tmp_path.iterdir()) == [".studio-draft-file", ".studio-draft-link", "mine"]
