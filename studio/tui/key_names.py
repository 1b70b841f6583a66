"""Every action that has a key, by the name under which `[ui.keys]` in studio.toml gives it another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

from studio.tui.widgets.header import MODES


class KeyName(NamedTuple):
    """`key` as it holds now, `default` as it ships."""

    name: str
    key: str
    default: str
    does: str


def all_keys(remapped: Mapping[str, str]) -> list[KeyName]:
    """The app's, then those of each screen and of the editors."""
    found: dict[str, KeyName] = {}
    for kind in _holders():
        for binding in kind.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id and binding.description:
                does = binding.tooltip or binding.description
                now = remapped.get(binding.id, binding.key)
                found.setdefault(binding.id, KeyName(binding.id, now, binding.key, does))
    return list(found.values())


def _holders() -> Iterator[type[DOMNode]]:
    from studio.tui.app import StudioApp
    from studio.tui.jumping_app import JumpingApp
    from studio.tui.recorded_app import RecordedApp
    from studio.tui.screens.audience import AudienceScreen
    from studio.tui.screens.demo import DemoScreen
    from studio.tui.screens.studio_screen import StudioScreen
    from studio.tui.screens.timeline import TimelineScreen
    from studio.tui.widgets.answer_editor import AnswerEditor
    from studio.tui.widgets.answer_view import AnswerView
    from studio.tui.widgets.feedback_line import FeedbackLine
    from studio.tui.widgets.text_input import Composer

    yield from (StudioApp, RecordedApp, JumpingApp, StudioScreen)
    for mode in MODES:
        yield getattr(import_module(f"studio.tui.screens.{mode}"), f"{mode.capitalize()}Screen")
    yield from (DemoScreen, AudienceScreen, TimelineScreen)
    yield from (Composer, AnswerView, AnswerEditor, FeedbackLine)
