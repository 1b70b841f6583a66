"""What every verb needs: the workspace, a wired studio for one command, and printing."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from studio.cli.say import say
from studio.domain.steering import STEERING, SURROGATES
from studio.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from studio.evaluation.audience_file import PreparedQuestion
    from studio.services.studio import Studio
    from studio.tui.app import StudioApp

T = TypeVar("T")


class Frame:
    """The command's surroundings; click hands it to each verb.

    Where no workspace is chosen, the usual one is found on first use.
    """

    def __init__(self, workspace: Workspace | None = None) -> None:
        self._workspace = workspace

    @property
    def workspace(self) -> Workspace:
        """Raises MachineError where there can be none."""
        if self._workspace is None:
            self._workspace = find_workspace()
        return self._workspace

    @workspace.setter
    def workspace(self, chosen: Workspace) -> None:
        self._workspace = chosen

    def run(self, use: Callable[[Any], Awaitable[T]], **overrides: Any) -> T:
        """Wire a studio, run one use case with it, and take its processes down again, whatever happens."""
        from studio.bootstrap import build_studio

        async def within() -> T:
            with ended_by_signals():
                wired = build_studio(self.workspace, **overrides)
                try:
                    wired.log.open()
                    return await use(wired)
                finally:
                    await wired.close()

        return asyncio.run(within())

    def open_app(self, record: Path | None = None) -> None:
        """The app on this workspace, recorded into a folder where one is named."""
        # Nothing that is imported becomes garbage, and looking for some takes a tenth of the start.
        # The app enables it again after its first paint.
        gc.disable()
        from studio.bootstrap import build_studio
        from studio.tui.app import StudioApp

        _run(StudioApp(build_studio(self.workspace)), record)

    def open_demo(
        self, json_file: Path | None, audience: Sequence[PreparedQuestion] | None, record: Path | None
    ) -> None:
        """The app on a throw-away log, with the demonstration playing; the user's own log is left alone.

        The starter session's questions are offered where no `audience` was prepared.
        """
        import tempfile

        from studio.bootstrap import build_studio, build_throwaway, starter_session
        from studio.evaluation.audience_file import load_audience
        from studio.tui.app import StudioApp
        from studio.tui.screens.demo import DemoScreen, Play

        questions = load_audience(starter_session() / "audience.toml") if audience is None else audience
        with tempfile.TemporaryDirectory(prefix="studio-demo-") as folder:
            origin, scenes = build_studio(self.workspace), count(1)

            def new_scene() -> Studio:
                return build_throwaway(Path(folder) / str(next(scenes)), origin)

            app = StudioApp(new_scene(), diagnostics=origin.workspace.diagnostics)
            play = Play(starter_session(), tuple(questions), new_scene, json_file)
            app.call_later(app.push_screen, DemoScreen(app.studio, play))
            _run(app, record)


async def interruptible(work: Callable[[], Awaitable[T]]) -> T:
    """Await what needs no wired studio; ctrl+c, SIGTERM and SIGHUP cancel it, and it cleans up undisturbed."""
    with ended_by_signals():
        return await work()


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP cancel the task at work, which then cleans up undisturbed, as ctrl+c does."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    told: list[int] = []

    def end(number: int) -> None:
        if task is not None and not told:
            task.cancel()
        told.append(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    caught = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in caught:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    except asyncio.CancelledError:
        if told:
            raise SystemExit(128 + told[0]) from None
        raise
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


def _run(app: StudioApp, record: Path | None) -> None:
    if record is None:
        app.run()
    else:
        from studio.tui.recording import Recording

        app.recording = recording = Recording(record, app.TITLE)
        try:
            app.run()
        finally:
            say(recording.finish(), err=True)
    if app.failure is not None:
        raise app.failure
    if app.return_code:
        raise SystemExit(app.return_code)


pass_frame = click.make_pass_decorator(Frame)
record_option = click.option(
    "--record",
    type=click.Path(path_type=Path, file_okay=False),
    help="Record the session into this new folder: a cast, stills, and a page that shows them.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


_UNSAFE = re.compile(f"[{STEERING}{SURROGATES}]")  # of which json itself escapes only what is below the space


def print_json(value: object) -> None:
    """One JSON document on stdout; text stays readable in any script, and harmless in a terminal."""
    document = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    click.echo(_UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", document))


def one_line(text: str, width: int = 72) -> str:
    """Text as one safe line of at most `width` characters."""
    from studio.reporting.terminal_text import printable

    line = " ".join(printable(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"
