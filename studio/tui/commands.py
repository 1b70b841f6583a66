"""Every action by name: the command palette and the help list are both made from the bindings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import actions
from textual.app import SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

if TYPE_CHECKING:
    from studio.tui.app import StudioApp


def bindings_of(node: DOMNode) -> list[Binding]:
    """The bindings with an id that the node's class and its bases declare, in that order; later keys of one action
    are left out."""
    found: dict[str, Binding] = {}
    for cls in type(node).__mro__:
        for binding in cls.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id and binding.description:
                found.setdefault(binding.action, binding)
    return list(found.values())


def commands_of(app: StudioApp, screen: Screen[Any]) -> Iterator[SystemCommand]:
    """The screen's actions, then the app's, as commands of the palette; Import from every screen, for it has no key
    outside of Export.
    """
    offered: list[tuple[DOMNode, Binding]] = [(screen, binding) for binding in bindings_of(screen)]
    # Dialogs have the app's Help as their own, for the app's keys do not act above them.
    own = {binding.id for _, binding in offered}
    offered += [(app, binding) for binding in bindings_of(app) if binding.id not in own]
    for node, binding in offered:
        if binding.action == "command_palette" or not applies(node, binding):
            continue
        help_text = f"{binding.tooltip or binding.description} ({key_of(app, binding)})"
        # Compare is also what Chat and Review do with a question.
        title = f"Go to {binding.description}" if goes_to_screen(binding) else binding.description
        yield SystemCommand(title, help_text, partial(app.run_action, binding.action, node))
    if app.current_mode != "export":
        yield SystemCommand("Import…", "Corrections from a file or another log (i in Export)", partial(_import, app))


async def _import(app: StudioApp) -> None:
    await app.action_go("export")
    if app.screen is app.base_screen("export"):  # else Import is open there already
        await app.run_action("import", app.screen)


def applies(node: DOMNode, binding: Binding) -> bool:
    """Whether its action has something to act on now."""
    _, name, parameters = actions.parse(binding.action)
    return bool(node.check_action(name, parameters))


def goes_to_screen(binding: Binding) -> bool:
    """Whether it shows another of the studio's screens, whose name is its description."""
    return binding.action.startswith("go(")


def key_of(app: StudioApp, binding: Binding) -> str:
    """The key as shown, remapped where the user's settings say so."""
    if remapped := app.studio.settings.ui.keys.get(binding.id or ""):
        return remapped
    if binding.key_display:
        return binding.key_display
    # One by one: several at once are shown as they are written here, where the footer has ^o.
    keys = (replace(binding, key=key.strip()) for key in binding.key.split(","))
    return ",".join(app.get_key_display(key) for key in keys)
